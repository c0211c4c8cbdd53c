"""The autograd graph is drawn by the program that is installed, and its arrows are text without any."""

import base64
import re
import shutil
import stat
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
import torch
from torch import nn

from lstm_lesson import CustomLSTM, LSTMCell, RNNCell
from lstm_lesson.experiments.variants import VariantLSTM
from lstm_lesson.plots import computation_graph
from lstm_lesson.text.classifiers import BagOfWords, TextClassifier
from lstm_lesson.training.forecasting import Forecaster

MISSING = "no program of this name"


def three_steps():
    """The last state of an RNN over three steps, and its parameters by name."""
    W_xh, W_hh, b_h = torch.ones(2, 3), torch.ones(3, 3), torch.zeros(3)
    names = {"W_xh": W_xh.requires_grad_(), "W_hh": W_hh.requires_grad_(), "b_h": b_h.requires_grad_()}
    h_t = torch.zeros(1, 3)
    for _ in range(3):
        h_t = torch.tanh(torch.ones(1, 2) @ W_xh + h_t @ W_hh + b_h)
    return h_t, names


def text_of(picture) -> list[str]:
    return ["".join(text.itertext()) for text in ET.fromstring(picture.svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.fixture(params=["graphviz-pure", "dot", "neither"])
def drawer(request, monkeypatch):
    """Each way of drawing in turn, the others hidden."""
    if request.param == "neither":
        monkeypatch.setenv("PATH", "")
        monkeypatch.setattr(computation_graph, "PROGRAMS", (MISSING,))
    elif request.param == "dot" and shutil.which("dot") is None:
        pytest.skip("Graphviz is not installed on this machine")
    else:
        monkeypatch.setattr(computation_graph, "PROGRAMS", (request.param,))
    return request.param


def test_every_way_of_drawing_names_the_parameters_and_the_operations(drawer):
    h_t, names = three_steps()
    picture = computation_graph.autograd_graph(h_t, names, alt="The graph.")
    written = " ".join(text_of(picture))
    for word in ("W_xh", "W_hh", "b_h", "(2, 3)", "(3,)", "result"):
        assert word in written
    assert written.count("TanhBackward0") >= 3
    assert picture.alt.startswith("The graph.") and 'alt="The graph.' in picture._repr_html_()


def test_a_result_gives_its_name_to_the_operation_that_made_it(drawer):
    w = torch.ones(2, requires_grad=True)
    middle = (w * 2).tanh()
    picture = computation_graph.autograd_graph(middle.sum() + middle.exp().sum(), {"w": w, "h_1": middle})
    assert re.findall(r"h_1\s*TanhBackward0", " ".join(text_of(picture)))


def test_the_picture_of_a_small_graph_is_as_large_in_pixels_as_it_is_in_points():
    picture = computation_graph.autograd_graph(*three_steps())
    (points,) = re.findall(r'<svg width="(\d+)pt"', picture.svg)
    assert picture.width == round(int(points) * 4 / 3) and f'width="{picture.width}"' in picture._repr_html_()


def test_the_picture_is_the_same_each_time_and_holds_no_memory_address(drawer):
    pictures = [computation_graph.autograd_graph(*three_steps()) for _ in range(2)]
    assert pictures[0].svg == pictures[1].svg and repr(pictures[0]) == repr(pictures[1])
    assert not re.search(r"\d{9,}|0x[0-9a-f]{6,}", pictures[0].svg + repr(pictures[0]))


def test_an_emptied_path_falls_back_to_the_program_that_pip_installed(monkeypatch):
    monkeypatch.setenv("PATH", "")
    svg = computation_graph.autograd_graph(*three_steps()).svg
    assert "<path" in svg or "<polygon" in svg  # drawn, with arrows


def test_without_any_program_the_arrows_are_the_alt_text_too(monkeypatch):
    monkeypatch.setattr(computation_graph, "PROGRAMS", (MISSING,))
    w = torch.ones(3, requires_grad=True)
    picture = computation_graph.autograd_graph((w * 2).sum(), {"w": w}, alt="A graph.")
    arrows = ["SumBackward0 → result a number", "MulBackward0 → SumBackward0", "w (3,) → MulBackward0"]
    assert picture.alt.splitlines() == ["A graph.", *text_of(picture)]
    assert sorted(text_of(picture)) == sorted(arrows)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell script as a program")
@pytest.mark.parametrize("script", ["exit 1", "echo nonsense", "exec missing"])
def test_a_broken_program_counts_as_missing(script, tmp_path, monkeypatch):
    program = tmp_path / "dot"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=None)
    monkeypatch.setattr(computation_graph, "PROGRAMS", ("dot",))
    assert "TanhBackward0" in computation_graph.autograd_graph(*three_steps()).alt


def test_a_parameter_is_drawn_once_with_an_arrow_to_each_use():
    nodes, edges = computation_graph._read(*three_steps())
    (W_hh,) = (key for key, (words, _) in nodes.items() if words[0] == "W_hh")
    assert sum(maker == W_hh for maker, _ in edges) == 3
    assert not any("AccumulateGrad" in words for words, _ in nodes.values())


def test_parameters_operations_and_the_result_look_different(monkeypatch):
    monkeypatch.setattr(computation_graph, "PROGRAMS", ("graphviz-pure",))
    svg = computation_graph.autograd_graph(*three_steps()).svg.lower()
    assert svg.count('fill="#e3eff7"') == 3 and svg.count('fill="#202124"') >= 1 and 'fill="#f1f3f4"' in svg


def test_names_are_escaped(drawer):
    w = torch.ones(3, requires_grad=True)
    name = '"<script>\\n&amp; x"'
    picture = computation_graph.autograd_graph(w.sum(), {name: w})
    ET.fromstring(picture.svg)
    assert ("<path" in picture.svg or "<polygon" in picture.svg) == (drawer != "neither")
    page = picture._repr_html_()
    inside = base64.b64decode(page.split("base64,")[1].split('"')[0]).decode()
    assert "<script" not in inside and "<script" not in page and "script" in "".join(text_of(picture))


def test_tensors_without_a_graph_are_refused():
    with pytest.raises(ValueError, match=r"tensor has no grad_fn; it needs"):
        computation_graph.autograd_graph(torch.ones(3, requires_grad=True))
    with pytest.raises(ValueError, match=r"tensor has type float"):
        computation_graph.autograd_graph(1.0)
    with pytest.raises(ValueError, match=r"names\['w'\] is list"):
        computation_graph.autograd_graph(torch.ones(3, requires_grad=True).sum(), {"w": [1]})


def test_a_view_and_its_base_are_drawn():
    w = torch.ones(2, 3, requires_grad=True)
    assert "w" in " ".join(text_of(computation_graph.autograd_graph((w * 2).T, {"w": w})))


MODULES = {
    "CustomLSTM": lambda: CustomLSTM(3, 2)(X)[0],
    "its last state": lambda: CustomLSTM(3, 2)(X)[1][1],
    "with lengths": lambda: CustomLSTM(3, 2, 2, bidirectional=True)(X, lengths=[4, 2])[0],
    "step by step": lambda: CustomLSTM(3, 2, peephole="full")(X, lengths=[4, 2])[0],
    "LSTMCell": lambda: LSTMCell(3, 2)(X[:, 0])[0],
    "RNNCell": lambda: RNNCell(3, 2)(X[:, 0]),
    "TextClassifier": lambda: TextClassifier(9, 3, 2)(torch.ones(2, 4, dtype=torch.int64), [4, 2]),
    "BagOfWords": lambda: BagOfWords(9, [torch.arange(9)])(torch.ones(2, 4, dtype=torch.int64)),
    "Forecaster": lambda: Forecaster(2)(X[:, :, 0]),
    "VariantLSTM": lambda: VariantLSTM(3, 2)(X),
    "torch.nn.LSTM": lambda: nn.LSTM(3, 2)(X)[0],
}
X = torch.randn(2, 4, 3)


@pytest.mark.parametrize("name", MODULES)
def test_every_module_is_drawn_with_its_parameters_and_nothing_else_in_blue(name, monkeypatch):
    monkeypatch.setattr(computation_graph, "PROGRAMS", ("graphviz-pure",))
    loss = MODULES[name]().sum()
    nodes, edges = computation_graph._read(loss, {})
    assert all(maker in nodes and made in nodes for maker, made in edges)
    leaves, waiting, seen = 0, [loss.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            leaves += hasattr(node, "variable")
            waiting += [before for before, _ in node.next_functions]
    assert sum(kind == "leaf" for _, kind in nodes.values()) == leaves
    assert "result" in " ".join(text_of(computation_graph.autograd_graph(loss)))


def test_nothing_is_printed_and_no_warning_is_shown():
    code = (
        "import warnings; warnings.filterwarnings('ignore', module='matplotlib|pyparsing')\n"  # an old one, a new one
        "import torch; from lstm_lesson.plots.computation_graph import autograd_graph\n"
        "autograd_graph(torch.ones(3, requires_grad=True).sum())"
    )
    done = subprocess.run([sys.executable, "-W", "default", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
