"""The exercises of notebook 11: cutting a series into windows, and forecasting several steps."""

import torch

from lstm_lesson.exercises.exercise import Exercise, Mistake


def _pairs(first, target):
    """Windows that start at `first(T, k)`, for a series of T values and windows of k, and targets `target(k)` later."""

    def answer(series, length):
        starts = [s for s in first(len(series), length) if s + target(length) < len(series)]
        past = torch.stack([series[s : s + length] for s in starts])
        return past, torch.stack([series[s + target(length)] for s in starts])

    return answer


def _windows(series, length):
    return series.unfold(0, length, 1)[:-1], series[length:]


def _all_starts(T, k):
    return range(T - k)


WINDOWS_MISTAKES = (
    Mistake(_pairs(lambda T, k: range(T - k + 1), lambda k: k - 1), "One window too many, and the value to forecast is the last one of its own past."),
    Mistake(_pairs(_all_starts, lambda k: k - 1), "The value to forecast is the last one of its own past: the input contains the answer."),
    Mistake(_pairs(lambda T, k: range(T - k - 1), lambda k: k + 1), "One value is skipped between past and future: `following` comes directly behind its window."),
    Mistake(_pairs(lambda T, k: range(T - k - 1), lambda k: k), "The last pair is missing: the very last value of the series can be forecast, too."),
    Mistake(_pairs(lambda T, k: range(1, T - k), lambda k: k), "The first pair is missing: the first window starts at the first value."),
    Mistake(_pairs(lambda T, k: range(0, T - k, k), lambda k: k), "Your windows lie side by side. A new one starts at every value, so that they overlap."),
    Mistake(lambda s, k: (_windows(s, k)[0].flip(1), s[k:]), "Each window runs backwards: its oldest value comes first."),
    Mistake(lambda s, k: (_windows(s, k)[0].T, s[k:]), "The windows stand in columns. Each is a row, and its values run along the row."),
    Mistake(lambda s, k: (s.unfold(0, k, 1), s[k:]), "There is one window more than there are values to forecast: behind the last one nothing follows."),
    Mistake(lambda s, k: (_windows(s, k)[0], s[k:, None]), "`following` has one number for each window: (T − length,), without a second dimension."),
    Mistake(lambda s, k: (_windows(s, k)[0], s[:-k]), "Your targets come from the start of the series. The value that follows a window stands behind its end."),
    Mistake(lambda s, k: (_windows(s, k)[0], s[k:] - s[k - 1 : -1]), "Those are the changes from the last value of each window. Asked for is the value itself."),
)


def _run(grow=lambda past, new: torch.cat([past, new[:, None]], dim=1), result=lambda forecasts, past, n: forecasts):
    """A free run with another way to extend the past, or another result."""

    def answer(step, start, n):
        past, forecasts = start, []
        for _ in range(n):
            forecasts.append(step(past))
            past = grow(past, forecasts[-1])
        return result(torch.stack(forecasts, dim=1), past, n)

    return answer


FREE_RUN_MISTAKES = (
    Mistake(_run(grow=lambda past, new: past), "The past never grows: every forecast is made from `start`, so all are the same."),
    Mistake(_run(grow=lambda past, new: torch.cat([new[:, None], past], dim=1)), "The forecast is put in front of the past. The newest value stands at the end."),
    Mistake(_run(grow=lambda past, new: torch.cat([past[:, :-1], new[:, None]], dim=1)), "The forecast overwrites the newest value of the past. It comes behind it."),
    Mistake(
        _run(grow=lambda past, new: torch.cat([past[:, 1:], new[:, None]], dim=1)), "Your past keeps its length: the oldest value falls out at each round. Here it grows, and the step decides how much of it to read."
    ),
    Mistake(_run(grow=lambda past, new: new[:, None]), "Your step sees its own last forecast and nothing else. The past stays, and grows by one."),
    Mistake(_run(grow=lambda past, new: torch.cat([past, past[:, -1:]], dim=1)), "The last value is repeated in the past. What is put there is the new forecast."),
    Mistake(_run(result=lambda forecasts, past, n: past), "You return the start, too. Asked for are the n new values alone."),
    Mistake(_run(result=lambda forecasts, past, n: forecasts.flip(1)), "The forecasts come in reverse order: the nearest comes first."),
    Mistake(_run(result=lambda forecasts, past, n: forecasts.T), "Your result is (n, B). Each series is a row: stack along dimension 1."),
    Mistake(_run(result=lambda forecasts, past, n: forecasts[:, -1]), "Only the last forecast comes back. All n of them are asked for."),
    Mistake(_run(result=lambda forecasts, past, n: past[:, -n - 1 : -1]), "Your values start one step too early: the first is the last value that is known already."),
)


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
        mistakes=WINDOWS_MISTAKES,
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
        mistakes=FREE_RUN_MISTAKES,
        hints=(
            "A loop of n rounds. In each, the past is read once and grows by one value.",
            "`step(past)` is (B,). To join it to the past (B, T) it needs a second dimension: `[:, None]`.",
            "Join with `torch.cat([…], dim=1)`, newest value last, and return the n new columns only.",
        ),
    ),
]
