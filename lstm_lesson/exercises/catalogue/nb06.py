"""The exercises of notebook 06: the candidate and the cell state."""

import torch

from lstm_lesson.exercises.catalogue.affine import gate_inputs, tanh_mistakes
from lstm_lesson.exercises.exercise import Exercise, Mistake

CELL_STATE_MISTAKES = (
    Mistake(
        lambda f, c, i, g: i * c + f * g,
        "i and f are swapped: your input gate keeps the old memory and your forget gate lets in the new.",
    ),
    Mistake(
        lambda f, c, i, g: f * c + f * g,
        "The forget gate stands in both terms. What is let in of the new has a gate of its own.",
    ),
    Mistake(
        lambda f, c, i, g: i * c + i * g,
        "The input gate stands in both terms. What is kept of the old has a gate of its own.",
    ),
    Mistake(
        lambda f, c, i, g: (1 - f) * c + i * g, "1 − f stands in place of f: your memory keeps what it should forget."
    ),
    Mistake(
        lambda f, c, i, g: i * g, "The old memory is gone: your cell is overwritten at every step. Where is `c_prev`?"
    ),
    Mistake(lambda f, c, i, g: f * c, "Nothing new comes in: the second term of equation 3 is missing."),
    Mistake(lambda f, c, i, g: f * c + g, "The candidate comes in whole. Which gate decides how much of it?"),
    Mistake(
        lambda f, c, i, g: c + i * g,
        "The old memory stays whole: that is the cell of 1997, before it could forget. Which gate is missing?",
    ),
    Mistake(lambda f, c, i, g: c + g, "Old and new are added with both gates left out."),
    Mistake(lambda f, c, i, g: f * c - i * g, "The new part is subtracted. Look at the sign between the terms."),
    Mistake(lambda f, c, i, g: f * c * i * g, "All four are multiplied. Equation 3 is a sum of two products."),
    Mistake(lambda f, c, i, g: (f + c) * (i + g), "Sums and products have changed places: look at equation 3 again."),
    Mistake(
        lambda f, c, i, g: torch.tanh(f * c + i * g),
        "The memory itself is squashed. The memory is not bounded; the squashing comes later, on the way out.",
    ),
    Mistake(
        lambda f, c, i, g: f * c + i * torch.tanh(g), "The candidate is squashed twice: `g_t` has been through tanh."
    ),
    Mistake(
        lambda f, c, i, g: torch.sigmoid(f) * c + torch.sigmoid(i) * g,
        "The gates are squashed twice: `f_t` and `i_t` have been through the sigmoid.",
    ),
    Mistake(
        lambda f, c, i, g: f * c + (1 - f) * g,
        "The two gates are coupled: 1 − f lets in the new, as in a GRU. Here the new has a gate of its own.",
    ),
    Mistake(lambda f, c, i, g: f @ c + i @ g, "`@` mixes the units. Each gate acts on its own cell, entry by entry."),
    Mistake(
        lambda f, c, i, g: f * c.detach() + i * g,
        "The values are right, but `c_prev` is detached: no gradient goes back along the memory.",
    ),
    Mistake(
        lambda f, c, i, g: f.detach() * c + i.detach() * g,
        "The values are right, but the gates are detached: they could never learn.",
    ),
)


EXERCISES = [
    Exercise(
        name="candidate",
        notebook="06_cell_state",
        minutes=3,
        difficulty=1,
        reference="equations.candidate",
        inputs=gate_inputs("c"),
        returns={"g_t": "B H"},
        mistakes=tanh_mistakes("W_xc", "W_hc", "b_c"),
        hints=(
            "The candidate reads the same things as a gate. What differs is the function around the sum.",
            "A candidate must be able to push the memory up and down, so it needs both signs.",
            "Which function squashes any number into (−1, 1)? You used it in notebook 01.",
        ),
    ),
    Exercise(
        name="cell_state",
        notebook="06_cell_state",
        minutes=3,
        difficulty=1,
        reference="equations.cell_state",
        inputs=lambda draw: {
            "f_t": draw.uniform(0, 1, "B H"),
            "c_prev": draw.unbounded("B H"),
            "i_t": draw.uniform(0, 1, "B H"),
            "g_t": draw.unbounded("B H"),
        },
        returns={"c_t": "B H"},
        mistakes=CELL_STATE_MISTAKES,
        hints=(
            "Two parts are added: what stays of the old memory, and what is let in of the new.",
            "Each part is a gate times a value, entry by entry. Which gate belongs to which value?",
            "The forget gate stands beside the old memory, the input gate beside the candidate. Nothing is a matrix.",
        ),
    ),
]
