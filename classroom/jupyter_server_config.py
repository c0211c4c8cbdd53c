"""What a Jupyter server of this project reads: messages to the browser leave at once.

A move of a slider is answered by several small messages. By default the second waits until the browser has confirmed
the first, for which Linux takes up to 40 ms: more than all the rest of the way from a key press to the new picture.
`make setup` copies this file into the .venv, `postBuild` on Binder.
"""

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """A kernel's connection to the browser, without Nagle's algorithm."""

    async def connect(self):
        self.websocket_handler.set_nodelay(True)
        return await super().connect()


get_config().ServerApp.kernel_websocket_connection_class = PromptConnection  # noqa: F821 (Jupyter hands get_config over)
