"""Reading steps: common keys, the one kind, the kind's own keys."""

from collections.abc import Callable
from typing import Literal

from schemas.plan import EXPOSURES
from watchfloor.language import codes
from watchfloor.language import document as doc
from watchfloor.language.document import Body, Course, Decide, Parallel, Step, Wait
from watchfloor.language.findings import nearest
from watchfloor.language.gate_reader import read_approval, read_blind, read_review, read_seat, read_seats, read_silence
from watchfloor.language.nodes import Mapping, Node, Scalar, Sequence
from watchfloor.language.reading import (
    VALUES,
    Keys,
    dotted,
    duration,
    expression,
    free_name,
    integer,
    list_of,
    name,
    number,
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
MAX_AT_ONCE = 200
MAX_ROUNDS = 1_000
MAX_BRANCHES = 50


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
        _exclude(keys, "unless", "if", "join them: `if: a && !(b)`")
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


def _exclude(keys: Keys, one: str, other: str, help: str) -> None:
    keys.broken = True
    span = next(key.span for key, _ in keys.node.entries if key.value == one)
    keys.report.add(codes.CONTRADICTION, span, f"`{one}` and `{other}` exclude each other", help=help)


def _action(keys: Keys) -> Body | None:
    keys.later(LATER_ACTION_KEYS)
    action = keys.take("action", dotted, required=True)
    with_ = keys.take("with", VALUES) or ()
    retry = keys.take("retry", _retry)
    attempt = keys.take("attempt_timeout", duration())
    reviewed = course("undo", "keep")
    approval = keys.take("approval", read_approval(course("stop", "fail"), course("fail"), reviewed))
    undo = keys.take("undo", _undo)
    doubt = keys.take("doubt", _doubt)
    review = keys.take("review", read_review(reviewed))
    expires = keys.take("expires", duration(shares=True))
    if action is None:
        return None
    return doc.Action(action, with_, retry, attempt, approval, undo, doubt, review, expires)


def _retry(node: Node, report: Report) -> doc.RetryRule | None:
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


def _undo(node: Node, report: Report) -> doc.UndoRule | None:
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
        _exclude(keys, "never", "action", "an undo that never happens needs no action")
    if not keys.close():
        return None
    return doc.UndoRule(never, action, on, with_, node.span)


def _doubt(node: Node, report: Report) -> doc.DoubtRule | None:
    keys = open_mapping(node, report, "`doubt`", "doubt: {ask: [incident_commander], within: 30m}")
    if keys is None:
        return None
    ask = keys.take("ask", unique_names, required=True)
    within = keys.take("within", duration())
    if within is None and not keys.has("within"):
        keys.miss("within", "how long they have", codes.NO_WINDOW)
    return doc.DoubtRule(ask, within) if keys.close() and ask and within else None


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
        _exclude(keys, "escalate", "on_silence", "write it inside: `on_silence: {escalate: [...], then: fail}`")
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
        _exclude(keys, said[1], said[0], "make two waits of it")
    elif not said:
        keys.miss("for", "say for how long, or `until` a condition holds, or for which `fact`")
    elif said == ["for"] and (keys.has("within") or keys.has("on_timeout")):
        other = "within" if keys.has("within") else "on_timeout"
        _exclude(keys, other, "for", "a wait for a duration ends by itself")
    if not keys.close():
        return None
    return Wait(for_, until, fact, within, on_timeout, node.span)


def _parallel(outer: Keys) -> Body | None:
    return outer.take("parallel", _read_parallel, required=True)


def _read_parallel(node: Node, report: Report) -> Parallel | None:
    keys = open_mapping(node, report, "`parallel`", "parallel: {branches: {police: [...], platform: [...]}}")
    if keys is None:
        return None
    branches = keys.take("branches", pairs_of(name, some_steps, "branches", at_least=2), required=True)
    join = keys.take("join", one_of("all", "any"))
    if branches is not None and len(branches) > MAX_BRANCHES:
        report.add(codes.TOO_WIDE, node.span, f"{len(branches)} branches", expected=f"at most {MAX_BRANCHES}")
        return None
    return Parallel(branches, join or "all") if keys.close() and branches is not None else None


def _for_each(outer: Keys) -> Body | None:
    steps = outer.take("steps", some_steps, required=True)
    head = outer.take("for_each", _read_for_each, required=True)
    if head is None or steps is None:
        return None
    item, in_, at_once, on_error = head
    return doc.ForEach(item, in_, at_once, on_error, steps)


def _read_for_each(node: Node, report: Report) -> tuple[Scalar, Scalar, int | None, Literal["fail", "collect"]] | None:
    keys = open_mapping(node, report, "`for_each`", "for_each: {item: url, in: inputs.urls}")
    if keys is None:
        return None
    item = keys.take("item", free_name, required=True)
    in_ = keys.take("in", expression, required=True)
    at_once = keys.take("at_once", integer(1, MAX_AT_ONCE, codes.TOO_WIDE))
    on_error = keys.take("on_item_error", one_of("fail", "collect"))
    if not keys.close() or item is None or in_ is None:
        return None
    return item, in_, at_once, on_error or "fail"


def _choose(outer: Keys) -> Body | None:
    cases = outer.take("choose", list_of(_read_case, "cases", at_least=1, at_most=50), required=True)
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


def _read_case(node: Node, report: Report) -> tuple[Scalar | None, tuple[Step, ...]] | None:
    keys = open_mapping(node, report, "this case", "- {when: inputs.count > 3, steps: [...]}")
    if keys is None:
        return None
    if keys.has("otherwise"):
        steps = keys.take("otherwise", read_steps, required=True)
        return (None, steps) if keys.close() and steps is not None else None
    when = keys.take("when", expression, required=True, hint="a condition, or `otherwise: [...]` as the last case")
    steps = keys.take("steps", read_steps, required=True)
    keys.known.append("otherwise")
    return (when, steps) if keys.close() and when is not None and steps is not None else None


def _repeat(outer: Keys) -> Body | None:
    steps = outer.take("steps", some_steps, required=True)
    head = outer.take("repeat", _read_repeat, required=True)
    if head is None or steps is None:
        return None
    return doc.Repeat(*head, steps)


def _read_repeat(node: Node, report: Report) -> tuple[doc.Time, int, Scalar, Course] | None:
    keys = open_mapping(node, report, "`repeat`", "repeat: {every: 1m, times: 15, until: ..., on_exhausted: fail}")
    if keys is None:
        return None
    every = keys.take("every", duration(shares=True), required=True)
    times = keys.take("times", integer(1, MAX_ROUNDS, codes.TOO_WIDE), required=True, hint="a bound: `times: 15`")
    until = keys.take("until", expression, required=True)
    exhausted = keys.take(
        "on_exhausted", course("fail", "continue"), required=True, hint="what happens when the rounds are used up"
    )
    if not keys.close() or every is None or times is None or until is None or exhausted is None:
        return None
    return every, times, until, exhausted


def _hold(outer: Keys) -> Body | None:
    return outer.take("hold", _read_hold, required=True)


def _read_hold(node: Node, report: Report) -> doc.Hold | None:
    keys = open_mapping(node, report, "`hold`", "hold: {basis: eu.tco.preserve, scope: {...}, sources: [...]}")
    if keys is None:
        return None
    basis = keys.take("basis", dotted, required=True, hint="the row of the clock register that demands it")
    scope = keys.take("scope", pairs_of(name, expression, "lists of what is held", at_least=1), required=True)
    sources = keys.take("sources", unique_names, required=True, hint="the custodians to freeze")
    storage = keys.take("storage", one_of("governance", "compliance"))
    release = keys.take("release", read_seats(1)) or ()
    if not keys.close() or basis is None or scope is None or sources is None:
        return None
    if not sources:
        report.add(codes.BAD_VALUE, node.span, "no custodian is named", expected="at least one in `sources`")
        return None
    return doc.Hold(basis, scope, sources, storage or "governance", release, node.span)


def _handoff(outer: Keys) -> Body | None:
    return outer.take("handoff", _read_handoff, required=True)


def _read_handoff(node: Node, report: Report) -> doc.Handoff | None:
    keys = open_mapping(node, report, "`handoff`", "handoff: {to: us, share: [inputs.urls], accept_within: 10m}")
    if keys is None:
        return None
    to = keys.take("to", name, required=True)
    mode = keys.take("mode", one_of("assist", "command"))
    share = keys.take("share", list_of(expression, "expressions", at_most=50), required=True, hint="what may cross")
    within = keys.take("accept_within", duration(shares=True))
    if within is None and not keys.has("accept_within"):
        keys.miss("accept_within", "how long the other region has: `accept_within: 10m`", codes.NO_WINDOW)
    seats = keys.take("from", read_seats(1)) or ()
    fallback = keys.take("fallback", course("keep", "fail"))
    if not keys.close() or to is None or share is None or within is None:
        return None
    return doc.Handoff(to, mode or "assist", share, within, seats, fallback, node.span)


def _postmortem(outer: Keys) -> Body | None:
    return outer.take("postmortem", _read_postmortem, required=True)


def _read_postmortem(node: Node, report: Report) -> doc.Postmortem | None:
    keys = open_mapping(node, report, "`postmortem`", "postmortem: {facilitator: postmortem_facilitator, within: 10bd}")
    if keys is None:
        return None
    facilitator = keys.take("facilitator", read_seat, required=True)
    within = keys.take("within", duration(business=True))
    if within is None and not keys.has("within"):
        keys.miss("within", "when the review is due: `within: 10bd`", codes.NO_WINDOW)
    return doc.Postmortem(facilitator, within) if keys.close() and facilitator and within else None


def _stop(outer: Keys) -> Body | None:
    return outer.take("stop", _read_stop, required=True)


def _read_stop(node: Node, report: Report) -> doc.Stop | None:
    keys = open_mapping(node, report, "`stop`", "stop: {outcome: refused}")
    if keys is None:
        return None
    outcome = keys.take("outcome", name, required=True)
    return doc.Stop(outcome) if keys.close() and outcome else None


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
