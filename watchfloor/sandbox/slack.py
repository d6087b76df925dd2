"""Slack, as far as a bot that posts needs it: `/slack/api`, one workspace, one bot, what the Web API answers.

Like Slack it answers 200 to what it refuses (`{"ok": false, "error": …}`), 429 with `Retry-After` to more than about
one message a second in a channel, and deduplicates nothing.
"""

import json
import re
import time
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from watchfloor.sandbox.effects import find_store
from watchfloor.sandbox.store import Document, Store

TOKEN = "xoxb-sandbox-token"  # noqa: S105 - published on purpose: a sandbox's
CHANNEL = "C0SANDBOX"
OTHER_CHANNEL = "C0ELSEWHERE"
"""There, and the bot is not in it."""
MOST_TEXT = 40_000
BURST, PER_SECOND = 4, 1.0
_TS = re.compile(r"\d{1,12}\.\d{6}")
router = APIRouter(prefix="/slack/api")
control = APIRouter()


def _refuse(error: str) -> JSONResponse:
    return JSONResponse({"ok": False, "error": error})


async def _arguments(request: Request) -> dict[str, Any] | JSONResponse:
    """The arguments of a call, or Slack's refusal of how they were sent."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    raw = await request.body()
    if request.method == "GET":
        found: Any = dict(request.query_params)
    elif kind == "application/json":
        try:
            found = json.loads(raw)
        except (ValueError, RecursionError):
            return _refuse("invalid_json")
        if not isinstance(found, dict):
            return _refuse("json_not_object")
    elif kind == "application/x-www-form-urlencoded":
        found = dict(parse_qsl(raw.decode("utf-8", "replace")))
    else:
        return _refuse("invalid_post_type")
    header = request.headers.get("authorization", "")
    if not header:
        return _refuse("not_authed")
    if header != f"Bearer {TOKEN}":
        return _refuse("invalid_auth")
    return dict(found)


def _refuse_channel(asked: dict[str, Any]) -> JSONResponse | None:
    channel = asked.get("channel")
    if channel == OTHER_CHANNEL:
        return _refuse("not_in_channel")
    return None if channel == CHANNEL else _refuse("channel_not_found")


def _take_turn(request: Request, channel: str) -> JSONResponse | None:
    """About one message a second in a channel; short bursts pass."""
    clock = getattr(request.app.state, "monotonic", time.monotonic)
    turns: dict[str, tuple[float, float]] = request.app.state.__dict__.setdefault("slack_turns", {})
    now = clock()
    level, at = turns.get(channel, (float(BURST), now))
    level = min(float(BURST), level + (now - at) * PER_SECOND)
    if level < 1.0:
        turns[channel] = level, now
        return JSONResponse({"ok": False, "error": "ratelimited"}, 429, headers={"Retry-After": "1"})
    turns[channel] = level - 1.0, now
    return None


def _messages(store: Store) -> list[Document]:
    return sorted(store.all("slack"), key=lambda one: one["ts"])


@control.get("/_sandbox/slack")
async def list_messages(request: Request) -> Document:
    """Everything in the workspace, oldest first."""
    return {"messages": _messages(find_store(request))}


@router.post("/auth.test")
async def test_auth(request: Request) -> JSONResponse:
    asked = await _arguments(request)
    if isinstance(asked, JSONResponse):
        return asked
    return JSONResponse({"ok": True, "team": "sandbox", "user": "watchfloor", "bot_id": "B0SANDBOX"})


@router.post("/chat.postMessage")
async def post_message(request: Request) -> JSONResponse:
    """Post, also into a thread; each call makes a message of its own."""
    asked = await _arguments(request)
    if isinstance(asked, JSONResponse):
        return asked
    text, metadata, thread = asked.get("text"), asked.get("metadata"), asked.get("thread_ts")
    refused = _refuse_channel(asked)
    if refused is None and not (isinstance(text, str) and text.strip()):
        refused = _refuse("no_text")
    if refused is None and len(str(text)) > MOST_TEXT:
        refused = _refuse("msg_too_long")
    if refused is None and metadata is not None and not _is_metadata(metadata):
        refused = _refuse("invalid_metadata_format")
    refused = refused or _take_turn(request, CHANNEL)
    if refused is not None:
        return refused
    store = find_store(request)
    with store.transaction():
        if thread is not None and store.get("slack", str(thread)) is None:
            return _refuse("thread_not_found")
        known = _messages(store)
        last = float(known[-1]["ts"]) if known else 0.0
        ts = f"{max(time.time(), last + 0.000001):.6f}"
        message: Document = {
            "type": "message",
            "bot_id": "B0SANDBOX",
            "channel": CHANNEL,
            "ts": ts,
            "text": text,
            "metadata": metadata,
        }
        if thread is not None:
            message |= {"thread_ts": thread, "broadcast": bool(asked.get("reply_broadcast"))}
        store.put("slack", ts, message)
    request.state.effect = "new"
    return JSONResponse({"ok": True, "channel": CHANNEL, "ts": ts, "message": message})


@router.post("/chat.update")
async def update_message(request: Request) -> JSONResponse:
    """Write another text into a message of the bot."""
    asked = await _arguments(request)
    if isinstance(asked, JSONResponse):
        return asked
    refused, text, ts = _refuse_channel(asked), asked.get("text"), asked.get("ts")
    if refused is not None:
        return refused
    if not (isinstance(text, str) and text.strip()):
        return _refuse("no_text")
    store = find_store(request)
    with store.transaction():
        message = store.get("slack", ts) if isinstance(ts, str) and _TS.fullmatch(ts) else None
        if message is None:
            return _refuse("message_not_found")
        store.put("slack", str(ts), {**message, "text": text, "edited": True})
    request.state.effect = "new"
    return JSONResponse({"ok": True, "channel": CHANNEL, "ts": ts, "text": text})


@router.get("/conversations.history")
async def read_history(request: Request) -> JSONResponse:
    """The channel's messages, newest first, in pages; replies are in their threads unless they were broadcast."""
    return await _read(request, lambda one, _: "thread_ts" not in one or one["broadcast"])


@router.get("/conversations.replies")
async def read_replies(request: Request) -> JSONResponse:
    """A message and the replies in its thread."""
    return await _read(request, lambda one, root: root in {one["ts"], one.get("thread_ts")})


async def _read(request: Request, wanted: Any) -> JSONResponse:
    asked = await _arguments(request)
    if isinstance(asked, JSONResponse):
        return asked
    refused = _refuse_channel(asked)
    if refused is not None:
        return refused
    try:
        limit, start = min(int(asked.get("limit", 100)), 999), int(asked.get("cursor") or 0)
        oldest = float(asked.get("oldest", 0))
    except ValueError:
        return _refuse("invalid_arguments")
    found = [
        one for one in _messages(find_store(request)) if float(one["ts"]) > oldest and wanted(one, asked.get("ts"))
    ]
    found.reverse()
    page = found[start : start + limit]
    if asked.get("include_all_metadata") != "true":
        page = [{name: value for name, value in one.items() if name != "metadata"} for one in page]
    more = start + limit < len(found)
    answer: Document = {"ok": True, "messages": page, "has_more": more}
    if more:
        answer["response_metadata"] = {"next_cursor": str(start + limit)}
    return JSONResponse(answer)


def _is_metadata(metadata: Any) -> bool:
    return (
        isinstance(metadata, dict)
        and isinstance(metadata.get("event_type"), str)
        and isinstance(metadata.get("event_payload"), dict)
    )
