"""What is computed in the exercises of notebook 13: their inputs."""

import torch


def _correlation_inputs(draw):
    draw.sizes["B"] = 7 + draw.index % 4  # a correlation needs several texts; no H is as large, so that B and H differ
    labels = draw.integers(0, 1, "B")
    labels[:2] = torch.tensor([0, 1])  # without both there is no correlation
    return {"values": draw.unbounded("B H"), "labels": labels}


def _gradient_inputs(draw):
    w, v = draw("N"), draw.unbounded("T N", 1)

    def score(x):
        return torch.tanh(x @ w).cumsum(dim=1).prod(dim=1) + (x * v).sum(dim=(1, 2))

    return {"score": score, "x": draw("B T N")}


CODE = {"unit_correlation": {"inputs": _correlation_inputs}, "input_gradient": {"inputs": _gradient_inputs}}
