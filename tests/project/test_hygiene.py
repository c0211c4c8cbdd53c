"""Every notebook keeps every rule, and every rule finds the mistakes that it is for."""

import base64

import nbformat
import notebook_rules as rules
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from repository import NOTEBOOKS, SETUP_CELL, badge, kaggle_badge
from stored_notebook import WIDGET_VIEW, folded

PICTURE = {"image/png": "aGVyZQ==", "text/html": '<img alt="a curve that falls" src="data:image/png;base64,aGVyZQ==">'}
STUB = "def half_life(f):\n    raise NotImplementedError\n\ncheck(half_life)"
FOLDED = folded([new_output("display_data", PICTURE | {"text/plain": "a curve"})])
BADGES = f"{badge('01_lesson.ipynb')}\n{kaggle_badge('01_lesson.ipynb')}"
CLOSING = "".join(f"\n\n<details><summary>{part}</summary>\n\nText.\n\n</details>" for part in rules.CLOSING)


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_keeps_the_rule(path, rule):
    assert list(rule(rules.Lesson(path))) == []


def good_lesson():
    """The smallest lesson that keeps every rule."""
    cells = [
        new_markdown_cell(f"# 01 · A lesson\n\n**Does it hold?** 20 minutes.\n\n{BADGES}"),
        new_code_cell(SETUP_CELL),
        new_markdown_cell("## A part\n\nSee [the start](00_start.ipynb#The-first-part) and $5!$ and `a != b`."),
        new_code_cell("lines(x)", outputs=[new_output("display_data", PICTURE)]),
        new_markdown_cell("The curve falls.\n\n```\n# no heading\n```"),
        new_markdown_cell("### Your turn: `half_life` · 4 minutes · ●○○\n\n$${\\color{#B84A00}{f_t}}$$"),
        new_code_cell(STUB),
        new_code_cell("1 + 1", outputs=[new_output("execute_result", {"text/plain": "2"}, execution_count=4)]),
        new_markdown_cell("**Predict.** Up or down?"),
        new_code_cell('lines(y, figure="01.up")', outputs=[FOLDED], metadata={"tags": ["answer"]}),
        new_markdown_cell("<details><summary>Answer</summary>\n\nUp.\n\n</details>"),
        new_markdown_cell(CLOSING),
        new_markdown_cell("[Previous](00_start.ipynb) · [Contents](00_start.ipynb)"),
    ]
    for number, cell in enumerate((cell for cell in cells if cell.cell_type == "code"), start=1):
        cell.execution_count = number
    return new_notebook(cells=cells, metadata=rules.METADATA)


def stored(notebook, folder):
    """The notebook as a lesson, in a folder with one lesson before it."""
    nbformat.write(new_notebook(cells=[new_markdown_cell("# 00\n\n## The first part")]), folder / "00_start.ipynb")
    path = folder / "01_lesson.ipynb"
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
    return rules.Lesson(path)


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_a_good_lesson_keeps_every_rule(tmp_path, rule):
    assert list(rule(stored(good_lesson(), tmp_path))) == []


def source(index, old, new):
    """Replace text in one cell."""

    def spoil(notebook):
        assert old in notebook.cells[index].source
        notebook.cells[index].source = notebook.cells[index].source.replace(old, new)

    return spoil


def says(text):
    return lambda notebook: notebook.cells.insert(2, new_markdown_cell(text))


def prints(**output):
    kind = output.pop("kind", "stream")
    return lambda notebook: notebook.cells[7].outputs.append(new_output(kind, **output))


def shows(data, index=7):
    def spoil(notebook):
        notebook.cells[index].outputs = [new_output("display_data", data)]

    return spoil


def cell(index, **values):
    return lambda notebook: notebook.cells[index].update(values)


def drawing(ground):
    return f'<svg viewBox="0 0 90 9">{ground}<path d="M0 0H9" stroke="black"/></svg>'


def as_image(svg):
    return f'<img alt="a line" src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}">'


HOME = "/".join(["", "home", "ada", "lesson"])
ADDRESS_IN_MEMORY = "<object at 0x7f0012345678>"

BROKEN = [
    (rules.starts_with_the_setup_cell, source(1, "manual_seed(0)", "manual_seed(1)")),
    (rules.starts_with_the_setup_cell, lambda notebook: notebook.cells.pop(1)),
    (rules.starts_with_the_setup_cell, lambda notebook: notebook.cells.insert(1, new_markdown_cell("Before it."))),
    (rules.keeps_no_other_metadata, lambda notebook: notebook.metadata.pop("kernelspec")),
    (rules.keeps_no_other_metadata, lambda notebook: notebook.metadata.kernelspec.update(name="conda-env-mine")),
    (rules.keeps_no_other_metadata, lambda notebook: notebook.metadata.language_info.update(version="3.11.7")),
    (rules.keeps_no_other_metadata, lambda notebook: notebook.metadata.update(widgets={})),
    (rules.keeps_no_other_metadata, cell(3, metadata={"execution": {"iopub.execute_input": "2026-11-01"}})),
    (rules.keeps_no_other_metadata, cell(3, id="no valid id")),
    (rules.ran_from_top_to_bottom, cell(3, execution_count=3)),
    (rules.ran_from_top_to_bottom, cell(1, execution_count=None)),
    (rules.ran_without_errors_or_warnings, prints(name="stderr", text="UserWarning: mind the gap")),
    (rules.ran_without_errors_or_warnings, prints(kind="error", ename="ValueError", evalue="f", traceback=[])),
    (rules.names_no_place_on_a_machine, source(2, "A part", f"A part in {HOME}")),
    (rules.names_no_place_on_a_machine, prints(name="stdout", text=f"saved to {HOME}\n")),
    (rules.names_no_place_on_a_machine, shows({"text/html": f"<p>{HOME}</p>"})),
    (rules.names_no_place_on_a_machine, shows({"text/plain": ADDRESS_IN_MEMORY})),
    (rules.stores_no_widget_view, shows({**PICTURE, WIDGET_VIEW: {"model_id": "1"}})),
    (rules.stores_no_texts_of_others, cell(7, metadata={"tags": ["texts-of-others"]})),
    (rules.has_one_title_and_skips_no_level, source(2, "## A part", "# A part")),
    (rules.has_one_title_and_skips_no_level, source(0, "# 01", "## 01")),
    (rules.has_one_title_and_skips_no_level, source(2, "## A part", "#### A part")),
    (rules.has_one_title_and_skips_no_level, says("<h1>Another</h1>")),
    (rules.has_short_code_cells, source(7, "1 + 1", "1 + 1\n" * 21)),
    (rules.has_short_prose, source(4, "The curve falls.", "word " * 151)),
    (rules.has_short_prose, source(11, "Text.", "word " * 151)),
    (rules.avoids_padding, source(4, "The curve falls.", "The curve simply falls.")),
    (rules.avoids_padding, source(4, "The curve falls.", "Obviously it falls.")),
    (rules.avoids_padding, source(4, "The curve falls.", "It falls!")),
    (rules.closes_its_folds, source(11, "</summary>\n\n", "</summary>\n")),
    (rules.closes_its_folds, source(11, "</details>", "")),
    (rules.ends_as_every_lesson_does, source(11, "What you can do now", "Summary")),
    (rules.answers_every_prediction_in_words, source(10, "<details>", "")),
    (rules.answers_every_prediction_in_words, source(10, "Answer", "More")),
    (rules.answers_every_prediction_in_words, source(4, "The curve", "**Quick question.** The curve")),
    (rules.answers_every_prediction_in_words, lambda notebook: notebook.cells.insert(8, notebook.cells.pop(10))),
    (rules.answers_every_prediction_in_words, source(8, "down?", f"down?\n\n{rules.IN_WORDS}\n\nUp.\n\n</details>")),
    (rules.folds_every_answer, cell(9, metadata={})),
    (rules.folds_every_answer, cell(9, outputs=[new_output("display_data", PICTURE)])),
    (rules.says_nothing_of_the_answer_in_the_code, source(9, "figure=", "title='It rises', figure=")),
    (rules.describes_every_picture, shows({"image/png": "aGVyZQ=="})),
    (rules.describes_every_picture, shows({"text/html": '<img src="x.png">'})),
    (rules.describes_every_picture, shows({"text/html": '<img alt="" src="x.png">'})),
    (rules.describes_every_picture, says("![](00_start.ipynb)")),
    (rules.describes_every_picture, says('<img src="00_start.ipynb">')),
    (rules.says_what_a_picture_shows, lambda notebook: notebook.cells.pop(4)),
    (rules.says_what_a_picture_shows, source(4, "The curve falls.", "## Next part")),
    (rules.attaches_no_drawing, cell(4, attachments={"a.svg": {"image/svg+xml": "aGVyZQ=="}})),
    (rules.draws_on_a_ground_of_its_own, shows({"image/svg+xml": drawing("")})),
    (
        rules.draws_on_a_ground_of_its_own,
        shows({"image/svg+xml": drawing('<rect width="50" height="9" fill="white"/>')}),
    ),
    (
        rules.draws_on_a_ground_of_its_own,
        shows({"image/svg+xml": drawing('<rect width="90" height="9" fill="none"/>')}),
    ),
    (rules.draws_on_a_ground_of_its_own, shows({"text/html": as_image(drawing(""))})),
    (
        rules.says_all_without_what_a_viewer_removes,
        shows({"text/html": "<iframe srcdoc=\"<img src='data:'>\"></iframe>"}),
    ),
    (rules.says_all_without_what_a_viewer_removes, shows({"text/html": "<style>td { color: red }</style>"})),
    (rules.says_all_without_what_a_viewer_removes, shows({"text/html": '<b style="background-color: red">it</b>'})),
    (rules.compares_no_picture, cell(3, metadata={"tags": ["nbval-check-output"]})),
    (rules.colours_formulas_in_braces, source(5, "{\\color{#B84A00}{f_t}}", "\\color{#B84A00}{f_t}")),
    (rules.leaves_plumbing_to_the_package, source(7, "1 + 1", "import matplotlib.pyplot as plt")),
    (rules.leaves_plumbing_to_the_package, source(7, "1 + 1", "1 + 1;")),
    (rules.checks_every_stub, source(6, "\n\ncheck(half_life)", "")),
    (rules.checks_every_stub, source(6, "check(half_life)", "check(forget_gate)")),
    (rules.checks_every_stub, source(5, "4 minutes", "5 minutes")),
    (rules.checks_every_stub, source(5, "●○○", "●●○")),
    (rules.carries_its_own_badge, source(0, "01_lesson.ipynb", "00_start.ipynb")),
    (rules.carries_its_own_badge, source(0, "lstm-lesson/", "somebody/")),
    (rules.carries_its_own_badge, source(0, kaggle_badge("01_lesson.ipynb"), "")),
    (rules.links_to_what_exists, source(2, "00_start.ipynb", "00_begin.ipynb")),
    (rules.links_to_what_exists, source(2, "The-first-part", "The-last-part")),
    (rules.links_to_what_exists, says('<a href="gone.ipynb">here</a>')),
    (rules.leads_to_its_neighbours, source(12, "[Previous](00_start.ipynb)", "[Previous](01_lesson.ipynb)")),
    (rules.leads_to_its_neighbours, source(12, "· [Contents](00_start.ipynb)", "")),
    (rules.leads_to_its_neighbours, source(12, "[Contents]", "[Next](00_start.ipynb) · [Contents]")),
]


@pytest.mark.parametrize(
    "ground", ['<rect width="90" height="9" fill="#FFFFFF"/>', '<polygon fill="white" points="0,0 90,0 90,9 0,9"/>']
)
def test_a_drawing_with_a_ground_keeps_the_rule(ground):
    assert rules.has_ground(drawing(ground))


@pytest.mark.parametrize(("rule", "spoil"), BROKEN, ids=[f"{rule.__name__}-{n}" for n, (rule, _) in enumerate(BROKEN)])
def test_the_rule_finds_a_mistake_in_a_lesson(tmp_path, rule, spoil):
    notebook = good_lesson()
    spoil(notebook)
    assert list(rule(stored(notebook, tmp_path))) != []


def test_every_rule_has_an_example_of_a_mistake():
    assert {rule for rule, _ in BROKEN} == set(rules.RULES)
