"""The exercises of notebook 10: gates with peepholes."""

from collections.abc import Iterator

import torch
from torch import Tensor

from lstm_lesson.exercises.catalogue.affine import MADE, affine_edits, affine_lines, affine_words
from lstm_lesson.exercises.exercise import Exercise
from lstm_lesson.exercises.model import Edit
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


FULL_PEEPHOLE = (
    ("shared", {"h_f": "(h_prev + c_prev) @ W_hf", "c_f": "0.0"}, "h and c are added and share `W_hf`. Each goes through a matrix of its own."),
    ("crossed", {"h_f": "h_prev @ W_cf", "c_f": "c_prev @ W_hf"}, "`h_prev` meets `W_cf`, and `c_prev` meets `W_hf`. A weight's first letter says what it reads."),
    ("transposed", {"c_f": "c_prev @ W_cf.T"}, "`W_cf` is used transposed. It is square, so only the values tell."),
    ("diagonal", {"c_f": "c_prev * W_cf.diagonal()"}, "Only the diagonal of `W_cf` is used. Here the peephole is full: each gate sees every cell of the memory."),
)  # fmt: skip
DIAGONAL_PEEPHOLE = (
    ("old memory", {"c_o": "c_prev * W_co"}, "Your gate looks at the old memory. When the output gate is asked, a newer one has just been made."),
    ("both memories", {"c_o": "(c_prev + c_t) * W_co"}, "Both memories are read. Which of the two is the newest there is at this moment of the step?"),
    ("added up", {"c_o": "(c_t @ W_co)[:, None]"}, "`@` with a vector adds all cells up into one number. Each unit sees its own cell only."),
    ("@", {"c_o": "c_t @ W_co"}, "`W_co` is a vector (H,), no matrix: `@` with it makes one number per sequence. Each unit sees its own cell."),
    ("@ old memory", {"c_o": "c_prev @ W_co"}, "`@` with the vector `W_co` makes one number per sequence, not one per unit. And that is the old memory."),
    ("hidden state", {"o_t": "sigmoid(z_o) * tanh(c_t)"}, "That is the hidden state, equation 5. Asked for is the gate, which reads the memory in its sum."),
    ("no weight", {"c_o": "c_t"}, "The peephole's weight is missing: `W_co` says how much of its cell each unit sees."),
)  # fmt: skip


def _edits(k: str, c: str, product: str, own: tuple) -> Iterator[Edit]:
    """The mistakes of a peephole that reads c in gate k, then those of its gate that are the same without a peephole."""
    made, others = MADE[k], f"x_{k} + h_{k} + bias_{k}"
    for row in (
        *own,
        ("no h", {f"h_{k}": "0.0"}, "The term with `h_prev` is gone. The peephole is a third term beside the other two, not in the place of one."),
        ("in place of h", {f"h_{k}": f"{c} @ W_h{k}", f"c_{k}": "0.0"}, f"The memory goes through `W_h{k}`, in the place of `h_prev`. It has a weight of its own, and h stays."),
        ("no peephole", {f"c_{k}": "0.0"}, "That is the gate without its peephole: no memory is read."),
        ("squashed", {f"c_{k}": f"tanh({c}) {product} W_c{k}"}, "The memory is squashed before the gate sees it. Through a peephole it is seen as it is."),
        ("minus", {f"c_{k}": f"-({c} {product} W_c{k})"}, "The peephole is subtracted. Look at its sign."),
        ("outside", {made: f"sigmoid({others}) + c_{k}"}, "The peephole is added outside the sigmoid. It belongs into the sum: look at your brackets."),
        ("c detached", {f"c_{k}": f"{c}.detach() {product} W_c{k}"}, f"The values are right, but `{c}` is detached: no gradient goes back to the memory through the peephole."),
    ):  # fmt: skip
        yield Edit(*row)
    for edit in affine_edits(k):
        of_all_terms = f"z_{k}" in edit.changes.get(made, f"z_{k}") and f"z_{k}" not in edit.changes
        if of_all_terms and "both terms" not in edit.cause and " alone: " not in edit.cause:  # there are three terms
            yield edit


def _model(name: str, arguments: str, k: str, peephole: str) -> str:
    """The model answer of gate k, with a peephole as one more term of its sum."""
    lines = affine_lines(k).replace(f"z_{k} = ", f"c_{k} = {peephole}\n    z_{k} = c_{k} + ")
    return f"def {name}({arguments}):{lines}\n    return {MADE[k]}\n"


EXERCISES = [
    Exercise(
        name="peephole_gate",
        notebook="10_peepholes",
        minutes=4,
        difficulty=1,
        reference="exercises.catalogue.nb10.peephole_gate",
        inputs=lambda draw: {"x_t": draw("B N"), "h_prev": draw("B H"), "c_prev": draw("B H"), "W_xf": draw("N H", 1), "W_hf": draw("H H", 1), "W_cf": draw("H H", 1), "b_f": draw("H")},
        returns={"f_t": "B H"},
        model=_model("peephole_gate", "x_t, h_prev, c_prev, W_xf, W_hf, W_cf, b_f", "f", "c_prev @ W_cf"),
        edits=tuple(_edits("f", "c_prev", "@", FULL_PEEPHOLE)),
        words=affine_words("f") | {"c_f": "the peephole"},
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
        model=_model("peephole_output_gate", "x_t, h_prev, c_prev, c_t, W_xo, W_ho, W_co, b_o", "o", "c_t * W_co"),
        edits=tuple(_edits("o", "c_t", "*", DIAGONAL_PEEPHOLE)),
        words=affine_words("o") | {"c_o": "the peephole"},
        hints=(
            "Start from the output gate of notebook 07 and add one term. Two memories are given; one of them is used.",
            "Think of the order within a step: what has been computed when the output gate's turn comes?",
            "The weight is a vector (H,): each unit multiplies its own cell by its own number, entry by entry.",
        ),
    ),
]
