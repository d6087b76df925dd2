"""Outgoing addresses: only hosts on the list, spelled in the one plain way, at addresses that are really outside."""

import ipaddress
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.connections.addresses import is_public
from watchfloor.connections.egress import Egress, EgressRefused, Origin, origin_of

ALLOWED = ["api.example.com", "moderation.example.com:8443", "203.0.113.5"]

# what a careless or hostile author, input or name server may try
ATTACKS = {
    "decimal metadata": "https://2852039166/latest/meta-data",
    "octal metadata": "https://0251.0376.0251.0376/",
    "hex metadata": "https://0xa9fea9fe/",
    "hex parts": "https://0xa9.0xfe.0xa9.0xfe/",
    "metadata literal": "https://169.254.169.254/",
    "metadata name": "https://metadata.google.internal/",
    "short loopback": "https://127.1/",
    "decimal loopback": "https://2130706433/",
    "octal loopback": "https://0177.0.0.1/",
    "zero address": "https://0.0.0.0/",
    "zero short": "https://0/",
    "private ten": "https://10.0.0.1/",
    "private 192": "https://192.168.0.1/",
    "carrier nat": "https://100.64.0.1/",
    "localhost": "https://localhost/",
    "IPv6 loopback": "https://[::1]/",
    "IPv6 mapped loopback": "https://[::ffff:127.0.0.1]/",
    "IPv6 mapped hex": "https://[::ffff:7f00:1]/",
    "IPv6 compatible": "https://[::127.0.0.1]/",
    "NAT64 metadata": "https://[64:ff9b::a9fe:a9fe]/",
    "6to4 loopback": "https://[2002:7f00:1::]/",
    "IPv6 unique local": "https://[fd00:ec2::254]/",
    "IPv6 zone": "https://[fe80::1%25eth0]/",
    "IPv6 long spelling": "https://[0:0:0:0:0:0:0:1]/",
    "full-width digits": "https://１２７.0.0.1/",
    "circled digits": "https://①②⑦.0.0.1/",
    "full-width stop": "https://api。example。com/",
    "IDN look-alike": "https://аpi.example.com/",
    "punycode look-alike": "https://xn--pi-7kc.example.com/",
    "user before the host": "https://api.example.com@evil.test/",
    "user and password": "https://user:pass@api.example.com/",
    "empty user": "https://@api.example.com/",
    "encoded at": "https://api.example.com%40evil.test/",
    "backslash": "https://evil.test\\@api.example.com/",
    "CRLF": "https://api.example.com/\r\nHost: evil.test",
    "encoded CRLF host": "https://api.example.com%0d%0aHost:evil/",
    "tab": "https://api.example\t.com/",
    "newline in host": "https://api.example.com\n.evil.test/",
    "NUL": "https://api.example.com\x00.evil.test/",
    "space": "https://api.example.com .evil.test/",
    "suffix": "https://api.example.com.evil.test/",
    "prefix": "https://evilapi.example.com/",
    "sub-domain": "https://x.api.example.com/",
    "parent domain": "https://example.com/",
    "trailing dot": "https://api.example.com./",
    "upper case": "https://API.example.com/",
    "other port": "https://api.example.com:8443/",
    "empty port": "https://api.example.com:/",
    "port zero": "https://api.example.com:0/",
    "port beyond": "https://api.example.com:99999/",
    "signed port": "https://api.example.com:+443/",
    "http": "http://api.example.com/",
    "file": "file:///etc/passwd",
    "gopher": "gopher://api.example.com/",
    "ftp": "ftp://api.example.com/",
    "data": "data:text/plain,x",
    "no scheme": "//api.example.com/",
    "scheme in capitals": "HTTPS://api.example.com/",
    "one slash": "https:/api.example.com/",
    "three slashes": "https:///api.example.com/",
    "empty": "",
    "unlisted literal": "https://203.0.113.6/",
}


@pytest.mark.parametrize("url", ATTACKS.values(), ids=ATTACKS.keys())
def test_an_address_that_is_not_exactly_on_the_list_is_refused(url: str) -> None:
    with pytest.raises(EgressRefused):
        Egress(["api.example.com", "moderation.example.com:8443"]).admit(url)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.example.com", Origin("https", "api.example.com", 443)),
        ("https://api.example.com:443/a?b=c#d", Origin("https", "api.example.com", 443)),
        ("https://moderation.example.com:8443/v1/items", Origin("https", "moderation.example.com", 8443)),
    ],
)
def test_a_host_on_the_list_is_admitted(url: str, origin: Origin) -> None:
    assert Egress(["api.example.com", "moderation.example.com:8443"]).admit(url) == origin


@pytest.mark.parametrize(
    "entry",
    [
        "*.example.com",
        "example.com/path",
        "http://api.example.com",
        "ftp://api.example.com",
        "10.0.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "[::1]",
        "user@api.example.com",
        "api.example.com?x",
        "",
        "API.example.com",
        "2130706433",
    ],
)
def test_a_list_with_anything_but_exact_public_https_hosts_is_refused(entry: str) -> None:
    with pytest.raises(EgressRefused):
        Egress([entry])


@pytest.mark.parametrize("entry", ["http://127.0.0.1:8090", "http://localhost:8090", "http://[::1]:8090", "127.0.0.1"])
def test_a_sandbox_list_holds_loopback(entry: str) -> None:
    assert len(Egress([entry], sandbox=True).origins) == 1


@pytest.mark.parametrize("entry", ["http://10.0.0.1", "https://api.example.com", "http://169.254.169.254", "0.0.0.0"])
def test_a_sandbox_list_holds_nothing_else(entry: str) -> None:
    with pytest.raises(EgressRefused):
        Egress([entry], sandbox=True)


def resolving(*addresses: str) -> Any:
    async def resolver(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return resolver


INSIDE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "198.18.0.1",
    "::1",
    "::",
    "fe80::1%eth0",
    "fd00::1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:a00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "::10.0.0.1",
    "ff02::1",
    "not an address",
]


@pytest.mark.parametrize("address", INSIDE)
async def test_a_listed_name_that_resolves_inside_is_refused(address: str) -> None:
    egress = Egress(ALLOWED[:1], resolver=resolving(address))
    with pytest.raises(EgressRefused):
        await egress.pin(egress.admit("https://api.example.com/"))


@pytest.mark.parametrize("order", [1, -1])
async def test_one_address_inside_is_enough_wherever_it_stands(order: int) -> None:
    egress = Egress(ALLOWED[:1], resolver=resolving(*["93.184.215.14", "10.0.0.1"][::order]))
    with pytest.raises(EgressRefused):
        await egress.pin(egress.admit("https://api.example.com/"))


async def test_the_checked_addresses_are_those_given() -> None:
    egress = Egress(ALLOWED[:1], resolver=resolving("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"))
    pinned = await egress.pin(egress.admit("https://api.example.com/"))
    assert list(pinned) == ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]


async def test_a_name_without_an_address_is_not_a_refusal() -> None:
    egress = Egress(ALLOWED[:1], resolver=resolving())
    with pytest.raises(OSError, match="no address"):
        await egress.pin(egress.admit("https://api.example.com/"))


async def test_a_sandbox_name_that_resolves_outside_is_refused() -> None:
    egress = Egress(["http://localhost:1"], sandbox=True, resolver=resolving("93.184.215.14"))
    with pytest.raises(EgressRefused):
        await egress.pin(egress.admit("http://localhost:1/"))


@given(address=st.ip_addresses(v=4))
def test_a_mapped_address_is_as_public_as_the_one_it_wraps(address: ipaddress.IPv4Address) -> None:
    assert is_public(ipaddress.IPv6Address(f"::ffff:{address}")) == is_public(address)


@given(url=st.text(max_size=60) | st.from_regex(r"https?://[a-z0-9.:@\[\]%\\-]{1,40}(/.*)?", fullmatch=True))
def test_whatever_is_read_as_an_origin_is_spelled_as_it_was_written(url: str) -> None:
    try:
        origin = origin_of(url)
    except EgressRefused:
        return
    assert url.startswith((f"{origin.scheme}://{origin.host}", f"{origin.scheme}://[{origin.host}]"))
    assert "@" not in url.split("/")[2]
