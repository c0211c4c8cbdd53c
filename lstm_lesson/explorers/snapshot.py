"""The inspector as a still picture: where no script runs, and for the first page of the lesson."""

import base64
import html
import struct
import zlib

import torch
from torch import Tensor

from lstm_lesson.explorers.reading import GATES, Reading
from lstm_lesson.plots.figure import Picture
from lstm_lesson.plots.style import COLORS, INK, QUIET
from lstm_lesson.plots.svg import Card

NAMES = {"i": "input gate", "f": "forget gate", "g": "candidate", "o": "output gate", "c": "memory",
         "h": "hidden state"}  # fmt: skip
LOW, MINUS, PLUS = "#EEF1F5", "#2166AC", "#B2182B"  # as in inspector.html
WIDTH, LEFT, GAP = 1000, 16, 5
WORDS = 40  # words of a text that the picture has room for


def gate_picture(readings: list[Reading], order: list[int], answer: str) -> Picture:
    """Each text's words coloured by the memory of its most active unit, the answer above them, and the heat maps.

    `order`: all units, the most active first. `answer`: the label whose probability is drawn.
    """
    unit = order[0]
    limit = max(reading.values["c"][:, unit].abs().max().item() for reading in readings)
    card, y = Card(WIDTH, 10, ""), 30
    card.words(LEFT, y, "Inside the gates", size=18, bold=True)
    card.words(WIDTH - LEFT, y, f"words: memory c of unit {unit} · line: P({answer}) after each word", QUIET, 14, "end")
    for reading in readings:
        y = _words(card, y + 12, reading, unit, limit)
    if len(readings) == 1:
        y = _maps(card, y + 20, readings[0], order)
    card.height = y + 12
    said = "; ".join(f"“{_short(r)}”, at the end P({answer}) = {r.probability[-1]:.2f}" for r in readings)
    maps = " Below, a heat map of words by units for each of i, f, g, o, c and h." if len(readings) == 1 else ""
    return card.picture(f"The gate inspector: words coloured by the memory of unit {unit}, {said}.{maps}")


def _short(reading: Reading) -> str:
    text = " ".join(reading.tokens)
    return text if len(text) < 120 else text[:119] + "…"


def _words(card: Card, top: float, reading: Reading, unit: int, limit: float) -> float:
    """The words in rows, each with its number under it and the answer so far above it; returns where they end."""
    x, y, before = LEFT, top, None
    for t, token in enumerate(reading.tokens[:WORDS]):
        word = token if len(token) <= 24 else token[:23] + "…"
        width = 18 + 9.2 * len(word)
        if x + width > WIDTH - LEFT:
            x, y, before = LEFT, y + 78, None
        value = reading.values["c"][t, unit].item()
        color = _mixed(value / limit)
        card.rect(x, y + 26, width, 29, _hex(color))
        ink = "#000" if _light(color) else "#fff"  # a word is text, never a formula: not through card.words
        card.add(f'<text x="{x + width / 2:.1f}" y="{y + 46:.1f}" fill="{ink}" font-size="15.5" text-anchor="middle">')
        card.add(f"{html.escape(word, quote=False)}</text>")
        card.words(x + width / 2, y + 70, f"{value:.2f}".replace("-", "−"), QUIET, 12.5, "middle")
        point = x + width / 2, y + 4 + 17 * (1 - reading.probability[t].item())
        if before:
            card.path([before, point], INK, 2)
        card.add(f'<circle cx="{point[0]:.1f}" cy="{point[1]:.1f}" r="2.6" fill="{INK}"/>')
        before, x = point, x + width + GAP
    if len(reading.tokens) > WORDS:
        card.words(x, y + 46, f"… {len(reading.tokens) - WORDS} more", QUIET, 14)
    return y + 74


def _maps(card: Card, top: float, reading: Reading, order: list[int]) -> float:
    """Six heat maps, words from left to right, units from top to bottom, the most active on top."""
    width, tall = (WIDTH - 2 * LEFT - 2 * 18) / 3, 104
    for k, gate in enumerate(GATES):
        x, y = LEFT + (k % 3) * (width + 18), top + (k // 3) * (tall + 40)
        card.words(x, y + 12, f"{gate}  {NAMES[gate]}", COLORS[gate], 15, bold=True)
        signed, scale = gate in "gch", reading.values["c"].abs().quantile(0.95).clamp_min(1e-9) if gate == "c" else 1.0
        values = reading.values[gate][:, order].T / scale  # (H, T)
        low, plus, minus = (torch.tensor(_rgb(c)) for c in (LOW, PLUS if signed else COLORS[gate], MINUS))
        ends = torch.where(values[:, :, None] < 0, minus, plus)
        pixels = (low + (ends - low) * values.abs().clamp(max=1)[:, :, None]).round().to(torch.uint8)  # (H, T, 3)
        data = base64.b64encode(_png(pixels)).decode()
        card.add(
            f'<image x="{x:.1f}" y="{y + 20}" width="{width:.1f}" height="{tall}" preserveAspectRatio="none" '
            f'style="image-rendering:pixelated" href="data:image/png;base64,{data}"/>'
        )
    return top + 2 * (tall + 40) - 20


def _png(pixels: Tensor) -> bytes:
    """Pixels (rows, columns, 3) as the bytes of a PNG file."""
    rows, columns, _ = pixels.shape
    raw = b"".join(b"\0" + bytes(row.flatten().tolist()) for row in pixels)
    chunks = (
        (b"IHDR", struct.pack(">2I5B", columns, rows, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(raw, 9)),
        (b"IEND", b""),
    )
    parts = [struct.pack(">I", len(d)) + kind + d + struct.pack(">I", zlib.crc32(kind + d)) for kind, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _rgb(color: str) -> list[float]:
    return [float(int(color[k : k + 2], 16)) for k in (1, 3, 5)]


def _mixed(x: float) -> list[int]:
    end = _rgb(MINUS if x < 0 else PLUS)
    return [round(a + (b - a) * min(1.0, abs(x))) for a, b in zip(_rgb(LOW), end, strict=True)]


def _hex(color: list[int]) -> str:
    return "#" + "".join(f"{v:02X}" for v in color)


def _light(color: list[int]) -> bool:
    """Whether black reads better than white on it."""
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (c / 255 for c in color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.179
