"""A wrong answer to an exercise for each student, drawn from the mistakes that `check` knows, and the teacher's key.

`python tools/planted.py --exercise lstm_step Ada "Ben K"` prints a cell for each of the two and then the key. The same
name gets the same mistake every time; `--course` changes the draw. `--write FOLDER` writes a notebook for each student
and `key.md` in their place. The cell runs, and what it returns has the right shapes: it is wrong in its numbers.
"""

import argparse
import ast
import os
import random
import re
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import nbformat
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from tracked import ROOT

sys.path.insert(0, str(ROOT))

from lstm_lesson import check
from lstm_lesson.exercises.exercise import Exercise, exercises, input_sets
from lstm_lesson.exercises.model import Edit, tools

IMPORTS = "import math\n\nimport torch\nfrom torch import relu, sigmoid, tanh\nfrom torch.nn import functional as F\n"
TASK = """\
### One line is wrong

In this `{name}` one mistake is planted, in one line. It runs, and every shape is right.

1. Which line is wrong, and what should stand there?
2. Give an input on which the mistake shows, as small as you can, and one on which it does not.
3. What would a network do that was trained with this line?
"""


class Planted(NamedTuple):
    """A wrong answer: its source, and for the key the wrong lines, the right ones and what `check` says."""

    source: str
    wrong: str
    right: str
    says: str


def names() -> list[str]:
    """The exercises of which a mistake can be planted: those with a model answer."""
    return [name for name, exercise in exercises().items() if exercise.model_answer]


def source_with(exercise: Exercise, edit: Edit | None = None) -> str:
    """The model answer of an exercise, with an edit's lines in the place of the right ones."""
    tree = ast.parse(exercise.model)
    for node in ast.walk(tree):
        place = node.targets[0].id if isinstance(node, ast.Assign) else "return" * isinstance(node, ast.Return)
        if edit and place in edit.changes:
            node.value = ast.parse(edit.changes[place], mode="eval").body
    weights = exercise.inputs(input_sets()[0]).get("weights", ())  # the model answer calls them by their names alone
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    lines = [f"{name} = weights[{name!r}]" for name in weights if name in read]
    tree.body[0].body[:0] = ast.parse("\n".join(lines)).body
    return ast.unparse(tree) + "\n"


def made(name: str, source: str):
    """The function of a source."""
    space = dict(tools())
    exec(source, space)
    return space[name]


def shapes(value):
    """The shapes in a returned value, and its types."""
    if isinstance(value, torch.Tensor):
        return tuple(value.shape)
    if isinstance(value, dict):
        return {key: shapes(entry) for key, entry in value.items()}
    return [shapes(entry) for entry in value] if isinstance(value, list | tuple) else type(value)


def fits(exercise: Exercise, edit: Edit) -> Planted | None:
    """The edit as a wrong answer; None if it crashes, changes a shape, or if `check` does not name this mistake."""
    source = source_with(exercise, edit)
    wrong = made(exercise.name, source)
    try:
        for draw in input_sets()[:3]:
            given = tuple(exercise.inputs(draw).values())
            if shapes(wrong(*given)) != shapes(exercise.solve()(*given)):
                return None
    except Exception:
        return None
    result = check(wrong)
    if result.passed or edit.cause not in result.message:
        return None
    texts = dict(re.findall(r"(?m)^ +(\w+) (?:= )?(.*)$", source_with(exercise)))
    lines = [[f"{place} = {text}".replace("return =", "return") for place, text in pairs] for pairs in
             (edit.changes.items(), ((place, texts[place]) for place in edit.changes))]  # fmt: skip
    return Planted(source, *("; ".join(each) for each in lines), edit.cause)


def planted(student: str, name: str, course: str = "") -> Planted:
    """The wrong answer that a student gets. Raises ValueError for an exercise that has no model answer."""
    if name not in names():
        raise ValueError(f"exercise is {name!r}; it needs one of {', '.join(names())}")
    exercise = exercises()[name]
    known = exercise.model_answer.described.values()
    edits = [edit for edit in known if len(edit.changes) == 1 and "detach" not in f"{edit.changes}"]
    random.Random(f"{course}/{name}/{student}").shuffle(edits)
    with tempfile.TemporaryDirectory() as folder:  # these are not the teacher's own attempts
        before = {key: os.environ.pop(key, None) for key in ("LSTM_LESSON_PROGRESS", "LSTM_LESSON_BOARD")}
        os.environ["LSTM_LESSON_PROGRESS"] = folder
        try:
            return next(found for edit in edits if (found := fits(exercise, edit)))
        finally:
            del os.environ["LSTM_LESSON_PROGRESS"]
            os.environ |= {key: value for key, value in before.items() if value is not None}


def notebook(name: str, found: Planted):
    """A notebook with the task and the wrong answer."""
    return new_notebook(
        cells=[new_markdown_cell(TASK.format(name=name)), new_code_cell(f"{IMPORTS}\n\n{found.source}")]
    )


def key(name: str, found: dict[str, Planted]) -> str:
    """The teacher's key, a row for each student."""
    rows = [f"| {student} | `{p.wrong}` | `{p.right}` | {p.says} |" for student, p in found.items()]
    head = "| student | stands there | should stand there | what `check` says |\n|---|---|---|---|"
    return f"# Key: `{name}`\n\n" + "\n".join([head, *rows]) + "\n"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("students", nargs="+", metavar="STUDENT", help="a name, in quotes if it has blanks")
    options.add_argument("--exercise", default="lstm_step", choices=names(), metavar="NAME", help="lstm_step, say")
    options.add_argument("--course", default="", help="another text, another draw")
    options.add_argument("--write", type=Path, metavar="FOLDER", help="write notebooks and key.md; print nothing")
    given = options.parse_args()
    found = {student: planted(student, given.exercise, given.course) for student in given.students}
    if given.write is None:
        for student, each in found.items():
            print(f"# {student}\n\n{TASK.format(name=given.exercise)}\n{each.source}")
        print(key(given.exercise, found))
        return
    given.write.mkdir(parents=True, exist_ok=True)
    for k, (student, each) in enumerate(found.items(), start=1):
        file = f"{k:02}_" + re.sub(r"[^\w-]+", "_", student)
        nbformat.write(notebook(given.exercise, each), given.write / f"{file}.ipynb")
    (given.write / "key.md").write_text(key(given.exercise, found), encoding="utf-8")


if __name__ == "__main__":
    main()
