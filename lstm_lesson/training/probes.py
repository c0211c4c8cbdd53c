"""What a data set gives away: cues that take no reading, each alone, beside the majority and bags of words."""

import re
from itertools import pairwise

import torch

from lstm_lesson.text.classifiers import BagOfWords
from lstm_lesson.text.news import Split, Vocabulary, tokenize
from lstm_lesson.training.loop import fit
from lstm_lesson.training.metrics import evaluate

SIGNS = (r"http|www\.", r"@\w", r"#\w")
CUES = {  # name -> what it makes of a text; numbers are cut in ten parts
    "majority": lambda text: "",
    "number of words": lambda text: len(tokenize(text)),
    "has a link, an @name, a #tag": lambda text: str([re.search(p, text) is None for p in SIGNS]),
    "share of capital letters": lambda text: sum(map(str.isupper, text)) / max(1, sum(map(str.isalpha, text))),
    "the same words as a text of train": lambda text: " ".join(tokenize(text)),
}


def with_pairs(text: str) -> list[str]:
    """The first 64 words of a text, and each two neighbours as one more word."""
    return (words := tokenize(text)[:64]) + [" ".join(pair) for pair in pairwise(words)]


def card(data: dict[str, Split], source=None, date=None):
    """What a model of these texts has to beat: a table of the accuracy on test of cues and of bags of words.

    data: from `load_csv`, whose columns `source` and `date` can be cues, or from `load_news`. A cue answers with the
    most frequent class among the texts of train that have the same value of it, else with the most frequent of all.
    Numbers and dates are cut at the deciles of train. The bags of words are those of notebook 12, with seed 0.
    Prints the highest accuracy and what chance does. Raises ValueError for a column that is not there or has no date.
    """
    from lstm_lesson.plots import table

    parts, labels = ("train", "test"), [data["train"].labels, data["test"].labels]
    found = {name: rule(*(list(map(make, data[part].texts)) for part in parts), *labels) for name, make in CUES.items()}
    for name, column in {"source": source, "date": date}.items():
        if column is not None:
            found[f"{name}: column {column!r}"] = rule(*(_column(data, part, name, column) for part in parts), *labels)
    for name, split in {"bag of words": lambda text: tokenize(text)[:64], "bag of words and pairs": with_pairs}.items():
        words = Vocabulary(map(split, data["train"].texts))
        words.split = split
        train, val, test = (words.examples(data[part], most=127) for part in ("train", "val", "test"))
        torch.manual_seed(0)
        model = BagOfWords(len(words), train[0], int(max(split.labels.max() for split in data.values())) + 1)
        fit(model, train, val, epochs=6, lr=0.05, label=name)
        found[name] = evaluate(model, test)[1]
    best, p, n = max(found, key=found.get), found["majority"], len(labels[1])
    print(f"The highest is {found[best]:.3f} ({best}); always the most frequent class gives {p:.3f}.")
    print(f"Chance moves {p:.3f} by about ±{200 * (p * (1 - p) / n) ** 0.5:.1f} points (two standard errors, n = {n}).")
    return table({"reads only": list(found), "accuracy on test": [f"{a:.3f}" for a in found.values()],
                  "points above majority": [f"{100 * (a - p):.1f}" for a in found.values()]})  # fmt: skip


def rule(train: list, test: list, train_labels: torch.Tensor, test_labels: torch.Tensor) -> float:
    """The accuracy on test of the most frequent class of train for the same value, of all for a new one."""
    import pandas

    train, test = pandas.Series(train), pandas.Series(test)
    if train.dtype.kind in "if":
        edges = [-torch.inf, *train.quantile([k / 10 for k in range(1, 10)]).unique(), torch.inf]
        train, test = (pandas.cut(part, edges).astype(str) for part in (train, test))
    most = pandas.crosstab(train, train_labels.numpy()).idxmax(axis=1)
    return float((test.map(most).fillna(train_labels.mode().values.item()) == test_labels.numpy()).mean())


def _column(data, part: str, name: str, column) -> list:
    """A column of the table in one part: words, or for a date the days since 1970."""
    import pandas

    if column not in (rows := data.rows[part] if hasattr(data, "rows") else {}):
        raise ValueError(f"{name} is {column!r}; data has the columns {list(rows)}, it needs one of them")
    if name == "source":
        return rows[column].astype("string").fillna("").tolist()
    days = pandas.to_datetime(rows[column], errors="coerce", format="mixed", utc=True) - pandas.Timestamp(0, tz="UTC")
    if days.isna().all():
        raise ValueError(f"date is {column!r}; pandas reads no date in it, such as {rows[column].iloc[0]!r}")
    return (days / pandas.Timedelta(days=1)).tolist()
