"""A case for the conflict order, written by hand: one copy, and every claim on it. Read strictly, each fault located.

    copy: {id: vid-17, also: [acct-7], kept_by: example-us}
    claims:
      - {id: letter-1, row: us.preserve.2703f, scope: [acct-7], since: "2026-11-01T09:00:00Z", authority: LERT-2026-114}
      - {id: request-1, row: eu.gdpr.art17, scope: [acct-7], since: "2026-11-20T09:00:00Z"}

A claim names a row of the clock register, or its kind, or both where the row does not say of which kind it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from schemas.register import RegisterRow
from watchfloor.client.errors import ClientError
from watchfloor.identity.located import LocatedTree, PeopleRefused, Place, read_located
from watchfloor.language.findings import nearest
from watchfloor.retention import Claim, Copy, Kind, Renewal
from watchfloor.retention.territory import EU
from watchfloor.signing import parse_instant
from workflows.spans import find_due

KINDS: tuple[Kind, ...] = get_args(Kind)
_OF_ROW: Mapping[str, Kind] = {"min_retention": "floor", "max_retention": "ttl"}
_ONLY_FOR: Mapping[str, tuple[Kind, ...]] = {
    "renewal": ("floor", "litigation"),
    "held": ("floor", "litigation"),
    "signed": ("destruction", "floor", "litigation", "production"),
    "declined": ("destruction", "floor", "litigation", "production"),
    "served_on": ("floor", "litigation", "production"),
    "territory": ("withdrawal",),
    "annulled_at": ("withdrawal",),
}


class CaseRefused(ClientError):
    """The case cannot be used; the message has one line `file:line:column: what` for each thing wrong."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Case:
    """One copy, and every claim on it."""

    copy: Copy
    claims: tuple[Claim, ...]


def _instant(text: object) -> datetime:
    try:
        return parse_instant(str(text))
    except ValueError as error:
        raise ValueError(f"`{text}` is no instant with an offset; write 2026-11-22T03:10:00Z") from error


Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9:/._~-]{0,199}$")]
Ids = Annotated[list[Id], Field(max_length=1000)]
Text = Annotated[str, Field(max_length=200)]
Instant = Annotated[datetime, BeforeValidator(_instant)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Copy(_Strict):
    id: Id
    also: Ids = Field(default_factory=list)
    kept_by: Id | Literal[""] = ""
    csam: bool = False


class _Renewal(_Strict):
    received_at: Instant
    state: Literal["in_mailbox", "granted", "refused"]
    until: Instant | None = None


class _Claim(_Strict):
    id: Id
    kind: Kind | None = None
    row: Id | None = None
    title: Text = ""
    law: Text = ""
    scope: Annotated[Ids, Field(min_length=1)]
    since: Instant
    until: Instant | None = None
    authority: Id | Literal[""] = ""
    renewal: _Renewal | None = None
    signed: Ids = Field(default_factory=list)
    declined: Ids = Field(default_factory=list)
    served_on: Id | Literal[""] = ""
    secret: bool = False
    held: bool = False
    territory: Annotated[str, Field(pattern=r"^(global|eu|[A-Z]{2})$")] | None = None
    annulled_at: Instant | None = None


class _Document(_Strict):
    copy_: Annotated[_Copy, Field(alias="copy")]
    claims: Annotated[list[_Claim], Field(max_length=200)]


def read_case(path: Path, register: Mapping[str, RegisterRow]) -> Case:
    """Read a case.

    Args:
        register: the clock register; gives titles, laws, lengths and conflicts of the rows that claims name.

    Raises:
        CaseRefused: nothing of it is used.
    """
    try:
        located = read_located(path)
    except PeopleRefused as error:
        raise CaseRefused(str(error).splitlines()) from error
    try:
        document = _Document.model_validate(located.tree)
    except ValidationError as error:
        faults = [_in_words(located, item["loc"], item["type"], item["msg"]) for item in error.errors()]
        raise CaseRefused(faults) from error
    faults = [f"{located.where(('claims', *place))}: {fault}" for place, fault in _faults(document.claims, register)]
    if faults:
        raise CaseRefused(faults)
    copy = document.copy_
    return Case(
        Copy(copy.id, frozenset(copy.also), copy.kept_by, copy.csam),
        tuple(_made(claim, register.get(claim.row or "")) for claim in document.claims),
    )


def _faults(claims: list[_Claim], register: Mapping[str, RegisterRow]) -> Iterator[tuple[Place, str]]:
    seen: set[str] = set()
    for index, claim in enumerate(claims):
        if claim.id in seen:
            yield (index, "id"), f"a second claim `{claim.id}`; give it an id of its own"
        seen.add(claim.id)
        for key, fault in _faults_of(claim, register):
            yield (index, key), fault


def _faults_of(claim: _Claim, register: Mapping[str, RegisterRow]) -> Iterator[tuple[str, str]]:
    if claim.row is None and claim.kind is None:
        yield "id", f"`{claim.id}` needs `row:` of the clock register, or `kind:`, one of {', '.join(KINDS)}"
        return
    row = register.get(claim.row or "")
    if claim.row is not None and row is None:
        near = nearest(claim.row, list(register))
        yield "row", f"the clock register has no row `{claim.row}`" + (f"; did you mean `{near}`?" if near else "")
        return
    told = _kind_of(row) if row is not None else None
    if claim.kind is None and told is None:
        yield "row", f"row `{claim.row}` does not say of which kind it is; add `kind:`, one of {', '.join(KINDS)}"
        return
    if claim.kind is not None and told is not None and claim.kind != told:
        yield "kind", f"row `{claim.row}` is of kind `{told}`, not `{claim.kind}`; leave `kind` out"
        return
    kind = claim.kind or told
    for key, kinds in _ONLY_FOR.items():
        if kind not in kinds and getattr(claim, key):
            yield key, f"`{key}` means nothing for `{kind}`; it is for {', '.join(kinds)}"
    if claim.until is not None and claim.until <= claim.since:
        yield "until", "`until` is not after `since`"
    if kind == "withdrawal" and claim.territory is None:
        yield "id", f"the withdrawal `{claim.id}` needs `territory:`: global, eu, or a country such as {min(EU)}"
    if claim.renewal is not None and claim.renewal.state != "granted" and claim.renewal.until is not None:
        yield "renewal", f"a renewal that is `{claim.renewal.state}` has no `until`; only a granted one has"


def _kind_of(row: RegisterRow) -> Kind | None:
    told = row.get("conflict_class")
    return told if told is not None else _OF_ROW.get(row["kind"])


def _made(claim: _Claim, row: RegisterRow | None) -> Claim:
    kind = claim.kind or (_kind_of(row) if row else None)
    assert kind is not None
    until = claim.until
    if until is None and row is not None:
        until = find_due(row, claim.since)
    return Claim(
        claim.id,
        kind,
        frozenset(claim.scope),
        since=claim.since,
        until=until,
        title=claim.title or (row["title"] if row else ""),
        law=claim.law or (row["legal_ref"] if row else ""),
        row=claim.row or "",
        authority=claim.authority,
        renewal=_renewed(claim.renewal, until, row) if claim.renewal else None,
        signed=frozenset(claim.signed),
        declined=frozenset(claim.declined),
        served_on=claim.served_on,
        secret=claim.secret,
        held=claim.held,
        territory=claim.territory or "",
        annulled_at=claim.annulled_at,
        meets=tuple(row.get("conflicts", ())) if row else (),
    )


def _renewed(renewal: _Renewal, until: datetime | None, row: RegisterRow | None) -> Renewal:
    """Where a granted renewal leads: as written, else as long as the register says, from the end or, when it came
    after the end, from its receipt."""
    end = renewal.until
    adds = row.get("renew") if row else None
    if renewal.state == "granted" and end is None and adds is not None and until is not None:
        end = max(until, renewal.received_at) + timedelta(seconds=adds["add"])
    return Renewal(renewal.received_at, renewal.state, end)


def _in_words(located: LocatedTree, loc: Place, kind: str, message: str) -> str:
    name = ".".join(map(str, loc)) or "the file"
    if kind == "extra_forbidden":
        known = _known_keys(loc[:-1])
        near = nearest(str(loc[-1]), known)
        message = f"unknown key; did you mean `{near}`?" if near else f"unknown key; expected one of {', '.join(known)}"
    plain = message.removeprefix("Value error, ")
    return f"{located.where(loc)}: `{name}`: {plain[0].lower()}{plain[1:]}"


def _known_keys(place: Place) -> list[str]:
    model: type[BaseModel] = _Document
    if place:
        model = _Renewal if place[-1] == "renewal" else _Copy if place[0] == "copy" else _Claim
    return [field.alias or name for name, field in model.model_fields.items()]
