"""Who stands aside from an incident, or is outside its compartment, finds nothing of it on record either."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from activities.postmortem import MARKDOWN, PAGE
from schemas.ledger import Entry
from watchfloor.cli.main import app
from watchfloor.ledger import SqliteLedger

PLAIN, WALLED = "inc-aaaaaaaaaaaaaaaaaaaa", "inc-bbbbbbbbbbbbbbbbbbbb"
HOLD, REVIEW = "hold-aaaaaaaaaaaaaaaaaaaa", "post-aaaaaaaaaaaaaaaaaaaa"
PEOPLE = """
people:
  counsel-1: {roles: [legal_counsel], entity: example-ie, region: eu, clearances: [terror]}
  counsel-2: {roles: [legal_counsel], entity: example-ie, region: eu}
  ops-1: {roles: [ops_lead], entity: example-ie, region: eu}
  counsel-us-1: {roles: [legal_counsel], entity: example-inc, region: us}
compartments: [terror]
"""


def entry(chain: str, n: int, kind: str = "phase.entered", **data: Any) -> Entry:
    return {
        "v": 1,
        "id": f"{chain}:{n}",
        "chain": chain,
        "kind": kind,
        "at": f"2026-11-22T03:10:{n:02d}Z",
        "actor": "engine",
        "step": "",
        "path": "",
        "data": data,
    }


def write(home: Path, *entries: Entry) -> None:
    with SqliteLedger(home / "eu" / "ledger.sqlite") as ledger:
        ledger.append(list(entries))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """One region: an incident with its hold and review, and one in a compartment, both with a written review."""
    (tmp_path / "eu").mkdir()
    (tmp_path / "people.yaml").write_text(PEOPLE)
    write(tmp_path, entry(PLAIN, 1, "incident.opened", runbook="r"), entry(HOLD, 1, "hold.placed", incident=PLAIN))
    write(tmp_path, entry(REVIEW, 1, "review.started", incident=PLAIN))
    write(tmp_path, entry(WALLED, 1, "incident.opened", runbook="r", compartment="terror"))
    for incident in (PLAIN, WALLED):
        folder = tmp_path / "eu" / "postmortems" / incident
        folder.mkdir(parents=True)
        (folder / MARKDOWN).write_text(f"# Review of {incident}\n")
        (folder / PAGE).write_text("<!doctype html>\n")
    return tmp_path


def run(home: Path, *words: str) -> tuple[int, str]:
    answer = CliRunner().invoke(app, ["--home", str(home), *words])
    return answer.exit_code, answer.output


def recuse(home: Path, person: str, chain: str = PLAIN) -> None:
    write(home, entry(chain, 5, "person.recused", person=person))


READING = [
    ["postmortem"],
    ["ledger", "export", "--out", "-"],
    ["retention", "rulings"],
]


@pytest.mark.parametrize("words", READING, ids=[" ".join(words) for words in READING])
def test_what_a_person_stands_aside_from_is_not_there_for_them(home: Path, tmp_path: Path, words: list[str]) -> None:
    words = [str(tmp_path / "out.jsonl") if word == "-" else word for word in words]
    assert run(home, *words, PLAIN, "--as", "counsel-2")[0] == 0
    recuse(home, "counsel-2")
    assert run(home, *words, PLAIN)[0] == 0
    code, said = run(home, *words, PLAIN, "--as", "counsel-2")
    assert code == 2
    unknown = run(home, *words, PLAIN.replace("a", "z"), "--as", "counsel-2")
    assert (code, said.replace(PLAIN, "X")) == (unknown[0], unknown[1].replace(PLAIN.replace("a", "z"), "X")), (
        "nothing tells a run that is not shown from one that is not there"
    )
    write(home, entry(PLAIN, 6, "person.unrecused", person="counsel-2", done=False))
    assert run(home, *words, PLAIN, "--as", "counsel-2")[0] == 2
    write(home, entry(PLAIN, 7, "person.unrecused", person="counsel-2", done=True))
    assert run(home, *words, PLAIN, "--as", "counsel-2")[0] == 0


def test_they_do_not_find_its_hold_or_its_review_either(home: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "out.jsonl")
    recuse(home, "counsel-2")
    assert run(home, "ledger", "export", HOLD, "--out", out, "--as", "counsel-2")[0] == 2
    assert run(home, "ledger", "export", HOLD, "--out", out, "--as", "counsel-1")[0] == 0
    assert run(home, "postmortem", REVIEW, "--as", "counsel-2")[0] == 2
    recuse(home, "counsel-1", HOLD)
    assert run(home, "ledger", "export", HOLD, "--out", out, "--as", "counsel-1")[0] == 2
    assert run(home, "ledger", "export", PLAIN, "--out", out, "--as", "counsel-1")[0] == 0


def test_outside_a_compartment_and_outside_a_region_there_is_nothing_on_record(home: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "out.jsonl")
    assert run(home, "ledger", "export", WALLED, "--out", out, "--as", "counsel-1")[0] == 0
    assert run(home, "ledger", "export", WALLED, "--out", out, "--as", "counsel-2")[0] == 2
    assert run(home, "ledger", "export", PLAIN, "--out", out, "--as", "counsel-us-1")[0] == 2
    assert run(home, "postmortem", WALLED, "--as", "counsel-2")[0] == 2


def test_the_latest_review_and_a_look_over_all_chains_leave_out_what_is_not_shown(home: Path) -> None:
    code, said = run(home, "postmortem", "--as", "counsel-2")
    assert (code, said.strip()) == (0, f"# Review of {PLAIN}")
    recuse(home, "counsel-2")
    assert run(home, "postmortem", "--as", "counsel-2")[0] == 2
    from watchfloor.regions.keys import RegionKeys

    RegionKeys.create(home / "eu" / "keys")
    seen = run(home, "ledger", "verify", "--as", "counsel-2")[1]
    assert PLAIN not in seen
    assert WALLED not in seen
    assert PLAIN in run(home, "ledger", "verify", "--as", "counsel-1")[1]


def test_an_export_is_refused_in_words_to_who_may_only_look(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    code, said = run(home, "ledger", "export", PLAIN, "--out", str(out), "--as", "ops-1", "--json")
    assert code == 1
    assert "run.export" in json.loads(said)["error"]["message"]
    assert not out.exists()
    assert run(home, "postmortem", PLAIN, "--as", "ops-1")[0] == 0


def test_the_environment_names_who_looks_as_for_the_other_commands(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recuse(home, "counsel-2")
    monkeypatch.setenv("WATCHFLOOR_PERSON", "counsel-2")
    assert run(home, "postmortem", PLAIN)[0] == 2


def test_a_destruction_that_was_refused_says_what_was_in_force(home: Path) -> None:
    failed = {"action": "evidence.destroy", "error": "refused", "possible": False, "why": "ruling_changed"}
    write(home, entry(PLAIN, 8, "effect.failed", **failed, held=["hold-2"]))
    write(home, entry(PLAIN, 9, "effect.failed", action="content.delete", error="unavailable", possible=False))
    code, said = run(home, "retention", "rulings", PLAIN)
    assert code == 0
    assert said.count("refused, all is kept") == 1
    assert "In force then: hold-2. Rule and ask again." in said
