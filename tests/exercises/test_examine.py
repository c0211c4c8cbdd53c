"""`examine`: the verdict on classes in many conventions, and on what is no LSTM at all."""

import itertools
import re
import sys
import time

import pytest
import torch
from answers import edited
from lstm_classes import (
    RIGHT,
    VARIANTS,
    WRONG,
    Float32Only,
    KeywordOnly,
    NoTanh,
    SwappedGates,
    TwelveParameters,
    TwoLinears,
    TwoMistakes,
)
from more_lstm_classes import MORE_RIGHT, MORE_WRONG, LongSignature, TwoPeepholes
from torch import nn

from lstm_lesson import CustomLSTM, LSTMCell, examine
from lstm_lesson.exercises.sandbox import Sandbox
from lstm_lesson.exercises.subject import Subject, tensors
from lstm_lesson.layers import lstm
from lstm_lesson.successors import CustomGRU

ARGUMENTS = {KeywordOnly: ((), {"n_in": 2, "n_hidden": 3}), TwoLinears: ((3, 2), {}), LongSignature: (("a", 2, 3), {})}


def instance_of(cls):
    """An instance with N = 2 and H = 3, in float64."""
    ordered, named = ARGUMENTS.get(cls, ((2, 3), {}))
    made = cls(*ordered, **named)
    if not isinstance(made, nn.Module):
        return made
    return made.to(torch.float32 if cls is Float32Only else torch.float64).eval()


def weights_read(module, places) -> dict:
    """The weights, read out of a module where `examine` says that they stand."""
    held, weights = dict(tensors(module)), {}
    for name, place in places.items():
        parts = (re.fullmatch(r"([^\[]+?)(\[.*\])?(\.T)?", part).groups("") for part in place.split(" + "))
        total = sum(eval(f"t{index}{turned}", {"t": held[tensor]}) for tensor, index, turned in parts)
        weights[name] = total.reshape(3) if name[0] == "b" else total
    return {f"b_{k}": torch.zeros(3, dtype=weights["W_xi"].dtype) for k in "ifco"} | weights


@pytest.fixture
def float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("cls", RIGHT + MORE_RIGHT, ids=lambda cls: cls.__name__)
def test_a_right_class_passes_and_its_weights_are_found(cls, float64):
    result = examine(cls)
    assert result.passed and result.kind == "LSTM" and not result.edits, result
    rounding = 1e-12 if "float32" not in result.message else 1e-5
    assert max(result.differences.values()) < rounding
    if "in no block" not in str(result.weights):
        module, x, zeros = instance_of(cls), torch.randn(4, 6, 2), torch.zeros(4, 3)
        weights = {k: w.double() for k, w in weights_read(module, result.weights).items()}
        seq = lstm(x, zeros, zeros, weights)[0]
        torch.testing.assert_close(cls.sequence(module, x).double(), seq, rtol=0, atol=rounding)


@pytest.mark.parametrize("cls", [*VARIANTS, TwoPeepholes], ids=lambda cls: cls.__name__)
def test_a_variant_is_named_and_is_not_pytorchs_lstm(cls):
    result = examine(cls)
    assert result.kind == VARIANTS.get(cls, "LSTM with peepholes") and not result.passed, result
    assert max(result.differences.values()) < 1e-12


SLOW = ("LastStepMissing", "SigmoidCandidate", "SharedState", "StateWeightOnInput", "OldPeephole", "OutputFromMemory",
        "TwoMistakes", "TanhGates", "ReluCandidate")  # fmt: skip


def marked(cls):
    """A class as a parameter: one of those that take longest runs with `make test-full`, the others in every run."""
    return pytest.param(cls, marks=[pytest.mark.full] if cls.__name__ in SLOW else [])


@pytest.mark.parametrize("cls", [marked(cls) for cls in (*WRONG, *MORE_WRONG)], ids=lambda cls: cls.__name__)
def test_the_cause_in_a_wrong_class_is_named(cls):
    result = examine(cls)
    assert not result.passed
    assert (WRONG | MORE_WRONG)[cls] in result.message, result


@pytest.mark.parametrize(
    "cls", [marked(cls) for cls in (NoTanh, SwappedGates, TwoMistakes)], ids=lambda cls: cls.__name__
)
def test_the_edits_give_the_model_answer_what_the_wrong_class_returns(cls, float64):
    result, module = examine(cls), instance_of(cls)
    x, zeros = torch.randn(4, 6, 2), torch.zeros(4, 3)
    seq = edited("lstm", result.edits)(x, zeros, zeros, weights_read(module, result.weights))[0]
    torch.testing.assert_close(module(x)[0], seq, rtol=0, atol=1e-12)


def test_the_cause_that_is_found_does_not_depend_on_the_time_that_the_search_takes(monkeypatch):
    monkeypatch.setattr(time, "process_time", itertools.count(0, 100).__next__)
    assert examine(NoTanh).edits and examine(TwoMistakes).edits


def test_blocks_are_found_in_pytorchs_order_and_in_an_instance():
    result = examine(nn.LSTM(5, 8))
    assert result.passed and result.order == "ifgo"
    assert result.weights["W_xf"] == "weight_ih_l0[8:16].T"
    assert result.weights["b_o"] == "bias_ih_l0[24:32] + bias_hh_l0[24:32]"


@pytest.mark.full
def test_full_peepholes_at_eight_units_take_less_than_ten_seconds():
    start = time.process_time()
    assert examine(LSTMCell(8, 8, peephole="full")).kind == "LSTM with full peepholes"
    assert time.process_time() - start < 10


def test_a_module_made_by_torchscript_passes():
    assert examine(torch.jit.script(TwelveStacked(2, 3))).passed


class TwelveStacked(nn.Module):
    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.W, self.U = (nn.Parameter(torch.randn(n, 4 * hidden_size)) for n in (input_size, hidden_size))

    def forward(self, x: torch.Tensor, hx: torch.Tensor, cx: torch.Tensor):
        seq = torch.jit.annotate(list[torch.Tensor], [])
        for t in range(x.size(0)):
            i, f, g, o = (x[t] @ self.W + hx @ self.U).chunk(4, 1)
            cx = torch.sigmoid(f) * cx + torch.sigmoid(i) * torch.tanh(g)
            hx = torch.sigmoid(o) * torch.tanh(cx)
            seq.append(hx)
        return torch.stack(seq), (hx, cx)


def test_the_module_keeps_its_parameters_mode_and_gradients():
    module = TwelveParameters(2, 3)
    module(torch.randn(2, 3, 2))[0].sum().backward()
    before = {k: (p.clone(), p.grad.clone()) for k, p in module.named_parameters()}
    assert examine(module).passed and module.training
    for k, p in module.named_parameters():
        assert torch.equal(p, before[k][0]) and torch.equal(p.grad, before[k][1]) and p.dtype == torch.float32


class Raises(nn.Module):
    def __init__(self, *sizes):
        raise ValueError("no")


class Endless(nn.Module):
    def __init__(self, *sizes):
        while True:
            pass


class Exits(nn.Module):
    def __init__(self, *sizes):
        sys.exit(1)


class Returns(nn.Module):
    value = None

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.layer = nn.Linear(input_size, hidden_size)

    def forward(self, x):
        print("text")
        return self.value


class ReturnsText(Returns):
    value = "text"


class ReturnsNaN(Returns):
    def forward(self, x):
        return self.layer(x) * float("nan")


class ChangesTorch(nn.LSTM):
    def forward(self, *arguments):
        torch.manual_seed(0)
        torch.set_default_dtype(torch.float16)
        torch.set_grad_enabled(False)
        return super().forward(*arguments)


class Unreadable:
    def __getattr__(self, name):
        raise RuntimeError(name)

    def __call__(self, *arguments):
        raise RuntimeError("call")


NO_LSTM = [
    int, 5, None, "x", str, print, object(), Unreadable(), lambda: 1, Raises, Endless, Exits, Returns, ReturnsText,
    ReturnsNaN, ChangesTorch, nn.Linear, nn.GRU, nn.GRUCell, nn.RNN, nn.MultiheadAttention, nn.LazyLinear,
    nn.Identity,
    nn.LSTM(60, 128), nn.LSTM(2, 3, num_layers=2), nn.LSTM(2, 3, bidirectional=True),
]  # fmt: skip


def state_of_torch():
    return torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads(), torch.get_rng_state().tolist()


@pytest.mark.parametrize("thing", NO_LSTM, ids=[f"{k} {type(thing).__name__}" for k, thing in enumerate(NO_LSTM)])
def test_anything_else_gets_a_verdict_and_disturbs_nothing(thing, capsys):
    before, start = state_of_torch(), time.process_time()
    result = examine(thing)
    assert not result.passed and result.message and result.kind in ("not an LSTM", "cannot be called")
    assert state_of_torch() == before and time.process_time() - start < 10
    assert capsys.readouterr().out == ""


class GRUByHand(nn.Module):
    """All gates side by side; a bias of the gates, and none of the candidate's state."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        shapes = (input_size, 3 * hidden_size), (hidden_size, 3 * hidden_size), (3 * hidden_size,)
        self.W, self.U, self.b = (nn.Parameter(torch.randn(shape)) for shape in shapes)

    def forward(self, x):
        h, hidden_seq = x.new_zeros(len(x), len(self.U)), []
        for x_t in x.unbind(1):
            (x_r, x_z, x_g), (h_r, h_z, h_g) = (x_t @ self.W + self.b).chunk(3, 1), (h @ self.U).chunk(3, 1)
            r, z = (x_r + h_r).sigmoid(), (x_z + h_z).sigmoid()
            h = z * h + (1 - z) * (x_g + r * h_g).tanh()
            hidden_seq.append(h)
        return torch.stack(hidden_seq, 1), h


class GRUOfLinears(nn.Module):
    """As in the paper: the reset gate stands before the matrix."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.r, self.z, self.g = (nn.Linear(input_size + hidden_size, hidden_size) for _ in range(3))

    def forward(self, x):
        h, hidden_seq = x.new_zeros(len(x), self.hidden_size), []
        for x_t in x.unbind(1):
            r, z = (layer(torch.cat([x_t, h], 1)).sigmoid() for layer in (self.r, self.z))
            h = (1 - z) * h + z * self.g(torch.cat([x_t, r * h], 1)).tanh()
            hidden_seq.append(h)
        return torch.stack(hidden_seq, 1)


def test_what_is_missing_is_said():
    for gru in (nn.GRU, wrapper(kind=nn.GRU), wrapper(kind=nn.GRU, bias=False), GRUByHand, GRUOfLinears, CustomGRU):
        assert "as many weights as a GRU. `" in examine(gru).message
    assert "as many weights as an RNN. `" in examine(nn.RNN).message
    assert "nothing is carried" in examine(nn.Linear).message
    assert "ValueError: no" in examine(Raises).message
    assert "returns str" in examine(ReturnsText).message
    assert "97280 weights" in examine(nn.LSTM(60, 128)).message


# More than one layer in one direction ------------------------------------------------------------------------------


def subclass(**options):
    class Sub(nn.LSTM):
        def __init__(self, input_size, hidden_size):
            super().__init__(input_size, hidden_size, **options)

    return Sub


def wrapper(returns=lambda hidden_seq, states: hidden_seq, kind=nn.LSTM, **options):
    class Wrapper(nn.Module):
        def __init__(self, input_size, hidden_size):
            super().__init__()
            self.lstm, self.norm = kind(input_size, hidden_size, **options), nn.LayerNorm(hidden_size)

        def forward(self, x):
            return returns(*self.lstm(x))

    return Wrapper


class Cells(nn.Module):
    """Layers of PyTorch's cells, step by step; `read` is what of x a loop reads, `give` what it returns."""

    layers = 1

    def __init__(self, input_size, hidden_size):
        super().__init__()
        sizes = [input_size] + [hidden_size] * (self.layers - 1)
        self.cells = nn.ModuleList(nn.LSTMCell(size, hidden_size) for size in sizes)
        self.hidden_size = hidden_size

    def read(self, x):
        return x.unbind(1)

    def give(self, hidden_seq, states):
        return torch.stack(hidden_seq, dim=1), states

    def forward(self, x):
        hidden_seq = self.read(x)
        for cell in self.cells:
            state, steps, hidden_seq = (x.new_zeros(len(x), self.hidden_size),) * 2, hidden_seq, []
            for x_t in steps:
                state = cell(x_t, hx=state)
                hidden_seq.append(state[0])
        return self.give(hidden_seq, state)


class TwoCells(Cells):
    layers = 2


class TwoByHand(TwelveParameters):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.upper = TwelveParameters(hidden_size, hidden_size)

    def forward(self, x):
        return self.upper(super().forward(x)[0])


LAYERS, BOTH, PROJECTION = "`num_layers=2`", "`bidirectional=True`", "`proj_size=2`"
SEVERAL = {
    "a subclass": (subclass(num_layers=2, batch_first=True), LAYERS),
    "a subclass, steps first": (subclass(num_layers=2), LAYERS),
    "a subclass with dropout": (subclass(num_layers=2, dropout=0.5), LAYERS),
    "a subclass without biases": (subclass(num_layers=2, bias=False), LAYERS),
    "a subclass of three": (subclass(num_layers=3), "`num_layers=3`"),
    "both directions": (subclass(bidirectional=True), BOTH),
    "both directions, batch first": (subclass(bidirectional=True, batch_first=True), BOTH),
    "both, twice": (subclass(bidirectional=True, num_layers=2), "`num_layers=2, bidirectional=True`"),
    "a projection": (subclass(proj_size=2), PROJECTION),
    "an instance": (nn.LSTM(4, 5, 2), LAYERS),
    "an instance of ours": (CustomLSTM(2, 3, 2), LAYERS),
    "an instance of ours, both directions": (CustomLSTM(2, 3, bidirectional=True), BOTH),
    "a wrapper": (wrapper(num_layers=2, batch_first=True), LAYERS),
    "a wrapper that returns the last state": (
        wrapper(lambda seq, states: states[0][-1], num_layers=2, batch_first=True), LAYERS),
    "a wrapper that returns the states of all layers": (wrapper(lambda seq, states: states, num_layers=2), LAYERS),
    "a wrapper, both directions": (wrapper(bidirectional=True), BOTH),
    "a wrapper with a projection": (wrapper(proj_size=2), PROJECTION),
    "cells": (TwoCells, LAYERS),
    "by hand, with one bias": (TwoByHand, LAYERS),
}  # fmt: skip


@pytest.mark.parametrize("case", SEVERAL)
def test_what_has_more_than_one_layer_in_one_direction_is_told_so(case):
    thing, words = SEVERAL[case]
    result = examine(thing)
    assert result.kind == "not an LSTM" and "is no LSTM of one layer" in result.message
    assert f"as many weights as an LSTM with {words}" in result.message or f" or an LSTM with {words}" in result.message
    assert "one layer in one direction, without a projection" in result.message
    assert "Without effect" not in result.message and "steps where" not in result.message


@pytest.mark.parametrize("thing", [wrapper(), wrapper(batch_first=True), Cells, subclass(), subclass(bias=False)])
def test_one_layer_in_a_subclass_a_wrapper_or_cells_passes(thing):
    assert examine(thing).passed


def test_without_effect_is_said_of_what_has_none():
    result = examine(wrapper())
    assert "Without effect: `norm.weight` and `norm.bias`" in result.message
    last = examine(wrapper(lambda seq, states: states[0][-1], bidirectional=True, batch_first=True))
    assert "read from its end" in last.message and "Without effect: `lstm.weight_ih_l0`, " in last.message


# Steps that are left out ---------------------------------------------------------------------------------------------


def cells(read=Cells.read, give=Cells.give):
    return type("Steps", (Cells,), {"read": read, "give": give})


def sequence(self, hidden_seq, states):
    return torch.stack(hidden_seq, dim=1)


STEPS = {
    "the last, sequence alone": (cells(lambda s, x: x.unbind(1)[:-1], sequence), "6 steps where x has 7"),
    "the first, sequence alone": (cells(lambda s, x: x.unbind(1)[1:], sequence), "6 steps where x has 7"),
    "every second, sequence alone": (cells(lambda s, x: x.unbind(1)[::2], sequence), "4 steps where x has 7"),
    "the first": (cells(lambda s, x: x.unbind(1)[1:]), "6 steps where x has 7"),
    "of what is returned": (cells(give=lambda s, seq, c: (torch.stack(seq[:-1], 1), c)), "6 steps where x has 7"),
    "of a list": (cells(give=lambda s, seq, c: seq[:-1]), "6 steps where x has 7"),
    "of a list with states": (cells(give=lambda s, seq, c: (seq[:-1], c)), "6 steps where x has 7"),
    "one too many": (cells(give=lambda s, seq, c: (torch.stack([seq[0], *seq], 1), c)), "8 steps where x has 7"),
    "of long sequences": (
        cells(lambda s, x: x.unbind(1)[:7], sequence),
        "with B = 2 and T = 11 it has to return (2, 11, 3), and returns (2, 7, 3): 7 steps where x has 11.",
    ),
    "the last, with zeros in its place": (
        cells(lambda s, x: x.unbind(1)[:-1], lambda s, seq, c: torch.stack([*seq, 0 * c[0]], 1)),
        "Of the steps 0 to 2 it does not read 2.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", STEPS)
def test_steps_that_are_left_out_are_counted(case):
    thing, words = STEPS[case]
    result = examine(thing)
    assert not result.passed and words in result.message, result
    assert "NotUnderstood" not in result.message and "subject(" not in result.message


class FailsAtOneStep(TwelveParameters):
    def forward(self, x):
        if x.shape[1] == 1:
            raise IndexError("no step before the last")
        return super().forward(x)


def test_the_line_that_raises_is_one_of_the_class():
    message = examine(FailsAtOneStep).message
    assert "right for some sizes" in message and "IndexError: no step before the last" in message
    assert 'In your line `raise IndexError("no step before the last")`' in message


def test_a_cell_of_pytorch_with_states_of_another_rank_does_not_end_the_process():
    """`nn.LSTMCell(3, 3)` of x (3,) and states (3, 3) would."""
    for thing in (cells(lambda s, x: x.unbind(1)[:-1], sequence), cells(lambda s, x: x.unbind(1)[:-1], sequence)(3, 3)):
        assert not examine(thing).passed
    cell = nn.LSTMCell(3, 3)
    Subject(cell, 3, 3, Sandbox())
    for given in ({"hx": (torch.zeros(3, 3),) * 2}, {}):
        with pytest.raises(ValueError, match=r"LSTMCell gets shapes \[\(3,\), \(3, 3\), \(3, 3\)\]"):
            cell(torch.zeros(3), *([] if given else [(torch.zeros(3, 3),) * 2]), **given)


def test_it_is_shown_with_its_mark():
    result = examine(nn.LSTM)
    assert repr(result).startswith("✅ It is an LSTM") and "  \n" in result._repr_markdown_()
    assert repr(examine(int)).startswith("❌")
