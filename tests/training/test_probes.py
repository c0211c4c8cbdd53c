"""The card of a data set: a cue that is planted gives its accuracy, one that is not gives chance."""

import re

import pandas
import pytest
import torch

from lstm_lesson.text import load_csv, load_news
from lstm_lesson.text.news import Split
from lstm_lesson.training import card, probes


def shown(table):
    """name of a row -> accuracy"""
    return {row[0].strip(): float(row[1]) for line in repr(table).splitlines()[1:]
            if (row := re.split(r"  +(?=[−\d])", line.strip()))}  # fmt: skip


def own(n=600, K=3, **columns):
    """n texts of random words with K classes in turn, and further columns: functions of (number, class)."""
    draw = torch.Generator().manual_seed(0)
    words = ["w" + "abcdefghij"[k] for k in range(10)]
    texts = [" ".join(words[k] for k in torch.randint(10, (12,), generator=draw)) + f" {n}" for n in range(n)]
    rows = pandas.DataFrame({"text": texts, "label": [f"class {k % K}" for k in range(n)]})
    return rows.assign(**{name: [make(k, k % K) for k in range(n)] for name, make in columns.items()})


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("number of words", lambda text, k: text + " and" * 4 * k),
        ("has a link, an @name, a #tag", lambda text, k: text + [" who", " @who", " #who"][k]),
        ("share of capital letters", lambda text, k: text.upper() if k == 2 else text.title() if k else text),
    ],
)
def test_a_cue_that_is_planted_tells_the_class_and_the_others_do_not(row, text):
    rows = own()
    rows["text"] = [text(t, k % 3) for k, t in enumerate(rows["text"])]
    data = load_csv(rows, text="text", label="label")
    found = shown(card(data))
    assert found.pop(row) == 1
    bags = {found.pop(name) for name in ("bag of words", "bag of words and pairs")}  # they may see it
    assert bags and max(found.values()) < 0.55
    majority = (data["test"].labels == data["train"].labels.mode().values).float().mean().item()
    assert found["majority"] == pytest.approx(majority, abs=1e-3)


def test_a_source_and_a_date_are_cues_if_the_table_has_them():
    rows = own(K=5, site=lambda n, k: f"site {k} {n % 4}", day=lambda n, k: f"{n % 28 + 1} March {2014 + 3 * k}")
    rows.loc[5, "day"] = "no date"
    data = load_csv(rows, text="text", label="label")
    found = shown(card(data, source="site", date="day"))
    assert found["source: column 'site'"] == 1 and found["date: column 'day'"] > 0.9
    assert max(accuracy for name, accuracy in found.items() if "column" not in name) < 0.55
    for arguments, says in (
        ({"source": "web"}, r"source is 'web'; data has the columns \['text', 'label', 'site', 'day'\]"),
        ({"date": "site"}, "date is 'site'; pandas reads no date in it, such as 'site "),
    ):
        with pytest.raises(ValueError, match=says):
            card(data, **arguments)


def test_texts_of_train_that_come_again_in_test_are_a_cue():
    data = load_csv(own(300), text="text", label="label")
    assert shown(card(data))["the same words as a text of train"] < 0.5
    data["test"] = Split([f"{text.upper()}!" for text in data["train"].texts], data["train"].labels)
    assert shown(card(data))["the same words as a text of train"] > 0.8


def test_a_card_is_the_same_each_time():
    data = load_csv(own(), text="text", label="label")
    assert len({repr(card(data)) for _ in range(3)}) == 1


def test_the_order_of_the_parts_in_a_dict_does_not_matter():
    data = load_csv(own(300), text="text", label="label")
    turned = {part: data[part] for part in ("test", "val", "train")}
    assert repr(card(turned)) == repr(card(data))


def test_order_alone_is_seen_by_pairs_and_by_no_cue(capsys):
    found = shown(card(load_news("synthetic")))
    assert found.pop("bag of words and pairs") == 1 and max(found.values()) < 0.6
    assert "The highest is 1.000 (bag of words and pairs)" in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"source is 'site'; data has the columns \[\]"):
        card(load_news("synthetic"), source="site")


def test_a_rule_answers_with_the_most_frequent_class_and_cuts_numbers_at_deciles():
    train_labels, test_labels = torch.tensor([1, 1, 0, 0, 1]), torch.tensor([1, 0, 1])
    assert probes.rule(list("aabbz"), list("abc"), train_labels, test_labels) == 1  # c is new, and 1 the most frequent
    values = [float(k) for k in range(100)]
    labels = torch.arange(100) // 10
    assert probes.rule(values, values, labels, labels) > 0.9
    gaps = [float("nan")] * 50 + values[50:]
    assert probes.rule(gaps, gaps, (torch.arange(100) >= 50).long(), (torch.arange(100) >= 50).long()) == 1


def test_a_source_that_is_missing_for_one_class_is_a_cue():
    rows = own(n=300, K=2, site=lambda n, k: "a site" if k else None, empty=lambda n, k: None)
    data = load_csv(rows, text="text", label="label")
    assert shown(card(data, source="site"))["source: column 'site'"] == 1
    found = shown(card(data, source="empty"))
    assert found["source: column 'empty'"] == found["majority"]
