"""Which addresses an outgoing call may connect to: public ones, and inside ones only where an operator has named them.

Sources: the special-purpose address registries of IANA (RFC 6890 and its updates, as `ipaddress` knows them), RFC 6052
(NAT64), RFC 3056 (6to4), RFC 4380 (Teredo), and what cloud providers document as the address of their metadata service.
"""

import ipaddress
from collections.abc import Iterable, Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

METADATA: frozenset[Address] = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",  # most clouds
        "169.254.170.2",  # credentials of a task on ECS
        "fd00:ec2::254",  # EC2 over IPv6
        "100.100.100.200",  # Alibaba Cloud
        "192.0.0.192",  # Oracle Cloud
        "168.63.129.16",  # Azure's wire server, a public address
        "fd20:ce::254",  # Google Cloud over IPv6
    )
)
"""Where a machine in a cloud gets its credentials. Never called, whatever an operator names."""

INSIDE: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "::1/128", "fc00::/7")
)
"""What an operator may name as a network of their own; no other network that is not public can be."""

_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_COMPATIBLE = ipaddress.ip_network("::/96")


def read_networks(entries: Iterable[str]) -> tuple[Network, ...]:
    """The networks that an operator names, each inside one of `INSIDE`.

    Raises:
        ValueError: an entry is no network, has bits beyond its length, or is one that cannot be named.
    """
    found: list[Network] = []
    for entry in entries:
        try:
            network = ipaddress.ip_network(entry)
        except ValueError as error:
            raise ValueError(f"`{entry[:60]}` is not a network such as 10.20.0.0/16") from error
        if not any(_within(network, inside) for inside in INSIDE):
            known = ", ".join(map(str, INSIDE))
            raise ValueError(f"`{entry}` cannot be named; expected a network inside one of {known}")
        found.append(network)
    return tuple(found)


def is_public(address: Address) -> bool:
    """Whether an address is on the public internet, also when it wraps another one (mapped, NAT64, 6to4, Teredo)."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _COMPATIBLE or any(address in network for network in _NAT64):
            return False
        if address.sixtofour is not None or address.teredo is not None or address.scope_id is not None:
            return False
    if address in METADATA:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def is_loopback(address: Address) -> bool:
    """Whether it is this machine, spelled plainly: a mapped or scoped spelling is not."""
    mapped = isinstance(address, ipaddress.IPv6Address) and (address.ipv4_mapped or address.scope_id)
    return address.is_loopback and not mapped


def is_named(address: Address, networks: Sequence[Network]) -> bool:
    """Whether an operator has named the network of an inside address. Metadata services are in none."""
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        return False
    return address not in METADATA and any(address in network for network in networks)


def _within(network: Network, inside: Network) -> bool:
    if isinstance(network, ipaddress.IPv4Network) and isinstance(inside, ipaddress.IPv4Network):
        return network.subnet_of(inside)
    if isinstance(network, ipaddress.IPv6Network) and isinstance(inside, ipaddress.IPv6Network):
        return network.subnet_of(inside)
    return False
