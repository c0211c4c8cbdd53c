"""The exercises of notebook 14: the coupled cell state, and an exact test for a few seeds."""

import itertools

import torch

from lstm_lesson.exercises.exercise import Exercise, Mistake

COUPLED_CELL_STATE_MISTAKES = (
    Mistake(lambda i, c, g: i * c + (1 - i) * g, "The two shares have changed places: your gate keeps the old where it should let in the new."),
    Mistake(lambda i, c, g: c + i * g, "Nothing makes room: the old memory stays whole, whatever comes in."),
    Mistake(lambda i, c, g: i * c + i * g, "Both terms have the same share. What comes in takes the other's place."),
    Mistake(lambda i, c, g: (1 - i) * c + (1 - i) * g, "Both terms have the same share, one minus the gate. Whose share is the gate itself?"),
    Mistake(lambda i, c, g: (1 - i) * c + g, "The candidate comes in whole. Which share of it should?"),
    Mistake(lambda i, c, g: (1 - i) * c, "Nothing new comes in: the second term of the line for `c_t` is missing."),
    Mistake(lambda i, c, g: i * g, "The old memory is gone: what is kept of it where little comes in?"),
    Mistake(lambda i, c, g: (1 - i) * c - i * g, "The new part is subtracted. Look at the sign between the terms."),
    Mistake(lambda i, c, g: (i - 1) * c + i * g, "The share of the old is below 0: look at the order of 1 and `i_t`."),
    Mistake(lambda i, c, g: torch.tanh((1 - i) * c + i * g), "The memory itself is squashed. It is the sum, as it is."),
    Mistake(lambda i, c, g: (1 - i) * c + i * torch.tanh(g), "The candidate is squashed twice: `g_t` has been through tanh."),
    Mistake(lambda i, c, g: (1 - torch.sigmoid(i)) * c + torch.sigmoid(i) * g, "The gate is squashed twice: `i_t` has been through the sigmoid."),
    Mistake(lambda i, c, g: (1 - i.detach()) * c + i * g, "The values are right, but the gate is detached in the first term: it learns from half of what it does."),
)


def _signs(d):
    return torch.tensor(list(itertools.product((1.0, -1.0), repeat=len(d))), dtype=d.dtype)


def _share(found):
    return found.to(torch.float64).mean()


def _as_far(d, margin=1e-9):
    """For which choices of signs the sum is at least as far from 0 as that of d: a bool tensor (2ⁿ,)."""
    return (_signs(d) @ d).abs() >= d.sum().abs() - margin


def _differences(draw):
    """Multiples of 1/8, whose sums are exact and have ties; for n = 4 hundredths, whose sums lose ties to rounding.

    They lose them in whatever order they are added, which depends on the processor.
    """
    eighths = draw.integers(-9, 9, "K").to(draw.dtype) / 8 * max(1, draw.reach)
    return torch.tensor([-0.21, -0.13, 0.34, 0.34], dtype=draw.dtype) if len(eighths) == 4 else eighths


SIGN_FLIP_TEST_MISTAKES = (
    Mistake(lambda d: _share(_as_far(d, 0)), "Rounding loses ties: a mean exactly as far from 0 comes out slightly nearer. Compare with a small margin."),
    Mistake(lambda d: _share(_signs(d) @ d >= d.sum() - 1e-9), "One side only. A mean as far *below* 0 would have surprised you as much: what counts is the distance from 0."),
    Mistake(lambda d: _share(_signs(d) @ d >= d.sum()), "One side only, where a mean as far *below* 0 counts as well. And rounding loses ties: leave a small margin."),
    Mistake(lambda d: _share((_signs(d) @ d).abs() > d.sum().abs() + 1e-9), "Only those farther away are counted. The signs that you have are one choice: *at least* as far counts."),
    Mistake(lambda d: _share(_as_far(d)[1:]), "The signs that you have are left out. They are one of the 2ⁿ choices, and count like the others."),
    Mistake(lambda d: _as_far(d).to(torch.float64).sum(), "That is how many choices are as far from 0. p is their share of all 2ⁿ."),
    Mistake(lambda d: _as_far(d, 0).to(torch.float64).sum(), "That is a number of choices, where p is their share of all 2ⁿ. And rounding loses ties: leave a small margin."),
    Mistake(lambda d: 1 - _share(_as_far(d)), "That is the share of choices that are *not* as far from 0: p is the other part."),
    Mistake(lambda d: _share(_signs(d).sum(dim=1).abs() >= d.sign().sum().abs()), "Only the signs are counted, not how large the differences are. That is the sign test, another test."),
    Mistake(lambda d: _share((d.sum() - 2 * d).abs() >= d.sum().abs() - 1e-9), "Only one sign is turned at a time. All 2ⁿ choices of signs are to be tried."),
    Mistake(lambda d: torch.ones((), dtype=d.dtype), "Always 1. It is the signs that are turned, not the order; and the distance from 0 is taken after the sum."),
    Mistake(lambda d: torch.tensor(2.0 ** (1 - len(d))), "That is the smallest p that n differences can give. Yours depends on the differences themselves."),
    Mistake(lambda d: d.mean() / (d.std(unbiased=False) + 1e-9), "That is a mean in units of the spread, the start of a t-test. p is a share of sign choices: count."),
    Mistake(lambda d: d.mean(), "That is the mean difference. p asks which share of sign choices brings one as far."),
)

EXERCISES = [
    Exercise(
        name="coupled_cell_state",
        notebook="14_which_gate_matters",
        minutes=3,
        difficulty=1,
        reference="experiments.variants.coupled_cell_state",
        inputs=lambda draw: {"i_t": draw.uniform(0, 1, "B H"), "c_prev": draw.unbounded("B H", 2 * draw.scale), "g_t": draw("B H").tanh()},
        returns={"c_t": "B H"},
        mistakes=COUPLED_CELL_STATE_MISTAKES,
        hints=(
            "Start from the line for `c_t` and ask what stands in the forget gate's place.",
            "The two shares add up to 1: as much as comes in has to go.",
            "Where the gate is 1 the new replaces the old; where it is 0 the old stays as it is.",
        ),
    ),
    Exercise(
        name="sign_flip_test",
        notebook="14_which_gate_matters",
        minutes=8,
        difficulty=3,
        reference="training.metrics.sign_flip_test",
        inputs=lambda draw: {"differences": _differences(draw)},
        returns={"p": ""},
        gradient=False,
        dtype="float",
        mistakes=SIGN_FLIP_TEST_MISTAKES,
        hints=(
            "List every choice of signs first: itertools.product((1, -1), repeat=n) makes them, n of them at a time.",
            "For each choice: the distance of the mean from 0 once the differences have these signs. The same for the differences as they are.",
            "p is the share of choices whose distance is at least the one you have. The real signs are among them. Leave a small margin: rounding otherwise loses ties.",
        ),
    ),
]
