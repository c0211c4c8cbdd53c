"""The package's own function of notebook 00."""

from torch import Tensor


def hadamard(a: Tensor, b: Tensor) -> Tensor:
    """The element-wise product a ⊙ b: two tensors of the same shape in, one of that shape out."""
    return a * b
