"""The lessons on stand-ins for Colab and Kaggle: other ipywidgets and IPython, the wheel, and no checkout.

`make colab` builds the stand-ins (see colab.py) and runs these; without them they say that they are skipped. All
lessons run on Colab's; on Kaggle's those that show what differs there: the set-up check, news and explorers.
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

STAND_INS = {
    place: Path(os.environ.get(f"LSTM_LESSON_{place.upper()}", ROOT / ".venv" / place)) for place in colab.VERSIONS
}
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

pytestmark = [pytest.mark.colab]
WIDGETS = {"colab": ("7.34.0", "7.7.1", "True"), "kaggle": ("7.34.0", "8.1.5", "False")}
ON_KAGGLE = ("00", "05", "12")
PLACES = [
    pytest.param(
        place,
        marks=pytest.mark.skipif(
            not (folder / "ready").is_file(), reason=f"no stand-in for {place} here: make colab builds it"
        ),
    )
    for place, folder in STAND_INS.items()
]
LESSONS = [
    pytest.param(*place.values, path, marks=place.marks, id=f"{place.values[0]}-{path.stem}")
    for place in PLACES
    for path in NOTEBOOKS
    if place.values[0] == "colab" or path.name.startswith(ON_KAGGLE)
]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a notebook in a folder of its own on a stand-in and return it with the arguments of its `%pip`."""

    def run(place, notebook):
        for name, value in colab.environment(STAND_INS[place], tmp_path).items():
            monkeypatch.setenv(name, value)
        executed, _ = ExecutePreprocessor(timeout=600, kernel_name=place).preprocess(
            notebook, {"metadata": {"path": str(tmp_path)}}
        )
        return executed, (tmp_path / "pip-lines.txt").read_text(encoding="utf-8").splitlines()

    return run


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


@pytest.mark.parametrize(("place", "path"), LESSONS)
def test_the_lesson_runs_to_its_end(place, path, tmp_path, run):
    for picture in path.parent.glob("*.svg"):
        shutil.copy(picture, tmp_path)
    executed, pip_lines = run(place, nbformat.read(path, as_version=4))
    assert pip_lines == [f"install -q --no-deps git+{ADDRESS} torchviz"]
    assert [output.text for output in outputs(executed) if output.get("name") == "stderr"] == []
    assert [output.evalue for output in outputs(executed) if output.output_type == "error"] == []
    assert not any("Not ready" in str(output) for output in outputs(executed))  # what the set-up check of 00 says
    for output in outputs(executed):
        if VIEW in output.get("data", {}):
            assert "<img " in output.data["text/html"]
    before = nbformat.read(path, as_version=4)
    assert count(executed, "<img ") == count(before, "<img ")


@pytest.mark.parametrize("place", PLACES)
def test_every_explorer_is_shown_and_moved_with_the_widgets_of_the_place(place, run):
    made = {**{name: START + code for name, code in MADE.items()}, "GateInspector": inspector_code(["the", "coast"])}
    cells = [new_code_cell(FIRST_CELL.format(address=ADDRESS))]
    for code in made.values():
        *lines, last = code.splitlines()
        cells += [new_code_cell("\n".join([*lines, f"explorer = {last}", "explorer"])), new_code_cell(MOVE_ALL)]
    executed, _ = run(place, new_notebook(cells=cells))
    start, *shown = outputs(executed)
    ipython, ipywidgets, on_colab, package = start.text.split(maxsplit=3)
    assert (ipython, ipywidgets, on_colab) == WIDGETS[place]
    assert Path(package.strip()).is_relative_to(STAND_INS[place].resolve())
    assert len(shown) == 2 * len(made)
    for name, bundle, moved in zip(made, shown[::2], shown[1::2], strict=True):
        assert VIEW in bundle.data
        assert "<img " in bundle.data["text/html"]
        has_controls = name != "GateInspector"  # the inspector's page takes texts itself
        assert moved.text == f"{has_controls} False\n"


def count(notebook, text):
    return sum(text in output.get("data", {}).get("text/html", "") for output in outputs(notebook))
