"""Judge what a learner designs: weights set by hand, and tests that have to tell wrong cells from the right one.

Weights are judged by what a cell with them does that reads the texts of is or are. The answer is one gate's weights;
the other gates have those of `data.agreement`. A failing text is shown, the shortest. A test, an input, has to expose
the wrong cells of `catalogue/wrong_cells.toml`, each by what it answers.
"""

from collections.abc import Iterator
from functools import cache

import torch
from torch import Tensor

from lstm_lesson.cells import Values
from lstm_lesson.data import agreement
from lstm_lesson.data.agreement import BLANK, KINDS, NOUNS, PLURAL, SINGULAR, STOP, VERB
from lstm_lesson.exercises import faults
from lstm_lesson.exercises.answer import Answer, judging
from lstm_lesson.exercises.catalogue import read_table
from lstm_lesson.exercises.compare import Problem, describe, wrong_keys
from lstm_lesson.exercises.exercise import WEIGHTS

GAPS = (0, 1, 5, 8, 13, 21, 40, 200)
LOUD, QUIET = 0.4, 0.1  # what unit 0 says: at least this at the verb, at most that elsewhere
NAMES = {"i": "input gate", "f": "forget gate", "c": "candidate", "o": "output gate"}
WORDS = 300  # of a text, at most
TEXT_CELLS, LSTM_CELLS = (read_table("wrong_cells")[name] for name in ("text", "lstm"))  # by name


@cache
def batches() -> list[list[agreement.Text]]:
    """Texts of two clauses, those of one list equally long, the shortest first."""
    generator = torch.Generator().manual_seed(5)
    drawn = [agreement.texts(24, gap, clauses=2, generator=generator) for gap in GAPS]
    return [texts + [opposed(text) for text in texts[:4]] for texts in drawn]


def opposed(text: agreement.Text) -> agreement.Text:
    """The text with each later noun of a clause in the other number than its subject, so that what leaks in adds up."""
    words, subject = [], None
    for word in text.words:
        kind, later = KINDS[word], subject is not None
        noun = kind in (SINGULAR, PLURAL)
        words.append(NOUNS[1 - subject][NOUNS[kind].index(word)] if noun and later else word)
        subject = None if kind == STOP else kind if noun and not later else subject
    return agreement.Text((*words,), text.verbs, text.plural)


@judging
def one_part(answer: Answer, got) -> Problem | None:
    """The judge of an exercise that returns the three weights of one gate, or of the candidate (c)."""
    letter = next(iter(answer.exercise.returns))[-1]
    text = wrong_text(agreement.hand_set_weights() | as_weights(got, shapes(letter, units=2)), letter)
    return text and Problem("value", text)


@judging
def counter(answer: Answer, got) -> Problem | None:
    """The judge of an exercise that returns the nine weights of a unit which counts nouns."""
    weights = {name: torch.zeros(shape) for name, shape in shapes("o", units=1).items()}
    weights |= as_weights(got, shapes("ifc", units=1))
    for text, values in runs(weights):
        wanted = _right_states(text)[:, 2]
        wrong = ~((values.c[:, 0] - wanted).abs() < 0.3)
        if wrong.any():
            t = int(wrong.nonzero()[0])
            count = int(wanted[t])
            has = f"the cell state is {_number(values.c[t, 0])}; its clause has had {count} noun{'s' * (count != 1)}"
            return Problem("value", f"{_place(text, t)} {has}.\n{_gates(values, t, 'ifc')}")


def shapes(letters: str, units: int, inputs: int = len(agreement.FEATURES)) -> dict[str, tuple[int, ...]]:
    """The shapes of the weights of these gates, by name."""
    sizes = {"N": inputs, "H": units}
    return {f"{name}{k}": tuple(sizes[s] for s in shape.split()) for k in letters for name, shape in WEIGHTS.items()}


def as_weights(got, shapes: dict[str, tuple]) -> dict[str, Tensor]:
    """The weights in what was returned, a tuple of up to three or a dictionary, by name and in float64.

    Raises ValueError for a weight that is missing or does not fit.
    """
    needs = "expected " + ", ".join(f"{name} {shape}" for name, shape in shapes.items())
    if len(shapes) > 3:
        if not isinstance(got, dict):
            raise ValueError(f"You return {describe(got)}; {needs}, by name.")
        if set(got) != set(shapes):
            raise ValueError(wrong_keys(got, shapes, f"the {len(shapes)} weights"))
        got = [got[name] for name in shapes]
    if not isinstance(got, tuple | list) or len(got) != len(shapes):
        raise ValueError(f"You return {describe(got)}; {needs}.")
    found = {}
    for (name, shape), value in zip(shapes.items(), got, strict=True):
        try:
            tensor = torch.as_tensor(value).detach().double()
        except (TypeError, ValueError, RuntimeError):
            raise ValueError(f"{name} is of type {type(value).__name__}; it needs a tensor {shape}.") from None
        if tuple(tensor.shape) != shape:
            raise ValueError(f"{name} has shape {tuple(tensor.shape)}; it needs {shape}.")
        if not tensor.isfinite().all():
            raise ValueError(f"{name} has entries that are not finite. A weight of 20 shuts a gate well enough.")
        found[name] = tensor
    return found


def check_parts(weights: dict[str, Tensor]) -> str:
    """Whether four parts, each right beside the package's, are right together; if not, the first text that shows it."""
    if text := wrong_text(weights, "ifco"):
        return f"The four parts do not fit together. {text.replace('**', '*')}"
    return "The four parts fit together: every text of the checks is answered rightly."


def runs(weights: dict[str, Tensor]) -> Iterator[tuple[agreement.Text, Values]]:
    """Every text of the checks, the shortest first, with what a cell with these weights computes in it, (T, H)."""
    for texts in batches():
        values = faults.run(torch.stack([text.features for text in texts]).double(), weights, faults.RIGHT)
        yield from ((text, Values(*each)) for text, *each in zip(texts, *values.values(), strict=True))


def wrong_text(weights: dict[str, Tensor], letters: str) -> str | None:
    """What goes wrong in the first text on which unit 0 says anything but the number at the verb; None if none does.

    `letters` are the parts that may be wrong: one, or all four.
    """
    return next(filter(None, (_wrong(text, values, letters) for text, values in runs(weights))), None)


def _wrong(text, values: Values, letters: str) -> str | None:
    """What goes wrong in a text with these values, each (T, 2)."""
    wanted, h, c = _right_states(text)[:, :2], values.h, values.c
    spoken = torch.tensor([word == BLANK for word in text.words])
    fine = torch.where(spoken, h[:, 0] * wanted[:, 0] > LOUD, h[:, 0].abs() < QUIET)
    if fine.all():
        return None
    t = int((~fine).nonzero()[0])
    off = (c[: t + 1] - wanted[: t + 1]).abs() > 0.5
    off[:, 1] &= (c[: t + 1, 1] < wanted[: t + 1, 1]) | (wanted[: t + 1, 1] == 0)  # it may count the nouns
    said = f"unit 0 says {_number(h[t, 0])}"
    if not off.any():
        gates = _gates(values, t, letters[-1])
        needed = f"silent there, below {QUIET}", f"above {LOUD}, for `are`", f"below −{LOUD}, for `is`"
        return f"{_place(text, t)} {said}; it should be {needed[int(spoken[t] * wanted[t, 0])]}.\n{gates}"
    at, unit = off.nonzero()[0].tolist()
    i, f, g = (value[at, unit] for value in (values.i, values.f, values.g))
    faded = f > 0.9 and 0 < c[at, unit] * wanted[at, unit] < 1 and i * g.abs() < (1 - f) * c[at - 1, unit].abs()
    has, needs = _number(c[at, unit]), _number(wanted[at, unit], 0)
    has = f"has faded from {needs} to {has}" if faded else f"is {has}; it should be {needs}"
    later = f" And at “{text.words[t]}”, word {t + 1}, {said}." if t != at else ""
    causes = [_gates(values, at, letters.strip("o"), unit)] if letters != "o" else []
    if faded:
        causes = [f"At this word the forget gate keeps {_number(f, 4)} of it."]
    elif "o" in letters and at:
        causes.append(f"At the word before, unit 1 says {_number(h[at - 1, 1])}, and the input gate listens to it.")
    return f"{_place(text, at)} the cell state of unit {unit} {has}.{later}\n{' '.join(causes)}"


def _number(value, digits: int = 2) -> str:
    """A number with so many decimals and a true minus sign."""
    return f"{float(value):z.{digits}f}".replace("-", "−")


def _place(text, t: int) -> str:
    """The beginning of a message: the text up to word t + 1."""
    words = [*["…"] * (t > 11), *text.words[max(0, t - 11) : t], f"**{text.words[t]}**"]
    return f"In “{' '.join(words)}” (word {t + 1} of {len(text.words)})"


def _gates(values: Values, t: int, letters: str, unit: int = 0) -> str:
    """Where each of these gates stands at word t + 1."""
    named = zip(letters, (getattr(values, k.replace("c", "g"))[t, unit] for k in letters), strict=True)
    stands = [f"the {NAMES[k]} of unit {unit} {'is' if k == 'c' else 'stands at'} {_number(v)}" for k, v in named]
    return f"There {', '.join(stands)}."


def _right_states(text) -> Tensor:
    """After each word, (T, 3): the number of its clause's subject, whether there was one, and how many nouns."""
    number, nouns, states = 0, 0, []
    for kind in text.features.argmax(dim=1).tolist():
        if kind in (SINGULAR, PLURAL):
            number, nouns = number or (1 if kind == PLURAL else -1), nouns + 1
        if kind == STOP:
            number = nouns = 0
        states.append((number, nouns > 0, nouns))
    return torch.tensor(states, dtype=torch.float64)


def forget_text() -> str:
    """Three clauses with verbs: a long one with another noun, then a subject of the other number, then of the first."""
    return f"the keys {'there ' * 50}near the man ___ . the man ___ . the keys ___ ."


def lstm_test() -> tuple[Tensor, dict[str, Tensor]]:
    """Unit 0 counts up to 24 and back to 0; unit 1 has a forget gate that is half open and hears unit 0."""
    x = torch.zeros(50, 2)
    x[:25, 0], x[25:, 0] = 1.0, -1.0
    weights = {name: torch.zeros(shape) for name, shape in shapes("ifco", units=2, inputs=2).items()}
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
    return tuple("are" if x > LOUD else "is" if x < -LOUD else "nothing" for x in h)


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
    x, weights = faults.as_input(got[0]), as_weights(got[1], shapes("ifco", units=2, inputs=2))
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
