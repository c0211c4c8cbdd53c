"""What was measured over several seeds: wrong cells, peepholes, and the ablation of the gates."""

from lstm_lesson.experiments import results
from lstm_lesson.experiments.broken_cells import h_detached
from lstm_lesson.experiments.runs import ADDING_CHANCE, learn_timing, learn_to_add, timing_chance
