"""A proxy that refuses connections from other machines while the hub uses the trial sign-in."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from jupyterhub.auth import DummyAuthenticator
from jupyterhub.authenticators.shared import SharedPasswordAuthenticator
from jupyterhub.proxy import ConfigurableHTTPProxy

# Neither checks a learner's own password: everybody can sign in under every name.
TRIAL_SIGN_INS = (DummyAuthenticator, SharedPasswordAuthenticator)


class GuardedProxy(ConfigurableHTTPProxy):
    """JupyterHub's own proxy. With the trial sign-in it starts on loopback only.

    JupyterHub creates it after it has read the configuration and the command line, and before any port is open.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        if isinstance(self.app.authenticator, TRIAL_SIGN_INS) and (reasons := list(self._reachable_addresses())):
            self.log.critical(
                "The trial sign-in (%s) lets everybody sign in under every name, so this hub may listen on loopback "
                "only. It does not start: %s. Use another authenticator_class, or 127.0.0.1.",
                type(self.app.authenticator).__name__,
                "; ".join(reasons),
            )
            self.app.exit(1)

    def _reachable_addresses(self):
        """One sentence for each setting that makes a part of the hub reachable from other machines."""
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
            yield "another program starts the proxy (should_start is False), so its addresses are unknown"
        if len(self.command) != 1:
            yield f"the proxy's command has additional options: {self.command}"


def on_loopback(url: str) -> bool:
    """Whether only this machine can reach `url`. A URL without a host means every address, so it is False.

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
