"""The folders and addresses of the repository, and rules for every text file in it."""

import re
import tomllib
from pathlib import Path

from tracked import ours

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "lstm_lesson"
# the folders with files that people write
FOLDERS = ("notebooks", "lstm_lesson", "tests", "benchmarks", "classroom", "docs", "tools", ".ci", ".github")
NOTEBOOKS = sorted(filter(ours, (ROOT / "notebooks").glob("*.ipynb")))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ADDRESS = PYPROJECT["project"]["urls"]["Repository"]
SETUP_CELL = (ROOT / "tools" / "setup_cell.txt").read_text(encoding="utf-8").strip().replace("{address}", ADDRESS)

MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root|tmp|home|Users)/[\w.-]+|\b[A-Z]:\\{1,2}Users\b|\.\./shared\b")
INDEX_HOST = re.compile(r"pypi\.org|python[h]osted\.org|download\.pytorch\.org|anaconda\.(?:org|com)|conda\.io", re.I)


def files():
    """The text files of the repository that git tracks, without caches and pictures."""
    places = [*ROOT.glob("*"), *(p for folder in FOLDERS for p in (ROOT / folder).rglob("*"))]
    skip = {"__pycache__", ".ipynb_checkpoints", ".hypothesis"}
    files = (p for p in places if p.is_file() and not skip & set(p.parts) and p.suffix not in (".pyc", ".png"))
    return sorted(filter(ours, files))


def machine_paths(text: str) -> list[str]:
    """The paths in a text that exist only on one machine."""
    return [match[0] for match in MACHINE_PATH.finditer(text)]


def index_hosts(text: str) -> list[str]:
    """The host names of package indexes in a text. The learner chooses the index, so no file names one."""
    return [match[0] for match in INDEX_HOST.finditer(text)]


def badge(name: str) -> str:
    """The Colab badge of a notebook, as in its first cell and in the README."""
    colab = ADDRESS.replace("https://github.com", "https://colab.research.google.com/github")
    picture = "https://colab.research.google.com/assets/colab-badge.svg"
    return f"[![Open in Colab]({picture})]({colab}/blob/main/notebooks/{name})"


def kaggle_badge(name: str) -> str:
    """The Kaggle badge of a notebook, in the line below Colab's."""
    picture = "https://kaggle.com/static/images/open-in-kaggle.svg"
    return (
        f"[![Open in Kaggle]({picture})](https://kaggle.com/kernels/welcome?src={ADDRESS}/blob/main/notebooks/{name})"
    )


def binder_badge() -> str:
    """The Binder badge of the README: opens the first notebook."""
    binder = ADDRESS.replace("https://github.com", "https://mybinder.org/v2/gh")
    picture = "https://mybinder.org/badge_logo.svg"
    return f"[![Open in Binder]({picture})]({binder}/main?urlpath=lab%2Ftree%2Fnotebooks%2F00_start_here.ipynb)"


def requirements(folder=ROOT):
    """name -> version, from requirements.txt; every line pins."""
    lines = (line.split("#")[0].strip() for line in (folder / "requirements.txt").read_text().splitlines())
    return dict(line.split("==") for line in lines if line)
