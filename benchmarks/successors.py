"""The table of notebook 17: five kinds of network with equal parameters and equal updates. `make successors`.

Each kind is trained on three tasks, first at each learning rate of a grid on the seeds of the search, then at its best
rate on new seeds. Two more "tasks" measure what a kind costs: the seconds that 1,000 characters take to generate, and
the mebibytes that autograd keeps of a text of 2,048 characters; `loss` holds them. The file has the form of the sweep
of notebook 14, whose settings that nothing here uses are 0.
"""

import argparse
import math
import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import torch
from growth import bytes_saved
from min_lstm import MinLSTM
from sweep import read, resumed
from torch import Tensor, nn
from torch.nn import functional as F

from lstm_lesson.data import tasks
from lstm_lesson.experiments.ablation import Run
from lstm_lesson.successors import CausalAttention
from lstm_lesson.text.characters import CHARACTERS, CharacterModel, encode, python_source
from lstm_lesson.text.writing import bits_per_character, sample
from lstm_lesson.training.loop import training_steps

RATES = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064)
SEARCH, FINALS = (100, 101), range(10, 15)  # seeds
EMBEDDING = 32  # numbers for a character


class TransformerBlock(nn.Module):
    """One block of a transformer with one head: attention, and two layers at each step, each added to what it reads.

    (x (B, T, N), cache=None) -> hidden_seq (B, T, H), cache. Sines and cosines of its number say where a step stands.
    Source: Vaswani et al. 2017, but with the norms before the layers.
    """

    def __init__(self, N: int, H: int):
        super().__init__()
        self.embed, self.norm, self.attention, self.out = (
            nn.Linear(N, H),
            nn.LayerNorm(H),
            CausalAttention(H, H),
            nn.Linear(H, H),
        )
        self.layers = nn.Sequential(nn.LayerNorm(H), nn.Linear(H, 2 * H), nn.GELU(), nn.Linear(2 * H, H))
        self.register_buffer("rates", 10_000 ** (-torch.arange(0, H, 2) / H), persistent=False)

    def forward(self, x: Tensor, cache=None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        start = 0 if cache is None else cache[0].shape[1]
        angles = torch.arange(start, start + x.shape[1])[:, None] * self.rates
        x = self.embed(x) + torch.cat([angles.sin(), angles.cos()], dim=1)[:, : self.out.in_features]
        read, cache = self.attention(self.norm(x), cache)
        x = x + self.out(read)
        return x + self.layers(x), cache


KINDS: dict[str, Callable[[int, int], nn.Module]] = {
    "RNN": lambda N, H: nn.RNN(N, H, batch_first=True),
    "LSTM": lambda N, H: nn.LSTM(N, H, batch_first=True),
    "GRU": lambda N, H: nn.GRU(N, H, batch_first=True),
    "minLSTM": MinLSTM,
    "attention": TransformerBlock,
}


@dataclass(frozen=True)
class Task:
    """A task: its sizes, how to draw a batch with a generator, the loss, and the loss of the best constant answer."""

    inputs: int
    outputs: int
    chance: float
    length: int
    batch: int
    updates: int
    units: int  # of the LSTM; the other kinds get as many as give them as many parameters
    draw: Callable  # batch, length, generator, part -> x, targets
    loss: Callable = F.mse_loss


def characters(batch, length, generator, part):
    """Windows of the text at random places, (B, T) int64, and the characters that follow."""
    ids = _ids(part)
    starts = torch.randint(len(ids) - length, (batch, 1), generator=generator)
    windows = ids[starts + torch.arange(length + 1)]
    return windows[:, :-1], windows[:, 1:]


@cache
def _ids(part):
    return encode(python_source(part))


ADDING = Task(2, 1, 1 / 6, 50, 32, 1500, 32, lambda n, T, g, _: tasks.adding_problem(n, T, g))
ORDER = Task(6, 4, math.log(4), 30, 32, 1500, 32, lambda n, T, g, _: tasks.temporal_order(n, T, g), F.cross_entropy)
TEXT = Task(EMBEDDING, len(CHARACTERS), math.log2(96), 128, 16, 600, 96, characters, bits_per_character)
TASKS = {
    "adding": ADDING,
    "order": ORDER,
    "characters": TEXT,
    "generate": replace(TEXT, chance=math.nan, length=1000, batch=1, updates=0),
    "memory": replace(TEXT, chance=math.nan, length=2048, batch=1, updates=0),
}
TRAINED = ("adding", "order", "characters")


class LastStep(nn.Module):
    """A network that answers at the last step: (x (B, T, N)) -> (B, outputs), or (B,) for one output."""

    def __init__(self, kind: str, N: int, H: int, outputs: int):
        super().__init__()
        self.reads, self.linear = KINDS[kind](N, H), nn.Linear(H, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.reads(x)[0][:, -1]).squeeze(1)


def model_of(task: str, kind: str, units: int) -> nn.Module:
    about = TASKS[task]
    if about.outputs == len(CHARACTERS):
        return CharacterModel(units, EMBEDDING, KINDS[kind](EMBEDDING, units))
    return LastStep(kind, about.inputs, units, about.outputs)


@cache
def units_of(task: str, kind: str) -> int:
    """The number of units that brings a kind nearest to the number of parameters of the task's LSTM."""

    def parameters(kind, units):
        return sum(p.numel() for p in model_of(task, kind, units).parameters())

    wanted = parameters("LSTM", TASKS[task].units)
    enough = bisect_left(range(1024), wanted, lo=2, key=lambda units: parameters(kind, units))
    return min((enough - 1, enough), key=lambda units: abs(parameters(kind, units) - wanted))


def run_of(task: str, kind: str, seed: int, lr: float, **changes) -> Run:
    about = TASKS[task]
    settings = dict(length=about.length, units=units_of(task, kind), batch=about.batch, updates=about.updates)
    return Run(task, kind, seed, lr=lr, input_bias=0.0, forget_bias=0.0, **settings | changes)


def search_grid(**changes) -> list[Run]:
    return [
        run_of(task, kind, seed, lr, **changes) for task in TRAINED for kind in KINDS for lr in RATES for seed in SEARCH
    ]


def final_grid(rows: list[dict], **changes) -> list[Run]:
    """Each kind on each task at its best rate, on new seeds, and what it costs."""
    finals = [run_of(task, kind, seed, best_rate(rows, task, kind), **changes)
              for task in TRAINED for kind in KINDS for seed in FINALS]  # fmt: skip
    return finals + [
        run_of(task, kind, seed, 0.0) for task in ("generate", "memory") for kind in KINDS for seed in FINALS
    ]


def best_rate(rows: list[dict], task: str, kind: str) -> float:
    """The learning rate with the lowest mean loss over the seeds of the search; a loss that is no number loses."""
    losses = {}
    for row in rows:
        if (row["task"], row["variant"]) == (task, kind) and row["seed"] in SEARCH:
            losses.setdefault(row["lr"], []).append(math.inf if math.isnan(row["loss"]) else row["loss"])
    return min(losses, key=lambda lr: sum(losses[lr]))


def measured(runs: list[Run]) -> dict[Run, dict]:
    """The row of the one run: its result, and its seconds of processor time, on one thread."""
    (run,), threads, start = runs, torch.get_num_threads(), time.thread_time()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.seed)
            model = model_of(run.task, run.variant, run.units)
            result = {"generate": generation, "memory": memory}.get(run.task, trained)(run, model)
    finally:
        torch.set_num_threads(threads)
    chance = TASKS[run.task].chance
    return {run: asdict(run) | {"loss": result, "chance": chance, "seconds": time.thread_time() - start}}


def trained(run: Run, model: nn.Module) -> float:
    """The loss on fresh sequences: in the search of the validation modules, in the finals of the test modules."""
    about, order = TASKS[run.task], torch.Generator().manual_seed(1000 + run.seed)
    adam = torch.optim.Adam(model.parameters(), lr=run.lr)

    def loss(batch):
        x, targets = batch
        answers = model(x)
        return about.loss(answers[0] if isinstance(answers, tuple) else answers, targets)

    batches = (about.draw(run.batch, run.length, order, "train") for _ in range(run.updates))
    for update, _ in enumerate(training_steps(adam, batches, loss, clip=1.0)):
        adam.param_groups[0]["lr"] = run.lr * (1 - update / run.updates)
    fresh = torch.Generator().manual_seed(2000 + run.seed)
    with torch.no_grad():
        parts = [about.draw(250, run.length, fresh, "validation" if run.seed in SEARCH else "test") for _ in range(4)]
        return sum(loss(part).item() for part in parts) / len(parts)


def generation(run: Run, model: nn.Module) -> float:
    """Seconds of processor time for `length` characters, one after another."""
    start, ids, state = time.thread_time(), torch.zeros(1, 1, dtype=torch.int64), None
    with torch.no_grad():
        for _ in range(run.length):
            logits, state = model(ids, state)
            ids = sample(logits[:, -1])[:, None]
    return time.thread_time() - start


def memory(run: Run, model: nn.Module) -> float:
    """The MiB that autograd keeps of a text of `length` characters until the backward pass; weights do not count."""
    ids = torch.randint(len(CHARACTERS), (run.batch, run.length))
    return bytes_saved(lambda: model(ids)[0], list(model.parameters())) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", help="the CSV file that takes the rows; runs that are in it are not repeated")
    parser.add_argument("--workers", type=int, default=-1, help="how many processes; one a core if not given")
    parser.add_argument("--updates", type=int, help="fewer updates in each training, to try the command")
    chosen = parser.parse_args()
    changes = {"updates": chosen.updates} if chosen.updates else {}
    search = swept(chosen, "search", search_grid(**changes))
    swept(chosen, "finals", final_grid(search, **changes))


def swept(chosen, what: str, runs: list[Run]) -> list[dict]:
    left = len(set(runs) - set(read(Path(chosen.file))))
    print(f"{what}: {len(runs)} runs, {left} of them to do" + ("" if left else "; delete the file to repeat them"))
    command = "make successors"
    return resumed(runs, Path(chosen.file), chosen.workers, command=command, train=measured)


if __name__ == "__main__":
    import successors  # by this name, so that the other processes can import what they run

    successors.main()
