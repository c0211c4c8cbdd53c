"""The gate inspector in a browser: as an exported page without any network, and in a notebook of a real JupyterLab."""

import io
from itertools import combinations

import browser
import pytest
import torch
from colours import distance, linear, without_green
from every_explorer import inspector_code, value_of
from matplotlib.image import imread

from lstm_lesson import plots
from lstm_lesson.tracing import record

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(browser.why_not()), reason=browser.why_not())]
FIRST = ["no", "storm", "hits", "the", "coast", "after", "all", "the", "warnings", "of", "the", "week"]
SECOND = ["the", "coast", "waits"]
HOSTILE = [
    "<script>window.hacked = 1</script>",  # a script
    "</script><img src=x onerror='window.hacked = 1'>",  # the end of a script
    "</script <img src=x onerror=window.hacked=1",  # another end of a script
    """"it's" & `${hacked}` \\" &quot;""",  # quotes
    "<!-- --> ]]> <!--<script>",  # a comment
    "👩‍👩‍👧‍👦🏳️‍🌈",  # emoji
    "مرحبا بالعالم שלום",  # right to left
    "\u202eevil\u202c",  # a switch of direction
    "Z͑ͫ̓a̴l̸g̷o̵",  # combining marks
    "a\u2028b\u2029c",  # line separators
    "w" * 10_000,  # 10,000 letters
    "",  # empty
    " ",  # a blank
]


def build(*texts, units=5):
    return value_of(inspector_code(*texts, units=units))


class Opened:
    """The inspector's page, or its frame in a notebook, with what it complained of."""

    def __init__(self, page, frame, inspector, complaints):
        self.page, self.frame, self.inspector, self.complaints = page, frame, inspector, complaints

    def number(self, name, text=0):
        return float(self.frame.locator(f"#value-{text}-{name}").get_attribute("data-value"))

    def state(self, key):
        return self.frame.locator("body").get_attribute(f"data-{key}")

    def press(self, *keys, text=0):
        self.frame.locator(f"#words-{text}").focus()
        for key in keys:
            self.page.keyboard.press(key)


@pytest.fixture(scope="module")
def tab(chromium):
    """One tab of the browser for all exported pages, with what they complained of; it opens files and nothing else."""
    page, complaints = chromium.new_page(), []
    page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))

    def only_the_page(route):
        if route.request.is_navigation_request() and route.request.frame == page.main_frame:
            return route.continue_()
        complaints.append(f"asked for {route.request.url}")
        return route.abort()

    page.route("**/*", only_the_page)
    yield page, complaints
    page.close()


@pytest.fixture
def opened(tab, tmp_path):
    """Open an exported page from disk; every request for anything else is refused and noted."""
    page, complaints = tab
    page.goto("about:blank")
    complaints.clear()

    def open_page(inspector, viewport=browser.PROJECTOR):
        path = inspector.to_html(tmp_path / "inspector.html")
        page.set_viewport_size(viewport)
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready=true]", timeout=browser.PATIENCE)
        return Opened(page, page.main_frame, inspector, complaints)

    return open_page


def computed(inspector, tokens, step, unit):
    """The numbers in the equations at this step, from the model itself."""
    trace = record(inspector.classifier, inspector.vocabulary.encode(tokens)[None])
    at = {gate: getattr(trace, gate)[0, step, unit].item() for gate in "ifgoch"}
    at["c_prev"] = trace.c[0, step - 1, unit].item() if step else 0.0
    return at | {"tanh_c": torch.tensor(at["c"]).tanh().item()}


def test_the_page_shows_the_numbers_of_the_model_at_every_step_and_unit(opened):
    inspector = build(FIRST, SECOND)
    page = opened(inspector)
    for unit in (0, 3):
        page.frame.locator("#unit").select_option(str(unit))
        page.press("Home")
        for step in range(len(FIRST)):
            assert page.state("step") == str(step + 1)
            for name, value in computed(inspector, FIRST, step, unit).items():
                assert page.number(name) == pytest.approx(value, abs=1e-4), (name, step, unit)
                shown = page.frame.locator(f"#value-0-{name}").inner_text().replace("−", "-")
                assert float(shown) == pytest.approx(value, abs=1e-3)
            page.press("ArrowRight")
    assert page.complaints == []


def test_the_equations_on_the_page_come_out(opened):
    page = opened(build(FIRST))
    page.frame.locator("#unit").select_option("2")
    for _ in FIRST:
        at = {name: page.number(name) for name in ("i", "f", "g", "o", "c", "h", "c_prev", "tanh_c")}
        assert at["c"] == pytest.approx(at["f"] * at["c_prev"] + at["i"] * at["g"], abs=2e-4)
        assert at["h"] == pytest.approx(at["o"] * at["tanh_c"], abs=2e-4)
        page.press("ArrowRight")


def test_keys_move_through_time_units_and_gates(opened):
    page = opened(build(FIRST))
    page.press("Home")
    assert page.state("step") == "1"
    for key, step in {"ArrowRight": 2, "ArrowLeft": 1, "PageDown": 11, "End": 12, "PageUp": 2}.items():
        page.press(key)
        assert page.state("step") == str(step), key
        assert page.frame.locator("[role=option][aria-selected=true] .w").inner_text() == FIRST[step - 1]
        assert f"word {step} of 12" in page.frame.locator("#step-0").inner_text()
    for key in "ifgoch":
        page.press(key)
        assert page.state("gate") == key
        assert page.frame.locator(f"#gate-{key}").is_checked()
    before = page.state("unit")
    page.press("ArrowDown")
    assert page.state("unit") != before
    page.press("ArrowUp")
    assert page.state("unit") == before
    assert page.complaints == []


def test_the_mouse_moves_through_time_and_chooses_a_unit(opened):
    page = opened(build(FIRST))
    page.press("Home")
    page.frame.locator("#word-0-4").hover()
    assert page.state("step") == "5"
    box = page.frame.locator("#map-0-f").bounding_box()
    page.page.mouse.move(box["x"] + box["width"] * 7.5 / len(FIRST), box["y"] + box["height"] / 2)
    page.frame.wait_for_function("document.body.dataset.step === '8'", timeout=browser.PATIENCE)
    before = page.state("unit")
    page.page.mouse.click(box["x"] + box["width"] * 7.5 / len(FIRST), box["y"] + box["height"] * 0.9)
    assert page.state("unit") != before
    page.frame.locator("label", has=page.frame.locator("#gate-o")).click()
    assert page.state("gate") == "o"
    assert page.complaints == []


def test_the_colours_of_the_words_follow_gate_and_unit(opened):
    page = opened(build(FIRST))
    colours = "[...document.querySelectorAll('#words-0 .w')].map(word => getComputedStyle(word).backgroundColor)"
    seen = set()
    for gate in "ifo":
        page.press(gate)
        for unit in ("0", "1", "mean"):
            page.frame.locator("#unit").select_option(unit)
            seen.add(str(page.frame.evaluate(colours)))
    assert len(seen) == 9


def test_units_stand_in_the_order_that_is_chosen(opened):
    inspector = build(FIRST)
    page = opened(inspector)
    units = "[...document.querySelectorAll('#unit option')].map(option => option.value)"
    c = record(inspector.classifier, inspector.vocabulary.encode(FIRST)[None]).c[0]
    activity = c.std(dim=0, correction=0).argsort(descending=True).tolist()
    label = inspector.scores.abs().argsort(descending=True, stable=True).tolist()
    for order, expected in {"number": list(range(5)), "activity": activity, "label": label}.items():
        page.frame.locator("#order").select_option(order)
        assert [unit for unit in page.frame.evaluate(units) if unit != "mean"] == [str(unit) for unit in expected]


def test_two_texts_stand_beside_each_other_with_their_own_numbers(opened):
    inspector = build(FIRST, SECOND)
    page = opened(inspector)
    page.frame.locator("#unit").select_option("1")
    page.press("Home", "ArrowRight", text=1)
    for name, value in computed(inspector, SECOND, 1, 1).items():
        assert page.number(name, text=1) == pytest.approx(value, abs=1e-4)
    assert page.frame.locator("#words-1 .w").all_inner_texts() == SECOND


def test_any_token_is_shown_as_text(opened):
    page = opened(build(HOSTILE))
    words = page.frame.locator("#words-0 .w").evaluate_all("words => words.map(word => word.textContent)")
    assert words == HOSTILE
    page.press("Home")
    for token in HOSTILE:
        assert page.frame.locator("#current-0").evaluate("word => word.textContent") == token[:200]
        page.press("ArrowRight")
    assert page.frame.evaluate("[window.hacked, document.querySelectorAll('img').length]") == [None, 0]
    assert page.frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.complaints == []


def test_500_words_and_128_units_can_be_walked_through(opened):
    tokens = [f"w{k % 97}" for k in range(500)]
    inspector = build(tokens, units=128)
    page = opened(inspector)
    page.press("End")
    assert page.state("step") == "500"
    page.frame.locator("#unit").select_option("127")
    assert page.number("c") == pytest.approx(computed(inspector, tokens, 499, 127)["c"], abs=1e-4)
    assert page.frame.locator("#word-0-499").is_visible()
    assert page.complaints == []


def test_in_a_notebook_the_inspector_is_driven_and_reads_what_is_typed(open_notebook):
    code = inspector_code(FIRST, SECOND)
    inspector = value_of(code)
    sheet = open_notebook("inspector", [code])
    page = sheet.page
    assert sheet.failures == []
    found = Opened(page, inspector_frame(page), inspector, sheet.complaints)
    found.frame.locator("#unit").select_option("3")
    found.press("Home", "ArrowRight", "ArrowRight")
    for name, value in computed(inspector, FIRST, 2, 3).items():
        assert found.number(name) == pytest.approx(value, abs=1e-4)
    assert browser.serious_violations(found.frame) == []
    assert browser.serious_violations(page, ".lesson-explorer") == []

    assert page.locator(".lesson-explorer input").count() == 0  # no boxes that need a kernel
    browser.type_text(found.frame, "the storm waits")
    assert found.frame.locator("#words-0 .w").all_inner_texts() == ["the", "storm", "waits"]
    found.frame.locator("#unit").select_option("1")
    found.press("End")
    for name, value in computed(inspector, ["the", "storm", "waits"], 2, 1).items():
        assert found.number(name) == pytest.approx(value, abs=1e-4)
    assert sheet.complaints == []


def inspector_frame(page):
    frame = page.locator("iframe.lstm-inspector").first.element_handle().content_frame()
    frame.wait_for_selector("html[data-ready=true]", timeout=browser.PATIENCE)
    return frame


def test_60_words_and_32_units_make_a_page_of_less_than_2_megabytes(opened, tmp_path):
    inspector = build([f"w{k}" for k in range(60)], units=32)
    assert inspector.to_html(tmp_path / "page.html").stat().st_size < 2_000_000


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_no_serious_violation_in_the_page(opened, dark):
    page = opened(build(FIRST, SECOND))
    page.frame.evaluate("dark => document.documentElement.classList.toggle('dark', dark)", dark)
    assert browser.serious_violations(page.frame) == []


@pytest.mark.parametrize(("width", "height", "letters"), [(1280, 720, 12), (390, 844, 11)], ids=["projector", "phone"])
def test_the_page_can_be_read_on(opened, width, height, letters):
    page = opened(build(FIRST, SECOND), {"width": width, "height": height})
    assert page.frame.evaluate(browser.SMALLEST_LETTERS) >= letters
    assert page.frame.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_gates_are_told_apart_without_green(opened):
    """In Chromium's own simulation of deuteranopia: the letters of the six gates, as they come out of a screenshot."""
    page = opened(build(FIRST))
    seen = {}
    for emulated in ("none", "deuteranopia"):
        session = page.page.context.new_cdp_session(page.page)
        session.send("Emulation.setEmulatedVisionDeficiency", {"type": emulated})
        seen[emulated] = {
            gate: letter_colour(page.frame.locator("label", has=page.frame.locator(f"#gate-{gate}")).locator("b"))
            for gate in plots.COLORS
        }
    style = "getComputedStyle(document.documentElement)"
    letters = page.frame.evaluate(f"[...'ifgoch'].map(name => {style}.getPropertyValue(`--${{name}}-text`).trim())")
    for gate, colour in zip("ifgoch", letters, strict=True):
        assert distance(linear(seen["none"][gate]), linear(colour)) < 3
        assert distance(linear(seen["deuteranopia"][gate]), without_green(colour)) < 3
    for one, other in combinations(seen["deuteranopia"].values(), 2):
        assert distance(linear(one), linear(other)) > 5


def letter_colour(letter):
    """The pixel of its screenshot that is furthest from white, as "#RRGGBB"."""
    letter.evaluate("letter => { letter.style.fontSize = '60px' }")  # so that some pixels lie inside the stroke
    pixels = imread(io.BytesIO(letter.screenshot()))[..., :3].reshape(-1, 3)
    return "#" + "".join(f"{round(255 * float(part)):02X}" for part in pixels[pixels.sum(axis=1).argmin()])
