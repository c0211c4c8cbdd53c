"""The workflow of GitHub: its Pythons, systems, commands, rights and pinned actions."""

import re

import pytest
from packaging.specifiers import SpecifierSet
from repository import PYPROJECT, ROOT

yaml = pytest.importorskip("yaml", reason="PyYAML is missing; distributed installs it")
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))
STEPS = [(name, step) for name, job in WORKFLOW["jobs"].items() for step in job["steps"]]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_it_runs_on_every_supported_python_and_three_systems():
    matrix = WORKFLOW["jobs"]["test"]["strategy"]["matrix"]
    assert {os.removesuffix("-latest") for os in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert matrix["python"] == ["3.11", "3.12", "3.13"]
    allowed = SpecifierSet(PYPROJECT["project"]["requires-python"])
    assert all(allowed.contains(python) for python in matrix["python"])
    assert not allowed.contains("3.10")
    assert re.search(r"Python 3\.11 to 3\.13", read("requirements.txt"))


def test_its_make_targets_exist():
    made = {target for _, step in STEPS for target in re.findall(r"(?m)^\s*make (\w+)", step.get("run", ""))}
    assert made == {"test", "setup", "html"}
    for target in made:
        assert re.search(rf"(?m)^{target}:", read("Makefile")), target


def test_only_the_job_that_publishes_pages_may_write():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    rights = {name: job["permissions"] for name, job in WORKFLOW["jobs"].items() if "permissions" in job}
    assert rights == {"pages": {"pages": "write", "id-token": "write"}}
    assert WORKFLOW["jobs"]["pages"]["needs"] == "site"
    assert WORKFLOW["jobs"]["site"]["if"] == "github.event_name == 'push'"


def test_actions_are_pinned_and_jobs_have_a_time_limit():
    for _, step in STEPS:
        assert re.fullmatch(r"[\w./-]+@v\d+\.\d+\.\d+", step.get("uses", "none/none@v1.0.0"))
    assert all(job["timeout-minutes"] <= 90 for job in WORKFLOW["jobs"].values())


def test_the_weekly_run_installs_the_newest_torch_after_the_set_up_and_before_the_tests():
    assert WORKFLOW[True]["schedule"]  # YAML reads `on` as true
    runs = [step.get("run", "") for name, step in STEPS if name == "newest-torch"]
    setup, newest, test = (next(k for k, run in enumerate(runs) if words in run)
                           for words in ("make setup", "--upgrade torch", "make test"))  # fmt: skip
    assert setup < newest < test
    assert "schedule" not in WORKFLOW["jobs"]["site"]["if"]
