"""From a key press to the changed picture, in JupyterLab and in the inspector's exported page.

A clock in the page starts at the `keydown` event and stops when the first frame with the new picture is finished: the
picture's element has changed, its image is decoded, and the frame after that has been drawn (a browser draws 60 of
them a second, so that some 8 ms of each time is waiting for the next one). Presses follow one another, each waits for
its picture. Kernel memory is what the kernel holds after the presses beyond what it held before them.
"""

import sys
import tempfile
from pathlib import Path
from statistics import median, quantiles

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

import browser
from every_explorer import MADE, START, inspector_code, value_of

TITLE = "explorers: milliseconds from the key press to the frame with the changed picture"
PLAIN = """
import itertools
import ipywidgets as widgets

card = '''<div class="lesson-picture"><img alt="{}"
    src="data:image/svg+xml,<svg xmlns=%22http://www.w3.org/2000/svg%22 width=%229%22 height=%229%22/>"></div>'''
numbers, slider = itertools.count(1), widgets.FloatSlider()
view = widgets.HTML(card.format(0))
slider.observe(lambda change: setattr(view, "value", card.format(next(numbers))), "value")
box = widgets.VBox([slider, view])
box.add_class("lesson-explorer")
box"""  # what ipywidgets and JupyterLab take by themselves: one slider, one empty picture
WARM_UP = 20  # presses that are not counted
HELD = """
import gc, matplotlib.pyplot, psutil
gc.collect()
print(psutil.Process().memory_info().rss, len(matplotlib.pyplot.get_fignums()))"""
CLOCK = """element => {
    window.moves = [];
    let start = null;
    const drawn = () => requestAnimationFrame(() => {
        const channel = new MessageChannel(), began = start;
        start = null;
        channel.port1.onmessage = () => window.moves.push(performance.now() - began);
        channel.port2.postMessage(0);
    });
    window.addEventListener('keydown', () => { start = performance.now(); }, true);
    new MutationObserver(() => {
        if (start === null) return;
        const image = element.querySelector('.lesson-picture img');
        image ? image.decode().then(drawn) : drawn();
    }).observe(element, { childList: true, attributes: true, attributeFilter: ['data-step'] });
}"""


def rows(options):
    if browser.why_not():
        yield row(f"not measured: {browser.why_not()}")
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        browser.jupyterlab(Path(folder) / "lab") as lab,
        browser.browser() as b,
    ):
        yield explorer(lab, b, "ipywidgets alone, an empty picture", PLAIN, options.presses)
        for name, code in MADE.items():
            if options.explorer in name:
                yield explorer(lab, b, name, START + code, options.presses)
        for words, units in ((60, 32), (500, 128)):
            if options.explorer in "GateInspector":
                code = inspector_code([f"w{k % 97}" for k in range(words)], units=units)
                yield inspector_in_lab(lab, b, code, words, units, options.presses)
                yield exported_page(b, code, words, units, options.presses, Path(folder))


def explorer(lab, running, name, code, presses):
    """The first slider, to and fro."""
    page = running.new_context(viewport=browser.PROJECTOR).new_page()
    sheet = lab.open(page, name, [code, HELD])
    box = page.locator(".lesson-explorer")
    box.locator(".lesson-picture img").wait_for()
    box.evaluate("box => { window.looked = box.querySelector('.lesson-picture').parentElement }")
    page.evaluate(f"({CLOCK})(window.looked)")
    handle = box.get_by_role("slider").first
    handle.focus()
    press(page, page, WARM_UP, "ArrowRight", "ArrowLeft")
    before, _ = held(sheet)
    handle.focus()
    times = press(page, page, presses, "ArrowRight", "ArrowLeft")
    after, figures = held(sheet)
    page.context.close()
    return row(name, times, f"{(after - before) / 2**20:+.1f} MiB", str(figures))


def held(sheet):
    sheet.run(1)
    output = sheet.outputs[-1]
    return map(int, output["text"].split())


def inspector_in_lab(lab, running, code, words, units, presses):
    page = running.new_context(viewport=browser.PROJECTOR).new_page()
    lab.open(page, f"inspector of {units} units", [code])
    frame = page.locator("iframe.lstm-inspector").first.element_handle().content_frame()
    times = walk(page, frame, presses)
    page.context.close()
    return row(f"inspector in JupyterLab, {words} × {units}", times)


def exported_page(running, code, words, units, presses, folder):
    page = running.new_context(viewport=browser.PROJECTOR).new_page()
    page.goto(value_of(code).to_html(folder / "page.html").as_uri())
    times = walk(page, page.main_frame, presses)
    page.context.close()
    return row(f"inspector as a page, {words} × {units}", times)


def walk(page, frame, presses):
    """Through the text to its end and back again."""
    frame.wait_for_selector("html[data-ready=true]")
    frame.evaluate(f"({CLOCK})(document.body)")
    frame.locator("#words-0").focus()
    page.keyboard.press("Home")
    return press(page, frame, WARM_UP + presses, *["ArrowRight"] * 25, *["ArrowLeft"] * 25)[WARM_UP:]


def press(page, frame, times, *keys):
    """Press the keys in turn, each when the picture of the one before is there; the milliseconds of each."""
    frame.evaluate("window.moves.length = 0")
    for count in range(times):
        page.keyboard.press(keys[count % len(keys)])
        frame.wait_for_function(f"window.moves.length > {count}", polling=5, timeout=10_000)
    return frame.evaluate("window.moves")


def row(name, times=(), memory="", figures=""):
    return {
        "explorer": name,
        "median": f"{median(times):.0f} ms" if times else "",
        "95 of 100 within": f"{quantiles(times, n=20)[-1]:.0f} ms" if times else "",
        "presses": str(len(times)) if times else "",
        "kernel memory": memory,
        "open figures": figures,
    }
