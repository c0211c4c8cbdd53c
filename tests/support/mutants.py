"""Answers with one mistake or two, made from the references by small edits of their source, and a judge of `check`.

A mutant is a source text as a learner writes it. `judge` asks whether `check` rejects it, and whether the edits that
the message names do what the mutant does, on inputs that `check` has not seen. As a script it prints a table:

    python tests/support/mutants.py [--function NAME] [--kind single|pair] [--list] [--messages] [--draw N]
"""

import argparse
import contextlib
import itertools
import linecache
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from mutant_edits import EDITS, SOURCES, Edit  # noqa: E402

from lstm_lesson import check  # noqa: E402
from lstm_lesson.exercises.compare import leaves, map_tensors  # noqa: E402
from lstm_lesson.exercises.exercise import Inputs, exercises  # noqa: E402

FUNCTIONS = tuple(SOURCES)
PAIRS = {  # how many pairs are drawn of each function
    "rnn_step": 50, "unroll": 70, "masked_step": 30, "lstm_step": 90, "lstm": 110,
    "rnn_backward_step": 70, "lstm_backward_step": 110,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """The function `name` with one edit or two."""

    name: str
    edits: tuple[Edit, ...]

    @property
    def kind(self) -> str:
        return "single" if len(self.edits) == 1 else "pair"

    @property
    def parts(self) -> list["Mutant"]:
        """The mutants with one edit each."""
        return [Mutant(self.name, (edit,)) for edit in self.edits]

    @property
    def source(self) -> str:
        return edited_source(SOURCES[self.name], self.edits)

    def __str__(self) -> str:
        return "; ".join(str(edit) for edit in self.edits)


def common_start(one: str, other: str) -> int:
    """How many characters two texts have in common at their start."""
    return next((k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def spans(source: str, edit: Edit) -> list[tuple[int, int, str]]:
    """Where an edit changes the source, and to what: only the characters that differ."""
    found = []
    for old, new in edit.changes:
        if source.count(old) != 1:
            raise ValueError(f"{old!r} stands {source.count(old)} times in the source; it needs to stand there once")
        start = common_start(old, new)
        end = common_start(old[start:][::-1], new[start:][::-1])
        at = source.index(old)
        found.append((at + start, at + len(old) - end, new[start : len(new) - end]))
    return found


def edited_source(source: str, edits: tuple[Edit, ...]) -> str:
    """The source after these edits; ValueError if they touch."""
    changes = sorted(span for edit in edits for span in spans(source, edit))
    if any(end >= start for (_, end, _), (start, _, _) in itertools.pairwise(changes)):
        raise ValueError("the edits touch each other")
    for start, end, new in reversed(changes):
        source = source[:start] + new + source[end:]
    return source


_cells = itertools.count(1)


def define(source: str, name: str) -> Callable:
    """The function `name` that a source defines, as in a notebook's cell: its source can be read."""
    file = f"<cell {next(_cells)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    space = {"torch": torch, "F": torch.nn.functional, "__name__": "__main__"}
    exec(compile(source, file, "exec"), space)
    return space[name]


# What a function does


def fresh_sets(name: str, first: int = 1000) -> list[Inputs]:
    """Inputs that `check` does not draw: other sizes, square ones, other seeds."""
    rows = [
        (4, 6, 3, 5, 1.0), (3, 4, 6, 2, 0.7), (2, 5, 3, 4, 1.2), (5, 3, 4, 7, 0.4), (1, 4, 5, 3, 1.0),
        (4, 3, 5, 5, 1.0), (4, 4, 4, 4, 0.8), (2, 2, 2, 2, 1.0),
    ]  # fmt: skip
    return [Inputs(first + k, dict(B=b, T=t, N=n, H=h, K=n), scale) for k, (b, t, n, h, scale) in enumerate(rows)]


def behaviour(f: Callable, name: str, inputs: Inputs, gradients: bool):
    """What f does: "error", or the form of its result, its values, and the gradients if wanted."""
    arguments = map_tensors(torch.clone, exercises()[name].inputs(inputs))
    given = [t for _, t in sorted(leaves("", arguments)) if gradients and t.is_floating_point()]
    for tensor in given:
        tensor.requires_grad_()
    try:
        result = f(*arguments.values())
        found = sorted(leaves("", result))
        values, parts = [leaf for _, leaf in found if isinstance(leaf, torch.Tensor)], []
        total = sum((v * torch.cos(torch.arange(v.numel()).view(v.shape) + k)).sum() for k, v in enumerate(values))
        if given and isinstance(total, torch.Tensor) and total.requires_grad:
            parts = torch.autograd.grad(total, given, allow_unused=True)
        parts = [
            torch.zeros_like(t) if g is None else g for t, g in zip(given, parts or [None] * len(given), strict=True)
        ]
    except Exception:
        return "error"
    form = [(label, getattr(leaf, "shape", type(leaf))) for label, leaf in found]
    return form, [v.detach() for v in values], parts


def alike(one, other, gradients: bool = True) -> bool:
    """Whether two behaviours are the same; without gradients if so wanted."""
    if "error" in (one, other):
        return one is other
    pairs = [*zip(one[1], other[1], strict=False), *(zip(one[2], other[2], strict=False) if gradients else ())]
    return one[0] == other[0] and all(
        a.dtype == b.dtype and torch.allclose(a, b, rtol=1e-6, atol=1e-9, equal_nan=True) for a, b in pairs
    )


@cache
def reference_behaviours(name: str) -> list:
    f = exercises()[name].solve()
    return [behaviour(f, name, inputs, exercises()[name].gradient) for inputs in fresh_sets(name)]


@cache
def behaviours(mutant: Mutant) -> list:
    f = define(mutant.source, mutant.name)
    return [behaviour(f, mutant.name, inputs, exercises()[mutant.name].gradient) for inputs in fresh_sets(mutant.name)]


@cache
def is_wrong(mutant: Mutant) -> bool:
    """Whether the mutant differs from the reference somewhere, and runs somewhere, be it on square sizes only."""
    found = behaviours(mutant)
    if all(b == "error" for b in found):
        return False
    if not all(map(alike, found, reference_behaviours(mutant.name))):
        return True
    exercise, f = exercises()[mutant.name], define(mutant.source, mutant.name)
    for k in range(1000):  # many more inputs before it is called correct
        inputs = fresh_sets(mutant.name, first=2000 + k)[k % 8]
        got, expected = (behaviour(g, mutant.name, inputs, exercise.gradient) for g in (f, exercise.solve()))
        if not alike(got, expected):
            return True
    return False


def singles(name: str, seed: int = 0) -> Iterator[Mutant]:
    """All mutants with one edit, in an order that depends on the seed; each source once."""
    mutants = {mutant.source: mutant for edit in EDITS[name] for mutant in [Mutant(name, (edit,))]}
    yield from filter(is_wrong, random.Random(seed).sample([*mutants.values()], len(mutants)))


def pairs(name: str, seed: int = 0) -> Iterator[Mutant]:
    """Mutants with two edits at different places, drawn at random: `PAIRS[name]` of them."""
    chance, edits, found = random.Random(seed), [edit for edit in EDITS[name] if not edit.says], set()
    while len(found) < PAIRS[name]:
        mutant = Mutant(name, tuple(chance.sample(edits, 2)))
        with contextlib.suppress(ValueError, SyntaxError):  # the edits touch each other
            if mutant.source not in found and all(map(is_wrong, [*mutant.parts, mutant])):
                found.add(mutant.source)
                yield mutant


def draw(kind: str, number: int | None = None, only: str | None = None) -> list[Mutant]:
    """Mutants of all functions by turns, the same at each call; all of them without a number."""
    made = {"single": singles, "pair": pairs}[kind]
    turns = itertools.zip_longest(*(made(name) for name in ([only] if only else FUNCTIONS)))
    return list(itertools.islice(filter(None, itertools.chain.from_iterable(turns)), number))


# What `check` says

ONLY_NUMBERS = re.compile(r"`[^`]+` is \S+; expected \S+( \(with [^)]*\))?\.( \(It also prints.*\))?")


@dataclass(frozen=True)
class Verdict:
    """What `check` made of a mutant.

    `found` is "accepted"; "right" if the named edits do what the mutant does; "one" if they do what one edit of a pair
    does; "wrong" if they do something else; "said" if no edit is named, but more is said than numbers; "bare" if not.
    """

    mutant: Mutant
    found: str
    named: tuple[str, ...]
    message: str
    seconds: float


def judge(mutant: Mutant) -> Verdict:
    f = define(mutant.source, mutant.name)
    start = time.process_time()
    result = check(f)
    seconds = time.process_time() - start
    named = tuple(getattr(result, "edits", ()))
    return Verdict(mutant, _found(mutant, result, named), named, result.message, seconds)


def _found(mutant: Mutant, result, named: tuple[str, ...]) -> str:
    if result.outcome not in ("wrong", "crashed"):
        return "accepted"
    if named:
        return _judge_edits(mutant, named)
    says = [edit.says for edit in mutant.edits if edit.says]
    if mutant.kind == "single" and says and re.search(says[0], result.message):
        return "right"
    text = result.message.removeprefix(f"`{mutant.name}`: ")
    return "bare" if ONLY_NUMBERS.fullmatch(text) else "said"


def _judge_edits(mutant: Mutant, named: tuple[str, ...]) -> str:
    from answers import edited

    exercise, f = exercises()[mutant.name], edited(mutant.name, named)
    sets = fresh_sets(mutant.name)
    found = [behaviour(f, mutant.name, inputs, exercise.gradient) for inputs in sets]
    if _same(mutant, found):
        return "right"
    return "one" if mutant.kind == "pair" and any(_same(part, found) for part in mutant.parts) else "wrong"


def _same(mutant: Mutant, found: list) -> bool:
    """Whether these behaviours are those of the mutant: values, and gradients where they matter.

    Gradients matter if only they are wrong, and in pairs.
    """
    own, right = behaviours(mutant), reference_behaviours(mutant.name)
    values_right = all(alike(a, b, gradients=False) for a, b in zip(own, right, strict=True))
    return all(alike(a, b, values_right or mutant.kind == "pair") for a, b in zip(own, found, strict=True))


COLUMNS = ("right", "one", "wrong", "said", "bare", "accepted")


def table(verdicts: list[Verdict]) -> str:
    """A row for each function and kind: how often `check` found what, and the longest processor time."""
    head = f"{'function':20}{'kind':8}{'number':>7}" + "".join(f"{column:>10}" for column in (*COLUMNS, "longest"))
    lines = [head]
    for kind in ("single", "pair"):
        rows = {name: [v for v in verdicts if v.mutant.kind == kind and v.mutant.name == name] for name in FUNCTIONS}
        rows["all"] = [v for v in verdicts if v.mutant.kind == kind]
        for name, row in rows.items():
            if row:
                counts, longest = Counter(v.found for v in row), max(v.seconds for v in row)
                numbers = "".join(f"{counts[column]:10}" for column in COLUMNS)
                lines.append(f"{name:20}{kind:8}{len(row):7}{numbers}{longest:9.2f}s")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Judge what check() says of answers with one mistake or two.")
    parser.add_argument("--function", choices=FUNCTIONS, help="only this function")
    parser.add_argument("--kind", choices=("single", "pair"), help="only mutants with one edit or with two")
    parser.add_argument("--list", action="store_true", help="list the mutants whose mistake is not named right")
    parser.add_argument("--messages", action="store_true", help="in that list, print what check says")
    parser.add_argument("--draw", type=int, help="judge only so many of each kind")
    options = parser.parse_args()
    os.environ["LSTM_LESSON_PROGRESS"] = tempfile.mkdtemp()
    torch.set_num_threads(1)
    kinds = [options.kind] if options.kind else ["single", "pair"]
    mutants = [mutant for kind in kinds for mutant in draw(kind, options.draw, only=options.function)]
    verdicts = [judge(mutant) for mutant in mutants]
    for verdict in verdicts if options.list else ():
        if verdict.found != "right":
            print(f"{verdict.mutant.name} · {verdict.found} · {verdict.mutant}")
            if verdict.named:
                print(f"    named: {', '.join(verdict.named)}")
            if options.messages:
                print("    " + verdict.message.replace("\n", "\n    "))
    print(table(verdicts))


if __name__ == "__main__":
    main()
