"""`check` accepts right answers in unusual styles, and rejects wrong ones that are hard to tell from them."""

import re

import pytest
from unusual_answers import REMARKED, RIGHT, WRONG, check_in_notebook

from lstm_lesson.exercises.exercise import exercises


def ids(answers):
    return [f"{name}-{style}" for name, style, _ in answers]


def test_every_exercise_has_unusual_right_answers_and_hidden_mistakes():
    compared = {name for name, exercise in exercises().items() if exercise.judge is None}
    assert {name for name, _, _ in RIGHT} == {name for name, _, _ in WRONG} == compared
    assert len(RIGHT) >= 150


@pytest.mark.parametrize(("name", "style", "source"), RIGHT, ids=ids(RIGHT))
def test_a_right_answer_in_an_unusual_style_is_accepted(name, style, source):
    result = check_in_notebook(name, source)
    assert result.passed, result
    assert re.fullmatch(f"`{name}` is correct[.]( It is not kept for later notebooks: .*)?", result.message)


@pytest.mark.parametrize(("name", "style", "source"), REMARKED, ids=ids(REMARKED))
def test_a_right_answer_that_misses_the_point_is_accepted_with_a_remark(name, style, source):
    result = check_in_notebook(name, source)
    assert result.passed, result
    assert len(result.message) > len(f"`{name}` is correct.")


def one_in_two(answers):
    """Parameters: every other answer in each run, the rest with `make test-full`. All exercises have two or more."""
    return [answer if k % 2 else pytest.param(*answer, marks=pytest.mark.full) for k, answer in enumerate(answers)]


@pytest.mark.parametrize(("name", "style", "source"), one_in_two(WRONG), ids=ids(WRONG))
def test_a_hidden_mistake_is_rejected(name, style, source):
    result = check_in_notebook(name, source)
    assert result.outcome in ("wrong", "crashed"), result
