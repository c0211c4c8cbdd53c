"""The gradient explorer: `gradient_by_lag` of an RNN or an LSTM, for weights that can be changed."""

import math

import ipywidgets as widgets
import torch
from torch import Tensor, nn

from lstm_lesson.explorers.base import Explorer, slider
from lstm_lesson.gradients import gradient_by_lag, spectral_radius
from lstm_lesson.plots.figure import Picture
from lstm_lesson.plots.numbers import significant, true_minus
from lstm_lesson.plots.style import COLORS, INK
from lstm_lesson.plots.svg import Axes, Card

N, H, LONGEST = 8, 32, 60
SIZES = (0.0, 0.01, 0.1, 1.0, 5.0)  # factors of the inputs
RANGE = {"RNN": (1e-20, 1e15), "LSTM": (1e-20, 1e10)}  # of the y axis
CONTROL_NAMES = {"radius": "spectral radius", "forget_bias": "forget bias", "inputs": "size of inputs", "seed": "seed"}


class GradientExplorer(Explorer):
    """The norm of a gradient against the lag (number of steps back), with a reference curve.

    kind "RNN" (notebook 03): the spectral radius of W_hh, with tanh or without, against radius^k. kind "LSTM"
    (notebook 09): the bias of the forget gate, against f^k with f = σ(bias), and the gradient at the memory c.
    Both have 32 units, weights drawn by `seed` (0 to 19), uniform in ±1/√32, and up to 60 steps of random inputs.
    Raises ValueError for another kind, and for a number outside its range.
    """

    def __init__(self, kind: str = "RNN", radius: float = 1.0, forget_bias: float = 0.0, seed: int = 0):
        if kind not in ("RNN", "LSTM"):
            raise ValueError(f'kind is {kind!r}; it needs "RNN" or "LSTM"')
        self.kind = kind
        width = {"layout": {"width": "260px"}, "style": {"description_width": "100px"}}
        controls = {
            "inputs": widgets.Dropdown(options=SIZES, value=1.0, description="size of inputs", **width),
            "length": slider("steps read", "length", LONGEST, 10, LONGEST, 1),
            "seed": slider("seed", "seed", seed, 0, 19, 1),
        }
        if kind == "RNN":
            tanh = widgets.Checkbox(True, description="with tanh", indent=False, layout={"width": "120px"})
            own = {"radius": slider("spectral radius", "radius", radius, 0, 3, 0.05), "tanh": tanh}
        else:
            own = {"forget_bias": slider("forget bias", "forget_bias", forget_bias, -2, 8)}
        super().__init__(own | controls)

    def draw(self, length, **settings) -> tuple[Picture, str]:
        """The curve of one seed and its reference, on axes with a fixed range."""
        norms, factor = self.measure(length=length, **settings)
        power = f"{significant(factor, 4)} to the power k"
        curves = {"gradient of h": ([*norms["h"]], COLORS["h"] if "c" in norms else INK, "solid")}
        if "c" in norms:
            curves["gradient of c"] = (norms["c"], COLORS["c"], "dotted")
        curves[power] = ([factor**k for k in range(length + 1)], "#C2185B", "dashed")
        card = Card(900, 400, f"One {self.kind}: what is left of the gradient k steps back")
        labels = "lag k in steps", "length of the gradient"
        axes = Axes(card, (78, 78, 560, 256), (0, LONGEST), RANGE[self.kind], *labels, log=True)
        for k, (name, (ys, color, dash)) in enumerate(curves.items()):
            axes.curve(range(length + 1), ys, color, dash)
            card.path([(662, 110 + 30 * k), (706, 110 + 30 * k)], color, 2.8, dash)
            card.text(716, 115 + 30 * k, name, color)
        last = "; ".join(f"{name} = {significant(ys[-1], 2)}" for name, (ys, *_) in curves.items())
        last = last.replace("power k", f"power {length}")
        text = ", ".join(f"{CONTROL_NAMES[key]} {value:g}" for key, value in settings.items() if key != "tanh")
        text += "" if settings.get("tanh", True) else ", no tanh"
        text = true_minus(f"{text}. At lag {length}: {last}")
        return card.picture(f"Curves against the lag on a log scale. {text}."), text

    def measure(self, inputs=1.0, length=LONGEST, seed=0, radius=1.0, tanh=True, forget_bias=0.0) -> tuple[dict, float]:
        """The gradient's length at each lag from 0 to `length`, for h and an LSTM's c, and the reference's factor."""
        generator = torch.Generator().manual_seed(1000 + seed)
        x = inputs * torch.randn(1, LONGEST, N, dtype=torch.float64, generator=generator)[:, :length]  # (1, T, N)
        h_0 = torch.zeros(1, H, dtype=torch.float64)
        if self.kind == "RNN":
            W_xh, W_hh, b_h = rnn_weights(seed, radius)
            squash = torch.tanh if tanh else lambda z: z
            norms = gradient_by_lag(lambda x_t, h: squash(x_t @ W_xh + h @ W_hh + b_h), x, h_0)
            return {"h": norms[0].tolist()}, radius
        norms = gradient_by_lag(lstm_cell(seed, forget_bias), x, (h_0, h_0))
        curves = {name: rows[0].tolist() for name, rows in zip("hc", norms, strict=True)}
        return curves, 1 / (1 + math.exp(-forget_bias))


def rnn_weights(seed: int, radius: float) -> tuple[Tensor, Tensor, Tensor]:
    """W_xh (8, 32), W_hh (32, 32), b_h (32,) with `RNNCell`'s random weights, W_hh scaled to this spectral radius."""
    W_xh, W_hh, b_h = _uniform(seed, (N, H), (H, H), (H,))
    return W_xh, W_hh * (radius / spectral_radius(W_hh)), b_h


def lstm_cell(seed: int, forget_bias: float) -> nn.LSTMCell:
    """PyTorch's cell (8 inputs, 32 units), random, with `forget_bias` added to the bias of the forget gate."""
    cell = nn.utils.skip_init(nn.LSTMCell, N, H, dtype=torch.float64)  # without random numbers of the global generator
    drawn = _uniform(seed, *(weight.shape for weight in cell.parameters()))
    with torch.no_grad():
        for weight, numbers in zip(cell.parameters(), drawn, strict=True):
            weight.copy_(numbers)
        cell.bias_ih[H : 2 * H] += forget_bias
    return cell


def _uniform(seed: int, *shapes) -> list[Tensor]:
    """Numbers in ±1/√H, the same for the same seed; the global random generator is not used."""
    generator, bound = torch.Generator().manual_seed(seed), H**-0.5
    return [torch.empty(shape, dtype=torch.float64).uniform_(-bound, bound, generator=generator) for shape in shapes]
