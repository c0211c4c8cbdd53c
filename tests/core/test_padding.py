"""What stands in the padding, even NaN, reaches no value and no gradient: as in PyTorch's packed sequences."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lstm_lesson import CustomLSTM, kernel, layers
from lstm_lesson.text.classifiers import BagOfWords, TextClassifier
from lstm_lesson.text.saliency import saliency
from lstm_lesson.tracing import record

LENGTHS = torch.tensor([6, 2, 4])
PADDED = torch.arange(6) >= LENGTHS[:, None]  # (B, T)


def spoiled(x, value):
    return x.detach().masked_fill(PADDED[:, :, None], value).requires_grad_()


def double(*shape):
    torch.manual_seed(1)
    return torch.randn(*shape, dtype=torch.float64)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e308])
@pytest.mark.parametrize("kernel", [True, False])
@pytest.mark.parametrize("options", [{}, {"num_layers": 2}, {"num_layers": 2, "bidirectional": True}])
def test_values_and_gradients_are_those_of_packed_sequences(options, kernel, value):
    torch.manual_seed(0)
    theirs = nn.LSTM(3, 4, batch_first=True, **options).double()
    ours, x = CustomLSTM.from_torch(theirs), spoiled(double(3, 6, 3), value)
    packed = pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)
    expected, states = theirs(packed)
    expected, _ = pad_packed_sequence(expected, batch_first=True)
    hidden_seq, own_states = ours(x, lengths=LENGTHS, kernel=kernel)
    for own, torchs in zip((hidden_seq, *own_states), (expected, *states), strict=True):
        assert (own.view_as(torchs) - torchs).abs().max() <= 1e-12
    assert (hidden_seq.detach()[PADDED] == 0).all()

    weights = list(ours.parameters())
    own_x, *own_weights = torch.autograd.grad((hidden_seq.sin().sum() + own_states[1].sum()), [x, *weights])
    torch_x, *torch_weights = torch.autograd.grad(expected.sin().sum() + states[1].sum(), [x, *theirs.parameters()])
    assert (own_x - torch_x).abs().max() <= 1e-12 and (own_x[PADDED] == 0).all()
    own_sum, torch_sum = (
        torch.stack([g.square().sum() for g in grads]).sum() for grads in (own_weights, torch_weights)
    )
    both_biases = sum(g.square().sum() for g in torch_weights[3::4])  # PyTorch has every bias twice
    assert abs(own_sum - (torch_sum - both_biases)) <= 1e-10 and own_sum.isfinite()


@pytest.mark.parametrize("peephole", ["diagonal", "full"])
def test_peepholes_see_no_padding(peephole):
    lstm, x = CustomLSTM(3, 4, peephole=peephole).double(), double(3, 6, 3)
    results = []
    for value in (0.0, math.nan):
        given = spoiled(x, value)
        hidden_seq, (h_n, c_n) = lstm(given, lengths=LENGTHS)
        grads = torch.autograd.grad(hidden_seq.sum() + c_n.sum(), [given, *lstm.parameters()])
        results.append([hidden_seq, h_n, c_n, *grads])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("run", [kernel.run_cell, layers.run_steps])
def test_running_a_cell_reads_no_padding(run, backwards):
    cell, state, found = CustomLSTM(3, 4).double().cells[0], torch.zeros(3, 4, dtype=torch.float64), []
    for value in (7.0, math.nan):
        x = spoiled(double(3, 6, 3), value)
        values = run(cell, x, state, state, ~PADDED, backwards)
        found.append([*values, *torch.autograd.grad(sum(v.sum() for v in values), [x, *cell.parameters()])])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


@pytest.mark.parametrize("run", [kernel.lstm_sequence, kernel.hoisted_sequence])
def test_no_derivative_of_any_order_reads_padding(run):
    found, true = [], (~PADDED)[:, :, None]
    state, weights = double(3, 4).requires_grad_(), [double(3, 16), double(4, 16), double(16)]
    for value in (7.0, math.nan):
        x, leaves = spoiled(double(3, 6, 3), value), [w.clone().requires_grad_() for w in weights]
        hidden_seq, c_n = run(x, state, state, *leaves, ~PADDED)
        loss = hidden_seq.masked_fill(~true, 0).sin().sum() + c_n.square().sum()
        first = torch.autograd.grad(loss, [x, *leaves], create_graph=True)
        second = torch.autograd.grad(sum(g.square().sum() for g in first), [x, *leaves])
        found.append([c_n, *first, *second])
    assert all((a - b).abs().max() <= 1e-9 for a, b in zip(*found, strict=True))


def test_a_sequence_that_is_itself_nan_has_zeros_behind_its_end():
    x = double(3, 6, 3)
    x[1, 0] = math.nan
    for quick in (True, False):
        hidden_seq, _ = CustomLSTM(3, 4).double()(x, lengths=LENGTHS, kernel=quick)
        assert hidden_seq[1, :2].isnan().all() and (hidden_seq[1, 2:] == 0).all()
        assert hidden_seq[[0, 2]].isfinite().all()


def test_traces_read_no_padding():
    x = spoiled(double(3, 6, 3), math.nan)
    trace = record(CustomLSTM(3, 4).double(), x, LENGTHS)
    assert torch.equal(trace.h.isnan(), PADDED[:, :, None].expand(3, 6, 4))


@pytest.mark.parametrize("own", [True, False])
def test_a_classifier_and_its_saliency_read_no_padding(own):
    torch.manual_seed(0)
    classifier = TextClassifier(9, 5, 4, lstm=None if own else nn.LSTM(5, 4, batch_first=True)).double()
    found = []
    for filler in (0, 8):
        ids = torch.randint(1, 8, (3, 6), generator=torch.Generator().manual_seed(3)).masked_fill(PADDED, filler)
        with torch.no_grad():
            classifier.embedding.weight[8] = math.nan
        classifier.zero_grad()
        logits = classifier(ids, LENGTHS)
        F.cross_entropy(logits, torch.tensor([0, 1, 1])).backward()
        grads = [p.grad.clone() for p in classifier.parameters()]
        found.append([logits, *grads, *saliency(classifier, ids, LENGTHS)])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_the_bag_of_words_counts_no_word_of_the_padding():
    bag = BagOfWords(9, [torch.arange(1, 9)])
    ids = torch.randint(1, 8, (3, 6), generator=torch.Generator().manual_seed(3))
    assert torch.equal(bag(ids.masked_fill(PADDED, 8), LENGTHS), bag(ids.masked_fill(PADDED, 0), LENGTHS))
