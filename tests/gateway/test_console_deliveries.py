"""The page of deliveries over real HTTP: who sees what, why it did or did not start something, seeing to it."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from schemas.ledger import EntryKind
from tests.gateway.hooked import Hooked, hooked, runbook
from tests.gateway.regions_on_loopback import RULES, on_loopback
from tests.gateway.test_console import Console, token
from tests.gateway.test_hooks import portal, said
from watchfloor.cases import CaseIndex
from watchfloor.client.errors import EngineUnavailable
from watchfloor.evidence import EvidenceStore
from watchfloor.gateway import driving
from watchfloor.gateway.app import build_app
from watchfloor.gateway.console import ConsoleDesk
from watchfloor.gateway.console import deliveries as page_module
from watchfloor.gateway.console.gate import Gate
from watchfloor.gateway.console.sessions import Sessions
from watchfloor.gateway.inbox import Inbox
from watchfloor.gateway.indexing import Changes
from watchfloor.identity.people import Directory, Person
from watchfloor.intake.deliveries import DeliveriesUnavailable
from watchfloor.ledger import SqliteLedger
from watchfloor.regions.keys import RegionKeys

PEOPLE = Directory(
    {
        "ops-1": Person("ops-1", ("ops_lead",), "example-ie", "eu", ()),
        "ops-2": Person("ops-2", ("ops_lead",), "example-ie", "eu", (), clearances=("terror",)),
        "counsel-1": Person("counsel-1", ("legal_counsel",), "example-ie", "eu", (), clearances=("terror",)),
        "ops-us-1": Person("ops-us-1", ("ops_lead",), "example-inc", "us", ()),
    }
)
MADE = re.compile(r"Made at.*")


@dataclass(frozen=True, slots=True)
class Both:
    """A gateway that takes deliveries, and the console over the same store."""

    gate: Hooked
    console: Console

    def state(self, id_: str) -> str:
        one = self.gate.deliveries.get(id_)
        return one.state if one else ""

    async def dead(self, id_: str, *, walled: bool = False) -> str:
        """A dead letter: its runbook does not take what it brings."""
        name = "second" if walled else "first"
        kind = "two" if walled else "one"
        right = self.gate.library.texts[name]
        self.gate.library.texts[name] = right.replace("max_length: 40", "max_length: 3")
        answer = await portal(self.gate, said(kind, f"P-{id_}"), f"msg-{id_}")
        self.gate.library.texts[name] = right
        assert answer.json()["state"] == "dead", answer.text
        return str(answer.json()["delivery"])


@pytest.fixture
async def both(temporal: str, tmp_path: Path) -> AsyncIterator[Both]:
    async with hooked(temporal, tmp_path) as gate:
        gate.library.texts["second"] = runbook(
            "second", "portal | event.kind == 'two' | event.thing | event.id", compartment="terror"
        )
        reasons = EvidenceStore(tmp_path / "evidence")
        path = tmp_path / "ledger.sqlite"
        SqliteLedger(path).close()
        face = replace(gate.face, people=PEOPLE, loopback=True, reasons=reasons, ledger_path=path)
        sessions, index = Sessions(tmp_path / "sessions.sqlite"), CaseIndex(tmp_path / "cases.sqlite")
        desk = ConsoleDesk(face, index, Changes(), Gate(face, sessions), driver=gate.driver)
        inbox = Inbox("eu", "eu", "nobody", RegionKeys.generate(), {}, tmp_path / "anchors", RULES)
        async with on_loopback(build_app(inbox, face.client, console=desk)) as url:
            api: Any = None
            yield Both(gate, Console(url, api, sessions))
        index.close()


async def test_nothing_is_shown_to_who_has_not_signed_in(both: Both) -> None:
    id_ = await both.dead("1")
    async with both.console.browser() as browser:
        for path in ("/console/deliveries", f"/console/deliveries/{id_}"):
            assert (await browser.get(path)).status_code == 303
        assert (await browser.post(f"/console/deliveries/{id_}", data={"act": "redrive"})).status_code == 303


async def test_an_empty_page_says_what_would_stand_there(both: Both) -> None:
    async with both.console.signed_in("ops-1") as browser:
        assert "Nothing waits for you to see to" in (await browser.get("/console/deliveries")).text
        assert "/hooks/&lt;sender&gt;" in (await browser.get("/console/deliveries?show=all")).text


async def test_the_list_says_of_each_why_it_did_or_did_not_start_something(both: Both) -> None:
    await both.dead("2")
    started = (await portal(both.gate, said("one", "P-3"), "msg-3")).json()
    await both.gate.post("portal", {"content-type": "application/json"}, {})
    await both.gate.desk.write_counts()
    async with both.console.signed_in("ops-1") as browser:
        page = (await browser.get("/console/deliveries")).text
        assert "1 dead letter: what it asked for was not started." in page
        assert "the event does not fit; <code>inputs.thing</code>: expected" in page
        assert "PLAIN-THING" not in page
        done = (await browser.get("/console/deliveries?show=started")).text
        assert "it started an incident" in done
        assert f"INC-{started['starts'][0]['incident'][4:12].upper()}" in done
        assert "<b>portal</b> 1 time: not believed" in done
    at = f"/console/deliveries/{started['delivery']}"
    async with both.console.signed_in("ops-1") as outside, both.console.signed_in("ops-2") as inside:
        told = "the trigger&#39;s <code>where</code> does not hold for the event"
        shown = ((await outside.get(at)).text, (await inside.get(at)).text)
        # which runbooks of a compartment listen is not for those outside either
        assert [told in page for page in shown] == ["second" in page for page in shown] == [False, True]


async def test_what_is_of_a_compartment_is_not_there_for_those_outside(both: Both) -> None:
    walled = await both.dead("4", walled=True)
    unmatched = (await portal(both.gate, said("neither", "P-5"), "msg-5")).json()["delivery"]
    async with both.console.signed_in("ops-1") as outside, both.console.signed_in("ops-2") as inside:
        for show in ("open", "all", "ignored"):
            page = (await outside.get(f"/console/deliveries?show={show}")).text
            assert "dead letter" not in page
            assert "portal" not in page
        hidden = await outside.get(f"/console/deliveries/{walled}")
        never = await outside.get(f"/console/deliveries/del-{'z' * 20}")
        assert (hidden.status_code, MADE.sub("", hidden.text)) == (404, MADE.sub("", never.text))
        assert (await outside.get(f"/console/deliveries/{unmatched}")).status_code == 404
        csrf = token((await outside.get("/console/deliveries")).text)
        tried = await outside.post(f"/console/deliveries/{walled}", data={"csrf": csrf, "act": "redrive"})
        assert tried.status_code == 404
        assert "1 dead letter" in (await inside.get("/console/deliveries")).text
        assert "cleared for terror" in (await inside.get(f"/console/deliveries/{walled}")).text
    async with both.console.signed_in("ops-us-1") as abroad:
        assert "dead letter" not in (await abroad.get("/console/deliveries?show=all")).text


async def test_a_dead_letter_is_driven_once_more_from_its_page(both: Both) -> None:
    id_ = await both.dead("6")
    at = f"/console/deliveries/{id_}"
    async with both.console.signed_in("ops-1") as browser:
        page = (await browser.get(at)).text
        assert "Drive it once more" in page
        sent = await browser.post(at, data={"csrf": token(page), "act": "redrive", "reason": "corrected"})
        assert (sent.status_code, sent.headers["location"]) == (303, f"{at}?told=redrive")
        after = (await browser.get(f"{at}?told=redrive")).text
        assert "it started an incident" in after
        assert "Seen to by</dt><dd>ops-1" in after
        again = await browser.post(at, data={"csrf": token(page), "act": "redrive"})
        assert (again.status_code, "only a dead letter or one that matched nothing" in again.text) == (422, True)
    one = both.gate.deliveries.get(id_)
    assert one is not None
    assert EvidenceStore(both.gate.folder / "evidence").get(one.reason) == b"corrected"


async def test_the_dead_letters_of_a_page_are_driven_once_more_together_and_no_others(both: Both) -> None:
    first, second, third = [await both.dead(name) for name in ("21", "22", "23")]
    hidden = await both.dead("24", walled=True)
    at = "/console/deliveries"
    async with both.console.signed_in("counsel-1") as browser:
        assert "dead letters once more" not in (await browser.get(at)).text
    async with both.console.signed_in("ops-1") as browser:
        page = (await browser.get(at)).text
        assert "Drive these 3 dead letters once more" in page
        assert hidden not in page
        shown = re.findall(r'name="delivery" value="(del-[a-z2-7]{20})"', page)
        assert sorted(shown) == sorted([first, second, third])
        csrf = token(page)
        for wrong in ({"csrf": csrf}, {"csrf": csrf, "delivery": "del-../x"}, {"csrf": "x", "delivery": first}):
            assert (await browser.post(at, data=wrong)).status_code in {403, 422}
        gone = await browser.post(f"{at}/{third}", data={"csrf": csrf, "act": "discard", "reason": "a test of theirs"})
        assert gone.status_code == 303
        said = {"csrf": csrf, "reason": "the engine is back", "delivery": [first, second, third, hidden]}
        sent = await browser.post(at, data=said)
        assert (sent.status_code, sent.headers["location"]) == (303, f"{at}?show=open&sender=&again=2&left=2")
        told = (await browser.get(sent.headers["location"])).text
        assert "2 are driven once more" in told
        assert "2 were left" in told
    for one in (first, second):
        await both.gate.driver.drive_kept(one)
    assert [both.state(one) for one in (first, second, third, hidden)] == ["started", "started", "discarded", "dead"]
    with SqliteLedger(both.gate.folder / "ledger.sqlite") as ledger:
        assert [entry["actor"] for one in (first, second) for entry in ledger.read(one)] == ["ops-1", "ops-1"]
        assert list(ledger.read(hidden)) == []


async def test_what_was_done_about_it_is_on_the_ledger_page_behind_the_walls_that_it_has_today(both: Both) -> None:
    id_ = await both.dead("9", walled=True)
    with SqliteLedger(both.gate.folder / "ledger.sqlite") as ledger:
        # written before anybody knew that it concerns a compartment
        entry: Any = {
            "v": 1, "id": f"{id_}:1", "chain": id_, "kind": EntryKind.REDRIVEN, "at": "2026-11-22T03:10:00Z",
            "actor": "ops-2", "step": "", "path": "", "data": {"sender": "portal", "compartments": []},
        }  # fmt: skip
        ledger.append([entry])
    at = f"/console/ledger/{id_}"
    async with both.console.signed_in("ops-1") as outside, both.console.signed_in("ops-2") as inside:
        page = await inside.get(at)
        assert "had a delivery driven once more" in page.text
        assert f'href="/console/deliveries/{id_}"' in page.text
        hidden, never = await outside.get(at), await outside.get(f"/console/ledger/del-{'z' * 20}")
        assert (hidden.status_code, MADE.sub("", hidden.text)) == (404, MADE.sub("", never.text))
        assert id_ not in (await outside.get("/console/ledger")).text


async def test_while_nobody_can_say_behind_which_walls_it_stands_its_chain_is_not_shown(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = await both.dead("10")
    async with both.console.signed_in("ops-1") as browser:
        csrf = token((await browser.get(f"/console/deliveries/{id_}")).text)
        await browser.post(f"/console/deliveries/{id_}", data={"csrf": csrf, "act": "redrive"})
        assert (await browser.get(f"/console/ledger/{id_}")).status_code == 200

        def unreadable(*_: Any) -> None:
            raise DeliveriesUnavailable("a damaged file")

        monkeypatch.setattr(both.gate.deliveries, "get", unreadable)
        assert (await browser.get(f"/console/ledger/{id_}")).status_code == 404
        assert id_ not in (await browser.get("/console/ledger")).text


async def test_while_the_engine_is_away_the_page_says_that_it_waits(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = await both.dead("7")

    async def start_incident(*args: Any, **more: Any) -> Any:
        raise EngineUnavailable("away")

    monkeypatch.setattr(driving, "start_incident", start_incident)
    at = f"/console/deliveries/{id_}"
    async with both.console.signed_in("ops-1") as browser:
        sent = await browser.post(at, data={"csrf": token((await browser.get(at)).text), "act": "redrive"})
        assert sent.headers["location"] == f"{at}?told=later"
        assert "the engine does not answer" in (await browser.get(at)).text


async def test_only_whom_the_policies_let_sees_to_it_and_the_form_is_of_the_session(both: Both) -> None:
    id_ = await both.dead("8")
    at = f"/console/deliveries/{id_}"
    async with both.console.signed_in("counsel-1") as browser:
        page = (await browser.get(at)).text
        assert "Drive it once more" not in page
        assert "delivery.see-to" in page
        csrf = token(page)
        for act in ("redrive", "discard"):
            refused = await browser.post(at, data={"csrf": csrf, "act": act, "reason": "x"})
            assert (refused.status_code, "delivery.see-to" in refused.text) == (403, True)
    async with both.console.signed_in("ops-1") as browser:
        csrf = token((await browser.get(at)).text)
        for given, headers in (
            ("", {}),
            ("x", {}),
            (csrf, {"origin": "https://elsewhere.example"}),
            (csrf, {"sec-fetch-site": "cross-site"}),
        ):
            answer = await browser.post(at, data={"csrf": given, "act": "redrive"}, headers=headers)
            assert answer.status_code == 403
        assert (await browser.post(at, data={"csrf": csrf, "act": "delete"})).status_code == 422
        bare = await browser.post(at, data={"csrf": csrf, "act": "discard", "reason": "  "})
        assert (bare.status_code, "say why" in bare.text) == (422, True)
        done = await browser.post(at, data={"csrf": csrf, "act": "discard", "reason": "a test of theirs"})
        assert done.status_code == 303
        assert "Given up" in (await browser.get(done.headers["location"])).text
    one = both.gate.deliveries.get(id_)
    assert one is not None
    assert (one.state, one.readable) == ("discarded", False)
    with SqliteLedger(both.gate.folder / "ledger.sqlite") as ledger:
        (entry,) = ledger.read(id_)
    assert (entry["kind"], entry["actor"], entry["data"]["role"]) == (EntryKind.DISCARDED, "ops-1", "ops_lead")


@pytest.mark.parametrize(
    "query",
    ["show=nonsense", "after=nonsense", "sender=%3Cscript%3E", "sender=' OR 1=1--", "after=2026-11-22T03:10:00Z~del-x"],
)
async def test_an_address_that_somebody_made_up_shows_a_page_and_runs_nothing(both: Both, query: str) -> None:
    await both.dead("9")
    async with both.console.signed_in("ops-1") as browser:
        answer = await browser.get(f"/console/deliveries?{query}")
        assert answer.status_code == 200
        assert "<script>" not in answer.text.replace('<script src="/console/static/console.js" defer></script>', "")
        assert (await browser.get("/console/deliveries/..%2f..%2fetc")).status_code == 404


async def test_many_are_listed_a_page_at_a_time_without_a_gap(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "PER_PAGE", 2)
    ids = []
    for number in range(5):
        both.gate.clock.now += timedelta(seconds=1)
        ids.append((await portal(both.gate, said("one", f"P-1{number}"), f"msg-1{number}")).json()["delivery"])
    found: list[str] = []
    async with both.console.signed_in("ops-1") as browser:
        at: str | None = "/console/deliveries?show=all"
        while at:
            page = (await browser.get(at)).text
            found += re.findall(r'class="main" href="/console/deliveries/(del-[a-z2-7]{20})"', page)
            more = re.search(r'<a class="button" href="([^"]+)">Earlier ones', page)
            at = more[1].replace("&amp;", "&") if more else None
    assert found == ids[::-1]


async def test_a_store_that_cannot_be_read_is_said_and_is_no_empty_list(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    (both.gate.folder / "received.sqlite").write_bytes(b"no database at all" * 100)
    for beside in ("-wal", "-shm"):
        (both.gate.folder / f"received.sqlite{beside}").unlink(missing_ok=True)
    async with both.console.signed_in("ops-1") as browser:
        answer: httpx2.Response = await browser.get("/console/deliveries")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "cannot be read at the moment" in answer.text
