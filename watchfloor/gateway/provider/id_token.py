"""Verifying an ID token (OpenID Connect Core 1.0, section 3.1.3.7). Pure: the keys and the time are given.

`joserfc` verifies the signature, under the one key that the token names and the algorithms listed here; symmetric ones
and `none` are not among them, whatever the provider's own documents say. The claims are checked here, where each
refusal can say what was wanted.
"""

import hmac
import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from joserfc import jwt
from joserfc.errors import (
    BadSignatureError,
    JoseError,
    SecurityWarning,
    UnsupportedAlgorithmError,
)
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey, import_key
from joserfc.jws import JWSRegistry, extract_compact

from watchfloor.gateway.provider.errors import TokenRefused

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""What an ID token may be signed with."""
SKEW = timedelta(minutes=1)
"""How far the provider's clock and ours may differ."""
OLDEST = timedelta(minutes=10)
"""How old an ID token may be that answers a sign-in begun moments ago."""
MAX_TOKEN = 32 * 1024
MAX_KEYS = 50
MAX_SUBJECT = 255
MIN_RSA_BITS = 2048


def read_keys(document: object) -> KeySet:
    """The keys of a JWKS document that can verify a signature; what is of another kind, or too weak, is left out.

    Raises:
        TokenRefused: it holds none, or is no JWKS.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list) or len(listed) > MAX_KEYS:
        raise TokenRefused("key", "the provider's keys cannot be read")
    keys = [key for one in listed if (key := _key(one)) is not None]
    if not keys:
        raise TokenRefused("key", "the provider offers no key that could verify a signature")
    return KeySet(keys)


def _key(one: object) -> Key | None:
    if not isinstance(one, dict) or one.get("use", "sig") != "sig" or one.get("kty") not in {"RSA", "EC", "OKP"}:
        return None
    try:
        with warnings.catch_warnings():
            # a key that is too short is left out below; a warning would only say so once more
            warnings.simplefilter("ignore", SecurityWarning)
            key = import_key(dict(one))
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return None
    if isinstance(key, RSAKey) and key.public_key.key_size < MIN_RSA_BITS:
        return None
    return key if isinstance(key, RSAKey | ECKey | OKPKey) else None


def names_key(token: str, keys: KeySet) -> bool:
    """Whether the key that a token names is among these; one that names none needs exactly one key."""
    kid = _header(token).get("kid")
    return len(keys.keys) == 1 if kid is None else any(key.kid == kid for key in keys.keys)


def _header(token: str) -> Mapping[str, object]:
    if len(token) > MAX_TOKEN:
        raise TokenRefused("shape", f"the ID token is larger than {MAX_TOKEN} bytes")
    try:
        return dict(extract_compact(token.encode()).headers())
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise TokenRefused("shape", "what the provider sent is no signed token") from error


def verify_id_token(
    token: str,
    keys: KeySet,
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    now: datetime,
    signed_after: datetime | None = None,
) -> dict[str, object]:
    """The claims of an ID token, once everything about it holds.

    Args:
        token: as received; hostile until this returns.
        keys: the provider's, `read_keys`.
        nonce: what this sign-in sent along.
        signed_after: where the person had to prove anew who they are: since when.

    Raises:
        TokenRefused: with the first thing that does not hold.
    """
    header = _header(token)
    algorithm = header.get("alg")
    if algorithm not in ALGORITHMS:
        raise TokenRefused("algorithm", f"the ID token is not signed with one of {', '.join(ALGORITHMS)}")
    if not names_key(token, keys):
        raise TokenRefused("key", "the ID token is signed by a key that the provider does not publish")
    if str(header.get("typ", "JWT")).upper() != "JWT":
        raise TokenRefused("shape", "the token is of another kind than an ID token")
    kid = header.get("kid")
    key = next(one for one in keys.keys if kid is None or one.kid == kid)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)
            registry = JWSRegistry(algorithms=[str(algorithm)], strict_check_header=False)
            claims = jwt.decode(token, key, algorithms=[str(algorithm)], registry=registry).claims
    except BadSignatureError as error:
        raise TokenRefused("signature", "the signature of the ID token does not verify") from error
    except UnsupportedAlgorithmError as error:
        raise TokenRefused("algorithm", "the ID token's algorithm does not fit its key") from error
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise TokenRefused("signature", "the ID token cannot be verified") from error
    _check(claims, issuer=issuer, client_id=client_id, nonce=nonce, now=now, signed_after=signed_after)
    return dict(claims)


def _check(
    claims: Mapping[str, object],
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    now: datetime,
    signed_after: datetime | None,
) -> None:
    if claims.get("iss") != issuer:
        raise TokenRefused("issuer", "the ID token was issued by another provider")
    audience = claims.get("aud")
    names: Sequence[object] = audience if isinstance(audience, list) else [audience]
    if client_id not in names:
        raise TokenRefused("audience", "the ID token is meant for another application")
    party = claims.get("azp")
    if (party is not None or len(names) > 1) and party != client_id:
        raise TokenRefused("audience", "the ID token was given to another application")
    ends, issued = _instant(claims, "exp"), _instant(claims, "iat")
    if issued > now + SKEW:
        raise TokenRefused("clock", f"the provider's clock is {_ahead(issued - now)} ahead of this machine's")
    if ends <= now - SKEW or issued < now - OLDEST:
        raise TokenRefused("expired", f"the ID token is {_ahead(now - issued)} old; or this machine's clock is ahead")
    if "nbf" in claims and _instant(claims, "nbf") > now + SKEW:
        raise TokenRefused("clock", "the ID token is not valid yet; the clocks differ")
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
        raise TokenRefused("nonce", "the ID token answers another sign-in")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT or not subject.isprintable():
        raise TokenRefused("subject", "the ID token says of nobody that they signed in")
    if signed_after is not None and _instant(claims, "auth_time") < signed_after - SKEW:
        raise TokenRefused("age", "the provider did not ask anew who you are")


def _instant(claims: Mapping[str, object], name: str) -> datetime:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e11:
        raise TokenRefused("shape", f"the ID token has no instant `{name}`")
    return datetime.fromtimestamp(value, UTC)


def _ahead(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
