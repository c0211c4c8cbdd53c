"""Training in plain sight: the loop and the progress line that all share, `fit` for classifiers, `stream_steps`."""

import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lstm_lesson.gradients import truncate
from lstm_lesson.shapes import check_number, check_sizes
from lstm_lesson.text.writing import bits_per_character
from lstm_lesson.training.metrics import Examples, batches, check_examples, evaluate, predict


class ProgressLine:
    """One line that shows the progress of a training and the time left; a stored notebook keeps only its last state.

    `label` stands at its start; `on` False prints nothing; `steps` is the number of calls of `step` to come.
    """

    def __init__(self, label: str, on: bool, steps: int):
        self.label, self.on, self.steps = f"{label} · " if label else "", on, steps
        self.done, self.shown, self.start, self.handle = 0, 0.0, time.perf_counter(), None
        shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        if on and getattr(shell, "kernel", None) is not None:  # in a notebook
            from IPython.display import display

            self.handle = display({"text/plain": f"{self.label}…"}, raw=True, display_id=True)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.start

    def step(self, text: str) -> None:
        """Count one step; show `text` and the time left, at most twice a second."""
        self.done += 1
        if self.on and self.seconds - self.shown > 0.5:
            self.shown = self.seconds
            left = self.seconds / self.done * (self.steps - self.done)
            self.last(f"{text} · about {left:.0f} s left", end="")

    def last(self, text: str, end: str = "\n") -> None:
        """Show `text` as the final state; with `end` "" as a state that the next one replaces."""
        if self.handle is not None:
            self.handle.update({"text/plain": self.label + text}, raw=True)
        elif self.on:
            print(f"\r{self.label}{text:<72}", end=end, flush=True)


@dataclass
class History:
    """What happened in `fit`: one entry an epoch. `best` is the epoch (from 1) whose weights were kept."""

    epoch: list[int] = field(default_factory=list)
    train_loss: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    best: int = 0
    seconds: float = 0.0


def fit(model: nn.Module, train: Examples, val: Examples, epochs: int = 8, lr: float = 0.003, batch_size: int = 64,
        seed: int = 0, clip: float = 1.0, label: str = "", progress: bool = True) -> History:  # fmt: skip
    """Train a classifier with Adam on cross-entropy, and leave it with the weights of its best epoch by validation.

    `train` and `val` are (sequences, labels). Batches hold texts of similar length, in an order that `seed` fixes (it
    also fixes dropout), so that two models with one seed see the same batches. Gradients are clipped to a global norm
    of `clip`. `progress` shows one line with loss and time left, headed by `label`. The model ends in evaluation mode.
    A KeyboardInterrupt ends the training early: the best of the complete epochs is kept.
    Raises ValueError for examples that do not fit and for numbers out of range, and if the loss is no longer finite.
    """
    check_sizes(epochs=epochs, batch_size=batch_size)
    for name, number in {"lr": lr, "clip": clip}.items():
        check_number(name, number, 0, math.inf)
    check_examples("train", train)
    classes = predict(model, train[0][:1]).shape[1]
    check_examples("train", train, classes)
    check_examples("val", val, classes)
    torch.manual_seed(seed)
    order, adam = torch.Generator().manual_seed(seed), torch.optim.Adam(model.parameters(), lr=lr)
    history, kept, best, end = History(), None, (-1.0, 0.0), ""
    line = ProgressLine(label, progress, steps=epochs * -(-len(train[0]) // batch_size))

    def cross_entropy(batch):
        ids, lengths, labels = batch
        return F.cross_entropy(model(ids, lengths=lengths), labels)  # takes logits: it has its own softmax inside

    try:
        for epoch in range(1, epochs + 1):
            model.train()
            total = 0.0
            for (_, _, labels), loss in training_steps(adam, batches(train, batch_size, order), cross_entropy, clip):
                total += check_loss(loss.item()) * len(labels)
                line.step(f"epoch {epoch} of {epochs} · loss {loss.item():.3f}")
            loss, accuracy = evaluate(model, val)
            history.train_loss.append(total / len(train[1]))
            history.val_loss.append(check_loss(loss))
            history.val_accuracy.append(accuracy)
            history.epoch.append(epoch)
            if (accuracy, -loss) > best:
                best, history.best = (accuracy, -loss), epoch
                kept = {name: value.detach().clone() for name, value in model.state_dict().items()}
    except KeyboardInterrupt:
        end = f", interrupted in epoch {len(history.epoch) + 1}"
    finally:
        if kept:
            model.load_state_dict(kept)
        model.eval()
    history.seconds = line.seconds
    found = f"best validation accuracy {best[0]:.3f}, epoch {history.best} of {epochs}" if kept else "no epoch complete"
    line.last(f"{found}{end} · {line.seconds:.0f} s")
    return history


def check_loss(loss: float) -> float:
    """The loss as it is. Raises ValueError if it is NaN or infinite."""
    if not math.isfinite(loss):
        raise ValueError(f"the loss is {loss}, it needs to be finite; a smaller lr may help")
    return loss


def training_steps(optimizer: torch.optim.Optimizer, batches: Iterable, loss: Callable[..., Tensor],
                   clip: float | None = None) -> Iterator[tuple]:  # fmt: skip
    """The training loop: for each batch compute the loss, backpropagate, clip, and take one optimizer step.

    `loss` maps a batch to a tensor; if it has one entry per run, their sum is minimised. Yields each batch
    with its loss before the weights change, so that a caller who stops there keeps the weights.
    `clip` is the largest allowed norm of the gradients of each of the optimizer's groups of parameters.
    """
    for batch in batches:
        value = loss(batch)
        yield batch, value.detach()
        optimizer.zero_grad()
        value.sum().backward()
        if clip is not None:
            for group in optimizer.param_groups:
                nn.utils.clip_grad_norm_(group["params"], clip)  # our clip_by_norm, in place
        optimizer.step()


def stream_steps(model: nn.Module, batches: Sequence[tuple[Tensor, Tensor]], lr: float = 0.004, clip: float = 1.0,
                 cut: Callable = truncate, loss: Callable = bits_per_character) -> Iterator[float]:  # fmt: skip
    """Train a character model on contiguous batches (x, y), each (B, T) int64; yield the loss of each, in bits.

    Each batch starts from the state in which the one before ended; `cut` takes the graph off that state. Adam, with
    gradients clipped to a global norm of `clip`; the learning rate falls from `lr` to 0 along half a cosine.
    Raises ValueError for numbers out of range, and if the loss is no longer finite.
    """
    for name, number in {"lr": lr, "clip": clip}.items():
        check_number(name, number, 0)
    adam, state = torch.optim.Adam(model.parameters(), lr=lr), None

    def bits(batch):
        nonlocal state
        x, y = batch
        logits, state = model(x, None if state is None else cut(state))
        return loss(logits, y)

    for k, (_, value) in enumerate(training_steps(adam, batches, bits, clip)):
        adam.param_groups[0]["lr"] = lr * (1 + math.cos(math.pi * k / len(batches))) / 2
        yield check_loss(value.item())
