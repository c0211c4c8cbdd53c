"""Find the cause of a wrong answer: a known mistake, or what often leads to a problem of its kind.

Each function below looks for one cause; it returns a sentence or two for the learner, or "" if that is not the cause.
"""

import itertools
import traceback
from collections.abc import Callable, Iterator

import torch

from lstm_lesson.exercises.answer import Answer, Trial
from lstm_lesson.exercises.compare import (
    Problem,
    allclose,
    format_sizes,
    gradient_problem,
    input_gradients,
    isclose,
    join_names,
    map_tensors,
    match,
)
from lstm_lesson.exercises.exercise import Exercise, Mistake, exercises, square_input_sets

TAKE_ARGUMENTS = "An answer takes everything it needs from its arguments, so that it works for any input."


def diagnose(answer: Answer, trials: list[Trial], problem: Problem) -> str:
    """The first cause that is found, in one or two sentences; "" if none is. The problem itself is not repeated."""
    return next(filter(None, possible_causes(answer, trials, problem)), "")


def possible_causes(answer: Answer, trials: list[Trial], problem: Problem) -> Iterator[str]:
    """The causes that fit this kind of problem, the most certain first."""
    exercise = answer.exercise
    if problem.kind == "global":
        yield TAKE_ARGUMENTS
    if problem.kind == "gradient":
        yield known_gradient_mistake(exercise, trials)
        yield detached_result(problem.text)
    if problem.kind == "backward":
        yield backward_error(problem.text)
    if problem.kind in ("changed", "global", "gradient", "backward"):
        return
    if problem.kind == "crashed":
        yield unsolved_exercise(answer, trials)
    yield known_mistake(answer, trials)
    if problem.kind in ("type", "dtype"):  # the problem's own text is enough
        return
    if problem.kind == "crashed":
        yield single_value_needed(problem.text)
    yield other_order(list(exercise.returns), trials)
    if problem.kind == "shape":
        yield other_shape(exercise, trials[0])
    yield changed_in_place(trials)
    yield reads_notebook(answer, trials)
    yield not_repeatable(answer, trials[0])
    if problem.kind != "crashed":
        yield arguments_without_effect(answer, trials)
    yield right_for_some_sizes(trials)


# Known mistakes


def known_mistake(answer: Answer, trials: list[Trial]) -> str:
    """The cause of a known mistake, if that mistake and the answer return the same on every set of inputs."""
    if not answer.exercise.mistakes:
        return ""
    trials = trials + [answer.try_on(inputs) for inputs in square_input_sets()]
    if all(trial.error is None and allclose(trial.got, trial.expected) for trial in trials):
        return ""  # only its dtype is wrong
    trials.sort(key=lambda trial: trial.inputs.sizes["T"])  # the quickest first: one trial excludes most mistakes
    tolerance = answer.exercise.tolerance
    mistakes = answer.exercise.mistakes
    return next((mistake.cause for mistake in mistakes if agrees(mistake, trials, tolerance)), "")


def known_gradient_mistake(exercise: Exercise, trials: list[Trial]) -> str:
    """The cause of the known mistake that has right values and the same wrong gradients as the answer."""
    for mistake in exercise.mistakes:
        if agrees(mistake, trials) and all(
            gradient_problem(trial.gradients, input_gradients(mistake.answer, trial.arguments)) is None
            for trial in trials
            if trial.inputs.dtype == torch.float64
        ):
            return mistake.cause
    return ""


def agrees(mistake: Mistake, trials: list[Trial], tolerance: float = 0.0) -> bool:
    """Whether a mistake returns what the answer returned, and raises an exception where the answer did.

    If the answer raised on every set of inputs, the exceptions have to be the same, word by word.
    """
    never_ran = all(trial.error is not None for trial in trials)
    for trial in trials:
        value, error = run_copy(mistake.answer, trial.arguments)
        if (error is None) != (trial.error is None):
            return False
        if error is None and not allclose(value, trial.got, tolerance):
            return False
        if never_ran and (type(error), str(error)) != (type(trial.error), str(trial.error)):
            return False
    return True


def run_copy(f: Callable, arguments: dict) -> tuple[object, Exception | None]:
    """Run a function of the package on copies of the arguments -> (what it returned, the exception it raised)."""
    try:
        return f(*map_tensors(torch.clone, arguments).values()), None
    except Exception as error:
        return None, error


# Exceptions


def unsolved_exercise(answer: Answer, trials: list[Trial]) -> str:
    """The answer calls another exercise that is still a stub."""
    error = next(trial.error for trial in trials if trial.error is not None)
    functions = [frame.name for frame in traceback.extract_tb(error.__traceback__, limit=-40)]
    called = functions[-1:] if isinstance(error, NotImplementedError) else answer.code.empty_functions
    name = next((name for name in called if name in exercises() and name != answer.exercise.name), None)
    if name is None:
        return ""
    package = exercises()[name].reference
    return f"`{name}`, which you call, is still open. Solve it first, or call the package's `{package}`."


def single_value_needed(text: str) -> str:
    """A whole tensor where Python needs one number, or one True or False."""
    if "one element tensors" in text or "cannot be converted to Scalar" in text:
        return "A whole tensor comes where one number is wanted: `math`, `float(…)`, `.item()`, `torch.tensor([…])`."
    if "Boolean value of Tensor" in text:
        return "Python's `if`, `and`, `not`, `min` and `max` want one yes or no, and a whole tensor of them comes."
    return ""


def backward_error(text: str) -> str:
    """What often makes the backward pass raise an exception where the forward pass is right."""
    if "numpy()" in text:
        return "A NumPy function is at work inside, and NumPy knows no gradients: stay with torch throughout."
    if "inplace operation" in text:
        return (
            "A tensor is written over in place (`h[:] = …`, `+=`, `copy_`) whose old values the backward pass "
            "still needs."
        )
    return ""


def detached_result(text: str) -> str:
    """The result is detached from the autograd graph (it has no grad_fn)."""
    if "no gradient" not in text:
        return ""
    return (
        "The result is cut from the graph. Look for `.detach()`, `.data`, `.item()`, `.numpy()`, `torch.no_grad()` "
        "or a new `torch.tensor(…)` around values that were computed."
    )


# Wrong values


def other_order(names: list[str], trials: list[Trial]) -> str:
    """The right tensors, returned in another order."""
    if len(names) < 2 or not all(isinstance(t.got, (tuple, list)) and len(t.got) == len(names) for t in trials):
        return ""
    for order in itertools.permutations(range(len(names))):
        if all(allclose([trial.got[k] for k in order], list(trial.expected)) for trial in trials):
            return f"The right tensors, in another order: expected {', '.join(names)}."
    return ""


def other_shape(exercise: Exercise, trial: Trial) -> str:
    """The right values with dimensions swapped, added or dropped."""
    for label, got, expected in match(exercise, trial.got, trial.expected):
        if got.shape == expected.shape:
            continue
        if got.numel() == expected.numel() and isclose(got.reshape(expected.shape), expected).all():
            return f"The values of `{label}` are right, in another shape."
        for order in itertools.permutations(range(got.ndim)) if got.ndim == expected.ndim <= 4 else ():
            turned = got.permute(order)
            if turned.shape == expected.shape and isclose(turned, expected).all():
                return f"The values of `{label}` are right, but its dimensions stand in another order."
    return ""


def changed_in_place(trials: list[Trial]) -> str:
    """The answer changes its arguments before it has read them for the last time."""
    names = next((list(trial.changed) for trial in trials if trial.changed), None)
    if not names:
        return ""
    return (
        f"Your function changes {join_names(names)} in place, and later lines read the changed values. "
        "Make new tensors."
    )


def reads_notebook(answer: Answer, trials: list[Trial]) -> str:
    """The answer reads data of the notebook in place of its arguments."""
    names = list(dict.fromkeys(answer.code.tensors))
    if not names and any(trial.problem is None for trial in trials):
        names = list(dict.fromkeys(answer.code.numbers))  # a size that fits some inputs only
    return f"Your function reads {join_names(names)} from the notebook. {TAKE_ARGUMENTS}" if names else ""


def not_repeatable(answer: Answer, trial: Trial) -> str:
    """A second call with the same inputs returns something else."""
    if trial.error is not None:
        return ""
    again, error = answer.run(trial.arguments)
    if error is None and allclose(again, trial.got):
        return ""
    return "A second call with the same inputs gives something else. Does it keep a value between calls, or draw one?"


def arguments_without_effect(answer: Answer, trials: list[Trial]) -> str:
    """Arguments that change the result of the reference but not the result of the answer."""
    idle = [name for name in trials[0].arguments if not has_effect(answer, trials[:3], name)]
    if not idle:
        return ""
    they = "does it" if len(idle) == 1 else "do they"
    return f"Your answer stays the same whatever {join_names(idle)} may be. Where {they} enter?"


def has_effect(answer: Answer, trials: list[Trial], name: str) -> bool:
    """Whether a new value of the argument changes the answer, in the first trial in which it changes the reference."""
    for trial in trials:
        other = answer.exercise.inputs(trial.inputs)  # drawn anew: the generator goes on to other numbers
        arguments = {**trial.arguments, name: other[name]}
        expected, error = run_copy(answer.exercise.solve(), arguments)
        if error is not None or allclose(expected, trial.expected):
            continue
        got, error = answer.run(arguments)
        return error is not None or trial.error is not None or not allclose(got, trial.got)
    return True


def right_for_some_sizes(trials: list[Trial]) -> str:
    """The answer is right on some sets of inputs; the sentence says for which sizes it is not."""
    fits = [trial.problem is None for trial in trials]
    if not any(fits) or len(trials) < 2:
        return ""
    first = trials[0].inputs
    for letter in sorted(first.letters_used & set(first.sizes)):  # not 4H, which follows from H
        is_one = [trial.inputs.sizes[letter] == 1 for trial in trials]
        if fits == is_one:
            return f"Right for {letter} = 1 only: it does not work for larger {letter}."
        if fits == [not one for one in is_one]:
            return f"Right except for {letter} = 1. Does a `squeeze` drop a dimension that has to stay?"
    if fits == [1 not in (trial.inputs.sizes.get(s) for s in trial.inputs.letters_used) for trial in trials]:
        return "Right until a dimension has size 1. Does a `squeeze` drop a dimension that has to stay?"
    wrong = next(trial for trial in trials if trial.problem)
    return f"Right for {sum(fits)} of {len(trials)} sets of inputs, not for this one{format_sizes(wrong.inputs)}."
