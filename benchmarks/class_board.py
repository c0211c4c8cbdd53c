"""What the board of a class costs: from the command to the page, and a core while it watches and nothing changes."""

import json
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "classroom"))
import board  # noqa: E402

TITLE = "board: the command for a class of simulated learners (median), and watching without a change"
LEARNERS = (20, 500)
WATCHED = 30  # seconds


def rows(options):
    for count in LEARNERS:
        with tempfile.TemporaryDirectory() as scratch:
            folder, page = Path(scratch) / "records", Path(scratch) / "board.html"
            write_records(folder, count)
            words = [sys.executable, "-m", "lstm_lesson", "board", str(folder), "-o", str(page)]
            seconds = []
            for _ in range(options.pairs):
                start = time.perf_counter()
                subprocess.run(words, check=True, capture_output=True, cwd=ROOT)
                seconds.append(time.perf_counter() - start)
            yield {
                "learners": str(count),
                "records": f"{sum(path.stat().st_size for path in folder.rglob('*.json')) / 1e6:.1f} MB",
                "page": f"{page.stat().st_size / 1e3:.0f} KB",
                "command": f"{median(seconds):.2f} s",
                "watching": f"{100 * share_of_a_core([*words, '--watch']):.1f} % of a core",
            }


def write_records(folder: Path, count: int) -> None:
    """Records of learners who have worked for an hour: up to 30 exercises, mistakes of any kind."""
    draw, names = random.Random(0), list(board.exercises())[:30]
    known = {name: [id for kind in ("described", "regular") for id in board.sentences(name, kind)] for name in names}
    for number in range(count):
        at, entries = datetime.now(UTC) - timedelta(hours=1), {}
        for name in names[: draw.randint(1, 30)]:
            noted = []
            for _ in range(draw.randint(1, 6)):
                at += timedelta(seconds=draw.randint(10, 60))
                noted.append(
                    [at.isoformat(timespec="seconds"), "wrong", *draw.sample(known[name], min(1, len(known[name])))]
                )
            noted[-1][1:] = ["correct"]
            entries[name] = {"attempts": len(noted), "solved_at": noted[-1][0], "noted": noted}
        path = folder / f"learner-{number}" / "progress.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"version": 1, "exercises": entries}, indent=1), encoding="utf-8")


def share_of_a_core(words: list[str]) -> float:
    """The processor time of a command while it runs, after its start, by the time that passes."""
    import psutil

    with subprocess.Popen(words, stdout=subprocess.DEVNULL, cwd=ROOT) as running:
        try:
            time.sleep(10)
            process = psutil.Process(running.pid)
            before = sum(process.cpu_times()[:2])
            time.sleep(WATCHED)
            return (sum(process.cpu_times()[:2]) - before) / WATCHED
        finally:
            running.terminate()
