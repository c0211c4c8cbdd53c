"""From the start of the navigation to a page that can be used, for each page of the static site, on this machine.

A page can be used when its load event has passed, its own scripts have run, and the frame after that is drawn. Each
time is the median of visits by a browser that has never seen the site: nothing comes from a cache.
"""

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

import browser
import built_site

TITLE = "site: milliseconds from the start of the navigation to a page that can be used"
VISITS = 5
USABLE = """() => new Promise(done => {
    const drawn = () => requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => done(performance.now());
        channel.port2.postMessage(0);
    });
    document.readyState === 'complete' ? drawn() : addEventListener('load', () => setTimeout(drawn));
})"""


def rows(_options):
    if browser.why_not():
        yield {"page": f"not measured: {browser.why_not()}"}
        return
    with tempfile.TemporaryDirectory() as folder, browser.browser() as running:
        began = time.perf_counter()
        site = built_site.build(Path(folder) / "site")
        built = time.perf_counter() - began
        size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
        with built_site.served(site) as address:
            for page in sorted(site.glob("*.html")):
                times = [visit(running, f"{address}/{page.name}") for _ in range(VISITS)]
                yield row(page.stem, page.stat().st_size, f"{median(times):.0f} ms", f"{max(times):.0f} ms")
    yield row("the whole site, and its build", size, f"{built:.1f} s")


def visit(running, address):
    context = running.new_context(viewport=browser.PROJECTOR)
    page = context.new_page()
    page.add_init_script(f"window.usable = ({USABLE})()")
    page.goto(address)
    took = page.evaluate("window.usable")
    context.close()
    return took


def row(page, size, typical, worst=""):
    return {"page": page, "size": f"{size / 2**20:.2f} MiB", "median": typical, "worst": worst}
