"""What a character model needs to learn and to write: batches, the loss in bits, and how to choose a character."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from lstm_lesson.shapes import check_number, check_shapes, check_size, check_sizes, describe


def next_character_batches(ids: Tensor, B: int, T: int) -> list[tuple[Tensor, Tensor]]:
    """A long text as batches for a model that carries its state: in each row, a batch goes on where the last one ended.

    The text, ids (n,) int64, is cut into B streams of equal length, one a row. Batch k holds steps kT to (k + 1)T of
    every stream: x (B, T), and y (B, T) with the character that follows each one of x. What is left over is not used.
    Raises ValueError for numbers below 1, and a text that is too short for one batch.

    >>> [(x.tolist(), y.tolist()) for x, y in next_character_batches(torch.arange(10), B=2, T=2)]
    [([[0, 1], [5, 6]], [[1, 2], [6, 7]]), ([[2, 3], [7, 8]], [[3, 4], [8, 9]])]
    """
    check_sizes(B=B, T=T)
    if not isinstance(ids, Tensor) or ids.dtype != torch.int64 or ids.ndim != 1:
        raise ValueError(f"ids has {describe(ids)}; it needs shape (n,) and torch.int64")
    length = len(ids) // B  # of a stream
    if length < T + 1:
        raise ValueError(f"ids has {len(ids)} characters; it needs B (T + 1) = {B * (T + 1)} or more")
    streams = ids[: B * length].view(B, length)
    starts = range(0, length - T, T)
    return [(streams[:, k : k + T], streams[:, k + 1 : k + T + 1]) for k in starts]


def bits_per_character(logits: Tensor, targets: Tensor) -> Tensor:
    """The mean of −log₂ p, where p is the probability that the logits give to the target: 0 is perfect.

    logits (…, C), targets (…) int64 -> a tensor without dimensions. Raises ValueError for targets of another shape.
    """
    if targets.shape != logits.shape[:-1]:
        raise ValueError(f"targets has shape {tuple(targets.shape)}; it needs {tuple(logits.shape[:-1])}, as in logits")
    return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1)) / math.log(2)


def sample(logits: Tensor, temperature: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
    """Draw one character for each row: the softmax of logits / temperature gives the probabilities.

    logits (B, C) -> ids (B,) int64. Below 1 the likely characters become likelier, above 1 all become more alike.
    Raises ValueError for a temperature that is not above 0, and for other shapes.
    """
    check_number("temperature", temperature, 0)
    check_shapes(logits=(logits, "B C"))
    return torch.multinomial(torch.softmax(logits / temperature, dim=1), 1, generator=generator)[:, 0]


def top_k(logits: Tensor, k: int) -> Tensor:
    """Keep the k largest logits of each row; the others become −∞, so that they are never drawn. (B, C) -> (B, C).

    Logits that equal the smallest one kept stay, too. Raises ValueError for k below 1 or above C, and other shapes.
    """
    check_shapes(logits=(logits, "B C"))
    check_size("k", k, 1, logits.shape[1])
    return logits.masked_fill(logits < logits.topk(k, dim=1).values[:, -1:], -math.inf)
