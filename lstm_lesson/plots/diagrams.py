"""The drawn cells: an LSTM that grows part by part, and an unrolled RNN."""

import html
import re
from functools import cache
from importlib.resources import files

from lstm_lesson.plots.figure import Picture
from lstm_lesson.plots.numbers import as_plain
from lstm_lesson.plots.style import COLORS, INK, QUIET
from lstm_lesson.plots.svg import math_text

NAMES = {"i": "input gate i", "f": "forget gate f", "g": "candidate g", "c": "memory c", "o": "output gate o",
         "h": "hidden state h"}  # fmt: skip
EQUATIONS = {  # in the order in which the cell computes them
    "i": "(1) i_t = σ(x_t W_{xi} + h_{t−1} W_{hi} + b_i)",
    "f": "(2) f_t = σ(x_t W_{xf} + h_{t−1} W_{hf} + b_f)",
    "g": "(3) g_t = tanh(x_t W_{xc} + h_{t−1} W_{hc} + b_c)",
    "c": "(3) c_t = f_t ⊙ c_{t−1} + i_t ⊙ g_t",
    "o": "(4) o_t = σ(x_t W_{xo} + h_{t−1} W_{ho} + b_o)",
    "h": "(5) h_t = o_t ⊙ tanh(c_t)",
}
RNN_EQUATION = "h_t = tanh(x_t W_{xh} + h_{t−1} W_{hh} + b_h)"
RNN_ALT = {
    None: "Each step reads its input and the state before, and hands its state on.",
    "backward": "Dashed arrows lead from a loss at the last step back through every step to the first.",
}
RNN_RULES = f""".on text {{ fill: {INK} }} .on .line {{ stroke: {QUIET}; stroke-width: 4.5 }}
    .on .head {{ fill: {QUIET} }} .on .box {{ stroke: {QUIET}; stroke-width: 4.5; fill: #F1F3F4 }}
    .back text {{ fill: #B3264C }} .back .line {{ stroke: #B3264C; stroke-width: 4; stroke-dasharray: 11 7 }}
    .back .head {{ fill: #B3264C }} .back .box {{ stroke: #B3264C; stroke-width: 4; fill: #F8E9ED }}"""
CELL_ALT = (
    "LSTM cell. The memory runs straight along the top: times the forget gate, plus the input gate times the "
    "candidate. The output gate times the tanh of the new memory is the hidden state, which leaves to the right "
    "and upwards."
)
VALUES = (*EQUATIONS, "x", "h_prev", "c_prev")  # what a number can be printed for
BELOW = ("h_prev", "c_prev", "c", "h", "kept")  # these stand under their line, the others behind their symbol


def lstm_diagram(lit: str = "", values: dict | None = None, alt: str | None = None) -> Picture:
    """The LSTM cell, with some of its parts lit and numbers at their places.

    `lit` names the lit parts, any of i f g c o h: "" leaves the cell dark, "ifgcoh" lights it whole. `values` maps any
    of i f g c o h x h_prev c_prev to a number, or a tensor with one entry. Where both factors of a product are
    given, it is printed too. Without `alt`, the picture describes itself.
    Raises ValueError for a name the cell does not have.
    """
    svg = lstm_svg(lit, values)
    parts = ", ".join(NAMES[part] for part in EQUATIONS if part in lit) or "none"
    shown = "; ".join(f"{name} = {_number(name, value)}" for name, value in (values or {}).items())
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
        text = html.escape(_number(name, value))
        svg = svg.replace(
            f"<!--{name}-->",
            text if name in BELOW else f'<tspan class="value" dy="{-5 if name == "new" else -7}"> = {text}</tspan>',
        )
    return svg


@cache
def _template() -> str:
    """The dark cell, its subscripts set and its equations under it."""
    svg = files("lstm_lesson.plots").joinpath("lstm_cell.svg").read_text(encoding="utf-8")
    svg = re.sub(r"(<text[^>]*>)([^<]*)", lambda found: found.group(1) + math_text(found.group(2)), svg)
    equations = []
    for k, (part, equation) in enumerate(EQUATIONS.items()):
        (tag, formula), x, y = equation.split(" ", 1), (40, 660)[k // 3], 664 + 38 * (k % 3)
        text = f'<text class="tag" x="{x}" y="{y}">{tag}</text><text class="math small" x="{x + 46}" y="{y}">'
        equations.append(f'<g class="{part}">{text}{math_text(formula)}</text></g>')
    return svg.replace("<!--equations-->", "\n  ".join(equations))


def _rules(part: str) -> str:
    """What lights one part: its colour, thicker lines, bold names; and what comes in, if the part reads it."""
    color, p = COLORS[part], f".{part}"
    rules = [
        f"{p} text {{ fill: {color} }} {p} .name, {p} .tag {{ font-weight: bold }}",
        f"{p} .line, {p} .sign {{ stroke: {color}; stroke-width: 4.5 }} {p} .wide {{ stroke-width: 8 }}",
        f"{p} .head, {p} .joint, {p} .point {{ fill: {color} }}",
        f"{p} .box, {p} .dot {{ stroke: {color}; stroke-width: 4.5; fill: {_tint(color)} }}",
    ]
    if part in "ifgo":
        rules += [f".in text {{ fill: {INK} }}"]
        rules += [
            f"{g} .line {{ stroke: {QUIET} }} {g} .head, {g} .joint {{ fill: {QUIET} }}"
            for g in (".in", f".tap-{part}")
        ]
    return "\n    ".join(rules)


def _tint(color: str, share: float = 0.12) -> str:
    """A light shade of a colour: `share` of it on white."""
    return "#" + "".join(f"{round(255 - share * (255 - int(color[k : k + 2], 16))):02X}" for k in (1, 3, 5))


def _number(name: str, value) -> str:
    """A value as the diagram prints it: two decimals, three where two would round to 0 or 1."""
    value = as_plain(name, value)
    if not isinstance(value, (int, float)):
        return str(value)
    close = 0 < abs(value) < 0.01 or 0.99 < abs(value) < 1
    return (f"{value:.3f}" if close else f"{value:.2f}").replace("-", "−")


def rnn_diagram(steps: int = 4, lit: int | str | None = None, alt: str | None = None) -> Picture:
    """A tanh RNN unrolled over `steps` steps (1 to 8), the same weights at each.

    `lit`: None lights every step, a number (from 1) that step, "backward" the gradient's way back from a loss at the
    last step to the first. Without `alt`, the picture describes itself. Raises ValueError for a step that is not there.
    """
    if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= 8:
        raise ValueError(f"steps is {steps!r}; it needs a whole number from 1 to 8")
    if lit not in (None, "backward", *range(1, steps + 1)) or isinstance(lit, bool):
        raise ValueError(f'lit is {lit!r}; it needs None, "backward" or a step from 1 to {steps}')
    pitch = 1120 / steps
    parts = [
        _rnn_step(t, steps, pitch, lit in (None, t), lit == "backward" and t == steps) for t in range(1, steps + 1)
    ]
    if lit == "backward":
        parts += [_rnn_backward(t, steps, pitch) for t in range(1, steps + 1)]
    style = _template().split("<style>")[1].split("</style>")[0].replace("<!--lit-->", RNN_RULES)
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="1000" height="406" viewBox="0 0 1280 520">'
        f"<style>{style}</style>"
        f'<rect width="1280" height="520" rx="14" fill="#FFFFFF"/>{"".join(parts)}'
        f"{_label(40, 492, RNN_EQUATION, 'small')}"
        f"{_label(1240, 492, 'the same W_{xh}, W_{hh} and b_h at every step', 'small end')}</svg>"
    )
    about = f"Tanh RNN unrolled over {steps} steps, the same weights at each."
    return Picture(svg, alt or f"{about} {RNN_ALT.get(lit, f'Step {lit} is lit.')}")


def _rnn_step(t: int, steps: int, pitch: float, lit: bool, loss: bool) -> str:
    """One step: x_t from below, h_{t-1} from the left, h_t upwards and to the next step."""
    x, half = _center(t, pitch)
    left, start = x - half, _center(t - 1, pitch)[0] + half if t > 1 else 64
    marks = [
        _arrow(f"M{start:.0f} 220 H{left - 20:.0f}", left - 3, 220, "right"),
        _arrow(f"M{x:.0f} 404 V288", x, 271, "up"),
        _arrow(f"M{x:.0f} 172 V98", x, 82, "up"),
        f'<rect class="box" x="{left:.0f}" y="172" width="{2 * half:.0f}" height="96" rx="12"/>',
        _label(x, 230, "tanh", "mid" if half > 60 else "small mid"),
        _label(x, 64, f"h_{t}", "mid") if not loss else "",
        _label(x, 440, f"x_{t}", "mid"),
        _label(x + 13, 392, "W_{xh}", "small"),
        _label((start + left) / 2 - 4, 200, "W_{hh}", "small mid"),
    ]
    if t == 1:
        marks.append(_label(22, 230, "h_0"))
    if t == steps:
        marks.append(_arrow(f"M{x + half:.0f} 220 H1222", 1240, 220, "right"))
    return f'<g class="{"on" if lit else "off"}">{"".join(marks)}</g>'


def _rnn_backward(t: int, steps: int, pitch: float) -> str:
    """The gradient's way into step t: from the loss above the last step, from the step after at every other."""
    x, half = _center(t, pitch)
    if t == steps:
        loss = f'<circle class="box" cx="{x:.0f}" cy="52" r="29"/>{_label(x, 63, "L", "mid")}'
        down = _arrow(f"M{x + 26:.0f} 84 V150", x + 26, 167, "down")
        state = _label(x - 14, 136, f"h_{t}", "end")  # the loss stands where the state's name stood
        return f'{state}<g class="back">{loss}{down}{_label(x + 42, 132, f"∂L/∂h_{t}", "small")}</g>'
    to, away = x + half - 16, x + pitch - half + 16
    curve = f"M{away:.0f} 274 C{away:.0f} 328 {to:.0f} 328 {to:.0f} 290"
    name = _label(x + pitch / 2, 350, f"∂h_{t + 1}/∂h_{t}", "small mid")
    return f'<g class="back">{_arrow(curve, to, 273, "up")}{name}</g>'


def _center(t: int, pitch: float) -> tuple[float, float]:
    """Where the box of step t stands, and half its width."""
    return 95 + pitch * (t - 0.5), min(75, 0.28 * pitch)


def _label(x: float, y: float, text: str, kind: str = "") -> str:
    return f'<text class="math {kind}" x="{x:.0f}" y="{y:.0f}">{math_text(text)}</text>'


def _arrow(path: str, x: float, y: float, way: str) -> str:
    """A line and the head at its end, whose tip is at (x, y)."""
    head = {"up": "l-9 19 h18 z", "right": "l-19 -9 v18 z", "left": "l19 -9 v18 z", "down": "l-9 -19 h18 z"}[way]
    return f'<path class="line" d="{path}"/><path class="head" d="M{x:.0f} {y:.0f} {head}"/>'
