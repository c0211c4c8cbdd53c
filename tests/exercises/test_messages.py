"""The message on a wrong answer says what was got, what was expected, and the cause."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from answers import in_notebook, named, stacked, stacked_lstm
from often import one_in

from lstm_lesson import backward, check, equations, layers
from lstm_lesson.exercises.exercise import exercises

GATE = "def input_gate(x_t, h_prev, W_xi, W_hi, b_i):\n    {}"
RIGHT_LINE = "torch.sigmoid(x_t @ W_xi + h_prev @ W_hi + b_i)"
PYTHON_MISTAKES = {
    "forgets return": (RIGHT_LINE, "wrong", "returns nothing (None)"),
    "prints": (f"print({RIGHT_LINE})", "wrong", "It prints, and returns nothing"),
    "NumPy": (f"return {RIGHT_LINE}.numpy()", "wrong", "NumPy array"),
    "list": (f"return {RIGHT_LINE}.tolist()", "wrong", "You return a list with 3 entries"),
    "comma": (f"return {RIGHT_LINE},", "wrong", "comma"),
    "number": (f"return {RIGHT_LINE}.sum().item()", "wrong", "Python number (float)"),
    "transposed": (f"return {RIGHT_LINE}.T", "wrong", "transposed"),
    "extra dimension": (f"return {RIGHT_LINE}[None]", "wrong", "are right, in another shape"),
    "squeezed": (f"return {RIGHT_LINE}.squeeze()", "wrong", "squeeze"),
    "float": (f"return {RIGHT_LINE}.float()", "wrong", "has dtype torch.float32; expected torch.float64"),
    "detached": (f"return {RIGHT_LINE}.detach()", "wrong", "the input gate is detached"),
    "no_grad": (f"with torch.no_grad(): return {RIGHT_LINE}", "wrong", "the input gate is detached"),
    "weight detached": (
        "return torch.sigmoid(x_t @ W_xi.detach() + h_prev @ W_hi + b_i)", "wrong", "No gradient reaches `W_xi`",
    ),
    "in place": (f"i = {RIGHT_LINE}; h_prev.zero_(); return i", "wrong", "changes `h_prev` in place"),
    "in place on the way": (f"x_t *= 2; return {RIGHT_LINE}", "wrong", "changes `x_t` in place"),
    "ignores": ("return torch.sigmoid(3 * x_t @ W_xi + b_i)", "wrong", "whatever `h_prev` and `W_hi` may be"),
    "B = 1 only": (f"return {RIGHT_LINE}[:1]", "wrong", "only the first row is read"),
    "random": ("return torch.sigmoid(x_t @ W_xi + h_prev @ W_hi + b_i + torch.rand(1))", "wrong", "A second call"),
    "raises": ("return 1 / 0", "crashed", "ZeroDivisionError"),
    "recursion": ("return input_gate(x_t, h_prev, W_xi, W_hi, b_i)", "crashed", "calls itself without end"),
    "endless": ("while True: pass", "crashed", "stopped after"),
    "endless, catching": ("\n    while True:\n        try: sleep(1)\n        except: pass", "crashed", "stopped after"),
    "exit": ("exit(1)", "crashed", "SystemExit"),
    "interrupt": ("raise KeyboardInterrupt", "crashed", "interrupted"),
    "no such name": ("return torch.sigmoid(x_t @ W_xi + h_prev @ W_hi + bias)", "crashed", "NameError"),
    "not implemented by torch": ("return torch.sigmoid(x_t.long() @ W_xi)", "crashed", "RuntimeError"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "outcome", "text"), PYTHON_MISTAKES.values(), ids=PYTHON_MISTAKES)
def test_the_message_names_a_mistake_in_python(body, outcome, text):
    result = check(in_notebook(GATE.format(body)))
    assert result.outcome == outcome
    assert text in result.message
    assert result.message.count("\n") <= 2


def test_a_wrong_number_or_order_of_arguments_is_named():
    too_few = check(in_notebook("def input_gate(x_t, h_prev, W_xi, W_hi): return x_t"))
    assert too_few.outcome == "crashed"
    assert "it takes 4 arguments" in too_few.message
    assert "expected 5 (x_t, h_prev, W_xi, W_hi, b_i)" in too_few.message
    turned = in_notebook(GATE.replace("x_t, h_prev", "h_prev, x_t", 1).format(f"return {RIGHT_LINE}"))
    assert "another order" in check(turned).message


def test_a_tuple_in_the_wrong_order_is_named():
    def lstm_step(x_t, h_prev, c_prev, weights):
        return stacked(x_t, h_prev, c_prev, weights)[::-1]

    assert "another order: expected `h_t` and `c_t`" in check(lstm_step).message


def test_a_nested_tuple_is_named():
    result = check(named("lstm", lambda *a: (lambda seq, h, c: (seq, (h, c)))(*stacked_lstm(*a))))
    assert "a tuple inside a tuple; expected 3 tensors (hidden_seq, h_T, c_T), side by side" in result.message


ENTRIES = {
    "a list": ("pad_batch", lambda ids, n: (ids, n.tolist()), "`lengths` is a list with 3", "tensor (B,), torch.int64"),
    "NumPy": ("pad_batch", lambda ids, n: (ids.numpy(), n), "`ids` is a NumPy array", "tensor (B, T), torch.int64"),
    "None": ("lstm_step", lambda h, c: (h, None), "`c_t` is nothing (None)", "tensor (B, H)"),
    "a comma": ("lstm_step", lambda h, c: ((h,), c), "`h_t` is a tuple with 1 entry", "Does a comma stand"),
    "a pair": (
        "from_torch_weights", lambda w: {**w, "b_i": (w["b_i"], w["b_i"])}, '`weights["b_i"]` is a tuple', "tensor (6,)"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "change", "got", "expected"), ENTRIES.values(), ids=ENTRIES)
def test_an_entry_that_is_no_tensor_is_named_with_the_shape_it_needs(name, change, got, expected):
    def answer(*given):
        right = exercises()[name].solve()(*given)
        return change(*right) if isinstance(right, tuple) else change(right)

    message = check(named(name, answer)).message
    assert got in message
    assert expected in message


INNER = {  # what is returned in place of the dictionary inside a tuple, and the message
    "a missing key": (lambda d: {k: v for k, v in d.items() if k != "b_o"}, "`dweights`: The dictionary has no entry"),
    "no tensor": (lambda d: {**d, "b_i": None}, '`dweights["b_i"]` is nothing (None)'),
    "a list": (lambda d: list(d.values()), "`dweights`: You return a list with 12 entries; expected a dictionary"),
    "another shape": (lambda d: {**d, "b_f": d["b_f"][None]}, '`dweights["b_f"]` has shape (1, 6); expected (6,)'),
    "another value": (lambda d: {**d, "W_ho": d["W_ho"] + 1}, '`dweights["W_ho"][0, 0]` is'),
}


@pytest.mark.parametrize(("change", "text"), INNER.values(), ids=INNER)
def test_an_entry_of_a_dictionary_inside_a_tuple_is_named(change, text):
    def answer(*given):
        *states, dweights = backward.lstm_backward_step(*given)
        return *states, change(dweights)

    result = check(named("lstm_backward_step", answer))
    assert result.outcome == "wrong"
    assert text in result.message


def test_a_missing_result_is_reported_with_the_names_of_all():
    result = check(named("lstm_backward_step", lambda *given: backward.lstm_backward_step(*given)[1:]))
    assert "You return a tuple with 3 entries; expected 4 values (dx_t, dh_prev, dc_prev, dweights)." in result.message


def test_wrong_keys_are_named_beside_the_missing_ones():
    def answer(*given):
        return {name.replace("c", "g"): w for name, w in layers.from_torch_weights(*given).items()}

    message = check(named("from_torch_weights", answer)).message
    assert "no entry `W_xc`, `W_hc` and `b_c`, but `W_xg`, `W_hg` and `b_g`" in message


@pytest.mark.parametrize("name", ["masked_accuracy", "spectral_radius"])
def test_a_python_number_for_a_tensor_without_dimensions_is_named(name):
    message = check(named(name, lambda *given: exercises()[name].solve()(*given).item())).message
    assert "You return a Python number (float); expected one tensor without dimensions." in message


def test_a_list_is_wrong_where_the_caller_needs_a_tuple():
    def truncate(state):
        return [part.detach() for part in state] if isinstance(state, tuple) else state.detach()

    assert "You return a list; expected a tuple" in check(truncate).message


@pytest.mark.parametrize("body", ["raise NotImplementedError", "pass"])
def test_a_stub_that_an_answer_calls_is_named(body):
    source = """
def hidden_state(o_t, c_t):
    {}

def lstm_step(x, h, c, w):
    return hidden_state(x @ w["W_xo"], c) + 0, c"""
    space = {"torch": torch, "__name__": "__main__"}
    exec(source.format(body), space)
    result = check(space["lstm_step"])
    assert result.outcome == "crashed"
    assert "`hidden_state`, which you call, is still open" in result.message
    assert "`equations.hidden_state`" in result.message


def test_a_tensor_without_numbers_is_named_by_its_device():
    meta = check(named("input_gate", lambda x, h, W, U, b: torch.zeros(len(x), len(b), dtype=x.dtype, device="meta")))
    assert "is torch.strided on meta; expected torch.strided on cpu" in meta.message


def test_a_stub_whose_error_the_answer_catches_is_named():
    source = """
def rnn_step(x_t, h_prev, W_xh, W_hh, b_h):
    raise NotImplementedError

def unroll(x, h_0, W_xh, W_hh, b_h):
    states = []
    for x_t in x.unbind(1):
        try:
            h_0 = rnn_step(x_t, h_0, W_xh, W_hh, b_h)
        except Exception:
            pass
        states.append(h_0)
    return torch.stack(states, dim=1)"""
    space = {"torch": torch, "__name__": "__main__"}
    exec(source, space)
    result = check(space["unroll"])
    assert result.outcome == "wrong"
    assert "`rnn_step`, which you call, is still open" in result.message
    exec("def rnn_step(x, h, W, U, b):\n    if x is None: raise NotImplementedError\n    return x @ W", space)
    assert "still open" not in check(space["unroll"]).message


def test_of_an_open_exercise_it_is_said_which_function_calls_it_and_nothing_if_none_does():
    source = """
def hidden_state(o_t, c_t):
    raise NotImplementedError

def shown(o_t, c_t):
    return hidden_state(o_t, c_t)

def lstm_step(x, h, c, w):
    return {}, c"""
    space = {"torch": torch, "__name__": "__main__"}
    exec(source.format("shown(c, c)"), space)
    assert "`hidden_state`, which your `shown` calls, is still open" in check(space["lstm_step"]).message
    exec(source.format("[hidden_state(c, c) for _ in range(1)][0]"), space)
    assert "`hidden_state`, which you call, is still open" in check(space["lstm_step"]).message
    exec(source.format("c if c is not None else hidden_state(c, c)"), space)
    assert "still open" not in check(space["lstm_step"]).message
    assert space["hidden_state"].__name__ == "hidden_state"


def test_states_overwritten_in_place_are_named():
    def lstm(x, h_0, c_0, weights):
        hidden_seq = []
        for t in range(x.shape[1]):
            h_t, c_t = stacked(x[:, t], h_0, c_0, weights)
            h_0.copy_(h_t)
            c_0.copy_(c_t)
            hidden_seq.append(h_0)
        return torch.stack(hidden_seq, dim=1), h_0, c_0

    assert "overwritten in place" in check(lstm).message


def test_a_tensor_overwritten_in_place_that_the_backward_pass_needs_is_named():
    def lstm(x, h_0, c_0, weights):
        h, c = h_0.clone(), c_0.clone()
        hidden_seq = torch.zeros(*x.shape[:2], h.shape[1], dtype=h.dtype)
        for t in range(x.shape[1]):
            h[:], c[:] = stacked(x[:, t], h, c, weights)
            hidden_seq[:, t] = h
        return hidden_seq, h, c

    assert "whose old values the backward pass still needs" in check(lstm).message


def test_an_answer_that_is_right_on_some_inputs_without_sizes_gets_their_number():
    def half_life(f):
        return -1 / torch.log2(f) if f.ndim < 2 else f

    assert "Right for 4 of 9 sets of inputs" in check(half_life).message


@pytest.mark.parametrize("line", ["x", "(x_t + 0 * old)"])
def test_a_tensor_of_the_notebook_that_makes_an_answer_wrong_is_named(line):
    source = f"def input_gate(x, h, W, U, b):\n    return torch.sigmoid({line} @ W_xi + h @ U + b)"
    result = check(in_notebook(source, W_xi=torch.randn(4, 6), x_t=torch.randn(3, 4), old=torch.ones(3, 4)))
    assert not result.passed
    assert "`W_xi`" in result.message
    assert "from the notebook" in result.message


def test_a_correct_answer_that_reads_a_tensor_of_the_notebook_is_wrong():
    result = check(in_notebook(GATE.format(f"return {RIGHT_LINE} + 0 * c_prev.sum()"), c_prev=torch.ones(1)))
    assert result.outcome == "wrong"
    assert "reads `c_prev` from the notebook" in result.message


def test_an_answer_may_use_functions_and_constants_of_the_notebook():
    source = "def squash(z): return 1 / (ONE + torch.exp(-z))\n" + GATE.format(
        "return squash(x_t @ W_xi + h_prev @ W_hi + b_i)"
    )
    space = {"torch": torch, "ONE": 1, "__name__": "__main__"}
    exec(source, space)
    assert check(space["input_gate"]).passed
    assert check(in_notebook(GATE.format(f"return HALF * 2 * {RIGHT_LINE}"), HALF=torch.tensor(0.5))).passed


def test_an_answer_with_another_name_is_found_by_its_variable():
    space = {"check": check, "torch": torch}
    exec("hadamard = lambda a, b: a * b\nresult = check(hadamard)", space)
    assert space["result"].passed


def test_a_wrong_value_shows_what_was_got_and_what_was_expected():
    def hadamard(a, b):
        return a * b + (a > 1)

    message = check(hadamard).message
    assert "; expected " in message
    assert "`(a ⊙ b)[" in message


def test_zero_is_shown_without_a_sign():
    message = check(named("cell_state", lambda f, c, i, g: -0.0 * f)).message
    assert "`c_t[0, 0]` is 0; expected " in message


def test_a_message_on_gradients_says_once_that_the_values_are_right():
    h_cut = check(named("lstm_step", lambda x, h, c, w: stacked(x, h.detach(), c, w))).message
    assert h_cut.count("alues are right") == 1
    assert "No gradient reaches `h_prev`; expected one." in h_cut
    unknown = check(named("lstm_step", lambda x, h, c, w: stacked(x.detach(), h, c, w))).message
    assert unknown.count("alues are right") == 1
    assert "o gradient reaches `x_t`; expected one." in unknown


def test_numpy_is_named_where_it_breaks_the_gradients():
    message = check(named("half_life", lambda f: np.log(0.5) / np.log(f))).message
    assert "NumPy knows no gradients" in message
    assert "breaks: it raises" in message


SINGLE = {
    "np.log(0.5) / float(f)": "A whole tensor comes where one number is wanted",
    "1 / f if f > 0 else f": "want one yes or no",
}


@pytest.mark.parametrize(("line", "text"), SINGLE.items())
def test_a_tensor_where_python_needs_one_number_is_named(line, text):
    assert text in check(in_notebook(f"def half_life(f):\n    return {line}")).message


def test_a_wrong_answer_that_always_raises_is_recognised_by_its_error():
    crash = check(named("clip_by_norm", lambda grads, m: torch.cat(grads).norm()))
    assert crash.outcome == "crashed"
    assert "`cat` joins tensors" in crash.message
    other = check(named("clip_by_norm", lambda grads, m: torch.cat([grads[2], grads[0]])))  # another order, other words
    assert "`cat` joins tensors" not in other.message


def test_two_close_numbers_are_shown_with_enough_digits_to_differ():
    def hadamard(a, b):
        return a * b * (1 + 1e-7)

    got, expected = re.search(r"is (\S+); expected (\S+) \(with", check(hadamard).message).groups()
    assert got != expected


def test_a_misspelt_name_gets_the_correct_one():
    def input_gatte():
        pass

    assert "`input_gate`" in check(input_gatte).message


def test_printed_text_is_captured_and_mentioned(capsys):
    def hadamard(a, b):
        print("here I am")
        return a * b

    result = check(hadamard)
    assert result.passed
    assert "here I am" in result.message
    assert capsys.readouterr() == ("", "")


def test_a_result_has_a_mark_and_for_wrong_values_a_picture():
    right, wrong = check(equations.cell_state), check(named("cell_state", lambda f, c, i, g: f * c))
    assert repr(right).startswith("✅")
    assert right._repr_html_() is None
    assert repr(wrong).startswith("❌")
    assert "  \n" in wrong._repr_markdown_()
    page = wrong._repr_html_()
    assert "<img" in page
    assert "alt=" in page
    assert "Nothing new comes in" in page


PICTURES = {  # an exercise, an answer, and what lies along the picture's two sides
    "gates": ("input_gate", lambda *given: 1 - exercises()["input_gate"].solve()(*given), "sequence", "unit"),
    "steps": ("unroll", lambda *given: 0 * exercises()["unroll"].solve()(*given), "step", "unit"),
    "weights": (
        "from_torch_weights", lambda *given: {k: 2 * w for k, w in layers.from_torch_weights(*given).items()}, "input",
        "unit",
    ),
    "gradients": (
        "rnn_backward_step", lambda dh, x, h_prev, h, W, U: (dh @ W.T, dh @ U.T, x.T @ dh, h_prev.T @ dh, dh.sum(0)),
        "sequence", "input",
    ),
    "a forecast": ("free_run", lambda *given: 2 * exercises()["free_run"].solve()(*given), "series", "step"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "answer", "rows", "columns"), PICTURES.values(), ids=PICTURES)
def test_the_picture_names_what_its_rows_and_columns_are(name, answer, rows, columns, monkeypatch):
    from lstm_lesson import plots

    drawn = {}
    monkeypatch.setattr(plots, "heatmaps", lambda maps, **how: drawn.update(how) or plots.Picture)
    check(named(name, answer))._repr_html_()
    assert (drawn["ylabel"], drawn["xlabel"]) == (rows, columns)


@pytest.mark.parametrize("encoding", one_in(3, ["ascii", "cp1252", "utf-8"]))
def test_results_and_hints_print_on_every_terminal(encoding):
    code = "from lstm_lesson import check, hint, progress, solution\n"
    code += (
        "def input_gate(x_t, h_prev, W_xi, W_hi, b_i): return (x_t @ W_xi - h_prev @ W_hi + b_i.roll(1)).tanh() - 0.5\n"
    )
    code += "print(check(input_gate), hint(input_gate), solution(input_gate), progress())"
    how = {"capture_output": True, "check": False, "env": {**os.environ, "PYTHONIOENCODING": encoding}}
    ran = subprocess.run([sys.executable, "-c", code], **how)
    assert ran.returncode == 0, ran.stderr
    shown = ran.stdout.decode(encoding)
    assert ("❌ `input_gate`" if encoding == "utf-8" else "[wrong] `input_gate`") in shown
    assert ("an entry of −" if encoding == "utf-8" else "an entry of -") in shown
    assert "?" not in shown.split("Hint")[0]


def test_a_picture_that_fails_leaves_the_message(monkeypatch):
    def no_plots(*_):
        raise ImportError("no plots")

    monkeypatch.setattr("lstm_lesson.exercises.grading._heatmaps", no_plots)
    wrong = check(named("cell_state", lambda f, c, i, g: f * c))
    assert wrong._repr_html_() is None
    assert "Nothing new comes in" in wrong._repr_markdown_()
