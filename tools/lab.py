"""Open the lessons in JupyterLab, also for root, without a browser and over ssh. `make lab` runs it.

`python tools/lab.py` takes the arguments of JupyterLab; they replace the settings that are chosen here.
"""

import getpass
import os
import sys
import threading
import time
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
FIRST = "notebooks/00_start_here.ipynb"
AS_ROOT = "You are root: JupyterLab opens on this machine only (127.0.0.1)."
EVERYWHERE = {"", "*", "0.0.0.0", "::", "localhost"}  # a server that listens there is reached at 127.0.0.1


def arguments(root: bool, browser: bool, given: Sequence[str]) -> list[str]:
    """The arguments of JupyterLab: those that this machine needs, then `given`, then the first notebook."""
    own = []
    if root:
        own += ["--allow-root"] if not names(given, "allow-root", "allow_root") else []
        own += ["--ServerApp.ip=127.0.0.1"] if not names(given, "ip") else []
    if not browser and not names(given, "no-browser", "open_browser"):
        own.append("--no-browser")
    return [*own, *given, FIRST]


def names(given: Sequence[str], *options: str) -> bool:
    """Whether an option is among the arguments, alone or as a class's, such as --ip or --ServerApp.ip=0.0.0.0."""
    found = {word.split("=")[0].lstrip("-").split(".")[-1] for word in given if word.startswith("-")}
    return bool(found & set(options))


def where_to_open(server: Mapping, browser: bool, ssh: str, user: str) -> list[str]:
    """The lines to print once JupyterLab runs: with a local browser none, else the address; over ssh also a tunnel.

    `server` is JupyterLab's own description of its server, `ssh` the variable SSH_CONNECTION or "".
    """
    if browser and not ssh:
        return []
    lines = [f"Open this address in a browser:\n\n    {address(server)}\n"]
    if ssh:
        lines.insert(0, f"You are here over ssh. First type on your own computer:\n\n    {tunnel(server, ssh, user)}\n")
        lines.append("If your computer knows this machine by another name, write that name behind the @.\n")
    return lines


def address(server: Mapping) -> str:
    """The address of the first notebook, with the server's token; that of JupyterLab if it serves another folder."""
    first, root = ROOT / FIRST, Path(server["root_dir"]).resolve()
    place = f"lab/tree/{quote(first.relative_to(root).as_posix())}" if first.is_relative_to(root) else "lab"
    url = f"http://{at(server)}:{server['port']}{server['base_url']}{place}"
    url = url.replace("http", "https", 1) if server["secure"] else url
    return f"{url}?token={server['token']}" if server["token"] else url


def tunnel(server: Mapping, ssh: str, user: str) -> str:
    """The ssh command that connects a port of the learner's computer with the server's port."""
    _, _, host, port = ssh.split()
    port_option = "" if port == "22" else f"-p {port} "
    return f"ssh -N {port_option}-L {server['port']}:{at(server)}:{server['port']} {user}@{host}"


def at(server: Mapping) -> str:
    return "127.0.0.1" if server["hostname"] in EVERYWHERE else server["hostname"]


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def has_browser(system: str, environment: Mapping[str, str]) -> bool:
    """Whether a browser with a window can be opened. Without a screen, Python would find those for a terminal."""
    if system == "linux" and not environment.keys() & {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"}:
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def say_where_to_open(browser: bool, patience: float = 60) -> None:
    """Wait until the JupyterLab of this process has written down its address, then print the lines."""
    from jupyter_server.serverapp import list_running_servers

    end = time.monotonic() + patience
    while time.monotonic() < end:
        mine = [server for server in list_running_servers() if server["pid"] == os.getpid()]
        if mine and mine[0]["port"]:
            time.sleep(1)  # JupyterLab's own messages come first
            lines = where_to_open(mine[0], browser, os.environ.get("SSH_CONNECTION", ""), getpass.getuser())
            print(*["", *lines] if lines else [], sep="\n", end="", flush=True)
            return
        time.sleep(0.2)


def main(given: Sequence[str]) -> None:
    from jupyterlab.labapp import main as jupyterlab

    os.chdir(Path(__file__).resolve().parent.parent)
    browser = has_browser(sys.platform, os.environ) and not names(given, "no-browser")
    if is_root() and not names(given, "ip"):
        print(AS_ROOT, flush=True)
    threading.Thread(target=say_where_to_open, args=[browser], daemon=True).start()
    jupyterlab(arguments(is_root(), browser, given))


if __name__ == "__main__":
    main(sys.argv[1:])
