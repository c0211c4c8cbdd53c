"""Synthetic headlines: texts from a small grammar, whose label depends on the order of the words alone."""

import itertools
import random
from numbers import Integral

import torch
from torch import Tensor

OFFICIAL = (
    "ministry", "hospital", "court", "university", "observatory", "harbour office",
    "fire brigade", "city council", "health board", "weather service", "school board", "coast guard",
)  # fmt: skip
HEARSAY = (
    "blogger", "neighbour", "street poster", "chain letter", "fortune teller", "anonymous caller",
    "passenger", "leaflet", "gossip column", "radio prank", "tavern guest", "caption",
)  # fmt: skip
TOPICS = (
    "water shortage", "new bridge", "school closure", "power cut", "rare comet", "bus strike",
    "free museum day", "lost ferry", "double harvest", "road repair", "early snow", "night market",
    "tax refund", "missing statue", "tunnel fire", "record tide", "vaccine delivery", "whale sighting",
    "bread shortage", "late train", "oil leak", "lottery error", "park opening", "concert ban",
)  # fmt: skip
CONFIRMS = ("confirms", "announces", "repeats", "reports")
DENIES = ("denies", "disputes", "rejects", "corrects")
TEMPLATES = (
    "{a} {confirms} {topic} but {b} {denies} it",
    "{a} {denies} {topic} but {b} {confirms} it",
    "on {topic} : what {a} {confirms} now {b} {denies}",
    "on {topic} : what {a} {denies} now {b} {confirms}",
)


def synthetic_headlines(n: int = 4000, seed: int = 0) -> tuple[list[str], Tensor]:
    """Invented headlines whose label depends only on the order of the words.

    Each headline has an official source and a hearsay source; one confirms a story, the other denies it. The label is
    1 (fake) where the official source denies. Headlines come in pairs, at indices 2k and 2k + 1: the second is the
    first with its two sources swapped, so it has the same words and the other label. A bag of words gives both the
    same answer, so its accuracy is 0.5 on every slice that keeps the pairs together. The first source alone does not
    decide the label, nor does the first verb. But a source and its verb stand side by side, so
    counts of word pairs tell the label.

    n even -> n different texts, labels (n,) int64, half of them 1. The same `seed` gives the same headlines.
    Source: our own grammar; chance score 0.5.
    Raises ValueError for an n that is odd, not positive, or more than the grammar can make.

    >>> texts, labels = synthetic_headlines(2, seed=0)
    >>> sorted(texts[0].split()) == sorted(texts[1].split()), sorted(labels.tolist())
    (True, [0, 1])
    """
    stories = list(itertools.product(range(len(TEMPLATES)), OFFICIAL, HEARSAY, TOPICS))
    if isinstance(n, bool) or not isinstance(n, Integral) or n not in range(2, 2 * len(stories) + 1, 2):
        raise ValueError(f"n is {n!r}; it needs an even number from 2 to {2 * len(stories)}: headlines come in pairs")
    rng = random.Random(seed)
    texts, labels = [], []
    for template, official, hearsay, topic in rng.sample(stories, n // 2):
        words = {"topic": topic, "confirms": rng.choice(CONFIRMS), "denies": rng.choice(DENIES)}
        a_denies = template % 2 == 1
        pair = [
            (TEMPLATES[template].format(a=official, b=hearsay, **words), int(a_denies)),
            (TEMPLATES[template].format(a=hearsay, b=official, **words), int(not a_denies)),
        ]
        rng.shuffle(pair)  # the label does not follow from the place in the list
        for text, label in pair:
            texts.append(text)
            labels.append(label)
    return texts, torch.tensor(labels)
