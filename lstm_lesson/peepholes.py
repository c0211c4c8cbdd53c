"""Peepholes: the term through which the gates see the memory, the misreading of it, and what it is worth in timing."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from lstm_lesson.cells import MAKES, lstm_step
from lstm_lesson.data.tasks import spike_timing
from lstm_lesson.equations import candidate, cell_state, forget_gate, hidden_state, input_gate, output_gate
from lstm_lesson.shapes import check_shapes, check_size
from lstm_lesson.training.progress_line import ProgressLine

SHORTEST, LONGEST = 5, 15  # steps between two spikes
Step = Callable[..., tuple[Tensor, Tensor]]  # (x_t, h_prev, c_prev, weights) -> (h_t, c_t)
GUESS = (LONGEST - SHORTEST + 2) / (12 * (LONGEST - SHORTEST))  # the error of always answering the mean interval


def peephole_gate(
    x_t: Tensor, h_prev: Tensor, c_prev: Tensor, W_xf: Tensor, W_hf: Tensor, W_cf: Tensor, b_f: Tensor
) -> Tensor:
    """The forget gate with a full peephole: equation 2 with its third term.

    x_t (B, N), h_prev, c_prev (B, H), W_xf (N, H), W_hf, W_cf (H, H), b_f (H,) -> f_t (B, H).
    Source: after Gers & Schmidhuber 2000, with a matrix in place of their one weight a unit.
    Raises ValueError naming the argument whose shape does not fit.
    """
    check_shapes(x_t=(x_t, "B N"), h_prev=(h_prev, "B H"), c_prev=(c_prev, "B H"), W_xf=(W_xf, "N H"),
                 W_hf=(W_hf, "H H"), W_cf=(W_cf, "H H"), b_f=(b_f, "H"))  # fmt: skip
    return torch.sigmoid(x_t @ W_xf + h_prev @ W_hf + c_prev @ W_cf + b_f)


def peephole_output_gate(
    x_t: Tensor, h_prev: Tensor, c_prev: Tensor, c_t: Tensor, W_xo: Tensor, W_ho: Tensor, W_co: Tensor, b_o: Tensor
) -> Tensor:
    """The output gate with a diagonal peephole: equation 4 with its third term, which reads the new memory.

    x_t (B, N), h_prev, c_prev, c_t (B, H), W_xo (N, H), W_ho (H, H), W_co, b_o (H,) -> o_t (B, H).
    `c_prev` is at hand in every step, and this gate does not read it. Source: Gers & Schmidhuber 2000.
    Raises ValueError naming the argument whose shape does not fit.
    """
    check_shapes(x_t=(x_t, "B N"), h_prev=(h_prev, "B H"), c_prev=(c_prev, "B H"), c_t=(c_t, "B H"),
                 W_xo=(W_xo, "N H"), W_ho=(W_ho, "H H"), W_co=(W_co, "H"), b_o=(b_o, "H"))  # fmt: skip
    return torch.sigmoid(x_t @ W_xo + h_prev @ W_ho + c_t * W_co + b_o)


def memory_in_place_of_h(x_t, h_prev, c_prev, weights):
    """The misreading, as a step: the gates read the memory instead of the hidden state, through h's weights.

    Arguments and result as in `cells.lstm_step`. Every shape fits, no weight is added, and it learns.
    """
    w = weights
    i_t = input_gate(x_t, c_prev, w["W_xi"], w["W_hi"], w["b_i"])
    f_t = forget_gate(x_t, c_prev, w["W_xf"], w["W_hf"], w["b_f"])
    c_t = cell_state(f_t, c_prev, i_t, candidate(x_t, h_prev, w["W_xc"], w["W_hc"], w["b_c"]))
    o_t = output_gate(x_t, c_t, w["W_xo"], w["W_ho"], w["b_o"])
    return hidden_state(o_t, c_t), c_t


class Timed(NamedTuple):
    """What `learn_timing` returns, one entry a seed: the error on new trains, and the share of intervals told right."""

    errors: list[float]
    right: list[float]


def learn_timing(
    peephole: str | None = None, step: Step = lstm_step, seeds: int = 12, steps: int = 150, hidden: int = 8,
    label: str = "",
) -> Timed:  # fmt: skip
    """Train a small LSTM to tell how long ago the last spike was (`tasks.spike_timing`), several seeds at once.

    Seeds are paired: for one seed every kind starts from the same weights but for its peepholes, and sees the same
    trains. Adam on the mean squared error, 32 new trains of two spikes a step. An interval counts as right if the
    answer, to the nearest whole step, is it. A line shows loss and time left, headed by `label`.
    Raises ValueError for another kind of peephole and for numbers below 1.
    """
    for name, size in {"seeds": seeds, "steps": steps, "hidden": hidden}.items():
        check_size(name, size)
    weights = _first_weights(peephole, seeds, hidden)
    adam, random = torch.optim.Adam(weights.values(), lr=0.02), torch.Generator().manual_seed(0)
    answer = torch.func.vmap(lambda x, w: _answer(step, x, w))  # every seed with its own weights, all at once
    line = ProgressLine(label, on=bool(label), steps=steps)
    for k in range(1, steps + 1):
        x, targets, asked = _fresh(seeds, 32, random)
        loss = (answer(x, weights) - targets)[asked].square().view(seeds, -1).mean(dim=1)  # (seeds,)
        adam.zero_grad()
        loss.sum().backward()
        torch.nn.utils.clip_grad_norm_(weights.values(), seeds)
        adam.step()
        line.step(f"step {k} of {steps} · loss {loss.mean().item():.4f}")
    with torch.no_grad():
        x, targets, asked = _fresh(seeds, 500, torch.Generator().manual_seed(1))
        miss = (answer(x, weights) - targets)[asked].view(seeds, -1)  # (seeds, 500)
    line.last(f"loss {miss.square().mean().item():.4f} · {line.seconds:.0f} s")
    right = (miss.abs() < 0.5 / (LONGEST - SHORTEST)).float().mean(dim=1)
    return Timed(miss.square().mean(dim=1).tolist(), right.tolist())


def _first_weights(peephole, seeds, hidden):
    """The weights of LSTM and answer, uniform in ±1/√H, b_f one higher; a first dimension for the seeds.

    The peepholes are drawn last, so that the others are the same with and without them.
    """
    if peephole not in (None, "diagonal", "full"):
        raise ValueError(f'peephole is {peephole!r}; it needs None, "diagonal" or "full"')
    shapes = {"W_y": (hidden, 1), "b_y": (1,)}
    for k in MAKES:
        shapes |= {f"W_x{k}": (1, hidden), f"W_h{k}": (hidden, hidden), f"b_{k}": (hidden,)}
    if peephole:
        shapes |= {f"W_c{k}": (hidden, hidden) if peephole == "full" else (hidden,) for k in "ifo"}
    random = torch.Generator().manual_seed(0)
    uniform = {name: 2 * torch.rand(seeds, *shape, generator=random) - 1 for name, shape in shapes.items()}
    weights = {name: w / math.sqrt(hidden) for name, w in uniform.items()}
    weights["b_f"] += 1  # starts by keeping
    return {name: w.requires_grad_() for name, w in weights.items()}


def _fresh(seeds, batch, random):
    drawn = spike_timing(seeds * batch, 1, random, SHORTEST, LONGEST)
    return [tensor.view(seeds, batch, *tensor.shape[1:]) for tensor in drawn]


def _answer(step, x, weights):
    """x (B, T, 1) -> what it says at each step, (B, T)."""
    h = c = x.new_zeros(x.shape[0], weights["W_hi"].shape[0])
    said = []
    for t in range(x.shape[1]):
        h, c = step(x[:, t], h, c, weights)
        said.append(h)
    return (torch.stack(said, dim=1) @ weights["W_y"] + weights["b_y"])[:, :, 0]
