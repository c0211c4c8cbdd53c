"""How time and memory of one forward and backward pass grow with the steps, the batch and the hidden size."""

import torch
from torch import nn

from lstm_lesson import CustomLSTM
from lstm_lesson.speed.profiling import bytes_saved, fastest, power_law_exponent

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
