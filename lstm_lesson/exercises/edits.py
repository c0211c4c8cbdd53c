"""The edits of the model answer that explain a wrong answer: one, or two at different places."""

import itertools
import math
import re
from collections.abc import Callable, Iterator

import torch

from lstm_lesson.exercises.answer import Answer, Trial, agrees
from lstm_lesson.exercises.compare import allclose, gradient_problem, input_gradients
from lstm_lesson.exercises.exercise import Inputs, exercises, input_sets
from lstm_lesson.exercises.model import Edit, Model
from lstm_lesson.exercises.search import OneTurn, Returned, Tries, pairs

LIMIT = 250  # pairs that are run as a whole
MANY = 150  # edits, and pairs of them, whose gradients are computed
FEW = 40  # described edits that are tried on a second set of inputs


def edited(name: str, edits: tuple[str, ...] = ()) -> Callable:
    """The model answer to the exercise `name` with these edits, as a function of the exercise's arguments.

    `edits` are identifiers, as in `Result.edits`. Raises KeyError for one that the exercise does not have.
    """
    model = exercises()[name].model_answer
    return model.function(tuple(model.edits[id] for id in edits))


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
    places = edits[0].changes.keys()
    quiet = [edit for edit in cuts(model) if places.isdisjoint(edit.changes)]
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
        if isinstance(alone, Exception) or got.sizes() == Returned(alone).sizes():
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
    right, parts = gradients_of(model, (), trial.arguments) or {}, []

    def lost_in(got: dict | None) -> set[str]:
        """The inputs whose gradients are not the right ones."""
        got = got or {}
        return {k for k in right | got if gradient_problem({k: got.get(k)}, {k: right.get(k)}) is not None}

    lost = lost_in(trial.gradients)
    for edit in cuts(model):
        found = lost_in(gradients_of(model, (edit,), trial.arguments))
        if found == lost:
            yield (edit,)
        elif found and found < lost:
            parts.append((edit, found))
    both = ((one, two) for (one, a), (two, b) in itertools.combinations(parts, 2) if a | b == lost)
    yield from itertools.islice((pair for pair in both if not pair[0].changes.keys() & pair[1].changes.keys()), MANY)


def gradients_of(model: Model, edits: tuple[Edit, ...], arguments: dict) -> dict | None:
    """The gradients of the edited model; None where it has none."""
    try:
        return input_gradients(model.function(edits), arguments)
    except Exception:
        return None


def gradients_agree(model: Model, edits: tuple[Edit, ...], trial: Trial, values) -> bool:
    """Whether the edited model returns these values and has the answer's gradients."""
    if not Returned(values).equals(run(model, tuple(trial.arguments.values()), edits)):
        return False
    return gradient_problem(trial.gradients, gradients_of(model, edits, trial.arguments)) is None
