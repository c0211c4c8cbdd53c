"""The full sweep of notebook 14, on all cores or on a Dask cluster whose workers have this package: `make sweep`."""

import argparse

from lstm_lesson.experiments.ablation import final_grid, search_grid
from lstm_lesson.experiments.results import stored
from lstm_lesson.experiments.sweep import sweep


def main() -> None:
    """The command line: the full sweep."""
    parser = argparse.ArgumentParser(description="Run the full sweep.")
    parser.add_argument("file", help="the CSV file that takes the rows; runs that are in it are not repeated")
    parser.add_argument("--scheduler", help="tcp://HOST:PORT of a Dask cluster, instead of this machine's cores")
    parser.add_argument("--workers", type=int, default=-1, help="how many processes; one a core if not given")
    chosen = parser.parse_args()
    search = run(chosen, "search", search_grid())
    run(chosen, "finals", final_grid(search))  # with what the search has found


def run(chosen, what: str, runs: list) -> list[dict]:
    """One half of the sweep."""
    left = len(set(runs) - set(stored(chosen.file)))
    print(f"{what}: {len(runs)} runs, {left} of them to do" + ("" if left else "; delete the file to repeat them"))
    return sweep(runs, chosen.file, chosen.workers, chosen.scheduler or None, command="make sweep")


if __name__ == "__main__":
    main()
