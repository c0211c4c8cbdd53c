"""What is computed in the exercises of notebook 08: the mistakes of a step, of a loop, and with PyTorch's weights."""

import itertools

from lstm_lesson.exercises.catalogue.loops import loop_edits
from lstm_lesson.exercises.catalogue.lstm_steps import step_edits
from lstm_lesson.exercises.exercise import shared_edits
from lstm_lesson.exercises.model import Edit
from lstm_lesson.exercises.my_lstm import judge

BLOCKS = {"i": "i", "f": "f", "c": "g", "o": "o"}  # a gate's letter here, and PyTorch's
STACKED = {"x": "weight_ih", "h": "weight_hh", "b": "bias"}
MATRICES = [(f"W_{kind}{k}", f"{kind}_{k}") for kind in "xh" for k in BLOCKS]  # and the places of their blocks
ORDERS = {
    "ifoc": "The blocks are read in the order i, f, o, g. That is another library's order: look at PyTorch's.",
    "iofc": "The blocks are read in the order i, o, f, g, as ONNX stores them. PyTorch's order is another.",
    "icfo": "The blocks are read in the order i, g, f, o, as TensorFlow's old cell has them.",
    "fico": "The first two blocks are swapped: which gate comes first?",
}
ROWS_KEPT = "keeps the numbers in their old order. Rows have to become columns."
RESHAPED = "{0}.reshape({0}.shape[::-1])"
TURNED = (  # a name, whose matrices, what stands there
    ("W_h untransposed", "h", "{}", "The recurrent matrices are not transposed. They are square, so only the values tell."),
    ("W_x untransposed", "x", "{}", "The input matrices are not transposed: PyTorch has (H, N) where the equations have (N, H)."),
    ("untransposed", "xh", "{}", "No matrix is transposed: PyTorch stores (H, N) where the equations have (N, H)."),
    ("reshaped", "xh", RESHAPED, f"`reshape` or `view` {ROWS_KEPT}"),
    ("W_x reshaped", "x", RESHAPED, f"`reshape` or `view` of the blocks of `weight_ih` {ROWS_KEPT}"),
)
CUTS = (  # of what has been transposed
    ("then cut rows", "rows.chunk(4)"),
    ("`chunk` then cuts rows", "(lambda i, f, g, o: (i, f, g, o))(*rows.chunk(4))"),
    ("then slice rows", "[rows[n * weight_hh.shape[1] : (n + 1) * weight_hh.shape[1]] for n in range(4)]"),
)


def _torch_edits():
    for order in map("".join, itertools.permutations(BLOCKS)):
        if changes := {f"{kind}_{k}": f"{kind}_blocks[{n}]" for kind in STACKED for n, k in enumerate(order) if k != "ifco"[n]}:
            yield Edit(order, changes, ORDERS.get(order, f"The blocks are read in the order {', '.join(order).replace('c', 'g')}. Look at PyTorch's."))
    for name, kinds, change, cause in TURNED:
        yield Edit(name, {made: change.format(block) for made, block in MATRICES if made[2] in kinds}, cause)
    yield from shared_edits("biases_from_torch")
    for name, block in MATRICES:
        yield Edit(f"{name} not transposed", {name: block}, f"`{name}` is not transposed. What PyTorch stores has a row for each unit, (H, {'N' if name[2] == 'x' else 'H'}).")
    for n, (k, letter) in enumerate(BLOCKS.items()):
        for missing, given in (("bias_hh", "bias_ih"), ("bias_ih", "bias_hh")):
            yield Edit(f"b_{k}: no {missing}", {f"b_{k}": f"{given}.chunk(4)[{n}]"}, f"`b_{k}` lacks its part of `{missing}`.")
        for kind, (own, _) in itertools.product(STACKED, [each for each in BLOCKS.items() if each[0] != k]):
            name = f"b_{own}" if kind == "b" else f"W_{kind}{own}"
            yield Edit(f"{name}: block {letter}", {f"{kind}_{own}": f"{kind}_blocks[{n}]"}, f"`{name}` is made of PyTorch's block {letter}.")
    every_fourth = {f"{kind}_blocks": f"[{stacked}[n::4] for n in range(4)]" for kind, stacked in STACKED.items()}
    yield Edit("every fourth", every_fourth, "Every fourth row is taken. The blocks stand one below the other: H rows for i, then H rows for the next.")
    for how, cut in CUTS:
        each = f"zip('ifco', *[{cut} for rows in (weight_ih.T, weight_hh.T, bias)])"
        cut_up = f"{{name + k: part for k, *parts in {each} for name, part in zip(('W_x', 'W_h', 'b_'), parts)}}"
        yield Edit(f"transposed, {how}", {"return": cut_up}, f"You transpose first, {how}. After that the blocks are no longer rows: where are they?")


CODE = {
    "lstm_step": {"edits": [*step_edits(), *shared_edits("returns_of_a_step")]},
    "lstm": {"edits": [*loop_edits("hc"), *step_edits()]},
    "from_torch_weights": {"edits": [*_torch_edits()]},
    "MyLSTM": {"judge": judge},
}
