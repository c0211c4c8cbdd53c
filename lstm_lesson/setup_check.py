"""The set-up check: versions of the packages, and whether our LSTM equals PyTorch's on this machine."""

import platform
import re
from dataclasses import dataclass
from importlib import metadata

import torch
from torch import nn

from lstm_lesson.layers import CustomLSTM
from lstm_lesson.parity import differences

NEEDS = ("torch", "numpy", "matplotlib", "ipywidgets", "ipython")
OPTIONAL = {"jupyterlab": "not installed; Colab and VS Code do without it"}
LIMIT = 1e-12


@dataclass(frozen=True)
class Report:
    """The result of the check: `lines` to read, and `complete`, whether the lessons can run."""

    lines: tuple[str, ...]
    complete: bool

    def __str__(self) -> str:
        return "\n".join(self.lines)

    __repr__ = __str__  # a notebook shows the lines


def report() -> Report:
    """Check the versions of the packages that the lessons need, and whether our LSTM equals `torch.nn.LSTM` here.

    >>> "torch" in str(report())
    True
    """
    lines, complete = [f"Python {platform.python_version()}"], True
    for name in NEEDS:
        line, fits = _package(name)
        lines.append(line)
        complete &= fits
    for name, without in OPTIONAL.items():
        lines.append(f"{name} {_version(name) or without}")
    difference = lstm_difference()
    equal = difference <= LIMIT
    lines.append(f"our LSTM equals torch.nn.LSTM: {'yes' if equal else 'NO'} (largest difference {difference:.0e})")
    complete = complete and equal
    lines.append("All set." if complete else "Not ready: see the lines that say NO, missing or too old.")
    return Report(tuple(lines), complete)


def lstm_difference() -> float:
    """The largest difference between a small LSTM of ours and PyTorch's, outputs and gradients, in float64."""
    with torch.random.fork_rng(devices=[]):  # the check changes no random numbers of the notebook
        torch.manual_seed(0)
        theirs = nn.LSTM(3, 5, batch_first=True).double()
        x = torch.randn(2, 7, 3, dtype=torch.float64)
        return max(differences(CustomLSTM.from_torch(theirs), theirs, x).values())


def _package(name: str) -> tuple[str, bool]:
    """One line about a package, and whether it is installed in a version that the lessons can use."""
    version, least = _version(name), _least_version(name)
    if version is None:
        return f'{name} is missing: pip install "{name}>={least}"', False
    if _numbers(version) < _numbers(least):
        return f'{name} {version} is too old: pip install "{name}>={least}"', False
    return f"{name} {version}", True


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _least_version(name: str) -> str:
    """The lowest version that the metadata of lstm-lesson allows."""
    for requirement in metadata.requires("lstm-lesson") or ():
        if match := re.match(rf"{name}\s*>=\s*([\d.]+)", requirement):
            return match[1]
    return "0"


def _numbers(version: str) -> list[int]:
    return [int(n) for n in re.findall(r"\d+", version.split("+")[0])[:3]]
