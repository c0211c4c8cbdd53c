"""JupyterLab shows every picture that is attached to a text cell of a notebook."""

import browser
import nbformat
import pytest
from nbformat.v4 import new_notebook
from repository import NOTEBOOKS

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(browser.why_not()), reason=browser.why_not())]
WIDTHS = (
    "[...document.querySelectorAll('.jp-MarkdownOutput img')].map(image => image.complete ? image.naturalWidth : 0)"
)


def with_attachments():
    """(name, cells) of each notebook that has cells with attached pictures."""
    for path in NOTEBOOKS:
        if cells := [cell for cell in nbformat.read(path, as_version=4).cells if cell.get("attachments")]:
            yield path.name, cells


def test_jupyterlab_shows_every_attached_picture(lab, chromium):
    notebooks = list(with_attachments())
    assert "00_start_here.ipynb" in dict(notebooks)
    page = chromium.new_page(viewport=browser.PROJECTOR)
    for name, cells in notebooks:
        nbformat.write(new_notebook(cells=cells, metadata=browser.KERNEL), lab.folder / "notebooks" / name)
        page.goto(f"{lab.url}/lab/workspaces/pictures/tree/{name}?token={lab.token}")
        count = sum(cell.source.count("attachment:") for cell in cells)
        page.wait_for_function(
            f"{WIDTHS}.length === {count} && {WIDTHS}.every(width => width > 0)", timeout=browser.PATIENCE
        )
    page.close()
