"""What one more token costs after T tokens: time, and the bytes of the state that is kept for it."""

import statistics
import time

import torch
from torch import nn

from lstm_lesson.successors import CausalAttention, CustomGRU, MinGRU

TITLE = "generation: milliseconds for one more token after T tokens, and the KiB of the state (one sequence, H = 64)"
MODELS = {
    "nn.LSTM": lambda: nn.LSTM(64, 64, batch_first=True),
    "CustomGRU": lambda: CustomGRU(64, 64),
    "minGRU": lambda: MinGRU(64, 64),
    "attention": lambda: CausalAttention(64, 64),
}
TOKENS = 101  # timed one by one; the median counts


@torch.no_grad()
def rows(_options):
    torch.manual_seed(0)
    models = {name: make() for name, make in MODELS.items()}
    for T in (64, 256, 1024, 4096, 16384):
        row = {"after": f"T = {T}"}
        for name, model in models.items():
            state = started(model, T)
            row[name] = f"{1000 * seconds_for_one(model, state):.3f} ms, {size(state) / 1024:.1f} KiB"
        yield row


def started(model, T):
    """The state after T tokens, which are read in parts: attention to all at once needs memory in T²."""
    state = None
    for part in torch.randn(1, T, 64).split(256, dim=1):
        _, state = model(part, state)
    return state


def seconds_for_one(model, state):
    times, x = [], torch.randn(1, 1, 64)
    for _ in range(TOKENS):  # each from the same state, so that T stays what it is
        start = time.perf_counter()
        model(x, state)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def size(state):
    """The bytes of a state: a tensor, or a tuple of tensors."""
    return state.nbytes if isinstance(state, torch.Tensor) else sum(map(size, state))
