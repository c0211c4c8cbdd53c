"""Gates that do not look back: minGRU, whose states a parallel scan computes.

Its gate reads x_t alone. So h_t = a_t ⊙ h_{t−1} + b_t, where a and b are known for all steps before the first one.
Source: Feng et al. 2024. Each function raises ValueError naming the argument whose shape does not fit.
"""

import math

import torch
from torch import Tensor, nn

from lstm_lesson.cells import uniform_weight
from lstm_lesson.shapes import Shape, check_shapes, check_sizes, checked


@checked
def loop(a: Shape["B T H"], b: Shape["B T H"], h_0: Shape["B H"]) -> Shape["B T H"]:
    """All states h_t = a_t ⊙ h_{t−1} + b_t, one step after the other."""
    h = h_0
    return torch.stack([h := a_t * h + b_t for a_t, b_t in zip(a.unbind(1), b.unbind(1), strict=True)], dim=1)


@checked
def scan(a: Shape["B T H"], b: Shape["B T H"], h_0: Shape["B H"]) -> Shape["B T H"]:
    """What `loop` computes, with about √T operations one after another in place of T: see `scan_blocks`."""
    return Scan.apply(a, b, h_0, False)


def scan_blocks(a: Tensor, b: Tensor, h_0: Tensor, backwards: bool = False) -> Tensor:
    """The states h_t = a_t ⊙ h_{t−1} + b_t: the sequence is cut into blocks, and all blocks run at once.

    A block of K steps turns the state h before it into P ⊙ h + e, where P is the product of its a_t, and e is where it
    ends if it starts from 0. K is the largest divisor of T up to √T: a power of two is best for T, and a prime does not
    pay. `backwards` runs from the last step to the first. Shapes as in `scan`.
    """
    T, way = b.shape[1], -1 if backwards else 1
    K = max(k for k in range(1, math.isqrt(T) + 1) if T % k == 0)
    hidden_seq = torch.empty_like(b)
    a_k, b_k, into_k = (v.unflatten(1, (-1, K)).unbind(2)[::way] for v in (a, b, hidden_seq))  # K of (B, blocks, H)
    P, e = torch.ones_like(a_k[0]), torch.zeros_like(b_k[0])
    for a_t, b_t in zip(a_k, b_k, strict=True):  # 1. step k of all blocks at once, each from 0
        e.mul_(a_t).add_(b_t)
        P.mul_(a_t)
    h, starts = h_0, torch.empty_like(e)
    for start, P_block, e_block in list(zip(starts.unbind(1), P.unbind(1), e.unbind(1), strict=True))[::way]:
        start.copy_(h)  # 2. from block to block: the state before each
        h = P_block * h + e_block
    for a_t, b_t, into in zip(a_k, b_k, into_k, strict=True):  # 3. as in 1, each block from its true start
        starts = torch.addcmul(b_t, a_t, starts, out=into)
    return hidden_seq


class Scan(torch.autograd.Function):
    """`scan_blocks` as an operation of autograd. Its gradient is a scan from the end: λ_t = d_t + a_{t+1} ⊙ λ_{t+1}."""

    @staticmethod
    def forward(ctx, a, b, h_0, backwards):
        hidden_seq, ctx.backwards = scan_blocks(a, b, h_0, backwards), backwards
        ctx.save_for_backward(a, h_0, hidden_seq)
        return hidden_seq

    @staticmethod
    def backward(ctx, d):
        a, h_0, hidden_seq = ctx.saved_tensors
        way, first = (-1, -1) if ctx.backwards else (1, 0)
        arriving = Scan.apply(a.roll(-way, 1), d, torch.zeros_like(h_0), not ctx.backwards)  # λ (B, T, H)
        h_prev = hidden_seq.roll(way, 1)
        h_prev[:, first] = h_0
        return arriving * h_prev, arriving, a[:, first] * arriving[:, first], None


class MinGRU(nn.Module):
    """A GRU without a reset gate, whose update gate and candidate read x_t alone.

    MinGRU(N, H)(x (B, T, N), h_0 (B, H) or None for zeros, parallel=True) -> hidden_seq (B, T, H), h_n (B, H).
    h_t = z_t ⊙ h_{t−1} + (1 − z_t) ⊙ g_t, z_t = σ(x_t W_xz + b_z), g_t = x_t W_xh + b_h. z_t says what is kept, as in
    `torch.nn.GRU`; the paper has z and 1 − z the other way round. `parallel` chooses `scan`, else `loop`.
    Source: Feng et al. 2024. Raises ValueError naming the argument that does not fit.
    """

    gates = "z"  # the minLSTM of benchmarks/min_lstm.py has two others

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.input_size, self.hidden_size = check_sizes(input_size=input_size, hidden_size=hidden_size)
        for k in self.gates + "h":
            setattr(self, f"W_x{k}", uniform_weight(hidden_size, input_size, hidden_size))
            setattr(self, f"b_{k}", uniform_weight(hidden_size, hidden_size))

    def kept(self, x: Tensor) -> Tensor:
        """How much of the state each step keeps, between 0 and 1: x (B, T, N) -> (B, T, H)."""
        return torch.sigmoid(x @ self.W_xz + self.b_z)

    def forward(self, x: Shape["B T N"], h_0: Tensor | None = None, parallel: bool = True) -> tuple[Tensor, Tensor]:
        sizes = check_shapes({"N": self.input_size}, empty_batch=True, x=(x, "B T N"))
        h_0 = x.new_zeros(sizes["B"], self.hidden_size) if h_0 is None else h_0
        a, g = self.kept(x), x @ self.W_xh + self.b_h
        hidden_seq = (scan if parallel else loop)(a, g - a * g, h_0)
        return hidden_seq, hidden_seq[:, -1]
