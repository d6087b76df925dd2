"""Bindings that change while a gateway runs: senders of webhooks in, paging services, secrets in files."""

import asyncio
import base64
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from standardwebhooks.webhooks import Webhook

from tests.gateway.test_webhooks_out import settings_of
from watchfloor.connections.loading import BindingsRefused
from watchfloor.gateway import rereading
from watchfloor.gateway.__main__ import keep_believing, read_callers
from watchfloor.gateway.hooks import HookDesk
from watchfloor.gateway.pagers import PagerDesk
from watchfloor.gateway.rereading import Part
from watchfloor.outgoing.refusal import read_refusal
from watchfloor.runtime.settings import RegionSettings

OLD, NEW = ("whsec_" + base64.b64encode(letter * 32).decode() for letter in (b"o", b"n"))
TEXT = """
version: 1
sandbox: true
base: ${TARGET}
allow_hosts: ["${TARGET}"]
actions: {}
senders:
  portal: {kind: standard_webhooks, secret: {file: portal.key}}
"""


@pytest.fixture
def settings(tmp_path: Path) -> RegionSettings:
    made = settings_of(tmp_path, "http://127.0.0.1:9")
    made.bindings_path.write_text(TEXT)
    keep(tmp_path / "portal.key", OLD)
    return made


def keep(path: Path, secret: str) -> None:
    path.write_text(secret)
    path.chmod(0o600)


def believed(desk: HookDesk, secret: str) -> bool:
    """Whether the desk's sender `portal` believes what this secret signs."""
    at, body = datetime.now(UTC), "{}"
    signature = Webhook(secret).sign("msg-1", at, body)
    headers = {
        "webhook-id": "msg-1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
        "content-type": "application/json",
    }
    sender = desk._senders.get("portal")
    if sender is None:
        return False
    try:
        sender.way.verify(headers, body.encode())
    except Exception:
        return False
    return True


async def test_a_changed_secret_of_a_sender_is_taken_in_and_a_refused_file_leaves_the_old_one(
    settings: RegionSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rereading, "EVERY", 0.01)
    part = Part(settings, "senders", read_callers)
    senders, pagers = part.require()
    desk, pages = HookDesk(cast(Any, None), senders), PagerDesk(cast(Any, None), pagers)
    assert (believed(desk, OLD), believed(desk, NEW)) == (True, False)
    task = asyncio.create_task(keep_believing(part, desk, pages))
    try:
        keep(tmp_path / "portal.key", NEW)
        await until(lambda: believed(desk, NEW))
        assert not believed(desk, OLD)
        settings.bindings_path.write_text(TEXT.replace("standard_webhooks", "carrier_pigeon"))
        await until(lambda: read_refusal(tmp_path, "senders") is not None)
        assert believed(desk, NEW)
        settings.bindings_path.write_text(TEXT.split("senders:", maxsplit=1)[0])
        await until(lambda: not believed(desk, NEW))
        assert read_refusal(tmp_path, "senders") is None
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_own_bindings_that_are_written_while_it_runs_take_the_place_of_the_shipped_ones(
    settings: RegionSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also broken at first; and taken away again they leave what they said, for nobody goes back unseen."""
    monkeypatch.setattr(rereading, "EVERY", 0.01)
    own = tmp_path / "own.yaml"
    settings.bindings_path.write_text(TEXT.split("senders:", maxsplit=1)[0])
    part = Part(replace(settings, own_bindings_path=own), "senders", read_callers)
    senders, pagers = part.require()
    assert senders == {}
    desk = HookDesk(cast(Any, None), senders)
    task = asyncio.create_task(keep_believing(part, desk, PagerDesk(cast(Any, None), pagers)))
    try:
        own.write_text(TEXT.replace("standard_webhooks", "carrier_pigeon"))
        await until(lambda: read_refusal(tmp_path, "senders") is not None)
        assert not believed(desk, OLD)
        own.write_text(TEXT)
        await until(lambda: believed(desk, OLD))
        assert read_refusal(tmp_path, "senders") is None
        own.unlink()
        await until(lambda: read_refusal(tmp_path, "senders") is not None)
        assert believed(desk, OLD)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_at_the_start_what_cannot_be_used_ends_it(settings: RegionSettings) -> None:
    settings.bindings_path.write_text("version: 1")
    with pytest.raises(BindingsRefused):
        Part(settings, "senders", read_callers).require()


def test_a_file_that_is_still_being_written_is_not_read_before_it_rests(settings: RegionSettings) -> None:
    part = Part(settings, "senders", read_callers)
    part.require()
    assert not part.look(), "nothing has changed"
    settings.bindings_path.write_text(TEXT.split("senders:", maxsplit=1)[0])
    assert not part.look()
    settings.bindings_path.write_text(TEXT + "# whole\n")
    assert not part.look()
    assert part.look(), "the same as at the look before"
    assert part.content is not None
    assert list(part.content[0]) == ["portal"]


def test_where_it_cannot_be_written_down_it_is_used_all_the_same(settings: RegionSettings, tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("")
    part = Part(replace(settings, directory=tmp_path / "a-file"), "senders", read_callers)
    part.require()
    settings.bindings_path.write_text("version: 1")
    assert [part.look(), part.look(), part.look()] == [False, False, False]
    assert part.content is not None


async def until(holds: Any) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)
