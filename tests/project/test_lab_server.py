"""JupyterLab as `make lab` starts it sends messages to the browser at once."""

import asyncio
import sys
from pathlib import Path

import pytest
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.websocket import KernelWebsocketHandler
from repository import ROOT
from traitlets.config import PyFileConfigLoader

CONFIG = ROOT / "classroom" / "jupyter_server_config.py"


def test_a_kernels_connection_sends_without_waiting(monkeypatch):
    events = []

    async def connect(self):
        events.append("connected")

    monkeypatch.setattr(ZMQChannelsWebsocketConnection, "connect", connect)
    monkeypatch.setattr(KernelWebsocketHandler, "set_nodelay", lambda self, value: events.append(value))
    chosen = PyFileConfigLoader(CONFIG.name, path=str(CONFIG.parent)).load_config().ServerApp
    connection = chosen.kernel_websocket_connection_class.__new__(chosen.kernel_websocket_connection_class)
    connection.websocket_handler = KernelWebsocketHandler.__new__(KernelWebsocketHandler)
    asyncio.run(connection.connect())
    assert events == [True, "connected"]


def test_the_set_up_copies_the_configuration_to_where_jupyterlab_reads_it():
    if Path(sys.prefix).resolve() != ROOT / ".venv":
        pytest.skip("this Python was not set up by make, which copies the file")
    assert (Path(sys.prefix) / "etc" / "jupyter" / CONFIG.name).read_bytes() == CONFIG.read_bytes()
