"""Sheets for the tests of printing, with people and numbers of nobody."""

from datetime import UTC, datetime
from pathlib import Path

from activities.catalog import CATALOG
from schemas.plan import Plan
from watchfloor.client.library import plan_for_start
from watchfloor.identity.contact_list import ContactList, load_contacts
from watchfloor.identity.people import DEVELOPMENT_PEOPLE, load_people
from watchfloor.identity.rota_file import DEVELOPMENT_ROTAS, load_rotas
from watchfloor.paper.reach import Reached, list_reach
from watchfloor.paper.sheet import Box, Sheet, make_sheet

AT = datetime(2026, 11, 28, 5, 0, tzinfo=UTC)
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "runbooks"
ORDER = "eu-tco-removal-order"
ERASURE = str(FIXTURES / "four-eyes-deletion")
CONTACTS = """\
checked: 2026-11-01
contacts:
  - {for: incident_commander, how: "duty phone +353 20 910 0100"}
  - {for: counsel-1, how: "+353 20 910 0101", note: "nights too"}
  - {for: platform duty engineer, how: "+353 20 910 0110", note: "disables items by hand"}
authorities:
  - authority: National police, cyber desk
    place: IE
    zone: Europe/Dublin
    number: "+353 20 910 0199"
    found: the authority's own site, 2026-11-01
    script: [Say who you are and from which company]
    read_back: [the number of the order]
    never: [name a colleague]
"""


def sheet(name: str = ORDER, **changes: object) -> Sheet:
    plan, digest = plan_for_start(name)
    changed: Plan = {**plan, **changes}  # type: ignore[typeddict-item]
    return make_sheet(changed, digest, CATALOG, printed_at=AT)


def contacts(folder: Path, text: str = CONTACTS) -> ContactList:
    (folder / "contacts.yaml").write_text(text)
    return load_contacts(folder / "contacts.yaml")


def reached(of: Sheet, known: ContactList | None = None) -> Reached:
    people, rotas = load_people(DEVELOPMENT_PEOPLE), load_rotas(DEVELOPMENT_ROTAS)
    return list_reach(of.roles, of.command, AT, people=people, rotas=rotas, known=known)


def every_box(boxes: tuple[Box, ...]) -> list[Box]:
    found = list[Box]()
    for box in boxes:
        found += [box, *every_box(box.inside)]
        for way in box.ways:
            found += every_box(way.boxes)
    return found


def boxes_of(of: Sheet) -> list[Box]:
    return [box for part in (*of.phases, *of.tracks) for box in every_box(part.boxes)]
