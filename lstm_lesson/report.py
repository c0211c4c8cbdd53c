"""`gate_report`: what the gates of a model do on real inputs, beside those of a freshly initialised one, as a table."""

import copy
import html
import inspect
import json
import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence
from torch.nn.utils.weight_norm import WeightNorm, remove_weight_norm

from lstm_lesson.data.download import replacing
from lstm_lesson.recurrent import CELLS, KINDS, choose, tensors, undisturbed, weights_of
from lstm_lesson.shapes import check_size, true_steps
from lstm_lesson.tracing import loss_gradient_by_lag, record

ROWS = tomllib.loads((files("lstm_lesson") / "report.toml").read_text(encoding="utf-8"))
PAGE = (files("lstm_lesson") / "report.html").read_text(encoding="utf-8")


@dataclass(frozen=True, repr=False)
class GateReport:
    """What `gate_report` measured: `table`, a pandas DataFrame with one row for each number, and `notes`."""

    table: object
    notes: list[str]

    def __repr__(self) -> str:
        return "\n".join([self.table.drop(columns=["row", "form", "means"]).to_string(index=False), *self.notes])

    def _repr_html_(self) -> str:
        return f'<iframe title="Gate report" width="100%" height="640" srcdoc="{html.escape(self.page())}"></iframe>'

    def page(self) -> str:
        """The table as one HTML page that needs neither a kernel nor a network."""
        text = json.dumps({"notes": self.notes, "rows": self.table.to_dict("records")})  # ASCII, others as \\u....
        return PAGE.replace("{/* data */}", text.replace("<", "\\u003c"))  # so no name can end the script

    def to_html(self, path: str | Path) -> Path:
        """Write the page to a file and return its path. Raises OSError if it fails; the file then stays as it was."""
        with replacing(Path(path)) as part:
            part.write_text(self.page(), encoding="utf-8")
        return Path(path)


def gate_report(
    model: nn.Module, data, prepare: Callable | None = None, loss: Callable | None = None, lengths=None,
    name: str | None = None, call: int | None = None, reverse=False, batches: int = 8, fresh=None, seed: int = 0,
) -> GateReport:  # fmt: skip
    """Measure what each LSTM and GRU of a model does on real inputs, beside a copy with new recurrent weights.

    There is a block of rows for each module that `record` reads, layer and direction; `table.means` explains each row.
    `data` is a tensor x, for model(x); a tuple of arguments; or batches, such as a DataLoader or a list, of which the
    first `batches` are read. A batch that is a tuple, list or dict needs `prepare`, which maps it to the argument or to
    a tuple of the arguments: of pairs (x, y), `prepare=lambda batch: batch[0]`.
    `lengths` (B,), or a function of a batch that gives them, `name`, `call` and `reverse` are as in `record`.
    `loss` maps what the model returns to one number, whose gradient is followed back; by default it is the sum of the h
    that the layer and direction ends with: at the last real step, where the module itself knows the lengths.
    `fresh` takes the place of the copy, which is drawn from `seed`. All run in evaluation mode; the model, its mode and
    torch's random numbers are left as they were.
    Raises ValueError for NaN or infinite weights or inputs, for data that may be understood in two ways, and as
    `record` does. If `record` refuses some of several modules, the notes say why.

    >>> gate_report(nn.LSTM(3, 4), torch.randn(12, 2, 3)).table.measure[6]
    'dead units'
    """
    import pandas as pd  # loads slowly

    parts = {place: part for place, part in getattr(model, "named_modules", dict)() if isinstance(part, KINDS)}
    inside = {part for one in parts.values() for part in one.modules() if part is not one}
    names = [place for place in parts if parts[place] not in inside and name in (None, place)]
    rows, refused, names = [], [], names or [choose(model, name)[0]]  # which raises ValueError
    with torch.random.fork_rng(range(torch.cuda.device_count())), undisturbed(model):
        calls = _calls(model, data, prepare, lengths, check_size("batches", batches))
        fresh = _fresh(model, names, seed) if fresh is None else fresh
        for place in names:
            try:
                own, other = (_measure(one, calls, loss, place, call, reverse) for one in (model, fresh))
            except ValueError as error:
                refused.append(f"{place or 'model'}: {error}")
                continue
            for (*where, key, of), value in own.items():
                at = {"module": place or "model", "kind": type(parts[place]).__name__}
                at["layer"], at["direction"] = where
                numbers = {"model": value, "fresh": other.get((*where, key, of), math.nan)}
                rows.append(at | {"row": key, "measure": ROWS[key]["title"].format(of)} | numbers | ROWS[key])
    if not rows:
        raise ValueError(refused[0])
    notes = [f"Batches read: {len(calls)}. The fresh model has the same weights but for the recurrent modules."]
    return GateReport(pd.DataFrame(rows).drop(columns="title"), notes + [f"Left out: {error}" for error in refused])


def _calls(model, data, prepare, lengths, most: int) -> list[tuple[tuple, object]]:
    """The arguments and the lengths of each batch."""
    single, calls = isinstance(data, (Tensor, tuple, Mapping)), []
    for batch in [data] if single or not hasattr(data, "__iter__") else islice(data, most):
        clear = isinstance(batch, (Tensor, PackedSequence)) or (single and type(batch) is tuple)
        if prepare is None and not clear:
            has = f"{'data' if single or batch is data else 'a batch of data'} is {type(batch).__name__}"
            needs = "a tensor, or prepare, which maps it to the model's argument or to a tuple of the arguments"
            raise ValueError(f"{has}; it needs {needs}, such as prepare=lambda batch: batch[0]")
        args = batch if prepare is None else prepare(batch)
        args = args if type(args) is tuple else (args,)
        own = inspect.signature(model.forward).bind_partial(*args).arguments.get("lengths")
        calls.append((args, own if own is not None else lengths(batch) if callable(lengths) else lengths))
    if not calls:
        raise ValueError("data has no batch; it needs at least one")
    return calls


def _floats(thing) -> list[Tensor]:
    """The floating-point tensors in what a model keeps or returns: in lists, tuples, dicts and attributes."""
    if isinstance(thing, Tensor):
        return [thing] if thing.is_floating_point() else []
    if not isinstance(thing, (Mapping, list, tuple)):
        thing = {} if isinstance(thing, (nn.Module, type)) else getattr(thing, "__dict__", {})
    return [tensor for part in (thing.values() if isinstance(thing, Mapping) else thing) for tensor in _floats(part)]


def _fresh(model: nn.Module, names: list[str], seed: int) -> nn.Module:
    """A copy of the model with newly drawn recurrent weights; tensors with a history are copied without it."""
    kept = [t for part in model.modules() for t in _floats([*vars(part).values()]) if not t.is_leaf]
    try:
        copied = copy.deepcopy(model, {id(t): t.detach().clone() for t in kept})
    except Exception as error:
        raise ValueError(
            f"model cannot be copied ({type(error).__name__}: {error}); it needs fresh=, a new model"
        ) from error
    torch.manual_seed(seed)
    for module in map(copied.get_submodule, names):
        bound = module.hidden_size**-0.5  # nn.LSTM, nn.GRU and ours begin uniform in ±1/√H
        for part in module.modules():
            for hook in [hook for hook in part._forward_pre_hooks.values() if isinstance(hook, WeightNorm)]:
                remove_weight_norm(part, hook.name)
            for weight in part._parameters.values():
                weight if weight is None else nn.init.uniform_(weight, -bound, bound)
        for key in getattr(module, "parametrizations", ()):  # the weight itself, not what it is computed from
            setattr(module, key, nn.init.uniform_(getattr(module, key).detach().clone(), -bound, bound))
    return copied


def _measure(model: nn.Module, calls: list, loss, name: str, call: int | None, turned: bool) -> dict:
    """The numbers of one module, by layer, direction, row and what they are of: a gate, a lag or ""."""
    module, row = model.get_submodule(name), {}
    ways = getattr(module, "directions", 1 + getattr(module, "bidirectional", False))
    for k in range(getattr(module, "num_layers", 1) * ways):
        where = dict(layer=k // ways, reverse=bool(k % ways) or (turned and ways == 1), call=call, name=name)
        found, lags, sizes, readers = [], {}, [], []
        for args, lengths in calls:
            trace = record(model, args, lengths, **where)
            B, T, _ = trace.h.shape
            ends = torch.full((B,), T, device=trace.h.device) if trace.lengths is None else trace.lengths
            found.append({key: v[true_steps(ends, T)].double() for key, v in trace._asdict().items()})  # (steps, H)
            half = (ends - ends // 2).clamp_max(T - 1) if where["reverse"] else ends // 2 - 1
            last = ends * 0 if where["reverse"] else ends - 1
            c = trace[-2].double().abs().mean(dim=2)  # (B, T)
            sizes.append(torch.stack([c[range(B), last], c[range(B), half].where(ends > 3, math.nan)]))
            by_lag, read = _gradients(model, args, lengths, loss, where)
            readers.append(read)
            for lag in [lag for lag in (1, 3, 10, 30, 100, 300) if lag < T]:
                lags.setdefault(lag, []).append(by_lag[ends > lag][:, [lag, 0]])
        values = {key: torch.cat([part[key] for part in found]) for key in found[0]}
        for key, of, numbers in _numbers(values, lags, sizes, readers):
            row[where["layer"], ("forward", "backward")[where["reverse"]], key, of] = numbers.double().mean().item()
    return row


def _numbers(values: dict[str, Tensor], lags: dict, sizes: list[Tensor], readers: list[Tensor]):
    """Each row, what it is of, and numbers whose mean it is. `values` are (steps, H)."""
    h, is_lstm = values["h"], "c" in values
    for gate in ("input gate i", "forget gate f", "output gate o") if is_lstm else ("reset gate r", "update gate z"):
        yield "closed", gate, values[gate[-1]] < 0.1
        yield "open", gate, values[gate[-1]] > 0.9
    spread = h.std(dim=0, correction=0)
    live, alike = spread >= 0.01, torch.zeros_like(spread)
    alike[live] = (torch.corrcoef(h[:, live].T).reshape([live.sum()] * 2).tril(-1).abs() > 0.99).any(dim=1).double()
    yield "dead", "", ~live
    yield "duplicate", "", alike if len(h) >= 10 else alike * math.nan
    half_life = (math.log(0.5) / values["f" if is_lstm else "z"].log().mean(dim=0)).abs()  # (H,), in steps
    yield "half_life", "", half_life.sort()[0][[(len(half_life) - 1) // 2, len(half_life) // 2]]  # the middle
    yield "longest", "", half_life.max()
    for lag, norms in lags.items():
        at_lag, at_end = torch.cat(norms).sum(dim=0)
        yield "gradient", lag, at_lag / at_end
    used = spread * torch.stack(readers).square().mean(dim=0).sqrt()
    yield "used", "", ((used > 0) & (used >= 0.01 * used.max())) + 0 * used  # NaN stays
    if is_lstm:
        last, half = torch.cat(sizes, dim=1)
        yield "memory", "", last
        yield "drift", "", last[half.isfinite()].sum() / half.nansum()


def _gradients(model: nn.Module, args: tuple, lengths, loss: Callable | None, where: dict) -> tuple[Tensor, Tensor]:
    """The norms of the gradient by lag (B, T + 1), at c or at a GRU's h; and how strongly each unit is read (H,)."""
    module, call, outputs, read = model.get_submodule(where["name"]), where["call"], [], []
    is_cell, layers = isinstance(module, CELLS), getattr(module, "num_layers", 1)
    if is_cell and call is not None and loss is None:
        raise ValueError("loss is None; it needs a function of the model's output where call chooses one of several")

    def value(output):
        weights, seqs = outputs[0][-1], [] if is_cell else [state[0] for state in outputs]
        K, D, ends = len(weights), len(weights) // layers, [state[1 - is_cell] for state in outputs]
        way = int(where["reverse"] and D == 2)
        k, after = where["layer"] * D + way, weights[(where["layer"] + 1) * D :][:D]
        parts, H = [part for part in _floats(output) if part.requires_grad], ends[0].shape[-1]
        if not ends[0].requires_grad:
            raise ValueError("model computes without gradients; its forward needs to run without torch.no_grad()")
        if after:  # the next layer's input weights
            read.append(torch.cat([w["W_x"] for w in after], dim=1).detach().double().norm(dim=1).chunk(D)[way])
        elif not parts:
            read.append(ends[0].new_full((H,), math.nan))
        else:
            torch.manual_seed(0)
            total = sum((part * torch.randn_like(part)).sum() for part in parts)
            grads = torch.autograd.grad(total, seqs + ends, None, True, allow_unused=True, materialize_grads=True)
            each = [g.reshape(-1, D, H)[:, way] for g in grads[: len(seqs)]]
            each += [g.reshape(K, -1, H)[k] for g in grads[len(seqs) :]]
            read.append(torch.cat(each).double().norm(dim=0))
        return ends[-1 if call is None else call].reshape(K, -1, H)[k].sum() if loss is None else loss(output)

    hook = module.register_forward_hook(lambda _module, _args, out: outputs.append([*tensors(out), weights_of(module)]))
    try:
        with torch.backends.cudnn.flags(enabled=False):  # in evaluation mode, cuDNN's LSTM has no gradient
            by_lag = loss_gradient_by_lag(model, args, value, lengths, **where)
    finally:
        hook.remove()
    return (by_lag if isinstance(by_lag, Tensor) else by_lag[1]), read[0]
