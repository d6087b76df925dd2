"""The guide to the HTTP API is carried out, example by example: curl, Python, JavaScript."""

import asyncio
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.boards import ask, clock
from tests.gateway.apis import Api
from watchfloor.client.runs import started_with

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "guides" / "api.md").read_text()
EXAMPLES = re.findall(r"^```(bash|python|javascript)\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
RUNNERS = {
    "bash": ["bash", "-ec"],
    "python": [sys.executable, "-c"],
    "javascript": ["node", "--input-type=module", "-e"],
}


async def carry_out(language: str, example: str, api: Api, incident: str = "") -> str:
    command = RUNNERS[language]
    program = shutil.which(command[0])
    if program is None:
        pytest.skip(f"{command[0]} is not installed here")
    surroundings = {
        **os.environ,
        "WATCHFLOOR": api.url,
        "WATCHFLOOR_KEY": api.key(clearances=("terror",)),
        "INCIDENT": incident,
    }
    process = await asyncio.create_subprocess_exec(
        program, *command[1:], example, env=surroundings, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    # a stream has no end: the example ends it by time, and curl says so by 28
    assert process.returncode == 0 or (process.returncode == 28 and "-sN" in example), err.decode()
    return out.decode()


@pytest.mark.parametrize(("language", "example"), [one for one in EXAMPLES if "order_id" in one[1]])
async def test_each_language_starts_an_incident(language: str, example: str, api: Api) -> None:
    said = (await carry_out(language, example, api)).strip()
    incident = json.loads(said)["incident"] if language == "bash" else said
    order = re.search(r"DE-2026-\d+", example)
    assert order is not None
    assert (await started_with(api.face, incident))["inputs"]["order_id"] == order[0]


async def test_a_fact_is_reported_and_what_runs_is_read(api: Api) -> None:
    starting, fact, reading, pressing = (text for language, text in EXAMPLES if language == "bash")
    incident = json.loads(await carry_out("bash", starting, api))["incident"]
    api.put(incident, compartment="terror")
    refused = json.loads(await carry_out("bash", fact, api, incident))
    assert refused["state"] == "sent", "no worker is there to take it, and this face has no inbox"
    answers = await carry_out("bash", reading, api, incident)
    assert answers.count(incident) >= 3
    api.put(incident, compartment="terror", asks=[ask(), ask(kind="task", path="t", step="t")], clocks=[clock()])
    documents = read_documents(await carry_out("bash", pressing, api, incident))
    assert [
        next(iter(set(one) - {"next", "incident", "version", "digest", "runbook", "compiles"})) for one in documents
    ] == [
        "clocks",
        "asks",
        "asks",
        "decisions",
        "holds",
        "deliveries",
        "handoffs",
        "findings",
    ]
    assert [len(one["asks"]) for one in documents[1:3]] == [1, 2]


def read_documents(text: str) -> list[dict[str, Any]]:
    """JSON values that stand one behind the other."""
    found, at = [], 0
    while at < len(text):
        document, at = json.JSONDecoder().raw_decode(text, at)
        found.append(document)
    return found


async def test_a_dashboard_reads_everything_once_and_then_what_changed(api: Api) -> None:
    (dashboard,) = (text for language, text in EXAMPLES if language == "python" and "boards/lines" in text)
    (known,) = (text for language, text in EXAMPLES if language == "javascript" and "If-None-Match" in text)
    for letter in "abc":
        api.put(f"inc-{letter * 20}", asks=[ask()])
    assert (await carry_out("python", dashboard, api)).strip() == "3 incidents, 3 open questions"
    assert (await carry_out("javascript", known, api)).strip() == "3 open questions; nothing new"
