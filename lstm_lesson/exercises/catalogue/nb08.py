"""The exercises of notebook 08: one step of the cell, the whole sequence, and PyTorch's weights."""

import itertools

from lstm_lesson.exercises.catalogue.loops import LOOP_WORDS, loop_edits, loop_model
from lstm_lesson.exercises.catalogue.lstm_steps import RETURNS, STEP_LINES, STEP_WORDS, place_edits, step_edits
from lstm_lesson.exercises.exercise import Exercise
from lstm_lesson.exercises.model import Edit
from lstm_lesson.exercises.my_lstm import judge

BLOCKS = {"i": "i", "f": "f", "c": "g", "o": "o"}  # a gate's letter here, and PyTorch's
STACKED = {"x": "weight_ih", "h": "weight_hh", "b": "bias"}
MATRICES = [(f"W_{kind}{k}", f"{kind}_{k}") for kind in "xh" for k in BLOCKS]  # and the places of their blocks
NAMES = [*(name for name, _ in MATRICES), *(f"b_{k}" for k in BLOCKS)]
TORCH_LINES = [
    "bias = bias_ih + bias_hh",
    *(f"{kind}_blocks = {stacked}.chunk(4)" for kind, stacked in STACKED.items()),
    *(f"{kind}_{k} = {kind}_blocks[{n}]" for kind in STACKED for n, k in enumerate(BLOCKS)),
    *(f"{name} = {block}.T" for name, block in MATRICES),
    f"return {{{', '.join(f'{name!r}: {name}' for name in NAMES)}}}",
]
TORCH_WORDS = {"bias": "the sum of the biases"} | {f"{kind}_blocks": f"the blocks of {name}" for kind, name in (("x", "`weight_ih`"), ("h", "`weight_hh`"), ("b", "the biases"))}
TORCH_WORDS |= {block: f"the block of `{name}`" for name, block in MATRICES} | {name: f"`{name}`" for name in NAMES}
ORDERS = {
    "ifoc": "The blocks are read in the order i, f, o, g. That is another library's order: look at PyTorch's.",
    "iofc": "The blocks are read in the order i, o, f, g, as ONNX stores them. PyTorch's order is another.",
    "icfo": "The blocks are read in the order i, g, f, o, as TensorFlow's old cell has them.",
    "fico": "The first two blocks are swapped: which gate comes first?",
}
BIASES = (
    ("no bias_hh", "bias_ih", "The second bias is dropped: where does `bias_hh` go?"),
    ("no bias_ih", "bias_hh", "The first bias is dropped: where does `bias_ih` go?"),
    ("biases averaged", "(bias_ih + bias_hh) / 2", "The two biases are averaged. What do PyTorch's equations do with them?"),
    ("biases subtracted", "bias_ih - bias_hh", "The second bias is subtracted. Look at its sign in PyTorch's equations."),
    ("biases multiplied", "bias_ih * bias_hh", "The two biases are multiplied. What do PyTorch's equations do with them?"),
    ("bias_ih twice", "2 * bias_ih", "`bias_ih` is added to itself: where does `bias_hh` go?"),
    ("bias_hh twice", "2 * bias_hh", "`bias_hh` is added to itself: where does `bias_ih` go?"),
    ("no bias", "0 * bias_ih", "All biases are zero: where do `bias_ih` and `bias_hh` go?"),
)  # fmt: skip
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
    for name, change, cause in BIASES:
        yield Edit(name, {"bias": change}, cause)
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


EXERCISES = [
    Exercise(
        name="lstm_step",
        notebook="08_lstm_cell",
        minutes=10,
        difficulty=2,
        reference="cells.lstm_step",
        inputs=lambda draw: {"x_t": draw("B N"), "h_prev": draw("B H"), "c_prev": draw.unbounded("B H"), "weights": draw.weights()},
        returns={"h_t": "B H", "c_t": "B H"},
        model=f"def lstm_step(x_t, h_prev, c_prev, weights):{STEP_LINES}\n    return h_t, c_t\n",
        edits=(*step_edits(), *place_edits("return", "return", RETURNS)),
        words=STEP_WORDS,
        hints=(
            "You have written every part. Now they stand in order: the gates and the candidate, the memory, the state.",
            'weights["W_xi"] is the matrix that reads x and makes i. Each gate takes three entries of weights.',
            "The new memory comes before the new state, because the state shows the new memory. The state is returned first.",
        ),
    ),
    Exercise(
        name="lstm",
        notebook="08_lstm_cell",
        minutes=8,
        difficulty=2,
        reference="layers.lstm",
        inputs=lambda draw: {"x": draw("B T N"), "h_0": draw("B H"), "c_0": draw.unbounded("B H"), "weights": draw.weights()},
        returns={"hidden_seq": "B T H", "h_T": "B H", "c_T": "B H"},
        model=loop_model("lstm", "hc", STEP_LINES, "weights"),
        edits=(*loop_edits("hc"), *step_edits()),
        words=STEP_WORDS | LOOP_WORDS,
        step="lstm_step",
        hints=(
            "The loop is the one of notebook 01, but two things travel from step to step.",
            "Start from h_0 and c_0, and let every step hand both of its results to the next one.",
            "Collect the hidden states along the middle dimension. At the end, h and c are what the last step left.",
        ),
    ),
    Exercise(
        name="from_torch_weights",
        notebook="08_lstm_cell",
        minutes=8,
        difficulty=3,
        reference="layers.from_torch_weights",
        inputs=lambda draw: {"weight_ih": draw.unbounded("4H N"), "weight_hh": draw.unbounded("4H H"), "bias_ih": draw.unbounded("4H"), "bias_hh": draw.unbounded("4H")},
        returns={"weights": ""},
        gradient=False,
        model="\n    ".join(["def from_torch_weights(weight_ih, weight_hh, bias_ih, bias_hh):", *TORCH_LINES]),
        edits=tuple(_torch_edits()),
        words=TORCH_WORDS,
        hints=(
            "PyTorch stacks four blocks of H rows, in the order i, f, g, o. Their g is what makes our c.",
            "Each block stands the other way round: PyTorch has (H, N) where the equations have (N, H).",
            "There are two biases, one beside each matrix, and both are added in the sum. We keep one.",
        ),
    ),
    Exercise(
        name="MyLSTM",
        notebook="08_lstm_cell",
        minutes=15,
        difficulty=3,
        reference="exercises.my_lstm.MyLSTM",
        inputs=lambda draw: {},
        returns={"hidden_seq": "B T H", "h_T": "B H", "c_T": "B H"},
        judge=judge,
        hints=(
            "In `__init__` make one `nn.Parameter` for each weight, and fill it with `nn.init.uniform_`. In `forward` the loop is that of your `lstm`.",
            "`init_states` is None or a tuple. Zeros of the dtype of x come from `x.new_zeros(B, H)`.",
            "Collect each h in a list. `torch.stack(the_list, dim=1)` is (B, T, H); return it together with the tuple (h, c) of the last step.",
        ),
    ),
]
