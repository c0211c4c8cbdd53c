"""The plans of docs/teaching.md, from docs/plans.toml: `python tools/plans.py` prints how long each lesson takes.

`--write` makes the tables of the guide anew. `--run TITLE` runs a lesson, each of its notebooks in a fresh kernel with
only the cells that the plan names: try a change of your own before the class does. It names each notebook when it
begins it; most take seconds, those that train take minutes.
"""

import argparse
import json
import math
import re
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import minutes
from tracked import ROOT

TABLE = "| {} | what | on the projector | the class |\n|---|---|---|---|\n"
TASK = re.compile(r"(?m)^#+ Your turn: `(\w+)` · (\d+) minutes?.*$")
HEADING = re.compile(r"(?m)^(#+) (.*?)\s*$")
CLOSING = re.compile(r"\s*<details><summary>(?:What can go wrong|For the teacher|When you are stuck)")


@dataclass(frozen=True)
class Cell:
    """A cell of a notebook: its number, its type and source, the exercise that it belongs to."""

    number: int
    kind: str
    source: str
    exercise: str = ""


def lessons(text: str | None = None) -> list[dict]:
    """The lessons of all plans, in order, from the text of docs/plans.toml."""
    found = tomllib.loads(text or (ROOT / "docs/plans.toml").read_text(encoding="utf-8"))
    return [lesson | {"talk": found["talk"]} for lesson in found["lesson"]]


def path_of(notebook: str) -> Path:
    (path,) = (ROOT / "notebooks").glob(f"{notebook}_*.ipynb")
    return path


@cache
def cells(notebook: str) -> tuple[Cell, ...]:
    """The cells of a notebook. A text cell is cut in two where a task begins; a task ends with its stub."""
    found, task = [], ""
    stored = json.loads(path_of(notebook).read_text(encoding="utf-8"))["cells"]
    for k, (kind, source) in enumerate((cell["cell_type"], "".join(cell["source"])) for cell in stored):
        begins = TASK.search(source) if kind == "markdown" else None
        if begins:
            found.append(Cell(k, kind, source[: begins.start()]))
            task, source = begins[1], source[begins.start() :]
        found.append(Cell(k, kind, source, task))
        if kind == "code" and "NotImplementedError" in source:
            task = ""
    return tuple(cell for cell in found if cell.source.strip())


@cache
def section(notebook: str, title: str) -> tuple[Cell, ...]:
    """The cells under a heading, with those under its smaller headings. Raises ValueError if there is none."""
    level, found = 0, []
    for cell in cells(notebook):
        heading = HEADING.match(cell.source.lstrip()) if cell.kind == "markdown" else None
        if level and ((heading and len(heading[1]) <= level) or CLOSING.match(cell.source)):
            break
        if heading and heading[2] == title:
            level = len(heading[1])
        if level:
            found.append(cell)
    if not found:
        raise ValueError(f"{notebook} has no heading {title!r}")
    return tuple(found)


def task(notebook: str, name: str) -> tuple[Cell, ...]:
    """The task of an exercise and its stub. Raises ValueError if the notebook has no such exercise."""
    found = tuple(cell for cell in cells(notebook) if cell.exercise == name)
    if not found:
        raise ValueError(f"{notebook} has no exercise {name!r}")
    return found


def opening(notebook: str) -> tuple[Cell, ...]:
    """What stands before the first section: the title, the set-up cell and the imports."""
    first = next(k for k, cell in enumerate(cells(notebook)) if cell.source.lstrip().startswith("## "))
    return cells(notebook)[:first]


def worked(row: dict) -> list[Cell]:
    """The cells that a row works through with the class: its sections, without the tasks that it does not name."""
    found = [cell for title in row.get("teach", ()) for cell in section(row["notebook"], title) if not cell.exercise]
    return found + [cell for name in row.get("exercises", ()) for cell in task(row["notebook"], name)]


def length(row: dict, talk: dict, first: bool) -> int:
    """The minutes of a row, rounded up; `first` if it opens its notebook."""
    if "notebook" not in row:
        return row["minutes"]
    counted = minutes.count([(cell.source, cell.kind) for cell in worked(row)])
    more = talk["question"] * counted["questions"] + talk["exercise"] * len(row.get("exercises", ()))
    return math.ceil(minutes.exact(counted) + more + talk["notebook"] * first + row.get("board", 0))


def timed(lesson: dict) -> list[tuple[int, int, dict]]:
    """The rows of a lesson with the minutes at which each begins and ends."""
    now, opened, rows = lesson.get("starts", 0), set(), []
    for row in lesson["row"]:
        lasts = length(row, lesson["talk"], row.get("notebook") not in opened)
        rows.append((now, now + lasts, row))
        opened.add(row.get("notebook"))
        now += lasts
    return rows


def code(lesson: dict) -> dict[str, list[str]]:
    """The code cells that a lesson runs, by notebook: row after row, within a row as in the notebook, each once.

    The stub of a task runs with its section, whether the class solves it or not.
    """
    found: dict[str, dict[int, Cell]] = {}
    for row in (row for row in lesson["row"] if "notebook" in row):
        name = row["notebook"]
        parts = [section(name, title) for title in [*row.get("run", ()), *row.get("teach", ())]]
        parts += [opening(name), *(task(name, exercise) for exercise in row.get("exercises", ()))]
        in_order = sorted(
            (cell for part in parts for cell in part if cell.kind == "code"), key=lambda cell: cell.number
        )
        found[name] = found.get(name, {}) | {c.number: c for c in in_order if c.number not in found.get(name, {})}
    return {name: [cell.source for cell in cells_run.values()] for name, cells_run in found.items()}


def table(lesson: dict) -> str:
    """The table of a lesson, and a line that names what is run without a word."""
    on_clock = "starts" in lesson
    text, silent = TABLE.format("time" if on_clock else "minutes"), {}
    for start, end, row in timed(lesson):
        start, end = (f"{t // 60}:{t % 60:02}" if on_clock else str(t) for t in (start, end))
        parts = [f"*{title}*" for title in row.get("teach", ())] + [f"`{name}`" for name in row.get("exercises", ())]
        what = f"{row['notebook']}: {', '.join(parts)}" if "notebook" in row else row["what"]
        what += " ○" * row.get("may_go", False)
        text += f"| {start}–{end} | {what} | {row.get('projector', '')} | {row.get('class', '')} |\n".replace(
            "  |", " |"
        )
        for title in row.get("run", ()):
            silent.setdefault(row["notebook"], []).append(f"*{title}*")
    named = "; ".join(f"{notebook} {', '.join(titles)}" for notebook, titles in silent.items())
    return text + (f"\nRun without a word, before their rows: {named}.\n" if named else "")


def write(guide: str, plans: list[dict]) -> str:
    """The guide with the table of each lesson anew, below the heading with the lesson's title."""
    for lesson in plans:
        heading = rf"^### {re.escape(lesson['title'])}$\n(?:(?![#|]).*\n)*"
        found = list(re.finditer(rf"(?m)({heading})(?:\|.*\n)+(?:\nRun without .*\n)?", guide))
        if len(found) != 1:
            raise ValueError(f"docs/teaching.md has {len(found)} tables below '### {lesson['title']}'; it needs one")
        guide = guide[: found[0].end(1)] + table(lesson) + guide[found[0].end() :]
    return guide


def run(lesson: dict) -> None:
    """Run the cells of a lesson, each notebook in a kernel of its own. A cell that fails raises CellExecutionError."""
    from nbconvert.preprocessors import ExecutePreprocessor
    from nbformat.v4 import new_code_cell, new_notebook

    for name, sources in code(lesson).items():
        print(f"  {name}: {len(sources)} cells", flush=True)
        notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
        runner = ExecutePreprocessor(timeout=600, kernel_name="python3")
        runner.preprocess(notebook, {"metadata": {"path": ROOT / "notebooks"}})
        printed = "".join(output.get("text", "") for cell in notebook.cells for output in cell.outputs)
        for line in re.findall(r"(?m)^This run reads: .*", printed):  # the answers of a plan hold for the posts alone
            print(f"  {line}", flush=True)


def main(words: list[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--write", action="store_true", help="make the tables of docs/teaching.md anew")
    options.add_argument("--run", metavar="TITLE", default="", help="run the lessons with this in their titles")
    given = options.parse_args(words)
    chosen = [lesson for lesson in lessons() if given.run in lesson["title"]]
    if not chosen:
        titles = ", ".join(lesson["title"] for lesson in lessons())
        options.error(f"no lesson has {given.run!r} in its title; there are: {titles}")
    for lesson in chosen:
        rows = timed(lesson)
        lasts, must = rows[-1][1] - rows[0][0], sum(end - start for start, end, row in rows if not row.get("may_go"))
        print(f"{lesson['title']}: {lasts} minutes of {lesson['minutes']}, {must} without the rows marked ○")
        if given.run:
            run(lesson)
            print("  every cell of it ran")
    if given.write:
        guide = ROOT / "docs/teaching.md"
        guide.write_text(write(guide.read_text(encoding="utf-8"), lessons()), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
