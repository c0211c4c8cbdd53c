"""Pictures have alt text, show the given numbers, and leave no figure, setting or raw HTML behind."""

import gc
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from itertools import combinations, pairwise

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.colors import to_hex
from matplotlib.textpath import TextPath

from lstm_lesson import plots
from lstm_lesson.plots import style
from lstm_lesson.plots.figure import captions
from lstm_lesson.plots.numbers import decimals, significant, three_digits, unit_number

SVG = "{http://www.w3.org/2000/svg}"

EVIL = "<script>alert('x')</script>"
LEARNED = torch.tensor([0.2, 0.9, 0.5], requires_grad=True)  # Matplotlib alone would refuse it
NUMBERS = {
    "i": 0.88,
    "f": 0.93,
    "g": -0.53,
    "o": 0.52,
    "c": -1.2,
    "h": -0.43,
    "x": 1.5,
    "h_prev": 0.21,
    "c_prev": -0.79,
}
TEXTS = {"title": "What to see", "alt": "What is seen."}


def every_chart(label="W_xh", **texts):
    texts = {**TEXTS, **texts}
    yield plots.lines({label: LEARNED, "other": ([0, 1, 2], LEARNED)}, xlabel=label, ylabel="y", **texts)
    yield plots.bars({label: 0.5, "seeds": [0.4, 0.6]}, reference={label: 0.3}, **texts)
    yield plots.bars({label: LEARNED}, horizontal=True, log=True, **texts)
    yield plots.stacked_bars({label: LEARNED, "less": [-0.1, 0.2, 0.1]}, positions=[label, "b", "c"], **texts)
    yield plots.heatmaps({label: LEARNED[None], "two": torch.zeros(1, 3)}, xticks=[label, "b", "c"], **texts)
    yield plots.differences({label: 0.0, "small": 2e-16, "wrong": 1e-3, "nan": float("nan")}, **texts)


@pytest.fixture(scope="module")
def charts():
    return list(every_chart())


def written(picture) -> str:
    """Everything that is written in a chart."""
    return " ".join(text.get_text() for text in picture.figure.findobj(mpl.text.Text))


def parts(svg: str, part: str) -> str:
    """The CSS rules for one part of the cell."""
    return " ".join(re.findall(rf"\.{part} [^{{]*{{[^}}]*}}", svg.split("</style>")[0]))


# ---------------------------------------------------------------- pictures


def test_every_chart_is_a_picture_with_alt_text_and_an_image_inside(charts):
    for picture in charts:
        page = picture._repr_html_()
        assert 'alt="What is seen."' in page and "max-width:100%" in page and "background:#fff" in page
        assert re.search(r'src="data:image/png;base64,[\w+/=]{1000,}"', page)
        assert repr(picture) == "Picture: What is seen."


@pytest.mark.parametrize("alt", ["", "  ", None])
def test_a_picture_without_alt_text_is_refused(alt):
    with pytest.raises(ValueError, match=r"^alt is .*; it needs"):
        plots.bars({"a": 1.0}, title="t", alt=alt)


def test_no_figure_stays_open_and_no_global_setting_changes():
    code = (
        "import sys, lstm_lesson; assert 'matplotlib' not in sys.modules\n"
        "from lstm_lesson import plots; import matplotlib as mpl; before = repr(mpl.rcParams.copy())\n"
        "plots.lines({'a': [1, 2]}, title='t', alt='a')._repr_html_()\n"
        "plots.heatmaps({'a': [[1.0]]}, title='t', alt='a')._repr_html_()\n"
        "assert repr(mpl.rcParams.copy()) == before; assert 'matplotlib.pyplot' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_no_pixels_stay_in_memory():
    picture = plots.lines({"a": [0, 1]}, **TEXTS)
    gc.disable()  # the collector would delete them some time
    try:
        assert picture.png
        assert not any(type(one) is RendererAgg for one in gc.get_objects())
    finally:
        gc.enable()


def test_labels_and_alt_text_that_look_like_html_are_shown_as_text():
    for picture in every_chart(label=EVIL, title=EVIL, alt=f'"{EVIL}'):
        assert "<script" not in picture.svg
        assert "<script" not in picture._repr_html_() and "&quot;&lt;script" in picture._repr_html_()


def test_a_figure_is_png_and_svg_and_a_drawing_is_svg_alone():
    picture = plots.bars({"a": 1.0}, **TEXTS)
    assert picture.png.startswith(b"\x89PNG")
    assert ET.fromstring(picture.svg).tag.endswith("svg") and ET.fromstring(plots.lstm_diagram().svg).tag.endswith(
        "svg"
    )
    with pytest.raises(ValueError, match="drawn as SVG and has no png; take its svg"):
        _ = plots.lstm_diagram().png


def test_the_same_numbers_make_the_same_bytes():
    first, second = (plots.lines({"a": [1, 2, 3]}, **TEXTS) for _ in range(2))
    assert first.svg == second.svg and first._repr_html_() == second._repr_html_()


def test_no_text_is_smaller_than_12_pixels(charts):
    for picture in charts:
        picture.figure.draw_without_rendering()
        sizes = [text.get_fontsize() for text in picture.figure.findobj(mpl.text.Text) if text.get_text()]
        assert min(sizes) * 100 / 72 >= 12, picture


# ------------------------------------------------------------------ colours


def test_every_label_that_begins_with_a_gate_has_its_colour():
    for label in ("f", "f = 0.9", "f_t", "f, bias 1", "forget gate, trained"):
        assert style.color_of(label) == plots.COLORS["f"]
    for label in ("full", "i3", "hello", "RNN", "co", "zero", "r2"):
        assert style.color_of(label) is None


def test_a_gate_of_the_gru_has_the_colour_of_the_gate_with_its_work():
    for label in ("z", "z_t", "update gate", "z, layer 1"):
        assert style.color_of(label) == plots.COLORS["f"]
    for label in ("r", "r_t", "Reset gate, trained"):
        assert style.color_of(label) == plots.COLORS["o"]


def test_no_two_curves_differ_by_colour_alone():
    styles = style.curve_styles(["i", "f", "o", "RNN", "LSTM", "f = 0.9"])
    assert len({str(dash) for _, dash, _ in styles.values()}) == len({dot for *_, dot in styles.values()}) == 6


# ------------------------------------------------------------------- charts


def test_curves_that_end_apart_are_named_at_their_ends_and_others_in_a_legend():
    apart = plots.lines({"a": [0, 1], "b": [1, 0]}, **TEXTS).figure.axes[0]
    assert apart.get_legend() is None and {text.get_text() for text in apart.texts} == {"a", "b"}
    same = plots.lines({name: [0, 1] for name in "abd"}, **TEXTS).figure.axes[0]
    assert [text.get_text() for text in same.get_legend().get_texts()] == ["a", "b", "d"]


def test_names_at_the_ends_do_not_overlap():
    ax = plots.lines({"a": [0, 1.0], "b": [1, 0.99], "d": [1, 0.0]}, **TEXTS).figure.axes[0]
    ax.figure.draw_without_rendering()
    boxes = sorted((text.get_window_extent() for text in ax.texts), key=lambda box: box.y0)
    assert len(boxes) == 3
    assert all(lower.y1 <= upper.y0 + 1 for lower, upper in pairwise(boxes))


def test_a_nan_leaves_a_gap_and_so_does_a_zero_on_a_log_axis():
    y = plots.lines({"a": [1.0, float("nan"), 3.0]}, **TEXTS).figure.axes[0].lines[0].get_ydata()
    assert y[0] == 1 and y[1] != y[1] and y[2] == 3
    y = plots.lines({"a": [1.0, 0.0]}, log="y", **TEXTS).figure.axes[0].lines[0].get_ydata()
    assert y[0] == 1 and y[1] != y[1]


def test_marks_stand_across_and_upwards():
    ax = plots.lines({"a": [0, 1]}, marks={"half": 0.5, "step": ("x", 0.25)}, **TEXTS).figure.axes[0]
    assert list(ax.lines[1].get_ydata()) == [0.5, 0.5] and list(ax.lines[2].get_xdata()) == [0.25, 0.25]
    assert {"half", "step"} <= {text.get_text() for text in ax.texts}


def test_no_reference_line_runs_through_a_text():
    rows = {"a": [0.077, 0.0786], "b": 0.9}
    for picture, label in (
        (plots.bars(rows, reference={"chance": 0.1}, horizontal=True, log=True, **TEXTS), "mean 0.0778"),
        (plots.bars({"a": 0.5, "b": 0.52}, reference={"chance": 0.53}, **TEXTS), "0.500"),
        (plots.lines({"a": [0.0, 1.0], "b": [1.0, 0.0]}, marks={"now": ("x", 1.03)}, **TEXTS), "b"),
        (plots.differences({"a": 2e-14, "b": 1e-4}, **TEXTS), "2e−14"),
    ):
        before = pixels_of(picture, label)
        (line,) = (line for line in picture.figure.axes[0].lines if line.get_color() == style.QUIET)
        line.set_visible(False)
        assert pixels_of(picture, label) == before, label


def test_the_names_of_near_reference_lines_do_not_overlap():
    across = {"mean 0.0778": 0.0778, "near": 0.08, "below": 0.077}
    for picture in (
        plots.lines({"a": [0.2, 0.05]}, marks=across, **TEXTS),
        plots.bars({"a": [0.2, 0.05]}, reference=across, horizontal=True, **TEXTS),
    ):
        (ax,) = picture.figure.axes
        ax.figure.draw_without_rendering()
        boxes = [text.get_window_extent() for text in ax.texts if text.get_text() in across]
        assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def pixels_of(picture, label):
    """The pixels behind and of one text of a chart."""
    canvas = FigureCanvasAgg(picture.figure)
    canvas.draw()
    (text,) = (text for text in picture.figure.findobj(mpl.text.Text) if text.get_text() == label)
    box = text.get_window_extent()
    rows = slice(*sorted(round(canvas.get_width_height()[1] - y) for y in (box.y0, box.y1)))
    return np.asarray(canvas.buffer_rgba())[rows, round(box.x0) : round(box.x1)].tolist()


@pytest.mark.parametrize("name", [name for name, words in captions().items() if "title" in words])
def test_no_title_is_cut_off_at_the_right(name):
    fig, _ = style.axes(captions()[name]["title"])
    fig.draw_without_rendering()  # sets the place of the title
    assert fig._suptitle.get_window_extent().x1 < fig.bbox.width


def test_a_blank_has_brackets_in_every_label():
    words = ["the", "___", "."]
    pictures = plots.heatmaps({"___": [[1.0, 2, 3]]}, xticks=words, **TEXTS), plots.bars({"___": 1.0}, **TEXTS)
    for picture in pictures:
        assert not re.search(r"(?<!\[)_", written(picture).replace("___", "_"))
    assert "[___]" in written(pictures[0]) and "[___]" in written(pictures[1])


def test_seeds_are_drawn_as_dots_with_their_mean_written():
    picture = plots.bars({"ours": [0.25, 0.75], "theirs": 0.5}, **TEXTS)
    assert "mean 0.500" in written(picture)
    assert any(sorted(line.get_ydata()) == [0.25, 0.75] for line in picture.figure.axes[0].lines)


def test_shares_are_stacked_so_that_they_add_up():
    ax = plots.stacked_bars({"a": [0.25], "b": [-0.5], "d": [0.5]}, **TEXTS).figure.axes[0]
    assert [(bar.get_y(), bar.get_height()) for bar in ax.patches] == [(0, 0.25), (0, -0.5), (0.25, 0.5)]
    assert list(ax.lines[-1].get_ydata()) == [0.25]


def test_heat_maps_share_one_scale_around_zero_and_leave_nan_blank():
    picture = plots.heatmaps({"a": [[0.5, float("nan")]], "b": [[-2.0, 1.0]]}, **TEXTS)
    images = [ax.images[0] for ax in picture.figure.axes[:2]]
    assert [image.get_clim() for image in images] == [(-2, 2), (-2, 2)]
    assert images[0].get_array().mask.tolist() == [[False, True]]
    assert "0.50" in written(picture) and "−2.00" in written(picture) and "nan" not in written(picture)


def test_a_heat_map_of_a_gate_runs_from_0_to_1_in_its_colour():
    image = plots.heatmaps({"o": [[0.2, 0.5]]}, gate="o", **TEXTS).figure.axes[0].images[0]
    assert image.get_clim() == (0, 1)
    assert [to_hex(image.cmap(end)).upper() for end in (0.0, 1.0)] == ["#FFFFFF", plots.COLORS["o"]]


def test_differences_mark_what_is_too_large_and_write_out_an_exact_zero():
    picture = plots.differences({"same": 0.0, "good": 1e-15, "bad": 1e-3, "none": float("nan")}, **TEXTS)
    assert [line.get_marker() for line in picture.figure.axes[0].lines[:4]] == ["o", "o", "X", "X"]
    assert "0 (exact)" in written(picture) and written(picture).count("too large") == 2


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.lines({}, **TEXTS), "series is {}"),
        (lambda: plots.lines({"a": []}, **TEXTS), "a has shape"),
        (lambda: plots.lines({"a": ([0, 1], [1, 2, 3])}, **TEXTS), "x of a has 2 numbers"),
        (lambda: plots.lines({"a": [float("nan")]}, **TEXTS), "y of a has nan"),
        (lambda: plots.lines({"a": [-1.0, 1.0]}, log="y", **TEXTS), "y of a has -1"),
        (lambda: plots.lines({"a": [1.0]}, log="z", **TEXTS), "log is 'z'"),
        (lambda: plots.lines({"a": ["one"]}, **TEXTS), "a holds something that is not a number"),
        (lambda: plots.lines({"a": [1, 2]}, marks={"m": ("z", 1)}, **TEXTS), "m has"),
        (lambda: plots.lines({"a": [1, 2]}, bands={"a": ([1], [1, 2, 3])}, **TEXTS), "has 3 numbers; it needs 2"),
        (lambda: plots.bars({"a": float("inf")}, **TEXTS), "a has"),
        (lambda: plots.bars({"a": 0.0}, log=True, **TEXTS), "above 0"),
        (lambda: plots.stacked_bars({"a": [1, 2], "b": [1]}, **TEXTS), "b has 1 entries; it needs 2"),
        (lambda: plots.stacked_bars({"a": [1, 2]}, positions=["x"], **TEXTS), "positions has 1 entries"),
        (lambda: plots.heatmaps({"a": torch.zeros(2, 0)}, **TEXTS), "a has shape"),
        (lambda: plots.heatmaps({"a": torch.zeros(2)}, **TEXTS), "a has shape"),
        (lambda: plots.heatmaps({"a": torch.zeros(2, 2)}, xticks=["x"], **TEXTS), "xticks has 1 names"),
        (lambda: plots.heatmaps({"a": torch.zeros(2, 2)}, gate="g", **TEXTS), "gate is 'g'"),
        (lambda: plots.differences({"a": -1.0}, **TEXTS), "a is -1"),
        (lambda: plots.differences({"a": 1.0}, limit=0, **TEXTS), "limit is 0"),
        (lambda: plots.table({}), "columns is empty"),
        (lambda: plots.table({"a": [1], "b": [1, 2]}), "b has 2 values; it needs 1"),
        (lambda: plots.table({"a": torch.zeros(2, 2)}), "a holds an entry of shape (2,)"),
        (lambda: plots.table({"a": "word"}), "a is 'word'"),
        (lambda: plots.lstm_diagram("z"), "lit is 'z'"),
        (lambda: plots.lstm_diagram(values={"y": 1}), "values has 'y'"),
        (lambda: plots.lstm_diagram(values={"i": torch.zeros(2)}), "i holds an entry of shape"),
    ],
)
def test_an_error_names_the_argument(draw, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        draw()


def test_a_number_that_rounds_to_zero_has_no_sign_in_a_heat_map():
    figure = plots.heatmaps({"a": [[-0.001, -0.5]]}, **TEXTS).figure
    assert {"0.00", "−0.50"} <= {text.get_text() for text in figure.axes[0].texts}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (significant(0.00515), "0.00515"), (significant(12345.6), "12346"), (significant(7), "7"),
        (significant(1e-16), "1e-16"), (significant(float("inf")), "inf"), (significant(-2.0), "-2"),
        (three_digits(0.5), "0.500"), (three_digits(-2.0), "−2"), (decimals(-1.234), "−1.23"),
        (decimals(-0.001), "0.00"), (unit_number(0.5), "0.50"), (unit_number(0.9978), "0.998"),
        (style.pretty("h_t of W_xh, from my_file at -2: ___"), "$h_{t}$ of $W_{xh}$, from my_file at −2: [___]"),
    ],
)  # fmt: skip
def test_a_number_has_as_many_digits_as_its_place_needs_and_a_label_its_signs(text, expected):
    assert text == expected


# ------------------------------------------------------------------- tables


def test_a_table_reads_the_same_as_text_and_as_html():
    shown = plots.table({"gate": ["f", "<i>"], "left": torch.tensor([0.00515377, 12.0]), "steps": [50, 1000]})
    assert repr(shown).splitlines() == ["gate     left  steps", "f     0.00515     50", "<i>        12   1000"]
    page = shown._repr_html_()
    assert page.count('<th scope="col"') == 3 and "&lt;i&gt;" in page and "<i>" not in page
    assert "0.00515</td>" in page and "1000</td>" in page
    ET.fromstring(page)


def test_a_table_keeps_the_lines_of_code_and_begins_no_formula_in_it():
    shown = plots.table({"k": [1, 2], "text": ["a < $b$\n  c", "d"]})
    page = shown._repr_html_()
    assert page.count("<pre") == page.count("</pre>") == 2 and ">a &lt; $b$\n  c</pre>" in page
    assert "white-space:pre-wrap" in page and repr(shown).splitlines()[1:] == ["1  a < $b$↵  c", "2  d"]
    assert "<pre" not in plots.table({"text": ["a", "b"]})._repr_html_()


def test_a_table_writes_a_minus_sign_before_a_number_and_leaves_other_hyphens():
    shown = plots.table({"loss": [-0.5, 1e-16], "what": ["-1.00 +2.00 -3.00", "2026-11-28"]})
    assert shown.columns == {"loss": ["−0.5", "1e-16"], "what": ["−1.00 +2.00 −3.00", "2026-11-28"]}


def test_a_table_accepts_tensors_booleans_and_ranges():
    shown = plots.table({"loss": [LEARNED.sum(), LEARNED[0]], "fits": [True, False], "n": range(2)}, digits=2)
    assert repr(shown).splitlines() == ["loss  fits   n", " 1.6  True   0", " 0.2  False  1"]


# ----------------------------------------------------------------- diagrams


@pytest.mark.parametrize("lit", ["", "i", "if", "ifgc", "ifgcoh", "h"])
def test_only_the_lit_parts_of_the_cell_have_their_colour(lit):
    svg = plots.lstm_svg(lit)
    ET.fromstring(svg)
    for part, color in plots.COLORS.items():
        assert (color in parts(svg, part)) == (part in lit), part
        assert f'<g class="{part}">' in svg


def test_each_part_of_the_cell_holds_its_own_name_and_its_equation():
    owned = {part: "" for part in plots.COLORS}
    for group in ET.fromstring(plots.lstm_svg()).findall(f"{SVG}g"):
        if group.get("class") in owned:
            owned[group.get("class")] += "".join(group.itertext())
    names = {"i": "input gate", "f": "forget gate", "g": "candidate", "o": "output gate", "c": "ct−1", "h": "(5)"}
    starts = {"i": "it = σ(", "f": "ft = σ(", "g": "gt = tanh(", "o": "ot = σ(", "c": "ct = ft", "h": "ht = ot"}
    for part, text in owned.items():
        assert names[part] in text and starts[part] in text
        assert sum(f" {name}" in f" {text}" for name in ("input gate", "forget gate", "candidate", "output gate")) <= 1


def test_the_equations_have_room_in_the_widest_font_they_may_be_drawn_in():
    written = [text for text in ET.fromstring(plots.lstm_svg()).iter(f"{SVG}text") if text.get("class") == "math small"]
    equations = [text for text in written if "=" in "".join(text.itertext())]
    assert len(equations) == 6
    for text in equations:
        x, y = float(text.get("x")), float(text.get("y"))
        end = x + TextPath((0, 0), "".join(text.itertext()), 27, prop={"family": "DejaVu Serif"}).get_extents().x1
        right = [float(other.get("x")) for other in equations if other.get("y") == text.get("y")]
        assert end + 40 < min([edge for edge in right if edge > x], default=1280), y


def test_the_value_of_a_gate_ends_before_the_next_line_in_the_widest_font():
    svg = plots.lstm_svg("ifgo", dict.fromkeys("ifgo", -0.998))
    size = float(re.search(r"tspan.value \{ font-size: ([\d.]+)px", svg)[1])
    value = TextPath((0, 0), " = −0.998", size, prop={"family": "DejaVu Sans", "weight": "bold"}).get_extents().x1
    found = re.findall(r'd="M(\d+) 359 .*?<text class="math" x="(\d+)" y="334"', svg, re.S)
    lines, starts = zip(*[(int(line), int(start)) for line, start in found], strict=True)
    assert len(lines) == 4
    for start, line in zip(starts, (*lines[1:], 1086), strict=True):
        assert start + 26 + value < line - 4, start  # 26: the symbol


def test_the_inputs_of_a_lit_gate_are_lit_with_it():
    assert parts(plots.lstm_svg("i"), "tap-i") and parts(plots.lstm_svg("i"), "in")
    assert not parts(plots.lstm_svg("i"), "tap-f") and not parts(plots.lstm_svg("ch"), "in")


def test_the_alt_text_of_the_cell_names_the_lit_parts_unless_alt_is_given():
    assert "input gate i, forget gate f." in plots.lstm_diagram("fi").alt
    assert "Lit parts: none." in plots.lstm_diagram().alt
    assert "f = 0.93" in plots.lstm_diagram("f", {"f": 0.93}).alt
    assert plots.lstm_diagram("f", alt="Mine.").alt == "Mine."


def test_every_value_is_printed_in_the_cell_and_the_products_with_it():
    svg = plots.lstm_svg(
        "ifgcoh", {name: torch.tensor([[value]], requires_grad=True) for name, value in NUMBERS.items()}
    )
    for value in ("0.93", "0.88", "−0.53", "0.52", "−1.20", "−0.43", "1.50", "0.21", "−0.79"):
        assert f"{value}</t" in svg, value
    assert "−0.73</text>" in svg and "= −0.47</tspan>" in svg  # f ⊙ c_prev and i ⊙ g
    assert "−0.73" not in plots.lstm_svg("c", {"f": 0.93})


def test_a_value_that_rounds_to_zero_has_no_sign_in_the_cell():
    assert "= 0.000</tspan>" in plots.lstm_svg("g", {"g": -0.0001})


def test_a_gate_that_is_almost_open_is_not_printed_as_open():
    assert "= 0.998</tspan>" in plots.lstm_svg("f", {"f": 0.9978})
    assert "= 0.002</tspan>" in plots.lstm_svg("f", {"f": 0.0022})


def test_values_are_escaped():
    svg = plots.lstm_svg("f", {"f": EVIL})
    ET.fromstring(svg)
    assert "<script" not in svg and "&lt;script" in svg
    assert "<script" not in plots.lstm_diagram("f", {"f": EVIL})._repr_html_()


def test_the_cell_is_drawn_fast_enough_for_a_key_held_down():
    plots.lstm_svg()  # reads the template once
    start = time.perf_counter()
    for _ in range(20):
        plots.lstm_svg("ifgcoh", NUMBERS)
    assert (time.perf_counter() - start) / 20 < 0.05  # about 0.3 ms; the limit leaves room for a busy machine


def test_the_unrolled_rnn_repeats_its_step_and_sets_its_subscripts():
    svg = ET.fromstring(plots.rnn_diagram().svg)
    assert [use.get("href") for use in svg.findall(f"{SVG}use")] == ["#step"] * 4
    written = ["".join(text.itertext()) for text in svg.iter(f"{SVG}text")]
    assert {"h0", "x1", "h4", "Wxh"} <= set(written) and written.count("Whh") == 4


def test_each_round_of_a_scan_joins_what_the_round_before_has_made():
    """The stretches are read from the picture, and joined once more here. In the end all begin at step 1."""
    drawing, steps, last = ET.fromstring(plots.scan_diagram().svg), 8, 3
    texts = {(float(t.get("x")), float(t.get("y"))): "".join(t.itertext()) for t in drawing.findall(f"{SVG}text")}
    rows = sorted({y for (_, y), text in texts.items() if text[0].isdigit()})
    assert len(rows) == last + 1
    shown = [[text for (_, y), text in sorted(texts.items()) if y == row and text[0].isdigit()] for row in rows]
    spans = [(t, t) for t in range(1, steps + 1)]
    for k, row in enumerate(shown):
        if k:
            spans = [(spans[n - 2 ** (k - 1)][0], e) if n >= 2 ** (k - 1) else (s, e) for n, (s, e) in enumerate(spans)]
        assert row == [f"{start}–{end}" if start < end else f"{end}" for start, end in spans]
    assert {start for start, _ in spans} == {1}


def test_units_of_both_axes_are_equally_long_in_a_square_picture_only():
    for square in (True, False):
        (axes,) = plots.lines({"a": ([0, 1], [0, 5])}, square=square, **TEXTS).figure.axes
        assert (axes.get_aspect() == 1.0) is square


def test_few_points_on_a_log_axis_are_its_ticks():
    (axes,) = plots.lines({"a": ([1, 2, 32], [1, 2, 3])}, log="x", **TEXTS).figure.axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1", "2", "32"]
