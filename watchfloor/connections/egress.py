"""Where outgoing calls may go: an exact list of https hosts, and nothing that their names may resolve to inside.

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

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*", re.ASCII)
_NUMERIC_LABEL = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.ASCII)
_CLEAN = re.compile(r"[!#-;=?-\[\]_a-z~]*", re.ASCII)
"""The characters of a URL: no space, control, quote, backslash, `<>^`{|}`, nothing beyond ASCII."""
_PORTS = {"https": 443, "http": 80}
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_COMPATIBLE = ipaddress.ip_network("::/96")


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
    """The one gate for outgoing calls.

    `sandbox` turns the rule round: then only loopback is reached, over http or https, and nothing else.
    """

    def __init__(self, allow_hosts: Iterable[str], *, sandbox: bool = False, resolver: Resolver = resolve) -> None:
        """Read the list.

        Args:
            allow_hosts: `host`, `host:port` or `scheme://host:port`; https and 443 unless said otherwise.
            sandbox: True when everything is on loopback.
            resolver: stands for the system's resolver.

        Raises:
            EgressRefused: an entry is not an exact host, or may not be on the list.
        """
        self.sandbox = sandbox
        self._resolver = resolver
        self.origins = frozenset(self._entry(entry) for entry in allow_hosts)

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
            address = ipaddress.ip_address(text.split("%", 1)[0])
        except ValueError as error:
            raise EgressRefused(f"`{host}` resolves to `{text}`, which is no address") from error
        if self.sandbox:
            if not address.is_loopback:
                raise EgressRefused(f"`{host}` resolves to {address}; a sandbox file reaches loopback only")
        elif not is_public(address):
            raise EgressRefused(f"`{host}` resolves to {address}, which is not a public address")

    def _entry(self, entry: str) -> Origin:
        text = entry if "://" in entry else f"https://{entry}"
        origin = origin_of(text)
        split = urlsplit(text)
        if split.path not in {"", "/"} or split.query or split.fragment:
            raise EgressRefused(f"`{entry}` on the list is more than a host; `host`, `host:port` or an origin expected")
        literal = _literal(origin.host)
        if self.sandbox:
            loopback = origin.host == "localhost" or (literal is not None and literal.is_loopback)
            if not loopback:
                raise EgressRefused(f"`{entry}` is not on loopback; a file with `sandbox: true` lists loopback only")
        elif origin.scheme != "https":
            raise EgressRefused(f"`{entry}` is not https; http is allowed only to loopback, with `sandbox: true`")
        elif literal is not None and not is_public(literal):
            raise EgressRefused(f"`{entry}` is not a public address")
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


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Whether an address is on the public internet, also when it wraps another one (mapped, NAT64, 6to4, Teredo)."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _COMPATIBLE or any(address in network for network in _NAT64):
            return False
        if address.sixtofour is not None or address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved
