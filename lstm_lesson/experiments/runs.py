"""Several small trainings at once, one run a seed: the adding problem, and the timing of spikes."""

import math
from collections import namedtuple
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from lstm_lesson.cells import LSTMCell, lstm_step
from lstm_lesson.data.tasks import adding_problem, spike_timing
from lstm_lesson.experiments.broken_cells import Step, lstm_with
from lstm_lesson.layers import CustomLSTM, run_steps
from lstm_lesson.shapes import check_sizes
from lstm_lesson.training.loop import ProgressLine, training_steps

ADDING_CHANCE = 1 / 6  # mean squared error of always answering 1: the variance of a sum of two uniform numbers

# lists with one entry a run: the error on new sequences, and the trained LSTM or the accuracy
AddingResult = namedtuple("AddingResult", "losses lstms")
TimingResult = namedtuple("TimingResult", "errors accuracy")


def learn_to_add(step: Step = lstm_step, runs: int = 3, steps: int = 250, length: int = 8, hidden: int = 16,
                 seed: int = 0, label: str = "") -> AddingResult:  # fmt: skip
    """Train small LSTMs whose step is `step` on the adding problem, several runs at once.

    The runs differ in their initial weights and their sequences; the same `seed` gives every `step` the same
    ones. Adam on the mean squared error, 64 new sequences a step. A line shows loss and time left, headed by `label`.
    Raises ValueError for numbers below 1.
    """
    check_sizes(runs=runs, steps=steps, length=length, hidden=hidden)
    random = torch.Generator().manual_seed(seed)
    weights = _uniform_weights(runs, 2, hidden, random)
    answer = torch.func.vmap(lambda x, w: _read_out(_states(step, x, w)[:, -1], w))  # each run with its own weights

    def drawn(batch):
        x, sums = adding_problem(runs * batch, length, random)
        return x.view(runs, batch, length, 2), sums.view(runs, batch)

    def errors(x, sums):
        return answer(x, weights) - sums

    error = _train(weights, 0.03, steps, lambda: drawn(64), errors, lambda: drawn(1000), label)
    lstms = [lstm_with(step, CustomLSTM(2, hidden)) for _ in range(runs)]
    for run, lstm in enumerate(lstms):
        lstm.cells[0].load_state_dict({n: w[run].detach() for n, w in weights.items() if not n.endswith("_y")})
    return AddingResult(error.square().mean(dim=1).tolist(), lstms)


def learn_timing(peephole: str | None = None, step: Step = lstm_step, seeds: int = 12, steps: int = 150,
                 hidden: int = 8, shortest: int = 5, longest: int = 15, label: str = "") -> TimingResult:  # fmt: skip
    """Train small LSTMs to tell how long ago the last spike was, several seeds at once.

    The task is `data.spike_timing` with intervals from `shortest` to `longest`. Seeds are paired: for one seed every
    kind starts from the same weights except its peepholes, and sees the same trains of spikes. Adam on the mean squared
    error, 32 new trains of two spikes a step. An interval counts as correct if the answer, rounded to whole steps,
    equals it. A line shows loss and time left, headed by `label`.
    Raises ValueError for another kind of peephole, for numbers below 1, and unless shortest < longest.
    """
    check_sizes(seeds=seeds, steps=steps, hidden=hidden)
    weights = _uniform_weights(seeds, 1, hidden, torch.Generator().manual_seed(0), peephole)
    weights["b_f"] += 1  # starts by keeping
    random, ends = torch.Generator().manual_seed(0), (shortest, longest)
    answer = torch.func.vmap(lambda x, w: _read_out(_states(step, x, w), w))

    def errors(x, targets, asked):
        return (answer(x, weights) - targets)[asked].view(seeds, -1)  # one interval a train

    def fresh():
        return _spikes(seeds, 500, torch.Generator().manual_seed(1), *ends)

    error = _train(weights, 0.02, steps, lambda: _spikes(seeds, 32, random, *ends), errors, fresh, label, clip=seeds)
    correct = (error.abs() < 0.5 / (longest - shortest)).float().mean(dim=1)
    return TimingResult(error.square().mean(dim=1).tolist(), correct.tolist())


def _train(weights, lr, steps: int, drawn: Callable, errors: Callable, fresh: Callable, label, clip=None) -> Tensor:
    """Minimise the mean squared error of every run -> the errors on a fresh batch, (runs, …)."""
    adam = torch.optim.Adam([w.requires_grad_() for w in weights.values()], lr=lr)
    line, batches = ProgressLine(label, on=bool(label), steps=steps), (drawn() for _ in range(steps))
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
    """First weights of the LSTM and its read-out, uniform in ±1/√H: (runs, …). The peepholes are drawn last."""
    with torch.device("meta"):  # for the names and shapes alone: no random number is drawn
        cell = LSTMCell(inputs, hidden, peephole)
    shapes = {"W_y": (hidden, 1), "b_y": (1,)} | {name: w.shape for name, w in cell.named_parameters()}
    uniform = {name: 2 * torch.rand(runs, *shape, generator=random) - 1 for name, shape in shapes.items()}
    return {name: w / math.sqrt(hidden) for name, w in uniform.items()}


def _spikes(seeds, batch, random, shortest, longest):
    drawn = spike_timing(seeds * batch, 1, random, shortest, longest)
    return [tensor.view(seeds, batch, *tensor.shape[1:]) for tensor in drawn]


def _states(step: Callable, x: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """The hidden state after every step of x (B, T, N): (B, T, H)."""
    start = x.new_zeros(x.shape[0], weights["W_hi"].shape[0])
    return run_steps(lambda x_t, state: step(x_t, *state, weights), x, start, start)[0]


def _read_out(h: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """One number from each hidden state: (…, H) -> (…)."""
    return (h @ weights["W_y"] + weights["b_y"])[..., 0]
