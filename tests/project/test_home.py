"""The repository as a home for others: licences, citation, changes, hooks and the workflow agree with the project."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from notebook_rules import METADATA, broken_links
from packaging.specifiers import SpecifierSet
from repository import ADDRESS, NOTEBOOKS, PYPROJECT, ROOT, requirements
from stored_notebook import WIDGET_VIEW

yaml = pytest.importorskip("yaml", reason="PyYAML is not there; distributed brings it")
PROJECT = PYPROJECT["project"]
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))
STEPS = [(name, step) for name, job in WORKFLOW["jobs"].items() for step in job["steps"]]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_licences_are_the_same_everywhere():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert PROJECT["license"] == "MIT"
    assert PROJECT["license-files"] == ["LICENSE"]
    assert citation["license"] == ["MIT", "CC-BY-4.0"]
    for text in (read("LICENSE"), read("README.md")):
        assert "MIT" in text
        assert "https://creativecommons.org/licenses/by/4.0/" in text


def test_the_citation_has_what_the_format_asks_for_and_the_version_and_address_of_the_project():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= citation.keys()
    assert [author.keys() for author in citation["authors"]] == [{"name"}]  # an entity, no invented person
    assert str(citation["version"]) == PROJECT["version"]
    assert citation["repository-code"] == ADDRESS
    assert citation["abstract"] == PROJECT["description"]


def test_the_newest_entry_of_the_changes_is_this_version():
    assert re.search(r"(?m)^## (\S+?),? ", read("CHANGELOG.md"))[1].rstrip(",") == PROJECT["version"]


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "CHANGELOG.md"])
def test_its_links_lead_to_what_exists(name):
    assert list(broken_links(read(name), ROOT / name)) == []


@pytest.mark.parametrize("title", ["An exercise", "An explorer", "A notebook"])
def test_a_recipe_has_ten_lines_and_names_what_exists(title):
    recipe = re.search(rf"(?m)^## {title}\n(.*?)(?=^## |\Z)", read("CONTRIBUTING.md"), re.S | re.M)[1]
    assert re.findall(r"(?m)^(\d+)\. ", recipe) == [str(k) for k in range(1, 11)]
    for path in re.findall(r"(?:lstm_lesson|tests|notebooks|docs)/[\w./*]*\w", recipe):
        assert "NN_" in path or list(ROOT.glob(path)), path
    for target in re.findall(r"`make (\w+)", recipe):
        assert re.search(rf"(?m)^{target}:", read("Makefile")), target
    for name, file in re.findall(r"`([A-Z]{4,})` (?:of|in) `(tests/[\w.]+)`", recipe):
        assert re.search(rf"(?m)^{name} ", read(file)), f"{file} has no {name}"


# The hooks before a commit --------------------------------------------------------------------------------------------


def hooks() -> dict:
    repos = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    return {hook["id"]: hook | {"rev": repo.get("rev")} for repo in repos for hook in repo["hooks"]}


def test_the_hooks_have_the_versions_of_the_tested_set():
    assert hooks().keys() == {"ruff-check", "ruff-format", "notebooks"}
    assert {hooks()[name]["rev"] for name in ("ruff-check", "ruff-format")} == {f"v{requirements()['ruff']}"}
    assert hooks()["notebooks"]["additional_dependencies"] == [f"nbconvert=={requirements()['nbconvert']}"]


def normalised(path: Path) -> str:
    """What the hook for notebooks makes of a file, in this Python."""
    command = hooks()["notebooks"]["entry"].split()
    assert command[0] == "python"
    subprocess.run([sys.executable, *command[1:], str(path)], cwd=ROOT, check=True, capture_output=True, timeout=120)
    return path.read_text(encoding="utf-8")


def test_the_hook_leaves_a_stored_notebook_as_it_is_and_strips_what_does_not_belong(tmp_path):
    source = NOTEBOOKS[5].read_text(encoding="utf-8")
    path = tmp_path / "a lesson.ipynb"
    path.write_text(source, encoding="utf-8")
    assert normalised(path) == source
    notebook = nbformat.from_dict(nbformat.reads(source, as_version=4))
    notebook.metadata |= {"widgets": {"state": {}}, "language_info": METADATA["language_info"] | {"version": "3.11"}}
    for cell in notebook.cells:
        cell.metadata |= {"collapsed": True, "execution": {"iopub.status.busy": "now"}}
        for output in cell.get("outputs", []):
            output.get("data", {})[WIDGET_VIEW] = {"model_id": "gone"}
    nbformat.write(notebook, path)
    assert path.read_text(encoding="utf-8") != source
    assert normalised(path) == source


# The workflow ---------------------------------------------------------------------------------------------------------


def test_the_workflow_runs_on_every_python_the_project_allows_and_on_three_systems():
    matrix = WORKFLOW["jobs"]["test"]["strategy"]["matrix"]
    assert {os.removesuffix("-latest") for os in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert matrix["python"] == ["3.11", "3.12", "3.13"]
    allowed = SpecifierSet(PROJECT["requires-python"])
    assert all(allowed.contains(python) for python in matrix["python"])
    assert not allowed.contains("3.10")
    assert re.search(r"Python 3\.11 to 3\.13", read("requirements.txt"))


def test_the_workflow_calls_targets_that_the_makefile_has():
    made = {target for _, step in STEPS for target in re.findall(r"(?m)^\s*make (\w+)", step.get("run", ""))}
    assert made == {"test", "setup", "html"}
    for target in made:
        assert re.search(rf"(?m)^{target}:", read("Makefile")), target


def test_the_workflow_has_no_more_rights_than_it_needs():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    rights = {name: job["permissions"] for name, job in WORKFLOW["jobs"].items() if "permissions" in job}
    assert rights == {"pages": {"pages": "write", "id-token": "write"}}
    assert WORKFLOW["jobs"]["pages"]["needs"] == "site"
    assert WORKFLOW["jobs"]["site"]["if"] == "github.event_name == 'push'"


def test_the_actions_are_pinned_and_every_job_ends():
    for _, step in STEPS:
        assert re.fullmatch(r"[\w./-]+@v\d+\.\d+\.\d+", step.get("uses", "none/none@v1.0.0"))
    assert all(job["timeout-minutes"] <= 90 for job in WORKFLOW["jobs"].values())


def test_the_weekly_run_takes_the_newest_torch_after_the_set_up_and_before_the_tests():
    assert WORKFLOW[True]["schedule"]  # YAML reads `on` as true
    runs = [step.get("run", "") for name, step in STEPS if name == "newest-torch"]
    setup, newest, test = (next(k for k, run in enumerate(runs) if words in run)
                           for words in ("make setup", "--upgrade torch", "make test"))  # fmt: skip
    assert setup < newest < test
    assert "schedule" not in WORKFLOW["jobs"]["site"]["if"]
