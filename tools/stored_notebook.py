"""Configure nbconvert to keep what belongs in git: outputs, tags and slide types of a notebook.

`make notebooks` and the hook before a commit use it: `nbconvert --to notebook --config tools/stored_notebook.py`.
"""

import html
import json
import re

from nbconvert.preprocessors import CoalesceStreamsPreprocessor, Preprocessor
from nbformat.v4 import new_output

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KEPT = {"tags", "slideshow"}  # of a cell's metadata
ANSWER = "answer"  # the tag of a cell whose output answers a prediction
NOT_OURS = "texts-of-others"  # the tag of a cell whose output shows texts of a data set
STAND_IN = "These texts belong to their authors and are not passed on here: run the cell to read some."
MOST_WORDS = 1000  # of a model that is stored; our own grammars and the characters have fewer
MODEL = re.compile(r"(?s)( id=&quot;model&quot;&gt;)(.*?)(&lt;/script&gt;)")  # as it stands in the frame of a page
FOLD = '<details class="answer" data-was="{}"><summary>Show the answer</summary>\n{}\n</details>'


class WithoutWidgetViews(Preprocessor):
    """Keep each explorer's picture and remove its widget view, which shows an error without its kernel."""

    def preprocess_cell(self, cell, resources, index):
        """One cell of the executed notebook."""
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
        return cell, resources


class OnlyKeptMetadata(Preprocessor):
    """Remove metadata from all cells; nbconvert's ClearMetadataPreprocessor does so for code cells only."""

    def preprocess_cell(self, cell, resources, index):
        """One cell, code or text."""
        for key in set(cell.metadata) - KEPT:
            del cell.metadata[key]
        return cell, resources


class WithoutTextsOfOthers(Preprocessor):
    """Put a stand-in where an output shows texts of a data set. Running the cell shows them."""

    def preprocess_cell(self, cell, resources, index):
        """One cell of the executed notebook."""
        if NOT_OURS in cell.metadata.get("tags", []) and cell.outputs:
            cell.outputs = [new_output("display_data", {"text/markdown": f"*{STAND_IN}*", "text/plain": STAND_IN})]
        return cell, resources


class WithoutVocabularies(Preprocessor):
    """Take the weights and the words of a model of real texts out of the inspector's page."""

    def preprocess_cell(self, cell, resources, index):
        """One cell of the executed notebook."""
        for output in cell.get("outputs", []):
            if page := output.get("data", {}).get("text/html"):
                output.data["text/html"] = MODEL.sub(left_out, page)
        return cell, resources


def left_out(model) -> str:
    """What stands in the place of an inspector's model: itself, if it has few words."""
    stored = json.loads(
        html.unescape(model[2]) or "null"
    )  # None where a page has no model; a text where it is left out
    words = stored["tokens"] if isinstance(stored, dict) else ()
    return model[0] if len(words) <= MOST_WORDS else f"{model[1]}&quot;left out&quot;{model[3]}"


class FoldedAnswers(Preprocessor):
    """Fold the output of every cell that answers a prediction. Running the cell shows it at once."""

    def preprocess_cell(self, cell, resources, index):
        """One cell of the executed notebook."""
        if ANSWER in cell.metadata.get("tags", []) and cell.outputs and not is_folded(cell):
            cell.outputs = [folded(cell.outputs)]
        return cell, resources


def is_folded(cell) -> bool:
    """Whether the stored output of a code cell is one fold."""
    return len(cell.outputs) == 1 and cell.outputs[0].get("data", {}).get("text/html", "").startswith("<details")


def folded(outputs):
    """One output in the place of several: their HTML in a fold, and their text for those who have no HTML."""
    pages, texts = [], []
    for output in outputs:
        data = output.get("data", {})
        text = output.get("text") or data.get("text/plain", "")
        pages.append(data.get("text/html") or f"<pre>{html.escape(text)}</pre>")
        texts.append(text)
    page = FOLD.format(outputs[0].output_type, "\n".join(pages))
    return new_output("display_data", {"text/html": page, "text/plain": "\n".join(texts)})


def unfolded(output):
    """The output as the kernel gave it, if it was one text; nbval compares it with that of its own run."""
    kind = output.data["text/html"].split('data-was="')[1].split('"')[0]
    text = output.data["text/plain"]
    if kind != "execute_result":
        return new_output("stream", name="stdout", text=text) if kind == "stream" else output
    page = output.data["text/html"].split("</summary>\n", 1)[1].removesuffix("\n</details>")
    data = {"text/plain": text} | ({} if page.startswith("<pre>") else {"text/html": page})  # a table has both
    return new_output(kind, data, execution_count=1)


STORED = (
    WithoutWidgetViews,
    CoalesceStreamsPreprocessor,
    WithoutTextsOfOthers,
    WithoutVocabularies,
    FoldedAnswers,
    OnlyKeptMetadata,
)


def as_stored(notebook):
    """A notebook that has just run, as it is stored."""
    for preprocessor in STORED:
        notebook, _ = preprocessor().preprocess(notebook, {})
    return notebook


def configure(c):
    """Remove what differs between machines."""
    c.NotebookExporter.preprocessors = list(STORED)
    c.ClearMetadataPreprocessor.enabled = True
    c.ClearMetadataPreprocessor.preserve_nb_metadata_mask = {"kernelspec", ("language_info", "name")}
    c.ClearMetadataPreprocessor.preserve_cell_metadata_mask = KEPT


if "get_config" in globals():  # nbconvert reads this file as its configuration and provides this function
    configure(get_config())  # noqa: F821
