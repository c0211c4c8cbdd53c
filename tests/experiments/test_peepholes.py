"""Peepholes: equal to ONNX's LSTM operator; what their misreading is; and the timing of spikes over paired seeds."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from lstm_lesson import CustomLSTM, equations
from lstm_lesson.cells import lstm_step
from lstm_lesson.exercises.catalogue import references
from lstm_lesson.experiments import broken_cells, runs

ORDER, PEEPHOLES = "iofc", "iof"  # in which ONNX stacks gates, and peepholes


def onnx_lstm(lstm, x, h_0, c_0):
    """Y (T, 1, B, H), Y_h and Y_c (1, B, H) of ONNX's operator with the weights of a diagonal-peephole LSTM."""
    w = {name: weight.detach().numpy() for name, weight in lstm.cells[0].weights.items()}
    biases = [w[f"b_{k}"] for k in ORDER]
    inputs = {
        "X": x.transpose(0, 1).numpy(),  # steps first
        "W": np.concatenate([w[f"W_x{k}"].T for k in ORDER])[None],
        "R": np.concatenate([w[f"W_h{k}"].T for k in ORDER])[None],
        "B": np.concatenate([*biases, *map(np.zeros_like, biases)])[None],  # ONNX adds two biases, as PyTorch does
        "": None,  # no lengths: the reference evaluator would not read them
        "initial_h": h_0[None].numpy(),
        "initial_c": c_0[None].numpy(),
        "P": np.concatenate([w[f"W_c{k}"] for k in PEEPHOLES])[None],
    }
    outputs = {"Y": 4, "Y_h": 3, "Y_c": 3}
    node = helper.make_node("LSTM", list(inputs), list(outputs), hidden_size=lstm.hidden_size)
    ends = {name: value.ndim for name, value in inputs.items() if name}, outputs
    values = [
        [helper.make_tensor_value_info(n, TensorProto.DOUBLE, [None] * k) for n, k in end.items()] for end in ends
    ]
    model = helper.make_model(helper.make_graph([node], "lstm", *values), opset_imports=[helper.make_opsetid("", 22)])
    onnx.checker.check_model(model, full_check=True)
    return ReferenceEvaluator(model).run(None, {name: value for name, value in inputs.items() if name})


def pair(peephole="diagonal"):
    torch.manual_seed(0)
    lstm = CustomLSTM(3, 5, peephole=peephole).double()
    return lstm, torch.randn(4, 7, 3).double(), torch.randn(4, 5).double(), 2 * torch.randn(4, 5).double()


def worst(got, expected):
    return max(np.abs(a.detach().numpy() - b).max() for a, b in zip(got, expected, strict=True))


def ours_and_onnx(lstm, x, h_0, c_0, step=lstm_step):
    """Outputs, last h and last c: taken step by step with `step`, and ONNX's, in the same layout."""
    h, c, said = h_0, c_0, []
    for t in range(x.shape[1]):
        h, c = step(x[:, t], h, c, lstm.cells[0].weights)
        said.append(h)
    Y, Y_h, Y_c = onnx_lstm(lstm, x, h_0, c_0)
    return (torch.stack(said), h, c), (Y[:, 0], Y_h[0], Y_c[0])


# Against ONNX --------------------------------------------------------------------------------------------------------


def test_diagonal_peepholes_are_those_of_onnx_from_given_states():
    lstm, x, h_0, c_0 = pair()
    hidden_seq, (h_n, c_n) = lstm(x, (h_0, c_0))
    Y, Y_h, Y_c = onnx_lstm(lstm, x, h_0, c_0)
    assert Y.dtype == np.float64
    assert worst((hidden_seq.transpose(0, 1), h_n, c_n), (Y[:, 0], Y_h[0], Y_c[0])) <= 1e-12


def test_the_onnx_comparison_notices_each_peephole_and_the_start():
    """What `worst` would say if a term were dropped: the comparison above is not blind to any of them."""
    lstm, x, h_0, c_0 = pair()
    for name in ("W_ci", "W_cf", "W_co"):
        changed, *_ = pair()
        with torch.no_grad():
            getattr(changed.cells[0], name).zero_()
        assert worst((changed(x, (h_0, c_0))[0].transpose(0, 1),), (onnx_lstm(lstm, x, h_0, c_0)[0][:, 0],)) > 1e-3
    assert worst((lstm(x)[0].transpose(0, 1),), (onnx_lstm(lstm, x, h_0, c_0)[0][:, 0],)) > 1e-3


def old_memory_for_the_output(x_t, h_prev, c_prev, weights):
    """A step whose output gate reads c_prev."""
    _, c_t = lstm_step(x_t, h_prev, c_prev, weights)
    w = weights
    o_t = equations.output_gate(x_t, h_prev, w["W_xo"], w["W_ho"], w["b_o"], c_prev, w["W_co"])
    return equations.hidden_state(o_t, c_t), c_t


def test_an_output_gate_that_reads_the_old_memory_is_not_onnx_s():
    assert worst(*ours_and_onnx(*pair())) <= 1e-12
    assert worst(*ours_and_onnx(*pair(), step=old_memory_for_the_output)) > 1e-3


def test_the_misreading_is_a_full_peephole_cell_whose_gates_do_not_read_h():
    """With W_c* = W_h* and the gates' W_h* = 0; it is not the plain LSTM, and has as many weights."""
    plain, x, h_0, c_0 = pair(None)
    misread, full = (
        broken_cells.lstm_with(broken_cells.memory_in_place_of_h, plain),
        broken_cells.full_peepholes_of(plain),
    )
    assert full.cells[0].W_ci.shape == (5, 5) and not full.cells[0].W_hi.any()
    assert (misread(x, (h_0, c_0))[0] - full(x, (h_0, c_0))[0]).abs().max() <= 1e-12
    assert (misread(x)[0] - plain(x)[0]).abs().max() > 1e-2
    assert {n: w.shape for n, w in misread.named_parameters()} == {n: w.shape for n, w in plain.named_parameters()}


def test_the_misreading_lets_the_gates_read_c_and_the_candidate_h():
    """With the recurrent weights of the gates alone, h does not matter; with the candidate's alone, c only adds."""
    lstm, x, h_0, c_0 = pair(None)
    w = {name: weight.detach().clone() for name, weight in lstm.cells[0].weights.items()}
    deaf = w | {"W_hc": torch.zeros(5, 5).double()}
    h_a, c_a = broken_cells.memory_in_place_of_h(x[:, 0], h_0, c_0, deaf)
    h_b, c_b = broken_cells.memory_in_place_of_h(x[:, 0], h_0 + 1, c_0, deaf)
    assert torch.equal(c_a, c_b) and torch.equal(h_a, h_b)
    hearing = [broken_cells.memory_in_place_of_h(x[:, 0], h, c_0, w)[1] for h in (h_0, h_0 + 1)]
    assert (hearing[0] - hearing[1]).abs().max() > 1e-3
    right = torch.sigmoid(x[:, 0] @ w["W_xo"] + c_a @ w["W_ho"] + w["b_o"]) * torch.tanh(c_a)  # the new memory
    assert (h_a - right).abs().max() <= 1e-12


# The functions of the exercises --------------------------------------------------------------------------------------


def test_the_exercise_functions_are_the_equations():
    lstm, x, h, c = pair("full")
    w, new = lstm.cells[0].weights, torch.randn(4, 5).double()
    gate = references.peephole_gate(x[:, 0], h, c, w["W_xf"], w["W_hf"], w["W_cf"], w["b_f"])
    assert torch.equal(gate, equations.forget_gate(x[:, 0], h, w["W_xf"], w["W_hf"], w["b_f"], c, w["W_cf"]))
    w_co = w["W_co"].diagonal()
    gate = references.peephole_output_gate(x[:, 0], h, c, new, w["W_xo"], w["W_ho"], w_co, w["b_o"])
    assert torch.equal(gate, equations.output_gate(x[:, 0], h, w["W_xo"], w["W_ho"], w["b_o"], new, w_co))


@pytest.mark.parametrize(
    ("function", "sizes", "names"),
    [
        (references.peephole_gate, "BN BH BH NH HH HH H", "x_t h_prev c_prev W_xf W_hf W_cf b_f"),
        (references.peephole_output_gate, "BN BH BH BH NH HH H H", "x_t h_prev c_prev c_t W_xo W_ho W_co b_o"),
    ],
)
def test_a_wrong_shape_is_named(function, sizes, names):
    size = {"B": 4, "N": 3, "H": 5}
    for k, name in enumerate(names.split()):
        arguments = [torch.zeros([size[s] for s in letters]) for letters in sizes.split()]
        arguments[k] = torch.zeros(2, 2, 2)
        with pytest.raises(ValueError, match=f"{name} has shape"):
            function(*arguments)


# Timing --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("peephole", ["diagonal", "full"])
def test_paired_seeds_start_from_the_same_weights_but_for_the_peepholes(peephole):
    plain, with_it = (
        runs._uniform_weights(3, 1, 4, torch.Generator().manual_seed(0), kind) for kind in (None, peephole)
    )
    assert set(with_it) - set(plain) == {"W_ci", "W_cf", "W_co"}
    assert all(torch.equal(plain[name], with_it[name]) for name in plain)
    assert with_it["W_ci"].shape == ((3, 4) if peephole == "diagonal" else (3, 4, 4))
    assert not torch.equal(plain["W_hi"][0], plain["W_hi"][1])
    assert max(weight.abs().max() for weight in plain.values()) <= 0.5  # ±1/√4


def test_every_kind_sees_the_same_trains(monkeypatch):
    seen, fresh = [], runs._spikes
    monkeypatch.setattr(runs, "_spikes", lambda *a: seen.append(fresh(*a)[0]) or fresh(*a))
    for peephole in (None, "diagonal"):
        runs.learn_timing(peephole, seeds=1, steps=1, hidden=2)
    assert all(torch.equal(a, b) for a, b in zip(seen[:2], seen[2:], strict=True))


def test_training_beats_the_mean_and_a_cell_without_state_does_not():
    learned = runs.learn_timing("diagonal", seeds=1, steps=80)
    deaf = runs.learn_timing(step=lambda x_t, h, c, w: (h * 0, c * 0), seeds=1, steps=10)
    assert learned.errors[0] < runs.timing_chance() / 5 and learned.accuracy[0] > 0.3
    assert deaf.errors[0] > 0.9 * runs.timing_chance() and deaf.accuracy[0] < 0.2


def test_an_interval_counts_as_correct_if_the_rounded_answer_equals_it(monkeypatch):
    """Answers that miss by 0.4 of a step are right, by 0.6 they are not; a step is 1/10."""
    for miss, right in ((0.04, 1.0), (0.06, 0.0)):
        with monkeypatch.context() as exact:
            drawn = {}
            fresh = runs._spikes
            exact.setattr(runs, "_spikes", lambda *a, d=drawn, f=fresh: d.setdefault("now", f(*a)))
            exact.setattr(runs, "_read_out", lambda h, w, d=drawn, m=miss: 0 * w["b_y"] + d["now"][1][0] + m)
            timed = runs.learn_timing(seeds=1, steps=1)
            assert timed.accuracy == [right] and abs(timed.errors[0] - miss**2) < 1e-6


def test_the_intervals_are_those_asked_for():
    _, targets, asked = runs._spikes(1, 400, torch.Generator().manual_seed(0), 10, 30)
    ends = targets[asked]
    assert ends.min() == 0 and ends.max() == 1
    assert abs((ends - 0.5).square().mean() - runs.timing_chance(10, 30)) < 0.01
    assert runs.timing_chance(10, 30) != runs.timing_chance()
    deaf = runs.learn_timing(step=lambda x_t, h, c, w: (h * 0, c * 0), seeds=1, steps=80, shortest=1, longest=2)
    assert abs(deaf.errors[0] - 0.25) < 0.05  # two answers, 0 and 1: the mean misses each by half


@pytest.mark.parametrize("wrong", [{"seeds": 0}, {"steps": 0}, {"hidden": 0}, {"peephole": "half"}, {"longest": 5}])
def test_what_does_not_fit_is_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        runs.learn_timing(**wrong)
