"""What happened, reported to a run by a person or by a system that a face has let in."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

from schemas.decision import FACT, FactStatement, RefusalType
from schemas.incident import SIGNAL_FACT, UPDATE_FACT
from schemas.json_value import Json
from schemas.plan import Plan
from watchfloor.client.errors import Refused
from watchfloor.client.face import Face
from watchfloor.client.forms import from_text
from watchfloor.client.inputs import validate_value
from watchfloor.client.permission import about_plan, require_permission
from watchfloor.client.refusals import leaves_refusal
from watchfloor.client.runs import plan_of
from watchfloor.client.statements import DEV, Sent, SignIn, admit_person, deliver, keep_reason, require_role
from watchfloor.signing import render_instant


@leaves_refusal("fact")
async def send_fact(
    face: Face,
    run: str,
    name: str,
    value: Json,
    *,
    source: str,
    person: str,
    role: str | None = None,
    reason: str = "",
    at: str | None = None,
    signed_in: SignIn = DEV,
    now: datetime | None = None,
) -> Sent:
    """Report a fact to an incident.

    Args:
        name: the fact as the runbook declares it.
        value: its value; for a timestamp also `now` or `-5m`; text is read according to the fact's type.
        source: the system or role that knows it; must be one of the fact's declared sources.
        at: when it was observed, an instant, `now` or `-5m`; for a timestamp fact its value by default, else now.

    Raises:
        Refused, InputsRefused, NotFound, EngineUnavailable: as in `send_decision`.
    """
    now = now or datetime.now(UTC)
    someone = admit_person(face, person, signed_in)
    plan = await plan_of(face, run)
    checked, observed = _read_fact(plan, name, value, at, now)
    held = someone.roles
    speaking_as = role or (source if source in held else held[0])
    require_role(someone, speaking_as)
    require_permission(
        face,
        someone,
        "send_fact",
        replace(about_plan(plan), id=run),
        role=speaking_as,
        option=name,
        signed_in=signed_in,
    )
    body: FactStatement = {
        "v": 1,
        "region": face.region,
        "namespace": face.namespace,
        "incident": run,
        "fact": name,
        "value": checked,
        "at": observed,
        "source": source,
        "person": someone.id,
        "role": speaking_as,
        "signed_in": signed_in.way,
        "issued_at": render_instant(now),
        "nonce": secrets.token_hex(16),
        "reason_ref": keep_reason(face, reason) if reason.strip() else "",
    }
    if signed_in.methods:
        body["amr"] = list(signed_in.methods)
    envelope = face.sign(FACT, cast(dict[str, Json], body))
    return await deliver(face, run, f"facts.{name}", envelope, UPDATE_FACT, SIGNAL_FACT)


async def send_machine_fact(
    face: Face, run: str, name: str, value: Json, *, source: str, nonce: str, at: str | None = None
) -> Sent:
    """Report a fact in the name of a system that the face has let in; no person speaks.

    Args:
        source: the system's name; must be one of the fact's declared sources, and no role's.
        nonce: the same for the same report: a run takes it once, however often it is sent.

    Raises:
        Refused, InputsRefused, NotFound, EngineUnavailable: as in `send_fact`.
    """
    now = datetime.now(UTC)
    plan = await plan_of(face, run)
    checked, observed = _read_fact(plan, name, value, at, now)
    body: FactStatement = {
        "v": 1,
        "region": face.region,
        "namespace": face.namespace,
        "incident": run,
        "fact": name,
        "value": checked,
        "at": observed,
        "source": source,
        "person": "",
        "role": "",
        "issued_at": render_instant(now),
        "nonce": nonce,
        "reason_ref": "",
    }
    envelope = face.sign(FACT, cast(dict[str, Json], body))
    return await deliver(face, run, f"facts.{name}", envelope, UPDATE_FACT, SIGNAL_FACT)


def _read_fact(plan: Plan, name: str, value: Json, at: str | None, now: datetime) -> tuple[Json, str]:
    """A fact's value as its type wants it, and the instant of its observation."""
    spec = plan["facts"].get(name)
    if spec is None:
        known = ", ".join(f"`{fact}`" for fact in plan["facts"]) or "none"
        raise Refused(RefusalType.UNKNOWN_FACT, f"`{plan['id']}` declares no fact `{name}`; it has: {known}")
    checked = validate_value(
        spec["type"], from_text(spec["type"], value), field=f"facts.{name}", now=now, relative=True
    )
    if at is None and spec["type"]["type"] == "timestamp":
        return checked, str(checked)
    return checked, str(validate_value({"type": "timestamp"}, at or "now", field="at", now=now, relative=True))
