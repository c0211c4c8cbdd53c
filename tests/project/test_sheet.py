"""The printed sheet: one page of A4 and one of Letter, no letter below 11 points, nothing filled in."""

import re
import sys

import pytest
from browser import chromium, serious_violations, why_not
from tracked import ROOT

sys.path.insert(0, str(ROOT / "tools" / "sheet"))

import sheet

POINT = 96 / 72  # CSS pixels
PAPER = {"a4": (210 / 25.4, 297 / 25.4), "letter": (8.5, 11.0)}  # inches
MEASURE = """() => {
    const found = {letters: [], cut: [], bottom: document.querySelector("main").getBoundingClientRect().bottom};
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (!node.data.trim()) continue;
        found.letters.push(parseFloat(getComputedStyle(node.parentElement).fontSize));
        const range = document.createRange();
        range.selectNodeContents(node);
        const cell = (node.parentElement.closest("td, th") || document.body).getBoundingClientRect();
        for (const box of range.getClientRects()) {
            if (box.left < cell.left - 1 || box.right > cell.right + 1) found.cut.push(node.data);
        }
    }
    return found;
}"""
by_size = pytest.mark.parametrize("size", sheet.SIZES)


@by_size
def test_it_has_the_equations_of_notebook_00_the_order_and_empty_grids(size):
    page = sheet.page(size)
    assert page.count('<span class="formula">') == len(sheet.equations()) == 5
    assert [latex[: latex.index("=")].count("_t") for latex in sheet.equations()] == [1] * 5
    assert "notebook" not in page[page.index("<main>") :]
    assert re.findall(r"<td>([ifgo])</td>", page) == ["i", "f", "g", "o"]
    grids = re.findall(r'(?s)<table class="grid.*?</table>', page)
    assert [len(re.findall("<td></td>", grid)) for grid in grids] == [7 * 8 + 1, 12 * 9]
    assert "<script" not in page and "http" not in page.replace("http://www.w3.org", "")


def test_without_a_chromium_it_writes_pages_to_print(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sheet, "CHROMIUM", ())
    sheet.main(tmp_path / "a sheet")
    assert sorted(path.name for path in (tmp_path / "a sheet").iterdir()) == ["sheet-a4.html", "sheet-letter.html"]
    assert "no Chromium here, so print it from your browser" in capsys.readouterr().out


def test_a_browser_that_fails_is_quoted(tmp_path):
    (tmp_path / "page.html").write_text("x", encoding="utf-8")
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\necho 'no display' >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    with pytest.raises(RuntimeError, match="no display"):
        sheet.print_to(tmp_path / "page.pdf", tmp_path / "page.html", str(program))


@pytest.mark.browser
@pytest.mark.skipif(not chromium(), reason=why_not())
class TestInABrowser:
    @by_size
    def test_it_fits_its_page_in_letters_of_eleven_points(self, request, tmp_path, size):
        browser = request.getfixturevalue("chromium")
        path = tmp_path / "sheet.html"
        path.write_text(sheet.page(size), encoding="utf-8")
        width, height = PAPER[size]
        page = browser.new_page(viewport={"width": round(96 * width), "height": round(96 * height)})
        page.goto(path.as_uri())
        page.emulate_media(media="print")
        page.evaluate("document.fonts.ready.then(() => 0)")
        found = page.evaluate(MEASURE)
        assert min(found["letters"]) >= 11 * POINT - 0.01
        assert found["cut"] == []
        assert found["bottom"] <= 96 * (height - 8 / 25.4)  # a printer's margin
        assert page.evaluate("document.documentElement.scrollWidth") <= round(96 * width)
        assert serious_violations(page) == []
        pdf = page.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
        box = [float(n) for n in re.search(rb"/MediaBox\s*\[([^\]]*)\]", pdf)[1].split()]
        assert box[2:] == pytest.approx([72 * width, 72 * height], abs=1)
        page.close()

    def test_the_command_prints_both(self, tmp_path, monkeypatch):
        monkeypatch.setattr(sheet, "chromium", chromium)
        sheet.main(tmp_path / "a sheet")
        for size in sheet.SIZES:
            pdf = (tmp_path / "a sheet" / f"sheet-{size}.pdf").read_bytes()
            assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
