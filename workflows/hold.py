"""The legal hold: freezes deletion at each source, proves it, outlives the incident, ends by two people's decision."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

from schemas.decision import Envelope, OpenAsk, Receipt, RefusalType
from schemas.hold import HoldCarried, HoldResult, HoldStart
from schemas.incident import HOLD_WORKFLOW, QUERY_BOARD, SIGNAL_REPORT, UPDATE_CONTROL, Board, Report
from schemas.json_value import Json
from schemas.ledger import EntryKind
from schemas.paging import Page
from watchfloor.signing import Refusal, bind_grant, digest, envelope_digest, parse_instant, render_instant
from workflows.anchoring import anchor
from workflows.child_boards import child_board, clock_view, source_view
from workflows.custody import RELEASE, Custody
from workflows.hold_renewal import RENEW, add_renewals, refuse_renewal
from workflows.human import Answer, AnswersPeople, Desk, HumanSteps, Patience, plain_wait
from workflows.journal import Journal
from workflows.notices import Notices
from workflows.process_desk import VERBS, ProcessDesk, verb_of
from workflows.reception import name_signer
from workflows.retention import describe_terms, find_expiry, find_release, find_warnings
from workflows.standing_aside import note_those_aside
from workflows.starts import RefusesBadStarts, refuse_bad_start

TOO_EARLY = "too_early"
"""`ApplicationError.type` of a release decided before the law's minimum retention has ended. No role may shorten it."""
CUSTODIAN = "records_custodian"
DEFAULT_RELEASE = [{"any_of": ["legal_counsel"]}, {"any_of": [CUSTODIAN]}]

_TRY_AGAIN = timedelta(minutes=15)
"""How soon an unproved source is frozen and tried anew, unless the hold is verified more often than that anyway."""
_ASK_WINDOW = timedelta(days=30)
_ASK_RUNG = timedelta(days=1)


class HoldSteps(HumanSteps):
    """The asks of a hold: one that comes before the minimum retention has ended is told so, and from when it may."""

    releasable_at: datetime

    def refuse(self, envelope: object) -> tuple[Envelope, OpenAsk]:
        body = envelope.get("body") if isinstance(envelope, dict) else None
        about = body.get("path") if isinstance(body, dict) else None
        if about == RELEASE and workflow.now() < self.releasable_at:
            raise ApplicationError(
                f"the law keeps this hold until {render_instant(self.releasable_at)}; "
                "its release can be decided from then on, by nobody earlier",
                type=TOO_EARLY,
                non_retryable=True,
            )
        return super().refuse(envelope)


@workflow.defn(name=HOLD_WORKFLOW)
class Hold(AnswersPeople, RefusesBadStarts):
    """One legal hold.

    Durable: the sources' states, expiry, warnings given, the open ask with its answers; all survive continue-as-new.
    May run twice: any call to a source, deduplicated by its key (`workflows.custody`), and notices. Silence never
    releases: a release that nobody decides is asked again. Ledger entries (chain: the hold's id): `hold.placed`,
    `hold.verified`, `hold.failed`, `hold.expiry_warned`, `hold.renewed`, `hold.released`, the entries of the ask and of
    each effect.
    The chain is anchored whenever the hold was proved, and at its end. Reports `verified` or `failed` to the incident,
    and `released` at the end, as long as the incident is there.
    """

    @workflow.init
    @refuse_bad_start(HoldStart)
    def __init__(self, *said: Any) -> None:
        (start,) = said
        self.start: HoldStart = start
        carried = start["carried"]
        now = workflow.now()
        self.placed_at = parse_instant(carried["placed_at"]) if carried else now
        self.renewals = list(carried.get("renewals", [])) if carried else []
        self.expires_at = add_renewals(start["law"], find_expiry(start["law"], self.placed_at), self.renewals)
        self._asking: asyncio.Task[None] | None = None
        self._renewed = False
        self.warned = list(carried["warned"]) if carried else []
        self.next_verify_at = (
            parse_instant(carried["next_verify_at"]) if carried else now + timedelta(seconds=start["reverify_every"])
        )
        self.round = carried.get("round", 0) if carried else 0
        self.reported = carried.get("reported", "") if carried else ""
        self.settled: Answer | None = None
        self.released_at = ""
        seats = start["release"] if len(start["release"]) >= 2 else DEFAULT_RELEASE
        self.seats = [{"any_of": list(seat["any_of"])} for seat in seats]
        self.desk = Desk(
            region=start["region"],
            namespace=start["namespace"],
            incident=start["hold"],
            plan=start["plan"],
            workflow=start["hold"],
            requester=start["requester"],
            decision_keys=start["decision_keys"],
            root=start.get("root", ""),
            revoked=dict((carried or start).get("revoked", {})),
            recused=list((carried or start).get("recused", [])),
            keyed=list(start.get("keyed", [])),
        )
        self.journal = Journal(
            chain=start["hold"],
            region=start["region"],
            seq=carried["entry_seq"] if carried else 0,
            by_activity=start.get("ledger_by_activity", False),
        )
        self.notices = Notices(self.desk, self.journal)
        asks = {RELEASE: carried["ask"]} if carried and carried["ask"] else None
        self.human: HoldSteps = HoldSteps(
            self.desk, self.journal, self.notices, asks=asks, seen=carried.get("seen", []) if carried else None
        )
        self.human.releasable_at = find_release(start["law"], self.placed_at, self.expires_at)
        self.paging = ProcessDesk(
            start,
            self.desk,
            self.journal,
            self.notices,
            self.human,
            process="hold",
            over=self._is_over,
            carried={name: carried[name] for name in ("pages", "paged") if name in carried} if carried else None,
        )
        self.custody = Custody(
            start,
            self.journal,
            carried["sources"]
            if carried
            else {
                source: {"source": source, "state": "freezing", "reference": "", "verified_at": None, "detail": ""}
                for source in start["sources"]
            },
            carried.get("effects", {}) if carried else {},
            self._terms(),
        )

    @workflow.run
    async def run(self, *said: Any) -> HoldResult:
        self.require_start()
        start = self.start
        flusher = asyncio.create_task(self.journal.keep_flushed())
        climbing = asyncio.create_task(self.paging.climb())
        if start["carried"] is None:
            self._note_opening()
            await self._prove(start["sources"])
        self._asking = asyncio.create_task(self._ask_release())
        while True:
            while self.settled is None:
                due = self._next_due()
                await plain_wait(lambda: self.settled is not None or self._renewed or self._long_history(), due)
                if self._renewed and self.settled is None:
                    self._take_renewal()
                if self.settled is None and self._long_history():
                    await self._continue(flusher, self._asking, climbing)
                await self._take_due()
            if await self._release(self.settled):
                break
            self.settled = None
            self._asking = asyncio.create_task(self._ask_release())
        await self._report(RELEASE + "d", {"by": self._deciders(self.settled)})
        self.paging.rest()
        await self.journal.stop_flushing(flusher)
        await self.notices.drained()
        await workflow.wait_condition(workflow.all_handlers_finished)
        await anchor(self.journal)
        await self.journal.flush()
        return {
            "hold": start["hold"],
            "state": "released",
            "placed_at": render_instant(self.placed_at),
            "expires_at": self._expires(),
            "released_at": self.released_at,
            "by": self._deciders(self.settled),
            "sources": self.custody.sources,
        }

    @workflow.update(name=UPDATE_CONTROL)
    def control(self, envelope: Any) -> Receipt:
        if verb_of(envelope) in VERBS:
            self.require_start()
            return self.paging.accept(envelope, RENEW)
        checked, body, received = self._refuse(envelope)
        mark = envelope_digest(checked)
        self.human.seen.extend([mark, f"nonce:{body['nonce']}"])
        self.renewals.append({"at": render_instant(received), "granted": True})
        law = self.start["law"]
        self.expires_at = add_renewals(law, find_expiry(law, self.placed_at), self.renewals)
        self.human.releasable_at = find_release(law, self.placed_at, self.expires_at)
        self.custody.set_terms(self._terms())
        written = len(self.journal.entries)
        self.journal.note(
            EntryKind.HOLD_RENEWED,
            step="hold",
            path=self.start["path"],
            actor=str(body["person"]),
            data={
                "hold": self.start["hold"],
                "role": body["role"],
                "renewed_at": render_instant(received),
                "expires_at": self._expires(),
                "statement": mark,
                "reason_ref": body["reason_ref"],
            },
        )
        name_signer(self.desk, self.journal, written, mark, checked)
        self._renewed = True
        return {"accepted": True, "digest": mark, "state": "recorded", "waiting_for": []}

    @control.validator
    def check_control(self, envelope: Any) -> None:
        if verb_of(envelope) in VERBS:
            self.require_start()
            self.paging.refuse(envelope, RENEW)
        else:
            self._refuse(envelope)

    def _refuse(self, envelope: object) -> tuple[Envelope, dict[str, Json], datetime]:
        """Check a renewal, hostile until this returns. Changes nothing.

        Raises:
            ApplicationError: non-retryable, its type one of `RefusalType`.
        """
        self.require_start()
        found: Refusal | tuple[Envelope, dict[str, Json], datetime]
        if self.settled is not None or self.released_at:
            found = Refusal(RefusalType.CLOSED, "the release of this hold is decided; place a new one")
        else:
            found = refuse_renewal(
                envelope,
                law=self.start["law"],
                placed_at=self.placed_at,
                expires_at=self.expires_at,
                renewals=self.renewals,
                desk=self.desk,
                seen=self.human.seen,
                now=workflow.now(),
            )
        if isinstance(found, Refusal):
            raise ApplicationError(found.message, type=found.type, non_retryable=True)
        return found

    def _take_renewal(self) -> None:
        """What was asked or planned for the old end is taken back; the sources are told of the new one at once."""
        self._renewed = False
        if RELEASE in self.human.asks:
            self.round = self.human.void(RELEASE, "the hold was renewed")
        if self._asking is not None:
            self._asking.cancel()
        self._asking = asyncio.create_task(self._ask_release())
        self.next_verify_at = workflow.now()

    @workflow.query(name=QUERY_BOARD)
    def board(self) -> Board:
        start = self.start
        due = render_instant(self.expires_at) if self.expires_at else None
        clock = clock_view(start["law"]["id"], render_instant(self.placed_at), due, self.warned)
        board = child_board(
            "hold",
            self.desk,
            compartment=start.get("compartment", ""),
            title=f"Legal hold: {start['law']['title']}",
            state="closed" if self.released_at else "open",
            outcome="released" if self.released_at else "",
            opened_at=render_instant(self.placed_at),
            asks=self.human.shown(),
            steps=[source_view(self.custody.sources[name], self.placed_at) for name in start["sources"]],
            clocks=[clock],
        )
        return self.paging.draw(board)

    def _is_over(self, page: Page) -> bool:
        """An unproved freeze is proved by now, or all sources have let go; an end warned of has moved, or is here."""
        if self.released_at:
            return True
        if page["kind"] == "hold_failed":
            return self.settled is None and not self.custody.unproved
        is_past = self.expires_at is not None and self.expires_at <= workflow.now()
        return page["deadline_at"] != self._expires() or is_past

    def _note_opening(self) -> None:
        start = self.start
        self.journal.note(
            EntryKind.HOLD_PLACED,
            step="hold",
            path=start["path"],
            data={
                "hold": start["hold"],
                "incident": start["incident"],
                "basis": start["basis"],
                "storage": start["storage"],
                "scope": digest(start["scope"]),
                "sources": list(start["sources"]),
                "expires_at": self._expires(),
            },
        )
        note_those_aside(self.journal, self.desk.recused)

    async def _prove(self, sources: list[str]) -> None:
        """Freeze and try each source at once; tell the incident, and the custodian of what did not work."""
        proved = await asyncio.gather(*(self.custody.prove(source) for source in sources))
        failed = [source for source, worked in zip(sources, proved, strict=True) if not worked]
        if failed:
            self.notices.send(
                "hold_failed",
                path=self.start["path"],
                step="hold",
                roles=[CUSTODIAN],
                nth=render_instant(workflow.now()),
            )
        left = self.custody.unproved
        every = timedelta(seconds=self.start["reverify_every"])
        self.next_verify_at = workflow.now() + (min(every, _TRY_AGAIN) if left else every)
        await self._report("failed" if left else "verified", {"failed": left})
        await anchor(self.journal)

    async def _report(self, state: str, more: dict[str, Json]) -> None:
        start = self.start
        data: dict[str, Json] = {
            "hold": start["hold"],
            "verified": not self.custody.unproved,
            "sources": list(start["sources"]),
            "expires_at": self._expires(),
            **more,
        }
        mark = digest({"state": state, "data": data})
        if mark == self.reported:
            return
        self.reported = mark
        report: Report = {
            "path": start["path"],
            "kind": "hold",
            "workflow": start["hold"],
            "state": state,
            "at": render_instant(workflow.now()),
            "data": data,
        }
        try:
            await workflow.get_external_workflow_handle(start["incident"]).signal(SIGNAL_REPORT, report)
        except FailureError:
            # the incident has closed: the hold outlives it and answers for itself on its own board
            workflow.logger.info("the incident has ended; the hold goes on")

    def _next_due(self) -> datetime:
        instants = [at for at in self._warnings() if render_instant(at) not in self.warned]
        return min([self.next_verify_at, *instants])

    async def _take_due(self) -> None:
        now = workflow.now()
        for at in [at for at in self._warnings() if at <= now]:
            if render_instant(at) not in self.warned:
                self._warn(at)
        if now >= self.next_verify_at and self.settled is None:
            await self._prove(list(self.start["sources"]))

    def _warnings(self) -> list[datetime]:
        return find_warnings(self.placed_at, self.expires_at, self.start["warn_before"])

    def _warn(self, at: datetime) -> None:
        self.warned.append(render_instant(at))
        roles = list(dict.fromkeys(role for seat in self.seats for role in seat["any_of"]))
        self.journal.note(
            EntryKind.HOLD_WARNED,
            step="hold",
            path=self.start["path"],
            data={"hold": self.start["hold"], "expires_at": self._expires(), "roles": roles},
        )
        self.notices.send(
            "hold_expiry",
            path=self.start["path"],
            step="hold",
            roles=roles,
            deadline_at=self._expires() or None,
            nth=render_instant(at),
        )

    async def _ask_release(self) -> None:
        """Ask for the release from the day it is allowed; silence keeps the hold, and it is asked again."""
        await plain_wait(lambda: False, self.human.releasable_at)
        while True:
            self.human.open(
                path=RELEASE,
                step=RELEASE,
                kind="release",
                title=f"Release the legal hold {self.start['hold']}",
                options={RELEASE: self.seats},
                patience=Patience(
                    within=_ASK_WINDOW.total_seconds(),
                    remind=[_ASK_WINDOW.total_seconds() / 2],
                    escalate=["exec_sponsor"],
                    rung=_ASK_RUNG.total_seconds(),
                ),
                on_silence="the hold stays, and the release is asked again",
                action="hold.unfreeze",
                action_digest=self.custody.release_digest(),
                shown=self._shown(),
                round_=self.round,
            )
            answer = await self.human.answer(RELEASE)
            if answer.option is None:
                self.round += 1
            elif answer.ask["action_digest"] != self.custody.release_digest():
                self.round = self.human.void(RELEASE, "the sources of the hold have changed")
            else:
                self.settled = answer
                return

    def _shown(self) -> list[dict[str, Json]]:
        start = self.start
        return [
            {"label": "basis", "value": start["basis"]},
            {"label": "law", "value": start["law"]["legal_ref"]},
            {"label": "incident", "value": start["incident"]},
            {"label": "placed_at", "value": render_instant(self.placed_at)},
            {"label": "expires_at", "value": self._expires()},
            {"label": "scope", "value": digest(start["scope"])},
            {"label": "sources", "value": list(self.custody.kept)},
        ]

    async def _release(self, answer: Answer) -> bool:
        """Let every source go; one that cannot be told is paged about and told again until it has heard. False when
        the decision has lost an answer meanwhile, because the key was revoked: then it is asked again."""
        grant = bind_grant(answer.ask, self.start["requester"], RELEASE, self.custody.release_calls())
        while self.custody.kept:
            ask = self.human.asks.get(RELEASE)
            if ask is not None and "chosen" not in ask:
                return False
            kept = self.custody.kept
            if all(await asyncio.gather(*(self.custody.release(source, grant) for source in kept))):
                break
            self.notices.send(
                "hold_failed",
                path=self.start["path"],
                step=RELEASE,
                roles=[CUSTODIAN],
                nth=render_instant(workflow.now()),
            )
            await workflow.sleep(_TRY_AGAIN)
        self.released_at = render_instant(workflow.now())
        self.human.close(RELEASE)
        self.journal.note(
            EntryKind.HOLD_RELEASED,
            step="hold",
            path=self.start["path"],
            data={"hold": self.start["hold"], "ask": answer.ask["ask"], "by": self._deciders(answer)},
        )
        return True

    def _long_history(self) -> bool:
        return workflow.info().is_continue_as_new_suggested()

    async def _continue(self, *beside: "asyncio.Task[None]") -> None:
        await self.notices.drained()
        await workflow.wait_condition(workflow.all_handlers_finished)
        await self.journal.flush()
        # a task beside that is cancelled while the ledger takes something goes on after the command to continue
        await self.journal.rested()
        if self.settled is not None or self._renewed or self.journal.entries:
            return
        for task in beside:
            task.cancel()
        carried: HoldCarried = {
            "placed_at": render_instant(self.placed_at),
            "expires_at": self._expires(),
            "sources": self.custody.sources,
            "warned": self.warned,
            "ask": self.human.asks.get(RELEASE),
            "answers": [],
            "entry_seq": self.journal.seq,
            "next_verify_at": render_instant(self.next_verify_at),
            "seen": self.human.seen,
            "round": self.round,
            "effects": self.custody.effects,
            "reported": self.reported,
        }
        carried.update(self.paging.carry())  # type: ignore[typeddict-item]
        if self.renewals:
            carried["renewals"] = self.renewals
        if self.desk.revoked:
            carried["revoked"] = self.desk.revoked
        if self.desk.recused:
            carried["recused"] = self.desk.recused
        workflow.continue_as_new({**self.start, "carried": carried})

    def _terms(self) -> dict[str, Json] | None:
        if not self.start.get("tells_terms"):
            return None
        return describe_terms(self.start["law"], self.placed_at, self.expires_at)

    def _expires(self) -> str:
        return render_instant(self.expires_at) if self.expires_at else ""

    def _deciders(self, answer: Answer) -> list[str]:
        return [str(envelope["body"]["person"]) for envelope in answer.ask["answers"]]
