"""The static site: built once, read as files, and opened in a browser that reaches nothing but this machine."""

import json
import re
import runpy
from itertools import combinations, pairwise
from pathlib import Path
from urllib.parse import unquote

import browser
import built_site
import nbformat
import pytest
import torch
from bs4 import BeautifulSoup
from colours import contrast, distance, linear, without_green
from notebook_rules import Lesson, without_code
from repository import ADDRESS, NOTEBOOKS, PACKAGE, ROOT

from lstm_lesson.cells import lstm_step
from lstm_lesson.data import agreement
from lstm_lesson.explorers.playground import PRESETS, CellPlayground
from lstm_lesson.plots import lstm_svg
from lstm_lesson.plots.style import COLORS, INK, QUIET
from lstm_lesson.text import NewsUnavailable, load_news

IN_A_BROWSER = [pytest.mark.browser, pytest.mark.skipif(bool(browser.why_not()), reason=browser.why_not())]
LESSONS = [path.stem for path in NOTEBOOKS]
TYPED = ["inspector", "agreement", "characters"]  # pages that read what a visitor types
PAGES = ["index", *LESSONS, *TYPED, "playground", "search"]
LOOKED_AT = [
    *("index", "07_output_gate", *TYPED, "playground", "search"),  # in each run in one scheme, in turn light and dark
    *("00_start_here", "05_forget_gate", "13_inside_the_gates"),
]


def in_two_schemes(pages, often=7):
    """Parameters: one scheme for each of the first `often` pages in every run, the rest with `make test-full`."""
    for k, page in enumerate(pages):
        for scheme in ("light", "dark"):
            seldom = k >= often or (scheme == "dark") != k % 2
            yield pytest.param(page, scheme, marks=[pytest.mark.full] * seldom)


WIDTHS = (320, 375, 768, 1024, 1280)
GROUND = {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 24, 28)"}
PHONE = {"width": 390, "height": 844}
LARGEST = 15 * 2**20  # bytes of the whole site
TEMPLATES = [*(ROOT / "tools" / "site" / "template").glob("*.j2"), PACKAGE / "explorers" / "inspector.html"]
STYLE = (ROOT / "tools" / "site" / "template" / "style.css").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def site():
    return built_site.once()


@pytest.fixture(scope="module")
def soups(site):
    return {path.name: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser") for path in site.glob("*.html")}


# As files ------------------------------------------------------------------------------------------------------------


def test_there_is_a_page_for_every_notebook_and_no_other(site):
    assert sorted(path.stem for path in site.glob("*.html")) == sorted(PAGES)


def test_the_site_is_small(site):
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < LARGEST


def dead_links(name, soups, site):
    """Links, pictures and scripts of a page that lead to no file, or to no place in a page."""
    for tag in soups[name].select("[href], [src]"):
        target = tag.get("href") or tag.get("src")
        if re.match(r"(https?|data):", target):
            continue
        path, _, anchor = target.partition("#")
        path = unquote(path) or name
        if not (site / path).is_file() or (anchor and not soups[path].find(id=[anchor, unquote(anchor)])):
            yield target


def test_no_link_is_dead(soups, site):
    assert {name: dead for name in soups if (dead := list(dead_links(name, soups, site)))} == {}


@pytest.mark.parametrize("link", ["gone.html", "index.html#gone", "04_input_gate.ipynb", "pictures/gone.png", ""])
def test_a_dead_link_is_found(soups, site, link):
    page = BeautifulSoup(f'<a href="{link or "#gone"}">here</a>', "html.parser")
    assert list(dead_links("other.html", {**soups, "other.html": page}, site)) != []


def test_nothing_is_loaded_from_elsewhere(soups):
    """A link may lead away; what the page shows, runs and looks like comes with it."""
    for name, soup in soups.items():
        for tag in soup.select("script[src], link[href], img[src], iframe[src], source, video, audio, embed, object"):
            assert not re.match(r"(https?:)?//", tag.get("src") or tag.get("href") or ""), (name, tag)
        for style in [STYLE, *(tag.text for tag in soup.select("style"))]:
            assert not re.search(r"@import|url\(['\"]?(https?:)?//", style), name


def formulas(source: str) -> list[str]:
    """Every formula of a Markdown cell, found with nothing but its dollars."""
    return [a or b for a, b in re.findall(r"(?s)\$\$(.+?)\$\$|\$(.+?)\$", without_code(source))]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=LESSONS)
def test_every_formula_of_the_notebook_is_one_of_the_page(path, soups):
    written = [formula for source in Lesson(path).prose for formula in formulas(source)]
    main = soups[f"{path.stem}.html"].select_one("main")
    shown = main.select(".prose math")
    assert len(shown) == len(written)
    assert [math for math in shown if not math.text.strip()] == []
    assert main.select("merror") == []
    prose = " ".join(text for cell in main.select(".prose") for text in cell.find_all(string=True)
                     if not text.find_parents(["code", "pre", "math"]))  # fmt: skip
    assert not re.search(r"\$|\\[a-zA-Z]+|\{", prose)


def test_there_are_formulas(soups):
    assert sum(len(soup.select("math")) for soup in soups.values()) > 300


@pytest.mark.parametrize("path", NOTEBOOKS, ids=LESSONS)
def test_a_colour_of_a_formula_is_that_of_the_page_in_light_and_dark(path, soups):
    page = soups[f"{path.stem}.html"]
    written = re.findall(r"\\color\{(#\w+)\}", " ".join(map(without_code, Lesson(path).prose)))
    names = {color: name for name, color in COLORS.items()}
    shown = [name for math in page.select(".prose math") for name in re.findall(r"var\(--(\w)-text\)", str(math))]
    assert sorted(shown) == sorted(names[color] for color in written)


def variables(style: str, start: str) -> dict[str, str]:
    """The colours that a style sheet names after this place."""
    return dict(re.findall(r"--([\w-]+): (#\w{6})", style[style.index(start) :].split("}")[0]))


@pytest.mark.parametrize("start", [":root", "(prefers-color-scheme: dark)"])
def test_every_colour_of_letters_can_be_read(start):
    named = variables(STYLE, start)
    letters = {f"{name}-text" for name in COLORS}
    for name in {*letters, "ink", "quiet", "link", "keyword", "string", "amount", "comment", "builtin"}:
        for ground in ("page", "card"):
            assert contrast(named[name], named[ground]) >= 7, (name, ground)


@pytest.mark.parametrize("start", [":root {", ":root.dark {"])
def test_the_letters_of_the_inspector_are_those_of_the_site(start):
    its = variables((PACKAGE / "explorers" / "inspector.html").read_text(encoding="utf-8"), start)
    ours = variables(STYLE, "(prefers-color-scheme: dark)" if "dark" in start else ":root")
    assert {name: its[f"{name}-text"] for name in COLORS} == {name: ours[f"{name}-text"] for name in COLORS}
    assert (its["z-text"], its["r-text"]) == (its["f-text"], its["o-text"])
    for ground in ("page", "card"):
        assert contrast(its["quiet"], its[ground]) >= 7


def test_no_letter_has_a_colour_that_is_only_for_areas():
    """The six colours themselves are for areas and lines; letters take those with -text in the name."""
    for source in [STYLE, *(path.read_text(encoding="utf-8") for path in TEMPLATES)]:
        assert re.findall(r"(?<![-\w])color: ?var\(--(?:[ifgoch]|tone)\)", source) == []


def test_the_darker_letters_are_told_apart():
    letters = {name: variables(STYLE, ":root")[f"{name}-text"] for name in COLORS}
    for one, other in combinations(letters.values(), 2):
        assert distance(linear(one), linear(other)) > 35
        assert distance(without_green(one), without_green(other)) > 15
    for name, color in letters.items():  # and each is nearest to its own colour
        assert min(COLORS, key=lambda other: distance(linear(COLORS[other]), linear(color))) == name


def test_a_picture_can_be_read_on_a_dark_page_too():
    """Its white card stays white but for a little, and its colours go down with it."""
    share = float(re.search(r"dark\) \{ \.picture \{ filter: brightness\((.+?)\)", STYLE)[1])
    assert share < 1
    for color in (*COLORS.values(), INK, QUIET):
        dimmed = [f"#{''.join(f'{round(share * int(c[k : k + 2], 16)):02X}' for k in (1, 3, 5))}"
                  for c in (color, "#FFFFFF")]  # fmt: skip
        assert contrast(*dimmed) >= 4.5, color


def test_the_colours_are_those_of_the_pictures_and_of_the_inspector():
    inspector = (PACKAGE / "explorers" / "inspector.html").read_text(encoding="utf-8")
    dark, its_dark = variables(STYLE, "(prefers-color-scheme: dark)"), variables(inspector, ":root.dark")
    assert {name: variables(STYLE, ":root")[name] for name in COLORS} == COLORS
    assert {name: dark[name] for name in COLORS} == {name: its_dark[name] for name in COLORS}


def test_no_text_that_belongs_to_others_is_passed_on(site):
    try:
        splits = load_news("covid").values()
    except NewsUnavailable as error:
        pytest.skip(f"the texts to look for are not here: {error}")
    texts = {" ".join(text.split()) for split in splits for text in split.texts if len(text) > 40}
    for path in [*site.glob("*.html"), *site.glob("downloads/*")]:
        shown = " ".join(BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").get_text(" ").split())
        assert [text for text in texts if text in shown] == [], path.name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=LESSONS)
def test_the_notebook_to_download_is_the_notebook_without_its_outputs(path, site):
    offered, stored = nbformat.read(site / "downloads" / path.name, as_version=4), Lesson(path).notebook
    nbformat.validate(offered)
    assert [cell.source for cell in offered.cells] == [cell.source for cell in stored.cells]
    assert [cell for cell in offered.cells if cell.get("outputs")] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=LESSONS)
def test_the_page_leads_to_colab_to_the_notebook_and_to_its_neighbours(path, soups):
    links = {a["href"] for a in soups[f"{path.stem}.html"].select("a[href]")}
    at = LESSONS.index(path.stem)
    expected = {f"{name}.html" for name in LESSONS[max(0, at - 1) : at + 2] if name != path.stem}
    colab = ADDRESS.replace("https://github.com", "https://colab.research.google.com/github")
    assert links >= {*expected, "index.html", f"downloads/{path.name}", f"{colab}/blob/main/notebooks/{path.name}"}


def test_the_first_page_lists_every_notebook_with_its_question_and_minutes(soups):
    rows = [row.get_text(" ", strip=True) for row in soups["index.html"].select(".arc li")]
    assert len(rows) == len(NOTEBOOKS)
    for row, path in zip(rows, NOTEBOOKS, strict=True):
        first = Lesson(path).cells[0].source
        number, title = re.search(r"# (\d\d) · (.+)", first).groups()
        assert row.startswith(f"{number} {title}")
        assert re.search(r"\*\*(.+?\?)\*\*", first)[1] in row
        assert f"{re.search(r'([0-9]+) +minutes', first)[1]} minutes" in row


def test_every_page_says_what_it_is_to_who_passes_its_link_on(soups):
    """Without og:image and og:url: these need the address at which the site stands, which nobody knows here."""
    for name, soup in soups.items():
        given = {tag["property"]: tag["content"] for tag in soup.select("meta[property]")}
        assert given["og:title"] == soup.title.text, name
        assert given["og:description"] == soup.select_one("meta[name=description]")["content"] != "", name
        assert not {"og:image", "og:url"} & given.keys(), name


def test_every_navigation_has_links_and_a_name_of_its_own(soups):
    for name, soup in soups.items():
        names = [nav["aria-label"] for nav in soup.select("nav")]
        assert len(set(names)) == len(names) >= 1, name
        assert all(nav.select("a[href]") for nav in soup.select("nav")), name


def test_no_heading_of_a_table_is_empty(soups):
    assert [(name, th) for name, soup in soups.items() for th in soup.select("th") if not th.get_text(strip=True)] == []


def test_an_elementwise_product_is_never_drawn_as_a_large_operator(soups):
    signs = [sign for soup in soups.values() for sign in soup.select("mo") if sign.text in "⊙⊕⊗"]
    assert len(signs) > 20
    assert {sign.get("largeop") for sign in signs} == {"false"}


def test_the_first_page_tells_the_whole_time_and_how_to_cite(soups):
    page = soups["index.html"]
    minutes = [int(re.search(r"([0-9]+) +minutes", Lesson(path).cells[0].source)[1]) for path in NOTEBOOKS]
    assert f"{len(minutes)} lessons, about {round(sum(minutes) / 60)} hours in all" in page.select_one(".facts").text
    cff = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    entry = page.find(id="cite").find_parent("section").select_one("pre").text
    for field in ("title", "version", "repository-code"):
        assert re.search(rf"(?m)^{field}: (.+)$", cff)[1] in entry


def test_the_cell_of_the_first_page_gives_the_number_of_its_subject(soups):
    story = json.loads(soups["index.html"].find(id="data").text)
    assert story["answers"] == ["are", "is"]
    for steps, verb in zip(story["stories"], story["answers"], strict=True):
        at_the_verb = steps[story["verb"]]
        assert at_the_verb["word"] == agreement.BLANK and f"“{verb}”" in at_the_verb["said"]
        assert not [step for step in steps if step["word"] == verb]  # the cell reads no answer
        weights, h, c = agreement.hand_set_weights(), torch.zeros(1, 2), torch.zeros(1, 2)
        for step in steps:
            x = torch.eye(6)[[agreement.KINDS[step["word"]]]]
            h, c = lstm_step(x, h, c, weights)
            assert step["values"]["c"] == pytest.approx(c[0, 0].item())
            assert step["values"]["h"] == pytest.approx(h[0, 0].item())


def test_pictures_without_a_script_are_complete(soups):
    """The drawn cells have their numbers, the sentence its memory, the playground says what is missing."""
    for name in ("index.html", "playground.html"):
        assert [place for place in soups[name].select("[data-value]") if not place.text.strip()] == []
    assert len(soups["index.html"].select("#words .memory")) == 7
    for name in ("playground.html", "search.html"):
        assert "JavaScript" in soups[name].select_one("noscript").text
    for name in ("13_inside_the_gates.html", "16_writing.html"):
        assert soups[name].select_one("iframe").find_parent(class_="needs-script")
        assert soups[name].select(".instead img[alt]")


def test_the_first_page_asks_before_it_answers_and_writes_its_numbers_alike(soups):
    page = soups["index.html"]
    words = [word.text for word in page.select("#words .word")]
    assert agreement.BLANK in words and not {"is", "are"} & set(words)
    assert page.select_one(".cell [data-value=x]").text == agreement.BLANK
    numbers = [place.text for place in page.select(".cell [data-value]:not([data-value=x]), #words .memory")]
    assert len(numbers) > 15 and [text for text in numbers if not re.fullmatch(r"−?\d\.\d\d", text)] == []


def test_a_page_has_one_name_in_the_menu_on_its_card_and_at_its_head(soups):
    """And the menu stands on every page, with a mark at the page itself."""
    names = (
        {"playground": "Playground"} | {name: soups[f"{name}.html"].h1.text for name in TYPED} | {"search": "Search"}
    )
    for page, soup in soups.items():
        menu = {a["href"]: a.text for a in soup.select("nav[aria-label=Site] a")}
        if page.removesuffix(".html") not in TYPED:
            assert menu == {"index.html#arc": "Lessons"} | {f"{page}.html": name for page, name in names.items()}
        here = [a["href"] for a in soup.select("header nav a[aria-current=page]")]
        assert here == [page] * (page.removesuffix(".html") in names), page
    for tile in soups["index.html"].select(".tile"):
        assert tile.b.text.lower().endswith(names[tile["href"].removesuffix(".html")].lower())
    for link in [a for soup in soups.values() for a in soup.select(".alive a")]:
        assert names[link["href"].removesuffix(".html")].lower() in link.text.lower()


def test_the_first_page_says_what_the_typed_classifier_was_trained_on(soups):
    about = soups["index.html"].select_one('.tile[href="inspector.html"]').text
    assert "grammar" in about and "not on real news" in about


@pytest.mark.parametrize("name", ["index.html", "playground.html"])
def test_the_signs_of_the_drawn_cell_are_explained_beside_it(soups, name):
    page = soups[name]
    legend = page.select_one(".legend")
    drawn = " ".join(text.get_text() for text in page.select(".cell svg text"))
    for sign in ("σ", "tanh", "⊙", "candidate", "(3)"):
        assert sign in drawn and sign in legend.text, sign
    assert legend.select_one("a")["href"] == "00_start_here.html#The-five-equations"


def test_a_link_of_the_first_page_that_leaves_it_says_so(soups):
    links = {a["href"]: f"{a.text} {a.next_sibling or ''}" for a in soups["index.html"].select("main a[href^=http]")}
    named = {"colab": "Colab", "pytorch": "PyTorch", "github": "repository"}
    for link, words in links.items():
        assert [word for host, word in named.items() if host in link.split("/")[2] and word in words], link


def test_the_playground_explains_its_presets_and_says_where_its_sliders_end(soups):
    page = soups["playground.html"]
    assert [name.text for name in page.select(".presets dt")] == list(PRESETS)
    for group in page.select("fieldset"):
        sliders = group.select("input")
        assert all(float(slider["min"]) == -float(slider["max"]) for slider in sliders)
        ends = dict.fromkeys(f"±{float(slider['max']):.0f}" for slider in sliders)
        assert group.legend.small.text == f"to {', '.join(ends)}"


@pytest.fixture
def index(site):
    text = (site / "search-index.js").read_text(encoding="utf-8")
    assert len(text.encode()) < 300_000
    return json.loads(text.removeprefix("const INDEX = ").removesuffix(";\n"))


def test_the_search_finds_every_part_and_no_answer(index, soups):
    assert [page for page, _, _ in index] == [f"{name}.html" for name in LESSONS]
    for page, _, sections in index:
        folds = soups[page].select("main details.answer:not(.code details)")
        answers = {
            " ".join(fold.p.text.split()) for fold in folds if fold.p and not fold.p.select("math, code, a, em, strong")
        }
        assert {heading["id"] for heading in soups[page].select("main .prose :is(h1, h2, h3)")} == {
            a for a, _, _ in sections
        }
        words = " ".join(words for _, _, words in sections)
        assert [answer for answer in answers if len(answer) > 40 and answer in words] == []


@pytest.fixture
def alive(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools" / "site")
    return runpy.run_path(str(ROOT / "tools" / "site" / "alive.py"))


@pytest.mark.parametrize("sign", [1, -1])
def test_how_well_a_memory_tells_a_quote_is_counted_on_the_second_half(alive, sign):
    quoted = torch.tensor([False, True] * 20)
    memory = sign * torch.where(quoted, 2.0, -1.0)
    threshold = ("above", -1.0) if sign > 0 else ("below", -2.0)
    assert alive["caught"](memory, quoted) == (100, 0, *threshold)
    elsewhere = memory + 10 * sign * (torch.arange(40) >= 20)  # beyond the threshold of the first half
    assert alive["caught"](elsewhere, quoted) == (100, 100, *threshold)
    memory[21:31:2] = -sign  # 5 of the 10 characters in quotes of the second half, and none of the first
    assert alive["caught"](memory, quoted) == (50, 0, *threshold)
    memory[[20, 22]] = 2.0 * sign  # 2 of its 10 others
    assert alive["caught"](memory, quoted) == (50, 20, *threshold)


def test_a_page_that_lists_words_lists_all_that_its_model_knows(soups):
    for name in TYPED:
        model, said = (json.loads(soups[f"{name}.html"].find(id=part).text) for part in ("model", "site"))
        if "known" in said:
            listed = [word for words in said["known"].values() for text in words for word in text.split()]
            assert set(listed) == set(model["tokens"]), name
    assert {name for name in TYPED if "known" in json.loads(soups[f"{name}.html"].find(id="site").text)} == {
        "inspector",
        "agreement",
    }


def test_a_page_that_reads_what_is_typed_leads_to_the_lessons_and_the_search(soups):
    for name in TYPED:
        links = {a["href"] for a in soups[f"{name}.html"].select("header a")}
        assert links == {
            "index.html",
            "index.html#arc",
            "playground.html",
            "search.html",
            *(f"{k}.html" for k in TYPED),
        }


def signs(text: str) -> str:
    """Only what a formula is made of: without blanks, and what a line needs in place of raised and lowered letters."""
    return re.sub(r"[\s_^{}()/√⏟⏞\u2061]", "", text)


def test_the_search_has_a_text_for_every_formula(index, soups):
    """No sentence of the search has a hole where the lesson has a formula."""
    checked = 0
    for page, _, sections in index:
        words = signs("".join(f"{heading}{words}" for _, heading, words in sections))
        for math in soups[page].select("main .prose math"):
            fold = math.find_parent("details")
            if not fold or fold.summary.text.strip() != "Answer":
                assert signs(math.text) in words, (page, math.text)
                checked += 1
    assert checked > 300


def test_the_search_has_no_marks_that_only_a_page_explains(index):
    assert [h for _, _, sections in index for _, h, words in sections if re.search("[●○\u2061]|  ", h + words)] == []


@pytest.mark.parametrize(
    ("latex", "line"),
    [
        (r"c_t = f_t \odot c_{t-1} + i_t \odot g_t", "c_t = f_t ⊙ c_{t−1} + i_t ⊙ g_t"),
        (r"\frac{\partial L}{\partial W_{hh}}", "∂L/∂W_hh"),
        (r"\frac{1}{\sqrt{H}}", "1/√H"),
        (r"\frac{a + b}{2}", "(a + b)/2"),
        (r"\tanh z_t, \quad W^\top", "tanh z_t, W^⊤"),
        (r"\sum_{k=1}^t x_t W_{xh}", "∑_{k=1}^t x_t W_xh"),
    ],
)
def test_a_formula_is_one_line_of_the_search(monkeypatch, latex, line):
    monkeypatch.syspath_prepend(ROOT / "tools" / "site")
    import formulas
    import search

    made = search.linear(BeautifulSoup(formulas.formula(latex), "html.parser").math)
    assert " ".join(made.split()) == line


def test_a_folder_that_is_not_empty_is_refused_and_unchanged(tmp_path, monkeypatch):
    (tmp_path / "mine.txt").write_text("mine")
    monkeypatch.syspath_prepend(ROOT / "tools" / "site")
    build = runpy.run_path(str(ROOT / "tools" / "site" / "build.py"))["build"]
    with pytest.raises(ValueError, match="is not empty"):
        build(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


# In a browser --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def address(site):
    with built_site.served(site) as found:
        yield found


@pytest.fixture(scope="module")
def tab(chromium, address):
    """One tab of the browser for all tests, with what its pages complained of and asked for elsewhere."""
    page, complaints = chromium.new_page(), []
    page.on("console", lambda said: said.type in ("error", "warning") and complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
    page.on("request", lambda request: request.url.startswith((address, "data:", "about:", "blob:"))
            or complaints.append(f"asked for {request.url}"))  # fmt: skip
    page.on("response", lambda answer: answer.status >= 400 and complaints.append(f"{answer.status} {answer.url}"))
    yield page, complaints
    page.close()


@pytest.fixture(scope="module")
def two_schemes(chromium):
    """A tab for light and one for dark, each in a process of its own."""
    contexts = {scheme: chromium.new_context(color_scheme=scheme) for scheme in ("light", "dark")}
    yield {scheme: context.new_page() for scheme, context in contexts.items()}
    for context in contexts.values():
        context.close()


@pytest.fixture
def opened(tab, address):
    """Open a page; at the end nothing may have been complained of, and nothing asked for elsewhere."""
    page, complaints = tab
    page.goto("about:blank")
    complaints.clear()

    def open_page(name, viewport=browser.PROJECTOR, scheme="light"):
        page.set_viewport_size(viewport)
        page.emulate_media(media="screen", color_scheme=scheme, reduced_motion="no-preference", forced_colors="none")
        page.goto(f"{address}/{name}.html")
        return page

    yield open_page
    assert complaints == []


SHADES = """[...document.querySelectorAll('#words-0 .w')].map(word => {
    const [r, , b] = word.style.backgroundColor.match(/\\d+/g);
    return Math.abs(r - 238) + Math.abs(b - 245);
})"""


class TestInABrowser:
    pytestmark = IN_A_BROWSER

    def test_on_paper_the_answers_stand_at_the_end(self, opened):
        page = opened("05_forget_gate")
        shown = "[...document.querySelectorAll('{}')].filter(part => part.getBoundingClientRect().height > 0).length"
        folds, copies = shown.format("main details.answer"), shown.format("main .answers > div")
        assert page.evaluate(folds) > 5 and page.evaluate(copies) == 0
        on_screen = page.evaluate(folds)
        page.emulate_media(media="print")
        assert page.evaluate(folds) == 0 and page.evaluate(copies) == on_screen

    def test_a_printed_lesson_is_whole(self, opened):
        """Nothing is cut off, every fold but those of answers is open, and the inspector is its picture."""
        page = opened("13_inside_the_gates")
        page.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth)")
        page.set_viewport_size({"width": 680, "height": 1000})  # the width of a sheet
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        boxes = "[...document.querySelectorAll('pre, .wide, .picture')].filter(box => box.checkVisibility())"
        assert page.evaluate(f"{boxes}.filter(box => box.scrollWidth > box.clientWidth + 1).length") == 0
        assert page.evaluate(f"{boxes}.length") > 40
        folds = "document.querySelectorAll('details:not(.answer):not([open])').length"
        assert page.evaluate(folds) == 0
        assert not page.locator("iframe").first.is_visible()
        assert page.locator(".instead img").first.is_visible()
        for unneeded in ("nav", ".button", ".marking"):
            assert (
                page.evaluate(f"[...document.querySelectorAll('{unneeded}')].filter(e => e.checkVisibility()).length")
                == 0
            )
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        page.emulate_media(media="screen")
        assert page.evaluate(folds) > 2

    @pytest.mark.parametrize("name", PAGES)
    def test_the_page_fits_a_phone_and_shows_its_formulas_and_pictures(self, opened, name):
        """No page is wider than the screen, no formula is empty or a root without its sign; font and pictures come."""
        page = opened(name, PHONE)
        page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        page.set_viewport_size({"width": 320, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        sizes = page.evaluate("""[...document.querySelectorAll('math')].filter(math => !math.closest('.in-print')).map(
            math => [math.getBoundingClientRect().width, math.getBoundingClientRect().height])""")
        assert [size for size in sizes if min(size) < 3] == []
        if sizes:
            page.wait_for_function("document.fonts.status === 'loaded'")
            assert page.evaluate("[...document.fonts].map(font => font.status)") == ["loaded"]
        signs = page.evaluate("""[...document.querySelectorAll('msqrt')].filter(root => !root.closest('.in-print')).map(
            root => root.firstElementChild.getBoundingClientRect().left - root.getBoundingClientRect().left)""")
        assert [width for width in signs if width < 3] == []
        broken = page.evaluate("""() => Promise.all([...document.images].map(async image => {
            image.loading = 'eager';
            await image.decode().catch(() => null);
            return image.naturalWidth ? null : image.src;
        }))""")
        assert [source for source in broken if source] == []

    @pytest.mark.parametrize("name", ["index", "playground"])
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_the_letters_of_the_drawn_cell_can_be_read(self, opened, name, scheme):
        """On what lies behind each of them; in the dark the drawing has the card of the page, not a bright one."""
        page = opened(name, scheme=scheme)
        page.emulate_media(reduced_motion="reduce")
        page.reload()
        found = page.evaluate("""() => {
            const svg = document.querySelector('.cell svg'), hex = color => '#' + color.match(/[\\d.]+/g).slice(0, 3)
                .map(v => Math.round(color.startsWith('color') ? 255 * v : v).toString(16).padStart(2, '0')).join('');
            return [...svg.querySelectorAll('text')].filter(text => text.textContent.trim()).map(text => {
                const box = text.getBoundingClientRect(), [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
                const holds = area => { const r = area.getBoundingClientRect();
                                        return r.left <= x && x <= r.right && r.top <= y && y <= r.bottom; };
                const ground = [...svg.querySelectorAll('rect, circle')].filter(holds).at(-1);
                return [text.textContent, hex(getComputedStyle(text).fill), hex(getComputedStyle(ground).fill)];
            });
        }""")
        assert len(found) > 30
        assert [each for each in found if contrast(*each[1:]) < 4.5] == []
        assert {ground.upper() for *_, ground in found} >= {"#FFFFFF" if scheme == "light" else "#1F2227"}

    @pytest.mark.parametrize("name", ["index", "playground"])
    def test_the_drawn_cell_can_be_read_on_a_phone(self, phone, address, name):
        phone.goto(f"{address}/{name}.html")
        sizes = phone.evaluate("""() => [...document.querySelectorAll('.cell svg text, .cell svg tspan')]
            .filter(text => text.checkVisibility() && text.textContent.trim())
            .map(text => parseFloat(getComputedStyle(text).fontSize) * text.ownerSVGElement.clientWidth / 1280)""")
        assert min(sizes) > 7.5
        if name == "index":  # the names that the drawing then leaves out
            assert [phone.get_by_text(gate, exact=True).first.is_visible() for gate in ("forget gate", "candidate")]
            assert phone.locator(".names").is_visible() and not phone.locator(".cell .name").first.is_visible()

    @pytest.mark.parametrize(("name", "scheme"), in_two_schemes(LOOKED_AT))
    def test_a_light_or_dark_page_keeps_nobody_out(self, opened, name, scheme):
        page = opened(name, PHONE if scheme == "dark" else browser.PROJECTOR, scheme)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == GROUND[scheme]
        browser.start_axe(page)
        assert browser.violations(page) == []

    @pytest.mark.full
    @pytest.mark.parametrize("name", PAGES)
    def test_at_every_width_a_light_and_a_dark_page_fits_and_keeps_nobody_out(self, two_schemes, address, name):
        """Both at once, with all folds open: axe takes a second or two for a lesson, ten times."""
        for page in two_schemes.values():
            page.goto(f"{address}/{name}.html")
            page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
        found = {}
        for width in WIDTHS:
            for page in two_schemes.values():
                page.set_viewport_size({"width": width, "height": 800})
                browser.start_axe(page)
            for scheme, page in two_schemes.items():
                found[scheme, width] = browser.violations(page)
                assert page.evaluate("document.documentElement.scrollWidth") == width, scheme
        assert {place: wrong for place, wrong in found.items() if wrong} == {}

    @pytest.mark.parametrize(
        ("part", "rule"),
        [
            ("<img src='data:,'>", "image-alt"),  # level A
            ("<p style='color: #767676'>grey</p>", "color-contrast-enhanced"),  # 4.54:1
            ("<button style='width: 9px'>x</button><button style='width: 9px'>y</button>", "target-size"),
            ("<iframe title='a' srcdoc='<p style=color:#888>grey'></iframe>", "color-contrast"),
        ],
    )
    def test_what_keeps_people_out_is_found(self, opened, part, rule):
        page = opened("search")
        page.evaluate("part => document.querySelector('main').insertAdjacentHTML('beforeend', part)", part)
        page.wait_for_timeout(200)
        browser.start_axe(page)
        assert rule in " ".join(browser.violations(page))

    @pytest.mark.parametrize("name", [*TYPED, "13_inside_the_gates"])
    def test_the_inspector_walks_through_the_words(self, opened, name):
        page = frame = opened(name)
        if name not in TYPED:
            frame = page.locator("iframe.lstm-inspector").first.element_handle().content_frame()
        frame.wait_for_selector("html[data-ready=true]", timeout=browser.PATIENCE)
        frame.locator("#words-0").focus()
        page.keyboard.press("Home")
        before = frame.locator("#value-0-c").get_attribute("data-value")
        page.keyboard.press("ArrowRight")
        assert frame.locator("body").get_attribute("data-step") == "2"
        assert frame.locator("#value-0-c").get_attribute("data-value") != before

    @pytest.mark.parametrize("width", WIDTHS)
    @pytest.mark.parametrize("name", TYPED)
    def test_the_box_has_a_label_and_an_example_and_is_seen_at_once(self, opened, name, width):
        page = opened(name, {"width": width, "height": 568})
        page.wait_for_selector("html[data-ready=true]", timeout=browser.PATIENCE)
        box = page.get_by_role("textbox", name="Type a text")
        assert len(box.input_value()) > 10 and page.locator("label[for=type-0]").is_visible()
        place = box.bounding_box()
        assert page.evaluate("scrollY") == 0 and place["y"] > 0 and place["y"] + place["height"] < 568
        assert place["x"] >= 0 and place["x"] + place["width"] <= width

    def test_the_page_of_characters_opens_with_the_unit_that_knows_of_a_quote(self, opened):
        page = opened("characters")
        page.wait_for_selector("html[data-ready=true]", timeout=browser.PATIENCE)
        unit = page.locator("body").get_attribute("data-unit")
        assert f"opens with unit {unit}:" in page.inner_text(".about")
        side, border = re.search(r"Let a memory (below|above) (−?[\d.]+) mean", page.inner_text(".about")).groups()
        assert f"unit {unit}, is a quote open? {side} {border}: yes" in page.inner_text("#step-0")
        page.locator("#words-0").focus()
        page.keyboard.press("End")
        quoted, plain = (float(page.locator(f"#value-{k}-c").get_attribute("data-value")) for k in (0, 1))
        assert quoted * plain < 0 or abs(quoted - plain) > 0.5  # of print('if not x and print(if not x

    @pytest.mark.parametrize("name", ["What does it expect after a colon?", "Which bracket is still open?"])
    def test_a_question_about_what_follows_is_answered_above_the_characters(self, opened, name):
        page = opened("characters")
        page.wait_for_selector("html[data-ready=true]", timeout=browser.PATIENCE)
        page.get_by_role("button", name=name).click()
        assert page.evaluate("document.body.dataset.step") == str(page.locator("#words-0 .word").count())
        likeliest = page.locator("#next-0 kbd").all_inner_texts()[:2]
        assert re.match("likeliest at the end: (.) 0[.]\\d\\d, (.) 0", page.inner_text("#answer-0")).groups() == (
            *likeliest,
        )

    def test_a_long_headline_is_not_said_to_stop_where_no_page_says(self, opened):
        page = opened("inspector")
        page.wait_for_selector("html[data-ready=true]", timeout=browser.PATIENCE)
        browser.type_text(page, "ministry " * 70)
        assert page.inner_text("#notes-0") == ""

    @pytest.mark.parametrize("name", TYPED)
    def test_a_link_shows_what_was_typed(self, opened, name):
        page = opened(name)
        page.wait_for_selector("html[data-ready=true]", timeout=browser.PATIENCE)
        browser.type_text(page, "the man denies the keys")
        page.wait_for_function("location.hash.includes('the+man')", timeout=browser.PATIENCE)
        before = page.locator("#words-0 .w").all_inner_texts(), page.inner_text("#answer-0")
        page.reload()
        page.wait_for_selector("html[data-ready=true]", timeout=browser.PATIENCE)
        assert (page.locator("#words-0 .w").all_inner_texts(), page.inner_text("#answer-0")) == before

    def test_two_units_set_by_hand_answer_is_or_are(self, opened):
        page = opened("agreement")
        page.wait_for_selector("html[data-ready=true]", timeout=browser.PATIENCE)
        for text, answer in {
            "the keys near the man there ___": 1,
            "the key near the men there ___": 0,
            "the keys": 0.5,
        }.items():
            browser.type_text(page, text)
            page.locator("#words-0").focus()
            page.keyboard.press("End")
            shown = float(page.locator("#prediction-0").get_attribute("data-value"))
            assert shown == pytest.approx(answer, abs=0.01)

    @pytest.mark.parametrize(
        ("text", "words", "answer"),
        [
            ("The keys near the man ___.", "the keys near the man ___ .", "after ___: are, P(are) = 1.00"),
            (
                "The 👩‍👩‍👧 👍🏽 🇫🇷🇩🇪 ❤️ a\u200bb \u200d ___.",
                "the 👩‍👩‍👧 👍🏽 🇫🇷 🇩🇪 ❤️ ab ___ .",
                "after ___: undecided, P(are) = 0.50, but 6 of",
            ),
            ("THE KEY NEAR THE MEN __.", "the key near the men ___ .", "after ___: is, P(are) = 0.00"),
            ("the keys are.", "the keys are .", "after are: are, P(are) = 1.00"),
            ("The key IS! The keys", "the key is ! the keys", "after is: is, P(are) = 0.00"),
            (
                "key ___, keys_",
                "key ___ , keys ___",
                "after ___ (word 2): is, P(are) = 0.00 · after ___ (word 5): is, P(are) = 0.00, but 1 of 5 words",
            ),
            ("the keys near", "the keys near", "at the end: undecided, P(are) = 0.50; it has no ___"),
            (
                "the dogs",
                "the dogs",
                "at the end: undecided, P(are) = 0.50; it has no ___, but 1 of 2 words is unknown",
            ),
            (
                "the dogs near the man ___ x",
                "the dogs near the man ___ x",
                "after ___: is, P(are) = 0.00, but 1 of 6 words up",
            ),
            ("the key ___ x", "the key ___ x", "after ___: is, P(are) = 0.00"),  # after the verb it does not count
            (
                "the ___ ___ ___ ___ the ___ ___",
                "the ___ ___ ___ ___ the ___ ___",
                "(2 earlier left out) after ___ (word 4): ",
            ),
        ],
    )
    def test_is_or_are_is_answered_at_the_verb_of_a_text_as_people_write_it(self, opened, text, words, answer):
        page = opened("agreement")
        page.wait_for_selector("html[data-ready=true]", timeout=browser.PATIENCE)
        browser.type_text(page, text)
        assert page.locator("#words-0 .w").all_inner_texts() == words.split()
        said = page.inner_text("#answer-0")
        assert said.startswith(f"answer {answer}") and ("but" in said) == ("but" in answer)

    def test_at_the_verb_the_words_of_is_or_are_say_that_they_are_flat(self, opened):
        page = opened("agreement")
        page.wait_for_selector("html[data-ready=true]", timeout=browser.PATIENCE)
        at_first = page.evaluate(SHADES)
        for name in ("saliency", "effect"):
            page.locator(f"#gate-{name}").check(force=True)
            assert "at the last verb" in page.inner_text("#legend") and "All are below" in page.inner_text("#legend")
            stored = page.evaluate(SHADES)
            assert max(stored) < 30 < max(at_first)  # of 255: far from the ground of the page
            browser.type_text(page, page.input_value("#type-0") + " ")  # the same words, read by the page
            assert page.evaluate(SHADES) == stored

    def test_every_question_about_is_or_are_has_an_answer(self, opened):
        page = opened("agreement")
        page.wait_for_selector("html[data-ready=true]", timeout=browser.PATIENCE)
        presets = page.locator("#presets button")
        for k in range(3):
            presets.nth(k).click()
            assert "answer after ___" in page.inner_text("#answer-0")
            assert presets.nth(k).get_attribute("aria-pressed") == "true"
        browser.type_text(page, "the cat ___ .")
        assert "other words" in page.inner_text("#notes-0") and "classifier" not in page.inner_text("main")
        assert "unit 0, the number of the subject" in page.inner_text("#step-0")

    def test_an_unknown_word_leaves_the_same_words_marked_in_both_headlines(self, opened):
        page = opened("inspector")
        page.wait_for_selector("html[data-ready=true]", timeout=browser.PATIENCE)
        page.get_by_role("button", name="Does an unknown word count?").click()
        page.locator("#words-0").focus()
        page.keyboard.press("End")
        assert [page.inner_text(f"#current-{k}") for k in (0, 1)] == ["it", "it"]
        assert ", but 1 of 9 words is unknown to the model" in page.inner_text("#answer-1")

    @pytest.mark.parametrize("preset", PRESETS)
    def test_the_playground_computes_what_python_computes(self, opened, preset):
        """Through steps, moved sliders, a reset: to the last digits, and as the same drawing."""
        both = Twins(opened("playground"), preset)
        for move in ({}, {"x": 0.0}, {"x": -1.0}, {"W_hf": 0.35, "x": 0.6}, {"b_o": -0.2}, {"c_prev": -1.45}):
            both.move(**move)
            both.step()
        for _ in range(4):
            both.step()
        both.reset()
        both.step()

    @pytest.mark.parametrize("preset", PRESETS)
    def test_reset_of_the_playground_leads_to_the_start_of_the_preset(self, opened, preset):
        page = opened("playground")
        page.locator(f"[data-preset={preset}]").click()
        page.locator("#step").click()
        page.locator("#step").click()
        page.wait_for_url("**/*steps=2*")
        page.locator("#reset").click()
        page.wait_for_url(f"**/playground.html#preset={preset}")  # nothing differs from the preset
        assert page.locator("#taken").text_content() == "no step taken yet"
        page.locator("#W_hi").fill("0.5")
        assert "Reset keeps your weights" in page.locator("#hint").text_content()
        page.locator("#reset").click()
        assert page.locator("#W_hi").input_value() == "0.5"

    def test_the_playground_stops_at_the_end_of_its_slider(self, opened):
        both = Twins(opened("playground"), "count")
        both.move(c_prev=59.5)
        both.step()
        both.step()
        assert both.page.locator("#step").get_attribute("aria-disabled") == "true"
        both.page.locator("#step").focus()
        both.page.keyboard.press("Enter")  # it does nothing, and the focus stays
        assert both.page.evaluate("document.activeElement.id") == "step"
        assert "No further step" in both.page.locator("#hint").text_content()
        assert "No further step" in both.twin.hint

    def test_the_playground_is_played_with_the_keyboard(self, opened):
        page = opened("playground")
        page.locator("#x").focus()
        before = page.locator("#value-i").text_content(), page.locator("#x-shown").text_content()
        page.locator("#W_xi").focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        assert page.locator("#W_xi-shown").text_content() == "0.15"
        assert page.locator("#value-i").text_content() != before[0]

    def test_the_playground_keeps_its_state_in_its_address(self, opened):
        page = opened("playground")
        both = Twins(page, "latch")
        both.move(x=0.5, W_hf=-1.2)
        for _ in range(3):
            both.step()
        page.wait_for_url("**/*steps=3*")
        strip = page.locator("#strip circle").count()
        page.reload()
        both.agree()
        assert page.locator("[data-preset=latch]").get_attribute("aria-pressed") == "true"
        assert page.locator("#taken").text_content().startswith("3 steps taken")
        assert page.locator("#strip circle").count() == strip == 6
        both.step()

    @pytest.mark.parametrize(
        "hash", ["preset=none", "x=many&steps=-1", "preset=count&steps=1e9&last=1", "preset=__proto__"]
    )
    def test_the_playground_survives_a_wrong_address(self, opened, address, hash):
        page = opened("playground")
        page.goto(f"{address}/playground.html#{hash}")
        page.reload()
        page.wait_for_selector("html[data-ready=true]")
        assert page.locator("#taken").text_content() == "no step taken yet"

    def test_a_step_is_seen_to_flow_unless_less_motion_is_asked_for(self, opened):
        page = opened("playground")
        page.locator("#step").click()
        assert page.locator(".flow circle").count() > 3
        page.wait_for_selector(".flow", state="detached", timeout=browser.PATIENCE)
        page.emulate_media(reduced_motion="reduce")
        page.locator("#step").click()
        assert page.locator(".flow").count() == 0

    def test_a_phone_shows_the_picture_and_the_values_beside_the_slider_at_hand(self, phone, address):
        phone.goto(f"{address}/playground.html")
        phone.locator("#W_xo").focus()
        phone.evaluate("document.getElementById('W_xo').scrollIntoView({block: 'nearest'})")
        at = {name: phone.locator(name).bounding_box() for name in (".cell svg", "#value-h", "#W_xo", "#step")}
        for name, box in at.items():
            assert box["y"] >= 0 and box["y"] + box["height"] <= PHONE["height"], name
            assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"], name
        assert at["#W_xo"]["y"] > at["#step"]["y"] + at["#step"]["height"]  # not under what stays in sight
        before = phone.locator(".cell [data-value=o]").text_content()
        phone.locator("#less").tap()
        assert phone.locator("#W_xo-shown").text_content() == "−0.05"
        assert phone.locator("#hand").text_content() == "W_xo = −0.05"
        assert phone.locator("#value-o").get_attribute("data-exact") != before

    @pytest.mark.parametrize("where", [0.1, 0.5])  # beside the thumb, and on it
    def test_a_finger_that_scrolls_moves_no_slider(self, phone, address, where):
        phone.goto(f"{address}/playground.html")
        phone.locator("#W_xo").scroll_into_view_if_needed()
        box, before = phone.locator("#W_xo").bounding_box(), phone.evaluate("scrollY")
        x, y = box["x"] + where * box["width"], box["y"] + box["height"] / 2
        touch(phone, [(x + 0.3 * k, y + 15 * k) for k in range(11)])
        phone.wait_for_function("before => Math.abs(scrollY - before) > 50", arg=before)
        assert phone.locator("#W_xo").input_value() == "0"

    def test_a_finger_on_the_thumb_moves_the_slider(self, phone, address):
        phone.goto(f"{address}/playground.html")
        phone.locator("#W_xo").scroll_into_view_if_needed()
        box = phone.locator("#W_xo").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        touch(phone, [(x + 5 * k, y) for k in range(11)])
        assert float(phone.locator("#W_xo").input_value()) > 5

    def test_without_a_script_a_page_says_what_is_missing(self, chromium, address):
        context = chromium.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(f"{address}/playground.html")
        assert page.locator("noscript p, .said").first.is_visible() and page.locator(".cell svg").is_visible()
        assert not page.locator("#step").is_visible() and not page.locator("#x").is_visible()
        page.goto(f"{address}/13_inside_the_gates.html")
        assert not page.locator("iframe").first.is_visible() and page.locator(".instead img").first.is_visible()
        page.goto(f"{address}/index.html")
        assert not page.locator("#play").is_visible() and page.locator("#words .memory").nth(1).is_visible()
        context.close()

    def test_forced_colours_show_what_is_chosen(self, opened):
        page = opened("playground")
        page.emulate_media(forced_colors="active")
        look = "name => getComputedStyle(document.querySelector(`[data-preset=${name}]`)).backgroundColor"
        assert page.evaluate(look, "remember") != page.evaluate(look, "forget")

    def test_the_first_page_reads_its_sentence_and_stops(self, opened):
        page = opened("index")
        current = page.locator("#words [aria-current] .word")
        first = current.text_content()
        assert first == "the" and page.locator(".flow circle").count() > 0
        page.wait_for_function("document.querySelector('#words [aria-current] .word').textContent !== 'the'")
        page.locator("#play").click()
        assert page.locator("#play").text_content() == "Play"
        page.get_by_role("button", name="door", exact=True).click()
        assert "keeps what c holds: plural" in page.locator("#told").text_content()
        page.emulate_media(reduced_motion="reduce")
        page.reload()
        assert page.locator(".flow").count() == 0 and current.text_content() == agreement.BLANK
        assert "“are”" in page.locator("#told").text_content()
        page.locator("#other").click()
        assert current.text_content() == agreement.BLANK and "“is”" in page.locator("#told").text_content()

    @pytest.mark.parametrize("sentence", [0, 1])
    def test_without_motion_a_press_is_one_word_to_the_end_and_again_from_the_start(self, opened, sentence):
        page = opened("index")
        page.emulate_media(reduced_motion="reduce")
        page.reload()
        for _ in range(sentence):
            page.locator("#other").click()
        words, labels = [], []
        for _ in range(8):
            labels.append(page.locator("#play").text_content())
            page.locator("#play").click()
            words.append(page.locator("#words [aria-current] .word").text_content())
        key, door, verb = [("keys", "door", "are"), ("key", "doors", "is")][sentence]
        assert words == [".", "the", key, "near", "the", door, agreement.BLANK, "."]
        assert labels == ["Next word", "Read again", *["Next word"] * 6]
        assert page.locator("#words .word").nth(5).text_content() == verb  # read, and so it is known

    def test_who_asks_for_less_motion_while_it_reads_gets_it(self, opened):
        page = opened("index")
        assert page.locator("#play").text_content() == "Pause"
        page.emulate_media(reduced_motion="reduce")
        page.wait_for_selector(".flow", state="detached", timeout=browser.PATIENCE)
        page.get_by_role("button", name="Next word").wait_for(timeout=browser.PATIENCE)

    @pytest.mark.parametrize("width", [320, 390, 1280])
    def test_nothing_below_the_sentence_moves_while_it_is_read(self, opened, width):
        page = opened("index", {"width": width, "height": 800})
        places = (
            "['#told', '#play', '#touch'].map(at => document.querySelector(at).getBoundingClientRect().y + scrollY)"
        )
        page.emulate_media(reduced_motion="reduce")
        page.reload()
        seen = {tuple(page.evaluate(places))}
        for _ in range(7):
            page.locator("#play").click()
            seen.add(tuple(page.evaluate(places)))
        page.emulate_media(reduced_motion="no-preference")
        page.locator("#play").click()
        assert page.locator("#play").text_content() == "Pause"
        seen.add(tuple(page.evaluate(places)))
        assert len(seen) == 1

    @pytest.mark.parametrize(("width", "height"), [(320, 568), (640, 360), (568, 320), (390, 844), (1280, 720)])
    def test_the_drawing_stays_in_sight_while_a_slider_moves(self, opened, width, height):
        """A small phone, a page at 200 %, a phone on its side: the slider at hand and what it changes."""
        page = opened("playground", {"width": width, "height": height})
        for name in ("x", "W_xi", "b_c", "b_o"):
            page.locator(f"#{name}").focus()
            page.evaluate("name => document.getElementById(name).scrollIntoView({block: 'nearest'})", name)
            places = {at: page.locator(at).bounding_box() for at in (".cell svg", "#value-h", f"#{name}")}
            for at, box in places.items():
                assert box["y"] >= 0 and box["y"] + box["height"] <= height, (at, name)
            assert places[f"#{name}"]["y"] > places["#value-h"]["y"] + places["#value-h"]["height"]
            assert places[".cell svg"]["width"] > 250
        assert page.locator(".seen").bounding_box()["height"] < 0.6 * height  # the rest is for the sliders

    @pytest.mark.parametrize("viewport", [browser.PROJECTOR, PHONE])
    def test_the_first_screen_of_the_playground_has_its_step(self, opened, viewport):
        box = opened("playground", viewport).locator("#step").bounding_box()
        assert box["y"] + box["height"] < viewport["height"]

    @pytest.mark.parametrize("width", [320, 390])
    def test_nothing_of_the_playground_moves_when_its_hint_changes(self, opened, width):
        page = opened("playground", {"width": width, "height": 800})
        place, hints = "document.querySelector('.sliders').getBoundingClientRect().top + scrollY", set()
        seen = {page.evaluate(place)}
        for preset in PRESETS:
            page.locator(f"[data-preset={preset}]").click()
            for name, value in {"x": 0.5, "W_xi": 0.35}.items():
                page.locator(f"#{name}").fill(str(value))
                page.locator("#step").click()
                seen.add(page.evaluate(place))
                hints.add(page.locator("#hint").text_content())
        assert len(seen) == 1 and len(hints) == 8

    def test_the_chart_of_the_playground_says_that_it_shows_the_last_steps(self, opened):
        page = opened("playground")
        page.locator("[data-preset=count]").click()
        texts = "[...document.querySelectorAll('#strip text')].map(text => text.textContent)"
        assert "steps taken" in page.evaluate(texts)
        boxes = """() => [...document.querySelectorAll('#strip text[text-anchor=end]')]
            .map(text => text.getBoundingClientRect()).map(box => [box.top, box.bottom])"""
        for _ in range(35):
            page.locator("#step").click()
            heights = sorted(page.evaluate(boxes))
            assert all(below[0] >= above[1] - 3 for above, below in pairwise(heights))
        assert "the last 30 of 35 steps" in page.evaluate(texts)
        assert {"6", "35"} <= set(page.evaluate(texts))

    def test_the_notes_of_the_equations_fit_a_phone(self, opened):
        page = opened("playground", {"width": 320, "height": 640})
        ends = "[...document.querySelectorAll('.equation > :last-child')].map(n => n.getBoundingClientRect().right)"
        assert len(page.evaluate(ends)) == 5 and max(page.evaluate(ends)) <= 320

    def test_the_search_leads_to_the_part_with_the_words(self, opened):
        page = opened("index")
        page.locator("#q").fill("forget gate half-life")
        page.keyboard.press("Enter")
        page.wait_for_selector("#found li")
        assert "places" in page.locator("#count").text_content() or "place" in page.locator("#count").text_content()
        assert page.locator("#found a").first.get_attribute("href").startswith("05_forget_gate.html#")
        page.locator("#q").fill("<b>zzz")
        page.wait_for_function("document.getElementById('count').textContent.startsWith('Nothing found')")
        page.locator("#q").fill("peephole")
        page.wait_for_selector("#found mark")
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        page.wait_for_selector("body.lesson")

    def test_the_search_keeps_its_words_in_the_address(self, opened):
        page = opened("search")
        page.locator("#q").fill("slope 1 − tanh^2")
        page.wait_for_url("**/search.html?q=slope*")
        page.locator("#found a").first.click()
        page.wait_for_selector("body.lesson")
        page.go_back()
        page.wait_for_selector("#found a")
        assert page.locator("#q").input_value() == "slope 1 − tanh^2"
        page.locator("#q").fill("")
        page.wait_for_url("**/search.html")

    def test_the_search_shows_all_places_and_first_the_lesson_of_that_name(self, opened, soups):
        page = opened("search")
        for stem in ("04_input_gate", "05_forget_gate", "06_cell_state", "10_peepholes"):
            page.goto(page.url.split("?")[0] + "?q=" + stem[3:].replace("_", "+"))
            assert page.locator("#found a").first.get_attribute("href").startswith(f"{stem}.html#")
            assert page.locator("#found a").first.inner_text() == soups[f"{stem}.html"].h1.text.removesuffix("¶")
        page.goto(page.url.split("?")[0] + "?q=forget+gate")
        count = int(page.locator("#count").inner_text().split()[0])
        assert count > 30 == page.locator("#found li").count()
        page.get_by_role("button", name=f"Show the other {count - 30}").click()
        assert page.locator("#found li").count() == count and not page.locator("#more").is_visible()
        assert page.evaluate("document.activeElement === document.querySelectorAll('#found a')[30]")

    @pytest.mark.parametrize(
        ("typed", "meant"),
        [("forgte gate", "forget gate"), ("gaet", "gate"), ("vanishng gradeints", "vanishing gradients")],
    )
    def test_the_search_offers_a_word_for_a_typing_error(self, opened, typed, meant):
        page = opened("search")
        page.locator("#q").fill(typed)
        page.get_by_role("button", name=meant, exact=True).click()
        assert page.locator("#q").input_value() == meant and page.locator("#found li").count() > 1
        assert not page.locator("#instead").is_visible()
        page.locator("#q").fill("xqzzvwk")
        page.wait_for_function("document.getElementById('count').textContent.startsWith('Nothing found')")
        assert not page.locator("#instead").is_visible()

    @pytest.mark.parametrize("typed", [".", ",", "?!", "…"])
    def test_the_search_takes_a_point_for_no_word(self, opened, typed):
        page = opened("search")
        page.locator("#q").fill(typed)
        page.wait_for_function("document.getElementById('count').textContent.startsWith('Type')")
        assert page.locator("#found li").count() == 0
        page.locator("#q").fill(f"peephole {typed}")
        page.wait_for_selector("#found li")

    def test_a_letter_is_found_as_a_word_and_a_sign_as_itself(self, opened):
        page = opened("search")
        every = page.evaluate("SECTIONS.length")
        for typed in ("f", "⊙", "___", "W_hh", "h_{t-1}"):
            page.locator("#q").fill(typed)
            page.keyboard.press("Enter")
            assert 0 < int(page.locator("#count").inner_text().split()[0]) < every / 2, typed

    def test_a_learner_marks_lessons_and_clears_the_marks(self, opened):
        page = opened("05_forget_gate")
        page.locator("#mark").click()
        assert page.locator("#mark").get_attribute("aria-pressed") == "true"
        page.goto(page.url.replace("05_forget_gate", "index"))
        assert page.locator("[data-lesson='05']").text_content().count("✓ done") == 1
        assert page.locator("#done").text_content().startswith("1 of 18 done")
        page.locator("#done button").click()
        assert page.locator(".mark").count() == 0 and not page.locator("#done").is_visible()
        assert page.evaluate("localStorage.length") == 0

    def test_where_nothing_can_be_kept_no_mark_is_offered(self, opened):
        page = opened("index")
        gone = "Object.defineProperty(window, 'localStorage', {get() { throw new Error('gone') }})"
        page.context.add_init_script(f"if (location.hash === '#nothing') {gone}")
        page.goto(page.url.replace("index.html", "05_forget_gate.html#nothing"))
        assert not page.locator("#mark").is_visible()


def touch(page, places):
    """A finger goes from the first place to the last."""
    client = page.context.new_cdp_session(page)
    for k, (x, y) in enumerate(places):
        client.send(
            "Input.dispatchTouchEvent", {"type": "touchMove" if k else "touchStart", "touchPoints": [{"x": x, "y": y}]}
        )
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


@pytest.fixture
def phone(chromium):
    """A page on a phone, which is touched."""
    context = chromium.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    yield context.new_page()
    context.close()


class Twins:
    """The playground in the page and the one in Python: what is done to one is done to the other, and both agree."""

    def __init__(self, page, preset):
        self.page, self.twin = page, CellPlayground(preset)
        page.locator(f"[data-preset={preset}]").click()
        self.agree()

    def move(self, **values):
        for name, value in values.items():
            self.page.locator(f"#{name}").fill(str(value))
        self.twin.move(**values)
        self.agree()

    def step(self):
        self.page.locator("#step").click(force=True)
        self.twin.step()
        self.twin.redraw()
        self.agree()

    def reset(self):
        self.page.locator("#reset").click()
        self.twin.reset()
        self.agree()

    def agree(self):
        computed = {name: value.item() for name, value in self.twin.computed()._asdict().items()}
        for name, value in computed.items():
            shown = float(self.page.locator(f"#value-{name}").get_attribute("data-exact"))
            assert shown == pytest.approx(value, rel=1e-12, abs=1e-15), name
        given = {name: self.twin.numbers[name] for name in ("x", "h_prev", "c_prev")}
        drawing = BeautifulSoup(lstm_svg("ifgcoh", computed | given), "html.parser")
        texts = [text.get_text() for text in drawing.select("text")]
        assert self.page.evaluate("[...document.querySelectorAll('.cell text')].map(t => t.textContent)") == texts
        assert self.page.locator("#hint").text_content().rstrip(".") == self.twin.hint.rstrip(".")


def test_the_site_is_no_part_of_the_repository():
    assert "/site/" in Path(ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
