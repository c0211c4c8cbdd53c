"""Which exercises are solved: a small JSON file in the user's data folder, and `progress()` to show it.

`LSTM_LESSON_PROGRESS` names another folder. No error here reaches the learner: where nothing can be written, attempts
are kept in memory and written later.
"""

import atexit
import contextlib
import csv
import functools
import html
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path

from lstm_lesson.data.download import own_folder, replacing
from lstm_lesson.exercises.exercise import exercises
from lstm_lesson.exercises.grading import printable

MARKS = "⬜✅"  # of an exercise: not solved yet, solved
PATIENCE = 0.3  # seconds to wait for another notebook that is writing


@dataclass
class EntriesFile:
    """A JSON file of entries by name in the user's data folder. A damaged file is renamed, and `notice` printed.

    A change that cannot be written waits in memory for the next one, or for the end of Python.
    """

    name: str
    key: str  # under which the entries stand
    is_entry: Callable[[dict], bool]  # may raise KeyError or TypeError
    notice: str = ""
    waiting: list[Callable[[dict], dict]] = field(default_factory=list)

    def __post_init__(self):
        atexit.register(self._write_at_exit)

    def entries(self) -> dict[str, dict]:
        """The entries, with those that are not written yet. Never raises."""
        entries = {}
        with contextlib.suppress(Exception):
            entries = self._read()
        return self._changed(entries)

    def _read(self) -> dict[str, dict]:
        """The entries in the file; {} if there is none. Raises OSError where it cannot be read."""
        path = own_folder() / self.name
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))[self.key]
            if all(self.is_entry(entry) for entry in entries.values()):
                return entries
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            pass
        aside = set_aside(path)
        if self.notice and aside:
            print(f"{self.notice}{aside}. Another begins.")
        return {}

    def _changed(self, entries: dict) -> dict:
        return functools.reduce(lambda entries, change: change(entries), self.waiting, entries)

    def change(self, *changes: Callable[[dict], dict]) -> None:
        """Write the entries that `changes` return for those in the file, after the changes that wait.

        The file is locked meanwhile, so no other notebook's are lost. Raises an exception where the changes have to
        wait: filelock.Timeout, for example, if another process holds the lock for longer than PATIENCE.
        """
        import filelock  # loads slowly

        self.waiting += changes
        path = own_folder() / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            try:
                lock = filelock.FileLock(path.with_suffix(".lock"))
                stack.enter_context(lock.acquire(timeout=PATIENCE, poll_interval=0.005))
            except filelock.Timeout:
                raise
            except (OSError, NotImplementedError):
                pass  # this file system has no locks: write without one
            before = self._read()
            after = self._changed(before)
            if after != before:
                text = json.dumps({"version": 1, self.key: after}, indent=1, ensure_ascii=False)
                with replacing(path) as part:
                    part.write_text(text, encoding="utf-8", newline="\n")
        self.waiting.clear()

    def _write_at_exit(self) -> None:
        if self.waiting:
            with contextlib.suppress(Exception):
                self.change()


def set_aside(path: Path, suffix: str | None = None) -> str:
    """Rename a damaged file -> the end of a sentence about it; "" where it cannot be renamed."""
    aside = path.with_name(f"{path.stem}.damaged-{time.time_ns()}{suffix or path.suffix}")
    try:
        path.replace(aside)
    except OSError:
        return ""
    return f"; it is now {aside.name}"


FILE = EntriesFile(
    "progress.json", "exercises", lambda e: type(e["attempts"]) is int and isinstance(e["solved_at"], str | None)
)
UNTRIED = {"attempts": 0, "solved_at": None}


def record_attempt(name: str, passed: bool) -> None:
    """Count one attempt at an exercise that is not solved yet. Never raises."""
    now = datetime.now(UTC).isoformat(timespec="seconds")

    def counted(done: dict[str, dict]) -> dict[str, dict]:
        entry = done.get(name, UNTRIED)
        if entry["solved_at"] is not None:
            return done
        return done | {name: entry | {"attempts": entry["attempts"] + 1, "solved_at": now if passed else None}}

    with contextlib.suppress(Exception):
        FILE.change(counted)


@dataclass(frozen=True)
class Progress:
    """One row per exercise: notebook, exercise, minutes, difficulty, solved, attempts, solved_at (UTC)."""

    rows: tuple[dict, ...]

    def to_csv(self, path: str | Path) -> Path:
        """Write the rows as a CSV file, with a header; returns its path."""
        path = Path(path)
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(self.rows[0]))
            writer.writeheader()
            writer.writerows(self.rows)
        return path

    def _by_notebook(self) -> dict[str, list[dict]]:
        return {notebook: list(rows) for notebook, rows in itertools.groupby(self.rows, itemgetter("notebook"))}

    def _total(self) -> str:
        return f"{sum(row['solved'] for row in self.rows)} of {len(self.rows)} exercises solved"

    def __repr__(self) -> str:
        lines = [self._total()]
        for notebook, rows in self._by_notebook().items():
            lines.append(f"{notebook:<34}" + "  ".join(f"{MARKS[row['solved']]} {row['exercise']}" for row in rows))
        return printable("\n".join(lines))

    def _repr_html_(self) -> str:
        body = "".join(
            f"<tr><td style='text-align:left'>{html.escape(notebook)}</td>"
            f"<td>{sum(row['solved'] for row in rows)} of {len(rows)}</td><td style='text-align:left'>"
            + " &nbsp; ".join(f"{MARKS[row['solved']]} <code>{row['exercise']}</code>" for row in rows)
            + "</td></tr>"
            for notebook, rows in self._by_notebook().items()
        )
        left = "<th style='text-align:left'>"
        head = f"<tr>{left}notebook</th><th>solved</th>{left}exercises</th></tr>"
        return f"<table><caption>{self._total()}</caption><thead>{head}</thead><tbody>{body}</tbody></table>"


def progress() -> Progress:
    """Which exercises are solved, notebook by notebook; `.to_csv(path)` writes a row per exercise, with attempts.

    ⬜ not solved yet, ✅ solved. Attempts are counted up to the first correct answer; an untouched stub is no attempt.
    """
    done, rows = FILE.entries(), []
    for exercise in exercises().values():
        entry = done.get(exercise.name, UNTRIED)
        row = {"notebook": exercise.notebook, "exercise": exercise.name, "minutes": exercise.minutes}
        row |= {"difficulty": exercise.difficulty, "solved": entry["solved_at"] is not None}
        rows.append(row | {"attempts": entry["attempts"], "solved_at": entry["solved_at"] or ""})
    return Progress(tuple(rows))
