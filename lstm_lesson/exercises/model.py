"""A mistake is an edit of a model answer: at a named place, another expression. Edits of different places compose.

A model answer is the reference written out in short lines. Each line gives a name to a value, and that name is a place:

    def rnn_step(x_t, h_prev, W_xh, W_hh, b_h):
        x_h = x_t @ W_xh
        h_h = h_prev @ W_hh
        h_t = tanh(x_h + h_h + b_h)
        return h_t

An edit {"h_h": "h_prev @ W_hh.T"} is the mistake "transposed". Entries of an argument `weights` are read by name.
"""

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property

import torch
from torch.nn import functional as F

from lstm_lesson.exercises.variants import variants

TOOLS = {"torch": torch, "F": F, "math": math, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}
ENTRYWISE = TOOLS.keys() | {"detach", "abs", "clamp", "exp", "sin", "atan", "hardsigmoid", "hardtanh", "zeros_like"}
ELEMENTWISE = (
    ast.Name, ast.Load, ast.Constant, ast.BinOp, ast.UnaryOp, ast.USub, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow,
    ast.Call, ast.Attribute,
)  # fmt: skip


@dataclass(frozen=True)
class Edit:
    """A mistake: an identifier that stays the same, the expression at each place, and a sentence on the cause."""

    id: str
    changes: Mapping[str, str]
    cause: str


@dataclass(frozen=True)
class Line:
    """`place = expression`, compiled, with the names that the expression reads."""

    place: str
    code: object
    reads: frozenset[str]
    elementwise: bool  # + − · / and functions of single entries only
    text: str = ""  # "" in a line of the loop itself


@dataclass(frozen=True)
class Loop:
    """`for name in place:` and its lines."""

    name: str
    over: str
    lines: tuple[Line, ...]


class Model:
    """A model answer: its arguments and its lines. `words` name the parts that the equations have no name for."""

    def __init__(self, source: str, edits: tuple[Edit, ...], words: Mapping[str, str]):
        (function,) = ast.parse(source).body
        self.arguments = [argument.arg for argument in function.args.args]
        self.lines = [_statement(node) for node in function.body]
        self.described = {edit.id: edit for edit in edits}
        self.words = words
        places = [line.place for line in self.straight]
        places = {place for place in places if places.count(place) == 1}
        for edit in edits:
            if unknown := edit.changes.keys() - places:
                text = f"edit {edit.id!r} changes {', '.join(unknown)}"
                raise ValueError(f"{text}; the model has no such place, or has it twice")

    @cached_property
    def edits(self) -> dict[str, Edit]:
        """All edits by identifier."""
        return self.described | self.regular

    @cached_property
    def regular(self) -> dict[str, Edit]:
        """The regular mistakes of every line, but those that are described."""
        edits, places = {}, [line.place for line in self.straight]
        read = sorted(set().union(*(line.reads for line in self.straight)).difference(places))
        names = {name: name in self.arguments for name in read if name not in ("weights", "values")}
        for line in self.straight:
            if line.text and places.count(line.place) == 1:
                for text, cause in variants(line.text, names, self.words, line.place):
                    edits.setdefault(f"{line.place}: {text}", Edit(f"{line.place}: {text}", {line.place: text}, cause))
            names[line.place] = self.words.get(line.place, "`").startswith("`")
        return {id: edit for id, edit in edits.items() if id not in self.described}

    @cached_property
    def loops_over(self) -> set[str]:
        """The places whose value says how many turns a loop makes."""
        return {line.over for line in self.lines if isinstance(line, Loop)}

    @cached_property
    def straight(self) -> list[Line]:
        """All lines in the order in which they run if every loop makes one turn."""
        lines = []
        for line in self.lines:
            if isinstance(line, Loop):
                lines += [replace(_line(line.name, f"{line.over}[0]"), text=""), *line.lines]
            else:
                lines.append(line)
        return lines

    def changed(self, edits) -> list[Line]:
        """The edits' lines, in place of the right ones."""
        return [_line(place, text) for edit in edits for place, text in edit.changes.items()]

    def run(self, given: tuple, edits: tuple[Edit, ...] = ()):
        """What the model answer returns with these edits."""
        changed, names = {line.place: line for line in self.changed(edits)}, self.environment(given)
        self._run(self.lines, changed, names)
        return names["return"]

    def function(self, edits: tuple[Edit, ...]) -> Callable:
        """The model answer with these edits, as a function of the exercise's arguments."""
        return lambda *given: self.run(given, edits)

    def environment(self, given: tuple) -> dict:
        """All that a line may read: the tools, the arguments by name, and the entries of `weights`."""
        names = TOOLS | dict(zip(self.arguments, given, strict=True))
        return {**names.get("weights", {}), **names} if isinstance(names.get("weights"), Mapping) else names

    def value(self, line: Line, names: dict):
        return eval(line.code, names)  # as global names: a comprehension reads no others

    def _run(self, lines, changed, names):
        for line in lines:
            if isinstance(line, Loop):
                for turn in names[line.over]:
                    names[line.name] = turn
                    self._run(line.lines, changed, names)
            else:
                names[line.place] = self.value(changed.get(line.place, line), names)


def _statement(node) -> Line | Loop:
    if isinstance(node, ast.For):
        return Loop(node.target.id, node.iter.id, tuple(_statement(part) for part in node.body))
    place = "return" if isinstance(node, ast.Return) else node.targets[0].id
    return _line(place, ast.unparse(node.value))


@cache
def _line(place: str, text: str) -> Line:
    tree = ast.parse(text, mode="eval")
    nodes = list(ast.walk(tree.body))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    own = {node.id for node in names if isinstance(node.ctx, ast.Store)}  # the variables of comprehensions
    reads = frozenset(node.id for node in names) - TOOLS.keys() - own
    called = [getattr(node.func, "id", getattr(node.func, "attr", "")) for node in nodes if isinstance(node, ast.Call)]
    attributes = [node.attr for node in nodes if isinstance(node, ast.Attribute)]
    elementwise = all(isinstance(node, ELEMENTWISE) for node in nodes) and ENTRYWISE.issuperset(called + attributes)
    return Line(place, compile(tree, f"<{place}>", "eval"), reads, elementwise, text)
