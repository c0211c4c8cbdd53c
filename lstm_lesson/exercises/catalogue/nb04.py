"""The exercise of notebook 04: the input gate."""

from lstm_lesson.exercises.catalogue.affine import affine_edits, affine_model, affine_words, gate_inputs
from lstm_lesson.exercises.exercise import Exercise

EXERCISES = [
    Exercise(
        name="input_gate",
        notebook="04_input_gate",
        minutes=5,
        difficulty=1,
        reference="equations.input_gate",
        inputs=gate_inputs("i"),
        returns={"i_t": "B H"},
        model=affine_model("input_gate", "i"),
        edits=tuple(affine_edits("i")),
        words=affine_words("i"),
        hints=(
            "Equation 1 has a sum inside and one function around it.",
            "The sum has three terms: the input through W_xi, the old state through W_hi, and the bias.",
            "A gate stands between 0 (shut) and 1 (open). Which function takes any number there?",
        ),
    )
]
