"""What a function's code names, read from its bytecode without running it."""

import dis
import inspect
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor


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
    kind = type(f)
    return getattr(f, "__func__", None) or getattr(kind, "forward", kind.__call__)


def summarize(f) -> CodeSummary:
    """Read the code of `f` and of the notebook's own functions that it calls. Takes any object."""
    function = written_function(f)
    summary, todo, seen = CodeSummary(), [function], set()
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
    code = getattr(written_function(f), "__code__", None)
    summary.is_stub = code is not None and _may_be_stub(code)
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
