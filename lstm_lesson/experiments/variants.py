"""Variants of the LSTM, each with one change, after Greff et al. 2015; and the tanh RNN."""

import math

import torch
from torch import Tensor, nn

from lstm_lesson.shapes import check_shapes, check_size

VARIANTS = {  # the paper's short name -> what is changed
    "vanilla": "nothing: equations 1 to 5",
    "NIG": "no input gate",
    "NFG": "no forget gate",
    "NOG": "no output gate",
    "NIAF": "no input activation function",
    "NOAF": "no output activation function",
    "CIFG": "coupled input and forget gate",
    "PEEP": "diagonal peepholes",
    "RNN": "no gates and no memory: the tanh RNN",
}


def variant_step(z: Tensor, c_prev: Tensor, variant: str = "vanilla", peepholes: Tensor | None = None):
    """One step of a variant: each differs from the five equations in one line (peepholes: in the three gates).

    Coupled gates: f comes from the forget gate's weights, so that `forget_bias` has an effect, and i = 1 − f.
    z (B, 4H) is x_t W_x + h_{t−1} W_h + b for i, f, c, o side by side, c_prev (B, H), peepholes (3, H) for i, f, o
    -> h_t (B, H), c_t (B, H). Source: Greff, Srivastava, Koutník, Steunebrink & Schmidhuber 2015.
    """
    z_i, z_f, z_c, z_o = z.chunk(4, dim=1)
    if variant == "RNN":
        return torch.tanh(z_c), c_prev
    if variant == "PEEP":
        p_i, p_f, p_o = peepholes
        z_i, z_f = z_i + c_prev * p_i, z_f + c_prev * p_f
    f = 1.0 if variant == "NFG" else torch.sigmoid(z_f)
    i = 1.0 if variant == "NIG" else 1 - f if variant == "CIFG" else torch.sigmoid(z_i)
    g = z_c if variant == "NIAF" else torch.tanh(z_c)
    c = f * c_prev + i * g
    if variant == "PEEP":
        z_o = z_o + c * p_o  # the new memory, not the old
    o = 1.0 if variant == "NOG" else torch.sigmoid(z_o)
    return o * (c if variant == "NOAF" else torch.tanh(c)), c


def coupled_cell_state(i_t: Tensor, c_prev: Tensor, g_t: Tensor) -> Tensor:
    """The cell state with coupled gates: the forget gate is 1 − i_t.

    i_t, c_prev, g_t (B, H) -> c_t (B, H). Source: Greff et al. 2015 (CIFG); the same idea in the GRU, Cho et al. 2014.
    Raises ValueError naming the argument whose shape does not fit.
    """
    check_shapes(i_t=(i_t, "B H"), c_prev=(c_prev, "B H"), g_t=(g_t, "B H"))
    return (1 - i_t) * c_prev + i_t * g_t


def weights_read(variant: str, input_size: int, hidden_size: int) -> int:
    """How many weights and biases a variant uses.

    Raises ValueError for a name that is not in `VARIANTS`.
    """
    _check(variant)
    parts = {"NIG": 3, "NFG": 3, "NOG": 3, "CIFG": 3, "RNN": 1}.get(variant, 4)
    peepholes = 3 * hidden_size if variant == "PEEP" else 0
    return parts * hidden_size * (input_size + hidden_size + 1) + peepholes


class VariantLSTM(nn.Module):
    """A variant along a sequence: x (B, T, N) -> hidden_seq (B, T, H).

    All weights and biases start uniform in ±1/√H and are drawn in the same order for every variant, so that with one
    seed all variants start from the same weights; weights that a variant does not use are there and never change.
    W_x (N, 4H), W_h (H, 4H) and b (4H,) hold i, f, c, o side by side: one product a step, and that of the inputs once
    for all steps. Raises ValueError for a name that is not in `VARIANTS` and for sizes and shapes that do not fit.
    """

    def __init__(self, input_size: int, hidden_size: int, variant: str = "vanilla", forget_bias: float = 0.0):
        super().__init__()
        check_size("input_size", input_size)
        check_size("hidden_size", hidden_size)
        _check(variant)
        self.input_size, self.hidden_size, self.variant = input_size, hidden_size, variant
        bound = 1 / math.sqrt(hidden_size)
        for name, shape in {"W_x": (input_size, 4 * hidden_size), "W_h": (hidden_size, 4 * hidden_size),
                            "b": (4 * hidden_size,), "peepholes": (3, hidden_size)}.items():  # fmt: skip
            setattr(self, name, nn.Parameter(torch.empty(shape).uniform_(-bound, bound)))
        with torch.no_grad():
            self.b[hidden_size : 2 * hidden_size] += forget_bias

    def forward(self, x: Tensor) -> Tensor:
        check_shapes({"N": self.input_size}, x=(x, "B T N"))
        from_x = x @ self.W_x + self.b  # (B, T, 4H)
        h = c = x.new_zeros(x.shape[0], self.hidden_size)
        hidden_seq = []
        for z_x in from_x.unbind(dim=1):
            h, c = variant_step(torch.addmm(z_x, h, self.W_h), c, self.variant, self.peepholes)
            hidden_seq.append(h)
        return torch.stack(hidden_seq, dim=1)  # (B, T, H)


def _check(variant):
    if variant not in VARIANTS:
        raise ValueError(f"variant is {variant!r}; it needs one of {', '.join(VARIANTS)}")
