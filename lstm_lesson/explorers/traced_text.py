"""What a model computes at each step of one sequence: `traced_row` of a trace, `trace_text` of a classifier's text."""

import unicodedata
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lstm_lesson.plots.numbers import significant, true_minus
from lstm_lesson.shapes import check_lengths, check_shapes, check_size, describe
from lstm_lesson.text.classifiers import TextClassifier, check_classifier
from lstm_lesson.text.news import Vocabulary
from lstm_lesson.text.saliency import log_odds, saliency
from lstm_lesson.tracing import GRUTrace, Trace, record

MOST = 500  # steps shown of one sequence
SIGNS = str.maketrans({" ": "␣", "\n": "↵", "\t": "⇥"})  # for characters that leave no mark on the page


@dataclass
class TracedText:
    """One sequence of T steps, a text or a series of numbers, and what the H units are at each step.

    tokens: the words, characters or numbers; step: what one is called; series (T,): the numbers, None for a text;
    values: i f g o c h or r z g h, each (T, H); score (T,) or None: for a classifier the probability of the last label
    if the text ended at that word, for a character model of the character that follows, NaN at the end and before an
    unknown one; saliency and effect (T,) or None: see `saliency.saliency`, for the answer at the end; notes: sentences
    about what was cut off or is unknown; known: whether the vocabulary has each word, or None.
    """

    tokens: list[str]
    step: str
    series: Tensor | None = field(repr=False)
    values: dict[str, Tensor] = field(repr=False)
    score: Tensor | None = field(repr=False)
    saliency: Tensor | None = field(repr=False)
    notes: list[str]
    score_name: str = "score"
    input_name: str = "input"
    known: list[bool] | None = None
    effect: Tensor | None = field(default=None, repr=False)

    probability = property(lambda self: self.score)  # of a classifier's last label
    memory = property(lambda self: self.values.get("c", self.values["h"]))  # what the cell keeps, (T, H)


def traced_row(trace: Trace | GRUTrace, row: int = 0, score=None, saliency=None, score_name: str = "score",
               step_name: str | None = None, input_name: str = "input", name: str = "trace") -> TracedText:  # fmt: skip
    """One sequence of a trace up to its padding, at most 500 steps; arguments and errors as in `GateInspector`."""
    if not isinstance(trace, (Trace, GRUTrace)):
        needs = "it needs what `record` returns, or a TextClassifier with its vocabulary"
        raise ValueError(f"{name} is {type(trace).__name__}; {needs}")
    names = {"score_name": score_name, "input_name": input_name, "step_name": step_name or "step"}
    if wrong := [what for what, text in names.items() if not isinstance(text, str) or not text.strip()]:
        raise ValueError(f"{wrong[0]} is {names[wrong[0]]!r}; it needs a text")
    values = trace._asdict()
    shape = {k: "B T P" if k == "h" and "c" in values else "B T H" for k in values}  # an LSTM may project h
    sizes = check_shapes(**{f"{name}.{k}": (v, shape[k]) for k, v in values.items()})
    batch, time, row = sizes["B"], sizes["T"], check_size("row", row, 0, sizes["B"] - 1)
    steps = time if trace.lengths is None else check_lengths(trace.lengths, batch, time)[row].item()
    values = {k: _finite(f"{name}.{k}", v[row, :steps].detach().float().cpu()) for k, v in values.items()}
    notes = [f"The sequence has {steps} steps; the first {MOST} are shown."] if steps > MOST else []
    if sizes.get("P", sizes["H"]) != sizes["H"]:
        notes.append(f"h is shown before it is projected to {sizes['P']} numbers.")
        values["h"] = values["o"] * values["c"].tanh()

    def numbers(what, given):  # (T,) or (B, T) -> those of the steps shown
        try:
            kind = None if hasattr(given, "dtype") else torch.float64
            given = torch.as_tensor(given, dtype=kind).detach().cpu().double()
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"{what} has {describe(given)}; it needs {steps} numbers, one a step") from error
        given = given[row] if given.ndim == 2 and len(given) == batch else given
        if given.ndim != 1 or len(given) not in (time, steps):
            raise ValueError(f"{what} has shape {tuple(given.shape)}; it needs (T,) = ({time},), one number a step")
        return _finite(what, given[:steps])

    given = {"score": score, "saliency": saliency}
    score, saliency = (value if value is None else numbers(name, value) for name, value in given.items())
    step, series, what = "step", None, f"{name}.tokens[{row}]"
    tokens = [str(k + 1) for k in range(steps)] if trace.tokens is None else list(trace.tokens[row])
    if not all(isinstance(token, str) for token in tokens):
        series = numbers(what, tokens)
        tokens = [true_minus(significant(number, 4)) for number in series.tolist()]
    elif len(tokens) not in (time, steps):
        raise ValueError(f"{what} has {len(tokens)} entries; it needs {steps}, one a step")
    elif trace.tokens is not None:
        step = kind_of(tokens[:steps])
        tokens = [printable(token.translate(SIGNS) if step == "character" else token) for token in tokens[:steps]]
    score_name, input_name, step = map(printable, (score_name, input_name, step_name or step))
    return TracedText(tokens[:MOST], step, series, values, score, saliency, notes, score_name, input_name)


def trace_text(classifier: TextClassifier, vocabulary: Vocabulary, text: str | list[str], name: str = "text",
               score_name: str = "score", follows: bool = False) -> TracedText:  # fmt: skip
    """Run the classifier over a text or a list of tokens, at most 500, and keep its values at each word.

    The values are those of its last layer. With `follows`, its classes are the words of the vocabulary, and the score
    is the probability of the word that follows. Raises ValueError, naming the argument, for a text without a word or
    without any word that the classifier knows, and if the vocabulary has another size or another `split`.
    """
    check_classifier(classifier, vocabulary)
    if isinstance(text, str) and (why := vocabulary.other_split([text])):
        raise ValueError(why)
    tokens = vocabulary.split(text) if isinstance(text, str) else text
    if not isinstance(tokens, (list, tuple)) or not all(isinstance(token, str) for token in tokens):
        raise ValueError(f"{name} is {type(text).__name__}; it needs a text, or a list of words")
    if not tokens:
        raise ValueError(f"{name} has no word; it needs at least one, of letters or digits")
    step = kind_of(vocabulary.tokens[2:])
    notes = [f"The text has {len(tokens)} {step}s; the first {MOST} are read."] if len(tokens) > MOST else []
    tokens = tokens[:MOST]
    known = [token in vocabulary.ids for token in tokens]
    if not any(known):
        raise ValueError(f"{name} has no word that the classifier knows; it was trained on {len(vocabulary) - 2} words")
    if not all(known):
        few = f"{known.count(False)} of {len(known)} {step}s"
        notes.append(f"Dotted: {few}, unknown to the model. It reads each as one and the same stand-in, <unk>.")
    ids = vocabulary.encode(list(tokens))[None].to(classifier.embedding.weight.device)  # (1, T)
    trace = record(classifier, ids, tokens=[tokens], layer=classifier.lstm.num_layers - 1)
    with torch.no_grad():
        logits = classifier.linear(trace.h[0])  # (T, K)
    after = torch.cat([ids[0, 1:], ids.new_zeros(1)])  # the word that follows: 0 at the end, 1 for an unknown one
    probability = logits.softmax(dim=1)[range(len(tokens)), after - 2] if follows else log_odds(logits).sigmoid()
    norm, effect = saliency(classifier, ids)
    computed = trace._asdict() | {"probability": probability, "saliency": norm, "effect": effect}
    if wrong := [what for what, numbers in computed.items() if not numbers.isfinite().all()]:
        needs = "it needs a classifier of finite weights: train it again, perhaps with a smaller lr"
        raise ValueError(f"{name} gives NaN or infinite numbers for {', '.join(wrong)}; {needs}")
    traced = traced_row(trace, score=probability, saliency=norm, score_name=score_name, step_name=step)
    traced.known, traced.effect, traced.notes = known, effect[0], notes
    if len(tokens) > 64 and not follows:  # as Vocabulary.examples cuts
        cut = f"after the first 64 {step}s, where “examples” stops unless told otherwise"
        notes.append(f"{score_name[:1].upper()}{score_name[1:]} was {probability[63]:.2f} {cut}.")
    if follows:
        traced.score[after.cpu() < 2], traced.saliency, traced.effect = torch.nan, None, None
    return traced


def kind_of(tokens: list[str]) -> str:
    """What each of the tokens is called: a character; a sub-word if a usual mark of parts is among them; a word."""
    parts = any(token.startswith(("##", "▁", "Ġ")) or token.endswith(("@@", "</w>")) for token in tokens)
    return "character" if all(len(token) == 1 for token in tokens) else "sub-word" if parts else "word"


def printable(text: str) -> str:
    """The text with "�" for characters that no page can show: control characters and halves of surrogate pairs."""
    return "".join("�" if unicodedata.category(letter) in ("Cc", "Cs") else letter for letter in text)


def by_activity(texts: list[TracedText]) -> tuple[list[int], Tensor]:
    """All units, the most active first, and the activity of each (H,): its memory's standard deviation.

    The deviation is over the steps of all texts together.
    """
    activity = torch.cat([text.memory for text in texts]).std(dim=0, correction=0)
    return activity.argsort(descending=True, stable=True).tolist(), activity


def _finite(name: str, values: Tensor) -> Tensor:
    """The first 500 of the steps. Raises ValueError unless values (T,) or (T, H) are finite at all T."""
    finite = values.isfinite().view(len(values), -1).all(dim=1)
    if not finite.all():
        step, needs = finite.int().argmin().item(), f"it needs finite numbers at all {len(values)} steps before padding"
        raise ValueError(f"{name} is NaN or infinite at step {step + 1}; {needs}")
    return values[:MOST]
