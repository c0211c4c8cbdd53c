"""Which exercises are solved: a small JSON file in the user's data folder, and `progress()` to show it.

`LSTM_LESSON_PROGRESS` names another folder. No error here reaches the learner: a damaged file is renamed and a new one
started; where nothing can be written, attempts are kept in memory and written later.
"""

import atexit
import contextlib
import csv
import html
import json
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lstm_lesson.data.download import own_folder
from lstm_lesson.exercises.exercise import exercises
from lstm_lesson.exercises.result import printable

FILE = "progress.json"
PATIENCE = 0.3  # seconds to wait for another notebook that is writing

_unsaved: dict[str, list[bool]] = {}  # outcomes that could not be written yet, by exercise


def record_attempt(name: str, passed: bool) -> None:
    """Count one attempt at an exercise that is not solved yet. Never raises."""
    with contextlib.suppress(Exception):
        _unsaved.setdefault(name, []).append(passed)
        _save()


def load() -> dict[str, dict]:
    """The attempts and the time of solution of every exercise tried, those not yet written included. Never raises."""
    with contextlib.suppress(Exception):
        return _add_outcomes(_read(own_folder() / FILE), _unsaved)
    return _add_outcomes({}, _unsaved)


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
        notebooks: dict[str, list[dict]] = {}
        for row in self.rows:
            notebooks.setdefault(row["notebook"], []).append(row)
        return notebooks

    def _total(self) -> str:
        return f"{sum(row['solved'] for row in self.rows)} of {len(self.rows)} exercises solved"

    def __repr__(self) -> str:
        lines = [self._total()]
        for notebook, rows in self._by_notebook().items():
            lines.append(f"{notebook:<34}" + "  ".join(f"{_mark(row)} {row['exercise']}" for row in rows))
        return printable("\n".join(lines))

    def _repr_html_(self) -> str:
        body = "".join(
            f"<tr><td style='text-align:left'>{html.escape(notebook)}</td>"
            f"<td>{sum(row['solved'] for row in rows)} of {len(rows)}</td><td style='text-align:left'>"
            + " &nbsp; ".join(f"{_mark(row)} <code>{row['exercise']}</code>" for row in rows)
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
    done = load()
    rows = []
    for exercise in exercises().values():
        entry = done.get(exercise.name, {"attempts": 0, "solved_at": None})
        row = {"notebook": exercise.notebook, "exercise": exercise.name, "minutes": exercise.minutes}
        row |= {"difficulty": exercise.difficulty, "solved": entry["solved_at"] is not None}
        rows.append(row | {"attempts": entry["attempts"], "solved_at": entry["solved_at"] or ""})
    return Progress(tuple(rows))


def _mark(row: dict) -> str:
    return "✅" if row["solved"] else "⬜"


def _add_outcomes(done: dict[str, dict], outcomes: dict[str, list[bool]]) -> dict[str, dict]:
    """A copy of `done` in which each outcome counts as an attempt, up to the first correct answer."""
    done = {name: dict(entry) for name, entry in done.items()}
    for name, passed in ((name, passed) for name, each in outcomes.items() for passed in each):
        entry = done.setdefault(name, {"attempts": 0, "solved_at": None})
        if entry["solved_at"] is None:
            entry["attempts"] += 1
            entry["solved_at"] = datetime.now(UTC).isoformat(timespec="seconds") if passed else None
    return done


@atexit.register
def _save_at_exit() -> None:
    if _unsaved:
        with contextlib.suppress(Exception):
            _save()


def _save() -> None:
    """Add the unsaved outcomes to the file. It is locked meanwhile, so that no other notebook's count is lost."""
    path = own_folder() / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.with_suffix(".lock")):
        before = _read(path)
        after = _add_outcomes(before, _unsaved)
        if after != before:
            replace_file(path, json.dumps({"version": 1, "exercises": after}, indent=1))
        _unsaved.clear()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock. Raises filelock.Timeout if another process holds it for longer than PATIENCE."""
    import filelock  # loads slowly

    lock = filelock.FileLock(path)
    try:
        lock.acquire(timeout=PATIENCE, poll_interval=0.005)
    except filelock.Timeout:
        raise
    except (OSError, NotImplementedError):
        pass  # this file system has no locks: write without one
    try:
        yield
    finally:
        lock.release()


def _read(path: Path) -> dict[str, dict]:
    """The entries of the file; {} if there is none. A damaged file is renamed, and is {} from then on."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        text = ""
    try:
        done = json.loads(text)["exercises"]
        for entry in done.values():
            is_count = isinstance(entry["attempts"], int) and not isinstance(entry["attempts"], bool)
            if not is_count or not isinstance(entry["solved_at"], (str, type(None))):
                raise TypeError("not an entry of a progress file")
        return done
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        with contextlib.suppress(OSError):
            path.replace(path.with_name(f"progress.damaged-{time.time_ns()}.json"))
        return {}


def replace_file(path: Path, text: str) -> None:
    """Replace the file in one step, so that it is never half written."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
