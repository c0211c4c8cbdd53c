"""A guess is kept once, safely, and nothing that it prints gives the answer away."""

import json
import os
import re
import stat
import subprocess
import sys
from datetime import date

import pytest
from notebook_rules import Lesson, shown
from repository import NOTEBOOKS

from lstm_lesson import guess, guesses
from lstm_lesson.exercises import ledger

NAMES = list(ledger.questions())
RIGHT = {  # how the right choice begins
    "00.stored": "(20, 3)", "01.gap": "always", "02.step": "step 2", "03.gap": "1 and 4", "05.words": "almost nothing",
    "08.broken": "five or six", "09.start": "near the RNN", "12.shuffled": "nearly all",
}  # fmt: skip
SEEN = {  # parts of what the notebook's stored outputs show of the right answer, in their order
    "00.stored": [r"weight_ih_l0  \(20, 3\)"],
    "01.gap": [r"right at gap 200\n *0 +1 +1 +1\n *1 +1 +1 +1\n *2 +1 +1 +1"],
    "02.step": [r"length of its part\n +1 .+ 1\.19\n +2 .+ 4\.14\n +3 .+ 2\.43"],
    "03.gap": ["10 +1 +1 +1", r"RNN, gap 60( +0\.[45]\d*){3}", r"gap 60( +0\.[45]\d*){3}", "3, gap 60 +1 +1 +1"],
    "05.words": [r"0\.9 +0\.349 +0\.00515"],
    "08.broken": [f"{name} · loss 0.0{digit}" for name, digit in zip(
        ("i and f", "through f", "candidate", "tanh on c", "output gate", "detached h"), "007000", strict=True)],
    "09.start": [r"bias 0 +0\.49 +\d\.\d+e-1[3-9]", r"bias 3 +0\.2\d +0\.0[45]", r"RNN +1 +\d\.\d+e-1[3-9]"],
    "12.shuffled": [r"as written 0\.93\d · words shuffled 0\.9\d\d · majority 0\.52"],
}  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder of its own for every test, not yet made."""
    monkeypatch.setenv("LSTM_LESSON_PROGRESS", str(tmp_path / "kept"))
    monkeypatch.setattr(ledger.FILE, "waiting", [])
    return tmp_path / "kept"


def said(capsys, *arguments, **named):
    assert guess(*arguments, **named) is None
    return capsys.readouterr().out


def make(name="05.words", choice="a", sure=70, because="0.9 is near 1"):
    guess(name, choice, sure=sure, because=because)


@pytest.mark.parametrize("name", NAMES)
def test_an_open_call_prints_the_question_and_what_to_write(capsys, folder, name):
    text, question = said(capsys, name, ..., sure=..., because=""), ledger.questions()[name]
    assert text.startswith(f"`{name}` is open. {question['question']}\n  a) ")
    assert all(f"  {letter}) {choice}\n" in text for letter, choice in question["choices"].items())
    assert 'Put the letter of your choice with quotes, as in "a"' in text
    assert f"({ {2: 50, 3: 33, 4: 25}[len(question['choices'])] } to 100, in per cent)" in text
    assert not folder.exists()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_guess_prints_depends_on_what_is_right(capsys, monkeypatch, name):
    question = ledger.questions()[name]
    printed = set()
    for k, right in enumerate(question["choices"]):
        changed = question | {"right": right, "measured": "MEASURED"}
        monkeypatch.setattr(ledger, "questions", lambda changed=changed: {name: changed})
        monkeypatch.setenv("LSTM_LESSON_PROGRESS", f"{os.environ['LSTM_LESSON_PROGRESS']}{k}")
        texts = [said(capsys, name, *given) for given in ((), ("a", 60, "so"), ("b", 90, "no"), ("a", 60, "so"))]
        printed.add("".join(texts))
    assert len(printed) == 1
    assert "MEASURED" not in printed.pop()


def test_a_second_guess_is_refused_with_the_day_of_the_first(capsys):
    assert said(capsys, "05.words", "A ", sure=62.5, because="why").startswith("Kept: about 90 %; 62.5 % sure.")
    stands = f"Your guess of {date.today()} stands: about 90 %; 62.5 % sure; why\n"
    assert said(capsys, "05.words") == said(capsys, "05.words", "a", 62.5, "why") == stands
    for again in (("c", 100, "I have looked"), ("a", 90, "why"), ("z", ..., "")):
        assert said(capsys, "05.words", *again) == f"{stands}The guess that stands in this cell now is not kept.\n"
    assert guesses().columns["your guess"] == ["about 90 %"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("5.words", "a", 70, "x"), "There is no question `5.words`. Did you mean `05.words`?"),
        ((None, "a", 70, "x"), "There is no question `None`."),
        (("05.words", "d", 70, "x"), "choice is 'd'; it needs one of a, b, c. Nothing is kept"),
        (("05.words", ["a"], 70, "x"), "it needs one of a, b, c"),
        (("05.words", "a", 32.9, "x"), "sure is 32.9; it needs a number from 33 to 100"),
        (("03.gap", "a", 24, "x"), "sure is 24; it needs a number from 25 to 100"),
        (("09.start", "a", 49, "x"), "sure is 49; it needs a number from 50 to 100"),
        (("05.words", "a", float("nan"), "x"), "sure is nan"),
        (("05.words", "a", True, "x"), "sure is True"),
        (("05.words", "a", "70", "x"), "sure is '70'"),
        (("05.words", "a", 70, "  "), "because is empty"),
        (("05.words", "a", 70, None), "because is empty, or no text"),
        (("05.words", "a", ..., "x"), "`05.words` is open. Still missing: sure. A forget"),
        (("05.words", ..., 70, "x"), "`05.words` is open. Still missing: the choice. A forget"),
        (("05.words", "a", ..., ""), "`05.words` is open. Still missing: sure, because. A forget"),
    ],
)
def test_what_is_no_guess_is_said_and_not_kept(capsys, folder, given, says):
    assert says in said(capsys, *given)
    assert not folder.exists()


def test_guesses_survive_a_restart_and_are_shown_beside_what_was_measured():
    make()
    make("08.broken", "d", 90, "I saw it")
    code = "from lstm_lesson import guesses; print(guesses()); print(guesses()._repr_html_())"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for text in ("0.9 is near 1", "half a per cent", "wrong", "I saw it", "five", "<table>", "about 90 %"):
        assert text in shown
    assert (
        "1 of 2 guesses were right, 50 %. You were 80 % sure on average.\nWhat did you believe that was wrong? Write"
        in shown
    )


def test_no_guess_yet_is_no_error(capsys, folder):
    assert guesses() is None
    assert capsys.readouterr().out == "No guess yet. `guess` stands under some of the predictions.\n"
    assert not folder.exists()


def test_a_reason_is_text_and_no_html():
    make(because="<b>x</b>")
    assert "&lt;b&gt;x&lt;/b&gt;" in guesses()._repr_html_()


@pytest.mark.parametrize(
    "damage",
    [
        "", "{", "null", "[]", '{"guesses": 3}', '{"guesses": [1]}', '{"guesses": {"05.words": 1}}', "\x00\xff",
        '{"guesses": {"05.words": {"choice": 1, "sure": 70, "because": "", "day": ""}}}', '{"exercises": {}}',
        '{"guesses": {"05.words": {"choice": "a"}}}', "[" * 100_000,
    ],
)  # fmt: skip
def test_a_damaged_or_foreign_file_is_set_aside_with_a_line(capsys, folder, damage):
    folder.mkdir()
    (folder / "guesses.json").write_text(damage, encoding="latin-1")
    text = said(capsys, "05.words", "a", sure=70, because="x")
    assert "The file of your guesses is damaged; it is now guesses.damaged-" in text
    assert "Kept: about 90 %" in text
    (aside,) = folder.glob("guesses.damaged-*.json")
    assert aside.read_text(encoding="latin-1") == damage
    assert json.loads((folder / "guesses.json").read_text())["guesses"]["05.words"]["sure"] == 70


def test_a_question_of_an_older_version_stays_in_the_file_and_is_not_shown(folder):
    make()
    text = (folder / "guesses.json").read_text().replace("05.words", "05.old")
    (folder / "guesses.json").write_text(text)
    assert guesses() is None
    make("08.broken", "a")
    assert set(json.loads((folder / "guesses.json").read_text())["guesses"]) == {"05.old", "08.broken"}


def test_the_guess_of_another_notebook_is_not_written_over(folder, monkeypatch):
    make(choice="b")
    with monkeypatch.context() as patch:
        patch.setattr(ledger.EntriesFile, "entries", lambda file: {})  # it was written after a look into the file
        make(choice="a", sure=99)
    assert json.loads((folder / "guesses.json").read_text())["guesses"]["05.words"]["choice"] == "about half"


def test_where_nothing_can_be_written_it_says_so_and_goes_on(capsys, folder, monkeypatch):
    folder.write_text("a file stands in the way")
    text = said(capsys, "05.words", "a", sure=70, because="x")
    assert "Kept: about 90 %" in text and "(It could not be written, " in text
    assert "stands: about 90 %" in said(capsys, "05.words", "b", sure=70, because="x")
    assert guesses().columns["sure, in %"] == ["70"]
    monkeypatch.setenv("LSTM_LESSON_PROGRESS", str(folder.parent / "elsewhere"))
    make("08.broken", "a")
    assert set(json.loads((folder.parent / "elsewhere" / "guesses.json").read_text())["guesses"]) == {
        "05.words", "08.broken"
    }  # fmt: skip


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder that its owner cannot write to")
def test_a_folder_that_is_read_only_stops_nothing(capsys, folder):
    make()
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert "could not be written" in said(capsys, "08.broken", "a", sure=70, because="x")
        assert len(guesses().columns["question"]) == 2
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize("name", NAMES)
def test_a_question_is_a_prediction_of_its_notebook_and_the_right_choice_is_what_it_measures(name):
    question = ledger.questions()[name]
    assert list(question["choices"]) == list("abcd"[: len(question["choices"])])
    assert question["choices"][question["right"]].startswith(RIGHT[name])
    (path,) = (path for path in NOTEBOOKS if path.stem[:2] == name[:2])
    lesson = Lesson(path)
    printed = "\n".join(shown(out) for cell in lesson.code for out in cell.outputs)
    assert re.search("(?s:.*?)".join(SEEN[name]), printed), name
    calls = [n for n, cell in enumerate(lesson.cells) if f'guess("{name}"' in cell.source]
    (n,) = calls
    assert lesson.cells[n].source == f'guess("{name}", ..., sure=..., because="")'
    assert "**Predict.**" in lesson.cells[n - 1].source
    assert "answer" in lesson.cells[n + 1].metadata.tags
