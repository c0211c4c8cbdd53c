"""Time of every implementation relative to nn.LSTM, forward and backward, with the same weights and input."""

from statistics import median, quantiles

import torch
from plain import compiled
from torch import nn

from lstm_lesson import CustomLSTM
from lstm_lesson.speed import IMPLEMENTATIONS, fastest, no_compiler, ratios

TITLE = "forward + backward, how many times as long as nn.LSTM (median of paired runs; in brackets the middle half)"
SIZES = [(64, 64, 32), (128, 100, 32), (64, 100, 128), (64, 64, 512), (32, 200, 256)]  # B, T and N = H
COMPILED = SIZES[0]  # compiling takes longer than all the rest, so one size must do


def rows(options):
    compiles = not no_compiler()
    if not compiles:
        print(f"Not compiled: {no_compiler()}.\n")
    for device in ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]:
        for sizes in SIZES:
            theirs, ours, runs = runs_of_size(*sizes, device)
            if compiles:
                runs["compiled"] = None
            if compiles and sizes == COMPILED:
                runs["compiled"] = both_ways(compiled(), ours, theirs.x)
            yield row(sizes, device, theirs, runs, options.seconds)
    if not torch.cuda.is_available():
        print("\nNo GPU here: nothing beside cuDNN, and no CUDA graphs.")


class Beside:
    """nn.LSTM with its input: every implementation is compared with it."""

    def __init__(self, lstm, x):
        self.lstm, self.x = lstm, x

    def __call__(self):
        self.lstm(self.x)[0].sum().backward()
        finish(self.x)


def runs_of_size(B, T, H, device):
    """nn.LSTM, a CustomLSTM with the same weights, and for every implementation a function that runs it."""
    torch.manual_seed(0)
    x = torch.randn(B, T, H, device=device, requires_grad=True)
    theirs = Beside(nn.LSTM(H, H, batch_first=True, device=device), x)
    ours = CustomLSTM.from_torch(theirs.lstm)
    if not torch.allclose(ours(x)[0], theirs.lstm(x)[0], atol=1e-5):
        raise AssertionError(f"CustomLSTM and nn.LSTM differ at B, T, H = {B}, {T}, {H}")
    runs = {name: both_ways(run, ours, x) for name, run in IMPLEMENTATIONS.items()}
    runs["CustomLSTM"] = as_layer(ours, x)
    if device == "cuda":
        runs["CUDA graph"] = as_layer(torch.cuda.make_graphed_callables(ours, (x,)), x)
    return theirs, ours, runs


def both_ways(implementation, ours, x):
    zeros = x.new_zeros(len(x), ours.hidden_size)

    def run():
        implementation(x, zeros, zeros, ours.cells[0].weights)[0].sum().backward()
        finish(x)

    return run


def as_layer(layer, x):
    def run():
        layer(x)[0].sum().backward()
        finish(x)

    return run


def finish(x):
    if x.is_cuda:
        torch.cuda.synchronize()


def row(sizes, device, theirs, runs, seconds):
    found = ratios({name: run for name, run in runs.items() if run}, theirs, seconds)
    cells = {name: spread(found[name]) if name in found else "" for name in runs}
    return {
        "batch, steps, input = hidden size": f"{', '.join(map(str, sizes))} on {device}",
        **cells,
        "nn.LSTM": f"{1000 * fastest(theirs):.1f} ms",
        "rounds": str(len(found["CustomLSTM"])),
    }


def spread(values):
    low, _, high = quantiles(values, n=4)
    return f"{median(values):.2f}× ({low:.2f}–{high:.2f})"
