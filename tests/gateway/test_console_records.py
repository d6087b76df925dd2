"""Holds, handoffs, who is on call, and the ledger in the browser."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from schemas.incident import Board
from schemas.plan import Plan
from tests.cli.boards import ask, board
from tests.gateway.apis import Api
from tests.gateway.consoles import Seen, console_over
from tests.identity.rotas_text import rotas_of
from watchfloor.cases import Case
from watchfloor.client.library import plan_for_start
from watchfloor.gateway.console import records as records_module
from watchfloor.gateway.console.handoffs import list_withheld
from watchfloor.identity.rotas import Rotas
from watchfloor.ledger import verify as verify_module
from watchfloor.ledger.checkpoint import sign_checkpoint
from watchfloor.signing import SigningKey, render_instant
from watchfloor.wellness import Wellness

INC, HOLD, HAND, IN = f"inc-{'a' * 20}", f"hold-{'b' * 20}", f"hand-{'c' * 20}", f"in-{'d' * 20}"
SCOPE = "sha256:" + "5" * 64


@pytest.fixture
async def seen(api: Api, tmp_path: Path) -> AsyncIterator[Seen]:
    async with console_over(api, tmp_path) as one:
        yield one


def step(id_: str, state: str, detail: str, **changes: Any) -> dict[str, Any]:
    given = {"path": id_, "step": id_, "kind": "hold", "name": id_, "state": state, "detail": detail}
    return {**given, "since": "2026-11-22T03:00:00Z", **changes}


def ticking(name: str, left: timedelta) -> dict[str, Any]:
    due = render_instant(datetime.now(UTC) + left)
    more = {"stopped_at": None, "warned": [], "restarts": 0, "assigned_to": None}
    return {"name": name, "state": "running", "started_at": "2026-11-22T03:00:00Z", "due_at": due, **more}


def hold_board(**changes: Any) -> Board:
    steps = [step("cdn", "done", "verified"), step("mail", "retrying", "failed: no answer")]
    release = ask(kind="release", path="release", step="release", options={"release": [{"any_of": ["legal_counsel"]}]})
    given: dict[str, Any] = {"title": "Legal hold: Preserve for six months", "severity": "", "runbook": ""}
    given |= {"steps": steps, "asks": [release], "clocks": [ticking("preserve", timedelta(days=90))], **changes}
    return board(workflow=HOLD, kind="hold", **given)


def place(seen: Seen, incident: str = INC) -> None:
    more = {"basis": "eu.tco.preserve", "storage": "governance", "scope": SCOPE, "sources": ["cdn", "mail"]}
    seen.wrote("hold.placed", chain=HOLD, step="hold", hold=HOLD, incident=incident, **more)


async def test_a_hold_says_what_it_protects_by_reference_and_which_source_is_not_proved(
    seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen.api.index.put(board(workflow=INC), 1)
    seen.api.index.put(hold_board(), 1)
    place(seen)

    async def start(_face: Any, _hold: str) -> Any:
        return {"scope": {"urls": ["https://video.example/v/1", "https://video.example/v/2"], "account": "a-1"}}

    monkeypatch.setattr("watchfloor.gateway.console.holds.started_with", start)
    async with seen.signed_in("counsel-1") as browser:
        listed, page = (await browser.get("/console/holds")).text, (await browser.get(f"/console/holds/{HOLD}")).text
        released = (await browser.get("/console/holds?state=ended")).text
    for words in ("HOLD-BBBBBBBB", "eu.tco.preserve", "INC-AAAAAAAA", "failed: no answer", "the release is asked"):
        assert words in listed
    for words in (
        SCOPE,
        "urls: 2, account: 1",
        "governance",
        f'href="/console/asks/{HOLD}/release"',
        "a hold was placed",
    ):
        assert words in page
    assert "video.example" not in page
    assert "No hold has been released" in released


async def test_a_hold_names_no_incident_that_is_not_for_the_reader(seen: Seen) -> None:
    seen.api.index.put(board(workflow=INC, compartment="csea"), 1)
    seen.api.index.put(hold_board(), 1)
    place(seen)
    async with seen.signed_in("ops-1") as browser:
        for path in ("/console/holds", f"/console/holds/{HOLD}"):
            page = (await browser.get(path)).text
            assert "not for you to see" in page
            assert "INC-AAAAAAAA" not in page
        other = await browser.get(f"/console/holds/{INC}")
    assert other.status_code == 404


def hand_board(**changes: Any) -> Board:
    offer = step("handoff", "waiting", "not yet received there", kind="handoff", name="command by us")
    given: dict[str, Any] = {"title": "Offer to us: A removal order", "severity": "S1", "steps": [offer]}
    return board(workflow=HAND, kind="handoff", **given, clocks=[ticking("accept", timedelta(minutes=9))], **changes)


async def test_a_handoff_says_where_it_is_what_went_along_and_what_did_not_and_why(seen: Seen) -> None:
    plan, _ = plan_for_start("eu-tco-removal-order")
    report = {"path": "p", "kind": "handoff", "workflow": HAND, "state": "posted", "at": "", "data": {}}
    seen.api.index.put(board(workflow=INC, children=[report]), 1)
    seen.api.index.put(hand_board(), 1)
    seen.knows(INC, plan)
    seen.wrote("handoff.offered", chain=HAND, step="handoff", handoff=HAND, to="us", mode="command", shared=["urls"])
    async with seen.signed_in("counsel-1") as browser:
        listed = (await browser.get("/console/handoffs")).text
        page = (await browser.get(f"/console/handoffs/{HAND}")).text
    assert "waits for an answer" in listed
    assert "No region offers you anything" in listed
    for words in ("command passes", "not yet received there", "<li>urls</li>", "inputs.order_id", INC):
        assert words in page
    assert "inputs.urls" not in page


def test_what_is_protected_is_said_to_cross_no_border() -> None:
    plan, _ = plan_for_start("eu-tco-removal-order")
    marked = {**plan["inputs"], "order_id": {**plan["inputs"]["order_id"], "data_class": "protected"}}
    said = board(workflow=INC)
    case = Case(INC, "incident", "r", "S1", "open", "", said["opened_at"], 1, 1, said)
    found = list_withheld(cast(Plan, {**plan, "inputs": marked}), ["inputs.received_at"], case)
    assert {one.name: one.why.partition(":")[0] for one in found} == {
        "inputs.order_id": "it is protected",
        "inputs.urls": "the runbook does not share it",
        "inputs.issuing_state": "the runbook does not share it",
    }


async def test_an_incoming_offer_leads_to_its_question(seen: Seen) -> None:
    taken = ask(
        kind="handoff", path="handoff", step="handoff", options={"accept": [{"any_of": ["incident_commander"]}]}
    )
    taken["deadline_at"] = render_instant(datetime.now(UTC) + timedelta(minutes=9))
    offer = step("handoff", "waiting", "inc-theirs", kind="handoff", name="assist for us")
    given: dict[str, Any] = {"title": "Offered by us: A network", "severity": "S1", "steps": [offer], "asks": [taken]}
    seen.api.index.put(board(workflow=IN, kind="incoming", **given), 1)
    async with seen.signed_in("commander-1") as browser:
        listed = (await browser.get("/console/handoffs")).text
        page = (await browser.get(f"/console/handoffs/{IN}")).text
    assert f'href="/console/asks/{IN}/handoff"' in listed
    for words in ("from us, to assist", "A network"):
        assert words in listed
    for words in ("Accept or decline", "inc-theirs", "steps.authenticate.failures", "says only what it shares"):
        assert words in page


async def test_who_is_on_call_now_and_what_is_wrong_stand_in_words(
    seen: Seen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with seen.signed_in("ops-1") as browser:
        assert "No rota is known here" in (await browser.get("/console/oncall")).text
        assert (await browser.get("/console/oncall.svg")).status_code == 404
        layers = (
            "week: {zone: Europe/Dublin, days: every day, hours: 08:00-08:00, people: [counsel-1, stranger],"
            " start: 2026-01-06}"
        )
        rotas: Rotas = rotas_of(tmp_path, layers)
        desk = Wellness(tmp_path / "hr" / "wellness.sqlite", rotas=lambda: rotas)
        monkeypatch.setattr(type(seen.face), "wellness", desk, raising=False)
        page = (await browser.get("/console/oncall")).text
        picture = await browser.get("/console/oncall.svg")
    assert "legal_counsel" in page
    assert "wrong person" in page
    assert "stranger" in page
    assert picture.headers["content-type"] == "image/svg+xml"


async def test_a_chain_says_whether_it_is_whole_and_how_far_its_checkpoint_reaches(seen: Seen) -> None:
    seen.api.index.put(board(workflow=INC), 1)
    for number in range(3):
        seen.wrote("fact.recorded", "liaison-1", chain=INC, step="screen", fact=f"f{number}")
    key = SigningKey.generate()
    head = seen.api.ledger.head(INC)
    assert head is not None
    seen.api.ledger.note_checkpoint(
        sign_checkpoint(head, region="eu", key=key, at=datetime.now(UTC)), "ref", datetime.now(UTC)
    )
    seen.wrote("phase.entered", chain=INC, phase="triage")
    async with seen.signed_in("counsel-1") as browser:
        listed = (await browser.get("/console/ledger")).text
        found = await browser.get("/console/ledger?chain=INC-AAAAAAAA")
        page = (await browser.get(f"/console/ledger/{INC}")).text
        facts = (await browser.get(f"/console/ledger/{INC}?kind=facts")).text
        nobody = (await browser.get(f"/console/ledger/{INC}?person=nobody-1")).text
    assert f'href="/console/ledger/{INC}"' in listed
    assert found.headers["location"] == f"/console/ledger/{INC}"
    for words in ("Verified: intact", "entry 3, signed", "1 entries lie behind it", "phase begins"):
        assert words in page
    assert "phase begins" not in facts
    assert "fact recorded" in facts
    assert "No entry here" in nobody


async def test_a_chain_that_was_altered_says_so(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    seen.api.index.put(board(workflow=INC), 1)
    seen.wrote("fact.recorded", chain=INC, fact="one")
    seen.wrote("fact.recorded", chain=INC, fact="two")
    whole = verify_module.verify_bytes
    monkeypatch.setattr(
        records_module, "verify_bytes", lambda content, *more: whole(content.replace(b'"two"', b'"six"'), *more)
    )
    async with seen.signed_in("counsel-1") as browser:
        page = (await browser.get(f"/console/ledger/{INC}")).text
    assert "TAMPERED" in page
    assert "the content does not give the hash that stands in it" in page
    assert "Verified" not in page


async def test_the_export_is_for_whom_a_policy_permits_it_and_is_what_the_verifier_reads(seen: Seen) -> None:
    seen.api.index.put(board(workflow=INC), 1)
    for number in range(5):
        seen.wrote("fact.recorded", chain=INC, fact=f"f{number}")
    async with seen.signed_in("counsel-1") as counsel, seen.signed_in("ops-1") as ops:
        given = await counsel.get(f"/console/ledger/{INC}/export")
        refused = await ops.get(f"/console/ledger/{INC}/export")
        page = (await ops.get(f"/console/ledger/{INC}")).text
    assert given.headers["content-disposition"] == f'attachment; filename="{INC}.jsonl"'
    assert verify_module.verify_bytes(given.content, {}).ok
    assert given.text.count("\n") == 5
    assert refused.status_code == 403
    assert "/export" not in page


async def test_a_chain_that_is_hidden_is_not_found_by_its_name(seen: Seen) -> None:
    seen.api.index.put(board(workflow=INC, compartment="csea"), 1)
    seen.wrote("fact.recorded", chain=INC, fact="one")
    async with seen.signed_in("counsel-1") as browser:
        for wanted in (INC, "INC-AAAAAAAA", "inc-aa", "inc-never"):
            answer = await browser.get("/console/ledger", params={"chain": wanted})
            assert answer.status_code == 404
        assert (await browser.get(f"/console/ledger/{INC}/export")).status_code == 404
        assert "INC-AAAA" not in (await browser.get("/console/ledger")).text


async def test_a_ledger_that_does_not_answer_is_a_page_that_says_so(
    seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen.api.index.put(board(workflow=INC), 1)

    def broken(*_: Any) -> None:
        raise records_module.LedgerError("a secret path")

    monkeypatch.setattr(records_module, "SqliteLedger", broken)
    async with seen.signed_in("counsel-1") as browser:
        answer = await browser.get(f"/console/ledger/{INC}")
    assert answer.status_code == 503
    assert "The ledger does not answer" in answer.text
    assert "secret path" not in answer.text
