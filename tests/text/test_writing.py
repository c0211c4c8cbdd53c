"""Batches of streams, the loss in bits, and drawing a character."""

import math
import re

import pytest
import torch

from lstm_lesson.text.writing import bits_per_character, next_character_batches, sample, top_k

SIZES = [(1, 1, 2), (3, 4, 15), (3, 4, 16), (3, 4, 53), (2, 5, 60), (7, 1, 14), (1, 9, 100), (4, 3, 47)]  # B, T, n


@pytest.mark.parametrize(("B", "T", "n"), SIZES)
def test_in_each_row_a_batch_goes_on_where_the_last_one_ended(B, T, n):
    ids = torch.randperm(n, generator=torch.Generator().manual_seed(n))
    batches = next_character_batches(ids, B, T)
    assert all(x.shape == y.shape == (B, T) and x.dtype == y.dtype == torch.int64 for x, y in batches)
    for row in range(B):
        x, y = (torch.cat([batch[k][row] for batch in batches]) for k in (0, 1))
        start = row * (n // B)
        assert torch.equal(x, ids[start : start + len(x)])
        assert torch.equal(y, ids[start + 1 : start + 1 + len(y)])


@pytest.mark.parametrize(("B", "T", "n"), SIZES)
def test_no_whole_batch_is_left_out_and_no_character_is_read_twice(B, T, n):
    batches = next_character_batches(torch.arange(n), B, T)
    read = torch.cat([x.flatten() for x, _ in batches])
    assert len(read.unique()) == len(read)
    assert len(batches) == (n // B - 1) // T


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((torch.arange(9), 0, 2), "B is 0; it needs a whole number of at least 1"),
        ((torch.arange(9), 2, 1.5), "T is 1.5"),
        ((torch.arange(8), 3, 2), "ids has 8 characters; it needs B (T + 1) = 9 or more"),
        ((torch.ones(9), 2, 2), "ids has shape (9,) and torch.float32; it needs shape (n,) and torch.int64"),
        ((torch.ones(9, 1, dtype=torch.int64), 2, 2), "ids has shape (9, 1)"),
        (([1, 2, 3], 1, 1), "ids has type list"),
    ],
)
def test_what_makes_no_batch_is_named(given, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        next_character_batches(*given)


@pytest.mark.parametrize("shape", [(), (4,), (3, 5), (2, 3, 2)])
def test_equal_logits_cost_the_logarithm_of_their_number(shape):
    targets = torch.randint(8, shape)
    assert bits_per_character(torch.full((*shape, 8), 2.5), targets).item() == pytest.approx(3)


def test_bits_are_the_mean_of_minus_log2_of_the_targets_probability():
    logits, targets = torch.randn(3, 4, 5, dtype=torch.float64), torch.randint(5, (3, 4))
    bits = [-math.log2(torch.softmax(logits[b, t], dim=0)[targets[b, t]]) for b in range(3) for t in range(4)]
    got = bits_per_character(logits, targets)
    assert got.shape == () and got.item() == pytest.approx(sum(bits) / 12, rel=1e-12)
    assert bits_per_character(logits + 100, targets).item() == pytest.approx(got.item())  # a constant changes nothing


def test_a_certain_answer_costs_nothing_and_a_certain_mistake_its_logit():
    logits = torch.tensor([[0.0, 1000.0]])
    assert bits_per_character(logits, torch.tensor([1])) == 0
    assert bits_per_character(logits, torch.tensor([0])).item() == pytest.approx(1000 / math.log(2))


@pytest.mark.parametrize(
    ("logits", "targets", "message"),
    [
        (torch.zeros(3, 4, 5), torch.zeros(4, 3, dtype=torch.int64), "targets has shape (4, 3); it needs (3, 4)"),
        (torch.zeros(3, 5), torch.zeros(3, 1, dtype=torch.int64), "targets has shape (3, 1); it needs (3,)"),
    ],
)
def test_targets_that_do_not_fit_the_logits_are_named(logits, targets, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        bits_per_character(logits, targets)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_characters_are_drawn_with_the_probabilities_of_the_softmax(temperature):
    """A χ² test with 5 degrees of freedom: 33 is exceeded by chance 4 times in 10⁶; the seed is fixed."""
    row = torch.tensor([1.0, 0.0, -0.5, 0.4, 0.2, -1.0], dtype=torch.float64)
    drawn = sample(row.expand(20_000, 6), temperature, torch.Generator().manual_seed(0))
    expected = 20_000 * torch.softmax(row / temperature, dim=0)
    assert drawn.shape == (20_000,) and drawn.dtype == torch.int64
    assert ((drawn.bincount(minlength=6) - expected) ** 2 / expected).sum() < 33


def test_each_row_is_drawn_from_its_own_logits_and_never_a_character_without_a_chance():
    logits = torch.full((300, 96), -math.inf)
    own = torch.randint(96, (300,))
    logits[torch.arange(300), own] = 0.3
    assert torch.equal(sample(logits), own)
    assert torch.equal(sample(torch.where(logits.isinf(), 0.0, 50.0), 0.1), own)


def test_a_generator_repeats_the_draw_and_leaves_the_other_random_numbers_alone():
    logits, state = torch.zeros(50, 9), torch.get_rng_state()
    one, two, three = (sample(logits, generator=torch.Generator().manual_seed(k)) for k in (1, 1, 2))
    assert torch.equal(one, two) and not torch.equal(one, three)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("k", [1, 2, 4, 7])
def test_the_k_largest_logits_of_each_row_stay_as_they_are(k):
    logits = torch.stack([torch.randperm(7).double() - 30 * row for row in range(5)])
    before, kept = logits.clone(), top_k(logits, k)
    assert torch.equal(logits, before)
    for row, given in zip(kept, logits, strict=True):
        assert sorted(row[row.isfinite()].tolist()) == sorted(given.tolist())[-k:]
        assert torch.equal(row[row.isfinite()], given[row.isfinite()]) and (row[~row.isfinite()] == -math.inf).all()


def test_logits_that_equal_the_smallest_one_kept_stay():
    assert top_k(torch.tensor([[2.0, 1.0, 1.0, 0.0]]), 2).tolist() == [[2, 1, 1, -math.inf]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sample(torch.zeros(2, 3), 0), "temperature is 0; it needs a number above 0"),
        (lambda: sample(torch.zeros(2, 3), math.nan), "temperature is nan"),
        (lambda: sample(torch.zeros(3)), "logits has shape (3,); it needs (B, C)"),
        (lambda: sample(torch.zeros(2, 3, dtype=torch.int64)), "logits has dtype torch.int64"),
        (lambda: top_k(torch.zeros(2, 3), 0), "k is 0; it needs a whole number from 1 to 3"),
        (lambda: top_k(torch.zeros(2, 3), 4), "k is 4"),
        (lambda: top_k(torch.zeros(2, 3, 4), 1), "logits has shape (2, 3, 4)"),
    ],
)
def test_a_wrong_argument_is_named(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()
