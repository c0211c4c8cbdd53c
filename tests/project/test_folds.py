"""The stored copy of an answer is folded, and nbval compares what is inside; every figure's words have a figure."""

import re

import nbformat
import pytest
from nbconvert import NotebookExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output
from repository import NOTEBOOKS
from stored_notebook import FoldedAnswers, configure, is_folded, unfolded
from traitlets.config import Config

from lstm_lesson import plots
from lstm_lesson.plots.figure import captions

PRINTED = new_output("stream", name="stdout", text="a < b\n")
RESULT = new_output("execute_result", {"text/plain": "(0, 1)"}, execution_count=1)
TABLE = new_output("execute_result", {"text/html": "<table>1</table>", "text/plain": "1"}, execution_count=1)
PICTURE = new_output("display_data", {"text/html": '<img alt="a" src="x">', "text/plain": "Picture: a"})


def stored(*outputs, tags=("answer",)):
    cell = new_code_cell("run()", outputs=list(outputs), metadata={"tags": list(tags)})
    notebook, _ = FoldedAnswers().preprocess(new_notebook(cells=[cell]), {})
    nbformat.validate(notebook)
    return notebook.cells[0]


@pytest.mark.parametrize("output", [PRINTED, RESULT, TABLE], ids=["printed", "a value", "a table"])
def test_an_answer_of_one_text_is_folded_and_comes_out_as_it_was(output):
    cell = stored(output)
    assert is_folded(cell)
    assert unfolded(cell.outputs[0]) == output


def test_all_outputs_of_a_cell_go_into_one_fold():
    (output,) = stored(PRINTED, PICTURE).outputs
    page = output.data["text/html"]
    assert page.startswith("<details") and page.endswith("</details>")
    assert "a &lt; b" in page and PICTURE.data["text/html"] in page


def test_a_text_that_came_in_two_pieces_is_folded_as_one():
    pieces = [new_output("stream", name="stdout", text=text) for text in ("a < b\n", "b < c\n")]
    cell = new_code_cell("run()", outputs=pieces, metadata={"tags": ["answer"]})
    config = Config()
    configure(config)
    page, _ = NotebookExporter(config=config).from_notebook_node(new_notebook(cells=[cell]))
    assert unfolded(nbformat.reads(page, 4).cells[0].outputs[0]).text == "a < b\nb < c\n"


def test_a_fold_is_not_folded_again_and_other_cells_are_left_alone():
    cell = stored(PRINTED)
    assert stored(*cell.outputs).outputs == cell.outputs
    assert stored(PRINTED, tags=()).outputs == [PRINTED]
    assert stored().outputs == []


def test_every_caption_belongs_to_one_figure_of_its_notebook():
    for path in NOTEBOOKS:
        code = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")
        used = re.findall(r'figure="([^"]+)"', code)
        assert sorted(used) == sorted(name for name in captions() if name.startswith(path.name[:2] + "."))


def test_a_caption_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match=r"figure is 'no\.such'; captions\.toml has no such name"):
        plots.lines({"a": [1, 2]}, figure="no.such")


def test_an_argument_comes_before_the_caption():
    name = next(name for name, words in captions().items() if words.keys() == {"title", "xlabel", "ylabel", "alt"})
    assert plots.lines({"a": [1, 2]}, figure=name, alt="Another.").alt == "Another."
