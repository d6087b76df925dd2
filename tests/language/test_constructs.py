"""What the constructs around steps compile to, and what is refused about them."""

import base64
import json
import zlib
from typing import Any

import pytest

from schemas.plan import CONSTRUCTS
from tests.language.embedding import compile_piece
from watchfloor.signing import digest

ASK = "review: {from: [policy_lead], within: 1h, on_deny: undo, escalate: [deputy]}"
HIDE = 'id: hide, action: content.disable, with: {url: "https://example.test/v/1", scope: eu}'
PAGE = "action: page, with: {role: ops_lead, about: x}"
WAIT = "steps: [{id: b, wait: {for: 1m}}]"


def codes(piece: str) -> list[str]:
    return [finding.code for finding in compile_piece(piece).findings if finding.is_error]


def plan_of(piece: str) -> dict[str, Any]:
    compiled = compile_piece(piece)
    assert compiled.plan is not None, [finding.message for finding in compiled.findings]
    return dict(compiled.plan)


def first_step(piece: str) -> dict[str, Any]:
    step: dict[str, Any] = plan_of(piece)["phases"][0]["steps"][0]
    return step


TRY = f"""- id: careful
  try:
    steps:
      - {{{HIDE}}}
      - {{id: tell, {PAGE}}}
    catch:
      - {{on: [outcome_unknown, timed_out], steps: [{{id: ask, task: {{assignee: ops_lead, do: Look, within: 10m}}}}]}}
    undo: [hide]
    finally: [{{id: log, {PAGE}}}]
"""


def test_a_try_keeps_its_parts_and_the_places_of_its_steps() -> None:
    step = first_step(TRY)
    assert [inner["path"] for inner in step["steps"]] == ["main/careful/hide", "main/careful/tell"]
    (handler,) = step["handlers"]
    assert handler["on"] == ["outcome_unknown", "timed_out"]
    assert handler["steps"][0]["path"] == "main/careful/catch1/ask"
    assert step["finally_"][0]["path"] == "main/careful/finally/log"
    assert step["undo"] == ["hide"]


def test_after_a_try_that_catches_nothing_of_its_body_is_sure() -> None:
    reads = "- {id: after, if: steps.hide.disabled_at < now, wait: {for: 1m}}\n"
    assert codes(TRY + reads) == ["WF207"]
    assert codes(TRY + reads.replace("if: ", "if: has(steps.hide.disabled_at) && ")) == []


@pytest.mark.parametrize(("undo", "expected"), [("tell", "WF227"), ("log", "WF227"), ("hide", None)])
def test_a_try_takes_back_only_what_can_be_taken_back_and_is_its_own(undo: str, expected: str | None) -> None:
    assert codes(TRY.replace("undo: [hide]", f"undo: [{undo}]")) == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("catch", "expected"),
    [
        ("[{on: [any], steps: [S]}, {on: [refused], steps: [S2]}]", ["WF403"]),
        ("[{on: [refused], steps: [S]}, {on: [refused], steps: [S2]}]", ["WF403"]),
        ("[{on: [explodes], steps: [S]}]", ["WF123"]),
        ("[{on: [], steps: [S]}]", ["WF123"]),
        ("[{on: [refused], steps: [S]}, {on: [any], steps: [S2]}]", []),
    ],
)
def test_each_type_of_failure_is_caught_once(catch: str, expected: list[str]) -> None:
    catch = catch.replace("S2", "{id: d, wait: {for: 1m}}").replace("S]", "{id: c, wait: {for: 1m}}]")
    assert codes(f"- {{id: a, {PAGE}, on_error: {catch}}}") == expected


def test_on_error_by_type_puts_any_last_and_keeps_asking_for_the_rest() -> None:
    step = first_step(
        f"- {{id: a, {PAGE}, on_error: {{any: [{{id: c, wait: {{for: 1m}}}}],"
        " refused: [{id: d, wait: {for: 1m}}]}}"
    )
    assert [catch["on"] for catch in step["catches"]] == [["refused"], ["any"]]
    assert step["catches"][0]["steps"][0]["path"] == "main/a/on_error1/d"
    assert step["on_error"] == "fail"


def test_a_review_an_expiry_and_their_words_in_undo() -> None:
    step = first_step(f"- {{{HIDE}, {ASK}, expires: 24h, undo: {{on: [deny, expires, annulled]}}}}")
    assert step["review"] == {
        "slots": [{"any_of": ["policy_lead"]}],
        "exclude": [],
        "within": 3600.0,
        "on_deny": "undo",
        "escalate": ["deputy"],
        "rung": 600.0,
    }
    assert step["expires"] == 86400.0
    assert step["undo"]["on"] == ["deny", "expires", "annulled"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("undo: {on: [deny]}", ["WF121"]),
        ("undo: {on: [expires]}", ["WF121"]),
        ("review: {from: [deputy], within: 1h}", ["WF303"]),
        ("review: {from: [deputy], within: 1h}, undo: {on: [deny]}", []),
        ("review: {from: [deputy], within: 1h, on_deny: keep}, undo: {on: [deny]}", ["WF129"]),
        ("review: {from: [deputy], on_deny: keep}", ["WF310"]),
        ('expires: 1d, undo: {never: "it stays"}', ["WF227"]),
        (f'{ASK}, undo: {{never: "it stays"}}', ["WF227"]),
    ],
)
def test_what_is_to_be_taken_back_has_a_way_back(more: str, expected: list[str]) -> None:
    assert codes(f"- {{{HIDE}, {more}}}") == expected


BLIND = "- {{{hide}, approval: {{from: [{seats}], within: 10m, on_deny: stop, show: ['1 + 1'], {more}}}}}"
CHOICE = "- {{id: a, decide: {{ask: Which?, from: [{seats}], within: 10m, options: {{x: {{}}, y: {{}}}}, {more}}}}}"


@pytest.mark.parametrize("text", [BLIND, CHOICE])
def test_a_blind_opinion_needs_two_seats_and_shows_its_summary_first(text: str) -> None:
    two = "legal_counsel, deputy"
    step = first_step(text.format(hide=HIDE, seats=two, more="blind: true, summary: has(facts.removed)"))
    gate = step["approval"] if step["kind"] == "action" else step
    assert gate["blind"] is True
    assert gate["show"][0]["label"] == "has(facts.removed)"
    plain = first_step(text.format(hide=HIDE, seats=two, more="blind: false"))
    assert "blind" not in (plain["approval"] if plain["kind"] == "action" else plain)
    for seats, more, expected in (
        ("legal_counsel", "blind: true", ["WF123"]),
        (two, "summary: has(facts.removed)", ["WF123"]),
        (two, "blind: perhaps", ["WF122"]),
        (two, "blind: true, summary: facts.remuved", ["WF202"]),
    ):
        assert codes(text.format(hide=HIDE, seats=seats, more=more)) == expected, more


GLASS = (
    "- {{{hide}, approval: {{from: [legal_counsel], within: 10m, on_deny: stop, break_glass: {{by: ops_lead,"
    " after: {after}, when: has(facts.removed), {ask}}}}}}}"
)


def test_breaking_the_glass_names_who_when_and_who_looks_afterwards() -> None:
    glass = first_step(GLASS.format(hide=HIDE, after="5m", ask=ASK))["approval"]["break_glass"]
    assert (glass["by"], glass["after"], glass["when"]["src"]) == (
        {"any_of": ["ops_lead"]},
        300.0,
        "has(facts.removed)",
    )
    assert glass["review"]["on_deny"] == "undo"
    assert codes(GLASS.format(hide=HIDE, after="10m", ask=ASK)) == ["WF406"]
    assert codes(GLASS.format(hide=HIDE, after="5m", ask="review: {from: [deputy], within: 1h}")) == ["WF303"]


def test_another_runbook_is_packed_under_its_digest_with_typed_inputs() -> None:
    plan = plan_of("- {id: child, run: threat-to-life, key: inputs.order_id, known_at: facts.order_received}")
    step = plan["phases"][0]["steps"][0]
    raw = zlib.decompress(base64.b64decode(plan["library"][step["plan"]]))
    assert digest(raw) == step["plan"]
    assert json.loads(raw)["id"] == step["runbook"] == "threat-to-life"
    assert step["with_"]["order_id"]["expr"]["src"] == "inputs.order_id"
    assert (step["wait"], step["reroute"], step["each"]) == (True, False, None)
    assert step["outputs"] == {"told_at": {"type": "timestamp", "optional": True}}


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("with: {order_id: 3}", ["WF211"]),
        ("with: {order: x}", ["WF209"]),
        ("with: {urls: inputs.urls}", ["WF211"]),
        ("reroute: true, wait: true", ["WF129"]),
        ("reroute: true", []),
        ("key: inputs.received_at", ["WF206"]),
        ("known_at: inputs.order_id", ["WF206"]),
        ("each: {item: url, in: inputs.urls}, key: url", []),
        ("each: {item: now, in: inputs.urls}", ["WF132"]),
    ],
)
def test_a_run_is_judged_like_any_step(keys: str, expected: list[str]) -> None:
    assert codes(f"- {{id: child, run: threat-to-life, {keys}}}") == expected


def test_outputs_of_another_run_are_never_sure() -> None:
    child = "- {id: child, run: threat-to-life}\n"
    assert codes(child + "- {id: b, if: steps.child.told_at < now, wait: {for: 1m}}") == ["WF207"]
    assert codes(child + "- {id: b, if: has(steps.child.told_at), wait: {for: 1m}}") == []
    assert codes(child + "- {id: b, if: steps.child.outcome == 'closed', wait: {for: 1m}}") == []
    assert codes(child.replace("}", ", wait: false}") + "- {id: b, if: has(steps.child.told_at), wait: {for: 1m}}") == [
        "WF204"
    ]


def test_nothing_protected_goes_to_a_run_of_another_region() -> None:
    piece = (
        "inputs: {report: {type: string, data_class: us_protected}, place: string}\nfacts: {}\n"
        "phases:\n  - main:\n      - {id: away, run: in-us, with: {report: '${{ inputs.NAME }}'}}\n"
    )
    assert codes(piece.replace("NAME", "report")) == ["WF307"]
    assert codes(piece.replace("NAME", "place")) == []
    assert codes(piece.replace("NAME", "place") + "regions: {command: eu, allowed: [eu]}\n") == ["WF217"]


def test_nothing_after_a_moved_incident_runs() -> None:
    assert codes("- {id: away, run: threat-to-life, reroute: true}\n- {id: b, wait: {for: 1m}}") == ["WF403"]


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("on_fact: annulled, each: true", {"on_fact": "annulled", "each": True}),
        ("on_fact: annulled", {"on_fact": "annulled", "each": False}),
        ("from: facts.removed, every: 6h, for: 7d, detached: true", {"detached": True}),
    ],
)
def test_tracks_fire_by_fact_or_watch(head: str, expected: dict[str, object]) -> None:
    (track,) = plan_of(f"alongside: [{{id: t, {head}, {WAIT}}}]")["tracks"]
    assert expected.items() <= track.items()
    if "from" in head:
        assert (track["watch"]["every"], track["watch"]["length"]) == (21600.0, 604800.0)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("on_fact: annulled, when: has(facts.removed)", ["WF129"]),
        ("on_fact: nothing_such", ["WF215"]),
        ("when: has(facts.removed), each: true", ["WF121"]),
        ("from: facts.removed, every: 6h", ["WF121"]),
        ("from: facts.removed, every: 8d, for: 7d", ["WF129"]),
        ("detached: true", ["WF121"]),
    ],
)
def test_a_track_fires_in_one_way(head: str, expected: list[str]) -> None:
    assert codes(f"alongside: [{{id: t, {head}, {WAIT}}}]") == expected


def test_the_value_of_a_firing_is_fact() -> None:
    track = "alongside: [{{id: t, on_fact: annulled, each: true, steps: [{{id: b, if: {0}, wait: {{for: 1m}}}}]}}]"
    assert codes(track.format("fact < now")) == []
    assert codes(track.format("fact == 'x'")) == ["WF205"]
    assert codes("- {id: b, if: fact < now, wait: {for: 1m}}") == ["WF202"]


def test_a_track_that_outlives_the_incident_sees_no_steps() -> None:
    track = (
        "alongside: [{id: t, when: has(facts.removed), detached: DETACHED, steps: [{id: b,"
        " if: has(steps.first.sent_at), wait: {for: 1m}}]}]"
    )
    assert codes(track.replace("DETACHED", "false")) == []
    assert codes(track.replace("DETACHED", "true")) == ["WF203"]


CLOCK = (
    "clocks:\n  removal: {{use: eu.tco.removal, start: {}, stop: facts.removed, on_breach: [{{page: deputy}}], {}}}\n"
)


def test_a_clock_for_each_member_and_under_a_condition() -> None:
    more = "each: {item: each_url, in: inputs.urls}, if: inputs.state == 'DE', on_close: {assign: deputy}"
    clock = plan_of(CLOCK.format("facts.order_received", more))["clocks"]["removal"]
    assert clock["each"]["item"] == "each_url"
    assert clock["cond"]["src"] == "inputs.state == 'DE'"
    assert codes(CLOCK.format("facts.order_received", "if: inputs.state == 'XX', on_close: {assign: deputy}")) == [
        "WF218"
    ]


SCORE = (
    "severity: {default: S2, score: {imminence: 'has(facts.removed) ? 5 : 1', H: 4, vulnerability: 0, reach: 1, C: 5,"
    " exposure: 0}}"
)


def test_six_dimensions_by_name_or_letter() -> None:
    score = plan_of(SCORE)["score"]
    assert sorted(score) == ["C", "E", "H", "I", "R", "V"]
    assert score["I"]["src"] == "has(facts.removed) ? 5 : 1"
    assert codes(SCORE.replace(" exposure: 0", "")) == ["WF121"]
    assert codes(SCORE.replace("H: 4", "H: 4, harm: 3")) == ["WF129"]
    assert codes(SCORE.replace("C: 5", "C: \"'high'\"")) == ["WF206"]


def test_a_case_becomes_an_incident() -> None:
    plan = plan_of("mode: {default: case, incident_when: has(facts.annulled)}")
    assert (plan["mode"], plan["mode_when"]["src"]) == ("case", "has(facts.annulled)")
    assert codes("mode: {default: incident, incident_when: has(facts.annulled)}") == ["WF129"]


def test_whom_the_run_recuses_is_asked_nowhere() -> None:
    ask = "- id: a\n  decide: {ask: Which, from: [SEAT], within: 1h, options: {x: {}, y: {}}}"
    piece = "recuse: [deputy]\nphases:\n  - main:\n" + "\n".join(f"      {line}" for line in ask.split("\n"))
    step = first_step(piece.replace("SEAT", "{any_of: [deputy, ops_lead]}"))
    assert (step["slots"], step["exclude"]) == ([{"any_of": ["ops_lead"]}], ["deputy"])
    assert codes(piece.replace("SEAT", "deputy")) == ["WF305"]


TRIGGERS = """triggers:
  - manual: desk
  - webhook: portal
    where: event.kind == "order"
    map:
      order_id: ${{ event.order.id }}
      received_at: ${{ event.received_at }}
      state: DE
      urls: ${{ event.urls }}
    dedup: ${{ event.order.id }}
"""


def test_a_delivery_is_mapped_to_the_inputs() -> None:
    manual, webhook = plan_of(TRIGGERS)["triggers"]
    assert (manual["kind"], manual["source"], manual["map"]) == ("manual", "desk", {})
    assert sorted(webhook["map"]) == ["order_id", "received_at", "state", "urls"]
    assert webhook["dedup"]["expr"]["src"] == "event.order.id"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("      urls: ${{ event.urls }}\n", "", ["WF210"]),
        ("    dedup: ${{ event.order.id }}\n", "", ["WF121"]),
        ("state: DE", "state: XX", ["WF211"]),
        ("webhook: portal", "webhook: portal\n    every: 1h", ["WF129"]),
        ("webhook: portal", "webhook: portal\n    manual: other", ["WF129"]),
        ("event.kind ==", "inputs.order_id ==", ["WF202"]),
        ("- manual: desk", "- {schedule: nightly, every: 1s}", ["WF125"]),
        ("- manual: desk", "- {manual: desk, content: '${{ inputs.nothing }}'}", ["WF202"]),
        ("- manual: desk", "- {manual: desk, account: '${{ inputs.received_at }}'}", ["WF211"]),
        ("- manual: desk", "- {manual: desk, known_at: '${{ inputs.order_id }}'}", ["WF211"]),
    ],
)
def test_a_trigger_gives_every_input(old: str, new: str, expected: list[str]) -> None:
    assert old in TRIGGERS
    assert codes(TRIGGERS.replace(old, new)) == expected


def test_outputs_have_the_type_they_say() -> None:
    assert (
        plan_of("outputs: {at: {type: timestamp, value: facts.removed}}")["outputs"]["at"]["value"]["src"]
        == "facts.removed"
    )
    assert codes("outputs: {at: {type: int, value: facts.removed}}") == ["WF206"]


def test_a_fact_may_take_what_the_trigger_gives_and_it_is_sure_to_be_there() -> None:
    piece = "facts: {known: {type: timestamp, from: [trigger.SOURCE]}}"
    assert plan_of(piece.replace("SOURCE", "known_at"))["facts"]["known"]["sources"] == ["trigger.known_at"]
    assert codes(piece.replace("SOURCE", "knwon_at")) == ["WF222"]
    assert codes(piece.replace("SOURCE", "known_at").replace("timestamp", "int")) == ["WF222"]


JURISDICTIONS = "jurisdictions: {uploader: inputs.state, viewer: facts.seen_in, data_location: inputs.urls}\n"


@pytest.mark.parametrize("about", ["Some text", "QueueStalled", "a" * 65, "''"])
def test_what_a_page_is_about_is_a_code_when_it_is_written_and_not_only_when_it_is_sent(about: str) -> None:
    page = "- {id: told, action: page, with: {role: deputy, about: ABOUT}}\n"
    assert codes(page.replace("ABOUT", about)) == ["WF211"]
    assert codes(page.replace("ABOUT", "queue_stalled.2")) == []


def test_where_it_is_may_be_read_by_conditions() -> None:
    piece = "facts: {seen_in: {type: {type: list, of: string}, from: [desk]}}\n" + JURISDICTIONS
    plan = plan_of(piece)
    assert sorted(plan["jurisdictions"]) == ["data_location", "uploader", "viewer"]
    assert codes(piece.replace("inputs.state", "inputs.received_at")) == ["WF211"]
    assert codes(piece.replace("uploader", "uplaoder")) == ["WF120"]
    assert codes(piece.replace("inputs.state", "incident.region")) == ["WF202"]
    assert codes(piece.replace("facts.seen_in", "facts.nobody")) == ["WF202"]


def test_a_plan_says_which_inputs_an_approver_may_narrow() -> None:
    text = "{hide}, approval: {{from: [{seats}], within: 10m, on_deny: stop{more}}}"

    def narrows(hide: str = HIDE, more: str = "") -> Any:
        seats = "legal_counsel, deputy"
        return first_step("- {" + text.format(hide=hide, seats=seats, more=more) + "}").get("narrows")

    made = narrows()
    assert (set(made), made["scope"]["by"], "DE" in made["scope"]["inside"]["eu"]) == ({"scope"}, "scope", True)
    assert narrows(more=", blind: true") is None, "it would tell what they think"
    assert narrows(hide=PAGE.replace("action", "id: hide, action")) is None, "nothing of this contract can be narrowed"
    assert first_step(f"- {{{HIDE}}}").get("narrows") is None, "nobody is asked"
    inputs = "inputs: {order_id: string, received_at: timestamp, url: url, scope: string}\n"
    filled = "id: hide, action: content.disable"
    step = plan_of(f"{inputs}phases:\n  - main:\n      - {{{text.format(hide=filled, seats='deputy', more='')}}}\n")
    assert set(step["phases"][0]["steps"][0]["narrows"]) == {"scope"}, "an input that is filled in by itself counts"


def test_what_outlives_the_run_is_kept_by_nobody_whom_it_recuses() -> None:
    clocks = "clocks:\n  removal: {use: eu.tco.removal, start: inputs.received_at, on_close: {assign: ROLE}}\n"
    assert "WF305" in codes("recuse: [records_custodian]\n" + clocks.replace("ROLE", "records_custodian"))
    assert "WF305" not in codes("recuse: [deputy]\n" + clocks.replace("ROLE", "records_custodian"))
    step = "- id: a\n        hold: {basis: eu.tco.preserve, scope: {urls: inputs.urls}, sources: [content]RELEASE}"
    hold = "phases:\n  - main:\n      " + step
    written = ", release: [exec_sponsor, deputy]"
    assert "WF305" not in codes("recuse: [ops_lead]\n" + hold.replace("RELEASE", ""))
    for recused, release in (("records_custodian", written), ("legal_counsel", "")):
        assert "WF305" in codes(f"recuse: [{recused}]\n" + hold.replace("RELEASE", release))
    assert "WF305" not in codes("recuse: [legal_counsel]\n" + hold.replace("RELEASE", written))


def test_an_engine_that_does_not_keep_opinions_apart_is_given_none_to_keep() -> None:
    ask = "- id: a\n  decide: {ask: Which, from: [deputy, ops_lead], blind: true, within: 1h, options: {x: {}, y: {}}}"
    gate = (
        "- id: a\n  action: account.suspend\n  undo: {never: it stays}\n  with: {account: x, ground: y}\n"
        "  approval: {from: [policy_lead, ops_lead], blind: true, within: 1h, on_deny: stop}"
    )
    for piece in (ask, gate):
        assert codes(piece) == []
        found = [one.code for one in compile_piece(piece, CONSTRUCTS - {"blind"}).findings if one.is_error]
        assert found == ["WF128"]
