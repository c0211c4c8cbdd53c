"""Our networks equal PyTorch's in float64, values and every gradient, over all sizes and options."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lstm_lesson import CustomLSTM, LSTMCell, RNNCell, layers, parity
from lstm_lesson.layers import from_torch_weights, lstm, unroll

EXACT = 1e-12
size = st.integers(1, 5)
many = settings(max_examples=30, deadline=None)


def difference(a, b):
    assert a.shape == b.shape
    return (a - b).abs().max().item()


def double(*shape):
    return torch.randn(*shape, dtype=torch.float64)


@many
@given(B=size, T=size, N=size, H=size, seed=st.integers(0, 10_000))
@example(B=1, T=1, N=1, H=1, seed=0)
def test_unrolling_equals_nn_rnn(B, T, N, H, seed):
    torch.manual_seed(seed)
    theirs, ours = nn.RNN(N, H, batch_first=True).double(), RNNCell(N, H).double()
    ours.load_state_dict({
        "W_xh": theirs.weight_ih_l0.t(), "W_hh": theirs.weight_hh_l0.t(), "b_h": theirs.bias_ih_l0 + theirs.bias_hh_l0
    })  # fmt: skip
    x, h_0 = double(B, T, N).requires_grad_(), double(B, H).requires_grad_()
    expected, _ = theirs(x, h_0[None])
    hidden_seq = unroll(x, h_0, ours.W_xh, ours.W_hh, ours.b_h)
    assert difference(hidden_seq, expected) <= EXACT

    h, steps = h_0, []
    for t in range(T):
        h = ours(x[:, t], h)
        steps.append(h)
    assert torch.equal(torch.stack(steps, dim=1), hidden_seq)

    upstream = double(B, T, H)
    wanted = torch.autograd.grad(expected, [x, h_0, *theirs.parameters()], upstream)
    got = torch.autograd.grad(hidden_seq, [x, h_0, ours.W_xh, ours.W_hh, ours.b_h], upstream)
    for mine, torchs in zip(got, (*wanted[:2], wanted[2].t(), wanted[3].t(), wanted[4]), strict=True):
        assert difference(mine, torchs) <= EXACT


def gradients(model, x, init_states, hidden_seq, h_n, c_n, upstream):
    leaves = [x, *(init_states or ()), *model.parameters()]
    grads = torch.autograd.grad([hidden_seq, h_n, c_n], leaves, upstream)
    return grads[: len(leaves) - len(list(model.parameters()))], grads[len(leaves) - len(list(model.parameters())) :]


@many
@given(
    B=size, T=size, N=size, H=size, layers=st.integers(1, 3), both=st.booleans(), given_states=st.booleans(),
    padded=st.booleans(), seed=st.integers(0, 10_000),
)  # fmt: skip
@example(B=1, T=1, N=1, H=1, layers=1, both=False, given_states=False, padded=False, seed=0)
@example(B=1, T=1, N=1, H=1, layers=3, both=True, given_states=True, padded=True, seed=0)
@example(B=4, T=5, N=3, H=2, layers=3, both=True, given_states=True, padded=True, seed=1)
@example(B=4, T=5, N=3, H=2, layers=1, both=False, given_states=True, padded=True, seed=1)
@example(B=3, T=5, N=3, H=2, layers=2, both=True, given_states=False, padded=False, seed=1)
def test_custom_lstm_equals_nn_lstm(B, T, N, H, layers, both, given_states, padded, seed):
    torch.manual_seed(seed)
    theirs = nn.LSTM(N, H, layers, batch_first=True, bidirectional=both).double()
    ours = CustomLSTM.from_torch(theirs)
    x = double(B, T, N).requires_grad_()
    K = layers * (2 if both else 1)
    states = tuple(double(K, B, H).requires_grad_() for _ in "hc") if given_states else None
    own_states = tuple(s[0] for s in states) if states and K == 1 else states
    lengths = torch.randint(1, T + 1, (B,)) if padded else None

    fed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False) if padded else x
    expected, (h_n, c_n) = theirs(fed, states)
    if padded:
        expected, _ = pad_packed_sequence(expected, batch_first=True, total_length=T)
    hidden_seq, (own_h, own_c) = ours(x, own_states, lengths)
    if K == 1:
        own_h, own_c = own_h[None], own_c[None]
    for mine, torchs in ((hidden_seq, expected), (own_h, h_n), (own_c, c_n)):
        assert difference(mine, torchs) <= EXACT

    upstream = [torch.randn_like(t) for t in (expected, h_n, c_n)]
    inputs, params = gradients(theirs, x, states, expected, h_n, c_n, upstream)
    own_inputs, own_params = gradients(ours, x, states, hidden_seq, own_h, own_c, upstream)
    for mine, torchs in zip(own_inputs, inputs, strict=True):
        assert difference(mine, torchs) <= EXACT
    own_params = dict(zip([name for name, _ in ours.named_parameters()], own_params, strict=True))
    for k in range(K):  # both of PyTorch's biases have the gradient of our one
        weight_ih, weight_hh, bias_ih, bias_hh = params[4 * k : 4 * k + 4]
        assert difference(bias_ih, bias_hh) <= EXACT
        for name, torchs in from_torch_weights(weight_ih, weight_hh, bias_ih, torch.zeros_like(bias_hh)).items():
            assert difference(own_params[f"cells.{k}.{name}"], torchs) <= EXACT


@many
@given(B=size, T=size, N=size, H=size, layers=st.integers(1, 3), both=st.booleans(), seed=st.integers(0, 10_000))
def test_to_torch_and_back_is_the_same_lstm(B, T, N, H, layers, both, seed):
    torch.manual_seed(seed)
    ours = CustomLSTM(N, H, layers, bidirectional=both, forget_bias=1.0).double()
    x = double(B, T, N)
    hidden_seq, _ = ours(x)
    assert difference(hidden_seq, ours.to_torch()(x)[0]) <= EXACT
    for name, weight in CustomLSTM.from_torch(ours.to_torch()).named_parameters():
        assert torch.equal(weight, ours.get_parameter(name))


@many
@given(B=size, T=size, N=size, H=size, seed=st.integers(0, 10_000))
def test_the_functional_lstm_and_the_cell_equal_the_module(B, T, N, H, seed):
    torch.manual_seed(seed)
    module = CustomLSTM(N, H).double()
    x, h_0, c_0 = double(B, T, N), double(B, H), double(B, H)
    hidden_seq, (h_n, c_n) = module(x, (h_0, c_0))
    own_seq, h_T, c_T = lstm(x, h_0, c_0, module.cells[0].weights)  # the module runs its quick kernel
    assert difference(own_seq, hidden_seq) <= EXACT
    assert difference(h_T, h_n) <= EXACT
    assert difference(c_T, c_n) <= EXACT


def test_padded_steps_change_nothing_whatever_they_hold():
    torch.manual_seed(0)
    module = CustomLSTM(3, 4, num_layers=2, bidirectional=True).double()
    x, lengths = double(3, 6, 3), [6, 2, 4]
    spoiled = x.clone()
    for row, length in enumerate(lengths):
        spoiled[row, length:] = 1e6
    hidden_seq, (h_n, c_n) = module(x, lengths=lengths)
    same_seq, (same_h, same_c) = module(spoiled, lengths=lengths)
    assert torch.equal(hidden_seq, same_seq)
    assert torch.equal(h_n, same_h)
    assert torch.equal(c_n, same_c)


@pytest.mark.parametrize("peephole", [None, "diagonal", "full"])
def test_gradcheck_of_the_whole_layer(peephole):
    torch.manual_seed(0)
    module = CustomLSTM(2, 3, peephole=peephole, forget_bias=0.5).double()
    names = [name for name, _ in module.named_parameters()]
    x, h_0, c_0 = double(2, 3, 2).requires_grad_(), double(2, 3).requires_grad_(), double(2, 3).requires_grad_()

    def run(x, h_0, c_0, *weights):
        call = dict(zip(names, weights, strict=True))
        hidden_seq, (h_n, c_n) = torch.func.functional_call(module, call, (x, (h_0, c_0)), {"lengths": [3, 2]})
        return hidden_seq, h_n, c_n

    weights = [w.detach().clone().requires_grad_() for w in module.parameters()]
    assert len(weights) == (12 if peephole is None else 15)
    assert torch.autograd.gradcheck(run, (x, h_0, c_0, *weights))


@pytest.mark.parametrize("peephole", ["diagonal", "full"])
def test_the_output_gate_sees_the_new_memory_and_the_others_the_old(peephole):
    torch.manual_seed(0)
    cell = LSTMCell(2, 3, peephole=peephole).double()
    w = cell.weights
    see = (lambda c, W: c @ W) if peephole == "full" else (lambda c, W: c * W)
    x, h, c = double(4, 2), double(4, 3), double(4, 3)
    i = torch.sigmoid(x @ w["W_xi"] + h @ w["W_hi"] + see(c, w["W_ci"]) + w["b_i"])
    f = torch.sigmoid(x @ w["W_xf"] + h @ w["W_hf"] + see(c, w["W_cf"]) + w["b_f"])
    c_t = f * c + i * torch.tanh(x @ w["W_xc"] + h @ w["W_hc"] + w["b_c"])
    o = torch.sigmoid(x @ w["W_xo"] + h @ w["W_ho"] + see(c_t, w["W_co"]) + w["b_o"])
    own_h, own_c = cell(x, (h, c))
    assert difference(own_c, c_t) <= EXACT
    assert difference(own_h, o * torch.tanh(c_t)) <= EXACT


@pytest.mark.parametrize("frozen", ["bias_ih_l0", "bias_hh_l0", "weight_hh_l0", "weight bias"])
def test_frozen_weights_are_compared_too_and_both_layers_keep_their_gradients(frozen):
    theirs, x = nn.LSTM(2, 3, batch_first=True, dtype=torch.float64), double(2, 4, 2)
    for name, weight in theirs.named_parameters():
        weight.requires_grad_(not any(part in name for part in frozen.split()))
    ours = CustomLSTM.from_torch(theirs)
    assert max(parity.differences(ours, theirs, x).values()) <= EXACT
    assert all(weight.grad is None for lstm in (ours, theirs) for weight in lstm.parameters())
    with torch.no_grad():
        ours.cells[0].b_f += 1
    assert parity.differences(ours, theirs, x)["gradients of the weights"] > 1e-3


@pytest.mark.parametrize(("kernel", "runs"), [(None, "run_cell"), (True, "run_cell"), (False, "run_steps")])
def test_a_comparison_runs_the_form_of_our_layer_that_is_asked_for(kernel, runs, monkeypatch):
    theirs, calls = nn.LSTM(2, 3, batch_first=True, dtype=torch.float64), []
    for name in ("run_cell", "run_steps"):
        real = getattr(layers, name)
        monkeypatch.setattr(layers, name, lambda *a, name=name, real=real, **k: (calls.append(name), real(*a, **k))[1])
    found = parity.differences(CustomLSTM.from_torch(theirs), theirs, double(2, 4, 2), kernel=kernel)
    assert calls == [runs]
    assert max(found.values()) <= EXACT
