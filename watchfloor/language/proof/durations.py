"""How long one step may take by itself: attempts and pauses of the engine, windows and ladders of people.

The worst case is the one in which each step still comes to its end as written: an action succeeds at its last attempt,
a person answers at the end of the ladder. A worker is there; time in a queue is not counted.
"""

from schemas.plan import ActionStep, ClockLaw, Duration, ForEachStep, Plan, Retry, Silence
from watchfloor.language.proof.lists import bound_of

FREEZE = 600.0
"""Seconds: a custodian's freeze and its proof are each tried for five minutes before a hold asks for help."""
GRACE = 300.0
"""Seconds that a silent handoff process is waited for after the offer's end (`workflows.step_handoff`)."""
_DAY = 86_400.0


def length_of(law: ClockLaw) -> float | None:
    """Seconds that a clock allows at least, whatever the calendar; None when the law gives no number."""
    # days of a place reach its midnight, but one of them may have an hour less
    lost = 3_600.0 if "calendar" in law else 0.0
    if law["duration"] is not None:
        return law["duration"] - lost
    if law["business_days"] is not None:
        return law["business_days"] * _DAY - lost
    if law["months"] is not None:
        return law["months"] * 28 * _DAY - lost
    return law["internal_slo"]


def seconds_of(duration: Duration, plan: Plan) -> float:
    """A written duration in seconds; a share of a clock is a share of its whole length."""
    if not isinstance(duration, dict):
        return float(duration)
    clock = plan["clocks"].get(duration["of"])
    return duration["share"] * (length_of(clock["law"]) or 0.0) if clock else 0.0


def pauses_of(retry: Retry) -> list[float]:
    """Seconds between attempts, one fewer than attempts."""
    found: list[float] = []
    pause = retry["first"]
    for _ in range(max(0, retry["times"] - 1)):
        found.append(min(pause, retry["up_to"]))
        pause = min(pause * retry["factor"], retry["up_to"])
    return found


def attempts_of(step: ActionStep) -> tuple[float, str]:
    """Seconds until the last attempt of an action has ended, and in words what they are made of."""
    pauses = pauses_of(step["retry"])
    times = len(pauses) + 1
    total = times * step["attempt_timeout"] + sum(pauses)
    words = f"{times} × {in_words(step['attempt_timeout'])}"
    if pauses:
        words += f" + {in_words(sum(pauses))} of pauses"
    if step["timeout"] is not None and step["timeout"] < total:
        return step["timeout"], f"timeout {in_words(step['timeout'])}"
    return total, words


def window_of(within: Duration, silence: Silence, plan: Plan) -> tuple[float, str]:
    """Seconds from asking to the end of the ladder."""
    window = seconds_of(within, plan)
    rungs = len(silence["escalate"])
    words = f"window {in_words(window)}"
    if rungs:
        words += f" + {rungs} × {in_words(silence['rung'])} of ladder"
    return window + rungs * silence["rung"], words


def rounds_of(step: ForEachStep, plan: Plan) -> tuple[int | None, str]:
    """How often the body runs one after another; None when nothing bounds the list."""
    bound = bound_of(step["in_"], plan)
    if bound is None:
        return None, "a list of any length"
    rounds = -(-bound // max(1, step["at_once"]))
    return rounds, f"{bound} items, {step['at_once']} at once"


def in_words(seconds: float) -> str:
    """`1h 30m`, `67s`: whole units, for people."""
    left = round(seconds)
    if left < 60 or (left < 600 and left % 60):
        return f"{left}s" if left < 60 else f"{left // 60}m {left % 60}s"
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    if left:
        parts.append(f"{left}s")
    return " ".join(parts)
