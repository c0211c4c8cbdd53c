"""The plans of the teacher's guide: their times follow the rule, their tables the file, and every one of them runs."""

import json
import math
import re

import minutes
import plans
import pytest
from repository import ROOT
from unknown_names import unknown_names

GUIDE = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
LESSONS = {lesson["title"]: lesson for lesson in plans.lessons()}
SHORT = ("Lesson 2: Two valves", "Lesson 3: The memory, and what is said of it")
by_lesson = pytest.mark.parametrize("lesson", LESSONS.values(), ids=LESSONS)
TALK = {"question": 1, "exercise": 10, "notebook": 100}
SMALL = [
    ("markdown", "# A title"),
    ("code", "setup = 1"),
    ("markdown", "## One\n\n" + "word " * 200 + "\n\n**Predict.** Up?"),
    ("code", "a = setup\n" * 6),
    ("markdown", "Last words.\n\n### Your turn: `half` · 4 minutes · ●○○\n\nHalve it."),
    ("code", "def half(x):\n    raise NotImplementedError\n\n\ncheck(half)"),
    ("code", "half = yours(half)"),
    ("markdown", "### Smaller"),
    ("code", "b = a"),
    ("markdown", "## Two"),
    ("code", "c = b"),
    ("markdown", "<details><summary>What can go wrong</summary>\n\n" + "word " * 999 + "</details>"),
]


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A notebook 99 with two sections and a task."""
    cells = [{"cell_type": kind, "source": [source]} for kind, source in SMALL]
    path = tmp_path / "99_small.ipynb"
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    monkeypatch.setattr(plans, "path_of", lambda notebook: path)
    plans.cells.cache_clear()
    plans.section.cache_clear()
    yield lambda **row: {"notebook": "99"} | row
    plans.cells.cache_clear()
    plans.section.cache_clear()


def exact(text: str) -> float:
    return minutes.exact(minutes.count([(text, "markdown")]))


def test_a_row_takes_the_minutes_of_its_cells_and_those_of_the_talk(small):
    lines = 6 + 1 + 1  # of the three cells below the heading that are no stub
    read = exact(SMALL[2][1]) + exact("Last words.") + exact("### Smaller") + lines / 6
    assert plans.length(small(teach=["One"]), TALK, False) == math.ceil(read + 1)
    assert plans.length(small(teach=["One"], board=2), TALK, True) == math.ceil(read + 1 + 2 + 100)
    solved = exact("### Your turn: `half` · 4 minutes · ●○○\n\nHalve it.")
    assert solved > 4
    assert plans.length(small(teach=["One"], exercises=["half"]), TALK, False) == math.ceil(read + 1 + solved + 10)
    assert plans.length(small(exercises=["half"]), TALK, False) == math.ceil(solved + 10)
    assert plans.length(small(teach=["Two"]), TALK, False) == 1  # its words, without the fold at the end
    assert plans.length({"what": "break", "minutes": 7}, TALK, False) == 7


def test_a_lesson_runs_the_opening_and_the_cells_of_its_rows_each_once_and_the_stubs_with_them(small):
    rows = [small(teach=["Two"], run=["Smaller"]), small(teach=["Smaller"]), {"what": "break", "minutes": 5}]
    assert plans.code({"row": rows}) == {"99": ["setup = 1", "b = a", "c = b"]}
    (run,) = plans.code({"row": [small(teach=["One"])]}).values()
    assert run == [source for kind, source in SMALL if kind == "code"][:-1]
    (run,) = plans.code({"row": [small(exercises=["half"])]}).values()
    assert run == ["setup = 1", SMALL[5][1]]


def test_a_row_that_names_what_a_notebook_does_not_have_is_refused(small):
    with pytest.raises(ValueError, match="99 has no heading 'Three'"):
        plans.code({"row": [small(teach=["Three"])]})
    with pytest.raises(ValueError, match="99 has no exercise 'third'"):
        plans.code({"row": [small(exercises=["third"])]})


def test_the_guide_states_the_rule_and_has_the_tables_of_the_plans():
    talk = next(iter(LESSONS.values()))["talk"]
    assert set(talk.values()) == {1}
    assert f"a minute for every {minutes.WORDS} words, for every {minutes.LINES} lines of code and for every" in GUIDE
    assert "1 minute more for each question, for each exercise, and for each notebook" in GUIDE
    new = plans.write(GUIDE, list(LESSONS.values()))
    assert new == GUIDE, "docs/plans.toml or a notebook has changed: .venv/bin/python tools/plans.py --write"


def test_write_mends_a_table_and_nothing_else_and_names_a_lesson_without_one():
    plan = list(LESSONS.values())
    assert plans.write(GUIDE.replace("| 0–6 |", "| 0–7 |"), plan) == GUIDE
    with pytest.raises(ValueError, match="0 tables below '### Lesson 2: Two valves'"):
        plans.write(GUIDE.replace("### Lesson 2: Two valves", "### Lesson 2"), plan)


@by_lesson
def test_a_lesson_takes_the_time_that_it_has(lesson):
    rows = plans.timed(lesson)
    assert rows[-1][1] - rows[0][0] == lesson["minutes"]
    if lesson["title"].startswith("Lesson"):
        assert sum(end - start for start, end, row in rows if not row.get("may_go")) <= 50


def test_the_plans_are_for_two_four_and_eight_hours():
    hours = {"Two": 0, "Lesson": 0, "One": 0}
    for title, lesson in LESSONS.items():
        hours[re.match(r"\w+", title)[0]] += lesson["minutes"] / 60
    assert hours == {"Two": 2, "Lesson": 4, "One": 8}


def test_every_plan_has_what_no_plan_skips():
    (text,) = re.findall(r"(?m)^\*\*What no plan skips\.\*\* .*$", GUIDE)
    kept = {part[:2]: set(re.findall(r"\*([^*]+)\*", part)) for part in re.split(r"\b[Ii]n (?=\d\d )", text)[1:]}
    exercises = set(re.findall(r"`(\w+)`", text))
    assert len(kept) == 5 and len(exercises) == 4
    for plan in ("Two", "Lesson", "One"):
        rows = [row for title in LESSONS if title.startswith(plan) for row in LESSONS[title]["row"]]
        for notebook, titles in kept.items():
            taught = {t for row in rows if row.get("notebook") == notebook for t in row.get("teach", ())}
            assert titles <= taught, (plan, notebook)
        assert exercises <= {name for row in rows for name in row.get("exercises", ())}


@by_lesson
def test_a_lesson_reads_only_names_that_its_own_cells_have_made(lesson):
    for notebook, sources in plans.code(lesson).items():
        assert unknown_names(sources) == [], notebook


def test_a_name_that_no_cell_has_made_is_found():
    assert unknown_names(["import os", "x = 1\nprint(os, x, ours)"]) == ["ours in 'x = 1'"]
    assert unknown_names(["def f(a, *, b):\n    return [c for c in a] + b"]) == []
    assert unknown_names(["print(late)", "late = 1"]) == ["late in 'print(late)'"]


def test_a_run_names_its_lesson_and_each_notebook_alone(monkeypatch, capsys):
    from nbconvert.preprocessors import ExecutePreprocessor

    monkeypatch.setattr(ExecutePreprocessor, "preprocess", lambda *given: None)  # what the cells do is tried below
    plans.main(["--run", "Lesson 2"])
    cells = plans.code(LESSONS[SHORT[0]])
    first, *notebooks, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{SHORT[0]}: 60 minutes")
    assert notebooks == [f"  {name}: {len(sources)} cells" for name, sources in cells.items()]
    assert last == "  every cell of it ran"


def test_a_run_says_which_texts_its_notebooks_read(monkeypatch, capsys):
    source = "print('This run reads: headlines that the lesson generated'); 'This run reads: no output'"
    monkeypatch.setattr(plans, "code", lambda lesson: {"12": [source], "08": ["print('nothing read')"]})
    plans.run({})
    assert capsys.readouterr().out.splitlines() == [
        "  12: 1 cells",
        "  This run reads: headlines that the lesson generated",
        "  08: 1 cells",
    ]


def test_a_run_without_a_lesson_of_that_title_says_which_there_are(capsys):
    with pytest.raises(SystemExit):
        plans.main(["--run", "Lesson 9"])
    said = capsys.readouterr().err
    assert "no lesson has 'Lesson 9' in its title" in said and SHORT[0] in said


def in_a_fresh_kernel():
    """Two lessons that train nothing in every run, all else with `make test-full`."""
    for title, lesson in LESSONS.items():
        yield pytest.param(lesson, marks=[] if title in SHORT else [pytest.mark.full], id=title)


@pytest.mark.parametrize("lesson", list(in_a_fresh_kernel()))
def test_a_lesson_runs_with_only_the_cells_of_its_plan(lesson, tmp_path, monkeypatch):
    monkeypatch.setenv("LSTM_LESSON_PROGRESS", str(tmp_path))  # no answer of an earlier notebook is kept
    plans.run(lesson)
