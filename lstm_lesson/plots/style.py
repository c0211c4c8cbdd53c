"""What all drawings share: colours and names of the gates, Matplotlib settings, empty axes, styles of curves."""

import math
import re
import textwrap
from itertools import cycle
from pathlib import Path

import matplotlib as mpl
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from lstm_lesson.plots.numbers import as_plain

# The same in formulas, diagrams, charts and widgets; each has a contrast of 4.5:1 or more on white.
COLORS = {"i": "#0072B2", "f": "#B84A00", "g": "#007A41", "o": "#9C3587", "c": "#715E14", "h": "#5F6368"}
NAMES = dict(i="input gate", f="forget gate", g="candidate", o="output gate", c="memory", h="hidden state")
STYLE = mpl.rc_params_from_file(Path(__file__).with_name("lesson.mplstyle"), use_default_template=False)
INK, QUIET = STYLE["text.color"], STYLE["xtick.color"]  # text and all without a colour of its own; axes and notes
OTHER_COLORS = (INK, "#C2185B", "#3949AB", "#4B7A29", "#7A4B3A", "#00798C")  # for curves that are no gate, c or h
DASHES = ("-", (0, (6, 2)), (0, (1.5, 1.6)), (0, (7, 2, 1.5, 2)), (0, (3, 1.5)), (0, (8, 2, 1.5, 2, 1.5, 2)))
DOTS = ("o", "s", "^", "D", "v", "P")
# A text beside its point; no line runs through it.
NOTE = {"textcoords": "offset points", "annotation_clip": False, "fontsize": 11.5}
NOTE["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 1}
ROLES = {"z": "f", "r": "o"}  # the GRU's update gate keeps, as f does; its reset gate shows the state, as o does
LETTERS = {name: k for k, name in NAMES.items()} | {"cell state": "c", "update gate": "f", "reset gate": "o"}


def axes(title: str, xlabel: str = "", ylabel: str = "", height: float = 4.6, width: float = 9, columns: int = 1):
    """A figure with a title at the left, and the first of its axes, `columns` side by side."""
    fig = Figure(figsize=(width, height), layout="constrained")
    grid = fig.subplots(1, columns, squeeze=False)[0]
    fig.get_layout_engine().set(w_pad=0.1, h_pad=0.09)  # a margin on the white card
    heading = re.sub(r"\$(.*?)\$", r"$\\mathbf{\1}$", pretty(textwrap.fill(title, int(8.7 * width))))
    fig.suptitle(heading, x=0.014, ha="left", fontsize=14, fontweight="bold")
    for k, ax in enumerate(grid):
        ax.set(xlabel=pretty(xlabel), ylabel=pretty(ylabel) if k == 0 else "")
    return fig, grid[0]


def pretty(text: str) -> str:
    """The text with its indices as subscripts ($h_{t}$ of h_t), a minus sign before numbers, brackets around a blank.

    Without its brackets a blank, ___, would look like a stroke where its label is turned.
    """
    if "$" in text:
        return text
    text = re.sub(r"(?<!\S)_+(?!\S)", r"[\g<0>]", text)
    text = re.sub(r"(?<!\w)([A-Za-z])_(?:\{([^{}$\\]+)\}|([A-Za-z0-9]+))", r"$\1_{\2\3}$", text)
    return re.sub(r"(?<![\w$}])-(?=\d)", "−", text)


def color_of(label: str) -> str | None:
    """The fixed colour of a label that begins with a letter or a name of a gate, c or h ("f_t"); None for any other."""
    letter = re.match(r"\$?([ifgochzr])(?![^\W_])", label)
    word = next((key for name, key in LETTERS.items() if label.lower().startswith(name)), None)
    return COLORS[ROLES.get(letter[1], letter[1])] if letter else COLORS[word] if word else None


def curve_styles(labels) -> dict:
    """Colour, line style and marker of each label; no two labels differ by colour alone."""
    free = cycle(OTHER_COLORS)
    shapes = zip(labels, cycle(DASHES), cycle(DOTS), strict=False)
    return {label: (color_of(label) or next(free), dash, dot) for label, dash, dot in shapes}


def reference_line(ax, label: str, at) -> None:
    """A dashed grey line, horizontal at y or vertical at ("x", value), with its name at the end.

    The name moves away from that of another such line, if they overlap.
    """
    axis, value = at if isinstance(at, tuple) and len(at) == 2 else ("y", at)
    value = as_plain(str(label), value)
    if axis not in ("x", "y") or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f'{label} has {at!r}; it needs a finite y or ("x", value)')
    line = dict(color=QUIET, linestyle=(0, (4, 3)), linewidth=1.5, zorder=1.5)
    if axis == "y":
        ax.axhline(value, **line)
        place, offset, sides = (1, value), (5, 0), dict(xycoords=("axes fraction", "data"), va="center")
    else:
        ax.axvline(value, **line)
        place, offset, sides = (value, 1), (0, 3), dict(xycoords=("data", "axes fraction"), ha="center", va="bottom")
    others = [text for text in ax.texts if text.get_color() == QUIET]
    name = ax.annotate(pretty(str(label)), place, offset, color=QUIET, **sides, **NOTE)
    if others:
        ax.figure.draw_without_rendering()  # sets the places of the texts
    for other in others:
        apart = -1 if axis == "y" and value < other.xy[1] else 1
        while name.get_window_extent().overlaps(other.get_window_extent()):
            name.xyann = name.xyann[0], name.xyann[1] + apart


def luminance(color: str) -> float:
    """The relative luminance of a colour "#RRGGBB", from 0 (black) to 1 (white), as WCAG 2 defines it."""
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in to_rgb(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
