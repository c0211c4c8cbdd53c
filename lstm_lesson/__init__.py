"""The package behind the notebooks: an LSTM, equation by equation.

Start reading at `equations`; the README has the map. Pictures, widgets and exercises load when they are first used.
"""

from lstm_lesson.cells import LSTMCell, RNNCell
from lstm_lesson.layers import CustomLSTM
from lstm_lesson.tracing import record

__all__ = ["CustomLSTM", "LSTMCell", "RNNCell", "check", "examine", "hint", "progress", "record", "solution",
           "yours"]  # fmt: skip


def __getattr__(name: str):
    """`check`, `examine`, `hint`, `solution`, `yours` and `progress`, loaded when they are first asked for."""
    if name in ("check", "examine", "hint", "progress", "solution", "yours"):
        from lstm_lesson import exercises

        return getattr(exercises, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
