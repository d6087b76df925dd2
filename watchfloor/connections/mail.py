"""Mail to one server: at an address that was checked, within a time, without reading more than it needs to hear."""

import asyncio
import contextlib
import smtplib
import socket
import ssl
from email.message import EmailMessage
from typing import Any, BinaryIO

from watchfloor.connections.bindings import Smtp
from watchfloor.connections.egress import Egress

LONGEST_TALK = 256 * 1024
"""Bytes of a server's replies that are read; a reply of many lines has no other end."""


class MailServer:
    """Sends through one server. The name is resolved once for each mail, the checked address connected to."""

    def __init__(self, smtp: Smtp, gate: Egress) -> None:
        """Args: the server, and the gate that admits it."""
        self._smtp = smtp
        self._gate = gate
        (self._origin,) = gate.origins

    async def locate(self) -> str:
        """The address to connect to.

        Raises:
            EgressRefused: the name has an address that may not be called.
            OSError: it has none now.
        """
        return (await self._gate.pin(self._origin))[0]

    async def send(self, address: str, message: EmailMessage, password: str | None) -> None:
        """Send once, within the server's `timeout` as a whole.

        Raises:
            smtplib.SMTPException: the server refused.
            OSError: it could not be reached or did not come to an end (`TimeoutError`).
        """
        talk = _Talk(address, self._smtp, message, password)
        try:
            async with asyncio.timeout(self._smtp.timeout):
                await asyncio.to_thread(talk.run)
        finally:
            # a server that drips its replies would keep the thread for ever
            talk.cut()


class _Talk(smtplib.SMTP):
    """One conversation with the server: its name for the certificate, the checked address for the connection."""

    def __init__(self, address: str, smtp: Smtp, message: EmailMessage, password: str | None) -> None:
        super().__init__(timeout=smtp.timeout)
        self._address, self._smtp, self._message, self._password = address, smtp, message, password
        self._over = False

    def run(self) -> None:
        smtp = self._smtp
        self._host = smtp.host
        code, said = self.connect(smtp.host, smtp.port)
        if code != 220:
            self.close()
            raise smtplib.SMTPConnectError(code, said)
        with self:
            if smtp.starttls:
                self.starttls(context=ssl.create_default_context())
            if smtp.user is not None and self._password is not None:
                self.login(smtp.user, self._password)
            self.send_message(self._message)

    def cut(self) -> None:
        """End it from outside; what the thread still waits for comes to an end."""
        self._over = True
        there = getattr(self, "sock", None)
        if there is not None:
            with contextlib.suppress(OSError):
                # the plain shutdown: that of a TLS socket would take its state away under the thread's hands
                socket.socket.shutdown(there, socket.SHUT_RDWR)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Counted(self.sock.makefile("rb"))
        return super().getreply()

    def _get_socket(self, _host: str, port: int, timeout: float) -> socket.socket:
        made = socket.create_connection((self._address, port), timeout)
        if self._over:
            made.close()
            raise TimeoutError
        return made


class _Counted:
    """The server's side of a conversation, up to a size."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._left = file, LONGEST_TALK

    def readline(self, size: int = -1) -> bytes:
        line = self._file.readline(size)
        self._left -= len(line)
        if self._left < 0:
            raise OSError("the server says more than is listened to")
        return line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
