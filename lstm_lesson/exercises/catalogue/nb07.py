"""What is computed in the exercises of notebook 07: the mistakes of two equations, and what judges the others."""

from lstm_lesson.exercises import faults
from lstm_lesson.exercises.catalogue.forward_steps import affine_edits
from lstm_lesson.exercises.designs import one_part
from lstm_lesson.exercises.exercise import shared_edits

CODE = {
    "output_gate": {"edits": [*affine_edits("o")]},
    "hidden_state": {"edits": [*shared_edits("hidden_state")]},
    "output_weights": {"judge": one_part("o")},
    "first_fault": {"judge": faults.judge},
    "second_fault": {"judge": faults.judge},
}
