"""The gate inspector: a page that shows the gates of a trained classifier at each word of a text."""

import base64
import html
import json
from importlib.resources import files
from pathlib import Path

import ipywidgets as widgets
import torch
from torch import Tensor

from lstm_lesson.data.download import replacing
from lstm_lesson.explorers.base import Explorer
from lstm_lesson.explorers.snapshot import snapshot
from lstm_lesson.explorers.traced_text import TracedText, by_activity, printable, trace_text
from lstm_lesson.plots.style import NAMES
from lstm_lesson.shapes import check_size, describe
from lstm_lesson.text.classifiers import TextClassifier, check_classifier
from lstm_lesson.text.news import Vocabulary

FRAME = '<iframe class="lstm-inspector" title="Gate inspector" data-key="{}" style="{}" srcdoc="{}"></iframe>'
LIVE = "width:100%;height:760px;border:0"
OVER = "position:absolute;left:0;top:0;width:100%;height:100%;border:0;background:#fff"  # covers the static picture
TEMPLATE = files("lstm_lesson.explorers").joinpath("inspector.html").read_text(encoding="utf-8")
DATA = '<script type="application/json" id="data">'  # what comes before the values in the template
MOST_LETTERS = 20_000  # of a typed text


class GateInspector(Explorer):
    """The gates of a trained classifier at each word of a text, or of two texts beside each other (notebook 13).

    `first`, `second`: a text or a list of words; "" for no second one. `labels`: the names of the classes; the
    probability of the last one is shown. `scores` (H,): one number for each unit, for example its correlation with
    the label; the units can then be ordered by its size. `unit`: the one it opens at, the most active by default.
    `traced_texts`: one `TracedText` for each.
    Shown as the last expression of a cell: with a kernel, boxes for other texts and the page; without one, the page.
    Raises ValueError for a classifier, vocabulary, text, labels or scores that do not fit.
    """

    def __init__(self, classifier: TextClassifier, vocabulary: Vocabulary, first: str | list[str],
                 second: str | list[str] = "",
                 labels: tuple[str, ...] = ("real", "fake"), scores: Tensor | None = None,
                 unit: int | None = None):  # fmt: skip
        check_classifier(classifier, vocabulary)
        classes, units = classifier.linear.out_features, classifier.lstm.hidden_size
        named = isinstance(labels, (tuple, list)) and all(isinstance(label, str) for label in labels)
        if not named or len(labels) != classes:
            raise ValueError(f"labels is {labels!r}; it needs {classes} names, one for each class")
        fit = isinstance(scores, Tensor) and scores.shape == (units,) and scores.isfinite().all()
        if scores is not None and not fit:
            raise ValueError(f"scores has {describe(scores)}; it needs {units} finite numbers, one for each unit")
        if unit is not None:
            check_size("unit", unit, 0, units - 1)
        self.unit = unit
        self._given = {_joined(text): text for text in (first, second) if isinstance(text, (list, tuple))}
        self.classifier, self.vocabulary, self.labels, self.scores = classifier, vocabulary, labels, scores
        self.traced_texts: list[TracedText] = []
        super().__init__({"first": _box("Text", "first", first), "second": _box("Compare with", "second", second)})

    def draw(self, first: str, second: str):
        """Trace the texts; return a picture for where no script runs, and the answers as text."""
        given = {"first": first} | ({"second": second} if second.strip() else {})
        self.traced_texts = [
            trace_text(self.classifier, self.vocabulary, self._given.get(text, text[:MOST_LETTERS]), self._label(name))
            for name, text in given.items()
        ]
        order, _ = by_activity(self.traced_texts)
        shown = order[0] if self.unit is None else self.unit
        picture = snapshot(self.traced_texts, sorted(order, key=lambda u: u != shown), self.labels[-1])
        answers = [f"P({self.labels[-1]}) = {text.probability[-1]:.2f}" for text in self.traced_texts]
        return picture, f"answer at the end: {' · '.join(answers)}; most active unit: {order[0]}"

    def _label(self, name: str) -> str:
        """The name of a text in an error: the argument's at the start, the text box's later."""
        return self.controls[name].description if hasattr(self, "_view") else name

    def page(self) -> str:
        """The inspector as one HTML page that needs neither a kernel nor a network."""
        return TEMPLATE.replace(DATA + "{}", DATA + self._data())

    def to_html(self, path: str | Path) -> Path:
        """Write the page to a file and return its path. Raises OSError if it fails; the file then stays as it was."""
        with replacing(Path(path)) as part:
            part.write_text(self.page(), encoding="utf-8")
        return Path(path)

    def _data(self) -> str:
        """All values as JSON; <, > and & are escaped, so that no token can end the script."""
        order, activity = by_activity(self.traced_texts)
        orders, scores = {"activity": order}, {"activity": _rounded(activity)}
        if self.scores is not None:
            orders["label"] = self.scores.abs().argsort(descending=True, stable=True).tolist()
            scores["label"] = _rounded(self.scores)
        texts = [
            {"tokens": r.tokens, "known": r.known, "notes": r.notes, "probability": _rounded(r.probability),
             "saliency": _rounded(r.saliency), "effect": _rounded(r.effect),
             "values": {gate: _packed(values) for gate, values in r.values.items()}}
            for r in self.traced_texts
        ]  # fmt: skip
        data = {"units": len(order), "unit": self.unit, "names": NAMES, "labels": self.labels, "orders": orders}
        text = json.dumps(data | {"scores": scores, "texts": texts}, separators=(",", ":"))  # ASCII, others as \u....
        return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")

    def _live(self) -> str:
        return FRAME.format(id(self), LIVE, html.escape(self.page()))

    def _repr_html_(self) -> str:
        over = FRAME.format("", OVER, html.escape(self.page()))
        return f'<div style="position:relative;line-height:0">{self.picture._repr_html_()}{over}</div>'


def _packed(values: Tensor) -> dict:
    """Values (T, H) as 16-bit integers times a scale: four decimals for a gate, in a third of the space."""
    scale = max(values.abs().max().item(), 1e-9) / 32767
    whole = (values / scale).round().clamp(-32767, 32767).to(torch.int16).contiguous().cpu().numpy()
    return {"scale": scale, "data": base64.b64encode(whole.astype("<i2").tobytes()).decode()}


def _rounded(values: Tensor) -> list[float]:
    return [float(f"{v:.5g}") for v in values.tolist()]


def _joined(tokens) -> str:
    return printable(" ".join(map(str, tokens)))


def _box(label: str, name: str, text) -> widgets.Text:
    if not isinstance(text, (str, list, tuple)):
        raise ValueError(f"{name} is {type(text).__name__}; it needs a text, or a list of words")
    value = text if isinstance(text, str) else _joined(text)
    size = {"style": {"description_width": "7em"}, "layout": {"width": "98%"}}
    return widgets.Text(value=value, description=label, continuous_update=False, placeholder="type a text", **size)
