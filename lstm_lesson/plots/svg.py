"""Charts written as SVG text: drawn in under a millisecond, where a Matplotlib figure takes a hundred."""

import html
import math
import re

from lstm_lesson.plots.figure import Picture
from lstm_lesson.plots.style import INK, QUIET

LINE, GRID = "#B8BCC2", "#E8EAED"
DASHES = {"solid": "", "dashed": ' stroke-dasharray="11 6"', "dotted": ' stroke-dasharray="2.5 5"'}
STYLE = 'text { font-family: "DejaVu Sans", Verdana, sans-serif } .it { font-style: italic } .sub { font-size: 72% }'


class Card:
    """A white card of `width` by `height` pixels: draw on it in pixels, then take `picture(alt)`."""

    def __init__(self, width: int = 900, height: int = 360, title: str = ""):
        self.width, self.height, self.parts = width, height, []
        if title:
            self.words(16, 30, title, size=17, bold=True)

    def add(self, svg: str) -> None:
        """A piece of SVG as it is: numbers and fixed text only."""
        self.parts.append(svg)

    def words(self, x, y, text, color=INK, size=14.5, side="start", bold=False) -> None:
        """Text from, around or up to x (`side` start, middle, end); names such as W_xh and h_{t−1} become formulas."""
        style = f"fill:{color};font-size:{size}px" + (
            ";font-weight:bold" if bold else ""
        )  # beats a drawing's own rules
        shown = math_text(html.escape(text, quote=False))
        self.add(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{side}" style="{style}">{shown}</text>')

    def path(self, points, color=INK, width=2.6, dash="solid", fill="none") -> None:
        """A line through points in pixels."""
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.add(
            f'<polyline points="{way}" fill="{fill}" stroke="{color}" stroke-width="{width}" '
            f'stroke-linejoin="round"{DASHES[dash]}/>'
        )

    def rect(self, x, y, width, height, fill="none", color="none", thick=1.5, corner=6, opacity=1.0) -> None:
        """A rectangle, its corners rounded by `corner` pixels."""
        self.add(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{corner}" fill="{fill}" '
            f'fill-opacity="{opacity}" stroke="{color}" stroke-width="{thick}"/>'
        )

    def arrow(self, x1, y1, x2, y2, color=QUIET, width=2.5) -> None:
        """A straight arrow, its tip at (x2, y2)."""
        length = math.hypot(x2 - x1, y2 - y1) or 1
        ux, uy = (x2 - x1) / length, (y2 - y1) / length
        bx, by = x2 - 11 * ux, y2 - 11 * uy
        self.path([(x1, y1), (bx, by)], color, width)
        head = f"{x2:.1f},{y2:.1f} {bx - 5.5 * uy:.1f},{by + 5.5 * ux:.1f} {bx + 5.5 * uy:.1f},{by - 5.5 * ux:.1f}"
        self.add(f'<polygon points="{head}" fill="{color}"/>')

    def picture(self, alt: str) -> Picture:
        """The card as a picture."""
        size = f'width="{self.width}" height="{self.height}" viewBox="0 0 {self.width} {self.height}"'
        ground = f'<rect width="{self.width}" height="{self.height}" fill="#FFFFFF"/>'
        return Picture(
            f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{STYLE}</style>{ground}{"".join(self.parts)}</svg>',
            alt,
        )


class Axes:
    """Axes on a card, in the box (left, top, width, height): curves and dots in the units of the data.

    `x` and `y` are (low, high); with `log` the y axis is logarithmic. What lies outside is cut off.
    """

    def __init__(self, card: Card, box, x, y, xlabel: str = "", ylabel: str = "", log: bool = False):
        self.card, self.box, self.x, self.y, self.log = card, box, x, y, log
        left, top, width, height = box
        for value in _ticks(*x):
            at = self.at(value, y[0])[0]
            card.path([(at, top), (at, top + height)], GRID, 1)
            card.words(at, top + height + 19, _tick(value), size=13, side="middle")
        for value in _decades(*y) if log else _ticks(*y):
            at = self.at(x[0], value)[1]
            card.path([(left, at), (left + width, at)], GRID, 1)
            card.words(
                left - 8,
                at + 4.5,
                f"1e{round(math.log10(value))}".replace("-", "−") if log else _tick(value),
                size=13,
                side="end",
            )
        card.path([(left, top), (left, top + height), (left + width, top + height)], LINE, 1.2)
        card.words(left + width / 2, top + height + 42, xlabel, side="middle")
        card.words(left, top - 9, ylabel)
        self.clip = f"axes{len(card.parts)}"
        window = f'<rect x="{left}" y="{top - 3}" width="{width + 4}" height="{height + 6}"/>'
        card.add(f'<clipPath id="{self.clip}">{window}</clipPath>')

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The pixel of a point; a y that is 0 or below on a log axis lies far below it."""
        left, top, width, height = self.box
        low, high = self.y
        if self.log:
            y, low, high = math.log10(max(y, 1e-300)), math.log10(low), math.log10(high)
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = min(max((y - low) / (high - low), -9), 9)  # a browser has trouble with far-off points
        return left + width * across, top + height * (1 - up)

    def curve(self, xs, ys, color=INK, dash="solid", width=2.8) -> None:
        """A line through (xs, ys); a value that is not finite leaves a gap."""
        self.card.add(f'<g clip-path="url(#{self.clip})">')
        run = []
        for x, y in [*zip(xs, ys, strict=True), (0, math.nan)]:
            if math.isfinite(y):
                run.append(self.at(x, y))
            elif run:
                self.card.path(run, color, width, dash)
                run = []
        self.card.add("</g>")

    def dot(self, x, y, color=INK, radius=7) -> None:
        """A dot with a white rim, where the axes show its place."""
        if self.y[0] <= y <= self.y[1] and self.x[0] <= x <= self.x[1]:
            px, py = self.at(x, y)
            self.card.add(
                f'<circle cx="{px:.1f}" cy="{py:.1f}" r="{radius}" fill="{color}" stroke="#FFFFFF" stroke-width="1.5"/>'
            )


def number(value: float, digits: int = 2) -> str:
    """A number with so many decimals, a true minus, and no minus before a rounded zero.

    >>> number(-1.234), number(-0.001)
    ('−1.23', '0.00')
    """
    text = f"{value:.{digits}f}"
    return text.replace("-", "−") if float(text) else text.lstrip("-")


def bracketed(value: float, digits: int = 2) -> str:
    """`number`, in brackets if it begins with a minus, so that it can stand after another sign."""
    text = number(value, digits)
    return f"({text})" if text[0] == "−" else text


def math_text(text: str) -> str:
    """Text for SVG: letters that stand alone in italics, what follows _ lowered, one letter or several in braces.

    It needs the classes `it` and `sub`, and text whose &, < and > are escaped.
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
    return re.sub(
        rf"(?<![A-Za-z0-9])(?![aA]\b)[A-Za-z]{{1,{longest}}}(?![A-Za-z])", r'<tspan class="it">\g<0></tspan>', token
    )


def _ticks(low: float, high: float) -> list[float]:
    """Four to seven round numbers from low to high."""
    raw = (high - low) / 5
    unit = 10 ** math.floor(math.log10(raw))
    step = unit * min((1, 2, 2.5, 5, 10), key=lambda m: abs(m - raw / unit))
    return [round(k * step, 10) for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _decades(low: float, high: float) -> list[float]:
    """Powers of ten from low to high, at most seven."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    step = max(1, math.ceil((last - first) / 6))
    return [10.0**k for k in range(first, last + 1) if k % step == 0]


def _tick(value: float) -> str:
    return f"{value:g}".replace("-", "−")
