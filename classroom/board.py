"""The board: a page that shows where a class stands and which mistakes it makes, from the learners' records.

A record is a progress.json, or a table that `progress().to_csv(file)` wrote: one for each learner, in a folder, or in a
folder of the learner's own there. The page counts people. Its sentences come from the catalogue, so nothing that
somebody writes into a record is shown. `python -m lstm_lesson board` runs this file. It does not load torch: a process
of its own, `side_by_side.py`, writes the pages that show a mistake beside the right function.
"""

import csv
import functools
import hashlib
import html
import importlib
import io
import json
import math
import os
import re
import stat
import statistics
import subprocess
import sys
import time
import tomllib
import types
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent / "lstm_lesson"
GUIDE = HERE.parent / "docs" / "teaching.md"
MARK = '<meta name="generator" content="lstm_lesson board">'  # only a page that has it is replaced
POLL = 2  # seconds between two looks at the folder
FRESH = 30  # seconds after which the page is written anew without a change, because time makes people stuck
DAY = timedelta(hours=12)  # who stopped trying yesterday and has not gone on is not stuck now
LARGEST = 2_000_000  # bytes of a record; a thousand attempts take 200,000
MOST = 5  # mistakes that are shown for each exercise
OUTCOMES = ("correct", "wrong", "crashed")
SAME_MISTAKES = {"MyLSTM": "lstm"}  # its check names the mistakes of the other exercise


# The catalogue and the guide


@functools.cache
def mistakes_modules():
    """The package's modules `rules` and `model`, without running `lstm_lesson.exercises`, which would load torch."""
    name, before = "lstm_lesson.exercises", set(sys.modules)
    if name not in before:
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [str(PACKAGE / "exercises")]
    try:
        return importlib.import_module(f"{name}.catalogue.rules"), importlib.import_module(f"{name}.model")
    finally:
        if name not in before:  # whoever imports the package later gets all of it
            for each in set(sys.modules) - before:
                if each.startswith(name):
                    del sys.modules[each]


@functools.cache
def exercises() -> dict[str, dict]:
    """All exercises by name, in the notebooks' order, as the catalogue describes them."""
    found = {}
    for file in sorted((PACKAGE / "exercises" / "catalogue").glob("nb??.toml")):
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
        notebook = tables.pop("notebook")
        found |= {name: table | {"notebook": notebook} for name, table in tables.items()}
    return found


@functools.cache
def _model(exercise: str):
    rules, model = mistakes_modules()
    table = exercises()[SAME_MISTAKES.get(exercise, exercise)]
    if "model" not in table:
        return None
    return model.Model(table["model"], rules.read_edits(table.get("edits", ())), table.get("words", {}))


@functools.cache
def sentences(exercise: str, kind: str) -> dict[str, str]:
    """The sentences of an exercise's `described` or `regular` mistakes, by the identifier that a record has."""
    edits = getattr(_model(exercise), kind, {})
    return {mistakes_modules()[1].short(id): edit.cause for id, edit in edits.items()}


def sentence(exercise: str, id: str) -> str:
    """What the check says of a mistake; "" if the catalogue has no such identifier."""
    return sentences(exercise, "described").get(id) or sentences(exercise, "regular").get(id, "")


@functools.cache
def guide() -> dict[str, list[tuple[str, str, str]]]:
    """The wrong answers in docs/teaching.md: for each exercise the heading above, the answer, what the check says.

    Under a notebook's number stands its heading.
    """
    found = defaultdict(list)
    lines = GUIDE.read_text(encoding="utf-8").splitlines() if GUIDE.is_file() else []
    section = ""
    for line in lines:
        if answer := re.fullmatch(r'- `(\w+)`, (.+?): "(.+)"', line):
            found[answer[1]].append((section, answer[2], answer[3]))
        elif heading := re.fullmatch(r"### ((\d\d) · .+)", line):
            section = heading[1]
            found[heading[2]].append((section, "", ""))
    return found


def guide_line(exercise: str, says: str) -> str:
    """Where the guide answers a mistake: the section with the wrong answer, else the section of the notebook."""
    near = [row for row in guide()[exercise] if row[2] in says or says in row[2]]
    if near:
        heading, answer, _ = max(near, key=lambda row: len(row[2]))
        return f"docs/teaching.md, {heading}, Wrong answers: {answer}"
    for heading, _, _ in guide()[exercises()[exercise]["notebook"][:2]]:
        return f"docs/teaching.md, {heading}"
    return ""


# The records


@dataclass(frozen=True)
class Work:
    """What a record has of one exercise: how many attempts, when it was solved, and what was noted of each attempt."""

    attempts: int
    solved: datetime | None
    noted: tuple[tuple[datetime, str, tuple[str, ...]], ...]  # when, outcome, identifiers of mistakes

    @classmethod
    def read(cls, attempts, solved_at, noted) -> "Work":
        """Raises ValueError where something is not as a progress file has it."""
        if isinstance(attempts, bool) or not isinstance(attempts, int) or not 0 <= attempts <= 10**6:
            raise ValueError("an exercise has no number of attempts")
        if not isinstance(noted, list) or not all(
            isinstance(note, list) and len(note) > 1 and note[1] in OUTCOMES and all(isinstance(x, str) for x in note)
            for note in noted
        ):
            raise ValueError("its notes on attempts cannot be read")
        notes = tuple((_time(when), outcome, tuple(ids)) for when, outcome, *ids in noted)
        return cls(attempts, _time(solved_at) if solved_at else None, notes)


def _time(text) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError("a time in it cannot be read") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def read_record(name: str, data: bytes) -> dict[str, Work]:
    """The work in a record of this file name, by exercise. Raises ValueError with what is wrong."""
    if not data.strip():
        raise ValueError("it is empty")
    try:
        text = data.decode("utf-8-sig")
        rows = _rows_of_table(text) if name.lower().endswith(".csv") else json.loads(text)["exercises"].items()
        return {exercise: Work.read(*row) for exercise, row in map(_fields, rows) if exercise in exercises()}
    except UnicodeDecodeError:
        raise ValueError("it is no text in UTF-8") from None
    except json.JSONDecodeError:
        raise ValueError("it is no JSON, or ends too early") from None
    except (KeyError, TypeError, AttributeError, RecursionError, csv.Error):
        raise ValueError("it is no record of progress") from None


def _fields(row) -> tuple[str, tuple]:
    exercise, entry = row
    return exercise, (entry["attempts"], entry["solved_at"], entry.get("noted", []))


def _rows_of_table(text: str) -> list[tuple[str, dict]]:
    """The rows of a table that `to_csv` wrote, also after a spreadsheet has put semicolons between the columns."""
    csv.field_size_limit(LARGEST)
    first = text.partition("\n")[0]
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";" if "," not in first else ","))
    if not rows or not {"exercise", "attempts", "solved_at"} <= rows[0].keys():
        raise ValueError("it has no columns exercise, attempts and solved_at")
    found = []
    for row in rows:
        if not (row["attempts"] or "").isdecimal() or row["solved_at"] is None:
            raise ValueError("a row ends too early, or has no number of attempts")
        noted = json.loads(row.get("noted") or "[]")
        found.append(
            (row["exercise"], {"attempts": int(row["attempts"]), "solved_at": row["solved_at"], "noted": noted})
        )
    return found


def read_file(path: Path) -> bytes:
    """The bytes of a plain file. Raises ValueError for others: a link may lead elsewhere, a pipe may never end."""
    flags = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
    try:
        if path.is_symlink():
            raise ValueError("it is a link")
        with os.fdopen(os.open(path, flags), "rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise ValueError("it is no plain file")
            if about.st_size > LARGEST:
                raise ValueError(f"it is larger than {LARGEST // 10**6} MB")
            return file.read(LARGEST)
    except OSError as error:
        raise ValueError(f"it cannot be opened ({type(error).__name__})") from None


@dataclass
class Room:
    """The records in a folder, read again where they changed. `records` are by learner, `left_out` by file."""

    folder: Path
    records: dict[str, dict[str, Work]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    known: dict[str, tuple] = field(default_factory=dict)  # by path: what tells a change, the record, the reason
    seen: tuple = ()  # what tells a change of any file, and the folders that cannot be opened

    def look(self) -> bool:
        """Read what changed; returns whether anything did. Raises OSError where the folder cannot be read."""
        seen, refused = {}, {}
        for name, path in _files(self.folder, refused):
            try:
                about = path.lstat()
                seen.setdefault(name, []).append((about.st_mtime_ns, about.st_size, about.st_ino, path))
            except FileNotFoundError:  # it was replaced at this moment
                seen.setdefault(name, []).append((0, 0, 0, path))
        if (seen, refused) == self.seen:
            return False
        self.seen = seen, refused
        self.known = {path: self._read(path, about) for files in seen.values() for *about, path in files}
        self.records, self.left_out, counted = {}, refused.copy(), {}
        for name, files in seen.items():
            for *_, path in sorted(files, reverse=True):  # the newest that can be read counts
                _, record, reason = self.known[path]
                newer = counted.get(name)
                if record is not None and newer and self.folder in (newer.parent, path.parent):
                    reason = "a newer file or folder has the same name and counts; if they are two people, rename one"
                elif record is not None:
                    counted.setdefault(name, path)
                    self.records.setdefault(name, record)
                if reason:
                    self.left_out[str(path.relative_to(self.folder))] = reason
        return True

    def _read(self, path: Path, about: list) -> tuple:
        if (known := self.known.get(path)) and known[0] == about:
            return known
        try:
            return about, read_record(path.name, read_file(path)), ""
        except ValueError as reason:
            return about, None, str(reason)


def _files(folder: Path, refused: dict[str, str]):
    """A learner and a path, for each file that may be a record."""
    files, folders = _entries(folder)
    yield from ((path.stem, path) for path in files)
    for own in folders:
        try:
            files, deeper = _entries(own)
            files += [path for each in deeper for path in _entries(each)[0]]
        except OSError as error:
            refused[own.name] = f"it cannot be opened ({type(error).__name__})"
            continue
        current = [path for path in files if path.name == "progress.json"]
        yield from ((own.name, path) for path in current or files)


def _entries(folder: Path) -> tuple[list[Path], list[Path]]:
    """What may be records in a folder, and the folders in it. Links to folders are not followed."""
    with os.scandir(folder) as entries:
        entries = sorted((each for each in entries if not each.name.startswith(".")), key=lambda each: each.name)
    files = [Path(each.path) for each in entries if _may_be_record(each.name)]
    return files, [Path(each.path) for each in entries if each.is_dir(follow_symlinks=False)]


def _may_be_record(name: str) -> bool:
    return name.lower().endswith((".json", ".csv")) and ".damaged-" not in name


# What the page says


@dataclass(frozen=True)
class Mistake:
    """A sentence of the check, how many people it was said to, and how many of them have not solved the exercise.

    Several mistakes may have the same sentence; `id` is the identifier of the one that most people made.
    """

    exercise: str
    says: str
    people: int
    still: int
    id: str


@dataclass(frozen=True)
class Standing:
    """How far a class is with one exercise."""

    exercise: str
    people: int
    trying: int
    solved: int
    minutes: float | None  # median, from the first attempt to the right one
    attempts: float | None  # median, of those who solved it
    stuck: tuple[str, ...]
    mistakes: tuple[Mistake, ...]  # the most frequent first
    unnamed: int  # people with a wrong answer for which the check knew no mistake

    @property
    def begun(self) -> int:
        return self.trying + self.solved


def standing(exercise: str, records: dict[str, dict[str, Work]], now: datetime, patience: timedelta) -> Standing:
    """How far the learners of these records are with an exercise; after `patience` without a solution one is stuck."""
    work = {name: record[exercise] for name, record in records.items() if exercise in record}
    solved = [each for each in work.values() if each.solved]
    trying = {name: each for name, each in work.items() if each.attempts and not each.solved}
    whole = [each for each in solved if each.noted and len(each.noted) == each.attempts]  # from the first attempt on
    took = [max((each.solved - each.noted[0][0]).total_seconds(), 0) / 60 for each in whole]
    said, unnamed = defaultdict(lambda: defaultdict(set)), set()
    for name, each in work.items():
        for _, outcome, ids in each.noted:
            found = [(says, id) for id in ids if (says := sentence(exercise, id))]
            for says, id in found:
                said[says][id].add(name)
            if not found and outcome != "correct":
                unnamed.add(name)
    mistakes = []
    for says, by_id in said.items():
        names = set().union(*by_id.values())
        most = min(by_id, key=lambda id: (-len(by_id[id]), id))
        mistakes.append(Mistake(exercise, says, len(names), len(names & trying.keys()), most))
    stuck = []
    for name, each in trying.items():
        today = [when for when, *_ in each.noted if now - when < DAY]
        if today and now - today[0] > patience:
            stuck.append(name)
    return Standing(
        exercise, len(records), len(trying), len(solved), statistics.median(took) if took else None,
        statistics.median(each.attempts for each in solved) if solved else None, tuple(sorted(stuck)),
        tuple(sorted(mistakes, key=lambda mistake: (-mistake.people, -mistake.still, mistake.says))), len(unnamed),
    )  # fmt: skip


def no_link(mistake: Mistake) -> str:
    return ""


def page(
    room: Room, now: datetime, patience: float = 10, names: bool = False, link: Callable[[Mistake], str] = no_link
) -> str:
    """The page, as HTML. `patience` is in minutes; with `names` it names those who are stuck.

    `link` says where the page of a mistake is, or "" as long as there is none.
    """
    standings = [standing(name, room.records, now, timedelta(minutes=patience)) for name in exercises()]
    notebooks = defaultdict(list)
    for each in standings:
        notebooks[exercises()[each.exercise]["notebook"]].append(each)
    stuck = {name for each in standings for name in each.stuck}
    people = _count(len(room.records), "person", "people")
    waiting = (
        f"{len(stuck) or 'Nobody'} {'has' if len(stuck) < 2 else 'have'} been stuck for more than {patience:g} minutes"
    )
    left_out = f' <a href="#left-out">{_count(len(room.left_out), "file is", "files are")} left out.</a>'
    left_out = left_out if room.left_out else ""
    parts = [f'<p class="lead"><strong>{people}.</strong> {waiting}.{left_out}</p>']
    frequent = sorted((m for each in standings for m in each.mistakes), key=lambda m: (-m.still, -m.people, m.says))
    parts.append('<h2 id="now">The most frequent mistakes that are not solved yet</h2>')
    frequent = [mistake for mistake in frequent if mistake.still][:MOST]
    parts.append(_mistakes(frequent, len(room.records), True, link) if frequent else "<p>None now.</p>")
    parts.append('<h2 id="all">Notebook by notebook</h2>')
    parts += [_notebook(notebook, rows, patience, names, link) for notebook, rows in notebooks.items()]
    if room.left_out:
        reasons = sorted(room.left_out.items())  # a file may have a learner's name
        rows = (f"<li>{f'<code>{_text(file)}</code>: ' * names}{_text(why)}</li>" for file, why in reasons)
        parts.append(f'<h2 id="left-out">Files that are left out</h2><ul>{"".join(rows)}</ul>')
    body = "\n".join(parts)
    made = hashlib.sha256(body.encode()).hexdigest()[:16]
    at = now.astimezone().strftime("%H:%M:%S")
    template = (HERE / "board.html").read_text(encoding="utf-8")
    for name, value in {
        "MARK": MARK,
        "MADE": made,
        "AT": at,
        "TITLE": f"{people}, {len(stuck)} stuck",
        "BODY": body,
        "NAV": '<a href="#board">all</a> ' + " ".join(map(_link, notebooks)),
    }.items():
        template = template.replace(f"<!--{name}-->", value)
    return template


def _heading(notebook: str) -> str:
    """What the guide calls a notebook."""
    return next((text for text, _, _ in guide()[notebook[:2]]), notebook)


def _link(notebook: str) -> str:
    """A link that shows this notebook alone."""
    return f'<a href="#nb{notebook[:2]}" aria-label="{_text(_heading(notebook))}">{notebook[:2]}</a>'


def _notebook(notebook: str, rows: list[Standing], patience: float, names: bool, link: Callable) -> str:
    """The table of a notebook's exercises, and their mistakes; closed where nobody has begun."""
    heading = _heading(notebook)
    begun = max((row.begun for row in rows), default=0)
    cells = "".join(_row(row, names) for row in rows)
    heads = "not begun", "trying", "solved", "median minutes", "median attempts", f"stuck over {patience:g} min"
    heads = "".join(f'<th scope="col">{head}</th>' for head in heads)
    table = f'<table><caption class="hidden">{_text(heading)}: people at each exercise</caption><thead><tr>'
    table += f'<th scope="col">exercise</th>{heads}</tr></thead><tbody>{cells}</tbody></table>'
    mistakes = "".join(
        f'<h4 data-key="h-{row.exercise}"><code>{row.exercise}</code></h4>'
        + (_mistakes(row.mistakes[:MOST], row.people, False, link) if row.mistakes else "")
        + (f"<p>{_count(row.unnamed, 'person', 'people')} with other mistakes.</p>" if row.unnamed else "")
        for row in rows
        if row.mistakes or row.unnamed
    )
    about = f"begun by {_count(begun, 'person', 'people')}" if begun else "begun by nobody"
    opened = " open" if begun else ""
    return (
        f'<details id="nb{notebook[:2]}" data-key="{notebook}" data-begun="{begun}"{opened}>'
        f"<summary><h3>{_text(heading)}</h3> <span>{about}</span></summary>"
        f'<div class="wide" role="region" tabindex="0" aria-label="{_text(heading)}">'
        f"{table}</div>{mistakes}</details>"
    )


def _row(row: Standing, names: bool) -> str:
    """A row of the table: the numbers, and a strip that shows them."""
    none = '<span aria-hidden="true">–</span><span class="hidden">no figure yet</span>'
    strip = _bar("strip", {"solved": row.solved, "trying": row.trying}, row.people)
    stuck = str(len(row.stuck)) + (f": {_text(', '.join(row.stuck))}" if names and row.stuck else "")
    minutes = none if row.minutes is None else f"{row.minutes:.0f}"
    attempts = none if row.attempts is None else f"{row.attempts:g}"
    cells = row.people - row.begun, row.trying, row.solved, minutes, attempts, stuck
    cells = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr data-key="{row.exercise}"><th scope="row"><code>{row.exercise}</code>{strip}</th>{cells}</tr>'


def _mistakes(mistakes, people: int, named: bool, link: Callable) -> str:
    """A list of mistakes with bars; `named` where they belong to several exercises."""
    items = []
    for mistake in mistakes:
        key = hashlib.sha256(f"{mistake.exercise} {mistake.says}".encode()).hexdigest()[:12]
        of = f"<strong>{mistake.people} of {people}</strong> made it, {mistake.still} of them have not solved it yet"
        exercise = f"<code>{mistake.exercise}</code> · " if named else ""
        where = guide_line(mistake.exercise, mistake.says)
        says, address = _text(mistake.says), link(mistake)
        says = f'<a href="{address}">{says}</a>' if address else says
        bar = _bar("bar", {"still": mistake.still, "since": mistake.people - mistake.still}, people)
        items.append(
            f'<li data-key="{key}">{bar}<p class="says">{exercise}{of}: {says}</p>'
            + (f'<p class="guide">{_text(where)}</p>' if where else "")
            + "</li>"
        )
    return f'<ol class="mistakes">{"".join(items)}</ol>'


def _bar(kind: str, parts: dict[str, int], people: int) -> str:
    """A bar of parts, each a share of all people. The numbers stand beside it, so a screen reader passes over it."""
    share = 100 / max(people, 1)
    parts = "".join(f'<span class="{name}" style="width:{n * share:.2f}%"></span>' for name, n in parts.items())
    return f'<span class="{kind}" aria-hidden="true">{parts}</span>'


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _text(text: str) -> str:
    """Text as HTML, with `code` between backticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text.encode("utf-8", "replace").decode()))


# The pages of mistakes


def style() -> str:
    """What the board and the pages beside it share of their looks: the colours and the letters."""
    return (HERE / "board.html").read_text(encoding="utf-8").split("<style>\n")[1].split("/* The board's own */")[0]


@functools.cache
def version() -> bytes:
    """What changes with all that a page of a mistake is made of."""
    folders = PACKAGE / "exercises", PACKAGE / "exercises" / "catalogue"
    files = [path for folder in folders for path in sorted(folder.glob("*.*"))]
    files += [GUIDE, *(HERE / name for name in ("board.html", "board.py", "side_by_side.html", "side_by_side.py"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files if path.is_file())).digest()


@dataclass
class Pages:
    """The pages of the mistakes on a board, in a folder beside it. Another process makes those that are missing."""

    board: Path
    wanted: dict[str, Mistake] = field(default_factory=dict)  # by the name of the page
    there: set[str] = field(default_factory=set)  # of those that are wanted
    asked: set[str] = field(default_factory=set)  # of the process that is running
    given_up: set[str] = field(default_factory=set)
    process: subprocess.Popen | None = None

    @property
    def folder(self) -> Path:
        return self.board.with_name(f"{self.board.stem}-mistakes")

    def link(self, mistake: Mistake) -> str:
        """The address of a mistake's page from the board, "" as long as there is none. From now on it is wanted."""
        of = f"{self.board.name} {mistake.exercise} {mistake.id}".encode()
        name = f"{mistake.exercise}-{hashlib.sha256(version() + of).hexdigest()[:16]}.html"
        self.wanted[name] = mistake
        if not is_ours(self.folder / name):
            self.there.discard(name)
            return ""
        self.there.add(name)
        return quote(f"{self.folder.name}/{name}")

    def changed(self) -> bool:
        """Whether the process has made a page since the last look."""
        return self.process is not None and any(is_ours(self.folder / name) for name in self.asked - self.there)

    def make(self) -> None:
        """Start the process for what is missing, if none is running. What does not work is said in the terminal."""
        if self.process:
            if self.process.poll() is None:
                return
            self.finish()
        missing = [name for name in self.wanted if name not in self.there | self.given_up]
        for name in [name for name in missing if (self.folder / name).exists()]:
            print(f"{self.folder / name} is there and is no page of the board; it stays", file=sys.stderr)
            self.given_up.add(name)
            missing.remove(name)
        pages = [(self.wanted[name].exercise, self.wanted[name].id, name) for name in missing]
        try:
            if missing:
                self.folder.mkdir(exist_ok=True)
                command = [sys.executable, str(HERE / "side_by_side.py"), str(self.folder)]
                pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
                self.process, self.asked = subprocess.Popen(command, text=True, encoding="utf-8", **pipes), {*missing}
                with self.process.stdin as given:
                    json.dump({"board": quote(f"../{self.board.name}"), "pages": pages}, given)
        except OSError as error:
            self.given_up.update(missing)
            print(f"no pages of mistakes: {error}", file=sys.stderr)

    def finish(self) -> None:
        """Wait for the process, and give up what it has not made."""
        if self.process:
            with self.process as process:
                told = process.stderr.read().strip().splitlines()
            for line in told[-1:] if "Traceback" in " ".join(told) else told:
                print(f"no page of a mistake: {line}", file=sys.stderr)
            self.given_up.update(name for name in self.asked if not is_ours(self.folder / name))
            self.process = None

    def stop(self) -> None:
        """End the process, if it is running."""
        if self.process:
            self.process.kill()
            self.process.wait()


def is_ours(path: Path) -> bool:
    """Whether there is such a file and the board wrote it, so that it may be replaced."""
    try:
        with path.open("rb") as file:
            return MARK.encode() in file.read(2000)
    except OSError:
        return False


# The command


def write(output: Path, text: str) -> None:
    """Put a page in the place of `output`, which is never half written."""
    part = output.with_name(f".{output.name}-{os.getpid()}")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)


def checked(given) -> tuple[Path, Path, float]:
    """The folder, the page and the minutes. Raises ValueError naming the argument that does not fit."""
    folder, output = Path(given.target), Path(given.output)
    if not folder.is_dir():
        raise ValueError(f"FOLDER is {folder}, and there is no such folder")
    if output.is_dir() or not output.parent.is_dir():
        raise ValueError(f"--output is {output}; it needs a file in a folder that exists")
    if output.exists() and not is_ours(output):
        raise ValueError(f"--output is {output}, which is there and is no board; name another page")
    try:
        minutes = float(given.stuck)
    except ValueError:
        minutes = math.nan
    if not 0 < minutes < math.inf:
        raise ValueError(f"--stuck is {given.stuck}; it needs a number of minutes above 0")
    return folder, output, minutes


def run(given) -> int:
    """Write the page, and with `--watch` again at every change until Ctrl-C. Returns 0, or 2 after an error."""
    pages = Pages(Path(given.output))
    try:
        folder, output, minutes = checked(given)
        room, told, written = Room(folder), {}, 0.0
        while True:
            try:
                changed = room.look() | pages.changed()
                for file, why in room.left_out.items():
                    if told.get(file) != why:
                        print(f"{file} is left out: {why}", file=sys.stderr)
                told = dict(room.left_out)
                if changed or time.monotonic() - written > FRESH:
                    pages.wanted.clear()
                    write(output, page(room, datetime.now(UTC), minutes, given.names, pages.link))
                    written = time.monotonic()
                pages.make()
            except OSError as error:
                if not given.watch:
                    raise
                print(f"not written: {error}", file=sys.stderr)
                time.sleep(FRESH)
            if not given.watch:
                if pages.process:
                    pages.finish()
                    write(output, page(room, datetime.now(UTC), minutes, given.names, pages.link))
                print(output)
                return 0
            time.sleep(POLL)
    except KeyboardInterrupt:
        return 0
    except (ValueError, OSError) as error:
        print(f"python -m lstm_lesson board: {error}", file=sys.stderr)
        return 2
    finally:
        pages.stop()
