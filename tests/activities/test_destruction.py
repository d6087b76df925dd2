"""Lawful destruction on a real store: only what was ruled on and approved goes, and its hash and a receipt stay."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from activities.destruction import destroy, rule
from activities.effects import EffectRunner
from schemas.actions import ErrorType
from schemas.ledger import EntryKind
from tests.activities.test_guards import grant_for
from tests.activities.test_retention import terms
from watchfloor.evidence import EvidenceMissing, EvidenceStore
from watchfloor.signing import envelope_digest

REQUEST = {"material": "csam", "authority": "LE-2026-17", "requested_at": "2026-11-20T09:00:00Z"}
SEATS = [{"any_of": ["records_custodian"]}, {"any_of": ["legal_counsel"]}]


class Case:
    """One world with two preserved copies."""

    def __init__(self, w: Any, call_of: Callable[..., Any]) -> None:
        self.w, self._call_of = w, call_of
        self.store: EvidenceStore = w.deps.evidence
        self.refs = sorted(self.store.put(content) for content in (b"one", b"two"))

    async def carry_out(self, call: Any) -> Any:
        body = (rule if call["action"] == "retention.rule" else destroy)(self.w.deps)
        return await EffectRunner(self.w.deps).carry_out(call, lambda: body(call))

    async def ruled(self, **inputs: Any) -> Any:
        given = {"exhibits": self.refs, **REQUEST, **inputs}
        call = self._call_of("retention.rule", inputs=given, key="r" * 63 + str(len(self.entries())))
        return (await self.carry_out(call))["outputs"]

    def approved(self, ruling: str, *, asked: Any = None, **inputs: Any) -> Any:
        given = {"exhibits": self.refs, **REQUEST, "ruling": ruling, **inputs}
        call = self._call_of("evidence.destroy", inputs=given, gated=True)
        call["grant"] = grant_for(call, self.w.deps.keys.face, **({"asked": asked} if asked else {}))
        return call

    async def refused(self, call: Any) -> ApplicationError:
        with pytest.raises(ApplicationError) as caught:
            await self.carry_out(call)
        return caught.value

    async def dies_halfway(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        """An approved call whose worker dies when one copy is gone; gives the call."""
        ruled = await self.ruled()
        call, removed = self.approved(ruled["ruling"]), list[str]()
        remove = EvidenceStore._remove

        def dies_at_the_second(store: EvidenceStore, name: str) -> None:
            if removed:
                raise RuntimeError("the worker dies")
            removed.append(name)
            remove(store, name)

        with monkeypatch.context() as broken:
            broken.setattr(EvidenceStore, "_remove", dies_at_the_second)
            with pytest.raises(RuntimeError, match="dies"):
                await self.carry_out(call)
        return call

    def entries(self, kind: str = "") -> list[Any]:
        return [one for one in self.w.deps.ledger.read("inc-a") if kind in {"", one["kind"]}]

    def kept(self) -> list[bool]:
        return [self.store.exists(ref) for ref in self.refs]


@pytest.fixture
def case(world: Any, call_of: Any) -> Case:
    return Case(world(), call_of)


async def test_what_is_ruled_and_approved_goes_and_its_hash_and_receipts_stay(case: Case) -> None:
    ruled = await case.ruled()
    assert (ruled["destroys"], ruled["kept"], ruled["held_by"]) == (True, 0, [])
    assert "before anybody has approved" in case.entries(EntryKind.RETENTION)[0]["data"]["reasoning"][0]
    call = case.approved(ruled["ruling"])
    receipt = await case.carry_out(call)
    assert case.kept() == [False, False]
    told = json.loads(case.store.get(receipt["outputs"]["receipt"]))
    assert [one["ref"] for one in told["exhibits"]] == case.refs
    assert (told["authority"], told["ruling"], told["law"]) == ("LE-2026-17", ruled["ruling"], "18 USC 2258B(c)")
    assert told["decisions"] == [envelope_digest(one) for one in call["grant"]["decisions"]]
    own = json.loads(case.store.get(told["exhibits"][0]["receipt"]))
    assert (own["ref"], own["size"], own["reason"]) == (case.refs[0], 3, "lawful_destruction")
    kinds = [one["kind"] for one in case.entries()]
    ruling = [EntryKind.RETENTION, EntryKind.RETENTION]
    assert kinds == [*ruling, EntryKind.READ, *ruling, EntryKind.ANNOUNCED, EntryKind.DESTROYED, EntryKind.DONE]
    (entry,) = case.entries(EntryKind.DESTROYED)
    assert sorted(entry["data"]["exhibits"]) == case.refs
    assert entry["data"]["receipt"] == receipt["outputs"]["receipt"]
    assert case.w.target.requests == [], "no system is asked: it is this region's own store"


async def test_step_one_goes_before_a_hold_that_was_weighed(case: Case) -> None:
    case.store.claim(terms(case.refs[0]))
    case.store.protect(case.refs[0], "hold-1")
    ruled = await case.ruled()
    assert (ruled["destroys"], ruled["held_by"]) == (True, ["hold-1/content_store"])
    await case.carry_out(case.approved(ruled["ruling"]))
    assert case.kept() == [False, False]
    assert any("step 1 comes before `hold-1/content_store`" in line for one in case.entries(EntryKind.RETENTION)
               for line in one["data"]["reasoning"])  # fmt: skip


@pytest.mark.parametrize("change", ["placed", "laid on", "renewed", "released"])
async def test_a_hold_that_changed_since_it_was_approved_stops_everything(case: Case, change: str) -> None:
    held = terms(case.refs[0])
    if change in {"renewed", "released"}:
        case.store.claim(held)
    ruled = await case.ruled()
    call = case.approved(ruled["ruling"])
    match change:
        case "placed":
            case.store.claim(held)
        case "laid on":
            case.store.protect(case.refs[1], "hold-2")
        case "renewed":
            case.store.claim(terms(case.refs[0], until=datetime(2028, 5, 1, tzinfo=UTC)))
        case "released":
            case.store.drop_claim("hold-1", "content_store")
    error = await case.refused(call)
    assert (error.type, error.non_retryable) == (ErrorType.REFUSED, True)
    assert "rule and ask again" in str(error)
    (failed,) = case.entries(EntryKind.FAILED)
    assert failed["data"]["held"] == {"laid on": ["hold-2"], "released": []}.get(change, ["hold-1/content_store"])
    assert case.kept() == [True, True]
    assert case.entries(EntryKind.ANNOUNCED) == []
    again = await case.ruled()
    assert again["ruling"] != ruled["ruling"]
    await case.carry_out(case.approved(again["ruling"]))
    assert case.kept() == [False, False]


async def test_a_hold_that_comes_between_the_last_look_and_the_deed_is_seen(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    ruled = await case.ruled()
    call = case.approved(ruled["ruling"])
    announce = case.w.deps.ledger.announce

    def and_then_a_hold(*given: Any) -> Any:
        case.store.protect(case.refs[0], "hold-late")
        return announce(*given)

    monkeypatch.setattr(case.w.deps.ledger, "announce", and_then_a_hold)
    error = await case.refused(call)
    assert (error.type, case.kept()) == (ErrorType.REFUSED, [True, True])
    assert "hold-late" in str(error)


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ({"material": "terror"}, "keep"),
        ({"authority": ""}, "keep"),
        ({"requested_at": "2027-01-01T00:00:00Z"}, "keep"),
    ],
)
async def test_what_no_lawful_request_is_about_is_kept_and_says_why(case: Case, inputs: Any, why: str) -> None:
    ruled = await case.ruled(**inputs)
    assert (ruled["destroys"], ruled["kept"]) == (False, 2)
    error = await case.refused(case.approved(ruled["ruling"], **inputs))
    assert error.type == ErrorType.REFUSED
    assert why in str(error)
    assert case.kept() == [True, True]


async def test_only_the_very_exhibits_that_were_ruled_on_go(case: Case) -> None:
    ruled = await case.ruled(exhibits=case.refs[:1])
    assert (await case.refused(case.approved(ruled["ruling"]))).type == ErrorType.REFUSED
    assert case.kept() == [True, True]
    await case.carry_out(case.approved(ruled["ruling"], exhibits=case.refs[:1]))
    assert case.kept() == [False, True]


@pytest.mark.parametrize("exhibits", [[], ["sha256:" + "0" * 64], ["../../etc/passwd"], ["sha256:zz"]])
async def test_what_is_not_kept_here_is_not_destroyed(case: Case, exhibits: list[str]) -> None:
    call = case.approved("sha256:" + "1" * 64, exhibits=exhibits)
    assert (await case.refused(call)).type in {ErrorType.REFUSED, ErrorType.BAD_INPUT}


async def test_without_counsel_or_by_one_person_nothing_goes_whatever_the_plan_asked(case: Case) -> None:
    ruled = await case.ruled()
    call = case.approved(ruled["ruling"], asked={"options": {"approve": [{"any_of": ["legal_counsel"]}]}})
    call["grant"] = {
        **call["grant"],
        "decisions": call["grant"]["decisions"][1:],
        "accepted_at": call["grant"]["accepted_at"][1:],
    }
    assert (await case.refused(call)).type == ErrorType.NO_GRANT
    assert (await case.refused({**case.approved(ruled["ruling"]), "grant": None})).type == ErrorType.NO_GRANT
    assert case.kept() == [True, True]


async def test_a_call_that_died_halfway_is_completed_and_destroys_nothing_twice(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = await case.dies_halfway(monkeypatch)
    assert sorted(case.kept()) == [False, True]
    receipt = await case.carry_out(call)
    assert case.kept() == [False, False]
    told = json.loads(case.store.get(receipt["outputs"]["receipt"]))
    assert [one["ref"] for one in told["exhibits"]] == case.refs
    again = await case.carry_out(call)
    assert (again["resolved"], again["outputs"]) == ("recorded", receipt["outputs"])
    assert len(case.entries(EntryKind.DESTROYED)) == 1


async def test_a_hold_after_a_death_halfway_keeps_the_rest_and_the_record_says_what_is_gone(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = await case.dies_halfway(monkeypatch)
    (left,) = [ref for ref in case.refs if case.store.exists(ref)]
    case.store.protect(left, "hold-late")
    error = await case.refused(call)
    assert (error.type, "1 went in an earlier attempt" in str(error)) == (ErrorType.REFUSED, True)
    assert case.store.exists(left)
    (entry,) = case.entries(EntryKind.DESTROYED)
    assert (sorted(entry["data"]["exhibits"]), entry["data"]["receipt"]) == (
        [ref for ref in case.refs if ref != left],
        "",
    )


async def test_a_copy_that_is_preserved_anew_is_a_copy_again(case: Case) -> None:
    ruled = await case.ruled()
    await case.carry_out(case.approved(ruled["ruling"]))
    with pytest.raises(EvidenceMissing):
        case.store.get(case.refs[0])
    assert case.store.put(b"one") in case.refs
    assert case.store.destroyed(case.refs, "k" * 64).keys() == {ref for ref in case.refs if not case.store.exists(ref)}
