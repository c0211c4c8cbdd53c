"""Call a learner's function so that nothing it does gets out: exceptions, prints, endless loops, changed settings."""

import contextlib
import dis
import inspect
import io
import signal
import sys
import threading
import time
import traceback
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

SECONDS = 1.5  # all calls of one check together


class TimeUp(BaseException):
    """Raised inside a learner's function that does not end; no `except Exception` of theirs catches it."""


class Caller:
    """Calls functions with a common time limit, and keeps what they print.

    The limit needs a Unix alarm and the main thread, which is where notebooks run. Elsewhere (Windows, a thread)
    an endless loop has to be stopped by hand, and the check then says so.
    """

    def __init__(self, seconds: float = SECONDS):
        self.deadline, self.waited = time.monotonic() + seconds, _kept_waiting()
        self.printed = _Printed()
        self.inside = False
        self.trace = sys.gettrace()
        self.can_stop = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()

    def __call__(self, f: Callable, *arguments):
        """-> (what f returned, None) or (None, the exception it ended with)."""
        try:
            try:
                self._alarm(max(self._left(), 0.01))
                return f(*arguments), None
            finally:
                self._alarm(0)
        except BaseException as error:  # SystemExit and a pressed stop button, too
            self._alarm(0)  # once more: the alarm may have cut the line above short
            return None, error

    @staticmethod
    def where(error: BaseException, f) -> str:
        """The last line of the learner's own code that the exception came through."""
        code = getattr(inspect.unwrap(f) if callable(f) else f, "__code__", None)
        frames = traceback.extract_tb(error.__traceback__, limit=-40) if code else []
        lines = [frame.line for frame in frames if frame.filename == code.co_filename and frame.line]
        return " ".join(lines[-1].split())[:100] if lines else ""

    def _alarm(self, seconds: float):
        if self.can_stop:
            self.inside = seconds > 0
            sys.settrace(self.trace)
            signal.setitimer(signal.ITIMER_REAL, seconds, 0.05 if seconds else 0)  # again, if a bare except ate it

    def _left(self) -> float:
        """Seconds until the limit; those in which a busy machine kept us waiting do not count, up to a bound."""
        return self.deadline + min(_kept_waiting() - self.waited, 4 * SECONDS) - time.monotonic()

    def _ring(self, _signal, frame):
        """End the call. Should a bare `except` catch this, its first line raises again, out of the `try`."""
        if not self.inside or frame.f_code in OWN:
            return  # it comes once more if their code has not even begun
        if (left := self._left()) > 0.01:
            self._alarm(left)
            return
        if _importing(frame):  # half a module would be left behind; torch loads some of its own when first used
            self._alarm(SECONDS)
            return

        def again(frame, event, _argument):
            if frame.f_code in OWN:  # theirs has ended: let the way out be
                return None
            if event == "line":
                raise TimeUp
            return again

        frame.f_trace = again
        sys.settrace(again)
        raise TimeUp

    @contextlib.contextmanager
    def settled(self) -> Iterator["Caller"]:
        """Gradients on, output captured; afterwards everything is as it was, random numbers included."""
        torch.ones(1, requires_grad=True).sum().backward()  # the first gradient is slow: not on their time
        dtype, old = torch.get_default_dtype(), None
        if self.can_stop:
            old = signal.signal(signal.SIGALRM, self._ring), signal.getitimer(signal.ITIMER_REAL)
        try:
            with (
                torch.enable_grad(), torch.random.fork_rng(devices=[]), warnings.catch_warnings(),
                contextlib.redirect_stdout(self.printed), contextlib.redirect_stderr(_Printed()),
            ):  # fmt: skip
                warnings.simplefilter("ignore")
                torch.set_default_dtype(torch.float32)
                yield self
        finally:
            torch.set_default_dtype(dtype)
            if old:
                signal.setitimer(signal.ITIMER_REAL, 0)  # before its handler goes: unhandled, an alarm ends Python
                signal.signal(signal.SIGALRM, old[0])
                signal.setitimer(signal.ITIMER_REAL, *old[1])


def _kept_waiting() -> float:
    """For how many seconds this thread was ready while others had the processor; 0 where the system does not say."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


OWN = {Caller.__call__.__code__, Caller._alarm.__code__}


def _importing(frame) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


class _Printed(io.TextIOBase):
    """Keeps the beginning of what is printed; closing it, or printing without end, does no harm."""

    def __init__(self):
        self.text = ""

    def write(self, text) -> int:
        self.text += str(text)[: max(0, 500 - len(self.text))]
        return len(text)

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        pass


@dataclass
class Reads:
    """What a function's code names: the data it takes from the notebook, and whether it is a stub."""

    tensors: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    idle_calls: list[str] = field(default_factory=list)  # functions of the notebook that do nothing
    stub: bool = False  # it names NotImplementedError, or does nothing
    idle: bool = False  # it does nothing


def reads(f) -> Reads:
    """Look into the code of `f`, and of the notebook's own functions it calls, without running it."""
    found, todo, seen = Reads(), [inspect.unwrap(f) if callable(f) else f], set()
    while todo:
        function = todo.pop()
        if not isinstance(function, types.FunctionType) or function.__code__ in seen:
            continue
        seen.add(function.__code__)
        for name in _global_names(function.__code__):
            value = function.__globals__.get(name)
            if isinstance(value, (Tensor, np.ndarray)):
                found.tensors.append(name)
            elif isinstance(value, (int, float, list, tuple, dict)) and not isinstance(value, bool):
                found.numbers.append(name)
            elif isinstance(value, types.FunctionType) and value.__globals__ is function.__globals__:
                todo.append(value)
                found.idle_calls += [name] if _does_nothing(value.__code__) else []
    code = getattr(f, "__code__", None)
    if code is not None:
        found.idle = _does_nothing(code)
        found.stub = found.idle or "NotImplementedError" in code.co_names
    return found


def _global_names(code) -> Iterator[str]:
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield step.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):  # a function or a comprehension inside
            yield from _global_names(constant)


def _does_nothing(code) -> bool:
    """A body of `pass`, `...` or a docstring alone."""
    busy = {"RESUME", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "NOP", "COPY_FREE_VARS"}
    names = [step.opname for step in dis.get_instructions(code)]
    constants = names.count("LOAD_CONST") + names.count("RETURN_CONST")
    return set(names) <= busy and constants == 1 and code.co_consts[-1] is None


def error_text(error: BaseException, f, caller: Caller) -> str:
    """An exception in one or two lines: what it says, and the learner's own line that raised it."""
    try:
        said = " ".join(str(error).split())
    except BaseException:
        said = ""
    said = said if len(said) <= 160 else f"{said[:157]}…"
    if isinstance(error, TimeUp):
        text = f"It was stopped after {SECONDS} seconds; expected an answer at once. Does a loop never end?"
    elif isinstance(error, KeyboardInterrupt):
        text = "It was interrupted; expected an answer at once."
    elif isinstance(error, RecursionError):
        text = "It calls itself without end (RecursionError); expected an answer. Which call never comes back?"
    else:
        text = f"It raises {type(error).__name__}{f': {said}' if said else ''}"
    line = caller.where(error, f)
    return f"{text}\nIn your line `{line}`" if line else text
