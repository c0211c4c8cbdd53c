"""Progress survives restarts, damage, unwritable folders and two notebooks at once, and never stops a lesson."""

import csv
import errno
import json
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import filelock
import pytest
import torch

from lstm_lesson import check, equations, progress
from lstm_lesson.exercises import progress_file
from lstm_lesson.exercises.exercise import exercises
from lstm_lesson.exercises.model import short


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder of its own for every test, not yet made."""
    monkeypatch.setenv("LSTM_LESSON_PROGRESS", str(tmp_path / "kept"))
    monkeypatch.delenv("LSTM_LESSON_BOARD", raising=False)
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
        '{"exercises": {"hadamard": {"attempts": 1, "solved_at": null, "noted": "many"}}}',
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
    assert (stored["attempts"], stored["solved_at"], len(stored["noted"])) == (2, None, 2)
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
    code += "for _ in range(10): p.record_attempt(sys.argv[1], 'wrong'); p.record_attempt('lstm', 'wrong')"
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
        "attempts": "1", "solved_at": "", "noted": rows[0]["noted"],
    }  # fmt: skip
    assert json.loads(rows[0]["noted"]) == row("hadamard")["noted"]
    assert {each["noted"] for each in rows[1:]} == {"[]"}


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


def forget_gate(x_t, h_prev, W_xf, W_hf, b_f):
    marker_of_the_learner = h_prev @ W_hf.T
    return torch.sigmoid(x_t @ W_xf + marker_of_the_learner + b_f)


def test_of_each_attempt_time_outcome_and_the_named_mistakes_are_noted_and_no_code(folder):
    def forget_gate_that_stops(x_t, h_prev, W_xf, W_hf, b_f):
        raise RuntimeError("marker of the learner")

    forget_gate_that_stops.__name__ = "forget_gate"
    assert check(forget_gate).edits == ("f: U transposed",)
    check(forget_gate_that_stops)
    solve()
    noted = row("forget_gate")["noted"]
    assert [attempt[1:] for attempt in noted] == [["wrong", "f: U transposed"], ["crashed"]]
    assert all(datetime.fromisoformat(attempt[0]).tzinfo for attempt in noted)
    assert [attempt[1:] for attempt in row("hadamard")["noted"]] == [["correct"]]
    assert row("hadamard")["noted"][0][0] == row("hadamard")["solved_at"]
    assert "marker" not in (folder / "progress.json").read_text()
    assert "marker" not in progress().to_csv(folder / "own.csv").read_text()


def test_attempts_are_noted_up_to_the_first_right_answer():
    for right in (False, True, False):
        solve(right)
    assert [attempt[1] for attempt in row("hadamard")["noted"]] == ["wrong", "correct"]


def test_a_noted_identifier_is_short_and_belongs_to_one_mistake():
    for exercise in exercises().values():
        edits = exercise.model_answer.edits if exercise.model_answer else {}
        assert len({short(id) for id in edits}) == len(edits)
        assert all(len(short(id)) <= 48 for id in edits)


def test_a_thousand_attempts_with_the_longest_identifiers_take_at_most_200_kb(folder):
    edits = [id for each in exercises().values() if each.model_answer for id in each.model_answer.edits]
    longest = sorted(edits, key=lambda id: len(short(id).encode()))[-2:]
    note = ["2026-11-29T08:15:30+00:00", "crashed", *map(short, longest)]
    entry = {"attempts": 999, "solved_at": None, "noted": [note] * 999}
    folder.mkdir()
    (folder / "progress.json").write_text(json.dumps({"version": 1, "exercises": {"lstm": entry}}))
    progress_file.record_attempt("lstm", "crashed", tuple(longest))
    assert row("lstm")["attempts"] == len(row("lstm")["noted"]) == 1000
    assert (folder / "progress.json").stat().st_size <= 200_000
    progress_file.record_attempt("lstm", "wrong")
    assert row("lstm")["attempts"] == 1001
    assert len(row("lstm")["noted"]) == 1000
    assert row("lstm")["noted"][-1][1:] == ["wrong"]


def test_notes_can_be_switched_off_for_good_and_on_again(folder):
    solve(False)
    assert row("hadamard")["noted"]
    assert not any(each["noted"] for each in progress(note=False).rows)
    solve(False)
    in_another_python("from lstm_lesson.exercises import progress_file as p; p.record_attempt('unroll', 'wrong')")
    assert "wrong" not in (folder / "progress.json").read_text()
    assert (row("hadamard")["attempts"], row("unroll")["attempts"]) == (2, 1)
    progress(note=True)
    solve()
    assert [attempt[1] for attempt in row("hadamard")["noted"]] == ["correct"]
    assert row("hadamard")["attempts"] == 3
    progress(note=True)
    assert row("hadamard")["noted"]


def test_notes_that_cannot_be_switched_off_on_disk_are_told_and_off_in_memory(folder):
    folder.write_text("a file stands in the way")
    with pytest.raises(OSError):
        progress(note=False)
    solve(False)
    assert (row("hadamard")["attempts"], row("hadamard")["noted"]) == (1, [])


def test_what_progress_says_of_itself_names_what_is_kept_and_how_to_stop_it():
    told = " ".join(progress.__doc__.split())
    assert all(
        word in told for word in ("when (UTC)", "outcome", "identifiers of the mistakes", "no code", "note=False")
    )


@pytest.fixture
def board(tmp_path, monkeypatch):
    """A folder for the teacher's board."""
    monkeypatch.setenv("LSTM_LESSON_BOARD", str(tmp_path / "board"))
    (tmp_path / "board").mkdir()
    return tmp_path / "board" / "progress.json"


def test_the_board_gets_a_copy_after_every_attempt_that_its_group_can_read(folder, board):
    umask = os.umask(0o077)
    try:
        for right in (False, False, True):
            solve(right)
            assert board.read_bytes() == (folder / "progress.json").read_bytes()
    finally:
        os.umask(umask)
    assert os.name == "nt" or board.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in board.parent.iterdir()] == ["progress.json"]


def test_a_copy_that_was_lost_comes_back_with_the_next_attempt_even_at_a_solved_exercise(folder, board):
    solve()
    board.unlink()
    solve()
    assert board.read_bytes() == (folder / "progress.json").read_bytes()


def test_the_copy_for_the_board_goes_when_notes_are_switched_off_and_comes_back(folder, board):
    solve(False)
    progress(note=False)
    solve(False)
    assert not board.exists()
    progress(note=True)
    assert board.read_bytes() == (folder / "progress.json").read_bytes()


def test_a_copy_for_the_board_that_cannot_be_removed_or_written_is_told(folder, board):
    solve(False)
    board.unlink()
    board.mkdir()  # which unlink refuses, as it refuses a file in a folder of somebody else
    for note in (False, True):
        says = r"the switch is made, but not in the copy for the class's board; ask your teacher to delete it"
        with pytest.raises(OSError, match=f"{says}: '.*progress.json'$"):
            progress(note=note)
        assert ("attempts are not noted" in (folder / "progress.json").read_text()) is not note
    assert progress_file.FILE.waiting == []
    solve(False)
    board.rmdir()
    progress(note=False)
    assert not board.exists()


def test_a_folder_of_the_board_that_is_not_there_stops_nothing(folder, board):
    board.parent.rmdir()
    assert solve(False).outcome == "wrong"
    assert solve().passed
    assert row("hadamard")["attempts"] == 2
    assert progress_file.FILE.waiting == []
