"""docs/assessment.md: every answer is right and stands in the notebook that is named; mistakes that are planted."""

import math
import re
import subprocess
import sys

import nbformat
import plans
import planted
import pytest
import torch
from notebook_rules import broken_links
from repository import ROOT

from lstm_lesson import RNNCell, cells, check
from lstm_lesson.data import agreement
from lstm_lesson.exercises.exercise import exercises

PAGE = ROOT / "docs" / "assessment.md"
TEXT = PAGE.read_text(encoding="utf-8")
QUESTION = re.compile(r"(?ms)^### Question (\d+)\n(.*?)(?=^##)")
QUESTIONS = dict(QUESTION.findall(TEXT))
SOURCE = re.compile(r'It stands in \[(\d\d)\]\([^)]*\), \*(.+?)\*: "(.+?)"\.')
SPACE = {"torch": torch, "math": math, "RNNCell": RNNCell, "agreement": agreement}
by_question = pytest.mark.parametrize("text", QUESTIONS.values(), ids=QUESTIONS)


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    """No test writes into the user's own progress."""
    monkeypatch.setenv("LSTM_LESSON_PROGRESS", str(tmp_path))


def said_in(notebook: str, title: str) -> str:
    """The sources and the stored texts of a section."""
    stored = nbformat.read(plans.path_of(notebook), nbformat.NO_CONVERT).cells
    numbers = {cell.number for cell in plans.section(notebook, title)}
    printed = [out.get("text", "") for k in numbers for out in stored[k].get("outputs", ())]
    return "\n".join([stored[k].source for k in sorted(numbers)] + printed)


def test_there_are_twenty_questions_from_many_notebooks():
    assert list(QUESTIONS) == [str(k) for k in range(1, 21)]
    assert len({SOURCE.search(text)[1] for text in QUESTIONS.values()}) >= 8
    oral = TEXT.split("## Oral questions")[1].split("\n## ")[0]
    assert len(re.findall(r"(?m)^\d+\. \*\*", oral)) >= 6
    assert len(re.findall(r"(?m)^## Project", TEXT)) == 2


@by_question
def test_a_question_has_four_options_one_right_answer_and_a_reason_for_each_wrong_one(text):
    options, answer = re.findall(r"(?m)^- ([a-d])\) ", text), text.split("<summary>Answer</summary>")[1]
    (right,) = re.findall(r"(?m)^\*\*([a-d])\.\*\*", answer)
    reasons = re.findall(r"\b([a-d])\) [A-Z*`σ0-9]", answer)
    assert options == list("abcd")
    assert reasons == [letter for letter in "abcd" if letter != right]


@by_question
def test_the_answer_stands_where_the_question_says(text):
    notebook, title, words = SOURCE.search(text).groups()
    assert words in said_in(notebook, title)


@by_question
def test_what_shows_an_answer_is_true(text):
    shown = re.findall(r"To show it: `(.+?)`\.\n", text)
    assert len(shown) == text.count("To show it")
    for expression in shown:
        assert eval(expression, dict(SPACE)), expression


def test_as_many_answers_can_be_shown_by_a_line():
    assert TEXT.count("To show it: `") >= 9


def test_the_letters_of_the_answers_give_nothing_away():
    right = [re.search(r"(?m)^\*\*([a-d])\.\*\*", text)[1] for text in QUESTIONS.values()]
    assert all(3 <= right.count(letter) <= 8 for letter in "abcd"), right


def test_an_oral_question_names_a_section_of_its_notebook():
    found = re.findall(r"\(\[(\d\d)\]\([^)]*\), \*([^*]+)\*\)", TEXT)
    assert len(found) == 8
    for notebook, title in found:
        assert plans.section(notebook, title)


def test_project_1_can_be_solved_with_one_unit():
    """A unit that adds 0.2 for each plural noun and says its count at the verb alone."""
    w = {f"W_{what}{k}": torch.zeros(n, 1) for k in "ifco" for what, n in (("x", 6), ("h", 1))}
    bias = {"i": -10.0, "f": 10.0, "c": math.atanh(0.2), "o": -10.0}
    w |= {f"b_{k}": torch.tensor([value]) for k, value in bias.items()}
    plural, verb, stop = (agreement.FEATURES.index(name) for name in ("plural noun", "verb", "full stop"))
    w["W_xi"][plural], w["W_xf"][stop], w["W_xo"][verb] = 20.0, -20.0, 20.0
    draw = torch.Generator().manual_seed(0)
    for text in agreement.texts(30, (0, 40), clauses=2, generator=draw):
        h, c, count = torch.zeros(1, 1), torch.zeros(1, 1), 0
        for place, x_t in enumerate(text.features):
            h, c = cells.lstm_step(x_t[None], h, c, w)
            count = 0 if x_t[stop] else count + int(x_t[plural])
            assert h.abs() < 0.01 or place in text.verbs
            assert place not in text.verbs or round(math.atanh(h.item()) / 0.2) == count


def test_the_links_of_the_page_lead_to_files_that_exist():
    assert list(broken_links(TEXT, PAGE)) == []


@pytest.mark.parametrize("name", planted.names())
def test_a_planted_mistake_runs_fails_its_check_and_is_named_in_the_key(name):
    found = planted.planted("Student 1", name)
    assert found == planted.planted("Student 1", name)  # the name alone decides
    result = check(planted.made(name, found.source))
    assert not result.passed and found.says in result.message
    assert found.wrong != found.right
    assert f"| Student 1 | `{found.wrong}` | `{found.right}` | {found.says} |" in planted.key(
        name, {"Student 1": found}
    )
    right = planted.source_with(exercises()[name])
    assert check(planted.made(name, right)).passed
    wrong_lines = set(found.source.splitlines()) - set(right.splitlines())
    assert len(wrong_lines) == 1  # "in one line"


def test_students_get_different_mistakes_and_another_course_another_draw():
    drawn = [planted.planted(f"Student {k}", "cell_state").wrong for k in range(12)]
    assert len(set(drawn)) >= 7
    again = [planted.planted(f"Student {k}", "cell_state", "spring").wrong for k in range(12)]
    assert again != drawn


def test_the_notebook_of_a_student_has_the_task_and_runs_but_not_the_key():
    found = planted.planted("Student 1", "lstm_step")
    task, cell = planted.notebook("lstm_step", found).cells
    assert "`lstm_step`" in task.source
    assert found.says not in cell.source + task.source
    space = {}
    exec(cell.source, space)
    assert found.says in check(space["lstm_step"]).message  # and no name is missing


def test_an_exercise_without_a_model_answer_is_refused():
    with pytest.raises(ValueError, match="exercise is 'input_weights'; it needs one of hadamard, "):
        planted.planted("Student 1", "input_weights")


def test_the_tool_writes_a_notebook_for_each_student_and_a_key_and_keeps_no_attempt(tmp_path):
    students = ["Student 1", "../Student: 2"]
    command = [sys.executable, ROOT / "tools" / "planted.py", "--exercise", "cell_state", "--write", tmp_path / "out"]
    subprocess.run([*command, *students], check=True, cwd=tmp_path)
    files = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert files == ["01_Student_1.ipynb", "02__Student_2.ipynb", "key.md"]
    key = (tmp_path / "out" / "key.md").read_text(encoding="utf-8")
    assert all(f"| {student} |" in key for student in students)
    assert {path.name for path in tmp_path.iterdir()} == {"out"}  # LSTM_LESSON_PROGRESS is tmp_path


def test_planting_leaves_the_record_on_a_board_as_it_is(tmp_path, monkeypatch):
    (tmp_path / "board").mkdir()
    monkeypatch.setenv("LSTM_LESSON_BOARD", str(tmp_path / "board"))
    planted.planted("Student 1", "cell_state")
    assert not [*(tmp_path / "board").iterdir()]
    check(planted.made("cell_state", planted.source_with(exercises()["cell_state"])))
    assert [*(tmp_path / "board").iterdir()]  # an attempt of one's own is copied there


def test_the_page_shows_commands_that_the_tool_understands():
    for line in re.findall(r"(?m)^\.venv/bin/python tools/planted\.py (.*)$", TEXT):
        named = re.search(r"--exercise (\w+)", line)[1]
        assert named in planted.names()
        known = {"--exercise", "--course", "--write"}
        assert set(re.findall(r"--\w+", line)) <= known
