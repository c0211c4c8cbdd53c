"""The exercises of notebook 14: the coupled cell state, and an exact test for a few seeds."""

import torch

from lstm_lesson.exercises.exercise import Exercise
from lstm_lesson.exercises.model import Edit

COUPLED_CELL_STATE_MODEL = """def coupled_cell_state(i_t, c_prev, g_t):
    share_old = 1 - i_t
    share_new = i_t
    old = share_old * c_prev
    new = share_new * g_t
    total = old + new
    return total
"""
COUPLED_CELL_STATE_WORDS = {"share_old": "the share of the old", "share_new": "the share of the new", "old": "the part that is kept", "new": "the part that comes in", "total": "the sum"}
COUPLED_CELL_STATE = (
    ("swapped", {"share_old": "i_t", "share_new": "1 - i_t"}, "The two shares have changed places: your gate keeps the old where it should let in the new."),
    ("no room", {"share_old": "1.0"}, "Nothing makes room: the old memory stays whole, whatever comes in."),
    ("both i", {"share_old": "i_t"}, "Both terms have the same share. What comes in takes the other's place."),
    ("both 1 − i", {"share_new": "1 - i_t"}, "Both terms have the same share, one minus the gate. Whose share is the gate itself?"),
    ("whole", {"share_new": "1.0"}, "The candidate comes in whole. Which share of it should?"),
    ("nothing new", {"new": "0.0"}, "Nothing new comes in: the second term of the line for `c_t` is missing."),
    ("nothing old", {"old": "0.0"}, "The old memory is gone: what is kept of it where little comes in?"),
    ("minus", {"total": "old - new"}, "The new part is subtracted. Look at the sign between the terms."),
    ("i − 1", {"share_old": "i_t - 1"}, "The share of the old is below 0: look at the order of 1 and `i_t`."),
    ("brackets", {"old": "1 - i_t * c_prev"}, "Brackets are missing around `1 - i_t`: Python multiplies before it subtracts."),
    ("squashed", {"return": "tanh(total)"}, "The memory itself is squashed. It is the sum, as it is."),
    ("candidate squashed", {"new": "share_new * tanh(g_t)"}, "The candidate is squashed twice: `g_t` has been through tanh."),
    ("gate squashed", {"share_old": "1 - sigmoid(i_t)", "share_new": "sigmoid(i_t)"}, "The gate is squashed twice: `i_t` has been through the sigmoid."),
    ("detached in the old part", {"share_old": "1 - i_t.detach()"}, "The values are right, but the gate is detached in the first term: it learns from half of what it does."),
    ("detached in the new part", {"share_new": "i_t.detach()"}, "The values are right, but the gate is detached in the second term: it learns from half of what it does."),
)  # fmt: skip


def _differences(draw):
    """Multiples of 1/8, whose sums are exact and have ties; for n = 4 hundredths, whose sums lose ties to rounding.

    They lose them in whatever order they are added, which depends on the processor.
    """
    eighths = draw.integers(-9, 9, "K").to(draw.dtype) / 8 * max(1, draw.reach)
    return torch.tensor([-0.21, -0.13, 0.34, 0.34], dtype=draw.dtype) if len(eighths) == 4 else eighths


SIGN_FLIP_TEST_MODEL = """def sign_flip_test(differences):
    d = differences.double()
    signs = torch.cartesian_prod(*[torch.tensor([1.0, -1.0])] * len(d)).reshape(-1, len(d)).double()
    sums = signs @ d
    distances = sums.abs()
    own = d.sum().abs()
    margin = 1e-9
    as_far = distances >= own - margin
    counted = as_far
    p = counted.double().mean()
    return p
"""
SIGN_FLIP_TEST_WORDS = {
    "d": "the differences", "signs": "the signs", "sums": "the sums", "distances": "the distances from 0", "own": "your distance", "margin": "the margin", "as_far": "the comparison", "counted": "the choices that count",
    "p": "the share",
}  # fmt: skip
SIGN_FLIP_TEST = (
    ("no margin", {"margin": "0.0"}, "Rounding loses ties: a mean exactly as far from 0 comes out slightly nearer. Compare with a small margin."),
    ("one side", {"distances": "sums", "own": "d.sum()"}, "One side only. A mean as far *below* 0 would have surprised you as much: what counts is the distance from 0."),
    ("one side, no margin", {"distances": "sums", "own": "d.sum()", "margin": "0.0"}, "One side only, where a mean as far *below* 0 counts as well. And rounding loses ties: leave a small margin."),
    ("farther", {"as_far": "distances > own + margin"}, "Only those farther away are counted. The signs that you have are one choice: *at least* as far counts."),
    ("nearer", {"as_far": "distances <= own + margin"}, "That is the share of choices that are at most as far from 0. At *least* as far counts."),
    ("without the own signs", {"counted": "as_far[1:]"}, "The signs that you have are left out. They are one of the 2ⁿ choices, and count like the others."),
    ("a number", {"p": "counted.double().sum()"}, "That is how many choices are as far from 0. p is their share of all 2ⁿ."),
    ("the others", {"p": "1 - counted.double().mean()"}, "That is the share of choices that are *not* as far from 0: p is the other part."),
    ("own distance of each", {"own": "d.abs().sum()"}, "Your distance is taken of each difference before they are added. Add first, then take the distance from 0."),
    ("halved", {"p": "counted.double().mean() / 2"}, "The share is halved. p is the share of both sides."),
    ("doubled", {"p": "2 * counted.double().mean()"}, "The share is doubled. Both sides are counted already where distances from 0 are compared."),
    ("sign test", {"sums": "signs.sum(dim=1)", "own": "d.sign().sum().abs()"}, "Only the signs are counted, not how large the differences are. That is the sign test, another test."),
    ("one sign at a time", {"sums": "d.sum() - 2 * d"}, "Only one sign is turned at a time. All 2ⁿ choices of signs are to be tried."),
    ("mean against sum", {"own": "d.mean().abs()"}, "Sums are compared with a mean, which is smaller. Take the same of both."),
    ("always 1", {"p": "torch.ones(())"}, "Always 1. It is the signs that are turned, not the order; and the distance from 0 is taken after the sum."),
    ("smallest p", {"p": "torch.tensor(2.0 ** (1 - len(d)))"}, "That is the smallest p that n differences can give. Yours depends on the differences themselves."),
    ("t", {"p": "d.mean() / (d.std(unbiased=False) + 1e-9)"}, "That is a mean in units of the spread, the start of a t-test. p is a share of sign choices: count."),
    ("mean", {"p": "d.mean()"}, "That is the mean difference. p asks which share of sign choices brings one as far."),
)  # fmt: skip

EXERCISES = [
    Exercise(
        name="coupled_cell_state",
        notebook="14_which_gate_matters",
        minutes=3,
        difficulty=1,
        reference="experiments.variants.coupled_cell_state",
        inputs=lambda draw: {"i_t": draw.uniform(0, 1, "B H"), "c_prev": draw.unbounded("B H", 2 * draw.scale), "g_t": draw("B H").tanh()},
        returns={"c_t": "B H"},
        model=COUPLED_CELL_STATE_MODEL,
        edits=tuple(Edit(*row) for row in COUPLED_CELL_STATE),
        words=COUPLED_CELL_STATE_WORDS,
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
        model=SIGN_FLIP_TEST_MODEL,
        edits=tuple(Edit(*row) for row in SIGN_FLIP_TEST),
        words=SIGN_FLIP_TEST_WORDS,
        hints=(
            "List every choice of signs first: itertools.product((1, -1), repeat=n) makes them, n of them at a time.",
            "For each choice: the distance of the mean from 0 once the differences have these signs. The same for the differences as they are.",
            "p is the share of choices whose distance is at least the one you have. The real signs are among them. Leave a small margin: rounding otherwise loses ties.",
        ),
    ),
]
