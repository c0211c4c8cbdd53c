"""The stored results of the ablation: one row a run, in a CSV file that comes with the lesson."""

import csv
import io
from collections.abc import Collection
from dataclasses import fields
from importlib.resources import files
from pathlib import Path

import torch

from lstm_lesson.experiments.ablation import Run

SETTINGS = {field.name: field.type for field in fields(Run)}
NUMBERS = ("loss", "chance", "seconds")  # seconds of processor time
COLUMNS = (*SETTINGS, *NUMBERS, "torch", "python", "date", "command")


def stored(path: Path | str | None = None) -> dict[Run, dict]:
    """The rows of a sweep's file, by their run; without `path` those of the full sweep that comes with the lesson.

    A missing file gives no rows. An incomplete last line, left by a sweep that was stopped while it wrote, is ignored.
    Raises ValueError for a file with other columns, a line that cannot be read, or a run that occurs twice.
    """
    path = files("lstm_lesson.experiments") / "results.csv" if path is None else Path(path)
    if not path.is_file():
        return {}
    text, rows = path.read_text(encoding="utf-8"), {}
    lines = list(csv.reader(io.StringIO(text[: text.rfind("\n") + 1])))
    if lines and tuple(lines[0]) != COLUMNS:
        raise ValueError(f"{path.name} has the columns {', '.join(lines[0])}; it needs {', '.join(COLUMNS)}")
    for number, line in enumerate(lines[1:], start=2):
        try:
            row = dict(zip(COLUMNS, line, strict=True))
            row |= {name: kind(row[name]) for name, kind in SETTINGS.items()}
            row |= {name: float(row[name]) for name in NUMBERS}
        except ValueError as error:
            raise ValueError(f"line {number} of {path.name} is no row of a sweep: {error}; delete that line") from error
        run = Run(*(row[name] for name in SETTINGS))
        if run in rows:
            raise ValueError(f"line {number} of {path.name} has a run that is there before; delete one of the two")
        rows[run] = row
    return rows


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
