"""Find the cause of a wrong answer: a known mistake, or what often leads to a problem of its kind.

`edits` looks for known mistakes. Each function in `causes` and `retries` looks for one cause: it returns a sentence or
two for the learner, or "" if that is not the cause.
"""

import re
from collections.abc import Iterator

from lstm_lesson.exercises import causes, retries
from lstm_lesson.exercises.answer import Answer, Trial
from lstm_lesson.exercises.compare import Problem
from lstm_lesson.exercises.edits import find_edits, find_gradient_edits
from lstm_lesson.exercises.model import Edit


def diagnose(answer: Answer, trials: list[Trial], problem: Problem) -> tuple[str, tuple[str, ...]]:
    """The first cause that is found, in one or two sentences, and the identifiers of the edits that it names.

    The sentence is "" if no cause is found. The problem itself is not repeated. Once a function was stopped, no cause
    is looked for: a call that ran out of time proves nothing.
    """
    found = possible_causes(answer, trials, problem)
    while not answer.sandbox.timed_out and (cause := next(found, None)) is not None:
        if cause and not answer.sandbox.timed_out:
            return (cause, ()) if isinstance(cause, str) else (describe(cause), tuple(edit.id for edit in cause))
    return "", ()


def describe(edits: tuple[Edit, ...]) -> str:
    """The causes of one or two edits."""
    if len(edits) == 1:
        return edits[0].cause
    first, second = (re.sub("[Tt]he values are right, but ", "", edit.cause) for edit in edits)
    return f"Two mistakes. First: {first}\nSecond: {second}"


def possible_causes(answer: Answer, trials: list[Trial], problem: Problem) -> Iterator[str | tuple[Edit, ...]]:
    """The causes that fit this kind of problem, the most certain first."""
    if problem.kind in ("type", "dtype", "shape", "value", "crashed"):
        yield causes.unsolved_exercise(answer, trials)
        yield causes.known_error(answer, trials, "before_edits")
        if not answer.exercise.step:  # a loop is judged by its edits first
            yield causes.changed_in_place(answer, trials)
        yield retries.own_step(answer)
        yield find_edits(answer, trials)
        yield causes.changed_in_place(answer, trials)
        yield retries.reads_by_order(answer, trials)
    for cause in CAUSES.get(problem.kind, ()):
        yield cause(answer, trials)


OF_EXCEPTIONS = (causes.known_error, causes.missing_entry, causes.all_turned_round, causes.sizes_that_meet)
ON_A_SECOND_RUN = (retries.reads_notebook, retries.not_repeatable)
OF_NUMBERS = (causes.outside_range, causes.nearly_right, retries.arguments_without_effect)
CAUSES = {  # by kind of problem; "changed" and "global" say enough by themselves
    "gradient": (find_gradient_edits, causes.known_error, retries.gradients_right_for_some_sizes),
    "backward": (causes.known_error,),
    "type": (causes.one_entry, retries.right_for_some_kinds),
    "dtype": (retries.right_for_some_kinds,),
    "crashed": (*OF_EXCEPTIONS, causes.other_order, *ON_A_SECOND_RUN, retries.right_in_part),
    "shape": (causes.other_order, causes.other_shape, *ON_A_SECOND_RUN, *OF_NUMBERS, retries.right_in_part),
    "value": (causes.other_order, *ON_A_SECOND_RUN, *OF_NUMBERS, retries.right_in_part, causes.known_error),
}
