"""A Firefox without a window that reaches only this machine, driven over the W3C's WebDriver BiDi: JSON messages."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import websocket

PROGRAMS = ("firefox-esr", "firefox")
PATIENCE = 60  # seconds that Firefox may take to start, or to answer
# requests to other machines go to a proxy that does not exist, and Firefox reports nothing to its makers
PREFERENCES = {"network.proxy.type": 1, "network.proxy.http": "127.0.0.1", "network.proxy.http_port": 9}
PREFERENCES |= {"network.proxy.ssl": "127.0.0.1", "network.proxy.ssl_port": 9, "toolkit.telemetry.server": ""}
PREFERENCES |= {"datareporting.policy.dataSubmissionEnabled": False, "app.normandy.enabled": False}
KEYBOARD = {"type": "key", "id": "keys"}
EVENTS = ["log.entryAdded", "network.beforeRequestSent", "network.responseCompleted"]
KEYS = {"ArrowRight": "\ue014", "ArrowLeft": "\ue012", "Home": "\ue011", "Enter": "\ue007", "Backspace": "\ue003"}


def program() -> str:
    """The path of Firefox; empty if there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), "")


def is_snap(path: str) -> bool:
    """Whether this Firefox, or the script that starts it, is Ubuntu's snap, which sees no temporary folder."""
    return "/snap/" in str(Path(path).resolve()) or b"/snap/" in Path(path).read_bytes()[:4000]


def why_not() -> str:
    """Why there can be no tests in Firefox here; empty if there can be."""
    if os.name != "posix" or not program():
        return f"no Firefox: neither {' nor '.join(PROGRAMS)} is on the PATH of a Linux or macOS"
    return "this Firefox is a snap, which cannot read a profile in a temporary folder" if is_snap(program()) else ""


@contextlib.contextmanager
def firefox():
    """A running Firefox with one tab: a Tab."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items())
        Path(profile, "user.js").write_text("".join(lines), encoding="utf-8")
        command = [program(), "--headless", "--profile", profile, "--remote-debugging-port", "0"]
        with (Path(profile) / "log").open("wb") as log:
            running = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            address = _address(running, Path(profile) / "log")
            with contextlib.closing(websocket.create_connection(address, PATIENCE, suppress_origin=True)) as socket:
                yield Tab(socket)
        finally:
            running.terminate()
            running.wait(PATIENCE)


def _address(running, log):
    end = time.monotonic() + PATIENCE
    while running.poll() is None and time.monotonic() < end:
        if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", log.read_text("utf-8", "replace")):
            return f"{found[1]}/session"
        time.sleep(0.05)
    raise RuntimeError(f"Firefox did not start:\n{log.read_text('utf-8', 'replace')[-2000:]}")


class Tab:
    """The one tab of a Firefox. `complaints` has the warnings and errors of its console, and requests to elsewhere."""

    def __init__(self, socket):
        self.socket, self.number, self.complaints, self.address = socket, 0, [], ""
        self.ask("session.new", capabilities={})
        self.tab = self.ask("browsingContext.getTree")["contexts"][0]["context"]
        self.ask("session.subscribe", events=EVENTS)

    def ask(self, method, **params):
        """The result of one command. RuntimeError with Firefox's own words if it fails."""
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": params}))
        while (answer := json.loads(self.socket.recv())).get("id") != self.number:
            self._heard(answer.get("method"), answer.get("params"))
        if answer["type"] == "error":
            raise RuntimeError(f"{method}: {answer['error']}: {answer['message']}")
        return answer["result"]

    def _heard(self, event, about):
        url = about.get("request", {}).get("url", "")
        if event == "log.entryAdded" and about["level"] in ("warn", "error"):
            self.complaints.append(about["text"])
        elif event == EVENTS[1] and not url.startswith((self.address, "data:", "about:", "blob:")):
            self.complaints.append(f"asked for {url}")
        elif event == EVENTS[2] and about["response"]["status"] >= 400:
            self.complaints.append(f"{about['response']['status']} {url}")

    def open(self, address, width, height=800):
        """Open a page in a window of this size, and wait until it is loaded."""
        self.ask("browsingContext.setViewport", context=self.tab, viewport={"width": width, "height": height})
        self.ask("browsingContext.navigate", context=self.tab, url=address, wait="complete")
        end = time.monotonic() + PATIENCE
        while self.run("document.documentElement && document.readyState") != "complete":  # empty for a moment, if busy
            if time.monotonic() > end:
                raise RuntimeError(f"{address} was not loaded in {PATIENCE} s")
            time.sleep(0.02)

    def frame(self) -> str:
        """The first frame of the page, for `run`."""
        return self.ask("browsingContext.getTree", root=self.tab)["contexts"][0]["children"][0]["context"]

    def run(self, script, frame=""):
        """What a JavaScript expression gives, a promise's result too, as Python's numbers, texts, lists and dicts."""
        script, target = f"(async () => JSON.stringify(await ({script})))()", {"context": frame or self.tab}
        answer = self.ask("script.evaluate", expression=script, target=target, awaitPromise=True)
        if answer["type"] == "exception":
            raise RuntimeError(f"{script}: {answer['exceptionDetails']['text']}")
        return json.loads(answer["result"].get("value", "null"))

    def press(self, *keys, frame=""):
        """Press and release keys, by their name in KEYS or as a letter, in the element that has the focus."""
        strokes = [{"type": kind, "value": KEYS.get(key, key)} for key in keys for kind in ("keyDown", "keyUp")]
        self.ask("input.performActions", context=frame or self.tab, actions=[{**KEYBOARD, "actions": strokes}])
