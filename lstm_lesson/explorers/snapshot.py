"""The inspector as a static picture, for pages without scripts and for the first page of the lesson."""

import base64
import io

from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.image import imsave

from lstm_lesson.explorers.traced_text import GATES, TracedText
from lstm_lesson.plots.figure import Picture
from lstm_lesson.plots.numbers import decimals
from lstm_lesson.plots.style import COLORS, INK, NAMES, QUIET, luminance
from lstm_lesson.plots.svg import Card

LOW, MINUS, PLUS = "#EEF1F5", "#2166AC", "#B2182B"  # the colours of inspector.html for 0, −1 and 1
WIDTH, LEFT, GAP = 1000, 16, 5
MOST_WORDS = 40  # shown of each text


def snapshot(texts: list[TracedText], order: list[int], answer: str) -> Picture:
    """Each text's words, coloured by the cell state of the most active unit, under the line of P(`answer`).

    A single text also has heat maps of i f g o c h. `order`: all units, the most active first. `answer`: the last
    label of the classifier.
    """
    unit = order[0]
    limit = max(text.values["c"][:, unit].abs().max().item() for text in texts)
    card, y = Card(WIDTH, 10, ""), 30
    card.text(LEFT, y, "Inside the gates", size=18, bold=True)
    legend = f"words: memory c of unit {unit} · line: P({answer}) after each word"
    card.text(WIDTH - LEFT, y, legend, QUIET, 14, "end")
    for text in texts:
        y = _words(card, y + 12, text, unit, limit)
    if len(texts) == 1:
        y = _maps(card, y + 20, texts[0], order)
    card.height = y + 12
    answers = "; ".join(
        f"“{_cut(' '.join(t.tokens), 120)}”, at the end P({answer}) = {t.probability[-1]:.2f}" for t in texts
    )
    maps = " Below, a heat map of words by units for each of i, f, g, o, c and h." if len(texts) == 1 else ""
    return card.picture(f"The gate inspector: words coloured by the memory of unit {unit}, {answers}.{maps}")


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _words(card: Card, top: float, text: TracedText, unit: int, limit: float) -> float:
    """The words in rows, each with its number below and the answer so far above; returns the lower end."""
    x, y, before = LEFT, top, None
    for t, token in enumerate(text.tokens[:MOST_WORDS]):
        word = _cut(token, 24)
        width = 18 + 9.2 * len(word)
        if x + width > WIDTH - LEFT:
            x, y, before = LEFT, y + 78, None
        value = text.values["c"][t, unit].item()
        color = to_hex(_shades("c")((value / limit + 1) / 2))
        card.rect(x, y + 26, width, 29, color)
        ink = "#000" if luminance(color) > 0.179 else "#fff"  # the one with more contrast
        card.text(x + width / 2, y + 46, word, ink, 15.5, "middle", formula=False)
        card.text(x + width / 2, y + 70, decimals(value), QUIET, 12.5, "middle")
        point = x + width / 2, y + 4 + 17 * (1 - text.probability[t].item())
        if before:
            card.path([before, point], INK, 2)
        card.circle(*point, 2.6, INK)
        before, x = point, x + width + GAP
    if len(text.tokens) > MOST_WORDS:
        card.text(x, y + 46, f"… {len(text.tokens) - MOST_WORDS} more", QUIET, 14)
    return y + 74


def _maps(card: Card, top: float, text: TracedText, order: list[int]) -> float:
    """Six heat maps: words from left to right, units from top to bottom, the most active first."""
    width, height = (WIDTH - 2 * LEFT - 2 * 18) / 3, 104
    for k, gate in enumerate(GATES):
        x, y = LEFT + (k % 3) * (width + 18), top + (k // 3) * (height + 40)
        card.text(x, y + 12, f"{gate}  {NAMES[gate]}", COLORS[gate], 15, bold=True)
        scale = text.values["c"].abs().quantile(0.95).clamp_min(1e-9).item() if gate == "c" else 1.0
        pixels = _shades(gate)((text.values[gate][:, order].T.cpu().numpy() / scale + 1) / 2, bytes=True)  # (H, T, 4)
        imsave(png := io.BytesIO(), pixels, format="png")
        source = f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"
        box = f'x="{x:.1f}" y="{y + 20}" width="{width:.1f}" height="{height}" preserveAspectRatio="none"'
        card.add(f'<image {box} style="image-rendering:pixelated" href="{source}"/>')
    return top + 2 * (height + 40) - 20


def _shades(gate: str) -> LinearSegmentedColormap:
    """The colours of inspector.html for the values of a gate from −1 to 1, as numbers from 0 to 1."""
    return LinearSegmentedColormap.from_list(gate, [MINUS, LOW, PLUS if gate in "gch" else COLORS[gate]], N=512)
