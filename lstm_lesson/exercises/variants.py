"""The regular mistakes in a line of a model answer: another name, another sign, a part missing, a function too much.

They come after the mistakes that the catalogue describes in its own words, and their causes are made from the line.
"""

import ast
import re
from collections.abc import Iterator, Mapping

from lstm_lesson.exercises.catalogue import read_table

SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@"}
FUNCTIONS = ("tanh", "sigmoid", "relu")
DETACHED = "the values are right, but {} is detached, so no gradient goes back through it"
LOOK = "Look at that part again."
MODULES = ("torch", "F", "math")


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
