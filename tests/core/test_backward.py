"""The gradients by hand equal those of autograd; the measures of notebook 03 are exact where the answer is known."""

import inspect
import math

import pytest
import torch

from lstm_lesson import CustomLSTM, LSTMCell, RNNCell
from lstm_lesson.backward import (
    accumulate,
    affine_backward,
    cell_state_backward,
    hidden_state_backward,
    lstm_backward,
    lstm_backward_step,
    rnn_backward_step,
    sigmoid_backward,
    tanh_backward,
)
from lstm_lesson.cells import lstm_step, lstm_values
from lstm_lesson.equations import cell_state, hidden_state, rnn_step
from lstm_lesson.gradients import gradient_by_lag, spectral_radius
from lstm_lesson.layers import lstm, unroll

SIZES = [(2, 3, 5), (4, 1, 2), (1, 1, 1), (3, 6, 1)]  # B, N, H


def draw(*shapes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


@pytest.mark.parametrize(("B", "N", "H"), SIZES)
def test_backward_step_gives_autograds_gradients(B, N, H):
    x_t, h_prev, W_xh, W_hh, b_h, dh_t = draw((B, N), (B, H), (N, H), (H, H), (H,), (B, H))
    leaves = [t.requires_grad_() for t in (x_t, h_prev, W_xh, W_hh, b_h)]
    h_t = rnn_step(*leaves)
    theirs = torch.autograd.grad(h_t, leaves, grad_outputs=dh_t)
    ours = rnn_backward_step(dh_t, x_t, h_prev, h_t, W_xh, W_hh)
    for name, own, expected in zip(("dx_t", "dh_prev", "dW_xh", "dW_hh", "db_h"), ours, theirs, strict=True):
        assert own.shape == expected.shape, name
        assert (own - expected).abs().max() <= 1e-12, name


def test_backward_steps_in_a_loop_give_the_gradient_of_a_whole_sequence():
    B, T, N, H = 2, 4, 3, 5
    x, h_0, W_xh, W_hh, b_h, dhidden = draw((B, T, N), (B, H), (N, H), (H, H), (H,), (B, T, H))
    leaves = [t.requires_grad_() for t in (x, h_0, W_xh, W_hh, b_h)]
    hidden_seq = unroll(*leaves)
    theirs = torch.autograd.grad(hidden_seq, leaves, grad_outputs=dhidden)

    dx, dh, sums = torch.zeros_like(x), torch.zeros_like(h_0), [0, 0, 0]
    for t in reversed(range(T)):
        h_prev = hidden_seq[:, t - 1] if t else h_0
        dx[:, t], dh, *parts = rnn_backward_step(dh + dhidden[:, t], x[:, t], h_prev, hidden_seq[:, t], W_xh, W_hh)
        sums = [total + part for total, part in zip(sums, parts, strict=True)]
    for own, expected in zip((dx, dh, *sums), theirs, strict=True):
        assert (own - expected).abs().max() <= 1e-12


def test_backward_step_leaves_its_inputs_as_they_were():
    inputs = draw((2, 5), (2, 3), (2, 5), (2, 5), (3, 5), (5, 5))
    before = [t.clone() for t in inputs]
    rnn_backward_step(*inputs)
    assert all(torch.equal(now, then) for now, then in zip(inputs, before, strict=True))


@pytest.mark.parametrize("place", range(6))
def test_backward_step_names_the_argument_that_does_not_fit(place):
    inputs = draw((2, 5), (2, 3), (2, 5), (2, 5), (3, 5), (5, 5))
    inputs[place] = torch.zeros(7, 11, dtype=torch.float64)
    named = ("dh_t", "x_t", "h_prev", "h_t", "W_xh", "W_hh")
    with pytest.raises(ValueError, match=named[place] if place else "x_t"):  # the first argument sets B and H
        rnn_backward_step(*inputs)


# The LSTM: each atom, the step, the sequence -------------------------------------------------------------------------


def affine(x_t, h_prev, W_x, W_h, b):
    return x_t @ W_x + h_prev @ W_h + b


def weights_of(N, H, seed=0):
    """Twelve weights of different numbers, large enough to saturate some gates."""
    shapes = {"W_x": (N, H), "W_h": (H, H), "b_": (H,)}
    names = [f"{name}{k}" for k in "ifco" for name in shapes]
    return dict(zip(names, draw(*(shapes[name[:-1]] for name in names), seed=seed), strict=True))


class ByHand(torch.autograd.Function):
    """A forward function and our backward pass for it, so that gradcheck can compare them with finite differences."""

    @staticmethod
    def forward(ctx, run, backward, *inputs):
        outputs = run(*inputs)
        ctx.run_backward = backward
        ctx.save_for_backward(*inputs)
        return outputs

    @staticmethod
    def backward(ctx, *gradients):
        return None, None, *ctx.run_backward(gradients, *ctx.saved_tensors)


def backward_of_hidden_state(gradients, o_t, c_t):
    return hidden_state_backward(*gradients, o_t, c_t)


def backward_of_cell_state(gradients, f_t, c_prev, i_t, g_t):
    return cell_state_backward(*gradients, f_t, c_prev, i_t, g_t)


def backward_of_affine(gradients, x_t, h_prev, W_x, W_h, b):
    return affine_backward(*gradients, x_t, h_prev, W_x, W_h)


def backward_of_sigmoid(gradients, z):
    return (sigmoid_backward(*gradients, torch.sigmoid(z)),)


def backward_of_tanh(gradients, z):
    return (tanh_backward(*gradients, torch.tanh(z)),)


NAMES = list(weights_of(1, 1))


def step(x_t, h_prev, c_prev, *weights):
    return lstm_step(x_t, h_prev, c_prev, dict(zip(NAMES, weights, strict=True)))


def backward_of_step(gradients, x_t, h_prev, c_prev, *weights):
    w = dict(zip(NAMES, weights, strict=True))
    values = lstm_values(x_t, h_prev, c_prev, w)
    *states, dweights = lstm_backward_step(*gradients, x_t, h_prev, c_prev, values, w)
    return *states, *(dweights[name] for name in NAMES)


def sequence(x, h_0, c_0, *weights):
    return lstm(x, h_0, c_0, dict(zip(NAMES, weights, strict=True)))


def backward_of_sequence(gradients, x, h_0, c_0, *weights):
    *states, dweights = lstm_backward(*gradients, x, h_0, c_0, dict(zip(NAMES, weights, strict=True)))
    return *states, *(dweights[name] for name in NAMES)


WEIGHTS = [letters for _ in "ifco" for letters in ("N H", "H H", "H")]
PIECES = {  # a function, our backward pass for it, the shapes of its inputs
    "hidden_state": (hidden_state, backward_of_hidden_state, ["B H"] * 2),
    "cell_state": (cell_state, backward_of_cell_state, ["B H"] * 4),
    "affine": (affine, backward_of_affine, ["B N", "B H", "N H", "H H", "H"]),
    "sigmoid": (torch.sigmoid, backward_of_sigmoid, ["B H"]),
    "tanh": (torch.tanh, backward_of_tanh, ["B H"]),
    "step": (step, backward_of_step, ["B N", "B H", "B H", *WEIGHTS]),
    "sequence": (sequence, backward_of_sequence, ["B T N", "B H", "B H", *WEIGHTS]),
}


def inputs_of(letters, B, N, H, T=4):
    sizes = {"B": B, "N": N, "H": H, "T": T}
    return [t.requires_grad_() for t in draw(*([sizes[s] for s in shape.split()] for shape in letters), seed=1)]


@pytest.mark.parametrize(("B", "N", "H"), SIZES)
@pytest.mark.parametrize("piece", PIECES)
def test_the_backward_pass_gives_autograds_gradients(piece, B, N, H):
    run, backward, letters = PIECES[piece]
    inputs = inputs_of(letters, B, N, H)
    outputs = run(*inputs)
    outputs = (outputs,) if isinstance(outputs, torch.Tensor) else outputs
    arriving = draw(*(output.shape for output in outputs), seed=2)
    theirs = torch.autograd.grad(outputs, inputs, grad_outputs=arriving)
    ours = backward(arriving, *inputs)
    assert len(ours) == len(theirs)
    for own, expected in zip(ours, theirs, strict=True):
        assert own.shape == expected.shape
        assert (own - expected).abs().max() <= 1e-12


@pytest.mark.parametrize("piece", PIECES)
def test_the_backward_pass_agrees_with_finite_differences(piece):
    run, backward, letters = PIECES[piece]
    inputs = inputs_of(letters, B=2, N=3, H=2, T=3)
    assert torch.autograd.gradcheck(lambda *given: ByHand.apply(run, backward, *given), inputs)


def test_a_gradient_that_arrives_at_one_result_only_is_enough():
    x, h_0, c_0, *weights = inputs_of(PIECES["sequence"][2], B=2, N=3, H=5)
    outputs = sequence(x, h_0, c_0, *weights)  # all states, the last h, the last c
    for k, output in enumerate(outputs):
        arriving = [torch.zeros_like(o) for o in outputs]
        arriving[k] = torch.ones_like(output)
        theirs = torch.autograd.grad(output, [x, h_0, c_0, *weights], torch.ones_like(output), retain_graph=True)
        for own, expected in zip(backward_of_sequence(arriving, x, h_0, c_0, *weights), theirs, strict=True):
            assert (own - expected).abs().max() <= 1e-12


def test_the_sequences_gradients_are_those_of_torchs_lstm():
    theirs = torch.nn.LSTM(3, 5, batch_first=True, dtype=torch.float64)
    own = CustomLSTM.from_torch(theirs).cells[0].weights
    x, h_0, c_0, dhidden = draw((2, 7, 3), (2, 5), (2, 5), (2, 7, 5))
    x.requires_grad_()
    theirs(x, (h_0[None], c_0[None]))[0].backward(dhidden)
    with torch.no_grad():
        dx, _, _, dweights = lstm_backward(
            dhidden, torch.zeros(2, 5).double(), torch.zeros(2, 5).double(), x, h_0, c_0, own
        )
    assert (dx - x.grad).abs().max() <= 1e-12
    for block, k in enumerate("ifco"):
        rows = slice(5 * block, 5 * block + 5)
        assert (dweights[f"W_x{k}"] - theirs.weight_ih_l0.grad[rows].T).abs().max() <= 1e-12
        assert (dweights[f"W_h{k}"] - theirs.weight_hh_l0.grad[rows].T).abs().max() <= 1e-12
        assert (dweights[f"b_{k}"] - theirs.bias_ih_l0.grad[rows]).abs().max() <= 1e-12


def test_saturated_gates_give_zeros_and_no_nan():
    w = {name: 1e4 * weight for name, weight in weights_of(3, 5).items()}
    x_t, h_prev, c_prev, dh, dc = draw((2, 3), (2, 5), (2, 5), (2, 5), (2, 5))
    values = lstm_values(x_t, h_prev, c_prev, w)
    dx_t, dh_prev, dc_prev, dweights = lstm_backward_step(dh, dc, x_t, h_prev, c_prev, values, w)
    assert all(bool(t.isfinite().all()) for t in (dx_t, dh_prev, dc_prev, *dweights.values()))
    assert max(t.abs().max() for t in dweights.values()) <= 1e-12
    through_h = dh * values.o * (1 - values.c.tanh() ** 2)
    assert (dc_prev - (dc + through_h) * values.f).abs().max() <= 1e-12  # the path along the memory is still open


def test_a_step_takes_plain_tuples_and_leaves_its_inputs_as_they_were():
    w = weights_of(3, 5)
    given = draw((2, 5), (2, 5), (2, 3), (2, 5), (2, 5))
    values = tuple(lstm_values(*given[2:], w))
    everything = [*given, *values, *w.values()]
    before = [t.clone() for t in everything]
    lstm_backward_step(*given, values, w)
    assert all(torch.equal(now, then) for now, then in zip(everything, before, strict=True))


@pytest.mark.parametrize(("B", "N", "H"), SIZES)
@pytest.mark.parametrize("T", [1, 4])
def test_accumulate_sums_the_gradients_of_all_steps_and_rows(B, N, H, T):
    x, h_0, hidden_seq, dz = draw((B, T, N), (B, H), (B, T, H), (B, T, H))
    dW_x, dW_h, db = accumulate(x, h_0, hidden_seq, dz)
    expected = [torch.zeros(N, H), torch.zeros(H, H), torch.zeros(H)]
    for t in range(T):
        for b in range(B):
            h_prev = hidden_seq[b, t - 1] if t else h_0[b]
            parts = torch.outer(x[b, t], dz[b, t]), torch.outer(h_prev, dz[b, t]), dz[b, t]
            expected = [total + part for total, part in zip(expected, parts, strict=True)]
    for own, correct in zip((dW_x, dW_h, db), expected, strict=True):
        assert own.shape == correct.shape
        assert (own - correct).abs().max() <= 1e-12


def step_arguments():
    names = ("dh_t", "dc_t", "x_t", "h_prev", "c_prev")
    given = dict(zip(names, draw((2, 5), (2, 5), (2, 3), (2, 5), (2, 5)), strict=True))
    w = weights_of(3, 5)
    return given | {"values": lstm_values(given["x_t"], given["h_prev"], given["c_prev"], w), "weights": w}


@pytest.mark.parametrize("name", ["dh_t", "dc_t", "x_t", "h_prev", "c_prev"])
@pytest.mark.parametrize("bad", [torch.zeros(7, 11, dtype=torch.float64), torch.zeros(2, 5).long(), None])
def test_a_backward_step_of_the_lstm_names_the_argument_that_does_not_fit(name, bad):
    given = step_arguments() | {name: bad}
    named = "h_prev" if name == "x_t" and isinstance(bad, torch.Tensor) and bad.is_floating_point() else name
    with pytest.raises(ValueError, match=rf"^{named} "):  # x_t comes first and sets B and N
        lstm_backward_step(**given)


@pytest.mark.parametrize("k", range(6))
def test_a_backward_step_of_the_lstm_names_the_value_that_does_not_fit(k):
    given = step_arguments()
    values = list(given["values"])
    values[k] = values[k].float()
    with pytest.raises(ValueError, match=rf"^{'ifgoch'[k]}_t of values has dtype"):
        lstm_backward_step(**given | {"values": values})


@pytest.mark.parametrize("name", NAMES)
def test_a_backward_step_of_the_lstm_names_the_weight_that_does_not_fit(name):
    given = step_arguments()
    with pytest.raises(ValueError, match=rf"^{name} has shape"):
        lstm_backward_step(**given | {"weights": given["weights"] | {name: torch.zeros(4, 4, 4, dtype=torch.float64)}})
    with pytest.raises(ValueError, match=rf"weights has no {name}"):
        lstm_backward_step(**given | {"weights": {k: v for k, v in given["weights"].items() if k != name}})


@pytest.mark.parametrize(("values", "has"), [(None, "type NoneType"), ((1, 2), "2 entries"), (7, "type int")])
def test_a_backward_step_of_the_lstm_says_what_values_are(values, has):
    with pytest.raises(ValueError, match=rf"^values has {has}; it needs six tensors"):
        lstm_backward_step(**step_arguments() | {"values": values})


def test_a_backward_step_refuses_peepholes():
    given = step_arguments()
    weights = given["weights"] | {"W_ci": torch.zeros(5), "W_co": torch.zeros(5)}
    with pytest.raises(ValueError, match="weights has W_ci, W_co; lstm_backward_step does not support peepholes"):
        lstm_backward_step(**given | {"weights": weights})


SEQUENCE = {"dhidden_seq": (2, 4, 5), "dh_T": (2, 5), "dc_T": (2, 5), "x": (2, 4, 3), "h_0": (2, 5), "c_0": (2, 5)}


@pytest.mark.parametrize("name", SEQUENCE)
def test_the_backward_pass_of_a_sequence_names_the_argument_that_does_not_fit(name):
    given = dict(zip(SEQUENCE, draw(*SEQUENCE.values()), strict=True))
    given[name] = torch.zeros(7, 11, dtype=torch.float64)
    with pytest.raises(ValueError, match=rf"^{name} has shape \(7, 11\)"):
        lstm_backward(**given, weights=weights_of(3, 5))


@pytest.mark.parametrize("function", [hidden_state_backward, cell_state_backward, affine_backward, accumulate])
def test_a_gradient_of_an_equation_names_what_does_not_fit(function):
    shapes = {
        hidden_state_backward: ["B H"] * 3,
        cell_state_backward: ["B H"] * 5,
        affine_backward: ["B H", "B N", "B H", "N H", "H H"],
        accumulate: ["B T N", "B H", "B T H", "B T H"],
    }[function]
    names = list(inspect.signature(function).parameters)
    for k in range(1, len(shapes)):
        given = [t.detach() for t in inputs_of(shapes, B=2, N=3, H=5)]
        given[k] = torch.zeros(7, 11, 13, 17, dtype=torch.float64)
        with pytest.raises(ValueError, match=rf"^{names[k]} has shape"):
            function(*given)


# How far a gradient reaches -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("W", "radius"),
    [
        (torch.eye(4), 1.0),
        (torch.diag(torch.tensor([0.5, -3.0, 2.0])), 3.0),  # the sign does not count
        (torch.tensor([[0.0, -2.0], [2.0, 0.0]]), 2.0),  # a complex pair
        (torch.tensor([[0.9, 50.0], [0.0, 0.9]]), 0.9),  # the largest singular value is far above
        (torch.zeros(3, 3), 0.0),
    ],
)
def test_spectral_radius_of_known_matrices(W, radius):
    answer = spectral_radius(W.double())
    assert answer.shape == ()
    assert answer.item() == pytest.approx(radius, abs=1e-6)


def test_spectral_radius_scales_with_the_matrix():
    (W,) = draw((16, 16))
    assert (spectral_radius(3 * W) - 3 * spectral_radius(W)).abs() <= 1e-12 * spectral_radius(3 * W)


@pytest.mark.parametrize("W", [torch.zeros(2, 3), torch.zeros(3), torch.ones(2, 2).long(), "W"])
def test_spectral_radius_names_what_does_not_fit(W):
    with pytest.raises(ValueError, match=r"^W "):
        spectral_radius(W)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_spectral_radius_refuses_nan_and_infinity(bad):
    with pytest.raises(ValueError, match="1 entries that are NaN or infinite"):
        spectral_radius(torch.tensor([[bad, 0.0], [0.0, 1.0]]))


def test_gradient_by_lag_is_the_norm_of_the_product_of_jacobians():
    B, T, N, H = 3, 6, 2, 5
    x, h_0, W_xh, W_hh, b_h = draw((B, T, N), (B, H), (N, H), (H, H), (H,))
    norms = gradient_by_lag(lambda x_t, h: rnn_step(x_t, h, W_xh, W_hh, b_h), x, h_0)
    hidden_seq = unroll(x, h_0, W_xh, W_hh, b_h)
    dh = torch.full((B, H), H**-0.5, dtype=torch.float64)
    expected = [dh.norm(dim=1)]
    for t in reversed(range(T)):
        dh = (dh * (1 - hidden_seq[:, t] ** 2)) @ W_hh.T
        expected.append(dh.norm(dim=1))
    assert norms.shape == (B, T + 1)
    assert (norms - torch.stack(expected, dim=1)).abs().max() <= 1e-12


def test_gradient_by_lag_of_a_sum_is_exactly_one():
    norms = gradient_by_lag(lambda x_t, h: h + x_t, torch.ones(2, 40, 4), torch.zeros(2, 4))
    assert torch.equal(norms, torch.ones(2, 41))


def test_gradient_by_lag_is_zero_beyond_a_cut():
    steps = iter(range(5))
    norms = gradient_by_lag(lambda x_t, h: x_t + (h.detach() if next(steps) == 2 else h), *draw((1, 5, 4), (1, 4)))
    assert norms[0, 3:].tolist() == [0.0, 0.0, 0.0]
    assert norms[0, :3].tolist() == [1.0, 1.0, 1.0]


def test_gradient_by_lag_takes_a_cell_and_leaves_its_gradients_empty():
    cell = RNNCell(3, 8)
    with torch.no_grad():
        norms = gradient_by_lag(cell, torch.randn(2, 7, 3), torch.zeros(2, 8))
    assert norms.shape == (2, 8)
    assert all(parameter.grad is None for parameter in cell.parameters())


def test_gradient_by_lag_names_a_step_of_another_shape():
    with pytest.raises(ValueError, match=r"what step makes of h_0 has shape \(2, 3\); it needs .* H = 8"):
        gradient_by_lag(lambda x_t, h: x_t, torch.zeros(2, 5, 3), torch.zeros(2, 8))
    with pytest.raises(ValueError, match="h_0 has shape"):
        gradient_by_lag(RNNCell(3, 8), torch.zeros(2, 5, 3), torch.zeros(4, 8))


def test_gradient_by_lag_of_a_pair_is_the_gradient_at_h_and_at_c_by_hand():
    B, T, N, H = 3, 6, 2, 5
    x, h_0, c_0 = draw((B, T, N), (B, H), (B, H))
    w = weights_of(N, H)
    at_h, at_c = gradient_by_lag(lambda x_t, state: lstm_step(x_t, *state, w), x, (h_0, c_0))
    stored, states = [], [(h_0, c_0)]
    for t in range(T):
        stored.append(lstm_values(x[:, t], *states[-1], w))
        states.append((stored[-1].h, stored[-1].c))
    dh, dc = torch.full((B, H), H**-0.5, dtype=torch.float64), torch.zeros(B, H, dtype=torch.float64)
    for lag, t in enumerate(reversed(range(T))):
        o, c = stored[t].o, stored[t].c
        whole = dc + dh * o * (1 - c.tanh() ** 2)  # c_t reaches the loss through h_t as well
        assert (at_h[:, lag] - dh.norm(dim=1)).abs().max() <= 1e-12
        assert (at_c[:, lag] - whole.norm(dim=1)).abs().max() <= 1e-12
        _, dh, dc, _ = lstm_backward_step(dh, dc, x[:, t], *states[t], stored[t], w)
    assert (at_h[:, T] - dh.norm(dim=1)).abs().max() <= 1e-12
    assert (at_c[:, T] - dc.norm(dim=1)).abs().max() <= 1e-12
    assert at_h.shape == at_c.shape == (B, T + 1)


def test_gradient_by_lag_takes_an_lstm_cell_and_leaves_its_gradients_empty():
    cell = LSTMCell(3, 8, peephole="diagonal")
    with torch.no_grad():
        at_h, at_c = gradient_by_lag(cell, torch.randn(2, 7, 3), [torch.zeros(2, 8), torch.zeros(2, 8)])
    assert at_h.shape == at_c.shape == (2, 8)
    assert at_h[:, 0].tolist() == pytest.approx([1, 1])
    assert all(parameter.grad is None for parameter in cell.parameters())


def test_gradient_by_lag_is_zero_at_a_memory_that_no_step_reads():
    at_h, at_c = gradient_by_lag(lambda x_t, s: (s[0] + x_t, s[1]), torch.ones(1, 3, 4), (torch.zeros(1, 4),) * 2)
    assert at_h.tolist() == [[1.0] * 4]
    assert at_c.tolist() == [[0.0] * 4]


def test_gradient_by_lag_names_the_part_of_a_pair_that_does_not_fit():
    zeros, x = torch.zeros(2, 8), torch.zeros(2, 5, 3)
    cell = LSTMCell(3, 8)
    with pytest.raises(ValueError, match="c_0 has shape"):
        gradient_by_lag(cell, x, (zeros, torch.zeros(2, 9)))
    with pytest.raises(ValueError, match="h_0 has 3 entries; it needs a pair"):
        gradient_by_lag(cell, x, (zeros, zeros, zeros))
    with pytest.raises(ValueError, match="has type Tensor; it needs a pair"):
        gradient_by_lag(lambda x_t, s: s[0], x, (zeros, zeros))
    with pytest.raises(ValueError, match=r"what step makes of c_0 has shape \(2, 3\); it needs .* H = 8"):
        gradient_by_lag(lambda x_t, s: (s[0], x_t), x, (zeros, zeros))


def test_a_step_of_ones_own_goes_back_through_the_sequence():
    steps, weights = [], weights_of(3, 5)

    def own(*given):
        steps.append(given)
        return lstm_backward_step(*given)

    x, states = torch.randn(2, 4, 3, dtype=torch.float64), torch.randn(5, 2, 5, dtype=torch.float64)
    given = torch.randn(2, 4, 5, dtype=torch.float64), *states[:2], x, *states[2:4], weights
    for mine, right in zip(lstm_backward(*given, step=own)[:3], lstm_backward(*given)[:3], strict=True):
        assert torch.equal(mine, right)
    assert len(steps) == 4
