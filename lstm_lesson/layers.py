"""A cell along a sequence: unrolling, masks for padded batches, and an LSTM that equals `torch.nn.LSTM`.

Each function raises ValueError naming the argument that does not fit.
"""

import warnings
from collections.abc import Mapping
from numbers import Real

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from lstm_lesson.cells import GATES, LSTMCell, lstm_step, unpack_state
from lstm_lesson.equations import rnn_step
from lstm_lesson.kernel import run_cell, unsupported, without_padding
from lstm_lesson.shapes import ERRORS, Shape, check_lengths, check_shapes, check_sizes, checked, describe, true_steps


@checked
def unroll(
    x: Shape["B T N"], h_0: Shape["B H"], W_xh: Shape["N H"], W_hh: Shape["H H"], b_h: Shape["H"]
) -> Shape["B T H"]:
    """All hidden states (B, T, H) of a tanh RNN along a sequence: the same weights at every step.

    Source: Elman 1990.
    """
    h_t, hidden_seq = h_0, []
    for t in range(x.shape[1]):
        h_t = rnn_step(x[:, t], h_t, W_xh, W_hh, b_h)
        hidden_seq.append(h_t)
    return torch.stack(hidden_seq, dim=1)  # (B, T, H)


@checked
def masked_step(h_new: Shape["B H"], h_prev: Shape["B H"], keep: Tensor) -> Shape["B H"]:
    """The state after a step that is padding for some sequences of the batch: a padded step changes nothing.

    `keep` is a bool tensor (B,), False where this step is padding.
    """
    B = h_new.shape[0]
    if not isinstance(keep, Tensor) or keep.dtype != torch.bool or keep.shape != (B,):
        raise ValueError(f"keep has {describe(keep)}; it needs a bool tensor of shape (B,) = ({B},)")
    return torch.where(keep[:, None], h_new, h_prev)


@checked
def last_true_step(hidden_seq: Shape["B T H"], lengths: Tensor) -> Shape["B H"]:
    """The hidden state at the last step of each sequence, before its padding; `lengths` (B,) are in 1..T."""
    B, T, _ = hidden_seq.shape
    lengths = check_lengths(lengths, B, T, hidden_seq.device)
    return hidden_seq[torch.arange(B, device=hidden_seq.device), lengths - 1]


@checked
def lstm(
    x: Shape["B T N"], h_0: Shape["B H"], c_0: Shape["B H"], weights: Mapping[str, Tensor]
) -> tuple[Shape["B T H"], Shape["B H"], Shape["B H"]]:
    """An LSTM along a sequence: all hidden states (B, T, H), the last h and the last c; `weights` as in `lstm_step`."""
    h_t, c_t, hidden_seq = h_0, c_0, []
    for t in range(x.shape[1]):
        h_t, c_t = lstm_step(x[:, t], h_t, c_t, weights)
        hidden_seq.append(h_t)
    return torch.stack(hidden_seq, dim=1), h_t, c_t


@checked
def from_torch_weights(
    weight_ih: Shape["4H N"], weight_hh: Shape["4H H"], bias_ih: Shape["4H"], bias_hh: Shape["4H"]
) -> dict[str, Tensor]:
    """PyTorch's stacked weights, rows in the order i, f, g, o, as copies under the names in the equations.

    Returns {"W_xi": (N, H), "W_hi": (H, H), "b_i": (H,), …}, detached; b is the sum of the two biases.
    Source: the documentation of `torch.nn.LSTM`. Raises ValueError for NaN entries, too.
    """
    if weight_hh.shape[0] != 4 * weight_hh.shape[1]:
        raise ValueError(f"weight_hh has shape {tuple(weight_hh.shape)}; it needs (4H, H)")
    check_numbers({"weight_ih": weight_ih, "weight_hh": weight_hh, "bias_ih": bias_ih, "bias_hh": bias_hh})
    stacked = {"W_x": weight_ih, "W_h": weight_hh, "b_": bias_ih + bias_hh}
    return {
        f"{reads}{gate}": rows.detach().t().clone() if rows.ndim == 2 else rows.detach().clone()
        for reads, tensor in stacked.items()
        for gate, rows in zip(GATES, tensor.chunk(4), strict=True)  # our c is PyTorch's g
    }


def run_steps(
    cell: LSTMCell, x: Tensor, h: Tensor, c: Tensor, keep: Tensor | None = None, backwards: bool = False
) -> tuple[Tensor, Tensor, Tensor]:
    """One cell along x (B, T, N), step by step, from the last step to the first if `backwards`.

    h and c (B, H) are the states before the first step; keep (B, T) is False at padded steps, which change no state
    and no gradient, whatever x holds there.
    Returns all hidden states (B, T, H), 0 at padded steps, and the last h and c.
    """
    steps = range(x.shape[1])
    xs = without_padding(x, keep).unbind(1)  # not x[:, t]: its gradient would have the size of x at every step
    hidden_seq = [None] * len(steps)
    for t in reversed(steps) if backwards else steps:
        h_new, c_new = cell(xs[t], (h, c))
        hidden_seq[t] = h_new
        if keep is not None:
            hidden_seq[t] = h_new.masked_fill(~keep[:, t, None], 0)
            h_new, c_new = masked_step(h_new, h, keep[:, t]), masked_step(c_new, c, keep[:, t])
        h, c = h_new, c_new
    return torch.stack(hidden_seq, dim=1), h, c


class CustomLSTM(nn.Module):
    """An LSTM made of `LSTMCell`s, with the outputs, states and gradients of `torch.nn.LSTM`.

    CustomLSTM(N, H, …)(x (B, T, N), init_states=None, lengths=None, kernel=None)
    -> hidden_seq (B, T, H·directions), (h_n, c_n).

    `bias`, `dropout` (between the layers), `device` and `dtype` as in `torch.nn.LSTM`. With batch_first=False, x and
    hidden_seq are (T, B, ·). x may be a PackedSequence; hidden_seq is packed, too, and the states are in the order
    of the batch before it was packed.
    `init_states` is (h_0, c_0), zeros if None. h_0, c_0, h_n and c_n are (B, H) for one layer in one direction, so the
    `h_n[-1]` of such a `torch.nn.LSTM` is h_n here; else, or with torch_states=True, (layers·directions, B, H).
    With `lengths` (B,), the steps after the end of a sequence are padding: they change no state and no gradient, and
    hidden_seq is 0 there, as in PyTorch's packed sequences.
    `kernel` chooses how the cells run: False, step by step as `run_steps` shows; True, with the quick kernel of
    `lstm_lesson.kernel`, or ValueError where it is not supported; None, with the kernel where it is supported. The
    results differ by rounding only.
    Weights start uniform in ±1/√H. Raises ValueError naming the argument that does not fit, such as a `proj_size`, and
    TypeError for a fourth argument without its name.
    """

    bias, batch_first, dropout, torch_states = True, True, 0.0, False  # for modules that were pickled without them

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, *misplaced, bias: bool = True,
        batch_first: bool = True, dropout: float = 0.0, bidirectional: bool = False, peephole: str | None = None,
        forget_bias: float = 0.0, torch_states: bool = False, device=None, dtype: torch.dtype | None = None,
        proj_size: int = 0,
    ):  # fmt: skip
        if misplaced:
            order = zip(("bias", "batch_first", "dropout", "bidirectional", "proj_size"), misplaced, strict=False)
            named = ", ".join(f"{name}={value!r}" for name, value in order)
            raise TypeError(f"CustomLSTM takes 3 positional arguments; torch.nn.LSTM's order by name is {named}")
        if proj_size != 0:
            raise ValueError(f"proj_size is {proj_size!r}; it needs 0: for a projection, keep torch.nn.LSTM")
        super().__init__()
        check_sizes(num_layers=num_layers, hidden_size=hidden_size)
        switches = "bias", "batch_first", "bidirectional", "torch_states"
        for name, value in zip(switches, (bias, batch_first, bidirectional, torch_states), strict=True):
            if not isinstance(value, bool):
                raise ValueError(f"{name} is {value!r}; it needs True or False")
        if isinstance(dropout, bool) or not isinstance(dropout, Real) or not 0 <= dropout <= 1:
            raise ValueError(f"dropout is {dropout!r}; it needs a number from 0 to 1")
        if dropout and num_layers == 1:
            warnings.warn(f"dropout is {dropout}; it acts between layers, and num_layers is 1", stacklevel=2)
        if dtype is not None and not getattr(dtype, "is_floating_point", False):
            raise ValueError(f"dtype is {dtype!r}; it needs a floating-point dtype such as torch.float32")
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout, self.torch_states = bias, batch_first, float(dropout), torch_states
        self.bidirectional, self.directions = bidirectional, 2 if bidirectional else 1
        sizes = [input_size] + [hidden_size * self.directions] * (num_layers - 1)  # the input size of each layer
        self.cells = nn.ModuleList(
            LSTMCell(size, hidden_size, peephole, forget_bias, bias) for size in sizes for _ in range(self.directions)
        )
        if (device, dtype) != (None, None):  # torch.func allows no `.to` of a module that it differentiates
            self.to(device=device, dtype=dtype)

    @property
    def single(self) -> bool:
        """Whether there is one layer in one direction: unless `torch_states`, its states have no layer dimension."""
        return len(self.cells) == 1

    def forward(
        self, x: Shape["B T N"] | PackedSequence, init_states=None, lengths=None, kernel: bool | None = None
    ) -> tuple[Tensor | PackedSequence, tuple[Tensor, Tensor]]:
        run = self._forward_packed if isinstance(x, PackedSequence) else self._forward_padded
        return run(x, init_states, lengths, kernel)

    def _forward_padded(self, x, init_states, lengths, kernel, order=None):
        """`forward` of a tensor; `order` (B,) is the order of a packed batch, the longest sequence first."""
        check_shapes({"N": self.input_size}, empty_batch=True, x=(x, "B T N" if self.batch_first else "T B N"))
        x = x if self.batch_first else x.transpose(0, 1)  # (B, T, N)
        h_0, c_0 = self._initial(x, init_states)
        run = run_cell if self._uses_kernel(kernel, x, h_0, c_0) else run_steps
        keep = None if lengths is None else true_steps(check_lengths(lengths, *x.shape[:2], x.device), x.shape[1])
        D, found = self.directions, []  # of each layer and direction: all hidden states, the last h, the last c
        for k, cell in enumerate(self.cells):
            found.append(run(cell, x, h_0[k], c_0[k], keep, k % D == 1))
            if (k + 1) % D == 0:  # the next layer reads both directions
                x = torch.cat([hidden_seq for hidden_seq, _, _ in found[-D:]], dim=-1)  # (B, T, H·directions)
                if self.training and self.dropout and k + 1 < len(self.cells):
                    x = _drop(x, self.dropout, keep, order)
        _, h_n, c_n = zip(*found, strict=True)
        x = x if self.batch_first else x.transpose(0, 1)
        if self.single and not self.torch_states:
            return x, (h_n[0], c_n[0])
        return x, (torch.stack(h_n), torch.stack(c_n))

    def _forward_packed(self, packed: PackedSequence, init_states, lengths, kernel):
        """`forward` of a packed batch: the outputs packed in the same order, the states in the order of the batch."""
        if lengths is not None:
            raise ValueError(f"lengths has {describe(lengths)}; x is packed and has its own, so it needs None")
        x, lengths = pad_packed_sequence(packed, self.batch_first)
        order = torch.arange(len(lengths), device=x.device) if packed.sorted_indices is None else packed.sorted_indices
        hidden_seq, states = self._forward_padded(x, init_states, lengths, kernel, order)
        hidden_seq = hidden_seq.index_select(0 if self.batch_first else 1, order)
        data = pack_padded_sequence(hidden_seq, lengths[order.cpu()], self.batch_first).data
        return PackedSequence(data, *packed[1:]), states

    def _uses_kernel(self, kernel: bool | None, *tensors: Tensor) -> bool:
        """Whether the quick kernel runs; ValueError if `kernel` is True and the kernel is not supported."""
        if kernel is not None and not isinstance(kernel, bool):
            raise ValueError(f"kernel is {kernel!r}; it needs None, True or False")
        reason = ""
        for cell in self.cells:  # not with next(…, ""), which torch 2.8 does not compile
            reason = reason or unsupported(cell, *tensors)
        if kernel and reason:
            raise ValueError(f"kernel is True; it needs None or False here: {reason}")
        return kernel is not False and not reason

    def _initial(self, x, init_states):
        """h_0 and c_0, each (layers·directions, B, H)."""
        sizes = {"layers·directions": len(self.cells), "B": x.shape[0], "H": self.hidden_size}
        if init_states is None:
            return (x.new_zeros(tuple(sizes.values())),) * 2
        states = unpack_state("init_states", init_states)
        flat = self.single and not self.torch_states
        letters = "B H" if flat else "layers·directions B H"
        where = "init_states" + " (without torch_states=True)" * (flat and getattr(states[0], "ndim", 0) == 3)
        named = {f"{name} of {where}": (state, letters) for name, state in zip(("h_0", "c_0"), states, strict=True)}
        check_shapes(sizes, empty_batch=True, x=(x, "B T N"), **named)
        return tuple(state[None] if flat else state for state in states)

    @classmethod
    def from_torch(cls, lstm: nn.LSTM, torch_states: bool = False) -> "CustomLSTM":
        """A CustomLSTM with the weights and the options of a `torch.nn.LSTM`; the two biases are added.

        `torch_states` as in CustomLSTM. A frozen weight stays frozen, and the sum of two biases if both are. A warning
        names hooks, which are not copied. Raises ValueError for weights that have NaN entries or that pruning or a norm
        computes, for another forward than that of `torch.nn.LSTM`, and for `proj_size`.
        """
        check_plain("lstm", lstm, nn.LSTM)
        names = "num_layers", "bias", "batch_first", "dropout", "bidirectional", "proj_size"
        options = {name: getattr(lstm, name) for name in names}
        own = cls(lstm.input_size, lstm.hidden_size, **options, torch_states=torch_states)
        own.to(lstm.weight_ih_l0).train(lstm.training)
        for cell, (W_ih, W_hh, *biases) in zip(own.cells, lstm.all_weights, strict=True):
            weights = from_torch_weights(W_ih, W_hh, *(biases or [W_hh.new_zeros(len(W_hh))] * 2))
            learns = {"x": W_ih.requires_grad, "h": W_hh.requires_grad, "_": any(b.requires_grad for b in biases)}
            for name, weight in cell.named_parameters():  # W_xi, W_hi, b_i: the letter before the last says which
                weight.data = weights[name].contiguous()
                weight.requires_grad_(learns[name[-2]])
        return own

    def to_torch(self) -> nn.LSTM:
        """A `torch.nn.LSTM` with these weights and options; bias_ih takes the bias, bias_hh is 0.

        Its states are always (layers·directions, B, H). It has one tensor for the four gates, frozen if all four are.
        A weight that pruning or a norm computes is copied as it is now. Warnings name what is lost: hooks, and a frozen
        gate beside others that are not. Raises ValueError for peepholes, NaN entries and another forward.
        """
        check_plain("the layer", self, CustomLSTM)
        if self.cells[0].peephole:
            raise ValueError(f"peephole is {self.cells[0].peephole!r}; torch.nn.LSTM has none, so it needs None")
        options = self.bias, self.batch_first, self.dropout, self.directions == 2
        theirs = nn.LSTM(self.input_size, self.hidden_size, self.num_layers, *options).to(self.cells[0].W_xi)
        for k, (cell, stacked) in enumerate(zip(self.cells, theirs.all_weights, strict=True)):
            check_plain(f"cells.{k}", cell, LSTMCell)
            with torch.enable_grad():  # a weight that a norm computes asks for a gradient if what it is made of does
                weights = cell.weights
            check_numbers({f"cells.{k}.{name}": weight for name, weight in weights.items()})
            for weight, reads in zip(stacked, ("W_x", "W_h", "b_", "b_"), strict=False):
                four = [weights[f"{reads}{gate}"] for gate in GATES]
                weight.data = torch.cat(four, dim=-1).detach().t().contiguous()
                weight.requires_grad_(any(w.requires_grad for w in four))
                if weight.requires_grad and not all(w.requires_grad for w in four):
                    warnings.warn(ERRORS["frozen"].format(reads, k), stacklevel=2)
            if self.bias:
                stacked[3].data.zero_()
        theirs.flatten_parameters()  # on a GPU: one block of memory, as before
        return theirs.train(self.training)


def check_plain(name: str, layer: nn.Module, kind: type) -> None:
    """Raise ValueError unless the layer computes what this class does; warn of hooks and tied weights, not copied."""
    theirs = kind.__module__.startswith("torch.")
    wanted = f"{'torch.nn.' * theirs}{kind.__name__}"
    if not isinstance(layer, kind):
        raise ValueError(f"{name} is {type(layer).__name__}; it needs a {wanted}")
    names = getattr(layer, "_flat_weights_names", ("weight_ih", "weight_hh", "bias_ih", "bias_hh") if theirs else ())
    if computed := [weight for weight in names if weight not in layer._parameters]:
        raise ValueError(ERRORS["computed"].format(name, computed[0]))
    if type(layer).forward is not kind.forward or "forward" in vars(layer):
        raise ValueError(ERRORS["forward"].format(name, type(layer).__name__, wanted))
    lost = [key.strip("_") for key, hooks in vars(layer).items() if key.endswith("_hooks") and hooks]
    weights = layer.named_parameters(recurse=False)
    lost += [f"hooks of {name}" for name, w in weights if w._backward_hooks or w._post_accumulate_grad_hooks]
    lost += ["parametrizations"] * parametrize.is_parametrized(layer)
    if lost:
        warnings.warn(f"{name} has {', '.join(lost)}; the copy has none", stacklevel=3)
    if len({*map(id, weights := [layer._parameters[k] for k in names])}) < len(weights):
        warnings.warn(f"{name} uses one weight in several places; the copy has one for each", stacklevel=3)


def check_numbers(weights: Mapping[str, Tensor]) -> None:
    """Raise ValueError for the first weight with NaN entries."""
    for name, weight in weights.items():
        if weight.isnan().any():
            raise ValueError(f"{name} has {int(weight.isnan().sum())} NaN entries; it needs numbers")


def _drop(x: Tensor, p: float, keep: Tensor | None, order: Tensor | None) -> Tensor:
    """Dropout for x (B, T, ·), drawn in the order of `torch.nn.LSTM`, so that on a CPU a seed gives the same mask."""
    if keep is None:  # step by step
        return F.dropout(x.transpose(0, 1).contiguous(), p).transpose(0, 1)
    if order is None:  # as `pack_padded_sequence` sorts: where it sorts at all, equal lengths may change places
        lengths = keep.sum(dim=1)
        order = lengths.sort(descending=True, stable=bool((lengths.diff() <= 0).all())).indices
    steps, true = x[order].transpose(0, 1), keep[order].t()  # in each step the longest sequence first
    return steps.masked_scatter(true[:, :, None], F.dropout(steps[true], p)).transpose(0, 1)[order.argsort()]
