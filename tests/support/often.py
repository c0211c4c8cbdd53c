"""Parameters of which only a part runs each time; `make test-full` and continuous integration run the rest."""

from collections.abc import Iterable

import pytest


def one_in(n: int, cases: Iterable) -> list:
    """Parameters: the first of every n cases in each run, the others with `make test-full`."""
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=[pytest.mark.full] if k % n else [])
        for k, case in enumerate(cases)
    ]
