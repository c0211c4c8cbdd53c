"""What a recurrence does over the steps: a gate's half-life, an RNN's states one by one, its gradient by lag."""

import ipywidgets as widgets
import torch
from torch import Tensor

from lstm_lesson.equations import half_life
from lstm_lesson.explorers.base import Explorer, slider
from lstm_lesson.gradients import gradient_by_lag, spectral_radius
from lstm_lesson.layers import unroll
from lstm_lesson.plots.figure import Picture
from lstm_lesson.plots.numbers import bracketed, decimals, significant, true_minus
from lstm_lesson.plots.style import COLORS, INK, QUIET
from lstm_lesson.plots.svg import Axes, Card
from lstm_lesson.shapes import check_shapes

PALE, WATER = "#AEB4BA", "#E6F1F8"
N, H, LONGEST = 8, 32, 60  # the sizes of the gradient explorer's RNN, and its largest lag
SIZES = (0.0, 0.01, 0.1, 1.0, 5.0)  # factors of its inputs
RANGE = 1e-20, 1e15  # of its y axis


class HalfLifeExplorer(Explorer):
    """How long the memory lasts if the forget gate depends on its bias only (notebook 05).

    bias from −6 to 8. The gate is f = σ(bias) at every step; of a memory of 1, f^k is left after k steps.
    Raises ValueError for a number outside that range.
    """

    def __init__(self, bias: float = 0.0):
        super().__init__({"bias": slider("forget bias", "bias", bias, -6, 8)})

    def draw(self, bias) -> tuple[Picture, str]:
        """The decay, with a dot where half is left; an arrow if that point lies outside the axes."""
        gate = torch.sigmoid(torch.tensor(bias, dtype=torch.float64))
        f, steps = gate.item(), half_life(gate).item()
        life = significant(steps, 4)
        card = Card(900, 350, "A memory of 1, and what the gate leaves of it step by step")
        axes = Axes(card, (70, 76, 700, 210), (0, 100), (0, 1), "steps (one word is one step)", "share left")
        ks = [k / 2 for k in range(201)]
        axes.curve([0, 100], [0.5, 0.5], QUIET, "dashed", 1.6)
        axes.curve(ks, [f**k for k in ks], COLORS["f"])
        axes.dot(steps, 0.5, COLORS["f"], 8)
        if steps > 100:  # the curve lies above one half, so there is room below
            card.text(764, axes.at(0, 0.5)[1] + 22, f"half-life {life} →", COLORS["f"], side="end", bold=True)
        card.text(778, axes.at(0, 0.5)[1] + 5, "half is left", QUIET)
        text = f"bias {decimals(bias, 1)}, gate f = {f:.4f}, half-life {life} step{'' if steps == 1 else 's'}"
        text += f", left after 50 steps: {f**50:.2%}, after 100: {f**100:.2%}"
        return card.picture(f"A curve that falls from 1, crossing one half at the half-life. {text}."), text


class UnrolledStepper(Explorer):
    """An RNN, step by step: its inputs, its states, and the weights that are the same at each step (notebook 01).

    x (T, N), W_xh (N, H), W_hh (H, H), b_h (H,); T at most 6, N and H at most 3. The state starts at zero.
    Raises ValueError naming the argument whose shape does not fit.
    """

    def __init__(self, x: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor):
        sizes = check_shapes(x=(x, "T N"), W_xh=(W_xh, "N H"), W_hh=(W_hh, "H H"), b_h=(b_h, "H"))
        for letter, most in {"T": 6, "N": 3, "H": 3}.items():
            if sizes[letter] > most:
                raise ValueError(f"{letter} is {sizes[letter]}; the drawing has space for at most {most}")
        self.x, self.W_xh, self.W_hh, self.b_h = (w.detach().double() for w in (x, W_xh, W_hh, b_h))
        h_0 = torch.zeros(1, sizes["H"], dtype=torch.float64)
        self.states = torch.cat([h_0, unroll(self.x[None], h_0, self.W_xh, self.W_hh, self.b_h)[0]])  # (T + 1, H)
        step = slider("step t", "step", 1, 1, sizes["T"], 1)
        unit = widgets.Dropdown(options=range(1, sizes["H"] + 1), description="unit", layout={"width": "180px"})
        back = self.button("Previous", lambda: self.move(step=max(step.value - 1, step.min)))
        on = self.button("Next", lambda: self.move(step=min(step.value + 1, step.max)))
        super().__init__({"step": step, "unit": unit}, [[back, on, step, unit]])

    def draw(self, step, unit) -> tuple[Picture, str]:
        """The unrolled network up to this step, and one unit's equation with the numbers of this step."""
        bias, h = self.b_h[unit - 1].item(), self.states[step, unit - 1].item()
        sums, products = [], []
        for read, W, digits in ((self.x, self.W_xh, 2), (self.states, self.W_hh, 4)):  # so that the sum looks correct
            pairs = list(zip(read[step - 1].tolist(), W[:, unit - 1].tolist(), strict=True))
            sums.append(sum(a * b for a, b in pairs))
            products.append(" + ".join(f"{bracketed(a, digits)} · {bracketed(b)}" for a, b in pairs))
        height = max(450, 350 + 24 * (len(self.W_xh) + len(self.W_hh)))
        card = Card(900, height, f"Step {step} of {len(self.x)}: new numbers in x and h, the same weights")
        self._boxes(card, step)
        by_x, by_h, b = (decimals(number, 3) for number in (*sums, bias))
        rows = {
            f"x_{step} W_{{xh}}": f"{products[0]} = {by_x}",
            f"h_{step - 1} W_{{hh}}": f"{products[1]} = {by_h}",
            "b_h": b,
            f"h_{step}": f"tanh({by_x} + {bracketed(sums[1], 3)} + {bracketed(bias, 3)}) = {decimals(h)}",
        }
        card.text(30, 282, f"Unit {unit} at step {step}", bold=True)
        for k, (name, numbers) in enumerate(rows.items()):
            card.text(30, 318 + 38 * k, name)
            card.text(100, 318 + 38 * k, numbers, COLORS["h"] if k == 3 else INK, 13, bold=k == 3)
        self._weights(card, unit)
        text = f"step {step}, unit {unit}: {by_x} from x, {by_h} from the state before, {b} bias, h = {decimals(h, 4)}"
        return card.picture(f"An RNN unrolled over {len(self.x)} steps, read up to this one. {text}."), text

    def _boxes(self, card: Card, step: int) -> None:
        pitch = 800 / len(self.x)
        card.text(16, 154, "h_0")
        for t in range(1, len(self.x) + 1):
            middle, half = 66 + pitch * (t - 0.5), min(44, 0.3 * pitch)
            color, now = (INK if t <= step else PALE), t == step
            start = 46 if t == 1 else middle - pitch + half
            for ends in ((start, 150, middle - half - 2, 150), (middle, 208, middle, 182), (middle, 120, middle, 96)):
                card.arrow(*ends, color)
            look = (WATER, COLORS["i"], 3.5) if now else ("#FFFFFF", color, 1.8)
            card.rect(middle - half, 120, 2 * half, 60, *look)
            card.text(middle, 155, "tanh", color, 14, "middle", bold=now)
            for name, y, values in (("x", 226, self.x[t - 1].tolist()), ("h", 70, self.states[t].tolist())):
                card.text(middle, y, f"{name}_{t}", color, 14.5, "middle", bold=now)
                if name == "x" or t <= step:
                    numbers, size = ", ".join(map(decimals, values)), 11.5 if len(values) > 2 else 13
                    card.text(middle, y + 18, f"({numbers})", color, size, "middle")

    def _weights(self, card: Card, unit: int) -> None:
        """The three sets of weights, with the unit's column shaded."""
        card.text(600, 282, "The same at every step", bold=True)
        y = 318
        card.rect(660 + 62 * (unit - 1), 298, 58, 24 * (len(self.W_xh) + len(self.W_hh) + 1) + 16, WATER)
        for name, rows in {"W_{xh}": self.W_xh, "W_{hh}": self.W_hh, "b_h": self.b_h[None]}.items():
            card.text(600, y, name)
            for row in rows.tolist():
                for k, value in enumerate(row):
                    card.text(710 + 62 * k, y, decimals(value), size=13.5, side="end", bold=k == unit - 1)
                y += 24
            y += 8


class GradientExplorer(Explorer):
    """The norm of a gradient against the lag (number of steps back) in an RNN, beside radius^k (notebook 03).

    The RNN has 32 units, with tanh or without, weights drawn by `seed` (0 to 19), uniform in ±1/√32, W_hh scaled to the
    spectral radius, and up to 60 steps of random inputs. Raises ValueError for a number outside its range.
    """

    def __init__(self, radius: float = 1.0, seed: int = 0):
        width = {"layout": {"width": "260px"}, "style": {"description_width": "100px"}}
        super().__init__({
            "radius": slider("spectral radius", "radius", radius, 0, 3, 0.05),
            "tanh": widgets.Checkbox(True, description="with tanh", indent=False, layout={"width": "120px"}),
            "inputs": widgets.Dropdown(options=SIZES, value=1.0, description="size of inputs", **width),
            "length": slider("steps read", "length", LONGEST, 10, LONGEST, 1),
            "seed": slider("seed", "seed", seed, 0, 19, 1),
        })  # fmt: skip

    def draw(self, radius, tanh, inputs, length, seed) -> tuple[Picture, str]:
        """The curve of one seed and its reference, on axes with a fixed range."""
        curves = {
            "gradient of h": (self.measure(inputs, length, seed, radius, tanh), INK, "solid"),
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
        text = f"spectral radius {radius:g}, size of inputs {inputs:g}, seed {seed}{'' if tanh else ', no tanh'}"
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
    drawn = (torch.empty(shape, dtype=torch.float64) for shape in ((N, H), (H, H), (H,)))
    W_xh, W_hh, b_h = (W.uniform_(-bound, bound, generator=generator) for W in drawn)
    return W_xh, W_hh * (radius / spectral_radius(W_hh)), b_h
