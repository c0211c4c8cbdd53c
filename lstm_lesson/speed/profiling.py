"""The cost of a computation: calls, and time relative to another computation."""

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping

import torch

# Operations that only allocate memory or make views, and those that only call other operations.
NO_WORK = {"_reshape_alias", "_to_copy", "_unsafe_view", "alias", "as_strided", "chunk", "clone", "contiguous",
           "detach", "empty", "empty_like", "empty_strided", "expand", "flatten", "full_like", "lift_fresh",
           "linear", "matmul", "narrow", "new_empty", "new_full", "new_ones", "new_zeros", "numpy_T", "ones_like",
           "permute", "reshape", "resolve_conj", "resolve_neg", "select", "slice", "split", "squeeze", "stack", "t",
           "to", "transpose", "unbind", "unsqueeze", "view", "zeros", "zeros_like"}  # fmt: skip

MATMULS = {"addmm", "addmm_", "baddbmm", "bmm", "mm"}


def calls(function: Callable[[], object]) -> dict[str, int]:
    """How often each kernel of torch is called while `function` runs, the most frequent first.

    `torch.profiler` counts. Views, allocations of memory and operations that only call others are left out.
    """
    function()  # the first call may do more than the later ones
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)  # some builds of the profiler write to the stderr of the process
    try:
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
            function()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
    names = (event.name.removeprefix("aten::") for event in profile.events() if event.name.startswith("aten::"))
    return dict(Counter(name for name in names if name not in NO_WORK).most_common())


def ratios(
    runs: Mapping[str, Callable[[], object]], beside: Callable[[], object], seconds: float = 2.0, at_least: int = 3
) -> dict[str, list[float]]:
    """The time of each function in `runs`, divided by the time of `beside`; the two run in turn, as one pair.

    Each function gets an equal part of `seconds`, and at least `at_least` pairs after one warm-up pair.
    The pairs of one function are measured before the next function's: mixed runs would disturb each other's caches.
    """
    found = {}
    for name, run in runs.items():
        run(), beside()
        found[name], end = [], time.perf_counter() + seconds / len(runs)
        while time.perf_counter() < end or len(found[name]) < at_least:
            found[name].append(_seconds(run) / _seconds(beside))
    return found


def fastest(function: Callable[[], object], times: int = 5) -> float:
    """The seconds of the fastest of several runs, which was disturbed least; a first run is not counted."""
    function()
    return min(_seconds(function) for _ in range(times))


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
