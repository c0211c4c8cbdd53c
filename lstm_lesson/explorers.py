"""The explorers of the lessons: something to move, a picture that follows, and the values as text."""

from lstm_lesson.explorer_base import Explorer
from lstm_lesson.gradient_explorer import GradientExplorer
from lstm_lesson.playground import CellPlayground
from lstm_lesson.small_explorers import GateValve, HalfLifeExplorer, UnrolledStepper

__all__ = ["CellPlayground", "Explorer", "GateValve", "GradientExplorer", "HalfLifeExplorer", "UnrolledStepper"]
