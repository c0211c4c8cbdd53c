"""No file names a place on one machine or a package index, and no test touches the learner's own files."""

import os
import re
from pathlib import Path

import pytest
import repository
from repository import ADDRESS, ROOT


@pytest.mark.parametrize("path", repository.files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_names_no_machine_path_and_no_index_host(path):
    text = path.read_text(encoding="utf-8", errors="replace")  # the stored model is not text
    paths = repository.machine_paths(text)
    if path == ROOT / ".ci" / "run":
        paths = [p for p in paths if p != "../" + "shared"]  # the copy of the data that may stand beside the repository
    assert paths == []
    assert repository.index_hosts(text) == []


@pytest.mark.parametrize("parts", [("", "work"), ("", "root"), ("", "tmp"), ("", "home", "ada"), ("", "Users", "ada")])
def test_a_machine_path_is_found(parts):
    assert repository.machine_paths(f'see "{"/".join(parts)}/lesson.csv" for more') != []
    assert repository.machine_paths("see " + "\\".join(["C:", "Users", "ada"])) != []
    assert repository.machine_paths("see " + "/".join(["..", "shared", "data"])) != []


@pytest.mark.parametrize(
    "text", ["a/Users/b", "~/Users/lesson", "../home/x", "https://example.org/home", "/usr/bin/env"]
)
def test_other_paths_are_allowed(text):
    assert repository.machine_paths(text) == []


@pytest.mark.parametrize("host", ["pypi." + "org", "files.python" + "hosted.org", "download.py" + "torch.org"])
def test_an_index_host_is_found(host):
    assert repository.index_hosts(f"--index-url https://{host}/simple") != []


def test_the_repository_address_is_the_same_in_every_file():
    owner, name = ADDRESS.split("/")[-2:]
    for path in repository.files():
        for found in re.findall(
            rf"github(?:\.com)?/([\w-]+)/{name}\b", path.read_text(encoding="utf-8", errors="replace")
        ):
            assert found == owner, path
    assert f"git+{ADDRESS}" in repository.SETUP_CELL


@pytest.mark.parametrize("variable", ["LSTM_LESSON_PROGRESS", "LSTM_LESSON_CACHE"])
def test_tests_write_progress_and_downloads_to_a_temporary_folder(variable):
    folder = Path(os.environ[variable]).parent
    assert folder.is_dir()
    assert folder.name.startswith("lstm-lesson-")
