"""The README agrees with the repository: links, notebooks, badges, the picture, the map of the package."""

import re

import pytest
from notebook_rules import Lesson, broken_links
from repository import NOTEBOOKS, PACKAGE, ROOT, badge, binder_badge
from tracked import ours

from lstm_lesson import plots

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_links_lead_to_files_and_headings_that_exist():
    assert list(broken_links(README, ROOT / "README.md")) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_table_has_the_question_minutes_and_badge_of_the_notebook(path):
    first = Lesson(path).cells[0].source
    question = re.search(r"\*\*(.+?\?)\*\*", first)[1]
    minutes = re.search(r"(\d+)\s+minutes", first)[1]
    row = [line for line in README.splitlines() if line.startswith("|") and f"](notebooks/{path.name})" in line]
    assert len(row) == 1
    assert question in row[0]
    assert f"| {minutes} |" in row[0]
    assert badge(path.name) in row[0]


def test_it_has_the_badge_of_binder():
    assert binder_badge() in README


def test_its_picture_is_the_cell_that_plots_draws():
    stored = ROOT / "notebooks" / "lstm_cell.svg"  # plots.lstm_diagram("ifgcoh").save(stored) draws it again
    assert stored.read_text(encoding="utf-8").strip() == plots.lstm_diagram("ifgcoh").svg.strip()


def test_its_map_lists_every_module_and_sub_package_once_and_nothing_else():
    listed = re.findall(r"(?m)^  ([\w.]+/?)  +\S", re.search(r"(?ms)^lstm_lesson/ .*?(?=^\w)", README)[0])
    modules = {path.name for path in filter(ours, PACKAGE.glob("*.py"))} - {"__init__.py"}
    packages = {f"{path.parent.name}/" for path in filter(ours, PACKAGE.glob("*/__init__.py"))}
    assert sorted(listed) == sorted(modules | packages)
