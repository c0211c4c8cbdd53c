"""Bring the lessons up to date without losing what was written into them: `python tools/update.py`.

Every tracked file that was changed is first copied to notebooks/mine/DATE, which git ignores. Then the tracked files
are restored, and git moves forward to what was published. If anything stands in the way, the files are left or put back
as they were, and the reason is printed with how they stand. Files that git does not track stay as they are.
"""

import contextlib
import datetime
import filecmp
import os
import shutil
import subprocess
import sys
from itertools import accumulate
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = "notebooks/mine"
PATIENCE = 120  # seconds for the server
BEGUN = {
    "MERGE_HEAD": ("merge", "git merge --abort"),
    "CHERRY_PICK_HEAD": ("cherry-pick", "git cherry-pick --abort"),
    "REVERT_HEAD": ("revert", "git revert --abort"),
    "rebase-merge": ("rebase", "git rebase --abort"),
    "rebase-apply": ("rebase", "git rebase --abort"),
}


class Stop(Exception):
    """Why there is no update and what to do, then how things stand."""

    def __init__(self, reason: str, now: str = "Nothing was changed.") -> None:
        super().__init__(f"{reason}\n{now}")


def git(root: Path, *words: str, limit: float | None = None) -> str:
    """What git prints. CalledProcessError, with the error output, if it fails."""
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_LITERAL_PATHSPECS": "1", "LC_ALL": "C"}
    command = ["git", "-C", str(root), *words]
    done = subprocess.run(command, env=os.environ | quiet, capture_output=True, timeout=limit, check=True)
    return os.fsdecode(done.stdout)


def asked(root: Path, *words: str) -> str:
    """What git prints, without the line's end; empty if it fails."""
    try:
        return git(root, *words).rstrip("\n")
    except subprocess.CalledProcessError:
        return ""


def said(error: subprocess.CalledProcessError | subprocess.TimeoutExpired) -> str:
    """The first line of what git said, and the files that it names below."""
    first, *below = os.fsdecode(error.stderr or b"").strip().splitlines() or ["git did not answer"]
    names = ", ".join(line.strip() for line in below if line.startswith("\t"))
    return f"{first} {names}".strip().rstrip(".")


def fetch(root: Path) -> None:
    """Fetch what was published. Stop if the state of the repository, or the network, does not allow an update."""
    try:
        inside = Path(asked(root, "rev-parse", "--show-toplevel")).resolve() == root.resolve()
    except FileNotFoundError:
        raise Stop("git is not installed. Install it, or download the lessons again into another folder.") from None
    if not inside:
        raise Stop("This folder is not a git clone. Download the lessons again into another folder.")
    for name, (begun, way_out) in BEGUN.items():
        if (root / asked(root, "rev-parse", "--git-path", name)).exists():
            raise Stop(f"A {begun} is in progress. Finish it, or give it up with: {way_out}")
    if (lock := root / asked(root, "rev-parse", "--git-path", "index.lock")).exists():
        raise Stop(f"Another git is at work here. Wait until it has ended; if there is none, delete {lock}.")
    if git(root, "ls-files", "--unmerged"):
        raise Stop("Files have conflicts; `git status` lists them. Settle these, then commit.")
    branch = asked(root, "symbolic-ref", "--quiet", "--short", "HEAD")
    if not branch:
        raise Stop("No branch is checked out (a detached HEAD). Go back to one with: git switch main")
    if not asked(root, "rev-parse", "--abbrev-ref", "@{upstream}"):
        raise Stop(f"The branch {branch} follows no other. Say which: git branch --set-upstream-to=origin/main")
    try:
        git(root, "fetch", "--quiet", limit=PATIENCE)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise Stop(f"The published lessons cannot be reached: {said(error)}. Try again later.") from None
    if own := int(git(root, "rev-list", "--count", "@{upstream}..HEAD")):
        what = "commit that is" if own == 1 else "commits that are"
        raise Stop(f"The branch {branch} has {own} {what} not published. Commit your changes, then: git pull --rebase")


def differing(root: Path, *words: str) -> set[str]:
    """The files that `git diff` with these words names."""
    return {name for name in git(root, "diff", "--name-only", "--no-renames", "-z", *words).split("\0") if name}


def instead(root: Path, name: str) -> str:
    """What stands, like a link or a folder, in place of a file or of a folder that holds it; empty if nothing does."""
    for path in accumulate(name.split("/"), "{}/{}".format):
        place = root / path
        right = place.is_file() if path == name else place.is_dir()
        if os.path.lexists(place) and (place.is_symlink() or not right):
            return path
    return ""


def changes(root: Path) -> list[str]:
    """The files of the last commit that were changed or deleted. Stop if copies of them would not hold everything."""
    staged = differing(root, "--cached")
    changed = sorted((differing(root, "HEAD") | staged) - differing(root, "--cached", "--diff-filter=A"))
    if found := sorted({instead(root, name) for name in changed} - {""}):
        raise Stop(
            f"Where the lessons have a file, there is something else: {', '.join(found)}. Move it, then try again."
        )
    if found := [name for name in changed if name in staged & differing(root)]:
        command = f"git add {subprocess.list2cmdline(found)}"
        raise Stop(
            f"What `git add` noted is older than the file: {', '.join(found)}. Note the new form with: {command}"
        )
    return changed


def in_the_way(root: Path) -> list[str]:
    """The files here that the update would overwrite although the last commit has none of that name."""
    return sorted(n for n in differing(root, "--diff-filter=A", "HEAD", "@{upstream}") if os.path.lexists(root / n))


def keep(root: Path, name: str, folder: Path) -> Path:
    """Copy a file into the folder under its own name, or with a number if another has it; gives the copy's path."""
    source, place = root / name, folder / name.removeprefix("notebooks/")
    place.parent.mkdir(parents=True, exist_ok=True)
    copy, number = place, 1
    while os.path.lexists(copy):
        if copy.is_file() and filecmp.cmp(source, copy, shallow=False):
            return copy
        number += 1
        copy = place.with_stem(f"{place.stem}-{number}")
    with source.open("rb") as read, copy.open("xb") as write:
        shutil.copyfileobj(read, write)
    shutil.copymode(source, copy)
    return copy


def forward(root: Path, kept: dict[str, Path], deleted: list[str]) -> None:
    """Restore these files and move forward. Stop if git cannot, with the files and what `git add` noted put back."""
    before, noted, changed = git(root, "status", "--porcelain", "-z"), "", [*kept, *deleted]
    try:
        if changed:
            noted = git(root, "write-tree").strip()
            git(root, "checkout", "--quiet", "HEAD", "--", *changed)
        git(root, "merge", "--quiet", "--ff-only", "--no-overwrite-ignore", "@{upstream}")
    except subprocess.CalledProcessError as error:
        back = False
        with contextlib.suppress(OSError):
            for name, copy in kept.items():
                shutil.copy(copy, root / name)
            for name in deleted:
                (root / name).unlink(missing_ok=True)
            if noted:
                asked(root, "reset", "--quiet", noted, "--", *changed)
            back = asked(root, "status", "--porcelain", "-z") == before
        now = "Your files are as they were." if back else "Not all is as it was: `git status` lists what differs."
        copies = "".join(f"\nA copy of {name} is {copy.relative_to(root).as_posix()}." for name, copy in kept.items())
        raise Stop(f"git could not go forward: {said(error)}.", now + copies) from None


def update(root: Path = ROOT, day: str = "") -> list[str]:
    """Update the repository and return the lines to print. Stop if that cannot be."""
    fetch(root)
    if not int(git(root, "rev-list", "--count", "HEAD..@{upstream}")):
        return ["Nothing new was published. Nothing was changed."]
    if found := in_the_way(root):
        raise Stop(f"A file of yours has the name of a new one: {', '.join(found)}. Rename it, then try again.")
    changed = changes(root)
    folder = root / KEPT / (day or datetime.date.today().isoformat())
    kept = {name: keep(root, name, folder) for name in changed if (root / name).is_file()}
    deleted = [name for name in changed if name not in kept]
    forward(root, kept, deleted)
    lines = [f"Kept {name} as {copy.relative_to(root).as_posix()}" for name, copy in kept.items()]
    lines += [f"Brought back {name}, which was deleted here" for name in deleted]
    return [*lines, f"The lessons are now those of {git(root, 'log', '-1', '--format=%cs: %s').strip()}"]


def main() -> int:
    """0 if the lessons are up to date, else 1."""
    try:
        print(*update(), sep="\n")
    except Stop as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
