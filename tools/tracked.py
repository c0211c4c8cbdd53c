"""The files of the project: those that git tracks, and not a learner's own files in the same folders."""

import os
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@cache
def tracked(root: Path) -> frozenset[Path]:
    """The files under `root` that git tracks; empty if there is no git repository, as in an unpacked archive."""
    try:
        listed = subprocess.run(["git", "-C", str(root), "ls-files", "-z"], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return frozenset()
    return frozenset(root / name for name in os.fsdecode(listed).split("\0") if name)


def ours(path: Path, root: Path = ROOT) -> bool:
    """Whether a file belongs to the project. True for files outside the repository, and for all files without git.

    Neither path may contain symbolic links.
    """
    known = tracked(root)
    return not known or path in known or not path.is_relative_to(root)
