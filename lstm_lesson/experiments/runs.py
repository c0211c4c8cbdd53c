"""Several small trainings at once, one run a seed: the adding problem, and the timing of spikes."""

import math
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from lstm_lesson.cells import GATES, lstm_step
from lstm_lesson.data.tasks import adding_problem, spike_timing
from lstm_lesson.experiments.broken_cells import Step, lstm_with
from lstm_lesson.layers import CustomLSTM
from lstm_lesson.shapes import check_size
from lstm_lesson.training.loop import ProgressLine, training_steps

ADDING_CHANCE = 1 / 6  # mean squared error of always answering 1: the variance of a sum of two uniform numbers


# lists with one entry a run: the error on new sequences, and the trained LSTM or the accuracy
AddingResult = namedtuple("AddingResult", "losses lstms")
TimingResult = namedtuple("TimingResult", "errors accuracy")


def learn_to_add(
    step: Step = lstm_step, runs: int = 3, steps: int = 250, length: int = 8, hidden: int = 16, seed: int = 0,
    label: str = "",
) -> AddingResult:  # fmt: skip
    """Train small LSTMs whose step is `step` on the adding problem, several runs at once.

    The runs differ in their initial weights and their sequences; the same `seed` gives every `step` the same
    ones. Adam on the mean squared error, 64 new sequences a step. A line shows loss and time left, headed by `label`.
    Raises ValueError for numbers below 1.
    """
    for name, size in {"runs": runs, "steps": steps, "length": length, "hidden": hidden}.items():
        check_size(name, size)
    random = torch.Generator().manual_seed(seed)
    weights = {n: w.requires_grad_() for n, w in _uniform_weights(runs, 2, hidden, random).items()}
    answer = torch.func.vmap(lambda x, w: _read_out(_states(step, x, w)[-1], w))  # each run with its own weights

    def drawn(batch):
        x, sums = adding_problem(runs * batch, length, random)
        return x.view(runs, batch, length, 2), sums.view(runs, batch)

    adam, batches = torch.optim.Adam(weights.values(), lr=0.03), (drawn(64) for _ in range(steps))
    errors = _train(adam, steps, batches, lambda x, sums: answer(x, weights) - sums, lambda: drawn(1000), label)
    lstms = [_as_lstm(step, {n: w[r] for n, w in weights.items()}) for r in range(runs)]
    return AddingResult(errors.square().mean(dim=1).tolist(), lstms)


def learn_timing(
    peephole: str | None = None, step: Step = lstm_step, seeds: int = 12, steps: int = 150, hidden: int = 8,
    shortest: int = 5, longest: int = 15, label: str = "",
) -> TimingResult:  # fmt: skip
    """Train small LSTMs to tell how long ago the last spike was, several seeds at once.

    The task is `data.spike_timing` with intervals from `shortest` to `longest`.

    Seeds are paired: for one seed every kind starts from the same weights except its peepholes, and sees the same
    trains of spikes. Adam on the mean squared error, 32 new trains of two spikes a step. An interval counts as
    correct if the answer, rounded to whole steps, equals it. A line shows loss and time left, headed by `label`.
    Raises ValueError for another kind of peephole, for numbers below 1, and unless shortest < longest.
    """
    for name, size in {"seeds": seeds, "steps": steps, "hidden": hidden}.items():
        check_size(name, size)
    first = _uniform_weights(seeds, 1, hidden, torch.Generator().manual_seed(0), peephole)
    first["b_f"] += 1  # starts by keeping
    weights, ends = {name: w.requires_grad_() for name, w in first.items()}, (shortest, longest)
    answer = torch.func.vmap(lambda x, w: _read_out(torch.stack(_states(step, x, w), dim=1), w))

    def errors(x, targets, asked):
        return (answer(x, weights) - targets)[asked].view(seeds, -1)  # one interval a train

    def fresh():
        return _spikes(seeds, 500, torch.Generator().manual_seed(1), *ends)

    random, adam = torch.Generator().manual_seed(0), torch.optim.Adam(weights.values(), lr=0.02)
    batches = (_spikes(seeds, 32, random, *ends) for _ in range(steps))
    error = _train(adam, steps, batches, errors, fresh, label, clip=seeds)  # (seeds, 500)
    correct = (error.abs() < 0.5 / (longest - shortest)).float().mean(dim=1)
    return TimingResult(error.square().mean(dim=1).tolist(), correct.tolist())


def _train(adam, steps: int, batches: Iterable, errors: Callable, fresh: Callable, label: str, clip=None) -> Tensor:
    """Minimise the mean squared error of every run -> the errors on a fresh batch, (runs, …)."""
    line = ProgressLine(label, on=bool(label), steps=steps)
    updates = training_steps(adam, batches, lambda batch: errors(*batch).square().mean(dim=1), clip)
    for k, (_, losses) in enumerate(updates, start=1):
        line.step(f"step {k} of {steps} · loss {losses.mean().item():.4f}")
    with torch.no_grad():
        error = errors(*fresh())
    line.last(f"loss {error.square().mean().item():.4f} · {line.seconds:.0f} s")
    return error


def timing_chance(shortest: int = 5, longest: int = 15) -> float:
    """The mean squared error of always answering the mean interval, for intervals from `shortest` to `longest`."""
    return (longest - shortest + 2) / (12 * (longest - shortest))


def _uniform_weights(runs, inputs, hidden, random, peephole=None) -> dict[str, Tensor]:
    """First weights of the LSTM and its read-out, uniform in ±1/√H; the first dimension is the run.

    The peepholes are drawn last, so that the other weights are the same with and without them.
    """
    if peephole not in (None, "diagonal", "full"):
        raise ValueError(f'peephole is {peephole!r}; it needs None, "diagonal" or "full"')
    shapes = {"W_y": (hidden, 1), "b_y": (1,)}
    for k in GATES:
        shapes |= {f"W_x{k}": (inputs, hidden), f"W_h{k}": (hidden, hidden), f"b_{k}": (hidden,)}
    if peephole:
        shapes |= {f"W_c{k}": (hidden, hidden) if peephole == "full" else (hidden,) for k in "ifo"}
    uniform = {name: 2 * torch.rand(runs, *shape, generator=random) - 1 for name, shape in shapes.items()}
    return {name: w / math.sqrt(hidden) for name, w in uniform.items()}


def _spikes(seeds, batch, random, shortest, longest):
    drawn = spike_timing(seeds * batch, 1, random, shortest, longest)
    return [tensor.view(seeds, batch, *tensor.shape[1:]) for tensor in drawn]


def _states(step: Callable, x: Tensor, weights: Mapping[str, Tensor]) -> list[Tensor]:
    """The hidden state (B, H) after every step of x (B, T, N)."""
    h = c = x.new_zeros(x.shape[0], weights["W_hi"].shape[0])
    hidden_seq = []
    for t in range(x.shape[1]):
        h, c = step(x[:, t], h, c, weights)
        hidden_seq.append(h)
    return hidden_seq


def _read_out(h: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """One number from each hidden state: (…, H) -> (…)."""
    return (h @ weights["W_y"] + weights["b_y"])[..., 0]


def _as_lstm(step, weights) -> CustomLSTM:
    lstm = lstm_with(step, CustomLSTM(weights["W_xi"].shape[0], len(weights["b_i"])))
    lstm.cells[0].load_state_dict({name: w.detach() for name, w in weights.items() if not name.endswith("_y")})
    return lstm
