"""The backward pass of notebook 15 in plain calls, and the same, compiled by `torch.compile`."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from lstm_lesson.kernel import stacked_weights
from lstm_lesson.speed import Implementation, backward_loop, gates_of, local_gradients, no_compiler


class PlainFunction(torch.autograd.Function):
    """All steps of an LSTM as one operation of autograd: the gradients of the weights are one matmul for all steps.

    Arguments and results as in `kernel.lstm_sequence`. Only first derivatives work.
    """

    @staticmethod
    def forward(ctx, x, h_0, c_0, W_x, W_h, b):
        h, c, states = h_0, c_0, []
        for z_t in (x @ W_x + b).unbind(1):
            h_prev, c_prev = h, c
            i, f, g, o = gates_of(torch.addmm(z_t, h, W_h))
            c = f * c + i * g
            h = o * torch.tanh(c)
            states.append((i, f, g, o, c, c_prev, h, h_prev))
        *values, hidden_seq, h_prev = (torch.stack(state, dim=1) for state in zip(*states, strict=True))
        ctx.save_for_backward(x, W_x, W_h, values[1], h_prev, *local_gradients.__wrapped__(*values))
        return hidden_seq, c

    @staticmethod
    @once_differentiable
    def backward(ctx, dhidden_seq, dc_T):
        x, W_x, W_h, f, h_prev, into_c, into_z = ctx.saved_tensors
        dz, dh_0, dc_0 = backward_loop.__wrapped__(dhidden_seq, dc_T, f, into_c, into_z, W_h)
        rows = dz.flatten(0, 1)
        dW_x, dW_h = x.flatten(0, 1).T @ rows, h_prev.flatten(0, 1).T @ rows
        return dz @ W_x.T, dh_0, dc_0, dW_x, dW_h, rows.sum(dim=0)


def plain(x: Tensor, h_0: Tensor, c_0: Tensor, weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """The backward pass by hand in plain calls, without `out=`: slower than `by_hand` if it is not compiled.

    Only first derivatives work.
    """
    hidden_seq, c_n = PlainFunction.apply(x, h_0.clone(), c_0.clone(), *stacked_weights(weights))  # for a compiler
    return hidden_seq, hidden_seq[:, -1], c_n


def compiled() -> Implementation:
    """`plain`, compiled by `torch.compile`; the first call at each size takes seconds to minutes to compile.

    Raises ValueError if there is no compiler that it can call.
    """
    if reason := no_compiler():
        raise ValueError(f"torch.compile cannot work here: {reason}")
    return torch.compile(plain, dynamic=False, options={"cpp_wrapper": True})  # the kernels are called without Python
