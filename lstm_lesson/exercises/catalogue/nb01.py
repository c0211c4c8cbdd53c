"""The exercises of notebook 01: an RNN step, its loop over time, and the mask for padded batches."""

from lstm_lesson.exercises.catalogue.affine import affine_edits, affine_lines, affine_model, affine_words, gate_inputs
from lstm_lesson.exercises.catalogue.loops import LOOP_WORDS, loop_edits, loop_model
from lstm_lesson.exercises.exercise import Exercise
from lstm_lesson.exercises.model import Edit


def _unroll_inputs(draw):
    return {"x": draw("B T N"), "h_0": draw("B H"), "W_xh": draw("N H", 1), "W_hh": draw("H H", 1), "b_h": draw("H")}


MASKED_STEP_MODEL = """def masked_step(h_new, h_prev, keep):
    chosen = keep[:, None]
    new = h_new
    old = h_prev
    h = torch.where(chosen, new, old)
    return h
"""
MASKED_STEP = (
    ("inverted", {"chosen": "~keep[:, None]"}, "The mask is read the wrong way round: `keep` is True where the step counts."),
    ("zero", {"old": "torch.zeros_like(h_prev)"}, "At padded steps your state becomes 0. Padding must change nothing: what was the state before?"),
    ("new zero", {"new": "torch.zeros_like(h_new)"}, "Where the step counts, your state becomes 0. And the new state?"),
    ("no mask", {"h": "new"}, "`keep` makes no difference: padded steps change your state, too."),
    ("never", {"h": "old"}, "The state never changes: where `keep` is True the new one counts."),
    ("sum kept", {"new": "h_new + h_prev"}, "Where the step counts, old and new are added. Exactly one of the two is wanted in each row."),
    ("sum padded", {"old": "h_prev + h_new"}, "At padded steps, old and new are added. Exactly one of the two is wanted in each row."),
    ("mean padded", {"old": "(h_prev + h_new) / 2"}, "At padded steps the mean of old and new comes back. Exactly one of the two is wanted in each row."),
    ("minus padded", {"old": "-h_prev"}, "At padded steps the old state has the wrong sign."),
    ("minus new", {"new": "-h_new"}, "The new state has the wrong sign."),
    ("ones", {"old": "torch.ones_like(h_prev)"}, "At padded steps your state becomes 1. Padding must change nothing: what was the state before?"),
    ("along the units", {"chosen": "keep"}, "`keep` lies along the units here. It belongs to the sequences, one entry a row: look at its shape, (B,)."),
    ("added along the units", {"h": "keep * new + (1 - keep) * old"}, "`keep` is (B,), the states are (B, H): that way it lies along the units. And `1 - keep` wants numbers."),
    ("dropped", {"h": "new[keep]"}, "The padded rows are dropped. Every sequence keeps its row in the batch."),
    ("any", {"chosen": "keep.any()"}, "One decision for the whole batch: a single True lets every row through. Decide row by row."),
    ("all", {"chosen": "keep.all()"}, "One decision for the whole batch: a single False holds every row. Decide row by row."),
    ("first", {"chosen": "keep[0]"}, "The first sequence decides for the whole batch. Decide row by row."),
    ("last", {"chosen": "keep[-1]"}, "The last sequence decides for the whole batch. Decide row by row."),
    ("flipped", {"chosen": "keep.flip(0)[:, None]"}, "`keep` is read from its end: entry b belongs to sequence b."),
    ("shifted", {"chosen": "keep.roll(1)[:, None]"}, "`keep` is shifted by one sequence: entry b belongs to sequence b."),
    ("shifted back", {"chosen": "keep.roll(-1)[:, None]"}, "`keep` is shifted by one sequence: entry b belongs to sequence b."),
    ("one row", {"h": "torch.where(keep[:, None], new, old)[:1]"}, "Only the first sequence comes back. Every sequence keeps its row in the batch."),
    ("old detached", {"old": "h_prev.detach()"}, "The values are right, but `h_prev` is detached: at padded steps no gradient travels further back."),
    ("new detached", {"new": "h_new.detach()"}, "The values are right, but `h_new` is detached: no gradient reaches the step."),
    ("detached", {"h": "torch.where(chosen, new, old).detach()"}, "The values are right, but the state is detached: no gradient travels back."),
)  # fmt: skip


EXERCISES = [
    Exercise(
        name="rnn_step",
        notebook="01_rnn_cell",
        minutes=5,
        difficulty=1,
        reference="equations.rnn_step",
        inputs=gate_inputs("h"),
        returns={"h_t": "B H"},
        model=affine_model("rnn_step", "h"),
        edits=tuple(affine_edits("h")),
        words=affine_words("h"),
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
        model=loop_model("unroll", "h", affine_lines("h"), "W_xh", "W_hh", "b_h"),
        edits=(*loop_edits("h"), *affine_edits("h")),
        words=affine_words("h") | LOOP_WORDS,
        step="rnn_step",
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
        model=MASKED_STEP_MODEL,
        edits=tuple(Edit(*row) for row in MASKED_STEP),
        hints=(
            "For each sequence of the batch there are two candidates for the state. keep says which one counts.",
            "Where keep is False, the step is padding, and the state stays as it was before the step.",
            "keep is (B,), the states are (B, H): give keep a second dimension of size 1, then choose row by row.",
        ),
    ),
]
