"""The recurrent modules of any model, and one call of such a module recomputed from its weights, step by step."""

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from lstm_lesson.cells import GATES, LSTMCell, Values
from lstm_lesson.equations import peephole
from lstm_lesson.kernel import reversed_steps, stacked_weights, without_padding
from lstm_lesson.layers import CustomLSTM
from lstm_lesson.shapes import ERRORS, check_instance, check_lengths, true_steps
from lstm_lesson.successors.gru import CustomGRU, GRUCell, GRUValues
from lstm_lesson.successors.scans import scan_blocks

CELLS = nn.LSTMCell, nn.GRUCell, LSTMCell, GRUCell
KINDS = *CELLS, nn.LSTM, nn.GRU, CustomLSTM, CustomGRU  # every second one is a GRU
signature = lru_cache(inspect.signature)  # of a forward: it takes longer than a short forward pass


def recurrent_modules(model: nn.Module, name: str | None = None) -> dict[str, nn.Module]:
    """The modules of `KINDS` in a model by their dotted names, or the one of that name; parts of these do not count.

    Raises ValueError if there is none, or none of that name, and for a class in the place of a model.
    """
    check_instance("model", model)
    modules = model.named_modules() if isinstance(model, nn.Module) else ()
    found = {place: module for place, module in modules if isinstance(module, KINDS)}
    inside = {part for module in found.values() for part in module.modules() if part is not module}
    found = {place: module for place, module in found.items() if module not in inside}
    if not found:
        raise ValueError(ERRORS["none"].format(type(model).__name__))
    if name not in (None, *found):
        raise ValueError(f"name is {name!r}; it needs one of {[*found]}, the recurrent modules of model")
    return found if name is None else {name: found[name]}


def size_of(module: nn.Module) -> tuple[int, int]:
    """The number of layers and of directions of a recurrent module; a cell has one of each."""
    ways = getattr(module, "directions", 1 + getattr(module, "bidirectional", False))
    return getattr(module, "num_layers", 1), ways


def form_of(module: nn.Module | None) -> str:
    """The kind and the sizes of a recurrent module, in words."""
    if not isinstance(module, KINDS):
        return "no LSTM or GRU"
    kind, N, H = "a GRU" if isinstance(module, KINDS[1::2]) else "an LSTM", module.input_size, module.hidden_size
    return "{} of {} inputs and {} units, {} × {} layers × directions".format(kind, N, H, *size_of(module))


def held(name: str, module: nn.Module, args: tuple, kwargs: dict, output) -> tuple:
    """`recompute`, held against the `output` that the module itself returned.

    Raises ValueError if the call cannot be recomputed, or if the two differ (relative beyond 1) by over 512 units in
    the last place of the module's dtype (a trained LSTM of 320 units: 73 after 1,000 steps) or half of its digits.
    """
    try:
        own = recompute(module, args, kwargs, output)
        difference, eps = _difference(output, own[0])
        wrong = f"its output differs by {difference:.2g} from what its weights give, more than rounding"
    except Exception as error:  # a replaced forward may take and return anything
        difference, eps, wrong = float("nan"), 0.0, f"a call of it cannot be recomputed: {error}"
    if not difference <= min(512 * eps, eps**0.5):  # so also for NaN
        raise ValueError(ERRORS["held"].format(type(module).__name__, name and f" {name!r}", wrong))
    return own


def recompute(module: nn.Module, args: tuple, kwargs: dict, output) -> tuple:
    """One call module(*args, **kwargs), from the module's weights; half precision in float32.

    Returns the output in the form of `output`, which the module returned; for each layer and direction, in PyTorch's
    order, the values (B, T, H) of its steps in the order of time; for each, the states (h,) or (h, c) in the order in
    which it makes them, from the one before the first step on; the lengths (B,), or None; and what it read (B, T, N).
    With gradients on, a first state without a gradient is a new leaf.
    """
    given = signature(type(module).forward).bind(module, *args, **kwargs)
    given.apply_defaults()
    _, x, state, *_ = given.arguments.values()
    lengths, weights, is_cell = given.arguments.get("lengths"), weights_of(module), isinstance(module, CELLS)
    directions, like = len(weights) // getattr(module, "num_layers", 1), weights[0]["W_x"]
    with torch.autocast(like.device.type, enabled=False):
        if packed := isinstance(x, PackedSequence):
            by_length = slice(None) if x.sorted_indices is None else x.sorted_indices
            x, lengths = pad_packed_sequence(x, batch_first=True)  # in the order of the batch before it was sorted
        turned = not packed and x.ndim == 3 and not getattr(module, "batch_first", True)

        def batch_first(x):  # (B, T, N)
            return x.to(like).transpose(0, 1) if turned else x.to(like)[None] if x.ndim == 2 else x.to(like)

        x = batch_first(x.reshape(-1, 1, x.shape[-1]) if is_cell else x)
        lengths = None if lengths is None else check_lengths(lengths, len(x), x.shape[1], x.device)
        keep = None if lengths is None else true_steps(lengths, x.shape[1])
        shown, found, read, x = [None] * len(weights), [], x, without_padding(x, keep)
        if not (is_cell or lengths is not None or torch.is_grad_enabled() or "W_ci" in weights[0]):
            shown[-directions:] = batch_first(output[0]).chunk(directions, dim=-1)
        for k, (start, w) in enumerate(zip(_starts(state, x, weights), weights, strict=True)):
            found.append(_steps(x, start, w, lengths, shown[k], reversed_steps(x, keep) if k % directions else None))
            if (k + 1) % directions == 0:  # the next layer reads both directions: (B, T, H·directions)
                x = without_padding(torch.cat([values.h for values, *_ in found[-directions:]], dim=-1), keep)
        values, states, ends = zip(*found, strict=True)
        own = [torch.stack(part) for part in zip(*ends, strict=True)]
        if packed:  # the first steps of all sequences, the longest first, then the second steps
            own = [x[by_length].transpose(0, 1)[keep[by_length].t()], *own]
        elif not is_cell:
            own = [x.transpose(0, 1) if turned else x, *own]
        return in_form(output, iter(own)), values, states, lengths, read


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Evaluation mode; the model's tensors, its attributes and torch's random numbers come back as before."""
    check_instance("model", model)
    if any(map(nn.parameter.is_lazy, model.parameters())):
        raise ValueError("model has parameters without a shape; it needs one call before")
    kept = [(values, dict(values)) for part in model.modules() for values in (vars(part), part._buffers)]
    eager = torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()
    try:
        with torch.random.fork_rng({part.device for part in model.parameters() if part.is_cuda}), eager:
            for values, old in kept:  # the model may write into its tensors: they are copies
                values |= {name: value.clone() for name, value in old.items() if isinstance(value, Tensor)}
                values |= {k: v.copy() for k, v in old.items() if isinstance(v, (list, dict, set)) and k[0] != "_"}
            model.eval()
            yield
    finally:
        for values, old in kept:
            values.clear()
            values.update(old)


def tensors(output) -> list[Tensor]:
    """The tensors in the output of a recurrent module, in their order; of a packed sequence its data."""
    if isinstance(output, (Tensor, PackedSequence)):
        return [output if isinstance(output, Tensor) else output.data]
    return [tensor for part in output for tensor in tensors(part)]


def _starts(state, x: Tensor, weights: list[dict]) -> list[tuple[Tensor, ...]]:
    """Copies of the first states by layer and direction, zeros for None: (h,) of a GRU or (h, c), each (B, H)."""
    H, gates = weights[0]["W_h"].shape
    shapes = [(len(weights), len(x), size) for size in ((H,) if "b_h" in weights[0] else (H, gates // 4))]
    given = [x.new_zeros(shape) for shape in shapes] if state is None else tensors(state)
    parts = [part.to(x).reshape(shape).clone() for part, shape in zip(given, shapes, strict=True)]
    if torch.is_grad_enabled():
        parts = [part if part.requires_grad else part.detach().requires_grad_() for part in parts]
    return list(zip(*(part.unbind() for part in parts), strict=True))


def _steps(x, start: tuple, w: dict, lengths, shown, order) -> tuple:
    """One layer in one direction: values in the order of time, states in that of the steps, and the last true state."""
    x, shown = (v if order is None or v is None else v.gather(1, order.expand_as(v)) for v in (x, shown))
    from_x, step, states = x @ w["W_x"] + w["b"], _gru_step if "b_h" in w else _lstm_step, [start]
    if shown is not None:  # all steps at once: each reads what the module returned at the step before
        values = step(from_x, torch.cat([start[0][:, None], shown[:, :-1]], dim=1), *start[1:], w)
    else:
        steps = []
        for from_x_t in from_x.unbind(1):
            steps.append(step(from_x_t, *states[-1], w))
            states.append(steps[-1][: -len(start) - 1 : -1])  # (h,) or (h, c): the last values, in turn
        values = type(steps[0])(*(torch.stack(v, dim=1) for v in zip(*steps, strict=True)))
    last = torch.arange(len(x), device=x.device), -1 if lengths is None else lengths - 1
    end = tuple(v[last] for v in values[: -len(start) - 1 : -1])
    return values if order is None else values._make(v.gather(1, order.expand_as(v)) for v in values), states, end


def _lstm_step(from_x: Tensor, h: Tensor, c: Tensor, w: dict[str, Tensor]) -> Values:
    """The equations of `cells.lstm_values`, with one matmul for all gates: of one step, or of all with h (B, T, H)."""
    z_i, z_f, z_g, z_o = (from_x + h @ w["W_h"]).chunk(4, dim=-1)
    if "W_ci" in w:
        z_i, z_f = z_i + peephole(c, w["W_ci"]), z_f + peephole(c, w["W_cf"])
    i, f, g = z_i.sigmoid(), z_f.sigmoid(), z_g.tanh()
    c = f * c + i * g if f.ndim == 2 else scan_blocks(f, i * g, c)
    o = (z_o + peephole(c, w["W_co"]) if "W_co" in w else z_o).sigmoid()
    h = o * c.tanh()
    return Values(i, f, g, o, c, h @ w["W_hr"] if "W_hr" in w else h)


def _gru_step(from_x: Tensor, h: Tensor, w: dict[str, Tensor]) -> GRUValues:
    """The equations of `gru.gru_step`, with one matmul for all gates."""
    x_r, x_z, x_g, h_r, h_z, h_g = (*from_x.chunk(3, dim=-1), *(h @ w["W_h"] + w["b_h"]).chunk(3, dim=-1))
    r, z = (x_r + h_r).sigmoid(), (x_z + h_z).sigmoid()
    g = (x_g + r * h_g).tanh()
    return GRUValues(r, z, g, z * h + (1 - z) * g)


def weights_of(module: nn.Module) -> list[dict[str, Tensor]]:
    """The weights of each layer and direction, those of all gates side by side, in float32 or float64.

    W_x (N, 4H), W_h (H, 4H) and b of an LSTM, its projection W_hr or peepholes; W_x, W_h, b (3H,) and b_h of a GRU.
    """
    found = []
    if not isinstance(module, (nn.RNNBase, nn.RNNCellBase)):
        for cell in getattr(module, "cells", [module]):
            w = {name: _exact(weight) for name, weight in cell.weights.items()}
            W_x, W_h, b = stacked_weights(w, "rzh" if "b_hh" in w else GATES)
            b_h = {"b_h": nn.functional.pad(w["b_hh"], (2 * len(W_h), 0))} if "b_hh" in w else {}
            found.append({"W_x": W_x, "W_h": W_h, "b": b} | b_h | {k: w[k] for k in w if k.startswith("W_c")})
        return found
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")[: 4 if module.bias else 2]
    for stacked in module.all_weights if isinstance(module, nn.RNNBase) else [[getattr(module, n) for n in names]]:
        W_x, W_h, *others = (_exact(w).t() for w in stacked)
        b, b_h = others[:2] if module.bias else [W_x.new_zeros(W_x.shape[1])] * 2
        biases = {"b": b, "b_h": b_h} if isinstance(module, (nn.GRU, nn.GRUCell)) else {"b": b + b_h}
        found.append({"W_x": W_x, "W_h": W_h} | biases | ({"W_hr": others[-1]} if len(others) % 2 else {}))
    return found


def _exact(tensor: Tensor) -> Tensor:
    """The tensor in float32 if it is in half precision."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def in_form(output, own: Iterator[Tensor]):
    """The tensors of `own` in the shapes, dtypes and tuples of `output`."""
    if isinstance(output, PackedSequence):
        return PackedSequence(next(own).to(output.data), *output[1:])
    if isinstance(output, Tensor):
        return next(own).reshape(output.shape).to(output)
    return tuple(in_form(part, own) for part in output)


def _difference(output, own) -> tuple[float, float]:
    """The largest difference, relative beyond 1, NaN where one alone is; and the rounding of the coarsest dtype."""
    a, b = (_exact(torch.cat([part.detach().flatten() for part in tensors(one)])) for one in (output, own))
    dtypes, device = [part.dtype for part in tensors(output)], a.device.type
    dtypes += [torch.get_autocast_dtype(device)] * torch.is_autocast_enabled(device)
    dtypes += [torch.float16] * (device == "cuda" and a.dtype != torch.float64)  # cuDNN computes with its digits
    off = ((a - b).abs() / a.abs().clamp_min(1)).masked_fill(a.isclose(b, 0, 0, equal_nan=True), 0)  # inf − inf
    return off.max().item() if len(off) else 0.0, max(torch.finfo(dtype).eps for dtype in dtypes)
