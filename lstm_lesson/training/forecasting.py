"""Forecasting: windows, free running, autoregression, and an LSTM forecaster.

A one-step forecast is a function, called `step` here: all of the past (B, T), oldest first -> the next value (B,).
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lstm_lesson.layers import CustomLSTM
from lstm_lesson.shapes import check_instance, check_number, check_shapes, check_size, check_sizes
from lstm_lesson.training.loop import ProgressLine, check_loss, training_steps

Step = Callable[[Tensor], Tensor]  # the past (B, T) -> the next value (B,)


def windows(series: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Every window of `length` values, and the value that follows it.

    series (T,) -> past (T − length, length), oldest value first, following (T − length,).
    Raises ValueError for a length below 1, or a series that is not longer than one window.

    >>> past, following = windows(torch.tensor([1.0, 2.0, 3.0, 4.0]), 2)
    >>> past.tolist(), following.tolist()
    ([[1.0, 2.0], [2.0, 3.0]], [3.0, 4.0])
    """
    check_shapes(series=(series, "T"))
    check_size("length", length)
    if length >= len(series):
        raise ValueError(f"series has {len(series)} values; it needs more than length = {length}")
    return series.unfold(0, length, 1)[:-1], series[length:]


def free_run(step: Step, start: Tensor, n: int) -> Tensor:
    """Continue a series by n values: each forecast is appended to the past that the next forecast reads.

    `step` maps the past (B, T) to the next value (B,); start (B, T) -> the n values that follow, (B, n).
    Raises ValueError if start is not (B, T), if n is below 1, or a step returns another shape than (B,).
    """
    check_shapes(start=(start, "B T"))
    check_size("n", n)
    past, size = start, len(start)
    for _ in range(n):
        following = step(past)
        if following.shape != (size,):
            raise ValueError(f"step returns shape {tuple(following.shape)}; it needs (B,) = ({size},)")
        past = torch.cat([past, following[:, None]], dim=1)
    return past[:, start.shape[1] :]


def autoregression(series: Tensor, lags: int) -> Step:
    """Fit a linear forecast to a series by least squares: a weighted sum of the last `lags` values plus a constant.

    series (T,) -> a step: past (B, T) -> (B,). Source: Yule 1927.
    Raises ValueError for lags below 1, a series with fewer windows than weights, and a past of fewer values than lags.
    """
    past, following = windows(series, lags)
    if len(following) <= lags:
        raise ValueError(f"series has {len(series)} values; it needs at least {2 * lags + 1} for {lags} lags")
    inputs = torch.cat([past, torch.ones_like(past[:, :1])], dim=1)  # (T − lags, lags + 1)
    found = torch.linalg.lstsq(inputs, following[:, None], driver="gelsd").solution[:, 0]  # the shortest of several

    def step(past: Tensor) -> Tensor:
        check_shapes(past=(past, "B T"))
        if past.shape[1] < lags:
            raise ValueError(f"past has {past.shape[1]} values; it needs at least {lags}")
        return past[:, -lags:] @ found[:-1] + found[-1]

    return step


def rmse(forecast: Tensor, truth: Tensor) -> Tensor:
    """The root of the mean squared error at each horizon: forecast, truth (B, n) -> (n,), in the series' unit."""
    check_shapes(forecast=(forecast, "B n"), truth=(truth, "B n"))
    return (forecast - truth).square().mean(dim=0).sqrt()


class Forecaster(nn.Module):
    """An LSTM that predicts the next value at each step: x (B, T) -> (B, T).

    It builds a CustomLSTM by default; `lstm` may be any that maps (B, T, 1) to (B, T, H), such as a `torch.nn.LSTM`.
    """

    def __init__(self, hidden_size: int = 16, lstm: nn.Module | None = None):
        super().__init__()
        self.lstm = CustomLSTM(1, hidden_size) if lstm is None else lstm
        self.linear = nn.Linear(self.lstm.hidden_size, 1)

    def forward(self, x: Tensor) -> Tensor:
        check_shapes(x=(x, "B T"))
        hidden_seq, _ = self.lstm(x[:, :, None])  # (B, T, H)
        return self.linear(hidden_seq)[:, :, 0]

    @torch.no_grad()
    def step(self, past: Tensor) -> Tensor:
        """The forecast after the whole past: (B, T) -> (B,). A step for `free_run`."""
        return self(past)[:, -1]

    def run_on(self, past: Tensor, n: int) -> Tensor:
        """The same as free_run(self.step, past, n), (B, T) -> (B, n), but quicker, and a gradient passes through it."""
        check_shapes(past=(past, "B T"))
        read, state, forecasts = past, None, []
        for _ in range(n):
            hidden_seq, state = self.lstm(read[:, :, None], state)
            read = self.linear(hidden_seq[:, -1])  # (B, 1): its own forecast is what it reads next
            forecasts.append(read)
        return torch.cat(forecasts, dim=1)


def fit(model: Forecaster, series: Tensor, steps: int = 200, window: int = 40, lr: float = 0.01, batch_size: int = 32,
        seed: int = 0, warm: int = 8, own: int = 0, label: str = "") -> list[float]:  # fmt: skip
    """Train a forecaster with Adam to predict the next value from the true past; return the loss of every step.

    series (T,), or several of them (S, T). A step takes `batch_size` windows of `window` values at random places
    that `seed` fixes. The loss is the mean squared error without the first `warm` forecasts of each window, which
    have a short past. With `own` above 0 it is the error of the last `own` values of each window alone, which the
    model forecasts one after another from its own output (`run_on`). Gradients are clipped to a global norm of 1.
    A line shows loss and time left. A KeyboardInterrupt ends the training early; the model ends in evaluation mode.
    Raises ValueError for numbers out of range, a series of at most `window` values, and a loss that is not finite.
    """
    check_instance("model", model)
    check_sizes(steps=steps, window=window, batch_size=batch_size)
    series = series if series.ndim == 2 else series[None]
    check_shapes(series=(series, "S T"))
    if series.shape[1] <= window:
        raise ValueError(f"series has {series.shape[1]} values; it needs more than window = {window}")
    check_size("warm", warm, 0, window - 1)
    check_size("own", own, 0, window - 1)
    check_number("lr", lr, 0, math.inf)
    windows = series.unfold(1, window + 1, 1).reshape(-1, window + 1)
    random, adam = torch.Generator().manual_seed(seed), torch.optim.Adam(model.parameters(), lr=lr)
    batches = (windows[torch.randint(len(windows), (batch_size,), generator=random)] for _ in range(steps))

    def squared_error(batch):
        if own:
            return (model.run_on(batch[:, :-own], own) - batch[:, -own:]).square().mean()
        return (model(batch[:, :-1]) - batch[:, 1:])[:, warm:].square().mean()

    line, losses = ProgressLine(label, on=bool(label), steps=steps), []
    model.train()
    try:
        for _, loss in training_steps(adam, batches, squared_error, clip=1.0):
            losses.append(check_loss(loss.item()))
            line.step(f"step {len(losses)} of {steps} · loss {losses[-1]:.4f}")
    except KeyboardInterrupt:
        pass  # what is learned stays, and the line below says after how many steps
    finally:
        model.eval()
    line.last(f"loss {losses[-1] if losses else math.nan:.4f} after {len(losses)} steps · {line.seconds:.1f} s")
    return losses
