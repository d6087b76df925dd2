"""A small canvas that writes SVG: shapes by class, all text escaped, whole numbers wherever possible."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal

from watchfloor.drawing.words import show_controls

Anchor = Literal["start", "middle", "end"]


def safe(text: str) -> str:
    """Text as it may stand in an element or an attribute: hidden characters shown, markup escaped."""
    return escape(show_controls(text), quote=True)


def number(value: float) -> str:
    """A coordinate: at most one decimal, none when it is whole."""
    rounded = round(value, 1)
    return str(int(rounded)) if rounded == int(rounded) else str(rounded)


@dataclass(slots=True)
class Canvas:
    """Collects shapes in drawing order.

    Colours and fonts come only from the style sheet given to `render`, by class; no shape carries a `style`
    attribute, a script, a link or an id, so the picture can stand inline in a page with a strict policy.
    """

    shapes: list[str] = field(default_factory=list)

    def rect(self, x: float, y: float, width: float, height: float, css: str, *, radius: float = 0) -> None:
        corner = f' rx="{number(radius)}"' if radius else ""
        place = f'x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"'
        self.shapes.append(f'<rect class="{css}" {place}{corner}/>')

    def line(self, x1: float, y1: float, x2: float, y2: float, css: str) -> None:
        self.shapes.append(
            f'<line class="{css}" x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}"/>'
        )

    def path(self, points: Sequence[tuple[float, float]], css: str, *, closed: bool = False) -> None:
        """Straight lines through the points."""
        steps = " ".join(f"{'L' if at else 'M'}{number(x)} {number(y)}" for at, (x, y) in enumerate(points))
        self.shapes.append(f'<path class="{css}" d="{steps}{" Z" if closed else ""}"/>')

    def circle(self, x: float, y: float, radius: float, css: str) -> None:
        self.shapes.append(f'<circle class="{css}" cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"/>')

    def diamond(self, x: float, y: float, reach: float, css: str) -> None:
        self.path([(x, y - reach), (x + reach, y), (x, y + reach), (x - reach, y)], css, closed=True)

    def arrow_down(self, x: float, y: float, css: str) -> None:
        """A head whose tip is at (x, y)."""
        self.path([(x - 4, y - 6), (x + 4, y - 6), (x, y)], css, closed=True)

    def text(self, x: float, y: float, text: str, css: str, *, anchor: Anchor = "start") -> None:
        """One line, its baseline at y."""
        at = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self.shapes.append(f'<text class="{css}" x="{number(x)}" y="{number(y)}"{at}>{safe(text)}</text>')

    def open_group(self, title: str = "") -> None:
        """Begin a group; a title shows when the pointer rests on it and is read by a screen reader."""
        self.shapes.append("<g>" + (f"<title>{safe(title)}</title>" if title else ""))

    def close_group(self) -> None:
        self.shapes.append("</g>")

    def render(self, width: float, height: float, *, title: str, desc: str, style: str) -> str:
        """The whole document, ending in a newline.

        Args:
            width: pixels.
            height: pixels.
            title: what the picture is, for those who cannot see it.
            desc: what it says, in a sentence.
            style: a style sheet of our own; never text from outside.
        """
        size = f"{number(width)} {number(height)}"
        head = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{number(width)}"'
            f' height="{number(height)}" role="img">',
            f"<title>{safe(title)}</title>",
            f"<desc>{safe(desc)}</desc>",
            f"<style>{style}</style>" if style else "",
        ]
        return "\n".join([*(line for line in head if line), *self.shapes, "</svg>"]) + "\n"
