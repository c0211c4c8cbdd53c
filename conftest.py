"""What every test shares: the learner's own progress, downloads and files stay untouched and are no part of it."""

import gc
import os
import tempfile
from pathlib import Path

from hypothesis import settings
from nbval.plugin import IPyNbCell
from stored_notebook import is_folded, unfolded
from tracked import ROOT, ours

pytest_plugins = ["news_server", "shared_browser"]  # fixtures: a server for the downloads, a browser

settings.register_profile("lesson", deadline=None, print_blob=True)  # a busy machine is no failure
settings.load_profile("lesson")

PRIVATE = {"LSTM_LESSON_PROGRESS": "progress.json", "LSTM_LESSON_CACHE": "cache", "LSTM_LESSON_BOARD": "board"}


def pytest_configure(config):
    """Before any worker or notebook kernel starts: they inherit this environment."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    scratch = tempfile.TemporaryDirectory(prefix="lstm-lesson-")
    config.add_cleanup(scratch.cleanup)
    for variable, name in PRIVATE.items():
        config.add_cleanup(_restore(variable))
        os.environ[variable] = os.path.join(scratch.name, name)  # noqa: PTH118


def pytest_ignore_collect(collection_path, config):
    """Leave out what git does not track, a learner's own notebook for one, unless the command names it."""
    named = {Path(config.invocation_params.dir, argument.split("::")[0]).resolve() for argument in config.args}
    path = collection_path.resolve()
    return True if path.is_file() and not ours(path) and path not in named else None


def pytest_collection_modifyitems(items):
    """nbval compares what a cell prints with what is stored: without the fold around an answer."""
    for item in items:
        if isinstance(item, IPyNbCell) and item.cell.get("outputs") and is_folded(item.cell):
            item.cell.outputs = [unfolded(item.cell.outputs[0])]


def pytest_collection():
    """The collected tests stay until the end, so the garbage collector need not look at them again and again."""
    import torch  # not at the top: the process that only deals out the tests does without

    torch.set_num_threads(1)  # as in the notebooks
    gc.disable()


def pytest_collection_finish():
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_terminal_summary(terminalreporter, config):
    """Say what was left out: a new test that was not yet added to git must not pass unseen."""
    found = (path for folder in config.getini("testpaths") for path in (ROOT / folder).rglob("*.*"))
    left_out = sorted(path.name for path in found if path.suffix in (".ipynb", ".py") and not ours(path))
    if left_out:
        terminalreporter.write_line(f"Not in git, so left out unless named: {', '.join(left_out)}")


def _restore(variable):
    before = os.environ.get(variable)
    return lambda: os.environ.pop(variable, None) if before is None else os.environ.update({variable: before})
