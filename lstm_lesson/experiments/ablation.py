"""The ablation: train one variant on one task with one seed, and measure its final loss."""

import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lstm_lesson.data import tasks
from lstm_lesson.experiments.variants import VARIANTS, VariantLSTM
from lstm_lesson.training.loop import training_steps

EIGHT = tuple(name for name in VARIANTS if name != "RNN")  # the LSTM and its seven changes


@dataclass(frozen=True)
class Run:
    """All settings of one training. With the versions of Python and torch they determine its result."""

    task: str
    variant: str
    seed: int
    length: int  # of the sequences: T, the delay, or the number of intervals, as the task has it
    units: int
    batch: int
    updates: int
    lr: float  # at the start; it falls to 0 along a straight line
    forget_bias: float


@dataclass(frozen=True)
class Task:
    """A task: its sizes, how to draw a batch, how to compute the losses, and the loss of a model without memory."""

    inputs: int
    outputs: int
    chance: float  # the loss of the best constant answer
    unit: str  # of the loss
    draw: Callable[[int, int, torch.Generator], tuple]  # batch, length, generator -> inputs and targets
    losses: Callable[[Tensor, tuple], tuple[Tensor, Tensor]]  # answers, batch -> training loss, measured loss
    length: int


def _adding(answers, drawn):
    return (F.mse_loss(answers[:, -1, 0], drawn[1]),) * 2


def _order(answers, drawn):
    return (F.cross_entropy(answers[:, -1], drawn[1]),) * 2


def _reber(answers, drawn):
    """The training loss counts every next letter, the measured loss only the letter that needs a memory."""
    _, targets, lengths = drawn
    rows, asked = torch.arange(len(lengths)), lengths - 2
    every = F.cross_entropy(answers.flatten(0, 1), targets.flatten(), ignore_index=tasks.IGNORE)
    return every, F.cross_entropy(answers[rows, asked], targets[rows, asked])


def _spikes(answers, drawn):
    _, targets, asked = drawn
    return (F.mse_loss(answers[..., 0][asked], targets[asked]),) * 2


TASKS = {
    "adding": Task(2, 1, 1 / 6, "mean squared error", tasks.adding_problem, _adding, length=50),
    "order": Task(6, 4, math.log(4), "cross-entropy", tasks.temporal_order, _order, length=30),
    "reber": Task(7, 7, math.log(2), "cross-entropy", lambda n, _, g: tasks.embedded_reber(n, g), _reber, length=0),
    "spikes": Task(
        1, 1, 1 / 9, "mean squared error", lambda n, k, g: tasks.spike_timing(n, k, g, 3, 9), _spikes, length=6
    ),
}


def grid(names: Iterable[str] = tuple(TASKS), variants: Iterable[str] = EIGHT, seeds: Iterable[int] = range(5),
         **changes) -> list[Run]:  # fmt: skip
    """Every task with every variant and seed. `changes` replaces any of a Run's other fields in all of them.

    Raises ValueError for an unknown task or variant.
    """
    runs = []
    for name, variant, seed in itertools.product(names, variants, seeds):
        for what, value, known in (("task", name, TASKS), ("variant", variant, VARIANTS)):
            if value not in known:
                raise ValueError(f"{what} is {value!r}; it needs one of {', '.join(known)}")
        task = TASKS[name]
        settings = dict(length=task.length, units=16, batch=32, updates=600, lr=0.03, forget_bias=2.0)
        runs.append(Run(name, variant, seed, **(settings | changes)))
    return runs


def full_grid() -> list[Run]:
    """The runs of the stored sweep, five seeds each: eight variants on each task, and two more comparisons.

    These are vanilla with forget bias 0, and LSTM against tanh RNN on the adding problem over 100 steps: the LSTM at
    two forget biases, the RNN, which has no forget gate, at two learning rates.
    """
    long, flat = dict(length=100, units=32, updates=1200), dict(forget_bias=0.0)
    lstms = grid(["adding"], ["vanilla"], **long) + grid(["adding"], ["vanilla"], **long, **flat)
    rnns = grid(["adding"], ["RNN"], **long, **flat) + grid(["adding"], ["RNN"], lr=0.003, **long, **flat)
    return grid() + grid(variants=["vanilla"], **flat) + lstms + rnns


def trained(run: Run) -> tuple[Run, float]:
    """The pair (run, its `final_loss`), so that results may come back in any order."""
    return run, final_loss(run)


def final_loss(run: Run) -> float:
    """Train as `run` says, with Adam, and return the loss on 1000 fresh sequences, the same for every run of a task.

    If only the variant differs, two runs start from the same weights and see the same batches. Adam's learning rate
    falls to 0, gradients are clipped to a global norm of 1. A loss that is no longer finite ends the training, and
    comes back as it is. The global random numbers and the number of threads are left as they were.
    """
    task, threads = TASKS[run.task], torch.get_num_threads()
    torch.set_num_threads(1)  # one core a training: many run side by side
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.seed)
            net = VariantLSTM(task.inputs, run.units, run.variant, run.forget_bias)
            read = nn.Linear(run.units, task.outputs)
        _train(run, task, net, read)
        with torch.no_grad():
            fresh = task.draw(1000, run.length, torch.Generator().manual_seed(99))
            return task.losses(read(net(fresh[0])), fresh)[1].item()
    finally:
        torch.set_num_threads(threads)


def _train(run, task, net, read):
    adam = torch.optim.Adam([*net.parameters(), *read.parameters()], lr=run.lr)
    order = torch.Generator().manual_seed(1000 + run.seed)
    batches = (task.draw(run.batch, run.length, order) for _ in range(run.updates))
    steps = training_steps(adam, batches, lambda batch: task.losses(read(net(batch[0])), batch)[0], clip=1.0)
    for update, (_, loss) in enumerate(steps):
        if not torch.isfinite(loss):
            return
        adam.param_groups[0]["lr"] = run.lr * (1 - update / run.updates)
