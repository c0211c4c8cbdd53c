"""The interactive explorers of the lessons: controls, a picture that follows them, and the values as text."""

from lstm_lesson.explorers.base import Explorer
from lstm_lesson.explorers.inspector import GateInspector
from lstm_lesson.explorers.playground import CellPlayground
from lstm_lesson.explorers.recurrence import GradientExplorer, HalfLifeExplorer, UnrolledStepper
from lstm_lesson.explorers.traced_text import trace_text
from lstm_lesson.explorers.writer import WriterExplorer

__all__ = ["CellPlayground", "Explorer", "GateInspector", "GradientExplorer", "HalfLifeExplorer",
           "UnrolledStepper", "WriterExplorer", "trace_text"]  # fmt: skip
