"""Run many small trainings on all cores or on a Dask cluster; each adds a row to a CSV file; a sweep can resume."""

import csv
import datetime
import io
import platform
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import joblib
import torch

from lstm_lesson.experiments.ablation import TASKS, Run, together, trained
from lstm_lesson.experiments.results import COLUMNS, stored
from lstm_lesson.experiments.variants import VARIANTS, Step
from lstm_lesson.training.progress_line import ProgressLine


def sweep(runs: Sequence[Run], path: Path | str | None = None, workers: int = -1, scheduler: str | None = None,
          command: str = "", progress: bool = True, own: Mapping[str, Step] | None = None) -> list[dict]:  # fmt: skip
    """Train every run that the file `path` does not hold yet; return one row for each run, in the order of `runs`.

    A row holds the Run's fields, `loss`, `chance` (the chance loss), `seconds` of processor time, versions, date and
    `command`. `own` maps the names of variants of your own to their steps, as in `VariantLSTM`. With `path`, the rows
    are appended to that CSV file as soon as their group is trained (see `together`); an interrupted sweep continues
    where it stopped, and trains a group again if one of its runs is missing.
    Through joblib: on `workers` processes (-1: one a core), or on the Dask cluster of `scheduler`, tcp://HOST:PORT.
    Raises ValueError for runs that occur twice, an unknown variant, and for a file that no sweep has written.
    """
    runs, rows, own = list(runs), {} if path is None else stored(path), dict(own or {})
    for variant in {run.variant for run in runs} - set(own) - set(VARIANTS):
        raise ValueError(f"variant is {variant!r}; it needs one of {', '.join([*VARIANTS, *own])}")
    if len(set(runs)) < len(runs):
        raise ValueError(f"runs has {len(runs) - len(set(runs))} runs twice; it needs each one once")
    missing = set(runs) - set(rows)
    todo = [group for group in together(runs) if not missing.isdisjoint(group)]
    line = ProgressLine("sweep", progress and bool(todo), steps=len(todo))
    with _backend(scheduler):
        parallel = joblib.Parallel(n_jobs=workers, batch_size=1, return_as="generator_unordered")
        for results in parallel(joblib.delayed(trained)(group, own.get(group[0].variant)) for group in todo):
            for run, loss, seconds in results:
                if run in missing:
                    rows[run] = _row(run, loss, seconds, command)
                    if path is not None:
                        _append(Path(path), rows[run])
            line.step(f"{line.done + 1} of {len(todo)} groups of runs")
    line.last(f"{len(missing)} runs · {line.seconds:.0f} s")
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


def _row(run, loss, seconds, command):
    made = {"torch": torch.__version__.split("+")[0], "python": platform.python_version()}
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    measured = {"loss": loss, "chance": TASKS[run.task].chance, "seconds": round(seconds, 2)}
    return asdict(run) | measured | made | {"date": date, "command": command}


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
