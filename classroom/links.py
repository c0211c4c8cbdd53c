"""Print a link for each notebook. The link copies the notebooks into the learner's folder and opens that notebook.

    python classroom/links.py https://hub.example.org
    python classroom/links.py https://hub.example.org --repository https://git.example.org/school/class --folder .

The second form is for a class's own copies, as `make student` and `make instructor` write them: its `--repository`
has the notebooks in `--folder`. The links use nbgitpuller, which fetches new versions and keeps what the learner has
written.
"""

import argparse
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


def pull(notebook: str, repository: str = REPOSITORY, branch: str = "main", folder: str = "notebooks") -> str:
    """The part of a link after the server's address: fetch the repository, open `notebook` in JupyterLab."""
    name = repository.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git")
    place = "/".join(["lab/tree", name, *folder.strip("./").split("/")]).rstrip("/") + f"/{notebook}"
    return "git-pull?" + urlencode({"repo": repository, "branch": branch, "targetpath": name, "urlpath": place})


def link(hub: str, notebook: str, **where: str) -> str:
    """The whole link to `notebook` on the hub at the address `hub`; `where` as for `pull`."""
    return f"{hub.rstrip('/')}/hub/user-redirect/{pull(notebook, **where)}"


def main(words: list[str]) -> None:
    """Print the links, one on each line."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("hub", nargs="*", help="the hub's address, as https://hub.example.org")
    options.add_argument(
        "--repository", default=REPOSITORY, help="where the notebooks are fetched (default: %(default)s)"
    )
    options.add_argument("--branch", default="main")
    options.add_argument("--folder", default="notebooks", help="where they stand in the repository; . for its top")
    given = options.parse_args(words)
    if len(given.hub) != 1 or not given.hub[0].startswith(("http://", "https://")):
        sys.exit("The address of the hub is missing: python classroom/links.py https://hub.example.org")
    for notebook in NOTEBOOKS:
        where = {"repository": given.repository, "branch": given.branch, "folder": given.folder}
        print(f"{notebook.removesuffix('.ipynb')}\n    {link(given.hub[0], notebook, **where)}")


if __name__ == "__main__":
    main(sys.argv[1:])
