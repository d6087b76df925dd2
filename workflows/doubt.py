"""A doubtful effect: the request may have taken effect, and the target can neither deduplicate nor be looked up.

It is never sent again blindly. Who the runbook names says whether it happened; until then nothing is done, and silence
fails the step.
"""

from schemas.actions import ErrorType
from schemas.plan import ActionStep
from workflows.halt import StepFailed
from workflows.human import Patience
from workflows.run import Run
from workflows.scope import Frame

HAPPENED, RESEND, GIVE_UP = "happened", "resend", "give_up"


async def ask_about_doubt(run: Run, frame: Frame, step: ActionStep, path: str) -> None:
    """Ask what became of the effect; the answer is recorded at `<path>!doubt` in the state's `taken`.

    Raises:
        StepFailed: code `outcome_unknown`: given up, or nobody answered.
    """
    at = f"{path}!doubt"
    run.state["taken"].pop(at, None)
    rounds = run.state["loops"].get(f"{at}!asked", 0)
    run.human.open(
        path=at,
        step=step["id"],
        kind="doubt",
        title=f"did `{step['action']}` of `{step['id']}` take effect? look at the target before you answer",
        options={name: [{"any_of": list(step["doubt"]["ask"])}] for name in (HAPPENED, RESEND, GIVE_UP)},
        patience=Patience(within=step["doubt"]["within"]),
        on_silence="nothing is sent again; the step fails",
        action=step["action"],
        notice="doubtful_effect",
        round_=rounds,
    )
    answer = await run.human.answer(at, run.waiting(frame.halt))
    run.human.close(at)
    run.state["loops"][f"{at}!asked"] = rounds + 1
    if answer.option in {HAPPENED, RESEND}:
        run.state["taken"][at] = answer.option
        return
    raise StepFailed(ErrorType.OUTCOME_UNKNOWN, "nobody could say what became of it")
