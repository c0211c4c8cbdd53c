"""The scan equals the loop, values, gradients and second derivatives; minGRU and minLSTM are what their papers say."""

import runpy

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from repository import ROOT

from lstm_lesson.successors import MinGRU, scans

MinLSTM = runpy.run_path(str(ROOT / "benchmarks" / "min_lstm.py"))["MinLSTM"]
EXACT = 1e-12


def difference(a, b):
    assert a.shape == b.shape
    return (a - b).abs().max().item()


def drawn(B, T, H, dtype=torch.float64):
    a, b, h_0 = torch.rand(B, T, H, dtype=dtype), torch.randn(B, T, H, dtype=dtype), torch.randn(B, H, dtype=dtype)
    return [v.requires_grad_() for v in (a, b, h_0)]


@settings(max_examples=60, deadline=None)
@given(B=st.integers(1, 4), T=st.integers(1, 80), H=st.integers(1, 4), turned=st.booleans(), seed=st.integers(0, 999))
@example(B=1, T=1, H=1, turned=False, seed=0)
@example(B=2, T=3, H=2, turned=False, seed=0)
@example(B=2, T=64, H=2, turned=True, seed=0)
@example(B=2, T=1000, H=2, turned=False, seed=0)
@example(B=2, T=101, H=2, turned=False, seed=0)
def test_the_scan_equals_the_loop(B, T, H, turned, seed):
    torch.manual_seed(seed)
    leaves = drawn(B, T, H)
    a, b, h_0 = leaves if not turned else (v.transpose(0, 1).contiguous().transpose(0, 1) for v in leaves)
    hidden_seq, expected = scans.scan(a, b, h_0), scans.loop(a, b, h_0)
    assert difference(hidden_seq, expected) <= EXACT
    upstream = torch.randn_like(expected)
    got, wanted = (torch.autograd.grad(h, leaves, upstream) for h in (hidden_seq, expected))
    assert max(difference(mine, loops) for mine, loops in zip(got, wanted, strict=True)) <= EXACT


@pytest.mark.parametrize("T", [1, 2, 5, 16, 19])
def test_backwards_is_the_scan_of_the_reversed_sequence(T):
    a, b, h_0 = (v.detach() for v in drawn(2, T, 3))
    turned = scans.loop(a.flip(1), b.flip(1), h_0).flip(1)
    assert difference(scans.scan_blocks(a, b, h_0, backwards=True), turned) <= EXACT


def test_gradients_and_second_derivatives_of_the_scan():
    torch.manual_seed(0)
    assert torch.autograd.gradcheck(scans.scan, drawn(2, 7, 2))
    assert torch.autograd.gradgradcheck(scans.scan, drawn(2, 7, 2))


def test_the_scan_takes_far_fewer_operations_than_steps():
    a, b, h_0 = (v.detach() for v in drawn(1, 4096, 1))
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        scans.scan(a, b, h_0)
    work = ("aten::addcmul", "aten::mul", "aten::mul_", "aten::add", "aten::add_")
    assert sum(e.count for e in profile.key_averages() if e.key in work) <= 7 * 64


@pytest.mark.parametrize("make", [MinGRU, MinLSTM])
def test_both_ways_and_step_by_step_are_one_model(make):
    torch.manual_seed(0)
    model, x, h_0 = make(3, 4).double(), torch.randn(2, 21, 3, dtype=torch.float64), torch.randn(2, 4).double()
    hidden_seq, h_n = model(x, h_0)
    assert difference(hidden_seq, model(x, h_0, parallel=False)[0]) <= EXACT and torch.equal(h_n, hidden_seq[:, -1])
    h, steps = h_0, []
    for t in range(21):
        _, h = model(x[:, t : t + 1], h)
        steps.append(h)
    assert difference(torch.stack(steps, 1), hidden_seq) <= EXACT
    assert torch.equal(model(x)[0], model(x, torch.zeros(2, 4).double())[0])
    upstream = torch.randn_like(hidden_seq)
    one, other = (torch.autograd.grad(h, list(model.parameters()), upstream)
                  for h in (hidden_seq, model(x, h_0, parallel=False)[0]))  # fmt: skip
    assert max(difference(a, b) for a, b in zip(one, other, strict=True)) <= EXACT


def test_the_equations_of_feng_et_al():
    torch.manual_seed(0)
    x, h = torch.randn(2, 1, 3), torch.randn(2, 4)
    gru, lstm, x_t = MinGRU(3, 4), MinLSTM(3, 4), x[:, 0]
    z = torch.sigmoid(-(x_t @ gru.W_xz + gru.b_z))  # theirs: 1 minus ours
    theirs = (1 - z) * h + z * (x_t @ gru.W_xh + gru.b_h)
    assert torch.allclose(gru(x, h)[1], theirs, atol=1e-6)
    f, i = (torch.sigmoid(x_t @ getattr(lstm, f"W_x{k}") + getattr(lstm, f"b_{k}")) for k in "fi")
    theirs = f / (f + i) * h + i / (f + i) * (x_t @ lstm.W_xh + lstm.b_h)
    assert torch.allclose(lstm(x, h)[1], theirs, atol=1e-6)
    assert [name for name, _ in lstm.named_parameters()] == ["W_xf", "b_f", "W_xi", "b_i", "W_xh", "b_h"]
    assert max(p.abs().max().item() for p in lstm.parameters()) <= 0.5


def test_the_states_of_mingru_pytorch():
    """Its candidate goes through a function that stays above 0; with its values of the candidate the states agree."""
    theirs = pytest.importorskip("minGRU_pytorch.minGRU")
    torch.manual_seed(0)
    module, x = theirs.minGRU(3).double(), torch.randn(2, 50, 3, dtype=torch.float64)
    hidden, gate = module.to_hidden_and_gate(x).chunk(2, dim=-1)
    a, g = torch.sigmoid(-gate), theirs.g(hidden)
    assert (
        difference(scans.scan(a, (1 - a) * g, torch.zeros(2, 3).double()), module(x)) <= 1e-9
    )  # theirs: in logarithms


x, h = torch.randn(2, 5, 3), torch.randn(2, 3)
BAD = {
    "b of another size": (
        lambda: scans.scan(x, x[:, :, :2], h),
        r"b has shape \(2, 5, 2\); it needs .* H = 3, as in a",
    ),
    "b of other steps": (lambda: scans.scan(x, x[:, :4], h), r"b has shape \(2, 4, 3\)"),
    "a of rank 2": (lambda: scans.scan(h, h, h), r"a has shape \(2, 3\); it needs \(B, T, H\)"),
    "no steps": (lambda: scans.scan(x[:, :0], x[:, :0], h), r"a has shape \(2, 0, 3\).*at least 1"),
    "state of another batch": (lambda: scans.scan(x, x, h[:1]), r"h_0 has shape \(1, 3\)"),
    "state of another dtype": (lambda: scans.loop(x, x, h.double()), r"h_0 has dtype torch.float64"),
    "state no tensor": (lambda: scans.loop(x, x, 0), r"h_0 is int; it needs a torch.Tensor"),
    "x too wide": (lambda: MinGRU(2, 3)(x), r"x has shape \(2, 5, 3\).* N = 2"),
    "x of integers": (lambda: MinLSTM(3, 3)(x.long()), r"x has dtype torch.int64"),
    "state of another size": (
        lambda: MinLSTM(3, 4)(x, h),
        r"h_0 has shape \(2, 3\); it needs \(B, H\) with .* H = 4, as in a",
    ),
    "input_size 0": (lambda: MinGRU(0, 3), r"input_size is 0"),
    "hidden_size 2.5": (lambda: MinLSTM(3, 2.5), r"hidden_size is 2.5"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case):
    call, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        call()


def test_minlstm_has_numbers_where_both_gates_are_shut():
    layer = MinLSTM(1, 2)
    with torch.no_grad():
        layer.W_xf.fill_(-200)
        layer.W_xi.fill_(-200)
    assert layer(torch.ones(1, 3, 1))[0].isfinite().all()
