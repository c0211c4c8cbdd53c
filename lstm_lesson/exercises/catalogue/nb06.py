"""What is computed in the exercises of notebook 06: the mistakes of two equations, and what designed weights do."""

from lstm_lesson.exercises.catalogue.forward_steps import WEIGHTS_OR_EQUATION, affine_edits
from lstm_lesson.exercises.designs import counter, one_part
from lstm_lesson.exercises.exercise import shared_edits

CODE = {
    "candidate": {"edits": [*affine_edits("c")]},
    "cell_state": {"edits": [*shared_edits("cell_state", **dict.fromkeys(WEIGHTS_OR_EQUATION, ""))]},
    "candidate_weights": {"judge": one_part("c")},
    "counter_weights": {"judge": counter},
}
