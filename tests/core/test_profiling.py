"""The counts are exact, and the measures are what their names say."""

import runpy

import pytest
import torch
from tracked import ROOT

from lstm_lesson import LSTMCell, speed

a, b = torch.randn(50, 20), torch.randn(20, 30)
growth = runpy.run_path(str(ROOT / "benchmarks" / "growth.py"))
bytes_saved, power_law_exponent = growth["bytes_saved"], growth["power_law_exponent"]


def test_calls_are_counted_without_views_and_wrappers():
    def three_and_one():
        y = (a @ b).t()[None].contiguous()
        y = y + y
        return y.tanh().tanh()

    assert speed.calls(three_and_one) == {"tanh": 2, "mm": 1, "copy_": 1, "add": 1}
    assert next(iter(speed.calls(three_and_one))) == "tanh"


def test_bytes_saved_count_shared_memory_once():
    x = torch.randn(50, 20, requires_grad=True)
    assert bytes_saved(lambda: x.tanh()) == 4 * 50 * 20  # its result
    assert bytes_saved(lambda: x * x.view(50, 20)) == 4 * 50 * 20  # the same memory twice
    assert bytes_saved(lambda: x * x, besides=[x]) == 0
    assert bytes_saved(lambda: x + 1) == 0


def kept(implementation, T, B=4, H=8):
    weights, x, state = LSTMCell(H, H).weights, torch.randn(B, T, H), torch.zeros(B, H)
    return bytes_saved(lambda: implementation(x, state, state, weights), besides=[x, *weights.values()])


def test_the_backward_pass_by_hand_keeps_six_states_a_step():
    assert (kept(speed.by_hand, 128) - kept(speed.by_hand, 64)) == 64 * 6 * (4 * 8 * 4)


def test_no_implementation_makes_more_calls_than_the_one_before():
    weights, x, state = LSTMCell(8, 8).weights, torch.randn(4, 6, 8), torch.zeros(4, 8)
    counts = {
        name: speed.calls(lambda run=run: run(x, state, state, weights)[0].sum().backward())
        for name, run in speed.IMPLEMENTATIONS.items()
    }
    totals = {name: sum(count.values()) for name, count in counts.items()}
    order = ["the readable cell", "without its checks", "gates fused", "inputs hoisted", "backward by hand"]
    assert counts["without its checks"] == counts["the readable cell"]  # a check calls no kernel
    assert [totals[name] for name in order] == sorted(totals[name] for name in order)[::-1]
    assert [counts[name]["mm"] for name in order[:3]] == [6 * 8 + 6 * 12 - 4, 6 * 8 + 6 * 12 - 4, 6 * 2 + 6 * 3 - 1]


@pytest.fixture
def known_seconds(monkeypatch):
    """What a run returns counts as its seconds."""
    monkeypatch.setattr(speed, "timeit", lambda run, number: number * run())
    monkeypatch.setattr(speed, "repeat", lambda run, number, repeat: [number * run() for _ in range(repeat)])


def test_ratios_are_those_of_pairs_one_run_after_the_other(known_seconds):
    beside, other = iter([9.0, 1.0, 2.0, 4.0] * 2), iter([9.0, 3.0, 3.0, 3.0] * 2)
    runs = {"other": lambda: next(other), "another": lambda: 2 * next(other)}
    found = speed.ratios(runs, lambda: next(beside), seconds=0, at_least=3)
    assert found == {"other": [3.0, 1.5, 0.75], "another": [6.0, 3.0, 1.5]}  # the first pair of each warms up


def test_the_fastest_run_counts_and_the_first_does_not(known_seconds):
    seconds = iter([0.1, 3.0, 2.0, 4.0])
    assert speed.fastest(lambda: next(seconds), times=3) == 2.0


def test_the_exponent_of_a_power_law_is_its_power():
    assert power_law_exponent([1, 2, 4], [3, 3 * 2**1.5, 3 * 4**1.5]) == pytest.approx(1.5)


def test_the_profiler_says_nothing_on_stderr(capfd):
    speed.calls(lambda: a @ b)
    assert capfd.readouterr().err == ""
