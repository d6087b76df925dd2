"""Reading the `run` step: another runbook, what it is given, how it is linked."""

from watchfloor.language import codes
from watchfloor.language.document import Each, Run
from watchfloor.language.nodes import Node
from watchfloor.language.reading import (
    VALUES,
    Keys,
    boolean,
    expression,
    free_name,
    integer,
    open_mapping,
    runbook_id,
)
from watchfloor.language.report import Report

MAX_AT_ONCE = 200
LATER = {
    "each": ("run.each", "put the step into a `for_each:`"),
    "key": ("run.key", "let the trigger's own key keep the same thing from starting twice"),
    "known_at": ("run.known_at", "give the instant as an input: `with: {known_at: …}`"),
    "reroute": ("run.reroute", "start it with `wait: false` and end this run with `stop:`"),
}


def read_run(keys: Keys) -> Run | None:
    keys.later(LATER)
    runbook = keys.take("run", runbook_id, required=True)
    with_ = keys.take("with", VALUES) or ()
    wait = keys.take("wait", boolean)
    each = keys.take("each", read_each)
    key = keys.take("key", expression)
    known_at = keys.take("known_at", expression)
    reroute = keys.take("reroute", boolean) or False
    if reroute:
        for other, why in (("wait", "a moved incident leaves nothing to wait for"), ("each", "it can move once only")):
            if keys.has(other):
                keys.broken = True
                span = next(found.span for found, _ in keys.node.entries if found.value == other)
                keys.report.add(codes.CONTRADICTION, span, f"`{other}` and `reroute` exclude each other", help=why)
    return None if runbook is None else Run(runbook, with_, wait, each, key, known_at, reroute, runbook.span)


def read_each(node: Node, report: Report) -> Each | None:
    """`{item: url, in: inputs.urls, at_once: 20}`."""
    keys = open_mapping(node, report, "`each`", "each: {item: account, in: inputs.accounts}")
    if keys is None:
        return None
    item = keys.take("item", free_name, required=True)
    in_ = keys.take("in", expression, required=True)
    at_once = keys.take("at_once", integer(1, MAX_AT_ONCE, codes.TOO_WIDE))
    return Each(item, in_, at_once) if keys.close() and item and in_ else None


def read_member(node: Node, report: Report) -> Each | None:
    """`{item: order, in: inputs.orders}`: one clock per member."""
    keys = open_mapping(node, report, "`each`", "each: {item: order, in: inputs.orders}")
    if keys is None:
        return None
    item = keys.take("item", free_name, required=True)
    in_ = keys.take("in", expression, required=True)
    return Each(item, in_) if keys.close() and item and in_ else None
