"""The door for paging services: what was acknowledged there stops climbing here."""

from collections.abc import Callable, Mapping

import structlog

from schemas.json_value import Json
from watchfloor.client.errors import EngineUnavailable, NotFound, Refused
from watchfloor.client.face import Face
from watchfloor.client.pagers import SIGNATURE, is_signed, read_acknowledgement, send_pager_ack
from watchfloor.connections.bindings import Bindings, PagerDutyChannel, Rate, Secret
from watchfloor.connections.rates import Bucket
from watchfloor.gateway.problems import Problem

RATE = Rate(per_second=10.0, burst=100)
log = structlog.get_logger(__name__)


class PagerDesk:
    """Takes the webhooks of the region's paging services. A repeat does nothing: a page is acknowledged once."""

    def __init__(self, face: Face, secrets: Mapping[str, str]) -> None:
        """Serve the destinations whose callbacks can be verified, by name."""
        self._face = face
        self.use(secrets)

    def use(self, secrets: Mapping[str, str]) -> None:
        """From now on believe these."""
        self._secrets = dict(secrets)
        self._buckets = {name: Bucket(RATE) for name in secrets}

    async def take(self, destination: str, headers: Mapping[str, str], content: bytes) -> dict[str, Json]:
        """What became of a delivery: `acknowledged` or `ignored`.

        Raises:
            Problem: 401 not signed, 429 too many, 503 to be sent again.
        """
        secret = self._secrets.get(destination)
        if secret is None or not is_signed(content, headers.get(SIGNATURE, ""), secret):
            raise Problem(401, "signature", "no paging service of this name has signed these bytes")
        if self._buckets[destination].reserve(0.0) is None:
            raise Problem(429, "rate", "more than was agreed; send it again", retry_after=1)
        said = read_acknowledgement(content)
        if said is None:
            return {"state": "ignored"}
        try:
            sent = await send_pager_ack(self._face, said, destination)
        except NotFound:
            return {"state": "ignored"}
        except EngineUnavailable as error:
            raise Problem(503, "unavailable", "no worker answered; send it again", retry_after=5) from error
        except Refused as error:
            log.warning("an acknowledgement was refused", destination=destination, type=error.type)
            return {"state": "ignored"}
        if sent is not None:
            log.info("acknowledged at a paging service", destination=destination, incident=said.incident)
        return {"state": "ignored" if sent is None else "acknowledged"}


def open_pagers(document: Bindings, secret: Callable[[Secret], str]) -> dict[str, str]:
    """The destinations whose callbacks can be verified, with their secrets."""
    return {
        name: secret(channel.webhook_secret)
        for name, channel in document.channels.items()
        if isinstance(channel, PagerDutyChannel) and channel.webhook_secret is not None
    }
