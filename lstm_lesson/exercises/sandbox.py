"""Run a learner's function: exceptions, prints, infinite loops and settings of torch do not reach the notebook."""

import contextlib
import inspect
import io
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from lstm_lesson.exercises.catalogue import read_table

SECONDS = 1.5  # for all calls of one check together
LOADING = 30.0  # more seconds, at most, in which modules are loaded and functions compiled


class TimeUp(BaseException):
    """Raised inside a learner's function that takes too long; their `except Exception` does not catch it."""


class Sandbox:
    """Runs functions under a common time limit, and keeps what they print in `printed`.

    `timed_out` says whether a function was stopped. The limit needs a Unix alarm and the main thread, which is where
    notebooks run. Elsewhere (Windows, a thread) an endless loop has to be stopped by hand, and the check then says so.
    """

    def __init__(self, seconds: float = SECONDS):
        self.seconds, self.loading, self.timed_out = seconds, LOADING, False
        self.printed = _CapturedText()
        self.running = False
        self.trace = sys.gettrace()
        self.can_stop = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()

    def __call__(self, f: Callable, *arguments):
        """-> (what f returned, None) or (None, the exception it ended with)."""
        self.deadline, self.waited_before = time.monotonic() + self.seconds, _seconds_without_processor()
        self.modules = len(sys.modules)
        try:
            try:
                self._set_alarm(max(self._seconds_left(), 0.01))
                return f(*arguments), None
            finally:
                self._set_alarm(0)
        except BaseException as error:  # SystemExit and a pressed stop button, too
            self._set_alarm(0)  # again: the alarm may have interrupted the line above
            self.timed_out |= isinstance(error, TimeUp)
            return None, error
        finally:
            self.seconds = self._seconds_left()

    @contextlib.contextmanager
    def isolated(self) -> Iterator["Sandbox"]:
        """Gradients on and output captured; afterwards torch's settings and random numbers are as they were."""
        dtype, threads, old = torch.get_default_dtype(), torch.get_num_threads(), None
        if self.can_stop:
            old = signal.signal(signal.SIGALRM, self._on_alarm), signal.getitimer(signal.ITIMER_REAL)
        try:
            with (
                torch.inference_mode(False), torch.enable_grad(),
                torch.random.fork_rng(devices=[]), warnings.catch_warnings(),
                contextlib.redirect_stdout(self.printed), contextlib.redirect_stderr(_CapturedText()),
            ):  # fmt: skip
                warnings.simplefilter("ignore")
                torch.set_default_dtype(torch.float32)
                torch.set_num_threads(1)  # quicker for tensors as small as these
                torch.ones(1, requires_grad=True).sum().backward()  # the first gradient is slow: not in their time
                yield self
        finally:
            torch.set_default_dtype(dtype)
            torch.set_num_threads(threads)
            if old:
                signal.setitimer(signal.ITIMER_REAL, 0)  # before the old handler returns: without one Python would end
                signal.signal(signal.SIGALRM, old[0])
                signal.setitimer(signal.ITIMER_REAL, *old[1])

    def _set_alarm(self, seconds: float):
        """Ring after this many seconds and, in case a bare `except` catches the first, every 0.05 s after; 0 stops."""
        if self.can_stop:
            self.running = seconds > 0
            sys.settrace(self.trace)
            signal.setitimer(signal.ITIMER_REAL, seconds, 0.05 if seconds else 0)

    def _seconds_left(self) -> float:
        """Seconds until the deadline, which is moved by the time without a processor, up to a bound."""
        waited = _seconds_without_processor() - self.waited_before
        return self.deadline + min(waited, 4 * SECONDS) - time.monotonic()

    def _is_loading(self, frame) -> bool:
        """Whether modules are or were loaded since the last alarm, or a function is compiled by torch."""
        before, self.modules = self.modules, len(sys.modules)
        files = [each.f_code.co_filename for each, _ in traceback.walk_stack(frame)]
        return self.modules > before or any(f.startswith("<frozen importlib") or "_dynamo" in f for f in files)

    def _on_alarm(self, _signal, frame):
        """Raise TimeUp in the learner's function; where a bare `except` catches it, raise it again at its next line."""
        if not self.running or frame.f_code in OWN_CODE:  # before or after the learner's code: the alarm repeats
            return
        if (left := self._seconds_left()) > 0.01:
            self._set_alarm(left)
            return
        if self.loading > 0 and self._is_loading(frame):  # stopped in an import, it would leave half a module
            self.loading -= SECONDS
            self.deadline += SECONDS  # what takes long to load is not the learner's fault
            self._set_alarm(SECONDS)
            return

        def raise_again(frame, event, _argument):
            if frame.f_code in OWN_CODE:  # the learner's function has ended
                return None
            if event == "line":
                raise TimeUp
            return raise_again

        frame.f_trace = raise_again
        sys.settrace(raise_again)
        raise TimeUp


OWN_CODE = {Sandbox.__call__.__code__, Sandbox._set_alarm.__code__}


def _seconds_without_processor() -> float:
    """How long this thread was ready while others had the processor; 0 where the system does not say."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    return 0.0


class _CapturedText(io.StringIO):
    """Keeps the first 500 characters that are printed. Cannot be closed."""

    def write(self, text) -> int:
        return super().write(str(text)[: max(0, 500 - self.tell())])

    def close(self) -> None:
        pass


def format_error(error: BaseException, f) -> str:
    """An exception in one or two lines: its own message, and the line of `f` that raised it."""
    said = read_table("causes")["stopped"].get(type(error).__name__)
    text = said.format(SECONDS) if said else f"It raises {name_error(error)}"
    code = getattr(inspect.unwrap(f) if callable(f) else f, "__code__", None)
    frames = traceback.extract_tb(error.__traceback__, limit=-40) if code else []
    lines = [frame.line for frame in frames if frame.filename == code.co_filename and frame.line]  # of their own code
    return f"{text}\nIn your line `{' '.join(lines[-1].split())[:100]}`" if lines else text


def name_error(error: BaseException) -> str:
    """The type of an exception and its message, on one line; of the message at most 160 characters."""
    message = ""
    with contextlib.suppress(BaseException):
        message = " ".join(str(error).split())
    message = message if len(message) <= 160 else f"{message[:157]}…"
    return f"{type(error).__name__}{f': {message}' if message else ''}"
