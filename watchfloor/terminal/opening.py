"""Opening the console over the regions in reach, and nothing else on the screen meanwhile."""

from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
from temporalio.runtime import Runtime, TelemetryConfig

from watchfloor.client.errors import Refused
from watchfloor.client.statements import admit_person
from watchfloor.terminal.app import WatchConsole
from watchfloor.terminal.feed import LiveFeed
from watchfloor.terminal.gateway import Gateway
from watchfloor.terminal.gateway_feed import GatewayFeed
from watchfloor.terminal.pairing import sign_in

if TYPE_CHECKING:
    from watchfloor.cli.faces import Here


def silence_engine() -> None:
    """Keep the engine's client from writing across the screen, which it does just when nothing answers.
    Must come before anything connects."""
    with suppress(RuntimeError):
        Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=None)))


async def open_console(here: "Here", *, every: float) -> None:
    """Run the console until its user leaves it.

    Raises:
        Refused: no region in reach knows this person, or development sign-in was tried beyond this machine.
    """
    if here.person:
        require_known(here)
    # a line of a log in the middle of the screen helps nobody; what matters is on the screen or in a receipt
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    feed = LiveFeed(here)
    await WatchConsole(feed, someone=feed.someone, every=every).run_async(mouse=False)


async def open_gateway_console(address: str, *, every: float) -> None:
    """Sign in at a gateway and run the console over it until its user leaves; then the session ends.

    Raises:
        Refused: nobody confirmed this terminal.
        EngineUnavailable: the gateway does not answer.
    """
    gateway = Gateway(address)
    try:
        feed = GatewayFeed(gateway, await sign_in(gateway, print))
        await WatchConsole(feed, someone=feed.someone, every=every).run_async(mouse=False)
    finally:
        await gateway.leave()
        await gateway.close()


def require_known(here: "Here") -> None:
    """Refuse somebody whom no region in reach knows.

    Raises:
        Refused: with what the last region said.
    """
    for nth, face in enumerate(here.faces.values(), 1):
        try:
            admit_person(face, here.person)
            return
        except Refused:
            if nth == len(here.faces):
                raise
