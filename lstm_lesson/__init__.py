"""The package behind the notebooks: an LSTM, equation by equation.

`equations` is the heart; see the README for the map. Pictures and widgets load only when they are used.
"""

from lstm_lesson.cells import LSTMCell, RNNCell
from lstm_lesson.layers import CustomLSTM

__all__ = ["CustomLSTM", "LSTMCell", "RNNCell"]
