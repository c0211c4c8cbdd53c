"""Which files are the project's: those that git tracks, and not what a learner has put beside them."""

import os
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@cache
def tracked(root: Path) -> frozenset[Path]:
    """The files under `root` that git tracks; none where git cannot say, as in an unpacked archive."""
    try:
        listed = subprocess.run(["git", "-C", str(root), "ls-files", "-z"], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return frozenset()
    return frozenset(root / name for name in os.fsdecode(listed).split("\0") if name)


def ours(path: Path, root: Path = ROOT) -> bool:
    """Whether a file is the project's; one outside the repository is left to whoever asks, and so is all without git.

    Both paths without symbolic links.
    """
    known = tracked(root)
    return not known or path in known or not path.is_relative_to(root)
