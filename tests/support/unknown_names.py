"""The names that cells of a notebook read and no earlier cell has made."""

import ast
import builtins

from IPython.core.inputtransformer2 import TransformerManager


def unknown_names(sources: list[str]) -> list[str]:
    """These names, each with the first line of its cell. A name that a cell makes anywhere in it counts as made."""
    known, found = {*dir(builtins), "get_ipython"}, []
    for source in sources:
        nodes = list(ast.walk(ast.parse(TransformerManager().transform_cell(source))))
        names = [node for node in nodes if isinstance(node, ast.Name)]
        read = {node.id for node in names if isinstance(node.ctx, ast.Load)}
        known |= {node.id for node in names if not isinstance(node.ctx, ast.Load)}
        known |= {node.arg for node in nodes if isinstance(node, ast.arg)}
        known |= {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler)}
        imported = [alias for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names]
        known |= {alias.asname or alias.name.split(".")[0] for alias in imported}
        found += [f"{name} in {source.splitlines()[0]!r}" for name in sorted(read - known)]
    return found
