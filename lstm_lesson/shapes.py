"""Shapes in a function's signature, and errors that name the argument, what it has and what it needs."""

import inspect
import math
import sys
import tomllib
from collections.abc import Callable, Iterable
from functools import wraps
from importlib.resources import files
from itertools import pairwise
from numbers import Integral, Real
from types import UnionType
from typing import Annotated, Union, get_args, get_origin

import torch

ERRORS = tomllib.loads((files("lstm_lesson") / "errors.toml").read_text(encoding="utf-8"))  # of several modules


class Shape(str):
    """`Shape["B N"]` annotates a tensor with its shape (B, N); `@checked` reads it."""

    def __class_getitem__(cls, letters: str):
        return Annotated[torch.Tensor, cls(letters)]


def checked(function: Callable) -> Callable:
    """Check the arguments of each call with `check_shapes`, by the shapes in the function's annotations.

    `Shape["H H"] | Shape["H"]` allows a tensor either shape. An argument with default None may be None, unless
    the next such argument is given. The function without its checks is `__wrapped__`.
    """
    parameters = inspect.signature(function).parameters
    names = tuple(parameters)
    shapes = {name: s for name, p in parameters.items() if (s := _shapes(p.annotation))}
    optional = [name for name in shapes if parameters[name].default is None]
    pairs = list(pairwise(optional))  # (c_prev, W_ci): a peephole's weight needs what it reads

    @wraps(function)
    def check_and_call(*args, **kwargs):
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        here = [name for name in shapes if name in given and not (name in optional and given[name] is None)]
        to_check = {name: (given[name], _of_rank(given[name], shapes[name])) for name in here}
        check_shapes(empty_batch=True, **to_check)
        for first, second in pairs:
            if second in to_check and first not in to_check:
                needs = format_shape(shapes[first][0].split())
                raise ValueError(f"{first} is None; {second} was given, so it needs a torch.Tensor of shape {needs}")
        return function(*args, **kwargs)

    return check_and_call


def check_shapes(sizes: dict[str, int] | None = None, *, empty_batch: bool = False, **arguments) -> dict[str, int]:
    """Check the shape of each argument; the first argument that uses a letter fixes the size of that letter.

    Each keyword is `name=(tensor, "B N")`. The size of 4H is four times that of H, once H is known.
    Returns the size of every letter, which a later call can take as `sizes`.
    Raises ValueError for anything but a floating-point tensor, a wrong rank or size, an empty dimension (B may be 0 if
    `empty_batch`), and for dtypes or devices that differ from the first argument's; autocast may join other dtypes.
    """
    sizes = dict(sizes or {})
    source = {}  # which argument set a letter's size
    first = None  # the argument that sets dtype and device
    for name, (tensor, letters) in arguments.items():
        letters = letters.split()
        if not isinstance(tensor, torch.Tensor) or not tensor.is_floating_point():
            check_float(name, tensor, format_shape(letters))
        shape = tensor.shape
        if "4H" in letters and "H" in sizes:
            sizes.setdefault("4H", 4 * sizes["H"])
        fits = len(shape) == len(letters)
        for letter, size in zip(letters, shape, strict=False):
            if letter not in sizes:
                sizes[letter], source[letter] = size, name
            fits = fits and sizes[letter] == size
        if not fits:
            known = [k for k in dict.fromkeys(letters) if k in sizes and source.get(k) != name]
            parts = [f"{k} = {sizes[k]}" + (f", as in {source[k]}" if k in source else "") for k in known]
            needs = format_shape(letters) + (f" with {' and '.join(parts)}" if parts else "")
            raise ValueError(f"{name} has shape {tuple(shape)}; it needs {needs}")
        if 0 in shape and not (empty_batch and [k for k, s in zip(letters, shape, strict=True) if s == 0] == ["B"]):
            raise ValueError(ERRORS["empty"].format(name, tuple(shape), format_shape(letters)))
        first = first or (name, tensor)
        if tensor.device != first[1].device or (tensor.dtype != first[1].dtype and not _joined(tensor, first[1])):
            what = "dtype" if tensor.dtype != first[1].dtype else "device"
            needs = f"{getattr(first[1], what)}, as {first[0]} has"
            raise ValueError(f"{name} has {what} {getattr(tensor, what)}; it needs {needs}")
    return sizes


def check_float(name: str, tensor, needs: str) -> None:
    """Raise ValueError unless `tensor` is a floating-point torch.Tensor; the message gives `needs` as its shape."""
    if not isinstance(tensor, torch.Tensor):
        raise ValueError(f"{name} is {type(tensor).__name__}; it needs a torch.Tensor of shape {needs}")
    if not tensor.is_floating_point():
        raise ValueError(f"{name} has dtype {tensor.dtype}; it needs a floating-point dtype such as torch.float32")


def check_size(name: str, value, least: int = 1, most: float = math.inf) -> int:
    """`value` as an int. Raises ValueError unless it is a whole number, of Python or NumPy, from `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not least <= value <= most:
        needs = f"of at least {least}" if most == math.inf else f"from {least} to {most}"
        raise ValueError(f"{name} is {value!r}; it needs a whole number {needs}")
    return int(value)


def check_sizes(**sizes) -> tuple[int, ...]:
    """Several sizes as ints. Raises ValueError unless each is a whole number of at least 1."""
    return tuple(check_size(name, size) for name, size in sizes.items())


def check_number(name: str, value, above: float = -math.inf, most: float = sys.float_info.max) -> None:
    """Raise ValueError unless `value` is a number, of Python or NumPy, above `above` and at most `most`, so not NaN."""
    if isinstance(value, bool) or not isinstance(value, Real) or not above < value <= most:
        needs = f"number above {above}" if above > -math.inf else "finite number"
        raise ValueError(f"{name} is {value!r}; it needs a {needs}" + (f" and at most {most}" if most < 1e300 else ""))


def check_lengths(lengths, batch: int, steps: int, device=None) -> torch.Tensor:
    """`lengths` as an int64 tensor (B,) on `device`. Raises ValueError unless every length is in 1..T."""
    try:
        given = torch.as_tensor(lengths)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"lengths is {type(lengths).__name__}; it needs (B,) = ({batch},) whole numbers") from error
    if given.dim() != 1 or given.numel() != batch:
        raise ValueError(f"lengths has shape {tuple(given.shape)}; it needs (B,) = ({batch},), one length a sequence")
    if batch and (given.is_floating_point() or given.is_complex() or given.dtype == torch.bool):
        raise ValueError(f"lengths has dtype {given.dtype}; it needs whole numbers")
    if batch and not torch.compiler.is_compiling() and (given.min() < 1 or given.max() > steps):  # a graph has none
        low, high = given.min().item(), given.max().item()
        raise ValueError(f"lengths has entries from {low} to {high}; it needs 1 to T = {steps}")
    return given.to(device=device, dtype=torch.int64)


def check_instance(name: str, thing) -> None:
    """Raise ValueError for a class where something made from it belongs, such as a model."""
    if isinstance(thing, type):
        raise ValueError(f"{name} is the class {thing.__name__}; it needs an instance: {thing.__name__}(...)")


def check_tokens(name: str, tokens) -> None:
    """Raise ValueError for a text where a list of words belongs: its letters would be taken for words."""
    if isinstance(tokens, str) or not isinstance(tokens, Iterable):
        raise ValueError(ERRORS["tokens"].format(name, tokens, type(tokens).__name__))


def true_steps(lengths: torch.Tensor, steps: int) -> torch.Tensor:
    """lengths (B,) -> bool (B, T): True at the steps of each sequence, False at its padding."""
    return torch.arange(steps, device=lengths.device) < lengths[:, None]


def describe(value) -> str:
    """The shape and dtype of a tensor, or the type of anything else, for an error message."""
    is_tensor = isinstance(value, torch.Tensor)
    return f"shape {tuple(value.shape)} and {value.dtype}" if is_tensor else f"type {type(value).__name__}"


def format_shape(letters: list[str]) -> str:
    """A shape as the lessons write it: (B, N), and (H,) for a vector."""
    return f"({', '.join(letters)}{',' if len(letters) == 1 else ''})"


def _shapes(annotation) -> tuple[str, ...]:
    """The shapes that an annotation allows: ("H H", "H") for `Shape["H H"] | Shape["H"]`, () without a Shape."""
    if get_origin(annotation) is Annotated:
        return tuple(str(s) for s in annotation.__metadata__ if isinstance(s, Shape))  # torch 2.8 compiles str alone
    if get_origin(annotation) in (Union, UnionType):
        return tuple(shape for part in get_args(annotation) for shape in _shapes(part))
    return ()


def _joined(*tensors: torch.Tensor) -> bool:
    """Whether autocast is on and converts all the tensors to its own dtype, as it does with all but float64."""
    device = tensors[0].device.type
    with_autocast = torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)
    return with_autocast and all(tensor.dtype != torch.float64 for tensor in tensors)


def _of_rank(tensor, allowed: tuple[str, ...]) -> str:
    """The first of the allowed shapes that has as many dimensions as the tensor; the last if none has."""
    fit = [shape for shape in allowed if len(shape.split()) == getattr(tensor, "ndim", None)]
    return fit[0] if fit else allowed[-1]
