"""Build the static site in a folder and serve it on this machine, for the tests and the benchmark."""

import atexit
import contextlib
import functools
import http.server
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from repository import ROOT

BUILD = 300  # seconds that the build may take


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_words):
        pass


def build(folder: Path) -> Path:
    """Build the site in this folder as `make html` does. RuntimeError with the error output if that fails."""
    command = [sys.executable, str(ROOT / "tools" / "site" / "build.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD)
    if done.returncode:
        raise RuntimeError(f"the site was not built:\n{done.stderr[-3000:]}")
    return folder


@functools.cache
def once() -> Path:
    """The site, built once for all test files of a process and removed when it ends."""
    scratch = tempfile.TemporaryDirectory(prefix="lstm-lesson-")
    atexit.register(scratch.cleanup)
    return build(Path(scratch.name) / "site")


@contextlib.contextmanager
def served(folder: Path):
    """Serve the folder on loopback. Gives the address."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
