"""Record what the gates of a model do while it reads."""

import torch
from torch import Tensor, nn

from lstm_lesson.cells import Values, lstm_values
from lstm_lesson.layers import CustomLSTM
from lstm_lesson.shapes import check_lengths, check_size, check_tokens, true_steps
from lstm_lesson.successors.gru import CustomGRU, GRUValues, gru_values


class Trace(Values):
    """The `Values` i, f, g, o, c, h of every step, each (B, T, H), NaN at padded steps; `tokens` and `lengths`."""

    def __new__(cls, *values: Tensor, tokens: list[list[str]] | None = None, lengths: Tensor | None = None) -> "Trace":
        trace = cls._make(values)
        trace.tokens, trace.lengths = tokens, lengths
        return trace


class GRUTrace(GRUValues):
    """The `GRUValues` r, z, g, h of every step, and the rest as in `Trace`."""

    __new__ = Trace.__new__


def record(
    model: nn.Module, x: Tensor, lengths=None, tokens=None, layer: int = 0, reverse: bool = False,
    call: int | None = None,
) -> Trace | GRUTrace:  # fmt: skip
    """Run `model` on x and record what one cell of its CustomLSTM or CustomGRU computes at every step.

    `model` is a CustomLSTM, or a module that has exactly one and calls it, such as a classifier with an embedding; a
    CustomGRU in its place is traced in the same way.
    It is called as model(x), or as model(x, lengths=lengths) if lengths (B,) are given. `tokens`, one list of words
    for each sequence, are kept for display. `layer` and `reverse` choose the cell of a stacked or bidirectional LSTM,
    and `call` one of several calls of the LSTM, from 0.
    The model runs without gradients, in evaluation mode, and is left as it was.
    Raises ValueError if there is not exactly one CustomLSTM, for a layer or direction that it does not have, and if
    the model does not call it, or calls it several times and `call` chooses none of them.
    """
    modules, kinds = model.modules() if isinstance(model, nn.Module) else (), (CustomLSTM, CustomGRU)
    found = [module for module in modules if isinstance(module, kinds)]
    if len(found) != 1:
        raise ValueError(f"model has {len(found)} CustomLSTM or CustomGRU layers; record needs exactly one")
    (lstm,) = found
    is_lstm, name = isinstance(lstm, CustomLSTM), type(lstm).__name__
    k = layer * lstm.directions + reverse
    if not 0 <= layer < lstm.num_layers or reverse >= lstm.directions:
        has = f"{lstm.num_layers} layers and {lstm.directions} direction(s)"
        raise ValueError(f"layer = {layer}, reverse = {reverse} is not there; the {name} has {has}")
    calls = []  # the values of every step, for each call of the LSTM

    def keep_values(cell, inputs, _output):
        x_t, state = inputs
        for steps in calls[-1:]:
            steps.append(lstm_values(x_t, *state, cell.weights) if is_lstm else gru_values(x_t, state, cell.weights))

    hooks = [lstm.register_forward_pre_hook(lambda *_: calls.append([])),
             lstm.cells[k].register_forward_hook(keep_values)]  # fmt: skip
    was_training = {module: module.training for module in model.modules()}
    try:
        with torch.no_grad():
            model.eval()
            model(x) if lengths is None else model(x, lengths=lengths)
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in was_training.items():
            module.training = training
    steps = calls[_the_call(call, len(calls), name)]
    if tokens is not None and len(tokens) != len(steps[0].h):
        raise ValueError(f"tokens has {len(tokens)} lists; it needs {len(steps[0].h)}, one a sequence")
    for number, words in enumerate(tokens or []):
        check_tokens(f"tokens[{number}]", words)
    values = [torch.stack(v, dim=1) for v in zip(*(reversed(steps) if reverse else steps), strict=True)]  # (B, T, H)
    if lengths is not None:
        batch, time = values[0].shape[:2]
        lengths = check_lengths(lengths, batch, time, values[0].device)
        values = [v.masked_fill(~true_steps(lengths, time)[:, :, None], float("nan")) for v in values]
    return (Trace if is_lstm else GRUTrace)(*values, tokens=tokens, lengths=lengths)


def _the_call(call: int | None, found: int, name: str) -> int:
    """The index of the call to record. Raises ValueError unless there is one call, or `call` chooses one."""
    if found == 0:
        raise ValueError(f"model does not call its {name}; it needs a forward that calls it, as self.lstm(x)")
    if call is None and found > 1:
        raise ValueError(f"model calls its {name} {found} times; choose one with call=0 to call={found - 1}")
    check_size("call", 0 if call is None else call, 0, found - 1)
    return call or 0
