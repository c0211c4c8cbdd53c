"""One step of a network: the equations in their order, and modules that hold their weights.

What does not fit in shape, dtype or device is named by a ValueError.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lstm_lesson.equations import candidate, cell_state, forget_gate, hidden_state, input_gate, output_gate, rnn_step
from lstm_lesson.shapes import ERRORS, Shape, check_number, check_sizes, checked

GATES = "ifco"  # input gate, forget gate, candidate (for c), output gate: PyTorch's order of the weights
NAMES = *(name for k in GATES for name in (f"W_x{k}", f"W_h{k}", f"b_{k}")), "W_ci", "W_cf", "W_co"
# What one LSTM step computes, each (B, H): input gate, forget gate, candidate, output gate, cell state, hidden state.
Values = NamedTuple("Values", [(name, Tensor) for name in "ifgoch"])


def check_weights(weights: Mapping[str, Tensor], names: Sequence[str] = NAMES[:12], sums: str = "i, f, c, o") -> None:
    """Raise ValueError unless `weights` is a mapping with the weights of a cell under their names."""
    if not isinstance(weights, Mapping):
        raise ValueError(ERRORS["weights"].format(type(weights).__name__, ", ".join(names[:3])))
    missing = [name for name in names if name not in weights]
    if missing:
        raise ValueError(f"weights has no {', '.join(missing)}; it needs W_x·, W_h· and b_· for each of {sums}")


def lstm_values(x_t: Shape["B N"], h_prev: Shape["B H"], c_prev: Shape["B H"], weights: Mapping[str, Tensor]) -> Values:
    """The five equations in their order: gates, candidate, cell state and hidden state.

    `weights` maps the names in the equations (`W_xi`, `W_hi`, `b_i`, …, and `W_ci`, `W_cf`, `W_co` for peepholes) to
    tensors. Each equation checks the shapes that it reads.
    Raises ValueError naming the argument or weight that is missing or does not fit.
    """
    check_weights(weights)
    w = weights
    i_t = input_gate(x_t, h_prev, w["W_xi"], w["W_hi"], w["b_i"], c_prev, w.get("W_ci"))
    f_t = forget_gate(x_t, h_prev, w["W_xf"], w["W_hf"], w["b_f"], c_prev, w.get("W_cf"))
    g_t = candidate(x_t, h_prev, w["W_xc"], w["W_hc"], w["b_c"])
    c_t = cell_state(f_t, c_prev, i_t, g_t)
    o_t = output_gate(x_t, h_prev, w["W_xo"], w["W_ho"], w["b_o"], c_t, w.get("W_co"))  # reads the new cell state
    h_t = hidden_state(o_t, c_t)
    return Values(i_t, f_t, g_t, o_t, c_t, h_t)


def lstm_step(
    x_t: Shape["B N"], h_prev: Shape["B H"], c_prev: Shape["B H"], weights: Mapping[str, Tensor]
) -> tuple[Shape["B H"], Shape["B H"]]:
    """One LSTM step: the new hidden state and the new cell state. Arguments and errors as in `lstm_values`."""
    values = lstm_values(x_t, h_prev, c_prev, weights)
    return values.h, values.c


class RNNCell(nn.Module):
    """A tanh RNN cell with its parameters, named as in the equation.

    RNNCell(N, H)(x_t (B, N), h (B, H) or None for zeros) -> h_t (B, H). Weights start uniform in ±1/√H.
    """

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.input_size, self.hidden_size = check_sizes(input_size=input_size, hidden_size=hidden_size)
        self.W_xh, self.W_hh, self.b_h = gate_weights(input_size, hidden_size)

    def forward(self, x_t: Shape["B N"], h: Shape["B H"] | None = None) -> Shape["B H"]:
        h = zero_state(x_t, self.hidden_size) if h is None else h
        return rnn_step(x_t, h, self.W_xh, self.W_hh, self.b_h)

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}"


class LSTMCell(nn.Module):
    """One LSTM step with its parameters, named as in the equations.

    LSTMCell(N, H)(x_t (B, N), (h, c) each (B, H) or None for zeros) -> h_t (B, H), c_t (B, H).
    `peephole`: None, "diagonal" (W_ci, W_cf, W_co are (H,)) or "full" ((H, H)).
    Weights start uniform in ±1/√H; `forget_bias` is added to b_f: above 0, the cell starts by keeping its memory.
    With `bias=False` the biases are 0 and no parameters.
    Source: Gers, Schmidhuber & Cummins 2000; forget bias: Jozefowicz, Zaremba & Sutskever 2015.
    """

    bias = True  # for cells that were pickled before there was a choice

    def __init__(self, input_size: int, hidden_size: int, peephole: str | None = None, forget_bias: float = 0.0,
                 bias: bool = True):  # fmt: skip
        super().__init__()
        self.input_size, self.hidden_size = check_sizes(input_size=input_size, hidden_size=hidden_size)
        if peephole not in (None, "diagonal", "full"):
            raise ValueError(f'peephole is {peephole!r}; it needs None, "diagonal" or "full"')
        check_number("forget_bias", forget_bias)
        if forget_bias and not bias:
            raise ValueError(f"forget_bias is {forget_bias!r}; it needs 0 with bias=False")
        self.peephole, self.bias = peephole, bias
        self.W_xi, self.W_hi, self.b_i = gate_weights(input_size, hidden_size)  # input gate
        self.W_xf, self.W_hf, self.b_f = gate_weights(input_size, hidden_size)  # forget gate
        self.W_xc, self.W_hc, self.b_c = gate_weights(input_size, hidden_size)  # candidate
        self.W_xo, self.W_ho, self.b_o = gate_weights(input_size, hidden_size)  # output gate
        if peephole:
            shape = (hidden_size, hidden_size) if peephole == "full" else (hidden_size,)
            self.W_ci, self.W_cf, self.W_co = (uniform_weight(hidden_size, *shape) for _ in "ifo")  # they read c
        if bias:
            with torch.no_grad():
                self.b_f += forget_bias
        else:
            self.b_i = self.b_f = self.b_c = self.b_o = None

    @property
    def weights(self) -> dict[str, Tensor]:
        """The weights under their names in the equations: parameters, or what pruning puts in their place, or 0."""
        weights = {name: weight for name in NAMES if (weight := getattr(self, name, None)) is not None}
        if not self.bias:
            weights |= dict.fromkeys((f"b_{k}" for k in GATES), self.W_hi.new_zeros(self.hidden_size))
        return weights

    def forward(self, x_t: Shape["B N"], state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = (zero_state(x_t, self.hidden_size),) * 2 if state is None else unpack_state("state", state)
        return lstm_step(x_t, h, c, self.weights)

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + (f", peephole={self.peephole!r}" if self.peephole else "")


@checked
def zero_state(x_t: Shape["B N"], hidden_size: int) -> Shape["B H"]:
    """A state of zeros for the batch in x_t, with the dtype and device of x_t."""
    return x_t.new_zeros(x_t.shape[0], hidden_size)


def unpack_state(name: str, pair, needs: str = "(h, c)") -> tuple[Tensor, Tensor]:
    """The pair (h, c). Raises ValueError if `pair` is not a tuple or list of two; `name` stands in the message."""
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        has = f"{len(pair)} entries" if isinstance(pair, (tuple, list)) else f"type {type(pair).__name__}"
        raise ValueError(f"{name} has {has}; it needs a pair of tensors {needs}")
    return pair[0], pair[1]


def gate_weights(input_size: int, hidden_size: int) -> tuple[nn.Parameter, nn.Parameter, nn.Parameter]:
    """New weights of one gate: W_x (N, H), W_h (H, H) and b (H,)."""
    shapes = (input_size, hidden_size), (hidden_size, hidden_size), (hidden_size,)
    return tuple(uniform_weight(hidden_size, *shape) for shape in shapes)


def uniform_weight(hidden_size: int, *shape: int) -> nn.Parameter:
    """A new weight, uniform in ±1/√H, as PyTorch does."""
    bound = 1 / math.sqrt(hidden_size)
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
