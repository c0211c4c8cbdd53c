"""`record` returns what the model computes, and leaves the model as it was."""

import copy
import pickle

import pytest
import torch
from torch import nn

from lstm_lesson import CustomLSTM
from lstm_lesson.cells import Values
from lstm_lesson.successors import CustomGRU
from lstm_lesson.tracing import record

NAMES = "ifgoch"


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 3)
        self.dropout = nn.Dropout(0.5)
        self.lstm = CustomLSTM(3, 4)
        self.out = nn.Linear(4, 2)

    def forward(self, ids, lengths=None):
        _, (h_n, _) = self.lstm(self.dropout(self.embedding(ids)), lengths=lengths)
        return self.out(h_n)


def test_the_recorded_values_obey_the_equations_and_end_in_the_models_output():
    torch.manual_seed(0)
    model, x = CustomLSTM(3, 4).double(), torch.randn(2, 5, 3, dtype=torch.float64)
    trace = record(model, x)
    hidden_seq, (_, c_n) = model(x)
    assert all(getattr(trace, name).shape == (2, 5, 4) for name in NAMES)
    assert (trace.h - hidden_seq).abs().max() <= 1e-12
    assert (trace.c[:, -1] - c_n).abs().max() <= 1e-12
    c_prev = torch.cat([torch.zeros(2, 1, 4, dtype=torch.float64), trace.c[:, :-1]], dim=1)
    assert torch.allclose(trace.c, trace.f * c_prev + trace.i * trace.g, atol=1e-15)
    assert torch.allclose(trace.h, trace.o * torch.tanh(trace.c), atol=1e-15)
    assert not trace.h.requires_grad


def test_a_classifier_is_recorded_without_dropout_and_left_as_it_was():
    torch.manual_seed(0)
    model, ids = Classifier(), torch.randint(10, (2, 6))
    model.lstm.eval()  # one module in evaluation mode, the others in training mode
    first, second = (
        record(model, ids, lengths=[6, 3]),
        record(model, ids, lengths=[6, 3], tokens=[["a"] * 6, ["b"] * 3]),
    )
    assert torch.equal(first.h[0], second.h[0])
    assert second.tokens == [["a"] * 6, ["b"] * 3]
    assert second.lengths.tolist() == [6, 3]
    assert model.training
    assert not model.lstm.training
    assert not model.lstm.cells[0]._forward_hooks


def test_a_trace_is_the_values_of_every_step_and_can_be_copied_and_pickled():
    trace = record(CustomLSTM(3, 4), torch.randn(2, 5, 3), lengths=[5, 2], tokens=[["a"] * 5, ["b"] * 2])
    assert isinstance(trace, Values) and trace._fields == tuple(NAMES)
    for again in (copy.deepcopy(trace), pickle.loads(pickle.dumps(trace))):
        assert all(torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(again, trace, strict=True))
        assert again.tokens == trace.tokens and again.lengths.tolist() == [5, 2]


def test_the_values_of_a_gru_are_recorded_in_the_same_way():
    torch.manual_seed(0)
    model, x = CustomGRU(3, 4).double(), torch.randn(2, 5, 3, dtype=torch.float64)
    trace, cell = record(model, x, tokens=[["a"] * 5, ["b"] * 5]), model.cells[0]
    assert trace._fields == ("r", "z", "g", "h") and trace.tokens[1] == ["b"] * 5
    assert (trace.h - model(x)[0]).abs().max() <= 1e-12
    h_prev = torch.cat([torch.zeros(2, 1, 4, dtype=torch.float64), trace.h[:, :-1]], dim=1)
    assert torch.allclose(trace.h, trace.z * h_prev + (1 - trace.z) * trace.g, atol=1e-15)
    assert torch.allclose(trace.r, torch.sigmoid(x @ cell.W_xr + h_prev @ cell.W_hr + cell.b_r), atol=1e-15)
    again = pickle.loads(pickle.dumps(trace))
    assert torch.equal(again.r, trace.r) and again.tokens == trace.tokens
    assert not cell._forward_hooks


def test_padded_steps_are_nan():
    trace = record(Classifier(), torch.randint(10, (2, 6)), lengths=[6, 3])
    for name in NAMES:
        values = getattr(trace, name)
        assert values[1, 3:].isnan().all()
        assert not values[1, :3].isnan().any()
        assert not values[0].isnan().any()


@pytest.mark.parametrize("reverse", [False, True])
def test_layer_and_direction_choose_the_cell(reverse):
    torch.manual_seed(0)
    model, x = CustomLSTM(3, 4, num_layers=2, bidirectional=True).double(), torch.randn(2, 5, 3, dtype=torch.float64)
    hidden_seq, _ = model(x)
    trace = record(model, x, layer=1, reverse=reverse)
    assert (trace.h - (hidden_seq[..., 4:] if reverse else hidden_seq[..., :4])).abs().max() <= 1e-12


class Twice(nn.Module):
    """Reads x, and then what it has read, with one LSTM."""

    def __init__(self, times=2):
        super().__init__()
        self.lstm, self.times = CustomLSTM(4, 4), times

    def forward(self, x):
        for _ in range(self.times):
            x = self.lstm(x)[0]
        return x


def test_of_several_calls_one_has_to_be_chosen():
    model, x = Twice(), torch.randn(2, 5, 4)
    with pytest.raises(ValueError, match=r"model calls its CustomLSTM 2 times; choose one with call=0 to call=1"):
        record(model, x)
    first, second = record(model, x, call=0), record(model, x, call=1)
    assert first.h.shape == (2, 5, 4) and torch.allclose(second.h, model(x), atol=1e-6)
    assert torch.allclose(record(model.lstm, first.h).h, second.h, atol=1e-6)
    assert not model.lstm._forward_pre_hooks and not model.lstm.cells[0]._forward_hooks


@pytest.mark.parametrize("call", [2, -1, True, "first"])
def test_a_call_that_was_not_made_is_named(call):
    with pytest.raises(ValueError, match=rf"call is {call!r}; it needs a whole number from 0 to 1"):
        record(Twice(), torch.randn(2, 5, 4), call=call)


def test_a_model_that_never_calls_its_lstm_is_refused():
    aside = Twice(times=0)
    around = Twice()
    around.forward = lambda x: around.lstm.forward(x)  # beside the module's own call
    for model in (aside, around):
        with pytest.raises(ValueError, match=r"model does not call its CustomLSTM.*self\.lstm\(x\)"):
            record(model, torch.randn(2, 5, 4))


def test_a_failing_model_is_left_as_it_was():
    model = Classifier()
    with pytest.raises(ValueError, match="lengths has entries from 0"):
        record(model, torch.randint(10, (2, 6)), lengths=[6, 0])
    assert model.training
    assert not model.lstm.cells[0]._forward_hooks


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (nn.RNN(3, 4), {}, "model is RNN with 0 recurrent modules; it needs a module that has an LSTM, a GRU"),
        (nn.ModuleList([CustomLSTM(3, 4), nn.GRU(3, 4)]), {}, r"model has 2 recurrent modules.* one of \['0', '1'\]"),
        (None, {}, "model is NoneType with 0 recurrent modules"),
        (
            nn.ModuleDict({"a": CustomLSTM(3, 4), "b": CustomGRU(3, 4)}),
            {"name": "c"},
            r"name is 'c'; it needs one of \['a', 'b'\]",
        ),
        (nn.LSTM(3, 4, 2), {"layer": 2}, r"layer = 2, reverse = False is not there; the LSTM has 2 layers and 1"),
        (nn.GRUCell(3, 4), {"reverse": True}, "the GRUCell has 1 layers and 1 direction"),
        (CustomGRU(3, 4), {"layer": 1}, "is not there; the CustomGRU has 1 layers"),
        (CustomLSTM(3, 4), {"layer": 1}, "layer = 1, reverse = False is not there"),
        (CustomLSTM(3, 4), {"reverse": True}, "reverse = True is not there"),
        (CustomLSTM(3, 4), {"tokens": [["a"]]}, "tokens has 1 lists; it needs 2"),
        (CustomLSTM(3, 4), {"tokens": ["a text", ["b"]]}, r"tokens\[0\] is 'a text' \(str\); it needs a list of words"),
    ],
)
def test_bad_input_is_named(model, options, message):
    with pytest.raises(ValueError, match=message):
        record(model, torch.randn(2, 5, 3), **options)
