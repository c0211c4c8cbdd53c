"""Judge an answer that draws characters at random: by its form, and by how often it draws each of them."""

import math

import torch
from torch import Tensor

from lstm_lesson.exercises import diagnosis, grading
from lstm_lesson.exercises.answer import Answer
from lstm_lesson.exercises.compare import Problem
from lstm_lesson.exercises.exercise import input_sets
from lstm_lesson.exercises.model import tools
from lstm_lesson.exercises.sandbox import format_error

ROWS = torch.tensor([[1.5, 0.6, -0.2, -1.2, 0.1], [-0.5, 1.1, -1.3, 0.9, 0.4]], dtype=torch.float64)
TEMPERATURES, DRAWS = (0.25, 4.0), 1500  # of each row at each temperature
SETS = 2 ** ROWS.shape[1] - 2  # sets of characters, but none and all
FAR = math.sqrt(2 / DRAWS * math.log(1e6 * SETS * len(ROWS) * len(TEMPERATURES)))


def judge(answer: Answer) -> Problem | None:
    """The form of what is returned, then how often each character is drawn.

    In each of four groups of n draws, the shares q are compared with the probabilities p. Σ|q − p| is twice the largest
    difference between the two for a set of characters, and by Hoeffding's inequality it exceeds `FAR` with a chance of
    at most SETS · exp(−n FAR² / 2), in sum over the groups 10⁻⁶: so rarely is a right answer refused, however it draws.
    An answer with another p, away from the right one by at least 2 `FAR` in some group, is accepted as rarely.
    """
    trials, says = [], answer.exercise.words
    for inputs in input_sets():
        trials.append(answer.try_on(inputs))
        problem, ids, K = trials[-1].problem, trials[-1].got, inputs.sizes["K"]
        if problem and problem.kind != "value":
            negative = says["negative"] if "probability tensor" in problem.text else ""
            known = negative or diagnosis.known_error(answer, trials[-1:]) or ""
            return Problem(problem.kind, f"{says.get(problem.kind, known)}\n{problem.text}".strip())
        if ids.min() < 0 or ids.max() >= K:
            return Problem("value", f"Your numbers go from {ids.min()} to {ids.max()}; expected 0 to {K - 1}.")
    drawn, error = answer.sandbox(_wrong_draws, answer, says)
    if error is not None:
        overflow = says["overflow"] if "probability tensor" in str(error) else ""
        drawn = Problem("crashed", f"{overflow}\n{format_error(error, answer.f)}".strip())
    return drawn or grading.inputs_changed(trials) or grading.notebook_tensors_read(answer, trials)


def _wrong_draws(answer: Answer, says: dict[str, str]) -> Problem | None:
    shares, right = _shares(answer, ROWS), _probabilities("torch.softmax(logits / temperature, dim=1)", ROWS)
    if (shares - right).abs().sum(dim=2).max() < FAR:
        own = torch.tensor([2, 0, 3, 1, 1]).repeat(100)  # in each row one character alone has a chance
        if (answer.f(torch.where(own[:, None] == torch.arange(4), 25.0, -math.inf), 0.2) != own).any():
            return Problem("value", says["no chance"])
        same = torch.equal(*(answer.f(torch.zeros(80, 9), 1.0) for _ in range(2)))
        return Problem("value", says["same"]) if same else None
    t, row, c = torch.unravel_index((shares - right).abs().argmax(), right.shape)
    has, needs = (f"{100 * each[t, row, c].item():.0f} %" for each in (shares, right))
    text = f"At temperature {TEMPERATURES[t]} character {c} comes in {has} of {DRAWS} draws; expected {needs}."
    other = ROWS.roll(2, dims=1).flip(0)
    tries = [(shares, ROWS), (_shares(answer, other), other)]
    for edit in answer.exercise.edits:
        if all((q - _probabilities(edit.changes["p"], rows)).abs().sum(dim=2).max() < FAR for q, rows in tries):
            return Problem("value", f"{edit.cause}\n{text}", edits=(edit.id,))
    alike = all((q == 1).any(dim=2).all() for q, _ in tries)
    return Problem("value", f"{says['alike']}\n{text}" if alike else text)


def _shares(answer: Answer, rows: Tensor) -> Tensor:
    """How often each character is drawn, (2, 2, K): at each temperature, in each row."""
    drawn = [answer.f(rows.repeat(DRAWS, 1), temperature) for temperature in TEMPERATURES]
    counts = [ids[row::2].bincount(minlength=rows.shape[1])[: rows.shape[1]] for ids in drawn for row in (0, 1)]
    return torch.stack(counts).view(2, *rows.shape) / DRAWS


def _probabilities(text: str, rows: Tensor) -> Tensor:
    """The probabilities that an expression gives, in the same form as `_shares`."""
    p = torch.stack([eval(text, tools() | {"logits": rows, "temperature": t}).double() for t in TEMPERATURES])
    return p / p.sum(dim=2, keepdim=True)
