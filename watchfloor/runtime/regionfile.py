"""`<home>/watchfloor.toml`: what an operator says about each region beside the connection to Temporal.

[regions.us]
gateway_url = "https://gateway.us.example"
bindings = "bindings.us.yaml"            # relative paths are relative to this file

[regions.us.variables]
PLATFORM_URL = "https://moderation.us.example"

[regions.us.peers.eu]
url = "https://gateway.eu.example"
public_keys = "eu.public.json"           # as `watchfloor.regions.keys.PublicKeys.to_json` writes it
"""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo

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


class RegionTable(_Strict):
    """One region. Every key has a default that fits the home directory."""

    directory: Anchored | None = None
    bindings: Anchored | None = None
    people: Anchored | None = None
    rotas: Anchored | None = None
    gateway_url: Url | None = None
    ui_url: Url | None = None
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
