"""The simulator: what would be said to a person who tried something. Signs nothing, sends nothing."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from schemas.plan import Plan
from watchfloor.authorisation import VERBS, Authority, Question, Resource, load_authority
from watchfloor.authorisation.questions import ABOUT_ASKS, MOTIONS
from watchfloor.client.asks import family, pick_ask
from watchfloor.client.errors import NotFound
from watchfloor.client.face import Face
from watchfloor.client.library import plan_for_start
from watchfloor.client.permission import Ruling, about_ask, about_plan, about_run, about_step, rule, seats_of
from watchfloor.client.runs import board, started_with
from watchfloor.client.statements import admit_person
from watchfloor.identity.people import DEVELOPMENT_PEOPLE, Person, load_people
from watchfloor.signing.gates import GRANTING


def rule_on_runbook(
    runbook: str,
    person: str,
    verb: str,
    what: str,
    option: str = "",
    *,
    role: str | None = None,
    requester: str = "",
    people: Path | None = None,
    home: Path | None = None,
) -> Ruling:
    """What would be said to a person about a runbook that nobody has started; no engine is needed.

    Args:
        people: the directory; `people.yaml` of the home if there is one, else the shipped synthetic one.

    Raises:
        NotFound: no such runbook, verb, step or person.
        RunbookRefused, PeopleRefused, PoliciesRefused: a file does not load.
    """
    from watchfloor.runtime.settings import find_home

    plan, _ = plan_for_start(runbook)
    place = find_home(home)
    own = place / "people.yaml"
    directory = load_people(people or (own if own.exists() else DEVELOPMENT_PEOPLE))
    someone = directory.find(person)
    if someone is None:
        raise NotFound(f"`{person}` is not in the directory of people; correct it, or give another one (--people)")
    authority = load_authority(place / plan["command"] / "policies")
    if _known(verb) not in ABOUT_ASKS:
        return _rule(authority, someone, verb, about_plan(plan, requester), role, what or option)
    step = _find_step(plan, what)
    seats = seats_of(step)
    chosen = "" if verb in MOTIONS and seats else _option(option, list(seats), what)
    return _rule(authority, someone, verb, about_step(plan, step, chosen, requester), role, chosen)


async def rule_on_run(
    face: Face, run: str, person: str, verb: str, what: str, option: str = "", *, role: str | None = None
) -> Ruling:
    """What would be said to a person about an open run.

    Raises:
        NotFound, Refused, Ambiguous, EngineUnavailable: as when they tried.
    """
    someone = admit_person(face, person)
    if _known(verb) not in ABOUT_ASKS:
        return _rule(face.authority, someone, verb, about_run(await board(face, run)), role, what or option)
    at = pick_ask(await family(face, run), what, decided=verb == "withdraw")
    chosen = "" if verb in MOTIONS else _option(option, list(at.ask["options"]), what)
    requester = str((await started_with(face, at.workflow)).get("requester", ""))
    resource = about_ask(at.board, at.ask, chosen, requester, person=someone.id)
    return _rule(face.authority, someone, verb, resource, role, chosen)


def _rule(
    authority: Authority, someone: Person, verb: str, resource: Resource, role: str | None, option: str
) -> Ruling:
    """The best answer that one of the person's roles gets; with a role named, that role's."""
    roles: Sequence[str] = [role] if role is not None else [*resource.given, *someone.roles]
    rulings = []
    for each in roles:
        question = Question(someone, verb, resource, each, option, "dev", True)
        rulings.append(rule(question, authority.judge(question)))
    return next((one for one in rulings if one.allowed), min(rulings, key=lambda one: len(one.reasons)))


def _known(verb: str) -> str:
    if verb not in VERBS:
        raise NotFound(f"there is no verb `{verb[:40]}`; expected one of {', '.join(VERBS)}")
    return verb


def _option(given: str, options: Sequence[str], step: str) -> str:
    if given and given not in options:
        raise NotFound(f"`{step}` has no option `{given}`; it has: {', '.join(options)}")
    if not options:
        raise NotFound(f"`{step}` asks nobody")
    return given or next((one for one in options if one in GRANTING), options[0])


def _find_step(plan: Plan, name: str) -> Mapping[str, Any]:
    steps = {str(step["id"]): step for step in _steps({"phases": plan["phases"], "tracks": plan["tracks"]})}
    if name not in steps:
        asking = ", ".join(sorted(one for one, step in steps.items() if seats_of(step)))
        raise NotFound(f"`{plan['id']}` has no step `{name}`; steps that ask somebody: {asking}")
    return steps[name]


def _steps(value: object) -> Iterator[Mapping[str, Any]]:
    """Every step of a plan, however deep."""
    if isinstance(value, dict):
        if "kind" in value and "id" in value and "path" in value:
            yield value
        for inner in value.values():
            yield from _steps(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _steps(inner)
