"""What came after the LSTM: the GRU, gates that do not look back, and attention."""

from lstm_lesson.successors.attention import CausalAttention
from lstm_lesson.successors.gru import CustomGRU, GRUCell
from lstm_lesson.successors.scans import MinGRU, scan
