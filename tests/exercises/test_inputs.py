"""The inputs of a check reach what an answer can be wrong about: sizes, limits, orders, masks, and its own inputs."""

import pytest
import torch
from answers import named
from often import one_in

from lstm_lesson import check
from lstm_lesson.exercises.exercise import exercises, input_sets


def right(name, *given):
    return exercises()[name].solve()(*given)


def unrolled(x, h, W, U, b, read=lambda x, t: x[:, t], carry=lambda t, h: h, steps=lambda x: x.shape[1]):
    states = []
    for t in range(steps(x)):
        h = carry(t, right("rnn_step", read(x, t), h, W, U, b))
        states.append(h)
    return torch.stack(states, dim=1)


def run(step, x, h, c, w):
    states = []
    for x_t in x.unbind(1):
        h, c = step(x_t, h, c, w)
        states.append(h)
    return torch.stack(states, dim=1), h, c


def step_by_order(x, h, c, weights):
    W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xc, W_hc, b_c, W_xo, W_ho, b_o = weights.values()
    i, f = torch.sigmoid(x @ W_xi + h @ W_hi + b_i), torch.sigmoid(x @ W_xf + h @ W_hf + b_f)
    c = f * c + i * torch.tanh(x @ W_xc + h @ W_hc + b_c)
    return torch.sigmoid(x @ W_xo + h @ W_ho + b_o) * torch.tanh(c), c


def limited_step(x, h, c, w):
    h, c = right("lstm_step", x, h, c, w)
    return h, c.clamp(-10, 10)


def limited(name, limit, place=None):
    """The right answer, with all results or one argument between −limit and limit."""

    def answer(*given):
        if place is not None:
            given = [g.clamp(-limit, limit) if k == place else g for k, g in enumerate(given)]
            return right(name, *given)
        return right(name, *given).clamp(-limit, limit)

    return name, answer


def every(k):
    return lambda t, h: h.detach() if t % k == k - 1 else h


def masked_sometimes(new, prev, keep):
    return torch.where(keep[:, None], new, prev) if keep.any() else torch.zeros_like(prev)


WRONG = {  # each was right on all inputs but those that some exercise did not draw
    "squeezed where N is 1": ("unroll", lambda *given: unrolled(*given, read=lambda x, t: x[:, t].squeeze())),
    "detached every 5 steps": ("unroll", lambda *given: unrolled(*given, carry=every(5))),
    "detached every 8 steps": ("unroll", lambda *given: unrolled(*given, carry=every(8))),
    "five steps at most": ("unroll", lambda *given: unrolled(*given, steps=lambda x: min(5, x.shape[1]))),
    "weights by their order": ("lstm_step", step_by_order),
    "weights by their order, in a loop": ("lstm", lambda *given: run(step_by_order, *given)),
    "a limited memory": ("lstm_step", limited_step),
    "a limited memory, in a loop": ("lstm", lambda *given: run(limited_step, *given)),
    "a limited cell state": limited("cell_state", 10),
    "a limited coupled cell state": limited("coupled_cell_state", 10),
    "limited products": limited("hadamard", 10),
    "limited states": limited("masked_step", 10),
    "limited sums": limited("hoist_inputs", 15),
    "limited sums of a gate": (
        "input_gate", lambda x, h, W, U, b: torch.sigmoid((x @ W + h @ U + b).clamp(-15, 15)),
    ),
    "a limited radius": limited("spectral_radius", 10),
    "a limited half-life": limited("half_life", 1000),
    "a limited forecast": limited("free_run", 10),
    "limited gradients, RNN": limited("rnn_backward_step", 10, place=0),
    "limited gradients, LSTM": limited("lstm_backward_step", 10, place=0),
    "limited gradients of the memory": limited("lstm_backward_step", 10, place=1),
    "limited gradients over a sequence": limited("accumulate", 10, place=3),
    "one decision for the batch, if all are True": (
        "masked_step", lambda new, prev, keep: prev if not keep.all() else torch.where(keep[:, None], new, prev),
    ),
    "zeros where all are False": ("masked_step", masked_sometimes),
    "wrong where all are True": (
        "masked_step", lambda new, prev, keep: prev if keep.all() else torch.where(keep[:, None], new, prev),
    ),
    "token ids of one byte": (
        "pad_batch", lambda s: (right("pad_batch", s)[0].to(torch.uint8), right("pad_batch", s)[1]),
    ),
    "three gradients, always": (
        "clip_by_norm", lambda grads, m: (lambda a, b, c: right("clip_by_norm", [a, b, c], m))(*grads),
    ),
    "windows of two or more": ("windows", lambda s, k: right("windows", s, max(k, 2))),
}  # fmt: skip


@pytest.mark.parametrize(("name", "answer"), one_in(2, WRONG.values()), ids=WRONG)
def test_an_answer_that_is_wrong_for_some_inputs_only_does_not_pass(name, answer):
    assert not check(named(name, answer)).passed


def marks(score, x):
    x.requires_grad_()
    return torch.autograd.grad(score(x).sum(), x)[0]


def fills(score, x):
    x.requires_grad_()
    score(x).sum().backward()
    return x.grad


@pytest.mark.parametrize("answer", [marks, fills])
def test_an_answer_that_leaves_a_mark_on_its_argument_is_wrong_and_the_argument_is_named(answer):
    result = check(named("input_gradient", answer))
    assert not result.passed
    assert "changes `x`: `requires_grad_` and `backward` leave a mark" in result.message


def test_each_mask_is_all_true_once_and_all_false_once():
    kinds = [tuple(exercises()["masked_step"].inputs(inputs)["keep"].unique().tolist()) for inputs in input_sets()]
    assert {(True,), (False,), (False, True)} == set(kinds)


def test_the_weights_come_in_other_orders_with_the_same_names():
    orders = [tuple(exercises()["lstm"].inputs(inputs)["weights"]) for inputs in input_sets()]
    assert len(set(orders)) == len(orders)
    assert {frozenset(order) for order in orders} == {frozenset(orders[0])}


def test_a_loop_over_the_steps_is_accepted_and_named_where_one_product_is_enough():
    loop = check(named("hoist_inputs", lambda x, W, b: torch.stack([x_t @ W + b for x_t in x.unbind(1)], dim=1)))
    assert loop.passed
    assert "It loops over the steps" in loop.message
    for answer in (
        lambda x, W, b: x @ W + b,
        lambda x, W, b: torch.einsum("btn,nh->bth", x, W) + b,
        lambda x, W, b: torch.nn.functional.linear(x, W.T, b),
        lambda x, W, b: (x.flatten(0, 1) @ W + b).unflatten(0, x.shape[:2]),
    ):
        result = check(named("hoist_inputs", answer))
        assert result.passed and "loops" not in result.message
