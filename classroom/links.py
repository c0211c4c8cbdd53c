"""Print a link for each notebook. The link copies the notebooks into the learner's folder and opens that notebook.

    python classroom/links.py https://hub.example.org

The links use nbgitpuller, which fetches new versions and keeps what the learner has written.
"""

import sys
import tomllib
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from tracked import ours  # noqa: E402

NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb") if ours(path))
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Repository"]
FOLDER = REPOSITORY.rsplit("/", 1)[-1]  # where nbgitpuller puts it in the learner's home


def pull(notebook: str, repository: str = REPOSITORY, branch: str = "main") -> str:
    """The part of a link after the server's address: fetch the repository, open `notebook` in JupyterLab."""
    place = f"lab/tree/{FOLDER}/notebooks/{notebook}"
    return "git-pull?" + urlencode({"repo": repository, "branch": branch, "targetpath": FOLDER, "urlpath": place})


def link(hub: str, notebook: str) -> str:
    """The whole link to `notebook` on the hub at the address `hub`."""
    return f"{hub.rstrip('/')}/hub/user-redirect/{pull(notebook)}"


def main(hub: str) -> None:
    """Print the links, one on each line."""
    for notebook in NOTEBOOKS:
        print(f"{notebook.removesuffix('.ipynb')}\n    {link(hub, notebook)}")


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].startswith(("http://", "https://")):
        sys.exit("The address of the hub is missing: python classroom/links.py https://hub.example.org")
    main(sys.argv[1])
