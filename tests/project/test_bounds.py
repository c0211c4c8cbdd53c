"""The house's own tools: lower bounds as pins."""

import re
import subprocess
import sys

import bounds
import pytest
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
