"""What is computed in the exercises of notebook 12: their inputs."""

import torch


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


CODE = {
    "pad_batch": {"inputs": _sequence_inputs},
    "last_true_step": {"inputs": _last_step_inputs},
    "masked_accuracy": {"inputs": _accuracy_inputs},
}
