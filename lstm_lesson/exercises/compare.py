"""Compare what a learner's function returned with what the reference returned, and say in words what differs."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from lstm_lesson.exercises.exercise import WEIGHTS, Exercise, Inputs

ROUNDING = {torch.float64: 1e-10, torch.float32: 2e-5}  # allowed, relative to the largest entry or to 1
NAMES_SHOWN = 5  # of a longer list, a message shows fewer
AXES = {"B": "sequence", "T": "step", "N": "input", "K": "class", "H": "unit", "4H": "unit of i, then f, g, o"}
OTHER_AXES = {"past": ("window", "value"), "following": ("window",), "forecast": ("series", "step")}
CANDIDATE = "The candidate's weights end in c: `W_xc`, `W_hc`, `b_c`."
MAX_ENTRIES = 1000  # of a returned container that are looked at: its iterator may never end


@dataclass
class Problem:
    """What is wrong with an answer: the returned and the expected result.

    For wrong values `picture` has what to plot: a name, both tensors, and what their dimensions are.
    The text of a "gradient" or "backward" problem continues "The values are right, but".
    """

    kind: str  # "open", "crashed", "type", "dtype", "shape", "value", "gradient", "backward", "changed", "global"
    text: str
    picture: tuple[str, Tensor, Tensor, tuple[str, ...]] | None = None
    edits: tuple[str, ...] = ()  # the mistakes that the text names, where a judge has found them


class WrongStructure(Exception):
    """The returned value is not the expected tensor, tuple or dictionary; the message names what it is."""


def leaves(name: str, value) -> list[tuple[str, object]]:
    """What tuples, lists and mappings hold, each under the name that a learner would write: `h[0]`, `w["W_xi"]`."""
    if isinstance(value, Mapping):
        return [leaf for k, v in islice(value.items(), MAX_ENTRIES) for leaf in leaves(f'{name}["{k}"]', v)]
    if isinstance(value, (tuple, list)):
        return [leaf for k, v in enumerate(islice(value, MAX_ENTRIES)) for leaf in leaves(f"{name}[{k}]", v)]
    return [(name, value)]


def map_tensors(change: Callable[[Tensor], Tensor], value):
    """The same structure of tuples, lists and mappings, with `change` applied to every tensor."""
    if isinstance(value, Mapping):
        return {k: map_tensors(change, v) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(map_tensors(change, v) for v in value)
    return change(value) if isinstance(value, Tensor) else value


def find_problem(exercise: Exercise, inputs: Inputs, got, expected, printed: str = "") -> Problem | None:
    """The first problem of a returned value: its type, then as `result_problem`. None if there is none."""
    leaves("", got)  # an object that cannot be inspected raises here
    try:
        pairs = match(exercise, got, expected, printed)
    except WrongStructure as error:
        return Problem("type", str(error))
    return result_problem(exercise, pairs, inputs)


def result_problem(exercise: Exercise, pairs: list[tuple[str, Tensor, Tensor]], inputs: Inputs) -> Problem | None:
    """The first problem of results, as `match` gives them: dtypes, then shapes, then values. None if there is none."""
    kinds = dtype_problem, shape_problem, partial(value_problem, inputs=inputs)
    return next(filter(None, (problem(exercise, *pair) for problem in kinds for pair in pairs)), None)


def match(exercise: Exercise, got, expected, printed: str = "") -> list[tuple[str, Tensor, Tensor]]:
    """The name, the returned and the expected tensor of each result. Raises WrongStructure if they do not match."""
    names = list(exercise.returns)
    if isinstance(expected, Tensor):
        if not isinstance(got, Tensor):
            needs = "one tensor" if expected.ndim else "one tensor without dimensions"
            raise WrongStructure(wrong_type(exercise, got, needs, printed))
        return [(names[0], got, expected)]
    is_mapping = isinstance(expected, Mapping)
    holds_containers = not is_mapping and any(not isinstance(part, Tensor) for part in expected)
    what = names[0] if holds_containers and len(names) == 1 else "values" if holds_containers else "tensors"
    needs = f"{len(expected)} {what}"
    container = "dictionary" if is_mapping else type(expected).__name__
    needs = f"{needs} ({', '.join(names)})" if len(names) == len(expected) else f"a {container} of {needs}"
    if not isinstance(got, Mapping if is_mapping else (tuple, list)):
        raise WrongStructure(wrong_type(exercise, got, needs, printed))
    if is_mapping and set(got) != set(expected):
        raise WrongStructure(wrong_keys(got, expected, needs))
    if len(got) != len(expected):
        containers = (type(v).__name__ for v in islice(got, MAX_ENTRIES) if isinstance(v, (tuple, list, Mapping)))
        nested = "" if holds_containers else next(containers, "")
        has = f"a {nested} inside a {type(got).__name__}" if nested else describe(got)
        raise WrongStructure(f"You return {has}; expected {needs}{', side by side' if nested else ''}.")
    if exercise.strict_type and type(got) is not type(expected):
        asks = f"Code that asks `isinstance(…, {container})` would not know it."
        raise WrongStructure(f"You return a {type(got).__name__}; expected a {container}. {asks}")
    parts = dict.fromkeys(expected) if is_mapping else [None] * len(expected)
    labels, pairs = names if len(names) == len(expected) else [label for label, _ in leaves(names[0], parts)], []
    for label, key in zip(labels, expected if is_mapping else range(len(expected)), strict=True):
        value, target = got[key], expected[key]
        if isinstance(target, Tensor) and not isinstance(value, Tensor):
            dtype = ", torch.int64" if exercise.dtype == "integer" else ""
            needs = f"a tensor {format_shape(exercise, label, target)}{dtype}"
            what = "nothing (None)" if value is None else describe(value)
            raise WrongStructure(f"`{label}` is {what}; expected {needs}.{advice(exercise, value)}")
        try:
            pairs += match(replace(exercise, returns={label: ""}), value, target)
        except WrongStructure as error:
            raise WrongStructure(f"`{label}`: {error}") from None
    return pairs


def wrong_type(exercise: Exercise, value, needs: str, printed: str) -> str:
    """A sentence on a value that was returned in place of tensors."""
    if value is None and printed.strip():
        return f"It prints, and returns nothing (None); expected {needs}. Printing shows a value, `return` hands it on."
    if value is None:
        return f"It returns nothing (None); expected {needs}. Does every path end with a `return`?"
    return f"You return {describe(value)}; expected {needs}.{advice(exercise, value)}"


def wrong_keys(got: Mapping, expected: Mapping, needs: str) -> str:
    """A sentence on a dictionary whose keys are not the expected ones."""
    missing, others = [str(k) for k in expected if k not in got], [str(k) for k in got if k not in expected]
    if not missing:
        return f"You return more than {needs}: {join_names(others)}."
    hint = f" {CANDIDATE}" if any(str(k).endswith("g") for k in others) else ""
    return f"The dictionary has no entry {join_names(missing)}{f', but {join_names(others)}' if others else ''}.{hint}"


def describe(value) -> str:
    """What a value is, in words."""
    if isinstance(value, Tensor):
        return f"one tensor of shape {tuple(value.shape)}"
    if isinstance(value, (np.ndarray, np.generic)):
        return "a NumPy array"
    if type(value).__module__ == "torch.return_types":
        return f"all that `torch.{type(value).__name__}` returns, {len(value)} tensors"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} with {len(value)} {'entry' if len(value) == 1 else 'entries'}"
    if isinstance(value, (int, float, complex)):
        return f"a Python number ({type(value).__name__})"
    return f"an object of type {type(value).__name__}"


def advice(exercise: Exercise, value) -> str:
    """What to look for where such a value is returned in place of a tensor; "" if nothing is known."""
    if isinstance(value, (np.ndarray, np.generic)):
        return f"{' NumPy knows no gradients: stay' if exercise.gradient else ' Stay'} with torch throughout."
    if isinstance(value, (int, float, complex)):
        return " A tensor keeps its graph, a number does not." if exercise.gradient else ""
    return ""


def dtype_problem(exercise: Exercise, label: str, got: Tensor, expected: Tensor) -> Problem | None:
    """A dtype, layout or device that is not the expected one."""
    integer = not (got.is_floating_point() or got.is_complex() or got.dtype == torch.bool)
    fits = {"as given": got.dtype == expected.dtype, "integer": integer, "float": got.is_floating_point()}
    given = f"{expected.dtype}, as the inputs have. Are new tensors made in their dtype?"
    needs = {"as given": given, "integer": "torch.int64.", "float": "torch.float32."}[exercise.dtype]
    if got.is_complex():
        needs = "a real number. A complex number has a real part, an imaginary part and a size: which is asked?"
    if not fits[exercise.dtype]:
        return Problem("dtype", f"`{label}` has dtype {got.dtype}; expected {needs}")
    if got.layout != torch.strided or got.device != expected.device:
        has = f"{got.layout} on {got.device}"
        return Problem("dtype", f"`{label}` is {has}; expected torch.strided on {expected.device}.")


def shape_problem(exercise: Exercise, label: str, got: Tensor, expected: Tensor) -> Problem | None:
    """A shape that is not the expected one; the text has it in letters and in numbers."""
    if got.shape == expected.shape:
        return None
    letters, shape = format_shape(exercise, label, expected), str(tuple(expected.shape))
    needs = shape if letters == shape else f"{letters} = {shape}"
    needs += "" if expected.ndim else ", a tensor without dimensions"
    return Problem("shape", f"`{label}` has shape {tuple(got.shape)}; expected {needs}.")


def value_problem(exercise: Exercise, label: str, got: Tensor, expected: Tensor, inputs: Inputs) -> Problem | None:
    """The first entry that differs by more than rounding, and both tensors for a picture."""
    differs = ~isclose(got, expected, exercise.tolerance)
    if not differs.any():
        return None
    text = f"{first_difference(label, got, expected, differs)}{format_sizes(inputs)}."
    return Problem("value", text, (label, got, expected, axis_names(exercise, label, expected.ndim)))


def isclose(got: Tensor, expected: Tensor, tolerance: float = 0.0) -> Tensor:
    """Which entries agree up to rounding: a bool tensor. Both have the same shape."""
    got, expected = got.detach(), expected.detach()
    rounding = max(ROUNDING.get(got.dtype, 0.0), ROUNDING.get(expected.dtype, 0.0))
    got, expected = got.to(torch.float64), expected.to(torch.float64)
    finite = expected[expected.isfinite()]
    largest = max(1.0, finite.abs().max().item() if finite.numel() else 1.0)
    return torch.isclose(got, expected, rtol=0, atol=(rounding + tolerance) * largest, equal_nan=True)


def allclose(one, other, tolerance: float = 0.0) -> bool:
    """Whether two returned values agree in structure, shapes and values. The order of a dictionary does not count."""

    def alike(a, b) -> bool:  # of objects that are no tensors only the types are compared
        if not (isinstance(a, Tensor) and isinstance(b, Tensor)):
            return type(a) is type(b) and not isinstance(a, Tensor)
        same_form = (a.shape, a.device, a.layout, a.is_complex()) == (b.shape, b.device, b.layout, b.is_complex())
        return same_form and bool(isclose(a, b, tolerance).all())

    one, other = (dict(leaves("", value)) for value in (one, other))
    return one.keys() == other.keys() and all(alike(one[name], other[name]) for name in one)


class InputDetached(Exception):
    """A function detached one of its inputs in place, with `detach_` for example; the message names the input."""


def input_gradients(f: Callable, arguments: dict) -> dict[str, Tensor | None] | None:
    """The gradient of a weighted sum of all outputs with respect to every float input, by name.

    The weights are the same at every call. None where no output has a graph. Raises InputDetached.
    """

    def tensors(values: Mapping) -> dict[str, Tensor]:
        every = (leaf for name, value in values.items() for leaf in leaves(name, value))
        return {name: t for name, t in every if isinstance(t, Tensor) and t.is_floating_point()}

    originals = map_tensors(lambda t: t.clone().requires_grad_() if t.is_floating_point() else t.clone(), arguments)
    given = map_tensors(torch.clone, originals)  # with a history, as a state in the middle of a sequence has
    given_inputs, generator = tensors(given), torch.Generator().manual_seed(1)
    outputs = [t for _, t in leaves("", f(*given.values())) if isinstance(t, Tensor) and t.requires_grad]
    if detached := [name for name, t in given_inputs.items() if not t.requires_grad]:
        raise InputDetached(join_names(detached))
    if not outputs:
        return None
    weights = [torch.randn(t.shape, generator=generator, dtype=torch.float64) for t in outputs]
    total = sum((t * w).sum() for t, w in zip(outputs, weights, strict=True))
    inputs = tensors(originals)
    return dict(zip(inputs, torch.autograd.grad(total, list(inputs.values()), allow_unused=True), strict=True))


def gradient_problem(got: dict | None, expected: dict | None, tolerance: float = 0.0) -> Problem | None:
    """What is wrong with the gradients on one set of inputs; a missing gradient and one of zeros are the same."""
    names, wrong = list(expected or got or {}), {}
    for name in names:
        g, e = ((found or {}).get(name) for found in (got, expected))
        if g is not None or e is not None:
            g, e = torch.zeros_like(e) if g is None else g, torch.zeros_like(g) if e is None else e
            if (differs := ~isclose(g, e, tolerance)).any():
                wrong[name] = first_difference(name, g, e, differs)
    missing = [name for name in wrong if not got or got.get(name) is None]
    if missing:
        where = join_names(missing) if len(missing) < len(names) or len(names) == 1 else "any of the inputs"
        return Problem("gradient", f"no gradient reaches {where}; expected one.")
    if wrong:
        return Problem("gradient", f"the gradient of {next(iter(wrong.values()))}.")


def first_difference(label: str, got: Tensor, expected: Tensor, differs: Tensor) -> str:
    """Where two tensors differ first, with as many digits as it takes to see the two entries differ."""
    place = tuple(differs.nonzero()[0].tolist())
    label = f"({label})" if place and " " in label else label  # (a ⊙ b)[0, 0]
    at = f"{label}[{', '.join(map(str, place))}]" if place else label
    got, expected = got[place].item(), expected[place].item()
    digits = next((n for n in range(4, 17) if format_number(got, n) != format_number(expected, n)), 17)
    return f"`{at}` is {format_number(got, digits)}; expected {format_number(expected, digits)}"


def format_number(value, digits: int = 4) -> str:
    """A number with this many significant digits and a true minus sign. (`plots.numbers` would load Matplotlib.)"""
    if isinstance(value, float) and math.isfinite(value):
        return f"{value + 0.0:.{digits}g}".replace("-", "−")  # + 0.0: no −0
    return str(value)


def format_shape(exercise: Exercise, label: str, expected: Tensor) -> str:
    """The shape of a result as its stub writes it, (B, H) for example; in numbers where it has no letters."""
    letters = exercise.returns.get(label, "").split()
    return f"({', '.join(letters)}{',' * (len(letters) == 1)})" if letters else str(tuple(expected.shape))


def axis_names(exercise: Exercise, label: str, ndim: int) -> tuple[str, ...]:
    """What each dimension of a result is, as its letters in the stub say or the name of a weight."""
    weight = re.search(r"\bd?(W_x|W_h|b_)\w$", label.rstrip('"]'))
    letters = WEIGHTS[weight[1]] if weight else exercise.returns.get(label, "")
    if letters == "H H":
        return "unit that is read", "unit that is made"
    names = [AXES[letter] for letter in letters.split()] or OTHER_AXES.get(label, ())
    return tuple(names) if len(names) == ndim else tuple(f"index {k}" for k in range(ndim))


def size_letters(inputs: Inputs) -> dict[int, str]:
    """The letter of each size in this set of inputs; without sizes that two letters share, and without 1."""
    sizes = {k: v for k, v in inputs.sizes.items() if k in inputs.letters_used}
    sizes |= {"4H": 4 * inputs.sizes["H"]} if "4H" in inputs.letters_used else {}
    return {v: k for k, v in sizes.items() if v > 1 and list(sizes.values()).count(v) == 1}


def format_sizes(inputs: Inputs) -> str:
    """The sizes that a set of inputs was drawn with, in brackets; "" if it used none."""
    sizes = ", ".join(f"{s} = {n}" for s, n in inputs.sizes.items() if s in inputs.letters_used)
    return f" (with {sizes})" if sizes else ""


def join_names(names: list[str]) -> str:
    """Names as code, joined by commas and "and"; of more than NAMES_SHOWN only the first."""
    names = [f"`{name}`" for name in names]
    if len(names) > NAMES_SHOWN:
        names = [*names[: NAMES_SHOWN - 1], f"{len(names) - NAMES_SHOWN + 1} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
