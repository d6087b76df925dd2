"""Plans for the graph tests, made by hand in the shape that the compiler gives."""

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.plan import Plan

Made = dict[str, Any]


def expr(src: str, *variables: str) -> Made:
    return {"src": src, "cel": src, "vars": dict.fromkeys(variables, "bool"), "type": "bool"}


def step(kind: str, id_: str, path: str, **more: Any) -> Made:
    return {
        "id": id_,
        "path": f"{path}/{id_}",
        "at": "1:1",
        "name": "",
        "cond": None,
        "timeout": None,
        "on_error": "fail",
        "records": {},
        "kind": kind,
    } | more


def action(id_: str, path: str, name: str, effect: str = "reads", **more: Any) -> Made:
    return step(
        "action",
        id_,
        path,
        **(
            {
                "action": name,
                "with_": {},
                "retry": {"times": 5, "first": 1.0, "factor": 2.0, "up_to": 30.0},
                "attempt_timeout": 10.0,
                "effect": effect,
                "irreversible": False,
                "tier": "0",
                "outputs": {},
                "approval": None,
                "undo": None,
                "doubt": {"ask": ["ops_lead"], "within": 600.0},
            }
            | more
        ),
    )


def silence(*roles: str, then: Any = "fail") -> Made:
    return {"escalate": list(roles), "rung": 300.0, "then": then}


def slots(*roles: str) -> list[Made]:
    return [{"any_of": role.split("|")} for role in roles]


def law(id_: str, **more: Any) -> Made:
    return {
        "id": id_,
        "kind": "deadline",
        "title": id_,
        "legal_ref": "none",
        "duration": None,
        "business_days": None,
        "months": None,
        "internal_slo": None,
        "basis": "P",
        "owner": "legal",
        "review_after": "2027-05-01",
        "holidays": [],
    } | more


def plan_of(phases: dict[str, list[Made]], **more: Any) -> Plan:
    return {  # type: ignore[return-value]
        "format": 1,
        "language": 1,
        "engine": 1,
        "cel": 1,
        "id": "drawn",
        "version": 1,
        "title": "A drawn runbook",
        "source_digest": "sha256:0",
        "owners": ["ts-eu"],
        "harm": "terrorism",
        "mode": "incident",
        "compartment": "terror",
        "command": "eu",
        "allowed_regions": ["eu", "us"],
        "handoff_allowed": True,
        "severity": "S1",
        "floors": [],
        "inputs": {},
        "facts": {},
        "clocks": {},
        "tracks": [],
        "phases": [{"name": name, "steps": steps} for name, steps in phases.items()],
        "close_when": None,
        "step_outputs": {},
    } | more


def removal_order() -> Plan:
    """A one-hour removal order: every step kind, a gate, undo, two clocks and a track."""
    triage = [
        action("screen", "triage", "screen.imminent_threat", records={"imminent_threat": expr("steps.screen.at")}),
        action("authenticate", "triage", "order.authenticate", timeout=300.0),
        step(
            "decide",
            "order_doubt",
            "triage",
            cond=expr("!steps.authenticate.authentic || !steps.authenticate.complete"),
            ask={"lit": "The order fails its checks. What now?"},
            show=[],
            slots=slots("legal_counsel"),
            exclude=[],
            within=600.0,
            remind=[],
            options={
                "clarify": {
                    "also": [],
                    "steps": [
                        action("ask_authority", "triage/order_doubt/clarify", "authority.clarify", "discloses"),
                        step(
                            "wait",
                            "answer",
                            "triage/order_doubt/clarify",
                            for_=None,
                            until=None,
                            fact="clarification_received",
                            within=86400.0,
                            on_timeout="fail",
                        ),
                    ],
                },
                "treat_as_valid": {"also": [], "steps": []},
                "refuse": {
                    "also": slots("exec_sponsor"),
                    "steps": [step("stop", "refused", "triage/order_doubt/refuse", outcome="refused")],
                },
            },
            on_silence=silence("exec_sponsor"),
        ),
    ]
    containment = [
        step(
            "for_each",
            "remove",
            "containment",
            item="url",
            in_=expr("inputs.urls"),
            at_once=20,
            on_item_error="collect",
            steps=[
                action("snapshot", "containment/remove", "evidence.snapshot"),
                action(
                    "disable",
                    "containment/remove",
                    "content.disable",
                    "restricts",
                    undo={
                        "action": "content.restore",
                        "on": ["order_annulled"],
                        "with_": {},
                        "effect": "restricts",
                        "tier": "1",
                    },
                ),
            ],
        ),
        step(
            "repeat",
            "probe",
            "containment",
            every=60.0,
            times=15,
            until=expr("last.look.all_gone"),
            records={"removal_verified": expr("last.look.seen_at")},
            on_exhausted=[
                step(
                    "task",
                    "by_hand",
                    "containment/probe/on_exhausted",
                    assignee={"any_of": ["ops_lead"]},
                    do={"lit": "Remove what the probe still sees, then report"},
                    show=[],
                    form={"removed": {"type": "int"}},
                    within=600.0,
                    remind=[],
                    on_silence=silence("incident_commander"),
                )
            ],
            steps=[action("look", "containment/probe", "content.probe")],
        ),
        step(
            "parallel",
            "tell",
            "containment",
            join="all",
            branches={
                "authority": [
                    action(
                        "reply",
                        "containment/tell/authority",
                        "authority.reply",
                        "discloses",
                        irreversible=True,
                        approval={
                            "slots": slots("legal_counsel|exec_sponsor", "ops_lead"),
                            "exclude": ["deputy"],
                            "within": {"share": 0.15, "of": "removal"},
                            "remind": [],
                            "on_deny": "stop",
                            "on_silence": silence("exec_sponsor"),
                            "show": [],
                        },
                    )
                ],
                "team": [action("tell_team", "containment/tell/team", "notify.webhook")],
            },
        ),
        step(
            "choose",
            "next",
            "containment",
            cases=[
                {
                    "when": expr("size(steps.remove.failed) > 0"),
                    "steps": [action("page_ops", "containment/next/case1", "page")],
                }
            ],
            otherwise=None,
        ),
    ]
    hold = [
        step(
            "hold",
            "preserve",
            "legal_hold",
            basis="eu.tco.preserve",
            law=law("eu.tco.preserve", months=6),
            scope={"urls": expr("steps.remove.succeeded")},
            sources=["content_store", "live_store"],
            storage="governance",
            release=slots("legal_counsel", "records_custodian"),
        )
    ]
    handoff = [
        step(
            "handoff",
            "to_us",
            "handoff",
            to="us",
            mode="assist",
            share=[{"label": "inputs.urls", "value": expr("inputs.urls")}],
            accept_within=600.0,
            slots=slots("us_desk"),
            fallback=[action("page_us", "handoff/to_us/fallback", "page")],
        )
    ]
    review = [
        step(
            "postmortem",
            "review",
            "postmortem",
            facilitator={"any_of": ["postmortem_facilitator"]},
            within=864000.0,
            within_text="10bd",
            business_days=10,
        )
    ]
    return plan_of(
        {"triage": triage, "containment": containment, "legal_hold": hold, "handoff": handoff, "postmortem": review},
        id="eu-removal-order",
        version=3,
        title="Removal order (one hour)",
        facts={
            "order_received": {"type": {"type": "timestamp"}, "sources": ["inputs.received_at"], "revise": None},
            "removal_verified": {"type": {"type": "timestamp"}, "sources": ["steps.probe"], "revise": None},
            "imminent_threat": {"type": {"type": "timestamp"}, "sources": ["steps.screen"], "revise": None},
        },
        clocks={
            "removal": {
                "name": "removal",
                "law": law("eu.tco.removal", duration=3600.0),
                "start": expr("facts.order_received", "facts.order_received"),
                "restart": expr("facts.clarification_received", "facts.clarification_received"),
                "stop": expr("facts.removal_verified", "facts.removal_verified"),
                "warn": [900.0, 1800.0, 2700.0, 3000.0],
                "on_breach": [{"page": "exec_sponsor"}, {"page": "legal_counsel"}],
                "on_close": None,
            },
            "preserve": {
                "name": "preserve",
                "law": law("eu.tco.preserve", months=6),
                "start": expr("facts.removal_verified", "facts.removal_verified"),
                "restart": None,
                "stop": None,
                "warn": [],
                "on_breach": [],
                "on_close": "records_custodian",
            },
        },
        tracks=[
            {
                "id": "threat_to_life",
                "when": expr("has(facts.imminent_threat)", "has.facts.imminent_threat"),
                "steps": [action("page_liaison", "alongside/threat_to_life", "page")],
            }
        ],
        close_when=expr("has(facts.removal_verified) && steps.reply.ok"),
    )


def forty_steps() -> Plan:
    """Forty plain steps over four phases, with a wide parallel block in each."""
    phases: dict[str, list[Made]] = {}
    for phase in ("triage", "containment", "notify", "recover"):
        plain = [action(f"{phase}_{n}", phase, "content.probe") for n in range(6)]
        branches = {
            name: [action(f"{phase}_{name}_{n}", f"{phase}/{phase}_fan/{name}", "page") for n in range(2)]
            for name in ("one", "two")
        }
        phases[phase] = [*plain, step("parallel", f"{phase}_fan", phase, join="all", branches=branches)]
    return plan_of(phases, id="forty", title="Forty steps")


def hostile() -> Plan:
    """Every text an author writes carries markup, quoting and hidden characters."""
    nasty = '"><script>alert(1)</script>&]]>`%%{init: {}}%%`\nend;click s1 "javascript:x"\u202etxt\u0007#quot;'
    plan = copy.deepcopy(removal_order())
    plan["title"] = nasty
    plan["phases"][0]["name"] = nasty
    plan["phases"][0]["steps"][0]["name"] = nasty
    decide = plan["phases"][0]["steps"][2]
    assert decide["kind"] == "decide"
    decide["ask"] = {"text": [nasty, expr(nasty)]}  # type: ignore[typeddict-item]
    decide["options"] = {nasty: decide["options"]["clarify"], "refuse": decide["options"]["refuse"]}
    plan["tracks"][0]["id"] = nasty
    plan["clocks"]["removal"]["start"]["src"] = nasty
    plan["clocks"]["removal"]["name"] = nasty
    plan["close_when"] = expr(nasty)  # type: ignore[typeddict-item]
    return plan


@pytest.fixture
def order() -> Plan:
    return removal_order()


@pytest.fixture
def forty() -> Plan:
    return forty_steps()


@pytest.fixture
def nasty() -> Plan:
    return hostile()


GOLDEN = Path(__file__).parents[1] / "golden" / "graph"


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
