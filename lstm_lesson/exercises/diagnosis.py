"""Why an answer is wrong: the known wrong answers first, then what commonly lies behind a fault of its kind."""

import itertools
import traceback
from collections.abc import Callable

import torch
from torch import Tensor

from lstm_lesson.exercises.compare import Fault, align, alike, close, gradient_fault, gradients, listed, rebuild, sizes
from lstm_lesson.exercises.exercise import exercises, square_draws


def diagnose(examination, fault: Fault) -> str:
    """One or two sentences on the cause, or nothing where none is found; the fault itself is told elsewhere."""
    if fault.kind in ("changed", "global"):
        return "" if fault.kind == "changed" else TAKE_ARGUMENTS
    if fault.kind == "gradient":
        return known_gradient(examination) or cut_graph(fault)
    if fault.kind == "backward":
        return no_way_back(fault)
    looks = [open_exercise, known]
    if fault.kind not in ("type", "dtype"):  # there, what came back says enough
        looks += [one_number, another_order, another_shape, in_place, from_the_notebook, unsteady, ignored, one_size]
    return next((cause for look in looks if (cause := look(examination, fault))), "")


TAKE_ARGUMENTS = "An answer takes everything it needs from its arguments, so that it works for any input."


def known(examination, fault: Fault) -> str:
    """The cause of the known wrong answer that does the same on every draw."""
    if not examination.exercise.mistakes:
        return ""
    trials = examination.trials + [examination.attempt(draw) for draw in square_draws()]
    if all(trial.error is None and alike(trial.got, trial.expected) for trial in trials):
        return ""  # right but for its dtype
    for mistake in examination.exercise.mistakes:
        if all_agree(mistake.answer, trials, examination.exercise.slack):
            return mistake.cause
    return ""


def all_agree(answer: Callable, trials: list, slack: float = 0.0) -> bool:
    """Whether `answer` gives what was got on every draw that ran, and runs on the same draws.

    Where none ran, it has to raise the same error, word by word with its sizes, on every draw.
    """
    runs = any(trial.error is None for trial in trials)
    for trial in trials:
        value, error = quietly(answer, trial.arguments)
        if (error is None) != (trial.error is None):
            return False
        if error is None and not alike(value, trial.got, slack):
            return False
        if not runs and (type(error), str(error)) != (type(trial.error), str(trial.error)):
            return False
    return True


def open_exercise(examination, fault: Fault) -> str:
    """An exercise that the answer calls, and that is not solved yet in this notebook."""
    if fault.kind != "crashed":
        return ""
    error = next(trial.error for trial in examination.trials if trial.error is not None)
    frames = [frame.name for frame in traceback.extract_tb(error.__traceback__, limit=-40)]
    called = frames[-1:] if isinstance(error, NotImplementedError) else examination.reads.idle_calls
    name = next((name for name in called if name in exercises() and name != examination.exercise.name), None)
    if name is None:
        return ""
    package = exercises()[name].reference
    return f"`{name}`, which you call, is still open. Solve it first, or call the package's `{package}`."


def quietly(answer: Callable, arguments: dict) -> tuple[object, Exception | None]:
    """Run a known answer on its own copy of the inputs: what it returns, or the exception it ends with."""
    try:
        return answer(*rebuild(arguments, torch.clone).values()), None
    except Exception as error:
        return None, error


def known_gradient(examination) -> str:
    """The same for answers whose values are right: here the gradients are compared."""
    for mistake in examination.exercise.mistakes:
        if all_agree(mistake.answer, examination.trials) and all(
            gradient_fault(trial.gradients, gradients(mistake.answer, trial.arguments)) is None
            for trial in examination.trials
            if trial.draw.dtype == torch.float64
        ):
            return mistake.cause
    return ""


def cut_graph(fault: Fault) -> str:
    """What commonly keeps gradients from going back."""
    if "no gradient" not in fault.text:
        return ""
    return (
        "The result is cut from the graph. Look for `.detach()`, `.data`, `.item()`, `.numpy()`, `torch.no_grad()` "
        "or a new `torch.tensor(…)` around values that were computed."
    )


def one_number(examination, fault: Fault) -> str:
    """A whole tensor where Python wants a single number, or a single yes or no."""
    if fault.kind != "crashed":
        return ""
    if "one element tensors" in fault.text or "cannot be converted to Scalar" in fault.text:
        return "A whole tensor comes where one number is wanted: `math`, `float(…)`, `.item()`, `torch.tensor([…])`."
    if "Boolean value of Tensor" in fault.text:
        return "Python's `if`, `and`, `not`, `min` and `max` want one yes or no, and a whole tensor of them comes."
    return ""


def no_way_back(fault: Fault) -> str:
    """What commonly makes the way back raise an error, where the way forward is right."""
    if "numpy()" in fault.text:
        return "A NumPy function is at work inside, and NumPy knows no gradients: stay with torch throughout."
    if "inplace operation" in fault.text:
        return (
            "A tensor is written over in place (`h[:] = …`, `+=`, `copy_`) whose old values the way back still needs."
        )
    return ""


def another_order(examination, fault: Fault) -> str:
    """The right tensors, returned in another order."""
    first = examination.trials[0]
    names = list(examination.exercise.returns)
    if len(names) < 2 or not isinstance(first.got, (tuple, list)) or len(first.got) != len(names):
        return ""
    for order in itertools.permutations(range(len(names))):
        if all(
            isinstance(trial.got, (tuple, list))
            and len(trial.got) == len(names)
            and alike([trial.got[k] for k in order], list(trial.expected))
            for trial in examination.trials
        ):
            return f"The right tensors, in another order: expected {', '.join(names)}."
    return ""


def another_shape(examination, fault: Fault) -> str:
    """The right values with dimensions swapped, added or dropped."""
    if fault.kind != "shape":
        return ""
    pairs = align(examination.exercise, examination.trials[0].got, examination.trials[0].expected)
    for label, got, expected in pairs if isinstance(pairs, list) else []:
        if got.shape == expected.shape:
            continue
        if got.numel() == expected.numel() and same(got.reshape(expected.shape), expected):
            return f"The values of `{label}` are right, in another shape."
        for order in itertools.permutations(range(got.ndim)) if got.ndim == expected.ndim <= 4 else ():
            if same(got.permute(order), expected):
                return f"The values of `{label}` are right, but its dimensions stand in another order."
    return ""


def same(got: Tensor, expected: Tensor) -> bool:
    """Whether two tensors agree in shape and, up to rounding, in values."""
    return got.shape == expected.shape and bool(close(got, expected).all())


def in_place(examination, fault: Fault) -> str:
    """Arguments that are changed on the way to the answer."""
    names = next((list(trial.changed) for trial in examination.trials if trial.changed), None)
    if not names:
        return ""
    return f"Your function changes {listed(names)} in place, and later lines read the changed values. Make new tensors."


def from_the_notebook(examination, fault: Fault) -> str:
    """Data of the notebook that the answer reads in place of its arguments."""
    names = list(dict.fromkeys(examination.reads.tensors))
    if not names and any(trial.fault is None for trial in examination.trials):
        names = list(dict.fromkeys(examination.reads.numbers))  # a size that fits some inputs only
    return f"Your function reads {listed(names)} from the notebook. {TAKE_ARGUMENTS}" if names else ""


def unsteady(examination, fault: Fault) -> str:
    """Another answer at a second call with the same inputs."""
    trial = examination.trials[0]
    if trial.error is not None:
        return ""
    again, error = examination.caller(examination.f, *rebuild(trial.arguments, torch.clone).values())
    if error is None and alike(again, trial.got):
        return ""
    return "A second call with the same inputs gives something else. Does it keep a value between calls, or draw one?"


def ignored(examination, fault: Fault) -> str:
    """Arguments that make no difference to the answer, and do to the reference."""
    if fault.kind == "crashed":
        return ""
    idle = [name for name in examination.trials[0].arguments if not makes_a_difference(examination, name)]
    if not idle:
        return ""
    they = "does it" if len(idle) == 1 else "do they"
    return f"Your answer stays the same whatever {listed(idle)} may be. Where {they} enter?"


def makes_a_difference(examination, name: str) -> bool:
    """Whether another value of the argument changes the answer, where it changes the reference's."""
    for trial in examination.trials[:3]:
        other = examination.exercise.inputs(trial.draw)  # the draw goes on to new numbers
        arguments = {**trial.arguments, name: other[name]}
        expected, error = quietly(examination.reference, arguments)
        if error is not None or alike(expected, trial.expected):
            continue
        got, error = examination.caller(examination.f, *rebuild(arguments, torch.clone).values())
        return error is not None or trial.error is not None or not alike(got, trial.got)
    return True


def one_size(examination, fault: Fault) -> str:
    """An answer that is right on some draws: say at which sizes it is not."""
    right = [trial for trial in examination.trials if trial.fault is None]
    if not right or len(examination.trials) < 2:
        return ""
    first = examination.trials[0].draw
    fits = [trial.fault is None for trial in examination.trials]
    for letter in sorted(first.used & set(first.sizes)):  # 4H follows from H
        ones = [trial.draw.sizes[letter] == 1 for trial in examination.trials]
        if fits == ones:
            return f"Right for {letter} = 1 only: it does not work for larger {letter}."
        if fits == [not one for one in ones]:
            return f"Right except for {letter} = 1. Does a `squeeze` drop a dimension that has to stay?"
    if fits == [1 not in (trial.draw.sizes.get(s) for s in trial.draw.used) for trial in examination.trials]:
        return "Right until a dimension has size 1. Does a `squeeze` drop a dimension that has to stay?"
    wrong = next(trial for trial in examination.trials if trial.fault)
    return f"Right for {len(right)} of {len(examination.trials)} sets of inputs, not for this one{sizes(wrong.draw)}."
