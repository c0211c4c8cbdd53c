"""How the arguments of an exercise are drawn where an expression for each of them is not enough.

The expressions in `inputs` of an exercise may call these functions; `draw` is an `Inputs`.
"""

import torch

from lstm_lesson.cells import lstm_values


def rnn_step_back(draw):
    x_t, h_prev, W_xh, W_hh = draw("B N"), draw("B H"), draw("N H", 0.5), draw("H H", 0.5)
    h_t = (x_t @ W_xh + h_prev @ W_hh + draw("H")).tanh()
    return {"dh_t": draw.unbounded("B H", 1), "x_t": x_t, "h_prev": h_prev, "h_t": h_t, "W_xh": W_xh, "W_hh": W_hh}


def lstm_step_back(draw):
    x_t, h_prev, c_prev = draw("B N"), draw("B H"), draw.unbounded("B H")
    weights = draw.weights()
    values = tuple(lstm_values(x_t, h_prev, c_prev, weights))
    arriving = {"dh_t": draw.unbounded("B H", 1), "dc_t": draw.unbounded("B H", 1)}
    return arriving | {"x_t": x_t, "h_prev": h_prev, "c_prev": c_prev, "values": values, "weights": weights}


def series(draw, *shape):
    """Normal numbers of this shape. A series is longer than the T of the other exercises."""
    return (torch.randn(shape, generator=draw.random, dtype=torch.float64) * max(draw.scale, draw.reach)).to(draw.dtype)


def next_value(past):
    """A step that reads the last three values, in their order, and the mean of all; 0 stands for values before."""
    mean, past = past.mean(dim=1), torch.nn.functional.pad(past, (3, 0))
    return torch.tanh(1.1 * past[:, -1] - 0.6 * past[:, -2]) + 0.3 * past[:, -3] + 0.2 * mean


def sequences(draw):
    T = draw.sizes["T"]
    lengths = draw.integers(1, T + 3 if T > 1 else 1, "B").tolist()  # with T = 1 one word in every sequence
    lengths[0] = max(lengths[0], T)
    words = 30_000 if draw.reach else 9
    return {"sequences": [torch.tensor([(7 * k + n) * 1000 % words for k in range(n)]) for n in lengths]}


def values_and_labels(draw):
    draw.sizes["B"] = 7 + draw.index % 4  # a correlation needs several texts; no H is as large, so that B and H differ
    labels = draw.integers(0, 1, "B")
    labels[:2] = torch.tensor([0, 1])  # without both there is no correlation
    return {"values": draw.unbounded("B H"), "labels": labels}


def score(draw):
    w, v = draw("N"), draw.unbounded("T N", 1)
    return lambda x: torch.tanh(x @ w).cumsum(dim=1).prod(dim=1) + (x * v).sum(dim=(1, 2))


def differences(draw):
    """Multiples of 1/8, whose sums are exact and have ties; for n = 4 hundredths, whose sums lose ties to rounding."""
    eighths = draw.integers(-9, 9, "K").to(draw.dtype) / 8 * max(1, draw.reach)
    hundredths = torch.tensor([-0.21, -0.13, 0.34, 0.34], dtype=draw.dtype)
    return {"differences": hundredths if len(eighths) == 4 else eighths}


def next_character_batches(draw):
    B, T = draw.shape("B T")
    length = T * (2 + draw.index % 3) + 1 + draw.index % T  # of a row; a batch needs T + 1
    return {"ids": torch.randperm(B * length + draw.index % B, generator=draw.random), "B": B, "T": T}
