"""The slides of each notebook, measured in a browser at 1280 × 720: nothing is cut off, small or given away."""

import base64
import io
import re
import sys

import pytest
from browser import PROJECTOR, chromium, serious_violations, why_not
from nbformat import write
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebook_rules import QUESTION, Lesson
from PIL import Image
from repository import NOTEBOOKS, SETUP_CELL
from tracked import ROOT

sys.path.insert(0, str(ROOT / "tools" / "slides"))

import decks
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
    const blocks = [...slide.querySelectorAll(".body > *")].map(node => node.textContent.trim());
    return {cut, small, pictures, beside, blocks, text: slide.textContent};
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
        assert not (open_question and slide["kind"] == "answer"), cell.source[:60]
        if re.search(QUESTION, cell.source) or cell.source.endswith("?**"):
            open_question, asked = True, asked + 1
    answers = [cell for cell in made if cell.metadata.slide["kind"] == "answer"]
    assert all(cell.metadata.slide["begins"] for cell in answers)
    assert asked and answers


def lesson_of(*cells):
    return pieces(new_notebook(cells=[new_markdown_cell("# 01 · A lesson"), *cells]))[0][1:]


def test_what_answers_a_question_begins_a_slide_and_goes_on():
    out = [new_output("stream", name="stdout", text="0.5")]
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
        ("#### Answer\n\nUp.", True),
        ("Go on.\n\n**Predict.** Next?", True),
        ("**Quick question: why?**", False),
        ("#### Answer\n\nSo.", True),
    ]


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
        ("%pip install x", [], False),
    ],
)
def test_code_is_shown_where_it_is_the_point(source, tags, shown):
    assert code_is_the_point(new_code_cell(source, metadata={"tags": tags})) is shown


@pytest.fixture
def opened(request, tmp_path):
    """Make the deck of a notebook and open it, as on a projector: its page, with what it asked of the network."""
    browser = request.getfixturevalue("chromium")
    pages = []

    def open_deck(path):
        decks.main(tmp_path / "a deck", [path])
        page = browser.new_page(viewport=PROJECTOR)
        pages.append(page)
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith("http") and page.complaints.append(asked.url))
        page.goto((tmp_path / "a deck" / f"{path.stem}.slides.html").as_uri())
        page.wait_for_selector("body[data-ready]", state="attached")
        return page

    yield open_deck
    for page in pages:
        page.close()


class TestInABrowser:
    pytestmark = in_a_browser

    @by_notebook
    def test_no_slide_overflows_and_no_letter_is_below_24_pixels(self, opened, path):
        page = opened(path)
        measured = page.evaluate(MEASURE, FLOOR)
        assert {k: slide["cut"] for k, slide in enumerate(measured, start=1) if slide["cut"]} == {}
        assert {k: slide["small"] for k, slide in enumerate(measured, start=1) if slide["small"]} == {}
        assert {k: slide["pictures"] for k, slide in enumerate(measured, start=1) if slide["pictures"] > 1} == {}
        assert [slide["beside"] for slide in measured if slide["pictures"] and slide["beside"]] == []
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
