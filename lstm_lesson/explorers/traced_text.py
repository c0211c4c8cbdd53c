"""`trace_text`: what a trained classifier computes at each word of a text."""

import unicodedata
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lstm_lesson.text.classifiers import TextClassifier, check_classifier
from lstm_lesson.text.news import Vocabulary
from lstm_lesson.text.saliency import saliency
from lstm_lesson.tracing import record

GATES = "ifgoch"
MOST = 500  # words read of one text


@dataclass
class TracedText:
    """One text of T words, and what the H units and the answer are at each word.

    values: i f g o c h, each (T, H); probability (T,): of the last label if the text ended at that word;
    saliency and effect (T,): see `saliency.saliency`, for the answer at the end; known (T,) bool: whether the
    vocabulary has the word; notes: sentences about words that were cut off or are unknown.
    """

    tokens: list[str]
    known: list[bool]
    values: dict[str, Tensor] = field(repr=False)
    probability: Tensor = field(repr=False)
    saliency: Tensor = field(repr=False)
    effect: Tensor = field(repr=False)
    notes: list[str]


def trace_text(
    classifier: TextClassifier, vocabulary: Vocabulary, text: str | list[str], name: str = "text"
) -> TracedText:
    """Run the classifier over a text or a list of tokens, at most 500, and keep its values at each word.

    The classifier needs a CustomLSTM of one layer. Raises ValueError, naming the argument, for a text without a word or
    without any word that the classifier knows, and if classifier and vocabulary have different sizes.
    """
    check_classifier(classifier, vocabulary)
    tokens = vocabulary.split(text) if isinstance(text, str) else text
    if not isinstance(tokens, (list, tuple)) or not all(isinstance(token, str) for token in tokens):
        raise ValueError(f"{name} is {type(text).__name__}; it needs a text, or a list of words")
    if not tokens:
        raise ValueError(f"{name} has no word; it needs at least one, of letters or digits")
    notes = []
    if len(tokens) > MOST:
        notes.append(f"The text has {len(tokens)} words; the first {MOST} are read.")
        tokens = tokens[:MOST]
    known = [token in vocabulary.ids for token in tokens]
    if not any(known):
        raise ValueError(f"{name} has no word that the classifier knows; it was trained on {len(vocabulary) - 2} words")
    if not all(known):
        unknown = f"{known.count(False)} of {len(known)} words are unknown to the classifier"
        notes.append(f"Dotted: {unknown}, all read as <unk>.")
    ids = vocabulary.encode(list(tokens))[None].to(classifier.embedding.weight.device)  # (1, T)
    trace = record(classifier, ids)
    with torch.no_grad():
        probability = classifier.linear(trace.h[0]).softmax(dim=1)[:, -1]  # (T,)
    norm, effect = saliency(classifier, ids)
    values = {gate: getattr(trace, gate)[0] for gate in GATES}  # (T, H)
    computed = values | {"probability": probability, "saliency": norm[0], "effect": effect[0]}
    if wrong := [what for what, numbers in computed.items() if not numbers.isfinite().all()]:
        needs = "it needs a classifier of finite weights: train it again, perhaps with a smaller lr"
        raise ValueError(f"{name} gives NaN or infinite numbers for {', '.join(wrong)}; {needs}")
    return TracedText([printable(token) for token in tokens], known, values, probability, norm[0], effect[0], notes)


def printable(text: str) -> str:
    """The text with "�" for characters that no page can show: control characters and halves of surrogate pairs."""
    return "".join("�" if unicodedata.category(letter) in ("Cc", "Cs") else letter for letter in text)


def by_activity(texts: list[TracedText]) -> tuple[list[int], Tensor]:
    """All units, the most active first, and the activity of each (H,): its cell state's standard deviation.

    The deviation is over the steps of all texts together.
    """
    c = torch.cat([text.values["c"] for text in texts])  # (T of all, H)
    activity = c.std(dim=0, correction=0)
    return activity.argsort(descending=True, stable=True).tolist(), activity
