"""The exercises of notebook 07: the output gate and the hidden state."""

from lstm_lesson.exercises import designs
from lstm_lesson.exercises.catalogue.affine import affine_edits, affine_model, affine_words, gate_inputs
from lstm_lesson.exercises.catalogue.lstm_steps import HIDDEN_STATE, place_edits
from lstm_lesson.exercises.exercise import Exercise

EXERCISES = [
    Exercise(
        name="output_gate",
        notebook="07_output_gate",
        minutes=2,
        difficulty=1,
        reference="equations.output_gate",
        inputs=gate_inputs("o"),
        returns={"o_t": "B H"},
        model=affine_model("output_gate", "o"),
        edits=tuple(affine_edits("o")),
        words=affine_words("o"),
        hints=("Equation 4 has the same form as equations 1 and 2.", "Its weights and its bias end in o.", "A gate stands between 0 and 1, so the sum goes through the gates' function."),
    ),
    Exercise(
        name="hidden_state",
        notebook="07_output_gate",
        minutes=2,
        difficulty=1,
        reference="equations.hidden_state",
        inputs=lambda draw: {"o_t": draw.uniform(0, 1, "B H"), "c_t": draw("B H", 2 * draw.scale)},
        returns={"h_t": "B H"},
        model="def hidden_state(o_t, c_t):\n    h_t = o_t * tanh(c_t)\n    return h_t\n",
        edits=tuple(place_edits("h_t", "equation 5", HIDDEN_STATE)),
        hints=(
            "The output gate decides how much of the memory is shown.",
            "The memory has no bounds, the hidden state has: squash the memory before the gate.",
            "Entry by entry: the gate times the squashed memory. The gate itself is squashed already.",
        ),
    ),
    Exercise(
        name="output_weights",
        notebook="07_output_gate",
        minutes=5,
        difficulty=3,
        reference="data.agreement.output_weights",
        inputs=lambda draw: {},
        returns={"W_xo": "N H", "W_ho": "H H", "b_o": "H"},
        judge=designs.one_part("o"),
        hints=(
            "Unit 0 may speak at one kind of word only. Unit 1 has to be heard at every word: the input gate listens to it.",
            "At the verb the gate of unit 0 needs evidence of about 10, elsewhere about −10.",
            "b_o is −10 for unit 0 and 10 for unit 1; W_xo gives 20 from the verb to unit 0.",
        ),
    ),
]
