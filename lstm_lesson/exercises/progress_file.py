"""Which exercises are solved: a small JSON file in the user's data folder, and `progress()` to show it.

`LSTM_LESSON_PROGRESS` names another folder, and `LSTM_LESSON_BOARD` one that gets a copy of the file for the teacher's
board. No error here reaches the learner: where nothing can be written, attempts are kept in memory and written later.
"""

import atexit
import contextlib
import functools
import html
import itertools
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path

from lstm_lesson.data.download import own_folder, replacing
from lstm_lesson.exercises.exercise import exercises
from lstm_lesson.exercises.grading import SAYS, printable
from lstm_lesson.exercises.model import short

MARKS = "⬜✅"  # of an exercise: not solved yet, solved
PATIENCE = 0.3  # seconds to wait for another notebook that is writing
NO_NOTES = "attempts are not noted"  # an entry of this name says so


@dataclass
class EntriesFile:
    """A JSON file of entries by name in the user's data folder. A damaged file is renamed, and `notice` printed.

    A change that cannot be written waits in memory for the next one, or for the end of Python.
    """

    name: str
    key: str  # under which the entries stand
    is_entry: Callable[[dict], bool]  # may raise KeyError or TypeError
    notice: str = ""
    after: Callable[[dict], None] = lambda entries: None  # while the file is locked
    waiting: list[Callable[[dict], dict]] = field(default_factory=list)

    def __post_init__(self):
        atexit.register(self._write_at_exit)

    def entries(self) -> dict[str, dict]:
        """The entries, with those that are not written yet. Never raises."""
        with contextlib.suppress(Exception):
            return self._changed(self._read())
        return self._changed({})

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
        if (aside := set_aside(path)) and self.notice:
            print(f"{self.notice}{aside}. Another begins.")
        return {}

    def _changed(self, entries: dict) -> dict:
        return functools.reduce(lambda entries, change: change(entries), self.waiting, entries)

    def change(self, *changes: Callable[[dict], dict]) -> None:
        """Write the entries that `changes` return for those in the file, which is locked, after the changes that wait.

        Raises an exception where the changes have to wait: filelock.Timeout, for example, after PATIENCE.
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
            with contextlib.suppress(OSError):
                self.after(after)
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


def copy_for_the_board(entries: dict[str, dict]) -> None:
    """Copy the file into the folder that LSTM_LESSON_BOARD names; where attempts are not noted, remove the copy."""
    if folder := os.environ.get("LSTM_LESSON_BOARD"):
        if NO_NOTES in entries:
            return (Path(folder) / FILE.name).unlink(missing_ok=True)
        with replacing(Path(folder) / FILE.name) as part:
            part.write_bytes((own_folder() / FILE.name).read_bytes())
            part.chmod(0o640)  # the folder's group reads it, whatever the umask


FILE = EntriesFile(
    "progress.json", "exercises", after=copy_for_the_board, is_entry=lambda e:
    type(e["attempts"]) is int and isinstance(e["solved_at"], str | None) and isinstance(e.get("noted", []), list),
)  # fmt: skip
UNTRIED = {"attempts": 0, "solved_at": None, "noted": []}


def record_attempt(name: str, outcome: str, edits: tuple[str, ...] = ()) -> None:
    """Count and note one attempt at an exercise that is not solved yet: a check's outcome and edits. Never raises."""
    now = datetime.now(UTC).isoformat(timespec="seconds")

    def counted(done: dict[str, dict]) -> dict[str, dict]:
        entry = UNTRIED | done.get(name, {})
        if entry["solved_at"] is not None:
            return done
        noted = [] if NO_NOTES in done else [*entry["noted"], [now, outcome, *map(short, edits)]][-1000:]
        solved_at = now if outcome == "correct" else None
        return done | {name: entry | {"attempts": entry["attempts"] + 1, "solved_at": solved_at, "noted": noted}}

    with contextlib.suppress(Exception):
        FILE.change(counted)


@dataclass(frozen=True)
class Progress:
    """One row per exercise: notebook, exercise, minutes, difficulty, solved, attempts, solved_at (UTC), noted."""

    rows: tuple[dict, ...]

    def to_csv(self, path: str | Path) -> Path:
        """Write the rows as a CSV file, with a header; returns its path."""
        import pandas  # loads slowly

        rows = [row | {"noted": json.dumps(row["noted"], ensure_ascii=False)} for row in self.rows]
        pandas.DataFrame(rows).to_csv(path, index=False)
        return Path(path)

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
        left, body = "style='text-align:left'", ""
        for notebook, rows in self._by_notebook().items():
            names = " &nbsp; ".join(f"{MARKS[row['solved']]} <code>{row['exercise']}</code>" for row in rows)
            solved = f"{sum(row['solved'] for row in rows)} of {len(rows)}"
            body += f"<tr><td {left}>{html.escape(notebook)}</td><td>{solved}</td><td {left}>{names}</td></tr>"
        head = f"<tr><th {left}>notebook</th><th>solved</th><th {left}>exercises</th></tr>"
        return f"<table><caption>{self._total()}</caption><thead>{head}</thead><tbody>{body}</tbody></table>"


def progress(note: bool | None = None) -> Progress:
    """Which exercises are solved, notebook by notebook; `.to_csv(path)` writes a row per exercise, with attempts.

    ⬜ not solved yet, ✅ solved. Attempts are counted up to the first correct answer; an untouched stub is no attempt.
    `noted` has a list for each: when (UTC), its outcome, the identifiers of the mistakes that were named; no code.
    `progress(note=False)` deletes the notes, makes no more and takes you off the board of a class; `note=True` makes
    them again. These two raise OSError where nothing can be written, also to the board.
    """

    def switched(done: dict[str, dict]) -> dict[str, dict]:
        kept = {name: entry if note else entry | {"noted": []} for name, entry in done.items() if name != NO_NOTES}
        return kept if note else kept | {NO_NOTES: UNTRIED}

    if note is not None:
        FILE.change(switched)
        try:
            copy_for_the_board(FILE.entries())  # again: after an attempt nobody hears of an error
        except OSError as error:
            raise OSError(error.errno, f"{error.strerror}: {SAYS['board']}", error.filename) from error
    done, rows = FILE.entries(), []
    for exercise in exercises().values():
        entry = UNTRIED | done.get(exercise.name, {})
        row = {"notebook": exercise.notebook, "exercise": exercise.name, "minutes": exercise.minutes}
        row |= {"difficulty": exercise.difficulty, "solved": entry["solved_at"] is not None}
        row |= {"attempts": entry["attempts"], "solved_at": entry["solved_at"] or "", "noted": entry["noted"]}
        rows.append(row)
    return Progress(tuple(rows))
