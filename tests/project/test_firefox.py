"""The site in Firefox: every page at two widths, the cell playground to the last digits, the inspector by key."""

import time

import built_site
import firefox
import pytest
from repository import NOTEBOOKS

from lstm_lesson.explorers.playground import PRESETS, CellPlayground

IN_FIREFOX = [pytest.mark.browser, pytest.mark.skipif(bool(firefox.why_not()), reason=firefox.why_not())]
PAGES = ["index", *(path.stem for path in NOTEBOOKS), "inspector", "agreement", "characters", "playground", "search"]
DESK, PHONE = 1280, 390
# all that a page draws: texts, drawings, pictures
DRAWN = """[document.body.innerText, ...[...document.querySelectorAll('svg')].map(drawing => drawing.innerHTML),
           ...[...document.querySelectorAll('canvas')].map(canvas => canvas.toDataURL())].join()"""
SLIDE = """(slider => {{ slider.value = {1}; slider.dispatchEvent(new Event('input', {{bubbles: true}})); }})(
           document.getElementById('{0}'))"""
TEXT_BOX = """[...document.querySelectorAll('input[type=text], input[type=search], input:not([type]), textarea')]
              .find(box => box.labels.length || box.ariaLabel)"""


@pytest.fixture(scope="module")
def address():
    with built_site.served(built_site.once()) as found:
        yield found


@pytest.fixture(scope="module")
def tab(address):
    with firefox.firefox() as found:
        found.address = address
        yield found


@pytest.fixture
def opened(tab, address):
    """Open a page; at the end nothing may have been complained of, and nothing asked for elsewhere."""
    tab.complaints.clear()

    def open_page(name, width=DESK):
        tab.open(f"{address}/{name}.html", width)
        return tab

    yield open_page
    assert tab.complaints == []


def until(holds, seconds=30):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "the page did not change"
        time.sleep(0.05)


class TestInFirefox:
    pytestmark = IN_FIREFOX

    @pytest.mark.parametrize("width", [DESK, PHONE])
    @pytest.mark.parametrize("name", PAGES)
    def test_the_page_loads_without_complaint_and_is_no_wider_than_the_screen(self, opened, name, width):
        page = opened(name, width)
        page.run("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
        wide, screen = page.run("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide <= screen <= width
        broken = """Promise.all([...document.images].map(image => (image.loading = 'eager', image.decode())
                    .then(() => null, () => image.src)))"""
        assert [source for source in page.run(broken) if source] == []

    @pytest.mark.parametrize("preset", PRESETS)
    def test_the_playground_computes_what_python_computes(self, opened, preset):
        page, twin = opened("playground"), CellPlayground(preset)
        page.run(f"document.querySelector('[data-preset={preset}]').click()")
        agree(page, twin)
        for name, value in {"x": -1.0, "W_hf": 0.35, "b_o": -0.2, "c_prev": -1.45}.items():
            page.run(SLIDE.format(name, value))
            twin.move(**{name: value})
            agree(page, twin)

    def test_a_key_moves_a_slider_of_the_playground_and_the_numbers_follow(self, opened):
        page, twin = opened("playground"), CellPlayground(next(iter(PRESETS)))
        page.run(f"document.querySelector('[data-preset={next(iter(PRESETS))}]').click()")
        start = page.run("Number(document.getElementById('W_xi').value)")
        page.run("document.getElementById('W_xi').focus()")
        page.press("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowRight")
        moved = page.run("Number(document.getElementById('W_xi').value)")
        assert moved > start
        twin.move(W_xi=moved)
        agree(page, twin)

    @pytest.mark.parametrize("name", ["inspector", "13_inside_the_gates"])
    def test_a_key_moves_the_chosen_word_of_the_inspector(self, opened, name):
        page = opened(name)
        frame = page.tab if name == "inspector" else page.frame()
        until(lambda: page.run("document.documentElement.dataset.ready", frame) == "true")
        page.run("document.getElementById('words-0').focus()", frame)
        page.press("Home", frame=frame)
        before = page.run(DRAWN, frame)
        page.press("ArrowRight", frame=frame)
        until(lambda: page.run("document.body.dataset.step", frame) == "2")
        assert page.run(DRAWN, frame) != before

    def test_a_text_typed_into_the_inspector_moves_its_maps(self, opened):
        page = opened("inspector")
        until(lambda: page.run("document.documentElement.dataset.ready") == "true")
        before = page.run(DRAWN)
        page.run(f"(box => {{ box.focus(); box.select() }})({TEXT_BOX})")
        page.press(*"the mayor denies the storm")
        until(lambda: page.run(DRAWN) != before)


def agree(page, twin):
    """The page shows the numbers of the twin in Python, to the last digits."""
    names = twin.computed()._asdict()
    shown = page.run(f"{list(names)}.map(name => Number(document.getElementById('value-' + name).dataset.exact))")
    assert shown == pytest.approx([value.item() for value in names.values()], rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    ("content", "snap"), [("exec /snap/bin/firefox", True), ("exec /usr/lib/firefox-esr/firefox-esr", False)]
)
def test_a_firefox_from_a_snap_is_known_by_its_script(tmp_path, content, snap):
    (tmp_path / "firefox").write_text(f"#!/bin/sh\n{content}\n", encoding="utf-8")
    assert firefox.is_snap(str(tmp_path / "firefox")) is snap
