"""The inspector as a static picture, for pages without scripts and for the first page of the lesson."""

import base64
import io

import torch
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.image import imsave
from torch import Tensor

from lstm_lesson.explorers.traced_text import TracedText
from lstm_lesson.plots.figure import Picture
from lstm_lesson.plots.numbers import decimals, significant, true_minus
from lstm_lesson.plots.style import INK, NAMES, QUIET, color_of, luminance
from lstm_lesson.plots.svg import Axes, Card

NAMES = NAMES | {"r": "reset gate", "z": "update gate"}
LOW, MINUS, PLUS = "#EEF1F5", "#2166AC", "#B2182B"  # the colours of inspector.html for 0, −1 and 1
WIDTH, LEFT, GAP = 1000, 16, 5
MOST_WORDS = 40  # shown of each text


def snapshot(texts: list[TracedText], order: list[int]) -> Picture:
    """Each text's words under the line of the score, or the curves of a series, in the colours of one unit's memory.

    A single one also has heat maps. `order`: all units, first the one of the colours.
    """
    first, unit, letter = texts[0], order[0], "c" if "c" in texts[0].values else "h"
    limit = max(text.memory[:, unit].abs().max().item() for text in texts) or 1.0
    card, y, surface = Card(WIDTH, 10, ""), 30, f"{first.step}s" if first.series is None else "band"
    card.text(LEFT, y, "Inside the gates", size=18, bold=True)
    scored = first.score is not None and first.series is None
    legend = [f"{surface}: {NAMES[letter]} {letter} of unit {unit}, blue below 0, red above"]
    if scored:
        low, high = (true_minus(significant(end)) for end in score_ends(first, texts))
        legend.append(f"line: {_cut(first.score_name, 40)} after each {first.step}, from {low} to {high}")
    for k, text in enumerate(legend):
        card.text(WIDTH - LEFT, y := 30 + 20 * k, text, QUIET, 14, "end", formula=False)
    for text in texts:
        colors = [to_hex(_shades(letter)((v / limit + 1) / 2)) for v in text.memory[:, unit].tolist()]
        if text.series is None:
            y = _words(card, y + 12, text, unit, colors, score_ends(text, texts))
        else:
            y = _curves(card, y + 12, text, colors)
    maps = ""
    if len(texts) == 1:
        y, (*most, last) = _maps(card, y + 20, first, order), first.values
        maps = f" Below, a heat map of {first.step}s by units for each of {', '.join(most)} and {last}."
    card.height = y + 12
    said = "; ".join(_said(text) for text in texts)
    return card.picture(f"The gate inspector: {surface} coloured by the {NAMES[letter]} of unit {unit}, {said}.{maps}")


def short(value: float) -> str:
    """Two decimals, or three significant digits of a number that is small or large."""
    return decimals(value) if value == 0 or 0.005 <= abs(value) < 1e4 else true_minus(significant(float(value)))


def score_ends(text: TracedText, texts: list[TracedText]) -> tuple[float, float]:
    """The ends of the line above the words, for all scores of one name: 0 and 1, or their own if those are far off."""
    same = [t.score for t in texts if t.score is not None and t.score_name == text.score_name]
    scores = torch.cat([*same, torch.zeros(0 if same else 1)])
    scores = scores[scores.isfinite()] if scores.isfinite().any() else torch.zeros(1)
    near = scores.min() >= 0 and scores.max() <= 1 and (text.known or scores.max() > 0.1)
    return (0.0, 1.0) if near else _ends(scores)


def _ends(values: Tensor) -> tuple[float, float]:
    """The smallest and the largest value, apart if they are equal."""
    low, high = values.min().item(), values.max().item()
    return (low, high) if low < high else (low - 1 - abs(low), high + 1 + abs(high))


def _said(text: TracedText) -> str:
    """The text or series in words, and its score at the end."""
    what = f"“{_cut(('' if text.step == 'character' else ' ').join(text.tokens), 120)}”"
    if text.series is not None:
        low, high = short(text.series.min()), short(text.series.max())
        what = f"{text.input_name} from {low} to {high} at {len(text.series)} {text.step}s"
    ended = text.score is not None and text.score[-1].isfinite()
    return f"{what}, at the end {text.score_name} = {short(text.score[-1])}" if ended else what


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _words(card: Card, top: float, text: TracedText, unit: int, colors: list[str], ends: tuple[float, float]) -> float:
    """The words in rows, each with its number below and the score above; returns the lower end."""
    x, y, before = LEFT, top, None
    for t, token in enumerate(text.tokens[:MOST_WORDS]):
        word, value = _cut(token, 24), decimals(text.memory[t, unit].item())
        width = max(18 + 9.2 * len(word), 7.2 * len(value))
        if x + width > WIDTH - LEFT:
            x, y, before = LEFT, y + 78, None
        card.rect(x, y + 26, width, 29, colors[t])
        ink = "#000" if luminance(colors[t]) > 0.179 else "#fff"  # the one with more contrast
        card.text(x + width / 2, y + 46, word, ink, 15.5, "middle", formula=False)
        card.text(x + width / 2, y + 70, value, QUIET, 12.5, "middle")
        if text.score is not None and text.score[t].isfinite():
            point = x + width / 2, y + 4 + 17 * (ends[1] - text.score[t].item()) / (ends[1] - ends[0])
            if before:
                card.path([before, point], INK, 2)
            card.circle(*point, 2.6, INK)
            before = point
        x += width + GAP
    if len(text.tokens) > MOST_WORDS:
        card.text(x, y + 46, f"… {len(text.tokens) - MOST_WORDS} more", QUIET, 14)
    return y + 74


def _curves(card: Card, top: float, text: TracedText, colors: list[str]) -> float:
    """A series, its score below, and under both the colours as a band; returns the lower end."""
    left, width, steps = 90, WIDTH - LEFT - 90, len(colors)
    for name, values in (text.input_name, text.series), (text.score_name, text.score):
        if values is not None:
            axes = Axes(card, (left, top + 30, width, 110), (0.5, steps + 0.5), _ends(values))
            axes.curve(range(1, steps + 1), values.tolist(), INK, width=2)
            card.text(left, top + 20, f"{_cut(name, 80)}, at {steps} {text.step}s", INK, 14, formula=False)
            top += 168
    for t, color in enumerate(colors):
        card.rect(left + width * t / steps, top, width / steps + 0.5, 14, color, corner=0)
    return top + 14


def _maps(card: Card, top: float, text: TracedText, order: list[int]) -> float:
    """Heat maps: steps from left to right, units from top to bottom in their order."""
    columns = 3 if len(text.values) == 6 else 2
    width, height = (WIDTH - 2 * LEFT - 18 * (columns - 1)) / columns, 104
    for k, (gate, values) in enumerate(text.values.items()):
        x, y = LEFT + (k % columns) * (width + 18), top + (k // columns) * (height + 40)
        card.text(x, y + 12, f"{gate}  {NAMES[gate]}", color_of(gate), 15, bold=True)
        scale = values.abs().quantile(0.95).clamp_min(1e-9).item() if gate == "c" else 1.0
        pixels = _shades(gate)((values[:, order].T.numpy() / scale + 1) / 2, bytes=True)  # (H, T, 4)
        imsave(png := io.BytesIO(), pixels, format="png")
        source = f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"
        box = f'x="{x:.1f}" y="{y + 20}" width="{width:.1f}" height="{height}" preserveAspectRatio="none"'
        card.add(f'<image {box} style="image-rendering:pixelated" href="{source}"/>')
    return top + 2 * (height + 40) - 20


def _shades(gate: str) -> LinearSegmentedColormap:
    """The colours of inspector.html for the values of a gate from −1 to 1, as numbers from 0 to 1."""
    return LinearSegmentedColormap.from_list(gate, [MINUS, LOW, PLUS if gate in "gch" else color_of(gate)], N=512)
