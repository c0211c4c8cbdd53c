"""What is computed in the exercises of notebook 16: inputs, and a judge of what is drawn at random."""

import math
import re

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
TEXTS = {  # patterns in what is wrong with the form
    r"has shape \(\d+, 1\)": "`multinomial` gives a column (B, 1). One number for each row is asked for: (B,).",
    "probability tensor": "`multinomial` takes probabilities, none of them below 0. A softmax makes them of logits.",
}
OVERFLOW = "A logit may be −∞, as behind `top_k`, or 25 at a temperature of 0.2: exp(125) is too large for float32."
SAME = "Two calls with the same logits give the same 80 characters. Is a seed set inside?"
ALIKE = "Rows with the same logits all get the same character: is one number drawn for all rows? Each needs its own."


def _batches_inputs(draw):
    B, T = draw.shape("B T")
    length = T * (2 + draw.index % 3) + 1 + draw.index % T  # of a row; a batch needs T + 1
    return {"ids": torch.randperm(B * length + draw.index % B, generator=draw.random), "B": B, "T": T}


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
            known = (text for pattern, text in TEXTS.items() if re.search(pattern, problem.text))
            return _told(problem, next(known, error_causes.known_error(problem)))
    drawn = _distribution(answer) or _certain(answer)
    return drawn or grading.inputs_changed(trials) or grading.notebook_tensors_read(answer)


def _told(problem: Problem, cause: str) -> Problem:
    return Problem(problem.kind, f"{cause}\n{problem.text}".strip())


def _draw(answer: Answer, logits: Tensor, temperature: float) -> Tensor | Problem:
    """What the answer draws, or what is wrong with it."""
    got, error = answer.sandbox(answer.f, logits.clone(), temperature)
    if error is not None:
        return Problem("crashed", format_error(error, answer.f))
    if got.min() < 0 or got.max() >= logits.shape[1]:
        return Problem(
            "value", f"Your numbers go from {got.min()} to {got.max()}; expected 0 to {logits.shape[1] - 1}."
        )
    return got


def _certain(answer: Answer) -> Problem | None:
    """Rows in which one character alone has a chance."""
    own = torch.tensor([2, 0, 3, 1, 1]).repeat(100)
    got = _draw(answer, torch.where(own[:, None] == torch.arange(4), 25.0, -math.inf), 0.2)
    if isinstance(got, Problem):
        return _told(got, OVERFLOW)
    return None if (got == own).all() else Problem("value", "A character is drawn whose logit is −∞: it has no chance.")


def _distribution(answer: Answer) -> Problem | None:
    right = _probabilities("torch.softmax(logits / temperature, dim=1)", ROWS)
    other = ROWS.roll(2, dims=1).flip(0)
    shares = _shares(answer, ROWS)
    if isinstance(shares, Problem):
        return shares
    if _near(shares, right):
        one, two = (_draw(answer, torch.zeros(80, 9), 1.0) for _ in range(2))
        return Problem("value", SAME) if isinstance(one, Tensor) and torch.equal(one, two) else None
    t, row, c = torch.unravel_index((shares - right).abs().argmax(), right.shape)
    has, needs = (f"{100 * each[t, row, c].item():.0f} %" for each in (shares, right))
    text = f"At temperature {TEMPERATURES[t]} character {c} comes in {has} of {DRAWS} draws; expected {needs}."
    if (shares == 1).any(dim=2).all() and (shares[0] != shares[1]).any():
        return Problem("value", f"{ALIKE}\n{text}")
    again = _shares(answer, other)
    for edit in answer.exercise.edits if isinstance(again, Tensor) else ():
        if all(_near(q, _probabilities(edit.changes["p"], rows)) for q, rows in ((shares, ROWS), (again, other))):
            return Problem("value", f"{edit.cause}\n{text}", edits=(edit.id,))
    return Problem("value", text)


def _shares(answer: Answer, rows: Tensor) -> Tensor | Problem:
    """How often each character is drawn at each temperature in each row (2, 2, K); or what is wrong with a draw."""
    found = [_draw(answer, rows.repeat(DRAWS, 1), temperature) for temperature in TEMPERATURES]
    counts = (ids[row::2].bincount(minlength=rows.shape[1]) for ids in found for row in (0, 1))
    problem = next((each for each in found if isinstance(each, Problem)), None)
    return problem or torch.stack([*counts]).view(2, *rows.shape) / DRAWS


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
