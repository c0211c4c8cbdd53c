"""Drawings as SVG text: made in under a millisecond, where a Matplotlib figure takes a hundred."""

import html
import math
import re

from matplotlib.ticker import MaxNLocator

from lstm_lesson.plots.figure import Picture
from lstm_lesson.plots.numbers import significant, true_minus
from lstm_lesson.plots.style import INK, QUIET

LINE, GRID = "#B8BCC2", "#E8EAED"
FONT = '"DejaVu Sans", Verdana, sans-serif'


class Card:
    """A white card of `width` by `height` pixels: draw on it in pixels, then take `picture(alt)`."""

    def __init__(self, width: int = 900, height: int = 360, title: str = ""):
        self.width, self.height, self.parts = width, height, []
        if title:
            self.text(16, 30, title, size=17, bold=True)

    def add(self, svg: str) -> None:
        """Add SVG unchanged: numbers and fixed text only."""
        self.parts.append(svg)

    def text(self, x, y, text, color=INK, size=14.5, side="start", bold=False, formula=True) -> None:
        """Text from, around or up to x (`side`: start, middle, end).

        With `formula`, names such as W_xh and h_{t−1} are set as in a formula.
        """
        style = f"fill:{color};font-size:{size}px" + (";font-weight:bold" if bold else "")
        shown = html.escape(text, quote=False)
        shown = math_text(shown) if formula else shown
        self.add(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{side}" style="{style}">{shown}</text>')

    def path(self, points, color=INK, width=2.6, dash="solid") -> None:
        """A line through points in pixels, "solid" or "dashed"."""
        dashes = ' stroke-dasharray="11 6"' if dash == "dashed" else ""
        line = f'fill="none" stroke="{color}" stroke-width="{width}" stroke-linejoin="round"'
        self.add(f'<polyline points="{_points(points)}" {line}{dashes}/>')

    def rect(self, x, y, width, height, fill="none", color="none", thick=1.5, corner=6) -> None:
        """A rectangle with corners rounded by `corner` pixels."""
        box = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{corner}"'
        self.add(f'<rect {box} fill="{fill}" stroke="{color}" stroke-width="{thick}"/>')

    def circle(self, x, y, radius, fill="none", rim="none") -> None:
        """A circle around (x, y)."""
        self.add(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{fill}" stroke="{rim}" stroke-width="1.5"/>')

    def arrow(self, x1, y1, x2, y2, color=QUIET) -> None:
        """An arrow from (x1, y1) to its tip at (x2, y2)."""
        length = math.hypot(x2 - x1, y2 - y1) or 1
        ux, uy = (x2 - x1) / length, (y2 - y1) / length
        bx, by = x2 - 11 * ux, y2 - 11 * uy  # where the head begins, which is as wide as long
        self.path([(x1, y1), (bx, by)], color, 2.5)
        head = (x2, y2), (bx - 5.5 * uy, by + 5.5 * ux), (bx + 5.5 * uy, by - 5.5 * ux)
        self.add(f'<polygon points="{_points(head)}" fill="{color}"/>')

    def picture(self, alt: str) -> Picture:
        """The card as a picture."""
        size = f'width="{self.width}" height="{round(self.height)}" viewBox="0 0 {self.width} {self.height}"'
        ground = f'<rect width="{self.width}" height="{self.height}" fill="#FFFFFF"/>'
        style = f"text {{ font-family: {FONT} }} .it {{ font-style: italic }} .sub {{ font-size: 72% }}"
        start = f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{style}</style>{ground}'
        return Picture("".join([start, *self.parts, "</svg>"]), alt)


class Axes:
    """Axes on a card, in the box (left, top, width, height): curves and dots in the units of the data.

    `x` and `y` are (low, high); with `log` the y axis is logarithmic. Curves are cut off at the box.
    """

    def __init__(self, card: Card, box, x, y, xlabel: str = "", ylabel: str = "", log: bool = False):
        self.card, self.box, self.x, self.y, self.log = card, box, x, y, log
        left, top, width, height = box
        for value in _ticks(*x):
            at = self.at(value, y[0])[0]
            card.path([(at, top), (at, top + height)], GRID, 1)
            card.text(at, top + height + 19, true_minus(significant(value, 6)), size=13, side="middle")
        for value in _ticks(*map(math.log10, y), integer=True) if log else _ticks(*y):
            at = self.at(x[0], 10**value if log else value)[1]
            card.path([(left, at), (left + width, at)], GRID, 1)
            text = significant(value, 6) if not log else f"1e{value:.0f}" if value else "1"
            card.text(left - 8, at + 4.5, true_minus(text), size=13, side="end")
        card.path([(left, top), (left, top + height), (left + width, top + height)], LINE, 1.2)
        card.text(left + width / 2, top + height + 42, xlabel, side="middle")
        card.text(left, top - 9, ylabel)
        self.clip = f"axes{len(card.parts)}"
        window = f'<rect x="{left}" y="{top - 3}" width="{width + 4}" height="{height + 6}"/>'
        card.add(f'<clipPath id="{self.clip}">{window}</clipPath>')

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The pixel of a point; on a log axis, a y of 0 or less lies far below the box."""
        left, top, width, height = self.box
        low, high = self.y
        if self.log:
            y, low, high = math.log10(max(y, 1e-300)), math.log10(low), math.log10(high)
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = min(max((y - low) / (high - low), -9), 9)  # browsers draw points very far outside wrongly
        return left + width * across, top + height * (1 - up)

    def curve(self, xs, ys, color=INK, dash="solid", width=2.8) -> None:
        """A line through (xs, ys)."""
        self.card.add(f'<g clip-path="url(#{self.clip})">')
        if points := [self.at(x, y) for x, y in zip(xs, ys, strict=True)]:
            self.card.path(points, color, width, dash)
        self.card.add("</g>")

    def dot(self, x, y, color=INK, radius=7) -> None:
        """A dot with a white rim, if the point lies within the axes."""
        if self.y[0] <= y <= self.y[1] and self.x[0] <= x <= self.x[1]:
            px, py = self.at(x, y)
            self.card.circle(px, py, radius, color, "#FFFFFF")


def math_text(text: str) -> str:
    """Text for SVG: single letters in italics; subscripts after _, one character or several in braces.

    It needs the CSS classes `it` and `sub`, and a text whose &, < and > are escaped.
    """
    made, low = "", False
    for token in re.findall(r"_\{[^}]*\}|_\w|tanh|\d[A-Za-z\d]*|[A-Za-z]+|[^A-Za-z\d_]+", text):
        if token[0] == "_":
            made += f'<tspan class="sub" dy=".28em">{_italics(token.strip("_{}"), 3)}</tspan>'
        else:
            made += f'<tspan dy="-.2em">{_italics(token)}</tspan>' if low else _italics(token)
        low = token[0] == "_"
    return made


def _italics(token: str, longest: int = 1) -> str:
    """A word of up to `longest` letters in italics; "a" is a word of English, not a variable."""
    word = rf"(?<![A-Za-z0-9])(?![aA]\b)[A-Za-z]{{1,{longest}}}(?![A-Za-z])"
    return re.sub(word, r'<tspan class="it">\g<0></tspan>', token)


def _ticks(low: float, high: float, integer: bool = False) -> list[float]:
    """At most seven round numbers from low to high; whole numbers if `integer`."""
    found = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10], integer=integer).tick_values(low, high)
    return [value for value in found.tolist() if low - 1e-9 <= value <= high + 1e-9]


def _points(points) -> str:
    """Points as the value of the SVG attribute `points`."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
