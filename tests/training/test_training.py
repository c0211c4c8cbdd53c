"""Readers, training, and the numbers that judge them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lstm_lesson import CustomLSTM
from lstm_lesson.gradients import clip_by_norm, truncate
from lstm_lesson.text.classifiers import BagOfWords, TextClassifier, load_classifier, save_classifier
from lstm_lesson.text.news import Vocabulary, load_news, pad_batch, tokenize
from lstm_lesson.tracing import record
from lstm_lesson.training import loop
from lstm_lesson.training.loop import fit, training_steps
from lstm_lesson.training.metrics import (
    batches,
    evaluate,
    masked_accuracy,
    predict,
)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def toy(n=120, seed=1):
    """Sequences of words 2..9 of different lengths; the label is whether word 2 comes first."""
    pick = torch.Generator().manual_seed(seed)
    sequences = [
        torch.randint(3, 10, (int(torch.randint(1, 9, (1,), generator=pick)),), generator=pick) for _ in range(n)
    ]
    labels = torch.arange(n) % 2
    for ids, label in zip(sequences, labels, strict=True):
        ids[0] = 2 if label else 3
    return sequences, labels


# The classifiers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("own", [True, False])
def test_padding_never_reaches_the_answer_of_a_classifier(own):
    classifier = TextClassifier(10, lstm=None if own else nn.LSTM(32, 32, batch_first=True)).double()
    sequences, _ = toy(6)
    ids, lengths = pad_batch(sequences)
    together = classifier(ids, lengths=lengths)
    alone = torch.cat([classifier(row[None]) for row in sequences])
    assert (together - alone).abs().max() <= 1e-12
    assert torch.equal(together, classifier(F.pad(ids, (0, 5), value=7), lengths=lengths))


def test_a_classifier_with_the_weights_of_torch_gives_the_answers_of_torch():
    theirs = TextClassifier(10, 6, 5, lstm=nn.LSTM(6, 5, batch_first=True)).double()
    own = TextClassifier(10, 6, 5, lstm=CustomLSTM.from_torch(theirs.lstm)).double()
    own.embedding, own.linear = theirs.embedding, theirs.linear
    ids, lengths = pad_batch(toy(7)[0])
    assert (own(ids, lengths=lengths) - theirs(ids, lengths=lengths)).abs().max() <= 1e-12


def test_a_classifier_can_be_traced():
    ids, lengths = pad_batch(toy(4)[0])
    trace = record(TextClassifier(10, 6, 5), ids, lengths=lengths)
    assert trace.f.shape == (*ids.shape, 5) and trace.f.isnan().any() == (lengths < ids.shape[1]).any()


def test_dropout_acts_in_training_only():
    classifier, (ids, lengths) = TextClassifier(10, dropout=0.5), pad_batch(toy(4)[0])
    assert not torch.equal(classifier(ids, lengths=lengths), classifier(ids, lengths=lengths))
    classifier.eval()
    assert torch.equal(classifier(ids, lengths=lengths), classifier(ids, lengths=lengths))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"vocab_size": 0}, "vocab_size is 0"),
        ({"hidden": 2.5}, "hidden is 2.5"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"lstm": nn.GRU(32, 32)}, "lstm is GRU"),
        ({"lstm": nn.LSTM(32, 32)}, "'batch_first': False"),
        ({"lstm": nn.LSTM(32, 32, proj_size=8, batch_first=True)}, "without proj_size"),
        ({"lstm": nn.LSTM(32, 32, batch_first=True, bidirectional=True)}, "'bidirectional': True"),
        ({"lstm": CustomLSTM(32, 32, bidirectional=True)}, "'bidirectional': True"),
        ({"lstm": CustomLSTM(31, 32)}, "'input_size': 31, .* it needs .*'input_size': 32"),
    ],
)
def test_a_classifier_names_what_does_not_fit(change, says):
    with pytest.raises(ValueError, match=says):
        TextClassifier(**{"vocab_size": 10, **change})


@pytest.mark.parametrize("model", [TextClassifier(10), BagOfWords(10, toy()[0])], ids=["classifier", "bag of words"])
@pytest.mark.parametrize(
    ("ids", "lengths", "says"),
    [
        (torch.tensor([1, 2]), None, r"ids has shape \(2,\)"),
        (torch.ones(2, 3), None, "ids has .*float32"),
        (torch.tensor([[10]]), None, "it needs 0 to 9"),
        (torch.tensor([[-1]]), None, "it needs 0 to 9"),
        (torch.ones(2, 3).long(), torch.tensor([0, 3]), "lengths has entries from 0"),
        (torch.ones(2, 3).long(), torch.tensor([3]), "lengths has shape"),
    ],
)
def test_models_name_a_batch_they_cannot_read(model, ids, lengths, says):
    with pytest.raises(ValueError, match=says):
        model(ids, lengths=lengths)


def test_the_bag_of_words_is_logistic_regression_on_tf_idf():
    train = toy(50)[0]
    bag = BagOfWords(10, train).double()
    ids, lengths = pad_batch([torch.tensor([2, 5, 5, 7]), torch.tensor([3])])
    vectors = torch.zeros(2, 10, dtype=torch.float64)
    for row, text in zip(vectors, ([2, 5, 5, 7], [3]), strict=True):
        for word in text:
            texts_with = sum(word in other.tolist() for other in train)
            row[word] += torch.log(torch.tensor(51 / (1 + texts_with), dtype=torch.float64)) + 1
    expected = F.normalize(vectors) @ bag.weight.weight + bag.bias
    assert (bag(ids, lengths=lengths) - expected).abs().max() <= 1e-6  # the word weights are kept in float32


def test_the_bag_of_words_does_not_see_the_order():
    bag = BagOfWords(10, toy()[0])
    ids = torch.tensor([[2, 3, 4, 4], [4, 2, 4, 3]])
    torch.testing.assert_close(*bag(ids).unbind())


# Training ------------------------------------------------------------------------------------------------------------


def test_every_example_occurs_once_an_epoch_with_its_label_in_batches_of_similar_length():
    sequences = [torch.full((1 + k % 40,), k + 2) for k in range(500)]
    examples = sequences, torch.arange(500)
    for order in (None, torch.Generator().manual_seed(0)):
        seen, padding = [], 0
        for ids, lengths, labels in batches(examples, 20, order):
            assert torch.equal(ids[:, 0], labels + 2) and torch.equal((ids > 0).sum(dim=1), lengths)
            seen += labels.tolist()
            padding += (ids == 0).sum().item()
        assert sorted(seen) == list(range(500))
        assert padding < 0.1 * sum(map(len, sequences))
    shuffled = batches(examples, 20, torch.Generator().manual_seed(0))
    again = [label for *_, labels in shuffled for label in labels.tolist()]
    assert again == seen and again != list(range(500))


def test_fit_learns_and_repeats_itself_with_the_same_seed():
    runs = []
    for _ in range(2):
        torch.manual_seed(7)
        classifier = TextClassifier(10, 8, 8, dropout=0.1)
        history = fit(classifier, toy(), toy(60, seed=2), epochs=6, lr=0.02, batch_size=20, seed=3, progress=False)
        runs.append((history.train_loss, history.val_accuracy, predict(classifier, toy(60, seed=2)[0])))
    assert runs[0][1][-1] > 0.95
    assert runs[0][:2] == runs[1][:2] and torch.equal(runs[0][2], runs[1][2])


def test_two_models_with_one_seed_see_the_same_batches(monkeypatch):
    seen = []
    monkeypatch.setattr(loop, "batches", lambda *given: (seen.append(batch[0]) or batch for batch in batches(*given)))
    for hidden in (4, 6):  # another size: other random numbers are drawn for the weights
        fit(TextClassifier(10, 8, hidden), toy(), toy(20), epochs=2, batch_size=20, seed=5, progress=False)
    half = len(seen) // 2
    assert half == 12 and all(torch.equal(a, b) for a, b in zip(seen[:half], seen[half:], strict=True))


def test_the_best_epoch_by_validation_is_the_one_that_is_kept(monkeypatch):
    scores, weights = iter([(0.5, 0.6), (0.4, 0.9), (0.3, 0.8), (0.6, 0.9)]), []
    classifier = TextClassifier(10, 4, 4)

    def evaluate(model, examples):
        weights.append(model.linear.weight.detach().clone())
        return next(scores)

    monkeypatch.setattr(loop, "evaluate", evaluate)
    history = fit(classifier, toy(), toy(), epochs=4, progress=False)
    assert history.best == 2  # epoch 4 is as accurate, with the higher loss
    assert torch.equal(classifier.linear.weight, weights[1]) and not torch.equal(weights[1], weights[3])
    assert history.epoch == [1, 2, 3, 4] and history.val_accuracy == [0.6, 0.9, 0.8, 0.9]


def test_a_step_clips_the_joint_norm():
    weights = [torch.zeros(3, requires_grad=True), torch.zeros(2, requires_grad=True)]
    sgd = torch.optim.SGD(weights, lr=1.0)
    steps = training_steps(sgd, [1.0], lambda batch: sum((10 * batch * w).sum() for w in weights), clip=0.001)
    assert [(batch, loss.item()) for batch, loss in steps] == [(1.0, 0.0)]
    assert 0.0009 < torch.cat([w.detach() for w in weights]).norm() < 0.0011


def test_a_caller_that_stops_keeps_the_weights():
    weight = torch.ones(1, requires_grad=True)
    for _ in training_steps(torch.optim.SGD([weight], lr=1.0), [0, 1], lambda batch: weight.square()):
        break
    assert weight.item() == 1.0


def test_of_several_losses_the_sum_is_minimised():
    weights = torch.tensor([1.0, 2.0], requires_grad=True)
    list(training_steps(torch.optim.SGD([weights], lr=0.5), [0], lambda batch: weights.square()))
    assert weights.tolist() == [0.0, 0.0]


def test_fit_trains_with_dropout_whatever_mode_the_classifier_was_in(monkeypatch):
    modes = []
    classifier = TextClassifier(10, 4, 4, dropout=0.5).eval()
    classifier.register_forward_hook(lambda module, *_: modes.append(module.training))
    fit(classifier, toy(40), toy(20), epochs=2, batch_size=20, progress=False)
    assert modes == [False, True, True, False, True, True, False]  # the first call counts the outputs
    assert not classifier.training


def test_a_loss_that_is_not_finite_stops_with_advice():
    classifier = TextClassifier(10, 4, 4)
    with torch.no_grad():
        classifier.linear.weight.fill_(float("nan"))
    with pytest.raises(ValueError, match=r"the loss is nan.*smaller lr"):
        fit(classifier, toy(), toy(), epochs=1, progress=False)


@pytest.mark.parametrize("which", ["train", "val"])
@pytest.mark.parametrize("shift", [1, -1])
def test_labels_that_do_not_fit_the_outputs_are_named_before_the_first_step(which, shift):
    classifier, (sequences, labels) = TextClassifier(10, 4, 4), toy(20)
    before = [p.detach().clone() for p in classifier.parameters()]
    given = {"train": toy(20), "val": toy(20)} | {which: (sequences, labels + shift)}
    says = rf"{which} has labels from {shift} to {1 + shift}; a model of 2 outputs needs 0 to 1"
    with pytest.raises(ValueError, match=says):
        fit(classifier, **given, progress=False)
    assert all(torch.equal(a, b) for a, b in zip(before, classifier.parameters(), strict=True))
    with pytest.raises(ValueError, match=r"examples has labels from .* needs 0 to 1"):
        evaluate(classifier, (sequences, labels + shift))


def test_a_validation_loss_that_is_not_finite_stops_with_advice(monkeypatch):
    monkeypatch.setattr(loop, "evaluate", lambda *_: (float("nan"), 0.5))
    with pytest.raises(ValueError, match=r"the loss is nan.*smaller lr"):
        fit(TextClassifier(10, 4, 4), toy(20), toy(20), epochs=1, progress=False)


def interrupted(model, calls):
    """Raise KeyboardInterrupt in the given call of the model in training mode, as the stop button does."""
    left = iter(range(1, 10**6))

    def stop(module, *_):
        if module.training and next(left) == calls:
            raise KeyboardInterrupt

    model.register_forward_pre_hook(stop)
    return model


def test_an_interrupt_keeps_the_best_epoch_and_the_history_so_far(capfd):
    kept, whole = (TextClassifier(10, 4, 4, dropout=0.2) for _ in range(2))
    whole.load_state_dict(kept.state_dict())
    expected = fit(whole, toy(40), toy(20), epochs=2, batch_size=20, progress=False)
    history = fit(interrupted(kept, 6), toy(40), toy(20), epochs=5, batch_size=20)  # in the second batch of epoch 3
    assert (history.epoch, history.train_loss, history.best) == ([1, 2], expected.train_loss, expected.best)
    assert all(torch.equal(a, b) for a, b in zip(kept.parameters(), whole.parameters(), strict=True))
    assert not kept.training and history.seconds > 0
    assert "interrupted in epoch 3" in capfd.readouterr().out


def test_an_interrupt_in_the_first_epoch_keeps_the_weights_so_far(capfd):
    classifier = interrupted(TextClassifier(10, 4, 4), 2)
    before = classifier.linear.weight.detach().clone()
    history = fit(classifier, toy(40), toy(20), batch_size=20)
    assert history.epoch == [] and history.best == 0 and not classifier.training
    assert not torch.equal(before, classifier.linear.weight)
    assert "no epoch complete, interrupted in epoch 1" in capfd.readouterr().out


def test_a_loss_that_is_not_finite_leaves_the_best_epoch_so_far(monkeypatch):
    classifier, scores, weights = TextClassifier(10, 4, 4), iter([(0.5, 0.6), (float("nan"), 0.5)]), []
    monkeypatch.setattr(loop, "evaluate", lambda model, _: weights.append(model.linear.weight.clone()) or next(scores))
    with pytest.raises(ValueError, match="the loss is nan"):
        fit(classifier, toy(20), toy(20), epochs=3, progress=False)
    assert torch.equal(classifier.linear.weight, weights[0]) and not torch.equal(weights[0], weights[1])
    assert not classifier.training


def test_progress_is_one_line_with_loss_time_left_and_the_end_on_stdout_only(capfd, monkeypatch):
    ticks = iter(range(10**6))
    monkeypatch.setattr(loop.time, "perf_counter", lambda: next(ticks))  # every look at the clock is a second later
    fit(TextClassifier(10, 4, 4), toy(), toy(), epochs=2, batch_size=40, label="mine")
    out, err = capfd.readouterr()
    assert err == "" and out.count("\n") == 1 and out.endswith("\n")
    parts = [part.strip() for part in out.split("\r")[1:]]
    assert parts[0].startswith("mine · epoch 1 of 2 · loss 0.") and parts[0].endswith("s left")
    assert parts[-1].startswith("mine · best validation accuracy 0.") and "left" not in parts[-1]
    fit(TextClassifier(10, 4, 4), toy(), toy(), epochs=1, progress=False)
    assert capfd.readouterr() == ("", "")


@pytest.mark.full
def test_a_notebook_keeps_the_last_state_of_the_line_only():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    source = (
        "import torch\nfrom lstm_lesson.text import TextClassifier\nfrom lstm_lesson.training import fit\n"
        "examples = [torch.tensor([2, 3])] * 8, torch.arange(8) % 2\n"
        "_ = fit(TextClassifier(5, 4, 4), examples, examples, epochs=3, label='mine')"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    (output,) = notebook.cells[0].outputs
    assert output.output_type == "display_data"
    assert output.data["text/plain"].startswith("mine · best validation accuracy 0.500")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"batch_size": 1.5}, "batch_size is 1.5"),
        ({"lr": 0}, "lr is 0"),
        ({"clip": -1}, "clip is -1"),
        ({"lr": "fast"}, "lr is 'fast'"),
        ({"train": toy()[0]}, "train is list"),
        ({"val": ([], torch.ones(0).long())}, "val has 0 sequences"),
        ({"val": (toy(4)[0], torch.ones(3).long())}, r"val has 4 sequences, labels of shape \(3,\)"),
        ({"train": (toy(4)[0], torch.ones(4))}, "train has labels of torch.float32"),
    ],
)
def test_fit_names_what_does_not_fit(change, says):
    arguments = {"train": toy(4), "val": toy(4), "epochs": 1, "progress": False, **change}
    with pytest.raises(ValueError, match=says):
        fit(TextClassifier(10, 4, 4), **arguments)


@pytest.mark.parametrize("wrong", [0, 2.0, True])
def test_a_count_that_is_no_whole_number_above_0_is_named(wrong):
    with pytest.raises(ValueError, match=f"^batch_size is {wrong}; it needs a whole number of at least 1"):
        list(batches(toy(4), wrong))
    assert len(list(batches(toy(4), np.int64(3)))) == 2


# Judging -------------------------------------------------------------------------------------------------------------


def test_predictions_stand_in_the_order_of_their_texts_and_leave_the_mode_alone():
    classifier, (sequences, labels) = TextClassifier(10, dropout=0.5).train(), toy(50)
    together = predict(classifier, sequences, batch_size=7)
    assert classifier.training and not together.requires_grad
    classifier.eval()
    alone = torch.cat([classifier(ids[None]).softmax(dim=1) for ids in sequences])
    torch.testing.assert_close(together, alone)
    predict(classifier, sequences)
    assert not classifier.training
    loss, accuracy = evaluate(classifier, (sequences, labels))
    assert accuracy == pytest.approx((alone.argmax(dim=1) == labels).double().mean().item(), abs=1e-6)
    assert loss == pytest.approx(F.nll_loss(alone.log(), labels).item(), abs=1e-5)


def test_masked_accuracy_counts_kept_positions_only():
    logits = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [5.0, 0.0]], [[0.0, 1.0], [0.0, 9.0], [0.0, 1.0]]])
    targets = torch.tensor([[0, 0, 1], [1, 0, 0]])
    keep = torch.tensor([[True, True, False], [True, False, False]])
    assert masked_accuracy(logits, targets, keep).item() == pytest.approx(2 / 3)
    assert masked_accuracy(logits, targets, keep).shape == ()
    for bad, says in (
        ({"logits": logits[0]}, "logits has shape"),
        ({"targets": targets.float()}, "targets has"),
        ({"keep": keep[:, :2]}, "keep has"),
        ({"keep": torch.zeros_like(keep)}, "keep is False everywhere"),
    ):
        with pytest.raises(ValueError, match=says):
            masked_accuracy(**{"logits": logits, "targets": targets, "keep": keep, **bad})


@pytest.mark.parametrize("max_norm", [0.5, 100.0])
def test_clip_by_norm_does_what_torch_does_and_leaves_its_input(max_norm):
    grads = [torch.randn(3, 4, dtype=torch.float64), torch.randn(5, dtype=torch.float64)]
    copies = [g.clone() for g in grads]
    leaves = [nn.Parameter(torch.zeros_like(g)) for g in grads]
    for leaf, grad in zip(leaves, grads, strict=True):
        leaf.grad = grad.clone()
    nn.utils.clip_grad_norm_(leaves, max_norm)
    clipped = clip_by_norm(grads, max_norm)
    for ours, leaf, grad, copy in zip(clipped, leaves, grads, copies, strict=True):
        assert (ours - leaf.grad).abs().max() <= 2e-6  # torch divides by the norm plus 1e-6
        assert torch.equal(grad, copy)
        assert max_norm < 1 or torch.equal(ours, grad)
    joint = torch.cat([g.reshape(-1) for g in clipped]).norm()
    assert joint <= max_norm + 1e-12


def test_clip_by_norm_takes_zero_gradients_and_names_bad_input():
    assert clip_by_norm([torch.zeros(3)], 1.0)[0].tolist() == [0, 0, 0]
    for grads, max_norm, says in (
        ([], 1.0, "grads is"),
        ([torch.ones(2)], 0, "max_norm is 0"),
        ([1.0], 1.0, "grads.0."),
    ):
        with pytest.raises(ValueError, match=says):
            clip_by_norm(grads, max_norm)


def test_truncate_keeps_the_numbers_and_cuts_the_history():
    w = torch.ones(2, requires_grad=True)
    h, c = truncate((w * 2, w * 3))
    assert h.tolist() == [2, 2] and c.tolist() == [3, 3] and not h.requires_grad and not c.requires_grad
    assert not truncate(w * 2).requires_grad
    with pytest.raises(ValueError, match="state is"):
        truncate(3)


# Keeping a classifier -----------------------------------------------------------------------------------------------


def test_a_saved_classifier_comes_back_with_its_words_and_its_answers(tmp_path):
    words, classifier = Vocabulary([["a", "b", "a", "b"]]), TextClassifier(4, 6, 5, dropout=0.5).eval()
    path = save_classifier(classifier, words, folder=tmp_path / "new")
    again, its_words = load_classifier(tmp_path / "new")
    ids = torch.tensor([[2, 3, 1]])
    assert torch.equal(again(ids), classifier(ids)) and not again.training
    assert its_words.tokens == words.tokens and its_words.encode(["b"]).tolist() == words.encode(["b"]).tolist()
    assert [p.name for p in path.parent.iterdir()] == ["reader.pt"]


def test_a_classifier_that_the_version_before_saved_still_loads(tmp_path):
    words = ["<pad>", "<unk>", "a", "b"]
    gates = {
        f"lstm.cells.0.{part}{k}": shape
        for k in "ifco"
        for part, shape in (("W_x", (6, 5)), ("W_h", (5, 5)), ("b_", (5,)))
    }
    shapes = {"embedding.weight": (4, 6), **gates, "linear.weight": (2, 5), "linear.bias": (2,)}
    weights = {name: torch.randn(shape) for name, shape in shapes.items()}
    torch.save({"sizes": [4, 6, 5, 2], "tokens": words, "weights": weights}, tmp_path / "reader.pt")
    classifier, vocabulary = load_classifier(tmp_path)
    assert vocabulary.tokens == words
    assert {name: tuple(value.shape) for name, value in classifier.state_dict().items()} == shapes
    assert torch.equal(classifier.lstm.cells[0].W_xc, weights["lstm.cells.0.W_xc"])


def test_a_classifier_is_saved_beside_the_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("LSTM_LESSON_PROGRESS", str(tmp_path))
    assert save_classifier(TextClassifier(4, 6, 5), Vocabulary([["a", "b"] * 2])) == tmp_path / "reader.pt"
    assert load_classifier()[0].linear.in_features == 5


@pytest.mark.parametrize("where", ["while writing", "while taking its place"])
def test_a_write_that_fails_leaves_the_saved_classifier(tmp_path, monkeypatch, where):
    words, first = Vocabulary([["a", "b", "a", "b"]]), TextClassifier(4, 6, 5).eval()
    save_classifier(first, words, tmp_path)

    def fail(_what, path):
        if where == "while writing":
            path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(*((torch, "save") if where == "while writing" else (Path, "replace")), fail)
        with pytest.raises(OSError, match="No space"):
            save_classifier(TextClassifier(4, 6, 5), words, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["reader.pt"]
    ids = torch.tensor([[2, 3]])
    assert torch.equal(load_classifier(tmp_path)[0](ids), first(ids))


@pytest.mark.parametrize("content", [b"", b"not a classifier", None])
def test_a_damaged_or_missing_classifier_says_what_to_do(tmp_path, content):
    if content is not None:
        (tmp_path / "reader.pt").write_bytes(content)
    with pytest.raises(ValueError, match=r"notebook 12"):
        load_classifier(tmp_path)


def test_a_kept_file_that_would_run_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (exec, ("raise SystemExit('code ran')",))

    torch.save({"sizes": [4, 6, 5, 2], "tokens": Evil()}, tmp_path / "reader.pt")
    with pytest.raises(ValueError, match="damaged"):
        load_classifier(tmp_path)


def test_only_a_classifier_that_can_come_back_is_kept(tmp_path):
    words = Vocabulary([["a", "b", "a", "b"]])
    for classifier in (
        TextClassifier(4, lstm=nn.LSTM(32, 32, batch_first=True)),
        TextClassifier(4, lstm=CustomLSTM(32, 32, peephole="full")),
        TextClassifier(5),
    ):
        with pytest.raises(ValueError, match=r"classifier has|vocabulary is"):
            save_classifier(classifier, words, tmp_path)
    assert list(tmp_path.iterdir()) == []


# The point of it -----------------------------------------------------------------------------------------------------


def test_on_synthetic_headlines_the_lstm_reads_and_the_bag_of_words_stays_at_one_half():
    news = load_news("synthetic")
    words = Vocabulary(map(tokenize, news["train"].texts))
    train, val, test = (([words.encode(tokenize(t)) for t in texts], labels) for texts, labels in news.values())
    bag, classifier = BagOfWords(len(words), train[0]), TextClassifier(len(words))
    fit(bag, train, val, epochs=2, lr=0.05, progress=False)
    fit(classifier, train, val, epochs=4, lr=0.01, progress=False)
    assert evaluate(bag, test)[1] == 0.5
    assert evaluate(classifier, test)[1] > 0.95
