"""What `check` returns: the outcome, a message of one to three lines, and heat maps where tensors can be compared."""

import html
import re
import sys
from dataclasses import dataclass, field

from torch import Tensor

from lstm_lesson.exercises.catalogue import read_table
from lstm_lesson.exercises.compare import isclose

MARKS = {"correct": "✅", "not attempted": "⬜", "wrong": "❌", "crashed": "❌"}


@dataclass(frozen=True)
class Result:
    """What `check` found.

    `.outcome` is "correct", "not attempted", "wrong" or "crashed"; `.passed` is True for a correct answer;
    `.message` says in one to three lines what was got, what was expected, and the cause where it is known.
    `.picture` holds a name, the learner's tensor, the expected one and what their dimensions are, where values
    differ, else None. `.edits` are the identifiers of the mistakes that the message names; `edits.edited` applies them
    to the reference.
    """

    outcome: str
    message: str
    picture: tuple[str, Tensor, Tensor, tuple[str, ...]] | None = field(default=None, repr=False, compare=False)
    edits: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return self.outcome == "correct"

    def __repr__(self) -> str:
        return printable(f"{MARKS[self.outcome]} {self.message}")

    def _repr_markdown_(self) -> str:
        return f"{MARKS[self.outcome]} {self.message}".replace("\n", "  \n")

    def _repr_html_(self) -> str | None:
        """The message above three heat maps: yours, the target and the difference. None without a picture."""
        try:
            picture = _heatmaps(*self.picture)._repr_html_() if self.picture else None
        except Exception:  # a picture that cannot be drawn must not hide the message
            picture = None
        if not picture:
            return None
        text = html.escape(f"{MARKS[self.outcome]} {self.message}", quote=False)
        text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
        return f"<p>{text.replace(chr(10), '<br>')}</p>{picture}"


def printable(text: str) -> str:
    """The text as the terminal can show it: where it lacks a sign, a plain one or a word stands for it."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    for sign, plain in read_table("plain_signs").items():
        if sign.encode(encoding, "ignore") == b"":
            text = text.replace(sign, plain)
    return text.encode(encoding, "replace").decode(encoding)


def _heatmaps(label: str, got: Tensor, expected: Tensor, axes: tuple[str, ...]):
    """Yours, the target and the difference; of tensors with more than two dimensions the first matrix that differs."""
    from lstm_lesson import plots

    got, expected = got.detach().double(), expected.detach().double()
    while got.ndim > 2:
        differs = (~isclose(got, expected)).flatten(1).any(dim=1)
        first = int(differs.nonzero()[0])
        got, expected, label, axes = got[first], expected[first], f"{label}[{first}]", axes[1:]
    got, expected = (value.reshape(1, -1) if value.ndim < 2 else value for value in (got, expected))
    if got.numel() < 2:
        return None
    wrong = int((~isclose(got, expected)).sum())
    return plots.heatmaps(
        {"yours": got, "target": expected, "yours − target": got - expected},
        title=f"{label}: {wrong} of {got.numel()} entries differ",
        xlabel=axes[-1],
        ylabel=axes[0] if len(axes) > 1 else "",
        alt=f"Heat maps of {label} as you return it, of the target, and of their difference: {wrong} entries differ.",
    )
