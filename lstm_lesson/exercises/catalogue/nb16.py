"""What is computed in the exercises of notebook 16: inputs, and a judge of what is drawn at random."""

import math

import torch
from torch import Tensor

from lstm_lesson.exercises import error_causes, grading
from lstm_lesson.exercises.answer import Answer
from lstm_lesson.exercises.compare import Problem
from lstm_lesson.exercises.exercise import input_sets
from lstm_lesson.exercises.model import TOOLS
from lstm_lesson.exercises.sandbox import format_error

ROWS = torch.tensor([[1.5, 0.6, -0.2, -1.2, 0.1], [-0.5, 1.1, -1.3, 0.9, 0.4]], dtype=torch.float64)
TEMPERATURES, DRAWS = (0.25, 4.0), 1500  # of each row at each temperature
SETS = 2 ** ROWS.shape[1] - 2  # sets of characters, but none and all
FAR = math.sqrt(2 / DRAWS * math.log(1e6 * SETS * len(ROWS) * len(TEMPERATURES)))


def _batches_inputs(draw):
    B, T = draw.sizes["B"], draw.sizes["T"]
    draw.shape("B T")
    length = T * (2 + draw.index % 3) + 1 + draw.index % T  # of a row; a batch needs T + 1
    n = B * length + draw.index % B
    return {"ids": torch.randperm(n, generator=draw.random), "B": B, "T": T}


def _top_k_inputs(draw):
    return {"logits": draw.unbounded("B K"), "k": 1 + 2 * draw.index % draw.sizes["K"]}


def judge_sample(answer: Answer) -> Problem | None:
    """The form of what is returned, then how often each character is drawn.

    In each of four groups of n draws, the shares q are compared with the probabilities p. For every set of characters,
    Hoeffding's inequality bounds the chance that the two differ by more than ε, and Σ|q − p| is twice the largest such
    difference: it exceeds `FAR` with a chance of at most SETS · exp(−n FAR² / 2). `FAR` is chosen so that the sum over
    the groups is 10⁻⁶: so rarely is a right answer refused, however it draws. An answer that draws with another p, away
    from the right one by at least 2 `FAR` in some group, is accepted as rarely.
    """
    trials = []
    for inputs in input_sets():
        trials.append(answer.try_on(inputs))
        problem = trials[-1].problem
        if problem and problem.kind != "value":
            column = problem.kind == "shape" and tuple(trials[-1].got.shape) == (inputs.sizes["B"], 1)
            return _told(problem, COLUMN if column else error_causes.known_error(problem))
        ids, K = trials[-1].got, inputs.sizes["K"]
        if not ((ids >= 0) & (ids < K)).all():
            return Problem("value", f"Your numbers go from {ids.min()} to {ids.max()}; expected 0 to {K - 1}.")
    changed = grading.inputs_changed(trials)
    return changed or _distribution(answer) or _certain(answer) or grading.notebook_tensors_read(answer)


COLUMN = "`multinomial` gives a column (B, 1). One number for each row is asked for: (B,)."
OVERFLOW = "A logit may be −∞, as behind `top_k`, or 25 at a temperature of 0.2: exp(125) is too large for float32."
SAME = "Two calls with the same logits give the same 80 characters. Is a seed set inside?"
ALIKE = "Rows with the same logits all get the same character: is one number drawn for all rows? Each needs its own."


def _told(problem: Problem, cause: str) -> Problem:
    return Problem(problem.kind, f"{cause}\n{problem.text}" if cause else problem.text)


def _draw(answer: Answer, logits: Tensor, temperature: float) -> Tensor | Problem:
    got, error = answer.sandbox(answer.f, logits.clone(), temperature)
    return got if error is None else Problem("crashed", format_error(error, answer.f))


def _certain(answer: Answer) -> Problem | None:
    """Rows in which one character alone has a chance."""
    own = torch.tensor([2, 0, 3, 1, 1]).repeat(100)
    logits = torch.full((500, 4), -math.inf)
    logits[torch.arange(500), own] = 25.0
    got = _draw(answer, logits, 0.2)
    if isinstance(got, Problem):
        return _told(got, OVERFLOW)
    return None if (got == own).all() else Problem("value", "A character is drawn whose logit is −∞: it has no chance.")


def _distribution(answer: Answer) -> Problem | None:
    shares = _shares(answer, ROWS)
    if isinstance(shares, Problem):
        return shares
    right = _probabilities("torch.softmax(logits / temperature, dim=1)", ROWS)
    if _near(shares, right):
        one, two = (_draw(answer, torch.zeros(80, 9), 1.0) for _ in range(2))
        return Problem("value", SAME) if isinstance(one, Tensor) and torch.equal(one, two) else None
    t, row, c = torch.unravel_index((shares - right).abs().argmax(), right.shape)
    has, needs = (f"{100 * each[t, row, c].item():.0f} %" for each in (shares, right))
    text = f"At temperature {TEMPERATURES[t]} character {c} comes in {has} of {DRAWS} draws; expected {needs}."
    if (shares == 1).any(dim=2).all() and (shares[0] != shares[1]).any():
        return Problem("value", f"{ALIKE}\n{text}")
    other = ROWS.roll(2, dims=1).flip(0)
    again = _shares(answer, other)
    for edit in answer.exercise.edits if isinstance(again, Tensor) else ():
        if all(_near(each, _probabilities(edit.changes["p"], rows)) for each, rows in ((shares, ROWS), (again, other))):
            return Problem("value", f"{edit.cause}\n{text}", edits=(edit.id,))
    return Problem("value", text)


def _shares(answer: Answer, rows: Tensor) -> Tensor | Problem:
    """How often each character is drawn at each temperature in each row: (temperatures, rows, K), or what fails."""
    found = [_draw(answer, rows.repeat(DRAWS, 1), temperature) for temperature in TEMPERATURES]
    if problem := next((each for each in found if isinstance(each, Problem)), None):
        return problem
    counts = [ids[row :: len(rows)].bincount(minlength=rows.shape[1]) for ids in found for row in range(len(rows))]
    return torch.stack([count[: rows.shape[1]] for count in counts]).view(len(found), *rows.shape) / DRAWS


def _probabilities(text: str, rows: Tensor) -> Tensor:
    """The probabilities that an expression gives, in the same form as `_shares`."""
    p = torch.stack([eval(text, TOOLS | {"logits": rows, "temperature": t}).double() for t in TEMPERATURES])
    return p / p.sum(dim=2, keepdim=True)


def _near(shares: Tensor, p: Tensor) -> bool:
    return bool(((shares - p).abs().sum(dim=2) < FAR).all())


CODE = {
    "next_character_batches": {"inputs": _batches_inputs},
    "sample": {"judge": judge_sample},
    "top_k": {"inputs": _top_k_inputs},
}
