"""Say where each weight stands in a module, and what the names of its tensors claim."""

import itertools
import math
import re
from dataclasses import replace

import torch
from torch import Tensor

from lstm_lesson.cells import GATES
from lstm_lesson.exercises.examination.matching import Mapping
from lstm_lesson.exercises.examination.subject import Subject


def located(subject: Subject, mapping: Mapping) -> dict[str, list[tuple[str, str, int]]]:
    """For each weight the tensors that hold it: the tensor's name, the code that reads it there, its first entry."""
    tensors, found, start = subject.split(mapping.places), {}, 0
    for weight, shape in mapping.shapes.items():
        numbers = torch.arange(start, start := start + math.prod(shape)).view(shape)
        for name, places in tensors.items():
            here = (places >= numbers.min()) & (places <= numbers.max())
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
    starts, at = {}, 0
    for weight, shape in mapping.shapes.items():
        starts[weight], at = at, at + math.prod(shape)
    places = mapping.places.clone()
    for weight, other in says.items():
        size = math.prod(mapping.shapes[weight])
        here = (mapping.places >= starts[weight]) & (mapping.places < starts[weight] + size)
        places[here] += starts[other] - starts[weight]
    return replace(mapping, places=places)
