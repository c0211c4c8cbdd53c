"""Implementations of one LSTM: each removes one cost of the implementation before it, and computes the same.

Every implementation has the arguments and results of `layers.lstm`: x (B, T, N), h_0 (B, H), c_0 (B, H) and the twelve
weights of a cell by name -> all hidden states (B, T, H), the last hidden state (B, H), the last cell state (B, H).
"""

import math
import os
import shutil
from collections.abc import Callable, Mapping
from functools import cache

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from lstm_lesson.equations import candidate, cell_state, forget_gate, hidden_state, input_gate, output_gate
from lstm_lesson.kernel import hoisted_sequence, lstm_sequence, stacked_weights
from lstm_lesson.layers import lstm
from lstm_lesson.shapes import Shape, check_size, checked

Implementation = Callable[[Tensor, Tensor, Tensor, Mapping[str, Tensor]], tuple[Tensor, Tensor, Tensor]]


def unchecked(x: Tensor, h_0: Tensor, c_0: Tensor, weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """The readable cell, the same equations called in the same order, but no shape is checked."""
    equations = input_gate, forget_gate, candidate, cell_state, output_gate, hidden_state
    i, f, g, c, o, h = (equation.__wrapped__ for equation in equations)
    w, h_t, c_t, hidden_seq = weights, h_0, c_0, []
    for t in range(x.shape[1]):
        x_t = x[:, t]
        i_t = i(x_t, h_t, w["W_xi"], w["W_hi"], w["b_i"])
        f_t = f(x_t, h_t, w["W_xf"], w["W_hf"], w["b_f"])
        g_t = g(x_t, h_t, w["W_xc"], w["W_hc"], w["b_c"])
        c_t = c(f_t, c_t, i_t, g_t)
        o_t = o(x_t, h_t, w["W_xo"], w["W_ho"], w["b_o"])
        h_t = h(o_t, c_t)
        hidden_seq.append(h_t)
    return torch.stack(hidden_seq, dim=1), h_t, c_t


@checked
def fused_gates(
    x_t: Shape["B N"], h_prev: Shape["B H"], W_x: Shape["N 4H"], W_h: Shape["H 4H"], b: Shape["4H"]
) -> tuple[Shape["B H"], Shape["B H"], Shape["B H"], Shape["B H"]]:
    """The gates and the candidate of one step, i_t, f_t, g_t, o_t, from two matmuls instead of eight.

    W_x, W_h and b are the weights of i, f, c, o side by side.
    Raises ValueError naming the argument whose shape does not fit.
    """
    z_i, z_f, z_c, z_o = (x_t @ W_x + h_prev @ W_h + b).chunk(4, dim=1)
    return torch.sigmoid(z_i), torch.sigmoid(z_f), torch.tanh(z_c), torch.sigmoid(z_o)


@checked
def hoist_inputs(x: Shape["B T N"], W_x: Shape["N 4H"], b: Shape["4H"]) -> Shape["B T 4H"]:
    """x W_x + b for all gates and all steps at once: (B, T, 4H).

    It reads no hidden state, so one matmul is enough. Raises ValueError naming the argument whose shape does not fit.
    """
    return x @ W_x + b


def fused(x: Tensor, h_0: Tensor, c_0: Tensor, weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Two matmuls a step: the weights of the four gates stand side by side."""
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
    """Features first: the sums of a step are (4H, B), so that each gate is contiguous in memory."""
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
    """One operation of autograd with a backward pass by hand: the kernel of `CustomLSTM`."""
    hidden_seq, c_n = lstm_sequence(x, h_0, c_0, *stacked_weights(weights))
    return hidden_seq, hidden_seq[:, -1], c_n


def plain(x: Tensor, h_0: Tensor, c_0: Tensor, weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """`by_hand` in plain calls, without `out=`, for a compiler: slower than `by_hand` if it is not compiled."""
    hidden_seq, c_n = plain_sequence(x, h_0, c_0, *stacked_weights(weights))
    return hidden_seq, hidden_seq[:, -1], c_n


def checkpointed(
    x: Tensor, h_0: Tensor, c_0: Tensor, weights: Mapping[str, Tensor], segment: int | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Less memory for more time: only the states between segments are kept; the backward pass computes the rest again.

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


IMPLEMENTATIONS: dict[str, Implementation] = {
    "the readable cell": lstm,
    "without its checks": unchecked,
    "gates fused": fused,
    "inputs hoisted": hoisted,
    "gates contiguous": contiguous,
    "backward by hand": by_hand,
}


def plain_sequence(x: Tensor, h_0: Tensor, c_0: Tensor, W_x: Tensor, W_h: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """All steps of an LSTM; arguments and results as in `kernel.lstm_sequence`. Only first derivatives work."""
    return _PlainFunction.apply(x, h_0.clone(), c_0.clone(), W_x, W_h, b)  # compilers need different tensors here


class _PlainFunction(torch.autograd.Function):
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
def compiled() -> Implementation:
    """`plain`, compiled by `torch.compile`; the first call at each size takes seconds to minutes to compile.

    Raises ValueError if there is no compiler that it can call.
    """
    if reason := no_compiler():
        raise ValueError(f"torch.compile cannot work here: {reason}")
    return torch.compile(plain, dynamic=False, options={"cpp_wrapper": True})  # the kernels are called without Python


def no_compiler() -> str:
    """Why `torch.compile` cannot work here, or "" if it can."""
    if " " in torch.__file__:  # torch passes the path of its headers to the compiler unquoted
        return "PyTorch is installed under a path with a space"
    if os.name == "nt":
        return "" if shutil.which("cl") else "`cl` is not on the path"
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["g++", "clang++", "c++"]
    return "" if any(map(shutil.which, names)) else f"none of {', '.join(names)} is on the path"


def _gates(z: Tensor, dim: int = 1) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    z_i, z_f, z_c, z_o = z.chunk(4, dim=dim)
    return torch.sigmoid(z_i), torch.sigmoid(z_f), torch.tanh(z_c), torch.sigmoid(z_o)
