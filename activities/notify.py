"""Telling people: `notify.webhook`, `notify.email`, `page`, and the engine's own `people.notify`.

Who is told is a role or a configured name, never an address; what is told are ids, codes, roles and instants.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from temporalio import activity

from activities.bound import Action, defined
from activities.dependencies import Dependencies
from activities.effects import require_admission
from activities.records import receipt_of
from activities.refusals import refusal
from schemas.actions import ActionCall, ActionReceipt, ErrorType
from schemas.notify import (
    ACTIVITY_FIND_PERSON,
    ACTIVITY_NOTIFY,
    FOLLOW_UPS,
    FindPersonCall,
    FindPersonReceipt,
    NotifyCall,
    NotifyReceipt,
)
from watchfloor.connections.port import FOLLOWING, CallFailed, Notice, NoticeState
from watchfloor.identity.reached import Reached
from watchfloor.signing import render_instant

_CODE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}", re.ASCII)
PAUSES = (timedelta(seconds=1), timedelta(seconds=5), timedelta(seconds=15))
"""Between attempts at channels that did not answer; after the last one the notice is given up and says so."""
_STATES: dict[str, NoticeState] = {"page_acknowledged": "acknowledged", "page_settled": "settled"}
DELIVERY_LIMIT = 15.0
"""Seconds for one delivery on one channel."""
HEAD_START = 5.0
"""Seconds for which the others of an exposed task wait, at most, until whoever is proposed first has been told."""


def notify(deps: Dependencies, name: str, kind: str) -> Action:
    """The activity that sends one notice to one destination of a kind, `webhook` or `email`.

    May run twice: the receiver sees the same delivery id.
    """

    async def act(call: ActionCall) -> ActionReceipt:
        require_admission(call)
        to = str(call["inputs"]["to"])
        found = deps.notifier.kind(to)
        if found != kind:
            message = f"`{to}` is a {found} destination; `{name}` sends to a {kind} destination"
            raise CallFailed(ErrorType.BAD_INPUT, message, possible=False)
        at = await deps.notifier.deliver(to, _notice(deps, call))
        return receipt_of(call, {"sent_at": render_instant(at)}, at)

    return defined(name, act)


def page(deps: Dependencies) -> Action:
    """The activity that pages a role on every channel its holders have. Done when one of them took it."""

    async def act(call: ActionCall) -> ActionReceipt:
        require_admission(call)
        role = str(call["inputs"]["role"])
        aside = frozenset(call.get("recused", ()))
        reached = _reach_others(deps, role, aside, backup=False)
        if not reached.destinations:
            message = (
                f"nobody who holds `{role}` in region `{deps.region}` can be reached; add contacts to the directory"
            )
            raise CallFailed(ErrorType.REFUSED, message, possible=False, detail={"why": "nobody"})
        results = await _deliver_all(deps, reached.destinations, _notice(deps, call, roles=(role,)))
        times = [result for result in results.values() if isinstance(result, datetime)]
        if times:
            took = [name for name, result in results.items() if isinstance(result, datetime)]
            receipt = receipt_of(call, {"sent_at": render_instant(min(times))}, min(times))
            told = _told([reached], took).get(role)
            return {**receipt, "told": told} if told else receipt
        failures = [result for result in results.values() if isinstance(result, CallFailed)]
        again = next((item for item in failures if item.type == ErrorType.UNAVAILABLE), failures[0])
        raise again

    return defined("page", act)


def people_notify(deps: Dependencies) -> Callable[[NotifyCall], Awaitable[NotifyReceipt]]:
    """The engine's activity that tells roles that something waits.

    Durable: what was delivered is carried from attempt to attempt, so a channel that took it is not told again. It may
    reach a channel twice when the worker dies in between; channels deduplicate by the delivery id. A channel that
    cannot be reached after the last attempt is named in the receipt; it never fails the run.
    """

    @activity.defn(name=ACTIVITY_NOTIFY)
    async def notify_people(call: NotifyCall) -> NotifyReceipt:
        aside = frozenset(call.get("excluded", ()))
        resolved = _resolve(deps, call, aside)
        reached: dict[str, tuple[str, ...]] = {one.role: one.destinations for one in resolved}
        nobody = [f"nobody:{role}" for role, names in reached.items() if not names]
        wanted = list(dict.fromkeys(name for names in reached.values() for name in names))
        if call["kind"] in FOLLOW_UPS:
            known = call.get("channels") or [name for name in wanted if deps.notifier.kind(name) in FOLLOWING]
            wanted, nobody = [name for name in known if name in set(deps.notifier.destinations())], []
        delivered = [name for name in _delivered_before() if name in wanted]
        notice = Notice(
            key=call["key"],
            about=call["kind"] if not call["clock"] else f"{call['kind']}.{call['clock']}",
            region=call["region"],
            incident=call["incident"],
            step=call["step"],
            path=call["path"],
            severity=call["severity"],
            at=deps.clock(),
            due_at=call["deadline_at"],
            roles=tuple(call["roles"]),
            state=_STATES.get(call["kind"], "open"),
            page=call.get("page", ""),
            alerts=tuple(call.get("alerts", ())),
            rung=call.get("rung", 0),
        )
        left = [name for name in wanted if name not in delivered]
        first = [name for name in _proposed(call, resolved) if name in left]
        results = await _deliver_in_turn(deps, first, [name for name in left if name not in first], notice)
        delivered += [name for name, result in results.items() if isinstance(result, datetime)]
        failed = {name: result for name, result in results.items() if isinstance(result, CallFailed)}
        attempt = activity.info().attempt
        if attempt <= len(PAUSES) and any(item.type == ErrorType.UNAVAILABLE for item in failed.values()):
            activity.heartbeat(delivered)
            message = f"{len(failed)} of {len(wanted)} channels did not take the notice"
            asked = [item.retry_after for item in failed.values() if item.retry_after is not None]
            raise refusal(ErrorType.UNAVAILABLE, message, retry_after=max([PAUSES[attempt - 1], *asked]))
        for name, item in failed.items():
            activity.logger.warning("notice not delivered", extra={"channel": name, "error": item.type})
        receipt: NotifyReceipt = {"delivered": sorted(delivered), "failed": sorted([*failed, *nobody])}
        fell_back = [one.role for one in resolved if one.fell_back]
        if fell_back:
            receipt["fell_back"] = fell_back
        people = _told(resolved, delivered) if call["kind"] not in FOLLOW_UPS else {}
        if people:
            receipt["people"] = people
        follows = [name for name in sorted(delivered) if deps.notifier.kind(name) in FOLLOWING]
        if follows:
            receipt["follows"] = follows
        return receipt

    return notify_people


def find_person(deps: Dependencies) -> Callable[[FindPersonCall], Awaitable[FindPersonReceipt]]:
    """The engine's activity that says whether somebody is in the directory with one of these roles. Changes nothing."""

    @activity.defn(name=ACTIVITY_FIND_PERSON)
    async def find(call: FindPersonCall) -> FindPersonReceipt:
        return {"found": call["region"] == deps.region and bool(set(deps.roles(call["person"])) & set(call["roles"]))}

    return find


def _reach(deps: Dependencies, role: str, *, backup: bool = False) -> Reached:
    """Who answers for a role now, or who holds it beside them.

    A gap in the rota is said in the log, and everybody who holds the role is told.
    """
    reached = deps.backups(role) if backup and deps.backups is not None else deps.contacts(role)
    if reached.fell_back:
        told = {"role": role, "region": deps.region, "told": len(reached.people)}
        activity.logger.warning("nobody on call, all holders of the role told", extra=told)
    return reached


def _reach_others(deps: Dependencies, role: str, aside: frozenset[str], *, backup: bool) -> Reached:
    """Who answers for a role without those who stand aside; where nobody is left on call, whoever else holds it."""
    reached = _reach(deps, role, backup=backup)
    if not aside & set(reached.people):
        return reached
    left = reached.without(aside)
    if left.destinations or backup or deps.backups is None:
        return left
    return deps.backups(role).without(aside)


def _resolve(deps: Dependencies, call: NotifyCall, aside: frozenset[str]) -> list[Reached]:
    """Who is told, role by role. A person whose task it is stands for all of them, unless no channel is theirs."""
    person, roles, backup = call.get("person", ""), call["roles"], call.get("backup", False)
    own = tuple(deps.own(person)) if person and person not in aside else ()
    if own and roles:
        return [Reached(roles[0], (person,), own, "on_call", {person: own})]
    found = [_reach_others(deps, role, aside, backup=backup) for role in roles]
    exposure = call.get("exposure", "")
    return [_narrow(deps, exposure, one, aside, backup=backup) for one in found] if exposure else found


def _narrow(deps: Dependencies, exposure: str, reached: Reached, aside: frozenset[str], *, backup: bool) -> Reached:
    """Those who take what exposes: of those who answer for the role, else of whoever else holds it; else everybody."""
    willing = deps.willing(exposure, reached)
    if willing is None and not backup and deps.backups is not None:
        willing = deps.willing(exposure, deps.backups(reached.role).without(aside))
    return reached if willing is None else willing


def _told(resolved: Sequence[Reached], delivered: Sequence[str]) -> dict[str, list[str]]:
    """Who has it on a channel of theirs that took it."""
    found: dict[str, list[str]] = {}
    for one in resolved:
        ids = [person for person in one.people if set(one.own.get(person, ())) & set(delivered)]
        if ids:
            found[one.role] = ids
    return found


def _proposed(call: NotifyCall, resolved: Sequence[Reached]) -> list[str]:
    """The channels of whoever is proposed first for a task that exposes; none where nobody goes before others."""
    if not call.get("exposure"):
        return []
    return [name for one in resolved if len(one.people) > 1 for name in one.own.get(one.people[0], ())]


def _delivered_before() -> list[str]:
    details = activity.info().heartbeat_details
    return [str(name) for name in details[0]] if details and isinstance(details[0], list) else []


async def _deliver_in_turn(
    deps: Dependencies, first: Sequence[str], others: Sequence[str], notice: Notice
) -> dict[str, datetime | CallFailed]:
    """Deliver on some channels, and on the others when those have taken it, or have had their head start."""
    if not first:
        return await _deliver_all(deps, others, notice)
    async with asyncio.TaskGroup() as group:
        ahead = group.create_task(_deliver_all(deps, first, notice))
        await asyncio.wait({ahead}, timeout=HEAD_START)
        behind = group.create_task(_deliver_all(deps, others, notice))
    return {**ahead.result(), **behind.result()}


async def _deliver_all(
    deps: Dependencies, destinations: Sequence[str], notice: Notice
) -> dict[str, datetime | CallFailed]:
    """Deliver on all channels at once; one that hangs holds up no other."""

    async def deliver(name: str) -> datetime | CallFailed:
        try:
            async with asyncio.timeout(DELIVERY_LIMIT):
                return await deps.notifier.deliver(name, notice)
        except CallFailed as failure:
            return failure
        except TimeoutError:
            return CallFailed(ErrorType.UNAVAILABLE, f"`{name}` did not answer in time", possible=True)

    names = list(dict.fromkeys(destinations))
    return dict(zip(names, await asyncio.gather(*(deliver(name) for name in names)), strict=True))


def _notice(deps: Dependencies, call: ActionCall, roles: tuple[str, ...] = ()) -> Notice:
    about = str(call["inputs"]["about"])
    if _CODE.fullmatch(about) is None:
        message = "`about` is a short code (lower-case letters, digits, `_`, `.`, `-`, at most 64), never a text"
        raise CallFailed(ErrorType.BAD_INPUT, message, possible=False)
    return Notice(
        key=call["key"],
        about=about,
        region=call["region"],
        incident=call["incident"],
        step=call["step"],
        path=call["path"],
        severity=call["severity"],
        at=deps.clock(),
        due_at=call["inputs"].get("due_at"),
        roles=roles,
        alerts=(call["key"][-16:],),
    )
