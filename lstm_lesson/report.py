"""`gate_report`: what the gates of a model do on real inputs, beside those of a freshly initialised one, as a table."""

import copy
import html
import inspect
import json
import math
import tomllib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from lstm_lesson.data.download import replacing
from lstm_lesson.recurrent import CELLS, form_of, recurrent_modules, size_of, tensors, undisturbed, weights_of
from lstm_lesson.shapes import check_instance, check_size, true_steps
from lstm_lesson.tracing import norms_by_lag, watch

ROWS = tomllib.loads((files("lstm_lesson") / "report.toml").read_text(encoding="utf-8"))
NOTES, ERRORS = ROWS.pop("notes"), ROWS.pop("errors")
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
    `data` is a tensor x, for model(x); a tuple of arguments, as (src, tgt); or batches: a DataLoader or a list, of
    which the first `batches` are read. A batch that is a tuple, list or dict needs `prepare`, which maps it to the
    argument or to a tuple of the arguments: of (x, y), `prepare=lambda batch: batch[0]`.
    `lengths` (B,), or a function of a batch that gives them, `name`, `call` and `reverse` are as in `record`.
    `loss` maps what the model returns to one number, whose gradient is followed back. One of two arguments, such as
    `nn.CrossEntropyLoss()`, also gets the last part of a batch that is a tuple or list, and of others the batch. By
    default it is the sum of the layer's h at the last real step of each sequence, also if the model reads its padding.
    `fresh`, a new model, takes the place of the copy, whose recurrent weights are drawn from `seed` as those of a new
    module; norms, parametrisations and pruning stay. If they cannot be drawn, a note says why.
    All run in evaluation mode. The model, its mode and torch's random numbers are left as they were, so a state that
    the model keeps between calls is the same before each batch.
    Raises ValueError for NaN or infinite weights or inputs, for data that may be understood in two ways, and as
    `record` does. If `record` refuses some of several modules, the notes say why.
    """
    import pandas as pd  # loads slowly

    parts, rows, refused, other = recurrent_modules(model, name), [], [], fresh
    check_instance("fresh", fresh)
    check_instance("loss", loss)
    modules = dict(fresh.named_modules()) if isinstance(fresh, nn.Module) else {}
    for place, part in parts.items() if fresh is not None else ():
        if (has := form_of(modules.get(place))) != form_of(part):
            raise ValueError(ERRORS["fresh"].format(type(fresh).__name__, place or "the whole", has, form_of(part)))
    with torch.random.fork_rng(range(torch.cuda.device_count())), undisturbed(model):
        calls = _calls(model, data, prepare, loss, lengths, check_size("batches", batches))
        notes = [NOTES["read"].format(len(calls), batches), NOTES["copy" if fresh is None else "fresh"]]
        try:
            other = _fresh(model, parts, seed) if fresh is None else fresh
        except Exception as error:  # a copy runs code of the model
            notes[1] = NOTES["alone"].format(error)
        for place, part in parts.items():
            try:
                own, weights = _measure(model, calls, place, call, reverse)
                beside, drawn = ({}, []) if other is None else _measure(other, calls, place, call, reverse)
            except Exception as error:  # the model and the loss may raise anything
                says = error if isinstance(error, ValueError) else ERRORS["raises"].format(type(error).__name__, error)
                refused.append((f"{place or 'model'}: {says}", error))
                continue
            if fresh is None and any(a.equal(b) and a.any() for a, b in zip(weights, drawn, strict=False)):
                beside = notes.append(NOTES["stale"].format(place or "model")) or {}
            for (layer, direction, key, of), value in own.items():
                at = {"module": place or "model", "kind": type(part).__name__, "layer": layer, "direction": direction}
                numbers = {"model": value, "fresh": beside.get((layer, direction, key, of), math.nan)}
                rows.append(at | {"row": key, "measure": ROWS[key]["title"].format(of)} | numbers | ROWS[key])
    if not rows:
        raise ValueError(refused[0][0]) from refused[0][1]
    return GateReport(pd.DataFrame(rows).drop(columns="title"), notes + [f"Left out: {says}" for says, _ in refused])


def _calls(model, data, prepare, loss, lengths, most: int) -> list[tuple[tuple, object, Callable | None]]:
    """The arguments, the lengths and the loss of each batch."""
    if isinstance(data, torch.utils.data.Dataset):
        raise ValueError(ERRORS["dataset"].format(type(data).__name__))
    single = isinstance(data, (tuple, Mapping, str)) or hasattr(data, "__array__")  # as a tensor has
    calls, form = [], inspect.signature(model.forward)
    if not prepare and type(data) is list and len({(x.ndim, x.dtype) for x in data if isinstance(x, Tensor)}) > 1:
        raise ValueError(ERRORS["list"])
    for batch in [data] if single or not hasattr(data, "__iter__") else islice(data, most):
        what, plain = "data" if single or batch is data else "a batch of data", (Tensor, PackedSequence)
        if not prepare and not (isinstance(batch, plain) or (single and type(batch) is tuple)):
            raise ValueError(ERRORS["kind"].format(what, type(batch).__name__))
        args = prepare(batch) if prepare else batch
        if args is None or isinstance(args, list):
            raise ValueError(ERRORS["prepare"].format(type(args).__name__))
        args = args if type(args) is tuple else (args,)
        try:
            given = form.bind_partial(*args).arguments
            form.bind(*args, **({"lengths": 0} if "lengths" in {*form.parameters} - {*given} else {}))
        except TypeError as error:
            raise ValueError(ERRORS["arguments"].format(what, len(args), error)) from error
        own = given.get("lengths")
        own = own if own is not None else lengths(batch) if callable(lengths) else lengths
        calls.append((args, own, _with_targets(loss, batch)))
    if not calls:
        raise ValueError(ERRORS["none"])
    return calls


def _with_targets(loss: Callable | None, batch) -> Callable | None:
    """The loss as a function of what the model returns: one of two arguments also gets the targets of the batch."""
    with suppress(TypeError, ValueError):  # for no loss, and for a function in C
        given = inspect.signature(getattr(loss, "forward", loss)).parameters.values()
        if sum(one.default is one.empty and "POSITIONAL_" in one.kind.name for one in given) > 1:
            return lambda output: loss(output, batch[-1] if type(batch) in (tuple, list) else batch)
    return loss


def _floats(thing) -> list[Tensor]:
    """The floating-point tensors in what a model keeps or returns: in lists, tuples, dicts and attributes."""
    if isinstance(thing, Tensor):
        return [thing] if thing.is_floating_point() else []
    if not isinstance(thing, (Mapping, list, tuple)):
        thing = {} if isinstance(thing, (nn.Module, type)) else getattr(thing, "__dict__", {})
    return [tensor for part in (thing.values() if isinstance(thing, Mapping) else thing) for tensor in _floats(part)]


def _copied(thing, parts):
    """A deep copy of a thing with these parts; tensors with a history are copied without it."""
    return copy.deepcopy(thing, {id(t): t.detach().clone() for t in _floats(parts) if not t.is_leaf})


def _fresh(model: nn.Module, names: Iterable[str], seed: int) -> nn.Module:
    """A copy of the model with newly drawn recurrent weights."""
    copied = _copied(model, [vars(part) for part in model.modules()])
    torch.manual_seed(~seed)  # not the numbers of a model that was made after manual_seed(seed)
    for module in map(copied.get_submodule, names):
        _draw(module)
    return copied


@torch.no_grad()
def _draw(module: nn.Module) -> None:
    """Draw the weights as those of a new module: uniform in ±1/√H, and then what parametrisations make of them."""
    parts, bound = [*module.modules()], module.hidden_size**-0.5
    ways = [(part, key, way) for part in parts for key, way in getattr(part, "parametrizations", {}).items()]
    for hook in [hook for part in parts for hook in part._forward_pre_hooks.values()]:
        if type(hook).__name__ in ("SpectralNorm", "WeightNorm"):
            raise ValueError(ERRORS["old"].format(hook.name, type(hook).__name__))
    for weight in module.parameters():
        weight.uniform_(-bound, bound)
    for part, key, way in ways:
        if [*way.parameters()][len(way._parameters) :]:
            raise ValueError(f"{key} is computed by {type(way[0]).__name__}, which has weights of its own")
        new = torch.empty_like(getattr(part, key)).uniform_(-bound, bound)
        for step in reversed(way):
            with suppress(AttributeError, NotImplementedError):  # as when it was registered
                new = step.right_inverse(new)
        for original, value in zip(way.parameters(), new if isinstance(new, tuple) else (new,), strict=True):
            original.copy_(value)
        way.train()
    for _ in range(100):  # a spectral norm comes closer to that of its matrix each time
        for part, key, _way in ways:
            getattr(part, key)


def _measure(model: nn.Module, calls: list, name: str, call: int | None, turned: bool) -> tuple[dict, list[Tensor]]:
    """The numbers of one module, by layer, direction, row and what they are of: a gate, a lag or ""; its weights."""
    (layers, ways), row = size_of(model.get_submodule(name)), {}
    for k in range(layers * ways):
        where = dict(layer=k // ways, reverse=bool(k % ways) or (turned and ways == 1), call=call, name=name)
        found, lags, sizes, readers = [], {}, [], []
        for args, lengths, loss in calls:
            values, ends, by_lag, read, weights = _look(model, _copied(args, args), lengths, loss, where)
            B, T, _ = values.h.shape
            found.append({key: v[true_steps(ends, T)].double() for key, v in values._asdict().items()})  # (steps, H)
            half = (ends - ends // 2).clamp_max(T - 1) if where["reverse"] else ends // 2 - 1
            last = ends * 0 if where["reverse"] else ends - 1
            c = values[-2].double().abs().mean(dim=2)  # (B, T)
            sizes.append(torch.stack([c[range(B), last], c[range(B), half].where(ends > 3, math.nan)]))
            readers.append(read)
            for lag in [lag for lag in (1, 3, 10, 30, 100, 300) if lag < T]:
                lags.setdefault(lag, []).append(by_lag[ends > lag][:, [lag, 0]])
        values = {key: torch.cat([part[key] for part in found]) for key in found[0]}
        for key, of, numbers in _numbers(values, lags, sizes, readers):
            row[where["layer"], ("forward", "backward")[where["reverse"]], key, of] = numbers.double().mean().item()
    return row, [part for w in weights for key in ("W_x", "W_h") for part in w[key].chunk(4, dim=1)]


def _numbers(values: dict[str, Tensor], lags: dict, sizes: list[Tensor], readers: list[Tensor]):
    """Each row, what it is of, and numbers whose mean it is. `values` are (steps, H)."""
    h, is_lstm = values["h"], "c" in values
    yield "sequences", "", torch.tensor(sum(size.shape[1] for size in sizes))
    yield "steps", "", torch.tensor(len(h))
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


def _look(model: nn.Module, args: tuple, lengths, loss: Callable | None, where: dict) -> tuple:
    """The values of one batch, its lengths (B,), the norms of the gradient by lag (B, T + 1) at c or at a GRU's h, how
    strongly each unit is read (H,), and the weights."""
    module, outputs, read = model.get_submodule(where["name"]), [], []
    is_cell, (layers, D) = isinstance(module, CELLS), size_of(module)

    def value(output):
        weights, seqs = outputs[0][-1], [] if is_cell else [state[0] for state in outputs]
        way, after = int(where["reverse"] and D == 2), weights[(where["layer"] + 1) * D :][:D]
        ends, parts = [state[1 - is_cell] for state in outputs], [v for v in _floats(output) if v.requires_grad]
        H = ends[0].shape[-1]
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
            each += [g.reshape(layers * D, -1, H)[where["layer"] * D + way] for g in grads[len(seqs) :]]
            read.append(torch.cat(each).double().norm(dim=0))
        return loss and loss(output)

    hook = module.register_forward_hook(lambda _module, _args, out: outputs.append([*tensors(out), weights_of(module)]))
    with hook, torch.backends.cudnn.flags(enabled=False):  # in evaluation mode, cuDNN's LSTM has no gradient
        values, states, lengths, found = watch(model, args, lengths, inputs=None, loss=value, **where)
    by_lag = norms_by_lag(states, lengths, loss, found)
    values, (B, T, _) = values._make(v.detach() for v in values), values.h.shape
    ends = torch.full((B,), T, device=values.h.device) if lengths is None else lengths
    return values, ends, by_lag if isinstance(by_lag, Tensor) else by_lag[1], read[0], outputs[0][-1]
