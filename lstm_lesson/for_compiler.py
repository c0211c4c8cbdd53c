"""The backward pass by hand once more, in plain calls, nothing in place: a compiler joins them by itself."""

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def plain_steps(x: Tensor, h_0: Tensor, c_0: Tensor, W_x: Tensor, W_h: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """All steps of an LSTM; arguments and results as in `by_hand.steps`. It has a first derivative only."""
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
