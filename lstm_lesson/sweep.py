"""Many small trainings, a row of a CSV file each: on all cores or on a Dask cluster, resumed where they stopped.

`make sweep` runs the full sweep, `make sweep SCHEDULER=tcp://HOST:PORT` the same on a cluster whose workers have this
package installed.
"""

import argparse
import csv
import datetime
import io
import os
import platform
from collections.abc import Collection, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from importlib.resources import files
from pathlib import Path

import joblib
import torch

from lstm_lesson.training.progress_line import ProgressLine
from lstm_lesson.trials import TASKS, Run, full_grid, trained

SETTINGS = {field.name: field.type for field in fields(Run)}
COLUMNS = (*SETTINGS, "loss", "chance", "torch", "python", "date", "command")


def sweep(runs: Sequence[Run], path: Path | str | None = None, workers: int = -1, scheduler: str | None = None,
          command: str = "", progress: bool = True) -> list[dict]:  # fmt: skip
    """Train every run that `path` does not hold yet, and return one row a run, in the order of `runs`.

    A row is a Run's fields, its `loss` beside that of `chance`, the versions, the date and `command`. With `path`,
    each row is appended to that CSV file as soon as it is there; an interrupted sweep takes up where it stopped.
    Through joblib: on `workers` processes (-1: one a core), or on the Dask cluster of `scheduler`, tcp://HOST:PORT.
    Raises ValueError for runs that come twice, and for a file that is not a sweep's.
    """
    runs, rows = list(runs), {} if path is None else stored(path)
    if len(set(runs)) < len(runs):
        raise ValueError(f"runs has {len(runs) - len(set(runs))} runs twice; it needs each one once")
    todo = [run for run in runs if run not in rows]
    line = ProgressLine("sweep", progress and bool(todo), steps=len(todo))
    with _backend(scheduler):
        parallel = joblib.Parallel(n_jobs=workers, batch_size=1, return_as="generator_unordered")
        for run, loss in parallel(joblib.delayed(trained)(run) for run in todo):
            rows[run] = _row(run, loss, command)
            if path is not None:
                _append(Path(path), rows[run])
            line.step(f"{line.done + 1} of {len(todo)} runs")
    line.last(f"{len(todo)} runs · {line.seconds:.0f} s")
    return [rows[run] for run in runs]


@contextmanager
def _backend(scheduler):
    """joblib on this machine's cores, or on a Dask cluster."""
    if scheduler is None:
        yield
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError("scheduler needs a package that is not here: pip install distributed") from error
    with Client(scheduler) as client, joblib.parallel_config(backend="dask", client=client):
        yield


def _row(run, loss, command):
    made = {"torch": torch.__version__.split("+")[0], "python": platform.python_version()}
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    return asdict(run) | {"loss": loss, "chance": TASKS[run.task].chance} | made | {"date": date, "command": command}


def stored(path: Path | str | None = None) -> dict[Run, dict]:
    """The rows of a sweep's file, by their run; without `path` those of the full sweep that comes with the lesson.

    No file is no rows. A last line without its end, left by a sweep that was stopped while it wrote, does not count.
    Raises ValueError for a file with other columns, a line that can't be read, or a run that is there twice.
    """
    path = files("lstm_lesson") / "sweep.csv" if path is None else Path(path)
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
            row |= {name: float(row[name]) for name in ("loss", "chance")}
        except ValueError as error:
            raise ValueError(f"line {number} of {path.name} is no row of a sweep: {error}; delete that line") from error
        run = Run(*(row[name] for name in SETTINGS))
        if run in rows:
            raise ValueError(f"line {number} of {path.name} has a run that is there before; delete one of the two")
        rows[run] = row
    return rows


def below_chance(rows: Collection[dict], **settings) -> torch.Tensor:
    """How far below chance the loss of the rows with these settings is, in powers of ten, in the order of the seeds.

    0 is no better than the best answer without memory, 2 a hundredth of its loss -> (seeds,) float64.
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


def _append(path, row):
    """Put one line behind the last whole one, and make sure that it has reached the disk."""
    with path.open("ab+") as file:
        file.seek(0)
        whole = file.read().rfind(b"\n") + 1
        file.truncate(whole)  # half a line, of a sweep that was stopped
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        if whole == 0:
            lines.writerow(COLUMNS)
        lines.writerow([row[name] for name in COLUMNS])
        file.write(text.getvalue().encode())
        file.flush()
        os.fsync(file.fileno())


def main() -> None:
    """The command line: the full sweep."""
    parser = argparse.ArgumentParser(prog="python -m lstm_lesson.sweep", description="Run the full sweep.")
    parser.add_argument("file", help="the CSV file that takes the rows; runs that are in it are not repeated")
    parser.add_argument("--scheduler", help="tcp://HOST:PORT of a Dask cluster, instead of this machine's cores")
    parser.add_argument("--workers", type=int, default=-1, help="how many processes; one a core if not given")
    chosen = parser.parse_args()
    runs = full_grid()
    left = len(set(runs) - set(stored(chosen.file)))
    print(f"{len(runs)} runs, {len(runs) - left} of them stored" + ("" if left else "; delete the file to repeat them"))
    sweep(runs, chosen.file, chosen.workers, chosen.scheduler or None, command="make sweep")


if __name__ == "__main__":
    main()
