"""The pages beside the board: a mistake's wrong function beside the right one, on the same inputs, and where they part.

Both are the model answer of the catalogue, one of them with the edit that is the mistake; nothing of a learner is read.
`board` starts this file as a process of its own, because it loads torch: `python side_by_side.py FOLDER`, with JSON on
the standard input: {"board": the board's address, "pages": [[exercise, identifier, file], …]}.
"""

import ast
import html
import json
import math
import os
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import board

sys.path.insert(0, str(board.PACKAGE.parent))  # as a process of its own it finds the package here

import torch
from torch import Tensor

from lstm_lesson.exercises import compare
from lstm_lesson.exercises.exercise import Exercise, Inputs, exercises, input_sets
from lstm_lesson.exercises.model import Edit, Line, Loop, Model, short

LONG = 18  # lines of a function; of a longer one the comparison shows those near a difference
NEAR = 2  # lines above and below a difference
ENTRIES = 5  # of a row of numbers
ROWS = 6  # values that are followed from the parting on
SETS = {"check": "the check's inputs", "square": "the inputs of equal sizes", "fresh": "the inputs of other sizes"}


# Two runs, line by line


class Step(NamedTuple):
    """What a line gave in a run; in a loop also in which turn, and the loop's variable there."""

    line: Line
    value: object
    turn: int | None = None
    at: object = None


@dataclass
class Run:
    """A model answer on one set of inputs, line by line: its steps by their place in the run, and what it raised where.

    A place is (number of the line,), and in a loop (number of the loop, turn, number of the line in it).
    """

    model: Model
    steps: dict[tuple, Step] = field(default_factory=dict)
    error: Exception | None = None
    stopped: tuple[tuple, Step] | None = None  # the place and the line that raised

    @property
    def returned(self):
        return next((step.value for step in reversed(self.steps.values()) if step.line.place == "return"), None)


def run(model: Model, edits: tuple[Edit, ...], given: Mapping, keep=lambda value: value) -> Run:
    """Run a model answer with these edits on copies of its arguments; `keep` is given each value and may replace it."""
    found, changed = Run(model), {line.place: line for line in model.changed(edits)}
    names = model.environment(tuple(compare.map_tensors(torch.clone, dict(given)).values()))

    def take(key: tuple, line: Line, turn: int | None = None, at=None) -> None:
        line = changed.get(line.place, line)
        found.stopped = key, Step(line, None, turn, at)
        value = model.value(line, names)
        value = list(value) if line.place in model.loops_over and not isinstance(value, Tensor) else value
        names[line.place] = keep(value)
        found.steps[key] = Step(line, names[line.place], turn, at)

    try:
        for n, part in enumerate(model.lines):
            if isinstance(part, Line):
                take((n,), part)
                continue
            for turn, at in enumerate(names[part.over]):
                names[part.name] = at
                for k, line in enumerate(part.lines):
                    take((n, turn, k), line, turn, at)
        found.stopped = None
    except Exception as error:
        found.error = error
    return found


def difference(exercise: Exercise, right, wrong) -> tuple[str, object, object] | None:
    """The first part of two values that differs: its index, and what it is in both. None if they agree."""
    parts, others = (dict(compare.leaves("", value)) for value in (right, wrong))
    if parts.keys() != others.keys() or (exercise.strict_type and type(right) is not type(wrong)):
        return "", right, wrong
    return next(((k, v, others[k]) for k, v in parts.items() if not same(exercise, v, others[k])), None)


def same(exercise: Exercise, right, wrong) -> bool:
    """Whether two values that are no containers agree; tensors up to rounding and what the exercise tolerates."""
    if not isinstance(right, Tensor) or not isinstance(wrong, Tensor):
        if isinstance(right, int | float) and isinstance(wrong, int | float):
            return math.isclose(right, wrong, rel_tol=1e-12)
        return type(right) is type(wrong) and (callable(right) or right == wrong)
    kinds = [(t.is_floating_point(), t.is_complex(), t.dtype == torch.bool) for t in (right, wrong)]
    same_kind = right.dtype == wrong.dtype if exercise.dtype == "as given" else kinds[0] == kinds[1]
    if not same_kind or right.shape != wrong.shape:
        return False
    return bool(close(exercise, right, wrong).all())


def close(exercise: Exercise, right: Tensor, wrong: Tensor) -> Tensor:
    """Which entries of two tensors of one shape agree."""
    if right.is_complex():
        right, wrong = torch.view_as_real(right), torch.view_as_real(wrong)
        return compare.isclose(wrong, right, exercise.tolerance).all(dim=-1)
    return compare.isclose(wrong, right, exercise.tolerance)


# Where they part


@dataclass
class Parting:
    """Where a wrong function parts from the right one, and on which inputs.

    `kind` is "value" or "gradient", or "" if neither differs on any set of inputs. `first` is the place in the run of
    the first value that differs, or of the first gradient on the way back. The gradients are by place in the run, and
    `inputs_lost` has those of the arguments that differ.
    """

    exercise: Exercise
    edit: Edit
    inputs: Inputs
    given: dict
    right: Run
    wrong: Run
    number: int  # of the set of inputs, from 0
    kind: str = "value"
    first: tuple = ()
    gradients: tuple[dict, dict] = ({}, {})
    inputs_lost: dict = field(default_factory=dict)

    @property
    def table(self) -> str:
        """The table of `catalogue/inputs.toml` that the inputs are of."""
        return {0: "check", 1: "square"}.get(self.inputs.index // 10, "fresh")

    def pairs(self) -> dict[tuple, tuple]:
        """The right and the wrong value at each place in the run; None where the wrong function has not come."""
        if self.kind == "gradient":
            return {key: (self.gradients[0].get(key), self.gradients[1].get(key)) for key in reversed(self.right.steps)}
        missing = Step(None, None)
        return {key: (step.value, self.wrong.steps.get(key, missing).value) for key, step in self.right.steps.items()}


def parting(exercise: Exercise, edit: Edit) -> Parting:
    """Where the exercise's model answer and the one with this edit part.

    On the first set of inputs on which they return different values, else on the first with other gradients.
    """
    model, first = exercise.model_answer, None
    sets = [inputs for table in SETS for inputs in input_sets(table)]
    for number, inputs in enumerate(sets):
        given = exercise.inputs(inputs)
        right, wrong = (run(model, edits, given) for edits in ((), (edit,)))
        found = Parting(exercise, edit, inputs, given, right, wrong, number)
        first = first or found
        if wrong.error or difference(exercise, right.returned, wrong.returned):
            pairs = (key for key, pair in found.pairs().items() if difference(exercise, *pair))
            other = wrong.stopped[0] if wrong.stopped else list(right.steps)[-1]
            found.first = next((key for key in pairs if key in wrong.steps), other)
            return found
    for number, inputs in enumerate(sets if exercise.gradient else ()):
        if inputs.dtype == torch.float64 and (found := gradients_part(exercise, edit, inputs, number)):
            return found
    first.kind = ""
    return first


def gradients_part(exercise: Exercise, edit: Edit, inputs: Inputs, number: int) -> Parting | None:
    """Where the gradients of a weighted sum of all results part, on the way back from them; None if they agree."""
    given, runs, gradients, arriving = exercise.inputs(inputs), [], [], []
    for edits in ((), (edit,)):
        leaves = compare.map_tensors(_leaf, given)
        runs.append(run(exercise.model_answer, edits, leaves, keep=_with_history))
        tensors = {key: step.value for key, step in runs[-1].steps.items() if _has_history(step.value)}
        arguments = {k: t for name, v in leaves.items() for k, t in compare.leaves(name, v) if _has_history(t)}
        random, total = torch.Generator().manual_seed(1), 0.0
        for _, result in compare.leaves("", runs[-1].returned):
            if _has_history(result):
                total = total + (result * torch.randn(result.shape, generator=random, dtype=torch.float64)).sum()
        wanted = [*tensors.values(), *arguments.values()]
        if isinstance(total, Tensor):
            found = torch.autograd.grad(total, wanted, allow_unused=True)
        else:
            found = [None] * len(wanted)
        gradients.append(dict(zip(tensors, found, strict=False)))
        arriving.append(dict(zip(arguments, found[len(tensors) :], strict=True)))
    lost = {k: (g, arriving[1].get(k)) for k, g in arriving[0].items() if unlike(exercise, g, arriving[1].get(k))}
    result = Parting(exercise, edit, inputs, given, *runs, number, "gradient", (), tuple(gradients), lost)
    if not lost:
        return None
    result.first = next((key for key, pair in result.pairs().items() if unlike(exercise, *pair)), ())
    return result


def _leaf(tensor: Tensor) -> Tensor:
    return tensor.clone().requires_grad_() if tensor.is_floating_point() else tensor


def _has_history(value) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point() and value.requires_grad


def _with_history(value):
    """A value under a name of its own, so that what reaches it is told from what reaches another name of it."""
    if not isinstance(value, Tensor) or not value.is_floating_point():
        return value
    return value.view_as(value) if value.requires_grad else value.detach().requires_grad_()


def unlike(exercise: Exercise, right: Tensor | None, wrong: Tensor | None) -> bool:
    """Whether two gradients differ; none and one of zeros are the same."""
    right = torch.zeros_like(wrong) if right is None and wrong is not None else right
    wrong = torch.zeros_like(right) if wrong is None and right is not None else wrong
    return right is not None and not same(exercise, right, wrong)


# The two in words and numbers


def code(exercise: Exercise, *edits: Edit) -> list[str]:
    """The lines of the model answer with these edits."""
    changes = {
        place: ast.unparse(ast.parse(text, mode="eval")) for edit in edits for place, text in edit.changes.items()
    }

    def written(part: Line | Loop, indent: str) -> list[str]:
        if isinstance(part, Loop):
            inner = [line for each in part.lines for line in written(each, f"{indent}    ")]
            return [f"{indent}for {part.name} in {part.over}:", *inner]
        text = changes.get(part.place, part.text)
        return [f"{indent}return {text}" if part.place == "return" else f"{indent}{part.place} = {text}"]

    start = next(line for line in exercise.model.splitlines() if line.startswith("def "))
    return [start, *(line for part in exercise.model_answer.lines for line in written(part, "    "))]


def name_of(exercise: Exercise, place: str) -> str:
    """A place of the model answer, with what the check calls it."""
    if place == "return":
        return "what is returned"
    words = exercise.words.get(place, "")
    return f"`{place}`" if not words or words == f"`{place}`" else f"`{place}`, {words}"


def when(found: Parting, key: tuple, step: Step | None = None) -> str:
    """In which step of a loop a place in the run lies, in words; "" outside a loop."""
    if len(key) < 3:
        return ""
    step, loop = step or found.right.steps[key], found.exercise.model_answer.lines[key[0]]
    count = 1 + max(step.turn for step in found.right.steps.values() if step.turn is not None)
    at = f"`{loop.name} = {step.at}`, " if isinstance(step.at, int) else ""
    return f"at {at}step {step.turn + 1} of {count}" if step.turn < count else f"at {at}one step too many"


def sentences(found: Parting) -> list[str]:
    """Where the two part, in words."""
    exercise, lines, key = found.exercise, found.exercise.model_answer.lines, found.first
    if not found.kind:
        agree = "the two return the same, and their gradients agree" if exercise.gradient else "the two return the same"
        return [f"On all sets of inputs {agree}. Alone, this change is no mistake that can be seen."]
    at = when(found, key)
    name = name_of(exercise, found.right.steps[key].line.place) if key else f"`{next(iter(found.inputs_lost))}`"
    if found.kind == "gradient":
        first = f"Going back from the result, the first gradient that differs is that of {name}{at and f', {at}'}."
        return ["What the two return is the same. Their gradients are not.", first]
    loops = [n for n, part in enumerate(lines) if isinstance(part, Loop)]
    said = []
    if key in found.wrong.steps and at:
        said.append(f"They part {at}, in {name}.")
    elif key in found.wrong.steps and loops and key[0] < loops[0]:
        said.append(f"They part before the first step, in {name}.")
    elif key in found.wrong.steps:
        said.append(
            f"{'In all steps the two agree; after them, the' if loops else 'The'} first value that differs is {name}."
        )
    if found.wrong.error:
        stop, step = found.wrong.stopped
        place, at = name_of(exercise, step.line.place), when(found, stop, step)
        said.append(f"{'Then the' if said else 'The'} wrong function stops in the line of {place}{at and f', {at}'}:")
        said.append(error(found))
    return said


def error(found: Parting) -> str:
    """What the wrong function raises: its first line."""
    text = str(found.wrong.error).strip().partition("\n")[0].replace("`", "'")
    return f"`{type(found.wrong.error).__name__}: {text[:200]}`"


def about_inputs(found: Parting) -> str:
    """The arguments with their shapes, and which set of inputs they are of."""

    def kind(value) -> str:
        if isinstance(value, Tensor) and value.ndim:
            return str(tuple(value.shape))
        if isinstance(value, Mapping | list | tuple):
            return f"of {len(value)} tensors" + ", which it reads by their names" * isinstance(value, Mapping)
        return (
            "(a function)" if callable(value) else f"= {number(value.item() if isinstance(value, Tensor) else value)}"
        )

    listed = ", ".join(f"`{name}` {kind(value)}" for name, value in found.given.items())
    which = f"set {found.inputs.index % 10 + 1} of {SETS[found.table]}"
    first = ", the first on which the two part" if found.number and found.kind else ""
    return f"Both read the same inputs: {listed}. They are {which}{first}, drawn at random and the same every time."


def number(value) -> str:
    return compare.format_number(value, 4)


def row(right: list, wrong: list, differs: list[bool]) -> tuple[list[str], list[str]]:
    """Numbers in two rows, with as many digits as it takes to see that those that differ do."""
    values = [v for v in (*right, *wrong) if isinstance(v, float) and math.isfinite(v)]
    largest = max(map(abs, values), default=0.0)
    forms = [f".{n}f" for n in range(3, 8)] if largest < 1e5 and (largest >= 1e-3 or not largest) else []
    for form in [*forms, *(f".{n}e" for n in range(2, 17))]:
        one, two = ([_number(v, form) for v in row] for row in (right, wrong))
        if all(a != b for a, b, differ in zip(one, two, differs, strict=True) if differ):
            break
    return one, two


def _number(value, form: str) -> str:
    if isinstance(value, float) and math.isfinite(value):
        text = f"{value:{form}}"
        return (text if float(text) else text.lstrip("-")).replace("-", "−")
    return str(value).replace("-", "−").replace("inf", "∞")


def shown(exercise: Exercise, right, wrong) -> tuple[str, str, str]:
    """Where two values differ first, and some numbers from there in both, as HTML. Of values that agree, the first."""
    first = next(iter(compare.leaves("", right)), ("", right))
    place, a, b = difference(exercise, right, wrong) or (*first, first[1])
    if not (isinstance(a, Tensor) and isinstance(b, Tensor)) or a.shape != b.shape or a.is_complex() or not a.numel():
        return place, *(f"<span>{board._text(in_words(v, o))}</span>" for v, o in ((a, b), (b, a)))
    a, b = a.detach(), b.detach()
    differs = ~close(exercise, a, b)
    at = differs.nonzero()[0].tolist() if differs.any() else [0] * a.ndim
    if at:
        size, start = a.shape[-1], max(0, min(at[-1], a.shape[-1] - ENTRIES))
        index = [*map(str, at[:-1]), *([f"{start}:{start + ENTRIES}"] if size > ENTRIES else [])]
        place += f"[{', '.join(index)}]" if index else ""
        a, b, differs = (t[(*at[:-1], slice(start, start + ENTRIES))] for t in (a, b, differs))
    one, two, marked = (t.reshape(-1).tolist() for t in (a, b, differs))
    tags = ["mark" if differ else "span" for differ in marked]
    one, two = row(one, two, marked)
    return place, *(" ".join(f"<{t}>{text}</{t}>" for t, text in zip(tags, texts, strict=True)) for texts in (one, two))


def in_words(value, other) -> str:
    """A value that is shown without its numbers."""
    if isinstance(value, Tensor) and isinstance(other, Tensor) and value.shape == other.shape:
        return f"dtype {str(value.dtype)[6:]}" if value.dtype != other.dtype else "complex numbers"
    if isinstance(value, Tensor):
        return f"shape {tuple(value.shape)}" if value.ndim or isinstance(other, Tensor) else number(value.item())
    if isinstance(value, list | tuple | range) and all(isinstance(each, int | float | bool) for each in value):
        return ", ".join(map(number, value[:12])) + (", …" if len(value) > 12 else "") or "nothing"
    plain = value is None or isinstance(value, int | float | complex | str | slice)
    return number(value)[:60] if plain else "a function" if callable(value) else compare.describe(value)


# The page


def followed(found: Parting) -> list[tuple[str, str, object, object]]:
    """The values of the step in which the two part, from there on: label, name of the place, the right one, the wrong.

    Of the values after the first, those that the equations have a name for, and not what is returned: that comes later.
    """
    exercise, first, pairs = found.exercise, found.first, found.pairs()
    returned = {id(leaf) for run in (found.right, found.wrong) for _, leaf in compare.leaves("", run.returned)}

    def row(key: tuple, *pair) -> tuple[str, str, object, object]:
        place, at = found.right.steps[key].line.place, when(found, key) if key[1:2] != first[1:2] else ""
        return f"{name_of(exercise, place)}{at and f', {at}'}", place, *pair

    def follows(key: tuple) -> bool:
        line, (right, wrong) = found.right.steps[key].line, pairs[key]
        named = exercise.words.get(line.place, "`").startswith("`") and not line.text.isidentifier()
        new = line.place != "return" and not {id(right), id(wrong)} & returned and not isinstance(right, list)
        return named and new and difference(exercise, right, wrong) is not None

    keys = [*pairs]
    keys = [key for key in keys[keys.index(first) :] if found.kind == "gradient" or key in found.wrong.steps]
    rows = [row(key, *pairs[key]) for key in keys[:1]]
    here = first[1] if len(first) == 3 else 0
    for turn in (here, here - 1 if found.kind == "gradient" else here + 1):  # the next step if this one has nothing
        if len(rows) < 2:
            near = [key for key in keys[1:] if (key[1] == turn if len(key) == 3 else len(first) == 1)]
            rows += [row(key, *pairs[key]) for key in near if follows(key)]
    return rows[:ROWS]


def results(found: Parting) -> tuple[list[tuple[str, str, object, object]], list[str]]:
    """What the two return where it differs, as `followed`, and the names of what agrees; for gradients the inputs'."""
    exercise = found.exercise
    if found.kind == "gradient":
        return [(f"`{name}`", name, *pair) for name, pair in list(found.inputs_lost.items())[:ROWS]], []
    if found.wrong.error:
        return [], []
    try:
        pairs = compare.match(exercise, found.wrong.returned, found.right.returned)
    except compare.WrongStructure:
        return [("what is returned", "", found.right.returned, found.wrong.returned)], []
    differ = [(f"`{name}`", name, right, wrong) for name, wrong, right in pairs if difference(exercise, right, wrong)]
    return differ[:ROWS], [name for name, wrong, right in pairs if not difference(exercise, right, wrong)]


def numbers(found: Parting, rows: list[tuple[str, str, object, object]], about: str) -> str:
    """A table of values in both functions, as HTML."""
    body = []
    for label, place, right, wrong in rows:
        none = [found.kind == "gradient" and value is None for value in (right, wrong)]
        right, wrong = (torch.zeros_like(wrong) if none[0] else right, torch.zeros_like(right) if none[1] else wrong)
        index, *texts = shown(found.exercise, right, wrong)
        one, two = ("<span>no gradient</span>" if no else text for no, text in zip(none, texts, strict=True))
        label = board._text(label.replace(f"`{place}`", f"`{place}{index}`"))
        body.append(
            f'<tbody><tr><th scope="rowgroup" rowspan="2">{label}</th><th scope="row">right</th><td>{one}</td></tr>'
            f'<tr class="wrong"><th scope="row">wrong</th><td>{two}</td></tr></tbody>'
        )
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("value", "function", "numbers"))
    head = f'<caption class="hidden">{about}</caption><thead class="hidden"><tr>{heads}</tr></thead>'
    table = f'<table class="numbers">{head}{"".join(body)}</table>'
    return wide(about, table)


def curves(found: Parting) -> tuple[str, list[float], list[float], list[float], float] | None:
    """A line of numbers over the steps in both functions: label, steps, the two, and where they part. None without."""
    exercise = found.exercise
    if found.kind == "gradient" and len(found.first) == 3:
        n, turn, k = found.first
        keys = [key for key in found.right.steps if key[0] == n and key[2:] == (k,)]
        pairs = [found.pairs()[key] for key in keys]
        at = [found.right.steps[key].at for key in keys]
        if len(keys) < 2 or not all(isinstance(each, int) for each in at):
            return None
        none = torch.zeros_like(next(gradient for gradient in pairs[turn] if gradient is not None))
        right, wrong = (
            torch.stack([none if each is None else each for each in row]) for row in zip(*pairs, strict=True)
        )
        entry = (slice(None), *_largest(right[turn] - wrong[turn]))
        place = found.right.steps[found.first].line.place
        index = ", ".join(map(str, entry[1:]))
        return f"gradient of {place}[{index}]", at, right[entry].tolist(), wrong[entry].tolist(), at[turn]
    if found.kind != "value" or found.wrong.error:
        return None
    for label, _, right, wrong in results(found)[0]:
        label = label.strip("`")
        tensors = isinstance(right, Tensor) and isinstance(wrong, Tensor) and right.shape == wrong.shape
        axes = compare.axis_names(exercise, label, right.ndim) if tensors else ()
        if "step" not in axes or right.shape[axes.index("step")] < 2 or right.dtype == torch.bool:
            continue
        axis, right, wrong = axes.index("step"), right.double(), wrong.double()
        entry = _largest((right - wrong).nan_to_num())
        place = (*entry[:axis], slice(None), *entry[axis + 1 :])
        one, two = right[place], wrong[place]
        step = found.right.steps[found.first].at if len(found.first) == 3 else None
        first = int((~close(exercise, one, two)).nonzero()[0])
        index = ", ".join("t" if k == axis else str(each) for k, each in enumerate(entry))
        at = list(range(len(one)))
        if one.isfinite().all() and two.isfinite().all():
            return f"{label}[{index}]", at, one.tolist(), two.tolist(), step if isinstance(step, int) else first
    return None


def _largest(tensor: Tensor) -> tuple[int, ...]:
    """The index of the entry of the largest size."""
    return tuple(int(k) for k in torch.unravel_index(tensor.abs().argmax(), tensor.shape))


def plot(label: str, at: list, right: list[float], wrong: list[float], parts: float) -> str:
    """Two lines over the steps as SVG: the right one solid with dots, the wrong one dashed with squares."""
    low, high = min(*right, *wrong, 0.0), max(*right, *wrong, 0.0)
    left, top, width, height = 140, 60, 980, 250

    def x(t) -> float:
        return left + width * (t - min(at) + 0.25) / (max(at) - min(at) + 0.5)

    def y(value) -> float:
        return top + height * (high - value) / ((high - low) or 1)

    svg = [f'<line class="axis" x1="{left}" x2="{left + width}" y1="{y(0):.1f}" y2="{y(0):.1f}"/>']
    svg += [f'<line class="parts" x1="{x(parts):.1f}" x2="{x(parts):.1f}" y1="{top - 8}" y2="{top + height + 8}"/>']
    ticks = dict.fromkeys(each for each in (low, 0.0, high) if each == 0 or abs(y(each) - y(0)) > 30)
    svg += [f'<text x="{left - 14}" y="{y(each) + 9:.1f}" text-anchor="end">{number(each)}</text>' for each in ticks]
    svg += [f'<text x="{x(t):.1f}" y="{top + height + 42}" text-anchor="middle">{t}</text>' for t in at]
    for name, values, begin in (("right", right, left), ("wrong", wrong, left + 200)):
        points = [(x(t), y(value)) for t, value in zip(at, values, strict=True)]
        points.append((begin + 40, 22))  # the key
        line = " ".join(f"{a:.1f},{b:.1f}" for a, b in points[:-1])
        svg.append(f'<polyline class="{name}" points="{line}"/>')
        svg.append(f'<line class="{name}" x1="{begin}" x2="{begin + 80}" y1="22" y2="22"/>')
        svg.append(f'<text x="{begin + 94}" y="31">{name}</text>')
        for a, b in points:
            square = f'x="{a - 8:.1f}" y="{b - 8:.1f}" width="16" height="16"'
            svg.append(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="8"/>' if name == "right" else f"<rect {square}/>")
    svg.append(f'<text x="{left + width}" y="31" text-anchor="end">they part at t = {parts}</text>')
    one, two = row(right, wrong, [a != b for a, b in zip(right, wrong, strict=True)])
    alt = f"{label} over the steps {at[0]} to {at[-1]}. Right: {', '.join(one)}. Wrong: {', '.join(two)}. "
    alt += f"They part at t = {parts}."
    return f'<svg role="img" viewBox="0 0 1140 370" aria-label="{html.escape(alt)}">{"".join(svg)}</svg>'


def comparison(found: Parting, right: list[str], wrong: list[str]) -> str:
    """What the page folds, as HTML: what the check says, the lines of both functions, where they part, and numbers."""
    said, values = board._text(found.edit.cause), "Gradients" if found.kind == "gradient" else "Values"
    parts = [f'<p class="lead"><strong>The check says:</strong> {said}</p>', both(right, wrong)]
    parts += ["<h2>Where they part</h2>", *(f"<p>{board._text(text)}</p>" for text in sentences(found))]
    if found.first and (rows := followed(found)):
        parts.append(numbers(found, rows, f"{values} from where the two part"))
    differ, agree = results(found)
    if differ or agree:
        head = "The gradients that reach the inputs" if found.kind == "gradient" else "What they return"
        parts += [f"<h2>{head}</h2>", numbers(found, differ, head) if differ else ""]
        parts.append(f"<p>{board._text(compare.join_names(agree))}: the same in both.</p>" if agree else "")
    if found.kind and (lines := curves(found)):
        parts.append(f"<h2>Step by step: <code>{html.escape(lines[0])}</code></h2>")
        parts.append(wide("Step by step", plot(*lines)))
    return "\n".join([*parts, f'<p class="quiet">{board._text(about_inputs(found))}</p>'])


def page(name: str, id: str, back: str) -> str:
    """The page of a mistake, as HTML: first the wrong function alone, and folded how it differs from the right one.

    `name` and `id` are the exercise and the identifier that a record has, `back` is the address of the board.
    Raises KeyError for a mistake that the catalogue does not have.
    """
    exercise = exercises()[board.SAME_MISTAKES.get(name, name)]
    model = exercise.model_answer
    edit = next((edit for edit in model.described.values() if short(edit.id) == id), None)
    edit = edit or {short(edit.id): edit for edit in model.regular.values()}[id]
    right, wrong = code(exercise), code(exercise, edit)
    template = (board.HERE / "side_by_side.html").read_text(encoding="utf-8")
    for key, text in {
        "MARK": board.MARK,
        "STYLE": board.style(),
        "NAME": name,
        "BACK": html.escape(back),
        "NOTEBOOK": next((text for text, _, _ in board.guide()[exercise.notebook[:2]]), exercise.notebook),
        "CLASS": ""
        if name == exercise.name
        else "<p>The class, as a function of its first states and its weights:</p>",
        "WRONG": "".join(map(hanging, wrong)),
        "LONG": "long" if len(wrong) > LONG else "short",
        "BODY": comparison(parting(exercise, edit), right, wrong),
    }.items():
        template = template.replace(f"<!--{key}-->", text)
    return template


def hanging(line: str) -> str:
    """A line of code as HTML, which is indented further where it does not fit."""
    indent = len(line) - len(line.lstrip()) + 4
    return f'<span style="padding-left:{indent}ch;text-indent:-{indent}ch">{html.escape(line)}</span>'


def both(right: list[str], wrong: list[str]) -> str:
    """The lines of both functions side by side, as HTML; of a long one those near a difference."""
    differ = [n for n, (one, two) in enumerate(zip(right, wrong, strict=True)) if one != two]
    near = {n for n in range(len(right)) if len(right) <= LONG or any(abs(n - each) <= NEAR for each in differ)} | {0}
    rows, left_out = [], 0
    for n, pair in enumerate([*zip(right, wrong, strict=True), None]):
        if pair and n not in near:
            left_out += 1
            continue
        if left_out:
            said = f"{left_out} equal {'line' if left_out == 1 else 'lines'}"
            rows.append(f'<tr class="same"><td></td><td colspan="2">{said}</td></tr>')
            left_out = 0
        if pair:
            mark = '<span aria-hidden="true">≠</span><span class="hidden">differs</span>' if n in differ else ""
            cells = "".join(f"<td><code>{hanging(line)}</code></td>" for line in pair)
            rows.append(f"<tr class={'differs' if n in differ else 'equal'}><td>{mark}</td>{cells}</tr>")
    heads = (
        '<th scope="col"><span class="hidden">differs</span></th><th scope="col">right</th><th scope="col">wrong</th>'
    )
    head = f'<caption class="hidden">The two functions, line by line</caption><thead><tr>{heads}</tr></thead>'
    return wide("The two functions", f'<table class="code">{head}<tbody>{"".join(rows)}</tbody></table>')


def wide(name: str, content: str) -> str:
    """Something that a narrow screen moves sideways, as HTML, with its name for a screen reader."""
    return f'<div class="wide" role="region" tabindex="0" aria-label="{name}">{content}</div>'


def main(folder: Path) -> int:
    """Write the pages that the standard input asks for. Returns 0, or 1 if one could not be made."""
    parent, asked, failed = os.getppid(), json.load(sys.stdin), 0
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for name, id, file in asked["pages"]:
        if os.getppid() != parent:  # the board has ended
            break
        try:
            board.write(folder / file, page(name, id, asked["board"]))
        except Exception as error:
            print(f"{name}, {id}: {type(error).__name__}: {error}", file=sys.stderr)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
