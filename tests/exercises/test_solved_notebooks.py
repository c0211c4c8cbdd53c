"""Learners who solve every exercise, or none rightly: each notebook runs to its end, with the code that it should."""

import re
import shutil

import nbformat
import pytest
from answer_cells import right_answers, wrong_answers
from cells import run_cell
from nbconvert.preprocessors import ExecutePreprocessor
from repository import NOTEBOOKS

from lstm_lesson import check
from lstm_lesson.exercises.exercise import exercises

IMPORTS = "import math\nimport torch\nfrom torch import nn\nfrom torch.nn import functional as F\n"
SHORT = "07_output_gate"
ANSWERS = {"right": right_answers, "wrong": wrong_answers}


def runs():
    """Parameters: a short notebook with the right answers in every run, all else with `make test-full`."""
    for kind in ANSWERS:
        for path in NOTEBOOKS:
            often = kind == "right" and path.stem == SHORT
            yield pytest.param(path, kind, marks=[] if often else [pytest.mark.full], id=f"{kind}-{path.stem}")


@pytest.fixture(scope="module")
def all_kept(tmp_path_factory):
    """A folder in which every right answer is kept, as after the earlier notebooks."""
    folder = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSTM_LESSON_PROGRESS", str(folder))
        for name, source in right_answers().items():
            space = {"check": check, "__name__": "__main__"}
            run_cell(f"{IMPORTS}\n{source}", space)
            result = check(space[name])
            assert result.message == f"`{name}` is correct.", result
    return folder


def answered(notebook, answers):
    """Put an answer in the place of every stub; returns the cells that check one."""
    cells = []
    for cell in notebook.cells:
        stub = re.search(r"(?s)raise NotImplementedError.*^check\((\w+)\)\s*\Z", cell.source, re.MULTILINE)
        if cell.cell_type == "code" and stub:
            cell.source = f"{IMPORTS}\n{answers[stub[1]]}\n\ncheck({stub[1]})"
            cells.append(cell)
    return cells


def printed(notebook) -> str:
    return "".join(out.get("text", "") for cell in notebook.cells for out in cell.get("outputs", ()))


@pytest.mark.parametrize(("path", "kind"), runs())
def test_with_every_exercise_answered_the_notebook_runs_to_its_end(path, kind, all_kept, tmp_path, monkeypatch):
    notebook = nbformat.read(path, as_version=4)
    cells = answered(notebook, ANSWERS[kind]())
    expected = [e.name for e in exercises().values() if e.notebook == path.stem]
    assert len(cells) == len(expected), f"stubs found: {len(cells)}, exercises of this notebook: {expected}"
    if kind == "right":
        shutil.copytree(all_kept, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("LSTM_LESSON_PROGRESS", str(tmp_path))
    ExecutePreprocessor(timeout=300, kernel_name="python3").preprocess(notebook, {"metadata": {"path": path.parent}})
    for cell in cells:
        assert ("✅" if kind == "right" else "❌") in cell.outputs[-1]["data"]["text/plain"], cell.source
    package, own = "the package's code runs here", "your own code runs here"
    assert (package if kind == "right" else own) not in printed(notebook)


def test_every_notebook_with_an_exercise_runs_an_answer():
    for path in NOTEBOOKS:
        code = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        for exercise in exercises().values():
            if exercise.notebook == path.stem:
                assert any(re.search(rf"yours\([^)]*\b{exercise.name}\b", source) for source in code), exercise.name
