"""The cell playground: one LSTM unit with a slider for each input, weight and bias."""

import tomllib
from importlib.resources import files

import ipywidgets as widgets
import torch

from lstm_lesson.cells import Values, lstm_values
from lstm_lesson.explorers.base import Explorer, slider
from lstm_lesson.plots import lstm_svg
from lstm_lesson.plots.figure import Picture
from lstm_lesson.plots.numbers import decimals
from lstm_lesson.plots.style import COLORS, NAMES, QUIET
from lstm_lesson.plots.svg import Axes, Card

GATES = {"i": "i", "f": "f", "c": "g", "o": "o"}  # the last letter of a weight: the gate that it belongs to
STATE = {"x": (-2, 2), "h_prev": (-1, 1), "c_prev": (-60, 60)}
WEIGHTS = [name for k in GATES for name in (f"W_x{k}", f"W_h{k}", f"b_{k}")]
GRID = 0.05  # the step of every slider
SHOWN = 30  # the last steps, drawn beside the cell
PRESETS = tomllib.loads(files("lstm_lesson.explorers").joinpath("playground.toml").read_text(encoding="utf-8"))


class CellPlayground(Explorer):
    """An LSTM unit to try out: the drawn cell with its present values, and c and h of the last steps as a chart.

    `preset`: "remember", "forget", "latch" or "count". `steps` holds (x, c, h) of every step taken.
    Raises ValueError for any other preset.
    """

    def __init__(self, preset: str = "remember"):
        start = self._started(preset)
        ranges = STATE | dict.fromkeys(WEIGHTS, (-16, 16))
        controls = {name: slider(name, name, start[name], *ends, GRID, 240, 50) for name, ends in ranges.items()}
        buttons = [self.button("Step", self.step), self.button("Reset", self.reset), widgets.Label("Presets:")]
        buttons += [self.button(name, lambda name=name: self.preset(name)) for name in PRESETS]
        for button in buttons:
            button.layout.width = "auto"
        rows = [buttons, [_head("the step", QUIET), *(controls[name] for name in STATE)]]
        for k, gate in GATES.items():
            rows.append([_head(f"{NAMES[gate]} {gate}", COLORS[gate]), *(controls[n] for n in WEIGHTS if n[-1] == k)])
        super().__init__(controls, rows)

    def step(self) -> None:
        """Take one step: c and h become c_prev and h_prev of the next step.

        Nothing changes if c lies outside the range of its slider; the title then tells why.
        """
        new = self.computed()
        if self._outside(new.c.item()):
            return
        self.steps.append((self.values["x"], new.c.item(), new.h.item()))
        self.exact_state = {"c_prev": new.c.item(), "h_prev": new.h.item()}
        self.move(**{name: _on_grid(value) for name, value in self.exact_state.items()})

    def reset(self) -> None:
        """Set the state to that of the preset's start and delete the steps; x and the weights stay."""
        start = self._started(self.preset_name)
        self.move(c_prev=start["c_prev"], h_prev=start["h_prev"])

    def preset(self, name: str) -> None:
        """Set every number as a preset has it and delete the steps. Raises ValueError for an unknown name."""
        self.move(**self._started(name))

    def _started(self, preset: str) -> dict[str, float]:
        """The numbers of a preset, with the steps deleted."""
        if preset not in PRESETS:
            raise ValueError(f"preset is {preset!r}; it needs one of {', '.join(PRESETS)}")
        self.steps, self.exact_state, self.preset_name = [], {}, preset
        return dict.fromkeys([*STATE, *WEIGHTS], 0.0) | PRESETS[preset]["numbers"]

    @property
    def hint(self) -> str:
        """The hint of the preset, if its weights are unchanged; the way out if c is at the end of its slider."""
        c, most = self.computed().c.item(), STATE["c_prev"][1]
        if self._outside(c):
            return f"No further step: c would be {decimals(c)}, and its slider ends at ±{most}. Press Reset"
        preset = PRESETS[self.preset_name]
        changed = any(abs(self.values[name] - preset["numbers"].get(name, 0.0)) > GRID / 2 for name in WEIGHTS)
        return f"Preset {self.preset_name}, changed; Reset keeps your weights" if changed else preset["hint"]

    @staticmethod
    def _outside(c: float) -> bool:
        return abs(_on_grid(c)) > STATE["c_prev"][1]

    @property
    def numbers(self) -> dict[str, float]:
        """The numbers that the unit computes with: the controls, and the state of the last step with all its digits.

        A slider rounds the state to its own grid; the exact state counts until its slider is moved. A browser that
        counts in steps of 0.05 may send 0.99999999999999 for 1.
        """
        numbers = {name: round(value, 13) for name, value in self.values.items()}
        unmoved = [name for name, v in self.exact_state.items() if _on_grid(numbers[name]) == _on_grid(v)]
        return numbers | {name: self.exact_state[name] for name in unmoved}

    def computed(self) -> Values:
        """The unit's values for the present numbers: i, f, g, o, c, h, each (1, 1)."""
        given = {name: torch.tensor([[value]], dtype=torch.float64) for name, value in self.numbers.items()}
        weights = {name: given[name][0] if name[0] == "b" else given[name] for name in WEIGHTS}
        return lstm_values(given["x"], given["h_prev"], given["c_prev"], weights)

    def draw(self, **_given) -> tuple[Picture, str]:
        """The cell with the values of the next step, and a chart of c and h of the steps taken."""
        values = {name: value.item() for name, value in self.computed()._asdict().items()}
        values |= {name: self.numbers[name] for name in STATE}
        hint = self.hint
        card = Card(900, 366, hint)
        cell = lstm_svg("ifgcoh", values)  # its lower edge, the equations, is cut off
        card.add(f'<svg x="6" y="46" width="640" height="316" viewBox="0 0 1280 632">{cell.split(">", 1)[1]}')
        self._strip(card)
        text = "next step gives: " + ", ".join(f"{name} = {decimals(values[name], 4)}" for name in Values._fields)
        text += f"; {len(self.steps)} {'step' if len(self.steps) == 1 else 'steps'} taken"
        text += f", last c = {decimals(self.steps[-1][1], 4)}" if self.steps else ""
        text += f". {hint}" if self._outside(values["c"]) else ""
        about = "The LSTM cell with the values that the next step gives, beside it its memory c and hidden state h"
        return card.picture(f"{about} so far. {hint}. {text}."), text

    def _strip(self, card: Card) -> None:
        first, shown = max(0, len(self.steps) - SHOWN), self.steps[-SHOWN:]
        _, c, h = zip(*shown, strict=True) if shown else ((), (), ())
        low, high = min([-1.0, *c]) * 1.15, max([1.0, *c]) * 1.15
        counted = f"the last {SHOWN} steps" if first else "steps taken"
        axes = Axes(card, (700, 84, 176, 210), (first, first + max(10, len(shown))), (low, high), counted)
        ks = range(first + 1, first + len(shown) + 1)
        for left, ys, name, dash in ((700, c, "c", "solid"), (790, h, "h", "dashed")):
            axes.curve(ks, ys, COLORS[name], dash)
            for x, y in zip(ks, ys, strict=True):
                axes.dot(x, y, COLORS[name], 4)
            card.path([(left, 64), (left + 34, 64)], COLORS[name], 2.8, dash)
            card.text(left + 42, 69, f"{name}_t", COLORS[name])


def _on_grid(value: float) -> float:
    return round(round(value / GRID) * GRID, 9)


def _head(text: str, color: str) -> widgets.HTML:
    return widgets.HTML(f'<b style="color:{color}">{text}</b>', layout={"width": "104px"})
