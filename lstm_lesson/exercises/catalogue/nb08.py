"""The exercises of notebook 08: one step of the cell, the whole sequence, and PyTorch's weights."""

import itertools
from collections.abc import Callable

import torch

from lstm_lesson.exercises.catalogue.loops import LOOP_WORDS, loop_edits, loop_model
from lstm_lesson.exercises.catalogue.lstm_steps import RETURNS, STEP_LINES, STEP_WORDS, place_edits, step_edits
from lstm_lesson.exercises.exercise import Exercise, Mistake


def _copy(order="ifco", turn_x=torch.t, turn_h=torch.t, bias=torch.add) -> Callable:
    """PyTorch's weights under the equations' names, copied in another order or changed on the way."""

    def answer(weight_ih, weight_hh, bias_ih, bias_hh):
        H = weight_hh.shape[1]
        block = {k: slice(n * H, (n + 1) * H) for n, k in enumerate(order)}
        weights = {}
        for k in "ifco":
            weights[f"W_x{k}"] = turn_x(weight_ih[block[k]])
            weights[f"W_h{k}"] = turn_h(weight_hh[block[k]])
            weights[f"b_{k}"] = bias(bias_ih, bias_hh)[block[k]]
        return weights

    return answer


def _split_after_transposing(cut):
    def answer(weight_ih, weight_hh, bias_ih, bias_hh):
        H, weights = weight_hh.shape[1], {}
        blocks = cut(weight_ih.T, H), cut(weight_hh.T, H), cut(bias_ih + bias_hh, H)
        for k, W, U, b in zip("ifco", *blocks, strict=False):
            weights |= {f"W_x{k}": W, f"W_h{k}": U, f"b_{k}": b}
        return weights

    return answer


def _quarters(rows, H):
    return rows.chunk(4)


def _four_quarters(rows, H):
    i, f, g, o = rows.chunk(4)
    return i, f, g, o


def _slices(rows, H):
    return [rows[n * H : (n + 1) * H] for n in range(4)]


def _reshape(block):
    return block.reshape(block.shape[::-1])


FROM_TORCH_WEIGHTS_MISTAKES = (
    Mistake(_copy("ifoc"), "The blocks are read in the order i, f, o, g. That is another library's order: look at PyTorch's."),
    Mistake(_copy("iofc"), "The blocks are read in the order i, o, f, g, as ONNX stores them. PyTorch's order is another."),
    Mistake(_copy("icfo"), "The blocks are read in the order i, g, f, o, as TensorFlow's old cell has them."),
    Mistake(_copy("fico"), "The first two blocks are swapped: which gate comes first?"),
    Mistake(_copy("oifc"), "The blocks are read in another order, o first. Look at PyTorch's."),
    *(
        Mistake(_copy(order), f"The blocks are read in the order {', '.join(order).replace('c', 'g')}. Look at PyTorch's.")
        for order in map("".join, itertools.permutations("ifco"))
        if order not in ("ifco", "ifoc", "iofc", "icfo", "fico", "oifc")
    ),
    Mistake(_copy(turn_h=lambda block: block), "The recurrent matrices are not transposed. They are square, so only the values tell."),
    Mistake(_copy(turn_x=lambda block: block), "The input matrices are not transposed: PyTorch has (H, N) where the equations have (N, H)."),
    Mistake(_copy(turn_x=lambda block: block, turn_h=lambda block: block), "No matrix is transposed: PyTorch stores (H, N) where the equations have (N, H)."),
    Mistake(_copy(turn_x=_reshape, turn_h=_reshape), "`reshape` or `view` keeps the numbers in their old order. Rows have to become columns."),
    Mistake(_copy(turn_x=_reshape), "`reshape` or `view` keeps the numbers of `weight_ih` in their old order. Rows have to become columns."),
    Mistake(_copy(bias=lambda ih, hh: ih), "The second bias is dropped: where does `bias_hh` go?"),
    Mistake(_copy(bias=lambda ih, hh: hh), "The first bias is dropped: where does `bias_ih` go?"),
    Mistake(_copy(bias=lambda ih, hh: (ih + hh) / 2), "The two biases are averaged. What do PyTorch's equations do with them?"),
    Mistake(_copy(bias=lambda ih, hh: ih - hh), "The second bias is subtracted. Look at its sign in PyTorch's equations."),
    Mistake(_copy(bias=torch.mul), "The two biases are multiplied. What do PyTorch's equations do with them?"),
    Mistake(_copy(bias=lambda ih, hh: 2 * ih), "`bias_ih` is added to itself: where does `bias_hh` go?"),
    Mistake(_copy(bias=lambda ih, hh: 0 * ih), "All biases are zero: where do `bias_ih` and `bias_hh` go?"),
    *(
        Mistake(_split_after_transposing(cut), f"{how}, and then the blocks are no longer rows. Where are they?")
        for cut, how in ((_quarters, "You transpose first and then cut rows"), (_four_quarters, "You transpose first, `chunk` then cuts rows"), (_slices, "You transpose first and then slice rows"))
    ),
    Mistake(
        lambda ih, hh, b_ih, b_hh: {k: v.T if v.ndim == 2 else v for k, v in _every_fourth(ih, hh, b_ih + b_hh).items()},
        "Every fourth row is taken. The blocks stand one below the other: H rows for i, then H rows for the next.",
    ),
)


def _every_fourth(weight_ih, weight_hh, bias):
    stacked = {"W_x": weight_ih, "W_h": weight_hh, "b_": bias}
    return {f"{name}{k}": rows[n::4] for name, rows in stacked.items() for n, k in enumerate("ifco")}


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
        mistakes=FROM_TORCH_WEIGHTS_MISTAKES,
        hints=(
            "PyTorch stacks four blocks of H rows, in the order i, f, g, o. Their g is what makes our c.",
            "Each block stands the other way round: PyTorch has (H, N) where the equations have (N, H).",
            "There are two biases, one beside each matrix, and both are added in the sum. We keep one.",
        ),
    ),
]
