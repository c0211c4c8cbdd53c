"""Batches of texts of similar length, and what tells whether a model has learned: accuracy, bits, an exact test."""

import itertools
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lstm_lesson.recurrent import undisturbed
from lstm_lesson.shapes import ERRORS, check_float, check_shapes, check_size, describe
from lstm_lesson.text.news import pad_batch
from lstm_lesson.text.writing import bits_per_character, next_character_batches

Examples = tuple[Sequence[Tensor], Tensor]  # sequences of word numbers, each (T_k,), and labels (n,) int64


def batches(examples: Examples, batch_size: int, order: torch.Generator | None = None) -> Iterator[tuple]:
    """(ids (B, T), lengths (B,), labels (B,)) for all examples; texts of similar length share a batch, so T is small.

    With `order`, shuffled: texts are sorted by length within groups of 20 batches; the batches come in random order.
    Raises ValueError for a batch_size below 1.
    """
    batch_size = check_size("batch_size", batch_size)
    sequences, labels = examples
    n, length = len(sequences), torch.tensor([len(ids) for ids in sequences])
    groups = [torch.arange(n)] if order is None else torch.randperm(n, generator=order).split(20 * batch_size)
    chosen = [batch for s in groups for batch in s[length[s].argsort(stable=True)].split(batch_size)]
    if order is not None:
        chosen = [chosen[k] for k in torch.randperm(len(chosen), generator=order)]
    for index in chosen:
        yield *pad_batch([sequences[k] for k in index]), labels[index]


def check_examples(name: str, examples, classes: int | None = None) -> None:
    """Raise ValueError unless `examples` is a pair (sequences, labels) of one length, each label below `classes`."""
    if not isinstance(examples, (tuple, list)) or len(examples) != 2:
        raise ValueError(f"{name} is {type(examples).__name__}; it needs a pair (sequences, labels)")
    sequences, labels = examples
    if len(sequences) == 0 or not isinstance(labels, Tensor) or labels.shape != (len(sequences),):
        raise ValueError(ERRORS["labels"].format(name, len(sequences), describe(labels)))
    if labels.dtype != torch.int64:
        raise ValueError(f"{name} has labels of {labels.dtype}; it needs torch.int64")
    if classes is not None and (labels.min() < 0 or labels.max() >= classes):
        raise ValueError(ERRORS["classes"].format(name, labels.min(), labels.max(), classes, classes - 1))


def masked_accuracy(logits: Tensor, targets: Tensor, keep: Tensor) -> Tensor:
    """Accuracy over the positions that are kept.

    logits (B, T, K), targets (B, T) int64, keep (B, T) bool, False at padding -> 0-dim float tensor.
    Raises ValueError naming the argument that does not fit, and if no position is kept.
    """
    B, T, _ = check_shapes(logits=(logits, "B T K")).values()
    for name, given, dtype in (("targets", targets, torch.int64), ("keep", keep, torch.bool)):
        if not isinstance(given, Tensor) or given.shape != (B, T) or given.dtype != dtype:
            raise ValueError(f"{name} has {describe(given)}; it needs (B, T) = ({B}, {T}) and {dtype}")
    if not keep.any():
        raise ValueError("keep is False everywhere; it needs at least one position that counts")
    return (logits.argmax(dim=-1) == targets)[keep].to(logits.dtype).mean()


@torch.no_grad()
def predict(model: nn.Module, sequences: Sequence[Tensor], batch_size: int = 256) -> Tensor:
    """Class probabilities (n, classes) for n sequences of token ids; the model runs in eval mode, unchanged."""
    numbered = sequences, torch.arange(len(sequences))
    with undisturbed(model):
        parts = [(model(ids, lengths=n).softmax(dim=1), at) for ids, n, at in batches(numbered, batch_size)]
    probabilities, places = map(torch.cat, zip(*parts, strict=True))
    return probabilities[places.argsort()]


def evaluate(model: nn.Module, examples: Examples) -> tuple[float, float]:
    """Mean cross-entropy and accuracy on (sequences, labels)."""
    check_examples("examples", examples)
    probabilities = predict(model, examples[0])
    check_examples("examples", examples, probabilities.shape[1])
    loss = F.nll_loss(probabilities.clamp_min(1e-12).log(), examples[1])
    return loss.item(), (probabilities.argmax(dim=1) == examples[1]).float().mean().item()


@torch.no_grad()
def bits_on(model: nn.Module, ids: Tensor, B: int = 16, T: int = 256) -> float:
    """The bits per character of a model on a text (n,) int64, read in B streams with the state carried."""
    state, values = None, []
    with undisturbed(model):
        for x, y in next_character_batches(ids, B, T):
            logits, state = model(x, state)
            values.append(bits_per_character(logits, y).item())
    return sum(values) / len(values)


def sign_flip_test(differences: Tensor) -> Tensor:
    """Sign-flip permutation test for paired differences: the exact two-sided p-value of their mean.

    differences (n,), n from 1 to 16: one for each seed, changed minus unchanged -> p, a tensor without dimensions.
    If the change has no effect, both signs of each difference are equally likely. All 2ⁿ choices of signs are tried,
    and p is the share of them whose mean is at least as far from 0. The smallest p is 2/2ⁿ: 1/16 for five seeds.
    Source: Fisher 1935, chapter III. Raises ValueError for anything but a vector of 1 to 16 finite floats.
    """
    check_float("differences", differences, "(n,)")
    if differences.ndim != 1 or not 1 <= len(differences) <= 16 or not torch.isfinite(differences).all():
        raise ValueError(f"differences has shape {tuple(differences.shape)}; it needs (n,) finite, n at most 16")
    d = differences.detach().double()
    signs = torch.tensor(list(itertools.product((1.0, -1.0), repeat=len(d))), dtype=torch.float64)  # (2ⁿ, n)
    sums = (signs @ d).abs()
    return (sums >= sums[0] - 1e-12 * d.abs().sum()).to(differences.dtype).mean()  # the first row keeps all signs
