"""Diagrams: an LSTM cell that grows part by part, and an unrolled RNN."""

import html
import re
from functools import cache
from importlib.resources import files

from matplotlib.colors import to_hex, to_rgb

from lstm_lesson.plots.figure import Picture
from lstm_lesson.plots.inputs import as_plain
from lstm_lesson.plots.numbers import unit_number
from lstm_lesson.plots.style import COLORS, INK, NAMES, QUIET
from lstm_lesson.plots.svg import Card, math_text

EQUATIONS = {  # in the order in which the cell computes them
    "i": "(1) i_t = σ(x_t W_{xi} + h_{t−1} W_{hi} + b_i)",
    "f": "(2) f_t = σ(x_t W_{xf} + h_{t−1} W_{hf} + b_f)",
    "g": "(3) g_t = tanh(x_t W_{xc} + h_{t−1} W_{hc} + b_c)",
    "c": "(3) c_t = f_t ⊙ c_{t−1} + i_t ⊙ g_t",
    "o": "(4) o_t = σ(x_t W_{xo} + h_{t−1} W_{ho} + b_o)",
    "h": "(5) h_t = o_t ⊙ tanh(c_t)",
}
RNN_EQUATION = "h_t = tanh(x_t W_{xh} + h_{t−1} W_{hh} + b_h)"
RNN_ALT = "Each step reads its input and the state before, and hands its state on."
RNN_FONT = '"STIX Two Text", "Times New Roman", "Liberation Serif", "DejaVu Serif", serif'
HEAD = 19, 9  # of an arrow of the RNN: its length and half its width
DIM_TEXT = "#6B7178"
CELL_ALT = (
    "LSTM cell. The cell state (its memory) runs straight along the top: times the forget gate, plus the input gate "
    "times the candidate. The output gate times the tanh of the new cell state is the hidden state, which leaves to "
    "the right and upwards."
)
VALUES = (*EQUATIONS, "x", "h_prev", "c_prev")  # the names that can have a number
BELOW = ("h_prev", "c_prev", "c", "h", "kept")  # numbers under their line; the others stand after their symbol


def lstm_diagram(lit: str = "", values: dict | None = None, alt: str | None = None) -> Picture:
    """The LSTM cell, with some of its parts lit and numbers at their places.

    `lit` names the lit parts, any of i f g c o h: "" leaves the cell dark, "ifgcoh" lights it whole. `values` maps any
    of i f g c o h x h_prev c_prev to a number, or a tensor with one entry. A product is printed too if both of its
    factors are given. Without `alt`, the picture has an alt text of its own.
    Raises ValueError for a name that the cell does not have.
    """
    svg = lstm_svg(lit, values)
    parts = ", ".join(f"{NAMES[part]} {part}" for part in EQUATIONS if part in lit) or "none"
    shown = "; ".join(f"{name} = {_value(name, value)}" for name, value in (values or {}).items())
    return Picture(svg, alt or f"{CELL_ALT} Lit parts: {parts}." + (f" Values: {shown}." if shown else ""))


def lstm_svg(lit: str = "", values: dict | None = None) -> str:
    """The drawing of `lstm_diagram` as SVG text, fast enough to be redrawn at each key press."""
    values = dict(values or {})
    if not isinstance(lit, str) or set(lit) - set(EQUATIONS):
        raise ValueError(f"lit is {lit!r}; it needs letters out of 'ifgcoh'")
    if wrong := [name for name in values if name not in VALUES]:
        raise ValueError(f"values has {', '.join(map(repr, wrong))}; it needs names out of {', '.join(VALUES)}")
    for product, factors in {"kept": ("f", "c_prev"), "new": ("i", "g")}.items():
        numbers = [as_plain(name, values[name]) for name in factors if name in values]
        if len(numbers) == 2 and all(isinstance(n, (int, float)) for n in numbers):
            values[product] = numbers[0] * numbers[1]
    svg = _template().replace("<!--lit-->", "\n".join(_rules(part) for part in EQUATIONS if part in lit))
    for name, value in values.items():
        text = html.escape(_value(name, value))
        beside = f'<tspan class="value" dy="{-5 if name == "new" else -7}"> = {text}</tspan>'
        svg = svg.replace(f"<!--{name}-->", text if name in BELOW else beside)
    return svg


@cache
def _template() -> str:
    """The cell with no part lit, its subscripts set, its equations under it."""
    svg = files("lstm_lesson.plots").joinpath("lstm_cell.svg").read_text(encoding="utf-8")
    svg = re.sub(r"(<text[^>]*>)([^<]*)", lambda found: found.group(1) + math_text(found.group(2)), svg)
    equations = []
    for k, (part, equation) in enumerate(EQUATIONS.items()):
        (tag, formula), x, y = equation.split(" ", 1), (40, 660)[k // 3], 664 + 38 * (k % 3)
        text = f'<text class="tag" x="{x}" y="{y}">{tag}</text><text class="math small" x="{x + 46}" y="{y}">'
        equations.append(f'<g class="{part}">{text}{math_text(formula)}</text></g>')
    return svg.replace("<!--equations-->", "\n  ".join(equations))


def _rules(part: str) -> str:
    """The CSS rules that light one part: its colour, thicker lines, bold names; for a gate, its inputs too."""
    color, p = COLORS[part], f".{part}"
    tint = to_hex([1 - 0.12 * (1 - light) for light in to_rgb(color)])
    rules = [
        f"{p} text {{ fill: {color} }} {p} .name, {p} .tag {{ font-weight: bold }}",
        f"{p} .line, {p} .sign {{ stroke: {color}; stroke-width: 4.5 }} {p} .wide {{ stroke-width: 8 }}",
        f"{p} .head, {p} .joint, {p} .point {{ fill: {color} }}",
        f"{p} .box, {p} .dot {{ stroke: {color}; stroke-width: 4.5; fill: {tint} }}",
    ]
    if part in "ifgo":
        rules.append(f".in text {{ fill: {INK} }}")
        for g in (".in", f".tap-{part}"):
            rules.append(f"{g} .line {{ stroke: {QUIET} }} {g} .head, {g} .joint {{ fill: {QUIET} }}")
    return "\n    ".join(rules)


def _value(name: str, value) -> str:
    """A number as the cell prints it; anything else as text."""
    value = as_plain(name, value)
    return unit_number(value) if isinstance(value, (int, float)) else str(value)


def rnn_diagram(steps: int = 4) -> Picture:
    """A tanh RNN unrolled over `steps` steps, with the same weights at each. ValueError for a number not in 1 to 8."""
    if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= 8:
        raise ValueError(f"steps is {steps!r}; it needs a whole number from 1 to 8")
    card = Card(1280, 520, font=RNN_FONT, corner=14, shown_width=1000)
    for t in range(1, steps + 1):
        _rnn_step(card, t, steps)
    card.text(40, 492, RNN_EQUATION, DIM_TEXT, 27)
    card.text(1240, 492, "the same W_{xh}, W_{hh} and b_h at every step", DIM_TEXT, 27, "end")
    return card.picture(f"Tanh RNN unrolled over {steps} steps, the same weights at each. {RNN_ALT}")


def _rnn_step(card: Card, t: int, steps: int) -> None:
    """One step: x_t from below, h_{t−1} from the left, h_t upwards and to the next step."""
    x, half = _box(t, steps)
    start = sum(_box(t - 1, steps)) if t > 1 else 64
    card.add('<g class="step">')
    card.arrow(start, 220, x - half - 3, 220, QUIET, 4.5, head=HEAD)
    card.arrow(x, 404, x, 271, QUIET, 4.5, head=HEAD)
    card.arrow(x, 172, x, 82, QUIET, 4.5, head=HEAD)
    card.rect(x - half, 172, 2 * half, 96, "#F1F3F4", QUIET, 4.5, corner=12)
    card.text(x, 230, "tanh", INK, 37 if half > 60 else 27, "middle")
    card.text(x, 64, f"h_{t}", INK, 37, "middle")
    card.text(x, 440, f"x_{t}", INK, 37, "middle")
    card.text(x + 13, 392, "W_{xh}", INK, 27)
    card.text((start + x - half) / 2 - 4, 200, "W_{hh}", INK, 27, "middle")
    if t == 1:
        card.text(22, 230, "h_0", INK, 37)
    if t == steps:
        card.arrow(x + half, 220, 1240, 220, QUIET, 4.5, head=HEAD)
    card.add("</g>")


def _box(t: int, steps: int) -> tuple[float, float]:
    """The box of step t: the x of its middle, and half its width."""
    pitch = 1120 / steps
    return 95 + pitch * (t - 0.5), min(75, 0.28 * pitch)
