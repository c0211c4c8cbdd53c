"""Convert notebooks to pages with nbconvert: a template, formulas as MathML, links between the pages."""

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
NOT_OURS = "texts-of-others"  # the tag of a cell whose output shows texts that the site may not publish
LEFT_OUT = "*These texts belong to their authors and are not passed on here: run the notebook to read some.*"
LONG = 24  # signs: a longer formula in a line scrolls in its own box on a narrow screen
STILL = '<p class="still">A still picture: with a kernel, its sliders move.{}</p>'
LIVE = ' <a href="playground.html">This one also moves without</a>.'


@dataclass
class Lesson:
    """A notebook, and the facts in its first cell."""

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
    """The title, question, minutes and Colab link of a notebook. ValueError if its first cell lacks one."""
    first = read(path).cells[0].source
    parts = {"title": r"# (\d\d) · (.+)", "question": r"\*\*(.+?\?)\*\*", "minutes": r"(\d+)\s+minutes",
             "Colab link": r"\]\((https://colab[^)\s]+\.ipynb)\)"}  # fmt: skip
    found = {name: re.search(pattern, first) for name, pattern in parts.items()}
    if missing := [name for name, match in found.items() if not match]:
        raise ValueError(f"the first cell of {path.name} has no {missing[0]}; every lesson's has one")
    number, title = found["title"].groups()
    return Lesson(path, number, title, *(found[name][1] for name in ("question", "minutes", "Colab link")))


class LessonRenderer(IPythonRenderer):
    """nbconvert's Markdown, with other formulas, links between notebooks, wide tables and Colab badge."""

    def block_math(self, body: str) -> str:
        return formula(body, display=True)

    def inline_math(self, body: str) -> str:
        made = formula(body)
        long = len(re.sub(r"<[^>]*>", "", made)) > LONG
        return f'<span class="long">{made}</span>' if long else made

    def latex_environment(self, name: str, body: str) -> str:
        return formula(f"\\begin{{{name}}}{body}\\end{{{name}}}", display=True)

    def table(self, text: str) -> str:
        return f'<div class="wide"><table>{without_empty_heads(text)}</table></div>\n'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        if url.endswith(("/colab-badge.svg", "/open-in-kaggle.svg")):
            return text  # the link around it becomes a button
        return f'<span class="picture">{super().image(text, url, title)}</span>'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        if re.match(r"https://colab\.[^ ]*\.ipynb$", url):
            here = url.rsplit("/", 1)[1]
            buttons = {"Open in Colab": url, "Download the notebook": f"downloads/{here}"}
            return " ".join(f'<a class="button" href="{to}">{name}</a>' for name, to in buttons.items())
        if url.startswith("https://kaggle.com/kernels/welcome"):
            return f'<a class="button" href="{url}">{text}</a>'
        return super().link(text, re.sub(r"^([\w-]+)\.ipynb", r"\1.html", url), title)


class ForThePage(Preprocessor):
    """Change a notebook into a page: pictures as files, links to neighbours in the footer, no texts of others."""

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
        frame = re.search(r"(?s)<iframe.*?</iframe>", html)  # the inspector works without a kernel ...
        html = html.replace(frame[0], "") if frame else html
        html = html.replace("<table", '<div class="wide"><table').replace("</table>", "</table></div>")
        html = without_empty_heads(html)
        shown = re.sub(r"<img[^>]*>", lambda found: picture(found[0], resources), html)
        if frame:  # ... but not on paper or without scripts: there stands its picture
            alive = frame[0].replace("position:absolute;left:0;top:0;", "")
            return f'<div class="needs-script on-screen">{alive}</div><div class="instead">{shown}</div>'
        live = LIVE if "CellPlayground" in cell.source else ""
        return shown + STILL.format(live) if "lesson-picture" in html else shown


def without_empty_heads(html: str) -> str:
    """A table's empty corner is no heading: screen readers would announce it as one."""
    return re.sub(r"<th\b[^>]*>\s*</th>", "<td></td>", html)


def parts(cell):
    """(anchor, text) of each heading of level 2 in a Markdown cell."""
    if "## " not in cell.source:
        return []
    soup = BeautifulSoup(rendered(cell.source), "html.parser")
    for mark in soup.select(".anchor-link"):
        mark.decompose()
    return [(heading["id"], heading.decode_contents()) for heading in soup.select("h2")]


def picture(tag: str, resources) -> str:
    """Move an image from its tag to a file. The tag gets the height, so that the page does not move when it loads."""
    kind, data = re.search(r'src="data:image/([\w+]+);base64,([^"]+)"', tag).groups()
    content = base64.b64decode(data)
    name = f"pictures/{resources['lesson'].number}-{len(resources['outputs']) + 1}.{kind.split('+')[0]}"
    resources["outputs"][name] = content
    width = int(re.search(r'width="(\d+)"', tag)[1])
    height = round(width * aspect_ratio(content))
    alt = re.search(r'alt="[^"]*"', tag)[0]
    return f'<div class="picture"><img loading="lazy" src="{name}" width="{width}" height="{height}" {alt}></div>'


def aspect_ratio(content: bytes) -> float:
    """The height of a PNG or SVG divided by its width."""
    if content.startswith(b"\x89PNG"):
        width, height = struct.unpack(">II", content[16:24])
    else:
        width, height = map(float, re.search(rb'width="([\d.]+)\w*"\s+height="([\d.]+)\w*"', content).groups())
    return height / width


def rendered(source: str, **more) -> str:
    """A cell's Markdown as HTML, with no line break between a formula and the comma after it."""
    html = MarkdownWithMath(renderer=LessonRenderer(escape=False, **more)).render(source)
    return re.sub(
        r'(?s)((?:<span class="long">)?<math\b(?:(?!<math\b).)*</math>(?:</span>)?[,.;:?!)]+)',
        r'<span class="held">\1</span>',
        html,
    )


class LessonExporter(HTMLExporter):
    """nbconvert's HTML exporter with the template beside this file."""

    def __init__(self, **settings):
        super().__init__(template_name="template", extra_template_basedirs=[str(HERE)], **settings)
        for step in (ExtractAttachmentsPreprocessor, ForThePage):
            self.register_preprocessor(step, enabled=True)

    def default_filters(self):
        yield from super().default_filters()
        yield ("markdown2html", rendered)


ANSWER = re.compile(
    r'(?s)<details(?: class="answer"[^>]*)?>\s*<summary>(?:Answer|Show the answer)</summary>(.*?)</details>'
)


def with_answers_at_the_end(page: str) -> str:
    """The page with each folded answer to a question once more at its end: in print the folds give way to these."""
    found = []

    def numbered(match) -> str:
        found.append(match[1])
        fold = re.sub(r"<details[^>]*>", '<details class="answer">', match[0], count=1)
        return f'{fold}<p class="in-print">Answer {len(found)} stands on the last page.</p>'

    page = ANSWER.sub(numbered, page)
    if not found:
        return page
    texts = [re.sub(r' id="[^"]*"', "", text) for text in found]
    copies = "".join(f"<div><h3>Answer {n}</h3>{text}</div>" for n, text in enumerate(texts, start=1))
    return page.replace("</main>", f'<section class="in-print answers"><h2>Answers</h2>{copies}</section>\n</main>', 1)


def without_outputs(path: Path) -> str:
    """The notebook without its outputs, for download."""
    notebook = read(path)
    return nbformat.writes(ClearOutputPreprocessor(enabled=True).preprocess(notebook, {})[0])
