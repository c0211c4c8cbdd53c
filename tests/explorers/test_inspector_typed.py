"""The page's own LSTM computes what PyTorch computes, cuts a text as Python does, and answers to what is typed."""

import json
import random
import re
from urllib.parse import quote

import browser
import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from lstm_lesson import CustomLSTM
from lstm_lesson.data.synthetic_news import synthetic_headlines
from lstm_lesson.explorers import page_model as module
from lstm_lesson.explorers.inspector import READER, GateInspector
from lstm_lesson.explorers.page_model import page_model
from lstm_lesson.explorers.traced_text import MOST, trace_text
from lstm_lesson.text import TextClassifier, Vocabulary, tokenize
from lstm_lesson.text.characters import CHARACTERS, CharacterModel, as_classifier, as_words
from lstm_lesson.text.saliency import saliency
from lstm_lesson.tracing import Trace

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


def pruned():
    model = classifier(layer=nn.LSTM)
    prune.l1_unstructured(model.lstm, "weight_hh_l0", 0.5)
    return model


def rounded(monkeypatch):
    monkeypatch.setattr(module, "EXACT", 0)


class TestWithoutABrowser:
    def test_many_weights_are_rounded_and_the_page_says_what_that_changes(self, monkeypatch):
        exact, said = page_model(classifier(), WORDS)
        assert {part["bits"] for part in exact["weights"].values()} == {32}
        assert said.endswith("differ from PyTorch's by less than 0.00001, and 0 of its 200 answers differ.")
        rounded(monkeypatch)
        short, said = page_model(classifier(), WORDS)
        bits = {name: part["bits"] for name, part in short["weights"].items()}
        assert bits.pop("embedding.weight") == 8 and set(bits.values()) == {16}
        assert 1e-5 < float(re.search(r"by at most ([\d.]+),", said)[1]) < 0.1

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
            (lambda: (pruned(), WORDS), "lstm.weight_hh_l0 is computed, by pruning or a norm; it needs a parameter"),
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

    def test_before_an_unknown_character_there_is_no_probability(self):
        torch.manual_seed(0)
        model = CharacterModel(6, 4)
        inspector = GateInspector(model, first=["a", "é", "b"])
        score = inspector.traced_texts[0].score
        words = as_classifier(model, "~")[1]
        assert score.isnan().tolist() == [True, False, True] and words.split("aéb") == ["a", "b"]
        data = json.loads(re.search(r'id="data">(.*?)</script>', inspector.page(), re.S)[1])
        assert [value is None for value in data["texts"][0]["score"]] == [True, False, True]
        assert "nan" not in inspector.picture.svg.lower()
        alone = GateInspector(model, first=["<unk>", "a", "<pad>", "b"]).traced_texts[0].score
        assert alone.isnan().tolist() == [False, True, False, True]

    @pytest.mark.parametrize("peephole", [None, "diagonal"])
    def test_a_character_model_with_an_lstm_of_our_own_is_opened(self, peephole):
        torch.manual_seed(0)
        model = CharacterModel(6, 4, CustomLSTM(4, 6, peephole=peephole))
        inspector = GateInspector(model, first="if a")
        share = model(torch.tensor([[ord("i") - 31]]))[0][0, 0].softmax(dim=0)[ord("f") - 31]
        assert inspector.traced_texts[0].score[0] == pytest.approx(share.item())
        assert inspector.model["units"] == 6

    def test_the_largest_difference_is_rounded_up(self):
        model = classifier()
        model.linear.weight.data.zero_(), model.linear.bias.data.zero_()
        model.linear.register_forward_hook(lambda module, given, logits: logits + torch.tensor([0, 0.00496]))
        assert torch.tensor(0.00496).sigmoid().item() - 0.5 == pytest.approx(0.00124, abs=1e-6)  # nearest to 0.0012
        assert "by at most 0.0013," in page_model(model, WORDS)[1]

    @pytest.mark.parametrize(
        "presets", ["ab", {"x": "ab"}, {"x": ("a",)}, {"x": ("a", 3)}, {"x": None}, {3: ("a", "b")}, [("a", "b")]]
    )
    def test_presets_are_pairs_of_texts(self, presets):
        with pytest.raises(ValueError, match=r"presets has .*; it needs a dict with a pair of texts under each name"):
            GateInspector(classifier(), WORDS, HEADLINES[0], presets=presets)
        GateInspector(classifier(), WORDS, HEADLINES[0], presets={"x": ["a", "b"]})

    def test_a_classifier_with_one_logit_shows_the_probability_of_its_class(self):
        model = classifier(classes=1)
        found = GateInspector(model, WORDS, HEADLINES[0], labels=("fake",)).traced_texts[0]
        logit = model(WORDS.encode(found.tokens)[None])[0, 0]
        assert found.score[-1] == pytest.approx(logit.sigmoid().item())
        assert found.effect.abs().sum() > 0


def longest_common(one, other):
    """The length of the longest sequence of tokens that both have in this order."""
    best = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            best[i + 1][j + 1] = best[i][j] + 1 if a == b else max(best[i][j + 1], best[i + 1][j])
    return best[-1][-1]


def with_split(split):
    words = Vocabulary(map(tokenize, HEADLINES))
    words.split = split
    return words


def hooked():
    model = classifier()
    model.linear.register_forward_hook(lambda module, given, logits: 9 * logits.flip(1))
    return model


READ = """([M, texts]) => { const model = makeModel(M); return texts.map(text => {
    const { values, next, more, ...read } = model.read(text);
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

    def test_the_saliency_of_a_character_model_is_that_of_the_likeliest_next_character(self, script):
        torch.manual_seed(0)
        model, text = CharacterModel(6, 4), "if a:\n\tit's"
        with torch.no_grad():
            for weight in model.parameters():
                weight.mul_(3)
        reader, words, _ = as_classifier(model, "~")
        code = "([M, text]) => makeModel(M).read(text).more()"
        found = script.evaluate(code, [page_model(reader, words, follows=True)[0], text])
        likeliest = reader(words.encode(as_words(text))[None]).argmax().item()
        assert CHARACTERS[likeliest] != "~" and found["of"] == likeliest
        turned, words, _ = as_classifier(model, CHARACTERS[likeliest])  # in Python it is of the last class
        norm, effect = saliency(turned, words.encode(as_words(text))[None])
        assert found["saliency"] == pytest.approx(norm[0].tolist(), abs=2e-5) and max(found["saliency"]) > 1e-3
        assert found["effect"] == pytest.approx(effect[0].tolist(), abs=2e-5)

    def test_where_the_page_answers_at_a_verb_the_saliency_is_measured_there(self, script):
        model, text = classifier(), "court denies it but denies bus strike"
        verbs = page_model(model, WORDS)[0] | {"verbs": ["denies"]}
        for given, end in ((text, 5), ("court bus", 2)):
            (read,) = script.evaluate(READ, [verbs, [given]])
            traced = trace_text(model, WORDS, given.split()[:end])
            for name in ("saliency", "effect"):
                expected = getattr(traced, name).tolist() + [0] * (len(given.split()) - end)
                assert read[name] == pytest.approx(expected, abs=2e-5), name

    def test_before_an_unknown_character_the_page_has_no_probability_either(self, script):
        torch.manual_seed(0)
        reader, words, _ = as_classifier(CharacterModel(6, 4), "~")
        tokens = ["a", "é", "b", "c"]
        (read,) = script.evaluate(READ, [page_model(reader, words, follows=True)[0], [tokens]])
        traced = trace_text(reader, words, tokens, follows=True)
        assert read["score"] == pytest.approx(traced.score.tolist(), abs=1e-6, nan_ok=True)

    def test_no_more_than_the_first_500_words_are_read(self, script):
        (read,) = script.evaluate(READ, [page_model(classifier(), WORDS)[0], ["ministry " * (MOST + 9)]])
        assert len(read["tokens"]) == MOST and read["all"] == MOST + 9


class TestThePage:
    pytestmark = IN_A_BROWSER

    @pytest.fixture
    def opened(self, chromium, tmp_path):
        pages = []

        def open_page(inspector, width=1280, hash="", scripts=True, **options):
            page = chromium.new_page(viewport={"width": width, "height": 700}, java_script_enabled=scripts, **options)
            complaints = []
            page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
            pages.append((page, complaints))
            page.goto(inspector.to_html(tmp_path / "page.html").as_uri() + hash)
            if scripts:
                page.wait_for_selector("html[data-ready=true]", timeout=browser.PATIENCE)
            return page

        yield open_page
        for page, complaints in pages:
            page.close()
            assert complaints == []

    def test_typing_deleting_and_swapping_a_word_move_everything_at_once(self, opened):
        model = classifier()
        page = opened(GateInspector(model, WORDS, HEADLINES[0]))
        page.locator("#unit").select_option("2")
        for text in ("ministry denies bus strike", "ministry denies bus", "blogger denies bus", "x", "denies denies"):
            browser.type_text(page, text)
            traced = trace_text(model, WORDS, [*tokenize(text)]) if text != "x" else None
            assert page.locator("#words-0 .w").all_inner_texts() == tokenize(text)
            if traced:
                step = int(page.locator("body").get_attribute("data-step")) - 1
                for name, values in traced.values.items():
                    shown = float(page.locator(f"#value-0-{name}").get_attribute("data-value"))
                    assert shown == pytest.approx(values[step, 2].item(), abs=1e-5)
                assert page.inner_text("#answer-0").endswith(f"{traced.score[-1]:.2f}")
        browser.type_text(page, "ministry denies bus strike")
        browser.type_text(page, "ministry rejects bus strike")
        assert page.locator("body").get_attribute("data-step") == "2"  # the new word is marked

    @pytest.mark.parametrize("make", ["words", "characters"])
    def test_after_many_changes_the_page_is_as_if_opened_with_the_last_texts(self, opened, make):
        """Panels, words and maps stay and are filled anew; nothing of an earlier text may be left."""
        torch.manual_seed(0)
        words = make == "words"
        inspector = GateInspector(*((classifier(), WORDS) if words else (CharacterModel(6, 4),)), first=HEADLINES[0])
        page = opened(inspector)
        look = """() => Object.fromEntries([
            ...['texts', 'legend'].map(id => [id, document.getElementById(id).innerHTML]),
            ...[...document.querySelectorAll('#texts canvas')].map(part => [part.id, part.toDataURL()]),
            ...[...document.querySelectorAll('.word, .cursor, .row')].map(part => {
                const {x, y, width, height} = part.getBoundingClientRect();
                return ['place of ' + part.id, [x, y + scrollY, width, height]];
            })])"""
        edits = [("ministry denies bus strike", ""), ("ministry bus zebra", "the zebra"), ("a", "denies " * 40)]
        edits += [("", "b"), ("court " * 130, "x"), ("x " * 7, ""), ("court zebra denies it but mayor confirms", "")]
        seen = []
        for first, second in edits:
            for k, text in enumerate((first, second)):
                browser.type_text(page, text, k)
            if first and second:
                page.locator("#words-0").focus()
                page.keyboard.press("End")
                page.locator("#gate-saliency").check(force=True)
                page.locator("#gate-f").check(force=True)
            seen.append(page.evaluate(look))
        assert len({json.dumps(picture) for picture in seen}) == len(edits)
        page.locator("#gate-c").check(force=True)
        page.locator("#unit").select_option("3")
        page.locator("#words-0").focus()
        page.keyboard.press("Home")
        changed = page.evaluate(look)
        page.wait_for_function("/gate=c&unit=3.*&step=1$/.test(location.hash)")
        page.reload()
        page.wait_for_selector("html[data-ready=true]", timeout=browser.PATIENCE)
        again = page.evaluate(look)
        assert [name for name in changed if changed[name] != again.get(name)] == [] and again.keys() == changed.keys()

    def test_what_stays_of_a_text_keeps_its_place_in_the_page(self, opened):
        page = opened(GateInspector(classifier(), WORDS, HEADLINES[0]))
        page.evaluate("() => { for (const part of document.querySelectorAll('#texts *')) part.dataset.old = '1' }")
        browser.type_text(page, HEADLINES[0] + " bus")
        new = "[...document.querySelectorAll('#texts *')].filter(part => !part.dataset.old).map(part => part.className)"
        assert sorted(page.evaluate(new)) == ["n", "w", "word"]

    def test_keys_that_come_faster_than_frames_are_read_together(self, opened):
        page = opened(GateInspector(classifier(), WORDS, HEADLINES[0]))
        count = """async texts => {
            let read = 0;
            const reading = new MutationObserver(seen => { read += seen.length });
            const box = document.getElementById('type-0');
            const shown = () => document.querySelectorAll('#words-0 .word').length;
            reading.observe(document.body, {attributeFilter: ['data-step']});
            const at = texts.map(text => { box.value = text; box.dispatchEvent(new Event('input')); return shown(); });
            while (document.documentElement.dataset.ready !== 'true') await new Promise(requestAnimationFrame);
            await new Promise(done => setTimeout(done));
            reading.disconnect();
            return [at, shown(), read];
        }"""
        assert page.evaluate(count, ["bus", "bus strike", "bus strike denies", "bus"]) == [[1, 1, 1, 1], 1, 2]
        assert page.evaluate(count, ["bus strike", "bus", "ministry denies bus strike"]) == [[2, 2, 2], 4, 2]

    def test_the_list_of_units_has_their_order_once_it_is_wanted(self, opened):
        page = opened(GateInspector(classifier(), WORDS, HEADLINES[0]))
        listed = "[...document.querySelectorAll('#unit option')].map(option => option.textContent)"
        before = page.evaluate(listed)
        browser.type_text(page, "court zebra denies it but mayor confirms it")
        page.locator("#unit").focus()
        now = page.evaluate(listed)
        shown = [float(re.search(r"\(varies by ([\d.]+)\)$", option)[1]) for option in now[1:]]
        assert now != before and shown == sorted(shown, reverse=True) and len(now) == 7
        browser.type_text(page, "court")
        page.wait_for_function(f"JSON.stringify({listed}) !== {json.dumps(json.dumps(now, ensure_ascii=False))}")

    def test_a_character_model_colours_by_saliency_and_names_the_character(self, opened):
        torch.manual_seed(0)
        page = opened(GateInspector(CharacterModel(6, 4), first="if a:", second="b"))
        page.locator("#gate-saliency").check(force=True)
        assert "log odds of the likeliest next character (“" in page.inner_text("#legend")
        colours = "[...document.querySelectorAll('#words-0 .n')].map(value => value.textContent)"
        before = page.evaluate(colours)
        assert all(float(value) >= 0 for value in before) and len(set(before)) > 1
        browser.type_text(page, "if b:")
        assert page.evaluate(colours) != before
        page.locator("#gate-effect").check(force=True)
        assert "pushes towards the likeliest next character" in page.inner_text("#legend")
        page.locator("#gate-c").check(force=True)
        browser.type_text(page, "of c:")
        page.locator("#gate-saliency").check(force=True)
        shown = page.evaluate(colours)
        page.wait_for_function("location.hash.includes('text=of+c%3A') && location.hash.includes('gate=saliency')")
        page.reload()
        page.wait_for_selector("html[data-ready=true]", timeout=browser.PATIENCE)
        assert page.evaluate(colours) == shown

    def test_a_saliency_of_next_to_nothing_has_no_strong_colour_and_the_legend_says_so(self, opened):
        for size in (1e-6, 1):
            model = classifier()
            model.linear.weight.data.mul_(size)
            page = opened(GateInspector(model, WORDS, "court denies it"))
            page.locator("#gate-f").check(force=True)
            for name in ("saliency", "effect"):
                page.locator(f"#gate-{name}").check(force=True)
                grounds = "[...document.querySelectorAll('.word .w')].map(word => word.style.backgroundColor)"
                assert (set(page.evaluate(grounds)) == {"rgb(238, 241, 245)"}) == (size < 1)
                legend = page.inner_text("#legend")
                assert ("All are below 0.1" in legend) == (size < 1) and legend.count("leave it out") <= 1
                if size < 1:
                    assert re.match(rf"words: {page.inner_text(f'#gate-{name} + .pill')} (0|−0\.1) *\n? *0\.1", legend)

    def test_the_marked_word_of_a_long_text_is_seen_in_its_box_which_ends_with_a_whole_row(self, opened):
        text = quote(" ".join(["court denies it but"] * 90))
        page = opened(GateInspector(classifier(), WORDS, HEADLINES[0]), hash=f"#text={text}&compare={text}&step=170")
        seen = """() => [0, 1].map(k => {
            const box = document.getElementById('words-' + k).getBoundingClientRect();
            const parts = [...document.querySelectorAll(`#words-${k} .word`)].map(word => word.getBoundingClientRect());
            const chosen = document.querySelector(`#words-${k} [aria-selected=true]`).getBoundingClientRect();
            const cut = parts.filter(({ top, bottom }) => top + 1 < box.bottom && bottom > box.bottom + 1);
            return [chosen.top >= box.top - 1 && chosen.bottom <= box.bottom + 1, cut.length, box.height > 200];
        })"""
        assert page.evaluate(seen) == [[True, 0, True]] * 2
        assert page.evaluate("scrollY") == 0
        page.locator("#words-0").focus()
        page.keyboard.press("End")
        assert page.evaluate(seen) == [[True, 0, True]] * 2
        page.locator("#words-0").evaluate("words => { words.scrollTop = 0 }")
        page.keyboard.press("End")  # it is chosen already
        assert page.evaluate(seen)[0] == [True, 0, True]
        browser.type_text(page, "court denies")
        assert page.locator("#words-0").evaluate("words => words.style.maxHeight") == ""

    @pytest.mark.parametrize("box", [0, 1])
    def test_a_box_that_is_emptied_keeps_its_panel_while_one_types(self, opened, box):
        page = opened(GateInspector(classifier(), WORDS, "ministry denies bus strike", "bus strike"))
        places = """() => [...document.querySelectorAll('.panel')].map(
            panel => (({ x, width, height }) => [panel.id, x, width, height])(panel.getBoundingClientRect()))"""
        before = page.evaluate(places)
        for text in ("", "?!", " "):
            browser.type_text(page, text, box)
            assert page.evaluate(places) == before
            assert "needs a word" in page.inner_text(f"#panel-{box}")
            assert not page.locator(f"#words-{box}").is_visible() and page.locator(f"#words-{1 - box}").is_visible()
        assert browser.serious_violations(page) == []
        browser.type_text(page, "court denies", box)
        assert page.locator(f"#words-{box} .w").all_inner_texts() == ["court", "denies"]
        assert page.locator(f"#words-{box}").is_visible() and page.locator(".panel").count() == 2
        browser.type_text(page, "", box)
        page.locator(f"#type-{1 - box}").focus()
        assert page.locator(".panel").count() == 1

    def test_an_unknown_word_is_marked_in_words_and_a_text_without_a_word_is_left_out(self, opened):
        page = opened(GateInspector(classifier(), WORDS, "ministry denies bus strike", "bus strike"))
        browser.type_text(page, "the zebra denies <b>bus</b>")
        unknown = page.locator("#words-0 .unknown .w").all_inner_texts()
        assert unknown == ["the", "zebra", "b", "b"] and page.inner_text("#count-0") == "6 words, 4 unknown"
        assert "unknown" in page.locator("#word-0-1").inner_text()
        assert page.locator("#word-0-1 .w").evaluate("word => getComputedStyle(word).textDecorationLine") == "underline"
        assert "Dotted: 4 of 6 words, unknown to the model." in page.inner_text("#notes-0")
        assert page.inner_text("#answer-0").endswith(", but 4 of 6 words are unknown to the model")
        browser.type_text(page, "?!")
        assert page.inner_text("#count-0") == "needs a word"
        page.locator("#type-0").blur()
        assert page.locator("#panel-0").count() == 0 and page.inner_text("#panel-1 h2") == "Text 2"
        browser.type_text(page, "", 1)
        assert page.inner_text("#legend") == ""
        page.locator("#type-1").blur()
        assert page.locator(".panel").count() == 0
        browser.type_text(page, "bus")
        assert page.locator(".panel").count() == 1

    def test_the_text_stands_in_the_address_and_a_link_shows_it(self, opened):
        odd = "don't & ministry = denies # \U0001f600 %20"
        page = opened(
            GateInspector(classifier(), WORDS, HEADLINES[0]), hash="#text=" + quote(odd) + "&gate=f&unit=3&step=2"
        )
        assert page.input_value("#type-0") == odd and page.input_value("#type-1") == ""
        state = {key: page.locator("body").get_attribute(f"data-{key}") for key in ("gate", "unit", "step")}
        assert state == {"gate": "f", "unit": "3", "step": "2"}
        browser.type_text(page, "bus strike", 1)
        page.wait_for_function("location.hash.includes('compare=bus+strike')", timeout=browser.PATIENCE)
        page.reload()
        page.wait_for_selector("html[data-ready=true]", timeout=browser.PATIENCE)
        assert (page.input_value("#type-0"), page.input_value("#type-1")) == (odd, "bus strike")
        page.get_by_role("button", name="Copy link").click()
        page.wait_for_function("/^(Link copied|Copy the)/.test(document.getElementById('live').textContent)")

    def test_in_a_frame_there_is_no_link_and_the_page_leaves_the_address_alone(self, opened, chromium):
        page = chromium.new_page()
        page.set_content(GateInspector(classifier(), WORDS, HEADLINES[0])._repr_html_())
        frame = page.locator("iframe.lstm-inspector").element_handle().content_frame()
        frame.wait_for_selector("html[data-ready=true]", timeout=browser.PATIENCE)
        assert frame.locator("button", has_text="Copy link").count() == 0
        browser.type_text(frame, "bus strike")
        assert frame.locator("#words-0 .w").all_inner_texts() == ["bus", "strike"] and "#" not in page.url
        page.close()

    def test_a_page_whose_weights_were_left_out_shows_its_text_and_says_so(self, opened, tmp_path):
        inspector = GateInspector(classifier(), WORDS, HEADLINES[0])
        page = re.sub('(?s) id="model">.*?<', ' id="model">"left out"<', inspector.page())
        inspector.page = lambda: page
        page = opened(inspector)
        assert page.locator("#words-0 .w").all_inner_texts() == tokenize(HEADLINES[0])
        assert not page.locator("#type-0").is_visible()
        assert "run the cell to type other texts" in page.inner_text("#said")

    def test_a_preset_asks_a_question_with_two_texts(self, opened):
        presets = {"Swap the <two> sources": ("ministry denies bus", "blogger denies bus")}
        page = opened(GateInspector(classifier(), WORDS, "court rejects bus strike", presets=presets))
        page.get_by_role("button", name="backwards").click()
        assert page.input_value("#type-1") == "strike bus rejects court"
        page.locator("#word-0-1").click()
        page.get_by_role("button", name="missing").click()
        assert page.input_value("#type-1") == "court bus strike"
        page.get_by_role("button", name="Swap the <two> sources").click()
        assert [page.input_value(f"#type-{k}") for k in (0, 1)] == list(*presets.values())
        assert page.locator(".panel").count() == 2

    def test_a_character_model_says_what_it_expects(self, opened):
        torch.manual_seed(0)
        page = opened(GateInspector(CharacterModel(6, 4), first="if a:"))
        browser.type_text(page, "x = 'a b'")
        assert page.locator("#words-0 .w").all_inner_texts() == list("x␣=␣'a␣b'")
        assert page.inner_text("#next-0").startswith("likeliest next: ") and "bits a character" in page.inner_text(
            "#answer-0"
        )
        page.locator("#words-0").focus()
        page.keyboard.press("End")
        assert page.inner_text("#prediction-0") == "nothing follows yet"
        first, second = [found.replace("\n", " ") for found in page.locator("#next-0 span").all_inner_texts()][:2]
        assert page.inner_text("#answer-0").startswith(f"likeliest at the end: {first}, {second} · ")
        assert page.locator("#next-0 kbd").count() == 4 and "a blind guess: 6.6" in page.inner_text("#answer-0")

    def test_the_bits_of_a_text_leave_out_unknown_characters_and_say_so(self, opened):
        torch.manual_seed(0)
        inspector = GateInspector(CharacterModel(6, 4), first=["a", "é", "b", "c"])
        page, score = opened(inspector), inspector.traced_texts[0].score
        bits = -score[score.isfinite()].log2().mean()
        assert f" · mean surprise, −log₂ P: {bits:.2f} bits a known character (" in page.inner_text("#answer-0")
        page.locator("#words-0").focus()
        page.keyboard.press("Home")
        assert page.inner_text("#prediction-0") == "–"

    def test_without_javascript_the_page_says_so_and_shows_the_picture(self, opened):
        page = opened(GateInspector(classifier(), WORDS, HEADLINES[0]), scripts=False)
        assert "JavaScript, which is switched off" in page.inner_text("main")
        assert page.locator("noscript img").evaluate_all("all => all.length") in (0, 1)
        assert page.locator("img").first.is_visible() and not page.locator("#unit").is_visible()
        assert page.locator("h1").bounding_box()["y"] < page.locator("img").first.bounding_box()["y"]
        assert not page.locator("#vocabulary").is_visible() and not page.locator("#gates").is_visible()

    @pytest.mark.parametrize(
        ("first", "second", "marked", "partner", "without"),
        [
            ("court denies it", "court denies it", 2, 2, None),
            ("court confirms it", "court loudly confirms it", 1, 2, None),  # a word more
            ("court loudly confirms it", "court confirms it", 3, 2, None),
            ("court loudly confirms it", "court confirms it", 1, 0, "before"),
            ("loudly court confirms it", "court confirms it", 0, 0, "after"),
            ("court confirms it now", "court confirms it", 3, 2, "before"),
            ("ministry denies tide but blogger repeats", "blogger denies tide but ministry repeats", 4, 4, None),
            ("court denies it", "it denies court", 0, 2, None),  # backwards
            ("the bus the bus the tide", "the bus the tide", 5, 3, None),  # words that come twice
            ("a b court c", "d court e f g", 3, 2, None),  # c in the place of e, b in that of nothing
            ("a b court c", "d court e f g", 1, 0, "before"),
            ("x y z", "a b", 2, 1, "before"),  # nothing in common
            ("court denies cut but cut", "court denies cut", 4, 2, "before"),  # the same word, but another of it
        ],
    )  # fmt: skip
    def test_in_both_texts_the_word_in_the_same_place_is_marked(self, opened, first, second, marked, partner, without):
        page = opened(GateInspector(classifier(), WORDS, "bus"))
        browser.type_text(page, first)
        browser.type_text(page, second, 1)
        page.locator(f"#word-0-{marked}").click()
        chosen = [page.locator(f"#words-{k} [aria-selected=true]").get_attribute("id") for k in (0, 1)]
        assert chosen == [f"word-0-{marked}", f"word-1-{partner}"]
        said = page.inner_text("#step-1").split("\n")[1:]
        which = f"“{first.split()[marked]}” (word {marked + 1})"
        assert said == ([f"no partner for {which}: this is the word {without} it"] if without else [])
        assert "\n" not in page.inner_text("#step-0")
        if without is None:  # and back
            page.locator("#words-0").focus()
            page.keyboard.press("Home")
            page.locator(f"#word-1-{partner}").click()
            assert page.locator(f"#word-0-{marked}").get_attribute("aria-selected") == "true"

    @pytest.mark.parametrize("box", [0, 1])
    def test_a_text_that_begins_anew_is_marked_and_a_text_alone_has_no_partner(self, opened, box):
        page = opened(GateInspector(classifier(), WORDS, "court denies it", "court confirms bus"))
        page.locator(f"#word-{1 - box}-1").click()
        browser.type_text(page, "", box)
        assert "partner" not in page.inner_text("#texts")
        browser.type_text(page, "x", box)
        assert [page.inner_text(f"#current-{box}"), page.inner_text(f"#step-{box}").count("partner")] == ["x", 0]
        assert page.evaluate("document.body.dataset.step") == "1"

    def test_a_link_that_is_pasted_marks_what_it_says(self, opened):
        page = opened(GateInspector(classifier(), WORDS, "court denies it", "court confirms bus"))
        page.evaluate("location.hash = '#text=bus+strike+denies+it&compare=bus+strike&of=2&step=2'")
        page.wait_for_selector("#word-1-1[aria-selected=true]")
        assert page.locator("#words-0 .word").count() == 4 and page.inner_text("#current-0") == "strike"
        page.evaluate("location.hash = '#text=bus+strike+denies+it&compare=bus+strike+it&step=1'")
        page.wait_for_selector("#word-1-0[aria-selected=true]")

    def test_dashed_words_are_those_outside_a_longest_common_part(self, opened):
        page, draw = opened(GateInspector(classifier(), WORDS, "bus")), random.Random(0)
        dashed = "[0, 1].map(k => document.querySelectorAll(`#words-${k} .differs`).length)"
        seen = set()
        for _ in range(40):
            one, other = ([draw.choice("abc") for _ in range(draw.randint(2, 9))] for _ in "12")
            browser.type_text(page, " ".join(one))
            browser.type_text(page, " ".join(other), 1)
            shared = len(one) if one == other[::-1] else longest_common(one, other)
            alike = one != other[::-1] and 2 * shared >= min(len(one), len(other))
            if one != other[::-1]:
                expected = [len(one) - shared, len(other) - shared] if alike else [0, 0]
                assert page.evaluate(dashed) == expected, (one, other)
                seen.add(alike)
        assert seen == {True, False}

    def test_the_page_opens_and_a_preset_goes_where_the_texts_part(self, opened):
        presets = {"one": ("ministry denies bus", "ministry confirms bus"), "two": ("court", "court denies it")}
        page = opened(GateInspector(classifier(), WORDS, *presets["one"], presets=presets))
        step = lambda: page.locator("body").get_attribute("data-step")  # noqa: E731
        assert step() == "2" and page.get_by_role("button", name="one").get_attribute("aria-pressed") == "true"
        page.get_by_role("button", name="two").click()
        assert step() == "2" and "no partner for “denies”" in page.inner_text("#step-0")
        pressed = "[...document.querySelectorAll('#presets [aria-pressed=true]')].map(button => button.textContent)"
        assert page.evaluate(pressed) == ["two"]
        browser.type_text(page, "court denies")
        assert page.evaluate(pressed) == []
        page.get_by_role("button", name="one").click()
        page.get_by_role("button", name="My own texts again").click()
        assert [page.input_value(f"#type-{k}") for k in (0, 1)] == ["court denies", "court denies it"]
        assert not page.get_by_role("button", name="My own texts again").is_visible()
        page.get_by_role("button", name="two").click()
        page.get_by_role("button", name="one").click()  # the own texts outlive the second preset
        page.get_by_role("button", name="My own texts again").click()
        assert page.input_value("#type-0") == "court denies"

    def test_a_word_that_is_left_out_stays_marked_in_the_first_text(self, opened):
        page = opened(GateInspector(classifier(), WORDS, "court rejects bus strike"))
        page.locator("#word-0-1").click()
        page.get_by_role("button", name="backwards").click()
        assert [page.inner_text(f"#current-{k}") for k in (0, 1)] == ["rejects", "rejects"]
        page.get_by_role("button", name="missing").click()
        assert page.locator("body").get_attribute("data-step") == "2"
        assert page.inner_text("#current-0") == "rejects" and "no partner for “rejects” (word 2)" in page.inner_text(
            "#step-1"
        )
        assert page.locator(".differs .w").all_inner_texts() == ["rejects"]
        assert "differs from the other text" in page.locator("#word-0-1").inner_text()
        page.wait_for_function("location.hash.endsWith('&step=2')", timeout=browser.PATIENCE)
        page.locator("#word-1-2").click()  # strike
        page.wait_for_function("location.hash.endsWith('&of=2&step=3')", timeout=browser.PATIENCE)
        page.reload()
        page.wait_for_selector("html[data-ready=true]", timeout=browser.PATIENCE)
        assert [page.inner_text(f"#current-{k}") for k in (0, 1)] == ["strike", "strike"]

    def test_units_stand_in_the_order_of_what_the_two_texts_make_of_them(self, opened):
        model = classifier()
        page = opened(GateInspector(model, WORDS, "court denies it"))
        assert page.locator("#order option[value=apart]").get_attribute("hidden") is not None
        browser.type_text(page, "court loudly denies bus strike but", 1)
        page.locator("#order").select_option("apart")
        texts = ("court denies it", "court loudly denies bus strike but")
        one, other = (trace_text(model, WORDS, text).values["c"] for text in texts)
        apart = (one[[0, 1, 2]] - other[[0, 2, 3]]).abs().mean(dim=0)
        listed = page.locator("#unit option:not([value=mean])").all_text_contents()
        assert listed == [f"unit {u} (differs by {apart[u]:.2f})" for u in apart.argsort(descending=True).tolist()]
        page.wait_for_function("location.hash.includes('order=apart')", timeout=browser.PATIENCE)
        page.reload()
        page.wait_for_selector("html[data-ready=true]", timeout=browser.PATIENCE)
        assert page.locator("#unit option:not([value=mean])").all_text_contents() == listed
        browser.type_text(page, "", 1)
        assert page.locator("body").get_attribute("data-order") == page.locator("#order").input_value() == "activity"

    def test_what_a_text_is_too_short_for_cannot_be_asked(self, opened):
        page = opened(GateInspector(classifier(), WORDS, "court rejects", "bus"))
        for text, can in {"court": False, "court rejects": True, "": False, "bus strike": True}.items():
            browser.type_text(page, text)
            for name in ("backwards", "missing"):
                assert page.get_by_role("button", name=name).is_enabled() == can, (text, name)

    def test_the_words_that_the_model_knows_can_be_looked_up_and_taken(self, opened):
        page = opened(GateInspector(classifier(), WORDS, "court rejects", "bus"))
        assert page.inner_text("#vocabulary summary") == f"The {len(WORDS) - 2} words it knows"
        assert page.locator("#vocabulary button").count() == 0  # listed when it is opened
        page.locator("#vocabulary summary").click()
        page.wait_for_selector("#vocabulary p")
        assert page.locator("#vocabulary button").all_inner_texts() == sorted(WORDS.tokens[2:])
        page.get_by_role("button", name="strike", exact=True).click()
        assert page.input_value("#type-0") == "court rejects strike"
        page.locator("#type-1").focus()
        page.get_by_role("button", name="denies", exact=True).click()
        assert page.input_value("#type-1") == "bus denies"
        page.wait_for_function("document.querySelectorAll('#words-1 .word').length === 2", timeout=browser.PATIENCE)
        assert browser.serious_violations(page) == []

    def test_many_words_are_listed_as_text_and_characters_are_put_in_as_they_are(self, opened):
        words = Vocabulary([[f"w{k}" for k in range(600)]], min_freq=1)
        page = opened(GateInspector(TextClassifier(len(words), 3, 4).eval(), words, "w1"))
        page.locator("#vocabulary summary").click()
        page.wait_for_selector("#vocabulary p")
        assert page.locator("#vocabulary button").count() == 0
        assert sorted(page.inner_text("#vocabulary p").split(", ")) == sorted(words.tokens[2:])
        torch.manual_seed(0)
        page = opened(GateInspector(CharacterModel(6, 4), first="a"))
        page.locator("#vocabulary summary").click()
        page.wait_for_selector("#vocabulary p")
        for name in "␣b↵":
            page.locator("#vocabulary").get_by_role("button", name=name, exact=True).click()
        assert page.input_value("#type-0") == "a b\n"

    @pytest.mark.parametrize(
        ("labels", "answers"),
        [(("fake",), ("fake", "not fake")), (("real", "fake"), ("real", "fake")), ((*"abcde",), (*"abcde",))],
    )
    def test_the_answer_is_a_word_and_doubts_what_no_word_of_is_known(self, opened, labels, answers):
        model = classifier(classes=len(labels))
        model.linear.weight.data.mul_(4), model.linear.bias.data.zero_()
        page, seen = opened(GateInspector(model, WORDS, HEADLINES[0], labels=labels)), set()
        for text in HEADLINES[:40]:
            browser.type_text(page, text)
            logits = model(WORDS.encode(tokenize(text))[None])[0].detach()
            right = labels[logits.argmax()] if len(labels) > 1 else "fake" if logits > 0 else "not fake"
            said = re.fullmatch(rf"answer at the end: (.+), P\({labels[-1]}\) = ([\d.]+)", page.inner_text("#answer-0"))
            assert said[1] == right or (said[1] == "undecided" and len(labels) < 3 and said[2] == "0.50"), text
            seen.add(said[1])
        assert len(seen & {*answers}) > 1
        browser.type_text(page, "xx yy zz")
        assert page.inner_text("#answer-0").endswith(
            "but no word is known: to the model, any 3 unknown words are this text"
        )

    def test_what_a_reader_drops_is_said_beside_the_text(self, opened):
        page = opened(GateInspector(classifier(), WORDS, HEADLINES[0]))
        for text, said in {
            "bus strike": "",
            "bus 😀 strike": "1 sign is left out: the model has no word for it.",
            "bus 👩‍👩‍👧 strike": "1 sign is left out: the model has no word for it.",
            "bus 🇫🇷👍🏽 strike": "2 signs are left out: the model has no word for them.",
            "bus 😀🎉 strike, (it)!": "2 signs are left out: the model has no word for them.",
        }.items():
            browser.type_text(page, text)
            assert page.inner_text("#notes-0") == said
        browser.type_text(page, "bus " * 70)
        assert re.fullmatch(r"P\(.+\) was 0\.\d\d after the first 64 words, where .+", page.inner_text("#notes-0"))
        browser.type_text(page, "bus " * (MOST + 70))
        assert page.inner_text("#count-0") == f"{MOST + 70} words, the first {MOST} are read"
        torch.manual_seed(0)
        page = opened(GateInspector(CharacterModel(6, 4), first="é\ta"))
        for text, said in {
            None: ["1 character is left out: the model has no character for it.", "A tab is read as blanks"],
            "中文 مرحبا a": ["7 characters are left out: the model has no character for them."],
            "a\tb": ["A tab is read as blanks, up to the next multiple of 8 columns."],
            "if a:\n": [],
        }.items():
            if text:
                browser.type_text(page, text)
            found = page.locator("#notes-0 li").all_inner_texts()
            assert [one[: len(start)] for one, start in zip(found, said, strict=True)] == said

    def test_the_colours_of_the_words_keep_their_scale_over_texts(self, opened):
        page, seen = opened(GateInspector(classifier(), WORDS, HEADLINES[0])), set()
        for text in [*HEADLINES[:20], "bus"]:
            browser.type_text(page, text)
            low, high = re.match(r"words: memory −([\d.]+) *\n? *([\d.]+)", page.inner_text("#legend")).groups()
            values = [abs(float(n.replace("−", "-"))) for n in page.locator("#words-0 .n").all_inner_texts()]
            assert low == high and float(high) >= max(values) and float(high) <= max(1, 1.51 * max(values))
            seen.add(high)
            assert (
                page.locator("#map-0-c").evaluate("map => map.closest('figure').querySelector('.name').textContent[8]")
                == "±"
            )
        assert seen <= {"1", "1.5", "2", "3", "4", "6"} and len(seen) < 4

    def test_where_words_and_map_have_two_scales_it_is_said_at_the_map(self, opened):
        c = torch.full((1, 8, 20), 0.5)
        c[..., 3] = torch.arange(8) * 5.0
        trace = Trace(*[c / 100] * 4, c, c / 100, tokens=[list("abcdefgh")])
        page = opened(GateInspector(trace, unit=3))
        said = "Full colour here from ±1, for the characters above from ±48."
        assert said in page.inner_text("#texts") and re.search("memory −48 *\n? *48", page.inner_text("#legend"))
        page.locator("#unit").select_option("4")
        assert "Full colour" not in page.inner_text("#texts")
        page.locator("#unit").select_option("3")
        assert said in page.inner_text("#texts")
        page.locator("#gate-f").check(force=True)
        assert "Full colour" not in page.inner_text("#texts")

    def test_the_line_has_its_ends_beside_it(self, opened):
        page = opened(GateInspector(classifier(), WORDS, " ".join(HEADLINES[:3])), 390)
        dark = """() => {
            const line = document.getElementById('line-0'), ratio = line.width / line.clientWidth;
            const words = [...document.querySelectorAll('#words-0 .word')], left = words[0].offsetLeft;
            const drawn = y => line.getContext('2d').getImageData(0, y * ratio, (left - 2) * ratio, 10 * ratio).data;
            const written = y => drawn(y).some((v, k) => k % 4 === 3 && v > 120);
            const first = words.filter(word => word.offsetLeft === left).map(word => word.offsetTop);
            return first.map(top => [written(top), written(top + 17)]);
        }"""
        rows = page.evaluate(dark)
        assert len(rows) > 3 and rows == [[True, True]] * len(rows)

    def test_on_a_phone_the_gates_have_names_and_a_preset_shows_what_it_does(self, opened):
        presets = {"Swap the two sources of this headline, please": ("ministry denies bus", "blogger denies bus")}
        page = opened(GateInspector(classifier(), WORDS, HEADLINES[0], presets=presets), 390)
        for gate, name in {"i": "input", "f": "forget", "o": "output", "c": "memory", "h": "hidden"}.items():
            assert name in page.locator(f"#gate-{gate} + .pill").inner_text()
            assert name in page.locator("figure.gate", has=page.locator(f"#map-0-{gate}")).inner_text()
        row, second = (page.locator(name).bounding_box() for name in ("#presets", "#presets button:nth-child(2)"))
        assert row["height"] < 70 and second["x"] < 320  # one row that scrolls, with a part of the next question
        assert "linear-gradient" in page.evaluate("getComputedStyle(document.getElementById('presets')).maskImage")
        page.evaluate("document.getElementById('presets').scrollLeft = 9999")  # the last one is not in what fades
        last, link = (page.get_by_role("button", name=name).bounding_box() for name in ("were missing?", "Copy link"))
        assert last["x"] + last["width"] <= row["x"] + row["width"] - 32
        assert link["x"] >= 0 and link["x"] + link["width"] <= 390 and link["y"] < 568
        page.get_by_role("button", name="Swap the two").click()
        seen = "document.getElementById('words-0').getBoundingClientRect()"
        page.wait_for_function(f"{seen}.top >= 0 && {seen}.bottom < innerHeight", timeout=browser.PATIENCE)

    @pytest.mark.parametrize("width", [320, 390, 1280])
    def test_a_line_of_an_equation_never_ends_in_a_product(self, opened, width):
        page = opened(GateInspector(classifier(), WORDS, *HEADLINES[:2]), width)
        beside = """[...document.querySelectorAll('.eq')].flatMap(line => {
            const parts = [...line.querySelectorAll('.term, .op')], top = k => parts[k].getBoundingClientRect().top;
            return parts.flatMap((part, k) => part.textContent === '⊙' ? [Math.abs(top(k - 1) - top(k + 1)) < 2] : []);
        })"""
        assert page.evaluate(beside) == [True] * 6

    def test_panels_stay_level_and_choosing_a_mean_moves_nothing(self, opened):
        page = opened(GateInspector(classifier(), WORDS, HEADLINES[0], " ".join(HEADLINES[:4]) + " zebra"))
        top = "document.getElementById(id).getBoundingClientRect().top"
        tops = f"[0, 1].map(k => [`words-${{k}}`, `value-${{k}}-c`, `map-${{k}}-c`].map(id => {top}))"
        one, other = page.evaluate(tops)
        assert one == other
        page.locator("#unit").select_option("mean")
        assert page.evaluate(tops) == [one, other]

    @pytest.mark.parametrize("units", [1, 2, 6, 32])
    def test_the_marked_row_and_column_have_all_their_edges_within_the_map(self, opened, units):
        page = opened(GateInspector(classifier(units), WORDS, "court denies it"))
        inside = """[...document.querySelectorAll('.row, .cursor')].every(mark => {
            const [one, other] = [mark.parentElement, mark].map(part => part.getBoundingClientRect());
            return ['top', 'left'].every(side => other[side] >= one[side])
                && ['bottom', 'right'].every(side => other[side] <= one[side]);
        })"""
        for unit in {0, units - 1}:
            page.locator("#unit").select_option(str(unit))
            for key in ("Home", "End"):
                page.locator("#words-0").focus()
                page.keyboard.press(key)
                assert page.evaluate(inside), (unit, key)

    def test_in_forced_colours_the_chosen_word_and_gate_are_told_apart(self, opened):
        page = opened(GateInspector(classifier(), WORDS, HEADLINES[0]), forced_colors="active")
        style = "part => (s => [s.outlineStyle, s.backgroundColor, s.borderColor].join())(getComputedStyle(part))"
        chosen, other = (page.locator(f"#word-0-{k} .w").evaluate(style) for k in (0, 1))
        assert chosen.split(",")[0] == "solid" and other.split(",")[0] == "none"
        pills = [page.locator(f"#gate-{k} + .pill").evaluate(style) for k in "cf"]
        assert pills[0] != pills[1]

    @pytest.mark.parametrize("width", [320, 390, 768, 1280])
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_the_box_is_seen_at_once_nothing_is_too_wide_and_nobody_is_kept_out(self, opened, width, scheme):
        page = opened(GateInspector(classifier(), WORDS, *HEADLINES[:2]), width, color_scheme=scheme)
        browser.type_text(page, "an unheard-of zebra denies bus strike but the ministry confirms " + "w" * 80)
        box = page.locator("#type-1").bounding_box()
        assert box["y"] + box["height"] < 568 and page.locator("label[for=type-0]").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert browser.serious_violations(page) == []
