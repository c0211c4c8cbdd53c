"""`Picture`: a drawing with its alt text, shown as one image. And the words of the lessons' figures, in captions.toml.

A lesson calls `plots.lines(curves, figure="05.clock")`, so that its code does not answer a question about the figure.
"""

import base64
import gc
import html
import io
import re
import tomllib
from functools import cache, cached_property, wraps
from importlib.resources import files

import matplotlib as mpl

from lstm_lesson.plots.style import STYLE


class Picture:
    """A drawing with its alt text, shown as one image on a white card.

    `content` is a Matplotlib Figure or the text of an SVG. It is as wide as drawn; the page's width limits it.
    Raises ValueError if alt is empty: people who cannot see the picture need it.
    """

    def __init__(self, content, alt: str):
        if not isinstance(alt, str) or not alt.strip():
            raise ValueError(f"alt is {alt!r}; it needs a sentence for people who cannot see the picture")
        self.alt = alt
        self.figure = None if isinstance(content, str) else content
        self._svg = content if isinstance(content, str) else None
        found = self._svg and re.search(r'<svg[^>]*\bwidth="([\d.]+)(pt)?', content)
        drawn = float(found[1]) * (4 / 3 if found[2] else 1) if found else 1000  # a CSS pixel is 3/4 of a point
        self.width = round(self.figure.get_figwidth() * 100 if self.figure else drawn)

    @property
    def svg(self) -> str:
        """The drawing as SVG text."""
        return self._svg or self._rendered("svg").decode()

    @cached_property
    def png(self) -> bytes:
        """The figure as PNG with two pixels for each CSS pixel. Raises ValueError for a drawing that is SVG."""
        if self.figure is None:
            raise ValueError("this picture is drawn as SVG and has no png; take its svg")
        return self._rendered("png")

    def _rendered(self, kind: str) -> bytes:
        buffer = io.BytesIO()
        with mpl.rc_context(STYLE):
            self.figure.savefig(buffer, format=kind, dpi=200, metadata={"Date": None} if kind == "svg" else {})
        # A notebook keeps every picture that it has shown. The figure's texts and reference cycles would keep the
        # pixels with it, 6 MB a picture.
        for text in self.figure.findobj(mpl.text.Text):
            text._renderer = None
        gc.collect()
        return buffer.getvalue()

    def _repr_html_(self) -> str:
        kind, data = ("svg+xml", self._svg.encode()) if self.figure is None else ("png", self.png)
        source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
        style = "max-width:100%;height:auto;background:#fff;border-radius:6px"
        return f'<img alt="{html.escape(self.alt)}" width="{self.width}" style="{style}" src="{source}">'

    def __repr__(self) -> str:
        return f"Picture: {self.alt}"


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
