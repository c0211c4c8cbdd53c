"""The class `Exercise`, the inputs that answers are tried on, and the list of all exercises.

An exercise is data: `catalogue/nbNN.toml` holds those of notebook NN, in its order. Its `reference` and `judge` name
functions with their modules, the expressions in `inputs` may call the functions of `catalogue/draws.py`, and a text
among the `edits` calls one of `catalogue/rules.py`. The sets of inputs stand in `catalogue/inputs.toml`.
"""

import pkgutil
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

import torch

from lstm_lesson.exercises import catalogue
from lstm_lesson.exercises.catalogue.rules import read_edits
from lstm_lesson.exercises.model import Edit, Model

WEIGHTS = {"W_x": "N H", "W_h": "H H", "b_": "H"}  # the shapes of a gate's weights


@dataclass(frozen=True)
class Exercise:
    """One exercise of a notebook; `inputs` draws the arguments, by name and in order, with an `Inputs`."""

    name: str
    notebook: str
    minutes: int
    difficulty: int  # 1 to 3, shown as ●○○
    reference: str | Callable  # module and function of the package, loaded when needed; or a function
    inputs: Callable[["Inputs"], dict]
    returns: Mapping[str, str]  # the name of each tensor that is returned, and its shape in letters
    hints: tuple[str, str, str]
    model: str = ""  # the reference written out, a name for each value
    edits: tuple[Edit, ...] = ()  # the known mistakes in it
    words: Mapping[str, str] = field(default_factory=dict)  # what to call the parts that have no name in the equations
    step: str = ""  # the exercise whose function the loop of this one may call
    gradient: bool = True  # whether the gradients of the answer are compared, too
    dtype: str = "as given"  # the dtype that the answer needs: that of the inputs, or any "integer" or "float"
    strict_type: bool = False  # whether a list is wrong where a tuple is expected
    tolerance: float = 0.0  # allowed beyond rounding, relative to the largest entry or to 1
    at_once: bool = False  # whether a loop over the steps, right as it is, gets a remark
    judge: Callable | None = None  # in place of a comparison: takes an Answer, finds its first problem

    def solve(self) -> Callable:
        """The package's own function."""
        return self.reference if callable(self.reference) else named(self.reference)

    @cached_property
    def model_answer(self) -> Model | None:
        """The model answer with its edits; None if the exercise has none."""
        return Model(self.model, self.edits, self.words) if self.model else None


@dataclass
class Inputs:
    """Draws the random tensors of one set of inputs: its sizes, scale and dtype, and a generator of its own.

    If draw is an Inputs, `draw("B N")` is a (B, N) tensor: standard normal, times `scale`. `index` numbers the sets.
    """

    index: int
    sizes: dict[str, int]
    scale: float = 1.0
    dtype: torch.dtype = torch.float64
    reach: float = 0.0  # the least scale of what has no bounds
    keep: bool | None = None  # what every entry of a mask is; None for both
    letters_used: set[str] = field(default_factory=set)  # messages name these sizes

    def __post_init__(self):
        self.random = torch.Generator().manual_seed(100 + self.index)

    def shape(self, letters: str) -> list[int]:
        """The sizes of these letters; 4H is four times H."""
        self.letters_used.update(letters.split())
        return [self.sizes[s] if s in self.sizes else 4 * self.sizes["H"] for s in letters.split()]

    def __call__(self, letters: str, scale: float | None = None) -> torch.Tensor:
        normal = torch.randn(self.shape(letters), generator=self.random, dtype=torch.float64, device="cpu")
        return (normal * (self.scale if scale is None else scale)).to(self.dtype)

    def unbounded(self, letters: str, scale: float | None = None) -> torch.Tensor:
        """As `draw(letters, scale)`, but in one set of inputs large: for memories, gradients and series."""
        return self(letters, max(self.scale if scale is None else scale, self.reach))

    def uniform(self, low: float, high: float, letters: str) -> torch.Tensor:
        """Uniform numbers between low and high."""
        uniform = torch.rand(self.shape(letters), generator=self.random, dtype=torch.float64, device="cpu")
        return (low + (high - low) * uniform).to(self.dtype)

    def integers(self, low: int, high: int, letters: str) -> torch.Tensor:
        """Whole numbers from low to high, both included, as int64."""
        return torch.randint(low, high + 1, self.shape(letters), generator=self.random, device="cpu")

    def mask(self, letters: str) -> torch.Tensor:
        """A bool mask: all True in one set of inputs, all False in another, else both if it has entries enough."""
        mask = torch.rand(self.shape(letters), generator=self.random, device="cpu") < 0.6
        if self.keep is not None:
            return mask.fill_(self.keep)
        flat = mask.view(-1)
        flat[(self.index + 1) % len(flat)] = self.index % 2 == 1
        flat[self.index % len(flat)] = self.index % 2 == 0
        return mask

    def weights(self, gates: str = "ifco", **more: str) -> dict[str, torch.Tensor]:
        """Three weights of each gate by name, and `more` of these shapes. Their order changes from set to set."""
        shapes = {f"{name}{k}": shape for k in gates for name, shape in WEIGHTS.items()} | more
        weights = {name: self(shape, 0.7) for name, shape in shapes.items()}
        names, n = list(weights), len(weights)
        order = torch.randperm(n, generator=self.random, device="cpu") if self.index else range(n)
        return {names[k]: weights[names[k]] for k in order}


def input_sets(table: str = "check", **sizes: int) -> list[Inputs]:
    """The inputs in a table of `catalogue/inputs.toml`, with some sizes given: of a "check", "square" or "fresh" ones.

    Those of a check are chosen to expose errors; the others help to find the cause of one.
    """
    found, first = [], {"check": 0, "square": 10, "fresh": 20}[table]
    for k, row in enumerate(catalogue.read_table("inputs")[table], start=first):
        settings = row | {"dtype": getattr(torch, row.get("dtype", "float64"))}
        found.append(Inputs(k, **settings | {"sizes": dict(zip("BTNHK", row["sizes"], strict=True)) | sizes}))
    return found


@cache
def exercises() -> dict[str, Exercise]:
    """All exercises by name, in the notebooks' order."""
    found = {}
    for file in sorted(Path(catalogue.__file__).parent.glob("nb??.toml")):
        found |= read_exercises(file.name, file.read_text(encoding="utf-8"))
    return found


def read_exercises(file: str, text: str) -> dict[str, Exercise]:
    """The exercises of a file of the catalogue.

    Raises ValueError naming the file, the exercise and what is unknown, missing or does not fit.
    """
    found, name = {}, ""
    try:
        tables = tomllib.loads(text)
        notebook = tables.pop("notebook")
        for name, table in tables.items():
            found[name] = _exercise(name, notebook, **table)
    except KeyError as key:
        raise ValueError(f"{file} has no {key}; it needs it") from None
    except (AttributeError, ImportError, NameError, SyntaxError, TypeError, ValueError) as error:
        raise ValueError(f"{file}, [{name}]: {error}") from error
    return found


def _exercise(name: str, notebook: str, hints=(), inputs=None, names_sizes=True, edits=(), judge="", **others):
    if len(hints) != 3:
        raise ValueError(f"hints has {len(hints)} entries; it needs three")
    others |= {"inputs": _drawing(inputs or {}, names_sizes), "judge": named(judge) if judge else None}
    exercise = Exercise(name, notebook, hints=tuple(hints), edits=read_edits(edits), **others)
    _ = exercise.model_answer  # an edit that does not fit raises an exception here
    return exercise


def named(path: str) -> Callable:
    """A function of the package, by its module and its name."""
    return pkgutil.resolve_name(f"lstm_lesson.{path}")


def _drawing(inputs: str | Mapping[str, str], names_sizes: bool) -> Callable[[Inputs], dict]:
    """What draws the arguments: an expression of `draw` for all, or one for each, which may read those above it."""
    names = vars(pkgutil.resolve_name("lstm_lesson.exercises.catalogue.draws"))

    def drawn(draw: Inputs) -> dict:
        found = {}
        for name, text in (inputs if isinstance(inputs, Mapping) else {"": inputs}).items():
            found[name] = eval(text, {**names, **found, "draw": draw})
        if not names_sizes:
            draw.letters_used.clear()
        return found.get("", found)

    return drawn
