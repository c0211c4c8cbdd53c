"""Right answers in unusual styles, and wrong answers that are hard to tell from right ones, as sources of cells.

Each starts with a line `### function · what is unusual`. Where several functions stand before the dot, NAME, ACT and
WEIGHTS in the source stand for the function, its activation and its weights.
"""

import functools
import itertools
import math
import re

import torch
from cells import run_cell
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from lstm_lesson import check

GATES = {  # activation, letter and names of the weights
    "rnn_step": ("tanh", "h", "W_xh, W_hh, b_h"),
    "input_gate": ("sigmoid", "i", "W_xi, W_hi, b_i"),
    "forget_gate": ("sigmoid", "f", "W_xf, W_hf, b_f"),
    "candidate": ("tanh", "c", "W_xc, W_hc, b_c"),
    "output_gate": ("sigmoid", "o", "W_xo, W_ho, b_o"),
}


def answers(text: str) -> list[tuple[str, str, str]]:
    """(name, what is unusual, source) of each answer in a text."""
    found = []
    for block in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        head, source = block.split("\n", 1)
        names, style = head.split(" · ")
        for name in names.split(", "):
            function, letter, weights = GATES.get(name, ("", "", ""))
            own = source.replace("NAME", name).replace("ACT", function).replace("WEIGHTS", weights)
            found.append((name, style, own.replace("W_x?", f"W_x{letter}").replace("W_h?", f"W_h{letter}")
                          .replace("b_?", f"b_{letter}")))  # fmt: skip
    return found


def check_in_notebook(name: str, source: str):
    """What `check` says, called in the notebook that defines the answer."""
    space = dict(torch=torch, nn=nn, F=F, math=math, functools=functools, itertools=itertools, checkpoint=checkpoint,
                 check=check, __name__="__main__")  # fmt: skip
    run_cell(source, space)
    return eval(f"check({name})", space)


RIGHT = answers('''
### hadamard · einsum with numbers
def hadamard(a, b):
    return torch.einsum(a, [0, 1], b, [0, 1], [0, 1])
### hadamard · partial
hadamard = functools.partial(torch.mul)
### hadamard · lambda
hadamard = lambda a, b: b.mul(a)
### hadamard · row by row
def hadamard(*args):
    return torch.stack([row * other for row, other in zip(*args)])
### hadamard · diagonal matrices
def hadamard(a, b):
    return (torch.diag_embed(a) @ b[..., None])[..., 0]
### hadamard · a method that works in place on an own tensor
def hadamard(a, b):
    result = a.clone()
    result *= b
    return result
### hadamard · a custom autograd function
class Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a * b
    @staticmethod
    def backward(ctx, d):
        a, b = ctx.saved_tensors
        return d * b, d * a
def hadamard(a, b):
    return Product.apply(a, b)
### rnn_step, input_gate · F.linear
def NAME(x_t, h_prev, WEIGHTS):
    return torch.ACT(F.linear(x_t, W_x?.t()) + F.linear(h_prev, W_h?.t(), b_?))
### forget_gate, candidate · einsum of one big matrix
def NAME(x_t, h_prev, WEIGHTS):
    both = torch.cat((h_prev, x_t), dim=-1)
    return torch.einsum("bi,ij->bj", both, torch.cat((W_h?, W_x?))).add(b_?).ACT()
### output_gate, rnn_step · addmm
def NAME(x_t, h_prev, WEIGHTS):
    return torch.addmm(b_?, x_t, W_x?).addmm(h_prev, W_h?).ACT()
### input_gate, candidate · baddbmm
def NAME(x_t, h_prev, WEIGHTS):
    z = torch.baddbmm(b_?.expand(1, x_t.size(0), -1), x_t[None], W_x?[None])
    return getattr(torch, "ACT")(torch.baddbmm(z, h_prev[None], W_h?[None]).squeeze(0))
### forget_gate, output_gate · lambda
NAME = lambda x_t, h_prev, W, U, b: torch.ACT(x_t @ W + h_prev @ U + b)
### rnn_step, forget_gate · type hints, keyword-only argument with a default
def NAME(x_t: torch.Tensor, h_prev: torch.Tensor, W: torch.Tensor, U: torch.Tensor, b: torch.Tensor, *,
         activation=torch.ACT) -> torch.Tensor:
    return activation(x_t @ W + h_prev @ U + b)
### input_gate, output_gate · *args
def NAME(*args):
    x, h, W, U, b = args
    return torch.ACT(b + torch.mm(h, U) + torch.mm(x, W))
### candidate, rnn_step · torch.compile
@torch.compile(backend="eager")
def NAME(x_t, h_prev, WEIGHTS):
    return torch.ACT(x_t @ W_x? + h_prev @ W_h? + b_?)
### input_gate, forget_gate · checkpoint
def NAME(x_t, h_prev, WEIGHTS):
    def inside(x, h, W, U, b):
        return torch.ACT(x @ W + h @ U + b)
    return checkpoint(inside, x_t, h_prev, W_x?, W_h?, b_?, use_reentrant=False)
### output_gate, candidate · a class with __call__
class Answer:
    def __call__(self, x_t, h_prev, WEIGHTS):
        return torch.ACT(x_t @ W_x? + h_prev @ W_h? + b_?)
NAME = Answer()
### rnn_step, output_gate · nn.Module
class Answer(nn.Module):
    def forward(self, x_t, h_prev, WEIGHTS):
        return torch.ACT(x_t @ W_x? + h_prev @ W_h? + b_?)
NAME = Answer()
### candidate, forget_gate · decorated
def logged(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        result = f(*args, **kwargs)
        assert result.ndim == 2
        return result
    return wrapper
@logged
def NAME(x_t, h_prev, WEIGHTS):
    return torch.ACT(x_t @ W_x? + h_prev @ W_h? + b_?)
### rnn_step, input_gate · helpers in the notebook, lines out of order
def NAME(x_t, h_prev, WEIGHTS):
    bias = b_?
    from_state = linear(h_prev, W_h?)
    from_input = linear(x_t, W_x?)
    return squash(bias + from_state + from_input)
def squash(z):
    return torch.ACT(z)
def linear(v, W):
    return v @ W
### input_gate, output_gate · walrus
def NAME(x_t, h_prev, WEIGHTS):
    return torch.ACT((z := x_t @ W_x?) + (y := h_prev @ W_h?) + b_?) if True else (z, y)
### candidate, forget_gate · functional_call of an nn.Linear
def NAME(x_t, h_prev, WEIGHTS):
    layer = nn.Linear(x_t.shape[1] + h_prev.shape[1], len(b_?), device="meta")
    given = {"weight": torch.cat([W_x?, W_h?]).T, "bias": b_?}
    return torch.ACT(torch.func.functional_call(layer, given, torch.cat([x_t, h_prev], 1)))
### rnn_step, candidate · vmap over the batch
def NAME(x_t, h_prev, WEIGHTS):
    return torch.func.vmap(lambda x, h: torch.ACT(x @ W_x? + h @ W_h? + b_?))(x_t, h_prev)
### input_gate, forget_gate · a generator of rows
def NAME(x_t, h_prev, WEIGHTS):
    def rows():
        for x, h in zip(x_t, h_prev):
            yield torch.ACT(x @ W_x? + h @ W_h? + b_?)
    return torch.stack([*rows()])
### output_gate, rnn_step · in place on an own tensor
def NAME(x_t, h_prev, WEIGHTS):
    z = x_t @ W_x?
    z += h_prev @ W_h?
    z += b_?
    return z.ACT_()
### candidate, output_gate · column by column
def NAME(x_t, h_prev, WEIGHTS):
    columns = [x_t @ W_x?[:, j] + h_prev @ W_h?[:, j] + b_?[j] for j in range(b_?.numel())]
    return torch.ACT(torch.stack(columns, dim=1))
### rnn_step · nn.RNNCell with functional_call
def rnn_step(x_t, h_prev, W_xh, W_hh, b_h):
    cell = nn.RNNCell(*W_xh.shape, device="meta")
    given = {"weight_ih": W_xh.T, "weight_hh": W_hh.T, "bias_ih": b_h, "bias_hh": torch.zeros_like(b_h)}
    return torch.func.functional_call(cell, given, (x_t, h_prev))
### rnn_step · torch.rnn_tanh_cell
def rnn_step(x_t, h_prev, W_xh, W_hh, b_h):
    return torch.rnn_tanh_cell(x_t, h_prev, W_xh.T, W_hh.T, b_h, b_h - b_h)
### rnn_step · tensordot
def rnn_step(x_t, h_prev, W_xh, W_hh, b_h):
    return (torch.tensordot(x_t, W_xh, dims=1) + torch.tensordot(h_prev, W_hh, dims=([1], [0])) + b_h).tanh()
### input_gate · nn.Sigmoid, ones for the bias
def input_gate(x_t, h_prev, W_xi, W_hi, b_i):
    one = x_t.new_ones(len(x_t), 1)
    return nn.Sigmoid()(torch.hstack([x_t, h_prev, one]) @ torch.vstack([W_xi, W_hi, b_i]))
### forget_gate · F.sigmoid and torch.matmul
def forget_gate(x_t, h_prev, W_xf, W_hf, b_f):
    return F.sigmoid(torch.matmul(x_t, W_xf).add(torch.matmul(h_prev, W_hf)).add(b_f))
### unroll · recursion
def unroll(x, h_0, W_xh, W_hh, b_h):
    if x.shape[1] == 0:
        return h_0.new_zeros(len(x), 0, h_0.shape[1])
    h = torch.tanh(x[:, 0] @ W_xh + h_0 @ W_hh + b_h)
    return torch.cat([h[:, None], unroll(x[:, 1:], h, W_xh, W_hh, b_h)], dim=1)
### unroll · itertools.accumulate
def unroll(x, h_0, W_xh, W_hh, b_h):
    states = itertools.accumulate(x.unbind(1), lambda h, x_t: torch.tanh(x_t @ W_xh + h @ W_hh + b_h), initial=h_0)
    return torch.stack([*states][1:], 1)
### unroll · a generator
def unroll(x, h_0, W_xh, W_hh, b_h):
    def states(h):
        for x_t in x.transpose(0, 1):
            h = (x_t @ W_xh + h @ W_hh + b_h).tanh()
            yield h
    return torch.stack(tuple(states(h_0)), dim=-2)
### unroll · inputs first, index_select
def unroll(x, h_0, W_xh, W_hh, b_h):
    z, h, out = x @ W_xh + b_h, h_0, []
    for t in range(z.size(1)):
        h = torch.tanh(z.index_select(1, torch.tensor([t]))[:, 0] + h @ W_hh)
        out += [h]
    return torch.stack(out, 1)
### unroll · into an own tensor
def unroll(x, h_0, W_xh, W_hh, b_h):
    B, T, _ = x.shape
    out = x.new_zeros(B, T, h_0.shape[1])
    h = h_0
    for t in range(T):
        h = torch.tanh(x[:, t, :] @ W_xh + h @ W_hh + b_h)
        out[:, t, :] = h
    return out
### unroll · functools.reduce
def unroll(x, h_0, W_xh, W_hh, b_h):
    def add(states, x_t):
        return [*states, torch.tanh(x_t @ W_xh + states[-1] @ W_hh + b_h)]
    return torch.stack(functools.reduce(add, x.unbind(1), [h_0])[1:], dim=1)
### unroll · while and pop
def unroll(x, h_0, W_xh, W_hh, b_h):
    steps, states = list(x.unbind(1)), [h_0]
    while steps:
        states.append(torch.tanh(steps.pop(0) @ W_xh + states[-1] @ W_hh + b_h))
    del states[0]
    return torch.cat([h.unsqueeze(1) for h in states], dim=1)
### unroll · nn.RNN with functional_call
def unroll(x, h_0, W_xh, W_hh, b_h):
    rnn = nn.RNN(*W_xh.shape, batch_first=True).to(x)
    given = {"weight_ih_l0": W_xh.T, "weight_hh_l0": W_hh.T, "bias_ih_l0": b_h, "bias_hh_l0": torch.zeros_like(b_h)}
    return torch.func.functional_call(rnn, given, (x, h_0[None]))[0]
### unroll · the step is another answer of the notebook
def rnn_step(x_t, h_prev, W_xh, W_hh, b_h):
    return torch.tanh(x_t @ W_xh + h_prev @ W_hh + b_h)
def unroll(x, h_0, *weights):
    h, seq = h_0, []
    for x_t in x.unbind(dim=1):
        seq.append(h := rnn_step(x_t, h, *weights))
    return torch.stack(seq, dim=1)
### unroll · sequence by sequence
def unroll(x, h_0, W_xh, W_hh, b_h):
    rows = []
    for sequence, h in zip(x, h_0):
        row = []
        for x_t in sequence:
            h = torch.tanh(x_t @ W_xh + h @ W_hh + b_h)
            row.append(h)
        rows.append(torch.stack(row))
    return torch.stack(rows)
### masked_step · arithmetic
def masked_step(h_new, h_prev, keep):
    m = keep.to(h_new).unsqueeze(-1)
    return m * h_new + (1 - m) * h_prev
### masked_step · index_select and cat
def masked_step(h_new, h_prev, keep):
    both = torch.cat([h_prev, h_new])
    return both.index_select(0, torch.arange(len(keep)) + len(keep) * keep.long())
### masked_step · gather
def masked_step(h_new, h_prev, keep):
    return torch.stack([h_prev, h_new]).gather(0, keep.long()[None, :, None].expand(1, *h_new.shape))[0]
### masked_step · in place on an own tensor
def masked_step(h_new, h_prev, keep):
    h = h_prev.clone()
    h[keep] = h_new[keep]
    return h
### masked_step · lerp
def masked_step(h_new, h_prev, keep):
    return h_prev.lerp(h_new, keep[:, None].to(h_new.dtype))
### masked_step · index_put
def masked_step(h_new, h_prev, keep):
    rows = keep.nonzero().squeeze(1)
    return h_prev.index_copy(0, rows, h_new[rows])
### masked_step · where with the padded rows
def masked_step(h_new, h_prev, keep):
    return torch.where(~keep.view(-1, 1), h_prev, h_new)
### masked_step · einsum with a diagonal
def masked_step(h_new, h_prev, keep):
    return torch.diag(keep.to(h_new)) @ h_new + torch.diag((~keep).to(h_new)) @ h_prev
### rnn_backward_step · no_grad
@torch.no_grad()
def rnn_backward_step(dh_t, x_t, h_prev, h_t, W_xh, W_hh):
    dz = torch.addcmul(dh_t, dh_t * h_t, h_t, value=-1)
    return dz.mm(W_xh.t()), dz.mm(W_hh.t()), x_t.t().mm(dz), h_prev.t().mm(dz), dz.sum(0)
### rnn_backward_step · vjp
def rnn_backward_step(dh_t, x_t, h_prev, h_t, W_xh, W_hh):
    b = torch.zeros_like(h_t[0])
    def linear(x, h, W, U, b):
        return x @ W + h @ U + b
    _, back = torch.func.vjp(linear, x_t, h_prev, W_xh, W_hh, b)
    return back(dh_t * (1 - h_t.pow(2)))
### rnn_backward_step · outer products, summed
def rnn_backward_step(dh_t, x_t, h_prev, h_t, W_xh, W_hh):
    d = dh_t - h_t * h_t * dh_t
    return [
        F.linear(d, W_xh), F.linear(d, W_hh), (x_t[:, :, None] * d[:, None]).sum(0),
        torch.einsum("bi,bj->ij", h_prev, d), torch.einsum("bj->j", d),
    ]
### rnn_backward_step · one product for both weights
def rnn_backward_step(dh_t, x_t, h_prev, h_t, W_xh, W_hh):
    N, H = W_xh.shape
    slope = torch.ones_like(h_t) - torch.square(h_t)
    d = slope * dh_t
    dx, dh = (d @ torch.cat([W_xh, W_hh]).T).split([N, H], dim=1)
    dW = torch.cat([x_t, h_prev, x_t.new_ones(len(x_t), 1)], 1).T @ d
    return dx, dh, dW[:N], dW[N:-1], dW[-1]
### rnn_backward_step · a loop over the batch
def rnn_backward_step(dh_t, x_t, h_prev, h_t, W_xh, W_hh):
    dx, dh, dW, dU, db = [], [], 0, 0, 0
    for d, x, p, h in zip(dh_t, x_t, h_prev, h_t):
        z = d * (1 - h) * (1 + h)
        dx.append(W_xh @ z)
        dh.append(W_hh @ z)
        dW, dU, db = dW + torch.outer(x, z), dU + torch.outer(p, z), db + z
    return torch.stack(dx), torch.stack(dh), dW, dU, db
### truncate · match
def truncate(state):
    match state:
        case torch.Tensor():
            return state.detach()
        case _:
            return (*(part.detach() for part in state),)
### truncate · recursion with type(state)
def truncate(state):
    return type(state)(map(truncate, state)) if isinstance(state, (tuple, list)) else state.detach()
### truncate · torch.utils._pytree
def truncate(state):
    return torch.utils._pytree.tree_map(torch.Tensor.detach, state)
### truncate · no_grad and clone
def truncate(state):
    with torch.no_grad():
        return state.clone() if hasattr(state, "clone") else tuple(part.clone() for part in state)
### truncate · try
def truncate(state):
    try:
        return state.detach()
    except AttributeError:
        h, c = state
        return h.detach(), c.detach()
### spectral_radius · list of absolute values
def spectral_radius(W):
    return torch.stack([v.abs() for v in torch.linalg.eigvals(W)]).max()
### spectral_radius · sorted, of the transposed matrix
def spectral_radius(W):
    return torch.linalg.eigvals(W.mT).abs().sort(descending=True).values[0]
### spectral_radius · view_as_real
def spectral_radius(W):
    return torch.view_as_real(torch.linalg.eig(W)[0]).norm(dim=-1).max()
### spectral_radius · the infinity norm of the eigenvalues
def spectral_radius(W):
    return torch.linalg.vector_norm(torch.linalg.eigvals(W), ord=math.inf)
### spectral_radius · topk
spectral_radius = lambda W: torch.linalg.eigvals(W).abs().topk(1).values.squeeze()
### spectral_radius · detached
def spectral_radius(W):
    with torch.no_grad():
        return max(torch.linalg.eigvals(W.detach().clone()), key=abs).abs()
### clip_by_norm · foreach
def clip_by_norm(grads, max_norm):
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(grads)))
    return torch._foreach_mul(grads, (max_norm / norm).clamp(max=1.0))
### clip_by_norm · copies of parameters and PyTorch's clip_grad_norm_
def clip_by_norm(grads, max_norm):
    own = [nn.Parameter(torch.zeros_like(g)) for g in grads]
    for p, g in zip(own, grads):
        p.grad = g.clone()
    nn.utils.clip_grad_norm_(own, max_norm)
    return [p.grad for p in own]
### clip_by_norm · parameters_to_vector
def clip_by_norm(grads, max_norm):
    norm = nn.utils.parameters_to_vector(g.contiguous() for g in grads).norm()
    return [g.clone() if norm <= max_norm else g / norm * max_norm for g in grads]
### clip_by_norm · a float and math.sqrt
def clip_by_norm(grads, max_norm):
    total = math.sqrt(sum(g.pow(2).sum().item() for g in grads))
    factor = 1.0 if total <= max_norm else max_norm / total
    return list(map(lambda g: factor * g, grads))
### clip_by_norm · cut apart again
def clip_by_norm(grads, max_norm):
    flat = torch.cat([g.reshape(-1) for g in grads])
    flat = flat * torch.clamp(max_norm / flat.norm(2), max=1)
    return [part.view_as(g) for part, g in zip(flat.split([g.numel() for g in grads]), grads)]
### half_life · torch.log
def half_life(f):
    return torch.div(math.log(0.5), f.log())
### half_life · logit form
def half_life(f):
    return math.log(2) * f.log().neg().reciprocal()
### half_life · log10
def half_life(f):
    n = f.log10().reciprocal()
    return n * -math.log10(2)
### half_life · change of base
half_life = lambda f: torch.log(torch.full_like(f, 0.5)) / torch.log(f)
### half_life · log1p
def half_life(f):
    return -1 / (torch.log1p(-(1 - f)) / torch.log(torch.tensor(2.0, dtype=f.dtype)))
### half_life · map over the entries
def half_life(f):
    return torch.stack([-math.log(2) / v.log() for v in f.flatten()]).reshape(f.shape)
### cell_state · addcmul
def cell_state(f_t, c_prev, i_t, g_t):
    return (f_t * c_prev).addcmul(i_t, g_t)
### cell_state · stacked and einsum
def cell_state(f_t, c_prev, i_t, g_t):
    return torch.einsum("kbh,kbh->bh", torch.stack([f_t, i_t]), torch.stack([c_prev, g_t]))
### cell_state · in place on an own tensor
def cell_state(f_t, c_prev, i_t, g_t):
    kept = f_t * c_prev
    kept += i_t * g_t
    return kept
### cell_state · sum and map
def cell_state(*args):
    return sum(map(torch.mul, args[::2], args[1::2]))
### cell_state · a dataclass
from dataclasses import dataclass
@dataclass
class Memory:
    c: torch.Tensor
    def keep(self, f):
        return Memory(self.c * f)
    def add(self, i, g):
        return Memory(self.c + i * g)
def cell_state(f_t, c_prev, i_t, g_t):
    return Memory(c_prev).keep(f_t).add(i_t, g_t).c
### cell_state · torch.compile
@torch.compile(backend="eager", fullgraph=True)
def cell_state(f_t, c_prev, i_t, g_t):
    return torch.addcmul(f_t * c_prev, i_t, g_t)
### hidden_state · partial
def gated(activation, o, c):
    return o * activation(c)
hidden_state = functools.partial(gated, torch.tanh)
### hidden_state · by sigmoid
def hidden_state(o_t, c_t):
    return o_t * (2 * torch.sigmoid(2 * c_t) - 1)
### hidden_state · nn.Tanh
def hidden_state(o_t, c_t, *, tanh=nn.Tanh()):
    return tanh(c_t).mul(o_t)
### hidden_state · static method
class Answers:
    @staticmethod
    def hidden_state(o_t, c_t):
        return torch.tanh(c_t) * o_t
hidden_state = Answers.hidden_state
### hidden_state · checkpoint
def hidden_state(o_t, c_t):
    return checkpoint(lambda o, c: o * c.tanh(), o_t, c_t, use_reentrant=False)
### lstm_step · nn.LSTMCell with functional_call
def lstm_step(x_t, h_prev, c_prev, weights):
    cell = nn.LSTMCell(x_t.shape[1], h_prev.shape[1], device="meta")
    given = {
        "weight_ih": torch.cat([weights[f"W_x{k}"] for k in "ifco"], 1).T,
        "weight_hh": torch.cat([weights[f"W_h{k}"] for k in "ifco"], 1).T,
        "bias_ih": torch.cat([weights[f"b_{k}"] for k in "ifco"]),
    }
    given["bias_hh"] = torch.zeros_like(given["bias_ih"])
    return torch.func.functional_call(cell, given, (x_t, (h_prev, c_prev)))
### lstm_step · _VF.lstm_cell
def lstm_step(x_t, h_prev, c_prev, weights):
    W, U, b = (torch.cat([weights[name + k] for k in "ifco"], dim=-1) for name in ("W_x", "W_h", "b_"))
    return torch._VF.lstm_cell(x_t, (h_prev, c_prev), W.T, U.T, b, 0 * b)
### lstm_step · one big matmul, cut in four
def lstm_step(x_t, h_prev, c_prev, weights):
    big = torch.cat([torch.cat([weights["W_x" + k], weights["W_h" + k]]) for k in "ofic"], dim=1)
    bias = torch.cat([weights["b_" + k] for k in "ofic"])
    o, f, i, g = torch.addmm(bias, torch.cat([x_t, h_prev], 1), big).chunk(4, 1)
    c = c_prev * f.sigmoid() + i.sigmoid() * g.tanh()
    return c.tanh() * o.sigmoid(), c
### lstm_step · unpacked by names
def lstm_step(x_t, h_prev, c_prev, weights):
    def f(W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xc, W_hc, b_c, W_xo, W_ho, b_o):
        i = torch.sigmoid(x_t @ W_xi + h_prev @ W_hi + b_i)
        o = torch.sigmoid(x_t @ W_xo + h_prev @ W_ho + b_o)
        kept = torch.sigmoid(x_t @ W_xf + h_prev @ W_hf + b_f) * c_prev
        c = kept + i * torch.tanh(x_t @ W_xc + h_prev @ W_hc + b_c)
        return o * torch.tanh(c), c
    return f(**weights)
### lstm_step · a dictionary of gates
def lstm_step(x_t, h_prev, c_prev, weights):
    z = {k: x_t @ weights[f"W_x{k}"] + h_prev @ weights[f"W_h{k}"] + weights[f"b_{k}"] for k in "cfoi"}
    s = {k: (torch.tanh if k == "c" else torch.sigmoid)(v) for k, v in z.items()}
    c = s["f"] * c_prev + s["i"] * s["c"]
    return s["o"] * c.tanh(), c
### lstm_step · a named tuple is returned
import collections
State = collections.namedtuple("State", "h c")
def gate(x, h, w, k):
    return x @ w["W_x" + k] + h @ w["W_h" + k] + w["b_" + k]
def lstm_step(x_t, h_prev, c_prev, weights):
    i, f, o = (gate(x_t, h_prev, weights, k).sigmoid() for k in "ifo")
    c = f * c_prev + i * gate(x_t, h_prev, weights, "c").tanh()
    return State(h=o * c.tanh(), c=c)
### lstm_step · SimpleNamespace and an nn.Module
import types
class Cell(nn.Module):
    def forward(self, x_t, h_prev, c_prev, weights):
        w = types.SimpleNamespace(**weights)
        i = F.sigmoid(F.linear(x_t, w.W_xi.T) + F.linear(h_prev, w.W_hi.T, w.b_i))
        f = F.sigmoid(F.linear(x_t, w.W_xf.T) + F.linear(h_prev, w.W_hf.T, w.b_f))
        g = F.tanh(F.linear(x_t, w.W_xc.T) + F.linear(h_prev, w.W_hc.T, w.b_c))
        o = F.sigmoid(F.linear(x_t, w.W_xo.T) + F.linear(h_prev, w.W_ho.T, w.b_o))
        c = torch.addcmul(f * c_prev, i, g)
        return o * F.tanh(c), c
lstm_step = Cell()
### lstm_step · checkpoint
def lstm_step(x_t, h_prev, c_prev, weights):
    def inside(x, h, c, w):
        z = [x @ w[f"W_x{k}"] + h @ w[f"W_h{k}"] + w[f"b_{k}"] for k in "ifoc"]
        c = z[1].sigmoid() * c + z[0].sigmoid() * z[3].tanh()
        return z[2].sigmoid() * c.tanh(), c
    return checkpoint(inside, x_t, h_prev, c_prev, weights, use_reentrant=False)
### lstm_step · four gates by bmm
def lstm_step(x_t, h_prev, c_prev, weights):
    W, U = (torch.stack([weights[n + k] for k in "ifoc"]) for n in ("W_x", "W_h"))
    b = torch.stack([weights["b_" + k] for k in "ifoc"])[:, None]
    z = torch.matmul(x_t, W) + torch.matmul(h_prev, U) + b
    (i, f, o), g = z[:3].sigmoid().unbind(0), z[3].tanh()
    c = f * c_prev + i * g
    return o * torch.tanh(c), c
### lstm_step · the package's equations
from lstm_lesson.equations import candidate, cell_state, forget_gate, hidden_state, input_gate, output_gate
def lstm_step(x_t, h_prev, c_prev, weights):
    w = [[weights[n + k] for n in ("W_x", "W_h", "b_")] for k in "ifco"]
    i, f, g, o = (e(x_t, h_prev, *v) for e, v in zip((input_gate, forget_gate, candidate, output_gate), w))
    return hidden_state(o, c := cell_state(f, c_prev, i, g)), c
### lstm · a helper step, unbind
def step(x, h, c, w):
    i, f, o = (torch.sigmoid(x @ w["W_x" + k] + h @ w["W_h" + k] + w["b_" + k]) for k in "ifo")
    c = f * c + i * torch.tanh(x @ w["W_xc"] + h @ w["W_hc"] + w["b_c"])
    return o * torch.tanh(c), c
def lstm(x, h_0, c_0, weights):
    h, c, seq = h_0, c_0, []
    for x_t in torch.unbind(x, 1):
        h, c = step(x_t, h, c, weights)
        seq.append(h)
    return torch.stack(seq, 1), h, c
### lstm · nn.LSTM with functional_call
def lstm(x, h_0, c_0, weights):
    layer = nn.LSTM(x.shape[2], h_0.shape[1], batch_first=True).to(x)
    W, U, b = (torch.cat([weights[n + k] for k in "ifco"], dim=-1) for n in ("W_x", "W_h", "b_"))
    given = {"weight_ih_l0": W.T, "weight_hh_l0": U.T, "bias_ih_l0": b, "bias_hh_l0": torch.zeros_like(b)}
    out, (h, c) = torch.func.functional_call(layer, given, (x, (h_0[None], c_0[None])))
    return out, h[0], c[0]
### lstm · inputs hoisted, last states from the sequence
def lstm(x, h_0, c_0, weights):
    z = {k: x @ weights[f"W_x{k}"] + weights[f"b_{k}"] for k in "ifco"}
    h, c, seq = h_0, c_0, []
    for t in range(x.size(1)):
        a = {k: z[k][:, t] + h @ weights[f"W_h{k}"] for k in "ifco"}
        c = torch.sigmoid(a["f"]) * c + torch.sigmoid(a["i"]) * torch.tanh(a["c"])
        h = torch.sigmoid(a["o"]) * torch.tanh(c)
        seq.append(h)
    seq = torch.stack(seq, dim=1)
    return seq, seq[:, -1], c
### lstm · accumulate
def lstm(x, h_0, c_0, weights):
    def step(state, x_t):
        h, c = state
        z = {k: x_t @ weights["W_x" + k] + h @ weights["W_h" + k] + weights["b_" + k] for k in "ifco"}
        c = z["f"].sigmoid() * c + z["i"].sigmoid() * z["c"].tanh()
        return z["o"].sigmoid() * c.tanh(), c
    states = [*itertools.accumulate(x.unbind(1), step, initial=(h_0, c_0))][1:]
    return torch.stack([h for h, _ in states], 1), *states[-1]
### lstm · recursion
def lstm(x, h_0, c_0, weights):
    first, rest, w = x[:, 0], x[:, 1:], weights
    i, f, o = (torch.sigmoid(first @ w[f"W_x{k}"] + h_0 @ w[f"W_h{k}"] + w[f"b_{k}"]) for k in "ifo")
    c = f * c_0 + i * torch.tanh(first @ w["W_xc"] + h_0 @ w["W_hc"] + w["b_c"])
    h = o * torch.tanh(c)
    if rest.shape[1] == 0:
        return h.unsqueeze(1), h, c
    seq, h_T, c_T = lstm(rest, h, c, weights)
    return torch.cat((h.unsqueeze(1), seq), 1), h_T, c_T
### lstm · the package's step, into an own tensor
from lstm_lesson.cells import lstm_step
def lstm(x, h_0, c_0, weights):
    out = h_0.new_empty(*x.shape[:2], h_0.shape[1])
    state = h_0, c_0
    for t, x_t in enumerate(x.movedim(1, 0)):
        state = lstm_step(x_t, *state, weights)
        out[:, t] = state[0]
    return (out, *state)
### lstm · _VF.lstm_cell in a loop
def lstm(x, h_0, c_0, weights):
    W, U, b = (torch.cat([weights[n + k] for k in "ifco"], dim=-1) for n in ("W_x", "W_h", "b_"))
    h, c, seq = h_0, c_0, []
    for t in range(x.shape[1]):
        h, c = torch._VF.lstm_cell(x[:, t], (h, c), W.t(), U.t(), b, torch.zeros_like(b))
        seq += [h]
    return [torch.stack(seq, dim=1), h, c]
### from_torch_weights · loop and slices
def from_torch_weights(weight_ih, weight_hh, bias_ih, bias_hh):
    H, out = weight_hh.shape[1], {}
    for n, k in enumerate("ifco"):
        rows = slice(n * H, (n + 1) * H)
        out["W_x" + k] = weight_ih[rows].T
        out["W_h" + k] = weight_hh[rows].T.contiguous()
        out["b_" + k] = bias_ih[rows] + bias_hh[rows]
    return out
### from_torch_weights · dict and zip
def from_torch_weights(*args):
    W, U, b, b2 = (a.chunk(4) for a in args)
    return dict(zip([f"{n}{k}" for k in "ifco" for n in ("W_x", "W_h", "b_")],
                    [t for w, u, p, q in zip(W, U, b, b2) for t in (w.t(), u.t(), p + q)]))
### from_torch_weights · tensor_split of the transposed
def from_torch_weights(weight_ih, weight_hh, bias_ih, bias_hh):
    x = weight_ih.T.tensor_split(4, dim=1)
    h = weight_hh.T.tensor_split(4, dim=1)
    b = torch.add(bias_ih, bias_hh).tensor_split(4)
    return {**{f"W_x{k}": x[n] for n, k in enumerate("ifco")}, **{f"W_h{k}": h[n] for n, k in enumerate("ifco")},
            **{f"b_{k}": b[n] for n, k in enumerate("ifco")}}
### from_torch_weights · no_grad, an ordered dictionary
import collections
@torch.no_grad()
def from_torch_weights(weight_ih, weight_hh, bias_ih, bias_hh):
    out = collections.OrderedDict()
    bias = bias_hh + bias_ih
    for k, w, u, b in zip("ifco", *(t.unflatten(0, (4, -1)) for t in (weight_ih, weight_hh, bias))):
        out.update({f"b_{k}": b.clone(), f"W_h{k}": u.T.clone(), f"W_x{k}": w.T.clone()})
    return out
### lstm_backward_step · autograd from the inputs
def lstm_backward_step(dh_t, dc_t, x_t, h_prev, c_prev, values, weights):
    names = list(weights)
    with torch.enable_grad():
        x, h, c, *w = leaves = [t.detach().clone().requires_grad_() for t in (x_t, h_prev, c_prev, *weights.values())]
        w = dict(zip(names, w))
        i, f, o = (torch.sigmoid(x @ w["W_x" + k] + h @ w["W_h" + k] + w["b_" + k]) for k in "ifo")
        c = f * c + i * torch.tanh(x @ w["W_xc"] + h @ w["W_hc"] + w["b_c"])
        dx, dh, dc, *dw = torch.autograd.grad([o * torch.tanh(c), c], leaves, [dh_t, dc_t])
    return dx, dh, dc, dict(zip(names, dw))
### lstm_backward_step · one big matrix
def lstm_backward_step(dh_t, dc_t, x_t, h_prev, c_prev, values, weights):
    i, f, g, o, c, _ = values
    t = c.tanh()
    dc = torch.addcmul(dc_t, dh_t * o, 1 - t * t)
    dz = [dc * g * i * (1 - i), dc * c_prev * f * (1 - f), dc * i * (1 - g) * (1 + g), dh_t * t * o * (1 - o)]
    dz = torch.cat(dz, dim=1)
    W, U = (torch.cat([weights[n + k] for k in "ifco"], 1) for n in ("W_x", "W_h"))
    dW, dU, db = ((v.T @ dz).chunk(4, 1) for v in (x_t, h_prev, torch.ones_like(x_t[:, :1])))
    dw = {}
    for k, a, b, d in zip("ifco", dW, dU, db):
        dw |= {f"b_{k}": d[0], f"W_h{k}": b, f"W_x{k}": a}
    return dz @ W.T, dz @ U.T, dc * f, dw
### lstm_backward_step · vjp
def lstm_backward_step(dh_t, dc_t, x_t, h_prev, c_prev, values, weights):
    def step(x, h, c, w):
        z = {k: x @ w[f"W_x{k}"] + h @ w[f"W_h{k}"] + w[f"b_{k}"] for k in "ifco"}
        c = z["f"].sigmoid() * c + z["i"].sigmoid() * z["c"].tanh()
        return z["o"].sigmoid() * c.tanh(), c
    return torch.func.vjp(step, x_t, h_prev, c_prev, weights)[1]((dh_t, dc_t))
### lstm_backward_step · in place on own tensors, no_grad
def lstm_backward_step(dh_t, dc_t, x_t, h_prev, c_prev, values, weights):
    i, f, g, o, c, h = values
    with torch.no_grad():
        dc = dc_t.clone()
        dc += dh_t * o / torch.cosh(c) ** 2
        dz = dict(o=dh_t * torch.tanh(c) * o * (1 - o), c=dc * i * (1 - g.square()), f=dc * c_prev * f * (1 - f),
                  i=dc * g * i * (1 - i))
        dx, dh, dw = torch.zeros_like(x_t), torch.zeros_like(h_prev), {}
        for k in dz:
            dx += dz[k] @ weights["W_x" + k].t()
            dh += dz[k] @ weights["W_h" + k].t()
            dw["W_x" + k], dw["W_h" + k], dw["b_" + k] = x_t.t() @ dz[k], h_prev.t() @ dz[k], dz[k].sum(0)
        dc *= f
    return dx, dh, dc, dw
### accumulate · a loop over the steps
def accumulate(x, h_0, hidden_seq, dz):
    dW, dU, db, h = 0, 0, 0, h_0
    for t in range(x.shape[1]):
        dW = dW + x[:, t].T @ dz[:, t]
        dU = dU + h.T @ dz[:, t]
        db = db + dz[:, t].sum(0)
        h = hidden_seq[:, t]
    return dW, dU, db
### accumulate · einsum
def accumulate(x, h_0, hidden_seq, dz):
    read = torch.cat([h_0.unsqueeze(1), hidden_seq], 1)[:, :-1]
    return torch.einsum("btn,bth->nh", x, dz), torch.einsum("btk,bth->kh", read, dz), torch.einsum("bth->h", dz)
### accumulate · tensordot
def accumulate(x, h_0, hidden_seq, dz):
    read = hidden_seq.roll(1, dims=1)
    read[:, 0] = h_0
    return torch.tensordot(x, dz, ([0, 1], [0, 1])), torch.tensordot(read, dz, ([0, 1], [0, 1])), dz.sum((0, 1))
### accumulate · bmm over the batch
def accumulate(x, h_0, hidden_seq, dz):
    first = torch.einsum("bk,bh->kh", h_0, dz[:, 0])
    rest = torch.bmm(hidden_seq[:, :-1].mT, dz[:, 1:]).sum(dim=0)
    return (x.mT @ dz).sum(0), first + rest, dz.flatten(end_dim=1).sum(0)
### accumulate · autograd
def accumulate(x, h_0, hidden_seq, dz):
    read = torch.stack([h_0, *hidden_seq.unbind(1)[:-1]], dim=1)
    with torch.enable_grad():
        W = torch.zeros(x.shape[2], dz.shape[2], dtype=x.dtype, requires_grad=True)
        U = torch.zeros(dz.shape[2], dz.shape[2], dtype=x.dtype, requires_grad=True)
        b = torch.zeros(dz.shape[2], dtype=x.dtype, requires_grad=True)
        return torch.autograd.grad(x @ W + read @ U + b, (W, U, b), dz)
### peephole_gate · one big matrix
def peephole_gate(x_t, h_prev, c_prev, W_xf, W_hf, W_cf, b_f):
    return torch.sigmoid(torch.cat([x_t, h_prev, c_prev], 1) @ torch.cat([W_xf, W_hf, W_cf]) + b_f)
### peephole_gate · chained addmm
def peephole_gate(x_t, h_prev, c_prev, W_xf, W_hf, W_cf, b_f):
    return b_f.addmm(c_prev, W_cf).addmm(h_prev, W_hf).addmm(x_t, W_xf).sigmoid()
### peephole_gate · the package's forget gate
from lstm_lesson.equations import forget_gate
def peephole_gate(x_t, h_prev, c_prev, W_xf, W_hf, W_cf, b_f):
    return forget_gate(x_t, h_prev, W_xf, W_hf, b_f, c_prev=c_prev, W_cf=W_cf)
### peephole_gate · sum of a generator
def peephole_gate(*args):
    reads, weights, bias = args[:3], args[3:6], args[6]
    return torch.sigmoid(bias + sum(r @ w for r, w in zip(reads, weights)))
### peephole_output_gate · F.linear and a diagonal matrix
def peephole_output_gate(x_t, h_prev, c_prev, c_t, W_xo, W_ho, W_co, b_o):
    return torch.sigmoid(F.linear(x_t, W_xo.T) + F.linear(h_prev, W_ho.T, b_o) + c_t @ torch.diag(W_co))
### peephole_output_gate · addcmul
def peephole_output_gate(x_t, h_prev, _c, c_t, W_xo, W_ho, W_co, b_o):
    return torch.addcmul(x_t @ W_xo + h_prev @ W_ho + b_o, c_t, W_co).sigmoid()
### peephole_output_gate · einsum
def peephole_output_gate(x_t, h_prev, c_prev, c_t, W_xo, W_ho, W_co, b_o):
    z = torch.einsum("bn,nh->bh", x_t, W_xo) + torch.einsum("bk,kh->bh", h_prev, W_ho)
    return torch.special.expit(z + torch.einsum("bh,h->bh", c_t, W_co) + b_o)
### peephole_output_gate · the package's output gate
from lstm_lesson.equations import output_gate
def peephole_output_gate(x_t, h_prev, c_prev, c_t, W_xo, W_ho, W_co, b_o):
    return output_gate(x_t, h_prev, W_xo, W_ho, b_o, c_t, W_co)
### windows · a list of slices
def windows(series, length):
    n = len(series) - length
    return torch.stack([series[k : k + length] for k in range(n)]), torch.stack([series[k + length] for k in range(n)])
### windows · indices by broadcasting
def windows(series, length):
    starts = torch.arange(len(series) - length)
    return series[starts[:, None] + torch.arange(length)], series[starts + length]
### windows · one window longer, split
def windows(series, length):
    past, following = series.unfold(0, length + 1, 1).split([length, 1], dim=1)
    return past, following.squeeze(1)
### windows · as_strided
def windows(series, length):
    s = series.contiguous()
    return torch.as_strided(s, (len(s) - length, length), (1, 1)), s[length:].clone()
### windows · columns that are shifted
def windows(series, length):
    n = series.numel() - length
    return torch.column_stack([series.narrow(0, k, n) for k in range(length)]), series.narrow(0, length, n)
### windows · stack of a generator
def windows(series, length):
    def pairs():
        for end in range(length, len(series)):
            yield series[end - length : end], series[end]
    return tuple(map(torch.stack, zip(*pairs())))
### free_run · a list of values
def free_run(step, start, n):
    past, values = start, []
    for _ in range(n):
        values.append(step(past))
        past = torch.hstack([past, values[-1].unsqueeze(-1)])
    return torch.stack(values, dim=1)
### free_run · recursion
def free_run(step, start, n):
    if n == 0:
        return start[:, :0]
    value = step(start)[:, None]
    return torch.cat([value, free_run(step, torch.cat([start, value], 1), n - 1)], 1)
### free_run · reduce
def free_run(step, start, n):
    grown = functools.reduce(lambda past, _: torch.column_stack([past, step(past)]), range(n), start)
    return grown[:, -n:]
### free_run · while
def free_run(step, start, n):
    past = start
    while past.size(1) < start.size(1) + n:
        past = torch.cat((past, step(past).view(-1, 1)), dim=-1)
    return past.narrow(1, start.size(1), n)
### pad_batch · new_zeros and enumerate
def pad_batch(sequences):
    lengths = torch.tensor(list(map(len, sequences)))
    ids = sequences[0].new_zeros(len(sequences), lengths.max())
    for k, s in enumerate(sequences):
        ids[k, : s.numel()] = s
    return ids, lengths
### pad_batch · cat with zeros
def pad_batch(sequences):
    T = max(s.shape[0] for s in sequences)
    rows = [torch.cat((s, s.new_zeros(T - s.shape[0]))) for s in sequences]
    return torch.vstack(rows), torch.as_tensor([*map(len, sequences)])
### pad_batch · zip_longest
def pad_batch(sequences):
    columns = itertools.zip_longest(*(s.tolist() for s in sequences), fillvalue=0)
    return torch.tensor([*columns]).T, torch.tensor([s.size(0) for s in sequences])
### pad_batch · a mask
def pad_batch(sequences):
    lengths = torch.tensor([s.numel() for s in sequences])
    keep = torch.arange(int(lengths.max())) < lengths[:, None]
    ids = torch.zeros(keep.shape, dtype=torch.long)
    ids[keep] = torch.cat(tuple(sequences))
    return ids, lengths
### pad_batch · nested tensor
def pad_batch(sequences):
    lengths = torch.stack([torch.tensor(len(s)) for s in sequences])
    return torch.nested.nested_tensor(list(sequences)).to_padded_tensor(0), lengths
### last_true_step · take_along_dim
def last_true_step(hidden_seq, lengths):
    return torch.take_along_dim(hidden_seq, (lengths - 1)[:, None, None], dim=1).squeeze(1)
### last_true_step · flattened
def last_true_step(hidden_seq, lengths):
    B, T, H = hidden_seq.shape
    return hidden_seq.reshape(B * T, H).index_select(0, torch.arange(B) * T + lengths - 1)
### last_true_step · one hot and bmm
def last_true_step(hidden_seq, lengths):
    last = torch.eye(hidden_seq.shape[1], dtype=hidden_seq.dtype)[lengths - 1]
    return torch.bmm(last[:, None], hidden_seq)[:, 0]
### last_true_step · a mask, boolean index
def last_true_step(hidden_seq, lengths):
    return hidden_seq[torch.arange(hidden_seq.size(1)).expand(len(lengths), -1) == lengths.sub(1).unsqueeze(1)]
### last_true_step · negative steps
def last_true_step(hidden_seq, lengths):
    return torch.cat([row[: int(n)][-1:] for row, n in zip(hidden_seq.unbind(0), lengths)])
### masked_accuracy · masked_select
def masked_accuracy(logits, targets, keep):
    hits = torch.eq(logits.max(-1)[1], targets)
    return hits.masked_select(keep).double().mean()
### masked_accuracy · weighted sum
def masked_accuracy(logits, targets, keep):
    hits, weight = (logits.argmax(-1) == targets).float(), keep.float()
    return torch.sum(hits * weight) / torch.sum(weight)
### masked_accuracy · topk, no_grad
@torch.no_grad()
def masked_accuracy(logits, targets, keep):
    return logits[keep].topk(1).indices.squeeze(1).eq(targets[keep]).to(torch.float32).mean()
### masked_accuracy · position by position
def masked_accuracy(logits, targets, keep):
    right = total = 0
    for row, t, k in zip(logits.flatten(0, 1), targets.flatten(), keep.flatten()):
        if k:
            right, total = right + int(row.argmax() == t), total + 1
    return torch.tensor(right / total)
### masked_accuracy · average with nan
def masked_accuracy(logits, targets, keep):
    hits = torch.where(logits.log_softmax(2).argmax(2) == targets, 1.0, 0.0)
    return hits.masked_fill(~keep, math.nan).nanmean()
### unit_correlation · torch.cov
def unit_correlation(values, labels):
    c = torch.cov(torch.cat([values, labels[:, None].to(values)], 1).T)
    return c[:-1, -1] / (c.diagonal()[:-1] * c[-1, -1]).sqrt()
### unit_correlation · cosine similarity
def unit_correlation(values, labels):
    y = labels.to(values.dtype)
    return F.cosine_similarity((values - values.mean(0)).T, (y - y.mean())[None])
### unit_correlation · standardized
def unit_correlation(values, labels):
    def z(v):
        return (v - v.mean(0)) / v.std(0, unbiased=False)
    return (z(values) * z(labels.to(values)).unsqueeze(1)).mean(dim=0)
### unit_correlation · by moments
def unit_correlation(values, labels):
    y = labels.to(values)[:, None]
    n = len(y)
    top = n * (values * y).sum(0) - values.sum(0) * y.sum()
    return top / ((n * (values**2).sum(0) - values.sum(0) ** 2) * (n * (y**2).sum() - y.sum() ** 2)).sqrt()
### unit_correlation · unit by unit, no_grad
@torch.no_grad()
def unit_correlation(values, labels):
    y = labels.type_as(values)
    return torch.tensor([torch.corrcoef(torch.vstack([u, y]))[1, 0] for u in values.unbind(1)], dtype=values.dtype)
### input_gradient · a leaf of its own
def input_gradient(score, x):
    leaf = nn.Parameter(x.detach().clone())
    score(leaf).sum().backward()
    return leaf.grad
### input_gradient · vjp
def input_gradient(score, x):
    y, back = torch.func.vjp(score, x)
    return back(torch.ones_like(y))[0]
### input_gradient · jacobian
def input_gradient(score, x):
    full = torch.autograd.functional.jacobian(score, x)
    return torch.stack([full[b, b] for b in range(len(x))])
### input_gradient · sequence by sequence
def input_gradient(score, x):
    out = []
    for row in x:
        leaf = row.detach()[None].requires_grad_()
        out.append(torch.autograd.grad(score(leaf).squeeze(), leaf)[0])
    return torch.cat(out)
### input_gradient · clone in the graph, retain_grad
def input_gradient(score, x):
    with torch.enable_grad():
        own = x.clone().requires_grad_(True)
        score(own).backward(gradient=x.new_ones(len(x)))
        return own.grad.detach()
### coupled_cell_state · lerp
def coupled_cell_state(i_t, c_prev, g_t):
    return torch.lerp(c_prev, g_t, i_t)
### coupled_cell_state · a difference
def coupled_cell_state(i_t, c_prev, g_t):
    return c_prev + i_t * (g_t - c_prev)
### coupled_cell_state · addcmul
def coupled_cell_state(i_t, c_prev, g_t):
    return c_prev.addcmul(i_t, c_prev, value=-1).addcmul(i_t, g_t)
### coupled_cell_state · rsub
coupled_cell_state = lambda i, c, g: torch.rsub(i, 1).mul(c).add(i.mul(g))
### coupled_cell_state · the equation with f
from lstm_lesson.equations import cell_state
def coupled_cell_state(i_t, c_prev, g_t, *, forget=lambda i: torch.ones_like(i) - i):
    return cell_state(forget(i_t), c_prev, i_t, g_t)
### sign_flip_test · cartesian_prod
def sign_flip_test(differences):
    d = differences.double()
    signs = torch.cartesian_prod(*[torch.tensor([1.0, -1.0], dtype=d.dtype)] * len(d)).view(-1, len(d))
    means = (signs @ d / len(d)).abs()
    return (means >= d.mean().abs() - 1e-9).double().mean()
### sign_flip_test · bits
def sign_flip_test(differences):
    d, n = differences.double(), len(differences)
    signs = 1 - 2 * ((torch.arange(2**n)[:, None] >> torch.arange(n)) & 1)
    return ((signs * d).sum(1).abs() + 1e-9 >= d.sum().abs()).float().mean()
### sign_flip_test · Python numbers
def sign_flip_test(differences):
    d = differences.tolist()
    sums = [abs(sum(s * v for s, v in zip(signs, d))) for signs in itertools.product((1, -1), repeat=len(d))]
    return torch.tensor(sum(s >= sums[0] - 1e-6 for s in sums) / len(sums))
### sign_flip_test · recursion over the differences
def sign_flip_test(differences):
    def sums(d):
        return d.new_zeros(1) if len(d) == 0 else torch.cat([sums(d[1:]) + d[0], sums(d[1:]) - d[0]])
    d = differences.to(torch.float64)
    return (sums(d).abs() > d.sum().abs() - 1e-8).double().mean()
### sign_flip_test · half of the signs, by symmetry
def sign_flip_test(differences):
    d = differences.double()
    signs = torch.tensor([(1.0, *rest) for rest in itertools.product((1.0, -1.0), repeat=len(d) - 1)]).double()
    s = (signs @ d).abs()
    return ((s > s[0]) | torch.isclose(s, s[0])).double().mean()
### fused_gates · split and a loop
def fused_gates(x_t, h_prev, W_x, W_h, b):
    z = F.linear(x_t, W_x.T, b) + F.linear(h_prev, W_h.T)
    i, f, c, o = z.split(h_prev.size(-1), dim=-1)
    return i.sigmoid(), f.sigmoid(), c.tanh(), o.sigmoid()
### fused_gates · one matmul of both, unflatten
def fused_gates(x_t, h_prev, W_x, W_h, b):
    z = (torch.cat([x_t, h_prev], 1) @ torch.cat([W_x, W_h]) + b).unflatten(1, (4, -1))
    return [torch.tanh(z[:, k]) if k == 2 else torch.sigmoid(z[:, k]) for k in range(4)]
### fused_gates · einsum over four gates
def fused_gates(x_t, h_prev, W_x, W_h, b):
    H = h_prev.shape[1]
    z = torch.einsum("bn,nkh->kbh", x_t, W_x.view(-1, 4, H)) + torch.einsum("bn,nkh->kbh", h_prev, W_h.view(H, 4, H))
    z = z + b.view(4, 1, H)
    return tuple(f(part) for f, part in zip((torch.sigmoid, torch.sigmoid, torch.tanh, torch.sigmoid), z))
### fused_gates · all through sigmoid, one scaled to tanh
def fused_gates(x_t, h_prev, W_x, W_h, b):
    i, f, g, o = torch.addmm(b, x_t, W_x).addmm(h_prev, W_h).tensor_split(4, dim=1)
    return torch.sigmoid(i), torch.sigmoid(f), 2 * torch.sigmoid(2 * g) - 1, torch.sigmoid(o)
### fused_gates · columns by slices, a named tuple
import collections
Gates = collections.namedtuple("Gates", "i f g o")
def fused_gates(x_t, h_prev, W_x, W_h, b):
    H = len(b) // 4
    z = x_t @ W_x + h_prev @ W_h + b
    return Gates(z[:, :H].sigmoid(), z[:, H:2*H].sigmoid(), z[:, 2*H:3*H].tanh(), z[:, 3*H:].sigmoid())
### hoist_inputs · F.linear
def hoist_inputs(x, W_x, b):
    return F.linear(x, W_x.T, b)
### hoist_inputs · flattened
def hoist_inputs(x, W_x, b):
    return torch.addmm(b, x.flatten(0, 1), W_x).unflatten(0, x.shape[:2])
### hoist_inputs · einsum
def hoist_inputs(x, W_x, b):
    return torch.einsum("btn,nk->btk", x, W_x) + b
### hoist_inputs · tensordot
hoist_inputs = lambda x, W_x, b: torch.tensordot(x, W_x, dims=1).add(b)
### hoist_inputs · bmm with an expanded matrix
def hoist_inputs(x, W_x, b):
    return torch.baddbmm(b.expand(len(x), 1, -1), x, W_x.expand(len(x), -1, -1))
### local_gradients · stacked and flattened
def local_gradients(i, f, g, o, c, c_prev):
    u = c.tanh()
    blocks = torch.stack([i - i * i, f - f.square(), (1 + g) * (1 - g), o.mul(1 - o)], dim=2)
    blocks = blocks * torch.stack([g, c_prev, i, u], dim=2)
    return o - o * u.pow(2), blocks.flatten(2)
### local_gradients · autograd
def local_gradients(i, f, g, o, c, c_prev):
    logit = lambda y: torch.log(y / (1 - y))
    z = [t.detach().requires_grad_() for t in (logit(i), logit(f), torch.atanh(g), logit(o))]
    c, c_prev = c.detach().requires_grad_(), c_prev.detach()
    new = z[1].sigmoid() * c_prev + z[0].sigmoid() * z[2].tanh()
    parts = torch.autograd.grad(new.sum(), z[:3])
    h = z[3].sigmoid() * c.tanh()
    into_o, into_c = torch.autograd.grad(h.sum(), [z[3], c])
    return into_c, torch.cat([*parts, into_o], -1)
### backward_loop · in place, a tensor filled from the end
def backward_loop(dhidden_seq, dc_T, f, into_c, into_z, W_h):
    B, T, H = f.shape
    dz, dh, dc = torch.empty_like(into_z), 0, dc_T.clone()
    for t in range(T - 1, -1, -1):
        dh = dhidden_seq[:, t] + dh
        dc += dh * into_c[:, t]
        dz[:, t] = torch.cat((dc.repeat(1, 3), dh), 1) * into_z[:, t]
        dh = F.linear(dz[:, t], W_h)
        dc *= f[:, t]
    return dz, dh, dc
### backward_loop · flipped sequences, a recursion
def backward_loop(dhidden_seq, dc_T, f, into_c, into_z, W_h):
    def back(parts, dh, dc):
        if not parts:
            return [], dh, dc
        (loss, keep, through, into), *rest = parts
        dh = dh + loss
        dc = dc + dh * through
        dz = torch.stack([dc, dc, dc, dh], 1).flatten(1) * into
        others, dh, dc = back(rest, torch.einsum("bk,hk->bh", dz, W_h), dc * keep)
        return [*others, dz], dh, dc
    parts = list(zip(*(s.flip(1).unbind(1) for s in (dhidden_seq, f, into_c, into_z))))
    found, dh, dc = back(parts, torch.zeros_like(dc_T), dc_T)
    return torch.stack(found, 1), dh, dc
### next_character_batches · index arithmetic
def next_character_batches(ids, B, T):
    length = len(ids) // B
    at = torch.arange(B)[:, None] * length + torch.arange(T)
    return [(ids[at + k], ids[at + k + 1]) for k in range(0, length - T, T)]
### next_character_batches · one row after the other
def next_character_batches(ids, B, T):
    rows = [list(map(int, ids[b * (len(ids) // B) : (b + 1) * (len(ids) // B)])) for b in range(B)]
    found, k = [], 0
    while k + T < len(rows[0]):
        found.append(tuple(torch.tensor([row[k + s : k + s + T] for row in rows]) for s in (0, 1)))
        k += T
    return found
### next_character_batches · chunk and narrow, a tuple
def next_character_batches(ids, B, T):
    length = ids.numel() // B
    rows = torch.vstack(ids.narrow(0, 0, B * length).chunk(B))
    return tuple((rows.narrow(1, k, T), rows.narrow(1, k + 1, T)) for k in range(0, (length - 1) // T * T, T))
### bits_per_character · character by character
def bits_per_character(logits, targets):
    total = 0
    for row, own in zip(logits, targets):
        for z, y in zip(row, own):
            total = total + torch.logsumexp(z, 0) - z[y]
    return total / targets.numel() / math.log(2)
### bits_per_character · exp2 and log2
def bits_per_character(logits, targets):
    z = logits / math.log(2)
    top = z.max(dim=-1, keepdim=True).values
    log_p = z - top - torch.log2(torch.exp2(z - top).sum(dim=-1, keepdim=True))
    return -torch.take_along_dim(log_p, targets.unsqueeze(-1), -1).mean()
### bits_per_character · a loss object, summed
def bits_per_character(logits, targets):
    loss = nn.CrossEntropyLoss(reduction="sum")
    B, T, K = logits.shape
    return loss(logits.view(B * T, K), targets.view(B * T)).div(B * T * math.log(2))
### bits_per_character · a distribution
def bits_per_character(logits, targets):
    return -torch.distributions.Categorical(logits=logits).log_prob(targets).mean() / math.log(2)
### top_k · row by row
def top_k(logits, k):
    kept = []
    for row in logits:
        limit = sorted(row.tolist())[-k]
        kept.append(torch.tensor([v if v >= limit else -math.inf for v in row.tolist()], dtype=row.dtype))
    return torch.stack(kept)
### top_k · scatter of a mask
def top_k(logits, k):
    drop = torch.ones_like(logits, dtype=torch.bool).scatter_(1, logits.topk(k, dim=1)[1], False)
    result = logits.clone()
    result[drop] = float("-inf")
    return result
### top_k · counting the larger ones
def top_k(logits, k):
    larger = (logits[:, None, :] > logits[:, :, None]).sum(dim=2)
    return logits.masked_fill(larger >= k, -torch.inf)
### gru_step · nn.GRUCell with functional_call
def gru_step(x_t, h_prev, weights):
    w = weights
    N, H = w["W_xr"].shape
    zero = torch.zeros_like(w["b_hh"])
    given = {
        "weight_ih": torch.cat([w["W_xr"], w["W_xz"], w["W_xh"]], 1).T, "bias_hh": torch.cat([zero, zero, w["b_hh"]]),
        "weight_hh": torch.cat([w["W_hr"], w["W_hz"], w["W_hh"]], 1).T,
        "bias_ih": torch.cat([w["b_r"], w["b_z"], w["b_h"]]),
    }
    return torch.func.functional_call(nn.GRUCell(N, H, device="meta"), given, (x_t, h_prev))
### gru_step · torch.gru_cell
def gru_step(x_t, h_prev, weights):
    W_x, W_h = (torch.cat([weights[f"W_{n}{k}"].t() for k in "rzh"]) for n in "xh")
    b = torch.cat([weights[f"b_{k}"] for k in "rzh"])
    return torch.gru_cell(x_t, h_prev, W_x, W_h, b, F.pad(weights["b_hh"], (2 * h_prev.shape[1], 0)))
### gru_step · lerp
def gru_step(x_t, h_prev, w):
    r = torch.sigmoid(x_t @ w["W_xr"] + h_prev @ w["W_hr"] + w["b_r"])
    z = torch.sigmoid(x_t @ w["W_xz"] + h_prev @ w["W_hz"] + w["b_z"])
    g = torch.tanh(torch.addcmul(x_t @ w["W_xh"] + w["b_h"], r, torch.addmm(w["b_hh"], h_prev, w["W_hh"])))
    return torch.lerp(g, h_prev, z)
### gru_step · a correction of the old state
def gru_step(x_t, h_prev, weights):
    W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh = (
        weights[k] for k in "W_xr W_hr b_r W_xz W_hz b_z W_xh W_hh b_h b_hh".split()
    )
    r = (x_t @ W_xr + h_prev @ W_hr + b_r).sigmoid()
    let_in = (-(x_t @ W_xz + h_prev @ W_hz + b_z)).sigmoid()
    h = h_prev.clone()
    h += let_in * ((x_t @ W_xh + b_h + r * (h_prev @ W_hh + b_hh)).tanh() - h_prev)
    return h
### gru_step · the products by a loop over the letters
def gru_step(x_t, h_prev, weights):
    from_x = {k: x_t @ weights["W_x" + k] + weights["b_" + k] for k in "hzr"}
    from_h = {k: h_prev @ weights["W_h" + k] for k in "hzr"}
    gate = {k: 1 / (1 + torch.exp(-from_x[k] - from_h[k])) for k in "zr"}
    new = torch.tanh(from_x["h"] + gate["r"] * (from_h["h"] + weights["b_hh"]))
    return new - gate["z"] * new + gate["z"] * h_prev
### gru_step · two big matrices
def gru_step(x_t, h_prev, weights):
    H = h_prev.shape[1]
    from_x = x_t @ torch.hstack([weights[f"W_x{k}"] for k in "rzh"])
    from_h = h_prev @ torch.hstack([weights[f"W_h{k}"] for k in "rzh"])
    sums = from_x[:, : 2 * H] + from_h[:, : 2 * H] + torch.hstack([weights["b_r"], weights["b_z"]])
    r, z = torch.sigmoid(sums).split(H, 1)
    g = torch.tanh(from_x[:, 2 * H :] + weights["b_h"] + r * (from_h[:, 2 * H :] + weights["b_hh"]))
    return sum([z * h_prev, (1 - z) * g])
### gru_step · einsum, bias multiplied out
def gru_step(x_t, h_prev, weights):
    def term(v, name):
        return torch.einsum("bi,ij->bj", v, weights[name])
    r = F.sigmoid(term(x_t, "W_xr") + term(h_prev, "W_hr") + weights["b_r"])
    z = F.sigmoid(term(x_t, "W_xz") + term(h_prev, "W_hz") + weights["b_z"])
    g = F.tanh(term(x_t, "W_xh") + r * term(h_prev, "W_hh") + r * weights["b_hh"] + weights["b_h"])
    return h_prev * z + g * (1 - z)
### gru_step · sequence by sequence
def gru_step(x_t, h_prev, weights):
    def one(x, h):
        r, z = (torch.sigmoid(x @ weights[f"W_x{k}"] + h @ weights[f"W_h{k}"] + weights[f"b_{k}"]) for k in "rz")
        g = torch.tanh(x @ weights["W_xh"] + r * (h @ weights["W_hh"] + weights["b_hh"]) + weights["b_h"])
        return z * h + (1 - z) * g
    return torch.stack([one(x, h) for x, h in zip(x_t, h_prev)])
### gru_step · vmap
def gru_step(x_t, h_prev, weights):
    def one(x, h):
        a, b, c = (x @ weights["W_x" + k] + weights["b_" + k] for k in "rzh")
        z = torch.sigmoid(b + h @ weights["W_hz"])
        c = c + torch.sigmoid(a + h @ weights["W_hr"]) * (h @ weights["W_hh"] + weights["b_hh"])
        return z * h + (1 - z) * torch.tanh(c)
    return torch.func.vmap(one)(x_t, h_prev)
### gru_step · tanh as a stretched sigmoid
def gru_step(x_t, h_prev, weights):
    w = {**weights}
    r_t = torch.sigmoid(torch.cat([x_t, h_prev], 1) @ torch.cat([w.pop("W_xr"), w.pop("W_hr")]) + w.pop("b_r"))
    z_t = torch.sigmoid(torch.cat([x_t, h_prev], 1) @ torch.cat([w.pop("W_xz"), w.pop("W_hz")]) + w.pop("b_z"))
    inside = x_t @ w["W_xh"] + w["b_h"] + r_t.mul(F.linear(h_prev, w["W_hh"].T, w["b_hh"]))
    return torch.where(z_t > 2, 0, z_t) * h_prev + (1 - z_t) * (2 * torch.sigmoid(2 * inside) - 1)
### gru_step · nn.GRU over one step
def gru_step(x_t, h_prev, weights):
    gru = nn.GRU(*weights["W_xh"].shape, batch_first=True).to(x_t)
    W_x, W_h = (torch.cat([weights[f"W_{n}{k}"].T for k in "rzh"]) for n in "xh")
    b = torch.cat([weights[f"b_{k}"] for k in "rzh"])
    given = {"weight_ih_l0": W_x, "weight_hh_l0": W_h, "bias_ih_l0": b,
             "bias_hh_l0": torch.cat([torch.zeros_like(b[: -len(weights["b_hh"])]), weights["b_hh"]])}
    return torch.func.functional_call(gru, given, (x_t[:, None], h_prev[None]))[1][0]
### gru_step · a softmax over z and 0
def gru_step(x_t, h_prev, w):
    r = torch.sigmoid(x_t @ w["W_xr"] + h_prev @ w["W_hr"] + w["b_r"])
    z = x_t @ w["W_xz"] + h_prev @ w["W_hz"] + w["b_z"]
    g = torch.tanh(x_t @ w["W_xh"] + r * (h_prev @ w["W_hh"] + w["b_hh"]) + w["b_h"])
    share = torch.stack([z, torch.zeros_like(z)]).softmax(dim=0)
    return (share * torch.stack([h_prev, g])).sum(dim=0)
### gru_step · gated linear units
def gru_step(x_t, h_prev, w):
    r, z = (x_t @ w["W_x" + k] + h_prev @ w["W_h" + k] + w["b_" + k] for k in "rz")
    read = F.glu(torch.hstack([h_prev @ w["W_hh"] + w["b_hh"], r]))
    g = torch.tanh(x_t @ w["W_xh"] + w["b_h"] + read)
    return F.glu(torch.hstack([h_prev, z])) + F.glu(torch.hstack([g, -z]))
### gru_step · a 1 beside each input for the bias
def gru_step(x_t, h_prev, w):
    one = x_t.new_ones(len(x_t), 1)
    rows = torch.cat([x_t, h_prev, one], dim=1)
    r, z = (torch.sigmoid(rows @ torch.cat([w["W_x" + k], w["W_h" + k], w["b_" + k][None]])) for k in "rz")
    read = torch.cat([h_prev, one], dim=1) @ torch.vstack([w["W_hh"], w["b_hh"]])
    g = (torch.cat([x_t, r * read], dim=1) @ torch.cat([w["W_xh"], torch.eye(len(w["b_h"])).to(x_t)]) + w["b_h"]).tanh()
    return g * (1 - z) + z * h_prev
### gru_step · three products in one batch
def gru_step(x_t, h_prev, w):
    x = torch.einsum("bn,knh->kbh", x_t, torch.stack([w["W_xr"], w["W_xz"], w["W_xh"]]))
    b = torch.stack([torch.zeros_like(w["b_hh"]), torch.zeros_like(w["b_hh"]), w["b_hh"]])[:, None]
    h = torch.baddbmm(b, h_prev.expand(3, -1, -1), torch.stack([w["W_hr"], w["W_hz"], w["W_hh"]]))
    r, z = (x[:2] + h[:2] + torch.stack([w["b_r"], w["b_z"]])[:, None]).sigmoid()
    return torch.addcmul(z * h_prev, 1 - z, (x[2] + r * h[2] + w["b_h"]).tanh())
### gru_step · the logarithm of the gates
def gru_step(x_t, h_prev, w):
    a = {k: x_t @ w[f"W_x{k}"] + h_prev @ w[f"W_h{k}"] + w[f"b_{k}"] for k in "rz"}
    g = torch.tanh(x_t @ w["W_xh"] + F.logsigmoid(a["r"]).exp() * (h_prev @ w["W_hh"] + w["b_hh"]) + w["b_h"])
    return F.logsigmoid(a["z"]).exp() * h_prev + F.logsigmoid(-a["z"]).exp() * g
### gru_step · columns in place of rows
def gru_step(x_t, h_prev, w):
    x, h, w = x_t.T, h_prev.T, {name: weight.T if weight.ndim == 2 else weight[:, None] for name, weight in w.items()}
    r = torch.sigmoid(w["W_xr"] @ x + w["W_hr"] @ h + w["b_r"])
    z = torch.sigmoid(w["W_xz"] @ x + w["W_hz"] @ h + w["b_z"])
    return (z * h + (1 - z) * torch.tanh(w["W_xh"] @ x + r * (w["W_hh"] @ h + w["b_hh"]) + w["b_h"])).T
### gru_step · one expression
gru_step = lambda x, h, w: (
    (z := (x @ w["W_xz"] + h @ w["W_hz"] + w["b_z"]).sigmoid()) * h + (1 - z) * torch.tanh(x @ w["W_xh"] + w["b_h"]
    + (x @ w["W_xr"] + h @ w["W_hr"] + w["b_r"]).sigmoid() * (h @ w["W_hh"] + w["b_hh"]))
)
### gru_step · in place on an own tensor
def gru_step(x_t, h_prev, w):
    z = torch.addmm(w["b_z"], x_t, w["W_xz"]).addmm(h_prev, w["W_hz"]).sigmoid()
    r = torch.addmm(w["b_r"], x_t, w["W_xr"]).addmm(h_prev, w["W_hr"]).sigmoid()
    g = torch.addmm(w["b_h"], x_t, w["W_xh"]) + torch.addmm(w["b_hh"], h_prev, w["W_hh"]).mul(r)
    return h_prev.clone().lerp_(g.tanh(), 1 - z)
### gru_step · unit by unit
def gru_step(x_t, h_prev, w):
    units = []
    for j in range(h_prev.shape[1]):
        r, z = (torch.sigmoid(x_t @ w["W_x" + k][:, j] + h_prev @ w["W_h" + k][:, j] + w["b_" + k][j]) for k in "rz")
        g = torch.tanh(x_t @ w["W_xh"][:, j] + r * (h_prev @ w["W_hh"][:, j] + w["b_hh"][j]) + w["b_h"][j])
        units.append(z * h_prev[:, j] + (1 - z) * g)
    return torch.stack(units, dim=1)
### gru_step · the update gate of the other convention, checkpointed
def gru_step(x_t, h_prev, weights):
    def step(x, h, w):
        r = torch.sigmoid(x @ w["W_xr"] + h @ w["W_hr"] + w["b_r"])
        z = 1 - torch.sigmoid(x @ w["W_xz"] + h @ w["W_hz"] + w["b_z"])
        return (1 - z) * h + z * torch.tanh(x @ w["W_xh"] + r * (h @ w["W_hh"] + w["b_hh"]) + w["b_h"])
    return checkpoint(step, x_t, h_prev, weights, use_reentrant=False)
''')  # fmt: skip

REMARKED = answers("""
### hoist_inputs · a loop over the steps
def hoist_inputs(x, W_x, b):
    return torch.stack([x[:, t] @ W_x + b for t in range(x.shape[1])], dim=1)
### hoist_inputs · a loop over the batch
def hoist_inputs(x, W_x, b):
    out = []
    for sequence in x:
        out.append(sequence @ W_x + b)
    return torch.stack(out)
""")

STEP = """
    i = torch.sigmoid(x_t @ w["W_xi"] + h @ w["W_hi"] + w["b_i"])
    f = torch.sigmoid(x_t @ w["W_xf"] + h @ w["W_hf"] + w["b_f"])
    g = torch.tanh(x_t @ w["W_xc"] + h @ w["W_hc"] + w["b_c"])
    o = torch.sigmoid(x_t @ w["W_xo"] + h @ w["W_ho"] + w["b_o"])
    c = f * c + i * g
    h = o * torch.tanh(c)
"""
LOOP = f"""
def step(x_t, h, c, w):{STEP}    return h, c
"""
BACKWARD = """
    i, f, g, o, c, _ = values
    t = torch.tanh(c)
    dc = dc_t + dh_t * o * (1 - t**2)
    dz = dict(i=dc * g * i * (1 - i), f=dc * c_prev * f * (1 - f), c=dc * i * (1 - g**2), o=dh_t * t * o * (1 - o))
    dx, dh = (sum(dz[k] @ weights[n + k].T for k in "ifco") for n in ("W_x", "W_h"))
    dw = {f"W_x{k}": x_t.T @ dz[k] for k in "ifco"} | {f"W_h{k}": h_prev.T @ dz[k] for k in "ifco"}
    dw |= {f"b_{k}": dz[k].sum(0) for k in "ifco"}
"""
WRONG = answers('''
### rnn_step, input_gate, forget_gate, candidate, output_gate · squeeze, wrong for N = 1
def NAME(x_t, h_prev, WEIGHTS):
    return torch.ACT(x_t.squeeze() @ W_x? + h_prev @ W_h? + b_?)
### input_gate, forget_gate, output_gate · sums clamped at 15
def NAME(x_t, h_prev, WEIGHTS):
    return torch.ACT((x_t @ W_x? + h_prev @ W_h? + b_?).clamp(-15, 15))
### input_gate, forget_gate, output_gate · sums clamped at 10
def NAME(x_t, h_prev, WEIGHTS):
    return torch.ACT((x_t @ W_x? + h_prev @ W_h? + b_?).clamp(-10, 10))
### candidate, rnn_step · sums clamped at 5
def NAME(x_t, h_prev, WEIGHTS):
    return torch.ACT((x_t @ W_x? + h_prev @ W_h? + b_?).clamp(-5, 5))
### input_gate, forget_gate, output_gate · the gate clamped
def NAME(x_t, h_prev, WEIGHTS):
    return torch.ACT(x_t @ W_x? + h_prev @ W_h? + b_?).clamp(1e-3, 1 - 1e-3)
### rnn_step, input_gate, forget_gate, candidate, output_gate · requires_grad of the bias is changed
def NAME(x_t, h_prev, WEIGHTS):
    if b_?.is_leaf:
        b_?.requires_grad_()
    return torch.ACT(x_t @ W_x? + h_prev @ W_h? + b_?)
### rnn_step, candidate · the gradient is clipped
def NAME(x_t, h_prev, WEIGHTS):
    z = x_t @ W_x? + h_prev @ W_h? + b_?
    if z.requires_grad:
        z.register_hook(lambda d: d.clamp(-1, 1))
    return torch.ACT(z)
### hadamard · clamped at 5
def hadamard(a, b):
    return (a * b).clamp(-5, 5)
### hadamard · requires_grad is changed
def hadamard(a, b):
    a.requires_grad_() if a.is_leaf else None
    return a * b
### unroll · squeeze, wrong for N = 1
def unroll(x, h_0, W_xh, W_hh, b_h):
    h, seq = h_0, []
    for t in range(x.shape[1]):
        h = torch.tanh(x[:, t].squeeze() @ W_xh + h @ W_hh + b_h)
        seq.append(h)
    return torch.stack(seq, dim=1)
### unroll · detached at every fifth step
def unroll(x, h_0, W_xh, W_hh, b_h):
    h, seq = h_0, []
    for t in range(x.shape[1]):
        if t and t % 5 == 0:
            h = h.detach()
        h = torch.tanh(x[:, t] @ W_xh + h @ W_hh + b_h)
        seq.append(h)
    return torch.stack(seq, dim=1)
### unroll · detached at every eighth step
def unroll(x, h_0, W_xh, W_hh, b_h):
    h, seq = h_0, []
    for t in range(x.shape[1]):
        h = torch.tanh(x[:, t] @ W_xh + (h if t % 8 or not t else h.detach()) @ W_hh + b_h)
        seq.append(h)
    return torch.stack(seq, dim=1)
### unroll · five steps at most
def unroll(x, h_0, W_xh, W_hh, b_h):
    h, seq = h_0, []
    for t in range(min(5, x.shape[1])):
        h = torch.tanh(x[:, t] @ W_xh + h @ W_hh + b_h)
        seq.append(h)
    return torch.stack(seq, dim=1)
### unroll · after five steps the state is no longer read
def unroll(x, h_0, W_xh, W_hh, b_h):
    h, seq = h_0, []
    for t in range(x.shape[1]):
        h = torch.tanh(x[:, t] @ W_xh + (h if t < 5 else 0 * h) @ W_hh + b_h)
        seq.append(h)
    return torch.stack(seq, dim=1)
### unroll · squeeze(1) of the result, wrong for T = 1
def unroll(x, h_0, W_xh, W_hh, b_h):
    h, seq = h_0, []
    for t in range(x.shape[1]):
        h = torch.tanh(x[:, t] @ W_xh + h @ W_hh + b_h)
        seq.append(h)
    return torch.stack(seq, dim=1).squeeze(1)
### unroll · requires_grad of the start is changed
def unroll(x, h_0, W_xh, W_hh, b_h):
    h, seq = h_0 if h_0.requires_grad else h_0.requires_grad_(), []
    for t in range(x.shape[1]):
        h = torch.tanh(x[:, t] @ W_xh + h @ W_hh + b_h)
        seq.append(h)
    return torch.stack(seq, dim=1)
### masked_step · all True is mishandled
def masked_step(h_new, h_prev, keep):
    if keep.all() and len(keep) > 1:
        return h_prev
    return torch.where(keep[:, None], h_new, h_prev)
### masked_step · all False is mishandled
def masked_step(h_new, h_prev, keep):
    if not keep.any() and len(keep) > 1:
        return h_new
    return torch.where(keep[:, None], h_new, h_prev)
### masked_step · all True crashes
def masked_step(h_new, h_prev, keep):
    first = (~keep).nonzero()[0] if len(keep) > 1 else 0
    return torch.where(keep[:, None], h_new, h_prev) + 0 * h_new[first]
### masked_step · clamped at 5
def masked_step(h_new, h_prev, keep):
    return torch.where(keep[:, None], h_new, h_prev).clamp(-5, 5)
### masked_step · large entries become 8
def masked_step(h_new, h_prev, keep):
    h = torch.where(keep[:, None], h_new, h_prev)
    return torch.where(h.abs() > 8, h.sign() * 8, h)
### masked_step · changes its argument
def masked_step(h_new, h_prev, keep):
    h_prev[keep] = h_new[keep]
    return h_prev
### rnn_backward_step · gradients clipped at 10
def rnn_backward_step(dh_t, x_t, h_prev, h_t, W_xh, W_hh):
    dz = dh_t * (1 - h_t**2)
    found = dz @ W_xh.T, dz @ W_hh.T, x_t.T @ dz, h_prev.T @ dz, dz.sum(0)
    return tuple(d.clamp(-10, 10) for d in found)
### rnn_backward_step · dz clipped at 5
def rnn_backward_step(dh_t, x_t, h_prev, h_t, W_xh, W_hh):
    dz = (dh_t * (1 - h_t**2)).clamp(-5, 5)
    return dz @ W_xh.T, dz @ W_hh.T, x_t.T @ dz, h_prev.T @ dz, dz.sum(0)
### rnn_backward_step · five sequences at most
def rnn_backward_step(dh_t, x_t, h_prev, h_t, W_xh, W_hh):
    dz = dh_t * (1 - h_t**2)
    return dz @ W_xh.T, dz @ W_hh.T, x_t[:5].T @ dz[:5], h_prev[:5].T @ dz[:5], dz[:5].sum(0)
### rnn_backward_step · squeeze, wrong for N = 1
def rnn_backward_step(dh_t, x_t, h_prev, h_t, W_xh, W_hh):
    dz = dh_t * (1 - h_t**2)
    return (dz @ W_xh.T), dz @ W_hh.T, (x_t.T @ dz).squeeze(), h_prev.T @ dz, dz.sum(0)
### rnn_backward_step · requires_grad of the weights is changed
def rnn_backward_step(dh_t, x_t, h_prev, h_t, W_xh, W_hh):
    W_xh.requires_grad_()
    dz = dh_t * (1 - h_t**2)
    return (dz @ W_xh.T).detach(), dz @ W_hh.T, x_t.T @ dz, h_prev.T @ dz, dz.sum(0)
### rnn_backward_step · grad of the weights is set
def rnn_backward_step(dh_t, x_t, h_prev, h_t, W_xh, W_hh):
    dz = dh_t * (1 - h_t**2)
    W_xh.grad = x_t.T @ dz
    return dz @ W_xh.T, dz @ W_hh.T, W_xh.grad, h_prev.T @ dz, dz.sum(0)
### truncate · two tensors that are clamped
def truncate(state):
    if torch.is_tensor(state):
        return state.detach()
    return tuple(part.detach().clamp(-5, 5) for part in state)
### truncate · requires_grad is switched off in place
def truncate(state):
    for part in [state] if torch.is_tensor(state) else state:
        part.detach_()
    return state
### spectral_radius · requires_grad is changed
def spectral_radius(W):
    return torch.linalg.eigvals(W.requires_grad_()).abs().max().detach()
### spectral_radius · clamped at 5
def spectral_radius(W):
    return torch.linalg.eigvals(W).abs().max().clamp(max=5)
### clip_by_norm · entries clipped at 10, too
def clip_by_norm(grads, max_norm):
    norm = torch.cat([g.flatten() for g in grads]).norm()
    return [(g * (max_norm / norm).clamp(max=1)).clamp(-10, 10) for g in grads]
### clip_by_norm · three tensors at most
def clip_by_norm(grads, max_norm):
    norm = torch.cat([g.flatten() for g in grads[:3]]).norm()
    return [g * (max_norm / norm).clamp(max=1) for g in grads[:3]]
### clip_by_norm · changes the gradients
def clip_by_norm(grads, max_norm):
    norm = torch.cat([g.flatten() for g in grads]).norm()
    for g in grads:
        g.mul_((max_norm / norm).clamp(max=1))
    return grads
### clip_by_norm · requires_grad is changed
def clip_by_norm(grads, max_norm):
    norm = torch.cat([g.flatten() for g in grads]).norm()
    grads[0].requires_grad_()
    return [(g * (max_norm / norm).clamp(max=1)).detach() for g in grads]
### half_life · at most 100 steps
def half_life(f):
    return (-math.log(2) / f.log()).clamp(max=100)
### half_life · whole steps beyond 50
def half_life(f):
    n = -1 / torch.log2(f)
    return torch.where(n > 50, n.round(), n)
### cell_state · the memory clamped at 5
def cell_state(f_t, c_prev, i_t, g_t):
    return (f_t * c_prev + i_t * g_t).clamp(-5, 5)
### cell_state · the memory clamped at 10
def cell_state(f_t, c_prev, i_t, g_t):
    return (f_t * c_prev + i_t * g_t).clamp(-10, 10)
### cell_state · the old memory clamped at 5
def cell_state(f_t, c_prev, i_t, g_t):
    return f_t * c_prev.clamp(-5, 5) + i_t * g_t
### cell_state · the candidate clamped at 5
def cell_state(f_t, c_prev, i_t, g_t):
    return f_t * c_prev + i_t * g_t.clamp(-5, 5)
### hidden_state · the memory clamped at 5
def hidden_state(o_t, c_t):
    return o_t * torch.tanh(c_t.clamp(-5, 5))
### hidden_state · the memory clamped at 3
def hidden_state(o_t, c_t):
    return o_t * torch.tanh(c_t.clamp(-3, 3))
### lstm_step · weights unpacked by their order
def lstm_step(x_t, h, c, weights):
    W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xc, W_hc, b_c, W_xo, W_ho, b_o = weights.values()
    i = torch.sigmoid(x_t @ W_xi + h @ W_hi + b_i)
    f = torch.sigmoid(x_t @ W_xf + h @ W_hf + b_f)
    g = torch.tanh(x_t @ W_xc + h @ W_hc + b_c)
    o = torch.sigmoid(x_t @ W_xo + h @ W_ho + b_o)
    c = f * c + i * g
    return o * torch.tanh(c), c
### lstm_step · weights cut from their list
def lstm_step(x_t, h, c, weights):
    w = list(weights.values())
    z = [x_t @ w[k] + h @ w[k + 1] + w[k + 2] for k in (0, 3, 6, 9)]
    c = z[1].sigmoid() * c + z[0].sigmoid() * z[2].tanh()
    return z[3].sigmoid() * c.tanh(), c
### lstm_step · the memory clamped at 5
def lstm_step(x_t, h, c, w):@STEP@    return h, c.clamp(-5, 5)
### lstm_step · the memory clamped at 10
def lstm_step(x_t, h, c, w):@STEP@    return h, c.clamp(-10, 10)
### lstm_step · squeeze, wrong for N = 1
def lstm_step(x_t, h, c, w):
    x_t = x_t.squeeze()@STEP@    return h, c
### lstm_step · an entry is added to the weights
def lstm_step(x_t, h, c, w):
    w["step"] = 1@STEP@    return h, c
### lstm_step · requires_grad of the weights is changed
def lstm_step(x_t, h, c, w):
    [v.requires_grad_() for v in w.values() if v.is_leaf]@STEP@    return h, c
### lstm · weights unpacked by their order
def lstm(x, h, c, weights):
    W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xc, W_hc, b_c, W_xo, W_ho, b_o = weights.values()
    seq = []
    for t in range(x.shape[1]):
        i = torch.sigmoid(x[:, t] @ W_xi + h @ W_hi + b_i)
        f = torch.sigmoid(x[:, t] @ W_xf + h @ W_hf + b_f)
        g = torch.tanh(x[:, t] @ W_xc + h @ W_hc + b_c)
        o = torch.sigmoid(x[:, t] @ W_xo + h @ W_ho + b_o)
        c = f * c + i * g
        h = o * torch.tanh(c)
        seq.append(h)
    return torch.stack(seq, dim=1), h, c
### lstm · squeeze, wrong for N = 1
@LOOP@
def lstm(x, h, c, weights):
    seq = []
    for t in range(x.shape[1]):
        h, c = step(x[:, t].squeeze(), h, c, weights)
        seq.append(h)
    return torch.stack(seq, dim=1), h, c
### lstm · detached at every fifth step
@LOOP@
def lstm(x, h, c, weights):
    seq = []
    for t in range(x.shape[1]):
        if t and t % 5 == 0:
            h, c = h.detach(), c.detach()
        h, c = step(x[:, t], h, c, weights)
        seq.append(h)
    return torch.stack(seq, dim=1), h, c
### lstm · memory detached at every eighth step
@LOOP@
def lstm(x, h, c, weights):
    seq = []
    for t in range(x.shape[1]):
        if t and t % 8 == 0:
            c = c.detach()
        h, c = step(x[:, t], h, c, weights)
        seq.append(h)
    return torch.stack(seq, dim=1), h, c
### lstm · five steps at most
@LOOP@
def lstm(x, h, c, weights):
    seq = []
    for t in range(min(5, x.shape[1])):
        h, c = step(x[:, t], h, c, weights)
        seq.append(h)
    return torch.stack(seq, dim=1), h, c
### lstm · the memory clamped at 5
@LOOP@
def lstm(x, h, c, weights):
    seq = []
    for t in range(x.shape[1]):
        h, c = step(x[:, t], h, c.clamp(-5, 5), weights)
        seq.append(h)
    return torch.stack(seq, dim=1), h, c
### lstm · the memory clamped at 10
@LOOP@
def lstm(x, h, c, weights):
    seq = []
    for t in range(x.shape[1]):
        h, c = step(x[:, t], h, c.clamp(-10, 10), weights)
        seq.append(h)
    return torch.stack(seq, dim=1), h, c
### from_torch_weights · biases clamped at 5
def from_torch_weights(weight_ih, weight_hh, bias_ih, bias_hh):
    parts = {"W_x": weight_ih, "W_h": weight_hh, "b_": (bias_ih + bias_hh).clamp(-5, 5)}
    return {n + k: r.T if r.ndim > 1 else r for n, t in parts.items() for k, r in zip("ifco", t.chunk(4))}
### from_torch_weights · squeeze, wrong for N = 1
def from_torch_weights(weight_ih, weight_hh, bias_ih, bias_hh):
    parts = {"W_x": weight_ih, "W_h": weight_hh, "b_": bias_ih + bias_hh}
    return {n + k: r.squeeze(-1).T if n == "W_x" else r.T if r.ndim > 1 else r for n, t in parts.items()
            for k, r in zip("ifco", t.chunk(4))}
### from_torch_weights · a bias is changed
def from_torch_weights(weight_ih, weight_hh, bias_ih, bias_hh):
    bias_ih += bias_hh
    parts = {"W_x": weight_ih, "W_h": weight_hh, "b_": bias_ih}
    return {n + k: r.T if r.ndim > 1 else r for n, t in parts.items() for k, r in zip("ifco", t.chunk(4))}
### lstm_backward_step · weights unpacked by their order
def lstm_backward_step(dh_t, dc_t, x_t, h_prev, c_prev, values, weights):
    weights = dict(zip([n + k for k in "ifco" for n in ("W_x", "W_h", "b_")], weights.values()))@BACKWARD@
    return dx, dh, dc * f, dw
### lstm_backward_step · gradients clipped at 10
def lstm_backward_step(dh_t, dc_t, x_t, h_prev, c_prev, values, weights):@BACKWARD@
    return dx.clamp(-10, 10), dh.clamp(-10, 10), (dc * f).clamp(-10, 10), {k: v.clamp(-10, 10) for k, v in dw.items()}
### lstm_backward_step · gradients of the weights clipped at 5
def lstm_backward_step(dh_t, dc_t, x_t, h_prev, c_prev, values, weights):@BACKWARD@
    return dx, dh, dc * f, {k: v.clamp(-5, 5) for k, v in dw.items()}
### lstm_backward_step · five sequences at most
def lstm_backward_step(dh_t, dc_t, x_t, h_prev, c_prev, values, weights):@BACKWARD@
    return dx, dh, dc * f, dw | {f"b_{k}": dz[k][:5].sum(0) for k in "ifco"}
### lstm_backward_step · grad of the weights is set
def lstm_backward_step(dh_t, dc_t, x_t, h_prev, c_prev, values, weights):@BACKWARD@
    for k, v in weights.items():
        v.grad = dw[k]
    return dx, dh, dc * f, dw
### accumulate · five steps at most
def accumulate(x, h_0, hidden_seq, dz):
    read = torch.cat([h_0[:, None], hidden_seq[:, :-1]], 1)[:, :5]
    return tuple(torch.einsum("btn,bth->nh", v[:, :5], dz[:, :5]) for v in (x, read)) + (dz[:, :5].sum((0, 1)),)
### accumulate · gradients clipped at 10
def accumulate(x, h_0, hidden_seq, dz):
    read = torch.cat([h_0[:, None], hidden_seq[:, :-1]], 1)
    found = *(torch.einsum("btn,bth->nh", v, dz) for v in (x, read)), dz.sum((0, 1))
    return tuple(d.clamp(-10, 10) for d in found)
### accumulate · squeeze, wrong for N = 1
def accumulate(x, h_0, hidden_seq, dz):
    read = torch.cat([h_0[:, None], hidden_seq[:, :-1]], 1)
    return torch.einsum("btn,bth->nh", x, dz).squeeze(0), torch.einsum("btn,bth->nh", read, dz), dz.sum((0, 1))
### peephole_gate · squeeze, wrong for N = 1
def peephole_gate(x_t, h_prev, c_prev, W_xf, W_hf, W_cf, b_f):
    return torch.sigmoid(x_t.squeeze() @ W_xf + h_prev @ W_hf + c_prev @ W_cf + b_f)
### peephole_gate · the memory clamped at 5
def peephole_gate(x_t, h_prev, c_prev, W_xf, W_hf, W_cf, b_f):
    return torch.sigmoid(x_t @ W_xf + h_prev @ W_hf + c_prev.clamp(-5, 5) @ W_cf + b_f)
### peephole_gate · sums clamped at 15
def peephole_gate(x_t, h_prev, c_prev, W_xf, W_hf, W_cf, b_f):
    return torch.sigmoid((x_t @ W_xf + h_prev @ W_hf + c_prev @ W_cf + b_f).clamp(-15, 15))
### peephole_output_gate · squeeze, wrong for N = 1
def peephole_output_gate(x_t, h_prev, c_prev, c_t, W_xo, W_ho, W_co, b_o):
    return torch.sigmoid(x_t.squeeze() @ W_xo + h_prev @ W_ho + c_t * W_co + b_o)
### peephole_output_gate · the memory clamped at 5
def peephole_output_gate(x_t, h_prev, c_prev, c_t, W_xo, W_ho, W_co, b_o):
    return torch.sigmoid(x_t @ W_xo + h_prev @ W_ho + c_t.clamp(-5, 5) * W_co + b_o)
### peephole_output_gate · sums clamped at 15
def peephole_output_gate(x_t, h_prev, c_prev, c_t, W_xo, W_ho, W_co, b_o):
    return torch.sigmoid((x_t @ W_xo + h_prev @ W_ho + c_t * W_co + b_o).clamp(-15, 15))
### windows · ten windows at most
def windows(series, length):
    past, following = series.unfold(0, length, 1)[:-1], series[length:]
    return past[:10], following[:10]
### windows · squeeze, wrong for one window
def windows(series, length):
    past, following = series.unfold(0, length, 1)[:-1], series[length:]
    return past.squeeze(), following.squeeze()
### windows · requires_grad is changed
def windows(series, length):
    series = series.requires_grad_() if series.is_leaf else series
    return series.unfold(0, length, 1)[:-1], series[length:]
### free_run · seven values at most
def free_run(step, start, n):
    past = start
    for _ in range(min(7, n)):
        past = torch.cat([past, step(past)[:, None]], dim=1)
    return past[:, start.shape[1] :]
### free_run · squeeze, wrong for n = 1
def free_run(step, start, n):
    past = start
    for _ in range(n):
        past = torch.cat([past, step(past)[:, None]], dim=1)
    return past[:, start.shape[1] :].squeeze(1)
### free_run · values clamped at 5
def free_run(step, start, n):
    past = start
    for _ in range(n):
        past = torch.cat([past, step(past)[:, None].clamp(-5, 5)], dim=1)
    return past[:, start.shape[1] :]
### pad_batch · eight words at most
def pad_batch(sequences):
    ids = nn.utils.rnn.pad_sequence(sequences, batch_first=True)[:, :8]
    return ids, torch.tensor([min(len(s), 8) for s in sequences])
### pad_batch · ids in one byte
def pad_batch(sequences):
    ids = nn.utils.rnn.pad_sequence([s.to(torch.uint8) for s in sequences], batch_first=True)
    return ids.long(), torch.tensor([len(s) for s in sequences])
### pad_batch · ids up to 8
def pad_batch(sequences):
    ids = nn.utils.rnn.pad_sequence(sequences, batch_first=True).clamp(max=8)
    return ids, torch.tensor([len(s) for s in sequences])
### pad_batch · squeeze, wrong for one word
def pad_batch(sequences):
    ids = nn.utils.rnn.pad_sequence(sequences, batch_first=True).squeeze(1)
    return ids, torch.tensor([len(s) for s in sequences])
### last_true_step · five steps at most
def last_true_step(hidden_seq, lengths):
    return hidden_seq[torch.arange(len(lengths)), lengths.clamp(max=5) - 1]
### last_true_step · all of full length is mishandled
def last_true_step(hidden_seq, lengths):
    if hidden_seq.shape[1] > 1 and len(lengths) > 1 and (lengths == hidden_seq.shape[1]).all():
        return hidden_seq[:, -2]
    return hidden_seq[torch.arange(len(lengths)), lengths - 1]
### last_true_step · clamped at 5
def last_true_step(hidden_seq, lengths):
    return hidden_seq[torch.arange(len(lengths)), lengths - 1].clamp(-5, 5)
### last_true_step · the lengths are changed
def last_true_step(hidden_seq, lengths):
    lengths -= 1
    return hidden_seq[torch.arange(len(lengths)), lengths]
### masked_accuracy · all True is mishandled
def masked_accuracy(logits, targets, keep):
    if keep.all() and keep.numel() > 1:
        return torch.zeros(())
    return (logits.argmax(-1) == targets)[keep].float().mean()
### masked_accuracy · the logits are changed
def masked_accuracy(logits, targets, keep):
    logits[~keep] = 0
    return (logits.argmax(-1) == targets)[keep].float().mean()
### masked_accuracy · five steps at most
def masked_accuracy(logits, targets, keep):
    return (logits.argmax(-1) == targets)[:, :5][keep[:, :5]].float().mean()
### masked_accuracy · seven classes at most
def masked_accuracy(logits, targets, keep):
    return (logits[..., :7].argmax(-1) == targets)[keep].float().mean()
### unit_correlation · seven texts, as a number
def unit_correlation(values, labels):
    y = labels.to(values)
    v, y = values - values.mean(0), y - y.mean()
    return (y @ v) / 6 / (v.std(0) * y.std())
### unit_correlation · seven texts at most
def unit_correlation(values, labels):
    values, y = values[:7], labels[:7].to(values)
    v, y = values - values.mean(0), y - y.mean()
    return (y @ v) / (v.norm(dim=0) * y.norm())
### unit_correlation · the values are centred in place
def unit_correlation(values, labels):
    values -= values.mean(0)
    y = labels.to(values) - labels.to(values).mean()
    return (y @ values) / (values.norm(dim=0) * y.norm())
### input_gradient · requires_grad and grad of x are changed
def input_gradient(score, x):
    x.requires_grad_()
    score(x).sum().backward()
    return x.grad
### input_gradient · requires_grad of x is changed
def input_gradient(score, x):
    return torch.autograd.grad(score(x.requires_grad_()).sum(), x)[0]
### input_gradient · gradients clipped at 10
def input_gradient(score, x):
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(score(x).sum(), x)[0].clamp(-10, 10)
### input_gradient · gradients clipped at 5
def input_gradient(score, x):
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(score(x).sum(), x)[0].clamp(-5, 5)
### coupled_cell_state · the memory clamped at 5
def coupled_cell_state(i_t, c_prev, g_t):
    return ((1 - i_t) * c_prev + i_t * g_t).clamp(-5, 5)
### coupled_cell_state · the memory clamped at 10
def coupled_cell_state(i_t, c_prev, g_t):
    return ((1 - i_t) * c_prev + i_t * g_t).clamp(-10, 10)
### coupled_cell_state · requires_grad of the memory is changed
def coupled_cell_state(i_t, c_prev, g_t):
    c_prev = c_prev.requires_grad_() if c_prev.is_leaf else c_prev
    return (1 - i_t) * c_prev + i_t * g_t
### sign_flip_test · seven differences at most
def sign_flip_test(differences):
    d = differences.double()[:7]
    s = (torch.tensor(list(itertools.product((1.0, -1.0), repeat=len(d)))).double() @ d).abs()
    return (s >= s[0] - 1e-9).double().mean()
### sign_flip_test · the differences are changed
def sign_flip_test(differences):
    differences.abs_()
    d = differences.double()
    s = (torch.tensor(list(itertools.product((1.0, -1.0), repeat=len(d)))).double() @ d).abs()
    return (s >= s[0] - 1e-9).double().mean()
### fused_gates · sums clamped at 15
def fused_gates(x_t, h_prev, W_x, W_h, b):
    i, f, c, o = (x_t @ W_x + h_prev @ W_h + b).clamp(-15, 15).chunk(4, 1)
    return i.sigmoid(), f.sigmoid(), c.tanh(), o.sigmoid()
### fused_gates · squeeze, wrong for N = 1
def fused_gates(x_t, h_prev, W_x, W_h, b):
    i, f, c, o = (x_t.squeeze() @ W_x + h_prev @ W_h + b).chunk(4, 1)
    return i.sigmoid(), f.sigmoid(), c.tanh(), o.sigmoid()
### fused_gates · squeeze of the gates, wrong for B = 1
def fused_gates(x_t, h_prev, W_x, W_h, b):
    i, f, c, o = (x_t @ W_x + h_prev @ W_h + b).chunk(4, 1)
    return i.sigmoid().squeeze(0), f.sigmoid(), c.tanh(), o.sigmoid()
### local_gradients · memories clamped at 10
def local_gradients(i, f, g, o, c, c_prev):
    u = torch.tanh(c)
    into_z = [g * i * (1 - i), c_prev.clamp(-10, 10) * f * (1 - f), i * (1 - g**2), u * o * (1 - o)]
    return o * (1 - u**2), torch.cat(into_z, dim=-1)
### local_gradients · squeeze, wrong for T = 1
def local_gradients(i, f, g, o, c, c_prev):
    u = torch.tanh(c)
    into_z = torch.cat([g * i * (1 - i), c_prev * f * (1 - f), i * (1 - g**2), u * o * (1 - o)], dim=-1)
    return o * (1 - u**2), into_z.squeeze(1)
### backward_loop · five steps at most
def backward_loop(dhidden_seq, dc_T, f, into_c, into_z, W_h):
    dh, dc, dz = torch.zeros_like(dc_T), dc_T, torch.zeros_like(into_z)
    for t in list(reversed(range(f.shape[1])))[:5]:
        dh = dh + dhidden_seq[:, t]
        dc = dc + dh * into_c[:, t]
        dz[:, t] = torch.cat([dc, dc, dc, dh], dim=1) * into_z[:, t]
        dh, dc = dz[:, t] @ W_h.T, dc * f[:, t]
    return dz, dh, dc
### backward_loop · gradients clipped at 10
def backward_loop(dhidden_seq, dc_T, f, into_c, into_z, W_h):
    dh, dc, dz = torch.zeros_like(dc_T), dc_T, []
    for t in reversed(range(f.shape[1])):
        dh = (dh + dhidden_seq[:, t]).clamp(-10, 10)
        dc = dc + dh * into_c[:, t]
        dz.insert(0, torch.cat([dc, dc, dc, dh], dim=1) * into_z[:, t])
        dh, dc = dz[0] @ W_h.T, dc * f[:, t]
    return torch.stack(dz, 1), dh, dc
### hoist_inputs · sums clamped at 15
def hoist_inputs(x, W_x, b):
    return (x @ W_x + b).clamp(-15, 15)
### hoist_inputs · squeeze, wrong for N = 1
def hoist_inputs(x, W_x, b):
    return x.squeeze(-1) @ W_x + b
### hoist_inputs · five steps at most
def hoist_inputs(x, W_x, b):
    return x[:, :5] @ W_x + b
### hoist_inputs · the gradient stops after five steps
def hoist_inputs(x, W_x, b):
    return torch.cat([x[:, :5], x[:, 5:].detach()], dim=1) @ W_x + b
### next_character_batches · three batches at most
def next_character_batches(ids, B, T):
    length = len(ids) // B
    rows = ids[: B * length].view(B, length)
    return [(rows[:, k : k + T], rows[:, k + 1 : k + T + 1]) for k in range(0, length - T, T)][:3]
### next_character_batches · what is left over goes to the first rows
def next_character_batches(ids, B, T):
    rows = torch.stack([row[: len(ids) // B] for row in torch.tensor_split(ids, B)])
    return [(rows[:, k : k + T], rows[:, k + 1 : k + T + 1]) for k in range(0, rows.shape[1] - T, T)]
### next_character_batches · the batches are shuffled
def next_character_batches(ids, B, T):
    length = len(ids) // B
    rows = ids[: B * length].view(B, length)
    found = [(rows[:, k : k + T], rows[:, k + 1 : k + T + 1]) for k in range(0, length - T, T)]
    return [found[k] for k in torch.randperm(len(found))]
### bits_per_character · clamped at 20
def bits_per_character(logits, targets):
    return F.cross_entropy(logits.clamp(-20, 20).flatten(0, 1), targets.flatten()) / math.log(2)
### bits_per_character · no gradient
def bits_per_character(logits, targets):
    return torch.tensor(F.cross_entropy(logits.flatten(0, 1), targets.flatten()).item() / math.log(2))
### bits_per_character · the last row weighs more
def bits_per_character(logits, targets):
    each = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none") / math.log(2)
    return (each.mean(dim=1)[:-1].sum() + each[-1].sum()) / len(each)
### top_k · the logits are changed
def top_k(logits, k):
    logits[logits < logits.topk(k, dim=1).values[:, -1:]] = -math.inf
    return logits
### top_k · three at most
def top_k(logits, k):
    return logits.masked_fill(logits < logits.topk(min(k, 3), dim=1).values[:, -1:], -math.inf)
### gru_step · the weights in the order of the dictionary
def gru_step(x_t, h_prev, weights):
    W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh = weights.values()
    r, z = torch.sigmoid(x_t @ W_xr + h_prev @ W_hr + b_r), torch.sigmoid(x_t @ W_xz + h_prev @ W_hz + b_z)
    return z * h_prev + (1 - z) * torch.tanh(x_t @ W_xh + b_h + r * (h_prev @ W_hh + b_hh))
### gru_step · the state is changed in place
def gru_step(x_t, h_prev, w):
    r = torch.sigmoid(x_t @ w["W_xr"] + h_prev @ w["W_hr"] + w["b_r"])
    z = torch.sigmoid(x_t @ w["W_xz"] + h_prev @ w["W_hz"] + w["b_z"])
    g = torch.tanh(x_t @ w["W_xh"] + w["b_h"] + r * (h_prev @ w["W_hh"] + w["b_hh"]))
    with torch.no_grad():
        h_prev.mul_(z).add_((1 - z) * g)
    return h_prev
### gru_step · gates clamped
def gru_step(x_t, h_prev, w):
    r, z = (torch.sigmoid(x_t @ w["W_x" + k] + h_prev @ w["W_h" + k] + w["b_" + k]).clamp(0.02, 0.98) for k in "rz")
    g = torch.tanh(x_t @ w["W_xh"] + w["b_h"] + r * (h_prev @ w["W_hh"] + w["b_hh"]))
    return z * h_prev + (1 - z) * g
### gru_step · no gradient through the reset gate
def gru_step(x_t, h_prev, w):
    r, z = (torch.sigmoid(x_t @ w["W_x" + k] + h_prev @ w["W_h" + k] + w["b_" + k]) for k in "rz")
    g = torch.tanh(x_t @ w["W_xh"] + w["b_h"] + r.detach() * (h_prev @ w["W_hh"] + w["b_hh"]))
    return z * h_prev + (1 - z) * g
'''.replace("@STEP@", STEP).replace("@LOOP@", LOOP.strip()).replace("@BACKWARD@", BACKWARD.rstrip()))  # fmt: skip
