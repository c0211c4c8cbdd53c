"""The newsroom: order decides, a bag of words cannot."""

from collections import Counter

import pytest
import torch

from lstm_lesson.tasks import CONFIRMS, DENIES, HEARSAY, OFFICIAL, newsroom
from lstm_lesson.text import load_news


def bags(texts):
    return [Counter(text.split()) for text in texts]


def test_the_headlines_of_a_pair_have_the_same_words_and_opposite_labels():
    texts, labels = newsroom(400, seed=3)
    words = bags(texts)
    assert words[::2] == words[1::2]
    assert (labels[::2] + labels[1::2]).tolist() == [1] * 200


def test_any_rule_on_counts_is_right_for_half_of_every_split():
    torch.manual_seed(0)
    for texts, labels in load_news("newsroom").values():
        weight = {word: torch.randn(1).item() for text in texts for word in text.split()}
        says_fake = torch.tensor([sum(weight[w] * n for w, n in sorted(bag.items())) > 0 for bag in bags(texts)])
        assert (says_fake == (labels == 1)).float().mean() == 0.5


def first(text, words):
    return min(text.find(word) for word in words if word in text)


def test_neither_the_first_source_nor_the_order_of_the_verbs_decides():
    texts, labels = newsroom(4000, seed=0)
    official_first = torch.tensor([first(text, OFFICIAL) < first(text, HEARSAY) for text in texts])
    denial_first = torch.tensor([first(text, DENIES) < first(text, CONFIRMS) for text in texts])
    for feature in (official_first, denial_first):
        assert 0.4 < feature.double().mean() < 0.6
        assert abs((feature == (labels == 1)).double().mean() - 0.5) < 0.04  # 4000 headlines: 5 standard errors


def test_fake_is_what_the_official_source_denies():
    texts, labels = newsroom(2000, seed=1)
    for text, label in zip(texts, labels.tolist(), strict=True):
        denial = min(text.find(f" {verb}") for verb in DENIES if f" {verb}" in text)
        source = text[:denial]
        assert source.endswith(OFFICIAL if label else HEARSAY), text


def test_the_seed_fixes_the_headlines_and_another_seed_brings_others():
    first, again, other = newsroom(40, seed=5), newsroom(40, seed=5), newsroom(40, seed=6)
    assert first[0] == again[0] and torch.equal(first[1], again[1])
    assert first[0] != other[0]


def test_no_headline_comes_twice_nor_in_two_splits():
    texts = [text for split in load_news("newsroom").values() for text in split.texts]
    assert len(texts) == len(set(texts)) == 4000


def test_neither_the_label_nor_the_order_of_the_sources_follows_from_the_place_in_a_pair():
    texts, labels = newsroom(2000, seed=0)
    official_first = torch.tensor([first(text, OFFICIAL) < first(text, HEARSAY) for text in texts])
    assert 0.4 < labels[::2].double().mean() < 0.6
    assert 0.4 < official_first[::2].double().mean() < 0.6


@pytest.mark.parametrize("n", [0, -2, 3, 10**7, 2.0, True, "4"])
def test_an_n_that_makes_no_pairs_is_named(n):
    with pytest.raises(ValueError, match=r"n is .*even number"):
        newsroom(n)
