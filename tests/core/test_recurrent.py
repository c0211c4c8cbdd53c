"""What is recomputed from a module's weights is what the module computed, for every option of it."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parametrizations, prune, weight_norm
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from lstm_lesson import CustomLSTM, LSTMCell, record
from lstm_lesson.cells import lstm_values
from lstm_lesson.successors import GRUCell
from lstm_lesson.tracing import loss_gradient_by_lag

EXACT = {torch.float64: 1e-12, torch.float32: 1e-6, torch.float16: 4e-3, torch.bfloat16: 3e-2}
size, flag = st.integers(1, 4), st.booleans()


def given_state(module, dtype, *shape):
    """A state as the module takes it."""
    H, P = module.hidden_size, getattr(module, "proj_size", 0)
    h = torch.randn(*shape, P or H).to(dtype)
    return (h, torch.randn(*shape, H).to(dtype)) if isinstance(module, (nn.LSTM, nn.LSTMCell)) else h


def stepped(module, k, x, state, lengths, reverse):
    """The c (B, T, H) of one layer of nn.LSTM, by nn.LSTMCell with its weights, each sequence for itself."""
    weights = module.all_weights[k]
    cell = nn.LSTMCell(weights[0].shape[1], module.hidden_size, bias=module.bias).to(x)
    with torch.no_grad():
        for own, weight in zip(cell.parameters(), weights, strict=False):
            own.copy_(weight)
        c_seq = torch.full((*x.shape[:2], module.hidden_size), float("nan")).to(x)
        for b, length in enumerate(lengths):
            h, c = (part[k, b : b + 1] for part in state)
            for t in reversed(range(length)) if reverse else range(length):
                h, c = cell(x[b : b + 1, t], (h, c))
                c_seq[b, t] = c
    return c_seq


@settings(max_examples=150)
@given(
    kind=st.sampled_from([nn.LSTM, nn.GRU]), form=st.sampled_from(["batch", "batch", "one", "packed", "unsorted"]),
    layers=st.integers(1, 3), both=flag, batch_first=flag, bias=flag, proj=st.integers(0, 2), with_state=flag,
    dtype=st.sampled_from([torch.float32, torch.float64, torch.float64, torch.bfloat16, torch.float16]),
    B=size, T=st.integers(1, 6), N=size, H=st.integers(3, 5), dropout=st.sampled_from([0.0, 0.5]), by_name=flag,
    seed=st.integers(0, 10_000),
)  # fmt: skip
@example(nn.LSTM, "unsorted", 2, True, False, False, 2, True, torch.float64, 3, 6, 3, 4, 0.5, True, 0)
@example(nn.LSTM, "batch", 2, True, False, True, 2, True, torch.float32, 3, 6, 3, 4, 0.0, False, 0)
@example(nn.GRU, "packed", 2, True, True, True, 0, True, torch.float32, 3, 6, 3, 4, 0.0, False, 0)
def test_every_option_of_nn_agrees_with_its_own_output(
    kind, form, layers, both, batch_first, bias, proj, with_state, dtype, B, T, N, H, dropout, by_name, seed
):
    torch.manual_seed(seed)
    options = {"proj_size": proj} if kind is nn.LSTM else {}
    module = kind(N, H, layers, bias=bias, batch_first=batch_first, dropout=dropout if layers > 1 else 0.0,
                  bidirectional=both, **options).to(dtype)  # fmt: skip
    B, D, P = 1 if form == "one" else B, 1 + both, proj * (kind is nn.LSTM) or H
    x, lengths = torch.randn(B, T, N).to(dtype), torch.full((B,), T)
    read = x[0] if form == "one" else x if batch_first else x.transpose(0, 1)
    if form in ("packed", "unsorted"):
        lengths = torch.randint(1, T + 1, (B,))
        lengths = lengths.sort(descending=True).values if form == "packed" else lengths
        lengths[0] = T
        read = pack_padded_sequence(read, lengths, batch_first, enforce_sorted=form == "packed")
    state = given_state(module, dtype, layers * D, *(() if form == "one" else (B,))) if with_state else None
    model, inputs = (module, {"hx": state}) if by_name else (Encoder(module), {})
    before = torch.get_rng_state()
    found = [
        record(model, read if by_name else (read, state), layer=layer, reverse=reverse, inputs=inputs)
        for layer in range(layers)
        for reverse in (False, True)[:D]
    ]
    assert torch.equal(torch.get_rng_state(), before) and module.training and model.training
    with torch.no_grad():
        hidden_seq, ends = module.eval()(read, state)
    if isinstance(hidden_seq, PackedSequence):
        hidden_seq, _ = pad_packed_sequence(hidden_seq, batch_first=True)
        assert all(trace.lengths.tolist() == lengths.tolist() for trace in found)
    elif form == "batch" and not batch_first:
        hidden_seq = hidden_seq.transpose(0, 1)
    hidden_seq = hidden_seq.reshape(B, T, D * P).float() if dtype.itemsize == 2 else hidden_seq.reshape(B, T, D * P)
    padded = torch.arange(T) >= lengths[:, None]
    for trace in found:
        assert trace.h.shape == (B, T, P) and trace[0].shape == (B, T, H)
        assert all(torch.equal(v.isnan().any(dim=2), padded) and v[~padded].isfinite().all() for v in trace)
    own = torch.cat([trace.h for trace in found[-D:]], dim=-1)
    assert (own - hidden_seq)[~padded].abs().max() <= EXACT[dtype]
    ends = ends if kind is nn.LSTM else (ends,)
    for name, end in zip("hc", ends, strict=False):  # of every layer, what its last step leaves
        for k, trace in enumerate(found):
            last = getattr(trace, name)[torch.arange(B), (lengths - 1) * (1 - k % D)]
            assert (last - end.reshape(layers * D, B, -1)[k]).abs().max() <= EXACT[dtype] * (1 + end.abs().max())
    if kind is nn.LSTM and not proj and dtype.itemsize > 2:  # c of the inner steps, which no output shows
        state = [torch.zeros(layers * D, B, H).to(x)] * 2 if state is None else [s.view(-1, B, H) for s in state]
        for k, trace in enumerate(found):
            c = stepped(module, k, x, state, lengths, k % D == 1)
            assert (trace.c - c)[~padded].abs().max() <= EXACT[dtype] * (1 + c[~padded].abs().max())
            if k % D == D - 1:
                x = torch.cat([t.h for t in found[k + 1 - D : k + 1]], dim=-1).nan_to_num()


class Encoder(nn.Module):
    """A module inside a larger one."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, x, state=None):
        return self.encoder(x, state)


class Loop(nn.Module):
    """A cell that a model calls step by step."""

    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def forward(self, x, state=None, keep=None):
        shown = []
        for t in range(x.shape[-2]):
            state = self.cell(x[..., t, :], state)
            shown.append(state[0] if isinstance(state, tuple) else state)
        return torch.stack(shown, dim=-2)


@settings(max_examples=60)
@given(
    kind=st.sampled_from([nn.LSTMCell, nn.GRUCell, LSTMCell, GRUCell]), bias=flag, with_state=flag, batch=flag,
    dtype=st.sampled_from([torch.float32, torch.float64]), B=size, T=st.integers(1, 6), seed=st.integers(0, 10_000),
)  # fmt: skip
def test_a_cell_in_a_loop_gives_one_trace(kind, bias, with_state, batch, dtype, B, T, seed):
    torch.manual_seed(seed)
    theirs = kind in (nn.LSTMCell, nn.GRUCell)
    model = Loop(kind(3, 4, **({"bias": bias} if theirs else {})).to(dtype))
    x = torch.randn(*((T, 3) if theirs and not batch else (B, T, 3)), dtype=dtype)
    shape = *x.shape[:-2], 4
    state = torch.randn(shape, dtype=dtype)
    state = (state, torch.randn(shape, dtype=dtype)) if kind in (nn.LSTMCell, LSTMCell) else state
    trace = record(model, (x, state if with_state else None))
    assert (trace.h.view(*shape[:-1], T, 4) - model(x, state if with_state else None)).abs().max() <= EXACT[dtype]
    assert (trace.h[:, 1:].numel() == 0) == (T == 1) and trace.h.shape[1:] == (T, 4)


@settings(max_examples=60)
@given(
    layers=st.integers(1, 2), both=flag, peephole=st.sampled_from([None, "diagonal", "full"]), with_state=flag,
    padded=flag, dtype=st.sampled_from([torch.float32, torch.float64]), B=size, T=st.integers(1, 6),
    seed=st.integers(0, 10_000),
)  # fmt: skip
def test_every_option_of_ours_agrees_with_its_own_output(layers, both, peephole, with_state, padded, dtype, B, T, seed):
    torch.manual_seed(seed)
    module = CustomLSTM(3, 4, layers, bidirectional=both, peephole=peephole).to(dtype)
    x, D = torch.randn(B, T, 3, dtype=dtype), 1 + both
    shape = (B, 4) if layers * D == 1 else (layers * D, B, 4)
    states = tuple(torch.randn(shape, dtype=dtype) for _ in "hc") if with_state else None
    lengths = torch.randint(1, T + 1, (B,)) if padded else None
    traces = [
        record(module, x, lengths, layer=layers - 1, reverse=reverse, inputs={"init_states": states})
        for reverse in (False, True)[:D]
    ]
    hidden_seq, _ = module(x, states, lengths)
    own = torch.cat([trace.h for trace in traces], dim=-1)
    true = ~own.isnan()
    assert (own - hidden_seq)[true].abs().max() <= EXACT[dtype]
    assert true.all(dim=2).sum() == (lengths.sum() if padded else B * T)
    if layers == 1:  # step by step, by the equations
        for d, trace in enumerate(traces):
            h_c = [torch.zeros(1, 4, dtype=dtype)] * 2 if states is None else [s.view(D, B, 4)[d, :1] for s in states]
            length = int(lengths[0]) if padded else T
            for t in reversed(range(length)) if d else range(length):
                values = lstm_values(x[:1, t], *h_c, module.cells[d].weights)
                h_c = values.h, values.c
                assert all((a[0, t] - b[0]).abs().max() <= 4 * EXACT[dtype] for a, b in zip(trace, values, strict=True))


def normed(module):
    weight_norm(module, "weight_hh_l0")
    with torch.no_grad():
        module.weight_hh_l0_g.mul_(2)


def normed_anew(module):
    parametrizations.weight_norm(module, "weight_hh_l0")
    with torch.no_grad():
        module.parametrizations.weight_hh_l0.original0.mul_(2)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize("change", [normed, normed_anew, lambda m: prune.l1_unstructured(m, "weight_hh_l0", 0.5)])
def test_the_weights_that_run_are_read(change):
    torch.manual_seed(0)
    module, x = nn.LSTM(3, 4, batch_first=True).double(), torch.randn(2, 5, 3).double()
    before = module(x)[0]
    change(module)
    trace = record(module, x)
    assert (trace.h - module(x)[0]).abs().max() <= 1e-12 and (trace.h - before).abs().max() > 1e-3


class Patched(nn.LSTM):
    """A forward that changes what it returns a little."""

    def forward(self, input, hx=None):
        hidden_seq, (h_n, c_n) = super().forward(input, hx)
        return hidden_seq, (h_n, c_n * 1.0002)


class Rough(nn.LSTM):
    """Computes in half precision inside, as a quantised module does."""

    def forward(self, input, hx=None):
        rough = nn.LSTM(3, 4).half()
        rough.load_state_dict(self.state_dict())
        x = input.data.half()
        x = PackedSequence(x, *input[1:]) if isinstance(input, PackedSequence) else x
        hidden_seq, (h_n, c_n) = rough(x)
        data = hidden_seq.data.float()
        packed = isinstance(input, PackedSequence)
        return PackedSequence(data, *input[1:]) if packed else data, (h_n.float(), c_n.float())


class Identity(nn.LSTM):
    def forward(self, words):
        return words


class Training(nn.LSTM):
    """Dropout that eval() does not stop."""

    def eval(self):
        return self


@pytest.mark.parametrize(
    ("kind", "sizes", "message"),
    [
        (Patched, (3, 4), r"model has the Patched, and its output differs by \d.* from what its weights give"),
        (Rough, (3, 4), r"model has the Rough, and its output differs by \d.* more than rounding; it needs"),
        (Identity, (3, 4), "model has the Identity, and a call of it cannot be recomputed"),
        (
            Training,
            (3, 4, 2, True, False, 0.5),
            r"output differs by [01]\.\d+ from what its weights give.*dropout that eval",
        ),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_module_that_computes_otherwise_is_refused(kind, sizes, message, packed):
    torch.manual_seed(1)
    module, x = kind(*sizes), torch.randn(5, 2, 3)
    read = pack_padded_sequence(x, [5, 3]) if packed else x
    with pytest.raises(ValueError, match=message):
        record(module, read)
    with pytest.raises(ValueError, match=message):
        loss_gradient_by_lag(module, read, lambda output: output[1][0].sum())


def test_a_forward_that_is_replaced_on_the_module_is_refused():
    module = nn.GRU(3, 4)
    module.forward = lambda x: (x[..., :1].expand(-1, -1, 4), torch.zeros(1, 2, 4))
    with pytest.raises(ValueError, match="model has the GRU, and its output differs by"):
        record(module, torch.randn(5, 2, 3))
    with pytest.raises(ValueError, match="model has the GRU '0', and its output differs by"):
        record(nn.Sequential(module), torch.randn(5, 2, 3))


def test_errors_of_rounding_that_grow_are_no_other_output():
    """Large weights let rounding grow: at each step of the last layer it starts anew from what the module returned."""
    torch.manual_seed(0)
    for kind in (nn.LSTM, nn.GRU):
        module, x = kind(16, 16, batch_first=True), torch.randn(1, 400, 16)
        with torch.no_grad():
            for weight in module.parameters():
                weight.mul_(10)
        assert (record(module, x).h - module(x)[0]).abs().max() <= 1e-5


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, CustomLSTM, nn.LSTMCell])
def test_a_module_under_autocast_is_held_to_the_rounding_of_autocast(kind):
    torch.manual_seed(0)
    module, x = kind(8, 8), torch.randn(4, 2, 8)
    x = x[0] if kind is nn.LSTMCell else x
    with torch.autocast("cpu", torch.bfloat16):
        inside = record(module, x)
    assert inside.h.dtype == torch.float32 and torch.allclose(inside.h, record(module, x).h, atol=0.03)
    assert kind is not nn.LSTMCell or torch.equal(inside.h, record(module, x).h)  # of the same input and state


def test_numbers_that_are_not_finite_are_refused_at_true_steps():
    module, x = nn.LSTM(3, 4, batch_first=True), torch.randn(2, 5, 3)
    x[0, 2] = float("nan")
    for lengths in (None, [3, 5]):  # the number is at a true step
        with pytest.raises(ValueError, match="model computes NaN or infinity; it needs finite numbers in x"):
            record(module, x, lengths)
    trace = record(module, x, lengths=[2, 5])
    assert trace.h[0, :2].isfinite().all() and trace.h[1].isfinite().all()
