"""Mail: what a server may answer, and what that means."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from schemas.actions import ErrorType
from watchfloor.connections.channels import delivery_id
from watchfloor.connections.port import CallFailed, Notice
from watchfloor.connections.wiring import Connections, open_connections

TEXT = """
version: 1
sandbox: true
base: http://127.0.0.1:9
allow_hosts: ["http://127.0.0.1:9"]
actions: {}
smtp: {host: 127.0.0.1, port: "${PORT}", sender: watchfloor@sandbox.test, starttls: false, timeout: 2s}
channels:
  desk: {kind: email, to: desk@sandbox.test}
"""
NOTICE = Notice(
    key="k" * 64,
    about="clock_warning",
    region="eu",
    incident="inc-a",
    step="removal",
    path="clocks/removal",
    severity="S1",
    at=datetime(2026, 11, 22, 3, 10, tzinfo=UTC),
    due_at="2026-11-22T04:00:00Z",
    roles=("ops_lead",),
)


class Desk:
    """Takes mail, or answers as told."""

    def __init__(self) -> None:
        self.reply = "250 OK"
        self.refuse = ""
        self.mail: list[Any] = []

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.reply.startswith("250"):
            self.mail.append(message_from_bytes(envelope.content))
        return self.reply


@pytest.fixture
async def desk() -> AsyncIterator[tuple[Desk, Connections]]:
    handler = Desk()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(handler, hostname="mx.test"), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield handler, port
    server.close()
    await server.wait_closed()


def connect(tmp_path: Path, port: int) -> Connections:
    file = tmp_path / "bindings.yaml"
    file.write_text(TEXT)
    return open_connections(file, variables={"PORT": str(port)}, catalog={}, environ={})


async def test_a_mail_arrives_once_per_id_with_its_facts_as_plain_text(desk: Any, tmp_path: Path) -> None:
    handler, port = desk
    notifier = connect(tmp_path, port).notifier
    assert notifier.kind("desk") == "email"
    for _ in range(2):
        await notifier.deliver("desk", NOTICE)
    ids = {mail["Message-ID"] for mail in handler.mail}
    assert ids == {f"<{delivery_id('desk', NOTICE)}@watchfloor.invalid>"}
    text = handler.mail[0].get_payload()
    assert handler.mail[0]["Subject"] == "[watchfloor eu] clock_warning inc-a"
    assert "due_at: 2026-11-22T04:00:00Z" in text
    assert "roles: ops_lead" in text


@pytest.mark.parametrize(
    ("where", "answer", "type_"),
    [
        ("reply", "451 4.3.0 come again", ErrorType.UNAVAILABLE),
        ("reply", "554 5.7.1 no", ErrorType.REFUSED),
        ("refuse", "550 5.1.1 nobody", ErrorType.REFUSED),
        ("refuse", "450 4.2.1 busy", ErrorType.UNAVAILABLE),
    ],
)
async def test_an_answer_of_the_mail_server_is_a_no_or_a_later(
    desk: Any, tmp_path: Path, where: str, answer: str, type_: str
) -> None:
    handler, port = desk
    setattr(handler, where, answer)
    with pytest.raises(CallFailed) as caught:
        await connect(tmp_path, port).notifier.deliver("desk", NOTICE)
    assert (caught.value.type, caught.value.possible) == (type_, False)
    assert handler.mail == []


async def test_a_mail_server_that_is_away_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(CallFailed) as caught:
        await connect(tmp_path, 9).notifier.deliver("desk", NOTICE)
    assert caught.value.type == ErrorType.UNAVAILABLE
    assert "127.0.0.1" not in str(caught.value)


async def test_a_destination_that_is_not_configured_is_not_bound(tmp_path: Path) -> None:
    notifier = connect(tmp_path, 9).notifier
    with pytest.raises(CallFailed) as caught:
        await notifier.deliver("desk@sandbox.test", NOTICE)
    assert caught.value.type == ErrorType.NOT_BOUND
    assert notifier.destinations() == ["desk"]


def test_one_notice_has_another_id_at_each_destination() -> None:
    assert delivery_id("a", NOTICE) != delivery_id("b", NOTICE)
    assert delivery_id("a", NOTICE) == delivery_id("a", NOTICE)
