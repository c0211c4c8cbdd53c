"""The class of notebook 08: right ones in several forms, and what a wrong one is told."""

import re

import pytest
import torch
from answer_cells import CLASS
from cells import run_cell
from torch import nn

from lstm_lesson import check


def checked(source):
    space = {"torch": torch, "nn": nn, "__name__": "__main__"}
    run_cell(source, space)
    return check(space["MyLSTM"])


def test_the_class_is_right_and_kept(tmp_path):
    assert checked(CLASS).message == "`MyLSTM` is correct."
    assert "class MyLSTM" in (tmp_path / "answers" / "MyLSTM.py").read_text()


def test_the_package_s_own_is_right():
    from lstm_lesson.exercises.own_class import MyLSTM

    assert check(MyLSTM).passed


ZEROS, FROM = "x.new_zeros(len(x), self.hidden_size)", "h, c = init_states or "
STATES, PLAIN = f"{FROM}({ZEROS},) * 2", "torch.zeros(len(x), self.hidden_size)"
PARAMETER = "nn.Parameter(torch.empty(input_size, 4 * hidden_size))"
START = "uniform_(weight, -(hidden_size**-0.5), hidden_size**-0.5)"
WRONG = {
    "no tanh on c": ("c.tanh()", "c", "The tanh on `c_t` is missing"),
    "states ignored": (STATES, f"h = c = {ZEROS}", "it always starts from zeros"),
    "c_0 ignored": (STATES, f"h = c = {ZEROS}\n        h = init_states[0] if init_states else h", "c_0"),
    "dtype of the zeros": (STATES, f"{FROM}({PLAIN},) * 2", "float64 raises .*`x[.]new_zeros"),
    "T in the place of B": (STATES, STATES.replace("len(x)", "x.shape[1]"), "float32 raises .*B rows"),
    "three results": ("dim=1), (h, c)", "dim=1), h, c", "has to return"),
    "the sequence alone": ("dim=1), (h, c)", "dim=1)", "has to return"),
    "steps first": ("dim=1), (h, c)", "dim=0), (h, c)", r"\[0\] of shape \(5, 2, 4\)"),
    "no parameters": (PARAMETER, "torch.rand(input_size, 4 * hidden_size)", "Parameter"),
    "normal start": (START, "normal_(weight)", r"largest entry is \d\d/"),
    "narrow start": (START, "uniform_(weight, -0.01, 0.01)", "does not start uniform"),
    "detached h": ("hidden_seq.append(h)", "hidden_seq.append(h)\n            h = h.detach()", "gradient"),
}


@pytest.mark.parametrize(("old", "new", "says"), WRONG.values(), ids=WRONG)
def test_a_wrong_class_is_told_what_is_wrong(old, new, says):
    assert old in CLASS
    result = checked(CLASS.replace(old, new))
    assert result.outcome == "wrong", result
    assert re.search(says, result.message), result.message


def test_a_class_around_pytorchs_own_is_refused():
    source = """class MyLSTM(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.inner = nn.LSTM(input_size, hidden_size, batch_first=True)

    def forward(self, x, init_states=None):
        seq, (h, c) = self.inner(x, None if init_states is None else tuple(s[None].contiguous() for s in init_states))
        return seq, (h[0], c[0])
"""
    assert "write the equations out" in checked(source).message


INIT = "    def __init__(self, input_size, hidden_size):\n        super().__init__()\n"
FORWARD = "    def forward(self, x, init_states=None):\n        raise NotImplementedError\n"


@pytest.mark.parametrize("body", [f"{INIT}        raise NotImplementedError\n\n{FORWARD}", f"{INIT}\n{FORWARD}"])
def test_an_open_class_is_not_attempted(body):
    assert checked(f"class MyLSTM(nn.Module):\n{body}").outcome == "not attempted"


@pytest.mark.parametrize("source", ["class MyLSTM:\n    pass\n", "def MyLSTM(a, b):\n    return None\n"])
def test_what_is_no_module_is_said(source):
    assert not checked(source).passed
