"""`check(f)`, `hint(f)`, `solution(f)`, `yours(f)`, `progress()` and `guess(name)`: what a learner calls.

`catalogue/nbNN.toml` holds the exercises of notebook NN, `grading.py` checks an answer, `diagnosis.py` finds the cause
of a wrong one, `kept_answers.py` keeps a right one for later notebooks, and `ledger.py` keeps guesses.
"""

import contextlib
import difflib
import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from types import FunctionType

from lstm_lesson.exercises.answer import global_names
from lstm_lesson.exercises.examination import examine
from lstm_lesson.exercises.exercise import Exercise, exercises
from lstm_lesson.exercises.grading import Result, grade, printable
from lstm_lesson.exercises.kept_answers import keep, own_or_package
from lstm_lesson.exercises.ledger import guess, guesses
from lstm_lesson.exercises.progress_file import progress, record_attempt

__all__ = ["Note", "Result", "check", "examine", "guess", "guesses", "hint", "progress", "solution", "yours"]


@dataclass(frozen=True)
class Note:
    """A hint or a solution: plain text, and Markdown for a notebook."""

    text: str
    code: bool = False

    def __repr__(self) -> str:
        return printable(self.text)

    def _repr_markdown_(self) -> str:
        return f"```python\n{self.text}\n```" if self.code else self.text


_hints_shown: dict[str, int] = {}


def check(f: Callable) -> Result:
    """Say whether `f` is a correct answer to the exercise of its name.

    Runs f on inputs of several sizes and compares values and gradients with the package's own function. Whatever f
    does, `check` returns a Result and never raises. Attempts are counted for `progress()`; a stub is no attempt.

    >>> def hadamard(a, b):
    ...     raise NotImplementedError
    >>> check(hadamard).outcome
    'not attempted'
    """
    exercise = _find(f, sys._getframe(1).f_globals)
    if exercise is None or isinstance(f, str):
        return Result("not attempted", _no_exercise(f))
    result = grade(exercise, f)
    if result.outcome != "not attempted" and not _text_attribute(f, "__module__").startswith("lstm_lesson."):
        record_attempt(exercise.name, result.outcome, result.edits)
        if result.passed and (reason := keep(exercise.name, f)):
            result = replace(result, message=f"{result.message} It is not kept for later notebooks: {reason}.")
    return result


def yours(*answers: Callable | str):
    """Your own answer if it passes its check, else the package's function. Prints whose code runs, and why.

    Takes the function, or the exercise's name for what you wrote in an earlier notebook. With several, returns a tuple.
    Raises ValueError where there is no such exercise.

    >>> gate = yours("forget_gate")
    `forget_gate`: the package's code runs here, since none of yours is kept yet.
    """
    functions, namespace = [], sys._getframe(1).f_globals
    for answer in answers:
        exercise = _find(answer, namespace)
        if exercise is None:
            raise ValueError(_no_exercise(answer))
        given = isinstance(answer, str) or _text_attribute(answer, "__module__").startswith("lstm_lesson.")
        function, sentence = own_or_package(exercise, None if given else answer)
        print(printable(sentence))
        functions.append(function)
    return functions[0] if len(functions) == 1 else tuple(functions)


def hint(f: Callable | str) -> Note:
    """The next of an exercise's three hints, each more direct than the one before. Takes f or its name."""
    exercise = _find(f, sys._getframe(1).f_globals)
    if exercise is None:
        return Note(_no_exercise(f))
    level = _hints_shown[exercise.name] = min(_hints_shown.get(exercise.name, 0) + 1, len(exercise.hints))
    last = f" That was the last one; `solution({exercise.name})` shows how the package does it."
    text = f"Hint {level} of {len(exercise.hints)}: {exercise.hints[level - 1]}"
    return Note(text + (last if level == len(exercise.hints) else ""))


def solution(f: Callable | str) -> Note:
    """The source code of the package's own function for an exercise. Takes f or its name.

    Below it stand the functions of its module that it calls, but those that are exercises up to this notebook.
    A class can keep it closed up to the date in the environment variable LSTM_LESSON_SOLUTIONS_FROM.
    """
    exercise = _find(f, sys._getframe(1).f_globals)
    if exercise is None:
        return Note(_no_exercise(f))
    opens = os.environ.get("LSTM_LESSON_SOLUTIONS_FROM") or "2000-01-01"
    try:
        if date.today() < date.fromisoformat(opens):
            return Note(f"Your class opens the solutions on {opens}. `hint({exercise.name})` helps until then.")
    except ValueError:
        raise ValueError(f"LSTM_LESSON_SOLUTIONS_FROM is {opens!r}; it needs a date such as 2026-12-01") from None
    try:
        source = "\n\n\n".join(inspect.getsource(each).rstrip() for each in _with_helpers(exercise))
    except OSError:
        return Note(f"The source of `{exercise.name}` cannot be read here; it is lstm_lesson.{exercise.reference}.")
    path = exercise.reference.rsplit(".", 1)[0].replace(".", "/")
    return Note(f"# From lstm_lesson/{path}.py, which also guards against inputs that do not fit.\n{source}", code=True)


def _with_helpers(exercise: Exercise) -> list[Callable]:
    """The exercise's function, then those of its module that it calls; without guards, `check_…`, and known ones."""
    found = [inspect.unwrap(exercise.solve())]
    known = [inspect.unwrap(each.solve()) for each in exercises().values() if each.notebook <= exercise.notebook]
    for function in found:
        for name in global_names(function.__code__) if isinstance(function, FunctionType) else ():
            helper = inspect.unwrap(function.__globals__.get(name))
            own = isinstance(helper, FunctionType) and helper.__module__ == function.__module__
            if own and helper not in found + known and not name.lstrip("_").startswith("check"):
                found.append(helper)
    return found


def _find(f, namespace: dict) -> Exercise | None:
    """The exercise that f belongs to; f is its name, has its name, or is called by it in the caller's notebook."""
    name = f if isinstance(f, str) else _text_attribute(f, "__name__") or (type(f).__name__ if callable(f) else "")
    if name not in exercises():
        name = next((k for k in exercises() if callable(f) and namespace.get(k) is f), None)
    return exercises().get(name)


def _text_attribute(f, attribute: str) -> str:
    """An attribute of f if it is text, else ""; any object may come, also one whose attributes raise."""
    with contextlib.suppress(Exception):
        value = getattr(f, attribute, "")
        return value if isinstance(value, str) else ""
    return ""


def _no_exercise(f) -> str:
    """Why there is no exercise for f, and what to call instead."""
    if isinstance(f, str) and f in exercises():
        return f"check takes the function itself, without quotes: `check({f})`."
    if not callable(f) and not isinstance(f, str):
        return f"check takes a function, and this is of type {type(f).__name__}: `check(name)`, without calling it."
    name = f if isinstance(f, str) else _text_attribute(f, "__name__") or type(f).__name__
    similar = difflib.get_close_matches(str(name), exercises(), n=1)
    advice = f"Did you mean `{similar[0]}`?" if similar else f"There are: {', '.join(exercises())}."
    return f"There is no exercise of the name `{name}`. {advice}"
