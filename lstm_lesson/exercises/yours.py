"""Whose code runs: the learner's own answer where it passes its check, and the package's function otherwise."""

from collections.abc import Callable

from lstm_lesson.exercises.exercise import Exercise, exercises
from lstm_lesson.exercises.grading import grade
from lstm_lesson.exercises.kept_answers import NoneKept, NotKept, keep, kept

_loading: list[str] = []  # the kept answers that are being read: one may call another


def own_or_package(exercise: Exercise, answer: Callable | None = None) -> tuple[Callable, str]:
    """The function that runs, and a sentence that says whose it is and why.

    `answer` is what the notebook defines. Where that is None or a stub, the kept answer of another day stands for it.
    """
    package, open_here = f"`{exercise.name}`: the package's code runs here, since", False
    if answer is not None:
        outcome = grade(exercise, answer).outcome
        open_here = outcome == "not attempted"
        if outcome == "correct":
            keep(exercise.name, answer)
            return answer, f"`{exercise.name}`: your own code runs here."
        if not open_here:
            return exercise.solve(), f"{package} yours does not pass its check yet."
    try:
        return _kept_and_right(exercise), f"`{exercise.name}`: your own code runs here, as it was kept."
    except NoneKept as reason:
        return exercise.solve(), f"{package} {'yours is still open' if open_here else reason}."
    except NotKept as reason:
        return exercise.solve(), f"{package} {reason}."


def _kept_and_right(exercise: Exercise) -> Callable:
    """The kept answer, if it still passes its check. Raises NotKept otherwise."""
    if exercise.name in _loading:
        raise NotKept(f"your kept answers call each other in a circle: {', '.join(_loading)}")
    _loading.append(exercise.name)
    try:
        answer = kept(exercise.name, lambda other: own_or_package(exercises()[other])[0])
    finally:
        _loading.pop()
    if not grade(exercise, answer).passed:
        raise NotKept("your kept answer no longer passes its check")
    return answer
