"""The package's answers to exercises that no other part uses. A ValueError names the argument that does not fit."""

import torch
from torch import Tensor

from lstm_lesson.shapes import Shape, checked


def hadamard(a: Tensor, b: Tensor) -> Tensor:
    """The element-wise product a ⊙ b: two tensors of the same shape in, one of that shape out."""
    return a * b


@checked
def peephole_gate(x_t: Shape["B N"], h_prev: Shape["B H"], c_prev: Shape["B H"], W_xf: Shape["N H"],
                  W_hf: Shape["H H"], W_cf: Shape["H H"], b_f: Shape["H"]) -> Shape["B H"]:  # fmt: skip
    """The forget gate with a full peephole: equation 2 with its third term.

    Source: after Gers & Schmidhuber 2000, with a matrix in place of their one weight a unit.
    """
    return torch.sigmoid(x_t @ W_xf + h_prev @ W_hf + c_prev @ W_cf + b_f)


@checked
def peephole_output_gate(x_t: Shape["B N"], h_prev: Shape["B H"], c_prev: Shape["B H"], c_t: Shape["B H"],
                         W_xo: Shape["N H"], W_ho: Shape["H H"], W_co: Shape["H"],
                         b_o: Shape["H"]) -> Shape["B H"]:  # fmt: skip
    """The output gate with a diagonal peephole: equation 4 with its third term, which reads the new memory.

    `c_prev` is at hand in every step, and this gate does not read it. Source: Gers & Schmidhuber 2000.
    """
    return torch.sigmoid(x_t @ W_xo + h_prev @ W_ho + c_t * W_co + b_o)
