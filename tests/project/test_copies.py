"""Copies for a class: a student's copy holds no answer and runs, an instructor's has everything beside its cell."""

import ast
import html
import re
import subprocess
import sys

import copies
import nbformat
import pytest
from copies import Choice, Guide, copy
from nbconvert.preprocessors import ExecutePreprocessor
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebook_rules import Lesson, predictions
from often import one_in
from repository import NOTEBOOKS
from tracked import ROOT

from lstm_lesson import solution
from lstm_lesson.exercises.exercise import exercises

by_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
GUIDE = Guide()
ALL = Choice()


def student(path, choice=ALL):
    return copy(path, "student", choice, GUIDE)


def instructor(path, choice=ALL):
    return copy(path, "instructor", choice, GUIDE)


def sources(notebook, kind=None) -> list[str]:
    return [cell.source for cell in notebook.cells if kind in (None, cell.cell_type)]


def sentences(text: str) -> set[str]:
    """The sentences of an answer that are long enough to be no accident."""
    found = re.split(r"(?<=[.:?!])\s+|\n+", text)
    return {each.strip() for each in found if len(each.strip()) > 40}


def statements(source: str) -> set[str]:
    """The lines of a function's body, without its docstrings and errors, that are long enough to be no accident."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt) and not hasattr(node, "body")]
    told = {id(node) for node in nodes if isinstance(node, ast.Expr | ast.Raise | ast.Import | ast.ImportFrom)}
    return {text for node in nodes if id(node) not in told and len(text := ast.unparse(node)) > 20}


@by_notebook
def test_a_students_copy_has_no_output_and_no_answer_to_a_question(path):
    made, lesson = student(path), Lesson(path)
    assert all(cell.outputs == [] and cell.execution_count is None for cell in made.cells if cell.cell_type == "code")
    told = "\n".join(sources(made))
    folds = [
        match for source in lesson.prose for match in re.findall(r"(?s)<summary>(.*?)</summary>(.*?)</det", source)
    ]
    answers = [text for summary, text in folds if "nswer" in summary or summary.endswith("?") or "teacher" in summary]
    outside = "\n".join(re.sub(r"(?s)<details>.*?</details>", "", source) for source in lesson.prose)
    kept = {s for text in answers for s in sentences(text) if s in told and s not in outside}
    assert len(answers) > 3 and kept == set()
    for asked in re.findall(r"<summary>([^<]*\?)</summary>", "\n".join(lesson.prose)):
        assert asked in told  # the question stays
    assert re.findall(r"<summary>(?!What can go wrong)[^<]*(?:nswer|\?|teacher)[^<]*</summary>", told) == []
    assert "colab-badge" not in told and "open-in-kaggle" not in told  # they open the original


@by_notebook
def test_the_code_below_a_question_names_no_title_and_no_alt_text(path):
    made = nbformat.from_dict(student(path))
    lesson = Lesson(path)
    lesson.__dict__["notebook"] = made
    below = [cell for _, cells, _ in predictions(lesson) for cell in cells]
    below += [cell for cell in made.cells if "answer" in cell.metadata.get("tags", [])]
    assert below
    words = [word for cell in below for word in re.findall(r"\b(?:title|alt)=(?!'')[^,)]*", cell.source)]
    assert set(words) <= {"alt='The figure that this cell draws.'"}


@by_notebook
def test_a_students_copy_holds_no_line_of_a_solution(path):
    """But what the notebook says outside of its folds: a later cell may use what an exercise asks for."""
    made, lesson = student(path), Lesson(path)
    told = as_python(made.cells) + "\n".join(sources(made, "markdown"))
    openly = as_python(lesson.cells) + "\n".join(
        re.sub(r"(?s)<details>.*?</details>", "", text) for text in lesson.prose
    )
    here = [name for name, exercise in exercises().items() if exercise.notebook == path.stem]
    lines = {line for name in here for line in statements(re.sub(r"^# From.*\n", "", solution(name).text))}
    assert {line for line in lines if line in told and line not in openly} == set()
    stubs = [cell.source for cell in lesson.code if copies.stub(cell)]
    assert stubs == [cell.source for cell in made.cells if copies.stub(cell)]
    assert len(stubs) == len(here) and (lines or path.stem == "00_start_here")


def as_python(cells) -> str:
    """All code, written in one way."""
    return "\n".join(
        ast.unparse(ast.parse(c.source)) for c in cells if c.cell_type == "code" and "%pip" not in c.source
    )


def lesson_of(*cells, tmp_path):
    path = tmp_path / "01_lesson.ipynb"
    start = [new_markdown_cell("# 01 · A lesson\n\n[![Open in Colab](a)](b)"), new_code_cell("import os")]
    nbformat.write(new_notebook(cells=[*start, *cells]), path)
    return path


def test_titles_and_alt_texts_below_a_question_become_neutral_and_others_stay(tmp_path):
    shows = 'plots.lines({"a": y}, title="Ünten: it falls", alt=f"A line that {falls}.", log="y")'
    path = lesson_of(
        new_code_cell(shows),
        new_markdown_cell("**Predict.** Up?"),
        new_code_cell("plots.bars(\n    y,\n    alt='It'\n    ' falls.',\n    title='x')"),
        new_markdown_cell("On."),
        new_code_cell(shows, metadata={"tags": ["answer"]}),
        tmp_path=tmp_path,
    )
    _, first, second, third = sources(student(path), "code")
    assert first == shows
    assert second == "plots.bars(\n    y,\n    alt='The figure that this cell draws.',\n    title='')"
    assert third == "plots.lines({\"a\": y}, title='', alt='The figure that this cell draws.', log=\"y\")"


def test_a_fold_that_answers_goes_and_a_question_in_a_fold_stays(tmp_path):
    fold = "<details><summary>{}</summary>\n\nSecret.\n\n</details>"
    names = ["Answer", "Answer: why", "Quick question: why?", "For the teacher", "How the package's unit counts"]
    cells = [new_markdown_cell(f"Text {k}.\n\n{fold.format(name)}\n\nOn {k}.") for k, name in enumerate(names)]
    cells.append(new_markdown_cell(fold.format("What can go wrong").replace("Secret", "Known")))
    told = "\n".join(sources(student(lesson_of(*cells, tmp_path=tmp_path))))
    assert "Secret" not in told and "Known." in told and "**Quick question: why?**" in told
    assert all(f"Text {k}." in told and f"On {k}." in told for k in range(5))


STUB = "SIZE = 3\n\n\ndef hadamard(a, b):\n    raise NotImplementedError\n\n\ncheck(hadamard)"


@pytest.fixture
def chosen(tmp_path):
    out = [new_output("stream", name="stdout", text="x")]
    return lesson_of(
        new_markdown_cell("## Part\n\nText.\n\n### Your turn: `hadamard` · 2 minutes · ●○○\n\nWrite it."),
        new_code_cell(STUB),
        new_code_cell('hadamard, rnn_step = yours(hadamard, "rnn_step")', outputs=out),
        new_markdown_cell("### Your turn: `rnn_step` · 5 minutes · ●○○\n\nWrite it, too."),
        new_code_cell("def rnn_step(x):\n    raise NotImplementedError\n\n\ncheck(rnn_step)"),
        new_code_cell("slow()", metadata={"tags": ["slow", "answer"]}),
        tmp_path=tmp_path,
    )


@pytest.mark.parametrize("make", [student, instructor])
def test_an_exercise_that_is_not_set_leaves_its_place_to_the_package(chosen, make):
    told = sources(make(chosen, Choice(exercises=frozenset({"rnn_step"}))))
    assert any(source.strip() == "## Part\n\nText." for source in told)
    assert not any("`hadamard`" in source for source in told)
    assert "SIZE = 3" in told
    assert 'hadamard, rnn_step = yours("hadamard", "rnn_step")' in told
    assert any("check(rnn_step)" in source for source in told)


@pytest.mark.parametrize("make", [student, instructor])
def test_cells_are_dropped_by_their_tag(chosen, make):
    assert "slow()" in sources(make(chosen))
    assert "slow()" not in sources(make(chosen, Choice(drop=frozenset({"slow"}))))


def test_a_copy_can_close_the_solutions_up_to_a_date(chosen):
    setup = sources(student(chosen, Choice(solutions_from="2026-12-01")), "code")[0]
    assert 'os.environ["LSTM_LESSON_SOLUTIONS_FROM"] = "2026-12-01"' in setup
    assert "SOLUTIONS" not in sources(student(chosen), "code")[0]


@by_notebook
def test_the_instructor_has_a_solution_and_the_usual_mistakes_beside_each_exercise(path):
    made = instructor(path)
    set_here = {name for name, exercise in exercises().items() if exercise.notebook == path.stem}
    for cell, below in zip(made.cells, made.cells[1:], strict=False):
        if name := copies.stub(cell):
            set_here.discard(name)
            assert below.metadata.tags == ["instructor"]
            assert solution(name).text in below.source
            for said in [edit.cause for edit in exercises()[name].edits] + GUIDE.wrong(name):
                assert said in below.source
    assert set_here == set()
    kept = [cell for cell in made.cells if cell.metadata.get("tags") != ["instructor"]]
    assert [cell.get("outputs") for cell in kept] == [cell.get("outputs") for cell in Lesson(path).cells]


def test_the_instructor_has_the_solutions_while_they_are_closed_for_the_class(tmp_path, monkeypatch):
    monkeypatch.setenv(copies.VARIABLE, "2099-01-01")
    assert "2099-01-01" in solution("rnn_step").text
    copies.main(["instructor", str(tmp_path), "--notebooks", str(NOTEBOOKS[1])])
    written = "\n".join(sources(nbformat.read(tmp_path / NOTEBOOKS[1].name, nbformat.NO_CONVERT)))
    monkeypatch.delenv(copies.VARIABLE, raising=False)
    assert solution("rnn_step").text in written and "2099-01-01" not in written


@by_notebook
def test_the_instructor_has_the_plan_beside_the_section_that_it_names(path):
    """Each row of a table of the guide that names a heading of this notebook, after the notebook's number."""
    made, number = sources(instructor(path)), path.stem[:2]
    for row in (line for line in GUIDE.text.splitlines() if line.startswith("| ")):
        what, when = row.split("|")[2], row.split("|")[1].strip()
        for part in re.split(r"(?<![\w:–.])(?=(?:0|1)\d(?:[:, ]|$))", what):
            for heading in re.findall(r"\*([^*]+)\*", part) if part.strip().startswith(f"{number}:") else []:
                at = [k for k, text in enumerate(made) if re.search(rf"(?m)^##+ {re.escape(heading)}$", text)]
                assert when in made[at[0] + 1], (heading, row)
        if what.strip() in (number, f"from {number}"):
            assert when in made[1], row
    assert "**Ask.**" in made[1] and "**Wrong answers.**" not in made[1]


@by_notebook
def test_a_row_of_a_plan_is_told_once_and_named_at_its_other_sections(path):
    made = sources(instructor(path))
    rows = [
        line
        for source in made
        for line in re.findall(r"(?m)^- (\*\*.*)$", source)
        if re.match(r"\*\*.*?\*\*, [\d:]+–", line)
    ]
    told = [row for row in rows if not row.endswith("*.") or ", as beside *" not in row]
    assert len(told) == len(set(told))
    for row in set(rows) - set(told):
        name, place = re.fullmatch(r"(.*), as beside \*(.*)\*\.", row).groups()
        at = next(k for k, text in enumerate(made) if re.search(rf"(?m)^##* {re.escape(place)}$", text))
        assert f"- {name}. " in made[at + 1]


def test_sections_of_one_row_name_it_after_the_first(tmp_path):
    table = "## A plan\n\n| minutes | what | projector |\n|---|---|---|\n| 5–9 | 01: *Part*, *Other* | a cell |\n"
    path = lesson_of(new_markdown_cell("## Part"), new_markdown_cell("## Other"), tmp_path=tmp_path)
    made = sources(copy(path, "instructor", ALL, Guide(table)))
    told = "what: 01: *Part*, *Other*; projector: a cell"
    assert [text.split("\n\n")[-1] for text in made if text.startswith("*For the teacher*")] == [
        f"- **A plan**, 5–9. {told}",
        "- **A plan**, 5–9, as beside *Part*.",
    ]


def test_a_plan_is_found_in_any_table_and_times_are_no_notebooks():
    rows = ["## Plan A", "| time | what | room |", "|---|---|---|", "| 10:35–11:25 | 04 | see *Two* |"]
    rows += ["| 0–9 | 04: *One*, *Two*; 05: *Three* | 12 and 24 |", "## B", "| what | remark |", "|---|---|"]
    guide = Guide("\n".join([*rows, "| 05: *One* | quick |"]))
    assert guide.plan("04") == ["**Plan A**, 10:35–11:25. what: 04; room: see *Two*"]
    assert guide.plan("04", "Two") == ["**Plan A**, 0–9. what: 04: *One*, *Two*; 05: *Three*; room: 12 and 24"]
    assert guide.plan("05", "One") == ["**B**, 05: *One*. remark: quick"]
    assert len(guide.plan("05", "Three")) == 1
    assert guide.plan("10") == guide.plan("12") == guide.plan("05", "Two") == []


def test_the_command_writes_what_was_chosen(tmp_path):
    command = [sys.executable, ROOT / "tools" / "copies.py", "student", tmp_path / "a class", "--exercises", "rnn_step"]
    command += ["--notebooks", ROOT / "notebooks" / "01_rnn_cell.ipynb", "--solutions-from", "2030-01-01"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Copies for the student: 1 in" in done.stdout
    text = (tmp_path / "a class" / "01_rnn_cell.ipynb").read_text(encoding="utf-8")
    assert "def rnn_step" in text and "def unroll" not in text and "2030-01-01" in text
    wrong = subprocess.run([*command, "--exercises", "rnn_stepp"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "--exercises has rnn_stepp; there are: hadamard" in wrong.stderr
    wrong = subprocess.run([*command, "--solutions-from", "Monday"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "'Monday'" in wrong.stderr


@pytest.mark.parametrize("path", one_in(18, [NOTEBOOKS[6], *NOTEBOOKS[:6], *NOTEBOOKS[7:]]), ids=lambda path: path.stem)
def test_a_students_copy_runs_with_every_exercise_open(path, tmp_path):
    for choice in (ALL, Choice(exercises=frozenset()))[: 1 + (path == NOTEBOOKS[6])]:  # and one with none set
        made = student(path, choice)
        runs = ExecutePreprocessor(timeout=600, kernel_name="python3")
        runs.preprocess(made, {"metadata": {"path": str(tmp_path)}})
        shown = html.unescape(nbformat.writes(made))
        assert "Traceback" not in shown
