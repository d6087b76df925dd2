"""`python -m watchfloor.sandbox --port P --smtp-port Q --state DIR`: run the sandbox platform on loopback."""

import argparse
import asyncio
import sys
from pathlib import Path

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from watchfloor.sandbox.gate import HANG_UP
from watchfloor.sandbox.mailboxes import mail_protocol
from watchfloor.sandbox.service import build_sandbox
from watchfloor.sandbox.store import Store

LOOPBACK = "127.0.0.1"


class CuttableProtocol(H11Protocol):
    """uvicorn's HTTP protocol, with a way for the gate to cut the connection without an answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        inner = self.app

        async def app(scope, receive, send):  # type: ignore[no-untyped-def]
            scope[HANG_UP] = transport.abort
            await inner(scope, receive, send)

        self.app = app


async def serve(port: int, smtp_port: int, state: Path, latency_ms: float, seed: int) -> None:
    """Serve until a signal; both ports are on loopback and on nothing else."""
    store = Store(state)
    sandbox = build_sandbox(store, latency_ms=latency_ms, seed=seed)
    loop = asyncio.get_running_loop()
    mail = await loop.create_server(lambda: mail_protocol(store), LOOPBACK, smtp_port)
    config = uvicorn.Config(
        sandbox.app, host=LOOPBACK, port=port, http=CuttableProtocol, log_level="warning", lifespan="off", ws="none"
    )
    try:
        await uvicorn.Server(config).serve()
    finally:
        mail.close()
        store.close()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m watchfloor.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="HTTP port on 127.0.0.1")
    parser.add_argument("--smtp-port", type=int, required=True, help="SMTP port on 127.0.0.1")
    parser.add_argument("--state", type=Path, required=True, help="directory that keeps what it remembers")
    parser.add_argument("--latency-ms", type=float, default=4.0, help="the least a call takes; 0 for none")
    parser.add_argument("--seed", type=int, default=1, help="of the jitter")
    given = parser.parse_args(arguments)
    try:
        asyncio.run(serve(given.port, given.smtp_port, given.state, given.latency_ms, given.seed))
    except OSError as error:
        print(f"the sandbox platform cannot start: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
