"""The comparison with PyTorch rejects every broken cell and accepts the correct one; trainings with a given step."""

import pytest
import torch
from torch import nn

from lstm_lesson import CustomLSTM
from lstm_lesson.data.tasks import adding_problem
from lstm_lesson.experiments import broken_cells, runs
from lstm_lesson.parity import differences

KINDS = [(layers, bidirectional) for layers in (1, 2, 3) for bidirectional in (False, True)]
WRONG = [name for name in broken_cells.CELLS if name != "the right cell"]


def pair(num_layers=1, bidirectional=False, input_size=3, hidden=5):
    torch.manual_seed(0)
    theirs = nn.LSTM(input_size, hidden, num_layers, batch_first=True, bidirectional=bidirectional, dtype=torch.float64)
    return CustomLSTM.from_torch(theirs), theirs, torch.randn(4, 7, input_size, dtype=torch.float64)


@pytest.mark.parametrize(("num_layers", "bidirectional"), KINDS)
def test_ours_has_no_difference_beyond_rounding(num_layers, bidirectional):
    own, theirs, x = pair(num_layers, bidirectional)
    assert max(differences(own, theirs, x).values()) <= 1e-12


@pytest.mark.parametrize(("num_layers", "bidirectional"), KINDS)
def test_every_single_weight_counts(num_layers, bidirectional):
    """A weight moved by 1e-6 shows in the comparison, whichever it is."""
    own, theirs, x = pair(num_layers, bidirectional)
    for weight in own.parameters():
        entry = weight.data.view(-1)[:1]
        entry += 1e-6
        assert max(differences(own, theirs, x).values()) > 1e-10
        entry -= 1e-6


@pytest.mark.parametrize("name", WRONG)
def test_the_comparison_catches(name):
    own, theirs, x = pair(input_size=2)
    found = differences(broken_cells.lstm_with(broken_cells.CELLS[name], own), theirs, x)
    assert max(found.values()) > 1e-3
    assert found["gradients of the weights"] > 1e-3


def test_the_correct_step_passes_as_a_replaced_step():
    own, theirs, x = pair(input_size=2)
    assert (
        max(differences(broken_cells.lstm_with(broken_cells.CELLS["the right cell"], own), theirs, x).values()) <= 1e-12
    )


def test_only_gradients_catch_a_detached_h():
    own, theirs, x = pair(input_size=2)
    found = differences(broken_cells.lstm_with(broken_cells.h_detached, own), theirs, x)
    assert max(found["outputs"], found["final h"], found["final c"]) <= 1e-12
    assert found["gradient of x"] > 1e-3


def test_a_comparison_needs_batch_first():
    own, _, x = pair()
    with pytest.raises(ValueError, match="batch_first"):
        differences(own, nn.LSTM(3, 5, dtype=torch.float64), x)


def test_runs_differ_and_a_seed_repeats_them():
    first, again, other = (runs.learn_to_add(runs=2, steps=3, seed=seed).losses for seed in (0, 0, 1))
    assert first == again != other
    assert first[0] != first[1]


def test_a_run_learns_by_the_step_it_is_given():
    """Training a cell beats the constant guess; a cell that returns nothing but zeros cannot."""
    learned = runs.learn_to_add(runs=1, steps=250).losses
    deaf = runs.learn_to_add(lambda x_t, h, c, w: (h * 0, c * 0), runs=1, steps=100).losses
    assert learned[0] < 0.5 * runs.ADDING_CHANCE < runs.ADDING_CHANCE * 0.9 < deaf[0]


def test_a_trained_lstm_keeps_its_weights_and_its_step():
    lstm = runs.learn_to_add(broken_cells.CELLS["no tanh on c"], runs=1, steps=2, hidden=4).lstms[0]
    x, _ = adding_problem(3, 5)
    right = CustomLSTM(2, 4)
    right.load_state_dict(lstm.state_dict())
    assert (lstm(x)[0] - right(x)[0]).abs().max() > 1e-4
    assert lstm(x)[0].shape == (3, 5, 4)


@pytest.mark.parametrize("size", ["runs", "steps", "length", "hidden"])
def test_sizes_below_one_are_refused(size):
    with pytest.raises(ValueError, match=size):
        runs.learn_to_add(**{size: 0})


def test_only_one_cell_can_be_replaced():
    with pytest.raises(ValueError, match="2 cells"):
        broken_cells.lstm_with(broken_cells.h_detached, CustomLSTM(2, 3, num_layers=2))


def test_the_adding_problem_marks_one_number_in_each_half():
    x, sums = adding_problem(200, 9, torch.Generator().manual_seed(0))
    numbers, marks = x.unbind(dim=2)
    assert marks[:, :4].sum(1).eq(1).all() and marks[:, 4:].sum(1).eq(1).all()
    assert set(marks[:, :4].argmax(1).tolist()) == set(range(4))
    assert set(marks[:, 4:].argmax(1).tolist()) == set(range(5))
    assert torch.equal((numbers * marks).sum(1), sums)
    assert abs((sums - 1).square().mean().item() - runs.ADDING_CHANCE) < 0.05
    with pytest.raises(ValueError, match="steps"):
        adding_problem(3, 1)


def test_a_copy_keeps_the_form_of_the_states():
    for options in ({}, {"torch_states": True}, {"batch_first": False}):
        lstm, x = CustomLSTM(2, 3, **options), torch.randn(4, 5, 2)
        copy = broken_cells.lstm_with(broken_cells.CELLS["the right cell"], lstm)
        assert copy(x)[1][0].shape == lstm(x)[1][0].shape
