"""The hooks before a commit: the versions that they use, and what the notebook hook changes."""

import subprocess
import sys

import nbformat
import pytest
from notebook_rules import METADATA
from repository import NOTEBOOKS, ROOT, requirements
from stored_notebook import WIDGET_VIEW

yaml = pytest.importorskip("yaml", reason="PyYAML is missing; distributed installs it")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def hooks() -> dict:
    repos = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    return {hook["id"]: hook | {"rev": repo.get("rev")} for repo in repos for hook in repo["hooks"]}


def test_the_hooks_have_the_versions_of_the_tested_set():
    assert hooks().keys() == {"ruff-check", "ruff-format", "notebooks"}
    assert {hooks()[name]["rev"] for name in ("ruff-check", "ruff-format")} == {f"v{requirements()['ruff']}"}
    assert hooks()["notebooks"]["additional_dependencies"] == [f"nbconvert=={requirements()['nbconvert']}"]


def run_notebook_hook(*paths):
    """Run the hook for notebooks on the files, in this Python."""
    command = hooks()["notebooks"]["entry"].split()
    assert command[0] == "python"
    subprocess.run([sys.executable, *command[1:], *paths], cwd=ROOT, check=True, capture_output=True, timeout=120)


def with_unwanted_metadata(source: str) -> nbformat.NotebookNode:
    """The notebook with widget state, widget views, timings and a Python version, as an editor may save it."""
    notebook = nbformat.from_dict(nbformat.reads(source, as_version=4))
    notebook.metadata |= {"widgets": {"state": {}}, "language_info": METADATA["language_info"] | {"version": "3.11"}}
    for cell in notebook.cells:
        cell.metadata |= {"collapsed": True, "execution": {"iopub.status.busy": "now"}}
        for output in cell.get("outputs", []):
            output.get("data", {})[WIDGET_VIEW] = {"model_id": "gone"}
    return notebook


def test_the_notebook_hook_keeps_a_stored_notebook_and_removes_unwanted_metadata(tmp_path):
    source = NOTEBOOKS[5].read_text(encoding="utf-8")
    stored, edited = tmp_path / "a lesson.ipynb", tmp_path / "edited.ipynb"
    stored.write_text(source, encoding="utf-8")
    nbformat.write(with_unwanted_metadata(source), edited)
    assert edited.read_text(encoding="utf-8") != source
    run_notebook_hook(stored, edited)
    assert stored.read_text(encoding="utf-8") == source
    assert edited.read_text(encoding="utf-8") == source
