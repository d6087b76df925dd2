"""The paging policy: read strictly, every mistake at its place; which page an acknowledgement means."""

from pathlib import Path
from typing import Any, cast

import pytest

from schemas.incident import Board
from watchfloor.client.errors import Ambiguous, NotFound, Refused
from watchfloor.client.library import library_folder
from watchfloor.client.pages import pick_pages
from watchfloor.client.paging import FILE, PagingRefused, find_paging, load_paging, read_paging

SHIPPED = (library_folder() / FILE).read_text()


def test_the_shipped_policy_has_the_times_of_the_severity_model() -> None:
    policy, review_after = read_paging(library_folder() / FILE)
    times: dict[str, Any] = {}
    for level, one in {**policy["severities"], **policy["processes"]}.items():
        days = one.get("business_days")
        times[level] = (f"{days} bd" if days else one["acknowledge_within"], one["status_every"])
    assert times == {
        "S0": (300.0, 1800.0),
        "S1": (900.0, 3600.0),
        "S2": (3600.0, 14_400.0),
        "S3": (14_400.0, 86_400.0),
        "S4": ("1 bd", None),
        "hold_failed": (3600.0, None),
        "hold": ("1 bd", None),
        "review": ("1 bd", None),
    }
    assert policy["severities"]["S4"]["ladder"] == ["backup"]
    assert policy["ladder"] == ["backup", "deputy", "incident_commander", "exec_sponsor"]
    assert review_after == "2027-05-01"


def test_a_file_in_the_home_directory_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    assert find_paging(tmp_path) == library_folder() / FILE
    (tmp_path / FILE).write_text(SHIPPED.replace("S0: {acknowledge_within: 5m", "S0: {acknowledge_within: 2s"))
    policy = load_paging(find_paging(tmp_path))
    assert policy["severities"]["S0"]["acknowledge_within"] == 2.0
    assert policy["digest"] != load_paging(library_folder() / FILE)["digest"]


@pytest.mark.parametrize(
    ("found", "put", "line", "words"),
    [
        ("5m", "5", 13, "a length such as `5m`"),
        ("5m", "0s", 13, "a length such as `5m`"),
        ("5m", "31d", 13, "up to 30d"),
        ("5m", "0bd", 13, "in business days, `1bd`"),
        ("status_every: 30m", "status_every: 1bd", 13, "a length such as `5m`"),
        ("status_every: 30m", "statuses: 30m", 13, "missing|not permitted"),
        ("  S3:", "  S9:", 16, "severities"),
        ("  S4: {acknowledge_within: 1bd, status_every: never, ladder: [backup]}\n", "", 12, "S4 missing"),
        ("ladder: [backup]", "ladder: []", 17, "at least 1"),
        ("  review: {acknowledge_within: 1bd,", "  reviews: {acknowledge_within: 1bd,", 23, "processes"),
        (
            "  hold: {acknowledge_within: 1bd,",
            "  hold: {acknowledge_within: 1bd, status_every: 4h,",
            22,
            "not permitted",
        ),
        ("[backup, deputy,", "[backup, depty,", 26, "unknown rung `depty`"),
        ("[backup, deputy,", "[backup, backup,", 26, "a rung stands twice"),
        ("ladder: [backup, deputy, incident_commander, exec_sponsor]", "ladder: []", 26, "at least 1"),
        ("status_role: comms_lead", "status_role: nobody", 29, "unknown role `nobody`"),
        ('"2027-05-01"', '"2027-13-01"', 8, "a day such as"),
        ("basis: P", "basis: Q", 5, "'V', 'S', 'T' or 'P'"),
        ("version: 1", "version: 2", 4, "'1'"),
        ("owner: trust-safety-operations\n", "", 1, "owner"),
    ],
)
def test_a_mistake_is_refused_at_its_place(tmp_path: Path, found: str, put: str, line: int, words: str) -> None:
    assert found in SHIPPED
    file = tmp_path / FILE
    file.write_text(SHIPPED.replace(found, put, 1))
    with pytest.raises(PagingRefused, match=words) as refused:
        load_paging(file)
    if line > 1:
        assert f"{file}:{line}:" in str(refused.value)


def test_every_process_has_to_be_given_its_time(tmp_path: Path) -> None:
    file = tmp_path / FILE
    line = next(line for line in SHIPPED.splitlines(keepends=True) if line.startswith("  hold:"))
    file.write_text(SHIPPED.replace(line, ""))
    with pytest.raises(PagingRefused, match="`processes`: hold missing"):
        load_paging(file)


def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(PagingRefused, match=r"paging\.yaml:1:1: cannot be read"):
        load_paging(tmp_path / FILE)


def page(id_: str, path: str, *told: str, taken: bool = False) -> dict[str, Any]:
    more = {"acknowledged": {"how": "statement", "by": "eva", "role": told[0], "at": "2026-11-22T03:10:00Z"}}
    return {"id": id_, "path": path, "step": path.rpartition("/")[2], "told": [*told], **(more if taken else {})}


BOARD = cast(
    Board,
    {
        "workflow": "inc-1",
        "pages": [
            page("p1", "triage/doubt", "legal_counsel"),
            page("p2", "containment/remove", "ops_lead"),
            page("p3", "after/remove", "ops_lead", taken=True),
        ],
    },
)


def test_without_a_name_all_open_pages_of_the_persons_roles_are_meant() -> None:
    assert [one["id"] for one in pick_pages(BOARD, None, {"ops_lead"})] == ["p2"]
    assert [one["id"] for one in pick_pages(BOARD, None, {"incident_commander"})] == ["p1", "p2"]
    with pytest.raises(Refused, match="what waits went to legal_counsel, ops_lead"):
        pick_pages(BOARD, None, {"data_analyst"})


def test_a_page_is_named_by_id_path_or_step() -> None:
    for what in ("p1", "triage/doubt", "doubt"):
        assert [one["id"] for one in pick_pages(BOARD, what, set())] == ["p1"]
    with pytest.raises(Ambiguous):
        pick_pages(BOARD, "remove", set())
    with pytest.raises(NotFound, match=r"no page `p9` .* p1 \(triage/doubt\)"):
        pick_pages(BOARD, "p9", set())


def test_a_run_with_no_page_open_says_so() -> None:
    with pytest.raises(Refused, match="no page waits"):
        pick_pages(cast(Board, {"workflow": "inc-1"}), None, {"ops_lead"})
