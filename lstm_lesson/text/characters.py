"""A character model: Python's own source as text, characters as numbers, a model that writes, and the stored one."""

import hashlib
import string
import sysconfig
import tomllib
from copy import deepcopy
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from lstm_lesson.layers import CustomLSTM
from lstm_lesson.shapes import check_sizes, describe
from lstm_lesson.text.classifiers import TextClassifier, check_ids
from lstm_lesson.text.news import Vocabulary

CHARACTERS = "\n" + "".join(sorted(string.printable.strip() + " "))  # 96: the newline, and ASCII from space to ~
# The parts of the corpus: "train", "validation" and "test", each with its modules.
PARTS = tomllib.loads(Path(__file__).with_name("characters.toml").read_text(encoding="utf-8"))
STORED = Path(__file__).with_name("writer.pt")
SHA256 = "7aa942316f5c19da81aafefbd2c7b82ef690aa728d870fb0d82b20f812086d9d"  # of that file


def encode(text: str) -> Tensor:
    """The numbers of a text's characters, (n,) int64: their places in `CHARACTERS`.

    A tab becomes spaces up to the next multiple of 8 columns, as Python reads it; other characters that are not in
    `CHARACTERS` are left out. Raises ValueError for anything but a str.
    """
    if not isinstance(text, str):
        raise ValueError(f"text is {text!r:.40} ({type(text).__name__}); it needs a str")
    codes = torch.tensor(list(text.expandtabs().encode("ascii", "ignore")), dtype=torch.int64)
    return torch.where(codes == 10, 0, codes - 31)[(codes == 10) | ((codes >= 32) & (codes < 127))]


def decode(ids: Tensor) -> str:
    """The text of numbers (n,) int64. Raises ValueError for numbers that belong to no character."""
    if not isinstance(ids, Tensor) or ids.dtype != torch.int64 or ids.ndim != 1:
        raise ValueError(f"ids has {describe(ids)}; it needs shape (n,) and torch.int64")
    if ids.numel() and not 0 <= ids.min() <= ids.max() < len(CHARACTERS):
        raise ValueError(f"ids has entries from {ids.min()} to {ids.max()}; it needs 0 to {len(CHARACTERS) - 1}")
    return "".join(CHARACTERS[k] for k in ids.tolist())


@cache
def python_source(part: str) -> str:
    """The source of modules of this Python's standard library, one after another; no module is in two parts.

    `part` is "train", "validation" or "test". The text differs a little from version to version of Python. It is
    Copyright © Python Software Foundation, under the PSF License.
    Raises ValueError for another part, and FileNotFoundError if this Python came without its source.
    """
    if part not in PARTS:
        raise ValueError(f"part is {part!r}; it needs one of {', '.join(PARTS)}")
    folder = Path(sysconfig.get_path("stdlib"))
    paths = [folder / f"{name.replace('.', '/')}.py" for name in PARTS[part].split()]
    return decode(encode("".join(path.read_text(encoding="utf-8") for path in paths)))


class CharacterModel(nn.Module):
    """A character model (many-to-many): Embedding -> LSTM -> Linear at every step.

    (ids (B, T) int64, state=None) -> logits (B, T, 96) of the next character at each step, and the last state, which
    a later call can start from. `lstm` is any module with the calls of a `torch.nn.LSTM` with batch_first=True, such
    as a CustomLSTM; None builds a `torch.nn.LSTM`. Its input size is that of the embedding.
    Raises ValueError naming the argument that does not fit; an lstm of another input size raises its own error.
    """

    def __init__(self, hidden: int = 128, embedding: int = 32, lstm: nn.Module | None = None):
        super().__init__()
        check_sizes(hidden=hidden, embedding=embedding)
        self.embedding = nn.Embedding(len(CHARACTERS), embedding)
        self.lstm = nn.LSTM(embedding, hidden, batch_first=True) if lstm is None else lstm
        shape = tuple(self.lstm(torch.zeros(1, 2, embedding))[0].shape)
        if shape != (1, 2, hidden):
            raise ValueError(f"lstm makes hidden states of shape {shape}; it needs (1, 2, {hidden}) of x (1, 2, N)")
        self.linear = nn.Linear(hidden, len(CHARACTERS))

    def forward(self, ids: Tensor, state=None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        check_ids(ids, None, len(CHARACTERS))
        hidden_seq, state = self.lstm(self.embedding(ids), state)  # (B, T, H)
        return self.linear(hidden_seq), state


def as_words(text: str) -> list[str]:
    """Each character of a text as a word, with "␣" for a space and "↵" for a new line."""
    return list(decode(encode(text)).replace(" ", "␣").replace("\n", "↵"))


@torch.no_grad()
def as_classifier(model: CharacterModel, character: str) -> tuple[TextClassifier, Vocabulary, tuple[str, ...]]:
    """A character model for the `GateInspector`: as a classifier of what comes next, its vocabulary and its labels.

    The last label, whose probability the inspector shows, is `character`.
    Raises ValueError for anything but one of the 96 characters, and unless `model.lstm` is of PyTorch or a CustomLSTM.
    """
    if not isinstance(character, str) or len(encode(character)) != 1:
        raise ValueError(f"character is {character!r:.40}; it needs one of the {len(CHARACTERS)} characters")
    if not isinstance(model.lstm, (nn.LSTM, CustomLSTM)):
        raise ValueError(f"model.lstm is {type(model.lstm).__name__}; it needs a torch.nn.LSTM or a CustomLSTM")
    lstm = deepcopy(model.lstm) if isinstance(model.lstm, CustomLSTM) else CustomLSTM.from_torch(model.lstm)
    words = Vocabulary([as_words(CHARACTERS)], min_freq=1)
    words.split = as_words
    classifier = TextClassifier(len(words), lstm.input_size, lstm.hidden_size, len(CHARACTERS), lstm=lstm)
    classifier.embedding.weight[2:] = model.embedding.weight  # behind <pad> and <unk>
    order = sorted(range(len(CHARACTERS)), key=lambda k: CHARACTERS[k] == character)
    classifier.linear.weight[:], classifier.linear.bias[:] = model.linear.weight[order], model.linear.bias[order]
    return classifier.eval(), words, tuple(words.tokens[2 + k] for k in order)


def load_writer() -> CharacterModel:
    """The stored character model, in evaluation mode; its `about` says how it was trained (`make writer`).

    Raises ValueError if the file is damaged.
    """
    if hashlib.sha256(STORED.read_bytes()).hexdigest() != SHA256:
        raise ValueError(f"{STORED} is not the file that this version needs; install the package again")
    kept = torch.load(STORED, weights_only=True)
    model = CharacterModel(kept["about"]["hidden"], kept["about"]["embedding"])
    model.load_state_dict({name: weight.float() for name, weight in kept["weights"].items()})
    model.about = kept["about"]
    return model.eval()
