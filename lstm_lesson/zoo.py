"""Wrong LSTMs that people have really written: they pass a shape test, and most of them learn.

Each cell takes what `lstm_step` takes and returns (h_t, c_t). One thing in it is wrong; its name says what.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from lstm_lesson.cells import MAKES, LSTMCell, lstm_step, lstm_values, zero_state
from lstm_lesson.data.tasks import adding_problem
from lstm_lesson.layers import CustomLSTM
from lstm_lesson.shapes import check_size
from lstm_lesson.training.progress_line import ProgressLine

Step = Callable[..., tuple[Tensor, Tensor]]  # (x_t, h_prev, c_prev, weights) -> (h_t, c_t)
GUESS = 1 / 6  # the adding problem's error for always answering 1: the variance of a sum of two uniform numbers


def i_and_f_swapped(x_t, h_prev, c_prev, weights):
    i, f, g, o, *_ = lstm_values(x_t, h_prev, c_prev, weights)
    c_t = i * c_prev + f * g
    return o * torch.tanh(c_t), c_t


def f_for_both(x_t, h_prev, c_prev, weights):
    _, f, g, o, *_ = lstm_values(x_t, h_prev, c_prev, weights)
    c_t = f * c_prev + f * g
    return o * torch.tanh(c_t), c_t


def sigmoid_candidate(x_t, h_prev, c_prev, weights):
    i, f, _, o, *_ = lstm_values(x_t, h_prev, c_prev, weights)
    g = torch.sigmoid(x_t @ weights["W_xc"] + h_prev @ weights["W_hc"] + weights["b_c"])
    c_t = f * c_prev + i * g
    return o * torch.tanh(c_t), c_t


def no_tanh_on_c(x_t, h_prev, c_prev, weights):
    *_, o, c_t, _ = lstm_values(x_t, h_prev, c_prev, weights)
    return o * c_t, c_t


def output_gate_left_out(x_t, h_prev, c_prev, weights):
    c_t = lstm_values(x_t, h_prev, c_prev, weights).c
    return torch.tanh(c_t), c_t


def h_detached(x_t, h_prev, c_prev, weights):
    return lstm_step(x_t, h_prev.detach(), c_prev, weights)


CELLS: dict[str, Step] = {
    "the right cell": lstm_step,
    "swapped i and f": i_and_f_swapped,
    "both terms through f": f_for_both,
    "sigmoid on the candidate": sigmoid_candidate,
    "no tanh on c": no_tanh_on_c,
    "no output gate": output_gate_left_out,
    "detached h": h_detached,
}


class Learned(NamedTuple):
    """What `learn_to_add` returns, one entry a run: the error on 1,000 new sequences, and the trained LSTM."""

    losses: list[float]
    lstms: list[CustomLSTM]


def learn_to_add(
    step: Step = lstm_step, runs: int = 3, steps: int = 250, length: int = 8, hidden: int = 16, seed: int = 0,
    label: str = "",
) -> Learned:  # fmt: skip
    """Train a small LSTM that takes its steps with `step` on the adding problem, several runs at once.

    The runs differ in their first weights and in the sequences they see; the same `seed` gives every `step` the same
    ones. Adam on the mean squared error, 64 new sequences a step. A line shows loss and time left, headed by `label`.
    Raises ValueError for numbers below 1.
    """
    for name, size in {"runs": runs, "steps": steps, "length": length, "hidden": hidden}.items():
        check_size(name, size)
    random = torch.Generator().manual_seed(seed)
    weights = _first_weights(runs, hidden, random)
    adam = torch.optim.Adam(weights.values(), lr=0.03)
    answer = torch.func.vmap(lambda x, w: _answer(step, x, w))  # every run with its own weights, all at once
    line = ProgressLine(label, on=bool(label), steps=steps)
    for k in range(1, steps + 1):
        x, sums = _fresh(runs, 64, length, random)
        loss = (answer(x, weights) - sums).square().mean(dim=1)  # (runs,)
        adam.zero_grad()
        loss.sum().backward()
        adam.step()
        line.step(f"step {k} of {steps} · loss {loss.mean().item():.3f}")
    with torch.no_grad():
        x, sums = _fresh(runs, 1000, length, random)
        losses = (answer(x, weights) - sums).square().mean(dim=1)
    line.last(f"loss {losses.mean().item():.4f} · {line.seconds:.0f} s")
    return Learned(losses.tolist(), [_as_lstm(step, {n: w[r] for n, w in weights.items()}) for r in range(runs)])


def lstm_with(step: Step, lstm: CustomLSTM) -> CustomLSTM:
    """A copy of a one-layer, one-direction LSTM, with the same weights, that takes its steps with `step`.

    `step` is called as step(x_t, h_prev, c_prev, weights) and returns (h_t, c_t), like `lstm_step`.
    Raises ValueError for an LSTM with more than one cell.
    """
    if not lstm.single:
        raise ValueError(f"lstm has {len(lstm.cells)} cells; it needs one layer in one direction")
    copy = CustomLSTM(lstm.input_size, lstm.hidden_size)
    copy.cells[0] = _Cell(step, lstm.input_size, lstm.hidden_size)
    copy.to(lstm.cells[0].b_i).load_state_dict(lstm.state_dict())
    return copy


class _Cell(LSTMCell):
    """An LSTMCell that takes its step with another function."""

    def __init__(self, step: Step, input_size: int, hidden_size: int):
        super().__init__(input_size, hidden_size)
        self.step = step

    def forward(self, x_t, state=None):
        h_prev, c_prev = (zero_state(x_t, self.hidden_size),) * 2 if state is None else state
        return self.step(x_t, h_prev, c_prev, self.weights)


def _first_weights(runs, hidden, random):
    """The LSTM's weights and those of the answer, uniform in ±1/√H, with a first dimension for the runs."""
    shapes = {"W_y": (hidden, 1), "b_y": (1,)}
    for k in MAKES:
        shapes |= {f"W_x{k}": (2, hidden), f"W_h{k}": (hidden, hidden), f"b_{k}": (hidden,)}
    uniform = {name: 2 * torch.rand(runs, *shape, generator=random) - 1 for name, shape in shapes.items()}
    return {name: (w / math.sqrt(hidden)).requires_grad_() for name, w in uniform.items()}


def _fresh(runs, batch, length, random):
    x, sums = adding_problem(runs * batch, length, random)
    return x.view(runs, batch, length, 2), sums.view(runs, batch)


def _answer(step, x, weights):
    """x (B, T, 2) -> the sum it reads off its last state (B,)."""
    h = c = x.new_zeros(x.shape[0], weights["W_hi"].shape[0])
    for t in range(x.shape[1]):
        h, c = step(x[:, t], h, c, weights)
    return (h @ weights["W_y"] + weights["b_y"])[:, 0]


def _as_lstm(step, weights) -> CustomLSTM:
    lstm = lstm_with(step, CustomLSTM(2, len(weights["b_i"])))
    lstm.cells[0].load_state_dict({name: w.detach() for name, w in weights.items() if not name.endswith("_y")})
    return lstm
