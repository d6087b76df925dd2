"""Before a deletion is sent, the conflict order is asked; what it says stands in the ledger with its reasoning."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.effects import EffectRunner
from activities.hold import terms_of
from schemas.actions import ErrorType
from schemas.ledger import EntryKind
from tests.activities.test_guards import attempt, grant_for, refused
from watchfloor.connections.port import CallFailed
from watchfloor.evidence.terms import HoldTerms, digest_names

URL = "https://example.test/v/1"
BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
ENDS = datetime(2027, 5, 1, tzinfo=UTC)


def terms(*names: str, **more: Any) -> HoldTerms:
    given = {"hold": "hold-1", "source": "content_store", "kind": "floor", "row": "eu.tco.preserve"}
    given |= {"title": "Preserve", "law": "Art. 6", "since": BEGAN, "until": ENDS}
    return HoldTerms(**{**given, "names": digest_names(list(names) or [URL]), **more})  # type: ignore[arg-type]


@pytest.fixture
def deletion(world: Any, call_of: Any) -> Callable[..., tuple[Any, Any]]:
    def build(*held: HoldTerms) -> tuple[Any, Any]:
        w = world()
        snapshot = w.deps.evidence.put(b"record")
        for one in held:
            w.deps.evidence.claim(one)
        call = call_of("content.delete", inputs={"url": URL, "snapshot": snapshot}, gated=True)
        call["grant"] = grant_for(call, w.deps.keys.face)
        return w, call

    return build


def ruling(w: Any) -> Any:
    (entry,) = [one for one in w.deps.ledger.read("inc-a") if one["kind"] == EntryKind.RETENTION]
    return entry["data"]


async def test_what_a_hold_names_is_not_deleted_whoever_approved_it(deletion: Any) -> None:
    w, call = deletion(terms())
    error = await refused(w, call)
    assert (error.type, error.non_retryable) == (ErrorType.REFUSED, True)
    said = ruling(w)
    assert (said["ruling"], said["rule"], said["by"]) == ("keep", 2, ["hold-1/content_store"])
    assert said["next_at"] == "2027-05-01T00:00:00Z"
    assert any(
        "keeps this copy since 2026-11-01T00:00:00Z until 2027-05-01T00:00:00Z" in one for one in said["reasoning"]
    )
    assert URL not in str(said), "the ledger holds references, not addresses"
    assert w.target.requests == []


@pytest.mark.parametrize("name", ["snapshot", "url"])
async def test_a_hold_names_a_thing_by_its_address_or_by_its_copy(deletion: Any, name: str) -> None:
    w, call = deletion()
    w.deps.evidence.claim(terms(call["inputs"][name]))
    assert (await refused(w, call)).type == ErrorType.REFUSED


async def test_a_hold_keeps_nothing_but_what_it_names(deletion: Any) -> None:
    w, call = deletion(terms(URL + "/2", "https://example.test/v"))
    await attempt(w, call)
    assert ruling(w)["ruling"] == "erase"
    assert len(w.target.effects) == 1


async def test_a_hold_for_a_court_case_keeps_at_the_third_step(deletion: Any) -> None:
    w, call = deletion(terms(kind="litigation", until=None))
    await refused(w, call)
    assert (ruling(w)["ruling"], ruling(w)["rule"]) == ("keep", 3)


async def test_a_hold_whose_period_is_over_keeps_until_two_people_release_it(deletion: Any) -> None:
    w, call = deletion(terms(until=BEGAN + timedelta(days=1)))
    await refused(w, call)
    said = ruling(w)
    assert said["ruling"] == "wait"
    assert said["awaits"] == [
        "whether the hold that rests on `hold-1/content_store` is released, which two people decide"
    ]
    w.deps.evidence.drop_claim("hold-1", "content_store")
    await attempt(w, call)
    assert len(w.target.effects) == 1


async def test_a_hold_of_an_older_engine_keeps_the_copies_that_it_lies_on(deletion: Any) -> None:
    w, call = deletion()
    w.deps.evidence.protect(call["inputs"]["snapshot"], "hold-old")
    await refused(w, call)
    assert ruling(w)["by"] == ["hold-old"]


async def test_claims_that_cannot_be_read_stop_the_deletion_and_it_is_tried_again(deletion: Any) -> None:
    w, call = deletion(terms())
    (w.deps.evidence.path / "claims" / "hold-1" / "content_store").write_text("{}")
    error = await refused(w, call)
    assert (error.type, error.non_retryable) == (ErrorType.UNAVAILABLE, False)


async def test_a_deletion_that_was_done_stays_done_when_a_hold_comes_after_it(deletion: Any) -> None:
    w, call = deletion()
    first = await attempt(w, call)
    w.deps.evidence.claim(terms())
    again = await attempt(w, call)
    assert (again["resolved"], again["outputs"]) == ("recorded", first["outputs"])
    assert len(w.target.effects) == 1


async def test_a_doubt_about_an_earlier_request_outlasts_the_refusal(deletion: Any) -> None:
    w, call = deletion()
    w.target.script = ["fail_after"]
    with pytest.raises(Exception, match="500"):
        await attempt(w, call)
    w.deps.evidence.claim(terms())
    with pytest.raises(Exception, match="not deleted"):
        await attempt(w, call)
    last = list(w.deps.ledger.read("inc-a"))[-1]
    assert (last["kind"], last["data"]["why"], last["data"]["possible"]) == (EntryKind.FAILED, "retention", True)


async def test_no_release_reaches_a_source_before_the_law_lets_it(world: Any, call_of: Any) -> None:
    w = world()
    w.deps.evidence.claim(terms())
    call = call_of("hold.unfreeze", incident="hold-1", gated=True)
    call["grant"] = grant_for(call, w.deps.keys.face)
    error = await refused(w, call)
    assert error.type == ErrorType.REFUSED
    assert "until 2027-05-01T00:00:00Z" in str(error)
    w.clock.at = ENDS
    call["grant"] = grant_for(
        call, w.deps.keys.face, asked={"deadline_at": None}, body={"expires_at": "2030-01-01T00:00:00Z"}
    )
    await EffectRunner(w.deps).carry_out(call, lambda: done(call))


async def done(call: Any) -> Any:
    return {"outputs": {"released_at": "2027-05-01T00:00:00Z"}, "key": call["key"], "resolved": "called", "done_at": ""}


@pytest.mark.parametrize("told", [[], {}, {"kind": "wish"}, {"kind": "floor", "title": "", "law": "", "since": "noon"}])
def test_terms_that_are_none_are_refused(call_of: Any, told: Any) -> None:
    call = call_of("hold.unfreeze")
    call["inputs"] = {**call["inputs"], "basis": "x", "scope": {}, "terms": told}
    with pytest.raises(CallFailed) as caught:
        terms_of(call)
    assert caught.value.type == ErrorType.BAD_INPUT
