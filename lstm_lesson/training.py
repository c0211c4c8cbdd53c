"""Training in plain sight: batches of like length, `fit`, and the numbers that tell whether a model learned."""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lstm_lesson.readers import BagOfWords, Reader, load_reader, save_reader
from lstm_lesson.shapes import check_float, check_shapes, check_size
from lstm_lesson.text import pad_batch

__all__ = ["BagOfWords", "History", "Reader", "batches", "clip_by_norm", "confusion", "evaluate", "fit", "load_reader",
           "majority_rate", "masked_accuracy", "predict", "save_reader", "step",
           "surface_rule", "truncate"]  # fmt: skip

Examples = tuple[Sequence[Tensor], Tensor]  # sequences of word numbers, each (T_k,), and labels (n,) int64


@dataclass
class History:
    """What happened in `fit`: one entry an epoch. `best` is the epoch (from 1) whose weights were kept."""

    epoch: list[int] = field(default_factory=list)
    train_loss: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    best: int = 0
    seconds: float = 0.0

    def add(self, train_loss: float, val_loss: float, val_accuracy: float) -> None:
        """Note one more epoch."""
        self.epoch.append(len(self.epoch) + 1)
        self.train_loss.append(train_loss)
        self.val_loss.append(val_loss)
        self.val_accuracy.append(val_accuracy)


def fit(model: nn.Module, train: Examples, val: Examples, epochs: int = 8, lr: float = 0.003, batch_size: int = 64,
        seed: int = 0, clip: float = 1.0, label: str = "", progress: bool = True) -> History:  # fmt: skip
    """Train a reader with Adam on cross-entropy, and leave it with the weights of its best epoch by validation.

    `train` and `val` are (sequences, labels). Batches hold texts of like length, in an order that `seed` fixes (it
    also fixes dropout), so that two models with one seed see the same batches. Gradients are clipped to a joint norm
    of `clip`. `progress` shows one line with loss and time left, headed by `label`.
    Raises ValueError for examples that do not fit and for numbers out of range, and if the loss is no longer finite.
    """
    for name, size in {"epochs": epochs, "batch_size": batch_size}.items():
        check_size(name, size)
    for name, number in {"lr": lr, "clip": clip}.items():
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not number > 0:
            raise ValueError(f"{name} is {number!r}; it needs a number above 0")
    check_examples("train", train)
    check_examples("val", val)
    torch.manual_seed(seed)
    order, adam = torch.Generator().manual_seed(seed), torch.optim.Adam(model.parameters(), lr=lr)
    history, kept, best = History(), None, (-1.0, 0.0)
    line = ProgressLine(label, progress, steps=epochs * -(-len(train[0]) // batch_size))
    for epoch in range(1, epochs + 1):
        total = 0.0
        for ids, lengths, labels in batches(train, batch_size, order):
            loss = step(model, adam, ids, lengths, labels, clip)
            total += loss * len(labels)
            line.step(f"epoch {epoch} of {epochs} · loss {loss:.3f}")
        loss, accuracy = evaluate(model, val)
        history.add(total / len(train[1]), loss, accuracy)
        if (accuracy, -loss) > best:
            best, history.best = (accuracy, -loss), epoch
            kept = {name: value.detach().clone() for name, value in model.state_dict().items()}
    model.load_state_dict(kept)
    history.seconds = line.seconds
    line.last(f"best validation accuracy {best[0]:.3f}, epoch {history.best} of {epochs} · {line.seconds:.0f} s")
    return history


def step(model: nn.Module, optimizer: torch.optim.Optimizer, ids: Tensor, lengths: Tensor, labels: Tensor,
         clip: float = 1.0) -> float:  # fmt: skip
    """One step of training on a batch: forward, cross-entropy, backward, clip, update. Returns the loss.

    ids (B, T) int64, lengths (B,), labels (B,) int64. Raises ValueError if the loss is no longer finite.
    """
    model.train()
    loss = F.cross_entropy(model(ids, lengths=lengths), labels)  # takes logits: it has its own softmax inside
    if not torch.isfinite(loss):
        raise ValueError(f"the loss is {loss.item()}, it needs to be finite; a smaller lr may help")
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), clip)  # our clip_by_norm, in place
    optimizer.step()
    return loss.item()


def batches(examples: Examples, batch_size: int, order: torch.Generator | None = None) -> Iterator[tuple]:
    """(ids (B, T), lengths (B,), labels (B,)) for all examples, texts of like length together so that T stays small.

    With `order`, shuffled: like lengths are gathered within stretches of 20 batches, and the batches come mixed.
    """
    sequences, labels = examples
    n = len(sequences)
    length = torch.tensor([len(ids) for ids in sequences])
    if order is None:
        chosen = list(length.argsort(stable=True).split(batch_size))
    else:
        mixed = torch.randperm(n, generator=order)
        stretches = [s[length[s].argsort(stable=True)] for s in mixed.split(20 * batch_size)]
        chosen = [batch for stretch in stretches for batch in stretch.split(batch_size)]
        chosen = [chosen[k] for k in torch.randperm(len(chosen), generator=order)]
    for index in chosen:
        yield *pad_batch([sequences[k] for k in index]), labels[index]


def truncate(state: Tensor | tuple) -> Tensor | tuple:
    """The state with its history cut: the same numbers, and no gradient flows to what came before.

    `state` is a tensor or a tuple of tensors, (h, c) say -> the same, detached.
    Source: truncated backpropagation through time, Williams & Peng 1990.
    """
    if isinstance(state, (tuple, list)):
        return tuple(truncate(part) for part in state)
    check_float("state", state, "any")
    return state.detach()


def clip_by_norm(grads: Sequence[Tensor], max_norm: float) -> list[Tensor]:
    """Gradients scaled together so that their joint 2-norm is at most `max_norm`; untouched if it already is.

    grads: tensors of any shapes -> new list of the same shapes. Source: Pascanu, Mikolov & Bengio 2013.
    Raises ValueError for no tensors, or a max_norm that is not above 0.
    """
    if not isinstance(grads, (list, tuple)) or len(grads) == 0:
        raise ValueError(f"grads is {grads!r}; it needs a list of at least one tensor")
    for k, grad in enumerate(grads):
        check_float(f"grads[{k}]", grad, "any")
    if isinstance(max_norm, bool) or not isinstance(max_norm, (int, float, Tensor)) or not max_norm > 0:
        raise ValueError(f"max_norm is {max_norm!r}; it needs a number above 0")
    norm = torch.stack([grad.square().sum() for grad in grads]).sum().sqrt()
    scale = torch.where(norm > max_norm, max_norm / norm, torch.ones_like(norm))
    return [grad * scale for grad in grads]


def masked_accuracy(logits: Tensor, targets: Tensor, keep: Tensor) -> Tensor:
    """The share of right predictions among the positions that count.

    logits (B, T, K), targets (B, T) int64, keep (B, T) bool, False at padding -> 0-dim float tensor.
    Raises ValueError naming the argument that does not fit, and if no position is kept.
    """
    sizes = check_shapes(logits=(logits, "B T K"))
    for name, given, dtype in (("targets", targets, torch.int64), ("keep", keep, torch.bool)):
        if not isinstance(given, Tensor) or given.shape != (sizes["B"], sizes["T"]) or given.dtype != dtype:
            has = f"{tuple(given.shape)} and {given.dtype}" if isinstance(given, Tensor) else type(given).__name__
            raise ValueError(f"{name} has {has}; it needs (B, T) = ({sizes['B']}, {sizes['T']}) and {dtype}")
    if not keep.any():
        raise ValueError("keep is False everywhere; it needs at least one position that counts")
    return (logits.argmax(dim=-1) == targets)[keep].to(logits.dtype).mean()


@torch.no_grad()
def predict(model: nn.Module, sequences: Sequence[Tensor], batch_size: int = 256) -> Tensor:
    """Probabilities (n, classes) for number sequences, in their order; in evaluation mode, the model left as it was."""
    was_training, place = model.training, torch.arange(len(sequences))
    model.eval()
    parts, places = [], []
    for ids, lengths, where in batches((sequences, place), batch_size):
        parts.append(model(ids, lengths=lengths).softmax(dim=1))
        places.append(where)
    model.train(was_training)
    return torch.cat(parts)[torch.cat(places).argsort()]


def evaluate(model: nn.Module, examples: Examples) -> tuple[float, float]:
    """Mean cross-entropy and accuracy on (sequences, labels)."""
    check_examples("examples", examples)
    probabilities = predict(model, examples[0])
    loss = F.nll_loss(probabilities.clamp_min(1e-12).log(), examples[1])
    return loss.item(), (probabilities.argmax(dim=1) == examples[1]).float().mean().item()


def confusion(model: nn.Module, examples: Examples, classes: int = 2) -> Tensor:
    """How often each true class (row) was read as each class (column), counts (classes, classes)."""
    check_examples("examples", examples)
    predicted = predict(model, examples[0]).argmax(dim=1)
    return torch.bincount(examples[1] * classes + predicted, minlength=classes**2).view(classes, classes)


def majority_rate(train_labels: Tensor, test_labels: Tensor) -> float:
    """The accuracy on test of the answer that is most frequent in train, whatever the text says."""
    return (test_labels == train_labels.mode().values).float().mean().item()


def surface_rule(train_values: Tensor, train_labels: Tensor, test_values: Tensor, test_labels: Tensor) -> float:
    """Accuracy on test of the best rule "at least so much, or less" on one number a text, chosen on train.

    values (n,) numbers, labels (n,) int64, 0 or 1. Raises ValueError if values and labels do not fit.
    """
    for name, values, labels in (("train", train_values, train_labels), ("test", test_values, test_labels)):
        if values.ndim != 1 or values.shape != labels.shape or len(values) == 0:
            has = f"values {tuple(values.shape)} and labels {tuple(labels.shape)}"
            raise ValueError(f"{name} has {has}; it needs two of shape (n,) with n at least 1")
    rates = {cut: ((train_values >= cut) == (train_labels == 1)).float().mean().item() for cut in train_values.unique()}
    cut, rate = max(rates.items(), key=lambda entry: abs(entry[1] - 0.5))
    says_fake = (test_values >= cut) == (rate >= 0.5)
    return (says_fake == (test_labels == 1)).float().mean().item()


def check_examples(name: str, examples) -> None:
    """Raise ValueError unless `examples` is a pair (sequences, labels) of one length."""
    if not isinstance(examples, (tuple, list)) or len(examples) != 2:
        raise ValueError(f"{name} is {type(examples).__name__}; it needs a pair (sequences, labels)")
    sequences, labels = examples
    if len(sequences) == 0 or not isinstance(labels, Tensor) or labels.shape != (len(sequences),):
        has = tuple(labels.shape) if isinstance(labels, Tensor) else type(labels).__name__
        raise ValueError(f"{name} has {len(sequences)} sequences and labels {has}; it needs labels (n,), n at least 1")
    if labels.dtype != torch.int64:
        raise ValueError(f"{name} has labels of {labels.dtype}; it needs torch.int64")


class ProgressLine:
    """One line of progress that rewrites itself; a stored notebook keeps its last state only."""

    def __init__(self, label: str, on: bool, steps: int):
        self.label, self.on, self.steps = f"{label} · " if label else "", on, steps
        self.done, self.shown, self.start, self.handle = 0, 0.0, time.perf_counter(), None
        shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        if on and getattr(shell, "kernel", None) is not None:  # in a notebook
            from IPython.display import display

            self.handle = display({"text/plain": f"{self.label}…"}, raw=True, display_id=True)

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.start

    def step(self, text: str) -> None:
        self.done += 1
        if self.on and self.seconds - self.shown > 0.5:
            self.shown = self.seconds
            left = self.seconds / self.done * (self.steps - self.done)
            self._write(f"{text} · about {left:.0f} s left", end="")

    def last(self, text: str) -> None:
        if self.on:
            self._write(text, end="\n")

    def _write(self, text: str, end: str) -> None:
        if self.handle is not None:
            self.handle.update({"text/plain": self.label + text}, raw=True)
        else:
            print(f"\r{self.label}{text:<72}", end=end, flush=True)
