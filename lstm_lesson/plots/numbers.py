"""Numbers: the arguments of the drawing functions as plain numbers, and numbers as text."""

import math
import re

import numpy as np


def as_dict(name: str, values, convert) -> dict:
    """{label: convert(label, value)}, the labels as text. Raises ValueError if `values` is no dict or an empty one."""
    if not isinstance(values, dict) or not values:
        raise ValueError(f"{name} is {values!r}; it needs a dict with at least one label and its numbers")
    return {str(label): convert(str(label), value) for label, value in values.items()}


def as_plain(name: str, value):
    """A tensor or array with one entry as a Python number, anything else unchanged.

    Raises ValueError for a tensor or array with more entries.
    """
    if hasattr(value, "shape") and np.prod(tuple(value.shape)) != 1:
        raise ValueError(f"{name} holds an entry of shape {tuple(value.shape)}; it needs one number in each place")
    return value.detach().item() if hasattr(value, "detach") else value.item() if hasattr(value, "item") else value


def as_floats(name: str, values, needs: str = "(n,)") -> np.ndarray:
    """Numbers as a float array of the shape `needs`, or "(rows, columns)"; a single number as (1,).

    Raises ValueError for any other shape, for no number, and for anything that is not a number.
    """
    if needs == "(n,)" and not hasattr(values, "shape"):
        values = [as_plain(name, v) for v in values] if hasattr(values, "__iter__") else [values]
    try:
        values = values.detach().cpu() if hasattr(values, "detach") else values
        array = np.atleast_1d(np.asarray(values, dtype=float))
    except (TypeError, ValueError):
        raise ValueError(f"{name} holds something that is not a number; it needs numbers {needs}") from None
    if array.ndim != len(needs.split(", ")) or not array.size:
        raise ValueError(f"{name} has shape {array.shape}; it needs {needs} with at least one number")
    return array


def true_minus(text: str) -> str:
    """The text with a minus sign (−) in place of each hyphen."""
    return text.replace("-", "−")


def significant(value: float, digits: int = 3) -> str:
    """At most `digits` significant digits, or a whole number (12346, without e). The sign is a hyphen, as in code."""
    if isinstance(value, int) or not math.isfinite(value):
        return str(value)
    if 10 ** (digits - 1) <= abs(value) < 1e7:
        return f"{value:.0f}"
    return re.sub(r"e([+-])0*(\d)", r"e\1\2", f"{value:.{digits}g}").replace("e+", "e")


def three_digits(value: float) -> str:
    """Three significant digits, closing zeros kept (0.500), so that neighbouring numbers can be compared; whole: −2."""
    keep_zeros = 1e-3 <= abs(value) < 100 and value != int(value)
    return true_minus(f"{value:#.3g}".rstrip(".") if keep_zeros else significant(value))


def decimals(value: float, digits: int = 2) -> str:
    """So many decimals, and no minus before a rounded zero: −1.23 and 0.00 of −1.234 and −0.001."""
    text = f"{value:.{digits}f}"
    return true_minus(text) if float(text) else text.lstrip("-")


def bracketed(value: float, digits: int = 2) -> str:
    """`decimals`, in brackets if negative, so that it can stand after another sign."""
    text = decimals(value, digits)
    return f"({text})" if text[0] == "−" else text


def cell_number(value: float, largest: float) -> str:
    """A number of a matrix whose largest size is `largest`: the same number of decimals in every cell."""
    if not 0.05 <= largest < 1e4:
        return true_minus(significant(value, 2))
    return decimals(value, 2 if largest < 10 else 1 if largest < 100 else 0)


def unit_number(value: float) -> str:
    """Two decimals; three where two would round a gate to closed (0) or open (1): 0.50, but 0.998."""
    return decimals(value, 3 if 0 < abs(value) < 0.01 or 0.99 < abs(value) < 1 else 2)
