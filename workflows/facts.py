"""Facts of a run: append-only, each from a declared source; revised only where the plan says who may.

A fact is never taken back and never overwritten unseen: a revision keeps the old value, names who and why, and moves
a clock's deadline later only when counsel says so. Ledger entry: `fact.recorded`.
"""

from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from schemas.decision import FACT, Receipt, RefusalType
from schemas.incident import Carried, FactState, Trigger
from schemas.json_value import Json
from schemas.ledger import EntryKind
from schemas.plan import Expr, FactSpec, Plan
from watchfloor.signing import Refusal, digest, envelope_digest, parse_instant, render_instant
from watchfloor.signing.step_up import SIGN_IN, WAYS, find_sign_in_fault
from workflows.journal import Journal
from workflows.notices import Desk
from workflows.reception import open_statement
from workflows.state import size_of
from workflows.values import find_fault

FUTURE = timedelta(minutes=1)
"""How far ahead of workflow time a fact may claim to have been observed."""
VALUE_LIMIT = 8 * 1024
COUNSEL = "legal_counsel"
KNOWN_AT, RECEIVED_AT = "trigger.known_at", "trigger.received_at"
CORRECTED_BY_PEOPLE = "what the run recorded itself is corrected by people"
_OWN = ("inputs.", "steps.", "trigger.")
"""Beginnings of sources that speak from inside: nobody outside may speak for them."""

_TEXTS = (
    "region",
    "namespace",
    "incident",
    "fact",
    "at",
    "source",
    "person",
    "role",
    "issued_at",
    "nonce",
    "reason_ref",
)


class Facts:
    """Records facts into the run's state and checks those that come from outside."""

    def __init__(self, plan: Plan, state: Carried, journal: Journal, desk: Desk) -> None:
        self._plan = plan
        self._state = state
        self._journal = journal
        self._desk = desk
        self._roles = _name_roles(plan)
        self.version = 0
        """Grows with every fact written in this execution."""

    def record_inputs(self, inputs: dict[str, Json], received_at: str) -> None:
        """Record the facts that the run's own inputs give."""
        for name, spec in self._plan["facts"].items():
            for source in spec["sources"]:
                given = inputs.get(source.removeprefix("inputs.")) if source.startswith("inputs.") else None
                if given is not None and name not in self._state["facts"]:
                    at = given if spec["type"]["type"] == "timestamp" else received_at
                    self._write(name, given, at, source, "engine", "")

    def record_trigger(self, trigger: Trigger) -> None:
        """Record the facts that the trigger gives; an earlier knowledge moves one that is known to the earlier instant.

        Whoever declared them takes what the first sender knew: knowledge is never undone by a later sender.
        """
        for name, spec in self._plan["facts"].items():
            for source in spec["sources"]:
                given = knowledge(trigger) if source == KNOWN_AT else None
                if source == RECEIVED_AT:
                    given = trigger["received_at"]
                known = self._state["facts"].get(name)
                if given is None or (known is not None and not _is_earlier(source, given, known)):
                    continue
                self._write(name, given, given, source, "engine", "")

    def record_given(self, given: dict[str, FactState]) -> None:
        """Record what an incident that moves here knew, where this plan has a fact of that name and type; it keeps
        when it was observed, from where, and its revisions."""
        for name, fact in given.items():
            spec = self._plan["facts"].get(name)
            if spec is None or name in self._state["facts"] or _find_value_fault(spec, fact["value"]):
                continue
            self._write(name, fact["value"], fact["at"], fact["source"], fact["by"], "")
            self._state["facts"][name]["revisions"] = list(fact["revisions"])

    def record_step(self, name: str, value: Json, step: str, path: str) -> Refusal | None:
        """Record what a step has found out; gives why it cannot be, None when it is recorded (or known already)."""
        spec, source = self._plan["facts"].get(name), f"steps.{step}"
        if spec is None or source not in spec["sources"]:
            return Refusal(RefusalType.WRONG_SOURCE, f"`{source}` is not a declared source of the fact `{name}`")
        now = render_instant(workflow.now())
        known = self._state["facts"].get(name)
        if known is not None and known["value"] == value:
            return None
        fault = _find_value_fault(spec, value)
        if fault:
            return Refusal(RefusalType.BAD_VALUE, f"the fact `{name}`: {fault}")
        if known is not None:
            # a step that runs again does not revise: the first observation stands
            return None
        self._write(name, value, value if spec["type"]["type"] == "timestamp" else now, source, "engine", path)
        return None

    def refuse(self, envelope: object) -> tuple[Any, dict[str, Json]]:
        """Check a fact from outside, hostile until this returns. Changes nothing.

        Raises:
            ApplicationError: non-retryable, its type one of `RefusalType`.
        """
        found = self._check(envelope, workflow.now())
        if isinstance(found, Refusal):
            raise ApplicationError(found.message, type=found.type, non_retryable=True)
        return found

    def accept(self, envelope: object) -> Receipt:
        """Record a fact from outside; checks everything once more.

        Raises:
            ApplicationError: as `refuse`.
        """
        checked, body = self.refuse(envelope)
        mark = envelope_digest(checked)
        self._state["seen"].extend([mark, f"nonce:{body['nonce']}"])
        self._write(
            body["fact"],
            body["value"],
            render_instant(parse_instant(body["at"])),
            body["source"],
            body["person"] or body["source"],
            "",
            statement=mark,
            role=body["role"],
            reason_ref=body["reason_ref"],
            kid=checked["kid"] if self._desk.root else "",
            sign_in={name: body[name] for name in SIGN_IN if name in body},
        )
        return {"accepted": True, "digest": mark, "state": "recorded", "waiting_for": []}

    def _check(self, envelope: object, now: datetime) -> Refusal | tuple[Any, dict[str, Json]]:
        opened = open_statement(
            envelope,
            domain=FACT,
            texts=_TEXTS,
            instants=("at", "issued_at"),
            desk=self._desk,
            seen=self._state["seen"],
            now=now,
        )
        if isinstance(opened, Refusal):
            return opened
        body = opened[1]
        malformed = _find_sign_in_fault(body)
        if malformed:
            return Refusal(RefusalType.BAD_VALUE, malformed)
        name, source = body["fact"], body["source"]
        spec = self._plan["facts"].get(name)
        if spec is None:
            known = ", ".join(self._plan["facts"])
            return Refusal(RefusalType.UNKNOWN_FACT, f"this runbook has no fact `{name}`; it has: {known}")
        if not self._is_reviser(name, spec, body) and (source not in spec["sources"] or source.startswith(_OWN)):
            outside = [one for one in spec["sources"] if not one.startswith(_OWN)]
            return Refusal(
                RefusalType.WRONG_SOURCE, f"`{name}` is taken from {', '.join(outside) or 'the run itself only'}"
            )
        if source in self._roles and body["role"] != source:
            return Refusal(RefusalType.WRONG_ROLE, f"`{name}` is stated by {source}; you spoke as {body['role']}")
        if parse_instant(body["at"]) > now + FUTURE:
            return Refusal(RefusalType.BAD_VALUE, "the fact lies in the future; `at` is when it was observed")
        fault = _find_value_fault(spec, body.get("value"))
        if fault:
            return Refusal(RefusalType.BAD_VALUE, f"the fact `{name}`: {fault}")
        if spec["type"]["type"] == "timestamp" and parse_instant(body["value"]) > now + FUTURE:
            return Refusal(RefusalType.BAD_VALUE, f"the instant of `{name}` lies in the future")
        return self._refuse_revision(name, spec, body) or opened

    def _is_reviser(self, name: str, spec: FactSpec, body: dict[str, Json]) -> bool:
        """Whether somebody who may revise a fact that is recorded speaks for themselves: what a step or an input said
        is corrected by a person, who is then its source. A fact that was kept and refused before this was a rule stays
        refused; what a validator says is in no history."""
        by = (spec["revise"] or {}).get("by", [])
        if name not in self._state["facts"] or body["source"] != body["role"] or body["role"] not in by:
            return False
        if body["source"] in spec["sources"]:
            return False  # nothing to lift
        return workflow.unsafe.is_read_only() or workflow.patched(CORRECTED_BY_PEOPLE)

    def _refuse_revision(self, name: str, spec: FactSpec, body: dict[str, Json]) -> Refusal | None:
        known = self._state["facts"].get(name)
        if known is None:
            return None
        if spec["revise"] is None:
            return Refusal(
                RefusalType.REPEATED, f"`{name}` is recorded since {known['recorded_at']} and is not revised"
            )
        by = list(spec["revise"].get("by", ()))
        if body["role"] not in by:
            return Refusal(
                RefusalType.WRONG_ROLE, f"`{name}` is revised by {' or '.join(by)}; you spoke as {body['role']}"
            )
        if spec["revise"].get("reason") == "required" and not body["reason_ref"]:
            return Refusal(RefusalType.BAD_VALUE, f"a revision of `{name}` needs a reason")
        if self._moves_later(name, spec, known, body["value"]) and body["role"] != COUNSEL:
            return Refusal(RefusalType.WRONG_ROLE, f"only {COUNSEL} may move a deadline later by revising `{name}`")
        return None

    def _moves_later(self, name: str, spec: FactSpec, known: FactState, value: Json) -> bool:
        """A later start, restart or end of a pause moves a deadline later; so does an earlier begin of a pause, and any
        other renewal."""
        if spec["type"]["type"] != "timestamp":
            return False
        variable, before, after = f"facts.{name}", parse_instant(known["value"]), parse_instant(value)
        for clock in self._plan["clocks"].values():
            pauses = clock.get("pause", {}).values()
            if _reads(variable, clock.get("renew")) and clock["law"]["kind"] != "min_retention" and after != before:
                return True
            if after < before and _reads(variable, *(one["since"] for one in pauses)):
                return True
            later = (clock["start"], clock["restart"], *(one["until"] for one in pauses))
            if after > before and _reads(variable, *later):
                return True
        return False

    def _write(
        self,
        name: str,
        value: Json,
        at: str,
        source: str,
        by: str,
        path: str,
        *,
        statement: str = "",
        role: str = "",
        reason_ref: str = "",
        kid: str = "",
        sign_in: dict[str, Json] | None = None,
    ) -> None:
        self.version += 1
        known = self._state["facts"].get(name)
        revisions = []
        if known is not None:
            before = {key: known[key] for key in ("value", "at", "recorded_at", "source", "by")}
            revisions = [*known["revisions"], {**before, "revised_by": by, "reason_ref": reason_ref}]
        self._state["facts"][name] = {
            "value": value,
            "at": at,
            "recorded_at": render_instant(workflow.now()),
            "source": source,
            "by": by,
            "revisions": revisions,
        }
        data = {
            "fact": name,
            "value": value if self._is_plain(name) else "",
            "value_digest": digest(value),
            "observed_at": at,
            "source": source,
            "role": role,
            "statement": statement,
            "revision": len(revisions),
            "reason_ref": reason_ref,
            **({"kid": kid} if kid else {}),
            **(sign_in or {}),
        }
        self._journal.note(EntryKind.FACT, path=path, actor=by, data=data)

    def _is_plain(self, name: str) -> bool:
        """Instants, counts and yes or no stand in the ledger as they are; texts only as their digest."""
        return self._plan["facts"][name]["type"]["type"] in {"timestamp", "bool", "int", "number", "duration"}


def knowledge(trigger: Trigger) -> str:
    """When this was first known: as the sender says, else when it arrived."""
    return trigger.get("known_at") or trigger["received_at"]


def _is_earlier(source: str, given: str, known: FactState) -> bool:
    """Whether another delivery of the same thing says that it was known before; what a person has said stands."""
    if source != KNOWN_AT or known["source"] != KNOWN_AT or not isinstance(known["value"], str):
        return False
    return parse_instant(given) < parse_instant(known["value"])


def _reads(variable: str, *exprs: Expr | None) -> bool:
    return any(expr is not None and variable in expr["vars"] for expr in exprs)


def _find_sign_in_fault(body: dict[str, Json]) -> str:
    """What is malformed in what a fact says of how its person signed in; it says nothing of it at all from before."""
    said = [name for name in (*SIGN_IN, "step_up") if name in body]
    if not said:
        return ""
    if not body["person"]:
        return f"nobody signed in for a system's report; found `{said[0]}`"
    if body.get("signed_in") not in WAYS:
        return f"`signed_in` of the statement is none of {', '.join(WAYS)}"
    if "step_up" in body:
        return "no security key is touched for a fact; found `step_up`"
    return find_sign_in_fault(body)


def _find_value_fault(spec: FactSpec, value: Json) -> str:
    try:
        if size_of(value) > VALUE_LIMIT:
            return f"found more than {VALUE_LIMIT} bytes, expected a reference"
    except ValueError:
        return "found a value that is not JSON"
    return find_fault(spec["type"], value)


def _name_roles(plan: Plan) -> frozenset[str]:
    """The sources of facts that are people's roles: whoever may be asked or paged somewhere in this plan."""
    found: set[str] = {"incident_commander", COUNSEL}

    def gather(value: object) -> None:
        if isinstance(value, dict):
            for key, one in value.items():
                if key in {"any_of", "escalate", "ask"} and isinstance(one, list):
                    found.update(text for text in one if isinstance(text, str))
                gather(one)
        elif isinstance(value, list):
            for one in value:
                gather(one)

    gather({"phases": plan["phases"], "tracks": plan["tracks"]})
    return frozenset(found)
