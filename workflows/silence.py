"""What a human step's silence leads to: the ladder after the window, then failure or the written steps.

The compiler has proved that these steps restrict, disclose, destroy and undo nothing.
"""

from collections.abc import Sequence

from schemas.plan import Duration, Silence
from workflows.halt import StepFailed
from workflows.human import Patience
from workflows.run import Run
from workflows.scope import Frame


def find_patience(run: Run, within: Duration, remind: Sequence[Duration], silence: Silence) -> Patience:
    """The window, reminders and ladder of an ask in seconds."""
    return Patience(
        within=run.find_seconds(within),
        remind=[run.find_seconds(one) for one in remind],
        escalate=silence["escalate"],
        rung=silence["rung"],
    )


def describe_silence(silence: Silence) -> str:
    """What happens if nobody answers, in words for the board."""
    ladder = f"{' then '.join(silence['escalate'])} is paged, then " if silence["escalate"] else ""
    if silence["then"] == "fail":
        return f"{ladder}the step fails"
    steps = ", ".join(step["id"] for step in silence["then"])
    return f"{ladder}goes on with {steps}" if steps else f"{ladder}goes on without"


async def fall_silent(run: Run, frame: Frame, silence: Silence) -> None:
    """Carry out what is written after a window that ended in silence.

    Raises:
        StepFailed: code `silent`.
    """
    if silence["then"] == "fail":
        raise StepFailed("silent", "nobody answered in time")
    await run.walk(frame, silence["then"])
