"""The modules: how they start, what they return, and which errors they raise for input that does not fit."""

import math

import pytest
import torch
from torch import nn

from lstm_lesson import CustomLSTM, LSTMCell, RNNCell
from lstm_lesson.cells import lstm_step
from lstm_lesson.layers import from_torch_weights, last_true_step, lstm, masked_step, unroll
from lstm_lesson.parity import differences
from lstm_lesson.text.classifiers import BagOfWords, TextClassifier

EQUATION_NAMES = {f"{w}{k}" for w in ("W_x", "W_h", "b_") for k in "ifco"}


@pytest.mark.parametrize(
    ("model", "H"), [(RNNCell(30, 50), 50), (LSTMCell(30, 50, "full"), 50), (CustomLSTM(3, 64, 2), 64)]
)
def test_weights_start_uniform_within_one_over_root_h(model, H):
    weights = torch.cat([p.detach().flatten() for p in model.parameters()])
    bound = 1 / math.sqrt(H)
    assert weights.abs().max() <= bound
    assert weights.abs().max() > 0.99 * bound
    assert abs(weights.mean()) < 0.03 * bound
    assert abs(weights.std() - bound / math.sqrt(3)) < 0.03 * bound  # the standard deviation of a uniform


@pytest.mark.parametrize("peephole", [None, "diagonal", "full"])
def test_a_seed_gives_the_weights_that_it_has_always_given(peephole):
    """Gate by gate, i, f, c, o, each W_x, W_h, b, and then the peepholes: saved results depend on this order."""
    N, H = 3, 5
    shapes = {f"{w}{k}": shape for k in "ifco" for w, shape in (("W_x", (N, H)), ("W_h", (H, H)), ("b_", (H,)))}
    if peephole:
        shapes |= {f"W_c{k}": (H, H) if peephole == "full" else (H,) for k in "ifo"}
    torch.manual_seed(1)
    found = LSTMCell(N, H, peephole, forget_bias=0.5).weights
    torch.manual_seed(1)
    expected = {name: torch.empty(shape).uniform_(-(5**-0.5), 5**-0.5) for name, shape in shapes.items()}
    expected["b_f"] += 0.5
    assert list(found) == list(expected)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_parameters_have_the_names_of_the_equations():
    assert set(dict(LSTMCell(3, 5).named_parameters())) == EQUATION_NAMES
    assert set(LSTMCell(3, 5, peephole="full").weights) == EQUATION_NAMES | {"W_ci", "W_cf", "W_co"}
    assert {n.removeprefix("cells.0.") for n, _ in CustomLSTM(3, 5).named_parameters()} == EQUATION_NAMES
    assert set(dict(RNNCell(3, 5).named_parameters())) == {"W_xh", "W_hh", "b_h"}


def test_forget_bias_changes_b_f_and_nothing_else():
    torch.manual_seed(0)
    plain = LSTMCell(3, 5)
    torch.manual_seed(0)
    biased = LSTMCell(3, 5, forget_bias=2.0)
    for name in EQUATION_NAMES:
        shift = 2.0 if name == "b_f" else 0.0
        assert torch.allclose(biased.weights[name], plain.weights[name] + shift)


def test_cells_start_from_zeros_when_no_state_is_given():
    x_t, zeros = torch.randn(4, 3), torch.zeros(4, 5)
    rnn, cell = RNNCell(3, 5), LSTMCell(3, 5)
    assert torch.equal(rnn(x_t), rnn(x_t, zeros))
    assert all(torch.equal(a, b) for a, b in zip(cell(x_t), cell(x_t, (zeros, zeros)), strict=True))


@pytest.mark.parametrize(
    ("options", "state"), [({}, (4, 6)), ({"num_layers": 2}, (2, 4, 6)), ({"bidirectional": True}, (2, 4, 6))]
)
def test_shapes_of_states_and_hidden_sequence(options, state):
    model = CustomLSTM(3, 6, **options)
    hidden_seq, (h_n, c_n) = model(torch.randn(4, 5, 3))
    assert hidden_seq.shape == (4, 5, 6 * (2 if "bidirectional" in options else 1))
    assert h_n.shape == c_n.shape == state
    model(torch.randn(4, 5, 3), (h_n, c_n))  # what comes out goes in again


def test_a_state_carried_over_two_halves_equals_one_run():
    model, x = CustomLSTM(3, 6, num_layers=2).double(), torch.randn(4, 8, 3, dtype=torch.float64)
    whole, _ = model(x)
    first, state = model(x[:, :5])
    second, _ = model(x[:, 5:], state)
    assert torch.equal(torch.cat([first, second], dim=1), whole)


def test_the_layer_moves_trains_and_reloads_like_any_module(tmp_path):
    model = CustomLSTM(3, 6)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(torch.randn(4, 5, 3))[0].square().sum().backward()
    optimizer.step()
    assert all(not torch.equal(v, before[k]) for k, v in model.state_dict().items())
    torch.save(model.state_dict(), tmp_path / "lstm.pt")
    again = CustomLSTM(3, 6)
    again.load_state_dict(torch.load(tmp_path / "lstm.pt", weights_only=True))
    x = torch.randn(2, 4, 3)
    assert torch.equal(again(x)[0], model(x)[0])


x, h = torch.randn(2, 5, 3), torch.randn(2, 4)
MODEL, STACKED = CustomLSTM(3, 4), CustomLSTM(3, 4, num_layers=2)
WEIGHTS = LSTMCell(3, 4).weights
BAD = {
    "x of rank 2": (lambda: MODEL(x[0]), r"x has shape \(5, 3\); it needs \(B, T, N\)"),
    "x too wide": (lambda: MODEL(torch.randn(2, 5, 7)), r"x has shape \(2, 5, 7\).* N = 3"),
    "x without steps": (lambda: MODEL(x[:, :0]), r"x has shape \(2, 0, 3\).*at least 1"),
    "nothing to compare": (lambda: differences(MODEL, MODEL.to_torch(), x[:0]), r"x has shape \(0, 5, 3\).*at least 1"),
    "x of integers": (lambda: MODEL(x.long()), r"x has dtype torch.int64.*floating"),
    "x of another dtype": (lambda: MODEL(x.double()), r"has dtype torch.float32; it needs torch.float64"),
    "x on another device": (lambda: MODEL(x.to("meta")), r"has device"),
    "kernel no bool": (lambda: MODEL(x, kernel="quick"), r"kernel is 'quick'; it needs None, True or False"),
    "x no tensor": (lambda: MODEL(x.tolist()), r"x is list; it needs a torch.Tensor"),
    "states of another batch": (lambda: MODEL(x, (h[:1], h)), r"h_0 of init_states has shape \(1, 4\).*B = 2"),
    "memory of another batch": (lambda: MODEL(x, (h, h[:1])), r"c_0 of init_states has shape \(1, 4\).*B = 2"),
    "states of another rank": (lambda: MODEL(x, (h[None],) * 2), r"h_0 of init_states \(without torch_states=T"),
    "states of too few layers": (lambda: STACKED(x, (h[None], h[None])), r"h_0 of init_states.*layers.directions = 2"),
    "states of another dtype": (lambda: MODEL(x, (h.double(), h)), r"h_0 of init_states has dtype"),
    "one state": (lambda: MODEL(x, h), r"init_states has type Tensor; it needs a pair"),
    "three states": (lambda: MODEL(x, (h, h, h)), r"init_states has 3 entries; it needs a pair"),
    "length 0": (lambda: MODEL(x, lengths=[5, 0]), r"lengths has entries from 0 to 5; it needs 1 to T = 5"),
    "length above T": (lambda: MODEL(x, lengths=[6, 1]), r"lengths has entries from 1 to 6; it needs 1 to T = 5"),
    "lengths of another batch": (lambda: MODEL(x, lengths=[5]), r"lengths has shape \(1,\); it needs \(B,\) = \(2,\)"),
    "lengths not whole": (lambda: MODEL(x, lengths=[5.0, 2.5]), r"lengths has dtype torch.float32"),
    "lengths no numbers": (lambda: MODEL(x, lengths=["5", "2"]), r"lengths is list"),
    "hidden_size 0": (lambda: CustomLSTM(3, 0), r"hidden_size is 0; it needs a whole number of at least 1"),
    "input_size 2.5": (lambda: LSTMCell(2.5, 3), r"input_size is 2.5"),
    "num_layers True": (lambda: CustomLSTM(3, 4, num_layers=True), r"num_layers is True"),
    "bidirectional 1": (lambda: CustomLSTM(3, 4, bidirectional=1), r"bidirectional is 1"),
    "peephole unknown": (lambda: CustomLSTM(3, 4, peephole="half"), r"peephole is 'half'; it needs None"),
    "forget_bias NaN": (lambda: LSTMCell(3, 4, forget_bias=math.nan), r"forget_bias is nan"),
    "cell: x_t of rank 3": (lambda: LSTMCell(3, 4)(x), r"x_t has shape \(2, 5, 3\); it needs \(B, N\)"),
    "cell: x_t too wide": (lambda: LSTMCell(2, 4)(x[:, 0]), r"W_xi has shape \(2, 4\); it needs \(N, H\) with N = 3"),
    "cell: state of another batch": (lambda: LSTMCell(3, 4)(x[:, 0], (h[:1], h[:1])), r"h_prev has shape \(1, 4\)"),
    "cell: one state": (lambda: LSTMCell(3, 4)(x[:, 0], h), r"state has type Tensor; it needs a pair"),
    "rnn cell: h of another size": (lambda: RNNCell(3, 5)(x[:, 0], h), r"W_xh has shape \(3, 5\).*H = 4"),
    "unroll: x of rank 2": (lambda: unroll(x[:, 0], h, x[0, :3], h[0], h[0]), r"x has shape \(2, 3\)"),
    "lstm_step: weights missing": (lambda: lstm_step(x[:, 0], h, h, {}), r"weights has no W_xi, W_hi, b_i"),
    "lstm_step: weights no mapping": (lambda: lstm_step(x[:, 0], h, h, [1]), r"weights is list; it needs a mapping"),
    "lstm: c_0 of another batch": (lambda: lstm(x, h, h[:1], WEIGHTS), r"c_0 has shape \(1, 4\)"),
    "keep of numbers": (lambda: masked_step(h, h, torch.ones(2)), r"keep has .*float32; it needs a bool tensor"),
    "keep too long": (lambda: masked_step(h, h, torch.ones(3, dtype=bool)), r"keep has shape \(3,\)"),
    "h_prev of another batch": (lambda: masked_step(h, h[:1], torch.ones(2, dtype=bool)), r"h_prev has shape \(1, 4\)"),
    "last step of length 0": (lambda: last_true_step(x, [0, 1]), r"lengths has entries from 0 to 1"),
    "last step of rank 2": (lambda: last_true_step(h, [1, 1]), r"hidden_seq has shape \(2, 4\)"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case):
    call, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        call()


def stacked(N=3, H=4):
    return {"weight_ih": (4 * H, N), "weight_hh": (4 * H, H), "bias_ih": (4 * H,), "bias_hh": (4 * H,)}


@pytest.mark.parametrize("name", stacked())
def test_weights_with_nan_are_not_copied(name):
    weights = {k: torch.zeros(s) for k, s in stacked().items()}
    weights[name].view(-1)[0] = math.nan
    with pytest.raises(ValueError, match=f"{name} has 1 NaN entries"):
        from_torch_weights(**weights)
    torch_lstm = nn.LSTM(3, 4, batch_first=True)
    torch_lstm.load_state_dict({f"{k}_l0": w for k, w in weights.items()})
    with pytest.raises(ValueError, match=f"{name} has 1 NaN entries"):
        CustomLSTM.from_torch(torch_lstm)


def test_to_torch_refuses_what_torchs_lstm_does_not_have():
    with pytest.raises(ValueError, match="peephole is 'full'"):
        CustomLSTM(3, 4, peephole="full").to_torch()
    model = CustomLSTM(3, 4)
    with torch.no_grad():
        model.cells[0].W_xi[0, 0] = math.nan
    with pytest.raises(ValueError, match=r"cells.0.W_xi has 1 NaN entries"):
        model.to_torch()


@pytest.mark.parametrize(
    ("theirs", "message"),
    [
        (nn.LSTM(3, 4, proj_size=2), "proj_size is 2; it needs 0"),
        (nn.GRU(3, 4), "lstm is GRU"),
    ],
)
def test_from_torch_refuses_what_our_lstm_does_not_have(theirs, message):
    with pytest.raises(ValueError, match=message):
        CustomLSTM.from_torch(theirs)


def test_stacked_weights_that_do_not_fit_are_named():
    weights = {k: torch.zeros(s) for k, s in stacked().items()}
    with pytest.raises(ValueError, match=r"weight_hh has shape \(16, 5\); it needs \(4H, H\)"):
        from_torch_weights(**{**weights, "weight_hh": torch.zeros(16, 5)})
    with pytest.raises(ValueError, match=r"bias_hh has shape \(4,\)"):
        from_torch_weights(**{**weights, "bias_hh": torch.zeros(4)})
    with pytest.raises(ValueError, match=r"bias_ih has dtype torch.float64"):
        from_torch_weights(**{**weights, "bias_ih": torch.zeros(16).double()})


def test_copied_weights_are_copies():
    theirs = nn.LSTM(3, 4, batch_first=True)
    ours = CustomLSTM.from_torch(theirs)
    with torch.no_grad():
        theirs.weight_ih_l0.zero_()
    assert ours.cells[0].W_xi.abs().min() > 0


def test_from_torch_weights_shares_no_memory_with_its_source():
    source = {k: torch.randn(s) for k, s in stacked().items()}
    copies = from_torch_weights(**source)
    before = {k: w.clone() for k, w in copies.items()}
    for tensor in source.values():
        tensor.zero_()
    assert all(torch.equal(w, before[k]) for k, w in copies.items())


def test_last_true_step_is_the_last_step_of_each_sequence():
    hidden_seq = torch.arange(24.0).view(2, 4, 3)
    assert torch.equal(last_true_step(hidden_seq, [4, 2]), torch.stack([hidden_seq[0, 3], hidden_seq[1, 1]]))
    assert torch.equal(last_true_step(hidden_seq, torch.tensor([1, 1])), hidden_seq[:, 0])


def test_masked_step_keeps_the_old_state_where_the_step_is_padding():
    new, old = torch.ones(3, 2), torch.full((3, 2), float("nan"))
    kept = masked_step(new, old, torch.tensor([True, False, True]))
    assert kept[[0, 2]].eq(1).all()
    assert kept[1].isnan().all()


def test_from_torch_keeps_dtype():
    assert CustomLSTM.from_torch(nn.LSTM(3, 4, batch_first=True).double()).cells[0].W_xi.dtype == torch.float64


# An empty batch, as in PyTorch ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", [True, False])
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}])
def test_an_empty_batch_runs_as_in_torch(options, kernel):
    theirs, nobody = nn.LSTM(3, 4, batch_first=True, **options), torch.zeros(0, 5, 3, requires_grad=True)
    ours, (expected, states) = CustomLSTM.from_torch(theirs), theirs(nobody)
    hidden_seq, own_states = ours(nobody, kernel=kernel)
    assert hidden_seq.shape == expected.shape
    assert all(own.numel() == 0 and own.shape[-2:] == s.shape[-2:] for own, s in zip(own_states, states, strict=True))
    for lengths in ([], torch.zeros(0, dtype=torch.int64)):
        assert ours(nobody, own_states, lengths, kernel=kernel)[0].shape == expected.shape
    hidden_seq.sum().backward()
    assert all((weight.grad == 0).all() for weight in ours.parameters())


def test_the_cells_take_an_empty_batch():
    x_t = torch.zeros(0, 3)
    assert LSTMCell(3, 4)(x_t)[0].shape == LSTMCell(3, 4, "full")(x_t)[1].shape == RNNCell(3, 4)(x_t).shape == (0, 4)
    assert last_true_step(torch.zeros(0, 5, 4), []).shape == (0, 4)


# Mixed precision and export -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}, {"peephole": "full"}])
def test_autocast_behind_another_layer_runs_and_stays_close(options):
    torch.manual_seed(0)
    model, before, x = CustomLSTM(3, 4, **options), nn.Linear(3, 3), torch.randn(2, 5, 3)
    exact, _ = model(before(x), lengths=[5, 2])
    with torch.autocast("cpu", torch.bfloat16):
        hidden_seq, states = model(before(x), lengths=[5, 2])
        model(before(x), states)
    hidden_seq.sum().backward()
    assert (hidden_seq - exact).abs().max() < 0.02  # bfloat16 has 8 bits
    assert all(weight.grad.isfinite().all() for weight in model.parameters())


def test_autocast_behind_another_layer_runs_the_cells():
    x_t = torch.randn(2, 3, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        h, c = LSTMCell(3, 4)(x_t)
        LSTMCell(3, 4)(x_t, (h.float(), c.bfloat16()))
        RNNCell(3, 4)(x_t)
        with pytest.raises(ValueError, match=r"W_xi has dtype torch.float32; it needs torch.float64"):
            LSTMCell(3, 4)(x_t.double())  # autocast leaves float64 alone
    with pytest.raises(ValueError, match=r"W_xi has dtype torch.float32; it needs torch.bfloat16"):
        LSTMCell(3, 4)(x_t)


@pytest.mark.parametrize("strict", [pytest.param(True, marks=pytest.mark.full), False])
@pytest.mark.parametrize("make", [
    lambda: (CustomLSTM(3, 4, 2, bidirectional=True), lambda B: torch.randn(B, 2, 3)),  # T = 2: each step is traced
    lambda: (TextClassifier(9), lambda B: torch.randint(9, (B, 2))),
    lambda: (BagOfWords(9, [torch.arange(9)]), lambda B: torch.randint(9, (B, 2))),
])  # fmt: skip
def test_a_model_with_lengths_can_be_exported_for_every_batch_size(make, strict):
    model, draw = make()
    batch = {0: torch.export.Dim("B", min=2, max=64)}
    given = {"lengths": torch.tensor([2, 1])}
    shapes = {"x" if isinstance(model, CustomLSTM) else "ids": batch, "lengths": batch}
    if isinstance(model, CustomLSTM):
        shapes |= {"init_states": None, "kernel": None}
        given |= {"init_states": None, "kernel": None}
    exported = torch.export.export(model, (draw(2),), given, dynamic_shapes=shapes, strict=strict).module()
    x, given["lengths"] = draw(7), torch.randint(1, 3, (7,))
    got, expected = (run(x, **given) for run in (exported, model))
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(got[:1], expected[:1], strict=True))
