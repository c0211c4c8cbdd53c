"""What an exercise is, and where to add one: those of notebook NN stand in `catalogue/nbNN.py`.

An exercise is data: the package's own function as its reference, how to draw inputs, the wrong answers people are
known to give, three hints. A new one, or a new wrong answer, is a few lines in one of those lists.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

import torch


@dataclass(frozen=True)
class Mistake:
    """A wrong answer people give: a short function that gives it, and a sentence with its cause and where to look."""

    answer: Callable
    cause: str


@dataclass(frozen=True)
class Exercise:
    """One exercise of a notebook; `inputs` draws the arguments, by name and in order, from a `Draw`."""

    name: str
    notebook: str
    minutes: int
    difficulty: int  # 1 to 3, shown as ●○○
    reference: str  # module and function of the package, loaded when needed
    inputs: Callable[["Draw"], dict]
    returns: Mapping[str, str]  # the name of each tensor that comes back, and its shape in letters
    hints: tuple[str, str, str]
    mistakes: tuple[Mistake, ...] = ()
    gradient: bool = True  # whether the gradients of the answer must be right, too
    dtype: str = "as given"  # or "whole", "float": what the answer's dtype has to be
    keeps_type: bool = False  # whether a list is no answer where a tuple is expected
    slack: float = 0.0  # allowed beyond rounding, as a share of the largest entry or of 1

    def solve(self) -> Callable:
        """The package's own function."""
        module, function = self.reference.rsplit(".", 1)
        return getattr(importlib.import_module(f"lstm_lesson.{module}"), function)


@dataclass
class Draw:
    """Sizes, scale and dtype of one set of inputs, and the random numbers to fill it.

    `draw("B N")` is a normal tensor (B, N) times `scale`. `number` counts the draws, for inputs that take turns.
    """

    number: int
    sizes: dict[str, int]
    scale: float = 1.0
    dtype: torch.dtype = torch.float64
    used: set[str] = field(default_factory=set)

    def __post_init__(self):
        self.random = torch.Generator().manual_seed(100 + self.number)

    def shape(self, letters: str) -> list[int]:
        self.used.update(letters.split())
        return [self.sizes[s] if s in self.sizes else 4 * self.sizes["H"] for s in letters.split()]  # or 4H

    def __call__(self, letters: str, scale: float | None = None) -> torch.Tensor:
        normal = torch.randn(self.shape(letters), generator=self.random, dtype=torch.float64, device="cpu")
        return (normal * (self.scale if scale is None else scale)).to(self.dtype)

    def between(self, low: float, high: float, letters: str) -> torch.Tensor:
        """Uniform in (low, high)."""
        uniform = torch.rand(self.shape(letters), generator=self.random, dtype=torch.float64, device="cpu")
        return (low + (high - low) * uniform).to(self.dtype)

    def whole(self, low: int, high: int, letters: str) -> torch.Tensor:
        """Whole numbers from low to high, both included."""
        return torch.randint(low, high + 1, self.shape(letters), generator=self.random, device="cpu")

    def keep(self, letters: str) -> torch.Tensor:
        """A mask, bool: neither all True nor all False where there is more than one entry."""
        mask = torch.rand(self.shape(letters), generator=self.random, device="cpu") < 0.6
        flat = mask.view(-1)
        flat[self.number % len(flat)] = self.number % 2 == 0
        if len(flat) > 1:
            flat[(self.number + 1) % len(flat)] = self.number % 2 == 1
        return mask


def draws() -> list[Draw]:
    """Inputs that try to break an answer: all sizes different, one sequence, one step, small and saturating values."""
    f64, f32 = torch.float64, torch.float32
    rows = [  # B, T, N and as many classes K, H
        (3, 5, 4, 6, 0.5, f64),
        (2, 3, 7, 5, 2.0, f64),  # saturates: sums of 30 and more
        (5, 4, 2, 3, 1.0, f32),
        (1, 2, 3, 4, 1.0, f64),  # one sequence
        (4, 1, 5, 2, 0.05, f64),  # one step
        (3, 4, 2, 1, 1.0, f64),  # one unit
    ]
    return [Draw(k, dict(B=b, T=t, N=n, H=h, K=n), scale, dtype) for k, (b, t, n, h, scale, dtype) in enumerate(rows)]


def square_draws() -> list[Draw]:
    """Sizes at which a mix-up of dimensions runs; used to find the cause of an answer that crashes elsewhere."""
    rows = [(2, 3, 4, 4), (3, 3, 3, 3)]
    return [Draw(k, dict(B=b, T=t, N=n, H=h, K=n)) for k, (b, t, n, h) in enumerate(rows, start=10)]


@cache
def exercises() -> dict[str, Exercise]:
    """All exercises by name, in the notebooks' order."""
    from lstm_lesson.exercises import catalogue

    names = sorted(module.name for module in pkgutil.iter_modules(catalogue.__path__) if module.name.startswith("nb"))
    modules = [importlib.import_module(f"{catalogue.__name__}.{name}") for name in names]
    return {exercise.name: exercise for module in modules for exercise in module.EXERCISES}
