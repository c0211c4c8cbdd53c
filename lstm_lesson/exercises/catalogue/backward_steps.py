"""The known mistakes in the backward step of an RNN and of an LSTM."""

import itertools
from collections.abc import Iterator

from lstm_lesson.exercises.catalogue.affine import MADE, WORDS, in_several_gates
from lstm_lesson.exercises.exercise import shared_edits
from lstm_lesson.exercises.model import Edit

GATES, VALUES = "ifco", "ifgoch"
NAMES = [f"{n}{k}" for k in GATES for n in ("W_x", "W_h", "b_")]


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
        yield Edit(f"values: {VALUES[b]} {VALUES[a]}", read, "The values are read in the wrong order: they come as i, f, g, o, c, h.")
    for a, b in itertools.permutations(GATES, 2):
        yield Edit(f"dz_{a}: dz_{b}", {f"dz_{a}": _dz(b)}, f"The gradient of the sum in the {WORDS[a]} is made with the values of the {WORDS[b]}.")
    same = "The same mistake"
    yield from in_several_gates(by_gate, ifco=f"{same} in all four sums. The", ifo=f"{same} at all three gates. The")
    for edits in by_gate.values():
        yield from edits
    yield from shares()


def branch_edits() -> Iterator[Edit]:
    """The mistakes where a gradient goes back through one factor of a product, in equations 3 and 5."""
    for place, (arrives, factor, name, product) in BRANCHES.items():
        for other in ("i_t", "f_t", "g_t", "o_t", "c_t", "h_t", "c_prev", "h_prev"):
            if other != factor:
                yield Edit(f"{place} with {other}", {place: f"{arrives} * {other}"}, f"{name} has {other} as its factor. Each factor of a product receives the other one: look at {product}.")
        words = {"place": place, "arrives": arrives, "factor": factor, "name": name, "product": product}
        yield from shared_edits("branch", **words)


def shares() -> Iterator[Edit]:
    """`dx_t` and `dh_prev` are sums over four gates: a share is missing, stands alone or is counted wrongly."""
    kept = {"dx_t": "dx", "dh_prev": "dh"}
    for k in GATES:
        rest = [other for other in GATES if other != k]
        for name, left, cause in (
            ("missing", rest, f"the share of the {WORDS[k]} is missing: it has read x_t and h_prev, too."),
            ("alone", [k], f"the {WORDS[k]} is there alone: four sums have read x_t and h_prev, and their gradients are added."),
        ):
            changes = {place: " + ".join(f"{d}_{other}" for other in left) for place, d in kept.items()}
            yield Edit(f"shares: {k} {name}", changes, f"`dx_t` and `dh_prev`: {cause}")
            for place, text in changes.items():
                yield Edit(f"{place}: {k} {name}", {place: text}, f"`{place}`: {cause}")
    means = {place: f"({' + '.join(f'{d}_{k}' for k in GATES)}) / 4" for place, d in kept.items()}
    yield Edit("shares: mean", means, "`dx_t` and `dh_prev` are means over the four sums. Where paths meet, gradients are added.")
    for place, text in means.items():
        yield Edit(f"{place}: mean", {place: text}, f"`{place}` is a mean over the four sums. Where paths meet, gradients are added.")
    for k in GATES:
        for place, d in kept.items():
            one = " + ".join(f"dz_{other}" for other in GATES)
            yield Edit(f"{place}: weights of {k}", {place: f"({one}) @ W_{d[1]}{k}.T"}, f"`{place}`: all four sums go back through the weights of the {WORDS[k]}. Each has weights of its own.")
    for a, b in (("c", "o"), ("i", "f"), ("f", "c"), ("i", "c"), ("i", "o"), ("f", "o")):
        names = {name: {a: b, b: a}.get(name[-1], name[-1]) for name in NAMES}
        text = ", ".join(f"'{name}': d{name[:-1]}{k}" for name, k in names.items())
        yield Edit(f"dweights: {a} ↔ {b}", {"dweights": f"{{{text}}}"}, f"The gradients of the {WORDS[a]} and the {WORDS[b]} stand under each other's names.")


BRANCHES = {  # the place of a gradient -> what arrives, its factor, what to call it, and where the factors stand
    "do": ("dh_t", "shown", "The output gate's gradient", "equation 5"),
    "df": ("dc", "c_prev", "The forget gate's gradient", "equation 3"),
    "dc_prev": ("dc", "f_t", "`dc_prev`", "equation 3"),
    "di": ("dc", "g_t", "The input gate's gradient", "equation 3"),
    "dg": ("dc", "i_t", "The candidate's gradient", "equation 3"),
}  # fmt: skip
