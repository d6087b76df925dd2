"""Nothing that an approval or an effect's key is bound to changes by itself.

A grant covers exactly the inputs and what was shown (language.md, "Gates on actions"); both are looked at again when
the action is about to act. A fact that was revised, or a severity that was raised, voids the grant and is asked about
anew, as it must be. `now` is another instant at every look: such a grant is void as soon as it is given, and the action
never acts.
"""

from collections.abc import Iterator

from schemas.plan import Plan
from watchfloor.expressions.syntax import Node as Tree
from watchfloor.expressions.syntax import Operation, Path, children, parse
from watchfloor.language import codes
from watchfloor.language.blocks import all_steps
from watchfloor.language.document import Action
from watchfloor.language.nodes import Node, Scalar, Span, walk
from watchfloor.language.surroundings import Surroundings
from watchfloor.language.templates import split

_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
"""What they say of `now` turns once and then stays; a grant that it voids is asked for anew and can be given."""


def check(given: Surroundings, plan: Plan) -> None:
    """Looks at the document, for the letters; as a rule of the plan, because its expressions then parse."""
    for step in all_steps(given.runbook):
        body = step.body
        if not isinstance(body, Action):
            continue
        if body.approval is None:
            _check_key(given, step.id.value, body)
            continue
        readings = [(f"`{name.value}`", span) for name, node in body.with_ for span in _in_value(node)]
        readings += [("what is shown", span) for scalar in body.approval.show for span in _in(scalar, scalar.value, 0)]
        for what, span in readings:
            given.report.add(
                codes.FLEETING,
                span,
                f"{what} changes by itself, so an approval of `{step.id.value}` is void as soon as it is given",
                expected="what is still the same when the action acts",
                help="name an instant that is on record: a fact, when an earlier step ended (`steps.look.at`), or"
                " when the run began (`incident.opened_at`)",
            )


def _check_key(given: Surroundings, step: str, body: Action) -> None:
    contract = given.catalog.get(body.action.value)
    if contract is None or contract["effect"] == "reads":
        return
    for name, node in body.with_:
        for span in _in_value(node, compared=True):
            given.report.add(
                codes.DRIFTING,
                span,
                f"`{name.value}` changes by itself, so `{step}` is tried again under another key and may be done twice",
                expected="what is the same at every try",
                help="name an instant that is on record: a fact, when an earlier step ended (`steps.look.at`), or"
                " when the run began (`incident.opened_at`)",
            )


def _in_value(node: Node, *, compared: bool = False) -> Iterator[Span]:
    for scalar in walk(node):
        if isinstance(scalar, Scalar):
            for part in split(scalar.value):
                if part.is_expression:
                    yield from _in(scalar, part.text, part.start, compared=compared)


def _in(scalar: Scalar, src: str, start: int, *, compared: bool = False) -> Iterator[Span]:
    """Where an expression reads `now` so that its value goes with it; with `compared` also where it only compares."""
    for path in _find_now(parse(src), compared):
        yield scalar.part(start + path.start, start + path.end)


def _find_now(tree: Tree, compared: bool) -> Iterator[Path]:
    if isinstance(tree, Path):
        if tree.parts[0] == "now":
            yield tree
    elif compared or not (isinstance(tree, Operation) and tree.op in _COMPARISONS):
        for child in children(tree):
            yield from _find_now(child, compared)
