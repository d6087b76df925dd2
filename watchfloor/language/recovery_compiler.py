"""Compiling what follows an action or a failure: `try`, typed `on_error`, reviews, break-glass, expiry."""

from schemas import plan as shape
from watchfloor.language import codes
from watchfloor.language import document as doc
from watchfloor.language.blocks import every_step
from watchfloor.language.flow import list_ends
from watchfloor.language.kind_compilers import Made
from watchfloor.language.nodes import Scalar
from watchfloor.language.scope import Scope
from watchfloor.language.step_compiler import StepCompiler
from watchfloor.language.surroundings import DEFAULT_RUNG


def try_(at: StepCompiler, body: doc.Try, scope: Scope, path: str) -> Made:
    """The body, then what catches its failures. Afterwards the body's outputs are sure where nothing else goes on."""
    steps, inner = at.steps(body.steps, scope, path)
    # a handler runs because the body broke off somewhere: nothing of it is sure there
    broken = scope.after_branch(inner, sure=False)
    after = scope.after_branch(inner, sure=all(list_ends(catch.steps) for catch in body.handlers))
    handlers: list[shape.Catch] = []
    for number, catch in enumerate(body.handlers, 1):
        made, caught = at.steps(catch.steps, broken, f"{path}/catch{number}")
        handlers.append({"on": [each.value for each in catch.on], "steps": made})
        after = after.after_branch(caught, sure=False)
    finally_, last = at.steps(body.finally_, broken, f"{path}/finally")
    after = after.after_branch(last, sure=True)
    made_body = {
        "kind": "try",
        "steps": steps,
        "handlers": handlers,
        "undo": _taken_back(at, body),
        "finally_": finally_,
    }
    return made_body, after, {}


def _taken_back(at: StepCompiler, body: doc.Try) -> list[str]:
    """Ids of actions of the body that something reverses."""
    inside = {step.id.value: step for step in every_step(body.steps)}
    for name in body.undo:
        # inside a fragment an id gets the prefix of its use
        step = inside.get(name.value)
        if step is None:
            at.report.add(
                codes.NO_UNDO,
                name.span,
                f"`{name.value}` is no step of this `try`",
                expected="ids of steps of its body",
            )
        elif not isinstance(step.body, doc.Action) or not reversible(at, step.body):
            at.report.add(
                codes.NO_UNDO,
                name.span,
                f"nothing reverses the step `{name.value}`",
                expected="an action with an `undo`",
                help="give it one: `undo: {action: …}`, or leave it out here",
            )
    return [name.value for name in body.undo]


def reversible(at: StepCompiler, body: doc.Action) -> bool:
    """Whether an undo is written for the action, or the catalogue has one."""
    if body.undo is not None:
        return body.undo.never is None
    contract = at.given.catalog.get(body.action.value)
    return contract is not None and contract["undo"] is not None


def catches(
    at: StepCompiler, written: tuple[doc.Catch, ...], scope: Scope, after: Scope, path: str
) -> tuple[list[shape.Catch], Scope]:
    """A typed `on_error`; its steps leave names that are sure to nobody."""
    made: list[shape.Catch] = []
    for number, catch in enumerate(written, 1):
        steps, inner = at.steps(catch.steps, scope, f"{path}/on_error{number}")
        made.append({"on": [each.value for each in catch.on], "steps": steps})
        after = after.after_branch(inner, sure=False)
    return made, after


def review(
    at: StepCompiler, body: doc.Action, rule: doc.ReviewRule, scope: Scope, after: Scope, path: str, block: str
) -> tuple[shape.Review, Scope]:
    """A review after the act. `undo` needs something that reverses the action."""
    denies = body.undo is not None and any(name.value == "deny" for name in body.undo.on)
    if rule.on_deny is None and not denies:
        at.report.add(
            codes.NO_DENY,
            rule.span,
            "`review` needs `on_deny`",
            expected="`on_deny:`",
            help="what a no leads to: `on_deny: undo`, `keep` or `{steps: [...]}`",
        )
    if rule.on_deny is not None and rule.on_deny.word != "undo" and denies:
        at.report.add(
            codes.CONTRADICTION,
            rule.on_deny.span,
            "`undo: {on: [deny]}` says that a no takes it back, this says otherwise",
            help="write `on_deny: undo`, or take `deny` out of `undo`",
        )
    if (denies or rule.on_deny is None or rule.on_deny.word == "undo") and not reversible(at, body):
        at.report.add(
            codes.NO_UNDO,
            rule.span,
            f"a no is to take `{body.action.value}` back, but nothing reverses it",
            expected="an `undo` of the step or of the catalogue",
            help="give it one: `undo: {action: …}`, or write `on_deny: keep`",
        )
    on_deny, after = at.course(rule.on_deny, "undo", scope, after, path, block)
    made: shape.Review = {
        "slots": at.slots(rule.seats),
        "exclude": at.excluded(rule.exclude),
        "within": at.duration(rule.within),
        "on_deny": on_deny,
        "escalate": at.roles(rule.escalate),
        "rung": rule.rung.seconds if rule.rung and rule.rung.seconds else DEFAULT_RUNG,
    }
    return made, after


def break_glass(
    at: StepCompiler, body: doc.Action, glass: doc.BreakGlass, within: doc.Time, scope: Scope, after: Scope, path: str
) -> tuple[shape.BreakGlass | None, Scope]:
    """Who may act while approvers are silent, and who looks at it afterwards."""
    when = at.expressions.check(glass.when, scope, wants=("bool",))
    seconds = glass.after.seconds or 0.0
    if within.seconds is not None and seconds >= within.seconds:
        at.report.add(
            codes.WARN_LATE,
            glass.after.span,
            f"the glass may be broken after {glass.after.text}, when the window is over",
            expected=f"less than {within.text}",
        )
    made, after = review(at, body, glass.review, scope, after, path, "break_glass")
    if when is None:
        return None, after
    return {"by": at.slots((glass.by,))[0], "after": seconds, "when": when.expr, "review": made}, after


def expiry(at: StepCompiler, body: doc.Action) -> shape.Duration | None:
    """After how long the undo runs by itself."""
    if body.expires is None:
        return None
    if not reversible(at, body):
        at.report.add(
            codes.NO_UNDO,
            body.expires.span,
            f"`{body.action.value}` is to end by itself, but nothing reverses it",
            expected="an `undo` of the step or of the catalogue",
            help="give it one: `undo: {action: …}`, or take `expires` out",
        )
    return at.duration(body.expires)


def undo_word(at: StepCompiler, body: doc.Action, name: Scalar) -> bool:
    """`deny` and `expires` under `undo: {on: …}` where no fact has that name. True when it was one of the two words."""
    if name.value not in {"deny", "expires"} or name.value in at.facts:
        return False
    glass = body.approval.break_glass if body.approval else None
    if f"undo.{name.value}" not in at.report.carried_out:
        at.report.add(
            codes.NOT_CARRIED_OUT,
            name.span,
            f"undo on `{name.value}` is not carried out by this engine yet",
            help="name a fact, or let a step after the decision undo it",
        )
    elif name.value == "expires" and body.expires is None:
        at.report.add(
            codes.MISSING_KEY, name.span, "this action never expires", expected="`expires:`", help="add `expires: 24h`"
        )
    elif name.value == "deny" and body.review is None and glass is None:
        at.report.add(
            codes.MISSING_KEY,
            name.span,
            "nobody reviews this action, so nobody can say no to it afterwards",
            expected="`review:`",
            help="add `review: {from: [policy_lead], within: 1h}`",
        )
    return True
