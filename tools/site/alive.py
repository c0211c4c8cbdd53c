"""The two pages that work without a kernel: the gate inspector of a small classifier, and the cell playground."""

import html
import re

import torch
from formulas import formula
from torch import nn

from lstm_lesson import CustomLSTM, training
from lstm_lesson.explorers import playground
from lstm_lesson.explorers.inspector import GateInspector
from lstm_lesson.plots.diagrams import WORDS, lstm_svg
from lstm_lesson.plots.numbers import decimals, unit_number
from lstm_lesson.plots.style import COLORS, NAMES, QUIET
from lstm_lesson.text import TextClassifier, Vocabulary, load_news, tokenize

UNITS = 16


def trained_inspector() -> dict:
    """The inspector's page and figures about its classifier, trained here on synthetic headlines of our own."""
    torch.set_num_threads(1)
    news = load_news("synthetic")
    words = Vocabulary(tokenize(text) for text in news["train"].texts)
    sets = {part: ([words.encode(tokenize(t)) for t in split.texts], split.labels) for part, split in news.items()}
    torch.manual_seed(0)
    classifier = TextClassifier(len(words), hidden=UNITS, lstm=nn.LSTM(32, UNITS, batch_first=True))
    training.fit(classifier, sets["train"], sets["val"], epochs=4, lr=0.01, batch_size=32, progress=False)
    classifier.lstm = CustomLSTM.from_torch(classifier.lstm)
    _, accuracy = training.evaluate(classifier.eval(), sets["test"])
    inspector = GateInspector(classifier, words, *news["test"].texts[:2])
    figures = {"units": UNITS, "train": len(news["train"].texts), "test": len(news["test"].texts)}
    return figures | {"page": inspector.page(), "right": round(accuracy * len(news["test"].texts))}


def playground_data(equations: list[str]) -> dict:
    """The values for the playground's page: the explorer's sliders, presets and drawn cell; equations from LaTeX.

    The cell has the values of the first preset, for who has no script.
    """
    first = playground.CellPlayground(next(iter(playground.PRESETS)))
    sliders, given = first.controls, {name: value.item() for name, value in first.computed()._asdict().items()}
    span = {name: (name, _letters(name), slider.min, slider.max) for name, slider in sliders.items()}
    rows = [("the step", "h", [span[name] for name in playground.STATE])]
    for letter, gate in playground.GATES.items():
        weights = [span[name] for name in playground.WEIGHTS if name[-1] == letter]
        rows.append((f"{NAMES[gate]} {gate}", gate, weights))
    data = {"state": playground.STATE, "weights": playground.WEIGHTS, "presets": playground.PRESETS}
    data |= {"grid": playground.GRID, "shown": playground.SHOWN, "colors": COLORS, "ink": QUIET}
    data["alt"] = f"{WORDS['lstm']} The next step gives:"
    shown = {name: decimals(value, 4) for name, value in given.items()}
    alt = f"{data['alt']} {', '.join(f'{name} = {value}' for name, value in shown.items())}."
    cell = drawn_cell(given | {name: first.numbers[name] for name in playground.STATE}, alt)
    return {"data": data, "groups": rows, "presets": list(playground.PRESETS), "cell": cell, "given": shown,
            "equations": [formula(equation, display=True) for equation in equations]}  # fmt: skip


def _letters(name: str) -> str:
    """A name such as W_xi or h_prev as HTML, set as in a formula."""
    letter, _, index = name.partition("_")
    return f"<i>{letter}</i><sub>{index.replace('prev', 't−1') or 't'}</sub>"


def drawn_cell(values: dict, alt: str) -> str:
    """The cell as `plots` draws it, without the equations below it, with a named element for each of the values.

    A value is a number or a word. The cell is drawn with numbers that stand nowhere else in it; each printed number
    becomes the element of its value.
    """
    numbers = {"i": 211, "f": 307, "g": 401, "o": 503, "c": 601, "h": 701, "x": 809, "h_prev": 907, "c_prev": 1009}
    svg = lstm_svg("ifgcoh", numbers)
    numbers |= {"kept": numbers["f"] * numbers["c_prev"], "new": numbers["i"] * numbers["g"]}
    values = {"kept": values["f"] * values["c_prev"], "new": values["i"] * values["g"]} | values
    for name, number in numbers.items():
        shown = values[name] if isinstance(values[name], str) else unit_number(values[name])
        svg, places = re.subn(rf"(?<!\d){number}\.00", f'<tspan data-value="{name}">{shown}</tspan>', svg)
        if not places:
            raise ValueError(f"the drawn cell has no place for {name}; plots.lstm_svg has changed")
    svg = svg.replace("<style>", "<style>.cell {").replace("</style>", "}</style>")  # its rules apply to the cell only
    return re.sub(r"^<svg [^>]*>", '<svg viewBox="0 0 1280 632" role="img" aria-label="' + html.escape(alt) + '">', svg)
