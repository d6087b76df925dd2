"""Signing in through the company's provider: from the browser that leaves to the person that comes back."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from watchfloor.client.face import Face
from watchfloor.client.sign_in import methods_of
from watchfloor.gateway.console.pending import Pending, PendingSignIns
from watchfloor.gateway.console.sessions import Proof, Session
from watchfloor.gateway.provider import RETURN, Provider, TokenRefused, open_provider
from watchfloor.identity.accounts import Accounts
from watchfloor.identity.belonging import NobodyHere, Source, find_belonging
from watchfloor.identity.groups import (
    ClaimsRefused,
    Groups,
    entity_from_claims,
    group_names,
    id_from_claims,
    load_groups,
)
from watchfloor.identity.live import LiveFile
from watchfloor.identity.people import Directory, Person
from watchfloor.identity.sign_in_file import SignInFile
from watchfloor.runtime.refusal import SettingsRefused
from watchfloor.runtime.settings import RegionSettings

log = structlog.get_logger("watchfloor.gateway")


@dataclass(frozen=True, slots=True)
class Back:
    """What a browser brings back: the parameters of the return, each absent or one text."""

    state: str = ""
    code: str = ""
    issuer: str | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Arrived:
    """Somebody has signed in: who, with what behind it, and the page they wanted."""

    person: str
    proof: Proof
    back: str


class NotBegunHere(Exception):
    """The browser did not begin this sign-in, or too long ago, or came back twice."""


class Cancelled(Exception):
    """The provider says that nobody signed in; `code` is its own word for why, if it is a plain one."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Company:
    """The company's sign-in at the console of one region."""

    def __init__(
        self,
        provider: Provider,
        file: SignInFile,
        directory: Directory,
        groups: Callable[[], Groups],
        *,
        issuer: str,
        source: Source,
        region: str,
        console_url: str,
    ) -> None:
        self.provider = provider
        self.console_url = console_url
        self._file, self._pending, self._accounts = file, PendingSignIns(file), Accounts(file)
        self._directory, self._groups = directory, groups
        self._issuer, self._source, self._region = issuer, source, region

    async def begin(self, back: str, *, anew: bool) -> tuple[str, str]:
        """Begin a sign-in; gives the address to go to and the cookie to come back with.

        Raises:
            ProviderDown: the provider does not answer.
            SignInUnavailable: nothing can be remembered.
        """
        begun = await asyncio.to_thread(self._pending.begin, back, anew=anew)
        address = await self.provider.begin(state=begun.state, nonce=begun.nonce, verifier=begun.verifier, anew=anew)
        return address, begun.cookie

    async def finish(self, cookie: str, back: Back) -> Arrived:
        """Who came back.

        Raises:
            NotBegunHere, Cancelled: nobody; nothing was asked of the provider.
            ProviderDown, TokenRefused: the provider does not say so.
            ClaimsRefused, NobodyHere, AccountTaken: they proved who they are, and are nobody here.
            SignInUnavailable: nobody knows.
        """
        pending = await asyncio.to_thread(self._pending.take, cookie, back.state)
        if pending is None:
            raise NotBegunHere
        if back.error:
            raise Cancelled(back.error)
        if not back.code:
            raise TokenRefused("code", "the provider sent neither a code nor an error")
        claims = await self.provider.finish(
            back.code,
            nonce=pending.nonce,
            verifier=pending.verifier,
            issuer=back.issuer,
            signed_after=pending.begun_at if pending.anew else None,
        )
        return await asyncio.to_thread(self._recognise, claims, pending)

    def belonging(self, session: Session) -> Person:
        """The person of a session, as the directory and the groups file know them now.

        Raises:
            NobodyHere: nobody any more.
        """
        return self._find(session.person, session.proof)

    def note(self, what: str, person: str, detail: str = "") -> None:
        """Write down what was done.

        Raises:
            SignInUnavailable: it was not.
        """
        self._file.note(what, person, detail, now=datetime.now(UTC))

    def _recognise(self, claims: dict[str, object], pending: Pending) -> Arrived:
        groups, faults = self._groups(), list[str]()
        id_ = id_from_claims(claims, groups, faults)
        entity = entity_from_claims(claims, groups, faults) if self._source == "groups" else ""
        names = set(group_names(claims, groups, faults)) if groups.meanings else set[str]()
        if faults:
            raise ClaimsRefused(faults)
        meant = tuple(name for name in groups.meanings if name in names)
        proof = Proof("oidc", methods_of(claims), meant, entity, anew=pending.anew)
        try:
            self._find(id_, proof)
        except NobodyHere as nobody:
            self.note("refused", id_, nobody.code)
            raise
        self._accounts.bind(self._issuer, str(claims["sub"]), id_)
        self.note("signed in", id_, " ".join(proof.methods))
        return Arrived(id_, proof, pending.back)

    def _find(self, id_: str, proof: Proof) -> Person:
        return find_belonging(
            self._directory,
            self._groups(),
            self._source,
            id_=id_,
            names=proof.groups,
            entity=proof.entity,
            region=self._region,
        )


def open_company(settings: RegionSettings, face: Face, environ: Mapping[str, str]) -> Company | None:
    """The company's sign-in as the region's settings say it; None where they say nothing.

    Raises:
        SettingsRefused: the secret, an address or the way in cannot be used.
        PeopleRefused: the groups file does not load.
    """
    table = settings.sign_in
    if table is None:
        return None
    console_url = settings.console_url
    if console_url is None:
        raise SettingsRefused(
            "the sign-in does not say where people reach the console",
            expected="`console_url`, the origin that stands in their browsers",
            fix="add `console_url` to the table `sign_in` of the region in watchfloor.toml",
        )
    if table.people == "groups" and not settings.groups_path.exists():
        raise SettingsRefused(
            f"people are to be known by their groups, and there is no {settings.groups_path}",
            expected="a file that says what the groups mean",
            fix='write it (docs/guides/people.md), or let the directory lead with `people = "directory"`',
        )
    groups = LiveFile(settings.groups_path, load_groups, absent=Groups({}))
    return Company(
        open_provider(table, f"{console_url}{RETURN}", folder=settings.home, environ=environ),
        SignInFile(settings.sign_in_path),
        face.people,
        groups.now,
        issuer=table.issuer,
        source=table.people,
        region=settings.region,
        console_url=console_url,
    )
