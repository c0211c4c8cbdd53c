"""Find two edits of a model answer that together give what a wrong answer gives.

Most pairs are ruled out without running them: a returned tensor that only one of the two reaches has to be explained by
that one alone. For the others, only the lines that both reach are run, and the first wrong tensor ends the attempt.
"""

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from lstm_lesson.exercises.compare import leaves
from lstm_lesson.exercises.model import ENTRY_TOOLS, RAISED, Edit, Line, Model

ROUNDING = 1e-8  # relative to the largest entry or to 1; inputs are float64


@dataclass
class Tried:
    """An edit alone: its lines, the values of all lines that it reaches, and what it does to the returned tensors.

    `touched` and `fits` have one bit for each returned tensor: it is no longer right, and it is as the answer's.
    """

    edit: Edit
    lines: dict[int, Line]
    reads: set[int | None]  # the lines that the edit's own lines read
    values: dict[int, object]
    touched: int
    fits: int
    same_form: bool  # it returns tensors under the names of the answer's


class Returned:
    """The tensors in a returned value, as arrays, by name."""

    def __init__(self, value):
        self.arrays = {} if value is RAISED else {name: as_array(leaf) for name, leaf in leaves("", value)}

    def equals(self, other: "Returned") -> bool:
        return other.arrays.keys() == self.arrays.keys() and all(self.equal(k, v) for k, v in other.arrays.items())

    def equal(self, name: str, other) -> bool:
        """Whether the tensor of this name is equal to another one, up to rounding."""
        mine = self.arrays[name]
        if not (isinstance(mine, np.ndarray) and isinstance(other, np.ndarray)) or mine.shape != other.shape:
            return type(mine) is type(other) and not isinstance(mine, np.ndarray)
        return bool((np.abs(mine - other) <= ROUNDING * max(1.0, np.abs(mine).max(initial=0))).all())

    def bits(self, other: "Returned") -> int:
        """One bit for each tensor that is equal in both."""
        there = other.arrays
        return sum(1 << k for k, name in enumerate(self.arrays) if name in there and self.equal(name, there[name]))


def as_array(leaf):
    return leaf.detach().double().numpy() if isinstance(leaf, Tensor) else leaf


class OneTurn:
    """A model answer on one set of inputs, line by line, and what the wrong answer returned there.

    The model has no loop, or the inputs let its loop make one turn.
    """

    def __init__(self, model: Model, given: tuple, got):
        self.model, self.names = model, model.environment(given)
        self.lines = model.straight
        self.number = {line.place: n for n, line in enumerate(self.lines)}
        self.last = len(self.lines) - 1
        self.sources, latest = [], {}  # for each line: a name -> the number of the line that gives it its value
        for n, line in enumerate(self.lines):
            self.sources.append(dict(latest))
            latest[line.place] = n
        self.values: dict[int, object] = {}
        for n, line in enumerate(self.lines):
            self.values[n] = self.value(n, line, ())
        self.right, self.wanted = Returned(self.values[self.last]), Returned(got)
        self.everything = (1 << len(self.wanted.arrays)) - 1
        self.wrong = self.everything & ~self.wanted.bits(self.right)
        forms = [
            self.values[n].shape
            for n, line in enumerate(self.lines)
            if line.elementwise and isinstance(self.values[n], Tensor)
        ]
        self.form = next((form for form in reversed(forms) if len(form) == 2), (1, 1))
        self.entries = {n: self.entry(value) for n, value in self.values.items()}
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
        result = Returned(values.get(self.last, RAISED))
        same_form = result.arrays.keys() == self.wanted.arrays.keys()
        touched = self._touched(result)
        reads = {self.sources[n].get(name) for n, line in lines.items() for name in line.reads}
        return Tried(edit, lines, reads, values, touched, self.wanted.bits(result) if same_form else 0, same_form)

    def _touched(self, result: Returned) -> int:
        if result.arrays.keys() != self.right.arrays.keys() or result.arrays.keys() != self.wanted.arrays.keys():
            return self.everything
        return self.everything & ~sum(
            1 << k for k, name in enumerate(self.wanted.arrays) if self.right.equal(name, result.arrays[name])
        )

    def entry(self, value) -> float:
        """The first entry of a value with a row a sequence and a column a unit; NaN for another value."""
        if not isinstance(value, Tensor | float | np.ndarray):
            return math.nan
        try:
            return float(np.broadcast_to(as_array(value), self.form)[0, 0])
        except ValueError:
            return math.nan

    def entries_fit(self, one: Tried, entries: dict[int, float], group: "Alike") -> np.ndarray:
        """Whether one edit and each of a group agree with the answer in the first entry, as far as single entries tell."""
        fit = np.ones(len(group.members), dtype=bool)
        if self.last in one.lines or self.last in group.lines:
            return fit
        shared = self.shared(one, group.members[0])
        known: dict[int, object] = {}
        for n in sorted(shared):
            line = one.lines.get(n, self.lines[n])
            known[n] = math.nan
            if n in group.lines or not line.elementwise:
                continue
            names = {name: self.entry_of(n, name, (known, entries, group.entries)) for name in line.reads}
            with np.errstate(all="ignore"):
                known[n] = eval(line.code, ENTRY_TOOLS, names)
            if (name := self.returned_by.get(n)) in self.wanted.arrays:
                wanted = self.entry(self.wanted.arrays[name])
                fit &= ~(np.abs(known[n] - wanted) > ROUNDING * max(1.0, abs(wanted)))
        return fit

    def entry_of(self, n: int, name: str, layers):
        source = self.sources[n].get(name)
        if source is None:
            return self.entry(self.names[name]) if name in self.names else math.nan
        return next((layer[source] for layer in layers if source in layer), self.entries[source])

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
        names = {}
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


class Alike:
    """Edits of the same lines: what they do, in arrays with one entry an edit."""

    def __init__(self, turn: OneTurn, members: list[Tried]):
        self.turn, self.members = turn, members
        self.lines, self.reached = members[0].lines.keys(), members[0].values.keys()
        self.touched, self.fits, self.same_form = (
            np.array([getattr(tried, name) for tried in members]) for name in ("touched", "fits", "same_form")
        )
        self.entries = {n: np.array([turn.entry(tried.values[n]) for tried in members]) for n in self.reached}


def pairs(turn: OneTurn, edits: Iterable[Edit]) -> Iterator[tuple[Edit, Edit]]:
    """The pairs of edits at different places that give what the answer gives, on these inputs."""
    groups: dict[tuple, list[Tried]] = {}
    for tried in map(turn.try_edit, edits):
        if tried.values.get(turn.last) is RAISED:  # no other edit would mend that
            continue
        groups.setdefault((frozenset(tried.lines), frozenset(tried.values)), []).append(tried)
    alike = [Alike(turn, members) for members in groups.values()]
    for one, two in itertools.combinations(alike, 2):
        if one.lines.isdisjoint(two.lines):
            for i, j in np.argwhere(possible(turn, one, two)):
                if turn.explains(one.members[i], two.members[j]):
                    yield one.members[i].edit, two.members[j].edit


def possible(turn: OneTurn, one: Alike, two: Alike) -> np.ndarray:
    """Which pairs of their members may explain the answer: bool (members of one, members of two)."""
    if turn.right.arrays.keys() != turn.wanted.arrays.keys():
        return one.same_form[:, None] | two.same_form
    touched_1, fits_1, touched_2, fits_2 = one.touched[:, None], one.fits[:, None], two.touched, two.fits
    against = (
        turn.wrong & ~(touched_1 | touched_2) | touched_1 & ~touched_2 & ~fits_1 | touched_2 & ~touched_1 & ~fits_2
    )
    left = against == 0
    if not left.any():
        return left
    if one.reached.isdisjoint(two.lines):
        return left & entries_fit(turn, one, two)
    return left & entries_fit(turn, two, one).T


def entries_fit(turn: OneTurn, one: Alike, two: Alike) -> np.ndarray:
    """What `OneTurn.entries_fit` says of each member of one, with all members of two."""
    entries = ({n: column[i] for n, column in one.entries.items()} for i in range(len(one.members)))
    return np.array([turn.entries_fit(tried, own, two) for tried, own in zip(one.members, entries, strict=True)])
