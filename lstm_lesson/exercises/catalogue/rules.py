"""Mistakes that are made by a rule: in a step of an RNN or an LSTM, in a loop over the steps, on the way back.

A text among the `edits` of an exercise, such as "affine_edits('f')", is a call of a function here. In
function(x_t W + h_prev U + b), an RNN step, a gate or the candidate, the places of a model answer are x_k, h_k, bias_k
and z_k, where k is the last letter of the weights; `rules.toml` has what is made of z_k.
"""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace

from lstm_lesson.exercises.catalogue import read_table
from lstm_lesson.exercises.model import Edit

BLOCKS = {"i": "i", "f": "f", "c": "g", "o": "o"}  # a gate's letter here, and PyTorch's
GATES = "".join(BLOCKS)
STACKED = ("x", "h", "b")  # weight_ih, weight_hh and the biases
TABLES = read_table("rules")
WORDS, MADE = TABLES["gate"], TABLES["made"]


def read_edits(rows: Iterable[str | list]) -> tuple[Edit, ...]:
    """The mistakes that the `edits` of an exercise list: each is described in a row, or a call that makes some."""
    return tuple(edit for row in rows for edit in (eval(row, globals()) if isinstance(row, str) else [Edit(*row)]))


def shared_edits(table: str, **words: str) -> Iterator[Edit]:
    """The mistakes in a table of `catalogue/shared_edits.toml`, in each of its texts and places these words filled in.

    The letter of a gate, k, a or b, or of a state, s, brings with it the words that `catalogue/rules.toml` has for it.
    """
    for kind in words.keys() & TABLES["words"].keys():
        called = {name: TABLES[name].get(words[kind], "") for name in ("gate", "state", "made")}
        words = {name: text.format(words[kind], **called) for name, text in TABLES["words"][kind].items()} | words

    def fill(text: str) -> str:
        return text.format(**words) if words else text

    for name, changes, cause in read_table("shared_edits")[table]:
        filled = {words.get(place, place): fill(text) for place, text in changes.items()}
        yield Edit(fill(name), filled, fill(cause))


def affine_edits(k: str) -> Iterator[Edit]:
    """The mistakes in the lines of k that need no other gate's weights."""
    f, low = ("tanh", "-1") if k in "hc" else ("sigmoid", "0")
    for table in ("affine", f"affine_{f}", "affine_detached"):
        yield from shared_edits(table, k=k, f=f, low=low)


def affine_edits_with_peephole(k: str) -> Iterator[Edit]:
    """The mistakes in gate k that are the same with a peephole in its sum as without one."""
    for edit in affine_edits(k):
        of_all_terms = f"z_{k}" in edit.changes.get(MADE[k], f"z_{k}") and f"z_{k}" not in edit.changes
        if of_all_terms and "both terms" not in edit.cause and " alone: " not in edit.cause:  # there are three terms
            yield edit


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
    yield from shared_edits("cell_state", **TABLES["weights_or_equation"])
    for table in ("cell_state_in_a_step", "hidden_state", "hidden_state_in_a_step"):
        yield from shared_edits(table)
    alike = "have the same mistake. In the"
    yield from in_several_gates(by_gate, ifco=f"All four sums {alike}", ifo=f"All three gates {alike}")
    yield from (_naming_the_gate(k, edit) for k, edits in by_gate.items() for edit in edits)
    for a, b in itertools.permutations(GATES, 2):  # a gate reads weights of another one, or two read each other's
        also = ", or `o_t` stands in its place in equation 3" if b == "o" and a in "if" else ""
        yield from shared_edits("weights_of_two" if a < b else "weights_of_another", a=a, b=b, also=also)
    for table, k in itertools.product(("weights_everywhere", "wrong_state"), GATES):
        yield from shared_edits(table, k=k)
    yield from shared_edits("wrong_states")


def _naming_the_gate(k: str, edit: Edit) -> Edit:
    """The edit with a cause that says in which of the sums it is."""
    named = any(name in edit.cause for name in (WORDS[k], f"W_x{k}`", f"W_h{k}`", f"b_{k}`"))
    return edit if named else replace(edit, cause=f"In the {WORDS[k]}: {edit.cause}")


def gru_edits() -> Iterator[Edit]:
    """The mistakes that the GRU's gates share with the LSTM's, but one that its file has in other words, and more."""
    edits = (_naming_the_gate(k, edit) for k in "rz" for edit in affine_edits(k))
    yield from (edit for edit in edits if edit.id != "z: one minus")
    for (kept, old), (new, g) in itertools.product(TABLES["gru_kept"].items(), TABLES["gru_new"].items()):
        if (said := ", and ".join(filter(None, (old, g)))) and kept != new:
            letters = "".join(k for k in "rz" if f"{k}_t" in kept + new) or "z"
            cause = f"{said[0].upper()}{said[1:]}. {TABLES['gru_mix'][letters]}"
            yield Edit(f"{kept} + {new}", {"kept": kept, "new": new}, cause)
    for table, gates in TABLES["gru_gates"].items():
        yield from (edit for gate in gates for edit in shared_edits(table, gate=gate))


def loop_edits(states: str) -> Iterator[Edit]:
    """The mistakes of a loop that carries these states: "h" or "hc"."""
    for s in states:
        yield from shared_edits("loop_carried", s=s)
    for table in (f"carried_{states}", "read", "collected", f"detached_{states}", "detached"):
        yield from shared_edits(f"loop_{table}")
    if states == "hc":
        yield from shared_edits("loop_h_and_c")


def sum_edits(k: str, dy: str) -> Iterator[Edit]:
    """The mistakes on the way through the sum of k; dy is the gradient before the slope of its function."""
    of_k = "" if k == "h" else f" of the {WORDS[k]}"
    share, gradient = (f"The share{of_k} in ", "`{}`: its gradient") if of_k else ("", "`d{}`")
    names = {"DX": f"{share}`dx_t`", "DH": f"{share}`dh_prev`", "lower_DH": f"{share.lower()}`dh_prev`"}
    names |= {D: gradient.format(name) for D, name in (("DW", f"W_x{k}"), ("DU", f"W_h{k}"), ("DB", f"b_{k}"))}
    return shared_edits("backward_sum", k=k, dy=dy, in_k=of_k, **names)


def slope_edits(k: str, dy: str, y: str) -> Iterator[Edit]:
    """The mistakes in the line dz = dy · slope; y is what came out of the function of k."""
    function, at = "tanh" if k in "hc" else "sigmoid", "" if k == "h" else f" at the {WORDS[k]}"
    return shared_edits(f"slope_of_{function}", k=k, dy=dy, y=y, at=at)


def lstm_backward_edits() -> Iterator[Edit]:
    """The mistakes of the LSTM's backward step, the most frequent first."""
    by_gate = {k: [*slope_edits(k, f"d{MADE[k][0]}", MADE[k]), *sum_edits(k, f"d{MADE[k][0]}")] for k in GATES}
    yield from shared_edits("lstm_backward")
    for place, words in TABLES["branches"].items():
        for other in ("i_t", "f_t", "g_t", "o_t", "c_t", "h_t", "c_prev", "h_prev"):
            if other != words["factor"]:
                yield from shared_edits("branch_with", place=place, other=other, **words)
        yield from shared_edits("branch", place=place, **words)
    for (a, one), (b, two) in itertools.combinations(enumerate("ifgoch"), 2):
        cause = "The values are read in the wrong order: they come as i, f, g, o, c, h."
        yield Edit(f"values: {two} {one}", {f"{one}_t": f"values[{b}]", f"{two}_t": f"values[{a}]"}, cause)
    for a, b in itertools.permutations(GATES, 2):
        yield from shared_edits("values_of_another", a=a, b=b, dz=f"dz_{a}", other=TABLES["dz"][b])
    same = "The same mistake"
    yield from in_several_gates(by_gate, ifco=f"{same} in all four sums. The", ifo=f"{same} at all three gates. The")
    yield from itertools.chain(*by_gate.values())
    yield from shares()


def shares() -> Iterator[Edit]:
    """`dx_t` and `dh_prev` are sums over four gates: a share is missing, stands alone or is counted wrongly."""
    for k in GATES:
        rest = {f"rest_{d}": " + ".join(f"{d}_{other}" for other in GATES if other != k) for d in ("dx", "dh")}
        yield from shared_edits("share", k=k, **rest)
    yield from shared_edits("shares_mean")
    for a, b in itertools.combinations(GATES, 2):
        names = {name: {a: b, b: a}.get(name[-1], name[-1]) for k in GATES for name in (f"W_x{k}", f"W_h{k}", f"b_{k}")}
        text = ", ".join(f"'{name}': d{name[:-1]}{k}" for name, k in names.items())
        yield from shared_edits("gradients_swapped", a=a, b=b, text=f"{{{text}}}")


def from_torch_edits() -> Iterator[Edit]:
    """The mistakes in taking PyTorch's blocks apart: another order, a part of them twice or not at all."""
    for order in map("".join, itertools.permutations(BLOCKS)):
        moved = [(n, k) for n, k in enumerate(order) if k != "ifco"[n]]
        if changes := {f"{kind}_{k}": f"{kind}_blocks[{n}]" for kind in STACKED for n, k in moved}:
            cause = f"The blocks are read in the order {', '.join(order).replace('c', 'g')}. Look at PyTorch's."
            yield Edit(order, changes, TABLES["orders"].get(order, cause))
    yield from shared_edits("from_torch")
    for n, (k, letter) in enumerate(BLOCKS.items()):
        yield from shared_edits("one_bias_from_torch", b=f"b_{k}", n=str(n))
        for kind, own in itertools.product(STACKED, [each for each in BLOCKS if each != k]):
            name = f"b_{own}" if kind == "b" else f"W_{kind}{own}"
            cause = f"`{name}` is made of PyTorch's block {letter}."
            yield Edit(f"{name}: block {letter}", {f"{kind}_{own}": f"{kind}_blocks[{n}]"}, cause)
    yield from shared_edits("other_cuts_from_torch")


def fused_edits() -> Iterator[Edit]:
    """The mistakes in the order of blocks and results where one product makes all gates."""
    for first in map("".join, itertools.permutations("ifo")):
        results = ", ".join(f"{k}_t" for k in first) + ", g_t"
        wrong = "The right tensors, in another order: expected i_t, f_t, g_t, o_t."
        yield Edit(f"returned {first}g", {"return": results}, wrong)
    for found in list(map("".join, itertools.permutations("ifco")))[1:]:  # the first order is right
        changes = {f"z_{k}": f"blocks[{found.index(k)}]" for k in "ifco"}
        right = "The weights stand in the order i, f, c, o, the results in the order i, f, g, o."
        yield Edit(f"blocks {found}", changes, f"The blocks are read in the order {', '.join(found)}. {right}")
