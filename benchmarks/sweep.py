"""The full sweep of notebook 14, on all cores or on a Dask cluster whose workers have this package: `make sweep`.

Each training adds a row to a CSV file; a sweep that was interrupted continues where it stopped.
"""

import argparse
import csv
import datetime
import io
import itertools
import platform
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import joblib
import torch

from lstm_lesson.experiments.ablation import DRAWS, TASKS, Run, best_draw, drawn_settings, grid, together, trained
from lstm_lesson.experiments.results import parsed
from lstm_lesson.experiments.variants import VARIANTS
from lstm_lesson.training import ProgressLine

MADE = ("torch", "python", "date", "command")  # what made a row
COLUMNS = (*(field.name for field in fields(Run)), "loss", "chance", "seconds", *MADE)


def main() -> None:
    """The command line: the full sweep."""
    parser = argparse.ArgumentParser(description="Run the full sweep.")
    parser.add_argument(
        "file", type=Path, help="the CSV file that takes the rows; runs that are in it are not repeated"
    )
    parser.add_argument("--scheduler", help="tcp://HOST:PORT of a Dask cluster, instead of this machine's cores")
    parser.add_argument("--workers", type=int, default=-1, help="how many processes; one a core if not given")
    chosen = parser.parse_args()
    search = part(chosen, "search", search_grid())
    part(chosen, "finals", final_grid(search))  # with what the search has found


def part(chosen, what: str, runs: list[Run]) -> list[dict]:
    """One half of the sweep."""
    left = len(set(runs) - set(read(chosen.file)))
    print(f"{what}: {len(runs)} runs, {left} of them to do" + ("" if left else "; delete the file to repeat them"))
    return resumed(runs, chosen.file, chosen.workers, chosen.scheduler or None, command="make sweep")


def search_grid() -> list[Run]:
    """The first half of the sweep: each draw of the settings for each variant on each task.

    There are also vanilla and the cell without a forget gate on adding and order, on the seeds of the finals, with one
    learning rate, and 0 or −3 added to the bias of the input gate.
    """
    runs = [run for seed in DRAWS for run in grid(seeds=[seed], **drawn_settings(seed))]
    return runs + [
        run for bias in (0.0, -3.0) for run in grid(["adding", "order"], ["vanilla", "NFG"], input_bias=bias)
    ]


def final_grid(rows: Iterable[dict]) -> list[Run]:
    """The second half: each variant on each task with the best draw among the rows of the search, on new seeds."""
    rows, kinds = list(rows), itertools.product(TASKS, VARIANTS)
    return [run for task, variant in kinds for run in grid([task], [variant], **best_draw(rows, task, variant))]


def resumed(
    runs: Sequence[Run], path: Path, workers: int = -1, scheduler: str | None = None, command: str = "",
    train: Callable[[list[Run]], dict[Run, dict]] | None = None,
) -> list[dict]:  # fmt: skip
    """Train every run that the file does not hold yet; return one row for each run, in the order of `runs`.

    A row holds what `ablation.trained` returns, versions, date and `command`. The rows are appended to the file as soon
    as their group is trained (see `together`); a group is trained again if one of its runs is missing.
    On `workers` processes (-1: one a core), or on the Dask cluster of `scheduler`, tcp://HOST:PORT. `train`, in place
    of `ablation.trained`, gets one run at a time.
    Raises ValueError for a file that no sweep has written.
    """
    rows, date = read(path), datetime.datetime.now(datetime.UTC).date().isoformat()
    made = dict(zip(MADE, (torch.__version__.split("+")[0], platform.python_version(), date, command), strict=True))
    groups = [[run] for run in runs] if train else together(runs)
    todo = [group for group in groups if not rows.keys() >= set(group)]
    line = ProgressLine("sweep", on=bool(todo), steps=len(todo))
    with backend(scheduler):
        parallel = joblib.Parallel(n_jobs=workers, batch_size=1, return_as="generator_unordered")
        for found in parallel(joblib.delayed(train or trained)(group) for group in todo):
            new = {run: row | made for run, row in found.items() if run not in rows}
            rows |= new
            append(path, new.values())
            line.step(f"{line.done + 1} of {len(todo)} groups of runs")
    line.last(f"{line.seconds:.0f} s")
    return [rows[run] for run in runs]


def read(path: Path) -> dict[Run, dict]:
    """The rows of a sweep's file, by their run.

    A missing file gives no rows. An incomplete last line, left by a sweep that was stopped while it wrote, is ignored.
    Raises ValueError for a file with other columns, a line that cannot be read, or a run that occurs twice.
    """
    text, rows = path.read_text(encoding="utf-8") if path.is_file() else "", {}
    lines = list(csv.reader(io.StringIO(text[: text.rfind("\n") + 1])))
    if lines and tuple(lines[0]) != COLUMNS:
        raise ValueError(f"{path.name} has the columns {', '.join(lines[0])}; it needs {', '.join(COLUMNS)}")
    for number, line in enumerate(lines[1:], start=2):
        try:
            run, row = parsed(dict(zip(COLUMNS, line, strict=True)))
        except ValueError as error:
            raise ValueError(f"line {number} of {path.name} is no row of a sweep: {error}; delete that line") from error
        if run in rows:
            raise ValueError(f"line {number} of {path.name} has a run that is there before; delete one of the two")
        rows[run] = row
    return rows


def append(path: Path, rows: Iterable[dict]) -> None:
    """Append lines; a last line that was cut off is replaced."""
    with path.open("ab+") as file:
        file.seek(0)
        whole = file.read().rfind(b"\n") + 1
        file.truncate(whole)  # a line that a stopped sweep left unfinished
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        if whole == 0:
            lines.writerow(COLUMNS)
        lines.writerows([row[name] for name in COLUMNS] for row in rows)
        file.write(text.getvalue().encode())


@contextmanager
def backend(scheduler: str | None):
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


if __name__ == "__main__":
    main()
