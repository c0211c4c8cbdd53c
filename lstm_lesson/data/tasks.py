"""Generated tasks: batches of sequences with a known answer.

Each function draws a new batch from a `torch.Generator`; the same generator state gives the same batch.
"""

import random

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from lstm_lesson.shapes import check_size, check_sizes

IGNORE = -100  # no target here; the value that torch's cross_entropy leaves out
REBER = "BTPSXVE"  # the letters of the Reber grammar; the position is the one-hot index
# Reber grammar: for each node, the letters that leave it and the nodes they lead to.
INNER = {"T": 1, "P": 2}, {"S": 1, "X": 3}, {"T": 2, "V": 4}, {"X": 2, "S": 5}, {"P": 3, "V": 5}


def adding_problem(batch: int, steps: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """Add the two marked numbers: one mark falls in the first half of the sequence, one in the second.

    -> x (B, T, 2): at each step a number between 0 and 1, and a mark that is 1 at two steps and 0 elsewhere; sums (B,).
    Always answering 1, the mean, has a mean squared error of 1/6. Source: Hochreiter & Schmidhuber 1997, simplified.
    Raises ValueError for a batch below 1 or fewer than 2 steps.
    """
    check_size("batch", batch)
    check_size("steps", steps, 2)
    numbers = torch.rand(batch, steps, generator=generator)
    marks = torch.zeros(batch, steps)
    for low, high in ((0, steps // 2), (steps // 2, steps)):
        marks.scatter_(1, torch.randint(low, high, (batch, 1), generator=generator), 1.0)
    return torch.stack([numbers, marks], dim=2), (numbers * marks).sum(dim=1)


def temporal_order(batch: int, steps: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """Classify a sequence by its two symbols, each X or Y, in their order; the other letters are random.

    -> x (B, T, 6), one-hot: the letters a, b, c, d, then X, then Y; labels (B,) int64: 0 for XX, 1 XY, 2 YX, 3 YY.
    The first symbol falls between T/10 and T/5, the second between T/2 and 3T/5. Any constant answer has accuracy 1/4;
    a uniform guess has a cross-entropy of ln 4.
    Source: Hochreiter & Schmidhuber 1997, experiment 6a, with any length and without its start and end signs.
    Raises ValueError for a batch below 1 or fewer than 10 steps.
    """
    check_size("batch", batch)
    check_size("steps", steps, 10)
    letters = torch.randint(0, 4, (batch, steps), generator=generator)
    signs = torch.randint(0, 2, (batch, 2), generator=generator)
    for k, (low, high) in enumerate(((steps // 10, steps // 5), (steps // 2, 3 * steps // 5))):
        place = torch.randint(low, max(high, low + 1), (batch, 1), generator=generator)
        letters.scatter_(1, place, 4 + signs[:, k : k + 1])
    return F.one_hot(letters, 6).float(), 2 * signs[:, 0] + signs[:, 1]


def reber_strings(n: int, generator: torch.Generator | None = None) -> list[str]:
    """Words of the embedded Reber grammar: the second and the second-to-last letter are equal, both T or both P.

    n words, such as BTBTXSETE: B, then T or P, a whole word of the Reber grammar (from B to E), the same T or P again,
    and E. At each fork of the grammar both ways have probability 1/2; a word has 9 letters or more.
    Source: Reber 1967; embedded: Cleeremans, Servan-Schreiber & McClelland 1989. Raises ValueError for n below 1.
    """
    check_size("n", n)
    rng = random.Random(torch.randint(0, 2**62, (), generator=generator).item())  # one letter at a time: torch is slow
    words = []
    for _ in range(n):
        outer, inner, node = rng.choice("TP"), "", 0
        while node < len(INNER):
            letter = rng.choice(list(INNER[node]))
            inner, node = inner + letter, INNER[node][letter]
        words.append(f"B{outer}B{inner}E{outer}E")
    return words


def embedded_reber(batch: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Predict the next letter at each step of a word of the embedded Reber grammar.

    -> x (B, T, 7), one-hot in the order of `REBER`: the word without its last letter, then zeros;
    targets (B, T) int64: the letter that follows, then `IGNORE`; lengths (B,): the number of steps of x before padding.
    The letter to remember is the target at step `lengths − 2`: the same T or P as the second letter of the word.
    Without memory, accuracy there is 1/2. Sources as in `reber_strings`; as a test of memory Hochreiter &
    Schmidhuber 1997. Raises ValueError for a batch below 1.
    """
    check_size("batch", batch)
    words = [torch.tensor([REBER.index(letter) for letter in word]) for word in reber_strings(batch, generator)]
    x = pad_sequence([F.one_hot(word[:-1], 7).float() for word in words], batch_first=True)
    targets = pad_sequence([word[1:] for word in words], batch_first=True, padding_value=IGNORE)
    return x, targets, torch.tensor([len(word) - 1 for word in words])


def spike_timing(batch: int, intervals: int = 3, generator: torch.Generator | None = None, shortest: int = 10,
                 longest: int = 20) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """At each spike of a sequence, predict the interval since the spike before.

    -> x (B, T, 1): 1 at a spike, 0 elsewhere; targets (B, T): at each spike but the first, the interval scaled from
    `shortest` = 0 to `longest` = 1, 0 elsewhere; asked (B, T) bool: True where the target counts. The first spike comes
    within `shortest` steps; each interval is a whole number from `shortest` to `longest`, all equally likely.
    T = shortest + intervals · longest. Always answering 1/2, the mean, has a mean squared error of (n + 2) / (12 n)
    with n = longest − shortest: 0.1 for n = 10. An error of one step costs 1/n².
    Source: after "measuring spike delays" of Gers, Schraudolph & Schmidhuber 2002, with whole steps.
    Raises ValueError for a batch, intervals or shortest below 1 and a longest not above shortest.
    """
    check_sizes(batch=batch, intervals=intervals, shortest=shortest)
    check_size("longest", longest, shortest + 1)
    steps = shortest + intervals * longest
    start = torch.randint(0, shortest, (batch, 1), generator=generator)
    gaps = torch.randint(shortest, longest + 1, (batch, intervals), generator=generator)
    later = start + gaps.cumsum(dim=1)  # (B, intervals)
    asked = torch.zeros(batch, steps, dtype=torch.bool).scatter_(1, later, True)
    x = asked.float().scatter_(1, start, 1.0)
    targets = torch.zeros(batch, steps).scatter_(1, later, (gaps - shortest) / (longest - shortest))
    return x[:, :, None], targets, asked
