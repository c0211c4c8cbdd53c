"""Cut a notebook into the pieces of its slides: text, code that is the point, outputs; no set-up, no other folds.

A piece is a cell with `metadata.slide`: its `kind`, and whether a slide `begins` with it. `template/deck.js` packs the
pieces into slides of 1280 × 720 and cuts what is too long.
"""

import ast
import html
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tools" / "site")]

from folds import is_answer, is_question, parts  # noqa: E402
from nbconvert.preprocessors import Preprocessor  # noqa: E402
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output  # noqa: E402
from stored_notebook import ANSWER, is_folded  # noqa: E402

from lstm_lesson import equations  # noqa: E402
from lstm_lesson.exercises.exercise import exercises  # noqa: E402

SHOW, HIDE = "slide-code", "slide-no-code"  # tags of a cell whose code is, or isn't, the point of its slide
LONG, LINES, WIDE = 14, 16, 80  # lines of code, lines on a slide, their characters: what is longer is not the point
SHORT = 6  # lines of code that are shown above a bare value
EQUATIONS = {name for name in vars(equations) if not name.startswith("_")} & set(exercises()) | {"rnn_step"}
ABOUT_ANSWERS = {"check", "yours", "guess", "guesses", "hint", "solution", "report", "progress"}
BADGE = re.compile(r"\n*\[!\[[^\]]*\]\([^)]*\)\]\([^)]*\)|(?m:^\[Previous\]\(.*)")  # and links to the neighbours
WHOSE_CODE = re.compile(r"`\w+`: (?:the package's code|your code)")
PROGRESS = re.compile(r".* · (?:loss|best validation accuracy|\d+ (?:updates|runs|batches))\b.* s$")
BARE = re.compile(r"tensor\(|[\[({]|-?[\d.]+$|True|False|None")  # a value without a word that says what it is
ASKS = re.compile(r"\*\*(?:Predict|Question|Quick question)\b")
CHOICE = re.compile(r"(?m)^  ([a-z])\) (.*)$")


def code_is_the_point(cell, announced: bool = False) -> bool:
    """Whether a code cell holds an exercise, or a few lines that apply an equation and draw nothing.

    So do a few lines without which their output, a bare value, says nothing, and lines without output that the text
    above has announced.
    """
    tags = cell.metadata.get("tags", [])
    if SHOW in tags or HIDE in tags or "NotImplementedError" in cell.source:
        return HIDE not in tags
    lines = cell.source.splitlines()
    long = len([line for line in lines if line.strip()])
    if long > LONG or sum(len(line) // WIDE + 1 for line in lines) > LINES or alone(cell.source):
        return False
    outputs = list(unfolded(cell))
    called, products = calls(cell.source)
    needed = announced if not outputs else long <= SHORT and is_bare(outputs[0])
    return needed or ("plots" not in called and (products or bool(called & EQUATIONS)))


def is_bare(output) -> bool:
    """Whether an output is a value without a word."""
    return BARE.match(output.get("text", "")) is not None


def calls(source: str) -> tuple[set[str], bool]:
    """The first names of what a cell calls, and whether it has a matrix product."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:  # a line for IPython, such as %pip
        return set(), False
    called = [node.func for node in nodes if isinstance(node, ast.Call)]
    names = {ast.unparse(function).split(".")[0] for function in called}
    return names, any(isinstance(getattr(node, "op", None), ast.MatMult) for node in nodes)


class IntoPieces(Preprocessor):
    """Replace the cells of a notebook by the pieces of its slides; the notes for the teacher become a resource."""

    def preprocess(self, nb, resources):
        """All cells, in order."""
        kinds = [cell.metadata.get("slideshow", {}).get("slide_type", "-") for cell in nb.cells]
        notes = [cell.source for cell, kind in zip(nb.cells, kinds, strict=True) if kind == "notes"]
        resources["notes"] = [fold["text"] for source in notes for fold in parts(source) if fold["summary"]]
        found = []
        for cell, kind in zip(nb.cells, kinds, strict=True):
            stub = cell.cell_type == "code" and "NotImplementedError" in cell.source
            if kind == "notes" or (kind == "skip" and not stub):
                continue
            announced = bool(found) and found[-1].source.endswith(":")
            made = list(of_text(cell) if cell.cell_type == "markdown" else of_code(cell, announced))
            for piece in made:
                piece |= {"attachments": cell.attachments} if "attachments" in cell else {}
            if made and found:
                made[0].metadata.slide["begins"] = begins(found[-1], made[0], kind)
            found += made
        nb.cells = found
        return nb, resources


def begins(before, piece, slide_type: str) -> bool:
    """Whether a slide begins with the first piece of a cell, after the last of the cell before."""
    slide, last = piece.metadata.slide, before.metadata.slide
    if slide["kind"] == "answer":  # in words, below what was measured
        return not (last["answers"] and last["kind"] == "output")
    if slide["kind"] in ("code", "output"):  # an answer goes on; a class works on an exercise before it goes on
        return "NotImplementedError" in before.source or (slide["begins"] and not last["answers"])
    asks = ASKS.search(piece.source) is not None or piece.source.endswith("?**")
    return slide_type in ("slide", "subslide") or (asks and last["answers"])


def text(source: str, kind: str = "text", begins: bool = False):
    """A piece of Markdown."""
    return new_markdown_cell(source, metadata={"slide": {"kind": kind, "begins": begins, "answers": kind == "answer"}})


def code(source: str, outputs=(), begins: bool = False, answers: bool = False):
    """A piece of code, or with outputs one without its code; `answers` if it belongs to the answer to a question."""
    slide = {"kind": "output" if outputs else "code", "begins": begins, "answers": answers}
    return new_code_cell(source, outputs=list(outputs), metadata={"slide": slide})


def of_text(cell):
    """The pieces of a text: a folded answer comes on a slide of its own, a fold that answers nothing does not come."""
    begins = False
    for part in parts(BADGE.sub("", cell.source)):
        if part["summary"] is None:
            yield text(part["text"], begins=begins and ASKS.search(part["text"]) is not None)
        elif is_question(part["summary"]):
            yield text(f"**{part['summary']}**", begins=begins)
        if part["summary"] and (is_answer(part["summary"]) or is_question(part["summary"])):
            heading = part["summary"] if is_answer(part["summary"]) else "Answer"
            yield text(f"#### {heading}\n\n{part['text']}", "answer", begins=True)
            begins = True  # a question after an answer


def of_code(cell, announced: bool = False):
    """The pieces of a code cell: its code if that is the point, then its outputs."""
    called, _ = calls(cell.source)
    answers = ANSWER in cell.metadata.get("tags", [])
    shown = code_is_the_point(cell, announced)
    if shown:
        yield code(cell.source, begins=answers, answers=answers)
    if "guess" in called:
        choices = CHOICE.findall("".join(output.get("text", "") for output in cell.outputs))
        yield text("\n".join(f"- **{letter}** · {words}" for letter, words in choices), "choices")
    elif "NotImplementedError" not in cell.source and not alone(cell.source):
        for k, output in enumerate(unfolded(cell)):
            apart_from_code = k == 0 and not (shown and is_bare(output))
            yield code("", [output], begins=answers and apart_from_code, answers=answers)


def alone(source: str) -> bool:
    """Whether a cell does nothing but ask `check`, `yours` or another of the functions for answers."""
    try:
        lines = ast.parse(source).body
    except SyntaxError:
        return False
    asked = [getattr(line, "value", None) for line in lines]
    return all(isinstance(each, ast.Call) and ast.unparse(each.func) in ABOUT_ANSWERS for each in asked)


def unfolded(cell):
    """The outputs of a cell without the fold around an answer, and without lines that are no result.

    These say whose code runs or, in an answer or beside another output, how far a training has come.
    """
    found = joined(apart(cell) if is_folded(cell) else cell.outputs)
    results = [left for output in found if (left := without((WHOSE_CODE, PROGRESS), output))]
    if results or is_folded(cell):
        return results
    return [left for output in found if (left := without((WHOSE_CODE,), output))]


def apart(cell):
    """The outputs in a folded one: its texts, and what stands between them."""
    page = cell.outputs[0].data["text/html"].split("</summary>\n", 1)[1].removesuffix("\n</details>")
    for k, part in enumerate(re.split(r"(?ms)^<pre>(.*?)</pre>$", page)):
        if k % 2:
            yield new_output("stream", name="stdout", text=html.unescape(part))
        elif part.strip():
            yield new_output("display_data", {"text/html": part.strip()})


def without(noise, output):
    """An output without the lines of its text that match one of these; None if nothing is left."""
    if "text" not in output:
        return output
    lines = [line for line in output.text.splitlines() if not any(each.match(line) for each in noise)]
    return new_output("stream", name="stdout", text="\n".join(lines)) if "".join(lines).strip() else None


def joined(outputs):
    """The outputs, lines of text below each other as one."""
    found = []
    for output in outputs:
        words = output.get("text") or output.get("data", {}).get("text/plain", "")
        plain = set(output.get("data", {})) <= {"text/plain"}
        if plain and found and found[-1].output_type == "stream":
            found[-1].text += "\n" * (not found[-1].text.endswith("\n")) + words
        else:
            found.append(new_output("stream", name="stdout", text=words) if plain else output)
    return found
