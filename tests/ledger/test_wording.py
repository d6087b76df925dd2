"""Ledger entries in words."""

from typing import Any

import pytest

from schemas.ledger import EntryKind
from watchfloor.ledger.wording import FAMILIES, find_family, is_known, tell_entry

KINDS = [value for name, value in vars(EntryKind).items() if name.isupper()]


def entry(kind: str, actor: str = "engine", **data: Any) -> Any:
    return {
        "v": 1,
        "id": "a",
        "chain": "inc-a",
        "kind": kind,
        "at": "",
        "actor": actor,
        "step": "",
        "path": "",
        "data": data,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_words_and_a_place_in_the_filter(kind: str) -> None:
    assert is_known(kind), f"{kind} has no words in watchfloor/ledger/wording.py"
    assert find_family(kind), f"{kind} belongs to no family there"


def test_no_kind_is_in_two_families() -> None:
    for kind in KINDS:
        assert sum(kind.startswith(starts) for starts in FAMILIES.values()) == 1, kind


def test_who_did_it_is_named_and_what_is_empty_is_left_out() -> None:
    told = tell_entry(
        entry(
            EntryKind.DECIDED,
            "counsel-1",
            option="approve",
            role="legal_counsel",
            on_behalf_of="",
            reason_ref="sha256:x",
        )
    )
    assert told.words == "counsel-1: answered"
    assert told.details == (("option", "approve"), ("role", "legal_counsel"))
    assert told.reason_ref == "sha256:x"


@pytest.mark.parametrize("kind", [EntryKind.HOLD_PLACED, EntryKind.HOLD_VERIFIED, EntryKind.HOLD_FAILED])
def test_what_is_said_of_a_hold_names_the_custodian_of_whom_it_is_said(kind: str) -> None:
    """Two custodians make two entries; without their names they read like the same one twice."""
    told = tell_entry(entry(kind, hold="hold-a", source="content_store", reference="frz-1"))
    assert told.details[0] == ("source", "content_store")


def test_an_opened_incident_says_what_it_runs_and_who_started_it() -> None:
    told = tell_entry(entry(EntryKind.OPENED, runbook="r", source="mod_queue", requester="", version=1))
    assert told.details == (("runbook", "r"), ("source", "mod_queue"))


def test_what_the_engine_did_names_nobody() -> None:
    assert tell_entry(entry(EntryKind.CLOCK_BREACHED, clock="removal")).words == "clock ran out"


def test_a_kind_of_a_newer_version_is_told_by_its_name() -> None:
    assert tell_entry(entry("thing.happened_twice")).words == "thing happened twice"


def test_long_lists_and_texts_are_cut() -> None:
    told = tell_entry(entry(EntryKind.FACT, fact="x" * 500, source=[f"role{n}" for n in range(9)]))
    assert told.details[1] == ("source", "role0, role1, role2, role3, role4, role5 and 3 more")
    assert len(told.details[0][1]) == 120


@pytest.mark.parametrize(
    "kind", [EntryKind.PAUSED, EntryKind.COMMAND, EntryKind.SEVERITY, EntryKind.FACT, EntryKind.REDRIVEN]
)
def test_how_somebody_signed_in_is_told_of_every_statement_that_says_it(kind: str) -> None:
    assert ("signed in", "oidc") in tell_entry(entry(kind, "ic-1", signed_in="oidc")).details
    assert "signed in" not in dict(tell_entry(entry(kind, "ic-1")).details)
