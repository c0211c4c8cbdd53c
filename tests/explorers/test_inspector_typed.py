"""The page's own LSTM computes what PyTorch computes, cuts a text as Python does, and answers to what is typed."""

import json
import re

import browser
import pytest
import torch
from torch import nn

from lstm_lesson import CustomLSTM
from lstm_lesson.data.synthetic_news import synthetic_headlines
from lstm_lesson.explorers import page_model as module
from lstm_lesson.explorers.inspector import READER, GateInspector
from lstm_lesson.explorers.page_model import page_model
from lstm_lesson.explorers.traced_text import MOST, trace_text
from lstm_lesson.text import TextClassifier, Vocabulary, tokenize
from lstm_lesson.text.characters import CharacterModel, as_classifier, as_words

IN_A_BROWSER = [pytest.mark.browser, pytest.mark.skipif(bool(browser.why_not()), reason=browser.why_not())]
HEADLINES = synthetic_headlines(1000, seed=7)[0]
WORDS = Vocabulary(map(tokenize, HEADLINES))
ODD = [
    "",
    " ",
    "\n\t ",
    "don't 'tis rock'n'roll it's' O’Neil ’quoted’ a'1 a''b 'x'",
    "1 234.5 10% ½ ² Ⅷ ٣ 3rd covid19 H2O",
    "see https://example.org/a_b?c=d&e#f @name #tag user@mail.org",
    "Ünïcödé naïve ÀÉ e\u0301 A\u030a İstanbul ΑΣ ΣΑΣ ß Ǆ",
    "खबर हिन्दी עִבְרִית مرحبا 中文 日本語 한국어 ไทย",
    "😀 👩‍👩‍👧‍👦 🏳️‍🌈 ❤️ a\ufe0fb x\U000e0101y 1\ufe0f\u20e3 👍🏽",
    "_a_ __b__ c_d -e- f--g h/i",
    "a\x00b\x1fc\x85d\xa0e\u2028f\u3000g\ufeffh\u200bi",
    "\tx\ta\tbcdefgh\ti\n\t\rj\tü\tk",
    "def f(x):\n    return 'it''s'  # ~",
    "the keys ___ .",
]
CUTS = {"words": tokenize, "characters": as_words, "blanks": str.split}


def classifier(units=6, classes=2, layer=CustomLSTM, **options):
    torch.manual_seed(0)
    lstm = layer(5, units, **options | ({"batch_first": True} if layer is nn.LSTM else {}))
    model = TextClassifier(len(WORDS), 5, units, classes, lstm=lstm)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(2)  # gates away from ½
    return model.eval()


def rounded(monkeypatch):
    monkeypatch.setattr(module, "EXACT", 0)


class TestWithoutABrowser:
    def test_many_weights_are_rounded_and_the_page_says_what_that_changes(self, monkeypatch):
        exact, said = page_model(classifier(), WORDS)
        assert {part["bits"] for part in exact["weights"].values()} == {32}
        assert said.endswith("differ from PyTorch's by less than 0.00001; 0 answers change.")
        rounded(monkeypatch)
        short, said = page_model(classifier(), WORDS)
        bits = {name: part["bits"] for name, part in short["weights"].items()}
        assert bits.pop("embedding.weight") == 8 and set(bits.values()) == {16}
        assert 1e-5 < float(re.search(r"by at most ([\d.]+);", said)[1]) < 0.1

    @pytest.mark.parametrize(
        ("make", "reason"),
        [
            (lambda: (classifier(num_layers=2), WORDS), "the LSTM has 2 layers, and the page can do one"),
            (
                lambda: (classifier(), with_split(lambda text: text.split(" "))),
                "the vocabulary cuts a text with a function of its own",
            ),
            (lambda: (classifier(600), WORDS), r"the weights take [\d,]+ bytes, and a page has at most 1,000,000"),
            (lambda: (hooked(), WORDS), "the classifier is more than an embedding, an LSTM and a linear layer"),
        ],
    )
    def test_what_the_page_cannot_read_keeps_its_boxes_and_the_page_says_why(self, make, reason):
        model, words = make()
        inspector = GateInspector(model, words, HEADLINES[0])
        page = inspector.page()
        assert re.search("The page reads no other text: " + reason, page) and 'id="model">null<' in page
        assert list(inspector.controls) == ["first", "second"]

    def test_a_character_model_is_opened_with_the_probability_of_what_follows(self):
        torch.manual_seed(0)
        model, text = CharacterModel(6, 4), "if a:\n  b"
        inspector = GateInspector(model, first=text)
        (found,) = inspector.traced_texts
        ids = torch.tensor([[ord(c) - 31 if c != "\n" else 0 for c in text]])
        shares = model(ids)[0][0].softmax(dim=1)
        assert found.score[:-1] == pytest.approx([shares[t, ids[0, t + 1]].item() for t in range(len(text) - 1)])
        assert found.score[-1].isnan() and found.saliency is found.effect is None
        assert "at the end" not in inspector.text and "nan" not in inspector.picture.svg.lower()
        data = json.loads(re.search(r'id="data">(.*?)</script>', inspector.page(), re.S)[1])
        assert data["texts"][0]["score"][-1] is None and data["answer"] is None

    def test_a_classifier_with_one_logit_shows_the_probability_of_its_class(self):
        model = classifier(classes=1)
        found = GateInspector(model, WORDS, HEADLINES[0], labels=("fake",)).traced_texts[0]
        logit = model(WORDS.encode(found.tokens)[None])[0, 0]
        assert found.score[-1] == pytest.approx(logit.sigmoid().item())
        assert found.effect.abs().sum() > 0


def with_split(split):
    words = Vocabulary(map(tokenize, HEADLINES))
    words.split = split
    return words


def hooked():
    model = classifier()
    model.linear.register_forward_hook(lambda module, given, logits: 9 * logits.flip(1))
    return model


READ = """([M, texts]) => { const model = makeModel(M); return texts.map(text => {
    const { values, next, ...read } = model.read(text);
    return { ...read, next: read.tokens.length ? [...next(read.tokens.length - 1)] : [],
             values: Object.fromEntries(Object.entries(values).map(([name, v]) => [name, [...v]])) };
}); }"""
KINDS = {
    "two classes": {},
    "nn.LSTM": {"layer": nn.LSTM},
    "one logit": {"classes": 1},
    "five classes": {"classes": 5},
    "no bias": {"bias": False},
    "diagonal peephole": {"peephole": "diagonal"},
    "full peephole": {"peephole": "full"},
}


@pytest.fixture(scope="module")
def script(chromium):
    page = chromium.new_page()
    page.add_script_tag(content=READER)
    yield page
    page.close()


class TestTheArithmetic:
    pytestmark = IN_A_BROWSER

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_number_is_that_of_pytorch(self, script, kind):
        model, texts = classifier(**KINDS[kind]), [*HEADLINES[:40], "the unheard zebra denies it"]
        for text, read in zip(texts, script.evaluate(READ, [page_model(model, WORDS)[0], texts]), strict=True):
            traced = trace_text(model, WORDS, text)
            assert (read["tokens"], read["known"]) == (traced.tokens, traced.known)
            for name, values in traced.values.items():
                assert read["values"][name] == pytest.approx(values.flatten().tolist(), abs=2e-6), name
            for name in ("score", "saliency", "effect"):
                assert read[name] == pytest.approx(getattr(traced, name).tolist(), abs=2e-5), name

    @pytest.mark.parametrize("short", [False, True], ids=["exact", "rounded"])
    def test_a_thousand_texts_get_pytorchs_answers(self, script, short, monkeypatch):
        """Rounded weights move a probability by less than 0.02, and only an answer that is as near to ½."""
        if short:
            rounded(monkeypatch)
        model, most = classifier(32), 0.02 if short else 1e-5
        read = script.evaluate(READ, [page_model(model, WORDS)[0], HEADLINES])
        page = torch.tensor([text["score"][-1] for text in read])
        with torch.no_grad():
            right = torch.cat([model(WORDS.encode(tokenize(text))[None]) for text in HEADLINES]).softmax(dim=1)[:, 1]
        assert (page - right).abs().max() < most
        assert (page[(right - 0.5).abs() > most] > 0.5).equal(right[(right - 0.5).abs() > most] > 0.5)
        print(f"{(page - right).abs().max():.2g}, {((page > 0.5) != (right > 0.5)).sum()} answers changed")

    @pytest.mark.parametrize("name", CUTS)
    def test_a_text_is_cut_as_python_cuts_it(self, script, name):
        cut = script.evaluate("([name, texts]) => texts.map(text => CUT[name](text))", [name, ODD])
        assert cut == [CUTS[name](text) for text in ODD]

    def test_a_character_model_gives_the_probability_of_what_follows(self, script):
        torch.manual_seed(0)
        reader, words, _ = as_classifier(CharacterModel(6, 4), "~")
        text = "if a:\n\tit's"
        (read,) = script.evaluate(READ, [page_model(reader, words, follows=True)[0], [text]])
        traced = trace_text(reader, words, text, follows=True)
        assert read["score"][:-1] == pytest.approx(traced.score[:-1].tolist(), abs=1e-6)
        assert sum(read["next"]) == pytest.approx(1) and len(read["next"]) == 96

    def test_no_more_than_the_first_500_words_are_read(self, script):
        (read,) = script.evaluate(READ, [page_model(classifier(), WORDS)[0], ["ministry " * (MOST + 9)]])
        assert len(read["tokens"]) == MOST and read["all"] == MOST + 9
