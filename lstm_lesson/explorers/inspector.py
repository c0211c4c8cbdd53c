"""The gate inspector: a page that shows the gates of a model at each step of a text or a series."""

import html
import json
from importlib.resources import files

import ipywidgets as widgets
from torch import Tensor

from lstm_lesson.explorers.base import HTML, Explorer
from lstm_lesson.explorers.page_model import packed_values, page_model
from lstm_lesson.explorers.snapshot import NAMES, score_ends, short, snapshot
from lstm_lesson.explorers.traced_text import by_activity, printable, trace_text, traced_row
from lstm_lesson.report import GateReport
from lstm_lesson.shapes import check_size, describe
from lstm_lesson.text.characters import CHARACTERS, CharacterModel, as_classifier
from lstm_lesson.text.classifiers import TextClassifier, check_classifier
from lstm_lesson.text.news import Vocabulary
from lstm_lesson.tracing import GRUTrace, Trace

STILL = 200_000  # letters of a picture that the page shows without JavaScript; of a larger one it has the words
HERE = files("lstm_lesson.explorers")
READER = HERE.joinpath("inspector_model.js").read_text(encoding="utf-8")
TEMPLATE = HERE.joinpath("inspector.html").read_text(encoding="utf-8").replace("/* inspector_model.js */", READER)


class GateInspector(Explorer):
    """The gates of an LSTM or a GRU at each step of a text or a series, or of two beside each other.

    `GateInspector(trace)` shows what `record` returns of any model. Its tokens stand on the page: words, characters or
    sub-words in colours, numbers as the curve of a series; without tokens the steps are numbered. Padding after
    `lengths` is left out, and so is what comes after 500 steps.
    row: which of the B sequences. score: a finite number at each step, (T,) or (B, T), such as a probability, a loss or
    a forecast, and score_name its name; saliency: such numbers for one more colour. step_name: what a step is called,
    such as "month"; by default character, sub-word, word or step. input_name: what a series measures, with its unit.
    compare: a second trace of as many units, or an inspector of one with a score.

    `GateInspector(classifier, vocabulary, first, second, labels)` traces texts itself (notebook 13). The page has boxes
    for others and runs the LSTM itself: of one layer, with weights of at most 1 MB; else it says why not, and the boxes
    need a kernel. first, second: a text or a list of words; "" for no second one. labels: the names of the classes in
    the order of their numbers, such as `data.classes` of `load_csv`, by default "class 0", "class 1" and so on; the
    score is the probability of the last one. A `CharacterModel` in place of the classifier has its own vocabulary and
    labels; its score is the probability of the character that follows. presets: a pair of texts under each name.

    scores (H,): one number for each unit, for example its correlation with the label; the units can then be ordered
    by its size. unit: the one it opens at, the most active by default. `traced_texts`: a `TracedText` for each one.
    `to_html` writes the page. Raises ValueError naming what does not fit.
    """

    def __init__(self, trace: Trace | GRUTrace | TextClassifier | None = None, vocabulary: Vocabulary | None = None,
                 first: str | list[str] = "", second: str | list[str] = "", labels: list | tuple | None = None,
                 scores: Tensor | None = None, unit: int | None = None, *, score=None, score_name: str = "score",
                 compare=None, row: int = 0, saliency=None, step_name: str | None = None, input_name: str = "input",
                 presets: dict[str, tuple[str, str]] | None = None,
                 classifier: TextClassifier | None = None):  # fmt: skip
        trace, controls = classifier if trace is None else trace, {}
        self.model, self.said, self.presets, self._follows = None, "", presets or {}, isinstance(trace, CharacterModel)
        own = {"vocabulary": vocabulary is not None, "labels": labels is not None}
        reads = own | {"first": first != "", "second": second != "", "presets": presets is not None}
        alone = {"score": score, "saliency": saliency, "compare": compare, "step_name": step_name}
        alone = {name: value is not None for name, value in alone.items()} | {"row": row != 0}
        alone |= {"score_name": score_name != "score", "input_name": input_name != "input"}
        idle = alone | own if self._follows else reads if vocabulary is None else alone
        if wrong := list(filter(idle.get, idle)):
            needs = "a classifier and its vocabulary" if wrong[0] in reads else "a trace alone"
            raise ValueError(f"{wrong[0]} is given with a {type(trace).__name__}; it needs {needs}")
        if self._follows:
            trace, vocabulary, labels = as_classifier(trace, CHARACTERS[-1])
        self.classifier, self.vocabulary, self.scores, self.labels = trace, vocabulary, scores, None
        if vocabulary is None:
            self.traced_texts = [traced_row(trace, row, score, saliency, score_name, step_name, input_name)]
            if compare is not None:
                kept, names = isinstance(compare, GateInspector), {"step_name": step_name, "input_name": input_name}
                other = compare.traced_texts[0] if kept else traced_row(compare, row, **names, name="compare")
                self.traced_texts.append(other)
            units = self.traced_texts[0].memory.shape[1]
            needs, *has = (f"{text.memory.shape[1]} units of {', '.join(text.values)}" for text in self.traced_texts)
            if has not in ([], [needs]):
                raise ValueError(f"compare has {has[0]}; it needs {needs}, as trace has")
        else:
            check_classifier(trace, vocabulary)
            classes, units = trace.linear.out_features, trace.lstm.hidden_size
            labels = [f"class {k}" for k in range(classes == 1, max(classes, 2))] if labels is None else labels
            self.labels = [str(name) for name in labels] if isinstance(labels, (tuple, list)) else []
            if len(self.labels) != classes or len({*self.labels}) != classes:
                raise ValueError(f"labels is {labels!r:.200}; it needs {classes} names, one for each class")
            for name, pair in (presets or {}).items() if isinstance(presets, (dict, type(None))) else [("", presets)]:
                if not isinstance(pair, (tuple, list)) or [isinstance(v, str) for v in (name, *pair)] != [True] * 3:
                    raise ValueError(f"presets has {pair!r:.80}; it needs a dict with a pair of texts under each name")
            boxes = {"first": _box("Text", "first", first), "second": _box("Compare with", "second", second)}
            self._typed = {name: box.value for name, box in boxes.items()}
            self._given = dict(zip(self._typed.items(), (first, second), strict=True))
            self.model, self.said = page_model(trace, vocabulary, self._follows)
            controls = boxes if self.model is None else {}
        fit = isinstance(scores, Tensor) and scores.shape == (units,) and scores.isfinite().all()
        if scores is not None and not fit:
            raise ValueError(f"scores has {describe(scores)}; it needs {units} finite numbers, one for each unit")
        self.unit = None if unit is None else check_size("unit", unit, 0, units - 1)
        super().__init__(controls)

    def draw(self, **typed: str):
        """Trace the texts; return a picture for where no script runs, and the scores at the end as text."""
        if self.vocabulary is not None:
            self._typed |= typed
            rest = f"P({'next' if self._follows else self.labels[-1]})", self._follows
            reader, boxes = (self.classifier, self.vocabulary), self.controls if hasattr(self, "_view") else {}
            names = {name: box.description for name, box in boxes.items()}  # in errors; at the start the arguments'
            self.traced_texts = [
                trace_text(*reader, self._given.get((name, text), text), names.get(name, name), *rest)
                for name, text in self._typed.items()
                if name == "first" or text.strip()
            ]
        order, _ = by_activity(self.traced_texts)
        shown = order[0] if self.unit is None else self.unit
        picture = snapshot(self.traced_texts, sorted(order, key=lambda u: u != shown))
        ends = [f"{t.score_name} = {short(t.score[-1])}" for t in self.traced_texts
                if t.score is not None and t.score[-1].isfinite()]  # fmt: skip
        said = [f"{'answer ' * bool(self.labels)}at the end: {' · '.join(ends)}"] if ends else []
        return picture, "; ".join([*said, f"most active unit: {order[0]}"])

    def page(self) -> str:
        """The inspector as one HTML page that needs neither a kernel nor a network."""
        order, activity = by_activity(self.traced_texts)
        orders, scores = {"activity": order}, {"activity": _rounded(activity)}
        if self.scores is not None:
            orders["label"] = self.scores.abs().argsort(descending=True, stable=True).tolist()
            scores["label"] = _rounded(self.scores)
        texts = [
            {"tokens": r.tokens, "step": r.step, "known": r.known, "notes": r.notes,
             "score_name": r.score_name, "input_name": r.input_name, "ends": score_ends(r, self.traced_texts),
             "values": {gate: packed_values(values)[0] for gate, values in r.values.items()},
             **{name: _rounded(getattr(r, name)) for name in ("series", "score", "saliency", "effect")}}
            for r in self.traced_texts
        ]  # fmt: skip
        data = {"units": len(order), "unit": self.unit, "letters": [*self.traced_texts[0].values], "names": NAMES,
                "answer": None if self._follows else self.labels and self.labels[-1], "orders": orders,
                "scores": scores, "labels": self.labels, "said": self.said, "presets": self.presets,
                "typed": self.labels and list(self._typed.values()), "texts": texts}  # fmt: skip
        still = self.picture._repr_html_()
        still = still if len(still) < STILL else f"<p>{html.escape(self.picture.alt)}</p>"
        page = TEMPLATE.replace("<!-- still -->", still)
        for name, value in {"data": data, "model": self.model}.items():
            text = json.dumps(value, separators=(",", ":"))  # ASCII, others as \u....
            text = text.translate({ord(k): f"\\u{ord(k):04x}" for k in "<>&"})  # so no token can end the script
            page = page.replace(f'id="{name}">{{}}<', f'id="{name}">{text}<')
        return page

    to_html = GateReport.to_html  # of what `page` returns

    def _live(self) -> str:
        return HTML["inspector"].format(id(self), html.escape(self.page()))

    def _repr_html_(self) -> str:
        return HTML["stored_inspector"].format(self.picture._repr_html_(), html.escape(self.page()))


def _rounded(values: Tensor | None) -> list[float] | None:
    return None if values is None else [float(f"{v:.5g}") if v == v else None for v in values.tolist()]


def _box(label: str, name: str, text) -> widgets.Text:
    if not isinstance(text, (str, list, tuple)):
        raise ValueError(f"{name} is {type(text).__name__}; it needs a text, or a list of words")
    value = text if isinstance(text, str) else printable(" ".join(map(str, text)))
    size = {"style": {"description_width": "7em"}, "layout": {"width": "98%"}}
    return widgets.Text(value=value, description=label, continuous_update=False, placeholder="type a text", **size)
