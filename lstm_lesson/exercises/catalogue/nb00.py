"""The exercise of notebook 00: the element-wise product."""

from torch import Tensor

from lstm_lesson.exercises.exercise import Exercise
from lstm_lesson.exercises.model import Edit


def hadamard(a: Tensor, b: Tensor) -> Tensor:
    """The element-wise product a ⊙ b: two tensors of the same shape in, one of that shape out."""
    return a * b


HADAMARD_MODEL = """def hadamard(a, b):
    product = a * b
    return product
"""
HADAMARD = (
    ("a @ b", {"product": "a @ b"}, "That is a matrix product, which mixes rows and columns. ⊙ stays at one place."),
    ("a @ b.T", {"product": "a @ b.T"}, "That is a matrix product with b transposed: each entry is a sum. ⊙ sums nothing."),
    ("a.T @ b", {"product": "a.T @ b"}, "That is a matrix product with a transposed: each entry is a sum. ⊙ sums nothing."),
    ("row sums", {"return": "product.sum(dim=1)"}, "That is summed over each row. ⊙ leaves the products where they are."),
    ("column sums", {"return": "product.sum(dim=0)"}, "That is summed over each column. ⊙ leaves the products where they are."),
    ("total", {"return": "product.sum()"}, "That is summed over everything. ⊙ leaves the products where they are."),
    ("sum", {"product": "a + b"}, "That is the sum. ⊙ is a product."),
    ("difference", {"product": "a - b"}, "That is the difference. ⊙ is a product."),
    ("quotient", {"product": "a / b"}, "That is the quotient. ⊙ is a product."),
    ("a added", {"return": "product + a"}, "`a` is added to the product. ⊙ is the product alone."),
    ("b added", {"return": "product + b"}, "`b` is added to the product. ⊙ is the product alone."),
    ("Kronecker", {"product": "torch.kron(a, b)"}, "The Kronecker product pairs everything with everything. ⊙ pairs same places."),
)  # fmt: skip


EXERCISES = [
    Exercise(
        name="hadamard",
        notebook="00_start_here",
        minutes=2,
        difficulty=1,
        reference="exercises.catalogue.nb00.hadamard",
        inputs=lambda draw: {"a": draw.unbounded("B H"), "b": draw.unbounded("B H")},
        returns={"a ⊙ b": "B H"},
        model=HADAMARD_MODEL,
        edits=tuple(Edit(*row) for row in HADAMARD),
        words={"product": "the product"},
        hints=(
            "⊙ pairs each entry of a with the entry of b at the same place. Nothing is summed.",
            "Two (B, H) tensors go in and one (B, H) tensor comes out, so it is not a matrix product.",
            "Python has one operator that torch applies entry by entry to two tensors of the same shape.",
        ),
    )
]
