"""Say where each weight stands in a module, and what its tensors are by their names and shapes."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from lstm_lesson.cells import GATES
from lstm_lesson.exercises.examination.equations import KINDS, by_name
from lstm_lesson.exercises.examination.matching import Mapping, shares
from lstm_lesson.exercises.examination.subject import Subject

ORDERS = ("ifco", "ifoc", "iofc", "fioc", "fico")  # of stacked blocks, the most frequent first


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


def names_in(found: dict) -> set[str]:
    """The names of all tensors that hold weights."""
    return {place[0] for places in found.values() for place in places}


def _block(places: Tensor, here: Tensor, numbers: Tensor) -> str:
    """The index that reads the weight out of the tensor, with .T where it stands transposed; "" for all of it."""
    axes = [column.unique() for column in here.nonzero().T]
    block = places[torch.meshgrid(*axes, indexing="ij")] if axes else places
    index = [_range(axis.tolist(), n) for axis, n in zip(axes, places.shape, strict=True)]
    text = f"[{', '.join(index)}]".replace(", :]", "]").replace("[:]", "") if {*index} != {":"} else ""
    block = block.reshape([n for n, i in zip(block.shape, index, strict=True) if not i.isdigit()])
    if block.numel() == numbers.numel() and torch.equal(block.squeeze(), numbers.squeeze()):
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
    start = _shared(words.values())
    end = _shared([word[start:][::-1] for word in words.values()])
    initials = {k: word[start : len(word) - end][:1] for k, word in words.items()}
    lets_in = "i" if "i" in initials.values() else "u"  # u for update
    letters = {k: {"f": "f", "o": "o", lets_in: "i"}.get(letter, "c") for k, letter in initials.items()}
    return letters if sorted(letters.values()) == sorted(GATES) else {}


def _shared(words) -> int:
    """How many letters all words have in common at their start."""
    columns = zip(*words, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda letters: len(set(letters)) == 1, columns))


def renamed(mapping: Mapping, says: dict[str, str]) -> Mapping:
    """The mapping in which each tensor is what its name says."""
    places, numbers = mapping.places.clone(), mapping.numbers
    for weight, other in says.items():
        places[torch.isin(mapping.places, numbers[weight])] += numbers[other].min() - numbers[weight].min()
    return replace(mapping, places=places)


# Where what a module does shows too little


def guesses(subject: Subject) -> Iterator[Mapping]:
    """The mappings that the shapes allow, the likeliest first; none if a tensor fits nowhere."""
    shapes, seen = KINDS[0].shapes(subject.N, subject.H), []
    numbers = by_name(torch.arange(KINDS[0].size(subject.N, subject.H)), shapes)
    rows = any(t.shape[-1] == subject.N != subject.H for t in subject.tensors.values())  # (H, N), as in nn.Linear
    for order, reads, turned in itertools.product(ORDERS, ("xh", "hx"), (rows, not rows)):
        gates = gates_by_name(subject, order)
        parts = [_places(t, gates.get(name, order), reads, turned, numbers) for name, t in subject.tensors.items()]
        if any(part is None for part in parts):
            return
        places = torch.cat([part.reshape(-1) for part in parts])
        if not any(torch.equal(places, other) for other in seen):
            seen.append(places)
            yield Mapping(KINDS[0], (), places, shares(places), torch.zeros(len(places)).double(), shapes)


def gates_by_name(subject: Subject, order: str) -> dict[str, str]:
    """The gate of every tensor that has three others of its shape: by its name, or by its place among them."""
    found: dict[str, str] = {}
    by_shape: dict[torch.Size, list[str]] = {}
    for name, t in subject.tensors.items():
        by_shape.setdefault(t.shape, []).append(name)
    for names in by_shape.values():
        fours = [names] if len(names) == 4 else [names[:4], names[4:]] if len(names) == 8 else []
        if len(names) == 8 and not all(gates_in(dict(enumerate(four))) for four in fours):
            fours = [names[::2], names[1::2]]
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
