"""The little of Markdown that our own pages of findings are written in, as HTML: headings, code, lists, paragraphs.

Everything is escaped first, so a page cannot bring markup of its own.
"""

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

from watchfloor.drawing.words import show_controls

_CODE = re.compile(r"`([^`]+)`")
_STRONG = re.compile(r"\*\*([^*]+)\*\*")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")


def render_prose(text: str) -> Markup:
    """HTML of a page; its first heading is left to the page that shows it, the others become `h2`."""
    return Markup("\n").join(_blocks(text.splitlines()))


def _blocks(lines: list[str]) -> Iterator[Markup]:
    held: list[str] = []
    fence: list[str] | None = None
    for line in [*lines, ""]:
        if line.startswith("```"):
            if fence is not None:
                yield Markup('<pre tabindex="0"><code>{}</code></pre>').format("\n".join(map(show_controls, fence)))
            else:
                yield from _paragraph(held)
            fence = [] if fence is None else None
        elif fence is not None:
            fence.append(line)
        elif line.startswith("# "):
            continue
        elif line.startswith("#"):
            yield from _paragraph(held)
            yield Markup("<h2>{}</h2>").format(_inline(line.lstrip("# ")))
        elif line.strip():
            held.append(line.strip())
        else:
            yield from _paragraph(held)


def _paragraph(held: list[str]) -> Iterator[Markup]:
    if not held:
        return
    if all(line.startswith(("- ", "* ")) for line in held):
        yield Markup("<ul>{}</ul>").format(
            Markup("").join(Markup("<li>{}</li>").format(_inline(one[2:])) for one in held)
        )
    else:
        yield Markup("<p>{}</p>").format(_inline(" ".join(held)))
    held.clear()


def _inline(text: str) -> Markup:
    shown = str(escape(show_controls(_LINK.sub(r"\1", text))))
    shown = _CODE.sub(r"<code>\1</code>", shown)
    return Markup(_STRONG.sub(r"<strong>\1</strong>", shown))  # noqa: S704 - escaped above; only our own tags are added
