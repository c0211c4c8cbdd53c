"""The exercises of notebook 08: one step of the cell, the whole sequence, and PyTorch's weights."""

from collections.abc import Callable

import torch
from torch import sigmoid, tanh

from lstm_lesson.catalogue import Exercise, Mistake


def _weights(d):
    shapes = {"W_x": "N H", "W_h": "H H", "b_": "H"}
    return {f"{name}{k}": d(shape, 0.7) for k in "ifco" for name, shape in shapes.items()}


def _affine(k, x, h, w):
    return x @ w[f"W_x{k}"] + h @ w[f"W_h{k}"] + w[f"b_{k}"]


def _memory(i, f, g, c):
    return f * c + i * g


def _state(o, c_t, c_prev):
    return o * tanh(c_t)


def _odd(affine=_affine, gate=sigmoid, squash=tanh, memory=_memory, state=_state) -> Callable:
    """One LSTM step in which something is odd: the sums, the gates' function, the candidate's, equation 3 or 5."""

    def step(x, h, c, w):
        i, f, o = (gate(affine(k, x, h, w)) for k in "ifo")
        c_t = memory(i, f, squash(affine("c", x, h, w)), c)
        return state(o, c_t, c), c_t

    return step


def _renamed(**names) -> Callable:
    """A step whose gates read another gate's weights."""
    return _odd(affine=lambda k, x, h, w: _affine(names.get(k, k), x, h, w))


# What goes wrong within a step: for `lstm_step` as it is, for `lstm` at every step of the sequence.
STEPS = (
    (
        _odd(memory=lambda i, f, g, c: i * c + f * g),
        "i and f are swapped in the memory, or read each other's weights. Which gate keeps, which lets in?",
    ),
    (
        _odd(memory=lambda i, f, g, c: f * c + f * g),
        "The forget gate stands in both terms of the memory, or the input gate reads its weights. Each has its own.",
    ),
    (
        _odd(memory=lambda i, f, g, c: i * c + i * g),
        "The input gate stands in both terms of the memory, or the forget gate reads its weights. Each has its own.",
    ),
    (_odd(squash=sigmoid), "A sigmoid stands on the candidate: it could only ever add to the memory, never subtract."),
    (_odd(gate=tanh), "tanh stands on the gates. A gate is a valve between 0 and 1."),
    (_odd(squash=lambda z: z), "The candidate is not squashed: look at the function around its sum."),
    (_odd(gate=lambda z: z), "The gates are bare sums: look at the function around them."),
    (
        _odd(state=lambda o, c_t, c: o * c_t),
        "The tanh on `c_t` is missing in equation 5: the memory is shown as it is.",
    ),
    (
        _odd(memory=lambda i, f, g, c: (1 - f) * c + i * g),
        "1 − f stands in place of f: the memory keeps what it should forget.",
    ),
    (
        _odd(memory=lambda i, f, g, c: i * g),
        "The old memory is dropped: your cell is overwritten at every step.",
    ),
    (_odd(memory=lambda i, f, g, c: f * c), "Nothing new enters the memory: equation 3 has two terms."),
    (_odd(memory=lambda i, f, g, c: f * c + g), "The input gate is left out: the candidate comes in whole."),
    (_odd(memory=lambda i, f, g, c: c + i * g), "The forget gate is left out: the old memory stays whole."),
    (
        _odd(memory=lambda i, f, g, c: f * c + (1 - f) * g),
        "The gates are coupled, 1 − f in place of i. Here the input gate has weights of its own.",
    ),
    (
        _odd(memory=lambda i, f, g, c: tanh(f * c + i * g)),
        "The memory itself is squashed. It is not bounded; the tanh of equation 5 comes on the way out.",
    ),
    (_odd(state=lambda o, c_t, c: tanh(c_t)), "The output gate is left out: the whole memory is shown."),
    (_odd(state=lambda o, c_t, c: tanh(o * c_t)), "In equation 5 the output gate stands inside the tanh."),
    (
        _odd(state=lambda o, c_t, c: o * tanh(c)),
        "Equation 5 reads the old memory. The state shows the memory of this step.",
    ),
    (_odd(state=lambda o, c_t, c: o * sigmoid(c_t)), "A sigmoid stands on `c_t` in equation 5: look at the function."),
    (
        _odd(affine=lambda k, x, h, w: x @ w[f"W_x{k}"] + h @ w[f"W_h{k}"]),
        "The biases are missing: it looks as if all of them were zero.",
    ),
    (
        _odd(affine=lambda k, x, h, w: x @ w[f"W_x{k}"] + h @ w[f"W_h{k}"].T + w[f"b_{k}"]),
        "The recurrent weights `W_h·` are used transposed. They are square, so only the values tell.",
    ),
    (
        _odd(affine=lambda k, x, h, w: x @ w[f"W_x{k}"].T + h @ w[f"W_h{k}"] + w[f"b_{k}"]),
        "The input weights `W_x·` are used transposed: their rows belong to the inputs.",
    ),
    (
        _odd(affine=lambda k, x, h, w: x @ w[f"W_x{k}"].T + h @ w[f"W_h{k}"].T + w[f"b_{k}"]),
        "All matrices are used transposed. Row vectors stand on the left of a matrix as it is.",
    ),
    (
        _odd(affine=lambda k, x, h, w: x @ w[f"W_h{k}"] + h @ w[f"W_x{k}"] + w[f"b_{k}"]),
        "x meets the `W_h·`, and h the `W_x·`. A weight's first letter says what it reads.",
    ),
    (
        _odd(affine=lambda k, x, h, w: x * w[f"W_x{k}"] + h * w[f"W_h{k}"] + w[f"b_{k}"]),
        "`*` multiplies entry by entry, and runs here only by luck. A vector goes through a matrix with another sign.",
    ),
    (
        _odd(affine=lambda k, x, h, w: x @ w[f"W_x{k}"] + w[f"b_{k}"]),
        "Nothing reads the old state: the `W_h·` have no effect.",
    ),
    (
        _odd(affine=lambda k, x, h, w: h @ w[f"W_h{k}"] + w[f"b_{k}"]),
        "Nothing reads the input: the `W_x·` have no effect.",
    ),
    (
        _renamed(o="c", c="o"),
        "The output gate and the candidate read each other's weights. A weight's second letter says what it makes.",
    ),
    (_renamed(o="i"), "The output gate reads the input gate's weights. A weight's second letter says what it makes."),
    (_renamed(o="f"), "The output gate reads the forget gate's weights. A weight's second letter says what it makes."),
    (_renamed(c="i"), "The candidate reads the input gate's weights. Its own end in c."),
    (
        _odd(affine=lambda k, x, h, w: _affine(k, x, h.detach(), w)),
        "The values are right, but h is detached at every step: no gradient travels back through it.",
    ),
    (
        _odd(memory=lambda i, f, g, c: f * c.detach() + i * g),
        "The values are right, but c is detached at every step: the memory's way back for gradients is cut.",
    ),
    (
        lambda x, h, c, w: _odd()(x, h.detach(), c.detach(), w),
        "The values are right, but h and c are both detached at every step: no gradient travels back in time.",
    ),
    (
        lambda x, h, c, w: tuple(value.detach() for value in _odd()(x, h, c, w)),
        "The values are right, but the step's results are cut from the graph: nothing could be learned.",
    ),
)


def _run(step, x, h, c, w, carry=lambda old, new: new, read=lambda x, t: x[:, t]):
    """A step along a sequence; `carry` says what the next step starts from, given the first and the new state."""
    first, h_all, c_all = (h, c), [], []
    for t in range(x.shape[1]):
        h_new, c_new = step(read(x, t), h, c, w)
        h_all.append(h_new)
        c_all.append(c_new)
        h, c = carry(first, (h_new, c_new))
    return h_all, c_all


def _along(step=None, carry=lambda old, new: new, read=lambda x, t: x[:, t]) -> Callable:
    def answer(x, h_0, c_0, w):
        h_all, c_all = _run(step or _odd(), x, h_0, c_0, w, carry, read)
        return torch.stack(h_all, dim=1), h_all[-1], c_all[-1]

    return answer


def _after(change) -> Callable:
    """A right run whose states are put together by `change(h_all, c_all)`."""
    return lambda x, h_0, c_0, w: change(*_run(_odd(), x, h_0, c_0, w))


LSTM_STEP_MISTAKES = (
    *(Mistake(step, cause) for step, cause in STEPS),
    Mistake(
        lambda x, h, c, w: (_odd()(x, h, c, w)[0], c),
        "The old memory comes back, not the new one. Look at your `return`.",
    ),
    Mistake(
        lambda x, h, c, w: (h, _odd()(x, h, c, w)[1]),
        "The old state comes back, not the new one. Look at your `return`.",
    ),
    Mistake(
        lambda x, h, c, w: (_odd()(x, h, c, w)[1],) * 2,
        "The memory comes back twice. The state is what the gate lets out.",
    ),
    Mistake(
        lambda x, h, c, w: (_odd()(x, h, c, w)[0],) * 2,
        "The state comes back twice. The memory goes on without the gate.",
    ),
)

LSTM_MISTAKES = (
    *(Mistake(_along(step), cause) for step, cause in STEPS),
    Mistake(
        _along(carry=lambda old, new: (old[0], new[1])),
        "h is not carried: every step starts from `h_0` again. Two things travel from step to step.",
    ),
    Mistake(
        _along(carry=lambda old, new: (new[0], old[1])),
        "c is not carried: every step starts from `c_0` again. Two things travel from step to step.",
    ),
    Mistake(
        _along(carry=lambda old, new: old),
        "Neither h nor c is carried: every step starts from `h_0` and `c_0`. What does the next step begin with?",
    ),
    Mistake(
        lambda x, h_0, c_0, w: _along(carry=lambda old, new: old)(x, 0 * h_0, 0 * c_0, w),
        "The state is set to zero for every step. It is made once, before the loop.",
    ),
    Mistake(
        lambda x, h_0, c_0, w: _along()(x, 0 * h_0, 0 * c_0, w),
        "The first step starts from zeros. The states before the first step are arguments: `h_0` and `c_0`.",
    ),
    Mistake(
        lambda x, h_0, c_0, w: _along()(x, 0 * h_0, c_0, w),
        "`h_0` has no effect: the first step starts from zeros in h.",
    ),
    Mistake(
        lambda x, h_0, c_0, w: _along()(x, h_0, 0 * c_0, w),
        "`c_0` has no effect: the first step starts from zeros in c.",
    ),
    Mistake(
        lambda x, h_0, c_0, w: _along()(x, torch.nn.Parameter(h_0), torch.nn.Parameter(c_0), w),
        "The values are right, but `h_0` and `c_0` are cut off or made Parameters of their own.",
    ),
    Mistake(
        _along(carry=lambda old, new: new[::-1]),
        "h and c change places from one step to the next: look at their order.",
    ),
    Mistake(lambda x, h_0, c_0, w: _along()(x, c_0, h_0, w), "`h_0` and `c_0` have changed places at the start."),
    Mistake(
        _along(read=lambda x, t: x[t]),
        "`x[t]` is sequence t of the batch, not step t. The batch comes first: which dimension is time?",
    ),
    Mistake(_along(read=lambda x, t: x[:, 0]), "Every step reads the first input. Which index has to move?"),
    Mistake(lambda x, *rest: _along()(x.flip(1), *rest), "The sequence is read from its end. Step 0 comes first."),
    Mistake(
        _after(lambda h, c: (torch.stack(h), h[-1], c[-1])),
        "In `hidden_seq` time stands first, (T, B, H). The states are stacked along the wrong dimension.",
    ),
    Mistake(
        _after(lambda h, c: (torch.stack(h, dim=2), h[-1], c[-1])),
        "In `hidden_seq` time stands last, (B, H, T). The states are stacked along the wrong dimension.",
    ),
    Mistake(
        _after(lambda h, c: (torch.cat(h, dim=1), h[-1], c[-1])),
        "`hidden_seq` is one long row, (B, T·H). Time needs a dimension of its own: stack, not cat.",
    ),
    Mistake(
        _after(lambda h, c: (torch.stack(c, dim=1), h[-1], c[-1])),
        "`hidden_seq` holds the memories. It is the hidden states that the next layer sees.",
    ),
    Mistake(
        _after(lambda h, c: (torch.stack(h, dim=1), h[-1][None], c[-1][None])),
        "`h_T` and `c_T` have a layer dimension, as PyTorch's h_n and c_n. Here they are (B, H).",
    ),
    Mistake(
        _after(lambda h, c: (torch.stack(h, dim=1), h[0], c[0])),
        "`h_T` and `c_T` come from the first step. They are what the last step leaves.",
    ),
    Mistake(
        _after(lambda h, c: (torch.stack(h, dim=1), h[-1], h[-1])), "`c_T` is the hidden state. The memory is wanted."
    ),
    Mistake(
        _after(lambda h, c: (torch.stack(h, dim=1), torch.stack(h, dim=1)[-1], c[-1])),
        "`h_T` is the last sequence of the batch: `[-1]` counts the batch, which comes first. Which dimension is time?",
    ),
    Mistake(
        lambda x, h_0, c_0, w: (_along()(x, h_0, c_0, w)[0], h_0, c_0),
        "`h_0` and `c_0` come back unchanged as the last states. Where do the new ones go?",
    ),
)


def _copied(order="ifco", turn_x=torch.t, turn_h=torch.t, bias=torch.add) -> Callable:
    """PyTorch's weights under the equations' names, with something odd about the copying."""

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


def _reshaped(block):
    return block.reshape(block.shape[::-1])


FROM_TORCH_WEIGHTS_MISTAKES = (
    Mistake(
        _copied("ifoc"),
        "The blocks are read in the order i, f, o, g. That is another library's order: look at PyTorch's.",
    ),
    Mistake(
        _copied("iofc"),
        "The blocks are read in the order i, o, f, g, as ONNX stores them. PyTorch's order is another.",
    ),
    Mistake(_copied("icfo"), "The blocks are read in the order i, g, f, o, as TensorFlow's old cell has them."),
    Mistake(_copied("fico"), "The first two blocks are swapped: which gate comes first?"),
    Mistake(_copied("oifc"), "The blocks are read in another order, o first. Look at PyTorch's."),
    Mistake(
        _copied(turn_h=lambda block: block),
        "The recurrent matrices are not transposed. They are square, so only the values tell.",
    ),
    Mistake(
        _copied(turn_x=lambda block: block),
        "The input matrices are not transposed: PyTorch has (H, N) where the equations have (N, H).",
    ),
    Mistake(
        _copied(turn_x=lambda block: block, turn_h=lambda block: block),
        "No matrix is transposed: PyTorch stores (H, N) where the equations have (N, H).",
    ),
    Mistake(
        _copied(turn_x=_reshaped, turn_h=_reshaped),
        "`reshape` or `view` keeps the numbers in their old order. Rows have to become columns.",
    ),
    Mistake(
        _copied(turn_x=_reshaped),
        "`reshape` or `view` keeps the numbers of `weight_ih` in their old order. Rows have to become columns.",
    ),
    Mistake(_copied(bias=lambda ih, hh: ih), "The second bias is dropped: where does `bias_hh` go?"),
    Mistake(_copied(bias=lambda ih, hh: hh), "The first bias is dropped: where does `bias_ih` go?"),
    Mistake(
        _copied(bias=lambda ih, hh: (ih + hh) / 2),
        "The two biases are averaged. In PyTorch's equations, both are added.",
    ),
    Mistake(
        _copied(bias=lambda ih, hh: ih - hh), "The second bias is subtracted. In PyTorch's equations, both are added."
    ),
    Mistake(_copied(bias=torch.mul), "The two biases are multiplied. In PyTorch's equations, both are added."),
    Mistake(_copied(bias=lambda ih, hh: 2 * ih), "`bias_ih` is added to itself: where does `bias_hh` go?"),
    Mistake(_copied(bias=lambda ih, hh: 0 * ih), "All biases are zero: where do `bias_ih` and `bias_hh` go?"),
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
        inputs=lambda d: {"x_t": d("B N"), "h_prev": d("B H"), "c_prev": d("B H"), "weights": _weights(d)},
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
        inputs=lambda d: {"x": d("B T N"), "h_0": d("B H"), "c_0": d("B H"), "weights": _weights(d)},
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
        inputs=lambda d: {"weight_ih": d("4H N"), "weight_hh": d("4H H"), "bias_ih": d("4H"), "bias_hh": d("4H")},
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
