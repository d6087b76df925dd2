"""Reading steps: common keys, the one kind, the kind's own keys."""

from collections.abc import Callable

from schemas.plan import EXPOSURES
from watchfloor.language import codes
from watchfloor.language import document as doc
from watchfloor.language.block_reader import read_case, read_for_each, read_parallel, read_repeat
from watchfloor.language.custody_reader import read_handoff, read_hold, read_postmortem, read_stop
from watchfloor.language.document import Body, Course, Decide, Step, Wait
from watchfloor.language.effect_reader import read_doubt, read_retry, read_undo
from watchfloor.language.findings import nearest
from watchfloor.language.gate_reader import read_approval, read_blind, read_review, read_seats, read_silence
from watchfloor.language.nodes import Mapping, Node, Scalar, Sequence
from watchfloor.language.reading import (
    VALUES,
    Keys,
    dotted,
    duration,
    expression,
    list_of,
    name,
    one_of,
    open_mapping,
    pairs_of,
    text,
    unique_names,
    words,
    wrong,
)
from watchfloor.language.recovery_reader import read_on_error, read_try
from watchfloor.language.report import Report
from watchfloor.language.run_reader import read_run
from watchfloor.language.task_reader import read_assignee, read_checklist, read_form_fields

LATER_KINDS = {
    "try": ("try", "use `on_error: {steps: [...]}` on the step that may fail"),
    "run": ("run", "let a `task` start the other runbook, or a `notify.webhook` action ask for it"),
}
LATER_ACTION_KEYS = {
    "review": ("review", "ask before: `approval:`"),
    "expires": ("expires", "write what lifts it: `undo: {on: [a_fact]}`, or ask a person with `task:`"),
}
MAX_STEPS = 500


def read_steps(node: Node, report: Report) -> tuple[Step, ...] | None:
    """A list of steps, read top to bottom."""
    if isinstance(node, Mapping) and node.get("id") is not None:
        wrong(node, report, "a list of steps", "begin each step with `- `")
        return None
    return list_of(read_step, "steps", at_most=MAX_STEPS)(node, report)


def some_steps(node: Node, report: Report) -> tuple[Step, ...] | None:
    return (
        list_of(read_step, "steps", at_least=1, at_most=MAX_STEPS)(node, report)
        if isinstance(node, Sequence)
        else read_steps(node, report)
    )


def course(*allowed: str) -> Callable[[Node, Report], Course | None]:
    """What happens then: one of the words, or `{steps: [...]}`."""
    known = ", ".join(f"`{word}`" for word in allowed)

    def read(node: Node, report: Report) -> Course | None:
        if isinstance(node, Scalar):
            word = one_of(*allowed, *(() if node.value != "steps" else ("steps",)))(node, report)
            return None if word is None else Course(word, (), node.span)
        if not isinstance(node, Mapping):
            wrong(node, report, f"{known} or `{{steps: [...]}}`", "put the list under `steps:`")
            return None
        keys = Keys(node, report, "this path")
        steps = keys.take("steps", some_steps, required=True)
        return Course(None, steps, node.span) if keys.close() and steps is not None else None

    return read


def read_step(node: Node, report: Report) -> Step | None:
    with report.inside_use(report.use_of(node)):
        return _read_step(node, report)


def _read_step(node: Node, report: Report) -> Step | None:
    keys = open_mapping(node, report, "a step", "- {id: look, action: content.probe}")
    if keys is None:
        return None
    kind = _kind(keys)
    id_ = keys.take("id", name, required=True, hint="a name that is unique in the runbook")
    if kind is None:
        return None
    keys.what = f"step `{id_.value}`" if id_ else f"this `{kind}` step"
    label = keys.take("name", text)
    cond = keys.take("if", expression)
    unless = keys.take("unless", expression)
    if keys.has("if") and keys.has("unless"):
        keys.exclude("unless", "if", "join them: `if: a && !(b)`")
    timeout = keys.take("timeout", duration())
    on_error, catches = keys.take("on_error", read_on_error(some_steps)) or (None, ())
    records = keys.take("records", pairs_of(name, expression, "facts", at_least=1)) or ()
    body = _KINDS[kind](keys)
    if not keys.close() or body is None or id_ is None:
        return None
    return Step(
        id_,
        id_.span,
        label or id_.value,
        cond or unless,
        unless is not None,
        timeout,
        on_error,
        records,
        body,
        catches,
        report.use_of(node),
    )


def _kind(keys: Keys) -> str | None:
    """The one kind of a step. A kind of the language that is not carried out is refused by name."""
    present = [key for key, _ in keys.node.entries if key.value in _KINDS]
    if keys.has("run"):
        # there `wait` says whether the other run is awaited
        present = [key for key in present if key.value != "wait"]
    if len(present) == 1:
        keys.later(LATER_KINDS)
        return None if keys.refused else present[0].value
    kinds = ", ".join(_KINDS)
    if present:
        keys.report.add(
            codes.STEP_KIND,
            present[1].span,
            f"a second kind, `{present[1].value}`, beside `{present[0].value}`",
            expected="exactly one kind",
            help="make two steps of it",
        )
        return None
    for key, _ in keys.node.entries:
        if key.value == "use":
            keys.report.add(
                codes.UNKNOWN_FRAGMENT,
                key.span,
                "this runbook declares no fragments",
                expected="`fragments:` at the top",
                help="declare it: `fragments: {a_name: {params: {…}, steps: […]}}`",
            )
            return None
    known = {"id", "name", "if", "unless", "timeout", "on_error", "records", "with", "retry", "steps"}
    strange = [key for key, _ in keys.node.entries if key.value not in known]
    near = [(key, nearest(key.value, _KINDS)) for key in strange]
    for key, word in near:
        if word is not None:
            keys.report.add(
                codes.UNKNOWN_KEY,
                key.span,
                f"unknown key `{key.value}` in a step",
                expected=f"one of {kinds}",
                help=f"did you mean `{word}`?",
            )
            return None
    keys.report.add(codes.STEP_KIND, keys.node.span, "this step has no kind", expected=f"one of {kinds}")
    return None


def _action(keys: Keys) -> Body | None:
    keys.later(LATER_ACTION_KEYS)
    action = keys.take("action", dotted, required=True)
    with_ = keys.take("with", VALUES) or ()
    retry = keys.take("retry", read_retry)
    attempt = keys.take("attempt_timeout", duration())
    reviewed = course("undo", "keep")
    approval = keys.take("approval", read_approval(course("stop", "fail"), course("fail"), reviewed))
    undo = keys.take("undo", read_undo)
    doubt = keys.take("doubt", read_doubt)
    review = keys.take("review", read_review(reviewed))
    expires = keys.take("expires", duration(shares=True))
    if action is None:
        return None
    return doc.Action(action, with_, retry, attempt, approval, undo, doubt, review, expires)


def _within(keys: Keys) -> doc.Time | None:
    within = keys.take("within", duration(shares=True))
    if within is None and not keys.has("within"):
        keys.miss("within", "every question to a person has a deadline: `within: 10m`", codes.NO_WINDOW)
    return within


def _silence(keys: Keys) -> doc.OnSilence | None:
    """`on_silence`, or `escalate` as its short form; None when neither is written or it is wrong."""
    silence = keys.take("on_silence", read_silence(course("fail")))
    escalate = keys.take("escalate", unique_names)
    if keys.has("on_silence") and keys.has("escalate"):
        keys.exclude("escalate", "on_silence", "write it inside: `on_silence: {escalate: [...], then: fail}`")
    if escalate:
        return doc.OnSilence(escalate, None, Course("fail", (), escalate[0].span), escalate[0].span)
    return silence


def _decide(outer: Keys) -> Body | None:
    return outer.take("decide", _read_decide, required=True)


def _read_decide(node: Node, report: Report) -> Decide | None:
    keys = open_mapping(node, report, "`decide`", "decide: {ask: ..., from: [...], within: 10m, options: {...}}")
    if keys is None:
        return None
    ask = keys.take("ask", words, required=True)
    show = keys.take("show", list_of(expression, "expressions", at_most=50)) or ()
    seats = keys.take("from", read_seats(1), required=True, hint="who decides: `from: [legal_counsel]`")
    exclude = keys.take("not", unique_names) or ()
    within = _within(keys)
    remind = keys.take("remind", list_of(duration(shares=True), "durations", at_most=10)) or ()
    options = keys.take("options", pairs_of(name, _choice, "options", at_least=2), required=True)
    silence = _silence(keys)
    blind, first = read_blind(keys, seats)
    if not keys.close() or ask is None or seats is None or within is None or options is None:
        return None
    choices = tuple(doc.Choice(label, also, steps) for label, (also, steps) in options)
    return Decide(ask, first + show, seats, exclude, within, remind, choices, silence, node.span, blind)


def _choice(node: Node, report: Report) -> tuple[tuple[doc.Seat, ...], tuple[Step, ...]] | None:
    keys = open_mapping(node, report, "this option", "{}` or `{steps: [...]}")
    if keys is None:
        return None
    also = keys.take("also", read_seats(1)) or ()
    steps = keys.take("steps", read_steps) or ()
    return (also, steps) if keys.close() else None


def _task(outer: Keys) -> Body | None:
    return outer.take("task", _read_task, required=True)


def _read_task(node: Node, report: Report) -> doc.Task | None:
    keys = open_mapping(node, report, "`task`", "task: {assignee: ops_lead, do: ..., within: 10m}")
    if keys is None:
        return None
    keys.later({"exposure": ("task.exposure", "give the task to the specialist role: `assignee: csea_specialist`")})
    assigned = keys.take("assignee", read_assignee, required=True)
    do = keys.take("do", words, required=True)
    show = keys.take("show", list_of(expression, "expressions", at_most=50)) or ()
    form = keys.take("form", read_form_fields) or ()
    within = _within(keys)
    remind = keys.take("remind", list_of(duration(shares=True), "durations", at_most=10)) or ()
    silence = _silence(keys)
    exposure = keys.take("exposure", one_of(*EXPOSURES))
    claim_for = keys.take("claim_for", duration())
    checklist = keys.take("checklist", read_checklist) or ()
    if not keys.close() or assigned is None or do is None or within is None:
        return None
    assignee, person = assigned
    exposed_at = next((value.span for key, value in keys.node.entries if key.value == "exposure"), None)
    return doc.Task(
        assignee, do, show, form, within, remind, silence, exposure, exposed_at, claim_for, checklist, person
    )


def _wait(outer: Keys) -> Body | None:
    return outer.take("wait", _read_wait, required=True)


def _read_wait(node: Node, report: Report) -> Wait | None:
    keys = open_mapping(node, report, "`wait`", "wait: {for: 10m}")
    if keys is None:
        return None
    for_ = keys.take("for", duration(shares=True))
    until = keys.take("until", expression)
    fact = keys.take("fact", name)
    within = keys.take("within", duration(shares=True))
    on_timeout = keys.take("on_timeout", course("fail", "continue"))
    said = [key for key in ("for", "until", "fact") if keys.has(key)]
    if len(said) > 1:
        keys.exclude(said[1], said[0], "make two waits of it")
    elif not said:
        keys.miss("for", "say for how long, or `until` a condition holds, or for which `fact`")
    elif said == ["for"] and (keys.has("within") or keys.has("on_timeout")):
        other = "within" if keys.has("within") else "on_timeout"
        keys.exclude(other, "for", "a wait for a duration ends by itself")
    if not keys.close():
        return None
    return Wait(for_, until, fact, within, on_timeout, node.span)


def _parallel(outer: Keys) -> Body | None:
    return outer.take("parallel", read_parallel(some_steps), required=True)


def _for_each(outer: Keys) -> Body | None:
    steps = outer.take("steps", some_steps, required=True)
    head = outer.take("for_each", read_for_each, required=True)
    if head is None or steps is None:
        return None
    item, in_, at_once, on_error = head
    return doc.ForEach(item, in_, at_once, on_error, steps)


def _choose(outer: Keys) -> Body | None:
    cases = outer.take("choose", list_of(read_case(read_steps), "cases", at_least=1, at_most=50), required=True)
    if cases is None:
        return None
    for number_, (when, _) in enumerate(cases):
        if when is None and number_ + 1 < len(cases):
            later, steps = cases[number_ + 1]
            span = later.span if later else (steps[0].span if steps else outer.node.span)
            outer.report.add(codes.NEVER_RUNS, span, "a case after `otherwise` is never reached", help="put it before")
            return None
    otherwise = cases[-1][1] if cases[-1][0] is None else None
    return doc.Choose(tuple((when, steps) for when, steps in cases if when is not None), otherwise)


def _repeat(outer: Keys) -> Body | None:
    steps = outer.take("steps", some_steps, required=True)
    head = outer.take("repeat", read_repeat(course("fail", "continue")), required=True)
    if head is None or steps is None:
        return None
    return doc.Repeat(*head, steps)


def _hold(outer: Keys) -> Body | None:
    return outer.take("hold", read_hold, required=True)


def _handoff(outer: Keys) -> Body | None:
    return outer.take("handoff", read_handoff(course("keep", "fail")), required=True)


def _postmortem(outer: Keys) -> Body | None:
    return outer.take("postmortem", read_postmortem, required=True)


def _stop(outer: Keys) -> Body | None:
    return outer.take("stop", read_stop, required=True)


def _try(outer: Keys) -> Body | None:
    return outer.take("try", read_try(read_steps, some_steps), required=True)


_KINDS: dict[str, Callable[[Keys], Body | None]] = {
    "action": _action,
    "decide": _decide,
    "task": _task,
    "wait": _wait,
    "parallel": _parallel,
    "for_each": _for_each,
    "choose": _choose,
    "repeat": _repeat,
    "hold": _hold,
    "handoff": _handoff,
    "postmortem": _postmortem,
    "stop": _stop,
    "try": _try,
    "run": read_run,
}
KINDS = tuple(_KINDS)
