"""Read the weights out of a class that a learner wrote, so that `record` and the inspector can show its gates."""

import re

import torch
from torch import Tensor, nn

from lstm_lesson.exercises.examination import examine
from lstm_lesson.layers import CustomLSTM

PLACE = re.compile(r"([\w.]+?)(?:\[([^]]*)\])?(\.T)?(?: \+ |$)")  # "gates.weight[0:3].T": a tensor, a block, turned


def as_custom_lstm(layer: nn.Module, input_size: int, hidden_size: int) -> CustomLSTM:
    """A CustomLSTM with the weights of a layer whose class a learner wrote; `examine` finds which weight is which.

    `layer` is made as MyLSTM(input_size, hidden_size) and called as layer(x) -> hidden_seq, states.
    Raises ValueError if its class is no LSTM, or if the two layers do not compute the same.
    """
    found = examine(type(layer))  # of a small instance: N = 2, H = 3
    if not found.passed:
        raise ValueError(f"layer is no LSTM that `examine` passes: {found.message}")
    own, tensors = CustomLSTM(input_size, hidden_size), dict(layer.named_parameters())
    x = torch.randn(2, 5, input_size)
    with torch.no_grad():
        try:
            for name, weight in own.cells[0].weights.items():
                here = (_block(tensors[k], index, turned, input_size, hidden_size)
                        for k, index, turned in PLACE.findall(found.weights.get(name, "")))  # fmt: skip
                weight.copy_(sum((block.reshape(weight.shape) for block in here), torch.zeros_like(weight)))
            same = torch.allclose(layer(x)[0], own(x)[0], atol=1e-4)
        except (KeyError, IndexError, RuntimeError):  # blocks that do not grow with N and H
            same = False
    if not same:
        raise ValueError(f"layer is {type(layer).__name__}; its weights could not be read by their places in it")
    return own


def _block(tensor: Tensor, index: str, turned: str, N: int, H: int) -> Tensor:
    """The block that `index` names where N = 2 and H = 3, in a tensor of other sizes."""
    parts = [[int(k) if k else None for k in part.split(":")] for part in index.split(", ") if part]
    slices = [part[0] if len(part) == 1 else slice(part[0], None, part[2]) if len(part) == 3 else
              slice(*(k if k is None else k // 3 * H + (k % 3 == 2) * N for k in part)) for part in parts]  # fmt: skip
    block = tensor[tuple(slices)]
    return block.T if turned else block
