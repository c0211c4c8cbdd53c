"""The package behind the notebooks: an LSTM, equation by equation.

Start reading at `equations`; the README has the map. Pictures, widgets and exercises load when they are first used.
"""

from lstm_lesson.cells import LSTMCell, RNNCell
from lstm_lesson.layers import CustomLSTM
from lstm_lesson.tracing import record

__all__ = ["CustomLSTM", "LSTMCell", "RNNCell", "check", "examine", "guess", "guesses", "hint", "progress",
           "record", "solution", "yours"]  # fmt: skip


def __getattr__(name: str):
    """`check`, `hint`, `guess` and what else a learner calls, loaded when they are first asked for."""
    if name in __all__:
        from lstm_lesson import exercises

        return getattr(exercises, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
