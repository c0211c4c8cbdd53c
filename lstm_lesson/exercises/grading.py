"""The examination behind `check`: run an answer on drawn inputs and compare it with the reference, in a fixed order.

It returns tensors, then dtypes, shapes, values; inputs untouched; gradients; nothing taken from the notebook.
"""

import inspect
from dataclasses import dataclass

import torch
from torch import Tensor

from lstm_lesson.exercises.compare import CutInPlace, Fault, compare, gradient_fault, gradients, listed, parts, rebuild
from lstm_lesson.exercises.diagnosis import diagnose
from lstm_lesson.exercises.exercise import Draw, Exercise, draws, exercises
from lstm_lesson.exercises.sandbox import Caller, TimeUp, error_text, reads


@dataclass
class Verdict:
    """What the examination found; `picture` holds a name, yours and the target where they can be drawn."""

    outcome: str
    message: str
    picture: tuple[str, Tensor, Tensor] | None = None


@dataclass
class Trial:
    """One draw: what the answer made of it, and what the reference makes."""

    draw: Draw
    arguments: dict
    got: object = None
    error: BaseException | None = None
    expected: object = None
    changed: tuple[str, ...] = ()
    fault: Fault | None = None
    gradients: dict[str, Tensor] | None = None


def judge(exercise: Exercise, f) -> Verdict:
    """Examine `f` as an answer to `exercise`. Never raises."""
    with Caller().settled() as caller:
        try:
            verdict = Examination(exercise, f, caller).verdict()
        except Exception as error:  # an answer so odd that looking at it fails
            text = f"`{exercise.name}` returns something that cannot be examined ({type(error).__name__})."
            verdict = Verdict("crashed", f"{text}\nExpected: {listed(list(exercise.returns))}, made of plain tensors.")
    lines = verdict.message.split("\n")
    said = caller.printed.text.strip().split("\n")[0]
    if said and verdict.outcome != "not attempted" and "It prints" not in verdict.message:
        lines[-1] += f" (It also prints: {said[:60]!r}.)"
    return Verdict(verdict.outcome, "\n".join(lines[:3]), verdict.picture)


class Examination:
    """One answer held against its exercise."""

    def __init__(self, exercise: Exercise, f, caller: Caller):
        self.exercise, self.f, self.caller = exercise, f, caller
        self.reference = None
        self.reads = reads(f)
        self.trials: list[Trial] = []

    def verdict(self) -> Verdict:
        name = f"`{self.exercise.name}`"
        first = self.exercise.inputs(draws()[0])
        if self.reads.stub and self._is_stub(first):
            text = f"{name}: not attempted yet. Put your answer in the place of `raise NotImplementedError`."
            return Verdict("not attempted", text)
        if odd := wrong_arguments(self.f, list(first)):
            return Verdict("crashed", f"{name}: {odd}")
        try:
            self.reference = self.exercise.solve()
        except (ImportError, AttributeError):
            return Verdict("not attempted", f"{name}: this exercise has no reference yet, so it cannot be checked.")
        fault = self._first_fault()
        if fault is None:
            return Verdict("correct", f"{name} is correct.")
        outcome = "crashed" if fault.kind == "crashed" else "wrong"
        return Verdict(outcome, f"{name}: {told(fault, diagnose(self, fault))}", fault.picture)

    def _is_stub(self, arguments: dict) -> bool:
        got, error = self.caller(self.f, *arguments.values())
        return isinstance(error, NotImplementedError) or (got is None and error is None and self.reads.idle)

    def _first_fault(self) -> Fault | None:
        for draw in draws():
            self.trials.append(self.attempt(draw))
            if isinstance(self.trials[-1].error, TimeUp):
                break
        return first(self.trials) or self._changed() or self._gradients() or self._from_the_notebook()

    def attempt(self, draw: Draw) -> Trial:
        """The answer and the reference on one draw."""
        trial = Trial(draw, self.exercise.inputs(draw))
        given = rebuild(trial.arguments, torch.clone)
        trial.expected = self.reference(*rebuild(trial.arguments, torch.clone).values())
        trial.got, trial.error = self.caller(self.f, *given.values())
        trial.changed = changed(trial.arguments, given)
        if trial.error is not None:
            trial.fault = Fault("crashed", error_text(trial.error, self.f, self.caller))
        else:
            given = self.exercise, draw, trial.got, trial.expected, self.caller.printed.text
            trial.fault, trial.error = self.caller(compare, *given)
            if trial.error is not None:  # an object that does odd things when it is looked at
                trial.got, odd = None, trial.got
                what = f"an object of type {type(odd).__name__} that cannot be looked at"
                trial.fault = Fault("crashed", f"You return {what}; expected {listed(list(self.exercise.returns))}.")
        return trial

    def _gradients(self) -> Fault | None:
        """Double precision only: what is wrong there is wrong in float32."""
        if not self.exercise.gradient:
            return None
        for trial in self.trials:
            if trial.draw.dtype != torch.float64:
                continue
            trial.gradients, error = self.caller(gradients, self.f, trial.arguments)
            if isinstance(error, CutInPlace):
                text = f"Your function cuts the history of {error} itself, in place (`detach_`).\n"
                return Fault(
                    "changed", text + "Expected: inputs that are the same afterwards; the caller still needs them."
                )
            if error is not None:
                text = error_text(error, self.f, self.caller)
                text = text[:1].lower() + text[1:]
                trial.fault = Fault("backward", f"the way back for gradients breaks: {text}")
                break
            trial.fault = gradient_fault(
                trial.gradients, gradients(self.reference, trial.arguments), self.exercise.slack
            )
        return first(self.trials)

    def _changed(self) -> Fault | None:
        names = next((trial.changed for trial in self.trials if trial.changed), None)
        if not names:
            return None
        text = f"The values are right, but your function changes {listed(list(names))} in place.\n"
        return Fault("changed", text + "Expected: inputs that are the same afterwards; the caller still needs them.")

    def _from_the_notebook(self) -> Fault | None:
        if not self.reads.tensors:
            return None
        taught = {name for exercise in exercises().values() for name in exercise.inputs(draws()[0])}
        names = [name for name in self.reads.tensors if name in taught]
        return Fault("global", f"Your function reads {listed(names)} from the notebook.") if names else None


def told(fault: Fault, cause: str) -> str:
    """The message: the cause where one is known, and under it what was got and what expected."""
    text = fault.text
    if fault.kind in ("gradient", "backward"):  # unless the cause has said so
        text = text[0].upper() + text[1:] if "values are right" in cause else f"The values are right, but {text}"
    return f"{cause}\n{text}" if cause else text


def first(trials: list[Trial]) -> Fault | None:
    """The fault of the first draw that has one."""
    return next((trial.fault for trial in trials if trial.fault), None)


def changed(before: dict, after: dict) -> tuple[str, ...]:
    """The arguments that are no longer what they were."""

    def same(old, new):
        old, new = parts("", old), parts("", new)
        return [k for k, _ in old] == [k for k, _ in new] and all(
            torch.equal(a, b) if isinstance(a, Tensor) and isinstance(b, Tensor) else a is b
            for (_, a), (_, b) in zip(old, new, strict=True)
        )

    return tuple(name for name in before if not same(before[name], after[name]))


def wrong_arguments(f, names: list[str]) -> str:
    """Why `f` cannot be called with these arguments, or nothing."""
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):  # some built-in functions have none
        return ""
    needs = f"expected {len(names)} ({', '.join(names)})"
    try:
        signature.bind(*names)
    except TypeError:
        return f"it takes {len(signature.parameters)} arguments ({', '.join(signature.parameters)}); {needs}."
    own = [name for name in signature.parameters][: len(names)]
    if own != names and sorted(own) == sorted(names):
        return f"its arguments stand in another order, {', '.join(own)}; {needs}."
    return ""
