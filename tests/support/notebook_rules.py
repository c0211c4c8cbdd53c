"""The rules for notebooks. Each rule takes a `Lesson` and returns what breaks the rule, or nothing."""

import base64
import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

import nbformat
from bs4 import BeautifulSoup
from repository import SETUP_CELL, badge, kaggle_badge, machine_paths
from stored_notebook import ANSWER, NOT_OURS, STAND_IN, WIDGET_VIEW, is_folded
from tracked import ours

from lstm_lesson.exercises.exercise import exercises
from lstm_lesson.text import tokenize

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
METADATA = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
LINES, WORDS = 20, 150  # at most: lines of a code cell, words of a passage of prose
QUOTED = 8  # so many words in a row are a quotation
PADDING = ("simply", "obviously", "as we all know", "let's dive", "it is important to note", "in this section")
NOT_IN_A_LESSON = ("matplotlib", "plt.", "sys.path", "clear_output", "interact(", "torch.load(", "Output(")
CLOSING = ("What can go wrong", "For the teacher", "What you can do now")


@dataclass
class Lesson:
    """A notebook and its path."""

    path: Path

    @cached_property
    def notebook(self):
        return nbformat.read(self.path, as_version=nbformat.NO_CONVERT)

    @property
    def cells(self):
        return self.notebook.cells

    @property
    def code(self):
        return [cell for cell in self.cells if cell.cell_type == "code"]

    @property
    def prose(self):
        return [cell.source for cell in self.cells if cell.cell_type == "markdown"]

    @property
    def neighbours(self):
        """The lessons of the same folder, in their order."""
        return sorted(filter(ours, self.path.parent.glob("*.ipynb")))


# What is stored ------------------------------------------------------------------------------------------------------


def starts_with_the_setup_cell(lesson):
    if [cell.source for cell in lesson.cells[1:2] if cell.cell_type == "code"] != [SETUP_CELL]:
        yield "the second cell is not the set-up cell, or it was changed"


def keeps_no_other_metadata(lesson):
    """No widget state, no other kernel, no timing. The notebook is valid and its cells have ids."""
    for key in set(lesson.notebook.metadata) | set(METADATA):
        has, needs = lesson.notebook.metadata.get(key), METADATA.get(key)
        if has != needs:
            yield f"metadata.{key} is {str(has)[:60]}; it should be {needs}"
    for cell in lesson.cells:
        for key in set(cell.metadata) - {"tags", "slideshow"}:
            yield f"{head(cell)}: its metadata has {key!r}"
    try:
        nbformat.validate(lesson.notebook)
    except nbformat.ValidationError as error:
        yield f"not a valid notebook: {str(error).splitlines()[0]}"


def stores_no_widget_view(lesson):
    """A stored view has no kernel: the page shows an error instead of the explorer's picture."""
    for cell, output in outputs(lesson):
        if WIDGET_VIEW in output.get("data", {}):
            yield f"{head(cell)}: stores a widget view; `make notebooks` takes it out"


def stores_no_texts_of_others(lesson):
    """In the place of an output that shows texts of a data set stands a sentence."""
    for cell in lesson.code:
        if NOT_OURS in cell.metadata.get("tags", []) and any(text(o, "text/plain") != STAND_IN for o in cell.outputs):
            yield f"{head(cell)}: stores texts of others; `make notebooks` takes them out"


def quotes(lesson, runs: set[tuple[str, ...]]):
    """The outputs with a run of words out of `runs`, which has those of the data sets' texts."""
    for cell, output in outputs(lesson):
        if found := runs.intersection(word_runs([html.unescape(html.unescape(shown(output)))])):
            yield f"{head(cell)}: {' '.join(min(found))!r} stands in a data set"


def word_runs(texts: Iterable[str]) -> set[tuple[str, ...]]:
    """Every `QUOTED` words in a row."""
    split = map(tokenize, texts)
    return {run for words in split for run in zip(*(words[k:] for k in range(QUOTED)), strict=False)}


def ran_from_top_to_bottom(lesson):
    for expected, cell in enumerate(lesson.code, start=1):
        if cell.execution_count != expected:
            yield f"{head(cell)}: ran as number {cell.execution_count}; it should be {expected}"


def ran_without_errors_or_warnings(lesson):
    for cell, output in outputs(lesson):
        if output.output_type == "error" or output.get("name") == "stderr":
            yield f"{head(cell)}: {output.get('ename', 'stderr')}: {output.get('evalue', output.get('text', ''))[:80]}"


def names_no_place_on_a_machine(lesson):
    for cell in lesson.cells:
        for found in machine_paths(cell.source):
            yield f"{head(cell)}: {found}"
    for cell, output in outputs(lesson):
        text = shown(output)
        for found in machine_paths(text) + re.findall(r"\b0x[0-9a-f]{6,}\b", text):
            yield f"{head(cell)}: its output has {found}"


# The text --------------------------------------------------------------------------------------------------------


def has_one_title_and_skips_no_level(lesson):
    levels = [level for level, _ in headings(lesson)]
    if levels.count(1) != 1 or levels[:1] != [1]:
        yield f"{levels.count(1)} headings of level 1; it needs one, at the top"
    for above, (level, text) in zip(levels, headings(lesson)[1:], strict=False):
        if level > above + 1:
            yield f"{text!r} has level {level} under level {above}"


def has_short_code_cells(lesson):
    for cell in lesson.code:
        if len(cell.source.splitlines()) > LINES:
            yield f"{head(cell)}: {len(cell.source.splitlines())} lines; at most {LINES}"


def has_short_prose(lesson):
    """Words are counted between folds: long passages are not read, folded or not."""
    for source in lesson.prose:
        for passage in re.split(r"</?details[^>]*>", without_code(source)):
            words = len(re.findall(r"[A-Za-z][\w'’-]*", re.sub(r"(?m)^\|.*|\$\$.*?\$\$|\]\([^)]*\)", "", passage)))
            if words > WORDS:
                yield f"{source[:50]!r}: {words} words in one passage; at most {WORDS}"


def avoids_padding(lesson):
    for source in lesson.prose:
        text = re.sub(r"\$[^$]*\$|!\[|<!--", "", without_code(source))
        for word in (*PADDING, "!"):
            if found := re.search(rf".{{0,30}}{re.escape(word)}", text, re.I):
                yield f"{word!r} in {found[0]!r}"


def closes_its_folds(lesson):
    """Markdown inside <details> is rendered only after a blank line."""
    for source in lesson.prose:
        if source.count("<details") != source.count("</details>"):
            yield f"{source[:50]!r}: <details> not closed"
        for line in re.findall(r"(.*</summary>)(?!\n\s*\n)", source):
            yield f"no blank line under {line!r}"


def ends_as_every_lesson_does(lesson):
    text = "\n".join(lesson.prose)
    for part in CLOSING:
        if part not in text:
            yield f"no {part!r}"


# Predictions ---------------------------------------------------------------------------------------------------------

QUESTION = r"\*\*(?:Predict|Question|Quick question)\b"
IN_WORDS = "<details><summary>Answer</summary>"


def answers_every_prediction_in_words(lesson):
    """Folded, in the question's own cell or, below the code that answers it, in the next text."""
    for question, answers, below in predictions(lesson):
        own = IN_WORDS in re.split(QUESTION, question.source)[-1]
        if own and answers:
            yield f"{last_question(question)}: its answer in words stands above {head(answers[0])}, which answers it"
        elif not own and not below.startswith(IN_WORDS):
            yield f"{last_question(question)}: no folded answer in words ({IN_WORDS}) in this cell or in the next text"


def folds_every_answer(lesson):
    """What stands between a question and the next text answers it, unless it is tagged "material"."""
    for question, answers, _ in predictions(lesson):
        for cell in answers:
            if ANSWER not in cell.metadata.get("tags", []):
                yield f"{head(cell)}: follows {last_question(question)}; tag it {ANSWER!r}, or 'material'"
    for cell in lesson.code:
        if ANSWER in cell.metadata.get("tags", []) and cell.outputs and not is_folded(cell):
            yield f"{head(cell)}: its stored output is not folded; `make notebooks` does it"


def says_nothing_of_the_answer_in_the_code(lesson):
    """Under a question a figure's words come from captions.toml, and no text is printed that says what happens."""
    for cell in lesson.code:
        if ANSWER in cell.metadata.get("tags", []):
            for found in re.findall(r"\b(?:title|alt)=.{0,40}", cell.source):
                yield f"{head(cell)}: {found!r} stands under a question; put it into captions.toml"


def predictions(lesson):
    """(cell, code cells, next text) of each question: the code between it and the next text shows the answer."""
    for n, cell in enumerate(lesson.cells):
        if cell.cell_type != "markdown" or not re.search(QUESTION, cell.source):
            continue
        rest = lesson.cells[n + 1 :]
        count = next((k for k, other in enumerate(rest) if other.cell_type == "markdown"), len(rest))
        code = [c for c in rest[:count] if "material" not in c.metadata.get("tags", [])]
        yield (
            cell,
            [c for c in code if "NotImplementedError" not in c.source],
            rest[count].source if rest[count:] else "",
        )


def last_question(cell) -> str:
    return repr("**" + re.findall(rf"{QUESTION}.*", cell.source)[-1].lstrip("*")[:60])


# Pictures ------------------------------------------------------------------------------------------------------------


def describes_every_picture(lesson):
    html = [(source, source) for source in map(without_code, lesson.prose)]
    html += [(cell.source, text(output, "text/html")) for cell, output in outputs(lesson)]
    for source, page in html:
        for tag in re.findall(r"<img\b[^>]*>", page):
            if not re.search(r"""\balt=(?:"[^"]+"|'[^']+')""", tag):
                yield f"{source[:50]!r}: an <img> without alt text"
    for source in map(without_code, lesson.prose):
        if re.search(r"!\[\s*\]\(", source):
            yield f"{source[:50]!r}: a picture without alt text"
    for cell, output in outputs(lesson):
        if has_picture(output) and "<img" not in text(output, "text/html"):
            yield f"{head(cell)}: a picture without alt text"


def says_what_a_picture_shows(lesson):
    """One sentence on what to see, in Markdown directly under the picture."""
    for cell, below in zip(lesson.cells, [*lesson.cells[1:], None], strict=True):
        if cell.cell_type != "code" or not any(map(has_picture, cell.outputs)):
            continue
        if below is None or below.cell_type != "markdown" or re.match(r"#|<details>(?!<summary>Answer)", below.source):
            yield f"{head(cell)}: no sentence under its picture"


def attaches_no_drawing(lesson):
    """JupyterLab and Notebook 7 show a broken picture for an SVG that is attached to a text cell."""
    for cell in lesson.cells:
        for name, kinds in cell.get("attachments", {}).items():
            if set(kinds) - {"image/png", "image/jpeg"}:
                yield f"{head(cell)}: attaches {name} as {', '.join(kinds)}; attach it as PNG"


def draws_on_a_ground_of_its_own(lesson):
    """A viewer removes the style of a picture; dark lines on the ground of a dark page cannot be seen."""
    for cell, output in outputs(lesson):
        drawings = re.findall(r"data:image/svg\+xml;base64,([\w+/=]+)", text(output, "text/html"))
        for svg in [text(output, "image/svg+xml"), *(base64.b64decode(found).decode() for found in drawings)]:
            if svg and not has_ground(svg):
                yield f"{head(cell)}: its drawing does not begin with an opaque ground"


def has_ground(svg: str) -> bool:
    """Whether the first shape that an SVG draws is filled, white, and as large as the drawing."""
    soup = BeautifulSoup(re.sub(r"(?s)<defs>.*?</defs>", "", svg), "html.parser")
    first = soup.find(["rect", "polygon", "path", "circle", "ellipse", "line", "polyline", "text", "use"])
    if first is None or first.get("fill", "").lower() not in ("white", "#fff", "#ffffff"):
        return False
    wide, high = (float(v) for v in re.search(r'viewBox="[\d.-]+[ ,]+[\d.-]+[ ,]+([\d.]+)[ ,]+([\d.]+)"', svg).groups())
    if first.name == "rect":
        return float(first.get("width", 0)) >= wide and float(first.get("height", 0)) >= high
    xs, ys = zip(*((float(v) for v in point.split(",")) for point in first.get("points", "0,0").split()), strict=True)
    return max(xs) - min(xs) >= wide - 1 and max(ys) - min(ys) >= high - 1  # Graphviz rounds the size


def says_all_without_what_a_viewer_removes(lesson):
    """GitHub removes frames, scripts and styles: a still picture stays, and no colour alone says anything."""
    for cell, output in outputs(lesson):
        page = text(output, "text/html")
        if "<iframe" in page and not re.search(r'<img\b[^>]*src="data:', re.sub(r"(?s)<iframe.*?</iframe>", "", page)):
            yield f"{head(cell)}: a frame without a still picture beside it"
        outside = re.sub(r"(?s)<iframe.*?</iframe>", "", page)
        for found in re.findall(r"<(?:script|style|object|embed|form|input|button|canvas|video|audio|svg)\b", outside):
            yield f"{head(cell)}: {found}> in its output, which a viewer removes"
        for found in re.findall(
            r'style="([^"]*(?:color|display|visibility)[^"]*)"', re.sub(r"<img\b[^>]*>", "", outside)
        ):
            yield f"{head(cell)}: style {found!r} in its output, which a viewer removes"


def compares_no_picture(lesson):
    """A cell whose output is compared on every machine may show text only."""
    for cell, output in outputs(lesson):
        if "nbval-check-output" in cell.metadata.get("tags", []) and has_picture(output):
            yield f"{head(cell)}: tagged nbval-check-output, and shows a picture"


def colours_formulas_in_braces(lesson):
    """Without outer braces MathJax 3 colours the rest of the formula too."""
    for source in lesson.prose:
        for found in re.findall(r"(?<!\{)\\color\{[^}]*\}.{0,10}", source):
            yield f"{found!r} without outer braces"


# Code and exercises --------------------------------------------------------------------------------------------------


def leaves_plumbing_to_the_package(lesson):
    for cell in lesson.code:
        for word in NOT_IN_A_LESSON:
            if word in cell.source:
                yield f"{head(cell)}: {word}"
        if cell.source.rstrip().endswith(";"):
            yield f"{head(cell)}: ends with a semicolon"


def checks_every_stub(lesson):
    """A stub ends with its check; the heading above it has the catalogue's minutes and difficulty."""
    for above, cell in zip(lesson.cells, lesson.cells[1:], strict=False):
        if cell.cell_type != "code" or "NotImplementedError" not in cell.source:
            continue
        name = re.findall(r"(?m)^(?:def|class) (\w+)", cell.source)[-1]
        last = cell.source.rstrip().splitlines()[-1]
        if last != f"check({name})":
            yield f"{head(cell)}: ends with {last!r}; it should check its stub"
        minutes, difficulty = exercises()[name].minutes, exercises()[name].difficulty
        heading = f"### Your turn: `{name}` · {minutes} minutes · {'●' * difficulty:○<3}"
        if above.cell_type != "markdown" or heading not in above.source.splitlines():
            yield f"{head(cell)}: no {heading!r} above it"


# Links ---------------------------------------------------------------------------------------------------------------


def carries_its_own_badge(lesson):
    for service, line in {"Colab": badge, "Kaggle": kaggle_badge}.items():
        if line(lesson.path.name) not in lesson.cells[0].source.splitlines():
            yield f"the first cell has no line with this notebook's {service} badge"


def links_to_what_exists(lesson):
    return [complaint for source in lesson.prose for complaint in broken_links(source, lesson.path)]


def leads_to_its_neighbours(lesson):
    links = dict(re.findall(r"\[(Previous|Contents|Next)[^\]]*\]\(([^)]*)\)", lesson.cells[-1].source))
    names = [path.name for path in lesson.neighbours]
    here = names.index(lesson.path.name)
    expected = {"Previous": names[here - 1] if here else None, "Next": [*names, None][here + 1]}
    expected |= {"Contents": names[0]} if here else {}
    for word, target in expected.items():
        if links.get(word) != target:
            yield f"{word} leads to {links.get(word)}; it should be {target}"


RULES = [
    starts_with_the_setup_cell,
    keeps_no_other_metadata,
    stores_no_widget_view,
    stores_no_texts_of_others,
    ran_from_top_to_bottom,
    ran_without_errors_or_warnings,
    names_no_place_on_a_machine,
    has_one_title_and_skips_no_level,
    has_short_code_cells,
    has_short_prose,
    avoids_padding,
    closes_its_folds,
    ends_as_every_lesson_does,
    answers_every_prediction_in_words,
    folds_every_answer,
    says_nothing_of_the_answer_in_the_code,
    describes_every_picture,
    says_what_a_picture_shows,
    attaches_no_drawing,
    draws_on_a_ground_of_its_own,
    says_all_without_what_a_viewer_removes,
    compares_no_picture,
    colours_formulas_in_braces,
    leaves_plumbing_to_the_package,
    checks_every_stub,
    carries_its_own_badge,
    links_to_what_exists,
    leads_to_its_neighbours,
]


# Small tools ---------------------------------------------------------------------------------------------------------


def head(cell) -> str:
    """The first line of a cell, which names it in a message."""
    return repr(cell.source.strip().split("\n")[0][:60])


def outputs(lesson):
    return [(cell, output) for cell in lesson.code for output in cell.outputs]


def text(output, kind) -> str:
    return "".join(output.get("data", {}).get(kind, ""))


def shown(output) -> str:
    """All text of an output, without pictures, which are base64."""
    kinds = [kind for kind in output.get("data", {}) if kind.startswith("text/") or kind == "image/svg+xml"]
    parts = [output.get("text", ""), *output.get("traceback", []), *(text(output, kind) for kind in kinds)]
    return re.sub(r"data:[\w/+-]+;base64,[\w+/=]+", "", "\n".join(parts))


def has_picture(output) -> bool:
    return any(k.startswith("image/") for k in output.get("data", {})) or "<img" in text(output, "text/html")


def without_code(source: str) -> str:
    """Markdown without code blocks and code spans."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"(?ms)^(```|~~~).*?^\1\s*$", "", source))


def headings(lesson) -> list[tuple[int, str]]:
    lines = "\n".join(re.sub(r"(?ms)^(```|~~~).*?^\1\s*$", "", source) for source in lesson.prose)
    marked = re.findall(r"(?m)^(#{1,6})\s+(.*?)\s*$|^<h([1-6])[^>]*>(.*?)</h", lines)
    return [(len(marks) or int(number), title or inner) for marks, title, number, inner in marked]


def broken_links(source: str, at: Path):
    """Links of Markdown or HTML that lead to no file, or to no heading of a notebook."""
    found = re.findall(r"\]\(([^)\s]+)\)", without_code(source))
    found += re.findall(r"""<(?:a|img)\b[^>]*\b(?:href|src)=["']([^"']+)""", source)
    for target in found:
        if re.match(r"[a-z]+:", target):  # https:, data:, attachment:
            continue
        name, _, anchor = unquote(target).partition("#")
        path = at.parent / name if name else at
        if not path.exists():
            yield f"{target} leads to no file"
        elif anchor and anchor not in {re.sub(r"\s", "-", title) for _, title in headings(Lesson(path))}:
            yield f"{target} leads to no heading"
