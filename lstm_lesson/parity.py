"""Differences between an LSTM of ours and `torch.nn.LSTM`: outputs, final states and every gradient."""

import copy

import torch
from torch import Tensor, nn

from lstm_lesson.layers import CustomLSTM
from lstm_lesson.shapes import Shape, check_shapes


def differences(own: CustomLSTM, theirs: nn.LSTM, x: Shape["B T N"], kernel: bool | None = None) -> dict[str, float]:
    """The largest absolute difference between two LSTMs with the same weights, for each thing that they compute.

    `kernel` as in `CustomLSTM`. The gradients are those of one loss that depends on every output and every state.
    Returns {"outputs": …, "final h": …, "final c": …, "gradient of x": …, "gradients of the weights": …}.
    Raises ValueError if x is not (B, T, N) or is empty, or one of the two is not batch first.
    """
    check_shapes(x=(x, "B T N"))
    for name, lstm in {"own": own, "theirs": theirs}.items():
        if not lstm.batch_first:
            raise ValueError(f"{name} has batch_first = False; it needs batch_first = True")
    results = []
    for lstm, options in ((copy.deepcopy(own), {"kernel": kernel}), (copy.deepcopy(theirs), {})):
        lstm.requires_grad_().zero_grad()  # frozen weights, too
        x_leaf = x.detach().clone().requires_grad_()
        hidden_seq, states = lstm(x_leaf, **options)
        hidden_seq, h_n, c_n = (v.reshape(-1) for v in (hidden_seq, *states))
        everything = torch.cat([hidden_seq, h_n, c_n])
        # Each entry has another weight in the loss, so that two mistakes cannot cancel.
        (everything * torch.linspace(-1, 1, len(everything)).to(everything)).sum().backward()
        values = {"outputs": hidden_seq, "final h": h_n, "final c": c_n, "gradient of x": x_leaf.grad}
        results.append(values | {"gradients of the weights": _weight_gradients(lstm)})
    return {name: (results[0][name] - results[1][name]).abs().max().item() for name in results[0]}


def _weight_gradients(lstm: nn.Module) -> Tensor:
    """The gradients of all weights in one vector, in the order of our cells' parameters for both LSTMs."""
    for name, p in lstm.named_parameters():  # a wrong cell may not use a weight: its gradient is None, and counts as 0
        gradient = torch.zeros_like(p) if p.grad is None else p.grad
        p.data = gradient * ("bias_hh" not in name)  # each bias of nn.LSTM has the gradient of our one: one counts
    own = CustomLSTM.from_torch(lstm) if isinstance(lstm, nn.LSTM) else lstm
    return torch.cat([p.reshape(-1) for p in own.parameters()])
