"""Reading what surrounds an effect: its attempts, what takes it back, who is asked when it is in doubt."""

from watchfloor.language import codes
from watchfloor.language import document as doc
from watchfloor.language.nodes import Node, Scalar
from watchfloor.language.reading import (
    VALUES,
    dotted,
    duration,
    integer,
    number,
    open_mapping,
    unique_names,
    words,
)
from watchfloor.language.report import Report


def read_retry(node: Node, report: Report) -> doc.RetryRule | None:
    """Attempts, and the pauses between them."""
    keys = open_mapping(node, report, "`retry`", "retry: {times: 5, first: 1s, factor: 2, up_to: 30s}")
    if keys is None:
        return None
    rule = doc.RetryRule(
        keys.take("times", integer(1, 100)),
        keys.take("first", duration()),
        keys.take("factor", number(1, 10)),
        keys.take("up_to", duration()),
    )
    return rule if keys.close() else None


def read_undo(node: Node, report: Report) -> doc.UndoRule | None:
    """What takes the effect back and on which facts, or why nothing ever does."""
    if isinstance(node, Scalar) and node.value == "never":
        report.add(
            codes.NEVER_UNDONE,
            node.span,
            "`undo: never` does not say why",
            expected="a reason",
            help='write `undo: {never: "why it stays"}`',
        )
        return None
    keys = open_mapping(node, report, "`undo`", "undo: {on: [order_annulled]}")
    if keys is None:
        return None
    never = keys.take("never", words)
    action = keys.take("action", dotted)
    on = keys.take("on", unique_names) or ()
    with_ = keys.take("with", VALUES) or ()
    if keys.has("never") and (keys.has("action") or keys.has("on") or keys.has("with")):
        keys.exclude("never", "action", "an undo that never happens needs no action")
    if not keys.close():
        return None
    return doc.UndoRule(never, action, on, with_, node.span)


def read_doubt(node: Node, report: Report) -> doc.DoubtRule | None:
    """Who says what became of it, and how long they have."""
    keys = open_mapping(node, report, "`doubt`", "doubt: {ask: [incident_commander], within: 30m}")
    if keys is None:
        return None
    ask = keys.take("ask", unique_names, required=True)
    within = keys.take("within", duration())
    if within is None and not keys.has("within"):
        keys.miss("within", "how long they have", codes.NO_WINDOW)
    return doc.DoubtRule(ask, within) if keys.close() and ask and within else None
