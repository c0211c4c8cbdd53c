"""What `make notebooks` takes out of a notebook that nbconvert's own options leave in."""

from nbconvert.preprocessors import Preprocessor

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class WithoutWidgetViews(Preprocessor):
    """Keep each explorer's picture, drop the view beside it: without its kernel it would show as an error."""

    def preprocess_cell(self, cell, resources, index):
        """One cell of the executed notebook."""
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
        return cell, resources
