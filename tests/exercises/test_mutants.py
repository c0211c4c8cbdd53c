"""`check` rejects answers with one mistake or two, and the edits that it names do what the answer does."""

from collections import Counter

import pytest
from mutants import FUNCTIONS, SOURCES, define, draw, judge, table

from lstm_lesson import check

LIMITS = {  # shares: the least that is named in full; the most that is named wrongly, and that gets numbers only
    "single": (0.95, 0.01, 0.05),
    "pair": (0.7, 0.01, 0.1),
}
DRAWN = {"single": 60, "pair": 60}  # by `make test`; the test marked full takes many more


def assert_most_are_named(kind, number):
    """No mutant is accepted; most are named in full, and hardly one wrongly or not at all."""
    verdicts = [judge(mutant) for mutant in draw(kind, number)]
    print(table(verdicts))
    listed = "\n".join(f"{v.mutant.name} · {v.found} {', '.join(v.named)} · {v.mutant}" for v in verdicts)
    counts, (named, wrong, bare) = Counter(v.found for v in verdicts), LIMITS[kind]
    assert len(verdicts) >= min(number, 400)
    assert not counts["accepted"], listed
    assert counts["right"] >= named * len(verdicts), listed
    assert counts["wrong"] <= wrong * len(verdicts), listed
    assert counts["bare"] <= bare * len(verdicts), listed


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_source_without_an_edit_is_correct(name):
    result = check(define(SOURCES[name], name))
    assert result.passed, result


@pytest.mark.parametrize(("kind", "number"), DRAWN.items())
def test_mistakes_are_rejected_and_named(kind, number):
    assert_most_are_named(kind, number)


@pytest.mark.full
@pytest.mark.parametrize(("kind", "number"), [("single", 800), ("pair", 420)])
def test_many_mistakes_are_rejected_and_named(kind, number):
    assert_most_are_named(kind, number)
