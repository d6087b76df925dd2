"""Which steps end the run, so that nothing after them is reached."""

from watchfloor.language import document as doc
from watchfloor.language.document import Course, Step


def ends(step: Step) -> bool:
    """True when the run never goes on after this step: it stops on every path."""
    if (
        step.cond is not None
        or any(not list_ends(catch.steps) for catch in step.catches)
        or (step.on_error is not None and step.on_error.word != "fail")
    ):
        return False
    body = step.body
    match body:
        case doc.Stop():
            return True
        case doc.Run():
            return body.reroute
        case doc.Try():
            return list_ends(body.finally_) or (
                list_ends(body.steps) and all(list_ends(catch.steps) for catch in body.handlers)
            )
        case doc.Decide():
            silent = body.silence.then if body.silence else None
            quiet = silent is None or silent.word == "fail" or list_ends(silent.steps)
            return quiet and all(list_ends(choice.steps) for choice in body.options)
        case doc.Repeat():
            # the first round is run whatever the condition says
            return list_ends(body.steps)
        case doc.Choose():
            return (
                body.otherwise is not None
                and list_ends(body.otherwise)
                and all(list_ends(steps) for _, steps in body.cases)
            )
        case doc.Parallel():
            branches = [list_ends(steps) for _, steps in body.branches]
            return any(branches) if body.join == "all" else all(branches)
    return False


def list_ends(steps: tuple[Step, ...]) -> bool:
    return any(ends(step) for step in steps)


def goes_on(course: Course | None) -> bool:
    """True when the run goes on after a side path: it is `continue`, or steps that do not end the run."""
    if course is None:
        return False
    return course.word == "continue" or (course.word is None and not list_ends(course.steps))


def may_lack_outputs(step: Step) -> bool:
    """True when the run may go on after this step though it gave nothing: failed, denied, or left in silence."""
    body = step.body
    if goes_on(step.on_error) or any(not list_ends(catch.steps) for catch in step.catches):
        return True
    if isinstance(body, doc.Action) and body.approval is not None:
        silence = body.approval.silence
        return goes_on(body.approval.on_deny) or goes_on(silence.then if silence else None)
    return isinstance(body, doc.Decide | doc.Task) and body.silence is not None and goes_on(body.silence.then)
