"""No route tells anything of a compartment to a key outside it: every operation of the document is tried."""

import json
import re
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from schemas.ledger import Entry
from tests.cli.boards import ask, clock
from tests.gateway.apis import ORDER, Api
from watchfloor.intake.delivery import Arrival, Outcome
from watchfloor.outgoing.book import Attempt, Book
from watchfloor.outgoing.events import Standing

SEEN, HIDDEN, NEVER = (letter * 20 for letter in "shn")
PREFIXES = {"incident": "inc", "hold": "hold", "handoff": "hand", "delivery": "del"}
"""Path parameters that name something of a compartment -> how ids of it begin. A route with another one must be added
here, or to `OPEN`, before this test lets it pass."""
OPEN = {"runbook": "eu-tco-removal-order"}
"""Path parameters that name what everybody may know: the library is no secret."""
STREAMS = {"/events", "/incidents/{incident}/events"}
BODIES: dict[str, Any] = {
    "/incidents": ORDER,
    "/incidents/{incident}/facts": {"fact": "clarification_received", "value": "2026-11-22T03:20:00Z"},
}
SAME_FOR_ALL = {"/runbooks", "/runbooks/{runbook}", "/runbooks/{runbook}/findings"}


def entry(chain: str, nth: int, kind: str = "decision.recorded", **data: Any) -> Entry:
    return {
        "v": 1,
        "id": f"{chain}:{nth}",
        "chain": chain,
        "kind": kind,
        "at": "2026-11-22T03:10:00Z",
        "actor": "counsel-1",
        "step": "order_doubt",
        "path": "triage/order_doubt",
        "data": {"option": "refuse", **data},
    }


def put_family(api: Api, name: str, compartment: str) -> None:
    """An incident with everything that a route could show of it."""
    walled: dict[str, Any] = {"compartment": compartment} if compartment else {}
    started = [
        {"path": "p", "kind": kind, "workflow": f"{prefix}-{name}", "state": "started", "at": "", "data": {}}
        for kind, prefix in (("hold", "hold"), ("handoff", "hand"))
    ]
    task = ask(kind="task", path="triage/look", step="look", options={"done": [{"any_of": ["legal_counsel"]}]})
    step = {"path": "s", "step": "s", "kind": "hold", "name": "s", "state": "done", "since": "", "detail": ""}
    api.put(f"inc-{name}", asks=[ask(), task], clocks=[clock()], children=started, severity="S0", **walled)
    for prefix, kind in (("hold", "hold"), ("hand", "handoff"), ("in", "incoming")):
        api.put(f"{prefix}-{name}", kind=kind, asks=[ask()], clocks=[clock("accept")], steps=[step], **walled)
        api.ledger.append([entry(f"{prefix}-{name}", 1, incident=f"inc-{name}")])
    api.ledger.append([entry(f"inc-{name}", nth) for nth in (1, 2)])
    tell(api, f"inc-{name}", compartment)
    deliver(api, name, compartment)


def tell(api: Api, incident: str, compartment: str) -> None:
    """A webhook is sent about it."""
    now = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)
    with closing(Book(api.webhooks_path)) as book:
        book.take(incident, Standing(seq=1, compartment=compartment), [], now)
        book.note(Attempt("case_tool", incident, 1, "decision.asked", 1, now, timedelta(), 200, "taken"), "delivered")


def deliver(api: Api, name: str, compartment: str) -> None:
    """A delivery of another system started it."""
    now, walls = datetime(2026, 11, 22, 3, 10, tzinfo=UTC), (compartment,) if compartment else ()
    arrival = Arrival(f"del-{name}", "portal", "standard", "", "", "mark", 40, now, timedelta(minutes=15), b"box")
    api.deliveries.keep(arrival, now=now)
    made = [Outcome("order", "started", f"inc-{name}", "", "", compartment)]
    api.deliveries.settle(f"del-{name}", "started", "", made, walls, now=now)


def change_hidden(api: Api) -> None:
    """Things happen in the compartment: an incident changes, another opens, and both write down what happens."""
    put_family(api, HIDDEN, "csea")
    put_family(api, "i" * 20, "csea")
    api.ledger.append([entry(f"inc-{HIDDEN}", 3)])
    api.changes.tell()


async def operations(api: Api) -> list[tuple[str, str]]:
    document = (await api.ask("GET", "/openapi.json")).json()
    return [(method.upper(), path) for path, methods in document["paths"].items() for method in methods]


def fill(path: str, name: str) -> str:
    def one(found: re.Match[str]) -> str:
        return OPEN[found[1]] if found[1] in OPEN else f"{PREFIXES[found[1]]}-{name}"

    return re.sub(r"\{(\w+)\}", one, path)


def names_something(path: str) -> bool:
    return any(f"{{{name}}}" in path for name in PREFIXES)


async def try_it(api: Api, method: str, path: str, key: str, name: str, **more: Any) -> httpx2.Response:
    headers = (
        {"idempotency-key": f"{path}-{name}", **more.pop("headers", {})}
        if method == "POST"
        else more.pop("headers", {})
    )
    body = {"json": BODIES[path]} if method == "POST" else {}
    return await api.ask(method, fill(path, name), key, headers=headers, **body, **more)


def told(answer: httpx2.Response) -> tuple[int, bytes, str | None]:
    return answer.status_code, answer.content, answer.headers.get("etag")


async def test_what_is_in_a_compartment_answers_like_what_never_was_on_every_route(api: Api) -> None:
    outside, inside = api.key(), api.key(clearances=("csea",))
    # one that the engine knows too: nothing but the wall keeps anybody from it
    name = (await api.start(inside)).json()["incident"].removeprefix("inc-")
    put_family(api, name, "csea")
    tried = 0
    for method, path in await operations(api):
        if not names_something(path):
            continue
        hidden, never = [await try_it(api, method, path, outside, one) for one in (name, NEVER)]
        assert told(hidden) == told(never), path
        assert hidden.status_code == 404, path
        if path not in STREAMS:
            assert (await try_it(api, method, path, inside, name)).status_code != 404, path
        tried += 1
    assert tried >= 11


async def test_what_happens_in_a_compartment_changes_no_answer_outside(api: Api) -> None:
    put_family(api, SEEN, "")
    put_family(api, HIDDEN, "csea")
    outside, inside = api.key(), api.key(clearances=("csea",))
    reads = [path for method, path in await operations(api) if method == "GET" and path not in STREAMS]
    before = {path: told(await try_it(api, "GET", path, outside, SEEN)) for path in reads}
    within = {path: told(await try_it(api, "GET", path, inside, SEEN)) for path in reads}
    change_hidden(api)
    for path in reads:
        assert told(await try_it(api, "GET", path, outside, SEEN)) == before[path], path
        assert before[path][0] == 200, path
        assert HIDDEN.encode() not in before[path][1], path
        if not names_something(path) and path not in SAME_FOR_ALL:
            assert told(await try_it(api, "GET", path, inside, SEEN)) != within[path], f"{path}: nothing to be seen"


async def test_every_route_refuses_who_has_no_key_and_a_key_without_its_scope(api: Api) -> None:
    put_family(api, SEEN, "")
    scopes = ("incidents:start", "facts:send", "incidents:read", "runbooks:read", "ledger:export")
    for method, path in await operations(api):
        assert (await try_it(api, method, path, "", SEEN)).status_code == 401, path
        if path in STREAMS:
            continue
        answers = [(await try_it(api, method, path, api.key(scope), SEEN)).status_code for scope in scopes]
        allowed = [status for status in answers if status != 403]
        assert 1 <= len(allowed) <= 2, path


async def read_stream(api: Api, key: str, last: str, count: int) -> list[tuple[str, str]]:
    headers = {"authorization": f"Bearer {key}", "last-event-id": last}
    found: list[tuple[str, str]] = []
    now: dict[str, str] = {}
    async with (
        httpx2.AsyncClient(trust_env=False, timeout=20) as http,
        http.stream("GET", f"{api.url}/api/v1/events", headers=headers) as answer,
    ):
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            now[name] = value
            if line == "" and "data" in now:
                found.append((now["id"], json.loads(now["data"])["incident"]))
                now = {}
            if len(found) == count:
                return found
    raise AssertionError("the stream ended")


async def test_event_ids_tell_nothing_of_what_lies_between_them(api: Api) -> None:
    """However much happens in a compartment, the same visible changes have the same ids, of one length."""
    put_family(api, SEEN, "")
    key = api.key()
    start = (await api.ask("GET", "/incidents", key)).json()["revision"]
    change_hidden(api)
    assert (await api.ask("GET", "/incidents", key)).json()["revision"] == start
    api.put("inc-" + "a" * 20)
    change_hidden(api)
    api.put("inc-" + "b" * 20)
    events = await read_stream(api, key, start, 2)
    assert [incident[4] for _, incident in events] == ["a", "b"]
    assert (await api.ask("GET", "/incidents", key)).json()["revision"] == events[-1][0]
    assert len({len(mark) for mark, _ in events}) == 1


async def test_a_mark_of_one_key_means_nothing_to_another(api: Api) -> None:
    put_family(api, SEEN, "")
    put_family(api, "t" * 20, "")
    one, other = api.key(), api.key()
    page = (await api.ask("GET", "/incidents?limit=1", one)).json()
    uses: list[Callable[[str], Any]] = [
        lambda key: api.ask("GET", f"/incidents?cursor={page['next']}", key),
        lambda key: api.ask("GET", f"/boards?since={page['revision']}", key),
        lambda key: api.ask("GET", f"/boards/lines?since={page['revision']}", key),
    ]
    for use in uses:
        assert (await use(one)).status_code == 200
        refused = await use(other)
        assert (refused.status_code, refused.json()["code"]) == (422, "cursor")
    stream = await api.ask("GET", "/events", other, headers={"last-event-id": page["revision"]})
    assert (stream.status_code, stream.json()["code"]) == (422, "cursor")
    elsewhere = await api.ask("GET", f"/holds?cursor={page['next']}", one)
    assert elsewhere.status_code == 422, "a cursor of one list is none of another"


async def test_an_incident_names_no_other_one_of_a_compartment(api: Api) -> None:
    hidden, seen = f"inc-{HIDDEN}", f"inc-{SEEN}"
    put_family(api, HIDDEN, "csea")
    api.put(
        seen,
        related=[{"incident": hidden, "by": "account"}, {"incident": "inc-" + "o" * 20, "by": "account"}],
        children=[{"path": "p", "kind": "run", "workflow": hidden, "state": "started", "at": "", "data": {}}],
        facts={"over": {"value": hidden, "at": "", "recorded_at": "", "source": "", "by": "", "revisions": []}},
    )
    api.put("inc-" + "o" * 20)
    api.ledger.append([entry(seen, 1), entry(seen, 2, "run.linked", run=hidden, by="account"), entry(seen, 3)])
    outside, inside = api.key(), api.key(clearances=("csea",))
    for path in (f"/incidents/{seen}", f"/incidents/{seen}/timeline", f"/boards?ids={seen}"):
        assert hidden not in (await api.ask("GET", path, outside)).text, path
        assert hidden in (await api.ask("GET", path, inside)).text, path
    board = (await api.ask("GET", f"/incidents/{seen}", outside)).json()
    assert [one["incident"][4] for one in board["related"]] == ["o"]
    assert (board["children"], board["facts"]["over"]["value"]) == ([], "withheld")


@pytest.mark.parametrize("path", ["/incidents", "/asks", "/tasks", "/clocks", "/holds", "/handoffs"])
async def test_a_list_of_which_much_is_hidden_gives_every_visible_line_once(api: Api, path: str) -> None:
    for nth, letter in enumerate("abcdefghij"):
        put_family(api, letter * 20, "csea" if nth % 3 == 0 else "")
    key, cursor, pages, seen = api.key(), "", 0, list[Any]()
    while True:
        page = (await api.ask("GET", f"{path}?limit=4&cursor={cursor}", key)).json()
        (name,) = [one for one, value in page.items() if isinstance(value, list)]
        seen += [json.dumps(line, sort_keys=True) for line in page[name]]
        pages += 1
        if page["next"] is None:
            break
        assert len(page[name]) == 4
        cursor = page["next"]
    assert len(seen) == len(set(seen)) > 5
    assert pages == -(-len(seen) // 4)
    assert not any(f"-{letter * 20}" in line for letter in "adgj" for line in seen)
