"""`gate_report` measures what was put into small models by hand, leaves the model alone, and names what is wrong."""

import math
from dataclasses import dataclass
from itertools import repeat

import browser
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune, spectral_norm, weight_norm
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset

from lstm_lesson.explorers import GateInspector
from lstm_lesson.layers import CustomLSTM
from lstm_lesson.report import gate_report
from lstm_lesson.successors.gru import CustomGRU
from lstm_lesson.tracing import loss_gradient_by_lag, record, watch

X = torch.randn(3, 12, 4, generator=torch.Generator().manual_seed(0))


def number(found, row, of="", column="model", **place):
    """The one number of a row, of one place in the model."""
    rows = found.table[found.table.row == row]
    for key, value in place.items():
        rows = rows[rows[key] == value]
    rows = rows[rows.measure.str.contains(of, regex=False)]
    assert len(rows) == 1
    return rows[column].item()


class Tagger(nn.Module):
    """An LSTM, what reads it, and options of the call."""

    def __init__(self, hidden=6, **options):
        super().__init__()
        self.lstm = nn.LSTM(4, hidden, batch_first=True, **options)
        self.linear = nn.Linear(hidden, 2)

    def forward(self, x, lengths=None):
        if lengths is None:
            return self.linear(self.lstm(x)[0][:, -1])
        return self.linear(self.lstm(pack_padded_sequence(x, lengths, True, enforce_sorted=False))[1][0][-1])


def constant_gates(kind, logits, N=4):
    """A module whose weights are 0 but for one bias vector, so that its gates are constants."""
    module = kind(N, 2, batch_first=True)
    with torch.no_grad():
        for weight in module.parameters():
            weight.zero_()
        module.bias_ih_l0.copy_(torch.tensor(logits, dtype=torch.float32))
    return module


def test_a_forget_gate_of_a_known_value_has_the_known_half_life_and_share():
    f = torch.tensor([0.5, 0.95]).logit().tolist()
    found = gate_report(constant_gates(nn.LSTM, [0, 0, *f, 1, 1, -5, 5]), X)
    half_lives = 1.0, math.log(0.5) / math.log(0.95)
    assert number(found, "half_life") == pytest.approx(sum(half_lives) / 2, rel=1e-5)
    assert number(found, "longest") == pytest.approx(half_lives[1], rel=1e-5)
    assert [number(found, row, "forget") for row in ("closed", "open")] == [0, 0.5]
    assert [number(found, row, "output") for row in ("closed", "open")] == [0.5, 0.5]
    assert [number(found, row, "input") for row in ("closed", "open")] == [0, 0]


def test_the_half_life_of_a_gru_is_that_of_its_update_gate():
    z = torch.tensor([0.5, 0.9]).logit().tolist()
    found = gate_report(constant_gates(nn.GRU, [-9, -9, *z, 1, 1]), X)
    assert number(found, "longest") == pytest.approx(math.log(0.5) / math.log(0.9), rel=1e-5)
    assert number(found, "closed", "reset gate r") == 1
    assert not {"memory", "drift"} & set(found.table.row)


def test_a_memory_that_grows_on_a_straight_line_has_a_drift_of_2_and_its_size():
    found = gate_report(constant_gates(nn.LSTM, [0, 0, 40, 40, 1, 1, 0, 0]), X)
    assert number(found, "drift") == pytest.approx(2, rel=1e-5)
    assert number(found, "memory") == pytest.approx(12 * 0.5 * math.tanh(1), rel=1e-5)
    assert number(found, "longest") == math.inf


def test_a_dead_unit_and_a_copied_one_are_found():
    model = Tagger(hidden=5)
    with torch.no_grad():
        for weight in model.lstm.parameters():
            for block in weight.view(4, 5, *weight.shape[1:]):
                block[1] = block[0]  # unit 1 computes what unit 0 computes
        model.lstm.bias_ih_l0[3 * 5 + 4] = -40  # the output gate of unit 4 is closed
    found = gate_report(model, X)
    assert number(found, "duplicate") == pytest.approx(1 / 5)
    assert number(found, "dead") == pytest.approx(1 / 5)
    assert number(found, "duplicate", column="fresh") == 0


@pytest.mark.parametrize("layers", [1, 2])
def test_a_unit_without_outgoing_weights_is_not_used(layers):
    model = Tagger(num_layers=layers)
    with torch.no_grad():
        (model.linear.weight if layers == 1 else model.lstm.weight_ih_l1)[:, 2] = 0
    found = gate_report(model, X)
    assert number(found, "used", layer=0) == pytest.approx(5 / 6)
    if layers == 2:
        assert number(found, "used", layer=1) == 1


def test_a_use_through_the_last_state_counts_for_its_own_direction_alone():
    class Last(Tagger):
        def forward(self, x):
            return self.linear(self.lstm(x)[1][0][-1])  # of the backward direction

    found = gate_report(Last(bidirectional=True), X)
    assert [number(found, "used", direction=way) for way in ("forward", "backward")] == [0, 1]


def test_an_output_without_a_gradient_leaves_the_use_unmeasured():
    class Label(Tagger):
        def forward(self, x):
            return super().forward(x).argmax(dim=1)

    assert math.isnan(number(gate_report(Label(), X), "used"))


def test_the_gradient_by_lag_is_that_of_loss_gradient_by_lag():
    model = Tagger()
    found = gate_report(model, X, loss=lambda output: output[:, 0].sum())
    _, at_c = loss_gradient_by_lag(model, X, lambda output: output[:, 0].sum())
    assert number(found, "gradient", "3 steps") == pytest.approx((at_c[:, 3].sum() / at_c[:, 0].sum()).item())
    by_default = gate_report(model.lstm, X)
    _, at_c = loss_gradient_by_lag(model.lstm, X, lambda output: output[1][0].sum())
    assert number(by_default, "gradient", "10 steps") == pytest.approx((at_c[:, 10].sum() / at_c[:, 0].sum()).item())


def test_padding_is_left_out_and_the_last_step_is_the_last_real_one():
    model, lengths = Tagger(), torch.tensor([12, 5, 8])
    together = gate_report(model, (X, lengths))
    apart = gate_report(model, [X[b : b + 1, :n] for b, n in enumerate(lengths)], loss=None)
    for row in ("half_life", "dead", "duplicate", "memory", "drift"):
        assert number(together, row) == pytest.approx(number(apart, row), rel=1e-4)
    for lag in ("1 steps", "3 steps", "10 steps"):
        assert number(together, "gradient", f"after {lag}") == pytest.approx(
            number(apart, "gradient", f"after {lag}"), rel=1e-4
        )


@pytest.mark.parametrize("options", [{}, {"bidirectional": True}])
def test_sequences_of_one_step_have_no_drift_and_no_duplicates(options):
    found = gate_report(nn.LSTM(4, 3, batch_first=True, **options), X[:, :1])
    assert found.table[found.table.row.isin(["drift", "duplicate"])].model.isna().all()
    assert "gradient" not in set(found.table.row)


@given(
    kind=st.sampled_from([nn.LSTM, nn.GRU, CustomLSTM, CustomGRU]), layers=st.integers(1, 2),
    bidirectional=st.booleans(), batch_first=st.booleans(), bias=st.booleans(), proj=st.booleans(),
)  # fmt: skip
@settings(max_examples=15, deadline=None)
def test_any_options_give_numbers_that_the_trace_has(kind, layers, bidirectional, batch_first, bias, proj):
    options = dict(num_layers=layers, bidirectional=bidirectional, batch_first=batch_first, bias=bias)
    module = (
        CustomGRU(4, 6)
        if kind is CustomGRU
        else kind(4, 6, **options, **{"proj_size": 3} if kind is nn.LSTM and proj else {})
    )
    turned = not getattr(module, "batch_first", True)
    x = X.transpose(0, 1) if turned else X
    found = gate_report(module, x)
    places = found.table[["layer", "direction"]].drop_duplicates().itertuples(index=False)
    assert len(found.table.dropna()) == len(found.table)
    for layer, direction in places:
        trace = record(module, x, layer=layer, reverse=direction == "backward")
        gate = "f" if "LSTM" in kind.__name__ else "z"
        half = math.log(0.5) / getattr(trace, gate).double().log().mean(dim=(0, 1))
        assert number(found, "longest", layer=layer, direction=direction) == pytest.approx(half.max().item())


def test_the_model_its_mode_and_the_random_numbers_stay_and_a_seed_gives_the_same_fresh_model():
    model = Tagger().train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    torch.manual_seed(4)
    state = torch.get_rng_state()
    loader = DataLoader(TensorDataset(X), batch_size=2, shuffle=True)
    found = gate_report(model, loader, prepare=lambda batch: batch[0])
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
    assert model.lstm.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert all(weight.grad is None for weight in model.parameters())
    assert not model.lstm._forward_hooks
    again = gate_report(model, loader, prepare=lambda batch: batch[0])
    assert number(found, "half_life", column="fresh") == pytest.approx(number(again, "half_life", column="fresh"))
    other = gate_report(model, loader, prepare=lambda batch: batch[0], seed=1)
    assert number(other, "half_life", column="fresh") != pytest.approx(number(found, "half_life", column="fresh"))


class Absolute(nn.Module):
    """A parametrisation that cannot be turned round."""

    def forward(self, weight):
        return weight.abs()


class LowRank(nn.Module):
    """A parametrisation with weights of its own."""

    def __init__(self):
        super().__init__()
        self.low = nn.Parameter(torch.randn(1, 6))

    def forward(self, weight):
        return weight + self.low


def uniform(new):
    """Whether the numbers are uniform in ±1/√64."""
    return new.abs().max() <= 1 / 8 and abs(8 * new.std() - 3**-0.5) < 0.02


def of_norm_1(new):
    return abs(torch.linalg.matrix_norm(new, 2) - 1) < 0.01


CHANGES = {  # what is done to one matrix, and what a new matrix then fulfils
    "pruned": (
        lambda *at: prune.l1_unstructured(*at, 0.5),
        lambda new: uniform(new[new != 0]) and (new == 0).sum() > 9,
    ),
    "weight norm": (parametrizations.weight_norm, uniform),
    "spectral norm": (parametrizations.spectral_norm, of_norm_1),
    "orthogonal": (parametrizations.orthogonal, lambda new: torch.allclose(new.T @ new, torch.eye(64), atol=1e-5)),
    "absolute": (
        lambda *at: parametrize.register_parametrization(*at, Absolute()),
        lambda new: new.min() >= 0 and uniform(torch.cat([new, -new])),
    ),
}


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, CustomLSTM])
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_fresh_weights_of_a_changed_module_are_those_of_a_new_one(change, kind, frozen, monkeypatch):
    torch.manual_seed(0)
    lstm, seen = kind(4, 64, batch_first=True), []
    part, name = (lstm.cells[0], "W_hi") if kind is CustomLSTM else (lstm, "weight_hh_l0")
    do, fits = CHANGES[change]
    do(part, name)
    with torch.no_grad():
        for weight in lstm.parameters():
            weight *= 1 if change == "orthogonal" else 3
    model = nn.Sequential(lstm).requires_grad_(not frozen)
    for _ in range(3):
        model(X)  # the norms follow in training
    before = getattr(part, name).detach().clone()
    monkeypatch.setattr("lstm_lesson.report.watch", lambda one, *a, **k: seen.append(one) or watch(one, *a, **k))
    found = gate_report(model, X)
    assert torch.equal(before, getattr(part, name)) or "norm" in change  # in training, a norm follows again
    assert number(found, "half_life", column="fresh") > 0 and len(found.notes) == 2
    fresh_model = next(one for one in seen if one is not model).eval()
    fresh_model(X)  # which computes what a hook computes
    fresh = getattr(fresh_model[0].cells[0] if kind is CustomLSTM else fresh_model[0], name).detach()
    assert fits(fresh)
    assert not (before == fresh)[fresh != 0].any()


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("way", ["parametrised", "hook", "copy", "WeightNorm", "SpectralNorm"])
def test_where_no_fresh_weights_can_be_drawn_there_is_no_comparison_and_a_note_says_why(way):
    model = Tagger()
    if way == "parametrised":
        parametrize.register_parametrization(model.lstm, "weight_hh_l0", LowRank())
    elif way == "hook":
        kept = model.lstm.weight_hh_l0.detach().clone()
        del model.lstm._parameters["weight_hh_l0"]
        model.lstm.register_forward_pre_hook(lambda lstm, _: setattr(lstm, "weight_hh_l0", 2 * kept))
    elif way == "copy":
        model.lock = (number for number in ())
    else:
        {"WeightNorm": weight_norm, "SpectralNorm": spectral_norm}[way](model.lstm, "weight_hh_l0")
    found = gate_report(model, X)
    assert found.table.fresh.isna().all() and found.table.model.notna().all()
    note = next(note for note in found.notes if "no fresh model" in note)
    says = {
        "parametrised": "weight_hh_l0 is computed by LowRank",
        "hook": "something other",
        "copy": "cannot pickle",
    }
    assert (
        says.get(way, f"weight_hh_l0 is computed by the hook {way}, which torch keeps for old") in note
        and "fresh= takes a new model" in note
    )
    beside = gate_report(model, X, fresh=Tagger())
    assert beside.table.fresh.notna().all() and beside.notes[1] == "The fresh model is the one that was given."
    assert beside.table.model.equals(found.table.model)


def test_a_stateful_model_is_copied_and_begins_each_batch_with_its_own_state():
    class Stateful(Tagger):
        state = None

        def forward(self, x):
            hidden, self.state = self.lstm(x, self.state)
            return self.linear(hidden)

    model = Stateful()
    model(X)
    gate_report(model, X)
    assert model.state[0].grad_fn is not None
    once, twice = gate_report(Stateful(), X), gate_report(Stateful(), [X, X])
    assert [number(one, "steps") for one in (once, twice)] == [36, 72]
    model = Stateful()
    once, twice = gate_report(model, X), gate_report(model, [X, X])  # the second batch goes on from no state
    for row in ("half_life", "memory", "drift"):
        assert number(once, row) == pytest.approx(number(twice, row), rel=1e-6)
    assert "a state that the model keeps between calls is put back" in repr(twice)


def test_a_model_that_writes_into_its_state_or_its_input_has_the_numbers_of_one_that_does_not():
    class Writes(Tagger):
        def __init__(self, way):
            super().__init__()
            self.way = way
            self.register_buffer("h", torch.zeros(1, 3, 6))
            self.register_buffer("c", torch.zeros(1, 3, 6))

        def forward(self, x):
            x = x.mul_(2) if self.way == "input" else 2 * x
            output, (h_n, c_n) = self.lstm(x, (self.h, self.c))
            output, c_n = (output.relu_(), c_n.mul_(2)) if self.way == "output" else (output.relu(), 2 * c_n)
            answer = self.linear(output[:, -1] + c_n[0])
            if self.way == "state":
                self.h.copy_(h_n), self.c.copy_(c_n)
            return answer

    kept, plain, x = X.clone(), Writes(""), X.clone().requires_grad_()
    expected = gate_report(plain, [X, X]).table.drop(columns="means")
    for way in ("input", "state", "output"):
        model = Writes(way)
        model.load_state_dict(plain.state_dict())
        for data in ([X, X], [2 * x / 2, X]):  # one with a history
            found = gate_report(model, data).table.drop(columns="means")
            assert torch.allclose(*(torch.tensor(t[["model", "fresh"]].values) for t in (found, expected)), rtol=1e-5)
        assert torch.equal(X, kept) and not model.h.any()


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_by_default_the_loss_is_at_the_last_real_step_also_where_the_padding_is_read(kind, layers):
    torch.manual_seed(0)
    model, lengths = nn.Sequential(kind(4, 6, layers, batch_first=True)), torch.tensor([12, 5, 8])
    together = gate_report(model, X, lengths=lengths)
    apart = gate_report(model, [X[b : b + 1, :n] for b, n in enumerate(lengths)])
    for layer in range(layers):
        for lag in (1, 3):
            pair = [number(one, "gradient", f"after {lag} steps", layer=layer) for one in (together, apart)]
            assert pair[0] == pytest.approx(pair[1], rel=1e-4)
    assert number(together, "steps", layer=0) == number(apart, "steps", layer=0) == 25
    assert number(together, "sequences", layer=0) == number(apart, "sequences", layer=0) == 3
    assert together.notes[0].startswith("Batches read: 1, at most 8.")
    assert apart.notes[0].startswith("Batches read: 3, at most 8.")
    of_two = gate_report(model, iter([X, X, X]), batches=2)
    assert of_two.notes[0].startswith("Batches read: 2, at most 2.") and number(of_two, "steps", layer=0) == 72


def test_a_loop_over_a_cell_with_lengths_has_the_same_default_loss():
    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = nn.LSTMCell(4, 6)

        def forward(self, x):
            state = None
            for x_t in x.unbind(1):
                state = self.cell(x_t, state)
            return state[0]

    model, lengths = Loop(), torch.tensor([12, 5, 8])
    together = gate_report(model, X, lengths=lengths, call=0)
    apart = gate_report(model, [X[b : b + 1, :n] for b, n in enumerate(lengths)])
    assert number(together, "gradient", "after 3") == pytest.approx(number(apart, "gradient", "after 3"), rel=1e-4)


@pytest.mark.parametrize("loss", [
    nn.CrossEntropyLoss(), nn.functional.cross_entropy,
    lambda output, y, scale=1: scale * nn.functional.cross_entropy(output, y),
])  # fmt: skip
@pytest.mark.parametrize("kind", [list, tuple, dict])
def test_a_loss_of_two_arguments_gets_the_targets_of_its_batch(loss, kind):
    model, y = Tagger(), torch.tensor([0, 1, 1])
    batches, take = [([X, y]), ([X + 1, 1 - y])], lambda batch: batch[0]
    if kind is dict:
        batches, own = [{"x": x, "y": y} for x, y in batches], loss
        take, loss = lambda batch: batch["x"], lambda output, batch: own(output, batch["y"])
    else:
        batches = [kind(batch) for batch in batches]
    found = gate_report(model, batches, prepare=take, loss=loss)
    sums = 0
    for x, targets in [(X, y), (X + 1, 1 - y)]:
        _, at_c = loss_gradient_by_lag(model, x, lambda out, y=targets: nn.functional.cross_entropy(out, y))
        sums = sums + at_c[:, [3, 0]].sum(dim=0)
    assert number(found, "gradient", "after 3 steps") == pytest.approx((sums[0] / sums[1]).item(), rel=1e-5)


def test_a_packed_batch_has_no_last_part_and_is_handed_whole_to_a_loss_of_two_arguments():
    packed, seen = pack_padded_sequence(X, [12, 8, 5], batch_first=True), []
    gate_report(nn.LSTM(4, 6, batch_first=True), packed, loss=lambda out, own: seen.append(own) or out[1][0].sum())
    assert seen and all(isinstance(own, PackedSequence) for own in seen)


def test_lengths_that_are_none_count_as_given():
    model = Tagger()
    assert gate_report(model, (X, None)).table.equals(gate_report(model, X).table)


def test_a_loss_of_one_argument_or_in_c_gets_the_output_alone():
    model = Tagger()
    expected = number(gate_report(model, X, loss=lambda output: output.sum()), "gradient", "after 3 steps")
    for loss in (torch.sum, torch.Tensor.sum, lambda output, scale=1: scale * output.sum()):
        assert number(gate_report(model, X, loss=loss), "gradient", "after 3 steps") == pytest.approx(expected)
    assert number(gate_report(model, X, loss=lambda output, x: output.sum() + 0 * x.sum()), "steps") == 36
    with pytest.raises(ValueError, match="loss gives type NoneType"):
        gate_report(model, X, loss=lambda output: None)


class Translator(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(9, 4)
        self.encoder, self.decoder = nn.GRU(4, 5, batch_first=True), nn.GRU(4, 5, batch_first=True)

    def forward(self, src, tgt):
        return self.decoder(self.embedding(tgt), self.encoder(self.embedding(src))[1])[0]


SRC, TGT = torch.arange(24).view(2, 12) % 9, torch.arange(10).view(2, 5) % 9


@pytest.mark.parametrize(("model", "data", "prepare", "says"), [
    (Translator(), [SRC, TGT], None, r"a batch of data has 1 of the model's arg.*'tgt'; it needs all.*\(src, tgt\)"),
    (Translator(), SRC, None, "data has 1 of the model's arguments.*'tgt'"),
    (Translator(), [(SRC, TGT)], lambda batch: batch[0], "a batch of data has 1 of the model's arguments"),
    (Translator(), (SRC, TGT, TGT), None, "data has 3 of the model's arguments.*too many"),
    (nn.LSTM(4, 3), [X, torch.tensor([0, 1, 1])], None, r"a list, .* differ .* tuple .* or \[\(x, y\)\] with prepare"),
    (nn.LSTM(4, 3), [X, torch.zeros(3, 1)], None, "data is a list"),
    (nn.LSTM(4, 3), [X, torch.zeros(3, 12, 4).long()], None, "data is a list"),
    (Tagger(), [(X, [3, 3, 3], 0)], lambda batch: list(batch[:2]), r"prepare returns list; .* tuple\(batch\[:2\]\)"),
    (Tagger(), [(X, 0)], lambda batch: None, "prepare returns NoneType"),
])  # fmt: skip
def test_data_that_may_be_meant_in_two_ways_is_refused(model, data, prepare, says):
    with pytest.raises(ValueError, match=says):
        gate_report(model, data, prepare)


def test_two_tensors_are_one_pair_as_a_tuple_and_two_batches_as_a_list():
    found = gate_report(Translator(), (SRC, TGT))
    assert number(found, "steps", module="encoder") == 24 and number(found, "steps", module="decoder") == 10
    assert number(gate_report(Tagger(), [X, X[:, :5]]), "steps") == 36 + 15
    batches = DataLoader(TensorDataset(X, torch.tensor([12, 5, 8]), torch.zeros(3)), batch_size=2)
    found = gate_report(Tagger(), batches, prepare=lambda batch: (batch[0], batch[1]))
    assert number(found, "steps") == 25 and number(found, "sequences") == 3


@pytest.mark.parametrize(("options", "says"), [
    ({"model": Tagger}, r"model is the class Tagger; it needs an instance: Tagger\(\.\.\.\)"),
    ({"fresh": Tagger}, "fresh is the class Tagger"),
    ({"loss": nn.CrossEntropyLoss}, "loss is the class CrossEntropyLoss"),
], ids=["model", "fresh", "loss"])  # fmt: skip
def test_a_class_in_place_of_an_instance_is_named(options, says):
    with pytest.raises(ValueError, match=says):
        gate_report(**{"model": Tagger(), "data": X} | options)


def test_several_modules_are_blocks_and_one_that_is_not_called_is_named():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.cell = nn.GRU(4, 3, batch_first=True), nn.LSTMCell(3, 5)
            self.idle = nn.LSTM(2, 2)

        def forward(self, x):
            state = None
            for x_t in self.encoder(x)[0].unbind(1):
                state = self.cell(x_t, state)
            return state[0]

    found = gate_report(Two(), X)
    assert list(dict.fromkeys(found.table.module)) == ["encoder", "cell"]
    assert any("idle: model does not call its LSTM" in note for note in found.notes)
    assert number(found, "used", module="cell") == 1
    assert set(gate_report(Two(), X, name="cell").table.module) == {"cell"}


class Backwards(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.calls = nn.LSTM(4, 3, batch_first=True), []

    def forward(self, x):
        self.calls.append(1)
        return self.lstm(x.flip(1))[0]


def test_a_module_that_reads_backwards_is_reported_with_reverse_and_its_lists_are_left_as_they_were():
    model = Backwards()
    with pytest.raises(ValueError, match=r"lstm: .*pass reverse=True"):
        gate_report(model, X)
    found = gate_report(model, X, reverse=True)
    plain = gate_report(model.lstm, X.flip(1))
    assert set(found.table.direction) == {"backward"} and model.calls == []
    for row in ("half_life", "closed", "drift", "used"):
        mine, own = (one.table[one.table.row == row].model.tolist() for one in (found, plain))
        assert mine == pytest.approx(own, nan_ok=True)


def test_gates_that_never_forget_have_no_limit():
    lstm = nn.LSTM(4, 3, batch_first=True)
    with torch.no_grad():
        lstm.bias_ih_l0[3:6] = 100.0
    assert number(gate_report(lstm, X), "half_life") == number(gate_report(lstm, X), "longest") == math.inf


def test_inputs_of_other_kinds_and_outputs_that_are_objects():
    @dataclass
    class Output:
        logits: torch.Tensor
        label: str = ""

    class Takes(Tagger):
        def forward(self, batch):
            return Output(super().forward(batch["x"]))

    model, plain = Takes(), Tagger()
    plain.load_state_dict(model.state_dict())
    found = gate_report(model, [{"x": X}], prepare=lambda batch: batch)
    assert number(found, "half_life") == number(gate_report(plain, X), "half_life")
    assert number(found, "used") == 1
    packed = pack_padded_sequence(X, [12, 5, 3], batch_first=True)
    assert number(gate_report(nn.GRU(4, 3), packed), "dead") == 0


class Endless(IterableDataset):
    def __iter__(self):
        return repeat(X[0])


@pytest.mark.parametrize(("data", "says"), [
    ([(X, torch.tensor([12, 3, 4]))], "a batch of data is tuple; it needs a tensor, or prepare"),
    ({"x": X}, "data is dict; it needs a tensor, or prepare"),
    (DataLoader(TensorDataset(X)), "a batch of data is list; it needs a tensor, or prepare"),
    ([], "data has no batch"),
    (iter([]), "data has no batch.* an iterator that was read before has none"),
    (DataLoader(TensorDataset(X), 4, drop_last=True), "data has no batch"),
    ([X, X[:0]], "lstm: x has no sequence; it needs one or more"),
    (X[:, :0], r"lstm: x has shape \(3, 0, 4\)"),
    (3, "data is int; it needs a tensor"),
    (X.numpy(), "^data is ndarray; it needs a tensor"),
    ("data.pt", "^data is str; it needs a tensor"),
    (TensorDataset(X), r"data is TensorDataset, .* DataLoader\(data, batch_size=64\), or batch_size=None"),
    (Subset(TensorDataset(X), [0]), "data is Subset, which has single examples; it needs batches"),
    (Endless(), "data is Endless, which has single examples; it needs batches"),
    ([X[0]], r"lstm: the model or the loss raises RuntimeError: .*; they need to run on each batch"),
    (X[..., :3], r"lstm: the model or the loss raises RuntimeError: .* Expected 4, got 3; they"),
    (X * math.nan, "finite numbers in (data|x)"),
], ids=lambda value: type(value).__name__)  # fmt: skip
def test_what_does_not_fit_is_named(data, says):
    with pytest.raises(ValueError, match=says):
        gate_report(Tagger(), data)


def test_what_the_loss_raises_is_named_with_its_cause():
    with pytest.raises(ValueError, match=r"^lstm: the model or the loss raises AttributeError: .*nothing") as raised:
        gate_report(Tagger(), X, loss=lambda output: output.nothing)
    assert isinstance(raised.value.__cause__, AttributeError)


@pytest.mark.parametrize(("fresh", "has"), [
    (Tagger(8), "an LSTM of 4 inputs and 8 units, 1 × 1 "), (Tagger(num_layers=2), "an LSTM .* 2 × 1 layers ×"),
    (nn.LSTM(4, 6), "no LSTM or GRU"), ("fresh.pt", "no LSTM or GRU"), (Tagger().state_dict(), "no LSTM or GRU"),
    (nn.ModuleDict({"lstm": nn.GRU(4, 6)}), "a GRU of 4 inputs and 6 units"), (lambda: Tagger(), "no LSTM or GRU"),
], ids=["units", "layers", "place", "file", "weights", "kind", "function"])  # fmt: skip
def test_a_fresh_model_of_another_form_is_named(fresh, has):
    says = f"fresh is {type(fresh).__name__}; lstm of it is {has}.* of which lstm is an LSTM of 4 inputs and 6 units, "
    with pytest.raises(ValueError, match=says):
        gate_report(Tagger(), X, fresh=fresh)
    with pytest.raises(ValueError, match="the whole of it is an LSTM of 4 inputs and 5 units"):
        gate_report(nn.LSTM(4, 6), X, fresh=CustomLSTM(4, 5))
    assert gate_report(nn.LSTM(4, 6, batch_first=True), X, fresh=CustomLSTM(4, 6)).table.fresh.notna().all()


def test_a_forward_without_gradients_is_named():
    class Frozen(Tagger):
        @torch.no_grad()
        def forward(self, x):
            return super().forward(x)

    with pytest.raises(ValueError, match=r"without torch\.no_grad"):
        gate_report(Frozen(), X)
    assert number(gate_report(Tagger().requires_grad_(False), X), "half_life") > 0


def test_weights_that_are_nan_and_models_without_an_lstm_are_named():
    model = Tagger()
    with torch.no_grad():
        model.lstm.bias_hh_l0[0] = math.nan
    with pytest.raises(ValueError, match=r"lstm\.bias_hh_l0"):
        gate_report(model, X)
    with pytest.raises(ValueError, match="LSTM"):
        gate_report(nn.Linear(2, 2), X)
    with pytest.raises(ValueError, match="name is 'other'"):
        gate_report(Tagger(), X, name="other")
    with pytest.raises(ValueError, match="batches is 0"):
        gate_report(Tagger(), X, batches=0)


def test_a_page_in_a_folder_that_is_not_there_names_the_path_that_was_given(tmp_path):
    path, taken = tmp_path / "none" / "page.html", tmp_path / "folder"
    taken.mkdir()
    report, inspector = gate_report(Tagger(), X), GateInspector(record(Tagger(), X))
    for page in (report, inspector):
        for at in (path, taken):
            with pytest.raises(OSError, match=f": '{at}'$"):
                page.to_html(at)
        assert page.to_html(str(tmp_path / "page.html")).read_text(encoding="utf-8") == page.page()
    assert {one.name for one in tmp_path.iterdir()} == {"folder", "page.html"}


@pytest.mark.browser
@pytest.mark.skipif(bool(browser.why_not()), reason=browser.why_not())
def test_the_page_shows_the_table_is_accessible_and_fits_a_phone(chromium, tmp_path):
    hostile = "</script><b>"

    class Named(nn.ModuleDict):
        def forward(self, x):
            return self[hostile](x)

    found = gate_report(Named({hostile: constant_gates(nn.LSTM, [0, 0, 40, 40, 1, 1, 0, 0])}), X)
    path = found.to_html(tmp_path / "report.html")
    page = chromium.new_page(viewport={"width": 320, "height": 640})
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert browser.serious_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert "</script><b> (LSTM), layer 0, forward" in page.inner_text("table")
    rows = page.evaluate("[...document.querySelectorAll('tbody tr')].map(row => row.innerText)")
    assert any(row.split("\t")[:2] == ["half-life, longest of all units", "no limit"] for row in rows)
    assert page.locator("html[lang=en] caption").count() == 1
    assert page.locator("th:not([scope])").count() == 0
    assert page.locator("dt").count() == page.locator("dd").count() > 5
    assert complaints == []
    page.close()
