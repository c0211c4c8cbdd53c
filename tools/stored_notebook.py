"""Configure nbconvert to keep what belongs in git: outputs, tags and slide types of a notebook.

`make notebooks` and the hook before a commit use it: `nbconvert --to notebook --config tools/stored_notebook.py`.
"""

from nbconvert.preprocessors import Preprocessor

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KEPT = {"tags", "slideshow"}  # of a cell's metadata


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


def configure(c):
    """Remove what differs between machines."""
    c.NotebookExporter.preprocessors = [WithoutWidgetViews, OnlyKeptMetadata]
    c.ClearMetadataPreprocessor.enabled = True
    c.ClearMetadataPreprocessor.preserve_nb_metadata_mask = {"kernelspec", ("language_info", "name")}
    c.ClearMetadataPreprocessor.preserve_cell_metadata_mask = KEPT


if "get_config" in globals():  # nbconvert reads this file as its configuration and provides this function
    configure(get_config())  # noqa: F821
