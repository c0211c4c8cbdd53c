"""The GRU: its equations one by one, one step, and modules that equal `torch.nn.GRUCell` and `torch.nn.GRU`.

The reset gate stands behind the matrix, as in PyTorch and cuDNN; Cho et al. 2014 have it before the matrix.
The weights of the candidate are those of an RNN step, W_xh, W_hh and b_h, and one more bias, b_hh, beside W_hh.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lstm_lesson.cells import check_weights, gate_weights, uniform_weight, zero_state
from lstm_lesson.layers import masked_step
from lstm_lesson.shapes import Shape, check_lengths, check_shapes, check_size, checked, true_steps

NAMES = *(f"{name}{k}" for k in "rzh" for name in ("W_x", "W_h", "b_")), "b_hh"


@checked
def reset_gate(
    x_t: Shape["B N"], h_prev: Shape["B H"], W_xr: Shape["N H"], W_hr: Shape["H H"], b_r: Shape["H"]
) -> Shape["B H"]:
    """How much of the previous state the candidate reads, between 0 and 1.

    Source: Cho et al. 2014. Raises ValueError naming the argument whose shape does not fit.
    """
    return torch.sigmoid(x_t @ W_xr + h_prev @ W_hr + b_r)


@checked
def update_gate(
    x_t: Shape["B N"], h_prev: Shape["B H"], W_xz: Shape["N H"], W_hz: Shape["H H"], b_z: Shape["H"]
) -> Shape["B H"]:
    """How much of the previous state to keep, between 0 and 1; the rest comes from the candidate.

    Source: Cho et al. 2014. Raises ValueError naming the argument whose shape does not fit.
    """
    return torch.sigmoid(x_t @ W_xz + h_prev @ W_hz + b_z)


@checked
def candidate(
    x_t: Shape["B N"], h_prev: Shape["B H"], r_t: Shape["B H"],
    W_xh: Shape["N H"], W_hh: Shape["H H"], b_h: Shape["H"], b_hh: Shape["H"],
) -> Shape["B H"]:  # fmt: skip
    """The candidate: an RNN step in which the reset gate limits the term of the previous state; each in (-1, 1).

    Source: Cho et al. 2014; the reset gate behind the matrix, with a bias b_hh of its own, as in `torch.nn.GRU`.
    Raises ValueError naming the argument whose shape does not fit.
    """
    return torch.tanh(x_t @ W_xh + r_t * (h_prev @ W_hh + b_hh) + b_h)


@checked
def hidden_state(z_t: Shape["B H"], h_prev: Shape["B H"], g_t: Shape["B H"]) -> Shape["B H"]:
    """The hidden state after this step: a mean of the previous state and the candidate, which z_t weighs.

    Source: Cho et al. 2014. Raises ValueError naming the argument whose shape does not fit.
    """
    return z_t * h_prev + (1 - z_t) * g_t


class GRUValues(NamedTuple):
    """Everything that one GRU step computes, each (B, H): reset gate, update gate, candidate and hidden state."""

    r: Tensor
    z: Tensor
    g: Tensor
    h: Tensor


def gru_values(x_t: Shape["B N"], h_prev: Shape["B H"], weights: Mapping[str, Tensor]) -> GRUValues:
    """The four equations in their order. `weights` maps the ten names in `NAMES` to tensors.

    Raises ValueError naming the argument or weight that is missing or does not fit.
    """
    check_weights(weights, NAMES, "r, z, h, and b_hh")
    w = weights
    r_t = reset_gate(x_t, h_prev, w["W_xr"], w["W_hr"], w["b_r"])
    z_t = update_gate(x_t, h_prev, w["W_xz"], w["W_hz"], w["b_z"])
    g_t = candidate(x_t, h_prev, r_t, w["W_xh"], w["W_hh"], w["b_h"], w["b_hh"])
    return GRUValues(r_t, z_t, g_t, hidden_state(z_t, h_prev, g_t))


def gru_step(x_t: Shape["B N"], h_prev: Shape["B H"], weights: Mapping[str, Tensor]) -> Shape["B H"]:
    """One GRU step: the new hidden state. Arguments and errors as in `gru_values`."""
    return gru_values(x_t, h_prev, weights).h


class GRUCell(nn.Module):
    """One GRU step with its parameters, named as in the equations.

    GRUCell(N, H)(x_t (B, N), h (B, H) or None for zeros) -> h_t (B, H). Weights start uniform in ±1/√H.
    Raises ValueError naming the argument that does not fit.
    """

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        check_size("input_size", input_size)
        check_size("hidden_size", hidden_size)
        self.input_size, self.hidden_size = input_size, hidden_size
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

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}"


class CustomGRU(nn.Module):
    """A GRU of one layer in one direction, with the outputs, states and gradients of `torch.nn.GRU`.

    CustomGRU(N, H)(x (B, T, N), h_0 (B, H) or None for zeros, lengths=None) -> hidden_seq (B, T, H), h_n (B, H).
    With `lengths` (B,), the steps after the end of a sequence change no state, and hidden_seq is 0 there.
    Raises ValueError naming the argument that does not fit.

    >>> hidden_seq, h_n = CustomGRU(3, 5)(torch.zeros(2, 7, 3), lengths=[7, 4])
    >>> hidden_seq.shape, h_n.shape
    (torch.Size([2, 7, 5]), torch.Size([2, 5]))
    """

    num_layers = directions = 1

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.cells = nn.ModuleList([GRUCell(input_size, hidden_size)])

    def forward(self, x: Shape["B T N"], h_0: Shape["B H"] | None = None, lengths=None) -> tuple[Tensor, Tensor]:
        sizes = check_shapes({"N": self.input_size, "H": self.hidden_size}, empty_batch=True, x=(x, "B T N"))
        h = x.new_zeros(sizes["B"], self.hidden_size) if h_0 is None else h_0
        check_shapes(sizes, empty_batch=True, x=(x, "B T N"), h_0=(h, "B H"))
        keep = None
        if lengths is not None:
            keep = true_steps(check_lengths(lengths, sizes["B"], sizes["T"], x.device), sizes["T"])  # (B, T)
            x = x.masked_fill(~keep[:, :, None], 0)  # NaN in the padding times a gradient of 0 would be NaN
        hidden_seq = []
        for t, x_t in enumerate(x.unbind(dim=1)):
            h_new = self.cells[0](x_t, h)
            h = h_new if keep is None else masked_step(h_new, h, keep[:, t])
            hidden_seq.append(h)
        hidden_seq = torch.stack(hidden_seq, dim=1)  # (B, T, H)
        return hidden_seq if keep is None else hidden_seq.masked_fill(~keep[:, :, None], 0), h

    @classmethod
    def from_torch(cls, gru: nn.GRU | nn.GRUCell) -> "CustomGRU":
        """A CustomGRU with the weights of a `torch.nn.GRU` or `torch.nn.GRUCell`, whose cell is then `cells[0]`.

        Raises ValueError for more than one layer or direction, and for `bias=False`; dropout is between layers alone.
        """
        if not isinstance(gru, (nn.GRU, nn.GRUCell)):
            raise ValueError(f"gru is {type(gru).__name__}; it needs a torch.nn.GRU or torch.nn.GRUCell")
        for name, needs in {"num_layers": 1, "bidirectional": False, "bias": True}.items():
            if getattr(gru, name, needs) != needs:
                raise ValueError(f"gru has {name} = {getattr(gru, name)}; it needs {name} = {needs}")
        own = cls(gru.input_size, gru.hidden_size).to(next(gru.parameters()))
        W_x, W_h, b_x, b_h = (weight.detach() for weight in gru.parameters())  # rows in the order r, z, candidate
        blocks = zip("rzh", W_x.chunk(3), W_h.chunk(3), b_x.chunk(3), b_h.chunk(3), strict=True)
        state = {}
        for k, x_block, h_block, bias, second in blocks:
            state |= {f"W_x{k}": x_block.t(), f"W_h{k}": h_block.t(), f"b_{k}": bias if k == "h" else bias + second}
        own.cells[0].load_state_dict(state | {"b_hh": second})  # that of the last block, the candidate
        return own

    def to_torch(self) -> nn.GRU:
        """A `torch.nn.GRU` (batch first) with these weights; its bias_hh is 0 for the two gates."""
        w = self.cells[0].weights
        theirs = nn.GRU(self.input_size, self.hidden_size, batch_first=True).to(w["b_r"])
        stacked = [torch.cat([w[f"{name}{k}"] for k in "rzh"], dim=-1) for name in ("W_x", "W_h", "b_")]
        second = torch.cat([torch.zeros_like(w["b_hh"])] * 2 + [w["b_hh"]])
        values = stacked[0].t(), stacked[1].t(), stacked[2], second
        theirs.load_state_dict(dict(zip(theirs.state_dict(), values, strict=True)))
        return theirs
