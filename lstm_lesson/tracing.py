"""Record what the gates of a trained model do while it reads."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from lstm_lesson.cells import lstm_values
from lstm_lesson.layers import CustomLSTM
from lstm_lesson.shapes import check_lengths


@dataclass
class Trace:
    """The gates, candidate, memory and hidden state of every step, each (B, T, H); NaN at padded steps."""

    i: Tensor
    f: Tensor
    g: Tensor
    o: Tensor
    c: Tensor
    h: Tensor
    tokens: list[list[str]] | None = field(default=None, repr=False)
    lengths: Tensor | None = None


def record(model: nn.Module, x: Tensor, lengths=None, tokens=None, layer: int = 0, reverse: bool = False) -> Trace:
    """Run `model` on x and keep what one cell of its CustomLSTM computed at every step.

    `model` is a CustomLSTM, or a module that holds exactly one and calls it (a classifier with its embedding, say).
    It is called as model(x), or model(x, lengths=lengths) if lengths (B,) are given. `tokens`, one list of words a
    sequence, are kept for display. `layer` and `reverse` choose the cell of a stacked or bidirectional LSTM.
    Runs without gradients, in evaluation mode, and leaves the model as it was.
    Raises ValueError if there is not exactly one CustomLSTM, or no such layer or direction.
    """
    lstm = _the_lstm(model)
    k = layer * lstm.directions + reverse
    if not 0 <= layer < lstm.num_layers or reverse >= lstm.directions:
        has = f"{lstm.num_layers} layers and {lstm.directions} direction(s)"
        raise ValueError(f"layer = {layer}, reverse = {reverse} is not there; the CustomLSTM has {has}")
    steps = []

    def keep_values(cell, inputs, _output):
        x_t, (h_prev, c_prev) = inputs
        steps.append(lstm_values(x_t, h_prev, c_prev, cell.weights))

    hook = lstm.cells[k].register_forward_hook(keep_values)
    was_training = {module: module.training for module in model.modules()}
    try:
        with torch.no_grad():
            model.eval()
            model(x) if lengths is None else model(x, lengths=lengths)
    finally:
        hook.remove()
        for module, training in was_training.items():
            module.training = training
    if tokens is not None and len(tokens) != len(steps[0].h):
        raise ValueError(f"tokens has {len(tokens)} lists; it needs {len(steps[0].h)}, one a sequence")
    values = [torch.stack(v, dim=1) for v in zip(*(reversed(steps) if reverse else steps), strict=True)]  # (B, T, H)
    if lengths is not None:
        batch, time = values[0].shape[:2]
        lengths = check_lengths(lengths, batch, time, values[0].device)
        padded = torch.arange(time, device=values[0].device) >= lengths[:, None]
        values = [v.masked_fill(padded[:, :, None], float("nan")) for v in values]
    return Trace(*values, tokens=tokens, lengths=lengths)


def _the_lstm(model) -> CustomLSTM:
    found = [m for m in model.modules() if isinstance(m, CustomLSTM)] if isinstance(model, nn.Module) else []
    if len(found) != 1:
        raise ValueError(f"model has {len(found)} CustomLSTM layers; record needs a module with exactly one")
    return found[0]
