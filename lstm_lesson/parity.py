"""Differences between an LSTM of ours and `torch.nn.LSTM`: outputs, final states and every gradient."""

import torch
from torch import Tensor, nn

from lstm_lesson.cells import GATES
from lstm_lesson.layers import CustomLSTM, from_torch_weights
from lstm_lesson.shapes import Shape, check_shapes


def differences(own: CustomLSTM, theirs: nn.LSTM, x: Shape["B T N"], kernel: bool | None = None) -> dict[str, float]:
    """The largest absolute difference between two LSTMs with the same weights, for each thing that they compute.

    `kernel` as in `CustomLSTM`. Both must be batch first. The gradients are those of one loss that depends on every
    output and every state.
    Returns {"outputs": …, "final h": …, "final c": …, "gradient of x": …, "gradients of the weights": …}.
    Raises ValueError if x is not (B, T, N) or is empty, or one of the two is not batch first.
    """
    check_shapes(x=(x, "B T N"))
    for name, lstm in {"own": own, "theirs": theirs}.items():
        if not lstm.batch_first:
            raise ValueError(f"{name} has batch_first = False; it needs batch_first = True")
    results = []
    for lstm, options in ((own, {"kernel": kernel}), (theirs, {})):
        lstm.zero_grad()
        x_leaf = x.detach().clone().requires_grad_()
        hidden_seq, states = lstm(x_leaf, **options)
        hidden_seq, h_n, c_n = (v.reshape(-1) for v in (hidden_seq, *states))
        everything = torch.cat([hidden_seq, h_n, c_n])
        # Each entry has another weight in the loss, so that two mistakes cannot cancel.
        (everything * torch.linspace(-1, 1, len(everything)).to(everything)).sum().backward()
        values = {"outputs": hidden_seq, "final h": h_n, "final c": c_n, "gradient of x": x_leaf.grad}
        results.append(values | {"gradients of the weights": _weight_gradients(lstm)})
    return {name: (results[0][name] - results[1][name]).abs().max().item() for name in results[0]}


def _weight_gradients(lstm) -> Tensor:
    """The gradients of all weights in one vector, in the order of our cells' parameters for both LSTMs."""
    if isinstance(lstm, CustomLSTM):
        # A wrong cell may not use a weight: its gradient is None, and counts as 0.
        return torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1) for p in lstm.parameters()])
    parts = []
    for w_ih, w_hh, *biases in lstm.all_weights:
        zeros = w_hh.new_zeros(len(w_hh))
        named = from_torch_weights(w_ih.grad, w_hh.grad, biases[0].grad if biases else zeros, zeros)
        kinds = ("W_x", "W_h", "b_") if biases else ("W_x", "W_h")
        parts += [named[f"{reads}{gate}"].reshape(-1) for gate in GATES for reads in kinds]
    return torch.cat(parts)
