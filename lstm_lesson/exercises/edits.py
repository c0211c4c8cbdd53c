"""Find one or two edits of a model answer that explain a wrong answer: they give what it gives.

Most pairs are ruled out without running them: a returned tensor that only one of the two reaches has to be explained by
that one alone, and the first entry of each line is followed for all at once.
"""

import contextlib
import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

import numpy as np
import torch
from torch import Tensor

from lstm_lesson.exercises.answer import Answer, Trial, agrees
from lstm_lesson.exercises.compare import allclose, gradient_problem, input_gradients, leaves, map_tensors
from lstm_lesson.exercises.exercise import Inputs, input_sets
from lstm_lesson.exercises.model import Edit, Line, Model, tools

LIMIT = 250  # pairs that are run as a whole
MANY = 150  # edits, and pairs of them, whose gradients are computed
FEW = 40  # described edits that are tried on a second set of inputs
BUDGET = 12000  # lines that are run for pairs
MOST = 62  # returned tensors that are looked at, one bit each
MORE = 2000  # edits; among more, one that leaves a tensor equal on these inputs does not count as reaching it
ROUNDING = 1e-6  # relative to the largest entry or to 1; an answer may compute in float32, and is compared again


class Returned:
    """The tensors in a returned value, as arrays by name. `tolerance` is allowed beyond rounding."""

    def __init__(self, value, tolerance: float = 0.0):
        self.rounding = ROUNDING + tolerance
        self.arrays = {name: as_array(leaf) for name, leaf in by_name(value).items()}
        self.sizes = {name: np.size(array) for name, array in self.arrays.items()}
        numbers = {name: a for name, a in self.arrays.items() if isinstance(a, np.ndarray)}
        self.allowed = {name: self.rounding * np.abs(a[np.isfinite(a)]).max(initial=1) for name, a in numbers.items()}

    def equals(self, value) -> bool:
        """Whether another returned value has the same tensors."""
        others = by_name(value)
        same_names = others.keys() == self.arrays.keys()
        return same_names and all(self.equal(name, as_array(leaf)) for name, leaf in others.items())

    def is_nan(self) -> bool:
        """Whether it has numbers, and all of them are NaN."""
        arrays = [array for array in self.arrays.values() if isinstance(array, np.ndarray) and array.size]
        return bool(arrays) and all(np.isnan(array).all() for array in arrays)

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
        self.everything = (1 << len(self.wanted.arrays)) - 1
        self.same_form = self.right.arrays.keys() == self.wanted.arrays.keys()
        self.wrong = self.everything & ~self.wanted.bits(self.right.arrays)
        given_by, returned = {id(value): n for n, value in enumerate(self.values)}, leaves("", self.values[self.last])
        # the number of a line -> the name under which its tensor is returned
        self.returned_by = {given_by[id(leaf)]: name for name, leaf in returned if id(leaf) in given_by}
        self.reach, self.touches = cache(self.reach), cache(self.touches)

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
        turn, wanted, which = self.turn, self.turn.wanted, list(which)
        for k in which:
            self.lines[k] = {turn.number[line.place]: line for line in turn.model.changed((self.edits[k],))}
            if (values := turn.run(self.lines[k])) is None:
                continue
            self.ran[k], changed = True, tuple(sorted(self.lines[k]))
            reach, self.changes[changed, k] = list(turn.reach(changed)), True
            self.reached.numpy()[reach, k] = True
            self.entries.numpy()[reach, k] = [first_entry(values[n]) for n in reach]
            returned = by_name(values.get(turn.last, turn.values[turn.last]))
            if returned.keys() == wanted.arrays.keys():
                self.same_form[k], touched = True, turn.touches(changed)
                arrays = {name: as_array(returned[name]) for n, name in enumerate(wanted.arrays) if touched >> n & 1}
                self.fits[k] = wanted.bits(arrays) | turn.everything & ~turn.wrong & ~touched
                few = not turn.same_form or len(turn.model.edits) <= MORE
                self.touched[k] = touched if few else touched & ~turn.right.bits(arrays)
        self.compatible = cache(self._compatible)
        fit = self.ran & self.same_form & (self.fits == turn.everything)
        return [self.edits[k] for k in which if fit[k]]

    def _copied(self, n: int) -> int | None:
        """The line whose first entry is that of line n, which only moves entries: it follows, whatever numbers come."""
        line, draw = self.turn.lines[n], torch.Generator().manual_seed(n)

        def follows(source: int, sign: int) -> bool:  # with both signs: a maximum follows one of them at most
            other = map_tensors(lambda t: sign * torch.rand(t.shape, generator=draw).double(), self.turn.values[source])
            names = self.turn.names[n] | {self.turn.lines[source].place: other}
            with contextlib.suppress(Exception):
                return first_entry(self.turn.model.value(line, names)) == first_entry(other)
            return False

        sources = () if line.elementwise else self.turn.read_by(n, line)
        return next((s for s in sources if follows(s, 1) and follows(s, -1)), None)

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

    def partners(self, which: list[int], changed: tuple[int, ...], among: int) -> tuple[np.ndarray, np.ndarray]:
        """For edits of the same lines, which of the first edits may explain the answer together with each.

        -> a row (edit, partner) for each such pair, and for which of them that is not sure.
        """
        compatible = [self.compatible(int(self.touched[k]), int(self.fits[k]), bool(self.same_form[k])) for k in which]
        apart = ~self.changes[list(self.turn.reach(changed))].any(axis=0)  # those change no line that these reach
        left = (np.array(compatible) & apart)[:, :among]
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
            names = tools() | {name: self.given[name] for name in line.reads - sources.keys() if name in self.given}
            names |= {name: known[s] if s in known else self.entries[s][at] for name, s in sources.items()}
            entry = torch.nan
            with contextlib.suppress(Exception):  # it may read what has no entries
                entry = self.turn.model.value(line, names)
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
    turn, groups, count = tries.turn, {}, len(tries.edits)
    for k in np.flatnonzero(tries.ran).tolist():
        groups.setdefault((k < described, *sorted(tries.lines[k])), []).append(k)
    if not groups:
        return
    among = {True: count, False: described}
    found = [tries.partners(which, tuple(changed), among[first]) for (first, *changed), which in groups.items()]
    both, unsure = (np.concatenate(parts) for parts in zip(*found, strict=True))
    several = np.array([len(lines) > 1 for lines in tries.lines])
    order = np.lexsort((several[both].sum(axis=1), both.max(axis=1) >= described, unsure))
    left = BUDGET
    for one, two in dict.fromkeys(map(tuple, np.sort(both[order[: 2 * BUDGET]], axis=1).tolist())):  # each pair once
        lines = tries.lines[one] | tries.lines[two]
        left -= len(turn.reach(tuple(sorted(lines))))
        if left < 0:
            return
        values = turn.run(lines)
        if values is not None and turn.wanted.equals(values.get(turn.last, turn.values[turn.last])):
            yield tries.edits[one], tries.edits[two]


def find_edits(answer: Answer, trials: list[Trial]) -> tuple[Edit, ...]:
    """The edits that make the model answer return what a wrong answer returns; empty if none are found."""
    model = answer.exercise.model_answer
    if model is None:
        return ()
    ran = [Returned(trial.got) for trial in trials if trial.error is None]
    if ran and all(returned.is_nan() for returned in ran):
        return ()  # NaN alone shows no mistake
    trials = trials + [answer.try_on(inputs) for inputs in input_sets("square")]
    if all(trial.error is None and allclose(trial.got, trial.expected) for trial in trials):
        return ()  # only its dtype is wrong
    fresh = [input_sets("fresh")[0], input_sets("fresh", B=4, T=3, N=4, H=4, K=4)[1]]  # the second one is square
    for edits in candidates(answer, model, trials):
        f, tolerance = model.function(edits), answer.exercise.tolerance
        if agrees(f, trials, tolerance) and agrees(f, [answer.try_on(inputs) for inputs in fresh], tolerance):
            return edits + detached_too(answer, model, edits, trials)
    return ()


def detached_too(answer: Answer, model: Model, edits: tuple[Edit, ...], trials: list[Trial]) -> tuple[Edit, ...]:
    """The edit that changes the gradients alone, where one other edit explains the values and not the gradients."""
    ran = [t for t in trials if t.error is None and t.inputs.dtype == torch.float64 and t.inputs.sizes["T"] > 1]
    if len(edits) > 1 or not answer.exercise.gradient or not ran:
        return ()
    trial = min(ran, key=size)
    trial.gradients, error = answer.sandbox(input_gradients, answer.f, trial.arguments)
    if error is not None or gradients_agree(model, edits, trial, trial.got):
        return ()
    quiet = [edit for edit in cuts(model) if edits[0].changes.keys().isdisjoint(edit.changes)]
    return next(((edit,) for edit in quiet if gradients_agree(model, (*edits, edit), trial, trial.got)), ())


def candidates(answer: Answer, model: Model, trials: list[Trial]) -> Iterator[tuple[Edit, ...]]:
    """Edits that agree with the answer on one set of inputs: all single ones first, then pairs."""
    ran = [t for t in trials if t.error is None and t.inputs.dtype == torch.float64]
    wrong = [t for t in ran if t.problem is not None]
    if not wrong:  # where it runs it is right, or it never runs
        told = ran or re.search(r"\d", str(trials[0].error))  # sizes: without them, an error tells little
        yield from ((edit,) for edit in (model.edits if told else model.described).values())
        return
    shown = min(wrong, key=size)
    if model.loops_over:
        yield from in_a_loop(answer, model, tuple(shown.arguments.values()), Returned(shown.got))
        return
    for trial in wrong[:2] if len(model.described) < FEW else [shown]:  # on one set a mistake may have no effect
        given = tuple(trial.arguments.values())
        yield from in_one_turn(OneTurn(model, given, trial.got, answer.exercise.tolerance), model)


def in_one_turn(turn: OneTurn, model: Model, given=None, wanted: Returned | None = None) -> Iterator[tuple[Edit, ...]]:
    """Edits that agree with the answer where a loop makes one turn: single ones, then pairs.

    A single one has to agree on `given`, too, if that is there.
    """

    def right_on_given(edits: list[Edit]) -> Iterator[tuple[Edit, ...]]:
        return ((e,) for e in edits if given is None or wanted.equals(run(model, given, (e,))))

    edits = [edit for edit in model.edits.values() if not edit.changes.keys() & model.loops_over]
    described = sum(edit.id in model.described for edit in edits)  # they come first
    tries = Tries(turn, edits)
    yield from right_on_given(tries.run(range(described)))
    places = {line.place for line in turn.lines if line.text and tries.may_explain(line.place)}
    yield from right_on_given(tries.run(k for k in range(described, len(edits)) if edits[k].changes.keys() <= places))
    if turn.wrong or not turn.same_form:  # else two edits that do nothing in one turn would agree as well
        yield from itertools.islice(pairs(tries, described), LIMIT)


def in_a_loop(answer: Answer, model: Model, given: tuple, wanted: Returned) -> Iterator[tuple[Edit, ...]]:
    """Edits that agree with the answer; all but those of the number of turns on a sequence of one step, as one turn.

    Edits that change the number of turns are tried with all others on a sequence of two steps.
    """
    described = tuple(model.described.values())
    turning = [edit for edit in described if edit.changes.keys() & model.loops_over]
    one_step = (answer.try_on(Inputs(50, dict(B=b, T=1, N=n, H=4, K=n))) for b, n in ((2, 3), (4, 4)))
    one_step = next((trial for trial in one_step if trial.error is None), None)
    alone = turning if one_step else described
    yield from ((edit,) for edit in alone if wanted.equals(run(model, given, (edit,))))
    if one_step:
        turn = OneTurn(model, tuple(one_step.arguments.values()), one_step.got)
        yield from in_one_turn(turn, model, given, wanted)
    two_steps = (answer.try_on(Inputs(51, dict(B=3, T=2, N=n, H=h, K=n))) for n, h in ((4, 5), (3, 3)))
    two_steps = next((t for t in two_steps if t.problem is not None and t.problem.kind == "shape"), None)
    if two_steps is None:  # another number of turns would give another shape
        return
    given, got = tuple(two_steps.arguments.values()), Returned(two_steps.got)
    for first in turning:
        alone = run(model, given, (first,))
        if isinstance(alone, Exception) or got.sizes == Returned(alone).sizes:
            both = ((first, second) for second in described if first.changes.keys().isdisjoint(second.changes))
            yield from (pair for pair in both if got.equals(run(model, given, pair)))


def size(trial: Trial) -> int:
    """How much work a set of inputs is; one with a size of 1 shows too little and comes last."""
    sizes = [trial.inputs.sizes[letter] for letter in "BTNH"]
    return math.prod(sizes) * 1000 ** sizes.count(1)


def run(model: Model, given: tuple, edits: tuple[Edit, ...]):
    """What the model answer returns with these edits, or the exception that it raises."""
    try:
        return model.run(given, edits)
    except Exception as error:
        return error


def find_gradient_edits(answer: Answer, trials: list[Trial]) -> tuple[Edit, ...]:
    """The edits, one or two, that leave the values right and give the answer's wrong gradients."""
    model = answer.exercise.model_answer
    trials = sorted((t for t in trials if t.inputs.dtype == torch.float64), key=size)  # the quickest first
    for edits in cuts_that_agree(model, trials[0]) if model and trials else ():
        if all(gradients_agree(model, edits, trial, trial.expected) for trial in trials):
            return edits
    return ()


def cuts(model: Model) -> list[Edit]:
    """The edits that cut a gradient off; all described ones of a model answer that cuts by itself."""
    if any("detach" in line.text for line in model.straight):
        return list(model.described.values())
    found = [e for e in model.edits.values() if "detach" in f"{e.changes}" or "Param" in f"{e.changes}"]
    return found[:MANY]


def cuts_that_agree(model: Model, trial: Trial) -> Iterator[tuple[Edit, ...]]:
    """Edits that leave the same gradients wrong as the answer does, on one set of inputs: single ones, then pairs."""
    right, parts = gradients_of(model, (), trial.arguments), []

    def lost_in(got: dict) -> set[str]:  # the inputs whose gradients are not the right ones
        return {k for k in right | got if gradient_problem({k: got.get(k)}, {k: right.get(k)})}

    lost = lost_in(trial.gradients or {})
    for edit in cuts(model):
        found = lost_in(gradients_of(model, (edit,), trial.arguments))
        if found == lost:
            yield (edit,)
        elif found and found < lost:
            parts.append((edit, found))
    both = ((one, two) for (one, a), (two, b) in itertools.combinations(parts, 2) if a | b == lost)
    yield from itertools.islice((pair for pair in both if not pair[0].changes.keys() & pair[1].changes.keys()), MANY)


def gradients_of(model: Model, edits: tuple[Edit, ...], arguments: dict) -> dict:
    """The gradients of the edited model; {} where it has none."""
    with contextlib.suppress(Exception):
        return input_gradients(model.function(edits), arguments) or {}
    return {}


def gradients_agree(model: Model, edits: tuple[Edit, ...], trial: Trial, values) -> bool:
    """Whether the edited model returns these values and has the answer's gradients."""
    same = Returned(values).equals(run(model, tuple(trial.arguments.values()), edits))
    return same and gradient_problem(trial.gradients, gradients_of(model, edits, trial.arguments)) is None
