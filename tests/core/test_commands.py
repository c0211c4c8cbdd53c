"""The commands of `python -m lstm_lesson` write their page or say in one line what is wrong, with its exit status."""

import base64
import json
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from lstm_lesson.__main__ import COMMANDS, main
from lstm_lesson.tracing import record

FILE = """
import torch
from torch import nn

class MyLSTM(nn.LSTM):
    pass

class NoLSTM(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.W = nn.Parameter(torch.randn(input_size, hidden_size))
    def forward(self, x):
        return torch.tanh(x @ self.W), None

class Model(nn.Module):
    def __init__(self, batch_first=False):
        super().__init__()
        self.embedding = nn.Embedding(30, 4)
        self.lstm = nn.LSTM(4, 5, 2, batch_first=batch_first)
        self.linear = nn.Linear(5, 1)
    def forward(self, ids, lengths=None):
        return self.linear(self.lstm(self.embedding(ids))[0])

def batch_first():
    return Model(batch_first=True)

def encode(text):
    words = text.split()
    if "wrong" in words:
        return torch.zeros(1, 3, dtype=torch.long), words
    if "lengths" in words:
        return (torch.arange(len(words))[:, None], torch.tensor([len(words)])), words
    return torch.tensor([[len(word)] for word in words]), words  # (T, 1): time comes first

def score(model, ids):
    return model(ids)[:, 0, 0]

def broken(*_):
    raise KeyError("a\\nb")

def leaves():
    raise SystemExit("no GPU")

def data():
    return torch.arange(24).view(12, 2)

def pairs():
    return [(torch.arange(24).view(12, 2), torch.ones(2))]

def first(batch):
    return batch[0]

def total(output):
    return output.sum()

def number():
    return 3
"""


@pytest.fixture
def at(tmp_path, monkeypatch):
    """A folder with the file and weights, in which `main` runs."""
    (tmp_path / "mine.py").write_text(FILE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    space = {}
    exec(FILE, space)
    torch.manual_seed(1)
    model = space["Model"]()
    torch.save(model.state_dict(), "w.pt")
    torch.save({"epoch": 3, "state_dict": model.state_dict()}, "checkpoint.pt")
    torch.save({"model_state_dict": model.state_dict()}, "other.pth")
    torch.save(model.lstm, "whole.pt")
    torch.save(torch.zeros(3), "tensor.pt")
    torch.save(torch.arange(24).view(12, 2), "x.pt")
    np.save("x.npy", np.arange(24).reshape(12, 2))
    return tmp_path, space, model


def shown(path):
    """The values that an inspector page holds, by letter, each (T·H)."""
    texts = json.loads(re.search(r"<script[^>]*json[^>]*>(.*?)</script>", path.read_text(encoding="utf-8"), re.S)[1])
    values = texts["texts"][0]["values"]
    return texts, {k: np.frombuffer(base64.b64decode(v["data"]), "<i2") * v["scale"] for k, v in values.items()}


@pytest.mark.parametrize("weights", ["w.pt", "checkpoint.pt", "other.pth"])
def test_inspect_writes_the_numbers_of_record_where_time_comes_first(at, capsys, weights):
    folder, space, model = at
    text = "a bcd ef ghijk"
    assert main(["inspect", "mine.py:Model", weights, text, "-o", "page.html", "--score", "score", "--layer", "1"]) == 0
    assert capsys.readouterr() == ("page.html\n", "")
    ids, words = space["encode"](text)
    trace = record(model, ids, layer=1)
    page, values = shown(folder / "page.html")
    assert page["texts"][0]["tokens"] == words
    for letter, on_page in values.items():
        assert on_page == pytest.approx(getattr(trace, letter).flatten().tolist(), abs=1e-4)
    assert page["texts"][0]["score"] == pytest.approx(model(ids)[:, 0, 0].tolist(), abs=1e-4)


def test_inspect_takes_several_arguments_of_the_model(at):
    assert main(["inspect", "mine.py:Model", "w.pt", "with lengths", "-o", "page.html"]) == 0


@pytest.mark.parametrize("data", ["data", "x.pt", "x.npy"])
def test_report_writes_its_page(at, capsys, data):
    assert main(["report", "mine.py:Model", "w.pt", data, "-o", "report.html"]) == 0
    assert '"module": "lstm"' in (at[0] / "report.html").read_text(encoding="utf-8")
    arguments = ["report", "mine.py:Model", "w.pt", "pairs", "-o", "report.html", "--force"]
    assert main([*arguments, "--prepare", "first", "--loss", "total", "--name", "lstm"]) == 0


def test_examine_says_what_it_found_with_its_exit_status(at, capsys):
    assert main(["examine", "mine.py:MyLSTM"]) == 0
    assert "It is an LSTM" in capsys.readouterr().out
    assert main(["examine", "mine.py:NoLSTM"]) == 1
    assert "no LSTM" in capsys.readouterr().out


MODEL = ["mine.py:Model", "w.pt"]
RAISES, LEAVES = (1 + [word in line for line in FILE.splitlines()].index(True) for word in ("KeyError", "SystemExit"))


@pytest.mark.parametrize(("arguments", "says"), [
    (["examine", "mine.py"], "mine.py names no Python file that exists; it needs FILE.py:NAME"),
    (["examine", "other.py:MyLSTM"], "other.py:MyLSTM names no Python file"),
    (["examine", "mine.py:Nothing"], "has no function or class 'Nothing'"),
    (["examine", "mine.py:number"], "Its own error: TypeError"),
    (["inspect", *MODEL, "a b", "-o", "mine.py"], "mine.py exists; --force replaces it"),
    (["inspect", *MODEL, "a b", "-o", "no/page.html"], "no/page.html is in no folder that exists"),
    (["inspect", "mine.py:broken", "w.pt", "a b", "-o", "p.html"], rf"KeyError: 'a\nb' (FILE:{RAISES})"),
    (["inspect", "mine.py:leaves", "w.pt", "a b", "-o", "p.html"], f"SystemExit: no GPU (FILE:{LEAVES})"),
    (["inspect", "mine.py:number", "w.pt", "a b", "-o", "p.html"], "'int' object has no attribute 'eval'"),
    (["inspect", *MODEL, "wrong", "-o", "p.html"], "tokens has 1 lists; it needs 3, one a sequence"),
    (["inspect", *MODEL, "a b", "-o", "p.html", "--score", "broken"], "KeyError"),
    (["inspect", *MODEL, "a b", "-o", "p.html", "--layer", "2"], "layer = 2, reverse = False is not there"),
    (["inspect", *MODEL, "a b", "-o", "p.html", "--name", "gru"], "name is 'gru'; it needs one of ['lstm']"),
    (["inspect", "mine.py:Model", "missing.pt", "a b", "-o", "p.html"], "No such file or directory: 'missing.pt'"),
    (["inspect", "mine.py:Model", "whole.pt", "a b", "-o", "p.html"], "whole.pt cannot be read as tensors alone"),
    (["inspect", "mine.py:Model", "mine.py", "a b", "-o", "p.html"], "mine.py cannot be read as tensors alone"),
    (["inspect", "mine.py:Model", "tensor.pt", "a b", "-o", "p.html"], "Expected state_dict to be dict-like"),
    (["inspect", "mine.py:MyLSTM", "w.pt", "a b", "-o", "p.html"], "TypeError: "),
    (["report", *MODEL, "pairs", "-o", "p.html"], "a batch of data is tuple; it needs a tensor, or prepare"),
    (["report", *MODEL, "nothing", "-o", "p.html"], "has no function or class 'nothing'; `report --help` says"),
    (["report", *MODEL, "broken", "-o", "p.html"], "KeyError"),
], ids=str)  # fmt: skip
def test_an_error_is_one_line_with_status_2_and_leaves_no_file(at, capsys, arguments, says):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"python -m lstm_lesson {arguments[0]}: ")
    assert err.count("\n") == 1
    assert says in re.sub(r"[^\s(]*mine\.py:(\d+)", r"FILE:\1", err) if "FILE" in says else says in err
    assert not [*at[0].glob("*.html")]
    assert (at[0] / "mine.py").read_text(encoding="utf-8") == FILE


def test_weights_of_another_model_and_a_file_that_python_cannot_read_are_one_line(at, capsys):
    torch.save({"linear.weight": torch.zeros(1)}, "other.pt")
    assert main(["report", "mine.py:Model", "other.pt", "data", "-o", "p.html"]) == 2
    err = capsys.readouterr().err
    assert "Missing key(s) in state_dict" in err
    assert err.count("\n") == 1
    (at[0] / "bad.py").write_text("x = = 3\n", encoding="utf-8")
    assert main(["examine", "bad.py:x"]) == 2
    assert "SyntaxError: invalid syntax (bad.py, line 1)" in capsys.readouterr().err


def test_safetensors_are_named_where_the_package_is_missing(at, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    assert main(["report", "mine.py:Model", "w.safetensors", "data", "-o", "p.html"]) == 2
    assert "ModuleNotFoundError: import of safetensors.torch halted" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_wrong_use_ends_with_2(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"python -m lstm_lesson {command} " in capsys.readouterr().out.split("example:")[1]
    with pytest.raises(SystemExit) as ended:
        main([command])
    assert ended.value.code == 2


def test_the_command_runs_as_a_module(at):
    run = [sys.executable, "-m", "lstm_lesson", "examine", "mine.py:NoLSTM"]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
