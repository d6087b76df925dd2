"""The rotas as SVG: a row for each role, a column for each day, a bar for each stretch; gaps and double bookings stand
out by shape and words too, never by colour alone. The same survey gives the same bytes."""

from datetime import datetime, timedelta

from watchfloor.drawing import Canvas, text_width, wrap
from watchfloor.identity.oncall import RotaView, Stretch, Survey, stretches

GUTTER, RIGHT, TOP, ROW = 218, 1108, 66, 60
WIDTH = 1120
_HUES = 6

_LIGHT: dict[str, str] = {
    "ground": "#ffffff", "rim": "#d5dbe3", "ink": "#18212d", "soft": "#4d5968", "grid": "#e3e8ee", "weekend": "#f4f6f8",
    "bad": "#b3202c", "bad-ground": "#fdecee", "now": "#1b5fc1",
}  # fmt: skip
_DARK: dict[str, str] = {
    "ground": "#11161d", "rim": "#313c4a", "ink": "#e8edf4", "soft": "#a9b5c3", "grid": "#27313d", "weekend": "#181f28",
    "bad": "#ff8089", "bad-ground": "#3a1a1f", "now": "#7db4ff",
}  # fmt: skip
_LIGHT_HUES = ("#cfe0f7", "#d3ece5", "#f6e3c5", "#e5daf3", "#d9e3c8", "#f3d9e3")
_DARK_HUES = ("#234a7d", "#1c5a4d", "#6b4a14", "#4d3577", "#45561f", "#6b2b48")


def render_rotas(found: Survey) -> str:
    """A standalone SVG document."""
    canvas = Canvas()
    height = TOP + ROW * len(found.views) + 40
    canvas.rect(0, 0, WIDTH, height, "rp-ground", radius=10)
    canvas.text(20, 30, f"On call from {found.at:%Y-%m-%d %H:%M}Z, all times UTC", "rp-head")
    _days(canvas, found, height)
    for index, view in enumerate(found.views):
        _row(canvas, found, view, TOP + ROW * index)
    _legend(canvas, found, height - 14)
    gaps, doubles = (sum(len(getattr(view, kind)) for view in found.views) for kind in ("gaps", "doubles"))
    desc = f"{len(found.views)} rotas, {gaps} gaps, {doubles} double bookings."
    return canvas.render(WIDTH, height, title="Who is on call", desc=desc, style=STYLE)


def _x(found: Survey, at: datetime) -> float:
    share = (at - found.since) / (found.until - found.since)
    return GUTTER + (RIGHT - GUTTER) * min(1.0, max(0.0, share))


def _days(canvas: Canvas, found: Survey, height: float) -> None:
    bottom = height - 34
    day = found.since
    wide = (RIGHT - GUTTER) / max(1, (found.until - found.since).days)
    while day < found.until:
        left, right = _x(found, day), _x(found, day + timedelta(days=1))
        if day.weekday() >= 5:
            canvas.rect(left, TOP - 22, right - left, bottom - TOP + 22, "rp-weekend")
        canvas.line(left, TOP - 22, left, bottom, "rp-grid")
        if wide >= 34 or day.weekday() == 0 or day == found.since:
            canvas.text(left + 4, TOP - 9, f"{day:%a} {day.day}" if wide >= 34 else f"{day:%d.%m}", "rp-soft")
        day += timedelta(days=1)


def _row(canvas: Canvas, found: Survey, view: RotaView, y: float) -> None:
    rota = view.rota
    canvas.text(20, y + 18, wrap(rota.role, GUTTER - 30, 12.5, lines=1, bold=True)[0], "rp-name")
    canvas.text(20, y + 33, wrap(f"{rota.region} · {rota.name}", GUTTER - 30, 11, lines=1)[0], "rp-soft")
    key = "  ".join(f"{view.letter(person)} {person}" for person in view.people)
    canvas.text(GUTTER + 4, y + 50, (wrap(key, RIGHT - GUTTER - 8, 11, lines=1) or ("",))[0], "rp-soft")
    for stretch in stretches(view, found.at, found.until):
        _stretch(canvas, found, view, stretch, y)
    x = _x(found, found.at)
    canvas.line(x, y, x, y + 42, "rp-now")


def _stretch(canvas: Canvas, found: Survey, view: RotaView, stretch: Stretch, y: float) -> None:
    left, right = _x(found, stretch.start_at), _x(found, stretch.end_at)
    seats = view.rota.seats
    lacking = any(one.start_at and one.start_at < stretch.end_at and (one.end_at or stretch.end_at) > stretch.start_at
                  for one in view.gaps)  # fmt: skip
    names = ", ".join(stretch.people) or ("gap" if lacking else "")
    canvas.open_group(
        f"{names or 'no cover needed'}: {stretch.start_at:%Y-%m-%d %H:%M}Z to {stretch.end_at:%Y-%m-%d %H:%M}Z"
    )
    if len(stretch.people) > seats:
        canvas.rect(left + 1, y + 4, max(2, right - left - 2), 34, "rp-double", radius=4)
        _words(canvas, left, right, y + 17, "double", "rp-bad")
        _words(canvas, left, right, y + 32, names, "rp-bad")
    elif lacking:
        canvas.rect(left + 1, y + 4, max(2, right - left - 2), 34, "rp-gap", radius=4)
        _words(canvas, left, right, y + 26, "gap", "rp-bad")
    elif stretch.people:
        hue = view.people.index(stretch.people[0]) % _HUES
        canvas.rect(left + 1, y + 8, max(2, right - left - 2), 26, f"rp-hue{hue}", radius=4)
        letters = "".join(view.letter(person) for person in stretch.people)
        _words(canvas, left, right, y + 26, names, "rp-label", short=letters)
    canvas.close_group()


def _words(canvas: Canvas, left: float, right: float, y: float, words: str, css: str, *, short: str = "") -> None:
    """The words where they fit, else the short form, else nothing; the bar's title says it in full."""
    room = right - left - 8
    for text in (words, short):
        if text and text_width(text, 11) <= room:
            canvas.text(left + 5, y, text, css)
            return


def _legend(canvas: Canvas, found: Survey, y: float) -> None:
    canvas.line(20, y - 11, 20, y + 2, "rp-now")
    canvas.text(28, y, f"now ({found.at:%H:%M}Z)", "rp-soft")
    canvas.rect(130, y - 11, 26, 13, "rp-gap", radius=3)
    canvas.text(162, y, "gap: nobody is on call", "rp-soft")
    canvas.rect(330, y - 11, 26, 13, "rp-double", radius=3)
    canvas.text(362, y, "double booking: more people than seats", "rp-soft")


def _rules(colour: dict[str, str], hues: tuple[str, ...]) -> str:
    return "".join(
        (
            f".rp-ground{{fill:{colour['ground']};stroke:{colour['rim']}}}",
            f".rp-weekend{{fill:{colour['weekend']}}}",
            f".rp-grid{{stroke:{colour['grid']}}}",
            f".rp-head,.rp-name,.rp-label{{fill:{colour['ink']}}}",
            f".rp-soft{{fill:{colour['soft']}}}",
            f".rp-bad{{fill:{colour['bad']}}}",
            f".rp-now{{stroke:{colour['now']}}}",
            f".rp-gap{{fill:{colour['ground']};stroke:{colour['bad']}}}",
            f".rp-double{{fill:{colour['bad-ground']};stroke:{colour['bad']}}}",
            *(f".rp-hue{index}{{fill:{hue}}}" for index, hue in enumerate(hues)),
        )
    )


STYLE = (
    "text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;font-size:11px}"
    ".rp-head{font-size:16px;font-weight:650}.rp-name{font-size:12.5px;font-weight:650}.rp-bad{font-weight:650}"
    ".rp-gap{stroke-width:1.8;stroke-dasharray:4 3}.rp-double{stroke-width:1.8}.rp-now{stroke-width:2}"
    + _rules(_LIGHT, _LIGHT_HUES)
    + "@media(prefers-color-scheme:dark){"
    + _rules(_DARK, _DARK_HUES)
    + "}"
)
