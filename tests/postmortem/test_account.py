"""Reading a ledger: what is there is told with its entry, what is missing stays missing."""

from datetime import timedelta

import pytest

from schemas.ledger import EntryKind, StoredEntry
from tests.postmortem.conftest import REASON, Story, moment
from watchfloor.postmortem.lessons import find_strengths, find_weaknesses
from watchfloor.postmortem.metrics import measure_latencies, measure_times, summarise
from watchfloor.postmortem.narrative import tell
from watchfloor.postmortem.reading import find_related, read_account
from watchfloor.postmortem.sentences import Id
from watchfloor.signing import parse_instant


def plain(words: tuple[object, ...]) -> str:
    return "".join(word.text if isinstance(word, Id) else str(word) for word in words)


def test_times_are_measured_from_knowledge_not_from_the_start_of_the_run(
    order: list[StoredEntry], chains: list[list[StoredEntry]]
) -> None:
    times = {metric.id: metric.value for metric in measure_times(read_account(order, chains))}
    assert times["TTA"] == timedelta(seconds=421 - 2.6)
    assert times["TTC"] == timedelta(seconds=1320 + 425)
    assert times["TTP"] == timedelta(seconds=1320 + 507), "proved when the last source was"
    assert times["TTM"] == timedelta(seconds=628.5)


def test_a_time_without_both_ends_is_missing_with_the_reason(order: list[StoredEntry]) -> None:
    hold = {metric.id: metric for metric in measure_times(read_account(order))}["TTP"]
    assert hold.value is None
    assert hold.missing == "the ledger has no entry for the end"
    assert summarise(read_account(order))["times"]["ttp"] is None


def test_a_hold_is_proved_only_when_every_source_is(order: list[StoredEntry], chains: list[list[StoredEntry]]) -> None:
    half = [[entry for entry in chains[0] if entry["path"] != "live_store"], chains[1]]
    assert [hold.verified for hold in read_account(order, half).holds] == [None]
    assert [bool(hold.verified) for hold in read_account(order, chains).holds] == [True]


def test_related_chains_are_found_in_the_order_they_were_started(order: list[StoredEntry]) -> None:
    assert find_related(order) == ["hold-11111111111111111111", "hand-22222222222222222222"]


def test_the_freeze_of_a_hold_is_not_counted_as_containment(
    order: list[StoredEntry], chains: list[list[StoredEntry]]
) -> None:
    assert {effect.action for effect in read_account(order, chains).effects if effect.kind == "restricts"} == {
        "content.disable"
    }


@pytest.mark.parametrize("spoil", ["cut", "swap", "twice"])
def test_a_chain_that_is_not_whole_is_not_told_from(order: list[StoredEntry], spoil: str) -> None:
    spoiled = {
        "cut": order[1:],
        "swap": [order[1], order[0], *order[2:]],
        "twice": [order[0], *order],
    }[spoil]
    with pytest.raises(ValueError, match="one whole chain in order"):
        read_account(spoiled)


def test_every_kind_of_entry_without_any_field_is_read_without_invention() -> None:
    story = Story()
    kinds = [value for name, value in vars(EntryKind).items() if name.isupper()]
    for at, kind in enumerate(kinds):
        story.note(at, kind, path=f"phase/{kind}")
    account = read_account(story.entries)
    assert account.received_at is None
    assert account.outcome == ""
    assert all(clock.due_at is None and clock.margin is None for clock in account.clocks)
    assert all(answer.role == "" and answer.option == "" for ask in account.asks for answer in ask.answers)
    assert all(effect.attempts is None for effect in account.effects)


def test_a_clock_stopped_by_a_fact_of_the_past_counts_by_the_fact(story: Story) -> None:
    story.note(0, "clock.started", {"clock": "removal", "started_at": moment(0), "due_at": moment(60)})
    story.note(70, "clock.stopped", {"clock": "removal", "stopped_at": moment(50)})
    (clock,) = read_account(story.entries).clocks
    assert (clock.state, clock.margin) == ("met", timedelta(seconds=10))


def test_a_clock_that_stood_still_is_judged_by_its_moved_end(story: Story) -> None:
    story.note(0, "clock.started", {"clock": "removal", "started_at": moment(0), "due_at": moment(60)})
    story.note(60, "clock.breached", {"clock": "removal"})
    reason = {"clock": "removal", "reason": "force_majeure", "since": moment(50)}
    story.note(70, "clock.paused", {**reason, "due_at": moment(60)})
    story.note(80, "clock.resumed", {**reason, "until": moment(75), "due_at": moment(85)})
    (clock,) = read_account(story.entries).clocks
    assert clock.state == "running"
    (still,) = clock.stills
    assert (still.reason, still.until) == ("force_majeure", parse_instant(moment(75)))
    story.note(90, "clock.stopped", {"clock": "removal", "stopped_at": moment(84), "due_at": moment(85)})
    (clock,) = read_account(story.entries).clocks
    assert (clock.state, clock.margin) == ("met", timedelta(seconds=1))
    told = [plain(sentence.words) for chapter in tell(read_account(story.entries)) for sentence in chapter.sentences]
    assert any("stood still from" in line and "force_majeure" in line for line in told)


def test_a_renewal_moves_the_end_and_one_that_did_not_count_says_why(story: Story) -> None:
    story.note(0, "clock.started", {"clock": "keep", "started_at": moment(0), "due_at": moment(60)})
    story.note(60, "clock.stopped", {"clock": "keep", "stopped_at": moment(60)})
    story.note(61, "clock.renewed", {"clock": "keep", "renewed_at": moment(59), "due_at": moment(90)})
    story.note(62, "clock.not_renewed", {"clock": "keep", "renewed_at": moment(61), "why": "the law allows no more"})
    (clock,) = read_account(story.entries).clocks
    assert (clock.state, clock.due_at) == ("running", parse_instant(moment(90)))
    assert [renewal.refused for renewal in clock.renewals] == ["", "the law allows no more"]


def test_a_clock_stopped_after_its_end_is_late(story: Story) -> None:
    story.note(0, "clock.started", {"clock": "removal", "started_at": moment(0), "due_at": moment(60)})
    story.note(60, "clock.breached", {"clock": "removal"})
    story.note(70, "clock.stopped", {"clock": "removal", "stopped_at": moment(65)})
    account = read_account(story.entries)
    assert (account.clocks[0].state, account.clocks[0].margin) == ("late", timedelta(seconds=-5))
    assert summarise(account)["clocks_met"] == 0


def test_an_effect_tried_again_is_one_effect(story: Story) -> None:
    data = {"key": "k", "action": "content.disable", "effect": "restricts"}
    story.note(0, "effect.announced", data, path="c/disable")
    story.note(1, "effect.failed", data | {"code": "unavailable"}, path="c/disable")
    story.note(2, "effect.done", data | {"attempt": 2, "resolved": "called"}, path="c/disable")
    (effect,) = read_account(story.entries).effects
    assert effect.done
    assert effect.retried
    assert effect.seqs == [1, 2, 3]


def test_all_that_went_wrong_is_named_with_its_entries(night: list[StoredEntry]) -> None:
    found = {plain(one.words): one.seqs for one in find_weaknesses(read_account(night))}
    kinds = {entry["seq"]: entry["kind"] for entry in night}
    cited = {kinds[seq] for seqs in found.values() for seq in seqs}
    assert cited >= {
        "clock.breached",
        "clock.stopped",
        "decision.silent",
        "decision.escalated",
        "decision.refused",
        "step.failed",
        "effect.doubtful",
        "effect.failed",
        "notice.failed",
        "run.paused",
        "hold.placed",
        "handoff.unanswered",
    }
    assert not find_strengths(read_account(night))


def test_a_good_night_has_nothing_to_say_but_its_retry(
    order: list[StoredEntry], chains: list[list[StoredEntry]]
) -> None:
    account = read_account(order, chains)
    assert [plain(one.words) for one in find_weaknesses(account)] == [
        "One call of content.disable needed another attempt."
    ]
    assert len(find_strengths(account)) == 4


def test_latency_is_the_median_and_the_longest(story: Story) -> None:
    for start, took in ((0, 10), (100, 30), (200, 500)):
        path = f"containment/gate{start}"
        story.ask(start, path, "approval", "legal_counsel")
        story.answer(start + took, path, "counsel-1", "legal_counsel", "approve")
    values = {metric.name: metric.value for metric in measure_latencies(read_account(story.entries))}
    assert values == {
        "approval latency": timedelta(seconds=30),
        "longest approval latency": timedelta(seconds=500),
    }


def test_whoever_spoke_as_commander_is_known(night: list[StoredEntry], story: Story) -> None:
    assert summarise(read_account(night))["commanders"] == ["ic-1"]
    story.note(0, "command.passed", {"person": "ic-2", "region": "us", "fence": 2})
    story.note(1, "fact.recorded", {"fact": "x", "role": "incident_commander"}, actor="ic-3")
    story.note(2, "fact.recorded", {"fact": "y", "role": "legal_counsel"}, actor="counsel-1")
    assert summarise(read_account(story.entries))["commanders"] == ["ic-2", "ic-3"]


def test_a_narrowing_is_told_with_what_was_left_out_and_whose_answers_fell(story: Story) -> None:
    story.note(0, "incident.opened", {"runbook": "r"})
    story.ask(1, "containment/disable", "approval", "legal_counsel")
    left_out = {
        "failures": {"left_out": 2, "of": 3, "digest": REASON},
        "scope": {"from": "eu", "to": "DE", "digest": REASON},
    }
    data = {"role": "legal_counsel", "left_out": left_out, "answered": ["commander-1"]}
    story.note(2, "decision.narrowed", data, path="containment/disable", actor="counsel-1")
    told = [plain(one.words) for chapter in tell(read_account(story.entries)) for one in chapter.sentences]
    assert (
        "counsel-1 as legal_counsel approved less than was asked at disable; failures: 2 of 3 left out, scope: DE, not "
        "eu; void was what had been said by commander-1."
    ) in told


def test_how_who_steered_it_had_signed_in_is_told_where_the_ledger_says_it() -> None:
    story = Story()
    story.note(0, "incident.opened", {})
    story.note(1, "run.paused", {"signed_in": "oidc"}, actor="ic-1")
    story.note(2, "run.resumed", {}, actor="ic-1")
    raised = {"severity": "S0", "before": "S1", "cause": "raised", "by": ["ops-1"], "signed_in": "webauthn"}
    story.note(3, "severity.set", raised)
    told = [plain(one.words) for chapter in tell(read_account(story.entries)) for one in chapter.sentences]
    assert "The run was paused by ic-1 (signed in: oidc)." in told
    assert "The run was resumed by ic-1." in told
    assert "Severity was set to S0, raised by ops-1 (signed in: webauthn)." in told
