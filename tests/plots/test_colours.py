"""The six colours of the gates look different, for people with deuteranopia too, and can be read on white."""

from itertools import combinations

import pytest
from colours import contrast, distance, linear, without_green

from lstm_lesson.plots import COLORS, style

PAIRS = list(combinations(COLORS, 2))


def test_contrast_is_21_between_black_and_white_and_4_5_for_the_grey_at_its_limit():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("color", [*COLORS.values(), *style.OTHER_COLORS])
def test_text_colours_keep_their_contrast_on_white(color):
    assert contrast(color, "#FFFFFF") >= 4.5


def test_the_distance_is_100_between_black_and_white():
    assert distance(linear("#000000"), linear("#FFFFFF")) == pytest.approx(100, abs=0.1)
    assert distance(linear("#0072B2"), linear("#0072B2")) == 0


def test_a_red_and_a_green_that_look_alike_with_deuteranopia_are_found():
    red, green = "#B84A00", "#6C8400"
    assert distance(linear(red), linear(green)) > 40
    assert distance(without_green(red), without_green(green)) < 5


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_the_colours_are_far_apart(one, other):
    assert distance(linear(COLORS[one]), linear(COLORS[other])) > 35


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_the_colours_are_different_with_deuteranopia(one, other):
    """The limit is six times the just noticeable distance; a label or line style always goes with the colour."""
    assert distance(without_green(COLORS[one]), without_green(COLORS[other])) > 15
