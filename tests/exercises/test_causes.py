"""A remark on a wrong answer is true: it holds on fresh inputs, and it is left out where it does not."""

import math
import re
import time

import pytest
import torch
from answers import in_notebook, named, stacked
from often import one_in
from torch import nn

from lstm_lesson import check
from lstm_lesson.exercises.edits import OneTurn, Tries
from lstm_lesson.exercises.exercise import exercises
from lstm_lesson.exercises.model import Model


def right(name, *given):
    return exercises()[name].solve()(*given)


def message(name, answer):
    result = check(named(name, answer))
    assert not result.passed
    return result.message


def fused_by_four_columns(x, h, W, U, b):
    z = (x @ W + h @ U + b).split(4, dim=-1)
    i, f, g, o = z
    return torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)


def first_steps(x, h, W, U, b):
    return right("unroll", x[:, :5], h, W, U, b)


def squeezed(seq, lengths):
    return seq.gather(1, (lengths - 1)[:, None, None].expand(-1, 1, seq.shape[2])).squeeze()


def detached_every_eighth(x, h, W, U, b):
    states = []
    for t, x_t in enumerate(x.unbind(1)):
        h = right("rnn_step", x_t, h.detach() if t % 8 == 7 else h, W, U, b)
        states.append(h)
    return torch.stack(states, dim=1)


def viewed(x, h, W, U, b):
    return right("unroll", x.view(x.shape[1], x.shape[0], -1).transpose(0, 1), h, W, U, b)


def wrong_dW(dh, x, h_prev, h, W, U):
    *others, db = right("rnn_backward_step", dh, x, h_prev, h, W, U)
    return *others[:3], others[3] + h_prev.T @ h, db


def unpacked(x, h, W, U, b):
    i, f, g, o = (x @ W + h @ U + b).chunk(4)
    return i, f, g, o


def sums_of_rows(state):
    return tuple(s.detach().sum(1) for s in state) if isinstance(state, tuple) else state.detach().sum(1)


def biases_first(weight_ih, weight_hh, bias_ih, bias_hh):
    parts = {"b_": bias_ih.chunk(4), "W_h": weight_hh.T.chunk(4, 1), "W_x": weight_ih.T.chunk(4, 1)}
    return {name + k: part[n] for n, k in enumerate("ifco") for name, part in parts.items()}


WEIGHTS = [f"{name}{k}" for k in "ifco" for name in ("W_x", "W_h", "b_")]
REMARKS = {  # an exercise, an answer, what is said, and what is not
    "one size, seen with one sequence": (
        "fused_gates", fused_by_four_columns, "Right for H = 4 only", "B = 1",
    ),
    "the first steps": ("unroll", first_steps, "Right up to T = 5, wrong for T = 11", "T = 1 only"),
    "squeezed": ("last_true_step", squeezed, "Right except for B = 1 or H = 1", "Right for"),
    "a gradient that is cut at times": (
        "unroll", detached_every_eighth, "The gradients are right up to T = 5, wrong for T = 11", "The history",
    ),
    "a pair compared with a tensor": (
        "masked_accuracy", lambda z, targets, keep: (z.max(dim=-1) == targets)[keep].double().mean(),
        "`max(dim=…)` returns a pair", "stands",
    ),
    "a mean of True and False": (
        "sign_flip_test", lambda d: (d.abs() >= d.sum().abs()).mean(), "which have no mean", "belongs",
    ),
    "one unit": (
        "spectral_radius", lambda W: torch.linalg.eigvals((W + W.T) / 2).abs().max(), "With one unit, a sum",
        "work for larger",
    ),
    "large values": (
        "cell_state", lambda *given: right("cell_state", *given).clamp(-9, 9), "Right for small numbers", "sets of",
    ),
    "one mask for all": (
        "masked_step", lambda new, prev, keep: new if keep.all() else prev, "One decision for the whole batch",
        "never changes",
    ),
    "labels that seem not to matter": (
        "masked_accuracy", lambda z, y, keep: (z.round().argmax(-1) == y)[keep].double().mean(), "Right for",
        "stays the same",
    ),
    "two classes for all": (
        "masked_accuracy", lambda z, y, keep: ((z[..., -1] > z[..., 0]).long() == y)[keep].double().mean(), "Right for",
        "stays the same",
    ),
    "the order of a dictionary": (
        "lstm_step", lambda x, h, c, w: right("lstm_step", x, h, c, dict(zip(WEIGHTS, w.values(), strict=True))),
        "by the order of the entries of `weights`", "A second call",
    ),
    "the shape of a tensor in a tuple": ("truncate", sums_of_rows, "`state[0]` has shape (3,)", "cannot be examined"),
    "two classes by sign": (
        "masked_accuracy", lambda z, y, keep: ((z[..., 1] > 0) == y)[keep].double().mean(), "The sign of one logit",
        "sets of",
    ),
    "the first two classes": (
        "masked_accuracy", lambda z, y, keep: ((z[..., 1] > z[..., 0]) == y)[keep].double().mean(), "Two classes",
        "sets of",
    ),
    "all rows into the kept ones": (
        "masked_step", lambda new, prev, keep: prev.clone().index_put_((keep,), new), "Take the same rows", "sets of",
    ),
    "a number's function": ("half_life", lambda f: math.log(0.5) / math.log(f), "torch has `torch.log`", "sets of"),
    "detach_ of a tuple": ("truncate", lambda state: state.detach_(), "the caller's own tensor", "for one tensor"),
    "detach_ of rows": (
        "truncate", lambda state: [part.detach_() for part in state] and state, "the caller's own tensor", "test for",
    ),
    "a tuple alone": (
        "truncate", lambda state: (lambda h, c: (h.detach(), c.detach()))(*state), "Right where `state` is a tuple",
        "comma",
    ),
    "one wrong result": (
        "rnn_backward_step", wrong_dW, "`dx_t`, `dh_prev`, `dW_xh` and `db_h` are right; `dW_hh` is not.", "sets of",
    ),
    "a bit of epsilon": ("hadamard", lambda a, b: a * b + 1e-8, "agree with the right ones to about 1e-08", "through"),
    "float32 on the way": (
        "rnn_step", lambda *given: right("rnn_step", *(t.float() for t in given)).to(given[0]), "been through float32",
        "epsilon",
    ),
    "a gate below 0": (
        "input_gate", lambda x, h, W, U, b: torch.tanh(x @ W - h @ U + b.roll(1)) - 0.5,
        "A gate is between 0 and 1", "h_prev",
    ),
    "the candidate's letter": ("lstm_step", lambda x, h, c, w: (h @ w["W_hg"], c), "weights end in c: `W_xc`", "mean"),
    "letters in another order": (
        "lstm_step", lambda x, h, c, w: (x @ w["W_ix"], c), "Did you mean `W_xi`?", "end in c",
    ),
    "numbers in wrong places": (
        "unroll", lambda *given: right("unroll", *given).transpose(0, 1).reshape(len(given[0]), -1, len(given[4])),
        "it cuts the numbers anew in their old order", "alike",
    ),
    "inputs from wrong places": ("unroll", viewed, "does not swap the batch and time", "right numbers"),
    "a product that does not fit": (
        "rnn_step", lambda x, h, W, U, b: torch.tanh(W @ x.T + U @ h.T + b), "are turned into columns", "Right",
    ),
    "sizes that meet": (
        "rnn_step", lambda x, h, W, U, b: torch.tanh(x @ W + h + b + torch.zeros(len(x), len(W))),
        "Two tensors meet entry by entry, one with H entries along a dimension, one with N.", "Right",
    ),
    "along the batch": ("fused_gates", unpacked, "What you unpack has B parts", "Right"),
    "two dimensions and one": (
        "free_run", lambda step, start, n: torch.cat([start, step(start)], dim=1), "one has 2 dimensions, another 1",
        "Right",
    ),
    "a step too few": (
        "unroll", lambda x, *rest: right("unroll", x[:, 1:], *rest), "the first step is left out", "Right",
    ),
    "a list of rows": (
        "masked_step", lambda new, prev, keep: [a if k else b for a, b, k in zip(new, prev, keep, strict=True)],
        "You return a list with 3 entries", "examined",
    ),
    "another shape": ("cell_state", lambda f, c, i, g: f @ c.T + i @ g.T, "shape of `c_t` is (B, B)", "Right"),
    "a size of 4H, without H": (
        "hoist_inputs", lambda x, W, b: (x @ W + b)[..., : len(b) // 4], "expected (B, T, 4H) = (3, 5, 24)", "examined",
    ),
    "results in another order": (
        "fused_gates", lambda *all: [right("fused_gates", *all)[k] for k in (0, 1, 3, 2)], "in another order", "Two",
    ),
    "a logit compared with a class": (
        "masked_accuracy", lambda z, y, keep: (z.max(-1)[0] == y)[keep].float().mean(), "*index* of the largest logit",
        "stays the same",
    ),
    "a class read from the last column": (
        "masked_accuracy", lambda z, y, keep: (z[..., -1] == y)[keep].float().mean(), "no prediction equals its target",
        "stays the same",
    ),
    "a start that is cut": (
        "free_run", lambda step, start, n: torch.stack([step(start[:, : k + 1]) for k in range(n)], 1),
        "`start[:, : k + 1]` cuts `start`", "Right",
    ),
    "complex": (
        "spectral_radius", lambda W: torch.linalg.eigvals(W)[0], "expected a real number", "new tensors",
    ),
    "all that max returns": (
        "spectral_radius", lambda W: torch.linalg.eigvals(W).abs().max(dim=0), "all that `torch.max` returns",
        "a max with",
    ),
    "keys that end in g": (
        "from_torch_weights",
        lambda *given: {k.replace("c", "g"): v for k, v in right("from_torch_weights", *given).items()},
        "The candidate's weights end in c", "mean",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "answer", "said", "unsaid"), one_in(2, REMARKS.values()), ids=REMARKS)
def test_the_remark_says_what_is_true_and_not_what_only_seems_so(name, answer, said, unsaid):
    text = message(name, answer)
    assert said in text
    assert unsaid not in text


def test_autograd_grad_without_an_index_is_named():
    def input_gradient(score, x):
        x = x.clone().requires_grad_()
        return torch.autograd.grad(score(x).sum(), x)

    text = check(input_gradient).message
    assert "take `[0]`" in text
    assert "comma" not in text


GATE = "def input_gate(x_t, h_prev, W_xi, W_hi, b_i):\n    return torch.sigmoid({}x_t @ W_xi + h_prev @ W_hi.T + b_i){}"


def test_a_number_of_the_notebook_is_blamed_only_where_it_equals_a_size():
    assert "TWO" not in check(in_notebook(GATE.format("TWO * ", ""), TWO=2)).message
    assert "HALF" not in check(in_notebook(GATE.format("HALF * ", ""), HALF=torch.tensor(0.5))).message
    columns = GATE.replace(".T", "").format("", "[:, :H]")
    assert "`H` of the notebook is 4" in check(in_notebook(columns, H=4)).message


def test_a_tensor_of_the_notebook_in_a_line_that_does_not_run_is_not_named():
    source = GATE.format("", "") + " if len(b_i) else W_xo"
    assert "W_xo" not in check(in_notebook(source, W_xo=torch.ones(4, 6))).message


SLOW = {  # seconds for each call
    "right": (0.3, lambda h, c: (h, c), r"Right on the first \d sets of inputs, then the time ran out"),
    "right, with gradients too slow": (0.12, lambda h, c: (h, c), "The values are right. While the gradients were"),
    "wrong": (0.2, lambda h, c: (h + 1, c), "; expected "),
}


@pytest.mark.parametrize(("seconds", "change", "said"), SLOW.values(), ids=SLOW)
def test_an_answer_that_is_too_slow_is_told_so_and_nothing_else(seconds, change, said):
    def lstm_step(x_t, h_prev, c_prev, weights):
        time.sleep(seconds)
        return change(*stacked(x_t, h_prev, c_prev, weights))

    text = check(lstm_step).message
    assert re.search(said, text)  # on a busy machine, waiting does not count: the number of sets may differ
    for untrue in ("second call", "whatever", "squeeze", "never end?"):
        assert untrue not in text


@pytest.mark.parametrize("body", ["raise NotImplementedError", "pass"])
def test_a_stub_that_a_loop_calls_is_named(body):
    source = f"""
def rnn_step(x_t, h_prev, W_xh, W_hh, b_h):
    {body}

def unroll(x, h_0, W_xh, W_hh, b_h):
    return [h_0 := rnn_step(x_t, h_0, W_xh, W_hh, b_h) for x_t in x.unbind(1)][-1]"""
    space = {"torch": torch, "__name__": "__main__"}
    exec(source, space)
    assert "`rnn_step`, which you call, is still open" in check(space["unroll"]).message


def test_stars_before_the_last_argument_are_named():
    def lstm_step(x_t, h_prev, c_prev, **weights):
        return x_t, c_prev

    text = check(lstm_step).message
    assert "(x_t, h_prev, c_prev, **weights); expected 4 (x_t, h_prev, c_prev, weights)" in text
    assert "leave the stars out" in text


def test_an_object_is_found_by_the_name_of_its_class_and_a_class_is_told_to_make_one():
    class lstm_step(nn.Module):
        def forward(self, x_t, h_prev, c_prev, weights):
            return stacked(x_t, h_prev, c_prev, weights)

    class hadamard:
        def __call__(self, a, b):
            raise NotImplementedError

    assert check(lstm_step()).passed
    assert "this is a class" in check(lstm_step).message
    assert check(hadamard()).outcome == "not attempted"


STEP = """
def lstm_step(x_t, h_prev, c_prev, weights):
    return right(x_t, h_prev, c_prev.cos(), weights)

def lstm(x, h_0, c_0, weights):
    h, c, states = h_0, c_0, []
    for t in range({steps}):
        h, c = lstm_step(x[:, t], h, c, weights)
        states.append(h)
    return torch.stack(states, dim={dim}), h, c
"""


@pytest.mark.parametrize(
    ("steps", "dim", "said"),
    [
        ("x.shape[1]", 1, ["The loop is right."]),
        ("x.shape[1] - 1", 1, ["The last step is missing"]),
        ("x.shape[1] - 1", 2, ["The last step is missing", "Time stands last"]),
    ],
)
def test_a_loop_is_judged_with_the_right_step_inside(steps, dim, said):
    space = {"torch": torch, "right": exercises()["lstm_step"].solve(), "__name__": "__main__"}
    exec(STEP.format(steps=steps, dim=dim), space)
    text = check(space["lstm"]).message
    assert "`lstm_step`, which your loop calls, is not right yet" in text
    assert all(cause in text for cause in said)


def test_a_cause_in_a_step_names_its_gate():
    edits = exercises()["lstm_step"].model_answer.described.values()
    gates = {"i": "input gate", "f": "forget gate", "c": "candidate", "o": "output gate"}
    for edit in edits:
        gate, _, name = edit.id.partition(": ")
        if gate in gates and name:
            names = (gates[gate], f"W_x{gate}`", f"W_h{gate}`", f"b_{gate}`")
            assert any(name in edit.cause for name in names), edit


def test_of_two_mistakes_with_a_gradient_lost_none_is_told_that_its_values_are_right():
    result = check(
        named("lstm_step", lambda x, h, c, w: stacked(x, h, c, w | {"W_xo": w["W_xo"].detach(), "b_i": -w["b_i"]}))
    )
    assert len(result.edits) == 2
    assert "values are right" not in result.message


def right_from(dz, x, h_prev, W, U):
    """The rest of the backward step of an RNN."""
    return dz @ W.T, dz @ U.T, x.T @ dz, h_prev.T @ dz, dz.sum(dim=0)


def detached_and_mean(x, h, W, U, b):
    means = torch.stack([x[:, : t + 1].mean(dim=1) for t in range(x.shape[1])], dim=1)
    return right("unroll", means, h, W, U.detach(), b)


NAMED = {  # an exercise, an answer, the edits that are named
    "two that a maximum can hide": (
        "spectral_radius", lambda W: torch.linalg.eigvals(W).real.min(), {"smallest", "real parts"}
    ),
    "complex numbers": ("spectral_radius", lambda W: max(torch.linalg.eigvals(W)), {"complex, Python's max"}),
    "one of values, and one that loses gradients": ("unroll", detached_and_mean, {"x_t: mean", "h: U detached"}),
    "an epsilon that is allowed": (
        "clip_by_norm", lambda grads, m: [g * min(1, m / (g.norm() + 1e-6)) for g in grads], {"own norms"}
    ),
    "a dictionary in another order": ("from_torch_weights", biases_first, {"no bias_hh"}),
    "NaN at some places": (
        "rnn_backward_step", lambda dh, x, h_prev, h, W, U: right_from(dh * (1 - h**0.5), x, h_prev, W, U),
        {"slope: 1 - h_t ** (0.5)"},
    ),
    "a natural logarithm over 1 − f": ("half_life", lambda f: math.log(2) / (1 - f), {"1 − f for −log f"}),
}  # fmt: skip


@pytest.mark.parametrize(("name", "answer", "edits"), NAMED.values(), ids=NAMED)
def test_the_mistakes_are_named(name, answer, edits):
    assert set(check(named(name, answer)).edits) == edits


def test_an_answer_of_nan_alone_shows_no_mistake():
    assert not check(named("half_life", lambda f: 1 / torch.log(f - 2))).edits


def test_an_entry_counts_as_copied_only_if_it_follows_whatever_numbers_come():
    model = Model("def f(a):\n    x = a\n    y = x.sum(dim=0)\n    z = x.T\n    return z, y", (), {})
    zeros = torch.zeros(2, 3, dtype=torch.float64)  # all first entries are equal
    tries = Tries(OneTurn(model, (zeros,), (zeros.T, zeros[0])), [])
    assert tries.copies == [None, None, 0, None]


def test_two_gates_swapped_are_said_to_be_so_in_the_equation_where_the_weights_are_not_there():
    swapped = check(named("cell_state", lambda f, c, i, g: i * c + f * g)).message
    assert "i and f are swapped in equation 3. Which" in swapped
    names = {"W_xi": "W_xf", "W_xf": "W_xi", "W_hi": "W_hf", "W_hf": "W_hi", "b_i": "b_f", "b_f": "b_i"}
    step = check(named("lstm_step", lambda x, h, c, w: stacked(x, h, c, {k: w[names.get(k, k)] for k in w}))).message
    assert "or each of them reads the other's weights: both give these numbers" in step


def do_and_dc_exchanged(dh_t, dc_t, x_t, h_prev, c_prev, values, weights):
    i, f, g, o, c, _ = values
    shown = torch.tanh(c)
    do, dc = dh_t * o * (1 - shown**2), dc_t + dh_t * shown
    dz = {"i": dc * g * i * (1 - i), "f": dc * c_prev * f * (1 - f), "c": dc * i * (1 - g**2), "o": do * o * (1 - o)}
    read = {"W_x": x_t, "W_h": h_prev}
    found = {f"{name}{k}": rows.T @ z for k, z in dz.items() for name, rows in read.items()}
    found |= {f"b_{k}": z.sum(dim=0) for k, z in dz.items()}
    dx_t, dh_prev = (sum(z @ weights[f"{name}{k}"].T for k, z in dz.items()) for name in read)
    return dx_t, dh_prev, dc * f, found


def flat_then_shifted(x, h_0, hidden_seq, dz):
    rows = dz.flatten(0, 1)
    read = torch.cat([h_0, hidden_seq.flatten(0, 1)])[: len(rows)]
    return x.flatten(0, 1).T @ rows, read.T @ rows, rows.sum(dim=0)


@pytest.mark.parametrize(("name", "answer", "said"), [
    ("lstm_backward_step", do_and_dc_exchanged, "have changed places in equation 5, backwards"),
    ("accumulate", flat_then_shifted, "shifted after they were flattened"),
])  # fmt: skip
def test_a_mistake_in_the_way_back_is_named(name, answer, said):
    assert said in message(name, answer)


def test_only_of_three_dimensions_t_is_said_to_turn_the_batch_round():
    three = in_notebook(
        "def accumulate(x, h_0, hidden_seq, dz):\n    return x.T @ dz, hidden_seq.T @ dz, dz.sum((0, 1))"
    )
    two = in_notebook("def lstm_step(x_t, h_prev, c_prev, weights):\n    return x_t + weights['W_xi'].T, c_prev")
    assert "`x.T` turns round all three dimensions, the batch as well" in check(three).message
    assert ".T` turns" not in check(two).message


def test_the_entry_that_is_named_lies_outside_the_range_as_it_is_written():
    """Of several the one furthest outside: "an entry of 1" is not above 1."""
    answer = lambda x, h, c, w: (right("lstm_step", x, h, c, w)[1] * 1.2, right("lstm_step", x, h, c, w)[0])  # noqa: E731
    found = re.search(r"`h_t` has an entry of (.*)[.] It is between −1 and 1", message("lstm_step", answer))
    assert found and abs(float(found[1].replace("−", "-"))) > 1


def test_no_pair_is_looked_for_where_a_single_turn_of_a_loop_is_right(monkeypatch):
    from lstm_lesson.exercises import edits

    looked_for, pairs = [], edits.pairs
    monkeypatch.setattr(edits, "pairs", lambda *given: looked_for.append(given) or pairs(*given))
    assert "Right up to T = 5" in message("unroll", first_steps) and not looked_for
    assert message("unroll", lambda x, h, W, U, b: right("unroll", x, h, W, U, b) + 0.1) and looked_for
