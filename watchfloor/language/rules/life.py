"""Life first: from the fact that life is at risk to contact with the authorities nothing else comes in between.

Facts of that kind are those for which a floor raises the severity to S0, and those that start a clock of a law about
danger to life. Sources: Regulation (EU) 2021/784 Art. 14(5), Regulation (EU) 2022/2065 Art. 18.
"""

from collections.abc import Iterator, Sequence

from schemas.plan import Plan, Step, Track
from watchfloor.language import codes
from watchfloor.language.proof.durations import attempts_of, in_words
from watchfloor.language.proof.walk import facts_in, steps_of
from watchfloor.language.rules.places import Places
from watchfloor.language.step_compiler import Surroundings

LIFE_LAWS = frozenset({"eu.tco.imminent", "eu.dsa.art18", "us.cybertip.imminent"})
LIAISON = "le_liaison"
LONGEST = 600.0
"""Seconds from the fact to the contact, at worst."""


def check(given: Surroundings, plan: Plan) -> None:
    facts = _life_facts(plan)
    places = Places(given)
    _check_contact(given, plan)
    for track in plan["tracks"]:
        if _fires_on(track) & facts and any(_contacts(step) for step in track["steps"]):
            _judge(given, places, track)


def _check_contact(given: Surroundings, plan: Plan) -> None:
    """A clock of a law about danger to life runs until the authorities know; somebody must tell them."""
    if any(_contacts(step) for step in steps_of(plan)):
        return
    for clock in given.runbook.clocks:
        if clock.use.value in LIFE_LAWS:
            given.report.add(
                codes.LIFE_FIRST,
                clock.name.span,
                f"the clock `{clock.name.value}` runs until the authorities know, and no step tells them",
                expected=f"an `authority.…` action, or a page or task to `{LIAISON}`",
                help=f"add a track on the fact that starts it, with `task: {{assignee: {LIAISON}, …}}`",
            )
            return


def _life_facts(plan: Plan) -> set[str]:
    facts: set[str] = set()
    for floor in plan["floors"]:
        if floor["at_least"] == "S0":
            facts |= facts_in(floor["when"]["vars"])
    for clock in plan["clocks"].values():
        if clock["law"]["id"] in LIFE_LAWS:
            facts |= facts_in(clock["start"]["vars"])
    return facts


def _fires_on(track: Track) -> set[str]:
    fact = track.get("on_fact")
    return {fact} if fact else facts_in(track["when"]["vars"])


def _judge(given: Surroundings, places: Places, track: Track) -> None:
    """Everything before the first contact is in its way; the contact itself must not wait for people either."""
    spent = 0.0
    for step in track["steps"]:
        contact = _contacts(step)
        for problem in _problems(step, contact):
            given.report.add(
                codes.LIFE_FIRST,
                places.step(step),
                f"`{step['id']}` {problem} before the authorities are told that life is at risk",
                expected=f"the contact first: an `authority.…` action, or a page or task to `{LIAISON}`",
                help=f"move it after the contact, or write first: `action: page, with: {{role: {LIAISON}, …}}`",
            )
            return
        if step["kind"] == "action":
            spent += attempts_of(step)[0]
        if spent > LONGEST:
            given.report.add(
                codes.LIFE_FIRST,
                places.step(step),
                f"the authorities may hear after {in_words(spent)} that life is at risk",
                expected=f"at most {in_words(LONGEST)} from the fact to the contact",
                help="fewer or shorter attempts: `retry: {times: 3}`, `attempt_timeout: 15s`",
            )
            return
        if contact:
            return


def _problems(step: Step, contact: bool) -> Iterator[str]:
    if step["kind"] == "action":
        if step["approval"] is not None:
            yield "waits for an approval"
        elif not contact and (step["action"] == "page" or step["action"].startswith("notify.")):
            yield "tells somebody else"
        elif contact and step["cond"] is not None:
            yield "may be left out by its condition"
        return
    if contact:
        return
    words = {
        "hold": "places a hold",
        "parallel": "waits for its branches to join",
        "for_each": "waits for all items",
        "repeat": "waits for its rounds",
        "wait": "waits",
        "decide": "asks for a decision",
        "task": "gives somebody else a task",
        "handoff": "offers a handoff",
        "stop": "ends the run",
        "run": "runs another runbook",
    }
    if step["kind"] == "run" and not step["wait"]:
        return
    if step["kind"] in words:
        yield words[step["kind"]]


def _contacts(step: Step) -> bool:
    """Whether a step reaches the authorities, or the person whose office that is."""
    if step["kind"] == "task":
        return LIAISON in step["assignee"]["any_of"]
    if step["kind"] == "action":
        role = step["with_"].get("role")
        pages: Sequence[object] = [role.get("lit")] if role is not None and "lit" in role else []
        return step["action"].startswith("authority.") or (step["action"] == "page" and LIAISON in pages)
    return False
