"""Baselines for a character model: n-grams, and a file compressor that has seen the training text."""

import lzma

import torch
from torch import Tensor

from lstm_lesson.shapes import check_size
from lstm_lesson.text.characters import CHARACTERS, decode


def ngram_bits(train: Tensor, test: Tensor, longest: int = 7) -> list[float]:
    """The bits per character on `test` of n-gram models that look 0, 1, … up to `longest` characters back.

    Each counts in `train` what follows a context, and mixes in the model with the shorter context, the more so the
    more different characters have followed: p(c | h) = (count(hc) + d(h) p(c | shorter h)) / (count(h) + d(h)), with
    d(h) the number of different characters that follow h (Witten-Bell interpolation). Looking 0 back starts from equal
    probabilities. train, test (n,) int64; the first `longest` characters of `test` are context only.
    Source: Witten & Bell 1991. Raises ValueError for `longest` outside 0 to 8, and a text that is too short.
    """
    check_size("longest", longest, 0, 8)  # 96 ** 9 numbers fit in 64 bits
    for name, ids in {"train": train, "test": test}.items():
        check_size(f"the length of {name}", len(ids), longest + 1)
    p, bits = torch.full((len(test) - longest,), 1 / len(CHARACTERS), dtype=torch.float64), []
    for n in range(longest + 1):
        grams, count = _grams(train, n + 1).unique(return_counts=True)  # a context h and the character c after it
        contexts, place, followers = (grams // len(CHARACTERS)).unique(return_inverse=True, return_counts=True)
        total = torch.zeros(len(contexts), dtype=torch.int64).index_add_(0, place, count)
        asked = _grams(test, n + 1)[longest - n :]
        (count_hc,) = _find(grams, asked, count)
        count_h, d = _find(contexts, asked // len(CHARACTERS), total, followers)
        p = torch.where(count_h > 0, (count_hc + d * p) / (count_h + d).clamp_min(1), p)
        bits.append(-p.log2().mean().item())
    return bits


def _grams(ids: Tensor, n: int) -> Tensor:
    """Every n characters in a row as one number each: (len(ids) − n + 1,)."""
    powers = len(CHARACTERS) ** torch.arange(n - 1, -1, -1)
    return sum(power * ids[k : len(ids) - n + 1 + k] for k, power in enumerate(powers))


def _find(known: Tensor, asked: Tensor, *values: Tensor) -> list[Tensor]:
    """The values that belong to the numbers asked for; 0 for those that are not known. `known` is sorted."""
    place = torch.searchsorted(known, asked).clamp_max(len(known) - 1)
    return [value[place].where(known[place] == asked, 0) for value in values]


def lzma_bits(train: Tensor, test: Tensor) -> float:
    """The bits that `test` adds for each of its characters if the compressor LZMA packs it behind `train`.

    Unlike a model, it may look ahead at all of `test`, and it finds what stands there word for word.
    """
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 2**26}]
    before, both = (len(lzma.compress(text.encode(), lzma.FORMAT_RAW, filters=filters))
                    for text in (decode(train), decode(train) + decode(test)))  # fmt: skip
    return 8 * (both - before) / len(test)
