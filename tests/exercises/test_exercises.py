"""Every exercise accepts each correct answer, and names the cause of each known wrong one."""

import ast
import builtins
import inspect
import itertools
import math
import random
import re
import time
from datetime import date, timedelta

import numpy as np
import pytest
import torch
from answers import arguments, edited, in_notebook, named, stacked, stacked_lstm, stub_cells
from torch.nn import functional as F

from lstm_lesson import check, hint, solution
from lstm_lesson import exercises as facade
from lstm_lesson.exercises.answer import run_copy
from lstm_lesson.exercises.compare import allclose, gradient_problem, input_gradients
from lstm_lesson.exercises.exercise import exercises, input_sets
from lstm_lesson.successors import gru

NAMES = list(exercises())
COMPARED = [name for name in NAMES if exercises()[name].judge is None]  # with the package's function
CELLS = [(re.findall(r"check\((\w+)\)", source)[-1], notebook, source) for notebook, source in stub_cells()]


@pytest.mark.parametrize(("name", "notebook", "source"), CELLS, ids=[name for name, _, _ in CELLS])
def test_a_stub_has_the_arguments_of_its_exercise_and_is_not_attempted(name, notebook, source):
    body, last = source.strip().rsplit("\n", 1)
    space = {"torch": torch, "nn": torch.nn, "check": check}
    exec(body, space)
    assert eval(last, space).outcome == "not attempted"
    if inspect.isfunction(space[name]):
        assert list(inspect.signature(space[name]).parameters) == arguments(name)


def test_the_stubs_of_the_notebooks_are_the_exercises_in_their_order():
    assert [(name, notebook) for name, notebook, _ in CELLS] == [(e.name, e.notebook) for e in exercises().values()]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "MyLSTM"])  # a class has more time
def test_the_reference_passes_its_own_check_in_under_half_a_second(name):
    seconds = []
    while not seconds or (min(seconds) >= 0.5 and len(seconds) < 3):  # again, should the machine have been busy
        start = time.process_time()
        result = check(exercises()[name].solve())
        seconds.append(time.process_time() - start)
    assert result.passed, result
    assert min(seconds) < 0.5


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


@pytest.mark.parametrize("name", COMPARED)
def test_each_known_wrong_answer_has_a_sentence_of_its_own(name):
    causes = [edit.cause for edit in exercises()[name].edits]
    assert all(causes) and len(set(causes)) >= 8
    assert len({edit.id for edit in exercises()[name].edits}) == len(causes)


EDITS = [(name, id) for name in NAMES if exercises()[name].model for id in exercises()[name].model_answer.described]


@pytest.mark.parametrize("name", [name for name in NAMES if exercises()[name].model])
def test_a_model_answer_gives_what_the_reference_gives(name):
    exercise = exercises()[name]
    for inputs in input_sets() + input_sets("square"):
        arguments = exercise.inputs(inputs)
        got, expected = edited(name)(*arguments.values()), exercise.solve()(*arguments.values())
        assert allclose(got, expected)
        if exercise.gradient and inputs.dtype == torch.float64:
            gradients = [input_gradients(f, arguments) for f in (edited(name), exercise.solve())]
            assert gradient_problem(*gradients) is None


@pytest.mark.parametrize("name", [name for name in NAMES if exercises()[name].model])
def test_every_regular_mistake_is_an_expression_of_values(name):
    model = exercises()[name].model_answer
    assert not {"torch", "F"} & {line.text.strip("()") for line in model.changed(model.regular.values())}


@pytest.mark.parametrize("name", [name for name in NAMES if exercises()[name].model])
def test_a_described_edit_reads_no_name_that_its_place_does_not_have(name):
    model = exercises()[name].model_answer
    given = tuple(exercises()[name].inputs(input_sets("square")[0]).values())
    for id, edit in model.described.items():
        try:
            model.run(given, (edit,))
        except NameError as error:
            pytest.fail(f"{id}: {error}")
        except Exception:
            continue


@pytest.mark.parametrize(("name", "id"), random.Random(12).sample(EDITS, 40))
def test_a_described_edit_is_rejected_and_named(name, id):
    """A part drawn with a seed; the test below takes all."""
    is_named(name, id)


@pytest.mark.full
@pytest.mark.parametrize(("name", "id"), EDITS)
def test_every_described_edit_is_rejected_and_named(name, id):
    is_named(name, id)


def is_named(name, id):
    """The edit, or one that does the same, is named; or the message says what is wrong with the result's form."""
    mistake = edited(name, (id,))
    result = check(named(name, mistake))
    assert result.outcome in ("wrong", "crashed")
    assert result.message.count("\n") <= 2
    arguments = exercises()[name].inputs(input_sets("square")[0])
    if result.edits:
        given = [run_copy(f, arguments) for f in (mistake, edited(name, result.edits))]
        assert type(given[0][1]) is type(given[1][1]) and (given[0][1] or allclose(given[0][0], given[1][0]))
    else:
        assert exercises()[name].model_answer.described[id].cause.split(".")[0] in result.message


def flips(d):
    return torch.tensor(list(itertools.product((1.0, -1.0), repeat=len(d))), dtype=d.dtype)


def sigmoid_by_exp(z):
    return 1 / (1 + torch.exp(-z))


def baddbmm(x, h, W, U, b):
    z = torch.baddbmm(b.expand(1, len(x), -1), x[None], W[None])
    return torch.baddbmm(z, h[None], U[None])[0]


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


def gru_parts(x, h, w):
    """The update gate and the candidate of a GRU step."""
    r, z = (gate(x, h, w[f"W_x{k}"], w[f"W_h{k}"], w[f"b_{k}"])
            for gate, k in ((gru.reset_gate, "r"), (gru.update_gate, "z")))  # fmt: skip
    return z, gru.candidate(x, h, r, w["W_xh"], w["W_hh"], w["b_h"], w["b_hh"])


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


def grown(step, past):
    return torch.cat([past, step(past)[:, None]], dim=1)


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
    "free_run": [
        torch.no_grad()(lambda step, past, n: torch.cat([past := grown(step, past) for _ in range(n)][-1:])[:, -n:]),
        lambda step, past, n: torch.stack(
            [(past := grown(step, past.detach()))[:, -1] for _ in range(n)], dim=1
        ),
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
    "next_character_batches": [
        lambda ids, B, T: [
            (rows[:, k : k + T], rows[:, k + 1 : k + 1 + T])
            for rows in [torch.stack(ids.split(len(ids) // B)[:B])] for k in range(0, len(ids) // B - T, T)
        ],
        lambda ids, B, T: [
            (w[:, :-1], w[:, 1:]) for w in ids[: len(ids) // B * B].view(B, -1).unfold(1, T + 1, T).unbind(1)
        ],
        lambda ids, B, T: [
            [torch.stack([ids[b * (len(ids) // B) + k * T + shift :][:T] for b in range(B)]) for shift in (0, 1)]
            for k in range((len(ids) // B - 1) // T)
        ],
        lambda ids, B, T: list(zip(*(
            rows[:, : (rows.shape[1] // T) * T].split(T, dim=1)
            for rows in [ids[: len(ids) // B * B].view(B, -1)] for rows in (rows[:, :-1], rows[:, 1:])
        ), strict=True)),
    ],
    "bits_per_character": [
        lambda z, y: F.cross_entropy(z.flatten(0, 1), y.flatten()) / math.log(2),
        lambda z, y: F.cross_entropy(z.transpose(1, 2), y) / np.log(2),
        lambda z, y: -torch.log2(z.softmax(-1).gather(-1, y[..., None])).mean(),
        lambda z, y: ((z.logsumexp(-1) - z.gather(2, y.unsqueeze(2)).squeeze(2)) * math.log2(math.e)).mean(),
        lambda z, y: F.nll_loss(z.log_softmax(-1).reshape(-1, z.shape[-1]), y.reshape(-1)) / torch.log(torch.tensor(2)),
        lambda z, y: -(F.one_hot(y, z.shape[-1]) * z.log_softmax(-1)).sum() / y.numel() / math.log(2),
    ],
    "top_k": [
        lambda z, k: z.masked_fill(z < z.topk(k, dim=1).values[:, [-1]], -math.inf),
        lambda z, k: torch.full_like(z, -math.inf).scatter(1, z.topk(k).indices, z.topk(k).values),
        lambda z, k: torch.where(z.argsort(1, descending=True).argsort(1) < k, z, float("-inf")),
        lambda z, k: torch.where(z >= z.kthvalue(z.shape[1] - k + 1, dim=1, keepdim=True).values, z, -torch.inf),
        lambda z, k: z + torch.log((z >= z.sort(dim=1).values[:, -k, None]).to(z.dtype)),
    ],
    "gru_step": [
        lambda x, h, w: torch.lerp(gru_parts(x, h, w)[1], h, gru_parts(x, h, w)[0]),
        lambda x, h, w: (v := gru_parts(x, h, w))[1] + v[0] * (h - v[1]),
        lambda x, h, w: h - (1 - gru_parts(x, h, w)[0]) * (h - gru_parts(x, h, w)[1]),
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
def test_another_correct_answer_passes(name, way, f):
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
def test_ties_lost_to_rounding_are_named_as_the_cause(share):
    message = check(named("sign_flip_test", lambda d: share(d).double().mean())).message
    assert "Rounding loses ties" in message
    assert not check(named("sign_flip_test", lambda d: share(d.float()).double().mean())).passed


@pytest.mark.parametrize(("name", "source"), [(name, source) for name, _, source in CELLS if name in COMPARED])
def test_a_message_names_no_size_that_the_stub_does_not_have(name, source):
    text = source.split('"""')[1]
    for inputs in input_sets():
        exercises()[name].inputs(inputs)
        used = inputs.letters_used.union(*(shape.split() for shape in exercises()[name].returns.values()))
        assert {letter.removeprefix("4") for letter in used} <= set(re.findall(r"[A-Z]", text))


def test_no_two_sizes_of_a_set_of_inputs_are_equal():
    for inputs in input_sets():
        sizes = {k: v for k, v in inputs.sizes.items() if k != "K"}  # K stands where there is no N
        assert len(set(sizes.values())) == len(sizes) or inputs.index == 4 or 1 in sizes.values()


def test_no_cause_contains_the_solution():
    for exercise in exercises().values():
        lines = [line.strip() for line in inspect.getsource(exercise.solve()).split("\n") if "return" in line]
        answer = lines[-1].removeprefix("return ")
        for edit in exercise.edits:
            assert answer not in edit.cause


@pytest.mark.parametrize("name", NAMES)
def test_each_call_gives_the_next_hint_and_then_the_last_again(name):
    facade._hints_shown.clear()
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


def test_a_class_can_close_the_solutions_up_to_a_date(monkeypatch):
    today, tomorrow = date.today(), date.today() + timedelta(days=1)
    monkeypatch.setenv("LSTM_LESSON_SOLUTIONS_FROM", str(tomorrow))
    assert (
        str(solution("hadamard")) == f"Your class opens the solutions on {tomorrow}. `hint(hadamard)` helps until then."
    )
    assert "There is no exercise" in solution("hadamardo").text
    for opened in (str(today), "2001-01-01", ""):
        monkeypatch.setenv("LSTM_LESSON_SOLUTIONS_FROM", opened)
        assert "def hadamard" in solution("hadamard").text
    monkeypatch.setenv("LSTM_LESSON_SOLUTIONS_FROM", "next week")
    with pytest.raises(
        ValueError, match="LSTM_LESSON_SOLUTIONS_FROM is 'next week'; it needs a date such as 2026-12-01"
    ):
        solution("hadamard")


@pytest.mark.parametrize("name", NAMES)
def test_a_solution_calls_only_what_is_known_or_shown_below_it(name):
    """Known are Python, torch, guards, and the exercises up to its notebook; a named tuple counts as a tuple."""
    exercise, shown = exercises()[name], ast.parse(solution(name).text)
    nodes = list(ast.walk(shown))
    own = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    own |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    own |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    earlier = {each.name for each in exercises().values() if each.notebook <= exercise.notebook}
    module = vars(inspect.getmodule(exercise.solve()))
    in_errors = {id(node) for error in nodes if isinstance(error, ast.Raise) for node in ast.walk(error)}
    for node in nodes:
        called = node.func if isinstance(node, ast.Call) and id(node) not in in_errors else None
        while isinstance(called, ast.Attribute):
            called = called.value
        if isinstance(called, ast.Name) and called.id not in own | earlier and not hasattr(builtins, called.id):
            value = module.get(called.id)
            theirs = getattr(value, "__module__", None) or getattr(value, "__name__", "")
            known = not theirs.startswith("lstm_lesson") or called.id.lstrip("_").startswith("check")
            assert known or (isinstance(value, type) and issubclass(value, tuple)), called.id


def test_the_solution_of_the_step_shows_its_equations_and_that_of_a_loop_the_known_step_by_name():
    step, loop = solution("lstm_step").text, solution("lstm").text
    assert "values = lstm_values(" in step and "c_t = cell_state(f_t, c_prev, i_t, g_t)" in step
    assert "= lstm_step(" in loop and "def lstm_step" not in loop
    assert "def hidden_state(z_t" in solution("gru_step").text  # another one than that of notebook 07
    assert "def _check" not in solution("lstm_backward_step").text
