"""The house's own tools: lower bounds as pins, and files that are the project's."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import bounds
import pytest
import tracked
from house import PYPROJECT, ROOT
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

# The lowest versions --------------------------------------------------------------------------------------------------


def test_the_lowest_version_of_every_dependency_is_pinned():
    run = subprocess.run([sys.executable, ROOT / "tools" / "bounds.py"], capture_output=True, text=True, check=True)
    pins = {Requirement(line).name: Requirement(line).specifier for line in run.stdout.splitlines()}
    project = PYPROJECT["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["lab"]]
    wanted += project["optional-dependencies"]["test"]
    assert pins == {Requirement(line).name: SpecifierSet(line.split(">")[1].replace("=", "==")) for line in wanted}


@pytest.mark.parametrize("requirement", ["torch", "torch<3", "torch>=2,<3", "torch==2.8"])
def test_a_dependency_without_a_lower_bound_alone_is_named(requirement):
    with pytest.raises(ValueError, match=re.escape(repr(requirement))):
        bounds.lowest({"dependencies": [requirement], "optional-dependencies": {}})


def test_the_oldest_versions_run_on_the_oldest_python():
    oldest = re.search(r"(?m)^OLDEST_PYTHON \?= python([\d.]+)$", (ROOT / "Makefile").read_text(encoding="utf-8"))[1]
    assert PYPROJECT["project"]["requires-python"] == f">={oldest}"


# What git tracks ------------------------------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path):
    """A repository in a folder with a space: `kept.py` is tracked, `gone.py` too, `mine.py` is not."""
    root = tmp_path.resolve() / "my lessons"
    root.mkdir()
    for name in ("kept.py", "gone.py", "mine.py", "größe 2.py"):
        (root / name).write_text("", encoding="utf-8")
    for words in (["init", "--quiet"], ["add", "kept.py", "gone.py", "größe 2.py"]):
        subprocess.run(["git", *words], cwd=root, check=True)
    (root / "gone.py").unlink()
    tracked.tracked.cache_clear()
    return root


def test_what_git_tracks_is_ours_and_what_lies_beside_it_is_not(repository):
    assert [tracked.ours(repository / name, repository) for name in ("kept.py", "größe 2.py", "mine.py")] == [
        True,
        True,
        False,
    ]
    assert tracked.ours(repository.parent / "elsewhere.py", repository)


def test_without_git_every_file_is_ours(repository, monkeypatch, tmp_path):
    (tmp_path / "archive").mkdir()
    assert tracked.ours(tmp_path / "archive" / "mine.py", tmp_path / "archive")
    monkeypatch.setenv("PATH", "")
    tracked.tracked.cache_clear()
    assert tracked.ours(repository / "mine.py", repository)


LEARNERS_OWN = {  # none would pass: copies and notes, a script, a log, a picture
    "notebooks/05_forget_gate-Copy1.ipynb": b"no notebook",
    "notebooks/my notes.ipynb": b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    "notebooks/scratch.py": b"raise ValueError",
    "lstm_lesson/my_cell.py": b"import no_such_package",
    "tests/test_mine.py": b"def test_it():\n    assert False",
    "training.log": "saved to {}".format("/".join(["", "home", "ada", "model.pt"])).encode(),
    "photo.jpg": b"\xff\xd8",
}


@pytest.mark.skipif(not tracked.tracked(ROOT), reason="no git here that knows this folder: all its files are tested")
def test_a_learners_own_files_are_no_part_of_the_tests(tmp_path):
    root = tmp_path / "my lessons"
    for path in filter(Path.is_file, tracked.tracked(ROOT)):
        copy = root / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    for words in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", *words], cwd=root, check=True)
    for name, content in LEARNERS_OWN.items():
        (root / name).write_bytes(content)
    command = [sys.executable, "-m", "pytest", "-n0", "--collect-only", "-p", "no:cacheprovider"]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    *tests, left_out = [line for line in run.stdout.splitlines() if ".py" in line or ".ipynb" in line]
    assert len(tests) > 1000
    names = [Path(name).name for name in LEARNERS_OWN]
    assert [test for test in tests if any(name in test for name in names)] == []
    assert left_out.startswith("Not in git, so left out unless named: ")
    assert all(name in left_out for name in names if name.endswith(("py", "ipynb")))
