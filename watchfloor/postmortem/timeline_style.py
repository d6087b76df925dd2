"""Colours of the timeline. Meaning is carried by shape and words too, never by colour alone."""

LEGEND = (
    ("asked", "asked"),
    ("answered", "answered"),
    ("reads", "look-up"),
    ("restricts", "restriction"),
    ("discloses", "disclosure"),
    ("destroys", "destruction"),
    ("warn", "clock warned"),
    ("breach", "clock ran out"),
)

_LIGHT = {
    "ground": "#ffffff",
    "rim": "#d5dbe3",
    "lane": "#f4f6f8",
    "ink": "#18212d",
    "soft": "#4d5968",
    "grid": "#e3e8ee",
    "fold": "#e9edf2",
    "phase": "#93a2b5",
    "reads": "#7b899c",
    "restricts": "#b4500a",
    "discloses": "#7c3aad",
    "destroys": "#b3202c",
    "human": "#1b5fc1",
    "good": "#0b756a",
    "open": "#c98a06",
    "bad": "#b3202c",
}
_DARK = {
    "ground": "#11161d",
    "rim": "#313c4a",
    "lane": "#181f28",
    "ink": "#e8edf4",
    "soft": "#a9b5c3",
    "grid": "#27313d",
    "fold": "#232d39",
    "phase": "#5b6b80",
    "reads": "#9fb0c6",
    "restricts": "#f59a52",
    "discloses": "#c89bf2",
    "destroys": "#ff8089",
    "human": "#7db4ff",
    "good": "#4fcabb",
    "open": "#e0a92e",
    "bad": "#ff8089",
}


def _rules(colour: dict[str, str]) -> str:
    return "".join(
        (
            f".tl-ground{{fill:{colour['ground']};stroke:{colour['rim']}}}",
            f".tl-lane{{fill:{colour['lane']}}}",
            f".tl-head,.tl-name,.tl-label,.tl-clock-name{{fill:{colour['ink']}}}",
            f".tl-soft{{fill:{colour['soft']}}}",
            f".tl-axis,.tl-zigzag,.tl-join{{stroke:{colour['soft']}}}",
            f".tl-grid{{stroke:{colour['grid']}}}",
            f".tl-fold{{fill:{colour['fold']}}}",
            f".tl-phase{{fill:{colour['phase']}}}",
            *(
                f".tl-tick.tl-{kind}{{stroke:{colour[kind]}}}"
                for kind in ("reads", "restricts", "discloses", "destroys")
            ),
            f".tl-asked{{fill:{colour['ground']};stroke:{colour['human']}}}",
            f".tl-answered{{fill:{colour['human']};stroke:{colour['human']}}}",
            f".tl-silent{{fill:{colour['ground']};stroke:{colour['bad']}}}",
            f".tl-cross,.tl-due{{stroke:{colour['bad']}}}",
            f".tl-placed{{fill:{colour['ground']};stroke:{colour['good']}}}",
            f".tl-proved,.tl-clock.tl-met{{fill:{colour['good']}}}",
            f".tl-clock.tl-late,.tl-clock.tl-assigned,.tl-clock.tl-running,.tl-warn{{fill:{colour['open']}}}",
            f".tl-clock.tl-breached{{fill:{colour['open']}}}",
            f".tl-before{{fill:{colour['phase']}}}",
            f".tl-anew{{stroke:{colour['soft']}}}",
            f".tl-over,.tl-breach{{fill:{colour['bad']}}}",
        )
    )


STYLE = (
    "text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;font-size:11px}"
    ".tl-head{font-size:16px;font-weight:650}.tl-name,.tl-clock-name{font-size:12.5px;font-weight:650}"
    ".tl-tick{stroke-width:2}.tl-join{stroke-width:1;stroke-dasharray:2 3}"
    ".tl-asked,.tl-answered,.tl-silent,.tl-placed{stroke-width:1.8}"
    ".tl-cross{stroke-width:2.2;fill:none}.tl-due{stroke-width:1.6;stroke-dasharray:3 2}.tl-zigzag{fill:none}"
    ".tl-axis{stroke-width:1}.tl-fold{opacity:.55}"
    + _rules(_LIGHT)
    + "@media(prefers-color-scheme:dark){"
    + _rules(_DARK)
    + "}"
)
