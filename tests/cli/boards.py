"""Boards as the engine gives them, made up for the screen's tests."""

from typing import Any, cast

from schemas.incident import Board
from schemas.plan import Plan
from watchfloor.cli.board_view import View
from watchfloor.client.asks import Family

DIGEST = "sha256:" + "a" * 64


def ask(**changes: Any) -> dict[str, Any]:
    return {
        "path": "triage/order_doubt",
        "step": "order_doubt",
        "kind": "decide",
        "title": "The order fails its checks. What now?",
        "ask": DIGEST,
        "options": {
            "clarify": [{"any_of": ["legal_counsel"]}],
            "refuse": [{"any_of": ["legal_counsel"]}, {"any_of": ["exec_sponsor", "deputy"]}],
        },
        "slots": [],
        "exclude": [],
        "action": "",
        "action_digest": "",
        "inputs": {},
        "shown": [{"label": "steps.authenticate.failures", "value": ["signature_page_missing"]}],
        "form": {},
        "asked_at": "2026-11-22T03:10:00Z",
        "deadline_at": "2026-11-22T03:20:00Z",
        "on_silence": "exec_sponsor is paged, then the step fails",
        "answers": [],
        "accepted_at": [],
        **changes,
    }


def clock(name: str = "removal", **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "state": "running",
        "started_at": "2026-11-22T02:30:00Z",
        "due_at": "2026-11-22T03:30:00Z",
        "stopped_at": None,
        "warned": [],
        "restarts": 0,
        "assigned_to": None,
        **changes,
    }


def board(**changes: Any) -> Board:
    return cast(
        Board,
        {
            "v": 1,
            "kind": "incident",
            "workflow": "inc-abcdefghijklmnopqrst",
            "region": "eu",
            "title": "EU terrorist content removal order (one hour)",
            "runbook": "eu-tco-removal-order",
            "runbook_version": 1,
            "plan": DIGEST,
            "state": "open",
            "outcome": "",
            "severity": "S1",
            "phase": "triage",
            "phases": [{"name": "triage", "state": "running"}, {"name": "containment", "state": "waiting"}],
            "opened_at": "2026-11-22T03:09:00Z",
            "now": "2026-11-22T03:09:30Z",
            "commander": {"region": "eu", "person": "", "since": "2026-11-22T03:09:00Z", "fence": 0},
            "asks": [],
            "steps": [],
            "loops": [],
            "clocks": [],
            "facts": {},
            "measures": [],
            "children": [],
            "paused": None,
            "runs": 0,
            "history_events": 12,
            **changes,
        },
    )


def view(own: Board, *children: Board, plan: Plan | None = None, **abroad: Board) -> View:
    return View(Family(own, {child["workflow"]: child for child in children}, {}), plan, abroad)
