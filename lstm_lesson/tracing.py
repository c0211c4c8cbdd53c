"""Record what the gates of any model do while it reads, and how far back in time the gradient of a loss reaches."""

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from itertools import chain, pairwise, product
from numbers import Real

import torch
from torch import Tensor, nn

from lstm_lesson.cells import Values
from lstm_lesson.kernel import reversed_steps, without_padding
from lstm_lesson.recurrent import CELLS, held, in_form, recurrent_modules, size_of, tensors, undisturbed
from lstm_lesson.shapes import ERRORS, check_lengths, check_size, check_tokens, describe, true_steps
from lstm_lesson.successors.gru import GRUValues


class Trace(Values):
    """The `Values` i, f, g, o, c, h of every step, each (B, T, H), NaN at padded steps; `tokens` and `lengths`.

    Raises ValueError unless tokens are None or B lists, each of T entries or of as many as the sequence has steps.
    """

    tokens = lengths = None

    def __new__(cls, *values: Tensor, tokens: Sequence[Sequence] | None = None, lengths: Tensor | None = None):
        trace = cls._make(values)
        check_tokens("tokens", () if tokens is None else tokens)
        if tokens is not None and len(tokens) != len(trace.h):
            raise ValueError(f"tokens has {len(tokens)} lists; it needs {len(trace.h)}, one a sequence")
        for number, words in enumerate(() if tokens is None else tokens):
            check_tokens(f"tokens[{number}]", words)
            steps = trace.h.shape[1] if lengths is None else int(lengths[number])
            if len(words) not in (steps, trace.h.shape[1]):
                raise ValueError(f"tokens[{number}] has {len(words)} entries; it needs {steps}, one a step")
        trace.tokens, trace.lengths = tokens, lengths
        return trace


class GRUTrace(GRUValues):
    """The `GRUValues` r, z, g, h of every step, and the rest as in `Trace`."""

    tokens = lengths = None
    __new__ = Trace.__new__


def record(
    model: nn.Module, x=(), lengths=None, tokens=None, layer: int = 0, reverse: bool = False, call: int | None = None,
    name: str | None = None, inputs: Mapping | None = None,
) -> Trace | GRUTrace:  # fmt: skip
    """Run `model` on x and record what one layer of its LSTM or GRU computes at every step.

    `model` is an nn.LSTM, nn.GRU, CustomLSTM or CustomGRU, a cell of one, or a module that calls one. `name` chooses
    one of several, by its name in `model.named_modules()`; `layer` and `reverse` choose the layer and the direction,
    and `call` one of several calls, from 0. A module that is called step by step, as a cell is, makes one call as long
    as it is given the state that it returned (or, where a sequence is padded, the state before).
    The model is called as model(x); x may be a tuple of arguments, and `inputs` are arguments by name, with or without
    x. `lengths` (B,) are handed on if its forward takes an argument of this name. A packed sequence has its own.
    `tokens`, one list of words or numbers for each sequence, are kept for display.
    The values are recomputed from the weights, half precision in float32, and held against what the module returned.
    T is in the order of time; without a batch, B = 1. With proj_size, h has that size. A loop or model that is seen to
    read from the last step on needs reverse=True; where it is not seen, this turns the order of a loop's calls round.
    The model runs without gradients, in evaluation mode. It and torch's random numbers are left as they were.
    Raises ValueError if nothing or several things can be meant, for a layer or direction that is not there, for NaN,
    for `lengths` where the module reads padding before true steps, and if the module returned other values than its
    weights give: the error says by how much.
    """
    values, _, lengths, _ = watch(model, x, lengths, layer, reverse, call, name, inputs)
    return (Trace if len(values) == 6 else GRUTrace)(*values, tokens=tokens, lengths=lengths)


def loss_gradient_by_lag(
    model: nn.Module, x, loss: Callable | None = None, lengths=None, layer: int = 0, reverse: bool = False,
    call: int | None = None, name: str | None = None, inputs: Mapping | None = None,
) -> Tensor | tuple[Tensor, Tensor]:  # fmt: skip
    """The norm of the gradient of a loss at each state of one layer, by lag: how far back in time the loss reaches.

    `loss` maps what the model returns to one number; without one it is the sum of the layer's h at the last true step
    of each sequence. The other arguments are as in `record`.
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
    _, states, lengths, value = watch(model, x, lengths, layer, reverse, call, name, inputs, loss or (lambda _: None))
    return norms_by_lag(states, lengths, loss, value)


def norms_by_lag(states: list[tuple], lengths: Tensor | None, loss, value) -> Tensor | tuple[Tensor, Tensor]:
    """`loss_gradient_by_lag` at the states that `watch` returns, for the value that a given loss returned."""
    steps = len(states) - 1
    if not len(states[0][0]):
        raise ValueError("x has no sequence; it needs one or more, so leave out empty batches")
    if loss is None:
        ends = [steps] * len(states[0][0]) if lengths is None else lengths.tolist()
        value = sum(states[end][0][b].sum() for b, end in enumerate(ends))
    if not isinstance(value, Tensor) or value.numel() != 1:
        raise ValueError(f"loss gives {describe(value)}; it needs a torch.Tensor with one number, such as a mean")
    parts = [part for state in states for part in state]
    if not value.requires_grad or not all(part.requires_grad for part in parts):
        raise ValueError("loss has no gradient; it needs to come from the model's output, outside torch.inference_mode")
    gradients = torch.autograd.grad(value, parts, allow_unused=True, materialize_grads=True)
    norms = torch.stack([g.norm(dim=1) for g in gradients], dim=1).unflatten(1, (len(states), -1))  # h, or h and c
    if norms.isnan().any():
        raise ValueError("loss has a gradient that is NaN; it needs finite numbers, and no root or logarithm of 0")
    lag = torch.arange(len(states), device=norms.device).expand(len(norms), -1)  # (B, T + 1)
    left = (steps if lengths is None else lengths[:, None]) - lag  # steps before that state
    by_lag = [n.gather(1, left.clamp_min(0)).masked_fill(left < 0, float("nan")) for n in norms.unbind(2)]
    return by_lag[0] if len(by_lag) == 1 else tuple(by_lag)


def watch(model, x, lengths, layer, reverse, call, name, inputs, loss: Callable | None = None) -> tuple:
    """Run a model and look at one call of one layer, with the errors of `record`; with a loss, states have gradients.

    Returns the values in the order of time, the states in that of the steps, the lengths, and what the loss returned.
    """
    (name, module), *others = recurrent_modules(model, name).items()
    if others:
        raise ValueError(f"name is None; it needs one of {[name, *dict(others)]}, the recurrent modules of model")
    (layers, ways), kind = size_of(module), type(module).__name__
    alone = ways == 1 and module is not model  # so that the model may turn what it gives to it
    has = f"layer = {layer}, reverse = {reverse} is not there; {kind} has layers 0 to {layers - 1}, directions: {ways}"
    if layer not in range(layers) or reverse not in (False, True)[: ways + alone]:
        raise ValueError(has)
    calls, seen, value = _run(model, x, lengths, inputs, (name, module, layer * ways + (reverse and ways == 2)), loss)
    values, states, given, known = _chosen(calls, call, kind)
    lengths, padding_first = _true_lengths(lengths, known, seen, values.h), ways == 2 and (reverse or layer > 0)
    if alone:
        turned, keep = _turned(given, seen, lengths, reverse)
        if turned is None:  # nothing shows the direction; that of a loop is what the caller says
            turned = reverse and (len(given) > 1 or isinstance(module, CELLS))
        if reverse != turned:
            raise ValueError(has + ". It reads from the last step to the first: pass reverse=True" * turned)
        if reverse:
            order, padding_first = reversed_steps(values.h, keep), keep is None
            values = values._make(v.gather(1, order.expand_as(v)) for v in values)
    if padding_first and lengths is not None and known is None and lengths.min() < values.h.shape[1]:
        raise ValueError(ERRORS["padding"].format(lengths.tolist(), kind))
    return _masked(values, lengths, model), states, lengths, value


def _run(model, x, lengths, inputs: Mapping | None, place: tuple, loss: Callable | None) -> tuple[list, list, object]:
    """Run the model. Returns the calls of its module: lists of values, states and what was read, with an entry for each
    step of a loop, and lengths; the sequences that came or were made outside of it, turned round or not; the loss."""
    (name, module, k), calls, before, returned = place, [], [], []
    first = int(getattr(module, "batch_first", True))  # the first of the dimensions that may be time
    while hasattr(model, "_orig_mod") or isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        model = model._orig_mod if hasattr(model, "_orig_mod") else model.module
    args, named = x if type(x) is tuple else (x,), dict(inputs or {})
    if lengths is not None:
        with suppress(TypeError):  # where forward takes no argument of this name, or has it already
            inspect.signature(model.forward).bind_partial(*args, **named, lengths=lengths)
            named["lengths"] = lengths
    seen = [(given, False) for given in (*args, *named.values()) if isinstance(given, Tensor)]

    def keep_call(_module, args, kwargs, output):
        own, values, states, known, given = held(name, module, args, kwargs, output)
        is_step = given.shape[1] == 1
        if is_step and before and _goes_on(states, *before):
            for parts, part in zip(calls[-1], ([values[k]], states[k][1:], [given]), strict=False):
                parts.extend(part)
        else:
            calls.append(([values[k]], states[k], [given], known))
        returned[:] = tensors(output if loss is None else own)
        before[:] = [states, returned[-len(states[0][0]) :]] if is_step else []
        return None if loss is None else own  # of which autograd knows the states

    def keep_out(_module, _args, output):
        if not all(a is b or a.to(b).equal(b) for a, b in zip(tensors(output), returned, strict=True)):
            raise ValueError(f"model has a hook that changes what its {type(module).__name__} returns; remove it first")
        return in_form(output, map(torch.clone, returned))  # the model may write into what it gets

    def keep_sequence(_part, args, output):
        output = output[0] if isinstance(output, tuple) and output else output
        if isinstance(output, Tensor) and output.ndim == 3 and max(output.shape[first:2]) > 1:
            given = [args[0]] if args and isinstance(args[0], Tensor) and args[0].ndim > 1 else []
            seen.append((output, bool(given and _turned(given, seen)[0])))

    try:
        with ExitStack() as hooks, undisturbed(model), torch.set_grad_enabled(loss is not None):
            for part in set(model.modules()) - set(module.modules()):
                hooks.enter_context(part.register_forward_hook(keep_sequence))
            hooks.enter_context(module.register_forward_hook(keep_call, prepend=True, with_kwargs=True))
            hooks.enter_context(module.register_forward_hook(keep_out))
            output = model(*args, **named)
            return calls, seen, None if loss is None or not calls else loss(output)
    except Exception as error:
        x, other = args[0] if args else (), (list, str, Real, Mapping, type(None))
        if 0 in x.shape if isinstance(x, Tensor) else isinstance(x, other) or hasattr(x, "__array__"):
            raise ValueError(f"x has {describe(x)}; it needs a tensor without empty dimensions: {error}") from error
        raise


def _chosen(calls: list, call: int | None, kind: str) -> tuple:
    """The one call, or that of this number: values of all steps, states, what was read, lengths if it is no loop."""
    if not calls:
        raise ValueError(f"model does not call its {kind}; it needs a forward that calls it, as self.lstm(x)")
    if call is None and len(calls) > 1:
        has = f"model calls its {kind} {len(calls)} times; choose one with call=0 to call={len(calls) - 1}"
        raise ValueError(has + ERRORS["steps"] * any(given[0].shape[1] == 1 for _, _, given, _ in calls))
    values, states, given, lengths = calls[check_size("call", call or 0, 0, len(calls) - 1)]
    if len(given) == 1:
        return values[0], states, given, lengths
    return values[0]._make(torch.cat(v, dim=1) for v in zip(*values, strict=True)), states, given, None


def _true_lengths(lengths, known: Tensor | None, seen: list, h: Tensor) -> Tensor | None:
    """The lengths (B,) that the module knows, or else those given. Raises ValueError if their orders differ."""
    B, T, _ = h.shape
    if lengths is None and known is not None:  # they may stand among the arguments, in another order
        lengths = next((a for a, _ in seen if a.shape == (B,) and a.sort()[0].equal(known.sort()[0].to(a))), None)
    if lengths is None:
        return known
    lengths = check_lengths(lengths, B, T if known is None else sys.maxsize, h.device)
    if known is not None and not lengths.equal(known) and lengths.sort()[0].equal(known.sort()[0]):
        raise ValueError(ERRORS["order"].format(lengths.tolist(), known.tolist()))
    return lengths if known is None else known


def _masked(values: Values | GRUValues, lengths: Tensor | None, model: nn.Module) -> Values | GRUValues:
    """The values with NaN at padded steps. Raises ValueError if others are NaN or infinite."""
    padding = None if lengths is None else ~true_steps(lengths, values.h.shape[1])[:, :, None]
    if not all((v.isfinite() if padding is None else v.isfinite() | padding).all() for v in values[-2:]):
        wrong = [key for key, tensor in model.state_dict().items() if not tensor.isfinite().all()]
        raise ValueError(f"model computes NaN or infinity; it needs finite numbers in {', '.join(wrong) or 'x'}")
    return values if padding is None else values._make(v.masked_fill(padding, float("nan")) for v in values)


def _turned(given: list[Tensor], seen: list, lengths: Tensor | None = None, wanted: bool = False) -> tuple:
    """Whether what was read is a sequence `seen` before, turned round, or None; and the true steps that were turned."""
    x = torch.cat(given, dim=1)
    x, T = x[..., None] if x.ndim == 2 else x, x.shape[1]
    places = [(part.untyped_storage().data_ptr(), part.storage_offset()) for part in given]
    rises = {a[0] == b[0] and (b[1] > a[1]) - (b[1] < a[1]) for a, b in pairwise(places)}  # through one tensor
    shown = len(rises) == 1 and rises.pop()
    wanted, keeps = shown < 0 if shown else wanted, [None] if lengths is None else [None, true_steps(lengths, T)]
    for one, is_turned in reversed(seen):
        views = (one, one.transpose(0, 1)) if one.ndim == 3 else (one[..., None], one[None]) if one.ndim == 2 else ()
        for own in [view[:, :T].to(x) for view in views if view[:, :T].shape == x.shape]:
            for turned, keep in product((wanted, not wanted), keeps):
                other = without_padding(own, keep)
                other = other if turned == is_turned else other.gather(1, reversed_steps(own, keep).expand_as(own))
                if torch.equal(other, without_padding(x, keep)):
                    return turned, keep
    return (shown < 0) or None, None  # a copy that is read from its start may itself be turned


def _goes_on(states: list, before: list, returned: list[Tensor]) -> bool:
    """Whether a module is given the state that it returned, or in some sequences the one before: they are padded."""
    state, old = (torch.cat([*chain(*zip(*(s[0] for s in one), strict=True))], dim=1) for one in (states, before))
    if state.shape != old.shape:
        return False
    new = torch.cat([*chain(*(part.reshape(len(states), len(old), part.shape[-1]) for part in returned))], dim=1)
    new, old = (state.isclose(one.to(state), 0, 0, equal_nan=True).all(dim=1) for one in (new, old))
    return bool((new | old).all() and (new.any() or not len(new)))
