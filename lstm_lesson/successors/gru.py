"""The GRU: its equations one by one, one step, and modules that equal `torch.nn.GRUCell` and `torch.nn.GRU`.

Source: Cho et al. 2014, but the reset gate stands behind the matrix W_hh and its bias b_hh, as in PyTorch and cuDNN.
Each function and class raises ValueError naming the argument that does not fit.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lstm_lesson.cells import check_weights, gate_weights, uniform_weight, zero_state
from lstm_lesson.layers import check_numbers, check_plain
from lstm_lesson.shapes import ERRORS, Shape, check_shapes, check_sizes, checked

NAMES = *(f"{name}{k}" for k in "rzh" for name in ("W_x", "W_h", "b_")), "b_hh"
# What one GRU step computes, each (B, H): reset gate, update gate, candidate and hidden state.
GRUValues = NamedTuple("GRUValues", [(name, Tensor) for name in "rzgh"])


@checked
def reset_gate(x_t: Shape["B N"], h_prev: Shape["B H"], W_xr: Shape["N H"], W_hr: Shape["H H"],
               b_r: Shape["H"]) -> Shape["B H"]:  # fmt: skip
    """How much of the previous state the candidate reads, between 0 and 1."""
    return torch.sigmoid(x_t @ W_xr + h_prev @ W_hr + b_r)


@checked
def update_gate(x_t: Shape["B N"], h_prev: Shape["B H"], W_xz: Shape["N H"], W_hz: Shape["H H"],
                b_z: Shape["H"]) -> Shape["B H"]:  # fmt: skip
    """How much of the previous state to keep, between 0 and 1; the rest comes from the candidate."""
    return torch.sigmoid(x_t @ W_xz + h_prev @ W_hz + b_z)


@checked
def candidate(x_t: Shape["B N"], h_prev: Shape["B H"], r_t: Shape["B H"], W_xh: Shape["N H"], W_hh: Shape["H H"],
              b_h: Shape["H"], b_hh: Shape["H"]) -> Shape["B H"]:  # fmt: skip
    """The candidate: an RNN step in which the reset gate limits what is read of the previous state; each in (-1, 1)."""
    return torch.tanh(x_t @ W_xh + r_t * (h_prev @ W_hh + b_hh) + b_h)


@checked
def hidden_state(z_t: Shape["B H"], h_prev: Shape["B H"], g_t: Shape["B H"]) -> Shape["B H"]:
    """The hidden state after this step: a mean of the previous state and the candidate, which z_t weighs."""
    return z_t * h_prev + (1 - z_t) * g_t


def gru_step(x_t: Shape["B N"], h_prev: Shape["B H"], weights: Mapping[str, Tensor]) -> Shape["B H"]:
    """One GRU step: the new hidden state. `weights` maps the ten `NAMES` to tensors; ValueError if one is missing."""
    check_weights(weights, NAMES, "r, z, h, and b_hh")
    w = weights
    r_t = reset_gate(x_t, h_prev, w["W_xr"], w["W_hr"], w["b_r"])
    z_t = update_gate(x_t, h_prev, w["W_xz"], w["W_hz"], w["b_z"])
    g_t = candidate(x_t, h_prev, r_t, w["W_xh"], w["W_hh"], w["b_h"], w["b_hh"])
    return hidden_state(z_t, h_prev, g_t)


class GRUCell(nn.Module):
    """One GRU step with its parameters, named as in the equations.

    GRUCell(N, H)(x_t (B, N), h (B, H) or None for zeros) -> h_t (B, H). Weights start uniform in ±1/√H.
    """

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.input_size, self.hidden_size = check_sizes(input_size=input_size, hidden_size=hidden_size)
        self.W_xr, self.W_hr, self.b_r = gate_weights(input_size, hidden_size)  # reset gate
        self.W_xz, self.W_hz, self.b_z = gate_weights(input_size, hidden_size)  # update gate
        self.W_xh, self.W_hh, self.b_h = gate_weights(input_size, hidden_size)  # candidate
        self.b_hh = uniform_weight(hidden_size, hidden_size)  # the candidate's bias that the reset gate limits

    @property
    def weights(self) -> dict[str, Tensor]:
        """The ten weights under their names in the equations."""
        return {name: getattr(self, name) for name in NAMES}

    def forward(self, x_t: Shape["B N"], h: Shape["B H"] | None = None) -> Shape["B H"]:
        return gru_step(x_t, zero_state(x_t, self.hidden_size) if h is None else h, self.weights)


class CustomGRU(nn.Module):
    """A GRU of one layer in one direction, with the outputs, states and gradients of `torch.nn.GRU`.

    CustomGRU(N, H)(x (B, T, N), h_0 (B, H) or None for zeros) -> hidden_seq (B, T, H), h_n (B, H).
    """

    num_layers = directions = 1

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.cells = nn.ModuleList([GRUCell(input_size, hidden_size)])

    def forward(self, x: Shape["B T N"], h_0: Shape["B H"] | None = None) -> tuple[Tensor, Tensor]:
        start = {} if h_0 is None else {"h_0": (h_0, "B H")}
        check_shapes({"N": self.input_size, "H": self.hidden_size}, empty_batch=True, x=(x, "B T N"), **start)
        h = x.new_zeros(len(x), self.hidden_size) if h_0 is None else h_0
        hidden_seq = [h := self.cells[0](x_t, h) for x_t in x.unbind(dim=1)]
        return torch.stack(hidden_seq, dim=1), h  # (B, T, H), (B, H)

    @classmethod
    def from_torch(cls, gru: nn.GRU | nn.GRUCell) -> "CustomGRU":
        """A CustomGRU of a `nn.GRUCell` or a `nn.GRU` with batch_first=True, made as by `CustomLSTM.from_torch`."""
        if not isinstance(gru, (nn.GRU, nn.GRUCell)) or not getattr(gru, "batch_first", True):
            turned = " with batch_first=False" * isinstance(gru, nn.GRU)
            raise ValueError(ERRORS["gru"].format(type(gru).__name__, turned))
        check_plain("gru", gru, nn.GRU if isinstance(gru, nn.GRU) else nn.GRUCell)
        weights = [weight for weight in gru._parameters.values() if weight is not None]
        if len(weights) != 4:
            raise ValueError(f"gru has {len(weights)} weights; it needs one layer in one direction, with biases: 4")
        check_numbers({f"gru.{name}": weight for name, weight in gru.named_parameters()})
        with torch.enable_grad():  # so that what is made of a weight that learns asks for a gradient
            parts = [weight.chunk(3) for weight in weights]  # rows in the order r, z, candidate
            state = {"b_hh": parts[3][2]}
            for k, W_x, W_h, b_x, b_h in zip("rzh", *parts, strict=True):
                state |= {f"W_x{k}": W_x.t(), f"W_h{k}": W_h.t(), f"b_{k}": b_x + b_h if k in "rz" else b_x}
        own = cls(gru.input_size, gru.hidden_size).to(weights[0]).train(gru.training)
        for name, weight in own.cells[0].named_parameters():
            weight.data = state[name].detach().clone(memory_format=torch.contiguous_format)
            weight.requires_grad_(state[name].requires_grad)
        return own
