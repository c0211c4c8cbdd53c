"""The RNN step and the five LSTM equations, one pure function each.

Row vectors, batch first: x_t (B, N), h and c (B, H). A weight's two letters say what it reads and what it makes:
W_xi (N, H) reads x and makes i. Every function answers a shape, dtype or device that does not fit with a ValueError.
"""

import torch
from torch import Tensor

from lstm_lesson.shapes import check_float, check_shapes


def rnn_step(x_t: Tensor, h_prev: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor) -> Tensor:
    """The new hidden state of a tanh RNN, from the input and the state before.

    x_t (B, N), h_prev (B, H), W_xh (N, H), W_hh (H, H), b_h (H,) -> h_t (B, H), each entry in (-1, 1).
    Source: Elman 1990, with the whole state fed back.
    Raises ValueError naming the argument whose shape does not fit.
    """
    check_shapes(x_t=(x_t, "B N"), h_prev=(h_prev, "B H"), W_xh=(W_xh, "N H"), W_hh=(W_hh, "H H"), b_h=(b_h, "H"))
    return torch.tanh(x_t @ W_xh + h_prev @ W_hh + b_h)


def input_gate(
    x_t: Tensor, h_prev: Tensor, W_xi: Tensor, W_hi: Tensor, b_i: Tensor,
    c_prev: Tensor | None = None, W_ci: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """How much of the new candidate to let in, between 0 and 1 (equation 1).

    x_t (B, N), h_prev (B, H), W_xi (N, H), W_hi (H, H), b_i (H,) -> i_t (B, H).
    With a peephole, c_prev (B, H) and W_ci: (H, H) full or (H,) diagonal.
    Source: Hochreiter & Schmidhuber 1997; peephole: Gers & Schmidhuber 2000.
    Raises ValueError naming the argument whose shape does not fit.
    """
    check_shapes(x_t=(x_t, "B N"), h_prev=(h_prev, "B H"), W_xi=(W_xi, "N H"), W_hi=(W_hi, "H H"), b_i=(b_i, "H"))
    return torch.sigmoid(x_t @ W_xi + h_prev @ W_hi + _peephole(h_prev, c_prev=c_prev, W_ci=W_ci) + b_i)


def forget_gate(
    x_t: Tensor, h_prev: Tensor, W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    c_prev: Tensor | None = None, W_cf: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """How much of each memory cell to keep, between 0 and 1 (equation 2).

    x_t (B, N), h_prev (B, H), W_xf (N, H), W_hf (H, H), b_f (H,) -> f_t (B, H).
    With a peephole, c_prev (B, H) and W_cf: (H, H) full or (H,) diagonal.
    Source: Gers, Schmidhuber & Cummins 2000; peephole: Gers & Schmidhuber 2000.
    Raises ValueError naming the argument whose shape does not fit.
    """
    check_shapes(x_t=(x_t, "B N"), h_prev=(h_prev, "B H"), W_xf=(W_xf, "N H"), W_hf=(W_hf, "H H"), b_f=(b_f, "H"))
    return torch.sigmoid(x_t @ W_xf + h_prev @ W_hf + _peephole(h_prev, c_prev=c_prev, W_cf=W_cf) + b_f)


def candidate(x_t: Tensor, h_prev: Tensor, W_xc: Tensor, W_hc: Tensor, b_c: Tensor) -> Tensor:
    """What could be written into the memory, between -1 and 1 (the g_t of equation 3).

    x_t (B, N), h_prev (B, H), W_xc (N, H), W_hc (H, H), b_c (H,) -> g_t (B, H).
    Source: Hochreiter & Schmidhuber 1997; tanh as in Graves & Schmidhuber 2005.
    Raises ValueError naming the argument whose shape does not fit.
    """
    check_shapes(x_t=(x_t, "B N"), h_prev=(h_prev, "B H"), W_xc=(W_xc, "N H"), W_hc=(W_hc, "H H"), b_c=(b_c, "H"))
    return torch.tanh(x_t @ W_xc + h_prev @ W_hc + b_c)


def cell_state(f_t: Tensor, c_prev: Tensor, i_t: Tensor, g_t: Tensor) -> Tensor:
    """The memory after this step: what was kept plus what was let in (equation 3).

    f_t, c_prev, i_t, g_t, each (B, H) -> c_t (B, H), not bounded.
    Source: Hochreiter & Schmidhuber 1997; the factor f_t: Gers, Schmidhuber & Cummins 2000.
    Raises ValueError naming the argument whose shape does not fit.
    """
    check_shapes(f_t=(f_t, "B H"), c_prev=(c_prev, "B H"), i_t=(i_t, "B H"), g_t=(g_t, "B H"))
    return f_t * c_prev + i_t * g_t


def output_gate(
    x_t: Tensor, h_prev: Tensor, W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
    c_t: Tensor | None = None, W_co: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """How much of the memory to show, between 0 and 1 (equation 4).

    x_t (B, N), h_prev (B, H), W_xo (N, H), W_ho (H, H), b_o (H,) -> o_t (B, H).
    With a peephole, the memory of this step, c_t (B, H), and W_co: (H, H) full or (H,) diagonal.
    Source: Hochreiter & Schmidhuber 1997; peephole: Gers & Schmidhuber 2000.
    Raises ValueError naming the argument whose shape does not fit.
    """
    check_shapes(x_t=(x_t, "B N"), h_prev=(h_prev, "B H"), W_xo=(W_xo, "N H"), W_ho=(W_ho, "H H"), b_o=(b_o, "H"))
    return torch.sigmoid(x_t @ W_xo + h_prev @ W_ho + _peephole(h_prev, c_t=c_t, W_co=W_co) + b_o)


def hidden_state(o_t: Tensor, c_t: Tensor) -> Tensor:
    """What the cell says at this step: the memory, squashed and let through the output gate (equation 5).

    o_t (B, H), c_t (B, H) -> h_t (B, H), each entry in (-1, 1).
    Source: Hochreiter & Schmidhuber 1997.
    Raises ValueError naming the argument whose shape does not fit.
    """
    check_shapes(o_t=(o_t, "B H"), c_t=(c_t, "B H"))
    return o_t * torch.tanh(c_t)


def half_life(f: Tensor) -> Tensor:
    """After how many steps half of a memory is left, if its forget gate stays at f.

    f: any shape, each between 0 and 1 -> steps, same shape (infinite at f = 1).
    Raises ValueError where f is no floating-point tensor or lies outside [0, 1].

    >>> half_life(torch.tensor([0.25, 0.5])).tolist()
    [0.5, 1.0]
    """
    check_float("f", f, "any")
    if not bool(((f >= 0) & (f <= 1)).all()):
        raise ValueError(f"f has entries from {f.min():.3g} to {f.max():.3g}; it needs 0 to 1")
    return 1 / torch.log2(f).abs()  # steps per halving; at f = 1 no halving ever comes: +infinity


def _peephole(h_prev: Tensor, **memory_and_weight: Tensor | None) -> Tensor | float:
    """What a gate sees of the memory: c W for a full matrix (H, H), c ⊙ w for a diagonal (H,), nothing for None."""
    (c_name, c), (w_name, W) = memory_and_weight.items()
    if c is None and W is None:
        return 0.0
    if c is None or W is None:
        missing, given = (c_name, w_name) if c is None else (w_name, c_name)
        raise ValueError(
            f"{missing} is None; a peephole needs both {c_name} (B, H) and {w_name}, and {given} was given"
        )
    full = getattr(W, "ndim", 1) == 2
    check_shapes(h_prev=(h_prev, "B H"), **{c_name: (c, "B H"), w_name: (W, "H H" if full else "H")})
    return c @ W if full else c * W
