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
from lstm_lesson.exercises.compare import leaves
from lstm_lesson.exercises.sandbox import Sandbox, name_error

NAMES, SHAPES = (read_table("examination")[name] for name in ("names", "shapes"))
SIZES = ((2, 3), (3, 3))  # N and H; equal ones for a class that runs with those only
IGNORED = "the states that it is given have no effect"
OUTPUTS = ("hidden_seq", "h_T", "c_T")


def instances(thing, sandbox: Sandbox) -> Iterator[tuple[object, int, int] | BaseException]:
    """Every instance that may be meant, with its sizes N and H, or the exception that an attempt to make one raised."""
    held = {} if isinstance(thing, type) else dict(tensors(thing))
    if held:  # a tensor that was computed cannot be copied with its history
        yield from _sized(copy.deepcopy(thing, {id(t): t.detach().clone() for t in held.values() if not t.is_leaf}))
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
    sizes = [(k, v) for k, v in getattr(module, "__dict__", {}).items() if type(v) is int and v > 0]
    named = [[v for k, v in sizes if re.search(NAMES[size], k)] for size in ("input", "hidden")]
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
    if isinstance(thing, nn.Module):  # what stands in `vars` again was seen
        entries = [*thing.named_parameters(recurse=False), *thing.named_children(), *thing.named_buffers(recurse=False)]
        entries += vars(thing).items()
    elif isinstance(thing, (list, tuple)):
        entries = enumerate(thing)
    else:
        entries = (thing if isinstance(thing, dict) else {} if prefix else getattr(thing, "__dict__", {})).items()
    for name, value in entries:
        yield from tensors(value, f"{prefix}.{name}" if prefix else str(name), seen)


class NotUnderstood(Exception):
    """The module ran, and does what no LSTM does. The message says what."""


def check_ranks(cell: nn.Module, ordered: tuple, named: dict) -> None:
    """Raise ValueError where a cell of PyTorch gets x and states of different ranks: it would end the process."""
    shapes = [tuple(t.shape) for _, t in leaves("", [*ordered, *named.values()]) if isinstance(t, Tensor)]
    if len({len(shape) for shape in shapes}) > 1:
        raise ValueError(f"{type(cell).__name__} gets shapes {shapes}; it needs x and states of as many dimensions")


@dataclass(frozen=True)
class Form:
    """How a module is called: the letters of its input and of a state, and what is given in which order."""

    x: str
    states: str = ""
    place: tuple[str, ...] = ("x",)  # of "x", "h", "c", and "hc" for the pair
    names: tuple[str, ...] = ()  # of the arguments, if they are given by name

    def arguments(self, x: Tensor, h, c) -> tuple[tuple, dict]:
        """What the call is given, by order and by name."""
        given = tuple({"x": x, "h": h, "c": c, "hc": (h, c)}[part] for part in self.place)
        return ((), dict(zip(self.names, given, strict=True))) if self.names else (given, {})


class Subject:
    """An instance with sizes N and H. `tensors` has all that it holds; `set` fills them from one vector."""

    head = ""  # the layer behind the LSTM that was left out
    takes_c_first = returns_c_first = ignores_states = False

    def __init__(self, module, N: int, H: int, sandbox: Sandbox, dtype=torch.float64):
        self.module, self.N, self.H, self.sandbox, self.dtype = module, N, H, sandbox, dtype
        self.parts = list(module.modules()) if isinstance(module, nn.Module) else []  # the module itself first
        self.parameters = {id(p) for part in self.parts for p in part.parameters(recurse=False)}
        self.tensors = dict(tensors(module))
        self.size = sum(t.numel() for t in self.tensors.values())
        if self.parts:
            module.to(dtype).eval()
        for part in self.parts:
            if isinstance(part, nn.RNNCellBase):
                part.register_forward_pre_hook(check_ranks, with_kwargs=True)
        for tensor in self.tensors.values():
            tensor.data = tensor.data.to(dtype)
        self.use(None)

    def use(self, form: Form | None) -> None:
        """Call the module in this form from now on. What it returns is learned from the next call."""
        self.form, self.letters, self.lists = form, {}, set()
        self.names, self.outputs, self.unknown = {}, (), []

    def random_inputs(self, B: int, T: int) -> list[Tensor]:
        """x (B, T, N), h and c (B, H); the states are zeros where the form of the call has none."""
        shapes, draw = ((B, T, self.N), (B, self.H), (B, self.H)), torch.Generator().manual_seed(7)
        x, *states = (torch.randn(shape, generator=draw, dtype=torch.float64) for shape in shapes)
        return [x, *(s if self.form is None or self.form.states else 0 * s for s in states)]

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
        """The tensors that were returned, each with its place; a list of T equal ones, or more than 3, becomes one."""
        steps = isinstance(value, (list, tuple)) and not self.letters and T > 2 and (len(value) == T or len(value) > 3)
        if (steps or path in self.lists) and len({getattr(part, "shape", id(part)) for part in value}) == 1:
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
        sequences = [path for path, k in self.letters.items() if "T" in k]
        self.unknown = [self._named(leaves[path], sizes, not sequences) for path, k in self.letters.items() if not k]
        states = [path for path, k in self.letters.items() if k and "T" not in k]
        if len(states) > 2 and torch.equal(*(self._arranged(leaves, path, sizes) for path in states[:2])):
            states = states[1:]  # a cell that returns h, (h, c)
        self.names = dict(zip(OUTPUTS, sequences[:1], strict=False)) | dict(zip(OUTPUTS[1:], states, strict=False))
        self.outputs = tuple(k for k in OUTPUTS if k in self.names or "T" not in x)

    def _named(self, leaf: Tensor, sizes: dict, steps: bool = True) -> str:
        """The shape of what no LSTM returns; where it may be a sequence, with the number of its steps."""
        has, T = tuple(leaf.shape), sizes["T"]
        for letters in {self.form.x.replace("N", "H"), "TBH"} if steps else ():
            n = dict(zip(letters, has, strict=False)).get("T", 0)
            if has == tuple((sizes | {"T": n})[k] for k in letters) and 2 * n > T:
                return f"{has}: {n} steps where x has {T}"
        return str(has)

    def _arranged(self, leaves: dict, path: tuple, sizes: dict) -> Tensor:
        letters = self.letters[path]
        needs = tuple(map(sizes.get, letters))
        if path not in leaves or leaves[path].shape != needs:
            has = self._named(leaves[path], sizes) if path in leaves else "nothing there"
            given = f"B = {sizes['B']} and T = {sizes['T']}"
            raise NotUnderstood(f"with {given} it has to return {needs}, and returns {has}")
        return arranged(leaves[path], letters, "BTH" if "T" in letters else "BH")


def by_name(vector: Tensor, shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """The weights that stand one after the other in a vector."""
    parts = vector.split([math.prod(shape) for shape in shapes.values()])
    return {name: part.view(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}


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
    named = ((("x", "h", "c"), (x, h, c)), (("x", "hc"), (x, pair)))
    places = [(place, names) for place, names in named if all(names)]
    places += [(place, ()) for place in (("x", "hc"), ("x", "h", "c"), ("h", "c", "x"), ("hc", "x"))]
    given = itertools.product(SHAPES["inputs"], SHAPES["given_states"], places)
    given = [Form(x, states, *place) for x, states, place in given if ("B" in x) == ("B" in states)]
    fitting = []
    for form in (*given, *(Form(x) for x in SHAPES["inputs"] if "T" in x)):
        ordered, named = form.arguments(0, 0, 0)
        with contextlib.suppress(TypeError):  # what the signature does not take
            signature.bind(*ordered, **named)
            fitting.append(form)
    return fitting


def find_form(subject: Subject) -> list[str] | None:
    """Use the first form of a call in which it runs as an LSTM may; if there is none, how each attempt ended."""
    errors, still = [], None
    if not subject.size:
        return ["it holds no tensors"]
    taken = {1, subject.N, subject.H, subject.N + subject.H, 4 * subject.H}
    B, T = itertools.islice((n for n in (4, 3, 5, 7, 6, 9) if n not in taken), 2)
    inputs = subject.random_inputs(B, T)
    subject.set(torch.randn(subject.size, generator=torch.Generator().manual_seed(3), dtype=torch.float64) * 0.5)
    for form in forms(subject.module):
        subject.use(form)
        try:
            check_form(subject, *inputs)
            if carries(subject, *inputs):
                subject.ignores_states = IGNORED in errors and not form.states
                return None
            still = still or form  # no step reads what another one left: there may be a better form
        except Exception as error:
            errors.append(str(error) if isinstance(error, NotUnderstood) else name_error(error))
    if still is None:
        return errors
    subject.use(still)
    subject(*inputs)


def check_form(subject: Subject, x: Tensor, h: Tensor, c: Tensor) -> None:
    """Raise NotUnderstood unless the module returns what an LSTM returns, for each sequence from its own input."""
    got = subject(x, h, c)
    if not got:
        returned = ", ".join(subject.unknown) or "no tensor"
        (B, T), H = x.shape[:2], subject.H
        raise NotUnderstood(f"it returns {returned}; an LSTM returns {(B, T, H)} or {(B, H)} ({B = }, {T = }, {H = })")
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
    """Whether the last step reads what the steps before it left."""
    other = x.clone()
    other[:, :-1] += 1
    got, moved = ({k: v if v.ndim == 2 else v[:, -1:] for k, v in subject(y, h, c).items()} for y in (x, other))
    return not same(got, moved)
