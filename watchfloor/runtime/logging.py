"""Logs: events in the past tense with ids, one JSON object a line; for people on a terminal, one readable line.

What never reaches a log: texts of exceptions (a target's answer or a payload may be in them), content, a person's data.
An exception is shown as its type and where it was raised, with its causes. A replayed workflow says nothing twice:
whatever it logs while replaying is dropped.
"""

import logging
import logging.handlers
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO, TypeAlias

import structlog
from temporalio import activity, workflow

KEPT_BYTES = 10 * 1024 * 1024
KEPT_FILES = 3
DEEPEST_CAUSE = 8

ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]


class NotOnReplay(logging.Filter):
    """Drops what workflow code logs while it is being replayed."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (workflow.in_workflow() and workflow.unsafe.is_replaying())


def strip_exception(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put types and places in the place of an exception's text."""
    given = event.pop("exc_info", None)
    event.pop("exception", None)
    event.pop("stack", None)
    error: object = None
    if isinstance(given, BaseException):
        error = given
    elif isinstance(given, tuple):
        error = given[1]
    elif given:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["error"] = describe_exception(error)
    return event


def describe_exception(error: BaseException) -> list[str]:
    """The chain of an exception, outermost first: `Type[code] at file.py:12 in function`; never its text."""
    chain: list[str] = []
    current: BaseException | None = error
    while current is not None and len(chain) < DEEPEST_CAUSE:
        code = getattr(current, "type", None)
        name = type(current).__name__ + (f"[{code}]" if isinstance(code, str) and code.isidentifier() else "")
        frames = traceback.extract_tb(current.__traceback__)
        place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno} in {frames[-1].name}" if frames else ""
        chain.append(name + place)
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return chain


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    structlog.stdlib.PositionalArgumentsFormatter(),
    strip_exception,
]


def configure_logging(name: str, folder: Path | None, *, stream: TextIO | None = None, level: str = "INFO") -> None:
    """Set up this process's logs; call once, first thing.

    Args:
        name: of the process, bound to every event and part of the file's name (`worker-us.jsonl`).
        folder: where the JSON lines go, rotated; None leaves them to `stream`.
        stream: standard error if not given. A terminal gets readable lines; anything else gets JSON lines, but only
            where no folder takes them.
        level: the lowest level that is kept.
    """
    stream = sys.stderr if stream is None else stream
    handlers: list[logging.Handler] = []
    shared = [*_SHARED, _naming(name)]
    if folder is not None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = logging.handlers.RotatingFileHandler(
            folder / f"{name}.jsonl", maxBytes=KEPT_BYTES, backupCount=KEPT_FILES, encoding="utf-8"
        )
        file.setFormatter(_formatter(shared, structlog.processors.JSONRenderer(sort_keys=True)))
        handlers.append(file)
    if stream.isatty() or folder is None:
        shown = logging.StreamHandler(stream)
        readable = structlog.dev.ConsoleRenderer(pad_event_to=44, colors=stream.isatty())
        shown.setFormatter(_formatter(shared, readable if stream.isatty() else structlog.processors.JSONRenderer()))
        handlers.append(shown)
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    for handler in handlers:
        handler.addFilter(NotOnReplay())
        root.addHandler(handler)
    root.setLevel(level)
    for chatty in ("httpx2", "httpcore2", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # the SDK would append its ids to every message; the formatter takes them as fields instead
    activity.logger.activity_info_on_message = False
    workflow.logger.workflow_info_on_message = False
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _naming(name: str) -> Any:
    """Adds the process's name in every thread; context variables would not reach the SDK's threads."""

    def name_it(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["process"] = name
        return event

    return name_it


_SAID = ("channel", "error", "role", "told")


def _take_ids(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Lift what Temporal's loggers attach to a record: opaque ids, types, attempt, never arguments; and of what our own
    activities say beside an event, the names of channels and roles, kinds of errors and counts."""
    record = event.get("_record")
    for source in ("temporal_workflow", "temporal_activity"):
        found = getattr(record, source, None)
        if isinstance(found, dict):
            for name in ("workflow_id", "run_id", "workflow_type", "activity_type", "activity_id", "attempt"):
                if name in found:
                    event[name] = found[name]
    for name in _SAID:
        if hasattr(record, name):
            event[name] = getattr(record, name)
    return event


def _formatter(shared: list[Any], renderer: Any) -> structlog.stdlib.ProcessorFormatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, _take_ids],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
