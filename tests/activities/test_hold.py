"""A hold protects the preserved copies in its scope before the source is told; only a release lets them go."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from temporalio.exceptions import ApplicationError

from activities.dependencies import Dependencies
from activities.effects import EffectRunner
from activities.hold import build, references_in
from schemas.actions import ActionCall, ActionReceipt, Grant
from schemas.decision import DECISION
from watchfloor.connections.port import Answer, CallFailed, Terms
from watchfloor.evidence import EvidenceHeld, EvidenceStore
from watchfloor.evidence.terms import digest_names
from watchfloor.ledger import SqliteLedger
from watchfloor.regions.keys import RegionKeys
from watchfloor.signing import action_digest, ask_digest, render_instant, sign

AT = datetime(2026, 11, 22, tzinfo=UTC)
OUTPUTS = {
    "hold.freeze": {"reference": "frz-1", "frozen_at": "2026-11-22T00:00:00Z"},
    "hold.canary": {"refused": True, "checked_at": "2026-11-22T00:00:00Z"},
    "hold.unfreeze": {"released_at": "2026-11-22T00:00:00Z"},
}
INPUTS: dict[str, dict[str, Any]] = {
    "hold.freeze": {"source": "content_store", "basis": "eu.tco.preserve", "scope": {}, "hold": "hold-1"},
    "hold.canary": {"source": "content_store", "hold": "hold-1"},
    "hold.unfreeze": {"source": "content_store", "reference": "frz-1", "hold": "hold-1"},
}


@dataclass
class Custodian:
    """Bindings of the three actions to a custodian that remembers what held when it was told."""

    evidence: EvidenceStore
    fails: str = ""
    told: list[tuple[str, int]] = field(default_factory=list)

    def terms(self, _action: str) -> Terms:
        return Terms("header", timedelta(0), timedelta(minutes=1))

    async def admit(self, _action: str) -> None:
        return None

    async def call(self, call: ActionCall) -> Answer:
        if call["action"] == self.fails:
            raise CallFailed("refused", "no", possible=False)
        self.told.append((call["action"], len(self.evidence.held("hold-1"))))
        return Answer(OUTPUTS[call["action"]], {}, AT)


@dataclass
class World:
    deps: Dependencies
    custodian: Custodian
    keys: RegionKeys

    async def act(self, action: str, **inputs: Any) -> ActionReceipt:
        call = self.call(action, **inputs)
        body = {one.__name__.replace("_", "."): one for one in build(self.deps)}[action]
        return await EffectRunner(self.deps).carry_out(call, lambda: body(call))

    def call(self, action: str, **inputs: Any) -> ActionCall:
        given = {**INPUTS[action], **inputs}
        key = secrets.token_hex(32)
        return {
            "v": 1,
            "action": action,
            "region": "eu",
            "incident": "hold-1",
            "plan": "sha256:plan",
            "step": "hold",
            "path": "content_store",
            "key": key,
            "inputs": given,
            "effect": "restricts",
            "tier": "L",
            "gated": action == "hold.unfreeze",
            "grant": self.grant(action, key, given) if action == "hold.unfreeze" else None,
            "entries": [],
            "severity": "",
        }

    def grant(self, action: str, key: str, inputs: dict[str, Any], option: str = "release") -> Grant:
        asked = {
            "path": "release", "round": 0, "kind": "release", "title": "Release", "action": action, "exclude": [],
            "options": {"release": [{"any_of": ["legal_counsel"]}, {"any_of": ["records_custodian"]}]}, "shown": [],
            "form": {}, "action_digest": action_digest(action, key, inputs),
            "deadline_at": render_instant(AT + timedelta(days=1)),
        }  # fmt: skip
        place = {"region": "eu", "namespace": "eu", "incident": "hold-1", "plan": "sha256:plan"}

        def decided(person: str, role: str) -> Any:
            body = {**place, "ask": ask_digest(asked, **place), "option": option}
            late = render_instant(AT + timedelta(minutes=5))
            return sign(DECISION, {**body, "person": person, "role": role, "expires_at": late}, self.keys.face)

        return {
            "asked": asked,
            "option": "release",
            "covers": [asked["action_digest"]],
            "requester": "",
            "decisions": [decided("counsel-1", "legal_counsel"), decided("custodian-1", "records_custodian")],
            "accepted_at": [render_instant(AT)] * 2,
        }


@pytest.fixture
def held(tmp_path: Path) -> Iterator[World]:
    keys = RegionKeys.generate()
    evidence = EvidenceStore(tmp_path / "evidence")
    custodian = Custodian(evidence)
    ledger = SqliteLedger(tmp_path / "ledger.sqlite")
    deps = Dependencies(
        region="eu",
        namespace="eu",
        keys=keys,
        decision_keys=keys.decision_keys,
        ledger=ledger,
        evidence=evidence,
        bindings=cast(Any, custodian),
        notifier=cast(Any, SimpleNamespace()),
        http=cast(Any, None),
        postmortem_path=tmp_path,
    )
    yield World(deps, custodian, keys)
    ledger.close()


async def test_copies_in_the_scope_are_protected_before_the_source_is_told(held: World) -> None:
    evidence = held.custodian.evidence
    mine, other = evidence.put(b"one"), evidence.put(b"two")
    elsewhere = "sha256:" + "0" * 64
    scope = {"refs": [mine, elsewhere], "urls": ["https://example.test/v/1"]}
    receipt = await held.act("hold.freeze", scope=scope)
    assert receipt["outputs"]["reference"] == "frz-1"
    assert held.custodian.told == [("hold.freeze", 1)]
    assert evidence.holds(mine) == ["hold-1"]
    with pytest.raises(EvidenceHeld):
        evidence.delete(mine, "test")
    evidence.delete(other, "test")


TERMS = {
    "kind": "floor",
    "title": "Preservation",
    "law": "Art. 6",
    "since": "2026-11-01T00:00:00Z",
    "until": "2026-11-02T00:00:00Z",
}


async def test_what_a_hold_claims_is_kept_from_its_freeze_to_its_release(held: World) -> None:
    await held.act("hold.freeze", scope={"urls": ["https://example.test/v/1"]}, terms=TERMS)
    await held.act("hold.freeze", scope={"urls": ["https://example.test/v/1"]}, terms=TERMS)
    (claim,) = held.custodian.evidence.claims()
    assert (claim.kind, claim.hold, claim.names) == ("floor", "hold-1", digest_names(["https://example.test/v/1"]))
    await held.act("hold.unfreeze")
    assert held.custodian.evidence.claims() == []


async def test_the_canary_only_asks(held: World) -> None:
    assert (await held.act("hold.canary"))["outputs"]["refused"] is True
    assert [entry["kind"] for entry in held.deps.ledger.read("hold-1")] == ["read.done"]


async def test_a_release_lets_the_copies_go_after_the_source_was_told(held: World) -> None:
    evidence = held.custodian.evidence
    mine = evidence.put(b"one")
    evidence.protect(mine, "hold-2")
    await held.act("hold.freeze", scope={"refs": [mine]})
    await held.act("hold.unfreeze")
    assert held.custodian.told == [("hold.freeze", 1), ("hold.unfreeze", 1)]
    assert evidence.holds(mine) == ["hold-2"], "another hold stays"


async def test_a_source_that_refuses_keeps_the_copies(held: World) -> None:
    mine = held.custodian.evidence.put(b"one")
    await held.act("hold.freeze", scope={"refs": [mine]})
    held.custodian.fails = "hold.unfreeze"
    with pytest.raises(ApplicationError):
        await held.act("hold.unfreeze")
    assert held.custodian.evidence.holds(mine) == ["hold-1"]


@pytest.mark.parametrize("missing", ["grant", "second", "option"])
async def test_nothing_is_released_without_the_grant_of_two_people(held: World, missing: str) -> None:
    await held.act("hold.freeze", scope={"refs": [held.custodian.evidence.put(b"one")]})
    call = held.call("hold.unfreeze")
    assert call["grant"] is not None
    if missing == "grant":
        call = {**call, "grant": None, "gated": False}
    elif missing == "second":
        call["grant"]["decisions"].pop()
        call["grant"]["accepted_at"].pop()
    else:
        call["grant"] = held.grant("hold.unfreeze", call["key"], call["inputs"], option="keep")
    body = build(held.deps)[-1]
    with pytest.raises(ApplicationError) as refused:
        await EffectRunner(held.deps).carry_out(call, lambda: body(call))
    assert refused.value.type == "no_grant"
    assert [name for name, _ in held.custodian.told] == ["hold.freeze"]


def test_references_are_found_however_deep() -> None:
    ref = "sha256:" + "a" * 64
    assert list(references_in({"x": [{"y": ref}, "sha256:short", ref.upper(), 7, None]})) == [ref]
