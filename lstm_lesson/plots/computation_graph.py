"""The autograd graph of a tensor: read by torchviz; drawn by Graphviz, or its arrows as text without it."""

import re
import shutil
import subprocess
import sysconfig
import warnings
from string import Template

from torch import Tensor

from lstm_lesson.plots.diagrams import WORDS
from lstm_lesson.plots.figure import Picture
from lstm_lesson.plots.style import INK
from lstm_lesson.plots.svg import Card

PROGRAMS = ("dot", "graphviz-pure")  # tried in this order; the second is a pip package
DEFAULTS, LEAF, RESULT = (Template(look).substitute(ink=INK) for look in WORDS["graph"].values())


def autograd_graph(tensor: Tensor, names: dict[str, Tensor] | None = None, alt: str | None = None) -> Picture:
    """The operations that computed `tensor`, from the parameters (blue) down to the result (black).

    `names` maps names to parameters, or to results: their operations get the name. torchviz reads the graph. The
    program `dot` draws it, else the pip package graphviz-pure; if both are missing, the picture lists the arrows.
    Raises ValueError if `tensor` was not computed from a tensor that needs a gradient.
    """
    if not isinstance(tensor, Tensor) or tensor.grad_fn is None:
        has = "no grad_fn" if isinstance(tensor, Tensor) else f"type {type(tensor).__name__}"
        raise ValueError(f"tensor has {has}; it needs to be computed from a tensor with requires_grad=True")
    for name, named in (names or {}).items():
        if not isinstance(named, Tensor):
            raise ValueError(f"names[{name!r}] is {type(named).__name__}; it needs a torch.Tensor")
    nodes, edges = _read(tensor, names or {})
    alt = alt or f"Autograd graph from {', '.join(names or {}) or 'the parameters'} to the result, {len(nodes)} nodes."
    svg = _drawn(nodes, edges)
    if svg is not None:
        return Picture(svg, alt)
    arrows = [f"{' '.join(nodes[a][0])} → {' '.join(nodes[b][0])}" for a, b in edges]
    card = Card(round(40 + 9.7 * max(map(len, arrows))), 30 + 22 * len(arrows))
    for k, arrow in enumerate(arrows):
        card.text(20, 34 + 22 * k, arrow, size=16, formula=False)
    return card.picture("\n".join([alt, *arrows]))


def _read(tensor, names) -> tuple[dict, list]:
    """torchviz's graph as {node: (its lines of text, its kind)} and [(from, to)], without AccumulateGrad nodes.

    The kinds are "leaf", "operation", as in grad_fn=<TanhBackward0>, and "result".
    """
    parts = [(name, part) for name, named in names.items() for part in (named, named.grad_fn)]
    called = {str(id(part)): name for name, part in parts}  # as torchviz numbers its nodes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torchviz 0.0.3 imports distutils
        from torchviz import make_dot

        body = make_dot(tensor).body
    nodes, pairs = {}, []
    for line in body:
        if "dir=none" in line or "fillcolor=orange" in line:  # tensors that an operation in Python has saved
            continue
        if edge := re.match(r"\s*(\d+) -> (\d+)", line):
            pairs.append(edge.groups())
        elif node := re.match(r'\s*(\d+) \[label="?\s*([^"]*?)"?(?: fillcolor=(\w+))?\]', line):
            key, text, fill = node.groups()
            kind = "operation" if fill is None else "result" if fill.startswith("darkolivegreen") else "leaf"
            name = called.get(key, "result" * (kind == "result"))
            text = "a number" if text == "()" else re.sub(r"^\((\d+)\)$", r"(\1,)", text)
            nodes[key] = [name] * bool(name) + [text], kind
    skipped = {b: a for a, b in pairs if nodes[b][0][-1] == "AccumulateGrad"}
    short = {key: f"n{k}" for k, key in enumerate(key for key in nodes if key not in skipped)}
    edges = [(short[skipped.get(a, a)], short[b]) for a, b in dict.fromkeys(pairs) if b not in skipped]
    return {short[key]: nodes[key] for key in short}, edges


def _drawn(nodes, edges) -> str | None:
    """The SVG that the first program that works makes of the graph in the DOT language, or None."""
    lines = [DEFAULTS]
    for key, (words, kind) in nodes.items():
        label = "\\n".join(word.replace("\\", "\\\\").replace('"', '\\"') for word in words)
        lines.append(f'{key} [label="{label}" {dict(leaf=LEAF, result=RESULT).get(kind, "")}]')
    source = "\n  ".join(["digraph {", *lines, *(f"{a} -> {b}" for a, b in edges)]) + "\n}\n"
    for program in PROGRAMS:
        path = shutil.which(program) or shutil.which(program, path=sysconfig.get_path("scripts"))
        if path is None:
            continue
        try:
            done = subprocess.run([path, "-Tsvg"], input=source.encode(), capture_output=True, timeout=60, check=True)
            svg = done.stdout.decode()
            return re.sub(r"<!--.*?-->\s*|<title>.*?</title>\s*", "", svg[svg.index("<svg") :], flags=re.DOTALL)
        except (OSError, ValueError, subprocess.SubprocessError):
            continue  # a program that fails or may not run counts as missing
