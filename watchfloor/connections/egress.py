"""Where outgoing calls may go: an exact list of https hosts, and nothing inside that an operator has not named.

Of 30 attacks on outgoing addresses an exact allow-list stopped all, resolving first 17, a deny-list 7 (security.md).
Both are done: the host must be on the list letter by letter, and the address that is checked is the one connected to,
so a name that is resolved again to somewhere else gains nothing.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from watchfloor.connections.addresses import Address, is_loopback, is_named, is_public, read_networks

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*", re.ASCII)
_NUMERIC_LABEL = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.ASCII)
_CLEAN = re.compile(r"[!#-;=?-\[\]_a-z~]*", re.ASCII)
"""The characters of a URL: no space, control, quote, backslash, `<>^`{|}`, nothing beyond ASCII."""
_PORTS = {"https": 443, "http": 80}


class EgressRefused(ValueError):
    """The address is not one this process calls. Says what was found and what is allowed, never a credential."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port; the host in lower case as on the list."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def authority(self) -> str:
        """The value of the `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


async def resolve(host: str, port: int) -> Sequence[str]:
    """All addresses of a name, as the system resolves it."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


class Egress:
    """One gate for outgoing calls: a list of hosts and what their names may resolve to.

    `sandbox` turns the rule round: then only loopback is reached, over http or https, and nothing else.
    """

    def __init__(
        self,
        allow_hosts: Iterable[str],
        *,
        sandbox: bool = False,
        networks: Iterable[str] = (),
        resolver: Resolver = resolve,
    ) -> None:
        """Read the list.

        Args:
            allow_hosts: `host`, `host:port` or `scheme://host:port`; https and 443 unless said otherwise.
            sandbox: True when everything is on loopback.
            networks: CIDRs of the operator's own inside which a listed host may be; over https like any other.
            resolver: stands for the system's resolver.

        Raises:
            EgressRefused: an entry is not an exact host or network, or may not be on the list.
        """
        self.sandbox = sandbox
        self._resolver = resolver
        try:
            self._networks = read_networks(networks)
        except ValueError as error:
            raise EgressRefused(str(error)) from error
        self.origins = frozenset(self._entry(entry) for entry in allow_hosts)

    @classmethod
    def to(cls, url: str, *, networks: Iterable[str] = (), resolver: Resolver = resolve) -> "Egress":
        """The gate to one address that the configuration names, and to nothing else.

        Loopback, over http too, only where the address is itself written as loopback; otherwise https to a public
        address or to one in `networks`.

        Raises:
            EgressRefused: the address is not one that may be called.
        """
        origin = origin_of(url)
        return cls([str(origin)], sandbox=_says_loopback(origin.host), networks=networks, resolver=resolver)

    def beside(self, host: str, port: int) -> "Egress":
        """The gate to one more server, under the same rules: a mail server, say.

        Raises:
            EgressRefused: it may not be called under these rules.
        """
        scheme = "http" if self.sandbox else "https"
        entry = f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
        return Egress([entry], sandbox=self.sandbox, networks=map(str, self._networks), resolver=self._resolver)

    def admit(self, url: str) -> Origin:
        """The origin of a URL that may be called.

        Raises:
            EgressRefused: it is malformed, of another scheme, carries a user, or its host is not on the list.
        """
        origin = origin_of(url)
        if origin not in self.origins:
            raise EgressRefused(
                f"`{origin}` is not on the list of allowed hosts; add it to `allow_hosts` if it should be"
            )
        return origin

    async def pin(self, origin: Origin) -> Sequence[str]:
        """The addresses that may be connected to. Every address that the name has must be allowed, not only the first.

        Raises:
            EgressRefused: one of the addresses is private, loopback, link-local, reserved or wraps such a one.
            OSError: the name has no address now.
        """
        addresses = await self._resolver(origin.host, origin.port)
        if not addresses:
            raise OSError(f"`{origin.host}` has no address")
        for text in addresses:
            self._refuse_address(origin.host, text)
        return addresses

    def _refuse_address(self, host: str, text: str) -> None:
        try:
            address = ipaddress.ip_address(text)
        except ValueError as error:
            raise EgressRefused(f"`{host}` resolves to `{text}`, which is no address") from error
        if self.sandbox:
            if not is_loopback(address):
                raise EgressRefused(f"`{host}` resolves to {address}; only loopback is reached here")
        elif not is_public(address) and not is_named(address, self._networks):
            raise EgressRefused(
                f"`{host}` resolves to {address}, which is not a public address; name its network in `allow_networks` "
                "if it is yours"
            )

    def _entry(self, entry: str) -> Origin:
        text = entry if "://" in entry else f"https://{entry}"
        origin = origin_of(text)
        split = urlsplit(text)
        if split.path not in {"", "/"} or split.query or split.fragment:
            raise EgressRefused(f"`{entry}` on the list is more than a host; `host`, `host:port` or an origin expected")
        literal = _literal(origin.host)
        if self.sandbox:
            if not _says_loopback(origin.host):
                raise EgressRefused(f"`{entry}` is not on loopback; a file with `sandbox: true` lists loopback only")
        elif origin.scheme != "https":
            raise EgressRefused(f"`{entry}` is not https; http is allowed only to loopback, with `sandbox: true`")
        elif literal is not None and not is_public(literal) and not is_named(literal, self._networks):
            raise EgressRefused(
                f"`{entry}` is not a public address; name its network in `allow_networks` if it is yours"
            )
        return origin


def origin_of(url: str) -> Origin:
    """The origin of a URL spelled in the one plain way.

    Raises:
        EgressRefused: anything else: control characters, other schemes, users, odd spellings of hosts and addresses.
    """
    if not _CLEAN.fullmatch(url.lower()):
        raise EgressRefused("a URL with a character that does not belong there (space, control, quote, beyond ASCII)")
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError as error:
        raise EgressRefused("a URL whose host or port cannot be read") from error
    if split.scheme not in _PORTS or not url.startswith(f"{split.scheme}://"):
        raise EgressRefused(f"scheme `{split.scheme}` is not called; https expected")
    if "@" in split.netloc:
        raise EgressRefused("a URL that carries a user; put credentials in `auth`")
    host = _host(split)
    if split.netloc.endswith(":") or port == 0:
        raise EgressRefused("a URL with an empty port")
    return Origin(split.scheme, host, port if port is not None else _PORTS[split.scheme])


def _host(split: SplitResult) -> str:
    host = split.hostname or ""
    if split.netloc.startswith("["):
        literal = _literal(host)
        if not isinstance(literal, ipaddress.IPv6Address) or str(literal) != host:
            raise EgressRefused(f"`{host}` is not an IPv6 address in its one plain spelling")
        return host
    if not _HOST.fullmatch(host) or len(host) > 253 or split.netloc.split(":", 1)[0] != host:
        raise EgressRefused(f"`{host}` is not a host name in lower-case ASCII")
    # a last label that is a number makes it an address to every resolver: decimal, octal, hex and short spellings
    if _NUMERIC_LABEL.fullmatch(host.rsplit(".", 1)[-1]):
        literal = _literal(host)
        if literal is None or str(literal) != host:
            raise EgressRefused(f"`{host}` is an odd spelling of an address")
    return host


def _says_loopback(host: str) -> bool:
    literal = _literal(host)
    return host == "localhost" or (literal is not None and is_loopback(literal))


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
