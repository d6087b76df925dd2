"""Reading what follows a failure: `catch` by type, a typed `on_error`, and the `try` step."""

from collections.abc import Callable

from schemas.plan import FAILURES
from watchfloor.language import codes
from watchfloor.language.document import Catch, Course, Step, Try
from watchfloor.language.nodes import Mapping, Node, Scalar, Sequence
from watchfloor.language.reading import Keys, Reader, list_of, one_of, open_mapping, unique_names, wrong
from watchfloor.language.report import Report

MAX_CATCHES = 14

ReadSteps = Callable[[Node, Report], tuple[Step, ...] | None]
OnError = tuple[Course | None, tuple[Catch, ...]]


def read_on_error(read_steps: ReadSteps) -> Reader[OnError]:
    """A word, `{steps: [...]}`, or steps by type: `{timed_out: [...]}`, `[{on: [timed_out], steps: [...]}]`."""

    def read(node: Node, report: Report) -> OnError | None:
        if isinstance(node, Scalar):
            word = one_of("fail", "continue", *(("steps",) if node.value == "steps" else ()))(node, report)
            return None if word is None else (Course(word, (), node.span), ())
        if isinstance(node, Sequence):
            catches = _carried_out(report, node) and read_catches(read_steps)(node, report)
            return (None, catches) if catches else None
        if any(key.value in FAILURES for key, _ in node.entries):
            made = _carried_out(report, node) and _by_type(node, report, read_steps)
            return (None, made) if made else None
        keys = Keys(node, report, "this path")
        steps = keys.take("steps", read_steps, required=True)
        keys.known += FAILURES
        return (Course(None, steps, node.span), ()) if keys.close() and steps is not None else None

    return read


def _carried_out(report: Report, node: Node) -> bool:
    if "catches" in report.carried_out:
        return True
    report.add(
        codes.NOT_CARRIED_OUT,
        node.span,
        "`on_error` by type is not carried out by this engine yet",
        help="write one path for every failure: `on_error: {steps: [...]}`",
    )
    return False


def _by_type(node: Mapping, report: Report, read_steps: ReadSteps) -> tuple[Catch, ...] | None:
    keys = Keys(node, report, "`on_error`")
    catches: list[Catch] = []
    for key, _ in node.entries:
        if key.value in FAILURES:
            steps = keys.take(key.value, read_steps)
            if steps is not None:
                catches.append(Catch((key,), steps, key.span))
    keys.known += [each for each in FAILURES if each not in keys.known]
    return tuple(_any_last(catches)) if keys.close() else None


def _any_last(catches: list[Catch]) -> list[Catch]:
    """A mapping has no order that counts: `any` is for what the other types leave."""
    return sorted(catches, key=lambda catch: any(each.value == "any" for each in catch.on))


def read_catches(read_steps: ReadSteps) -> Reader[tuple[Catch, ...]]:
    """A list of `{on: [types], steps: [...]}`; each type once, nothing after `any`."""

    def read(node: Node, report: Report) -> tuple[Catch, ...] | None:
        catches = list_of(_read_catch(read_steps), "`{on: [...], steps: [...]}`", at_least=1, at_most=MAX_CATCHES)(
            node, report
        )
        return catches if catches is not None and _reachable(catches, report) else None

    return read


def _read_catch(read_steps: ReadSteps) -> Reader[Catch]:
    def read(node: Node, report: Report) -> Catch | None:
        keys = open_mapping(node, report, "this catch", "- {on: [timed_out], steps: [...]}")
        if keys is None:
            return None
        on = keys.take("on", _read_types, required=True, hint="types of failure: `on: [timed_out, unavailable]`")
        steps = keys.take("steps", read_steps, required=True)
        return Catch(on, steps, node.span) if keys.close() and on and steps else None

    return read


def _read_types(node: Node, report: Report) -> tuple[Scalar, ...] | None:
    types = unique_names(node, report)
    if types is None:
        return None
    if not types:
        report.add(codes.BAD_VALUE, node.span, "no type of failure is named", expected="at least one, or `any`")
        return None
    known = one_of(*FAILURES)
    wrong_ones = [each for each in types if known(each, report) is None]
    return None if wrong_ones else types


def _reachable(catches: tuple[Catch, ...], report: Report) -> bool:
    taken: dict[str, int] = {}
    for catch in catches:
        for each in catch.on:
            if "any" in taken or each.value in taken:
                line = taken.get(each.value, taken.get("any", 0))
                report.add(
                    codes.NEVER_RUNS,
                    each.span,
                    f"`{each.value}` is caught on line {line} already",
                    expected="each type once, `any` last",
                )
                return False
        taken |= {each.value: each.span.line for each in catch.on}
    return True


def read_try(read_steps: ReadSteps, read_some: ReadSteps) -> Reader[Try]:
    """The body of a `try` step: `steps`, then `catch`, `undo`, `finally`."""

    def read(node: Node, report: Report) -> Try | None:
        if isinstance(node, Sequence):
            wrong(node, report, "a mapping", "write `try: {steps: [...], catch: [...]}`")
            return None
        keys = open_mapping(node, report, "`try`", "try: {steps: [...], catch: [{on: [any], steps: [...]}]}")
        if keys is None:
            return None
        steps = keys.take("steps", read_some, required=True)
        handlers = keys.take("catch", read_catches(read_some)) or ()
        undo = keys.take("undo", unique_names) or ()
        finally_ = keys.take("finally", read_some) or ()
        if not (keys.has("catch") or keys.has("undo") or keys.has("finally")):
            keys.miss("catch", "what follows a failure: `catch:`, `undo:` or `finally:`")
        if not keys.close() or steps is None:
            return None
        return Try(steps, handlers, undo, finally_, node.span)

    return read
