"""The inspector shows the values of `record`, shows any token as text, and never writes half a page."""

import base64
import html
import json
import re
from pathlib import Path

import numpy as np
import pandas
import pytest
import torch
from bs4 import BeautifulSoup

from lstm_lesson import CustomLSTM
from lstm_lesson.explorers.inspector import GateInspector
from lstm_lesson.explorers.traced_text import MOST, by_activity, trace_text
from lstm_lesson.text.characters import CharacterModel, as_classifier
from lstm_lesson.text.classifiers import TextClassifier
from lstm_lesson.text.news import Split, Vocabulary
from lstm_lesson.text.saliency import saliency
from lstm_lesson.text.tables import load_csv
from lstm_lesson.tracing import record

WORDS = Vocabulary([["the", "tide", "was", "late", "again"]], min_freq=1)
TEXT = "The tide was late, again the unheard tide."
HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--", "-->", "<img src=x onerror=alert(1)>", '"quotes"', "'single'", "&amp;",
    "😀🏳️‍🌈", "שלום", "مرحبا", "‮turned", "x" * 10_000, "a\nb", "\x00", "\ud800", "\u2028", "${1}", "{}", "c_t", "tide",
]  # fmt: skip


def classifier(units=4, words=WORDS, classes=2, layers=1):
    torch.manual_seed(0)
    return TextClassifier(len(words), 3, units, classes, lstm=CustomLSTM(3, units, layers))


def data(page):
    """What the page embeds, read as a browser does: up to the first end of the script."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    return json.loads(found[1])


def values(packed, units):
    whole = np.frombuffer(base64.b64decode(packed["data"]), "<i2")
    return torch.tensor(whole.astype(np.float64) * packed["scale"]).view(-1, units)


def test_the_page_contains_the_values_of_record_to_three_digits():
    model = classifier()
    embedded = data(GateInspector(model, WORDS, TEXT, "late tide").page())
    for text, tokens in zip(embedded["texts"], ("the tide was late again the unheard tide", "late tide"), strict=True):
        assert text["tokens"] == tokens.split()
        trace = record(model, WORDS.encode(text["tokens"])[None])
        for gate in "ifgoch":
            assert torch.allclose(values(text["values"][gate], 4), getattr(trace, gate)[0].double(), atol=1e-4), gate
    assert embedded["texts"][0]["known"] == [True] * 6 + [False, True]


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ("lstm.cells.0.W_hi", "model computes NaN or infinity; it needs finite numbers in lstm.cells.0.W_hi"),
        ("embedding.weight", "model computes NaN or infinity; it needs finite numbers in embedding.weight"),
        (
            "linear.bias",
            "{} gives NaN or infinite numbers for probability, saliency, effect; it needs a classifier of finite "
            "weights: train it again, perhaps with a smaller lr",
        ),
    ],
)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_classifier_with_numbers_that_are_not_finite_is_refused_by_name(weight, message, value):
    model = classifier()
    with torch.no_grad():
        model.get_parameter(weight).fill_(value)
    with pytest.raises(ValueError, match=f"^{re.escape(message.format('first'))}$"):
        GateInspector(model, WORDS, TEXT)
    with pytest.raises(ValueError, match=f"^{re.escape(message.format('text'))}$"):
        trace_text(model, WORDS, TEXT)


def test_texts_of_other_scripts_are_read_word_by_word():
    words = Vocabulary([["über", "naïve", "खबर"]], min_freq=1)
    found = trace_text(classifier(words=words), words, "Über naïve: खबर!")
    assert found.tokens == ["über", "naïve", "खबर"] and found.known == [True] * 3


def test_large_cell_states_keep_their_digits():
    model = classifier()
    with torch.no_grad():
        for gate, bias in {"i": 9.0, "f": 9.0, "c": 9.0}.items():
            getattr(model.lstm.cells[0], f"b_{gate}").fill_(bias)  # a unit that counts
    packed = data(GateInspector(model, WORDS, ["tide"] * 60).page())["texts"][0]["values"]["c"]
    c = record(model, torch.full((1, 60), WORDS.ids["tide"])).c[0]
    assert c.max() > 50
    assert torch.allclose(values(packed, 4), c.double(), atol=0.001)


def test_the_answer_so_far_is_the_answer_to_the_shorter_text_and_the_saliency_is_that_of_the_whole():
    model = classifier().eval()
    text = data(GateInspector(model, WORDS, TEXT).page())["texts"][0]
    ids = WORDS.encode(text["tokens"])[None]
    so_far = [model(ids[:, : t + 1]).softmax(dim=1)[0, 1].item() for t in range(ids.shape[1])]
    assert text["score"] == pytest.approx(so_far, abs=1e-4)
    norm, effect = saliency(model, ids)
    assert text["saliency"] == pytest.approx(norm[0].tolist(), rel=1e-3)
    assert text["effect"] == pytest.approx(effect[0].tolist(), rel=1e-3)


def test_units_are_ordered_by_activity_and_by_the_size_of_their_score():
    scores = torch.tensor([0.1, -0.9, 0.5, 0.0])
    inspector = GateInspector(classifier(), WORDS, TEXT, "tide", scores=scores)
    embedded = data(inspector.page())
    c = torch.cat([text.values["c"] for text in inspector.traced_texts])
    assert embedded["orders"]["activity"] == c.std(dim=0, correction=0).argsort(descending=True).tolist()
    assert by_activity(inspector.traced_texts)[1].shape == (4,)
    assert embedded["orders"]["label"] == [1, 2, 0, 3]
    assert embedded["scores"]["label"] == pytest.approx(scores.tolist())
    assert "label" not in data(GateInspector(classifier(), WORDS, TEXT).page())["orders"]


def test_it_opens_at_the_unit_that_is_asked_for():
    most = by_activity([trace_text(classifier(), WORDS, TEXT)])[0][0]
    unit = (most + 1) % 4
    inspector = GateInspector(classifier(), WORDS, TEXT, unit=unit)
    assert data(inspector.page())["unit"] == unit
    assert data(GateInspector(classifier(), WORDS, TEXT, unit=np.int64(unit)).page())["unit"] == unit
    assert f"coloured by the memory of unit {unit}" in inspector.picture.alt
    assert f"most active unit: {most}" in inspector.text
    assert data(GateInspector(classifier(), WORDS, TEXT).page())["unit"] is None


def test_a_text_is_cut_as_the_vocabulary_cuts_it():
    torch.manual_seed(0)
    reader, alphabet, labels = as_classifier(CharacterModel(4, 3), '"')
    inspector = GateInspector(reader, alphabet, 'y = "b"', labels=labels)
    assert inspector.traced_texts[0].tokens == list('y␣=␣"b"')
    assert all(inspector.traced_texts[0].known)


def test_hostile_tokens_are_text_in_the_page_the_picture_and_the_notebook():
    inspector = GateInspector(classifier(), WORDS, HOSTILE)
    page = inspector.page()
    shown = data(page)["texts"][0]["tokens"]
    assert shown[:12] == HOSTILE[:12]
    assert shown[12:15] == ["a�b", "�", "�"]  # characters that no page can show
    empty = GateInspector(classifier(), WORDS, ["tide"]).page()
    for tag in ("<script", "</script", "<img", "<!--"):
        assert page.count(tag) == empty.count(tag)
    assert BeautifulSoup(page, "html.parser").find_all(onerror=True) == []
    page.encode("utf-8")
    notebook = inspector._repr_html_()
    assert notebook.encode("utf-8") and notebook.count("<img") == 1 and notebook.count("<script") == 0
    framed = re.search(r'srcdoc="([^"]*)"', notebook)[1]
    assert html.unescape(framed) == page
    assert "<script" not in inspector.picture.svg and "<img" not in inspector.picture.svg
    assert ">c_t</text>" in inspector.picture.svg  # a word is no formula


def test_the_page_asks_for_nothing_from_outside():
    page = GateInspector(classifier(), WORDS, TEXT).page()
    assert (
        re.findall(r"(?i)https?://|//[a-z]+\.|@import|url\(|fetch\(|XMLHttpRequest|innerHTML|insertAdjacent", page)
        == []
    )


def test_sixty_words_of_32_units_are_far_below_2_megabytes_and_500_of_128_are_no_burden(tmp_path):
    random = torch.Generator().manual_seed(0)
    tokens = [WORDS.tokens[k] for k in torch.randint(2, len(WORDS), (500,), generator=random)]
    small = GateInspector(classifier(32), WORDS, tokens[:60], tokens[60:120]).to_html(tmp_path / "small.html")
    large = GateInspector(classifier(128), WORDS, tokens).to_html(tmp_path / "large.html")
    assert small.stat().st_size < 250_000
    assert large.stat().st_size < 1_500_000


def test_a_failed_write_keeps_the_earlier_page(tmp_path, monkeypatch):
    inspector = GateInspector(classifier(), WORDS, TEXT)
    path = inspector.to_html(tmp_path / "page.html")
    assert path.read_text(encoding="utf-8") == inspector.page()

    def full(self, text, encoding):
        self.write_bytes(text.encode()[:100])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="No space"):
            GateInspector(classifier(), WORDS, "tide").to_html(path)
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]
    assert path.read_text(encoding="utf-8") == inspector.page()


def test_what_the_page_cannot_read_is_typed_into_boxes_and_an_error_stands_in_place_of_the_page():
    inspector = GateInspector(classifier(layers=2), WORDS, TEXT)
    inspector.move(first="late again", second="the tide")
    assert [text.tokens for text in inspector.traced_texts] == [["late", "again"], ["the", "tide"]]
    unread = {"": "Text has no word", "?!": "Text has no word", "zebra": "Text has no word that the"}
    for typed, message in unread.items():
        inspector.move(first=typed)
        assert message in inspector._view.value and "iframe" not in inspector._view.value
    inspector.move(first="tide", second="")
    assert "iframe" in inspector._view.value and len(inspector.traced_texts) == 1


def test_two_lists_that_join_to_the_same_text_stay_two():
    words = Vocabulary([["late tide", "late", "tide"]], min_freq=1)
    inspector = GateInspector(classifier(words=words), words, ["late tide"], ["late", "tide"])
    assert [text.tokens for text in inspector.traced_texts] == [["late tide"], ["late", "tide"]]
    words.split = lambda text: text.split()
    boxed = GateInspector(classifier(words=words, layers=2), words, ["late tide"], ["tide"])
    boxed.move(second="late")
    assert [text.tokens for text in boxed.traced_texts] == [["late tide"], ["late"]]


def test_the_notes_name_words_that_are_cut_off_or_unknown():
    text = trace_text(classifier(), WORDS, "tide " * (MOST + 7) + "zebra")
    assert len(text.tokens) == MOST
    assert text.notes[0] == f"The text has {MOST + 8} words; the first {MOST} are read."
    assert "1 of 2 words" in trace_text(classifier(), WORDS, "tide zebra").notes[0]
    assert trace_text(classifier(), WORDS, "tide").notes == []


def test_a_classifier_may_have_three_classes():
    inspector = GateInspector(classifier(classes=3), WORDS, TEXT, labels=("a", "b", "</script>"))
    ids = WORDS.encode(inspector.traced_texts[0].tokens)[None]
    expected = classifier(classes=3).eval()(ids).softmax(dim=1)[0, 2].item()
    assert data(inspector.page())["texts"][0]["score"][-1] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("classes", "last"), [(1, "class 1"), (2, "class 1"), (3, "class 2")])
def test_without_labels_the_classes_are_numbered(classes, last):
    inspector = GateInspector(classifier(classes=classes), WORDS, TEXT)
    assert f"answer at the end: P({last}) = " in inspector.text and data(inspector.page())["answer"] == last
    assert len(data(inspector.page())["labels"]) == classes
    assert "fake" not in inspector.page() and "fake" not in inspector._repr_html_()


def test_the_classes_of_a_table_are_labels_as_they_are():
    table = pandas.DataFrame({"t": [f"the tide was late {k}" for k in range(30)], "y": [1, "a", 2.5] * 10})
    read = load_csv(table, text="t", label="y")
    assert read.classes == [1, 2.5, "a"]
    inspector = GateInspector(classifier(classes=3), WORDS, TEXT, labels=read.classes)
    assert data(inspector.page())["labels"] == ["1", "2.5", "a"] and "P(a) = " in inspector.text


def test_words_of_another_function_than_split_are_refused_or_left_to_lists():
    texts = ["The tide was late. The end!"] * 2
    for cut, word in ((str.split, "'The'"), (list, "'e'")):
        words = Vocabulary(map(cut, texts))
        model = classifier(words=words)
        with pytest.raises(
            ValueError, match=rf"^vocabulary\.split is tokenize, which did not make the word {word}; it"
        ):
            GateInspector(model, words, "The tide.")
        inspector = GateInspector(model, words, words.tokens[2:5])  # a list is read as it is
        assert inspector.model is None and list(inspector.controls) == ["first", "second"]
        inspector.move(first="The tide.")
        assert "vocabulary.split is tokenize" in inspector._view.value
        words.split = cut
        assert GateInspector(model, words, texts[0]).traced_texts[0].known == [True] * len(cut(texts[0]))


def test_a_text_that_examples_would_cut_says_the_answer_there():
    model = classifier().eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(4)
    for most, notes in ((64, 0), (65, 1)):
        assert len(trace_text(model, WORDS, "tide " * most).notes) == notes
    text = "tide " * 64 + "late again " * 9
    found = trace_text(model, WORDS, text, score_name="P(fake)")
    (ids,), _ = WORDS.examples(Split([text], torch.tensor([0])))
    there = f"{model(ids[None]).softmax(dim=1)[0, 1].item():.2f}"
    assert there != f"{found.score[-1].item():.2f}"
    assert found.notes == [
        f"P(fake) was {there} after the first 64 words, where “examples” stops unless told otherwise."
    ]
    assert GateInspector(CharacterModel(4, 3), first="a" * 90).traced_texts[0].notes == []
    for inspector, steps in (
        (GateInspector(model, WORDS, TEXT), "words"),
        (GateInspector(CharacterModel(4, 3), first="a"), "characters"),
    ):
        said = data(inspector.page())["said"]
        assert f"for up to 500 {steps} of a text" in said and "`" not in said


def test_a_stored_notebook_shows_a_picture_with_alt_text_and_the_page_over_it():
    inspector = GateInspector(classifier(), WORDS, TEXT)
    bundle = inspector._repr_mimebundle_()
    assert re.search(r'<img alt="The gate inspector: words[^"]+tide[^"]+"', bundle["text/html"])
    assert bundle["text/html"].index("<img") < bundle["text/html"].index("<iframe")
    assert "at the end P(class 1)" in bundle["text/plain"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classifier": torch.nn.Linear(2, 2)}, "classifier is Linear"),
        ({"vocabulary": ["a"]}, "vocabulary is list"),
        ({"vocabulary": Vocabulary([["a"]], min_freq=1)}, "vocabulary is 3 words; it needs the classifier's own, of 7"),
        ({"first": ""}, "first has no word"),
        ({"first": "zebra"}, "first has no word that the classifier knows; it was trained on 5 words"),
        ({"first": 3}, "first is int"),
        ({"first": ["tide", 3]}, "first is list"),
        ({"first": []}, "first has no word"),
        ({"second": "zebra"}, "second has no word that the classifier knows"),
        ({"second": None}, "second is NoneType"),
        ({"labels": ("a", "b", "c")}, "labels is .* it needs 2 names"),
        ({"labels": ("a", "a")}, "labels is .* it needs 2 names, one for each class"),
        ({"labels": "ab"}, "labels is 'ab'; it needs 2 names"),
        ({"labels": {"a": 0, "b": 1}}, "labels is .* it needs 2 names"),
        ({"scores": torch.zeros(3)}, r"scores has shape \(3,\) and torch.float32; it needs 4"),
        ({"unit": 4}, "unit is 4; it needs a whole number from 0 to 3"),
        ({"scores": torch.full((4,), float("nan"))}, "finite"),
    ],
)
def test_an_error_names_the_argument(change, message):
    arguments = {"classifier": classifier(), "vocabulary": WORDS, "first": TEXT}
    with pytest.raises(ValueError, match=message):
        GateInspector(**(arguments | change))
