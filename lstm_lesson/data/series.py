"""Series to forecast: a sine wave, the chaotic Lorenz system, and the carbon dioxide measured at Mauna Loa."""

import csv
import math
from collections.abc import Callable

import torch
from torch import Tensor

from lstm_lesson.data.download import find
from lstm_lesson.shapes import check_number, check_sizes

FILE = "co2/co2-concentration.csv"


def sine(batch: int, steps: int, generator: torch.Generator | None = None) -> Tensor:
    """Sine waves of amplitude 1, each with its own period and phase.

    -> (B, T). The period is uniform between 20 and 40 steps, the phase over the whole circle. Always answering 0, the
    mean, has an expected squared error of exactly 1/2; answering with the value before (persistence) has 2 sin²(π/P) at
    period P. Two values before are enough to be exact: s_t = 2 cos(2π/P) s_(t−1) − s_(t−2).
    Raises ValueError for a batch or steps below 1.
    """
    check_sizes(batch=batch, steps=steps)
    period = 20 + 20 * torch.rand(batch, 1, generator=generator, dtype=torch.float64)
    phase = torch.rand(batch, 1, generator=generator, dtype=torch.float64)  # in whole turns
    turns = torch.arange(steps, dtype=torch.float64) / period + phase  # (B, T)
    return torch.sin(2 * math.pi * turns).float()


def lorenz(batch: int, steps: int, generator: torch.Generator | None = None, dt: float = 0.05) -> Tensor:
    """The Lorenz system, observed every `dt`: a chaotic series, three numbers (x, y, z) a step.

        x' = 10 (y − x)      y' = x (28 − z) − y      z' = x y − (8/3) z

    -> (B, T, 3), float32, from random starts; the first 20 units of time are dropped, so that the series lies
    on the attractor. Integrated in float64 by Runge–Kutta steps of at most 0.01. Two starts that differ by d are
    about d·e^(0.9 t) apart after a time t, up to the distance of two random states: no long forecast works.
    Over a long run the mean of x is 0 (the equations stay the same if x and y change sign), and the mean of x² is
    8/3 times the mean of z: that is the mean squared error of always answering 0 for x.
    Source: Lorenz 1963. Raises ValueError for a batch or steps below 1 and unless 0 < dt <= 1.
    """
    check_sizes(batch=batch, steps=steps)
    check_number("dt", dt, above=0, most=1)
    state = torch.randn(batch, 3, generator=generator, dtype=torch.float64) + torch.tensor([0.0, 0.0, 25.0])
    for _ in range(2000):  # 20 units of time
        state = rk4_step(lorenz_slope, state, 0.01)
    small = math.ceil(dt / 0.01 - 1e-9)  # Runge–Kutta steps between two observations
    seen = [state]
    for _ in range(steps - 1):
        for _ in range(small):
            state = rk4_step(lorenz_slope, state, dt / small)
        seen.append(state)
    return torch.stack(seen, dim=1).float()


def lorenz_slope(state: Tensor) -> Tensor:
    """How fast the Lorenz system moves at a point: (…, 3) -> (…, 3). Source: Lorenz 1963."""
    x, y, z = state.unbind(-1)
    return torch.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z], dim=-1)


def rk4_step(slope: Callable[[Tensor], Tensor], state: Tensor, dt: float) -> Tensor:
    """One step of the classical Runge–Kutta method: where `state` is after `dt`, if it moves by `slope(state)`.

    state: any shape -> the same. The error of a step is of order dt⁵, over a fixed time dt⁴. Source: Kutta 1901.
    """
    k1 = slope(state)
    k2 = slope(state + dt / 2 * k1)
    k3 = slope(state + dt / 2 * k2)
    k4 = slope(state + dt * k3)
    return state + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def load_co2() -> tuple[Tensor, Tensor]:
    """Monthly means of the carbon dioxide at Mauna Loa Observatory, Hawaii, in parts per million.

    -> the values (T,) float64, one a month, and the time of each in years (T,) float64. No month is missing: it is the
    longest such period, May 1964 to April 2020. Measured by the Scripps CO2 Program (Keeling et al. 2001), under
    Creative Commons Attribution 4.0; the file is the one that the collection vega-datasets keeps.
    It is downloaded once, checked by SHA-256 and kept, in the places that `text.load_news` names.
    Raises NewsUnavailable, an OSError, if the file cannot be downloaded or is damaged.
    """
    with find(FILE).open(encoding="utf-8", newline="") as file:
        months = [row for row in csv.DictReader(file) if "1964-05" <= row["Date"] < "2020-05"]
    years = (1964 * 12 + 4 + torch.arange(len(months), dtype=torch.float64)) / 12
    return torch.tensor([float(month["CO2"]) for month in months], dtype=torch.float64), years
