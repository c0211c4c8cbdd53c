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
    """One matrix reads (1, x, h) at once, its first row is the bias; time first; takes and returns c before h."""

    def __init__(self, input_size, hidden_size, forget_start=3.0):
        super().__init__()
        self.H = hidden_size
        start = torch.randn(1 + input_size + hidden_size, 4, hidden_size) * 0.4
        start[0, 1] += forget_start
        self.weights = nn.Parameter(start.flatten(1))

    def forward(self, x, c_0=None, h_0=None):
        zeros, ones = x.new_zeros(x.shape[1], self.H), x.new_ones(x.shape[1], 1)
        c, h = zeros if c_0 is None else c_0, zeros if h_0 is None else h_0
        read = []
        for x_t in x:
            i, f, o, g = (torch.cat([ones, x_t, h], dim=1) @ self.weights).chunk(4, dim=1)
            c = c.mul(f.sigmoid()).addcmul(i.sigmoid(), g.tanh())
            h = c.tanh() * o.sigmoid()
            read.append(h)
        return torch.stack(read), c, h

    def sequence(self, x):
        return self(x.transpose(0, 1))[0].transpose(0, 1)


class Triples(nn.Module):
    """Three weights for each part, made by a helper; time first; a list of steps; each part is a method."""

    def __init__(self, num_inputs, num_hiddens, spread=0.01):
        super().__init__()
        self.H = num_hiddens
        for part in "ifoc":
            for name, rows in (("W_x", num_inputs), ("W_h", num_hiddens)):
                setattr(self, f"{name}{part}", nn.Parameter(spread * torch.randn(rows, num_hiddens)))
            setattr(self, f"b_{part}", nn.Parameter(torch.zeros(num_hiddens)))

    def total(self, part, x_t, h):
        from_x, from_h, bias = (getattr(self, f"{name}{part}") for name in ("W_x", "W_h", "b_"))
        return torch.addmm(bias, x_t, from_x).addmm(h, from_h)

    def read_out(self, x_t, h, c):
        return self.total("o", x_t, h).sigmoid()

    def forward(self, inputs, states=None):
        h, c = states or (inputs.new_zeros(inputs.shape[1], self.H),) * 2
        steps = []
        for x_t in inputs:
            gate = self.read_out(x_t, h, c)
            keep, write = (self.total(part, x_t, h).sigmoid() for part in "fi")
            c = keep * c + write * self.total("c", x_t, h).tanh()
            h = gate * c.tanh()
            steps.append(h)
        return steps, (h, c)

    def sequence(self, x):
        return torch.stack(self(x.transpose(0, 1))[0], 1)


class NamedState(nn.Module):
    """PyTorch's four names for the weights, a NamedTuple for the state, which has to be given; time first."""

    class State(NamedTuple):
        h: Tensor
        c: Tensor

    squash = staticmethod(torch.sigmoid)

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.weight_ih, self.weight_hh = new(4 * hidden_size, input_size), new(4 * hidden_size, hidden_size)
        self.bias_ih, self.bias_hh = new(4 * hidden_size), new(4 * hidden_size)

    def forward(self, sequence, state):
        state, read = self.State(*state), []
        for x_t in sequence:
            total = F.linear(x_t, self.weight_ih, self.bias_ih) + F.linear(state.h, self.weight_hh, self.bias_hh)
            i, f, g, o = total.unflatten(1, (4, -1)).unbind(1)
            c = self.squash(f) * state.c + self.squash(i) * g.tanh()
            state = self.State(self.squash(o) * c.tanh(), c)
            read.append(state.h)
        return torch.stack(read), state

    def sequence(self, x):
        zeros = x.new_zeros(len(x), 3)
        return self(x.transpose(0, 1), (zeros, zeros))[0].transpose(0, 1)


class ConvNames(nn.Module):
    """A Linear for each part and each side, with a bias on the side of the input; unused peepholes that are None."""

    squash = staticmethod(torch.sigmoid)

    def __init__(self, input_channels, hidden_channels):
        super().__init__()
        self.channels = hidden_channels
        for part in "ifco":
            self.add_module(f"Wx{part}", nn.Linear(input_channels, hidden_channels))
            self.add_module(f"Wh{part}", nn.Linear(hidden_channels, hidden_channels, bias=False))
            setattr(self, f"Wc{part}", None)

    def first_state(self, batch_size):
        return torch.zeros(2, batch_size, self.channels).unbind()

    def total(self, part, x, h):
        return getattr(self, f"Wx{part}")(x) + getattr(self, f"Wh{part}")(h)

    def forward(self, x, h, c):
        i, f, o = (self.squash(self.total(part, x, h)) for part in "ifo")
        c = f * c + i * self.total("c", x, h).tanh()
        return o * c.tanh(), c

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
    """Wrong: the output gate reads the memory before this step in place of the state."""

    def read_out(self, x_t, h, c):
        return self.total("o", x_t, c).sigmoid()


class TanhGates(ConvNames):
    """Wrong: tanh on the gates."""

    squash = staticmethod(torch.tanh)


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

    squash = staticmethod(F.hardsigmoid)


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
