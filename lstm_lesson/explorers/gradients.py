"""The gradient explorer: `gradient_by_lag` of an RNN, for weights that can be changed."""

import ipywidgets as widgets
import torch
from torch import Tensor

from lstm_lesson.explorers.base import Explorer, slider
from lstm_lesson.gradients import gradient_by_lag, spectral_radius
from lstm_lesson.plots.figure import Picture
from lstm_lesson.plots.numbers import significant, true_minus
from lstm_lesson.plots.style import INK
from lstm_lesson.plots.svg import Axes, Card

N, H, LONGEST = 8, 32, 60
SIZES = (0.0, 0.01, 0.1, 1.0, 5.0)  # factors of the inputs
RANGE = 1e-20, 1e15  # of the y axis


class GradientExplorer(Explorer):
    """The norm of a gradient against the lag (number of steps back) in an RNN, beside radius^k (notebook 03).

    The RNN has 32 units, with tanh or without, weights drawn by `seed` (0 to 19), uniform in ±1/√32, W_hh scaled to the
    spectral radius, and up to 60 steps of random inputs. Raises ValueError for a number outside its range.
    """

    def __init__(self, radius: float = 1.0, seed: int = 0):
        width = {"layout": {"width": "260px"}, "style": {"description_width": "100px"}}
        controls = {
            "radius": slider("spectral radius", "radius", radius, 0, 3, 0.05),
            "tanh": widgets.Checkbox(True, description="with tanh", indent=False, layout={"width": "120px"}),
            "inputs": widgets.Dropdown(options=SIZES, value=1.0, description="size of inputs", **width),
            "length": slider("steps read", "length", LONGEST, 10, LONGEST, 1),
            "seed": slider("seed", "seed", seed, 0, 19, 1),
        }
        super().__init__(controls)

    def draw(self, length, radius, tanh, **settings) -> tuple[Picture, str]:
        """The curve of one seed and its reference, on axes with a fixed range."""
        norms = self.measure(length=length, radius=radius, tanh=tanh, **settings)
        curves = {
            "gradient of h": (norms, INK, "solid"),
            f"{significant(radius, 4)} to the power k": ([radius**k for k in range(length + 1)], "#C2185B", "dashed"),
        }
        card = Card(900, 400, "One RNN: what is left of the gradient k steps back")
        axes = Axes(card, (78, 78, 560, 256), (0, LONGEST), RANGE, "lag k in steps", "length of the gradient", log=True)
        for k, (name, (ys, color, dash)) in enumerate(curves.items()):
            axes.curve(range(length + 1), ys, color, dash)
            card.path([(662, 110 + 30 * k), (706, 110 + 30 * k)], color, 2.8, dash)
            card.text(716, 115 + 30 * k, name, color)
        last = "; ".join(f"{name} = {significant(ys[-1], 2)}" for name, (ys, *_) in curves.items())
        last = last.replace("power k", f"power {length}")
        settings = {"spectral radius": radius, "size of inputs": settings["inputs"], "seed": settings["seed"]}
        text = ", ".join(f"{name} {value:g}" for name, value in settings.items()) + ("" if tanh else ", no tanh")
        text = true_minus(f"{text}. At lag {length}: {last}")
        return card.picture(f"Curves against the lag on a log scale. {text}."), text

    def measure(self, inputs=1.0, length=LONGEST, seed=0, radius=1.0, tanh=True) -> list[float]:
        """The length of the gradient at each lag from 0 to `length`."""
        generator = torch.Generator().manual_seed(1000 + seed)
        x = inputs * torch.randn(1, LONGEST, N, dtype=torch.float64, generator=generator)[:, :length]  # (1, T, N)
        W_xh, W_hh, b_h = rnn_weights(seed, radius)
        squash = torch.tanh if tanh else lambda z: z
        h_0 = torch.zeros(1, H, dtype=torch.float64)
        return gradient_by_lag(lambda x_t, h: squash(x_t @ W_xh + h @ W_hh + b_h), x, h_0)[0].tolist()


def rnn_weights(seed: int, radius: float) -> tuple[Tensor, Tensor, Tensor]:
    """W_xh (8, 32), W_hh (32, 32), b_h (32,): uniform in ±1/√32, W_hh scaled to this spectral radius.

    The same for the same seed; the global random generator is not used.
    """
    generator, bound = torch.Generator().manual_seed(seed), H**-0.5
    W_xh, W_hh, b_h = (
        torch.empty(shape, dtype=torch.float64).uniform_(-bound, bound, generator=generator)
        for shape in ((N, H), (H, H), (H,))
    )
    return W_xh, W_hh * (radius / spectral_radius(W_hh)), b_h
