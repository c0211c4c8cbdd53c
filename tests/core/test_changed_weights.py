"""Weights that pruning, weight norm, tying or dropout put in the place of a cell's parameters are the ones that run."""

import pytest
import torch
from torch.nn import functional as F
from torch.nn.utils import parametrizations, prune, spectral_norm, weight_norm

from lstm_lesson import CustomLSTM, kernel
from lstm_lesson.cells import LSTMCell
from lstm_lesson.experiments.broken_cells import lstm_step, lstm_with
from lstm_lesson.layers import lstm
from lstm_lesson.text.classifiers import TextClassifier, load_classifier, save_classifier
from lstm_lesson.text.news import Vocabulary
from lstm_lesson.tracing import record


def tied(cell, name):
    cell.W_hi = cell.W_hf


def dropped(cell, name):
    """Dropout on a weight: the parameter has another name, and a tensor computed from it takes its place."""
    raw = getattr(cell, name)
    delattr(cell, name)
    cell.register_parameter(f"{name}_raw", raw)
    setattr(cell, name, F.dropout(raw, 0.5))


CHANGES = {
    "pruned": lambda cell, name: prune.l1_unstructured(cell, name, 0.5),
    "weight norm": parametrizations.weight_norm,
    "spectral norm": parametrizations.spectral_norm,
    "orthogonal": parametrizations.orthogonal,
    "weight norm, old": weight_norm,
    "spectral norm, old": spectral_norm,
    "tied": tied,
    "dropped": dropped,
}
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # of torch, for the old ways


def changed(change):
    torch.manual_seed(0)
    model = CustomLSTM(3, 4).double()
    CHANGES[change](model.cells[0], "W_hi")
    return model.eval()


@pytest.mark.parametrize("kernel", [None, False])
@pytest.mark.parametrize("change", CHANGES)
def test_values_and_gradients_are_those_of_the_equations(change, kernel):
    model, x, zeros = changed(change), torch.randn(2, 5, 3).double().requires_grad_(), torch.zeros(2, 4).double()
    leaves = [x, *model.parameters()]
    hidden_seq, (_, c_n) = model(x, kernel=kernel)
    expected, _, c_T = lstm(x, zeros, zeros, model.cells[0].weights)
    assert (hidden_seq - expected).abs().max() <= 1e-12 and (c_n - c_T).abs().max() <= 1e-12
    losses = hidden_seq.sin().sum() + c_n.sum(), expected.sin().sum() + c_T.sum()
    got, wanted = (torch.autograd.grad(loss, leaves, retain_graph=True) for loss in losses)  # they share one graph
    assert all((g - w).abs().max() <= 1e-12 for g, w in zip(got, wanted, strict=True))
    assert (record(model, x).h - expected).abs().max() <= 1e-12
    assert (model.to_torch()(x)[0] - expected).abs().max() <= 1e-12
    assert (lstm_with(lstm_step, model)(x)[0] - expected).abs().max() <= 1e-12


@pytest.mark.parametrize("change", CHANGES)
def test_a_step_of_the_optimizer_changes_what_runs_next(change):
    model, x = changed(change), torch.randn(2, 5, 3).double()
    if change == "dropped":  # its owner computes the tensor anew before each forward
        model.cells[0].register_forward_pre_hook(lambda cell, _: setattr(cell, "W_hi", 0.5 * cell.W_hi_raw))
    before = model(x)[0]
    adam = torch.optim.SGD(model.parameters(), lr=0.5)
    before.square().sum().backward()
    adam.step()
    quick, slow = (model(x, kernel=kernel)[0] for kernel in (None, False))
    assert (quick - slow).abs().max() <= 1e-12 and (quick - before).abs().max() > 1e-3


def test_the_kernel_runs_tied_and_dropped_weights_and_leaves_the_others_to_the_steps():
    state = torch.zeros(2, 4).double()
    quick = {change for change in CHANGES if kernel.unsupported(changed(change).cells[0], state) == ""}
    assert quick == {"tied", "dropped"}


def test_a_weight_that_is_gone_is_named():
    model = CustomLSTM(3, 4)
    del model.cells[0].W_hi
    with pytest.raises(ValueError, match="weights has no W_hi"):
        model(torch.randn(2, 5, 3))
    assert "W_hi" not in model.cells[0].weights and "W_hi has shape" in kernel.unsupported(model.cells[0])


def test_a_pruned_peephole_is_read():
    cell = LSTMCell(3, 4, peephole="diagonal")
    prune.l1_unstructured(cell, "W_co", 2)
    assert (cell.weights["W_co"] == 0).sum() == 2
    cell(torch.randn(2, 3))


def test_a_pruned_classifier_is_saved_with_the_weights_that_it_runs(tmp_path):
    torch.manual_seed(0)
    vocabulary = Vocabulary([["a", "b"]], min_freq=1)
    classifier = TextClassifier(len(vocabulary), 5, 4).eval()
    for module, name in ((classifier.lstm.cells[0], "W_hi"), (classifier.linear, "weight")):
        prune.l1_unstructured(module, name, 0.5)
    save_classifier(classifier, vocabulary, tmp_path)
    ids = torch.tensor([[2, 3, 2]])
    assert torch.allclose(load_classifier(tmp_path)[0](ids), classifier(ids), atol=1e-6)
