"""What a notebook keeps in git: outputs, tags and slide types. The configuration of nbconvert for it.

`make notebooks` and the hook before a commit both take it: `nbconvert --to notebook --config tools/stored_notebook.py`.
"""

from nbconvert.preprocessors import Preprocessor

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KEPT = {"tags", "slideshow"}  # of a cell's metadata


class WithoutWidgetViews(Preprocessor):
    """Keep each explorer's picture, drop the view beside it: without its kernel it would show as an error."""

    def preprocess_cell(self, cell, resources, index):
        """One cell of the executed notebook."""
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
        return cell, resources


class OnlyKeptMetadata(Preprocessor):
    """nbconvert's own ClearMetadataPreprocessor looks at code cells only; text has metadata, too."""

    def preprocess_cell(self, cell, resources, index):
        """One cell, code or text."""
        for key in set(cell.metadata) - KEPT:
            del cell.metadata[key]
        return cell, resources


def configure(c):
    """Drop what differs from machine to machine."""
    c.NotebookExporter.preprocessors = [WithoutWidgetViews, OnlyKeptMetadata]
    c.ClearMetadataPreprocessor.enabled = True
    c.ClearMetadataPreprocessor.preserve_nb_metadata_mask = {"kernelspec", ("language_info", "name")}
    c.ClearMetadataPreprocessor.preserve_cell_metadata_mask = KEPT


if "get_config" in globals():  # nbconvert reads this file as its configuration, and hands that function in
    configure(get_config())  # noqa: F821
