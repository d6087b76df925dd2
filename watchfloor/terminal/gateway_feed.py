"""The feed over a gateway: the same screens for somebody who has nothing here but an address and who they are."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from schemas.incident import Board
from schemas.json_value import Json
from schemas.plan import Plan
from schemas.terminal import Answer, Look, Planned, Receipt, Remark, Run, SignedIn, Whole, Work
from watchfloor.cli.board_view import View
from watchfloor.client.asks import AskAt, Family
from watchfloor.client.attempts import Attempt
from watchfloor.client.errors import ClientError, EngineUnavailable, NotFound, Refused
from watchfloor.client.runs import RunSummary
from watchfloor.client.statements import Sent
from watchfloor.identity.people import Person
from watchfloor.signing import parse_instant
from watchfloor.terminal.feed import Overview, Waiting
from watchfloor.terminal.gateway import Gateway, needs_browser
from watchfloor.terminal.shown import make_harmless


class GatewayFeed:
    """See `watchfloor.terminal.feed.Feed`."""

    def __init__(self, gateway: Gateway, signed_in: SignedIn) -> None:
        self._gateway = gateway
        self._who = signed_in
        self._mark = ""
        self._last: Overview | None = None
        self._plans: dict[str, Plan] = {}

    @property
    def person(self) -> str:
        return self._who.person

    @property
    def roles(self) -> tuple[str, ...]:
        return tuple(self._who.roles)

    @property
    def someone(self) -> Person:
        """Who is signed in, as far as a screen needs it."""
        return Person(self._who.person, self.roles, self._who.entity, self._who.region, ())

    @property
    def signed_in(self) -> str:
        """See `Feed.signed_in`."""
        until = f"{parse_instant(self._who.until):%H:%M}Z"
        if self._who.way == "dev":
            # at 80 columns all but the name of the gateway, which is this machine then
            return f"until {until} · DEVELOPMENT SIGN-IN: nobody proved who they are · {self._gateway.host}"
        return f"{self._who.person} until {until} by company sign-in at {self._gateway.host}"

    async def look(self) -> Overview:
        """See `Feed.look`."""
        found, self._mark = await self._gateway.get("/look", Look, known=self._mark)
        now = datetime.now(UTC)
        if found is None:
            assert self._last is not None
            self._last = replace(self._last, read_at=now)
            return self._last
        self._who = found.signed_in
        try:
            self._last = Overview(
                read_at=now,
                runs=tuple(_summarise(run) for run in found.runs),
                waiting=tuple(
                    Waiting(
                        one.incident,
                        one.region,
                        one.severity,
                        one.priority,
                        AskAt(one.workflow, found.boards[one.workflow], one.ask),
                        mine=True,
                        taken=one.taken,
                    )
                    for one in found.waiting
                ),
                commands={run.incident: run.commander for run in found.runs if run.closed_at is None},
                silent=(),
                more=found.more,
            )
        except (KeyError, ValueError) as error:
            self._mark = ""
            raise EngineUnavailable(f"{self._gateway.host} sent a look that does not hold together") from error
        return self._last

    async def read(self, region: str, run: str) -> View:
        """See `Feed.read`."""
        whole, _ = await self._gateway.get(f"/incidents/{quote(run, safe='')}", Whole)
        assert whole is not None
        attempts = {
            (one.run, one.path): Attempt(one.action, one.inputs, one.digest, one.at, one.number)
            for one in whole.attempts
        }
        plan = await self._plan(whole.board)
        return View(Family(whole.board, whole.children, {}), plan, {}, whole.texts, attempts)

    async def _plan(self, board: Board) -> Plan | None:
        """The plan of an incident, read once; None while it cannot be read, and then less is said."""
        run = board["workflow"]
        if board["kind"] != "incident":
            return None
        if run not in self._plans:
            try:
                found, _ = await self._gateway.get(f"/plans/{quote(run, safe='')}", Planned)
            except (EngineUnavailable, NotFound):
                return None
            assert found is not None
            self._plans[run] = found.plan
        return self._plans[run]

    async def decide(
        self, region: str, at: AskAt, option: str, *, reason: str, form: Mapping[str, Json], attach: Mapping[str, Path]
    ) -> Sent:
        """See `Feed.decide`."""
        if attach:
            raise Refused(
                "attachment",
                f"{', '.join(attach)}: a file is put into the region's evidence store, which this terminal does not "
                "reach; nothing was sent. Use `watchfloor decide --attach` on a machine of the region",
            )
        texts = {name: str(value) for name, value in form.items()}
        return await self._send("/answers", at, Answer(v=1, **_at(at), option=option, reason=reason, form=texts))

    async def say(self, region: str, at: AskAt, verb: str, *, reason: str, about: Mapping[str, Json]) -> Sent:
        """See `Feed.say`."""
        more: dict[str, object] = {}
        if verb == "delegate":
            more = {"to": str(about.get("to", ""))}
        elif verb == "narrow":
            more = {"inputs": about.get("to") or {}, "leave_out": about.get("leave_out") or []}
        word = Remark.model_validate({"v": 1, **_at(at), "verb": verb, "reason": reason, **more})
        return await self._send("/words", at, word)

    async def work(self, region: str, at: AskAt, verb: str, *, item: str = "") -> Sent:
        """See `Feed.work`."""
        said = Work.model_validate({"v": 1, **_at(at), "verb": verb, "item": item})
        return await self._send("/tasks", at, said)

    async def _send(self, path: str, at: AskAt, said: Answer | Remark | Work) -> Sent:
        try:
            receipt = await self._gateway.post(path, said, Receipt)
        except ClientError as error:
            if isinstance(error, Refused) and needs_browser(error):
                page = f"{self._gateway.origin}/console/asks/{quote(at.workflow)}/{quote(at.ask['path'])}"
                raise Refused(error.type, f"{error}: {page}") from error
            raise
        return make_harmless(
            Sent(
                receipt.workflow,
                receipt.path,
                receipt.digest,
                receipt.recorded,
                receipt.state,
                tuple(receipt.waiting_for),
                receipt.reason_ref,
                receipt.note,
            )
        )


def _at(at: AskAt) -> dict[str, str]:
    return {"workflow": at.workflow, "path": at.ask["path"], "ask": at.ask["ask"]}


def _summarise(run: Run) -> RunSummary:
    return RunSummary(
        incident=run.incident,
        region=run.region,
        runbook=run.runbook,
        severity=run.severity,
        phase=run.phase,
        state=run.state,
        status="running" if run.closed_at is None else "completed",
        waiting=tuple(run.waiting),
        due_at=parse_instant(run.due_at) if run.due_at else None,
        opened_at=parse_instant(run.opened_at),
        closed_at=parse_instant(run.closed_at) if run.closed_at else None,
        priority=run.priority,
    )
