"""Find the cause of a wrong answer: a known mistake, or what often leads to a problem of its kind.

`edits` looks for known mistakes. Each function in `error_causes`, `result_causes` and `retries` looks for one cause: it
returns a sentence or two for the learner, or "" if that is not the cause.
"""

from collections.abc import Iterator

from lstm_lesson.exercises import error_causes, result_causes, retries
from lstm_lesson.exercises.answer import Answer, Trial
from lstm_lesson.exercises.compare import Problem
from lstm_lesson.exercises.edits import find_edits, find_gradient_edits
from lstm_lesson.exercises.model import Edit


def diagnose(answer: Answer, trials: list[Trial], problem: Problem) -> tuple[str, tuple[str, ...]]:
    """The first cause that is found, in one or two sentences, and the identifiers of the edits that it names.

    The sentence is "" if no cause is found. The problem itself is not repeated. Once a function was stopped, no cause
    is looked for: a call that ran out of time proves nothing.
    """
    causes = possible_causes(answer, trials, problem)
    while not answer.sandbox.timed_out and (found := next(causes, None)) is not None:
        if found and not answer.sandbox.timed_out:
            return (found, ()) if isinstance(found, str) else (describe(found), tuple(edit.id for edit in found))
    return "", ()


def describe(edits: tuple[Edit, ...]) -> str:
    """The causes of one or two edits."""
    if len(edits) == 1:
        return edits[0].cause
    first, second = (
        edit.cause.replace("The values are right, but ", "").replace("the values are right, but ", "") for edit in edits
    )
    return f"Two mistakes. First: {first}\nSecond: {second}"


def possible_causes(answer: Answer, trials: list[Trial], problem: Problem) -> Iterator[str | tuple[Edit, ...]]:
    """The causes that fit this kind of problem, the most certain first."""
    exercise = answer.exercise
    if problem.kind == "global":
        yield retries.TAKE_ARGUMENTS
    if problem.kind == "gradient":
        yield find_gradient_edits(answer, trials)
        yield error_causes.known_error(problem)
        yield retries.gradients_right_for_some_sizes(answer, trials)
    if problem.kind in ("changed", "global", "gradient", "backward"):
        yield error_causes.known_error(problem)
        return
    yield error_causes.unsolved_exercise(answer, trials)
    yield error_causes.detached_in_place(problem)
    if not exercise.step:  # a loop is judged by its edits first
        yield result_causes.changed_in_place(trials)
    yield retries.own_step(answer)
    yield find_edits(answer, trials)
    yield result_causes.changed_in_place(trials)
    yield retries.reads_by_order(answer)
    if problem.kind == "type":
        yield result_causes.one_entry(answer, trials)
    if problem.kind in ("type", "dtype"):  # otherwise the problem's own text is enough
        yield retries.right_for_some_kinds(trials)
        return
    if problem.kind == "crashed":
        yield error_causes.known_error(problem)
        yield error_causes.missing_entry(trials)
        yield error_causes.all_turned_round(trials)
        yield error_causes.sizes_that_meet(trials)
    yield result_causes.other_order(list(exercise.returns), trials)
    if problem.kind == "shape":
        yield result_causes.other_shape(exercise, trials)
    yield retries.reads_notebook(answer, trials)
    yield retries.not_repeatable(answer, trials)
    if problem.kind != "crashed":
        yield result_causes.outside_range(exercise, trials)
        yield result_causes.nearly_right(exercise, trials)
        yield result_causes.misplaced(answer, trials)
        yield retries.reads_wrong_places(answer, trials)
        yield retries.arguments_without_effect(answer, trials)
    yield f"{result_causes.judged_apart(exercise, trials)} {retries.right_for_some_inputs(answer, trials)}".strip()
