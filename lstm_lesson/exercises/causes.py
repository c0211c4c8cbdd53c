"""Causes that show in what an answer returned or raised, without running it again."""

import difflib
import itertools
import re

import torch

from lstm_lesson.exercises import compare
from lstm_lesson.exercises.answer import Answer, Trial
from lstm_lesson.exercises.catalogue import read_table
from lstm_lesson.exercises.exercise import exercises


def known_error(answer: Answer, trials: list[Trial], when: str = "after_edits") -> str:
    """A cause that the text of a problem of this kind tells."""
    problem = next(trial.problem for trial in trials if trial.problem)
    for pattern, cause in read_table("causes")[when].get(problem.kind, ()):
        if found := re.search(pattern, problem.text):
            return found.expand(cause)
    return ""


def unsolved_exercise(answer: Answer, trials: list[Trial]) -> str:
    """The answer calls another exercise that is still a stub. It may catch the exception of that."""
    for name, stub in answer.code.stubs.items():
        exercise = exercises().get(name)
        if exercise and Answer(exercise, stub, answer.sandbox).is_stub():
            instead = f"or call the package's `{exercise.reference}`"
            return f"`{name}`, which you call, is still open. Solve it first, {instead}."
    return ""


def all_turned_round(answer: Answer, trials: list[Trial]) -> str:
    """`.T` of an argument with three dimensions, in the line that raised."""
    trial = next(trial for trial in trials if trial.problem)
    for name, value in trial.arguments.items():
        if getattr(value, "ndim", 0) == 3 and re.search(rf"\b{name}[.]T\b", trial.problem.text):
            return f"`{name}.T` turns round all three dimensions, the batch as well: `.mT` swaps the last two."
    return ""


def missing_entry(answer: Answer, trials: list[Trial]) -> str:
    """A name that a dictionary among the arguments does not have."""
    trial = next(trial for trial in trials if trial.problem)
    if not isinstance(trial.error, KeyError) or not trial.error.args:
        return ""
    key = str(trial.error.args[0])
    for name, value in trial.arguments.items():
        if isinstance(value, dict) and key not in value:
            close = [k for k in value if sorted(k) == sorted(key)] or difflib.get_close_matches(key, value, n=1)
            hint = f"Did you mean `{close[0]}`?" if close else ""
            hint = compare.CANDIDATE if re.fullmatch(r"(W_x|W_h|b_)g", key) else hint
            own = read_table("causes")["missing"].get(answer.exercise.name, ())
            hint = next((cause for pattern, cause in own if re.fullmatch(pattern, key)), hint)
            return f"`{name}` has no entry `{key}`. {hint}".strip()
    return ""


def sizes_that_meet(answer: Answer, trials: list[Trial]) -> str:
    """Sizes that do not fit together, by their letters: the same letters on two sets of inputs with other sizes."""
    for pattern, cause, needed in read_table("causes")["sizes"]["crashed"]:
        letters = [
            [compare.size_letters(trial.inputs).get(int(size)) for size in found.groups()]
            for trial in trials[:2]
            if (found := re.search(pattern, str(trial.error)))
        ]
        if len(letters) == 2 and letters[0] == letters[1] and None not in letters[0] and needed in ([], letters[0]):
            return cause.format(*letters[0])
    return ""


def results(answer: Answer, trial: Trial) -> list[tuple]:
    """The name, the returned and the expected tensor of each result; [] if there is none or they do not match."""
    try:
        return compare.match(answer.exercise, trial.got, trial.expected) if trial.error is None else []
    except compare.WrongStructure:
        return []


def same_shapes(answer: Answer, trials: list[Trial]) -> list[tuple]:
    """The results on all sets of inputs that have the expected shape and dtype."""
    found = [pair for trial in trials for pair in results(answer, trial)]
    found = [pair for pair in found if not compare.dtype_problem(answer.exercise, *pair)]
    return [pair for pair in found if not compare.shape_problem(answer.exercise, *pair)]


def changed_in_place(answer: Answer, trials: list[Trial]) -> str:
    """The answer changes its arguments before it has read them for the last time."""
    names = next((list(trial.changed) for trial in trials if trial.changed), None)
    what = f"changes {compare.join_names(names)} in place, and later lines read the changed values" if names else ""
    return f"Your function {what}. Make new tensors." if names else ""


def one_entry(answer: Answer, trials: list[Trial]) -> str:
    """A tuple with a single entry in place of a tensor."""
    got = next(trial.got for trial in trials if trial.problem)
    inside = itertools.islice(got, compare.MAX_ENTRIES) if isinstance(got, (tuple, list)) else ()
    if not any(isinstance(value, tuple) and len(value) == 1 for value in (got, *inside)):
        return ""
    if "grad" in answer.code.attributes:
        return "`torch.autograd.grad` returns a tuple with a gradient for each input, of one input, too: take `[0]`."
    return "Does a comma stand at the end of a line? It makes a tuple."


def other_order(answer: Answer, trials: list[Trial]) -> str:
    """The right tensors, returned in another order."""
    names = list(answer.exercise.returns)
    if len(names) < 2 or not all(isinstance(t.got, (tuple, list)) and len(t.got) == len(names) for t in trials):
        return ""
    for order in itertools.permutations(range(len(names))):
        if all(compare.allclose([trial.got[k] for k in order], list(trial.expected)) for trial in trials):
            return f"The right tensors, in another order: expected {compare.join_names(names)}."
    return ""


def other_shape(answer: Answer, trials: list[Trial]) -> str:
    """The right values in another shape, or what the shape is in letters."""
    for label, got, expected in compare.match(answer.exercise, trials[0].got, trials[0].expected):
        if got.shape == expected.shape:
            continue
        if got.numel() == expected.numel() and compare.isclose(got.reshape(expected.shape), expected).all():
            return f"The values of `{label}` are right, in another shape."
        shapes = [shape_in_letters(answer, label, trial) for trial in trials[:2]]
        if shapes[0] and shapes[0] == shapes[1]:
            return f"In letters, the shape of `{label}` is ({', '.join(shapes[0])})."
    return ""


def shape_in_letters(answer: Answer, label: str, trial: Trial) -> list[str]:
    """The shape of a result in letters; [] where a size has none."""
    known, shapes = compare.size_letters(trial.inputs), {name: got.shape for name, got, _ in results(answer, trial)}
    letters = [known.get(size) for size in shapes.get(label, ())]  # a tuple has other names
    return letters if all(letters) else []


def outside_range(answer: Answer, trials: list[Trial]) -> str:
    """A value that the result cannot have with these arguments."""
    ranges = read_table("causes")["ranges"]
    rows = ranges.get(answer.exercise.name, ranges["results"])
    for trial in trials:
        for label, got, expected in same_shapes(answer, [trial]):
            for names, *bounds, why in rows:
                if label in names:
                    low, high = (eval(b, dict(trial.arguments)) if isinstance(b, str) else b for b in bounds)
                    outside = (got < low - 1e-6) | (got > high + 1e-6)
                    if outside.any() and ((expected >= low) & (expected <= high)).all():
                        furthest = got[outside][(got - (low + high) / 2)[outside].abs().argmax()].item()
                        return f"`{label}` has an entry of {compare.format_number(furthest, 3)}. {why}"
    return ""


def nearly_right(answer: Answer, trials: list[Trial]) -> str:
    """Values that differ from the right ones by little, though by more than rounding."""
    trials = [trial for trial in trials if trial.inputs.dtype == torch.float64]
    pairs = same_shapes(answer, trials)
    off = [float((got - e).abs().max() / e.abs().max().clamp(min=1)) for _, got, e in pairs if e.numel()]
    kinds = [trial.problem.kind for trial in trials if trial.problem]
    if not off or not all(each < 1e-5 for each in off) or set(kinds) != {"value"} or 2 * len(kinds) < len(trials):
        return ""
    near = f"Your values agree with the right ones to about {max(off):.0e}."
    if all(torch.equal(got.float().double(), got.double()) for _, got, _ in pairs):
        return f"{near} They have been through float32: does a `.float()` stand there?"
    return f"{near} Is an epsilon added, or a line computed in float32 (`.float()`)?"


def judged_apart(answer: Answer, trials: list[Trial]) -> str:
    """Which results are right on all sets of inputs, where others are not."""
    right = {}
    for trial in trials:
        pairs = results(answer, trial)
        if not pairs and trial.error is None:
            return ""
        for pair in pairs:
            wrong = compare.result_problem(answer.exercise, [pair], trial.inputs)
            label = re.sub(r"\[\d+\](?=\[)", "[…]", pair[0])  # one for all entries of a list
            right[label] = right.get(label, True) and not wrong
    good, bad = ([label for label in right if right[label] is kind] for kind in (True, False))
    if not good or not bad:
        return ""
    are, not_ = ("is", "are")[len(good) > 1], ("is", "are")[len(bad) > 1]
    return f"{compare.join_names(good)} {are} right; {compare.join_names(bad)} {not_} not."
