"""Browser tests share one Chromium and one JupyterLab, and one worker runs all of them."""

import contextlib

import browser
import pytest
from tracked import ROOT
from xdist.scheduler import LoadFileScheduling

FILES = {path for path in (ROOT / "tests").rglob("test_*.py") if "mark.browser" in path.read_text(encoding="utf-8")}
NAMES = {path.relative_to(ROOT).as_posix() for path in FILES}
STARTED, ENDS = {}, contextlib.ExitStack()


class OneBrowser(LoadFileScheduling):
    """The tests of a file run in one worker, and so do all files with browser tests."""

    def _split_scope(self, nodeid):
        file = super()._split_scope(nodeid)
        return "browser" if file in NAMES else file


@pytest.hookimpl(optionalhook=True)  # without xdist there is no such hook
def pytest_xdist_make_scheduler(config, log):
    """Used with `--dist=loadfile`; the marks of `--dist=loadgroup` have no effect in pytest 9.2."""
    config.option.loadscopereorder = False  # keep the order below
    return OneBrowser(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_modifyitems(items):
    """Files with browser tests come first: they take longest, and other workers run the rest meanwhile."""
    items.sort(key=lambda item: item.path not in FILES)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem):
    """Close both before a file without browser tests: Playwright keeps an event loop running in this thread."""
    if nextitem is None or nextitem.path not in FILES:
        STARTED.clear()
        ENDS.close()


def _started(name: str, start):
    if name not in STARTED:
        STARTED[name] = ENDS.enter_context(start())
    return STARTED[name]


@pytest.fixture(scope="module")
def chromium():
    """A running Chromium."""
    return _started("chromium", browser.browser)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A running JupyterLab."""
    return _started("lab", lambda: browser.jupyterlab(tmp_path_factory.mktemp("a lab") / "home"))


@pytest.fixture
def open_notebook(lab, chromium):
    """Open and run a notebook, one at a time: all share a page and a kernel, so JupyterLab and torch load once."""
    page = _started("page", lambda: chromium.new_page(viewport=browser.PROJECTOR))
    kernel = _started("kernel", lambda: contextlib.nullcontext(lab.ask("POST", "kernels", {"name": "python3"})["id"]))
    sheets = []

    def open_and_run(name, cells):
        sheets.append(lab.open(page, name, cells, kernel))
        return sheets[-1]

    yield open_and_run
    for sheet in sheets:
        sheet.close()
