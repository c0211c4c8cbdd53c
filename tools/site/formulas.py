"""Convert LaTeX to MathML when the site is built, and write the font: formulas need no script and no network."""

import re
from functools import cache
from importlib.resources import files

from fontTools import subset
from fontTools.ttLib import TTFont
from math_core import LatexError, LatexToMathML

from lstm_lesson.plots.style import COLORS

PAGE_COLORS = {color.lower(): f"var(--{name}-text)" for name, color in COLORS.items()}  # a dark page has other values


def formula(latex: str, display: bool = False) -> str:
    """A formula as MathML, in its own box if `display`. ValueError if it cannot be converted."""
    try:
        own = re.sub(r"\\color\{#(\w{6})\}", r"\\color[HTML]{\1}", latex)  # as math-core writes a colour
        made = _converter().convert_with_local_state(own, displaystyle=display)
    except LatexError as error:
        raise ValueError(f"the formula {latex!r} cannot be converted: {error}") from error
    made = re.sub(r"#[0-9a-fA-F]{6}\b", _color, made)
    made = re.sub(
        r"<mo\b([^>]*>[⊙⊕⊗])", r'<mo largeop="false"\1', made
    )  # Firefox draws them large in a displayed formula
    return f'<span class="formula">{made}</span>' if display else made


def _color(found: re.Match) -> str:
    if found[0].lower() not in PAGE_COLORS:
        raise ValueError(f"a formula has the colour {found[0]}; it needs one of {', '.join(COLORS.values())}")
    return PAGE_COLORS[found[0].lower()]


@cache
def _converter() -> LatexToMathML:
    return LatexToMathML(fancy_error=False)


def write_font(path, pages: list[str]) -> None:
    """Write the mathematical font, with only the signs of these pages, as WOFF.

    STIX Two Math, under the SIL Open Font License, from the package ziamath.
    """
    with files("ziamath").joinpath("fonts/STIXTwoMath-Regular.ttf").open("rb") as file:
        font = TTFont(file)
        signs = {sign for page in pages for math in re.findall(r"(?s)<math.*?</math>", page) for sign in math}
        options = subset.Options(layout_features=["*"], name_IDs=["*"], notdef_outline=True)  # keeps its licence
        cutter = subset.Subsetter(options)
        cutter.populate(text="".join(signs | _drawn(signs)))
        cutter.subset(font)
        font.flavor = "woff"
        font.save(path)


def _drawn(signs: set[str]) -> set[str]:
    """Signs that a browser draws but no page contains: the root, and single letters as mathematical italics."""
    shift = {**dict.fromkeys(range(0x41, 0x5B), 0x1D434 - 0x41), **dict.fromkeys(range(0x61, 0x7B), 0x1D44E - 0x61),
             **dict.fromkeys(range(0x3B1, 0x3CA), 0x1D6FC - 0x3B1)}  # fmt: skip
    return {chr(ord(sign) + shift[ord(sign)]) for sign in signs if ord(sign) in shift} | {"ℎ", "√"}
