"""The tools: lower bounds as pins, the files that git tracks, JupyterLab on every kind of machine, the benchmarks."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import bounds
import colab
import lab
import pytest
import tracked
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from repository import PYPROJECT, ROOT

SERVER = {"hostname": "127.0.0.1", "port": 8889, "base_url": "/", "secure": False, "token": "abc"}
SERVER |= {"root_dir": str(ROOT / "notebooks")}  # as JupyterLab chooses it
OPEN = "http://127.0.0.1:8889/lab/tree/00_start_here.ipynb?token=abc"


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


# What git tracks ------------------------------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path):
    """A repository in a folder with a space: `kept.py` is tracked, `gone.py` too, `mine.py` is not."""
    root = tmp_path.resolve() / "my lessons"
    root.mkdir()
    for name in ("kept.py", "gone.py", "mine.py", "größe 2.py"):
        (root / name).write_text("", encoding="utf-8")
    for words in (["init", "--quiet"], ["add", "kept.py", "gone.py", "größe 2.py"]):
        subprocess.run(["git", *words], cwd=root, check=True)
    (root / "gone.py").unlink()
    tracked.tracked.cache_clear()
    return root


def test_what_git_tracks_is_ours_and_what_lies_beside_it_is_not(repository):
    assert [tracked.ours(repository / name, repository) for name in ("kept.py", "größe 2.py", "mine.py")] == [
        True,
        True,
        False,
    ]
    assert tracked.ours(repository.parent / "elsewhere.py", repository)


def test_without_git_every_file_is_ours(repository, monkeypatch, tmp_path):
    (tmp_path / "archive").mkdir()
    assert tracked.ours(tmp_path / "archive" / "mine.py", tmp_path / "archive")
    monkeypatch.setenv("PATH", "")
    tracked.tracked.cache_clear()
    assert tracked.ours(repository / "mine.py", repository)


LEARNERS_OWN = {  # none would pass: copies and notes, a script, a log, a picture
    "notebooks/05_forget_gate-Copy1.ipynb": b"no notebook",
    "notebooks/my notes.ipynb": b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    "notebooks/scratch.py": b"raise ValueError",
    "lstm_lesson/my_cell.py": b"import no_such_package",
    "tests/test_mine.py": b"def test_it():\n    assert False",
    "training.log": "saved to {}".format("/".join(["", "home", "ada", "model.pt"])).encode(),
    "photo.jpg": b"\xff\xd8",
}


@pytest.mark.full
@pytest.mark.skipif(not tracked.tracked(ROOT), reason="no git here that knows this folder: all its files are tested")
def test_a_learners_own_files_are_no_part_of_the_tests(tmp_path):
    root = tmp_path / "my lessons"
    for path in filter(Path.is_file, tracked.tracked(ROOT)):
        copy = root / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    for words in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", *words], cwd=root, check=True)
    for name, content in LEARNERS_OWN.items():
        (root / name).write_bytes(content)
    command = [sys.executable, "-m", "pytest", "-n0", "--collect-only", "-p", "no:cacheprovider"]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    *tests, left_out = [line for line in run.stdout.splitlines() if ".py" in line or ".ipynb" in line]
    assert len(tests) > 1000
    names = [Path(name).name for name in LEARNERS_OWN]
    assert [test for test in tests if any(name in test for name in names)] == []
    assert left_out.startswith("Not in git, so left out unless named: ")
    assert all(name in left_out for name in names if name.endswith(("py", "ipynb")))


# The stand-ins for Colab and Kaggle -----------------------------------------------------------------------------------


class Installed:
    """A distribution of these files, installed in a folder."""

    def __init__(self, folder, *files):
        self.folder, self.files = folder, [Path(file) for file in files]

    def locate_file(self, name):
        return self.folder / name


def test_packages_that_lie_together_in_one_folder_are_shared_once(tmp_path, monkeypatch):
    site, stand_in = tmp_path / "site", tmp_path / "stand-in"
    for folder in (site / "nvidia" / "cublas", site / "nvidia" / "cudnn", stand_in):
        folder.mkdir(parents=True)
    (site / "torch.py").touch()
    together = [Installed(site, "nvidia/cublas/a.so", "../../bin/tool"), Installed(site, "nvidia/cudnn/b.so")]
    monkeypatch.setattr(
        colab, "_with_needs", lambda name: [Installed(site, "torch.py", "__pycache__/x.pyc"), *together]
    )
    monkeypatch.setattr(colab, "_packages", lambda folder: folder)
    colab._share_torch(stand_in)
    assert {path.name for path in (stand_in / "shared").iterdir()} == {"torch.py", "nvidia"}
    assert (stand_in / "shared" / "nvidia").resolve() == site.resolve() / "nvidia"
    assert (stand_in / "shared.pth").read_text(encoding="utf-8") == f"{stand_in / 'shared'}\n"


# JupyterLab -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("root", "browser", "given", "expected"),
    [
        (False, True, [], []),
        (True, True, [], ["--allow-root", "--ServerApp.ip=127.0.0.1"]),
        (False, False, [], ["--no-browser"]),
        (True, False, [], ["--allow-root", "--ServerApp.ip=127.0.0.1", "--no-browser"]),
        (False, True, ["--port", "9999"], ["--port", "9999"]),
        (True, False, ["--ip=0.0.0.0", "--no-browser"], ["--allow-root", "--ip=0.0.0.0", "--no-browser"]),
        (True, True, ["--ServerApp.ip", "::1"], ["--allow-root", "--ServerApp.ip", "::1"]),
        (True, True, ["--allow-root"], ["--ServerApp.ip=127.0.0.1", "--allow-root"]),
        (False, False, ["--ServerApp.open_browser=True"], ["--ServerApp.open_browser=True"]),
    ],
)
def test_jupyterlab_is_started_with_what_the_machine_needs_and_what_was_given_wins(root, browser, given, expected):
    assert lab.arguments(root, browser, given) == [*expected, lab.FIRST]


def test_on_a_desk_nothing_is_said_because_the_browser_opens():
    assert lab.where_to_open(SERVER, browser=True, ssh="", user="ada") == []


def test_without_a_browser_the_whole_address_is_said():
    said = "\n".join(lab.where_to_open(SERVER, browser=False, ssh="", user="ada"))
    assert OPEN in said.split()
    assert "ssh" not in said


@pytest.mark.parametrize("browser", [True, False])
def test_over_ssh_the_tunnel_is_said_before_the_address(browser):
    said = lab.where_to_open(SERVER, browser, "198.51.100.7 50022 203.0.113.5 22", "ada")
    assert "ssh -N -L 8889:127.0.0.1:8889 ada@203.0.113.5" in said[0]
    assert OPEN in said[1]


def test_another_port_of_ssh_is_part_of_the_tunnel():
    assert lab.tunnel(SERVER, "::1 50022 ::1 2222", "ada") == "ssh -N -p 2222 -L 8889:127.0.0.1:8889 ada@::1"


@pytest.mark.parametrize(
    ("changed", "start"),
    [
        ({"hostname": "localhost"}, "http://127.0.0.1:8889/lab/"),
        ({"hostname": "0.0.0.0"}, "http://127.0.0.1:8889/lab/"),
        ({"hostname": "10.0.0.5"}, "http://10.0.0.5:8889/lab/"),
        ({"secure": True}, "https://127.0.0.1:8889/lab/"),
        ({"base_url": "/ada/"}, "http://127.0.0.1:8889/ada/lab/"),
    ],
)
def test_the_address_is_the_one_that_the_server_listens_at(changed, start):
    assert lab.address(SERVER | changed).startswith(start)


@pytest.mark.parametrize(
    ("root", "place"),
    [(ROOT, "/lab/tree/notebooks/00_start_here.ipynb?"), (ROOT.parent / "elsewhere", ":8889/lab?")],
)
def test_the_address_leads_to_the_notebook_from_the_folder_that_is_served(root, place):
    assert place in lab.address(SERVER | {"root_dir": str(root)})


def test_a_server_with_a_password_has_no_token_in_its_address():
    assert lab.address(SERVER | {"token": ""}) == OPEN.split("?")[0]


@pytest.mark.parametrize(
    ("system", "environment", "found"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {"BROWSER": "firefox"}, True),
        ("darwin", {}, True),
        ("win32", {}, True),
    ],
)
def test_linux_has_a_browser_only_with_a_screen(monkeypatch, system, environment, found):
    monkeypatch.setattr(lab.webbrowser, "get", lambda: "a browser")
    assert lab.has_browser(system, environment) is found


def test_a_machine_on_which_python_finds_no_browser_has_none(monkeypatch):
    def get():
        raise lab.webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(lab.webbrowser, "get", get)
    assert not lab.has_browser("darwin", {})


def test_windows_knows_no_root(monkeypatch):
    monkeypatch.delattr(os, "geteuid", raising=False)
    assert not lab.is_root()


@pytest.mark.parametrize(
    ("root", "given", "said"), [(True, [], True), (True, ["--ip=0.0.0.0"], False), (False, [], False)]
)
def test_root_is_told_where_jupyterlab_opens_and_the_arguments_reach_it(monkeypatch, capsys, root, given, said):
    from jupyterlab import labapp

    started = []
    monkeypatch.setattr(labapp, "main", started.append)
    monkeypatch.setattr(lab, "is_root", lambda: root)
    monkeypatch.setattr(lab, "has_browser", lambda *_: False)
    monkeypatch.setattr(lab, "say_where_to_open", lambda browser: None)
    monkeypatch.chdir(ROOT)
    lab.main(given)
    assert started == [lab.arguments(root, False, given)]
    assert (lab.AS_ROOT in capsys.readouterr().out) is said


def test_the_address_is_said_when_the_server_of_this_process_has_written_it_down(monkeypatch, capsys):
    from jupyter_server import serverapp

    others, mine = SERVER | {"pid": os.getpid() + 1, "port": 1}, SERVER | {"pid": os.getpid()}
    rounds = iter([[], [others], [others, mine]])
    monkeypatch.setattr(serverapp, "list_running_servers", lambda: next(rounds))
    monkeypatch.setattr(lab.time, "sleep", lambda seconds: None)
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    lab.say_where_to_open(browser=False)
    assert OPEN in capsys.readouterr().out.split()


# The benchmarks -------------------------------------------------------------------------------------------------------


@pytest.mark.full
def test_the_benchmarks_start():
    command = [sys.executable, ROOT / "benchmarks" / "run.py", "--help"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": ""})
    assert run.returncode == 0, run.stderr
