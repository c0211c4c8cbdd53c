"""The exercises of notebook 08: one step of the cell, the whole sequence, and PyTorch's weights."""

import itertools
from collections.abc import Callable

import torch

from lstm_lesson.cells import lstm_step
from lstm_lesson.exercises.catalogue.lstm_steps import WRONG_STEPS, step_with
from lstm_lesson.exercises.exercise import Exercise, Mistake


def _run(step, x, h, c, w, carry=lambda old, new: new, read=lambda x, t: x[:, t], steps=lambda x: x.shape[1]):
    """The states of all steps of a sequence. `carry(first, new)` is the state from which the next step starts."""
    first, h_all, c_all = (h, c), [], []
    for t in range(steps(x)):
        h_new, c_new = step(read(x, t), h, c, w)
        h_all.append(h_new)
        c_all.append(c_new)
        h, c = carry(first, (h_new, c_new))
    return h_all, c_all


def _lstm(step=None, **changes) -> Callable:
    def answer(x, h_0, c_0, w):
        h_all, c_all = _run(step or step_with(), x, h_0, c_0, w, **changes)
        return torch.stack(h_all, dim=1), h_all[-1], c_all[-1]

    return answer


def _package_step(x_t, h, c, w):
    """The package's step, which raises if x_t and the state are of different batch sizes."""
    return lstm_step(x_t, h, c, w)


def _outputs(change) -> Callable:
    """A right run whose results are `change(h_all, c_all)`."""
    return lambda x, h_0, c_0, w: change(*_run(step_with(), x, h_0, c_0, w))


def _detached_after_each_step():
    """Right values, with states detached after each step; the last one is returned as it is, or detached, too."""
    for cut, what in (("h", "h is"), ("c", "c is"), ("hc", "h and c are")):

        def carry(_first, new, cut=cut):
            return tuple(state.detach() if name in cut else state for name, state in zip("hc", new, strict=True))

        def ended(*given, carry=carry):
            hidden_seq, *last = _lstm(carry=carry)(*given)
            return (hidden_seq, *carry(None, last))

        after = f"The values are right, but {what} detached after each step"
        yield Mistake(_lstm(carry=carry), f"{after}: no gradient travels from step to step that way.")
        yield Mistake(ended, f"{after}, the last one included: no gradient travels from step to step that way.")


LSTM_STEP_MISTAKES = (
    *(Mistake(step, cause) for step, cause in WRONG_STEPS),
    Mistake(
        lambda x, h, c, w: (step_with()(x, h, c, w)[0], c),
        "The old memory comes back, not the new one. Look at your `return`.",
    ),
    Mistake(
        lambda x, h, c, w: (h, step_with()(x, h, c, w)[1]),
        "The old state comes back, not the new one. Look at your `return`.",
    ),
    Mistake(
        lambda x, h, c, w: (step_with()(x, h, c, w)[1],) * 2,
        "The memory comes back twice. The state is what the gate lets out.",
    ),
    Mistake(
        lambda x, h, c, w: (step_with()(x, h, c, w)[0],) * 2,
        "The state comes back twice. The memory goes on without the gate.",
    ),
)

LSTM_MISTAKES = (
    *(Mistake(_lstm(step), cause) for step, cause in WRONG_STEPS),
    Mistake(
        _lstm(carry=lambda old, new: (old[0], new[1])),
        "h is not carried: every step starts from `h_0` again. Two things travel from step to step.",
    ),
    Mistake(
        _lstm(carry=lambda old, new: (new[0], old[1])),
        "c is not carried: every step starts from `c_0` again. Two things travel from step to step.",
    ),
    Mistake(
        _lstm(carry=lambda old, new: old),
        "Neither h nor c is carried: every step starts from `h_0` and `c_0`. What does the next step begin with?",
    ),
    Mistake(
        lambda x, h_0, c_0, w: _lstm(carry=lambda old, new: old)(x, 0 * h_0, 0 * c_0, w),
        "The state is set to zero for every step. It is made once, before the loop.",
    ),
    Mistake(
        lambda x, h_0, c_0, w: _lstm()(x, 0 * h_0, 0 * c_0, w),
        "The first step starts from zeros. The states before the first step are arguments: `h_0` and `c_0`.",
    ),
    Mistake(
        lambda x, h_0, c_0, w: _lstm()(x, 0 * h_0, c_0, w),
        "`h_0` has no effect: the first step starts from zeros in h.",
    ),
    Mistake(
        lambda x, h_0, c_0, w: _lstm()(x, h_0, 0 * c_0, w),
        "`c_0` has no effect: the first step starts from zeros in c.",
    ),
    Mistake(
        lambda x, h_0, c_0, w: _lstm()(x, torch.nn.Parameter(h_0), torch.nn.Parameter(c_0), w),
        "The values are right, but `h_0` and `c_0` are cut off or made Parameters of their own.",
    ),
    Mistake(
        _lstm(carry=lambda old, new: new[::-1]),
        "h and c change places from one step to the next: look at their order.",
    ),
    Mistake(lambda x, h_0, c_0, w: _lstm()(x, c_0, h_0, w), "`h_0` and `c_0` have changed places at the start."),
    Mistake(
        _lstm(read=lambda x, t: x[t]),
        "`x[t]` is sequence t of the batch, not step t. The batch comes first: which dimension is time?",
    ),
    Mistake(
        _lstm(read=lambda x, t: x[t], steps=len),
        "`for … in x` goes through the sequences of the batch, which come first in (B, T, N). Which dimension is time?",
    ),
    Mistake(
        _lstm(_package_step, read=lambda x, t: x[t], steps=len),
        "The step is handed one sequence, (T, N), where it wants one step of all, (B, N). Which dimension is time?",
    ),
    Mistake(
        _lstm(steps=len),
        "Your loop makes B steps: `len(x)` and `x.shape[0]` count the sequences. Which size counts the steps?",
    ),
    Mistake(_lstm(read=lambda x, t: x[:, 0]), "Every step reads the first input. Which index has to move?"),
    Mistake(lambda x, *rest: _lstm()(x.flip(1), *rest), "The sequence is read from its end. Step 0 comes first."),
    *_detached_after_each_step(),
    Mistake(
        _outputs(lambda h, c: (torch.stack(h, dim=1).detach(), h[-1], c[-1])),
        "The values are right, but `hidden_seq` is made of detached states: a loss on them reaches no weight.",
    ),
    Mistake(
        _outputs(lambda h, c: (torch.stack([h[-1]] * len(h), dim=1), h[-1], c[-1])),
        "`hidden_seq` holds the last state T times: your list has one tensor T times, which is overwritten in place.",
    ),
    Mistake(
        _outputs(lambda h, c: (torch.stack(h), h[-1], c[-1])),
        "In `hidden_seq` time stands first, (T, B, H). The states are stacked along the wrong dimension.",
    ),
    Mistake(
        _outputs(lambda h, c: (torch.stack(h, dim=2), h[-1], c[-1])),
        "In `hidden_seq` time stands last, (B, H, T). The states are stacked along the wrong dimension.",
    ),
    Mistake(
        _outputs(lambda h, c: (torch.cat(h, dim=1), h[-1], c[-1])),
        "`hidden_seq` is one long row, (B, T·H). Time needs a dimension of its own.",
    ),
    Mistake(
        _outputs(lambda h, c: (torch.stack(c, dim=1), h[-1], c[-1])),
        "`hidden_seq` holds the memories. It is the hidden states that the next layer sees.",
    ),
    Mistake(
        _outputs(lambda h, c: (torch.stack(h, dim=1), h[-1][None], c[-1][None])),
        "`h_T` and `c_T` have a layer dimension, as PyTorch's h_n and c_n. Here they are (B, H).",
    ),
    Mistake(
        _outputs(lambda h, c: (torch.stack(h, dim=1), h[0], c[0])),
        "`h_T` and `c_T` come from the first step. They are what the last step leaves.",
    ),
    Mistake(
        _outputs(lambda h, c: (torch.stack(h, dim=1), h[-1], h[-1])), "`c_T` is the hidden state. The memory is wanted."
    ),
    Mistake(
        _outputs(lambda h, c: (torch.stack(h, dim=1), torch.stack(h, dim=1)[-1], c[-1])),
        "`h_T` is the last sequence of the batch: `[-1]` counts the batch, which comes first. Which dimension is time?",
    ),
    Mistake(
        lambda x, h_0, c_0, w: (_lstm()(x, h_0, c_0, w)[0], h_0, c_0),
        "`h_0` and `c_0` come back unchanged as the last states. Where do the new ones go?",
    ),
)


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
    Mistake(
        _copy("ifoc"),
        "The blocks are read in the order i, f, o, g. That is another library's order: look at PyTorch's.",
    ),
    Mistake(
        _copy("iofc"),
        "The blocks are read in the order i, o, f, g, as ONNX stores them. PyTorch's order is another.",
    ),
    Mistake(_copy("icfo"), "The blocks are read in the order i, g, f, o, as TensorFlow's old cell has them."),
    Mistake(_copy("fico"), "The first two blocks are swapped: which gate comes first?"),
    Mistake(_copy("oifc"), "The blocks are read in another order, o first. Look at PyTorch's."),
    *(
        Mistake(
            _copy(order), f"The blocks are read in the order {', '.join(order).replace('c', 'g')}. Look at PyTorch's."
        )
        for order in map("".join, itertools.permutations("ifco"))
        if order not in ("ifco", "ifoc", "iofc", "icfo", "fico", "oifc")
    ),
    Mistake(
        _copy(turn_h=lambda block: block),
        "The recurrent matrices are not transposed. They are square, so only the values tell.",
    ),
    Mistake(
        _copy(turn_x=lambda block: block),
        "The input matrices are not transposed: PyTorch has (H, N) where the equations have (N, H).",
    ),
    Mistake(
        _copy(turn_x=lambda block: block, turn_h=lambda block: block),
        "No matrix is transposed: PyTorch stores (H, N) where the equations have (N, H).",
    ),
    Mistake(
        _copy(turn_x=_reshape, turn_h=_reshape),
        "`reshape` or `view` keeps the numbers in their old order. Rows have to become columns.",
    ),
    Mistake(
        _copy(turn_x=_reshape),
        "`reshape` or `view` keeps the numbers of `weight_ih` in their old order. Rows have to become columns.",
    ),
    Mistake(_copy(bias=lambda ih, hh: ih), "The second bias is dropped: where does `bias_hh` go?"),
    Mistake(_copy(bias=lambda ih, hh: hh), "The first bias is dropped: where does `bias_ih` go?"),
    Mistake(
        _copy(bias=lambda ih, hh: (ih + hh) / 2),
        "The two biases are averaged. What do PyTorch's equations do with them?",
    ),
    Mistake(
        _copy(bias=lambda ih, hh: ih - hh), "The second bias is subtracted. Look at its sign in PyTorch's equations."
    ),
    Mistake(_copy(bias=torch.mul), "The two biases are multiplied. What do PyTorch's equations do with them?"),
    Mistake(_copy(bias=lambda ih, hh: 2 * ih), "`bias_ih` is added to itself: where does `bias_hh` go?"),
    Mistake(_copy(bias=lambda ih, hh: 0 * ih), "All biases are zero: where do `bias_ih` and `bias_hh` go?"),
    *(
        Mistake(_split_after_transposing(cut), f"{how}, and then the blocks are no longer rows. Where are they?")
        for cut, how in (
            (_quarters, "You transpose first and then cut rows"),
            (_four_quarters, "You transpose first, `chunk` then cuts rows"),
            (_slices, "You transpose first and then slice rows"),
        )
    ),
    Mistake(
        lambda ih, hh, b_ih, b_hh: {
            k: v.T if v.ndim == 2 else v for k, v in _every_fourth(ih, hh, b_ih + b_hh).items()
        },
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
        inputs=lambda draw: {
            "x_t": draw("B N"),
            "h_prev": draw("B H"),
            "c_prev": draw.unbounded("B H"),
            "weights": draw.weights(),
        },
        returns={"h_t": "B H", "c_t": "B H"},
        mistakes=LSTM_STEP_MISTAKES,
        hints=(
            "You have written every part. Now they stand in order: the gates and the candidate, the memory, the state.",
            'weights["W_xi"] is the matrix that reads x and makes i. Each gate takes three entries of weights.',
            "The new memory comes before the new state, because the state shows the new memory. "
            "The state is returned first.",
        ),
    ),
    Exercise(
        name="lstm",
        notebook="08_lstm_cell",
        minutes=8,
        difficulty=2,
        reference="layers.lstm",
        inputs=lambda draw: {
            "x": draw("B T N"),
            "h_0": draw("B H"),
            "c_0": draw.unbounded("B H"),
            "weights": draw.weights(),
        },
        returns={"hidden_seq": "B T H", "h_T": "B H", "c_T": "B H"},
        mistakes=LSTM_MISTAKES,
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
        inputs=lambda draw: {
            "weight_ih": draw.unbounded("4H N"),
            "weight_hh": draw.unbounded("4H H"),
            "bias_ih": draw.unbounded("4H"),
            "bias_hh": draw.unbounded("4H"),
        },
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
