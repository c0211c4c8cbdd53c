"""A real JupyterLab with a real browser in front of it, for the tests and the benchmarks of the explorers.

JupyterLab runs on a free port of this machine, with settings, kernels and notebooks in a scratch folder, and ends with
everything it started. The browser is a Chromium without a window that reaches nothing but this machine.
"""

import contextlib
import functools
import importlib.util
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",  # in a container, and for root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nothing but this machine: no test waits for a network
]
PROJECTOR = {"width": 1280, "height": 720}
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
READY = """path => (context => context && context.path === path && context.sessionContext.isReady
    && context.sessionContext.session.kernel.status === 'idle')(window.jupyterapp?.shell.currentWidget?.context)"""
OPEN = "path => jupyterapp.commands.execute('docmanager:open', {path}).then(() => null)"
# Between the tests and JupyterLab: when the tests end, however they end, its standard input closes, and it ends too.
WATCH = """
import os, signal, subprocess, sys
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
sys.stdin.read()
server.terminate()
try:
    server.wait(10)
finally:
    os.killpg(0, signal.SIGKILL)
"""
# a kernel without variables, widgets and stand-ins, and with torch's own dtype
EMPTY = """
import ipywidgets
import torch
from unittest import mock
ipywidgets.Widget.close_all()
mock.patch.stopall()
torch.set_default_dtype(torch.float32)
%reset -f
"""
PATIENCE = 30_000  # milliseconds that a page may take to show what it should, on a busy machine
START = 90  # seconds that JupyterLab may take to answer
RUN = 400_000  # milliseconds that the cells of a page may take


@functools.cache
def why_not() -> str:
    """Why there can be no browser tests here; empty if there can be."""
    if os.name != "posix":
        return "the browser tests start and end JupyterLab as Linux and macOS do"
    for module in ("playwright", "axe_playwright_python", "jupyterlab"):
        if not _installed(module):
            return f"no {module} in this Python: pip install -r requirements.txt"
    return "" if chromium() else f"no Chromium: none of {', '.join(PROGRAMS)} is on the PATH"


def _installed(module):
    from importlib.util import find_spec

    return find_spec(module) is not None


def chromium() -> str:
    """The path of a Chromium: the system's, or the one that Playwright installed for itself; empty if there is none."""
    for path in filter(None, map(shutil.which, PROGRAMS)):
        return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).is_file() else ""


@contextlib.contextmanager
def browser():
    """A running Chromium, as Playwright's Browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        try:
            yield running
        finally:
            running.close()


def type_text(page, text: str, box: int = 0):
    """Type into a box of the inspector and wait until it is read: two texts within one frame are read as one."""
    page.locator(f"#type-{box}").fill(text)
    page.wait_for_selector("html[data-ready=true]", timeout=PATIENCE)


@contextlib.contextmanager
def jupyterlab(folder):
    """A running JupyterLab whose notebooks, settings and runtime files lie in `folder`; yields its Lab."""
    folder, token = Path(folder), secrets.token_hex(16)
    (folder / "notebooks").mkdir(parents=True)
    (folder / "config" / "labconfig").mkdir(parents=True)
    off = ["@jupyterlab/apputils-extension:announcements"]  # asks about news from afar
    if importlib.util.find_spec("debugpy") is None:  # `make classroom-setup` removes it
        off.append("@jupyterlab/debugger-extension")
    config = json.dumps({"disabledExtensions": dict.fromkeys(off, True)})
    (folder / "config" / "labconfig" / "page_config.json").write_text(config, encoding="utf-8")
    port = _free_port()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}", "--ServerApp.port_retries=0"]
    command += [f"--IdentityProvider.token={token}", "--LabApp.expose_app_in_browser=True", "--ServerApp.ip=127.0.0.1"]
    command += ["--allow-root"] if os.geteuid() == 0 else []
    with (folder / "jupyterlab.log").open("w", encoding="utf-8") as log:
        server = subprocess.Popen(
            [sys.executable, "-c", WATCH, *command, str(folder / "notebooks")],
            env=os.environ | _own_folders(folder),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    lab = Lab(f"http://127.0.0.1:{port}", token, folder, server)
    try:
        lab.wait()
        yield lab
    finally:
        lab.end()


def _own_folders(folder):
    names = ["JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR"]
    names += ["JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR"]
    own = {name: str(folder / name.lower()) for name in names} | {"JUPYTER_CONFIG_DIR": str(folder / "config")}
    return own | {"JUPYTER_PREFER_ENV_PATH": "1", "PYTHONWARNINGS": ""}


def _free_port():
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return asked.getsockname()[1]


@dataclass
class Lab:
    """A running JupyterLab."""

    url: str
    token: str
    folder: Path
    server: subprocess.Popen

    @property
    def log(self) -> str:
        return (self.folder / "jupyterlab.log").read_text(encoding="utf-8", errors="replace")

    def wait(self):
        """Until it answers; RuntimeError with its log if it ends, or takes longer than START seconds."""
        end = time.monotonic() + START
        while self.server.poll() is None and time.monotonic() < end:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                return self.ask("GET", "status")
            time.sleep(0.1)
        raise RuntimeError(f"JupyterLab did not start:\n{self.log[-3000:]}")

    def ask(self, method, what, body=None):
        """One call of the server's own interface, with a body and an answer in JSON."""
        headers = {"Authorization": f"token {self.token}"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/{what}", data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or "null")

    def end(self):
        """Shut the kernels down, then the server; by force if asking does not help."""
        with contextlib.suppress(OSError):
            for kernel in self.ask("GET", "kernels"):
                self.ask("DELETE", f"kernels/{kernel['id']}")
        self.server.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.server.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.server.pid, signal.SIGKILL)

    def open(self, page, name, cells, kernel=None):
        """Write a notebook of these code cells, open it in the page, and run it: a Sheet.

        It has a new kernel, or the running one with the id `kernel`; the notebook that had it before was closed.
        """
        name = re.sub(r"\W+", "_", name)
        path = f"{name}.ipynb"
        notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata=KERNEL)
        nbformat.write(notebook, self.folder / "notebooks" / path)
        if kernel is not None:
            session = {"name": name, "path": path, "type": "notebook", "kernel": {"id": kernel}}
            self.ask("POST", "sessions", session)
        sheet = Sheet(page, self.url)
        if page.url.startswith(self.url):  # JupyterLab is open in this page
            page.evaluate(OPEN, path)
        else:
            page.goto(f"{self.url}/lab/workspaces/{name}/tree/{path}?token={self.token}")
        page.wait_for_function(READY, arg=path, timeout=1000 * START)
        sheet.run()
        return sheet


@dataclass
class Sheet:
    """A notebook that is open in JupyterLab: what the page complained of, and what its cells gave."""

    page: object
    url: str
    complaints: list = field(default_factory=list)

    def __post_init__(self):
        self.page.on("console", self._heard)
        self.page.on("pageerror", self._broke)

    def _broke(self, error):
        self.complaints.append(f"uncaught: {error}")

    def _heard(self, message):
        """Keep errors; leave out a failed request to elsewhere (a badge): FLAGS allow nothing but this machine."""
        where = message.location.get("url", "")
        elsewhere = where and not where.startswith((self.url, "data:", "blob:"))
        if message.type == "error" and not (elsewhere and "net::ERR_NAME_NOT_RESOLVED" in message.text):
            self.complaints.append(f"{message.text} ({where})")

    def run(self, cell=None):
        """Run all cells, or this one again, as the menu does, and wait for the end."""
        start = "app.commands.execute('notebook:run-all-cells')"
        if cell is not None:
            start = f"(sheet.deselectAll(), sheet.activeCellIndex = {cell}, app.commands.execute('notebook:run-cell'))"
        self.page.evaluate(f"""() => {{
            const app = jupyterapp, sheet = app.shell.currentWidget.content;
            window.haveRun = false;
            {start}.then(() => {{ window.haveRun = true }});
        }}""")
        self.page.wait_for_function("window.haveRun", timeout=RUN)

    def close(self):
        """Empty the kernel and close the notebook, for the next one in this page: it asks for all widgets at once."""
        self.page.evaluate(
            """code => {
            const widget = jupyterapp.shell.currentWidget;
            const emptied = widget.context.sessionContext.session.kernel.requestExecute({code}).done;
            return emptied.then(() => widget.dispose());
        }""",
            EMPTY,
        )
        self.page.remove_listener("console", self._heard)
        self.page.remove_listener("pageerror", self._broke)

    @property
    def outputs(self):
        """All outputs of the notebook as it stands in the page."""
        model = "jupyterapp.shell.currentWidget.content.model.toJSON()"
        notebook = json.loads(self.page.evaluate(f"JSON.stringify({model})"))
        return [output for cell in notebook["cells"] for output in cell.get("outputs", [])]

    @property
    def failures(self):
        """Errors and anything on stderr."""
        bad = [o for o in self.outputs if o["output_type"] == "error" or o.get("name") == "stderr"]
        return [o.get("evalue") or o.get("text") for o in bad]


def serious_violations(frame, within=None) -> list[str]:
    """What axe finds in a page or frame that keeps someone out: its violations marked serious or critical."""
    from axe_playwright_python.base import AXE_SCRIPT

    frame.evaluate(AXE_SCRIPT)
    found = frame.evaluate("within => axe.run(within || document)", within)
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: {[node['html'][:160] for node in rule['nodes'][:3]]}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
    ]


WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")  # axe's names for WCAG 2.2 at the levels A and AA
LOOK = """([only, enhanced]) => {  // enhanced contrast is 7:1, level AAA
    const rules = {'color-contrast': {enabled: !enhanced}, 'color-contrast-enhanced': {enabled: enhanced}};
    window.found = axe.run(document, {runOnly: only, rules, resultTypes: ['violations'], iframes: false});
}"""


def start_axe(page) -> None:
    """Let axe begin to look at a page and its frames: all of WCAG at A and AA, in the page itself contrast at AAA.

    `violations` waits for it. Meanwhile another page can be looked at.
    """
    from axe_playwright_python.base import AXE_SCRIPT

    for frame in page.frames:
        if not frame.evaluate("'axe' in window"):
            frame.evaluate(AXE_SCRIPT)
        frame.evaluate(LOOK, [list(WCAG), frame == page.main_frame])


def violations(page) -> list[str]:
    """What axe found since `start_axe`."""
    return [
        f"{rule['id']}: {rule['help']}: {[node['html'][:160] for node in rule['nodes'][:3]]}"
        for frame in page.frames
        for rule in frame.evaluate("window.found")["violations"]
    ]


def smallest_text(browser, svg: str) -> float:
    """The size of the smallest letters in a drawing, in its own pixels."""
    page = browser.new_page()
    page.set_content(svg)
    size = page.evaluate("""() => Math.min(...[...document.querySelectorAll('text, tspan')]
        .filter(element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
        .map(element => parseFloat(getComputedStyle(element).fontSize)))""")
    page.close()
    return size


SMALLEST_LETTERS = """() => Math.min(...[...document.querySelectorAll('body *')]
    .filter(element => !element.closest('script, style, .hidden, option') && element.checkVisibility())
    .filter(element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
    .map(element => parseFloat(getComputedStyle(element).fontSize)))"""
