"""Every exercise accepts each right answer and names the cause of each known wrong one; nothing breaks a check."""

import ast
import importlib
import inspect
import itertools
import json
import re
import subprocess
import sys
import threading
import time
import types

import numpy as np
import pytest
import torch
from repository import NOTEBOOKS
from torch.nn import functional as F

import lstm_lesson
from lstm_lesson import backward, check, equations, hint, layers, solution
from lstm_lesson import exercises as engine
from lstm_lesson.exercises import sandbox
from lstm_lesson.exercises.exercise import exercises, input_sets

NAMES = list(exercises())
NOTEBOOKS_WITH_STUBS = {
    "00_start_here": ["hadamard"],
    "01_rnn_cell": ["rnn_step", "unroll", "masked_step"],
    "02_backpropagation_through_time": ["rnn_backward_step", "truncate"],
    "03_vanishing_gradients": ["spectral_radius", "clip_by_norm"],
    "04_input_gate": ["input_gate"],
    "05_forget_gate": ["forget_gate", "half_life"],
    "06_cell_state": ["candidate", "cell_state"],
    "07_output_gate": ["output_gate", "hidden_state"],
    "08_lstm_cell": ["lstm_step", "lstm", "from_torch_weights"],
    "12_fake_news": ["pad_batch", "last_true_step", "masked_accuracy"],
}


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    """No test writes into the user's own record."""
    monkeypatch.setenv("LSTM_LESSON_PROGRESS", str(tmp_path))


def named(name, f):
    """`f` as the learner's answer to the exercise `name`."""

    def answer(*arguments):
        return f(*arguments)

    answer.__name__ = name
    answer.__signature__ = inspect.Signature(
        [inspect.Parameter(f"a{k}", inspect.Parameter.POSITIONAL_ONLY) for k in range(len(arguments(name)))]
    )
    return answer


def arguments(name):
    return list(exercises()[name].inputs(input_sets()[0]))


def in_notebook(source, **names):
    """The function that `source` defines, in a name space like a notebook's."""
    space = {"torch": torch, "F": F, "np": np, "sleep": time.sleep, "__name__": "__main__", **names}
    exec(source, space)
    return next(v for k, v in space.items() if isinstance(v, types.FunctionType) and k in exercises())


def solved(source):
    """A cell of a notebook, its stub replaced by the package's own function."""
    lines = source.split("\n")
    for node in reversed(ast.parse(source).body):
        if isinstance(node, ast.FunctionDef) and node.name in exercises() and isinstance(node.body[-1], ast.Raise):
            module = exercises()[node.name].reference.rsplit(".", 1)[0]
            lines[node.lineno - 1 : node.end_lineno] = [f"from lstm_lesson.{module} import {node.name}"]
    return "\n".join(lines)


def stub_cells():
    """The cells of the notebooks in which an exercise is set."""
    for path in NOTEBOOKS:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code" and "raise NotImplementedError" in source:
                yield path.stem, source


CELLS = list(stub_cells())


@pytest.mark.parametrize(("notebook", "source"), CELLS, ids=[source.split("(")[0][4:] for _, source in CELLS])
def test_a_stub_in_a_notebook_waits_and_its_solution_is_right(notebook, source):
    name = source.split("(")[0].removeprefix("def ")
    assert exercises()[name].notebook == notebook
    assert list(inspect.signature(in_notebook(source.split("check(")[0])).parameters) == arguments(name)
    for text, outcome in ((source, "not attempted"), (solved(source), "correct")):
        body, last = text.strip().rsplit("\n", 1)
        space = {"torch": torch, "check": check}
        exec(body, space)
        assert eval(last, space).outcome == outcome


def test_every_exercise_stands_in_its_notebook():
    assert sorted(source.split("(")[0].removeprefix("def ") for _, source in CELLS) == sorted(NAMES)
    found = {}
    for exercise in exercises().values():
        found.setdefault(exercise.notebook, []).append(exercise.name)
    assert {name: found.get(name) for name in NOTEBOOKS_WITH_STUBS} == NOTEBOOKS_WITH_STUBS
    assert list(found) == sorted(found)


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_passes_its_own_check(name):
    result = check(exercises()[name].solve())
    assert result.outcome == "correct", result
    assert result.passed


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "body", ["raise NotImplementedError", "raise NotImplementedError()", "...", "pass", '"""Shapes."""']
)
def test_an_untouched_stub_is_not_attempted(name, body):
    stub = in_notebook(f"def {name}(*arguments):\n    {body}")
    result = check(stub)
    assert result.outcome == "not attempted"
    assert not result.passed
    assert repr(result).startswith("⬜")


MISTAKES = [(name, k) for name in NAMES for k in range(len(exercises()[name].mistakes))]


@pytest.mark.parametrize(("name", "k"), MISTAKES)
def test_a_known_wrong_answer_is_rejected_with_its_own_message(name, k):
    mistake = exercises()[name].mistakes[k]
    result = check(named(name, mistake.answer))
    assert result.outcome in ("wrong", "crashed")
    assert mistake.cause in result.message
    assert result.message.count("\n") <= 2


@pytest.mark.parametrize("name", NAMES)
def test_each_known_wrong_answer_has_a_sentence_of_its_own(name):
    causes = [mistake.cause for mistake in exercises()[name].mistakes]
    assert len(causes) == len(set(causes)) >= 8


def flips(d):
    return torch.tensor(list(itertools.product((1.0, -1.0), repeat=len(d))), dtype=d.dtype)


def sigmoid_by_exp(z):
    return 1 / (1 + torch.exp(-z))


def baddbmm(x, h, W, U, b):
    z = torch.baddbmm(b.expand(1, len(x), -1), x[None], W[None])
    return torch.baddbmm(z, h[None], U[None])[0]


def stacked(x, h, c, w):
    """One matrix for all four, cut apart afterwards."""
    W = torch.cat([torch.cat([w[f"W_x{k}"], w[f"W_h{k}"]]) for k in "ifoc"], dim=1)
    z = torch.cat([x, h], dim=1) @ W + torch.cat([w[f"b_{k}"] for k in "ifoc"])
    i, f, o, g = z.chunk(4, dim=1)
    c = torch.addcmul(i.sigmoid() * g.tanh(), f.sigmoid(), c)
    return o.sigmoid() * c.tanh(), c


def stacked_lstm(x, h, c, w):
    out = torch.empty(x.shape[0], x.shape[1], h.shape[1], dtype=x.dtype)
    for t, x_t in enumerate(x.unbind(1)):
        h, c = stacked(x_t, h, c, w)
        out[:, t] = h
    return out, h, c


def torch_lstm(x, h, c, w):
    """nn.LSTM's own arithmetic."""
    W = torch.cat([w[f"W_x{k}"].T for k in "ifco"]), torch.cat([w[f"W_h{k}"].T for k in "ifco"])
    b = torch.cat([w[f"b_{k}"] for k in "ifco"])
    out, h, c = torch._VF.lstm(x, (h[None], c[None]), [*W, b, torch.zeros_like(b)], True, 1, 0.0, False, False, True)
    return out, h[0], c[0]


def backward_by_autograd(dh, x, h_prev, h, W, U):
    b = torch.atanh(h) - x @ W - h_prev @ U
    leaves = [t.clone().requires_grad_() for t in (x, h_prev, W, U, b)]
    x, h_prev, W, U, b = leaves
    *found, db = torch.autograd.grad(torch.tanh(x @ W + h_prev @ U + b), leaves, dh)
    return (*found, db.sum(0))


def by_hand(x, h, W, U, b):
    """Entry by entry in Python."""
    rows = []
    for n in range(len(x)):
        z = [
            sum(x[n, k] * W[k, j] for k in range(len(W))) + sum(h[n, k] * U[k, j] for k in range(len(U)))
            for j in range(len(b))
        ]
        rows.append(torch.stack(z) + b)
    return torch.stack(rows)


SUMS = {
    "concatenated": lambda x, h, W, U, b: torch.cat([x, h], 1) @ torch.cat([W, U]) + b,
    "concatenated, h first": lambda x, h, W, U, b: torch.hstack([h, x]) @ torch.vstack([U, W]) + b,
    "F.linear": lambda x, h, W, U, b: F.linear(x, W.T) + F.linear(h, U.T, b),
    "einsum": lambda x, h, W, U, b: torch.einsum("bn,nh->bh", x, W) + torch.einsum("bn,nh->bh", h, U) + b,
    "baddbmm": baddbmm,
    "addmm": lambda x, h, W, U, b: torch.addmm(torch.addmm(b, x, W), h, U),
    "columns": lambda x, h, W, U, b: (W.T @ x.T + U.T @ h.T + b[:, None]).T,
    "entry by entry": by_hand,
    "broadcast and summed": lambda x, h, W, U, b: (x[:, :, None] * W).sum(1) + (h[:, :, None] * U).sum(1) + b,
}
SIGMOIDS = {
    "1 / (1 + exp(-z))": sigmoid_by_exp,
    "exp over 1 + exp": lambda z: torch.exp(z) / (1 + torch.exp(z)),
    "by tanh": lambda z: (torch.tanh(z / 2) + 1) / 2,
    "by softplus": lambda z: torch.exp(-F.softplus(-z)),
    "by logsigmoid": lambda z: F.logsigmoid(z).exp(),
    "1 - sigmoid(-z)": lambda z: 1 - torch.sigmoid(-z),
    "torch.special.expit": torch.special.expit,
}
TANHS = {
    "exp by exp": lambda z: (torch.exp(z) - torch.exp(-z)) / (torch.exp(z) + torch.exp(-z)),
    "by sigmoid": lambda z: 2 * torch.sigmoid(2 * z) - 1,
    "F.tanh": lambda z: z.tanh(),
}
LABELS = (torch.Tensor.float, torch.Tensor.double, lambda y: 1.0 * y)
CORRELATIONS = (  # of centred columns v (B, H) and y (B, 1)
    lambda v, y: (v * y).sum(0) / (v.norm(dim=0) * y.norm()),
    lambda v, y: (v * y).mean(0) / (v.std(0, correction=0) * y.std(correction=0)),
    lambda v, y: (v * y).sum(0) / (len(y) - 1) / (v.std(0) * y.std()),
    lambda v, y: (v * y).sum(0) / ((v**2).sum(0) * (y**2).sum()).sqrt(),
    lambda v, y: (v / v.norm(dim=0) * (y / y.norm())).sum(0),
    lambda v, y: F.cosine_similarity(v, y, dim=0),
    lambda v, y: ((y.to(v).T @ v) / (v.norm(dim=0) * y.norm()))[0],
)


def correlation(turn, way):
    """Pearson's, the labels turned into numbers by `turn` in float32 or float64, their mean taken there."""

    def answer(values, labels):
        y = turn(labels)
        return way(values - values.mean(dim=0), (y - y.mean())[:, None])

    return answer


OTHERS = {
    "hadamard": [torch.mul, lambda a, b: torch.einsum("bh,bh->bh", a, b), lambda a, b: b * a],
    "unroll": [
        lambda x, h, W, U, b: torch.cat([(h := torch.tanh(x_t @ W + h @ U + b))[:, None] for x_t in x.unbind(1)], 1),
        lambda x, h, W, U, b: torch.stack([h := torch.tanh(z + h @ U) for z in (x @ W + b).unbind(1)]).transpose(0, 1),
        lambda x, h, W, U, b: torch._VF.rnn_tanh(
            x, h[None], [W.T.contiguous(), U.T.contiguous(), b, 0 * b], True, 1, 0.0, False, False, True
        )[0],
    ],
    "masked_step": [
        lambda new, prev, keep: keep[:, None] * new + ~keep[:, None] * prev,
        lambda new, prev, keep: keep.float()[:, None] * new + (1 - keep.float()[:, None]) * prev,
        lambda new, prev, keep: new.where(keep.unsqueeze(1), prev),
        lambda new, prev, keep: torch.stack([a if k else b for a, b, k in zip(new, prev, keep, strict=True)]),
        lambda new, prev, keep: prev + keep[:, None] * (new - prev),
        lambda new, prev, keep: prev.masked_scatter(keep[:, None].expand_as(prev), new[keep]),
    ],
    "rnn_backward_step": [
        backward_by_autograd,
        lambda dh, x, hp, h, W, U: (
            (d := dh * (1 - h) * (1 + h)) @ W.T, d @ U.T, torch.einsum("bn,bh->nh", x, d), (d.T @ hp).T, d.sum(0)
        ),
        lambda dh, x, hp, h, W, U: [
            (d := dh - dh * h.square()) @ W.t(), d @ U.t(), x.t() @ d, hp.t() @ d, torch.ones(len(d), dtype=d.dtype) @ d
        ],
    ],
    "truncate": [
        lambda s: s.detach() if isinstance(s, torch.Tensor) else tuple(t.detach() for t in s),
        lambda s: s.data if isinstance(s, torch.Tensor) else tuple(t.data for t in s),
        lambda s: s.clone().detach() if isinstance(s, torch.Tensor) else (s[0].detach(), s[1].detach()),
        lambda s: s.detach().requires_grad_() if torch.is_tensor(s) else tuple(t.detach().requires_grad_() for t in s),
    ],
    "spectral_radius": [
        lambda W: max(abs(v) for v in torch.linalg.eigvals(W)),
        lambda W: torch.linalg.eig(W).eigenvalues.abs().amax(),
        lambda W: (lambda v: torch.sqrt(v.real**2 + v.imag**2).max())(torch.linalg.eigvals(W.T)),
        lambda W: torch.tensor(np.abs(np.linalg.eigvals(W.numpy())).max()),
    ],
    "clip_by_norm": [
        lambda gs, m: [g * min(1.0, m / torch.cat([g.flatten() for g in gs]).norm()) for g in gs],
        lambda gs, m: tuple(g * (m / (sum(g.pow(2).sum() for g in gs).sqrt() + 1e-6)).clamp(max=1) for g in gs),
        lambda gs, m: [g / max(1, torch.stack([g.norm() for g in gs]).norm().item() / m) for g in gs],
    ],
    "half_life": [
        lambda f: -1 / torch.log2(f),
        lambda f: torch.log(torch.tensor(0.5)) / f.log(),
        lambda f: np.log(2) / -torch.log(f),
        lambda f: -np.log10(2) / torch.log10(f),
        lambda f: np.log(0.5) / torch.log1p(f - 1),
    ],
    "cell_state": [
        lambda f, c, i, g: torch.addcmul(i * g, f, c),
        lambda f, c, i, g: torch.stack([f * c, i * g]).sum(0),
        lambda f, c, i, g: c.mul(f).add(g.mul(i)),
    ],
    "hidden_state": [
        lambda o, c: o.mul(c.tanh()), lambda o, c: o * (1 - torch.exp(-2 * c)) / (1 + torch.exp(-2 * c))
    ],
    "lstm_step": [stacked, lambda *a: list(stacked(*a))],
    "lstm": [stacked_lstm, torch_lstm],
    "from_torch_weights": [
        lambda a, b, c, d: {
            f"{n}{k}": t.T if t.ndim > 1 else t
            for n, s in {"W_x": a, "W_h": b, "b_": c + d}.items() for k, t in zip("ifco", s.chunk(4), strict=True)
        },
        lambda a, b, c, d: {
            f"{n}{k}": t[j].T if t.ndim > 2 else t[j]
            for n, s in {"b_": d + c, "W_h": b, "W_x": a}.items()
            for t in [s.view(4, -1, *s.shape[1:])] for j, k in enumerate("ifco")
        },
    ],
    "pad_batch": [
        lambda s: (torch.nn.utils.rnn.pad_sequence(s, batch_first=True), torch.tensor([len(t) for t in s])),
        lambda s: (
            torch.stack([F.pad(t, (0, max(map(len, s)) - len(t))) for t in s]), torch.as_tensor(list(map(len, s)))
        ),
        lambda s: [
            torch.tensor([t.tolist() + [0] * (max(map(len, s)) - len(t)) for t in s]), torch.tensor([*map(len, s)])
        ],
    ],
    "last_true_step": [
        lambda s, n: torch.stack([row[k - 1] for row, k in zip(s, n, strict=True)]),
        lambda s, n: s.gather(1, (n - 1)[:, None, None].expand(-1, 1, s.shape[2])).squeeze(1),
        lambda s, n: (s * (torch.arange(s.shape[1]) == n[:, None] - 1)[..., None]).sum(1),
        lambda s, n: torch.einsum("bth,bt->bh", s, F.one_hot(n - 1, s.shape[1]).to(s.dtype)),
    ],
    "masked_accuracy": [
        lambda z, y, m: (z.argmax(-1) == y)[m].float().mean(),
        lambda z, y, m: ((z.argmax(2) == y) & m).sum() / m.sum(),
        lambda z, y, m: (z.max(dim=-1).indices[m] == y[m]).to(z.dtype).mean(),
        lambda z, y, m: torch.tensor(sum((z[m].softmax(-1).argmax(-1) == y[m]).tolist()) / int(m.sum())),
    ],
    "unit_correlation": [
        lambda v, y: torch.corrcoef(torch.cat([y[:, None].to(v), v], 1).T)[0, 1:],
        lambda v, y: torch.stack([torch.corrcoef(torch.stack([u, y.to(u)]))[0, 1] for u in v.T]),
        *(correlation(turn, way) for turn in LABELS for way in CORRELATIONS),
    ],
    "input_gradient": [
        lambda score, x: torch.autograd.grad(score(x := x.detach().clone().requires_grad_()).sum(), x)[0],
        lambda score, x: (x := x.clone().requires_grad_(), score(x).sum().backward())[0].grad,
        lambda score, x: (x := x.clone().requires_grad_(), (s := score(x)).backward(torch.ones_like(s)))[0].grad,
        lambda score, x: torch.func.grad(lambda z: score(z).sum())(x),
        lambda score, x: torch.cat([torch.func.grad(lambda z: score(z[None])[0])(row)[None] for row in x]),
    ],
    "sign_flip_test": [
        lambda d: ((flips(d) @ d).abs() >= d.sum().abs() - 1e-6).double().mean(),
        lambda d: ((flips(d) * d).mean(1).abs() >= d.mean().abs() - 1e-12).float().mean(),
        lambda d: (flips(d) @ d).abs().sub(d.sum().abs()).gt(-1e-9).double().mean(),
        lambda d: ((a := (flips(d) * d).sum(1).abs()).gt(a[0]) | a.isclose(a[0])).double().mean(),
    ],
}  # fmt: skip
RIGHT = [
    (name, f"{s}", lambda *a, s=s: torch.sigmoid(SUMS[s](*a)))
    for name in ("input_gate", "forget_gate", "output_gate")
    for s in SUMS
]
RIGHT += [("input_gate", s, lambda x, h, W, U, b, s=s: SIGMOIDS[s](x @ W + h @ U + b)) for s in SIGMOIDS]
RIGHT += [(name, s, lambda *a, s=s: torch.tanh(SUMS[s](*a))) for name in ("rnn_step", "candidate") for s in SUMS]
RIGHT += [("candidate", s, lambda x, h, W, U, b, s=s: TANHS[s](x @ W + h @ U + b)) for s in TANHS]
RIGHT += [(name, str(k), f) for name, answers in OTHERS.items() for k, f in enumerate(answers)]


@pytest.mark.parametrize(("name", "way", "f"), RIGHT, ids=[f"{name}-{way}" for name, way, _ in RIGHT])
def test_another_right_way_passes(name, way, f):
    assert check(named(name, f)).outcome == "correct", check(named(name, f))


@pytest.mark.parametrize(
    "share",
    [
        lambda d: (flips(d) * d).mean(1).abs() >= d.mean().abs(),
        lambda d: (flips(d) @ d).abs() >= d.sum().abs(),
        lambda d: torch.stack([(signs * d).sum().abs() for signs in flips(d)]) >= d.sum().abs(),
        lambda d: (flips(d) * d).flip(1).cumsum(1)[:, -1].abs() >= d.cumsum(0)[-1].abs(),
    ],
    ids=["means", "sums", "one by one", "backwards"],
)
def test_ties_lost_to_rounding_are_named(share):
    message = check(named("sign_flip_test", lambda d: share(d).double().mean())).message
    assert "Rounding loses ties" in message
    assert not check(named("sign_flip_test", lambda d: share(d.float()).double().mean())).passed


GATE = "def input_gate(x_t, h_prev, W_xi, W_hi, b_i):\n    {}"
RIGHT_LINE = "torch.sigmoid(x_t @ W_xi + h_prev @ W_hi + b_i)"
PLUMBING = {
    "forgets return": (RIGHT_LINE, "wrong", "returns nothing (None)"),
    "prints": (f"print({RIGHT_LINE})", "wrong", "It prints, and returns nothing"),
    "NumPy": (f"return {RIGHT_LINE}.numpy()", "wrong", "NumPy array"),
    "list": (f"return {RIGHT_LINE}.tolist()", "wrong", "You return a list with 3 entries"),
    "comma": (f"return {RIGHT_LINE},", "wrong", "comma"),
    "number": (f"return {RIGHT_LINE}.sum().item()", "wrong", "Python number (float)"),
    "transposed": (f"return {RIGHT_LINE}.T", "wrong", "another order"),
    "extra dimension": (f"return {RIGHT_LINE}[None]", "wrong", "are right, in another shape"),
    "squeezed": (f"return {RIGHT_LINE}.squeeze()", "wrong", "squeeze"),
    "float": (f"return {RIGHT_LINE}.float()", "wrong", "has dtype torch.float32; expected torch.float64"),
    "detached": (f"return {RIGHT_LINE}.detach()", "wrong", "cut from the graph"),
    "no_grad": (f"with torch.no_grad(): return {RIGHT_LINE}", "wrong", "cut from the graph"),
    "weight detached": (
        "return torch.sigmoid(x_t @ W_xi.detach() + h_prev @ W_hi + b_i)", "wrong", "no gradient reaches `W_xi`",
    ),
    "in place": (f"i = {RIGHT_LINE}; h_prev.zero_(); return i", "wrong", "changes `h_prev` in place"),
    "in place on the way": (f"x_t *= 2; return {RIGHT_LINE}", "wrong", "changes `x_t` in place"),
    "ignores": ("return torch.sigmoid(3 * x_t @ W_xi + b_i)", "wrong", "whatever `h_prev` and `W_hi` may be"),
    "B = 1 only": (f"return {RIGHT_LINE}[:1]", "wrong", "Right for B = 1 only"),
    "random": ("return torch.sigmoid(x_t @ W_xi + h_prev @ W_hi + b_i + torch.rand(1))", "wrong", "A second call"),
    "raises": ("return 1 / 0", "crashed", "ZeroDivisionError"),
    "recursion": ("return input_gate(x_t, h_prev, W_xi, W_hi, b_i)", "crashed", "calls itself without end"),
    "endless": ("while True: pass", "crashed", "stopped after"),
    "endless, catching": ("\n    while True:\n        try: sleep(1)\n        except: pass", "crashed", "stopped after"),
    "exit": ("exit(1)", "crashed", "SystemExit"),
    "interrupt": ("raise KeyboardInterrupt", "crashed", "interrupted"),
    "no such name": ("return torch.sigmoid(x_t @ W_xi + h_prev @ W_hi + bias)", "crashed", "NameError"),
    "not implemented by torch": ("return torch.sigmoid(x_t.long() @ W_xi)", "crashed", "RuntimeError"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "outcome", "says"), PLUMBING.values(), ids=PLUMBING)
def test_a_mistake_of_plumbing_is_named(body, outcome, says):
    result = check(in_notebook(GATE.format(body)))
    assert result.outcome == outcome
    assert says in result.message
    assert result.message.count("\n") <= 2


def test_arguments_are_counted_and_their_order_is_read():
    too_few = check(in_notebook("def input_gate(x_t, h_prev, W_xi, W_hi): return x_t"))
    assert too_few.outcome == "crashed"
    assert "it takes 4 arguments" in too_few.message
    assert "expected 5 (x_t, h_prev, W_xi, W_hi, b_i)" in too_few.message
    turned = in_notebook(GATE.replace("x_t, h_prev", "h_prev, x_t", 1).format(f"return {RIGHT_LINE}"))
    assert "another order" in check(turned).message


def test_a_tuple_in_the_wrong_order_is_named():
    def lstm_step(x_t, h_prev, c_prev, weights):
        return stacked(x_t, h_prev, c_prev, weights)[::-1]

    assert "another order: expected h_t, c_t" in check(lstm_step).message


def test_a_nested_tuple_is_named():
    result = check(named("lstm", lambda *a: (lambda seq, h, c: (seq, (h, c)))(*stacked_lstm(*a))))
    assert "a tuple inside a tuple; expected 3 tensors (hidden_seq, h_T, c_T), side by side" in result.message


ENTRIES = {
    "a list": ("pad_batch", lambda ids, n: (ids, n.tolist()), "`lengths` is a list with 3", "tensor (B,), torch.int64"),
    "NumPy": ("pad_batch", lambda ids, n: (ids.numpy(), n), "`ids` is a NumPy array", "tensor (B, T), torch.int64"),
    "None": ("lstm_step", lambda h, c: (h, None), "`c_t` is nothing (None)", "tensor (B, H)"),
    "a comma": ("lstm_step", lambda h, c: ((h,), c), "`h_t` is a tuple with 1 entry", "Does a comma stand"),
    "a pair": (
        "from_torch_weights", lambda w: {**w, "b_i": (w["b_i"], w["b_i"])}, '`weights["b_i"]` is a tuple', "tensor (6,)"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "change", "got", "expected"), ENTRIES.values(), ids=ENTRIES)
def test_an_entry_that_is_no_tensor_is_named_with_the_shape_it_needs(name, change, got, expected):
    def answer(*given):
        right = exercises()[name].solve()(*given)
        return change(*right) if isinstance(right, tuple) else change(right)

    message = check(named(name, answer)).message
    assert got in message
    assert expected in message


INNER = {  # what becomes of the dictionary inside a tuple, and what is said of it
    "a missing key": (lambda d: {k: v for k, v in d.items() if k != "b_o"}, "`dweights`: The dictionary has no entry"),
    "no tensor": (lambda d: {**d, "b_i": None}, '`dweights["b_i"]` is nothing (None)'),
    "a list": (lambda d: list(d.values()), "`dweights`: You return a list with 12 entries; expected a dictionary"),
    "another shape": (lambda d: {**d, "b_f": d["b_f"][None]}, '`dweights["b_f"]` has shape (1, 6); expected (6,)'),
    "another value": (lambda d: {**d, "W_ho": d["W_ho"] + 1}, '`dweights["W_ho"][0, 0]` is'),
}


@pytest.mark.parametrize(("change", "said"), INNER.values(), ids=INNER)
def test_an_entry_of_a_dictionary_inside_a_tuple_is_named(change, said):
    def answer(*given):
        *states, dweights = backward.lstm_backward_step(*given)
        return *states, change(dweights)

    result = check(named("lstm_backward_step", answer))
    assert result.outcome == "wrong"
    assert said in result.message


def test_a_result_too_few_is_told_by_all_their_names():
    result = check(named("lstm_backward_step", lambda *given: backward.lstm_backward_step(*given)[1:]))
    assert "You return 3 values; expected 4 values (dx_t, dh_prev, dc_prev, dweights)." in result.message


def test_other_keys_are_named_beside_the_missing_ones():
    def answer(*given):
        return {name.replace("c", "g"): w for name, w in layers.from_torch_weights(*given).items()}

    message = check(named("from_torch_weights", answer)).message
    assert "no entry `W_xc`, `W_hc` and `b_c`, but `W_xg`, `W_hg` and `b_g`" in message


@pytest.mark.parametrize("name", ["masked_accuracy", "spectral_radius"])
def test_a_python_number_for_a_tensor_without_dimensions_is_named(name):
    message = check(named(name, lambda *given: exercises()[name].solve()(*given).item())).message
    assert "You return a Python number (float); expected one tensor without dimensions." in message


def test_a_list_for_a_tuple_is_no_answer_where_the_caller_asks_for_a_tuple():
    def truncate(state):
        return [part.detach() for part in state] if isinstance(state, tuple) else state.detach()

    assert "You return a list; expected a tuple" in check(truncate).message


@pytest.mark.parametrize("body", ["raise NotImplementedError", "pass"])
def test_an_open_exercise_that_an_answer_calls_is_named(body):
    source = """
def hidden_state(o_t, c_t):
    {}

def lstm_step(x, h, c, w):
    return hidden_state(x @ w["W_xo"], c) + 0, c"""
    space = {"torch": torch, "__name__": "__main__"}
    exec(source.format(body), space)
    result = check(space["lstm_step"])
    assert result.outcome == "crashed"
    assert "`hidden_state`, which you call, is still open" in result.message
    assert "`equations.hidden_state`" in result.message


@pytest.mark.parametrize(("name", "source"), [(source.split("(")[0][4:], source) for _, source in CELLS])
def test_a_message_names_no_size_that_the_stub_does_not_have(name, source):
    text = source.split('"""')[1]
    for inputs in input_sets():
        exercises()[name].inputs(inputs)
        used = inputs.letters_used.union(*(shape.split() for shape in exercises()[name].returns.values()))
        assert {letter.removeprefix("4") for letter in used} <= set(re.findall(r"[A-Z]", text))


def test_the_sizes_of_the_exercises_are_never_taken_one_for_another():
    for inputs in input_sets():
        sizes = {k: v for k, v in inputs.sizes.items() if k != "K"}  # K stands where there is no N
        assert len(set(sizes.values())) == len(sizes) or inputs.index == 4 or 1 in sizes.values()


def test_states_overwritten_in_place_are_named():
    def lstm(x, h_0, c_0, weights):
        hidden_seq = []
        for t in range(x.shape[1]):
            h_t, c_t = stacked(x[:, t], h_0, c_0, weights)
            h_0.copy_(h_t)
            c_0.copy_(c_t)
            hidden_seq.append(h_0)
        return torch.stack(hidden_seq, dim=1), h_0, c_0

    assert "one tensor, written over in place" in check(lstm).message


def test_a_tensor_overwritten_in_place_that_the_backward_pass_needs_is_named():
    def lstm(x, h_0, c_0, weights):
        h, c = h_0.clone(), c_0.clone()
        hidden_seq = torch.zeros(*x.shape[:2], h.shape[1], dtype=h.dtype)
        for t in range(x.shape[1]):
            h[:], c[:] = stacked(x[:, t], h, c, weights)
            hidden_seq[:, t] = h
        return hidden_seq, h, c

    assert "whose old values the backward pass still needs" in check(lstm).message


def test_an_answer_that_is_right_on_some_inputs_without_sizes_gets_their_number():
    def half_life(f):
        return -1 / torch.log2(f[:1])

    assert "Right for 2 of 6 sets of inputs" in check(half_life).message


@pytest.mark.parametrize("line", ["x", "(x_t + 0 * old)"])
def test_the_notebooks_own_tensors_are_no_part_of_an_answer(line):
    source = f"def input_gate(x, h, W, U, b):\n    return torch.sigmoid({line} @ W_xi + h @ U + b)"
    result = check(in_notebook(source, W_xi=torch.randn(4, 6), x_t=torch.randn(3, 4), old=torch.ones(3, 4)))
    assert not result.passed
    assert "`W_xi`" in result.message
    assert "from the notebook" in result.message


def test_a_tensor_of_the_lesson_is_no_part_of_a_right_answer_either():
    result = check(in_notebook(GATE.format(f"return {RIGHT_LINE} + 0 * c_prev.sum()"), c_prev=torch.ones(1)))
    assert result.outcome == "wrong"
    assert "reads `c_prev` from the notebook" in result.message


def test_helpers_and_constants_of_the_notebook_are_welcome():
    source = "def squash(z): return 1 / (ONE + torch.exp(-z))\n" + GATE.format(
        "return squash(x_t @ W_xi + h_prev @ W_hi + b_i)"
    )
    space = {"torch": torch, "ONE": 1, "__name__": "__main__"}
    exec(source, space)
    assert check(space["input_gate"]).passed
    assert check(in_notebook(GATE.format(f"return HALF * 2 * {RIGHT_LINE}"), HALF=torch.tensor(0.5))).passed


def test_an_answer_under_another_name_is_found_where_the_notebook_has_it():
    space = {"check": check, "torch": torch}
    exec("hadamard = lambda a, b: a * b\nresult = check(hadamard)", space)
    assert space["result"].passed


def test_a_wrong_value_shows_what_was_got_and_what_was_expected():
    def hadamard(a, b):
        return a * b + (a > 1)

    message = check(hadamard).message
    assert "; expected " in message
    assert "`(a ⊙ b)[" in message


def test_zero_is_shown_without_a_sign():
    message = check(named("cell_state", lambda f, c, i, g: -0.0 * f)).message
    assert "`c_t[0, 0]` is 0; expected " in message


def test_a_cut_graph_says_once_that_the_values_are_right():
    h_cut = check(named("lstm_step", lambda x, h, c, w: stacked(x, h.detach(), c, w))).message
    assert h_cut.count("alues are right") == 1
    assert "No gradient reaches `h_prev`; expected one." in h_cut
    unknown = check(named("lstm_step", lambda x, h, c, w: stacked(x.detach(), h, c, w))).message
    assert "The values are right, but no gradient reaches `x_t`; expected one." in unknown


def test_numpy_inside_is_named_where_gradients_break():
    message = check(named("half_life", lambda f: np.log(0.5) / np.log(f))).message
    assert "NumPy knows no gradients" in message
    assert "breaks: it raises" in message


SINGLE = {
    "np.log(0.5) / float(f)": "A whole tensor comes where one number is wanted",
    "1 / f if f > 0 else f": "want one yes or no",
}


@pytest.mark.parametrize(("line", "says"), SINGLE.items())
def test_a_tensor_where_one_number_is_wanted_is_named(line, says):
    assert says in check(in_notebook(f"def half_life(f):\n    return {line}")).message


def test_a_wrong_answer_that_never_runs_is_known_by_its_error():
    crash = check(named("clip_by_norm", lambda grads, m: torch.cat(grads).norm()))
    assert crash.outcome == "crashed"
    assert "`cat` joins tensors" in crash.message
    other = check(named("clip_by_norm", lambda grads, m: torch.cat([grads[2], grads[0]])))  # another order, other words
    assert "`cat` joins tensors" not in other.message


def test_got_and_expected_are_shown_with_as_many_digits_as_tell_them_apart():
    def hadamard(a, b):
        return a * b * (1 + 1e-7)

    got, expected = re.search(r"is (\S+); expected (\S+) \(with", check(hadamard).message).groups()
    assert got != expected


def test_a_message_never_holds_the_references_line():
    for exercise in exercises().values():
        lines = [line.strip() for line in inspect.getsource(exercise.solve()).split("\n") if "return" in line]
        answer = lines[-1].removeprefix("return ")
        for mistake in exercise.mistakes:
            assert answer not in mistake.cause


# Odd things to return, and odd things to do.


class Liar:
    """Claims to be anything."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __eq__(self, other):
        raise RuntimeError("never equal")

    __hash__ = None

    def __repr__(self):
        raise RuntimeError("no name")


class EndlessList(list):
    def __iter__(self):
        while True:
            yield 1

    def __len__(self):
        return 2


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def returns(value):
    return lambda *arguments: value


def raises(error):
    def f(*arguments):
        raise error

    return f


nested = []
nested.append(nested)
VALUES = [
    None, True, 0, 1.5, 1j, float("nan"), "", "text", b"bytes", [], (), {}, set(), [None], (None, None), [[]], nested,
    object(), object, type, ..., NotImplemented, range(3), iter([]), (k for k in range(3)), lambda: 0, print, torch,
    Liar(), Liar, EndlessList(), Exception("returned"), np.float64(1), np.zeros((3, 6)), np.zeros(0), np.array(["a"]),
    torch.tensor(0.0), torch.zeros(0), torch.zeros(3, 6), torch.zeros(3, 6, dtype=torch.float64), torch.zeros(1, 1),
    torch.full((3, 6), float("nan"), dtype=torch.float64), torch.full((3, 6), float("inf"), dtype=torch.float64),
    torch.zeros(3, 6, dtype=torch.complex128), torch.zeros(3, 6, dtype=torch.bool), torch.zeros(3, 6, dtype=torch.int8),
    torch.zeros(3, 6, dtype=torch.bfloat16), torch.zeros(3, 6, device="meta"), torch.zeros(3, 6).to_sparse(),
    torch.zeros(3, 6, dtype=torch.float64, device="meta"), torch.zeros(3, 6, dtype=torch.float64).to_sparse(),
    torch.zeros(2, 3, 4, 5, 6), torch.nn.Parameter(torch.zeros(3, 6)), torch.nn.Linear(2, 3), torch.Size([3]),
    torch.float64, torch.Generator(), [torch.zeros(3)] * 5, (torch.zeros(3, 6),) * 2, (torch.zeros(3, 6),) * 3,
    {"W_xi": None}, {1: 2}, {k: None for k in range(12)}, (torch.zeros(1), None), [np.zeros(3)] * 2,
    torch.zeros(3, 6).to(torch.float8_e5m2),
]  # fmt: skip
DEEDS = [
    raises(e)
    for e in (
        ValueError, TypeError("a\nb\nc"), KeyError("W_xi"), SystemExit, KeyboardInterrupt, GeneratorExit, StopIteration,
        BaseException(), MemoryError, RecursionError, NotImplementedError, Mute(), ExceptionGroup("g", [OSError()]),
        Exception("x" * 10_000), UnicodeDecodeError("utf-8", b"", 0, 1, "odd"), Warning("as error"),
    )
] + [
    lambda *a: a, lambda *a: a[0], lambda *a: a[-1], lambda *a: list(a), lambda *a: a[0].resize_(0),
    lambda *a: [t.zero_() for t in a], lambda *a: [getattr(t, "requires_grad_", int)() for t in a],
    lambda *a: a[-1].clear(), lambda *a: a[0].backward(), lambda *a: a[0].set_(), lambda *a: torch.randn(3, 6),
    lambda *a: torch.set_default_dtype(torch.float64), lambda *a: torch.set_grad_enabled(False),
    lambda *a: sys.stdout.close(),
    lambda *a: setattr(sys, "stdout", None), lambda *a: print("x" * 10**6), lambda *a: print(Liar()),
    lambda *a: threading.Thread(target=int).start(), lambda *a: (_ for _ in ()).throw(OSError), lambda *a: eval("1 +"),
    lambda *a: torch.zeros(10**12), lambda *a: check(a), lambda *a: a[0].to("cuda"), lambda *a: a[0].view(7, -1),
    lambda *a: a[0] @ a[0] @ a[0], lambda *a: torch.autograd.grad(a[0].sum(), a[0]), lambda *a: torch.manual_seed(3),
]  # fmt: skip


def timed(f, *arguments):
    start = time.process_time()
    return f(*arguments), time.process_time() - start


ODD = [returns(value) for value in VALUES] + DEEDS


@pytest.mark.parametrize("name", NAMES)
def test_nothing_a_function_does_or_returns_gets_out_of_a_check(name):
    dtype, state = torch.get_default_dtype(), torch.get_rng_state()
    for k, f in enumerate(ODD):
        result, seconds = timed(check, named(name, f))
        assert result.outcome in ("wrong", "crashed", "not attempted"), (k, result)
        assert seconds < 2 or timed(check, named(name, f))[1] < 2  # once more, should the machine have been busy
        assert 1 <= len(repr(result).split("\n")) <= 3
        assert result._repr_markdown_()
    assert torch.get_default_dtype() == dtype
    assert torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    "make",
    [
        lambda: None, lambda: 3, lambda: "no such", lambda: torch.zeros(3), Liar, lambda: Liar, lambda: print,
        lambda: torch.nn.Linear(2, 2), lambda: len, lambda: [], lambda: type, lambda: "input_gate", lambda: lambda: 0,
    ],
)  # fmt: skip
def test_what_is_no_answer_gets_an_outcome_too(make):
    thing = make()
    assert check(thing).outcome == "not attempted"
    assert hint(thing).text
    assert solution(thing).text


def test_a_misspelt_name_is_met_with_the_right_one():
    def input_gatte():
        pass

    assert "`input_gate`" in check(input_gatte).message


def test_a_check_in_a_thread_works_without_the_alarm():
    found = []
    thread = threading.Thread(target=lambda: found.append(check(equations.input_gate)))
    thread.start()
    thread.join()
    assert found[0].passed


@pytest.mark.parametrize("name", NAMES)
def test_a_check_takes_under_half_a_second(name):
    assert min(timed(check, exercises()[name].solve())[1] for _ in range(3)) < 0.5


def test_printing_is_captured_and_mentioned(capsys):
    def hadamard(a, b):
        print("here I am")
        return a * b

    result = check(hadamard)
    assert result.passed
    assert "here I am" in result.message
    assert capsys.readouterr() == ("", "")


def test_results_have_a_mark_and_a_picture_only_where_something_is_wrong():
    right, wrong = check(equations.cell_state), check(named("cell_state", lambda f, c, i, g: f * c))
    assert repr(right).startswith("✅")
    assert right._repr_html_() is None
    assert repr(wrong).startswith("❌")
    assert "  \n" in wrong._repr_markdown_()
    page = wrong._repr_html_()
    assert "<img" in page
    assert "alt=" in page
    assert "Nothing new comes in" in page


def test_a_picture_that_fails_leaves_the_message(monkeypatch):
    monkeypatch.setattr("lstm_lesson.exercises.result._heatmaps", raises(ImportError("no plots")))
    wrong = check(named("cell_state", lambda f, c, i, g: f * c))
    assert wrong._repr_html_() is None
    assert "Nothing new comes in" in wrong._repr_markdown_()


def test_check_loads_on_first_use_and_loads_no_plots_without_a_front_end():
    code = "import sys, lstm_lesson; assert 'lstm_lesson.exercises' not in sys.modules\n"
    code += "def hadamard(a, b): return a + b\nprint(repr(lstm_lesson.check(hadamard)))\n"
    code += "assert not {'matplotlib', 'IPython', 'lstm_lesson.plots'} & set(sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "❌" in ran.stdout


@pytest.mark.parametrize("name", NAMES)
def test_hints_come_one_at_a_call_and_stay_at_the_last(name):
    engine._hints_shown.clear()
    texts = [hint(name).text for _ in range(4)]
    assert [text[:11] for text in texts] == ["Hint 1 of 3", "Hint 2 of 3", "Hint 3 of 3", "Hint 3 of 3"]
    assert all(each in text for each, text in zip(exercises()[name].hints, texts, strict=False))


@pytest.mark.parametrize("name", NAMES)
def test_the_solution_is_the_packages_own_source(name):
    stub = in_notebook(f"def {name}(*arguments):\n    raise NotImplementedError")
    shown = solution(stub)
    assert inspect.getsource(exercises()[name].solve()).rstrip() in shown.text
    assert shown._repr_markdown_().startswith("```python")
    assert solution(name).text == shown.text


def test_a_name_that_the_package_does_not_have_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        lstm_lesson.nothing  # noqa: B018


class LateAlarm(sandbox.Sandbox):
    """Its alarm rings once, in the moment in which it is turned off."""

    rung = False

    @property
    def can_stop(self):
        if self.running and not self.rung:
            self.rung = True
            self._on_alarm(None, sys._getframe(1))
        return hasattr(sandbox.signal, "setitimer")

    @can_stop.setter
    def can_stop(self, _):
        pass

    def _seconds_left(self):
        return 0.0 if self.rung else 60.0


def test_the_time_in_which_a_busy_machine_keeps_an_answer_waiting_does_not_count(monkeypatch):
    if not hasattr(sandbox.signal, "setitimer"):
        pytest.skip("no alarms here")
    waited = [0.0]
    monkeypatch.setattr(sandbox, "_seconds_without_processor", lambda: waited[0])

    def slow():
        time.sleep(0.1)
        return 3

    with sandbox.Sandbox(0.02).isolated() as box:
        assert isinstance(box(slow)[1], sandbox.TimeUp)
    with sandbox.Sandbox(0.02).isolated() as box:
        waited[0] = 60.0
        assert box(slow) == (3, None)


def test_an_import_that_takes_long_is_not_stopped_and_leaves_time_for_the_next_call(tmp_path, monkeypatch):
    if not hasattr(sandbox.signal, "setitimer"):
        pytest.skip("no alarms here")
    (tmp_path / "slow_to_import.py").write_text("import time\nfor _ in range(20): time.sleep(0.01)\n")
    monkeypatch.syspath_prepend(tmp_path)

    def wait():
        time.sleep(0.1)
        return 3

    with sandbox.Sandbox(0.05).isolated() as box:
        assert box(importlib.import_module, "slow_to_import")[1] is None
        assert box(wait) == (3, None)


def test_an_alarm_in_the_last_moment_does_not_get_out():
    assert LateAlarm()(lambda: 3) == (3, None)
    value, error = LateAlarm()(raises(KeyError("late")))
    assert value is None
    assert isinstance(error, KeyError)


def test_the_alarm_is_off_before_its_handler_goes(monkeypatch):
    if not hasattr(sandbox.signal, "setitimer"):
        pytest.skip("no alarms here")
    left, handle = [], sandbox.signal.signal

    def signal(*given):
        left.append(sandbox.signal.getitimer(sandbox.signal.ITIMER_REAL)[0])
        return handle(*given)

    monkeypatch.setattr(sandbox.signal, "signal", signal)
    with sandbox.Sandbox().isolated() as box:
        box._set_alarm(5)
    assert left == [0, 0]


def test_the_alarm_of_someone_else_is_kept():
    if not hasattr(sandbox.signal, "setitimer"):
        pytest.skip("no alarms here")
    old = sandbox.signal.signal(sandbox.signal.SIGALRM, lambda *_: None)
    sandbox.signal.setitimer(sandbox.signal.ITIMER_REAL, 60)
    try:
        check(layers.lstm)
        assert sandbox.signal.getitimer(sandbox.signal.ITIMER_REAL)[0] > 50
    finally:
        sandbox.signal.setitimer(sandbox.signal.ITIMER_REAL, 0)
        sandbox.signal.signal(sandbox.signal.SIGALRM, old)
