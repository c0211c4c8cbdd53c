"""`check(f)`, `hint(f)` and `solution(f)`: what a learner calls at the end of an exercise.

The exercises of notebook NN stand in `catalogue/nbNN.py`, `grading.py` examines an answer, and `diagnosis.py` finds the
cause of a wrong one.
"""

import difflib
import html
import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor

from lstm_lesson.exercises.compare import close
from lstm_lesson.exercises.exercise import Exercise, exercises
from lstm_lesson.exercises.grading import judge
from lstm_lesson.exercises.progress_file import note, progress

__all__ = ["Note", "Result", "check", "hint", "progress", "solution"]

MARKS = {"correct": "✅", "not attempted": "⬜", "wrong": "❌", "crashed": "❌"}


@dataclass(frozen=True)
class Result:
    """What `check` found.

    `.outcome` is "correct", "not attempted", "wrong" or "crashed"; `.passed` is True for a correct answer;
    `.message` says in one to three lines what was got, what was expected, and the cause where it is known.
    """

    outcome: str
    message: str
    picture: tuple[str, Tensor, Tensor] | None = field(default=None, repr=False, compare=False)

    @property
    def passed(self) -> bool:
        return self.outcome == "correct"

    def __repr__(self) -> str:
        return f"{MARKS[self.outcome]} {self.message}"

    def _repr_markdown_(self) -> str:
        return repr(self).replace("\n", "  \n")

    def _repr_html_(self) -> str | None:
        """The message with yours, the target and their difference drawn; None where there is nothing to draw."""
        try:
            drawn = _heatmaps(*self.picture)._repr_html_() if self.picture else None
        except Exception:  # the message counts; a picture that fails must not hide it
            drawn = None
        if not drawn:
            return None
        text = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(repr(self), quote=False))
        return f"<p>{text.replace(chr(10), '<br>')}</p>{drawn}"


@dataclass(frozen=True)
class Note:
    """A hint or a solution: plain text, and Markdown for a notebook."""

    text: str
    code: bool = False

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return f"```python\n{self.text}\n```" if self.code else self.text


_hints_shown: dict[str, int] = {}


def check(f: Callable) -> Result:
    """Is `f` a right answer to the exercise of its name?

    Runs f on inputs of several sizes and compares values and gradients with the package's own function. Whatever f
    does, an answer comes back and never an exception. Attempts are counted for `progress()`; a stub is none.

    >>> def hadamard(a, b):
    ...     raise NotImplementedError
    >>> check(hadamard).outcome
    'not attempted'
    """
    exercise = _find(f, sys._getframe(1).f_globals)
    if exercise is None or isinstance(f, str):
        return Result("not attempted", _unknown(f))
    verdict = judge(exercise, f)
    if verdict.outcome != "not attempted" and not _about(f, "__module__").startswith("lstm_lesson."):
        note(exercise.name, verdict.outcome == "correct")
    return Result(verdict.outcome, verdict.message, verdict.picture)


def hint(f: Callable | str) -> Note:
    """The next of three hints for an exercise, one at a call, from a nudge to nearly there. Takes f or its name."""
    exercise = _find(f, sys._getframe(1).f_globals)
    if exercise is None:
        return Note(_unknown(f))
    level = _hints_shown[exercise.name] = min(_hints_shown.get(exercise.name, 0) + 1, len(exercise.hints))
    last = f" That was the last one; `solution({exercise.name})` shows how the package does it."
    text = f"Hint {level} of {len(exercise.hints)}: {exercise.hints[level - 1]}"
    return Note(text + (last if level == len(exercise.hints) else ""))


def solution(f: Callable | str) -> Note:
    """The package's own source for an exercise. Takes f or its name."""
    exercise = _find(f, sys._getframe(1).f_globals)
    if exercise is None:
        return Note(_unknown(f))
    try:
        source = inspect.getsource(exercise.solve()).rstrip()
    except (ImportError, AttributeError, OSError):
        return Note(f"The source of `{exercise.name}` is not at hand: it stands in lstm_lesson.{exercise.reference}.")
    path = exercise.reference.rsplit(".", 1)[0].replace(".", "/")
    return Note(f"# From lstm_lesson/{path}.py, which also guards against inputs that do not fit.\n{source}", code=True)


def _find(f, namespace: dict) -> Exercise | None:
    """The exercise of f: by its own name, by the name the caller's notebook has for it, or f is the name."""
    name = f if isinstance(f, str) else _about(f, "__name__")
    if name in exercises():
        return exercises()[name]
    name = next((k for k in exercises() if callable(f) and namespace.get(k) is f), None)
    return exercises()[name] if name else None


def _about(f, attribute: str) -> str:
    """An attribute of f as text; nothing where f is an object that answers oddly."""
    try:
        value = getattr(f, attribute, "")
    except Exception:
        return ""
    return value if isinstance(value, str) else ""


def _unknown(f) -> str:
    if isinstance(f, str) and f in exercises():
        return f"check takes the function itself, without quotes: `check({f})`."
    if not callable(f) and not isinstance(f, str):
        return (
            f"check takes a function, and this is of type {type(f).__name__}: `check(name)`, without calling it first."
        )
    name = f if isinstance(f, str) else _about(f, "__name__") or type(f).__name__
    near = difflib.get_close_matches(str(name), exercises(), n=1) or None
    meant = f"Did you mean `{near[0]}`?" if near else f"There are: {', '.join(exercises())}."
    return f"There is no exercise of the name `{name}`. {meant}"


def _heatmaps(label: str, got: Tensor, expected: Tensor):
    """Yours, the target and the difference; of a sequence or a batch of them, the first matrix that differs."""
    from lstm_lesson import plots

    got, expected = got.detach().double(), expected.detach().double()
    while got.ndim > 2:
        wrong = (~close(got, expected)).flatten(1).any(dim=1)
        first = int(wrong.nonzero()[0])
        got, expected, label = got[first], expected[first], f"{label}[{first}]"
    got, expected = (value.reshape(1, -1) if value.ndim < 2 else value for value in (got, expected))
    if got.numel() < 2:
        return None
    wrong = int((~close(got, expected)).sum())
    return plots.heatmaps(
        {"yours": got, "target": expected, "yours − target": got - expected},
        title=f"{label}: {wrong} of {got.numel()} entries differ",
        xlabel="column",
        ylabel="row",
        alt=f"Heat maps of {label} as you return it, of the target, and of their difference: {wrong} entries differ.",
    )
