"""The known mistakes in a step of an RNN or an LSTM, and in the loop over the steps of a sequence.

In function(x_t W + h_prev U + b), an RNN step, a gate or the candidate, the places of a model answer are x_k, h_k,
bias_k and z_k, where k is the last letter of the weights; MADE has the last.
"""

import itertools
from collections.abc import Iterator
from dataclasses import replace

from lstm_lesson.cells import GATES
from lstm_lesson.exercises.exercise import shared_edits
from lstm_lesson.exercises.model import Edit

WORDS = {"h": "new state", "i": "input gate", "f": "forget gate", "c": "candidate", "o": "output gate"}
MADE = {"h": "h_t", "i": "i_t", "f": "f_t", "c": "g_t", "o": "o_t"}
SECOND = "A weight's second letter says what it makes."
PLACES = {"W_x": "x", "W_h": "h", "b_": "bias"}  # a weight's first letters -> its place
READS = {"W_x": "x_t @ ", "W_h": "h_prev @ ", "b_": ""}
WEIGHTS_OR_EQUATION = {  # two mistakes with the same results
    "or_both": ", or each of them reads the other's weights: both give these numbers",
    "or_i": ", or i reads its weights", "or_f": ", or f reads its weights",
}  # fmt: skip


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


def step_edits() -> Iterator[Edit]:
    """The mistakes in the lines of a step, the most frequent first."""
    by_gate = {k: list(affine_edits(k)) for k in GATES}
    yield from shared_edits("cell_state", **WEIGHTS_OR_EQUATION)
    for table in ("cell_state_in_a_step", "hidden_state", "hidden_state_in_a_step"):
        yield from shared_edits(table)
    alike = "have the same mistake. In the"
    yield from in_several_gates(by_gate, ifco=f"All four sums {alike}", ifo=f"All three gates {alike}")
    yield from (_naming_the_gate(k, edit) for k, edits in by_gate.items() for edit in edits)
    yield from wrong_weights()
    for k in GATES:
        yield from shared_edits("wrong_state", k=k, word=WORDS[k], h=f"h_{k}", U=f"W_h{k}")
    yield from shared_edits("wrong_states")


def _naming_the_gate(k: str, edit: Edit) -> Edit:
    """The edit with a cause that says in which of the four sums it is."""
    named = any(name in edit.cause for name in (WORDS[k], f"W_x{k}`", f"W_h{k}`", f"b_{k}`"))
    return edit if named else replace(edit, cause=f"In the {WORDS[k]}: {edit.cause}")


def wrong_weights() -> Iterator[Edit]:
    """A gate reads weights of another gate, or two read each other's; one weight stands in all four."""
    for a, b in itertools.permutations(GATES, 2):
        words = {"a": a, "b": b, "A": WORDS[a], "B": WORDS[b], "SECOND": SECOND}
        words |= {f"{place}_{n}": f"{place}_{k}" for place in PLACES.values() for n, k in (("a", a), ("b", b))}
        words["also"] = ", or `o_t` stands in its place in equation 3" if b == "o" and a in "if" else ""
        yield from shared_edits("weights_of_two" if a < b else "weights_of_another", **words)
    for n, place in PLACES.items():
        for k in GATES:
            everywhere = {f"{place}_{other}": f"{READS[n]}{n}{k}" for other in GATES if other != k}
            cause = f"`{n}{k}` stands in all four sums. Each has a weight of its own. {SECOND}"
            yield Edit(f"{n}{k} everywhere", everywhere, cause)
    for k in GATES:
        others = [(n, place, other) for n, place in PLACES.items() for other in GATES if other != k]
        everywhere = {f"{place}_{other}": f"{READS[n]}{n}{k}" for n, place, other in others}
        cause = f"All four sums read the weights of the {WORDS[k]}. {SECOND}"
        yield Edit(f"{k}'s weights everywhere", everywhere, cause)
    for a, b in itertools.permutations(GATES, 2):
        yield from shared_edits("weights_crossed", a=a, b=b, x=f"x_{a}", h=f"h_{a}")


def loop_edits(states: str) -> Iterator[Edit]:
    """The mistakes of a loop that carries these states: "h" or "hc"."""
    for s in states:
        words = {
            "s": s,
            "word": {"h": "state", "c": "memory"}[s],
            "first": f"first_{s}",
            "prev": f"{s}_prev",
            "next": f"next_{s}",
        }
        yield from shared_edits("loop_carried", **words)
    for table in (f"carried_{states}", "read", "collected", f"detached_{states}", "detached"):
        yield from shared_edits(f"loop_{table}")
    if states == "hc":
        yield from shared_edits("loop_h_and_c")
