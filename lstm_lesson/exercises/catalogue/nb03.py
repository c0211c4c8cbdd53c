"""The exercises of notebook 03: the spectral radius, and clipping by the joint norm."""

from lstm_lesson.exercises.exercise import Exercise
from lstm_lesson.exercises.model import Edit


def _clip_inputs(draw):
    shapes = ("N H", "H H", "H", "N", "H N")[: (3, 2, 5)[draw.index % 3]]
    grads = [draw.unbounded(shape) for shape in shapes]
    draw.letters_used.clear()  # the stub names no sizes
    norm = sum(float((g.double() ** 2).sum()) for g in grads) ** 0.5
    return {"grads": grads, "max_norm": norm * (0.1, 1.2, 0.4, 3.0, 1.0001, 0.9)[draw.index % 6]}


SPECTRAL_RADIUS_MODEL = """def spectral_radius(W):
    eigenvalues = torch.linalg.eigvals(W)
    sizes = eigenvalues.abs()
    radius = sizes.max()
    return radius
"""
SINGULAR = "torch.linalg.svdvals(W)"
DECIDES = "In the long run the largest one decides."
REACH = "The spectral radius is about its eigenvalues."
SPECTRAL_RADIUS = (
    ("singular, largest", {"radius": f"{SINGULAR}.max()"}, "That is the largest singular value: how much one multiplication can stretch. Over many, eigenvalues decide."),
    ("singular", {"eigenvalues": SINGULAR}, "Singular values say how much one multiplication can stretch. Over many, eigenvalues decide."),
    ("W.T @ W", {"eigenvalues": "torch.linalg.eigvals(W.T @ W)"}, "The eigenvalues of `W.T @ W` are the squares of W's singular values. Take the eigenvalues of W itself."),
    ("real part, largest", {"radius": "eigenvalues.real.max()"}, "That is the largest real part. Eigenvalues may be negative or complex: it is their size that counts."),
    ("real parts", {"sizes": "eigenvalues.real"}, "Only the real parts are taken. Eigenvalues may be negative or complex: it is their size that counts."),
    ("real parts, signs lost", {"sizes": "eigenvalues.real.abs()"}, "The imaginary parts are dropped. How large is a complex number?"),
    ("imaginary parts", {"sizes": "eigenvalues.imag.abs()"}, "Those are the imaginary parts alone. How large is a complex number?"),
    ("eigvalsh", {"eigenvalues": "torch.linalg.eigvalsh(W)"}, "`eigvalsh` and `eigh` take W to be symmetric and read half of it. This W is any square matrix."),
    ("eigvalsh, signs", {"sizes": "torch.linalg.eigvalsh(W)"}, "`eigvalsh` and `eigh` take W to be symmetric and read half of it. This W is any square matrix. And the signs of eigenvalues do not count."),
    ("eigenvectors", {"eigenvalues": "torch.linalg.eig(W)[1]"}, "`eig` returns the eigenvalues first, then the eigenvectors. You take the eigenvectors."),
    ("complex", {"sizes": "eigenvalues"}, "Eigenvalues may be complex, and complex numbers have no order. What of them can be compared?"),
    ("complex, Python's max", {"radius": "max(eigenvalues)"}, "Eigenvalues may be complex, and Python's `max` cannot order them. What of them can be compared?"),
    ("both of eig", {"sizes": "torch.linalg.eig(W).abs()"}, "`eig` returns two things, the eigenvalues and the eigenvectors."),
    ("smallest", {"radius": "sizes.min()"}, f"That is the smallest. {DECIDES}"),
    ("mean", {"radius": "sizes.mean()"}, f"That is a mean. {DECIDES}"),
    ("sum", {"radius": "sizes.sum()"}, f"That is the sum. {DECIDES}"),
    ("all", {"radius": "sizes"}, "Those are all of them. Which one decides in the long run?"),
    ("first", {"radius": "sizes[0]"}, "The first in the list need not be the largest: they come in no fixed order."),
    ("squares", {"sizes": "eigenvalues.abs() ** 2"}, "That is the square: for the eigenvalue 3 you get 9."),
    ("Frobenius", {"radius": "torch.linalg.norm(W)"}, "That is the Frobenius norm, over all entries. The spectral radius is about eigenvalues."),
    ("entries", {"sizes": "W.abs()"}, f"You go by the entries of W. {REACH}"),
    ("entries, with signs", {"sizes": "W"}, f"You go by the entries of W, signs and all. {REACH}"),
    ("row sum", {"radius": "W.abs().sum(dim=1).max()"}, "That is the largest row sum. The spectral radius is about eigenvalues."),
    ("diagonal", {"sizes": "W.diagonal().abs()"}, "The diagonal holds the eigenvalues of a triangular matrix only."),
    ("determinant", {"radius": "torch.linalg.det(W).abs()"}, "That is the determinant, the product of all eigenvalues."),
    ("trace", {"radius": "W.trace()"}, "That is the trace, the sum of all eigenvalues."),
)  # fmt: skip

CLIP_MODEL = """def clip_by_norm(grads, max_norm):
    squares = [(g**2).sum() for g in grads]
    total = sum(squares)
    norm = total**0.5
    norms = [norm for g in grads]
    too_long = [n > max_norm for n in norms]
    factors = [max_norm / n for n in norms]
    others = [1.0 for n in norms]
    scales = [factor if long else other for factor, other, long in zip(factors, others, too_long)]
    clipped = [g * scale for g, scale in zip(grads, scales)]
    return clipped
"""
CLIP_WORDS = {
    "squares": "the sums of squares", "total": "the sum over all tensors", "norm": "the joint norm", "norms": "the norm", "too_long": "the comparison",
    "factors": "the factor above the limit", "others": "the factor below the limit", "scales": "the factor", "clipped": "the result", "g": "a gradient", "n": "the norm",
    "factor": "the factor above the limit", "other": "the factor below the limit", "long": "the comparison", "scale": "the factor",
}  # fmt: skip
APART = "The squares of different tensors are added entry by entry, and their shapes differ. What does each tensor add to the norm?"
CLIP = (
    ("own norms", {"norms": "[(g**2).sum() ** 0.5 for g in grads]"}, "Each tensor is clipped by its own norm, which turns the direction. Whose norm is it that has a limit?"),
    ("by value", {"clipped": "[g.clamp(-max_norm, max_norm) for g in grads]"}, "That is clipping by value, entry by entry, which turns the direction. Clip the length of the whole."),
    ("always", {"too_long": "[True for n in norms]"}, "Small gradients are scaled, too. Where the joint norm is below the limit, nothing changes."),
    ("never", {"too_long": "[False for n in norms]"}, "Nothing is clipped: the joint norm of your result is above the limit."),
    ("always 1", {"too_long": "[True for n in norms]", "factors": "[1 / n for n in norms]"}, "You divide by the norm, always. Where does `max_norm` come in, and when is nothing to be done?"),
    ("1 above", {"factors": "[1 / n for n in norms]"}, "What is clipped ends with norm 1. Where does `max_norm` come in?"),
    ("sum of norms", {"norm": "sum(square**0.5 for square in squares)"}, "The norms are added. Lengths add up as squares do: think of all entries as one long vector."),
    ("no root", {"norm": "total"}, "The square root is missing: the entries 3 and 4 have squares that add up to 25, and the length 5."),
    ("largest norm", {"norm": "max(squares) ** 0.5"}, "That is the largest of the norms, not the joint one."),
    ("largest entry", {"norm": "max(g.abs().max() for g in grads)"}, "That is the largest entry. The 2-norm takes in all entries."),
    ("1-norm", {"norm": "sum(g.abs().sum() for g in grads)"}, "That is the 1-norm, a sum of absolute values. The 2-norm is made of squares."),
    ("sum of entries", {"norm": "sum(g.sum() for g in grads)"}, "The entries are added without squares, so that they cancel. The 2-norm is made of squares."),
    ("first norm", {"total": "squares[0]"}, "Only the first tensor's norm is taken: join them all."),
    ("last norm", {"total": "squares[-1]"}, "Only the last tensor's norm is taken: join them all."),
    ("mean of norms", {"norm": "sum(square**0.5 for square in squares) / len(squares)"}, "That is the mean of the norms, not the joint one."),
    ("squares averaged", {"squares": "[(g**2).mean() for g in grads]"}, "The squares are averaged within each tensor. The norm sums them."),
    ("upside down", {"factors": "[n / max_norm for n in norms]"}, "The factor stands upside down: what is divided by what?"),
    ("cat", {"norm": "torch.cat(grads).norm()"}, "`cat` joins tensors that differ in one dimension at most, and these are matrices and vectors. As which shape do all of them fit one behind the other?"),
    ("cat alone", {"return": "torch.cat(grads).norm()"}, "`cat` joins tensors that differ in one dimension at most, and these are matrices and vectors. As which shape do all of them fit one behind the other?"),
    ("stack", {"norm": "torch.stack(grads).norm()"}, "`stack` needs equal shapes, and each tensor has its own. The norm is about their entries, whatever the shape."),
    ("stack alone", {"return": "torch.stack(grads)"}, "`stack` needs equal shapes, and each tensor has its own. The norm is about their entries, whatever the shape."),
    ("entries added", {"total": "sum(g**2 for g in grads)"}, APART),
    ("entries added, clamped", {"scales": "[(max_norm / sum(g**2 for g in grads) ** 0.5).clamp(max=1) for g in grads]"}, APART),
    ("list.norm", {"total": "grads.norm()"}, "`grads` is a list, and a list has no norm. The norm is taken over its tensors."),
    ("norm of a list", {"total": "torch.linalg.norm(grads)"}, "`grads` is a list, and `torch.linalg.norm` takes one tensor. What is the norm of several together?"),
    ("wrong way round", {"too_long": "[n < max_norm for n in norms]"}, "The comparison stands the wrong way round: you scale the small and leave the large."),
    ("thrown away", {"factors": "[0.0 for n in norms]"}, "Large gradients are thrown away. Clipping keeps their direction and shortens them."),
    ("times max_norm", {"scales": "[max_norm for n in norms]"}, "Everything is multiplied by `max_norm`, whatever the joint norm is."),
    ("by max_norm", {"scales": "[1 / max_norm for n in norms]"}, "Everything is divided by `max_norm`, whatever the joint norm is."),
    ("times max_norm above", {"factors": "[max_norm for n in norms]"}, "What is too long is multiplied by `max_norm`. Its norm is then not `max_norm`: what is missing from the factor?"),
    ("by max_norm above", {"factors": "[1 / max_norm for n in norms]"}, "What is too long is divided by `max_norm`. Its norm is then not `max_norm`: what is missing from the factor?"),
    ("minus", {"factors": "[-max_norm / n for n in norms]"}, "What is clipped points the other way. Clipping keeps the direction."),
    ("subtracted", {"clipped": "[g - max_norm if long else g for g, long in zip(grads, too_long)]"}, "`max_norm` is subtracted. One factor for all of them keeps the direction."),
    ("all minus", {"clipped": "[-g * scale for g, scale in zip(grads, scales)]"}, "All signs are turned: descent comes later, in the update. Clipping keeps the direction."),
    ("constant", {"clipped": "[torch.full_like(g, max_norm) if long else g for g, long in zip(grads, too_long)]"}, "Each entry becomes `max_norm`, which turns the direction. Clip the length of the whole."),
    ("signs", {"clipped": "[g.sign() * max_norm if long else g for g, long in zip(grads, too_long)]"}, "Each entry becomes `max_norm` with its sign, which turns the direction. Clip the length of the whole."),
    ("one tensor", {"return": "clipped[0]"}, "Only the first tensor comes back. In which line does the loop end, and where does `return` stand?"),
)  # fmt: skip


EXERCISES = [
    Exercise(
        name="spectral_radius",
        notebook="03_vanishing_gradients",
        minutes=4,
        difficulty=2,
        reference="gradients.spectral_radius",
        inputs=lambda draw: {"W": draw.unbounded("H H")},
        returns={"radius": ""},
        gradient=False,
        model=SPECTRAL_RADIUS_MODEL,
        edits=tuple(Edit(*row) for row in SPECTRAL_RADIUS),
        words={"eigenvalues": "the eigenvalues", "sizes": "the absolute values"},
        hints=(
            "It is about eigenvalues: how much the matrix stretches what it is applied to again and again.",
            "torch.linalg has a function for the eigenvalues of any square matrix. They may be complex.",
            "The size of a complex number is its absolute value; you want the largest one.",
        ),
    ),
    Exercise(
        name="clip_by_norm",
        notebook="03_vanishing_gradients",
        minutes=6,
        difficulty=2,
        reference="gradients.clip_by_norm",
        inputs=_clip_inputs,
        returns={"clipped": ""},
        gradient=False,
        tolerance=2e-6,  # torch's own clipping adds 1e-6 to the norm
        model=CLIP_MODEL,
        edits=tuple(Edit(*row) for row in CLIP),
        words=CLIP_WORDS,
        hints=(
            "Think of all entries of all tensors as one long vector. Its length is what is limited.",
            "The squares of all entries of all tensors add up to the square of the joint norm.",
            "One factor for all of them, so that the direction stays; where the norm is small enough, the factor is 1.",
        ),
    ),
]
