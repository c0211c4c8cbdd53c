"""A learner who solves every exercise: each notebook runs to its end, and every check says correct."""

import re

import nbformat
import pytest
from nbconvert.preprocessors import ExecutePreprocessor
from repository import NOTEBOOKS

from lstm_lesson.exercises.exercise import exercises

SHORT = ("07_output_gate",)
SOLVED = "from {module} import {name}\n\ncheck({name})"


def solved(notebook):
    """The notebook with the package's own function in the place of every stub, and the cells that check one."""
    checks = []
    for cell in notebook.cells:
        stub = re.search(r"^def (\w+)\(.*raise NotImplementedError.*^check\(\1\)", cell.source, re.M | re.S)
        if cell.cell_type == "code" and stub:
            name = stub[1]
            cell.source = SOLVED.format(module=exercises()[name].solve().__module__, name=name)
            checks.append(cell)
    return checks


def marked(path):
    """The notebook as a parameter: a short one in every run, the others with `make test-full`."""
    return path if path.stem in SHORT else pytest.param(path, marks=pytest.mark.full)


@pytest.mark.parametrize("path", [marked(path) for path in NOTEBOOKS], ids=lambda path: path.stem)
def test_with_every_stub_solved_the_notebook_runs_and_every_check_says_correct(path):
    notebook = nbformat.read(path, as_version=4)
    checks = solved(notebook)
    expected = [e.name for e in exercises().values() if e.notebook == path.stem]
    assert len(checks) == len(expected), f"stubs found: {len(checks)}, exercises of this notebook: {expected}"
    run = ExecutePreprocessor(timeout=300, kernel_name="python3")
    run.preprocess(notebook, {"metadata": {"path": path.parent}})
    for cell in checks:
        assert "✅" in cell.outputs[-1]["data"]["text/plain"], cell.source
