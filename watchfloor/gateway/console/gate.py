"""Who is at the console: sessions, the two ways to sign in, forms that only the console's own pages can send."""

import asyncio
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from watchfloor.client.errors import Refused
from watchfloor.client.face import Face, is_loopback
from watchfloor.client.sign_in import DEV, SignIn
from watchfloor.client.statements import admit_person
from watchfloor.gateway.admission import claim
from watchfloor.gateway.console.company import Back, Company
from watchfloor.gateway.console.sessions import DEVELOPMENT, Proof, Session, Sessions, SessionsUnavailable
from watchfloor.gateway.console.terminal.pairings import Pairings
from watchfloor.gateway.console.terminal.sessions import Terminals
from watchfloor.gateway.problems import Problem
from watchfloor.identity.belonging import NobodyHere
from watchfloor.identity.people import Person
from watchfloor.identity.sign_in_file import SignInFile

COOKIE = "wf_session"
SECURE_COOKIE = "__Host-wf_session"
"""Over TLS: a browser takes it from this host alone and gives it to this host alone."""
SIGN_IN = "/console/sign-in"
PENDING_COOKIE = "wf_signing_in"
SECURE_PENDING_COOKIE = "__Host-wf_signing_in"
PENDING_SECONDS = 600
CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "content-security-policy": CSP,
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
}


class SignInNeeded(Exception):
    """Nobody is signed in; `back` is the page that was asked for."""

    def __init__(self, back: str) -> None:
        super().__init__(back)
        self.back = back


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person at the console, as the region's directory knows them now."""

    person: Person
    session: Session

    @property
    def signed_in(self) -> SignIn:
        """How they signed in, for whatever is said or asked in their name."""
        proof = self.session.proof
        return DEV if proof.way == "dev" else SignIn(proof.way, proof.methods, self.person)


class Gate:
    """Lets people in. Development sign-in exists on this machine only: face, address and name all loopback."""

    def __init__(
        self,
        face: Face,
        sessions: Sessions,
        *,
        secure: bool = False,
        company: Company | None = None,
        file: SignInFile | None = None,
    ) -> None:
        """Guard a console.

        Args:
            secure: whether browsers reach it over TLS alone.
            company: the company's sign-in; without it there is development sign-in only.
            file: where it is written down what is done with terminals; without it none are let in.
        """
        self._face = face
        self._sessions = sessions
        self._secure = secure
        self._file = file
        self.company = company
        self.terminals = Terminals(sessions.file)
        self.pairings = Pairings(sessions.file, face.secret)

    @property
    def cookie(self) -> str:
        return SECURE_COOKIE if self._secure else COOKIE

    async def admit(self, request: Request) -> Visitor:
        """Who asks.

        Raises:
            SignInNeeded: nobody, or somebody whom the directory no longer knows.
            Problem: 429 they have as much under way as one person may; 503 nobody can tell.
        """
        try:
            visitor = await self._find(request)
        except NobodyHere as nobody:
            # said once; the next page leads to signing in, which says it again if nothing was put right
            await asyncio.to_thread(self._sessions.end, request.cookies.get(self.cookie, ""))
            raise Problem(403, nobody.code, str(nobody)) from nobody
        claim(request.scope, f"person {visitor.person.id}")
        return visitor

    async def recognise(self, request: Request) -> Visitor | None:
        """Who asks, for a page that says no: None for nobody, and while nobody can tell. Nothing is refused here and no
        session ended."""
        try:
            return await self._find(request)
        except (SignInNeeded, NobodyHere, Problem):
            return None

    async def _find(self, request: Request) -> Visitor:
        back = request.url.path
        cookie = request.cookies.get(self.cookie, "")
        try:
            session = await asyncio.to_thread(self._sessions.find, cookie) if cookie else None
        except SessionsUnavailable as error:
            raise Problem(
                503, "unavailable", "sign-in does not work at the moment; try again", retry_after=2
            ) from error
        if session is None:
            raise SignInNeeded(back)
        found = self.find_behind(session, request)
        if found is None:
            raise SignInNeeded(back)
        return found

    def find_behind(self, session: Session, request: Request) -> Visitor | None:
        """Who a session is for, found anew; None where this way to sign in does not count here.

        Raises:
            NobodyHere: the company's sign-in no longer makes somebody here of them.
        """
        if session.proof.way != "dev":
            return Visitor(self.company.belonging(session), session) if self.company is not None else None
        if not self.offers_development(request):
            return None
        try:
            return Visitor(admit_person(self._face, session.person, DEV), session)
        except Refused:
            return None

    async def end_everywhere(self, person: str) -> int:
        """End every session and every terminal of a person; gives how many there were.

        Raises:
            SessionsUnavailable: they may not have ended.
        """
        return await asyncio.to_thread(self._sessions.end_all, person)

    @property
    def keeps_log(self) -> bool:
        """Whether what is done with terminals can be written down."""
        return self._file is not None

    async def note(self, what: str, person: str, detail: str = "") -> None:
        """Write down what was done with a terminal.

        Raises:
            SignInUnavailable: it was not.
        """
        if self._file is not None:
            await asyncio.to_thread(self._file.note, what, person, detail, now=datetime.now(UTC))

    def offers_development(self, request: Request) -> bool:
        """Whether one may sign in without proof here. The name in `Host` counts: another name that leads here does
        not make this machine's page."""
        client = request.client.host if request.client else ""
        return self._face.loopback and is_loopback(f"{client}:0") and is_loopback(request.headers.get("host", ""))

    async def sign_in(self, request: Request, person: str, back: str) -> Response:
        """Begin a session in a person's name, without proof.

        Raises:
            Problem: 403 not on this machine, or nobody of this name.
        """
        if not self.offers_development(request):
            raise Problem(403, "not_signed_in", "development sign-in works only on the machine of the stack")
        try:
            someone = admit_person(self._face, person, DEV)
        except Refused as error:
            raise Problem(403, error.type, error.message) from error
        return await self._begin_session(request, someone.id, DEVELOPMENT, back)

    async def leave_for(self, company: Company, back: str, *, anew: bool) -> Response:
        """Send a browser to the company's sign-in.

        Raises:
            ProviderDown, SignInUnavailable: as `Company.begin`.
        """
        address, cookie = await company.begin(safe_path(back), anew=anew)
        answer = RedirectResponse(address, 303)
        answer.set_cookie(
            self.pending_cookie,
            cookie,
            httponly=True,
            samesite="lax",
            secure=self._secure,
            path="/",
            max_age=PENDING_SECONDS,
        )
        return answer

    async def take_back(self, company: Company, request: Request, back: Back) -> Response:
        """Begin a session for who comes back from the company's sign-in.

        Raises:
            Problem: 503 the session cannot be kept.
            and everything that `Company.finish` raises.
        """
        arrived = await company.finish(request.cookies.get(self.pending_cookie, ""), back)
        answer = await self._begin_session(request, arrived.person, arrived.proof, arrived.back)
        answer.delete_cookie(self.pending_cookie, path="/", secure=self._secure, httponly=True, samesite="lax")
        return answer

    async def sign_out(self, request: Request, visitor: Visitor) -> Response:
        """End the session and its terminals; the page after it offers to sign out at the provider too."""
        await asyncio.to_thread(self._sessions.sign_out, request.cookies.get(self.cookie, ""))
        by_company = visitor.session.proof.way != "dev" and self.company is not None
        answer = RedirectResponse(f"{SIGN_IN}/left" if by_company else SIGN_IN, 303)
        answer.delete_cookie(self.cookie, path="/", secure=self._secure, httponly=True, samesite="lax")
        return answer

    @property
    def pending_cookie(self) -> str:
        return SECURE_PENDING_COOKIE if self._secure else PENDING_COOKIE

    async def _begin_session(self, request: Request, person: str, proof: Proof, back: str) -> Response:
        before = request.cookies.get(self.cookie, "")
        try:
            cookie = await asyncio.to_thread(self._sessions.begin, person, proof, instead_of=before)
        except SessionsUnavailable as error:
            raise Problem(503, "unavailable", "nobody can be signed in at the moment", retry_after=2) from error
        answer = RedirectResponse(safe_path(back), 303)
        answer.set_cookie(self.cookie, cookie, httponly=True, samesite="lax", secure=self._secure, path="/")
        return answer


def safe_path(back: str) -> str:
    """A page of the console, or its first one: never an address elsewhere."""
    parts = urlsplit(back)
    if parts.scheme or parts.netloc or not back.startswith("/console/") or "\\" in back or not back.isprintable():
        return "/console/"
    return back


def require_same_site(request: Request) -> None:
    """A form that another site sends here is refused, whatever cookie came along.

    Raises:
        Problem: 403.
    """
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    if origin is not None and urlsplit(origin).netloc != host:
        raise Problem(403, "csrf", "this form was sent by another site; nothing was done")
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Problem(403, "csrf", "this form was sent by another site; nothing was done")


def require_token(request: Request, visitor: Visitor, token: str) -> None:
    """The form must carry the session's own token.

    Raises:
        Problem: 403.
    """
    require_same_site(request)
    if not hmac.compare_digest(token.encode(), visitor.session.csrf.encode()):
        raise Problem(403, "csrf", "this form is not of your session; load the page again; nothing was done")


async def read_form(request: Request, visitor: Visitor) -> dict[str, str]:
    """The fields of a form of this visitor's session; no files, at most 60 fields of 5,000 characters.

    Raises:
        Problem: 403 sent by another site, or not of this session.
    """
    said = await request.form(max_files=0, max_fields=60)
    texts = {name: str(value)[:5000] for name, value in said.items()}
    require_token(request, visitor, texts.get("csrf", ""))
    return texts
