"""A cell along a sequence: unrolling, masks for padded batches, and the LSTM that equals `torch.nn.LSTM`."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from lstm_lesson import kernel
from lstm_lesson.cells import MAKES, LSTMCell, lstm_step, two
from lstm_lesson.equations import rnn_step
from lstm_lesson.shapes import check_lengths, check_shapes, check_size


def unroll(x: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor) -> Tensor:
    """A tanh RNN along a sequence: the same weights at every step.

    x (B, T, N), h_0 (B, H), W_xh (N, H), W_hh (H, H), b_h (H,) -> all hidden states (B, T, H).
    Source: Elman 1990. Raises ValueError naming the argument whose shape does not fit.
    """
    check_shapes(x=(x, "B T N"), h_0=(h_0, "B H"), W_xh=(W_xh, "N H"), W_hh=(W_hh, "H H"), b_h=(b_h, "H"))
    h_t, hidden_seq = h_0, []
    for t in range(x.shape[1]):
        h_t = rnn_step(x[:, t], h_t, W_xh, W_hh, b_h)
        hidden_seq.append(h_t)
    return torch.stack(hidden_seq, dim=1)  # (B, T, H)


def masked_step(h_new: Tensor, h_prev: Tensor, keep: Tensor) -> Tensor:
    """The state after a step that counts only for some sequences of the batch.

    h_new, h_prev (B, H); keep (B,) bool, False where this step is padding -> (B, H): a padded step changes nothing.
    Raises ValueError naming the argument that does not fit.
    """
    sizes = check_shapes(h_new=(h_new, "B H"), h_prev=(h_prev, "B H"))
    if not isinstance(keep, Tensor) or keep.dtype != torch.bool or keep.shape != (sizes["B"],):
        has = (
            f"shape {tuple(keep.shape)} and {keep.dtype}" if isinstance(keep, Tensor) else f"type {type(keep).__name__}"
        )
        raise ValueError(f"keep has {has}; it needs a bool tensor of shape (B,) = ({sizes['B']},)")
    return torch.where(keep[:, None], h_new, h_prev)


def last_true_step(hidden_seq: Tensor, lengths: Tensor) -> Tensor:
    """The hidden state at each sequence's own last step, before its padding.

    hidden_seq (B, T, H), lengths (B,) whole numbers in 1..T -> (B, H).
    Raises ValueError naming the argument that does not fit.
    """
    sizes = check_shapes(hidden_seq=(hidden_seq, "B T H"))
    lengths = check_lengths(lengths, sizes["B"], sizes["T"], hidden_seq.device)
    return hidden_seq[torch.arange(sizes["B"], device=hidden_seq.device), lengths - 1]


def lstm(x: Tensor, h_0: Tensor, c_0: Tensor, weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """An LSTM along a sequence.

    x (B, T, N), h_0 (B, H), c_0 (B, H), `weights` as in `lstm_step`
    -> all hidden states (B, T, H), the last hidden state (B, H), the last memory (B, H).
    Raises ValueError naming the argument that does not fit.
    """
    check_shapes(x=(x, "B T N"), h_0=(h_0, "B H"), c_0=(c_0, "B H"))
    h_t, c_t, hidden_seq = h_0, c_0, []
    for t in range(x.shape[1]):
        h_t, c_t = lstm_step(x[:, t], h_t, c_t, weights)
        hidden_seq.append(h_t)
    return torch.stack(hidden_seq, dim=1), h_t, c_t


def from_torch_weights(weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor, bias_hh: Tensor) -> dict[str, Tensor]:
    """PyTorch's stacked weights under the equations' names, detached copies.

    weight_ih (4H, N), weight_hh (4H, H), bias_ih, bias_hh (4H,), rows in the order i, f, g, o
    -> {"W_xi": (N, H), "W_hi": (H, H), "b_i": (H,), …}; the two biases are summed.
    Source: the documentation of `torch.nn.LSTM`.
    Raises ValueError naming the argument that does not fit or holds NaN.
    """
    check_shapes(
        weight_ih=(weight_ih, "4H N"), weight_hh=(weight_hh, "4H H"), bias_ih=(bias_ih, "4H"), bias_hh=(bias_hh, "4H")
    )
    if weight_hh.shape[0] != 4 * weight_hh.shape[1]:
        raise ValueError(f"weight_hh has shape {tuple(weight_hh.shape)}; it needs (4H, H)")
    for name, tensor in {
        "weight_ih": weight_ih, "weight_hh": weight_hh, "bias_ih": bias_ih, "bias_hh": bias_hh
    }.items():  # fmt: skip
        if tensor.isnan().any():
            raise ValueError(f"{name} has {int(tensor.isnan().sum())} NaN entries; it needs numbers")
    stacked = {"W_x": weight_ih, "W_h": weight_hh, "b_": bias_ih + bias_hh}
    return {
        f"{reads}{makes}": rows.detach().t().clone() if rows.ndim == 2 else rows.detach().clone()
        for reads, tensor in stacked.items()
        for makes, rows in zip("ifco", tensor.chunk(4), strict=True)  # our c is PyTorch's g
    }


class CustomLSTM(nn.Module):
    """An LSTM in the equations' own words, equal to `torch.nn.LSTM` wherever that one goes.

    CustomLSTM(N, H, num_layers=1, bidirectional=False, peephole=None, forget_bias=0.0)
    (x (B, T, N), init_states=None, lengths=None) -> hidden_seq (B, T, H·directions), (h_n, c_n).

    `init_states` is (h_0, c_0), zeros if None. They, h_n and c_n are (B, H) for one layer in one direction, otherwise
    (layers·directions, B, H). With `lengths` (B,), steps at and after a sequence's length change no state, and
    hidden_seq is 0 there, as PyTorch's packed sequences have it.
    Weights start uniform in ±1/√H. Raises ValueError naming the argument that does not fit.

    >>> hidden_seq, (h_n, c_n) = CustomLSTM(3, 5)(torch.zeros(2, 7, 3), lengths=[7, 4])
    >>> hidden_seq.shape, h_n.shape
    (torch.Size([2, 7, 5]), torch.Size([2, 5]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bidirectional: bool = False,
        peephole: str | None = None,
        forget_bias: float = 0.0,
    ):
        super().__init__()
        check_size("num_layers", num_layers)
        if not isinstance(bidirectional, bool):
            raise ValueError(f"bidirectional is {bidirectional!r}; it needs True or False")
        check_size("hidden_size", hidden_size)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.directions = 2 if bidirectional else 1
        sizes = [input_size] + [hidden_size * self.directions] * (num_layers - 1)  # what each layer reads
        self.cells = nn.ModuleList(
            LSTMCell(size, hidden_size, peephole, forget_bias) for size in sizes for _ in range(self.directions)
        )

    @property
    def single(self) -> bool:
        """One layer in one direction: its states have no layer dimension."""
        return len(self.cells) == 1

    def forward(self, x: Tensor, init_states=None, lengths=None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        sizes = check_shapes({"N": self.input_size}, x=(x, "B T N"))
        h_0, c_0 = self._initial(x, init_states)
        keep = None
        if lengths is not None:
            lengths = check_lengths(lengths, sizes["B"], sizes["T"], x.device)
            keep = torch.arange(sizes["T"], device=x.device) < lengths[:, None]  # (B, T)
        h_n, c_n = [], []
        for layer in range(self.num_layers):
            ways = []
            for k in range(layer * self.directions, (layer + 1) * self.directions):
                backwards = k % self.directions == 1
                # The cell step by step, or the same by hand: fewer calls, equal to the last digits (tests hold it).
                run = kernel.run_cell if kernel.supported(self.cells[k], x, h_0[k], c_0[k]) else self._run
                hidden_seq, h, c = run(self.cells[k], x, h_0[k], c_0[k], keep, backwards)
                ways.append(hidden_seq)
                h_n.append(h)
                c_n.append(c)
            x = torch.cat(ways, dim=-1)  # (B, T, H·directions): the next layer reads both ways
        if self.single:
            return x, (h_n[0], c_n[0])
        return x, (torch.stack(h_n), torch.stack(c_n))

    @staticmethod
    def _run(cell, x, h, c, keep, backwards):
        """One cell along x (B, T, N), from the end if `backwards`; padded steps carry the state on."""
        steps, xs = range(x.shape[1]), x.unbind(1)  # not x[:, t]: its gradient would have the size of x at every step
        hidden_seq = [None] * len(steps)
        for t in reversed(steps) if backwards else steps:
            h_new, c_new = cell(xs[t], (h, c))
            if keep is None:
                h, c = h_new, c_new
                hidden_seq[t] = h
            else:
                h, c = masked_step(h_new, h, keep[:, t]), masked_step(c_new, c, keep[:, t])
                hidden_seq[t] = h_new * keep[:, t, None]
        return torch.stack(hidden_seq, dim=1), h, c

    def _initial(self, x, init_states):
        """h_0 and c_0, each (layers·directions, B, H)."""
        shape = (len(self.cells), x.shape[0], self.hidden_size)
        if init_states is None:
            return x.new_zeros(shape), x.new_zeros(shape)
        states = two("init_states", init_states)
        letters = "B H" if self.single else "layers·directions B H"
        sizes = {"layers·directions": shape[0], "B": shape[1], "H": shape[2]}
        for name, state in zip(("h_0 of init_states", "c_0 of init_states"), states, strict=True):
            check_shapes(sizes, x=(x, "B T N"), **{name: (state, letters)})
        return tuple(state[None] if self.single else state for state in states)

    @classmethod
    def from_torch(cls, lstm: nn.LSTM) -> "CustomLSTM":
        """A CustomLSTM with the weights of a `torch.nn.LSTM`; the two biases are summed.

        Raises ValueError for weights that hold NaN and for `proj_size`, `bias=False` or `dropout`, which have no
        counterpart here.
        """
        if not isinstance(lstm, nn.LSTM):
            raise ValueError(f"lstm is {type(lstm).__name__}; it needs a torch.nn.LSTM")
        for name, needs in {"proj_size": 0, "bias": True, "dropout": 0.0}.items():
            if getattr(lstm, name) != needs:
                raise ValueError(f"lstm has {name} = {getattr(lstm, name)}; it needs {name} = {needs}")
        own = cls(lstm.input_size, lstm.hidden_size, lstm.num_layers, lstm.bidirectional).to(lstm.weight_ih_l0)
        for cell, suffix in zip(own.cells, own._suffixes(), strict=True):
            stacked = [getattr(lstm, f"{name}_{suffix}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
            cell.load_state_dict(from_torch_weights(*stacked))
        return own

    def to_torch(self) -> nn.LSTM:
        """A `torch.nn.LSTM` (batch first) with these weights; bias_ih takes the bias, bias_hh is 0.

        Raises ValueError for peepholes, which `torch.nn.LSTM` does not have, and for weights that hold NaN.
        """
        if self.cells[0].peephole:
            raise ValueError(f"peephole is {self.cells[0].peephole!r}; torch.nn.LSTM has none, so it needs None")
        for name, weight in self.named_parameters():
            if weight.isnan().any():
                raise ValueError(f"{name} has {int(weight.isnan().sum())} NaN entries; it needs numbers")
        theirs = nn.LSTM(
            self.input_size, self.hidden_size, self.num_layers, batch_first=True, bidirectional=self.directions == 2
        ).to(self.cells[0].b_i)
        state = {}
        for cell, suffix in zip(self.cells, self._suffixes(), strict=True):
            w = cell.weights
            state[f"weight_ih_{suffix}"] = torch.cat([w[f"W_x{k}"].t() for k in MAKES])  # (4H, N)
            state[f"weight_hh_{suffix}"] = torch.cat([w[f"W_h{k}"].t() for k in MAKES])  # (4H, H)
            state[f"bias_ih_{suffix}"] = torch.cat([w[f"b_{k}"] for k in MAKES])
            state[f"bias_hh_{suffix}"] = torch.zeros_like(state[f"bias_ih_{suffix}"])
        theirs.load_state_dict(state)
        return theirs

    def _suffixes(self):
        """PyTorch's names of the layers, in the order of `cells`: l0, l0_reverse, l1, …"""
        ways = ("", "_reverse")[: self.directions]
        return [f"l{layer}{way}" for layer in range(self.num_layers) for way in ways]
