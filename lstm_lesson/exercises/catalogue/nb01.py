"""What is computed in the exercises of notebook 01: the mistakes of a step, and of a loop."""

from lstm_lesson.exercises.catalogue.forward_steps import affine_edits, loop_edits

CODE = {"rnn_step": {"edits": [*affine_edits("h")]}, "unroll": {"edits": [*loop_edits("h"), *affine_edits("h")]}}
