"""Another fifteen classes, in other conventions than those of `lstm_classes`: ten right, five wrong."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from lstm_classes import by_steps, first, new
from torch import Tensor, nn


class GatesLinear(nn.Module):
    """self.gates on the concatenation, with reset_parameters; nn.LSTMCell's signature with an optional state."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device=None, dtype=None):
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.gates = nn.Linear(input_size + hidden_size, 4 * hidden_size, bias=bias, device=device, dtype=dtype)
        self.reset_parameters()

    def reset_parameters(self):
        for weight in self.parameters():
            nn.init.uniform_(weight, -1 / math.sqrt(self.hidden_size), 1 / math.sqrt(self.hidden_size))

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        if hx is None:
            hx = (input.new_zeros(input.size(0), self.hidden_size),) * 2
        hidden, cell = hx
        in_gate, forget_gate, cell_gate, out_gate = self.gates(torch.cat([input, hidden], dim=1)).chunk(4, 1)
        cell = torch.sigmoid(forget_gate) * cell + torch.sigmoid(in_gate) * torch.tanh(cell_gate)
        return torch.sigmoid(out_gate) * torch.tanh(cell), cell

    sequence = by_steps


class BiasRow(nn.Module):
    """One matrix for [1, x, h]; time first."""

    def __init__(self, input_size, hidden_size, fancy_forget_bias_init=3):
        super().__init__()
        self.WLSTM = new(input_size + hidden_size + 1, 4 * hidden_size)
        self.d = hidden_size
        with torch.no_grad():
            self.WLSTM[0, self.d : 2 * self.d] += fancy_forget_bias_init

    def forward(self, X, c0=None, h0=None):
        n, b, _ = X.shape
        Hout, C = [], X.new_zeros(b, self.d) if c0 is None else c0
        prevh = X.new_zeros(b, self.d) if h0 is None else h0
        for t in range(n):
            Hin = torch.cat([X.new_ones(b, 1), X[t], prevh], dim=1)
            IFOG = Hin @ self.WLSTM
            d = self.d
            ifo, g = torch.sigmoid(IFOG[:, : 3 * d]), torch.tanh(IFOG[:, 3 * d :])
            C = ifo[:, d : 2 * d] * C + ifo[:, :d] * g
            prevh = ifo[:, 2 * d :] * torch.tanh(C)
            Hout.append(prevh)
        return torch.stack(Hout), C, prevh

    def sequence(self, x):
        return self(x.transpose(0, 1))[0].transpose(0, 1)


class Triples(nn.Module):
    """Twelve by a helper; sigma; inputs time first; H_C."""

    def __init__(self, num_inputs, num_hiddens, sigma=0.01):
        super().__init__()
        self.num_hiddens = num_hiddens

        def triple():
            shapes = (num_inputs, num_hiddens), (num_hiddens, num_hiddens)
            return *(nn.Parameter(torch.randn(*shape) * sigma) for shape in shapes), nn.Parameter(
                torch.zeros(num_hiddens)
            )

        self.W_xi, self.W_hi, self.b_i = triple()
        self.W_xf, self.W_hf, self.b_f = triple()
        self.W_xo, self.W_ho, self.b_o = triple()
        self.W_xc, self.W_hc, self.b_c = triple()

    def forward(self, inputs, H_C=None):
        if H_C is None:
            H = torch.zeros((inputs.shape[1], self.num_hiddens), device=inputs.device)
            C = torch.zeros((inputs.shape[1], self.num_hiddens), device=inputs.device)
        else:
            H, C = H_C
        outputs = []
        for X in inputs:
            let_in = torch.sigmoid(X @ self.W_xi + H @ self.W_hi + self.b_i)
            forget = torch.sigmoid(X @ self.W_xf + H @ self.W_hf + self.b_f)
            out = torch.sigmoid(X @ self.W_xo + H @ self.W_ho + self.b_o)
            C = forget * C + let_in * torch.tanh(X @ self.W_xc + H @ self.W_hc + self.b_c)
            H = out * torch.tanh(C)
            outputs.append(H)
        return outputs, (H, C)

    def sequence(self, x):
        return torch.stack(self(x.transpose(0, 1))[0], 1)


class NamedState(nn.Module):
    """weight_ih and weight_hh, F.linear-like products, a NamedTuple for the state."""

    class State(NamedTuple):
        hx: Tensor
        cx: Tensor

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.weight_ih, self.weight_hh = new(4 * hidden_size, input_size), new(4 * hidden_size, hidden_size)
        self.bias_ih, self.bias_hh = new(4 * hidden_size), new(4 * hidden_size)

    def forward(self, input, state):
        hx, cx = state
        outs = []
        for step in input.unbind(0):
            gates = torch.mm(step, self.weight_ih.t()) + self.bias_ih + torch.mm(hx, self.weight_hh.t()) + self.bias_hh
            ingate, forgetgate, cellgate, outgate = gates.chunk(4, 1)
            cx = torch.sigmoid(forgetgate) * cx + torch.sigmoid(ingate) * torch.tanh(cellgate)
            hx = torch.sigmoid(outgate) * torch.tanh(cx)
            outs.append(hx)
        return torch.stack(outs), self.State(hx, cx)

    def sequence(self, x):
        zeros = x.new_zeros(len(x), 3)
        return self(x.transpose(0, 1), (zeros, zeros))[0].transpose(0, 1)


class ConvNames(nn.Module):
    """Wxi, Whi … as Linear layers with bias on the input side only; peepholes Wci = None; init_hidden."""

    def __init__(self, input_channels, hidden_channels):
        super().__init__()
        self.hidden_channels = hidden_channels
        for k in "ifco":
            setattr(self, f"Wx{k}", nn.Linear(input_channels, hidden_channels, bias=True))
            setattr(self, f"Wh{k}", nn.Linear(hidden_channels, hidden_channels, bias=False))
        self.Wci = self.Wcf = self.Wco = None

    def init_hidden(self, batch_size):
        return torch.zeros(batch_size, self.hidden_channels), torch.zeros(batch_size, self.hidden_channels)

    def forward(self, x, h, c):
        ci = torch.sigmoid(self.Wxi(x) + self.Whi(h))
        cf = torch.sigmoid(self.Wxf(x) + self.Whf(h))
        cc = cf * c + ci * torch.tanh(self.Wxc(x) + self.Whc(h))
        co = torch.sigmoid(self.Wxo(x) + self.Who(h))
        return co * torch.tanh(cc), cc

    def sequence(self, x):
        return by_steps(self, x, pair=False)


class DictState(nn.Module):
    """Returns a dictionary; the state is a dictionary inside; dropout between; eval matters."""

    def __init__(self, in_features: int, out_features: int, p_drop: float = 0.3):
        super().__init__()
        self.proj = nn.ModuleList([nn.Linear(in_features, out_features) for _ in range(4)])
        self.rec = nn.ModuleList([nn.Linear(out_features, out_features) for _ in range(4)])
        self.size, self.dropout = out_features, nn.Dropout(p_drop)

    def forward(self, x):
        h = x.new_zeros(x.shape[0], self.size)
        c = torch.zeros_like(h)
        ys = []
        for t in range(x.shape[1]):
            u = self.dropout(x[:, t])
            a, b, d, e = (p(u) + r(h) for p, r in zip(self.proj, self.rec, strict=True))
            c = torch.sigmoid(a) * c + torch.sigmoid(b) * torch.tanh(d)
            h = torch.sigmoid(e) * torch.tanh(c)
            ys.append(h)
        return {"output": torch.stack(ys, 1), "h_n": h, "c_n": c}

    def sequence(self, x):
        return self(x)["output"]


class CourseCell(nn.Module):
    """Long names; column states inside a layer that holds a cell; hidden (1, B, H)."""

    class Cell(nn.Module):
        def __init__(self, n_in, n_out):
            super().__init__()
            for part in ("input_gate", "forget_gate", "output_gate", "cell_candidate"):
                setattr(self, f"{part}_input", nn.Linear(n_in, n_out, bias=False))
                setattr(self, f"{part}_hidden", nn.Linear(n_out, n_out))

        def part(self, name, x, h):
            return getattr(self, f"{name}_input")(x) + getattr(self, f"{name}_hidden")(h)

        def forward(self, x, memory):
            h, c = memory
            keep = self.part("forget_gate", x, h).sigmoid() * c
            c = torch.addcmul(keep, self.part("input_gate", x, h).sigmoid(), self.part("cell_candidate", x, h).tanh())
            return self.part("output_gate", x, h).sigmoid() * c.tanh(), c

    def __init__(self, embedding_dim, hidden_dim, batch_first=False):
        super().__init__()
        self.cell, self.batch_first, self.hidden_dim = self.Cell(embedding_dim, hidden_dim), batch_first, hidden_dim

    def forward(self, x, hidden=None):
        x = x.transpose(0, 1) if self.batch_first else x
        if hidden is None:
            hidden = (torch.zeros(1, x.shape[1], self.hidden_dim),) * 2
        memory = tuple(s.squeeze(0) for s in hidden)
        hs = []
        for x_t in x:
            memory = self.cell(x_t, memory)
            hs.append(memory[0].unsqueeze(0))
        out = torch.cat(hs)
        return out.transpose(0, 1) if self.batch_first else out, tuple(s.unsqueeze(0) for s in memory)

    def sequence(self, x):
        return self(x.transpose(0, 1))[0].transpose(0, 1)


class Unbatched(nn.Module):
    """One sequence (T, N) at a time; returns the states of all steps; no states given."""

    def __init__(self, nx, nh):
        super().__init__()
        self.Wf, self.Wi, self.Wc, self.Wo = (new(nh, nx + nh) for _ in range(4))
        self.bf, self.bi, self.bc, self.bo = (nn.Parameter(torch.zeros(nh)) for _ in range(4))
        self.nh = nh

    def forward(self, x):
        a, c = torch.zeros(self.nh), torch.zeros(self.nh)
        states = []
        for x_t in x:
            v = torch.cat([a, x_t])
            ft, it, ot = (
                torch.sigmoid(self.Wf @ v + self.bf),
                torch.sigmoid(self.Wi @ v + self.bi),
                torch.sigmoid(self.Wo @ v + self.bo),
            )
            c = it * torch.tanh(self.Wc @ v + self.bc) + ft * c
            a = ot * torch.tanh(c)
            states.append(a)
        return torch.stack(states)

    def sequence(self, x):
        return torch.stack([self(row) for row in x])


class PlainObject:
    """No nn.Module: a class with its own __call__ and tensors that ask for a gradient."""

    def __init__(self, vocab_size, hidden_size):
        self.Wx = torch.randn(vocab_size, 4 * hidden_size, requires_grad=True)
        self.Wh = torch.randn(hidden_size, 4 * hidden_size, requires_grad=True)
        self.b = torch.zeros(4 * hidden_size, requires_grad=True)
        self.hidden_size = hidden_size

    def __call__(self, x):
        h = c = torch.zeros(x.shape[0], self.hidden_size)
        for t in range(x.shape[1]):
            f, i, g, o = (x[:, t] @ self.Wx + h @ self.Wh + self.b).split(self.hidden_size, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
        return h, c

    def sequence(self, x):
        return torch.stack([self(x[:, : t + 1])[0] for t in range(x.shape[1])], 1)


class LongSignature(nn.Module):
    """Many arguments; einsum; a bias (4, H)."""

    def __init__(self, name, size_in, size_hidden, activation=torch.tanh, return_sequences=True, forget_bias=1.0):
        super().__init__()
        self.name, self.act, self.all = name, activation, return_sequences
        self.kernel, self.recurrent_kernel, self.bias = (
            new(size_in, 4, size_hidden),
            new(size_hidden, 4, size_hidden),
            new(4, size_hidden),
        )
        self.forget_bias, self.units = forget_bias, size_hidden

    def forward(self, inputs, initial_state=None, mask=None):
        h, c = initial_state if initial_state is not None else [inputs.new_zeros(inputs.shape[0], self.units)] * 2
        seq = []
        for x in inputs.unbind(1):
            z = torch.einsum("bn,ngh->gbh", x, self.kernel) + torch.einsum("bm,mgh->gbh", h, self.recurrent_kernel)
            z = z + self.bias[:, None]
            c = z[1].sigmoid() * c + z[0].sigmoid() * self.act(z[2])
            h = z[3].sigmoid() * self.act(c)
            seq.append(h)
        return (torch.stack(seq, 1), h, c) if self.all else h

    sequence = first


class OutputFromMemory(Triples):
    """Wrong: the last output gate reads the memory in place of the state."""

    def forward(self, inputs):
        H = C = torch.zeros(inputs.shape[1], self.num_hiddens)
        outputs = []
        for X in inputs:
            let_in = torch.sigmoid(X @ self.W_xi + H @ self.W_hi + self.b_i)
            forget = torch.sigmoid(X @ self.W_xf + H @ self.W_hf + self.b_f)
            out = torch.sigmoid(X @ self.W_xo + C @ self.W_ho + self.b_o)
            C = forget * C + let_in * torch.tanh(X @ self.W_xc + H @ self.W_hc + self.b_c)
            H = out * torch.tanh(C)
            outputs.append(H)
        return torch.stack(outputs), (H, C)


class TanhGates(ConvNames):
    """Wrong: tanh on the gates."""

    def forward(self, x, h, c):
        ci, cf, co = (
            torch.tanh(self.Wxi(x) + self.Whi(h)),
            torch.tanh(self.Wxf(x) + self.Whf(h)),
            torch.tanh(self.Wxo(x) + self.Who(h)),
        )
        cc = cf * c + ci * torch.tanh(self.Wxc(x) + self.Whc(h))
        return co * torch.tanh(cc), cc


class MemoryNotCarried(DictState):
    def forward(self, x):
        h = x.new_zeros(x.shape[0], self.size)
        ys = []
        for t in range(x.shape[1]):
            c = torch.zeros_like(h)
            a, b, d, e = (p(x[:, t]) + r(h) for p, r in zip(self.proj, self.rec, strict=True))
            c = torch.sigmoid(a) * c + torch.sigmoid(b) * torch.tanh(d)
            h = torch.sigmoid(e) * torch.tanh(c)
            ys.append(h)
        return {"output": torch.stack(ys, 1), "h_n": h, "c_n": c}


class DataRead(GatesLinear):
    """Wrong: reads `.data`, so that no gradient reaches the weights."""

    def forward(self, input, hx):
        hidden, cell = hx
        z = torch.cat([input, hidden], dim=1) @ self.gates.weight.data.T + self.gates.bias.data
        i, f, g, o = z.chunk(4, 1)
        cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(cell), cell


class HardSigmoid(NamedState):
    """Wrong: hard sigmoids."""

    def forward(self, input, state):
        hx, cx = state
        outs = []
        for step in input.unbind(0):
            i, f, g, o = (
                F.linear(step, self.weight_ih, self.bias_ih) + F.linear(hx, self.weight_hh, self.bias_hh)
            ).chunk(4, 1)
            cx = F.hardsigmoid(f) * cx + F.hardsigmoid(i) * torch.tanh(g)
            hx = F.hardsigmoid(o) * torch.tanh(cx)
            outs.append(hx)
        return torch.stack(outs), self.State(hx, cx)


class EncoderStyle(nn.Module):
    """Takes and returns c before h."""

    def __init__(self, emb_size, rnn_size, device="cpu", init_scale=0.1):
        super().__init__()
        self.i2h, self.h2h, self.n = nn.Linear(emb_size, 4 * rnn_size), nn.Linear(rnn_size, 4 * rnn_size), rnn_size

    def forward(self, x, prev_c, prev_h):
        sums = self.i2h(x) + self.h2h(prev_h)
        (i, f, o), g = torch.sigmoid(sums[:, : 3 * self.n]).chunk(3, 1), torch.tanh(sums[:, 3 * self.n :])
        c = f * prev_c + i * g
        return c, o * torch.tanh(c)


class TwoPeepholes(nn.Module):
    """Peepholes of two gates, in one parameter."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.x, self.h = nn.Linear(input_size, 4 * hidden_size), nn.Linear(hidden_size, 4 * hidden_size, bias=False)
        self.p = new(2, hidden_size)

    def forward(self, x_t, h, c):
        i, f, g, o = (self.x(x_t) + self.h(h)).chunk(4, -1)
        i, f = (i + self.p[0] * c).sigmoid(), (f + self.p[1] * c).sigmoid()
        c = f * c + i * g.tanh()
        return o.sigmoid() * c.tanh(), c


class LastStepMissing(Triples):
    """Wrong: fails for a sequence of one step."""

    def forward(self, inputs):
        outputs, (h, c) = super().forward(inputs[:-1])
        return torch.stack([*outputs, torch.zeros_like(h)]), (h, c)


MORE_RIGHT = [
    GatesLinear, Triples, NamedState, ConvNames, DictState, CourseCell, Unbatched, PlainObject, LongSignature,
]  # fmt: skip
MORE_WRONG = {
    BiasRow: "returns c before h",
    EncoderStyle: "returns c before h",
    OutputFromMemory: "The output gate reads `c_prev`",
    TanhGates: "All three gates",
    MemoryNotCarried: "c is not carried",
    DataRead: "no gradient reaches the weights",
    HardSigmoid: "hard sigmoid",
    LastStepMissing: "It is no LSTM",
}
