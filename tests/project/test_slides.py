"""The slides of each notebook, measured in a browser at 1280 × 720: nothing is cut off, small or given away."""

import base64
import io
import os
import re
import sys
from importlib import import_module

import pytest
import torch
from browser import PROJECTOR, chromium, serious_violations, why_not
from matplotlib.text import Text
from nbformat import write
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebook_rules import METADATA, QUESTION, Lesson
from PIL import Image
from repository import NOTEBOOKS, SETUP_CELL
from stored_notebook import FOLD, is_folded
from tracked import ROOT

from lstm_lesson import plots
from lstm_lesson.plots import style

sys.path.insert(0, str(ROOT / "tools" / "slides"))

import decks
import larger
import plans
from pieces import IntoPieces, code_is_the_point

by_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
in_a_browser = [pytest.mark.browser, pytest.mark.skipif(not chromium(), reason=why_not())]
FLOOR = 676  # pixels: below it stand the number of the slide and two buttons
# Of every slide: what is cut off, what is small, how many pictures it has, and what stands beside one.
MEASURE = """floor => slides.map((slide, k) => {
    show(k);
    const cut = [], small = [];
    const within = box => box.left >= -.5 && box.right <= 1280.5 && box.top >= -.5 && box.bottom <= floor + .5;
    const walker = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (!node.data.trim()) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        if (![...range.getClientRects()].filter(box => box.width).every(within)) cut.push(node.data);
        if (parseFloat(getComputedStyle(node.parentElement).fontSize) < 24) small.push(node.data);
    }
    for (const node of slide.querySelectorAll("img, iframe, table, pre, math")) {
        if (!within(node.getBoundingClientRect())) cut.push(node.tagName);
    }
    for (const image of slide.querySelectorAll("img")) if (!image.naturalWidth) cut.push("no picture");
    const pictures = slide.querySelectorAll(".figure, .frame").length;
    const beside = [...slide.querySelectorAll(".body > :not(.where)")].map(node => node.textContent);
    const image = slide.querySelector(".figure:not(.below) img"), box = image && image.getBoundingClientRect();
    const scale = (width, height) => Math.min(width / image.naturalWidth, height / image.naturalHeight);
    const shrunk = image !== null && scale(box.width, box.height) < scale(1272, 666) - .001;
    const blocks = [...slide.querySelectorAll(".body > *")].map(node => node.textContent.trim());
    return {cut, small, pictures, beside, shrunk, blocks, text: slide.textContent};
})"""


def kind(cell) -> str:
    return cell.metadata.get("slideshow", {}).get("slide_type", "-")


@by_notebook
def test_set_up_and_notes_for_the_teacher_are_not_projected(path):
    cells = Lesson(path).cells
    assert [kind(cell) for cell in cells[:2]] == ["slide", "skip"]
    assert [kind(cell) for cell in cells if "<summary>For the teacher</summary>" in cell.source] == ["notes"]
    assert all(kind(cell) == "skip" for cell in cells if cell.source.startswith(("[Previous](", "Contents · ")))
    made, resources = pieces(Lesson(path).notebook)
    assert SETUP_CELL not in [cell.source for cell in made]
    assert not any("For the teacher" in cell.source or "<details" in cell.source for cell in made)
    assert any(notes.strip() for notes in resources["notes"])


def pieces(notebook):
    resources = {}
    return IntoPieces().preprocess(notebook, resources)[0].cells, resources


@by_notebook
def test_an_answer_comes_on_a_slide_after_its_question(path):
    """In text, code and output, whatever the notebook calls them."""
    made, _ = pieces(Lesson(path).notebook)
    open_question, asked = False, 0
    for cell in made:
        slide = cell.metadata.slide
        if slide["begins"]:
            open_question = False
        assert not (open_question and slide["answers"]), cell.source[:60]
        if re.search(QUESTION, cell.source) or cell.source.endswith("?**"):
            open_question, asked = True, asked + 1
    answers = [cell for cell in made if cell.metadata.slide["kind"] == "answer"]
    assert asked and answers


def printed(text):
    return new_output("stream", name="stdout", text=text)


def folded(*pages):
    """The stored output of a cell that answers a question."""
    page = FOLD.format("stream", "\n".join(pages))
    return [new_output("display_data", {"text/html": page, "text/plain": "-"})]


def told(*cells):
    """Of each piece its source or what it shows, and whether a slide begins with it."""
    found = []
    for cell in lesson_of(*cells):
        shown = [output.get("text") or output.data["text/html"] for output in cell.get("outputs", [])]
        found.append((cell.source or "".join(shown), cell.metadata.slide["begins"]))
    return found


def lesson_of(*cells):
    return pieces(new_notebook(cells=[new_markdown_cell("# 01 · A lesson"), *cells]))[0][1:]


def test_what_answers_a_question_begins_a_slide_and_goes_on():
    out = [printed("up by 0.5")]
    made = lesson_of(
        new_markdown_cell("**Predict.** Up?"),
        new_code_cell("y = x @ W", outputs=out, metadata={"tags": ["answer"]}),
        new_code_cell("print(y)", outputs=out, metadata={"tags": ["answer"]}),
        new_markdown_cell("<details><summary>Answer</summary>\n\nUp.\n\n</details>\n\nGo on.\n\n**Predict.** Next?"),
        new_markdown_cell("<details><summary>Quick question: why?</summary>\n\nSo.\n\n</details>"),
        new_markdown_cell("<details><summary>A scaffold</summary>\n\nDo this.\n\n</details>"),
    )
    found = [(cell.source, cell.metadata.slide["begins"]) for cell in made]
    assert found == [
        ("**Predict.** Up?", False),
        ("y = x @ W", True),
        ("", True),
        ("", False),
        ("#### Answer\n\nUp.", False),
        ("Go on.\n\n**Predict.** Next?", True),
        ("**Quick question: why?**", False),
        ("#### Answer\n\nSo.", True),
    ]


TABLE = "<table><tr><td>1</td></tr></table>"


def test_numbers_of_the_question_stay_with_it_and_those_of_the_answer_do_not():
    made = told(
        new_markdown_cell("**Predict.** Here are four numbers. Up?"),
        new_code_cell("show()", outputs=[new_output("display_data", {"text/html": TABLE})]),
        new_code_cell("show()", outputs=folded(TABLE), metadata={"tags": ["answer"]}),
        new_markdown_cell("<details><summary>Answer</summary>\n\nUp.\n\n</details>"),
        new_markdown_cell("<details><summary>Answer: why</summary>\n\nIt adds.\n\n</details>"),
        new_markdown_cell("<details><summary>And then?</summary>\n\nDown.\n\n</details>"),
    )
    assert made == [
        ("**Predict.** Here are four numbers. Up?", False),
        (TABLE, False),
        (TABLE, True),
        ("#### Answer\n\nUp.", False),
        ("#### Answer: why\n\nIt adds.", True),
        ("**And then?**", True),
        ("#### Answer\n\nDown.", True),
    ]


STUB = "def gate(x):\n    raise NotImplementedError\n\n\ncheck(gate)"


def test_what_runs_an_exercise_begins_a_slide():
    made = told(new_code_cell(STUB), new_code_cell("gate(1)", outputs=[printed("open: 0.73")]))
    assert made == [(STUB, False), ("open: 0.73", True)]
    assert told(new_code_cell(STUB), new_markdown_cell("Go on.")) == [(STUB, False), ("Go on.", False)]


@pytest.mark.parametrize("value", ["200", "tensor([[0.9]])", "['a', 'b']", "(2, 3) True", "{'a': 1}", "True"])
def test_a_value_without_a_word_comes_with_its_code(value):
    cell = new_code_cell("layer = make()\ncount(layer)", outputs=[printed(value)])
    assert told(cell) == [(cell.source, False), (value, False)]
    cell.update(outputs=folded(f"<pre>{value}</pre>"), metadata={"tags": ["answer"]})
    assert told(cell) == [(cell.source, True), (value, False)]
    cell.update(source="y = f(y)\n" * 7)
    assert told(cell) == [(value, True)]


@pytest.mark.parametrize("value", ["20 words", "-3 dB", "all equal: True", "T = 4: (5, 4)"])
def test_a_value_with_a_word_needs_no_code(value):
    assert told(new_code_cell("count(layer)", outputs=[printed(value)])) == [(value, False)]


def test_code_that_the_text_announces_is_shown_if_nothing_else_comes_of_it():
    back = "def back(x):\n    return x + 1"
    assert told(new_markdown_cell("With this step, go back:"), new_code_cell(back))[1:] == [(back, False)]
    assert len(lesson_of(new_markdown_cell("With this step, go back."), new_code_cell(back))) == 1
    measured = new_code_cell(back, outputs=[printed("back in 3 steps")])
    assert told(new_markdown_cell("It takes:"), measured)[1:] == [("back in 3 steps", False)]
    assert len(lesson_of(new_markdown_cell("From here on:"), new_code_cell("gate = yours(gate)"))) == 1


def test_whose_code_runs_and_how_far_a_training_has_come_is_no_result():
    whose = "`gate`: the package's code runs here, since yours is still open."
    loss = "words, seed 0 · best validation accuracy 0.938, epoch 6 of 6 · 1 s"
    pages = [f"<pre>{each.replace(chr(39), '&#x27;')}</pre>" for each in (whose, loss, "sweep · 9 runs · 29 s")]
    answer = {"tags": ["answer"]}
    pages.append("<pre>a &lt; b\nc</pre>")
    made = told(new_code_cell("run()", outputs=folded(*pages, TABLE), metadata=answer))
    assert made == [("a < b\nc", True), (TABLE, False)]
    assert lesson_of(new_code_cell("run()", outputs=folded(*pages[:3]), metadata=answer)) == []
    open_cell = new_code_cell("run()", outputs=[printed(whose), printed(loss)])
    assert told(open_cell) == [(loss, False)]
    open_cell.outputs.append(printed("right: 0.9"))
    assert told(open_cell) == [("right: 0.9", False)]
    measured = "bias 0, seed 0 · error 0.0078 after 800 steps · 5 s"
    open_cell.outputs.append(printed(measured))
    assert told(open_cell) == [(f"right: 0.9\n{measured}", False)]


def test_links_to_the_neighbours_are_not_projected():
    links = "\n\n[Previous](01_a.ipynb) · [Contents](00_b.ipynb) · [Next](03_c.ipynb)"
    assert [cell.source for cell in lesson_of(new_markdown_cell("Now you can." + links))] == ["Now you can."]


def test_a_guess_shows_its_choices_and_a_check_shows_nothing():
    said = "`01.a` is open. Which?\n  a) the first\n  b) none\nPut the letter of your choice.\n"
    cells = [new_code_cell('guess("01.a", ...)', outputs=[new_output("stream", name="stdout", text=said)])]
    cells += [new_code_cell("gate = yours(gate)", outputs=[new_output("stream", name="stdout", text="`gate`: yours")])]
    assert [cell.source for cell in lesson_of(*cells)] == ["- **a** · the first\n- **b** · none"]


@pytest.mark.parametrize(
    ("source", "tags", "shown"),
    [
        ("def gate(x):\n    raise NotImplementedError\n\ncheck(gate)", [], True),
        ("i_t = input_gate(x_t, h, W, W, b)", [], True),
        ("z = x @ W", [], True),
        ('plots.lines({"a": x @ W}, figure="01.a")', [], False),
        ("model = train(steps=3)", [], False),
        ("model = train(steps=3)", ["slide-code"], True),
        ("z = x @ W", ["slide-no-code"], False),
        ("z = x @ W\n" * 15, [], False),
        ("z = x @ W" + " + b" * 60 + "\nz = x @ W\n" * 13, [], False),  # 14 lines, 17 on a slide
        ("z = x @ W\n" + "\n" * 16 + "z = x @ W", [], False),
        ("%pip install x", [], False),
    ],
)
def test_code_is_shown_where_it_is_the_point(source, tags, shown):
    assert code_is_the_point(new_code_cell(source, metadata={"tags": tags})) is shown


def table_of(rows):
    return "| a | b |\n|---|---|\n" + "\n".join(f"| row{k} | x |" for k in range(rows))


@pytest.fixture
def opened(request, tmp_path):
    """Make the deck of a notebook and open it, as on a projector: its page, with what it asked of the network."""
    browser = request.getfixturevalue("chromium")
    pages = []

    def open_deck(path=None, lesson=""):
        decks.main(tmp_path / "a deck", [path], lesson=lesson)
        page = browser.new_page(viewport=PROJECTOR)
        pages.append(page)
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith("http") and page.complaints.append(asked.url))
        (made,) = (tmp_path / "a deck").glob(f"{path.stem if path else '*'}.slides.html")
        page.goto(made.as_uri())
        page.wait_for_selector("body[data-ready]", state="attached")
        return page

    yield open_deck
    for page in pages:
        page.close()


class TestInABrowser:
    pytestmark = in_a_browser

    @pytest.mark.parametrize(
        "what", [*NOTEBOOKS, "Two hours", "Lesson 3"], ids=lambda what: getattr(what, "stem", what)
    )
    def test_no_slide_overflows_and_no_letter_is_below_24_pixels(self, opened, what):
        page = opened(lesson=what) if isinstance(what, str) else opened(what)
        measured = page.evaluate(MEASURE, FLOOR)
        assert {k: slide["cut"] for k, slide in enumerate(measured, start=1) if slide["cut"]} == {}
        assert {k: slide["small"] for k, slide in enumerate(measured, start=1) if slide["small"]} == {}
        assert {k: slide["pictures"] for k, slide in enumerate(measured, start=1) if slide["pictures"] > 1} == {}
        assert [k for k, slide in enumerate(measured, start=1) if slide["shrunk"]] == []
        assert [slide["beside"] for slide in measured if slide["pictures"] and len(slide["beside"]) > 1] == []
        assert [k for k, slide in enumerate(measured, start=1) if not slide["pictures"] and not slide["beside"]] == []
        for blocks in (slide["blocks"] for slide in measured):  # no answer under its question
            asked = [k for k, block in enumerate(blocks) if re.match(r"(?:Predict|Question|Quick question)\b", block)]
            assert "Answer" not in [re.sub(r"\W", "", block) for block in blocks[min(asked, default=len(blocks)) :]]
        assert page.complaints == []

    def test_whatever_is_too_long_is_cut_and_nothing_is_lost(self, opened, tmp_path):
        """Rows, columns, lines, words, items and formulas that no lesson has yet."""
        words = [f"word{k:03}" for k in range(900)]
        wide = "| " + " | ".join(f"head{k:02}" for k in range(40)) + " |\n|" + "---|" * 40
        wide += "\n| " + " | ".join(f"cell{k:02}" for k in range(40)) + " |"
        tall = "| a | b |\n|---|---|\n" + "\n".join(f"| row{k:02} | x |" for k in range(60))
        code = "\n".join(f"line{k:02} = x @ W{'  # long' * 30 if k == 7 else ''}" for k in range(40))
        printed = "".join(f"printed{k:02}\n" for k in range(70)) + "endless" * 60
        crowded = (
            f"<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>{'tallcell ' * 900}</td></tr></tbody></table>"
        )
        formula = "$$" + " + ".join(f"a_{{{k}}}" for k in range(60)) + "$$"
        made = io.BytesIO()
        Image.new("RGB", (300, 3000), "red").save(made, "PNG")
        picture = (
            f'<img alt="red" width="300" src="data:image/png;base64,{base64.b64encode(made.getvalue()).decode()}">'
        )
        cells = [
            new_markdown_cell("# 01 · " + "A very long title " * 8 + "\n\n" + " ".join(words[:450])),
            new_markdown_cell("## Part\n\n" + ". ".join(words[450:]) + "\n\n" + formula),
            new_markdown_cell("\n".join(f"- item{k:02} " + "and more " * 20 for k in range(30))),
            new_markdown_cell(f"{wide}\n\nAnd:\n\n{tall}"),
            new_code_cell(code, metadata={"tags": ["slide-code"]}, outputs=[new_output("stream", text=printed)]),
            new_code_cell("x", outputs=[new_output("display_data", {"text/html": crowded, "text/plain": ""})]),
            new_code_cell("x", outputs=[new_output("display_data", {"text/html": picture + picture})]),
        ]
        path = tmp_path / "01_lesson.ipynb"
        write(new_notebook(cells=cells), path)
        measured = opened(path).evaluate(MEASURE, FLOOR)
        assert [slide["cut"] for slide in measured if slide["cut"]] == []
        assert [slide["small"] for slide in measured if slide["small"]] == []
        shown = "\n".join(slide["text"] for slide in measured)
        expected = [*words, *(f"head{k:02}" for k in range(40)), *(f"cell{k:02}" for k in range(40))]
        expected += [f"row{k:02}" for k in range(60)] + [f"line{k:02}" for k in range(40)]
        expected += [f"printed{k:02}" for k in range(70)] + [f"item{k:02}" for k in range(30)]
        assert [each for each in expected if each not in shown] == []
        assert (shown.count("tallcell"), shown.count("endless"), shown.count("# long")) == (900, 60, 30)
        assert [slide["pictures"] for slide in measured if slide["pictures"]] == [1] * sum(
            s["pictures"] for s in measured
        )

    @pytest.fixture
    def packed(self, opened, tmp_path):
        """The slides of a made-up lesson, as MEASURE gives them."""

        def pack(*cells):
            path = tmp_path / "01_lesson.ipynb"
            cells = [new_markdown_cell(cell) if isinstance(cell, str) else cell for cell in cells]
            write(new_notebook(cells=[new_markdown_cell("# 01 · A lesson"), *cells]), path)
            return opened(path).evaluate(MEASURE, FLOOR)

        return pack

    def test_a_section_begins_a_slide_also_within_a_cell(self, packed):
        shown = packed("Before.\n\n## A part\n\nAfter.\n\n### A smaller part\n\nMore.")
        assert [[block.strip("¶") for block in slide["blocks"]] for slide in shown] == [
            ["01 · A lesson", "Before."],
            ["A part", "After.", "A smaller part", "More."],
        ]

    @pytest.mark.parametrize(("rows", "slides"), [(10, 1), (12, 1), (13, 1), (14, 2), (15, 2)])
    def test_a_table_stands_closer_before_it_is_cut(self, packed, rows, slides):
        shown = [slide["text"].count("row") for slide in packed(table_of(rows), "So it is. " * 30)]
        assert sum(shown) == rows and len([count for count in shown if count]) == slides

    def test_a_text_is_cut_after_a_sentence_and_not_at_a_colon(self, packed):
        sentence = "One says this: it is the same again. "
        parts = [f"## Part {k}\n\n" + "word " * k + sentence * 40 for k in range(12)]
        ends = [slide["blocks"][-1] for slide in packed(*parts) if "One says" in slide["text"]]
        assert len(ends) > 12 and {end[-6:] for end in ends} == {"again."}

    def test_a_line_that_announces_a_block_stays_with_it(self, packed):
        before = f"## A part\n\n{'A variant is compared with the same weights and batches. ' * 4}It has to be the LSTM:"
        check = new_code_cell("f(x)", outputs=[printed("same outputs: True")])
        shown = packed(before, check, table_of(11), "So it is. " * 20)
        (block,) = (slide["blocks"] for slide in shown if "same outputs" in slide["text"])
        assert any(text.endswith("the LSTM:") for text in block)

    def test_a_formula_is_cut_at_a_gap_rather_than_before_a_sign(self, opened, tmp_path):
        path = tmp_path / "01_lesson.ipynb"
        sums = [r" + ".join(f"{letter}_{k}" for k in range(9)) for letter in "ab"]
        write(new_notebook(cells=[new_markdown_cell(f"# 01 · A lesson\n\n$${sums[0]} \\qquad {sums[1]}$$")]), path)
        page = opened(path)
        rows = page.evaluate("[...document.querySelectorAll('.formula > math')].map(row => row.textContent)")
        assert [re.sub(r"[\d+\s]", "", row) for row in rows] == ["a" * 9, "b" * 9]
        assert page.evaluate(MEASURE, FLOOR)[0]["cut"] == []

    def test_a_text_stands_with_a_picture_that_stays_as_large(self, packed):
        def picture(width, height):
            made = io.BytesIO()
            Image.new("RGB", (width, height), "red").save(made, "PNG")
            data = base64.b64encode(made.getvalue()).decode()
            tag = f'<img alt="red" width="{width}" src="data:image/png;base64,{data}">'
            return new_code_cell("x", outputs=[new_output("display_data", {"text/html": tag})])

        wide, full = picture(900, 300), picture(900, 460)
        shown = packed("So.", wide, "It is red.", full, "It is, too.")
        assert [(slide["pictures"], slide["beside"]) for slide in shown[1:]] == [
            (1, ["It is red."]), (1, []), (0, ["It is, too."]),
        ]  # fmt: skip
        assert packed("So.", wide, "Is it red?")[1]["beside"] == []
        asked = [new_code_cell("x", metadata={"tags": ["answer"]}) for _ in range(2)]
        for cell, drawn in zip(asked, (wide, full), strict=True):
            cell.outputs = [printed("red, red"), *drawn.outputs]
        shown = packed("**Predict.** Red?", asked[0], "**Predict.** And this?", asked[1])
        assert [(slide["pictures"], slide["beside"]) for slide in shown[1:]] == [
            (1, ["red, red"]), (0, ["Predict. And this?"]), (0, ["red, red"]), (1, []),
        ]  # fmt: skip
        assert not any(slide["shrunk"] or slide["cut"] for slide in shown)

    def test_keys_buttons_and_the_address_turn_the_slides(self, opened):
        page = opened(NOTEBOOKS[6])
        last = page.evaluate("slides.length")
        steps = ["ArrowRight", "PageDown", "Space", "ArrowLeft", "PageUp", "End", "ArrowRight", "Home", "ArrowLeft"]
        seen = []
        for key in steps:
            page.keyboard.press(key)
            seen.append(page.evaluate("[now + 1, slides.filter(slide => !slide.hidden).length, location.hash]"))
        assert seen == [[k, 1, f"#{k}"] for k in (2, 3, 4, 3, 2, last, last, 1, 1)]
        page.get_by_role("button", name="Next slide").click()
        assert page.get_by_role("status").inner_text() == f"2 / {last}"
        page.keyboard.press("Space")  # the button has the focus, and is pressed once
        assert page.evaluate("now + 1") == 3
        page.evaluate("location.hash = '#5'")
        page.wait_for_function("now === 4")

    def test_the_notes_stand_in_a_window_of_their_own(self, opened):
        page = opened(NOTEBOOKS[6])
        assert "For the teacher" not in page.locator("#stage").inner_text()
        with page.expect_popup() as found:
            page.keyboard.press("s")
        notes = found.value
        assert "50 minutes" in notes.locator("body").inner_text()
        page.keyboard.press("ArrowRight")
        assert f"Slide 2 of {page.evaluate('slides.length')}" in notes.locator("body").inner_text()
        notes.close()

    def test_each_slide_is_printed_on_a_page(self, opened):
        page = opened(NOTEBOOKS[6])
        printed = page.pdf(prefer_css_page_size=True, print_background=True)
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) == page.evaluate("slides.length")

    def test_a_small_window_shows_the_whole_slide(self, opened):
        page = opened(NOTEBOOKS[6])
        page.set_viewport_size({"width": 800, "height": 900})
        page.wait_for_function("document.getElementById('stage').getBoundingClientRect().width === 800")
        assert page.evaluate("document.getElementById('stage').getBoundingClientRect().height") == 450

    @pytest.mark.parametrize("k", [6, 13])
    def test_axe_finds_nothing_serious(self, opened, k):
        page = opened(NOTEBOOKS[k])
        for number in (0, 3, 8):
            page.evaluate("k => show(k)", number)
            assert serious_violations(page) == []


@pytest.mark.parametrize("lesson", plans.lessons(), ids=lambda lesson: lesson["title"][:9])
def test_the_deck_of_a_lesson_has_what_its_plan_works_through_and_nothing_else(lesson):
    made, resources = pieces(decks.of_lesson(lesson))
    shown = [
        re.sub(r" · \d+ min.*", "", line) for cell in made for line in re.findall(r"(?m)^#{1,3} (.*)", cell.source)
    ]
    expected = []
    for row in (row for row in lesson["row"] if "notebook" in row):
        if not any(heading.startswith(row["notebook"]) for heading in expected):
            expected += (Lesson(plans.path_of(row["notebook"])).cells[0].source.splitlines()[0].removeprefix("# "),)
        whole = [cell.source for cell in sorted(plans.worked(row), key=lambda cell: cell.number)]
        text = re.sub(
            r"(?s)```.*?```|<details.*?</details>", "", "\n".join(each for each in whole if "def " not in each)
        )
        expected += [re.sub(r" · \d+ min.*", "", line) for line in re.findall(r"(?m)^#{1,3} (.*)", text)]
        assert all(title in expected for title in row.get("teach", ()))
        assert all(f"Your turn: `{name}`" in expected for name in row.get("exercises", ()))
    assert shown == expected
    assert any("minutes" in note for note in resources["notes"])


def test_a_lesson_is_named_by_words_of_one_title(tmp_path):
    for words in ("Lesson 9", "Lesson"):
        with pytest.raises(ValueError, match=f"^--lesson is '{words}'; it needs words of one title: Two hours: a cell"):
            decks.main(tmp_path, [], lesson=words)
    assert list(tmp_path.iterdir()) == []


LINES = {"a": [1.0, 2.0], "b": [2.0, 1.0]}
DRAWINGS = {
    "lines": lambda: plots.lines(LINES, marks={"limit": 1.5}, title="A title", xlabel="step", alt="Two lines."),
    "bars": lambda: plots.bars(LINES, title="A title", alt="Two bars."),
    "tall": lambda: plots.bars({f"row {k}": [1.0, 2.0] for k in range(11)}, horizontal=True, title="T", alt="Bars."),
    "differences": lambda: plots.differences({"a": 1e-16, "b": 2e-16}, title="A title", alt="Two dots."),
    "map": lambda: plots.heatmaps({"": torch.eye(4, 13)}, xticks=WORDS, title="A title", alt="A map."),
    "two maps": lambda: plots.heatmaps({"a": torch.eye(8), "b": torch.eye(8)}, title="A title", alt="Two maps."),
}
WORDS = ["the", "keys", "outside", "near", "the", "man", "there", "___", ".", "the", "lamp", "___", "."]


@pytest.mark.parametrize("name", DRAWINGS)
def test_letters_of_a_figure_drawn_anew_are_24_pixels_high_on_its_slide(name, monkeypatch):
    for module in ("charts", "heatmaps"):
        monkeypatch.setattr(import_module(f"lstm_lesson.plots.{module}"), "axes", style.axes)  # put back at the end
    usual = smallest_letters(DRAWINGS[name]())
    larger.begin()
    assert usual < 24 <= smallest_letters(DRAWINGS[name]())


def smallest_letters(picture) -> float:
    """In pixels of the slide; of a tall picture in those of its parts, which are as wide as the slide."""
    figure = picture.figure
    figure.draw_without_rendering()
    wide, high = figure.get_size_inches()
    parts = decks.HIGH / high / 100 < decks.LEAST["png"]
    enlarged = decks.WIDE / wide if parts else min(decks.WIDE / wide, decks.HIGH / high)
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    return min(text.get_fontsize() for text in texts) / 72 * enlarged


def test_large_decks_come_of_a_new_run_and_the_notebook_stays_as_it_is(tmp_path):
    path = tmp_path / "01_lesson.ipynb"
    draws = 'from lstm_lesson import plots\nplots.lines({"a": [1, 2]}, title="Up", alt="Up.")'
    cells = [new_markdown_cell("# 01 · A lesson"), new_markdown_cell("**Predict.** Up?")]
    cells += [new_code_cell(draws, metadata={"tags": ["answer"]})]
    write(new_notebook(cells=cells, metadata=METADATA), path)
    stored, kept_in = path.read_bytes(), os.environ["LSTM_LESSON_PROGRESS"]
    made = decks.run_anew(path)
    assert os.environ["LSTM_LESSON_PROGRESS"] == kept_in
    assert [cell.source for cell in made.cells] == [cell.source for cell in cells]
    assert is_folded(made.cells[2]) and 'width="720"' in made.cells[2].outputs[0].data["text/html"]
    assert path.read_bytes() == stored


def test_a_tall_picture_is_cut_where_nothing_is_drawn():
    image = Image.new("RGB", (100, 400), "white")
    image.paste("black", (0, 0, 100, 190))
    image.paste("black", (0, 196, 100, 400))
    made = io.BytesIO()
    image.save(made, "PNG")
    top, middle, bottom = decks.cuts(made.getvalue(), "png", 2)
    assert (top, bottom) == (0.0, 1.0) and 190 <= middle * 400 < 196
    assert Image.open(io.BytesIO(decks.cropped(made.getvalue(), "png", middle, 1.0))).height == 400 - round(
        middle * 400
    )
    drawing = b'<svg width="10" height="40" viewBox="0 0 10 40"><rect width="4" height="9"/></svg>'
    assert decks.cropped(drawing, "svg+xml", 0.25, 0.5) == (
        b'<svg viewBox="0.0 10.0 10.0 10.0"><rect width="4" height="9"/></svg>'
    )
