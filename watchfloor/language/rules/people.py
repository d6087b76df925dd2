"""Seats that different people can fill: no seat whose every role is excluded, no two seats for the one commander.

A person fills one seat of a gate at most; the commander of a run is exactly one person. Recusals, rotas and how many
people hold a role are checked again at run time.
"""

from watchfloor.language import codes
from watchfloor.language.blocks import all_steps
from watchfloor.language.document import Action, Decide, Hold, Seat
from watchfloor.language.nodes import Scalar
from watchfloor.language.surroundings import Surroundings

ONE_PERSON = frozenset({"incident_commander"})
"""Roles that one person holds at a time."""


def check(given: Surroundings) -> None:
    for step in all_steps(given.runbook):
        body = step.body
        if isinstance(body, Action) and body.approval is not None:
            _judge(given, body.approval.seats, body.approval.exclude)
        elif isinstance(body, Decide):
            for choice in body.options:
                _judge(given, (*body.seats, *choice.also), body.exclude)
        elif isinstance(body, Hold):
            _judge(given, body.release, ())


def _judge(given: Surroundings, seats: tuple[Seat, ...], exclude: tuple[Scalar, ...]) -> None:
    barred = {role.value for role in exclude}
    left: list[frozenset[str]] = []
    for seat in seats:
        roles = frozenset(role.value for role in seat.roles) - barred
        if not roles:
            given.report.add(
                codes.SEATS,
                seat.span,
                "nobody may fill this seat: `not` excludes its every role",
                expected="a role that is not excluded",
            )
            return
        left.append(roles)
    single = [seat for seat, roles in zip(seats, left, strict=True) if roles <= ONE_PERSON]
    if len(single) > 1:
        given.report.add(
            codes.SEATS,
            single[1].span,
            "two seats that only the one incident commander could fill",
            expected="different people",
            help="let others fill one of them: `{any_of: [deputy, exec_sponsor]}`",
        )
