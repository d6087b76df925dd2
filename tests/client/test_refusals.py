"""A refusal through a face is on the record of the run, and holds nothing that somebody made up."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from watchfloor.client.errors import Refused
from watchfloor.client.face import Face
from watchfloor.client.refusals import hiding_option, leaves_refusal
from watchfloor.ledger import SqliteLedger

RUN = "inc-aaaaaaaaaaaaaaaaaaaa"


@leaves_refusal("decision")
async def decide(face: Face, run: str, step: str, option: str, *, person: str, role: str | None = None) -> str:
    if option == "approve":
        return "recorded"
    raise Refused("wrong_role", "the seat is for another role")


@leaves_refusal("control")
async def steer(face: Face, run: str, verb: str, *, person: str) -> None:
    raise Refused("closed", "the run is ending")


@pytest.fixture
def noted(face: Face, tmp_path: Path) -> tuple[Face, Any]:
    """A face whose ledger knows one run, and what that run's chain says beyond its opening."""
    path = tmp_path / "ledger.sqlite"
    opened: Any = {
        "v": 1,
        "id": f"{RUN}:1",
        "chain": RUN,
        "kind": "incident.opened",
        "at": "2026-11-28T03:00:00Z",
        "actor": "engine",
        "step": "",
        "path": "",
        "data": {},
    }
    with SqliteLedger(path) as ledger:
        ledger.append([opened])

    def read(chain: str = RUN) -> list[Any]:
        with SqliteLedger(path) as ledger:
            return list(ledger.read(chain))[1 if chain == RUN else 0 :]

    return replace(face, ledger_path=path), read


async def test_who_was_refused_what_and_why_is_on_the_record(noted: tuple[Face, Any]) -> None:
    face, read = noted
    somebody = next(iter(face.people)).id
    with pytest.raises(Refused):
        await decide(face, RUN, "erase", "deny", person=somebody, role="legal_counsel")
    with pytest.raises(Refused):
        await steer(face, RUN, "abort", person=somebody)
    assert await decide(face, RUN, "erase", "approve", person=somebody) == "recorded"
    found = read()
    assert {entry["kind"] for entry in found} == {"decision.refused"}
    assert [entry["actor"] for entry in found] == [somebody, somebody]
    assert [entry["data"] for entry in found] == [
        {"why": "wrong_role", "person": somebody, "role": "legal_counsel", "option": "deny", "said": "decision"},
        {"why": "closed", "person": somebody, "role": "", "option": "abort", "said": "control"},
    ]


async def test_made_up_names_are_left_out_and_unknown_runs_get_no_chain(noted: tuple[Face, Any]) -> None:
    face, read = noted
    with pytest.raises(Refused):
        await decide(face, RUN, "Erase everything!", "a text <b>", person="nobody-at-all", role="x" * 300)
    [entry] = read()
    assert (entry["actor"], entry["step"]) == ("unknown", "")
    assert {**entry["data"], "why": ""} == {"why": "", "person": "", "role": "", "option": "", "said": "decision"}
    with pytest.raises(Refused):
        await decide(face, "inc-bbbbbbbbbbbbbbbbbbbb", "erase", "deny", person="nobody")
    assert read("inc-bbbbbbbbbbbbbbbbbbbb") == []


async def test_a_ledger_that_does_not_answer_keeps_nobody_from_being_told(face: Face, tmp_path: Path) -> None:
    broken = tmp_path / "ledger.sqlite"
    broken.write_bytes(b"no database" * 500)
    with pytest.raises(Refused, match="another role"):
        await decide(replace(face, ledger_path=broken), RUN, "erase", "deny", person="nobody")


async def test_which_option_was_wanted_at_a_blind_ask_is_not_written_down(noted: tuple[Face, Any]) -> None:
    face, read = noted

    @leaves_refusal("decision")
    async def decide_blindly(face: Face, run: str, step: str, option: str, *, person: str) -> str:
        with hiding_option(True):
            raise Refused("repeated", "nobody counts twice")

    with pytest.raises(Refused):
        await decide_blindly(face, RUN, "erase", "deny", person="counsel-1")
    [entry] = read()
    assert (entry["data"]["why"], entry["data"]["option"]) == ("repeated", "")
    assert "deny" not in str(entry)
