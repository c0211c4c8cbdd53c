"""Find two edits of a model answer that together give what a wrong answer gives.

Most pairs are ruled out without running them: a returned tensor that only one of the two reaches has to be explained by
that one alone. For the others, only the lines that both reach are run, and the first wrong tensor ends the attempt.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lstm_lesson.exercises.compare import leaves
from lstm_lesson.exercises.model import ENTRY_TOOLS, RAISED, TOOLS, Edit, Line, Model

BUDGET = 4000  # pairs that are run line by line
FEW = 2000  # edits; among more, one that leaves a tensor equal on these inputs does not count as reaching it
ROUNDING = 1e-8  # relative to the largest entry or to 1; inputs are float64


@dataclass
class Tried:
    """An edit alone: its lines, the values of all lines that it reaches, and what it does to the returned tensors.

    `touched` and `fits` have one bit for each returned tensor: the edit reaches it, and it is as the answer's.
    """

    edit: Edit
    lines: dict[int, Line]
    reads: set[int | None]  # the lines that the edit's own lines read
    values: dict[int, object]
    touched: int
    fits: int
    same_form: bool  # it returns tensors under the names of the answer's


class Returned:
    """The tensors in a returned value, as arrays, by name. `tolerance` is allowed beyond rounding."""

    def __init__(self, value, tolerance: float = 0.0):
        self.rounding = ROUNDING + tolerance
        self.arrays = {} if value is RAISED else {name: as_array(leaf) for name, leaf in by_name(value)}

    def equals(self, other: "Returned") -> bool:
        return other.arrays.keys() == self.arrays.keys() and all(self.equal(k, v) for k, v in other.arrays.items())

    def equal(self, name: str, other) -> bool:
        """Whether the tensor of this name is equal to another one, up to rounding."""
        mine = self.arrays[name]
        if not (isinstance(mine, np.ndarray) and isinstance(other, np.ndarray)) or mine.shape != other.shape:
            return mine is other  # None
        return bool((np.abs(mine - other) <= self.rounding * max(1.0, np.abs(mine).max(initial=0))).all())

    def bits(self, other: "Returned") -> int:
        """One bit for each tensor that is equal in both."""
        there = other.arrays
        return sum(1 << k for k, name in enumerate(self.arrays) if name in there and self.equal(name, there[name]))


def by_name(value) -> list[tuple[str, object]]:
    """What `leaves` returns, sorted by name: the order of a dictionary does not count."""
    return sorted(leaves("", value), key=lambda leaf: leaf[0])


def as_array(leaf):
    """A tensor as an array of float64 or complex128; what cannot be one stays as it is."""
    if not isinstance(leaf, Tensor):
        return leaf
    try:
        return leaf.detach().to(torch.complex128 if leaf.is_complex() else torch.float64).numpy()
    except (RuntimeError, TypeError):
        return leaf


class OneTurn:
    """A model answer on one set of inputs, line by line, and what the wrong answer returned there.

    The model has no loop, or the inputs let its loop make one turn.
    """

    def __init__(self, model: Model, given: tuple, got, tolerance: float = 0.0):
        self.model, self.names = model, model.environment(given)
        self.lines, self.many = model.straight, len(model.edits) > FEW
        self.number = {line.place: n for n, line in enumerate(self.lines)}
        self.last = len(self.lines) - 1
        self.sources, latest = [], {}  # for each line: a name -> the number of the line that gives it its value
        for n, line in enumerate(self.lines):
            self.sources.append(dict(latest))
            latest[line.place] = n
        self.values: dict[int, object] = {}
        for n, line in enumerate(self.lines):
            self.values[n] = self.value(n, line, ())
        self.leaves = dict(leaves("", self.values[self.last]))
        self.right, self.wanted = Returned(self.values[self.last]), Returned(got, tolerance)
        self.everything = (1 << len(self.wanted.arrays)) - 1
        self.wrong = self.everything & ~self.wanted.bits(self.right)
        given_by = {id(value): n for n, value in self.values.items()}
        self.returned_by = {  # the number of a line -> the name under which its tensor is returned
            given_by[id(leaf)]: name for name, leaf in leaves("", self.values[self.last]) if id(leaf) in given_by
        }

    def try_edit(self, edit: Edit) -> Tried:
        """This edit alone."""
        lines = {self.number[line.place]: line for line in self.model.changed((edit,))}
        values: dict[int, object] = {}
        for n in range(min(lines), len(self.lines)):
            line = lines.get(n, self.lines[n])
            if n in lines or any(self.sources[n].get(name) in values for name in line.reads):
                values[n] = self.value(n, line, (values,))
        reads = {self.sources[n].get(name) for n, line in lines.items() for name in line.reads}
        return Tried(edit, lines, reads, values, *self.judge(values.get(self.last, self.values[self.last])))

    def judge(self, result) -> tuple[int, int, bool]:
        """`touched`, `fits` and `same_form` of a returned value; what no changed line made is right."""
        if result is RAISED:
            return self.everything, 0, False
        found, touched, fits = by_name(result), 0, 0
        if [name for name, _ in found] != list(self.wanted.arrays):
            return self.everything, 0, False
        if self.right.arrays.keys() != self.wanted.arrays.keys():
            return self.everything, self.wanted.bits(Returned(result)), True
        for k, (name, leaf) in enumerate(found):
            if leaf is self.leaves[name]:
                fits |= ~self.wrong & 1 << k
                continue
            array = as_array(leaf)
            touched |= 0 if self.many and self.right.equal(name, array) else 1 << k
            fits |= 1 << k if self.wanted.equal(name, array) else 0
        return touched, fits, True

    def shared(self, one: Tried, two: Tried) -> set[int]:
        """The numbers of the lines that have to run again if both edits are made."""
        shared = one.values.keys() & two.values.keys()
        for first, second in ((one, two), (two, one)):
            if not first.reads.isdisjoint(second.values):
                shared |= first.values.keys()
        return shared

    def explains(self, one: Tried, two: Tried) -> bool:
        """Whether both edits together give what the answer gives."""
        lines = one.lines | two.lines
        values: dict[int, object] = {}
        hands_on = self.last not in lines
        for n in sorted(self.shared(one, two)):
            values[n] = self.value(n, lines.get(n, self.lines[n]), (values, one.values, two.values))
            if values[n] is RAISED:
                return False
            name = self.returned_by.get(n) if hands_on else None
            if name in self.wanted.arrays and not self.wanted.equal(name, as_array(values[n])):
                return False
        layers = (values, one.values, two.values, self.values)
        return self.wanted.equals(Returned(next(layer[self.last] for layer in layers if self.last in layer)))

    def value(self, n: int, line: Line, layers: tuple[dict, ...]):
        """The value of line n. The lines that it reads are looked up in `layers`, then among the right ones."""
        names = TOOLS.copy()
        for name in line.reads:
            source = self.sources[n].get(name)
            if source is not None:
                names[name] = next((layer[source] for layer in layers if source in layer), self.values[source])
                if names[name] is RAISED:
                    return RAISED
            elif name in self.names:
                names[name] = self.names[name]
        try:
            return self.model.value(line, names)
        except Exception:
            return RAISED


def first_entry(value) -> float:
    """The first entry of a tensor of real numbers; NaN for anything else."""
    if isinstance(value, float):
        return value
    real = isinstance(value, Tensor) and value.numel() and not value.is_complex()
    return float(value.flatten()[0]) if real else math.nan


class Screen:
    """All edits side by side: for each line, its first entry under each edit. Rules out pairs with few operations."""

    def __init__(self, turn: OneTurn, tried: list[Tried]):
        self.turn = turn
        self.touched = np.array([one.touched for one in tried], dtype=object)
        self.fits = np.array([one.fits for one in tried], dtype=object)
        self.same_form = np.array([one.same_form for one in tried], dtype=bool)
        right = {n: first_entry(value) for n, value in turn.values.items()}
        self.given = {name: first_entry(value) for name, value in turn.names.items()}
        self.entries = {n: np.full(len(tried), entry) for n, entry in right.items()}
        self.changes = {n: np.zeros(len(tried), dtype=bool) for n in right}  # which edits change line n itself
        self.reached = {n: np.zeros(len(tried), dtype=bool) for n in right}
        for k, one in enumerate(tried):
            for n, value in one.values.items():
                self.entries[n][k], self.reached[n][k] = first_entry(value), True
            for n in one.lines:
                self.changes[n][k] = True
        self.wanted = {
            n: float(turn.wanted.arrays[name].flat[0])
            for n, name in turn.returned_by.items()
            if getattr(turn.wanted.arrays.get(name), "size", 0) and not np.iscomplexobj(turn.wanted.arrays[name])
        }

    def partners(self, one: Tried) -> np.ndarray:
        """Which edits may explain the answer together with this one. None of them changes a line that it reaches."""
        turn = self.turn
        if turn.right.arrays.keys() != turn.wanted.arrays.keys():
            left = self.same_form | one.same_form
        else:
            against = turn.wrong & ~(self.touched | one.touched)
            against = against | (one.touched & ~one.fits) & ~self.touched | self.touched & ~self.fits & ~one.touched
            left = against == 0
        for n in one.values:
            left &= ~self.changes[n]
        if left.any() and turn.last not in one.lines:
            self.screen(one, left)
        return left

    def screen(self, one: Tried, left: np.ndarray):
        """Follow the first entries through the lines that the edit reaches, for all partners at once."""
        known: dict[int, np.ndarray] = {}
        chosen = np.flatnonzero(left)
        for n in one.values:
            line = one.lines.get(n, self.turn.lines[n])
            if not line.elementwise:  # known where the partner does not reach what it reads
                reads = [self.turn.sources[n].get(name) for name in line.reads]
                reached = [self.reached[source][chosen] for source in reads if source is not None]
                known[n] = np.where(np.any(reached, axis=0) if reached else False, math.nan, first_entry(one.values[n]))
                continue
            names = {}
            for name in line.reads:
                source = self.turn.sources[n].get(name)
                if source is None:
                    names[name] = self.given.get(name, math.nan)
                else:
                    names[name] = known[source] if source in known else self.entries[source][chosen]
            with np.errstate(all="ignore"):
                known[n] = eval(line.code, ENTRY_TOOLS, names)
            if n in self.wanted:
                allowed = self.turn.wanted.rounding * max(1.0, abs(self.wanted[n]))
                left[chosen] &= ~(np.abs(known[n] - self.wanted[n]) > allowed)


def try_all(turn: OneTurn, edits: Iterable[Edit]) -> list[Tried]:
    """Every edit alone, without those that raise an exception: no other edit would mend that."""
    return [tried for tried in map(turn.try_edit, edits) if tried.values.get(turn.last) is not RAISED]


def pairs(turn: OneTurn, first: list[Tried], second: list[Tried]) -> Iterator[tuple[Edit, Edit]]:
    """The pairs of edits at different places that give what the answer gives, on these inputs, one from each list.

    The edit from the first list reaches no line that the other changes. At most BUDGET pairs are run.
    """
    screen, left = Screen(turn, second), BUDGET
    for one in first:
        for k in np.flatnonzero(screen.partners(one)):
            if left == 0:
                return
            left -= 1
            if turn.explains(one, second[k]):
                yield one.edit, second[k].edit
