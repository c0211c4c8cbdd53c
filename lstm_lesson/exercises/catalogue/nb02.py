"""What is computed in the exercises of notebook 02: inputs, and the mistakes of a backward step."""

from lstm_lesson.exercises.catalogue.backward_steps import rnn_backward_edits


def _backward_inputs(draw):
    x_t, h_prev, W_xh, W_hh = draw("B N"), draw("B H"), draw("N H", 0.5), draw("H H", 0.5)
    h_t = (x_t @ W_xh + h_prev @ W_hh + draw("H")).tanh()
    return {"dh_t": draw.unbounded("B H", 1), "x_t": x_t, "h_prev": h_prev, "h_t": h_t, "W_xh": W_xh, "W_hh": W_hh}


def _state_inputs(draw):
    state = draw("B H") if draw.index % 2 else (draw("B H"), draw.unbounded("B H"))  # one tensor with B = 2 among them
    draw.letters_used.clear()  # the stub names no sizes
    return {"state": state}


CODE = {
    "rnn_backward_step": {"inputs": _backward_inputs, "edits": [*rnn_backward_edits()]},
    "truncate": {"inputs": _state_inputs},
}
