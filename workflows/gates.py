"""The gate before an action: asks for approval over the exact inputs, binds what was granted to them.

A grant is void as soon as the inputs or what was shown differ from what was approved; the gate then asks again under
a new round, so that no old decision fits. `on_deny: stop` ends the run with the outcome `denied`; `fail` fails the step
with code `denied`; written steps are carried out, the step ends as `denied` and the block goes on after it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from schemas.actions import Grant
from schemas.decision import OpenAsk, RefusalType
from schemas.json_value import Json
from schemas.plan import ActionStep, Approval
from watchfloor.signing import Refusal, action_digest, bind_grant
from watchfloor.signing.gates import NO_GLASS
from watchfloor.signing.standing import BREAK_GLASS
from workflows.halt import Halted, StepFailed
from workflows.human import Answer
from workflows.narrowing import forget_widened
from workflows.outcome import Outcome
from workflows.run import Run
from workflows.scope import Frame, find_frame, keep_frame
from workflows.silence import describe_silence, fall_silent, find_patience

Verdict = Literal["approve", "deny", "silent"]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is approved: the action with its key and resolved inputs. `item` is what of the loop went into the key."""

    action: str
    key: str
    inputs: Mapping[str, Json]
    item: Json = None

    @property
    def digest(self) -> str:
        return action_digest(self.action, self.key, self.inputs)


async def ask_approval(run: Run, frame: Frame, step: ActionStep, path: str, approval: Approval, of: Subject) -> Verdict:
    """Ask, or wait on, until the gate is decided over exactly this subject. The verdict is recorded once."""
    taken = run.state["taken"]
    if f"{path}!gate" in taken:
        return taken[f"{path}!gate"]  # type: ignore[return-value]
    answer = await _answer(run, frame, step, path, approval, of)
    if answer is None:
        return "approve"
    forget_widened(run.state, answer.ask)
    verdict: Verdict = "silent" if answer.option is None else "deny"
    taken[f"{path}!gate"] = verdict
    run.human.close(path)
    return verdict


async def _answer(
    run: Run, frame: Frame, step: ActionStep, path: str, approval: Approval, of: Subject
) -> Answer | None:
    """None when approved: the ask then stays, decided, until the action is done, and its grant is made from it."""
    shown = run.show(approval["show"], frame)
    _void_if_changed(run, path, of, shown)
    slots = run.describe_slots(approval["slots"])
    anyone = [{"any_of": list(dict.fromkeys(role for slot in slots for role in slot["any_of"]))}]
    options = {"approve": slots, "deny": anyone}
    glass = approval.get("break_glass") if step["tier"] not in NO_GLASS else None
    if glass:
        options[BREAK_GLASS] = run.describe_slots([glass["by"]])
        run.state.setdefault("glass", {})[path] = keep_frame(frame)
    run.human.open(
        path=path,
        step=step["id"],
        kind="approval",
        title=step["name"] or f"{of.action} before `{step['id']}`",
        options=options,
        patience=find_patience(run, approval["within"], approval["remind"], approval["on_silence"]),
        on_silence=describe_silence(approval["on_silence"]),
        exclude=approval["exclude"],
        action=of.action,
        action_digest=of.digest,
        inputs=of.inputs,
        shown=shown,
        round_=run.state["loops"].get(f"{path}!round", 0),
        glass_after=glass["after"] if glass else None,
        blind=slots if approval.get("blind") else (),
        narrows={"inputs": step["narrows"], "item": of.item} if step.get("narrows") else None,
        narrowed=run.state.get("narrowed", {}).get(path),
        effect=step["effect"],
    )
    answer = await run.human.answer(path, run.waiting(frame.halt))
    return None if answer.option in {"approve", BREAK_GLASS} else answer


def _void_if_changed(run: Run, path: str, of: Subject, shown: list[dict[str, Json]]) -> None:
    ask = run.human.asks.get(path)
    if ask is not None and (ask["action_digest"] != of.digest or ask["shown"] != shown):
        run.state["loops"][f"{path}!round"] = run.human.void(path, "what was approved has changed")


def find_grant(run: Run, path: str, of: Subject, shown: list[dict[str, Json]]) -> Grant | None:
    """The grant of an approved gate, None when it no longer covers this subject (it is void then)."""
    _void_if_changed(run, path, of, shown)
    ask = run.human.asks.get(path)
    if ask is None or ask.get("chosen") not in {"approve", BREAK_GLASS}:
        return None
    return bind_grant(ask, run.desk.requester, ask["chosen"])


def mark_acting(run: Run, path: str) -> None:
    """Say that the call goes to a worker now: from here on nobody takes an answer back, for the effect may be announced
    before the run hears of it. Stays through retries and continue-as-new, until the gate is closed."""
    ask = run.human.asks.get(path)
    if ask is not None:
        ask["acting"] = True


def find_breaker(grant: Grant | None) -> str:
    """Who broke the glass; empty for an approved gate, and for none."""
    if grant is None or grant["option"] != BREAK_GLASS:
        return ""
    return str(grant["decisions"][0]["body"]["person"])


def refuse_glass(run: Run, ask: OpenAsk, option: str) -> Refusal | None:
    """What speaks against breaking the glass now: its condition, which is that life is at risk, does not hold."""
    if option != BREAK_GLASS or ask["kind"] != "approval":
        return None
    step = run.loaded.steps[ask["step"]].step
    approval = step["approval"] if step["kind"] == "action" else None
    glass = approval.get("break_glass") if approval else None
    kept = run.state.get("glass", {}).get(ask["path"])
    if glass and kept is not None and run.holds(glass["when"], find_frame(kept, run.root)):
        return None
    why = glass["when"]["src"] if glass else "nothing allows it"
    return Refusal(RefusalType.EARLY, f"the glass of `{ask['step']}` may be broken only while this holds: {why}")


async def refuse_passage(
    run: Run, frame: Frame, step: ActionStep, path: str, approval: Approval, verdict: Verdict
) -> Outcome:
    """Carry out what the runbook says about a denied or unanswered gate. The action does not act.

    Raises:
        StepFailed, Halted: as written.
    """
    if verdict == "silent":
        await fall_silent(run, frame, approval["on_silence"])
        return Outcome("silent")
    if approval["on_deny"] == "fail":
        raise StepFailed("denied")
    if approval["on_deny"] == "stop":
        run.end("denied", reason="denied", path=path)
        raise Halted("ending")
    await run.walk(frame, approval["on_deny"])
    return Outcome("denied")
