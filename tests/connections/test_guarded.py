"""Every outgoing request goes through one transport; these are the ways in which somebody would bend it inwards."""

import ast
import asyncio
import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.connections.rogues import Authority, answering, dripping, endless, rogue, silent
from watchfloor.connections.addresses import METADATA, read_networks
from watchfloor.connections.egress import Egress, EgressRefused
from watchfloor.connections.guarded import (
    AnswerRefused,
    CallRefused,
    CallTimedOut,
    NameUnresolved,
    open_guarded_client,
)

NAME = "api.example.com"
LOOPBACK = ["127.0.0.0/8"]
ROOT = Path(__file__).parents[2]


class Names:
    """A name server in the test's hands; it remembers what it was asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


SPELLINGS = {
    "another name": "http://localhost:{port}/",
    "trailing dot": "http://localhost.:{port}/",
    "sub-domain of localhost": "http://x.localhost:{port}/",
    "mapped": "http://[::ffff:127.0.0.1]:{port}/",
    "mapped in hex": "http://[::ffff:7f00:1]:{port}/",
    "compatible": "http://[::127.0.0.1]:{port}/",
    "IPv6 loopback": "http://[::1]:{port}/",
    "NAT64": "http://[64:ff9b::7f00:1]:{port}/",
    "6to4": "http://[2002:7f00:1::]:{port}/",
    "zone id": "http://[fe80::1%25lo]:{port}/",
    "zero": "http://0:{port}/",
    "all zeros": "http://0.0.0.0:{port}/",
    "decimal": "http://2130706433:{port}/",
    "octal": "http://0177.0.0.1:{port}/",
    "octal in one": "http://017700000001:{port}/",
    "hex": "http://0x7f000001:{port}/",
    "hex parts": "http://0x7f.0.0.1:{port}/",
    "short": "http://127.1:{port}/",
    "other loopback": "http://127.0.0.2:{port}/",
    "leading zero": "http://127.0.0.01:{port}/",
    "full-width digits": "http://１２７.0.0.1:{port}/",
    "user": "http://user@127.0.0.1:{port}/",
    "user and password": "http://user:pass@127.0.0.1:{port}/",
    "a listed host as the user": "http://api.example.com@127.0.0.1:{port}/",
    "https of the same": "https://127.0.0.1:{port}/",
    "another port": "http://127.0.0.1:1/",
    "the metadata service": "http://169.254.169.254/latest/meta-data/",
    "gopher": "gopher://127.0.0.1:{port}/",
    "file": "file:///etc/passwd",
}


@pytest.mark.parametrize("url", SPELLINGS.values(), ids=SPELLINGS.keys())
async def test_even_where_loopback_is_listed_every_other_spelling_of_it_is_refused(url: str) -> None:
    async with rogue(answering(200)) as there, open_guarded_client(Egress.to(there.url)) as client:
        with pytest.raises((CallRefused, httpx2.InvalidURL, httpx2.UnsupportedProtocol)):
            await client.get(url.format(port=there.port))
        assert there.connections == 0
        assert (await client.get(there.url)).status_code == 200


@pytest.mark.parametrize("url", [*SPELLINGS.values(), "http://127.0.0.1:{port}/", "http://api.example.com:{port}/"])
async def test_a_gate_to_a_public_host_reaches_nothing_on_this_machine(url: str) -> None:
    names = Names(["127.0.0.1"])
    async with rogue(answering(200)) as there:
        gate = Egress([f"{NAME}:{there.port}"], resolver=names)
        async with open_guarded_client(gate) as client:
            with pytest.raises((CallRefused, httpx2.InvalidURL, httpx2.UnsupportedProtocol)):
                await client.get(url.format(port=there.port))
        assert there.connections == 0
        assert names.asked == [], "what is not on the list is not even resolved"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0", "169.254.169.254", "10.0.0.1"])
async def test_a_listed_name_that_resolves_inside_is_not_connected_to(address: str) -> None:
    async with rogue(answering(200)) as there:
        gate = Egress([f"{NAME}:{there.port}"], resolver=Names(["93.184.215.14", address]))
        async with open_guarded_client(gate) as client:
            with pytest.raises(CallRefused, match="not a public address"):
                await client.get(f"https://{NAME}:{there.port}/")
        assert there.connections == 0


async def test_a_name_that_is_bound_again_between_check_and_connection_gains_nothing(tmp_path: Path) -> None:
    """The name server says something else at every question. It is asked once for each request."""
    authority = Authority(tmp_path)
    async with rogue(answering(200), tls=authority.serving(NAME)) as there, rogue(answering(200)) as inside:
        names = Names(["127.0.0.1"], ["127.0.0.2"], ["10.0.0.1"])
        gate = Egress([f"{NAME}:{there.port}"], networks=LOOPBACK, resolver=names)
        async with open_guarded_client(gate, tls=authority.trusting()) as client:
            assert (await client.get(f"https://{NAME}:{there.port}/")).status_code == 200
            assert names.asked == [NAME]
            with pytest.raises(httpx2.ConnectError):
                await client.get(f"https://{NAME}:{there.port}/")  # 127.0.0.2: nobody is there
            with pytest.raises(CallRefused):
                await client.get(f"https://{NAME}:{there.port}/")
        assert (there.connections, inside.connections) == (1, 0)
        assert f"host: {NAME}:{there.port}" in there.heads[0].lower()
        assert there.names == [NAME], "the certificate is asked for by the name, not by the address"


async def test_the_certificate_is_checked_against_the_name_although_the_address_is_connected_to(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    for other in ("evil.example.net", "127.0.0.1"):
        async with rogue(answering(200), tls=authority.serving(other)) as there:
            gate = Egress([f"{NAME}:{there.port}"], networks=LOOPBACK, resolver=Names(["127.0.0.1"]))
            async with open_guarded_client(gate, tls=authority.trusting()) as client:
                with pytest.raises(httpx2.ConnectError, match="certificate"):
                    await client.get(f"https://{NAME}:{there.port}/")
            assert there.heads == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_given_back_and_not_followed(status: int) -> None:
    async with rogue(answering(200)) as inside, rogue(answering(status, {"Location": inside.url})) as there:
        async with open_guarded_client(Egress.to(there.url)) as client:
            assert (await client.post(there.url, content=b"{}")).status_code == status
        assert inside.connections == 0


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:{port}/", "http://localhost:{port}/", "//0:{port}/", "http://a@127.0.0.1:{port}/"]
)
async def test_who_follows_redirects_all_the_same_has_each_hop_checked(location: str) -> None:
    async with rogue(answering(200)) as inside:
        target = location.format(port=inside.port)
        async with rogue(answering(302, {"Location": target})) as there:
            async with open_guarded_client(Egress.to(there.url)) as client:
                with pytest.raises(CallRefused):
                    await client.get(there.url, follow_redirects=True)
            assert inside.connections == 0


async def test_a_ring_of_redirects_comes_to_an_end() -> None:
    async with rogue(answering(302, {"Location": "/again"})) as there:
        async with open_guarded_client(Egress.to(there.url)) as client:
            with pytest.raises(httpx2.TooManyRedirects):
                await client.get(there.url, follow_redirects=True)
        assert len(there.heads) <= 21


async def test_an_answer_without_an_end_is_left_at_the_limit() -> None:
    async with rogue(endless(b"x" * 8192)) as there, open_guarded_client(Egress.to(there.url), limit=20_000) as client:
        with pytest.raises(AnswerRefused) as caught:
            await client.get(there.url)
        assert caught.value.status == 200


async def test_a_compressed_answer_is_not_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    async with (
        rogue(answering(200, {"Content-Encoding": "gzip"}, bomb)) as there,
        open_guarded_client(Egress.to(there.url)) as client,
    ):
        with pytest.raises(AnswerRefused):
            await client.get(there.url, headers={"Accept-Encoding": "gzip"})
        assert "accept-encoding: identity" in there.heads[0].lower()


@pytest.mark.parametrize(
    "script",
    [
        silent,
        dripping(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
    ids=["says nothing", "drips a head", "drips a body", "drips chunks"],
)
async def test_an_answer_that_does_not_come_to_an_end_is_left_when_the_time_is_over(script: Any) -> None:
    async with rogue(script) as there, open_guarded_client(Egress.to(there.url), patience=0.2) as client:
        with pytest.raises(CallTimedOut):
            await client.get(there.url)


async def test_a_name_server_that_hangs_is_part_of_the_time() -> None:
    async def hanging(_host: str, _port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    async with open_guarded_client(Egress([NAME], resolver=hanging), patience=0.1) as client:
        with pytest.raises(CallTimedOut):
            await client.get(f"https://{NAME}/")


async def test_a_name_without_an_address_says_so() -> None:
    async with open_guarded_client(Egress([NAME], resolver=Names([]))) as client:
        with pytest.raises(NameUnresolved):
            await client.get(f"https://{NAME}/")


async def test_proxies_passwords_and_cookies_of_elsewhere_are_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login who password canary\n")
    netrc.chmod(0o600)
    async with rogue(answering(200)) as proxy, rogue(answering(200, {"Set-Cookie": "a=canary; Path=/"})) as there:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("NETRC", str(netrc))
        async with open_guarded_client(Egress.to(there.url)) as client:
            for _ in range(2):
                assert (await client.get(there.url)).status_code == 200
        assert proxy.connections == 0
        assert not any("canary" in head or "authorization" in head.lower() for head in there.heads)


async def test_a_network_of_the_operators_own_is_reached_when_it_is_named_and_only_then(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with rogue(answering(200), tls=authority.serving(NAME)) as there:
        url = f"https://{NAME}:{there.port}/"
        for networks, reached in ((["127.0.0.0/8"], True), (["10.0.0.0/8"], False), ([], False)):
            gate = Egress([f"{NAME}:{there.port}"], networks=networks, resolver=Names(["127.0.0.1"]))
            async with open_guarded_client(gate, tls=authority.trusting()) as client:
                if reached:
                    assert (await client.get(url)).status_code == 200
                else:
                    with pytest.raises(CallRefused, match="allow_networks"):
                        await client.get(url)
        assert there.connections == 1


@pytest.mark.parametrize("address", sorted(map(str, METADATA)))
async def test_metadata_services_are_refused_whatever_is_named(address: str) -> None:
    gate = Egress([NAME], networks=["100.64.0.0/10", "fc00::/7", "10.0.0.0/8"], resolver=Names([address]))
    with pytest.raises(EgressRefused):
        await gate.pin(gate.admit(f"https://{NAME}/"))


@pytest.mark.parametrize(
    "network",
    [
        "0.0.0.0/0",
        "169.254.0.0/16",
        "224.0.0.0/4",
        "8.8.8.0/24",
        "::/0",
        "fe80::/10",
        "::ffff:0:0/96",
        "10.0.0.1/8",
        "x",
    ],
)
def test_a_network_that_is_not_ones_own_cannot_be_named(network: str) -> None:
    with pytest.raises(ValueError, match="network"):
        read_networks([network])
    with pytest.raises(EgressRefused):
        Egress([NAME], networks=[network])


async def test_an_address_with_a_zone_is_in_no_network() -> None:
    gate = Egress([NAME], networks=["fc00::/7"], resolver=Names(["fd00::1%eth0"]))
    with pytest.raises(EgressRefused):
        await gate.pin(gate.admit(f"https://{NAME}/"))


async def test_of_several_gates_each_keeps_to_its_own_rule() -> None:
    async with rogue(answering(200)) as there:
        gates = (Egress([NAME], resolver=Names(["127.0.0.1"])), Egress.to(there.url))
        async with open_guarded_client(*gates) as client:
            assert (await client.get(there.url)).status_code == 200
            with pytest.raises(CallRefused):
                await client.get(f"https://{NAME}/")
        async with open_guarded_client() as client:
            with pytest.raises(CallRefused):
                await client.get(there.url)
        assert there.connections == 1


OTHER_WAYS = {
    "httpx2.AsyncClient", "httpx2.Client", "httpx2.AsyncHTTPTransport", "httpx2.HTTPTransport", "httpx2.get",
    "httpx2.post", "httpx2.request", "httpx2.stream", "urllib.request.urlopen", "urlopen", "smtplib.SMTP",
    "smtplib.SMTP_SSL", "socket.create_connection", "asyncio.open_connection", "http.client.HTTPConnection",
    "http.client.HTTPSConnection", "requests.get", "requests.post", "aiohttp.ClientSession", "httpx.AsyncClient",
    "httpx.Client",
}  # fmt: skip
MAY = {"watchfloor/connections/guarded.py", "watchfloor/connections/mail.py"}


def test_no_other_module_of_the_product_opens_a_connection_of_its_own() -> None:
    found = {}
    for root in ("watchfloor", "activities", "workflows", "schemas"):
        for file in sorted((ROOT / root).rglob("*.py")):
            calls = {
                ast.unparse(node.func) for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)
            }
            where = str(file.relative_to(ROOT))
            if calls & OTHER_WAYS and where not in MAY:
                found[where] = sorted(calls & OTHER_WAYS)
    assert found == {}, "use `watchfloor.connections.guarded.open_guarded_client`"
