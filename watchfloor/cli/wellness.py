"""Exposure and rest: what I take, how much it was, what the caps are. Needs no engine."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from watchfloor.cli.edge import edge
from watchfloor.cli.options import As, JsonFlag, Region
from watchfloor.cli.teaching import register

if TYPE_CHECKING:
    from watchfloor.identity.people import Directory, Person
    from watchfloor.wellness import Wellness

PANEL = "People and permission"
Exposure = Annotated[str, typer.Argument(metavar="CLASS", help="text, graphic, csea, terror, selfharm; or check-ins.")]
Other = Annotated[str | None, typer.Option("--person", metavar="PERSON", help="Somebody else; for the officer.")]

wellness_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", help="What work exposes people to: opt-in, caps, rest, check-ins."
)


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    for command in (me, optin, optout, caps, show, checkins):
        register(wellness_app, command, PANEL)
    register(app, panic, "Answer and steer")
    app.add_typer(wellness_app, name="wellness", rich_help_panel=PANEL)


@dataclass(frozen=True, slots=True)
class Room:
    """The wellness store of the region that a person works in, and who asks."""

    viewer: "Person"
    people: "Directory"
    desk: "Wellness"


def enter(context: typer.Context, person: str, region: str | None) -> Room:
    """Find the person's region and open its store.

    Raises:
        Refused: nobody has this id, or development sign-in is tried beyond this machine.
    """
    from watchfloor.cli.faces import settings_here
    from watchfloor.client.errors import Refused
    from watchfloor.client.face import is_loopback
    from watchfloor.identity.people import load_people
    from watchfloor.wellness import Wellness, load_caps

    for settings in settings_here(context.obj, region).values():
        people = load_people(settings.people_path, region=settings.region)
        viewer = people.find(person)
        if viewer is None:
            continue
        if not (settings.embedded or is_loopback(settings.address)):
            raise Refused(
                Refused.NOT_SIGNED_IN, "development sign-in (--as) works only against a stack on this machine"
            )
        return Room(viewer, people, Wellness(settings.wellness_path, load_caps(settings.caps_path)))
    raise Refused(Refused.UNKNOWN_PERSON, f"`{person}` is not in the directory of people; correct the id")


def me(context: typer.Context, person: As, region: Region = None, as_json: JsonFlag = False) -> None:
    """My own figures: what I have opted in to, how long I was exposed in the last 24 hours, what is left, rest.

    Example:
      watchfloor wellness me --as specialist-1
    """
    with edge(as_json):
        from watchfloor.cli.wellness_view import print_figures

        room = enter(context, person, region)
        print_figures(room.desk, person, datetime.now(UTC), as_json)


def optin(
    context: typer.Context, exposure: Exposure, person: As, region: Region = None, as_json: JsonFlag = False
) -> None:
    """Say that I take this class of exposure. It can be taken back at any time, and nobody asks why.

    Example:
      watchfloor wellness optin csea --as specialist-1
    """
    _consent(context, exposure, person, region, as_json, yes=True)


def optout(
    context: typer.Context, exposure: Exposure, person: As, region: Region = None, as_json: JsonFlag = False
) -> None:
    """Take back that I take this class of exposure, or with `check-ins` that somebody looks in. Nobody asks why.

    Example:
      watchfloor wellness optout csea --as specialist-1
    """
    _consent(context, exposure, person, region, as_json, yes=False)


def caps(
    context: typer.Context,
    exposure: Annotated[str | None, typer.Argument(metavar="[CLASS]", help="The class whose cap is lowered.")] = None,
    day: Annotated[str | None, typer.Argument(metavar="[LENGTH]", help="At most so long in 24 h: 40m, 1h; 0m.")] = None,
    person: Annotated[
        str | None, typer.Option("--as", envvar="WATCHFLOOR_PERSON", metavar="PERSON", help="Who lowers it.")
    ] = None,
    other: Other = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """The caps by class, with their owner and date of review; with CLASS and LENGTH, a lower cap of one's own.

    A cap can only be lowered, by the person or by the wellness officer for them. Nobody can raise one.

    Examples:
      watchfloor wellness caps
      watchfloor wellness caps csea 40m --as specialist-1
      watchfloor wellness caps csea 0m --as wellness-1 --person specialist-1
    """
    with edge(as_json):
        from watchfloor.cli.wellness_view import print_caps
        from watchfloor.client.errors import Refused

        if exposure is None:
            from watchfloor.cli.faces import settings_here
            from watchfloor.wellness import load_caps

            settings = next(iter(settings_here(context.obj, region).values()))
            print_caps(load_caps(settings.caps_path), datetime.now(UTC), as_json)
            return
        if day is None or person is None:
            raise typer.BadParameter("a lower cap needs CLASS, LENGTH and --as PERSON")
        room = enter(context, person, region)
        whose = other or person
        try:
            lower(room, exposure, day, whose)
        except ValueError as error:
            raise Refused("cap", str(error)) from error
        _tell(f"the cap of `{exposure}` is now {day} in 24 hours for {whose}", as_json, cap=day, person=whose)


def show(
    context: typer.Context, person: As, other: Other = None, region: Region = None, as_json: JsonFlag = False
) -> None:
    """Sums over the people of the region, only where five or more were exposed; with --person one person's figures.

    One person's figures are for that person and for the wellness officer.

    Examples:
      watchfloor wellness show --as commander-eu-1
      watchfloor wellness show --as wellness-1 --person specialist-1
    """
    with edge(as_json):
        from watchfloor.cli.wellness_view import print_figures, print_sums
        from watchfloor.client.errors import Refused
        from watchfloor.wellness.sight import SightRefused, require_sight, sum_up

        room, now = enter(context, person, region), datetime.now(UTC)
        if other is None:
            print_sums(sum_up(room.desk, room.people, now=now), as_json)
            return
        try:
            require_sight(room.viewer, other)
        except SightRefused as error:
            raise Refused("not_permitted", str(error)) from error
        if room.people.find(other) is None:
            raise Refused(Refused.UNKNOWN_PERSON, f"`{other}` is not in the directory of people; correct the id")
        print_figures(room.desk, other, now, as_json)


def checkins(
    context: typer.Context,
    person: As,
    done: Annotated[str | None, typer.Option("--done", metavar="ID", help="It was done; for the officer.")] = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """What is owed to people after a panic or an S0: a call, and check-ins after a day, a week and a month.

    The wellness officer sees everybody's, anybody else their own. `optout check-ins` ends them.

    Examples:
      watchfloor wellness checkins --as wellness-1
      watchfloor wellness checkins --done 4fkq9a2c11 --as wellness-1
    """
    with edge(as_json):
        from watchfloor.cli.wellness_view import print_follow_ups
        from watchfloor.client.errors import NotFound, Refused
        from watchfloor.wellness.sight import OFFICER, SightRefused, require_officer

        room, now = enter(context, person, region), datetime.now(UTC)
        if done is not None:
            try:
                require_officer(room.viewer)
            except SightRefused as error:
                raise Refused("not_permitted", str(error)) from error
            if not room.desk.care.done(done, by=person, now=now):
                raise NotFound(f"nothing open has the id `{done[:20]}`; `watchfloor wellness checkins` lists them")
        mine = None if OFFICER in room.viewer.roles else person
        print_follow_ups(room.desk.care.open_ones(mine), now, as_json)


def panic(context: typer.Context, person: As, region: Region = None, as_json: JsonFlag = False) -> None:
    """Stop now. Everything you have is handed back and others are asked; you rest; nobody is told more, or asks why.

    The wellness officer calls. Tasks that nobody takes within five minutes climb. If the engine does not answer, it is
    on disk all the same, and the gateway hands back as soon as it can.

    Example:
      watchfloor panic --as specialist-1
    """
    with edge(as_json):
        from watchfloor.cli.faces import Here, with_faces
        from watchfloor.client.errors import ClientError
        from watchfloor.client.relief import relieve

        room = enter(context, person, region)
        now = datetime.now(UTC)
        room.desk.care.panic(person, now=now)

        async def go(here: Here) -> tuple[int, bool]:
            return await relieve(here.face(room.viewer.region), person)

        try:
            given, complete = with_faces(context.obj, region or room.viewer.region, go)
        except ClientError:
            given, complete = 0, False
        rest = f"you rest until {(now + room.desk.caps.cool_down):%H:%M} UTC; the wellness officer will call you"
        back = f"{given} handed back, all of what you had" if complete else f"{given} handed back, the rest follows"
        _tell(f"{back}; {rest}", as_json, handed_back=given, complete=complete)


def lower(room: Room, exposure: str, day: str, whose: str) -> None:
    """Lower somebody's cap.

    Raises:
        ValueError: the class or the length is none, or the cap would not go down.
        Refused: not this person's to lower.
    """
    from datetime import timedelta

    from pydantic_core import PydanticCustomError

    from watchfloor.client.errors import Refused
    from watchfloor.wellness.caps import read_length
    from watchfloor.wellness.sight import SightRefused, require_sight

    try:
        require_sight(room.viewer, whose)
    except SightRefused as error:
        raise Refused("not_permitted", str(error)) from error
    if room.people.find(whose) is None:
        raise Refused(Refused.UNKNOWN_PERSON, f"`{whose}` is not in the directory of people; correct the id")
    try:
        length = timedelta(0) if day in {"0", "0m"} else read_length(day)
    except PydanticCustomError as error:
        raise ValueError(error.message()) from error
    room.desk.lower_cap(whose, exposure, length, by=room.viewer.id, now=datetime.now(UTC))


def _consent(
    context: typer.Context, exposure: str, person: str, region: str | None, as_json: bool, *, yes: bool
) -> None:
    with edge(as_json):
        from watchfloor.client.errors import Refused
        from watchfloor.wellness.care import CHECK_INS

        desk = enter(context, person, region).desk
        now = datetime.now(UTC)
        if exposure == CHECK_INS:
            if yes:
                desk.care.opt_in(person)
            else:
                desk.care.opt_out(person, now=now)
            _tell(f"{person} has {'check-ins' if yes else 'no check-ins'}", as_json, person=person, check_ins=yes)
            return
        try:
            if yes:
                desk.opt_in(person, exposure, now=now)
            else:
                desk.opt_out(person, exposure)
        except ValueError as error:
            raise Refused("unknown_class", str(error)) from error
        said = f"{person} takes `{exposure}`; `watchfloor wellness optout {exposure}` takes it back at any time"
        _tell(said if yes else f"{person} no longer takes `{exposure}`", as_json, person=person, opted_in=yes)


def _tell(words: str, as_json: bool, **fields: object) -> None:
    from watchfloor.cli.console import console, print_json

    if as_json:
        print_json(fields)
    else:
        console().print(words, soft_wrap=True)
