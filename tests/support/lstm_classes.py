"""Classes that say they are an LSTM, in the conventions that one meets: right ones and wrong ones.

A right class has `sequence(module, x)`, which returns its hidden states as (B, T, H) for x (B, T, N).
"""

import torch
import torch.nn.functional as F
from torch import nn


def new(*shape):
    return nn.Parameter(torch.randn(*shape) * 0.4)


def first(module, x):
    return module(x)[0]


def alone(module, x):
    return module(x)


def by_steps(module, x, pair=True):
    h = c = torch.zeros(len(x), 3, dtype=x.dtype)
    steps = []
    for t in range(x.shape[1]):
        h, c = module(x[:, t], (h, c)) if pair else module(x[:, t], h, c)
        steps.append(h)
    return torch.stack(steps, dim=1)


class TwelveParameters(nn.Module):
    """W_i, U_i, b_i for each gate; batch first; returns the sequence and both states."""

    sequence = first

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.hidden_size = hidden_size
        for k in "ifco":
            setattr(self, f"W_{k}", new(input_size, hidden_size))
            setattr(self, f"U_{k}", new(hidden_size, hidden_size))
            setattr(self, f"b_{k}", new(hidden_size))

    def total(self, k, x_t, h):
        return x_t @ getattr(self, f"W_{k}") + h @ getattr(self, f"U_{k}") + getattr(self, f"b_{k}")

    def step(self, x_t, h, c):
        i, f, o = (torch.sigmoid(self.total(k, x_t, h)) for k in "ifo")
        g = torch.tanh(self.total("c", x_t, h))
        c = f * c + i * g
        return o * torch.tanh(c), c

    def forward(self, x, init_states=None):
        h, c = init_states or (x.new_zeros(x.shape[0], self.hidden_size),) * 2
        seq = []
        for t in range(x.shape[1]):
            h, c = self.step(x[:, t], h, c)
            seq.append(h)
        return torch.stack(seq, dim=1), (h, c)


class KeywordOnly(TwelveParameters):
    def __init__(self, *, n_hidden, n_in, dropout=0.5, device=None):
        super().__init__(n_in, n_hidden)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        return self.drop(super().forward(x)[0])

    sequence = alone


class StackedRows(nn.Module):
    """One (4H, N) and one (4H, H) parameter, order o, g, i, f; time first; one bias."""

    def __init__(self, input_dim, hidden_dim, bias=True):
        super().__init__()
        self.kernel, self.recurrent, self.bias = (
            new(4 * hidden_dim, input_dim),
            new(4 * hidden_dim, hidden_dim),
            new(4 * hidden_dim),
        )
        self.hidden_dim = hidden_dim

    def forward(self, inputs, hx=None):
        batch = inputs.shape[1]
        h, c = hx if hx is not None else (torch.zeros(1, batch, self.hidden_dim),) * 2
        h, c = h[0], c[0]
        out = []
        for x_t in inputs:
            o, g, i, f = (F.linear(x_t, self.kernel, self.bias) + F.linear(h, self.recurrent)).chunk(4, dim=1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            out.append(h)
        return torch.stack(out), (h[None], c[None])

    def sequence(self, x):
        return self(x.transpose(0, 1))[0].transpose(0, 1)


class TwoLinears(nn.Module):
    """nn.Linear for the input and for the state, each with its bias; last state alone."""

    def __init__(self, hidden_size, input_size):
        super().__init__()
        self.x2h = nn.Linear(input_size, 4 * hidden_size)
        self.h2h = nn.Linear(hidden_size, 4 * hidden_size)
        self.n = hidden_size

    def forward(self, x):
        h = c = torch.zeros(len(x), self.n)
        for t in range(x.size(1)):
            z = self.x2h(x[:, t]) + self.h2h(h)
            f, i, o, g = z.split(self.n, dim=-1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return h

    def sequence(self, x):
        return torch.stack([self(x[:, : t + 1]) for t in range(x.shape[1])], dim=1)


class LinearPerGate(nn.Module):
    """One Linear per gate on [h, x]; a cell that takes and returns the pair."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.forget = nn.Linear(input_size + hidden_size, hidden_size)
        self.input = nn.Linear(input_size + hidden_size, hidden_size)
        self.candidate = nn.Linear(input_size + hidden_size, hidden_size)
        self.output = nn.Linear(input_size + hidden_size, hidden_size)

    def forward(self, x, state):
        h, c = state
        z = torch.cat([h, x], dim=1)
        c = torch.sigmoid(self.forget(z)) * c + torch.sigmoid(self.input(z)) * torch.tanh(self.candidate(z))
        h = torch.sigmoid(self.output(z)) * torch.tanh(c)
        return h, c

    sequence = by_steps


class ApartCell(nn.Module):
    """A cell with (x_t, h, c) and one Linear on [x, h], without bias."""

    def __init__(self, n_x, n_h):
        super().__init__()
        self.all = nn.Linear(n_x + n_h, 4 * n_h, bias=False)

    def forward(self, x_t, h_prev, c_prev):
        g, o, f, i = self.all(torch.cat((x_t, h_prev), -1)).chunk(4, -1)
        c = c_prev * f.sigmoid() + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c

    def sequence(self, x):
        return by_steps(self, x, pair=False)


class Dictionaries(nn.Module):
    """ParameterDict and ModuleDict; returns seq, h, c side by side."""

    sequence = first

    def __init__(self, d_in, d_hidden):
        super().__init__()
        self.d = d_hidden
        self.inputs = nn.ModuleDict({k: nn.Linear(d_in, d_hidden) for k in ("keep", "write", "read", "new")})
        self.states = nn.ParameterDict({k: new(d_hidden, d_hidden) for k in ("keep", "write", "read", "new")})

    def forward(self, x):
        h, c, out = torch.zeros(len(x), self.d), torch.zeros(len(x), self.d), []
        for x_t in x.unbind(1):
            z = {k: self.inputs[k](x_t) + h @ self.states[k] for k in self.states}
            c = torch.sigmoid(z["keep"]) * c + torch.sigmoid(z["write"]) * torch.tanh(z["new"])
            h = torch.sigmoid(z["read"]) * torch.tanh(c)
            out.append(h)
        return torch.stack(out, 1), h, c


class ListOfSteps(nn.Module):
    """Columns stacked, returned as a list of steps with the pair."""

    def __init__(self, num_inputs, num_hiddens, sigma=0.01):
        super().__init__()
        self.num_hiddens = num_hiddens
        self.W, self.U, self.b = (
            new(num_inputs, 4 * num_hiddens),
            new(num_hiddens, 4 * num_hiddens),
            new(4 * num_hiddens),
        )

    def forward(self, inputs, H_C=None):
        h, c = (torch.zeros(inputs.shape[1], self.num_hiddens),) * 2 if H_C is None else H_C
        outputs = []
        for x in inputs:
            i, f, g, o = (x @ self.W + h @ self.U + self.b).chunk(4, dim=1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            outputs.append(h)
        return outputs, (h, c)

    def sequence(self, x):
        return torch.stack(self(x.transpose(0, 1))[0], 1)


class Wrapper(nn.Module):
    """Holds PyTorch's own."""

    sequence = alone

    def __init__(self, input_size, hidden_size, num_layers=1):
        super().__init__()
        self.rnn = nn.LSTM(input_size, hidden_size, num_layers, batch_first=True)

    def forward(self, x):
        return self.rnn(x)[0]


class OneVector(nn.Module):
    """All weights in one vector."""

    sequence = first

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.sizes = input_size, hidden_size
        self.theta = new(4 * hidden_size * (input_size + hidden_size + 1))

    def forward(self, x):
        N, H = self.sizes
        matrix = self.theta.view(N + H + 1, 4, H)
        h, c = x.new_zeros(len(x), H), x.new_zeros(len(x), H)
        out = []
        for t in range(x.shape[1]):
            z = torch.einsum("bn,ngh->gbh", torch.cat([x[:, t], h, x.new_ones(len(x), 1)], 1), matrix)
            c = z[1].sigmoid() * c + z[0].sigmoid() * z[2].tanh()
            h = z[3].sigmoid() * c.tanh()
            out.append(h)
        return torch.stack(out, 1), (h.unsqueeze(0), c.unsqueeze(0))


class Float32Only(TwelveParameters):
    def forward(self, x):
        h = c = torch.zeros(x.shape[0], self.hidden_size, dtype=torch.float32)
        seq = []
        for t in range(x.shape[1]):
            h, c = self.step(x[:, t].float(), h, c)
            seq.append(h)
        return torch.stack(seq, dim=1), (h, c)


class StatesFirst(nn.Module):
    """forward(hx, cx, input), column vectors inside."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.gates = nn.ParameterList([new(hidden_size, input_size + hidden_size) for _ in range(4)])
        self.shift = nn.ParameterList([new(hidden_size, 1) for _ in range(4)])

    def forward(self, h, c, x):
        z = torch.cat([x, h], dim=1).T
        a, i, f, o = ((W @ z + b).T for W, b in zip(self.gates, self.shift, strict=True))
        c = torch.sigmoid(i) * torch.tanh(a) + torch.sigmoid(f) * c
        return torch.sigmoid(o) * torch.tanh(c), c

    def sequence(self, x):
        h = c = torch.zeros(len(x), 3, dtype=x.dtype)
        out = []
        for x_t in x.unbind(1):
            h, c = self(h, c, x_t)
            out.append(h)
        return torch.stack(out, 1)


class Peephole(TwelveParameters):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.p_i, self.p_f, self.p_o = new(hidden_size), new(hidden_size), new(hidden_size)

    def step(self, x_t, h, c):
        i = torch.sigmoid(self.total("i", x_t, h) + self.p_i * c)
        f = torch.sigmoid(self.total("f", x_t, h) + self.p_f * c)
        c = f * c + i * torch.tanh(self.total("c", x_t, h))
        return torch.sigmoid(self.total("o", x_t, h) + self.p_o * c) * torch.tanh(c), c


class FullPeephole(Peephole):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        del self.p_i, self.p_f, self.p_o
        self.p_i, self.p_f, self.p_o = (nn.Linear(hidden_size, hidden_size, bias=False) for _ in "ifo")

    def step(self, x_t, h, c):
        i = torch.sigmoid(self.total("i", x_t, h) + self.p_i(c))
        f = torch.sigmoid(self.total("f", x_t, h) + self.p_f(c))
        c = f * c + i * torch.tanh(self.total("c", x_t, h))
        return torch.sigmoid(self.total("o", x_t, h) + self.p_o(c)) * torch.tanh(c), c


class Coupled(TwelveParameters):
    def step(self, x_t, h, c):
        i, o = (torch.sigmoid(self.total(k, x_t, h)) for k in "io")
        c = (1 - i) * c + i * torch.tanh(self.total("c", x_t, h))
        return o * torch.tanh(c), c


class NoForgetGate(TwelveParameters):
    def step(self, x_t, h, c):
        i, o = (torch.sigmoid(self.total(k, x_t, h)) for k in "io")
        c = c + i * torch.tanh(self.total("c", x_t, h))
        return o * torch.tanh(c), c


RIGHT = [
    TwelveParameters, KeywordOnly, StackedRows, TwoLinears, LinearPerGate, ApartCell, Dictionaries, ListOfSteps,
    Wrapper, OneVector, Float32Only, StatesFirst,
]  # fmt: skip
VARIANTS = {
    Peephole: "LSTM with peepholes",
    FullPeephole: "LSTM with full peepholes",
    Coupled: "LSTM with coupled gates",
    NoForgetGate: "LSTM without forget gate",
}


# Wrong ones


class SwappedGates(TwelveParameters):
    def step(self, x_t, h, c):
        i, f, o = (torch.sigmoid(self.total(k, x_t, h)) for k in "ifo")
        c = i * c + f * torch.tanh(self.total("c", x_t, h))
        return o * torch.tanh(c), c


class NoTanh(TwelveParameters):
    def step(self, x_t, h, c):
        i, f, o = (torch.sigmoid(self.total(k, x_t, h)) for k in "ifo")
        c = f * c + i * torch.tanh(self.total("c", x_t, h))
        return o * c, c


class OldPeephole(Peephole):
    def step(self, x_t, h, c):
        i, f, o = (torch.sigmoid(self.total(k, x_t, h) + getattr(self, f"p_{k}") * c) for k in "ifo")
        c = f * c + i * torch.tanh(self.total("c", x_t, h))
        return o * torch.tanh(c), c


class NotCarried(StackedRows):
    def forward(self, inputs):
        h = c = torch.zeros(inputs.shape[1], self.hidden_dim)
        out = []
        for x_t in inputs:
            i, f, g, o = (F.linear(x_t, self.kernel, self.bias) + F.linear(torch.zeros_like(h), self.recurrent)).chunk(
                4, 1
            )
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            out.append(h)
        return torch.stack(out), (h, c)


class Detached(TwelveParameters):
    def step(self, x_t, h, c):
        return super().step(x_t, h.detach(), c)


class SigmoidCandidate(LinearPerGate):
    def forward(self, x, state):
        h, c = state
        z = torch.cat([h, x], dim=1)
        c = torch.sigmoid(self.forget(z)) * c + torch.sigmoid(self.input(z)) * torch.sigmoid(self.candidate(z))
        return torch.sigmoid(self.output(z)) * torch.tanh(c), c


class MemoryFirst(TwelveParameters):
    def forward(self, x, init_states=None):
        seq, (h, c) = super().forward(x, init_states)
        return seq, (c, h)


class BiasMissing(TwelveParameters):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        del self.b_o

    def total(self, k, x_t, h):
        return x_t @ self.W_o + h @ self.U_o if k == "o" else super().total(k, x_t, h)


class SharedState(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.n = hidden_size
        self.ih, self.hh = nn.Linear(input_size, 4 * hidden_size), nn.Linear(hidden_size, hidden_size, bias=False)

    def forward(self, x):
        h = c = torch.zeros(len(x), self.n)
        out = []
        for t in range(x.shape[1]):
            i, f, g, o = (z + self.hh(h) for z in self.ih(x[:, t]).chunk(4, 1))
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            out.append(h)
        return torch.stack(out, 1), (h, c)


class Clamped(TwelveParameters):
    def step(self, x_t, h, c):
        i, f, o = (torch.sigmoid(self.total(k, x_t, h)) for k in "ifo")
        c = torch.clip(f * c + i * torch.tanh(self.total("c", x_t, h)), -1, 1)
        return o * torch.tanh(c), c


class ClampedFar(TwelveParameters):
    def step(self, x_t, h, c):
        i, f, o = (torch.sigmoid(self.total(k, x_t, h)) for k in "ifo")
        c = (f * c + i * torch.tanh(self.total("c", x_t, h))).clamp(-20, 20)
        return o * torch.tanh(c), c


class StateWeightOnInput(TwelveParameters):
    def total(self, k, x_t, h):
        return x_t @ self.U_i + h @ self.U_i + self.b_i if k == "i" else super().total(k, x_t, h)


class ReluCandidate(StackedRows):
    def forward(self, inputs, hx):
        h, c = (s[0] for s in hx)
        out = []
        for x_t in inputs:
            i, f, g, o = (F.linear(x_t, self.kernel, self.bias) + F.linear(h, self.recurrent)).chunk(4, dim=1)
            c = f.sigmoid() * c + i.sigmoid() * F.relu(g)
            h = o.sigmoid() * c.tanh()
            out.append(h)
        return torch.stack(out), (h[None], c[None])


class TwoMistakes(TwelveParameters):
    """No tanh on c, and the input gate is left out."""

    def step(self, x_t, h, c):
        f, o = (torch.sigmoid(self.total(k, x_t, h)) for k in "fo")
        c = f * c + torch.tanh(self.total("c", x_t, h))
        return o * c, c


class KeepsState(TwelveParameters):
    """Carries the state from call to call."""

    kept = None

    def forward(self, x):
        seq, state = super().forward(x, self.kept if self.kept and len(self.kept[0]) == len(x) else None)
        self.kept = tuple(s.detach() for s in state)
        return seq, state


class RawTensors(TwelveParameters):
    """Right values, but no parameters."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        for name in list(self._parameters):
            value = self._parameters.pop(name)
            setattr(self, name, value.detach().clone())


class WithHead(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super().__init__()
        self.rnn = nn.LSTM(input_size, hidden_size, batch_first=True)
        self.fc = nn.Linear(hidden_size, output_size)

    def forward(self, x):
        return self.fc(self.rnn(x)[0][:, -1])


WRONG = {  # the words that name the cause
    SwappedGates: "i and f are swapped",
    NoTanh: "tanh on `c_t` is missing",
    OldPeephole: "peephole reads the old memory",
    NotCarried: "not carried",
    Detached: "detached",
    SigmoidCandidate: "candidate",
    MemoryFirst: "c before h",
    BiasMissing: "`b_o` were zero",
    SharedState: "stands in all four sums",
    Clamped: "±1",
    ClampedFar: "memory is small",
    StateWeightOnInput: "stands in both terms",
    ReluCandidate: "ReLU",
    TwoMistakes: "Two mistakes",
    KeepsState: "second call",
    RawTensors: "no `nn.Parameter`",
    WithHead: "`fc`",
}
