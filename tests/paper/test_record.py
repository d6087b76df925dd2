"""A record is read as strictly as a runbook: every fault with its place, and the empty form is one itself."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.paper.sheets import ERASURE, ORDER
from watchfloor.client.library import plan_for_start
from watchfloor.language.graph_clocks import list_steps
from watchfloor.paper.form import render_form
from watchfloor.paper.record import RecordRefused, read_record

NOW = datetime(2026, 11, 28, 6, 0, tzinfo=UTC)
RECORD = """\
by_hand: 1
runbook: eu-tco-removal-order
key: paper-1
note: nothing answered
inputs: {order_id: DE-2026-31}
facts:
  - {fact: order_annulled, at: 2026-11-28T03:10Z, source: legal_counsel}
done:
  - {step: reply, at: 2026-11-28T03:10Z, by: [ops-1], outputs: {receipt: DE-77}}
decided:
  - {step: order_doubt, option: refuse, by: counsel-1, as: legal_counsel, at: 2026-11-28T03:10Z}
"""


def write(folder: Path, text: str) -> Path:
    (folder / "record.yaml").write_text(text)
    return folder / "record.yaml"


def test_a_record_is_read_with_the_place_of_each_line(tmp_path: Path) -> None:
    record = read_record(write(tmp_path, RECORD), now=NOW)
    assert record.document.done[0].at == "2026-11-28T03:10:00Z"
    assert record.document.decided[0].role == "legal_counsel"
    assert record.where("decided", 0).endswith("record.yaml:11:5")


@pytest.mark.parametrize("name", [ORDER, ERASURE])
def test_the_empty_form_names_every_step_and_is_a_record_once_it_has_a_key_and_a_note(
    name: str, tmp_path: Path
) -> None:
    plan, digest = plan_for_start(name)
    form = render_form(plan, digest)
    doable = [step["id"] for step in list_steps(plan) if step["kind"] in {"action", "task"}]
    assert all(f"step: {one}," in form for one in doable)
    with pytest.raises(RecordRefused):
        read_record(write(tmp_path, form), now=NOW)
    filled = form.replace('key: ""', 'key: "paper-1"').replace('note: ""', 'note: "it was down"')
    record = read_record(write(tmp_path, filled), now=NOW)
    assert (record.document.runbook, record.document.plan) == (plan["id"], digest)
    assert record.document.done == []


def test_each_commented_line_of_the_form_fits_once_it_is_filled_in(tmp_path: Path) -> None:
    plan, digest = plan_for_start(ORDER)
    form = render_form(plan, digest).replace('key: ""', 'key: "paper-1"').replace('note: ""', 'note: "it was down"')
    lines = [re.sub(r"(\w+): (\w+)( \| \w+)+", r"\1: \2", line) for line in form.splitlines()]
    lines = [
        re.sub(r"^#(  - )", r"\1", line)
        .replace("PERSON", "ops-1")
        .replace("as: ROLE", "as: ops_lead")
        .replace("WHEN", "2026-11-28T03:10Z")
        for line in lines
    ]
    record = read_record(write(tmp_path, "\n".join(lines) + "\n"), now=NOW)
    assert len(record.document.done) == 14
    assert len(record.document.facts) == 3


def test_what_nobody_has_written_is_not_taken_for_what_happened(tmp_path: Path) -> None:
    """A time, a number or a yes that the form brought along would stand in the record as if somebody had seen it."""
    plan, digest = plan_for_start(ORDER)
    form = render_form(plan, digest).replace('key: ""', 'key: "paper-1"').replace('note: ""', 'note: "it was down"')
    assert read_record(write(tmp_path, form), now=NOW).document.inputs == {
        "order_id": "",
        "received_at": "",
        "urls": [],
        "issuing_state": "",
    }
    uncommented = re.sub(r"^#(  - {step: look,)", r"\1", form, flags=re.MULTILINE).replace("PERSON", "ops-1")
    with pytest.raises(RecordRefused, match="no instant"):
        read_record(write(tmp_path, uncommented), now=NOW)
    (step,) = read_record(write(tmp_path, uncommented.replace("WHEN", "2026-11-28T03:10Z")), now=NOW).document.done
    assert step.outputs == {"all_gone": "true | false", "remaining": "NUMBER"}, "neither is of its type"


def test_an_input_that_may_be_left_out_is_left_out_in_the_form() -> None:
    plan, digest = plan_for_start(ORDER)
    level: Any = {"type": "string", "enum": ["low", "high"], "default": "low"}
    form = render_form({**plan, "inputs": {**plan["inputs"], "level": level}}, digest)
    assert '#  level: ""    # low | high, left out: low' in form.splitlines()


def test_a_second_person_is_announced_in_the_form() -> None:
    form = render_form(*plan_for_start(ERASURE))
    (line,) = [line for line in form.splitlines() if "step: erase," in line and "by:" in line and "option" not in line]
    assert line.endswith("# a second person confirms it")


@pytest.mark.parametrize(
    ("before", "after", "place", "said"),
    [
        ("by_hand: 1", "by_hand: 2", "1:1", "'1'"),
        ("at: 2026-11-28T03:10Z, by: [ops-1]", "at: 03:10, by: [ops-1]", "9:", "no instant"),
        ("at: 2026-11-28T03:10Z, by: [ops-1]", "at: 2026-11-28T09:10Z, by: [ops-1]", "9:", "is to come"),
        ("by: [ops-1]", "by: []", "9:", "at least 1"),
        ("by: [ops-1]", "by: [Olga Person]", "9:", "pattern"),
        ("key: paper-1\n", "", "1:1", "neither `incident` nor `key`"),
        ("key: paper-1\n", "incident: inc-abc\n", "5:1", "`inputs` starts an incident"),
        ("as: legal_counsel", "as: king", "11:", "unknown role"),
        ("note: nothing answered\n", "", "1:1", "field required"),
        ("  - {step: reply, at", "  - {step: reply, quietly: true, at", "9:", "not permitted"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(
    before: str, after: str, place: str, said: str, tmp_path: Path
) -> None:
    assert before in RECORD
    with pytest.raises(RecordRefused) as refused:
        read_record(write(tmp_path, RECORD.replace(before, after)), now=NOW)
    assert f"record.yaml:{place}" in str(refused.value)
    assert said in str(refused.value)


def test_every_fault_is_named_not_only_the_first(tmp_path: Path) -> None:
    wrong = RECORD.replace("by: [ops-1]", "by: []").replace("as: legal_counsel", "as: king")
    with pytest.raises(RecordRefused) as refused:
        read_record(write(tmp_path, wrong), now=NOW)
    assert len(str(refused.value).splitlines()) == 2
