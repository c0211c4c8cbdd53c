"""minGRU and minLSTM with the scan, and minGRU with the loop, beside nn.LSTM: time against the number of steps."""

import itertools
import statistics

import torch
from min_lstm import MinLSTM
from torch import nn

from lstm_lesson.speed import fastest, ratios
from lstm_lesson.successors import MinGRU

TITLE = "scans: time of a forward and backward pass, divided by that of nn.LSTM (median of pairs, N = H = 64)"
SIZES = itertools.product((1, 8), (64, 128, 256, 512, 1024, 2048, 4096, 8192))  # B, T


def rows(options):
    for B, T in SIZES:
        torch.manual_seed(0)
        x, lstm, min_gru = torch.randn(B, T, 64, requires_grad=True), nn.LSTM(64, 64, batch_first=True), MinGRU(64, 64)
        models = {
            "minGRU": min_gru,
            "minLSTM": MinLSTM(64, 64),
            "minGRU, loop": lambda x, m=min_gru: m(x, parallel=False),
        }
        runs = {name: both_ways(model, x) for name, model in models.items()}
        found = ratios(runs, both_ways(lstm, x), options.seconds, at_least=5)
        row = {"size": f"B = {B}, T = {T}", "nn.LSTM": f"{1000 * fastest(both_ways(lstm, x)):.1f} ms"}
        yield row | {name: f"{statistics.median(own):.2f}" for name, own in found.items()}


def both_ways(model, x):
    return lambda: model(x)[0].sum().backward()
