"""Causes that are found by running an answer again, on fresh inputs. Each is named only if it holds on all of them."""

import inspect
import itertools
import types
from dataclasses import replace

import torch

from lstm_lesson.exercises.answer import Answer, Trial
from lstm_lesson.exercises.causes import judged_apart
from lstm_lesson.exercises.compare import AXES, allclose, format_sizes, gradient_problem, input_gradients, join_names
from lstm_lesson.exercises.edits import find_edits
from lstm_lesson.exercises.exercise import exercises, input_sets
from lstm_lesson.exercises.search import Returned


def reads_notebook(answer: Answer, trials: list[Trial], among: set[str] | None = None) -> str:
    """The answer reads tensors of the notebook, or those `among` them, in place of its arguments."""
    names = [name for name in dict.fromkeys(answer.code.tensors) if among is None or name in among]
    names = [name for name in names if answer.reads(name, trials[0].arguments)]
    take = "An answer takes everything it needs from its arguments, so that it works for any input."
    return f"Your function reads {join_names(names)} from the notebook. {take}" if names else ""


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


def reads_by_order(answer: Answer, trials: list[Trial]) -> str:
    """The answer depends on the order in which a dictionary among its arguments holds its entries."""
    usual = answer.exercise.inputs(input_sets()[0])
    for name in (name for name, value in usual.items() if isinstance(value, dict)):
        differs = []
        for inputs in input_sets("fresh"):
            arguments = answer.exercise.inputs(inputs)
            in_order = {key: arguments[name][key] for key in usual[name]}
            orders = in_order, in_order, dict(reversed(in_order.items()))
            (got, error), (again, _), (other, _) = (answer.run(arguments | {name: order}) for order in orders)
            differs.append(error is None and allclose(got, again) and not allclose(got, other))
        if all(differs):
            return f"Your answer goes by the order of the entries of `{name}`, which may be any. Read each by its name."
    return ""


def arguments_without_effect(answer: Answer, trials: list[Trial]) -> str:
    """Arguments that change the result of the reference but never the result of the answer."""
    trials = [trial for trial in trials if trial.error is None and 1 not in trial.inputs.sizes.values()]
    trials = [trial for trial in trials if not Returned(trial.got).is_nan()]  # it may be NaN for many reasons
    idle = [name for name in trials[0].arguments if not has_effect(answer, trials, name)] if trials else []
    if not idle:
        return ""
    they = "does it" if len(idle) == 1 else "do they"
    return f"Your answer stays the same whatever {join_names(idle)} may be. Where {they} enter?"


def has_effect(answer: Answer, trials: list[Trial], name: str) -> bool:
    """Whether some new value of the argument changes the answer; True, too, if none of them changes the reference."""
    counts = 0
    for trial, keep in itertools.product(trials, (None, True, False)):
        inputs = replace(trial.inputs, keep=keep)
        inputs.random = trial.inputs.random  # which goes on to other numbers
        arguments = {**trial.arguments, name: answer.exercise.inputs(inputs)[name]}
        try:
            counts += not allclose(answer.expected(arguments), trial.expected)
        except ValueError:  # arguments that do not fit together
            continue
        got, error = answer.run(arguments)
        if error is not None or not allclose(got, trial.got):
            return True
    return counts < 3


def right_in_part(answer: Answer, trials: list[Trial]) -> str:
    """Which results are right, where others are not, and for which of the inputs the answer is right."""
    apart, fits = judged_apart(answer, trials), [trial.problem is None for trial in trials]
    if not any(fits):
        return apart
    wrong = next(trial for trial in trials if trial.problem)
    sizes = (
        right_for_some_kinds(answer, trials)
        or right_for_small_values(answer, trials)
        or right_for_some_sizes(answer, trials)
        or f"Right for {sum(fits)} of {len(fits)} sets of inputs, not for this one{format_sizes(wrong.inputs)}."
    )
    return f"{apart} {sizes}".strip()


def right_for_some_kinds(answer: Answer, trials: list[Trial]) -> str:
    """Right where an argument is a tuple and wrong where it is one tensor, or the other way round."""
    fits = [trial.problem is None for trial in trials]
    for name in trials[0].arguments:
        kinds = ["a tuple" if isinstance(trial.arguments[name], tuple) else "one tensor" for trial in trials]
        right, wrong = ({kind for kind, fit in zip(kinds, fits, strict=True) if fit is each} for each in (True, False))
        if len(right) == len(wrong) == 1 and right != wrong:
            return f"Right where `{name}` is {right.pop()}. Here it is {wrong.pop()}."
    return ""


def right_for_small_values(answer: Answer, trials: list[Trial]) -> str:
    """Wrong only where the inputs are large."""
    fits = [trial.problem is None for trial in trials]
    if fits != [not trial.inputs.reach for trial in trials]:
        return ""
    if outcome(answer) != "right" or outcome(answer, scale=10.0, reach=50.0) != "wrong":
        return ""
    return "Right for small numbers, wrong for large ones. Is a limit set, or does something overflow?"


def right_for_some_sizes(answer: Answer, trials: list[Trial], gradient: bool = False) -> str:
    """The sizes for which an answer, or its gradient, is right or is not."""
    fits = [trial.problem is None for trial in trials]
    sizes = {k: [trial.inputs.sizes[k] for trial in trials] for k in sorted(trials[0].inputs.letters_used - {"4H"})}
    usual = outcome(answer, gradient)
    wrong = [letter for letter in sizes if outcome(answer, gradient, **{letter: 1}) == "wrong"]
    if usual == "right" and fits == [all(sizes[k][n] > 1 for k in wrong) for n in range(len(trials))]:
        names = " or ".join(f"{letter} = 1" for letter in wrong)
        return f"Right except for {names}. Does a `squeeze` drop a dimension that has to stay?"
    for letter, each in sizes.items():
        good, bad = ({size for size, fit in zip(each, fits, strict=True) if fit is kind} for kind in (True, False))
        if not good or not bad or max(good) not in good - bad:
            continue
        top, least = max(good), min(bad)
        if len(good) == 1 and usual == "wrong" and outcome(answer, gradient, **{letter: top}) == "right":
            why = f": does a number stand where a size belongs?{constants(answer, top)}"
            why = why if top > 1 else f". With one {AXES[letter]}, a sum, a mean or a transpose changes nothing."
            return f"Right for {letter} = {top} only{why}"
        if top < least and [outcome(answer, gradient, **{letter: n}) for n in (top, least)] == ["right", "wrong"]:
            return f"Right up to {letter} = {top}, wrong for {letter} = {least}.{constants(answer, top)}"
    return ""


def constants(answer: Answer, size: int) -> str:
    """The numbers of the notebook that the answer names and that equal a size."""
    names = [name for name, number in answer.code.numbers.items() if number == size]
    return f" {join_names(names)} of the notebook is {size}." if names else ""


def gradients_right_for_some_sizes(answer: Answer, trials: list[Trial]) -> str:
    """The sizes for which the gradients are right, where they are not for others."""
    found = right_for_some_sizes(answer, [trial for trial in trials if trial.inputs.dtype == torch.float64], True)
    return f"The gradients are right{found.removeprefix('Right')}" if found else ""


def outcome(answer: Answer, gradient: bool = False, scale=1.0, reach=0.0, **sizes: int) -> str:
    """Whether the answer is "right" on all of several fresh inputs, or "wrong" on all of them; "" if neither."""
    found = set()
    for inputs in input_sets("fresh", **sizes):
        trial = answer.try_on(replace(inputs, scale=scale, reach=reach))
        problem = trial.problem
        if gradient and problem is None:
            got, _ = answer.sandbox(input_gradients, answer.f, trial.arguments)
            problem = gradient_problem(got, input_gradients(answer.exercise.solve(), trial.arguments))
        if all(trial.inputs.sizes[letter] == size for letter, size in sizes.items()):
            found.add("wrong" if problem else "right")
    return found.pop() if len(found) == 1 else ""


def own_step(answer: Answer) -> str:
    """A loop calls the learner's own step: which of the two is wrong, found with the right step inside.

    "" if the loop calls no step of the notebook, or a right one.
    """
    from lstm_lesson.exercises.grading import first_problem, run_trials  # grading asks this module for causes

    name = answer.exercise.step
    loop, step = inspect.unwrap(answer.f), getattr(answer.f, "__globals__", {}).get(name)
    if not isinstance(loop, types.FunctionType) or not isinstance(step, types.FunctionType):
        return ""
    if name not in loop.__code__.co_names:
        return ""
    own = Answer(exercises()[name], step, answer.sandbox)
    if first_problem(own, run_trials(own)) is None:
        return ""
    inside = {**loop.__globals__, name: exercises()[name].solve()}
    mended = types.FunctionType(loop.__code__, inside, loop.__name__, loop.__defaults__, loop.__closure__)
    other = Answer(answer.exercise, mended, answer.sandbox)
    trials = run_trials(other)
    begin = f"`{name}`, which your loop calls, is not right yet: `check({name})` says more."
    if first_problem(other, trials) is None:
        return f"{begin} The loop is right."
    causes = " ".join(edit.cause for edit in find_edits(other, trials))
    return f"{begin} The loop is not right, either{f': {causes}' if causes else '.'}"
