"""Make an instance of a class whose constructor nobody has described, from the names of its arguments."""

import copy
import inspect
import itertools
import re
from collections.abc import Iterator

from torch import Tensor, nn

from lstm_lesson.exercises.catalogue import read_table
from lstm_lesson.exercises.sandbox import Sandbox

SIZES = ((2, 3), (3, 3))  # N and H; equal ones for a class that runs with those only
LARGEST = 1000  # entries of all weights together
NAMES = read_table("examination")["names"]

Made = tuple[object, int, int] | BaseException  # an instance with its sizes N and H, or what an attempt ended with


def instances(thing, sandbox: Sandbox) -> Iterator[Made]:
    """Every instance that may be meant: a copy of the one that is given, or those that a class makes."""
    copied = thing if isinstance(thing, type) else _copied(thing)
    if copied is not thing and (not callable(thing) or any(True for _ in tensors(copied))):
        yield from _sized(copied)
    elif callable(thing):  # a class, or a function that makes an instance
        for N, H in SIZES:
            for ordered, named in _arguments(thing, N, H):
                made, error = sandbox(lambda ordered=ordered, named=named: thing(*ordered, **named))
                yield from _sized(made) if error is None and not (ordered or named) else [error or (made, N, H)]


def _arguments(maker, N: int, H: int) -> Iterator[tuple[tuple, dict]]:
    """What the constructor may be called with: by the names of its arguments, then by their order."""
    try:
        parameters = inspect.signature(maker).parameters.values()
    except (TypeError, ValueError):
        parameters = ()
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    names = [p.name for p in named]
    hidden = next((k for k in names if re.search(NAMES["hidden"], k)), None)
    given = next((k for k in names if re.search(NAMES["input"], k) and k != hidden), None)
    values = {k: v for k, v in ((hidden, H), (given, N)) if k}
    free = [size for size, name in ((N, given), (H, hidden)) if name is None]
    for p in named:
        if p.name in values or (p.default is not p.empty and p.name != "batch_first"):
            continue
        known = next((value for pattern, value in NAMES["others"] if re.search(pattern, p.name)), None)
        if known is None:
            known = 7 if given and re.search(NAMES["output"], p.name) else free.pop(0) if free else 1
        values[p.name] = known
    first = tuple(values.pop(p.name) for p in named if p.kind is p.POSITIONAL_ONLY and p.name in values)
    if first or values:
        yield first, values
    yield from (((N, H), {}), ((H, N), {}), ((N, H, 1), {}), ((), {}))


def _copied(module):
    """A deep copy; tensors that cannot be copied with their history are copied without."""
    try:
        return copy.deepcopy(module)
    except Exception:
        history = {id(t): t.detach().clone() for _, t in tensors(module)}
        return copy.deepcopy(module, history)


def _sized(module) -> Iterator[tuple[object, int, int]]:
    """The module with each pair of sizes that its attributes and its weights allow."""
    dims = sorted({n for _, t in tensors(module) for d in t.shape for n in (d, d // 4 if d % 4 == 0 else d)})
    numbers = {k: v for k, v in getattr(module, "__dict__", {}).items() if type(v) is int and v > 0}
    named = [[v for k, v in numbers.items() if re.search(NAMES[size], k)] for size in ("input", "hidden")]
    more = {a - b for a, b in itertools.permutations(dims, 2) if a > b} if len(dims) < 8 else set()
    pairs = list(itertools.product(*named)) + list(itertools.product({*dims, *more}, dims))
    for N, H in list(dict.fromkeys(pairs))[:30]:
        yield module, N, H


def tensors(thing, prefix: str = "", seen: set | None = None) -> Iterator[tuple[str, Tensor]]:
    """Every floating-point tensor that an object holds, by its name: parameters first, then all others."""
    seen = set() if seen is None else seen
    if id(thing) in seen or isinstance(thing, (str, bytes, type)):
        return
    seen.add(id(thing))
    if isinstance(thing, Tensor):
        if thing.is_floating_point() and thing.numel():
            yield prefix, thing
        return
    if isinstance(thing, nn.Module):
        entries = [*thing.named_parameters(recurse=False), *thing.named_children()]
        entries += [(k, v) for k, v in thing.named_buffers(recurse=False) if not k.startswith("running_")]
        entries += [(k, v) for k, v in vars(thing).items() if k not in ("_parameters", "_modules", "_buffers")]
    elif isinstance(thing, dict):
        entries = list(thing.items())
    elif isinstance(thing, (list, tuple)):
        entries = list(enumerate(thing))
    elif not prefix and hasattr(thing, "__dict__"):
        entries = list(vars(thing).items())
    else:
        return
    for name, value in entries:
        yield from tensors(value, f"{prefix}.{name}" if prefix else str(name), seen)
