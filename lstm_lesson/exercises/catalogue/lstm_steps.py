"""The known mistakes in one LSTM step, for the exercises `lstm_step` and `lstm`."""

import itertools
from collections.abc import Iterator
from dataclasses import replace

from lstm_lesson.exercises.catalogue.affine import FIRST, SECOND, WORDS, affine_edits, in_several_gates
from lstm_lesson.exercises.exercise import shared_edits
from lstm_lesson.exercises.model import Edit

GATES = "ifco"
PLACES = {"W_x": "x", "W_h": "h", "b_": "bias"}  # a weight's first letters -> its place
READS = {"W_x": "x_t @ ", "W_h": "h_prev @ ", "b_": ""}


def step_edits() -> Iterator[Edit]:
    """The mistakes in the lines of a step, the most frequent first."""
    by_gate = {k: list(affine_edits(k)) for k in GATES}
    for table in ("cell_state", "cell_state_in_a_step", "hidden_state", "hidden_state_in_a_step"):
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
        reads = {k: {f"{PLACES[n]}_{k}": f"{READS[n]}{n}{other}" for n in PLACES} for k, other in ((a, b), (b, a))}
        also = f", or `o_t` stands in its place in equation 3. {SECOND}" if b == "o" and a in "if" else f". {SECOND}"
        yield Edit(f"{a}: weights of {b}", reads[a], f"The {WORDS[a]} reads the weights of the {WORDS[b]}{also}")
        if a < b:
            yield Edit(f"{a} ↔ {b}", reads[a] | reads[b], f"The {WORDS[a]} and the {WORDS[b]} read each other's weights. {SECOND}")
        for n, place in PLACES.items():
            one = {f"{place}_{a}": f"{READS[n]}{n}{b}"}
            yield Edit(f"{n}{a}: {n}{b}", one, f"`{n}{b}` is read twice, and `{n}{a}` never. {SECOND}")
            if a < b:
                both = one | {f"{place}_{b}": f"{READS[n]}{n}{a}"}
                yield Edit(f"{n}{a} ↔ {n}{b}", both, f"`{n}{a}` and `{n}{b}` have changed places. {SECOND}")
    for n, place in PLACES.items():
        for k in GATES:
            everywhere = {f"{place}_{other}": f"{READS[n]}{n}{k}" for other in GATES if other != k}
            yield Edit(f"{n}{k} everywhere", everywhere, f"`{n}{k}` stands in all four sums. Each has a weight of its own. {SECOND}")
    for k in GATES:
        everywhere = {f"{place}_{other}": f"{READS[n]}{n}{k}" for n, place in PLACES.items() for other in GATES if other != k}
        yield Edit(f"{k}'s weights everywhere", everywhere, f"All four sums read the weights of the {WORDS[k]}. {SECOND}")
    for a, b in itertools.permutations(GATES, 2):
        yield Edit(f"W_x{a}: W_h{b}", {f"x_{a}": f"x_t @ W_h{b}"}, f"`W_h{b}` stands where x_t is read, and `W_x{a}` nowhere. {FIRST}")
        yield Edit(f"W_h{a}: W_x{b}", {f"h_{a}": f"h_prev @ W_x{b}"}, f"`W_x{b}` stands where h_prev is read, and `W_h{a}` nowhere. {FIRST}")
