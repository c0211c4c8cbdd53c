"""Numbers as text, for charts, diagrams, tables and explorers."""

import math
import re


def true_minus(text: str) -> str:
    """The text with a minus sign (−) in place of each hyphen."""
    return text.replace("-", "−")


def significant(value: float, digits: int = 3) -> str:
    """At most `digits` significant digits; a whole number unchanged. The sign is a hyphen, as in code.

    >>> [significant(v) for v in (0.00515, 12345.6, 7, 1e-16, float("inf"))]
    ['0.00515', '12346', '7', '1e-16', 'inf']
    """
    if isinstance(value, int) or not math.isfinite(value):
        return str(value)
    if 10 ** (digits - 1) <= abs(value) < 1e7:
        return f"{value:.0f}"
    return re.sub(r"e([+-])0*(\d)", r"e\1\2", f"{value:.{digits}g}").replace("e+", "e")


def three_digits(value: float) -> str:
    """Three significant digits, closing zeros kept, so that neighbouring numbers can be compared.

    >>> three_digits(0.5), three_digits(-2.0)
    ('0.500', '−2')
    """
    keep_zeros = 1e-3 <= abs(value) < 100 and value != int(value)
    return true_minus(f"{value:#.3g}".rstrip(".") if keep_zeros else significant(value))


def decimals(value: float, digits: int = 2) -> str:
    """So many decimals, and no minus before a rounded zero.

    >>> decimals(-1.234), decimals(-0.001)
    ('−1.23', '0.00')
    """
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
    """Two decimals; three where two would round a gate to closed (0) or open (1).

    >>> unit_number(0.5), unit_number(0.9978)
    ('0.50', '0.998')
    """
    return decimals(value, 3 if 0 < abs(value) < 0.01 or 0.99 < abs(value) < 1 else 2)
