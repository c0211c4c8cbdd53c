"""Imports and docstrings of the package: one direction, light to load, documented."""

import ast
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from repository import PACKAGE, ROOT
from tracked import ours

import lstm_lesson

LOADED_WHEN_USED = {"matplotlib", "ipywidgets", "IPython", "pooch", "torchviz", "graphviz", "platformdirs", "tqdm",
                    "joblib", "distributed", "pandas"}  # fmt: skip
LOADED_BY_PICTURES_AND_DOWNLOADS = {"matplotlib", "IPython", "pooch", "platformdirs", "pandas"}
# Wrong cells, and what draws inputs: short functions of one kind. The module's docstring describes them together.
DESCRIBED_TOGETHER = {"broken_cells", "draws"}
MODULES = sorted(filter(ours, PACKAGE.rglob("*.py")))


def undocumented(tree):
    """Public functions and classes without a docstring."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    public = [node for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]
    return [node.name for node in public if not ast.get_docstring(node)]


def test_imports_run_in_one_direction(tmp_path):
    """The contract stands in pyproject.toml. A learner's own modules are left out."""
    for path in (*MODULES, ROOT / "pyproject.toml"):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    lint = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([lint, "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_package_lists_what_it_offers_and_nothing_else():
    assert sorted(dir(lstm_lesson)) == sorted(lstm_lesson.__all__)
    assert all(getattr(lstm_lesson, name).__doc__ for name in lstm_lesson.__all__)
    with pytest.raises(AttributeError, match="module 'lstm_lesson' has no attribute 'chek'"):
        _ = lstm_lesson.chek


def test_each_module_of_the_readmes_map_is_an_attribute_that_loads_when_it_is_asked_for():
    tree = (ROOT / "README.md").read_text(encoding="utf-8").partition("lstm_lesson/         ")[2].partition("tests/")[0]
    named = re.findall(r"^  (\w+?)(?:\.py|/) ", tree, re.MULTILINE)
    assert {"layers", "report", "text", "training", "__main__"} < {*named}
    code = f"""
import sys, lstm_lesson
assert "torch" not in sys.modules and "lstm_lesson.equations" not in sys.modules
for name in {named}:
    if name != "__main__":
        assert getattr(lstm_lesson, name) is sys.modules["lstm_lesson." + name]
assert lstm_lesson.tracing.loss_gradient_by_lag and not hasattr(lstm_lesson, "__main__")
sys.modules["pandas"] = None
del sys.modules["lstm_lesson.text"], lstm_lesson.text
sys.modules["lstm_lesson.text.tables"] = None
try:
    lstm_lesson.text
except ModuleNotFoundError as error:
    assert "tables" in str(error), error
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_package_and_its_training_load_without_plots_widgets_and_downloads():
    code = """
import sys, torch
before = set(sys.modules)
from lstm_lesson import CustomLSTM, LSTMCell, RNNCell, record
print(*set(sys.modules) - before)
import lstm_lesson.training
print(*set(sys.modules) - before)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    package, with_training = (line.split() for line in run.stdout.splitlines())
    assert "lstm_lesson.cells" in package
    assert {name.split(".")[0] for name in package} & LOADED_WHEN_USED == set()
    assert "lstm_lesson.training" in with_training
    assert {name.split(".")[0] for name in with_training} & LOADED_BY_PICTURES_AND_DOWNLOADS == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_public_functions_of_a_module_have_docstrings(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    assert path.stem in DESCRIBED_TOGETHER or undocumented(tree) == []


def test_a_missing_docstring_is_found():
    assert undocumented(ast.parse("def f():\n    pass\n\ndef _g():\n    pass\n\nclass C:\n    'Something.'")) == ["f"]


def test_no_two_modules_that_tests_import_by_name_alone_share_it():
    """Two of one name: whichever a worker imports first stands in for the other."""
    found = [path for folder in ("tests", "tools", "classroom", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    names = Counter(path.stem for path in found if ours(path) and path.stem not in ("__init__", "conftest"))
    assert [name for name, files in names.items() if files > 1] == []
