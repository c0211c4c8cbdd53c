"""A simulated learner: sends to the hub, to her server and to her kernel the requests that a browser sends.

She keeps cookies and XSRF tokens as a browser does. While the hub or the proxy does not answer, she tries again for at
most `PATIENCE` seconds, as JupyterLab does.
"""

import asyncio
import json
import time

import httpx
from jupyter_client.jsonutil import json_default
from jupyter_client.session import Session
from nbformat.v4 import output_from_msg
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClosedError, websocket_connect

PATIENCE = 300.0  # seconds until a server must have started, a cell have run, a hub have restarted
AWAY = {424, 429, 500, 502, 503, 504}  # answers of a hub, proxy or server that is not ready
SHOWN = {"stream", "display_data", "execute_result", "error"}


class Learner:
    """`name` on the hub at `address` (http://127.0.0.1:8000); use with `async with`."""

    def __init__(self, address: str, name: str, password: str):
        self.address, self.name, self.password = address, name, password
        self.base = f"/user/{name}"
        self.kernel, self.session, self.socket = "", Session(username=name), None
        self.http = httpx.AsyncClient(base_url=address, timeout=60, trust_env=False)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self._disconnect()
        await self.http.aclose()

    async def sign_in(self):
        """Sign in with the hub's form. PermissionError if the hub refuses."""
        await self._ask("GET", "/hub/login")
        form = {"username": self.name, "password": self.password, "_xsrf": self._cookie("/hub/")}
        answer = await self.http.post("/hub/login", data=form)
        if answer.status_code != 302:
            raise PermissionError(f"{self.name} may not sign in: the hub answered {answer.status_code}")

    async def start_server(self):
        """Request her server, wait for it on the hub's progress page, then sign in to it."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            asked = await self._ask("GET", f"/hub/spawn/{self.name}")
            if asked.status_code == 302 and await self._ready() and await self._sign_in_to_server():
                return
            await asyncio.sleep(1)
        raise TimeoutError(f"the server of {self.name} did not start within {PATIENCE:.0f} s")

    async def fetch(self, path: str):
        """Follow a link of nbgitpuller; `path` is git-pull?…"""
        await self._ask("GET", f"{self.base}/{path}")  # this page then reads the progress of git
        phases = [event.get("phase") async for event in self._events(f"{self.base}/{path.replace('?', '/api?', 1)}")]
        if "finished" not in phases:
            raise OSError(f"{self.name} did not get the notebooks: {phases}")

    async def read(self, path: str) -> dict:
        """A notebook as it is on her server."""
        return (await self._server("GET", f"contents/{path}?content=1"))["content"]

    async def save(self, path: str, notebook: dict):
        """Store a notebook on her server."""
        await self._server("PUT", f"contents/{path}", {"type": "notebook", "format": "json", "content": notebook})

    async def open_kernel(self, path: str):
        """Connect to the kernel of the notebook at `path`, start it if necessary, and wait until it answers."""
        self._disconnect()
        model = {"path": path, "name": "", "type": "notebook", "kernel": {"name": "python3"}}
        self.kernel = (await self._server("POST", "sessions", model))["kernel"]["id"]
        await self.run("")

    async def run(self, code: str) -> list[dict]:
        """Run `code` in her kernel and return its outputs, as a notebook stores them."""
        request = self.session.msg("execute_request", {"code": code, "silent": False, "store_history": bool(code)})
        request["channel"] = "shell"
        await self._send(json.dumps(request, default=json_default))
        outputs, missing = [], {"execute_reply", "idle"}
        async with asyncio.timeout(PATIENCE):
            while missing:
                message = await self._receive()
                if message["parent_header"].get("msg_id") == request["header"]["msg_id"]:
                    kind = message["header"]["msg_type"]
                    missing -= {kind, message["content"].get("execution_state")}
                    if kind in SHOWN:
                        outputs.append(output_from_msg(message))
        return outputs

    async def connect(self, base: str, kernel: str):
        """A websocket to a kernel of the server at `base`, with this learner's cookies."""
        path = f"{base}/api/kernels/{kernel}/channels?session_id={self.session.session}"
        cookies = "; ".join(f"{c.name}={c.value}" for c in self.http.cookies.jar if path.startswith(c.path))
        request = HTTPRequest(self.address.replace("http", "ws", 1) + path, headers={"Cookie": cookies})
        return await websocket_connect(request, max_message_size=2**26)

    async def _sign_in_to_server(self) -> bool:
        """Sign in to her server, which asks the hub for her name. False if the server does not answer."""
        try:
            await self.http.get(f"{self.base}/lab", follow_redirects=True)
            return (await self.http.get(f"{self.base}/api/contents?content=0")).status_code == 200
        except httpx.TransportError:
            return False

    async def _ready(self) -> bool:
        events = self._events(f"/hub/api/users/{self.name}/server/progress?_xsrf={self._cookie('/hub/')}")
        return any([event.get("ready") async for event in events])

    async def _events(self, url: str):
        """The data of server-sent events, until the stream ends or breaks."""
        try:
            async with self.http.stream("GET", url, timeout=PATIENCE) as answer:
                async for line in answer.aiter_lines():
                    if line.startswith("data:"):
                        yield json.loads(line.removeprefix("data:"))
        except httpx.TransportError:
            return

    async def _server(self, method: str, path: str, body: dict | None = None) -> dict:
        """Send a request to the API of her server."""
        xsrf = {"X-XSRFToken": self._cookie(f"{self.base}/")}
        answer = await self._ask(method, f"{self.base}/api/{path}", json=body, headers=xsrf)
        answer.raise_for_status()
        return answer.json()

    async def _ask(self, method: str, url: str, **more) -> httpx.Response:
        """Send a request, and repeat it while nobody answers."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                answer = await self.http.request(method, url, **more)
            except httpx.TransportError:
                answer = None
            if (answer is not None and answer.status_code not in AWAY) or time.monotonic() > until:
                break
            await asyncio.sleep(1)
        if answer is None:
            raise TimeoutError(f"nobody answers {self.name} at {url.partition('?')[0]}")
        return answer

    async def _websocket(self):
        """The websocket to her kernel, reopened if it broke; her server keeps the kernel's messages meanwhile."""
        until = time.monotonic() + PATIENCE
        while self.socket is None:
            try:
                self.socket = await self.connect(self.base, self.kernel)
            except Exception as error:  # refused, or an answer such as 503
                if time.monotonic() > until:
                    raise TimeoutError(f"the kernel of {self.name} can't be reached: {error}") from error
                await asyncio.sleep(1)
        return self.socket

    async def _send(self, text: str):
        while True:
            try:
                return await (await self._websocket()).write_message(text)
            except WebSocketClosedError:
                self.socket = None

    async def _receive(self) -> dict:
        while True:
            message = await (await self._websocket()).read_message()
            if isinstance(message, str):  # bytes are the buffers of widgets
                return json.loads(message)
            if message is None:
                self.socket = None

    def _disconnect(self):
        if self.socket is not None:
            self.socket.close()
        self.socket = None

    def _cookie(self, path: str) -> str:
        return self.http.cookies.get("_xsrf", path=path) or ""
