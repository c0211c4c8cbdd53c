"""CONTRIBUTING.md and CHANGELOG.md name files, commands and constants that exist."""

import re

import pytest
from notebook_rules import broken_links
from repository import ROOT, files


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "CHANGELOG.md"])
def test_its_links_lead_to_files_and_headings_that_exist(name):
    assert list(broken_links(read(name), ROOT / name)) == []


def missing_names(text: str):
    """The paths, make targets and constants of a text that the repository does not have."""
    for path in re.findall(r"`((?:lstm_lesson|tests|notebooks|docs|tools)/[\w./*]*\w)", text):
        if "NN" not in path and not list(ROOT.glob(path)):
            yield path
    for target in re.findall(r"`make (\w[\w-]*)", text):
        if not re.search(rf"(?m)^{target}:", read("Makefile")):
            yield f"make {target}"
    code = "".join(path.read_text(encoding="utf-8") for path in files() if path.suffix == ".py")
    for name in re.findall(r"`([A-Z_]{4,})`", text):
        if not re.search(rf"(?m)^{name}\b", code):
            yield name


def test_the_recipes_name_what_exists():
    assert list(missing_names(read("CONTRIBUTING.md"))) == []


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("`lstm_lesson/gone.py`", "lstm_lesson/gone.py"),
        ("`make gone`", "make gone"),
        ("add it to `GONE`", "GONE"),
    ],
)
def test_a_name_that_does_not_exist_is_found(text, missing):
    assert list(missing_names(text)) == [missing]
