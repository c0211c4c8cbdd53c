"""The README agrees with the repository: links, notebooks, badges, the picture, the map of the package."""

import re

import pytest
from notebook_rules import Lesson, broken_links
from repository import NOTEBOOKS, PACKAGE, ROOT, badge, binder_badge
from tracked import ours

from lstm_lesson import plots
from lstm_lesson.exercises.exercise import exercises

START = Lesson(NOTEBOOKS[0])
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


@pytest.mark.parametrize("path", NOTEBOOKS[1:], ids=lambda path: path.stem)
def test_the_table_of_notebook_00_has_the_question_and_minutes_of_the_notebook(path):
    first = Lesson(path).cells[0].source
    question, minutes = re.search(r"\*\*(.+?\?)\*\*", first)[1], re.search(r"(\d+)\s+minutes", first)[1]
    assert f"]({path.name}) | {question} | {minutes} |" in "\n".join(START.prose)


@pytest.mark.parametrize("text", [README, "\n".join(START.prose)], ids=["README", "00"])
def test_the_hours_and_the_short_path_fit_the_minutes_of_the_notebooks(text):
    minutes = {path.stem: int(re.search(r"(\d+)\s+minutes", Lesson(path).cells[0].source)[1]) for path in NOTEBOOKS}
    short = {name for name in minutes if name[:2] in ("04", "05", "06", "07", "08")}
    whole = sum(minutes[name] for name in short)
    tasks = {name: task.minutes for name, task in exercises().items() if task.notebook in short}
    by_hand = sum(tasks[f"{part}_weights"] for part in ("input", "forget", "candidate", "output"))
    assert f"about {round(sum(minutes.values()) / 60)} hours" in text
    assert f"{whole} minutes, and {whole - sum(tasks.values())} without" in text
    assert re.search(rf"output_weights`.{{2,12}}{by_hand} minutes", text)


def test_it_has_the_badge_of_binder():
    assert binder_badge() in README


def test_its_picture_is_the_cell_that_plots_draws():
    stored = ROOT / "notebooks" / "lstm_cell.svg"  # stored.write_text(plots.lstm_svg("ifgcoh")) draws it again
    assert stored.read_text(encoding="utf-8").strip() == plots.lstm_diagram("ifgcoh").svg.strip()


PROMISES = re.search(r"(?ms)^\| promised \| run by \|\n\|---\|---\|\n(.+?)\n\n", README)[1].splitlines()

PLACES = [
    *("Linux", "macOS", "Windows", "3.11", "3.12", "3.13", "conda", "Colab", "Kaggle", "Binder", "VS Code"),
    *("JupyterHub", "JupyterLab", "Chromium", "Firefox", "WebKit"),
]


@pytest.mark.parametrize("promise", PROMISES)
def test_what_it_promises_is_run_by_something_that_exists_or_said_to_be_untried(promise):
    what, run_by = (part.strip() for part in promise.strip("|").split("|"))
    named = re.findall(r"`([^`]+)`", run_by)
    for name in named:
        if name.startswith("make "):
            assert re.search(rf"(?m)^{name[5:]}:", (ROOT / "Makefile").read_text(encoding="utf-8")), name
            assert name in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines(), f"{name} is not in .ci/run"
        else:
            assert (ROOT / name).is_file() and ours(ROOT / name), name
    assert what and (named or run_by.startswith(("untried", "by hand: ")))


def test_its_promises_name_every_place_to_run_the_lessons():
    promised = " ".join(promise.split("|")[1] for promise in PROMISES)
    assert [place for place in PLACES if place not in promised] == []


def test_its_map_lists_every_module_and_sub_package_once_and_nothing_else():
    listed = re.findall(r"(?m)^  ([\w.]+/?)  +\S", re.search(r"(?ms)^lstm_lesson/ .*?(?=^\w)", README)[0])
    modules = {path.name for path in filter(ours, PACKAGE.glob("*.py"))} - {"__init__.py"}
    packages = {f"{path.parent.name}/" for path in filter(ours, PACKAGE.glob("*/__init__.py"))}
    assert sorted(listed) == sorted(modules | packages)
