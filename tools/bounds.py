"""The lowest versions that pyproject.toml allows, as lines for pip: what `make oldest` installs.

`python tools/bounds.py` prints them. It needs no package, so that any Python from 3.11 on can run it.
"""

import re
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def lowest(project: dict) -> list[str]:
    """`name==version` for every dependency of a project and of its extras. Raises ValueError for one without >=."""
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return [pinned(requirement) for group in groups for requirement in group]


def pinned(requirement: str) -> str:
    """The requirement at its lower bound.

    >>> pinned("torch>=2.8")
    'torch==2.8'
    """
    match = re.fullmatch(r"([A-Za-z0-9._-]+)\s*>=\s*([\d.]+)", requirement)
    if match is None:
        raise ValueError(f"pyproject.toml has {requirement!r}, which names no lower bound; write it as 'name>=1.2'")
    return f"{match[1]}=={match[2]}"


if __name__ == "__main__":
    print(*lowest(tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]), sep="\n")
