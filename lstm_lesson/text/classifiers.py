"""Text classifiers: an LSTM classifier, and the bag of words that it has to beat; how to save and load one."""

from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path

import torch
from torch import Tensor, nn

from lstm_lesson.data.download import own_folder, replacing
from lstm_lesson.layers import CustomLSTM, last_true_step
from lstm_lesson.shapes import check_lengths, check_sizes, describe, true_steps
from lstm_lesson.text.news import Vocabulary


class TextClassifier(nn.Module):
    """A text classifier (many-to-one): Embedding -> LSTM -> hidden state at the last step before padding -> Linear.

    (ids (B, T) int64, lengths (B,) or None for T) -> logits (B, classes). `lstm` is a CustomLSTM, or a `torch.nn.LSTM`
    in one direction with batch_first=True; None builds a CustomLSTM. Padding on the right does not change the result.
    Raises ValueError naming the argument that does not fit.
    """

    def __init__(self, vocab_size: int, embedding: int = 32, hidden: int = 32, classes: int = 2, dropout: float = 0.0,
                 lstm: nn.Module | None = None):  # fmt: skip
        super().__init__()
        check_sizes(vocab_size=vocab_size, embedding=embedding, hidden=hidden, classes=classes)
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)) or not 0 <= dropout < 1:
            raise ValueError(f"dropout is {dropout!r}; it needs a number from 0 to below 1")
        lstm = CustomLSTM(embedding, hidden) if lstm is None else lstm
        needs = {"input_size": embedding, "hidden_size": hidden, "batch_first": True, "bidirectional": False}
        has = {name: getattr(lstm, name, None) for name in needs}
        if not isinstance(lstm, (CustomLSTM, nn.LSTM)) or has != needs or getattr(lstm, "proj_size", 0):
            kinds = "a CustomLSTM or a torch.nn.LSTM without proj_size"
            raise ValueError(f"lstm is {type(lstm).__name__} with {has}; it needs {kinds}, with {needs}")
        self.embedding = nn.Embedding(vocab_size, embedding, padding_idx=0)
        self.lstm, self.dropout = lstm, nn.Dropout(dropout)
        self.linear = nn.Linear(hidden, classes)

    def forward(self, ids: Tensor, lengths: Tensor | None = None) -> Tensor:
        lengths = check_ids(ids, lengths, self.embedding.num_embeddings)
        return self.read(self.dropout(self.embedding(ids)), lengths)  # (B, classes)

    def read(self, x: Tensor, lengths: Tensor) -> Tensor:
        """The logits (B, classes) for embeddings x (B, T, N), whatever x holds at padding; lengths (B,) int64."""
        hidden_seq, _ = self.lstm(x.masked_fill(~true_steps(lengths, x.shape[1])[:, :, None], 0))  # (B, T, H)
        return self.linear(self.dropout(last_true_step(hidden_seq, lengths)))


class BagOfWords(nn.Module):
    """Logistic regression on TF-IDF: it reads how often each word occurs, not where.

    BagOfWords(vocab_size, train)(ids (B, T) int64, lengths (B,) or None) -> logits (B, classes).
    `train`, the training texts as number sequences, sets the weight of each word, log((1 + n) / (1 + n_w)) + 1;
    each text's vector is scaled to length 1. Source: Spärck Jones 1972, smoothed as scikit-learn does.
    """

    def __init__(self, vocab_size: int, train: Sequence[Tensor], classes: int = 2):
        super().__init__()
        check_sizes(vocab_size=vocab_size, classes=classes)
        texts_with = torch.zeros(vocab_size)
        for ids in train:
            texts_with[ids.unique()] += 1
        self.register_buffer("idf", torch.log((1 + len(train)) / (1 + texts_with)) + 1)
        self.weight = nn.EmbeddingBag(vocab_size, classes, mode="sum", padding_idx=0)
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, ids: Tensor, lengths: Tensor | None = None) -> Tensor:
        lengths = check_ids(ids, lengths, len(self.idf))
        ids = ids.masked_fill(~true_steps(lengths, ids.shape[1]), 0)
        same = ids[:, :, None] == ids[:, None, :]  # (B, T, T): which places hold the same word
        value = self.idf[ids].masked_fill(ids == 0, 0)  # (B, T)
        length = torch.einsum("bt,bts,bs->b", value, same.to(value), value).sqrt()  # of the TF-IDF vector
        return self.weight(ids, per_sample_weights=value / length.clamp_min(1e-9)[:, None]) + self.bias


def save_classifier(classifier: TextClassifier, vocabulary: Vocabulary, folder: str | Path | None = None) -> Path:
    """Save a trained classifier and its vocabulary for another notebook, in `folder` or beside the learner's progress.

    The file is written completely or not at all. Raises ValueError if the classifier does not hold one plain
    CustomLSTM layer or the vocabulary is not its own, OSError if the folder can't be written.
    """
    check_classifier(classifier, vocabulary)
    lstm = classifier.lstm
    if not isinstance(lstm, CustomLSTM) or not lstm.single or lstm.cells[0].peephole or not lstm.bias:
        needs = "a CustomLSTM of one layer with biases and without peephole"
        raise ValueError(f"classifier has {lstm}; save_classifier needs {needs}")
    path = (Path(folder) if folder is not None else own_folder()) / "reader.pt"
    sizes = [len(vocabulary), lstm.input_size, lstm.hidden_size, classifier.linear.out_features]
    names = TextClassifier(*sizes).state_dict()  # not the classifier's own, which pruning and the like change
    weights = {name: attrgetter(name)(classifier).detach() for name in names}
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        torch.save({"sizes": sizes, "tokens": vocabulary.tokens, "weights": weights}, part)
    return path


def load_classifier(folder: str | Path | None = None) -> tuple[TextClassifier, Vocabulary]:
    """The classifier and the vocabulary that `save_classifier` kept, the classifier in evaluation mode.

    Raises ValueError if there is none or it is damaged: run notebook 12 to train one.
    """
    path = (Path(folder) if folder is not None else own_folder()) / "reader.pt"
    if not path.is_file():
        raise ValueError(f"there is no trained classifier at {path}; run notebook 12 to its end, it keeps one")
    try:
        kept = torch.load(path, weights_only=True)
        classifier = TextClassifier(*kept["sizes"])
        classifier.load_state_dict(kept["weights"])
        vocabulary = Vocabulary([kept["tokens"][2:]], min_freq=1)
    except Exception as error:  # torch.load answers damage with many kinds
        raise ValueError(f"the trained classifier at {path} is damaged; run notebook 12 again") from error
    return classifier.eval(), vocabulary


def check_classifier(classifier, vocabulary) -> None:
    """Raise ValueError unless `classifier` is a TextClassifier and `vocabulary` its own."""
    if not isinstance(classifier, TextClassifier):
        raise ValueError(f"classifier is {type(classifier).__name__}; it needs a TextClassifier")
    size = classifier.embedding.num_embeddings
    if not isinstance(vocabulary, Vocabulary) or len(vocabulary) != size:
        has = f"{len(vocabulary)} words" if isinstance(vocabulary, Vocabulary) else type(vocabulary).__name__
        raise ValueError(f"vocabulary is {has}; it needs the classifier's own, of {size} words")


def check_ids(ids, lengths, vocab_size: int) -> Tensor:
    """`lengths` as an int64 tensor (B,), all T for None; ValueError unless ids (B, T) are numbers of known words."""
    if not isinstance(ids, Tensor) or ids.dtype != torch.int64 or ids.ndim != 2 or 0 in ids.shape:
        raise ValueError(f"ids has {describe(ids)}; it needs shape (B, T), at least 1 each, and torch.int64")
    if not torch.compiler.is_compiling() and (ids.min() < 0 or ids.max() >= vocab_size):
        raise ValueError(f"ids has entries from {ids.min()} to {ids.max()}; it needs 0 to {vocab_size - 1}")
    given = torch.full(ids.shape[:1], ids.shape[1], device=ids.device) if lengths is None else lengths
    return check_lengths(given, *ids.shape, ids.device)
