"""The exercises of notebook 05: the forget gate, and the half-life of a memory."""

import math

import torch

from lstm_lesson.exercises import designs
from lstm_lesson.exercises.catalogue.affine import affine_edits, affine_model, affine_words, gate_inputs
from lstm_lesson.exercises.exercise import Exercise, Mistake


def _half_life_inputs(draw):
    shape = ("B H", "B T H", "H", "")[draw.index % 4]
    f = draw(shape, 6).sigmoid() if draw.reach else draw.uniform(0.02, 0.999, shape)
    draw.letters_used.clear()  # f may have any shape
    return {"f": f}


HALF_LIFE_MISTAKES = (
    Mistake(torch.log2, "Wrong sign, and upside down: your half-life for f = 0.9 is −0.15 steps, and 0.9 is a long memory. log₂ f is minus the number of halvings per step; you want steps per halving."),
    Mistake(lambda f: -torch.log2(f), "Upside down: for f = 0.9 you get 0.15, the number of halvings per step. You want steps per halving."),
    Mistake(lambda f: 1 / torch.log2(f), "Wrong sign: your half-life for f = 0.9 is −6.6 steps. The logarithm of a number below 1 is negative."),
    Mistake(lambda f: -1 / torch.log(f), "That is the time until 1/e, about 37 %, is left. The half-life asks when one half is left."),
    Mistake(lambda f: 1 / torch.log(f), "Two things: the sign is wrong, and one half is missing. Start from f to the power k = ½."),
    Mistake(lambda f: 1 / (1 - f), "1 / (1 − f) is a rule of thumb for the mean life, good near f = 1. Solve f to the power k = ½ for k."),
    Mistake(lambda f: math.log(0.5) / f, "You divide by f, not by a logarithm of f: take the log on both sides."),
    Mistake(lambda f: 0.5 / f, "That halves once and divides by f; f acts once at every step, as a power."),
    Mistake(lambda f: torch.log(0.5 / f), "The log of a quotient is not the quotient of the logs. f to the power k = ½: what divides what?"),
    Mistake(lambda f: math.log(0.5) * torch.log(f), "The two logarithms are multiplied. Solve k · log f = log ½ for k."),
    Mistake(lambda f: 0.5**f, "That is ½ to the power f. The unknown stands in the exponent, over f: f to the power k."),
    Mistake(lambda f: f**0.5, "That is the square root of f. The unknown stands in the exponent: f to the power k = ½."),
    Mistake(lambda f: torch.ceil(math.log(0.5) / torch.log(f)), "Rounded up to whole steps. A half-life may be a fraction: leave it as it comes."),
    Mistake(lambda f: math.log(0.5) / torch.log10(f), "Two kinds of logarithm are mixed. Any kind will do, but the same twice."),
    Mistake(lambda f: math.log(0.5) / torch.log2(f), "Two kinds of logarithm are mixed. Take the same one for ½ and for f."),
)


EXERCISES = [
    Exercise(
        name="forget_gate",
        notebook="05_forget_gate",
        minutes=3,
        difficulty=1,
        reference="equations.forget_gate",
        inputs=gate_inputs("f"),
        returns={"f_t": "B H"},
        model=affine_model("forget_gate", "f"),
        edits=tuple(affine_edits("f")),
        words=affine_words("f"),
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
        inputs=_half_life_inputs,
        returns={"steps": ""},
        tolerance=1e-7,  # a constant made by torch.tensor(0.5) takes its logarithm in float32
        mistakes=HALF_LIFE_MISTAKES,
        hints=(
            "After k steps f to the power k is left. Set that equal to one half and solve for k.",
            "A logarithm brings the exponent down: the log of f to the power k is k times the log of f.",
            "Both logarithms are negative, so their quotient is positive. Check: a gate of 0.5 gives exactly one step.",
        ),
    ),
    Exercise(
        name="forget_weights",
        notebook="05_forget_gate",
        minutes=6,
        difficulty=3,
        reference="data.agreement.forget_weights",
        inputs=lambda draw: {},
        returns={"W_xf": "N H", "W_hf": "H H", "b_f": "H"},
        judge=designs.one_part("f"),
        hints=(
            "At most words the gate has to stay open, and at one it has to shut. Which feature is that?",
            "How near to 1 must the gate stand, so that more than half is left after 200 words? This notebook turned that into a bias.",
            "A bias of 10 keeps; a weight of −20 on the full stop, for both units, wipes.",
        ),
    ),
]
