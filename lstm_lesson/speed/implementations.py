"""The same LSTM as a ladder: each rung takes one cost away from the one before, and computes the same.

Every rung is called as `layers.lstm` is: x (B, T, N), h_0 (B, H), c_0 (B, H) and a cell's twelve weights by name
-> all hidden states (B, T, H), the last hidden state (B, H), the last memory (B, H).
"""

import math
import os
import shutil
from collections.abc import Callable, Mapping
from functools import cache

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from lstm_lesson.kernel import hoisted_sequence, lstm_sequence, stacked_weights
from lstm_lesson.layers import lstm
from lstm_lesson.shapes import check_shapes, check_size

Rung = Callable[[Tensor, Tensor, Tensor, Mapping[str, Tensor]], tuple[Tensor, Tensor, Tensor]]


def eight_matmuls(x: Tensor, h_0: Tensor, c_0: Tensor, weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """The equations in a loop, two matmuls for each of the four; no shape is checked."""
    w, h_t, c_t, hidden_seq = weights, h_0, c_0, []
    for t in range(x.shape[1]):
        x_t = x[:, t]
        i_t = torch.sigmoid(x_t @ w["W_xi"] + h_t @ w["W_hi"] + w["b_i"])
        f_t = torch.sigmoid(x_t @ w["W_xf"] + h_t @ w["W_hf"] + w["b_f"])
        g_t = torch.tanh(x_t @ w["W_xc"] + h_t @ w["W_hc"] + w["b_c"])
        o_t = torch.sigmoid(x_t @ w["W_xo"] + h_t @ w["W_ho"] + w["b_o"])
        c_t = f_t * c_t + i_t * g_t
        h_t = o_t * torch.tanh(c_t)
        hidden_seq.append(h_t)
    return torch.stack(hidden_seq, dim=1), h_t, c_t


def fused_gates(
    x_t: Tensor, h_prev: Tensor, W_x: Tensor, W_h: Tensor, b: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The three gates and the candidate of one step from two matmuls instead of eight.

    x_t (B, N), h_prev (B, H); W_x (N, 4H), W_h (H, 4H), b (4H,): the weights of i, f, c, o side by side
    -> i_t, f_t, g_t, o_t, each (B, H). Raises ValueError naming the argument whose shape does not fit.
    """
    _check_stacked(W_x, W_h, b, x_t=(x_t, "B N"), h_prev=(h_prev, "B H"))
    z_i, z_f, z_c, z_o = (x_t @ W_x + h_prev @ W_h + b).chunk(4, dim=1)
    return torch.sigmoid(z_i), torch.sigmoid(z_f), torch.tanh(z_c), torch.sigmoid(z_o)


def hoist_inputs(x: Tensor, W_x: Tensor, b: Tensor) -> Tensor:
    """What the inputs and the biases add to all gates, for every step at once.

    x (B, T, N), W_x (N, 4H), b (4H,) -> (B, T, 4H). No step waits for another here, so it is one matmul.
    Raises ValueError naming the argument whose shape does not fit.
    """
    check_shapes(x=(x, "B T N"), W_x=(W_x, "N 4H"), b=(b, "4H"))
    return x @ W_x + b


def fused(x: Tensor, h_0: Tensor, c_0: Tensor, weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Two matmuls a step: the four gates' weights stand side by side."""
    W_x, W_h, b = stacked_weights(weights)
    h_t, c_t, hidden_seq = h_0, c_0, []
    for x_t in x.unbind(1):
        i_t, f_t, g_t, o_t = _gates(x_t @ W_x + h_t @ W_h + b)
        c_t = f_t * c_t + i_t * g_t
        h_t = o_t * torch.tanh(c_t)
        hidden_seq.append(h_t)
    return torch.stack(hidden_seq, dim=1), h_t, c_t


def hoisted(x: Tensor, h_0: Tensor, c_0: Tensor, weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """One matmul a step: what the inputs add is computed before the loop."""
    hidden_seq, c_n = hoisted_sequence(x, h_0, c_0, *stacked_weights(weights))
    return hidden_seq, hidden_seq[:, -1], c_n


def contiguous(x: Tensor, h_0: Tensor, c_0: Tensor, weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Features first: a step's sums are (4H, B), so that each gate is one unbroken piece of memory."""
    W_x, W_h, b = stacked_weights(weights)
    W, h_t, c_t, hidden_seq = W_h.t().contiguous(), h_0.t(), c_0.t(), []
    z = (x @ W_x + b).permute(1, 2, 0).contiguous()  # (T, 4H, B)
    for z_t in z.unbind(0):
        i_t, f_t, g_t, o_t = _gates(torch.addmm(z_t, W, h_t), dim=0)
        c_t = f_t * c_t + i_t * g_t
        h_t = o_t * torch.tanh(c_t)
        hidden_seq.append(h_t)
    return torch.stack(hidden_seq).permute(2, 0, 1).contiguous(), h_t.t(), c_t.t()


def by_hand(x: Tensor, h_0: Tensor, c_0: Tensor, weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """One operation of autograd, its backward pass written by hand: what `CustomLSTM` runs."""
    hidden_seq, c_n = lstm_sequence(x, h_0, c_0, *stacked_weights(weights))
    return hidden_seq, hidden_seq[:, -1], c_n


def plain(x: Tensor, h_0: Tensor, c_0: Tensor, weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """`by_hand` without its tricks, for a compiler: as it stands, slower than `by_hand`."""
    hidden_seq, c_n = plain_sequence(x, h_0, c_0, *stacked_weights(weights))
    return hidden_seq, hidden_seq[:, -1], c_n


def checkpointed(
    x: Tensor, h_0: Tensor, c_0: Tensor, weights: Mapping[str, Tensor], segment: int | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """For memory, not for time: only the states between segments are kept; the rest is computed again on the way back.

    `segment` is a number of steps, √T if None. Source: Chen, Xu, Zhang & Guestrin 2016.
    Raises ValueError for a segment below 1.
    """
    from torch.utils.checkpoint import checkpoint

    segment = math.isqrt(x.shape[1]) if segment is None else segment
    check_size("segment", segment)
    weights, h_t, c_t, hidden_seq = stacked_weights(weights), h_0, c_0, []
    for piece in x.split(segment, dim=1):
        hidden, c_t = checkpoint(lstm_sequence, piece, h_t, c_t, *weights, use_reentrant=False)
        h_t = hidden[:, -1].clone()  # a view would keep the whole segment
        hidden_seq.append(hidden)
    return torch.cat(hidden_seq, dim=1), h_t, c_t


IMPLEMENTATIONS: dict[str, Rung] = {
    "the readable cell": lstm,
    "nothing checked": eight_matmuls,
    "gates fused": fused,
    "inputs hoisted": hoisted,
    "gates contiguous": contiguous,
    "backward by hand": by_hand,
}


def plain_sequence(x: Tensor, h_0: Tensor, c_0: Tensor, W_x: Tensor, W_h: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """All steps of an LSTM; arguments and results as in `kernel.lstm_sequence`. It has a first derivative only."""
    return _Plain.apply(x, h_0.clone(), c_0.clone(), W_x, W_h, b)  # no compiler takes one tensor for two arguments


class _Plain(torch.autograd.Function):
    """All steps of an LSTM as one operation of autograd: the gradients of the weights are one matmul for all steps."""

    @staticmethod
    def forward(ctx, x, h_0, c_0, W_x, W_h, b):
        hs, cs, gates = [h_0], [c_0], []
        for z_t in (x.transpose(0, 1) @ W_x + b).unbind():
            z_i, z_f, z_c, z_o = torch.addmm(z_t, hs[-1], W_h).chunk(4, dim=1)
            i, f, g, o = torch.sigmoid(z_i), torch.sigmoid(z_f), torch.tanh(z_c), torch.sigmoid(z_o)
            cs.append(f * cs[-1] + i * g)
            hs.append(o * torch.tanh(cs[-1]))
            gates.append(torch.cat([i, f, g, o], dim=1))
        hs = torch.stack(hs)
        ctx.save_for_backward(x, W_x, W_h, hs, torch.stack(cs), torch.stack(gates))
        return hs[1:].transpose(0, 1), cs[-1]

    @staticmethod
    @once_differentiable
    def backward(ctx, d_hidden_seq, dc):
        x, W_x, W_h, hs, cs, gates = ctx.saved_tensors
        (B, T, N), H = x.shape, W_h.shape[0]
        dh, dz = torch.zeros_like(dc), [None] * T
        for t in reversed(range(T)):
            i, f, g, o = gates[t].chunk(4, dim=1)
            u = torch.tanh(cs[t + 1])
            dh = dh + d_hidden_seq[:, t]
            dc = dc + dh * o * (1 - u * u)
            into_gates = dc * g * i * (1 - i), dc * cs[t] * f * (1 - f), dc * i * (1 - g * g), dh * u * o * (1 - o)
            dz[t] = torch.cat(into_gates, dim=1)
            dh, dc = dz[t] @ W_h.t(), dc * f
        dz = torch.stack(dz).view(T * B, 4 * H)
        dx = (dz @ W_x.t()).view(T, B, N).transpose(0, 1)
        dW_x = x.transpose(0, 1).reshape(T * B, N).t() @ dz
        return dx, dh, dc, dW_x, hs[:-1].view(T * B, H).t() @ dz, dz.sum(dim=0)


@cache
def compiled() -> Rung:
    """`plain`, compiled as a whole by `torch.compile`; the first call at each size compiles, for seconds to minutes.

    Raises ValueError where there is no compiler that it can call.
    """
    if reason := no_compiler():
        raise ValueError(f"torch.compile cannot work here: {reason}")
    return torch.compile(plain, dynamic=False, options={"cpp_wrapper": True})  # calls its kernels without Python


def no_compiler() -> str:
    """Why `torch.compile` cannot work here, or "" if it can."""
    if " " in torch.__file__:  # its headers are named to the compiler without quotation marks
        return "PyTorch is installed under a path with a space"
    if os.name == "nt":
        return "" if shutil.which("cl") else "`cl` is not on the path"
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["g++", "clang++", "c++"]
    return "" if any(map(shutil.which, names)) else f"none of {', '.join(names)} is on the path"


def _gates(z: Tensor, dim: int = 1) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    z_i, z_f, z_c, z_o = z.chunk(4, dim=dim)
    return torch.sigmoid(z_i), torch.sigmoid(z_f), torch.tanh(z_c), torch.sigmoid(z_o)


def _check_stacked(W_x: Tensor, W_h: Tensor, b: Tensor, **inputs) -> None:
    sizes = check_shapes(**inputs)
    check_shapes(sizes | {"4H": 4 * sizes["H"]}, W_x=(W_x, "N 4H"), W_h=(W_h, "H 4H"), b=(b, "4H"))
