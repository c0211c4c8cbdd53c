"""The minutes of the notebooks follow from the rule in CONTRIBUTING.md, everywhere they are stated."""

import re
import shutil

import minutes
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from repository import NOTEBOOKS, ROOT

STUB = "def half(x):\n    raise NotImplementedError\n\n\ncheck(half)"
FOLD = "<details><summary>{}</summary>\n\nTwo words.\n\n</details>"


def parts(folder, *cells):
    path = folder / "small.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("import sys"), *cells]), path)
    return minutes.parts(path)


@pytest.mark.parametrize(
    ("cell", "counted"),
    [
        (new_markdown_cell("Two [words](../a/long/address.md)"), {"words": 2}),
        (new_markdown_cell("It is ${\\color{red}{c_t}} + 1$ here.\n\n$$a = b c d$$"), {"words": 4}),
        (new_markdown_cell(f"One.\n\n{FOLD.format('For the teacher')}"), {"words": 1}),
        (new_markdown_cell(FOLD.format("Answer")), {"words": 3}),
        (new_markdown_cell("```\nnot prose\n```"), {}),
        (new_markdown_cell("**Predict.** Up?"), {"words": 2, "questions": 1}),
        (new_markdown_cell("### Your turn: `half` · 4 minutes · ●○○"), {"words": 4, "exercises": 4}),
        (new_code_cell("# a comment\n\nx = 1\nx + 1"), {"lines": 2}),
        (new_code_cell(STUB), {}),
    ],
)
def test_a_cell_counts_for_what_is_read_in_it(tmp_path, cell, counted):
    nothing = dict.fromkeys(("words", "lines", "questions", "exercises"), 0)
    assert parts(tmp_path, cell) == nothing | counted


def test_the_rule_is_the_one_in_the_guide_for_contributors():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("\n## Minutes\n")[1]
    assert f"every {minutes.WORDS} words of prose" in text
    assert f"every {minutes.LINES} lines of code" in text
    assert f"above {minutes.AT_MOST} minutes" in text


def test_write_states_the_minutes_everywhere_and_changes_no_other_number(tmp_path):
    pages = ["README.md", "docs/teaching.md", *(f"notebooks/{path.name}" for path in NOTEBOOKS)]
    for page in pages:
        (tmp_path / page).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / page, tmp_path / page)
    asked = {path.name: minutes.minutes(path) for path in NOTEBOOKS}
    minutes.write(tmp_path)
    written = {page: (tmp_path / page).read_text(encoding="utf-8") for page in pages}
    for name, n in asked.items():
        cells = nbformat.read(tmp_path / "notebooks" / name, 4).cells
        assert re.search(r"\d+ minutes", cells[0].source)[0] == f"{n} minutes"
        notes = next(cell.source for cell in cells if "For the teacher</summary>" in cell.source)
        assert f"</summary>\n\n{n} minutes" in notes
        assert re.search(rf"\(notebooks/{name}\) \| .* \| {n} \| \[!", written["README.md"])
        assert re.search(rf"(?m)^{n} minutes.*\(\.\./notebooks/{name}\)", written["docs/teaching.md"])
        link = r"\| 00 Start here" if name[:2] == "00" else rf"\({name}\)"
        assert re.search(rf"{link} \| .* \| {n} \| ", written["notebooks/00_start_here.ipynb"])
    for page in pages:
        before = (ROOT / page).read_text(encoding="utf-8").splitlines()
        pairs = zip(before, written[page].splitlines(), strict=True)
        changed = [line for was, line in pairs if line != was]
        assert all(re.search(r"minutes|hours| \| \d+ \| ", line) for line in changed)
    minutes.write(tmp_path)
    assert written == {page: (tmp_path / page).read_text(encoding="utf-8") for page in pages}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_states_the_minutes_of_the_rule_and_takes_an_hour_at_most(path):
    first = nbformat.read(path, nbformat.NO_CONVERT).cells[0].source
    assert int(re.search(r"(\d+)\s+minutes", first)[1]) == minutes.minutes(path) <= minutes.AT_MOST
