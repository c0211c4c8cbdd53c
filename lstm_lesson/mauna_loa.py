"""A real series to forecast: the carbon dioxide in the air over Mauna Loa, month by month."""

import csv
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from lstm_lesson.download import find

FILE = "co2/co2-concentration.csv"


class Series(NamedTuple):
    """One value a month, none missing: values (T,) float64 in ppm, and the time of each, years (T,) float64."""

    values: Tensor
    years: Tensor


def load_co2(folder: str | Path | None = None) -> Series:
    """Monthly means of the carbon dioxide at Mauna Loa Observatory, Hawaii, in parts per million.

    The longest stretch without a missing month: May 1964 to April 2020. Measured by the Scripps CO2 Program (Keeling
    et al. 2001), under Creative Commons Attribution 4.0; the file is the one that the collection vega-datasets keeps.
    It is downloaded once, checked by SHA-256 and kept, in the places that `text.load_news` names.
    Raises OSError if the file can't be had unharmed.
    """
    with find(FILE, folder).open(encoding="utf-8", newline="") as file:
        rows = [
            (int(row["Date"][:4]) * 12 + int(row["Date"][5:7]) - 1, float(row["CO2"])) for row in csv.DictReader(file)
        ]
    first, best = 0, (0, 0)
    for k in range(1, len(rows) + 1):
        if k == len(rows) or rows[k][0] != rows[k - 1][0] + 1:  # a month is missing before this row
            best, first = max(best, (first, k), key=lambda stretch: stretch[1] - stretch[0]), k
    months, values = zip(*rows[slice(*best)], strict=True)
    return Series(torch.tensor(values, dtype=torch.float64), torch.tensor(months, dtype=torch.float64) / 12)
