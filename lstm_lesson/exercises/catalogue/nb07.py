"""The exercises of notebook 07: the output gate and the hidden state."""

import torch

from lstm_lesson.exercises.catalogue.affine import gate_inputs, gate_mistakes
from lstm_lesson.exercises.exercise import Exercise, Mistake

HIDDEN_STATE_MISTAKES = (
    Mistake(
        lambda o, c: o * c, "The tanh on `c_t` is missing: the memory is shown as it is, and the state has no bounds."
    ),
    Mistake(lambda o, c: torch.tanh(c), "The output gate is left out: the whole memory is shown."),
    Mistake(lambda o, c: torch.tanh(o * c), "The gate stands inside the tanh. Where are the brackets in equation 5?"),
    Mistake(lambda o, c: torch.tanh(o) * c, "The tanh stands on the gate. Which of the two has no bounds yet?"),
    Mistake(
        lambda o, c: torch.tanh(o) * torch.tanh(c),
        "The gate is squashed once more: `o_t` lies between 0 and 1 already.",
    ),
    Mistake(
        lambda o, c: torch.sigmoid(o) * torch.tanh(c),
        "The gate is squashed twice: `o_t` has been through the sigmoid already.",
    ),
    Mistake(
        lambda o, c: o * torch.sigmoid(c), "A sigmoid on `c_t` never shows a minus sign. The state needs both signs."
    ),
    Mistake(lambda o, c: o + torch.tanh(c), "Gate and memory are added. A valve multiplies what flows through it."),
    Mistake(lambda o, c: (1 - o) * torch.tanh(c), "1 − o stands in place of o: open where it should be shut."),
    Mistake(lambda o, c: o @ torch.tanh(c), "`@` mixes the units. The gate acts on its own cell, entry by entry."),
    Mistake(lambda o, c: o, "That is the gate alone. What does it let through?"),
    Mistake(lambda o, c: torch.relu(c) * o, "A ReLU stands where the memory is squashed: it has no upper bound."),
    Mistake(
        lambda o, c: o * torch.tanh(c.detach()),
        "The values are right, but `c_t` is detached: no gradient reaches the memory.",
    ),
)


EXERCISES = [
    Exercise(
        name="output_gate",
        notebook="07_output_gate",
        minutes=2,
        difficulty=1,
        reference="equations.output_gate",
        inputs=gate_inputs("o"),
        returns={"o_t": "B H"},
        mistakes=gate_mistakes("o"),
        hints=(
            "Equation 4 has the same form as equations 1 and 2.",
            "Its weights and its bias end in o.",
            "A gate stands between 0 and 1, so the sum goes through the gates' function.",
        ),
    ),
    Exercise(
        name="hidden_state",
        notebook="07_output_gate",
        minutes=2,
        difficulty=1,
        reference="equations.hidden_state",
        inputs=lambda draw: {"o_t": draw.uniform(0, 1, "B H"), "c_t": draw("B H", 2 * draw.scale)},
        returns={"h_t": "B H"},
        mistakes=HIDDEN_STATE_MISTAKES,
        hints=(
            "The output gate decides how much of the memory is shown.",
            "The memory has no bounds, the hidden state has: squash the memory before the gate.",
            "Entry by entry: the gate times the squashed memory. The gate itself is squashed already.",
        ),
    ),
]
