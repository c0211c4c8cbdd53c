"""A loop that calls the learner's own step: which of the two is wrong, and what is wrong with the loop."""

import inspect
import types

from lstm_lesson.exercises.answer import Answer
from lstm_lesson.exercises.edits import find_edits
from lstm_lesson.exercises.exercise import exercises


def own_step(answer: Answer) -> str:
    """Judge the loop with the right step inside. "" if the loop calls no step of the notebook, or a right one."""
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
