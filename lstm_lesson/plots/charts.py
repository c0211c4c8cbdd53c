"""Charts of numbers: curves, bars, stacked bars, differences. Matplotlib without pyplot: no figure stays open."""

import math
import textwrap
from functools import partial

import numpy as np
from matplotlib.ticker import MaxNLocator

from lstm_lesson.plots import style
from lstm_lesson.plots.figure import Picture, captioned
from lstm_lesson.plots.numbers import as_dict, as_floats, as_plain, significant, three_digits, true_minus
from lstm_lesson.plots.style import NOTE, QUIET, axes, color_of, curve_styles, pretty, reference_line

PLAIN = "#4A6A96"  # of bars without a colour of their own
HATCHES = ("", "///", "...", "\\\\\\", "xx", "oo")


@captioned
def lines(series: dict, *, title: str, alt: str, xlabel: str = "", ylabel: str = "", log: str | None = None,
          marks: dict | None = None, bands: dict | None = None, square: bool = False) -> Picture:  # fmt: skip
    """Curves: `series` maps a label to y (n,) or to (x, y). A NaN leaves a gap, on a log axis a 0 as well.

    A label that begins with i, f, g, o, c or h (alone, as in "f = 0.9" or "h_t") or a gate's name has its colour.
    `log`: None, "x", "y" or "xy". `marks` maps a name to y, a horizontal line, or to ("x", value), a vertical one.
    `bands` maps a curve's label to (low, high), numbers or (n,): a shade behind it; any other label makes a grey band.
    `square`: one unit is as long on the x axis as on the y axis. Few points on a log x axis are its ticks.
    Raises ValueError if `series` is empty, sizes differ, or the axis can show none of the numbers.
    """
    if log not in (None, "x", "y", "xy"):
        raise ValueError(f'log is {log!r}; it needs None, "x", "y" or "xy"')
    log = log or ""
    curves = as_dict("series", series, partial(_curve, log=log))
    fig, ax = axes(title, xlabel, ylabel)
    ax.set(**{f"{axis}scale": "log" for axis in log})
    styles = curve_styles(curves)
    for label, (x, y) in curves.items():
        color, dash, dot = styles[label]
        ax.plot(x, y, color=color, ls=dash, marker=dot if len(x) <= 12 else None, ms=6, label=pretty(label))
    points = np.unique(np.concatenate([x for x, _ in curves.values()]))
    if "x" in log and len(points) <= 8:
        ax.set_xticks(points, [significant(float(x)) for x in points])
        ax.minorticks_off()
    if square:
        ax.set_aspect("equal")
    elif "x" not in log and all((x == x.round()).all() for x, _ in curves.values()):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    for label, edges in (bands or {}).items():
        _band(ax, str(label), edges, curves, styles)
    for label, at in (marks or {}).items():
        reference_line(ax, label, at)
    _name_curves(ax, curves, styles, marks or {})
    return Picture(fig, alt)


@captioned
def bars(values: dict, *, title: str, alt: str, ylabel: str = "", xlabel: str = "", reference: dict | None = None,
         log: bool = False, horizontal: bool = False) -> Picture:  # fmt: skip
    """One bar for each label. A list (one number for each seed) is drawn as dots with a line at their mean.

    `reference` maps a name to a number: a dashed line to compare with. If every label has a list, and with `log`,
    only dots are drawn: no bar starts at 0. `horizontal` suits long labels; xlabel or ylabel then names the numbers.
    Raises ValueError if a number is missing, not finite, or not above 0 on a log axis.
    """
    runs = as_dict("values", values, as_floats)
    for label, numbers in runs.items():
        if not np.isfinite(numbers).all() or (log and (numbers <= 0).any()):
            raise ValueError(f"{label} has {numbers.tolist()}; bars need finite numbers{' above 0' if log else ''}")
    fig, ax = axes(title, xlabel, ylabel, height=1.7 + 0.55 * len(runs) if horizontal else 4.6)
    if horizontal:
        ax.invert_yaxis()
        ax.set(xlabel=pretty(xlabel or ylabel), ylabel=pretty(ylabel) if xlabel else "")
    if log:
        ax.set_xscale("log") if horizontal else ax.set_yscale("log")
    solid = not log and any(len(numbers) == 1 for numbers in runs.values())
    for k, (label, numbers) in enumerate(runs.items()):
        _bar(ax, k, numbers, color_of(label) or PLAIN, horizontal, solid)
    names = [pretty(label if horizontal else textwrap.fill(label, max(8, 72 // len(runs)))) for label in runs]
    (ax.set_yticks if horizontal else ax.set_xticks)(range(len(runs)), names)
    for label, at in (reference or {}).items():
        reference_line(ax, label, ("x", at) if horizontal else at)
    ax.grid(False, axis="y" if horizontal else "x")
    ax.margins(**{"x" if horizontal else "y": 0.14})
    return Picture(fig, alt)


@captioned
def stacked_bars(parts: dict, *, title: str, alt: str, positions=None, xlabel: str = "", ylabel: str = "") -> Picture:
    """Shares that add up: `parts` maps a part to its size (n,) in each of n bars, named by `positions`.

    Shares below 0 go downwards; a diamond marks the sum. Raises ValueError if sizes differ or a share is not finite.
    """
    shares = as_dict("parts", parts, as_floats)
    count = len(next(iter(shares.values())))
    positions = [str(as_plain("positions", p)) for p in (range(1, count + 1) if positions is None else positions)]
    for name, values in {**shares, "positions": positions}.items():
        if len(values) != count:
            raise ValueError(f"{name} has {len(values)} entries; it needs {count}, as the first part has")
        if name in shares and not np.isfinite(values).all():
            raise ValueError(f"{name} has {values.tolist()}; shares need finite numbers")
    fig, ax = axes(title, xlabel, ylabel)
    up, down = np.zeros(count), np.zeros(count)
    for k, (label, values) in enumerate(shares.items()):
        color = color_of(label) or style.OTHER_COLORS[(k + 2) % len(style.OTHER_COLORS)]
        hatch = HATCHES[k % len(HATCHES)]
        bottom = np.where(values >= 0, up, down)
        ax.bar(range(count), values, 0.62, bottom, color=color, hatch=hatch, edgecolor="white", label=pretty(label))
        up, down = up + values.clip(min=0), down + values.clip(max=0)
    if (down < 0).any():
        ax.axhline(0, color=QUIET, linewidth=1)
        ax.plot(range(count), up + down, "D", color="white", markeredgecolor=style.INK, markersize=9, label="sum")
    ax.set_xticks(range(count), [pretty(name) for name in positions])
    ax.grid(False, axis="x")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return Picture(fig, alt)


@captioned
def differences(values: dict, *, title: str, alt: str, limit: float = 1e-12) -> Picture:
    """One dot for each check on a log scale, and the limit that it must keep; an exact 0 is written out.

    `values` maps a check to its largest absolute difference. A check above the limit, or not a number, gets a cross.
    Raises ValueError if a difference is negative or the limit is not above 0.
    """
    found = as_dict("values", values, lambda name, value: float(as_plain(name, value)))
    for name, value in {**found, "limit": limit}.items():
        if value < 0 or (name == "limit" and not 0 < value < math.inf):
            raise ValueError(f"{name} is {value}; it needs a number {'above' if name == 'limit' else 'of at least'} 0")
    seen = [v for v in found.values() if 0 < v < math.inf]
    low, high = min([*seen, limit * 1e-5]) / 10, max([*seen, limit]) * 30
    fig, ax = axes(title, "largest absolute difference", height=1.7 + 0.38 * len(found))
    ax.set(xscale="log", xlim=(low, high), ylim=(len(found) - 0.4, -0.6))
    for k, value in enumerate(found.values()):
        at = low * 1.6 if value == 0 else value if value < math.inf else high / 2
        kept = value <= limit
        left = at > high / 40 or limit / 30 < at <= limit  # no room for the text at the right
        color, shape = style.COLORS["i" if kept else "f"], dict(marker="o", ms=8) if kept else dict(marker="X", ms=11)
        ax.plot(at, k, clip_on=False, color=color, mfc="white" if value == 0 else color, mew=1.8, **shape)
        text = ("0 (exact)" if value == 0 else true_minus(significant(value, 2))) + ("" if kept else "  too large")
        ax.annotate(text, (at, k), (-9 if left else 9, 0), va="center", ha="right" if left else "left", **NOTE)
    ax.set_yticks(range(len(found)), [pretty(name) for name in found])
    ax.grid(False, axis="y")
    reference_line(ax, f"limit {true_minus(significant(limit))}", ("x", limit))
    return Picture(fig, alt)


def _curve(label: str, values, log: str):
    """x and y, each (n,), with NaN where there is nothing to draw."""
    if isinstance(values, tuple) and len(values) == 2 and all(hasattr(v, "__len__") for v in values):
        x, y = as_floats(f"x of {label}", values[0]), as_floats(f"y of {label}", values[1])
    else:
        y = as_floats(label, values)
        x = np.arange(1.0, len(y) + 1) if "x" in log else np.arange(float(len(y)))
    if len(x) != len(y):
        raise ValueError(f"x of {label} has {len(x)} numbers; it needs {len(y)}, as y has")
    for axis, numbers in (("x", x), ("y", y)):
        shown = np.isfinite(numbers) & ((numbers > 0) | (axis not in log))
        if not shown.any() or (axis in log and (numbers < 0).any()):
            needs = "numbers above 0, because its axis is logarithmic" if axis in log else "at least one finite number"
            has = significant(float(np.min(numbers)))
            raise ValueError(f"{axis} of {label} has {has} as its least; it needs {needs}")
        y = np.where(shown, y, np.nan)
    return x, y


def _band(ax, label, edges, curves, styles):
    """A shade from low to high behind the curve of this label; a grey band with its own name if there is none."""
    x, color = (curves[label][0], styles[label][0]) if label in curves else (next(iter(curves.values()))[0], QUIET)
    if not isinstance(edges, (tuple, list)) or len(edges) != 2:
        raise ValueError(f"bands[{label!r}] is {type(edges).__name__}; it needs a pair (low, high)")
    low, high = (as_floats(f"bands[{label!r}]", edge) for edge in edges)
    for edge in (low, high):
        if len(edge) not in (1, len(x)):
            raise ValueError(f"bands[{label!r}] has {len(edge)} numbers; it needs {len(x)}, as the curve has")
    ax.fill_between(x, low, high, color=color, alpha=0.16, linewidth=0, zorder=1)
    if label not in curves:
        ax.annotate(pretty(label), (x[0], high[0]), (5, -4), va="top", color=QUIET, **NOTE)


def _name_curves(ax, curves, styles, marks):
    """Names at the curves' ends, 19 pixels from each other; a legend if one has to move by more than 16."""
    if len(curves) == 1:
        return
    ax.figure.draw_without_rendering()
    right = max(x[-1] for x, _ in curves.values())
    ends = {label: y[-1] for label, (x, y) in curves.items() if x[-1] == right and np.isfinite(y[-1])}
    ends |= {at: float(as_plain("marks", at)) for at in marks.values() if not isinstance(at, tuple)}
    height = {label: ax.transData.transform((right, y))[1] for label, y in ends.items()}
    order = sorted(height, key=height.get)
    place = [height[label] for label in order]
    for k in list(range(1, len(place))) * 20:  # push neighbours apart, each by half of what is missing
        push = max(0.0, 19 - (place[k] - place[k - 1])) / 2
        place[k - 1 : k + 1] = place[k - 1] - push, place[k] + push
    moves = {label: p - height[label] for label, p in zip(order, place, strict=True)}
    crowded = any(abs(move) > (16 if label in curves else 1) for label, move in moves.items())  # a mark stays
    if set(curves) - set(ends) or crowded or max(map(len, curves)) > 24:
        beside = len(curves) > 5 or ax.get_aspect() != "auto"
        ax.legend(handlelength=3, **({"loc": "upper left", "bbox_to_anchor": (1, 1)} if beside else {"loc": "best"}))
        return
    for label in curves:
        offset = (8, moves[label] * 0.72)  # points, 72 to the inch of 100 pixels
        look = {"color": styles[label][0], "weight": "bold", **NOTE}
        ax.annotate(pretty(label), (right, ends[label]), offset, va="center", **look)


def _bar(ax, k, numbers, color, horizontal, solid):
    """One bar from 0 (if `solid`), or the dots of several runs and their mean; the number at the end."""
    mean, several = numbers.mean(), len(numbers) > 1
    if solid:
        (ax.barh if horizontal else ax.bar)(k, mean, 0.6, color=color, alpha=0.3 if several else 0.85)
    if several:
        across = ([mean, mean], [k - 0.3, k + 0.3])
        ax.plot(*(across if horizontal else across[::-1]), color=color, linewidth=3, solid_capstyle="butt")
    if several or not solid:
        points = (numbers, k + np.linspace(-0.12, 0.12, len(numbers)) if several else [k])
        ax.plot(*(points if horizontal else points[::-1]), "o", color=color, markersize=10, markeredgecolor="white")
    end, sign = (numbers.max(), 1) if mean >= 0 else (numbers.min(), -1)
    text = ("mean " if several else "") + three_digits(mean)
    if horizontal:
        ax.annotate(text, (end, k), (8 * sign, 0), va="center", ha="left" if sign > 0 else "right", **NOTE)
    else:
        ax.annotate(text, (k, end), (0, 7 * sign), ha="center", va="bottom" if sign > 0 else "top", **NOTE)
