"""What is computed in the exercises of notebook 07: the mistakes of two equations, and what designed weights do."""

from lstm_lesson.exercises.catalogue.affine import affine_edits
from lstm_lesson.exercises.catalogue.lstm_steps import HIDDEN_STATE, place_edits
from lstm_lesson.exercises.designs import one_part

CODE = {
    "output_gate": {"edits": [*affine_edits("o")]},
    "hidden_state": {"edits": [*place_edits("h_t", "equation 5", HIDDEN_STATE)]},
    "output_weights": {"judge": one_part("o")},
}
