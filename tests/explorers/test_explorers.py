"""Explorers without a browser: they show what Python computes, and no error is hidden."""

import gc
import html
import math
import re

import ipywidgets as widgets
import matplotlib.pyplot as plt
import pytest
import torch
from stored_notebook import WIDGET_VIEW, WithoutWidgetViews

from lstm_lesson import equations
from lstm_lesson.cells import lstm_step
from lstm_lesson.explorers import (
    CellPlayground,
    Explorer,
    GradientExplorer,
    HalfLifeExplorer,
    UnrolledStepper,
    WriterExplorer,
)
from lstm_lesson.explorers.playground import PRESETS, WEIGHTS
from lstm_lesson.explorers.recurrence import H, N, rnn_weights
from lstm_lesson.gradients import gradient_by_lag, spectral_radius
from lstm_lesson.plots.figure import Picture
from lstm_lesson.plots.svg import Axes, Card
from lstm_lesson.text.characters import CHARACTERS, CharacterModel, encode


def stepper():
    generator = torch.Generator().manual_seed(0)
    return UnrolledStepper(*(torch.randn(shape, generator=generator) for shape in ((5, 2), (2, 3), (3, 3), (3,))))


def writer(**start):
    torch.manual_seed(0)
    model = CharacterModel(12, 6)
    with torch.no_grad():
        model.linear.weight.mul_(20)  # so that one character is likelier than another
    return WriterExplorer(model, **start)


MAKERS = {
    "HalfLifeExplorer": HalfLifeExplorer,
    "UnrolledStepper": stepper,
    "GradientExplorer": GradientExplorer,
    "CellPlayground": CellPlayground,
    "WriterExplorer": writer,
}
every = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


class Broken(Explorer):
    """Draws until it is moved to 3."""

    def __init__(self, start=1):
        self.knob = widgets.IntSlider(value=start, min=0, max=5, description="knob")
        self.pressed = self.button("fail", self.fail)
        super().__init__({"knob": self.knob}, [[self.knob, self.pressed]])

    def draw(self, knob):
        if knob == 3:
            raise RuntimeError("no <b>three</b> here")
        return Card(100, 50).picture(f"knob at {knob}"), f"knob = {knob}"

    def fail(self):
        raise KeyError("pressed")


def number_after(text, name):
    """The number that stands in a line of values after a name."""
    return float(re.search(rf"{re.escape(name)}\s*=?\s*(−?[\d.]+(?:e[−+]?\d+)?)", text)[1].replace("−", "-"))


def shown(explorer):
    """What the browser is given: the picture, the values or an error."""
    return explorer.widget.children[-1].value


def inside(widget):
    """A widget and all that it holds."""
    return [widget, *(found for child in getattr(widget, "children", ()) for found in inside(child))]


# What every explorer does ---------------------------------------------------------------------------------------------


@every
def test_it_is_shown_live_and_as_a_picture_with_alt_text(make):
    bundle = make()._repr_mimebundle_()
    assert bundle.keys() == {"text/plain", "text/html", WIDGET_VIEW}
    assert re.search(r'<img [^>]*alt="[^"]{40,}"', bundle["text/html"])
    assert bundle[WIDGET_VIEW]["model_id"]


@every
def test_the_same_start_gives_the_same_text_and_picture(make):
    first, second = make(), make()
    assert repr(first) == repr(second)
    assert first._repr_html_() == second._repr_html_()
    assert not re.search(r"0x[0-9a-f]{6}|onload", repr(first) + first._repr_html_())


@every
def test_every_control_has_a_label(make):
    explorer = make()
    assert set(explorer.controls.values()) < set(inside(explorer.widget))
    for widget in inside(explorer.widget):
        if isinstance(widget, widgets.Button) or widget in explorer.controls.values():
            assert widget.description


@every
def test_moving_a_control_changes_picture_alt_and_text(make):
    explorer = make()
    before = explorer.picture.svg, explorer.picture.alt, explorer.text, shown(explorer)
    control = next(iter(explorer.controls.values()))
    control.value += control.step
    after = explorer.picture.svg, explorer.picture.alt, explorer.text, shown(explorer)
    assert not set(before) & set(after)
    assert html.escape(explorer.text) in shown(explorer)


@every
def test_its_alt_text_contains_its_text(make):
    explorer = make()
    assert explorer.text in explorer.picture.alt


@every
def test_moves_leave_no_figure_and_no_widget(make):
    explorer = make()
    control = next(iter(explorer.controls.values()))
    count = len(live_widgets())
    for k in range(10):
        control.value = control.min + control.step * (k % 5)
    assert plt.get_fignums() == []
    assert len(live_widgets()) == count


def live_widgets():
    gc.collect()
    return [thing for thing in gc.get_objects() if issubclass(type(thing), widgets.Widget)]


def test_an_error_stands_in_the_pictures_place_until_the_next_good_draw():
    explorer = Broken()
    explorer.knob.value = 3
    assert "RuntimeError: no &lt;b&gt;three&lt;/b&gt; here" in shown(explorer)
    assert "<img" not in shown(explorer)
    explorer.knob.value = 4
    assert "RuntimeError" not in shown(explorer)
    assert 'alt="knob at 4"' in shown(explorer)


def test_an_error_behind_a_button_is_shown():
    explorer = Broken()
    explorer.pressed.click()
    assert "KeyError" in shown(explorer)
    explorer.knob.value = 2
    assert "KeyError" not in shown(explorer)


def test_an_error_at_the_start_is_raised():
    with pytest.raises(RuntimeError, match="three"):
        Broken(start=3)


def test_move_draws_once_and_refuses_values_outside_the_range():
    explorer = CellPlayground()
    drawn = []
    explorer.draw = lambda **values: drawn.append(values) or (Card(9, 9).picture("a"), "b")
    explorer.move(x=0.5, W_xi=1.0, b_o=-2.0)
    assert len(drawn) == 1
    for wrong in ({"x": 99.0}, {"x": "a"}, {"y": 1.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            explorer.move(**wrong)


def test_text_of_an_explorer_is_shown_as_text():
    class Names(Explorer):
        def draw(self):
            return Picture("<svg></svg>", 'a "quoted" <b>'), "<script>alert(1)</script>"

    page = Names({})._repr_html_()
    assert "<script" not in page
    assert "<b>" not in page


def test_a_stored_notebook_keeps_the_picture_and_loses_the_live_view():
    cell = {"outputs": [{"output_type": "execute_result", "data": HalfLifeExplorer()._repr_mimebundle_()}]}
    kept, _ = WithoutWidgetViews().preprocess_cell(cell, {}, 0)
    assert kept["outputs"][0]["data"].keys() == {"text/plain", "text/html"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HalfLifeExplorer(9), "bias is 9; it needs a number from -6 to 8"),
        (lambda: HalfLifeExplorer("a"), "bias is 'a'"),
        (lambda: HalfLifeExplorer(math.nan), "bias is nan"),
        (lambda: HalfLifeExplorer(bias=9.0), "bias is 9.0"),
        (lambda: HalfLifeExplorer(bias=True), "bias is True"),
        (lambda: GradientExplorer(radius=-1), "radius is -1"),
        (lambda: GradientExplorer(seed=1.5), "seed is 1.5; it needs a whole number"),
        (lambda: CellPlayground("dream"), "preset is 'dream'; it needs one of remember, forget, latch, count"),
        (
            lambda: UnrolledStepper(torch.ones(5, 2), torch.ones(3, 2), torch.ones(2, 2), torch.ones(2)),
            "W_xh has shape",
        ),
        (lambda: WriterExplorer(torch.nn.Linear(2, 2)), "model is Linear; it needs a CharacterModel"),
        (lambda: writer(temperature=0), "temperature is 0; it needs a number from 0.1 to 3"),
        (lambda: writer(prompt=3), "text is 3 (int); it needs a str"),
        (lambda: writer(prompt="é"), "prompt is 'é'; it needs at least one letter"),
        (lambda: UnrolledStepper(torch.ones(7, 2), torch.ones(2, 2), torch.ones(2, 2), torch.ones(2)), "T is 7"),
    ],
)
def test_a_wrong_argument_is_named(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


# Values ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bias", "life"), [(0.0, "1 "), (1.0, "2.213 "), (3.0, "14.27 "), (5.0, "103.2 ")])
def test_the_half_life_is_that_of_the_package(bias, life):
    explorer = HalfLifeExplorer()
    explorer.move(bias=bias)
    assert f"half-life {life}" in explorer.text
    assert f"{equations.half_life(torch.sigmoid(torch.tensor(bias, dtype=torch.float64))).item():.4g} " == life


def test_a_half_life_outside_the_axes_stands_at_their_edge():
    assert "→" not in HalfLifeExplorer(bias=4.9).picture.svg
    assert "<circle" in HalfLifeExplorer(bias=4.9).picture.svg
    svg = HalfLifeExplorer(bias=8.0).picture.svg
    assert "half-life 2067 →" in svg
    assert "<circle" not in svg


def test_the_stepper_shows_the_states_that_rnn_step_computes():
    explorer = stepper()
    h = torch.zeros(1, 3, dtype=torch.float64)
    for t, x_t in enumerate(explorer.x[:, None], start=1):
        h = equations.rnn_step(x_t, h, explorer.W_xh, explorer.W_hh, explorer.b_h)
        explorer.move(step=t, unit=2)
        assert number_after(explorer.text, " h") == round(h[0, 1].item(), 4)
        parts = [number_after(explorer.text, name) for name in ("unit 2:", "from x,", "before,")]
        assert math.tanh(sum(parts)) == pytest.approx(h[0, 1].item(), abs=0.002)


def test_the_printed_sums_of_the_stepper_are_correct():
    W_xh, W_hh = torch.tensor([[0.5, 1.0, 0.0], [0.2, 0.0, 2.0]]), torch.diag(torch.tensor([1.0, 1.0, 2.0]))
    W_hh[2, 0] = 0.4
    words = torch.tensor([[1.0, -1.0], [0, 0], [0, 0], [0, 0], [0.5, 1.0], [0, 0]])  # notebook 01's
    explorer = UnrolledStepper(words, W_xh, W_hh, torch.tensor([0.1, 0.0, 0.0]))
    for step in range(1, 7):
        for unit in (1, 2, 3):
            explorer.move(step=step, unit=unit)
            rows = [re.sub(r"<[^>]*>", "", row) for row in re.findall(r"<text.*?</text>", explorer.picture.svg)]
            lines = [row.replace("−", "-").replace("·", "*").split(" = ") for row in rows if " = " in row]
            *sums, (tanh, h) = lines
            assert len(sums) == 2
            for terms, total in sums:
                assert float(f"{eval(terms):.3f}") == float(total)
            assert float(f"{eval(tanh, {'tanh': math.tanh}):.2f}") == float(h)


def test_the_stepper_turns_with_its_buttons_and_stops_at_both_ends():
    explorer = stepper()
    back, on = explorer.widget.children[0].children[:2]
    for button, expected in ((back, 1), (on, 2), (on, 3), (back, 2), *[(on, k) for k in (3, 4, 5, 5)]):
        button.click()
        assert explorer.values["step"] == expected
        assert f"step {expected}," in shown(explorer)


@pytest.mark.parametrize("tanh", [True, False])
def test_the_rnn_curve_is_gradient_by_lag_at_the_radius_that_is_asked_for(tanh):
    W_xh, W_hh, b_h = rnn_weights(seed=3, radius=1.4)
    assert spectral_radius(W_hh).item() == pytest.approx(1.4, abs=1e-12)
    curve = GradientExplorer().measure(seed=3, radius=1.4, tanh=tanh, inputs=0.0, length=20)
    squash = torch.tanh if tanh else lambda z: z
    x, h_0 = torch.zeros(1, 20, N, dtype=torch.float64), torch.zeros(1, H, dtype=torch.float64)
    norms = gradient_by_lag(lambda x_t, h: squash(x_t @ W_xh + h @ W_hh + b_h), x, h_0)[0]
    assert (torch.tensor(curve, dtype=torch.float64) - norms).abs().max() <= 1e-12


def test_a_gradient_of_1_stands_at_1():
    written = re.findall(r">([^<>]*)</text>", GradientExplorer().picture.svg)
    assert "1" in written and "1e0" not in written
    assert "1 to the power" in GradientExplorer(radius=1.0).text


def test_without_tanh_the_curve_runs_beside_the_powers_of_the_radius():
    curve = GradientExplorer().measure(radius=0.9, tanh=False)
    assert (curve[60] / curve[30]) ** (1 / 30) == pytest.approx(0.9, rel=0.03)


def test_the_gradient_explorer_leaves_the_notebooks_random_numbers_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    GradientExplorer().move(seed=4)
    assert torch.equal(torch.rand(3), expected)


def test_the_playground_computes_lstm_step():
    explorer = CellPlayground()
    generator = torch.Generator().manual_seed(1)
    for _ in range(5):
        drawn = torch.rand(15, generator=generator, dtype=torch.float64) * 2 - 1
        explorer.move(**dict(zip(explorer.controls, drawn.tolist(), strict=True)))
        t = {name: torch.tensor([[value]], dtype=torch.float64) for name, value in explorer.values.items()}
        weights = {name: t[name][0] if name[0] == "b" else t[name] for name in WEIGHTS}
        h, c = lstm_step(t["x"], t["h_prev"], t["c_prev"], weights)
        made = explorer.computed()
        assert abs(made.h - h) <= 1e-12
        assert abs(made.c - c) <= 1e-12
        assert number_after(explorer.text, " h") == pytest.approx(h.item(), abs=5e-5)


def test_a_rounding_error_of_a_slider_does_not_change_the_picture():
    rounded, exact = CellPlayground(), CellPlayground()
    rounded.move(c_prev=0.99999999999999)
    exact.move(c_prev=1.0)
    assert rounded.picture.svg == exact.picture.svg


def test_a_step_feeds_the_state_back():
    explorer = CellPlayground("count")
    made = explorer.computed()
    explorer.widget.children[0].children[0].click()
    assert explorer.numbers["c_prev"] == made.c.item()
    assert explorer.numbers["h_prev"] == made.h.item()
    assert explorer.steps == [(1.0, made.c.item(), made.h.item())]
    assert explorer.text.endswith("1 step taken, last c = 0.5004")
    assert explorer.text.startswith("next step gives: ")
    assert number_after(explorer.text, " c") == round(explorer.computed().c.item(), 4)


def test_the_chart_says_when_it_shows_the_last_steps_only():
    explorer = CellPlayground()
    feed(explorer, [0] * 30)
    assert ">steps taken<" in explorer.picture.svg
    feed(explorer, [0])
    assert ">the last 30 steps<" in explorer.picture.svg and ">steps taken<" not in explorer.picture.svg


def test_a_slider_that_rounds_does_not_round_the_state():
    explorer = CellPlayground("count")
    explorer.step()
    exact = explorer.numbers["c_prev"]
    explorer.controls["c_prev"].value = 0.5 + 1e-13  # what the page sends back for 0.50033
    assert explorer.numbers["c_prev"] == exact
    explorer.controls["c_prev"].value = 0.55  # the learner moves it
    assert explorer.numbers["c_prev"] == 0.55


def test_the_title_drops_the_presets_hint_when_a_weight_changes():
    explorer = CellPlayground("remember")
    explorer.move(x=-1.0, c_prev=0.5)  # no weights
    assert explorer.hint == PRESETS["remember"]["hint"]
    explorer.move(W_xf=-16.0)
    assert explorer.hint == "Preset remember, changed; Reset keeps your weights"
    assert explorer.hint in explorer.picture.alt
    explorer.move(W_xf=0.0)
    assert explorer.hint == PRESETS["remember"]["hint"]


def test_a_step_beyond_the_slider_of_the_memory_is_refused_in_the_title():
    explorer = CellPlayground("count")
    for _ in range(130):
        explorer.step()
    assert 110 < len(explorer.steps) < 130
    explorer.widget.children[0].children[0].click()
    assert "No further step: c would be 60" in shown(explorer)
    assert "lesson-error" not in shown(explorer)
    explorer.widget.children[0].children[1].click()
    assert "No further" not in shown(explorer)
    assert explorer.steps == []


@pytest.mark.parametrize("name", PRESETS)
def test_reset_goes_back_to_the_start_of_the_preset_and_keeps_the_weights(name):
    start = CellPlayground(name)
    explorer = CellPlayground("count" if name == "latch" else "latch")
    explorer.preset(name)
    explorer.move(W_hi=0.5, h_prev=-0.4)
    explorer.step()
    explorer.step()
    explorer.widget.children[0].children[1].click()
    assert explorer.steps == []
    assert explorer.numbers == start.numbers | {"W_hi": 0.5}


def feed(explorer, xs):
    """c after each step of these inputs."""
    for x in xs:
        explorer.move(x=float(x))
        explorer.step()
    return [c for _, c, _ in explorer.steps]


def test_the_presets_do_what_they_are_named_after():
    explorer = CellPlayground("count")
    assert feed(explorer, [1] * 10)[-1] == pytest.approx(5, abs=0.05)
    assert feed(explorer, [-1] * 10)[-1] == pytest.approx(0, abs=0.05)
    explorer.preset("remember")
    assert min(feed(explorer, [1, -1, 2, -2, 0] * 4)) > 0.98
    explorer.preset("forget")
    c = feed(explorer, [0, 0, 0, 1, 0, 0])
    assert min(c[:3]) > 0.98
    assert max(map(abs, c[3:])) < 0.01
    explorer.preset("latch")
    c = feed(explorer, [0, 1, 0, 0, 0, -1, 0, 0, 0, 1, 0])
    assert abs(c[0]) < 0.01
    assert [round(value) for value in c[1:]] == [1, 1, 1, 1, -1, -1, -1, -1, 1, 1]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_deletes_the_steps_and_sets_every_number(name):
    explorer = CellPlayground()
    explorer.move(W_hi=3.0, h_prev=0.5)
    explorer.step()
    explorer.preset(name)
    assert explorer.values == CellPlayground(name).values
    assert explorer.steps == []
    assert explorer.picture.alt == CellPlayground(name).picture.alt


@pytest.mark.parametrize(
    ("prompt", "temperature"), [("def f(x", 0.5), ("", 1.0), ("a\nb", 2.5), ("é" + "x" * 500, 1.0)]
)
def test_the_writer_shows_the_probabilities_of_the_model(prompt, temperature):
    explorer = writer()
    explorer.move(prompt=prompt, temperature=temperature)
    ids = encode(prompt or "\n")
    logits = explorer.model(ids[None, -256:])[0][0, -1].detach().double()
    shares, ids = torch.softmax(logits / temperature, dim=0).topk(12)
    names = [{" ": "space", "\n": "new line"}.get(CHARACTERS[k], CHARACTERS[k]) for k in ids.tolist()]
    shown = [f"{name} {100 * share:.1f} %" for name, share in zip(names, shares.tolist(), strict=True)]
    assert f"temperature {temperature}, after “" in explorer.text and f": {', '.join(shown[:5])}; all" in explorer.text
    assert explorer.text.endswith(f"together {100 - 100 * shares.sum().item():.1f} %")
    written = [html.unescape(text) for text in re.findall(r">([^<>]+)</text>", explorer.picture.svg)][1:]
    assert [f"{name} {number}" for name, number in zip(written[::2], written[1::2], strict=True)] == shown
    widths = [float(width) for width in re.findall(r'width="([\d.]+)" height="17.0"', explorer.picture.svg)]
    assert widths == pytest.approx([640 * share for share in shares.tolist()], abs=0.06)


def test_the_writer_reads_the_last_256_characters():
    explorer, read = writer(), []
    explorer.model.register_forward_pre_hook(lambda _model, given: read.append(given[0]))
    text = "é" + "abcdefg\n" * 60
    explorer.move(prompt=text)
    assert torch.equal(torch.cat(read, dim=1), encode(text)[None, -256:])


def test_a_low_temperature_makes_the_likeliest_character_likelier():
    tops = [float(re.search(r": .+? ([\d.]+) %", writer(temperature=t).text)[1]) for t in (0.3, 1.0, 3.0)]
    assert tops == sorted(tops, reverse=True) and tops[0] > tops[2] + 10


def test_the_writers_button_puts_a_drawn_character_behind_the_prompt():
    texts = []
    for _ in range(2):
        explorer, button = writer(), None
        button = next(widget for widget in inside(explorer.widget) if isinstance(widget, widgets.Button))
        for _ in range(5):
            button.click()
        texts.append(explorer.values["prompt"])
    assert texts[0] == texts[1] and texts[0].startswith("def ") and len(texts[0]) == 9
    assert f"after “{texts[0]}”".replace("\n", "↵") in explorer.text


def test_a_prompt_that_has_no_character_is_an_error_in_place():
    explorer = writer()
    explorer.controls["prompt"].value = "漢"
    assert "ValueError: prompt is &#x27;漢&#x27;" in shown(explorer) and "<img" not in shown(explorer)
    explorer.controls["prompt"].value = "漢 a"
    assert "ValueError" not in shown(explorer)


# The card that they are drawn on -------------------------------------------------------------------------------------


def test_a_curve_goes_through_the_pixels_of_its_points():
    card = Card(300, 200)
    axes = Axes(card, (50, 20, 200, 100), (0, 10), (1e-4, 1), log=True)
    assert axes.at(0, 1) == (50, 20)
    assert axes.at(5, 1e-2) == pytest.approx((150, 70))
    axes.curve([0, 5], [1, 1e-2])
    assert 'points="50.0,20.0 150.0,70.0"' in card.picture("a").svg


def test_text_on_a_card_is_escaped_and_set_as_a_formula():
    card = Card(300, 200)
    card.text(1, 2, 'W_xh < "a" & b_{t−1}')
    svg = card.picture("a").svg
    assert "&lt;" in svg
    assert "&amp;" in svg
    assert '<tspan class="sub" dy=".28em"><tspan class="it">t</tspan>−1</tspan>' in svg
