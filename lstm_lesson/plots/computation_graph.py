"""The autograd graph of a tensor: read by torchviz, drawn on any machine."""

import html
import re
import shutil
import subprocess
import sysconfig
import warnings

from torch import Tensor

from lstm_lesson.plots.figure import Picture
from lstm_lesson.plots.style import INK

PROGRAMS = ("dot", "graphviz-pure")  # tried in this order; the second comes with pip
LOOK = f"""
  graph [bgcolor="white" pad="0.2" nodesep="0.35" ranksep="0.34"]
  node [shape=box style="filled,rounded" fillcolor="#F1F3F4" color="#9AA0A6" fontcolor="{INK}"
        fontname="Helvetica,Arial,sans-serif" fontsize=15 height=0.4 margin="0.16,0.07"]
  edge [color="#5F6368" arrowsize=0.8 penwidth=1.2]"""
LEAF = 'fillcolor="#E3EFF7" color="#0072B2" fontcolor="#0B4F7A" penwidth=2'
RESULT = f'fillcolor="{INK}" color="{INK}" fontcolor="#FFFFFF"'


def autograd_graph(tensor: Tensor, names: dict[str, Tensor] | None = None, alt: str | None = None) -> Picture:
    """Every operation that made `tensor`, from its parameters (blue) down to itself (black).

    `names` maps a name to each tensor that shall carry it. torchviz reads the graph; the program `dot` draws it, where
    that is missing the pip package graphviz-pure, and where both are, it is a tree of text.
    Raises ValueError if `tensor` was not computed from anything that needs a gradient.
    """
    if not isinstance(tensor, Tensor) or tensor.grad_fn is None:
        has = "no grad_fn" if isinstance(tensor, Tensor) else f"type {type(tensor).__name__}"
        raise ValueError(f"tensor has {has}; it needs to be computed from a tensor with requires_grad=True")
    for name, named in (names or {}).items():
        if not isinstance(named, Tensor):
            raise ValueError(f"names[{name!r}] is {type(named).__name__}; it needs a torch.Tensor")
    nodes, edges = _read(tensor, names or {})
    alt = alt or f"Autograd graph from {', '.join(names or {}) or 'the parameters'} to the result, {len(nodes)} nodes."
    svg = _drawn(_source(nodes, edges))
    if svg is not None:
        return Picture(svg, alt)
    tree = _tree(nodes, edges)
    return Picture(_as_svg(tree), "\n".join([alt, *tree]))


def _read(tensor, names) -> tuple[dict, list]:
    """torchviz's graph as {node: (its lines, its kind)} and [(from, to)], free of memory addresses.

    A step that adds to .grad is left out: the arrow from a parameter leads straight to where it is used.
    """
    tokens = {f"@{k}@": (name, named) for k, (name, named) in enumerate(names.items())}  # names may hold any sign
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torchviz 0.0.3 imports distutils
        from torchviz import make_dot

        body = make_dot(tensor, params={token: named for token, (_, named) in tokens.items()}).body
    labels, pairs = {}, []
    for line in body:
        if edge := re.match(r"\s*(\d+) -> (\d+)", line):
            pairs.append(edge.groups())
        elif node := re.match(r'\s*(\d+) \[label="?([^"]*?)"?(?: fillcolor=(\w+))?\]', line, re.DOTALL):
            labels[node[1]] = node[2].replace("\\n", "\n").split(), node[3]
    skipped = {b: a for a, b in pairs if labels[b][0][0] == "AccumulateGrad"}
    short = {key: f"n{k}" for k, key in enumerate(key for key in labels if key not in skipped)}
    edges = [(short[skipped.get(a, a)], short[b]) for a, b in dict.fromkeys(pairs) if b not in skipped]
    return {short[key]: _words(*labels[key], tokens) for key in short}, edges


def _words(words: list[str], fill: str | None, tokens: dict) -> tuple[list[str], str]:
    """What a node says, and whether it is a leaf, the result or an operation."""
    if fill is None:
        return words[:1], "operation"  # as in grad_fn=<TanhBackward0>
    name = [tokens[word][0] for word in words if word in tokens]
    shape = " ".join(word for word in words if word not in tokens)
    shape = "a number" if shape == "()" else re.sub(r"^\((\d+)\)$", r"(\1,)", shape)
    result = fill.startswith("darkolivegreen")
    return [*(name or ["result"] if result else name), shape], "result" if result else "leaf"


def _source(nodes, edges) -> str:
    """The graph in the DOT language."""
    lines = [LOOK]
    for key, (words, kind) in nodes.items():
        label = "\\n".join(word.replace("\\", "\\\\").replace('"', '\\"') for word in words)
        lines.append(f'{key} [label="{label}" {dict(leaf=LEAF, result=RESULT).get(kind, "")}]')
    return "\n  ".join(["digraph {", *lines, *(f"{a} -> {b}" for a, b in edges)]) + "\n}\n"


def _drawn(source: str) -> str | None:
    """The SVG from the first program that works, or None."""
    for program in PROGRAMS:
        path = shutil.which(program) or shutil.which(program, path=sysconfig.get_path("scripts"))
        if path is None:
            continue
        try:
            done = subprocess.run([path, "-Tsvg"], input=source.encode(), capture_output=True, timeout=60, check=True)
            svg = done.stdout.decode()
            return re.sub(r"<!--.*?-->\s*|<title>.*?</title>\s*", "", svg[svg.index("<svg") :], flags=re.DOTALL)
        except (OSError, ValueError, subprocess.SubprocessError):
            continue  # a program that is broken or not allowed to run counts as missing
    return None


def _tree(nodes, edges) -> list[str]:
    """From the result back to the parameters, one node a line, indented under what it goes into."""
    makers = {}
    for maker, made in edges:
        makers.setdefault(made, []).append(maker)
    lines, seen = [], set()
    waiting = [(key, 0) for key in nodes if key not in {maker for maker, _ in edges}]
    while waiting:
        key, depth = waiting.pop()
        again = key in seen and key in makers
        lines.append("   " * depth + " ".join(nodes[key][0]) + ("  (see above)" if again else ""))
        if not again:
            seen.add(key)
            waiting += [(maker, depth + 1) for maker in reversed(makers.get(key, []))]
    return lines


def _as_svg(lines: list[str]) -> str:
    """Lines of text as a drawing."""
    wide, tall = round(40 + 9.7 * max(map(len, lines))), 30 + 22 * len(lines)
    rows = "".join(f'<text x="20" y="{34 + 22 * k}">{html.escape(line)}</text>' for k, line in enumerate(lines))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{tall}" viewBox="0 0 {wide} {tall}">'
        '<rect width="100%" height="100%" fill="white"/>'
        f'<g font-family="monospace" font-size="16" fill="{INK}" xml:space="preserve">{rows}</g></svg>'
    )
