"""The exercises of notebook 12: padding a batch, the last true step of each sequence, and accuracy without padding."""

import torch

from lstm_lesson.exercises.exercise import Exercise, Mistake


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


def _padded(sequences, left=False, fill=0, longest=max):
    T = longest(len(s) for s in sequences)
    ids = torch.full((len(sequences), T), fill)
    for row, s in zip(ids, sequences, strict=True):
        s = s[:T]
        row[T - len(s) if left else 0 : T if left else len(s)] = s
    return ids


def _lengths(sequences):
    return torch.tensor([len(s) for s in sequences])


PAD_BATCH_MISTAKES = (
    Mistake(lambda seqs: (_padded(seqs, left=True), _lengths(seqs)), "The padding stands on the left. Here each sequence begins at step 0, and the zeros follow it."),
    Mistake(lambda seqs: (_padded(seqs), (_padded(seqs) != 0).sum(dim=1)), "`lengths` counts what is not 0. A sequence may hold a 0 of its own: how long was it before padding?"),
    Mistake(lambda seqs: (_padded(seqs), torch.full((len(seqs),), max(map(len, seqs)))), "`lengths` holds the padded length for all. How long was each sequence before padding?"),
    Mistake(lambda seqs: (_padded(seqs), _lengths(seqs) - 1), "`lengths` is one too small: that is the index of the last entry. How many entries are there?"),
    Mistake(lambda seqs: (_padded(seqs, longest=min), _lengths(seqs).clamp(max=min(map(len, seqs)))), "Everything is cut to the shortest sequence. T is the length of the longest."),
    Mistake(lambda seqs: (_padded(seqs, longest=min), _lengths(seqs)), "`ids` is cut to the shortest sequence. T is the length of the longest."),
    Mistake(lambda seqs: (_padded(seqs, fill=-1), _lengths(seqs)), "The padding is −1; here it is 0."),
    Mistake(lambda seqs: (_padded(seqs, fill=1), _lengths(seqs)), "The padding is 1, which is a word; here it is 0."),
    Mistake(lambda seqs: (_padded(seqs).T, _lengths(seqs)), "`ids` is (T, B): time stands first. Here the batch comes first."),
    Mistake(lambda seqs: (_padded(s := sorted(seqs, key=len, reverse=True)), _lengths(s)), "The sequences are sorted by length. They have to stay in the order in which they came."),
    Mistake(lambda seqs: (_padded(s := sorted(seqs, key=len)), _lengths(s)), "The sequences are sorted, shortest first. They have to stay in the order in which they came."),
    Mistake(lambda seqs: (torch.nn.functional.pad(_padded(seqs), (0, 1)), _lengths(seqs)), "There is one column of padding too many. T is the length of the longest sequence."),
)

LAST_TRUE_STEP_MISTAKES = (
    Mistake(lambda seq, n: seq[:, -1], "`[:, -1]` is the last step of the batch, which for a shorter sequence is padding. Where does each one end?"),
    Mistake(lambda seq, n: seq[torch.arange(len(n)), n], "One step too late: your index is the length itself. Steps count from 0."),
    Mistake(lambda seq, n: seq[torch.arange(len(n)), n.clamp(max=seq.shape[1] - 1)], "One step too late: your index is the length itself. Steps count from 0, and clamping hides it at the end."),
    Mistake(lambda seq, n: seq[torch.arange(len(n)), n - 2], "One step too early: look at what you take from the length."),
    Mistake(lambda seq, n: seq[:, 0], "That is the first step of each sequence."),
    Mistake(lambda seq, n: seq[:, n - 1], "`[:, index]` takes every index from every row, (B, B, H). Say for each row which step is its own."),
    Mistake(lambda seq, n: seq[n - 1], "`lengths` indexes the batch here. The batch comes first: which dimension is time?"),
    Mistake(lambda seq, n: seq[:, n.max() - 1], "One step for all: the end of the longest sequence. For the others that is padding."),
    Mistake(lambda seq, n: seq[:, n.min() - 1], "One step for all: the end of the shortest sequence. The others go on."),
    Mistake(lambda seq, n: torch.stack([s[:k].mean(dim=0) for s, k in zip(seq, n, strict=True)]), "That is the mean over each sequence's true steps. Only the last of them is wanted."),
    Mistake(lambda seq, n: torch.stack([s[:k].sum(dim=0) for s, k in zip(seq, n, strict=True)]), "That is the sum over each sequence's true steps. Only the last of them is wanted."),
    Mistake(lambda seq, n: torch.stack([s[:k].amax(dim=0) for s, k in zip(seq, n, strict=True)]), "That is the largest value over each sequence's true steps. Only the last of them is wanted."),
    Mistake(lambda seq, n: seq.mean(dim=1), "That is the mean over all steps, padding included."),
    Mistake(lambda seq, n: seq[torch.arange(len(n)), -n], "The lengths are counted from the end. The padding stands there: count from the start."),
    Mistake(lambda seq, n: seq[0, n - 1], "Every row comes from the first sequence. Which row of the batch does each one need?"),
    Mistake(lambda seq, n: seq[torch.arange(len(n)), n - 1, None], "A dimension of size 1 is left where time was. One step has no time dimension: (B, H)."),
)


def _correct(logits, targets):
    return logits.argmax(dim=-1) == targets


MASKED_ACCURACY_MISTAKES = (
    Mistake(lambda logits, targets, keep: _correct(logits, targets).double().mean(), "Padding is counted, too. Only positions where `keep` is True belong into numerator and denominator."),
    Mistake(lambda logits, targets, keep: (_correct(logits, targets) & keep).double().mean(), "You divide by all B · T positions, so padding counts as wrong. How many positions are kept?"),
    Mistake(lambda logits, targets, keep: _correct(logits, targets)[~keep].double().mean(), "The mask is read the wrong way round: that is the share on the padding."),
    Mistake(lambda logits, targets, keep: (_correct(logits, targets) & keep).sum().double(), "That is a count. A share is divided by the number of kept positions."),
    Mistake(lambda logits, targets, keep: 100 * _correct(logits, targets)[keep].double().mean(), "That is in percent. A share lies between 0 and 1."),
    Mistake(lambda logits, targets, keep: 1 - _correct(logits, targets)[keep].double().mean(), "That is the share of wrong predictions."),
    Mistake(lambda logits, targets, keep: _correct(-logits, targets)[keep].double().mean(), "The prediction is taken from the smallest logit. Take the largest."),
    Mistake(lambda logits, targets, keep: ((_correct(logits, targets) & keep).sum(dim=1) / keep.sum(dim=1)).double().mean(), "Each sequence gets its own share, and the shares are averaged: short ones weigh too much."),
    Mistake(lambda logits, targets, keep: (_correct(logits, targets) | ~keep).double().mean(), "Padding is counted as right. It should not be counted at all."),
    Mistake(lambda logits, targets, keep: _correct(logits, targets).sum() / keep.sum(), "The numerator counts padding, the denominator does not."),
    Mistake(lambda logits, targets, keep: (logits.argmax(dim=1) == targets)[keep].double().mean(), "The prediction is taken along the wrong dimension. The classes are the last one."),
    Mistake(lambda logits, targets, keep: _correct(logits, targets * keep)[keep.new_ones(keep.shape)].double().mean(), "At padded positions you compare with class 0, and count them. They should not be counted at all."),
    Mistake(lambda logits, targets, keep: logits.softmax(dim=-1).gather(-1, targets[..., None])[..., 0][keep].mean(), "That is the mean probability of the true class. An accuracy asks only whether it was the largest."),
)


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
        mistakes=PAD_BATCH_MISTAKES,
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
        mistakes=LAST_TRUE_STEP_MISTAKES,
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
        mistakes=MASKED_ACCURACY_MISTAKES,
        hints=(
            "The prediction at a position is the class with the largest logit.",
            "Compare predictions and targets, and look only at the positions where keep is True.",
            "Divide the number of correct predictions at kept positions by that of kept positions, not by B times T.",
        ),
    ),
]
