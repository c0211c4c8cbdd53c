"""How time and memory of one forward and backward pass grow with the steps, the batch and the hidden size."""

import math
import statistics
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from lstm_lesson import CustomLSTM
from lstm_lesson.speed import fastest

TITLE = "growth: the exponent p of a power law, time ~ size**p (fitted to the fastest of several runs at each size)"
START = {"T": 100, "B": 16, "H": 32}
SIZES = {"T": [125, 250, 500, 1000, 2000], "B": [16, 32, 64, 128, 256], "H": [32, 64, 128, 256, 512]}


def rows(options):
    for letter, sizes in SIZES.items():
        settings = [START | {letter: size} for size in sizes]
        for name, make in {"CustomLSTM": CustomLSTM, "nn.LSTM": nn.LSTM}.items():
            models = [case(make, **setting) for setting in settings]
            times = [fastest(both_ways(*model)) for model in models]
            memory = [bytes_saved(lambda m=model: m[0](m[1]), list(model[0].parameters())) for model in models]
            yield {
                "what grows": f"{name}, {letter} from {sizes[0]} to {sizes[-1]}",
                "time": f"{power_law_exponent(sizes, times):.2f}",
                "kept for backward": f"{power_law_exponent(sizes, memory):.2f}" if min(memory) else "unknown",
                "first": f"{1000 * times[0]:.1f} ms",
                "last": f"{1000 * times[-1]:.1f} ms",
            }


def case(make, T, B, H):
    torch.manual_seed(0)
    options = {"batch_first": True} if make is nn.LSTM else {}
    return make(H, H, **options), torch.randn(B, T, H, requires_grad=True)


def both_ways(model, x):
    return lambda: model(x)[0].sum().backward()


def bytes_saved(function: Callable[[], object], besides: Sequence[Tensor] = ()) -> int:
    """The bytes that autograd keeps for the backward pass of the result of `function`.

    Memory that several tensors share counts once, and memory of the tensors in `besides` does not count.
    """
    known = {tensor.untyped_storage().data_ptr() for tensor in besides}
    saved = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            saved[storage.data_ptr()] = storage
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        result = function()
    del result
    return sum(storage.nbytes() for storage in saved.values())


def power_law_exponent(x: Sequence[float], y: Sequence[float]) -> float:
    """The exponent p of the power law y ~ x**p that fits best: the slope of a straight line through log x and log y.

    >>> round(power_law_exponent([1, 10, 100], [5, 500, 50_000]), 6)
    2.0
    """
    return statistics.linear_regression(*([math.log(v) for v in values] for values in (x, y))).slope
