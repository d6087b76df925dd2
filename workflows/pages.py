"""Pages: what people were told and somebody must take, or it climbs.

A page is opened by an ask, a failed step, a doubtful effect, a review, an alarm of a clock or the `page` action. Until
somebody acknowledges it (a signed `ack`, an answer to what it is about, a claim, the paging service), it climbs one
rung of the policy's ladder whenever the time that the run's severity gives has passed since the last rung; each rung
has its whole time, and a change of severity counts for what is left of it. After the last rung that one is paged again
and again, each time after twice the wait, a day at most: nobody who answers is never a reason to fall silent. A page
is settled when what it is about is over.

Durable: everything is in `state["pages"]`, instants absolute; a pause of the run, a crash or continue-as-new delays no
rung. Only a run that was started with a policy has pages. Ledger entries: `page.sent`, `.climbed`, `.acknowledged`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from temporalio import workflow

from schemas.decision import OpenAsk
from schemas.json_value import Json
from schemas.ledger import EntryKind
from schemas.notify import NotifyCall, NotifyReceipt
from schemas.paging import BACKUP, Acknowledgement, Page
from watchfloor.signing import parse_instant, render_instant
from workflows.run import Run
from workflows.whom import find_whom

ALARMS = frozenset({"ask", "failed_step", "doubtful_effect", "review_due", "clock_warning", "clock_breach"})
"""Kinds of notice that open a page. What is handed over at closing (`clock_assigned`) has no run left to climb in."""
CLAIM_TAKES_PAGE = "a claim takes the page of its task"
LONGEST_WAIT = 86_400.0
"""Seconds between two pages of the last rung, at most."""
_RUNNING = {"running", "breached"}


class Pages:
    """Keeps the pages of one run; `find_next` and `take_due` as `workflows.ticking.tick` wants them."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._policy = run.start.get("paging")

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
        if page is not None and receipt.get("follows"):
            page["follows"] = sorted({*page.get("follows", []), *receipt["follows"]})

    def heard(self, ask: OpenAsk, body: dict[str, Json]) -> None:
        """An answer counts: whoever gives one, even one of several, has taken the page."""
        self._taken(ask, body, "answer")

    def claimed(self, ask: OpenAsk, body: dict[str, Json]) -> None:
        """Somebody has the task, so its page is theirs. Handed back, it is paged anew. Runs of before climb on."""
        if workflow.patched(CLAIM_TAKES_PAGE):
            self._taken(ask, body, "claim")

    def took_action(self, path: str, step: str, role: str, key: str, deadline_at: Json) -> None:
        """The action `page` has reached somebody; the paging of this role climbs like any other."""
        page = self._make("page", path, step, [role], str(deadline_at) if deadline_at else None)
        page["alerts"] = [key[-16:]]
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
        times = self._policy["severities"].get(self._run.state["severity"])
        within = times["acknowledge_within"] if times is not None else None
        if within is None:
            return None
        beyond = page["rung"] - len(self._rungs(page))
        if beyond > 0:
            within = max(within, min(within * 2.0 ** min(beyond, 20), LONGEST_WAIT))
        return parse_instant(page["rung_at"]) + timedelta(seconds=within)

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
        page = self._find(call["path"])
        if page is not None and ("acknowledged" in page or page["ask"] != (ask["ask"] if ask else "")):
            self._settle(page)
            page = None
        if page is None:
            page = self._make(kind, call["path"], call["step"], call["roles"], call["deadline_at"], call["clock"])
            page["ask"] = ask["ask"] if ask else ""
            alert = page["alerts"][0]
        else:
            # another alarm about what nobody has taken yet: it climbs on from where it stands
            page["kind"], page["deadline_at"] = kind, call["deadline_at"]
            alert = self._alert(page, call["roles"])
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
        run.note(
            EntryKind.PAGE_SENT,
            step=step,
            path=path,
            page=page["id"],
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
        run.note(
            EntryKind.PAGE_CLIMBED,
            step=page["step"],
            path=page["path"],
            page=page["id"],
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
        ladder = self._policy["ladder"] if self._policy is not None else []
        return [rung for rung in ladder if rung not in page["roles"]] or [BACKUP]

    def _alert(self, page: Page, roles: Sequence[str]) -> str:
        """A new alert of a page, for a channel that would not sound twice for the same one."""
        alert = f"{page['id']}.{len(page['alerts'])}"
        page["alerts"].append(alert)
        page["told"].extend(role for role in roles if role not in page["told"])
        return alert

    def _find(self, path: str) -> Page | None:
        pages = self._run.state.get("pages", {})
        return next((page for page in reversed(list(pages.values())) if page["path"] == path), None)

    def _is_over(self, page: Page) -> bool:
        """Whether what a page is about has ended by itself or was decided."""
        if page["clock"]:
            clock = self._run.state["clocks"].get(page["clock"])
            return clock is None or clock["state"] not in _RUNNING
        if not page["ask"]:
            return False
        ask = self._run.human.asks.get(page["path"])
        return ask is None or ask["ask"] != page["ask"] or "chosen" in ask


def acknowledge(run: Run, page: Page, of: Acknowledgement, statement: str = "") -> None:
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
