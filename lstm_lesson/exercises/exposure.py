"""Tests that a learner designs: an input has to tell wrong cells from the right one, each by what it answers.

The wrong cells stand in `catalogue/wrong_cells.toml`.
"""

import torch
from torch import Tensor

from lstm_lesson.data import agreement
from lstm_lesson.data.agreement import KINDS, PLURAL, SINGULAR, STOP, VERB
from lstm_lesson.exercises import designs, faults
from lstm_lesson.exercises.answer import Answer, judging
from lstm_lesson.exercises.catalogue import read_table
from lstm_lesson.exercises.compare import Problem

WORDS = 300  # of a text, at most
TEXT_CELLS, LSTM_CELLS = (read_table("wrong_cells")[name] for name in ("text", "lstm"))  # by name


def forget_text() -> str:
    """Three clauses with verbs: a long one with another noun, then a subject of the other number, then of the first."""
    return f"the keys {'there ' * 50}near the man ___ . the man ___ . the keys ___ ."


def lstm_test() -> tuple[Tensor, dict[str, Tensor]]:
    """Unit 0 counts up to 24 and back to 0; unit 1 has a forget gate that is half open and hears unit 0."""
    x = torch.zeros(50, 2)
    x[:25, 0], x[25:, 0] = 1.0, -1.0
    shapes = {"W_x": (2, 2), "W_h": (2, 2), "b_": (2,)}
    weights = {f"{name}{k}": torch.zeros(shape) for k in "ifco" for name, shape in shapes.items()}
    weights |= {"b_i": torch.tensor([6.0, 0.0]), "b_f": torch.tensor([6.0, 1.0]), "b_o": torch.tensor([3.0, 3.0])}
    weights["W_xc"][0] = 3.0  # both units write 1, or −1
    weights["W_hf"][0, 1] = -2.0  # unit 0 is heard by the gate of unit 1, and not the other way round
    return x, weights


def as_text(words: str) -> agreement.Text:
    """A text of the grammar's words as a `Text`, with the place of each verb and the number of its subject.

    The subject is the first noun of a clause. Raises ValueError for an unknown word, and for a verb with no subject.
    """
    if not isinstance(words, str):
        raise ValueError(f"The text is of type {type(words).__name__}; it needs words in one string.")
    words, verbs, subject = tuple(words[: 20 * WORDS].split()), {}, None
    if len(words) > WORDS:
        raise ValueError(f"The text has more than {WORDS} words; a shorter one is enough.")
    for place, word in enumerate(words):
        if (kind := KINDS.get(word)) is None:
            fix = "use small letters only" if word.lower() in KINDS else f"it knows {', '.join(KINDS)}"
            fix = "put a space before the full stop" if len(word) > 1 and word.endswith(".") else fix
            raise ValueError(f"The cell does not know the word {word[:40]!r}; {fix}.")
        if kind in (SINGULAR, PLURAL) and subject is None:
            subject = kind == PLURAL
        if kind == VERB and subject is None:
            raise ValueError(f"Word {place + 1} is a verb, and its clause has no noun yet.")
        verbs |= {place: subject} if kind == VERB else {}
        subject = None if kind == STOP else subject
    if not verbs:
        raise ValueError("The text has no verb, ___, so nobody is asked anything.")
    return agreement.Text(words, tuple(verbs), tuple(verbs.values()))


def said(text: agreement.Text, name: str = "") -> tuple[str, ...]:
    """What a cell says at each verb, "are", "is" or "nothing": the right one, or the wrong one of this name."""
    weights = agreement.hand_set_weights()
    if name:
        bias = TEXT_CELLS[name]["bias"]
        weights["b_f"], weights["W_xf"] = torch.full((2,), bias), torch.zeros(6, 2)
        for unit, kinds in enumerate(TEXT_CELLS[name]["wipes"]):
            weights["W_xf"][kinds, unit] = -20.0 - bias
    h = faults.run(text.features[None].double(), weights, faults.RIGHT)["h"][0, list(text.verbs), 0]
    return tuple("are" if x > designs.LOUD else "is" if x < -designs.LOUD else "nothing" for x in h)


@judging
def judge_text(answer: Answer, got) -> Problem | None:
    """The judge of an exercise that returns a text: every wrong cell has to answer it wrongly, each in its own way."""
    text = as_text(got)
    right, answers = said(text), {name: said(text, name) for name in TEXT_CELLS}
    if passing := {name: TEXT_CELLS[name]["why"] for name, each in answers.items() if each == right}:
        return _score(len(TEXT_CELLS), passing)
    for name, each in answers.items():
        if alike := [other for other in answers if other != name and answers[other] == each]:
            text = f"But “{name}” and “{alike[0]}” answer alike: {', '.join(each)}. Tell them apart, too."
            return Problem("value", f"Your test exposes all {len(TEXT_CELLS)}. {text}")


@judging
def judge_lstm(answer: Answer, got) -> Problem | None:
    """The judge of an exercise that returns x (T, 2) and the weights of two units: h has to expose every wrong cell."""
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise ValueError("You return something else than two things; expected x (T, 2) and the twelve weights.")
    x, weights = faults.as_input(got[0]), designs.as_weights(got[1], designs.shapes("ifco", units=2, inputs=2))
    right, passing = faults.run(x[None], weights, faults.RIGHT), {}
    for name, cell in LSTM_CELLS.items():
        wrong = faults.run(x[None], weights, {cell["place"]: cell["line"]})
        if not (right["h"] - wrong["h"]).abs().max() > faults.VISIBLE:
            measured = {"c": right["c"], "gates": right["i"] - right["f"], "f": right["f"] - wrong["f"]}
            passing[name] = cell["why"].format(**{key: float(value.abs().max()) for key, value in measured.items()})
    return _score(len(LSTM_CELLS), passing) if passing else None


def _score(count: int, passing: dict[str, str]) -> Problem:
    """How many wrong cells a test exposes; of those that pass it, why the first two do."""
    more = f" Two of the {len(passing)} that pass it:" if len(passing) > 2 else ""
    lines = [f"“{name}” passes it. {why}" for name, why in passing.items()]
    return Problem("value", "\n".join([f"Your test exposes {count - len(passing)} of {count}.{more}", *lines[:2]]))
