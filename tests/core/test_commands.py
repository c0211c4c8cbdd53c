"""The commands of `python -m lstm_lesson` write their page or say in one line what is wrong, with its exit status."""

import base64
import json
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lstm_lesson.__main__ import COMMANDS, main
from lstm_lesson.report import gate_report
from lstm_lesson.tracing import record

FILE = """
import sys
import torch
from torch import nn
from lstm_lesson import LSTMCell
HERE = sys.modules[__name__]  # as in a file that is imported

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

MADE = Model()

def batch_first():
    return Model(batch_first=True)

def encode(text):
    words = text.split()
    if "wrong" in words:
        return torch.zeros(1, 3, dtype=torch.long), words
    if "alone" in words:
        return torch.tensor([[len(word)] for word in words])
    if "two" in words:
        return torch.ones(3, 2, dtype=torch.long)
    if "list" in words:
        return [len(word) for word in words]
    if "lengths" in words:
        return (torch.arange(len(words))[:, None], torch.tensor([len(words)])), words
    return torch.tensor([[len(word)] for word in words]), words  # (T, 1): time comes first

def score(model, ids):
    return model(ids)[:, 0, 0]

def spam(model, ids):
    assert not torch.is_grad_enabled() and not model.training
    return score(model, ids)

def broken(*_):
    raise KeyError("a\\nb")

def leaves():
    raise SystemExit("no GPU")

def data():
    return torch.arange(24).view(12, 2)

def pairs():
    return 3 * [(torch.arange(24).view(12, 2), torch.ones(2))]

def counts(batch):
    return [12, 5]

def error(output, targets):
    return (output[-1, :, 0] - targets).square().mean()

class Turned(Model):
    def forward(self, ids):
        return self.linear(self.lstm(self.embedding(ids).flip(0))[0])

class Twice(Model):
    def forward(self, ids):
        self.lstm(self.embedding(ids))
        return self.linear(self.lstm(2 * self.embedding(ids))[0])

class Both(Model):
    def __init__(self):
        super().__init__()
        self.lstm, self.linear = nn.LSTM(4, 5, 2, bidirectional=True), nn.Linear(10, 1)

class Odd(Model):
    def __init__(self):
        super().__init__()
        self.model = nn.Parameter(torch.zeros(2))

class Bare(nn.Module):
    pass

class Peepholes(LSTMCell):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size, peephole="diagonal")

def series():
    return nn.LSTM(3, 4)

def a_class():
    return Model

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
    for prefix in ("module.", "model.", "_orig_mod.", "net.model."):
        torch.save({prefix + key: value for key, value in model.state_dict().items()}, prefix + "pt")
    state = {"model." + key: value for key, value in model.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": state | {"loss.weight": torch.ones(3)}}, "lightning.ckpt")
    torch.save({"model": state, "optimizer": {"state": {}}}, "model_in_model.pt")
    torch.save(state | {"teacher." + key: value for key, value in model.state_dict().items()}, "two.pt")
    torch.save({**state, "model.lstm.weight_hh_l0": torch.zeros(1)}, "shape.pt")
    torch.save(space["Both"]().state_dict(), "both.pt")
    torch.save(space["Odd"]().state_dict(), "odd.pt")
    torch.save(space["series"]().state_dict(), "series.pt")
    np.save("series.npy", np.random.default_rng(0).normal(size=(12, 2, 3)))  # float64
    torch.save(torch.arange(24).view(12, 2), "x.pth")
    torch.save(model.lstm, "whole.pt")
    torch.save(torch.zeros(3), "tensor.pt")
    torch.save(torch.arange(24).view(12, 2), "x.pt")
    torch.save(torch.arange(24).view(12, 2), "data.pt")
    more = {"module." + key: value for key, value in model.state_dict().items()}
    torch.save(more | {"module.lstm.weight_ih_l2": torch.zeros(20, 5)}, "more.pt")
    np.save("x.npy", np.arange(24).reshape(12, 2))
    (tmp_path / "texts.csv").write_text("text,label\na b,1\n", encoding="utf-8")
    np.savez("x.npz", x=np.arange(24).reshape(12, 2))
    return tmp_path, space, model


def shown(path):
    """The values that an inspector page holds, by letter, each (T·H)."""
    texts = json.loads(re.search(r"<script[^>]*json[^>]*>(.*?)</script>", path.read_text(encoding="utf-8"), re.S)[1])
    values = texts["texts"][0]["values"]
    return texts, {k: np.frombuffer(base64.b64decode(v["data"]), "<i2") * v["scale"] for k, v in values.items()}


@pytest.mark.parametrize("weights", [
    "w.pt", "checkpoint.pt", "other.pth", "module.pt", "model.pt", "_orig_mod.pt", "net.model.pt", "lightning.ckpt",
    "model_in_model.pt",
])  # fmt: skip
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


def test_inspect_takes_several_arguments_of_the_model_and_ids_without_words(at):
    assert main(["inspect", "mine.py:Model", "w.pt", "with lengths", "-o", "page.html"]) == 0
    assert main(["inspect", "mine.py:Model", "w.pt", "ids alone", "-o", "page.html", "--force"]) == 0
    folder, space, model = at
    page, values = shown(folder / "page.html")
    assert page["texts"][0]["tokens"] == ["1", "2"]
    assert values["h"] == pytest.approx(record(model, space["encode"]("ids alone")).h.flatten().tolist(), abs=1e-4)


@pytest.mark.parametrize(("make", "weights", "options", "chosen"), [
    ("Turned", "w.pt", ["--reverse"], {"reverse": True}),
    ("Twice", "w.pt", ["--call", "1"], {"call": 1}),
    ("Twice", "w.pt", ["--call", "0"], {"call": 0}),
    ("Both", "both.pt", ["--reverse", "--layer", "1", "--name", "lstm"], {"reverse": True, "layer": 1}),
])  # fmt: skip
def test_inspect_and_report_hand_on_the_choices_of_record(at, make, weights, options, chosen):
    folder, space, _ = at
    model, text = space[make](), "a bcd ef ghijk"
    model.load_state_dict(torch.load(weights))
    trace = record(model, space["encode"](text)[0], **chosen)
    assert main(["inspect", f"mine.py:{make}", weights, text, "-o", "page.html", *options]) == 0
    assert shown(folder / "page.html")[1]["h"] == pytest.approx(trace.h.flatten().tolist(), abs=1e-4)
    options = [option for option in options if option not in ("--layer", "1") or make == "Twice"]
    assert main(["report", f"mine.py:{make}", weights, "data", "-o", "report.html", *options]) == 0
    options = {key: value for key, value in chosen.items() if key != "layer"}
    assert table(folder / "report.html") == rows(gate_report(model, space["data"](), **options))


def rows(found):
    return [
        (row["direction"], row["row"], pytest.approx(row["model"], rel=1e-4)) for row in found.table.to_dict("records")
    ]


def table(path):
    """The rows of a report's page."""
    data = json.loads(re.search(r"const DATA = (.*);\n", path.read_text(encoding="utf-8"))[1])
    return [(row["direction"], row["row"], row["model"]) for row in data["rows"]]


def test_report_takes_batches_with_lengths_and_targets(at):
    folder, space, model = at
    words = ["report", "mine.py:Model", "w.pt", "pairs", "-o", "report.html", "--prepare", "first", "--batches", "2"]
    assert main([*words, "--loss", "error", "--lengths", "counts"]) == 0
    functions = {"prepare": space["first"], "loss": space["error"], "lengths": [12, 5]}
    assert table(folder / "report.html") == rows(gate_report(model, space["pairs"](), batches=2, **functions))
    assert "Batches read: 2, at most 2." in (folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("data", ["data", "x.pt", "x.pth", "x.npy"])
def test_report_writes_its_page(at, capsys, data):
    assert main(["report", "mine.py:Model", "w.pt", data, "-o", "report.html"]) == 0
    assert '"module": "lstm"' in (at[0] / "report.html").read_text(encoding="utf-8")
    arguments = ["report", "mine.py:Model", "w.pt", "pairs", "-o", "report.html", "--force"]
    assert main([*arguments, "--prepare", "first", "--loss", "total", "--name", "lstm"]) == 0
    assert main([*arguments[:4], "-o", "report.html", "--force", "--name", "gru", "--prepare", "first"]) == 2
    assert "name is 'gru'" in capsys.readouterr().err


def test_report_reads_numbers_of_numpy_in_the_dtype_of_the_model(at):
    assert main(["report", "mine.py:series", "series.pt", "series.npy", "-o", "report.html"]) == 0


def test_a_weight_may_have_the_name_of_an_entry_of_a_checkpoint(at):
    assert main(["inspect", "mine.py:Odd", "odd.pt", "a b", "-o", "page.html"]) == 0


def test_the_score_has_the_name_of_its_function_and_a_model_in_evaluation_mode_without_gradients(at):
    assert main(["inspect", "mine.py:Model", "w.pt", "a b", "-o", "page.html", "--score", "spam"]) == 0
    assert shown(at[0] / "page.html")[0]["texts"][0]["score_name"] == "spam"


def test_without_a_command_the_status_says_whether_the_set_up_is_complete(monkeypatch, capsys):
    for complete in (True, False):
        report = SimpleNamespace(complete=complete)
        monkeypatch.setattr("lstm_lesson.setup_check.report", lambda report=report: report)
        assert main([]) == (0 if complete else 1)
        assert f"complete={complete}" in capsys.readouterr().out


def test_examine_says_what_it_found_with_its_exit_status(at, capsys):
    assert main(["examine", "mine.py:MyLSTM"]) == 0
    assert "It is an LSTM" in capsys.readouterr().out
    assert main(["examine", "mine.py:Peepholes"]) == 0
    assert "peepholes" in capsys.readouterr().out
    assert main(["examine", "mine.py:NoLSTM"]) == 1
    assert "no LSTM" in capsys.readouterr().out


MODEL = ["mine.py:Model", "w.pt"]
RAISES, LEAVES = (1 + [word in line for line in FILE.splitlines()].index(True) for word in ("KeyError", "SystemExit"))


@pytest.mark.parametrize(("arguments", "says"), [
    (["examine", "mine.py"], "mine.py needs a name behind it, FILE.py:NAME; it has MyLSTM, NoLSTM, Model, Tur"),
    (["examine", "mine.py:"], "mine.py needs a name behind it, FILE.py:NAME; it has MyLSTM, NoLSTM, Model, Tur"),
    (["examine", "mine"], "mine names no Python file that exists; it needs FILE.py:NAME"),
    (["examine", "mine.py:nn"], "has no function or class 'nn'; it has MyLSTM, NoLSTM, Model"),
    (["inspect", "mine.py", "w.pt", "a b", "-o", "p.html"], "Model, batch_first, encode, score"),
    (["inspect", "mine.py:a_class", "w.pt", "a b", "-o", "p.html"], "mine.py:a_class makes type; it needs a model"),
    (["inspect", "mine.py:Bare", "w.pt", "a b", "-o", "p.html"], "Unexpected key(s) in state_dict"),
    (["inspect", *MODEL, "", "-o", "p.html"], "TEXT is empty; it needs at least one word"),
    (["inspect", *MODEL, " \n", "-o", "p.html"], "TEXT is empty"),
    (["inspect", *MODEL, "two", "-o", "p.html"], "encode returns 2 sequences; it needs one"),
    (["inspect", *MODEL, "a list", "-o", "p.html"], "encode returns list; it needs to return a tensor, or ("),
    (["inspect", "mine.py:Twice", "w.pt", "a b", "-o", "p.html"], "choose one with call=0 to call=1"),
    (["inspect", "mine.py:Turned", "w.pt", "a bcd", "-o", "p.html"], "pass reverse=True"),
    (["inspect", "mine.py:Model", "two.pt", "a b", "-o", "p.html"], "Missing key(s) in state_dict"),
    (["inspect", "mine.py:Model", "shape.pt", "a b", "-o", "p.html"], "size mismatch for lstm.weight_hh_l0"),
    (["inspect", *MODEL, "a b", "-o", "p.html", "--score", "scores"], "no function or class 'scores'"),
    (["report", *MODEL, "texts.csv", "-o", "p.html"], "DATA is texts.csv; it needs a file of tensors (.pt"),
    (["report", *MODEL, "x.npz", "-o", "p.html"], "DATA is x.npz; it needs a file of tensors"),
    (["report", *MODEL, "missing.pt", "-o", "p.html"], "No such file or directory: 'missing.pt'"),
    (["report", *MODEL, "missing.npy", "-o", "p.html"], "No such file or directory: 'missing.npy'"),
    (["report", *MODEL, "data", "-o", "p.html", "--batches", "0"], "batches is 0; it needs a whole number"),
    (["report", *MODEL, "data", "-o", "p.html", "--prepare", "prep"], "no function or class 'prep'"),
    (["report", *MODEL, "data", "-o", "p.html", "--lengths", "lens"], "no function or class 'lens'"),
    (["report", *MODEL, "data", "-o", "mine.py"], "mine.py exists; --force replaces it"),
    (["report", *MODEL, "data", "-o", "p.html", "--loss", "broken"], f"run on each batch of data (FILE:{RAISES})"),
    (["examine", "other.py:MyLSTM"], "other.py:MyLSTM names no Python file"),
    (["examine", "mine.py:Nothing"], "has no function or class 'Nothing'"),
    (["examine", "mine.py:number"], "Its own error: TypeError"),
    (["inspect", *MODEL, "a b", "-o", "mine.py"], "mine.py exists; --force replaces it"),
    (["inspect", *MODEL, "a b", "-o", "no/page.html"], "no/page.html is in no folder that exists"),
    (["inspect", "mine.py:broken", "w.pt", "a b", "-o", "p.html"], rf"KeyError: 'a\nb' (FILE:{RAISES})"),
    (["inspect", "mine.py:leaves", "w.pt", "a b", "-o", "p.html"], f"SystemExit: no GPU (FILE:{LEAVES})"),
    (["inspect", "mine.py:number", "w.pt", "a b", "-o", "p.html"], "mine.py:number makes int; it needs a model"),
    (["inspect", *MODEL, "wrong", "-o", "p.html"], "tokens has 1 lists; it needs 3, one a sequence"),
    (["inspect", *MODEL, "a b", "-o", "p.html", "--score", "broken"], "KeyError"),
    (["inspect", *MODEL, "a b", "-o", "p.html", "--layer", "2"], "layer = 2, reverse = False is not there"),
    (["inspect", *MODEL, "a b", "-o", "p.html", "--name", "gru"], "name is 'gru'; it needs one of ['lstm']"),
    (["inspect", "mine.py:Model", "missing.pt", "a b", "-o", "p.html"], "No such file or directory: 'missing.pt'"),
    (["inspect", "mine.py:Model", "whole.pt", "a b", "-o", "p.html"], "whole.pt cannot be read as tensors alone"),
    (["inspect", "mine.py:Model", "mine.py", "a b", "-o", "p.html"], "mine.py cannot be read as tensors alone"),
    (["inspect", "mine.py:Model", "tensor.pt", "a b", "-o", "p.html"], "tensor.pt cannot be read as tensors"),
    (["inspect", "mine.py:MyLSTM", "w.pt", "a b", "-o", "p.html"], "TypeError: "),
    (["inspect", "mine.py:MADE", "w.pt", "a b", "-o", "p.html"], "mine.py:MADE is a model; it needs a function"),
    (["inspect", *MODEL, "a b", "-o", "./w.pt", "--force"], "w.pt is one of the files that are read; it needs another"),
    (["inspect", *MODEL, "a b", "-o", "mine.py", "--force"], "mine.py is one of the files that are read"),
    (["report", *MODEL, "data.pt", "-o", "data.pt", "--force"], "data.pt is one of the files that are read"),
    (["inspect", "mine.py:Model", "more.pt", "a b", "-o", "p.html"], "Unexpected key(s) in state_dict"),
    (["report", *MODEL, "pairs", "-o", "p.html"], "a batch of data is tuple; it needs a tensor, or prepare"),
    (["report", *MODEL, "nothing", "-o", "p.html"], "has no function or class 'nothing'; it has MyLSTM, "),
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


@pytest.mark.parametrize(("arguments", "says"), [
    (["inspect", *MODEL, "a b", "-o", "p.html", "--layer", "abc"], "argument --layer: invalid int value: 'abc'"),
    (["inspect", *MODEL, "a b", "-o", "p.html", "--call", "first"], "argument --call: invalid int value: 'first'"),
    (["report", *MODEL, "data", "-o", "p.html", "--batches", "1.5"], "argument --batches: invalid int value: '1.5'"),
    (["inspect", *MODEL, "a b"], "inspect: the following arguments are required: -o/--output"),
    (["report", *MODEL, "data", "-o", "p.html", "--layer", "1"], ": unrecognized arguments: --layer 1"),
    (["look", "mine.py:Model"], "invalid choice: 'look'"),
], ids=str)  # fmt: skip
def test_wrong_use_is_one_line_with_status_2(at, capsys, arguments, says):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    out, err = capsys.readouterr()
    assert ended.value.code == 2 and out == "" and err.count("\n") == 1
    assert says in err and err.endswith("; --help says more\n")


def test_a_file_whose_names_are_all_imported_has_none(at, capsys):
    (at[0] / "other.py").write_text(
        "from mine import Model\nfrom numpy import sin\nfrom torch.nn import LSTM\nx = 3\n", encoding="utf-8"
    )
    assert main(["inspect", "other.py:GRU", "w.pt", "a", "-o", "p.html"]) == 2
    assert "other.py has no function or class 'GRU'; it has none; --help says what" in capsys.readouterr().err


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
