"""What every test shares: the learner's own progress and downloads stay untouched."""

import os
import tempfile

import torch
from hypothesis import settings

pytest_plugins = ["news_server"]  # the loopback server of the downloads

torch.set_num_threads(1)  # as in the notebooks
settings.register_profile("lesson", deadline=None, print_blob=True)  # a busy machine is no failure
settings.load_profile("lesson")

PRIVATE = {"LSTM_LESSON_PROGRESS": "progress.json", "LSTM_LESSON_CACHE": "cache"}


def pytest_configure(config):
    """Before any worker or notebook kernel starts: they inherit this environment."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    scratch = tempfile.TemporaryDirectory(prefix="lstm-lesson-")
    config.add_cleanup(scratch.cleanup)
    for variable, name in PRIVATE.items():
        config.add_cleanup(_restore(variable))
        os.environ[variable] = os.path.join(scratch.name, name)  # noqa: PTH118


def _restore(variable):
    before = os.environ.get(variable)
    return lambda: os.environ.pop(variable, None) if before is None else os.environ.update({variable: before})
