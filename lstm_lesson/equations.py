"""The RNN step and the five LSTM equations, one pure function each.

Row vectors, batch first: x_t (B, N), h and c (B, H). The two letters of a weight name what it reads and what it is for:
W_xi (N, H) reads x for the input gate i. What does not fit in shape, dtype or device is named by a ValueError.
"""

import math

import torch
from torch import Tensor

from lstm_lesson.shapes import Shape, check_float, checked


@checked
def rnn_step(
    x_t: Shape["B N"], h_prev: Shape["B H"], W_xh: Shape["N H"], W_hh: Shape["H H"], b_h: Shape["H"]
) -> Shape["B H"]:
    """The new hidden state of a tanh RNN, from the input and the previous hidden state; each entry in (-1, 1).

    Source: Elman 1990, with the whole hidden state fed back.
    """
    return torch.tanh(x_t @ W_xh + h_prev @ W_hh + b_h)


@checked
def input_gate(
    x_t: Shape["B N"], h_prev: Shape["B H"], W_xi: Shape["N H"], W_hi: Shape["H H"], b_i: Shape["H"],
    c_prev: Shape["B H"] | None = None, W_ci: Shape["H H"] | Shape["H"] | None = None,
) -> Shape["B H"]:  # fmt: skip
    """How much of the new candidate to let in, between 0 and 1 (equation 1).

    With a peephole, W_ci is (H, H) full or (H,) diagonal, and c_prev is needed; without one, c_prev is ignored.
    Source: Hochreiter & Schmidhuber 1997; peephole: Gers & Schmidhuber 2000.
    """
    return torch.sigmoid(x_t @ W_xi + h_prev @ W_hi + peephole(c_prev, W_ci) + b_i)


@checked
def forget_gate(
    x_t: Shape["B N"], h_prev: Shape["B H"], W_xf: Shape["N H"], W_hf: Shape["H H"], b_f: Shape["H"],
    c_prev: Shape["B H"] | None = None, W_cf: Shape["H H"] | Shape["H"] | None = None,
) -> Shape["B H"]:  # fmt: skip
    """How much of each memory cell to keep, between 0 and 1 (equation 2).

    With a peephole, W_cf is (H, H) full or (H,) diagonal, and c_prev is needed; without one, c_prev is ignored.
    Source: Gers, Schmidhuber & Cummins 2000; peephole: Gers & Schmidhuber 2000.
    """
    return torch.sigmoid(x_t @ W_xf + h_prev @ W_hf + peephole(c_prev, W_cf) + b_f)


@checked
def candidate(
    x_t: Shape["B N"], h_prev: Shape["B H"], W_xc: Shape["N H"], W_hc: Shape["H H"], b_c: Shape["H"]
) -> Shape["B H"]:
    """The candidate (g_t in equation 3): new content for the cell state, each entry between -1 and 1.

    Source: Hochreiter & Schmidhuber 1997; tanh as in Graves & Schmidhuber 2005.
    """
    return torch.tanh(x_t @ W_xc + h_prev @ W_hc + b_c)


@checked
def cell_state(f_t: Shape["B H"], c_prev: Shape["B H"], i_t: Shape["B H"], g_t: Shape["B H"]) -> Shape["B H"]:
    """The cell state (the memory) after this step: what was kept plus what was let in (equation 3); not bounded.

    Source: Hochreiter & Schmidhuber 1997; the factor f_t: Gers, Schmidhuber & Cummins 2000.
    """
    return f_t * c_prev + i_t * g_t


@checked
def output_gate(
    x_t: Shape["B N"], h_prev: Shape["B H"], W_xo: Shape["N H"], W_ho: Shape["H H"], b_o: Shape["H"],
    c_t: Shape["B H"] | None = None, W_co: Shape["H H"] | Shape["H"] | None = None,
) -> Shape["B H"]:  # fmt: skip
    """How much of the memory to show, between 0 and 1 (equation 4).

    With a peephole, W_co is (H, H) full or (H,) diagonal, and the new c_t is needed; without one, c_t is ignored.
    Source: Hochreiter & Schmidhuber 1997; peephole: Gers & Schmidhuber 2000.
    """
    return torch.sigmoid(x_t @ W_xo + h_prev @ W_ho + peephole(c_t, W_co) + b_o)


@checked
def hidden_state(o_t: Shape["B H"], c_t: Shape["B H"]) -> Shape["B H"]:
    """The output of the cell at this step: tanh of the cell state, times the output gate; in (-1, 1) (equation 5).

    Source: Hochreiter & Schmidhuber 1997.
    """
    return o_t * torch.tanh(c_t)


def peephole(c: Tensor | None, W: Tensor | None) -> Tensor | float:
    """What a gate reads of the cell state c (B, H): c W for a full W (H, H), c ⊙ W for a diagonal (H,), 0 for None."""
    if W is None:
        return 0.0
    return c @ W if W.ndim == 2 else c * W


def half_life(f: Tensor) -> Tensor:
    """After how many steps half of a memory is left, if its forget gate stays at f.

    f: any shape, each between 0 and 1 -> steps, same shape (infinite at f = 1).
    Raises ValueError where f is not a floating-point tensor or is outside [0, 1].
    """
    check_float("f", f, "any")
    if not bool(((f >= 0) & (f <= 1)).all()):
        raise ValueError(f"f has entries from {f.min():.3g} to {f.max():.3g}; it needs 0 to 1")
    return abs(math.log(0.5) / torch.log(f))  # abs: at f = 1 the half-life is +infinity, not −infinity
