"""Causes that are found by running an answer again, on fresh inputs. Each is named only if it holds on all of them."""

import torch
from torch import Tensor

from lstm_lesson.exercises.answer import Answer, Trial
from lstm_lesson.exercises.compare import allclose, format_sizes, join_names, map_tensors
from lstm_lesson.exercises.exercise import fresh_input_sets, input_sets
from lstm_lesson.exercises.result_causes import RESHAPED

TAKE_ARGUMENTS = "An answer takes everything it needs from its arguments, so that it works for any input."
ONES = {"B": "sequence", "T": "step", "N": "input", "K": "class", "H": "unit"}


def reference(answer: Answer, arguments: dict):
    """What the reference returns for copies of these arguments."""
    return answer.exercise.solve()(*map_tensors(torch.clone, arguments).values())


def reads_notebook(answer: Answer, trials: list[Trial]) -> str:
    """The answer reads tensors of the notebook in place of its arguments."""
    names = [name for name in dict.fromkeys(answer.code.tensors) if answer.reads(name, trials[0].arguments)]
    return f"Your function reads {join_names(names)} from the notebook. {TAKE_ARGUMENTS}" if names else ""


def not_repeatable(answer: Answer, trials: list[Trial]) -> str:
    """Second calls with the same inputs return something else, on several sets of inputs."""
    trials = [trial for trial in trials if trial.error is None][:3]
    if not trials:
        return ""
    for trial in trials:
        calls = [answer.run(trial.arguments) for _ in range(2)]
        if all(error is None and allclose(got, trial.got) for got, error in calls):
            return ""
    return "A second call with the same inputs gives something else. Does it keep a value between calls, or draw one?"


def reads_by_order(answer: Answer) -> str:
    """The answer depends on the order in which a dictionary among its arguments holds its entries."""
    names = [name for name, value in answer.exercise.inputs(input_sets()[0]).items() if isinstance(value, dict)]
    for name in names:
        differs = []
        for inputs in fresh_input_sets():
            arguments = answer.exercise.inputs(inputs)
            in_order = {key: arguments[name][key] for key in answer.exercise.inputs(input_sets()[0])[name]}
            backwards = dict(reversed(in_order.items()))
            (got, error), (other, other_error) = (
                answer.run(arguments | {name: entries}) for entries in (in_order, backwards)
            )
            differs.append(error is None and (other_error is not None or not allclose(got, other)))
        if all(differs):
            return f"Your answer goes by the order of the entries of `{name}`, which may be any. Read each by its name."
    return ""


def reads_wrong_places(answer: Answer, trials: list[Trial]) -> str:
    """Right where all sequences and steps of a (B, T, N) argument hold the same numbers, wrong where they do not."""
    if any(trial.error is not None for trial in trials):
        return ""
    for name in (k for k, value in trials[0].arguments.items() if isinstance(value, Tensor) and value.ndim == 3):
        right = []
        for inputs in fresh_input_sets():
            arguments = answer.exercise.inputs(inputs)
            arguments[name] = arguments[name][:1, :1].expand_as(arguments[name]).contiguous()
            got, error = answer.run(arguments)
            right.append(error is None and allclose(got, reference(answer, arguments), answer.exercise.tolerance))
        if all(right):
            reshaped = RESHAPED if {"view", "reshape"} & answer.code.attributes else ""
            return (
                f"Right where all sequences and steps of `{name}` are alike: you read them at wrong places.{reshaped}"
            )
    return ""


def arguments_without_effect(answer: Answer, trials: list[Trial]) -> str:
    """Arguments that change the result of the reference but never the result of the answer."""
    trials = [trial for trial in trials if trial.error is None and 1 not in trial.inputs.sizes.values()]
    idle = [name for name in trials[0].arguments if not has_effect(answer, trials, name)] if trials else []
    if not idle:
        return ""
    they = "does it" if len(idle) == 1 else "do they"
    return f"Your answer stays the same whatever {join_names(idle)} may be. Where {they} enter?"


def has_effect(answer: Answer, trials: list[Trial], name: str) -> bool:
    """Whether some new value of the argument changes the answer; True, too, if none of them changes the reference."""
    counts = 0
    for trial in trials:
        for _ in range(3):
            other = answer.exercise.inputs(trial.inputs)  # drawn anew: the generator goes on to other numbers
            arguments = {**trial.arguments, name: other[name]}
            try:
                counts += not allclose(reference(answer, arguments), trial.expected)
            except ValueError:  # arguments that do not fit together
                continue
            got, error = answer.run(arguments)
            if error is not None or not allclose(got, trial.got):
                return True
    return counts < 3


# Right for some inputs


def right_for_some_inputs(answer: Answer, trials: list[Trial]) -> str:
    """For which of the inputs the answer is right; "" if for none."""
    fits = [trial.problem is None for trial in trials]
    if not any(fits):
        return ""
    wrong = next(trial for trial in trials if trial.problem)
    return (
        right_for_some_kinds(trials)
        or right_for_alike_masks(answer, trials)
        or right_for_small_values(answer, trials)
        or right_for_some_sizes(answer, trials)
        or f"Right for {sum(fits)} of {len(fits)} sets of inputs, not for this one{format_sizes(wrong.inputs)}."
    )


def right_for_some_kinds(trials: list[Trial]) -> str:
    """Right where an argument is a tuple and wrong where it is one tensor, or the other way round."""
    fits = [trial.problem is None for trial in trials]
    for name in trials[0].arguments:
        is_tuple = [isinstance(trial.arguments[name], tuple) for trial in trials]
        if fits == is_tuple and not all(fits):
            return f"Right where `{name}` is a tuple. Here it is one tensor."
        if fits == [not one for one in is_tuple] and not all(fits):
            return f"Right where `{name}` is one tensor. Here it is a tuple."
    return ""


def right_for_alike_masks(answer: Answer, trials: list[Trial]) -> str:
    """Right only where a mask is all True or all False."""
    fits = [trial.problem is None for trial in trials]
    for name, value in trials[0].arguments.items():
        if isinstance(value, Tensor) and value.dtype == torch.bool:
            alike = [trial.arguments[name].unique().numel() == 1 for trial in trials]
            if fits == alike and outcome(answer, keep=True) == outcome(answer, keep=False) == "right":
                return (
                    f"Right only where all entries of `{name}` are the same. Where they differ, each counts for itself."
                )
    return ""


def right_for_small_values(answer: Answer, trials: list[Trial]) -> str:
    """Wrong only where the inputs are large."""
    fits = [trial.problem is None for trial in trials]
    if fits != [not trial.inputs.reach for trial in trials]:
        return ""
    if outcome(answer) != "right" or outcome(answer, scale=10.0, reach=50.0) != "wrong":
        return ""
    return "Right for small numbers, wrong for large ones. Is a limit set, or does something overflow?"


def right_for_some_sizes(answer: Answer, trials: list[Trial]) -> str:
    """The sizes for which an answer is right, or is not."""
    fits = [trial.problem is None for trial in trials]
    letters = [k for k in sorted(trials[0].inputs.letters_used) if k in trials[0].inputs.sizes]  # not 4H
    usual = outcome(answer)
    ones = {letter: outcome(answer, **{letter: 1}) for letter in letters}
    wrong, right = ([k for k in letters if ones[k] == kind] for kind in ("wrong", "right"))
    if usual == "right" and wrong and len(wrong) + len(right) == len(letters):
        names = " or ".join(f"{letter} = 1" for letter in wrong)
        return f"Right except for {names}. Does a `squeeze` drop a dimension that has to stay?"
    if usual == "wrong" and len(right) == 1 and len(wrong) == len(letters) - 1:
        one = ONES[right[0]]
        return f"Right for {right[0]} = 1 only. With one {one}, a transpose or a sum over the {one}s changes nothing."
    for letter in letters:
        sizes = [trial.inputs.sizes[letter] for trial in trials]
        good, bad = ({size for size, fit in zip(sizes, fits, strict=True) if fit is kind} for kind in (True, False))
        for size in good - bad - {1}:
            if usual == "wrong" and outcome(answer, **{letter: size}) == "right":
                names = [name for name, number in answer.code.numbers.items() if number == size]
                given = f" {join_names(names)} of the notebook is {size}." if names else ""
                return f"Right where {letter} = {size} only: does a number stand where a size belongs?{given}"
        top, least = max(good), min(bad)
        if (
            top < least
            and outcome(answer, **{letter: top}) == "right"
            and outcome(answer, **{letter: least}) == "wrong"
        ):
            return f"Right up to {letter} = {top}, wrong for {letter} = {least}."
    return ""


def outcome(answer: Answer, scale: float = 1.0, reach: float = 0.0, keep: bool | None = None, **sizes: int) -> str:
    """Whether the answer is "right" on all of several fresh inputs, or "wrong" on all of them; "" if neither."""
    found = set()
    for inputs in fresh_input_sets(**sizes):
        inputs.scale, inputs.reach, inputs.keep = scale, reach, keep
        trial = answer.try_on(inputs)
        if all(trial.inputs.sizes[letter] == size for letter, size in sizes.items()):
            found.add("wrong" if trial.problem else "right")
    return found.pop() if len(found) == 1 else ""
