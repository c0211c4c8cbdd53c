"""Diagrams: an LSTM cell that grows part by part, an unrolled RNN, and the rounds of a scan."""

import html
import re
import tomllib
from functools import cache
from importlib.resources import files
from string import Template

from matplotlib.colors import to_hex, to_rgb

from lstm_lesson.plots.figure import Picture
from lstm_lesson.plots.numbers import as_plain, unit_number
from lstm_lesson.plots.style import COLORS, INK, NAMES, QUIET
from lstm_lesson.plots.svg import math_text

PARTS = "ifgcoh"  # in the order in which the cell computes them
WORDS = tomllib.loads((files("lstm_lesson.plots") / "diagrams.toml").read_text(encoding="utf-8"))
VALUES = (*PARTS, "x", "h_prev", "c_prev")  # the names that can have a number
BELOW = ("h_prev", "c_prev", "c", "h", "kept")  # numbers under their line; the others stand after their symbol


def lstm_diagram(lit: str = "", values: dict | None = None, alt: str | None = None) -> Picture:
    """The LSTM cell, with some of its parts lit and numbers at their places.

    `lit` names the lit parts, any of i f g c o h: "" leaves the cell dark, "ifgcoh" lights it whole. `values` maps any
    of i f g c o h x h_prev c_prev to a number, or a tensor with one entry. A product is printed too if both of its
    factors are given. `alt` replaces the picture's own alt text. Raises ValueError for a name that the cell lacks.
    """
    svg = lstm_svg(lit, values)
    parts = ", ".join(f"{NAMES[part]} {part}" for part in PARTS if part in lit) or "none"
    shown = "; ".join(f"{name} = {_value(name, value)}" for name, value in (values or {}).items())
    return Picture(svg, alt or f"{WORDS['lstm']} Lit parts: {parts}." + (f" Values: {shown}." if shown else ""))


def lstm_svg(lit: str = "", values: dict | None = None) -> str:
    """The drawing of `lstm_diagram` as SVG text, fast enough to be redrawn at each key press."""
    values = dict(values or {})
    if not isinstance(lit, str) or set(lit) - set(PARTS):
        raise ValueError(f"lit is {lit!r}; it needs letters out of 'ifgcoh'")
    if wrong := [name for name in values if name not in VALUES]:
        raise ValueError(f"values has {', '.join(map(repr, wrong))}; it needs names out of {', '.join(VALUES)}")
    for product, factors in {"kept": ("f", "c_prev"), "new": ("i", "g")}.items():
        numbers = [as_plain(name, values[name]) for name in factors if name in values]
        if len(numbers) == 2 and all(isinstance(n, (int, float)) for n in numbers):
            values[product] = numbers[0] * numbers[1]
    svg = _stored("lstm_cell.svg").replace("<!--lit-->", "\n".join(_rules(part) for part in PARTS if part in lit))
    for name, value in values.items():
        text = html.escape(_value(name, value))
        beside = f'<tspan class="value" dy="{-5 if name == "new" else -7}"> = {text}</tspan>'
        svg = svg.replace(f"<!--{name}-->", text if name in BELOW else beside)
    return svg


def _rules(part: str) -> str:
    """The CSS rules that light one part; for a gate, its inputs too."""
    tint = to_hex([1 - 0.12 * (1 - light) for light in to_rgb(COLORS[part])])
    rules = Template(WORDS["lit"] + (WORDS["lit_gate"] if part in "ifgo" else ""))
    return rules.substitute(part=part, color=COLORS[part], tint=tint, ink=INK, quiet=QUIET)


def _value(name: str, value) -> str:
    """A number as the cell prints it; anything else as text."""
    value = as_plain(name, value)
    return unit_number(value) if isinstance(value, (int, float)) else str(value)


def rnn_diagram() -> Picture:
    """A tanh RNN unrolled over four steps, with the same weights at each."""
    return Picture(_stored("rnn.svg"), WORDS["rnn"])


def scan_diagram() -> Picture:
    """Eight steps of a linear recurrence joined in rounds: 1 to 2, 2 to 4, 4 to 8."""
    return Picture(_stored("scan.svg"), WORDS["scan"])


@cache
def _stored(name: str) -> str:
    """The text of a drawing that comes with the package, its subscripts set."""
    svg = files("lstm_lesson.plots").joinpath(name).read_text(encoding="utf-8")
    return re.sub(r"(<text[^>]*>)([^<]*)", lambda found: found.group(1) + math_text(found.group(2)), svg)
