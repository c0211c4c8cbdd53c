"""Weights set by hand are judged by what a cell with them does, and a failing text is shown."""

import re

import pytest
import torch
from answers import in_notebook

from lstm_lesson import check
from lstm_lesson.data import agreement
from lstm_lesson.exercises import designs

PARTS = ("input_weights", "forget_weights", "candidate_weights", "output_weights")


def answered(name, body):
    return check(in_notebook(f"def {name}():\n{body}", A=agreement))


@pytest.mark.parametrize("name", [*PARTS, "counter_weights"])
def test_the_weights_of_the_package_are_right(name):
    assert answered(name, f"    return A.{name}()").passed


OTHERS = {  # other weights that do the same
    "input_weights": "    W, U, b = A.input_weights()\n    W[2:] = -3.0\n    return W, U * 0.7, b",
    "forget_weights": "    W, U, b = A.forget_weights()\n    return W * 3, U, b * 2",
    "candidate_weights": "    W, U, b = A.candidate_weights()\n    b[1] = 10.0\n    return W, U, b",
    "output_weights": "    W, U, b = A.output_weights()\n    W[A.STOP, 1] = 5.0\n    return [W.tolist(), U, b]",
    "counter_weights": "    d = A.counter_weights()\n    d['W_xc'][:2] = 4.0\n    d['b_c'] *= 0\n    return d",
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_weights_that_do_the_same_are_right(name):
    assert answered(name, OTHERS[name]).passed


def test_a_second_unit_that_counts_every_noun_is_right_too():
    body = "    W, U, b = A.input_weights()\n    U[1, 1] = 0\n    return W, U, b"
    assert answered("input_weights", body).passed


def test_what_leaks_in_at_later_nouns_of_the_other_number_adds_up():
    """Among drawn texts it cancels: these have as many singular as plural nouns."""
    from lstm_lesson.exercises import designs

    for drawn in designs.batches():
        for text in drawn[24:]:
            kinds = text.features.argmax(dim=1).tolist()
            first, second = (kinds[a:b] for a, b in zip((0, text.verbs[0]), text.verbs, strict=True))
            for clause, plural in zip((first, second), text.plural, strict=True):
                subject, *later = [kind for kind in clause if kind < 2]
                assert subject == plural and set(later) <= {1 - plural}
            assert text.words[-1] == "." and len(text.words) == len(drawn[0].words)
    half_open = "    W, U, b = A.input_weights()\n    return W, U * {} / 40, b"
    assert answered("input_weights", half_open.format(20)).passed  # 0.0055 at every later noun: too little for harm
    assert not answered("input_weights", half_open.format(14)).passed


WRONG = [  # the answer, the word that the message shows, and what it says of it
    ("input_weights", "W * 0, U, b", "the **key**", "the cell state of unit 0 is 0.00; it should be −1"),
    ("input_weights", "W, U * 0, b", "near the **lamp**", "the input gate of unit 0 stands at 1.00"),
    ("input_weights", "W, U.T, b", "near the **lamp**", "it should be −1"),
    ("input_weights", "W, U, b + 50", "near the **lamp**", "the input gate of unit 0 stands at 1.00"),
    ("forget_weights", "W, U, b / 2", r"word \d\d+ of 408", "0 has faded from −1 to −0.50. And at"),
    ("forget_weights", "W, U, b * 0.54", r"word \d\d+ of 408", "the forget gate keeps 0.9955 of it."),
    ("input_weights", "W, U * 13 / 40, b", "**", "it should be −1. And at “___”"),
    ("forget_weights", "W * 0, U, b", r"the key ___ \*\*\.\*\*", "the forget gate of unit 0 stands at 1.00"),
    ("forget_weights", "W * torch.tensor([1.0, 0.0]), U, b", r"\*\*\.\*\*", "the forget gate of unit 1 stands at 1.00"),
    ("forget_weights", "-W, U, -b", "the key", "the forget gate of unit 0 stands at 0.00"),
    ("candidate_weights", "-W, U, b", "the **key**", "the candidate of unit 0 is 1.00"),
    ("candidate_weights", "W.abs(), U, b", "the **key**", "it should be −1"),
    ("candidate_weights", "W * torch.tensor([1.0, 0.0]), U, b", "**letter**", "the candidate of unit 1 is 0.00"),
    ("output_weights", "W, U, b * 0 + 10", "the **key**", "unit 0 says −0.76; it should be silent there"),
    ("output_weights", "W, U, b * 0 - 10", "**lamp**", "At the word before, unit 1 says 0.00"),
    ("output_weights", "W * 0, U, b", r"\*\*___\*\*", "it should be below −0.4, for `is`"),
]


@pytest.mark.parametrize(("name", "given", "place", "says"), WRONG, ids=[f"{n}: {g}" for n, g, *_ in WRONG])
def test_a_wrong_part_is_shown_on_the_shortest_text_that_fails(name, given, place, says):
    result = answered(name, f"    W, U, b = A.{name}()\n    return {given}")
    assert result.outcome == "wrong"
    assert re.search(place.replace("**", r"\*\*") if "\\" not in place else place, result.message), result.message
    assert says in result.message


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("d['W_xf'] *= 0", "its clause has had 0 nouns"),
        ("d['W_xi'][1] = 0", "the cell state is 0.00; its clause has had 1 noun."),
        ("d['b_c'] *= -1", "the cell state is −1.00"),
        ("d['b_f'] -= 8", "its clause has had"),
        ("d['W_hi'] -= 60", "the input gate of unit 0 stands at"),
    ],
)
def test_a_counter_that_miscounts_is_shown_where(change, says):
    result = answered("counter_weights", f"    d = A.counter_weights()\n    {change}\n    return d")
    assert result.outcome == "wrong"
    assert says in result.message


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("    return 3", "You return a Python number (int); expected W_xi (6, 2), W_hi (2, 2), b_i (2,)."),
        ("    return A.input_weights()[:2]", "You return a tuple with 2 entries; expected"),
        ("    W, U, b = A.input_weights()\n    return W.T, U, b", "W_xi has shape (2, 6); it needs (6, 2)."),
        ("    W, U, b = A.input_weights()\n    return W, U, None", "b_i is of type NoneType"),
        ("    W, U, b = A.input_weights()\n    return W / 0, U, b", "W_xi has entries that are not finite"),
        ("    return 1 / 0", "ZeroDivisionError"),
        ("    while True: pass", "It was stopped"),
    ],
)
def test_what_is_no_set_of_weights_is_said(body, says):
    result = answered("input_weights", body)
    assert not result.passed and says in result.message


def test_weights_with_gradients_and_of_any_dtype_are_taken():
    body = "    W, U, b = A.input_weights()\n    return W.half(), U.double(), torch.nn.Parameter(b)"
    assert answered("input_weights", body).passed


def test_an_open_exercise_is_not_attempted():
    assert answered("input_weights", "    raise NotImplementedError").outcome == "not attempted"


def test_hand_set_weights_are_not_changed_by_a_check():
    before = agreement.hand_set_weights()
    answered("input_weights", "    W, U, b = A.input_weights()\n    W.zero_()\n    return W, U, b")
    assert all(torch.equal(w, before[k]) for k, w in agreement.hand_set_weights().items())


QUIET_UNIT = "    W, U, b = A.candidate_weights()\n    return W * torch.tensor([1.0, 0.06]), U, b"  # unit 1 writes 0.54
WEAK_GATE = "    W, U, b = A.input_weights()\n    U[1] = -18.0\n    return W, U, b"


def test_parts_that_are_right_alone_may_not_fit_and_a_text_shows_where():
    given = agreement.hand_set_weights()
    assert designs.check_parts(given).startswith("The four parts fit together")
    W, U, b = agreement.candidate_weights()
    candidate = agreement.named({"c": (W * torch.tensor([1.0, 0.06]), U, b)})
    W, U, b = agreement.input_weights()
    gate = agreement.named({"i": (W, U * 0.45, b)})
    assert answered("candidate_weights", QUIET_UNIT).passed and answered("input_weights", WEAK_GATE).passed
    alone = designs.check_parts(given | candidate)
    assert "fit together" in alone and "not" not in alone
    message = designs.check_parts(given | candidate | gate)
    assert "The four parts do not fit together. In “the" in message and re.search(r" \*\w+\*” \(word", message)
    assert "the input gate of unit 0 stands at" in message and "At the word before, unit 1 says 0.4" in message


MISFITS = [  # what is changed, what `check_parts` says of it, and what it does not say
    ({"b_f": torch.full((2,), 5.2)}, "At this word the forget gate keeps 0.9945 of it.", "before,"),
    ({"W_xc": torch.zeros(6, 2)}, "the input gate of unit 0 stands at 1.00, the forget gate of unit 0", "faded"),
    ({"W_xc": torch.zeros(6, 2)}, "the candidate of unit 0 is 0.00", "output gate"),
    ({"b_i": torch.full((2,), 10.0), "b_c": torch.full((2,), 10.0)}, "In “*the*” (word 1 of", "At the word before"),
    ({"b_o": torch.tensor([0.0, 10.0])}, "the output gate of unit 0 stands at 0.50", "input gate"),
]


@pytest.mark.parametrize(("change", "says", "silent"), MISFITS)
def test_a_misfit_names_the_part_that_is_to_blame(change, says, silent):
    message = designs.check_parts(agreement.hand_set_weights() | change)
    assert says in message and silent not in message
