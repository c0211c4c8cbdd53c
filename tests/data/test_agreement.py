"""The grammar of is or are: what its texts promise, which simple readers fail on it, and the cell set by hand."""

import itertools
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lstm_lesson import layers
from lstm_lesson.data.agreement import (
    ADVERBS,
    BLANK,
    FEATURES,
    KINDS,
    NOUNS,
    PLURAL,
    SINGULAR,
    agreement,
    hand_set_weights,
    named,
    texts,
)


def drawn(count, gap, clauses=1, seed=0):
    return texts(count, gap, clauses, torch.Generator().manual_seed(seed))


def nouns(clause):
    return [KINDS[word] for word in clause if KINDS[word] in (SINGULAR, PLURAL)]


def clauses(text):
    """The words of each clause, up to its verb."""
    starts = [0, *(place + 2 for place in text.verbs)]
    return [text.words[start:end] for start, end in zip(starts, text.verbs, strict=False)]


@given(st.integers(0, 60), st.integers(0, 20), st.integers(1, 3), st.integers(0, 10**6))
def test_a_text_has_its_clauses_and_each_clause_its_gap(low, more, count, seed):
    (text,) = drawn(1, (low, low + more), count, seed)
    assert len(text.verbs) == len(text.plural) == count
    for clause, place, plural in zip(clauses(text), text.verbs, text.plural, strict=True):
        assert clause[0] == "the" and KINDS[clause[1]] == (PLURAL if plural else SINGULAR)
        assert low <= len(clause) - 2 <= low + more
        assert text.words[place : place + 2] == (BLANK, ".")
    assert text.features.shape == (len(text.words), len(FEATURES))


@given(st.integers(13, 80), st.integers(0, 10**6))
def test_a_clause_from_a_gap_of_13_on_is_balanced(gap, seed):
    ((clause,),) = [clauses(text) for text in drawn(1, gap, seed=seed)]
    assert nouns(clause).count(SINGULAR) == nouns(clause).count(PLURAL) >= 2
    for before, word, after in zip(clause, clause[1:], clause[2:], strict=False):
        if KINDS[word] in (SINGULAR, PLURAL):
            assert before == "the" and after in ADVERBS


def test_between_5_and_12_one_noun_comes_between_and_below_none():
    assert {len(nouns(clauses(text)[0])) for text in drawn(50, (5, 12))} == {2}
    assert {len(nouns(clauses(text)[0])) for text in drawn(50, (0, 4))} == {1}


def learned(read, seed):
    """Accuracy on new clauses of a logistic regression on what `read` counts in a clause, against chance."""
    train, test = drawn(2000, (13, 40), seed=seed), drawn(1000, (13, 40), seed=seed + 1)
    columns = {key: n for n, key in enumerate({key for text in train for key in read(clauses(text)[0])})}

    def matrix(found):
        x = torch.zeros(len(found), len(columns))
        for row, text in enumerate(found):
            for key, count in Counter(read(clauses(text)[0])).items():
                if key in columns:
                    x[row, columns[key]] = count
        return x, torch.tensor([float(text.plural[0]) for text in found])

    (x, y), (x_test, y_test) = matrix(train), matrix(test)
    model = torch.nn.Linear(len(columns), 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=1e-3)
    for _ in range(200):
        optimiser.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(model(x)[:, 0], y).backward()
        optimiser.step()
    return ((model(x_test)[:, 0] > 0) == (y_test > 0)).float().mean().item()


@pytest.mark.parametrize(
    ("reader", "read", "knows"),
    [
        ("a bag of words", lambda clause: clause, False),
        ("pairs of words", lambda clause: list(itertools.pairwise(clause)), False),
        ("the last noun", lambda clause: [nouns(clause)[-1]], False),
        ("the first noun", lambda clause: [nouns(clause)[0]], True),
    ],
)
def test_only_the_first_noun_tells_the_answer(reader, read, knows):
    accuracy = learned(read, seed=7)
    assert accuracy == 1.0 if knows else 0.45 < accuracy < 0.55, (reader, accuracy)  # 0.05 is three standard deviations


def test_a_batch_ends_with_the_verb():
    x, plural = agreement(5, 21, torch.Generator().manual_seed(1))
    assert x.shape == (5, 24, 6) and x[:, -1].argmax(dim=1).tolist() == [FEATURES.index("verb")] * 5
    assert torch.equal(x[:, 1, PLURAL], plural)


def test_every_noun_has_both_numbers():
    assert len(NOUNS[SINGULAR]) == len(NOUNS[PLURAL]) == len(set(NOUNS[SINGULAR] + NOUNS[PLURAL])) / 2


@pytest.mark.parametrize(
    ("given", "need"),
    [
        ((0, 3), "count is 0"),
        ((1, -1), "gap is -1"),
        ((1, 5.0), r"gap is 5.0; it needs a whole number of at least 0"),
        ((1, True), "gap is True"),
        ((1, (1, 2.0)), r"gap is 2.0"),
        ((1, (1, 2, 3)), r"gap is \(1, 2, 3\)"),
        ((1, (5, 3)), r"gap is \(5, 3\)"),
        ((1, 3, 0), "clauses is 0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(given, need):
    with pytest.raises(ValueError, match=need):
        texts(*given)


def test_the_weights_set_by_hand_have_the_names_and_shapes_of_a_cell():
    shapes = {"W_x": (6, 2), "W_h": (2, 2), "b_": (2,)}
    found = {name: tuple(weight.shape) for name, weight in hand_set_weights().items()}
    assert found == {f"{name}{k}": shape for k in "ifco" for name, shape in shapes.items()}


@pytest.mark.parametrize("gap", [*range(15), 60, 200])
def test_the_cell_set_by_hand_answers_at_any_distance_and_says_nothing_elsewhere(gap):
    weights, zeros = hand_set_weights(), torch.zeros(1, 2)
    for text in drawn(20, gap, clauses=3, seed=gap):
        h = layers.lstm(text.features[None], zeros, zeros, weights)[0][0, :, 0]
        said = h[list(text.verbs)]
        assert ((said > 0) == torch.tensor(text.plural)).all() and said.abs().min() > 0.75
        assert h[[n for n in range(len(h)) if n not in text.verbs]].abs().max() < 1e-3


def test_weights_written_as_lists_or_in_float64_are_named_as_float32_tensors():
    written = ([[1, 2]], torch.zeros(2, 2).double(), torch.nn.Parameter(torch.ones(2)))
    weights = named({"f": written})
    assert list(weights) == ["W_xf", "W_hf", "b_f"]
    assert all(w.dtype == torch.float32 and not w.requires_grad for w in weights.values())
    assert weights["W_xf"].tolist() == [[1, 2]]
