"""The package behind the notebooks: an LSTM, equation by equation.

Start reading at `equations`; the README has the map. Each part loads when it is first used.
"""

from importlib import import_module as _import_module
from importlib.util import find_spec as _find_spec

_HOMES = {"CustomLSTM": "layers", "LSTMCell": "cells", "RNNCell": "cells", "record": "tracing"}  # else: exercises
__all__ = [*_HOMES, "check", "examine", "guess", "guesses", "hint", "progress", "solution", "yours"]


def __getattr__(name: str):
    """The classes, `record`, what a learner calls, and the modules, loaded when they are first asked for."""
    if name in __all__:
        return getattr(_import_module(f"lstm_lesson.{_HOMES.get(name, 'exercises')}"), name)
    if name[0] != "_" and _find_spec(f"lstm_lesson.{name}"):
        return _import_module(f"lstm_lesson.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
