"""Providers of sign-in on loopback: the mock, as a process of its own, and one that lies as a test tells it to."""

import asyncio
import base64
import hashlib
import hmac
import json
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.gateway.regions_on_loopback import served

CLIENT, SECRET = "watchfloor-eu", "not a secret: for tests only"
RSA = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
OTHER_RSA = RSAKey.generate_key(2048, {"kid": "two"})
EC = ECKey.generate_key("P-256", {"kid": "curve"})


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def mock_provider(*people: dict[str, Any]) -> Iterator[str]:
    """`oidc-provider-mock` as a process of its own; gives the issuer."""
    port = _free_port()
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "oidc_provider_mock",
        "--port",
        str(port),
        "--require-nonce",
        "true",
    ]
    for one in people:
        command += ["--user-claims", json.dumps(one)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            assert process.poll() is None, "the provider ended at once"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


async def choose_at_mock(browser: httpx2.AsyncClient, address: str, subject: str) -> str:
    """What somebody does at the mock's own page; gives the address it sends them back to."""
    answer = await browser.post(address, data={"sub": subject})
    assert answer.status_code == 302, answer.text
    return str(answer.headers["location"])


Claims = dict[str, Any]


@dataclass(slots=True)
class Provider:
    """A provider that keeps to the book unless a test says otherwise.

    `claims` and `header` change what a token says, `sign` what it is signed with, `documents` what the provider says of
    itself, `answer` what the token endpoint gives, `back` what comes along in the redirect.
    """

    issuer: str = ""
    people: dict[str, Claims] = field(default_factory=dict)
    claims: Callable[[Claims], Claims] = lambda claims: claims
    header: Callable[[Claims], Claims] = lambda header: header
    sign: Callable[[Claims, Claims], str] | None = None
    documents: Callable[[Claims], Claims] = lambda document: document
    keys: list[Any] = field(default_factory=lambda: [RSA, EC])
    signs_with: Any = field(default_factory=lambda: RSA)
    answer: Callable[[Claims], Response] | None = None
    says_iss: bool = False
    asked: list[str] = field(default_factory=list)
    exchanged: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, Claims] = field(default_factory=dict)

    def token(self, claims: Claims) -> str:
        algorithm = "ES256" if self.signs_with is EC else "RS256"
        header = self.header({"alg": algorithm, "kid": self.signs_with.kid})
        if self.sign is not None:
            return self.sign(header, claims)
        return jwt.encode(header, claims, self.signs_with, algorithms=[header["alg"]])


def unsigned(header: Claims, claims: Claims) -> str:
    """A token with `alg: none`."""
    return ".".join([_b64({**header, "alg": "none"}), _b64(claims), ""])


def signed_with_the_public_key(header: Claims, claims: Claims) -> str:
    """The old trick: HMAC with the provider's public key as the secret."""
    said = f"{_b64({**header, 'alg': 'HS256'})}.{_b64(claims)}"
    return f"{said}.{_encode(hmac.digest(RSA.as_pem(private=False), said.encode(), 'sha256'))}"


def signed_critically(header: Claims, claims: Claims) -> str:
    """Well signed, and says that whoever does not know `exp` in a header must refuse it."""
    said = f"{_b64({**header, 'crit': ['exp'], 'exp': 1})}.{_b64(claims)}"
    signature = RSA.private_key.sign(said.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{said}.{_encode(signature)}"


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _b64(value: Claims) -> str:
    return _encode(json.dumps(value).encode())


def build(provider: Provider) -> FastAPI:
    app = FastAPI()

    @app.get("/.well-known/openid-configuration")
    async def discovery() -> JSONResponse:
        provider.asked.append("discovery")
        here = provider.issuer
        return JSONResponse(
            provider.documents(
                {
                    "issuer": here,
                    "authorization_endpoint": f"{here}/authorize",
                    "token_endpoint": f"{here}/token",
                    "jwks_uri": f"{here}/keys",
                    "end_session_endpoint": f"{here}/leave",
                    "code_challenge_methods_supported": ["S256"],
                    "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                    "authorization_response_iss_parameter_supported": provider.says_iss,
                }
            )
        )

    @app.get("/keys")
    async def keys() -> JSONResponse:
        provider.asked.append("keys")
        return JSONResponse({"keys": [key.as_dict(private=False) for key in provider.keys]})

    @app.get("/authorize")
    async def authorize(request: Request) -> RedirectResponse:
        asked = dict(request.query_params)
        code = secrets.token_urlsafe(16)
        provider.codes[code] = asked
        more = f"&iss={provider.issuer}" if provider.says_iss else ""
        return RedirectResponse(f"{asked['redirect_uri']}?code={code}&state={asked['state']}{more}", 302)

    @app.post("/token")
    async def token(request: Request) -> Response:
        said = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        provider.exchanged.append({**said, "authorization": request.headers.get("authorization", "")})
        asked = provider.codes.pop(said.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(said.get("code_verifier", "").encode()).digest())
        if (
            asked is None
            or said["redirect_uri"] != asked["redirect_uri"]
            or asked["code_challenge_method"] != "S256"
            or challenge.rstrip(b"=").decode() != asked["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        subject = next(iter(provider.people))
        claims = provider.claims(
            {
                "iss": provider.issuer,
                "aud": CLIENT,
                "sub": subject,
                "iat": now,
                "exp": now + 300,
                "auth_time": now,
                "nonce": asked["nonce"],
                **provider.people[subject],
            }
        )
        if provider.answer is not None:
            return provider.answer(claims)
        return JSONResponse({"access_token": "unused", "token_type": "Bearer", "id_token": provider.token(claims)})

    return app


@asynccontextmanager
async def lying_provider() -> AsyncIterator[Provider]:
    provider = Provider()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        provider.issuer = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with served(build(provider), listener):
            yield provider
            await asyncio.sleep(0)


def query(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def links(page: str) -> list[str]:
    return re.findall(r'href="([^"]+)"', page)
