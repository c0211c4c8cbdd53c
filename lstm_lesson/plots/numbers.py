"""What a picture is given, as plain numbers: tensors, arrays, lists; and numbers as they are printed."""

import re

import numpy as np


def as_dict(name: str, values) -> dict:
    """`values` if it is a dict that holds something, else a ValueError."""
    if not isinstance(values, dict) or not values:
        raise ValueError(f"{name} is {values!r}; it needs a dict with at least one label and its numbers")
    return values


def as_plain(name: str, value):
    """A tensor or array with one entry as a Python number, anything else as it is; ValueError for more entries."""
    if hasattr(value, "shape") and np.prod(tuple(value.shape)) != 1:
        raise ValueError(f"{name} holds an entry of shape {tuple(value.shape)}; it needs one number in each place")
    return value.detach().item() if hasattr(value, "detach") else value.item() if hasattr(value, "item") else value


def as_list(name: str, values) -> list:
    """A list, tuple, range, array or tensor (n,) as a list of Python values; ValueError if empty or not 1-D."""
    if isinstance(values, (str, bytes, int, float)) or values is None:
        raise ValueError(f"{name} is {values!r}; it needs a list or a tensor (n,)")
    if getattr(values, "ndim", 1) != 1:
        raise ValueError(f"{name} has shape {tuple(values.shape)}; it needs one dimension, (n,)")
    values = _detached(values).tolist() if hasattr(values, "tolist") else [as_plain(name, v) for v in values]
    if not values:
        raise ValueError(f"{name} is empty; it needs at least one value")
    return values


def as_numbers(name: str, values) -> np.ndarray:
    """Numbers (n,) as a float array, a single number as (1,); ValueError for anything else and for no number."""
    if not hasattr(values, "shape"):
        values = [as_plain(name, v) for v in values] if hasattr(values, "__iter__") else [values]
    array = _floats(name, values, "(n,)")
    array = array[None] if array.ndim == 0 else array
    if array.ndim != 1 or not array.size:
        raise ValueError(f"{name} has shape {array.shape}; it needs (n,) with at least one number")
    return array


def as_matrix(name: str, values) -> np.ndarray:
    """Numbers (rows, columns) as a float array; ValueError for anything else and for no number."""
    array = _floats(name, values, "(rows, columns)")
    if array.ndim != 2 or not array.size:
        raise ValueError(f"{name} has shape {array.shape}; it needs (rows, columns) with at least one number")
    return array


def printed(value: float, digits: int = 3) -> str:
    """A number with `digits` significant digits, a whole number as it is.

    >>> [printed(v) for v in (0.00515, 12345.6, 7, 1e-16, float("inf"))]
    ['0.00515', '12346', '7', '1e-16', 'inf']
    """
    if isinstance(value, int) or not np.isfinite(value):
        return str(value)
    if 10 ** (digits - 1) <= abs(value) < 1e7:
        return f"{value:.0f}"
    return re.sub(r"e([+-])0*(\d)", r"e\1\2", f"{value:.{digits}g}").replace("e+", "e")


def _floats(name, values, needs):
    try:
        return np.asarray(_detached(values), dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} holds something that is not a number; it needs numbers {needs}") from None


def _detached(values):
    return values.detach().cpu() if hasattr(values, "detach") else values
