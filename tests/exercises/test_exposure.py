"""Tests that a learner designs: what they expose is counted, and the reason why a wrong cell passes is true."""

import random
import time

import pytest
import torch
from answers import in_notebook

from lstm_lesson import check
from lstm_lesson.data import agreement
from lstm_lesson.exercises import designs, faults

RANDOM_WEIGHTS = (
    "(g := torch.Generator().manual_seed(1)) and {f'{n}{k}': SCALE * torch.randn(*s, generator=g) "
    "for k in 'ifco' for n, s in (('W_x', (2, 2)), ('W_h', (2, 2)), ('b_', (2,)))}"
)


def answered(name, returned):
    return check(in_notebook(f"def {name}():\n    return {returned}"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("the door near the lamp ___ .", "exposes 0 of 5. Two of the 5"),
        ("the keys ___ .", "exposes 0 of 5. Two of the 5 that pass it:\n“wipes nothing” passes it. It says the number"),
        ("the keys ___ . the man ___ .", "exposes 3 of 5.\n“wipes at every article” passes it."),
        ("the keys near the man ___ . the man ___ .", "exposes 4 of 5.\n“bias 4” passes it. It keeps enough"),
        (
            "the keys " + "there " * 47 + "near the man ___ . the man ___ .",
            "“wipes unit 0 only” and “wipes unit 1 only”",
        ),
    ],
)
def test_a_text_is_told_how_many_cells_it_exposes_and_why_others_pass(text, says):
    result = answered("forget_text", repr(text))
    assert result.outcome == "wrong"
    assert says in result.message, result


def test_texts_that_tell_all_five_apart_are_right():
    assert answered(
        "forget_text", "'the man ' + 47 * 'again ' + 'by the doors ___ . the doors is . the key are .'"
    ).passed
    assert answered("forget_text", repr(designs.forget_text().replace("there", "today"))).passed


def drawn_text(rng):
    """Some clauses of random words, with a verb at the end of most and more words between than a bias of 4 can hold."""
    words = []
    for _ in range(rng.randint(1, 4)):
        words += ["the", rng.choice(("key", "keys")), *["there"] * rng.choice((0, 1, 2, 46, 47, 60))]
        words += [*("near", "the", rng.choice(("man", "men")))] * rng.randint(0, 1)
        words += [*["___"] * (rng.random() < 0.7), "."]
    return " ".join(words)


def test_the_reasons_why_a_wrong_cell_passes_are_true():
    rng, counts = random.Random(4), dict.fromkeys(designs.TEXT_CELLS, 0)
    for _ in range(60):
        try:
            text = designs.as_text(drawn_text(rng))
        except ValueError:
            continue
        right = designs.said(text)
        assert right == tuple("are" if plural else "is" for plural in text.plural)
        passes = {name: designs.said(text, name) == right for name in designs.TEXT_CELLS}
        words, stops = text.words, [k for k, word in enumerate(text.words) if word == "."]
        clause = [sum(stop < verb for stop in stops) for verb in text.verbs]
        starts = [0, *(stop + 1 for stop in stops)]
        subjects = [1 if words[start + 1] == "keys" else -1 for start in starts[:-1]]
        last = [max(k for k in range(verb) if words[k] == "the") + 1 for verb in text.verbs]
        true = {
            "wipes nothing": len({subjects[0], *(subjects[k] for k in clause)}) == 1,
            "wipes unit 0 only": set(clause) == {0},
            "wipes unit 1 only": all(sum(subjects[: k + 1]) * subjects[k] > 0 for k in clause),
            "wipes at every article": all((words[n][-1] == "s" or words[n] == "men") == p
                                          for n, p in zip(last, text.plural, strict=True)),
        }  # fmt: skip
        assert true == {name: passes[name] for name in true}, text
        gaps = [verb - starts[k] - 2 for verb, k in zip(text.verbs, clause, strict=True)]
        assert passes["bias 4"] or max(gaps) > 46
        counts = {name: counts[name] + passed for name, passed in passes.items()}
    assert all(2 < count < 40 for count in counts.values()), counts


@pytest.mark.parametrize(
    ("returned", "says"),
    [
        ("3", "The text is of type int; it needs words in one string."),
        ("None", "not attempted"),
        ("['the', 'keys']", "The text is of type list"),
        ("''", "The text has no verb, ___"),
        ("'the keys there .'", "The text has no verb, ___"),
        ("'the ___ .'", "Word 2 is a verb, and its clause has no noun yet."),
        ("'the key . ___'", "Word 4 is a verb"),
        ("'the cat ___ .'", "The cell does not know the word 'cat'; it knows key,"),
        ("'the key ___.'", "the word '___.'; put a space before the full stop."),
        ("'The key ___ .'", "the word 'The'; use small letters only."),
        ("'the ' * 10_000", "The text has more than 300 words"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_what_is_no_text_is_said_at_once(returned, says):
    said_at_once("forget_text", returned, says)


def said_at_once(name, returned, says):
    start = time.process_time()
    result = answered(name, returned)
    assert not result.passed and says in result.message, result
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    ("returned", "says"),
    [
        ("3", "You return something else than two things"),
        ("torch.randn(8, 2)", "You return something else than two things"),
        ("torch.randn(8, 2), None", "You return an object of type NoneType; expected W_xi (2, 2)"),
        ("torch.randn(8, 2), {}", "The dictionary has no entry `W_xi`, `W_hi`, `b_i`, `W_xf` and 8 more."),
        ("torch.randn(10_000, 2), {}", "x has shape (10000, 2); it needs (T, 2), with 1 to 60 steps."),
        ("[[1, 2], [3]], {}", "x is of type list"),
        ("float('nan'), {}", "x has shape ()"),
        (f"torch.randn(8, 2), {RANDOM_WEIGHTS} | {{'b_f': torch.tensor([1, float('nan')])}}", "b_f has entries"),
        (f"torch.randn(8, 2), {RANDOM_WEIGHTS} | {{'b_f': torch.ones(3)}}", "b_f has shape (3,); it needs (2,)."),
    ],
)
def test_what_is_no_test_is_said_at_once(returned, says):
    said_at_once("lstm_test", returned.replace("SCALE", "1"), says)


@pytest.mark.parametrize(("steps", "scale"), [(8, 1.0), (60, 1.0), (60, 0.2), (60, 5.0)])
def test_random_numbers_do_not_expose_every_cell(steps, scale):
    result = answered("lstm_test", f"torch.randn({steps}, 2), {RANDOM_WEIGHTS.replace('SCALE', str(scale))}")
    assert result.outcome == "wrong"
    assert "of 6." in result.message and "passes it. " in result.message


def test_a_cell_that_passes_is_named_with_what_was_measured_on_the_input():
    x, weights = designs.lstm_test()
    weights["b_f"] = torch.zeros(2)
    place, line, _ = designs.LSTM_CELLS["b_f twice"].values()
    right, wrong = (faults.run(x[None], weights, lines) for lines in ({}, {place: line}))
    assert torch.equal(right["h"], wrong["h"])
    body = "x, w = A.lstm_test()\n    w['b_f'] = torch.zeros(2)\n    return x, w"
    message = check(in_notebook(f"def lstm_test():\n    {body}", A=designs)).message
    assert "“b_f twice” passes it. Only its forget gate differs: on your input by at most 0.000." in message


def test_the_solution_exposes_all_and_each_part_of_it_is_needed():
    x, weights = designs.lstm_test()
    for shorter in (x[:25], x[10:], x[:1]):
        assert not check(in_notebook("def lstm_test():\n    return X, W", X=shorter, W=weights)).passed
    assert check(in_notebook("def lstm_test():\n    return X, W", X=x.numpy(), W=weights)).passed


def test_a_text_has_its_verbs_and_the_number_of_each_subject():
    text = designs.as_text("the keys by the door ___ there is . the door ___")
    assert (text.verbs, text.plural) == ((5, 7, 11), (True, True, False))
    assert agreement.Text(("the", "key", "___"), (2,), (False,)) == designs.as_text("the key ___")
