"""Answers to exercises, for the tests of `check`: functions under an exercise's name, and the notebooks' stubs."""

import inspect
import json
import time
import types

import numpy as np
import torch
from cells import run_cell
from repository import NOTEBOOKS
from torch.nn import functional as F

from lstm_lesson.exercises.exercise import exercises, input_sets


def named(name, f):
    """`f` as the learner's answer to the exercise `name`."""

    def answer(*arguments):
        return f(*arguments)

    answer.__name__ = name
    answer.__signature__ = inspect.Signature(
        [inspect.Parameter(f"a{k}", inspect.Parameter.POSITIONAL_ONLY) for k in range(len(arguments(name)))]
    )
    return answer


def edited(name, edits=()):
    """The model answer to the exercise with these edits, identifiers as in `Result.edits`, as a function."""
    model = exercises()[name].model_answer
    return model.function(tuple(model.edits[id] for id in edits))


def arguments(name):
    """The names of the exercise's arguments."""
    return list(exercises()[name].inputs(input_sets()[0]))


def in_notebook(source, **names):
    """The function that `source` defines, in a name space like a notebook's."""
    space = {"torch": torch, "F": F, "np": np, "sleep": time.sleep, "__name__": "__main__", **names}
    run_cell(source, space)
    return next(v for k, v in space.items() if isinstance(v, types.FunctionType) and k in exercises())


def stub_cells():
    """The cells of the notebooks in which an exercise is set."""
    for path in NOTEBOOKS:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code" and "raise NotImplementedError" in source:
                yield path.stem, source


def stacked(x, h, c, w):
    """One matrix for all four, cut apart afterwards."""
    W = torch.cat([torch.cat([w[f"W_x{k}"], w[f"W_h{k}"]]) for k in "ifoc"], dim=1)
    z = torch.cat([x, h], dim=1) @ W + torch.cat([w[f"b_{k}"] for k in "ifoc"])
    i, f, o, g = z.chunk(4, dim=1)
    c = torch.addcmul(i.sigmoid() * g.tanh(), f.sigmoid(), c)
    return o.sigmoid() * c.tanh(), c


def stacked_lstm(x, h, c, w):
    out = torch.empty(x.shape[0], x.shape[1], h.shape[1], dtype=x.dtype)
    for t, x_t in enumerate(x.unbind(1)):
        h, c = stacked(x_t, h, c, w)
        out[:, t] = h
    return out, h, c
