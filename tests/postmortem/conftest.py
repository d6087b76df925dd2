"""Ledgers made by hand, in the shape that workflows and activities write."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.ledger import StoredEntry
from schemas.postmortem import DraftCall
from watchfloor.signing import digest, render_instant

INCIDENT = "inc-aaaaaaaaaaaaaaaaaaaa"
HOLD = "hold-11111111111111111111"
HANDOFF = "hand-22222222222222222222"
REVIEW = "post-33333333333333333333"
START = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)
GOLDEN = Path(__file__).parents[1] / "golden" / "postmortem"
REASON = "sha256:" + "ab" * 32


class Story:
    """Writes entries one after the other; `at` are seconds after the opening."""

    def __init__(self, chain: str = INCIDENT) -> None:
        self.chain = chain
        self.entries: list[StoredEntry] = []

    def note(
        self, at: float, kind: str, data: dict[str, Any] | None = None, *, path: str = "", actor: str = "engine"
    ) -> int:
        seq = len(self.entries) + 1
        step = path.rsplit("/", 1)[-1].split("[", maxsplit=1)[0].split("!", maxsplit=1)[0]
        entry: dict[str, Any] = {
            "v": 1,
            "id": f"{self.chain}:{seq}",
            "chain": self.chain,
            "kind": kind,
            "at": moment(at),
            "actor": actor,
            "step": step,
            "path": path,
            "data": data or {},
            "seq": seq,
            "prev": self.entries[-1]["hash"] if self.entries else "",
            "alg": "sha256",
            "recorded_at": moment(at + 0.01),
        }
        entry["hash"] = digest(entry)
        self.entries.append(entry)  # type: ignore[arg-type]
        return seq

    def ask(self, at: float, path: str, kind: str, role: str, within: float = 600) -> None:
        data = {"kind": kind, "ask": "sha256:1", "round": 0, "options": ["a"], "roles": [role]}
        self.note(at, "decision.asked", data | {"deadline_at": moment(at + within)}, path=path)

    def answer(self, at: float, path: str, person: str, role: str, option: str) -> None:
        data = {"ask": "sha256:1", "option": option, "role": role, "entity": "eu-entity", "reason_ref": REASON}
        self.note(at, "decision.recorded", data, path=path, actor=person)
        self.note(at, "decision.settled", {"ask": "sha256:1", "option": option}, path=path)

    def effect(self, at: float, path: str, action: str, kind: str, *, attempt: int = 1, took: float = 0.4) -> None:
        data = {"key": digest(path), "action": action, "effect": kind, "tier": "0"}
        for number in range(1, attempt + 1):
            self.note(at + number - 1, "effect.announced", data | {"n": number}, path=path)
        self.note(at + took, "effect.done", data | {"resolved": "called", "outputs": {}}, path=path)

    def read(self, at: float, path: str, action: str) -> None:
        self.note(at, "read.done", {"key": digest(path), "action": action, "attempt": 1}, path=path)


def moment(seconds: float) -> str:
    return render_instant(START + timedelta(seconds=seconds))


def removal_order(*, items: int = 12) -> Story:
    """An order that came 22 minutes before it was picked up, was doubted, carried out and handed over."""
    story = Story()
    opened = {"runbook": "eu-removal-order", "version": 3, "source": "gateway", "received_at": moment(-1320)}
    story.note(0, "incident.opened", opened | {"requester": ""})
    fact = {"value": moment(-1320), "observed_at": moment(-1320), "source": "inputs.received_at"}
    story.note(0, "fact.recorded", {"fact": "order_received", **fact})
    clock = {"clock": "removal", "started_at": moment(-1320), "due_at": moment(2280)}
    story.note(0, "clock.started", clock)
    story.note(0, "clock.warned", clock)
    story.note(0.1, "phase.entered", {"phase": "triage"})
    story.read(1.2, "triage/screen", "screen.imminent_threat")
    story.read(2.5, "triage/authenticate", "order.authenticate")
    story.ask(2.6, "triage/order_doubt", "decide", "legal_counsel")
    story.note(302.6, "decision.reminded", {"ask": "sha256:1", "roles": ["legal_counsel"]}, path="triage/order_doubt")
    story.answer(421, "triage/order_doubt", "counsel-1", "legal_counsel", "treat_as_valid")
    story.note(421.1, "phase.left", {"phase": "triage"})
    story.note(421.1, "phase.entered", {"phase": "containment"})
    story.note(480, "clock.warned", clock)
    for item in range(items):
        path = f"containment/remove[{item}]"
        story.read(422 + item * 0.5, f"{path}/snapshot", "evidence.snapshot")
        retry = 3 if item == 7 else 1
        story.effect(423 + item * 0.5, f"{path}/disable", "content.disable", "restricts", attempt=retry, took=retry * 2)
        data = {"key": digest(f"{path}/disable"), "action": "content.disable"}
        story.note(424 + item * 0.5, "measure.in_force", data, path=f"{path}/disable")
    story.read(440, "containment/probe[1]/look", "content.probe")
    story.read(500, "containment/probe[2]/look", "content.probe")
    story.note(
        500.1, "fact.recorded", {"fact": "removal_verified", "observed_at": moment(500), "source": "steps.probe"}
    )
    story.note(500.1, "clock.stopped", clock | {"stopped_at": moment(500), "state": "met"})
    story.note(500.1, "clock.started", {"clock": "preserve", "started_at": moment(500), "due_at": moment(15_552_500)})
    story.effect(501, "containment/reply", "authority.reply", "discloses")
    story.note(502, "phase.left", {"phase": "containment"})
    story.note(502, "phase.entered", {"phase": "legal_hold"})
    story.note(503, "hold.placed", {"hold": HOLD, "basis": "eu.tco.preserve"}, path="legal_hold/hold")
    story.note(507.2, "phase.left", {"phase": "legal_hold"})
    story.note(507.2, "phase.entered", {"phase": "handoff"})
    story.note(508, "handoff.offered", {"handoff": HANDOFF, "to": "us", "mode": "assist"}, path="handoff/to_us")
    story.note(628.1, "phase.left", {"phase": "handoff"})
    story.note(628.1, "phase.entered", {"phase": "postmortem"})
    story.note(628.2, "review.started", {"review": REVIEW}, path="postmortem/review")
    story.note(628.3, "phase.left", {"phase": "postmortem"})
    story.note(628.4, "clock.assigned", {"clock": "preserve", "role": "records_custodian"})
    story.note(628.5, "incident.closed", {"outcome": "closed"})
    return story


def related() -> list[list[StoredEntry]]:
    """What became of the hold and the handoff of `removal_order`, in their own chains."""
    hold = Story(HOLD)
    sources = ["content_store", "live_store"]
    hold.note(503, "hold.placed", {"hold": HOLD, "sources": sources, "expires_at": moment(15_552_503)}, path="hold")
    for at, source in ((505, "content_store"), (507, "live_store")):
        hold.effect(at - 1, source, "hold.freeze", "restricts")
        hold.note(at, "hold.verified", {"hold": HOLD, "source": source, "canary": 1}, path=source)
    handoff = Story(HANDOFF)
    handoff.note(508, "handoff.offered", {"handoff": HANDOFF, "to": "us", "mode": "assist"}, path="handoff/to_us")
    accepted = {"handoff": HANDOFF, "state": "accepted", "by": "desk-7", "role": "us_desk"}
    handoff.note(628, "handoff.accepted", accepted, path="handoff/to_us", actor="desk-7")
    return [hold.entries, handoff.entries]


def bad_night() -> Story:
    """All that can go wrong at once: late clock, silence, escalation, refusals, doubt, failures, a hold unproved."""
    story = Story()
    story.note(0, "incident.opened", {"requester": "analyst-4"})
    story.note(0, "clock.started", {"clock": "removal", "started_at": moment(0), "due_at": moment(3600)})
    story.note(0, "clock.started", {"clock": "notify", "started_at": moment(0), "due_at": moment(1800)})
    story.note(1, "phase.entered", {"phase": "triage"})
    story.ask(2, "triage/order_doubt", "decide", "legal_counsel")
    story.note(600, "decision.escalated", {"roles": ["exec_sponsor"]}, path="triage/order_doubt")
    story.note(900, "decision.refused", {"why": "late", "statement": "sha256:9"})
    story.note(902, "decision.silent", {"answers": 0}, path="triage/order_doubt")
    story.note(903, "step.failed", {"code": "silent"}, path="triage/order_doubt")
    story.ask(903, "triage/order_doubt!failed", "failed", "incident_commander")
    story.answer(960, "triage/order_doubt!failed", "ic-1", "incident_commander", "skip")
    story.note(961, "severity.set", {"severity": "S0", "before": "S1"})
    anew = {"clock": "removal", "started_at": moment(30), "due_at": moment(3630)}
    story.note(965, "clock.restarted", anew)
    story.note(970, "phase.left", {"phase": "triage"})
    story.note(970, "phase.entered", {"phase": "containment"})
    doubtful = {"key": "k-doubt", "action": "content.disable", "effect": "restricts"}
    story.note(975, "effect.announced", doubtful, path="containment/remove[0]/disable")
    story.note(1005, "effect.doubtful", doubtful, path="containment/remove[0]/disable")
    story.note(1300, "effect.resolved", doubtful | {"resolution": "happened"}, path="containment/remove[0]/disable")
    lost = {"key": "k-lost", "action": "authority.reply", "effect": "discloses"}
    story.note(1310, "effect.announced", lost, path="containment/reply")
    story.note(1340, "effect.failed", lost | {"error": "unavailable", "attempt": 5}, path="containment/reply")
    story.note(1800, "clock.breached", {"clock": "notify", "due_at": moment(1800)})
    story.note(1900, "notice.failed", {"kind": "ask", "roles": ["exec_sponsor"]}, path="containment/reply")
    story.note(2000, "run.paused", {}, actor="ic-1")
    story.note(2100, "run.resumed", {}, actor="ic-1")
    story.note(3630, "clock.breached", anew)
    story.note(3850, "clock.stopped", {"clock": "removal", "stopped_at": moment(3840)})
    story.note(3860, "hold.placed", {"hold": "hold-9", "sources": ["content_store"]}, path="legal_hold/hold")
    story.note(
        3870, "handoff.offered", {"handoff": "hand-9", "to_region": "us", "mode": "assist"}, path="handoff/to_us"
    )
    story.note(4470, "handoff.unanswered", {"handoff": "hand-9"}, path="handoff/to_us")
    story.note(4500, "incident.closed", {"outcome": "failed"})
    return story


def draft_call(**more: Any) -> DraftCall:
    call: dict[str, Any] = {
        "v": 1,
        "postmortem": REVIEW,
        "incident": INCIDENT,
        "region": "eu",
        "title": "Removal order (one hour)",
        "runbook": "eu-removal-order",
        "plan": "sha256:" + "cd" * 32,
        "outcome": "closed",
        "clocks": [],
        "due_at": "2026-12-04T03:20:28Z",
    }
    return call | more  # type: ignore[return-value]


@pytest.fixture
def order() -> list[StoredEntry]:
    return removal_order().entries


@pytest.fixture
def chains() -> list[list[StoredEntry]]:
    return related()


@pytest.fixture
def night() -> list[StoredEntry]:
    return bad_night().entries


@pytest.fixture
def story() -> Story:
    return Story()


@pytest.fixture
def call() -> DraftCall:
    return draft_call()


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare with a golden file; `WATCHFLOOR_GOLDEN=write` writes it anew, to be read before it is committed."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("WATCHFLOOR_GOLDEN") == "write":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"{name} changed; WATCHFLOOR_GOLDEN=write, then look at it"

    return compare
