"""What waits, who said what, clocks, holds, handoffs, findings and boards in bulk over HTTP."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.boards import DIGEST, ask, clock
from tests.gateway.apis import Api
from tests.gateway.test_api_walls import entry
from watchfloor.client.library import library_folder
from watchfloor.signing import render_instant

INCIDENT, HOLD, OFFER, RECEIVED = (f"{prefix}-{'q' * 20}" for prefix in ("inc", "hold", "hand", "in"))
CHILDREN = [
    {"path": "p", "kind": kind, "workflow": id_, "state": "started", "at": "", "data": {}}
    for kind, id_ in (("hold", HOLD), ("handoff", OFFER))
]


def answer(person: str, option: str) -> Any:
    return {"domain": "", "kid": "", "sig": "", "body": {"person": person, "role": "legal_counsel", "option": option}}


def task(**changes: Any) -> Any:
    return ask(
        kind="task",
        path="triage/look",
        step="look",
        options={"done": [{"any_of": ["ts_reviewer"]}]},
        exposure="graphic",
        deadline_at="2026-11-22T03:15:00Z",
        checklist=[{"id": "read", "do": "Read it", "required": True}, {"id": "note", "do": "Note", "required": False}],
        ticks={"read": {"by": "reviewer-1", "role": "ts_reviewer", "at": "2026-11-22T03:11:00Z", "statement": DIGEST}},
        **changes,
    )


async def get(api: Api, path: str, key: str | None = None) -> Any:
    found = await api.ask("GET", path, key or api.key())
    assert found.status_code == 200, found.text
    return found.json()


async def test_an_ask_says_who_may_until_when_and_what_silence_does(api: Api) -> None:
    api.put(INCIDENT, asks=[ask(answers=[answer("counsel-1", "refuse")], accepted_at=["2026-11-22T03:11:00Z"])])
    (found,) = (await get(api, f"/incidents/{INCIDENT}/asks"))["asks"]
    assert found["options"] == {
        "clarify": [["legal_counsel"]],
        "refuse": [["legal_counsel"], ["exec_sponsor", "deputy"]],
    }
    assert (found["deadline_at"], found["on_silence"]) == (
        "2026-11-22T03:20:00Z",
        "exec_sponsor is paged, then the step fails",
    )
    assert (found["ask"], found["plan"], found["run"], found["namespace"]) == (DIGEST, DIGEST, INCIDENT, "eu")
    assert found["answers"] == [
        {"person": "counsel-1", "role": "legal_counsel", "option": "refuse", "at": "2026-11-22T03:11:00Z"}
    ]


async def test_of_a_blind_ask_only_how_many_have_answered_is_told(api: Api) -> None:
    api.put(INCIDENT, asks=[ask(blind=[{"any_of": ["legal_counsel"]}], answered=1)])
    (found,) = (await get(api, f"/incidents/{INCIDENT}/asks"))["asks"]
    assert (found["blind"], found["answered"], found["answers"]) == (True, 1, [])


async def test_the_asks_of_an_incident_are_those_of_what_it_started_too_the_nearest_deadline_first(api: Api) -> None:
    api.put(INCIDENT, asks=[ask(), task()], children=CHILDREN)
    api.put(HOLD, kind="hold", asks=[ask(path="release", kind="release", deadline_at=None)])
    asks = (await get(api, f"/incidents/{INCIDENT}/asks"))["asks"]
    assert [(one["run"], one["path"]) for one in asks] == [
        (INCIDENT, "triage/look"),
        (INCIDENT, "triage/order_doubt"),
        (HOLD, "release"),
    ]
    assert asks[2]["run_kind"] == "hold"


async def test_a_task_says_what_it_exposes_to_who_has_it_and_how_far_it_is(api: Api) -> None:
    claim = {
        "person": "reviewer-1",
        "role": "ts_reviewer",
        "at": "2026-11-22T03:10:00Z",
        "until": "2026-11-22T03:40:00Z",
    }
    api.put(INCIDENT, asks=[ask(), task(claim=claim)])
    (found,) = (await get(api, "/tasks"))["asks"]
    assert (found["exposure"], found["claim"]["person"]) == ("graphic", "reviewer-1")
    assert [one["ticked_by"] for one in found["checklist"]] == ["reviewer-1", None]
    assert len((await get(api, "/tasks?free=false"))["asks"]) == 1
    assert (await get(api, "/tasks?free=true"))["asks"] == []
    assert (await get(api, "/tasks?role=legal_counsel"))["asks"] == []
    assert len((await get(api, "/asks?role=legal_counsel"))["asks"]) == 1


async def test_a_run_that_has_ended_waits_for_nobody(api: Api) -> None:
    api.put(INCIDENT, state="aborted", asks=[ask()])
    assert (await get(api, "/asks"))["asks"] == []


async def test_decisions_say_who_said_what_over_which_digest_run_by_run(api: Api) -> None:
    api.put(INCIDENT, children=CHILDREN)
    api.put(HOLD, kind="hold")
    said = {"ask": DIGEST, "role": "legal_counsel", "statement": DIGEST, "reason_ref": "sha256:" + "b" * 64}
    api.ledger.append(
        [entry(INCIDENT, 1, "phase.entered"), entry(INCIDENT, 2, **said), entry(INCIDENT, 3, "decision.settled")]
    )
    api.ledger.append(
        [entry(HOLD, 1, "hold.placed", incident=INCIDENT), entry(HOLD, 2, "decision.refused", why="late")]
    )
    key, cursor, found = api.key(), "", list[Any]()
    for _ in range(3):
        page = await get(api, f"/incidents/{INCIDENT}/decisions?limit=1&cursor={cursor}", key)
        found += page["decisions"]
        cursor = page["next"]
    assert cursor is None
    assert [(one["run"], one["seq"], one["kind"]) for one in found] == [
        (INCIDENT, 2, "decision.recorded"),
        (INCIDENT, 3, "decision.settled"),
        (HOLD, 2, "decision.refused"),
    ]
    assert (found[0]["person"], found[0]["ask"], found[0]["statement"]) == ("counsel-1", DIGEST, DIGEST)
    assert found[2]["why"] == "late"


async def test_clocks_of_the_region_come_the_soonest_first_and_those_at_risk_can_be_asked_for(api: Api) -> None:
    far = {"started_at": "2026-11-22T02:30:00Z", "due_at": "2199-01-01T00:00:00Z"}
    pauses = [{"reason": "clarification", "since": "2026-11-22T02:40:00Z", "until": None}]
    api.put(INCIDENT, clocks=[clock("report", **far), clock("done", state="met")])
    api.put(
        "inc-" + "r" * 20,
        clocks=[clock("removal", state="breached"), clock("hour", state="paused", due_at=None, pauses=pauses)],
    )
    found = (await get(api, "/clocks"))["clocks"]
    assert [(one["name"], one["at_risk"], one["paused_for"]) for one in found] == [
        ("removal", True, None),
        ("report", False, None),
        ("hour", False, "clarification"),
    ]
    assert [one["name"] for one in (await get(api, "/clocks?at_risk=true"))["clocks"]] == ["removal"]
    assert {one["name"] for one in (await get(api, f"/incidents/{INCIDENT}/clocks"))["clocks"]} == {"report", "done"}


async def test_a_hold_says_where_it_keeps_until_when_and_for_which_incident(api: Api) -> None:
    step = {
        "path": "mail",
        "step": "mail",
        "kind": "hold",
        "name": "mail",
        "state": "done",
        "since": "",
        "detail": "verified",
    }
    api.put(INCIDENT, children=CHILDREN)
    api.put(HOLD, kind="hold", steps=[step], clocks=[clock("law")], asks=[ask(kind="release")])
    api.ledger.append([entry(HOLD, 1, "hold.placed", incident=INCIDENT)])
    key = api.key()
    found = await get(api, f"/holds/{HOLD}", key)
    assert (found["incident"], found["expires_at"], found["release_asked"]) == (INCIDENT, "2026-11-22T03:30:00Z", True)
    assert found["sources"] == [{"name": "mail", "state": "done", "since": "", "detail": "verified"}]
    assert (await get(api, "/holds?state=open", key))["holds"] == [found]
    assert (await get(api, "/holds?state=closed", key))["holds"] == []


async def test_handoffs_go_out_and_come_in(api: Api) -> None:
    step = {
        "path": "s",
        "step": "s",
        "kind": "handoff",
        "name": "command by us",
        "state": "waiting",
        "since": "",
        "detail": "received",
    }
    api.put(OFFER, kind="handoff", steps=[step], clocks=[clock("accept")])
    api.put(RECEIVED, kind="incoming", steps=[step], asks=[ask(deadline_at="2026-11-22T05:00:00Z")])
    api.ledger.append([entry(OFFER, 1, "handoff.offered", incident=INCIDENT)])
    api.put(INCIDENT)
    key = api.key()
    sent = (await get(api, "/handoffs?direction=out", key))["handoffs"]
    got = (await get(api, "/handoffs?direction=in", key))["handoffs"]
    assert [(one["handoff"], one["incident"], one["accept_by"]) for one in sent] == [
        (OFFER, INCIDENT, "2026-11-22T03:30:00Z")
    ]
    assert [(one["handoff"], one["incident"], one["accept_by"]) for one in got] == [
        (RECEIVED, "", "2026-11-22T05:00:00Z")
    ]
    assert len((await get(api, "/handoffs", key))["handoffs"]) == 2
    assert await get(api, f"/handoffs/{RECEIVED}", key) == got[0]


async def test_findings_of_a_runbook_are_what_lint_says(api: Api) -> None:
    found = await get(api, "/runbooks/eu-tco-removal-order/findings")
    page = await get(api, "/runbooks/eu-tco-removal-order")
    assert found["digest"] == page["digest"]
    assert [one["code"] for one in found["findings"]] == [one["code"] for one in page["findings"]]
    assert (await get(api, "/runbooks/eu-tco-removal-order/findings?severity=error"))["findings"] == []


async def test_boards_in_bulk_go_on_from_a_revision(api: Api) -> None:
    names = [f"inc-{letter * 20}" for letter in "abcde"]
    for name in names:
        api.put(name)
    key = api.key()
    first = await get(api, "/boards?limit=3", key)
    assert ([one["workflow"] for one in first["boards"]], first["more"]) == (names[:3], True)
    second = await get(api, f"/boards?since={first['revision']}", key)
    assert ([one["workflow"] for one in second["boards"]], second["more"]) == (names[3:], False)
    assert (await get(api, f"/boards?since={second['revision']}", key))["boards"] == []
    api.put(names[1], severity="S0")
    (changed,) = (await get(api, f"/boards?since={second['revision']}", key))["boards"]
    assert (changed["workflow"], changed["severity"]) == (names[1], "S0")
    assert {one["workflow"] for one in (await get(api, f"/boards?ids={names[0]}&ids={names[4]}", key))["boards"]} == {
        names[0],
        names[4],
    }


async def test_a_page_of_boards_ends_before_it_is_too_large(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchfloor.gateway.api.boards.MOST_BYTES", 3000)
    for letter in "abc":
        api.put(f"inc-{letter * 20}", title="x" * 1000)
    key, since, seen = api.key(), "", list[str]()
    for _ in range(3):
        page = await get(api, f"/boards?since={since}", key)
        seen += [one["workflow"][4] for one in page["boards"]]
        since = page["revision"]
        if not page["more"]:
            break
    assert seen == ["a", "b", "c"]


async def test_boards_as_lines_end_with_where_to_go_on(api: Api) -> None:
    for nth in range(45):
        api.put(f"inc-{nth:020}")
    key = api.key()
    answer = await api.ask("GET", "/boards/lines", key)
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert len({one["workflow"] for one in lines[:-1]}) == 45
    again = await api.ask("GET", f"/boards/lines?since={lines[-1]['revision']}", key)
    assert [json.loads(line) for line in again.text.splitlines()] == [{"revision": lines[-1]["revision"]}]
    known = await api.ask("GET", "/boards/lines", key, headers={"if-none-match": answer.headers["etag"]})
    assert known.status_code == 304
    api.put(f"inc-{7:020}", severity="S0")
    assert (
        await api.ask("GET", "/boards/lines", key, headers={"if-none-match": answer.headers["etag"]})
    ).status_code == 200


async def test_a_revision_of_an_index_that_was_made_anew_begins_at_the_beginning(api: Api) -> None:
    api.put(INCIDENT)
    key = api.key()
    revision = (await get(api, "/boards", key))["revision"]
    api.index.epoch = "another"
    assert len((await get(api, f"/boards?since={revision}", key))["boards"]) == 1


@pytest.mark.parametrize("path", ["/incidents", "/asks", "/tasks", "/clocks", "/holds", "/handoffs", "/boards"])
async def test_what_is_known_is_not_sent_again(api: Api, path: str) -> None:
    api.put(INCIDENT, asks=[ask(), task()], clocks=[clock()])
    api.put(HOLD, kind="hold")
    api.put(OFFER, kind="handoff")
    key = api.key()
    first = await api.ask("GET", path, key)
    known = {"if-none-match": f'"other", W/{first.headers["etag"]}'}
    assert (await api.ask("GET", path, key, headers=known)).status_code == 304
    assert (await api.ask("GET", path, api.key(), headers=known)).status_code == 200, "an ETag is one key's own"
    for id_, kind in ((INCIDENT, "incident"), (HOLD, "hold"), (OFFER, "handoff")):
        api.put(id_, kind=kind, title="Another title", severity="S0", asks=[task(title="Else")], clocks=[clock("late")])
    assert (await api.ask("GET", path, key, headers=known)).status_code == 200


async def test_a_runbook_that_does_not_compile_says_why_and_hides_no_other(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for shipped in library_folder().iterdir():
        (shelf / shipped.name).symlink_to(shipped)
    (shelf / "aa-broken").mkdir()
    whole = (library_folder() / "eu-tco-removal-order" / "runbook.yaml").read_text()
    broken = whole.replace("runbook: eu-tco-removal-order", "runbook: aa-broken").replace("inputs.urls", "inputs.urlz")
    (shelf / "aa-broken" / "runbook.yaml").write_text(broken)
    monkeypatch.setattr("watchfloor.client.library.library_folder", lambda: shelf)
    listed = await get(api, "/runbooks")
    assert {one["id"]: one["compiles"] for one in listed}.items() >= {
        "aa-broken": False,
        "eu-tco-removal-order": True,
    }.items()
    assert listed[0] == {**listed[0], "version": None, "digest": "", "triggers": []}
    page = await get(api, "/runbooks/aa-broken")
    assert (page["compiles"], page["inputs"]) == (False, {})
    found = await get(api, "/runbooks/aa-broken/findings?severity=error")
    assert (found["compiles"], found["version"]) == (False, None)
    assert {(one["code"], one["help"]) for one in found["findings"]} == {("WF202", "did you mean `urls`?")}
    refused = await api.start(api.key(), document={"runbook": "aa-broken", "inputs": {}})
    assert (refused.status_code, refused.json()["code"]) == (503, "runbook_refused")
    assert "findings" in refused.json()["detail"]


async def test_a_clock_is_at_risk_when_less_than_a_quarter_of_it_is_left(api: Api) -> None:
    now = datetime.now(UTC)

    def running(name: str, gone: float) -> Any:
        started_at = render_instant(now - timedelta(hours=gone))
        return clock(name, started_at=started_at, due_at=render_instant(now + timedelta(hours=1 - gone)))

    api.put(INCIDENT, clocks=[running("half", 0.6), running("pressing", 0.8)])
    assert [one["name"] for one in (await get(api, "/clocks?at_risk=true"))["clocks"]] == ["pressing"]
