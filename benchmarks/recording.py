"""Time of `record`, relative to the forward pass that it records."""

from statistics import median

import torch
from torch import nn

from lstm_lesson import CustomLSTM, record
from lstm_lesson.speed import fastest, ratios

TITLE = "record: its time, divided by that of the forward pass alone (B, T, N = H: 1, 60, 32)"
LAYERS = {
    "nn.LSTM": nn.LSTM(32, 32, batch_first=True),
    "nn.GRU": nn.GRU(32, 32, batch_first=True),
    "CustomLSTM": CustomLSTM(32, 32),
}


def rows(options):
    torch.manual_seed(0)
    x = torch.randn(1, 60, 32)
    for name, layer in LAYERS.items():

        @torch.no_grad()
        def forward(layer=layer):
            layer(x)

        def recorded(layer=layer):
            record(layer, x)

        pairs = ratios({"record": recorded}, forward, options.seconds)["record"]
        times = {"record": fastest(recorded, 100), "forward": fastest(forward, 100)}
        yield {
            "layer": name,
            "median of pairs": f"{median(pairs):.1f}",
            "of the fastest": f"{times['record'] / times['forward']:.1f}",
            **{key: f"{1000 * seconds:.2f} ms" for key, seconds in times.items()},
        }
