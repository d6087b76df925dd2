"""Approving less than was asked, in a run: the gate asks anew over the narrowed inputs, and the action gets no others.

A narrowing takes effect in the handler, whole and at once: new inputs, new key, new digests, a new round without
answers. So no decision over the old digest counts a moment later, whether the run is paused or about to continue as
new. What is left stands in the state, so that a retry of the step asks for no more; it holds while the step itself asks
for the same.
The ladder and the deadline stay where they are. Ledger: `decision.narrowed`, and the old round's end and the new one's
beginning as at any ask.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from schemas.decision import Envelope, Narrowed, OpenAsk
from schemas.incident import Carried
from schemas.json_value import Json
from schemas.ledger import EntryKind
from schemas.plan import Undo, Value
from watchfloor.signing import action_digest, ask_digest, effect_key, envelope_digest, render_instant
from watchfloor.signing.narrowing import describe_left_out
from watchfloor.signing.standing import DELEGATE, NARROW
from workflows.journal import Journal
from workflows.notices import Desk


def narrow_ask(ask: OpenAsk, checked: Envelope, desk: Desk, journal: Journal, now: datetime, roles: list[str]) -> None:
    """Ask anew for what a narrowing leaves; it has been checked. Who was asked is told by the run (`tell`)."""
    body, was = checked["body"], ask["ask"]
    void = [envelope_digest(one) for one in ask["answers"]]
    answered = [str(one["body"]["person"]) for one in ask["answers"]]
    _shrink(ask, checked, desk, now)
    data: dict[str, Json] = {
        "ask": was,
        "now": ask["ask"],
        "role": body["role"],
        "entity": body["entity"],
        "signed_in": body["signed_in"],
        "statement": envelope_digest(checked),
        "kid": checked["kid"],
        "reason_ref": body["reason_ref"],
        "left_out": describe_left_out(ask["narrowed"]),
        "void": void,
        "answered": answered,
    }
    step, path = ask["step"], ask["path"]
    journal.note(EntryKind.NARROWED, step=step, path=path, actor=str(body["person"]), data=data)
    journal.note(EntryKind.SETTLED, step=step, path=path, data={"ask": was, "void": True, "reason": "narrowed"})
    _note_asked(ask, journal)
    ask.setdefault("tell", []).append({"at": render_instant(now), "kind": "narrowed", "roles": roles})


def _note_asked(ask: OpenAsk, journal: Journal) -> None:
    roles = dict.fromkeys(role for seats in ask["options"].values() for slot in seats for role in slot["any_of"])
    data: dict[str, Json] = {
        "kind": ask["kind"],
        "ask": ask["ask"],
        "round": ask["round"],
        "options": list(ask["options"]),
        "roles": list(roles),
        "deadline_at": ask["deadline_at"],
    }
    journal.note(EntryKind.ASKED, step=ask["step"], path=ask["path"], data=data)


def _shrink(ask: OpenAsk, checked: Envelope, desk: Desk, now: datetime) -> None:
    """Put what is left in the place of what was asked, in a new round without answers and without delegations."""
    body = checked["body"]
    ask["narrows"].setdefault("whole", ask["action_digest"])
    wanted = cast("dict[str, Json]", body["about"]["inputs"])
    first: Narrowed = {"original": {}, "to": {}, "by": []}
    known = ask.get("narrowed", first)
    ask["narrowed"] = {
        "original": {**{name: ask["inputs"][name] for name in wanted}, **known["original"]},
        "to": {**known["to"], **wanted},
        "by": [
            *known["by"],
            {
                "person": str(body["person"]),
                "role": str(body["role"]),
                "at": render_instant(now),
                "statement": envelope_digest(checked),
                "reason_ref": str(body["reason_ref"]),
            },
        ],
    }
    ask["inputs"] = {**ask["inputs"], **wanted}
    key = effect_key(
        region=desk.region,
        incident=desk.incident,
        plan=desk.plan,
        path=ask["path"],
        item=ask["narrows"]["item"],
        inputs=ask["inputs"],
        action=ask["action"],
    )
    ask["action_digest"] = action_digest(ask["action"], key, ask["inputs"])
    _begin_round(ask, body)


def _begin_round(ask: OpenAsk, said: Mapping[str, Json]) -> None:
    """Ask anew, without the answers to what was asked before; `said` is the body of a statement made in this run."""
    ask["round"] = ask.get("round", 0) + 1
    ask["answers"], ask["accepted_at"] = [], []
    # a seat was given away over what was asked then; who gave it may give it again
    kept = [
        (one, at)
        for one, at in zip(ask.get("motions", []), ask.get("moved_at", []), strict=True)
        if one["body"]["verb"] != DELEGATE
    ]
    ask["motions"], ask["moved_at"] = [one for one, _ in kept], [at for _, at in kept]
    place: dict[str, Any] = {name: said[name] for name in ("region", "namespace", "incident", "plan")}
    ask["ask"] = ask_digest(ask, **place)


def widen_ask(ask: OpenAsk, void: Sequence[Envelope], journal: Journal) -> None:
    """Ask about the whole again when one of the narrowings is void: nobody narrows under a key that counts for
    nothing, or from aside. What others narrowed further, and approved, was over its rest. Not once the action is with a
    worker."""
    voided = [one for one in void if one["body"].get("verb") == NARROW]
    if not voided or "narrowed" not in ask or "acting" in ask:
        return
    was = ask["ask"]
    ask["inputs"] = {**ask["inputs"], **ask.pop("narrowed")["original"]}
    ask["action_digest"] = ask["narrows"].pop("whole")
    ask.pop("chosen", None)
    _begin_round(ask, voided[0]["body"])
    step, path = ask["step"], ask["path"]
    journal.note(EntryKind.SETTLED, step=step, path=path, data={"ask": was, "void": True, "reason": "widened"})
    _note_asked(ask, journal)


def keep_narrowed(state: Carried, ask: OpenAsk) -> None:
    """Remember what an ask was narrowed to, beyond the ask itself."""
    state.setdefault("narrowed", {})[ask["path"]] = ask["narrowed"]
    state["loops"][f"{ask['path']}!round"] = ask["round"]


def forget_widened(state: Carried, ask: OpenAsk | None) -> None:
    """Forget what an ask was narrowed to when it asks about the whole again."""
    if ask is not None and "narrowed" not in ask and ask["path"] in state.get("narrowed", {}):
        del state["narrowed"][ask["path"]]
        state["loops"][f"{ask['path']}!round"] = ask["round"]


def narrow_inputs(state: Carried, path: str, inputs: dict[str, Json]) -> dict[str, Json]:
    """A step's inputs without what approvers left out.

    A step that asks for something else by now was not narrowed: what people left out of another request says nothing
    about this one, so it is forgotten and they are asked about the whole.
    """
    known = state.get("narrowed", {}).get(path)
    if known is None:
        return inputs
    if any(inputs.get(name) != value for name, value in known["original"].items()):
        del state["narrowed"][path]
        return inputs
    return {**inputs, **known["to"]}


def narrow_undo(
    state: Carried, path: str, undo: Undo, with_: dict[str, Value], filled: dict[str, Json]
) -> dict[str, Json]:
    """The inputs of an undo, over what was done and no more: what has a narrowed input's name or value is narrowed."""
    known = state.get("narrowed", {}).get(path)
    if known is None:
        return filled
    narrowed = dict(filled)
    for name in filled:
        for of, left in known["to"].items():
            if name == of or undo["with_"][name] == with_.get(of):
                narrowed[name] = left
    return narrowed


def find_left_out(state: Carried, path: str) -> dict[str, Json]:
    """What of an action was left out, for its result; empty when it was done as asked."""
    known = state.get("narrowed", {}).get(path)
    return describe_left_out(known) if known is not None else {}
