"""The exercises of notebook 06: the candidate and the cell state."""

from lstm_lesson.exercises import designs
from lstm_lesson.exercises.catalogue.affine import affine_edits, affine_model, affine_words, gate_inputs
from lstm_lesson.exercises.catalogue.lstm_steps import CELL_STATE, place_edits
from lstm_lesson.exercises.exercise import Exercise

EXERCISES = [
    Exercise(
        name="candidate",
        notebook="06_cell_state",
        minutes=3,
        difficulty=1,
        reference="equations.candidate",
        inputs=gate_inputs("c"),
        returns={"g_t": "B H"},
        model=affine_model("candidate", "c"),
        edits=tuple(affine_edits("c")),
        words=affine_words("c"),
        hints=(
            "The candidate reads the same things as a gate. What differs is the function around the sum.",
            "A candidate must be able to push the memory up and down, so it needs both signs.",
            "Which function squashes any number into (−1, 1)? You used it in notebook 01.",
        ),
    ),
    Exercise(
        name="cell_state",
        notebook="06_cell_state",
        minutes=3,
        difficulty=1,
        reference="equations.cell_state",
        inputs=lambda draw: {"f_t": draw.uniform(0, 1, "B H"), "c_prev": draw.unbounded("B H"), "i_t": draw.uniform(0, 1, "B H"), "g_t": draw.unbounded("B H")},
        returns={"c_t": "B H"},
        model="def cell_state(f_t, c_prev, i_t, g_t):\n    c_t = f_t * c_prev + i_t * g_t\n    return c_t\n",
        edits=tuple(place_edits("c_t", "equation 3", CELL_STATE)),
        hints=(
            "Two parts are added: what stays of the old memory, and what is let in of the new.",
            "Each part is a gate times a value, entry by entry. Which gate belongs to which value?",
            "The forget gate stands beside the old memory, the input gate beside the candidate. Nothing is a matrix.",
        ),
    ),
    Exercise(
        name="candidate_weights",
        notebook="06_cell_state",
        minutes=6,
        difficulty=3,
        reference="data.agreement.candidate_weights",
        inputs=lambda draw: {},
        returns={"W_xc": "N H", "W_hc": "H H", "b_c": "H"},
        judge=designs.one_part("c"),
        hints=(
            "Unit 0 needs both signs: one for plural, the other for singular. What does unit 1 need to note?",
            "tanh of ±10 is ±1. The features of the word are enough; h has nothing to add.",
            "Column 0 of W_xc: −10 at the singular noun, 10 at the plural noun. Column 1: 10 at both.",
        ),
    ),
    Exercise(
        name="counter_weights",
        notebook="06_cell_state",
        minutes=6,
        difficulty=3,
        reference="data.agreement.counter_weights",
        inputs=lambda draw: {},
        returns={name: "" for name in ("W_xi", "W_hi", "b_i", "W_xf", "W_hf", "b_f", "W_xc", "W_hc", "b_c")},
        judge=designs.counter,
        hints=(
            "Each noun has to add 1: a candidate of 1, let in at a noun and at no other word.",
            "The forget gate keeps the count at every word but one.",
            "b_c = 10 makes the candidate 1 everywhere. The input gate rests at −10 and gets 20 from a noun; the forget gate rests at 10 and gets −20 from the full stop.",
        ),
    ),
]
