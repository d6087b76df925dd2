"""The lines of a record of what was done by hand: checked against plan, directory and run, each with its signature."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from schemas.decision import CONTROL, FACT, Control, Envelope, FactStatement
from schemas.incident import Board
from schemas.json_value import Json
from schemas.plan import Plan, TypeSpec
from watchfloor.client.errors import InputsRefused
from watchfloor.client.face import Face
from watchfloor.client.forms import from_text
from watchfloor.client.inputs import validate_inputs, validate_value
from watchfloor.client.orders import Order
from watchfloor.client.outside import fill_outputs, find_doable, find_paths, find_speaking
from watchfloor.client.permission import about_plan, about_run, require_permission
from watchfloor.client.statements import DEV, SignIn, keep_reason, require_role
from watchfloor.identity.people import Person
from watchfloor.language.graph_clocks import list_steps
from watchfloor.paper.record import DecidedLine, DoneLine, FactLine, Record, RecordRefused
from watchfloor.signing import canonical, render_instant
from watchfloor.signing.outside import fields_of, find_recording, needs_second, options_of

VALID_FOR = timedelta(days=1)
"""How long what is in a start may wait for a worker."""
_INSIDE = ("inputs.", "steps.", "trigger.")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that a record says. `known`: the run has it already, so it is not sent. `make` signs it."""

    where: str
    words: str
    known: bool
    make: Callable[[], Envelope]


class HandReader:
    """Reads the lines of one record for one person against one plan."""

    def __init__(
        self,
        face: Face,
        record: Record,
        plan: Plan,
        someone: Person,
        role: str | None,
        incident: str,
        own: Board | None,
        now: datetime,
        signed_in: SignIn = DEV,
    ) -> None:
        self._face, self._record, self._plan = face, record, plan
        self._someone, self._role, self._incident, self._own, self._now = someone, role, incident, own, now
        self._signed_in = signed_in

    def check_head(self, digest: str) -> Iterator[str]:
        """What is wrong with the record as a whole."""
        document = self._record.document
        if self._own is not None and self._own["runbook"] not in {document.runbook, ""}:
            yield (
                f"{self._record.where('runbook')}: {self._incident} carries out `{self._own['runbook']}`, "
                f"not `{document.runbook}`"
            )
        if document.plan and document.plan != digest:
            yield (
                f"{self._record.where('plan')}: it was printed from another version of the runbook (now "
                f"{digest[:19]}…); compare the steps, then correct `plan` or leave it out"
            )
        if document.requester and self._face.people.find(document.requester) is None:
            yield f"{self._record.where('requester')}: `{document.requester}` is not in the directory of people"
        if self._role is not None and self._role not in self._someone.roles:
            yield f"{self._record.where('by_hand')}: `{self._someone.id}` does not hold `{self._role}`"

    def make_order(self, faults: list[str]) -> Order | None:
        """The order that starts the incident, its inputs checked."""
        document = self._record.document
        declared = self._plan["inputs"]
        given = {name: _typed(declared.get(name), value) for name, value in document.inputs.items()}
        try:
            inputs = validate_inputs(declared, given, now=self._now)
        except InputsRefused as refused:
            for problem in refused.problems:
                name = problem.field.removeprefix("inputs.").partition("[")[0]
                place = ("inputs", name) if name in document.inputs else ("inputs",)
                faults.append(f"{self._record.where(*place)}: {problem}")
            return None
        received = document.received_at or document.known_at or render_instant(self._now)
        return Order(document.source, document.key, received, document.requester, inputs, known_at=document.known_at)

    def say_opening(self, order: Order | None) -> str:
        """What will be started, in words."""
        if order is None:
            return ""
        since = f", known since {order.known_at}" if order.known_at else ""
        return f"start `{self._plan['id']}` as {self._incident}, received {order.received_at}{since}"

    def read_fact(self, where: str, line: FactLine) -> list[Line]:
        """One fact; it is stated by whoever takes the record in."""
        spec = self._plan["facts"].get(line.fact)
        if spec is None:
            listed = ", ".join(f"`{name}`" for name in self._plan["facts"]) or "none"
            raise RecordRefused(f"`{self._plan['id']}` declares no fact `{line.fact}`; it has: {listed}")
        outside = [one for one in spec["sources"] if not one.startswith(_INSIDE)]
        if line.source not in outside:
            fix = "; it comes of a step: record that step under `done`" if not outside else ""
            raise RecordRefused(f"`{line.fact}` is taken from {', '.join(outside) or 'the run itself only'}{fix}")
        written = line.at if line.value in {None, ""} and spec["type"]["type"] == "timestamp" else line.value
        value = validate_value(spec["type"], _typed(spec["type"], written), field=f"facts.{line.fact}", now=self._now)
        role = self._role or (line.source if line.source in self._someone.roles else self._someone.roles[0])
        require_role(self._someone, role)
        self._permit("send_fact", role, line.fact)
        known = self._own["facts"].get(line.fact) if self._own is not None else None
        if known is not None and (known["value"] != value or known["at"] != line.at):
            raise RecordRefused(
                f"the run knows `{line.fact}` otherwise: {known['value']}, observed {known['at']} by {known['by']}; "
                "revise it with `watchfloor fact`, where the runbook lets you"
            )
        body = {"fact": line.fact, "value": value, "at": line.at, "source": line.source, "role": role}
        words = f"fact `{line.fact}` = {value}, observed {line.at}, from {line.source}"
        return [Line(where, words, known is not None, lambda: self._sign_fact(body, line.note))]

    def read_done(self, where: str, line: DoneLine) -> list[Line]:
        """One thing that was done, once for each item."""
        step = find_doable(self._plan, line.step)
        self._admit(*line.by, *line.witnesses)
        role = self._role or find_speaking(step, self._someone)
        if role not in find_recording(step):
            wanted = " or ".join(find_recording(step))
            raise RecordRefused(f"that `{step['id']}` was done is recorded by {wanted}; you speak as {role}")
        self._permit("control", role, "record_outside")
        given = {
            name: _typed(spec, line.outputs.get(name)) for name, spec in fields_of(step).items() if name in line.outputs
        }
        unknown = {name: value for name, value in line.outputs.items() if name not in given}
        outputs = fill_outputs(step, {**given, **unknown}, line.at, self._now)
        made: list[Line] = []
        for path in find_paths(self._plan, step, line.items):
            known = self._find_done(path, line.at)
            about: dict[str, Json] = {
                "path": path,
                "done_at": line.at,
                "by": list(line.by),
                "witnesses": list(line.witnesses),
                "outputs": dict(outputs),
            }
            second = "; a second person is asked to confirm it" if needs_second(step) else ""
            words = f"`{path}` done outside at {line.at} by {', '.join(line.by)}{second}"
            sign = _bind(self._sign_control, "record_outside", role, about, line.note)
            made.append(Line(where, words, known, sign))
        return made

    def _find_done(self, path: str, at: str) -> bool:
        """Whether the run knows it already.

        Raises:
            RecordRefused: it knows it with another time, or has done it itself.
        """
        if self._own is None:
            return False
        for record in self._own.get("outside", []):
            if record["path"] == path:
                if record["done_at"] != at:
                    raise RecordRefused(f"`{path}` is recorded as done outside at {record['done_at']} already")
                return True
        for done in self._own["steps"]:
            is_around = path == done["path"] or path.startswith((f"{done['path']}/", f"{done['path']}["))
            if is_around and done["state"] not in {"running", "waiting", "retrying"}:
                raise RecordRefused(f"the run has passed `{done['path']}` itself: {done['state']} at {done['since']}")
        return False

    def read_decided(self, where: str, line: DecidedLine) -> list[Line]:
        """One decision on paper."""
        steps = {step["id"]: step for step in list_steps(self._plan)}
        step = steps.get(line.step)
        options = options_of(step) if step is not None else ()
        if line.option not in options:
            known = ", ".join(options) or "asks nobody"
            raise RecordRefused(f"`{line.step}` has no option `{line.option}`: {known}")
        self._admit(line.by, *line.witnesses)
        decider = self._face.people.find(line.by)
        if decider is None or line.role not in decider.roles:
            raise RecordRefused(f"`{line.by}` does not hold `{line.role}`")
        role = self._role or self._someone.roles[0]
        self._permit("control", role, "record_decision")
        papers = self._own.get("on_paper", []) if self._own is not None else []
        same = (line.step, line.option, line.by, line.at)
        is_known = any((one["step"], one["option"], one["by"], one["decided_at"]) == same for one in papers)
        about: dict[str, Json] = {
            "step": line.step,
            "option": line.option,
            "by": line.by,
            "as": line.role,
            "decided_at": line.at,
            "witnesses": list(line.witnesses),
        }
        words = (
            f"`{line.option}` at `{line.step}` decided on paper by {line.by} as {line.role} at {line.at}; fills no seat"
        )
        return [Line(where, words, is_known, _bind(self._sign_control, "record_decision", role, about, line.note))]

    # -- people and permission ----------------------------------------------------------------------------------------

    def _admit(self, *people: str) -> None:
        for one in people:
            if self._face.people.find(one) is None:
                raise RecordRefused(f"`{one}` is not in the directory of people of `{self._face.region}`")

    def _permit(self, verb: str, role: str, option: str) -> None:
        about = about_run(self._own) if self._own is not None else replace(about_plan(self._plan), id=self._incident)
        require_permission(self._face, self._someone, verb, about, role=role, option=option, signed_in=self._signed_in)

    # -- signing ------------------------------------------------------------------------------------------------------

    def _sign_fact(self, said: Mapping[str, Json], note: str) -> Envelope:
        body = {
            **self._common(said),
            **said,
            "signed_in": self._signed_in.way,
            "reason_ref": keep_reason(self._face, self._note(note)),
        }
        if self._signed_in.methods:
            body["amr"] = list(self._signed_in.methods)
        return self._face.sign(FACT, cast("dict[str, Json]", cast(FactStatement, body)))

    def _sign_control(self, verb: str, role: str, about: Mapping[str, Json], note: str) -> Envelope:
        body = {
            **self._common({"verb": verb, **about}),
            "verb": verb,
            "role": role,
            "about": dict(about),
            "expires_at": render_instant(self._now + VALID_FOR),
            "reason_ref": keep_reason(self._face, self._note(note)),
        }
        if self._signed_in.way != "dev":
            body |= {"signed_in": self._signed_in.way, "amr": list(self._signed_in.methods)}
        return self._face.sign(CONTROL, cast("dict[str, Json]", cast(Control, body)))

    def _common(self, said: Mapping[str, Json]) -> dict[str, Any]:
        # the same line gives the same nonce, so that a run takes it once, whoever sends it however often
        mark = hashlib.sha256(canonical({"incident": self._incident, **said})).hexdigest()[:32]
        return {
            "v": 1,
            "region": self._face.region,
            "namespace": self._face.namespace,
            "incident": self._incident,
            "person": self._someone.id,
            "issued_at": render_instant(self._now),
            "nonce": mark,
        }

    def _note(self, note: str) -> str:
        return note or self._record.document.note


def _bind(
    sign: Callable[..., Envelope], verb: str, role: str, about: Mapping[str, Json], note: str
) -> Callable[[], Envelope]:
    return lambda: sign(verb, role, about, note)


def _typed(spec: TypeSpec | None, value: Any) -> Json:
    """Texts of the file as values of a type: everything in it is text until the plan says what it is."""
    if spec is not None and spec["type"] == "list" and isinstance(value, list):
        return [_typed(spec.get("of"), one) for one in value]
    return from_text(spec, value)
