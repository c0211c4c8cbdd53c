"""A learner's answer to an exercise: what its code names, and what it does on one set of inputs."""

import dis
import functools
import inspect
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from lstm_lesson.exercises.compare import Problem, allclose, find_problem, leaves, map_tensors
from lstm_lesson.exercises.exercise import Exercise, Inputs, input_sets
from lstm_lesson.exercises.sandbox import Sandbox, format_error


@dataclass
class Trial:
    """One set of inputs: what the answer and the reference returned for it, and what is wrong."""

    inputs: Inputs
    arguments: dict
    expected: object
    got: object = None
    error: BaseException | None = None
    changed: tuple[str, ...] = ()  # the arguments whose entries the answer changed in place
    marked: tuple[str, ...] = ()  # those that ask for a gradient or hold one since then
    problem: Problem | None = None
    gradients: dict[str, Tensor] | None = None


class Answer:
    """A learner's function as the answer to an exercise. It runs in a sandbox only.

    A function that `torch.compile` made runs as it was written: to compile it for each set of sizes takes long.
    """

    def __init__(self, exercise: Exercise, f: Callable, sandbox: Sandbox):
        self.exercise, self.sandbox = exercise, sandbox
        self.f = getattr(f, "_torchdynamo_orig_callable", f)
        self.code = summarize(self.f)

    def run(self, arguments: dict) -> tuple[object, BaseException | None]:
        """Run it on copies of the arguments -> (what it returned, None) or (None, the exception it ended with)."""
        return self.sandbox(self.f, *map_tensors(torch.clone, arguments).values())

    def expected(self, arguments: dict):
        """What the reference returns for copies of these arguments."""
        return self.exercise.solve()(*map_tensors(torch.clone, arguments).values())

    def try_on(self, inputs: Inputs) -> Trial:
        """Run the answer and the reference on one set of inputs, and compare what they return."""
        arguments = self.exercise.inputs(inputs)
        trial = Trial(inputs, arguments, self.expected(arguments))
        given = map_tensors(torch.clone, arguments)
        trial.got, trial.error = self.sandbox(self.f, *given.values())
        trial.changed = tuple(name for name in given if not allclose(given[name], arguments[name]))
        held = ((k, t) for k, value in given.items() for _, t in leaves("", value) if isinstance(t, Tensor))
        trial.marked = tuple(dict.fromkeys(k for k, t in held if t.requires_grad or t.grad is not None))
        if trial.error is None:
            found = self.exercise, inputs, trial.got, trial.expected, self.sandbox.printed.getvalue()
            trial.problem, trial.error = self.sandbox(find_problem, *found)
        if trial.error is not None:  # raised by the function, or by a method of what it returned
            trial.got, trial.problem = None, Problem("crashed", format_error(trial.error, self.f))
        return trial

    def reads(self, name: str, arguments: dict) -> bool:
        """Whether a run on these arguments reads the notebook's variable `name`: it raises NameError without."""
        variables = written_function(self.f).__globals__
        value = variables.pop(name)
        try:
            error = self.run(arguments)[1]
        finally:
            variables[name] = value
        return isinstance(error, NameError) and error.name == name

    def caller_of(self, name: str) -> str:
        """The name of the function that calls the notebook's function `name` in a run; "" if none does."""
        variables, callers = written_function(self.f).__globals__, []
        called = variables[name]

        def noted(*given, **named):
            callers.append(sys._getframe(1).f_code.co_name)
            return called(*given, **named)

        variables[name] = noted
        try:
            self.run(self.exercise.inputs(input_sets()[0]))
        finally:
            variables[name] = called
        return callers[0] if callers else ""

    def is_stub(self) -> bool:
        """Whether it raises NotImplementedError or does nothing."""
        if not self.code.is_stub:
            return False
        got, error = self.run(self.exercise.inputs(input_sets()[0]))
        return isinstance(error, NotImplementedError) or (got is None and error is None)


def judging(judge: Callable) -> Callable[[Answer], Problem | None]:
    """`judge` as the judge of an answer without arguments: it takes the answer, and what that returned.

    A ValueError of `judge` says why that cannot be judged.
    """

    @functools.wraps(judge)
    def judged(answer: Answer) -> Problem | None:
        got, error = answer.sandbox(answer.f)
        if error is not None:
            return Problem("crashed", format_error(error, answer.f))
        try:
            return judge(answer, got)
        except ValueError as why:
            return Problem("type", str(why))

    return judged


def agrees(f: Callable, trials: list[Trial], tolerance: float = 0.0) -> bool:
    """Whether f, a function of the package, returns what the answer returned, and raises where the answer did.

    If the answer raised on every set of inputs, the exceptions have to be the same, word by word.
    """
    never_ran = all(trial.error is not None for trial in trials)

    def agrees_on(trial: Trial) -> bool:
        value, error = run_copy(f, trial.arguments)
        if error is None or trial.error is None:
            return error is trial.error and allclose(value, trial.got, tolerance)
        return not never_ran or (type(error), str(error)) == (type(trial.error), str(trial.error))

    return all(map(agrees_on, trials))


def run_copy(f: Callable, arguments: dict) -> tuple[object, Exception | None]:
    """Run a function of the package on copies of the arguments -> (what it returned, the exception it raised)."""
    try:
        return f(*map_tensors(torch.clone, arguments).values()), None
    except Exception as error:
        return None, error


@dataclass
class CodeSummary:
    """The notebook's data and functions that a function names, and whether it is a stub."""

    tensors: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)  # whole numbers, by name
    stubs: dict[str, Callable] = field(default_factory=dict)  # functions of the notebook that look unwritten, by name
    attributes: set[str] = field(default_factory=set)  # methods and other attributes: "view" of x.view
    is_stub: bool = False  # whether it may be one: it does nothing or names NotImplementedError


def written_function(f):
    """The function that runs where f is called: f without its decorators, or a method of its class."""
    f = inspect.unwrap(f)
    if isinstance(f, (types.FunctionType, types.BuiltinFunctionType, type)):
        return f
    return getattr(f, "__func__", None) or getattr(type(f), "forward", type(f).__call__)


def summarize(f) -> CodeSummary:
    """Read the code of `f` and of the notebook's own functions that it calls. Takes any object."""
    code = getattr(written_function(f), "__code__", None)
    summary = CodeSummary(is_stub=code is not None and _may_be_stub(code))
    todo, seen = [written_function(f)], set()
    while todo:
        function = todo.pop()
        if not isinstance(function, types.FunctionType) or function.__code__ in seen:
            continue
        seen.add(function.__code__)
        summary.attributes |= set(function.__code__.co_names)
        for name in global_names(function.__code__):
            value = function.__globals__.get(name)
            if isinstance(value, (Tensor, np.ndarray)):
                summary.tensors += [name] * (value.ndim > 0)
            elif isinstance(value, int) and not isinstance(value, bool):
                summary.numbers[name] = value
            elif isinstance(value, types.FunctionType) and value.__globals__ is function.__globals__:
                todo.append(value)
                summary.stubs |= {name: value} if _may_be_stub(value.__code__) else {}
    return summary


def global_names(code) -> Iterator[str]:
    """The global names that code reads, those of functions, classes and comprehensions inside it included."""
    own = set(stored_names(code))  # the variables of a class body
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME") and instruction.argval not in own:
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from global_names(constant)


def stored_names(code) -> Iterator[str]:
    """The names that the code of a statement or of a class body binds: functions, classes, imports, variables."""
    return (step.argval for step in dis.get_instructions(code) if step.opname in ("STORE_NAME", "STORE_GLOBAL"))


def _may_be_stub(code) -> bool:
    """Whether a function does nothing but return a constant, or names NotImplementedError."""
    idle = {"RESUME", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "NOP", "COPY_FREE_VARS"}
    return "NotImplementedError" in code.co_names or all(step.opname in idle for step in dis.get_instructions(code))
