"""Cut a notebook into the pieces of its slides: text, code that is the point, outputs; no set-up, no other folds.

A piece is a cell with `metadata.slide`: its `kind`, and whether a slide `begins` with it. `template/deck.js` packs the
pieces into slides of 1280 × 720 and cuts what is too long.
"""

import ast
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
LONG = 14  # lines: longer code that is no exercise is not the point
EQUATIONS = {name for name in vars(equations) if not name.startswith("_")} & set(exercises()) | {"rnn_step"}
ABOUT_ANSWERS = {"check", "yours", "guess", "guesses", "hint", "solution", "report", "progress"}
BADGE = re.compile(r"\n*\[!\[[^\]]*\]\([^)]*\)\]\([^)]*\)")
WHOSE_CODE = re.compile(r"(?m)^`\w+`: (?:the package's code|your code).*\n?")
ASKS = re.compile(r"\*\*(?:Predict|Question|Quick question)\b")
CHOICE = re.compile(r"(?m)^  ([a-z])\) (.*)$")


def code_is_the_point(cell) -> bool:
    """Whether a code cell holds an exercise, or a few lines that apply an equation and draw nothing."""
    tags = cell.metadata.get("tags", [])
    if SHOW in tags or HIDE in tags or "NotImplementedError" in cell.source:
        return HIDE not in tags
    called, products = calls(cell.source)
    short = len([line for line in cell.source.splitlines() if line.strip()]) <= LONG
    return short and "plots" not in called and (products or bool(called & EQUATIONS))


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
            made = list(of_text(cell) if cell.cell_type == "markdown" else of_code(cell))
            for piece in made:
                piece |= {"attachments": cell.attachments} if "attachments" in cell else {}
            if made and kind in ("slide", "subslide"):
                made[0].metadata.slide["begins"] = True
            elif (
                made and cell.cell_type == "code" and found and found[-1].metadata.slide["kind"] in ("answer", "output")
            ):
                made[0].metadata.slide["begins"] = False  # the answer goes on
            found += made
        nb.cells = found
        return nb, resources


def text(source: str, kind: str = "text", begins: bool = False):
    """A piece of Markdown."""
    return new_markdown_cell(source, metadata={"slide": {"kind": kind, "begins": begins}})


def of_text(cell):
    """The pieces of a text: a folded answer comes on a slide of its own, a fold that answers nothing does not come."""
    begins = False
    for part in parts(BADGE.sub("", cell.source)):
        if part["summary"] is None:
            yield text(part["text"], begins=begins and ASKS.search(part["text"]) is not None)
        elif is_question(part["summary"]):
            yield text(f"**{part['summary']}**", begins=begins)
        if part["summary"] and (is_answer(part["summary"]) or is_question(part["summary"])):
            yield text(f"#### Answer\n\n{part['text']}", "answer", begins=True)
            begins = True  # a question after an answer


def of_code(cell):
    """The pieces of a code cell: its code if that is the point, then its outputs."""
    called, _ = calls(cell.source)
    answers = ANSWER in cell.metadata.get("tags", [])
    stub = "NotImplementedError" in cell.source
    shown = code_is_the_point(cell)
    if shown:
        yield new_code_cell(cell.source, metadata={"slide": {"kind": "code", "begins": answers}})
    if "guess" in called:
        choices = CHOICE.findall("".join(output.get("text", "") for output in cell.outputs))
        yield text("\n".join(f"- **{letter}** · {words}" for letter, words in choices), "choices")
    elif not stub and not alone(cell.source):
        for k, output in enumerate(unfolded(cell)):
            yield new_code_cell(
                "", outputs=[output], metadata={"slide": {"kind": "output", "begins": answers and k == 0}}
            )


def alone(source: str) -> bool:
    """Whether a cell does nothing but ask `check`, `yours` or another of the functions for answers."""
    try:
        lines = ast.parse(source).body
    except SyntaxError:
        return False
    asked = [getattr(line, "value", None) for line in lines]
    return all(isinstance(each, ast.Call) and ast.unparse(each.func) in ABOUT_ANSWERS for each in asked)


def unfolded(cell):
    """The outputs of a cell without the fold around an answer, and without the lines that say whose code runs."""
    for output in joined(cell.outputs):
        if is_folded(cell):
            page = output.data["text/html"].split("</summary>\n", 1)[1].removesuffix("\n</details>")
            output = new_output("display_data", {"text/html": WHOSE_CODE.sub("", page)})
        elif "text" in output:
            output = new_output("stream", name="stdout", text=WHOSE_CODE.sub("", output.text))
        yield from [output] if output.get("text", "-").strip() else []


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
