"""On Kaggle: the set-up cell knows the place, the badges lead there, and data sets are read from where they are put.

test_colab.py runs lessons with Kaggle's versions.
"""

import csv
import re
import sys
from types import ModuleType

import pytest
from notebook_rules import Lesson
from repository import ADDRESS, NOTEBOOKS, ROOT, SETUP_CELL, kaggle_badge

from lstm_lesson.text import load_csv


@pytest.mark.parametrize(
    ("colab", "kaggle", "installs"),
    [(False, "", False), (True, "", True), (False, "Interactive", True), (False, "Batch", True)],
)
def test_the_set_up_cell_installs_the_package_on_colab_and_kaggle_alone(monkeypatch, colab, kaggle, installs):
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    monkeypatch.delenv("KAGGLE_KERNEL_RUN_TYPE", raising=False)
    if colab:
        monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    if kaggle:
        monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", kaggle)
    lines = []
    start = SETUP_CELL.split("import torch")[0]
    exec(re.sub(r"%pip (.*)", r"pip('\1')", start), {"pip": lines.append})
    assert lines == [f"install -q --no-deps git+{ADDRESS} torchviz"] * installs


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_readme_and_the_notebook_have_the_badge_of_kaggle(path):
    badge = kaggle_badge(path.name)
    assert f"(https://kaggle.com/kernels/welcome?src={ADDRESS}/blob/main/notebooks/{path.name})" in badge
    assert badge in Lesson(path).cells[0].source
    assert badge in (ROOT / "README.md").read_text(encoding="utf-8")


def test_on_the_site_the_badge_is_a_button_and_loads_nothing(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools" / "site")
    page = __import__("lessons").rendered(kaggle_badge(NOTEBOOKS[0].name))
    assert re.search(r'<a class="button" href="https://kaggle\.com/[^"]+">Open in Kaggle</a>', page)
    assert "<img" not in page


@pytest.fixture
def inputs(tmp_path):
    """A folder as Kaggle mounts data sets: one folder for each, which nobody may write to."""
    folder = tmp_path / "kaggle" / "input" / "fake-and-real-news-dataset"
    folder.mkdir(parents=True)
    for name in ("Fake", "True"):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            lines = [(f"{name} story number {k}", 'a, "b"\nc', "politics") for k in range(20)]
            csv.writer(file).writerows([("title", "text", "subject"), *lines])
    for path in (*folder.iterdir(), folder):
        path.chmod(0o555)
    yield folder
    folder.chmod(0o755)


def test_data_sets_are_read_where_kaggle_puts_them(inputs, monkeypatch):
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    before = {path: path.stat().st_mtime_ns for path in inputs.parent.rglob("*")}
    data = load_csv({"fake": f"{inputs}/Fake.csv", "true": f"{inputs}/True.csv"}, text=["title", "text"])
    assert data.classes == ["fake", "true"] and data.read == 40
    assert {path: path.stat().st_mtime_ns for path in inputs.parent.rglob("*")} == before
