"""Every lesson on a stand-in for Colab: old ipywidgets and IPython, the wheel, and a folder that is no checkout.

`make colab` builds the stand-in (see colab.py) and runs these; without it they say that they are skipped.
"""

import os
import shutil
from pathlib import Path

import colab
import nbformat
import pytest
from every_explorer import MADE, START, inspector_code
from nbconvert.preprocessors import ExecutePreprocessor
from nbformat.v4 import new_code_cell, new_notebook
from repository import ADDRESS, NOTEBOOKS, ROOT

STAND_IN = Path(os.environ.get("LSTM_LESSON_COLAB", ROOT / ".venv" / "colab"))
VIEW = "application/vnd.jupyter.widget-view+json"
FIRST_CELL = """
import sys
%pip install -q --no-deps git+{address} torchviz
import IPython, ipywidgets, lstm_lesson
print(IPython.__version__, ipywidgets.__version__, "google.colab" in sys.modules, lstm_lesson.__file__)
"""
MOVE_ALL = """
moved = []
for name, control in explorer.controls.items():
    before = explorer._view.value
    if hasattr(control, "options"):
        control.index = (control.index + 1) % len(control.options)
    elif isinstance(control.value, (bool, str)):
        control.value = not control.value if isinstance(control.value, bool) else "the coast"
    else:
        control.value = control.max if control.value < control.max else control.min
    moved.append(explorer._view.value != before and "lesson-error" not in explorer._view.value)
print(any(moved), "lesson-error" in explorer._view.value)
"""

pytestmark = [
    pytest.mark.colab,
    pytest.mark.skipif(not (STAND_IN / "ready").is_file(), reason="no stand-in for Colab here: make colab builds it"),
]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a notebook in a folder of its own on the stand-in and return it with the arguments of its `%pip`."""
    for name, value in colab.environment(STAND_IN, tmp_path).items():
        monkeypatch.setenv(name, value)

    def run(notebook):
        executed, _ = ExecutePreprocessor(timeout=600, kernel_name="colab").preprocess(
            notebook, {"metadata": {"path": str(tmp_path)}}
        )
        return executed, (tmp_path / "pip-lines.txt").read_text(encoding="utf-8").splitlines()

    return run


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_lesson_runs_to_its_end(path, tmp_path, run):
    for picture in path.parent.glob("*.svg"):
        shutil.copy(picture, tmp_path)
    executed, pip_lines = run(nbformat.read(path, as_version=4))
    assert pip_lines == [f"install -q --no-deps git+{ADDRESS} torchviz"]
    assert [output.text for output in outputs(executed) if output.get("name") == "stderr"] == []
    assert [output.evalue for output in outputs(executed) if output.output_type == "error"] == []
    for output in outputs(executed):
        if VIEW in output.get("data", {}):
            assert "<img " in output.data["text/html"]
    before = nbformat.read(path, as_version=4)
    assert count(executed, "<img ") == count(before, "<img ")


def test_every_explorer_is_shown_and_moved_on_the_old_widgets(run):
    made = {**{name: START + code for name, code in MADE.items()}, "GateInspector": inspector_code(["the", "coast"])}
    cells = [new_code_cell(FIRST_CELL.format(address=ADDRESS))]
    for code in made.values():
        *lines, last = code.splitlines()
        cells += [new_code_cell("\n".join([*lines, f"explorer = {last}", "explorer"])), new_code_cell(MOVE_ALL)]
    executed, _ = run(new_notebook(cells=cells))
    start, *shown = outputs(executed)
    ipython, ipywidgets, on_colab, place = start.text.split(maxsplit=3)
    assert (ipython, ipywidgets, on_colab) == ("7.34.0", "7.7.1", "True")
    assert Path(place.strip()).is_relative_to(STAND_IN.resolve())
    assert len(shown) == 2 * len(made)
    for bundle, moved in zip(shown[::2], shown[1::2], strict=True):
        assert VIEW in bundle.data
        assert "<img " in bundle.data["text/html"]
        assert moved.text == "True False\n"


def count(notebook, text):
    return sum(text in output.get("data", {}).get("text/html", "") for output in outputs(notebook))
