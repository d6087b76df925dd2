"""Cases for the conflict order are read strictly; rows of the register give what a claim leaves out."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas.ledger import Entry, EntryKind
from watchfloor.cli.main import app
from watchfloor.client.library import clock_register
from watchfloor.client.retention import Case, CaseRefused, read_case
from watchfloor.ledger import SqliteLedger

SINCE = 'since: "2026-11-01T09:00:00Z"'


def read(tmp_path: Path, *claims: str, copy: str = "{id: vid-17, also: [acct-7]}") -> Case:
    file = tmp_path / "case.yaml"
    file.write_text(
        f"copy: {copy}\nclaims:\n" + "".join(f"  - {{{claim}}}\n" for claim in claims) + ("" if claims else "  []\n")
    )
    return read_case(file, clock_register())


def faults(tmp_path: Path, *claims: str, **more: str) -> list[str]:
    with pytest.raises(CaseRefused) as caught:
        read(tmp_path, *claims, **more)
    return [fault.replace(str(tmp_path), "").removeprefix("/case.yaml:") for fault in caught.value.faults]


def test_a_row_gives_kind_title_law_length_renewal_and_conflicts(tmp_path: Path) -> None:
    case = read(
        tmp_path,
        f"id: a, row: us.preserve.2703f, scope: [acct-7], {SINCE}, "
        'renewal: {state: granted, received_at: "2027-01-20T09:00:00Z"}',
        f"id: b, row: eu.gdpr.art17, scope: [acct-7], {SINCE}",
        f"id: c, row: eu.eevidence.produce, kind: production, scope: [acct-7], {SINCE}",
    )
    letter, request, order = case.claims
    assert (letter.kind, letter.law, letter.until) == ("floor", "18 USC 2703(f)", datetime(2027, 1, 30, 9, tzinfo=UTC))
    assert letter.renewal is not None
    assert letter.renewal.until == datetime(2027, 4, 30, 9, tzinfo=UTC)
    assert "erasure" in letter.meets
    assert (request.kind, request.until) == ("erasure", datetime(2026, 12, 1, 9, tzinfo=UTC))
    assert (order.kind, order.until) == ("production", datetime(2026, 11, 11, 9, tzinfo=UTC))


def test_a_late_renewal_runs_from_its_receipt(tmp_path: Path) -> None:
    late = 'renewal: {state: granted, received_at: "2027-02-20T09:00:00Z"}'
    (letter,) = read(tmp_path, f"id: a, row: us.preserve.2703f, scope: [x], {SINCE}, {late}").claims
    assert letter.renewal is not None
    assert letter.renewal.until == datetime(2027, 5, 21, 9, tzinfo=UTC)


def test_a_copy_without_claims_is_a_case(tmp_path: Path) -> None:
    assert read(tmp_path, copy="{id: img-3, csam: true}").copy.csam is True


@pytest.mark.parametrize(
    ("claim", "fault"),
    [
        (f"id: a, kind: ttl, scope: [x], {SINCE}, autority: y", "did you mean `authority`?"),
        (f"id: a, kind: wish, scope: [x], {SINCE}", "input should be 'destruction', 'floor'"),
        (f"id: a, kind: ttl, scope: [], {SINCE}", "at least 1 item"),
        (f"id: a, scope: [x], {SINCE}", "`a` needs `row:` of the clock register, or `kind:`"),
        (f"id: a, row: us.preserve.2703, scope: [x], {SINCE}", "did you mean `us.preserve.2703f`?"),
        (f"id: a, row: us.preserve.2703f, kind: ttl, scope: [x], {SINCE}", "is of kind `floor`, not `ttl`"),
        (f"id: a, row: eu.eevidence.produce, scope: [x], {SINCE}", "does not say of which kind it is"),
        (f"id: a, kind: ttl, scope: [x], {SINCE}, held: true", "`held` means nothing for `ttl`"),
        (f"id: a, kind: erasure, scope: [x], {SINCE}, signed: [x]", "`signed` means nothing for `erasure`"),
        (f"id: a, kind: floor, scope: [x], {SINCE}, territory: eu", "`territory` means nothing for `floor`"),
        (f"id: a, kind: withdrawal, scope: [x], {SINCE}", "needs `territory:`"),
        (f"id: a, kind: withdrawal, scope: [x], {SINCE}, territory: europe", "should match pattern"),
        (f'id: a, kind: ttl, scope: [x], {SINCE}, until: "2026-11-01T09:00:00Z"', "`until` is not after `since`"),
        ("id: a, kind: ttl, scope: [x], since: noon", "`noon` is no instant with an offset"),
        ("id: a, kind: ttl, scope: [x], since: 2026-11-01", "is no instant with an offset"),
        (
            f'id: a, kind: floor, scope: [x], {SINCE}, renewal: {{state: refused, received_at: "2026-11-02T09:00:00Z", '
            'until: "2027-01-01T09:00:00Z"}',
            "only a granted one has",
        ),
    ],
)
def test_a_fault_has_its_place_and_says_how_to_mend_it(tmp_path: Path, claim: str, fault: str) -> None:
    (found,) = faults(tmp_path, claim)
    assert fault in found
    assert found.startswith("3:")


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    found = faults(tmp_path, f"id: a, row: no.such, scope: [x], {SINCE}", f"id: a, kind: ttl, scope: [x], {SINCE}")
    assert [one.partition(" ")[0] for one in found] == ["3:13:", "4:6:"]


def test_what_is_no_file_and_what_is_no_yaml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaseRefused, match="cannot be read"):
        read_case(tmp_path / "none.yaml", clock_register())
    (tmp_path / "bad.yaml").write_text("copy: {id: a, id: b}\n")
    with pytest.raises(CaseRefused, match=r"bad\.yaml:1"):
        read_case(tmp_path / "bad.yaml", clock_register())


def test_the_command_gives_one_document_and_its_exit_codes(tmp_path: Path) -> None:
    read(tmp_path, f"id: a, row: us.preserve.2703f, scope: [vid-17], {SINCE}")
    asked = ["retention", "explain", str(tmp_path / "case.yaml"), "--json", "--at"]
    result = CliRunner().invoke(app, [*asked, "2026-11-22T03:10:00Z"])
    told = json.loads(result.stdout)
    assert (result.exit_code, told["ruling"], told["step"], told["by"]) == (0, "keep", 2, ["a"])
    assert CliRunner().invoke(app, [*asked, "noon"]).exit_code == 2
    (tmp_path / "case.yaml").write_text("copy: {}\n")
    refused = CliRunner().invoke(app, [*asked, "2026-11-22T03:10:00Z"])
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["error"]["type"] == "CaseRefused"


def test_the_rulings_of_a_run_are_read_from_its_ledger(tmp_path: Path) -> None:
    (tmp_path / "eu").mkdir()
    entry: Entry = {
        "v": 1,
        "id": "inc-a:retention:1",
        "chain": "inc-a",
        "kind": EntryKind.RETENTION,
        "at": "2026-11-22T03:10:00Z",
        "actor": "engine",
        "step": "erase",
        "path": "containment/erase",
        "data": {"ruling": "keep", "rule": 2, "by": ["hold-1"], "reasoning": ["1. A sentence."]},
    }
    with SqliteLedger(tmp_path / "eu" / "ledger.sqlite") as ledger:
        ledger.append([entry, {**entry, "id": "inc-a:1", "kind": EntryKind.OPENED, "data": {}}])
    asked = ["--home", str(tmp_path), "retention", "rulings"]
    told = CliRunner().invoke(app, [*asked, "inc-a"])
    assert told.stdout == "2026-11-22T03:10:00Z  containment/erase: keep\n  1. A sentence.\n"
    assert [one["id"] for one in json.loads(CliRunner().invoke(app, [*asked, "inc-a", "--json"]).stdout)] == [
        entry["id"]
    ]
    assert CliRunner().invoke(app, [*asked, "inc-b"]).exit_code == 2
