"""What is computed in the exercises of notebook 06: the mistakes of two equations, and what designed weights do."""

from lstm_lesson.exercises.catalogue.affine import affine_edits
from lstm_lesson.exercises.catalogue.lstm_steps import CELL_STATE, place_edits
from lstm_lesson.exercises.designs import counter, one_part

CODE = {
    "candidate": {"edits": [*affine_edits("c")]},
    "cell_state": {"edits": [*place_edits("c_t", "equation 3", CELL_STATE)]},
    "candidate_weights": {"judge": one_part("c")},
    "counter_weights": {"judge": counter},
}
