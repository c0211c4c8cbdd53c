"""CustomLSTM beside nn.LSTM: the same weights, the same input, one run of each in turn."""

import time
from statistics import median, quantiles

import torch
from torch import nn

from lstm_lesson import CustomLSTM

TITLE = "CustomLSTM / nn.LSTM: how many times as long (median of paired runs; in brackets the middle half)"
SIZES = [(64, 64, 32), (128, 100, 32), (64, 100, 128), (64, 64, 512), (32, 200, 256)]  # B, T and N = H


def rows(options):
    for B, T, H in SIZES:
        torch.manual_seed(0)
        theirs = nn.LSTM(H, H, batch_first=True)
        ours = CustomLSTM.from_torch(theirs)
        x = torch.randn(B, T, H, requires_grad=True)
        if not torch.allclose(ours(x)[0], theirs(x)[0], atol=1e-5):
            raise AssertionError(f"CustomLSTM and nn.LSTM differ at B, T, H = {B}, {T}, {H}")
        forward, forward_ms = ratios(run_forward, ours, theirs, x, options.seconds / 2)
        both, both_ms = ratios(run_both, ours, theirs, x, options.seconds / 2)
        yield {
            "batch, steps, input = hidden size": f"{B}, {T}, {H}",
            "forward": spread(forward),
            "forward + backward": spread(both),
            "nn.LSTM forward": f"{forward_ms:.1f} ms",
            "nn.LSTM both": f"{both_ms:.1f} ms",
            "pairs": f"{len(forward)}, {len(both)}",
        }


def run_forward(model, x):
    with torch.no_grad():
        model(x)


def run_both(model, x):
    model(x)[0].sum().backward()


def ratios(run, ours, theirs, x, seconds, at_least=3):
    """The ratio of each pair, and the median time of `theirs` in milliseconds."""
    for model in (ours, theirs):
        run(model, x)  # the first run pays for memory and for starting threads
    found, times, end = [], [], time.perf_counter() + seconds
    while len(found) < at_least or time.perf_counter() < end:
        pair = [seconds_of(run, model, x) for model in (ours, theirs)]
        found.append(pair[0] / pair[1])
        times.append(pair[1])
    return found, 1000 * median(times)


def seconds_of(run, model, x):
    start = time.perf_counter()
    run(model, x)
    return time.perf_counter() - start


def spread(values):
    low, middle, high = quantiles(values, n=4)
    return f"{middle:.1f}× ({low:.1f}–{high:.1f})"
