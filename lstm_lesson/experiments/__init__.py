"""What was measured over several seeds: wrong cells, peepholes, and the ablation of the gates."""

from lstm_lesson.experiments.broken_cells import h_detached
from lstm_lesson.experiments.runs import ADDING_CHANCE, TIMING_CHANCE, learn_timing, learn_to_add

__all__ = ["ADDING_CHANCE", "TIMING_CHANCE", "h_detached", "learn_timing", "learn_to_add"]
