"""The pages of signing in and out. Each way in which it can fail says what it was, and what to do now."""

from dataclasses import dataclass
from typing import Annotated

import structlog
from fastapi import Depends, FastAPI, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from watchfloor.gateway.console.company import Back, Cancelled, Company, NotBegunHere
from watchfloor.gateway.console.gate import SIGN_IN, Visitor, require_same_site, require_token, safe_path
from watchfloor.gateway.console.pages import ROOT, Pages
from watchfloor.gateway.problems import Problem
from watchfloor.gateway.provider import ProviderDown, TokenRefused
from watchfloor.identity.accounts import AccountTaken
from watchfloor.identity.belonging import NobodyHere
from watchfloor.identity.groups import ClaimsRefused
from watchfloor.identity.sign_in_file import SignInUnavailable

START = f"{SIGN_IN}/provider"
MAX_CODE = 4096
"""Characters of a code, a state or an issuer that come back in an address."""
_FAILURES = (
    NotBegunHere,
    Cancelled,
    ProviderDown,
    TokenRefused,
    ClaimsRefused,
    NobodyHere,
    AccountTaken,
    SignInUnavailable,
)
_SAYS_SO = frozenset({"access_denied", "login_required", "consent_required", "interaction_required"})

log = structlog.get_logger("watchfloor.gateway")
Param = Annotated[str, Query(max_length=MAX_CODE)]


@dataclass(frozen=True, slots=True)
class Failure:
    """How a sign-in failed, for the person in front of it. `why` is for the log."""

    status: int
    title: str
    detail: str
    advice: str
    why: str


def offer_sign_in(app: FastAPI, pages: Pages) -> None:
    """Signing in by the company's provider and, on this machine, without proof; signing out."""
    gate = pages.desk.gate

    @app.get("/sign-in")
    async def sign_in_page(request: Request, back: str = f"{ROOT}/") -> HTMLResponse:
        offers = gate.offers_development(request)
        return pages.show(
            "sign_in.html",
            None,
            people=list(pages.desk.face.people) if offers else [],
            offers=offers,
            back=safe_path(back),
            provider=gate.company.provider.host if gate.company else "",
            # always the one address whose cookie the return will find, however this page was reached
            start=f"{gate.company.console_url}{START}" if gate.company else "",
        )

    @app.post("/sign-in")
    async def sign_in(request: Request, person: Annotated[str, Form(max_length=80)], back: str = Form("")) -> Response:
        require_same_site(request)
        return await gate.sign_in(request, person, back)

    @app.get("/sign-in/provider")
    async def leave(back: str = f"{ROOT}/", anew: bool = False) -> Response:
        company = _require(gate.company)
        try:
            return await gate.leave_for(company, back, anew=anew)
        except _FAILURES as error:
            return _fail(pages, error, company, safe_path(back))

    @app.get("/sign-in/return")
    async def come_back(
        request: Request, state: Param = "", code: Param = "", iss: Param | None = None, error: Param = ""
    ) -> Response:
        company = _require(gate.company)
        if any(len(request.query_params.getlist(name)) > 1 for name in ("state", "code", "iss", "error")):
            raise Problem(400, "shape", "an answer of the provider names each thing once; begin again")
        try:
            return await gate.take_back(company, request, Back(state, code, iss, error))
        except _FAILURES as failure:
            return _fail(pages, failure, company, f"{ROOT}/")

    @app.get("/sign-in/left")
    async def left() -> Response:
        if gate.company is None:
            return RedirectResponse(SIGN_IN, 303)
        provider = gate.company.provider
        out = await provider.leave(f"{gate.company.console_url}{SIGN_IN}")
        return pages.show("signed_out.html", None, provider=provider.host, out=out)

    @app.post("/sign-out")
    async def sign_out(
        request: Request,
        visitor: Annotated[Visitor, Depends(gate.admit)],
        csrf: Annotated[str, Form(max_length=200)],
    ) -> Response:
        require_token(request, visitor, csrf)
        return await gate.sign_out(request, visitor)


def _require(company: Company | None) -> Company:
    if company is None:
        raise Problem(404, "not_found", "no sign-in of a company is set up here")
    return company


def _fail(pages: Pages, error: Exception, company: Company, back: str) -> HTMLResponse:
    failure = explain(error, company.provider.host)
    log.warning("sign-in failed", why=failure.why, status=failure.status)
    answer = pages.show(
        "sign_in_failed.html",
        None,
        status=failure.status,
        failure=failure,
        back=back,
        start=f"{company.console_url}{START}",
    )
    if failure.status == 503:
        answer.headers["retry-after"] = "10"
    return answer


def explain(error: Exception, provider: str) -> Failure:
    """How a failed sign-in is told. Nothing that came from outside is repeated but the person's own id."""
    if isinstance(error, NotBegunHere):
        return Failure(
            400,
            "This sign-in was not begun here",
            "It was begun in another browser or tab, more than ten minutes ago, or its answer was used already.",
            "Begin again. If you did not begin one, somebody sent you a link to their own sign-in: do not use it.",
            "not_begun",
        )
    if isinstance(error, Cancelled):
        plain = error.code if error.code in _SAYS_SO else "another reason"
        return Failure(
            403,
            "Nobody signed in",
            f"{provider} says that nobody signed in ({plain}).",
            "Begin again, or ask whoever runs it whether you may use Watchfloor.",
            "cancelled",
        )
    if isinstance(error, ProviderDown):
        return Failure(
            503,
            "The company's sign-in does not answer",
            str(error),
            "Who is signed in stays signed in. Nothing that runs is touched, and no deadline moves: if something waits "
            "on you now, have somebody who is signed in decide, or use the way your team agreed on for this.",
            "provider_down",
        )
    if isinstance(error, TokenRefused):
        if error.why in {"clock", "expired"}:
            return Failure(
                503,
                "The clocks differ",
                str(error),
                "Nothing is wrong with you. Tell the operator; try again.",
                error.why,
            )
        return Failure(
            403,
            "That is no proof of who you are",
            f"{error}.",
            "Begin again. If it comes back, tell the operator: somebody may stand between you and the provider.",
            error.why,
        )
    if isinstance(error, ClaimsRefused):
        return Failure(
            403,
            "Your sign-in does not say who you are here",
            "; ".join(error.faults) + ".",
            "The operator checks it with `watchfloor people from-claims`.",
            "claims",
        )
    if isinstance(error, NobodyHere):
        titles = {
            "unknown_person": "You are not known here",
            "no_role": "You have no role here",
            "no_region": "Your groups give no region",
        }
        title = titles.get(error.code, "You belong to another region")
        return Failure(403, title, f"{error}.", "Then sign in again; it counts at once.", error.code)
    if isinstance(error, AccountTaken):
        return Failure(
            403, "This account is not that person", f"{error}.", "Until then nobody is signed in.", "account"
        )
    return Failure(
        503, "Nobody can be signed in at the moment", "The store of sign-ins does not answer.", "Try again.", "store"
    )
