"""The set-up check: versions of the packages, and whether our LSTM equals PyTorch's on this machine."""

import platform
from importlib import metadata
from typing import NamedTuple

import torch
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from torch import nn

from lstm_lesson.layers import CustomLSTM
from lstm_lesson.parity import differences

NEEDS = ("torch", "numpy", "matplotlib", "ipywidgets", "ipython")


class Report(NamedTuple):
    """The result of the check: `lines` to read, and `complete`, whether the lessons can run."""

    lines: tuple[str, ...]
    complete: bool

    def __repr__(self) -> str:  # a notebook shows the lines
        return "\n".join(self.lines)


def report() -> Report:
    """Check the versions of the packages that the lessons need, and whether our LSTM equals `torch.nn.LSTM` here."""
    packages = [_package(name) for name in NEEDS]
    lab = f"jupyterlab {_version('jupyterlab') or 'not installed; Colab and VS Code do without it'}"
    difference = lstm_difference()
    equal = difference <= 1e-12
    same = f"our LSTM equals torch.nn.LSTM: {'yes' if equal else 'NO'} (largest difference {difference:.0e})"
    complete = equal and all(fits for _, fits in packages)
    end = "All set." if complete else "Not ready: see the lines that say NO, missing or too old."
    lines = f"Python {platform.python_version()}", *(line for line, _ in packages), lab, same, end
    return Report(lines, complete)


def lstm_difference() -> float:
    """The largest difference between a small LSTM of ours and PyTorch's, outputs and gradients, in float64."""
    with torch.random.fork_rng(devices=[]):  # the check changes no random numbers of the notebook
        torch.manual_seed(0)
        theirs = nn.LSTM(3, 5, batch_first=True).double()
        x = torch.randn(2, 7, 3, dtype=torch.float64)
        return max(differences(CustomLSTM.from_torch(theirs), theirs, x).values())


def _package(name: str) -> tuple[str, bool]:
    """One line about a package, and whether it is installed in a version that the lessons can use."""
    needed = map(Requirement, metadata.requires("lstm-lesson") or ())
    allowed = next((one.specifier for one in needed if one.name == name), SpecifierSet())
    version = _version(name)
    if version is None:
        return f'{name} is missing: pip install "{name}{allowed}"', False
    if not allowed.contains(version, prereleases=True):
        return f'{name} {version} is too old: pip install "{name}{allowed}"', False
    return f"{name} {version}", True


def _version(name: str) -> str | None:
    return next((found.version for found in metadata.distributions(name=name)), None)
