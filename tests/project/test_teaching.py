"""The teacher's guide agrees with the notebooks: titles, minutes, headings, and the answers of `check`."""

import inspect
import re
from functools import cache

import numpy as np
import plans
import pytest
import torch
from answers import edited
from notebook_rules import Lesson, broken_links
from notebook_rules import headings as of_lesson
from repository import NOTEBOOKS, ROOT
from unknown_names import unknown_names

from lstm_lesson import check, plots
from lstm_lesson.cells import lstm_step
from lstm_lesson.data import agreement
from lstm_lesson.exercises.exercise import exercises, input_sets

GUIDE = ROOT / "docs" / "teaching.md"
TEXT = GUIDE.read_text(encoding="utf-8")
ANSWER = re.compile(r'^- `(\w+)`, (.+?): "(.+)"$', re.M)  # an exercise, a wrong answer, the message of the check
by_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    """No test writes into the user's own progress."""
    monkeypatch.setenv("LSTM_LESSON_PROGRESS", str(tmp_path))


@cache
def headings(path) -> list[str]:
    return [title for _, title in of_lesson(Lesson(path))]


@cache
def minutes(path) -> int:
    return int(re.search(r"(\d+)\s+minutes", Lesson(path).cells[0].source)[1])


def section(title: str) -> str:
    """The text under a heading, up to the next heading of its level or above."""
    found = re.search(rf"^(#+) {re.escape(title)}$\n(.*?)(?=^#{{1,3}} |\Z)", TEXT, re.M | re.S)
    assert found, f"the guide has no heading {title!r}"
    return found[2]


def of(path) -> str:
    return section(headings(path)[0])


def in_italics(text: str) -> list[str]:
    """The phrases in italics; wrong answers, quotations and bold type are left out."""
    plain = re.sub(r'"[^"\n]*"|\*\*[^*]*\*\*', "", ANSWER.sub("", text))
    return re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", plain)


def minutes_of_exercises(path) -> dict[str, int]:
    found = (re.match(r"Your turn: `(\w+)` · (\d+) minutes?", title) for title in headings(path))
    return {each[1]: int(each[2]) for each in found if each}


@by_notebook
def test_a_section_has_the_minutes_of_the_notebook_and_of_its_exercises(path):
    each = minutes_of_exercises(path)
    word = "exercise" if len(each) == 1 else "exercises"
    named = ", ".join(f"`{name}` {n}" for name, n in each.items())
    opens = f"[Open it](../notebooks/{path.name})."
    if each:
        starts = f"{minutes(path)} minutes, {sum(each.values())} of them for the {word}. {opens} Exercises: {named}."
    else:
        starts = f"{minutes(path)} minutes. {opens}"
    assert of(path).strip().startswith(starts)


@by_notebook
def test_a_section_has_a_goal_questions_wrong_answers_and_what_to_skip(path):
    text = of(path)
    parts = [text.index(f"**{part}.**") for part in ("Goal", "Ask", "Wrong answers", "Skip", "Keep")]
    assert parts == sorted(parts)
    assert 2 <= len(re.findall(r"(?m)^\d\. ", text)) <= 3
    assert {name for name, _, _ in ANSWER.findall(text)} <= set(minutes_of_exercises(path))


def test_the_guide_has_every_notebook_and_only_real_exercises():
    titles = [headings(path)[0] for path in NOTEBOOKS]
    assert re.findall(r"(?m)^### (\d\d · .*)$", TEXT) == titles
    assert {name for name, _, _ in ANSWER.findall(TEXT)} <= set(exercises())
    assert len(ANSWER.findall(TEXT)) == len(re.findall(r"(?m)^- `", section("Notebook by notebook") + TEXT)) > 40


@by_notebook
def test_words_in_italics_are_headings_of_the_notebook(path):
    assert set(in_italics(of(path))) <= set(headings(path))


def skipped(path) -> tuple[set[str], set[str]]:
    """The headings that the guide lets a class leave out of a notebook, and those that it has to run all the same."""
    out = re.search(r"(?m)^\*\*Skip\.\*\* (.*?) \*\*Keep\.\*\*", of(path))[1]
    silent = [sentence for sentence in re.split(r"(?<=\.) (?=[A-Z*])", out) if sentence.startswith("Run without")]
    run = {title for sentence in silent for title in in_italics(sentence)}
    before = re.findall(r"(?:start at|before) \*([^*]+)\*", out)  # named, and not left out
    return set(in_italics(out)) - run - set(before), run


@by_notebook
def test_no_later_cell_needs_what_a_class_may_skip(path):
    number = path.stem[:2]
    left_out, run = skipped(path)
    gone = {cell.number for title in left_out for cell in plans.section(number, title)}
    rest = [cell.source for cell in plans.cells(number) if cell.kind == "code" and cell.number not in gone]
    assert unknown_names(rest) == []
    silent = {cell.number for title in run for cell in plans.section(number, title)}
    without = [cell.source for cell in plans.cells(number) if cell.kind == "code" and cell.number not in gone | silent]
    assert bool(unknown_names(without)) == bool(run)


def test_the_line_that_covers_c_and_h_shows_neither_nor_the_products_that_lead_to_c():
    (line,) = re.findall(r"(?m)^plots\.lstm_diagram\(.*$", section("07 · The output gate"))
    values = {"c_prev": 1.4, "h_prev": -0.34, "i": 0.56, "f": 0.58, "g": 0.74, "o": 0.7, "c": 1.22, "h": 0.59}
    all_values = {name: torch.tensor([[value]]) for name, value in values.items()}
    covered = eval(line, {"plots": plots, "all_values": all_values})
    svg, whole = covered.svg, plots.lstm_diagram("ifgcoh", values).svg
    for shown in ("1.40", "0.56", "0.58", "0.74", "0.70"):
        assert shown in svg
    for hidden in ("1.22", "0.59", "0.81", "0.41"):
        assert hidden in whole and hidden not in svg


def test_the_right_answers_that_the_guide_gives_pass_their_checks():
    rows = re.findall(r"(?m)^\| \d\d \| `(\w+_weights)` \| .* \| `(.*)` \|$", TEXT)
    assert len(rows) == 4
    for name, lines in rows:
        (k,) = set(re.findall(r"[bW]_[xh]?([ifco])\b", lines))
        weights = {f"W_x{k}": torch.zeros(6, 2), f"W_h{k}": torch.zeros(2, 2), f"b_{k}": torch.zeros(2)}
        exec(lines, {}, weights)
        result = check(renamed(name, lambda weights=weights: tuple(weights.values())))
        assert result.passed, result


def guides_weights(**lines) -> dict[str, torch.Tensor]:
    """The package's weights of the cell, with those of the exercises in `lines` set as the guide's table says."""
    weights = dict(agreement.hand_set_weights())
    for name, line in re.findall(r"(?m)^\| \d\d \| `(\w+)_weights` \| .* \| `(.*)` \|$", TEXT):
        if name in lines:
            (k,) = set(re.findall(r"[bW]_[xh]?([ifco])\b", line))
            own = {f"W_x{k}": torch.zeros(6, 2), f"W_h{k}": torch.zeros(2, 2), f"b_{k}": torch.zeros(2)}
            exec(line, {}, own)
            weights |= {key: lines[name] * value for key, value in own.items()}
    return weights


def read(x, weights) -> tuple[torch.Tensor, torch.Tensor]:
    """c and h of the cell along x (B, T, 6), each (B, T, 2)."""
    h = c = torch.zeros(len(x), 2)
    steps = []
    for x_t in x.unbind(1):
        h, c = lstm_step(x_t, h, c, weights)
        steps.append((c, h))
    return tuple(torch.stack(each, dim=1) for each in zip(*steps, strict=True))


def muted(weights) -> dict[str, torch.Tensor]:
    """The same with the output gate of unit 1 shut for good."""
    heard = torch.tensor([1.0, 0.0])
    return (
        weights | {k: weights[k] * heard for k in ("W_xo", "W_ho")} | {"b_o": weights["b_o"] * heard - 50 * (1 - heard)}
    )


def right_when_mute(weights, gap: int) -> int:
    x, plural = agreement.agreement(500, gap, generator=torch.Generator().manual_seed(0))
    return ((read(x, muted(weights))[1][:, -1, 0] > 0) == (plural > 0.5)).sum().item()


def test_the_numbers_of_the_cell_set_by_hand_are_those_that_it_gives():
    sentences = "the keys outside near the man there ___ . the lamp ___ ."
    x = agreement.Text(tuple(sentences.split()), verbs=(7, 11), plural=(True, False)).features[None]
    package, smaller = guides_weights(), guides_weights(candidate=0.1)
    c, h = read(x, package)
    assert [f"{v:.2f}" for v in (c[0, 7, 0], h[0, 7, 0], h[0, 11, 0], h[0, 7, 1])] == ["1.00", "0.76", "-0.76", "0.76"]
    assert [f"{v[0, 7, 0]:.2f}" for v in read(x, smaller)] == ["0.76", "0.64"]
    assert [f"{v[0, 5, 1]:.2f}" for v in read(x, guides_weights(input=1))] == ["2.00", "0.96"]
    assert [f"{v:.2f}" for v in read(x, muted(package))[0][0, 7]] == ["-0.00", "2.00"]
    whole = guides_weights(input=1, forget=1, candidate=1, output=1)
    for weights, counts in ((package, [500, 154, 172]), (whole, [500, 154, 172]), (smaller, [500, 159, 172])):
        assert [right_when_mute(weights, gap) for gap in (0, 20, 200)] == counts
    for title in ("Two hours: a cell that you set by hand", "Lesson 3: The memory, and what is said of it"):
        text = section(title)
        assert all(
            number in text for number in ("2.00", "0.96", "0.76", "0.64", "154 at 20", "172 at 200", "159 and 172")
        )


def test_weaker_entries_of_W_hi_that_the_guide_allows_pass_too():
    (named,) = re.findall(r"(−\d+) and (−\d+) in the place of −40 pass", TEXT)
    for value in named:
        W_hi = torch.zeros(2, 2)
        W_hi[1, 0] = float(value.replace("−", "-"))
        W_xi = torch.zeros(6, 2)
        W_xi[:2] = 20.0
        weights = W_xi, W_hi, torch.full((2,), -10.0)
        assert check(renamed("input_weights", lambda weights=weights: weights)).passed


def test_no_open_text_before_06_says_what_unit_0_writes_nor_which_verb_is_missing():
    said = re.compile(r"\+1 for|\+1 or −1|−1 for a? ?singular|^It is \*(?:is|are)\*", re.M)
    for path in NOTEBOOKS[:6]:
        opened = [re.sub(r"(?s)<details>.*?</details>", "", cell) for cell in Lesson(path).prose]
        assert said.findall("\n".join(opened)) == [], path.name


@pytest.mark.parametrize("lesson", plans.lessons(), ids=lambda lesson: lesson["title"])
def test_a_lesson_has_answers_and_tasks_for_the_quick_and_a_way_on_for_the_slow(lesson):
    text = section(lesson["title"])
    for part in ("Answers", "For the quick", "For the slow"):
        assert f"**{part}.** " in text
    assert "**At home.**" in text or "**If you are late.**" in text
    exercises_named = set(re.findall(r"`([a-z]+_?\w*)`", text)) & set(exercises())
    quick = text.split("**For the quick.**")[1].split("**For the slow.**")[0]
    in_class = {name for row in lesson["row"] for name in row.get("exercises", ())}
    assert set(re.findall(r"`(\w+)`", quick)) & exercises_named - in_class, "a task that the others do not solve"


CLAIM = re.compile(
    r"(?<!how )\b(?:[Mm]ost|[Ff]ew|[Mm]any) (?:rooms|people|learners|students|classes)\b|\b[Hh]ardly anybody\b"
    r"|\b(?:rooms|people|learners|students) (?:often|usually|tend)\b|\b(?:usual|typical) wrong answer"
)


def test_nothing_is_said_of_what_people_do_that_nobody_has_measured():
    pages = {page.name: page.read_text(encoding="utf-8") for page in (GUIDE, GUIDE.with_name("assessment.md"))}
    pages |= {path.name: "\n".join(Lesson(path).prose) for path in NOTEBOOKS}
    assert {name: found for name, text in pages.items() if (found := CLAIM.findall(text))} == {}


def ten_questions() -> list[list[str]]:
    rows = re.findall(r"(?m)^\| (\d+) \| (.*) \|$", section("Ten questions before the course"))
    assert [int(number) for number, _ in rows] == list(range(1, 11))
    return [rest.split(" | ") for _, rest in rows]


def test_the_answers_to_the_ten_questions_are_right():
    answers = [re.sub("[`*]", "", answer) for _, answer, _ in ten_questions()]
    x, W, b = torch.ones(2, 3), torch.ones(3, 4), torch.arange(4.0)
    three = [torch.ones(2, 4)] * 3
    assert answers[0] == str([2 * k for k in range(3)])
    assert answers[1].startswith(str(tuple((x @ W).shape)))
    with pytest.raises(RuntimeError):
        W @ x
    assert torch.equal(x @ W + b, torch.stack([x[0] @ W + b, x[1] @ W + b]))
    one, two = torch.tensor([1, 2]), torch.tensor([3, 4])
    assert answers[3] == f"{tuple((one * two).tolist())} and {one @ two}"
    linear = torch.nn.Linear(3, 5)
    counts = [sum(w.numel() for w in linear.parameters()), linear.weight.numel(), linear.bias.numel()]
    assert answers[4] == "{}: {} weights, {} biases".format(*counts)
    assert torch.sigmoid(torch.tensor(0.0)) == 0.5 and torch.tanh(torch.tensor(0.0)) == 0
    assert torch.sigmoid(torch.tensor(-20.0)) < 1e-6 and torch.tanh(torch.tensor(-20.0)) < -1 + 1e-6
    point = torch.tensor(3.0, requires_grad=True)
    assert answers[6].startswith(f"{torch.autograd.grad(point**2, point)[0]:.0f};")
    assert answers[7] == "up"  # minus the gradient
    assert answers[8].startswith(f"{0.5**0.5:.3f}…")
    assert answers[9] == str(tuple(torch.stack(three, dim=1).shape))


def test_the_smallest_forget_bias_of_the_tasks_for_the_quick_is_the_smallest_that_passes():
    (bias,) = set(re.findall(r"(?:smallest (?:forget )?bias)[^.]*?(?:\?|,) (\d\.\d)", TEXT))

    def with_bias(value):
        W_xf = torch.zeros(6, 2)
        W_xf[5] = -20.0

        def forget_weights():
            return W_xf, torch.zeros(2, 2), torch.full((2,), value)

        return check(forget_weights).passed

    assert with_bias(float(bias)) and not with_bias(float(bias) - 0.1)


def arguments(name: str) -> list[str]:
    return list(exercises()[name].inputs(input_sets()[0]))


def the_answer(name: str, source: str):
    """The function of an exercise with a wrong answer of the guide as its result."""
    given = ", ".join(arguments(name))
    space = {"torch": torch, "np": np}
    exec(f"def {name}({given}):\n    return {source}", space)
    return space[name]


@pytest.mark.parametrize(
    ("name", "written", "said"),
    ANSWER.findall(TEXT),
    ids=[f"{name}-{k}" for k, (name, *_) in enumerate(ANSWER.findall(TEXT))],
)
def test_a_wrong_answer_gets_the_message_that_the_guide_quotes(name, written, said):
    code = re.fullmatch(r"`([^`]+)`", written)
    if code:
        result = check(the_answer(name, code[1]))
    else:  # described in words: one of the known wrong answers, found by its cause
        known = {edit.cause: edited(name, (edit.id,)) for edit in exercises()[name].edits}
        assert said in known, f"no known wrong answer to {name} has this cause"
        result = check(renamed(name, known[said]))
    assert not result.passed
    assert said in result.message


def renamed(name: str, f):
    """f under the name and with the arguments of the exercise."""

    def answer(*given):
        return f(*given)

    answer.__name__ = name
    kind = inspect.Parameter.POSITIONAL_ONLY
    answer.__signature__ = inspect.Signature([inspect.Parameter(each, kind) for each in arguments(name)])
    return answer


def test_the_links_of_the_guide_lead_to_files_and_headings_that_exist():
    assert list(broken_links(TEXT, GUIDE)) == []
