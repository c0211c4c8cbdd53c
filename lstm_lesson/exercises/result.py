"""What `check` returns: the outcome, a message of one to three lines, and heat maps where tensors can be compared."""

import html
import re
from dataclasses import dataclass, field

from torch import Tensor

from lstm_lesson.exercises.compare import isclose

MARKS = {"correct": "✅", "not attempted": "⬜", "wrong": "❌", "crashed": "❌"}


@dataclass(frozen=True)
class Result:
    """What `check` found.

    `.outcome` is "correct", "not attempted", "wrong" or "crashed"; `.passed` is True for a correct answer;
    `.message` says in one to three lines what was got, what was expected, and the cause where it is known.
    `.picture` holds a name, the learner's tensor and the expected one where values differ, else None.
    """

    outcome: str
    message: str
    picture: tuple[str, Tensor, Tensor] | None = field(default=None, repr=False, compare=False)

    @property
    def passed(self) -> bool:
        return self.outcome == "correct"

    def __repr__(self) -> str:
        return f"{MARKS[self.outcome]} {self.message}"

    def _repr_markdown_(self) -> str:
        return repr(self).replace("\n", "  \n")

    def _repr_html_(self) -> str | None:
        """The message above three heat maps: yours, the target and the difference. None without a picture."""
        try:
            picture = _heatmaps(*self.picture)._repr_html_() if self.picture else None
        except Exception:  # a picture that cannot be drawn must not hide the message
            picture = None
        if not picture:
            return None
        text = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(repr(self), quote=False))
        return f"<p>{text.replace(chr(10), '<br>')}</p>{picture}"


def _heatmaps(label: str, got: Tensor, expected: Tensor):
    """Yours, the target and the difference; of tensors with more than two dimensions the first matrix that differs."""
    from lstm_lesson import plots

    got, expected = got.detach().double(), expected.detach().double()
    while got.ndim > 2:
        differs = (~isclose(got, expected)).flatten(1).any(dim=1)
        first = int(differs.nonzero()[0])
        got, expected, label = got[first], expected[first], f"{label}[{first}]"
    got, expected = (value.reshape(1, -1) if value.ndim < 2 else value for value in (got, expected))
    if got.numel() < 2:
        return None
    wrong = int((~isclose(got, expected)).sum())
    return plots.heatmaps(
        {"yours": got, "target": expected, "yours − target": got - expected},
        title=f"{label}: {wrong} of {got.numel()} entries differ",
        xlabel="column",
        ylabel="row",
        alt=f"Heat maps of {label} as you return it, of the target, and of their difference: {wrong} entries differ.",
    )
