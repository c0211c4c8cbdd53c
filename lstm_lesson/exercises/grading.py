"""Grade an answer: run it on several sets of inputs, compare it with the reference, and describe the first problem.

Checked are, in this order: that it runs; types, dtypes, shapes and values; that its inputs stay unchanged; gradients;
that it reads none of the notebook's tensors. A `Result` has one to three lines, and heat maps where tensors differ.
"""

import html
import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from lstm_lesson.exercises.answer import Answer, Trial
from lstm_lesson.exercises.catalogue import read_table
from lstm_lesson.exercises.compare import InputDetached, Problem, gradient_problem, input_gradients, isclose, join_names
from lstm_lesson.exercises.diagnosis import diagnose, reads_notebook
from lstm_lesson.exercises.exercise import Exercise, exercises, input_sets
from lstm_lesson.exercises.sandbox import SECONDS, Sandbox, TimeUp, format_error

MARKS = {"correct": "✅", "not attempted": "⬜", "wrong": "❌", "crashed": "❌"}
SAYS = read_table("causes")["says"]
TIME_UP = SAYS["time up"].format(SECONDS)


@dataclass(frozen=True)
class Result:
    """What `check` found.

    `.outcome` is "correct", "not attempted", "wrong" or "crashed"; `.passed` is True for a correct answer;
    `.message` says in one to three lines what was got, what was expected, and the cause where it is known.
    `.picture` holds a name, the learner's tensor, the expected one and what their dimensions are, where values
    differ, else None. `.edits` are the identifiers of the mistakes that the message names.
    """

    outcome: str
    message: str
    picture: tuple[str, Tensor, Tensor, tuple[str, ...]] | None = field(default=None, repr=False, compare=False)
    edits: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return self.outcome == "correct"

    def __repr__(self) -> str:
        return printable(f"{MARKS[self.outcome]} {self.message}")

    def _repr_markdown_(self) -> str:
        return f"{MARKS[self.outcome]} {self.message}".replace("\n", "  \n")

    def _repr_html_(self) -> str | None:
        """The message above three heat maps: yours, the target and the difference. None without a picture."""
        try:
            picture = _heatmaps(*self.picture)._repr_html_() if self.picture else None
        except Exception:  # a picture that cannot be drawn must not hide the message
            picture = None
        if not picture:
            return None
        text = html.escape(f"{MARKS[self.outcome]} {self.message}", quote=False)
        text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
        return f"<p>{text.replace(chr(10), '<br>')}</p>{picture}"


def printable(text: str) -> str:
    """The text as the terminal can show it: where it lacks a sign, a plain one or a word stands for it."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    for sign, plain in read_table("plain_signs").items():
        if sign.encode(encoding, "ignore") == b"":
            text = text.replace(sign, plain)
    return text.encode(encoding, "replace").decode(encoding)


def _heatmaps(label: str, got: Tensor, expected: Tensor, axes: tuple[str, ...]):
    """Yours, the target and the difference; of tensors with more than two dimensions the first matrix that differs."""
    from lstm_lesson import plots

    got, expected = got.detach().double(), expected.detach().double()
    while got.ndim > 2:
        first = int((~isclose(got, expected)).flatten(1).any(dim=1).nonzero()[0])
        got, expected, label, axes = got[first], expected[first], f"{label}[{first}]", axes[1:]
    got, expected = (value.reshape(1, -1) if value.ndim < 2 else value for value in (got, expected))
    if got.numel() < 2:
        return None
    wrong = int((~isclose(got, expected)).sum())
    return plots.heatmaps(
        {"yours": got, "target": expected, "yours − target": got - expected},
        title=f"{label}: {wrong} of {got.numel()} entries differ",
        xlabel=axes[-1],
        ylabel=axes[0] if len(axes) > 1 else "",
        alt=f"Heat maps of {label} as you return it, of the target, and of their difference: {wrong} entries differ.",
    )


def grade(exercise: Exercise, f: Callable) -> Result:
    """Check `f` as an answer to `exercise`. Never raises."""
    with Sandbox().isolated() as sandbox:
        try:
            result = _grade(Answer(exercise, f, sandbox))
        except Exception as error:  # what f returned raises when it is inspected
            needs = join_names(list(exercise.returns))
            result = Result("crashed", SAYS["cannot be examined"].format(exercise.name, type(error).__name__, needs))
    message = result.message
    printed = sandbox.printed.getvalue().strip().split("\n")[0]
    if printed and result.outcome != "not attempted" and "It prints" not in message:
        message += f" (It also prints: {printed[:60]!r}.)"
    return replace(result, message="\n".join(message.split("\n")[:3]))


def _grade(answer: Answer) -> Result:
    name = f"`{answer.exercise.name}`"
    if answer.is_stub():
        return Result("not attempted", f"{name}: {SAYS['not attempted']}")
    judge = answer.exercise.judge
    of_class = judge is not None and isinstance(answer.f, type)
    if not of_class and (text := wrong_arguments(answer.f, list(answer.exercise.inputs(input_sets()[0])))):
        return Result("crashed", f"{name}: {text}")
    trials = [] if judge else run_trials(answer)
    problem = judge(answer) if judge else first_problem(answer, trials)
    if problem is None:
        return Result("correct", f"{name} is correct.{loop_remark(answer, trials)}")
    outcome = {"open": "not attempted", "crashed": "crashed"}.get(problem.kind, "wrong")
    cause, edits = ("", problem.edits) if judge else diagnose(answer, trials, problem)
    return Result(outcome, f"{name}: {format_message(problem, cause)}", problem.picture, edits)


def wrong_arguments(f: Callable, names: list[str]) -> str:
    """Why `f` cannot be called with these arguments; "" if it can."""
    if isinstance(f, type):
        return f"this is a class, and an answer is a function, or an object of a class: `check({f.__name__}(…))`."
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):  # some built-in functions have none
        return ""
    needs = f"expected {len(names)} ({', '.join(names)})" if names else "expected none"
    try:
        signature.bind(*names)
    except TypeError:
        own = [str(p.replace(annotation=p.empty)) for p in signature.parameters.values()]
        stars = " `**` collects what is given by name: leave the stars out." if "**" in "".join(own) else ""
        return f"it takes {len(own)} arguments ({', '.join(own)}); {needs}.{stars}"
    own = list(signature.parameters)[: len(names)]
    if own != names and sorted(own) == sorted(names):
        return f"its arguments stand in another order, {', '.join(own)}; {needs}."
    return ""


def run_trials(answer: Answer) -> list[Trial]:
    """Run the answer on every set of inputs; stop when the time limit is reached."""
    trials = []
    for inputs in input_sets():
        trials.append(answer.try_on(inputs))
        if isinstance(trials[-1].error, TimeUp):
            break
    right = len(trials) - 1
    if right and answer.sandbox.timed_out:
        sets = "set" if right == 1 else f"{right} sets"
        trials[-1].problem.text = f"Right on the first {sets} of inputs, then {TIME_UP}"
    return trials


def first_problem(answer: Answer, trials: list[Trial]) -> Problem | None:
    """The first problem, in the order that the module's docstring gives; None for a correct answer."""
    problem = next((trial.problem for trial in trials if trial.problem), None) or inputs_changed(trials)
    return problem or gradients_differ(answer, trials) or notebook_tensors_read(answer, trials)


def inputs_changed(trials: list[Trial]) -> Problem | None:
    """Arguments that the answer changes in place, or leaves asking for a gradient or holding one."""
    for kind in ("changed", "marked"):
        if names := next(filter(None, (getattr(trial, kind) for trial in trials)), None):
            return Problem("changed", SAYS[f"inputs {kind}"].format(join_names(list(names))))


def gradients_differ(answer: Answer, trials: list[Trial], tolerance: float = 0.0) -> Problem | None:
    """Wrong gradients, or a backward pass that fails. In float64 only: what is wrong there is wrong in float32."""
    if not answer.exercise.gradient:
        return None
    trials = [trial for trial in trials if trial.inputs.dtype == torch.float64]
    for trial in trials:
        trial.gradients, error = answer.sandbox(input_gradients, answer.f, trial.arguments)
        if isinstance(error, InputDetached):
            return Problem("changed", SAYS["inputs detached"].format(error))
        if isinstance(error, TimeUp):
            trial.problem = Problem("crashed", f"The values are right. While the gradients were compared, {TIME_UP}")
            break
        if error is not None:
            text = format_error(error, answer.f)
            trial.problem = Problem("backward", f"the backward pass breaks: {text[:1].lower()}{text[1:]}")
            break
        expected = input_gradients(answer.exercise.solve(), trial.arguments)
        trial.problem = gradient_problem(trial.gradients, expected, answer.exercise.tolerance + tolerance)
    return next((trial.problem for trial in trials if trial.problem), None)


def notebook_tensors_read(answer: Answer, trials: list[Trial]) -> Problem | None:
    """Tensors of the notebook that the answer reads and that have the name of an exercise's argument."""
    if not answer.code.tensors:
        return None
    taught = {name for exercise in exercises().values() for name in exercise.inputs(input_sets()[0])}
    text = reads_notebook(answer, trials, taught)
    return text and Problem("global", text)


def loop_remark(answer: Answer, trials: list[Trial]) -> str:
    """What to say of a right answer that calls torch once or more for each step, where one product is enough."""
    if not answer.exercise.at_once:
        return ""
    for letter, what in (("T", "steps"), ("B", "sequences")):
        few, *_, many = sorted((trial.inputs.sizes[letter], number) for number, trial in enumerate(trials))
        calls = []
        for _, number in (few, many):
            with _CountedCalls() as counted:
                answer.run(trials[number].arguments)
            calls.append(counted.calls)
        if calls[1] - calls[0] >= many[0] - few[0]:
            return SAYS["loops"].format(what, calls[1], letter, many[0])
    return ""


class _CountedCalls(TorchFunctionMode):
    calls = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.calls += 1
        return func(*args, **(kwargs or {}))


def format_message(problem: Problem, cause: str) -> str:
    """The cause where one is known, and under it what was got and what was expected."""
    text = problem.text
    if problem.kind in ("gradient", "backward"):  # "The values are right" is said once, in the cause or here
        text = text[0].upper() + text[1:] if "values are right" in cause else f"The values are right, but {text}"
    return f"{cause}\n{text}" if cause else text
