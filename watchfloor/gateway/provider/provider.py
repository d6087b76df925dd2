"""An OpenID Connect provider: where it is, which keys it signs with, and exchanging a code for who somebody is.

The code flow with PKCE (RFC 7636). Transport is `connections.calls.Wire`: exact https hosts, the address checked and
pinned, no redirects, no proxy of the environment, a time for the whole exchange, answers capped and uncompressed.
Authlib builds the requests; see ADR 0028 for what it is not used for.
"""

import asyncio
import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

import structlog
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc.jwk import KeySet

from watchfloor.connections.answers import Outcome
from watchfloor.connections.bindings import Secret
from watchfloor.connections.calls import USER_AGENT, Request, Wire
from watchfloor.connections.egress import Egress, EgressRefused, Resolver, resolve
from watchfloor.connections.loading import read_secret
from watchfloor.connections.port import CallFailed
from watchfloor.gateway.provider.documents import (
    DISCOVERY,
    MAX_DOCUMENT,
    Metadata,
    read_answer,
    read_json,
    read_metadata,
)
from watchfloor.gateway.provider.errors import ProviderDown, TokenRefused
from watchfloor.gateway.provider.id_token import names_key, read_keys, verify_id_token
from watchfloor.runtime.refusal import SettingsRefused
from watchfloor.runtime.regionfile import SignInTable

TIMEOUT = 5.0
"""Seconds for one exchange: somebody waits in front of a screen."""
KEPT_FOR = timedelta(hours=1)
"""How long the provider's documents are used before they are read anew."""
KEYS_EVERY = timedelta(seconds=30)
"""How often at most the keys are read anew because a token names one that is not there."""
SCOPES = "openid profile"
RETURN = "/console/sign-in/return"
"""Where the provider sends browsers back to, under the console's own origin."""

log = structlog.get_logger("watchfloor.gateway")


@dataclass(slots=True)
class _Known:
    """What was read of the provider, and when."""

    metadata: Metadata
    keys: KeySet
    at: datetime
    keys_at: datetime


class Provider:
    """One provider. Safe to use from many requests at once; its documents are read once for all of them."""

    def __init__(
        self,
        table: SignInTable,
        redirect_uri: str,
        secret: str | None,
        *,
        resolver: Resolver = resolve,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Open nothing yet.

        Args:
            table: the settings of the region's sign-in, checked.
            redirect_uri: where the provider sends browsers back to, letter by letter as it is registered there.
            secret: the client's secret; None for a public client.

        Raises:
            EgressRefused: an address of the settings may not be called.
        """
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(table.issuer))
        self._egress = Egress(
            (origin, *table.hosts), sandbox=table.on_this_machine, networks=table.networks, resolver=resolver
        )
        self._wire = Wire(self._egress)
        self._table, self._secret, self._clock = table, secret, clock
        self._known: _Known | None = None
        self._lock = asyncio.Lock()
        self.redirect_uri = redirect_uri

    @property
    def host(self) -> str:
        """The provider's name, for people."""
        return urlsplit(self._table.issuer).netloc

    async def begin(self, *, state: str, nonce: str, verifier: str, anew: bool) -> str:
        """The address to which a browser goes to sign in.

        Args:
            anew: whether the person must prove anew who they are, even if the provider still knows them.

        Raises:
            ProviderDown: nobody can sign in now.
        """
        metadata = (await self._read()).metadata
        more = {"prompt": "login", "max_age": "0"} if anew else {}
        return str(
            prepare_grant_uri(
                metadata.authorization_endpoint,
                self._table.client_id,
                "code",
                redirect_uri=self.redirect_uri,
                scope=SCOPES,
                state=state,
                nonce=nonce,
                code_challenge=create_s256_code_challenge(verifier),
                code_challenge_method="S256",
                **more,
            )
        )

    async def leave(self, back: str) -> str | None:
        """The address at which one signs out at the provider too; None where it offers none, or does not answer."""
        try:
            end = (await self._read()).metadata.end_session_endpoint
        except (ProviderDown, TokenRefused):
            return None
        if end is None:
            return None
        joined = "&" if urlsplit(end).query else "?"
        client, to = quote(self._table.client_id, safe=""), quote(back, safe="")
        return f"{end}{joined}client_id={client}&post_logout_redirect_uri={to}"

    async def finish(
        self, code: str, *, nonce: str, verifier: str, issuer: str | None, signed_after: datetime | None = None
    ) -> dict[str, object]:
        """Exchange a code for the claims of who signed in.

        Args:
            code: as the browser brought it back; good for one exchange.
            issuer: the `iss` that came with it (RFC 9207), which tells whose answer it is.
            signed_after: since when the person had to prove anew who they are.

        Raises:
            ProviderDown: the provider does not answer.
            TokenRefused: it is no proof.
        """
        known = await self._read()
        if issuer is None and known.metadata.authorization_response_iss_parameter_supported:
            raise TokenRefused("issuer", "the answer does not say which provider it is of, and this one says so")
        if issuer is not None and issuer != self._table.issuer:
            raise TokenRefused("issuer", "the answer is of another provider than the one that was asked")
        token = await self._exchange(known.metadata, code, verifier)
        if not names_key(token, known.keys):
            known = await self._read_keys_anew(known)
        return verify_id_token(
            token,
            known.keys,
            issuer=self._table.issuer,
            client_id=self._table.client_id,
            nonce=nonce,
            now=self._clock(),
            signed_after=signed_after,
        )

    async def look(self) -> Metadata:
        """Read the provider's documents now, whatever is known of it.

        Raises:
            ProviderDown, TokenRefused: they cannot be used.
        """
        self._known = None
        return (await self._read()).metadata

    async def close(self) -> None:
        await self._wire.close()

    async def _exchange(self, metadata: Metadata, code: str, verifier: str) -> str:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        named: dict[str, str] = {}
        if self._secret is None:
            named = {"client_id": self._table.client_id}
        elif "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            # RFC 6749, 2.3.1: both are encoded like a form before they are joined
            pair = f"{quote(self._table.client_id, safe='')}:{quote(self._secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            named = {"client_id": self._table.client_id, "client_secret": self._secret}
        body = prepare_token_request(
            "authorization_code", redirect_uri=self.redirect_uri, code=code, code_verifier=verifier, **named
        )
        outcome = await self._send("POST", metadata.token_endpoint, headers, str(body).encode())
        if outcome.status >= 500 or outcome.status == 429:
            raise ProviderDown("the provider cannot exchange the code at the moment")
        if outcome.status != 200:
            log.warning("code refused by the provider", status=outcome.status)
            raise TokenRefused("code", "the provider does not take the code: it was used before, or is too old")
        return read_answer(outcome.content)

    async def _read(self) -> _Known:
        async with self._lock:
            now = self._clock()
            if self._known is not None and now - self._known.at < KEPT_FOR:
                return self._known
            try:
                metadata = read_metadata(
                    await self._get(self._table.issuer.rstrip("/") + DISCOVERY), self._table.issuer, self._egress
                )
                self._known = _Known(metadata, await self._read_keys(metadata), now, now)
            except (ProviderDown, TokenRefused):
                # what was good an hour ago is better than nobody at the console
                if self._known is None:
                    raise
            return self._known

    async def _read_keys_anew(self, known: _Known) -> _Known:
        """A provider changes its keys: a token may name one that was not there an hour ago."""
        async with self._lock:
            now = self._clock()
            current = self._known or known
            if now - current.keys_at >= KEYS_EVERY:
                current.keys_at = now
                current.keys = await self._read_keys(current.metadata)
            return current

    async def _read_keys(self, metadata: Metadata) -> KeySet:
        return read_keys(read_json(await self._get(metadata.jwks_uri), "the key document"))

    async def _get(self, url: str) -> bytes:
        outcome = await self._send("GET", url, {}, None)
        if outcome.status != 200:
            raise ProviderDown(f"the provider answers {outcome.status} where its documents should be")
        return outcome.content

    async def _send(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Outcome:
        fixed = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "identity"}
        try:
            return await self._wire.send(Request(method, url, {**fixed, **headers}, content, TIMEOUT, MAX_DOCUMENT))
        except CallFailed as error:
            log.warning("provider of sign-in not reached", why=error.detail.get("why", error.type))
            raise ProviderDown(f"`{self.host}` does not answer: {error}") from error


def open_provider(table: SignInTable, redirect_uri: str, *, folder: Path, environ: Mapping[str, str]) -> Provider:
    """The provider of a region's settings, with its secret read from where the settings say it is.

    Raises:
        SettingsRefused: the secret cannot be read, or an address may not be called.
    """
    secret = None
    try:
        if table.client_secret is not None:
            reference = Secret(env=table.client_secret.env, file=table.client_secret.file)
            secret = read_secret(reference, folder, environ)
        return Provider(table, redirect_uri, secret)
    except (ValueError, EgressRefused) as error:
        raise SettingsRefused(
            f"the sign-in cannot be used: {error}",
            expected="a secret in an environment variable or a file of mode 0600, and addresses that may be called",
            fix="correct the table `sign_in` of the region in watchfloor.toml",
        ) from error
