"""The ablation: train variants on tasks, each with its seed and settings, on all cores; measure the final losses."""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product

import joblib
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lstm_lesson.data import tasks
from lstm_lesson.experiments.variants import VARIANTS, Step, VariantLSTM
from lstm_lesson.training.loop import ProgressLine, training_steps

DRAWS = range(100, 120)  # the seeds of the search: one a draw of the settings
FINALS = range(10, 15)  # the seeds of what is measured with the best draw
SEARCHED = ("lr", "input_bias", "forget_bias")


@dataclass(frozen=True)
class Run:
    """All settings of one training. With the versions of Python and torch they determine its result."""

    task: str
    variant: str
    seed: int
    length: int  # of the sequences: T, the delay, or the number of intervals, as the task has it
    units: int = 16
    batch: int = 32
    updates: int = 400
    lr: float = 0.03  # at the start; it falls to 0 along a straight line
    input_bias: float = 0.0  # added to the first bias of the input gate, and of the forget gate
    forget_bias: float = 2.0


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


def _at_the_end(loss):
    return lambda answers, drawn: (loss(answers[:, -1].squeeze(-1), drawn[1]),) * 2


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
    "adding": Task(2, 1, 1 / 6, "mean squared error", tasks.adding_problem, _at_the_end(F.mse_loss), length=40),
    "order": Task(6, 4, math.log(4), "cross-entropy", tasks.temporal_order, _at_the_end(F.cross_entropy), length=30),
    "reber": Task(7, 7, math.log(2), "cross-entropy", lambda n, _, g: tasks.embedded_reber(n, g), _reber, length=0),
    "spikes": Task(1, 1, 1 / 9, "mean squared error", lambda *how: tasks.spike_timing(*how, 3, 9), _spikes, length=4),
}


def grid(names: Iterable[str] = tuple(TASKS), variants: Iterable[str] = tuple(VARIANTS),
         seeds: Iterable[int] = FINALS, **changes) -> list[Run]:  # fmt: skip
    """Every task with every variant and seed. `changes` replaces any of a Run's other fields in all of them.

    Raises ValueError for an unknown task.
    """
    names = list(names)
    if unknown := [name for name in names if name not in TASKS]:
        raise ValueError(f"task is {unknown[0]!r}; it needs one of {', '.join(TASKS)}")
    return [Run(*each, **({"length": TASKS[each[0]].length} | changes)) for each in product(names, variants, seeds)]


def drawn_settings(seed: int) -> dict[str, float]:
    """One draw of the random search: the same for every task and variant.

    The learning rate is log-uniform from 0.003 to 0.1; what is added to the bias of the input gate is uniform from
    −5 to 1, to that of the forget gate from 0 to 5. They are rounded, as the file holds them.
    """
    rate, first, second = torch.rand(3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).tolist()
    values = (round(0.003 * (0.1 / 0.003) ** rate, 5), round(6 * first - 5, 2), round(5 * second, 2))
    return dict(zip(SEARCHED, values, strict=True))


def best_draw(rows: Iterable[dict], task: str, variant: str) -> dict[str, float]:
    """The searched settings of the lowest loss among the rows of the search with this task and variant.

    A loss that is not a number counts as infinite. Raises ValueError where there is no such row.
    """
    tried = [r for r in rows if (r["task"], r["variant"]) == (task, variant) and r["seed"] in DRAWS]
    if not tried:
        raise ValueError(f"rows have no draw of {variant!r} on {task!r}; best_draw needs one or more")
    best = min(tried, key=lambda row: math.inf if math.isnan(row["loss"]) else row["loss"])
    return {name: best[name] for name in SEARCHED}


def together(runs: Iterable[Run]) -> list[list[Run]]:
    """The runs in groups that can be trained at once: those that differ in their seed and searched settings alone."""
    groups = {}
    for run in runs:
        groups.setdefault(replace(run, seed=0, **dict.fromkeys(SEARCHED, 0.0)), []).append(run)
    return list(groups.values())


def sweep(runs: Sequence[Run], workers: int = -1, own: Mapping[str, Step] | None = None) -> list[dict]:
    """Train every run and return one row for each, as in `trained`, in the order of `runs`.

    Through joblib, on `workers` processes (-1: one a core). `own` maps the names of variants of your own to their
    steps, as in `VariantLSTM`. Raises ValueError for an unknown variant.
    """
    own, rows, groups = dict(own or {}), {}, together(runs)
    for variant in {run.variant for run in runs} - set(own) - set(VARIANTS):
        raise ValueError(f"variant is {variant!r}; it needs one of {', '.join([*VARIANTS, *own])}")
    line = ProgressLine("sweep", on=bool(groups), steps=len(groups))
    parallel = joblib.Parallel(n_jobs=workers, batch_size=1, return_as="generator_unordered")
    for found in parallel(joblib.delayed(trained)(group, own.get(group[0].variant)) for group in groups):
        rows |= found
        line.step(f"{line.done + 1} of {len(groups)} groups of runs")
    line.last(f"{len(rows)} runs · {line.seconds:.0f} s")
    return [rows[run] for run in runs]


def trained(runs: Sequence[Run], own: Step | None = None) -> dict[Run, dict]:
    """Train a group of `together`, with Adam, and return one row for each run.

    A row holds the Run's fields, `loss` on 1000 fresh sequences, `chance` (chance loss), and its processor `seconds`.
    The runs share nothing; they are trained at once because that is faster. If only the variant differs, two runs start
    from the same weights, see the same batches and are measured on the same sequences. Adam's learning rate falls to 0,
    gradients are clipped to a norm of 1 for each run. The global random numbers and the number of threads are left as
    they were. `own` is a step of your own, as in `VariantLSTM`.
    """
    task, threads, start = TASKS[runs[0].task], torch.get_num_threads(), time.thread_time()
    torch.set_num_threads(1)  # one core a group: many groups side by side
    try:
        nets = []
        for run in runs:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(run.seed)
                net = VariantLSTM(task.inputs, run.units, run.variant, run.forget_bias, run.input_bias, own)
                nets.append(nn.Sequential(net, nn.Linear(run.units, task.outputs)))
        _train(runs, task, nets)
        rows = {}
        with torch.no_grad():
            for run, net in zip(runs, nets, strict=True):
                fresh = task.draw(1000, run.length, torch.Generator().manual_seed(2000 + run.seed))
                loss = task.losses(net(fresh[0]), fresh)[1].item()
                rows[run] = asdict(run) | {"loss": loss, "chance": task.chance}
    finally:
        torch.set_num_threads(threads)
    seconds = round((time.thread_time() - start) / len(runs), 2)
    return {run: row | {"seconds": seconds} for run, row in rows.items()}


def _train(runs, task, nets):
    """Each net with its own batches and learning rate; the sequences of all are computed together."""
    first = runs[0]
    orders = [torch.Generator().manual_seed(1000 + run.seed) for run in runs]
    batches = ([task.draw(first.batch, first.length, order) for order in orders] for _ in range(first.updates))
    answer = torch.func.vmap(lambda weights, x: torch.func.functional_call(nets[0], weights, (x,)))
    weights = [dict(net.named_parameters()) for net in nets]

    def losses(drawn):
        steps = max(x.shape[1] for x, *_ in drawn)
        inputs = torch.stack([F.pad(x, (0, 0, 0, steps - x.shape[1])) for x, *_ in drawn])
        answers = answer({name: torch.stack([w[name] for w in weights]) for name in weights[0]}, inputs)
        return torch.stack([task.losses(a[:, : b[0].shape[1]], b)[0] for a, b in zip(answers, drawn, strict=True)])

    adam = torch.optim.Adam([{"params": [*w.values()], "lr": run.lr} for run, w in zip(runs, weights, strict=True)])
    for update, _ in enumerate(training_steps(adam, batches, losses, clip=1.0)):
        for run, group in zip(runs, adam.param_groups, strict=True):
            group["lr"] = run.lr * (1 - update / run.updates)
