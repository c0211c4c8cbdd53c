"""The exercises of notebook 01: an RNN step, its loop over time, and the mask for padded batches."""

import torch
from torch import nn

from lstm_lesson.equations import rnn_step
from lstm_lesson.exercises.catalogue.affine import tanh_mistakes
from lstm_lesson.exercises.exercise import Exercise, Mistake


def _step_inputs(draw):
    return {"x_t": draw("B N"), "h_prev": draw("B H"), "W_xh": draw("N H", 1), "W_hh": draw("H H", 1), "b_h": draw("H")}


def _unroll_inputs(draw):
    return {"x": draw("B T N"), "h_0": draw("B H"), "W_xh": draw("N H", 1), "W_hh": draw("H H", 1), "b_h": draw("H")}


def _rnn_step(x_t, h, W, U, b):
    return torch.tanh(x_t @ W + h @ U + b)


def _states(
    x, h_0, *weights, before=lambda h, h_0: h, read=lambda x, t: x[:, t], step=_rnn_step, steps=lambda x: x.shape[1]
):
    """The states of an RNN, with parts replaced; `before` changes the state from which a step starts."""
    h_t, states = h_0, []
    for t in range(steps(x)):
        h_t = step(read(x, t), before(h_t, h_0), *weights)
        states.append(h_t)
    return states


def _over_rows(*given, **changes):
    """The states that a loop `for … in x` makes."""
    return _states(*given, read=lambda x, t: x[t], steps=len, **changes)


def _unrolled(**changes):
    return lambda *given: torch.stack(_states(*given, **changes), dim=1)


UNROLL_MISTAKES = (
    Mistake(
        _unrolled(before=lambda h, h_0: h_0),
        "h is not carried: every step starts from `h_0` again. Where does the new state go at the end of the loop?",
    ),
    Mistake(
        _unrolled(before=lambda h, h_0: torch.zeros_like(h)),
        "Every step starts from zeros: h is not carried. Is the state made inside the loop?",
    ),
    Mistake(
        lambda x, h_0, *w: _unrolled()(x, torch.zeros_like(h_0), *w),
        "The first step starts from zeros. The state before the first step is an argument: `h_0`.",
    ),
    Mistake(
        lambda *given: torch.stack(_states(*given)),
        "Time stands first: your result is (T, B, H). The states are stacked along the wrong dimension.",
    ),
    Mistake(
        lambda *given: torch.stack(_states(*given), dim=2),
        "Time stands last: your result is (B, H, T). The states are stacked along the wrong dimension.",
    ),
    Mistake(
        lambda *given: torch.cat(_states(*given), dim=1),
        "The states are glued into one long row, (B, T·H). Time needs a dimension of its own.",
    ),
    Mistake(
        lambda *given: torch.cat(_states(*given)),
        "The states are piled up as (T·B, H). Time needs a dimension of its own.",
    ),
    Mistake(
        lambda *given: _states(*given)[-1], "That is the last state alone. Every step's state is wanted: collect them."
    ),
    Mistake(
        lambda x, h_0, *w: torch.stack([h_0, *_states(x, h_0, *w)], dim=1),
        "There is one state too many: `h_0` comes before the first step and is not collected.",
    ),
    Mistake(
        lambda x, h_0, *w: torch.stack([h_0, *_states(x, h_0, *w)[:-1]], dim=1),
        "Off by one: you collect the state before each step. Collect the one that comes out.",
    ),
    Mistake(lambda x, *rest: _unrolled()(x.flip(1), *rest), "The sequence is read from its end. Step 0 comes first."),
    Mistake(
        lambda *given: torch.stack(_states(*given)[::-1], dim=1),
        "The states stand in reverse order. The first step's state comes first.",
    ),
    Mistake(_unrolled(read=lambda x, t: x[:, 0]), "Every step reads the first input. Which index has to move?"),
    Mistake(
        _unrolled(read=lambda x, t: x[t]),
        "`x[t]` is sequence t of the batch, not step t. The batch comes first: which dimension is time?",
    ),
    Mistake(
        lambda *given: torch.stack(_over_rows(*given), dim=1),
        "`for … in x` goes through the sequences of the batch, which come first in (B, T, N). Which dimension is time?",
    ),
    Mistake(
        lambda *given: torch.stack(_over_rows(*given)),
        "`for … in x` goes through the batch, and the states are stacked along the wrong dimension. Where is time?",
    ),
    Mistake(
        lambda *given: torch.stack(_over_rows(*given, step=rnn_step), dim=1),
        "The step is handed one sequence, (T, N), where it wants one step of all, (B, N). Which dimension is time?",
    ),
    Mistake(
        lambda *given: torch.stack(_states(*given)[:1], dim=1),
        "That is the first step alone. In which line does the loop end, and where does `return` stand?",
    ),
    Mistake(
        lambda *given: torch.stack(_states(*given, steps=len), dim=1),
        "Your loop makes B steps: `len(x)` and `x.shape[0]` count the sequences. Which size counts the steps?",
    ),
    Mistake(
        lambda *given: torch.stack(_states(*given, steps=lambda x: x.shape[1] - 1), dim=1),
        "The last step is missing: how many turns does your loop make?",
    ),
    Mistake(
        _unrolled(before=lambda h, h_0: h.detach()),
        "The values are right, but h is detached at every step: no gradient travels back through time.",
    ),
    Mistake(
        _unrolled(before=lambda h, h_0: h if h is h_0 else h.detach()),
        "The values are right, but h is detached after each step: no gradient travels from step to step.",
    ),
    Mistake(
        lambda *given: torch.stack(_states(*given)[-1:] * given[0].shape[1], dim=1),
        "Every step holds the last state: your list has one tensor T times, which is overwritten in place.",
    ),
    Mistake(
        lambda x, h_0, *w: _unrolled()(x, nn.Parameter(h_0.detach()), *w),
        "The values are right, but `h_0` is cut off or made a Parameter of its own: its gradient is lost.",
    ),
    Mistake(_unrolled(step=lambda x, h, W, U, b: x @ W + h @ U + b), "The tanh is missing in each step."),
    Mistake(
        _unrolled(step=lambda x, h, W, U, b: torch.sigmoid(x @ W + h @ U + b)),
        "Each step goes through a sigmoid. Which function does the RNN step have?",
    ),
    Mistake(lambda x, h_0, W, U, b: _unrolled()(x, h_0, W, U, 0 * b), "The bias `b_h` is missing in each step."),
    Mistake(
        lambda x, h_0, W, U, b: _unrolled()(x, h_0, W, U.T, b),
        "`W_hh` is used transposed. It is square, so the shapes fit either way, and only the values tell.",
    ),
    Mistake(
        lambda x, h_0, W, U, b: _unrolled()(x, h_0, W.T, U, b), "`W_xh` is used transposed: its rows are the inputs."
    ),
    Mistake(
        lambda x, h_0, W, U, b: _unrolled()(x, h_0, U, W, b),
        "`W_xh` and `W_hh` have changed places. A weight's first letter says what it reads.",
    ),
)


MASKED_STEP_MISTAKES = (
    Mistake(
        lambda new, prev, keep: torch.where(keep[:, None], prev, new),
        "The mask is read the wrong way round: `keep` is True where the step counts.",
    ),
    Mistake(
        lambda new, prev, keep: new * keep[:, None],
        "At padded steps your state becomes 0. Padding must change nothing: what was the state before?",
    ),
    Mistake(
        lambda new, prev, keep: prev * ~keep[:, None],
        "Where the step counts, your state becomes 0. And the new state?",
    ),
    Mistake(lambda new, prev, keep: new, "`keep` makes no difference: padded steps change your state, too."),
    Mistake(lambda new, prev, keep: prev, "The state never changes: where `keep` is True the new one counts."),
    Mistake(
        lambda new, prev, keep: new * keep[:, None] + prev,
        "Where the step counts, old and new are added. Exactly one of the two is wanted in each row.",
    ),
    Mistake(
        lambda new, prev, keep: new + prev * ~keep[:, None],
        "At padded steps, old and new are added. Exactly one of the two is wanted in each row.",
    ),
    Mistake(
        lambda new, prev, keep: torch.where(keep, new, prev),
        "`keep` lies along the units here. It belongs to the sequences, one entry a row: look at its shape, (B,).",
    ),
    Mistake(
        lambda new, prev, keep: keep * new + (1 - keep) * prev,
        "`keep` is (B,), the states are (B, H): that way it lies along the units. And `1 - keep` wants numbers.",
    ),
    Mistake(
        lambda new, prev, keep: new[keep], "The padded rows are dropped. Every sequence keeps its row in the batch."
    ),
    Mistake(
        lambda new, prev, keep: new if keep.any() else prev,
        "One decision for the whole batch: a single True lets every row through. Decide row by row.",
    ),
    Mistake(
        lambda new, prev, keep: torch.where(keep[:, None], new, prev.detach()),
        "The values are right, but `h_prev` is detached: at padded steps no gradient travels further back.",
    ),
)


EXERCISES = [
    Exercise(
        name="rnn_step",
        notebook="01_rnn_cell",
        minutes=5,
        difficulty=1,
        reference="equations.rnn_step",
        inputs=_step_inputs,
        returns={"h_t": "B H"},
        mistakes=tanh_mistakes("W_xh", "W_hh", "b_h"),
        hints=(
            "Three things are added: what the input says, what the old state says, and the bias.",
            "Shapes lead the way: x_t (B, N) needs a matrix (N, H), h_prev (B, H) needs a matrix (H, H).",
            "The sum is any number; the new state has to lie between −1 and 1. Which function does that?",
        ),
    ),
    Exercise(
        name="unroll",
        notebook="01_rnn_cell",
        minutes=6,
        difficulty=2,
        reference="layers.unroll",
        inputs=_unroll_inputs,
        returns={"hidden_seq": "B T H"},
        mistakes=UNROLL_MISTAKES,
        hints=(
            "Loop over the T steps. The state that one step returns is the state the next one starts from.",
            "x[:, t] is the input of step t for the whole batch, (B, N). Collect each new state in a list.",
            "T states (B, H) become one tensor (B, T, H): time is the dimension you add, and it is the middle one.",
        ),
    ),
    Exercise(
        name="masked_step",
        notebook="01_rnn_cell",
        minutes=4,
        difficulty=2,
        reference="layers.masked_step",
        inputs=lambda draw: {"h_new": draw.unbounded("B H"), "h_prev": draw.unbounded("B H"), "keep": draw.mask("B")},
        returns={"h": "B H"},
        mistakes=MASKED_STEP_MISTAKES,
        hints=(
            "For each sequence of the batch there are two candidates for the state. keep says which one counts.",
            "Where keep is False, the step is padding, and the state stays as it was before the step.",
            "keep is (B,), the states are (B, H): give keep a second dimension of size 1, then choose row by row.",
        ),
    ),
]
