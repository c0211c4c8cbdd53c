"""The pages that work without a kernel: the gate inspector of three models, and the cell playground."""

import html
import json
import re
import tomllib
from pathlib import Path

import torch
from formulas import formula
from torch import nn

from lstm_lesson import CustomLSTM, training
from lstm_lesson.data import agreement, synthetic_news
from lstm_lesson.explorers import playground
from lstm_lesson.explorers.inspector import GateInspector
from lstm_lesson.plots.diagrams import WORDS, lstm_svg
from lstm_lesson.plots.numbers import decimals, unit_number
from lstm_lesson.plots.style import NAMES
from lstm_lesson.text import TextClassifier, Vocabulary, characters, load_news, tokenize, units

UNITS = 16
UNITS_BY_HAND = {0: "the number of the subject", 1: "a subject was read"}
SEEN = slice(160_000, 200_000)  # the characters of the test modules that notebook 16 looks at


def typed_pages() -> dict[str, dict]:
    """What `inspector.html.j2` needs for each page that reads what a visitor types, by the name of the page.

    Each function below gives what a `GateInspector` opens, its options, figures for the text about it, and what the
    page says of its model (`SITE` in `inspector.html`).
    """
    pages = tomllib.loads(Path(__file__).with_name("typed.toml").read_text(encoding="utf-8"))
    for name, make in {"inspector": headlines, "agreement": is_or_are, "characters": python_source}.items():
        given, options, figures, said = make()
        said |= {key: pages[name][key] for key in ("at_end",) if key in pages[name]}
        presets = pages[name]["presets"]
        texts = dict(zip(("first", "second"), next(iter(presets.values())), strict=True))
        page, said = GateInspector(*given, **texts, presets=presets, **options).page(), json.dumps(said)
        pages[name]["page"] = page.replace('id="site">{}<', 'id="site">' + said.replace("<", "\\u003c") + "<")
        pages[name]["about"] = pages[name]["about"].format(**figures)
    return pages


def headlines() -> tuple[tuple, dict, dict, dict]:
    """A classifier of synthetic headlines, trained here, and its vocabulary; its labels; figures; the words it has."""
    torch.set_num_threads(1)
    news = load_news("synthetic")
    words = Vocabulary(tokenize(text) for text in news["train"].texts)
    sets = {part: words.examples(split) for part, split in news.items()}
    torch.manual_seed(0)
    classifier = TextClassifier(len(words), hidden=UNITS, lstm=nn.LSTM(32, UNITS, batch_first=True))
    training.fit(classifier, sets["train"], sets["val"], epochs=4, lr=0.01, batch_size=32, progress=False)
    _, accuracy = training.evaluate(classifier.eval(), sets["test"])
    figures = {"units": UNITS, "train": len(news["train"].texts), "test": len(news["test"].texts)}
    figures["right"] = round(accuracy * len(news["test"].texts))
    figures["example"] = next(text for text in news["train"].texts if text.startswith("on "))
    grammar = synthetic_news.WORDS
    kinds = {"official": "official sources", "hearsay": "hearsay sources", "topics": "stories"}
    known = {name: grammar[part] for part, name in (kinds | {"confirms": "to confirm", "denies": "to deny"}).items()}
    listed = {word for group in known.values() for text in group for word in tokenize(text)}
    if missing := listed - set(words.tokens):
        raise ValueError(f"the classifier does not know {sorted(missing)}, which the page would list")
    known["other words"] = sorted(set(words.tokens[2:]) - listed)
    return (classifier, words), {"labels": ("real", "fake")}, figures, {"known": known}


def is_or_are() -> tuple[tuple, dict, dict, dict]:
    """The two units of `data.agreement`, whose weights are set by hand, as a classifier of what stands at the verb."""
    words = Vocabulary([list(agreement.KINDS)], min_freq=1)
    words.split = str.split
    cell = CustomLSTM(len(agreement.FEATURES), 2)
    cell.cells[0].load_state_dict(agreement.hand_set_weights())
    classifier = TextClassifier(len(words), len(agreement.FEATURES), 2, lstm=cell).eval()
    kinds = torch.tensor([agreement.OTHER, agreement.OTHER, *agreement.KINDS.values()])  # <pad> and <unk> first
    with torch.no_grad():
        classifier.embedding.weight[:] = nn.functional.one_hot(kinds, len(agreement.FEATURES))
        classifier.linear.weight[:], classifier.linear.bias[:] = torch.tensor([[-4.0, 0.0], [4.0, 0.0]]), 0.0
    known = {f"{feature}s".replace("(", ""): [word for word, kind in agreement.KINDS.items() if kind == k]
             for k, feature in enumerate(agreement.FEATURES)}  # fmt: skip
    said = {"known": known, "verbs": known["verbs"], "apart": True, "units": UNITS_BY_HAND,
            "unknown": "It reads each as one more of the other words, such as near or there."}  # fmt: skip
    return (classifier, words), {"labels": ("is", "are"), "unit": 0}, {"words": len(words) - 2}, said


def python_source() -> tuple[tuple, dict, dict, dict]:
    """The stored model of Python's source. Its page opens with the unit that tells best whether a quote is open."""
    writer, source = characters.load_writer(), characters.python_source("test")
    states = units.cell_states(writer, characters.encode(source)[SEEN])
    quoted = units.truth(source)["quoted"][SEEN]
    told = units.knowledge(states, quoted, shuffles=1)[0]
    unit = told.argmax().item()
    figures = {"units": len(told), "unit": unit, "told": round(100 * told[unit].item()), "characters": len(states) // 2}
    figures |= dict(zip(("inside", "outside", "side", "border"), caught(states[:, unit], quoted), strict=True))
    figures["border"] = decimals(figures["border"])
    said = {"units": {unit: f"is a quote open? {figures['side']} {figures['border']}: yes"}}
    return (writer,), {"unit": unit}, figures, said


def caught(memory: torch.Tensor, quoted: torch.Tensor) -> tuple[int, int, str, float]:
    """How well one threshold on the memory (n,) tells which characters (n,) are quoted: % found of them, % of others.

    Then the side, "below" or "above", on which a quote is open, and the threshold. Both are chosen on the first half of
    the characters, for the largest difference of the two shares; the shares are those of the second half.
    """
    half = len(memory) // 2
    order = memory[:half].argsort()
    inside = quoted[:half][order].double()
    rise = inside.cumsum(0) / inside.sum() - (1 - inside).cumsum(0) / (1 - inside).sum()  # up to and with each value
    best = rise.abs().argmax()
    low = memory[half:] <= memory[order[best]]
    found = low if rise[best] > 0 else ~low
    shares = (round(100 * found[quoted[half:] == inside].double().mean().item()) for inside in (True, False))
    return *shares, "below" if rise[best] > 0 else "above", memory[order[best]].item()


def playground_data(equations: list[tuple[str, str]]) -> dict:
    """The values for the playground's page: the explorer's sliders, presets and drawn cell; (LaTeX, note) of equations.

    The cell has the values of the first preset, for those who have no script.
    """
    first = playground.CellPlayground(next(iter(playground.PRESETS)))
    sliders, given = first.controls, {name: value.item() for name, value in first.computed()._asdict().items()}
    span = {name: (name, _letters(name), slider.min, slider.max) for name, slider in sliders.items()}
    rows = [("the step", "h", [span[name] for name in playground.STATE])]
    for letter, gate in playground.GATES.items():
        weights = [span[name] for name in playground.WEIGHTS if name[-1] == letter]
        rows.append((f"{NAMES[gate]} {gate}", gate, weights))
    data = {"state": playground.STATE, "weights": playground.WEIGHTS, "presets": playground.PRESETS}
    data |= {"grid": playground.GRID, "shown": playground.SHOWN}
    data["alt"] = f"{WORDS['lstm']} The next step gives:"
    shown = {name: decimals(value, 4) for name, value in given.items()}
    alt = f"{data['alt']} {', '.join(f'{name} = {value}' for name, value in shown.items())}."
    cell = drawn_cell(given | {name: first.numbers[name] for name in playground.STATE}, alt)
    return {"data": data, "groups": rows, "presets": list(playground.PRESETS), "cell": cell, "given": shown,
            "equations": [(formula(equation, display=True), note) for equation, note in equations]}  # fmt: skip


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
    if "kept" not in values:
        values = {"kept": values["f"] * values["c_prev"], "new": values["i"] * values["g"]} | values
    for name, number in numbers.items():
        shown = values[name] if isinstance(values[name], str) else unit_number(values[name])
        svg, places = re.subn(rf"(?<!\d){number}\.00", f'<tspan data-value="{name}">{shown}</tspan>', svg)
        if not places:
            raise ValueError(f"the drawn cell has no place for {name}; plots.lstm_svg has changed")
    svg = svg.replace("<style>", "<style>.cell {").replace("</style>", "}</style>")  # its rules apply to the cell only
    return re.sub(r"^<svg [^>]*>", '<svg viewBox="0 0 1280 632" role="img" aria-label="' + html.escape(alt) + '">', svg)
