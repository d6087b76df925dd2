"""The clock register: durations that the law sets, each with an owner, a mark and a date of review."""

from collections.abc import Mapping as Rows
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

from schemas.plan import CONFLICT_CLASSES, ClockLaw
from schemas.register import CalendarRule, RegisterRow
from watchfloor.language import codes
from watchfloor.language.calendars import (
    AFTER,
    find_end,
    find_longest,
    find_place_fault,
    find_zone_fault,
    known_years,
    write_out,
)
from watchfloor.language.document import Time
from watchfloor.language.findings import Finding, listing, nearest, render_text
from watchfloor.language.nodes import Mapping, Node, Scalar
from watchfloor.language.reading import (
    Keys,
    dotted,
    duration,
    integer,
    list_of,
    name,
    one_of,
    open_mapping,
    pairs_of,
    text,
    unique_names,
    wrong,
)
from watchfloor.language.report import Report
from watchfloor.language.source import parse

KINDS = ("deadline", "promptly", "min_retention", "max_retention", "info", "retired")
NO_CLOCK = frozenset({"info", "retired"})
"""Kinds that no runbook can use as a clock."""
LOOKS_AHEAD = 365
"""Days: a calendar that what begins until then could outlast is warned of."""
_OWN_CLASS = {"min_retention": "floor", "max_retention": "ttl"}
_IN_PLAN = tuple(ClockLaw.__annotations__)


class RegisterRefused(ValueError):
    """The register cannot be used. The message draws each finding."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__(render_text(findings))
        self.findings = findings


def load_register(path: str | Path) -> dict[str, RegisterRow]:
    """Read `clocks.yaml`.

    Raises:
        RegisterRefused: it holds a mistake; nothing of it is used.
        OSError: the file cannot be read.
    """
    rows, findings = read_register(Path(path).read_bytes(), path=str(path))
    if any(finding.is_error for finding in findings):
        raise RegisterRefused(findings)
    return rows


def read_register(
    text_: str | bytes, *, path: str, today: date | None = None
) -> tuple[dict[str, RegisterRow], tuple[Finding, ...]]:
    """The rows that are well formed, and every finding.

    Args:
        today: warn about rows whose review is overdue on this day; not checked when None.
    """
    source = parse(text_, path=path)
    if source.root is None:
        return {}, source.findings
    report = Report(path, source.lines)
    rows: dict[str, RegisterRow] = {}
    keys = open_mapping(source.root, report, "the register", "clocks: [...]")
    if keys is not None:
        found = keys.take("clocks", list_of(_row, "rows", at_least=1, at_most=1000), required=True)
        keys.close()
        for id_, law in found or ():
            if law["id"] in rows:
                report.add(codes.DUPLICATE_ID, id_.span, f"a second row `{law['id']}`", expected="an id of its own")
            rows[law["id"]] = law
            if today is not None and law["review_after"] < today.isoformat():
                report.add(
                    codes.REVIEW_OVERDUE,
                    id_.span,
                    f"`{law['id']}` was to be reviewed by {law['review_after']}",
                    help=f"its owner is {law['owner']}",
                )
            if today is not None and law["kind"] not in NO_CLOCK:
                _check_calendar(id_, law, today, report)
        _check_conflicts(found or (), rows, report)
    return rows, tuple(sorted({*source.findings, *report.findings()}))


def law_of(row: ClockLaw) -> ClockLaw:
    """What a plan holds of a row: all that a run computes with, its calendar written out, and no more."""
    law = cast(ClockLaw, {key: value for key, value in row.items() if key in _IN_PLAN})
    rule = cast(RegisterRow, row).get("counted")
    if rule is not None:
        law["calendar"] = write_out(rule, law)
    return law


def class_of(row: ClockLaw) -> str:
    """The row's class in a conflict; empty when it claims no material."""
    return row.get("conflict_class") or _OWN_CLASS.get(row["kind"], "")


def _row(node: Node, report: Report) -> tuple[Scalar, RegisterRow] | None:
    keys = open_mapping(node, report, "a row", "- {id: eu.tco.removal, kind: deadline, ...}")
    if keys is None:
        return None
    id_ = keys.take("id", dotted, required=True)
    keys.what = f"row `{id_.value}`" if id_ else "this row"
    kind = keys.take("kind", one_of(*KINDS), required=True)
    title = keys.take("title", text, required=True)
    ref = keys.take("legal_ref", text, required=True, hint="article and act")
    length = keys.take("duration", duration(business=True))
    months = keys.take("months", integer(1, 240))
    slo = keys.take("internal_slo", duration())
    basis = keys.take("basis", one_of("V", "S", "T", "P"), required=True, hint="verified, secondary, told, product")
    owner = keys.take("owner", text, required=True)
    review = keys.take("review_after", _day, required=True)
    holidays = keys.take("holidays", list_of(_day, "days", at_most=400)) or ()
    more = _said_to_people(keys)
    counted = _counted(keys, length, months)
    if not keys.close() or not (id_ and title and ref and owner and review) or kind is None or basis is None:
        return None
    if not _agrees(keys, kind, length is not None, months is not None, slo is not None, more):
        return None
    row = {
        "id": id_.value,
        "kind": kind,
        "title": title,
        "legal_ref": ref,
        "duration": length.seconds if length is not None else None,
        "business_days": length.business_days if length is not None else None,
        "months": months,
        "internal_slo": slo.seconds if slo is not None else None,
        "basis": basis,
        "owner": owner,
        "review_after": review,
        "holidays": list(holidays),
        **more,
    }
    if counted is not None:
        row["counted"] = counted
    return id_, cast(RegisterRow, row)


def _said_to_people(keys: Keys) -> dict[str, Any]:
    """The optional keys, those that are there."""
    conflicts = keys.take("conflicts", list_of(dotted, "rows or classes", at_most=100))
    record = keys.take("record", list_of(text, "texts", at_most=50))
    pause_on = keys.take("pause_on", unique_names)
    thresholds = keys.take("thresholds", pairs_of(name, integer(1, 10**9), "thresholds", at_least=1))
    traps = keys.take("traps", list_of(_trap, "traps", at_most=50))
    found: dict[str, Any] = {
        "jurisdiction": keys.take("jurisdiction", text),
        "trigger": keys.take("trigger", text),
        "actor": keys.take("actor", text),
        "record": list(record) if record else None,
        "traps": list(traps) if traps else None,
        "thresholds": {key.value: value for key, value in thresholds} if thresholds else None,
        "pause_on": [reason.value for reason in pause_on] if pause_on else None,
        "after_pause": keys.take("after_pause", one_of("resume", "restart")),
        "conflict_class": keys.take("conflict_class", one_of(*CONFLICT_CLASSES)),
        "conflicts": [each.value for each in conflicts] if conflicts else None,
    }
    renew = keys.take("renew", _renewal)
    if renew is not None:
        found["renew"], found["renew_basis"] = renew
    return {key: value for key, value in found.items() if value is not None}


def _trap(node: Node, report: Report) -> dict[str, str] | None:
    keys = open_mapping(node, report, "a trap", "- {basis: S, says: a fine of …}")
    if keys is None:
        return None
    basis = keys.take("basis", one_of("V", "S", "T", "P"), required=True)
    says = keys.take("says", text, required=True)
    return {"basis": basis, "says": says} if keys.close() and basis and says else None


def _renewal(node: Node, report: Report) -> tuple[dict[str, Any], str] | None:
    keys = open_mapping(node, report, "`renew`", "renew: {add: 90d, max: 1}")
    if keys is None:
        return None
    add = keys.take("add", duration(), required=True)
    most = keys.take("max", integer(1, 100), required=True)
    basis = keys.take("basis", one_of("V", "S", "T", "P")) or "V"
    if not keys.close() or add is None or most is None:
        return None
    return {"add": float(add.seconds or 0), "max": most}, basis


def _counted(keys: Keys, length: Time | None, months: int | None) -> CalendarRule | None:
    """The calendar of a place, when the row names one; checked against the length."""
    node = keys.node.get("calendar")
    kind = keys.take("calendar", one_of("wall_clock", "calendar_days", "business_days"))
    zone = keys.take("zone", _zone)
    place = keys.take("place", _place)
    in_business_days = length is not None and length.business_days is not None
    problem = ""
    if kind == "calendar_days" and zone is None and keys.node.get("zone") is None:
        problem = "`calendar_days` end at midnight of a place: say `zone: Europe/Dublin`"
    elif kind == "calendar_days" and length is not None and (in_business_days or (length.seconds or 0) % 86_400):
        problem = f"`calendar_days` counts whole days; the row says {length.text}"
    elif kind == "business_days" and not in_business_days and (length is not None or months is not None):
        problem = "`business_days` counts days such as `10bd`"
    elif kind in {"wall_clock", "calendar_days"} and in_business_days:
        problem = f"`{length.text if length else ''}` is counted by `calendar: business_days`"
    elif keys.node.get("place") is not None and (not in_business_days or keys.node.get("zone") is None):
        problem = "`place` names whose holidays business days leave out; it needs `zone` and a length such as `10bd`"
    elif keys.node.get("zone") is not None and not (kind == "calendar_days" or in_business_days):
        problem = "`zone` counts for `calendar_days` and business days only"
    if problem:
        keys.report.add(codes.REGISTER_ROW, (node or keys.node).span, problem)
        keys.broken = True
        return None
    if zone is None:
        return None
    return {"kind": "business_days" if in_business_days else "calendar_days", "zone": zone, "place": place or ""}


def _zone(node: Node, report: Report) -> str | None:
    zone = text(node, report)
    fault = find_zone_fault(zone) if zone is not None else ""
    if fault:
        report.add(codes.BAD_VALUE, node.span, fault, expected="a zone such as Europe/Dublin")
        return None
    return zone


def _place(node: Node, report: Report) -> str | None:
    place = text(node, report)
    fault = find_place_fault(place) if place is not None else ""
    if fault:
        report.add(codes.BAD_VALUE, node.span, fault, expected="a country or a part of one, such as DE, DE-BY, US-CA")
        return None
    return place


def _agrees(keys: Keys, kind: str, length: bool, months: bool, slo: bool, more: dict[str, Any]) -> bool:
    """A row says its length once; a law without a number has an internal one; what sets no clock has none."""
    problem = ""
    if kind == "info" and (length or months or slo or "pause_on" in more or "renew" in more):
        problem = "`info` sets no clock; the row gives one a length, a pause or a renewal"
    elif length and months:
        problem = "`duration` and `months` exclude each other"
    elif kind == "promptly" and (length or months):
        problem = "`promptly` says that the law gives no number; the row gives one"
    elif kind == "promptly" and not slo:
        problem = "`promptly` needs `internal_slo`: the number we page on"
    elif kind not in {"promptly", *NO_CLOCK} and not (length or months):
        problem = f"`{kind}` needs `duration` or `months`"
    elif "after_pause" in more and "pause_on" not in more:
        problem = "`after_pause` says how a clock goes on; the row names no reason to pause it (`pause_on`)"
    elif "conflict_class" in more and kind in _OWN_CLASS and more["conflict_class"] != _OWN_CLASS[kind]:
        problem = f"`{kind}` is of the class `{_OWN_CLASS[kind]}`; the row says `{more['conflict_class']}`"
    elif "conflicts" in more and not ("conflict_class" in more or kind in _OWN_CLASS):
        problem = "a row that conflicts with others says what it is: `conflict_class: erasure`"
    if problem:
        keys.report.add(codes.REGISTER_ROW, keys.node.span, problem)
    return not problem


def _check_calendar(id_: Scalar, row: RegisterRow, today: date, report: Report) -> None:
    """What begins in the year to come ends within the calendar that it is counted by."""
    end = find_end(row)
    if end is None or today + timedelta(days=LOOKS_AHEAD) + find_longest(row) <= end:
        return
    rule = row.get("counted")
    if rule is None:
        advice = (
            "add the days of the years to come to `holidays`, or name the `zone` and `place` whose holidays they are"
        )
    elif end.year == known_years(rule["place"])[1]:
        advice = (
            f"the package `holidays` knows no later year of {rule['place']}: update it; until then check such clocks by"
            " hand"
        )
    else:
        advice = f"review the row and set `review_after`: its calendar is written out to {AFTER} years after that"
    begun = "today" if today + find_longest(row) > end else "in the year to come"
    report.add(
        codes.CALENDAR_ENDS,
        id_.span,
        f"`{row['id']}` counts by a calendar that is known to {end}; what begins {begun} may end later",
        expected="a calendar that reaches further",
        help=f"{advice}; its owner is {row['owner']}",
    )


def _check_conflicts(
    found: tuple[tuple[Scalar, RegisterRow], ...], rows: Rows[str, RegisterRow], report: Report
) -> None:
    """What a row conflicts with exists, and says so from its side."""
    for id_, row in found:
        for named in row.get("conflicts", ()):
            if named in CONFLICT_CLASSES:
                others = [other for other in rows.values() if class_of(other) == named and other["id"] != row["id"]]
            elif named in rows and named != row["id"]:
                others = [rows[named]]
            else:
                near = nearest(named, [*rows, *CONFLICT_CLASSES])
                report.add(
                    codes.CONFLICT,
                    id_.span,
                    f"`{row['id']}` conflicts with `{named}`, which is no other row and no class",
                    expected=f"an id of the register or one of {listing(CONFLICT_CLASSES)}",
                    help=f"did you mean `{near}`?" if near else "",
                )
                continue
            for other in others:
                if not {row["id"], class_of(row)} & set(other.get("conflicts", ())):
                    report.add(
                        codes.CONFLICT,
                        id_.span,
                        f"`{row['id']}` conflicts with `{other['id']}`, which does not say so",
                        expected=f"`conflicts` of `{other['id']}` names `{row['id']}` or `{class_of(row)}`",
                    )


def _day(node: Node, report: Report) -> str | None:
    if isinstance(node, Mapping) or not isinstance(node, Scalar):
        wrong(node, report, "a day such as 2027-05-01")
        return None
    try:
        return date.fromisoformat(node.value).isoformat()
    except ValueError:
        wrong(node, report, "a day such as 2027-05-01")
        return None
