"""News texts with labels, and the way from words to numbers: tokens, vocabulary, padded batches."""

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lstm_lesson.data.download import SHA256, NewsUnavailable, find
from lstm_lesson.data.synthetic_news import synthetic_headlines
from lstm_lesson.shapes import check_tokens, describe


class Split(NamedTuple):
    """One part of a data set: texts, and labels (n,) int64, in `load_news` with 1 for fake. Unpacks as both."""

    texts: list[str]
    labels: Tensor


def load_news(name: str = "covid") -> dict[str, Split]:
    """A data set of true and fake news as {"train", "val", "test"}, each a Split(texts, labels); label 1 is fake.

    "covid": posts and claims of Constraint-2021 (Patwa et al. 2020) with their official split, as published: a few of
    test repeat the words of one in train; the real ones are tweets of verified accounts, the fake ones come from fact
    checkers and elsewhere.
    "synthetic": headlines from our own grammar, whose label depends on word order; no file needed (see
    `data.synthetic_headlines`).

    The files are downloaded once, checked by SHA-256, and kept in the folder that the environment variable
    LSTM_LESSON_CACHE names, else in the user's cache folder. With LSTM_LESSON_DATA set, they are read from there and
    nothing is downloaded.
    Raises ValueError for another name, and NewsUnavailable, an OSError, if a file cannot be downloaded or is damaged.
    """
    if name == "synthetic":
        texts, labels = synthetic_headlines(4000, seed=0)  # cuts at even indices, so that no pair is separated
        cuts = {"train": slice(0, 2800), "val": slice(2800, 3400), "test": slice(3400, None)}
        return {part: Split(texts[cut], labels[cut]) for part, cut in cuts.items()}
    if name != "covid":
        raise ValueError(f'name is {name!r}; it needs "covid" or "synthetic"; text.load_csv reads other files')
    news, paths = {}, [find(file) for file in SHA256 if file.startswith("covid/")]
    for part, path in zip(("train", "val", "test"), paths, strict=True):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        news[part] = Split([row["tweet"] for row in rows], torch.tensor([int(row["label"] == "fake") for row in rows]))
    return news


def posts_or_headlines() -> tuple[str, dict[str, Split]]:
    """("covid", its data from `load_news`), or ("synthetic", its data) if that fails; prints which, and why."""
    try:
        name, data, what = "covid", load_news("covid"), "posts and claims of Constraint-2021"
    except NewsUnavailable as error:
        name, data, what = "synthetic", load_news("synthetic"), "headlines that the lesson generated"
        print(error)
    print("This run reads:", what)
    return name, data


def tokenize(text: str) -> list[str]:
    """The words and numbers of a text, in lower case; other characters are dropped.

    Letters of every script count. A language that writes no spaces needs another tokenizer.
    Raises ValueError for anything but a str.

    >>> tokenize("Don't panic: 42 NEW cases!")
    ["don't", 'panic', '42', 'new', 'cases']
    """
    if not isinstance(text, str):
        why = "it needs a str. A table has NaN where a text is missing: leave such rows out"
        raise ValueError(f"text is {text!r:.40} ({type(text).__name__}); {why}")
    return _word().findall(unicodedata.normalize("NFC", text).lower().replace("’", "'").replace("_", " "))


@cache
def _word() -> re.Pattern:
    """A word: a letter or digit, then letters, digits and the marks above or below them, as in हिन्दी."""
    marks = "".join(mark for mark in map(chr, range(0x300, 0x20000)) if unicodedata.category(mark) in ("Mn", "Mc"))
    marks = re.sub("[\ufe00-\ufe0f]", "", marks)  # these choose the look of an emoji
    return re.compile(rf"\w[\w{marks}]*(?:'[^\W\d]+)?")


class Vocabulary:
    """Maps words to token ids: 0 is <pad>, 1 is <unk>, then the words, the most frequent first.

    `token_lists` are tokenised texts; words seen fewer than `min_freq` times are left out and become <unk>.
    `split` is how `examples` and the inspector cut a text into words: `words = Vocabulary(map(list, texts))` and
    `words.split = list` read characters. Raises ValueError for a text that is not tokenised, and where the words were
    made by another function than `split`.

    >>> Vocabulary([["a", "b", "a"], ["a", "b", "c"]]).tokens
    ['<pad>', '<unk>', 'a', 'b']
    """

    split = staticmethod(tokenize)

    def __init__(self, token_lists: Iterable[list[str]], min_freq: int = 2):
        if isinstance(token_lists, Split):
            raise ValueError("token_lists is a Split; it needs the tokenised texts, map(tokenize, split.texts)")
        counts = Counter()
        for k, tokens in enumerate(token_lists):
            check_tokens(f"token_lists[{k}]", tokens)
            counts.update(tokens)
        self.tokens = ["<pad>", "<unk>", *(token for token, count in counts.most_common() if count >= min_freq)]
        self.ids = {token: k for k, token in enumerate(self.tokens)}

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, tokens: list[str]) -> Tensor:
        """The token ids of a text, (T,) int64. A text without words becomes one <unk>: T is at least 1.

        Raises ValueError for a text that is not tokenised.
        """
        check_tokens("tokens", tokens)
        return torch.tensor([self.ids.get(token, 1) for token in tokens] or [1])

    def other_split(self, texts: Sequence[str] = ()) -> str:
        """A sentence if another function than `split` made the words: one that it never makes, or letters of texts."""
        words, same = self.tokens[2:], self.split in (tokenize, str.split, list)  # these leave their words as they are
        letters = same and {*map(len, words)} == {1} and any(len(w) > 1 for text in texts for w in self.split(text))
        odd = (w for w in words if letters or (same and self.split(w) not in ([w], [unicodedata.normalize("NFC", w)])))
        needs = "it needs the function that cut the texts, such as words.split = str.split"
        split = getattr(self.split, "__qualname__", "")
        return next((f"vocabulary.split is {split}, which did not make the word {w!r:.40}; {needs}" for w in odd), "")

    def examples(self, split: Split, most: int = 64) -> tuple[list[Tensor], Tensor]:
        """A split as `training.fit` takes it: the token ids of the first `most` words of each text, and the labels."""
        if why := self.other_split(split.texts):
            raise ValueError(why)
        return [self.encode(self.split(text)[:most]) for text in split.texts], split.labels


def pad_batch(sequences: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Sequences of different lengths as one batch, padded with 0 on the right.

    sequences: B tensors (T_k,) int64, T_k at least 1 -> ids (B, T) int64 with T the longest, lengths (B,) int64.
    Raises ValueError for no sequence, an empty one, another rank or dtype.
    """
    if not isinstance(sequences, (list, tuple)) or len(sequences) == 0:
        raise ValueError(f"sequences is {type(sequences).__name__} without entries or no list; it needs 1 or more")
    for k, ids in enumerate(sequences):
        if not isinstance(ids, Tensor) or ids.dtype != torch.int64 or ids.ndim != 1 or ids.numel() == 0:
            raise ValueError(f"sequences[{k}] has {describe(ids)}; it needs (T,), T at least 1, and torch.int64")
    return nn.utils.rnn.pad_sequence(sequences, batch_first=True), torch.tensor([len(ids) for ids in sequences])
