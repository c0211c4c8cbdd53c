"""Seconds and peak memory of each notebook, run from top to bottom in a process of its own."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TITLE = "notebooks: seconds with the kernel's start, and the memory of the largest process"
FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
UNIT = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kibibytes


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
    """Seconds, peak memory in bytes and exit status; nothing that the learner has is touched."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--log-level=ERROR"]
        command += ["--ExecutePreprocessor.timeout=600", f"--output-dir={scratch}", str(path)]
        environment = os.environ | {"LSTM_LESSON_PROGRESS": str(Path(scratch) / "progress.json")}
        start = time.perf_counter()
        with (Path(scratch) / "errors.txt").open("w+", encoding="utf-8") as errors:
            process = subprocess.Popen(command, env=environment, stderr=errors)
            _, status, usage = os.wait4(process.pid, 0)  # with the largest of the processes it waited for: the kernel
            seconds = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                errors.seek(0)
                print(errors.read(), file=sys.stderr)
        return seconds, usage.ru_maxrss * UNIT, process.returncode
