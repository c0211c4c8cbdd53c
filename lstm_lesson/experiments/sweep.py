"""Run many small trainings on all cores or on a Dask cluster; each adds a row to a CSV file; a sweep can resume."""

import csv
import datetime
import io
import platform
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import joblib
import torch

from lstm_lesson.experiments.ablation import TASKS, Run, trained
from lstm_lesson.experiments.results import COLUMNS, stored
from lstm_lesson.training.progress_line import ProgressLine


def sweep(runs: Sequence[Run], path: Path | str | None = None, workers: int = -1, scheduler: str | None = None,
          command: str = "", progress: bool = True) -> list[dict]:  # fmt: skip
    """Train every run that the file `path` does not hold yet; return one row for each run, in the order of `runs`.

    A row holds the Run's fields, `loss`, `chance` (the chance loss), versions, date and `command`. With `path`,
    each row is appended to that CSV file as soon as it is finished; an interrupted sweep continues where it stopped.
    Through joblib: on `workers` processes (-1: one a core), or on the Dask cluster of `scheduler`, tcp://HOST:PORT.
    Raises ValueError for runs that occur twice, and for a file that no sweep has written.
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


def _append(path, row):
    """Append one line; a last line that was cut off is replaced."""
    with path.open("ab+") as file:
        file.seek(0)
        whole = file.read().rfind(b"\n") + 1
        file.truncate(whole)  # a line that a stopped sweep left unfinished
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        if whole == 0:
            lines.writerow(COLUMNS)
        lines.writerow([row[name] for name in COLUMNS])
        file.write(text.getvalue().encode())
