"""Write slides for projecting: `python tools/slides/decks.py FOLDER NOTEBOOK...` (or `make slides`).

A deck is one HTML file that needs no network. `pieces.py` chooses what is projected, `template/deck.js` packs it into
slides of 1280 × 720 when the page opens, and turns them. `--large` runs the notebooks, which takes minutes where they
train, and draws their figures with larger letters; the notebooks themselves stay as they are. `--lesson "Lesson 3"`
writes one deck of what a lesson of docs/plans.toml works through.
"""

import argparse
import base64
import io
import math
import os
import re
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from unittest import mock

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "site")]

import formulas  # noqa: E402
import nbformat  # noqa: E402
import numpy as np  # noqa: E402
import plans  # noqa: E402
from lessons import aspect_ratio, rendered, without_empty_heads  # noqa: E402
from nbconvert import HTMLExporter  # noqa: E402
from nbconvert.preprocessors import ExecutePreprocessor  # noqa: E402
from nbformat.v4 import new_code_cell, new_notebook  # noqa: E402
from pieces import IntoPieces  # noqa: E402
from PIL import Image  # noqa: E402
from stored_notebook import as_stored  # noqa: E402

WIDE, HIGH = 1272, 666  # the room for a picture, in pixels
LEAST = {"png": 1.2, "svg+xml": 1.1}  # a picture that is enlarged less than this also comes in parts


class DeckExporter(HTMLExporter):
    """nbconvert's HTML exporter with the template beside this file and with formulas as MathML."""

    def __init__(self, **settings):
        super().__init__(template_name="template", extra_template_basedirs=[str(HERE)], **settings)
        self.register_preprocessor(IntoPieces, enabled=True)

    def default_filters(self):
        """Those of nbconvert, and how this deck shows Markdown and HTML."""
        yield from super().default_filters()
        yield ("markdown2html", rendered)
        yield ("for_projecting", for_projecting)


def for_projecting(html: str) -> str:
    """An HTML output: the inspector in place of its picture; a picture and a table in a box of their own."""
    frame = re.search(r"(?s)<iframe.*?</iframe>", html)
    if frame:
        return f'<div class="frame">{frame[0].replace("position:absolute;left:0;top:0;", "")}</div>'
    if "lesson-picture" in html:  # an explorer: its picture also holds the line below it
        html = re.search(r"<img[^>]*>", html)[0]
    html = re.sub(r'<img[^>]*src="data:[^>]*>', lambda found: figures(found[0]), html)
    return without_empty_heads(html.replace("<table", '<div class="wide"><table').replace("</table>", "</table></div>"))


def figures(tag: str) -> str:
    """A picture for a slide of its own. One that is too tall for its letters comes whole, then in parts."""
    kind, data = re.search(r'src="data:image/([\w+]+);base64,([^"]+)"', tag).groups()
    content = base64.b64decode(data)
    width = int(re.search(r'width="(\d+)"', tag)[1])
    height = width * aspect_ratio(content)
    found = f'<div class="figure">{tag}</div>'
    if min(WIDE / width, HIGH / height) >= LEAST[kind]:
        return found
    count = math.ceil(height * WIDE / width / HIGH)
    for part, (top, bottom) in enumerate(pairwise(cuts(content, kind, count)), start=1):
        alt = f'alt="The same picture, part {part} of {count}, from the top."'
        shown = base64.b64encode(cropped(content, kind, top, bottom)).decode()
        found += f'<div class="figure">{re.sub(r"alt=[^>]*?(?= width=)", alt, tag).replace(data, shown)}</div>'
    return found


def cuts(content: bytes, kind: str, count: int) -> list[float]:
    """Where to cut a picture into parts, as shares of its height: in the row with the least ink near each border."""
    if kind != "png":
        return [k / count for k in range(count + 1)]
    ink = 255 - np.asarray(Image.open(io.BytesIO(content)).convert("L"), dtype=float)
    rows, reach = ink.sum(axis=1), len(ink) // (8 * count)
    borders = [k * len(ink) // count for k in range(1, count)]
    return [0.0, *((y - reach + rows[y - reach : y + reach].argmin()) / len(ink) for y in borders), 1.0]


def cropped(content: bytes, kind: str, top: float, bottom: float) -> bytes:
    """A picture from `top` to `bottom`, shares of its height."""
    if kind == "png":
        picture, made = Image.open(io.BytesIO(content)), io.BytesIO()
        picture.crop((0, round(top * picture.height), picture.width, round(bottom * picture.height))).save(made, "PNG")
        return made.getvalue()
    root = re.search(rb"<svg[^>]*>", content)[0]
    x, y, width, height = map(float, re.search(rb'viewBox="([^"]*)"', root)[1].split())
    box = f'viewBox="{x} {y + top * height} {width} {height * (bottom - top)}"'.encode()
    part = re.sub(rb'viewBox="[^"]*"', box, re.sub(rb'\s(?:width|height)="[^"]*"', b"", root))
    return content.replace(root, part, 1)


def run_anew(path: Path):
    """A notebook with the outputs of a new run, whose figures have larger letters, as they are stored."""
    print(f"running {path.name} ...", flush=True)
    notebook = stored(path)
    first = new_code_cell(f"import sys\nsys.path.insert(0, {str(HERE)!r})\nimport larger\nlarger.begin()")
    notebook.cells.insert(0, first)
    runner = ExecutePreprocessor(timeout=600, kernel_name="python3", store_widget_state=False)
    with tempfile.TemporaryDirectory() as scratch:
        own = {"LSTM_LESSON_PROGRESS": str(Path(scratch) / "progress.json")}  # every exercise is shown as not attempted
        with mock.patch.dict(os.environ, own):
            runner.preprocess(notebook, {"metadata": {"path": path.parent}})
    del notebook.cells[0]
    return as_stored(notebook)


def stored(path: Path):
    """A notebook with its stored outputs."""
    return nbformat.read(path, as_version=4)


def of_lesson(lesson: dict, load=stored):
    """What a lesson of docs/plans.toml works through, as one notebook: its rows, and the notes of its notebooks."""
    cells, found = {}, []
    for row in (row for row in lesson["row"] if "notebook" in row):
        name = row["notebook"]
        if name not in cells:
            cells[name] = load(plans.path_of(name)).cells
            kinds = [cell.metadata.get("slideshow", {}).get("slide_type") for cell in cells[name]]
            found += [cell for k, cell in enumerate(cells[name]) if not k or kinds[k] == "notes"]
        for part in sorted(plans.worked(row), key=lambda part: part.number):
            changed = {"source": part.source, "id": f"slide-{len(found)}"}
            found.append(nbformat.from_dict(cells[name][part.number] | changed))
    return new_notebook(cells=found)


def deck(notebook, title: str) -> str:
    """A notebook as one page of slides."""
    page, _ = DeckExporter().from_notebook_node(notebook, resources={"title": title})
    with tempfile.TemporaryDirectory() as scratch:
        font = Path(scratch) / "math.woff"
        formulas.write_font(font, [page])
        data = base64.b64encode(font.read_bytes()).decode()
    return page.replace("url(math.woff)", f"url(data:font/woff;base64,{data})")


def main(folder: Path, notebooks: list[Path], large: bool = False, lesson: str = "") -> None:
    """Write the deck of each notebook, under its name; or that of the lesson with these words in its title.

    Raises ValueError if no lesson has them, or more than one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    load = run_anew if large else stored
    if lesson:
        known = plans.lessons()
        chosen = [each for each in known if lesson in each["title"]]
        if len(chosen) != 1:
            titles = ", ".join(each["title"] for each in known)
            raise ValueError(f"--lesson is {lesson!r}; it needs words of one title: {titles}")
        title = chosen[0]["title"]
        pages = [(re.sub(r"\W+", "_", title).lower(), title, lambda: of_lesson(chosen[0], load))]
    else:
        pages = [(path.stem, titled(path), lambda path=path: load(path)) for path in notebooks]
    for name, title, notebook in pages:
        (folder / f"{name}.slides.html").write_text(deck(notebook(), title), encoding="utf-8")
    made = "1 deck is" if len(pages) == 1 else f"{len(pages)} decks are"
    print(f"{made} in {folder}. → and ← turn the slides, f fills the screen, s shows the notes.")


def titled(path: Path) -> str:
    """The title of a notebook's deck."""
    return path.stem.replace("_", " · ", 1).replace("_", " ")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder", type=Path)
    options.add_argument("notebooks", nargs="*", type=Path)
    options.add_argument("--large", action="store_true", help="run the notebooks and draw figures with larger letters")
    options.add_argument(
        "--lesson", metavar="TITLE", default="", help="only the lesson with this in its title, one deck"
    )
    given = options.parse_args()
    try:
        main(given.folder, given.notebooks, given.large, given.lesson)
    except ValueError as error:
        options.error(str(error))
