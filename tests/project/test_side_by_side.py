"""The pages beside the board: every mistake's wrong function beside the right one, and where the two part."""

import contextlib
import copy
import itertools
import json
import math
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import browser
import firefox
import pytest
import torch
from bs4 import BeautifulSoup
from repository import ROOT, machine_paths

from lstm_lesson.exercises.compare import input_gradients, map_tensors
from lstm_lesson.exercises.exercise import exercises
from lstm_lesson.exercises.model import Edit, short, tools

sys.path.insert(0, str(ROOT / "classroom"))
import board
import side_by_side

IN_CHROMIUM = [pytest.mark.browser, pytest.mark.skipif(bool(browser.why_not()), reason=browser.why_not())]
IN_FIREFOX = [pytest.mark.browser, pytest.mark.skipif(bool(firefox.why_not()), reason=firefox.why_not())]
WITH_MODEL = [name for name, exercise in exercises().items() if exercise.model_answer]
NOW = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)
TRANSPOSED = "f: U transposed"  # an identifier of `forget_gate`


def edits(name, described=9, regular=0):
    """Every so-and-so-many edit of an exercise's model answer."""
    model = exercises()[name].model_answer
    found = list(model.described.values())[::described]
    return found + (list(model.regular.values())[::regular] if regular else [])


def part(name, edit):
    exercise = exercises()[name]
    edit = exercise.model_answer.edits[edit] if isinstance(edit, str) else edit
    return side_by_side.parting(exercise, edit)


def page(name, id=None):
    """The page of a mistake, by default the exercise's first one."""
    id = id or next(iter(exercises()[board.SAME_MISTAKES.get(name, name)].model_answer.described))
    return BeautifulSoup(side_by_side.page(name, short(id), "../board.html"), "html.parser")


def text(found):
    return " ".join(found.get_text(" ").split())


def alike(exercise, one, two):
    """Whether two values agree, found out in another way than the pages do."""
    if isinstance(one, torch.Tensor) and isinstance(two, torch.Tensor):
        kinds = {(t.dtype if exercise.dtype == "as given" else t.is_floating_point()) for t in (one, two)}
        if one.shape != two.shape or len(kinds) > 1:
            return False
        one, two = (t.detach() if t.is_complex() else t.detach().double() for t in (one, two))
        near = 2e-5 if torch.float32 in kinds else 1e-10 + exercise.tolerance
        largest = max([1.0, *one[one.isfinite()].abs().flatten().tolist()])
        return torch.allclose(one, two, rtol=0, atol=near * largest, equal_nan=True)
    if isinstance(one, list | tuple) and isinstance(two, list | tuple):
        return len(one) == len(two) and all(alike(exercise, *pair) for pair in zip(one, two, strict=True))
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(alike(exercise, one[key], two[key]) for key in one)
    if isinstance(one, float) and isinstance(two, float):
        return one == two or math.isclose(one, two, rel_tol=1e-9) or (one != one and two != two)
    return type(one) is type(two) and (callable(one) or one == two)


def written(code, given):
    """The function that these lines write, with the weights under their names as the lessons' models read them."""
    names = dict(tools())
    exec(compile("\n".join(code), "<shown>", "exec"), names)
    function = names[re.match(r"def (\w+)", code[0])[1]]

    def run(*arguments):
        weights = dict(zip(given, arguments, strict=True)).get("weights")
        names.update(weights if isinstance(weights, dict) else {})
        return function(*arguments)

    return run


def traced(code, given):
    """Run the lines of a page: what each gave, as (line, which time, value), the exception, and its line."""
    found, times, last, raised = [], {}, None, []

    def note(value):
        nonlocal last
        with contextlib.suppress(TypeError):
            value = list(copy.copy(value)) if hasattr(value, "__next__") else value
        found.append((last, times[last], value))
        last = None

    def trace(frame, event, returned):
        nonlocal last
        if frame.f_code.co_filename != "<shown>" or frame.f_code.co_name != re.match(r"def (\w+)", code[0])[1]:
            return None
        if event in ("line", "return") and last is not None and event != "exception":
            place = code[last - 1].split(" = ")[0].strip()
            if event == "return" and code[last - 1].strip().startswith("return "):
                note(returned)
            elif place in frame.f_locals and " = " in code[last - 1]:
                note(frame.f_locals[place])
        if event == "line":
            last = frame.f_lineno
            times[last] = times.get(last, -1) + 1
        if event == "exception":
            last, raised[:] = None, [(frame.f_lineno, times[frame.f_lineno])]
        return trace

    function = written(code, given)
    arguments = map_tensors(torch.clone, given)
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function(*arguments.values())
        return found, None, None
    except Exception as error:
        return found, error, raised[0]
    finally:
        sys.settrace(before)


# Where they part


@pytest.mark.parametrize("every", [11, pytest.param(1, marks=pytest.mark.full)])
@pytest.mark.parametrize("name", WITH_MODEL)
def test_the_parting_is_the_first_line_whose_value_differs_where_python_runs_the_lines_that_are_shown(name, every):
    exercise = exercises()[name]
    for edit in edits(name, every, 60 * every):
        found = part(name, edit)
        right, wrong = side_by_side.code(exercise), side_by_side.code(exercise, edit)
        (one, none, _), (two, error, stop) = (traced(code, found.given) for code in (right, wrong))
        assert none is None and type(error) is type(found.wrong.error), edit.id
        if error:
            text = wrong[stop[0] - 1].strip()
            place = re.sub(r"for \w+ in (\w+):|return .*", lambda m: m[1] or "return", text.split(" = ")[0])
            step = found.wrong.stopped[1]
            assert (step.line.place, step.turn or 0) == (place, stop[1]), edit.id
        if found.kind != "value":
            assert alike(exercise, one[-1][2], two[-1][2]), edit.id
            continue
        differ = (a for a, b in zip(one, two, strict=False) if a[:2] != b[:2] or not alike(exercise, a[2], b[2]))
        line, turn, _ = next(differ, one[min(len(two), len(one) - 1)])
        place = (
            right[line - 1].split(" = ")[0].strip().removeprefix("return ") if " = " in right[line - 1] else "return"
        )
        step = found.right.steps[found.first]
        assert (step.line.place, step.turn or 0) == (place, turn), edit.id
        said = " ".join(side_by_side.sentences(found))
        assert (f"`{place}`" if place != "return" else "what is returned") in said, edit.id
        assert step.turn is None or f"step {turn + 1} of " in said, edit.id


@pytest.mark.parametrize("every", [11, pytest.param(1, marks=pytest.mark.full)])
@pytest.mark.parametrize("name", WITH_MODEL)
def test_two_that_agree_in_values_part_in_the_gradients_of_the_named_inputs_or_do_not_part(name, every):
    exercise = exercises()[name]
    for edit in edits(name, every, 60 * every):
        found = part(name, edit)
        if found.kind == "value":
            continue
        one, two = (
            input_gradients(written(side_by_side.code(exercise, *each), found.given), found.given) or {}
            for each in ((), (edit,))
        )
        zero = {key: torch.zeros_like(t) for each in (one, two) for key, t in each.items() if t is not None}
        one, two = ({key: zero[key] if each.get(key) is None else each[key] for key in zero} for each in (one, two))
        lost = {key for key in zero if not alike(exercise, one[key], two[key])}
        assert not exercise.gradient or bool(lost) == (found.kind == "gradient"), edit.id
        assert found.kind != "gradient" or lost == set(found.inputs_lost), edit.id


@pytest.mark.parametrize(
    ("name", "id", "says"),
    [
        ("forget_gate", TRANSPOSED,
         ["The first value that differs is `h_f`, the term with `h_prev` in the forget gate."]),
        ("lstm", TRANSPOSED,
         ["They part at `t = 0`, step 1 of 5, in `h_f`, the term with `h_prev` in the forget gate."]),
        ("lstm", "h_0 zero", ["They part before the first step, in `first_h`, the state at the start."]),
        ("unroll", "x_t: last", ["They part at `t = 0`, step 1 of 5, in `x_t`, the input of a step."]),
        ("unroll", "steps: backwards", ["They part before the first step, in `steps`, the loop."]),
        ("backward_loop", "old dc goes on",
         ["They part at `t = 4`, step 1 of 5, in `next_dc`, the gradient of c that goes on."]),
        ("lstm", "hidden_seq: T first",
         ["In all steps the two agree; after them, the first value that differs is `hidden_seq`."]),
        ("masked_step", "along the units",
         ["The first value that differs is `chosen`.", "Then the wrong function stops in the line of `h`:",
          "`RuntimeError: The size of tensor a (3) must match the size of tensor b (6) at non-singleton dimension 1`"]),
        ("half_life", "detached",
         ["What the two return is the same. Their gradients are not.",
          "Going back from the result, the first gradient that differs is that of `steps`."]),
        ("truncate", "history of h",
         ["What the two return is the same. Their gradients are not.",
          "Going back from the result, the first gradient that differs is that of `state[0]`."]),
        ("rnn_backward_step", "dz_h: dh_t * ((slope).detach())",
         ["On all sets of inputs the two return the same. Alone, this change is no mistake that can be seen."]),
    ],
)  # fmt: skip
def test_the_sentences_say_where_two_part(name, id, says):
    assert side_by_side.sentences(part(name, id)) == says


def test_a_state_detached_in_the_loop_loses_its_gradient_in_the_last_step_first():
    edit = Edit("detached", {"next_h": "h_t.detach()"}, "")
    found = side_by_side.parting(exercises()["unroll"], edit)
    (_, said) = side_by_side.sentences(found)
    # on the way back the last step comes first: what it read is the state that step 4 handed on
    assert (
        said == "Going back from the result, the first gradient that differs is that of `h_t`, at `t = 3`, step 4 of 5."
    )
    assert found.inputs_lost.keys() == {"x", "h_0", "W_xh", "W_hh", "b_h"}


def test_a_loop_that_makes_a_step_too_many_stops_there():
    found = side_by_side.parting(exercises()["unroll"], Edit("too many", {"steps": "range(x.shape[1] + 1)"}, ""))
    assert side_by_side.sentences(found)[:2] == [
        "They part before the first step, in `steps`, the loop.",
        "Then the wrong function stops in the line of `x_t`, the input of a step, at `t = 5`, one step too many:",
    ]


def test_where_the_first_inputs_show_nothing_those_are_taken_and_named_on_which_two_part():
    found = part("truncate", "for a tuple")
    model, apart = found.exercise.model_answer, []
    for inputs in side_by_side.input_sets()[: found.number + 1]:
        given = found.exercise.inputs(inputs)
        right, wrong = (side_by_side.run(model, each, given).returned for each in ((), (found.edit,)))
        apart.append(not alike(found.exercise, right, wrong))
    assert found.number > 0 and apart == [False] * found.number + [True]
    which = f"They are set {found.number + 1} of the check's inputs, the first on which the two part, drawn"
    assert which in side_by_side.about_inputs(found)
    assert "first on which" not in side_by_side.about_inputs(part("forget_gate", TRANSPOSED))


# The page


def test_the_page_asks_first_and_folds_the_check_s_sentence_the_lines_and_the_numbers():
    soup, found = page("forget_gate", TRANSPOSED), part("forget_gate", TRANSPOSED)
    assert text(soup.h1) == "forget_gate : what does this function compute?"
    assert [span.text for span in soup.select("pre span")] == side_by_side.code(found.exercise, found.edit)
    fold = soup.details.extract()
    assert "transposed" not in text(soup) and soup.find("table") is None and not fold.has_attr("open")
    assert text(fold.select_one(".lead")).endswith("only the values tell.")
    differ = [[text(cell) for cell in row.select("td")] for row in fold.select(".code .differs")]
    assert differ == [["≠ differs", "h_f = h_prev @ W_hf", "h_f = h_prev @ W_hf.T"]]
    rows = {text(row.find("th")).split(" ")[0]: row for row in fold.select(".numbers tbody")}
    assert list(rows) == ["h_f[0,", "f_t[0,"]
    right, wrong = (
        written(side_by_side.code(found.exercise, *each), found.given)(*found.given.values())
        for each in ((), [found.edit])
    )
    for row, values in zip(rows["f_t[0,"].select("tr"), (right, wrong), strict=True):
        shown = [float(mark.text.replace("−", "-")) for mark in row.select("mark")]
        assert shown == [round(value, 3) for value in values[0, :5].tolist()]
    assert "x_t (3, 4), h_prev (3, 6), W_xf (4, 6), W_hf (6, 6), b_f (6,)" in text(fold).replace(" ,", ",")


def test_a_sequence_has_two_curves_with_the_step_at_which_they_part():
    soup, found = page("lstm", "h late"), part("lstm", "h late")
    label, at, right, wrong, parts = side_by_side.curves(found)
    index = eval(f"({re.search(r'.(.*).', label.removeprefix('hidden_seq'))[1]})", {"t": slice(None)})
    assert right == found.right.returned[0][index].tolist() and wrong == found.wrong.returned[0][index].tolist()
    assert (at, parts) == ([0, 1, 2, 3, 4], 0)
    svg = soup.svg
    assert [len(line["points"].split()) for line in svg.select("polyline")] == [5, 5]
    assert {line["class"][0] for line in svg.select("polyline")} == {"right", "wrong"}
    assert "they part at t = 0" in text(svg) and svg["aria-label"].endswith("They part at t = 0.")
    assert page("forget_gate", TRANSPOSED).svg is None  # one step


def test_the_gradients_of_a_sequence_have_curves_too():
    edit = Edit("detached", {"next_h": "h_t.detach()"}, "")
    label, at, right, wrong, parts = side_by_side.curves(side_by_side.parting(exercises()["unroll"], edit))
    assert label.startswith("gradient of h_t[") and at == [0, 1, 2, 3, 4] and parts == 3
    assert right[4] == wrong[4] and right[3] != wrong[3]


@pytest.mark.parametrize(
    ("right", "wrong", "shown"),
    [
        ([0.1234, 1.0], [0.1233, 1.0], (["0.1234", "1.0000"], ["0.1233", "1.0000"])),
        ([0.1234, 1.0], [0.5678, 1.0], (["0.123", "1.000"], ["0.568", "1.000"])),
        ([-0.00001, 2.0], [0.5, 2.0], (["0.000", "2.000"], ["0.500", "2.000"])),
        ([1e7], [1.5e7], (["1.00e+07"], ["1.50e+07"])),
        ([3e-5], [-4e-5], (["3.00e−05"], ["−4.00e−05"])),
        ([math.inf, math.nan], [-math.inf, math.nan], (["∞", "nan"], ["−∞", "nan"])),
        ([1, True], [-2, False], (["1", "True"], ["−2", "False"])),
    ],
)
def test_numbers_have_the_digits_that_it_takes_to_tell_them_apart(right, wrong, shown):
    differs = [a != b and not (a != a and b != b) for a, b in zip(right, wrong, strict=True)]
    assert side_by_side.row(right, wrong, differs) == shown


@pytest.mark.parametrize("name", [*WITH_MODEL, "MyLSTM"])
def test_every_mistake_that_the_board_can_name_has_a_page_that_stands_alone(name):
    ids = [*board.sentences(name, "described")]
    assert ids
    for id in ids[:: max(1, len(ids) // 6)] + [*board.sentences(name, "regular")][::250]:
        found = side_by_side.page(name, id, "../board.html")
        assert board.MARK in found[:2000] and "<!--" not in found
        assert not re.search(r"https?://|src=|url\(|<script", found) and machine_paths(found) == []
        soup = BeautifulSoup(found, "html.parser")
        shown = re.sub(r"\W+", "", text(soup.select_one(".lead")).removeprefix("The check says: "))
        assert shown == re.sub(r"\W+", "", board.sentence(name, id))
        assert [a["href"] for a in soup.select("a")] == ["../board.html"]
        assert soup.select(".code .differs")


def test_a_class_is_shown_as_the_function_whose_mistakes_its_check_names():
    soup = page("MyLSTM", TRANSPOSED)
    assert text(soup.h1).startswith("MyLSTM :") and text(soup.select_one("main > p")).startswith(
        "The class, as a function"
    )
    assert soup.select_one("pre span").text == "def lstm(x, h_0, c_0, weights):"


def test_an_identifier_that_the_catalogue_does_not_have_makes_no_page():
    with pytest.raises(KeyError):
        side_by_side.page("forget_gate", "somebody's own", "../board.html")


# The board's part


def put(folder, name, **ids):
    """A record with a wrong answer for each exercise, whose check named these mistakes."""
    folder.mkdir(exist_ok=True)
    entries = {
        exercise: {"attempts": 1, "solved_at": None, "noted": [["2026-11-29T09:55:00+00:00", "wrong", *own]]}
        for exercise, own in ids.items()
    }
    (folder / f"{name}.json").write_text(json.dumps({"version": 1, "exercises": entries}), encoding="utf-8")


def command(tmp_path, **options):
    words = [sys.executable, "-m", "lstm_lesson", "board", str(tmp_path / "class"), "-o", str(tmp_path / "b 1.html")]
    return subprocess.run(words, capture_output=True, text=True, cwd=ROOT, **options)


def linked(tmp_path):
    """The pages that the board links, by the exercise of their names."""
    soup = BeautifulSoup((tmp_path / "b 1.html").read_text(encoding="utf-8"), "html.parser")
    found = {link["href"].replace("%20", " ") for link in soup.select(".mistakes a")}
    return {name.split("/")[1].split("-")[0]: tmp_path / name for name in found}


def test_the_command_makes_a_page_for_each_mistake_on_the_board_once_and_links_it(tmp_path):
    put(tmp_path / "class", "ada", forget_gate=[TRANSPOSED], MyLSTM=["h zero"])
    put(tmp_path / "class", "bob", forget_gate=["Bob's own words"])
    assert (command(tmp_path).returncode, sorted(linked(tmp_path))) == (0, ["MyLSTM", "forget_gate"])
    soup = BeautifulSoup((tmp_path / "b 1.html").read_text(encoding="utf-8"), "html.parser")
    assert [len(item.select("a")) for item in soup.select(".mistakes li")] == [1] * 4
    pages = linked(tmp_path)
    assert {path.parent.name for path in pages.values()} == {"b 1-mistakes"}
    assert set((tmp_path / "b 1-mistakes").iterdir()) == set(pages.values())
    found = BeautifulSoup(pages["forget_gate"].read_text(encoding="utf-8"), "html.parser")
    assert found.a["href"] == "../b%201.html"
    assert "h_prev @ W_hf.T" in text(found) and "Bob" not in found.text and "ada" not in found.text
    before = {path: path.stat().st_mtime_ns for path in pages.values()}
    put(tmp_path / "class", "eve", rnn_step=["h: no bias"])
    command(tmp_path)
    assert sorted(linked(tmp_path)) == ["MyLSTM", "forget_gate", "rnn_step"]
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
@pytest.mark.parametrize("mask", [0o077, 0o027])
def test_the_pages_have_the_rights_that_the_board_has(tmp_path, mask):
    put(tmp_path / "class", "ada", forget_gate=[TRANSPOSED])
    before = os.umask(mask)
    try:
        command(tmp_path)
    finally:
        os.umask(before)
    (path,) = linked(tmp_path).values()
    rights = [stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "b 1.html", path, path.parent)]
    assert rights == [0o666 & ~mask, 0o666 & ~mask, 0o777 & ~mask]


def test_without_torch_the_board_goes_on_and_says_what_is_missing(tmp_path):
    put(tmp_path / "class", "ada", forget_gate=[TRANSPOSED])
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('No module named torch')")
    done = command(tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 0 and linked(tmp_path) == {}
    assert done.stderr.strip() == "no page of a mistake: ModuleNotFoundError: No module named torch"
    assert "transposed" in (tmp_path / "b 1.html").read_text(encoding="utf-8")


def test_a_file_of_another_stays_and_a_folder_that_cannot_be_made_stops_nothing(tmp_path, capsys):
    mistake, another = (board.Mistake("forget_gate", "", 1, 1, id) for id in (TRANSPOSED, "f: no bias"))
    pages = board.Pages(tmp_path / "b.html")
    assert pages.link(mistake) == ""
    (name,) = pages.wanted
    pages.folder.mkdir()
    (pages.folder / name).write_text("mine")
    pages.make()
    assert pages.process is None and pages.link(mistake) == "" and (pages.folder / name).read_text() == "mine"
    assert capsys.readouterr().err.strip().endswith(f"{name} is there and is no page of the board; it stays")
    both = board.Pages(tmp_path / "b.html")
    assert [both.link(each) for each in (mistake, another)] == ["", ""]
    both.make()
    both.finish()
    assert both.link(another) and (both.folder / name).read_text() == "mine"  # the other one is made
    capsys.readouterr()
    other = board.Pages(tmp_path / "c.html")
    (tmp_path / "c-mistakes").write_text("mine")
    other.link(mistake)
    other.make()
    assert capsys.readouterr().err.startswith("no pages of mistakes: ") and (tmp_path / "c-mistakes").is_file()
    other.make()
    assert capsys.readouterr().err == ""  # said once


def test_a_page_that_cannot_be_made_is_named_and_the_others_are_made(tmp_path, capsys):
    pages = board.Pages(tmp_path / "b.html")
    good, bad = (board.Mistake("forget_gate", "", 1, 1, id) for id in (TRANSPOSED, "none"))
    for mistake in (bad, good):
        pages.link(mistake)
    pages.make()
    pages.finish()
    assert (bool(pages.link(good)), pages.link(bad)) == (True, "")
    assert capsys.readouterr().err.strip() == "no page of a mistake: forget_gate, none: KeyError: 'none'"
    pages.make()
    assert pages.process is None  # given up


def test_while_the_pages_are_made_the_board_goes_on_and_links_each_as_soon_as_it_is_there(tmp_path):
    pages, mistake = board.Pages(tmp_path / "b.html"), board.Mistake("forget_gate", "", 1, 1, TRANSPOSED)
    assert (pages.link(mistake), pages.changed()) == ("", False)
    pages.make()
    running = pages.process
    pages.make()  # one at a time
    assert pages.process is running
    end = time.monotonic() + 120
    while not pages.changed():
        assert time.monotonic() < end, "no page"
        time.sleep(0.1)
    assert (tmp_path / pages.link(mistake)).is_file()
    assert not pages.changed()
    pages.finish()
    pages.make()
    assert pages.process is None
    (tmp_path / pages.link(mistake)).unlink()
    assert pages.link(mistake) == ""
    pages.make()  # made again
    pages.finish()
    assert pages.link(mistake)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux shows what a process has loaded")
def test_a_running_board_links_the_page_of_a_new_mistake_and_loads_no_torch_itself(tmp_path):
    from test_board import Watched

    put(tmp_path / "class", "ada", hadamard=[])
    with Watched(tmp_path / "class", tmp_path / "b 1.html") as watched:
        put(tmp_path / "class", "bob", forget_gate=[TRANSPOSED])
        watched.until("only the values tell.")
        watched.until('<a href="b%201-mistakes/forget_gate-', 120)
        loaded = Path(f"/proc/{watched.process.pid}/maps").read_text()
        assert "python" in loaded and "torch" not in loaded
        put(tmp_path / "class", "eve", rnn_step=["h: no bias"])
        watched.until('<a href="b%201-mistakes/rnn_step-', 120)


def test_the_board_is_written_anew_as_soon_as_a_page_is_there(tmp_path, monkeypatch):
    put(tmp_path / "class", "ada", forget_gate=[TRANSPOSED])
    monkeypatch.setattr(board, "FRESH", math.inf)  # nothing but the new page is a reason to write
    written, rounds = [], iter(range(1000))

    def sleep(_):
        found = (tmp_path / "b.html").read_text(encoding="utf-8")
        written.append("b-mistakes/" in found)
        if written[-1] or next(rounds, None) is None:
            raise KeyboardInterrupt
        threading.Event().wait(0.1)

    monkeypatch.setattr(board.time, "sleep", sleep)
    given = {"target": tmp_path / "class", "output": tmp_path / "b.html", "stuck": 10, "watch": True, "names": False}
    assert board.run(type("Given", (), given)) == 0
    assert written[0] is False and written[-1] is True


def test_the_end_of_the_board_ends_the_process(tmp_path):
    pages = board.Pages(tmp_path / "b.html")
    pages.link(board.Mistake("forget_gate", "", 1, 1, TRANSPOSED))
    pages.make()
    process = pages.process
    pages.stop()
    assert process.poll() is not None


def test_of_mistakes_with_one_sentence_the_page_shows_the_one_that_most_people_made(tmp_path):
    says = [
        edit for edit in exercises()["half_life"].edits if edit.cause.startswith("Two kinds of logarithm are mixed. ")
    ]
    one, two, *_ = (edit.id for edit in says)
    for name, id in {"ada": two, "bob": two, "eve": one}.items():
        put(tmp_path / "class", name, half_life=[id])
    room = board.Room(tmp_path / "class")
    room.look()
    found, asked = board.standing("half_life", room.records, NOW, board.DAY), []
    assert [(each.id, each.people) for each in found.mistakes] == [(two, 3)]
    board.page(room, NOW, link=lambda mistake: asked.append(mistake.id) or "")
    assert asked == [two, two]  # at the top and under the exercise


def test_a_page_is_made_anew_after_the_catalogue_has_changed(tmp_path, monkeypatch):
    mistake = board.Mistake("forget_gate", "", 1, 1, TRANSPOSED)
    names = []
    for version in (board.version(), b"another"):
        monkeypatch.setattr(board, "version", lambda version=version: version)
        pages = board.Pages(tmp_path / "b.html")
        pages.link(mistake)
        names += pages.wanted
    assert len(set(names)) == 2
    assert names == [name for name in names if re.fullmatch(r"forget_gate-[0-9a-f]{16}\.html", name)]


def test_the_version_changes_with_each_file_that_a_page_is_made_of(tmp_path, monkeypatch):
    shutil.copytree(board.PACKAGE / "exercises", tmp_path / "exercises", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(board.HERE, tmp_path / "classroom", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(board, "PACKAGE", tmp_path)
    monkeypatch.setattr(board, "HERE", tmp_path / "classroom")
    versions = {board.version.__wrapped__()}
    files = "exercises/model.py", "exercises/catalogue/nb05.toml", "exercises/catalogue/rules.py"
    for file in (*files, *(f"classroom/{name}" for name in ("side_by_side.py", "side_by_side.html", "board.html"))):
        (tmp_path / file).write_bytes((tmp_path / file).read_bytes() + b"\n")
        versions.add(board.version.__wrapped__())
    assert len(versions) == 7


# In browsers


def shown(tmp_path, name="lstm", id="h late"):
    (tmp_path / "page.html").write_text(side_by_side.page(name, id, "board.html"), encoding="utf-8")
    return (tmp_path / "page.html").as_uri()


class TestInChromium:
    pytestmark = IN_CHROMIUM

    @pytest.mark.parametrize(("scheme", "viewport"), [*itertools.product(("light", "dark"), ("projector", "phone"))])
    def test_axe_finds_nothing_and_nothing_is_cut_off(self, chromium, tmp_path, scheme, viewport):
        size = {"projector": browser.PROJECTOR, "phone": {"width": 390, "height": 844}}[viewport]
        tab = chromium.new_page(viewport=size, color_scheme=scheme)
        for name, id in (("lstm", "h late"), ("masked_step", "along the units"), ("half_life", "detached")):
            tab.goto(shown(tmp_path, name, id))
            for _ in range(2):  # folded, and open
                assert browser.serious_violations(tab) == []
                found = tab.evaluate("axe.run(document, {resultTypes: ['violations']})")
                assert [rule["id"] for rule in found["violations"]] == []
                wide, screen = tab.evaluate(
                    "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
                )
                assert wide <= screen
                tab.evaluate("document.querySelector('details').open = true")
        tab.close()

    def test_on_a_projector_no_letters_are_smaller_than_24_of_720_pixels_and_the_question_is_on_the_first_screen(
        self, chromium, tmp_path
    ):
        tab = chromium.new_page(viewport=browser.PROJECTOR)
        tab.goto(shown(tmp_path))
        assert tab.evaluate("document.querySelector('pre').getBoundingClientRect().bottom") <= 720
        tab.evaluate("document.querySelector('details').open = true")
        assert tab.evaluate(browser.SMALLEST_LETTERS) >= 24
        sizes = "[...document.querySelectorAll('svg text')].map(text => text.getBoundingClientRect().height)"
        assert min(tab.evaluate(sizes)) >= 24
        tab.close()

    def test_the_fold_opens_with_the_keyboard_and_without_scripts(self, chromium, tmp_path):
        context = chromium.new_context(java_script_enabled=False, viewport=browser.PROJECTOR)
        tab = context.new_page()
        tab.goto(shown(tmp_path))
        assert not tab.is_visible("table.code")
        tab.keyboard.press("Tab")  # the link to the board
        tab.keyboard.press("Tab")
        tab.keyboard.press("Enter")
        assert tab.is_visible("table.code")
        context.close()

    def test_a_board_that_is_open_gets_the_links_when_their_pages_are_there(self, chromium, tmp_path):
        put(tmp_path / "class", "ada", forget_gate=[TRANSPOSED])
        room = board.Room(tmp_path / "class")
        room.look()
        tab = chromium.new_page(viewport=browser.PROJECTOR)
        for link in ("", "b-mistakes/one.html", "b-mistakes/two.html"):
            found = board.page(room, NOW, link=lambda _, link=link: link)
            (tmp_path / "b.html").write_text(found, encoding="utf-8")
            if not link:
                tab.goto((tmp_path / "b.html").as_uri())
                assert tab.locator(".mistakes a").count() == 0
            else:
                tab.wait_for_selector(f".mistakes a[href='{link}']")
                assert tab.locator(".mistakes a").count() == 2
        assert tab.locator(".mistakes a").first.inner_text().endswith("only the values tell.")
        tab.close()

    def test_one_click_on_the_bar_leads_to_the_page_and_one_back_also_where_jupyter_serves_them(
        self, chromium, tmp_path
    ):
        from test_board import served

        put(tmp_path / "class", "ada", forget_gate=[TRANSPOSED])
        command(tmp_path)
        with served(tmp_path) as address:
            for start in ((tmp_path / "b 1.html").as_uri(), f"{address}/b%201.html"):
                tab = chromium.new_page(viewport=browser.PROJECTOR)
                tab.goto(start)
                box = tab.locator(".mistakes .bar").first.bounding_box()
                tab.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
                tab.wait_for_selector("summary")
                assert tab.inner_text("h1").startswith("forget_gate")
                tab.click("text=Back to the board")
                tab.wait_for_selector(".mistakes")
                tab.close()


class TestInFirefox:
    pytestmark = IN_FIREFOX

    def test_the_page_opens_from_a_disk_shows_its_curves_and_loads_nothing(self, tmp_path):
        with firefox.firefox() as tab:
            tab.address = "file:"
            tab.open(shown(tmp_path), 1280, 720)
            assert tab.run("document.querySelector('table.code').checkVisibility()") is False
            tab.run("document.querySelector('summary').click()")
            assert tab.run("document.querySelector('table.code').checkVisibility()") is True
            wide = "[document.documentElement.scrollWidth <= 1280, document.querySelectorAll('polyline').length]"
            assert tab.run(wide) == [True, 2]
            assert tab.complaints == []
