"""The six colours of the gates stay apart, to eyes without green-sensitive cones as well."""

from itertools import combinations

import pytest
from colours import distance, linear, without_green

from lstm_lesson.plots import COLORS

PAIRS = list(combinations(COLORS, 2))


def test_the_measure_knows_black_from_white():
    assert distance(linear("#000000"), linear("#FFFFFF")) == pytest.approx(100, abs=0.1)
    assert distance(linear("#0072B2"), linear("#0072B2")) == 0


def test_a_red_and_a_green_that_only_green_cones_tell_apart_are_caught():
    red, green = linear("#B84A00"), linear("#6C8400")
    assert distance(red, green) > 40
    assert distance(without_green(red), without_green(green)) < 5


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_the_colours_are_far_apart(one, other):
    assert distance(linear(COLORS[one]), linear(COLORS[other])) > 35


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_the_colours_can_be_told_apart_without_green(one, other):
    """Six times what is just noticeable; a label or a line style always stands beside the colour."""
    assert distance(without_green(linear(COLORS[one])), without_green(linear(COLORS[other]))) > 15
