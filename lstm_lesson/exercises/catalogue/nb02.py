"""The exercises of notebook 02: the backward step of an RNN, and truncating the graph."""

import torch

from lstm_lesson.exercises.catalogue.backward_steps import RNN_MODEL, RNN_WORDS, rnn_backward_edits
from lstm_lesson.exercises.exercise import Exercise, Mistake


def _backward_inputs(draw):
    x_t, h_prev, W_xh, W_hh = draw("B N"), draw("B H"), draw("N H", 0.5), draw("H H", 0.5)
    h_t = (x_t @ W_xh + h_prev @ W_hh + draw("H")).tanh()
    return {"dh_t": draw.unbounded("B H", 1), "x_t": x_t, "h_prev": h_prev, "h_t": h_t, "W_xh": W_xh, "W_hh": W_hh}


def _state_inputs(draw):
    state = draw("B H") if draw.index % 2 else (draw("B H"), draw.unbounded("B H"))  # one tensor with B = 2 among them
    draw.letters_used.clear()  # the stub names no sizes
    return {"state": state}


def _map_state(state, change):
    return change(state) if isinstance(state, torch.Tensor) else tuple(change(s) for s in state)


TRUNCATE_MISTAKES = (
    Mistake(lambda state: state, "The history is still there (a clone keeps it, too): a backward pass would go on into the window before."),
    Mistake(lambda state: _map_state(state, torch.zeros_like), "The state is reset to zeros. Its values have to stay."),
    Mistake(lambda state: (state[0].detach(), state[1]) if isinstance(state, tuple) else state.detach(), "Only the first half of the tuple is cut; the second still carries its history."),
    Mistake(lambda state: (state[0], state[1].detach()) if isinstance(state, tuple) else state.detach(), "Only the second half of the tuple is cut; the first still carries its history."),
    Mistake(lambda state: state.detach(), "That works for one tensor. The state may also be a tuple (h, c), as in an LSTM."),
    Mistake(lambda state: (state[0].detach(), state[1].detach()) if len(state) == 2 else state.detach(), "A tensor with two sequences has length 2, like the tuple, and is taken apart. How else can you tell them?"),
    Mistake(lambda state: tuple(s.detach() for s in state), "That works for a tuple. An RNN's state is one tensor, and your loop takes it apart row by row."),
    Mistake(lambda state: _map_state(state, lambda s: s.detach().abs()), "The values have changed: their signs are gone."),
    Mistake(lambda state: state[0].detach() if isinstance(state, tuple) else state.detach(), "From a tuple only the first tensor comes back. Give back what you were given: a tuple for a tuple."),
)


EXERCISES = [
    Exercise(
        name="rnn_backward_step",
        notebook="02_backpropagation_through_time",
        minutes=12,
        difficulty=3,
        reference="backward.rnn_backward_step",
        inputs=_backward_inputs,
        returns={"dx_t": "B N", "dh_prev": "B H", "dW_xh": "N H", "dW_hh": "H H", "db_h": "H"},
        gradient=False,
        model=RNN_MODEL,
        edits=tuple(rnn_backward_edits()),
        words=RNN_WORDS,
        hints=(
            "Go through tanh first: from the gradient of h_t to that of the sum inside. h_t itself is all you need.",
            "Call it dz, (B, H). Every other answer is dz times something, and its shape says what, and on which side.",
            "A matrix of the forward step appears as its transpose in the backward step; what was shared by the batch collects a sum over the batch.",
        ),
    ),
    Exercise(
        name="truncate",
        notebook="02_backpropagation_through_time",
        minutes=3,
        difficulty=1,
        reference="gradients.truncate",
        inputs=_state_inputs,
        returns={"state": ""},
        strict_type=True,
        mistakes=TRUNCATE_MISTAKES,
        hints=(
            "The values stay; only the memory of how they were computed goes.",
            "Every tensor has a method that returns the same values outside the graph.",
            "state may be one tensor or a tuple of tensors: treat each one, and give back what you were given.",
        ),
    ),
]
