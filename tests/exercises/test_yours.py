"""`yours`: the learner's own answer runs where it passes its check, also in a later notebook."""

import hashlib
import math

import pytest
import torch
from cells import run_cell
from torch import nn
from torch.nn import functional as F

from lstm_lesson import check, equations, yours
from lstm_lesson.exercises import kept_answers

GATE = "def forget_gate(x_t, h_prev, W_xf, W_hf, b_f):\n    return {}\n"
SUM = "x_t @ W_xf + h_prev @ W_hf + b_f"
RIGHT, WRONG, STUB = (
    GATE.format(f"torch.sigmoid({SUM})"),
    GATE.format(f"torch.tanh({SUM})"),
    GATE.replace("return {}", "raise NotImplementedError"),
)


@pytest.fixture
def notebook():
    """A new notebook: a function that runs a cell in it and returns its variables."""
    space = dict(torch=torch, nn=nn, F=F, math=math, check=check, yours=yours, __name__="__main__")

    def run(source):
        run_cell(source, space)
        return space

    return run


def own_file(folder, name="forget_gate"):
    return folder / "answers" / f"{name}.py"


def keep(source, name="forget_gate"):
    """Check the answer in a notebook of its own, as on another day."""
    space = dict(torch=torch, nn=nn, F=F, math=math, __name__="__main__")
    run_cell(source, space)
    return check(space[name])


def test_an_answer_that_passes_runs(notebook, capsys):
    space = notebook(RIGHT + "\nmine = yours(forget_gate)")
    assert space["mine"] is space["forget_gate"]
    assert capsys.readouterr().out == "`forget_gate`: your own code runs here.\n"


@pytest.mark.parametrize(
    ("source", "reason"),
    [(STUB, "since yours is still open."), (WRONG, "since yours does not pass its check yet.")],
)
def test_the_package_runs_in_place_of_what_does_not_pass_and_says_why(notebook, capsys, source, reason):
    assert notebook(source + "\nmine = yours(forget_gate)")["mine"] is equations.forget_gate
    assert capsys.readouterr().out == f"`forget_gate`: the package's code runs here, {reason}\n"


@pytest.mark.parametrize("source", ["mine = yours('forget_gate')", STUB + "\nmine = yours(forget_gate)"])
def test_a_later_notebook_runs_what_was_kept(notebook, capsys, source):
    assert keep(RIGHT).message == "`forget_gate` is correct."
    mine = notebook(source)["mine"]
    assert mine is not equations.forget_gate
    assert mine.__code__.co_filename.endswith("forget_gate.py")
    assert capsys.readouterr().out == "`forget_gate`: your own code runs here, as it was kept.\n"


def test_a_wrong_answer_is_not_replaced_by_the_right_one_of_yesterday(notebook, tmp_path):
    keep(RIGHT)
    before = own_file(tmp_path).read_text()
    assert notebook(WRONG + "\nmine = yours(forget_gate)")["mine"] is equations.forget_gate
    assert own_file(tmp_path).read_text() == before


def test_a_new_right_answer_replaces_the_old_one(notebook, tmp_path):
    keep(RIGHT)
    keep(RIGHT.replace("torch.sigmoid", "F.sigmoid"))
    assert "F.sigmoid" in own_file(tmp_path).read_text()
    assert keep(WRONG).outcome == "wrong"
    assert "F.sigmoid" in own_file(tmp_path).read_text()


HELPERS = """import numpy as np
from torch import sigmoid as squash
ZERO = 0.0
class Adder:
    start = ZERO
    twice = start * 2
    def __call__(self, *terms):
        return sum(terms, self.start)
def add(*terms):
    return Adder()(*terms)
unused = np.zeros(3)
""" + GATE.format("squash(add(x_t @ W_xf, h_prev @ W_hf, b_f))")


LAMBDA = f"forget_gate = lambda x_t, h_prev, W_xf, W_hf, b_f: torch.sigmoid({SUM})\n"
MADE = """def make():
    act = torch.sigmoid
    def forget_gate(x_t, h_prev, W_xf, W_hf, b_f):
        return act(x_t @ W_xf + h_prev @ W_hf + b_f)
    return forget_gate
forget_gate = make()
"""
OBJECT = """class Gate:
    def __call__(self, x_t, h_prev, W_xf, W_hf, b_f):
        return torch.sigmoid(x_t @ W_xf + h_prev @ W_hf + b_f)
forget_gate = Gate()
"""


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(HELPERS, id="helpers, a class, a constant and imports"),
        pytest.param(RIGHT.replace("b_f):", "b_f: Tensor) -> Somewhere:"), id="annotations whose names are gone"),
        pytest.param(LAMBDA, id="a lambda"),
        pytest.param("def same(f):\n    return f\n@same\n" + RIGHT, id="a decorator"),
        pytest.param(MADE, id="a function made by another"),
        pytest.param("k = 1\nk += 1\n" + GATE.format(f"torch.sigmoid(({SUM}) * k / 2)"), id="a name bound twice"),
        pytest.param(OBJECT, id="an object"),
        pytest.param(RIGHT.replace("return", "é = 'шум'\n    return"), id="letters of other languages"),
    ],
)
def test_what_stands_in_the_same_cell_is_kept_with_the_answer(notebook, capsys, source):
    notebook("Tensor = Somewhere = int")
    space = notebook(source + "\nprint(check(forget_gate))")
    assert capsys.readouterr().out == "✅ `forget_gate` is correct.\n"
    mine = notebook("mine = yours('forget_gate')")["mine"]
    assert "your own code runs here, as it was kept" in capsys.readouterr().out
    inputs = [torch.randn(shape) for shape in ((2, 3), (2, 4), (3, 4), (4, 4), (4,))]
    assert torch.equal(mine(*inputs), space["forget_gate"](*inputs))


def test_only_what_the_answer_needs_is_kept(notebook, tmp_path):
    notebook(HELPERS + "\ncheck(forget_gate)")
    kept = own_file(tmp_path).read_text()
    assert "class Adder" in kept
    assert "unused" not in kept
    assert "check" not in kept.split("\n", 1)[1]


def test_what_comes_from_another_cell_is_named(notebook, capsys):
    notebook("def squash(z):\n    return torch.sigmoid(z)\nEPS = 0.0")
    notebook(GATE.format(f"squash({SUM} + EPS)") + "\nprint(check(forget_gate))\nmine = yours(forget_gate)")
    message, line = capsys.readouterr().out.splitlines()
    assert message.startswith(
        "✅ `forget_gate` is correct. It is not kept for later notebooks: it uses `EPS` and `squash`"
    )
    assert line == "`forget_gate`: your own code runs here."
    notebook("mine = yours('forget_gate')")
    assert "the package's code runs here, since none of yours is kept yet" in capsys.readouterr().out


def test_a_function_that_calls_a_kept_answer_can_be_compiled(notebook):
    keep(RIGHT)
    gate = yours("forget_gate")
    shapes = (4, 3), (4, 5), (3, 5), (5, 5), (5,)
    given = [torch.randn(*shape) for shape in shapes]
    compiled = torch.compile(lambda *arguments: gate(*arguments), backend="eager", fullgraph=True)
    assert compiled(*given).allclose(equations.forget_gate(*given))


def test_one_kept_answer_calls_another(notebook, capsys):
    keep(RIGHT)
    step = (
        "def lstm_step(x_t, h_prev, c_prev, weights):\n"
        "    i, f, o = (forget_gate(x_t, h_prev, *(weights[k + n] for k in ('W_x', 'W_h', 'b_'))) for n in 'ifo')\n"
        "    g = torch.tanh(x_t @ weights['W_xc'] + h_prev @ weights['W_hc'] + weights['b_c'])\n"
        "    c = f * c_prev + i * g\n"
        "    return o * torch.tanh(c), c\n"
    )
    notebook("forget_gate = yours('forget_gate')\n")
    notebook(step + "print(check(lstm_step))")
    assert "✅ `lstm_step` is correct.\n" in capsys.readouterr().out
    mine = notebook("mine = yours('lstm_step')")["mine"]
    assert "your own code" in capsys.readouterr().out
    assert mine.__globals__["forget_gate"].__code__.co_filename.endswith("forget_gate.py")


def test_answers_that_call_each_other_end(notebook, capsys, tmp_path):
    keep(RIGHT)
    for name, other in (("forget_gate", "input_gate"), ("input_gate", "forget_gate")):
        with_sum(own_file(tmp_path, name), f"def {name}(*arguments):\n    return {other}(*arguments)\n")
    notebook("mine = yours('forget_gate')")
    assert "your own code runs here" in capsys.readouterr().out  # the package's stands at the end of the circle


def with_sum(path, source):
    """Write a kept answer whose checksum fits."""
    path.write_text(f"# SHA-256 {hashlib.sha256(source.encode()).hexdigest()}\n{source}", encoding="utf-8")


MARK = "import pathlib\npathlib.Path({!r}).touch()\n"


DAMAGES = {
    "a line more": lambda path, mark: path.write_text(path.read_text() + MARK.format(mark)),
    "a line before": lambda path, mark: path.write_text(MARK.format(mark) + path.read_text()),
    "cut off": lambda path, mark: path.write_text(path.read_text()[:-20]),
    "empty": lambda path, mark: path.write_text(""),
    "no text": lambda path, mark: path.write_bytes(b"\xff\xfe\x00" * 100),
    "a folder": lambda path, mark: (path.unlink(), path.mkdir()),
    "no Python": lambda path, mark: with_sum(path, "def forget_gate(:\n"),
    "ends Python": lambda path, mark: with_sum(path, "raise SystemExit(1)\n"),
    "an endless loop": lambda path, mark: with_sum(path, "while True: pass\n"),
    "a number": lambda path, mark: with_sum(path, "forget_gate = 3\n"),
    "another name": lambda path, mark: with_sum(path, "def other():\n    pass\n"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_changed_or_damaged_file_is_set_aside_and_never_run(notebook, capsys, tmp_path, damage):
    keep(RIGHT)
    mark = str(tmp_path / "it ran")
    damage(own_file(tmp_path), mark)
    assert notebook("mine = yours('forget_gate')")["mine"] is equations.forget_gate
    line = capsys.readouterr().out
    assert "the package's code runs here, since its file" in line
    (aside,) = (tmp_path / "answers").glob("forget_gate.damaged-*.txt")
    assert aside.name in line
    assert not own_file(tmp_path).exists()
    assert not (tmp_path / "it ran").exists()


def test_a_kept_answer_is_checked_again(notebook, capsys, tmp_path):
    keep(RIGHT)
    with_sum(own_file(tmp_path), WRONG)
    assert notebook("mine = yours('forget_gate')")["mine"] is equations.forget_gate
    assert "since your kept answer no longer passes its check" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_stops_nothing(notebook, capsys, tmp_path):
    (tmp_path / "answers").write_text("a file stands in the way")
    notebook(RIGHT + "\nprint(check(forget_gate))\nmine = yours(forget_gate)")
    message, line = capsys.readouterr().out.splitlines()
    assert "is correct. It is not kept for later notebooks: its file could not be written" in message
    assert line == "`forget_gate`: your own code runs here."


def test_a_source_that_cannot_be_read_is_said(notebook, capsys):
    space = notebook("")
    exec(RIGHT, space)
    notebook("print(check(forget_gate))")
    assert "It is not kept for later notebooks: its source cannot be read" in capsys.readouterr().out


def test_several_at_once_come_in_their_order(notebook, capsys):
    keep(RIGHT)
    gate, step = notebook("mine = yours('forget_gate', 'input_gate')")["mine"]
    assert gate.__code__.co_filename.endswith("forget_gate.py")
    assert step is equations.input_gate
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_the_function_of_the_package_is_not_called_the_learners(capsys):
    assert yours(equations.forget_gate) is equations.forget_gate
    assert "the package's code runs here" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", ["forgetgate", 3, None])
def test_an_unknown_name_is_refused(wrong):
    with pytest.raises(ValueError, match=r"no exercise|takes a function"):
        yours(wrong)


def test_attempts_are_not_counted_twice(notebook):
    from lstm_lesson import progress

    notebook(WRONG + "\nyours(forget_gate)\nyours(forget_gate)")
    assert next(row["attempts"] for row in progress().rows if row["exercise"] == "forget_gate") == 0


def test_what_a_kept_answer_may_use_is_there():
    assert set(kept_answers.GIVEN) == {"torch", "nn", "F", "math"}
