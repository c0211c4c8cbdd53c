"""The slides of each notebook: no set-up and folds, notes for the speaker, no very long slide."""

import re

import pytest
from nbconvert import SlidesExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from notebook_rules import Lesson, has_picture, text
from often import one_in
from repository import NOTEBOOKS, ROOT, SETUP_CELL

PICTURE, SCREEN = 16, 36  # in lines; SCREEN is a little more than one, the rest can be scrolled
by_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def kind(cell) -> str:
    return cell.metadata.get("slideshow", {}).get("slide_type", "-")


def slides(cells) -> list[list]:
    """The cells of each slide or subslide, without those that are not shown."""
    found = []
    for cell in cells:
        if kind(cell) in ("slide", "subslide") or not found:
            found.append([])
        if kind(cell) not in ("skip", "notes"):
            found[-1].append(cell)
    return found


def lines(cell) -> int:
    """About how many lines of a slide a cell takes; a fold is one."""
    if cell.cell_type == "code":
        return len(cell.source.splitlines()) + sum(map(lines_of_output, cell.outputs))
    source = re.sub(r"(?s)<details>.*?</details>", "fold", re.sub(r"\]\([^)]*\)|\\color\{[^}]*\}", "", cell.source))
    return sum(1 + len(line) // 95 for line in source.splitlines() if line.strip())


def lines_of_output(output) -> int:
    if has_picture(output):
        return PICTURE
    return len((output.get("text") or text(output, "text/plain")).splitlines())


def too_long(cells) -> list[str]:
    """The first line of every slide that is much longer than a screen; a cell alone cannot be cut."""
    return [
        slide[0].source.splitlines()[0] for slide in slides(cells) if len(slide) > 1 and sum(map(lines, slide)) > SCREEN
    ]


@by_notebook
def test_no_slide_is_much_longer_than_the_screen(path):
    assert too_long(Lesson(path).cells) == []


def test_a_very_long_slide_is_found():
    picture = new_output("display_data", {"image/png": "aGVyZQ==", "text/html": "<img alt='a curve'>"})
    cells = [new_markdown_cell("## A part"), *(new_code_cell("plot()", outputs=[picture]) for _ in range(3))]
    assert too_long(cells) == ["## A part"]
    cells[2].metadata.slideshow = {"slide_type": "subslide"}
    assert too_long(cells) == []


@by_notebook
def test_set_up_and_notes_for_the_teacher_are_not_projected(path):
    cells = Lesson(path).cells
    assert [kind(cell) for cell in cells[:2]] == ["slide", "skip"]
    assert [kind(cell) for cell in cells if "<summary>For the teacher</summary>" in cell.source] == ["notes"]
    assert all(kind(cell) == "skip" for cell in cells if cell.source.startswith(("[Previous](", "Contents · ")))


@pytest.mark.parametrize("path", one_in(4, NOTEBOOKS), ids=lambda path: path.stem)
def test_the_slides_are_complete_and_have_the_notes_of_the_speaker(path):
    lesson = Lesson(path)
    deck, _ = SlidesExporter().from_notebook_node(lesson.notebook)
    assert deck.count("<section") == sum(kind(cell) == "slide" for cell in lesson.cells) + len(slides(lesson.cells))
    notes = "".join(re.findall(r'(?s)<aside class="notes">(.*?)</aside>', deck))
    assert "For the teacher" in notes
    assert "For the teacher" not in deck.replace(notes, "")
    assert SETUP_CELL.splitlines()[0] not in re.sub(r"<[^>]+>", "", deck)


def test_nbconvert_has_the_options_that_make_slides_uses():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    asked = re.findall(r"--SlidesExporter\.(\w+)", makefile)
    assert "reveal_scroll" in asked
    assert set(asked) <= set(SlidesExporter.class_trait_names())
