"""The board of a class: its counts, what it leaves out, what it costs, and how its page follows, in two browsers."""

import contextlib
import csv
import functools
import http.server
import itertools
import json
import os
import re
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import browser
import firefox
import pytest
from bs4 import BeautifulSoup
from colours import contrast
from repository import ROOT

from lstm_lesson import progress
from lstm_lesson.exercises import progress_file
from lstm_lesson.exercises.exercise import exercises
from lstm_lesson.exercises.model import short

sys.path.insert(0, str(ROOT / "classroom"))
import board

IN_CHROMIUM = [pytest.mark.browser, pytest.mark.skipif(bool(browser.why_not()), reason=browser.why_not())]
IN_FIREFOX = [pytest.mark.browser, pytest.mark.skipif(bool(firefox.why_not()), reason=firefox.why_not())]
NOW = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)
TRANSPOSED = "f: U transposed"  # an identifier of `forget_gate`
SAYS = "`W_hf` is used transposed. It is square, so the shapes fit either way, and only the values tell."


def at(minutes):
    """A time of that many minutes ago."""
    return (NOW - timedelta(minutes=minutes)).isoformat(timespec="seconds")


def work(*attempts):
    """The entry of an exercise, from (minutes ago, outcome, identifiers…) for each attempt."""
    noted = [[at(minutes), *rest] for minutes, *rest in attempts]
    right = noted[-1][0] if noted and noted[-1][1] == "correct" else None
    return {"attempts": len(noted), "solved_at": right, "noted": noted}


def put(path, **entries):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"version": 1, "exercises": entries}), encoding="utf-8")
    return path


def room(folder):
    found = board.Room(folder)
    assert found.look()
    return found


def standing(folder, exercise, patience=10):
    return board.standing(exercise, room(folder).records, NOW, timedelta(minutes=patience))


def page(folder, **options):
    return BeautifulSoup(board.page(room(folder), NOW, **options), "html.parser")


def text(found):
    return " ".join(found.get_text(" ").split())


def row(soup, exercise):
    """The numbers of an exercise, by the head of their column."""
    found = soup.select_one(f'tr[data-key="{exercise}"]')
    heads = [cell.text for cell in found.find_parent("table").select("thead th")][1:]
    return dict(zip(heads, (text(cell) for cell in found.select("td")), strict=True))


# What it counts


def test_people_who_have_not_begun_are_trying_or_have_solved_are_counted(tmp_path):
    put(tmp_path / "ada.json", forget_gate=work((9, "wrong", TRANSPOSED), (5, "correct")))
    put(tmp_path / "bob.json", forget_gate=work((30, "wrong", TRANSPOSED), (20, "crashed")))
    put(tmp_path / "eve" / "progress.json", hadamard=work((3, "correct")))
    put(tmp_path / "dan.json")
    put(tmp_path / "fay.json", forget_gate=work((40, "wrong"), (30, "wrong"), (20, "correct")))
    found = row(page(tmp_path), "forget_gate")
    assert found == {
        "not begun": "2", "trying": "1", "solved": "2", "median minutes": "12", "median attempts": "2.5",
        "stuck over 10 min": "1",
    }  # fmt: skip
    assert row(page(tmp_path), "half_life")["median minutes"] == "– no figure yet"


def test_the_minutes_leave_out_work_whose_first_attempts_are_not_noted(tmp_path):
    put(tmp_path / "ada.json", forget_gate=work((30, "wrong"), (10, "correct")))
    put(tmp_path / "bob.json", forget_gate=work((5, "correct")) | {"attempts": 6})
    assert row(page(tmp_path), "forget_gate")["median minutes"] == "20"


def test_a_mistake_counts_the_people_who_made_it_and_those_who_have_not_solved_the_exercise(tmp_path):
    put(tmp_path / "ada.json", forget_gate=work((9, "wrong", TRANSPOSED), (8, "wrong", TRANSPOSED), (5, "correct")))
    put(tmp_path / "bob.json", forget_gate=work((9, "wrong", TRANSPOSED, "f: no bias")))
    put(tmp_path / "eve.json", forget_gate=work((9, "wrong"), (8, "crashed")))
    found = standing(tmp_path, "forget_gate")
    assert [(each.says, each.people, each.still) for each in found.mistakes] == [
        (SAYS, 2, 1),
        ("The bias is missing: it looks as if `b_f` were zero.", 1, 1),
    ]
    assert found.unnamed == 1
    soup = page(tmp_path)
    shown = [text(item) for item in soup.select("details .mistakes li")]
    assert shown[0].startswith("2 of 3 made it, 1 of them have not solved it yet: W_hf is used transposed.")
    bars = [span["style"] for span in soup.select("details .mistakes li .bar")[0].select("span")]
    assert bars == ["width:33.33%", "width:33.33%"]
    assert "1 person with other mistakes." in text(soup)


def test_the_most_frequent_mistakes_of_the_room_come_first_and_solved_ones_are_not_among_them(tmp_path):
    for k in range(3):
        put(tmp_path / f"a{k}.json", forget_gate=work((9, "wrong", TRANSPOSED), (5, "correct")))
    for k in range(2):
        put(tmp_path / f"b{k}.json", forget_gate=work((9, "wrong", "f: no bias")))
    put(tmp_path / "c.json", rnn_step=work((9, "wrong", "h: no bias")))
    heading = page(tmp_path).find(id="now")
    items = [text(item) for item in heading.find_next("ol").select("li")]
    assert [re.match(r"(\w+) · (\d of \d)", item).groups() for item in items] == [
        ("forget_gate", "2 of 6"),
        ("rnn_step", "1 of 6"),
    ]


def test_every_known_mistake_of_the_package_has_its_sentence():
    for name, exercise in exercises().items():
        edits = exercise.model_answer.edits if exercise.model_answer else {}
        assert all(board.sentence(name, short(id)) == edit.cause for id, edit in edits.items()), name


def test_the_mistakes_of_a_class_that_somebody_wrote_have_their_sentences():
    edits = exercises()["lstm"].model_answer.edits
    assert all(board.sentence("MyLSTM", short(id)) == edit.cause for id, edit in edits.items())


def test_an_unknown_identifier_is_never_shown(tmp_path):
    put(tmp_path / "ada.json", forget_gate=work((9, "wrong", "<b>Teacher is mean</b>")))
    found = board.page(room(tmp_path), NOW)
    assert "mean" not in found
    assert standing(tmp_path, "forget_gate").unnamed == 1


def test_the_section_of_the_guide_is_named_with_the_wrong_answer_where_it_has_one():
    guide = board.GUIDE.read_text(encoding="utf-8")
    says = next(edit.cause for edit in exercises()["cell_state"].edits if edit.cause.startswith("i and f are swapped"))
    where = re.fullmatch(r"docs/teaching.md, (06 · .+), Wrong answers: (.+)", board.guide_line("cell_state", says))
    section = guide.split(f"### {where[1]}\n")[1].split("\n### ")[0]
    assert f'- `cell_state`, {where[2]}: "{says}' in section
    other = board.guide_line("cell_state", "A sentence that the guide does not have.")
    assert other == f"docs/teaching.md, {where[1]}"


def test_every_wrong_answer_of_the_guide_that_is_a_known_mistake_finds_its_section():
    found = 0
    for name, exercise in exercises().items():
        for heading, answer, says in board.guide().get(name, ()):
            for edit in exercise.edits:
                if says == edit.cause:
                    where = f"docs/teaching.md, {heading}, Wrong answers: {answer}"
                    assert board.guide_line(name, edit.cause) == where, says
                    found += 1
    assert found > 20


# Who is stuck


@pytest.mark.parametrize(
    ("attempts", "stuck"),
    [
        ([(11, "wrong")], True),
        ([(9, "wrong")], False),
        ([(200, "wrong"), (1, "wrong")], True),
        ([(30, "wrong"), (1, "correct")], False),
        ([(60 * 24, "wrong")], False),  # yesterday, and not gone on
        ([(60 * 24, "wrong"), (5, "wrong")], False),  # gone on five minutes ago
        ([(60 * 24, "wrong"), (15, "wrong")], True),
        ([], False),
    ],
)
def test_stuck_is_who_has_tried_for_longer_than_that_and_has_not_solved_it(tmp_path, attempts, stuck):
    put(tmp_path / "ada.json", forget_gate=work(*attempts))
    assert (standing(tmp_path, "forget_gate").stuck == ("ada",)) == stuck
    assert ("Nobody has been stuck" in text(page(tmp_path))) != stuck


def test_people_become_stuck_while_time_goes_on_without_a_change_of_a_file(tmp_path):
    put(tmp_path / "ada.json", forget_gate=work((9, "wrong")))
    found = room(tmp_path)
    assert "Nobody has been stuck" in board.page(found, NOW)
    assert "1 has been stuck" in board.page(found, NOW + timedelta(minutes=2))


def test_nobody_is_named_unless_the_command_says_so(tmp_path):
    put(tmp_path / "adalovelace.json", forget_gate=work((30, "wrong")))
    put(tmp_path / "<i>" / "progress.json", forget_gate=work((30, "wrong")))
    assert "adalovelace" not in board.page(room(tmp_path), NOW)
    named = board.page(room(tmp_path), NOW, names=True)
    assert "2: &lt;i&gt;, adalovelace" in named


# What it reads


def test_a_table_that_the_package_wrote_gives_the_same_as_the_progress_file(tmp_path, monkeypatch):
    monkeypatch.setenv("LSTM_LESSON_PROGRESS", str(tmp_path / "own"))
    monkeypatch.setattr(progress_file.FILE, "waiting", [])
    progress_file.record_attempt("forget_gate", "wrong", (TRANSPOSED, "f: no bias"))
    progress_file.record_attempt("forget_gate", "correct")
    progress_file.record_attempt(
        "lstm_backward_step", "crashed", (max(exercises()["lstm_backward_step"].model_answer.edits, key=len),)
    )
    (tmp_path / "json").mkdir()
    (tmp_path / "csv").mkdir()
    (tmp_path / "own" / "progress.json").rename(tmp_path / "json" / "ada.json")
    (tmp_path / "json" / "ada.json").rename(tmp_path / "own" / "progress.json")
    (tmp_path / "json" / "ada.json").write_bytes((tmp_path / "own" / "progress.json").read_bytes())
    progress().to_csv(tmp_path / "csv" / "ada.csv")
    one, other = (room(tmp_path / kind).records["ada"] for kind in ("json", "csv"))
    assert {name: each for name, each in other.items() if each.attempts} == one
    assert len(one["forget_gate"].noted) == 2


def test_a_table_that_a_spreadsheet_saved_again_is_read(tmp_path):
    rows = [["notebook", "exercise", "attempts", "solved_at", "noted"]]
    rows += [["05_forget_gate", "forget_gate", "1", "", json.dumps([[at(5), "wrong", TRANSPOSED]])]]
    with (tmp_path / "ada.csv").open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=";").writerows(rows)
    assert standing(tmp_path, "forget_gate").mistakes[0].says == SAYS


def test_records_of_the_first_version_are_read_without_notes(tmp_path):
    put(tmp_path / "ada.json", forget_gate={"attempts": 3, "solved_at": "2025-10-06T08:15:30+00:00"})
    (tmp_path / "bob.csv").write_text(
        "notebook,exercise,minutes,difficulty,solved,attempts,solved_at\n05_forget_gate,forget_gate,2,1,False,2,\n"
    )
    found = standing(tmp_path, "forget_gate")
    assert (found.solved, found.trying, found.minutes, found.attempts, found.stuck) == (1, 1, None, 3, ())


NOTED = '{"exercises": {"lstm": {"attempts": 1, "solved_at": null, "noted": [["2026-11-29T10:00:00", %s]]}}}'
HUGE = '{"exercises": {"lstm": {"attempts": %s, "solved_at": null}}}'
DAMAGED = {
    "empty.json": "",
    "half.json": '{"version": 1, "exercises": {"lstm": {"att',
    "list.json": "[]",
    "deep.json": "[" * 100_000,
    "other.json": '{"guesses": {}}',
    "latin.json": "\xff\xfe",
    "many.json": HUGE % '"many"',
    "digits.json": HUGE % ("9" * 5000),
    "absurd.json": HUGE % 10**9,
    "minus.json": HUGE % -1,
    "true.json": HUGE % "true",
    "notes.json": '{"exercises": {"lstm": {"attempts": 1, "solved_at": null, "noted": [["x"]]}}}',
    "time.json": '{"exercises": {"lstm": {"attempts": 1, "solved_at": "soon", "noted": []}}}',
    "outcome.json": NOTED % '"great"',
    "numbers.json": NOTED % '"wrong", 3',
    "table.csv": "a,b\n1,2\n",
    "short.csv": "notebook,exercise,attempts,solved_at\n05,forget_gate\n",
    "cell.csv": 'exercise,attempts,solved_at,noted\nlstm,1,,"[[""2026"\n',
    "word.csv": "exercise,attempts,solved_at,noted\nlstm,some,,[]\n",
    "nul.csv": "\0\0\0",
    "large.json": " " * (board.LARGEST + 1),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_named_and_left_out(tmp_path, name):
    put(tmp_path / "ada.json", forget_gate=work((9, "wrong", TRANSPOSED)))
    (tmp_path / name).write_text(DAMAGED[name], encoding="latin-1")
    soup, with_names = page(tmp_path), page(tmp_path, names=True)
    assert text(soup.select_one(".lead strong")) == "1 person."
    (item,) = with_names.find(id="left-out").find_next("ul").select("li")
    assert text(item).startswith(f"{name} : ")
    (without,) = soup.find(id="left-out").find_next("ul").select("li")
    assert f"{name} : {text(without)}" == text(item) and name not in text(soup)  # it may be a learner's name
    assert row(soup, "forget_gate")["trying"] == "1"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such links and pipes")
def test_links_and_pipes_are_left_out_and_stop_nothing(tmp_path):
    put(tmp_path / "class" / "ada.json")
    secret = put(tmp_path / "secret.json", forget_gate=work((9, "wrong")))
    (tmp_path / "class" / "bob.json").symlink_to(secret)
    (tmp_path / "class" / "eve").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "class" / "dan.json")
    found = room(tmp_path / "class")
    assert list(found.records) == ["ada"]
    assert found.left_out == {"bob.json": "it is a link", "dan.json": "it is no plain file"}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs files that one may not open")
def test_what_may_not_be_opened_is_named_and_left_out(tmp_path):
    put(tmp_path / "ada.json").chmod(0)
    put(tmp_path / "bob" / "progress.json").parent.chmod(0)
    try:
        assert set(room(tmp_path).left_out) == {"ada.json", "bob"}
    finally:
        (tmp_path / "bob").chmod(0o700)


def test_files_that_are_no_records_are_passed_over(tmp_path):
    put(tmp_path / "ada" / "progress.json", forget_gate=work((9, "wrong")))
    for name in ("guesses.json", "progress.lock", "progress.damaged-1.json", ".progress-2.json", "answers.py"):
        (tmp_path / "ada" / name).write_text("?")
    (tmp_path / "board.html").write_text("?")
    (tmp_path / ".hidden.json").write_text("?")
    found = room(tmp_path)
    assert list(found.records) == ["ada"]
    assert found.left_out == {}


def test_of_two_files_of_one_learner_the_newest_that_can_be_read_counts(tmp_path):
    put(tmp_path / "ada" / "monday.json", forget_gate=work((9, "wrong")))
    put(tmp_path / "ada" / "tuesday.json", forget_gate=work((9, "wrong"), (8, "correct")))
    (tmp_path / "ada" / "wednesday.json").write_text("{")
    for day, name in enumerate(("monday", "tuesday", "wednesday")):
        os.utime(tmp_path / "ada" / f"{name}.json", (day, day))
    found = room(tmp_path)
    assert [name for name, record in found.records.items() if record["forget_gate"].solved] == ["ada"]
    assert list(found.left_out) == [os.path.join("ada", "wednesday.json")]  # noqa: PTH118


@pytest.mark.parametrize("newer", [0, 1])
@pytest.mark.parametrize(
    "files", [("ada.json", "ada/progress.json"), ("ada.json", "ada.CSV"), ("ada/a/x.json", "ada.json")]
)
def test_two_records_of_one_name_in_different_places_are_one_person_and_the_older_is_named(tmp_path, files, newer):
    for k, file in enumerate(files):
        put(tmp_path / file, forget_gate=work((9, "wrong"), *[(8, "correct")] * (k == newer)))
        if file.endswith(".CSV"):
            (tmp_path / file).write_text(f"exercise,attempts,solved_at\nforget_gate,1,{'2026-01-01' * (k == newer)}\n")
        os.utime(tmp_path / file, (k == newer, k == newer))
    found = room(tmp_path)
    assert found.records["ada"]["forget_gate"].solved and len(found.records) == 1
    reason = "a newer file or folder has the same name and counts; if they are two people, rename one"
    assert found.left_out == {files[1 - newer].replace("/", os.sep): reason}
    text = page(tmp_path).get_text()
    assert "1 file is left out" in text and reason in text and "ada." not in text and "ada/" not in text


def test_a_record_may_lie_one_folder_deeper_in_a_learners_own(tmp_path):
    put(tmp_path / "ada" / "record" / "progress.json", forget_gate=work((9, "wrong")))
    put(tmp_path / "bob" / "a" / "b" / "progress.json")
    put(tmp_path / ".ada" / "progress.json")
    put(tmp_path / "eve" / ".record" / "progress.json")
    assert list(room(tmp_path).records) == ["ada"]


def test_an_empty_folder_gives_a_page_that_says_so(tmp_path):
    assert text(page(tmp_path).select_one(".lead")) == "0 people. Nobody has been stuck for more than 10 minutes."


def test_only_what_changed_is_read_again_and_what_is_gone_is_forgotten(tmp_path, monkeypatch):
    put(tmp_path / "ada.json", forget_gate=work((9, "wrong")))
    bob = put(tmp_path / "bob.json", forget_gate=work((9, "wrong")))
    found, read = room(tmp_path), []
    real = board.read_file
    monkeypatch.setattr(board, "read_file", lambda path: (read.append(path.name), real(path))[1])
    assert not found.look()
    put(bob, forget_gate=work((9, "wrong"), (5, "correct")))
    assert found.look()
    assert read == ["bob.json"]
    assert found.records["bob"]["forget_gate"].solved
    bob.unlink()
    assert found.look()
    assert list(found.records) == ["ada"]


# The page as a file


def test_the_page_says_that_it_is_for_teaching_and_what_its_numbers_mean(tmp_path):
    put(tmp_path / "ada.json")
    said = text(page(tmp_path).footer)
    assert said.startswith("For teaching, not for grades: everybody owns her record and can change it.")
    assert "Numbers count people" in said and "twelve hours" in said
    assert timedelta(hours=12) == board.DAY


def test_every_notebook_and_exercise_is_there_and_those_begun_are_open(tmp_path):
    put(tmp_path / "ada.json", forget_gate=work((9, "wrong")))
    soup = page(tmp_path)
    assert [cell["data-key"] for cell in soup.select("tr[data-key]")] == list(exercises())
    assert [fold["data-key"] for fold in soup.select("details[open]")] == ["05_forget_gate"]
    assert text(soup.select_one("details[open] summary")) == "05 · The forget gate begun by 1 person"


def test_the_page_is_one_file_that_asks_for_nothing(tmp_path):
    put(tmp_path / "ada.json", forget_gate=work((9, "wrong")))
    found = board.page(room(tmp_path), NOW)
    assert "<!--" not in found
    assert not re.search(r"https?://|src=|url\(", found.replace("frame.src =", ""))


def test_the_colours_can_be_told_apart_in_both_themes():
    style = (board.HERE / "board.html").read_text(encoding="utf-8")
    light, dark = (dict(re.findall(r"--(\w+): (#\w{6})", part)) for part in style.split("prefers-color-scheme")[:2])
    for theme in (light, light | dark):
        assert contrast(theme["ink"], theme["page"]) > 7
        assert all(contrast(theme[name], theme["page"]) > 4.5 for name in ("quiet", "link"))
        assert all(contrast(theme[name], theme["page"]) > 3 for name in ("bar", "solved"))


# The command


def command(*words, **options):
    """A finished `python -m lstm_lesson board`."""
    words = [sys.executable, "-m", "lstm_lesson", "board", *map(str, words)]
    return subprocess.run(words, capture_output=True, text=True, cwd=ROOT, **options)


def test_the_command_writes_a_page_and_replaces_a_board_but_nothing_else(tmp_path):
    put(tmp_path / "ada.json")
    for _ in range(2):
        done = command(tmp_path, "-o", tmp_path / "board.html")
        assert (done.returncode, done.stdout.strip()) == (0, str(tmp_path / "board.html"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ada.json", "board.html"]
    (tmp_path / "mine.html").write_text("mine")
    done = command(tmp_path, "-o", tmp_path / "mine.html")
    assert done.returncode == 2
    assert "is there and is no board; name another page" in done.stderr
    assert (tmp_path / "mine.html").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere", "-o", "b.html"], "FOLDER is nowhere, and there is no such folder"),
        ([".", "-o", "no/b.html"], "--output is no/b.html; it needs a file in a folder that exists"),
        ([".", "-o", "."], "--output is .; it needs a file in a folder that exists"),
        ([".", "-o", "b.html", "--stuck", "soon"], "--stuck is soon; it needs a number of minutes above 0"),
        ([".", "-o", "b.html", "--stuck", "0"], "--stuck is 0; it needs a number of minutes above 0"),
        ([".", "-o", "b.html", "--stuck", "inf"], "--stuck is inf; it needs a number of minutes above 0"),
    ],
)
def test_an_argument_that_does_not_fit_is_named(tmp_path, words, says, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    stuck = words[words.index("--stuck") + 1] if "--stuck" in words else "10"
    given = type("Given", (), {"target": words[0], "output": words[2], "stuck": stuck, "watch": False, "names": False})
    assert board.run(given) == 2
    assert capsys.readouterr().err.strip() == f"python -m lstm_lesson board: {says}"


def test_a_damaged_file_is_named_in_the_terminal_and_a_package_without_the_folder_says_what_is_missing(tmp_path):
    (tmp_path / "ada.json").write_text("{")
    done = command(tmp_path, "-o", tmp_path / "board.html")
    assert done.stderr.strip() == "ada.json is left out: it is no JSON, or ends too early"
    copy = tmp_path / "site" / "lstm_lesson"
    copy.mkdir(parents=True)
    for name in ("__init__.py", "__main__.py", "commands.toml"):
        (copy / name).write_bytes((ROOT / "lstm_lesson" / name).read_bytes())
    words = [sys.executable, "-m", "lstm_lesson", "board", str(tmp_path), "-o", str(tmp_path / "board.html")]
    done = subprocess.run(words, capture_output=True, text=True, cwd=copy.parent, env=os.environ | {"PYTHONPATH": ""})
    assert done.returncode == 2
    assert "board needs the folder `classroom` of the project beside the package; it is not there" in done.stderr


def test_the_board_loads_neither_torch_nor_numpy_and_leaves_the_package_whole(tmp_path):
    put(tmp_path / "ada.json", forget_gate=work((9, "wrong", TRANSPOSED, "z_f: (x_f) + (h_f)")))
    code = f"""
import runpy, sys
sys.argv = ["lstm_lesson", "board", {str(tmp_path)!r}, "-o", {str(tmp_path / "board.html")!r}]
try:
    runpy.run_module("lstm_lesson", run_name="__main__")
except SystemExit as end:
    print(end.code, sorted({{"torch", "numpy", "pandas", "matplotlib"}} & set(sys.modules)))
from lstm_lesson import check
print(check.__module__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split("\n")[1:3] == ["0 []", "lstm_lesson.exercises"]


class Watched:
    """A running `board --watch`; `page` waits until the page has what it should."""

    def __init__(self, folder, output):
        words = [sys.executable, "-m", "lstm_lesson", "board", str(folder), "-o", str(output), "--watch"]
        self.output = output
        self.process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        self.until("people" if not self.output.exists() else "")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)

    def until(self, words, seconds=60):
        end = time.monotonic() + seconds
        while not (self.output.exists() and words in self.output.read_text(encoding="utf-8")):
            assert time.monotonic() < end and self.process.poll() is None, f"the page does not say {words!r}"
            time.sleep(0.1)


def test_watching_writes_the_page_anew_after_a_change_and_goes_on_after_the_folder_was_away(tmp_path, monkeypatch):
    folder, written = tmp_path / "class", []
    put(folder / "ada.json", forget_gate=work((9, "wrong")))
    steps = iter([
        lambda: None,  # nothing changes, nothing is written
        lambda: put(folder / "bob.json"),
        lambda: folder.rename(tmp_path / "away"),
        lambda: (tmp_path / "away").rename(folder),
        lambda: put(folder / "eve.json"),
    ])  # fmt: skip

    def sleep(seconds):
        assert seconds in (board.POLL, board.FRESH)
        written.append(re.search(r"<title>The board: (\d+)", (tmp_path / "b.html").read_text())[1])
        (tmp_path / "b.html").touch()
        step = next(steps, None)
        if step is None:
            raise KeyboardInterrupt
        step()

    monkeypatch.setattr(board.time, "sleep", sleep)
    given = type(
        "Given", (), {"target": folder, "output": tmp_path / "b.html", "stuck": 10, "watch": True, "names": False}
    )
    assert board.run(given) == 0
    assert written == ["1", "1", "2", "2", "2", "3"]
    assert board.POLL + 2 <= 5  # and the page looks every two seconds


def test_watching_writes_the_page_now_and_then_without_a_change_because_time_makes_people_stuck(tmp_path, monkeypatch):
    put(tmp_path / "class" / "ada.json", forget_gate=work((9, "wrong")))
    clock, pages = iter([0, 29, 31, 32, 62, 63]), []
    monkeypatch.setattr(board, "write", lambda output, text: pages.append(output))
    monkeypatch.setattr(board, "time", type("Clock", (), {"monotonic": staticmethod(lambda: next(clock))}))
    rounds = iter("two")

    def sleep(seconds):
        if next(rounds, None) is None:
            raise KeyboardInterrupt

    board.time.sleep = sleep
    given = {"target": tmp_path / "class", "output": tmp_path / "b.html", "stuck": 10, "watch": True, "names": False}
    assert board.run(type("Given", (), given)) == 0
    assert len(pages) == 2  # at the start, and after 31 s but not after 29


# In browsers


def class_of(tmp_path):
    folder = tmp_path / "class"
    for k in range(3):
        put(folder / f"p{k}.json", forget_gate=work((9, "wrong", TRANSPOSED)), rnn_step=work((30, "wrong", "h: no h")))
    put(folder / "p3.json", hadamard=work((3, "correct")), from_torch_weights=work((2, "crashed")))
    (folder / "p4.json").write_text("{")
    return folder


def written(folder, tmp_path):
    (tmp_path / "board.html").write_text(board.page(room(folder), NOW), encoding="utf-8")
    return tmp_path / "board.html"


@contextlib.contextmanager
def served(folder):
    """A server on loopback that sends the headers of Jupyter's own for files."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def end_headers(self):
            self.send_header("Content-Security-Policy", "frame-ancestors 'self'; sandbox allow-scripts")
            super().end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def visible(shown):
    """The notebooks that a page shows."""
    return shown.evaluate(
        "[...document.querySelectorAll('details')].filter(one => one.checkVisibility()).map(one => one.dataset.key)"
    )


class TestInChromium:
    pytestmark = IN_CHROMIUM

    @pytest.mark.parametrize(("scheme", "viewport"), [*itertools.product(("light", "dark"), ("projector", "phone"))])
    def test_axe_finds_nothing_and_nothing_is_cut_off(self, chromium, tmp_path, scheme, viewport):
        size = {"projector": browser.PROJECTOR, "phone": {"width": 390, "height": 844}}[viewport]
        shown = chromium.new_page(viewport=size, color_scheme=scheme)
        shown.goto(written(class_of(tmp_path), tmp_path).as_uri())
        shown.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
        assert browser.serious_violations(shown) == []
        found = shown.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert [rule["id"] for rule in found["violations"]] == []
        wide, screen = shown.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide <= screen
        shown.close()

    def test_one_notebook_is_shown_by_keyboard_and_stays_chosen_when_the_page_follows_and_loads_again(
        self, chromium, tmp_path
    ):
        folder = class_of(tmp_path)
        shown = chromium.new_page(viewport=browser.PROJECTOR)
        shown.goto(written(folder, tmp_path).as_uri())
        shown.focus("nav a >> text=08")
        shown.keyboard.press("Enter")
        assert visible(shown) == ["08_lstm_cell"]
        assert shown.is_visible("details[data-key='08_lstm_cell'] table") and not shown.is_visible("#now")
        assert shown.locator("nav a[aria-current]").all_inner_texts() == ["08"]
        shown.get_by_role("link", name="07 · The output gate").press("Enter")  # begun by nobody, and open
        assert shown.is_visible("details[data-key='07_output_gate'] table")
        assert browser.serious_violations(shown) == []
        put(folder / "p5.json")
        written(folder, tmp_path)
        shown.wait_for_function("document.querySelector('.lead').textContent.startsWith('5 people')")
        assert visible(shown) == ["07_output_gate"]
        shown.reload()
        assert visible(shown) == ["07_output_gate"]
        assert shown.locator("nav a[aria-current]").all_inner_texts() == ["07"]
        shown.get_by_role("link", name="all").press("Enter")
        assert len(visible(shown)) == 18 and shown.is_visible("#now")
        assert shown.locator("nav a[aria-current]").all_inner_texts() == ["all"]
        shown.close()

    def test_one_notebook_is_shown_without_scripts(self, chromium, tmp_path):
        context = chromium.new_context(java_script_enabled=False)
        shown = context.new_page()
        shown.goto(written(class_of(tmp_path), tmp_path).as_uri())
        shown.get_by_role("link", name="05 · The forget gate").press("Enter")
        folds = shown.locator("details")
        assert [k for k in range(folds.count()) if folds.nth(k).is_visible()] == [5]
        context.close()

    def test_on_a_projector_no_letters_are_smaller_than_24_of_720_pixels(self, chromium, tmp_path):
        shown = chromium.new_page(viewport=browser.PROJECTOR)
        shown.goto(written(class_of(tmp_path), tmp_path).as_uri())
        assert shown.evaluate(browser.SMALLEST_LETTERS) >= 24
        shown.close()

    def test_the_open_page_follows_its_file_and_keeps_focus_scroll_position_and_folds(self, chromium, tmp_path):
        folder = class_of(tmp_path)
        shown = chromium.new_page(viewport=browser.PROJECTOR)
        broken = []
        shown.on("pageerror", lambda error: broken.append(str(error)))
        shown.goto(written(folder, tmp_path).as_uri())
        one, two = ("details[data-key='05_forget_gate']", "details[data-key='08_lstm_cell']")
        shown.focus(f"{one} summary")
        shown.keyboard.press("Enter")  # closes what was open
        state = f"[Math.round(document.querySelector(`{one}`).getBoundingClientRect().top / 2), history.length]"
        before = shown.evaluate(state)
        assert shown.evaluate("scrollY") > 0
        put(folder / "p5.json", forget_gate=work((9, "wrong", "f: no bias")), lstm_step=work((9, "correct")))
        written(folder, tmp_path)
        shown.wait_for_function("document.querySelector('.lead').textContent.startsWith('5 people')")
        assert shown.evaluate(state) == before  # what one looks at stays where it is, also when lines come above it
        assert shown.evaluate(f"document.activeElement === document.querySelector(`{one} summary`)")
        assert not shown.evaluate(f"document.querySelector(`{one}`).open")
        assert shown.evaluate(f"document.querySelector(`{two}`).open")  # begun since
        assert "of 5" in shown.inner_text("ol.mistakes")
        assert shown.title() == "The board: 5 people, 3 stuck"
        assert shown.inner_text("[role=status]").startswith("Changed at ")
        fresh = chromium.new_page()
        fresh.goto((tmp_path / "board.html").as_uri())
        assert shown.evaluate("board.textContent") == fresh.evaluate("board.textContent")
        assert broken == []
        fresh.close()
        shown.close()

    def test_a_page_that_is_held_stays_as_it_is_until_it_is_let_go(self, chromium, tmp_path):
        folder = class_of(tmp_path)
        shown = chromium.new_page(viewport=browser.PROJECTOR)
        shown.goto(written(folder, tmp_path).as_uri())
        shown.keyboard.press("Tab")
        shown.keyboard.press("Enter")
        assert shown.get_attribute("button", "aria-pressed") == "true"
        assert shown.inner_text("[role=status]") == "Held: the page stays as it is."
        put(folder / "p5.json")
        written(folder, tmp_path)
        shown.wait_for_timeout(5000)
        assert shown.inner_text(".lead strong") == "4 people."
        shown.keyboard.press("Enter")
        shown.wait_for_function("document.querySelector('.lead').textContent.startsWith('5 people')")
        shown.close()

    def test_the_page_of_a_running_board_follows_a_learner(self, chromium, tmp_path):
        folder = class_of(tmp_path)
        with Watched(folder, tmp_path / "board.html"):
            shown = chromium.new_page(viewport=browser.PROJECTOR)
            shown.goto((tmp_path / "board.html").as_uri())
            put(folder / "p4.json")
            shown.wait_for_function("document.querySelector('.lead').textContent.startsWith('5 people')")
            shown.close()

    def test_where_the_server_forbids_frames_as_jupyter_does_the_page_loads_again_and_keeps_its_folds(
        self, chromium, tmp_path
    ):
        folder = class_of(tmp_path)
        written(folder, tmp_path)
        with served(tmp_path) as address:
            shown = chromium.new_page(viewport=browser.PROJECTOR)
            shown.goto(f"{address}/board.html")
            shown.evaluate("document.querySelector(`details[data-key='05_forget_gate']`).open = false")
            put(folder / "p5.json")
            written(folder, tmp_path)
            shown.wait_for_function("document.querySelector('.lead').textContent.startsWith('5 people')")
            folds = "[...document.querySelectorAll('details[open]')].map(fold => fold.dataset.key)"
            assert shown.evaluate(folds) == ["00_start_here", "01_rnn_cell", "08_lstm_cell"]
            shown.close()

    def test_another_site_that_shows_the_page_in_a_frame_gets_nothing_of_it(self):
        script = (board.HERE / "board.html").read_text(encoding="utf-8")
        assert 'location.protocol === "file:" ? "*" : location.origin' in script
        assert "event.source !== frame.contentWindow" in script


@pytest.fixture(scope="module")
def tab():
    with firefox.firefox() as found:
        found.address = "file:"
        yield found


class TestInFirefox:
    pytestmark = IN_FIREFOX

    def test_the_open_page_follows_its_file(self, tab, tmp_path):
        folder = class_of(tmp_path)
        tab.open(written(folder, tmp_path).as_uri(), 1280, 720)
        fold = "document.querySelector(`details[data-key='05_forget_gate']`)"
        tab.run(f"({fold}.open = false, {fold}.querySelector('summary').focus())")
        state = "[document.activeElement.tagName, document.querySelectorAll('details[open]').length, history.length]"
        before = tab.run(state)
        assert before[:2] == ["SUMMARY", 3]  # of four
        put(folder / "p5.json")
        written(folder, tmp_path)
        end = time.monotonic() + 60
        said = functools.partial(tab.run, "document.querySelector('.lead').textContent")
        while not said().startswith("5 people"):
            assert time.monotonic() < end, "the page does not follow"
            time.sleep(0.2)
        assert tab.run(state) == before
        assert tab.complaints == []

    @pytest.mark.parametrize("width", [1280, 390])
    def test_axe_finds_nothing_also_where_one_notebook_is_shown(self, tab, tmp_path, width):
        from axe_playwright_python.base import AXE_SCRIPT

        tab.open(written(class_of(tmp_path), tmp_path).as_uri(), width)
        tab.ask("script.evaluate", expression=AXE_SCRIPT, target={"context": tab.tab}, awaitPromise=False)
        found = "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.map(rule => rule.id))"
        tab.run("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
        assert tab.run(found) == []
        tab.run("document.querySelector('nav a[href=\"#nb05\"]').click()")
        shown = "[...document.querySelectorAll('details')].filter(one => one.checkVisibility()).map(one => one.id)"
        assert tab.run(shown) == ["nb05"]
        assert tab.run(found) == []
