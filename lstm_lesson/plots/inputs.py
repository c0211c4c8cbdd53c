"""The arguments of the drawing functions, converted from tensors, arrays and lists to plain numbers."""

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
