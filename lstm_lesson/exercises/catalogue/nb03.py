"""The exercises of notebook 03: the spectral radius, and clipping by the joint norm."""

import torch

from lstm_lesson.exercises.exercise import Exercise, Mistake


def _clip_inputs(draw):
    shapes = ("N H", "H H", "H", "N", "H N")[: (3, 2, 5)[draw.index % 3]]
    grads = [draw.unbounded(shape) for shape in shapes]
    draw.letters_used.clear()  # the stub names no sizes
    norm = sum(float((g.double() ** 2).sum()) for g in grads) ** 0.5
    return {"grads": grads, "max_norm": norm * (0.1, 1.2, 0.4, 3.0, 1.0001, 0.9)[draw.index % 6]}


_eigenvalues = torch.linalg.eigvals


SPECTRAL_RADIUS_MISTAKES = (
    Mistake(lambda W: torch.linalg.norm(W, 2), "That is the largest singular value: how much one multiplication can stretch. Over many, eigenvalues decide."),
    Mistake(lambda W: torch.linalg.eigvalsh(W.T @ W).max(), "That is the square of the largest singular value. Take the eigenvalues of W itself."),
    Mistake(lambda W: _eigenvalues(W).real.max(), "That is the largest real part. Eigenvalues may be negative or complex: it is their size that counts."),
    Mistake(lambda W: _eigenvalues(W).real.abs().max(), "The imaginary parts are dropped. How large is a complex number?"),
    Mistake(lambda W: _eigenvalues(W).imag.abs().max(), "Those are the imaginary parts alone. How large is a complex number?"),
    Mistake(lambda W: torch.linalg.eigvalsh(W).abs().max(), "`eigvalsh` and `eigh` take W to be symmetric and read half of it. This W is any square matrix."),
    Mistake(lambda W: _eigenvalues(W).max(), "Eigenvalues may be complex, and complex numbers have no order. What of them can be compared?"),
    Mistake(lambda W: max(_eigenvalues(W)), "Eigenvalues may be complex, and Python's `max` cannot order them. What of them can be compared?"),
    Mistake(lambda W: torch.linalg.eig(W).abs().max(), "`eig` returns two things, the eigenvalues and the eigenvectors."),
    Mistake(lambda W: _eigenvalues(W).abs().min(), "That is the smallest. In the long run the largest one decides."),
    Mistake(lambda W: _eigenvalues(W).abs().mean(), "That is a mean. In the long run the largest one decides."),
    Mistake(lambda W: _eigenvalues(W).abs().sum(), "That is the sum. In the long run the largest one decides."),
    Mistake(lambda W: _eigenvalues(W).abs(), "Those are all of them. Which one decides in the long run?"),
    Mistake(lambda W: _eigenvalues(W).abs()[0], "The first in the list need not be the largest: they come in no fixed order."),
    Mistake(lambda W: (_eigenvalues(W).abs() ** 2).max(), "That is the square: for the eigenvalue 3 you get 9."),
    Mistake(torch.linalg.norm, "That is the Frobenius norm, over all entries. The spectral radius is about eigenvalues."),
    Mistake(lambda W: W.abs().max(), "That is the largest entry of W. The spectral radius is about its eigenvalues."),
    Mistake(lambda W: W.max(), "That is the largest entry of W, signs and all. The radius is about its eigenvalues."),
    Mistake(lambda W: W.abs().sum(dim=1).max(), "That is the largest row sum. The spectral radius is about eigenvalues."),
    Mistake(lambda W: W.diagonal().abs().max(), "The diagonal holds the eigenvalues of a triangular matrix only."),
    Mistake(lambda W: torch.linalg.det(W).abs(), "That is the determinant, the product of all eigenvalues."),
    Mistake(lambda W: W.trace(), "That is the trace, the sum of all eigenvalues."),
)


def _joint_norm(grads):
    return torch.sqrt(sum((g**2).sum() for g in grads))


def _clip(grads, norm, max_norm):
    return [g * (max_norm / norm) if norm > max_norm else g.clone() for g in grads]


CLIP_BY_NORM_MISTAKES = (
    Mistake(lambda grads, m: [_clip([g], g.norm(), m)[0] for g in grads], "Each tensor is clipped by its own norm, which turns the direction. Whose norm is it that has a limit?"),
    Mistake(lambda grads, m: [g.clamp(-m, m) for g in grads], "That is clipping by value, entry by entry, which turns the direction. Clip the length of the whole."),
    Mistake(lambda grads, m: [g * (m / _joint_norm(grads)) for g in grads], "Small gradients are stretched up to the limit. Where the joint norm is below it, nothing changes."),
    Mistake(lambda grads, m: list(grads), "Nothing is clipped: the joint norm of your result is above the limit."),
    Mistake(lambda grads, m: [g / _joint_norm(grads) for g in grads], "Your result always has norm 1. Where does `max_norm` come in, and when is nothing to be done?"),
    Mistake(lambda grads, m: [g / _joint_norm(grads) if _joint_norm(grads) > m else g for g in grads], "What is clipped ends with norm 1. Where does `max_norm` come in?"),
    Mistake(lambda grads, m: _clip(grads, sum(g.norm() for g in grads), m), "The norms are added. Lengths add up as squares do: think of all entries as one long vector."),
    Mistake(lambda grads, m: _clip(grads, _joint_norm(grads) ** 2, m), "You compare the square of the joint norm: 25 for the entries 3 and 4, whose length is 5."),
    Mistake(lambda grads, m: _clip(grads, max(g.norm() for g in grads), m), "That is the largest of the norms, not the joint one: the result is still too long."),
    Mistake(lambda grads, m: _clip(grads, max(g.abs().max() for g in grads), m), "That is the largest entry. The 2-norm takes in all entries."),
    Mistake(lambda grads, m: _clip(grads, sum(g.abs().sum() for g in grads), m), "That is the 1-norm, a sum of absolute values. The 2-norm is made of squares."),
    Mistake(lambda grads, m: _clip(grads, grads[0].norm(), m), "Only the first tensor's norm is taken: join them all."),
    Mistake(lambda grads, m: _clip(grads, grads[-1].norm(), m), "Only the last tensor's norm is taken: join them all."),
    Mistake(lambda grads, m: _clip(grads, sum(g.norm() for g in grads) / len(grads), m), "That is the mean of the norms, not the joint one."),
    Mistake(lambda grads, m: _clip(grads, torch.sqrt(sum((g**2).mean() for g in grads)), m), "The squares are averaged within each tensor. The norm sums them."),
    Mistake(lambda grads, m: [g * (_joint_norm(grads) / m) if _joint_norm(grads) > m else g for g in grads], "The factor stands upside down: large gradients become larger."),
    Mistake(lambda grads, m: torch.cat(grads).norm(), "`cat` joins tensors that differ in one dimension at most, and these are matrices and vectors. As which shape do all of them fit one behind the other?"),
    Mistake(lambda grads, m: torch.stack(grads), "`stack` needs equal shapes, and each tensor has its own. The norm is about their entries, whatever the shape."),
    Mistake(lambda grads, m: _clip(grads, torch.sqrt(sum(g**2 for g in grads)), m), "The squares of different tensors are added entry by entry, and their shapes differ. What does each tensor add to the norm?"),
    Mistake(lambda grads, m: [g * (m / torch.sqrt(sum(g**2 for g in grads))).clamp(max=1) for g in grads], "The squares are added entry by entry, and the shapes differ. What does each tensor add to the norm?"),
    Mistake(lambda grads, m: grads.norm(), "`grads` is a list, and a list has no norm. The norm is taken over its tensors."),
    Mistake(lambda grads, m: torch.linalg.norm(grads), "`grads` is a list, and `torch.linalg.norm` takes one tensor. What is the norm of several together?"),
    Mistake(lambda grads, m: [g * (m / _joint_norm(grads)) if _joint_norm(grads) < m else g for g in grads], "The comparison stands the wrong way round: you stretch the small and leave the large."),
    Mistake(lambda grads, m: [g if _joint_norm(grads) <= m else torch.zeros_like(g) for g in grads], "Large gradients are thrown away. Clipping keeps their direction and shortens them."),
    Mistake(lambda grads, m: [g * m for g in grads], "Everything is multiplied by `max_norm`, whatever the joint norm is."),
)


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
        mistakes=SPECTRAL_RADIUS_MISTAKES,
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
        mistakes=CLIP_BY_NORM_MISTAKES,
        hints=(
            "Think of all entries of all tensors as one long vector. Its length is what is limited.",
            "The squares of all entries of all tensors add up to the square of the joint norm.",
            "One factor for all of them, so that the direction stays; where the norm is small enough, the factor is 1.",
        ),
    ),
]
