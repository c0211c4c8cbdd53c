"""Synthetic headlines: texts from a small grammar, whose label depends on the order of the words alone."""

import itertools
import random
import tomllib
from importlib.resources import files
from numbers import Integral

import torch
from torch import Tensor

WORDS = tomllib.loads((files("lstm_lesson.data") / "synthetic_news.toml").read_text(encoding="utf-8"))


def synthetic_headlines(n: int = 4000, seed: int = 0) -> tuple[list[str], Tensor]:
    """Invented headlines, from our own grammar, whose label depends only on the order of the words.

    Each headline has an official source and a hearsay source; one confirms a story, the other denies it. The label is
    1 (fake) where the official source denies. Headlines come in pairs, at indices 2k and 2k + 1: the second is the
    first with its two sources swapped, so it has the same words and the other label. A bag of words gives both the
    same answer, so its accuracy is 0.5 on every slice that keeps the pairs together. The first source alone does not
    decide the label, nor does the first verb. But counts of word pairs do, as a source stands beside its verb.

    n even -> n different texts, labels (n,) int64, half of them 1. The same `seed` gives the same headlines.
    Raises ValueError for an n that is odd, not positive, or more than the grammar can make.
    """
    stories = list(itertools.product(*(WORDS[part] for part in ("templates", "official", "hearsay", "topics"))))
    if isinstance(n, bool) or not isinstance(n, Integral) or n not in range(2, 2 * len(stories) + 1, 2):
        raise ValueError(f"n is {n!r}; it needs an even number from 2 to {2 * len(stories)}: headlines come in pairs")
    rng = random.Random(seed)
    drawn = []
    for template, official, hearsay, topic in rng.sample(stories, n // 2):
        words = {"topic": topic, "confirms": rng.choice(WORDS["confirms"]), "denies": rng.choice(WORDS["denies"])}
        a_denies = template.index("{denies}") < template.index("{confirms}")
        swapped = template.format(a=hearsay, b=official, **words), int(not a_denies)
        pair = [(template.format(a=official, b=hearsay, **words), int(a_denies)), swapped]
        rng.shuffle(pair)  # the label does not follow from the place in the list
        drawn += pair
    return [text for text, _ in drawn], torch.tensor([label for _, label in drawn])
