"""Drawings of matrices: heat maps."""

import math
import textwrap
from functools import partial

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from lstm_lesson.plots.figure import Picture, captioned
from lstm_lesson.plots.numbers import as_dict, as_floats, as_plain, cell_number
from lstm_lesson.plots.style import COLORS, INK, axes, pretty

BARE = {"axes.grid": False, "xtick.major.size": 0, "ytick.major.size": 0}


@captioned
def heatmaps(maps: dict, *, title: str, alt: str, xlabel: str = "", ylabel: str = "", xticks=None, yticks=None,
             gate: str = "") -> Picture:  # fmt: skip
    """Matrices (rows, columns) side by side on one scale, 0 in the middle; numbers in the cells where there is room.

    `xticks`, `yticks`: a name for each column, row. A NaN is a blank, hatched cell. `gate`, one of i, f and o: the
    scale runs from 0 to 1, in the colour of this gate.
    Raises ValueError if a map is empty or not two-dimensional, if the names do not fit, or for another gate.
    """
    if gate not in ("", "i", "f", "o"):
        raise ValueError(f'gate is {gate!r}; it needs "i", "f", "o" or "" for none')
    arrays = as_dict("maps", maps, partial(as_floats, needs="(rows, columns)"))
    finite = np.concatenate([array[np.isfinite(array)] for array in arrays.values()])
    limit = 1.0 if gate else float(np.abs(finite).max(initial=0)) or 1.0
    cmap = LinearSegmentedColormap.from_list(gate, ["white", COLORS[gate]]) if gate else "RdBu_r"
    scale = dict(cmap=cmap, vmin=0 if gate else -limit, vmax=limit)
    rows, columns = (max(array.shape[k] for array in arrays.values()) for k in (0, 1))
    wide = 8.0 / len(arrays)  # inches for one map
    words = [] if xticks is None else "\n".join(map(str, xticks)).split("\n")
    long_names = max(map(len, words), default=0) > 12 * wide / columns
    height = min(6.5, max(2.3, wide * rows / columns + 1.5)) + 0.4 * long_names
    turned = {"rotation": 40, "ha": "right"} if long_names else {}
    with mpl.rc_context({**BARE, "axes.spines.top": True, "axes.spines.right": True}):
        fig, _ = axes(title, xlabel, ylabel, height, columns=len(arrays))
        for ax, (label, array) in zip(list(fig.axes), arrays.items(), strict=True):
            image = _map(ax, array, scale, numbers=wide / array.shape[1] > 0.5 and array.shape[0] <= 12)
            ax.set_title(pretty(textwrap.fill(label, max(10, 80 // len(arrays)))), loc="left", fontsize=12.5)
            ax.set_xticks(*_ticks("xticks", xticks, array.shape[1]), **turned)
            ax.set_yticks(*_ticks("yticks", yticks, array.shape[0]))
        fig.colorbar(image, ax=fig.axes, shrink=0.9, pad=0.02).outline.set_visible(False)
    return Picture(fig, alt)


def _map(ax, array, scale, numbers):
    """One heat map; a cell that is not finite stays hatched."""
    hatched = dict(facecolor="white", edgecolor="#9AA0A6", hatch="////", linewidth=0, zorder=-1)
    ax.add_patch(Rectangle((0, 0), 1, 1, transform=ax.transAxes, **hatched))
    image = ax.imshow(np.ma.masked_invalid(array), aspect="auto", **scale)
    if numbers:
        for (row, column), value in np.ndenumerate(array):
            if np.isfinite(value):
                text, share = cell_number(float(value), scale["vmax"]), abs(value) / scale["vmax"]
                color = "white" if share > (0.62 if scale["vmin"] else 0.8) else INK  # what is easier to read
                ax.text(column, row, text, ha="center", va="center", fontsize=10, color=color)
    return image


def _ticks(argument, names, count):
    """Positions and names of the ticks: `names`, or about ten numbers from 0 if there are none."""
    if names is None:
        places = list(range(0, count, max(1, math.ceil(count / 10))))
        return places, [str(place) for place in places]
    names = [pretty(str(as_plain(argument, name))) for name in names]
    if len(names) != count:
        raise ValueError(f"{argument} has {len(names)} names; it needs {count}, one for each")
    return range(count), names
