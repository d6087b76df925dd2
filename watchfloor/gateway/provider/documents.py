"""What a provider says about itself: its discovery document (OpenID Connect Discovery 1.0) and its token answer."""

import json
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from watchfloor.connections.egress import Egress, EgressRefused
from watchfloor.gateway.provider.errors import ProviderDown, TokenRefused

DISCOVERY = "/.well-known/openid-configuration"
MAX_DOCUMENT = 256 * 1024
Address = Annotated[str, Field(min_length=1, max_length=2000)]


class Metadata(BaseModel):
    """The parts of a discovery document that are used here; what else it says is not looked at."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    issuer: Address
    authorization_endpoint: Address
    token_endpoint: Address
    jwks_uri: Address
    end_session_endpoint: Address | None = None
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]
    code_challenge_methods_supported: list[str] | None = None
    authorization_response_iss_parameter_supported: bool = False


class TokenAnswer(BaseModel):
    """What the token endpoint gives. The access token is not used, so it is not even read."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id_token: Annotated[str, Field(min_length=1)]


def read_json(content: bytes, what: str) -> Any:
    """A JSON document of the provider.

    Raises:
        ProviderDown: it is none.
    """
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ProviderDown(f"{what} of the provider is no JSON") from error


def read_metadata(content: bytes, issuer: str, egress: Egress) -> Metadata:
    """The discovery document, once it speaks of this issuer and of addresses that are on the list of hosts.

    Raises:
        ProviderDown: it is of somebody else, or leads elsewhere.
    """
    try:
        found = Metadata.model_validate(read_json(content, "the discovery document"))
    except ValidationError as error:
        wrong = ", ".join(sorted({str(item["loc"][0]) for item in error.errors()})) or "the document"
        raise ProviderDown(f"the discovery document of the provider lacks or misstates: {wrong}") from error
    if found.issuer != issuer:
        raise ProviderDown(f"the discovery document is not that of the issuer {issuer}; its spelling must be the same")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint"):
        address = getattr(found, name)
        if address is None:
            continue
        try:
            egress.admit(address)
        except EgressRefused as error:
            raise ProviderDown(
                f"`{name}` of the provider is not on the list of hosts: {error}; add it to `hosts` of the sign-in"
            ) from error
        if urlsplit(address).fragment:
            raise ProviderDown(f"`{name}` of the provider is no plain address")
    methods = found.code_challenge_methods_supported
    if methods is not None and "S256" not in methods:
        raise ProviderDown("the provider does not know PKCE with S256, without which a stolen code could be used")
    return found


def read_answer(content: bytes) -> str:
    """The ID token of a token answer.

    Raises:
        TokenRefused: there is none.
    """
    try:
        return TokenAnswer.model_validate(read_json(content, "the answer")).id_token
    except (ValidationError, ProviderDown) as error:
        raise TokenRefused("shape", "the provider sent no ID token") from error
