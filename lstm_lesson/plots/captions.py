"""The words of the lessons' figures, in captions.toml: titles, axes, alt texts.

A lesson calls `plots.lines(curves, figure="05.clock")`: where a question asks what a figure will show, the code of the
figure does not say it.
"""

import tomllib
from functools import cache, wraps
from importlib.resources import files

import matplotlib as mpl

from lstm_lesson.plots.style import STYLE


@cache
def captions() -> dict[str, dict]:
    """The words of each figure, as keyword arguments of the function that draws it, by notebook and name."""
    notebooks = tomllib.loads((files("lstm_lesson.plots") / "captions.toml").read_text(encoding="utf-8"))
    return {f"{number}.{name}": words for number, named in notebooks.items() for name, words in named.items()}


def captioned(chart):
    """A decorator: the function draws in the lesson's Matplotlib style; the global settings stay unchanged.

    It takes `figure`, too: the name of a figure in captions.toml, whose words other arguments replace.
    """

    @wraps(chart)
    def with_words(*values, figure: str = "", **words):
        if figure and figure not in captions():
            raise ValueError(f"figure is {figure!r}; captions.toml has no such name")
        with mpl.rc_context(STYLE):
            return chart(*values, **((captions()[figure] | words) if figure else words))

    return with_words
