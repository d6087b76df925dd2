"""From a bindings file to what activities call: read, check, take the secrets, open nothing yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from schemas.actions import ActionContract
from watchfloor.connections.bindings import Bindings
from watchfloor.connections.calls import HttpCaller, Wire
from watchfloor.connections.channels import Channels
from watchfloor.connections.deliveries import DeliveryBook
from watchfloor.connections.egress import Egress, Resolver, resolve
from watchfloor.connections.loading import load_bindings, read_secrets
from watchfloor.connections.switches import Switches


@dataclass(frozen=True, slots=True)
class Connections:
    """What a worker's `Dependencies` take: `bindings=caller`, `notifier=notifier`. Close it when the worker ends."""

    document: Bindings
    caller: HttpCaller
    notifier: Channels
    wire: Wire

    async def close(self) -> None:
        self.notifier.close()
        await self.wire.close()


def open_connections(
    path: Path,
    *,
    variables: Mapping[str, str],
    catalog: Mapping[str, ActionContract],
    environ: Mapping[str, str],
    resolver: Resolver = resolve,
    deliveries: Path | None = None,
) -> Connections:
    """Make the connections that a bindings file describes.

    Args:
        path: the bindings file; `file:` secrets are relative to its folder.
        variables: what `${NAME}` in it stands for.
        catalog: all contracts, `{**CATALOG, **INTERNAL}`.
        environ: where `env:` secrets are.
        resolver: stands for the system's resolver.
        deliveries: the file that remembers what was delivered; in memory without it.

    Raises:
        BindingsRefused: with the place of everything that is wrong.
    """

    def read() -> Bindings:
        return load_bindings(path, variables=variables, catalog=catalog)

    document = read()
    secret = read_secrets(document, folder=path.parent, environ=environ)
    gate = Egress(document.allow_hosts, sandbox=document.sandbox, networks=document.allow_networks, resolver=resolver)
    wire = Wire(gate)
    caller = HttpCaller(document, secret, wire, enabled=Switches(path, document, read).enabled)
    return Connections(document, caller, Channels(document, secret, wire, book=DeliveryBook(deliveries)), wire)
