"""A loopback server that replaces the pinned address of the data sets and can return wrong answers."""

import hashlib
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

DATA = os.environ.get("LSTM_LESSON_DATA")
with_data = pytest.mark.skipif(not DATA, reason="LSTM_LESSON_DATA names no folder with the data sets")

FILES = {  # small stand-ins under the true names
    "covid/Constraint_Train.csv": b"id,tweet,label\n1,masks help,real\n2,drink bleach,fake\n",
    "covid/Constraint_Val.csv": b"id,tweet,label\n1,wash hands,real\n",
    "covid/english_test_with_labels.csv": 'id,tweet,label\n1,"a cure, they say: <b>&amp; “garlic”",fake\n'.encode(),
}


class Server(ThreadingHTTPServer):
    """A loopback server that answers as `mood` says, and counts the requests."""

    mood, requests = "ok", 0
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):  # clients that disconnect are part of the tests
        pass


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_args):
        pass

    def do_GET(self):
        self.server.requests += 1
        mood, body = self.server.mood, self.server.files.get(self.path.lstrip("/"))
        if mood == "404" or body is None:
            return self.send_error(404)
        if mood == "silent":
            return time.sleep(3)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if mood == "corrupt":
            body = body[:-1] + b"?"
        if mood == "truncated":
            body = body[: len(body) // 2]
        if mood == "dripping":
            for k in range(len(body)):
                self.wfile.write(body[k : k + 1])
                time.sleep(0.03)
            return None
        self.wfile.write(body)
        return None


@pytest.fixture
def server(monkeypatch, tmp_path):
    """Stand-ins for the data sets, served at a pinned address; a fresh cache folder."""
    from lstm_lesson.data import download  # loads torch, which the process that only deals out the tests does without

    with Server(("127.0.0.1", 0), Handler) as server:
        server.files = {download.PINNED[f.split("/")[0]] + f.split("/")[1]: body for f, body in FILES.items()}
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        monkeypatch.setattr(download, "ADDRESS", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setattr(download, "SHA256", sha_of(FILES))
        monkeypatch.setattr("lstm_lesson.text.news.SHA256", download.SHA256)
        for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(proxy, raising=False)
        monkeypatch.delenv("LSTM_LESSON_DATA", raising=False)
        monkeypatch.setenv("LSTM_LESSON_CACHE", str(tmp_path / "cache"))
        server.cache = tmp_path / "cache"
        yield server
        server.shutdown()


def sha_of(files):
    return {file: hashlib.sha256(body).hexdigest() for file, body in files.items()}


def kept(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
