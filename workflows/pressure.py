"""What deadlines of the law say about priority, as far as a run knows it; time does the rest where it is shown."""

from watchfloor.signing import press
from workflows.run import Run


def find_pressure(run: Run) -> str:
    """From the running clocks of kind `deadline`; one that is paused for a legal reason presses nobody."""
    hard: list[tuple[str, str]] = []
    for name, clock in run.state["clocks"].items():
        plan = run.plan["clocks"].get(clock.get("of", name))
        is_hard = plan is not None and plan["law"]["kind"] == "deadline" and clock["state"] in {"running", "breached"}
        if is_hard and clock["started_at"] and clock["due_at"]:
            hard.append((clock["started_at"], clock["due_at"]))
    return press(hard)
