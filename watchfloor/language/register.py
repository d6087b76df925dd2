"""The clock register: durations that the law sets, each with an owner, a mark and a date of review."""

from datetime import date
from pathlib import Path

from schemas.plan import ClockLaw
from watchfloor.language import codes
from watchfloor.language.findings import Finding, render_text
from watchfloor.language.nodes import Mapping, Node, Scalar
from watchfloor.language.reading import (
    Keys,
    dotted,
    duration,
    integer,
    list_of,
    one_of,
    open_mapping,
    text,
    wrong,
)
from watchfloor.language.report import Report
from watchfloor.language.source import parse


class RegisterRefused(ValueError):
    """The register cannot be used. The message draws each finding."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__(render_text(findings))
        self.findings = findings


def load_register(path: str | Path) -> dict[str, ClockLaw]:
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
) -> tuple[dict[str, ClockLaw], tuple[Finding, ...]]:
    """The rows that are well formed, and every finding.

    Args:
        today: warn about rows whose review is overdue on this day; not checked when None.
    """
    source = parse(text_, path=path)
    if source.root is None:
        return {}, source.findings
    report = Report(path, source.lines)
    rows: dict[str, ClockLaw] = {}
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
    return rows, tuple(sorted({*source.findings, *report.findings()}))


def _row(node: Node, report: Report) -> tuple[Scalar, ClockLaw] | None:
    keys = open_mapping(node, report, "a row", "- {id: eu.tco.removal, kind: deadline, ...}")
    if keys is None:
        return None
    id_ = keys.take("id", dotted, required=True)
    keys.what = f"row `{id_.value}`" if id_ else "this row"
    kind = keys.take("kind", one_of("deadline", "promptly", "min_retention", "max_retention"), required=True)
    title = keys.take("title", text, required=True)
    ref = keys.take("legal_ref", text, required=True, hint="article and act")
    length = keys.take("duration", duration(business=True))
    months = keys.take("months", integer(1, 240))
    slo = keys.take("internal_slo", duration())
    basis = keys.take("basis", one_of("V", "S", "T", "P"), required=True, hint="verified, secondary, told, product")
    owner = keys.take("owner", text, required=True)
    review = keys.take("review_after", _day, required=True)
    holidays = keys.take("holidays", list_of(_day, "days", at_most=400)) or ()
    if not keys.close() or not (id_ and title and ref and owner and review) or kind is None or basis is None:
        return None
    if not _agrees(keys, kind, length is not None, months is not None, slo is not None):
        return None
    return id_, {
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
    }


def _agrees(keys: Keys, kind: str, length: bool, months: bool, slo: bool) -> bool:
    """A row says its length once; a law without a number has an internal one."""
    problem = ""
    if length and months:
        problem = "`duration` and `months` exclude each other"
    elif kind == "promptly" and (length or months):
        problem = "`promptly` says that the law gives no number; the row gives one"
    elif kind == "promptly" and not slo:
        problem = "`promptly` needs `internal_slo`: the number we page on"
    elif kind != "promptly" and not (length or months):
        problem = f"`{kind}` needs `duration` or `months`"
    if problem:
        keys.report.add(codes.REGISTER_ROW, keys.node.span, problem)
    return not problem


def _day(node: Node, report: Report) -> str | None:
    if isinstance(node, Mapping) or not isinstance(node, Scalar):
        wrong(node, report, "a day such as 2027-05-01")
        return None
    try:
        return date.fromisoformat(node.value).isoformat()
    except ValueError:
        wrong(node, report, "a day such as 2027-05-01")
        return None
