"""Forecasting: windows, free running, baselines whose answer is known, and the real series."""

import hashlib
import math
from pathlib import Path

import pytest
import torch
from news_server import DATA
from torch import nn

from lstm_lesson import CustomLSTM
from lstm_lesson.data import download
from lstm_lesson.data.series import FILE, load_co2
from lstm_lesson.training import forecasting
from lstm_lesson.training.forecasting import (
    Forecaster,
    autoregression,
    fit,
    free_run,
    rmse,
)

numbers = torch.arange(12.0)


# Windows --------------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_each_window_is_followed_by_the_value_behind_it():
    past, following = forecasting.windows(numbers, 4)
    assert past.shape == (8, 4) and following.shape == (8,)
    assert torch.equal(past[:, -1] + 1, following) and torch.equal(past[:, 0], numbers[:8])
    assert (past.diff(dim=1) == 1).all()


@pytest.mark.parametrize("length", [0, 12, 40, 2.0])
def test_a_length_that_leaves_no_window_is_refused(length):
    with pytest.raises(ValueError, match="length"):
        forecasting.windows(numbers, length)


# Free running --------------------------------------------------------------------------------------------------------


def test_a_free_run_feeds_each_forecast_back_behind_the_whole_past():
    seen = []

    def fibonacci(past):
        seen.append(past.shape[1])
        return past[:, -1] + past[:, -2]

    start = torch.tensor([[1.0, 1.0], [2.0, 1.0]])
    assert free_run(fibonacci, start, 5).tolist() == [[2, 3, 5, 8, 13], [3, 4, 7, 11, 18]]
    assert seen == [2, 3, 4, 5, 6] and start.shape == (2, 2)


def test_gradients_pass_through_a_free_run():
    start = torch.ones(1, 1, requires_grad=True)
    free_run(lambda past: 3 * past[:, -1], start, 4)[0, -1].backward()
    assert start.grad.item() == 81


def test_a_step_that_returns_another_shape_is_named():
    with pytest.raises(ValueError, match=r"step returns shape \(2, 1\); it needs \(B,\) = \(2,\)"):
        free_run(lambda past: past[:, -1:], torch.ones(2, 3), 2)
    with pytest.raises(ValueError, match="n is 0"):
        free_run(lambda past: past[:, -1], torch.ones(2, 3), 0)


# Baselines -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0.0, 5.0])
def test_autoregression_with_two_lags_continues_a_sine_exactly_and_finds_its_period(offset):
    t = torch.arange(200, dtype=torch.float64)
    wave = torch.sin(2 * math.pi * t / 23.7 + 1) + offset
    found = autoregression(wave[:60], 2)
    constant, *weights = found(torch.tensor([[0, 0], [1, 0], [0, 1]], dtype=torch.float64))
    if offset:
        assert abs(constant - offset * (2 - 2 * math.cos(2 * math.pi / 23.7))) < 1e-9
    assert abs(weights[0] - constant + 1) < 1e-9
    assert abs(weights[1] - constant - 2 * math.cos(2 * math.pi / 23.7)) < 1e-9
    assert (free_run(found, wave[None, :60], 140)[0] - wave[60:]).abs().max() < 1e-8


def test_autoregression_is_the_least_of_all_squares():
    noise = torch.randn(300, dtype=torch.float64)
    found = autoregression(noise, 3)
    past, following = forecasting.windows(noise, 3)
    best = (found(past) - following).square().mean()
    for nudge in (0.01, *(0.01 * past).unbind(dim=1)):  # of the constant, and of each weight
        assert all((found(past) + sign * nudge - following).square().mean() > best for sign in (-1, 1))


def test_autoregression_names_what_is_too_short():
    with pytest.raises(ValueError, match="it needs at least 15 for 7 lags"):
        autoregression(numbers, 7)
    with pytest.raises(ValueError, match="past has 2 values; it needs at least 3"):
        autoregression(torch.randn(50), 3)(torch.ones(1, 2))


def test_rmse_is_one_number_a_horizon():
    assert rmse(torch.tensor([[1.0, 0.0], [7.0, 0.0]]), torch.zeros(2, 2)).tolist() == [5, 0]


# The network ---------------------------------------------------------------------------------------------------------


def test_a_forecaster_says_the_same_with_our_lstm_and_with_pytorchs():
    theirs = Forecaster(lstm=nn.LSTM(1, 4, batch_first=True)).double()
    ours = Forecaster(lstm=CustomLSTM.from_torch(theirs.lstm))
    ours.linear = theirs.linear
    x = torch.randn(3, 9).double()
    assert theirs(x).shape == (3, 9)
    assert (theirs(x) - ours(x)).abs().max() <= 1e-12
    assert torch.equal(theirs.step(x), theirs(x)[:, -1])


def test_a_forecast_does_not_see_what_comes_after_it():
    model, x = Forecaster(4), torch.randn(2, 9)
    changed = x.clone()
    changed[:, 6:] += 1
    assert torch.equal(model(x)[:, :6], model(changed)[:, :6])
    assert not torch.equal(model(x)[:, 6:], model(changed)[:, 6:])


def test_fit_learns_the_next_value_and_its_seed_repeats_it():
    wave = torch.sin(torch.arange(200) / 4)

    def trained(seed):
        torch.manual_seed(0)
        model = Forecaster(lstm=nn.LSTM(1, 8, batch_first=True))
        return fit(model, wave, steps=40, window=25, seed=seed), model

    losses, model = trained(1)
    assert losses[-1] < 0.1 * losses[0] and losses == trained(1)[0] != trained(2)[0]
    one_ahead = (model(wave[None])[0, 20:-1] - wave[21:]).square().mean().sqrt()
    assert one_ahead < (wave[20:-1] - wave[21:]).square().mean().sqrt()  # persistence


class Copier(nn.Module):
    """A forecaster that knows the answer of a series that counts: one weight, right at 1."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(1.0))

    def forward(self, x):
        seen.append(x)
        return self.weight * x + 1


seen = []


def test_a_loss_that_is_not_finite_stops_with_advice():
    series = torch.randn(60)
    series[20:] = math.nan
    model = Forecaster(4)
    with pytest.raises(ValueError, match=r"the loss is nan.*smaller lr"):
        forecasting.fit(model, series, steps=5, window=20)
    assert not model.training


def test_an_interrupt_returns_the_losses_so_far(capfd):
    model, calls = Forecaster(4), iter(range(10))

    def stop(*_):
        if next(calls) == 3:
            raise KeyboardInterrupt

    model.register_forward_pre_hook(stop)
    losses = forecasting.fit(model, torch.randn(60), steps=9, window=20, label="waves")
    assert len(losses) == 3 and not model.training
    assert "after 3 steps" in capfd.readouterr().out


def test_fit_trains_in_training_mode_and_ends_in_evaluation_mode():
    modes, model = [], Forecaster(4).eval()
    model.register_forward_hook(lambda module, *_: modes.append(module.training))
    forecasting.fit(model, torch.randn(60), steps=2, window=20)
    assert modes == [True, True] and not model.training


def test_fit_compares_each_forecast_with_the_value_behind_it_within_one_series():
    seen.clear()
    series = torch.stack([numbers, 100 + numbers])
    losses = fit(Copier(), series, steps=3, window=5, batch_size=64, warm=0)
    assert max(losses) < 1e-8
    assert (torch.cat(seen).diff(dim=1) == 1).all()  # no window runs from one series into the next
    assert {row[0].item() for row in torch.cat(seen)} == {*range(7), *range(100, 107)}


@pytest.mark.parametrize("lstm", [None, nn.LSTM(1, 4, batch_first=True)])
def test_run_on_is_a_free_run_with_a_gradient(lstm):
    model, past = Forecaster(4, lstm=lstm), torch.randn(3, 6)
    said = model.run_on(past, 5)
    assert (said - free_run(model.step, past, 5)).abs().max() < 1e-6
    said[:, -1].sum().backward()
    assert model.linear.weight.grad.abs().max() > 0


def test_fit_on_its_own_output_never_shows_what_is_to_be_forecast():
    """The loss of the first step is that of the run from the values before; only the last forecasts count."""
    torch.manual_seed(0)
    model, series = Forecaster(4), torch.randn(9)
    expected = (model.run_on(series[None, :6], 3) - series[None, 6:]).square().mean().item()
    losses = fit(model, series, steps=1, window=8, warm=0, own=3, batch_size=2)
    assert losses == [pytest.approx(expected)]
    with pytest.raises(ValueError, match="own"):
        fit(model, series, window=6, warm=0, own=6)


def test_fit_leaves_the_first_forecasts_out_of_the_loss():
    class Late(Copier):
        def forward(self, x):
            return torch.cat([x[:, :3] + 50, super().forward(x)[:, 3:]], dim=1)

    assert max(fit(Late(), numbers, steps=2, window=5, warm=3)) < 1e-8
    assert min(fit(Late(), numbers, steps=2, window=5, warm=2)) > 1


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"window": 0}, {"window": 12}, {"warm": 9}, {"warm": 2.0}, {"lr": 0}])
def test_fit_names_what_does_not_fit(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        fit(Forecaster(2), numbers, **({"window": 9} | wrong))


# The real series -----------------------------------------------------------------------------------------------------


def table(months):
    """A file in the format of the real one: one row a month, in ppm."""
    rows = [f"{1960 + m // 12}-{m % 12 + 1:02d}-01,{300 + m / 4:.2f},{300 + m / 4:.2f}" for m in months]
    return "\n".join(["Date,CO2,adjusted CO2", *rows, ""]).encode()


@pytest.fixture
def co2(server, monkeypatch):
    """A generated file at a pinned address of a loopback server: months from April 1960 on, one of them missing."""
    body = table([*range(3, 20), *range(21, 730)])
    folder, leaf = FILE.split("/")
    server.files[download.PINNED[folder] + leaf] = body
    monkeypatch.setattr(download, "SHA256", {FILE: hashlib.sha256(body).hexdigest()})
    return server


def test_the_period_without_a_missing_month_is_kept(co2):
    values, years = load_co2()
    assert values.tolist() == [300 + m / 4 for m in range(52, 724)] and values.dtype == torch.float64
    assert (years - torch.tensor([1960 + m / 12 for m in range(52, 724)], dtype=torch.float64)).abs().max() < 1e-9


def test_the_series_is_downloaded_once_and_kept(co2):
    values, _ = load_co2()
    assert (co2.cache / FILE).is_file() and co2.requests == 1
    co2.mood = "404"
    assert torch.equal(load_co2()[0], values) and co2.requests == 1


@pytest.mark.parametrize(
    ("mood", "says"), [("404", "404"), ("corrupt", "known hash"), ("truncated", "known hash|broke")]
)
def test_a_download_that_fails_is_an_oserror_and_leaves_nothing(co2, mood, says):
    co2.mood = mood
    with pytest.raises(OSError, match=rf"co2-concentration\.csv could not be downloaded.*({says})"):
        load_co2()
    assert not (co2.cache / FILE).exists()


def test_the_data_folder_is_read_and_a_changed_file_in_it_is_refused(co2, tmp_path, monkeypatch):
    monkeypatch.setenv("LSTM_LESSON_DATA", str(tmp_path))
    with pytest.raises(OSError, match="No such file"):
        load_co2()
    (tmp_path / "co2").mkdir()
    body = table([*range(3, 20), *range(21, 730)])
    (tmp_path / FILE).write_bytes(body)
    assert len(load_co2()[0]) == 672 and co2.requests == 0
    (tmp_path / FILE).write_bytes(body.replace(b"302", b"303"))
    with pytest.raises(OSError, match="damaged or another version"):
        load_co2()


@pytest.mark.skipif(not DATA or not (Path(DATA) / FILE).is_file(), reason="LSTM_LESSON_DATA has no such file")
def test_the_real_file_has_its_sum_and_56_years_without_a_gap():
    values, years = load_co2()
    assert len(values) == 672 and 1964.3 < years[0] < 1964.4 and 2020.2 < years[-1] < 2020.3
    assert 300 < values.min() < values.max() < 420 and (years.diff() * 12 - 1).abs().max() < 1e-6
