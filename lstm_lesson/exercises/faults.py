"""A cell with one fault, seen from outside: what it computes at each step of an input that the learner chooses.

The fault is one line of an LSTM step, written otherwise: the line that the exercise's solution names. An answer is
compared by what a cell with its line does, so every way to write the fault is right.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from lstm_lesson.exercises.answer import Answer, judging
from lstm_lesson.exercises.catalogue import read_table
from lstm_lesson.exercises.compare import Problem, describe, format_number
from lstm_lesson.exercises.exercise import exercises
from lstm_lesson.exercises.model import Edit
from lstm_lesson.exercises.sandbox import format_error

LETTERS = "ifgoch"
PLACES = tuple(f"{letter}_t" for letter in LETTERS)
VISIBLE = 0.01  # from this difference on, a table shows it
STEPS = 60  # of an input, at most
SAYS = read_table("wrong_cells")["says"]
RIGHT: Mapping[str, str] = {}  # no line is changed


def weights() -> dict[str, Tensor]:
    """The twelve weights of the hidden cells, by name: N = 2 inputs, H = 1 unit."""
    return {name: torch.tensor(numbers) for name, numbers in read_table("wrong_cells")["hidden"].items()}


def first_fault() -> tuple[str, str, Tensor]:
    """The candidate comes in as far as the forget gate is shut; the input gate is computed, and nothing reads it."""
    return "c_t", "f_t * c_prev + (1 - f_t) * g_t", torch.tensor([[1.0, 0.0]])


def second_fault() -> tuple[str, str, Tensor]:
    """The input gate reads the memory where it should read the hidden state: nothing to see while both are 0."""
    return "i_t", "sigmoid(x_t @ W_xi + c_prev @ W_hi + b_i)", torch.tensor([[1.0, 0.0], [0.0, 0.0]])


def trace(name: str, x: Tensor) -> dict[str, Tensor]:
    """i, f, g, o, c and h of the hidden cell of an exercise after each step of x (T, 2), by name, each (T, 1).

    The cell starts with h and c at 0. Raises ValueError for another name or shape.
    """
    if name not in (known := [first_fault.__name__, second_fault.__name__]):
        raise ValueError(f"name is {name!r}; it needs one of {', '.join(known)}")
    place, line, _ = exercises()[name].solve()()
    return {letter: values[0] for letter, values in run(as_input(x).float()[None], weights(), {place: line}).items()}


def run(x: Tensor, weights: Mapping[str, Tensor], lines: Mapping[str, str]) -> dict[str, Tensor]:
    """i, f, g, o, c and h along x (B, T, N), each (B, T, H), of a step in which `lines` stand at their places."""
    model, w = exercises()["lstm_step"].model_answer, {name: weight.to(x.dtype) for name, weight in weights.items()}
    edit = Edit("", {**lines, "return": ", ".join(PLACES)}, "")
    h = c = torch.zeros(len(x), len(w["b_i"]), dtype=x.dtype)
    steps = []
    for x_t in x.unbind(1):
        steps.append(model.run((x_t, h, c, w), (edit,)))
        for place, value in zip(PLACES, steps[-1], strict=True):
            if (shape := getattr(value, "shape", None)) != h.shape:
                has = f"is of type {type(value).__name__}" if shape is None else f"has shape {tuple(shape)}"
                raise ValueError(f"{place} {has}; the line has to make a tensor (B, H) = {tuple(h.shape)}")
        *_, c, h = steps[-1]
    return {letter: torch.stack(each, dim=1) for letter, each in zip(LETTERS, zip(*steps, strict=True), strict=True)}


@judging
def judge(answer: Answer, got) -> Problem | None:
    """The judge of an exercise that returns the faulty line of a hidden cell and the smallest input that shows it."""
    needs = 'expected three: the place as text ("c_t"), the line there as text, and x (T, 2)'
    if not isinstance(got, tuple | list) or len(got) != 3:
        raise ValueError(f"You return {describe(got)}; {needs}.")
    place, line, x = got
    place = f"{place}_t" if place in tuple(LETTERS) else place  # c, as the table has it
    if place not in PLACES or not isinstance(line, str):
        raise ValueError(f"You return {place!r:.40} and {line!r:.40}; {needs}. The places: {', '.join(PLACES)}.")
    x = as_input(x)
    hidden, hidden_line, smallest = answer.exercise.solve()()
    return _wrong_line(answer, {hidden: hidden_line}, place, line) or _wrong_input(x, {hidden: hidden_line}, smallest)


def as_input(x) -> Tensor:
    """x as a tensor (T, 2) in float64. Raises ValueError if it is none, too long, or has entries beyond ±100."""
    try:
        x = torch.as_tensor(x).detach().double()
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"x is of type {type(x).__name__}; it needs a tensor (T, 2).") from None
    if x.ndim != 2 or x.shape[1] != 2 or not 1 <= len(x) <= STEPS:
        raise ValueError(f"x has shape {tuple(x.shape)}; it needs (T, 2), with 1 to {STEPS} steps.")
    if not x.isfinite().all() or x.abs().max() > 100:
        raise ValueError("x has entries beyond ±100, or not finite. Numbers up to 3 are enough here.")
    return x


def _wrong_line(answer: Answer, hidden: Mapping[str, str], place: str, line: str) -> Problem | None:
    """An input on which the line and the hidden cell differ, a short one; or why the line does not run."""
    probes = torch.randn(36, 8, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64).round(decimals=1)
    probes = torch.cat([probes, 4 * probes])  # small and large, (B, 8, 2)
    for x in (probes[:2], probes):  # two sequences first: their shapes are easier to read in an error
        got, error = answer.sandbox(run, x, weights(), {place: line.strip()})
        if error is not None:
            why = format_error(error, None) + SAYS["python"] * isinstance(error, SyntaxError | NameError | TypeError)
            return Problem("crashed", f"`{line:.80}` does not run at the place of `{place}` with B = {len(x)}: {why}")
    expected = run(x, weights(), hidden)
    off = torch.stack([(expected[k] - got[k]).abs().nan_to_num(9.0)[..., 0] for k in LETTERS], dim=-1)  # (B, T, 6)
    if (off < 1e-9).all():
        return None
    seen = (off.amax(dim=-1) >= min(VISIBLE, float(off.max()))).nonzero().tolist()
    b, t = min(seen, key=lambda at: (at[1], -int(x[at[0], : at[1] + 1].count_nonzero()), at[0]))  # no small x
    letter = LETTERS[int((off[b, t] >= min(VISIBLE, float(off[b, t].max()))).nonzero()[0])]
    values = [float(each[letter][b, t, 0]) for each in (expected, got)]
    digits = next((n for n in range(3, 17) if len({format_number(value, n) for value in values}) > 1), 17)
    theirs, own = (format_number(value, digits) for value in values)
    shown = [[round(entry, 2) for entry in row] for row in x[b, : t + 1].tolist()]
    return Problem("value", SAYS["another"].format(shown, letter, theirs, t + 1, own))


def _wrong_input(x: Tensor, hidden: Mapping[str, str], smallest: Tensor) -> Problem | None:
    """Why x does not show the fault, or how much smaller an input may be: in steps, then in entries that are not 0."""
    faulty, right = (run(x[None], weights(), lines) for lines in (hidden, RIGHT))
    if all((faulty[k] - right[k]).abs().max() <= VISIBLE for k in LETTERS):
        return Problem("value", SAYS["not shown"].format(VISIBLE))
    steps, entries = len(x) - len(smallest), int(x.count_nonzero()) - int(smallest.count_nonzero())
    if steps <= 0 and entries <= 0:
        return None
    fewer = f"{steps} fewer step{'s' * (steps > 1)}" if steps > 0 else f"{entries} more zero{'s' * (entries > 1)}"
    return Problem("value", SAYS["smaller"].format(fewer))
