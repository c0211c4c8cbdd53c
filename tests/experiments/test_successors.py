"""The table of notebook 17: equal parameters, a search that is the same for all, and a file that goes on."""

import math
import sys
from dataclasses import replace

import pytest
import torch
from repository import ROOT

from lstm_lesson.experiments import results


@pytest.fixture
def table(monkeypatch):
    """The benchmark with tasks so small that they run at once."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    monkeypatch.delitem(sys.modules, "successors", raising=False)
    import successors

    small = {name: replace(task, units=4, length=12, batch=2, updates=min(task.updates, 2))
             for name, task in successors.TASKS.items()}  # fmt: skip
    monkeypatch.setattr(successors, "TASKS", small)
    monkeypatch.setattr(successors, "RATES", (0.01, 0.02))
    monkeypatch.setattr(successors, "SEARCH", (100,))
    monkeypatch.setattr(successors, "FINALS", (10,))
    monkeypatch.setattr(
        successors, "KINDS", {kind: successors.KINDS[kind] for kind in ("LSTM", "minLSTM", "attention")}
    )
    successors.units_of.cache_clear()
    return successors


def test_all_kinds_have_as_many_parameters_as_the_lstm(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    monkeypatch.delitem(sys.modules, "successors", raising=False)
    import successors

    models = {kind: successors.model_of("order", kind, successors.units_of("order", kind)) for kind in successors.KINDS}
    sizes = {kind: sum(p.numel() for p in model.parameters()) for kind, model in models.items()}
    assert successors.units_of("order", "LSTM") == successors.TASKS["order"].units
    assert all(abs(size / sizes["LSTM"] - 1) < 0.04 for size in sizes.values()), sizes
    assert set(successors.KINDS) == {"RNN", "LSTM", "GRU", "minLSTM", "attention"}


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU", "minLSTM", "attention"])
def test_a_kind_reads_in_parts_what_it_reads_at_once(monkeypatch, kind):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import successors

    torch.manual_seed(0)
    model, x, state, found = successors.KINDS[kind](3, 5).double(), torch.randn(2, 7, 3).double(), None, []
    for part in x.split([4, 1, 2], dim=1):
        hidden_seq, state = model(part, state)
        found.append(hidden_seq)
    assert (torch.cat(found, dim=1) - model(x)[0]).abs().max() <= 1e-12
    assert (model(x)[0] - model(x[:, [1, 0, 2, 3, 4, 5, 6]])[0])[:, -1].abs().max() > 1e-6  # the order counts


def test_the_command_searches_then_measures_and_goes_on_where_it_stopped(table, tmp_path, monkeypatch, capsys):
    path = tmp_path / "s.csv"
    monkeypatch.setattr(sys, "argv", ["successors", str(path), "--workers", "1"])
    table.main()
    said = capsys.readouterr().out
    assert "search: 18 runs, 18 of them to do\n" in said and "finals: 15 runs, 15 of them to do\n" in said
    rows = table.read(path)
    assert len(rows) == 33 and {row["command"] for row in rows.values()} == {"make successors"}
    assert all(math.isfinite(row["loss"]) and row["loss"] > 0 for row in rows.values())
    for run, row in rows.items():
        assert row["chance"] == table.TASKS[run.task].chance or math.isnan(row["chance"])
        if run.seed == 10 and run.task in table.TRAINED:
            assert run.lr == table.best_rate(rows.values(), run.task, run.variant)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-2]))
    table.main()
    assert "finals: 15 runs, 2 of them to do\n" in capsys.readouterr().out
    assert {run: row["loss"] for run, row in table.read(path).items() if run.task in table.TRAINED} == {
        run: row["loss"] for run, row in rows.items() if run.task in table.TRAINED
    }


def result(table, run):
    return table.measured([run])[run]["loss"]


def test_one_run_is_the_same_whatever_ran_before(table):
    run = table.run_of("characters", "attention", 10, 0.01)
    first = result(table, run)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    assert result(table, run) == first and torch.equal(torch.get_rng_state(), state)
    assert result(table, replace(run, seed=11)) != first


def test_each_seed_has_its_own_weights(table, monkeypatch):
    monkeypatch.setattr(table, "trained", lambda run, model: next(model.parameters()).sum().item())
    run = table.run_of("order", "LSTM", 10, 0.01)
    assert result(table, run) == result(table, run) != result(table, replace(run, seed=11))


def test_the_best_rate_has_the_lowest_mean_and_no_number_loses(table, monkeypatch):
    monkeypatch.setattr(table, "SEARCH", (100, 101))
    losses = {
        (0.01, 100): 1.0,
        (0.01, 101): math.nan,
        (0.02, 100): 3.0,
        (0.02, 101): 4.0,
        (0.04, 100): 0.1,
        (0.04, 101): 9.0,
    }
    tried = [(lr, seed, loss) for (lr, seed), loss in losses.items()] + [(0.08, 10, 0.0)]  # the last is no search
    rows = [dict(task="order", variant="LSTM", lr=lr, seed=seed, loss=loss) for lr, seed, loss in tried]
    assert table.best_rate(rows, "order", "LSTM") == 0.02


def test_attention_keeps_more_for_the_backward_pass_the_longer_the_text(table):
    kept = {kind: [result(table, table.run_of("memory", kind, 10, 0.0, length=T)) for T in (128, 256)]
            for kind in ("minLSTM", "attention")}  # fmt: skip
    assert kept["minLSTM"][1] / kept["minLSTM"][0] == pytest.approx(2, rel=0.05)
    assert kept["attention"][1] / kept["attention"][0] > 2.5


def test_the_stored_table_is_the_full_one(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    monkeypatch.delitem(sys.modules, "successors", raising=False)
    import successors

    rows = results.stored("successors.csv")
    search = successors.search_grid()
    assert set(rows) == {*search, *successors.final_grid([rows[run] for run in search])}
    for row in rows.values():
        assert row["command"] == "make successors" and row["seconds"] > 0
