"""Variants of the LSTM, trainings that can be paired, and a sweep that loses nothing and repeats nothing."""

import csv
import importlib.util
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace

import pytest
import torch
from repository import ROOT

from lstm_lesson import CustomLSTM, equations
from lstm_lesson.experiments import ablation, results, variants
from lstm_lesson.experiments.ablation import TASKS, grid, trained
from lstm_lesson.experiments.variants import VARIANTS, VariantLSTM
from lstm_lesson.layers import unroll
from lstm_lesson.training.metrics import sign_flip_test

GATES = "ifco"
TINY = dict(length=10, units=3, batch=4, updates=2)
SPEC = importlib.util.spec_from_file_location("make_sweep", ROOT / "benchmarks" / "sweep.py")
make_sweep = importlib.util.module_from_spec(SPEC)  # the command
SPEC.loader.exec_module(make_sweep)


def split(net):
    """The stacked weights of a variant under the equations' names."""
    named = {}
    for prefix, stacked in (("W_x", net.W_x), ("W_h", net.W_h), ("b_", net.b)):
        named |= {prefix + k: part for k, part in zip(GATES, stacked.chunk(4, dim=-1), strict=True)}
    return named | {f"W_c{k}": row for k, row in zip("ifo", net.peepholes, strict=True)}


def drawn(variant="vanilla", seed=0, B=4, T=7, N=3, H=5):
    torch.manual_seed(seed)
    net = VariantLSTM(N, H, variant).double()
    return net, torch.randn(B, T, N, dtype=torch.float64)


@pytest.mark.parametrize(("variant", "peephole"), [("vanilla", None), ("PEEP", "diagonal")])
def test_the_variant_equals_the_custom_lstm_forward_and_backward(variant, peephole):
    net, x = drawn(variant)
    own = CustomLSTM(3, 5, peephole=peephole).double()
    own.cells[0].load_state_dict({name: w for name, w in split(net).items() if peephole or not name.startswith("W_c")})
    ours, theirs = net(x), own(x)[0]
    assert (ours - theirs).abs().max() <= 1e-12
    ours.sin().sum().backward()
    theirs.sin().sum().backward()
    for name, weight in own.cells[0].named_parameters():
        if name.startswith("W_c"):
            grad = net.peepholes.grad["ifo".index(name[-1])]
        else:
            stacked = {"W_x": net.W_x, "W_h": net.W_h, "b_": net.b}[name[:-1]].grad
            grad = stacked.chunk(4, dim=-1)[GATES.index(name[-1])]
        assert (grad - weight.grad).abs().max() <= 1e-12, name


def test_without_gates_and_memory_it_is_the_tanh_rnn():
    net, x = drawn("RNN")
    w = split(net)
    assert (net(x) - unroll(x, x.new_zeros(4, 5), w["W_xc"], w["W_hc"], w["b_c"])).abs().max() <= 1e-12


def slowly(variant, x, net):
    """A variant through the lesson's own equations, with its change made to what they read and return."""
    w, old, H = split(net), variant == "LSTM97", net.hidden_size
    seen = {"FGR": "ifo", "LSTM97": "io"}.get(variant, "")  # the gates that the gates read
    h = c = x.new_zeros(x.shape[0], H)
    before = dict.fromkeys("ifo", h)
    seq = []
    for t in range(x.shape[1]):
        if old:  # the error that reaches what the gates and g read goes no further back
            h, before = h.detach(), {k: gate.detach() for k, gate in before.items()}
        b = {k: w[f"b_{k}"] for k in "ifco"}
        for k, to in enumerate("ifo"):
            for frm in seen:
                row = H * "ifo".index(frm)
                b[to] = b[to] + before[frm] @ net.W_g[row : row + H, H * k : H * (k + 1)]
        z = {k: x[:, t] @ w[f"W_x{k}"] + h @ w[f"W_h{k}"] + b[k] for k in "ifco"}
        i, f, o, g = *(torch.sigmoid(z[k]) for k in "ifo"), torch.tanh(z["c"])
        before = {"i": i, "f": f, "o": o}
        i = torch.ones_like(i) if variant == "NIG" else i
        f = {"NFG": torch.ones_like(f), "LSTM97": torch.ones_like(f), "CIFG": 1 - i}.get(variant, f)
        o = torch.ones_like(o) if variant == "NOG" else o
        g = {"NIAF": z["c"], "LSTM97": 4 * torch.sigmoid(z["c"]) - 2}.get(variant, g)
        c = equations.cell_state(f, c, i, g)
        h = o * {"NOAF": c, "LSTM97": 2 * torch.sigmoid(c) - 1}.get(variant, torch.tanh(c))
        seq.append(h)
    return torch.stack(seq, dim=1)


@pytest.mark.parametrize("variant", ["NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "FGR", "LSTM97"])
def test_each_variant_equals_the_equations_with_its_change_forward_and_backward(variant):
    net, x = drawn(variant)
    ours, theirs = net(x), slowly(variant, x, net)
    assert (ours - theirs).abs().max() <= 1e-12
    used = [weight for name, weight in net.named_parameters() if name != "peepholes"]
    wanted = torch.autograd.grad(theirs.sin().sum(), used, allow_unused=True)
    for mine, other in zip(torch.autograd.grad(ours.sin().sum(), used, allow_unused=True), wanted, strict=True):
        assert (mine is None or (mine == 0).all()) if other is None else (mine - other).abs().max() <= 1e-12


def test_with_a_start_of_its_own_only_the_two_biases_differ():
    nets = []
    for added in ({}, dict(input_bias=-3.0, forget_bias=2.0)):
        torch.manual_seed(0)
        nets.append(VariantLSTM(3, 5, **added))
    change = {name: b - a for (name, a), b in zip(nets[0].named_parameters(), nets[1].parameters(), strict=True)}
    assert torch.allclose(change.pop("b"), torch.tensor([-3.0, 2.0, 0.0, 0.0]).repeat_interleave(5))
    assert all((moved == 0).all() for moved in change.values())


def coupled(z_i, z_f, z_c, z_o, c_prev):
    c = variants.coupled_cell_state(torch.sigmoid(z_i), c_prev, torch.tanh(z_c))
    return torch.sigmoid(z_o) * torch.tanh(c), c


def test_a_step_of_ones_own_runs_beside_the_variants_and_repeats_the_one_that_it_is():
    runs = grid(["adding"], ["CIFG", "mine"], [0], **TINY)
    theirs, mine = ablation.sweep(runs, workers=1, own={"mine": coupled})
    assert mine["variant"] == "mine" and mine["loss"] == pytest.approx(theirs["loss"], rel=1e-6)
    with pytest.raises(ValueError, match=r"variant is 'mine'.*vanilla.*yours"):
        ablation.sweep(runs, workers=1, own={"yours": coupled})


def final_losses(runs):
    return [row["loss"] for row in trained(runs).values()]


def final_loss(run):
    return final_losses([run])[0]


def test_all_variants_start_from_the_same_weights_and_answer_differently():
    made = {}
    for variant in VARIANTS:
        net, x = drawn(variant, seed=3)
        made[variant] = net(x)
        assert all(torch.equal(a, b) for a, b in zip(net.parameters(), drawn(seed=3)[0].parameters(), strict=True))
    pairs = [(a, b) for a in made for b in made if a < b]
    assert all((made[a] - made[b]).abs().max() > 1e-3 for a, b in pairs)


def test_coupled_cell_state_is_cell_state_with_f_equal_to_one_minus_i():
    i, c, g = torch.rand(3, 4, 5)
    assert torch.equal(variants.coupled_cell_state(i, c, g), equations.cell_state(1 - i, c, i, g))
    with pytest.raises(ValueError, match="g_t has shape"):
        variants.coupled_cell_state(i, c, g[:, :4])


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_weights_that_get_a_gradient_are_those_that_the_variant_needs(variant):
    net, x = drawn(variant)  # N = 3, H = 5
    net(x).sin().sum().backward()
    parts = {"NIG": 3, "NFG": 3, "NOG": 3, "CIFG": 3, "LSTM97": 3, "RNN": 1}.get(variant, 4)
    more = {"PEEP": 3 * 5, "FGR": 9 * 25, "LSTM97": 4 * 25}.get(variant, 0)
    read = sum(int((w.grad != 0).sum()) for w in net.parameters() if w.grad is not None)
    assert read == parts * 5 * (3 + 5 + 1) + more


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: VariantLSTM(3, 5, "GRU"), "variant is 'GRU'.*vanilla"),
        (lambda: VariantLSTM(0, 5), "input_size is 0"),
        (lambda: VariantLSTM(3, 5)(torch.zeros(2, 4, 2)), "x has shape .*N = 3"),
        (lambda: grid(["juggling"]), "task is 'juggling'"),
        (lambda: ablation.sweep(grid(variants=["GRU"])), "variant is 'GRU'"),
        (lambda: ablation.best_draw([], "adding", "NFG"), "rows have no draw of 'NFG' on 'adding'"),
    ],
)
def test_a_name_or_shape_that_does_not_fit_is_named(call, named):
    with pytest.raises(ValueError, match=named):
        call()


# --- trainings -------------------------------------------------------------------------------------------------


def test_runs_of_one_seed_see_the_same_batches_and_another_seed_sees_others(monkeypatch):
    seen = {}
    for run in grid(["adding"], ["vanilla", "NIG"], [0, 1], **TINY):
        batches = seen[run.variant, run.seed] = []
        draw = TASKS["adding"].draw
        spied = replace(TASKS["adding"], draw=lambda *a, b=batches, d=draw: b.append(d(*a)) or b[-1])
        monkeypatch.setitem(TASKS, "adding", spied)
        final_loss(run)
        monkeypatch.undo()
    inputs = {key: [x for x, _ in batches] for key, batches in seen.items()}
    assert all(torch.equal(a, b) for a, b in zip(inputs["vanilla", 0], inputs["NIG", 0], strict=True))
    assert not torch.equal(inputs["vanilla", 0][0], inputs["vanilla", 1][0])
    assert torch.equal(inputs["vanilla", 0][-1], inputs["NIG", 0][-1])  # measured on the same sequences
    assert len(inputs["vanilla", 0]) == 3 and len(inputs["vanilla", 0][-1]) == 1000


@pytest.mark.parametrize("task", TASKS)
def test_a_run_repeats_to_the_last_bit_and_leaves_the_random_numbers_alone(task):
    run = grid([task], ["CIFG"], [4], **TINY | {"length": 12 if task == "order" else 2})[0]
    torch.manual_seed(5)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    first = final_loss(run)
    assert torch.equal(torch.get_rng_state(), before) and torch.get_num_threads() == threads
    torch.manual_seed(6)
    assert final_loss(run) == first
    assert final_loss(replace(run, seed=5)) != first


def plainly(run):
    """One run in a loop of its own: the final loss."""
    task = TASKS[run.task]
    torch.manual_seed(run.seed)
    net = VariantLSTM(task.inputs, run.units, run.variant, run.forget_bias, run.input_bias)
    read = torch.nn.Linear(run.units, task.outputs)
    weights, order = [*net.parameters(), *read.parameters()], torch.Generator().manual_seed(1000 + run.seed)
    adam = torch.optim.Adam(weights)
    for update in range(run.updates):
        batch = task.draw(run.batch, run.length, order)
        adam.zero_grad()
        task.losses(read(net(batch[0])), batch)[0].backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        adam.param_groups[0]["lr"] = run.lr * (1 - update / run.updates)
        adam.step()
    fresh = task.draw(1000, run.length, torch.Generator().manual_seed(2000 + run.seed))
    return task.losses(read(net(fresh[0])), fresh)[1].item()


@pytest.mark.parametrize("task", TASKS)
def test_a_group_gives_what_each_of_its_runs_gives_alone(task):
    few = dict(length={"order": 12}.get(task, 2), units=3, batch=4, updates=8)
    runs = [grid([task], ["FGR"], [seed], **few, **ablation.drawn_settings(seed))[0] for seed in (100, 101, 103)]
    assert ablation.together(runs) == [runs]
    assert final_losses(runs) == pytest.approx([plainly(run) for run in runs], rel=1e-4)
    assert list(trained(runs)) == runs


def test_one_run_that_is_no_longer_finite_leaves_the_others_of_its_group_as_they_were():
    runs = [grid(["adding"], ["NOAF"], [0], lr=lr, **TINY | {"updates": 5})[0] for lr in (0.01, 1e30)]
    losses = final_losses(runs)
    assert losses[0] == pytest.approx(plainly(runs[0]), rel=1e-4) and not math.isfinite(losses[1])


def test_runs_that_are_trained_at_once_differ_in_seed_and_searched_settings_alone():
    runs = grid(["adding", "order"], ["vanilla", "NFG"], [0, 1]) + grid(["adding"], ["NFG"], [2], lr=0.1)
    groups = ablation.together(runs + grid(["adding"], ["NFG"], [0], updates=7))
    assert sorted(map(len, groups)) == [1, 2, 2, 2, 3]
    assert all(len({(run.task, run.variant, run.updates) for run in group}) == 1 for group in groups)


def test_a_group_with_a_missing_run_is_trained_again_and_only_the_missing_row_is_added(tmp_path, monkeypatch):
    path, runs = tmp_path / "s.csv", grid(["adding"], ["vanilla", "NFG"], [0, 1, 2], **TINY)
    made(path, runs)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:2] + lines[3:]))
    done = spy(monkeypatch)
    rows = made(path, runs)
    assert done == runs[:3] and len(path.read_text().splitlines()) == 7
    assert [row["loss"] for row in rows] == [float(line.split(",")[-7]) for line in lines[1:]]


@pytest.mark.parametrize("task", TASKS)
def test_chance_is_the_loss_of_the_best_constant_answer(task):
    about = TASKS[task]
    drawn = about.draw(4000, {"adding": 20, "order": 20}.get(task, 2), torch.Generator().manual_seed(0))
    answer = {"adding": 1.0, "order": 0.0, "reber": 0.0, "spikes": 0.5}[task]
    answers = torch.full((*drawn[0].shape[:2], about.outputs), answer)
    if task == "reber":
        answers[..., [0, 3, 4, 5, 6]] = -1e4  # T or P, all alike
    assert about.losses(answers, drawn)[1].item() == pytest.approx(about.chance, rel=0.03)


def test_the_draws_are_the_same_in_every_order_and_stay_in_their_ranges():
    seeds = list(range(1000))
    there = {seed: ablation.drawn_settings(seed) for seed in seeds}
    torch.manual_seed(3)
    assert there == {seed: ablation.drawn_settings(seed) for seed in seeds[::-1]}
    ranges = {"lr": (0.003, 0.1), "input_bias": (-5, 1), "forget_bias": (0, 5)}
    for name, (low, high) in ranges.items():
        values = [
            math.log(s[name] / low) / math.log(high / low) if name == "lr" else (s[name] - low) / (high - low)
            for s in there.values()
        ]
        assert -1e-3 <= min(values) < 0.01 and 0.99 < max(values) <= 1.001
        assert torch.tensor(values).mean().item() == pytest.approx(0.5, abs=0.046)  # 5 standard errors


def searched(loss_of):
    """Rows of a search with these losses: `loss_of` maps (task, variant, seed) to a loss."""
    runs = [run for run in make_sweep.search_grid() if run.seed in ablation.DRAWS]
    return [asdict(run) | {"loss": loss_of(run.task, run.variant, run.seed), "chance": 1.0} for run in runs]


def test_the_search_has_the_same_draws_for_every_variant_and_then_its_best_on_new_seeds():
    search = make_sweep.search_grid()
    kinds, draws = len(TASKS) * len(VARIANTS), len(ablation.DRAWS)
    assert len(set(search)) == len(search) == kinds * draws + 40
    settings = {}
    for run in search:
        if run.seed in ablation.DRAWS:
            settings.setdefault((run.task, run.variant), []).append((run.seed, run.lr, run.input_bias, run.forget_bias))
    assert len(settings) == kinds and len(set(map(tuple, settings.values()))) == 1
    lucky = {key: 100 + k % draws for k, key in enumerate(settings)}
    rows = searched(
        lambda task, variant, seed: 0.1 if seed == lucky[task, variant] else math.nan if seed == 100 else 0.2
    )
    finals = make_sweep.final_grid(rows)
    assert len(set(finals)) == len(finals) == 5 * kinds and not set(finals) & set(search)
    for run in finals:
        best = ablation.drawn_settings(lucky[run.task, run.variant])
        assert {name: getattr(run, name) for name in best} == best and run.seed in ablation.FINALS
    assert not set(ablation.DRAWS) & set(ablation.FINALS) and len({run.updates for run in [*search, *finals]}) == 1


# --- the file --------------------------------------------------------------------------------------------------


def tiny(n=3):
    return grid(["adding"], list(VARIANTS)[:n], [0], **TINY)


def made(path, runs, **more):
    return make_sweep.resumed(runs, path, workers=1, **more)


def test_rows_come_in_the_order_of_the_runs_with_all_that_made_them(tmp_path):
    runs = tiny()[::-1]
    rows = made(tmp_path / "s.csv", runs, command="make sweep")
    assert [results.parsed(row)[0] for row in rows] == runs
    assert [row["loss"] for row in rows] == [final_loss(run) for run in runs]
    with (tmp_path / "s.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert [dict(row) for row in read] == [{name: str(value) for name, value in row.items()} for row in rows]
    assert read[0]["torch"] in torch.__version__ and read[0]["command"] == "make sweep"
    assert list(make_sweep.read(tmp_path / "s.csv").values()) == rows
    assert made(tmp_path / "s.csv", runs[:0:-1]) == rows[:0:-1]  # those asked for, as asked for


def spy(monkeypatch):
    """What is trained from here on."""
    done = []
    monkeypatch.setattr(make_sweep, "trained", lambda runs: done.extend(runs) or trained(runs))
    return done


def test_a_sweep_that_was_stopped_goes_on_and_repeats_nothing(tmp_path, monkeypatch):
    path, runs = tmp_path / "s.csv", tiny(4)
    made(path, runs[:2])
    before, done = path.read_text(), spy(monkeypatch)
    rows = made(path, runs)
    assert done == runs[2:] and len(rows) == 4
    assert path.read_text().startswith(before) and len(path.read_text().splitlines()) == 5
    made(path, runs)
    assert done == runs[2:]


def test_what_trains_the_runs_of_another_experiment_gets_one_at_a_time(tmp_path):
    path, runs, asked = tmp_path / "s.csv", grid(["adding"], ["vanilla"], [0, 1], **TINY), []

    def measured(group):
        asked.append(group)
        return {run: asdict(run) | {"loss": 0.5, "chance": 1.0, "seconds": 0.1} for run in group}

    rows = made(path, runs, train=measured, command="make other")
    assert asked == [[run] for run in runs] and list(make_sweep.read(path).values()) == rows
    assert made(path, runs, train=measured) == rows and len(asked) == 2


def test_runs_with_other_settings_are_other_runs(tmp_path, monkeypatch):
    path, runs = tmp_path / "s.csv", tiny(1)
    made(path, runs)
    done = spy(monkeypatch)
    made(path, [replace(runs[0], lr=0.5)])
    assert done == [replace(runs[0], lr=0.5)] and len(make_sweep.read(path)) == 2


def test_a_sweep_that_was_cut_off_at_any_byte_repeats_the_lost_runs_and_completes_the_file(tmp_path, monkeypatch):
    path, runs = tmp_path / "s.csv", tiny(3)
    made(path, runs)
    whole = path.read_bytes()
    rows = dict(make_sweep.read(path))
    monkeypatch.setattr(make_sweep, "trained", lambda runs: {run: rows[run] for run in runs})
    for cut in [*range(0, 200, 7), *range(len(whole) - 60, len(whole))]:
        path.write_bytes(whole[:cut])
        kept = max(whole[:cut].count(b"\n") - 1, 0)
        assert len(make_sweep.read(path)) == kept
        made(path, runs)
        assert path.read_bytes() == whole, cut


def test_the_rows_are_in_the_file_before_the_next_group_is_trained(tmp_path, monkeypatch):
    path, counts = tmp_path / "s.csv", []
    monkeypatch.setattr(make_sweep, "trained", lambda runs: counts.append(len(make_sweep.read(path))) or trained(runs))
    made(path, tiny(3))
    assert counts == [0, 1, 2]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda text: text.replace("variant", "kind", 1), "columns task, kind"),
        (lambda text: text + text.splitlines()[1] + "\n", "line 4 .*there before"),
        (lambda text: text.replace("adding,vanilla,0", "adding,vanilla,zero", 1), "line 2 .*zero.*delete"),
        (lambda text: text + "adding,NIG\n", "line 4 .*delete"),
    ],
)
def test_a_file_that_no_sweep_has_written_is_refused_and_unchanged(tmp_path, change, named):
    path = tmp_path / "s.csv"
    made(path, tiny(2))
    path.write_text(change(path.read_text()))
    before = path.read_bytes()
    with pytest.raises(ValueError, match=named):
        made(path, tiny(3))
    assert path.read_bytes() == before


def test_the_command_line_runs_what_is_missing_and_says_so(tmp_path, monkeypatch, capsys):
    path = tmp_path / "s.csv"
    made(path, tiny(1))
    monkeypatch.setattr(make_sweep, "search_grid", lambda: tiny(3))
    monkeypatch.setattr(make_sweep, "final_grid", lambda rows: tiny(4)[len(rows) :])
    monkeypatch.setattr(sys, "argv", ["sweep", str(path), "--workers", "1"])
    make_sweep.main()
    said = capsys.readouterr().out
    assert "search: 3 runs, 2 of them to do\n" in said and "finals: 1 runs, 1 of them to do\n" in said
    assert [row["command"] for row in make_sweep.read(path).values()] == ["", *["make sweep"] * 3]
    make_sweep.main()
    assert "finals: 1 runs, 0 of them to do; delete the file" in capsys.readouterr().out


def test_the_same_run_twice_has_the_same_row():
    one, other = ablation.sweep(tiny(1) * 2, workers=1)
    assert one == other


def test_the_stored_sweep_is_the_full_one_and_names_no_machine():
    rows = results.stored()
    search = make_sweep.search_grid()
    assert set(rows) == {*search, *make_sweep.final_grid(rows[run] for run in search)}
    for row in rows.values():
        assert row["command"] == "make sweep" and row["chance"] == TASKS[row["task"]].chance
        assert row["loss"] >= 0 and row["seconds"] > 0


@pytest.mark.parametrize("task", ["adding", "order"])
def test_with_the_input_gate_shut_at_first_the_cell_without_a_forget_gate_learns(task):
    rows = [row for run, row in results.stored().items() if run.seed in ablation.FINALS]
    start = dict(task=task, variant="NFG", lr=0.03, forget_bias=2.0)
    assert results.below_chance(rows, input_bias=-3.0, **start).median() > 1


def test_the_loss_below_chance_comes_in_powers_of_ten_and_in_the_order_of_the_seeds():
    rows = [dict(task="adding", seed=s, lr=0.1, loss=loss, chance=0.5) for s, loss in ((2, 0.5), (0, 0.05), (1, 5.0))]
    assert torch.allclose(results.below_chance(rows, task="adding"), torch.tensor([1.0, -1.0, 0.0]).double())
    with pytest.raises(ValueError, match="fit 0 rows"):
        results.below_chance(rows, task="order")
    with pytest.raises(ValueError, match="fit 4 rows with 3 seeds"):
        results.below_chance([*rows, rows[1] | {"lr": 1.0}], task="adding")


# --- a paired test ---------------------------------------------------------------------------------------------


def test_the_sign_flip_test_is_exact():
    assert sign_flip_test(torch.tensor([1.0, 2, 3, 4, 5])) == 1 / 16  # the smallest p of five seeds
    assert sign_flip_test(-torch.tensor([1.0, 2, 3, 4, 5])) == 1 / 16
    assert sign_flip_test(torch.tensor([1.0, 1, 1, 1, -1])) == 12 / 32  # 6 choices reach 3, and 6 reach −3
    assert sign_flip_test(torch.zeros(4)) == 1
    assert sign_flip_test(torch.tensor([2.0])) == 1


def test_rounding_does_not_change_the_p_value():
    for seed in range(20):
        d = torch.rand(7, generator=torch.Generator().manual_seed(seed)) + 0.1
        assert sign_flip_test(d) == sign_flip_test(d.flip(0)) == 2 / 2**7


def test_without_an_effect_p_is_at_most_a_with_probability_at_most_a():
    flips = torch.randn(2000, 5, generator=torch.Generator().manual_seed(0))
    share = torch.stack([sign_flip_test(d) <= 1 / 16 for d in flips]).double().mean()
    assert share == pytest.approx(1 / 16, abs=0.027)  # 5 standard errors


@pytest.mark.parametrize(
    "bad", [torch.zeros(0), torch.zeros(17), torch.zeros(2, 2), torch.tensor([1.0, math.nan]), torch.tensor([1, 2])]
)
def test_the_sign_flip_test_names_differences_that_do_not_fit(bad):
    with pytest.raises(ValueError, match="differences has"):
        sign_flip_test(bad)


# --- on several processes, and on a cluster --------------------------------------------------------------------


@pytest.mark.full
def test_two_processes_bring_the_same_rows_as_one(tmp_path):
    runs = tiny(4)
    alone = ablation.sweep(runs, workers=1)
    together = make_sweep.resumed(runs, tmp_path / "s.csv", workers=2)
    assert [row["loss"] for row in alone] == [row["loss"] for row in together] and len(
        make_sweep.read(tmp_path / "s.csv")
    ) == 4


@pytest.fixture
def cluster(tmp_path):
    """A Dask scheduler and two workers on this machine: its address, and the workers' processes."""
    file, started = tmp_path / "scheduler.json", []

    def start(what, *more):
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--no-dashboard", *more]
        where = dict(cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        started.append(subprocess.Popen(command, **where))
        return started[-1]

    try:
        start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
        wait_for(file.is_file)
        worker = ("--scheduler-file", str(file), "--nthreads", "1", "--no-nanny", "--host", "127.0.0.1")
        workers = [start("worker", *worker), start("worker", *worker)]
        yield json.loads(file.read_text())["address"], workers
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.wait(10)


def wait_for(condition, seconds=100):  # a busy machine takes its time to start; on a quiet one it is a few seconds
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.05)


@pytest.mark.full
def test_on_a_dask_cluster_every_result_arrives_once_though_a_worker_is_ended_in_mid_run(cluster, tmp_path):
    from distributed import Client

    address, workers = cluster
    path, runs, ended = tmp_path / "s.csv", grid(["adding"], seeds=[0, 1], **TINY | {"updates": 40}), []
    with Client(address) as watch:
        wait_for(lambda: len(watch.ncores()) == 2)

        def end_one():
            """Once there are results, and while the second worker has a run in hand."""
            victim = next(a for a, pid in watch.run(os.getpid).items() if pid == workers[1].pid)
            wait_for(lambda: len(make_sweep.read(path)) >= 2 and watch.processing()[victim])
            os.kill(workers[1].pid, signal.SIGKILL)
            ended.append(len(make_sweep.read(path)))

        ender = threading.Thread(target=end_one)
        ender.start()
        rows = make_sweep.resumed(runs, path, scheduler=address)
        ender.join(10)
        assert 2 <= ended[0] < len(runs) and workers[1].poll() is not None and len(watch.ncores()) == 1
    assert len(path.read_text().splitlines()) == len(runs) + 1
    assert [row["loss"] for row in rows] == [make_sweep.read(path)[run]["loss"] for run in runs]
    assert rows[3]["loss"] == pytest.approx(final_loss(runs[3]), rel=1e-4)


def test_a_scheduler_without_the_package_distributed_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ValueError, match="pip install distributed"):
        make_sweep.resumed(tiny(1), tmp_path / "s.csv", scheduler="tcp://127.0.0.1:1")
