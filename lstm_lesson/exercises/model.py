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
import re
import zlib
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property

from lstm_lesson.exercises.catalogue import read_table

FUNCTIONS = ("tanh", "sigmoid", "relu")
MODULES = ("torch", "F", "math")
TOOLS = {*FUNCTIONS, *MODULES}  # what a line may call
ENTRYWISE = TOOLS | {"detach", "abs", "clamp", "exp", "sin", "atan", "hardsigmoid", "hardtanh", "zeros_like"}
ELEMENTWISE = (
    ast.Name, ast.Load, ast.Constant, ast.BinOp, ast.UnaryOp, ast.USub, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow,
    ast.Call, ast.Attribute,
)  # fmt: skip
SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@"}
DETACHED = "the values are right, but {} is detached, so no gradient goes back through it"
LOOK = "Look at that part again."


@cache
def tools() -> dict:
    """The TOOLS by name. They load with torch, which the board of a class does without."""
    import torch

    return {"torch": torch, "F": torch.nn.functional, "math": math, **{k: getattr(torch, k) for k in FUNCTIONS}}


@dataclass(frozen=True)
class Edit:
    """A mistake: an identifier that stays the same, the expression at each place, and a sentence on the cause."""

    id: str
    changes: Mapping[str, str]
    cause: str


def short(id: str) -> str:
    """An identifier as a progress file notes it: a long one is cut, and ends with a checksum of the whole."""
    return id if len(id) <= 48 else f"{id[:38]}… {zlib.crc32(id.encode()):08x}"


@dataclass(frozen=True)
class Line:
    """`place = expression`, compiled, with the names that the expression reads."""

    place: str
    code: object
    reads: frozenset[str]
    elementwise: bool  # + − · / and functions of single entries only
    text: str = ""  # "" in a line of the loop itself


Loop = namedtuple("Loop", ["name", "over", "lines"])  # `for name in over:` and its lines


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
        for part in self.lines:
            loop = isinstance(part, Loop)
            lines += [replace(_line(part.name, f"{part.over}[0]"), text=""), *part.lines] if loop else [part]
        return lines

    def changed(self, edits) -> list[Line]:
        """The edits' lines, in place of the right ones."""
        return [_line(place, text) for edit in edits for place, text in edit.changes.items()]

    def run(self, given: tuple, edits: tuple[Edit, ...] = ()):
        """What the model answer returns with these edits."""
        changed, names = {line.place: line for line in self.changed(edits)}, self.environment(given)

        def assign(*lines: Line):
            for line in lines:
                names[line.place] = self.value(changed.get(line.place, line), names)

        for part in self.lines:
            if isinstance(part, Line):
                assign(part)
            else:
                for turn in names[part.over]:
                    names[part.name] = turn
                    assign(*part.lines)
        return names["return"]

    def function(self, edits: tuple[Edit, ...]) -> Callable:
        """The model answer with these edits, as a function of the exercise's arguments."""
        return lambda *given: self.run(given, edits)

    def environment(self, given: tuple) -> dict:
        """All that a line may read: the tools, the arguments by name, and the entries of `weights`."""
        names = tools() | dict(zip(self.arguments, given, strict=True))
        return {**names.get("weights", {}), **names} if isinstance(names.get("weights"), Mapping) else names

    def value(self, line: Line, names: dict):
        return eval(line.code, names)  # as global names: a comprehension reads no others


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
    reads = frozenset(node.id for node in names) - TOOLS - own
    called = [getattr(node.func, "id", getattr(node.func, "attr", "")) for node in nodes if isinstance(node, ast.Call)]
    attributes = [node.attr for node in nodes if isinstance(node, ast.Attribute)]
    elementwise = all(isinstance(node, ELEMENTWISE) for node in nodes) and ENTRYWISE.issuperset(called + attributes)
    return Line(place, compile(tree, f"<{place}>", "eval"), reads, elementwise, text)


def variants(text: str, names: Mapping[str, bool], words: Mapping[str, str], place: str) -> Iterator[tuple[str, str]]:
    """Every regular mistake in an expression, as the wrong expression and its cause.

    `names` are the values that could stand in it, and whether everywhere; if not, then in the place of one of its kind,
    as `dz_f` for `dz_i`. `words` are what to call the parts of an answer that the equations have no name for.
    """
    tree = ast.parse(text, mode="eval").body
    functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    whole = words.get(place, f"`{place}`" if place != "return" else "what you return")
    start = f"{whole[0].upper()}{whole[1:]}: "

    def say(own: str) -> str:
        """A part in words: as code if the learner knows all its names."""
        if own in words:
            return words[own]
        hidden = {node.id for node in ast.walk(ast.parse(own)) if isinstance(node, ast.Name)} & words.keys()
        return f"`{own}`" if not hidden else "it" if own == text else "a part of it"

    def others(own: str) -> list[str]:
        """The names that could stand in the place of this one."""
        return [name for name, everywhere in names.items() if name != own and (everywhere or kind(name) == kind(own))]

    for node in ast.walk(tree):
        if not isinstance(node, ast.expr) or id(node) in functions or getattr(node, "id", "") in MODULES:
            continue
        if isinstance(getattr(node, "ctx", None), ast.Store):  # the variable of a comprehension
            continue
        before, own, after = text[: node.col_offset], _part(node, text), text[node.end_col_offset :]
        for new, remark in variants_of(node, own, text, others, say, node is tree):
            yield f"{before}({new}){after}", f"{start}{remark}. {LOOK}"
        if isinstance(node, ast.BinOp) and re.search(r"(^|\W)\($", before) and re.match(r"\)(?![.[])", after):
            yield before[:-1] + own + after[1:], f"{start}brackets are missing around {say(own)}. {LOOK}"
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in functions]
    stored = {node.id for node in found if isinstance(node.ctx, ast.Store)}
    read = [node.id for node in found if node.id not in stored]
    for own in dict.fromkeys(name for name in read if read.count(name) > 1):
        for name in others(own):
            yield re.sub(rf"\b{own}\b", name, text), f"{start}{say(name)} stands {_instead(say(own))}. {LOOK}"
    for name in (name for name, everywhere in names.items() if everywhere):
        if not isinstance(tree, ast.Name):
            yield f"({name})", f"{start}{say(name)} stands there alone. {LOOK}"
        for sign, remark in (("+", "is added to it"), ("-", "is subtracted from it"), ("*", "is multiplied with it")):
            yield f"({text}) {sign} {name}", f"{start}{say(name)} {remark}. {LOOK}"


def kind(name: str) -> str:
    """What names of one kind begin with: `dz` of dz_i and dz_f, `d` of di and df."""
    return name.split("_")[0] if "_" in name else name[:-1]


def variants_of(node: ast.expr, own: str, text: str, others, say, is_whole: bool) -> Iterator[tuple[str, str]]:
    """What can happen to one part of the expression."""
    if isinstance(node, ast.Name):
        yield from ((name, f"{say(name)} stands {_instead(say(own))}") for name in others(own))
    elif isinstance(node, ast.BinOp):
        yield from _of_pair(node, text, say)
    elif isinstance(node, ast.Call):
        yield from _of_call(node, text, others, say)
    elif isinstance(node, ast.Constant):
        value, sign = node.value, "−" * text[: node.col_offset].endswith("-")
        for other in (0, 0.5, 1, 2, 3) if type(value) in (int, float) else ():  # always in this order
            if other != value:
                yield str(other), f"the number {sign * (other > 0)}{other} stands where {sign}{value} belongs"
        return
    elif isinstance(node, ast.Attribute | ast.Subscript):
        yield _part(node.value, text), f"something is missing after {say(_part(node.value, text))}"
    if is_whole or isinstance(node, ast.Name):
        yield from _regular("part", own, say(own))
        if is_whole or "@" in text or "." in text:  # elsewhere a name's rows stay in their places
            yield from _regular("rows", own, say(own))
    elif isinstance(node, ast.BinOp | ast.Call):
        yield f"({own}).detach()", DETACHED.format(say(own))


def _instead(of: str) -> str:
    return "in its place" if of == "it" else f"where {of} belongs"


def _part(node: ast.expr, text: str) -> str:
    return text[node.col_offset : node.end_col_offset]


def _of_pair(node: ast.BinOp, text: str, say) -> Iterator[tuple[str, str]]:
    left, right = _part(node.left, text), _part(node.right, text)
    first, second = say(left), say(right)
    yield left, f"only {first} is there, another part is missing"
    yield right, f"only {second} is there, another part is missing"
    for sign, symbol in SIGNS.items():
        if not isinstance(node.op, sign | ast.Pow):
            yield f"({left}) {symbol} ({right})", f"`{symbol}` stands between {first} and {second}"
    yield f"({right}) - ({left})", f"{first} is subtracted from {second}"
    if isinstance(node.op, ast.MatMult):
        yield f"({right}) @ ({left})", f"{second} stands on the left of {first}"
        yield f"(({left}) @ ({right})).T", "the product is transposed"


def _of_call(node: ast.Call, text: str, others, say) -> Iterator[tuple[str, str]]:
    name = _part(node.func, text)
    if name in FUNCTIONS:
        inside = _part(node.args[0], text)
        yield inside, f"`{name}` is missing around {say(inside)}"
        for other in FUNCTIONS:
            yield f"{other}({inside})", f"`{other}` stands around {say(inside)}"
        yield from ((other, f"{say(other)} stands where {say(_part(node, text))} belongs") for other in others(name))
    elif isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") not in MODULES:
        value = _part(node.func.value, text)
        yield value, f"`{node.func.attr}` is missing after {say(value)}"
        yield from _regular("methods", value, say(value))


def _regular(table: str, own: str, said: str) -> Iterator[tuple[str, str]]:
    """The mistakes in a table of `catalogue/regular_edits.toml`, for this part of a line."""
    for text, remark in read_table("regular_edits")[table]:
        yield text.format(own=own), remark.format(said=said)
