"""What is computed in the exercises of notebook 04: the mistakes of a gate, and what designed weights do."""

from lstm_lesson.exercises.catalogue.forward_steps import affine_edits
from lstm_lesson.exercises.designs import one_part

CODE = {"input_gate": {"edits": [*affine_edits("i")]}, "input_weights": {"judge": one_part("i")}}
