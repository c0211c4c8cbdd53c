"""What a data set gives away: cues that take no reading, each alone, beside the majority and bags of words."""

import re
from collections import Counter, defaultdict
from itertools import pairwise

import torch

from lstm_lesson.text.classifiers import BagOfWords
from lstm_lesson.text.news import Split, Vocabulary, tokenize
from lstm_lesson.training.loop import fit
from lstm_lesson.training.metrics import evaluate

CUES = {  # name -> what it makes of a text; a float is cut in ten parts
    "majority": lambda text: 0,
    "number of words": lambda text: float(len(tokenize(text))),
    "has a link, an @name, a #tag": lambda text: [bool(re.search(p, text)) for p in (r"http|www\.", r"@\w", r"#\w")],
    "share of capital letters": lambda text: sum(map(str.isupper, text)) / max(1, sum(map(str.isalpha, text))),
    "the same words as a text of train": tokenize,
}


def with_pairs(text: str) -> list[str]:
    """The first 64 words of a text, and each two neighbours as one more word."""
    words = tokenize(text)[:64]
    return words + [" ".join(pair) for pair in pairwise(words)]


def card(data: dict[str, Split], source=None, date=None):
    """What a model of these texts has to beat: a table of the accuracy on test of cues and of bags of words.

    data: from `load_csv`, whose columns `source` and `date` can be cues, or from `load_news`. A cue answers with the
    most frequent class among the texts of train that have the same value of it, else with the most frequent of all.
    Numbers and dates are cut at the deciles of train. The bags of words are those of notebook 12, with one seed.
    Prints the highest accuracy and what chance does. Raises ValueError for a column that is not there or has no date.
    """
    from lstm_lesson.plots import table

    values = {name: [[make(text) for text in data[part].texts] for part in ("train", "test")]
              for name, make in CUES.items()}  # fmt: skip
    for name, column in {"source": source, "date": date}.items():
        if column is not None:
            values[f"{name}: column {column!r}"] = [_column(data, part, name, column) for part in ("train", "test")]
    found = {name: rule(*pair, data["train"].labels, data["test"].labels) for name, pair in values.items()}
    for name, split in {"bag of words": lambda text: tokenize(text)[:64], "bag of words and pairs": with_pairs}.items():
        words = Vocabulary(map(split, data["train"].texts))
        words.split = split
        train, val, test = (words.examples(part, most=127) for part in data.values())
        model = BagOfWords(len(words), train[0], int(max(labels.max() for _, labels in (train, val, test))) + 1)
        fit(model, train, val, epochs=6, lr=0.05, label=name)
        found[name] = evaluate(model, test)[1]
    best, p, n = max(found, key=found.get), found["majority"], len(data["test"].texts)
    print(f"A model has to beat {found[best]:.3f} ({best}); the majority is {p:.3f}.")
    print(f"Chance moves this by about ±{200 * (p * (1 - p) / n) ** 0.5:.1f} points (two standard errors, n = {n}).")
    return table({"reads only": list(found), "accuracy on test": [f"{a:.3f}" for a in found.values()],
                  "points above majority": [f"{100 * (a - p):.1f}" for a in found.values()]})  # fmt: skip


def rule(train: list, test: list, train_labels: torch.Tensor, test_labels: torch.Tensor) -> float:
    """The accuracy on test of the most frequent class of train for the same value, of all for a new one."""
    if isinstance(train[0], float):
        edges = torch.tensor(train).nanquantile(torch.linspace(0.1, 0.9, 9))
        train, test = ([None if v != v else torch.bucketize(v, edges).item() for v in part] for part in (train, test))
    counts = defaultdict(Counter)
    for value, label in zip(train, train_labels.tolist(), strict=True):
        counts[str(value)][label] += 1
    most = {value: count.most_common(1)[0][0] for value, count in counts.items()}
    other = train_labels.mode().values.item()
    said = torch.tensor([most.get(str(value), other) for value in test])
    return (said == test_labels).float().mean().item()


def _column(data, part: str, name: str, column) -> list:
    """A column of the table in one part: words, or for a date the days since 1970."""
    import pandas

    rows = data.rows[part] if hasattr(data, "rows") else pandas.DataFrame()
    if column not in rows.columns:
        raise ValueError(f"{name} is {column!r}; data has the columns {list(rows.columns)}, it needs one of them")
    if name == "source":
        return rows[column].astype(str).tolist()
    days = pandas.to_datetime(rows[column], errors="coerce", format="mixed", utc=True) - pandas.Timestamp(0, tz="UTC")
    if days.isna().all():
        raise ValueError(f"date is {column!r}; pandas reads no date in it, such as {rows[column].iloc[0]!r}")
    return (days / pandas.Timedelta(days=1)).tolist()
