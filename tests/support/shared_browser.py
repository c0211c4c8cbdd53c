"""Browser tests share one Chromium and one JupyterLab, and one worker runs all of them."""

import contextlib

import browser
import pytest

STARTED, ENDS = {}, contextlib.ExitStack()


def _in_a_browser(item) -> bool:
    return "chromium" in getattr(item, "fixturenames", ())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Group the tests for `--dist=loadgroup`: by file, but all files with a browser test together, and last."""
    files = {item.path for item in items if _in_a_browser(item)}
    for item in items:
        item.add_marker(pytest.mark.xdist_group("browser" if item.path in files else item.path.stem))
    items.sort(key=lambda item: item.path in files)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem):
    """Close both before a file without a browser test: Playwright keeps an event loop running in this thread."""
    if nextitem is None or nextitem.get_closest_marker("xdist_group").args != ("browser",):
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
