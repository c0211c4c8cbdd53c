"""The set-up check says what is installed, what is missing and what to type, and its exit status agrees."""

import runpy
import subprocess
import sys

import pytest
import torch

from lstm_lesson import setup_check


def test_the_check_is_complete_where_everything_is_installed():
    found = setup_check.report()
    assert found.complete
    assert found.lines[-1] == "All set."
    assert f"torch {setup_check.metadata.version('torch')}" in found.lines
    assert any(line.startswith("our LSTM equals torch.nn.LSTM: yes") for line in found.lines)


def test_a_missing_package_is_named_with_the_line_to_type(monkeypatch):
    there = setup_check._version
    monkeypatch.setattr(setup_check, "_version", lambda name: None if name == "matplotlib" else there(name))
    found = setup_check.report()
    assert not found.complete
    needed = next(line for line in setup_check.metadata.requires("lstm-lesson") if line.startswith("matplotlib"))
    assert f'matplotlib is missing: pip install "{needed}"' in found.lines
    assert found.lines[-1].startswith("Not ready")


def test_a_package_that_is_too_old_is_named(monkeypatch):
    there = setup_check._version
    monkeypatch.setattr(setup_check, "_version", lambda name: "7.6.9" if name == "ipywidgets" else there(name))
    found = setup_check.report()
    assert not found.complete
    assert any(line.startswith("ipywidgets 7.6.9 is too old") for line in found.lines)


@pytest.mark.parametrize(
    ("version", "fits"),
    [("2.7.1", False), ("2.8", True), ("2.13.0+cpu", True), ("2.13.1rc1", True), ("10.0", True), ("2.8.0rc1", False)],
)
def test_versions_are_compared_as_numbers(version, fits, monkeypatch):
    monkeypatch.setattr(setup_check, "_version", lambda name: version)
    assert setup_check._package("torch")[1] is fits


def test_jupyterlab_may_be_missing(monkeypatch):
    there = setup_check._version
    monkeypatch.setattr(setup_check, "_version", lambda name: None if name == "jupyterlab" else there(name))
    found = setup_check.report()
    assert found.complete
    assert any(line.startswith("jupyterlab not installed") for line in found.lines)


@pytest.mark.parametrize("difference", [1e-3, float("nan")])
def test_an_lstm_that_differs_is_not_ready(monkeypatch, difference):
    monkeypatch.setattr(setup_check, "lstm_difference", lambda: difference)
    found = setup_check.report()
    assert not found.complete
    assert any("NO" in line for line in found.lines)


def test_the_check_leaves_the_random_numbers_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    setup_check.report()
    assert torch.equal(torch.get_rng_state(), before)


def test_the_command_exits_with_0_if_everything_is_installed():
    run = subprocess.run([sys.executable, "-m", "lstm_lesson"], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout.splitlines()[-1], run.stderr) == (0, "All set.", "")


def test_the_command_exits_with_1_if_a_package_is_missing(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["lstm_lesson"])
    monkeypatch.setattr(setup_check, "NEEDS", (*setup_check.NEEDS, "no-such-package"))
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("lstm_lesson", run_name="__main__")
    assert ended.value.code == 1
    assert "no-such-package is missing" in capsys.readouterr().out
