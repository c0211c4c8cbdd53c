"""Wrong answers to `gru_step` as learners write them, and what is said of them."""

import re

import pytest
from answers import in_notebook

from lstm_lesson import check, solution

LINE_BY_LINE = """def gru_step(x_t, h_prev, weights):
    w = weights
    r = torch.sigmoid(x_t @ w["W_xr"] + h_prev @ w["W_hr"] + w["b_r"])
    z = torch.sigmoid(x_t @ w["W_xz"] + h_prev @ w["W_hz"] + w["b_z"])
    g = {g}
    return {h_t}"""
ONE_MATMUL = """def gru_step(x, h, weights):
    W, U, b = (torch.cat([weights[n + k] for k in "rz"], dim=-1) for n in ("W_x", "W_h", "b_"))
    reset, update = (x @ W + h @ U + b).sigmoid().chunk(2, dim=1)
    from_x, from_h = x @ weights["W_xh"], h @ weights["W_hh"]
    new = {g}
    return {h_t}"""
RENAMED = {
    r"x_t @ W_xh": "from_x", r"(?<!r \* )h_prev @ W_hh": "from_h",
    r"\br\b": "reset", r"\bz\b": "update", r"\bg\b": "new",
    r"\bh_prev\b": "h", r"torch\.tanh": "F.tanh", r"torch\.sigmoid": "F.sigmoid",
    r"\b(W_hh|b_h|b_hh)\b": r'weights["\1"]',
}  # fmt: skip


def line_by_line(g, h_t):
    g, h_t = (re.sub(r"\b([Wb]_\w+)\b", r'w["\1"]', part) for part in (g, h_t))
    return LINE_BY_LINE.format(g=g, h_t=h_t)


def one_matmul(g, h_t):
    for name, other in RENAMED.items():
        g, h_t = re.sub(name, other, g), re.sub(name, other, h_t)
    return ONE_MATMUL.format(g=g, h_t=h_t)


G, H_T = "torch.tanh(x_t @ W_xh + r * (h_prev @ W_hh + b_hh) + b_h)", "z * h_prev + (1 - z) * g"
OUTPUT_GATE, TANH_AND_GATE = "A gate stands before the new state", "goes through a tanh and a gate"
OWN_GATE = "torch.sigmoid(x_t @ W_xh + h_prev @ W_hh + b_h)"
MIXES = {  # the new state, and what is said of it
    "r * h_prev + (1 - z) * g": "`r_t` weighs `h_prev`. The reset gate acts inside the candidate alone",
    "z * h_prev + r * g": "`r_t` weighs the candidate. The reset gate acts",
    "z * h_prev + (1 - r) * g": "1 − r weighs the candidate. The reset gate acts",
    "(1 - r) * h_prev + r * g": "1 − r weighs `h_prev`, and `r_t` weighs the candidate",
    "r * h_prev + z * g": "`r_t` weighs `h_prev`, and `z_t` weighs the candidate",
    "r * h_prev + g": "the update gate reads its weights: both give these numbers",
    "z * g": "Nothing of `h_prev` is kept, and `z_t` weighs the candidate",
    "r * g": "Nothing of `h_prev` is kept, and `r_t` weighs the candidate",
    "(1 - z) * g": "Nothing of `h_prev` is kept",
    "(1 - z) * h_prev": "1 − z weighs `h_prev`, and nothing of the candidate arrives",
    "z * h_prev": "Nothing of the candidate arrives in the state",
    "h_prev": "`h_prev` is kept whole, and nothing of the candidate arrives",
    "z * h_prev + g": "The candidate is added whole",
    "h_prev + (1 - z) * g": "`h_prev` is kept whole",
    "h_prev + z * g": "`h_prev` is kept whole, and `z_t` weighs the candidate",
    "h_prev + g": "`h_prev` is kept whole, and the candidate is added whole",
    "(1 - z) * h_prev + g": "1 − z weighs `h_prev`, and the candidate is added whole",
    "r * z * h_prev + (1 - z) * g": "Both gates weigh `h_prev`",
    "z * (h_prev + (1 - z) * g)": "The update gate stands before a bracket",
    "(z * h_prev + 1 - z) * g": "The candidate stands behind a bracket",
    f"z * h_prev + {OWN_GATE} * g": "The candidate has a gate of its own",
    f"{OWN_GATE} * h_prev + (1 - z) * g": "`h_prev` has a gate of its own",
    f"{OWN_GATE} * h_prev + (1 - {OWN_GATE}) * g": "The update gate reads the weights of the candidate",
    f"r * ({H_T})": OUTPUT_GATE,
    f"(1 - z) * ({H_T})": OUTPUT_GATE,
    f"{OWN_GATE} * ({H_T})": OUTPUT_GATE,
    f"z * torch.tanh({H_T})": TANH_AND_GATE,
    f"r * torch.tanh({H_T})": TANH_AND_GATE,
    f"{OWN_GATE} * torch.tanh({H_T})": TANH_AND_GATE,
    "r * torch.tanh(z * h_prev + g)": "Two mistakes. First: The candidate is added whole",
    f"(r * torch.tanh({H_T}), {H_T})": "You return two tensors, as an LSTM does",
    f"(torch.tanh({H_T}), {H_T})": "You return two tensors, as an LSTM does",
    f"({H_T}, {H_T})": "A GRU has one state",
}
TERMS = "The reset gate multiplies the term with `x_t`, too"
CANDIDATES = {  # the candidate, and what is said of it
    "torch.tanh(x_t @ W_xh + r * (h_prev @ W_hh + b_hh + b_h))": "Both biases stand inside the bracket",
    "torch.tanh(x_t @ W_xh + r * (h_prev @ W_hh + b_hh + b_h) + b_h)": "`b_h` is added twice, inside",
    "torch.tanh(x_t @ W_xh + r * (h_prev @ W_hh + b_hh + b_h) + b_hh)": "and `b_hh` outside it again",
    "torch.tanh(x_t @ W_xh + r * (h_prev @ W_hh + b_hh) + b_h + b_hh)": "`b_hh` is added twice, inside",
    "torch.tanh(x_t @ W_xh + r * (h_prev @ W_hh + b_hh + b_h) + b_h + b_hh)": "Both biases are added twice",
    "torch.tanh(x_t @ W_xh + r * (h_prev @ W_hh + b_h) + b_h + b_hh)": "and `b_h` inside it again",
    "torch.tanh(x_t @ W_xh + r * (h_prev @ W_hh + b_h))": "and `b_hh` nowhere",
    "torch.tanh(x_t @ W_xh + r * (h_prev @ W_hh + b_hh)) + b_h": "`b_h` is added outside the tanh",
    "torch.tanh(x_t @ W_xh + r * (h_prev @ W_hh) + b_h) + b_hh": "`b_hh` is added outside the tanh",
    "torch.tanh(x_t @ W_xh + r * (h_prev @ W_hh)) + b_h + b_hh": "Both biases are added outside the tanh",
    "torch.tanh(x_t @ W_xh + r * (h_prev @ W_hh) + b_hh + b_h)": "`b_hh` stands outside the bracket",
    "torch.tanh(x_t @ W_xh + h_prev @ W_hh + r * b_hh + b_h)": "The reset gate multiplies `b_hh` alone",
    "torch.tanh(x_t @ W_xh + b_h) + r * (h_prev @ W_hh + b_hh)": "is added outside its tanh",
    "torch.tanh(x_t @ W_xh) + r * (h_prev @ W_hh + b_hh) + b_h": "Only the term with `x_t` is inside the tanh",
    "torch.tanh(r * (h_prev @ W_hh + b_hh) + b_h) + x_t @ W_xh": "The term with `x_t` is added outside the tanh",
    "torch.tanh(x_t @ W_xh + b_h) + r * torch.tanh(h_prev @ W_hh + b_hh)": "go through a tanh each",
    "torch.tanh(x_t @ W_xh + b_h) + torch.tanh(r * (h_prev @ W_hh + b_hh))": "go through a tanh each",
    "torch.tanh(r * (x_t @ W_xh + h_prev @ W_hh) + b_h + b_hh)": TERMS,
    "torch.tanh(r * (x_t @ W_xh + h_prev @ W_hh + b_hh) + b_h)": TERMS,
    "torch.tanh(r * (x_t @ W_xh + h_prev @ W_hh + b_h) + b_hh)": TERMS,
    "torch.tanh(r * (x_t @ W_xh + b_h) + h_prev @ W_hh + b_hh)": "The reset gate limits the input",
    "r * torch.tanh(x_t @ W_xh + r * (h_prev @ W_hh + b_hh) + b_h)": "multiplies the finished candidate again",
    "torch.tanh(x_t @ W_xh + (1 - z) * (h_prev @ W_hh + b_hh) + b_h)": "1 − z limits what the candidate reads",
    "torch.tanh(x_t @ W_xh + (z * h_prev) @ W_hh + b_hh + b_h)": "The update gate multiplies `h_prev` before",
    "torch.tanh(x_t @ W_xh + r * h_prev @ W_hh + b_hh + b_h)": "it reads `r * h_prev @ W_hh` as `(r * h_prev) @ W_hh`",
    "torch.tanh(x_t @ W_xh + r * h_prev @ W_hh + b_h)": "it reads `r * h_prev @ W_hh` as `(r * h_prev) @ W_hh`",
}  # fmt: skip
CASES = [(G, h_t, said) for h_t, said in MIXES.items()] + [(g, H_T, said) for g, said in CANDIDATES.items()]
FORMS = [
    pytest.param(
        g, h_t, said, form, marks=[pytest.mark.full] * (n % 2 == k), id=f"{g if h_t is H_T else h_t}-{form.__name__}"
    )
    for n, (g, h_t, said) in enumerate(CASES)
    for k, form in enumerate((line_by_line, one_matmul))
]


@pytest.mark.parametrize(("g", "h_t", "said", "form"), FORMS)
def test_the_mistake_is_named(g, h_t, said, form):
    """Each in one form, the other with `make test-full`."""
    result = check(in_notebook(form(g, h_t)))
    assert said in result.message
    assert result.edits and ("Two mistakes" in result.message) == ("Two mistakes" in said)


@pytest.mark.parametrize("form", [line_by_line, one_matmul])
def test_the_right_answer_is_accepted_in_both_forms(form):
    assert check(in_notebook(form(G, H_T))).passed


@pytest.mark.parametrize("h_t", ["3 * z * h_prev + 2 * r * r * g", "r * torch.tanh(z * h_prev + (1 - z) * g) + h_prev"])
def test_a_state_that_is_no_mean_gets_the_bounds_that_hold_for_a_gru(h_t):
    message = check(in_notebook(line_by_line(G, h_t))).message
    assert "so it lies between them" in message and "because of its tanh" not in message


LETTERS = {  # another name for a weight, and what is said of it
    "W_xg": "The candidate's weights end in h", "W_hc": "The candidate's weights end in h",
    "W_in": "The candidate's weights end in h", "b_n": "Its second bias is `b_hh`",
    "W_xi": "No weights end in i, f or o", "b_f": "No weights end in i, f or o", "W_ho": "A GRU has two gates, r and z",
    "W_ir": "Did you mean `W_xr`?", "b_zz": "Did you mean `b_z`?",
}  # fmt: skip


@pytest.mark.parametrize(("name", "said"), LETTERS.items())
def test_a_weight_with_a_letter_of_another_network_gets_those_of_the_gru(name, said):
    assert said in check(in_notebook(line_by_line(G, f"{H_T} + {name}"))).message


def test_the_solution_shows_the_equations():
    shown = str(solution("gru_step"))
    assert all(f"{name}(" in shown for name in ("reset_gate", "update_gate", "candidate", "hidden_state"))
