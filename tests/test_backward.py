"""The gradients by hand, held to autograd; the measures of notebook 03, held to matrices with a known answer."""

import math

import pytest
import torch

from lstm_lesson import RNNCell
from lstm_lesson.backward import gradient_by_lag, rnn_backward_step, spectral_radius
from lstm_lesson.equations import rnn_step
from lstm_lesson.layers import unroll

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
def test_spectral_radius_refuses_numbers_that_are_none(bad):
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
    with pytest.raises(ValueError, match=r"step returned shape \(2, 3\); it needs that of h_0, \(2, 8\)"):
        gradient_by_lag(lambda x_t, h: x_t, torch.zeros(2, 5, 3), torch.zeros(2, 8))
    with pytest.raises(ValueError, match="h_0 has shape"):
        gradient_by_lag(RNNCell(3, 8), torch.zeros(2, 5, 3), torch.zeros(4, 8))
