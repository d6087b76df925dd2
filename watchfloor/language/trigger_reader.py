"""Reading `triggers`: what may start an incident of a runbook, and how a delivery becomes its inputs."""

from typing import Literal

from watchfloor.language import codes
from watchfloor.language.document import Trigger
from watchfloor.language.nodes import Node
from watchfloor.language.reading import VALUES, duration, expression, name, open_mapping, words
from watchfloor.language.report import Report

KINDS: tuple[Literal["manual", "webhook", "schedule"], ...] = ("manual", "webhook", "schedule")
SHORTEST = 60.0
"""Seconds between two starts of a schedule, at least."""


def read_trigger(node: Node, report: Report) -> Trigger | None:
    """`{webhook: authority_portal, where: …, map: {…}, dedup: …}`; the kind's value names where it comes from."""
    example = '- {webhook: portal, map: {order_id: "${{ event.id }}"}, dedup: "${{ event.id }}"}'
    keys = open_mapping(node, report, "a trigger", example)
    if keys is None:
        return None
    said = [kind for kind in KINDS if keys.has(kind)]
    if not said:
        keys.miss("manual", "what starts it: `manual:`, `webhook:` or `schedule:` with the name of its source")
    source = None
    for kind in KINDS:
        found = keys.take(kind, name)
        source = source or found
    where = keys.take("where", expression)
    map_ = keys.take("map", VALUES) or ()
    dedup = keys.take("dedup", words)
    content, account, known_at = (keys.take(key, words) for key in ("content", "account", "known_at"))
    every = keys.take("every", duration())
    if len(said) > 1:
        span = next(key.span for key, _ in keys.node.entries if key.value == said[1])
        report.add(codes.CONTRADICTION, span, f"`{said[1]}` and `{said[0]}` exclude each other", help="make two of it")
        return None
    kind_ = said[0] if said else "manual"
    if kind_ == "schedule" and not keys.has("every"):
        keys.miss("every", "how often: `every: 24h`")
    if kind_ == "webhook" and not keys.has("dedup"):
        keys.miss("dedup", 'the key under which the same thing never starts twice: `dedup: "${{ event.id }}"`')
    if kind_ != "schedule" and every is not None:
        keys.broken = True
        report.add(codes.CONTRADICTION, every.span, f"`every` and `{kind_}` exclude each other", help="use `schedule:`")
    if kind_ == "manual" and where is not None:
        keys.broken = True
        report.add(
            codes.CONTRADICTION, where.span, "`where` and `manual` exclude each other", help="a person has decided"
        )
    if every is not None and (every.seconds or 0) < SHORTEST:
        report.add(codes.BAD_DURATION, every.span, f"`{every.text}` is out of range", expected="at least 1m")
        return None
    if not keys.close() or source is None:
        return None
    return Trigger(kind_, source, where, map_, dedup, every, node.span, content, account, known_at)
