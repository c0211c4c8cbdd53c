"""The stored results of the sweeps: one row a run, in CSV files that come with the lesson."""

import csv
from collections.abc import Collection
from dataclasses import fields
from importlib.resources import files

import torch

from lstm_lesson.experiments.ablation import Run


def stored(file: str = "results.csv") -> dict[Run, dict]:
    """The rows of "results.csv", which `make sweep` writes, or "successors.csv" (`make successors`), by their run."""
    text = (files("lstm_lesson.experiments") / file).read_text(encoding="utf-8")
    return dict(map(parsed, csv.DictReader(text.splitlines())))


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
    chosen = [row for row in rows if all(row[name] == value for name, value in settings.items())]
    found = {row["seed"]: row["chance"] / row["loss"] for row in chosen}
    if not chosen or len(found) < len(chosen):
        seeds = f"{len(chosen)} rows with {len(found)} seeds"
        raise ValueError(f"settings {settings} fit {seeds}; they need to fit one or more, each with a seed of its own")
    return torch.tensor([found[seed] for seed in sorted(found)], dtype=torch.float64).log10()
