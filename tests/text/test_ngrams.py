"""Baselines of a character model, against a slow version with dictionaries and against what must hold."""

import math
import re
from collections import Counter, defaultdict

import pytest
import torch

from lstm_lesson.text.characters import CHARACTERS, encode
from lstm_lesson.text.ngrams import lzma_bits, ngram_bits

TEXT = "the cat sat on the mat. the rat sat on the cat; a cat is a cat is a cat.\n" * 2


def slow(train: str, test: str, longest: int) -> list[float]:
    """Witten-Bell as its formula reads, one character and one context after the other."""
    follow = defaultdict(Counter)
    for n in range(longest + 1):
        for end in range(n, len(train)):
            follow[train[end - n : end]][train[end]] += 1

    def p(c, h):
        shorter = p(c, h[1:]) if h else 1 / 96
        seen = follow.get(h, Counter())
        return (seen[c] + len(seen) * shorter) / (seen.total() + len(seen)) if seen else shorter

    places = range(longest, len(test))
    return [-sum(math.log2(p(test[k], test[k - n : k])) for k in places) / len(places) for n in range(longest + 1)]


@pytest.mark.parametrize("longest", [0, 1, 3, 8])
@pytest.mark.parametrize("test", ["the cat is on the mat.", "Zebras? No: cats sat!", TEXT[:40]])
def test_the_bits_are_those_of_a_slow_version_with_dictionaries(test, longest):
    got = ngram_bits(encode(TEXT), encode(test), longest)
    assert got == pytest.approx(slow(TEXT, test, longest), rel=1e-9)


@pytest.mark.parametrize("context", ["the c", " cat ", "xyzzy", "\nQ at", "e cat"])
def test_the_probabilities_of_every_character_after_a_context_sum_to_1(context):
    train = encode(TEXT)
    bits = torch.tensor([ngram_bits(train, encode(context + c), len(context)) for c in CHARACTERS])  # (96, orders)
    assert torch.allclose((2.0**-bits).sum(dim=0), torch.ones(len(context) + 1), atol=1e-5)


def test_a_context_that_was_never_seen_leaves_the_shorter_one_as_it_is():
    bits = ngram_bits(encode("abab"), encode("zzzb"), 3)
    assert bits[1] == bits[2] == bits[3] == bits[0] == pytest.approx(-math.log2((2 + 2 / 96) / 6))


def test_on_text_of_its_own_kind_a_longer_context_helps():
    train, test = encode(TEXT * 5), encode(TEXT)
    bits = ngram_bits(train, test, 6)
    assert bits == sorted(bits, reverse=True) and bits[6] < bits[1] / 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"longest": 9}, "longest is 9; it needs a whole number from 0 to 8"),
        ({"longest": -1}, "longest is -1"),
        ({"train": encode("abc")}, "the length of train is 3; it needs a whole number of at least 4"),
        ({"test": encode("abc")}, "the length of test is 3"),
    ],
)
def test_what_cannot_be_counted_is_named(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ngram_bits(**{"train": encode(TEXT), "test": encode(TEXT), "longest": 3} | arguments)


def test_the_compressor_pays_little_for_what_it_has_seen_and_all_for_what_has_no_pattern():
    noise = torch.randint(96, (40_000,), generator=torch.Generator().manual_seed(0))
    seen, new = lzma_bits(noise, noise[5_000:25_000]), lzma_bits(noise[:20_000], noise[20_000:])
    assert seen < 0.05
    assert math.log2(96) <= new < math.log2(96) + 0.15
