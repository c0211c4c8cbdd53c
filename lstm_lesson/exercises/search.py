"""Find one or two edits of a model answer that give what a wrong answer gives.

Most pairs are ruled out without running them: a returned tensor that only one of the two reaches has to be explained by
that one alone, and the first entry of each line is followed for all at once.
"""

import contextlib
import math
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

import numpy as np
import torch
from torch import Tensor

from lstm_lesson.exercises.compare import leaves, map_tensors
from lstm_lesson.exercises.model import TOOLS, Edit, Line, Model

BUDGET = 12000  # lines that are run for pairs
MOST = 62  # returned tensors that are looked at, one bit each
FEW = 2000  # edits; among more, one that leaves a tensor equal on these inputs does not count as reaching it
ROUNDING = 1e-6  # relative to the largest entry or to 1; an answer may compute in float32, and is compared again


class Returned:
    """The tensors in a returned value, as arrays by name. `tolerance` is allowed beyond rounding."""

    def __init__(self, value, tolerance: float = 0.0):
        self.rounding = ROUNDING + tolerance
        self.arrays = {name: as_array(leaf) for name, leaf in by_name(value).items()}
        numbers = {name: a for name, a in self.arrays.items() if isinstance(a, np.ndarray)}
        self.allowed = {name: self.rounding * np.abs(a[np.isfinite(a)]).max(initial=1) for name, a in numbers.items()}
        self.everything = (1 << len(self.arrays)) - 1

    def equals(self, value) -> bool:
        """Whether another returned value has the same tensors."""
        others = by_name(value)
        return others.keys() == self.arrays.keys() and all(
            self.equal(name, as_array(leaf)) for name, leaf in others.items()
        )

    def is_nan(self) -> bool:
        """Whether it has numbers, and all of them are NaN."""
        arrays = [array for array in self.arrays.values() if isinstance(array, np.ndarray) and array.size]
        return bool(arrays) and all(np.isnan(array).all() for array in arrays)

    def sizes(self) -> dict[str, int]:
        """The number of entries of each tensor."""
        return {name: np.size(array) for name, array in self.arrays.items()}

    def equal(self, name: str, other) -> bool:
        """Whether the tensor of this name is equal to another, up to rounding; of other objects, the types."""
        mine = self.arrays[name]
        if not isinstance(mine, np.ndarray) or not isinstance(other, np.ndarray) or mine.shape != other.shape:
            return mine is other
        if mine.size and abs(mine.flat[0] - other.flat[0]) > self.allowed[name]:
            return False  # most that differ do so in the first entry
        close = np.abs(mine - other) <= self.allowed[name]  # np.isclose takes three times as long
        return bool((close | (mine == other) | np.isnan(mine) & np.isnan(other)).all())

    def bits(self, others: Mapping) -> int:
        """One bit for each of these arrays that is equal to the one here."""
        return sum(1 << k for k, name in enumerate(self.arrays) if name in others and self.equal(name, others[name]))


def by_name(value) -> dict[str, object]:
    """The first of what `leaves` returns, by name: the order of a dictionary does not count."""
    return dict(leaves("", value)[:MOST])


def as_array(leaf):
    """A tensor as an array of float64 or complex128; of what cannot be one its type."""
    if isinstance(leaf, Tensor):
        with contextlib.suppress(RuntimeError, TypeError):
            return leaf.detach().to(torch.complex128 if leaf.is_complex() else torch.float64).numpy()
    return type(leaf)


class OneTurn:
    """A model answer on one set of inputs, line by line, and what the wrong answer returned there.

    The model has no loop, or the inputs let its loop make one turn.
    """

    def __init__(self, model: Model, given: tuple, got, tolerance: float = 0.0):
        self.model, self.lines, names, latest = model, model.straight, model.environment(given), {}
        self.number = {line.place: n for n, line in enumerate(self.lines)}
        self.last = len(self.lines) - 1
        self.values: list[object] = []  # of each line
        self.names: list[dict] = []  # what it may read
        self.sources: list[dict[str, int]] = []  # those of these names that another line gives, and its number
        for n, line in enumerate(self.lines):
            self.names.append(dict(names))
            self.sources.append(dict(latest))
            self.values.append(model.value(line, names))
            names[line.place], latest[line.place] = self.values[n], n
        self.right, self.wanted = Returned(self.values[self.last]), Returned(got, tolerance)
        self.everything = self.wanted.everything
        self.same_form = self.right.arrays.keys() == self.wanted.arrays.keys()
        self.wrong = self.everything & ~self.wanted.bits(self.right.arrays)
        given_by = {id(value): n for n, value in enumerate(self.values)}
        self.returned_by = {  # the number of a line -> the name under which its tensor is returned
            given_by[id(leaf)]: name for name, leaf in leaves("", self.values[self.last]) if id(leaf) in given_by
        }
        self.reach, self.touches = cache(self.reach), cache(self.touches)

    def lines_of(self, edit: Edit) -> dict[int, Line]:
        """The edit's lines by number."""
        return {self.number[line.place]: line for line in self.model.changed((edit,))}

    def read_by(self, n: int, line: Line) -> set[int]:
        """The numbers of the lines whose values line n reads."""
        return {self.sources[n][name] for name in line.reads if name in self.sources[n]}

    def reach(self, changed: tuple[int, ...]) -> tuple[int, ...]:
        """The numbers of the lines whose values depend on these lines, in order; these lines come with them."""
        found = set(changed)
        for n, line in enumerate(self.lines):
            if not found.isdisjoint(self.read_by(n, line)):
                found.add(n)
        return tuple(sorted(found))

    def run(self, lines: dict[int, Line]) -> dict[int, object] | None:
        """The values of all lines that these lines reach; None if one raises an exception."""
        reach, values, names = self.reach(tuple(sorted(lines))), {}, dict(self.names[min(lines)])
        try:
            for n in range(min(lines), len(self.lines)):
                if n in reach:
                    values[n] = self.model.value(lines.get(n, self.lines[n]), names)
                names[self.lines[n].place] = values[n] if n in reach else self.values[n]
        except Exception:
            return None
        return values

    def touches(self, changed: tuple[int, ...]) -> int:
        """One bit for each returned tensor that may depend on these lines."""
        reach = self.reach(changed)
        if not self.same_form or not all(isinstance(self.values[n], Tensor) for n in changed):
            return self.everything if reach[-1] == self.last else 0
        names = {self.returned_by.get(n) for n in reach} | self.wanted.arrays.keys() - set(self.returned_by.values())
        return sum(1 << k for k, name in enumerate(self.wanted.arrays) if name in names)

    def explains(self, lines: dict[int, Line]) -> bool:
        """Whether these lines together give what the answer gives."""
        values = self.run(lines)
        return values is not None and self.wanted.equals(values.get(self.last, self.values[self.last]))


def first_entry(value) -> float:
    """The first entry of a tensor of real numbers, or of the last one in a list of them; NaN for anything else."""
    while isinstance(value, list) and value:
        value = value[-1]
    array = as_array(value)
    if isinstance(array, np.ndarray) and array.size and not np.iscomplexobj(array):
        return float(array.flat[0])
    return value if isinstance(value, float) else math.nan


class Tries:
    """Edits side by side: each alone, and what it does to the lines and to the returned tensors.

    `touched` and `fits` have one bit for each returned tensor: the edit reaches it, and it is as the answer's.
    An edit `ran` if it raises no exception: no other edit would mend that.
    """

    def __init__(self, turn: OneTurn, edits: list[Edit]):
        self.turn, self.edits, count = turn, edits, len(edits)
        self.lines: list[dict[int, Line]] = [{}] * count
        self.ran, self.same_form = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
        self.touched, self.fits = np.full(count, turn.everything), np.zeros(count, dtype=np.int64)
        self.given = {name: torch.tensor(first_entry(v), dtype=torch.float64) for name, v in turn.names[0].items()}
        self.copies = [self._copied(n) for n in range(len(turn.lines))]
        right = torch.tensor([first_entry(value) for value in turn.values], dtype=torch.float64)
        self.entries = right[:, None].repeat(1, count)  # of each line with each edit
        self.reached = torch.zeros(self.entries.shape, dtype=torch.bool)
        self.changes = np.zeros(self.entries.shape, dtype=bool)  # whether the edit changes the line itself

    def run(self, which: Iterable[int]) -> list[Edit]:
        """Try the edits of these numbers -> those that alone give what the answer gives."""
        which = list(which)
        for k in which:
            self._run(k)
        self.compatible, self.apart = cache(self._compatible), cache(self._apart)
        fit = self.ran & self.same_form & (self.fits == self.turn.everything)
        return [self.edits[k] for k in which if fit[k]]

    def _copied(self, n: int) -> int | None:
        """The line whose first entry is that of line n, which only moves entries: it follows, whatever numbers come."""
        line, draw = self.turn.lines[n], torch.Generator().manual_seed(n)

        def follows(source: int, sign: int) -> bool:  # with both signs: a maximum follows one of them at most
            other = map_tensors(lambda t: sign * torch.rand(t.shape, generator=draw).double(), self.turn.values[source])
            try:
                value = self.turn.model.value(line, self.turn.names[n] | {self.turn.lines[source].place: other})
            except Exception:
                return False
            return first_entry(value) == first_entry(other)

        sources = () if line.elementwise else self.turn.read_by(n, line)
        return next((s for s in sources if follows(s, 1) and follows(s, -1)), None)

    def _run(self, k: int):
        """Run one edit, and fill in what it does."""
        turn, self.lines[k] = self.turn, self.turn.lines_of(self.edits[k])
        if (values := turn.run(self.lines[k])) is None:
            return
        self.ran[k], changed = True, tuple(sorted(self.lines[k]))
        reach, self.changes[changed, k] = list(turn.reach(changed)), True
        self.reached.numpy()[reach, k] = True
        self.entries.numpy()[reach, k] = [first_entry(values[n]) for n in reach]
        returned = by_name(values.get(turn.last, turn.values[turn.last]))
        if returned.keys() == turn.wanted.arrays.keys():
            self.same_form[k], touched = True, turn.touches(changed)
            arrays = {name: as_array(returned[name]) for n, name in enumerate(turn.wanted.arrays) if touched >> n & 1}
            self.fits[k] = turn.wanted.bits(arrays) | turn.everything & ~turn.wrong & ~touched
            few = not turn.same_form or len(turn.model.edits) <= FEW
            self.touched[k] = touched if few else touched & ~turn.right.bits(arrays)

    def may_explain(self, place: str) -> bool:
        """Whether an edit at this place, alone or with one of those tried, may explain the answer."""
        touched = self.turn.touches((self.turn.number[place],))
        if not self.turn.same_form or self.turn.wrong & ~touched == 0:
            return True
        return bool(self.compatible(touched, self.turn.everything, True).any())

    def _compatible(self, touched: int, fits: int, same_form: bool) -> np.ndarray:
        """Which edits leave the rest to an edit that does this to the returned tensors."""
        if not self.turn.same_form:
            return self.ran & (self.same_form | same_form)
        against = self.turn.wrong & ~(self.touched | touched)
        against = against | (touched & ~fits) & ~self.touched | self.touched & ~self.fits & ~touched
        return self.ran & self.same_form & same_form & (against == 0)

    def _apart(self, changed: tuple[int, ...]) -> np.ndarray:
        """Which edits change no line that these lines reach."""
        return ~self.changes[list(self.turn.reach(changed))].any(axis=0)

    def partners(self, which: list[int], changed: tuple[int, ...], among: int) -> tuple[np.ndarray, np.ndarray]:
        """For edits of the same lines, which of the first edits may explain the answer together with each.

        -> a row (edit, partner) for each such pair, and for which of them that is not sure.
        """
        compatible = [self.compatible(int(self.touched[k]), int(self.fits[k]), bool(self.same_form[k])) for k in which]
        left = (np.array(compatible) & self.apart(changed))[:, :among]
        at = np.flatnonzero(left.any(axis=0))
        left, unsure = torch.from_numpy(left[:, at]), torch.ones(len(which), len(at), dtype=torch.bool)
        if len(at) and self.turn.last not in changed:
            fits, unsure = self._screen(which, changed, torch.from_numpy(at))
            left &= fits
        rows, columns = np.nonzero(left.numpy())
        return np.stack([np.array(which)[rows], at[columns]], axis=1), unsure.numpy()[rows, columns]

    def _screen(self, which: list[int], changed: tuple[int, ...], at: Tensor) -> tuple[Tensor, Tensor]:
        """Follow the first entries through the lines that the edits reach, for all partners at once."""
        turn, known = self.turn, {}
        fits = torch.ones(len(which), len(at), dtype=torch.bool)
        unsure = ~fits
        for n in turn.reach(changed):
            if n in changed:
                rows = [{m: value[row : row + 1] for m, value in known.items()} for row in range(len(which))]
                own = [self._entries(n, self.lines[k][n], [k], at, row) for k, row in zip(which, rows, strict=True)]
                known[n] = torch.cat(own)
            else:
                known[n] = self._entries(n, turn.lines[n], which, at, known)
            wanted = turn.wanted.arrays.get(turn.returned_by.get(n))
            if isinstance(wanted, np.ndarray) and wanted.size and not np.iscomplexobj(wanted):
                wanted = float(wanted.flat[0])
                unsure |= known[n].isnan()
                fits &= ~((known[n] - wanted).abs() > turn.wanted.rounding * max(1.0, abs(wanted)))
        return fits, unsure

    def _entries(self, n: int, line: Line, which: list[int], at: Tensor, known: dict[int, Tensor]) -> Tensor:
        """The first entry of line n with some edits (rows) and their partners (columns); NaN where it is not known."""
        sources = {name: s for name, s in self.turn.sources[n].items() if name in line.reads}
        if line.elementwise:
            names = TOOLS | {name: self.given[name] for name in line.reads - sources.keys() if name in self.given}
            names |= {name: known[s] if s in known else self.entries[s][at] for name, s in sources.items()}
            try:
                entry = self.turn.model.value(line, names)
            except Exception:  # it reads what has no entries
                entry = torch.nan
            return torch.as_tensor(entry, dtype=torch.float64).expand(len(which), len(at))
        copied = self.copies[n] if line is self.turn.lines[n] else None
        if copied is None:
            value = self.entries[n][which][:, None]
        else:
            value = known[copied] if copied in known else self.entries[copied][at]
        for s in sources.values():
            if s != copied:
                value = value.where(~self.reached[s][at], torch.nan)
        return value.expand(len(which), len(at))


def pairs(tries: Tries, described: int) -> Iterator[tuple[Edit, Edit]]:
    """The pairs of edits at different places that give what the answer gives, on these inputs.

    One of the two is among the first `described`. At most BUDGET lines are run: first those of which the first entries
    are known to fit, and of these the ones of described edits.
    """
    groups, count = {}, len(tries.edits)
    for k in np.flatnonzero(tries.ran).tolist():
        groups.setdefault((k < described, *sorted(tries.lines[k])), []).append(k)
    found = [
        tries.partners(which, tuple(changed), count if first else described)
        for (first, *changed), which in groups.items()
    ]
    if not found:
        return
    both, unsure = (np.concatenate(parts) for parts in zip(*found, strict=True))
    several = np.array([len(lines) > 1 for lines in tries.lines])
    order = np.lexsort((several[both].sum(axis=1), both.max(axis=1) >= described, unsure))
    seen, left = set(), BUDGET
    for one, two in np.sort(both[order[: 2 * BUDGET]], axis=1).tolist():  # a pair stands there once or twice
        if (one, two) in seen:
            continue
        lines = tries.lines[one] | tries.lines[two]
        left -= len(tries.turn.reach(tuple(sorted(lines))))
        if left < 0:
            return
        seen.add((one, two))
        if tries.turn.explains(lines):
            yield tries.edits[one], tries.edits[two]
