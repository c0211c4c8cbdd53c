"""The generated tasks: each property that makes them a test of memory, and what an answer without memory scores."""

import math
import re
from collections import Counter

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from lstm_lesson import data
from lstm_lesson.data import agreement, tasks
from lstm_lesson.data.series import lorenz_slope, rk4_step
from lstm_lesson.data.synthetic_news import WORDS, synthetic_headlines
from lstm_lesson.text.news import load_news


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


DRAWS = {  # each generator of tensors, small
    "adding_problem": lambda g: tasks.adding_problem(3, 8, g),
    "temporal_order": lambda g: tasks.temporal_order(3, 20, g),
    "embedded_reber": lambda g: tasks.embedded_reber(3, g),
    "spike_timing": lambda g: tasks.spike_timing(3, 2, g),
    "sine": lambda g: [data.sine(3, 8, g)],
    "lorenz": lambda g: [data.lorenz(3, 8, g)],
}


@pytest.mark.parametrize("name", DRAWS)
def test_the_generator_fixes_the_batch_and_leaves_the_global_random_numbers_alone(name):
    torch.manual_seed(7)
    before = torch.get_rng_state()
    first, again, other = DRAWS[name](seeded(1)), DRAWS[name](seeded(1)), DRAWS[name](seeded(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert first[0].shape != other[0].shape or not torch.equal(first[0], other[0])
    assert first[0].dtype == torch.float32


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: tasks.adding_problem(0, 8), "batch is 0"),
        (lambda: tasks.adding_problem(2, 1), "steps is 1.*at least 2"),
        (lambda: tasks.adding_problem(2, 8.0), "steps is 8.0"),
        (lambda: tasks.adding_problem(True, 8), "batch is True"),
        (lambda: tasks.temporal_order(2, 9), "steps is 9.*at least 10"),
        (lambda: tasks.embedded_reber(0), "batch is 0"),
        (lambda: tasks.reber_strings(-1), "n is -1"),
        (lambda: tasks.spike_timing(2, 0), "intervals is 0"),
        (lambda: tasks.spike_timing(2, shortest=10, longest=10), "longest is 10.*at least 11"),
        (lambda: tasks.spike_timing(2, shortest=0), "shortest is 0"),
        (lambda: data.sine(2, 0), "steps is 0"),
        (lambda: data.lorenz(0, 8), "batch is 0"),
        (lambda: data.lorenz(2, 8, dt=0), "dt is 0"),
        (lambda: data.lorenz(2, 8, dt=math.nan), "dt is nan"),
    ],
)
def test_a_bad_argument_is_named(call, named):
    with pytest.raises(ValueError, match=named):
        call()


def test_adding_has_one_mark_in_each_half_anywhere_in_it_and_adds_the_marked_numbers():
    x, sums = tasks.adding_problem(2000, 7, seeded())
    numbers, marks = x.unbind(dim=2)
    assert marks[:, :3].sum(dim=1).tolist() == marks[:, 3:].sum(dim=1).tolist() == [1.0] * 2000
    assert (marks.sum(dim=0) > 0).all() and numbers.min() >= 0 and numbers.max() < 1
    assert torch.equal(sums, numbers[marks == 1].view(2000, 2).sum(dim=1))


def test_answering_1_to_the_adding_problem_has_an_error_of_one_sixth():
    sums = tasks.adding_problem(100_000, 4, seeded())[1]
    assert ((sums - 1) ** 2).mean().item() == pytest.approx(1 / 6, abs=0.003)  # 5 standard errors


@pytest.mark.parametrize("steps", [10, 20, 57])
def test_temporal_order_puts_its_signs_where_documented_and_labels_their_order(steps):
    x, labels = tasks.temporal_order(3000, steps, seeded())
    letters = x.argmax(dim=2)
    assert x.shape == (3000, steps, 6) and (x.sum(dim=2) == 1).all()
    seqs, places = (letters >= 4).nonzero(as_tuple=True)
    first, second = places.view(3000, 2).T
    assert seqs.tolist() == [k for k in range(3000) for _ in range(2)]
    assert first.min() == steps // 10 and first.max() == steps // 5 - 1
    assert second.min() == steps // 2 and second.max() == 3 * steps // 5 - 1
    signs = ["XY"[letters[k, t] - 4] for k, t in zip(range(3000), first, strict=True)]
    signs = [a + "XY"[letters[k, t] - 4] for k, (a, t) in enumerate(zip(signs, second, strict=True))]
    assert signs == [("XX", "XY", "YX", "YY")[label] for label in labels]
    assert set(letters.unique().tolist()) == set(range(6))


def test_a_constant_answer_to_temporal_order_has_accuracy_one_quarter():
    labels = tasks.temporal_order(40_000, 10, seeded())[1]
    rates = torch.bincount(labels, minlength=4) / len(labels)
    assert (rates - 0.25).abs().max() < 0.011  # 5 standard errors
    assert F.cross_entropy(torch.zeros(len(labels), 4), labels).item() == pytest.approx(math.log(4))


# The same language, written as an expression instead of a graph.
TAIL = "(?:XT*VP)*(?:S|XT*VV)"  # behind TS*X or behind P at the second node
WORD = re.compile(rf"B([TP])B(?:TS*X(?:{TAIL})|PT*V(?:V|P(?:{TAIL})))E\1E")


def test_the_words_of_the_grammar_are_those_of_an_independent_recogniser():
    words = tasks.reber_strings(3000, seeded())
    assert all(WORD.fullmatch(word) for word in words)
    short = {f"B{a}B{inner}E{a}E" for a in "TP" for inner in ("TXS", "PVV", "TSXS", "PTVV", "PVPS")}
    assert {word for word in words if len(word) <= 10} == short
    assert len({len(word) for word in words}) > 15


def test_the_recogniser_refuses_words_with_one_letter_changed():
    words = tasks.reber_strings(200, seeded(3))
    swapped = [word[:-2] + ("P" if word[-2] == "T" else "T") + "E" for word in words]
    assert not any(WORD.fullmatch(word) for word in swapped)


def test_embedded_reber_spells_words_and_asks_for_the_next_letter():
    x, targets, lengths = tasks.embedded_reber(300, seeded())
    for k, n in enumerate(lengths.tolist()):
        word = [*x[k, :n].argmax(dim=1).tolist(), targets[k, n - 1].item()]
        assert WORD.fullmatch("".join(tasks.REBER[letter] for letter in word))
        assert word[1:] == targets[k, :n].tolist()
        assert (x[k, :n].sum(dim=1) == 1).all() and (x[k, n:] == 0).all() and (targets[k, n:] == tasks.IGNORE).all()
    assert lengths.max() == x.shape[1]


def test_without_the_second_letter_accuracy_on_embedded_reber_is_one_half():
    x, targets, lengths = tasks.embedded_reber(4000, seeded())
    rows = torch.arange(4000)
    asked, before = targets[rows, lengths - 2], x[rows, lengths - 2].argmax(dim=1)
    assert (before == tasks.REBER.index("E")).all()  # the letter just read says nothing
    is_T = (asked == tasks.REBER.index("T")).double()
    assert torch.equal(asked, x[:, 1].argmax(dim=1)) and abs(is_T.mean() - 0.5) < 0.04  # 5 standard errors
    assert abs(torch.corrcoef(torch.stack([is_T, lengths.double()]))[0, 1]) < 0.08  # nor does the length


def test_spike_timing_asks_for_the_interval_since_the_spike_before():
    x, targets, asked = tasks.spike_timing(500, 3, seeded(), shortest=4, longest=9)
    assert x.shape == (500, 4 + 3 * 9, 1) and (x.sum(dim=(1, 2)) == 4).all()
    for k in range(500):
        spikes = x[k, :, 0].nonzero()[:, 0]
        gaps = spikes.diff()
        assert asked[k].nonzero()[:, 0].tolist() == spikes[1:].tolist()
        assert torch.allclose(targets[k, spikes[1:]], (gaps - 4) / 5)
        assert spikes[0] < 4
    assert (targets[~asked] == 0).all()


def test_all_intervals_are_equally_likely_and_the_mean_has_the_documented_error():
    _, targets, asked = tasks.spike_timing(20_000, 2, seeded(), shortest=10, longest=20)
    counts = torch.bincount((targets[asked] * 10).round().long(), minlength=11)
    assert (counts / counts.sum() - 1 / 11).abs().max() < 0.008  # 5 standard errors
    assert ((targets[asked] - 0.5) ** 2).mean().item() == pytest.approx(12 / 120, abs=0.003)


def test_a_sine_follows_from_its_two_last_values_and_keeps_its_period():
    series = data.sine(400, 50, seeded()).double()
    assert series.shape == (400, 50)
    cosines = ((series[:, 2:] + series[:, :-2]) * series[:, 1:-1]).sum(1) / (2 * series[:, 1:-1] ** 2).sum(1)
    residual = series[:, 2:] - 2 * cosines[:, None] * series[:, 1:-1] + series[:, :-2]
    assert residual.abs().max() < 1e-5
    periods = 2 * math.pi / cosines.arccos()
    assert 19.9 < periods.min() < 20.5 and 39.5 < periods.max() < 40.1
    assert series.abs().max() <= 1


def test_zero_and_persistence_have_the_documented_errors_on_sines():
    series = data.sine(20_000, 2, seeded())
    assert (series**2).mean().item() == pytest.approx(1 / 2, abs=0.01)
    periods = torch.linspace(20, 40, 10_001, dtype=torch.float64)
    expected = (2 * (math.pi / periods).sin() ** 2).mean().item()
    assert (series.diff(dim=1) ** 2).mean().item() == pytest.approx(expected, abs=0.0006)


def test_runge_kutta_is_of_fourth_order():
    def error(steps):
        state = torch.tensor([1.0, 0.0], dtype=torch.float64)
        for _ in range(steps):  # the circle, once round
            state = rk4_step(lambda s: torch.stack([s[1], -s[0]]), state, 2 * math.pi / steps)
        return (state - torch.tensor([1.0, 0.0])).norm().item()

    assert error(80) / error(160) == pytest.approx(16, rel=0.05)


def test_the_lorenz_system_rests_at_its_three_fixed_points_and_nowhere_near():
    edge = math.sqrt(8 / 3 * 27)
    fixed = torch.tensor([[0, 0, 0], [edge, edge, 27], [-edge, -edge, 27]], dtype=torch.float64)
    assert lorenz_slope(fixed).abs().max() < 1e-12
    assert lorenz_slope(fixed + torch.tensor([0.0, 0.0, 1.0])).norm(dim=1).min() > 2


def test_lorenz_does_not_depend_on_the_sampling_interval():
    often = data.lorenz(4, 61, seeded(), dt=0.025)[:, ::2]
    seldom = data.lorenz(4, 31, seeded(), dt=0.05)
    assert seldom.shape == (4, 31, 3)
    assert (often - seldom).abs().max() < 1e-3


def test_lorenz_stays_on_its_attractor_and_never_comes_to_rest():
    series = data.lorenz(40, 800, seeded()).double()
    x, _, z = series.unbind(dim=2)
    assert (z > 0).all()
    # Leonov's bound: the attractor lies in a ball about (0, 0, 38)
    assert (series - torch.tensor([0.0, 0.0, 38.0])).norm(dim=2).max() < 8 / 3 * 38 / (2 * math.sqrt(5 / 3))
    assert ((x[:, 1:] * x[:, :-1] < 0).sum(dim=1) > 5).all()  # changes wings
    assert (x**2).mean().item() == pytest.approx(8 / 3 * z.mean().item(), rel=0.02)
    assert abs(x.mean()) < 0.8


def test_two_close_starts_of_lorenz_diverge():
    start = data.lorenz(1, 1, seeded())[:, 0].double()
    near, far = torch.cat([start, start + 1e-6]), []
    for _ in range(2500):
        near = rk4_step(lorenz_slope, near, 0.01)
        far.append((near[0] - near[1]).norm().item())
    assert far[100] < 1e-3 and max(far) > 5


def bags(texts):
    return [Counter(text.split()) for text in texts]


def test_the_headlines_of_a_pair_have_the_same_words_and_opposite_labels():
    texts, labels = synthetic_headlines(400, seed=3)
    words = bags(texts)
    assert words[::2] == words[1::2]
    assert (labels[::2] + labels[1::2]).tolist() == [1] * 200


def test_a_classifier_of_word_counts_has_accuracy_one_half_on_every_split():
    torch.manual_seed(0)
    for texts, labels in load_news("synthetic").values():
        weight = {word: torch.randn(1).item() for text in texts for word in text.split()}
        says_fake = torch.tensor([sum(weight[w] * n for w, n in sorted(bag.items())) > 0 for bag in bags(texts)])
        assert (says_fake == (labels == 1)).float().mean() == 0.5


def first(text, words):
    return min(text.find(word) for word in words if word in text)


def test_neither_the_first_source_nor_the_order_of_the_verbs_decides():
    texts, labels = synthetic_headlines(4000, seed=0)
    official_first = torch.tensor([first(text, WORDS["official"]) < first(text, WORDS["hearsay"]) for text in texts])
    denial_first = torch.tensor([first(text, WORDS["denies"]) < first(text, WORDS["confirms"]) for text in texts])
    for feature in (official_first, denial_first):
        assert 0.4 < feature.double().mean() < 0.6
        assert abs((feature == (labels == 1)).double().mean() - 0.5) < 0.04  # 4000 headlines: 5 standard errors


def test_fake_is_what_the_official_source_denies():
    texts, labels = synthetic_headlines(2000, seed=1)
    for text, label in zip(texts, labels.tolist(), strict=True):
        denial = min(text.find(f" {verb}") for verb in WORDS["denies"] if f" {verb}" in text)
        source = text[:denial]
        assert source.endswith(tuple(WORDS["official" if label else "hearsay"])), text


def test_the_seed_determines_the_headlines():
    first, again, other = (
        synthetic_headlines(40, seed=5),
        synthetic_headlines(40, seed=5),
        synthetic_headlines(40, seed=6),
    )
    assert first[0] == again[0] and torch.equal(first[1], again[1])
    assert first[0] != other[0]


def test_no_headline_occurs_twice():
    texts = [text for split in load_news("synthetic").values() for text in split.texts]
    assert len(texts) == len(set(texts)) == 4000


def test_neither_the_label_nor_the_order_of_the_sources_follows_from_the_place_in_a_pair():
    texts, labels = synthetic_headlines(2000, seed=0)
    official_first = torch.tensor([first(text, WORDS["official"]) < first(text, WORDS["hearsay"]) for text in texts])
    assert 0.4 < labels[::2].double().mean() < 0.6
    assert 0.4 < official_first[::2].double().mean() < 0.6


@pytest.mark.parametrize("n", [0, -2, 3, 10**7, 2.0, True, "4"])
def test_an_n_that_is_not_a_number_of_pairs_is_refused(n):
    with pytest.raises(ValueError, match=r"n is .*even number"):
        synthetic_headlines(n)


COUNTS = {  # of each function: arguments that fit; every one of them is a count
    data.adding_problem: {"batch": 2, "steps": 4},
    data.temporal_order: {"batch": 2, "steps": 10},
    data.reber_strings: {"n": 2},
    data.embedded_reber: {"batch": 2},
    data.spike_timing: {"batch": 2, "intervals": 2, "shortest": 3, "longest": 5},
    data.sine: {"batch": 2, "steps": 3},
    data.lorenz: {"batch": 2, "steps": 3},
    data.synthetic_headlines: {"n": 4},
    agreement.texts: {"count": 2, "gap": 3, "clauses": 2},
    agreement.agreement: {"batch": 2, "gap": 3},
}


@pytest.mark.parametrize("make", COUNTS, ids=lambda make: make.__name__)
def test_a_count_is_a_whole_number_of_python_or_numpy(make):
    make(**{name: np.int64(count) for name, count in COUNTS[make].items()})
    for name, count in COUNTS[make].items():
        for wrong in (float(count), count + 0.5, True, -count, str(count), None):
            with pytest.raises(ValueError, match=f"^{name} is {re.escape(repr(wrong))}; it needs an? [a-z]+ number"):
                make(**COUNTS[make] | {name: wrong})
