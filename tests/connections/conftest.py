"""A loopback server that says what it received."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from tests.servers import tcp_socket


class Mirror:
    """Answers 200 with the request it got, or what `reply` says."""

    def __init__(self) -> None:
        self.port = 0
        self.reply: tuple[int, dict[str, str], bytes] | None = None
        self.requests: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        content = b""
        while True:
            message = await receive()
            content += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request = {
            "method": scope["method"],
            "target": scope["raw_path"].decode()
            + (f"?{scope['query_string'].decode()}" if scope["query_string"] else ""),
            "headers": headers,
            "text": content.decode(),
            "client": scope["client"],
        }
        self.requests.append(request)
        status, extra, body = self.reply or (200, {}, json.dumps({"ok": True, "at": "2026-11-22T03:10:00Z"}).encode())
        lines = [(name.encode(), value.encode()) for name, value in extra.items()]
        lines.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": lines})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="session")
def served_mirror() -> Iterator[Mirror]:
    mirror = Mirror()
    listener = tcp_socket()
    listener.bind(("127.0.0.1", 0))
    mirror.port = listener.getsockname()[1]
    config = uvicorn.Config(mirror, log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield mirror
    server.should_exit = True
    thread.join(5)
    listener.close()


@pytest.fixture
def mirror(served_mirror: Mirror) -> Mirror:
    served_mirror.reply, served_mirror.requests = None, []
    return served_mirror
