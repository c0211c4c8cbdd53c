"""The stored notebooks pass on no text of a data set."""

import os

import notebook_rules as rules
import pytest
from nbconvert import NotebookExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output
from repository import NOTEBOOKS
from stored_notebook import MODEL, MOST_WORDS, NOT_OURS, STAND_IN, configure, left_out
from traitlets.config import Config

from lstm_lesson.explorers import GateInspector
from lstm_lesson.text import TextClassifier, Vocabulary, load_news

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


def stored(*cells):
    """The outputs of each cell as `make notebooks` stores them."""
    config = Config()
    configure(config)
    notebook = new_notebook(cells=list(cells))
    for preprocessor in NotebookExporter(config=config)._preprocessors:
        notebook, _ = preprocessor(notebook, {})
    return [cell.outputs for cell in notebook.cells]


def test_in_their_place_a_sentence_is_stored():
    taken, left = (
        new_code_cell("a", outputs=KINDS, metadata={"tags": [NOT_OURS]}),
        new_code_cell("b", outputs=KINDS[:1]),
    )
    (output,), kept = stored(taken, left)
    assert output.data["text/plain"] == STAND_IN and "*" in output.data["text/markdown"]
    assert kept[0].text == KINDS[0].text


def inspector(words):
    vocabulary = Vocabulary([[f"w{k}" for k in range(words)]], min_freq=1)
    return GateInspector(TextClassifier(len(vocabulary), 3, 4), vocabulary, "w1 w2")._repr_html_()


@pytest.mark.parametrize("words", [MOST_WORDS, MOST_WORDS + 1])
def test_the_vocabulary_of_a_model_of_real_texts_is_not_stored(words):
    page = inspector(words)
    (output,), (again,) = (
        stored(new_code_cell("a", outputs=[new_output("display_data", {"text/html": text})]))[0]
        for text in (page, page.replace(MODEL.search(page)[2], "null"))
    )
    assert (f"w{words - 1}" in output.data["text/html"]) == (words <= MOST_WORDS)
    assert ("&gt;&quot;left out&quot;&lt;" in output.data["text/html"]) == (words > MOST_WORDS)
    assert again.data["text/html"].count("&gt;null&lt;") == 1


def test_no_stored_notebook_has_a_large_vocabulary():
    for path in NOTEBOOKS:
        pages = [o.get("data", {}).get("text/html", "") for cell in rules.Lesson(path).code for o in cell.outputs]
        assert [found for page in pages for found in MODEL.finditer(page) if left_out(found) != found[0]] == [], (
            path.name
        )
