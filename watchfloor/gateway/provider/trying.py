"""Whether people could sign in, step by step, before anybody stands in front of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from watchfloor.gateway.provider.errors import ProviderError
from watchfloor.gateway.provider.provider import RETURN, Provider, open_provider
from watchfloor.identity.groups import Kind, load_groups
from watchfloor.identity.located import PeopleRefused
from watchfloor.runtime.refusal import SettingsRefused
from watchfloor.runtime.settings import RegionSettings


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at, and what was found."""

    name: str
    ok: bool
    found: str


async def try_sign_in(settings: RegionSettings, environ: Mapping[str, str]) -> list[Step]:
    """Look at everything that a sign-in needs; stops where nothing further can be looked at."""
    table = settings.sign_in
    if table is None:
        return [Step("settings", False, f"no table `regions.{settings.region}.sign_in` in watchfloor.toml")]
    if settings.console_url is None:
        return [Step("settings", False, "`console_url` is missing: where people reach the console")]
    client = "a public client" if table.client_secret is None else "a client with a secret"
    steps = [Step("settings", True, f"{table.issuer}, {client}"), _try_groups(settings)]
    try:
        provider = open_provider(table, f"{settings.console_url}{RETURN}", folder=settings.home, environ=environ)
    except SettingsRefused as error:
        return [*steps, Step("secret", False, error.found)]
    steps.append(Step("secret", True, "read" if table.client_secret is not None else "none is needed"))
    try:
        steps.append(await _try_provider(provider))
    finally:
        await provider.close()
    steps.append(Step("register at the provider", True, provider.redirect_uri))
    return steps


async def _try_provider(provider: Provider) -> Step:
    try:
        metadata = await provider.look()
    except ProviderError as error:
        return Step("provider", False, str(error))
    leaves = "one can sign out there too" if metadata.end_session_endpoint else "no way to sign out there"
    return Step("provider", True, f"its documents and keys are read; {leaves}")


def _try_groups(settings: RegionSettings) -> Step:
    path, source = settings.groups_path, settings.sign_in.people if settings.sign_in is not None else ""
    if not path.exists():
        if source == "groups":
            return Step("groups", False, f"there is no {path}, and people are to be known by their groups")
        return Step("groups", True, f"there is no {path}; `sub` is the person's id, and the directory says the rest")
    try:
        groups = load_groups(path)
    except PeopleRefused as error:
        return Step("groups", False, str(error))
    if source == "groups" and not (groups.gives("role") and groups.gives("region")):
        return Step("groups", False, f"{path} gives no role or no region, and people are to be known by their groups")
    kinds: tuple[Kind, ...] = ("role", "region", "clearance")
    narrowed = [what for what in kinds if groups.gives(what)]
    return Step("groups", True, f"{len(groups.meanings)} groups; they say: {', '.join(narrowed) or 'nothing'}")
