"""Human steps: the asks that a workflow holds open, and the answers it takes.

Used by every workflow that asks a person. The workflow owns one `HumanSteps`, mixes in `AnswersPeople` (the update
`decide` with its validator, the signal `decide_later`), opens asks with `open`, waits with `answer`, and drops them
with `close`. Handlers record and return; only the run waits. Lateness is judged by the ask's absolute deadline, in
validator and handler alike, never by a timer. Every ask opens with a durable command (its notice), so no gate can
vanish from a history unseen.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from schemas.decision import Envelope, Narrowable, Narrowed, OpenAsk, Receipt, RefusalType, Rung
from schemas.incident import SIGNAL_DECIDE, SIGNAL_RECUSAL, UPDATE_DECIDE
from schemas.json_value import Json
from schemas.keys import SIGNAL_REVOKED
from schemas.ledger import EntryKind
from schemas.notify import NoticeKind
from watchfloor.signing import Refusal, ask_digest, digest, envelope_digest, in_words, parse_instant, render_instant
from watchfloor.signing.blind import find_settled, is_over, mask
from watchfloor.signing.motions import can_be_taken_back
from watchfloor.signing.standing import NARROW
from watchfloor.signing.step_up import find_keyed
from watchfloor.signing.tasks import seat_commander
from workflows.claiming import TaskTerms, lapse
from workflows.journal import Journal
from workflows.motions import is_motion, record_motion, refuse_spoken, send_due
from workflows.notices import Desk, Notices
from workflows.reception import refuse_answer
from workflows.refusals import counted
from workflows.refused import note_refusal
from workflows.revocations import take_revocation
from workflows.sealing import note_said, reveal
from workflows.standing_aside import take_recusal
from workflows.whom import find_whom

__all__ = ["Answer", "AnswersPeople", "Desk", "HumanSteps", "Patience", "Wait"]


class Wait(Protocol):
    """How the owner of the asks waits: for the condition (True) or an instant (False). It may raise to unwind."""

    async def __call__(self, fn: Callable[[], bool], until: datetime | None = None) -> bool: ...


async def plain_wait(fn: Callable[[], bool], until: datetime | None = None) -> bool:
    """Wait for a condition, at most until an instant of workflow time."""
    if fn():
        return True
    if until is None:
        await workflow.wait_condition(fn)
        return True
    left = until - workflow.now()
    if left <= timedelta(0):
        return False
    try:
        await workflow.wait_condition(fn, timeout=left)
    except TimeoutError:
        return fn()
    return True


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an ask waits. Seconds.

    `within` is the window (None waits for ever); `remind` are seconds after asking; after the window each role in
    `escalate` is paged and given `rung` seconds. The absolute deadline is window plus ladder.
    """

    within: float | None
    remind: Sequence[float] = ()
    escalate: Sequence[str] = ()
    rung: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """How an ask ended. `option` is None when nobody answered in time; then `ask` holds what was received until then.

    `by` is who filled the last seat, `form` what they filled in, `at` when (or when silence was recorded).
    """

    option: str | None
    by: str
    form: dict[str, Json]
    at: str
    ask: OpenAsk


class HumanSteps:
    """The open and settled asks of one workflow.

    Durable: `asks`, `settled`, `silent` and `seen` must be carried over continue-as-new (pass the same objects in
    again); `answer` on a carried ask waits on without telling anybody anew. Ledger entries: `decision.asked`,
    `.reminded`, `.escalated`, `.recorded`, `.settled`, `.silent`, `.refused` (signals only: a refused update leaves
    nothing in the history), and those of `workflows.motions`.
    """

    def __init__(
        self,
        desk: Desk,
        journal: Journal,
        notices: Notices,
        *,
        asks: dict[str, OpenAsk] | None = None,
        settled: dict[str, str] | None = None,
        silent: list[str] | None = None,
        seen: list[str] | None = None,
    ) -> None:
        self.desk = desk
        self.asks = {} if asks is None else asks
        self.settled = {} if settled is None else settled
        self.silent = [] if silent is None else silent
        self.seen = [] if seen is None else seen
        self.guard: Callable[[OpenAsk, str], Refusal | None] = lambda ask, option: None
        """What the owner has to say against an option of an ask before it is taken; must change nothing."""
        self.heard: Callable[[OpenAsk, dict[str, Json]], None] = lambda ask, body: None
        """Told of every answer that counts, by its body; must not wait."""
        self.passed_on: Callable[[str, bool], None] | None = None
        """Told whom word from above has put aside (True) or back in, if the owner passes it on; must not wait."""
        self.shrunk: Callable[[OpenAsk], None] = lambda ask: None
        """Told of an ask when somebody has narrowed it; must not wait."""
        self._journal = journal
        self._notices = notices

    def open(
        self,
        *,
        path: str,
        step: str,
        kind: str,
        title: str,
        options: Mapping[str, Sequence[Mapping[str, Sequence[str]]]],
        patience: Patience,
        on_silence: str,
        exclude: Sequence[str] = (),
        action: str = "",
        action_digest: str = "",
        inputs: Mapping[str, Json] | None = None,
        shown: Sequence[Mapping[str, Json]] = (),
        form: Mapping[str, Json] | None = None,
        notice: NoticeKind = "ask",
        round_: int = 0,
        glass_after: float | None = None,
        exposure: str = "",
        terms: TaskTerms | None = None,
        blind: Sequence[Mapping[str, Sequence[str]]] = (),
        narrows: Narrowable | None = None,
        narrowed: Narrowed | None = None,
        effect: str = "",
    ) -> OpenAsk:
        """Ask people, unless this very ask is open already; tells every role that may fill a seat.

        Args:
            path: runtime path; the address of the ask on this workflow.
            kind: of `schemas.decision.OpenAsk.kind`.
            options: option -> all slots it needs, each slot filled by a different person.
            on_silence: what happens if nobody answers, in words.
            action_digest: `watchfloor.signing.action_digest` at an approval.
            exposure: class of what the person will be exposed to, shown before anything opens; empty for nothing.
            terms: what only a task has.
            glass_after: seconds after which the option `break_glass` may be taken.
            blind: the seats that must all have answered before anybody is shown what another said.
            narrows: what of the inputs an approver may narrow.
            narrowed: what of them was left out before, in the same step. `effect` is that of the gated action.
            round_: grows when the same path is asked again, so that an old decision cannot answer a new ask.
        """
        if path in self.asks:
            return self.asks[path]
        now = workflow.now()
        rungs, deadline_at = _climb(now, patience, _roles(options))
        slots = {name: [{"any_of": list(slot["any_of"])} for slot in seats] for name, seats in options.items()}
        ask: OpenAsk = {
            "path": path,
            "step": step,
            "kind": kind,  # type: ignore[typeddict-item]
            "title": title,
            "ask": "",
            "options": slots,
            "slots": next(iter(slots.values()), []),
            "exclude": list(exclude),
            "action": action,
            "action_digest": action_digest,
            "inputs": dict(inputs or {}),
            "shown": [dict(one) for one in shown],
            "form": dict(form or {}),
            "asked_at": render_instant(now),
            "deadline_at": deadline_at,
            "on_silence": on_silence,
            "answers": [],
            "accepted_at": [],
            "round": round_,
            "ladder": rungs,
            "climbed": 0,
        }
        if exposure:
            ask["exposure"] = exposure
        if terms is not None:
            ask.update(terms)  # type: ignore[typeddict-item]
        if blind:
            ask["blind"] = [{"any_of": list(slot["any_of"])} for slot in blind]
        if narrows is not None:
            ask["narrows"] = narrows
        if narrowed is not None:
            ask["narrowed"] = narrowed
        if glass_after is not None:
            ask["glass_from"] = render_instant(now + timedelta(seconds=glass_after))
        if keyed := find_keyed(self.desk.keyed, kind=kind, effect=effect, options=slots):
            ask["keyed"] = keyed
        ask["ask"] = self._digest(ask)
        self.asks[path] = ask
        self._journal.note(
            EntryKind.ASKED,
            step=step,
            path=path,
            data={
                "kind": kind,
                "ask": ask["ask"],
                "round": round_,
                "options": list(slots),
                "roles": _roles(options),
                "deadline_at": deadline_at,
                **({"exposure": exposure} if exposure else {}),
            },
        )
        self._notices.send(
            notice,
            path=path,
            step=step,
            roles=_roles(options),
            deadline_at=deadline_at,
            nth=f"{round_}",
            **find_whom(ask, _roles(options)),
        )
        return ask

    async def answer(self, path: str, wait: Wait = plain_wait) -> Answer:
        """Wait until the ask is decided or its deadline has passed; reminds and escalates meanwhile.

        The ask stays in `asks` (with `chosen`) until `close`, so that a decision survives whatever comes between.
        """
        ask = self.asks[path]
        while "chosen" not in ask:
            rung = self._next_rung(ask)
            until = rung or (parse_instant(ask["deadline_at"]) if ask["deadline_at"] else None)
            # a claim or its return puts other rungs on the ladder; a motion may make notices due at once
            if await wait(lambda rung=rung: self._is_stirred(ask, rung), until):  # type: ignore[misc]
                # what was chosen may have been taken back again before this came to its turn
                send_due(ask, self._journal, self._notices)
                continue
            now = workflow.now()
            if ask["deadline_at"] is not None and now >= parse_instant(ask["deadline_at"]):
                return self._fall_silent(ask)
            self._take_rungs(ask, now)
        last = [body for body in _bodies(ask) if body["option"] == ask["chosen"]][-1]
        return Answer(ask["chosen"], str(last["person"]), dict(last["form"]), ask["accepted_at"][-1], ask)

    def close(self, path: str) -> None:
        """Take a decided ask off the board; answers that still come are told that it is decided."""
        ask = self.asks.pop(path, None)
        if ask is not None:
            self.settled[path] = ask["ask"]

    def void(self, path: str, reason: str) -> int:
        """Drop an ask whose subject has changed; gives the round to ask it in anew."""
        ask = self.asks.pop(path)
        self.settled[path] = ask["ask"]
        reveal(self._journal, ask)
        self._journal.note(
            EntryKind.SETTLED, step=ask["step"], path=path, data={"ask": ask["ask"], "void": True, "reason": reason}
        )
        return ask.get("round", 0) + 1

    def forget_below(self, prefix: str) -> None:
        """Forget settled asks under a path: an item of a loop is done and its asks can no longer be answered."""
        for path in [one for one in self.settled if one.startswith(prefix)]:
            del self.settled[path]
        self.silent[:] = [one for one in self.silent if not one.startswith(prefix)]

    def refuse(self, envelope: object) -> tuple[Envelope, OpenAsk]:
        """Check an answer, or a motion, hostile until this returns. Changes nothing.

        Raises:
            ApplicationError: non-retryable, its type one of `RefusalType`, its message for the sender.
        """
        judge = refuse_spoken if is_motion(envelope) else refuse_answer
        found = judge(
            envelope,
            desk=self.desk,
            asks=self.asks,
            settled=self.settled,
            silent=self.silent,
            seen=self.seen,
            now=workflow.now(),
        )
        if not isinstance(found, Refusal) and judge is refuse_answer:
            found = self.guard(found[1], str(found[0]["body"]["option"])) or found
        if isinstance(found, Refusal):
            raise ApplicationError(found.message, type=found.type, non_retryable=True)
        return found

    def accept(self, envelope: object) -> Receipt:
        """Record an answer or a motion; checks everything once more, for two may have passed the validator in one task.

        Raises:
            ApplicationError: as `refuse`.
        """
        checked, ask = self.refuse(envelope)
        if is_motion(checked):
            receipt = record_motion(ask, checked, self.desk, self._journal, self.seen)
            if checked["body"]["verb"] == NARROW:
                self.shrunk(ask)
            return receipt
        body, mark = checked["body"], envelope_digest(checked)
        ask["answers"].append(checked)
        ask["accepted_at"].append(render_instant(workflow.now()))
        self.seen.extend([mark, f"nonce:{body['nonce']}"])
        option = str(body["option"])
        said: dict[str, Json] = {
            "ask": ask["ask"],
            "option": option,
            "role": body["role"],
            "entity": body["entity"],
            "signed_in": body["signed_in"],
            "statement": mark,
            "kid": checked["kid"],
            "reason_ref": body["reason_ref"],
            "form": digest(body["form"]) if body["form"] else "",
        }
        said |= {name: body[name] for name in ("amr", "step_up", "on_behalf_of") if name in body}
        note_said(self._journal, ask, EntryKind.DECIDED, str(body["person"]), said)
        self.heard(ask, body)
        chosen, left = find_settled(seat_commander(ask, workflow.now()), option)
        if is_over(ask, chosen):
            reveal(self._journal, ask)
        if chosen:
            ask["chosen"] = chosen
            self._journal.note(
                EntryKind.SETTLED, step=ask["step"], path=ask["path"], data={"ask": ask["ask"], "option": chosen}
            )
        return {
            "accepted": True,
            "digest": mark,
            "state": "complete" if chosen else "waiting",
            "waiting_for": in_words(left),
        }

    def accept_later(self, envelope: object) -> None:
        """Take an answer whose sender does not wait; a refused one becomes a `decision.refused` entry."""
        try:
            self.accept(envelope)
        except ApplicationError as error:
            note_refusal(self._journal, envelope, error)

    def forget_key(self, revocation: object) -> None:
        """Take a revocation; see `workflows.revocations`."""
        take_revocation(self.desk, self.asks, self._journal, self._notices, revocation)

    def take_recusal(self, said: object) -> None:
        """Take word of who stands aside; see `workflows.recusal`."""
        taken = take_recusal(self.desk.recused, self.asks, self._journal, self._notices, said)
        if taken is not None and self.passed_on is not None:
            self.passed_on(*taken)

    def shown(self) -> list[OpenAsk]:
        """The asks that still take answers, for the board."""
        return [mask(ask) for ask in self.asks.values() if "chosen" not in ask]

    def revocable(self) -> list[OpenAsk]:
        """The asks that are decided and still without effect."""
        return [ask for ask in self.asks.values() if can_be_taken_back(ask)]

    def _digest(self, ask: OpenAsk) -> str:
        desk = self.desk
        return ask_digest(ask, region=desk.region, namespace=desk.namespace, incident=desk.incident, plan=desk.plan)

    def _is_stirred(self, ask: OpenAsk, rung: datetime | None) -> bool:
        return "chosen" in ask or "tell" in ask or self._next_rung(ask) != rung

    def _next_rung(self, ask: OpenAsk) -> datetime | None:
        rungs, climbed = ask.get("ladder", []), ask.get("climbed", 0)
        return parse_instant(rungs[climbed]["at"]) if climbed < len(rungs) else None

    def _take_rungs(self, ask: OpenAsk, now: datetime) -> None:
        """Send what is due; of several overdue rungs of one kind (after an outage) each role is still told."""
        rungs = ask.get("ladder", [])
        while (at := self._next_rung(ask)) is not None and at <= now:
            nth = ask.get("climbed", 0)
            rung = rungs[nth]
            ask["climbed"] = nth + 1
            if rung["kind"] == "lapse":
                lapse(ask, self._journal, self._notices, now)
                continue
            self._journal.note(
                EntryKind.REMINDED if rung["kind"] == "remind" else EntryKind.ESCALATED,
                step=ask["step"],
                path=ask["path"],
                data={"ask": ask["ask"], "roles": rung["roles"]},
            )
            self._notices.send(
                rung["kind"],
                path=ask["path"],
                step=ask["step"],
                roles=rung["roles"],
                deadline_at=ask["deadline_at"],
                nth=f"{ask.get('round', 0)}:{nth}",
                **find_whom(ask, rung["roles"]),
            )

    def _fall_silent(self, ask: OpenAsk) -> Answer:
        path = ask["path"]
        del self.asks[path]
        self.settled[path] = ask["ask"]
        if path not in self.silent:
            self.silent.append(path)
        reveal(self._journal, ask)
        self._journal.note(
            EntryKind.SILENT,
            step=ask["step"],
            path=path,
            data={"ask": ask["ask"], "deadline_at": ask["deadline_at"], "answers": len(ask["answers"])},
        )
        return Answer(None, "", {}, render_instant(workflow.now()), ask)


class AnswersPeople:
    """Mix-in with the handlers of every workflow that asks people.

    The owner sets `human` in `@workflow.init`; while it is unset (the start was refused) every answer is refused.
    Arguments are taken as any JSON: a typed one that does not decode would be lost before it could be refused.
    """

    human: HumanSteps | None = None

    @workflow.update(name=UPDATE_DECIDE)
    def decide(self, envelope: Any) -> Receipt:
        return _present(self.human).accept(envelope)

    @decide.validator
    def check_decide(self, envelope: Any) -> None:
        with counted(UPDATE_DECIDE):
            _present(self.human).refuse(envelope)

    @workflow.signal(name=SIGNAL_DECIDE)
    def decide_later(self, *said: Any) -> None:
        # any number of arguments: one too many would otherwise fail the workflow task, again and again
        if self.human is not None:
            self.human.accept_later(said[0] if len(said) == 1 else None)

    @workflow.signal(name=SIGNAL_REVOKED)
    def key_revoked(self, *said: Any) -> None:
        if self.human is not None:
            self.human.forget_key(said[0] if len(said) == 1 else None)

    @workflow.signal(name=SIGNAL_RECUSAL)
    def recusal(self, *said: Any) -> None:
        if self.human is not None:
            self.human.take_recusal(said[0] if len(said) == 1 else None)


def _present(human: HumanSteps | None) -> HumanSteps:
    if human is None:
        raise ApplicationError("this run takes no answers", type=RefusalType.CLOSED, non_retryable=True)
    return human


def _bodies(ask: OpenAsk) -> list[dict[str, Json]]:
    return [answer["body"] for answer in ask["answers"]]


def _roles(options: Mapping[str, Sequence[Mapping[str, Sequence[str]]]]) -> list[str]:
    return list(dict.fromkeys(role for seats in options.values() for slot in seats for role in slot["any_of"]))


def _climb(now: datetime, patience: Patience, roles: Sequence[str]) -> tuple[list[Rung], str | None]:
    """The ladder of an ask opened now, and its absolute deadline."""
    rungs: list[Rung] = []
    for after in sorted(patience.remind):
        if patience.within is None or after < patience.within:
            at = render_instant(now + timedelta(seconds=after))
            rungs.append({"at": at, "kind": "remind", "roles": list(roles)})
    if patience.within is None:
        return rungs, None
    end = now + timedelta(seconds=patience.within)
    for role in patience.escalate:
        rungs.append({"at": render_instant(end), "kind": "escalate", "roles": [role]})
        end += timedelta(seconds=patience.rung)
    return rungs, render_instant(end)
