"""CustomLSTM in the place of nn.LSTM: equal over its options, and the tables of docs/swap.md, whose lines are run."""

import copy
import math
import pickle
import re
import warnings
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pack_sequence, pad_packed_sequence

from lstm_lesson import CustomLSTM, LSTMCell, parity, record
from lstm_lesson.layers import from_torch_weights
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
    "a forget bias of a cell without biases": (lambda: LSTMCell(3, 4, None, 1.0, False), r"forget_bias is 1.0; it needs 0"),
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
    "from proj_size": (lambda: CustomLSTM.from_torch(nn.LSTM(3, 4, proj_size=2)), r"proj_size = 2; it needs .*0"),
    "a comparison with steps first": (
        lambda: parity.differences(CustomLSTM(3, 4, batch_first=False), nn.LSTM(3, 4, batch_first=True), X),
        r"own has batch_first = False",
    ),
    "a classifier with steps first": (
        lambda: TextClassifier(9, 3, 4, lstm=CustomLSTM(3, 4, batch_first=False)), r"batch_first=False",
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
