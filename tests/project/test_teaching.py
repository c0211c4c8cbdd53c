"""The teacher's guide agrees with the notebooks: titles, minutes, headings, and the answers of `check`."""

import inspect
import re
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from notebook_rules import Lesson, broken_links
from notebook_rules import headings as of_lesson
from repository import NOTEBOOKS, ROOT

from lstm_lesson import check
from lstm_lesson.exercises.edits import edited
from lstm_lesson.exercises.exercise import exercises, input_sets

GUIDE = ROOT / "docs" / "teaching.md"
TEXT = GUIDE.read_text(encoding="utf-8")
ANSWER = re.compile(r'^- `(\w+)`, (.+?): "(.+)"$', re.M)  # an exercise, a wrong answer, the message of the check
by_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    """No test writes into the user's own progress."""
    monkeypatch.setenv("LSTM_LESSON_PROGRESS", str(tmp_path))


@cache
def headings(path) -> list[str]:
    return [title for _, title in of_lesson(Lesson(path))]


@cache
def minutes(path) -> int:
    return int(re.search(r"(\d+)\s+minutes", Lesson(path).cells[0].source)[1])


def section(title: str) -> str:
    """The text under a heading, up to the next heading of its level or above."""
    found = re.search(rf"^(#+) {re.escape(title)}$\n(.*?)(?=^#{{1,3}} |\Z)", TEXT, re.M | re.S)
    assert found, f"the guide has no heading {title!r}"
    return found[2]


def of(path) -> str:
    return section(headings(path)[0])


def in_italics(text: str) -> list[str]:
    """The phrases in italics; wrong answers, quotations and bold type are left out."""
    plain = re.sub(r'"[^"\n]*"|\*\*[^*]*\*\*', "", ANSWER.sub("", text))
    return re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", plain)


def minutes_of_exercises(path) -> dict[str, int]:
    found = (re.match(r"Your turn: `(\w+)` · (\d+) minutes?", title) for title in headings(path))
    return {each[1]: int(each[2]) for each in found if each}


def timetable(title: str) -> list[tuple[int, int, str]]:
    """The rows of a plan: from, to, what; in minutes."""
    rows = re.findall(r"(?m)^\| (\d+(?::\d\d)?)–(\d+(?::\d\d)?) \| (.*?) \|", section(title))
    return [(*(int(t) if ":" not in t else 60 * int(t[:-3]) + int(t[-2:]) for t in row[:2]), row[2]) for row in rows]


LESSONS = re.findall(r"(?m)^### (Lesson \d: .*)$", TEXT)


@by_notebook
def test_a_section_has_the_minutes_of_the_notebook_and_of_its_exercises(path):
    each = minutes_of_exercises(path)
    word = "exercise" if len(each) == 1 else "exercises"
    named = ", ".join(f"`{name}` {n}" for name, n in each.items())
    opens = f"[Open it](../notebooks/{path.name})."
    if each:
        starts = f"{minutes(path)} minutes, {sum(each.values())} of them for the {word}. {opens} Exercises: {named}."
    else:
        starts = f"{minutes(path)} minutes. {opens}"
    assert of(path).strip().startswith(starts)


@by_notebook
def test_a_section_has_a_goal_questions_wrong_answers_and_what_to_skip(path):
    text = of(path)
    parts = [text.index(f"**{part}.**") for part in ("Goal", "Ask", "Wrong answers", "Skip")]
    assert parts == sorted(parts)
    assert 2 <= len(re.findall(r"(?m)^\d\. ", text)) <= 3
    assert {name for name, _, _ in ANSWER.findall(text)} <= set(minutes_of_exercises(path))


def test_the_guide_has_every_notebook_and_only_real_exercises():
    titles = [headings(path)[0] for path in NOTEBOOKS]
    assert re.findall(r"(?m)^### (\d\d · .*)$", TEXT) == titles
    assert {name for name, _, _ in ANSWER.findall(TEXT)} <= set(exercises())
    assert len(ANSWER.findall(TEXT)) == len(re.findall(r"(?m)^- `", section("Notebook by notebook") + TEXT)) > 40


@by_notebook
def test_words_in_italics_are_headings_of_the_notebook(path):
    assert set(in_italics(of(path))) <= set(headings(path))


@pytest.mark.parametrize("title", [*LESSONS, "A one-day workshop"])
def test_each_row_of_a_plan_names_headings_of_its_notebooks(title):
    known = {path.stem[:2]: set(headings(path)) for path in NOTEBOOKS}
    for row in section(title).splitlines():
        numbers = re.findall(r"\b(?:0\d|1[0-7])\b(?!:)", row.split("|")[2]) if row.startswith("| ") else []
        within = set().union(*(known[number] for number in numbers or known))
        assert set(in_italics(row)) <= within, row


@pytest.mark.parametrize("title", LESSONS)
def test_a_lesson_lasts_fifty_minutes_without_a_gap(title):
    rows = timetable(title)
    assert rows[0][0] == 0
    assert rows[-1][1] == 50
    assert all(end == start for (_, end, _), (start, _, _) in pairwise(rows))


def test_the_workshop_has_no_gap_and_gives_each_notebook_the_minutes_it_asks_for():
    rows = timetable("A one-day workshop")
    assert all(end == start for (_, end, _), (start, _, _) in pairwise(rows))
    asked = {path.stem[:2]: minutes(path) for path in NOTEBOOKS}
    alone = {what: end - start for start, end, what in rows if what in asked}
    assert len(alone) == 6 and "Six notebooks together" in section("A one-day workshop")
    assert all(lasts >= asked[number] for number, lasts in alone.items())


def arguments(name: str) -> list[str]:
    return list(exercises()[name].inputs(input_sets()[0]))


def the_answer(name: str, source: str):
    """The function of an exercise with a wrong answer of the guide as its result."""
    given = ", ".join(arguments(name))
    space = {"torch": torch, "np": np}
    exec(f"def {name}({given}):\n    return {source}", space)
    return space[name]


@pytest.mark.parametrize(
    ("name", "written", "said"),
    ANSWER.findall(TEXT),
    ids=[f"{name}-{k}" for k, (name, *_) in enumerate(ANSWER.findall(TEXT))],
)
def test_a_wrong_answer_gets_the_message_that_the_guide_quotes(name, written, said):
    code = re.fullmatch(r"`([^`]+)`", written)
    if code:
        result = check(the_answer(name, code[1]))
    else:  # described in words: one of the known wrong answers, found by its cause
        known = {edit.cause: edited(name, (edit.id,)) for edit in exercises()[name].edits}
        assert said in known, f"no known wrong answer to {name} has this cause"
        result = check(renamed(name, known[said]))
    assert not result.passed
    assert said in result.message


def renamed(name: str, f):
    """f under the name and with the arguments of the exercise."""

    def answer(*given):
        return f(*given)

    answer.__name__ = name
    kind = inspect.Parameter.POSITIONAL_ONLY
    answer.__signature__ = inspect.Signature([inspect.Parameter(each, kind) for each in arguments(name)])
    return answer


def test_the_links_of_the_guide_lead_to_files_and_headings_that_exist():
    assert list(broken_links(TEXT, GUIDE)) == []
