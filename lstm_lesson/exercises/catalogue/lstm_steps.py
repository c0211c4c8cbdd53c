"""The known mistakes in one LSTM step, for the exercises `lstm_step` and `lstm`."""

import itertools
from collections.abc import Iterator
from dataclasses import replace

from lstm_lesson.exercises.catalogue.affine import FIRST, SECOND, WORDS, affine_edits, in_several_gates
from lstm_lesson.exercises.model import Edit

GATES = "ifco"
PLACES = {"W_x": "x", "W_h": "h", "b_": "bias"}  # a weight's first letters -> its place
READS = {"W_x": "x_t @ ", "W_h": "h_prev @ ", "b_": ""}

CELL_STATE = (  # expressions in place of f_t * c_prev + i_t * g_t
    ("swapped", "i_t * c_prev + f_t * g_t", "i and f are swapped in equation 3, or read each other's weights. Which gate keeps, which lets in?"),
    ("f twice", "f_t * c_prev + f_t * g_t", "The forget gate stands in both terms of equation 3, or i reads its weights. What is let in has a gate of its own."),
    ("i twice", "i_t * c_prev + i_t * g_t", "The input gate stands in both terms of equation 3, or f reads its weights. What is kept has a gate of its own."),
    ("1 − f", "(1 - f_t) * c_prev + i_t * g_t", "1 − f stands in place of f: your memory keeps what it should forget."),
    ("1 − i", "f_t * c_prev + (1 - i_t) * g_t", "1 − i stands in place of i: your memory takes in what it should keep out."),
    ("no c", "i_t * g_t", "The old memory is gone: your cell is overwritten at every step. Where is `c_prev`?"),
    ("no g", "f_t * c_prev", "Nothing new comes in: the second term of equation 3 is missing."),
    ("no i", "f_t * c_prev + g_t", "The candidate comes in whole. Which gate decides how much of it?"),
    ("no f", "c_prev + i_t * g_t", "The old memory stays whole: that is the cell of 1997, before it could forget. Which gate is missing?"),
    ("no gates", "c_prev + g_t", "Old and new are added with both gates left out."),
    ("minus", "f_t * c_prev - i_t * g_t", "The new part is subtracted. Look at the sign between the terms of equation 3."),
    ("minus c", "i_t * g_t - f_t * c_prev", "The old memory is subtracted. Look at the sign between the terms of equation 3."),
    ("product", "f_t * c_prev * i_t * g_t", "All four are multiplied. Equation 3 is a sum of two products."),
    ("sums multiplied", "(f_t + c_prev) * (i_t + g_t)", "Sums and products have changed places: look at equation 3 again."),
    ("brackets g", "(f_t * c_prev + i_t) * g_t", "The candidate stands outside a bracket: it multiplies the old part, too. Look at your brackets."),
    ("sum inside", "(f_t + c_prev) * i_t * g_t", "Sums and products have changed places: look at equation 3 again."),
    ("sums", "f_t + c_prev + i_t + g_t", "All four are added. A gate is a valve: it multiplies what flows through it."),
    ("f added", "f_t + c_prev + i_t * g_t", "The forget gate is added to the memory. A gate is a valve: it multiplies what flows through it."),
    ("i added", "f_t * c_prev + i_t + g_t", "The input gate is added to the candidate. A gate is a valve: it multiplies what flows through it."),
    ("brackets", "f_t * (c_prev + i_t * g_t)", "The forget gate stands before a bracket: it multiplies the new part, too. Look at your brackets."),
    ("brackets i", "i_t * (f_t * c_prev + g_t)", "The input gate stands before a bracket: it multiplies the old part, too. Look at your brackets."),
    ("paired", "f_t * i_t + c_prev * g_t", "In equation 3 the pairs are mixed up: a gate is multiplied by a gate. Which gate belongs to which value?"),
    ("tanh", "tanh(f_t * c_prev + i_t * g_t)", "The memory itself is squashed. The memory is not bounded; the squashing comes later, on the way out."),
    ("sigmoid", "sigmoid(f_t * c_prev + i_t * g_t)", "A sigmoid stands around equation 3. The memory is not bounded, and it needs both signs."),
    ("tanh c", "f_t * tanh(c_prev) + i_t * g_t", "The old memory is squashed before it is kept. Only the way out, equation 5, has a tanh on it."),
    ("tanh g", "f_t * c_prev + i_t * tanh(g_t)", "The candidate is squashed twice: `g_t` has been through tanh."),
    ("sigmoid gates", "sigmoid(f_t) * c_prev + sigmoid(i_t) * g_t", "The gates are squashed twice: `f_t` and `i_t` have been through the sigmoid."),
    ("sigmoid f", "sigmoid(f_t) * c_prev + i_t * g_t", "The forget gate is squashed twice: `f_t` has been through the sigmoid."),
    ("sigmoid i", "f_t * c_prev + sigmoid(i_t) * g_t", "The input gate is squashed twice: `i_t` has been through the sigmoid."),
    ("coupled", "f_t * c_prev + (1 - f_t) * g_t", "The two gates are coupled: 1 − f lets in the new, as in a GRU. Here the new has a gate of its own."),
    ("coupled i", "(1 - i_t) * c_prev + i_t * g_t", "The two gates are coupled: 1 − i keeps the old. Here the old has a gate of its own."),
    ("c doubled", "2 * f_t * c_prev + i_t * g_t", "The kept part is taken twice."),
    ("new doubled", "f_t * c_prev + 2 * i_t * g_t", "The new part is taken twice."),
    ("c plus", "c_prev + f_t * c_prev + i_t * g_t", "The old memory is added once more, past its gate."),
    ("mean", "(f_t * c_prev + i_t * g_t) / 2", "Equation 3 is a sum, and you take the mean of its two terms."),
    ("@", "f_t @ c_prev + i_t @ g_t", "`@` mixes the units. Each gate acts on its own cell, entry by entry."),
    ("clamped", "(f_t * c_prev + i_t * g_t).clamp(-1, 1)", "The memory is cut off at ±1. The memory is not bounded: it can count."),
    ("gates only", "f_t * c_prev + i_t", "The candidate is missing: what is it that the input gate lets in?"),
    ("f alone", "f_t + i_t * g_t", "The old memory is missing: what is it that the forget gate keeps?"),
    ("gates detached", "f_t.detach() * c_prev + i_t.detach() * g_t", "The values are right, but the gates are detached in equation 3: they could never learn."),
)  # fmt: skip
HIDDEN_STATE = (  # expressions in place of o_t * tanh(c_t)
    ("no tanh", "o_t * c_t", "The tanh on `c_t` is missing in equation 5: the memory is shown as it is, and the state has no bounds."),
    ("no o", "tanh(c_t)", "The output gate is left out of equation 5: the whole memory is shown."),
    ("tanh outside", "tanh(o_t * c_t)", "The gate stands inside the tanh. Where are the brackets in equation 5?"),
    ("tanh of a sum", "tanh(o_t + c_t)", "Gate and memory are added, and the tanh stands around both. A valve multiplies what flows through it."),
    ("tanh o", "tanh(o_t) * c_t", "The tanh stands on the gate. Which of the two in equation 5 has no bounds yet?"),
    ("tanh both", "tanh(o_t) * tanh(c_t)", "The gate is squashed once more in equation 5: `o_t` lies between 0 and 1 already."),
    ("sigmoid o", "sigmoid(o_t) * tanh(c_t)", "The gate is squashed twice: `o_t` has been through the sigmoid already."),
    ("sigmoid c", "o_t * sigmoid(c_t)", "A sigmoid on `c_t` never shows a minus sign. The state needs both signs."),
    ("added", "o_t + tanh(c_t)", "Gate and memory are added in equation 5. A valve multiplies what flows through it."),
    ("1 − o", "(1 - o_t) * tanh(c_t)", "1 − o stands in place of o: open where it should be shut."),
    ("@", "o_t @ tanh(c_t)", "`@` mixes the units. The gate acts on its own cell, entry by entry."),
    ("gate alone", "o_t", "That is the gate alone. What does it let through?"),
    ("memory alone", "c_t", "That is the memory alone: neither the tanh nor the gate of equation 5 is there."),
    ("relu", "o_t * relu(c_t)", "A ReLU stands where the memory is squashed: it has no upper bound."),
    ("1 − tanh", "o_t * (1 - tanh(c_t))", "1 − tanh(c_t) stands in equation 5. The gate multiplies the tanh itself."),
    ("tanh twice", "o_t * tanh(tanh(c_t))", "The memory is squashed twice. How often does tanh stand in equation 5?"),
    ("minus", "-o_t * tanh(c_t)", "The state has the wrong sign: equation 5 has none."),
    ("doubled", "2 * o_t * tanh(c_t)", "The state is taken twice: equation 5 has no factor 2."),
    ("clamped", "o_t * c_t.clamp(-1, 1)", "The memory is cut off at ±1 in equation 5. tanh is smooth."),
)  # fmt: skip
HIDDEN_STATE_IN_A_STEP = (  # with what only a whole step can read
    ("c_prev", "o_t * tanh(c_prev)", "Equation 5 reads the old memory. The state shows the memory of this step."),
    ("g", "o_t * tanh(g_t)", "Equation 5 reads the candidate. The state shows the memory of this step."),
    ("i", "i_t * tanh(c_t)", "The input gate stands in equation 5. What is shown has a gate of its own."),
    ("f", "f_t * tanh(c_t)", "The forget gate stands in equation 5. What is shown has a gate of its own."),
    ("h added", "o_t * tanh(c_t) + h_prev", "The old state is added in equation 5. It has its say inside the gates only."),
)  # fmt: skip
CELL_STATE_IN_A_STEP = (
    ("h", "f_t * h_prev + i_t * g_t", "`h_prev` stands in equation 3 where the memory belongs, `c_prev`."),
    ("h let in", "f_t * c_prev + i_t * h_prev", "`h_prev` stands in equation 3 where the candidate belongs."),
)  # fmt: skip
RETURNS = (
    ("c, h", "c_t, h_t", "The right tensors, in another order: expected `h_t` and `c_t`."),
    ("c_prev", "h_t, c_prev", "The old memory comes back, not the new one. Look at your `return`."),
    ("h_prev", "h_prev, c_t", "The old state comes back, not the new one. Look at your `return`."),
    ("c twice", "c_t, c_t", "The memory comes back twice. The state is what the gate lets out."),
    ("h twice", "h_t, h_t", "The state comes back twice. The memory goes on without the gate."),
    ("o", "o_t, c_t", "The output gate comes back in place of the state. What does it let through?"),
    ("g", "h_t, g_t", "The candidate comes back in place of the memory."),
    ("tanh c", "h_t, tanh(c_t)", "The memory comes back squashed. Only the state is bounded."),
    ("detached", "h_t.detach(), c_t.detach()", "The values are right, but the step's results are cut from the graph: nothing could be learned."),
    ("c detached", "h_t, c_t.detach()", "The values are right, but the new memory is detached as it is returned: no gradient goes back along it."),
    ("h detached", "h_t.detach(), c_t", "The values are right, but the new state is detached as it is returned: no gradient goes back through it."),
)  # fmt: skip


def place_edits(place: str, name: str, rows) -> Iterator[Edit]:
    """One edit for each row (identifier, expression at the place, cause)."""
    return (Edit(f"{name}: {id}", {place: text}, cause) for id, text, cause in rows)


def step_edits() -> Iterator[Edit]:
    """The mistakes in the lines of a step, the most frequent first."""
    by_gate = {k: list(affine_edits(k)) for k in GATES}
    yield from place_edits("c_t", "equation 3", CELL_STATE + CELL_STATE_IN_A_STEP)
    yield from place_edits("h_t", "equation 5", HIDDEN_STATE + HIDDEN_STATE_IN_A_STEP)
    yield from in_several_gates(by_gate, ifco="All four sums have the same mistake. In the", ifo="All three gates have the same mistake. In the")
    yield from (_naming_the_gate(k, edit) for k, edits in by_gate.items() for edit in edits)
    yield from wrong_weights()
    yield from wrong_states()


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


def wrong_states() -> Iterator[Edit]:
    """A gate reads the memory where the old state belongs."""
    for k in GATES:
        yield Edit(f"{k}: c_prev", {f"h_{k}": f"c_prev @ W_h{k}"}, f"The {WORDS[k]} reads `c_prev` in place of `h_prev`: gates read the state, not the memory.")
        yield Edit(f"{k}: c_prev too", {f"h_{k}": f"(h_prev + c_prev) @ W_h{k}"}, f"The {WORDS[k]} reads `c_prev`, too: gates read the state, not the memory.")
    yield Edit("o: c_t", {"h_o": "c_t @ W_ho"}, "The output gate reads the new memory in place of the state before.")
    yield Edit("o: c_t too", {"h_o": "(h_prev + c_t) @ W_ho"}, "The output gate reads `c_t`, too: gates read the state, not the memory.")
    everywhere = {f"h_{k}": f"c_prev @ W_h{k}" for k in GATES}
    yield Edit("ifco: c_prev", everywhere, "The gates read the memory in place of the state: `c_prev` stands where `h_prev` belongs.")
    yield Edit("ifco: h, c", everywhere | {"c_t": "f_t * h_prev + i_t * g_t"}, "`h_prev` and `c_prev` have changed places. Look at the order of the arguments.")
