"""Hold what a learner's function returned against what the reference returns, and say in words what differs."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from lstm_lesson.exercises.exercise import Draw, Exercise

ROUNDING = {torch.float64: 1e-10, torch.float32: 2e-5}  # allowed, as a share of the largest entry or of 1
ENOUGH = 5  # entries of a list that a message names
MANY = 1000  # entries of a returned value that are looked at: an odd one may have no end


@dataclass
class Fault:
    """What is wrong with an answer: what was got and what expected, and for values both, to be drawn.

    The text of a "gradient" or "backward" fault goes on from "The values are right, but".
    """

    kind: str  # "crashed", "type", "dtype", "shape", "value", "gradient", "backward", "changed", "global"
    text: str
    picture: tuple[str, Tensor, Tensor] | None = None


def parts(name: str, value) -> list[tuple[str, object]]:
    """The leaves of tuples, lists and mappings, each with the name a learner would write for it; `MANY` of each."""
    if isinstance(value, Mapping):
        return [leaf for k, v in islice(value.items(), MANY) for leaf in parts(f'{name}["{k}"]', v)]
    if isinstance(value, (tuple, list)):
        return [leaf for k, v in enumerate(islice(value, MANY)) for leaf in parts(f"{name}[{k}]", v)]
    return [(name, value)]


def rebuild(value, change: Callable[[Tensor], Tensor]):
    """The same structure with every tensor changed."""
    if isinstance(value, Mapping):
        return {k: rebuild(v, change) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(rebuild(v, change) for v in value)
    return change(value) if isinstance(value, Tensor) else value


def compare(exercise: Exercise, draw: Draw, got, expected, printed: str = "") -> Fault | None:
    """The first fault of one returned value: its type, then dtypes, shapes and values."""
    parts("", got)  # an object that cannot be looked at shows itself here
    pairs = align(exercise, got, expected, printed)
    if isinstance(pairs, str):
        return Fault("type", pairs)
    faults = [[dtype_fault(exercise, *pair) for pair in pairs]]
    faults.append([shape_fault(exercise, *pair, draw) for pair in pairs])
    if not any(faults[0]) and not any(faults[1]):
        faults.append([value_fault(exercise, *pair, draw) for pair in pairs])
    return next((fault for row in faults for fault in row if fault), None)


def align(exercise: Exercise, got, expected, printed: str = "") -> list[tuple[str, Tensor, Tensor]] | str:
    """Pair what came back with what should have, each under its name; or a sentence on what came back instead."""
    names = list(exercise.returns)
    if isinstance(expected, Tensor):
        needs = "one tensor" if expected.ndim else "one tensor without dimensions"
        return [(names[0], got, expected)] if isinstance(got, Tensor) else odd_value(exercise, got, needs, printed)
    inner = not isinstance(expected, Mapping) and any(isinstance(part, Mapping) for part in expected)
    needs = f"{len(expected)} {'values' if inner else 'tensors'}"
    kept = "dictionary" if isinstance(expected, Mapping) else type(expected).__name__
    needs = f"{needs} ({', '.join(names)})" if len(names) == len(expected) else f"a {kept} of {needs}"
    if not isinstance(got, Mapping if isinstance(expected, Mapping) else (tuple, list)):
        return odd_value(exercise, got, needs, printed)
    if isinstance(expected, Mapping) and set(got) != set(expected):
        return odd_keys(got, expected, needs)
    if len(got) != len(expected):
        nested = next((type(v).__name__ for v in islice(got, MANY) if isinstance(v, (tuple, list, Mapping))), "")
        if nested and not inner:
            return f"You return a {nested} inside a {type(got).__name__}; expected {needs}, side by side."
        return f"You return {len(got)} values; expected {needs}."
    keys = list(expected) if isinstance(expected, Mapping) else range(len(expected))
    labels = names if len(names) == len(expected) else [label for label, _ in parts(names[0], expected)]
    if exercise.keeps_type and type(got) is not type(expected):
        has, needs = type(got).__name__, type(expected).__name__
        return f"You return a {has}; expected a {needs}. Code that asks `isinstance(…, {needs})` would not know it."
    pairs = [(label, got[key], expected[key]) for label, key in zip(labels, keys, strict=True)]
    odd = [pair for pair in pairs if isinstance(pair[2], Tensor) and not isinstance(pair[1], Tensor)]
    if odd:
        return odd_entry(exercise, *odd[0])
    return unfold(exercise, pairs) if inner else pairs


def unfold(exercise: Exercise, pairs: list[tuple]) -> list[tuple[str, Tensor, Tensor]] | str:
    """Pairs of which some hold a dictionary: its entries take its place, each under its own name."""
    unfolded = []
    for label, value, target in pairs:
        found = [(label, value, target)]
        if isinstance(target, Mapping):
            found = align(replace(exercise, returns={label: ""}), value, target)
        if isinstance(found, str):
            return f"`{label}`: {found}"
        unfolded += found
    return unfolded


def odd_keys(got: Mapping, expected: Mapping, needs: str) -> str:
    """A dictionary whose keys are not the expected ones, in a sentence."""
    missing, others = [str(k) for k in expected if k not in got], [str(k) for k in got if k not in expected]
    if not missing:
        return f"You return more than {needs}: {listed(others)}."
    return f"The dictionary has no entry {listed(missing)}{f', but {listed(others)}' if others else ''}."


def odd_entry(exercise: Exercise, label: str, value, expected: Tensor) -> str:
    """An entry of a tuple or dictionary that is no tensor, in a sentence."""
    dtype = ", torch.int64" if exercise.dtype == "whole" else ""
    what = "nothing (None)" if value is None else kind(value)
    needs = f"a tensor {in_letters(exercise, label, expected)}{dtype}"
    return f"`{label}` is {what}; expected {needs}.{advice(exercise, value)}"


def odd_value(exercise: Exercise, value, needs: str, printed: str) -> str:
    """What a function returned in place of tensors, in a sentence."""
    if value is None and printed.strip():
        return f"It prints, and returns nothing (None); expected {needs}. Printing shows a value, `return` hands it on."
    if value is None:
        return f"It returns nothing (None); expected {needs}. Does every path end with a `return`?"
    return f"You return {kind(value)}; expected {needs}.{advice(exercise, value)}"


def kind(value) -> str:
    """What a value is, in words."""
    if isinstance(value, Tensor):
        return f"one tensor of shape {tuple(value.shape)}"
    if isinstance(value, (np.ndarray, np.generic)):
        return "a NumPy array"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} with {len(value)} {'entry' if len(value) == 1 else 'entries'}"
    if isinstance(value, (int, float, complex)):
        return f"a Python number ({type(value).__name__})"
    return f"an object of type {type(value).__name__}"


def advice(exercise: Exercise, value) -> str:
    """What to look for where such a value comes back in place of a tensor."""
    if isinstance(value, (np.ndarray, np.generic)):
        return f"{' NumPy knows no gradients: stay' if exercise.gradient else ' Stay'} with torch throughout."
    if isinstance(value, tuple) and len(value) == 1:
        return " Does a comma stand at the end of a line?"
    if isinstance(value, (int, float, complex)):
        return " A tensor keeps its graph, a number does not." if exercise.gradient else ""
    return ""


def dtype_fault(exercise: Exercise, label, got, expected) -> Fault | None:
    """A dtype, layout or device that is not the expected one."""
    right = {
        "as given": got.dtype == expected.dtype,
        "whole": not (got.is_floating_point() or got.is_complex() or got.dtype == torch.bool),
        "float": got.is_floating_point(),
    }[exercise.dtype]
    if not right:
        needs = {
            "as given": f"{expected.dtype}, as the inputs have. Are new tensors made in their dtype?",
            "whole": "torch.int64.",
            "float": "torch.float32.",
        }
        return Fault("dtype", f"`{label}` has dtype {got.dtype}; expected {needs[exercise.dtype]}")
    if got.layout != torch.strided or got.device != expected.device:
        has = f"{got.layout} on {got.device}"
        return Fault("dtype", f"`{label}` is {has}; expected torch.strided on {expected.device}.")
    return None


def shape_fault(exercise: Exercise, label, got, expected, draw: Draw) -> Fault | None:
    """A shape that is not the expected one, which is told in letters and numbers."""
    if got.shape == expected.shape:
        return None
    letters, shape = in_letters(exercise, label, expected), str(tuple(expected.shape))
    needs = shape if letters == shape else f"{letters} = {shape}"
    needs += "" if expected.ndim else ", a tensor without dimensions"
    return Fault("shape", f"`{label}` has shape {tuple(got.shape)}; expected {needs}.")


def in_letters(exercise: Exercise, label: str, expected: Tensor) -> str:
    """The shape of a result as its stub writes it, (B, H) say; in numbers where it has no letters."""
    letters = exercise.returns.get(label, "").split()
    return f"({', '.join(letters)}{',' * (len(letters) == 1)})" if letters else str(tuple(expected.shape))


def value_fault(exercise: Exercise, label, got, expected, draw: Draw) -> Fault | None:
    """The first entry that is further off than rounding, and both tensors to be drawn."""
    wrong = ~close(got, expected, exercise.slack)
    if not wrong.any():
        return None
    return Fault("value", f"{first_entry(label, got, expected, wrong)}{sizes(draw)}.", (label, got, expected))


def close(got: Tensor, expected: Tensor, slack: float = 0.0) -> Tensor:
    """Which entries agree up to rounding: a bool tensor. Both have the same shape."""
    got, expected = got.detach(), expected.detach()
    rounding = max(ROUNDING.get(got.dtype, 0.0), ROUNDING.get(expected.dtype, 0.0))
    got, expected = got.to(torch.float64), expected.to(torch.float64)
    finite = expected[expected.isfinite()]
    largest = max(1.0, finite.abs().max().item() if finite.numel() else 1.0)
    return torch.isclose(got, expected, rtol=0, atol=(rounding + slack) * largest, equal_nan=True)


def alike(one, other, slack: float = 0.0) -> bool:
    """Whether two returned values agree in structure, shapes and values."""
    one, other = (sorted(parts("", value), key=lambda part: part[0]) for value in (one, other))  # a dict has no order
    return [k for k, _ in one] == [k for k, _ in other] and all(
        (a.shape, a.device, a.layout, a.is_complex()) == (b.shape, b.device, b.layout, b.is_complex())
        and bool(close(a, b, slack).all())
        if isinstance(a, Tensor) and isinstance(b, Tensor)
        else type(a) is type(b) and not isinstance(a, Tensor)
        for (_, a), (_, b) in zip(one, other, strict=True)
    )


class CutInPlace(Exception):
    """An input lost its own history: `detach_` and the like."""


def gradients(f: Callable, arguments: dict) -> dict[str, Tensor | None] | None:
    """The gradient of every float input for one fixed weighting of all outputs; None where no output has a graph."""
    leaves: dict[str, Tensor] = {}
    originals = rebuild(arguments, lambda t: t.clone().requires_grad_() if t.is_floating_point() else t.clone())
    for name, value in originals.items():
        leaves.update((k, t) for k, t in parts(name, value) if isinstance(t, Tensor) and t.is_floating_point())
    given = rebuild(originals, torch.clone)  # with a history, as a state in the middle of a sequence has
    handed_over = {k: t for name, value in given.items() for k, t in parts(name, value) if k in leaves}
    outputs = [t for _, t in parts("", f(*given.values())) if isinstance(t, Tensor)]
    if cut := [name for name, t in handed_over.items() if not t.requires_grad]:
        raise CutInPlace(listed(cut))
    weighting = torch.Generator().manual_seed(1)
    total = sum(
        (t * torch.randn(t.shape, generator=weighting, dtype=torch.float64)).sum() for t in outputs if t.requires_grad
    )
    if not isinstance(total, Tensor):
        return None
    found = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    return dict(zip(leaves, found, strict=True))


def gradient_fault(got: dict | None, expected: dict | None, slack: float = 0.0) -> Fault | None:
    """What is wrong with the gradients of one draw; a missing gradient and one of zeros are the same."""
    names = list(expected or got or {})
    got, expected = got or {}, expected or {}
    wrong = {}
    for name in names:
        g, e = got.get(name), expected.get(name)
        if g is None and e is None:
            continue
        g, e = torch.zeros_like(e) if g is None else g, torch.zeros_like(g) if e is None else e
        unequal = ~close(g, e, slack)
        if unequal.any():
            wrong[name] = first_entry(name, g, e, unequal)
    cut = [name for name in wrong if got.get(name) is None]
    if cut:
        where = listed(cut) if len(cut) < len(names) or len(names) == 1 else "any of the inputs"
        return Fault("gradient", f"no gradient reaches {where}; expected one.")
    if wrong:
        return Fault("gradient", f"the gradient of {next(iter(wrong.values()))}.")
    return None


def first_entry(label: str, got: Tensor, expected: Tensor, wrong: Tensor) -> str:
    """Where two tensors differ first, with as many digits as tell the two entries apart."""
    place = tuple(wrong.nonzero()[0].tolist())
    label = f"({label})" if place and " " in label else label  # (a ⊙ b)[0, 0]
    at = f"{label}[{', '.join(map(str, place))}]" if place else label
    got, expected = got[place].item(), expected[place].item()
    digits = next((n for n in range(4, 17) if number(got, n) != number(expected, n)), 17)
    return f"`{at}` is {number(got, digits)}; expected {number(expected, digits)}"


def number(value, digits: int = 4) -> str:
    """A number as messages print it, with a true minus sign."""
    if isinstance(value, float) and math.isfinite(value):
        return f"{value + 0.0:.{digits}g}".replace("-", "−")  # + 0.0: no −0
    return str(value)


def sizes(draw: Draw) -> str:
    """The sizes of a draw in brackets, those that its inputs were made of."""
    known = ", ".join(f"{s} = {n}" for s, n in draw.sizes.items() if s in draw.used)
    return f" (with {known})" if known else ""


def listed(names: list[str]) -> str:
    """Names as a sentence lists them, each as code; of many only the first."""
    names = [f"`{name}`" for name in names]
    if len(names) > ENOUGH:
        names = [*names[: ENOUGH - 1], f"{len(names) - ENOUGH + 1} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
