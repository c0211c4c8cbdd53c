"""Find which entry of a module's tensors is which entry of the weights in the equations.

A change of one entry changes the outputs. In the equations a change of one weight's entry does so, too. Where both
change the outputs in the same way, they are the same entry. It takes two rounds: with all weights zero the candidate is
zero, and the input gate does not matter. So the candidate's weights are found first. With those set, all others show.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lstm_lesson.exercises.examination.equations import Kind, by_name, question
from lstm_lesson.exercises.examination.subject import Subject
from lstm_lesson.exercises.model import Edit

CHANGE = 0.7
FIRST = ("W_xc", "b_c")


@dataclass(frozen=True)
class Mapping:
    """For every entry of the module, in one vector: the number of the weight's entry; −1 for one without effect."""

    kind: Kind
    edits: tuple[Edit, ...]
    places: Tensor
    share: Tensor  # of the weight that the entry gets: one half where two biases are added
    rest: Tensor  # values of the entries without effect
    shapes: dict[str, tuple[int, ...]]

    def values(self, weights: dict[str, Tensor]) -> Tensor:
        """The module's entries for these weights; gradients pass."""
        vector = torch.cat([weights[name].double().reshape(-1) for name in self.shapes])
        return torch.where(self.places < 0, self.rest, vector[self.places.clamp(min=0)] * self.share)

    @property
    def numbers(self) -> dict[str, Tensor]:
        """The numbers of each weight's entries."""
        return by_name(torch.arange(sum(math.prod(shape) for shape in self.shapes.values())), self.shapes)

    @property
    def missing(self) -> set[str]:
        """The weights of which an entry is nowhere in the module."""
        return {name for name, numbers in self.numbers.items() if not torch.isin(numbers, self.places).all()}


class Matcher:
    """Compares what changes do to the outputs of a module and of the equations."""

    def __init__(self, subject: Subject):
        self.subject, self.tolerance = subject, 1e-9 if subject.dtype == torch.float64 else 1e-4
        draw = torch.Generator().manual_seed(7)
        sizes = (2, 3, subject.N), (2, subject.H), (2, subject.H)
        self.inputs = [torch.randn(*s, generator=draw, dtype=torch.float64) for s in sizes]
        if not subject.form.states:
            self.inputs[1:] = [0 * state for state in self.inputs[1:]]
        self.draw, self.seen = draw, {}
        self.random = torch.randn(100_000, generator=draw, dtype=torch.float64)

    def find(self, kind: Kind, edits: tuple[Edit, ...] = ()) -> Mapping | None:
        """The mapping if the module is this form of the LSTM, with these mistakes in it; else None."""
        shapes = kind.shapes(self.subject.N, self.subject.H)
        self.model = question(kind, self.subject.outputs, True, self.subject.N, self.subject.H).model_answer
        size = kind.size(self.subject.N, self.subject.H)
        weights = torch.zeros(size, dtype=torch.float64)
        places = self._match(torch.zeros(self.subject.size, dtype=torch.float64), weights, shapes, edits)
        if places is None:
            return None
        first = torch.cat([torch.full((math.prod(s),), name in FIRST) for name, s in shapes.items()])
        found = torch.zeros(size, dtype=torch.bool)
        found[places[places >= 0]] = True
        weights = torch.where(first & found, self.random[:size], 0.0)
        base = torch.where(places >= 0, weights[places.clamp(min=0)] * shares(places), 0.0)
        second = self._match(base, weights, shapes, edits)
        if second is None or not (second >= 0).any():
            return None
        places = torch.where(second < 0, places, second)
        rest = torch.where(places < 0, self.random[: len(places)], 0.0)
        return Mapping(kind, edits, places, shares(places), rest, shapes)

    def _match(self, values: Tensor, weights: Tensor, shapes, edits) -> Tensor | None:
        """For each entry of the module the weight's entry that does the same; None if one has no equal."""
        key = tuple(values.tolist())
        if key not in self.seen:
            self.seen[key] = self._module_changes(values)
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

    def _module_changes(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """What the module returns with these values in it, and how a change of each entry changes that."""
        start, rows = self._module(values), []
        for k in range(len(values)):
            changed = values.clone()
            changed[k] += CHANGE
            rows.append(self._module(changed) - start)
        return start, torch.stack(rows)

    def _module(self, values: Tensor) -> Tensor:
        self.subject.set(values)
        got = self.subject(*self.inputs)
        return torch.cat([got[name].detach().double().reshape(-1) for name in self.subject.outputs])


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
