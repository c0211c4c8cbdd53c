"""Training along a text: the state goes on from batch to batch, its graph does not."""

import math
import re

import pytest
import torch
from torch import nn

from lstm_lesson.text.characters import CharacterModel, encode
from lstm_lesson.text.writing import bits_per_character, next_character_batches
from lstm_lesson.training import bits_on, stream_steps

IDS = encode("for k in range(10):\n    print(k)\n" * 30)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def small():
    return CharacterModel(12, 6)


class Recorder(nn.Module):
    """A model that keeps the states which it is given; its own state is what it has read so far, a tensor."""

    def __init__(self):
        super().__init__()
        self.linear, self.given = nn.Linear(1, 96), []

    def forward(self, x, state=None):
        self.given.append(state)
        logits = self.linear(x[:, :, None].float())
        state = logits.new_zeros(len(x)) if state is None else state
        return logits, state + logits.sum(dim=(1, 2)) * 0 + x.sum(dim=1)


def test_each_batch_starts_from_the_state_in_which_the_last_one_ended_cut_off_its_graph():
    model, batches = Recorder(), next_character_batches(IDS, 3, 20)
    assert len(list(stream_steps(model, batches))) == len(batches)
    assert model.given[0] is None
    read = torch.zeros(3)
    for (x, _), state in zip(batches, model.given[1:], strict=False):
        read = read + x.sum(dim=1)
        assert torch.equal(state, read) and not state.requires_grad


def test_without_the_cut_the_second_backward_pass_fails():
    steps = stream_steps(small(), next_character_batches(IDS, 3, 20), cut=lambda state: state)
    next(steps), next(steps)
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        next(steps)


def test_the_loss_falls_from_that_of_equal_probabilities_and_the_weights_that_were_met_are_yielded():
    model, batches = small(), next_character_batches(IDS.repeat(12), 4, 25)
    first = bits_per_character(model(batches[0][0])[0], batches[0][1]).item()
    losses = list(stream_steps(model, batches, lr=0.02))
    assert losses[0] == pytest.approx(first)  # before the first update
    assert losses[0] == pytest.approx(math.log2(96), abs=0.3)
    assert sum(losses[-10:]) / 10 < 2


def test_the_learning_rate_falls_to_nearly_0_along_half_a_cosine(monkeypatch):
    rates, step = [], torch.optim.Adam.step
    monkeypatch.setattr(
        torch.optim.Adam, "step", lambda adam, *a: (rates.append(adam.param_groups[0]["lr"]), step(adam))
    )
    batches = next_character_batches(IDS, 3, 20)
    list(stream_steps(small(), batches, lr=0.01))
    expected = [0.005 * (1 + math.cos(math.pi * k / len(batches))) for k in range(len(batches))]
    assert rates == pytest.approx(expected) and rates == sorted(rates, reverse=True)


def test_gradients_are_clipped(monkeypatch):
    norms, step = [], torch.optim.Adam.step
    gradients = lambda adam: [parameter.grad.flatten() for parameter in adam.param_groups[0]["params"]]  # noqa: E731
    monkeypatch.setattr(
        torch.optim.Adam, "step", lambda adam: (norms.append(torch.cat(gradients(adam)).norm().item()), step(adam))
    )
    list(stream_steps(small(), next_character_batches(IDS, 3, 20)[:4], clip=0.01))
    assert norms == pytest.approx([0.01] * 4, rel=1e-3)


@pytest.mark.parametrize("wrong", [{"lr": 0}, {"lr": math.nan}, {"clip": -1}, {"clip": "1"}])
def test_a_number_out_of_range_is_named(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=re.escape(f"{name} is {value!r}; it needs a number above 0")):
        next(stream_steps(small(), next_character_batches(IDS, 3, 20), **wrong))


def test_a_loss_that_is_not_finite_ends_the_training():
    steps = stream_steps(small(), next_character_batches(IDS, 3, 20), loss=lambda z, y: z.sum() * math.nan)
    with pytest.raises(ValueError, match="the loss is nan"):
        list(steps)


def test_the_bits_on_a_text_are_those_of_reading_it_with_the_state_carried():
    model = small()
    whole = (len(IDS) // 2 - 1) // 16 * 16
    x, y = (torch.stack([IDS[k * (len(IDS) // 2) + shift :][:whole] for k in (0, 1)]) for shift in (0, 1))
    expected = bits_per_character(model(x)[0], y).item()
    assert bits_on(model, IDS, B=2, T=16) == pytest.approx(expected, rel=1e-5)
    assert bits_on(model, IDS, B=2, T=16) != pytest.approx(
        sum(bits_per_character(model(a)[0], b).item() for a, b in next_character_batches(IDS, 2, 16)) / (whole // 16),
        rel=1e-5,
    )
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("training", [True, False])
def test_to_measure_a_model_leaves_its_mode_as_it_was(training):
    model = CharacterModel(4, 3).train(training)
    bits_on(model, torch.arange(90), B=2, T=4)
    assert model.training is training
