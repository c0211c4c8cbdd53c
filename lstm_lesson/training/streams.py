"""Training along a text that is too long to read at once: batch after batch, with the state carried on."""

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from lstm_lesson.gradients import truncate
from lstm_lesson.shapes import check_number
from lstm_lesson.text.writing import bits_per_character, next_character_batches
from lstm_lesson.training.loop import check_loss, training_steps


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


@torch.no_grad()
def bits_on(model: nn.Module, ids: Tensor, B: int = 16, T: int = 256) -> float:
    """The bits per character of a model on a text (n,) int64, read in B streams with the state carried."""
    was_training, state, values = model.training, None, []
    model.eval()
    for x, y in next_character_batches(ids, B, T):
        logits, state = model(x, state)
        values.append(bits_per_character(logits, y).item())
    model.train(was_training)
    return sum(values) / len(values)
