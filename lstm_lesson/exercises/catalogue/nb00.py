"""The exercise of notebook 00: the element-wise product."""

import torch
from torch import Tensor

from lstm_lesson.exercises.exercise import Exercise, Mistake


def hadamard(a: Tensor, b: Tensor) -> Tensor:
    """The element-wise product a ⊙ b: two tensors of the same shape in, one of that shape out."""
    return a * b


HADAMARD_MISTAKES = (
    Mistake(lambda a, b: a @ b, "That is a matrix product, which mixes rows and columns. ⊙ stays at one place."),
    Mistake(lambda a, b: a @ b.T, "That is a matrix product with b transposed: each entry is a sum. ⊙ sums nothing."),
    Mistake(lambda a, b: a.T @ b, "That is a matrix product with a transposed: each entry is a sum. ⊙ sums nothing."),
    Mistake(lambda a, b: (a * b).sum(dim=1), "That is summed over each row. ⊙ leaves the products where they are."),
    Mistake(lambda a, b: (a * b).sum(), "That is summed over everything. ⊙ leaves the products where they are."),
    Mistake(lambda a, b: a + b, "That is the sum. ⊙ is a product."),
    Mistake(lambda a, b: a - b, "That is the difference. ⊙ is a product."),
    Mistake(lambda a, b: a / b, "That is the quotient. ⊙ is a product."),
    Mistake(lambda a, b: a * a, "a is multiplied by itself. Where does b come in?"),
    Mistake(lambda a, b: torch.kron(a, b), "The Kronecker product pairs everything with everything. ⊙ pairs same places."),
)


EXERCISES = [
    Exercise(
        name="hadamard",
        notebook="00_start_here",
        minutes=2,
        difficulty=1,
        reference="exercises.catalogue.nb00.hadamard",
        inputs=lambda draw: {"a": draw.unbounded("B H"), "b": draw.unbounded("B H")},
        returns={"a ⊙ b": "B H"},
        mistakes=HADAMARD_MISTAKES,
        hints=(
            "⊙ pairs each entry of a with the entry of b at the same place. Nothing is summed.",
            "Two (B, H) tensors go in and one (B, H) tensor comes out, so it is not a matrix product.",
            "Python has one operator that torch applies entry by entry to two tensors of the same shape.",
        ),
    )
]
