"""`check` rejects answers with one mistake or two, and the edits that it names do what the answer does."""

from collections import Counter

import pytest
from mutants import FUNCTIONS, SOURCES, define, draw, judge, table

from lstm_lesson import check

NAMED, BOTH_NAMED, BARE, WRONG = 0.8, 0.5, 0.15, 0.01  # shares; the aim is 0.95, 0.6, 0.1 and none
DRAWN = 60  # of each kind, by `make test`; the tests marked full take many more


def judged(kind, number=None):
    verdicts = [judge(mutant) for mutant in draw(kind, number)]
    print(table(verdicts))
    return verdicts


def lines(verdicts):
    return "\n".join(f"{v.mutant.name} · {v.found} {', '.join(v.named)} · {v.mutant}" for v in verdicts)


def assert_one_mistake_is_named(verdicts):
    """Most are named, and hardly a cause is a wrong one."""
    counts = Counter(v.found for v in verdicts)
    assert not counts["accepted"], lines(v for v in verdicts if v.found == "accepted")
    assert counts["wrong"] <= WRONG * len(verdicts), lines(v for v in verdicts if v.found == "wrong")
    assert counts["right"] >= NAMED * len(verdicts), lines(v for v in verdicts if v.found != "right")


def assert_two_mistakes_are_named(verdicts):
    """Both causes of many; few messages have numbers only."""
    counts = Counter(v.found for v in verdicts)
    assert not counts["accepted"], lines(v for v in verdicts if v.found == "accepted")
    assert counts["right"] >= BOTH_NAMED * len(verdicts), lines(v for v in verdicts if v.found != "right")
    assert counts["bare"] <= BARE * len(verdicts), lines(v for v in verdicts if v.found == "bare")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_source_without_an_edit_is_correct(name):
    result = check(define(SOURCES[name], name))
    assert result.passed, result


def test_one_mistake_is_rejected_and_named():
    assert_one_mistake_is_named(judged("single", DRAWN))


def test_two_mistakes_are_rejected_and_named():
    assert_two_mistakes_are_named(judged("pair", DRAWN))


@pytest.mark.full
def test_many_single_mistakes_are_rejected_and_named():
    verdicts = judged("single", 800)
    assert len(verdicts) >= 400
    assert_one_mistake_is_named(verdicts)


@pytest.mark.full
def test_many_pairs_of_mistakes_are_rejected_and_named():
    verdicts = judged("pair", 420)
    assert len(verdicts) >= 400
    assert_two_mistakes_are_named(verdicts)
