"""A module under examination: its instances, its tensors, and one way to call it whatever form its own call has."""

import contextlib
import copy
import inspect
import itertools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lstm_lesson.exercises.catalogue import read_table
from lstm_lesson.exercises.sandbox import Sandbox, name_error

NAMES, SHAPES = (read_table("examination")[name] for name in ("names", "shapes"))
SIZES = ((2, 3), (3, 3))  # N and H; equal ones for a class that runs with those only
LARGEST = 1000  # entries of all weights together
IGNORED = "the states that it is given have no effect"
OUTPUTS = ("hidden_seq", "h_T", "c_T")


def instances(thing, sandbox: Sandbox) -> Iterator[tuple[object, int, int] | BaseException]:
    """Every instance that may be meant, with its sizes N and H, or the exception that an attempt to make one raised."""
    copied = thing
    if not isinstance(thing, type):
        try:
            copied = copy.deepcopy(thing)
        except Exception:  # tensors that cannot be copied with their history are copied without
            copied = copy.deepcopy(thing, {id(t): t.detach().clone() for _, t in tensors(thing)})
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
    named = {p.name: p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    hidden = next((k for k in named if re.search(NAMES["hidden"], k)), None)
    given = next((k for k in named if re.search(NAMES["input"], k) and k != hidden), None)
    values = {k: v for k, v in ((hidden, H), (given, N)) if k}
    free = [size for size, name in ((N, given), (H, hidden)) if name is None]
    for name, p in named.items():
        if name not in values and (p.default is p.empty or name == "batch_first"):
            known = next((value for pattern, value in NAMES["others"] if re.search(pattern, name)), None)
            if known is None:
                known = 7 if given and re.search(NAMES["output"], name) else free.pop(0) if free else 1
            values[name] = known
    if values:
        yield (), values
    yield from (((N, H), {}), ((H, N), {}), ((N, H, 1), {}), ((), {}))


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
        entries = [*thing.named_parameters(recurse=False), *thing.named_children(), *thing.named_buffers(recurse=False)]
        entries += [(k, v) for k, v in vars(thing).items() if k not in ("_parameters", "_modules", "_buffers")]
    elif isinstance(thing, (list, tuple)):
        entries = enumerate(thing)
    else:
        entries = (thing if isinstance(thing, dict) else {} if prefix else getattr(thing, "__dict__", {})).items()
    for name, value in entries:
        yield from tensors(value, f"{prefix}.{name}" if prefix else str(name), seen)


class NotUnderstood(Exception):
    """The module ran, and does what no LSTM does. The message says what."""


@dataclass(frozen=True)
class Form:
    """How a module is called: the letters of its input and of a state, and where the states stand.

    `place` is "", "pair" for (x, (h, c)), "apart" for (x, h, c), "pair first" or "apart first"; the names of the
    arguments stand behind a colon if they are given by name.
    """

    x: str
    states: str = ""
    place: str = ""

    def arguments(self, x: Tensor, h, c) -> tuple[tuple, dict]:
        """What the call is given, by order and by name."""
        first, _, names = self.place.partition(":")
        given = {"": (x,), "pair": (x, (h, c)), "apart": (x, h, c), "pair first": ((h, c), x), "apart first": (h, c, x)}
        return ((), dict(zip(names.split(","), given[first], strict=True))) if names else (given[first], {})


class Subject:
    """An instance with sizes N and H. `tensors` has all that it holds; `set` fills them from one vector."""

    head = ""  # the layer behind the LSTM that was left out
    takes_c_first = returns_c_first = ignores_states = False

    def __init__(self, module, N: int, H: int, sandbox: Sandbox, dtype=torch.float64):
        self.module, self.N, self.H, self.sandbox, self.dtype = module, N, H, sandbox, dtype
        self.is_module = isinstance(module, nn.Module)
        self.parameters = {id(p) for p in module.parameters()} if self.is_module else set()
        self.tensors = dict(tensors(module))
        if self.is_module:
            module.to(dtype).eval()
        for tensor in self.tensors.values():
            tensor.data = tensor.data.to(dtype)
        self.use(None)

    @property
    def size(self) -> int:
        """The number of entries of all tensors."""
        return sum(t.numel() for t in self.tensors.values())

    def use(self, form: Form | None) -> None:
        """Call the module in this form from now on. What it returns is learned from the next call."""
        self.form, self.letters, self.lists = form, {}, set()
        self.names, self.outputs, self.unknown = {}, (), []

    def set(self, values: Tensor) -> None:
        """Put the entries of a vector into all tensors, one after the other. Gradients of the tensors reach it."""
        for name, part in self.split(values).items():
            self.tensors[name].detach_().copy_(part)

    def split(self, vector: Tensor) -> dict[str, Tensor]:
        """The parts of a vector that belong to each tensor, in the tensor's shape."""
        return by_name(vector, {name: t.shape for name, t in self.tensors.items()})

    def __call__(self, x: Tensor, h: Tensor, c: Tensor) -> dict[str, Tensor]:
        """x (B, T, N), h and c (B, H) -> what is returned, by the names and in the shapes of the exercise `lstm`."""
        x, h, c = (t.to(self.dtype) for t in (x, h, c))
        if "B" in self.form.x:
            return self._sequence(x, h, c)
        rows = [self._sequence(x[b : b + 1], h[b : b + 1], c[b : b + 1]) for b in range(len(x))]
        return {name: torch.cat([row[name] for row in rows]) for name in rows[0]}

    def _sequence(self, x, h, c) -> dict[str, Tensor]:
        """The whole sequence, step by step where the module is a cell."""
        if "T" in self.form.x:
            return self._once(x, h, c)
        steps = []
        for t in range(x.shape[1]):
            got = self._once(x[:, t : t + 1], h, c)
            if not {"h_T", "c_T"} <= got.keys():
                raise NotUnderstood("one step returns no pair of states, h and c, each (B, H)")
            h, c = got["h_T"], got["c_T"]
            steps.append(h)
        return {"hidden_seq": torch.stack(steps, dim=1), "h_T": h, "c_T": c}

    def _once(self, x, h, c) -> dict[str, Tensor]:
        """One call of the module."""
        sizes = {"B": len(x), "T": x.shape[1], "N": self.N, "H": self.H, "1": 1}
        x = arranged(x, "BTN", self.form.x)
        h, c = (arranged(s, "BH", self.form.states) if self.form.states else None for s in (h, c))
        args, named = self.form.arguments(x, *((c, h) if self.takes_c_first else (h, c)))
        torch.set_default_dtype(self.dtype)
        with torch.enable_grad():
            value, error = self.sandbox(lambda: self.module(*args, **named))
        if error is not None:
            raise error
        leaves = dict(self._leaves(value, sizes["T"]))
        if not self.letters:
            self._learn(leaves, sizes)
        got = {name: self._arranged(leaves, path, sizes) for name, path in self.names.items()}
        return got | {"h_T": got["c_T"], "c_T": got["h_T"]} if self.returns_c_first else got

    def _leaves(self, value, T: int, path: tuple = ()):
        """The tensors that were returned, each with its place; a list of T equal ones becomes one."""
        listed = isinstance(value, (list, tuple)) and (path in self.lists or (not self.letters and len(value) == T > 2))
        if listed and len({getattr(part, "shape", id(part)) for part in value}) == 1:
            self.lists.add(path)
            value = torch.stack(tuple(value))
        if isinstance(value, Tensor):
            yield path, value
        elif isinstance(value, (Mapping, list, tuple)):
            for key, part in value.items() if isinstance(value, Mapping) else enumerate(value):
                yield from self._leaves(part, T, (*path, key))
        elif value is not None and not isinstance(value, (int, float)):
            raise NotUnderstood(f"it returns {type(value).__name__}; an LSTM returns tensors")

    def _learn(self, leaves: dict, sizes: dict) -> None:
        """Find out which tensor is what: by its shape; a sequence stands first, and h before c."""
        x, every = self.form.x, (*SHAPES["sequences"], *SHAPES["states"])
        fits = [k for k in every if ("T" in x or "T" not in k) and ("B" in k) == ("B" in x)]
        for path, leaf in leaves.items():
            self.letters[path] = next((k for k in fits if leaf.shape == tuple(map(sizes.get, k))), "")
        self.unknown = [tuple(leaves[path].shape) for path, k in self.letters.items() if not k]
        sequences = [path for path, k in self.letters.items() if "T" in k]
        states = [path for path, k in self.letters.items() if k and "T" not in k]
        if len(states) > 2 and torch.equal(*(self._arranged(leaves, path, sizes) for path in states[:2])):
            states = states[1:]  # a cell that returns h, (h, c)
        self.names = dict(zip(OUTPUTS, sequences[:1], strict=False)) | dict(zip(OUTPUTS[1:], states, strict=False))
        self.outputs = tuple(k for k in OUTPUTS if k in self.names or "T" not in x)

    def _arranged(self, leaves: dict, path: tuple, sizes: dict) -> Tensor:
        letters = self.letters[path]
        has, needs = tuple(leaves[path].shape) if path in leaves else "nothing", tuple(map(sizes.get, letters))
        if has != needs:
            raise NotUnderstood(f"with B = {sizes['B']} and T = {sizes['T']} it returns {has} where {needs} is needed")
        return arranged(leaves[path], letters, "BTH" if "T" in letters else "BH")


def by_name(vector: Tensor, shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """The weights that stand one after the other in a vector."""
    sizes = [math.prod(shape) for shape in shapes.values()]
    return {name: part.view(shape) for (name, shape), part in zip(shapes.items(), vector.split(sizes), strict=True)}


def arranged(t: Tensor, given: str, wanted: str) -> Tensor:
    """The tensor with its dimensions in another order. A letter that one of both lacks has size one."""
    kept = [k for k in given if k in wanted and k != "1"]
    t = t[tuple(slice(None) if k in kept else 0 for k in given)].permute([kept.index(k) for k in wanted if k in kept])
    return t[tuple(slice(None) if k in kept else None for k in wanted)]


def forms(module) -> list[Form]:
    """Every form of a call that is tried, the usual ones first."""
    try:
        signature = inspect.signature(getattr(module, "forward", module))
    except (TypeError, ValueError):
        signature = inspect.signature(lambda *arguments: None)
    names = [p.name for p in signature.parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    h, c = (next((k for k in names if re.search(NAMES[state], k)), None) for state in "hc")
    pair = next((k for k in names if re.search(NAMES["pair"], k) and k not in (h, c)), None if c else h)
    x = next((k for k in names if k not in (h, c, pair)), None)
    places = [f"apart:{x},{h},{c}"] if x and h and c else []
    places += [f"pair:{x},{pair}"] if x and pair else []
    places += ["pair", "apart", "apart first", "pair first"]
    given, fitting = itertools.product(SHAPES["inputs"], SHAPES["given_states"], places), []
    given = [Form(x, s, p) for x, s, p in given if ("B" in x) == ("B" in s)]
    for form in (*given, *(Form(x) for x in SHAPES["inputs"] if "T" in x)):
        ordered, named = form.arguments(0, 0, 0)
        with contextlib.suppress(TypeError):  # what the signature does not take
            signature.bind(*ordered, **named)
            fitting.append(form)
    return fitting


def find_form(subject: Subject) -> tuple[bool, list[str]]:
    """Use the first form in which the module runs, its sequences are independent, and states that are given count.

    Returns whether there is one, and if not, what each attempt ended with.
    """
    draw, errors, still = torch.Generator().manual_seed(3), [], None
    taken = {1, subject.N, subject.H, subject.N + subject.H, 4 * subject.H}
    B, T = itertools.islice((n for n in (4, 3, 5, 7, 6, 9) if n not in taken), 2)
    shapes = (B, T, subject.N), (B, subject.H), (B, subject.H)
    inputs = [torch.randn(*shape, generator=draw, dtype=torch.float64) for shape in shapes]
    subject.set(torch.randn(subject.size, generator=draw, dtype=torch.float64) * 0.5)
    for form in forms(subject.module):
        subject.use(form)
        try:
            check_form(subject, *inputs)
            if carries(subject, *inputs):
                subject.ignores_states = IGNORED in errors and not form.states
                return True, []
            still = still or form  # no step reads what another one left: there may be a better form
        except Exception as error:
            errors.append(str(error) if isinstance(error, NotUnderstood) else name_error(error))
    if still is not None:
        subject.use(still)
        subject(*inputs)
    return still is not None, errors


def check_form(subject: Subject, x: Tensor, h: Tensor, c: Tensor) -> None:
    """Raise NotUnderstood unless the module returns what an LSTM returns, for each sequence from its own input."""
    got = subject(x, h, c)
    if not got:
        returned = ", ".join(map(str, subject.unknown)) or "no tensor"
        needs = f"{(*x.shape[:2], subject.H)} or {(len(x), subject.H)}"
        sizes = f"B = {len(x)}, T = {x.shape[1]}, H = {subject.H}"
        raise NotUnderstood(f"it returns {returned}; an LSTM returns {needs} ({sizes})")
    if not all(value.isfinite().all() for value in got.values()):
        raise NotUnderstood("it returns NaN or infinite numbers")
    if not same(got, subject(x, h, c)):
        raise NotUnderstood("a second call with the same input returns something else: is a state kept, or random?")
    one, first = torch.zeros_like(h), torch.zeros_like(x)
    one[0], first[0, 0] = 1, 1
    moved = [subject(x, h + one, c), subject(x, h, c + one)] if subject.form.states else []
    if not all(same(got, other, slice(1, None)) for other in (*moved, subject(x + first, h, c))):
        raise NotUnderstood("it mixes the sequences of a batch")
    if moved and all(same(got, other) for other in moved):
        raise NotUnderstood(IGNORED)


def same(one: dict[str, Tensor], other: dict[str, Tensor], rows=slice(None)) -> bool:
    """Whether two calls returned the same, in these sequences of the batch."""
    return all(torch.equal(one[k][rows], other[k][rows]) for k in one)


def carries(subject: Subject, x: Tensor, h: Tensor, c: Tensor) -> bool:
    """Whether a step reads what the steps before it left."""
    other = x.clone()
    other[:, 0] += 1
    got, moved = ({k: v if v.ndim == 2 else v[:, 1:] for k, v in subject(y, h, c).items()} for y in (x, other))
    return not same(got, moved)
