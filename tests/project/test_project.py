"""The house as DESIGN'S map draws it: dependencies in step, imports downwards, no trace of one machine."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import repository
from notebook_rules import Lesson, broken_links
from packaging.requirements import Requirement
from repository import ADDRESS, NOTEBOOKS, PACKAGE, PYPROJECT, ROOT, requirements
from tracked import ours

LOADED_WHEN_USED = {"matplotlib", "ipywidgets", "IPython", "pooch", "torchviz", "graphviz", "platformdirs", "tqdm",
                    "joblib", "distributed"}  # fmt: skip
IMPORTERS = (PACKAGE, ROOT / "tests", ROOT / "tools")
CONDA_NAMES = {"pytorch-cpu": "torch", "matplotlib-base": "matplotlib"}
CONDA_ONLY = {"python", "pip"}
# The wrong cells: short functions of one kind, told in their module's docstring.
TOLD_TOGETHER = {"broken_cells"}
MODULES = sorted(filter(ours, PACKAGE.rglob("*.py")))


def environment():
    """name -> version, from environment.yml, in pip's names."""
    text = (ROOT / "environment.yml").read_text()
    lines = re.findall(r"(?m)^\s+- ([a-z][\w-]*)(?:==?([\d.]+)(?:=[\w*]+)?)?\s*(?:#.*)?$", text)
    return {CONDA_NAMES.get(name, name): version for name, version in lines if name not in CONDA_ONLY | {"conda-forge"}}


def ranges():
    """name -> the range pyproject.toml allows."""
    groups = [PYPROJECT["project"]["dependencies"], *PYPROJECT["project"]["optional-dependencies"].values()]
    return {Requirement(line).name: Requirement(line).specifier for group in groups for line in group}


def imports(tree):
    """Every module that a file imports, inside functions too, with its full name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "lstm_lesson":
            yield from (f"lstm_lesson.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def undocumented(tree):
    """Public functions and classes without a docstring."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    public = [node for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]
    return [node.name for node in public if not ast.get_docstring(node)]


def test_three_lists_of_dependencies_name_the_same_packages_and_versions():
    assert ranges().keys() == requirements().keys()
    for_tests = {Requirement(line).name for line in PYPROJECT["project"]["optional-dependencies"]["test"]}
    lessons = {name: version for name, version in requirements().items() if name not in for_tests}
    links = {"nbgitpuller": requirements(ROOT / "classroom")["nbgitpuller"]}  # a classroom's links need it
    assert environment() == lessons | links


@pytest.mark.parametrize(("name", "version"), requirements().items())
def test_the_pin_lies_in_the_range_of_the_package(name, version):
    assert ranges()[name].contains(version), f"{name}=={version} is not in {ranges()[name]}"


@pytest.mark.parametrize(
    "path", [p for p in repository.files() if p.suffix == ".py" and set(p.parents) & set(IMPORTERS)]
)
def test_what_is_imported_is_a_dependency(path):
    own = {"lstm_lesson"} | {
        path.stem for folder in ("tests", "tools", "classroom", "benchmarks") for path in (ROOT / folder).rglob("*.py")
    }
    # by nbconvert, Matplotlib, pytest and JupyterLab
    brought = {"bs4", "fonttools", "jinja2", "packaging", "yaml", "httpx", "tornado", "traitlets", "jupyter_server"}
    known = {name.lower().replace("-", "_") for name in requirements()} | brought
    tops = {name.split(".")[0] for name in imports(ast.parse(path.read_text(encoding="utf-8")))} - own
    assert {top for top in tops - set(sys.stdlib_module_names) if top.lower() not in known} == set()


def test_imports_run_one_way():
    """The contract stands in pyproject.toml."""
    lint = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_importing_the_package_loads_no_plots_and_no_widgets():
    code = (
        "import sys, torch; torch_alone = set(sys.modules); import lstm_lesson; print(*set(sys.modules) - torch_alone)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "lstm_lesson.cells" in loaded
    assert {name.split(".")[0] for name in loaded} & LOADED_WHEN_USED == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_public_functions_are_documented_in(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    assert path.stem in TOLD_TOGETHER or undocumented(tree) == []


def test_a_missing_docstring_is_caught():
    assert undocumented(ast.parse("def f():\n    pass\n\ndef _g():\n    pass\n\nclass C:\n    'Something.'")) == ["f"]


@pytest.mark.parametrize("path", repository.files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_trace_of_one_machine_in(path):
    text = path.read_text(encoding="utf-8")
    paths = repository.machine_paths(text)
    if path == ROOT / ".ci" / "run":
        paths = [p for p in paths if p != "../" + "shared"]  # the copy of the data that may stand beside the repository
    assert paths == []
    assert repository.index_hosts(text) == []


@pytest.mark.parametrize("parts", [("", "work"), ("", "root"), ("", "tmp"), ("", "home", "ada"), ("", "Users", "ada")])
def test_a_machine_path_is_caught(parts):
    assert repository.machine_paths(f'see "{"/".join(parts)}/lesson.csv" for more') != []
    assert repository.machine_paths("see " + "\\".join(["C:", "Users", "ada"])) != []
    assert repository.machine_paths("see " + "/".join(["..", "shared", "data"])) != []


@pytest.mark.parametrize(
    "text", ["a/Users/b", "~/Users/lesson", "../home/x", "https://example.org/home", "/usr/bin/env"]
)
def test_what_is_no_machine_path_is_left_alone(text):
    assert repository.machine_paths(text) == []


@pytest.mark.parametrize("host", ["pypi." + "org", "files.python" + "hosted.org", "download.py" + "torch.org"])
def test_an_index_host_is_caught(host):
    assert repository.index_hosts(f"--index-url https://{host}/simple") != []


def test_the_readme_links_to_what_exists():
    readme = ROOT / "README.md"
    assert list(broken_links(readme.read_text(encoding="utf-8"), readme)) == []


@pytest.mark.parametrize("variable", ["LSTM_LESSON_PROGRESS", "LSTM_LESSON_CACHE"])
def test_no_test_touches_the_learners_own(variable):
    folder = Path(os.environ[variable]).parent
    assert folder.is_dir()
    assert folder.name.startswith("lstm-lesson-")


def test_the_picture_of_the_readme_is_the_cell_as_plots_draws_it():
    from lstm_lesson import plots

    stored = ROOT / "notebooks" / "lstm_cell.svg"  # plots.lstm_diagram("ifgcoh").save(stored) draws it again
    assert stored.read_text(encoding="utf-8").strip() == plots.lstm_diagram("ifgcoh").svg.strip()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_readme_lists_the_notebook_with_its_question_minutes_and_badge(path):
    first = Lesson(path).cells[0].source
    question = re.search(r"\*\*(.+?\?)\*\*", first)[1]
    minutes = re.search(r"(\d+)\s+minutes", first)[1]
    table = [line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    row = [row for row in table if f"](notebooks/{path.name})" in row]
    assert len(row) == 1
    assert question in row[0]
    assert f"| {minutes} |" in row[0]
    assert repository.badge(path.name) in row[0]


def test_the_readme_has_a_badge_for_binder():
    assert repository.binder_badge() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_repository_address_is_the_same_everywhere():
    owner, name = ADDRESS.split("/")[-2:]
    for path in repository.files():
        for found in re.findall(rf"github(?:\.com)?/([\w-]+)/{name}\b", path.read_text(encoding="utf-8")):
            assert found == owner, path
    assert f"git+{ADDRESS}" in repository.SETUP_CELL
