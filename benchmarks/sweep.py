"""The full sweep of notebook 14, on all cores or on a Dask cluster whose workers have this package: `make sweep`."""

import argparse

from lstm_lesson.experiments.ablation import full_grid
from lstm_lesson.experiments.results import stored
from lstm_lesson.experiments.sweep import sweep


def main() -> None:
    """The command line: the full sweep."""
    parser = argparse.ArgumentParser(description="Run the full sweep.")
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
