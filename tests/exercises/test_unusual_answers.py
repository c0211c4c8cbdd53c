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


def one_of_each(answers):
    """Parameters: the last answer to each exercise in each run, the rest with `make test-full`."""
    last = {name: (name, style) for name, style, _ in answers}.values()
    return [answer if answer[:2] in last else pytest.param(*answer, marks=pytest.mark.full) for answer in answers]


@pytest.mark.parametrize(("name", "style", "source"), one_of_each(WRONG), ids=ids(WRONG))
def test_a_hidden_mistake_is_rejected(name, style, source):
    result = check_in_notebook(name, source)
    assert result.outcome in ("wrong", "crashed"), result
