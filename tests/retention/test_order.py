"""The five-step order: every hard case of the field, and what no set of claims may do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.retention import Claim, Copy, Renewal, Ruling, decide
from watchfloor.retention.claims import STEPS
from watchfloor.retention.sentences import NEUTRAL

NOW = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)
DAY = timedelta(days=1)
VIDEO = Copy("vid-17", frozenset({"acct-7"}), kept_by="example-us")
IMAGE = Copy("img-3", frozenset({"acct-7"}), kept_by="example-us", csam=True)


def floor(id_: str = "us.2703f", *scope: str, **more: object) -> Claim:
    given = {"since": NOW - 30 * DAY, "until": NOW + 60 * DAY, "law": "18 USC 2703(f)", "authority": "LERT-1", **more}
    return Claim(id_, "floor", frozenset(scope or {"acct-7"}), **given)  # type: ignore[arg-type]


def erasure(*scope: str, **more: object) -> Claim:
    given = {"since": NOW - 2 * DAY, "until": NOW + 28 * DAY, "law": "GDPR Art. 17", **more}
    return Claim("erasure-1", "erasure", frozenset(scope or {"acct-7"}), **given)  # type: ignore[arg-type]


def ttl(due: datetime = NOW - DAY) -> Claim:
    return Claim("ttl.messages", "ttl", frozenset({"acct-7"}), since=NOW - 400 * DAY, until=due)


def litigation(**more: object) -> Claim:
    return Claim("lit-9", "litigation", frozenset({"acct-7"}), since=NOW - 90 * DAY, **more)  # type: ignore[arg-type]


def destruction(*scope: str, **more: object) -> Claim:
    given = {"since": NOW - DAY, "authority": "NCMEC-5", "signed": frozenset({"img-3"}), **more}
    return Claim("destroy-5", "destruction", frozenset(scope or {"img-3"}), **given)  # type: ignore[arg-type]


def said(ruling: Ruling) -> str:
    return "\n".join(ruling.reasoning)


# -- the hard cases ---------------------------------------------------------------------------------------------------


def test_a_users_erasure_during_a_preservation_letter_erases_everything_but_what_the_letter_names() -> None:
    letter = floor("letter-1", "vid-17", secret=True)
    ruling = decide(VIDEO, [erasure(), letter], NOW)
    assert (ruling.action, ruling.step, ruling.decided_by) == ("erase_outside", 2, ("letter-1",))
    assert ruling.next is not None
    assert (ruling.next.at, ruling.next.action) == (letter.until, "erase")
    other = decide(Copy("vid-18", frozenset({"acct-7"})), [erasure(), letter], NOW)
    assert (other.action, other.step) == ("erase", 4), "the letter keeps its exact scope only"


def test_the_person_is_answered_in_words_that_give_the_letter_away_to_nobody() -> None:
    letter = floor("letter-1", "vid-17", secret=True)
    told = decide(VIDEO, [erasure(), letter], NOW).tell
    assert told == NEUTRAL
    for word in ("letter-1", "2703", "LERT", "preserv", "hold", "police", "2027"):
        assert word not in told
    assert decide(VIDEO, [erasure(), replace(letter, until=NOW - DAY, held=True)], NOW).tell == NEUTRAL
    assert "18 USC 2703(f)" in decide(VIDEO, [erasure(), floor()], NOW).tell, "what may be told is told"
    assert decide(VIDEO, [letter], NOW).tell == "", "nobody asked"


@pytest.mark.parametrize(
    ("state", "action"), [("in_mailbox", "wait"), ("granted", "erase_outside"), ("refused", "erase")]
)
def test_a_hold_that_ends_while_its_renewal_lies_in_the_mailbox(state: str, action: str) -> None:
    renewal = Renewal(NOW - 2 * DAY, state, NOW + 89 * DAY if state == "granted" else None)  # type: ignore[arg-type]
    letter = floor(until=NOW - timedelta(hours=1), renewal=renewal)
    ruling = decide(VIDEO, [letter, erasure()], NOW)
    assert ruling.action == action
    if state == "in_mailbox":
        assert ruling.awaits == ("whether the renewal of `us.2703f` is valid",)
        assert "before its end, and nobody has read it" in said(ruling)
        before = decide(VIDEO, [letter, erasure()], NOW - DAY)
        assert before.next is not None
        assert (before.action, before.next.action) == ("erase_outside", "wait")


def test_a_renewal_that_came_too_late_still_stops_destruction_until_it_is_read() -> None:
    letter = floor(until=NOW - 2 * DAY, renewal=Renewal(NOW - DAY, "in_mailbox"))
    assert decide(VIDEO, [letter, ttl()], NOW).action == "wait"
    assert decide(VIDEO, [letter, ttl(NOW - 9 * DAY)], NOW - 1.5 * DAY).action == "erase", "it had not come yet"


def test_a_removal_order_found_unlawful_after_five_months_is_undone_and_the_copy_kept() -> None:
    began = NOW - 150 * DAY
    order = Claim("order-17", "withdrawal", frozenset({"vid-17"}), since=began, territory="eu", annulled_at=NOW)
    kept = floor("eu.tco.preserve", "vid-17", since=began, until=began + 181 * DAY)
    ruling = decide(VIDEO, [order, kept, ttl()], NOW)
    assert (ruling.action, ruling.step, ruling.restore_in) == ("restore", 2, ("eu",))
    assert decide(VIDEO, [order, kept, ttl()], NOW - DAY).action == "keep"
    assert decide(VIDEO, [order, kept, erasure()], NOW).action == "erase_outside", "nothing is shown against its owner"
    assert decide(replace(VIDEO, csam=True), [order, kept], NOW).action == "keep", "abuse material is never shown again"


def test_the_same_image_under_an_erasure_and_a_cybertip_is_kept_for_the_year() -> None:
    report = floor("us.cybertip.preserve", "img-3", until=NOW + 300 * DAY, secret=True, law="18 USC 2258A(h)(1)")
    ruling = decide(IMAGE, [erasure(), report, ttl()], NOW)
    assert (ruling.action, ruling.step, ruling.decided_by) == ("erase_outside", 2, ("us.cybertip.preserve",))
    assert ruling.tell == NEUTRAL


def test_an_order_for_one_territory_and_a_policy_for_the_whole_world_decide_nothing_about_the_copy() -> None:
    order = Claim("order-9", "withdrawal", frozenset({"vid-17"}), since=NOW - 9 * DAY, territory="DE")
    policy = Claim("policy.violence", "withdrawal", frozenset({"vid-17"}), since=NOW - 9 * DAY, territory="global")
    assert decide(VIDEO, [order, policy], NOW).action == "keep"
    annulled = replace(order, annulled_at=NOW - DAY)
    assert decide(VIDEO, [annulled, policy], NOW).action == "keep", "the policy still stands in the same place"
    alone = decide(VIDEO, [annulled], NOW)
    assert (alone.action, alone.restore_in) == ("restore", ("DE",))
    wide = replace(policy, annulled_at=NOW - DAY)
    assert decide(VIDEO, [order, wide], NOW).restore_in == ("global except DE",)
    in_eu = replace(policy, territory="eu")
    assert decide(VIDEO, [annulled, in_eu], NOW).action == "keep", "the union covers its member"


def test_an_eu_order_to_produce_what_lies_in_the_us_waits_for_the_objection() -> None:
    order = Claim(
        "epoc-4", "production", frozenset({"acct-7"}), since=NOW - DAY, until=NOW + 9 * DAY, served_on="example-ie"
    )
    ruling = decide(VIDEO, [order, erasure()], NOW)
    assert (ruling.action, ruling.step) == ("wait", 2)
    assert "an objection of conflicting law has to be raised within that time" in said(ruling)
    assert decide(VIDEO, [order, erasure()], NOW + 20 * DAY).action == "wait", "silence answers nothing"
    answered = replace(order, declined=frozenset({"vid-17"}))
    assert decide(VIDEO, [answered, erasure()], NOW).action == "erase"


@pytest.mark.parametrize(("word", "action"), [("", "wait"), ("signed", "erase_outside"), ("declined", "erase")])
def test_a_us_letter_about_what_lies_with_the_eu_company_binds_only_as_counsel_says(word: str, action: str) -> None:
    there = replace(VIDEO, kept_by="example-ie")
    letter = floor(served_on="example-us", **({word: frozenset({"vid-17"})} if word else {}))
    assert decide(there, [letter, erasure()], NOW).action == action
    assert decide(VIDEO, [letter, erasure()], NOW).action == "erase_outside", "the company it was served on is bound"


# -- the five steps, pair by pair -------------------------------------------------------------------------------------


def test_a_lawful_request_to_destroy_comes_before_floor_and_hold() -> None:
    claims = [floor(), litigation(signed=frozenset({"img-3"})), destruction()]
    ruling = decide(IMAGE, claims, NOW)
    assert (ruling.action, ruling.step, ruling.decided_by) == ("destroy", 1, ("destroy-5",))
    assert "its hash and a receipt stay; step 1 comes before `us.2703f`, `lit-9`" in said(ruling)


@pytest.mark.parametrize(
    ("copy", "request_"),
    [
        (IMAGE, destruction(signed=frozenset())),
        (IMAGE, destruction(signed=frozenset({"img-4"}))),
        (IMAGE, destruction(declined=frozenset({"img-3"}), signed=frozenset())),
        (IMAGE, destruction(declined=frozenset({"img-3"}))),
        (IMAGE, destruction(authority="")),
        (IMAGE, destruction(since=NOW + DAY)),
        (IMAGE, destruction(until=NOW)),
        (IMAGE, destruction("acct-7")),
        (VIDEO, destruction("vid-17", signed=frozenset({"vid-17"}))),
    ],
    ids=["unsigned", "other-image", "declined", "both", "no-reference", "future", "past", "by-account", "no-abuse"],
)
def test_a_request_to_destroy_that_lacks_anything_destroys_nothing(copy: Copy, request_: Claim) -> None:
    assert decide(copy, [request_], NOW).action == "keep"
    assert decide(copy, [request_, floor()], NOW).action == "keep"


def test_a_litigation_hold_reaches_an_image_of_abuse_only_when_counsel_signed_for_it() -> None:
    assert decide(VIDEO, [litigation(), ttl()], NOW).action == "keep"
    assert decide(IMAGE, [litigation(), ttl()], NOW).action == "wait"
    assert decide(IMAGE, [litigation(signed=frozenset({"img-4"})), ttl()], NOW).action == "wait"
    assert decide(IMAGE, [litigation(signed=frozenset({"img-3"})), ttl()], NOW).action == "keep"
    assert decide(IMAGE, [litigation(declined=frozenset({"img-3"})), ttl()], NOW).action == "erase"
    assert decide(IMAGE, [litigation(), floor(), ttl()], NOW).step == 2, "a floor needs no signature"


def test_a_period_that_is_not_over_erases_nothing_and_says_when_it_will() -> None:
    ruling = decide(VIDEO, [ttl(NOW + DAY)], NOW)
    assert (ruling.action, ruling.step) == ("keep", 0)
    assert ruling.next is not None
    assert (ruling.next.at, ruling.next.action) == (NOW + DAY, "erase")


def test_a_hold_that_nobody_released_outlasts_its_period() -> None:
    assert decide(VIDEO, [floor(until=NOW, held=True), ttl()], NOW).action == "wait"
    assert decide(VIDEO, [floor(until=NOW), ttl()], NOW).action == "erase"


def test_a_conflict_that_the_register_names_is_named_in_the_reasoning() -> None:
    letter = replace(floor(), meets=("erasure", "eu.gdpr.art17"))
    assert "The register names the conflict of `us.2703f` with `erasure-1`: step 2 comes first." in said(
        decide(VIDEO, [erasure(), letter], NOW)
    )


def test_every_claim_has_its_sentence_and_every_step_is_named() -> None:
    claims = [erasure(), floor(), litigation(), destruction(), ttl(), floor("us.other", "acct-8")]
    lines = decide(IMAGE, claims, NOW).reasoning
    assert [line.partition(".")[0] for line in lines] == [str(number) for number in range(1, len(lines) + 1)]
    for claim in claims:
        assert sum(f": `{claim.id}` " in line for line in lines) == 1
    for step in range(1, 6):
        assert any(f". Step {step}, " in line for line in lines)


# -- over all sets of claims ------------------------------------------------------------------------------------------

HOURS = st.integers(-200, 200).map(lambda hours: NOW + timedelta(hours=hours))
MAYBE = st.none() | HOURS
NAMES = st.frozensets(st.sampled_from(["copy", "acct", "hash", "other"]), max_size=3)
OWN = st.frozensets(st.sampled_from(["copy", "other"]), max_size=2)
RENEWALS = st.none() | st.builds(Renewal, HOURS, st.sampled_from(["in_mailbox", "granted", "refused"]), MAYBE)
COMPANIES = st.sampled_from(["", "us", "ie"])
CLAIMS = st.builds(
    Claim,
    st.sampled_from(["a", "b", "c", "d", "e"]),
    st.sampled_from([*STEPS, "withdrawal"]),
    NAMES,
    HOURS,
    MAYBE,
    authority=st.sampled_from(["", "ref-1"]),
    renewal=RENEWALS,
    signed=OWN,
    declined=OWN,
    served_on=COMPANIES,
    secret=st.booleans(),
    held=st.booleans(),
    territory=st.sampled_from(["global", "eu", "DE", "US"]),
    annulled_at=MAYBE,
)
COPIES = st.builds(Copy, st.just("copy"), st.frozensets(st.sampled_from(["acct", "hash"])), COMPANIES, st.booleans())
SETS = st.lists(CLAIMS, max_size=6)


def keeps_by_law(claim: Claim, copy: Copy) -> bool:
    """A floor of exact scope in force now, said in the words of the rule and not of the code."""
    named = bool({copy.id, *copy.names} & claim.scope)
    begun = claim.since <= NOW
    running = claim.until is None or claim.until > NOW
    if claim.renewal is not None and claim.renewal.received_at <= NOW and claim.renewal.state == "granted":
        running = running or claim.renewal.until is None or claim.renewal.until > NOW
    here = not claim.served_on or not copy.kept_by or claim.served_on == copy.kept_by
    return claim.kind == "floor" and named and begun and running and here


def is_lawful_request(claim: Claim, copy: Copy) -> bool:
    return (
        claim.kind == "destruction"
        and copy.csam
        and copy.id in claim.scope
        and bool(claim.authority)
        and copy.id in claim.signed - claim.declined
        and claim.since <= NOW
        and (claim.until is None or claim.until > NOW)
    )


@settings(max_examples=400, deadline=None)
@given(COPIES, SETS)
def test_nothing_under_an_active_floor_is_destroyed_unless_the_first_step_applies(
    copy: Copy, claims: list[Claim]
) -> None:
    ruling = decide(copy, claims, NOW)
    lawful = any(is_lawful_request(claim, copy) for claim in claims)
    assert (ruling.action == "destroy") == lawful
    if any(keeps_by_law(claim, copy) for claim in claims) and not lawful:
        assert not ruling.destroys


@settings(max_examples=150, deadline=None)
@given(COPIES, SETS, st.randoms(use_true_random=False))
def test_the_order_in_which_claims_are_given_never_matters(copy: Copy, claims: list[Claim], chance: object) -> None:
    shuffled = list(claims)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert decide(copy, shuffled, NOW) == decide(copy, claims, NOW)


@settings(max_examples=400, deadline=None)
@given(COPIES, SETS)
def test_what_is_said_to_come_next_comes_and_nothing_changes_before(copy: Copy, claims: list[Claim]) -> None:
    ruling = decide(copy, claims, NOW)
    horizon = ruling.next.at if ruling.next else NOW + timedelta(hours=500)
    for at in (NOW + (horizon - NOW) / 2, horizon - timedelta(microseconds=1)):
        if at > NOW:
            between = decide(copy, claims, at)
            assert (between.action, between.decided_by) == (ruling.action, ruling.decided_by)
    if ruling.next is not None:
        then = decide(copy, claims, ruling.next.at)
        assert then.action == ruling.next.action
        assert (then.action, then.step, then.decided_by, then.restore_in) != (
            ruling.action,
            ruling.step,
            ruling.decided_by,
            ruling.restore_in,
        )


@settings(max_examples=400, deadline=None)
@given(COPIES, SETS)
def test_more_claims_that_keep_never_lead_to_destruction(copy: Copy, claims: list[Claim]) -> None:
    if not decide(copy, claims, NOW).destroys:
        more = [*claims, Claim("z", "floor", frozenset({"copy"}), since=NOW - DAY)]
        assert not decide(copy, more, NOW).destroys
    fewer = [claim for claim in claims if claim.kind not in {"destruction", "erasure", "ttl"}]
    assert not decide(copy, fewer, NOW).destroys, "nothing goes unless somebody asks that it go"
