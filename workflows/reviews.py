"""Reviews: people look at what was done, after it was done.

The ask stands at `<path>!review`, after broken glass at `<path>!break_glass`; the run goes on meanwhile. Its options
are `approve` and `deny`. Who asked for the run and who broke the glass are excluded. When a window ends in silence its
ladder is paged and it is asked again, until a person decides: a run does not close with an undecided review, unless it
is aborted; then the ask is void, and the measure stays in force. A no takes the measure back, walks the written steps,
or keeps it, as the runbook says. Ledger: the entries of every ask, and `branch.taken` with what the decision led to.
"""

import asyncio

from schemas.incident import OpenReview
from schemas.ledger import EntryKind
from schemas.plan import ActionStep, Review
from workflows.gates import Subject
from workflows.halt import Halt, StepFailed, Unwound
from workflows.human import Patience
from workflows.measures import take_back
from workflows.run import Run
from workflows.scope import Frame, find_frame, keep_frame

DENY = "deny"


def ask_reviews(run: Run, frame: Frame, step: ActionStep, path: str, of: Subject, broken_by: str) -> None:
    """Put an action that was done before its reviewers; `broken_by` is who broke the glass for it, or empty."""
    reviews = run.state.setdefault("reviews", {})
    wanted = [("review", bool(step.get("review"))), ("break_glass", bool(broken_by))]
    for kind, is_wanted in wanted:
        if is_wanted and f"{path}!{kind}" not in reviews:
            review: OpenReview = {
                "step": step["id"],
                "kind": kind,  # type: ignore[typeddict-item]
                "path": path,
                "key": of.key,
                "inputs": dict(of.inputs),
                "exclude": [one for one in (run.desk.requester, broken_by) if one],
                "frame": keep_frame(frame),
                "denied": False,
            }
            reviews[f"{path}!{kind}"] = review


class Reviews:
    """Keeps every review of a run asked until it is decided. Durable: which are open is in the state."""

    def __init__(self, run: Run) -> None:
        self._run = run
        # not a part of the walk: a review outlasts the phases
        self._halt = Halt()
        self._kept: dict[str, asyncio.Task[None]] = {}

    def look(self) -> None:
        """Begin to keep what is not kept yet; must not wait."""
        if self._run.state["aborted"] is not None:
            self._halt.stop("aborted")
            self._run.state["reviews"] = {}
            return
        for at, review in self._run.state.get("reviews", {}).items():
            if at not in self._kept:
                self._kept[at] = self._run.spawn(self._keep(at, review))

    async def _keep(self, at: str, review: OpenReview) -> None:
        run = self._run
        step = run.loaded.steps[review["step"]].step
        assert step["kind"] == "action"
        rule = _find_rule(step, review)
        frame = find_frame(review["frame"], self._halt)
        try:
            if not review["denied"]:
                review["denied"] = await self._ask(at, review, step, rule, frame)
            if review["denied"]:
                await self._deny(review, step, rule, frame)
        except Unwound:
            return
        except StepFailed as failure:
            # nobody is left to ask: what was written for a no could not be read; the measure stays in force
            run.note_failure(step, at, failure)
        run.human.close(at)
        del run.state["reviews"][at]
        self._kept.pop(at, None)
        run.changed()

    async def _ask(self, at: str, review: OpenReview, step: ActionStep, rule: Review, frame: Frame) -> bool:
        """Whether it was denied; asks again and again."""
        run, loops = self._run, self._run.state["loops"]
        slots = run.describe_slots(rule["slots"])
        anyone = [{"any_of": list(dict.fromkeys(role for slot in slots for role in slot["any_of"]))}]
        while True:
            rounds = loops.get(f"{at}!round", 0)
            run.human.open(
                path=at,
                step=step["id"],
                kind="review",
                title=step["name"] or f"{step['action']} of `{step['id']}` was done",
                options={"approve": slots, DENY: anyone},
                patience=Patience(
                    within=run.find_seconds(rule["within"]), escalate=rule["escalate"], rung=rule["rung"]
                ),
                on_silence="it stays as it is, and is asked again",
                exclude=[*rule["exclude"], *review["exclude"]],
                action=step["action"],
                inputs=review["inputs"],
                round_=rounds,
            )
            answer = await run.human.answer(at, run.waiting(frame.halt))
            if answer.option is not None:
                run.note(EntryKind.BRANCH, step=step["id"], path=at, taken=answer.option, key=review["key"])
                return answer.option == DENY
            loops[f"{at}!round"] = rounds + 1

    async def _deny(self, review: OpenReview, step: ActionStep, rule: Review, frame: Frame) -> None:
        run = self._run
        undo = step["undo"]
        if rule["on_deny"] == "undo" or (undo is not None and DENY in undo["on"]):
            for measure in run.state["measures"]:
                if measure["key"] == review["key"]:
                    await take_back(run, frame, measure)
        if isinstance(rule["on_deny"], list):
            await run.walk(frame, rule["on_deny"])


def _find_rule(step: ActionStep, review: OpenReview) -> Review:
    approval = step["approval"]
    glass = approval.get("break_glass") if approval is not None else None
    rule = glass["review"] if review["kind"] == "break_glass" and glass is not None else step.get("review")
    assert rule is not None
    return rule
