"""CustomLSTM in the place of nn.LSTM: equal over its options, and the tables of docs/swap.md, whose lines are run."""

import copy
import json
import math
import pickle
import re
import sys
import warnings
from itertools import product
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from repository import ROOT
from torch import nn
from torch.nn.utils import parametrizations, prune
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pack_sequence, pad_packed_sequence

from lstm_lesson import CustomLSTM, LSTMCell, parity, speed
from lstm_lesson.experiments import broken_cells
from lstm_lesson.kernel import stacked_weights
from lstm_lesson.layers import from_torch_weights
from lstm_lesson.successors import CustomGRU
from lstm_lesson.text.classifiers import TextClassifier, save_classifier
from lstm_lesson.text.news import Vocabulary

EXACT = 1e-12


def double(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def difference(a, b):
    assert a.shape == b.shape
    return (a - b).abs().max().item() if a.numel() else 0.0


def data_of(output):
    return output.data if isinstance(output, PackedSequence) else output


def gradients_by_name(lstm, grads):
    """The gradients of an LSTM's parameters under the names in CustomLSTM; of PyTorch's two biases, the first."""
    grads = list(grads)
    if isinstance(lstm, CustomLSTM):
        return dict(zip([name for name, _ in lstm.named_parameters()], grads, strict=True))
    found, count = {}, 4 if lstm.bias else 2
    for k in range(len(grads) // count):
        W_ih, W_hh, *biases = grads[count * k : count * (k + 1)]
        zeros = W_hh.new_zeros(len(W_hh))
        for name, value in from_torch_weights(W_ih, W_hh, biases[0] if biases else zeros, zeros).items():
            if biases or not name.startswith("b"):
                found[f"cells.{k}.{name}"] = value
    return found


# Equal over the options ----------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(
    sizes=st.tuples(*[st.integers(1, 4)] * 4), layers=st.integers(1, 3), both=st.booleans(), bias=st.booleans(),
    batch_first=st.booleans(), dropout=st.sampled_from([0.0, 0.4, 1.0]), training=st.booleans(),
    torch_states=st.booleans(), given_states=st.booleans(), kernel=st.sampled_from([None, True, False]),
    padding=st.sampled_from(["none", "lengths", "packed", "sorted"]), seed=st.integers(0, 10_000),
)  # fmt: skip
@example(
    sizes=(4, 4, 3, 2), layers=3, both=True, bias=False, batch_first=False, dropout=0.4, training=True,
    torch_states=False, given_states=True, kernel=False, padding="packed", seed=0,
)  # fmt: skip
@example(
    sizes=(1, 1, 1, 1), layers=1, both=False, bias=False, batch_first=False, dropout=0.0, training=False,
    torch_states=True, given_states=True, kernel=True, padding="sorted", seed=0,
)  # fmt: skip
def test_outputs_states_and_gradients_are_those_of_nn_lstm(
    sizes, layers, both, bias, batch_first, dropout, training, torch_states, given_states, kernel, padding, seed
):
    torch.manual_seed(seed)
    B, T, N, H = sizes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # dropout with one layer
        theirs = nn.LSTM(N, H, layers, bias, batch_first, dropout, both, dtype=torch.float64).train(training)
        ours = CustomLSTM.from_torch(theirs, torch_states=torch_states)
    assert ours.training == training and ours.cells[0].W_xi.dtype == torch.float64
    x = double(*((B, T, N) if batch_first else (T, B, N))).requires_grad_()
    K, lengths = layers * (1 + both), torch.randint(1, T + 1, (B,))
    states = tuple(double(K, B, H).requires_grad_() for _ in "hc") if given_states else None
    flat = K == 1 and not torch_states
    own_states = tuple(s[0] for s in states) if states and flat else states
    if padding == "sorted":
        lengths = lengths.sort(descending=True).values
    packed = pack_padded_sequence(x, lengths, batch_first, enforce_sorted=padding == "sorted")

    torch.manual_seed(seed)
    expected, their_states = theirs(x if padding == "none" else packed, states)
    torch.manual_seed(seed)
    if padding == "lengths":
        hidden_seq, last = ours(x, own_states, lengths, kernel=kernel)
        expected, _ = pad_packed_sequence(expected, batch_first, total_length=T)
    else:
        hidden_seq, last = ours(packed if padding != "none" else x, own_states, kernel=kernel)
    assert type(hidden_seq) is type(expected)
    for mine, torchs in zip(hidden_seq[1:], expected[1:], strict=True) if padding in ("packed", "sorted") else ():
        assert (mine is None and torchs is None) or torch.equal(mine, torchs)  # the order of the batch
    got = [data_of(hidden_seq), *(s[None] if flat else s for s in last)]
    wanted = [data_of(expected), *their_states]
    assert all(difference(a, b) <= EXACT for a, b in zip(got, wanted, strict=True))

    upstream, leaves = [torch.randn_like(t) for t in wanted], [x, *(states or ())]
    grads = [
        torch.autograd.grad(
            values,
            [*leaves, *lstm.parameters()],
            upstream,
            retain_graph=True,
            allow_unused=True,
            materialize_grads=True,
        )
        for lstm, values in ((ours, got), (theirs, wanted))
    ]
    assert all(difference(a, b) <= EXACT for a, b in zip(*(g[: len(leaves)] for g in grads), strict=True))
    mine, torchs = (gradients_by_name(lstm, g[len(leaves) :]) for lstm, g in zip((ours, theirs), grads, strict=True))
    assert mine.keys() == torchs.keys()
    assert all(difference(mine[name], torchs[name]) <= EXACT for name in mine)


@pytest.mark.parametrize(
    ("bias", "batch_first", "both", "layers"), [*product([True, False], [True, False], [True, False], [1, 2])]
)
def test_the_way_to_torch_and_back_keeps_weights_options_and_mode(bias, batch_first, both, layers):
    options = {"bias": bias, "batch_first": batch_first, "bidirectional": both, "dropout": 0.25 * (layers - 1)}
    ours = CustomLSTM(3, 4, layers, **options, dtype=torch.float64).eval()
    theirs = ours.to_torch()
    assert {name: getattr(theirs, name) for name in options} == options and not theirs.training
    again, x = CustomLSTM.from_torch(theirs), double(2, 5, 3)
    assert {name: getattr(again, name) for name in options} == options and not again.training
    assert again.state_dict().keys() == ours.state_dict().keys()
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), ours.parameters(), strict=True))
    assert difference(theirs(x)[0], ours(x)[0]) <= EXACT


def test_a_frozen_layer_stays_frozen_both_ways():
    for lstm in (nn.LSTM(3, 4), nn.LSTM(3, 4, 2, bidirectional=True).requires_grad_(False)):
        ours = CustomLSTM.from_torch(lstm)
        flags = [{w.requires_grad for w in module.parameters()} for module in (lstm, ours, ours.to_torch())]
        assert flags[0] == flags[1] == flags[2] and len(flags[0]) == 1


DEEP = nn.LSTM(3, 4, 2, bidirectional=True)


@pytest.mark.parametrize("name", [*dict(DEEP.named_parameters()), "bias_ih_l1 bias_hh_l1"])
def test_each_matrix_stays_as_frozen_as_it_was_both_ways(name):
    """A bias of ours is the sum of two of theirs: frozen if both are."""
    theirs = copy.deepcopy(DEEP)
    for part in name.split():
        getattr(theirs, part).requires_grad_(False)
    ours = CustomLSTM.from_torch(theirs)
    kind = {"weight_ih": "W_x", "weight_hh": "W_h"}.get(name[:9], "b_")
    cell = 2 * int(name.split("_l")[1][0]) + ("reverse" in name)
    expected = set() if kind == "b_" and " " not in name else {f"cells.{cell}.{kind}{gate}" for gate in "ifco"}
    assert {own for own, weight in ours.named_parameters() if not weight.requires_grad} == expected
    back = [part for part, weight in ours.to_torch().named_parameters() if not weight.requires_grad]
    assert back == (name.split() if expected else [])
    with torch.no_grad():
        assert back == [part for part, weight in ours.to_torch().named_parameters() if not weight.requires_grad]


def test_without_biases_each_matrix_stays_as_frozen_as_it_was():
    theirs = nn.LSTM(3, 4, bias=False)
    theirs.weight_hh_l0.requires_grad_(False)
    ours = CustomLSTM.from_torch(theirs)
    assert {name[8:-1]: w.requires_grad for name, w in ours.named_parameters()} == {"W_x": True, "W_h": False}
    assert [w.requires_grad for w in ours.to_torch().parameters()] == [True, False]


def test_a_gate_that_is_frozen_alone_is_named_since_torch_has_one_tensor_for_four():
    ours = CustomLSTM(3, 4, 2)
    ours.cells[1].W_xf.requires_grad_(False)
    with pytest.warns(UserWarning, match=r"some W_x· of cells.1 are frozen; .* one tensor .* not frozen") as found:
        theirs = ours.to_torch()
    assert theirs.weight_ih_l1.requires_grad and len(found) == 1


@pytest.mark.parametrize("frozen", ["W_h", "W_x"])
def test_a_norm_stays_as_frozen_as_what_it_is_computed_from(frozen):
    ours = CustomLSTM(3, 4)
    for gate in "ifco":
        parametrizations.weight_norm(ours.cells[0], f"W_h{gate}")
    for name, weight in ours.named_parameters():
        weight.requires_grad_(frozen not in name)
    with pytest.warns(UserWarning, match="parametrizations"), torch.no_grad():
        theirs = ours.to_torch()
    assert [w.requires_grad for w in theirs.parameters()] == [frozen != "W_x", frozen != "W_h", True, True]


def test_each_layer_keeps_its_dtype_both_ways():
    theirs = nn.LSTM(3, 4, 2)
    for name, weight in theirs.named_parameters():
        weight.data = weight.data.to(torch.float64 if "l1" in name else torch.float32)
    ours = CustomLSTM.from_torch(theirs)
    assert [{w.dtype for w in cell.parameters()} for cell in ours.cells] == [{torch.float32}, {torch.float64}]
    assert [w.dtype for w in ours.to_torch().parameters()] == [w.dtype for w in theirs.parameters()]


FROZEN = {  # what is frozen of an nn.GRU -> what is then frozen of ours
    "": "", "weight_ih": "W_xr W_xz W_xh", "weight_hh": "W_hr W_hz W_hh", "bias_ih": "b_h", "bias_hh": "b_hh",
    "bias_ih bias_hh": "b_r b_z b_h b_hh",
}  # fmt: skip


@pytest.mark.parametrize("learning", [True, False])
@pytest.mark.parametrize("frozen", FROZEN)
def test_a_gru_stays_as_frozen_and_in_the_mode_and_dtype_that_it_was(frozen, learning):
    for theirs in (nn.GRU(3, 4, batch_first=True).double().eval(), nn.GRUCell(3, 4).double().eval()):
        for name, weight in theirs.named_parameters():
            weight.requires_grad_(name.removesuffix("_l0") not in frozen.split())
        with torch.set_grad_enabled(learning):
            ours, all_frozen = CustomGRU.from_torch(theirs), CustomGRU.from_torch(theirs.requires_grad_(False))
        own = dict(ours.cells[0].named_parameters())
        assert sorted(name for name, w in own.items() if not w.requires_grad) == sorted(FROZEN[frozen].split())
        assert not any(w.requires_grad for w in all_frozen.parameters()) and not ours.training
        assert all(w.is_contiguous() and w.is_leaf and w.dtype == torch.float64 for w in own.values())
        with torch.no_grad():
            for weight in theirs.parameters():
                weight.zero_()
        assert all(w.any() for w in own.values())  # no memory is shared


@pytest.mark.parametrize("name", ["weight_ih", "weight_hh", "bias_ih", "bias_hh"])
def test_a_gru_with_nan_is_refused_by_the_name_of_its_weight(name):
    for theirs, suffix in ((nn.GRU(3, 4, batch_first=True), "_l0"), (nn.GRUCell(3, 4), "")):
        with torch.no_grad():
            getattr(theirs, name + suffix)[-1:] = torch.nan
        with pytest.raises(ValueError, match=rf"gru\.{name}{suffix} has \d NaN entries; it needs numbers"):
            CustomGRU.from_torch(theirs)


def scaled(lstm):
    """A forward of its own, set on one instance."""
    lstm.forward = lambda x: (2 * type(lstm).forward(lstm, x)[0], None)
    return lstm


class Scaled(nn.LSTM):
    def forward(self, x, hx=None):
        hidden_seq, states = super().forward(x, hx)
        return 2 * hidden_seq, states


class ScaledOwn(CustomLSTM):
    def forward(self, x):
        return 2 * super().forward(x)[0]


class Usual(nn.LSTM):
    """Another constructor and another method; it computes what its class computes."""

    def __init__(self, size):
        super().__init__(size, 2 * size, batch_first=True)

    def last(self, x):
        return self(x)[1][0][-1]


OWN_FORWARDS = {
    "of a class": (lambda: CustomLSTM.from_torch(Scaled(3, 4)), "lstm is Scaled, with a forward of its own"),
    "of an instance": (lambda: CustomLSTM.from_torch(scaled(nn.LSTM(3, 4))), "lstm is LSTM, with a forward"),
    "of a GRU": (lambda: CustomGRU.from_torch(scaled(nn.GRU(3, 4, batch_first=True))), "gru is GRU, with a forward"),
    "of a GRU's cell": (lambda: CustomGRU.from_torch(scaled(nn.GRUCell(3, 4))), r"gru is GRUCell.*that of torch"),
    "of our class": (lambda: ScaledOwn(3, 4).to_torch(), "the layer is ScaledOwn, with a forward of its own"),
    "of our instance": (lambda: scaled(CustomLSTM(3, 4)).to_torch(), "the layer is CustomLSTM, with a forward"),
    "of a cell": (
        lambda: broken_cells.lstm_with(broken_cells.CELLS["no tanh on c"], CustomLSTM(3, 4)).to_torch(),
        r"cells.0 is _Cell, with a forward of its own .* it needs that of LSTMCell",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OWN_FORWARDS)
def test_a_layer_with_another_forward_is_refused_by_name(case):
    call, message = OWN_FORWARDS[case]
    with pytest.raises(ValueError, match=message):
        call()


def test_a_subclass_with_the_usual_forward_is_taken():
    theirs, x = Usual(3), torch.randn(2, 5, 3)
    assert near(CustomLSTM.from_torch(theirs)(x)[0], theirs(x)[0])


TAKEN = {
    "LSTM": lambda: nn.LSTM(3, 4),
    "GRU": lambda: nn.GRU(3, 4, batch_first=True),
    "GRUCell": lambda: nn.GRUCell(3, 4),
}
WAYS = {"LSTM": (CustomLSTM.from_torch, "lstm")} | dict.fromkeys(("GRU", "GRUCell"), (CustomGRU.from_torch, "gru"))
CHANGES = {
    "pruned": lambda module, weight: prune.l1_unstructured(module, weight, 0.5),
    "weight norm": parametrizations.weight_norm, "spectral norm": parametrizations.spectral_norm,
    "weight norm, old": nn.utils.weight_norm, "spectral norm, old": nn.utils.spectral_norm,
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")  # of torch, for the old ways
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", TAKEN)
def test_a_weight_that_is_computed_is_refused_by_name(change, kind):
    theirs, from_torch, name = TAKEN[kind](), *WAYS[kind]
    weight = next(weight for weight in theirs._parameters if "weight_hh" in weight)
    CHANGES[change](theirs, weight)
    with pytest.raises(ValueError, match=rf"{name}.{weight} is computed.*first, as prune.remove, remove_weight_norm"):
        from_torch(theirs)


def test_what_the_error_asks_for_lets_a_pruned_layer_through():
    theirs, x = nn.LSTM(3, 4, batch_first=True), torch.randn(2, 5, 3)
    CHANGES["pruned"](theirs, "weight_hh_l0")
    expected = theirs(x)[0]
    prune.remove(theirs, "weight_hh_l0")
    assert near(CustomLSTM.from_torch(theirs)(x)[0], expected)


HOOKS = {
    "forward_hooks": lambda module, weight: module.register_forward_hook(print),
    "forward_pre_hooks": lambda module, weight: module.register_forward_pre_hook(print),
    "backward_hooks": lambda module, weight: module.register_full_backward_hook(print),
    "state_dict_hooks": lambda module, weight: module.register_state_dict_post_hook(lambda *given: None),
    "hooks of ": lambda module, weight: weight.register_hook(lambda gradient: 0 * gradient),
    "hooks of": lambda module, weight: weight.register_post_accumulate_grad_hook(lambda weight: None),
}


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("kind", TAKEN)
def test_hooks_are_not_lost_in_silence(hook, kind):
    theirs, ours, from_torch, name = TAKEN[kind](), CustomLSTM(3, 4), *WAYS[kind]
    HOOKS[hook](theirs, [*theirs.parameters()][1])
    with pytest.warns(UserWarning, match=f"{name} has {hook}.*; the copy has none") as found:
        from_torch(theirs)
    assert found[0].filename == __file__
    HOOKS[hook](ours.cells[0], ours.cells[0].W_hi)
    with pytest.warns(UserWarning, match=f"cells.0 has {hook}.*; the copy has none"):
        ours.to_torch()


@pytest.mark.parametrize("other", [nn.GRU(3, 4), nn.LSTM, {}])
def test_what_is_no_lstm_is_refused_by_its_kind_alone(other):
    with pytest.raises(ValueError, match=rf"^lstm is {type(other).__name__}; it needs a torch.nn.LSTM$"):
        CustomLSTM.from_torch(other)


def test_weights_that_are_tied_are_said_to_be_apart_in_the_copy():
    deep, cell = nn.LSTM(3, 3, num_layers=2), nn.GRUCell(3, 4)
    deep.weight_hh_l1, cell.bias_hh = deep.weight_hh_l0, cell.bias_ih
    with pytest.warns(UserWarning, match="lstm uses one weight in several places; the copy has one for each"):
        CustomLSTM.from_torch(deep)
    with pytest.warns(UserWarning, match="gru uses one weight in several places; the copy has one for each") as found:
        ours, x = CustomGRU.from_torch(cell), torch.randn(2, 5, 3)
    assert near(ours(x[:, :1])[1], cell(x[:, 0])) and found[0].filename == __file__


def test_without_hooks_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CustomLSTM.from_torch(CustomLSTM.from_torch(nn.LSTM(3, 4, 2)).to_torch())
        CustomGRU.from_torch(nn.GRU(3, 4, batch_first=True)), CustomGRU.from_torch(nn.GRUCell(3, 4))


@pytest.mark.parametrize("kernel", [True, False])
def test_an_empty_batch_with_steps_first_runs_as_in_torch(kernel):
    theirs, nobody = nn.LSTM(3, 4, 2, dropout=0.5, bias=False), torch.zeros(5, 0, 3)
    for lengths in (None, []):
        hidden_seq, states = CustomLSTM.from_torch(theirs)(nobody, None, lengths, kernel=kernel)
        assert hidden_seq.shape == theirs(nobody)[0].shape and states[0].shape == (2, 0, 4)


@pytest.mark.parametrize("in_order", [True, False])
def test_dropout_of_many_sequences_of_equal_lengths_is_that_of_nn_lstm(in_order):
    """From 17 sequences on, torch's sort does not keep the order of equal lengths."""
    torch.manual_seed(0)
    theirs, x, lengths = nn.LSTM(3, 4, 2, dropout=0.5, batch_first=True).double(), double(40, 5, 3), torch.arange(40)
    lengths = 5 - lengths // 8 if in_order else lengths % 5 + 1
    ours, packed = CustomLSTM.from_torch(theirs), pack_padded_sequence(x, lengths, True, enforce_sorted=in_order)
    for arguments in ((packed,), (x, None, lengths)):
        torch.manual_seed(1)
        expected = theirs(packed)[1]
        torch.manual_seed(1)
        got = ours(*arguments)[1]
        assert all(difference(a, b) <= EXACT for a, b in zip(got, expected, strict=True))


def test_dropout_may_be_a_number_of_numpy():
    assert CustomLSTM(3, 4, 2, dropout=np.float32(0.5)).dropout == 0.5


def test_without_a_seed_dropout_keeps_a_share_and_scales_it():
    torch.manual_seed(0)
    lstm, x, zeroed = CustomLSTM(3, 50, 2, dropout=0.3), torch.randn(40, 5, 3), []
    lstm.cells[1].register_forward_hook(lambda cell, given, out: zeroed.append((given[0] == 0).float().mean()))
    lstm(x)
    assert abs(torch.stack(zeroed).mean() - 0.3) < 0.02
    assert not torch.equal(lstm(x)[0], lstm(x)[0])
    assert torch.equal(lstm.eval()(x)[0], lstm(x)[0])


def test_peepholes_take_the_other_options_too():
    for peephole in ("diagonal", "full"):
        torch.manual_seed(0)
        plain = CustomLSTM(3, 4, 2, bidirectional=True, peephole=peephole, bias=False, dtype=torch.float64)
        first = CustomLSTM(3, 4, 2, bidirectional=True, peephole=peephole, bias=False, batch_first=False).double()
        first.load_state_dict(plain.state_dict())
        x, lengths = double(4, 6, 3), torch.tensor([2, 6, 1, 4])
        expected, states = plain(x, lengths=lengths)
        got, own_states = first(pack_padded_sequence(x.transpose(0, 1), lengths, enforce_sorted=False))
        assert difference(pad_packed_sequence(got, batch_first=True)[0], expected) <= EXACT
        assert all(difference(a, b) <= EXACT for a, b in zip(own_states, states, strict=True))


# What is refused, by name --------------------------------------------------------------------------------------------

X, PACKED = torch.randn(2, 5, 3), pack_sequence([torch.randn(5, 3), torch.randn(2, 3)])
REFUSED = {
    "a fourth argument without its name": (lambda: CustomLSTM(3, 4, 1, False), r"3 positional .* bias=False"),
    "nn.LSTM's whole order": (
        lambda: CustomLSTM(3, 4, 1, True, True, 0.5, True, 0),
        r"bias=True, batch_first=True, dropout=0.5, bidirectional=True, proj_size=0",
    ),
    "more than nn.LSTM takes": (lambda: CustomLSTM(3, 4, 1, *range(9)), r"CustomLSTM takes 3 positional"),
    "proj_size": (lambda: CustomLSTM(3, 4, proj_size=2), r"proj_size is 2; it needs 0: .* keep torch.nn.LSTM"),
    "an unknown name": (lambda: CustomLSTM(3, 4, peepholes="full"), r"keyword argument 'peepholes'"),
    "bias": (lambda: CustomLSTM(3, 4, bias=None), r"bias is None; it needs True or False"),
    "bias 0": (lambda: CustomLSTM(3, 4, bias=0), r"bias is 0; it needs True or False"),
    "a forget bias of a cell without biases": (lambda: LSTMCell(3, 4, None, 1.0, False), r"forget_bias is 1.0"),
    "batch_first": (lambda: CustomLSTM(3, 4, batch_first="yes"), r"batch_first is 'yes'; it needs True or False"),
    "torch_states": (lambda: CustomLSTM(3, 4, torch_states=1), r"torch_states is 1; it needs True or False"),
    "dropout below 0": (lambda: CustomLSTM(3, 4, 2, dropout=-0.1), r"dropout is -0.1; it needs a number from 0 to 1"),
    "dropout above 1": (lambda: CustomLSTM(3, 4, 2, dropout=1.5), r"dropout is 1.5; it needs a number from 0 to 1"),
    "dropout NaN": (lambda: CustomLSTM(3, 4, 2, dropout=math.nan), r"dropout is nan; it needs"),
    "dropout True": (lambda: CustomLSTM(3, 4, 2, dropout=True), r"dropout is True; it needs"),
    "dtype of integers": (lambda: CustomLSTM(3, 4, dtype=torch.int64), r"dtype is torch.int64; it needs a floating"),
    "dtype by a text": (lambda: CustomLSTM(3, 4, dtype="float64"), r"dtype is 'float64'; it needs a floating"),
    "a forget bias without biases": (
        lambda: CustomLSTM(3, 4, bias=False, forget_bias=1.0), r"forget_bias is 1.0; it needs 0 with bias=False",
    ),
    "lengths of a packed batch": (lambda: CustomLSTM(3, 4)(PACKED, lengths=[5, 2]), r"lengths .* packed.* needs None"),
    "packed, too wide": (lambda: CustomLSTM(2, 4)(PACKED), r"x has shape \(2, 5, 3\).* N = 2"),
    "packed numbers": (lambda: CustomLSTM(3, 4)(pack_sequence([torch.zeros(5)])), r"x has shape .* needs \(B, T, N\)"),
    "packed, states of another batch": (
        lambda: CustomLSTM(3, 4)(PACKED, (torch.zeros(1, 4),) * 2), r"h_0 of init_states has shape \(1, 4\)",
    ),
    "steps first, too wide": (lambda: CustomLSTM(5, 4, batch_first=False)(X), r"x has shape .* needs \(T, B, N\)"),
    "one sequence": (lambda: CustomLSTM(3, 4)(X[0]), r"x has shape \(5, 3\); it needs \(B, T, N\)"),
    "nn.LSTM's states": (
        lambda: CustomLSTM(3, 4)(X, (torch.zeros(1, 2, 4),) * 2), r"h_0 .* \(1, 2, 4\); it needs \(B, H\)",
    ),
    "our states for torch_states": (
        lambda: CustomLSTM(3, 4, torch_states=True)(X, (torch.zeros(2, 4),) * 2), r"h_0 .* shape \(2, 4\)",
    ),
    "from proj_size": (lambda: CustomLSTM.from_torch(nn.LSTM(3, 4, proj_size=2)), r"proj_size is 2; it needs 0"),
    "a comparison with steps first": (
        lambda: parity.differences(CustomLSTM(3, 4, batch_first=False), nn.LSTM(3, 4, batch_first=True), X),
        r"own has batch_first = False",
    ),
    "a classifier with steps first": (
        lambda: TextClassifier(9, 3, 4, lstm=CustomLSTM(3, 4, batch_first=False)), r"'batch_first': False",
    ),
    "a classifier without biases, to save": (
        lambda: save_classifier(TextClassifier(3, 3, 4, lstm=CustomLSTM(3, 4, bias=False)), Vocabulary([["a"]], 1)),
        r"save_classifier needs .* with biases",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_by_name(case):
    call, message = REFUSED[case]
    with pytest.raises((ValueError, TypeError), match=message) as found:
        call()
    assert found.type is (TypeError if re.search("positional|keyword", str(found.value)) else ValueError)


def test_dropout_with_one_layer_warns_as_in_torch():
    for make in (nn.LSTM, CustomLSTM):
        with pytest.warns(UserWarning, match=r"num_layers"):
            make(3, 4, dropout=0.5)


def test_a_projection_of_nothing_is_taken():
    assert CustomLSTM(3, 4, proj_size=0).hidden_size == 4


# The tables of docs/swap.md ------------------------------------------------------------------------------------------


def rows(text):
    """name -> cells, of every table row of a Markdown text whose last column is code."""
    table = [line.strip()[1:-1].split("|") for line in text.splitlines() if line.startswith("| ")]
    return {
        cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in table if cells[-1].strip() != "the line"
    }


ROWS = rows((ROOT / "docs" / "swap.md").read_text(encoding="utf-8"))
LENGTHS = [7, 2, 5, 1]


@pytest.fixture
def run(tmp_path):
    """Run the lines of a row of the tables on the names of the page. All names, with those that the lines add."""

    def run_row(name, **given):
        torch.manual_seed(0)
        theirs = nn.LSTM(3, 5, batch_first=True)
        names = {"theirs": theirs, "ours": CustomLSTM.from_torch(theirs), "x": torch.randn(4, 7, 3)}
        names |= {"h_0": torch.randn(4, 5), "c_0": torch.randn(4, 5), "lengths": torch.tensor(LENGTHS)}
        names |= {"own": CustomLSTM(3, 5, dtype=torch.float64), "path": tmp_path / "file", "old": nn.LSTM(3, 5)}
        modules = {"torch": torch, "nn": nn, "np": np, "copy": copy, "pickle": pickle, "CustomLSTM": CustomLSTM}
        functions = pack_padded_sequence, stacked_weights, from_torch_weights
        names |= modules | {function.__name__: function for function in functions} | given
        exec("\n".join(re.findall(r"`([^`]+)`", ROWS[name][-1])), names)
        return SimpleNamespace(**names)

    return run_row


def near(a, b, most=1e-6):
    return (torch.as_tensor(a) - torch.as_tensor(b)).abs().max() <= most


def test_every_row_of_the_page_has_its_test():
    source = (ROOT / "tests" / "core" / "test_swap.py").read_text(encoding="utf-8")
    tested = re.findall(r'\brun\(\s*"([^"]+)"', source)
    assert sorted(tested) == sorted(ROWS) and len(ROWS) >= 30


def test_the_lines_of_notebook_08_and_the_readme_are_lines_of_the_page():
    page = {line for cells in ROWS.values() for line in re.findall(r"`([^`]+)`", cells[-1])}
    lesson = json.loads((ROOT / "notebooks" / "08_lstm_cell.ipynb").read_text(encoding="utf-8"))
    (aside,) = [text for cell in lesson["cells"] if "Coming from" in (text := "".join(cell["source"]))]
    lines = [
        line for name, cells in rows(aside).items() if name in ROWS for line in re.findall(r"`([^`]+)`", cells[-1])
    ]
    lines += [line for line in re.search(r"(?s)```python\n(.*?)```", aside)[1].splitlines() if not line.startswith("#")]
    assert len(rows(aside)) == 7 and len(lines) == 14 and set(lines) <= page
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = rows(re.search(r"(?s)Coming from.*?(?=\*\*To teach)", readme)[0])
    assert table.keys() >= {"batch first", "shape of h_n", "positions of arguments", "biases", "`proj_size`"}


def test_row_weights(run):
    now = run("weights")
    assert near(now.ours(now.x)[0], now.theirs(now.x)[0])
    assert now.theirs.weight_ih_l0.shape == (20, 3) and now.theirs.weight_hh_l0.shape == (20, 5)
    assert now.ours.state_dict()["cells.0.W_xi"].shape == (3, 5)
    assert now.ours.state_dict()["cells.0.W_hi"].shape == (5, 5)


def test_row_the_way_back(run):
    now = run("the way back")
    assert type(now.again) is nn.LSTM and now.again.batch_first and near(now.again(now.x)[0], now.theirs(now.x)[0])


def test_row_batch_first(run):
    now = run("batch first")
    assert not now.steps_first.batch_first and CustomLSTM(3, 5).batch_first and not nn.LSTM(3, 5).batch_first
    x = torch.randn(7, 4, 3)  # (T, B, N)
    assert now.steps_first(x)[0].shape == nn.LSTM(3, 5)(x)[0].shape == (7, 4, 5)


def test_row_shape_of_h_n(run):
    now = run("shape of h_n and c_n")
    assert near(now.last, now.theirs(now.x)[1][0][-1]) and now.last.shape == (4, 5)
    assert all(a.shape == b.shape for a, b in zip(now.same(now.x)[1], now.theirs(now.x)[1], strict=True))
    h_n = now.ours(now.x)[1][0]
    assert near(h_n, now.last) and h_n[-1].shape == (5,) and near(h_n[-1], now.ours(now.x[-1:])[1][0][0])
    deep, own = nn.LSTM(3, 5, 2, batch_first=True, bidirectional=True), CustomLSTM(3, 5, 2, bidirectional=True)
    assert deep(now.x)[1][0].shape == own(now.x)[1][0].shape == (4, 4, 5)


def test_row_positions_of_arguments(run):
    now = run("positions of arguments")
    assert not nn.LSTM(3, 5, 1, False).bias and not now.no_bias.bias and len(list(now.no_bias.parameters())) == 8
    with pytest.raises(TypeError, match=r"bias=False"):
        CustomLSTM(3, 5, 1, False)


def test_row_arguments_of_the_call(run):
    now = run("arguments of the call")
    expected, (h_n, c_n) = now.theirs(now.x, (now.h_0[None], now.c_0[None]))
    assert near(now.hidden_seq, expected) and near(now.h_n, h_n[0]) and near(now.c_n, c_n[0])
    again, _ = now.theirs(input=now.x, hx=(now.h_0[None], now.c_0[None]))
    assert near(again, now.ours(x=now.x, init_states=(now.h_0, now.c_0))[0])


def test_row_biases(run):
    now = run("biases")
    assert near(now.b_i, (now.theirs.bias_ih_l0 + now.theirs.bias_hh_l0)[:5], 0)
    before = now.b_i.detach().clone()
    for lstm in (now.ours, now.theirs):
        lstm(now.x)[0].sin().sum().backward()
        torch.optim.SGD(lstm.parameters(), lr=0.1).step()
    moved, theirs_moved = now.b_i - before, (now.theirs.bias_ih_l0 + now.theirs.bias_hh_l0)[:5] - before
    assert near(2 * moved, theirs_moved) and moved.abs().max() > 1e-3


def test_row_dropout(run):
    now = run("dropout")
    theirs, found = now.dropped.to_torch(), []
    for lstm in (now.dropped, theirs):
        torch.manual_seed(1)
        found.append(lstm(now.x)[0])
    assert near(*found) and not near(now.dropped(now.x)[0], found[0], 1e-3)


def test_row_first_weights(run):
    now = run("first weights")
    assert near(now.ours(now.x)[0], now.theirs(now.x)[0])
    found = []
    for make in (nn.LSTM, CustomLSTM):
        torch.manual_seed(0)
        found.append(torch.cat([w.detach().flatten() for w in make(3, 64).parameters()]))
    assert all(0.99 / 8 < w.abs().max() <= 1 / 8 for w in found)
    assert not near(*(w.sort().values[:1000] for w in found))


def test_row_proj_size(run):
    now = run("proj_size")
    assert now.kept.proj_size == 2 and now.kept.weight_hh_l0.shape == (20, 2)  # a step reads what was projected
    for refused in (lambda: CustomLSTM(3, 5, proj_size=2), lambda: CustomLSTM.from_torch(now.kept)):
        with pytest.raises(ValueError, match="proj_size"):
            refused()


def test_row_packed_sequences(run):
    now = run("packed sequences")
    expected, (h_n, _) = now.theirs(now.packed)
    assert near(now.packed_out.data, expected.data) and near(now.h_n, h_n[0])
    padded, _ = pad_packed_sequence(expected, batch_first=True)
    assert near(now.hidden_seq, padded) and (now.hidden_seq[1, 2:] == 0).all()


def test_row_one_sequence(run):
    now = run("one sequence")
    assert near(now.hidden_seq[0], now.theirs(now.x[0])[0])
    with pytest.raises(ValueError, match=r"x has shape \(7, 3\); it needs \(B, T, N\)"):
        now.ours(now.x[0])


def test_row_device_and_dtype(run):
    now = run("device and dtype")
    assert {(w.dtype, w.device.type) for w in now.double.parameters()} == {(torch.float64, "cpu")}
    assert CustomLSTM(3, 5, device="meta").cells[0].W_xi.is_meta


def test_row_optimiser(run):
    now = run("optimiser")
    model = nn.ModuleDict({"lstm": now.theirs})
    early = torch.optim.SGD(model.parameters(), lr=0.1)
    model["lstm"], before = now.ours, now.ours.cells[0].W_xi.detach().clone()
    model["lstm"](now.x)[0].sin().sum().backward()
    early.step()
    assert near(now.ours.cells[0].W_xi, before, 0)
    now.optimiser.step()
    assert not near(now.ours.cells[0].W_xi, before, 1e-3)


def test_row_encoder_and_decoder(run):
    now = run("an encoder and a decoder")
    assert near(now.answer, now.theirs(now.x, now.theirs(now.x)[1])[0])
    with pytest.raises(ValueError, match=r"h_0 of init_states \(without torch_states=True\) has shape \(1, 4, 5\)"):
        now.ours(now.x, now.theirs(now.x)[1])
    with pytest.raises(RuntimeError, match="hx and cx should also be 3-D"):
        now.theirs(now.x, now.ours(now.x)[1])


def test_row_names_and_types(run):
    now = run("names and types")
    assert not any(word in name for name, _ in now.ours.named_parameters() for word in ("bias", "weight_hh"))
    assert any(b is now.ours.cells[0].b_f for b in now.biases) and len(now.biases) == len(now.recurrent) == 4
    assert {tuple(w.shape) for w in now.biases} == {(5,)} and {tuple(w.shape) for w in now.recurrent} == {(5, 5)}
    assert now.is_lstm and not isinstance(now.ours, nn.LSTM)


def test_row_frozen_weights(run):
    now = run("frozen weights")
    frozen = {name for name, w in now.half.named_parameters() if not w.requires_grad}
    assert frozen == {f"cells.0.W_h{gate}" for gate in "ifco"}
    assert not now.half.to_torch().weight_hh_l0.requires_grad and now.half.to_torch().weight_ih_l0.requires_grad


def test_row_subclasses_norms_and_pruning(run):
    theirs, x = nn.LSTM(3, 5, batch_first=True), torch.randn(4, 7, 3)
    prune.l1_unstructured(theirs, "weight_hh_l0", 0.5)
    expected = theirs(x)[0]
    now = run("subclasses, norms, pruning", theirs=theirs, prune=prune)
    assert near(now.ours(x)[0], expected)


def test_row_hooks(run):
    seen = []
    now = run("hooks", see=lambda *given: seen.append(given))
    now.ours(now.x)
    assert len(seen) == 1


def test_row_flatten_parameters(run):
    assert run("`flatten_parameters()`").del_the_line


# Weights from elsewhere: against the equations in NumPy, as Keras documents them, and against ONNX's own evaluator ----


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def keras_lstm(x, kernel, recurrent_kernel, bias):
    """Keras's LSTM layer on x (B, T, N): the four blocks are the input gate, the forget gate, the cell, the output."""
    h = c = np.zeros((len(x), len(recurrent_kernel)))
    outputs = []
    for x_t in x.swapaxes(0, 1):
        i, f, cell, o = np.split(x_t @ kernel + h @ recurrent_kernel + bias, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(cell)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs, axis=1)


def onnx_lstm(x, W, R, B):
    """Y of ONNX's operator LSTM in one direction, by its reference implementation: x (T, B, N) -> (T, 1, B, H)."""
    inputs = {"X": x, "W": W, "R": R, "B": B}
    node = helper.make_node("LSTM", list(inputs), ["Y"], hidden_size=R.shape[2])
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None] * dims) for name, dims in end.items()]
        for end in ({name: value.ndim for name, value in inputs.items()}, {"Y": 4})
    ]
    graph = helper.make_graph([node], "lstm", *ends)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)])
    onnx.checker.check_model(model, full_check=True)
    return ReferenceEvaluator(model).run(None, inputs)[0]


RANDOM = np.random.default_rng(0)
BATCH = RANDOM.normal(size=(4, 7, 3))
KERAS = {"kernel": RANDOM.normal(size=(3, 20)), "recurrent_kernel": RANDOM.normal(size=(5, 20)),
         "bias": RANDOM.normal(size=20)}  # fmt: skip
ONNX = {"W": RANDOM.normal(size=(1, 20, 3)), "R": RANDOM.normal(size=(1, 20, 5)), "B": RANDOM.normal(size=(1, 40))}


def test_row_from_keras(run):
    now = run("from Keras", **KERAS)
    assert near(now.own(torch.as_tensor(BATCH))[0].detach(), keras_lstm(BATCH, **KERAS), EXACT)


def test_row_to_keras(run):
    now = run("to Keras")
    expected = keras_lstm(BATCH, now.kernel, now.recurrent_kernel, now.bias)
    assert near(now.own(torch.as_tensor(BATCH))[0].detach(), expected, EXACT)


def test_row_from_onnx(run):
    now = run("from ONNX", **ONNX)
    expected = onnx_lstm(BATCH.swapaxes(0, 1), **ONNX)[:, 0].swapaxes(0, 1)
    assert near(now.own(torch.as_tensor(BATCH))[0].detach(), expected, EXACT)
    assert not near(now.own(torch.as_tensor(BATCH))[0].detach(), keras_lstm(BATCH, **KERAS), 1e-3)


def test_row_to_onnx(run):
    now = run("to ONNX")
    Y = onnx_lstm(BATCH.swapaxes(0, 1), *(w.numpy() for w in (now.W, now.R, now.B)))
    assert near(now.own(torch.as_tensor(BATCH))[0].detach(), Y[:, 0].swapaxes(0, 1), EXACT)


# What else works ------------------------------------------------------------------------------------------------------


def works(name):
    return {"yes": True, "no": False}[ROWS[name][0]]


def same(now, module):
    return near(module(now.x)[0], now.theirs(now.x)[0])


def test_row_save_and_load(run):
    now = run("save and load")
    assert works("save and load") and same(now, now.again)
    names = {f"cells.0.{w}{k}" for w in ("W_x", "W_h", "b_") for k in "ifco"}
    assert set(torch.load(now.path, weights_only=True)) == names  # as in every file since the first version


def test_row_the_state_dict_of_torchs(run):
    now = run("the `state_dict` of an `nn.LSTM`")
    assert not works("the `state_dict` of an `nn.LSTM`") and same(now, now.again)
    with pytest.raises(RuntimeError, match="Missing key"):
        now.ours.load_state_dict(now.old.state_dict())


OPTIONS = [{}, {"bias": False, "batch_first": False, "num_layers": 2, "dropout": 0.5, "bidirectional": True}]


@pytest.mark.parametrize("options", OPTIONS)
def test_rows_deepcopy_and_pickle(run, options):
    assert works("deepcopy") and works("pickle")
    lstm = CustomLSTM(3, 5, **options, torch_states=True).eval()
    for now in (run("deepcopy", ours=lstm), run("pickle", ours=lstm)):
        got, expected = now.again(now.x), lstm(now.x)
        assert near(got[0], expected[0], 0) and near(got[1][1], expected[1][1], 0)
        assert now.again.cells[0].W_xi is not lstm.cells[0].W_xi


def test_a_module_that_was_pickled_before_the_options_still_runs():
    lstm, x = CustomLSTM(3, 5, 2), torch.randn(4, 7, 3)
    old = copy.deepcopy(lstm)
    for module, names in ((old, "bias batch_first dropout torch_states bidirectional"), (old.cells[0], "bias")):
        for name in names.split():
            del vars(module)[name]
    again = pickle.loads(pickle.dumps(old))
    assert near(again(x)[0], lstm(x)[0], 0) and near(again.to_torch()(x)[0], lstm(x)[0])


def test_row_export(run):
    now = run("`torch.export`")
    assert works("`torch.export`")
    lengths = torch.tensor([3, 1, 2, 3])
    got, expected = now.exported(now.x, lengths=lengths), now.ours(now.x[:, :3], lengths=lengths)
    assert near(got[0][:, :3], expected[0]) and near(got[1][0], expected[1][0])
    for lstm in (now.ours, now.ours.to_torch()):
        with pytest.raises(Exception, match=r"onstraints violated|_flat_weights"):  # so torch 2.8 of its own LSTM
            x = torch.randn(4, 7, 3)
            torch.export.export(lstm, (x,), dynamic_shapes=({1: torch.export.Dim.DYNAMIC},))


def test_row_export_of_a_packed_batch(run):
    now = run("`torch.export` with a packed batch")
    assert not works("`torch.export` with a packed batch")
    packed = pack_padded_sequence(now.x, LENGTHS, batch_first=True, enforce_sorted=False)
    with pytest.raises(Exception):  # noqa: B017
        torch.export.export(now.ours, (packed,))
    got, _ = now.exported(now.x, lengths=now.lengths)
    assert near(got, pad_packed_sequence(now.ours(packed)[0], batch_first=True)[0])


def evaluated(path, *arrays):
    """The first output of an ONNX file, by the reference evaluator, and the kinds of its nodes."""
    model = onnx.load(path)
    inputs = dict(zip([end.name for end in model.graph.input], [a.numpy() for a in arrays], strict=True))
    return torch.as_tensor(ReferenceEvaluator(model).run(None, inputs)[0]), [n.op_type for n in model.graph.node]


@pytest.mark.filterwarnings("ignore")  # of torch, for its older exporter
def test_row_onnx_by_the_older_exporter(run):
    now = run("ONNX, `dynamo=False`")
    got, nodes = evaluated(now.path, now.x)
    assert works("ONNX, `dynamo=False`") and near(got, now.theirs(now.x)[0]) and "LSTM" not in nodes
    assert nodes.count("Tanh") == 2 * 7  # for each step


@pytest.mark.filterwarnings("ignore")
def test_row_onnx_by_the_newer_exporter(run):
    pytest.importorskip("onnxscript")
    now = run("ONNX, `dynamo=True`")
    assert works("ONNX, `dynamo=True`") and near(evaluated(now.path, now.x)[0], now.theirs(now.x)[0])


@pytest.mark.filterwarnings("ignore")
def test_row_onnx_at_any_length(run):
    now = run("ONNX at any T")
    x = torch.randn(2, 9, 3)
    got, nodes = evaluated(now.path, x)
    assert nodes.count("LSTM") == 1 and near(got, now.theirs(x)[0])
    torch.onnx.export(now.ours, (now.x,), now.path, dynamo=False, input_names=["x"], dynamic_axes=now.free)
    assert evaluated(now.path, torch.randn(9, 7, 3))[0].shape == (9, 7, 5)  # B is free
    assert not works("ONNX at any T") and evaluated(now.path, x)[0].shape == (2, 7, 5)  # T is not, and no error says so


@pytest.mark.filterwarnings("ignore")
def test_row_script(run):
    now = run("`torch.jit.script`")
    assert not works("`torch.jit.script`") and same(now, now.traced) and same(now, now.scripted)
    with pytest.raises(Exception, match="not supported"):
        torch.jit.script(now.ours)
    with pytest.raises(RuntimeError):
        now.traced(now.x[:, :5])


NEEDS_COMPILER = pytest.mark.skipif(bool(speed.no_compiler()), reason=speed.no_compiler())


@pytest.mark.parametrize("backend", [pytest.param("inductor", marks=[pytest.mark.full, NEEDS_COMPILER]), "eager"])
def test_row_compile(run, backend, monkeypatch):
    real = torch.compile
    monkeypatch.setattr(torch, "compile", lambda module: real(module, backend=backend))
    torch.compiler.reset()
    now = run("`torch.compile`", x=torch.randn(4, 2, 3))
    assert works("`torch.compile`") and same(now, now.compiled)


def test_row_ddp(run, tmp_path, monkeypatch):
    if sys.platform == "linux":
        monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    store = (tmp_path / "store").as_uri()
    torch.distributed.init_process_group("gloo", init_method=store, rank=0, world_size=1)
    try:
        now = run("DDP")
        now.replica(now.x)[0].sin().sum().backward()
        now.theirs(now.x)[0].sin().sum().backward()
        assert works("DDP") and same(now, now.replica)
        assert near(now.ours.cells[0].W_xi.grad, now.theirs.weight_ih_l0.grad[:5].t())
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_row_quantize_dynamic(run):
    now = run("`quantize_dynamic`")
    unchanged = torch.ao.quantization.quantize_dynamic(nn.Sequential(now.ours), {nn.LSTM})
    assert torch.equal(unchanged(now.x)[0], now.ours(now.x)[0]) and type(unchanged[0]) is CustomLSTM
    assert works("`quantize_dynamic`") is False and "quantized" in type(now.small[0]).__module__
    assert near(now.small(now.x)[0], now.ours(now.x)[0], 0.05)


def test_row_amp(run):
    now = run("AMP")
    with torch.autocast("cpu", torch.bfloat16):
        theirs, _ = now.theirs(now.x)
    assert works("AMP") and now.hidden_seq.dtype == torch.float32 and theirs.dtype == torch.bfloat16
    assert near(now.hidden_seq, now.theirs(now.x)[0], 0.01) and near(theirs.float(), now.theirs(now.x)[0], 0.01)
    now.hidden_seq.sum().backward()
    assert all(w.grad.isfinite().all() for w in now.ours.parameters())
    with torch.autocast("cpu", torch.bfloat16), pytest.raises(ValueError, match="kernel does not know autocast"):
        now.ours(now.x, kernel=True)


def test_row_bfloat16(run):
    now = run("bfloat16")
    assert works("bfloat16") and now.hidden_seq.dtype == torch.bfloat16
    assert near(now.hidden_seq.float(), now.theirs(now.x)[0], 0.02)
    with pytest.raises(ValueError, match="kernel computes in float32 or float64"):
        now.ours(now.x.bfloat16(), kernel=True)
