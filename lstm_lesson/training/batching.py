"""Batches of texts of similar length (length bucketing)."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from lstm_lesson.shapes import check_size, describe
from lstm_lesson.text.news import pad_batch

Examples = tuple[Sequence[Tensor], Tensor]  # sequences of word numbers, each (T_k,), and labels (n,) int64


def batches(examples: Examples, batch_size: int, order: torch.Generator | None = None) -> Iterator[tuple]:
    """(ids (B, T), lengths (B,), labels (B,)) for all examples; texts of similar length share a batch, so T is small.

    With `order`, shuffled: texts are sorted by length within groups of 20 batches; the batches come in random order.
    Raises ValueError for a batch_size below 1.
    """
    batch_size = check_size("batch_size", batch_size)
    sequences, labels = examples
    length = torch.tensor([len(ids) for ids in sequences])
    if order is None:
        chosen = list(length.argsort(stable=True).split(batch_size))
    else:
        mixed = torch.randperm(len(sequences), generator=order)
        groups = [s[length[s].argsort(stable=True)] for s in mixed.split(20 * batch_size)]
        chosen = [batch for group in groups for batch in group.split(batch_size)]
        chosen = [chosen[k] for k in torch.randperm(len(chosen), generator=order)]
    for index in chosen:
        yield *pad_batch([sequences[k] for k in index]), labels[index]


def check_examples(name: str, examples, classes: int | None = None) -> None:
    """Raise ValueError unless `examples` is a pair (sequences, labels) of one length, each label below `classes`."""
    if not isinstance(examples, (tuple, list)) or len(examples) != 2:
        raise ValueError(f"{name} is {type(examples).__name__}; it needs a pair (sequences, labels)")
    sequences, labels = examples
    if len(sequences) == 0 or not isinstance(labels, Tensor) or labels.shape != (len(sequences),):
        has = f"{len(sequences)} sequences, labels of {describe(labels)}"
        raise ValueError(f"{name} has {has}; it needs labels (n,), n at least 1")
    if labels.dtype != torch.int64:
        raise ValueError(f"{name} has labels of {labels.dtype}; it needs torch.int64")
    if classes is not None and (labels.min() < 0 or labels.max() >= classes):
        has = f"labels from {labels.min()} to {labels.max()}"
        raise ValueError(f"{name} has {has}; a model of {classes} outputs needs 0 to {classes - 1}")
