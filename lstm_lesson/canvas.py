"""What all charts share: the empty axes, a title that states what to see, colours and names of curves."""

import math
import re
import textwrap
from functools import wraps

import matplotlib as mpl
from matplotlib.figure import Figure

from lstm_lesson.picture import COLORS, QUIET, STYLE
from lstm_lesson.values import as_plain

OTHERS = ("#202124", "#C2185B", "#3949AB", "#4B7A29", "#7A4B3A", "#00798C")  # for what is none of i f g o c h
DASHES = ("-", (0, (6, 2)), (0, (1.5, 1.6)), (0, (7, 2, 1.5, 2)), (0, (3, 1.5)), (0, (8, 2, 1.5, 2, 1.5, 2)))
DOTS = ("o", "s", "^", "D", "v", "P")
NOTE = {"textcoords": "offset points", "annotation_clip": False, "fontsize": 11.5}
WORDS = {
    "input gate": "i",
    "forget gate": "f",
    "candidate": "g",
    "output gate": "o",
    "cell state": "c",
    "memory": "c",
    "hidden state": "h",
}


def drawn_in_style(chart):
    """Draw under the lesson's Matplotlib style, and leave the global settings as they are."""

    @wraps(chart)
    def styled(*args, **kwargs):
        with mpl.rc_context(STYLE):
            return chart(*args, **kwargs)

    return styled


def axes(title: str, xlabel: str = "", ylabel: str = "", height: float = 4.6, width: float = 9, columns: int = 1):
    """A figure with one axes, or a list of `columns` axes, under a title at the left."""
    fig = Figure(figsize=(width, height), layout="constrained")
    grid = fig.subplots(1, columns, squeeze=False)[0]
    fig.get_layout_engine().set(w_pad=0.1, h_pad=0.09)  # a margin on the white card
    heading = re.sub(r"\$(.*?)\$", r"$\\mathbf{\1}$", pretty(textwrap.fill(title, int(9.2 * width))))
    fig.suptitle(heading, x=0.014, ha="left", fontsize=14, fontweight="bold")
    for k, ax in enumerate(grid):
        ax.set(xlabel=pretty(xlabel), ylabel=pretty(ylabel) if k == 0 else "")
    return fig, list(grid) if columns > 1 else grid[0]


def pretty(text: str) -> str:
    """Text with its indices set as subscripts (h_t, W_xh) and a true minus before numbers.

    >>> pretty("h_t of W_xh, from my_file at -2")
    '$h_{t}$ of $W_{xh}$, from my_file at −2'
    """
    if "$" in text:
        return text
    text = re.sub(r"(?<!\w)([A-Za-z])_(?:\{([^{}$\\]+)\}|([A-Za-z0-9]+))", r"$\1_{\2\3}$", text)
    return re.sub(r"(?<![\w$}])-(?=\d)", "−", text)


def color_of(label: str) -> str | None:
    """The fixed colour of a label that begins with i, f, g, o, c or h or with a gate's name; None for any other.

    >>> color_of("f = 0.9") == color_of("f_t") == color_of("forget gate, trained") == COLORS["f"]
    True
    >>> color_of("full") is None
    True
    """
    letter = re.match(r"\$?([ifgoch])(?![^\W_])", label)
    word = next((key for name, key in WORDS.items() if label.lower().startswith(name)), None)
    return COLORS[letter.group(1)] if letter else COLORS[word] if word else None


def looks(labels) -> dict:
    """Colour, line style and marker of each label, so that no two depend on colour alone."""
    free = [label for label in labels if color_of(label) is None]
    return {
        label: (
            color_of(label) or OTHERS[free.index(label) % len(OTHERS)],
            DASHES[k % len(DASHES)],
            DOTS[k % len(DOTS)],
        )
        for k, label in enumerate(labels)
    }


def mark(ax, label: str, at) -> None:
    """A dashed grey line across at y, or upwards at ("x", value), with its name at the end."""
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
    ax.annotate(pretty(str(label)), place, offset, color=QUIET, **sides, **NOTE)
