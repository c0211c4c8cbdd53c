"""What came after the LSTM: the GRU."""

from lstm_lesson.successors.gru import CustomGRU, GRUCell

__all__ = ["CustomGRU", "GRUCell"]
