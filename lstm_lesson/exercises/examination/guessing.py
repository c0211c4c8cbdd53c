"""Guess which tensor is which weight from shapes and names, where what a module does shows too little."""

import itertools
from collections.abc import Iterator

import torch
from torch import Tensor

from lstm_lesson.exercises.examination.equations import KINDS, by_name
from lstm_lesson.exercises.examination.matching import Mapping, shares
from lstm_lesson.exercises.examination.naming import gates_in
from lstm_lesson.exercises.examination.subject import Subject

ORDERS = ("ifco", "ifoc", "iofc", "fioc", "fico")  # of stacked blocks, the most frequent first


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
