"""Our GRU equals PyTorch's in float64, values and every gradient, over all sizes; each bad argument is named."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from lstm_lesson.cells import RNNCell
from lstm_lesson.successors import CustomGRU, GRUCell, gru

EXACT = 1e-12
size = st.integers(1, 5)
many = settings(max_examples=30, deadline=None)


def difference(a, b):
    assert a.shape == b.shape
    return (a - b).abs().max().item()


def double(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def own_layout(weight_ih, weight_hh, bias_ih, bias_hh):
    """PyTorch's gradients under our names: each of the gates' two biases has the gradient of our one."""
    for k, rows in zip("rzh", torch.arange(len(bias_ih)).chunk(3), strict=True):
        yield f"W_x{k}", weight_ih[rows].t()
        yield f"W_h{k}", weight_hh[rows].t()
        yield f"b_{k}", bias_ih[rows]
    yield "b_hh", bias_hh[rows]


@many
@given(
    B=size, T=size, N=size, H=size, given_state=st.booleans(), scale=st.sampled_from([1.0, 20.0]),
    seed=st.integers(0, 10_000),
)  # fmt: skip
@example(B=1, T=1, N=1, H=1, given_state=False, scale=1.0, seed=0)
@example(B=4, T=5, N=3, H=2, given_state=True, scale=20.0, seed=0)
def test_custom_gru_equals_nn_gru(B, T, N, H, given_state, scale, seed):
    torch.manual_seed(seed)
    theirs = nn.GRU(N, H, batch_first=True).double()
    ours = CustomGRU.from_torch(theirs)
    x = (scale * double(B, T, N)).requires_grad_()
    h_0 = double(B, H).requires_grad_()
    expected, h_n = theirs(x, h_0[None] if given_state else None)
    hidden_seq, own_h = ours(x, h_0 if given_state else None)
    assert max(difference(hidden_seq, expected), difference(own_h, h_n[0])) <= EXACT

    up, up_n = torch.randn_like(expected), torch.randn_like(own_h)
    inputs = [x, h_0] if given_state else [x]
    wanted = torch.autograd.grad([expected, h_n], [*inputs, *theirs.parameters()], [up, up_n[None]])
    got = torch.autograd.grad([hidden_seq, own_h], [*inputs, *ours.parameters()], [up, up_n])
    for mine, torchs in zip(got, wanted[: len(inputs)], strict=False):
        assert difference(mine, torchs) <= EXACT
    own = dict(zip([name for name, _ in ours.cells[0].named_parameters()], got[len(inputs) :], strict=True))
    for name, torchs in own_layout(*wanted[len(inputs) :]):
        assert difference(own[name], torchs) <= EXACT, name


@many
@given(B=size, N=size, H=size, seed=st.integers(0, 10_000))
def test_the_cell_equals_nn_gru_cell(B, N, H, seed):
    torch.manual_seed(seed)
    theirs = nn.GRUCell(N, H).double()
    ours = CustomGRU.from_torch(theirs).cells[0]
    x_t, h = double(B, N).requires_grad_(), double(B, H).requires_grad_()
    expected, h_t, up = theirs(x_t, h), ours(x_t, h), double(B, H)
    assert difference(h_t, expected) <= EXACT
    assert difference(ours(x_t), theirs(x_t)) <= EXACT
    wanted = torch.autograd.grad(expected, [x_t, h, *theirs.parameters()], up)
    got = torch.autograd.grad(h_t, [x_t, h, *ours.parameters()], up)
    assert max(difference(a, b) for a, b in zip(got[:2], wanted[:2], strict=True)) <= EXACT
    own = dict(zip([name for name, _ in ours.named_parameters()], got[2:], strict=True))
    assert max(difference(own[name], torchs) for name, torchs in own_layout(*wanted[2:])) <= EXACT


def test_with_an_open_reset_gate_and_nothing_kept_a_gru_is_an_rnn():
    torch.manual_seed(0)
    ours, rnn = GRUCell(3, 4).double(), RNNCell(3, 4).double()
    with torch.no_grad():
        ours.b_r.fill_(1000.0), ours.b_z.fill_(-1000.0), ours.b_hh.zero_()
        rnn.load_state_dict({name: getattr(ours, name) for name in ("W_xh", "W_hh", "b_h")})
    x_t, h = double(2, 3), double(2, 4)
    assert difference(ours(x_t, h), rnn(x_t, h)) <= EXACT
    with torch.no_grad():
        ours.b_z.fill_(1000.0)  # all is kept
    assert torch.equal(ours(x_t, h), h)


def test_a_gru_has_three_quarters_of_the_weights_of_an_lstm_and_one_bias_more():
    ours, lstm = GRUCell(3, 4), 4 * (3 * 4 + 4 * 4 + 4)
    assert sum(p.numel() for p in ours.parameters()) == 3 * lstm // 4 + 4
    assert list(ours.weights) == list(gru.NAMES) and set(ours.weights) == {name for name, _ in ours.named_parameters()}
    assert (
        max(p.abs().max().item() for p in ours.parameters())
        <= 0.5
        < 1.01 * max(p.abs().max() for p in ours.parameters())
    )


def test_gradcheck_of_the_step():
    torch.manual_seed(0)
    cell = GRUCell(2, 3).double()
    names, weights = zip(*cell.weights.items(), strict=True)
    step = lambda x_t, h, *w: gru.gru_step(x_t, h, dict(zip(names, w, strict=True)))  # noqa: E731
    leaves = [w.detach().clone().requires_grad_() for w in weights]
    assert torch.autograd.gradcheck(step, (double(2, 2).requires_grad_(), double(2, 3).requires_grad_(), *leaves))


x, h = torch.randn(2, 5, 3), torch.randn(2, 4)
GRU = CustomGRU(3, 4)
W = GRU.cells[0].weights
BAD = {
    "x of rank 2": (lambda: GRU(x[0]), r"x has shape \(5, 3\); it needs \(B, T, N\)"),
    "x too wide": (lambda: GRU(torch.randn(2, 5, 7)), r"x has shape \(2, 5, 7\).* N = 3"),
    "x of integers": (lambda: GRU(x.long()), r"x has dtype torch.int64.*floating"),
    "x no tensor": (lambda: GRU(x.tolist()), r"x is list; it needs a torch.Tensor"),
    "x of another dtype": (lambda: GRU(x.double()), r"has dtype torch.float32; it needs torch.float64"),
    "state of another batch": (lambda: GRU(x, h[:1]), r"h_0 has shape \(1, 4\); it needs \(B, H\) with B = 2"),
    "state of another size": (lambda: GRU(x, h[:, :3]), r"h_0 has shape \(2, 3\); it needs .* H = 4"),
    "state of an LSTM": (lambda: GRU(x, (h, h)), r"h_0 is tuple; it needs a torch.Tensor"),
    "hidden_size 0": (lambda: CustomGRU(3, 0), r"hidden_size is 0; it needs a whole number of at least 1"),
    "input_size 2.5": (lambda: GRUCell(2.5, 3), r"input_size is 2.5"),
    "cell: x_t of rank 3": (lambda: GRUCell(3, 4)(x), r"x_t has shape \(2, 5, 3\); it needs \(B, N\)"),
    "cell: x_t too wide": (lambda: GRUCell(2, 4)(x[:, 0]), r"W_xr has shape \(2, 4\); it needs \(N, H\) with N = 3"),
    "cell: h of another batch": (lambda: GRUCell(3, 4)(x[:, 0], h[:1]), r"h_prev has shape \(1, 4\)"),
    "step: weights missing": (lambda: gru.gru_step(x[:, 0], h, {}), r"weights has no W_xr, .* each of r, z, h"),
    "step: W_xz transposed": (lambda: gru.gru_step(x[:, 0], h, {**W, "W_xz": W["W_xz"].t()}), r"W_xz has shape"),
    "step: weights no mapping": (lambda: gru.gru_step(x[:, 0], h, [1]), r"weights is list; .* from W_xr, W_hr, b_r, …"),
    "step: b_hh of another size": (lambda: gru.gru_step(x[:, 0], h, {**W, "b_hh": h[0, :3]}), r"b_hh has shape \(3,\)"),
    "candidate: r of another batch": (lambda: gru.candidate(x[:, 0], h, h[:1], *list(W.values())[6:]), "r_t has shape"),
    "hidden_state: g of another size": (lambda: gru.hidden_state(h, h, h[:, :2]), r"g_t has shape \(2, 2\)"),
    "from a cell of ours": (lambda: CustomGRU.from_torch(GRU), r"gru is a CustomGRU; it needs a torch"),
    "from two layers": (lambda: CustomGRU.from_torch(nn.GRU(3, 4, 2, batch_first=True)), r"gru has 8 weights; .* one"),
    "from two directions": (
        lambda: CustomGRU.from_torch(nn.GRU(3, 4, batch_first=True, bidirectional=True)), r"gru has 8 weights"),
    "from one that reads (T, B, N)": (lambda: CustomGRU.from_torch(nn.GRU(3, 4)), "gru is a GRU with batch_first"),
    "from no bias": (lambda: CustomGRU.from_torch(nn.GRUCell(3, 4, bias=False)), r"gru has 2 weights.*with biases"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case):
    call, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        call()
