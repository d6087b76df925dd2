"""What a process that outlives an incident is told beside its own business: who has its pages, who stands aside.

A hold, an offer that came in and a review page people too; nobody who acknowledges is as bad there as in an incident,
so their pages climb by the same policy (`workflows.pages`). The incident may have closed long ago: what is to be said
is said to the process itself, by the same signed statements. Ledger entries (chain: the process's id): `page.*`,
`person.recused`, `person.unrecused`, `decision.voided`.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from schemas.decision import CONTROL, Envelope, Receipt, RefusalType
from schemas.incident import Board
from schemas.json_value import Json
from schemas.ledger import EntryKind
from schemas.paging import Page, PagingPolicy, SeverityTimes
from watchfloor.signing import Refusal, envelope_digest, parse_instant, render_instant
from watchfloor.signing.gates import CLOCK_SKEW
from workflows.human import HumanSteps
from workflows.journal import Journal
from workflows.notices import Desk, Notices
from workflows.page_verbs import refuse_ack, take_ack
from workflows.pages import Pages
from workflows.reception import name_signer, open_statement
from workflows.standing_aside import is_person, stand_aside
from workflows.ticking import tick

COUNSEL = "legal_counsel"
VERBS = ("ack", "recuse", "unrecuse")
_TEXTS = ("region", "namespace", "incident", "verb", "person", "role", "issued_at", "expires_at", "nonce", "reason_ref")


class ProcessDesk:
    """The pages of one process and the statements about them; a `workflows.pages.PageDesk`.

    Durable: `carry()` must be given back as `carried` after continue-as-new. Without a policy in the start no page is
    kept and nothing climbs.

    Args:
        process: which of the policy's `processes` it is; those of `severity` count where that is given.
        over: whether what a page is about has ended, where it is about no ask.
    """

    def __init__(
        self,
        start: Mapping[str, Any],
        desk: Desk,
        journal: Journal,
        notices: Notices,
        human: HumanSteps,
        *,
        process: str,
        severity: str = "",
        over: Callable[[Page], bool] = lambda page: False,
        carried: Mapping[str, Any] | None = None,
    ) -> None:
        self.start = start
        self.journal = journal
        self.notices = notices
        self.human = human
        self.stopped = False
        self.state: dict[str, Any] = {"severity": severity, "clocks": {}, **(carried or {})}
        self.pages = Pages(self, self._find_times, over)
        self._desk = desk
        self._process = process
        if self.pages.is_on:
            notices.listener = self.pages
            human.heard = self.pages.heard
            human.passed_on = self._pass_on

    @property
    def now(self) -> str:
        return render_instant(workflow.now())

    async def climb(self) -> None:
        """Run beside the process until `rest`; does nothing where no policy was given."""
        if self.pages.is_on:
            await tick(self, self.pages.find_next, self.pages.take_due)

    def rest(self) -> None:
        """The process is ending: what waits is settled, and `climb` ends."""
        self.pages.settle_all()
        self.stopped = True

    def carry(self) -> dict[str, Any]:
        """What must survive continue-as-new; empty where there is nothing."""
        return {name: self.state[name] for name in ("pages", "paged") if name in self.state}

    def draw(self, board: Board) -> Board:
        """Put the pages on the board, and when each climbs."""
        if self.pages.is_on and board["state"] != "failed":
            open_ = list(self.state.get("pages", {}).values())
            board["pages"] = open_
            board["page_dues"] = {
                page["id"]: render_instant(due) for page in open_ if (due := self.pages.due_of(page)) is not None
            }
        return board

    def refuse(self, envelope: object, also: str = "") -> tuple[Envelope, dict[str, Json]]:
        """Check a statement, hostile until this returns. Changes nothing.

        Args:
            also: what else the process can be told, for the message.

        Raises:
            ApplicationError: non-retryable, its type one of `RefusalType`.
        """
        found = self._check(envelope, also)
        if isinstance(found, Refusal):
            raise ApplicationError(found.message, type=found.type, non_retryable=True)
        return found

    def accept(self, envelope: object, also: str = "") -> Receipt:
        """Carry out a statement; checks everything once more.

        Raises:
            ApplicationError: as `refuse`.
        """
        checked, body = self.refuse(envelope, also)
        mark = envelope_digest(checked)
        self.human.seen.extend([mark, f"nonce:{body['nonce']}"])
        written = len(self.journal.entries)
        match body["verb"]:
            case "ack":
                take_ack(self, body, mark)
            case verb:
                self._set_aside(body, mark, recused=verb == "recuse")
        name_signer(self._desk, self.journal, written, mark, checked)
        return {"accepted": True, "digest": mark, "state": "recorded", "waiting_for": []}

    def _check(self, envelope: object, also: str) -> Refusal | tuple[Envelope, dict[str, Json]]:
        opened = open_statement(
            envelope,
            domain=CONTROL,
            texts=_TEXTS,
            instants=("issued_at", "expires_at"),
            desk=self._desk,
            seen=self.human.seen,
            now=workflow.now(),
        )
        if isinstance(opened, Refusal):
            return opened
        body, now = opened[1], workflow.now()
        if body["verb"] not in VERBS:
            told = ", ".join([*VERBS, *([also] if also else [])])
            return Refusal(RefusalType.UNKNOWN_OPTION, f"this can be told to {told}")
        if now > parse_instant(body["expires_at"]):
            return Refusal(RefusalType.LATE, f"this was valid until {body['expires_at']}; say it again")
        if parse_instant(body["issued_at"]) > now + CLOCK_SKEW:
            return Refusal(RefusalType.BAD_SIGNATURE, "this was issued in the future; check the sender's clock")
        if self.stopped:
            return Refusal(RefusalType.CLOSED, "this has ended")
        return (refuse_ack(self, body) if body["verb"] == "ack" else self._refuse_aside(body)) or opened

    def _refuse_aside(self, body: dict[str, Json]) -> Refusal | None:
        """Of what outlives its incident counsel alone says who stands aside: nobody commands it."""
        about = body.get("about")
        person = about.get("person") if isinstance(about, dict) and set(about) == {"person"} else None
        if not is_person(person):
            return Refusal(RefusalType.BAD_VALUE, "`about` of the statement has exactly `person`, an id")
        if body["role"] != COUNSEL:
            return Refusal(RefusalType.WRONG_ROLE, f"{COUNSEL} may do this; you spoke as {body['role']}")
        if not body["reason_ref"]:
            return Refusal(RefusalType.BAD_VALUE, f"to {body['verb']} needs a reason")
        if (person in self._desk.recused) == (body["verb"] == "recuse"):
            state = "stands aside already" if body["verb"] == "recuse" else "does not stand aside"
            return Refusal(RefusalType.NOT_WAITING, f"`{person}` {state}")
        return None

    def _set_aside(self, body: dict[str, Json], mark: str, *, recused: bool) -> None:
        person = str(cast(dict[str, Json], body["about"])["person"])
        self.journal.note(
            EntryKind.RECUSED if recused else EntryKind.UNRECUSED,
            actor=str(body["person"]),
            data={"person": person, "statement": mark, "role": body["role"], "reason_ref": body["reason_ref"]},
        )
        if not recused:
            self._desk.recused.remove(person)
            return
        nth = workflow.info().get_current_history_length()
        stand_aside(self._desk.recused, self.human.asks, self.journal, self.notices, person, nth)
        self.pages.give_back(person)

    def _pass_on(self, person: str, recused: bool) -> None:
        if recused:
            self.pages.give_back(person)

    def _find_times(self, policy: PagingPolicy, page: Page) -> SeverityTimes | None:
        if self.state["severity"]:
            return policy["severities"].get(self.state["severity"])
        known = policy.get("processes", {})
        return known.get(page["kind"]) or known.get(self._process)


def verb_of(envelope: object) -> str:
    """What a statement says it is; nothing of it is believed yet."""
    body = envelope.get("body") if isinstance(envelope, dict) else None
    verb = body.get("verb") if isinstance(body, dict) else None
    return verb if isinstance(verb, str) else ""
