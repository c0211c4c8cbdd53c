"""Print the benchmark tables: `python benchmarks/run.py --help` says what can be chosen.

Machines differ and are noisy, so times are medians of paired runs, and are given as ratios.
"""

import argparse
import os
import platform

import class_board
import generation
import growth
import import_time
import in_browser
import notebook_runs
import recording
import scans
import site_pages
import speed
import torch
import typed_pages

TABLES = {
    "speed": speed,
    "growth": growth,
    "scans": scans,
    "record": recording,
    "generation": generation,
    "import": import_time,
    "notebooks": notebook_runs,
    "browser": in_browser,
    "typed": typed_pages,
    "site": site_pages,
    "board": class_board,
}


def main():
    parser = argparse.ArgumentParser(description="Print the benchmark tables.")
    parser.add_argument("--only", choices=TABLES, action="append", help="this table (can be given again for another)")
    parser.add_argument("--seconds", type=float, default=8.0, help="time for each row of `speed` (default: 8)")
    parser.add_argument("--threads", type=int, default=1, help="threads for torch (default: 1, as the notebooks)")
    parser.add_argument("--pairs", type=int, default=5, help="paired runs of `import`, runs of `board` (default: 5)")
    parser.add_argument("--notebook", default="", help="only notebooks whose name contains this")
    parser.add_argument("--explorer", default="", help="`browser`: only explorers whose name contains this")
    parser.add_argument("--presses", type=int, default=1000, help="`browser`, `typed`: key presses (default: 1000)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"Python {platform.python_version()}, torch {torch.__version__}, {platform.machine()},", end=" ")
    print(f"{os.cpu_count()} CPU cores, {options.threads} threads")
    for name in options.only or TABLES:
        print(f"\n{TABLES[name].TITLE}\n")
        show(TABLES[name].rows(options))


def show(rows):
    """Print an aligned table; each row is a dict of texts, shown as soon as it is measured."""
    for number, row in enumerate(rows):
        widths = [max(len(key), 18) if place else 34 for place, key in enumerate(row)]
        if number == 0:
            print(*(key.ljust(w) if w == 34 else key.rjust(w) for key, w in zip(row, widths, strict=True)))
        print(*(v.ljust(w) if w == 34 else v.rjust(w) for v, w in zip(row.values(), widths, strict=True)), flush=True)


if __name__ == "__main__":
    main()
