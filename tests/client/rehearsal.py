"""A small workflow that asks one question, to rehearse the client against: it judges as the engine does."""

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from schemas.decision import CONTROL, DECISION, FACT, MOTION
    from watchfloor.signing import (
        SignatureRefused,
        ask_digest,
        envelope_digest,
        open_slots,
        refuse_decision,
        refuse_motion,
        render_instant,
        take_motion,
        verify,
    )

PATH = "triage/order_doubt"


@workflow.defn(name="Incident")
class Rehearsal:
    @workflow.init
    def __init__(self, start: dict[str, Any]) -> None:
        self.start = start
        self.heard: list[dict[str, Any]] = []
        now = workflow.info().workflow_start_time
        self.ask: dict[str, Any] = {
            "path": PATH,
            "step": "order_doubt",
            "kind": "decide",
            "title": "What now?",
            "ask": "",
            "options": {
                "clarify": [{"any_of": ["legal_counsel"]}],
                "refuse": [{"any_of": ["legal_counsel"]}, {"any_of": ["exec_sponsor"]}],
            },
            "slots": [],
            "exclude": [],
            "action": "",
            "action_digest": "",
            "inputs": {},
            "shown": [{"label": "steps.authenticate.failures", "value": ["signature_page_missing"]}],
            "form": {"seen_at": {"type": "timestamp", "optional": True}},
            "asked_at": render_instant(now),
            "deadline_at": render_instant(now + timedelta(minutes=10)),
            "on_silence": "pages exec_sponsor, then the step fails",
            "answers": [],
            "accepted_at": [],
        }
        self.ask["ask"] = ask_digest(
            self.ask,  # type: ignore[arg-type]
            region=start["region"],
            namespace=start["namespace"],
            incident=start["incident"],
            plan=start["plan"],
        )

    @workflow.run
    async def run(self, start: dict[str, Any]) -> list[dict[str, Any]]:
        await workflow.wait_condition(lambda: any(said.get("verb") == "abort" for said in self.heard))
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.heard

    @workflow.query(name="board")
    def board(self) -> dict[str, Any]:
        ended = any(said.get("verb") == "abort" for said in self.heard)
        return {
            "v": 1,
            "kind": "incident",
            "workflow": self.start["incident"],
            "region": self.start["region"],
            "title": "Rehearsal",
            "runbook": "rehearsal",
            "runbook_version": 1,
            "plan": self.start["plan"],
            "state": "aborted" if ended else "open",
            "outcome": "",
            "severity": "S1",
            "phase": "triage",
            "phases": [{"name": "triage", "state": "running"}],
            "opened_at": self.start["trigger"]["received_at"],
            "now": render_instant(workflow.now()),
            "commander": {"region": "eu", "person": "", "since": self.start["trigger"]["received_at"], "fence": 0},
            "asks": [] if ended else [self.ask],
            "steps": [],
            "loops": [],
            "clocks": [],
            "facts": {},
            "measures": [],
            "children": [],
            "paused": None,
            "runs": 0,
            "history_events": 5,
            **({"compartment": self.start["compartment"]} if "compartment" in self.start else {}),
        }

    def _open(self, envelope: dict[str, Any], domain: str) -> dict[str, Any]:
        try:
            return verify(envelope, domain, self.start["decision_keys"])  # type: ignore[arg-type]
        except SignatureRefused as error:
            raise ApplicationError(str(error), type="bad_signature", non_retryable=True) from error

    @workflow.update(name="decide")
    async def decide(self, envelope: dict[str, Any]) -> dict[str, Any]:
        self._take(envelope)
        if envelope["domain"] == MOTION:
            mark = envelope_digest(envelope)  # type: ignore[arg-type]
            return {"accepted": True, "digest": mark, "state": "recorded", "waiting_for": []}
        left = open_slots(self.ask["options"][envelope["body"]["option"]], [a["body"] for a in self.ask["answers"]])
        waiting = [" or ".join(slot["any_of"]) for slot in left]
        return {
            "accepted": True,
            "digest": envelope_digest(envelope),  # type: ignore[arg-type]
            "state": "waiting" if left else "complete",
            "waiting_for": waiting,
        }

    @decide.validator
    def judge(self, envelope: dict[str, Any]) -> None:
        body, now = self._open(envelope, MOTION if envelope["domain"] == MOTION else DECISION), workflow.now()
        if envelope["domain"] == MOTION:
            refusal = refuse_motion(self.ask, body, requester="", now=now)  # type: ignore[arg-type]
        else:
            refusal = refuse_decision(self.ask, body, requester="", now=now)  # type: ignore[arg-type]
        if refusal is not None:
            raise ApplicationError(refusal.message, type=refusal.type, non_retryable=True)

    @workflow.signal(name="decide_later")
    async def decide_later(self, envelope: dict[str, Any]) -> None:
        self._take(envelope)

    @workflow.update(name="fact")
    async def fact(self, envelope: dict[str, Any]) -> dict[str, Any]:
        self.heard.append(self._open(envelope, FACT))
        return {"accepted": True, "digest": "sha256:0", "state": "recorded", "waiting_for": []}

    @workflow.update(name="control")
    async def control(self, envelope: dict[str, Any]) -> dict[str, Any]:
        self.heard.append(self._open(envelope, CONTROL))
        return {"accepted": True, "digest": "sha256:0", "state": "recorded", "waiting_for": []}

    def _take(self, envelope: dict[str, Any]) -> None:
        if envelope["domain"] == MOTION:
            take_motion(self.ask, envelope, workflow.now())  # type: ignore[arg-type]
            return
        self.ask["answers"].append(envelope)
        self.ask["accepted_at"].append(render_instant(workflow.now()))
        self.heard.append(envelope["body"])
