"""The LSTM with a backward pass written by hand and as few calls a step as we found: what `CustomLSTM` runs."""

import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from lstm_lesson.cells import MAKES, LSTMCell

IN_CACHE = 2**17  # entries the backward pass prepares at once: half a MiB of float32 stays in a core's own cache
BLOCK = 2**20  # entries of dz that are kept until they become gradients: 4 MiB of float32


def supported(cell: nn.Module, *tensors: Tensor) -> bool:
    """Whether `run_cell` may stand in for `cell`, taken step by step over `tensors`.

    Only for the plain cell without peepholes that nobody watches with hooks, in float32 or float64, outside autocast,
    compilers, `torch.func` and forward-mode gradients. Everywhere else the readable path runs, or says what is wrong.
    """
    if type(cell) is not LSTMCell or cell.peephole or "forward" in vars(cell):
        return False
    N, H, weights = cell.input_size, cell.hidden_size, cell.weights
    needed = {f"{reads}{k}": shape for reads, shape in (("W_x", (N, H)), ("W_h", (H, H)), ("b_", (H,))) for k in MAKES}
    everything = *tensors, *weights.values()
    return (
        all(tuple(weights[name].shape) == shape for name, shape in needed.items())
        and all(type(t) in (Tensor, nn.Parameter) for t in everything)
        and len({(t.dtype, t.device) for t in everything}) == 1
        and tensors[0].dtype in (torch.float32, torch.float64)
        and not torch.is_autocast_enabled(tensors[0].device.type)
        and not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()
        and not _watched(cell)
    )


def _watched(cell: nn.Module) -> bool:
    """Whether hooks, `torch.func` or forward-mode gradients look at every step.

    Only private names of torch tell. A torch that has moved or changed one of them cannot answer: then yes, to be safe.
    """
    try:
        return (
            any((cell._forward_hooks, cell._forward_pre_hooks, cell._backward_hooks, cell._backward_pre_hooks))
            or nn.modules.module._has_any_global_hook()
            or torch._C._are_functorch_transforms_active()
            or forward_ad._current_level >= 0
        )
    except (AttributeError, TypeError):
        return True


def run_cell(
    cell: LSTMCell, x: Tensor, h_0: Tensor, c_0: Tensor, keep: Tensor | None = None, backwards: bool = False
) -> tuple[Tensor, Tensor, Tensor]:
    """One cell along x (B, T, N), from the end if `backwards`, where `supported` says so.

    h_0, c_0 (B, H); keep (B, T) bool: False at padded steps, which stand behind the true ones and change no state
    -> all hidden states (B, T, H), 0 at padded steps; the last hidden state and the last memory, each (B, H).
    """
    order = _from_the_end(x, keep) if backwards else None
    if backwards:
        x = x.gather(1, order.expand_as(x))
    hidden_seq, c_n = lstm_sequence(x, h_0, c_0, *stacked_weights(cell.weights), keep)
    if keep is None:
        h_n = hidden_seq[:, -1].clone()
    else:
        h_n = hidden_seq[torch.arange(len(x), device=x.device), keep.sum(dim=1) - 1]  # each at its own last step
        hidden_seq = hidden_seq * keep[:, :, None]
    return hidden_seq.gather(1, order.expand_as(hidden_seq)) if backwards else hidden_seq, h_n, c_n


def _from_the_end(x: Tensor, keep: Tensor | None) -> Tensor:
    """(B, T, 1): the step that stands at each place once every sequence is turned round; padding stays behind."""
    t = torch.arange(x.shape[1], device=x.device)
    turned = t.flip(0).expand(len(x), -1) if keep is None else torch.where(keep, keep.sum(dim=1)[:, None] - 1 - t, t)
    return turned[:, :, None]


def stacked_weights(weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """A cell's twelve weights as three: W_x (N, 4H), W_h (H, 4H), b (4H,), side by side in the order i, f, c, o."""
    W_x, W_h, b = (torch.cat([weights[f"{reads}{k}"] for k in MAKES], dim=-1) for reads in ("W_x", "W_h", "b_"))
    return W_x, W_h, b


def lstm_sequence(
    x: Tensor, h_0: Tensor, c_0: Tensor, W_x: Tensor, W_h: Tensor, b: Tensor, keep: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """All steps of an LSTM, with the backward pass by hand.

    Weights as `stacked_weights` gives them, `keep` as in `run_cell`
    -> all hidden states (B, T, H), the last memory (B, H).
    A second derivative works too: autograd then makes both. At padded steps the hidden states mean nothing.
    """
    return _ByHand.apply(x, h_0, c_0, W_x, W_h, b, keep)


def hoisted_sequence(
    x: Tensor, h_0: Tensor, c_0: Tensor, W_x: Tensor, W_h: Tensor, b: Tensor, keep: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """`lstm_sequence` with autograd's own backward pass: what x adds to the gates is one matmul before the loop."""
    h_t, c_t, hidden_seq = h_0, c_0, []
    keeps = [None] * x.shape[1] if keep is None else keep[:, :, None].unbind(1)
    for z_t, keep_t in zip((x @ W_x + b).unbind(1), keeps, strict=True):  # z_t (B, 4H)
        z_i, z_f, z_c, z_o = torch.addmm(z_t, h_t, W_h).chunk(4, dim=1)
        c_new = torch.sigmoid(z_f) * c_t + torch.sigmoid(z_i) * torch.tanh(z_c)
        c_t = c_new if keep_t is None else torch.where(keep_t, c_new, c_t)
        h_t = torch.sigmoid(z_o) * torch.tanh(c_t)
        hidden_seq.append(h_t)
    return torch.stack(hidden_seq, dim=1), c_t


class _ByHand(torch.autograd.Function):
    """All steps of an LSTM as one operation of autograd.

    Beside the gradients by hand two things save time. Results are written into memory that was taken once: `out=`,
    and the calls whose names end in `_`. And tanh(a) = 1 − 2 σ(−2a): on a CPU torch is several times faster with a
    sigmoid, and with the candidate's weights times −2 one call serves all four gates.
    """

    @staticmethod
    def forward(ctx, x, h_0, c_0, W_x, W_h, b, keep):
        (B, T, N), H = x.shape, h_0.shape[1]
        scale = _scale(W_h, -2)
        z = torch.addmm(b * scale, x.transpose(0, 1).reshape(T * B, N), W_x * scale).view(T, B, 4 * H)
        gates = z.view(T, B, 4, H)  # i, f, s, o once the sigmoid is taken; the candidate is 1 − 2s
        if keep is not None:  # at a padded step the input gate is shut and the forget gate open: the memory stays
            padded = ~keep.t()[:, :, None]
            gates[:, :, 0].masked_fill_(padded, -math.inf)
            gates[:, :, 1].masked_fill_(padded, math.inf)
        hs, cs = z.new_empty(T + 1, B, H), z.new_empty(T + 1, B, H)
        hs[0], cs[0] = h_0, c_0
        W, minus_two, u = W_h * scale, torch.full_like(c_0, -2), torch.empty_like(c_0)
        addcmul, mul = torch.addcmul, torch.mul
        (h, *new_h), (c, *new_c) = hs.unbind(), cs.unbind()
        for z_t, i, f, s, o, h_t, c_t in zip(z.unbind(), *_by_gate(gates), new_h, new_c, strict=True):
            z_t.addmm_(h, W).sigmoid_()
            addcmul(i, i, s, value=-2, out=c_t).addcmul_(f, c)  # i (1 − 2s) + f c
            mul(c_t, minus_two, out=u).sigmoid_()  # tanh(c_t) is 1 − 2u
            addcmul(o, o, u, value=-2, out=h_t)
            h, c = h_t, c_t
        ctx.save_for_backward(x, h_0, c_0, W_x, W_h, b, keep, gates, hs, cs)
        return hs[1:].transpose(0, 1), c.clone()

    @staticmethod
    def backward(ctx, d_hidden_seq, dc_n):
        *inputs, keep, gates, hs, cs = ctx.saved_tensors
        if torch.is_grad_enabled():  # somebody will ask for the gradient of this gradient
            return _with_autograd(inputs, ctx.needs_input_grad, keep, (d_hidden_seq, dc_n))
        x, h_0, _c_0, W_x, W_h, b = inputs
        (B, T, _N), H = x.shape, h_0.shape[1]
        scale = _scale(W_h, 4)  # 1 − g² is 4 s (1 − s); dz holds the candidate's part without the 4
        W = (W_h * scale).t().contiguous()
        many = max(1, min(T, BLOCK // (4 * B * H)))
        dz = gates.new_empty(many, B, 4 * H)  # for many steps, and used again: fresh memory costs time too
        into_ifs, into_o = dz.view(many, B, 4, H)[:, :, :3].transpose(1, 2).unbind(), dz[:, :, 3 * H :].unbind()
        arriving = torch.zeros_like(h_0), *d_hidden_seq.unbind(1)  # from outside; nothing arrives at h_0
        f, dz_t = gates[:, :, 1].unbind(), dz.unbind()
        dh, dc = arriving[T].clone(), dc_n.clone()
        grads = _Gradients(x, hs, W_x, W_h, b, scale, ctx.needs_input_grad)
        addmm, mul = torch.addmm, torch.mul
        for t, through_tanh, of_ifs, of_o in _slopes(gates, cs):
            k = t % many
            dc.addcmul_(dh, through_tanh, value=4)
            mul(of_ifs, dc, out=into_ifs[k])
            mul(of_o, dh, out=into_o[k])
            dc.mul_(f[t])
            addmm(arriving[t], dz_t[k], W, out=dh)  # the gradient of the hidden state before
            if k == 0:
                grads.add(t, dz[: T - t].flatten(0, 1))
        return grads.dx, dh, dc, *grads.of_weights(), None


class _Gradients:
    """The gradients of x and of the weights, from one block of steps after the other: one matmul each for a block."""

    def __init__(self, x, hs, W_x, W_h, b, scale, needed):
        B, T, N = x.shape
        self.needs_x, _, _, *self.needs_weights, _ = needed
        self.x, self.h_prev = x.transpose(0, 1).reshape(T * B, N), hs[:-1].flatten(0, 1)
        dx = torch.empty_like(self.x)
        self.B, self.dx, self.into_x = B, dx.view(T, B, N).transpose(0, 1) if self.needs_x else None, dx
        self.W, self.scale = (W_x * scale).t(), scale
        self.sums = [torch.zeros_like(w) for w in (W_x, W_h, b)]

    def add(self, t: int, dz: Tensor) -> None:
        """dz (n·B, 4H), of the steps from t on."""
        rows = slice(t * self.B, t * self.B + len(dz))
        if self.needs_x:
            torch.mm(dz, self.W, out=self.into_x[rows])
        if any(self.needs_weights):
            dW_x, dW_h, db = self.sums
            dW_x.addmm_(self.x[rows].t(), dz)
            dW_h.addmm_(self.h_prev[rows].t(), dz)
            db.add_(dz.sum(dim=0))

    def of_weights(self) -> tuple[Tensor, ...]:
        """Those of W_x, W_h and b."""
        return tuple(grad * self.scale for grad in self.sums)


def _slopes(gates: Tensor, cs: Tensor) -> Iterator[tuple[int, Tensor, Tensor, Tensor]]:
    """From the last step to the first: t, and what the gradients of h_t and c_t are multiplied by on their way back.

    Through tanh(c_t) into c_t (B, H); from c_t into the sums of i, f and s (3, B, H); from h_t into that of o (B, H).
    Prepared for many steps at once, so that the loop has fewer calls, and not for all, so that they stay in the cache.
    """
    T, B, _, H = gates.shape
    many = max(1, min(T, IN_CACHE // (5 * B * H)))
    slopes = gates.new_empty(many, 5, B, H)
    of_i, of_f, of_s, of_o, through_tanh = slopes.unbind(1)
    steps = list(zip(through_tanh.unbind(), slopes[:, :3].unbind(), of_o.unbind(), strict=True))
    for end in range(T, 0, -many):
        start = max(0, end - many)
        n = end - start
        i, f, s, o = gates[start:end].unbind(2)
        u = torch.mul(cs[start + 1 : end + 1], -2).sigmoid_()
        _slope(u, through_tanh[:n]).mul_(o)
        _slope(o, of_o[:n]).mul_(u.mul_(-2).add_(1))
        _slope(i, of_i[:n]).mul_(torch.mul(s, -2).add_(1))
        _slope(f, of_f[:n]).mul_(cs[start:end])
        _slope(s, of_s[:n]).mul_(i)
        for k in reversed(range(n)):
            yield start + k, *steps[k]


def _slope(y: Tensor, out: Tensor) -> Tensor:
    """The slope of a sigmoid, from its value: y (1 − y)."""
    return torch.addcmul(y, y, y, value=-1, out=out)


def _by_gate(gates: Tensor) -> list[tuple[Tensor, ...]]:
    """gates (T, B, 4, H) -> for each of the four gates its T steps, (B, H) each, without a copy."""
    return [gate.unbind() for gate in gates.unbind(2)]


def _scale(W_h: Tensor, of_candidate: float) -> Tensor:
    """(4H,): 1 for the gates' columns and `of_candidate` for the candidate's."""
    scale = W_h.new_ones(4, len(W_h))
    scale[2] = of_candidate
    return scale.view(-1)


def _with_autograd(
    inputs: Sequence[Tensor], needed: Sequence[bool], keep: Tensor | None, upstream: Sequence[Tensor]
) -> tuple[Tensor | None, ...]:
    """The gradients of `hoisted_sequence`, themselves differentiable."""
    wanted = [tensor for tensor, need in zip(inputs, needed, strict=False) if need]
    grads = iter(torch.autograd.grad(hoisted_sequence(*inputs, keep), wanted, upstream, create_graph=True))
    return *(next(grads) if need else None for need in needed[: len(inputs)]), None
