"""A learner's answer to an exercise, and what it does on one set of inputs."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from lstm_lesson.exercises.bytecode import summarize
from lstm_lesson.exercises.compare import Problem, find_problem, join_names, leaves, map_tensors
from lstm_lesson.exercises.exercise import Exercise, Inputs
from lstm_lesson.exercises.sandbox import Sandbox, format_error


@dataclass
class Trial:
    """One set of inputs: what the answer and the reference returned for it, and what is wrong."""

    inputs: Inputs
    arguments: dict
    expected: object
    got: object = None
    error: BaseException | None = None
    changed: tuple[str, ...] = ()  # the arguments that the answer changed in place
    problem: Problem | None = None
    gradients: dict[str, Tensor] | None = None


class Answer:
    """A learner's function as the answer to an exercise. It runs in a sandbox only."""

    def __init__(self, exercise: Exercise, f: Callable, sandbox: Sandbox):
        self.exercise, self.f, self.sandbox = exercise, f, sandbox
        self.code = summarize(f)

    def run(self, arguments: dict) -> tuple[object, BaseException | None]:
        """Run it on copies of the arguments -> (what it returned, None) or (None, the exception it ended with)."""
        return self.sandbox(self.f, *map_tensors(torch.clone, arguments).values())

    def try_on(self, inputs: Inputs) -> Trial:
        """Run the answer and the reference on one set of inputs, and compare what they return."""
        arguments = self.exercise.inputs(inputs)
        expected = self.exercise.solve()(*map_tensors(torch.clone, arguments).values())
        trial = Trial(inputs, arguments, expected)
        given = map_tensors(torch.clone, arguments)
        trial.got, trial.error = self.sandbox(self.f, *given.values())
        trial.changed = changed_arguments(arguments, given)
        if trial.error is not None:
            trial.problem = Problem("crashed", format_error(trial.error, self.f))
            return trial
        printed = self.sandbox.printed.text
        trial.problem, trial.error = self.sandbox(find_problem, self.exercise, inputs, trial.got, expected, printed)
        if trial.error is not None:  # raised by a method of the returned object
            what = f"an object of type {type(trial.got).__name__} that cannot be looked at"
            needs = join_names(list(self.exercise.returns))
            trial.got, trial.problem = None, Problem("crashed", f"You return {what}; expected {needs}.")
        return trial


def changed_arguments(before: dict, after: dict) -> tuple[str, ...]:
    """The names of the arguments that are no longer equal to what they were."""

    def equal(old, new):
        old, new = leaves("", old), leaves("", new)
        return [k for k, _ in old] == [k for k, _ in new] and all(
            torch.equal(a, b) if isinstance(a, Tensor) and isinstance(b, Tensor) else a is b
            for (_, a), (_, b) in zip(old, new, strict=True)
        )

    return tuple(name for name in before if not equal(before[name], after[name]))
