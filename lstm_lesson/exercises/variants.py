"""The regular mistakes in a line of a model answer: another name, another sign, a part missing, a function too much.

They come after the mistakes that the catalogue describes in its own words, and their causes are made from the line.
"""

import ast
from collections.abc import Iterator

SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@"}
FUNCTIONS = ("tanh", "sigmoid", "relu")
LOOK = "Compare that part with the equation."


def variants(text: str, names: list[str], words: str) -> Iterator[tuple[str, str]]:
    """Every regular mistake in an expression, as the wrong expression and its cause.

    `names` are the values that could stand in it, `words` says which part of the answer the expression is.
    """
    tree = ast.parse(text, mode="eval").body
    functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.expr) or id(node) in functions or getattr(node, "id", "") in ("torch", "F"):
            continue
        before, own, after = (
            text[: node.col_offset],
            text[node.col_offset : node.end_col_offset],
            text[node.end_col_offset :],
        )
        found = of_any(own) if node is tree or isinstance(node, ast.Name) else []
        if isinstance(node, ast.Name):
            found = [*of_name(own, names), *found]
        elif isinstance(node, ast.BinOp):
            found = [*of_pair(node, text), *found]
        elif isinstance(node, ast.Call):
            found = [*of_call(node, text), *found]
        elif isinstance(node, ast.Constant):
            found = of_number(node.value)
        elif isinstance(node, ast.Attribute | ast.Subscript):
            found = [(part(node.value, text), f"`{own}` is missing a part"), *found]
        for new, remark in found:
            yield f"{before}({new}){after}", f"{words[0].upper()}{words[1:]}: {remark}. {LOOK}"
    for name in names:
        yield f"({text}) + {name}", f"{words[0].upper()}{words[1:]}: `{name}` is added to it. {LOOK}"
        yield f"({text}) - {name}", f"{words[0].upper()}{words[1:]}: `{name}` is subtracted from it. {LOOK}"
        yield f"({text}) * {name}", f"{words[0].upper()}{words[1:]}: it is multiplied by `{name}`. {LOOK}"


def part(node: ast.expr, text: str) -> str:
    return text[node.col_offset : node.end_col_offset]


def of_name(own: str, names: list[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        if name != own:
            yield name, f"`{name}` stands where `{own}` belongs"


def of_pair(node: ast.BinOp, text: str) -> Iterator[tuple[str, str]]:
    left, right = part(node.left, text), part(node.right, text)
    yield left, f"only `{left}` is there, the other part is missing"
    yield right, f"only `{right}` is there, the other part is missing"
    for sign, symbol in SIGNS.items():
        if not isinstance(node.op, sign | ast.Pow):
            yield f"({left}) {symbol} ({right})", f"`{symbol}` stands between `{left}` and `{right}`"
    yield f"({right}) - ({left})", f"`{left}` is subtracted from `{right}`"
    if isinstance(node.op, ast.MatMult):
        yield f"({right}) @ ({left})", f"`{right}` stands on the left of `{left}`"
        yield f"(({left}) @ ({right})).T", "the product is transposed"


def of_call(node: ast.Call, text: str) -> Iterator[tuple[str, str]]:
    name = part(node.func, text)
    if name in FUNCTIONS:
        inside = part(node.args[0], text)
        yield inside, f"`{name}` is missing around `{inside}`"
        for other in FUNCTIONS:
            yield f"{other}({inside})", f"`{other}` stands around `{inside}`"
    elif isinstance(node.func, ast.Attribute):
        value = part(node.func.value, text)
        yield value, f"`{node.func.attr}` is missing after `{value}`"
        for ending, remark in (
            (".mean(dim=0)", "a mean over the batch"), (".sum(dim=1)", "a sum over the other dimension"), ("[0]", "the first row alone"),
            ("[-1]", "the last row alone"), (".sum()", "a sum of all entries"), (".mean()", "a mean of all entries"),
            (".mean(dim=1)", "a mean over the other dimension"), (".amax(dim=0)", "a maximum"),
        ):  # fmt: skip
            yield value + ending, f"{remark} is taken of `{value}`"


def of_number(value) -> Iterator[tuple[str, str]]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        for other in {0, 1, 2, 3, 0.5} - {value}:
            yield str(other), f"the number {other} stands where {value} belongs"


def of_any(own: str) -> Iterator[tuple[str, str]]:
    """What can happen to every part."""
    yield f"-({own})", f"`{own}` has the wrong sign"
    yield f"2 * ({own})", f"`{own}` is counted twice"
    yield f"({own}) / 2", f"`{own}` is halved"
    yield f"({own}).detach()", f"the values are right, but `{own}` is detached, so no gradient goes back through it"
    yield f"({own}).T", f"`{own}` is transposed"
    for name in FUNCTIONS:
        yield f"{name}({own})", f"`{name}` is applied to `{own}`"
    yield f"1 - ({own})", f"1 minus `{own}` stands where `{own}` itself belongs"
    yield f"1 + ({own})", f"1 is added to `{own}`"
    yield f"({own}) ** 2", f"`{own}` is squared"
    yield f"1 - ({own}) ** 2", f"1 minus the square of `{own}` stands where `{own}` itself belongs"
    yield f"({own}) * (1 - ({own}))", f"`{own}` is multiplied by 1 minus itself"
    yield f"({own}).abs()", f"`{own}` has lost its signs"
    yield f"({own}).mean(dim=0)", f"the mean over the batch stands where `{own}` belongs"
    yield f"({own}).mean()", f"the mean of all entries stands where `{own}` belongs"
    yield f"({own}).sum()", f"the sum of all entries stands where `{own}` belongs"
    yield f"({own})[:1]", f"of `{own}` only the first row is read"
    yield f"({own})[0]", f"of `{own}` only the first entry or row is read"
    yield f"({own})[-1:]", f"of `{own}` only the last row is read"
    yield f"({own}) / len({own})", f"`{own}` is divided by the number of its rows"
    yield f"({own}).flip(0)", f"the rows of `{own}` stand in reverse order"
    yield f"({own}).roll(1, 0)", f"the rows of `{own}` are shifted by one"
    yield f"0.0 * ({own})", f"`{own}` has no effect"
