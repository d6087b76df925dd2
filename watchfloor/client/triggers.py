"""From a delivery to an order: a runbook's `triggers` say which event starts it, with which inputs, under which key.

    delivery (JSON) ── `where` holds? ──> `map` gives the inputs ──> `dedup` gives the key ──> `Order`

Pure but for the expressions; the order's inputs are held against the runbook's declarations when it is started.
"""

import difflib
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from schemas.json_value import Json
from schemas.plan import Plan, TriggerSpec, TypeSpec, Value
from watchfloor.client.errors import InputProblem, InputsRefused, NotFound
from watchfloor.client.inputs import validate_value
from watchfloor.client.orders import Order, read_marks, read_past
from watchfloor.expressions import MISSING, EvaluationFailed, Lookup, Missing, evaluate, render
from watchfloor.signing import canonical, digest, render_instant

KEY: TypeSpec = {"type": "string", "max_length": 256}


def find_trigger(plan: Plan, source: str, kind: str | None = None) -> TriggerSpec:
    """The trigger of a plan by the name of its source.

    Raises:
        NotFound: the plan has none of that name (and kind); the nearest one is named.
    """
    here = [each for each in plan.get("triggers", []) if kind in {None, each["kind"]}]
    for trigger in here:
        if trigger["source"] == source:
            return trigger
    names = [each["source"] for each in here]
    near = difflib.get_close_matches(source[:80], names, n=1)
    listed = ", ".join(f"`{name}`" for name in names) or "no trigger of this kind"
    hint = f"; did you mean `{near[0]}`?" if near else ""
    raise NotFound(f"`{plan['id']}` has no trigger `{source[:80]}`; it has {listed}{hint}")


def order_of(
    plan: Plan,
    trigger: TriggerSpec,
    event: Mapping[str, Json],
    *,
    now: datetime,
    filled: Mapping[str, Json] | None = None,
    requester: str = "",
) -> Order | None:
    """The order that a delivery stands for; None when the trigger's `where` says that it starts nothing.

    Args:
        plan: of the runbook that has the trigger.
        event: the delivery's JSON; for a schedule `{"at": <instant>}`.
        now: aware UTC; an order is received now, one of a schedule at its instant.
        filled: what a person who starts it by hand gives beside what the trigger maps.
        requester: person id of who asks for it.

    Raises:
        InputsRefused: the delivery lacks what the trigger takes from it; every field is named.
    """
    at = render_instant(now)
    inputs: dict[str, Json] = {}

    def find(name: str) -> Json | Missing:
        root, _, rest = name.partition(".")
        if root == "now":
            return at
        if root == "inputs":
            return _descend(inputs, rest.split(".") if rest else [])
        return _descend(dict(event), rest.split(".") if rest else []) if root == "event" else MISSING

    if trigger["where"] is not None and not _holds(trigger, find):
        return None
    problems: list[InputProblem] = []
    for name, value in trigger["map"].items():
        if filled and name in filled:
            fix = "leave it out"
            problems.append(InputProblem(f"inputs.{name}", "a value", "nothing, the trigger gives it", fix))
        _fill(plan, name, value, find, inputs, problems)
    inputs.update({name: value for name, value in (filled or {}).items() if name not in trigger["map"]})
    key = _key_of(trigger, event, inputs, find, now, problems)
    said = {name: _say(trigger, name, find) for name in ("content", "account", "known_at")}
    content, account = (read_marks(said[name], name, now, problems) for name in ("content", "account"))
    known_at = read_past(said["known_at"], "known_at", now, problems)
    if problems:
        raise InputsRefused(problems)
    received_at = str(event["at"]) if trigger["kind"] == "schedule" else at
    return Order(trigger["source"], key, received_at, requester, inputs, content, account, known_at)


def _holds(trigger: TriggerSpec, find: Lookup) -> bool:
    """A condition over what the event does not have does not hold; the sender's other events are none of ours."""
    assert trigger["where"] is not None
    try:
        return evaluate(trigger["where"], find) is True
    except EvaluationFailed:
        return False


def _fill(
    plan: Plan, name: str, value: Value, find: Lookup, inputs: dict[str, Json], problems: list[InputProblem]
) -> None:
    try:
        inputs[name] = render(value, find)
    except EvaluationFailed as error:
        spec = plan["inputs"][name]
        if spec.get("optional") or "default" in spec:
            return
        expected = f"a {spec['type']} where the trigger's `map` looks for it"
        problems.append(InputProblem(f"inputs.{name}", f"no value: {error}", expected, "correct the event or `map`"))


def _key_of(
    trigger: TriggerSpec,
    event: Mapping[str, Json],
    inputs: Mapping[str, Json],
    find: Lookup,
    now: datetime,
    problems: list[InputProblem],
) -> str:
    """The key under which the same never starts twice. Without a `dedup`: a schedule's instant, the digest of what a
    person gave."""
    if trigger["dedup"] is None:
        if trigger["kind"] == "schedule":
            return str(event["at"])
        return digest(canonical(dict(inputs))).removeprefix("sha256:")
    try:
        key = validate_value(KEY, render(trigger["dedup"], find), field="dedup", now=now)
    except EvaluationFailed as error:
        fix = "correct the event or `dedup`"
        problems.append(InputProblem("dedup", f"no value: {error}", "the sender's own id of the thing", fix))
        return ""
    except InputsRefused as refused:
        problems.extend(refused.problems)
        return ""
    if not str(key).strip():
        problems.append(InputProblem("dedup", "empty text", "the sender's own id of the thing", "correct the event"))
    return str(key)


def _say(trigger: TriggerSpec, name: Literal["content", "account", "known_at"], find: Lookup) -> Json:
    """What the delivery says of its subject; over what the event does not have nothing is said."""
    value = trigger.get(name)
    try:
        return None if value is None else render(value, find)
    except EvaluationFailed:
        return None


def _descend(value: Json, parts: list[str]) -> Json | Missing:
    for part in parts:
        if not isinstance(value, dict) or part not in value:
            return MISSING
        value = value[part]
    return MISSING if value is None else value
