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

from lstm_lesson import LSTMCell, examine
from lstm_lesson.exercises.subject import tensors
from lstm_lesson.layers import lstm

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


def test_what_is_missing_is_said():
    assert "as many weights as a GRU" in examine(nn.GRU).message
    assert "nothing is carried" in examine(nn.Linear).message
    assert "ValueError: no" in examine(Raises).message
    assert "returns str" in examine(ReturnsText).message
    assert "97280 weights" in examine(nn.LSTM(60, 128)).message


def test_it_is_shown_with_its_mark():
    result = examine(nn.LSTM)
    assert repr(result).startswith("✅ It is an LSTM") and "  \n" in result._repr_markdown_()
    assert repr(examine(int)).startswith("❌")
