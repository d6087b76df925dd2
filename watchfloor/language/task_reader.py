"""Reading what only tasks have: a named person with a role behind them, checklists, attachments."""

from schemas.plan import TypeSpec
from watchfloor.language import codes
from watchfloor.language.document import Field, Item, Seat
from watchfloor.language.gate_reader import read_seat
from watchfloor.language.nodes import Mapping, Node, Scalar
from watchfloor.language.reading import (
    Keys,
    boolean,
    list_of,
    name,
    open_mapping,
    pairs_of,
    runbook_id,
    text,
)
from watchfloor.language.report import Report
from watchfloor.language.type_reader import read_type

MAX_CHECKLIST = 50
ATTACHMENT = "attachment"
REFERENCE = "sha256:[0-9a-f]{64}"
"""What a reference of the evidence store looks like."""


def read_assignee(node: Node, report: Report) -> tuple[Seat, Scalar | None] | None:
    """A seat, or `{person: ops-1, else: ops_lead}`: a person, and the role that does it when they are not there."""
    if not isinstance(node, Mapping) or (node.get("person") is None and node.get("else") is None):
        seat = read_seat(node, report)
        return None if seat is None else (seat, None)
    keys = Keys(node, report, "this assignee")
    person = keys.take("person", runbook_id, required=True)
    seat = keys.take(
        "else", read_seat, required=True, hint="the role that does it if they are not there: `else: ops_lead`"
    )
    return (seat, person) if keys.close() and seat is not None and person is not None else None


def read_checklist(node: Node, report: Report) -> tuple[Item, ...] | None:
    """`[{id: number, do: Check the number}, ...]`, no id twice."""
    found = list_of(_read_item, "items", at_least=1, at_most=MAX_CHECKLIST)(node, report)
    for place, one in enumerate(found or ()):
        if any(before.name.value == one.name.value for before in (found or ())[:place]):
            report.add(
                codes.DUPLICATE_ID, one.name.span, f"a second item `{one.name.value}`", expected="an id of its own"
            )
            return None
    return found


def _read_item(node: Node, report: Report) -> Item | None:
    keys = open_mapping(node, report, "an item of a checklist", "- {id: number, do: Check the number}")
    if keys is None:
        return None
    id_ = keys.take("id", name, required=True)
    do = keys.take("do", text, required=True)
    optional = keys.take("optional", boolean)
    return Item(id_, do, bool(optional)) if keys.close() and id_ is not None and do is not None else None


def read_form_fields(node: Node, report: Report) -> tuple[Field, ...] | None:
    """The fields of a form: names and types, `attachment` among them."""
    pairs = pairs_of(name, _read_field, "names and types")(node, report)
    return None if pairs is None else tuple(Field(key, spec, key.span) for key, spec in pairs)


def _read_field(node: Node, report: Report) -> TypeSpec | None:
    made: TypeSpec = {"type": "ref", "pattern": REFERENCE, "attachment": True}
    if isinstance(node, Scalar) and node.value == ATTACHMENT:
        return made
    kind = node.get("type") if isinstance(node, Mapping) else None
    if not isinstance(kind, Scalar) or kind.value != ATTACHMENT:
        return read_type(node, report)
    assert isinstance(node, Mapping)
    keys = Keys(node, report, "this attachment")
    keys.take("type", name)
    optional = keys.take("optional", boolean)
    if not keys.close():
        return None
    if optional is not None:
        made["optional"] = optional
    return made
