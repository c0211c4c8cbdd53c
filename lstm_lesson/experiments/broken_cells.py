"""Broken cells: LSTM steps with one fault each. They pass a shape test, and most of them learn to add.

Each step has the arguments of `lstm_step` and returns (h_t, c_t). One thing in it is wrong; its name says what.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from lstm_lesson.cells import LSTMCell, lstm_step, lstm_values
from lstm_lesson.equations import candidate, cell_state, forget_gate, hidden_state, input_gate, output_gate
from lstm_lesson.layers import CustomLSTM

Step = Callable[..., tuple[Tensor, Tensor]]  # (x_t, h_prev, c_prev, weights) -> (h_t, c_t)


def with_equations(c_t=lambda i, f, g, c_prev: f * c_prev + i * g, h_t=lambda o, c: o * torch.tanh(c)) -> Step:
    """A step with another equation for the cell state or for the hidden state, in place of the right one."""

    def step(x_t, h_prev, c_prev, weights):
        i, f, g, o, *_ = lstm_values(x_t, h_prev, c_prev, weights)
        c = c_t(i, f, g, c_prev)
        return h_t(o, c), c

    return step


def sigmoid_candidate(x_t, h_prev, c_prev, weights):
    i, f, _, o, *_ = lstm_values(x_t, h_prev, c_prev, weights)
    g = torch.sigmoid(x_t @ weights["W_xc"] + h_prev @ weights["W_hc"] + weights["b_c"])
    c_t = f * c_prev + i * g
    return o * torch.tanh(c_t), c_t


def h_detached(x_t, h_prev, c_prev, weights):
    return lstm_step(x_t, h_prev.detach(), c_prev, weights)


def memory_in_place_of_h(x_t, h_prev, c_prev, weights):
    """A misreading of peepholes: the gates read the cell state instead of the hidden state, through h's weights.

    Arguments and result as in `cells.lstm_step`. Every shape fits, and no weight is added.
    """
    w = weights
    i_t = input_gate(x_t, c_prev, w["W_xi"], w["W_hi"], w["b_i"])
    f_t = forget_gate(x_t, c_prev, w["W_xf"], w["W_hf"], w["b_f"])
    c_t = cell_state(f_t, c_prev, i_t, candidate(x_t, h_prev, w["W_xc"], w["W_hc"], w["b_c"]))
    o_t = output_gate(x_t, c_t, w["W_xo"], w["W_ho"], w["b_o"])
    return hidden_state(o_t, c_t), c_t


def full_peepholes_of(lstm: CustomLSTM) -> CustomLSTM:
    """The LSTM with full peepholes that computes what `memory_in_place_of_h` computes with the weights of `lstm`.

    The gates' W_h become their peepholes, and their own W_h are zero. Raises ValueError for more than one cell.
    """
    w = dict(lstm_with(memory_in_place_of_h, lstm).cells[0].weights)
    w |= {f"W_c{k}": w[f"W_h{k}"] for k in "ifo"} | {f"W_h{k}": torch.zeros_like(w[f"W_h{k}"]) for k in "ifo"}
    full = CustomLSTM(lstm.input_size, lstm.hidden_size, peephole="full").to(w["b_i"])
    full.cells[0].load_state_dict(w)
    return full


CELLS: dict[str, Step] = {
    "the right cell": lstm_step,
    "swapped i and f": with_equations(c_t=lambda i, f, g, c_prev: i * c_prev + f * g),
    "both terms through f": with_equations(c_t=lambda i, f, g, c_prev: f * c_prev + f * g),
    "sigmoid on the candidate": sigmoid_candidate,
    "no tanh on c": with_equations(h_t=lambda o, c: o * c),
    "no output gate": with_equations(h_t=lambda o, c: torch.tanh(c)),
    "detached h": h_detached,
}


def lstm_with(step: Step, lstm: CustomLSTM) -> CustomLSTM:
    """A copy of a one-layer, one-direction LSTM with the same weights, whose step is the function `step`.

    `step` is called as step(x_t, h_prev, c_prev, weights) and returns (h_t, c_t), like `lstm_step`.
    Raises ValueError for an LSTM with more than one cell.
    """
    if not lstm.single:
        raise ValueError(f"lstm has {len(lstm.cells)} cells; it needs one layer in one direction")
    copy = CustomLSTM(lstm.input_size, lstm.hidden_size, batch_first=lstm.batch_first, torch_states=lstm.torch_states)
    copy.cells[0] = _Cell(lstm.input_size, lstm.hidden_size)
    copy.cells[0].step = step
    copy.to(lstm.cells[0].W_xi).cells[0].load_state_dict(lstm.cells[0].weights)
    return copy


class _Cell(LSTMCell):
    """An LSTMCell whose step is another function, its attribute `step`."""

    def forward(self, x_t, state):
        return self.step(x_t, *state, self.weights)
