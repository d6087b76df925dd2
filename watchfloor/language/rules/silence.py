"""Silence never acts: no edge of expiry or exhaustion reaches an effect without a person's yes on the way.

What runs because nobody answered, or because time or rounds ran out, and all that follows it when the run goes on,
restricts, destroys, discloses and reveals nothing until a person has decided (language.md, rule 3).
"""

from schemas.plan import Plan
from watchfloor.language import codes
from watchfloor.language.proof.paths import Paths, Silence
from watchfloor.language.proof.walk import steps_of
from watchfloor.language.rules.places import Places
from watchfloor.language.step_compiler import Surroundings

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


def _further(silence: Silence, path: str) -> str:
    """How the run comes here, when the step does not stand in the silent path itself."""
    return "" if f"/{silence.step}/" in path else ", the run goes on to here"
