"""The way in from outside: it stays shut while the hub's sign-in is the one for trying out."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from jupyterhub.auth import DummyAuthenticator
from jupyterhub.authenticators.shared import SharedPasswordAuthenticator
from jupyterhub.proxy import ConfigurableHTTPProxy

# Neither knows a learner's own password: whoever comes in, comes in as anybody.
TRYING_OUT = (DummyAuthenticator, SharedPasswordAuthenticator)


class GuardedProxy(ConfigurableHTTPProxy):
    """JupyterHub's own proxy, which does not come up for the trying-out sign-in on anything but loopback.

    It is made after the configuration file and the command line have had their say, and before anything listens.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        if isinstance(self.app.authenticator, TRYING_OUT) and (reasons := list(self._open_doors())):
            self.log.critical(
                "The trying-out sign-in (%s) lets anybody in as anybody, so this hub listens on loopback only and "
                "does not start: %s. Take another authenticator_class, or 127.0.0.1.",
                type(self.app.authenticator).__name__,
                "; ".join(reasons),
            )
            self.app.exit(1)

    def _open_doors(self):
        """Every address under which something of the hub could be reached from elsewhere, in words."""
        app = self.app
        addresses = {
            "bind_url": app.bind_url,
            "hub_bind_url": app.hub.bind_url,
            "public_url": app.public_url,
            "the proxy's public_url": self.public_url,
            "the proxy's api_url": self.api_url,
        }
        for name, url in addresses.items():
            if url and not on_loopback(url):
                yield f"{name} is {url}"
        if not self.should_start:
            yield "the proxy is started elsewhere (should_start is False), where nobody sees on what it listens"
        if len(self.command) != 1:
            yield f"the proxy's command has options of its own: {self.command}"


def on_loopback(url: str) -> bool:
    """Whether `url` names this machine and can't be reached from another; no host at all means every address.

    >>> [on_loopback(url) for url in ("http://127.0.0.1:8000/", "http://[::1]/", "http://localhost")]
    [True, True, True]
    >>> [on_loopback(url) for url in ("http://:8000", "http://0.0.0.0", "http://*:80", "https://hub.example.org", "")]
    [False, False, False, False, False]
    """
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
