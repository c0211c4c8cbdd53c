"""The forms of an LSTM, and which entry of a module's tensors is which entry of the weights in its equations.

A form is the model answer to the exercise `lstm` with other lines; so are its known mistakes.

A change of one entry changes the outputs. In the equations a change of one weight's entry does so, too. Where both
change the outputs in the same way, they are the same entry. It takes two rounds: with all weights zero the candidate is
zero, and the input gate does not matter. So the candidate's weights are found first. With those set, all others show.
Where that shows too little, the names and shapes of the tensors say what they may be.
"""

import itertools
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from os.path import commonprefix

import torch
from torch import Tensor

from lstm_lesson.cells import GATES, NAMES
from lstm_lesson.exercises.catalogue import read_table
from lstm_lesson.exercises.examination.subject import Subject, by_name
from lstm_lesson.exercises.exercise import Exercise, Inputs, exercises
from lstm_lesson.exercises.model import Edit
from lstm_lesson.kernel import stacked_weights

KNOWN = read_table("examination")
OLD_MEMORY = "The output gate's peephole reads the old memory, `c_prev`. It reads the new one, `c_t`."
CHANGE = 0.7
FIRST = ("W_xc", "b_c")
ORDERS = ("ifco", "ifoc")  # of stacked blocks, the most frequent first


@dataclass(frozen=True)
class Kind:
    """A form of the LSTM: its name, the lines that differ from the plain one, and the weights that it reads."""

    name: str
    lines: tuple[tuple[str, str], ...]
    absent: str  # gates that it does not have
    peepholes: str = ""  # "diagonal" or "full"

    def shapes(self, N: int, H: int) -> dict[str, tuple[int, ...]]:
        """The shape of every weight, by name."""
        form = {"x": (N, H), "h": (H, H), "c": (H,) if self.peepholes == "diagonal" else (H, H)}
        names = NAMES if self.peepholes else NAMES[:12]
        return {name: (H,) if name[0] == "b" else form[name[2]] for name in names}

    def size(self, N: int, H: int) -> int:
        """The number of entries of all weights."""
        return sum(math.prod(shape) for shape in self.shapes(N, H).values())


def _kinds() -> Iterator[Kind]:
    """Every way to make the memory, without peepholes and with both kinds of them."""
    for peepholes, words in (("", ""), ("diagonal", "peepholes"), ("full", "full peepholes")):
        own = KNOWN["peepholes"] if peepholes else {}
        if peepholes == "full":
            own = {place: text.replace("*", "@") for place, text in own.items()}
        for name, absent, lines in KNOWN["cells"]:
            parts = " and ".join(filter(None, (words, name)))
            parts = f" with {parts}" if parts and parts != "without forget gate" else f" {parts}".rstrip()
            yield Kind(f"LSTM{parts}", tuple((own | lines).items()), absent, peepholes)


KINDS = list(_kinds())


def torch_lstm(outputs: tuple[str, ...], states: bool, bias: bool) -> Callable:
    """What `nn.LSTM` calls, as an answer to the exercise. No gradient reaches states or biases that there are not."""

    def f(x, h_0, c_0, weights):
        h_0, c_0 = (s[None] if states else s[None].detach() for s in (h_0, c_0))
        W, U, b = stacked_weights(weights)
        b = b if bias else b.detach()
        sequence, h, c = torch.lstm(x, (h_0, c_0), (W.T, U.T, b, 0 * b), True, 1, 0.0, False, False, True)
        returned = tuple({"hidden_seq": sequence, "h_T": h[0], "c_T": c[0]}[name] for name in outputs)
        return returned if len(returned) > 1 else returned[0]

    return f


@cache
def question(kind: Kind, outputs: tuple[str, ...], states: bool, N: int, H: int, bias: bool = True) -> Exercise:
    """The exercise `lstm` in another form, whose answer is a module of this kind. Its reference is a function."""
    plain, product = exercises()["lstm"], "@" if kind.peepholes == "full" else "*"
    source = plain.model.replace("return hidden_seq, h_T, c_T", f"return {', '.join(outputs)}")
    for place, text in kind.lines:
        source = re.sub(rf"(?m)^( +{place} =) .*$", lambda line, text=text: f"{line[1]} {text}", source)
    if not states:
        source = re.sub(r"(first_.) = (._0)", r"\1 = torch.zeros_like(\2)", source)
    if not bias:
        source = re.sub(r"(bias_\w =) b_\w( \+)?", lambda line: f"{line[1]}{'' if line[2] else ' 0.0'}", source)
    edits = plain.edits
    if kind.peepholes:
        edits = (Edit("o: peephole on c_prev", {"bias_o": f"b_o + c_prev {product} W_co"}, OLD_MEMORY), *edits)
    asked = replace(
        plain, model=source, edits=edits, returns={name: plain.returns[name] for name in outputs}, dtype="float",
        inputs=lambda draw: _inputs(draw, kind, states, N, H, bias),
        reference=(lambda *given: asked.model_answer.run(given)) if kind.lines else torch_lstm(outputs, states, bias),
    )  # fmt: skip
    return asked


def _inputs(draw: Inputs, kind: Kind, states: bool, N: int, H: int, bias: bool) -> dict:
    """The arguments of `lstm` for a module with these sizes. With `draw.reach` its memory grows with every step."""
    draw.sizes |= {"N": N, "H": H}
    given = {"x": draw("B T N"), "h_0": draw("B H"), "c_0": draw.unbounded("B H")}
    if not states:
        given |= {name: given[name] * 0 for name in ("h_0", "c_0")}
    letters = {(N, H): "N H", (H, H): "H H", (H,): "H"}
    weights = {k: draw(letters[shape], 0.7 * draw.scale) for k, shape in kind.shapes(N, H).items()}
    if draw.reach:  # the gates stand open
        given["x"] = given["x"].abs() + 1
        weights |= {k: weights[k].abs() + 5 for k in ("W_xi", "W_xf", "W_xc")}
    return given | {"weights": {k: w if bias or k[0] != "b" else w * 0 for k, w in weights.items()}}


@dataclass(frozen=True)
class Mapping:
    """For every entry of the module, in one vector: the number of the weight's entry; −1 for one without effect."""

    kind: Kind
    edits: tuple[Edit, ...]
    places: Tensor
    rest: Tensor  # values of the entries without effect
    numbers: dict[str, Tensor]  # of each weight's entries

    def values(self, weights: dict[str, Tensor]) -> Tensor:
        """The module's entries for these weights; gradients pass. Where two biases are added, each gets one half."""
        vector = torch.cat([weights[name].double().reshape(-1) for name in self.numbers])
        return torch.where(self.places < 0, self.rest, vector[self.places.clamp(min=0)] * shares(self.places))


class Matcher:
    """Compares what changes do to the outputs of a module and of the equations."""

    def __init__(self, subject: Subject):
        self.subject, self.tolerance = subject, 1e-9 if subject.dtype == torch.float64 else 1e-4
        draw = torch.Generator().manual_seed(7)
        sizes = (2, 3, subject.N), (2, subject.H), (2, subject.H)
        self.inputs = [torch.randn(*s, generator=draw, dtype=torch.float64) for s in sizes]
        if not subject.form.states:
            self.inputs[1:] = [0 * state for state in self.inputs[1:]]
        self.seen = {}
        self.random = torch.randn(100_000, generator=draw, dtype=torch.float64)

    def find(self, kind: Kind, edits: tuple[Edit, ...] = ()) -> Mapping | None:
        """The mapping if the module is this form of the LSTM, with these mistakes in it; else None."""
        sizes = self.subject.N, self.subject.H
        self.model = question(kind, self.subject.outputs, True, *sizes).model_answer
        shapes, weights = kind.shapes(*sizes), torch.zeros(kind.size(*sizes), dtype=torch.float64)
        places = self._match(torch.zeros(self.subject.size, dtype=torch.float64), weights, shapes, edits)
        if places is None:
            return None
        numbers = by_name(torch.arange(len(weights)), shapes)
        first = torch.cat([numbers[name].flatten() for name in FIRST])
        found = first[torch.isin(first, places)]
        weights[found] = self.random[found]
        base = torch.where(places >= 0, weights[places.clamp(min=0)] * shares(places), 0.0)
        second = self._match(base, weights, shapes, edits)
        if second is None or not (second >= 0).any():
            return None
        places = torch.where(second < 0, places, second)
        rest = torch.where(places < 0, self.random[: len(places)], 0.0)
        return Mapping(kind, edits, places, rest, numbers)

    def _match(self, values: Tensor, weights: Tensor, shapes, edits) -> Tensor | None:
        """For each entry of the module the weight's entry that does the same; None if one has no equal."""
        key = tuple(values.tolist())
        if key not in self.seen:
            start, changed = self._module(values), values + CHANGE * torch.eye(len(values), dtype=torch.float64)
            self.seen[key] = start, torch.stack([self._module(row) - start for row in changed])
        start, got = self.seen[key]
        try:
            expected = self._equations(weights, shapes, edits)
            if start.shape != expected.shape or not torch.allclose(start, expected, rtol=0, atol=self.tolerance):
                return None
            run = torch.func.vmap(lambda w: self._equations(w, shapes, edits), randomness="different")
            changes = run(weights + CHANGE * torch.eye(len(weights), dtype=torch.float64)) - expected
        except Exception:  # an edit that does not fit these sizes
            return None
        return equal_rows(got, changes, self.tolerance)

    def _equations(self, weights: Tensor, shapes, edits) -> Tensor:
        value = self.model.run((*self.inputs, by_name(weights, shapes)), edits)
        return torch.cat([v.reshape(-1) for v in (value if isinstance(value, tuple) else (value,))])

    def _module(self, values: Tensor) -> Tensor:
        self.subject.set(values)
        got = self.subject(*self.inputs)
        return torch.cat([got[name].double().reshape(-1) for name in self.subject.outputs])


def shares(places: Tensor) -> Tensor:
    """One over the number of entries that stand for the same weight's entry."""
    return 1.0 / (places[:, None] == places).sum(dim=1)


def equal_rows(rows: Tensor, others: Tensor, tolerance: float) -> Tensor | None:
    """For each row the number of an equal row in `others`; −1 for a row of zeros; None if a row has no equal."""
    direction = torch.linspace(0.3, 1.7, rows.shape[1], dtype=torch.float64) ** 3
    line, order = (others @ direction).sort()
    at = torch.searchsorted(line, rows @ direction)
    near = order[torch.stack([(at + k).clamp(0, len(order) - 1) for k in (-1, 0)])]  # (2, rows)
    distance = (others[near] - rows).abs().amax(dim=2)
    least, which = distance.min(dim=0)
    silent = rows.abs().amax(dim=1) <= tolerance
    if (~silent & ~(least <= tolerance)).any():
        return None
    return torch.where(silent, -1, near.gather(0, which[None])[0])


def located(subject: Subject, mapping: Mapping) -> dict[str, list[tuple[str, str, int]]]:
    """For each weight the tensors that hold it: the tensor's name, the code that reads it there, its first entry."""
    tensors, found = subject.split(mapping.places), {}
    for weight, numbers in mapping.numbers.items():
        for name, places in tensors.items():
            here = torch.isin(places, numbers)
            if here.any():
                first = int(here.flatten().nonzero()[0])
                found.setdefault(weight, []).append((name, name + _block(places, here, numbers), first))
    return found


def _block(places: Tensor, here: Tensor, numbers: Tensor) -> str:
    """The index that reads the weight out of the tensor, with .T where it stands transposed; "" for all of it."""
    axes = [column.unique() for column in here.nonzero().T]
    block = places[torch.meshgrid(*axes, indexing="ij")] if axes else places
    index = [_range(axis.tolist(), n) for axis, n in zip(axes, places.shape, strict=True)]
    text = f"[{', '.join(index)}]".replace(", :]", "]").replace("[:]", "") if {*index} != {":"} else ""
    if torch.equal(block.squeeze(), numbers.squeeze()):
        return text
    return f"{text}.T" if torch.equal(block.squeeze(), numbers.T.squeeze()) else " (in no block)"


def _range(entries: list[int], size: int) -> str:
    """These indices as Python writes them."""
    if len(entries) == size:
        return ":"
    step = entries[1] - entries[0] if len(entries) > 1 else 1
    return str(entries[0]) if len(entries) == 1 else f"{entries[0]}:{entries[-1] + 1}{f':{step}' if step > 1 else ''}"


def order_of(found: dict) -> str:
    """The order of the blocks in a tensor with several gates, "ifgo" for PyTorch's; "" if each has its own."""
    for reads in ("W_x", "W_h"):
        for name in {place[0] for k in GATES for place in found.get(reads + k, ())}:
            first = {k: place[2] for k in GATES for place in found.get(reads + k, ()) if place[0] == name}
            if len(first) > 1:
                return "".join(sorted(first, key=first.get)).replace("c", "g")
    return ""


def claimed(found: dict) -> dict[str, str]:
    """What the tensors' names say that they are: our weight -> the weight of that name. Empty if they do not say."""
    says = {}
    for reads in ("W_x", "W_h", "b_"):
        names = {k: [place[0] for place in found.get(reads + k, ())] for k in GATES}
        if all(len(own) == 1 for own in names.values()) and len({own[0] for own in names.values()}) == 4:
            gates = gates_in({k: own[0] for k, own in names.items()})
            says |= {reads + k: reads + gate for k, gate in gates.items()}
    return says


def gates_in(names: dict[str, str]) -> dict[str, str]:
    """The gate that each of four names stands for, from where they differ; empty if they do not tell."""
    words = {k: re.sub(r"\.(weight|bias)(_.h)?$", "", name).lower() for k, name in names.items()}
    start = len(commonprefix(list(words.values())))  # noqa: RUF071 (letter by letter, as it is meant here)
    end = len(commonprefix([word[start:][::-1] for word in words.values()]))  # noqa: RUF071
    initials = {k: word[start : len(word) - end][:1] for k, word in words.items()}
    lets_in = "i" if "i" in initials.values() else "u"  # u for update
    letters = {k: {"f": "f", "o": "o", lets_in: "i"}.get(letter, "c") for k, letter in initials.items()}
    return letters if sorted(letters.values()) == sorted(GATES) else {}


def renamed(mapping: Mapping, says: dict[str, str]) -> Mapping:
    """The mapping in which each tensor is what its name says."""
    places, numbers = mapping.places.clone(), mapping.numbers
    for weight, other in says.items():
        places[torch.isin(mapping.places, numbers[weight])] += numbers[other].min() - numbers[weight].min()
    return replace(mapping, places=places)


def guesses(subject: Subject) -> Iterator[Mapping]:
    """The mappings that the shapes allow, the likeliest first; none if a tensor fits nowhere."""
    sizes, seen = (subject.N, subject.H), []
    numbers = by_name(torch.arange(KINDS[0].size(*sizes)), KINDS[0].shapes(*sizes))
    rows = any(t.shape[-1] == subject.N != subject.H for t in subject.tensors.values())  # (H, N), as in nn.Linear
    for order, reads, turned in itertools.product(ORDERS, ("xh", "hx"), (rows, not rows)):
        gates = gates_by_name(subject, order)
        parts = [_places(t, gates.get(name, order), reads, turned, numbers) for name, t in subject.tensors.items()]
        if any(part is None for part in parts):
            return
        places = torch.cat([part.reshape(-1) for part in parts])
        if not any(torch.equal(places, other) for other in seen):
            seen.append(places)
            yield Mapping(KINDS[0], (), places, torch.zeros(len(places)).double(), numbers)


def gates_by_name(subject: Subject, order: str) -> dict[str, str]:
    """The gate of every tensor that has three others of its shape: by its name, or by its place among them."""
    found: dict[str, str] = {}
    by_shape: dict[torch.Size, list[str]] = {}
    for name, t in subject.tensors.items():
        by_shape.setdefault(t.shape, []).append(name)
    for names in by_shape.values():
        fours = [names] if len(names) == 4 else [names[:4], names[4:]] if len(names) == 8 else []
        for four in fours:
            gates = gates_in(dict(enumerate(four))) or dict(enumerate(order))
            found |= {name: gates[k] for k, name in enumerate(four)}
    return found


def _places(t: Tensor, gates: str, reads: str, turned: bool, numbers: dict[str, Tensor]) -> Tensor | None:
    """The numbers of the weights' entries in the places of this tensor; None if it fits nowhere."""
    if t.squeeze().ndim < 2:
        bias = torch.cat([numbers[f"b_{k}"] for k in gates])
        return bias if t.numel() == len(bias) else None
    for inputs in ("x", "h", reads):
        block = torch.cat([torch.cat([numbers[f"W_{r}{k}"] for r in inputs]) for k in gates], dim=1)
        if t.shape == block.T.shape and (turned or t.shape != block.shape):
            return block.T
        if t.shape == block.shape:
            return block
    return None
