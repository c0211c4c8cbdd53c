"""Draw the lessons' figures with larger letters, for slides: on less paper, which the slide then enlarges more."""

from importlib import import_module

from lstm_lesson.plots import style

SHARE = 0.8  # of a figure's usual size: its smallest letters, 10 pt, are then 24.5 px on a slide, indices 20 px
TALLEST = 3.7  # inches of a map: a taller one would not fill the width of a slide


def begin() -> None:
    """From now on every chart and map of this Python is drawn smaller, with letters of the usual size."""
    import_module("lstm_lesson.plots.charts").axes = axes
    import_module("lstm_lesson.plots.heatmaps").axes = map_axes


def axes(title: str, xlabel: str = "", ylabel: str = "", height: float = 4.6, columns: int = 1):
    """A figure as `style.axes` makes it, on less paper."""
    return style.axes(title, xlabel, ylabel, SHARE * height, SHARE * 9, columns)


def map_axes(title: str, xlabel: str = "", ylabel: str = "", height: float = 4.6, columns: int = 1):
    """The same for maps, whose words have to stand side by side."""
    fig, first = style.axes(title, xlabel, ylabel, min(height, TALLEST), SHARE * 9, columns)
    for ax in fig.axes:
        ax.tick_params(labelsize=10)
    return fig, first
