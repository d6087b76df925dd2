"""Reading gates: seats, the window, what a no and what silence lead to."""

from collections.abc import Callable

from watchfloor.language import codes
from watchfloor.language.document import ApprovalGate, BreakGlass, Course, OnSilence, ReviewRule, Seat, Time
from watchfloor.language.nodes import Mapping, Node, Scalar
from watchfloor.language.reading import (
    Keys,
    Reader,
    boolean,
    duration,
    expression,
    list_of,
    name,
    open_mapping,
    unique_names,
    wrong,
)
from watchfloor.language.report import Report

MAX_SEATS = 8

ReadCourse = Callable[[Node, Report], Course | None]


def read_seat(node: Node, report: Report) -> Seat | None:
    """A role, or `{any_of: [roles]}`."""
    if isinstance(node, Scalar):
        role = name(node, report)
        return None if role is None else Seat((role,), node.span)
    if not isinstance(node, Mapping):
        wrong(node, report, "a role or `{any_of: [roles]}`")
        return None
    keys = Keys(node, report, "this seat")
    roles = keys.take("any_of", unique_names, required=True)
    if not keys.close() or roles is None:
        return None
    if not roles:
        report.add(codes.BAD_VALUE, node.span, "no role may fill this seat", expected="at least one role")
        return None
    return Seat(roles, node.span)


def read_seats(at_least: int) -> Reader[tuple[Seat, ...]]:
    return list_of(read_seat, "roles", at_least=at_least, at_most=MAX_SEATS)


def read_silence(read_then: ReadCourse) -> Callable[[Node, Report], OnSilence | None]:
    """`fail`, or `{escalate: [roles], rung: 10m, then: fail}`, or with `then: {steps: [...]}`."""

    def read(node: Node, report: Report) -> OnSilence | None:
        if isinstance(node, Scalar):
            then = read_then(node, report)
            return None if then is None else OnSilence((), None, then, node.span)
        keys = open_mapping(node, report, "`on_silence`", "on_silence: {escalate: [deputy], then: fail}")
        if keys is None:
            return None
        escalate = keys.take("escalate", unique_names) or ()
        rung = keys.take("rung", duration())
        then = keys.take("then", read_then, required=True, hint="`then: fail`, or steps that act on nothing")
        return OnSilence(escalate, rung, then, node.span) if keys.close() and then is not None else None

    return read


LATER_APPROVAL = {"break_glass": ("break_glass", "let more roles approve: `from: [{any_of: [...]}]`")}


def read_review(read_deny: ReadCourse) -> Reader[ReviewRule]:
    """`{from: [policy_lead], within: 1h, on_deny: undo, escalate: [deputy]}`: people look at what was done."""

    def read(node: Node, report: Report) -> ReviewRule | None:
        keys = open_mapping(node, report, "`review`", "review: {from: [policy_lead], within: 1h, on_deny: undo}")
        if keys is None:
            return None
        seats = keys.take("from", read_seats(1), required=True, hint="who reviews: `from: [policy_lead]`")
        exclude = keys.take("not", unique_names) or ()
        within = _window(keys)
        on_deny = keys.take("on_deny", read_deny)
        escalate = keys.take("escalate", unique_names) or ()
        rung = keys.take("rung", duration())
        if not keys.close() or seats is None or within is None:
            return None
        return ReviewRule(seats, exclude, within, on_deny, escalate, rung, node.span)

    return read


def _read_break_glass(read_deny: ReadCourse) -> Reader[BreakGlass]:
    def read(node: Node, report: Report) -> BreakGlass | None:
        example = "break_glass: {by: ops_lead, after: 5m, when: has(facts.threat), review: {...}}"
        keys = open_mapping(node, report, "`break_glass`", example)
        if keys is None:
            return None
        by = keys.take("by", read_seat, required=True, hint="who may act: `by: ops_lead`")
        after = keys.take("after", duration(), required=True, hint="how long approvers were silent: `after: 5m`")
        when = keys.take("when", expression, required=True, hint="that life is at risk: `when: has(facts.threat)`")
        review = keys.take("review", read_review(read_deny), required=True, hint="who looks at it afterwards")
        if not keys.close() or by is None or after is None or when is None or review is None:
            return None
        if review.on_deny is None:
            _no_answer(review, report)
            return None
        return BreakGlass(by, after, when, review, node.span)

    return read


def _no_answer(review: ReviewRule, report: Report) -> None:
    report.add(
        codes.NO_DENY,
        review.span,
        "`review` needs `on_deny`",
        expected="`on_deny:`",
        help="what a no leads to: `on_deny: undo`, `keep` or `{steps: [...]}`",
    )


def _window(keys: Keys) -> Time | None:
    within = keys.take("within", duration(shares=True))
    if within is None and not keys.has("within"):
        keys.miss("within", "every question to a person has a deadline: `within: 10m`", codes.NO_WINDOW)
    return within


def read_blind(keys: Keys, seats: tuple[Seat, ...] | None) -> tuple[bool, tuple[Scalar, ...]]:
    """`blind: true`, and the `summary` that everybody is shown first, if one is written."""
    keys.later({"blind": ("blind", "ask two people one after the other, in two steps")})
    blind = bool(keys.take("blind", boolean))
    summary = keys.take("summary", expression)
    if blind and seats is not None and len(seats) < 2:
        keys.report.add(
            codes.BAD_VALUE,
            keys.node.span,
            "`blind` hides opinions from each other, and one seat has one opinion",
            expected="two seats or more in `from`",
            help="remove `blind`, or ask a second person: `from: [legal_counsel, policy_lead]`",
        )
    if summary is not None and not blind:
        keys.report.add(
            codes.BAD_VALUE,
            summary.span,
            "`summary` goes with `blind: true`",
            expected="`blind: true`, or the summary first in `show`",
            help="move it to the beginning of `show`",
        )
    return blind, (summary,) if summary is not None else ()


def read_approval(
    read_deny: ReadCourse, read_then: ReadCourse, read_reviewed: ReadCourse
) -> Callable[[Node, Report], ApprovalGate | None]:
    def read(node: Node, report: Report) -> ApprovalGate | None:
        keys = open_mapping(node, report, "`approval`", "approval: {from: [legal_counsel], within: 10m, on_deny: stop}")
        if keys is None:
            return None
        keys.later(LATER_APPROVAL)
        seats = keys.take("from", read_seats(1), required=True, hint="who approves: `from: [legal_counsel]`")
        exclude = keys.take("not", unique_names) or ()
        within = _window(keys)
        remind = keys.take("remind", list_of(duration(shares=True), "durations", at_most=10)) or ()
        show = keys.take("show", list_of(expression, "expressions", at_most=50)) or ()
        on_deny = keys.take("on_deny", read_deny)
        if on_deny is None and not keys.has("on_deny"):
            keys.miss("on_deny", "a no is a normal outcome: `on_deny: stop`, `fail` or `{steps: [...]}`", codes.NO_DENY)
        silence = keys.take("on_silence", read_silence(read_then))
        glass = keys.take("break_glass", _read_break_glass(read_reviewed))
        blind, first = read_blind(keys, seats)
        if not keys.close() or seats is None or within is None or on_deny is None:
            return None
        return ApprovalGate(seats, exclude, within, remind, first + show, on_deny, silence, node.span, glass, blind)

    return read
