"""A class of simulated learners on a real hub, with a crash in the middle: `python classroom/load.py 20`.

Each learner signs in, starts her server, fetches the notebooks, runs all cells of notebook 01, gives wrong answers to
an exercise and then the correct one, and saves. Half-way, one learner's server and the hub are killed. Meanwhile the
board reads the learners' records once a second and has to count what they have done. Everything runs on loopback.
"""

import argparse
import asyncio
import json
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import board
from hub import HERE, Hub, memory
from learner import Learner
from links import FOLDER, pull

NOTEBOOK = "01_rnn_cell.ipynb"
PATH = f"{FOLDER}/notebooks/{NOTEBOOK}"
STUB = "raise NotImplementedError"
MISTAKES = {  # what the check says of a wrong answer, by its identifier
    "h: sum alone": "return x_t @ W_xh + h_prev @ W_hh + b_h",
    "h: U transposed": "return torch.tanh(x_t @ W_xh + h_prev @ W_hh.T + b_h)",
    "h: no bias": "return torch.tanh(x_t @ W_xh + h_prev @ W_hh)",
}
RIGHT = "return torch.tanh(x_t @ W_xh + h_prev @ W_hh + b_h)"
EXERCISE = "rnn_step"
# MB for each learner. Measured with 20 learners: 464 resident, 330 proportional. The limits are about 8 % higher.
# The proportional limit holds only for 20 learners or more, because fewer learners share less memory.
LIMITS = {"resident": 500, "proportional": 360}
CLASS = 1200  # seconds that the learner whose server is killed waits for the others
PAUSE = 5  # seconds before memory is measured


@dataclass
class Record:
    """What is measured for one learner, in seconds since the class began, and her failures."""

    name: str
    wrong_answers: int  # wrong answers before the correct one; the number differs between learners
    ready: float = 0.0  # her server runs and she has signed in
    working: float = 0.0  # notebook 01 is open and its kernel answers
    saved: dict = field(default_factory=dict)  # the notebook as she last saved it
    begun: int = 0  # attempts that she has started
    done: int = 0  # attempts whose answer she has seen
    failures: list[str] = field(default_factory=list)

    @property
    def mistakes(self) -> list[str]:
        """Her mistakes in their order, which differs between learners."""
        first = int(self.name.rpartition("-")[2])
        return [list(MISTAKES)[(first + k) % len(MISTAKES)] for k in range(self.wrong_answers)]

    @property
    def noted(self) -> list[tuple]:
        """What the board must find once she has solved the exercise: an outcome and identifiers for each attempt."""
        return [*(("wrong", (mistake,)) for mistake in self.mistakes), ("correct", ())]


class Board:
    """Reads the records of the class once a second, and compares what they have with what the learners have done."""

    def __init__(self, hub: Hub, records: list[Record]):
        self.room, self.learners, self.polls, self.wrong = board.Room(hub.board), records, 0, []

    async def watch(self):
        while True:
            await asyncio.to_thread(self.poll)
            await asyncio.sleep(1)

    def poll(self):
        """Every attempt that was answered before must be there, in order, and none that has not begun."""
        least = {record.name: record.done for record in self.learners}
        if self.room.folder.is_dir():
            self.room.look()
        self.polls += 1
        told = {f"{name} is no learner" for name in self.room.records.keys() - least.keys()}
        told |= {f"{name} is left out: {why}" for name, why in self.room.left_out.items()}
        for record in self.learners:
            found = self.room.records.get(record.name, {}).get(EXERCISE, board.Work(0, None, ()))
            noted = [note[1:] for note in found.noted]
            expected = noted == record.noted[: len(noted)] and found.attempts == len(noted)
            if not expected or not least[record.name] <= len(noted) <= record.begun:
                told.add(
                    f"{record.name}: {found.attempts} attempts, {noted}; {least[record.name]} were answered before"
                )
        if told:
            self.wrong.append("; ".join(sorted(told)))

    def standing(self) -> dict:
        """How many people have solved the exercise, and how many made each mistake, as the page counts them."""
        found = board.standing(EXERCISE, self.room.records, datetime.now(UTC), timedelta(minutes=10))
        return {"solved": found.solved} | {mistake.says: mistake.people for mistake in found.mistakes}

    def expected(self) -> dict:
        """The same, from what the learners have done."""
        counts = Counter(mistake for record in self.learners for mistake in record.mistakes)
        return {"solved": len(self.learners)} | {board.sentence(EXERCISE, id): n for id, n in counts.items()}


class Crash:
    """When half of the class has saved an answer, the hub and the server of the first learner are killed."""

    def __init__(self, hub: Hub, count: int):
        self.hub, self.half, self.arrived, self.finished = hub, (count + 1) // 2, [], asyncio.Event()
        self.seconds = 0.0

    async def meet(self, record: Record) -> bool:
        """Wait if the server of this learner will be killed. Returns whether it was killed."""
        self.arrived.append(record.name)
        if len(self.arrived) == self.half:
            await self._kill(self.arrived[0])
        if record.name == self.arrived[0]:
            await asyncio.wait_for(self.finished.wait(), CLASS)
        return record.name == self.arrived[0]

    async def _kill(self, learner: str):
        begun = time.monotonic()
        for process in self.hub.processes(learner):
            process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(self.hub.crash)
        await asyncio.to_thread(self.hub.start)
        self.seconds = time.monotonic() - begun
        self.finished.set()


async def lesson(hub: Hub, record: Record, repository: str, crash: Crash, begun: float):
    """All that one learner does."""
    async with Learner(hub.address, record.name, hub.password) as learner:
        await learner.sign_in()
        await learner.start_server()
        record.ready = time.monotonic() - begun
        await learner.fetch(pull(NOTEBOOK, repository))
        notebook = await learner.read(PATH)
        await learner.open_kernel(PATH)
        record.working = time.monotonic() - begun

        notebook["cells"].append(own_notes(record))
        stub = next(cell for cell in notebook["cells"] if cell["source"].startswith(f"def {EXERCISE}("))
        exercise = stub["source"]
        for number, mistake in enumerate(record.mistakes):
            stub["source"] = exercise.replace(STUB, MISTAKES[mistake])
            record.begun += 1
            await (run_cell(learner, stub) if number else run_all(learner, record, notebook))
            record.done += 1
        expect(record, "❌" in answer(stub), f"the check of a wrong answer said {answer(stub)!r}")
        await save(learner, record, notebook)

        if await crash.meet(record):
            await learner.start_server()
            expect(record, await learner.read(PATH) == record.saved, "what was saved before the crash is not there")
            await learner.open_kernel(PATH)
            for cell in code_cells(notebook)[:2]:  # not the check, which would count as an attempt
                await run_cell(learner, cell)

        stub["source"] = exercise.replace(STUB, RIGHT)
        record.begun += 1
        await run_cell(learner, stub)
        record.done += 1
        expect(record, "✅" in answer(stub), f"the check of a right answer said {answer(stub)!r}")
        await save(learner, record, notebook)


def own_notes(record: Record) -> dict:
    """A cell that only this learner writes."""
    return {"cell_type": "markdown", "id": "own-notes", "metadata": {}, "source": f"These are {record.name}'s notes."}


def code_cells(notebook: dict) -> list[dict]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


async def run_all(learner: Learner, record: Record, notebook: dict):
    """Run all code cells in order. An error in a cell is a failure."""
    for cell in code_cells(notebook):
        await run_cell(learner, cell)
        for output in cell["outputs"]:
            expect(record, output["output_type"] != "error", f"{output.get('ename')} in {cell['source'][:60]!r}")


async def run_cell(learner: Learner, cell: dict):
    cell["outputs"] = await learner.run(cell["source"])


def answer(cell: dict) -> str:
    """The answer of the cell's check, as text."""
    return "".join(str(output.get("data", {}).get("text/plain", "")) for output in cell["outputs"])


async def save(learner: Learner, record: Record, notebook: dict):
    await learner.save(PATH, notebook)
    record.saved = await learner.read(PATH)


def expect(record: Record, holds: bool, otherwise: str):
    if not holds:
        record.failures.append(otherwise)


def check_files(hub: Hub, record: Record):
    """Record a failure unless the learner's folder has all her own work, and only hers, at the end."""
    home = hub.home(record.name)
    stored = json.loads((home / PATH).read_text(encoding="utf-8"))
    words = [cell["source"] for cell in stored["cells"] if cell["id"] == "own-notes"]
    text = "".join(words[0]) if words else ""
    expect(record, text == own_notes(record)["source"], f"her notes are {text!r}")
    original = json.loads((HERE.parent / "notebooks" / NOTEBOOK).read_text(encoding="utf-8"))
    expect(record, len(stored["cells"]) == len(original["cells"]) + 1, "cells are missing")
    pairs = zip(code_cells(stored), code_cells(original), strict=True)
    missing = [ours["source"][:40] for ours, theirs in pairs if theirs["outputs"] and not ours["outputs"]]
    expect(record, missing == [], f"outputs are missing: {missing}")
    progress = json.loads((home / ".local/share/lstm-lesson/progress.json").read_text(encoding="utf-8"))["exercises"]
    entry = progress.get(EXERCISE, {})
    expect(record, list(progress) == [EXERCISE], f"her progress has {list(progress)}")
    expect(record, entry.get("attempts") == record.wrong_answers + 1, f"{entry.get('attempts')} attempts are counted")
    expect(record, bool(entry.get("solved_at")), "the exercise does not count as solved")


async def attend(hub: Hub, record: Record, *rest):
    """The lesson of one learner. If it fails, the others go on."""
    try:
        await lesson(hub, record, *rest)
        check_files(hub, record)
    except Exception:
        record.failures.append(traceback.format_exc(limit=-3))


async def hold_class(hub: Hub, count: int, repository: str) -> tuple[list[Record], Crash, Board]:
    """Run the lessons of `count` learners at the same time, and the board."""
    records = [Record(f"learner-{n:02}", wrong_answers=1 + n % 3) for n in range(1, count + 1)]
    crash, begun, seen = Crash(hub, count), time.monotonic(), Board(hub, records)
    watching = asyncio.create_task(seen.watch())
    await asyncio.gather(*(attend(hub, record, repository, crash, begun) for record in records))
    watching.cancel()
    seen.poll()
    return records, crash, seen


def lessons_repository(folder: Path) -> str:
    """A git repository with the present notebooks, from which nbgitpuller copies without a network."""
    repository = folder / FOLDER
    shutil.copytree(HERE.parent / "notebooks", repository / "notebooks", ignore=shutil.ignore_patterns(".*"))
    git = ["git", "-C", str(repository), "-c", "user.name=lesson", "-c", "user.email=lesson@localhost"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "The notebooks"]):
        subprocess.run([*git, *words], check=True)
    return f"file://{repository}"


def report(hub: Hub, records: list[Record], crash: Crash, seen: Board) -> bool:
    """Print the measurements. Returns whether nothing failed, the board was right, and memory was within its limits."""
    sizes = [memory(hub.processes(record.name)) for record in records]
    everything = memory(hub.processes())
    for name, times in {"server ready": "ready", "notebook 01 open": "working"}.items():
        seconds = sorted(getattr(record, times) for record in records)
        p95 = seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))]
        print(f"{name:24} median {statistics.median(seconds):5.0f} s   p95 {p95:5.0f} s")
    print(f"{'crash and new start':24} {crash.seconds:12.0f} s   (one learner's server and the hub)")
    within = True
    for place, (name, limit) in enumerate(LIMITS.items()):
        each = [size[place] for size in sizes]
        counts = name == "resident" or len(records) >= 20
        held = max(each) <= limit
        within = within and (held or not counts)
        kept = (
            f"limit {limit} MB" if held else f"OVER the limit of {limit} MB" if counts else "no limit below 20 learners"
        )
        print(f"{'memory, ' + name:24} median {statistics.median(each):5.0f} MB  most {max(each):4.0f} MB", end="  ")
        print(f"{kept}   hub and proxy {everything[place] - sum(each):4.0f} MB")
    failed = [record for record in records if record.failures]
    print(f"{'learners':24} {len(records)}, of them with a failure: {len(failed)}")
    for record in failed:
        print(f"  {record.name}: " + "\n    ".join(record.failures))
    right = seen.standing() == seen.expected()
    print(f"{'board':24} {seen.polls} looks, of them wrong: {len(seen.wrong)}   counts at the end ", end="")
    print("right" if right else f"{seen.standing()}, expected {seen.expected()}")
    for wrong in seen.wrong[:5]:
        print(f"  {wrong}")
    return within and right and not failed and not seen.wrong


def main() -> int:
    parser = argparse.ArgumentParser(description="Hold a class of simulated learners on a real hub.")
    parser.add_argument("learners", type=int, nargs="?", default=20, help="how many (default: 20)")
    count = parser.parse_args().learners
    if not 1 <= count <= 100:
        parser.error(f"learners is {count}; it needs a number from 1 to 100")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the hub ends, too
    with tempfile.TemporaryDirectory(prefix="lstm-", ignore_cleanup_errors=True) as scratch:
        repository = lessons_repository(Path(scratch))
        with Hub(Path(scratch)) as hub:
            held = asyncio.run(hold_class(hub, count, repository))
            time.sleep(PAUSE)
            return 0 if report(hub, *held) else 1


if __name__ == "__main__":
    sys.exit(main())
