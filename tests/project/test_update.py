"""`make update` on real repositories with a published one beside them: nothing that a learner wrote is lost."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import update
from repository import ROOT

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
DAY = "2026-11-29"
FIVE, SPACE = "notebooks/05_forget_gate.ipynb", "notebooks/a name with spaces.ipynb"
START = {FIVE: "five", SPACE: "space", "notebooks/06_cell_state.ipynb": "six", "lstm_lesson/equations.py": "x = 1"}
START |= {".gitignore": (ROOT / ".gitignore").read_text(encoding="utf-8")}


def git(folder, *words):
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.rstrip("\n")


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def read(folder, name):
    return (folder / name).read_text(encoding="utf-8")


def commit(folder, subject, files=(), deleted=()):
    write(folder, dict(files))
    for name in deleted:
        (folder / name).unlink()
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", subject)


@pytest.fixture(autouse=True)
def only_this_git(monkeypatch, tmp_path):
    """No settings of the machine, and a name for commits."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def published(tmp_path):
    folder = tmp_path / "published"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "Begin", START)
    return folder


@pytest.fixture
def mine(published, tmp_path):
    """A learner's clone, in a folder with a space."""
    folder = tmp_path.resolve() / "my lessons"
    git(tmp_path, "clone", "--quiet", str(published), str(folder))
    write(folder, {".venv/ready": "ready", "notebooks/notes.ipynb": "my notes"})
    return folder


def kept(mine, name, day=DAY):
    return read(mine, f"notebooks/mine/{day}/{name}")


def everything(folder):
    """Each file of the folder with its bytes, what is checked out, and what git has noted for the next commit."""
    paths = [p for p in folder.rglob("*") if ".git" not in p.parts]
    return (
        {p.relative_to(folder): (p.read_bytes(), p.stat().st_mode) for p in paths if p.is_file()},
        {p.relative_to(folder): p.readlink() for p in paths if p.is_symlink()},
        git(folder, "rev-parse", "HEAD"),
        git(folder, "status", "--porcelain"),
        git(folder, "diff", "--cached"),
    )


def test_an_edited_notebook_is_kept_and_the_new_one_is_there(published, mine):
    commit(published, "Ask more in 06", {"notebooks/06_cell_state.ipynb": "six, new"})
    write(mine, {FIVE: "five, with my answer"})
    lines = update.update(mine, DAY)
    assert lines[0] == f"Kept {FIVE} as notebooks/mine/{DAY}/05_forget_gate.ipynb"
    assert len(lines) == 2 and lines[1].endswith(": Ask more in 06")
    assert kept(mine, "05_forget_gate.ipynb") == "five, with my answer"
    assert read(mine, FIVE) == "five" and read(mine, "notebooks/06_cell_state.ipynb") == "six, new"
    assert git(mine, "status", "--porcelain") == "?? notebooks/notes.ipynb"


def test_a_notebook_that_was_changed_on_both_sides_is_kept_and_replaced(published, mine):
    commit(published, "Change 05", {FIVE: "five, new"})
    write(mine, {FIVE: "five, mine"})
    update.update(mine, DAY)
    assert (kept(mine, "05_forget_gate.ipynb"), read(mine, FIVE)) == ("five, mine", "five, new")


def test_an_edited_notebook_that_is_published_no_more_is_kept(published, mine):
    commit(published, "Remove 05", deleted=[FIVE])
    write(mine, {FIVE: "five, mine"})
    update.update(mine, DAY)
    assert kept(mine, "05_forget_gate.ipynb") == "five, mine"
    assert not (mine / FIVE).exists()


def test_names_with_spaces_and_edited_code_are_kept_too(published, mine):
    commit(published, "Change all", {name: f"{text}, new" for name, text in START.items() if name != ".gitignore"})
    write(mine, {SPACE: "space, mine", "lstm_lesson/equations.py": "x = 2"})
    update.update(mine, DAY)
    assert kept(mine, "a name with spaces.ipynb") == "space, mine"
    assert kept(mine, "lstm_lesson/equations.py") == "x = 2"
    assert read(mine, SPACE) == "space, new"


def test_an_earlier_copy_is_never_overwritten(published, mine):
    for turn in ("first", "second", "second", "third"):
        commit(published, f"Change for the {turn} time", {"count": git(published, "rev-list", "--count", "HEAD")})
        write(mine, {FIVE: turn})
        update.update(mine, DAY)
    copies = sorted((mine / "notebooks" / "mine" / DAY).iterdir())
    assert [path.name for path in copies] == [f"05_forget_gate{n}.ipynb" for n in ("-2", "-3", "")]
    assert [path.read_text() for path in copies] == ["second", "third", "first"]


def test_what_git_does_not_track_stays_as_it_is(published, mine):
    commit(published, "Change 05", {FIVE: "five, new"})
    write(mine, {"notebooks/added.ipynb": "noted, not committed"})
    git(mine, "add", "notebooks/added.ipynb")
    update.update(mine, DAY)
    assert read(mine, ".venv/ready") == "ready" and read(mine, "notebooks/notes.ipynb") == "my notes"
    assert read(mine, "notebooks/added.ipynb") == "noted, not committed"
    assert git(mine, "status", "--porcelain") == "A  notebooks/added.ipynb\n?? notebooks/notes.ipynb"
    assert not (mine / "notebooks" / "mine").exists()


def test_a_notebook_that_git_add_has_noted_is_kept(published, mine):
    commit(published, "Change 05", {FIVE: "five, new"})
    write(mine, {FIVE: "five, mine"})
    git(mine, "add", FIVE)
    update.update(mine, DAY)
    assert (kept(mine, "05_forget_gate.ipynb"), read(mine, FIVE)) == ("five, mine", "five, new")
    assert git(mine, "diff", "--cached") == ""


def test_a_deleted_file_comes_back(published, mine):
    commit(published, "Change 06", {"notebooks/06_cell_state.ipynb": "six, new"})
    (mine / FIVE).unlink()
    assert update.update(mine, DAY)[0] == f"Brought back {FIVE}, which was deleted here"
    assert read(mine, FIVE) == "five"


def test_where_nothing_new_was_published_nothing_is_changed(mine):
    write(mine, {FIVE: "five, mine"})
    before = everything(mine)
    assert update.update(mine, DAY) == ["Nothing new was published. Nothing was changed."]
    assert everything(mine) == before


def a_local_commit(mine, published):
    commit(mine, "My own", {FIVE: "five, mine"})
    return "1 commit that is not published", "git pull --rebase"


def no_upstream(mine, published):
    git(mine, "checkout", "--quiet", "-b", "own")
    return "branch own follows no other", "git branch --set-upstream-to=origin/main"


def a_detached_head(mine, published):
    git(mine, "checkout", "--quiet", "--detach")
    return "No branch is checked out", "git switch main"


def no_network(mine, published):
    published.rename(published.with_name("gone"))
    return "cannot be reached", "Try again later"


def a_merge_in_progress(mine, published):
    git(mine, "checkout", "--quiet", "-b", "side", "--track", "origin/main")
    commit(mine, "Theirs", {"lstm_lesson/equations.py": "x = 3"})
    git(mine, "checkout", "--quiet", "main")
    git(mine, "merge", "--quiet", "--no-commit", "--no-ff", "side")
    return "A merge is in progress", "git merge --abort"


def a_conflict(mine, published):
    git(mine, "stash")
    commit(mine, "My own", {FIVE: "five, other"})
    with pytest.raises(subprocess.CalledProcessError):
        git(mine, "stash", "pop")
    return "have conflicts", "git status"


def a_file_of_ones_own_with_a_new_name(mine, published):
    commit(published, "Add notes", {"notebooks/notes.ipynb": "notes for all"})
    return "notebooks/notes.ipynb", "Rename it"


def two_forms_of_one_file(mine, published):
    git(mine, "add", FIVE)
    write(mine, {FIVE: "five, once more", SPACE: "space, mine"})
    git(mine, "add", SPACE)
    write(mine, {SPACE: "space, once more"})
    return f"older than the file: {FIVE}, {SPACE}.", f'git add {FIVE} "{SPACE}"\n'


def another_git_at_work(mine, published):
    write(mine, {".git/index.lock": ""})
    return "Another git is at work here", f"delete {mine / '.git' / 'index.lock'}"


def a_folder_in_place_of_a_file(mine, published):
    (mine / FIVE).unlink()
    write(mine, {f"{FIVE}/answers.txt": "all my answers"})
    return f"there is something else: {FIVE}", "Move it"


def a_file_in_place_of_a_folder(mine, published):
    shutil.rmtree(mine / "lstm_lesson")
    write(mine, {"lstm_lesson": "my own text"})
    return "there is something else: lstm_lesson", "Move it"


def a_link_to_nothing(mine, published):
    (mine / FIVE).unlink()
    link(mine / FIVE, "a disk that is not here")
    return f"there is something else: {FIVE}", "Move it"


def a_link_to_a_file(mine, published):
    (mine / FIVE).unlink()
    link(mine / FIVE, "notes.ipynb")
    return f"there is something else: {FIVE}", "Move it"


def a_link_in_place_of_a_folder(mine, published):
    (mine / "lstm_lesson").rename(mine / "moved")
    link(mine / "lstm_lesson", "moved")
    return "there is something else: lstm_lesson", "Move it"


def link(place, target):
    try:
        place.symlink_to(target)
    except OSError:
        pytest.skip("this system lets nobody make links")


CASES = [a_local_commit, no_upstream, a_detached_head, no_network, a_merge_in_progress, a_conflict]
CASES += [a_file_of_ones_own_with_a_new_name, two_forms_of_one_file, another_git_at_work]
CASES += [a_folder_in_place_of_a_file, a_file_in_place_of_a_folder]
CASES += [a_link_to_nothing, a_link_to_a_file, a_link_in_place_of_a_folder]


@pytest.mark.parametrize("case", CASES)
def test_what_stands_in_the_way_is_said_with_what_to_do_and_nothing_is_changed(
    mine, published, case, monkeypatch, capsys
):
    commit(published, "Change 06", {"notebooks/06_cell_state.ipynb": "six, new"})
    if case is not a_merge_in_progress:
        write(mine, {FIVE: "five, mine"})
    said, to_do = case(mine, published)
    before = everything(mine)
    monkeypatch.setattr(update.update, "__defaults__", (mine, DAY))
    assert update.main() == 1
    told = capsys.readouterr()
    assert told.out == "" and told.err.endswith("\nNothing was changed.\n") and told.err.count("\n") == 2
    assert said in told.err and to_do in told.err
    assert everything(mine) == before


def changed_in_many_ways(mine):
    """Edited and made executable, edited and noted, removed and noted, deleted; gives the lines about the copies."""
    write(mine, {FIVE: "five, mine", SPACE: "space, mine", "notebooks/added.ipynb": "noted, not committed"})
    git(mine, "add", SPACE, "notebooks/added.ipynb")
    git(mine, "rm", "--quiet", "lstm_lesson/equations.py")
    (mine / "notebooks/06_cell_state.ipynb").unlink()
    (mine / FIVE).chmod(0o755)
    copies = {FIVE: "05_forget_gate.ipynb", SPACE: "a name with spaces.ipynb"}
    return "\n".join(f"A copy of {name} is notebooks/mine/{DAY}/{copy}." for name, copy in copies.items())


@pytest.mark.parametrize("ignored", [False, True])
def test_everything_comes_back_if_git_cannot_go_forward(published, mine, monkeypatch, capsys, ignored):
    """A file of the learner's where the new lessons have a folder, which only git itself notices."""
    commit(published, "Add a folder", {"extra/new.py": ""})
    copies = changed_in_many_ways(mine)
    write(mine, {"extra": "a file of mine", ".git/info/exclude": "extra\n" if ignored else ""})
    before = everything(mine)
    monkeypatch.setattr(update.update, "__defaults__", (mine, DAY))
    assert update.main() == 1
    told = capsys.readouterr()
    assert told.out == "" and re.fullmatch(
        f"git could not go forward: error: .*\\bextra\\.\nYour files are as they were\\.\n{re.escape(copies)}\n",
        told.err,
    )
    assert (kept(mine, "05_forget_gate.ipynb"), kept(mine, "a name with spaces.ipynb")) == ("five, mine", "space, mine")
    shutil.rmtree(mine / "notebooks" / "mine")
    assert everything(mine) == before


@pytest.mark.parametrize("word", ["checkout", "merge"])
@pytest.mark.parametrize("stays", [False, True])
def test_another_git_that_begins_meanwhile_is_named_and_what_is_said_of_the_files_is_true(
    published, mine, monkeypatch, word, stays
):
    commit(published, "Change 05", {FIVE: "five, new"})
    copies = changed_in_many_ways(mine)
    before, lock, ask = everything(mine), mine / ".git" / "index.lock", update.git

    def with_another(root, *words, **limit):
        if words[0] == word:
            lock.touch()
        try:
            return ask(root, *words, **limit)
        finally:
            if words[0] == word and not stays:
                lock.unlink()

    monkeypatch.setattr(update, "git", with_another)
    with pytest.raises(update.Stop, match=r"could not go forward: (fatal|error): .*index\.lock.*\n") as stop:
        update.update(mine, DAY)
    assert str(stop.value).endswith(copies)
    assert (kept(mine, "05_forget_gate.ipynb"), kept(mine, "a name with spaces.ipynb")) == ("five, mine", "space, mine")
    assert (read(mine, FIVE), read(mine, SPACE)) == ("five, mine", "space, mine")
    shutil.rmtree(mine / "notebooks" / "mine")
    same = everything(mine) == before
    assert same == (not stays or word == "checkout")
    assert ("Your files are as they were" in str(stop.value)) == same
    assert ("Not all is as it was" in str(stop.value)) != same


@pytest.mark.parametrize("place", ["", "a folder of a clone"])
def test_a_folder_that_is_no_clone_is_named(mine, tmp_path, place):
    folder = mine / place if place else tmp_path / "archive"
    folder.mkdir(exist_ok=True)
    with pytest.raises(update.Stop, match="not a git clone"):
        update.update(folder, DAY)


def test_a_machine_without_git_is_told_so(mine, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(update.Stop, match="git is not installed"):
        update.update(mine, DAY)


def test_plain_git_pull_refuses_and_loses_nothing(published, mine):
    """As the README says."""
    commit(published, "Change 05", {FIVE: "five, new"})
    write(mine, {FIVE: "five, mine"})
    with pytest.raises(subprocess.CalledProcessError):
        git(mine, "pull", "--quiet", "--ff-only")
    assert read(mine, FIVE) == "five, mine"


def test_make_update_runs_it_and_sets_up_again():
    recipe = re.search(r"(?m)^update:\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"))[1]
    assert recipe == "\t@$(PYTHON) tools/update.py\n\t@$(MAKE) --no-print-directory setup\n"


def test_git_ignores_the_folder_of_the_copies():
    assert f"/{update.KEPT}/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert Path(update.KEPT).parent == Path("notebooks")
