"""Run many small trainings on all cores."""

from collections.abc import Mapping, Sequence

import joblib

from lstm_lesson.experiments.ablation import Run, together, trained
from lstm_lesson.experiments.variants import VARIANTS, Step
from lstm_lesson.training.progress_line import ProgressLine


def sweep(runs: Sequence[Run], workers: int = -1, own: Mapping[str, Step] | None = None) -> list[dict]:
    """Train every run and return one row for each, as in `ablation.trained`, in the order of `runs`.

    Through joblib, on `workers` processes (-1: one a core). `own` maps the names of variants of your own to their
    steps, as in `VariantLSTM`. Raises ValueError for an unknown variant.
    """
    own, rows, groups = dict(own or {}), {}, together(runs)
    for variant in {run.variant for run in runs} - set(own) - set(VARIANTS):
        raise ValueError(f"variant is {variant!r}; it needs one of {', '.join([*VARIANTS, *own])}")
    line = ProgressLine("sweep", on=bool(groups), steps=len(groups))
    parallel = joblib.Parallel(n_jobs=workers, batch_size=1, return_as="generator_unordered")
    for found in parallel(joblib.delayed(trained)(group, own.get(group[0].variant)) for group in groups):
        rows |= found
        line.step(f"{line.done + 1} of {len(groups)} groups of runs")
    line.last(f"{len(rows)} runs · {line.seconds:.0f} s")
    return [rows[run] for run in runs]
