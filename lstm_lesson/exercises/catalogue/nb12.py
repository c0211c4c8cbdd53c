"""The exercises of notebook 12: padding a batch, the last true step of each sequence, and accuracy without padding."""

import torch

from lstm_lesson.exercises.exercise import Exercise
from lstm_lesson.exercises.model import Edit


def _last_step_inputs(draw):
    shortest = draw.sizes["T"] if draw.keep else 1  # in one set of inputs there is no padding
    return {"hidden_seq": draw("B T H"), "lengths": draw.integers(shortest, draw.sizes["T"], "B")}


def _sequence_inputs(draw):
    lengths = draw.integers(1, draw.sizes["T"] + 3, "B").tolist()
    if draw.sizes["T"] == 1:  # one word in every sequence
        lengths = [1] * len(lengths)
    lengths[0] = max(lengths[0], draw.sizes["T"])
    draw.letters_used.clear()
    words = 30_000 if draw.reach else 9
    return {"sequences": [torch.tensor([(7 * k + n) * 1000 % words for k in range(n)]) for n in lengths]}


def _accuracy_inputs(draw):
    logits, targets, keep = draw("B T K"), draw.integers(0, draw.sizes["K"] - 1, "B T"), draw.mask("B T")
    keep[0, 0] = True  # at least one position counts
    return {"logits": logits, "targets": targets, "keep": keep}


PAD_BATCH_MODEL = """def pad_batch(sequences):
    ordered = sequences
    true = [len(s) for s in ordered]
    longest = max(true)
    fill = 0
    in_rows = ordered
    rows = [[*s.tolist()[:longest], *[fill] * (longest - len(s))] for s in in_rows]
    ids = torch.tensor(rows)
    lengths = torch.tensor(true)
    return ids, lengths
"""
PAD_BATCH_WORDS = {"ordered": "the sequences", "s": "a sequence", "true": "the true lengths", "longest": "T", "fill": "the padding", "in_rows": "the sequences", "rows": "the rows", "ids": "`ids`", "lengths": "`lengths`"}
DESCENDING = "sorted(sequences, key=len, reverse=True)"
LEFT = "[[*[fill] * (longest - len(s)), *s.tolist()[:longest]] for s in in_rows]"
PAD_BATCH = (
    ("left", {"rows": LEFT}, "The padding stands on the left. Here each sequence begins at step 0, and the zeros follow it."),
    ("not 0", {"lengths": "(ids != 0).sum(dim=1)"}, "`lengths` counts what is not 0. A sequence may hold a 0 of its own: how long was it before padding?"),
    ("padded length", {"lengths": "torch.full((len(sequences),), longest)"}, "`lengths` holds the padded length for all. How long was each sequence before padding?"),
    ("one too small", {"lengths": "torch.tensor(true) - 1"}, "`lengths` is one too small: that is the index of the last entry. How many entries are there?"),
    ("one too large", {"lengths": "torch.tensor(true) + 1"}, "`lengths` is one too large: it is the number of entries."),
    ("the longest alone", {"lengths": "torch.tensor(longest)"}, "`lengths` is the length of the longest sequence alone. Each sequence has one."),
    ("cut", {"longest": "min(true)", "lengths": "torch.tensor(true).clamp(max=longest)"}, "Everything is cut to the shortest sequence. T is the length of the longest."),
    ("ids cut", {"longest": "min(true)"}, "`ids` is cut to the shortest sequence. T is the length of the longest."),
    ("too wide", {"longest": "max(true) + 1"}, "There is one column of padding too many. T is the length of the longest sequence."),
    ("-1", {"fill": "-1"}, "The padding is −1; here it is 0."),
    ("1", {"fill": "1"}, "The padding is 1, which is a word; here it is 0."),
    ("backwards", {"rows": "[[*s.tolist()[:longest][::-1], *[fill] * (longest - len(s))] for s in in_rows]"}, "Each sequence runs backwards. Its first word stands at step 0."),
    ("time first", {"ids": "torch.tensor(rows).T"}, "`ids` is (T, B): time stands first. Here the batch comes first."),
    ("ids alone", {"return": "ids"}, "`lengths` is missing. Two tensors are asked for: `ids` and `lengths`."),
    ("longest first", {"ordered": DESCENDING}, "The sequences are sorted by length. They have to stay in the order in which they came."),
    ("shortest first", {"ordered": "sorted(sequences, key=len)"}, "The sequences are sorted, shortest first. They have to stay in the order in which they came."),
    ("ids longest first", {"in_rows": DESCENDING}, "`ids` is sorted by length, and `lengths` is not. The sequences have to stay in the order in which they came."),
)  # fmt: skip

LAST_TRUE_STEP_MODEL = """def last_true_step(hidden_seq, lengths):
    rows = torch.arange(len(lengths))
    steps = lengths - 1
    h = hidden_seq[rows, steps]
    return h
"""
TRUE_STEPS = "torch.stack([s[:k].{}(dim=0) for s, k in zip(hidden_seq, lengths, strict=True)])"
LAST_TRUE_STEP = (
    ("last", {"steps": "-1"}, "`[:, -1]` is the last step of the batch, which for a shorter sequence is padding. Where does each one end?"),
    ("too late", {"steps": "lengths"}, "One step too late: your index is the length itself. Steps count from 0."),
    ("too late, clamped", {"steps": "lengths.clamp(max=hidden_seq.shape[1] - 1)"}, "One step too late: your index is the length itself. Steps count from 0, and clamping hides it at the end."),
    ("too early", {"steps": "lengths - 2"}, "One step too early: look at what you take from the length."),
    ("first", {"steps": "0"}, "That is the first step of each sequence."),
    ("every index from every row", {"h": "hidden_seq[:, steps]"}, "`[:, index]` takes every index from every row, (B, B, H). Say for each row which step is its own."),
    ("in the batch", {"h": "hidden_seq[steps]"}, "`lengths` indexes the batch here. The batch comes first: which dimension is time?"),
    ("changed places", {"h": "hidden_seq[steps, rows]"}, "The two indices have changed places: the batch comes first, then time."),
    ("of the longest", {"steps": "lengths.max() - 1"}, "One step for all: the end of the longest sequence. For the others that is padding."),
    ("of the shortest", {"steps": "lengths.min() - 1"}, "One step for all: the end of the shortest sequence. The others go on."),
    ("mean", {"h": TRUE_STEPS.format("mean")}, "That is the mean over each sequence's true steps. Only the last of them is wanted."),
    ("sum", {"h": TRUE_STEPS.format("sum")}, "That is the sum over each sequence's true steps. Only the last of them is wanted."),
    ("largest", {"h": TRUE_STEPS.format("amax")}, "That is the largest value over each sequence's true steps. Only the last of them is wanted."),
    ("mean of all", {"h": "hidden_seq.mean(dim=1)"}, "That is the mean over all steps, padding included."),
    ("from the end", {"steps": "-lengths"}, "The lengths are counted from the end. The padding stands there: count from the start."),
    ("first row", {"rows": "torch.zeros_like(lengths)"}, "Every row comes from the first sequence. Which row of the batch does each one need?"),
    ("rows turned", {"rows": "torch.arange(len(lengths)).flip(0)"}, "The rows are read in reverse order: row b of the result belongs to sequence b."),
    ("dimension left", {"h": "hidden_seq[rows, steps, None]"}, "A dimension of size 1 is left where time was. One step has no time dimension: (B, H)."),
)  # fmt: skip

MASKED_ACCURACY_MODEL = """def masked_accuracy(logits, targets, keep):
    scores = logits
    predicted = scores.argmax(dim=-1)
    correct = predicted == targets
    counted = keep
    right = (correct & counted).sum()
    total = keep.sum()
    accuracy = right / total
    return accuracy
"""
MASKED_ACCURACY_WORDS = {"scores": "the logits", "predicted": "the prediction", "correct": "the comparison", "counted": "the mask", "right": "the numerator", "total": "the denominator", "accuracy": "the share"}
EVERYWHERE = {"counted": "torch.ones_like(keep)", "total": "keep.numel()"}
MASKED_ACCURACY = (
    ("padding counted", EVERYWHERE, "Padding is counted, too. Only positions where `keep` is True belong into numerator and denominator."),
    ("all positions", {"total": "keep.numel()"}, "You divide by all B · T positions, so padding counts as wrong. How many positions are kept?"),
    ("inverted", {"counted": "~keep", "total": "(~keep).sum()"}, "The mask is read the wrong way round: that is the share on the padding."),
    ("a number", {"accuracy": "right.float()"}, "That is a count. A share is divided by the number of kept positions."),
    ("in percent", {"accuracy": "100 * right / total"}, "That is in percent. A share lies between 0 and 1."),
    ("wrong ones", {"correct": "predicted != targets"}, "That is the share of wrong predictions."),
    ("smallest", {"predicted": "scores.argmin(dim=-1)"}, "The prediction is taken from the smallest logit. Take the largest."),
    ("by sequence", {"accuracy": "((correct & counted).sum(dim=1) / keep.sum(dim=1)).mean()"}, "Each sequence gets its own share, and the shares are averaged: short ones weigh too much."),
    ("padding right", {"counted": "keep | True", "correct": "(predicted == targets) | ~keep", "total": "keep.numel()"}, "Padding is counted as right. It should not be counted at all."),
    ("numerator", {"counted": "torch.ones_like(keep)"}, "The numerator counts padding, the denominator does not."),
    ("wrong dimension", {"predicted": "scores.argmax(dim=1)"}, "The prediction is taken along the wrong dimension. The classes are the last one."),
    ("class 0", {"correct": "predicted == targets * keep", **EVERYWHERE}, "At padded positions you compare with class 0, and count them. They should not be counted at all."),
    ("probability", {"accuracy": "scores.softmax(dim=-1).gather(-1, targets[..., None])[..., 0][keep].mean()"}, "That is the mean probability of the true class. An accuracy asks only whether it was the largest."),
    ("logit compared", {"predicted": "scores.amax(dim=-1)"}, "Your share is 0 for any inputs: no prediction equals its target. Is a logit compared with a class? The prediction is the *index* of the largest logit."),
    ("last step", {"predicted": "scores[:, -1:].argmax(dim=-1)"}, "The prediction of the last step stands for every step. Each position has logits of its own."),
    ("last class", {"predicted": "scores[..., -1] > 0"}, "Only the logit of the last class is read, and compared with 0. A prediction compares the logits of all classes."),
    ("two classes", {"predicted": "scores[..., :2].argmax(dim=-1)"}, "Only the first two classes are compared. The prediction may be any of the K classes."),
)  # fmt: skip

EXERCISES = [
    Exercise(
        name="pad_batch",
        notebook="12_fake_news",
        minutes=6,
        difficulty=2,
        reference="text.news.pad_batch",
        inputs=_sequence_inputs,
        returns={"ids": "B T", "lengths": "B"},
        gradient=False,
        dtype="integer",
        model=PAD_BATCH_MODEL,
        edits=tuple(Edit(*row) for row in PAD_BATCH),
        words=PAD_BATCH_WORDS,
        hints=(
            "T is the length of the longest sequence. Start from a (B, T) tensor that is all padding.",
            "Write each sequence into its own row, from the left; what is not written stays 0.",
            "The lengths come from the sequences themselves, before padding. Both results hold whole numbers.",
        ),
    ),
    Exercise(
        name="last_true_step",
        notebook="12_fake_news",
        minutes=4,
        difficulty=2,
        reference="layers.last_true_step",
        inputs=_last_step_inputs,
        returns={"h": "B H"},
        model=LAST_TRUE_STEP_MODEL,
        edits=tuple(Edit(*row) for row in LAST_TRUE_STEP),
        words={"rows": "the index of the row", "steps": "the index of the step", "h": "the result"},
        hints=(
            "Each sequence ends at a place of its own. One index for all of them will not do.",
            "A sequence with 5 true steps has them at 0, 1, 2, 3 and 4.",
            "Index with two tensors at once: which row of the batch, and which step in that row.",
        ),
    ),
    Exercise(
        name="masked_accuracy",
        notebook="12_fake_news",
        minutes=5,
        difficulty=2,
        reference="training.metrics.masked_accuracy",
        inputs=_accuracy_inputs,
        returns={"accuracy": ""},
        gradient=False,
        dtype="float",
        model=MASKED_ACCURACY_MODEL,
        edits=tuple(Edit(*row) for row in MASKED_ACCURACY),
        words=MASKED_ACCURACY_WORDS,
        hints=(
            "The prediction at a position is the class with the largest logit.",
            "Compare predictions and targets, and look only at the positions where keep is True.",
            "Divide the number of correct predictions at kept positions by that of kept positions, not by B times T.",
        ),
    ),
]
