"""One text as a trained classifier reads it: its words, the gates at each, the answer so far, and the saliency."""

import unicodedata
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lstm_lesson.text.classifiers import TextClassifier
from lstm_lesson.text.news import Vocabulary, tokenize
from lstm_lesson.text.saliency import most_active, saliency
from lstm_lesson.tracing import record

GATES = "ifgoch"
MOST = 500  # words of one text that are read


@dataclass
class Reading:
    """One text of T words read by H units.

    values: i f g o c h, each (T, H); probability (T,): of the last label, had the text ended there;
    saliency and effect (T,): see `saliency.saliency`, for the answer at the end; known (T,) bool; notes: what was cut
    or is unknown, in sentences.
    """

    tokens: list[str]
    known: list[bool]
    values: dict[str, Tensor] = field(repr=False)
    probability: Tensor = field(repr=False)
    saliency: Tensor = field(repr=False)
    effect: Tensor = field(repr=False)
    notes: list[str]


def read_text(classifier: TextClassifier, vocabulary: Vocabulary, text: str | list[str], name: str = "text") -> Reading:
    """Read a text, or a list of tokens, and keep all there is to show; at most the first 500 words.

    The classifier needs a CustomLSTM of one layer. Raises ValueError, naming the argument, for a text without a word or
    without any word that the classifier knows, and for a classifier and a vocabulary that do not belong together.
    """
    _check(classifier, vocabulary)
    tokens = tokenize(text) if isinstance(text, str) else text
    if not isinstance(tokens, (list, tuple)) or not all(isinstance(token, str) for token in tokens):
        raise ValueError(f"{name} is {type(text).__name__}; it needs a text, or a list of words")
    if not tokens:
        raise ValueError(f"{name} has no word; it needs at least one, of the letters a to z or of digits")
    notes = []
    if len(tokens) > MOST:
        notes.append(f"The text has {len(tokens)} words; the first {MOST} are read.")
        tokens = tokens[:MOST]
    known = [token in vocabulary.ids for token in tokens]
    if not any(known):
        raise ValueError(f"{name} has no word that the classifier knows; it was trained on {len(vocabulary) - 2} words")
    if not all(known):
        notes.append(
            f"Dotted: {known.count(False)} of {len(known)} words are unknown to the classifier, all read as <unk>."
        )
    ids = vocabulary.encode(list(tokens))[None].to(classifier.embedding.weight.device)  # (1, T)
    trace = record(classifier, ids)
    with torch.no_grad():
        probability = classifier.linear(trace.h[0]).softmax(dim=1)[:, -1]  # (T,)
    norm, effect = saliency(classifier, ids)
    values = {gate: getattr(trace, gate)[0] for gate in GATES}  # (T, H)
    return Reading([printable(token) for token in tokens], known, values, probability, norm[0], effect[0], notes)


def printable(text: str) -> str:
    """The text with "�" for what no page can show: control characters and halves of surrogate pairs."""
    return "".join("�" if unicodedata.category(letter) in ("Cc", "Cs") else letter for letter in text)


def by_activity(readings: list[Reading]) -> tuple[list[int], Tensor]:
    """All units, the most active first, and the activity of each (H,): its memory's standard deviation over the steps.

    With more than one text, the steps of all of them together.
    """
    c = torch.cat([reading.values["c"] for reading in readings])  # (T of all, H)
    return most_active(c, c.shape[1]).tolist(), c.std(dim=0, correction=0)


def _check(classifier, vocabulary) -> None:
    if not isinstance(classifier, TextClassifier):
        raise ValueError(f"classifier is {type(classifier).__name__}; it needs a TextClassifier")
    if not isinstance(vocabulary, Vocabulary) or len(vocabulary) != classifier.embedding.num_embeddings:
        has = f"{len(vocabulary)} words" if isinstance(vocabulary, Vocabulary) else type(vocabulary).__name__
        raise ValueError(
            f"vocabulary is {has}; it needs the classifier's own, of {classifier.embedding.num_embeddings} words"
        )
