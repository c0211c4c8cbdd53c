"""Causes that show in what an answer returned, without running it again."""

import itertools

import torch

from lstm_lesson.exercises.answer import Answer, Trial
from lstm_lesson.exercises.compare import (
    MAX_ENTRIES,
    WrongStructure,
    allclose,
    dtype_problem,
    format_number,
    isclose,
    join_names,
    match,
    shape_problem,
    size_letters,
    value_problem,
)
from lstm_lesson.exercises.exercise import Exercise

RESHAPED = " `view` and `reshape` leave numbers in their old order: they swap no dimensions."
RANGES = {  # the least and the largest value of a result, and why
    ("i_t", "f_t", "o_t"): (0, 1, "A gate is between 0 and 1: σ never gives that."),
    ("g_t", "h_t", "hidden_seq", "h_T"): (-1, 1, "It is between −1 and 1, because of its tanh."),
    ("p", "accuracy"): (0, 1, "It is a share, between 0 and 1."),
    ("correlation",): (-1, 1, "A correlation is between −1 and 1."),
    ("radius", "steps"): (0, float("inf"), "It cannot be negative."),
}


def one_entry(answer: Answer, trials: list[Trial]) -> str:
    """A tuple with a single entry in place of a tensor."""
    got = next(trial.got for trial in trials if trial.problem)
    inside = itertools.islice(got, MAX_ENTRIES) if isinstance(got, (tuple, list)) else ()
    if not any(isinstance(value, tuple) and len(value) == 1 for value in (got, *inside)):
        return ""
    if "grad" in answer.code.attributes:
        return "`torch.autograd.grad` returns a tuple with a gradient for each input, of one input, too: take `[0]`."
    return "Does a comma stand at the end of a line? It makes a tuple."


def other_order(names: list[str], trials: list[Trial]) -> str:
    """The right tensors, returned in another order."""
    if len(names) < 2 or not all(isinstance(t.got, (tuple, list)) and len(t.got) == len(names) for t in trials):
        return ""
    for order in itertools.permutations(range(len(names))):
        if all(allclose([trial.got[k] for k in order], list(trial.expected)) for trial in trials):
            return f"The right tensors, in another order: expected {', '.join(names)}."
    return ""


def other_shape(exercise: Exercise, trials: list[Trial]) -> str:
    """The right values with dimensions swapped, added or dropped; one step too many or too few; another shape."""
    trial, other = trials[:2]
    for label, got, expected in match(exercise, trial.got, trial.expected):
        if got.shape == expected.shape:
            continue
        if got.numel() == expected.numel() and isclose(got.reshape(expected.shape), expected).all():
            return f"The values of `{label}` are right, in another shape."
        for order in itertools.permutations(range(got.ndim)) if got.ndim == expected.ndim <= 4 else ():
            turned = got.permute(order)
            if turned.shape == expected.shape and isclose(turned, expected).all():
                return f"The values of `{label}` are right, but its dimensions stand in another order."
        letters = exercise.returns.get(label, "").split()
        if "T" in letters and got.ndim == expected.ndim:
            more = [g - e for g, e in zip(got.shape, expected.shape, strict=True)]
            if sum(map(abs, more)) == 1 == abs(more[letters.index("T")]):
                much = "many" if sum(more) > 0 else "few"
                return f"`{label}` has one step too {much}: how many turns does your loop make?"
        shapes = [shape_in_letters(exercise, label, each) for each in (trial, other)]
        if shapes[0] and shapes[0] == shapes[1]:
            return f"In letters, the shape of `{label}` is ({', '.join(shapes[0])})."
    return ""


def shape_in_letters(exercise: Exercise, label: str, trial: Trial) -> list[str]:
    """The shape of a result in letters; [] where a size has none."""
    known, shapes = size_letters(trial.inputs), {name: got.shape for name, got, _ in results(exercise, trial)}
    letters = [known.get(size) for size in shapes.get(label, ())]  # a tuple has other names
    return letters if all(letters) else []


def changed_in_place(trials: list[Trial]) -> str:
    """The answer changes its arguments before it has read them for the last time."""
    names = next((list(trial.changed) for trial in trials if trial.changed), None)
    if not names:
        return ""
    return (
        f"Your function changes {join_names(names)} in place, and later lines read the changed values. "
        "Make new tensors."
    )


def results(exercise: Exercise, trial: Trial) -> list[tuple]:
    """The name, the returned and the expected tensor of each result; [] if there is none or they do not match."""
    try:
        return match(exercise, trial.got, trial.expected) if trial.error is None else []
    except WrongStructure:
        return []


def same_shapes(exercise: Exercise, trials: list[Trial]) -> list[tuple]:
    """The results on all sets of inputs that have the expected shape and dtype."""
    found = [pair for trial in trials for pair in results(exercise, trial)]
    return [pair for pair in found if not dtype_problem(exercise, *pair) and not shape_problem(exercise, *pair)]


def outside_range(exercise: Exercise, trials: list[Trial]) -> str:
    """A value that the result cannot have, whatever the inputs."""
    for label, got, expected in same_shapes(exercise, trials):
        for names, (low, high, why) in RANGES.items():
            outside = (got < low - 1e-6) | (got > high + 1e-6)
            if label in names and outside.any() and ((expected >= low) & (expected <= high)).all():
                furthest = got[outside][(got[outside] - (low + high) / 2).abs().argmax()].item()
                return f"`{label}` has an entry of {format_number(furthest, 3)}. {why}"
    return ""


def nearly_right(exercise: Exercise, trials: list[Trial]) -> str:
    """Values that differ from the right ones by little, though by more than rounding."""
    trials = [trial for trial in trials if trial.inputs.dtype == torch.float64]
    pairs = same_shapes(exercise, trials)
    off = [float((got - e).abs().max() / e.abs().max().clamp(min=1)) for _, got, e in pairs if e.numel()]
    kinds = [trial.problem.kind for trial in trials if trial.problem]
    if not off or not max(off) < 1e-5 or set(kinds) != {"value"} or 2 * len(kinds) < len(trials):
        return ""
    near = f"Your values agree with the right ones to about {max(off):.0e}."
    if all(torch.equal(got.float().double(), got.double()) for _, got, _ in pairs):
        return f"{near} They have been through float32: does a `.float()` stand there?"
    return f"{near} Is an epsilon added, or a line computed in float32 (`.float()`)?"


def misplaced(answer: Answer, trials: list[Trial]) -> str:
    """The right numbers in the wrong places, in every result that is not right."""
    wrong = {}
    for label, got, expected in same_shapes(answer.exercise, trials):
        if not isclose(got, expected, answer.exercise.tolerance).all():
            same = isclose(got.flatten().sort().values, expected.flatten().sort().values, answer.exercise.tolerance)
            wrong[label] = wrong.get(label, True) and bool(same.all())
    if not wrong or not all(wrong.values()):
        return ""
    reshaped = RESHAPED if {"view", "reshape"} & answer.code.attributes else ""
    have = "has" if len(wrong) == 1 else "have"
    return f"{join_names(list(wrong))} {have} the right numbers, in the wrong places.{reshaped}"


def judged_apart(exercise: Exercise, trials: list[Trial]) -> str:
    """Which results are right on all sets of inputs, where others are not."""
    verdicts = {}
    for trial in trials:
        pairs = results(exercise, trial)
        if not pairs and trial.error is None:
            return ""
        for pair in pairs:
            wrong = dtype_problem(exercise, *pair) or shape_problem(exercise, *pair)
            wrong = wrong or value_problem(exercise, *pair, trial.inputs)
            verdicts[pair[0]] = verdicts.get(pair[0], True) and not wrong
    right, wrong = ([label for label in verdicts if verdicts[label] is kind] for kind in (True, False))
    if not right or not wrong:
        return ""
    are, not_ = ("is", "are")[len(right) > 1], ("is", "are")[len(wrong) > 1]
    return f"{join_names(right)} {are} right; {join_names(wrong)} {not_} not."
