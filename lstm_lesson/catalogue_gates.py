"""The exercises of notebooks 04 to 07: the gates, the candidate, the memory and the hidden state."""

import math

import torch

from lstm_lesson.catalogue import Exercise, Mistake
from lstm_lesson.catalogue_affine import gate_mistakes, tanh_mistakes


def _reads(k):
    """The inputs of an equation that reads x_t and h_prev and makes k."""
    return lambda d: {
        "x_t": d("B N"), "h_prev": d("B H"), f"W_x{k}": d("N H", 1), f"W_h{k}": d("H H", 1), f"b_{k}": d("H")
    }  # fmt: skip


def _forget_gates(d):
    f = d.between(0.02, 0.999, ("B H", "B T H", "H")[d.number % 3])
    d.used.clear()  # f may have any shape
    return {"f": f}


HALF_LIFE_MISTAKES = (
    Mistake(
        torch.log2,
        "Wrong sign, and upside down: your half-life for f = 0.9 is −0.15 steps, and 0.9 is a long memory. "
        "log₂ f is minus the number of halvings per step; you want steps per halving.",
    ),
    Mistake(
        lambda f: -torch.log2(f),
        "Upside down: for f = 0.9 you get 0.15, the number of halvings per step. You want steps per halving.",
    ),
    Mistake(
        lambda f: 1 / torch.log2(f),
        "Wrong sign: your half-life for f = 0.9 is −6.6 steps. The logarithm of a number below 1 is negative.",
    ),
    Mistake(
        lambda f: -1 / torch.log(f),
        "That is the time until 1/e, about 37 %, is left. The half-life asks when one half is left.",
    ),
    Mistake(
        lambda f: 1 / torch.log(f),
        "Two things: the sign is wrong, and one half does not stand in it. Start from f to the power k = ½.",
    ),
    Mistake(
        lambda f: 1 / (1 - f),
        "1 / (1 − f) is a rule of thumb for the mean life, good near f = 1. Solve f to the power k = ½ for k.",
    ),
    Mistake(lambda f: math.log(0.5) / f, "f stands bare where a logarithm of f belongs: take the log on both sides."),
    Mistake(lambda f: 0.5 / f, "That halves once and divides by f; f acts once at every step, as a power."),
    Mistake(
        lambda f: torch.log(0.5 / f),
        "The log of a quotient is not the quotient of the logs. f to the power k = ½: what divides what?",
    ),
    Mistake(
        lambda f: math.log(0.5) * torch.log(f), "The two logarithms are multiplied. Solve k · log f = log ½ for k."
    ),
    Mistake(
        lambda f: 0.5**f, "That is ½ to the power f. The unknown stands in the exponent, over f: f to the power k."
    ),
    Mistake(
        lambda f: f**0.5, "That is the square root of f. The unknown stands in the exponent: f to the power k = ½."
    ),
    Mistake(
        lambda f: torch.ceil(math.log(0.5) / torch.log(f)),
        "Rounded up to whole steps. A half-life may be a fraction: leave it as it comes.",
    ),
    Mistake(
        lambda f: math.log(0.5) / torch.log10(f),
        "Two kinds of logarithm are mixed. Any kind will do, but the same twice.",
    ),
    Mistake(
        lambda f: math.log(0.5) / torch.log2(f), "Two kinds of logarithm are mixed. Take the same one for ½ and for f."
    ),
)

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
        "The values are right, but `c_prev` is detached: the memory's way back for gradients is cut.",
    ),
    Mistake(
        lambda f, c, i, g: f.detach() * c + i.detach() * g,
        "The values are right, but the gates are detached: they could never learn.",
    ),
)

HIDDEN_STATE_MISTAKES = (
    Mistake(
        lambda o, c: o * c, "The tanh on `c_t` is missing: the memory is shown as it is, and the state has no bounds."
    ),
    Mistake(lambda o, c: torch.tanh(c), "The output gate is left out: the whole memory is shown."),
    Mistake(lambda o, c: torch.tanh(o * c), "The gate stands inside the tanh. Which brackets has equation 5?"),
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
        name="input_gate",
        notebook="04_input_gate",
        minutes=5,
        difficulty=1,
        reference="equations.input_gate",
        inputs=_reads("i"),
        returns={"i_t": "B H"},
        mistakes=gate_mistakes("i"),
        hints=(
            "Equation 1 has a sum inside and one function around it.",
            "The sum has three terms: the input through W_xi, the old state through W_hi, and the bias.",
            "A gate stands between 0 (shut) and 1 (open). Which function takes any number there?",
        ),
    ),
    Exercise(
        name="forget_gate",
        notebook="05_forget_gate",
        minutes=3,
        difficulty=1,
        reference="equations.forget_gate",
        inputs=_reads("f"),
        returns={"f_t": "B H"},
        mistakes=gate_mistakes("f"),
        hints=(
            "Compare equation 2 with equation 1: only the letters change.",
            "The forget gate has weights and a bias of its own. Use those that end in f.",
            "f_t near 1 keeps, near 0 wipes: return the gate itself, not its opposite.",
        ),
    ),
    Exercise(
        name="half_life",
        notebook="05_forget_gate",
        minutes=4,
        difficulty=2,
        reference="equations.half_life",
        inputs=_forget_gates,
        returns={"steps": ""},
        slack=1e-7,  # a constant made by torch.tensor(0.5) takes its logarithm in float32
        mistakes=HALF_LIFE_MISTAKES,
        hints=(
            "After k steps f to the power k is left. Set that equal to one half and solve for k.",
            "A logarithm brings the exponent down: the log of f to the power k is k times the log of f.",
            "Both logarithms are negative, so their quotient is positive. Check: a gate of 0.5 gives exactly one step.",
        ),
    ),
    Exercise(
        name="candidate",
        notebook="06_cell_state",
        minutes=3,
        difficulty=1,
        reference="equations.candidate",
        inputs=_reads("c"),
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
        inputs=lambda d: {
            "f_t": d.between(0, 1, "B H"),
            "c_prev": d("B H"),
            "i_t": d.between(0, 1, "B H"),
            "g_t": d("B H"),
        },
        returns={"c_t": "B H"},
        mistakes=CELL_STATE_MISTAKES,
        hints=(
            "Two parts are added: what stays of the old memory, and what is let in of the new.",
            "Each part is a gate times a value, entry by entry. Which gate belongs to which value?",
            "The forget gate stands beside the old memory, the input gate beside the candidate. Nothing is a matrix.",
        ),
    ),
    Exercise(
        name="output_gate",
        notebook="07_output_gate",
        minutes=2,
        difficulty=1,
        reference="equations.output_gate",
        inputs=_reads("o"),
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
        inputs=lambda d: {"o_t": d.between(0, 1, "B H"), "c_t": d("B H", 2 * d.scale)},
        returns={"h_t": "B H"},
        mistakes=HIDDEN_STATE_MISTAKES,
        hints=(
            "The output gate decides how much of the memory is shown.",
            "The memory has no bounds, the hidden state has: squash the memory before the gate.",
            "Entry by entry: the gate times the squashed memory. The gate itself is squashed already.",
        ),
    ),
]
