"""A fault seen from outside: every way to write it is right, and what is wrong is shown by an input."""

import ast
import itertools
import re
import time

import pytest
import torch
from answers import in_notebook

from lstm_lesson import cells, check
from lstm_lesson.exercises import faults

NAMES = ("first_fault", "second_fault")
OWN = "torch.tensor([[2.0, 0.0]])"
SECOND = "'i_t', 'sigmoid(x_t @ W_xi + c_prev @ W_hi + b_i)', "


def answered(name, returned):
    return check(in_notebook(f"def {name}():\n    return {returned}"))


def lines(name):
    place, line, _ = getattr(faults, name)()
    return {place: line}


def all_six(x, name=None):
    """The six values along x (B, T, 2), (B, T, 6), of a hidden cell or of a right one."""
    values = faults.run(x, faults.weights(), lines(name) if name else {})
    return torch.cat([values[k] for k in "ifgoch"], dim=2)


def test_the_cell_without_a_fault_is_the_package_s():
    x, weights = torch.randn(5, 4, 2), faults.weights()
    h = c = torch.zeros(5, 1)
    for t in range(4):
        values = cells.lstm_values(x[:, t], h, c, weights)
        assert torch.allclose(all_six(x)[:, t], torch.cat([getattr(values, k) for k in "ifgoch"], dim=1), atol=1e-6)
        h, c = values.h, values.c


@pytest.mark.parametrize(
    ("name", "returned"),
    [
        ("first_fault", f"'c_t', 'f_t * c_prev + g_t - f_t * g_t', {OWN}"),
        ("first_fault", "['c_t', ' torch.lerp(g_t, c_prev, f_t) ', [[-3, 0]]]"),
        ("second_fault", SECOND + "[[1, 0], [0, 0]]"),
        (
            "second_fault",
            "'i_t', '1 / (1 + torch.exp(-(x_t @ W_xi + 2 * c_prev + b_i)))', torch.tensor([[3, 0], [0, 0]])",
        ),
    ],
)
def test_any_way_to_write_the_fault_is_right_if_the_six_values_agree(name, returned):
    assert answered(name, returned).passed


WRONG = [
    (
        "first_fault",
        f"'c_t', 'f_t * c_prev + f_t * g_t', {OWN}",
        "has c = −0.0674 after step 1; with your line it is −0.224",
    ),
    ("first_fault", f"'h_t', 'o_t * c_t', {OWN}", "On x = [[-0.2, 0.1]] the hidden cell has c = −0.0674 after step 1"),
    ("first_fault", f"'c_t', 'f_t * c_prev + (1 - f_t) * g_t + 1e-5', {OWN}", "with your line it is"),
    (
        "first_fault",
        f"'i_t', '1 - sigmoid(x_t @ W_xf + h_prev @ W_hf + b_f)', {OWN}",
        "i = 0.622 after step 1; with your line it is 0.231",
    ),
    ("first_fault", f"'c_t', 'g_t / 0', {OWN}", "with your line it is -inf"),
    (
        "second_fault",
        f"'i_t', 'sigmoid(x_t @ W_xi + b_i)', {OWN}",
        "x = [[-0.2, 0.1], [0.7, -0.5]] the hidden cell has i = 0.497 after step 2; with your line it is 0.587",
    ),
    ("second_fault", SECOND + "[[0, 1], [0, 1]]", "your x does not show the fault"),
    ("second_fault", SECOND + "[[0.001, 0], [0, 0]]", "your x does not show the fault"),
    ("second_fault", SECOND + "[[1, 0]]", "your x does not show the fault"),
    ("second_fault", SECOND + "[[1, 0], [0, 1]]", "A smaller x shows it, too: one with 1 more zero."),
    ("second_fault", SECOND + "[[1, 0], [0, 0], [0, 0]]", "one with 1 fewer step."),
    ("second_fault", SECOND + "[[0, 0], [1, 0], [0, 0]]", "one with 1 fewer step."),
    ("second_fault", SECOND + "torch.ones(60, 2)", "one with 58 fewer steps."),
]


@pytest.mark.parametrize(("name", "returned", "says"), WRONG)
def test_what_is_wrong_is_shown_by_an_input(name, returned, says):
    result = answered(name, returned)
    assert result.outcome == "wrong"
    assert says in result.message


@pytest.mark.parametrize(
    ("returned", "says"),
    [
        ("3", "You return a Python number (int); expected three"),
        ("[1, 2, 3]", "You return 1 and 2; expected three"),
        ("'c_t', 'f_t'", "You return a tuple with 2 entries"),
        ("['c_t'], 'f_t', [[1, 0]]", "The places: i_t, f_t, g_t, o_t, c_t, h_t"),
        ("'z_i', 'b_i', [[1, 0]]", "The places"),
        ("'c_t', None, [[1, 0]]", "expected three"),
        ("'c_t', 'c_t = f_t', [[1, 0]]", "`c_t = f_t` does not run at the place of `c_t`"),
        ("'c_t', 'f_t * cell', [[1, 0]]", "name 'cell' is not defined"),
        ("'c_t', 'c_prev[0]', [[1, 0]]", "c_t has shape (1,)"),
        ("'c_t', '1', [[1, 0]]", "right of the `=`; it makes a tensor (B, 1)."),
        ("'i_t', '0.861', [[1, 0]]", "i_t is of type float; the line has to make a tensor (B, H) = (2, 1)"),
        ("'c', 'f_t ⊙ c_prev', [[1, 0]]", "at the place of `c_t` with B = 2: It raises SyntaxError"),
        ("'c', 'c_t = f_t', [[1, 0]]", "Write Python: `*` for ⊙, `@`, `sigmoid(…)`"),
        ("'f_t', 'σ(x_t @ W_xf)', [[1, 0]]", "; only what stands right of the `=`"),
        ("'c_t', 'f_t @ g_t', [[1, 0]]", "cannot be multiplied (2x1 and 2x1)"),
        ("'c_t', 'f_t', torch.ones(10_000, 2)", "x has shape (10000, 2); it needs (T, 2), with 1 to 60 steps"),
        ("'c_t', 'f_t', torch.ones(2)", "x has shape (2,)"),
        ("'c_t', 'f_t', [[1, float('nan')]]", "x has entries beyond ±100, or not finite"),
        ("'c_t', 'f_t', [[1, 0], [1]]", "x is of type list; it needs a tensor (T, 2)"),
        ("'c_t', 'f_t', None", "x is of type NoneType"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_what_is_no_answer_is_said_at_once(returned, says):
    start = time.process_time()
    result = answered("first_fault", returned)
    assert not result.passed and says in result.message, result
    assert time.process_time() - start < 1


def test_no_two_gates_of_a_hidden_cell_agree_on_an_easy_input():
    first = all_six(torch.tensor([[[0.0, 0.0]], [[1.0, 0.0]], [[0.0, 1.0]]]))[:, 0, [0, 1, 3]]  # i, f, o
    values = torch.cat([first, 1 - first], dim=1).sort(dim=1).values
    assert values.diff(dim=1).min() > faults.VISIBLE


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_line_is_refuted_without_handing_over_the_smallest_input(name):
    messages = [answered(name, f"{line}, {OWN}").message for line in ("'h_t', 'o_t * c_t'", "'i_t', '0 * x_t[:, :1]'")]
    shown = re.findall(r"x = (\[\[.*?\]\])", " ".join(messages))
    assert len(shown) == 2 and not any(0.0 in row for x in shown for row in ast.literal_eval(x))


def test_a_line_that_never_ends_is_stopped():
    assert "It was stopped" in answered("first_fault", f"'c_t', '[0 for _ in iter(int, 1)]', {OWN}").message


@pytest.mark.parametrize("name", NAMES)
def test_no_smaller_input_shows_the_fault_than_that_of_the_solution(name):
    smallest = getattr(faults, name)()[2]
    steps, entries = len(smallest), int(smallest.count_nonzero())
    values = (0.0, 1.0, -1.0, 3.0, -3.0, 30.0)
    for T in range(1, steps + 1):
        x = torch.tensor(list(itertools.product(values, repeat=2 * T))).reshape(-1, T, 2)
        if steps == T:
            x = x[x.flatten(1).count_nonzero(dim=1) < entries]
        assert (all_six(x) - all_six(x, name)).abs().max() < faults.VISIBLE


def test_every_value_of_a_hidden_cell_stays_in_its_range():
    x = 8 * torch.rand(50, 40, 2) - 4  # of a larger x, σ rounds to 1
    for name in NAMES:
        i, f, g, o, _, h = all_six(x, name).unbind(dim=2)
        assert all(((gate > 0) & (gate < 1)).all() for gate in (i, f, o))
        assert all((value.abs() <= 1).all() for value in (g, h))


def test_the_second_fault_is_invisible_in_the_first_step_and_the_first_is_not():
    x = torch.tensor([[[2.0, 1.0]]])
    assert torch.equal(all_six(x), all_six(x, "second_fault"))
    assert not torch.allclose(all_six(x), all_six(x, "first_fault"), atol=0.1)


def test_a_trace_has_six_values_by_name_after_each_step():
    shapes = {letter: tuple(values.shape) for letter, values in faults.trace("first_fault", torch.zeros(3, 2)).items()}
    assert shapes == dict.fromkeys("ifgoch", (3, 1))


def test_a_trace_names_what_it_cannot_take():
    with pytest.raises(ValueError, match="name is 'third'; it needs one of first_fault, second_fault"):
        faults.trace("third", torch.zeros(1, 2))
    with pytest.raises(ValueError, match=re.escape("x has shape (2,); it needs (T, 2)")):
        faults.trace("first_fault", torch.zeros(2))
