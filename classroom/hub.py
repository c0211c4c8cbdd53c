"""Start, kill, restart and stop a real hub for the load test and the tests.

The hub listens on free ports of loopback. All its files, also the learners' folders, are in one temporary folder.
"""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

HERE = Path(__file__).resolve().parent
PROXY = HERE.parent / ".venv" / "classroom" / "node_modules" / ".bin" / "configurable-http-proxy"
TRIAL = HERE / "trial_config.py"
START = 120  # seconds until a hub must answer
STOP = 60  # seconds until the learners' servers must have ended


class Hub:
    """A hub with its files in `folder`, a configuration file, and more options for jupyterhub."""

    def __init__(self, folder: Path, config: Path = TRIAL, options: tuple[str, ...] = ()):
        self.folder, self.password = Path(folder), secrets.token_urlsafe(9)
        public, private, api = free_ports(3)
        self.address = f"http://127.0.0.1:{public}"
        settings = {
            "JupyterHub.bind_url": self.address,
            "JupyterHub.hub_port": private,
            "ConfigurableHTTPProxy.api_url": f"http://127.0.0.1:{api}",
        }
        given = {option.partition("=")[0] for option in options}
        settings = [f"--{name}={value}" for name, value in settings.items() if f"--{name}" not in given]
        self.command = [sys.executable, "-m", "jupyterhub", "-f", str(config), *settings, *options]
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def launch(self):
        """Start the hub's process, without waiting for it."""
        own = {"CLASSROOM_STATE": str(self.folder / "state"), "CLASSROOM_PASSWORD": self.password}
        own["CLASSROOM_BOARD"] = str(self.board)
        own["CONFIGPROXY_AUTH_TOKEN"] = self.password + "-proxy"  # one proxy, before and after a restart
        with (self.folder / "hub.log").open("ab") as log:
            self.process = subprocess.Popen(self.command, env=os.environ | own, stdout=log, stderr=log, cwd=self.folder)

    def start(self):
        """Start the hub and wait until it answers. RuntimeError with the end of its log if it does not answer."""
        self.launch()
        until = time.monotonic() + START
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(urllib.error.URLError, OSError):
                if urllib.request.urlopen(f"{self.address}/hub/health", timeout=5).status == 200:
                    return
            time.sleep(0.2)
        self.stop()
        raise RuntimeError(f"the hub did not start:\n{self.log()[-3000:]}")

    def crash(self):
        """Kill the hub at once. The proxy and the learners' servers go on."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """End the hub and all processes that it started."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP)
        left = self.processes()
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=10)

    def home(self, learner: str) -> Path:
        """A learner's folder on a trial hub."""
        return self.folder / "state" / "homes" / learner

    @property
    def board(self) -> Path:
        """The folder of the learners' records for the board."""
        return self.folder / "board"

    def log(self) -> str:
        """What the hub has printed so far."""
        return (self.folder / "hub.log").read_text(encoding="utf-8", errors="replace")

    def processes(self, learner: str = "") -> list[psutil.Process]:
        """The processes of this hub, found by its folder in their environment, or those of one learner."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                environment = process.environ()
                ours = any(str(self.folder) in value for value in environment.values())
                if ours and process.pid != os.getpid() and learner in ("", environment.get("JUPYTERHUB_USER")):
                    found.append(process)
        return found


def free_ports(count: int) -> list[int]:
    """Ports of loopback that are free now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def memory(processes: list[psutil.Process]) -> tuple[float, float]:
    """Resident and proportional memory of the processes together, in MB (10^6 bytes), as Linux counts them."""
    totals = {"Rss": 0.0, "Pss": 0.0}
    for process in processes:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
                if (name := line.partition(":")[0]) in totals:
                    totals[name] += int(line.split()[1]) * 1024 / 1e6
    return totals["Rss"], totals["Pss"]
