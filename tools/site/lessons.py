"""Notebooks to pages, through nbconvert: its HTML exporter with a template, formulas as MathML, links to pages."""

import base64
import re
import struct
from dataclasses import dataclass
from pathlib import Path

import nbformat
from bs4 import BeautifulSoup
from formulas import formula
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import ClearOutputPreprocessor, ExtractAttachmentsPreprocessor, Preprocessor

HERE = Path(__file__).resolve().parent
NOT_OURS = "texts-of-others"  # the tag of a cell whose output shows texts that we may not pass on
LEFT_OUT = "*These texts belong to their authors and are not passed on here: run the notebook to read some.*"
STILL = '<p class="still">A still picture: with a kernel, its sliders move.{}</p>'
LIVE = ' <a href="playground.html">This one also moves without</a>.'


@dataclass
class Lesson:
    """A notebook, and what its first cell says of it."""

    path: Path
    number: str
    title: str
    question: str
    minutes: str
    colab: str

    @property
    def page(self) -> str:
        return f"{self.path.stem}.html"

    @property
    def download(self) -> str:
        return f"downloads/{self.path.name}"


def read(path: Path):
    """A notebook as it is stored."""
    return nbformat.read(path, as_version=4)


def lesson(path: Path) -> Lesson:
    """What a notebook is about; ValueError if its first cell does not say it."""
    first = read(path).cells[0].source
    parts = {"title": r"# (\d\d) · (.+)", "question": r"\*\*(.+?\?)\*\*", "minutes": r"(\d+)\s+minutes",
             "Colab link": r"\]\((https://colab[^)\s]+\.ipynb)\)"}  # fmt: skip
    found = {name: re.search(pattern, first) for name, pattern in parts.items()}
    if missing := [name for name, match in found.items() if not match]:
        raise ValueError(f"the first cell of {path.name} has no {missing[0]}; every lesson's has one")
    number, title = found["title"].groups()
    return Lesson(path, number, title, *(found[name][1] for name in ("question", "minutes", "Colab link")))


class LessonRenderer(IPythonRenderer):
    """Markdown as nbconvert renders it, but for formulas, links between notebooks, wide tables and the Colab badge."""

    def block_math(self, body: str) -> str:
        return formula(body, display=True)

    def inline_math(self, body: str) -> str:
        return formula(body)

    def latex_environment(self, name: str, body: str) -> str:
        return formula(f"\\begin{{{name}}}{body}\\end{{{name}}}", display=True)

    def table(self, text: str) -> str:
        return f'<div class="wide"><table>{text}</table></div>\n'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        if url.endswith("/colab-badge.svg"):
            return text  # the link around it becomes a button
        return f'<span class="picture">{super().image(text, url, title)}</span>'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        if re.match(r"https://colab\.[^ ]*\.ipynb$", url):
            here = url.rsplit("/", 1)[1]
            buttons = {"Open in Colab": url, "Download the notebook": f"downloads/{here}"}
            return " ".join(f'<a class="button" href="{to}">{name}</a>' for name, to in buttons.items())
        return super().link(text, re.sub(r"^([\w-]+)\.ipynb", r"\1.html", url), title)


class ForThePage(Preprocessor):
    """What a page shows otherwise than a notebook: pictures as files, neighbours in its footer, nobody else's texts."""

    def preprocess(self, nb, resources):
        nb.cells[-1].source = re.sub(r"\n*[^\n]*\[(?:Previous|Next)\]\([^\n]*\s*$", "", nb.cells[-1].source)
        nb.cells = [cell for cell in nb.cells if cell.source]
        nb, resources = super().preprocess(nb, resources)
        resources["contents"] = [found for cell in nb.cells if cell.cell_type == "markdown" for found in parts(cell)]
        return nb, resources

    def preprocess_cell(self, cell, resources, index):
        if NOT_OURS in cell.metadata.get("tags", []):
            cell.outputs = [nbformat.v4.new_output("display_data", {"text/markdown": LEFT_OUT})]
        for output in cell.get("outputs", []):
            if html := output.get("data", {}).get("text/html"):
                output.data["text/html"] = self.for_the_page(html, cell, resources)
        return cell, resources

    def for_the_page(self, html, cell, resources):
        if "<iframe" in html:  # the inspector is alive by itself; its still picture stands in for it in a notebook
            return re.search(r"(?s)<iframe.*?</iframe>", html)[0].replace("position:absolute;left:0;top:0;", "")
        html = html.replace("<table", '<div class="wide"><table').replace("</table>", "</table></div>")
        shown = re.sub(r"<img[^>]*>", lambda found: picture(found[0], resources), html)
        live = LIVE if "CellPlayground" in cell.source else ""
        return shown + STILL.format(live) if "lesson-picture" in html else shown


def parts(cell):
    """(anchor, text) of each heading of level 2 in a Markdown cell."""
    if "## " not in cell.source:
        return []
    soup = BeautifulSoup(rendered(cell.source), "html.parser")
    for mark in soup.select(".anchor-link"):
        mark.decompose()
    return [(heading["id"], heading.decode_contents()) for heading in soup.select("h2")]


def picture(tag: str, resources) -> str:
    """An image whose data stand in the tag: put into a file of its own, its height told, so that nothing jumps."""
    kind, data = re.search(r'src="data:image/([\w+]+);base64,([^"]+)"', tag).groups()
    content = base64.b64decode(data)
    name = f"pictures/{resources['lesson'].number}-{len(resources['outputs']) + 1}.{kind.split('+')[0]}"
    resources["outputs"][name] = content
    width = int(re.search(r'width="(\d+)"', tag)[1])
    height = round(width * tall(content))
    alt = re.search(r'alt="[^"]*"', tag)[0]
    return f'<div class="picture"><img loading="lazy" src="{name}" width="{width}" height="{height}" {alt}></div>'


def tall(content: bytes) -> float:
    """The height of a PNG or SVG by its width."""
    if content.startswith(b"\x89PNG"):
        width, height = struct.unpack(">II", content[16:24])
    else:
        width, height = map(float, re.search(rb'width="([\d.]+)\w*"\s+height="([\d.]+)\w*"', content).groups())
    return height / width


def rendered(source: str, **more) -> str:
    """A cell's Markdown as HTML. No line ends between a formula and the comma after it."""
    html = MarkdownWithMath(renderer=LessonRenderer(escape=False, **more)).render(source)
    return re.sub(r"(?s)(<math\b(?:(?!<math\b).)*</math>[,.;:?!)]+)", r'<span class="held">\1</span>', html)


class LessonExporter(HTMLExporter):
    """nbconvert's HTML exporter with the template beside this file."""

    def __init__(self, **settings):
        super().__init__(template_name="template", extra_template_basedirs=[str(HERE)], **settings)
        for step in (ExtractAttachmentsPreprocessor, ForThePage):
            self.register_preprocessor(step, enabled=True)

    def default_filters(self):
        yield from super().default_filters()
        yield ("markdown2html", rendered)


def without_outputs(path: Path) -> str:
    """The notebook as it is handed out for running: what its cells gave is left out."""
    notebook = read(path)
    return nbformat.writes(ClearOutputPreprocessor(enabled=True).preprocess(notebook, {})[0])
