"""The known mistakes in the backward step of an RNN and of an LSTM."""

import itertools
from collections.abc import Iterator

from lstm_lesson.cells import GATES, NAMES
from lstm_lesson.exercises.catalogue.forward_steps import MADE, WORDS, in_several_gates
from lstm_lesson.exercises.exercise import shared_edits
from lstm_lesson.exercises.model import Edit

VALUES = "ifgoch"


def _dz(k: str) -> str:
    made, dy = MADE[k], f"d{MADE[k][0]}"
    return f"{dy} * " + (f"(1 - {made}**2)" if k == "c" else f"{made} * (1 - {made})")


def sum_edits(k: str, dy: str) -> Iterator[Edit]:
    """The mistakes on the way through the sum of k; dy is the gradient before the slope of its function."""
    words = {"k": k, "dy": dy, "dz": f"dz_{k}", "W": f"W_x{k}", "U": f"W_h{k}", "in_k": ""}
    words |= {"dx": f"dx_{k}", "dh": f"dh_{k}", "dW": f"dW_x{k}", "dU": f"dW_h{k}", "db": f"db_{k}"}
    names = {"DX": "`dx_t`", "DH": "`dh_prev`", "DW": f"`dW_x{k}`", "DU": f"`dW_h{k}`", "DB": f"`db_{k}`"}
    if k != "h":
        share, words["in_k"] = f"The share of the {WORDS[k]} in", f" of the {WORDS[k]}"
        names |= {"DX": f"{share} `dx_t`", "DH": f"{share} `dh_prev`", "DB": f"`b_{k}`: its gradient"}
        names |= {"DW": f"`W_x{k}`: its gradient", "DU": f"`W_h{k}`: its gradient"}
    lower = names["DH"][0].lower() + names["DH"][1:]
    return shared_edits("backward_sum", lower_DH=lower, **words, **names)


def slope_edits(k: str, dy: str, y: str) -> Iterator[Edit]:
    """The mistakes in the line dz = dy · slope; y is what came out of the function of k."""
    function, at = "tanh" if k in "hc" else "sigmoid", "" if k == "h" else f" at the {WORDS[k]}"
    return shared_edits(f"slope_of_{function}", k=k, dz=f"dz_{k}", dy=dy, y=y, at=at)


def rnn_backward_edits() -> Iterator[Edit]:
    """The mistakes of the RNN's backward step."""
    yield from slope_edits("h", "dh_t", "h_t")
    yield from shared_edits("rnn_slope")
    yield from sum_edits("h", "dh_t")
    yield from shared_edits("rnn_returns")


def lstm_backward_edits() -> Iterator[Edit]:
    """The mistakes of the LSTM's backward step, the most frequent first."""
    by_gate = {k: [*slope_edits(k, f"d{MADE[k][0]}", MADE[k]), *sum_edits(k, f"d{MADE[k][0]}")] for k in GATES}
    yield from shared_edits("lstm_backward")
    yield from branch_edits()
    for a, b in itertools.combinations(range(6), 2):
        read = {f"{VALUES[a]}_t": f"values[{b}]", f"{VALUES[b]}_t": f"values[{a}]"}
        cause = "The values are read in the wrong order: they come as i, f, g, o, c, h."
        yield Edit(f"values: {VALUES[b]} {VALUES[a]}", read, cause)
    for a, b in itertools.permutations(GATES, 2):
        yield from shared_edits("values_of_another", a=a, b=b, dz=f"dz_{a}", other=_dz(b), A=WORDS[a], B=WORDS[b])
    same = "The same mistake"
    yield from in_several_gates(by_gate, ifco=f"{same} in all four sums. The", ifo=f"{same} at all three gates. The")
    for edits in by_gate.values():
        yield from edits
    yield from shares()


def branch_edits() -> Iterator[Edit]:
    """The mistakes where a gradient goes back through one factor of a product, in equations 3 and 5."""
    for place, (arrives, factor, name, product) in BRANCHES.items():
        words = {"place": place, "arrives": arrives, "factor": factor, "name": name, "product": product}
        for other in ("i_t", "f_t", "g_t", "o_t", "c_t", "h_t", "c_prev", "h_prev"):
            if other != factor:
                yield from shared_edits("branch_with", other=other, **words)
        yield from shared_edits("branch", **words)


def shares() -> Iterator[Edit]:
    """`dx_t` and `dh_prev` are sums over four gates: a share is missing, stands alone or is counted wrongly."""
    for k in GATES:
        rest = {f"rest_{d}": " + ".join(f"{d}_{other}" for other in GATES if other != k) for d in ("dx", "dh")}
        yield from shared_edits("share", k=k, word=WORDS[k], **rest)
    yield from shared_edits("shares_mean")
    for k in GATES:
        yield from shared_edits("shares_weights", k=k, word=WORDS[k])
    for a, b in (("c", "o"), ("i", "f"), ("f", "c"), ("i", "c"), ("i", "o"), ("f", "o")):
        names = {name: {a: b, b: a}.get(name[-1], name[-1]) for name in NAMES[:12]}
        text = ", ".join(f"'{name}': d{name[:-1]}{k}" for name, k in names.items())
        yield from shared_edits("gradients_swapped", a=a, b=b, text=f"{{{text}}}", A=WORDS[a], B=WORDS[b])


BRANCHES = {  # the place of a gradient -> what arrives, its factor, what to call it, and where the factors stand
    "do": ("dh_t", "shown", "The output gate's gradient", "equation 5"),
    "df": ("dc", "c_prev", "The forget gate's gradient", "equation 3"),
    "dc_prev": ("dc", "f_t", "`dc_prev`", "equation 3"),
    "di": ("dc", "g_t", "The input gate's gradient", "equation 3"),
    "dg": ("dc", "i_t", "The candidate's gradient", "equation 3"),
}  # fmt: skip
