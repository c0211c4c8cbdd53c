"""Variants of the LSTM, each with one change, after Greff et al. 2015; and the tanh RNN."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lstm_lesson.shapes import Shape, check_shapes, check_sizes, checked

# Names of Greff et al.: no input, forget or output gate; no input or output activation function; coupled input and
# forget gate; diagonal peepholes; full gate recurrence. Then the LSTM of 1997, and the tanh RNN, without gates.
VARIANTS = "vanilla", "NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "PEEP", "FGR", "LSTM97", "RNN"
Step = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]  # z_i, z_f, z_c, z_o, c_prev -> h, c


def variant_step(z: Tensor, c_prev: Tensor, variant: str = "vanilla", peepholes: Tensor | None = None):
    """One step of a variant: most differ from the five equations in one line.

    Coupled gates: f = 1 − i, so that the input gate's weights make both. The LSTM of 1997 has no forget gate, g between
    −2 and 2, and h between −1 and 1. Which gates the gates read is decided before, in z.
    z (B, 4H) is x_t W_x + h_{t−1} W_h + b for i, f, c, o side by side, c_prev (B, H), peepholes (3, H) for i, f, o
    -> h_t (B, H), c_t (B, H), and the gates i, f, o: (B, H), or 1.0 for one that is missing.
    Sources: Greff, Srivastava, Koutník, Steunebrink & Schmidhuber 2015; Hochreiter & Schmidhuber 1997.
    """
    z_i, z_f, z_c, z_o = z.chunk(4, dim=1)
    if variant == "RNN":
        return torch.tanh(z_c), c_prev, (1.0, 1.0, 1.0)
    if variant == "PEEP":
        p_i, p_f, p_o = peepholes
        z_i, z_f = z_i + c_prev * p_i, z_f + c_prev * p_f
    i = 1.0 if variant == "NIG" else torch.sigmoid(z_i)
    f = 1.0 if variant in ("NFG", "LSTM97") else 1 - i if variant == "CIFG" else torch.sigmoid(z_f)
    g = z_c if variant == "NIAF" else 2 * torch.tanh(z_c / 2) if variant == "LSTM97" else torch.tanh(z_c)
    c = f * c_prev + i * g
    if variant == "PEEP":
        z_o = z_o + c * p_o  # the new memory, not the old
    o = 1.0 if variant == "NOG" else torch.sigmoid(z_o)
    shown = c if variant == "NOAF" else torch.tanh(c / 2 if variant == "LSTM97" else c)
    return o * shown, c, (i, f, o)


@checked
def coupled_cell_state(i_t: Shape["B H"], c_prev: Shape["B H"], g_t: Shape["B H"]) -> Shape["B H"]:
    """The cell state with coupled gates: the forget gate is 1 − i_t.

    Source: Greff et al. 2015 (CIFG); the same idea in the GRU, Cho et al. 2014.
    Raises ValueError naming the argument whose shape does not fit.
    """
    return (1 - i_t) * c_prev + i_t * g_t


class VariantLSTM(nn.Module):
    """A variant along a sequence: x (B, T, N) -> hidden_seq (B, T, H).

    All weights and biases start uniform in ±1/√H and are drawn in the same order for every variant, so that with one
    seed all variants start from the same weights; weights that a variant does not use are there and never change.
    W_x (N, 4H), W_h (H, 4H) and b (4H,) hold i, f, c, o side by side; W_g (3H, 3H) leads from the gates i, f, o of the
    step before to i, f, o. The LSTM of 1997 has its truncated gradient: back in time it flows through the memory alone.
    `own` is a step of your own in the place of the variant's: z_i, z_f, z_c, z_o, c_prev, each (B, H) -> h_t, c_t.
    Raises ValueError for a name that is not in `VARIANTS` and for sizes and shapes that do not fit.
    """

    def __init__(self, input_size: int, hidden_size: int, variant: str = "vanilla", forget_bias: float = 0.0,
                 input_bias: float = 0.0, own: Step | None = None):  # fmt: skip
        super().__init__()
        if own is None and variant not in VARIANTS:
            raise ValueError(f"variant is {variant!r}; it needs one of {', '.join(VARIANTS)}")
        self.input_size, self.hidden_size = check_sizes(input_size=input_size, hidden_size=hidden_size)
        self.variant, self.own = variant, own
        bound, H = 1 / math.sqrt(hidden_size), hidden_size
        for name, shape in {"W_x": (input_size, 4 * H), "W_h": (H, 4 * H), "b": (4 * H,), "peepholes": (3, H),
                            "W_g": (3 * H, 3 * H)}.items():  # fmt: skip
            setattr(self, name, nn.Parameter(torch.empty(shape).uniform_(-bound, bound)))
        with torch.no_grad():
            self.b[:H] += input_bias
            self.b[H : 2 * H] += forget_bias

    def forward(self, x: Tensor) -> Tensor:
        check_shapes({"N": self.input_size}, x=(x, "B T N"))
        from_x = x @ self.W_x + self.b  # (B, T, 4H)
        h = c = x.new_zeros(x.shape[0], self.hidden_size)
        W, read, hidden_seq = self.W_h, h, []  # what a step reads of the step before: h, and in two variants the gates
        gated = self.own is None and self.variant in ("FGR", "LSTM97")  # their gates read gates
        if gated:
            into_i, into_f, into_o = self.W_g.chunk(3, dim=1)
            W = torch.cat([W, torch.cat([into_i, into_f, torch.zeros_like(into_i), into_o], dim=1)])  # (4H, 4H)
            read = torch.cat([h] * 4, dim=1)  # (B, 4H)
        for z_x in from_x.unbind(dim=1):
            z = torch.addmm(z_x, read, W)
            if self.own is None:
                h, c, (i, f, o) = variant_step(z, c, self.variant, self.peepholes)
            else:
                h, c = self.own(*z.chunk(4, dim=1), c)
            hidden_seq.append(h)
            read = torch.cat([h, i, f if self.variant == "FGR" else 0 * i, o], dim=1) if gated else h
            read = read.detach() if gated and self.variant == "LSTM97" else read
        return torch.stack(hidden_seq, dim=1)  # (B, T, H)
