"""Pages: what people were told and somebody must take, or it climbs.

A page is opened by an ask, a failed step, a doubtful effect, a review, an alarm of a clock or of a hold, an offer, or
the `page` action. Until somebody acknowledges it (a signed `ack`, an answer to what it is about, a claim, the paging
service), it climbs one rung of the policy's ladder whenever the time that the run's severity gives has passed since the
last rung; each rung has its whole time, and a change of severity counts for what is left of it. After the last rung
that one is paged again and again, each time after twice the wait, a day at most: nobody who answers is never a reason
to fall silent. A page is settled when what it is about is over.

Durable: everything is in `state["pages"]`, instants absolute; a pause of the run, a crash or continue-as-new delays no
rung. Only what was started with a policy has pages. Ledger entries: `page.sent`, `page.climbed`, `page.acknowledged`,
`page.reopened`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from temporalio import workflow

from schemas.decision import OpenAsk
from schemas.json_value import Json
from schemas.ledger import EntryKind
from schemas.notify import NotifyCall, NotifyReceipt
from schemas.paging import BACKUP, Acknowledgement, Page, PagingPolicy, SeverityTimes
from watchfloor.signing import parse_instant, render_instant
from workflows.journal import Journal
from workflows.notices import Notices
from workflows.spans import add_business_days
from workflows.whom import find_whom

ALARMS = frozenset(
    {
        "ask",
        "failed_step",
        "doubtful_effect",
        "review_due",
        "clock_warning",
        "clock_breach",
        "handoff_offered",
        "handoff_unanswered",
        "hold_failed",
        "hold_expiry",
    }
)
"""Kinds of notice that open a page. What is handed over at closing (`clock_assigned`) has no run left to climb in."""
CLAIM_TAKES_PAGE = "a claim takes the page of its task"
ALONE = frozenset({"hold_failed", "hold_expiry"})
"""Kinds that have a page of their own beside others at the same path, and keep it while it goes on."""
MOST_ALERTS = 50
"""Alerts of a page that comes again and again; the last one stands for those after it."""
LONGEST_WAIT = 86_400.0
"""Seconds between two pages of the last rung, at most."""
_RUNNING = {"running", "breached"}


class Asking(Protocol):
    """Whoever has the open asks of a run or process."""

    @property
    def asks(self) -> Mapping[str, OpenAsk]: ...


class PageDesk(Protocol):
    """What has pages: an incident's run, or a process that outlives it. `state` is carried over continue-as-new."""

    stopped: bool

    @property
    def start(self) -> Mapping[str, Any]: ...

    @property
    def state(self) -> Any: ...

    @property
    def human(self) -> Asking: ...

    @property
    def journal(self) -> Journal: ...

    @property
    def notices(self) -> Notices: ...

    @property
    def now(self) -> str: ...


FindTimes = Callable[[PagingPolicy, Page], SeverityTimes | None]


class Pages:
    """Keeps the pages of one run or process; `find_next` and `take_due` as `workflows.ticking.tick` wants them.

    Args:
        run: what has them.
        times: how long a page has; by the severity that the run has now where it is not given.
        over: whether what a page that is about no ask and no clock is about has ended.
    """

    def __init__(
        self, run: PageDesk, times: FindTimes | None = None, over: Callable[[Page], bool] = lambda page: False
    ) -> None:
        self._run = run
        self._policy: PagingPolicy | None = run.start.get("paging")
        self._times = times or self._by_severity
        self._ended = over

    @property
    def is_on(self) -> bool:
        return self._policy is not None

    # -- what `workflows.notices` tells ---------------------------------------------------------------------------

    def sent(self, call: NotifyCall) -> None:
        """A notice is about to go out: opens a page if it is an alarm, and names the page it belongs to."""
        if call["kind"] in ALARMS or self._was_claimed(call):
            self._open(call)
        elif call["kind"] in {"remind", "escalate"}:
            page = self._find(call["path"])
            if page is not None:
                call["page"] = page["id"]
                others = [role for role in call["roles"] if role not in page["told"]]
                call["alerts"] = [self._alert(page, call["roles"]) if others else page["alerts"][0]]

    def delivered(self, call: NotifyCall, receipt: NotifyReceipt) -> None:
        """A channel that took it keeps something open: it is told of the acknowledgement and of the end."""
        page = self._run.state.get("pages", {}).get(call.get("page", ""))
        if page is None:
            return
        if receipt.get("follows"):
            page["follows"] = sorted({*page.get("follows", []), *receipt["follows"]})
        told = [one for ids in receipt.get("people", {}).values() for one in ids]
        if told:
            page["reached"] = list(dict.fromkeys([*page.get("reached", []), *told]))

    def heard(self, ask: OpenAsk, body: dict[str, Json]) -> None:
        """An answer counts: whoever gives one, even one of several, has taken the page."""
        self._taken(ask, body, "answer")

    def claimed(self, ask: OpenAsk, body: dict[str, Json]) -> None:
        """Somebody has the task, so its page is theirs. Handed back, it is paged anew. Runs of before climb on."""
        if workflow.patched(CLAIM_TAKES_PAGE):
            self._taken(ask, body, "claim")

    def took_action(
        self, path: str, step: str, role: str, key: str, deadline_at: Json, told: Sequence[str] = ()
    ) -> None:
        """The action `page` has reached somebody; the paging of this role climbs like any other."""
        page = self._make("page", path, step, [role], str(deadline_at) if deadline_at else None)
        page["alerts"] = [key[-16:]]
        if told:
            page["reached"] = list(told)
        page["follows"] = []

    # -- what `tick` asks -----------------------------------------------------------------------------------------

    def find_next(self) -> datetime | None:
        """When something is to be done: now, where a page was taken or is over; else when the next one climbs."""
        dues: list[datetime] = []
        for page in self._run.state.get("pages", {}).values():
            if page.get("untold") or self._is_over(page):
                return workflow.now()
            due = self.due_of(page)
            if due is not None:
                dues.append(due)
        return min(dues, default=None)

    def take_due(self, now: datetime) -> None:
        """Settle what is over, tell of what was taken, climb what is due."""
        for page in list(self._run.state.get("pages", {}).values()):
            if self._is_over(page):
                self._settle(page)
                continue
            if page.pop("untold", False):
                self._follow_up(page, "page_acknowledged")
            due = self.due_of(page)
            if due is not None and due <= now:
                self._climb(page, now)

    def due_of(self, page: Page) -> datetime | None:
        """When a page climbs, by the severity the run has now; None once it is acknowledged or never."""
        if self._policy is None or "acknowledged" in page:
            return None
        times = self._times(self._policy, page)
        if times is not None and times.get("business_days"):
            return add_business_days(parse_instant(page["rung_at"]), times["business_days"])
        within = times["acknowledge_within"] if times is not None else None
        if within is None:
            return None
        beyond = page["rung"] - len(self._rungs(page))
        if beyond > 0:
            within = max(within, min(within * 2.0 ** min(beyond, 20), LONGEST_WAIT))
        return parse_instant(page["rung_at"]) + timedelta(seconds=within)

    def give_back(self, person: str) -> None:
        """Somebody stands aside: what they had taken is nobody's, and climbs at once."""
        for page in list(self._run.state.get("pages", {}).values()):
            taken = page.get("acknowledged")
            if taken is None or taken["by"] != person or self._is_over(page):
                continue
            del page["acknowledged"]
            page.pop("untold", None)
            self._note(EntryKind.PAGE_REOPENED, page, before=person)
            self._climb(page, workflow.now())

    def has_taken(self, person: str) -> bool:
        """Whether somebody has a page now."""
        pages = self._run.state.get("pages", {}).values()
        return any(page.get("acknowledged", {}).get("by") == person for page in pages)

    def is_waiting(self) -> bool:
        """Whether some page is nobody's yet and climbs."""
        return any(self.due_of(page) is not None for page in self._run.state.get("pages", {}).values())

    def settle_all(self) -> None:
        """The run is ending: nothing waits any more."""
        for page in list(self._run.state.get("pages", {}).values()):
            self._settle(page)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _taken(self, ask: OpenAsk, body: dict[str, Json], how: Literal["answer", "claim"]) -> None:
        page = self._find(ask["path"])
        if page is not None and "acknowledged" not in page and page["ask"] == ask["ask"]:
            by, role = str(body["person"]), str(body["role"])
            acknowledge(self._run, page, {"how": how, "by": by, "role": role, "at": self._run.now})

    def _was_claimed(self, call: NotifyCall) -> bool:
        """Whether the task comes back from somebody whose claim had taken its page: then it is nobody's again."""
        page = self._find(call["path"]) if call["kind"] == "reassigned" else None
        return page is not None and page.get("acknowledged", {}).get("how") == "claim"

    def _open(self, call: NotifyCall) -> None:
        kind = "ask" if call["kind"] == "reassigned" else call["kind"]
        ask = self._run.human.asks.get(call["path"])
        page = self._find(call["path"], kind)
        goes_on = kind in ALONE and page is not None and not self._is_over(page)
        if page is not None and not goes_on and ("acknowledged" in page or page["ask"] != (ask["ask"] if ask else "")):
            self._settle(page)
            page = None
        if page is None:
            page = self._make(kind, call["path"], call["step"], call["roles"], call["deadline_at"], call["clock"])
            page["ask"] = ask["ask"] if ask and kind not in ALONE else ""
            alert = page["alerts"][0]
        else:
            # another alarm about what nobody has taken yet: it climbs on from where it stands
            page["kind"], page["deadline_at"] = kind, call["deadline_at"]
            is_heard = "acknowledged" in page or len(page["alerts"]) >= MOST_ALERTS
            alert = page["alerts"][-1] if is_heard else self._alert(page, call["roles"])
        call["page"], call["alerts"] = page["id"], [alert]

    def _make(
        self, kind: str, path: str, step: str, roles: Sequence[str], deadline_at: str | None, clock: str = ""
    ) -> Page:
        run = self._run
        run.state["paged"] = run.state.get("paged", 0) + 1
        now = run.now
        page: Page = {
            "id": f"p{run.state['paged']}",
            "kind": kind,
            "path": path,
            "step": step,
            "clock": clock,
            "ask": "",
            "roles": list(roles),
            "told": list(roles),
            "alerts": [f"p{run.state['paged']}"],
            "sent_at": now,
            "rung": 0,
            "rung_at": now,
            "deadline_at": deadline_at,
        }
        run.state.setdefault("pages", {})[page["id"]] = page
        due = self.due_of(page)
        self._note(
            EntryKind.PAGE_SENT,
            page,
            about=kind,
            roles=list(roles),
            severity=run.state["severity"],
            acknowledge_by=render_instant(due) if due is not None else None,
        )
        return page

    def _climb(self, page: Page, now: datetime) -> None:
        run, rungs = self._run, self._rungs(page)
        rung = rungs[min(page["rung"], len(rungs) - 1)]
        roles = list(page["roles"]) if rung == BACKUP else [rung]
        page["rung"] += 1
        page["rung_at"] = render_instant(now)
        alert = self._alert(page, roles)
        self._note(
            EntryKind.PAGE_CLIMBED,
            page,
            rung=page["rung"],
            to=rung,
            roles=list(roles),
            severity=run.state["severity"],
            sent_at=page["sent_at"],
        )
        run.notices.send(
            "page_climbed",
            path=page["path"],
            step=page["step"],
            roles=roles,
            deadline_at=page["deadline_at"],
            clock=page["clock"],
            nth=alert,
            about_page={"page": page["id"], "alerts": [alert], "rung": page["rung"], "backup": rung == BACKUP},
            **find_whom(run.human.asks.get(page["path"]) if page["ask"] else None, roles),
        )

    def _settle(self, page: Page) -> None:
        run = self._run
        if "acknowledged" not in page and page["rung"]:
            # it had climbed, so the record says how that ended
            acknowledge(run, page, {"how": "over", "by": "engine", "role": "", "at": run.now})
        self._follow_up(page, "page_settled")
        run.state.get("pages", {}).pop(page["id"], None)

    def _follow_up(self, page: Page, kind: str) -> None:
        if "follows" not in page:
            return
        self._run.notices.send(
            kind,  # type: ignore[arg-type]
            path=page["path"],
            step=page["step"],
            roles=page["told"],
            deadline_at=page["deadline_at"],
            clock=page["clock"],
            nth=page["id"],
            about_page={
                "page": page["id"],
                "alerts": list(page["alerts"]),
                "rung": page["rung"],
                "channels": page["follows"],
            },
        )

    def _rungs(self, page: Page) -> list[str]:
        """The ladder above those first paged; somebody is always on it."""
        times = self._times(self._policy, page) if self._policy is not None else None
        own = times.get("ladder") if times is not None else None
        ladder = own or (self._policy["ladder"] if self._policy is not None else [])
        return [rung for rung in ladder if rung not in page["roles"]] or [BACKUP]

    def _alert(self, page: Page, roles: Sequence[str]) -> str:
        """A new alert of a page, for a channel that would not sound twice for the same one."""
        alert = f"{page['id']}.{len(page['alerts'])}"
        page["alerts"].append(alert)
        page["told"].extend(role for role in roles if role not in page["told"])
        return alert

    def _find(self, path: str, kind: str = "") -> Page | None:
        pages = reversed(list(self._run.state.get("pages", {}).values()))
        at = (page for page in pages if page["path"] == path)
        return next((page for page in at if page["kind"] == kind or not {page["kind"], kind} & ALONE), None)

    def _note(self, kind: str, page: Page, **data: Json) -> None:
        self._run.journal.note(kind, step=page["step"], path=page["path"], data={"page": page["id"], **data})

    def _by_severity(self, policy: PagingPolicy, page: Page) -> SeverityTimes | None:
        return policy["severities"].get(self._run.state["severity"])

    def _is_over(self, page: Page) -> bool:
        """Whether what a page is about has ended by itself or was decided."""
        if page["clock"]:
            clock = self._run.state["clocks"].get(page["clock"])
            return clock is None or clock["state"] not in _RUNNING
        if not page["ask"]:
            return self._ended(page)
        ask = self._run.human.asks.get(page["path"])
        return ask is None or ask["ask"] != page["ask"] or "chosen" in ask


def acknowledge(run: PageDesk, page: Page, of: Acknowledgement, statement: str = "") -> None:
    """Somebody has taken a page: it climbs no further. Says so in the ledger; the channels are told by `take_due`."""
    page["acknowledged"] = of
    if "follows" in page:
        page["untold"] = True
    run.journal.note(
        EntryKind.PAGE_ACKNOWLEDGED,
        step=page["step"],
        path=page["path"],
        actor=of["by"],
        data={
            "page": page["id"],
            "how": of["how"],
            "role": of["role"],
            "rung": page["rung"],
            "sent_at": page["sent_at"],
            "statement": statement,
        },
    )
