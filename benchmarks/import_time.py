"""How long an import takes relative to `import torch`, each in a fresh process, in turn."""

import subprocess
import sys
from statistics import median

TITLE = "import: how many times as long as `import torch` (median of paired runs, each in a fresh process)"
MODULES = ["lstm_lesson", "lstm_lesson.exercises", "lstm_lesson.plots"]  # the last two load when they are used
TIMED = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def rows(options):
    for module in ["torch", *MODULES]:
        seconds_to_import(module)  # the first import reads from disk and compiles
    for module in MODULES:
        pairs = [(seconds_to_import(module), seconds_to_import("torch")) for _ in range(options.pairs)]
        yield {
            "module": module,
            "ratio": f"{median(ours / torchs for ours, torchs in pairs):.2f}×",
            "seconds": f"{median(ours for ours, _ in pairs):.2f} s",
            "import torch": f"{median(torchs for _, torchs in pairs):.2f} s",
            "pairs": str(len(pairs)),
        }


def seconds_to_import(module):
    done = subprocess.run([sys.executable, "-c", TIMED.format(module)], capture_output=True, text=True, check=True)
    return float(done.stdout)
