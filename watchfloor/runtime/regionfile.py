"""`<home>/watchfloor.toml`: what an operator says about each region beside the connection to Temporal.

[regions.us]
gateway_url = "https://gateway.us.example"
bindings = "bindings.us.yaml"            # relative paths are relative to this file

[regions.us.variables]
PLATFORM_URL = "https://moderation.us.example"

[regions.us.peers.eu]
url = "https://gateway.eu.example"
public_keys = "eu.public.json"           # as `watchfloor.regions.keys.PublicKeys.to_json` writes it

[regions.us.sign_in]                     # docs/guides/sign-in.md
issuer = "https://login.example"
client_id = "watchfloor-us"
client_secret = {env = "WATCHFLOOR_US_CLIENT_SECRET"}
console_url = "https://watchfloor.us.example"
"""

import ipaddress
import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, model_validator

from watchfloor.regions.keys import KeysRefused, PublicKeys
from watchfloor.runtime.refusal import SettingsRefused

REGION_FILE = "watchfloor.toml"


def _anchor(path: Path, info: ValidationInfo) -> Path:
    folder: Path = info.context["folder"] if info.context else Path.cwd()
    return path.expanduser() if path.expanduser().is_absolute() else folder / path


Anchored = Annotated[Path, AfterValidator(_anchor)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s/@]+(/[^\s]*)?$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,62}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PeerTable(_Strict):
    """Another region's gateway and the file with its public keys; `networks` where it is inside one of your own."""

    url: Url
    networks: tuple[str, ...] = ()
    public_keys: Anchored

    def read_keys(self, name: str) -> PublicKeys:
        """The peer's public keys.

        Raises:
            SettingsRefused: the file is missing or does not hold public keys.
        """
        try:
            return PublicKeys.from_json(json.loads(self.public_keys.read_text()))
        except (OSError, ValueError, KeysRefused, AttributeError, TypeError) as error:
            raise SettingsRefused(
                f"the public keys of peer `{name}` cannot be used: {self.public_keys}: {error}",
                expected="the file of public keys that this region's operator handed over",
                fix=f"put that file at {self.public_keys}, or correct `public_keys` of the peer in {REGION_FILE}",
            ) from error


def _plain_origin(text: str) -> str:
    split = urlsplit(text)
    if split.path or split.query or split.fragment or split.netloc != split.netloc.lower():
        raise ValueError("an origin in lower case without a path is expected, such as https://watchfloor.eu.example")
    return _safe(text)


def _safe(text: str) -> str:
    split = urlsplit(text)
    if split.query or split.fragment or (split.scheme == "http" and not is_here(text)):
        raise ValueError("https is expected; http only for an address on this machine")
    return text


def is_here(url: str) -> bool:
    """Whether the address is this machine and nothing else; names other than `localhost` are not resolved."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class SecretTable(_Strict):
    """Where a secret is: an environment variable, or a file that its owner alone may read. Never the secret."""

    env: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")] | None = None
    file: str | None = None

    @model_validator(mode="after")
    def _one(self) -> "SecretTable":
        if (self.env is None) == (self.file is None):
            raise ValueError("exactly one of `env`, `file` is expected")
        return self


class SignInTable(_Strict):
    """The company's sign-in (OpenID Connect) of one region's console.

    Attributes:
        issuer: letter by letter as the provider's own documents say it.
        client_secret: where the client's secret is; left out for a public client.
        console_url: where people reach the console; the provider sends them back to `/console/sign-in/return` there.
        hosts: hosts beside the issuer's own at which the provider serves some of its addresses.
        networks: CIDRs of the company's own inside which the provider may be; else only public addresses are called.
        people: `directory` lets in who is in `people.yaml`, in those of their roles that a group gives too; `groups`
            takes roles, region and clearances from the groups alone.
        groups: what groups mean; `groups.yaml` of the home directory when left out.
        terminals: whether people may let in terminals (`watchfloor watch --gateway`).
    """

    issuer: Annotated[Url, AfterValidator(_safe)]
    client_id: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")]
    client_secret: SecretTable | None = None
    console_url: Annotated[Url, AfterValidator(_plain_origin)] | None = None
    hosts: tuple[Annotated[str, Field(max_length=300)], ...] = ()
    networks: tuple[str, ...] = ()
    people: Literal["directory", "groups"] = "directory"
    groups: Anchored | None = None
    terminals: bool = True

    @property
    def on_this_machine(self) -> bool:
        """Whether the provider runs on loopback, as in development and tests."""
        return is_here(self.issuer)


class RegionTable(_Strict):
    """One region. Every key has a default that fits the home directory."""

    directory: Anchored | None = None
    bindings: Anchored | None = None
    people: Anchored | None = None
    rotas: Anchored | None = None
    gateway_url: Url | None = None
    ui_url: Url | None = None
    sign_in: SignInTable | None = None
    variables: dict[Variable, str] = {}
    peers: dict[Name, PeerTable] = {}


class _Document(_Strict):
    regions: dict[Name, RegionTable] = {}


def read_region_file(home: Path, region: str) -> RegionTable | None:
    """The region's table, or None where the file or the table is missing.

    Raises:
        SettingsRefused: the file is not TOML, or a key in it is unknown or wrong; every such key is named.
    """
    path = home / REGION_FILE
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsRefused(
            f"{path} cannot be read: {error.strerror}", expected="a readable file", fix=f"chmod u+r {path}"
        ) from error
    try:
        raw: dict[str, Any] = tomllib.loads(text.decode())
        document = _Document.model_validate(raw, context={"folder": home})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsRefused(f"{path} is not TOML: {error}", expected="TOML", fix="correct the place named") from error
    except ValidationError as error:
        wrong = "; ".join(f"`{'.'.join(map(str, item['loc']))}`: {item['msg'].lower()}" for item in error.errors())
        raise SettingsRefused(
            f"{path} has wrong keys: {wrong}",
            expected=f"tables `regions.<region>` with the keys {', '.join(RegionTable.model_fields)}",
            fix="correct or remove the keys named",
        ) from error
    return document.regions.get(region)
