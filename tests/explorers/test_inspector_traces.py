"""The inspector opens a trace: of any model, with tokens of any kind, a score at each step, one sequence or two."""

import base64
import json
import re

import browser
import numpy as np
import pytest
import torch
from repository import ROOT
from torch import nn

from lstm_lesson import record
from lstm_lesson.explorers.inspector import GateInspector
from lstm_lesson.explorers.traced_text import MOST, traced_row
from lstm_lesson.text.characters import CharacterModel
from lstm_lesson.text.classifiers import TextClassifier
from lstm_lesson.text.news import Vocabulary
from lstm_lesson.tracing import GRUTrace, Trace

NAN = float("nan")
WORDS = ["win", "a", "free", "prize", "now"]
SERIES = [round(k / 7 - (k % 5) / 3, 3) for k in range(60)]
HOSTILE = "</script><img src=x onerror='window.hacked=1'>P(a_b) & <!-- \x00\ud800"


class Spam(nn.Module):
    """A classifier as others write it: two layers, two directions, the mean over all steps."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 8)
        self.lstm = nn.LSTM(8, 6, num_layers=2, bidirectional=True, batch_first=True)
        self.linear = nn.Linear(12, 1)

    def forward(self, ids):
        return self.linear(self.lstm(self.embedding(ids))[0].mean(dim=1))


def traced(tokens=None, batch=1, steps=5, units=4, lengths=None, model=nn.LSTM, **choice):
    torch.manual_seed(0)
    options = {"batch_first": True} | choice.pop("options", {})
    return record(model(3, units, **options), torch.randn(batch, steps, 3), lengths, tokens, **choice)


def fewer_tokens():
    trace = traced()
    trace.tokens = [WORDS[:3]]
    return trace


def data(inspector):
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', inspector.page(), re.S)
    return json.loads(found[1])


def values(packed, units):
    whole = np.frombuffer(base64.b64decode(packed["data"]), "<i2")
    return torch.tensor(whole.astype(np.float64) * packed["scale"]).view(-1, units)


def test_a_classifier_from_elsewhere_is_opened_in_the_five_lines_of_the_readme(tmp_path, monkeypatch):
    torch.manual_seed(0)
    model, ids = Spam(), torch.tensor([[3, 14, 15, 9, 26]])

    monkeypatch.chdir(tmp_path)
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## Your own model\n")[1].split("\n## ")[0]
    space = {"model": model, "ids": ids, "words": WORDS}
    exec(re.search(r"```python\n(.*?)```", section, re.S)[1], space)
    trace, score = space["trace"], space["score"]

    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "P(fake)" not in page and '"score_name":"P(spam)"' in page and '"win"' in page
    text = data(inspector := GateInspector(trace, score=score, score_name="P(spam)"))["texts"][0]
    assert text["score"] == pytest.approx(score, rel=1e-4) and text["step"] == "word"
    for gate, packed in text["values"].items():
        assert torch.allclose(values(packed, 6), getattr(trace, gate)[0].double(), atol=1e-4), gate
    assert f"P(spam) = {score[-1]:.2f}" in inspector.text and "P(fake)" not in inspector._repr_html_()
    assert inspector._repr_mimebundle_()["text/html"].index("<img") and not inspector.controls


@pytest.mark.parametrize(
    ("tokens", "step", "shown"),
    [
        (WORDS, "word", WORDS),
        (list("a b\n\t"), "character", ["a", "␣", "b", "↵", "⇥"]),
        (["un", "##believ", "##able", "a", "b"], "sub-word", ["un", "##believ", "##able", "a", "b"]),
        (None, "step", ["1", "2", "3", "4", "5"]),
        ([0.5, -1, 2, 3e-5, 12345.6], "step", ["0.5", "−1", "2", "3e−5", "12346"]),
        (torch.tensor([0.5, -1, 2, 3, 4]), "step", ["0.5", "−1", "2", "3", "4"]),
        (np.array([0.5, -1, 2, 3, 4]), "step", ["0.5", "−1", "2", "3", "4"]),
    ],
)
def test_tokens_are_called_what_they_are(tokens, step, shown):
    inspector = GateInspector(traced(tokens if tokens is None else [tokens]))
    text = data(inspector)["texts"][0]
    assert (text["step"], text["tokens"]) == (step, shown)
    assert (text["series"] is not None) == (isinstance(tokens, (torch.Tensor, np.ndarray)) or shown[0] == "0.5")
    assert f"{step}s" in inspector.picture.alt and text["score"] is text["saliency"] is text["effect"] is None
    named = GateInspector(traced(tokens if tokens is None else [tokens]), step_name="month")
    assert data(named)["texts"][0]["step"] == "month" and "month" in named.picture.alt


def test_padding_is_left_out_and_a_row_is_chosen():
    tokens = [WORDS, ["hi", "you", "<pad>", "<pad>", "<pad>"], ["x"]]
    trace = traced(tokens, batch=3, lengths=[5, 2, 1])
    score = torch.rand(3, 5).masked_fill(trace.c[:, :, 0].isnan(), NAN)  # NaN at padding, as a loss may be
    for row, steps in enumerate((5, 2, 1)):
        text = data(GateInspector(trace, score=score, row=row))["texts"][0]
        assert text["tokens"] == tokens[row][:steps]
        assert text["score"] == pytest.approx(score[row, :steps].tolist(), rel=1e-4)
        assert torch.allclose(values(text["values"]["c"], 4), trace.c[row, :steps].double(), atol=1e-4)
    assert data(GateInspector(trace, score=[0.1, 0.2], row=1))["texts"][0]["score"] == [0.1, 0.2]


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float64"])
def test_other_precisions_and_traces_with_a_gradient_are_read(kind):
    trace = Trace(*(torch.rand(1, 3, 2, dtype=getattr(torch, kind), requires_grad=True) for _ in "ifgoch"))
    score = torch.rand(3, requires_grad=True)
    assert data(GateInspector(trace, score=score))["texts"][0]["score"] == pytest.approx(score.tolist(), rel=1e-4)


def test_a_gru_is_shown_by_its_own_letters_and_coloured_by_h():
    trace = traced([WORDS], model=nn.GRU)
    inspector = GateInspector(trace)
    found = data(inspector)
    assert found["letters"] == list("rzgh") and found["names"]["z"] == "update gate"
    h = trace.h[0].std(dim=0, correction=0)
    assert found["orders"]["activity"] == h.argsort(descending=True).tolist()
    assert "words coloured by the hidden state of unit" in inspector.picture.alt
    assert inspector.picture.alt.endswith("for each of r, z, g and h.")
    assert "reset gate" in re.sub("<.*?>", "", inspector.picture.svg)


def test_a_projected_h_is_shown_before_its_projection():
    trace = traced([WORDS], options={"proj_size": 2})
    text = traced_row(trace)
    assert trace.h.shape == (1, 5, 2)
    assert torch.allclose(text.values["h"], (trace.o * trace.c.tanh())[0])
    assert text.notes == ["h is shown before it is projected to 2 numbers."]


def test_only_the_first_500_steps_are_shown_with_a_note():
    text = data(GateInspector(traced([list(range(MOST + 9))], steps=MOST + 9), score=range(MOST + 9)))["texts"][0]
    assert (
        len(text["tokens"]) == len(text["series"]) == len(text["score"]) == MOST == len(values(text["values"]["c"], 4))
    )
    assert text["notes"] == [f"The sequence has {MOST + 9} steps; the first {MOST} are shown."]


def test_a_second_trace_stands_beside_the_first_with_or_without_its_own_score():
    first, second = traced([WORDS]), traced([["ok", "then"]], steps=2)
    one, two = data(GateInspector(first, score=range(5), compare=second))["texts"]
    assert (one["tokens"], two["tokens"]) == (WORDS, ["ok", "then"]) and two["score"] is None
    other = GateInspector(second, score=[7, 8], score_name="bits")
    inspector = GateInspector(first, score=range(5), score_name="loss", compare=other)
    assert [text["score"] for text in data(inspector)["texts"]] == [[0, 1, 2, 3, 4], [7, 8]]
    assert inspector.text.startswith("at the end: loss = 4.00 · bits = 8.00; ")
    assert "“ok then”, at the end bits = 8.00" in inspector.picture.alt


def test_what_users_name_is_text_everywhere():
    trace = traced([[HOSTILE, *WORDS[1:]]])
    inspector = GateInspector(trace, score=range(5), score_name=HOSTILE, step_name=HOSTILE)
    series = GateInspector(traced([range(5)]), score=range(5), score_name=HOSTILE, input_name=HOSTILE)
    empty = GateInspector(traced([WORDS])).page()
    for shown in (inspector, series):
        shown.page().encode("utf-8")
        for tag in ("<script", "</script", "<img", "<!--"):
            assert shown.page().count(tag) == empty.count(tag), tag
        assert data(shown)["texts"][0]["score_name"] == HOSTILE.replace("\x00\ud800", "��")
        assert "<img" not in shown.picture.svg and "onerror" not in re.sub(
            'alt="[^"]*"|srcdoc="[^"]*"', "", shown._repr_html_()
        )
        assert "P(a_b)" in shown.picture.svg  # a name is no formula


def test_the_picture_says_what_its_colours_are_and_from_where_to_where_its_line_goes():
    for score, ends in (([0.2, 0.9, 0.4, 0.1, 0.0], "from 0 to 1"), ([-2.5, 3.0, 0.0, 1.0, 8.0], "from −2.5 to 8")):
        inspector = GateInspector(traced(tokens=[WORDS]), score=score, score_name="P")
        said = [re.sub("<.*?>", "", text) for text in re.findall("<text.*?</text>", inspector.picture.svg)]
        assert re.fullmatch(r"words: memory c of unit \d, blue below 0, red above", said[1])
        assert f"line: P after each word, {ends}" in said


@pytest.mark.parametrize(
    "score", [[0.2] * 5, [3.0] * 5, [-1e30, 0, 1, 2, 1e30], [1e-9, 0, 0, 0, 0], [1e6, 1e6 + 1] * 2 + [0]]
)
@pytest.mark.parametrize("tokens", [[WORDS], [SERIES[:5]], [[2.0] * 5]])
def test_a_score_has_its_own_range(score, tokens):
    inspector = GateInspector(traced(tokens), score=score)
    low, high = data(inspector)["texts"][0]["ends"]
    assert low < high and low <= min(score) and max(score) <= high
    assert ((low, high) == (0, 1)) == (score == [0.2] * 5)
    assert "nan" not in inspector.picture.svg and "inf" not in inspector.picture.svg


def test_saliency_and_scores_of_units_may_be_given():
    found = data(GateInspector(traced([WORDS]), saliency=[1, 2, 3, 4, 5], scores=torch.tensor([0.1, -0.9, 0.5, 0.0])))
    assert found["texts"][0]["saliency"] == [1, 2, 3, 4, 5] and found["texts"][0]["effect"] is None
    assert found["orders"]["label"] == [1, 2, 0, 3] and found["answer"] is None


def broken(letter="f", value=NAN, kind=Trace, letters="ifgoch"):
    parts = {k: torch.rand(2, 5, 4) for k in letters}
    parts[letter][1, 2, 3] = value
    return kind(*parts.values(), lengths=torch.tensor([5, 4]))


@pytest.mark.parametrize(
    ("trace", "change", "message"),
    [
        (traced(), {"row": 1}, "row is 1; it needs a whole number from 0 to 0"),
        (traced(), {"unit": 4}, "unit is 4"),
        (traced(), {"score": [1, 2]}, r"score has shape \(2,\); it needs \(T,\) = \(5,\), one number a step"),
        (traced(), {"score": torch.rand(2, 5)}, r"score has shape \(2, 5\)"),
        (traced(), {"score": [1, 2, NAN, 4, 5]}, "score is NaN or infinite at step 3; it needs finite"),
        (traced(), {"score": "high"}, "score has type str; it needs 5 numbers"),
        (traced(), {"saliency": ["a"] * 5}, "saliency has type list; it needs 5 numbers"),
        (traced(), {"score_name": 3}, "score_name is 3; it needs a text"),
        (traced(), {"input_name": " "}, "input_name is ' '; it needs a text"),
        (traced(), {"step_name": 7}, "step_name is 7; it needs a text"),
        (traced(), {"scores": torch.zeros(3)}, "scores has shape"),
        (traced(), {"compare": traced(units=3)}, "compare has 3 units of i, f, g, o, c, h; it needs 4 units of i"),
        (traced(), {"compare": traced(model=nn.GRU)}, "compare has 4 units of r, z, g, h; it needs 4 units of i"),
        (traced(), {"compare": "other"}, "compare is str; it needs what `record` returns"),
        (traced(batch=2), {"compare": broken(), "row": 1}, "compare.f is NaN or infinite at step 3"),
        (broken(), {"row": 1}, "trace.f is NaN or infinite at step 3; it needs finite numbers at all 4 steps before"),
        (broken("z", float("inf"), GRUTrace, "rzgh"), {"row": 1}, "trace.z is NaN or infinite at step 3"),
        (fewer_tokens(), {}, r"trace.tokens\[0\] has 3 entries; it needs 5, one a step"),
        (traced([[1.0, NAN, 3, 4, 5]]), {}, r"trace.tokens\[0\] is NaN or infinite at step 2"),
        (traced([[1.0, "b", 3, 4, 5]]), {}, r"trace.tokens\[0\] has type list; it needs 5 numbers"),
        (Trace(*torch.rand(5, 1, 5, 4), torch.rand(1, 4, 4)), {}, r"trace.h has shape \(1, 4, 4\)"),
        (torch.rand(1, 5, 4), {}, "trace is Tensor; it needs what `record` returns, or a TextClassifier"),
        (Spam(), {}, "trace is Spam; it needs what `record` returns"),
        (None, {}, "trace is NoneType"),
        (traced(), {"first": "a text"}, "first is given with a Trace; it needs a classifier and its vocabulary"),
        (traced(), {"second": "a text"}, "second is given with a Trace; it needs a classifier and its vocabulary"),
        (traced(), {"presets": {"x": ("a", "b")}}, "presets is given with a Trace; it needs a classifier and its"),
        (traced(), {"labels": ("a", "b", "c")}, "labels is given with a Trace; it needs a classifier and its"),
    ],
)  # fmt: skip
def test_an_error_names_what_does_not_fit(trace, change, message):
    with pytest.raises(ValueError, match=message):
        GateInspector(trace, **change)


@pytest.mark.parametrize("layers", [1, 2])
def test_a_classifier_with_an_lstm_of_pytorch_shows_its_last_layer(layers):
    torch.manual_seed(0)
    words = Vocabulary([WORDS], min_freq=1)
    model = TextClassifier(len(words), 3, 4, lstm=nn.LSTM(3, 4, layers, batch_first=True)).eval()
    score = GateInspector(model, words, "free prize").traced_texts[0].score
    assert score[-1] == pytest.approx(
        model(words.encode(["free", "prize"])[None]).softmax(dim=1)[0, 1].item(), rel=1e-5
    )


OF_A_TRACE = {"score": [1, 2], "score_name": "zzz", "saliency": np.ones(2), "compare": traced(), "row": 7,
              "step_name": "month", "input_name": "q"}  # fmt: skip


@pytest.mark.parametrize("name", OF_A_TRACE)
def test_a_classifier_takes_nothing_that_belongs_to_a_trace(name):
    words, given = Vocabulary([WORDS], min_freq=1), {name: OF_A_TRACE[name]}
    with pytest.raises(ValueError, match=f"^{name} is given with a TextClassifier; it needs a trace alone$"):
        GateInspector(TextClassifier(len(words), 3, 4), words, "free prize", **given)
    with pytest.raises(ValueError, match=f"^{name} is given with a CharacterModel; it needs a trace alone$"):
        GateInspector(CharacterModel(4, 3), first="if a", **given)


def test_a_trace_takes_no_vocabulary_and_a_character_model_has_its_own():
    words = Vocabulary([WORDS], min_freq=1)
    for name, value in {"vocabulary": words, "labels": ("a", "b")}.items():
        with pytest.raises(ValueError, match=f"^{name} is given with a CharacterModel; it needs a classifier and its"):
            GateInspector(CharacterModel(4, 3), first="if a", **{name: value})
    with pytest.raises(ValueError, match="classifier is Trace"):
        GateInspector(traced(), words, "free prize")


@pytest.fixture(scope="module")
def tab(chromium):
    page, complaints = chromium.new_page(), []
    page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
    yield page, complaints
    page.close()


@pytest.fixture
def opened(tab, tmp_path):
    page, complaints = tab
    complaints.clear()

    def open_page(inspector, width=1280):
        page.set_viewport_size({"width": width, "height": 720})
        page.goto(inspector.to_html(tmp_path / "page.html").as_uri())
        page.wait_for_selector("html[data-ready=true]", timeout=browser.PATIENCE)
        page.locator("#words-0").focus()
        return page

    yield open_page
    assert complaints == []


def number(page, name, text=0):
    return float(page.locator(f"#value-{text}-{name}").get_attribute("data-value"))


FORMS = {
    "words": lambda: GateInspector(traced([WORDS]), score=[0.1, 0.9, 0.5, 0.2, 0.3], score_name="P(spam)"),
    "characters": lambda: GateInspector(traced([list("def a")]), score=[1, 2, 3, 4, 5.5], score_name="loss in bits"),
    "series": lambda: GateInspector(traced([SERIES], steps=60), score=[v + 0.1 for v in SERIES], score_name="forecast"),
    "two axes": lambda: GateInspector(traced([SERIES], steps=60), score=range(60), input_name="water in m"),
    "steps": lambda: GateInspector(traced()),
    "gru": lambda: GateInspector(traced([WORDS], model=nn.GRU)),
    "two": lambda: GateInspector(traced([WORDS], model=nn.GRU), compare=FORMS["gru series"](), score=range(5)),
    "gru series": lambda: GateInspector(traced([SERIES], steps=60, model=nn.GRU)),
    "salient": lambda: GateInspector(traced([WORDS]), saliency=[1, 2, 3, 4, 5], compare=traced()),
    "one step": lambda: GateInspector(traced([[3.5]], steps=1), score=[2]),
}


@pytest.mark.browser
@pytest.mark.skipif(bool(browser.why_not()), reason=browser.why_not())
class TestInABrowser:
    @pytest.mark.parametrize("form", FORMS)
    def test_every_form_is_walked_through_by_keys_and_keeps_nobody_out(self, opened, form):
        inspector = FORMS[form]()
        page, text = opened(inspector, 360), inspector.traced_texts[0]
        shown = page.inner_text("main")
        assert "P(fake)" not in shown and ("word" in shown) == any(t.step == "word" for t in inspector.traced_texts)
        assert page.locator("#prediction-0").count() == (text.score is not None)
        assert (
            page.locator("#gate-saliency").count() == (form == "salient") and page.locator("#gate-effect").count() == 0
        )
        page.keyboard.press("End")
        assert page.locator("body").get_attribute("data-step") == str(len(text.tokens))
        assert f"{text.step} {len(text.tokens)} of {len(text.tokens)}" in page.inner_text("#step-0")
        if text.score is not None:
            assert float(page.locator("#prediction-0").get_attribute("data-value")) == pytest.approx(
                text.score[-1].item(), rel=1e-4
            )
        for key in text.values:
            page.keyboard.press(key)
            assert page.locator(f"#gate-{key}").is_checked()
        assert text.score_name in page.inner_text("#live") or text.score is None
        for dark in (False, True):
            page.evaluate("dark => document.documentElement.classList.toggle('dark', dark)", dark)
            assert browser.serious_violations(page) == []
        assert page.evaluate(browser.SMALLEST_LETTERS) >= 11
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    def test_the_curve_follows_the_mouse_and_its_steps_have_names(self, opened):
        page = opened(FORMS["series"]())
        box = page.locator("#words-0").bounding_box()
        page.mouse.move(box["x"] + 56 + (box["width"] - 70) * 30.5 / 60, box["y"] + 80)
        page.wait_for_function("document.body.dataset.step === '31'", timeout=browser.PATIENCE)
        assert page.locator("#word-0-30").get_attribute("aria-label") == f"step 31: {SERIES[30]:.4g}".replace("-", "−")
        assert page.locator("#words-0").get_attribute("aria-label").startswith("Series: 60 steps")
        assert page.locator(".keys").inner_text().split("\n") == ["input", "forecast"]
        assert page.locator(".two-axes").count() == 0
        assert "words" not in page.inner_text("main")
        assert opened(FORMS["two axes"]()).locator(".two-axes").count() == 1

    def test_the_curve_is_drawn_where_the_numbers_are(self, opened):
        page = opened(GateInspector(traced([[0.0] * 30 + [10.0] * 30], steps=60)))
        dark = """x => { const line = document.getElementById('line-0'), ratio = devicePixelRatio;
            const pixels = line.getContext('2d').getImageData(x * ratio, 0, 1, line.height - 62 * ratio).data;
            return [...Array(pixels.length / 4).keys()].filter(k => pixels[4 * k + 3] > 200 && pixels[4 * k] < 60); }"""
        width = page.locator("#words-0").evaluate("words => words.clientWidth")
        left, right = (page.evaluate(dark, 56 + round((width - 70) * share)) for share in (0.25, 0.75))
        assert min(left) > max(right) and len(left) <= 4

    @pytest.mark.parametrize("reverse", [False, True])
    def test_the_equation_of_the_memory_comes_out_in_both_directions_and_from_any_start(self, opened, reverse):
        torch.manual_seed(0)
        lstm, x = nn.LSTM(3, 4, bidirectional=True, batch_first=True), torch.randn(1, 9, 3)
        start = torch.randn(2, 1, 4), torch.randn(2, 1, 4)
        trace = record(lstm, (x, start), reverse=reverse)
        page = opened(GateInspector(trace, unit=2))
        for step in range(9):
            before = step + 1 if reverse else step - 1
            c = trace.c[0, before, 2] if 0 <= before < 9 else start[1][int(reverse), 0, 2]
            assert number(page, "c_prev") == pytest.approx(c.item(), abs=1e-3), step
            page.keyboard.press("ArrowRight")
        assert ("ct+1" in page.locator(".eq").first.inner_text()) == reverse

    def test_the_equation_of_a_gru_comes_out(self, opened):
        page = opened(FORMS["gru"]())
        for _ in WORDS:
            h, z, before, rest, g = (number(page, name) for name in ("h", "z", "h_prev", "rest", "g"))
            assert h == pytest.approx(z * before + rest * g, abs=2e-4) and rest == pytest.approx(1 - z)
            page.keyboard.press("ArrowRight")
        assert page.title().endswith("what a GRU does while it reads")

    def test_numbers_that_follow_no_lstm_are_shown_without_its_signs(self, opened):
        torch.manual_seed(0)
        page = opened(GateInspector(Trace(*torch.rand(6, 1, 5, 4))))
        assert page.locator(".op").evaluate_all("all => all.every(e => getComputedStyle(e).visibility === 'hidden')")

    def test_names_that_users_give_are_text(self, opened):
        page = opened(
            GateInspector(traced([[HOSTILE, *WORDS[1:]]]), score=range(5), score_name=HOSTILE, step_name=HOSTILE)
        )
        page.keyboard.press("Home")
        assert HOSTILE[:40] in page.inner_text("#legend") and HOSTILE[:40] in page.inner_text("#answer-0")
        page = opened(GateInspector(traced([range(5)]), score=range(5), score_name=HOSTILE, input_name=HOSTILE))
        assert page.evaluate("[window.hacked, document.querySelectorAll('img').length]") == [None, 0]

    def test_in_a_notebook_a_trace_is_shown_without_boxes_for_texts(self, open_notebook):
        code = """
import torch
from torch import nn
from lstm_lesson import record
from lstm_lesson.explorers import GateInspector
GateInspector(record(nn.GRU(3, 4), torch.randn(5, 1, 3)), score=range(5), score_name="loss")"""
        sheet = open_notebook("trace", [code])
        frame = sheet.page.locator("iframe.lstm-inspector").first.element_handle().content_frame()
        frame.wait_for_selector("html[data-ready=true]", timeout=browser.PATIENCE)
        assert "at the end: loss = 4.00" in frame.inner_text("#answer-0")
        assert sheet.page.locator(".lesson-explorer input").count() == 0
        assert browser.serious_violations(sheet.page, ".lesson-explorer") == []
        assert sheet.failures == [] and sheet.complaints == []
