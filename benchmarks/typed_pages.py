"""From a key press in a text box to the new picture, in Chromium and in Firefox, for each page that reads typed text.

The clock is that of `in_browser.py`. A text of 60 words or characters gets a letter and loses it again: at its end, or
in its first word, so that all the steps behind it are computed anew. The pages of the site have their second text
beside it, as they open; the page of a classifier of 32 units has none.
"""

import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

import browser
import built_site
import firefox
from every_explorer import inspector_code, value_of
from in_browser import CLOCK, WARM_UP, row

TITLE = "typed text: milliseconds from the key press to the frame with the new picture"
STEPS, WORDS = 60, ("the", "mayor", "denies", "it", "again")
PAGES = {"60 words × 32": "small", "inspector": "inspector", "agreement": "agreement", "characters": "characters"}
READY = "document.documentElement.dataset.ready === 'true'"
FILL = """(place => {{
    const box = document.getElementById('type-0'), by = {by!r};
    const parts = box.value.split(by), many = Array.from({{length: {steps}}}, (_, k) => parts[k % parts.length]);
    const text = many.join(by);
    box.value = text;
    box.dispatchEvent(new Event('input'));
    box.focus();
    box.setSelectionRange(...(place === 'end' ? [text.length, text.length] : [1, 1]));
    return document.querySelectorAll('#words-0 .word').length;
}})('{place}')"""
PATIENCE = 30  # seconds that a picture may take


class Chromium:
    """A page of Chromium, with the methods of `firefox.Tab`."""

    def __init__(self, page):
        self.page = page

    def open(self, address, width, height):
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.goto(address)

    def run(self, script):
        return self.page.evaluate(f"async () => await ({script})")

    def press(self, key):
        self.page.keyboard.press(key)


@contextlib.contextmanager
def chromium():
    with browser.browser() as running:
        yield Chromium(running.new_page())


def rows(options):
    engines = {"Chromium": (browser.why_not(), chromium), "Firefox": (firefox.why_not(), firefox.firefox)}
    with tempfile.TemporaryDirectory() as folder:
        site = built_site.build(Path(folder) / "site")
        words = [WORDS[k % len(WORDS)] for k in range(STEPS)]
        value_of(inspector_code(words, units=32)).to_html(site / "small.html")
        with built_site.served(site) as address:
            for engine, (reason, start) in engines.items():
                if reason:
                    yield row(f"{engine} not measured: {reason}")
                    continue
                with start() as tab:
                    for name, file in PAGES.items():
                        for place in ("end", "start"):
                            times = typed(tab, f"{address}/{file}.html", place, options.presses)
                            yield row(f"{engine}: {name}, at {place}", times)
    yield row(f"load average: {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores")


def typed(tab, address, place, presses):
    """The milliseconds of each press: a letter, and the key that deletes it, in turn."""
    tab.open(address, **browser.PROJECTOR)
    wait(tab, READY)
    fill = FILL.format(by="" if "characters" in address else " ", steps=STEPS, place=place)
    if (steps := tab.run(fill)) != STEPS:
        raise RuntimeError(f"{address} shows {steps} steps; it needs {STEPS}")
    wait(tab, READY)
    tab.run(f"({CLOCK})(document.body)")
    for count in range(WARM_UP + presses):
        tab.press("Backspace" if count % 2 else "x")
        wait(tab, f"window.moves.length > {count}")
    return tab.run("window.moves")[WARM_UP:]


def wait(tab, holds):
    end = time.monotonic() + PATIENCE
    while not tab.run(holds):
        if time.monotonic() > end:
            raise RuntimeError(f"after {PATIENCE} seconds this does not hold: {holds}")
        time.sleep(0.005)
