"""The detection table: which tampering the offline verifier finds in the chain alone, and which only with an anchor.

| tampering | chain alone | with an anchor |
|---|---|---|
| edit, edit with repaired hash, delete, swap, insert, duplicate | found | found |
| torn last line | told as a crash | told as a crash, or as a cut when anchored entries are gone |
| truncate, older backup, fork, rewrite, empty file | **not found, and said so** | found |
"""

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.decision import Envelope
from schemas.ledger import Entry, StoredEntry
from watchfloor.ledger import SqliteLedger, sign_checkpoint
from watchfloor.ledger.chain import genesis, hash_of, seal
from watchfloor.ledger.report import Tampering, Verdict
from watchfloor.ledger.verify import verify_bytes, verify_file
from watchfloor.signing import SigningKey, canonical

LENGTH = 20
ANCHORED = (5, 12, 18)
AT = datetime(2026, 11, 22, 4, tzinfo=UTC)
Make = Callable[..., Entry]
Lines = list[dict[str, Any]]


def write_chain(make: Make, length: int = LENGTH, *, start: Lines | None = None, mark: str = "") -> Lines:
    """A whole chain, or a continuation of one."""
    lines = list(start or [])
    for number in range(len(lines) + 1, length + 1):
        entry = make(number, data={"n": number, "mark": mark})
        prev = lines[-1]["hash"] if lines else genesis("inc-a")
        lines.append(dict(seal(entry, seq=number, prev=prev, recorded_at="2026-11-22T03:10:00Z")))
    return lines


def spell(lines: Lines) -> bytes:
    return b"".join(canonical(line) + b"\n" for line in lines)


def rehashed(line: dict[str, Any], **changes: Any) -> dict[str, Any]:
    changed = {**line, **changes}
    return {**changed, "hash": hash_of(changed)}


@pytest.fixture(scope="module")
def whole(make: Make) -> Lines:
    return write_chain(make)


@pytest.fixture(scope="module")
def keys(ledger_key: SigningKey) -> dict[str, str]:
    return {ledger_key.kid: ledger_key.public}


@pytest.fixture(scope="module")
def anchors(whole: Lines, ledger_key: SigningKey) -> list[Envelope]:
    return [sign_checkpoint(cast(StoredEntry, whole[seq - 1]), region="eu", key=ledger_key, at=AT) for seq in ANCHORED]


Tamper = Callable[[Lines, random.Random, Make], Lines]


def edit(lines: Lines, dice: random.Random, _: Make) -> Lines:
    at = dice.randrange(LENGTH)
    return [*lines[:at], {**lines[at], "actor": "somebody-else"}, *lines[at + 1 :]]


def edit_and_rehash(lines: Lines, dice: random.Random, _: Make) -> Lines:
    at = dice.randrange(LENGTH - 1)
    return [*lines[:at], rehashed(lines[at], actor="somebody-else"), *lines[at + 1 :]]


def delete(lines: Lines, dice: random.Random, _: Make) -> Lines:
    at = dice.randrange(LENGTH - 1)
    return lines[:at] + lines[at + 1 :]


def swap(lines: Lines, dice: random.Random, _: Make) -> Lines:
    first, second = sorted(dice.sample(range(LENGTH), 2))
    changed = list(lines)
    changed[first], changed[second] = changed[second], changed[first]
    return changed


def insert(lines: Lines, dice: random.Random, make: Make) -> Lines:
    at = dice.randrange(1, LENGTH)
    strange = seal(make(999), seq=at, prev=lines[at - 1]["prev"], recorded_at="2026-11-22T03:10:00Z")
    return [*lines[:at], dict(strange), *lines[at:]]


def insert_and_renumber(lines: Lines, dice: random.Random, make: Make) -> Lines:
    at = dice.randrange(1, LENGTH - 1)
    strange = seal(make(999), seq=at + 1, prev=lines[at - 1]["hash"], recorded_at="2026-11-22T03:10:00Z")
    return [*lines[:at], dict(strange), *(rehashed(line, seq=line["seq"] + 1) for line in lines[at:])]


def duplicate(lines: Lines, dice: random.Random, _: Make) -> Lines:
    at = dice.randrange(LENGTH)
    return [*lines[: at + 1], lines[at], *lines[at + 1 :]]


def truncate(lines: Lines, dice: random.Random, _: Make) -> Lines:
    return lines[: dice.randrange(1, ANCHORED[-1])]


def older_backup(lines: Lines, _dice: random.Random, _: Make) -> Lines:
    return lines[: ANCHORED[0] + 2]


def fork(lines: Lines, dice: random.Random, make: Make) -> Lines:
    at = dice.randrange(ANCHORED[0], ANCHORED[-1])
    return write_chain(make, LENGTH + 3, start=lines[:at], mark="another tail")


def rewrite(_lines: Lines, _dice: random.Random, make: Make) -> Lines:
    return write_chain(make, LENGTH, mark="another history")


def empty(_lines: Lines, _dice: random.Random, _: Make) -> Lines:
    return []


INSIDE: dict[Tamper, set[Tampering]] = {
    edit: {Tampering.EDITED},
    edit_and_rehash: {Tampering.EDITED},
    delete: {Tampering.CUT},
    swap: {Tampering.REORDERED},
    insert: {Tampering.INSERTED},
    insert_and_renumber: {Tampering.EDITED},
    duplicate: {Tampering.DUPLICATED},
}
ONLY_WITH_ANCHOR: dict[Tamper, set[Tampering]] = {
    truncate: {Tampering.CUT},
    older_backup: {Tampering.CUT},
    fork: {Tampering.FORKED},
    rewrite: {Tampering.REWRITTEN},
    empty: {Tampering.CUT},
}


def name_of(value: object) -> str:
    return getattr(value, "__name__", "")


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("tamper", "kinds"), INSIDE.items(), ids=name_of)
def test_tampering_inside_a_chain_is_found_without_and_with_an_anchor(
    whole: Lines,
    anchors: list[Envelope],
    keys: dict[str, str],
    make: Make,
    tamper: Tamper,
    kinds: set[Tampering],
    seed: int,
) -> None:
    content = spell(tamper(whole, random.Random(seed), make))
    for given_anchors in ([], anchors):
        report = verify_bytes(content, keys, given_anchors)
        assert report.verdict is Verdict.TAMPERED
        assert not report.ok
        assert kinds <= report.kinds()


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("tamper", "kinds"), ONLY_WITH_ANCHOR.items(), ids=name_of)
def test_what_only_an_anchor_shows_is_found_with_one_and_named_as_unchecked_without(
    whole: Lines,
    anchors: list[Envelope],
    keys: dict[str, str],
    make: Make,
    tamper: Tamper,
    kinds: set[Tampering],
    seed: int,
) -> None:
    content = spell(tamper(whole, random.Random(seed), make))
    found = verify_bytes(content, keys, anchors)
    assert found.verdict is Verdict.TAMPERED
    assert kinds <= found.kinds()
    blind = verify_bytes(content, keys)
    assert blind.verdict is Verdict.INTACT
    assert any("no anchor" in item for item in blind.unchecked)


def test_a_whole_chain_is_intact_and_the_report_says_what_lies_behind_the_last_anchor(
    whole: Lines, anchors: list[Envelope], keys: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "export.jsonl"
    file.write_bytes(spell(whole))
    report = verify_file(file, keys, anchors)
    assert (report.verdict, report.findings, report.refused_anchors) == (Verdict.INTACT, (), ())
    (chain,) = report.chains
    assert (chain.entries, chain.anchors, chain.anchored_to) == (LENGTH, len(ANCHORED), ANCHORED[-1])
    assert report.unchecked == (
        "inc-a: entries 19 to 20 lie behind the last anchor that agrees; a cut or a replacement there cannot be seen",
    )
    assert "ledger: intact" in report.lines()[0]


def test_a_chain_anchored_at_its_head_leaves_nothing_unchecked(
    whole: Lines, keys: dict[str, str], ledger_key: SigningKey
) -> None:
    head = sign_checkpoint(cast(StoredEntry, whole[-1]), region="eu", key=ledger_key, at=AT)
    assert verify_bytes(spell(whole), keys, [head]).unchecked == ()


def test_without_an_anchor_the_report_names_everything_it_could_not_check(whole: Lines, keys: dict[str, str]) -> None:
    unchecked = " ".join(verify_bytes(spell(whole), keys).unchecked)
    for what in ("cut tail", "older copy", "fork", "written anew"):
        assert what in unchecked


@pytest.mark.parametrize("kept", [1, 10, 200])
def test_a_torn_last_line_is_a_crash_and_not_an_attack(
    whole: Lines, anchors: list[Envelope], keys: dict[str, str], kept: int
) -> None:
    content = spell(whole)
    torn = content[: len(content) - len(canonical(whole[-1])) - 1 + kept]
    for given_anchors in ([], anchors):
        report = verify_bytes(torn, keys, given_anchors)
        assert report.verdict is Verdict.TORN
        assert report.ok
        assert report.kinds() == {Tampering.TORN}


def test_a_torn_line_does_not_excuse_anchored_entries_that_are_gone(
    whole: Lines, anchors: list[Envelope], keys: dict[str, str]
) -> None:
    torn = spell(whole[:15])[:-20]
    assert verify_bytes(torn, keys).verdict is Verdict.TORN
    report = verify_bytes(torn, keys, anchors)
    assert report.verdict is Verdict.TAMPERED
    assert Tampering.CUT in report.kinds()


def test_two_signed_histories_of_one_chain_are_a_fork_whichever_is_shown(
    whole: Lines, anchors: list[Envelope], keys: dict[str, str], make: Make, ledger_key: SigningKey
) -> None:
    other = write_chain(make, LENGTH, start=whole[:8], mark="other")
    second = sign_checkpoint(cast(StoredEntry, other[11]), region="eu", key=ledger_key, at=AT)
    for lines in (whole, other):
        assert Tampering.FORKED in verify_bytes(spell(lines), keys, [*anchors, second]).kinds()


def test_an_anchor_by_an_unknown_key_counts_for_nothing_and_is_named(
    whole: Lines, keys: dict[str, str], make: Make
) -> None:
    stranger = SigningKey.generate()
    rewritten = rewrite(whole, random.Random(0), make)
    forged = sign_checkpoint(cast(StoredEntry, rewritten[-1]), region="eu", key=stranger, at=AT)
    report = verify_bytes(spell(rewritten), keys, [forged])
    assert len(report.refused_anchors) == 1
    assert any("no anchor" in item for item in report.unchecked)


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b"[]",
        b"null",
        b"not json",
        b"{" * 5000,
        b'{"seq": 1}',
        b"\xff\xfe",
        b'{"alg":"sha256","chain":"inc-a","hash":"","id":"x","prev":"","seq":true}',
        b"x" * 200_000,
        b"",
    ],
    ids=range(10),
)
def test_a_line_that_is_no_entry_is_named_with_its_number(whole: Lines, keys: dict[str, str], line: bytes) -> None:
    content = spell(whole[:3]) + line + b"\n" + spell(whole[3:])
    report = verify_bytes(content, keys)
    assert report.verdict is Verdict.TAMPERED
    assert (4, Tampering.MALFORMED) in {(item.line, item.kind) for item in report.findings}


def test_a_line_spelled_otherwise_is_found_although_it_says_the_same(whole: Lines, keys: dict[str, str]) -> None:
    content = spell(whole[:3]) + json.dumps(whole[3]).encode() + b"\n" + spell(whole[4:])
    assert Tampering.MALFORMED in verify_bytes(content, keys).kinds()


def test_a_file_that_is_no_ledger_is_unreadable(keys: dict[str, str]) -> None:
    assert verify_bytes(b"hello\nworld\n", keys).verdict is Verdict.UNREADABLE


def test_a_chain_cannot_be_passed_off_as_another(whole: Lines, keys: dict[str, str]) -> None:
    renamed = [rehashed(line, chain="inc-b") for line in whole]
    assert not verify_bytes(spell(renamed), keys).ok


def test_chains_share_a_file_and_are_judged_apart(whole: Lines, keys: dict[str, str], make: Make) -> None:
    other = [dict(seal(make(1, "hold-b"), seq=1, prev=genesis("hold-b"), recorded_at="2026-11-22T03:10:00Z"))]
    report = verify_bytes(spell([whole[0], *other, *whole[1:]]), keys)
    assert report.verdict is Verdict.INTACT
    assert [chain.chain for chain in report.chains] == ["hold-b", "inc-a"]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_change_of_one_byte_goes_unseen(
    whole: Lines, anchors: list[Envelope], keys: dict[str, str], data: st.DataObject
) -> None:
    content = spell(whole[: ANCHORED[-1]])
    at = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != content[at]))
    report = verify_bytes(content[:at] + bytes([byte]) + content[at + 1 :], keys, anchors)
    assert report.verdict is not Verdict.INTACT


def test_two_contents_under_one_id_are_named(
    make: Make, ledger: SqliteLedger, tmp_path: Path, keys: dict[str, str]
) -> None:
    ledger.append([make(1, kind="incident.opened"), make(2)])
    ledger.append([make(1, kind="incident.opened", at="2026-11-22T05:00:00Z", data={"n": 9})])
    ledger.export("inc-a", tmp_path / "chain.jsonl")
    report = verify_file(tmp_path / "chain.jsonl", keys)
    assert report.verdict == Verdict.IN_CONFLICT
    assert not report.ok
    [found] = report.findings
    assert (found.kind, found.line, found.seq) == (Tampering.CONFLICT, 3, 3)
    for word in ("`inc-a:1`", "`incident.opened` of 2026-11-22T03:10:00Z (entry 1)", "2026-11-22T05:00:00Z", "compare"):
        assert word in found.message
    content = (tmp_path / "chain.jsonl").read_bytes()
    cut = b"".join(content.splitlines(keepends=True)[:1] + content.splitlines(keepends=True)[2:])
    assert verify_bytes(cut, keys).verdict == Verdict.TAMPERED


def test_an_entry_written_again_as_it_was_is_no_conflict(
    make: Make, ledger: SqliteLedger, tmp_path: Path, keys: dict[str, str]
) -> None:
    ledger.append([make(1), make(2)])
    ledger.append([make(1)])
    ledger.export("inc-a", tmp_path / "chain.jsonl")
    assert verify_file(tmp_path / "chain.jsonl", keys).verdict == Verdict.INTACT
