"""The lists of dependencies agree with each other and with what the files import."""

import ast
import re
import sys

import pytest
from packaging.requirements import Requirement
from repository import PACKAGE, PYPROJECT, ROOT, files, requirements

CONDA_NAMES = {"pytorch-cpu": "torch", "matplotlib-base": "matplotlib"}
CONDA_ONLY = {"python", "pip", "conda-forge"}
FOLDERS = (PACKAGE, ROOT / "tests", ROOT / "tools")
PYTHON_FILES = [path for path in files() if path.suffix == ".py" and set(path.parents) & set(FOLDERS)]
OWN = {"lstm_lesson"} | {
    path.stem for folder in ("tests", "tools", "classroom", "benchmarks") for path in (ROOT / folder).rglob("*.py")
}
# packages whose module has another name; names are compared in small letters
MODULE_NAMES = {"pillow": "pil", "pytest-xdist": "xdist"}
# nbconvert, Matplotlib, pytest and JupyterLab depend on these
INSTALLED_WITH_OTHERS = {
    "bs4", "fonttools", "jinja2", "yaml", "httpx", "tornado", "traitlets", "jupyter_server", "websocket",
}  # fmt: skip


def environment():
    """name -> version, from environment.yml, in pip's names."""
    text = (ROOT / "environment.yml").read_text()
    lines = re.findall(r"(?m)^\s+- ([a-z][\w-]*)(?:==?([\d.]+)(?:=[\w*]+)?)?\s*(?:#.*)?$", text)
    return {CONDA_NAMES.get(name, name): version for name, version in lines if name not in CONDA_ONLY}


def ranges():
    """name -> the range that pyproject.toml allows."""
    groups = [PYPROJECT["project"]["dependencies"], *PYPROJECT["project"]["optional-dependencies"].values()]
    return {Requirement(line).name: Requirement(line).specifier for group in groups for line in group}


def imports(tree):
    """The first part of the name of every imported module; imports inside functions count."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split(".")[0]


def test_the_three_lists_name_the_same_packages_and_versions():
    assert ranges().keys() == requirements().keys()
    for_tests = {Requirement(line).name for line in PYPROJECT["project"]["optional-dependencies"]["test"]}
    lessons = {name: version for name, version in requirements().items() if name not in for_tests}
    links = {"nbgitpuller": requirements(ROOT / "classroom")["nbgitpuller"]}  # a classroom's links need it
    assert environment() == lessons | links


@pytest.mark.parametrize(("name", "version"), requirements().items())
def test_the_pinned_version_lies_in_the_range_of_the_package(name, version):
    assert ranges()[name].contains(version), f"{name}=={version} is not in {ranges()[name]}"


@pytest.mark.parametrize("path", PYTHON_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_imported_package_is_a_dependency(path):
    modules = {MODULE_NAMES.get(name, name.lower().replace("-", "_")) for name in requirements()}
    known = modules | INSTALLED_WITH_OTHERS
    imported = set(imports(ast.parse(path.read_text(encoding="utf-8")))) - OWN - set(sys.stdlib_module_names)
    assert {name for name in imported if name.lower() not in known} == set()
