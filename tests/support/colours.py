"""The contrast of two colours, and how far apart they look, to most people and to people with deuteranopia."""

from matplotlib.colors import to_rgb

from lstm_lesson.plots.style import luminance

# Machado, Oliveira & Fernandes 2009, "A Physiologically-based Model for Simulation of Color Vision Deficiency",
# deuteranomaly of severity 1.0, on linear RGB. Chromium simulates deuteranopia with the same numbers.
DEUTERANOPIA = ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881))
XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))  # IEC 61966-2-1 (sRGB)
WHITE = (0.9505, 1.0, 1.089)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours "#RRGGBB", from 1 to 21, as WCAG 2 defines it."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def linear(colour: str) -> list[float]:
    """The light of a colour "#RRGGBB": red, green and blue from 0 to 1 (IEC 61966-2-1, sRGB)."""
    return [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in to_rgb(colour)]


def without_green(colour: str) -> list[float]:
    """The light of a colour as people with deuteranopia see it: three numbers from 0 to 1."""
    return [min(max(v, 0.0), 1.0) for v in _times(DEUTERANOPIA, linear(colour))]


def distance(one, other) -> float:
    """CIE 1976 colour difference of two lights; 2.3 is just noticeable."""
    return sum((a - b) ** 2 for a, b in zip(_lab(one), _lab(other), strict=True)) ** 0.5


def _lab(light):
    x, y, z = (_root(v / white) for v, white in zip(_times(XYZ, light), WHITE, strict=True))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _root(t):
    return t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116


def _times(matrix, vector):
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]
