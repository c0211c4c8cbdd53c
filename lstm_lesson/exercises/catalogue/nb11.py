"""The exercises of notebook 11: cutting a series into windows, and forecasting several steps."""

import torch

from lstm_lesson.exercises.exercise import Exercise
from lstm_lesson.exercises.model import Edit

WINDOWS_MODEL = """def windows(series, length):
    pairs = range(len(series) - length)
    starts = pairs
    targets = [s + length for s in pairs]
    rows = [series[s : s + length] for s in starts]
    past = torch.stack(rows)
    values = [series[t] for t in targets]
    following = torch.stack(values)
    return past, following
"""
WINDOWS_WORDS = {
    "pairs": "the starts", "starts": "the starts", "s": "a start", "targets": "the places of the targets", "t": "a place", "rows": "the windows", "past": "`past`", "values": "the targets",
    "following": "`following`",
}  # fmt: skip
SKIPPED = "One value is skipped between past and future: `following` comes directly behind its window."
OWN_PAST = "The value to forecast is the last one of its own past: the input contains the answer."
WINDOWS = (
    ("one too many, own past", {"pairs": "range(len(series) - length + 1)", "targets": "[s + length - 1 for s in pairs]"}, "One window too many, and the value to forecast is the last one of its own past."),
    ("own past", {"targets": "[s + length - 1 for s in pairs]"}, OWN_PAST),
    ("own past, one target more", {"targets": "range(length - 1, len(series))"}, f"{OWN_PAST} And there is one value more than windows."),
    ("skipped", {"pairs": "range(len(series) - length - 1)", "targets": "[s + length + 1 for s in pairs]"}, SKIPPED),
    ("skipped, one window more", {"following": "series[length + 1 :]"}, f"{SKIPPED} And there is one window more than values."),
    ("last pair missing", {"pairs": "range(len(series) - length - 1)"}, "The last pair is missing: the very last value of the series can be forecast, too."),
    ("first pair missing", {"pairs": "range(1, len(series) - length)"}, "The first pair is missing: the first window starts at the first value."),
    ("side by side", {"pairs": "range(0, len(series) - length, length)"}, "Your windows lie side by side. A new one starts at every value, so that they overlap."),
    ("one window too many", {"starts": "range(len(series) - length + 1)"}, "There is one window more than there are values to forecast: behind the last one nothing follows."),
    ("windows one later", {"starts": "range(1, len(series) - length + 1)"}, "Each window starts one value too late, so that it contains the value to forecast."),
    ("one value longer", {"rows": "[series[s : s + length + 1] for s in starts]"}, "Each window is one value too long: it contains the value to forecast."),
    ("newest first", {"rows": "[series[s : s + length].flip(0) for s in starts]"}, "Each window runs backwards: its oldest value comes first."),
    ("in columns", {"past": "torch.stack(rows, dim=1)"}, "The windows stand in columns. Each is a row, and its values run along the row."),
    ("a list", {"past": "rows"}, "`past` is a list. `torch.stack` makes one tensor of it."),
    ("a second dimension", {"following": "torch.stack(values)[:, None]"}, "`following` has one number for each window: (T − length,), without a second dimension."),
    ("from the start", {"targets": "pairs"}, "Your targets come from the start of the series. The value that follows a window stands behind its end."),
    ("next window", {"values": "[series[t - length + 1 : t + 1] for t in targets]"}, "Your targets are whole windows, one value later. Asked for is the one value that follows each window."),
    ("changes", {"values": "[series[t] - series[t - 1] for t in targets]"}, "Those are the changes from the last value of each window. Asked for is the value itself."),
    ("past alone", {"return": "past"}, "`following` is missing. Two tensors are asked for: `past` and `following`."),
)  # fmt: skip

FREE_RUN_MODEL = """def free_run(step, start, n):
    rounds = range(n)
    first = start
    past = first
    none = []
    forecasts = none
    for k in rounds:
        read = past
        new = step(read)
        older = past
        behind = new[:, None]
        grown = torch.cat([older, behind], dim=1)
        past = grown
        kept = new
        forecasts = [*forecasts, kept]
    forecast = torch.stack(forecasts, dim=1)
    return forecast
"""
FREE_RUN_WORDS = {
    "rounds": "the loop", "k": "the round", "first": "the past at the start", "past": "the past", "none": "the forecasts at the start", "forecasts": "the forecasts",
    "read": "what the step reads", "new": "the new forecast", "older": "the past that grows", "behind": "what is put behind the past", "grown": "the longer past",
    "kept": "what is collected", "forecast": "the result",
}  # fmt: skip
IN_FRONT = "The forecast is put in front of the past. The newest value stands at the end."
TOO_EARLY = "Your values start one step too early: the first is the last value that is known already."
FREE_RUN = (
    ("not growing", {"grown": "older"}, "The past never grows: every forecast is made from `start`, so all are the same."),
    ("two dimensions and one", {"behind": "new"}, "Of the tensors that you join, one has 2 dimensions, another 1. What `step` returns is (B,), the past is (B, T)."),
    ("in front", {"grown": "torch.cat([behind, older], dim=1)"}, IN_FRONT),
    ("in front, the end returned", {"grown": "torch.cat([behind, older], dim=1)", "forecast": "past[:, start.shape[1] :]"}, IN_FRONT),
    ("in front, newest first", {"grown": "torch.cat([behind, older], dim=1)", "forecast": "past[:, :n]"}, f"{IN_FRONT} And the forecasts come in reverse order."),
    ("overwritten", {"older": "past[:, :-1]"}, "The forecast overwrites the newest value of the past. It comes behind it."),
    ("same length", {"older": "past[:, 1:]"}, "Your past keeps its length: the oldest value falls out at each round. Here it grows, and the step decides how much of it to read."),
    ("nothing else", {"grown": "behind"}, "Your step sees its own last forecast and nothing else. The past stays, and grows by one."),
    ("last value alone", {"read": "past[:, -1:]"}, "Your step sees the last value of the past and nothing else. It decides by itself how much to read: hand it the whole past."),
    ("last repeated", {"behind": "past[:, -1:]"}, "The last value is repeated in the past. What is put there is the new forecast."),
    ("two beginnings", {"older": "start"}, "At each round the past is `start` and one forecast: the forecasts before it are lost. The past that has grown goes on."),
    ("start cut", {"read": "start[:, : k + 1]"}, "`start[:, : k + 1]` cuts `start`: its later values, and your own forecasts, are never read. The past is all of `start` at first, and grows by each forecast."),
    ("start moved", {"read": "start[:, k:]"}, "`start[:, k:]` cuts `start`, and your own forecasts are never read. The past is all of `start` at first, and grows by each forecast."),
    ("sums", {"new": "past[:, -1] + step(read)"}, "The forecast is added to the last value of the past. `step` returns the next value itself, not a change."),
    ("one round less", {"rounds": "range(n - 1)"}, "Your loop makes n − 1 rounds. Each makes one of the n values."),
    ("one round more", {"rounds": "range(n + 1)"}, "Your loop makes n + 1 rounds. Each makes one of the n values."),
    ("one round", {"rounds": "range(1)"}, "Only one forecast is made. Where does `return` stand, inside the loop or behind it?"),
    ("with the start", {"forecast": "past"}, "You return the start, too. Asked for are the n new values alone."),
    ("with the start, collected", {"forecast": "torch.cat([start, torch.stack(forecasts, dim=1)], dim=1)"}, "You return the start, too. Asked for are the n new values alone."),
    ("a list", {"forecast": "forecasts"}, "You return the list itself. `torch.stack` makes one tensor of it."),
    ("joined", {"forecast": "torch.cat(forecasts)"}, "The forecasts are joined to one long row. `torch.stack` makes a dimension for the steps: (B, n)."),
    ("reversed", {"forecast": "torch.stack(forecasts[::-1], dim=1)"}, "The forecasts come in reverse order: the nearest comes first."),
    ("steps first", {"forecast": "torch.stack(forecasts)"}, "Your result is (n, B). Each series is a row: stack along dimension 1."),
    ("last alone", {"forecast": "forecasts[-1]"}, "Only the last forecast comes back. All n of them are asked for."),
    ("too early", {"forecast": "past[:, -n - 1 : -1]"}, TOO_EARLY),
    ("too early, one more", {"forecast": "past[:, start.shape[1] - 1 :]"}, TOO_EARLY),
    ("the beginning", {"forecast": "past[:, :n]"}, "The first n values of the past come back, and they are known already. The new ones stand at the end."),
)  # fmt: skip


def _step(past):
    """A step that reads the last three values, in their order, and the mean of all; 0 stands for values before."""
    mean, past = past.mean(dim=1), torch.nn.functional.pad(past, (3, 0))
    return torch.tanh(1.1 * past[:, -1] - 0.6 * past[:, -2]) + 0.3 * past[:, -3] + 0.2 * mean


def _series(draw, *shape):
    """Normal numbers of this shape. A series is longer than the T of the other exercises."""
    return (torch.randn(shape, generator=draw.random, dtype=torch.float64) * max(draw.scale, draw.reach)).to(draw.dtype)


def _windows_inputs(draw):
    total = 9 + draw.index
    return {"series": _series(draw, total), "length": (2, 3, 4, 1, total - 1)[draw.index % 5]}


EXERCISES = [
    Exercise(
        name="windows",
        notebook="11_forecasting",
        minutes=5,
        difficulty=1,
        reference="training.forecasting.windows",
        inputs=_windows_inputs,
        returns={"past": "", "following": ""},
        model=WINDOWS_MODEL,
        edits=tuple(Edit(*row) for row in WINDOWS),
        words=WINDOWS_WORDS,
        hints=(
            "How many windows are there? The last one ends just before the last value of the series.",
            "`series[k:]` drops the first k values. What follows the first window, the second, the third?",
            "`series.unfold(0, length, 1)` gives every window. One of them has nothing behind it.",
        ),
    ),
    Exercise(
        name="free_run",
        notebook="11_forecasting",
        minutes=6,
        difficulty=2,
        reference="training.forecasting.free_run",
        inputs=lambda draw: {"step": _step, "start": _series(draw, draw.sizes["B"], 7 + draw.index), "n": draw.sizes["T"]},
        returns={"forecast": ""},
        gradient=False,  # a trained network forecasts without gradients
        model=FREE_RUN_MODEL,
        edits=tuple(Edit(*row) for row in FREE_RUN),
        words=FREE_RUN_WORDS,
        hints=(
            "A loop of n rounds. In each, the past is read once and grows by one value.",
            "`step(past)` is (B,). To join it to the past (B, T) it needs a second dimension: `[:, None]`.",
            "Join with `torch.cat([…], dim=1)`, newest value last, and return the n new columns only.",
        ),
    ),
]
