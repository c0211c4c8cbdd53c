"""The stored results of the sweeps: one row a run, in CSV files that come with the lesson."""

import csv
import io
from collections.abc import Collection
from dataclasses import fields
from importlib.resources import files

import torch

from lstm_lesson.experiments.ablation import Run


def stored(file: str = "results.csv") -> dict[Run, dict]:
    """The rows of a sweep that comes with the lesson, by their run.

    "results.csv" is the ablation, which `make sweep` writes; "successors.csv" the table of notebook 17, which
    `make successors` writes.
    """
    text = (files("lstm_lesson.experiments") / file).read_text(encoding="utf-8")
    return dict(map(parsed, csv.DictReader(io.StringIO(text))))


def parsed(line: dict[str, str]) -> tuple[Run, dict]:
    """A run and its row, from a line of the file. Raises ValueError for other text where a number belongs."""
    settings = {field.name: field.type(line[field.name]) for field in fields(Run)}
    measured = {name: float(line[name]) for name in ("loss", "chance", "seconds")}  # seconds of processor time
    return Run(**settings), line | settings | measured


def below_chance(rows: Collection[dict], **settings) -> torch.Tensor:
    """How far below chance the loss of the rows with these settings is, in powers of ten, in the order of the seeds.

    0 means the loss of the best model without memory, 2 a hundredth of it -> (seeds,) float64.
    Raises ValueError where no row has the settings, or two rows have them with one seed.
    """
    found = {}
    for row in rows:
        if all(row[name] == value for name, value in settings.items()):
            if row["seed"] in found:
                raise ValueError(f"settings {settings} fit two rows with seed {row['seed']}; they need to name one run")
            found[row["seed"]] = row["chance"] / row["loss"]
    if not found:
        raise ValueError(f"settings {settings} fit no row of the {len(rows)}")
    return torch.tensor([found[seed] for seed in sorted(found)], dtype=torch.float64).log10()
