"""The configuration of Jupyter servers of this project: messages to the browser are sent at once.

When a slider moves, the kernel answers with several small messages. By default the second message waits until the
browser has confirmed the first. On Linux this takes up to 40 ms, longer than everything else between a key press and
the new picture. `make setup` copies this file into the .venv, and `postBuild` does so on Binder.
"""

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """A kernel's connection to the browser, without Nagle's algorithm."""

    async def connect(self):
        self.websocket_handler.set_nodelay(True)
        return await super().connect()


get_config().ServerApp.kernel_websocket_connection_class = PromptConnection  # noqa: F821 (Jupyter hands get_config over)
