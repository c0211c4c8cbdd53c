"""Every explorer in a real JupyterLab: opened, driven by keyboard and mouse, and held to what Python computes.

Each one has a twin in this process. What is done to the one in the page is done to the twin, and both must agree.
"""

import ast
import re

import browser
import ipywidgets as widgets
import pytest
from every_explorer import MADE, START, value_of
from notebook_rules import Lesson
from often import one_in
from repository import NOTEBOOKS

from lstm_lesson.explorers.base import Explorer

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(browser.why_not()), reason=browser.why_not())]
PLACES = {
    widgets.Button: "button.widget-button",
    widgets.Checkbox: "input[type=checkbox]",
    widgets.Dropdown: "select",
    widgets.FloatSlider: ".noUi-handle",
    widgets.IntSlider: ".noUi-handle",
    widgets.Text: "input[type=text]",
}
CLASSES = {*MADE, "GateInspector"}
UNTRAINED = "from unittest import mock\nmock.patch('lstm_lesson.training.fit').start()"
BROKEN = """
from lstm_lesson.explorers.base import Explorer, slider
from lstm_lesson.plots.svg import Card

class Broken(Explorer):
    def draw(self, size):
        if size == 1:
            raise ZeroDivisionError("<b>nothing</b> left")
        return Card(300, 100, f"size {size}").picture("A card."), f"size = {size}"

Broken({"size": slider("size", "size", 0, 0, 9, 1)})
"""


def explorer_cells(path) -> list[str]:
    """A notebook's first cell that shows an explorer, and before it those that it needs; none if there is no such cell.

    The cells in between are left out, and no model is trained: notebook 13 opens a classifier with random weights.
    """
    setup, imports, *cells = [cell.source for cell in Lesson(path).code]
    shows = [bool(re.search(rf"\b({'|'.join(CLASSES)})\(", source)) for source in cells]
    if not any(shows):
        return []
    place = shows.index(True)
    wanted, needed = [cells[place]], loaded(cells[place])
    for source in reversed(cells[:place]):
        if stored(source) & needed:
            wanted.append(source)
            needed |= loaded(source)
    return [setup, imports, UNTRAINED, *reversed(wanted)]


def loaded(source):
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}


def stored(source):
    tree = list(ast.walk(ast.parse(source)))
    names = {node.id for node in tree if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return names | {node.name for node in tree if isinstance(node, ast.FunctionDef | ast.ClassDef)}


@pytest.fixture(scope="module")
def sheet(lab, chromium):
    """One notebook with a cell for each explorer, open and run."""
    page = chromium.new_context(viewport=browser.PROJECTOR).new_page()
    yield lab.open(page, "explorers", [*(START + made for made in MADE.values()), BROKEN])
    page.context.close()


@pytest.fixture(params=one_in(3, filter(explorer_cells, NOTEBOOKS)), ids=lambda path: path.stem)
def lesson(request, open_notebook):
    """A lesson's first explorer, open and run."""
    return open_notebook(request.param.stem, explorer_cells(request.param))


@pytest.fixture(params=MADE)
def shown(request, sheet):
    place = list(MADE).index(request.param)
    sheet.run(place)
    yield Shown(sheet.page, place, value_of(MADE[request.param]))
    assert sheet.complaints == []
    assert sheet.failures == []


class Shown:
    """An explorer in the page, and its twin."""

    def __init__(self, page, place: int, twin: Explorer):
        self.page, self.twin = page, twin
        self.box = page.locator(".lesson-explorer").nth(place)
        self.values, self.picture = self.box.locator(".lesson-values"), self.box.locator(".lesson-picture img")
        self.picture.wait_for()
        self.box.scroll_into_view_if_needed()

    @property
    def controls(self):
        """Each control of the twin with its place in the page, in the page's order."""
        counted = {}
        for control in leaves(self.twin.widget):
            if place := PLACES.get(type(control)):
                counted[place] = counted.get(place, -1) + 1
                yield control, self.box.locator(place).nth(counted[place])

    def row(self, place):
        return place.locator("xpath=ancestor::*[contains(@class, 'widget-slider')]")

    def agrees(self):
        """The page shows what the twin shows; Playwright looks again for a while before it gives up."""
        from playwright.sync_api import expect

        expect(self.values).to_have_text(self.twin.text, timeout=browser.PATIENCE)
        expect(self.picture).to_have_attribute("alt", self.twin.picture.alt, timeout=browser.PATIENCE)
        return True

    def agrees_to_the_last_line(self):
        """The page's picture is the twin's, character by character."""
        from playwright.sync_api import expect

        source = re.search(r'src="([^"]*)"', self.twin.picture._repr_html_())[1]
        expect(self.picture).to_have_attribute("src", source, timeout=browser.PATIENCE)
        return self.agrees()


def leaves(widget):
    for child in getattr(widget, "children", [widget]):
        yield from leaves(child) if hasattr(child, "children") else [child]


def number(text):
    return float(text.replace("−", "-"))


def press(control, place, page):
    """One key that changes this control, in the page and in the twin."""
    place.focus()
    if isinstance(control, widgets.FloatSlider | widgets.IntSlider):
        up = control.value < control.max
        page.keyboard.press("ArrowRight" if up else "ArrowLeft")
        control.value = round(control.value + (control.step if up else -control.step), 9)
    elif isinstance(control, widgets.Dropdown):
        down = control.index + 1 < len(control.options)
        page.keyboard.press("ArrowDown" if down else "ArrowUp")
        control.index += 1 if down else -1
    elif isinstance(control, widgets.Checkbox):
        page.keyboard.press("Space")
        control.value = not control.value
    else:
        page.keyboard.press("Enter")
        control.click()


def test_every_control_answers_to_the_keyboard(shown):
    seen_to_change = False
    for control, place in shown.controls:
        before = shown.twin.picture.svg
        press(control, place, shown.page)
        assert shown.agrees_to_the_last_line()
        seen_to_change |= shown.twin.picture.svg != before  # a weight may change nothing, as long as its input is 0
    assert seen_to_change


def test_every_slider_follows_the_mouse(shown):
    for control, place in shown.controls:
        if not isinstance(control, widgets.FloatSlider | widgets.IntSlider):
            continue
        before, track = control.value, shown.row(place).locator(".noUi-base").bounding_box()
        handle = place.bounding_box()
        shown.page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
        shown.page.mouse.down()
        middle = before > (control.min + control.max) / 2  # to the other half
        shown.page.mouse.move(track["x"] + track["width"] * (0.2 if middle else 0.8), track["y"], steps=5)
        shown.page.mouse.up()
        readout = shown.row(place).locator(".widget-readout")
        control.value = number(readout.inner_text())
        assert control.value != before
        assert shown.agrees()


def test_every_control_can_be_reached_by_tab_and_left_again(shown):
    places = [place for _, place in shown.controls]
    for order, place in enumerate(places):
        place.evaluate("(element, order) => { element.dataset.tabbed = order }", order)
    places[0].focus()
    here, seen = True, set()
    for _ in range(4 * len(places) + 4):
        seen.add(shown.page.evaluate("document.activeElement.dataset.tabbed"))
        here = shown.box.evaluate("box => box.contains(document.activeElement)")
        if not here:
            break
        shown.page.keyboard.press("Tab")
    assert {str(order) for order in range(len(places))} <= seen
    assert not here, "Tab never leaves the explorer"


def test_axe_finds_no_serious_violation(shown):
    shown.box.evaluate("box => box.setAttribute('id', 'looked-at')")
    try:
        assert browser.serious_violations(shown.page, "#looked-at") == []
    finally:
        shown.box.evaluate("box => box.removeAttribute('id')")


def test_everything_can_be_read_on_a_projector(shown, chromium):
    """On 1280 × 720 with JupyterLab's file list open: letters of 11 pixels (an index: 8) or more, nothing cut off."""
    shrunk = shown.picture.evaluate("image => image.clientWidth") / shown.twin.picture.width
    assert browser.smallest_text(chromium, shown.twin.picture.svg) * shrunk >= 8
    for _, place in shown.controls:
        assert place.evaluate("element => parseFloat(getComputedStyle(element).fontSize)") >= 12
    for part in (shown.box, shown.picture):
        assert part.evaluate("element => element.getBoundingClientRect().right <= innerWidth")
    assert shown.box.evaluate("box => box.scrollWidth <= box.clientWidth + 1")


def test_the_lessons_own_explorer_answers_to_the_keyboard(lesson):
    page, sheet = lesson.page, lesson
    assert sheet.failures == []
    boxes = page.locator(".lesson-explorer")
    assert boxes.count() > 0
    for box in boxes.all():
        box.scroll_into_view_if_needed()
        if box.locator("iframe").count():
            frame = box.locator("iframe").element_handle().content_frame()
            frame.wait_for_selector("html[data-ready=true]")
            frame.locator("#words-0").focus()
            page.keyboard.press("ArrowRight")
            assert frame.locator("body").get_attribute("data-step") == "2"
            continue
        before = box.locator("img").get_attribute("src")
        box.locator(".noUi-handle").first.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("([box, before]) => box.querySelector('img').src !== before",
                               arg=[box.element_handle(), before])  # fmt: skip
    assert sheet.complaints == []


def test_an_error_is_shown_in_the_pictures_place_and_goes_again(sheet):
    from playwright.sync_api import expect

    box = sheet.page.locator(".lesson-explorer").nth(len(MADE))
    box.get_by_role("slider").focus()
    sheet.page.keyboard.press("ArrowRight")
    expect(box.get_by_role("alert")).to_contain_text("ZeroDivisionError: <b>nothing</b> left", timeout=browser.PATIENCE)
    expect(box.locator("img")).to_have_count(0)
    sheet.page.keyboard.press("ArrowRight")
    expect(box.locator(".lesson-values")).to_have_text("size = 2", timeout=browser.PATIENCE)
    expect(box.get_by_role("alert")).to_have_count(0)
    assert sheet.complaints == []
