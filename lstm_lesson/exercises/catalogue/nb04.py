"""The exercises of notebook 04: the input gate, and its weights for is or are."""

from lstm_lesson.exercises import designs
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
    ),
    Exercise(
        name="input_weights",
        notebook="04_input_gate",
        minutes=8,
        difficulty=3,
        reference="data.agreement.input_weights",
        inputs=lambda draw: {},
        returns={"W_xi": "N H", "W_hi": "H H", "b_i": "H"},
        judge=designs.one_part("i"),
        hints=(
            "Three forces act on the gate: what keeps it shut at most words, what opens it, and what keeps it shut at later nouns.",
            "A bias of −10 shuts it; a weight of 20 on the two noun features opens it at a noun. What does h of unit 1 say after the subject?",
            "After the subject h of unit 1 is about 0.76. Which entry of W_hi turns that into −30, and does both units need it?",
        ),
    ),
]
