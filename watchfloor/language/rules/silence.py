"""Silence never acts: no edge of expiry or exhaustion reaches an effect without a person's yes on the way.

What runs because nobody answered, or because time or rounds ran out, and all that follows it when the run goes on,
restricts, destroys, discloses and reveals nothing until a person has decided (language.md, rule 3).
"""

from schemas.plan import ActionStep, Plan, RunStep
from watchfloor.language import codes
from watchfloor.language.proof.children import child_of
from watchfloor.language.proof.paths import Paths, Silence, State, find_paths
from watchfloor.language.proof.walk import steps_of
from watchfloor.language.rules.places import Places
from watchfloor.language.surroundings import Surroundings

_STARTED = Silence("", "on_silence")
"""Stands for the silence in which another runbook was started."""
_WHY = {
    "on_silence": "nobody answered",
    "on_timeout": "time ran out",
    "timeout": "time ran out",
    "on_exhausted": "the rounds are used up",
    "fallback": "the other region did not answer",
    "join: any": "another branch may have ended before anybody answered",
}


def check(given: Surroundings, plan: Plan, paths: Paths) -> None:
    places = Places(given)
    for step in steps_of(plan):
        if step["kind"] == "run":
            _check_child(given, plan, paths, step, places)
            continue
        if step["kind"] != "action" or step["effect"] == "reads" or step["approval"] is not None:
            continue
        state = paths.before.get(step["path"])
        if state is None or not state.silences:
            continue
        silence = min(state.silences)
        given.report.add(
            codes.SILENCE,
            places.action(step),
            f"`{step['action']}` {step['effect']} although {_WHY[silence.word]} (`{silence.word}` of step"
            f" `{silence.step}`{_further(silence, step['path'])})",
            expected="an action that only reads or tells, a task, or a stop",
            help="ask a person first: `approval:` on this step, or `decide:` before it",
        )


def _check_child(given: Surroundings, plan: Plan, paths: Paths, step: RunStep, places: Places) -> None:
    """Another runbook that is started in silence must not act before somebody decides there."""
    state = paths.before.get(step["path"])
    child = child_of(plan, step) if state is not None and state.silences else None
    acting = _acting_freely(child) if child is not None else None
    if state is None or acting is None:
        return
    silence = min(state.silences)
    given.report.add(
        codes.SILENCE,
        places.step(step),
        f"`{step['runbook']}` runs `{acting['action']}`, which {acting['effect']}, although {_WHY[silence.word]}"
        f" (`{silence.word}` of step `{silence.step}`{_further(silence, step['path'])})",
        expected="a runbook that only reads or tells, or asks somebody first",
        help=f"ask a person before `{step['id']}`, or put an `approval:` on `{acting['id']}` of `{step['runbook']}`",
    )


def _acting_freely(child: Plan) -> ActionStep | None:
    """The first effect of a runbook that it reaches without a decision of its own, runs of further ones included."""
    paths = find_paths(child, State(silences=frozenset({_STARTED})))
    for step in steps_of(child):
        state = paths.before.get(step["path"])
        if state is None or not state.silences:
            continue
        if step["kind"] == "action" and step["effect"] != "reads" and step["approval"] is None:
            return step
        further = child_of(child, step) if step["kind"] == "run" else None
        found = _acting_freely(further) if further is not None else None
        if found is not None:
            return found
    return None


def _further(silence: Silence, path: str) -> str:
    """How the run comes here, when the step does not stand in the silent path itself."""
    return "" if f"/{silence.step}/" in path else ", the run goes on to here"
