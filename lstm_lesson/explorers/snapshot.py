"""The inspector as a static picture, for pages without scripts and for the first page of the lesson."""

import base64
import io

import torch
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.image import imsave

from lstm_lesson.explorers.traced_text import TracedText
from lstm_lesson.plots.figure import Picture
from lstm_lesson.plots.numbers import decimals, significant, true_minus
from lstm_lesson.plots.style import INK, NAMES, QUIET, color_of, luminance
from lstm_lesson.plots.svg import Axes, Card

NAMES = NAMES | {"r": "reset gate", "z": "update gate"}
LOW, MINUS, PLUS = "#EEF1F5", "#2166AC", "#B2182B"  # the colours of inspector.html for 0, −1 and 1
WIDTH, LEFT, GAP = 1000, 16, 5
MOST_WORDS = 40  # shown of each text


def snapshot(texts: list[TracedText], order: list[int], score: str, series: str) -> Picture:
    """Each text's words under the line of the score, or the curve of a series, coloured by one unit's memory.

    A single one also has heat maps of all its values. `order`: all units, first the one of the colours. `score` and
    `series`: what the two are called.
    """
    unit, letter = order[0], "c" if "c" in texts[0].values else "h"
    limit = max(text.memory[:, unit].abs().max().item() for text in texts) or 1.0
    card, y = Card(WIDTH, 10, ""), 30
    card.text(LEFT, y, "Inside the gates", size=18, bold=True)
    surface = f"{texts[0].step}s" if texts[0].series is None else "band"
    scored = texts[0].score is not None and texts[0].series is None
    line = f" · line: {_cut(score, 40)} after each {texts[0].step}" * scored
    card.text(
        WIDTH - LEFT, y, f"{surface}: {NAMES[letter]} {letter} of unit {unit}{line}", QUIET, 14, "end", formula=False
    )
    for text in texts:
        colors = [to_hex(_shades(letter)((v / limit + 1) / 2)) for v in text.memory[:, unit].tolist()]
        if text.series is None:
            y = _words(card, y + 12, text, unit, colors, score_ends(texts))
        else:
            y = _curves(card, y + 12, text, colors, (series, score))
    if len(texts) == 1:
        y = _maps(card, y + 20, texts[0], order)
    card.height = y + 12
    said = "; ".join(_said(text, score, series) for text in texts)
    letters = list(texts[0].values)
    maps = f" Below, a heat map of {texts[0].step}s by units for each of {', '.join(letters[:-1])} and {letters[-1]}."
    memory = "memory" if letter == "c" else NAMES[letter]
    opening = f"The gate inspector: {surface} coloured by the {memory} of unit {unit}"
    return card.picture(f"{opening}, {said}.{maps * (len(texts) == 1)}")


def short(value: float) -> str:
    """Two decimals where they tell something, else three significant digits."""
    return decimals(value) if value == 0 or 0.005 <= abs(value) < 1e4 else true_minus(significant(float(value)))


def alike(text: TracedText) -> bool:
    """Whether the score has the range of the series, as a forecast has, so that one pair of axes shows both."""
    if text.series is None or text.score is None:
        return False
    (a, b), (c, d) = ((v.min().item(), v.max().item()) for v in (text.series, text.score))
    return max(b, d) - min(a, c) <= 1.5 * min(b - a, d - c)


def score_ends(texts: list[TracedText]) -> tuple[float, float]:
    """The lower and upper end of the line above the words: 0 and 1 if the scores lie between, else their own."""
    scores = torch.cat([text.score for text in texts if text.score is not None] or [torch.zeros(1)])
    low, high = scores.min().item(), scores.max().item()
    flat = (1 + abs(low)) * (low == high)
    return (0.0, 1.0) if 0 <= low <= high <= 1 else (low - flat, high + flat)


def _said(text: TracedText, score: str, series: str) -> str:
    """The text or series in words, and its score at the end."""
    if text.series is None:
        what = f"“{_cut(('' if text.step == 'character' else ' ').join(text.tokens), 120)}”"
    else:
        low, high = short(text.series.min()), short(text.series.max())
        what = f"a curve of {series} over {len(text.tokens)} {text.step}s, from {low} to {high}"
    return what if text.score is None else f"{what}, at the end {score} = {short(text.score[-1])}"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _words(card: Card, top: float, text: TracedText, unit: int, colors: list[str], ends: tuple[float, float]) -> float:
    """The words in rows, each with its number below and the score above; returns the lower end."""
    x, y, before = LEFT, top, None
    for t, token in enumerate(text.tokens[:MOST_WORDS]):
        word = _cut(token, 24)
        width = 18 + 9.2 * len(word)
        if x + width > WIDTH - LEFT:
            x, y, before = LEFT, y + 78, None
        card.rect(x, y + 26, width, 29, colors[t])
        ink = "#000" if luminance(colors[t]) > 0.179 else "#fff"  # the one with more contrast
        card.text(x + width / 2, y + 46, word, ink, 15.5, "middle", formula=False)
        card.text(x + width / 2, y + 70, decimals(text.memory[t, unit].item()), QUIET, 12.5, "middle")
        if text.score is not None:
            point = x + width / 2, y + 4 + 17 * (ends[1] - text.score[t].item()) / (ends[1] - ends[0])
            if before:
                card.path([before, point], INK, 2)
            card.circle(*point, 2.6, INK)
            before = point
        x += width + GAP
    if len(text.tokens) > MOST_WORDS:
        card.text(x, y + 46, f"… {len(text.tokens) - MOST_WORDS} more", QUIET, 14)
    return y + 74


def _curves(card: Card, top: float, text: TracedText, colors: list[str], names: tuple[str, str]) -> float:
    """A series and, dashed, its score, in one pair of axes or in two, and below a band; returns the lower end."""
    left, width, steps = 90, WIDTH - LEFT - 90, len(colors)
    curves = [
        (n, v, d)
        for n, v, d in zip(names, (text.series, text.score), ("solid", "dashed"), strict=True)
        if v is not None
    ]
    for panel in [curves] if alike(text) else [[curve] for curve in curves]:
        values = torch.cat([v for _, v, _ in panel])
        low, high = values.min().item(), values.max().item()
        edge = (high - low) / 20 or abs(low) / 20 or 1.0
        axes = Axes(card, (left, top + 30, width, 130), (0.5, steps + 0.5), (low - edge, high + edge))
        for _, v, dash in panel:
            axes.curve(range(1, steps + 1), v.tolist(), INK, dash, 2)
        card.text(
            left, top + 20, " · ".join(f"{dash}: {_cut(name, 40)}" for name, _, dash in panel), INK, 14, formula=False
        )
        top += 188
    for t, color in enumerate(colors):
        card.rect(left + width * t / steps, top, width / steps + 0.5, 14, color, corner=0)
    card.text(left, top + 32, f"{text.step}s →", QUIET, 14, formula=False)
    return top + 34


def _maps(card: Card, top: float, text: TracedText, order: list[int]) -> float:
    """Heat maps: steps from left to right, units from top to bottom in their order."""
    columns = 3 if len(text.values) == 6 else 2
    width, height = (WIDTH - 2 * LEFT - (columns - 1) * 18) / columns, 104
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
