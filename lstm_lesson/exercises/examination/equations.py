"""The forms of an LSTM, and its known mistakes: the model answer to the exercise `lstm` with other lines."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

from lstm_lesson.cells import NAMES
from lstm_lesson.exercises.catalogue import read_table
from lstm_lesson.exercises.exercise import Exercise, Inputs, exercises
from lstm_lesson.exercises.model import Edit
from lstm_lesson.kernel import stacked_weights

KNOWN = read_table("examination")
OLD_MEMORY = "The output gate's peephole reads the old memory, `c_prev`. It reads the new one, `c_t`."


@dataclass(frozen=True)
class Kind:
    """A form of the LSTM: its name, the lines that differ from the plain one, and the weights that it reads."""

    name: str
    lines: tuple[tuple[str, str], ...]
    absent: str  # gates that it does not have
    peepholes: str = ""  # "diagonal" or "full"

    def shapes(self, N: int, H: int) -> dict[str, tuple[int, ...]]:
        """The shape of every weight, by name."""
        form = {"x": (N, H), "h": (H, H), "c": (H,) if self.peepholes == "diagonal" else (H, H)}
        names = NAMES if self.peepholes else NAMES[:12]
        return {name: (H,) if name[0] == "b" else form[name[2]] for name in names}

    def size(self, N: int, H: int) -> int:
        """The number of entries of all weights."""
        return sum(math.prod(shape) for shape in self.shapes(N, H).values())


def _kinds() -> Iterator[Kind]:
    """Every way to make the memory, without peepholes and with both kinds of them."""
    for peepholes, words in (("", ""), ("diagonal", "peepholes"), ("full", "full peepholes")):
        own = KNOWN["peepholes"] if peepholes else {}
        if peepholes == "full":
            own = {place: text.replace("*", "@") for place, text in own.items()}
        for name, absent, lines in KNOWN["cells"]:
            parts = " and ".join(filter(None, (words, name)))
            parts = f" with {parts}" if parts and parts != "without forget gate" else f" {parts}".rstrip()
            yield Kind(f"LSTM{parts}", tuple((own | lines).items()), absent, peepholes)


KINDS = list(_kinds())


def torch_lstm(outputs: tuple[str, ...], states: bool, bias: bool) -> Callable:
    """What `nn.LSTM` calls, as an answer to the exercise. No gradient reaches states or biases that there are not."""

    def f(x, h_0, c_0, weights):
        h_0, c_0 = (s[None] if states else s[None].detach() for s in (h_0, c_0))
        W, U, b = stacked_weights(weights)
        b = b if bias else b.detach()
        sequence, h, c = torch.lstm(x, (h_0, c_0), (W.T, U.T, b, 0 * b), True, 1, 0.0, False, False, True)
        returned = tuple({"hidden_seq": sequence, "h_T": h[0], "c_T": c[0]}[name] for name in outputs)
        return returned if len(returned) > 1 else returned[0]

    return f


@cache
def question(kind: Kind, outputs: tuple[str, ...], states: bool, N: int, H: int, bias: bool = True) -> Exercise:
    """The exercise `lstm` in another form, whose answer is a module of this kind. Its reference is a function."""
    plain, product = exercises()["lstm"], "@" if kind.peepholes == "full" else "*"
    source = plain.model.replace("return hidden_seq, h_T, c_T", f"return {', '.join(outputs)}")
    for place, text in kind.lines:
        source = re.sub(rf"(?m)^( +{place} =) .*$", lambda line, text=text: f"{line[1]} {text}", source)
    if not states:
        source = re.sub(r"(first_.) = (._0)", r"\1 = torch.zeros_like(\2)", source)
    if not bias:
        source = re.sub(r"(bias_\w =) b_\w( \+)?", lambda line: f"{line[1]}{'' if line[2] else ' 0.0'}", source)
    edits = plain.edits
    if kind.peepholes:
        edits = (Edit("o: peephole on c_prev", {"bias_o": f"b_o + c_prev {product} W_co"}, OLD_MEMORY), *edits)
    asked = replace(
        plain, model=source, edits=edits, returns={name: plain.returns[name] for name in outputs}, dtype="float",
        inputs=lambda draw: _inputs(draw, kind, states, N, H, bias),
        reference=(lambda *given: asked.model_answer.run(given)) if kind.lines else torch_lstm(outputs, states, bias),
    )  # fmt: skip
    return asked


def _inputs(draw: Inputs, kind: Kind, states: bool, N: int, H: int, bias: bool) -> dict:
    """The arguments of `lstm` for a module with these sizes. With `draw.reach` its memory grows with every step."""
    draw.sizes |= {"N": N, "H": H}
    given = {"x": draw("B T N"), "h_0": draw("B H"), "c_0": draw.unbounded("B H")}
    if not states:
        given |= {name: given[name] * 0 for name in ("h_0", "c_0")}
    letters = {(N, H): "N H", (H, H): "H H", (H,): "H"}
    weights = {k: draw(letters[shape], 0.7 * draw.scale) for k, shape in kind.shapes(N, H).items()}
    if draw.reach:  # the gates stand open
        given["x"] = given["x"].abs() + 1
        weights |= {k: weights[k].abs() + 5 for k in ("W_xi", "W_xf", "W_xc")}
    return given | {"weights": {k: w if bias or k[0] != "b" else w * 0 for k, w in weights.items()}}


def by_name(vector: Tensor, shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """The weights that stand one after the other in a vector."""
    sizes = [math.prod(shape) for shape in shapes.values()]
    return {name: part.view(shape) for (name, shape), part in zip(shapes.items(), vector.split(sizes), strict=True)}
