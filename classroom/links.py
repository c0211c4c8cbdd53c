"""Print a link for each notebook: who follows it gets the notebooks into her folder and that one opened.

    python classroom/links.py https://hub.example.org

The links are those of nbgitpuller: it fetches what is new and keeps what the learner has written.
"""

import sys
import tomllib
from pathlib import Path
from urllib.parse import urlencode

HOUSE = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted(path.name for path in (HOUSE / "notebooks").glob("*.ipynb"))
REPOSITORY = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Repository"]
FOLDER = REPOSITORY.rsplit("/", 1)[-1]  # where nbgitpuller puts it in the learner's home


def pull(notebook: str, repository: str = REPOSITORY, branch: str = "main") -> str:
    """The part of a link after the server's address: fetch the repository, open `notebook` in JupyterLab."""
    place = f"lab/tree/{FOLDER}/notebooks/{notebook}"
    return "git-pull?" + urlencode({"repo": repository, "branch": branch, "targetpath": FOLDER, "urlpath": place})


def link(hub: str, notebook: str) -> str:
    """The whole link to `notebook` on the hub at the address `hub`, for whoever signs in there."""
    return f"{hub.rstrip('/')}/hub/user-redirect/{pull(notebook)}"


def main(hub: str) -> None:
    """Print the links, a line each, ready to be sent to a class."""
    for notebook in NOTEBOOKS:
        print(f"{notebook.removesuffix('.ipynb')}\n    {link(hub, notebook)}")


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].startswith(("http://", "https://")):
        sys.exit("The address of the hub is missing: python classroom/links.py https://hub.example.org")
    main(sys.argv[1])
