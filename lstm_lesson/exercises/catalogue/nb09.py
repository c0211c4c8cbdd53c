"""What is computed in the exercises of notebook 09: inputs, and the mistakes of a backward step."""

from lstm_lesson.cells import lstm_values
from lstm_lesson.exercises.catalogue.backward_steps import lstm_backward_edits


def _step_inputs(draw):
    x_t, h_prev, c_prev = draw("B N"), draw("B H"), draw.unbounded("B H")
    weights = draw.weights()
    values = tuple(lstm_values(x_t, h_prev, c_prev, weights))
    arriving = {"dh_t": draw.unbounded("B H", 1), "dc_t": draw.unbounded("B H", 1)}
    return arriving | {"x_t": x_t, "h_prev": h_prev, "c_prev": c_prev, "values": values, "weights": weights}


CODE = {
    "lstm_backward_step": {
        "inputs": _step_inputs,
        "edits": [*lstm_backward_edits()],
    },
}
