"""Logs: ids and events; no exception's text, no arguments, nothing on replay."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from temporalio import activity, workflow

from watchfloor.runtime.logging import NotOnReplay, configure_logging, describe_exception


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers[:]:
        if handler not in handlers:
            root.removeHandler(handler)
            handler.close()
    for handler in handlers:
        if handler not in root.handlers:
            root.addHandler(handler)
    root.setLevel(level)
    structlog.reset_defaults()


def fail_on_purpose() -> None:
    try:
        raise ValueError("canary-cause")
    except ValueError as error:
        raise RuntimeError("canary-text") from error


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_events_are_json_lines_with_the_process_and_the_time() -> None:
    out = io.StringIO()
    configure_logging("worker-us", None, stream=out)
    structlog.get_logger("a").info("worker started", region="us")
    (event,) = lines(out.getvalue())
    assert (event["event"], event["region"], event["process"], event["level"]) == (
        "worker started",
        "us",
        "worker-us",
        "info",
    )
    assert event["at"].endswith("Z")


def test_an_exception_is_logged_by_type_and_place_never_by_its_text() -> None:
    out = io.StringIO()
    configure_logging("worker-us", None, stream=out)
    try:
        fail_on_purpose()
    except RuntimeError:
        structlog.get_logger("a").exception("call failed")
        logging.getLogger("temporalio.activity").warning("Completing activity as failed", exc_info=True)
    assert "canary" not in out.getvalue()
    for event in lines(out.getvalue()):
        assert event["error"][0].startswith("RuntimeError at test_logging.py:")
        assert event["error"][1].startswith("ValueError at test_logging.py:")


def test_ids_of_a_run_are_lifted_and_arguments_are_not() -> None:
    out = io.StringIO()
    configure_logging("worker-us", None, stream=out)
    info = {"workflow_id": "inc-1", "activity_type": "content.disable", "attempt": 2, "input": "canary-argument"}
    logging.getLogger("temporalio.activity").info("activity ran", extra={"temporal_activity": info})
    (event,) = lines(out.getvalue())
    assert (event["workflow_id"], event["activity_type"], event["attempt"]) == ("inc-1", "content.disable", 2)
    assert "canary" not in out.getvalue()


def test_what_an_activity_says_beside_an_event_is_kept_if_it_is_a_name_or_a_count() -> None:
    out = io.StringIO()
    configure_logging("worker-us", None, stream=out)
    more = {"role": "ops_lead", "told": 2, "channel": "pager", "text": "canary"}
    activity.logger.warning("nobody on call, all holders of the role told", extra=more)
    (event,) = lines(out.getvalue())
    assert (event["role"], event["told"], event["channel"]) == ("ops_lead", 2, "pager")
    assert "canary" not in out.getvalue()


def test_a_terminal_gets_readable_lines_and_the_file_gets_json(tmp_path: Path) -> None:
    screen = Terminal()
    configure_logging("worker-eu", tmp_path, stream=screen)
    structlog.get_logger("a").info("worker started", region="eu")
    assert "worker started" in screen.getvalue()
    assert not screen.getvalue().startswith("{")
    (event,) = lines((tmp_path / "worker-eu.jsonl").read_text())
    assert event["region"] == "eu"


def test_a_file_alone_takes_the_events_when_nobody_watches(tmp_path: Path) -> None:
    out = io.StringIO()
    configure_logging("worker-eu", tmp_path, stream=out)
    structlog.get_logger("a").info("worker started")
    assert out.getvalue() == ""
    assert len(lines((tmp_path / "worker-eu.jsonl").read_text())) == 1


def test_configuring_twice_does_not_write_twice() -> None:
    out = io.StringIO()
    for _ in range(2):
        configure_logging("worker-us", None, stream=out)
    structlog.get_logger("a").info("worker started")
    assert len(lines(out.getvalue())) == 1


@pytest.mark.parametrize(
    ("inside", "replaying", "kept"), [(False, False, True), (True, False, True), (True, True, False)]
)
def test_a_replayed_workflow_says_nothing(
    monkeypatch: pytest.MonkeyPatch, inside: bool, replaying: bool, kept: bool
) -> None:
    monkeypatch.setattr(workflow, "in_workflow", lambda: inside)
    monkeypatch.setattr(workflow.unsafe, "is_replaying", lambda: replaying)
    record = logging.LogRecord("a", logging.INFO, __file__, 1, "step done", (), None)
    assert NotOnReplay().filter(record) is kept


def test_a_typed_failure_shows_its_code() -> None:
    class Coded(Exception):
        type = "outcome_unknown"

    assert describe_exception(Coded("canary")) == ["Coded[outcome_unknown]"]
    Coded.type = "canary text with spaces"
    assert describe_exception(Coded("canary")) == ["Coded"]
