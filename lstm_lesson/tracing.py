"""Record what the gates of any model do while it reads, and how far back in time the gradient of a loss reaches."""

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from lstm_lesson.cells import Values
from lstm_lesson.recurrent import CELLS, choose, held, tensors, undisturbed
from lstm_lesson.shapes import check_lengths, check_size, check_tokens, describe, true_steps
from lstm_lesson.successors.gru import GRUValues


class Trace(Values):
    """The `Values` i, f, g, o, c, h of every step, each (B, T, H), NaN at padded steps; `tokens` and `lengths`.

    Raises ValueError unless tokens are None or B lists.
    """

    tokens = lengths = None

    def __new__(cls, *values: Tensor, tokens: Sequence[Sequence] | None = None, lengths: Tensor | None = None):
        trace = cls._make(values)
        if tokens is not None and len(tokens) != len(trace.h):
            raise ValueError(f"tokens has {len(tokens)} lists; it needs {len(trace.h)}, one a sequence")
        for number, words in enumerate([] if tokens is None else tokens):
            check_tokens(f"tokens[{number}]", words)
        trace.tokens, trace.lengths = tokens, lengths
        return trace


class GRUTrace(GRUValues):
    """The `GRUValues` r, z, g, h of every step, and the rest as in `Trace`."""

    tokens = lengths = None
    __new__ = Trace.__new__


def record(
    model: nn.Module, x, lengths=None, tokens=None, layer: int = 0, reverse: bool = False, call: int | None = None,
    name: str | None = None, inputs: Mapping | None = None,
) -> Trace | GRUTrace:  # fmt: skip
    """Run `model` on x and record what one layer of its LSTM or GRU computes at every step.

    `model` is an nn.LSTM, nn.GRU, CustomLSTM or CustomGRU, a cell of one, or a module that calls one. `name` chooses
    one of several, by its name in `model.named_modules()`; `layer` and `reverse` choose the layer and the direction,
    and `call` one of several calls, from 0. A cell that is called step by step makes one call as long as it is given
    the state that it returned (or, where a sequence is padded, the state before).
    The model is called as model(x); x may be a tuple of arguments, and `inputs` are arguments by name. `lengths` (B,)
    are handed on if its forward takes an argument of this name. A packed sequence has its own lengths.
    `tokens`, one list of words or numbers for each sequence, are kept for display.
    The values are recomputed from the weights, half precision in float32, and held against what the module returned.
    T is in the order of time (for a cell, of its calls); without a batch, B = 1. With proj_size, h has that size.
    The model runs without gradients, in evaluation mode. It and torch's random numbers are left as they were.
    Raises ValueError if nothing or several things can be meant, for a layer or direction that is not there, and if the
    module returned other values than its weights give: the error says by how much.
    """
    (values, _, read), _ = _watch(model, x, lengths, layer, reverse, call, name, inputs)
    kind = Trace if isinstance(values[0], Values) else GRUTrace
    values = [torch.cat(parts, dim=1) for parts in zip(*values, strict=True)]  # (B, T, H)
    B, T = values[0].shape[:2]
    lengths = _true_lengths(read, lengths, B, T, values[0].device)
    if lengths is not None:
        values = [v.masked_fill(~true_steps(lengths, T)[:, :, None], float("nan")) for v in values]
    return kind(*values, tokens=tokens, lengths=lengths)


def loss_gradient_by_lag(
    model: nn.Module, x, loss: Callable, lengths=None, layer: int = 0, reverse: bool = False, call: int | None = None,
    name: str | None = None, inputs: Mapping | None = None,
) -> Tensor | tuple[Tensor, Tensor]:  # fmt: skip
    """The norm of the gradient of a loss at each state of one layer, by lag: how far back in time the loss reaches.

    `loss` maps what the model returns to one number; the other arguments are as in `record`.
    Returns norms (B, T + 1), at h, and for an LSTM also at c: entry k belongs to the state k steps before the last true
    step, NaN beyond the state before the first step. In reverse, the last step is the first of the sequence.
    Each gradient is the total one: through the outputs of the same step and through all later steps.
    The model runs in evaluation mode. It, its .grad and torch's random numbers are left as they were.
    Raises ValueError as `record` does, and for a loss that is not one number or has no gradient.

    >>> lstm, x = nn.LSTM(3, 4, batch_first=True), torch.zeros(2, 5, 3)
    >>> at_h, at_c = loss_gradient_by_lag(lstm, x, lambda output: output[0][:, -1].sum())
    >>> at_h.shape, at_h[0, 0].item()
    (torch.Size([2, 6]), 2.0)
    """
    (_, states, read), value = _watch(model, x, lengths, layer, reverse, call, name, inputs, loss)
    if not isinstance(value, Tensor) or value.numel() != 1:
        raise ValueError(f"loss gives {describe(value)}; it needs a torch.Tensor with one number, such as a mean")
    parts = [part for state in states for part in state]
    if not value.requires_grad or not all(part.requires_grad for part in parts):
        raise ValueError("loss has no gradient; it needs to be computed from the model's output, with gradients on")
    gradients = torch.autograd.grad(value, parts, allow_unused=True, materialize_grads=True)
    norms = torch.stack([g.norm(dim=1) for g in gradients], dim=1)
    (B, _), T, device = norms.shape, len(states) - 1, norms.device
    lengths = _true_lengths(read, [T] * B if lengths is None and read is None else lengths, B, T, device)[:, None]
    lag = torch.arange(T + 1, device=device).expand(B, -1)
    last = T if reverse and read is None else lengths  # a module that knows no lengths reads the padding, too
    at = (last - lag).clamp_min(0)  # (B, T + 1)
    kinds = norms.unflatten(1, (T + 1, -1)).unbind(2)  # at h and at c
    by_lag = [norm.gather(1, at).masked_fill(lag > lengths, float("nan")) for norm in kinds]
    return by_lag[0] if len(by_lag) == 1 else tuple(by_lag)


def _watch(model, x, lengths, layer, reverse, call, name, inputs, loss: Callable | None = None) -> tuple:
    """Run the model. Returns one call of one layer: values, states and lengths; and the loss of the output, if any.

    For a loss, what is recomputed stands in for what the module returned.
    """
    name, module = choose(model, name)
    layers, kind = getattr(module, "num_layers", 1), type(module).__name__
    directions = getattr(module, "directions", 1 + getattr(module, "bidirectional", False))
    if layer not in range(layers) or reverse not in (False, True)[:directions]:
        has = f"{layers} layers and {directions} direction(s)"
        raise ValueError(f"layer = {layer}, reverse = {reverse} is not there; the {kind} has {has}")
    k, is_cell = layer * directions + reverse, isinstance(module, CELLS)
    calls, before = [], []

    def watch(_module, args, kwargs, output):
        if not is_cell and call not in (None, len(calls)):
            return calls.append(None)
        own, values, states, read = held(name, module, args, kwargs, output)
        if is_cell and calls and _goes_on(states[k][0], *before):
            calls[-1][0].append(values[k])
            calls[-1][1].extend(states[k][1:])
        else:
            calls.append(([values[k]], states[k], read))
        before[:] = states[k][0], tensors(output if loss is None else own)
        return None if loss is None else own

    while hasattr(model, "_orig_mod") or isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        model = model._orig_mod if hasattr(model, "_orig_mod") else model.module
    args, named = x if type(x) is tuple else (x,), dict(inputs or {})
    if lengths is not None:
        takes = inspect.signature(model.forward)
        could = any(p.name == "lengths" or p.kind is p.VAR_KEYWORD for p in takes.parameters.values())
        if could and "lengths" not in takes.bind_partial(*args, **named).arguments:
            named["lengths"] = lengths
    hook = module.register_forward_hook(watch, prepend=True, with_kwargs=True)
    try:
        with undisturbed(model), torch.set_grad_enabled(loss is not None):
            output = model(*args, **named)
            value = None if loss is None else loss(output)
    finally:
        hook.remove()
    return calls[_the_call(call, len(calls), kind)], value


def _goes_on(start: tuple, before: tuple, returned: list[Tensor]) -> bool:
    """Whether a cell is given the state that it returned, in some sequences perhaps the one before: they are padded."""
    if start[0].shape[-2:] != before[0].shape[-2:]:
        return False
    new, old = (torch.stack([(a == b).all(dim=-1) for a, b in zip(start, state, strict=True)]).all(dim=0)
                for state in (returned, before))  # fmt: skip
    return bool(new.any() and (new | old).all())


def _true_lengths(read: Tensor | None, lengths, B: int, T: int, device) -> Tensor | None:
    """The lengths of the sequences: those that the module was called with, else those that were given."""
    if read is None:
        return None if lengths is None else check_lengths(lengths, B, T, device)
    given = read if lengths is None else check_lengths(lengths, B, sys.maxsize, device)
    if not torch.equal(given, read) and torch.equal(given.sort().values, read.sort().values):
        needs = "it needs them, x and tokens in this order"
        raise ValueError(f"lengths is {given.tolist()}, but the model sorts its sequences to {read.tolist()}; {needs}")
    return read


def _the_call(call: int | None, found: int, name: str) -> int:
    """The index of the call to record. Raises ValueError unless there is one call, or `call` chooses one."""
    if not found:
        raise ValueError(f"model does not call its {name}; it needs a forward that calls it, as self.lstm(x)")
    if call is None and found > 1:
        raise ValueError(f"model calls its {name} {found} times; choose one with call=0 to call={found - 1}")
    return check_size("call", 0 if call is None else call, 0, found - 1)
