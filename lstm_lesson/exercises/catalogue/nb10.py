"""The exercises of notebook 10: gates with peepholes."""

import torch
from torch import Tensor, sigmoid

from lstm_lesson.exercises.exercise import Exercise, Mistake
from lstm_lesson.shapes import check_shapes


def peephole_gate(x_t: Tensor, h_prev: Tensor, c_prev: Tensor, W_xf: Tensor, W_hf: Tensor, W_cf: Tensor, b_f: Tensor) -> Tensor:
    """The forget gate with a full peephole: equation 2 with its third term.

    x_t (B, N), h_prev, c_prev (B, H), W_xf (N, H), W_hf, W_cf (H, H), b_f (H,) -> f_t (B, H).
    Source: after Gers & Schmidhuber 2000, with a matrix in place of their one weight a unit.
    Raises ValueError naming the argument whose shape does not fit.
    """
    check_shapes(x_t=(x_t, "B N"), h_prev=(h_prev, "B H"), c_prev=(c_prev, "B H"), W_xf=(W_xf, "N H"),
                 W_hf=(W_hf, "H H"), W_cf=(W_cf, "H H"), b_f=(b_f, "H"))  # fmt: skip
    return torch.sigmoid(x_t @ W_xf + h_prev @ W_hf + c_prev @ W_cf + b_f)


def peephole_output_gate(x_t: Tensor, h_prev: Tensor, c_prev: Tensor, c_t: Tensor, W_xo: Tensor, W_ho: Tensor, W_co: Tensor, b_o: Tensor) -> Tensor:
    """The output gate with a diagonal peephole: equation 4 with its third term, which reads the new memory.

    x_t (B, N), h_prev, c_prev, c_t (B, H), W_xo (N, H), W_ho (H, H), W_co, b_o (H,) -> o_t (B, H).
    `c_prev` is at hand in every step, and this gate does not read it. Source: Gers & Schmidhuber 2000.
    Raises ValueError naming the argument whose shape does not fit.
    """
    check_shapes(x_t=(x_t, "B N"), h_prev=(h_prev, "B H"), c_prev=(c_prev, "B H"), c_t=(c_t, "B H"),
                 W_xo=(W_xo, "N H"), W_ho=(W_ho, "H H"), W_co=(W_co, "H"), b_o=(b_o, "H"))  # fmt: skip
    return torch.sigmoid(x_t @ W_xo + h_prev @ W_ho + c_t * W_co + b_o)


GATE_MISTAKES = (
    Mistake(lambda x, h, c, W, U, V, b: sigmoid(x @ W + c @ V + b), "The term with `h_prev` is gone. The peephole is a third term beside the other two, not in the place of one."),
    Mistake(lambda x, h, c, W, U, V, b: sigmoid(x @ W + c @ U + b), "The memory goes through `W_hf`, in the place of `h_prev`. It has a weight of its own, and h stays."),
    Mistake(lambda x, h, c, W, U, V, b: sigmoid(x @ W + h @ U + b), "That is the gate without its peephole: `c_prev` is not read."),
    Mistake(lambda x, h, c, W, U, V, b: sigmoid(x @ W + (h + c) @ U + b), "h and c are added and share `W_hf`. Each goes through a matrix of its own."),
    Mistake(lambda x, h, c, W, U, V, b: sigmoid(x @ W + h @ V + c @ U + b), "`h_prev` meets `W_cf`, and `c_prev` meets `W_hf`. A weight's first letter says what it reads."),
    Mistake(lambda x, h, c, W, U, V, b: sigmoid(x @ W + h @ U + torch.tanh(c) @ V + b), "The memory is squashed before the gate sees it. Through a peephole it is seen as it is."),
    Mistake(lambda x, h, c, W, U, V, b: sigmoid(x @ W + h @ U + c @ V.T + b), "`W_cf` is used transposed. It is square, so only the values tell."),
    Mistake(lambda x, h, c, W, U, V, b: sigmoid(x @ W + h @ U + c * V.diagonal() + b), "Only the diagonal of `W_cf` is used. Here the peephole is full: each gate sees every cell of the memory."),
    Mistake(lambda x, h, c, W, U, V, b: sigmoid(x @ W + h @ U + b) + c @ V, "The peephole is added outside the sigmoid. It belongs into the sum: look at your brackets."),
    Mistake(lambda x, h, c, W, U, V, b: sigmoid(x @ W + h @ U - c @ V + b), "The peephole is subtracted. Look at its sign."),
    Mistake(lambda x, h, c, W, U, V, b: sigmoid(x @ W + h @ U + c @ V), "The bias is missing: it looks as if `b_f` were zero."),
    Mistake(lambda x, h, c, W, U, V, b: x @ W + h @ U + c @ V + b, "That is the sum alone. Which function makes a gate of it?"),
    Mistake(lambda x, h, c, W, U, V, b: torch.tanh(x @ W + h @ U + c @ V + b), "That is a tanh, from −1 to 1. A gate is a valve between 0 (shut) and 1 (open)."),
    Mistake(lambda x, h, c, W, U, V, b: sigmoid(x @ W + h @ U + c.detach() @ V + b), "The values are right, but `c_prev` is detached: no gradient goes back to the memory through the peephole."),
)

OUTPUT_MISTAKES = (
    Mistake(lambda x, h, c, c_t, W, U, w, b: sigmoid(x @ W + h @ U + c * w + b), "Your gate looks at the old memory. When the output gate is asked, a newer one has just been made."),
    Mistake(lambda x, h, c, c_t, W, U, w, b: sigmoid(x @ W + h @ U + (c + c_t) * w + b), "Both memories are read. Which of the two is the newest there is at this moment of the step?"),
    Mistake(lambda x, h, c, c_t, W, U, w, b: sigmoid(x @ W + h @ U + b), "That is the gate without its peephole: no memory is read."),
    Mistake(lambda x, h, c, c_t, W, U, w, b: sigmoid(x @ W + c_t * w + b), "The term with `h_prev` is gone. The peephole stands beside it, not in its place."),
    Mistake(lambda x, h, c, c_t, W, U, w, b: sigmoid(x @ W + c_t @ U + b), "The memory goes through `W_ho`, in the place of `h_prev`. It has a weight of its own, and h stays."),
    Mistake(lambda x, h, c, c_t, W, U, w, b: sigmoid(x @ W + h @ U + torch.tanh(c_t) * w + b), "The memory is squashed before the gate sees it. Through a peephole it is seen as it is."),
    Mistake(lambda x, h, c, c_t, W, U, w, b: sigmoid(x @ W + h @ U + (c_t @ w)[:, None] + b), "`@` with a vector adds all cells up into one number. Each unit sees its own cell only."),
    Mistake(lambda x, h, c, c_t, W, U, w, b: sigmoid(x @ W + h @ U + c_t @ w + b), "`W_co` is a vector (H,), no matrix: `@` with it makes one number per sequence. Each unit sees its own cell."),
    Mistake(lambda x, h, c, c_t, W, U, w, b: sigmoid(x @ W + h @ U + c @ w + b), "`@` with the vector `W_co` makes one number per sequence, not one per unit. And that is the old memory."),
    Mistake(lambda x, h, c, c_t, W, U, w, b: sigmoid(x @ W + h @ U + b) + c_t * w, "The peephole is added outside the sigmoid. It belongs into the sum: look at your brackets."),
    Mistake(lambda x, h, c, c_t, W, U, w, b: sigmoid(x @ W + h @ U + b) * torch.tanh(c_t), "That is the hidden state, equation 5. Asked for is the gate, which reads the memory in its sum."),
    Mistake(lambda x, h, c, c_t, W, U, w, b: sigmoid(x @ W + h @ U + c_t + b), "The peephole's weight is missing: `W_co` says how much of its cell each unit sees."),
    Mistake(lambda x, h, c, c_t, W, U, w, b: sigmoid(x @ W + h @ U + c_t * w), "The bias is missing: it looks as if `b_o` were zero."),
    Mistake(lambda x, h, c, c_t, W, U, w, b: sigmoid(x @ W + h @ U + c_t.detach() * w + b), "The values are right, but `c_t` is detached: no gradient goes back to the memory through the peephole."),
)

EXERCISES = [
    Exercise(
        name="peephole_gate",
        notebook="10_peepholes",
        minutes=4,
        difficulty=1,
        reference="exercises.catalogue.nb10.peephole_gate",
        inputs=lambda draw: {"x_t": draw("B N"), "h_prev": draw("B H"), "c_prev": draw("B H"), "W_xf": draw("N H", 1), "W_hf": draw("H H", 1), "W_cf": draw("H H", 1), "b_f": draw("H")},
        returns={"f_t": "B H"},
        mistakes=GATE_MISTAKES,
        hints=(
            "Start from the forget gate of notebook 05. Nothing in it is taken away.",
            "The sum gets one more term, of the same form as the one with `h_prev`.",
            "The memory before this step goes through a matrix (H, H) of its own, and is added inside the sigmoid.",
        ),
    ),
    Exercise(
        name="peephole_output_gate",
        notebook="10_peepholes",
        minutes=5,
        difficulty=2,
        reference="exercises.catalogue.nb10.peephole_output_gate",
        inputs=lambda draw: {"x_t": draw("B N"), "h_prev": draw("B H"), "c_prev": draw("B H"), "c_t": draw("B H", 2 * draw.scale), "W_xo": draw("N H", 1), "W_ho": draw("H H", 1), "W_co": draw("H", 1), "b_o": draw("H")},
        returns={"o_t": "B H"},
        mistakes=OUTPUT_MISTAKES,
        hints=(
            "Start from the output gate of notebook 07 and add one term. Two memories are given; one of them is used.",
            "Think of the order within a step: what has been computed when the output gate's turn comes?",
            "The weight is a vector (H,): each unit multiplies its own cell by its own number, entry by entry.",
        ),
    ),
]
