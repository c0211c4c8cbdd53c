"""`record` returns what the model computes, and leaves the model as it was."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from lstm_lesson import CustomLSTM, LSTMCell, RNNCell
from lstm_lesson.cells import Values
from lstm_lesson.gradients import gradient_by_lag
from lstm_lesson.successors import CustomGRU
from lstm_lesson.text.characters import CharacterModel
from lstm_lesson.text.classifiers import TextClassifier
from lstm_lesson.text.saliency import leave_one_out
from lstm_lesson.tracing import Trace, loss_gradient_by_lag, record
from lstm_lesson.training import evaluate, fit, forecasting
from lstm_lesson.training.metrics import bits_on

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
    assert torch.equal(first.h[0], record(copy.deepcopy(model).eval(), ids, lengths=[6, 3]).h[0])
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


def test_a_trace_has_a_list_of_tokens_or_numbers_for_each_sequence():
    padded = [["a"] * 5] * 2  # tokens may stand at padding, too
    assert record(nn.LSTM(3, 4, batch_first=True), torch.randn(2, 5, 3), [5, 3], padded).tokens is padded
    for series in (torch.rand(2, 5), torch.rand(2, 5).numpy()):
        assert record(nn.GRU(3, 4, batch_first=True), torch.randn(2, 5, 3), tokens=series).tokens is series
    for tokens, message in ([["a"]], "tokens has 1 lists; it needs 2"), (["hi", ["b"]], r"tokens\[0\] is 'hi'"):
        with pytest.raises(ValueError, match=message):
            Trace(*torch.rand(6, 2, 5, 4), tokens=tokens)


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
    with pytest.raises(ValueError, match=r"model calls its CustomLSTM 2 times; choose one with call=0 to call=1$"):
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
        (nn.RNN(3, 4), {}, "model is RNN; it needs a module with an LSTM, a GRU or a cell, of torch.nn"),
        (nn.ModuleList([CustomLSTM(3, 4), nn.GRU(3, 4)]), {}, r"name is None; it needs one of \['0', '1'\], the rec"),
        (None, {}, "model is NoneType; it needs a module with"),
        (nn.LSTM, {}, r"model is the class LSTM; it needs an instance: LSTM\(\.\.\.\)"),
        (
            nn.ModuleDict({"a": CustomLSTM(3, 4), "b": CustomGRU(3, 4)}),
            {"name": "c"},
            r"name is 'c'; it needs one of \['a', 'b'\]",
        ),
        (
            nn.LSTM(3, 4, 2),
            {"layer": 2},
            r"layer = 2, reverse = False is not there; LSTM has layers 0 to 1, directions: 1",
        ),
        (nn.GRUCell(3, 4), {"reverse": True}, "GRUCell has layers 0 to 0, directions: 1"),
        (CustomGRU(3, 4), {"layer": 1}, "is not there; CustomGRU has layers 0 to 0"),
        (CustomLSTM(3, 4), {"layer": 1}, "layer = 1, reverse = False is not there"),
        (CustomLSTM(3, 4), {"reverse": True}, "reverse = True is not there"),
        (CustomLSTM(3, 4), {"tokens": [["a"]]}, "tokens has 1 lists; it needs 2"),
        (CustomLSTM(3, 4), {"tokens": ["a text", ["b"]]}, r"tokens\[0\] is 'a text' \(str\); it needs a list of words"),
    ],
)
def test_bad_input_is_named(model, options, message):
    with pytest.raises(ValueError, match=message):
        record(model, torch.randn(2, 5, 3), **options)


@pytest.mark.parametrize("call", [
    lambda: loss_gradient_by_lag(CustomLSTM, torch.randn(2, 5, 3)),
    lambda: gradient_by_lag(LSTMCell, torch.randn(2, 5, 3), (torch.zeros(2, 4), torch.zeros(2, 4))),
    lambda: gradient_by_lag(RNNCell, torch.randn(2, 5, 3), torch.zeros(2, 4)),
    lambda: evaluate(TextClassifier, ([torch.tensor([1, 2])], torch.tensor([0]))),
    lambda: fit(TextClassifier, *[([torch.tensor([1, 2])] * 2, torch.tensor([0, 1]))] * 2),
    lambda: bits_on(CharacterModel, torch.zeros(9, dtype=torch.int64), 1, 4),
    lambda: forecasting.fit(forecasting.Forecaster, torch.randn(90)),
    lambda: leave_one_out(TextClassifier, [torch.tensor([1, 2])], torch.tensor([0])),
])  # fmt: skip
def test_a_class_in_place_of_a_model_is_named(call):
    with pytest.raises(
        ValueError, match=r"(model|step|classifier) is the class (\w+); it needs an instance: \2\(\.\.\.\)"
    ):
        call()


class Translator(nn.Module):
    """An encoder, and a decoder that reads what it wrote last, step by step."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.LSTM(3, 4, 2, batch_first=True, bidirectional=True)
        self.decoder, self.out = nn.LSTMCell(3, 4), nn.Linear(4, 3)

    def forward(self, x, steps=3):
        _, (h_n, c_n) = self.encoder(x)
        state, word, words = (h_n[2] + h_n[3], c_n[2] + c_n[3]), x[:, -1], []
        for _ in range(steps):
            state = self.decoder(word, state)
            word = self.out(state[0])
            words.append(word)
        return torch.stack(words, dim=1)


CHANGES = {  # what happens to the state between two steps of a loop: h and c before and after the step -> h, c
    "none": lambda _h, _c, h, c: (h, c),
    "zoneout": lambda _h, _c, h, c: (0.1 * _h + 0.9 * h, 0.2 * _c + 0.8 * c),
    "norm": lambda _h, _c, h, c: (nn.functional.layer_norm(h, (4,)), c),
    "norm of c": lambda _h, _c, h, c: (h, nn.functional.layer_norm(c, (4,))),
    "clipped in place": lambda _h, _c, h, c: (h.clamp_(-0.01, 0.01), c),
    "c in place": lambda _h, _c, h, c: (h, c.mul_(0.9)),
    "reset in place": lambda _h, _c, h, c: (h.zero_(), c.zero_()),
    "into the old": lambda _h, _c, h, c: (_h.copy_(h), _c.copy_(c)),
    "into their data": lambda _h, _c, h, c: (_h.data.copy_(h), _c.data.copy_(c)),
}


class Changing(nn.Module):
    """A loop that changes the state of its cell, or of an LSTM or GRU that it gives one step at a time."""

    def __init__(self, cell, change):
        super().__init__()
        self.cell, self.change = cell, CHANGES[change]

    def forward(self, x):
        is_cell = isinstance(self.cell, (nn.LSTMCell, nn.GRUCell, LSTMCell))
        h, c = (torch.zeros(*[1] * (not is_cell), len(x), 4) for _ in range(2))
        for t in range(x.shape[1]):
            given = (h, c) if "LSTM" in type(self.cell).__name__ else h
            got = self.cell(x[:, t], given) if is_cell else self.cell(x[:, t : t + 1], given)[1]
            h, c = self.change(h, c, *(got if isinstance(got, tuple) else (got, got.clone())))
        return h


STEPPED = [
    nn.LSTMCell(3, 4),
    LSTMCell(3, 4),
    nn.LSTM(3, 4, batch_first=True),
    nn.GRUCell(3, 4),
    nn.GRU(3, 4, batch_first=True),
]


@pytest.mark.parametrize("cell", STEPPED, ids=lambda cell: type(cell).__module__ + "." + type(cell).__name__)
@pytest.mark.parametrize("change", CHANGES)
def test_steps_are_joined_if_the_state_is_handed_on_as_it_is_and_else_the_error_says_so(change, cell):
    model, x = Changing(cell, change), torch.randn(2, 7, 3, generator=torch.Generator().manual_seed(0))
    joined = change in ("none", "into the old", "into their data") or ("c" in change.split() and "GRU" in str(cell))
    if joined:
        plain = Changing(cell, "none")
        trace, expected = record(model, x), record(plain, x)
        assert all(torch.equal(one, other) for one, other in zip(trace, expected, strict=True))
        if "data" not in change:  # which cuts the graph
            for one, other in zip(*(torch.stack([*loss_gradient_by_lag(m, x)]) for m in (model, plain)), strict=True):
                assert torch.allclose(one, other, rtol=1e-5)
        return
    says = r"its \w+ 7 times; choose one with call=0 to call=6\. Steps are joined .* returned; zoneout or a norm betw"
    for read in (record, loss_gradient_by_lag):
        with pytest.raises(ValueError, match=says):
            read(model, x)
    assert record(model, x, call=3).h.shape == (2, 1, 4)


class Siamese(nn.Module):
    """Reads two sequences with one cell, and compares them."""

    def __init__(self, cell=None):
        super().__init__()
        self.cell = cell or nn.GRUCell(3, 4)

    def read(self, x, keep=None):
        h = x.new_zeros(len(x), 4)
        for t in range(x.shape[1]):
            new = self.cell(x[:, t], h)
            h = new if keep is None else torch.where(keep[:, t, None], new, h)
        return h

    def forward(self, x, y, keep=None):
        return self.read(x, keep) - self.read(y)


def test_one_of_several_is_chosen_by_name_and_its_calls_by_number():
    torch.manual_seed(0)
    model, x, y = Translator(), torch.randn(2, 5, 3), torch.randn(2, 7, 3)
    with pytest.raises(ValueError, match=r"name is None; it needs one of \['encoder', 'decoder'\]"):
        record(model, x)
    trace = record(model, x, name="decoder", inputs={"steps": 6})
    assert trace.h.shape == (2, 6, 4) and torch.allclose(model.out(trace.h), model(x, 6), atol=1e-6)
    first = record(model, x, name="encoder", reverse=True)
    assert torch.allclose(first.h[:, 0], model.encoder.eval()(x)[1][0][1], atol=1e-6)
    siamese = Siamese()
    with pytest.raises(ValueError, match="model calls its GRUCell 2 times"):
        record(siamese, (x, y))
    assert torch.allclose(record(siamese, (x, y), call=1).h[:, -1], siamese.read(y), atol=1e-6)
    assert record(siamese, (x, y), call=0).h.shape == (2, 5, 4) and record(siamese, (x, y), call=1).h.shape == (2, 7, 4)


def test_a_loop_that_keeps_the_state_of_padded_sequences_is_one_call():
    torch.manual_seed(0)
    model, x, y, keep = (
        Siamese(),
        torch.randn(2, 5, 3),
        torch.randn(2, 7, 3),
        torch.arange(5) < torch.tensor([[5], [2]]),
    )
    trace = record(model, (x, y, keep), [5, 2], call=0)
    assert torch.allclose(trace.h[1, :2], record(model, (x[1:, :2], y), call=0).h[0], atol=1e-6)
    assert trace.h[1, 2:].isnan().all() and torch.allclose(trace.h[0, -1], model.read(x)[0], atol=1e-6)


def test_the_values_of_a_classifier_with_nn_lstm_are_those_of_ours():
    torch.manual_seed(0)
    theirs = TextClassifier(10, 3, 4, lstm=nn.LSTM(3, 4, batch_first=True), dropout=0.5)
    ours = copy.deepcopy(theirs)
    ours.lstm = CustomLSTM.from_torch(theirs.lstm)
    ids, lengths = torch.randint(1, 10, (3, 6)), [6, 1, 3]
    pair = [record(model, ids, lengths, [["w"] * length for length in lengths]) for model in (theirs, ours)]
    assert all(torch.allclose(a, b, atol=1e-6, equal_nan=True) for a, b in zip(*pair, strict=True))
    assert pair[0].lengths.tolist() == lengths and pair[0].h[1, 1:].isnan().all()
    for x, inputs in (((ids, lengths), {}), ((), {"ids": ids, "lengths": lengths}), (ids, {"lengths": lengths})):
        again = record(theirs, x, lengths, inputs=inputs)  # the model has them already
        assert all(torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(again, pair[0], strict=True))


def test_wrapped_models_are_run_without_their_wrapper():
    torch.manual_seed(0)
    inner, x = nn.Sequential(nn.Linear(3, 3), nn.GRUCell(3, 4)), torch.randn(2, 3)
    expected = record(inner, x)
    graphs = []

    def backend(graph, _inputs):
        graphs.append(graph)
        return graph.forward

    part = nn.Sequential(inner[0], torch.compile(inner[1], backend=backend))
    whole, in_place = torch.compile(inner, backend=backend), copy.deepcopy(inner)
    in_place.compile(backend=backend)
    for model in (part, whole, in_place):
        model(x)  # compiled before a hook is there
    before = len(graphs)
    for model in (part, whole, in_place, nn.DataParallel(inner)):
        assert all(torch.equal(a, b) for a, b in zip(record(model, x), expected, strict=True))
    assert len(graphs) == before > 0


def test_a_hook_may_look_at_the_output_and_may_not_change_it():
    model, x, seen = nn.LSTM(3, 4, batch_first=True), torch.randn(2, 5, 3), []
    expected = record(model, x)
    model.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    model.register_forward_hook(lambda _module, _inputs, output: (output[0].double(), output[1]))
    assert torch.equal(record(model, x).c, expected.c) and len(seen) == 1
    model.register_forward_hook(lambda _module, _inputs, output: (0 * output[0], output[1]))
    for look in (record, loss_gradient_by_lag):
        with pytest.raises(ValueError, match="model has a hook that changes what its LSTM returns; remove it first"):
            look(model, x)


class Stateful(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.state = nn.LSTM(3, 4, batch_first=True), None
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("steps", torch.zeros(()))

    def forward(self, x):
        hidden_seq, self.state = self.lstm(x, self.state)
        self.calls, self.noise = self.calls + 1, torch.randn(())
        self.steps += x.shape[1]  # in place
        return hidden_seq


def test_what_a_model_keeps_between_calls_and_the_random_numbers_come_back():
    model, x, before = Stateful(), torch.randn(2, 5, 3), torch.get_rng_state()
    first, second = record(model, x), record(model, x)
    loss_gradient_by_lag(model, x, lambda hidden_seq: hidden_seq.sum())
    assert torch.equal(first.h, second.h) and torch.equal(torch.get_rng_state(), before)
    assert model.state is None and model.calls == model.steps == 0 and not hasattr(model, "noise")


def test_lengths_in_another_order_than_the_model_packs_are_refused():
    lstm, x = nn.LSTM(3, 4, batch_first=True), torch.randn(2, 5, 3)
    packed = pack_padded_sequence(x, [5, 3], batch_first=True)
    assert record(lstm, packed, [5, 3]).lengths.tolist() == record(lstm, packed).lengths.tolist() == [5, 3]
    with pytest.raises(ValueError, match=r"lengths is \[3, 5\], but the model sorts its sequences to \[5, 3\]"):
        record(lstm, packed, lengths=[3, 5])

    class Sorts(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = lstm

        def forward(self, x, lengths):
            lengths, order = lengths.sort(descending=True)
            return self.lstm(pack_padded_sequence(x[order], lengths, batch_first=True))[1][0]

    with pytest.raises(ValueError, match=r"lengths is \[3, 5\], but the model sorts its sequences to \[5, 3\]"):
        record(Sorts(), (x, torch.tensor([3, 5])))
    assert record(Sorts(), (x, torch.tensor([5, 3]))).lengths.tolist() == [5, 3]


def test_at_the_last_state_of_a_cell_the_gradient_is_that_of_gradient_by_lag():
    torch.manual_seed(0)
    lstm, x, zeros = CustomLSTM(3, 4).double(), torch.randn(2, 5, 3).double(), torch.zeros(2, 4).double()
    nn_gru = nn.GRU(3, 4, batch_first=True).double()
    gru = CustomGRU.from_torch(nn_gru)
    for model in (lstm, lstm.to_torch()):
        found = loss_gradient_by_lag(model, x, lambda output: output[0][:, -1].sum() / 2)
        expected = gradient_by_lag(lstm.cells[0], x, (zeros, zeros))
        assert all((a - b).abs().max() <= 1e-15 for a, b in zip(found, expected, strict=True))
        assert all(weight.grad is None for weight in model.parameters())
    for model in (gru, nn_gru):
        found = loss_gradient_by_lag(model, x, lambda output: output[0][:, -1].sum() / 2)
        assert (found - gradient_by_lag(gru.cells[0], x, zeros)).abs().max() <= 1e-15
    found = loss_gradient_by_lag(Siamese(gru.cells[0]), (x, x[:, :2]), lambda apart: apart.sum() / 2, call=0)
    assert (found - gradient_by_lag(gru.cells[0], x, zeros)).abs().max() <= 1e-15
    padded = loss_gradient_by_lag(lstm, x, lambda output: output[1][0].sum() / 2, lengths=[5, 3])
    shorter = gradient_by_lag(lstm.cells[0], x[1:, :3], (zeros[1:], zeros[1:]))
    packed = pack_padded_sequence(x, [5, 3], batch_first=True)
    for found in (padded, loss_gradient_by_lag(lstm.to_torch(), packed, lambda output: output[1][0].sum() / 2)):
        for a, b in zip(found, shorter, strict=True):
            assert (a[1, :4] - b[0]).abs().max() <= 1e-15 and a[1, 4:].isnan().all()


def nudged(lstm, x, lengths, place=None, by=None):
    """The outputs and last h of nn.LSTM, in a loop of its own; `by` is added to h and c at place = (k, b, step)."""
    D, given, last = 1 + lstm.bidirectional, x, []
    for k, (W_x, W_h, b_x, b_h) in enumerate(lstm.all_weights):
        rows = []
        for b, length in enumerate(lengths):
            h, c, shown = (
                torch.zeros(1, 4).double(),
                torch.zeros(1, 4).double(),
                [torch.zeros(1, 4).double()] * x.shape[1],
            )
            for step in range(length + 1):
                by_h, by_c = by if place == (k, b, step) else (0.0, 0.0)
                if step:
                    t = length - step if k % D else step - 1
                    z = x[b : b + 1, t] @ W_x.t() + h @ W_h.t() + b_x + b_h
                    i, f, g, o = z.chunk(4, dim=1)
                    c = f.sigmoid() * c + i.sigmoid() * g.tanh() + by_c
                    h = o.sigmoid() * c.tanh() + by_h
                else:
                    h, c = h + by_h, c + by_c
                if step:
                    shown[t] = h
            rows.append(torch.stack(shown, dim=1))
            last.append(h)
        given = [*(given if k % D else []), torch.cat(rows)]
        x = torch.cat(given, dim=-1) if k % D == D - 1 else x
    return x, torch.cat(last)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("layer", [0, 1])
def test_the_gradient_is_the_slope_that_small_changes_of_a_state_show(layer, reverse):
    torch.manual_seed(0)
    lstm, x, lengths = (
        nn.LSTM(3, 4, 2, batch_first=True, bidirectional=True).double(),
        torch.randn(2, 4, 3).double(),
        [4, 2],
    )
    weights = torch.randn(2, 4, 8).double()

    def loss(hidden_seq, last):
        return ((hidden_seq * weights).sum() + last.square().sum()).sin()

    def of_output(output):
        return loss(nn.utils.rnn.pad_packed_sequence(output[0], batch_first=True)[0], output[1][0])

    packed = pack_padded_sequence(x, lengths, batch_first=True)
    found = loss_gradient_by_lag(lstm, packed, of_output, layer=layer, reverse=reverse)
    k, step = 2 * layer + reverse, 1e-6
    with torch.no_grad():
        for part in (0, 1):
            for b, length in enumerate(lengths):
                for lag in range(length + 1):
                    slopes = []
                    for unit in torch.eye(4).double():
                        by = torch.zeros(2, 1, 4).double()
                        by[part] = step * unit
                        up, down = (
                            loss(*nudged(lstm, x, lengths, (k, b, length - lag), sign * by)) for sign in (1, -1)
                        )
                        slopes.append((up - down) / (2 * step))
                    assert abs(torch.stack(slopes).norm() - found[part][b, lag]) <= 1e-8
                assert found[part][b, length + 1 :].isnan().all()


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda output: output[0], r"loss gives shape \(2, 5, 4\).*; it needs a torch.Tensor with one number"),
        (lambda output: 1.0, "loss gives type float; it needs"),
        (lambda output: output[0].detach().sum(), "loss has no gradient; it needs to come from the model's output"),
    ],
)
def test_a_loss_without_a_gradient_is_refused(loss, message):
    with pytest.raises(ValueError, match=message):
        loss_gradient_by_lag(nn.LSTM(3, 4, batch_first=True), torch.randn(2, 5, 3), loss)


def test_the_gradient_of_a_decoder_goes_through_what_it_wrote_and_needs_no_gradient_of_weights():
    torch.manual_seed(0)
    model, x = Translator().requires_grad_(False), torch.randn(2, 5, 3)
    at_h, at_c = loss_gradient_by_lag(model, x, lambda words: words[:, -1].square().mean(), name="decoder")
    assert at_h.shape == at_c.shape == (2, 4) and (at_h > 0).all()
    at_h, _ = loss_gradient_by_lag(model, x, lambda words: words[:, -1].square().mean(), name="encoder", layer=1)
    assert at_h.shape == (2, 6) and (at_h > 0).all() and model.training


class Remembers(nn.Module):
    """Writes into a tensor that is neither a parameter nor a buffer."""

    def __init__(self):
        super().__init__()
        self.lstm, self.last = nn.LSTM(3, 4, batch_first=True), torch.zeros(4)

    def forward(self, x):
        hidden_seq, (h_n, _) = self.lstm(x)
        self.last.copy_(h_n[0, 0])
        return hidden_seq


def test_what_a_model_writes_into_its_tensors_is_undone():
    model = Remembers()
    record(model, torch.randn(2, 5, 3))
    assert model.last.eq(0).all()


def test_a_model_that_has_no_shapes_yet_is_refused_and_a_part_of_a_trace_has_no_tokens():
    with pytest.raises(ValueError, match="parameters without a shape; it needs one call"):
        record(nn.Sequential(nn.LazyLinear(3), nn.LSTM(3, 4, batch_first=True)), torch.randn(2, 5, 2))
    trace = record(nn.GRU(3, 4, batch_first=True), torch.randn(2, 5, 3), tokens=[["a"] * 5] * 2)
    changed = trace._replace(h=trace.h + 1)
    assert trace.tokens and changed.tokens is None and changed.lengths is None


class Steps(nn.Module):
    """Reads x, or the words of ids, step by step with a cell, or with a layer of one step at a time."""

    def __init__(self, cell=None, backwards=False, before=None):
        super().__init__()
        self.cell, self.backwards, self.before = cell or nn.LSTMCell(3, 4), backwards, before or nn.Identity()

    def forward(self, x):
        x, state, layer = self.before(x), None, not isinstance(self.cell, (nn.LSTMCell, nn.GRUCell, LSTMCell))
        for t in reversed(range(x.shape[1])) if self.backwards else range(x.shape[1]):
            state = self.cell(x[:, t : t + 1] if layer else x[:, t], state)
            state = state[1] if layer else state
        return state[0] if isinstance(state, tuple) else state


class Turned(nn.Module):
    """Reads x, or what `before` makes of it, turned round."""

    def __init__(self, lstm, before=None, first=False):
        super().__init__()
        self.lstm, self.before, self.first = lstm, before or nn.Identity(), first

    def forward(self, x):
        x = self.before(x.flip(1)) if self.first else self.before(x).flip(1)
        return self.lstm(x)[0]


class Hidden(Steps):
    def forward(self, x):
        return super().forward(torch.relu(x) + 1)


def by_hand(cell, x, backwards=False):
    """h (B, T, H) of a cell that reads x (B, T, N), in the order of time."""
    state, shown = None, [None] * x.shape[1]
    for t in reversed(range(x.shape[1])) if backwards else range(x.shape[1]):
        state = cell(x[:, t], state)
        shown[t] = state[0] if isinstance(state, tuple) else state
    return torch.stack(shown, dim=1).detach()


@pytest.mark.parametrize("kind", [nn.LSTMCell, nn.GRUCell, LSTMCell])
@pytest.mark.parametrize("way", ["x", "embedding", "relu", "float64", "T = B"])
def test_a_loop_that_reads_backwards_needs_reverse_and_is_in_the_order_of_time(kind, way):
    torch.manual_seed(0)
    dtype, ids = torch.float64 if way == "float64" else torch.float32, torch.randint(10, (2, 5))
    cell, embedding = kind(3, 4).to(dtype), nn.Embedding(10, 3)
    x = torch.randn(5 if way == "T = B" else 2, 5, 3, dtype=dtype)
    model = Hidden(cell, True) if way == "relu" else Steps(cell, True, embedding if way == "embedding" else None)
    read = {"relu": torch.relu(x) + 1, "embedding": embedding(ids).detach()}.get(way, x)
    given = ids if way == "embedding" else x
    with pytest.raises(
        ValueError, match=r"reverse = False is not there.*from the last step to the first: pass reverse=True"
    ):
        record(model, given)
    tokens = [list("abcde")] * len(x)
    trace = record(model, given, tokens=tokens, reverse=True)
    assert torch.allclose(trace.h, by_hand(cell, read, True), atol=1e-6) and trace.tokens is tokens
    model.backwards = False
    with pytest.raises(ValueError, match="reverse = True is not there"):
        record(model, given, reverse=True)
    assert torch.allclose(record(model, given).h, by_hand(cell, read), atol=1e-6)


def test_a_loop_over_a_sequence_that_is_the_same_from_both_ends_reads_backwards_too():
    model, x = Steps(backwards=True), torch.zeros(2, 5, 3)
    with pytest.raises(ValueError, match="from the last step to the first"):
        record(model, x)
    assert torch.allclose(record(model, x, reverse=True).h, by_hand(model.cell, x, True), atol=1e-6)

    class TurnedTwice(Steps):
        def forward(self, x):
            return super().forward(x.flip(1))

    x = torch.randn(2, 5, 3)
    again = TurnedTwice(model.cell, True)
    assert torch.allclose(record(again, x).h, by_hand(model.cell, x), atol=1e-6)


def test_a_loop_whose_direction_nothing_shows_is_in_the_order_of_its_calls():
    torch.manual_seed(0)
    cell = nn.LSTMCell(3, 4)

    class Away(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = cell

        def forward(self, x):
            state = None
            for t in reversed(range(5)):
                state = self.cell(x[:, t].tanh(), state)
            return state[0]

    x = torch.randn(2, 5, 3)
    there, back = record(Away(), x), record(Away(), x, reverse=True)
    assert torch.allclose(back.h, by_hand(cell, x.tanh(), True), atol=1e-6) and torch.equal(there.h.flip(1), back.h)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, CustomLSTM])
def test_a_layer_that_reads_its_sequence_turned_round_needs_reverse(kind, first):
    torch.manual_seed(0)
    lstm, embedding = kind(3, 4, **({} if kind is CustomLSTM else {"batch_first": True})), nn.Embedding(10, 3)
    ids = torch.randint(10, (2, 5))
    model = Turned(lstm, nn.Sequential(embedding, nn.Dropout(0.5)), first)
    with pytest.raises(ValueError, match=r"is not there.*from the last step to the first: pass reverse=True"):
        record(model, ids)
    trace = record(model, ids, reverse=True)
    assert torch.allclose(trace.h.flip(1), lstm(embedding(ids).flip(1))[0], atol=1e-6)
    with pytest.raises(ValueError, match=r"lengths is \[5, 3\]; the .* reads padding before true steps"):
        record(model, ids, lengths=[5, 3], reverse=True)


def test_one_sequence_with_time_first_that_is_turned_round_is_seen():
    torch.manual_seed(0)
    lstm, embedding, ids = nn.LSTM(3, 4), nn.Embedding(10, 3), torch.randint(10, (5, 1))

    class First(Turned):
        def forward(self, x):
            return self.lstm(self.before(x).flip(0))[0]

    model = First(lstm, embedding)
    with pytest.raises(ValueError, match="from the last step to the first"):
        record(model, ids)
    assert torch.allclose(record(model, ids, reverse=True).h[0], model(ids).flip(0)[:, 0], atol=1e-6)


def test_without_a_loss_the_gradient_starts_at_the_last_true_h_of_the_layer():
    torch.manual_seed(0)
    lstm, x = nn.LSTM(3, 4, 2, batch_first=True), torch.randn(2, 5, 3)
    for layer in (0, 1):
        at_h, at_c = loss_gradient_by_lag(lstm, x, lengths=[5, 3], layer=layer)
        for b, n in enumerate((5, 3)):
            own_h, own_c = loss_gradient_by_lag(
                lstm, x[b : b + 1, :n], lambda out, k=layer: out[1][0][k].sum(), layer=layer
            )
            assert torch.allclose(at_h[b, : n + 1], own_h[0], atol=1e-6) and at_h[b, 0] == 2
            assert torch.allclose(at_c[b, : n + 1], own_c[0], atol=1e-6) and at_c[b, n + 1 :].isnan().all()
    packed = pack_padded_sequence(x, [5, 3], batch_first=True)
    found = loss_gradient_by_lag(nn.GRU(3, 4, batch_first=True, bidirectional=True), packed, reverse=True)
    assert found[:, 0].tolist() == [2, 2] and found[1, 4:].isnan().all()


def test_a_packed_batch_that_was_turned_within_its_lengths_is_turned_back():
    torch.manual_seed(0)

    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(3, 4, batch_first=True)

        def forward(self, x, lengths):
            x = torch.stack([torch.cat([row[:n].flip(0), row[n:]]) for row, n in zip(x, lengths, strict=True)])
            return self.lstm(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))[1][0]

    model, x, lengths = Pair(), torch.randn(3, 6, 3), [3, 6, 1]
    with pytest.raises(ValueError, match="from the last step to the first"):
        record(model, x, lengths)
    trace = record(model, x, lengths, reverse=True)
    for b, n in enumerate(lengths):
        alone = model.lstm(x[b : b + 1, :n].flip(1))[0].flip(1)
        assert torch.allclose(trace.h[b, :n], alone[0], atol=1e-6) and trace.h[b, n:].isnan().all()


@pytest.mark.parametrize("options", [{}, {"num_layers": 2}, {"num_layers": 2, "bidirectional": True}])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, CustomLSTM])
def test_a_layer_that_is_called_step_by_step_makes_one_call(kind, options):
    torch.manual_seed(0)
    layer, x = kind(3, 4, **({} if kind is CustomLSTM else {"batch_first": True}), **options), torch.randn(2, 5, 3)
    model, state, shown = Steps(layer), None, []
    for t in range(5):
        output, state = layer(x[:, t : t + 1], state)
        shown.append(output)
    last = options.get("num_layers", 1) - 1
    assert torch.allclose(record(model, x, layer=last).h, torch.cat(shown, dim=1)[..., :4], atol=1e-6)
    if kind is not nn.GRU and not options:
        model.backwards = True
        with pytest.raises(ValueError, match="from the last step to the first"):
            record(model, x)
        model.backwards = False
        found = loss_gradient_by_lag(model, x, lambda h: h.sum())
        expected = loss_gradient_by_lag(layer, x, lambda output: output[0][:, -1].sum())
        assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(found, expected, strict=True))


def test_the_weights_that_are_not_finite_are_named_also_in_a_loop():
    for value in (float("nan"), float("inf")):
        for model in (
            nn.Sequential(nn.LSTM(3, 4, batch_first=True)),
            Steps(nn.LSTMCell(3, 4)),
            Steps(nn.GRUCell(3, 4)),
        ):
            name, weight = next(iter(model.named_parameters()))
            weight.data.fill_(value)
            with pytest.raises(ValueError, match=f"NaN or infinity; it needs finite numbers in {name}"):
                record(model, torch.randn(2, 5, 3))
            with pytest.raises(ValueError, match=f"NaN or infinity; it needs finite numbers in {name}"):
                loss_gradient_by_lag(model, torch.randn(2, 5, 3), lambda output: torch.zeros(()))


def test_a_gradient_that_is_nan_is_refused():
    with pytest.raises(ValueError, match="loss has a gradient that is NaN"):
        loss_gradient_by_lag(nn.GRU(3, 4, batch_first=True), torch.randn(2, 5, 3), lambda o: (0 * o[0]).sum().sqrt())


def test_lengths_that_the_module_never_had_are_refused_where_it_reads_the_padding_first():
    torch.manual_seed(0)
    lstm, x = nn.LSTM(3, 4, 2, batch_first=True, bidirectional=True), torch.randn(2, 5, 3)
    for choice in ({"reverse": True}, {"layer": 1}, {"layer": 1, "reverse": True}):
        with pytest.raises(ValueError, match=r"lengths is \[5, 3\]; the LSTM reads padding before true steps"):
            record(lstm, x, [5, 3], **choice)
        with pytest.raises(ValueError, match="reads padding before true steps"):
            loss_gradient_by_lag(lstm, x, lambda output: output[0].sum(), [5, 3], **choice)
        assert record(lstm, x, [5, 5], **choice).lengths.tolist() == [5, 5]
    assert record(lstm, x, [5, 3]).h[1, 3:].isnan().all()  # the first steps have read no padding
    ours = CustomLSTM.from_torch(lstm)
    assert record(ours, x, [5, 3], reverse=True).h[1, 3:].isnan().all()


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 4, batch_first=True)

    def forward(self, *, ids, mask=None):
        return self.lstm(ids if mask is None else ids * mask)[0]


def test_arguments_may_be_given_by_name_alone():
    model, x = Named(), torch.randn(2, 5, 3)
    assert torch.equal(record(model, inputs={"ids": x}).h, record(model.lstm, x).h)
    assert torch.equal(record(model, inputs={"ids": x, "mask": 2}).h, record(model.lstm, 2 * x).h)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.parametrize("convert", [
    lambda lstm, x: torch.jit.script(lstm), lambda lstm, x: torch.jit.trace(lstm, x),
    lambda lstm, x: torch.export.export(lstm, (x,)).module(),
    lambda lstm, x: torch.ao.quantization.quantize_dynamic(nn.Sequential(lstm), {nn.LSTM}),
])  # fmt: skip
def test_a_converted_model_is_refused_and_the_error_says_what_to_take(convert):
    lstm, x = nn.LSTM(3, 4, batch_first=True), torch.randn(2, 5, 3)
    try:
        model = convert(lstm, x)
    except ValueError as error:
        pytest.skip(f"this torch does not convert an nn.LSTM: {error}")
    with pytest.raises(ValueError, match=r"model is .* of this package, before it is quantised, scripted or exported"):
        record(model, x)


@pytest.mark.parametrize(
    ("x", "has"),
    [
        (torch.zeros(2, 5, 3).numpy(), "type ndarray"), (torch.zeros(2, 5, 3).tolist(), "type list"), (5, "type int"),
        ("text", "type str"), (torch.zeros(2, 0, 3), r"shape \(2, 0, 3\)"), ({"x": 1}, "type dict"),
        (None, "type NoneType"), ((torch.zeros(2, 0, 3),), r"shape \(2, 0, 3\)"), (([[0.0]], None), "type list"),
    ],
)  # fmt: skip
def test_an_x_that_is_no_tensor_or_is_empty_is_named_if_the_model_fails(x, has):
    for model in (nn.LSTM(3, 4, batch_first=True), nn.GRU(3, 4, batch_first=True), CustomLSTM(3, 4)):
        with pytest.raises(ValueError, match=f"x has {has}.*; it needs a tensor without empty dimensions: "):
            record(model, x)


def test_an_empty_batch_is_recorded():
    for model in (nn.LSTM(3, 4, batch_first=True), CustomLSTM(3, 4), Steps(), Steps(nn.GRU(3, 4, batch_first=True))):
        assert record(model, torch.zeros(0, 5, 3)).h.shape == (0, 5, 4)
        for loss in (None, lambda output: torch.ones((), requires_grad=True)):
            with pytest.raises(ValueError, match="x has no sequence; it needs one or more"):
                loss_gradient_by_lag(model, torch.zeros(0, 5, 3), loss)


@pytest.mark.parametrize(
    ("tokens", "lengths", "message"),
    [
        ("text", None, r"tokens is 'text' \(str\); it needs a list of words"),
        (5, None, r"tokens is 5 \(int\)"),
        ([["a"] * 5], None, "tokens has 1 lists; it needs 2, one a sequence"),
        ([["a"] * 5, ["b"] * 4], None, r"tokens\[1\] has 4 entries; it needs 5, one a step"),
        ([["a"] * 5, ["b"] * 4], [5, 3], r"tokens\[1\] has 4 entries; it needs 3, one a step"),
        (torch.zeros(2, 4), None, r"tokens\[0\] has 4 entries; it needs 5"),
    ],
)
def test_tokens_that_do_not_fit_are_refused_where_they_are_given(tokens, lengths, message):
    with pytest.raises(ValueError, match=message):
        record(nn.LSTM(3, 4, batch_first=True), torch.randn(2, 5, 3), lengths, tokens)


def test_under_inference_mode_a_trace_is_the_same_and_a_loss_is_refused_by_name():
    torch.manual_seed(0)
    for model in (nn.LSTM(3, 4, batch_first=True), CustomLSTM(3, 4), Steps(), Steps(nn.GRU(3, 4, batch_first=True))):
        x = torch.randn(2, 5, 3)
        expected = record(model, x)
        with torch.inference_mode():
            inside, made = record(model, x), x.clone()
            with pytest.raises(ValueError, match=r"outside torch.inference_mode"):
                loss_gradient_by_lag(model, x, lambda o: (o if isinstance(o, torch.Tensor) else o[0]).sum())
        assert torch.equal(inside.h, expected.h) and torch.equal(record(model, made).h, expected.h)


def test_a_copied_and_a_compiled_loop_is_read_like_the_loop():
    torch.manual_seed(0)
    model, x = Steps(nn.LSTMCell(3, 4), backwards=True), torch.randn(2, 5, 3)
    expected = record(model, x, reverse=True)
    for other in (copy.deepcopy(model), torch.compile(model, backend="eager"), nn.DataParallel(model)):
        assert torch.equal(record(other, x, reverse=True).h, expected.h)
