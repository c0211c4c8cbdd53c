"""The licences, the citation and the change log agree with pyproject.toml."""

import re

import pytest
from repository import ADDRESS, PYPROJECT, ROOT

yaml = pytest.importorskip("yaml", reason="PyYAML is missing; distributed installs it")
PROJECT = PYPROJECT["project"]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_licences_are_the_same_everywhere():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert PROJECT["license"] == "MIT"
    assert PROJECT["license-files"] == ["LICENSE"]
    assert citation["license"] == "MIT"  # a list means "or": it would offer the code under CC BY, too
    for text in (read("LICENSE"), read("README.md")):
        assert "MIT" in text
        assert "https://creativecommons.org/licenses/by/4.0/" in text


def test_the_citation_has_the_required_fields_and_the_version_and_address_of_the_project():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= citation.keys()
    assert [author.keys() for author in citation["authors"]] == [{"name"}]  # an entity, no invented person
    assert str(citation["version"]) == PROJECT["version"]
    assert citation["repository-code"] == ADDRESS
    assert citation["abstract"] == PROJECT["description"]


def test_the_citation_has_the_date_of_the_change_log_once_there_is_one():
    date = re.search(r"(?m)^## \S+, (.*)", read("CHANGELOG.md"))[1]
    assert str(yaml.safe_load(read("CITATION.cff")).get("date-released", "unreleased")) == date


def test_the_works_that_the_citation_names_are_in_the_list_of_references():
    for work in yaml.safe_load(read("CITATION.cff"))["references"]:
        assert {"type", "title", "authors", "year"} <= work.keys()
        line = re.search(rf"(?m)^- \*\*.*\*{re.escape(work['title'])}\*.*", read("docs/references.md"))
        assert line, work["title"]
        assert f"{work['authors'][-1]['family-names']} {work['year']}." in line[0]


def test_the_newest_entry_of_the_change_log_is_this_version():
    assert re.search(r"(?m)^## (\S+?),? ", read("CHANGELOG.md"))[1].rstrip(",") == PROJECT["version"]
