"""The mail server is called like any other: at a checked address, within a time, hearing no more than it needs."""

import asyncio
import smtplib
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from schemas.actions import ErrorType
from tests.connections.rogues import Authority
from tests.connections.test_channels import NOTICE, TEXT
from watchfloor.connections.bindings import Smtp
from watchfloor.connections.egress import Egress, EgressRefused
from watchfloor.connections.mail import MailServer
from watchfloor.connections.port import CallFailed
from watchfloor.connections.wiring import open_connections

NAME = "mail.example.com"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def resolving(*addresses: str) -> Any:
    async def resolver(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return resolver


def message() -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "watchfloor@sandbox.test", "desk@sandbox.test", "a test"
    made.set_content("nothing")
    return made


def server(port: int, *, timeout: str = "1s", starttls: bool = False, host: str = NAME) -> Smtp:
    return Smtp.model_validate(
        {"host": host, "port": port, "sender": "watchfloor@sandbox.test", "starttls": starttls, "timeout": timeout}
    )


@asynccontextmanager
async def listening(talk: Talk) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except OSError:
            pass
        finally:
            writer.close()

    there = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield there.sockets[0].getsockname()[1]
    finally:
        there.close()
        await there.wait_closed()


async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"220-x\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"220-" + b"x" * 4000 + b"\r\n")
        await writer.drain()


async def test_a_server_that_drips_its_replies_is_left_when_the_time_is_over_and_its_thread_ends() -> None:
    async with listening(drip) as port:
        gate = Egress([f"{NAME}:{port}"], networks=["127.0.0.0/8"], resolver=resolving("127.0.0.1"))
        mail = MailServer(server(port, timeout="200ms"), gate)
        before = threading.active_count()
        with pytest.raises(TimeoutError):
            await mail.send(await mail.locate(), message(), None)
        await asyncio.get_running_loop().shutdown_default_executor()  # waits for the thread
        assert threading.active_count() <= before + 1


async def test_a_reply_without_an_end_is_not_collected() -> None:
    async with listening(flood) as port:
        gate = Egress([f"{NAME}:{port}"], networks=["127.0.0.0/8"], resolver=resolving("127.0.0.1"))
        mail = MailServer(server(port, timeout="20s"), gate)
        with pytest.raises((OSError, smtplib.SMTPServerDisconnected), match="more than is listened to"):
            await mail.send(await mail.locate(), message(), None)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.25", "169.254.169.254", "::1"])
async def test_a_mail_server_whose_name_resolves_inside_is_not_connected_to(tmp_path: Path, address: str) -> None:
    text = f"""
version: 1
base: https://api.example.com
allow_hosts: [api.example.com]
actions: {{}}
smtp: {{host: {NAME}, port: 587, sender: watchfloor@sandbox.test}}
channels:
  desk: {{kind: email, to: desk@sandbox.test}}
"""
    file = tmp_path / "bindings.yaml"
    file.write_text(text)
    opened = open_connections(file, variables={}, catalog={}, environ={}, resolver=resolving("93.184.215.14", address))
    with pytest.raises(CallFailed) as caught:
        await opened.notifier.deliver("desk", NOTICE)
    assert (caught.value.type, caught.value.possible, caught.value.detail) == (
        ErrorType.REFUSED,
        False,
        {"why": "egress"},
    )
    await opened.close()


async def test_a_mail_server_without_an_address_has_taken_nothing(tmp_path: Path) -> None:
    file = tmp_path / "bindings.yaml"
    file.write_text(TEXT.replace("host: 127.0.0.1", "host: localhost"))
    opened = open_connections(file, variables={"PORT": "9"}, catalog={}, environ={}, resolver=resolving())
    with pytest.raises(CallFailed) as caught:
        await opened.notifier.deliver("desk", NOTICE)
    assert (caught.value.type, caught.value.possible) == (ErrorType.UNAVAILABLE, False)
    await opened.close()


@pytest.mark.parametrize(("shown", "taken"), [(NAME, True), ("evil.example.net", False)])
async def test_the_certificate_is_checked_against_the_servers_name_at_the_pinned_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: str, taken: bool
) -> None:
    authority = Authority(tmp_path)
    trusting = authority.trusting()
    monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
    serving = authority.serving(shown)
    got: list[str] = []

    class Desk:
        async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
            got.append(envelope.mail_from)
            return "250 OK"

    loop = asyncio.get_running_loop()
    there = await loop.create_server(
        lambda: SMTP(Desk(), hostname="mx.test", tls_context=serving, require_starttls=True), "127.0.0.1", 0
    )
    port = there.sockets[0].getsockname()[1]
    gate = Egress([f"{NAME}:{port}"], networks=["127.0.0.0/8"], resolver=resolving("127.0.0.1"))
    mail = MailServer(server(port, timeout="10s", starttls=True), gate)
    try:
        if taken:
            await mail.send(await mail.locate(), message(), None)
        else:
            with pytest.raises(OSError, match="certificate"):
                await mail.send(await mail.locate(), message(), None)
    finally:
        there.close()
        await there.wait_closed()
    assert bool(got) == taken


def test_a_private_mail_server_is_refused_unless_its_network_is_named() -> None:
    gate = Egress([NAME])
    with pytest.raises(EgressRefused, match="allow_networks"):
        gate.beside("10.0.0.25", 587)
    assert Egress([NAME], networks=["10.0.0.0/24"]).beside("10.0.0.25", 587).origins
