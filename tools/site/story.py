"""The story on the first page: a cell with weights set by hand reads a sentence, word by word, and says is or are."""

from alive import is_or_are

from lstm_lesson.data import agreement
from lstm_lesson.explorers.traced_text import trace_text
from lstm_lesson.plots.numbers import decimals

SENTENCES = ("the keys near the door ___ .", "the key near the doors ___ .")
NUMBERS = {1: "plural", -1: "singular", 0: "nothing"}  # of c, rounded


def story() -> list[list[dict]]:
    """For each sentence its steps: the word as it is read, unit 0's numbers with all digits, and what happens."""
    return [read(sentence.split()) for sentence in SENTENCES]


def read(words: list[str]) -> list[dict]:
    """The steps of one sentence. ValueError if the cell does not say the number of its subject at the verb."""
    (cell, vocabulary), *_ = is_or_are()
    values = trace_text(cell, vocabulary, words).values  # each (T, 2)
    steps, before = [], {"h_prev": 0.0, "c_prev": 0.0}
    for t, word in enumerate(words):
        one = {name: value[t, 0].item() for name, value in values.items()} | before | {"x": 1}
        one |= {"kept": one["f"] * one["c_prev"], "new": one["i"] * one["g"]}
        steps.append({"word": word, "values": one, "said": said(word, one)})
        before = {"h_prev": one["h"], "c_prev": one["c"]}
    answer = verb(steps[words.index(agreement.BLANK)]["values"])
    if answer != ("are" if words[1].endswith("s") else "is"):
        raise ValueError(f"the cell says {answer!r} in {' '.join(words)!r}; the subject needs the other verb")
    return steps


def verb(values: dict) -> str:
    """What the cell says at the blank: the sign of h is the number."""
    return "are" if values["h"] > 0 else "is"


def shown(values: dict) -> dict[str, str]:
    """The values as the first page prints them, in its drawing and under the words: two decimals each."""
    return {name: decimals(value, 2) for name, value in values.items()}


def said(word: str, values: dict) -> str:
    """One sentence about what the gates do at this word, read off their values."""
    noted, before = NUMBERS[round(values["c"])], NUMBERS[round(values["c_prev"])]
    if values["i"] > 0.5:
        return f"At “{word}” the input gate opens, and the memory c notes: {noted}."
    if values["o"] > 0.5:
        return f"At the verb the output gate opens: h says {noted}, so the missing word is “{verb(values)}”."
    if values["f"] < 0.5:
        return f"At the full stop the forget gate closes: {before} is wiped from the memory."
    if noted == "nothing":
        return f"At “{word}” the input gate is shut, and the memory c is empty."
    return f"At “{word}” the input gate is shut. The forget gate keeps what c holds: {noted}."
