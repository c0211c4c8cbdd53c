"""The known mistakes in function(x_t W + h_prev U + b): an RNN step, a gate or the candidate.

In a model answer its places are x_k, h_k, bias_k and z_k, where k is the last letter of the weights; MADE has the last.
"""

from collections.abc import Iterator

from lstm_lesson.exercises.exercise import shared_edits
from lstm_lesson.exercises.model import Edit

WORDS = {"h": "new state", "i": "input gate", "f": "forget gate", "c": "candidate", "o": "output gate"}
MADE = {"h": "h_t", "i": "i_t", "f": "f_t", "c": "g_t", "o": "o_t"}
SECOND = "A weight's second letter says what it makes."


def affine_edits(k: str) -> Iterator[Edit]:
    """The mistakes in the lines of k that need no other gate's weights."""
    f, low = ("tanh", "-1") if k in "hc" else ("sigmoid", "0")
    words = {"k": k, "word": WORDS[k], "W": f"W_x{k}", "U": f"W_h{k}", "b": f"b_{k}", "f": f, "low": low}
    words |= {"made": MADE[k], **{place: f"{place}_{k}" for place in ("x", "h", "bias", "z")}}
    for table in ("affine", f"affine_{f}", "affine_detached"):
        yield from shared_edits(table, **words)


def in_several_gates(by_gate: dict[str, list[Edit]], **begin: str) -> Iterator[Edit]:
    """The same mistake in all of some gates; `begin` has their letters and how the first one's cause is introduced."""
    for letters, words in begin.items():
        named = [{edit.id.split(": ", 1)[1]: edit for edit in by_gate[k]} for k in letters]
        for name, first in named[0].items():
            same = [edits[name] for edits in named if name in edits]
            if len(same) == len(letters):
                changes = {place: text for edit in same for place, text in edit.changes.items()}
                yield Edit(f"{letters}: {name}", changes, f"{words} {WORDS[letters[0]]}: {first.cause}")
