"""Forms are read by type, and every fault is named with its field; attachments are files that end in evidence."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from watchfloor.client import Face, InputsRefused, attachments
from watchfloor.client.attachments import check_attachments, keep_attachments, require_kept
from watchfloor.client.forms import read_form

NOW = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)
REF = {"type": "ref", "pattern": "sha256:[0-9a-f]{64}", "attachment": True}


@pytest.mark.parametrize(
    ("spec", "good", "kept", "bad"),
    [
        ({"type": "string"}, "x", "x", 7),
        ({"type": "string", "enum": ["DE", "FR"]}, "DE", "DE", "US"),
        ({"type": "text", "max_length": 3}, "abc", "abc", "abcd"),
        ({"type": "int", "min": 1}, "3", 3, "0"),
        ({"type": "number", "max": 2}, "1.5", 1.5, "2.5"),
        ({"type": "bool"}, "true", True, "yes"),
        ({"type": "timestamp"}, "-10m", "2026-11-22T03:00:00Z", "yesterday"),
        ({"type": "duration"}, "90m", 5400.0, "soon"),
        ({"type": "url"}, "https://example.test/v/1", "https://example.test/v/1", "javascript:x"),
        ({"type": "list", "of": {"type": "int"}}, "[1, 2]", [1, 2], '[1, "x"]'),
        ({"type": "map", "of": {"type": "int"}}, '{"a": 1}', {"a": 1}, '{"a": "x"}'),
        (REF, "sha256:" + "a" * 64, "sha256:" + "a" * 64, "sha256:zz"),
    ],
)
def test_each_type_is_read_from_text_and_a_misfit_names_its_field(spec: Any, good: Any, kept: Any, bad: Any) -> None:
    assert read_form({"field": spec}, {"field": good}, now=NOW) == {"field": kept}
    with pytest.raises(InputsRefused) as refused:
        read_form({"field": spec}, {"field": bad}, now=NOW)
    (problem,) = refused.value.problems
    assert problem.field.startswith("form.field")
    assert problem.expected


def test_a_file_goes_into_the_evidence_store_and_its_reference_into_the_form(face: Face, tmp_path: Path) -> None:
    (tmp_path / "receipt.txt").write_bytes(b"received")
    contents = check_attachments({"receipt": REF}, {"receipt": tmp_path / "receipt.txt"})
    kept = keep_attachments(face, contents)
    require_kept(face, {"receipt": REF}, kept)
    assert face.reasons.exists(str(kept["receipt"]))


def test_a_reference_behind_which_there_is_nothing_is_refused(face: Face) -> None:
    with pytest.raises(InputsRefused, match="nothing is kept"):
        require_kept(face, {"receipt": REF}, {"receipt": "sha256:" + "a" * 64})


def test_what_is_no_file_for_an_attachment_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "ATTACHMENT_LIMIT", 8)
    (tmp_path / "empty").touch()
    (tmp_path / "large").write_bytes(b"123456789")
    fields = {"a": REF, "b": REF, "c": REF, "d": REF, "note": {"type": "text"}}
    given = {"a": "empty", "b": "large", "c": "missing", "d": ".", "note": "large", "other": "large"}
    with pytest.raises(InputsRefused) as refused:
        check_attachments(fields, {name: tmp_path / path for name, path in given.items()})
    assert {one.field: one.found for one in refused.value.problems} == {
        "form.a": "an empty file",
        "form.b": "more than 8 bytes",
        "form.c": os.strerror(2),
        "form.d": os.strerror(21),
        "form.note": "no attachment",
        "form.other": "no attachment",
    }
