"""Comparing gates: approvals, decisions, tasks, reviews, and what silence leads to."""

from collections.abc import Iterator
from typing import Any

from schemas.plan import Approval, BreakGlass, Review, Silence
from watchfloor.language.diff_model import Pair, Verdict, render_duration, render_value
from watchfloor.language.diff_rules import (
    LOOK,
    STRONGER,
    WEAKER,
    below,
    condition,
    differs,
    instants,
    length,
    members,
    ranked,
    seats,
    shown,
)

DENY = {"stop": 2, "fail": 1, "steps": 0}
"""What a no leads to, the surest first: the run ends, a person is asked, the run goes on another way."""
COURSE = {"stop": 3, "fail": 2, "steps": 1, "continue": 0, "keep": 0}
"""What a failure, silence, or an end of time leads to; `fail` asks a person."""


def approval(pair: Pair, old: Approval | None, new: Approval | None) -> Iterator[Verdict]:
    """The gate before an action. A longer window is weaker: the measure may come later."""
    if old is None or new is None:
        yield from _there(old, new, "gate.approval", "the approval is gone: the action no longer asks", "it asks first")
        return
    made: list[Verdict] = [
        *below(seats(old["slots"], new["slots"], "gate.seats", "the approval"), "from"),
        *below(exclude(old["exclude"], new["exclude"], "gate.not"), "not"),
        *below(length(pair, old["within"], new["within"], "gate.within", "the approval's window"), "within"),
        *below(instants(pair, old["remind"], new["remind"], "gate.remind", "reminders"), "remind"),
        *below(shown(old["show"], new["show"], "gate.show"), "show"),
        *below(
            ranked(word(old["on_deny"]), word(new["on_deny"]), DENY, "gate.on_deny", "what a no leads to"), "on_deny"
        ),
        *below(silence(old["on_silence"], new["on_silence"]), "on_silence"),
        *below(_break_glass(pair, old.get("break_glass"), new.get("break_glass")), "break_glass"),
        *below(_blind(old.get("blind", False), new.get("blind", False), "gate.blind"), "blind"),
    ]
    yield from below(made, "approval")


def review(pair: Pair, old: Review | None, new: Review | None) -> Iterator[Verdict]:
    """The look after an action."""
    if old is None or new is None:
        yield from _there(old, new, "gate.review", "nobody reviews the action any more", "people review it afterwards")
        return
    made: list[Verdict] = [
        *below(seats(old["slots"], new["slots"], "gate.seats", "the review"), "from"),
        *below(exclude(old["exclude"], new["exclude"], "gate.not"), "not"),
        *below(length(pair, old["within"], new["within"], "gate.within", "the review's window"), "within"),
        *below(
            ranked(
                word(old["on_deny"]),
                word(new["on_deny"]),
                {"undo": 2, "steps": 1, "keep": 0},
                "gate.on_deny",
                "what a no of the review leads to",
            ),
            "on_deny",
        ),
        *below(_escalation(old["escalate"], new["escalate"]), "escalate"),
    ]
    yield from below(made, "review")


def silence(old: Silence, new: Silence) -> Iterator[Verdict]:
    """The ladder after the window, and what follows it."""
    yield from below(_escalation(old["escalate"], new["escalate"]), "escalate")
    if old["rung"] != new["rung"] and old["escalate"] and new["escalate"]:
        danger = WEAKER if new["rung"] > old["rung"] else LOOK
        said = "slower" if new["rung"] > old["rung"] else "faster"
        yield Verdict(
            danger,
            "silence.rung",
            f"silence escalates {said}",
            render_duration(old["rung"]),
            render_duration(new["rung"]),
            ("rung",),
        )
    yield from below(
        ranked(word(old["then"]), word(new["then"]), COURSE, "silence.then", "what silence leads to"), "then"
    )


def decision(pair: Pair, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Verdict]:
    """A choice by people."""
    made: list[Verdict] = [
        *below(seats(old["slots"], new["slots"], "decision.seats", "the decision"), "from"),
        *below(exclude(old["exclude"], new["exclude"], "decision.not"), "not"),
        *below(length(pair, old["within"], new["within"], "decision.within", "the decision's window"), "within"),
        *below(instants(pair, old["remind"], new["remind"], "decision.remind", "reminders"), "remind"),
        *below(shown(old["show"], new["show"], "decision.show"), "show"),
        *below(silence(old["on_silence"], new["on_silence"]), "on_silence"),
        *below(_blind(old.get("blind", False), new.get("blind", False), "decision.blind"), "blind"),
        *below(
            members(
                old["options"],
                new["options"],
                "decision.options",
                gone=(LOOK, "no longer to be chosen: {}"),
                fresh=(LOOK, "may now be chosen: {}"),
            ),
            "options",
        ),
    ]
    for name in [each for each in old["options"] if each in new["options"]]:
        also = seats(
            old["options"][name]["also"], new["options"][name]["also"], "decision.also", f"the option `{name}`"
        )
        made += below(also, "options", name, "also")
    yield from below(made, "decide")


def task(pair: Pair, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Verdict]:
    """What a person does outside."""
    made: list[Verdict] = [
        *below(seats([old["assignee"]], [new["assignee"]], "decision.assignee", "the task"), "assignee"),
        *below(length(pair, old["within"], new["within"], "decision.within", "the task's window"), "within"),
        *below(instants(pair, old["remind"], new["remind"], "decision.remind", "reminders"), "remind"),
        *below(shown(old["show"], new["show"], "decision.show"), "show"),
        *below(silence(old["on_silence"], new["on_silence"]), "on_silence"),
        *below(differs(old.get("person"), new.get("person"), "decision.person", "whom the task is for"), "assignee"),
        *below(_checklist(old.get("checklist", []), new.get("checklist", [])), "checklist"),
        *below(
            differs(old.get("claim_for"), new.get("claim_for"), "decision.claim_for", "how long a claim holds"),
            "claim_for",
        ),
        *below(
            members(
                old["form"],
                new["form"],
                "decision.form",
                gone=(WEAKER, "no longer reported: {}"),
                fresh=(STRONGER, "also reported: {}"),
            ),
            "form",
        ),
    ]
    yield from below(made, "task")


def _checklist(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> Iterator[Verdict]:
    before, after = ([one["id"] for one in each if one["required"]] for each in (old, new))
    if before == after:
        yield from differs(old, new, "decision.checklist", "the words of the checklist")
    yield from members(
        before,
        after,
        "decision.checklist",
        gone=(WEAKER, "no longer to be ticked: {}"),
        fresh=(STRONGER, "also to be ticked: {}"),
    )


def exclude(old: list[str], new: list[str], kind: str) -> Iterator[Verdict]:
    """`not`: who may not answer."""
    yield from members(old, new, kind, gone=(WEAKER, "{} may answer now"), fresh=(STRONGER, "{} may no longer answer"))


def word(course: Any) -> str:
    """What follows, as one word; steps that end the run are `stop`."""
    if isinstance(course, list):
        ends = any(step["kind"] == "stop" and step["cond"] is None for step in course)
        return "stop" if ends else "steps"
    return str(course)


def _escalation(old: list[str], new: list[str]) -> Iterator[Verdict]:
    yield from members(
        old,
        new,
        "silence.escalate",
        gone=(WEAKER, "silence no longer wakes {}"),
        fresh=(STRONGER, "silence also wakes {}"),
    )


def _blind(old: bool, new: bool, kind: str) -> Iterator[Verdict]:
    """Opinions that are hidden from each other are worth more than the second yes to a first one."""
    if old and not new:
        yield Verdict(WEAKER, kind, "who decides sees what others said", "blind", "")
    elif new and not old:
        yield Verdict(STRONGER, kind, "nobody sees what others said before all have answered", "", "blind")


def _break_glass(pair: Pair, old: BreakGlass | None, new: BreakGlass | None) -> Iterator[Verdict]:
    if old is None and new is not None:
        yield Verdict(WEAKER, "gate.break_glass", "the approvers can be passed over", "", describe(new))
    elif old is not None and new is None:
        yield Verdict(STRONGER, "gate.break_glass", "nobody can pass over the approvers any more", describe(old), "")
    if old is None or new is None:
        return
    yield from below(seats([old["by"]], [new["by"]], "gate.break_glass", "breaking the glass"), "by")
    yield from below(
        length(
            pair,
            old["after"],
            new["after"],
            "gate.break_glass",
            "the wait before the glass may be broken",
            longer=STRONGER,
            shorter=WEAKER,
        ),
        "after",
    )
    yield from below(
        condition(
            old["when"],
            new["when"],
            "gate.break_glass",
            "the condition of breaking the glass",
            wider=WEAKER,
            narrower=STRONGER,
            unknown=WEAKER,
        ),
        "when",
    )
    yield from below(review(pair, old["review"], new["review"]))


def _there(old: Any, new: Any, kind: str, gone: str, fresh: str) -> Iterator[Verdict]:
    """A gate that is gone is weaker, one that came is stronger."""
    where = (kind.partition(".")[2],)
    if old is not None and new is None:
        yield Verdict(WEAKER, kind, gone, describe(old), "", where)
    elif new is not None and old is None:
        yield Verdict(STRONGER, kind, fresh, "", describe(new), where)


def describe(gate: Any) -> str:
    """Who a gate asks."""
    asked = gate.get("slots") or [gate.get("by")]
    return render_value(asked)
