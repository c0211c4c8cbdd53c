"""Every equation equals the matching slice of `nn.LSTM`'s own arithmetic, value and gradient."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import linear

from lstm_lesson import equations
from lstm_lesson.layers import from_torch_weights

size = st.integers(1, 6)
EXACT = 1e-12
GATES = {"i": equations.input_gate, "f": equations.forget_gate, "c": equations.candidate, "o": equations.output_gate}


def difference(a, b):
    assert a.shape == b.shape
    return (a - b).abs().max().item()


def torch_slice(lstm, x_t, h_prev, k):
    """Rows of one gate in PyTorch's stacked arithmetic, before its activation: the order is i, f, g, o."""
    H = lstm.hidden_size
    stacked = linear(x_t, lstm.weight_ih_l0, lstm.bias_ih_l0) + linear(h_prev, lstm.weight_hh_l0, lstm.bias_hh_l0)
    return stacked[:, k * H : (k + 1) * H]


@settings(max_examples=40, deadline=None)
@given(B=size, N=size, H=size, scale=st.sampled_from([0.1, 1.0, 30.0]), seed=st.integers(0, 10_000))
@pytest.mark.parametrize("makes", "ifco")
def test_each_gate_equals_its_slice_of_torchs_arithmetic(makes, B, N, H, scale, seed):
    torch.manual_seed(seed)
    lstm = nn.LSTM(N, H, batch_first=True).double()
    weights = {k: w.requires_grad_() for k, w in from_torch_weights(*(p.detach() for p in lstm.parameters())).items()}
    x_t, h_prev = torch.randn(2, B, max(N, H), dtype=torch.float64).mul(scale)
    x_t, h_prev = x_t[:, :N].requires_grad_(), h_prev[:, :H].requires_grad_()

    squash = torch.tanh if makes == "c" else torch.sigmoid
    k = "ifco".index(makes)
    theirs = squash(torch_slice(lstm, x_t, h_prev, k))
    ours = GATES[makes](x_t, h_prev, weights[f"W_x{makes}"], weights[f"W_h{makes}"], weights[f"b_{makes}"])
    assert difference(ours, theirs) <= EXACT

    upstream = torch.randn_like(theirs)
    dx, dh, dW_x, dW_h, db = torch.autograd.grad(theirs, [x_t, h_prev, *list(lstm.parameters())[:3]], upstream)
    own = torch.autograd.grad(
        ours, [x_t, h_prev, weights[f"W_x{makes}"], weights[f"W_h{makes}"], weights[f"b_{makes}"]], upstream
    )
    rows = slice(k * H, (k + 1) * H)
    for mine, torchs in zip(own, (dx, dh, dW_x[rows].t(), dW_h[rows].t(), db[rows]), strict=True):
        assert difference(mine, torchs) <= EXACT


@settings(max_examples=40, deadline=None)
@given(B=size, N=size, H=size, seed=st.integers(0, 10_000))
def test_equations_3_and_5_give_the_states_of_torchs_cell(B, N, H, seed):
    torch.manual_seed(seed)
    cell = nn.LSTMCell(N, H).double()
    x_t, h_prev, c_prev = (torch.randn(B, n, dtype=torch.float64) for n in (N, H, H))
    w = from_torch_weights(*(p.detach() for p in cell.parameters()))
    i, f, g, o = (GATES[k](x_t, h_prev, w[f"W_x{k}"], w[f"W_h{k}"], w[f"b_{k}"]) for k in "ifco")
    c_t = equations.cell_state(f, c_prev, i, g)
    h_t = equations.hidden_state(o, c_t)
    theirs_h, theirs_c = cell(x_t, (h_prev, c_prev))
    assert difference(c_t, theirs_c) <= EXACT
    assert difference(h_t, theirs_h) <= EXACT


def test_the_memory_passes_its_gradient_through_the_forget_gate_alone():
    f, c, i, g = torch.rand(4, 3, 5, dtype=torch.float64)
    c.requires_grad_()
    equations.cell_state(f, c, i, g).sum().backward()
    assert torch.equal(c.grad, f)


@pytest.mark.parametrize("gate", ["input_gate", "forget_gate", "output_gate"])
def test_a_diagonal_peephole_is_a_full_one_with_a_diagonal_matrix(gate):
    torch.manual_seed(0)
    x_t, h_prev, c = (torch.randn(4, n, dtype=torch.float64) for n in (3, 5, 5))
    W_x, W_h, b, w = (torch.randn(s, dtype=torch.float64) for s in ((3, 5), (5, 5), (5,), (5,)))
    function = getattr(equations, gate)
    diagonal = function(x_t, h_prev, W_x, W_h, b, c, w)
    assert difference(diagonal, function(x_t, h_prev, W_x, W_h, b, c, torch.diag(w))) <= EXACT
    inside = torch.sigmoid(x_t @ W_x + h_prev @ W_h + c * w + b)  # the third term stands inside the sigmoid
    assert difference(diagonal, inside) <= EXACT
    assert difference(diagonal, function(x_t, h_prev, W_x, W_h, b)) > 0.01


def test_half_life_is_the_step_at_which_half_is_left():
    f = torch.tensor([0.1, 0.5, 0.9, 0.999], dtype=torch.float64)
    assert torch.allclose(f ** equations.half_life(f), torch.tensor(0.5, dtype=torch.float64), atol=1e-12)
    assert equations.half_life(torch.tensor([0.25, 0.5])).tolist() == [0.5, 1.0]
    assert equations.half_life(torch.ones(1)).item() == float("inf")  # and not minus infinity
    with pytest.raises(ValueError, match=r"f has entries from -0.5 to 1.5; it needs 0 to 1"):
        equations.half_life(torch.tensor([-0.5, 1.5]))


def good(name):
    """Arguments that fit, with B = 2, N = 3, H = 4, under the argument names of the equation."""
    shapes = {"x_t": (2, 3), "W_x": (3, 4), "W_h": (4, 4), "b": (4,)}
    states = {k: torch.randn(2, 4) for k in ("h_prev", "c_prev", "f_t", "i_t", "g_t", "o_t", "c_t")}
    inputs = {k: torch.randn(s) for k, s in shapes.items()}
    if name in ("cell_state", "hidden_state"):
        return [
            states[k] for k in {"cell_state": ("f_t", "c_prev", "i_t", "g_t"), "hidden_state": ("o_t", "c_t")}[name]
        ]
    return [inputs["x_t"], states["h_prev"], inputs["W_x"], inputs["W_h"], inputs["b"]]


SIGNATURES = {
    "rnn_step": ("x_t", "h_prev", "W_xh", "W_hh", "b_h"),
    "input_gate": ("x_t", "h_prev", "W_xi", "W_hi", "b_i"),
    "forget_gate": ("x_t", "h_prev", "W_xf", "W_hf", "b_f"),
    "candidate": ("x_t", "h_prev", "W_xc", "W_hc", "b_c"),
    "output_gate": ("x_t", "h_prev", "W_xo", "W_ho", "b_o"),
    "cell_state": ("f_t", "c_prev", "i_t", "g_t"),
    "hidden_state": ("o_t", "c_t"),
}
SPOILS = {
    "rank": (lambda t: t[None], "has shape"),
    "size": (lambda t: torch.cat([t, t], dim=-1), "has shape"),
    "integers": (lambda t: t.long(), "has dtype torch.int64"),
    "dtype": (lambda t: t.double(), "has dtype"),
    "device": (lambda t: t.to("meta"), "has device"),
    "empty": (lambda t: t[..., :0], "has shape"),
    "no tensor": (lambda t: t.tolist(), "is list"),
    "numpy": (lambda t: t.numpy(), "is ndarray"),
}


@pytest.mark.parametrize("spoil", SPOILS)
@pytest.mark.parametrize(("name", "k"), [(n, k) for n, names in SIGNATURES.items() for k in range(len(names))])
def test_the_error_for_bad_input_names_the_argument(name, k, spoil):
    change, says = SPOILS[spoil]
    arguments = good(name)
    arguments[k] = change(arguments[k])
    with pytest.raises(ValueError, match=says) as caught:
        getattr(equations, name)(*arguments)
    # A wrong first argument shows in the next one, which it no longer fits: the message then names both.
    assert SIGNATURES[name][k] in str(caught.value)


@pytest.mark.parametrize(("name", "k"), [(n, k) for n, names in SIGNATURES.items() for k in range(2, len(names))])
def test_the_error_for_a_transposed_weight_says_the_shape_it_needs(name, k):
    arguments = good(name)
    if arguments[k].ndim == 2 and arguments[k].shape[0] != arguments[k].shape[1]:
        arguments[k] = arguments[k].t()
        with pytest.raises(ValueError, match=rf"{SIGNATURES[name][k]} has shape .* it needs"):
            getattr(equations, name)(*arguments)


@pytest.mark.parametrize("gate", ["input_gate", "forget_gate", "output_gate"])
def test_a_cell_state_without_a_peephole_weight_is_ignored(gate):
    state = {"c_t" if gate == "output_gate" else "c_prev": torch.randn(2, 4)}
    arguments = good(gate)
    assert torch.equal(getattr(equations, gate)(*arguments, **state), getattr(equations, gate)(*arguments))


@pytest.mark.parametrize("gate", ["input_gate", "forget_gate", "output_gate"])
def test_a_peephole_that_is_not_complete_or_does_not_fit_is_named(gate):
    letter, memory = gate[0], "c_t" if gate == "output_gate" else "c_prev"
    with pytest.raises(ValueError, match=rf"^{memory} is None; W_c{letter} was given"):
        getattr(equations, gate)(*good(gate), **{f"W_c{letter}": torch.randn(4)})
    with pytest.raises(ValueError, match=f"W_c{letter} has shape"):
        getattr(equations, gate)(*good(gate), torch.randn(2, 4), torch.randn(5))
    with pytest.raises(ValueError, match=f"{memory} has shape"):
        getattr(equations, gate)(*good(gate), torch.randn(3, 4), torch.randn(4))
