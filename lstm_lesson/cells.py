"""One step of a network as an `nn.Module`: parameters, and the equations that read them."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lstm_lesson.equations import candidate, cell_state, forget_gate, hidden_state, input_gate, output_gate, rnn_step
from lstm_lesson.shapes import check_shapes, check_size

MAKES = "ifco"  # what a weight makes: input gate, forget gate, memory (through its candidate), output gate


class Values(NamedTuple):
    """Everything one LSTM step computes, each (B, H)."""

    i: Tensor
    f: Tensor
    g: Tensor
    o: Tensor
    c: Tensor
    h: Tensor


def check_weights(weights: Mapping[str, Tensor]) -> None:
    """Raise ValueError unless `weights` is a mapping that holds the twelve weights of a cell, by name."""
    if not isinstance(weights, Mapping):
        raise ValueError(f"weights is {type(weights).__name__}; it needs a mapping from W_xi, W_hi, b_i, … to tensors")
    missing = [name for k in MAKES for name in (f"W_x{k}", f"W_h{k}", f"b_{k}") if name not in weights]
    if missing:
        raise ValueError(f"weights has no {', '.join(missing)}; it needs W_x·, W_h· and b_· for each of i, f, c, o")


def lstm_values(x_t: Tensor, h_prev: Tensor, c_prev: Tensor, weights: Mapping[str, Tensor]) -> Values:
    """The five equations in their order, with all that they compute on the way.

    x_t (B, N), h_prev (B, H), c_prev (B, H); `weights` maps the equations' names (`W_xi`, `W_hi`, `b_i`, …, and
    `W_ci`, `W_cf`, `W_co` for peepholes) to tensors -> Values(i, f, g, o, c, h), each (B, H).
    Raises ValueError naming the argument or weight that is missing or does not fit.
    """
    check_weights(weights)
    w = weights

    def peephole(k, c):
        return (c, w[f"W_c{k}"]) if f"W_c{k}" in w else ()

    i_t = input_gate(x_t, h_prev, w["W_xi"], w["W_hi"], w["b_i"], *peephole("i", c_prev))
    f_t = forget_gate(x_t, h_prev, w["W_xf"], w["W_hf"], w["b_f"], *peephole("f", c_prev))
    g_t = candidate(x_t, h_prev, w["W_xc"], w["W_hc"], w["b_c"])
    c_t = cell_state(f_t, c_prev, i_t, g_t)
    o_t = output_gate(x_t, h_prev, w["W_xo"], w["W_ho"], w["b_o"], *peephole("o", c_t))  # the new memory, not the old
    return Values(i_t, f_t, g_t, o_t, c_t, hidden_state(o_t, c_t))


def lstm_step(x_t: Tensor, h_prev: Tensor, c_prev: Tensor, weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """One LSTM step: the new hidden state and the new memory.

    Arguments and errors as in `lstm_values` -> h_t (B, H), c_t (B, H).
    """
    values = lstm_values(x_t, h_prev, c_prev, weights)
    return values.h, values.c


class RNNCell(nn.Module):
    """A tanh RNN cell: one set of weights, used at every step.

    RNNCell(N, H)(x_t (B, N), h (B, H) or None for zeros) -> h_t (B, H). Weights start uniform in ±1/√H.
    Raises ValueError naming the argument whose shape does not fit.
    """

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        check_size("input_size", input_size)
        check_size("hidden_size", hidden_size)
        self.input_size, self.hidden_size = input_size, hidden_size
        self.W_xh = _uniform(hidden_size, input_size, hidden_size)
        self.W_hh = _uniform(hidden_size, hidden_size, hidden_size)
        self.b_h = _uniform(hidden_size, hidden_size)

    def forward(self, x_t: Tensor, h: Tensor | None = None) -> Tensor:
        if h is None:
            h = zero_state(x_t, self.hidden_size)
        return rnn_step(x_t, h, self.W_xh, self.W_hh, self.b_h)

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}"


class LSTMCell(nn.Module):
    """One LSTM step with its parameters, named as in the equations.

    LSTMCell(N, H)(x_t (B, N), (h, c) each (B, H) or None for zeros) -> h_t (B, H), c_t (B, H).
    `peephole`: None, "diagonal" (W_ci, W_cf, W_co are (H,)) or "full" ((H, H)).
    Weights start uniform in ±1/√H; `forget_bias` is added to b_f, so that the cell can start by keeping.
    Source: Gers, Schmidhuber & Cummins 2000; forget bias: Jozefowicz, Zaremba & Sutskever 2015.
    Raises ValueError naming the argument that does not fit.
    """

    def __init__(self, input_size: int, hidden_size: int, peephole: str | None = None, forget_bias: float = 0.0):
        super().__init__()
        check_size("input_size", input_size)
        check_size("hidden_size", hidden_size)
        if peephole not in (None, "diagonal", "full"):
            raise ValueError(f'peephole is {peephole!r}; it needs None, "diagonal" or "full"')
        if not isinstance(forget_bias, (int, float)) or not math.isfinite(forget_bias):
            raise ValueError(f"forget_bias is {forget_bias!r}; it needs a finite number")
        self.input_size, self.hidden_size, self.peephole = input_size, hidden_size, peephole
        for k in MAKES:
            setattr(self, f"W_x{k}", _uniform(hidden_size, input_size, hidden_size))
            setattr(self, f"W_h{k}", _uniform(hidden_size, hidden_size, hidden_size))
            setattr(self, f"b_{k}", _uniform(hidden_size, hidden_size))
        if peephole:
            for k in "ifo":
                shape = (hidden_size, hidden_size) if peephole == "full" else (hidden_size,)
                setattr(self, f"W_c{k}", _uniform(hidden_size, *shape))
        with torch.no_grad():
            self.b_f += forget_bias

    @property
    def weights(self) -> dict[str, Tensor]:
        """The parameters under the equations' names."""
        return dict(self.named_parameters())

    def forward(self, x_t: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = (zero_state(x_t, self.hidden_size),) * 2 if state is None else two("state", state)
        return lstm_step(x_t, h, c, self.weights)

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + (f", peephole={self.peephole!r}" if self.peephole else "")


def zero_state(x_t: Tensor, hidden_size: int) -> Tensor:
    """A state of zeros for the batch in x_t (B, N): (B, H), with the dtype and device of x_t."""
    check_shapes(x_t=(x_t, "B N"))
    return x_t.new_zeros(x_t.shape[0], hidden_size)


def two(name: str, pair) -> tuple[Tensor, Tensor]:
    """`pair` as (h, c), or a ValueError that says what it is instead."""
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        has = f"{len(pair)} entries" if isinstance(pair, (tuple, list)) else f"type {type(pair).__name__}"
        raise ValueError(f"{name} has {has}; it needs a pair of tensors (h, c)")
    return pair[0], pair[1]


def _uniform(hidden_size: int, *shape: int) -> nn.Parameter:
    """Weights as PyTorch starts them: uniform in ±1/√H."""
    bound = 1 / math.sqrt(hidden_size)
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
