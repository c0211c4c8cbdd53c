"""A quick LSTM: all steps as one operation of autograd, with a backward pass by hand. `CustomLSTM` runs it."""

import math
from collections.abc import Iterator, Mapping
from itertools import compress, product

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from lstm_lesson.cells import GATES, LSTMCell

IN_CACHE = 2**17  # numbers that the backward pass prepares at once: half a MiB of float32 fits in the cache of a core
BLOCK = 2**20  # numbers of dz that are kept until they become gradients: 4 MiB of float32


def unsupported(cell: nn.Module, *tensors: Tensor) -> str:
    """Why `run_cell` cannot run `cell` with these tensors, or "" if it can.

    It runs an LSTMCell without peepholes and hooks, in float32 or float64, outside autocast, compilers, `torch.func`
    and forward-mode gradients.
    """
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return "the kernel cannot be compiled or traced"
    if type(cell) is not LSTMCell or "forward" in vars(cell):
        return "the kernel runs an LSTMCell with its own forward, and the cell is another"
    if cell.peephole:
        return "the kernel has no peepholes"
    if _observed(cell):
        return "the kernel takes no single step that a hook, torch.func or a forward-mode gradient could observe"
    N, H, weights = cell.input_size, cell.hidden_size, cell.weights
    for k, (reads, shape) in product(GATES, (("W_x", (N, H)), ("W_h", (H, H)), ("b_", (H,)))):
        if (has := tuple(getattr(weights.get(f"{reads}{k}"), "shape", ()))) != shape:
            return f"{reads}{k} has shape {has}, not {shape}"
    tensors += tuple(weights.values())
    kinds = {(tensor.dtype, tensor.device) for tensor in tensors}
    dtype, device = next(iter(kinds))
    if len(kinds) > 1 or any(type(tensor) not in (Tensor, nn.Parameter) for tensor in tensors):
        return "the kernel needs plain tensors of one dtype on one device"
    if dtype not in (torch.float32, torch.float64):
        return f"the kernel computes in float32 or float64, and these tensors are {dtype}"
    if device.type == "meta":
        return "tensors on the meta device have no numbers"
    return "the kernel does not know autocast" if torch.is_autocast_enabled(device.type) else ""


def _observed(cell: nn.Module) -> bool:
    """Whether hooks, `torch.func` or forward-mode gradients need every step: yes if torch lacks a private name here."""
    try:
        hooks = cell._forward_hooks, cell._forward_pre_hooks, cell._backward_hooks, cell._backward_pre_hooks
        transforms = torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0
        return any(hooks) or nn.modules.module._has_any_global_hook() or transforms
    except (AttributeError, TypeError):
        return True


def run_cell(cell: LSTMCell, x: Tensor, h_0: Tensor, c_0: Tensor, keep: Tensor | None = None,
             backwards: bool = False) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """One cell along x (B, T, N), from the last step to the first if `backwards`: `layers.run_steps`, but quicker.

    h_0, c_0 (B, H); keep (B, T) is False at padded steps, the last ones; what x holds there changes no result.
    Returns all hidden states (B, T, H), 0 at padded steps; the last hidden state and cell state, each (B, H).
    """
    order = reversed_steps(x, keep) if backwards else None
    x = x.gather(1, order.expand_as(x)) if backwards else x
    hidden_seq, c_n = lstm_sequence(x, h_0, c_0, *stacked_weights(cell.weights), keep)
    batch = torch.arange(len(x), device=x.device)
    h_n = hidden_seq[:, -1].clone() if keep is None else hidden_seq[batch, keep.sum(dim=1) - 1]
    hidden_seq = without_padding(hidden_seq, keep)
    return hidden_seq.gather(1, order.expand_as(hidden_seq)) if backwards else hidden_seq, h_n, c_n


def reversed_steps(x: Tensor, keep: Tensor | None) -> Tensor:
    """(B, T, 1): the number of the step at each place when every sequence is reversed; its padding stays at the end."""
    t = torch.arange(x.shape[1], device=x.device)
    order = t.flip(0).expand(len(x), -1) if keep is None else torch.where(keep, keep.sum(dim=1)[:, None] - 1 - t, t)
    return order[:, :, None]


def stacked_weights(weights: Mapping[str, Tensor], gates: str = GATES) -> tuple[Tensor, Tensor, Tensor]:
    """The weights of a cell, side by side in the order of `gates`: W_x (N, 4H), W_h (H, 4H), b (4H,) of an LSTM."""
    return tuple(torch.cat([weights[f"{reads}{k}"] for k in gates], dim=-1) for reads in ("W_x", "W_h", "b_"))


def lstm_sequence(x: Tensor, h_0: Tensor, c_0: Tensor, W_x: Tensor, W_h: Tensor, b: Tensor,
                  keep: Tensor | None = None) -> tuple[Tensor, Tensor]:  # fmt: skip
    """All steps of an LSTM, with the backward pass by hand.

    x (B, T, N), h_0 and c_0 (B, H), weights as `stacked_weights` returns them, `keep` as in `run_cell`.
    Returns all hidden states (B, T, H), which have no meaning at padded steps, and the last cell state (B, H).
    Second derivatives work too: autograd then computes the first and the second derivatives.
    """
    return LSTMFunction.apply(without_padding(x, keep), h_0, c_0, W_x, W_h, b, keep)


def hoisted_sequence(x: Tensor, h_0: Tensor, c_0: Tensor, W_x: Tensor, W_h: Tensor, b: Tensor,
                     keep: Tensor | None = None) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`lstm_sequence` with autograd's backward pass; one matmul before the loop computes x W_x for all steps."""
    x, h_t, c_t, hidden_seq = without_padding(x, keep), h_0, c_0, []
    keeps = [None] * x.shape[1] if keep is None else keep[:, :, None].unbind(1)
    for z_t, keep_t in zip((x @ W_x + b).unbind(1), keeps, strict=True):  # z_t (B, 4H)
        z_i, z_f, z_c, z_o = torch.addmm(z_t, h_t, W_h).chunk(4, dim=1)
        c_new = torch.sigmoid(z_f) * c_t + torch.sigmoid(z_i) * torch.tanh(z_c)
        c_t = c_new if keep_t is None else torch.where(keep_t, c_new, c_t)
        h_t = torch.sigmoid(z_o) * torch.tanh(c_t)
        hidden_seq.append(h_t)
    return torch.stack(hidden_seq, dim=1), c_t


def without_padding(x: Tensor, keep: Tensor | None) -> Tensor:
    """x with 0 at padded steps: NaN there times a gradient of 0 would be NaN."""
    return x if keep is None else x.masked_fill(~keep[:, :, None], 0)


class LSTMFunction(torch.autograd.Function):
    """All steps of an LSTM as one operation of autograd.

    Two things save time beside the gradients by hand. Results are written into memory that was allocated once: `out=`,
    and the calls whose names end in `_`. And tanh(a) = 1 − 2 σ(−2a): on a CPU the sigmoid of torch is several times
    faster than its tanh, and with the weights of the candidate times −2 one call computes all four gates.
    """

    @staticmethod
    def forward(ctx, x, h_0, c_0, W_x, W_h, b, keep):
        (B, T, N), H = x.shape, h_0.shape[1]
        scale = nn.functional.pad(b.new_full((H,), -2), (2 * H, H), value=1)  # of the columns of each gate
        z = torch.addmm(b * scale, x.transpose(0, 1).reshape(T * B, N), W_x * scale).view(T, B, 4 * H)
        gates = z.view(T, B, 4, H)  # i, f, s, o once the sigmoid is taken; the candidate is 1 − 2s
        if keep is not None:  # at a padded step the input gate is 0 and the forget gate 1: the memory stays
            padded = ~keep.t()[:, :, None]
            gates[:, :, 0].masked_fill_(padded, -math.inf)
            gates[:, :, 1].masked_fill_(padded, math.inf)
        hs, cs = z.new_empty(T + 1, B, H), z.new_empty(T + 1, B, H)
        hs[0], cs[0] = h_0, c_0
        W, minus_two, u = W_h * scale, torch.full_like(c_0, -2), torch.empty_like(c_0)
        (h, *new_h), (c, *new_c) = hs.unbind(), cs.unbind()
        by_gate = [gate.unbind() for gate in gates.unbind(2)]  # T views (B, H) of each
        for z_t, i, f, s, o, h_t, c_t in zip(z.unbind(), *by_gate, new_h, new_c, strict=True):
            z_t.addmm_(h, W).sigmoid_()
            torch.addcmul(i, i, s, value=-2, out=c_t).addcmul_(f, c)  # i (1 − 2s) + f c
            torch.mul(c_t, minus_two, out=u).sigmoid_()  # tanh(c_t) is 1 − 2u
            torch.addcmul(o, o, u, value=-2, out=h_t)
            h, c = h_t, c_t
        ctx.keep = keep  # beside the saved tensors: torchviz fails at one that is None
        ctx.save_for_backward(x, h_0, c_0, W_x, W_h, b, gates, hs, cs)
        return hs[1:].transpose(0, 1), c.clone()

    @staticmethod
    def backward(ctx, d_hidden_seq, dc_n):
        *inputs, gates, hs, cs = ctx.saved_tensors
        if torch.is_grad_enabled():  # create_graph=True: the gradient itself must be differentiable
            wanted, outputs = list(compress(inputs, ctx.needs_input_grad)), hoisted_sequence(*inputs, ctx.keep)
            grads = iter(torch.autograd.grad(outputs, wanted, (d_hidden_seq, dc_n), create_graph=True))
            return tuple(next(grads) if need else None for need in ctx.needs_input_grad)
        x, h_0, _, W_x, W_h, b = inputs
        (B, T, N), H = x.shape, h_0.shape[1]
        scale = nn.functional.pad(b.new_full((H,), 4), (2 * H, H), value=1)  # 1 − g² is 4 s (1 − s): dz has no 4
        W = (W_h * scale).t().contiguous()
        many = max(1, min(T, BLOCK // max(1, 4 * B * H)))
        dz = gates.new_empty(many, B, 4 * H)  # for a block of steps, and used again: new memory costs time, too
        into_ifs, into_o = dz.view(many, B, 4, H)[:, :, :3].transpose(1, 2).unbind(), dz[:, :, 3 * H :].unbind()
        arriving = torch.zeros_like(h_0), *d_hidden_seq.unbind(1)  # from the loss; 0 at h_0
        f, dz_t = gates[:, :, 1].unbind(), dz.unbind()
        dh, dc = arriving[T].clone(), dc_n.clone()
        x_rows, h_rows, W_into_x = x.transpose(0, 1).reshape(T * B, N), hs[:-1].flatten(0, 1), (W_x * scale).t()
        dx, (dW_x, dW_h, db) = torch.empty_like(x_rows), (torch.zeros_like(w) for w in (W_x, W_h, b))
        needs_x, _, _, *needs_weights, _ = ctx.needs_input_grad
        for t, through_tanh, of_ifs, of_o in _slopes(gates, cs):
            k = t % many
            dc.addcmul_(dh, through_tanh, value=4)
            torch.mul(of_ifs, dc, out=into_ifs[k])
            torch.mul(of_o, dh, out=into_o[k])
            dc.mul_(f[t])
            torch.addmm(arriving[t], dz_t[k], W, out=dh)  # the gradient of the hidden state before
            if k == 0:  # one matmul each for a block of steps
                block, rows = dz[: T - t].flatten(0, 1), slice(t * B, (t + many) * B)
                if needs_x:
                    torch.mm(block, W_into_x, out=dx[rows])
                if any(needs_weights):
                    dW_x.addmm_(x_rows[rows].t(), block)
                    dW_h.addmm_(h_rows[rows].t(), block)
                    db.add_(block.sum(dim=0))
        dx = dx.view(T, B, N).transpose(0, 1)
        return dx if needs_x else None, dh, dc, dW_x * scale, dW_h * scale, db * scale, None


def _slopes(gates: Tensor, cs: Tensor) -> Iterator[tuple[int, Tensor, Tensor, Tensor]]:
    """From the last step on: t, and the factors from h_t to c_t (B, H), c_t to i, f, s (3, B, H), h_t to o (B, H)."""
    T, B, _, H = gates.shape
    many = max(1, min(T, IN_CACHE // max(1, 5 * B * H)))  # steps at once: fewer calls, and all stays in the cache
    slopes = gates.new_empty(many, 5, B, H)
    of_i, of_f, of_s, of_o, through_tanh = slopes.unbind(1)
    steps = list(zip(through_tanh.unbind(), slopes[:, :3].unbind(), of_o.unbind(), strict=True))
    for start in reversed(range(0, T, many)):
        n = min(many, T - start)
        y, c_prev, c = (v[start : start + n] for v in (gates.transpose(1, 2), cs, cs[1:]))
        (i, _, s, o), u = y.unbind(1), torch.mul(c, -2).sigmoid_()
        torch.addcmul(y, y, y, value=-1, out=slopes[:n, :4])  # the derivative of a sigmoid: y (1 − y)
        torch.addcmul(u, u, u, value=-1, out=through_tanh[:n]).mul_(o)
        of_o[:n].mul_(u.mul_(-2).add_(1))
        of_i[:n].mul_(torch.mul(s, -2).add_(1))
        of_f[:n].mul_(c_prev)
        of_s[:n].mul_(i)
        for k in reversed(range(n)):
            yield start + k, *steps[k]
