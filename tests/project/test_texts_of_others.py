"""The stored notebooks pass on no text of a data set."""

import os

import notebook_rules as rules
import pytest
from nbconvert import NotebookExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output
from repository import NOTEBOOKS
from stored_notebook import NOT_OURS, STAND_IN, configure
from traitlets.config import Config

from lstm_lesson.text import load_news

TEXT = "One, two; three four five six seven eight nine"
KINDS = [
    new_output("stream", name="stdout", text=f"fake · {TEXT}"),
    new_output("display_data", {"text/html": f"<details>&quot;{TEXT.replace(' ', '&amp;quot;,&amp;quot;')}</details>"}),
]


@pytest.mark.skipif("LSTM_LESSON_DATA" not in os.environ, reason="LSTM_LESSON_DATA names no folder with the texts")
def test_no_output_has_eight_words_in_a_row_of_a_data_set():
    theirs = rules.word_runs(t for split in load_news("covid").values() for t in split.texts)
    assert len(theirs) > 100_000
    assert [quote for path in NOTEBOOKS for quote in rules.quotes(rules.Lesson(path), theirs)] == []


@pytest.mark.parametrize("output", KINDS, ids=["printed", "in a page"])
def test_a_quotation_is_found(output, tmp_path):
    lesson = rules.Lesson(tmp_path / "one.ipynb")
    lesson.notebook = new_notebook(cells=[new_code_cell("show()", outputs=[output])])
    assert list(rules.quotes(lesson, rules.word_runs([TEXT.upper()])))
    assert not list(rules.quotes(lesson, rules.word_runs([TEXT.replace("five", "5")])))


def test_in_their_place_a_sentence_is_stored():
    cells = [new_code_cell("a", outputs=KINDS, metadata={"tags": [NOT_OURS]}), new_code_cell("b", outputs=KINDS[:1])]
    config = Config()
    configure(config)
    notebook = new_notebook(cells=cells)
    for preprocessor in NotebookExporter(config=config)._preprocessors:
        notebook, _ = preprocessor(notebook, {})
    (output,), kept = (cell.outputs for cell in notebook.cells)
    assert output.data["text/plain"] == STAND_IN and "*" in output.data["text/markdown"]
    assert kept[0].text == KINDS[0].text
