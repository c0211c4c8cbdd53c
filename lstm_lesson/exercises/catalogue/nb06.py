"""The exercises of notebook 06: the candidate and the cell state."""

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
]
