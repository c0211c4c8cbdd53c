"""The package's own gates of notebook 10, and the mistakes of their exercises that are made by rule."""

from collections.abc import Iterator

import torch
from torch import Tensor

from lstm_lesson.exercises.catalogue.forward_steps import MADE, affine_edits
from lstm_lesson.exercises.model import Edit
from lstm_lesson.shapes import check_shapes


def peephole_gate(
    x_t: Tensor, h_prev: Tensor, c_prev: Tensor, W_xf: Tensor, W_hf: Tensor, W_cf: Tensor, b_f: Tensor
) -> Tensor:
    """The forget gate with a full peephole: equation 2 with its third term.

    x_t (B, N), h_prev, c_prev (B, H), W_xf (N, H), W_hf, W_cf (H, H), b_f (H,) -> f_t (B, H).
    Source: after Gers & Schmidhuber 2000, with a matrix in place of their one weight a unit.
    Raises ValueError naming the argument whose shape does not fit.
    """
    check_shapes(x_t=(x_t, "B N"), h_prev=(h_prev, "B H"), c_prev=(c_prev, "B H"), W_xf=(W_xf, "N H"),
                 W_hf=(W_hf, "H H"), W_cf=(W_cf, "H H"), b_f=(b_f, "H"))  # fmt: skip
    return torch.sigmoid(x_t @ W_xf + h_prev @ W_hf + c_prev @ W_cf + b_f)


def peephole_output_gate(
    x_t: Tensor, h_prev: Tensor, c_prev: Tensor, c_t: Tensor, W_xo: Tensor, W_ho: Tensor, W_co: Tensor, b_o: Tensor
) -> Tensor:
    """The output gate with a diagonal peephole: equation 4 with its third term, which reads the new memory.

    x_t (B, N), h_prev, c_prev, c_t (B, H), W_xo (N, H), W_ho (H, H), W_co, b_o (H,) -> o_t (B, H).
    `c_prev` is at hand in every step, and this gate does not read it. Source: Gers & Schmidhuber 2000.
    Raises ValueError naming the argument whose shape does not fit.
    """
    check_shapes(x_t=(x_t, "B N"), h_prev=(h_prev, "B H"), c_prev=(c_prev, "B H"), c_t=(c_t, "B H"),
                 W_xo=(W_xo, "N H"), W_ho=(W_ho, "H H"), W_co=(W_co, "H"), b_o=(b_o, "H"))  # fmt: skip
    return torch.sigmoid(x_t @ W_xo + h_prev @ W_ho + c_t * W_co + b_o)


def _of_the_gate(k: str) -> Iterator[Edit]:
    """The mistakes in gate k that are the same with a peephole in its sum as without one."""
    for edit in affine_edits(k):
        of_all_terms = f"z_{k}" in edit.changes.get(MADE[k], f"z_{k}") and f"z_{k}" not in edit.changes
        if of_all_terms and "both terms" not in edit.cause and " alone: " not in edit.cause:  # there are three terms
            yield edit


CODE = {"peephole_gate": {"edits": [*_of_the_gate("f")]}, "peephole_output_gate": {"edits": [*_of_the_gate("o")]}}
