"""Causes of an exception, read from its text and from the arguments of the call that raised it."""

import difflib
import re

from lstm_lesson.exercises.answer import Answer, Trial
from lstm_lesson.exercises.compare import CANDIDATE, Problem, size_letters
from lstm_lesson.exercises.exercise import exercises

KNOWN = (  # the kind of a problem, what its text has, and the cause
    ("crashed", "one element tensors|cannot be converted to Scalar",
     "A whole tensor comes where one number is wanted: `math.log` (torch has `torch.log`), `float(…)`, `.item()`, "
     "`torch.tensor([…])`."),
    ("crashed", "Boolean value of Tensor",
     "Python's `if`, `and`, `not`, `min` and `max` want one yes or no, and a whole tensor of them comes."),
    ("crashed", "'bool' object is not subscriptable",
     "There is one `True` or `False`, not one for each entry. Is a tensor compared with something else? "
     "`max(dim=…)` returns a pair, for example: take its `.indices`."),
    ("backward", r"numpy\(\)",
     "A NumPy function is at work inside, and NumPy knows no gradients: stay with torch throughout."),
    ("backward", "inplace operation",
     "A tensor is written over in place (`h[:] = …`, `+=`, `copy_`) whose old values the backward pass still needs."),
    ("gradient", "no gradient",
     "The result is cut from the graph. Look for `.detach()`, `.data`, `.item()`, `.numpy()`, `torch.no_grad()` or a "
     "new `torch.tensor(…)` around values that were computed."),
)  # fmt: skip


def unsolved_exercise(answer: Answer, trials: list[Trial]) -> str:
    """The answer calls another exercise that is still a stub, and may catch the exception of that."""
    for name, stub in answer.code.stubs.items():
        exercise = exercises().get(name)
        if exercise and Answer(exercise, stub, answer.sandbox).is_stub() and answer.calls(name, trials[0].arguments):
            package = exercise.reference
            return f"`{name}`, which you call, is still open. Solve it first, or call the package's `{package}`."
    return ""


def known_error(problem: Problem) -> str:
    """A cause that the text of a problem of this kind tells."""
    found = (cause for kind, pattern, cause in KNOWN if kind == problem.kind and re.search(pattern, problem.text))
    return next(found, "")


def detached_in_place(problem: Problem) -> str:
    """A crash of `detach_`."""
    if problem.kind != "crashed" or not re.search("'detach_'|detach views in-place", problem.text):
        return ""
    where = "and so that of the caller's own tensor if it was handed in"
    return f"`detach_` cuts the history of the tensor itself, {where}. `detach` leaves it, and returns a new tensor."


def all_turned_round(trials: list[Trial]) -> str:
    """`.T` of an argument with three dimensions, in the line that raised."""
    trial = next(trial for trial in trials if trial.problem)
    for name, value in trial.arguments.items():
        if getattr(value, "ndim", 0) == 3 and re.search(rf"\b{name}[.]T\b", trial.problem.text):
            return f"`{name}.T` turns round all three dimensions, the batch as well: `.mT` swaps the last two."
    return ""


def missing_entry(trials: list[Trial]) -> str:
    """A name that a dictionary among the arguments does not have."""
    trial = next(trial for trial in trials if trial.problem)
    if not isinstance(trial.error, KeyError) or not trial.error.args:
        return ""
    key = str(trial.error.args[0])
    for name, value in trial.arguments.items():
        if isinstance(value, dict) and key not in value:
            close = [k for k in value if sorted(k) == sorted(key)] or difflib.get_close_matches(key, value, n=1)
            hint = CANDIDATE if re.fullmatch(r"(W_x|W_h|b_)g", key) else f"Did you mean `{close[0]}`?" if close else ""
            return f"`{name}` has no entry `{key}`. {hint}".strip()
    return ""


def sizes_that_meet(trials: list[Trial]) -> str:
    """Sizes that do not fit together, by their letters: the same letters on two sets of inputs with other sizes."""

    def found(pattern):
        named = []
        for trial in trials[:2]:
            match, letters = re.search(pattern, str(trial.error)), size_letters(trial.inputs)
            named.append(match and [letters.get(int(number)) for number in match.groups()])
        return named[0] if named[0] == named[1] and None not in (named[0] or [None]) else None

    if sizes := found(r"\((\d+)x(\d+) and (\d+)x(\d+)\)"):
        a, b, c, d = sizes
        return f"A matrix product of ({a}, {b}) and ({c}, {d}): the two sizes in the middle have to be the same."
    if sizes := found(r"tensor a \((\d+)\) must match the size of tensor b \((\d+)\)"):
        return f"Two tensors meet entry by entry, one with {sizes[0]} entries along a dimension, one with {sizes[1]}."
    if (sizes := found(r"unpack \(expected \d+, got (\d+)\)")) and sizes[0] == "B":
        return (
            "What you unpack has B parts: `for`, `chunk`, `split` go along the first dimension, the batch, unless told."
        )
    if sizes := re.search(r"same number of dimensions: got (\d) and (\d)", str(trials[0].error)):
        return f"Of the tensors that you join, one has {sizes[1]} dimensions, another {sizes[2]}."
    return ""
