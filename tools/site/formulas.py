"""LaTeX to MathML when the site is made: formulas that need no script and no network, in a font of their own."""

import re
from functools import cache
from importlib.resources import files

from fontTools import subset
from fontTools.ttLib import TTFont
from math_core import LatexError, LatexToMathML

from lstm_lesson.plots.style import COLORS

SAYS = {color.lower(): f"var(--{name})" for name, color in COLORS.items()}  # the page has a dark set of them


def formula(latex: str, display: bool = False) -> str:
    """A formula as MathML, in a box of its own if `display`; ValueError for one that cannot be read."""
    try:
        own = re.sub(r"\\color\{#(\w{6})\}", r"\\color[HTML]{\1}", latex)  # as math-core writes a colour
        made = _converter().convert_with_local_state(own, displaystyle=display)
    except LatexError as error:
        raise ValueError(f"the formula {latex!r} cannot be read: {error}") from error
    made = re.sub(r"#[0-9a-fA-F]{6}\b", _color, made)
    return f'<span class="formula">{made}</span>' if display else made


def _color(found: re.Match) -> str:
    if found[0].lower() not in SAYS:
        raise ValueError(f"a formula has the colour {found[0]}; it needs one of {', '.join(COLORS.values())}")
    return SAYS[found[0].lower()]


@cache
def _converter() -> LatexToMathML:
    return LatexToMathML(fancy_error=False)


def write_font(path, pages: list[str]) -> None:
    """The mathematical font with the signs that these pages need and all forms of them, as WOFF.

    STIX Two Math, under the SIL Open Font License, as the package ziamath brings it.
    """
    with files("ziamath").joinpath("fonts/STIXTwoMath-Regular.ttf").open("rb") as file:
        font = TTFont(file)
        signs = {sign for page in pages for math in re.findall(r"(?s)<math.*?</math>", page) for sign in math}
        options = subset.Options(layout_features=["*"], name_IDs=["*"], notdef_outline=True)  # its licence stays in it
        cutter = subset.Subsetter(options)
        cutter.populate(text="".join(signs | _drawn(signs)))
        cutter.subset(font)
        font.flavor = "woff"
        font.save(path)


def _drawn(signs: set[str]) -> set[str]:
    """What a browser draws and no page spells: the root, and single letters as mathematical italics of Unicode."""
    shift = {**dict.fromkeys(range(0x41, 0x5B), 0x1D434 - 0x41), **dict.fromkeys(range(0x61, 0x7B), 0x1D44E - 0x61),
             **dict.fromkeys(range(0x3B1, 0x3CA), 0x1D6FC - 0x3B1)}  # fmt: skip
    return {chr(ord(sign) + shift[ord(sign)]) for sign in signs if ord(sign) in shift} | {"ℎ", "√"}
