"""Seconds and peak memory of each notebook, run from top to bottom in a process of its own."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

TITLE = "notebooks: seconds with the kernel's start, and the memory of the largest process"
FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
UNIT = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kibibytes
# A small process in between: a child starts with the peak memory of the one that started it, and ours is large.
WATCH = """
import resource, subprocess, sys, time
start = time.perf_counter()
status = subprocess.call(sys.argv[1:])
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, status)
"""


def rows(options):
    total = 0.0
    for path in sorted(path for path in FOLDER.glob("*.ipynb") if options.notebook in path.name):
        seconds, peak, status = run(path)
        total += seconds
        yield {
            "notebook": path.stem,
            "seconds": f"{seconds:.0f} s",
            "peak memory": f"{peak / 2**20:.0f} MiB",
            "result": "ran" if status == 0 else "FAILED",
        }
    yield {"notebook": "all", "seconds": f"{total:.0f} s", "peak memory": "", "result": ""}


def run(path):
    """Seconds, peak memory in bytes and exit status; the learner's progress is not touched."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--log-level=ERROR"]
        command += ["--ExecutePreprocessor.timeout=600", f"--output-dir={scratch}", str(path)]
        environment = os.environ | {"LSTM_LESSON_PROGRESS": str(Path(scratch) / "progress.json")}
        watched = subprocess.run(
            [sys.executable, "-c", WATCH, *command], env=environment, capture_output=True, text=True
        )
    seconds, peak, status = watched.stdout.split()[-3:]
    if int(status):
        print(watched.stderr, file=sys.stderr)
    return float(seconds), int(peak) * UNIT, int(status)
