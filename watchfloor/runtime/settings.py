"""Settings of one region: where its engine, its stores, its keys and its peers are.

Two sources, never mixed for the connection to Temporal:

* the embedded stack writes `<home>/stack.json`; its regions need nothing else;
* an operator names a cluster in Temporal's own configuration (`TEMPORAL_ADDRESS` and the other `TEMPORAL_*` variables,
  or the profile `watchfloor-<region>` in Temporal's TOML file), and the rest in `<home>/watchfloor.toml`.

Temporal's configuration wins where it names an address, unless `WATCHFLOOR_EMBEDDED=1`, which the embedded stack sets
for its own processes so that a demo never reaches a real cluster by a variable left in the shell.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from temporalio.envconfig import ClientConnectConfig

from watchfloor.regions.certificates import KeyBook
from watchfloor.regions.keys import PublicKeys
from watchfloor.runtime.clusters import cluster_connection
from watchfloor.runtime.refusal import SettingsRefused
from watchfloor.runtime.regionfile import PeerTable, RegionTable, SignInTable, read_region_file
from watchfloor.runtime.stackfile import RegionRecord, StackRecord, read_stack
from watchfloor.signing.step_up import KEYED

HOME_VARIABLE = "WATCHFLOOR_HOME"
EMBEDDED_VARIABLE = "WATCHFLOOR_EMBEDDED"
DEFAULT_HOME = Path(".watchfloor")
SHIPPED_BINDINGS = Path(__file__).resolve().parents[1] / "connections" / "sandbox.yaml"
SHIPPED_CAPS = Path(__file__).resolve().parents[2] / "runbooks" / "wellness.yaml"

__all__ = ["Peer", "RegionSettings", "SettingsRefused", "find_home", "load"]


@dataclass(frozen=True, slots=True)
class Peer:
    """Another region, as this one knows it: where its gateway is and which keys speak for it."""

    region: str
    url: str
    keys: PublicKeys
    networks: tuple[str, ...] = ()
    """CIDRs of the operator's own inside which the gateway may be."""


@dataclass(frozen=True, slots=True)
class RegionSettings:
    """Everything a process of one region needs to know. The one secret, Temporal's API key, is hidden from `repr`."""

    region: str
    home: Path
    directory: Path
    """What belongs to this region alone: `<home>/<region>`."""
    embedded: bool
    namespace: str
    task_queue: str
    connect: ClientConnectConfig = field(repr=False)
    """Keyword arguments of `temporalio.client.Client.connect`: address, namespace, TLS, API key."""
    bindings_path: Path
    people_path: Path
    rotas_path: Path
    """Who is on call when; the file may be missing."""
    gateway_url: str | None
    """This region's own gateway; None where none is known, and then nothing can be handed to this region."""
    ui_url: str | None
    """Temporal's web interface, where it is known."""
    variables: Mapping[str, str]
    """What `${NAME}` in the bindings stands for. Addresses, never secrets."""
    peers: Mapping[str, Peer]
    sign_in: SignInTable | None = None
    """The company's sign-in; None where the console has development sign-in only."""
    own_bindings_path: Path | None = None
    """Where the operator's own bindings would be, which take the place of the shipped ones; None where no others do."""

    def with_bindings(self) -> Self:
        """These settings, bound as the operator says now; own bindings that were found once stay the region's."""
        own = self.own_bindings_path
        if own is None or not own.exists():
            return self
        return replace(self, bindings_path=own, own_bindings_path=None)

    @property
    def address(self) -> str:
        return self.connect["target_host"]

    @property
    def sandbox_url(self) -> str | None:
        """The sandbox platform, when this region is bound to one."""
        return self.variables.get("SANDBOX_URL")

    @property
    def keys_path(self) -> Path:
        return self.directory / "keys"

    @property
    def book(self) -> KeyBook:
        """Root, certificates and revocations of the region."""
        keyed = KEYED if self.sign_in is not None else ()
        return KeyBook(self.keys_path, self.region, self.namespace, keyed)

    @property
    def ledger_path(self) -> Path:
        return self.directory / "ledger.sqlite"

    @property
    def evidence_path(self) -> Path:
        return self.directory / "evidence"

    @property
    def postmortem_path(self) -> Path:
        return self.directory / "postmortems"

    @property
    def policies_path(self) -> Path:
        """The region's own policies, beside the shipped ones."""
        return self.directory / "policies"

    @property
    def inbox_path(self) -> Path:
        """Statements that no worker has taken yet."""
        return self.directory / "inbox.sqlite"

    @property
    def machines_path(self) -> Path:
        """Keys of the systems that use the HTTP API."""
        return self.directory / "machines.sqlite"

    @property
    def sessions_path(self) -> Path:
        """Who is signed in at the console."""
        return self.directory / "sessions.sqlite"

    @property
    def sign_in_path(self) -> Path:
        """Whose account at the provider is whose, security keys, and who signed in when."""
        return self.directory / "sign-in.sqlite"

    @property
    def groups_path(self) -> Path:
        """What the groups of the company's sign-in mean."""
        named = self.sign_in.groups if self.sign_in is not None else None
        return named or self.home / "groups.yaml"

    @property
    def console_url(self) -> str | None:
        """The origin under which people reach the console; None where none is known."""
        named = self.sign_in.console_url if self.sign_in is not None else None
        # a browser keeps security keys for a name, and 127.0.0.1 is none
        return named or (self.gateway_url and self.gateway_url.replace("//127.0.0.1:", "//localhost:"))

    @property
    def cases_path(self) -> Path:
        """The case index; derived, may be deleted at any time."""
        return self.directory / "cases.sqlite"

    @property
    def claims_path(self) -> Path:
        """What was started, kept longer than the engine keeps it."""
        return self.directory / "claims.sqlite"

    @property
    def wellness_path(self) -> Path:
        """Who has opted in to what exposure, and how long they were exposed; nobody else enters its folder."""
        return self.directory / "hr" / "wellness.sqlite"

    @property
    def caps_path(self) -> Path:
        """The caps of exposure: the operator's own `wellness.yaml`, else the shipped one."""
        own = self.home / "wellness.yaml"
        return own if own.exists() else SHIPPED_CAPS

    @property
    def deliveries_path(self) -> Path:
        """What was delivered to which channel, so that nothing is told twice."""
        return self.directory / "deliveries.sqlite"

    @property
    def received_path(self) -> Path:
        """What other systems delivered to this region's gateway, and what became of it."""
        return self.directory / "received.sqlite"

    @property
    def webhooks_path(self) -> Path:
        """What other systems are to be told of incidents, and every attempt at it."""
        return self.directory / "webhooks.sqlite"

    @property
    def log_path(self) -> Path:
        return self.home / "logs"


def find_home(home: Path | None = None, *, environ: Mapping[str, str] | None = None) -> Path:
    """The home directory as an absolute path: the argument, else `WATCHFLOOR_HOME`, else `.watchfloor` here."""
    environ = os.environ if environ is None else environ
    if home is None:
        named = environ.get(HOME_VARIABLE, "").strip()
        home = Path(named) if named else DEFAULT_HOME
    return home.expanduser().absolute()


def load(
    region: str,
    home: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    embedded: bool | None = None,
) -> RegionSettings:
    """Read the settings of one region. Opens no connection and creates nothing.

    Args:
        region: the region's id, `us` or `eu` in the embedded stack.
        home: the home directory; see `find_home`.
        environ: stands for the process's environment.
        embedded: True reads the embedded stack only; None leaves it to `WATCHFLOOR_EMBEDDED`.

    Raises:
        SettingsRefused: nothing says where the engine is, or something that says so is wrong.
    """
    environ = os.environ if environ is None else environ
    home = find_home(home, environ=environ)
    if embedded is None:
        embedded = environ.get(EMBEDDED_VARIABLE, "") == "1"
    table = read_region_file(home, region)
    connection = None if embedded else cluster_connection(region, environ)
    if connection is not None:
        return _on_cluster(region, home, connection, table or RegionTable())
    record = read_stack(home)
    if record is None:
        raise SettingsRefused(
            f"no engine is known for region `{region}`: there is no {home / 'stack.json'}, and "
            f"Temporal's configuration names no address",
            expected="a running embedded stack, or a Temporal address",
            fix=f"start the embedded stack with `watchfloor up`, or set TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, or "
            f"write a profile `watchfloor-{region}` in Temporal's configuration file",
        )
    return _on_stack(region, home, record, table)


def _on_cluster(region: str, home: Path, connection: ClientConnectConfig, table: RegionTable) -> RegionSettings:
    directory = table.directory or home / region
    return RegionSettings(
        region=region,
        home=home,
        directory=directory,
        embedded=False,
        namespace=connection["namespace"],
        task_queue=task_queue(region),
        connect=connection,
        bindings_path=table.bindings or home / "bindings.yaml",
        people_path=table.people or home / "people.yaml",
        rotas_path=table.rotas or home / "rotas.yaml",
        gateway_url=table.gateway_url,
        ui_url=table.ui_url,
        variables=dict(table.variables),
        peers={name: _peer_of(name, peer) for name, peer in table.peers.items()},
        sign_in=table.sign_in,
    )


def _on_stack(region: str, home: Path, record: StackRecord, table: RegionTable | None) -> RegionSettings:
    if region not in record.regions:
        raise SettingsRefused(
            f"the embedded stack in {home} has no region `{region}`",
            expected=f"one of {', '.join(sorted(record.regions))}",
            fix="name one of these regions, or start the stack with this one as well",
        )
    mine = record.regions[region]
    settings = RegionSettings(
        region=region,
        home=home,
        directory=home / region,
        embedded=True,
        namespace=mine.namespace,
        task_queue=task_queue(region),
        connect={"target_host": record.temporal.address, "namespace": mine.namespace},
        bindings_path=SHIPPED_BINDINGS,
        people_path=home / "people.yaml",
        rotas_path=home / "rotas.yaml",
        gateway_url=mine.gateway_url,
        ui_url=record.temporal.ui_url,
        variables={
            **(table.variables if table else {}),
            "SANDBOX_URL": record.sandbox.url,
            "SANDBOX_SMTP_HOST": record.sandbox.smtp_host,
            "SANDBOX_SMTP_PORT": str(record.sandbox.smtp_port),
        },
        peers={name: _peer_in(name, other) for name, other in record.regions.items() if name != region},
        sign_in=table.sign_in if table else None,
        own_bindings_path=home / "bindings.yaml",
    )
    return settings.with_bindings()


def task_queue(region: str) -> str:
    """The one task queue of a region; workers of all versions of the region poll it."""
    return f"watchfloor-{region}"


def _peer_of(name: str, peer: PeerTable) -> Peer:
    return Peer(region=name, url=peer.url, keys=peer.read_keys(name), networks=peer.networks)


def _peer_in(name: str, record: RegionRecord) -> Peer:
    return Peer(region=name, url=record.gateway_url, keys=PublicKeys.from_json(record.public_keys))
