"""The library in the browser, and rehearsals that touch nothing, take turns and end."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from schemas.plan import Plan
from tests.cli.boards import board
from tests.gateway.test_console import Console, console, token
from watchfloor.client.library import library_folder, plan_for_start
from watchfloor.gateway.console import rehearsals as rehearsals_module
from watchfloor.gateway.console.library import Library, list_versions
from watchfloor.gateway.console.pages import Pages
from watchfloor.gateway.console.prose import render_prose
from watchfloor.gateway.console.rehearsals import Job, Rehearsals
from watchfloor.gateway.problems import Problem
from watchfloor.scenarios import apart

__all__ = ["console"]

RUNBOOK = "eu-tco-removal-order"
AT = f"/console/runbooks/{RUNBOOK}"
CLEAN = "a clean order is done within minutes"


async def test_a_runbook_stands_in_words_with_its_roles_clocks_and_picture(console: Console) -> None:
    plan, digest = plan_for_start(RUNBOOK)
    console.api.index.put(board(plan=digest), 1)
    async with console.signed_in("counsel-1") as browser:
        shelf, page = (await browser.get("/console/runbooks")).text, (await browser.get(AT)).text
        picture = await browser.get(f"{AT}/graph.svg")
        missing = [await browser.get(f"/console/runbooks/{name}") for name in ("nothing", "..%2f..", "demo")]
    assert f'href="{AT}"' in shelf
    assert "1 open now" in shelf
    for words in (plan["title"], "One person: legal_counsel", "removal</strong> 1h"):
        assert words in page
    assert "1 run, 1 open" in page
    assert (picture.headers["content-type"], picture.text[:4]) == ("image/svg+xml", "<svg")
    assert "sandbox" in picture.headers["content-security-policy"]
    assert {answer.status_code for answer in missing} == {404}


async def test_a_finding_has_its_page_and_nothing_in_it_is_markup_of_its_own(console: Console) -> None:
    async with console.signed_in("counsel-1") as browser:
        page = (await browser.get("/console/findings/wf102")).text
        missing = await browser.get("/console/findings/WF999")
    assert "<h1>WF102: a character that a runbook may not contain</h1>" in page
    assert "<code>title: a\\tb</code>" in page
    assert missing.status_code == 404
    assert render_prose("<b>x</b> `<i>` [y](javascript:z)") == ("<p>&lt;b&gt;x&lt;/b&gt; <code>&lt;i&gt;</code> y</p>")


async def test_what_has_changed_since_a_run_was_started_is_shown(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, digest = plan_for_start(RUNBOOK)
    old = cast(Plan, {**plan, "version": 0, "severity": "S0"})
    console.api.index.put(board(plan="sha256:" + "c" * 64, runbook_version=0), 1)
    hidden = board(workflow=f"inc-{'h' * 20}", plan="sha256:" + "d" * 64, compartment="csea")
    console.api.index.put(hidden, 2)

    async def plan_of(_pages: Pages, _workflow: str) -> Plan:
        return old

    monkeypatch.setattr(Pages, "plan", plan_of)
    async with console.signed_in("counsel-1") as browser:
        page = (await browser.get(AT)).text
        changed = await browser.get(f"{AT}/versions/{'c' * 64}")
        kept = await browser.get(f"{AT}/versions/{'d' * 64}")
        own = await browser.get(f"{AT}/versions/{digest.removeprefix('sha256:')}")
    assert f'href="{AT}/versions/{"c" * 64}"' in page
    assert "dddddddddddd" not in page
    assert "severity" in changed.text
    assert "Safety was weakened" in changed.text
    assert (kept.status_code, own.status_code) == (404, 404)


def test_the_librarys_own_plan_stands_among_the_versions_without_a_run() -> None:
    volume = Library().find(RUNBOOK)
    assert volume is not None
    (own,) = list_versions(volume, [])
    assert (own.is_library, own.runs, own.digest) == (True, 0, volume.digest)


@pytest.mark.parametrize(
    "said",
    [
        {"what": "something"},
        {"what": "scenario", "scenario": "none such"},
        {"what": "what_if", "scenario": CLEAN, "silent": "no_such_step"},
        {"what": "what_if", "scenario": CLEAN, "failing": "no.action", "how": "unreachable"},
        {"what": "what_if", "scenario": CLEAN, "failing": "content.disable", "how": "in no known way"},
    ],
)
async def test_what_the_runbook_does_not_have_is_not_rehearsed(console: Console, said: dict[str, str]) -> None:
    async with console.signed_in("counsel-1") as browser:
        csrf = token((await browser.get(f"{AT}/rehearse")).text)
        answer = await browser.post(f"{AT}/rehearse", data={"csrf": csrf, **said})
    assert answer.status_code == 422


def speaking(document: str, *, seconds: float = 0.0) -> tuple[str, ...]:
    """A program that answers a request with a document after a while."""
    return sys.executable, "-c", f"import sys, time; sys.stdin.read(); time.sleep({seconds}); print('''{document}''')"


async def over(job: Job) -> Job:
    async with asyncio.timeout(30):
        while not job.is_over:
            await asyncio.sleep(0.02)
    return job


DOCUMENT = json.dumps(
    {
        "outcome": "closed",
        "ended_after": 77.0,
        "severity": "S1",
        "clocks": [
            {"name": "removal", "state": "met", "started": -120.0, "due": 3480.0, "stopped": 1.0, "assigned_to": ""}
        ],
        "asked": [],
        "reads": 2,
        "passed": True,
        "untried": ["order_doubt was never asked"],
        "effects": [
            {"after": 1, "effect": "restricts", "action": "content.disable", "path": "a", "inputs": {"url": "u"}}
            | {"gated": False, "failed": False}
        ],
        "timeline": [{"after": 1, "kind": "called", "path": f"r[{number}]/a", "what": "x"} for number in range(2)],
    }
)


async def test_a_rehearsal_is_played_apart_and_shown_to_who_asked(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[Job] = []
    begin = Rehearsals.begin
    monkeypatch.setattr(Rehearsals, "begin", lambda self, *given: (jobs.append(begin(self, *given)), jobs[-1])[1])
    monkeypatch.setattr(rehearsals_module, "COMMAND", speaking(DOCUMENT))
    async with console.signed_in("counsel-1") as browser, console.signed_in("ops-1") as other:
        page = (await browser.get(f"{AT}/rehearse")).text
        said = {"csrf": token(page), "what": "what_if", "scenario": CLEAN, "silent": "order_doubt"}
        answer = await browser.post(f"{AT}/rehearse", data=said)
        assert answer.status_code == 303
        await over(jobs[0])
        page = (await browser.get(answer.headers["location"])).text
        theirs = await other.get(answer.headers["location"])
    assert theirs.status_code == 404
    assert "refresh" not in page
    assert "Not tried: order_doubt was never asked" in page
    assert "started 0:02:00 before the start · due 0:58:00 · stopped 0:00:01" in page
    for words in ("nobody answers at order_doubt", "Ends as <b>closed</b> after 0:01:17", "content.disable", "× 2"):
        assert words in page


async def test_a_rehearsal_that_is_not_over_says_so_and_looks_again_by_itself(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsals_module, "COMMAND", speaking(DOCUMENT, seconds=60))
    monkeypatch.setattr(rehearsals_module, "LIMIT_ALL", 1.0)
    async with console.signed_in("counsel-1") as browser:
        csrf = token((await browser.get(f"{AT}/rehearse")).text)
        answer = await browser.post(f"{AT}/rehearse", data={"csrf": csrf, "what": "all"})
        page = (await browser.get(answer.headers["location"])).text
        again = await browser.post(f"{AT}/rehearse", data={"csrf": csrf, "what": "all"})
        async with asyncio.timeout(30):
            while "was ended" not in (await browser.get(answer.headers["location"])).text:
                await asyncio.sleep(0.1)
    assert '<meta http-equiv="refresh" content="2">' in page
    assert "This page looks again every two seconds" in page
    assert (again.status_code, again.headers["retry-after"]) == (429, "5")


async def test_a_runbook_of_a_compartment_is_on_the_shelf_of_those_inside_alone(console: Console) -> None:
    assert plan_for_start(RUNBOOK)[0]["compartment"] == "terror"
    async with console.signed_in("ops-1") as outside:
        assert RUNBOOK not in (await outside.get("/console/runbooks")).text
        for path in ("", "/graph.svg", "/rehearse", f"/versions/{'c' * 64}"):
            answer = await outside.get(AT + path)
            assert answer.status_code == 404
            assert "There is no runbook of this id in the library" in answer.text


async def test_a_mistake_in_a_runbook_of_a_compartment_opens_no_wall(
    console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for shipped in library_folder().iterdir():
        (shelf / shipped.name).symlink_to(shipped)
    for name, compartment in (("aa-walled", "compartment: terror"), ("aa-open", "")):
        (shelf / name).mkdir()
        (shelf / name / "runbook.yaml").write_text(f"runbook: {name}\nversion: one\n{compartment}\n")
    monkeypatch.setattr("watchfloor.client.library.library_folder", lambda: shelf)
    async with console.signed_in("ops-1") as outside, console.signed_in("counsel-1") as inside:
        theirs, ours = (await outside.get("/console/runbooks")).text, (await inside.get("/console/runbooks")).text
        hidden = await outside.get("/console/runbooks/aa-walled")
        seen = await inside.get("/console/runbooks/aa-walled")
    assert ("aa-open" in theirs, "aa-walled" in theirs) == (True, False)
    assert ("aa-open" in ours, "aa-walled" in ours) == (True, True)
    assert hidden.status_code == 404
    assert "It does not compile" in seen.text


async def test_what_takes_too_long_is_ended_and_others_take_turns() -> None:
    rehearsals = Rehearsals(speaking("{}", seconds=60), limit=0.3)
    request: dict[str, Any] = {"what": "scenario", "runbook": RUNBOOK}
    first = rehearsals.begin("one", request, "d")
    with pytest.raises(Problem, match="still in play"):
        rehearsals.begin("one", request, "d")
    others = [rehearsals.begin(f"p{number}", request, "d") for number in range(rehearsals_module.MOST_WAITING)]
    with pytest.raises(Problem, match="others rehearse"):
        rehearsals.begin("late", request, "d")
    await over(first)
    assert (first.state, first.told) == ("failed", "it took longer than 0 s and was ended")
    await asyncio.gather(*map(over, others))
    assert rehearsals.find(first.id, "one") is first
    assert rehearsals.find(first.id, "two") is None
    again = rehearsals.begin("one", request, "d")
    assert (await over(again)).id != first.id


@pytest.mark.parametrize("said", ["", "[]", "no json", '{"error": "no scenario of this name"}'])
async def test_an_answer_that_is_none_is_a_rehearsal_that_failed(said: str) -> None:
    job = Rehearsals(speaking(said)).begin("one", {"what": "scenario", "runbook": RUNBOOK}, "d")
    await over(job)
    assert job.state == "failed"
    assert job.told


async def test_a_rehearsal_knows_no_secret_of_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHFLOOR_SECRET_X", "s3cret")
    command = sys.executable, "-c", "import os, json; print(json.dumps({'names': sorted(os.environ)}))"
    job = Rehearsals(command).begin("one", {"what": "scenario", "runbook": RUNBOOK}, "d")
    await over(job)
    assert set(job.document["names"]) <= {*rehearsals_module.PASSED_ON, "LC_CTYPE"}


async def test_what_was_measured_stays_until_it_is_measured_anew() -> None:
    said = (
        '{"scenarios": [{"name": "a", "passed": true, "deviations": []}, {"name": "b", "passed": false,'
        ' "deviations": ["x"]}], "coverage": [["steps", 3, 4]], "missed": ["step a"]}'
    )
    rehearsals = Rehearsals(speaking(said))
    await over(rehearsals.begin("one", {"what": "all", "runbook": RUNBOOK}, "d"))
    covered = rehearsals.covered(RUNBOOK)
    assert covered is not None
    assert (covered.counts, covered.missed, covered.passed, covered.failed) == (
        (("steps", 3, 4),),
        ("step a",),
        1,
        ("b",),
    )


def test_apart_plays_a_scenario_of_the_library_and_says_what_would_have_been_done() -> None:
    document = apart.answer(apart.Request(what="scenario", runbook=RUNBOOK, scenario=CLEAN))
    assert (document["outcome"], document["passed"]) == ("closed", True)
    assert sum(one["action"] == "content.disable" for one in document["effects"]) == 3


def test_what_if_is_asked_in_the_story_of_a_scenario_so_that_silence_really_happens() -> None:
    """With the order alone its checks would pass, nobody would be asked, and a good end would seem to have tried it."""
    doubtful = "incomplete order, counsel asks, the answer comes, the first look fails"
    request = apart.Request(what="what_if", runbook=RUNBOOK, scenario=doubtful, silent=["order_doubt"])
    document = apart.answer(request)
    assert [(one["path"], one["answer"]) for one in document["asked"]][:1] == [("triage/order_doubt", None)]
    assert "content.disable" not in {one["action"] for one in document["effects"]}
    assert document["untried"] == []


def test_what_does_not_come_to_pass_in_a_what_if_is_said_not_to_have_been_tried() -> None:
    failing = {"authority.clarify": "unreachable", "content.disable": "refused"}
    request = apart.Request(what="what_if", runbook=RUNBOOK, scenario=CLEAN, silent=["order_doubt"], failing=failing)
    assert apart.answer(request)["untried"] == ["order_doubt was never asked", "authority.clarify was never called"]


def test_apart_takes_nothing_but_ids_of_the_library(tmp_path: Path) -> None:
    (tmp_path / "runbook.yaml").write_text("id: x")
    for runbook in (str(tmp_path), "../demo", "nothing"):
        with pytest.raises(apart.NotFound):
            apart.list_scenarios(runbook)
