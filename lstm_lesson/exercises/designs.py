"""Judge weights that were set by hand by what a cell with them does: a cell that reads the texts of is or are.

The answer is one gate's weights; the other gates have those of `data.agreement`. A failing text is shown, the shortest.
"""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from lstm_lesson import cells, equations
from lstm_lesson.data import agreement
from lstm_lesson.data.agreement import BLANK, PLURAL, SINGULAR, STOP
from lstm_lesson.exercises.answer import Answer
from lstm_lesson.exercises.compare import Problem, join_names
from lstm_lesson.exercises.exercise import WEIGHTS
from lstm_lesson.exercises.sandbox import format_error

GAPS = (0, 1, 5, 8, 13, 21, 40, 200)
LOUD, QUIET = 0.4, 0.1  # what unit 0 says: at least this at the verb, at most that elsewhere
NAMES = {"i": "input gate", "f": "forget gate", "c": "candidate", "o": "output gate"}
GATES = {"i": equations.input_gate, "f": equations.forget_gate, "c": equations.candidate, "o": equations.output_gate}


@cache
def batches() -> list[list[agreement.Text]]:
    """Texts of two clauses, those of one list equally long, the shortest first."""
    generator = torch.Generator().manual_seed(5)
    return [agreement.texts(24, gap, clauses=2, generator=generator) for gap in GAPS]


def one_part(letter: str) -> Callable[[Answer], Problem | None]:
    """The judge of an exercise that returns the three weights of one gate, or of the candidate (c)."""
    needed = shapes(letter, units=2)

    def judge(answer: Answer) -> Problem | None:
        given = returned(answer, needed)
        if isinstance(given, Problem):
            return given
        weights = {k: w.double() for k, w in agreement.hand_set_weights().items()} | given
        for texts in batches():
            if (text := wrong_text(texts, weights, letter)) is not None:
                return Problem("value", text)
        return None

    return judge


def counter(answer: Answer) -> Problem | None:
    """The judge of an exercise that returns the nine weights of a unit which counts nouns."""
    given = returned(answer, shapes("ifc", units=1))
    if isinstance(given, Problem):
        return given
    weights = given | {name: torch.zeros(shape).double() for name, shape in shapes("o", units=1).items()}
    for texts in batches():
        _, c = states(texts, weights)
        wanted = torch.tensor([_counted(text) for text in texts], dtype=torch.float64)
        wrong = ~((c[:, :, 0] - wanted).abs() < 0.3)
        if wrong.any():
            b, t = wrong.nonzero()[0].tolist()
            has = f"the cell state is {_number(c[b, t, 0])}; its clause has had {_nouns(wanted[b, t])}"
            return Problem("value", f"{_place(texts[b], t)} {has}.\n{_gates(texts[b], t, weights, 'ifc')}")
    return None


def shapes(letters: str, units: int, inputs: int = len(agreement.FEATURES)) -> dict[str, tuple[int, ...]]:
    """The shapes of the weights of these gates, by name."""
    sizes = {"N": inputs, "H": units}
    return {f"{name}{k}": tuple(sizes[s] for s in shape.split()) for k in letters for name, shape in WEIGHTS.items()}


def returned(answer: Answer, shapes: dict[str, tuple]) -> dict[str, Tensor] | Problem:
    """The weights that the answer returns, by name and in float64, or what is wrong with them."""
    got, error = answer.sandbox(answer.f)
    return as_weights(got, shapes) if error is None else Problem("crashed", format_error(error, answer.f))


def as_weights(got, shapes: dict[str, tuple]) -> dict[str, Tensor] | Problem:
    """Weights as `returned` gives them: from a tuple of up to three, or from a dictionary."""
    needs = "expected " + ", ".join(f"{name} {shape}" for name, shape in shapes.items())
    if len(shapes) > 3:
        if not isinstance(got, dict):
            return Problem("type", f"You return an object of type {type(got).__name__}; {needs}, by name.")
        if set(got) != set(shapes):
            missing, more = sorted(set(shapes) - set(got)), sorted(map(str, set(got) - set(shapes)))
            has = [f"{join_names(missing)} missing"] * bool(missing) + [f"{join_names(more)} too much"] * bool(more)
            return Problem("type", f"In your dictionary there is {' and '.join(has)}; {needs}.")
        got = [got[name] for name in shapes]
    if not isinstance(got, tuple | list) or len(got) != len(shapes):
        has = f"{len(got)} values" if isinstance(got, tuple | list) else f"an object of type {type(got).__name__}"
        return Problem("type", f"You return {has}; {needs}.")
    found = {}
    for (name, shape), value in zip(shapes.items(), got, strict=True):
        try:
            tensor = torch.as_tensor(value).detach().double()
        except (TypeError, ValueError, RuntimeError):
            return Problem("type", f"{name} is of type {type(value).__name__}; it needs a tensor {shape}.")
        if tuple(tensor.shape) != shape:
            return Problem("shape", f"{name} has shape {tuple(tensor.shape)}; it needs {shape}.")
        if not tensor.isfinite().all():
            return Problem(
                "value", f"{name} has entries that are not finite. A weight of 20 opens or shuts a gate well enough."
            )
        found[name] = tensor
    return found


def fit(weights: dict[str, Tensor]) -> str:
    """Whether four parts, each right beside the package's, are right together; if not, the first text that goes wrong.

    >>> fit(agreement.hand_set_weights())
    'The four parts fit together: every text of the checks is answered rightly.'
    """
    weights = {name: weight.double() for name, weight in weights.items()}
    for texts in batches():
        if (text := wrong_text(texts, weights, "io")) is not None:
            return f"The four parts do not fit together. {text.replace('**', '')}"
    return "The four parts fit together: every text of the checks is answered rightly."


def states(texts: list[agreement.Text], weights: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """h and c of a cell with these weights after each word, each (B, T, H)."""
    x = torch.stack([text.features for text in texts]).double()
    h = c = torch.zeros(len(texts), len(weights["b_i"]), dtype=torch.float64)
    seen = []
    for x_t in x.unbind(1):
        h, c = cells.lstm_step(x_t, h, c, weights)
        seen.append((h, c))
    return tuple(torch.stack(kind, dim=1) for kind in zip(*seen, strict=True))


def wrong_text(texts: list[agreement.Text], weights: dict[str, Tensor], letter: str) -> str | None:
    """What goes wrong in the first text on which unit 0 says anything but the number at the verb; None if none does."""
    h, c = states(texts, weights)
    for b, text in enumerate(texts):
        wanted = _number_kept(text)
        spoken = torch.tensor([text.words[t] == BLANK for t in range(len(wanted))])
        fine = torch.where(spoken, h[b, :, 0] * wanted[:, 0] > LOUD, h[b, :, 0].abs() < QUIET)
        if fine.all():
            continue
        t = int((~fine).nonzero()[0])
        off = (c[b, : t + 1] - wanted[: t + 1]).abs() > 0.5
        off[:, 1] &= (c[b, : t + 1, 1] < wanted[: t + 1, 1]) | (wanted[: t + 1, 1] == 0)  # it may count the nouns
        said = f"unit 0 says {_number(h[b, t, 0])}"
        if not off.any():
            return f"{_place(text, t)} {said}; {_needed(wanted[t, 0], spoken[t])}.\n{_gates(text, t, weights, letter)}"
        at, unit = off.nonzero()[0].tolist()
        state = (
            f"the cell state of unit {unit} is {_number(c[b, at, unit])}; it should be {_number(wanted[at, unit], 0)}"
        )
        later = f" And at “{text.words[t]}”, word {t + 1}, {said}." if t != at else ""
        said = _number(h[b, at - 1, 1]) if at else "0.00"
        heard = f"At the word before, unit 1 says {said}, and the input gate listens to it."
        gates = _gates(text, at, weights, letter.strip("o"), unit)
        cause = heard if letter == "o" else f"{gates} {heard}" if letter == "io" else gates
        return f"{_place(text, at)} {state}.{later}\n{cause}"
    return None


def _needed(number: Tensor, spoken: Tensor) -> str:
    """What unit 0 should say at a word."""
    if not spoken:
        return f"it should be silent there, below {QUIET}"
    return f"it should be above {LOUD}, for `are`" if number > 0 else f"it should be below −{LOUD}, for `is`"


def _number(value, digits: int = 2) -> str:
    """A number with so many decimals and a true minus sign."""
    return f"{float(value):z.{digits}f}".replace("-", "−")


def _nouns(count) -> str:
    return f"{count:.0f} noun{'s' * (count != 1)}"


def _place(text, t: int) -> str:
    """The beginning of a message: the text up to word t + 1."""
    before = text.words[max(0, t - 11) : t]
    return f"In “{'… ' if t > 11 else ''}{' '.join(before)} **{text.words[t]}**” (word {t + 1} of {len(text.words)})"


def _gates(text, t: int, weights: dict[str, Tensor], letters: str, unit: int = 0) -> str:
    """Where each of these gates stands at word t + 1."""
    h, _ = states([text], weights)
    before = torch.cat([torch.zeros_like(h[:, :1]), h[:, :-1]], dim=1)[0, t][None]
    x_t = text.features[t][None].double()
    stands = []
    for letter in letters:
        value = GATES[letter](x_t, before, *(weights[f"{name}{letter}"] for name in WEIGHTS))[0, unit]
        stands.append(f"the {NAMES[letter]} of unit {unit} {'is' if letter == 'c' else 'stands at'} {_number(value)}")
    return f"There {', '.join(stands)}."


def _number_kept(text) -> Tensor:
    """What units 0 and 1 should keep after each word, (T, 2): the number of the subject, and whether there was one."""
    kept, number, seen = [], 0.0, 0.0
    for kind in text.features.argmax(dim=1).tolist():
        if kind in (SINGULAR, PLURAL) and not seen:
            number, seen = (1.0 if kind == PLURAL else -1.0), 1.0
        if kind == STOP:
            number = seen = 0.0
        kept.append((number, seen))
    return torch.tensor(kept, dtype=torch.float64)


def _counted(text) -> list[int]:
    """How many nouns of its clause have been, after each word."""
    count, counts = 0, []
    for kind in text.features.argmax(dim=1).tolist():
        count = 0 if kind == STOP else count + (kind in (SINGULAR, PLURAL))
        counts.append(count)
    return counts
