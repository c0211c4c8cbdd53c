"""Saliency is the gradient it claims to be, and its companions measure what they say."""

import sys
from typing import ClassVar

import pytest
import torch
from torch import nn

from lstm_lesson.text.classifiers import TextClassifier
from lstm_lesson.text.saliency import input_gradient, leave_one_out, log_odds, saliency, unit_correlation


def classifier(**options):
    torch.manual_seed(0)
    model = TextClassifier(12, 5, 4, **options).double()
    with torch.no_grad():
        for parameter in model.lstm.parameters():
            parameter.mul_(3)  # away from the flat middle
    return model


IDS = torch.tensor([[2, 5, 7, 3, 11], [4, 4, 9, 0, 0]])
LENGTHS = torch.tensor([5, 3])


def answer(model, x):
    """The log odds of the last class at the last true steps, written out."""
    hidden_seq, _ = model.lstm(x)
    logits = model.linear(hidden_seq[torch.arange(2), LENGTHS - 1])
    return logits[:, 1] - logits[:, 0]


@pytest.mark.parametrize("own", [True, False])
def test_saliency_is_the_gradient_that_finite_differences_find(own):
    model = classifier(lstm=None if own else nn.LSTM(5, 4, batch_first=True)).eval()
    norm, effect = saliency(model, IDS, LENGTHS)
    with torch.no_grad():
        x, epsilon = model.embedding(IDS), 1e-6
        slope = torch.empty_like(x)
        for t in range(5):
            for k in range(5):
                step = torch.zeros_like(x)
                step[:, t, k] = epsilon
                slope[:, t, k] = (answer(model, x + step) - answer(model, x - step)) / (2 * epsilon)
    assert torch.allclose(norm, slope.norm(dim=2), atol=1e-8)
    assert torch.allclose(effect, (slope * x).sum(dim=2), atol=1e-8)
    assert norm[0].min() > 1e-4  # every word of the long text counts for something


def test_padding_has_no_saliency_and_changes_none():
    norm, effect = saliency(classifier(), IDS, LENGTHS)
    assert norm[1, 3:].tolist() == effect[1, 3:].tolist() == [0, 0]
    alone, _ = saliency(classifier(), IDS[1:, :3])
    assert torch.allclose(norm[1, :3], alone[0], atol=1e-14)


def test_gradient_times_input_adds_up_to_the_answer_where_the_score_is_linear():
    torch.manual_seed(0)
    x, w = torch.randn(3, 4, 2), torch.randn(4, 2)
    gradient = input_gradient(lambda x: (x * w).sum(dim=(1, 2)), x)
    assert torch.allclose((gradient * x).sum(dim=(1, 2)), (x * w).sum(dim=(1, 2)))
    assert not x.requires_grad


def test_other_targets_and_more_classes():
    model = classifier(classes=3).eval()
    p = model(IDS, lengths=LENGTHS).softmax(dim=1)
    for target in (0, 1, 2, -1):
        assert torch.allclose(log_odds(model(IDS, lengths=LENGTHS), target), torch.logit(p[:, target]))
    two = classifier().eval()
    assert torch.allclose(saliency(two, IDS, LENGTHS, 0)[1], -saliency(two, IDS, LENGTHS, 1)[1])


def test_the_classifier_is_left_as_it_was_and_asked_without_dropout():
    model = classifier(dropout=0.5, lstm=nn.LSTM(5, 4, num_layers=2, dropout=0.5, batch_first=True))
    first, second = (saliency(model, IDS, LENGTHS)[0] for _ in range(2))
    assert torch.equal(first, second) and model.training
    model.lstm.eval()  # one module in evaluation mode, the others in training mode
    saliency(model, IDS, LENGTHS)
    with pytest.raises(ValueError, match="ids has entries from 2 to 99"):
        leave_one_out(model, [torch.tensor([2, 99, 3])], torch.tensor([0]))
    assert model.training and model.dropout.training and not model.lstm.training
    assert all(parameter.grad is None for parameter in model.parameters())
    with torch.no_grad():  # as in a notebook cell that only reads
        assert torch.equal(saliency(model, IDS, LENGTHS)[0], first)


def test_leave_one_out_is_the_change_between_the_text_and_the_shorter_text():
    model = classifier().eval()
    texts = [IDS[0], IDS[1, :3]]
    got = leave_one_out(model, texts, torch.tensor([1, 2]))
    left = [torch.tensor([[2, 7, 3, 11]]), torch.tensor([[4, 4]])]
    for k in range(2):
        change = log_odds(model(left[k])) - log_odds(model(texts[k][None]))
        assert torch.allclose(got[k], change.abs()[0])


def test_the_correlation_is_that_of_torch_and_0_for_a_unit_that_never_moves():
    torch.manual_seed(0)
    values, labels = torch.randn(50, 3, dtype=torch.float64), torch.randint(2, (50,))
    values[:, 2] = 7.0
    got = unit_correlation(values, labels)
    for unit in range(2):
        assert torch.allclose(got[unit], torch.corrcoef(torch.stack([values[:, unit], labels.double()]))[0, 1])
    assert got[2] == 0


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: saliency(nn.Linear(2, 2), IDS), "classifier is Linear"),
        (lambda: saliency(classifier(), IDS[0]), r"ids has shape \(5,\)"),
        (lambda: saliency(classifier(), IDS, [6, 1]), "lengths has entries"),
        (lambda: input_gradient(lambda x: x.sum(), torch.randn(2, 3, 4)), r"score gives shape \(\)"),
        (lambda: input_gradient(lambda x: 3, torch.randn(2, 3, 4)), "score gives type int"),
        (lambda: input_gradient(lambda x: x, torch.randn(2, 3)), "x has shape"),
        (lambda: leave_one_out(classifier(), [IDS[0, :1]], torch.tensor([0])), r"sequences\[0\] has 1 words"),
        (lambda: leave_one_out(classifier(), [IDS[0]], torch.tensor([5])), r"which\[0\] is 5"),
        (lambda: unit_correlation(torch.randn(3, 4), torch.tensor([1, 0])), r"labels has shape \(2,\)"),
    ],
)
def test_what_does_not_fit_is_named(call, says):
    with pytest.raises(ValueError, match=says):
        call()


class Elsewhere(TextClassifier):
    """On a device without memory; keeps the devices of what it is given."""

    given: ClassVar[list] = []

    def forward(self, ids, lengths):
        self.given.append((ids.device.type, lengths.device.type))
        return torch.zeros(len(ids), 2, device=ids.device)

    def read(self, x, lengths):
        self.given.append((x.device.type, lengths.device.type))
        return x.sum(dim=1)[:, :2]


def test_what_is_made_for_the_classifier_is_made_on_its_device(monkeypatch):
    module = sys.modules[leave_one_out.__module__]
    monkeypatch.setattr(
        module, "log_odds", lambda logits, target: logits[:, target]
    )  # the other takes entries by value
    model = Elsewhere(12, 5, 4).to("meta")
    assert saliency(model, IDS, LENGTHS)[0].device.type == "meta"
    assert leave_one_out(model, [IDS[0], IDS[1, :3]], torch.tensor([0, 1])).device.type == "meta"
    assert model.given == [("meta", "meta")] * 3
