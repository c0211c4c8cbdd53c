"""Copies of the notebooks for a class: `python tools/copies.py student FOLDER` (or `make student`, `make instructor`).

A student's copy has no outputs, no answer to a prediction and no notes for the teacher. The instructor's copy of the
same cells keeps them, and has beside each exercise its solution and the usual mistakes, beside each section the rows
of the plans in docs/teaching.md. Push FOLDER to a repository of the class; classroom/links.py prints the links.
"""

import argparse
import ast
import datetime
import os
import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from folds import FOLD, is_answer, is_question
from nbformat.v4 import new_markdown_cell
from stored_notebook import ANSWER
from tracked import ROOT, ours

from lstm_lesson import solution
from lstm_lesson.exercises.exercise import exercises

GUIDE = ROOT / "docs" / "teaching.md"
VARIABLE = "LSTM_LESSON_SOLUTIONS_FROM"  # read by `solution`
ASKS = re.compile(r"\*\*(?:Predict|Question|Quick question)s?\b")
BADGE = re.compile(r"\n*\[!\[[^\]]*\]\([^)]*\)\]\([^)]*\)")
GIVES_AWAY = re.compile(r"(?i)^for the teacher|^what is wrong in|^how the package|answer")  # other folds for teachers
WRONG = re.compile(r'(?m)^- `(\w+)`, (.+?): "(.+)"$')  # in the guide: exercise, wrong answer, what the check says
NAME_OF_ROW = r"\*\*[^*]+\*\*, [^.]+"  # its plan and its minutes
NEUTRAL = {"title": "''", "alt": "'The figure that this cell draws.'"}


@dataclass(frozen=True)
class Choice:
    """What a class gets: tags of cells to leave out, the exercises that are set (None: all), a date for solutions."""

    drop: frozenset[str] = frozenset()
    exercises: frozenset[str] | None = None
    solutions_from: str = ""

    def sets(self, name: str) -> bool:
        """Whether this exercise is set."""
        return self.exercises is None or name in self.exercises


@dataclass
class Guide:
    """docs/teaching.md: the rows of its plans, its section on each notebook, and wrong answers to each exercise."""

    text: str = field(default_factory=lambda: GUIDE.read_text(encoding="utf-8"))

    def plan(self, number: str, heading: str = "") -> list[str]:
        """The rows of all plans that name this heading of a notebook, or, without one, the notebook alone."""
        found, plan, head = [], "", []
        for line in self.text.splitlines():
            if title := re.match(r"#+ (.*)", line):
                plan, head = title[1], []
            cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
            if not cells or not head:
                head = cells
            elif any(heading in names if heading else not names for names in self.named(number, cells)):
                told = "; ".join(f"{what}: {cell}" for what, cell in zip(head[1:], cells[1:], strict=False) if cell)
                found.append(f"**{plan}**, {cells[0]}. {told}")
        return found

    @staticmethod
    def named(number: str, cells: list[str]) -> list[list[str]]:
        """The headings in italics that a row names after the number of a notebook, up to the next number."""
        told = " | ".join(cell for cell in cells if re.match(r"(?:from )?(?:0\d|1\d)(?::(?!\d)|$)", cell))
        parts = re.split(r"(?<![\w*:.–])((?:0\d|1\d)(?=[:, ]|$))", told)
        pairs = zip(parts[1::2], parts[2::2], strict=True)
        return [re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", text) for n, text in pairs if n == number]

    def of(self, title: str) -> str:
        """The section on a notebook, without the wrong answers, which stand beside the exercises."""
        found = re.search(rf"(?ms)^### {re.escape(title)}$\n(.*?)(?=^#{{1,3}} |\Z)", self.text)
        text = re.sub(r"(?s)\*\*Wrong answers\.\*\*.*?(?=\*\*Skip|\Z)", "", found[1]) if found else ""
        return re.sub(r"\s*\[Open it\]\([^)]*\)\.?", "", text).strip()

    def wrong(self, name: str) -> list[str]:
        """Wrong answers to an exercise, with what the check says."""
        return [f"{written}: “{said}”" for each, written, said in WRONG.findall(self.text) if each == name]


def stub(cell) -> str:
    """The exercise that a code cell sets, or ""."""
    found = re.findall(r"(?m)^check\((\w+)\)", cell.source) if cell.cell_type == "code" else []
    return found[-1] if found and "NotImplementedError" in cell.source else ""


def selected(cells, choice: Choice):
    """The cells that the class gets; an exercise that isn't set leaves its name to the package's function."""
    left_out = {name for cell in cells if (name := stub(cell)) and not choice.sets(name)}
    for cell in cells:
        if choice.drop & set(cell.metadata.get("tags", [])):
            continue
        if cell.cell_type == "markdown":
            for name in left_out:
                cell.source = re.sub(rf"(?ms)^### Your turn: `{name}`.*?(?=^#{{1,3}} |\Z)", "", cell.source).strip()
        elif stub(cell) in left_out:
            cell.source = without_stub(cell.source)
        else:
            cell.source = re.sub(r"\byours\(([^()]*)\)", lambda call: by_name(call, left_out), cell.source)
        if cell.source.strip():
            yield cell


def without_stub(source: str) -> str:
    """What else a stub's cell defines."""
    lines = source.splitlines()
    kept = [node for node in ast.parse(source).body if "NotImplementedError" not in (text := ast.unparse(node))
            and not text.startswith("check(")]  # fmt: skip
    return "\n".join(line for node in kept for line in lines[node.lineno - 1 : node.end_lineno])


def by_name(call: re.Match, left_out: set[str]) -> str:
    """`yours(f)` as `yours("f")` where there is no f, so that the package's function comes."""
    return re.sub(r"(?<![\"'\w])\w+(?![\"'\w])", lambda n: f'"{n[0]}"' if n[0] in left_out else n[0], call[0])


def for_students(cells):
    """Take out the outputs, the answers, and what says the answer in the code below a question."""
    asked = False
    for cell in cells:
        if cell.cell_type == "markdown":
            cell.source = FOLD.sub(open_question, cell.source).strip()
            asked = ASKS.search(cell.source) is not None
        else:
            cell.outputs, cell.execution_count = [], None
            if asked or ANSWER in cell.metadata.get("tags", []):
                cell.source = without_words(cell.source)
        if cell.source:
            yield cell


def open_question(fold: re.Match) -> str:
    """A fold in a student's copy: the question alone, nothing, or the fold itself."""
    summary = fold[1].strip()
    if is_question(summary):
        return f"**{summary}**"
    return "" if is_answer(summary) or GIVES_AWAY.search(summary) else fold[0]


def without_words(source: str) -> str:
    """Code without the title and the alt text of a figure, which say what it shows."""
    try:
        calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    except SyntaxError:
        return source
    words = [word for call in calls for word in call.keywords if word.arg in NEUTRAL]
    encoded = source.encode().split(b"\n")
    for word in sorted(words, key=lambda word: (-word.value.lineno, -word.value.col_offset)):
        value, first = word.value, word.value.lineno - 1
        after = encoded[value.end_lineno - 1][value.end_col_offset :]
        before = encoded[first][: value.col_offset]
        encoded[first : value.end_lineno] = [before + NEUTRAL[word.arg].encode() + after]
    return b"\n".join(encoded).decode()


def for_instructors(cells, path: Path, guide: Guide):
    """Add the plan beside each section, and the solution and the usual mistakes beside each exercise.

    A row of a plan that names several sections stands beside the first; the others only name it.
    """
    first = {}  # by row: the heading beside which it stands
    for cell in cells:
        yield cell
        told = []
        for level, heading in re.findall(r"(?m)^(#{1,3}) (.+)$", cell.source) if cell.cell_type == "markdown" else []:
            rows = guide.plan(path.name[:2], "" if level == "#" else heading)
            told += [guide.of(heading)] * (level == "#")
            told.append("\n".join(f"- {beside(row, heading, first)}" for row in dict.fromkeys(rows)))
        if name := stub(cell):
            told.append(f"**Solution of `{name}`**\n\n{solution(name)._repr_markdown_()}")
            known = dict.fromkeys([*guide.wrong(name), *(edit.cause for edit in exercises()[name].edits)])
            told += ["**Usual mistakes**\n\n" + "\n".join(f"- {each}" for each in known)] if known else []
        if any(told):
            yield teacher("\n\n".join(filter(None, told)))


def beside(row: str, heading: str, first: dict[str, str]) -> str:
    """A row of a plan beside a heading: whole the first time, then its plan and its minutes, and where it stands."""
    place = first.setdefault(row, heading)
    return row if place == heading else f"{re.match(NAME_OF_ROW, row)[0]}, as beside *{place}*."


def teacher(text: str):
    """A cell that only the instructor has."""
    return new_markdown_cell(f"*For the teacher*\n\n{text}", metadata={"tags": ["instructor"]})


def copy(path: Path, kind: str, choice: Choice, guide: Guide):
    """The copy of a notebook for a student or an instructor."""
    notebook = nbformat.read(path, as_version=4)
    first, setup = notebook.cells[:2]
    first.source = BADGE.sub("", first.source)  # they open the notebook with its answers
    if choice.solutions_from:
        setup.source += f'\n\nos.environ["{VARIABLE}"] = "{choice.solutions_from}"  # when solution() opens'
    cells = selected(notebook.cells, choice)
    notebook.cells = list(for_students(cells) if kind == "student" else for_instructors(cells, path, guide))
    return notebook


def write(folder: Path, kind: str, choice: Choice, notebooks: list[Path]) -> None:
    """Write the copies into a folder, with the pictures that stand beside the notebooks."""
    folder.mkdir(parents=True, exist_ok=True)
    guide = Guide()
    for path in notebooks:
        nbformat.write(copy(path, kind, choice, guide), folder / path.name)
        for picture in path.parent.glob("*.svg"):
            shutil.copy(picture, folder)
    print(f"Copies for the {kind}: {len(notebooks)} in {folder}.")


def date(text: str) -> str:
    """A date, as it was written."""
    datetime.date.fromisoformat(text)
    return text


def main(words: list[str] | None = None) -> None:
    """Read the command line and write the copies."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("kind", choices=["student", "instructor"])
    options.add_argument("folder", type=Path)
    options.add_argument("--drop", nargs="+", default=[], metavar="TAG", help="leave out the cells with this tag")
    options.add_argument(
        "--exercises", nargs="+", metavar="NAME", help="set only these; the package's code runs for the others"
    )
    options.add_argument(
        "--solutions-from", type=date, metavar="DATE", help="close solution() up to a date, as 2026-12-01"
    )
    options.add_argument("--notebooks", nargs="+", type=Path, metavar="FILE", help="only these notebooks")
    given = options.parse_args(words)
    os.environ.pop(VARIABLE, None)  # it closes the solutions for the class, not here
    if unknown := set(given.exercises or ()) - set(exercises()):
        options.error(f"--exercises has {', '.join(sorted(unknown))}; there are: {', '.join(exercises())}")
    chosen = None if given.exercises is None else frozenset(given.exercises)
    notebooks = given.notebooks or sorted(filter(ours, (ROOT / "notebooks").glob("[0-9]*.ipynb")))
    write(given.folder, given.kind, Choice(frozenset(given.drop), chosen, given.solutions_from or ""), notebooks)


if __name__ == "__main__":
    main(sys.argv[1:])
