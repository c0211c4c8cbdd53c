"""Progress survives restarts, damage, unwritable folders and two notebooks at once, and never stops a lesson."""

import csv
import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import filelock
import pytest
import torch

from lstm_lesson import check, equations, progress
from lstm_lesson.exercises import progress_file
from lstm_lesson.exercises.exercise import exercises


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder of its own for every test, not yet made."""
    monkeypatch.setenv("LSTM_LESSON_PROGRESS", str(tmp_path / "kept"))
    monkeypatch.setattr(progress_file.FILE, "waiting", [])
    return tmp_path / "kept"


def row(name):
    return next(row for row in progress().rows if row["exercise"] == name)


def solve(right=True):
    def hadamard(a, b):
        return a * b if right else a + b

    return check(hadamard)


def in_another_python(code):
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_nothing_is_solved_and_nothing_written_at_the_start(folder):
    shown = progress()
    assert [row["exercise"] for row in shown.rows] == list(exercises())
    assert not any(row["solved"] or row["attempts"] for row in shown.rows)
    assert f"0 of {len(exercises())} exercises solved" in repr(shown)
    assert not folder.exists()


def test_attempts_are_counted_up_to_the_first_right_answer():
    for right in (False, False, True, False, True):
        solve(right)
    assert row("hadamard")["attempts"] == 3
    assert row("hadamard")["solved"]
    assert row("hadamard")["solved_at"].endswith("+00:00")


def test_a_stub_and_the_packages_own_function_are_no_attempts(folder):
    def hadamard(a, b):
        raise NotImplementedError

    check(hadamard)
    check(equations.input_gate)
    assert not folder.exists()


def test_progress_survives_a_restart():
    solve(False)
    solve()
    code = "from lstm_lesson import progress; r = progress().rows[0]; print(r['exercise'], r['attempts'], r['solved'])"
    assert in_another_python(code) == "hadamard 2 True\n"


@pytest.mark.parametrize(
    "damage",
    [
        "", "{", "null", "[]", "7", '"text"', '{"exercises": 3}', '{"exercises": {"hadamard": 1}}', "[" * 100_000,
        '{"exercises": {"hadamard": {"attempts": "many", "solved_at": null}}}', "\x00\xff", '{"exercises": [1]}',
        '{"exercises": {"hadamard": {"attempts": true, "solved_at": 3}}}', '{"exercises": {"hadamard": {}}}',
    ],
)  # fmt: skip
def test_a_damaged_file_is_set_aside(folder, damage):
    folder.mkdir()
    (folder / "progress.json").write_text(damage, encoding="latin-1")
    assert row("hadamard")["attempts"] == 0
    assert solve().passed
    assert row("hadamard")["attempts"] == 1
    aside = list(folder.glob("progress.damaged-*.json"))
    assert [path.read_text(encoding="latin-1") for path in aside] == [damage]
    assert json.loads((folder / "progress.json").read_text())["exercises"]["hadamard"]["attempts"] == 1


FIRST_VERSION = """{
 "version": 1,
 "exercises": {
  "hadamard": {
   "attempts": 3,
   "solved_at": "2025-10-06T08:15:30+00:00"
  },
  "lstm_step": {
   "attempts": 2,
   "solved_at": null
  }
 }
}"""


def test_a_file_of_the_first_version_is_read_and_kept(folder):
    folder.mkdir()
    (folder / "progress.json").write_text(FIRST_VERSION, encoding="utf-8")
    assert row("hadamard")["solved_at"] == "2025-10-06T08:15:30+00:00"
    assert (row("lstm_step")["attempts"], row("lstm_step")["solved"]) == (2, False)
    solve(False)
    assert (folder / "progress.json").read_text(encoding="utf-8") == FIRST_VERSION


def test_an_exercise_that_is_no_longer_there_is_kept_and_not_shown(folder):
    folder.mkdir()
    entry = {"attempts": 2, "solved_at": None}
    (folder / "progress.json").write_text(json.dumps({"version": 1, "exercises": {"of_old": entry}}))
    solve()
    assert "of_old" not in repr(progress())
    assert json.loads((folder / "progress.json").read_text())["exercises"]["of_old"] == entry


def test_a_folder_that_cannot_be_made_stops_nothing(folder, monkeypatch):
    folder.write_text("a file stands in the way")
    assert solve().passed
    assert row("hadamard")["attempts"] == 1
    monkeypatch.setenv("LSTM_LESSON_PROGRESS", str(folder.parent / "elsewhere"))
    solve()
    assert json.loads((folder.parent / "elsewhere" / "progress.json").read_text())["exercises"]["hadamard"]["solved_at"]


def test_what_could_not_be_written_is_written_later(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(progress_file, "replacing", full)
        solve(False)
    assert row("hadamard")["attempts"] == 1
    solve(False)
    stored = json.loads((folder / "progress.json").read_text())["exercises"]["hadamard"]
    assert stored == {"attempts": 2, "solved_at": None}
    assert row("hadamard")["attempts"] == 2


def test_a_write_that_breaks_off_leaves_the_old_file_and_nothing_else(folder, monkeypatch):
    solve(False)
    before = (folder / "progress.json").read_bytes()

    def half(path, *_, **__):
        path.write_bytes(b'{"half')
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", half)
        solve(False)
    assert (folder / "progress.json").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == ["progress.json", "progress.lock"]


def test_notebooks_that_write_at_once_lose_nothing(folder):
    code = "import sys, time\nfrom lstm_lesson.exercises import progress_file as p\nread = p.EntriesFile._read\n"
    code += "p.EntriesFile._read = lambda file: (read(file), time.sleep(0.01))[0]\n"  # another comes between
    code += "for _ in range(10): p.record_attempt(sys.argv[1], False); p.record_attempt('lstm', False)"
    names = ["unroll", "truncate", "half_life"]
    running = [subprocess.Popen([sys.executable, "-c", code, name]) for name in names]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert [row(name)["attempts"] for name in names] == [10, 10, 10]
    assert row("lstm")["attempts"] == 30


@pytest.mark.parametrize("error", [OSError(errno.ENOLCK, "No locks available"), NotImplementedError("no flock")])
def test_where_the_file_system_has_no_locks_progress_is_written_without_one(folder, monkeypatch, error):
    def acquire(*_, **__):
        raise error

    monkeypatch.setattr(filelock.FileLock, "acquire", acquire)
    solve()
    assert json.loads((folder / "progress.json").read_text())["exercises"]["hadamard"]["attempts"] == 1


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder that its owner cannot write to")
def test_a_folder_that_is_read_only_stops_nothing(folder):
    solve(False)
    folder.chmod(0o500)
    try:
        assert solve().passed
        assert row("hadamard")["attempts"] == 2
    finally:
        folder.chmod(0o700)


@pytest.mark.skipif(os.name == "nt", reason="the other notebook is played with fcntl")
def test_a_lock_that_is_held_delays_a_check_by_less_than_a_second_and_loses_nothing(folder):
    import fcntl

    folder.mkdir()
    with (folder / "progress.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        start = time.perf_counter()
        assert solve(False).outcome == "wrong"
        assert time.perf_counter() - start < 1
        assert row("hadamard")["attempts"] == 1
        assert not (folder / "progress.json").exists()
    solve(False)
    assert json.loads((folder / "progress.json").read_text())["exercises"]["hadamard"]["attempts"] == 2


def test_the_table_for_the_teacher_has_a_row_for_every_exercise(tmp_path):
    solve(False)
    path = progress().to_csv(tmp_path / "class.csv")
    with Path(path).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [each["exercise"] for each in rows] == list(exercises())
    assert rows[0] == {
        "notebook": "00_start_here", "exercise": "hadamard", "minutes": "2", "difficulty": "1", "solved": "False",
        "attempts": "1", "solved_at": "",
    }  # fmt: skip


def test_progress_is_shown_notebook_by_notebook():
    solve()
    shown = progress()
    lines = repr(shown).split("\n")
    assert lines[0] == f"1 of {len(exercises())} exercises solved"
    assert lines[1].split() == ["00_start_here", "✅", "hadamard"]
    assert len(lines) == 1 + len({row["notebook"] for row in shown.rows})
    page = shown._repr_html_()
    assert f"<caption>1 of {len(exercises())} exercises solved</caption>" in page
    assert page.count("<tr>") == len(lines)


def test_the_folder_is_the_users_own_unless_another_is_named(folder, monkeypatch):
    assert progress_file.own_folder() == folder
    monkeypatch.delenv("LSTM_LESSON_PROGRESS")
    assert progress_file.own_folder().name == "lstm-lesson"
    assert progress_file.own_folder().is_absolute()


def test_an_odd_answer_is_recorded_like_any_other():
    def hadamard(a, b):
        raise SystemExit

    assert check(hadamard).outcome == "crashed"
    assert row("hadamard")["attempts"] == 1
    assert torch.is_grad_enabled()
