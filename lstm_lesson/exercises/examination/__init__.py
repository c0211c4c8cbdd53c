"""`examine(MyLSTM)`: whether a class that says it is an LSTM is one, and which of its tensors is which weight.

`subject` makes an instance, finds out how it is called, and runs it; `matching` has the forms of an LSTM, and finds the
weights by what they do, or by their names; `verdict` compares, and says what is found.
"""

from lstm_lesson.exercises.examination.verdict import Examination, examine

__all__ = ["Examination", "examine"]
