"""Sources as learners write them, and the small mistakes that they make, for `mutants.py`.

Written without a look at the mistakes that `check` knows.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """One mistake: pieces of a source, each there once, and what stands in their place.

    `says` is set for results of a wrong form: a pattern that the message of `check` must have.
    """

    changes: tuple[tuple[str, str], ...]
    says: str = ""

    def __str__(self) -> str:
        shown = (f"{old.strip()}  →  {new.strip() or 'nothing'}" for old, new in self.changes)
        return " and ".join(text.replace("\n", "⏎") for text in shown)


def edits(old: str, *news: str, says: str = "") -> list[Edit]:
    """One edit for each new text in the place of the old."""
    return [Edit(((old, new),), says) for new in news]


def together(*changes: tuple[str, str]) -> list[Edit]:
    """One mistake that is made at several places."""
    return [Edit(changes)]


SIGMOIDS = ("torch.sigmoid", "torch.tanh", "torch.relu", "", "F.hardsigmoid", "1 - torch.sigmoid", "-torch.sigmoid")
TANHS = ("torch.tanh", "torch.sigmoid", "torch.relu", "", "F.hardtanh", "1 - torch.tanh", "-torch.tanh")
STEP = """\
    i_t = torch.sigmoid(x_t @ weights["W_xi"] + h_prev @ weights["W_hi"] + weights["b_i"])
    f_t = torch.sigmoid(x_t @ weights["W_xf"] + h_prev @ weights["W_hf"] + weights["b_f"])
    g_t = torch.tanh(x_t @ weights["W_xc"] + h_prev @ weights["W_hc"] + weights["b_c"])
    o_t = torch.sigmoid(x_t @ weights["W_xo"] + h_prev @ weights["W_ho"] + weights["b_o"])
    c_t = f_t * c_prev + i_t * g_t
    h_t = o_t * torch.tanh(c_t)
    return h_t, c_t
"""
SOURCES = {
    "rnn_step": """\
def rnn_step(x_t, h_prev, W_xh, W_hh, b_h):
    return torch.tanh(x_t @ W_xh + h_prev @ W_hh + b_h)
""",
    "unroll": """\
def unroll(x, h_0, W_xh, W_hh, b_h):
    h_t, hidden_seq = h_0, []
    for t in range(x.shape[1]):
        h_t = torch.tanh(x[:, t] @ W_xh + h_t @ W_hh + b_h)
        hidden_seq.append(h_t)
    return torch.stack(hidden_seq, dim=1)
""",
    "masked_step": """\
def masked_step(h_new, h_prev, keep):
    mask = keep[:, None]
    h = torch.where(mask, h_new, h_prev)
    return h
""",
    "lstm_step": f"""\
def lstm_step(x_t, h_prev, c_prev, weights):
{STEP}""",
    "lstm": f"""\
def step(x_t, h_prev, c_prev, weights):
{STEP}

def lstm(x, h_0, c_0, weights):
    h, c = h_0, c_0
    hidden_seq = []
    for t in range(x.shape[1]):
        h, c = step(x[:, t], h, c, weights)
        hidden_seq.append(h)
    hidden_seq = torch.stack(hidden_seq, dim=1)
    return hidden_seq, h, c
""",
    "rnn_backward_step": """\
def rnn_backward_step(dh_t, x_t, h_prev, h_t, W_xh, W_hh):
    dz_t = dh_t * (1 - h_t ** 2)
    dx_t = dz_t @ W_xh.T
    dh_prev = dz_t @ W_hh.T
    dW_xh = x_t.T @ dz_t
    dW_hh = h_prev.T @ dz_t
    db_h = dz_t.sum(dim=0)
    return dx_t, dh_prev, dW_xh, dW_hh, db_h
""",
    "lstm_backward_step": """\
def lstm_backward_step(dh_t, dc_t, x_t, h_prev, c_prev, values, weights):
    i_t, f_t, g_t, o_t, c_t, h_t = values
    w = weights
    tanh_c = torch.tanh(c_t)
    do_t = dh_t * tanh_c
    dc = dc_t + dh_t * o_t * (1 - tanh_c ** 2)
    df_t = dc * c_prev
    dc_prev = dc * f_t
    di_t = dc * g_t
    dg_t = dc * i_t
    dz_i = di_t * i_t * (1 - i_t)
    dz_f = df_t * f_t * (1 - f_t)
    dz_c = dg_t * (1 - g_t ** 2)
    dz_o = do_t * o_t * (1 - o_t)
    dx_t = dz_i @ w["W_xi"].T + dz_f @ w["W_xf"].T + dz_c @ w["W_xc"].T + dz_o @ w["W_xo"].T
    dh_prev = dz_i @ w["W_hi"].T + dz_f @ w["W_hf"].T + dz_c @ w["W_hc"].T + dz_o @ w["W_ho"].T
    dweights = {}
    for k, dz in {"i": dz_i, "f": dz_f, "c": dz_c, "o": dz_o}.items():
        dweights[f"W_x{k}"] = x_t.T @ dz
        dweights[f"W_h{k}"] = h_prev.T @ dz
        dweights[f"b_{k}"] = dz.sum(dim=0)
    return dx_t, dh_prev, dc_prev, dweights
""",
}


def affine(x: str, h: str, W: str, U: str, b: str, functions: tuple[str, ...]) -> list[Edit]:
    """Mistakes in one gate, candidate or RNN step, `function(x @ W + h @ U + b)`."""
    function = functions[0]
    old = f"{function}({x} @ {W} + {h} @ {U} + {b})"
    sums = (
        f"-{x} @ {W} + {h} @ {U} + {b}", f"{x} @ {W} - {h} @ {U} + {b}", f"{x} @ {W} + {h} @ {U} - {b}",
        f"-({x} @ {W} + {h} @ {U} + {b})", f"{x} @ {W} - ({h} @ {U} + {b})",
        f"{h} @ {U} + {b}", f"{x} @ {W} + {b}", f"{x} @ {W} + {h} @ {U}", f"{x} @ {W}", f"{h} @ {U}",
        f"{x} @ {W} + {x} @ {W} + {h} @ {U} + {b}", f"{x} @ {W} + {h} @ {U} + {h} @ {U} + {b}",
        f"{x} @ {W} + {h} @ {U} + {b} + {b}", f"({x} @ {W} + {h} @ {U} + {b}) * 2",
        f"{x} @ {W}.T + {h} @ {U} + {b}", f"{x} @ {W} + {h} @ {U}.T + {b}", f"{x} @ {W}.T + {h} @ {U}.T + {b}",
        f"{x} @ {U} + {h} @ {W} + {b}", f"{x} @ {W} + {h} @ {W} + {b}", f"{x} @ {U} + {h} @ {U} + {b}",
        f"{h} @ {W} + {x} @ {U} + {b}", f"{x} @ {W} + {x} @ {U} + {b}",
        f"{x}.detach() @ {W} + {h} @ {U} + {b}", f"{x} @ {W} + {h}.detach() @ {U} + {b}",
        f"{x} @ {W}.detach() + {h} @ {U} + {b}", f"{x} @ {W} + {h} @ {U}.detach() + {b}",
        f"{x} @ {W} + {h} @ {U} + {b}.detach()", f"{x} @ {W}.data + {h} @ {U}.data + {b}.data",
        f"({x} @ {W} + {h}) @ {U} + {b}", f"{x} @ ({W} + {h} @ {U}) + {b}", f"{x} @ {W} + {h} @ ({U} + {b})",
        f"({x} @ {W}) * ({h} @ {U}) + {b}", f"({x} @ {W} + {h} @ {U}) * {b}", f"{x} @ {W} + {h} * {U} + {b}",
        f"{x} @ {W} + {h} @ {U} * {b}", f"{x} @ ({W} + {b}) + {h} @ {U}", f"{W} @ {x} + {h} @ {U} + {b}",
        f"{x} @ {W} + {U} @ {h} + {b}", f"({x} @ {W} + {h} @ {U} + {b}) / 2", f"{x} @ {W} + {h} + {b}",
    )  # fmt: skip
    wholes = (
        f"{function}({x} @ {W} + {h} @ {U}) + {b}", f"{function}({x} @ {W}) + {h} @ {U} + {b}",
        f"{x} @ {W} + {function}({h} @ {U} + {b})", f"{function}({x} @ {W}) + {function}({h} @ {U}) + {b}",
        f"{function}({x} @ {W}) + {function}({h} @ {U} + {b})", f"{x} @ {W} + {function}({h} @ {U}) + {b}",
        f"{function}({function}({x} @ {W} + {h} @ {U} + {b}))", f"{old}.detach()", f"{old}.data",
        f"{function}({x} @ {W}) * {function}({h} @ {U} + {b})",
    )  # fmt: skip
    functions_too = [f"{other}({x} @ {W} + {h} @ {U} + {b})" for other in functions[1:]]
    return edits(old, *(f"{function}({z})" for z in sums), *functions_too, *wholes)


def gates() -> list[Edit]:
    """Mistakes in the gates and the candidate of an LSTM step."""
    found = []
    for k in "ifco":
        W, U, b = f'weights["W_x{k}"]', f'weights["W_h{k}"]', f'weights["b_{k}"]'
        found += affine("x_t", "h_prev", W, U, b, TANHS if k == "c" else SIGMOIDS)
        for name in ("W_x", "W_h", "b_"):
            found += edits(f'weights["{name}{k}"]', *(f'weights["{name}{j}"]' for j in "ifco" if j != k))
        found += edits(f"h_prev @ {U}", f"c_prev @ {U}")
    found += edits('h_prev @ weights["W_ho"]', 'h_prev @ weights["W_ho"] + c_prev')
    for name in ("W_x", "W_h", "b_"):
        for one in "ifco":
            others = [k for k in "ifco" if k != one]
            found += together(*((f'weights["{name}{k}"]', f'weights["{name}{one}"]') for k in others))
        found += together(*((f'weights["{name}{k}"]', f'weights["{name}{k}"].T') for k in "ifco" if name == "W_h"))
        found += together(*((f'weights["{name}{k}"]', f'weights["{name}{k}"].detach()') for k in "ifco"))
    bias = [(f' + weights["b_{k}"]', "") for k in "ifco"]
    found += together(*bias)
    found += together(*((f'h_prev @ weights["W_h{k}"]', f'c_prev @ weights["W_h{k}"]') for k in "ifco"))
    found += together(*((f'h_prev @ weights["W_h{k}"]', f'h_prev.detach() @ weights["W_h{k}"]') for k in "ifco"))
    found += together(*((f'x_t @ weights["W_x{k}"]', f'x_t.detach() @ weights["W_x{k}"]') for k in "ifco"))
    found += together(*((f'h_prev @ weights["W_h{k}"] + ', "") for k in "ifco"))
    found += together(*((f'x_t @ weights["W_x{k}"] + ', "") for k in "ifco"))
    for k, j in ("if", "fo", "io", "co", "ic", "fc"):  # two gates exchanged
        found += together(
            *((f'weights["{n}{k}"]', f'weights["{n}{j}"]') for n in ("W_x", "W_h", "b_")),
            *((f'weights["{n}{j}"]', f'weights["{n}{k}"]') for n in ("W_x", "W_h", "b_")),
        )
    found += together(*((f"{k}_t = torch.sigmoid", f"{k}_t = torch.tanh") for k in "ifo"))
    return [edit for edit in found if edit.changes]


def equations_3_and_5() -> list[Edit]:
    """Mistakes in the cell state and the hidden state of an LSTM step."""
    c, h = "c_t = f_t * c_prev + i_t * g_t", "h_t = o_t * torch.tanh(c_t)"
    memory = (
        "f_t + c_prev + i_t * g_t", "f_t * c_prev + i_t + g_t", "(f_t + c_prev) * (i_t + g_t)",
        "f_t + c_prev + i_t + g_t", "(f_t + c_prev) * i_t * g_t", "f_t * c_prev * i_t * g_t",
        "f_t * (c_prev + i_t) * g_t", "f_t * (c_prev + i_t * g_t)", "(f_t * c_prev + i_t) * g_t",
        "f_t * c_prev - i_t * g_t", "-f_t * c_prev + i_t * g_t", "i_t * g_t - f_t * c_prev + c_prev",
        "i_t * c_prev + f_t * g_t", "o_t * c_prev + i_t * g_t", "g_t * c_prev + i_t * f_t", "f_t * i_t + c_prev * g_t",
        "f_t * c_prev + o_t * g_t", "f_t * c_prev + f_t * g_t", "i_t * c_prev + i_t * g_t",
        "f_t * h_prev + i_t * g_t", "f_t * g_t + i_t * c_prev", "f_t * c_prev + i_t * c_prev",
        "f_t * c_prev + i_t * h_prev",
        "c_prev + i_t * g_t", "f_t * c_prev", "i_t * g_t", "f_t * c_prev + g_t", "f_t * c_prev + i_t",
        "f_t * c_prev + i_t * g_t + c_prev", "f_t * c_prev + i_t * g_t + g_t", "f_t + i_t * g_t",
        "f_t * c_prev + f_t * c_prev + i_t * g_t", "f_t * c_prev + i_t * g_t + i_t * g_t",
        "(1 - f_t) * c_prev + i_t * g_t", "f_t * c_prev + (1 - i_t) * g_t", "(1 - i_t) * c_prev + i_t * g_t",
        "f_t * c_prev + (1 - f_t) * g_t", "f_t * c_prev + i_t * torch.tanh(g_t)",
        "f_t * torch.tanh(c_prev) + i_t * g_t", "torch.tanh(f_t * c_prev + i_t * g_t)",
        "torch.sigmoid(f_t * c_prev + i_t * g_t)", "torch.sigmoid(f_t) * c_prev + i_t * g_t",
        "f_t * c_prev + torch.sigmoid(i_t) * g_t", "torch.relu(f_t * c_prev + i_t * g_t)",
        "f_t * c_prev.detach() + i_t * g_t", "f_t.detach() * c_prev + i_t * g_t", "f_t * c_prev + i_t.detach() * g_t",
        "f_t * c_prev + i_t * g_t.detach()", "(f_t * c_prev).detach() + i_t * g_t",
        "f_t * c_prev + (i_t * g_t).detach()", "(f_t * c_prev + i_t * g_t).detach()",
        "f_t @ c_prev.T + i_t @ g_t.T", "(f_t * c_prev + i_t * g_t) / 2",
    )  # fmt: skip
    shown = (
        "o_t * c_t", "o_t + torch.tanh(c_t)", "torch.tanh(o_t * c_t)", "torch.tanh(o_t + c_t)", "torch.tanh(c_t)",
        "o_t", "c_t", "o_t * torch.sigmoid(c_t)", "o_t * torch.relu(c_t)", "torch.tanh(o_t) * c_t",
        "torch.tanh(o_t) * torch.tanh(c_t)", "torch.sigmoid(o_t) * torch.tanh(c_t)",
        "o_t * torch.tanh(torch.tanh(c_t))",
        "o_t * torch.tanh(c_prev)", "o_t * torch.tanh(g_t)", "o_t * torch.tanh(h_prev)", "o_t * g_t", "o_t * c_prev",
        "i_t * torch.tanh(c_t)", "f_t * torch.tanh(c_t)", "g_t * torch.tanh(c_t)", "o_t - torch.tanh(c_t)",
        "-o_t * torch.tanh(c_t)", "(1 - o_t) * torch.tanh(c_t)", "o_t * (1 - torch.tanh(c_t))",
        "o_t * torch.tanh(c_t) + h_prev", "o_t * torch.tanh(c_t) + o_t * torch.tanh(c_t)", "c_t * torch.tanh(o_t)",
        "o_t * torch.tanh(c_t.detach())", "o_t.detach() * torch.tanh(c_t)", "(o_t * torch.tanh(c_t)).detach()",
        "torch.sigmoid(o_t * torch.tanh(c_t))",
    )  # fmt: skip
    return [*edits(c, *(f"c_t = {new}" for new in memory)), *edits(h, *(f"h_t = {new}" for new in shown))]


def step_returns() -> list[Edit]:
    old = "return h_t, c_t"
    return [
        *edits(old, "return c_t, h_t", says="another order"),
        *edits(old, "return h_t", "return c_t", "return torch.cat([h_t, c_t], dim=1)", says="expected 2 tensors"),
        *edits(old, "return h_t, c_t, o_t", "return (h_t, c_t), h_t", says="expected 2 tensors"),
        *edits(old, "", says="returns nothing"),
        *edits(
            old, "return h_t, c_prev", "return h_prev, c_t", "return h_t, h_t", "return c_t, c_t", "return h_t, g_t",
            "return o_t, c_t", "return h_t, torch.tanh(c_t)", "return h_t, c_t.detach()", "return h_t.detach(), c_t",
            "return h_t.detach(), c_t.detach()", "return -h_t, c_t", "return h_t, i_t * g_t", "return h_t, h_prev",
            "return h_prev, c_prev", "return c_prev, c_t", "return h_t.data, c_t.data", "return h_t, f_t * c_prev",
        ),
    ]  # fmt: skip


def loop(x_t: str, h: str, cut: str, collect: str, stack: str) -> list[Edit]:
    """Mistakes in the loop of `unroll` and `lstm`; `cut` is the loop's first line, `collect` the last."""
    indent = "        "
    shape = "expected"
    return [
        *edits(cut, cut.replace("range(", "range(1, "), cut.replace("[1]", "[1] - 1")),
        *edits(cut, cut.replace("range(x.shape[1])", "reversed(range(x.shape[1]))")),
        *edits(cut, cut.replace("range(x.shape[1])", "range(x.shape[1] - 1, -1, -1)")),
        *edits(cut, cut.replace("[1]", "[0]"), cut.replace("[1]", "[2]"), cut.replace("[1]", "[1] + 1")),
        *edits(cut, cut.replace("range(x.shape[1])", "range(0, x.shape[1], 2)")),
        *edits(cut, cut.replace("range(x.shape[1])", "range(min(x.shape[1], 1))")),
        *edits(x_t, *(f"x[:, {t}]" for t in ("t - 1", "0", "-1", "x.shape[1] - 1 - t", "-t", "max(t - 1, 0)"))),
        *edits(x_t, "x[t]", "x[:, t + 1]", "x[:, :, t]", "x.mean(dim=1)", "x.sum(dim=1)",
                "x[:, min(t + 1, x.shape[1] - 1)]"),
        *edits(x_t, "x[:, t].detach()", "x[:, :t + 1].sum(dim=1)", "x[:, :t + 1].mean(dim=1)"),
        *edits(x_t, "(x[:, t] - x[:, t - 1])", "(x[:, t] + x[:, t - 1])", "x.view(x.shape[1], x.shape[0], -1)[t]"),
        *edits(collect, *(f"{indent}hidden_seq.append({what})\n" for what in (f"{h}_0", f"{h}_0 + {h}",
                f"{h}.detach()"))),
        *edits(stack, stack.replace("dim=1", "dim=0"), stack.replace("dim=1", "dim=2"), stack.replace(", dim=1", "")),
        *edits(stack, stack.replace("hidden_seq", "hidden_seq[::-1]")),
        *edits(stack, stack.replace("dim=1", "dim=1").replace(")", ").flip(1)")),
        *edits(stack, stack.replace("dim=1)", "dim=1).flip(2)")),
        *edits(stack, stack.replace("stack", "cat"), stack.replace("stack(hidden_seq, dim=1", "cat(hidden_seq, dim=0")),
        *edits(stack, stack.replace(", dim=1)", ").view(x.shape[0], x.shape[1], -1)")),
        *edits(stack, stack.replace(", dim=1)", ").reshape(x.shape[0], x.shape[1], -1)")),
        *edits(stack, stack.replace("dim=1)", "dim=1).detach()"), stack.replace("dim=1)", "dim=1).cumsum(dim=1)")),
        *edits(stack, stack.replace("dim=1)", "dim=1).transpose(0, 1)"), stack.replace("dim=1)",
                "dim=1).transpose(1, 2)")),
        *edits(stack, stack.replace("hidden_seq, dim", "[hidden_seq[-1]] * x.shape[1], dim")),
        *edits(stack, stack.replace("hidden_seq, dim", "[hidden_seq[0]] * x.shape[1], dim")),
        *edits(stack, stack.replace("hidden_seq, dim", f"[{h}_0, *hidden_seq], dim"), says=shape),
        *edits(stack, stack.replace("hidden_seq, dim", f"[{h}_0, *hidden_seq[:-1]], dim")),
        *edits(stack, stack.replace("hidden_seq, dim", "hidden_seq[1:] + hidden_seq[:1], dim")),
        *edits(stack, stack.replace("dim=1)", "dim=1).mean(dim=1, keepdim=True)"), says=shape),
    ]  # fmt: skip


def unroll_edits() -> list[Edit]:
    step, old = "        h_t = torch.tanh(x[:, t] @ W_xh + h_t @ W_hh + b_h)\n", "        hidden_seq.append(h_t)\n"
    start, back, last = "h_t, hidden_seq = h_0, []", "h_t @ W_hh", "return torch.stack(hidden_seq, dim=1)"
    found = affine("x[:, t]", "h_t", "W_xh", "W_hh", "b_h", TANHS)
    for edit in loop("x[:, t]", "h", "for t in range(x.shape[1]):", old, last):
        changes = tuple(
            (o, n.replace("h_0 + h)", "h_0 + h_t)").replace("(h.detach", "(h_t.detach")) for o, n in edit.changes
        )
        found.append(Edit(changes, edit.says))
    return [
        *found,
        *edits(step + old, old + step),
        *edits(back, "h_0 @ W_hh", "h_t.detach() @ W_hh", "hidden_seq[-1] @ W_hh if t else h_0", "h_0.detach() @ W_hh"),
        *edits(back, "(hidden_seq[-1] if t else 0 * h_0) @ W_hh", "(hidden_seq[0] if t else h_0) @ W_hh"),
        *edits(back, "(hidden_seq[-2] if t > 1 else h_0) @ W_hh"),
        *edits(start, "h_t, hidden_seq = torch.zeros_like(h_0), []", "h_t, hidden_seq = torch.ones_like(h_0), []"),
        *edits(start, "h_t, hidden_seq = h_0.detach(), []", "h_t, hidden_seq = torch.tanh(h_0), []"),
        *edits(start, "h_t, hidden_seq = -h_0, []", "h_t, hidden_seq = h_0[:1], []",
            "h_t, hidden_seq = h_0.mean(), []"),
        *edits(start, "h_t, hidden_seq = h_0, [h_0]", says="expected"),
        *edits(step, step.replace("h_t = ", "h_t = h_t + "), step.replace("h_t = ", "h_t += ").replace("+=",
                "= h_0 +")),
        *edits(step, step + "        h_t = h_t.detach()\n", step + "        h_t = torch.tanh(h_t)\n", step + step),
        *edits(step, step.replace("h_t =", "h_new ="), step.replace("h_t = ", "h_t = 0.5 * h_t + 0.5 * ")),
        *edits(old, "        hidden_seq.append(h_t)\n        h_t = h_t.detach()\n"),
        *edits(old, "        hidden_seq.append(h_t)\n        h_t = h_0\n",
                "        hidden_seq.append(torch.tanh(h_t))\n"),
        *edits(old, "        hidden_seq.append(h_t)\n        hidden_seq.append(h_t)\n", says="expected"),
        *edits(old, "        hidden_seq = [h_t]\n", "    hidden_seq.append(h_t)\n"),
        *edits(last, "return h_t", "return hidden_seq[0]", says="expected"),
        *edits(last, "return torch.stack(hidden_seq, dim=1), h_t", "return hidden_seq", says="expected"),
        *edits(last, "    return torch.stack(hidden_seq, dim=1)", "return torch.stack(hidden_seq, dim=1)[:, -1]",
                says="expected"),
        *edits("    " + last, "        " + last),
        *edits("    " + last, "", says="returns nothing"),
    ]  # fmt: skip


def lstm_edits() -> list[Edit]:
    call, old = "        h, c = step(x[:, t], h, c, weights)\n", "        hidden_seq.append(h)\n"
    start, stack, last = "h, c = h_0, c_0", "torch.stack(hidden_seq, dim=1)", "return hidden_seq, h, c\n"
    args = "h, c, weights)"
    return [
        *gates(),
        *equations_3_and_5(),
        *(Edit(edit.changes) for edit in step_returns()
          if ", " in edit.changes[0][1] and "[" not in edit.changes[0][1] and edit.changes[0][1].count(",") == 1),
        *loop("x[:, t]", "h", "for t in range(x.shape[1]):", old, stack),
        *edits(call + old, old + call),
        *edits(call, call.replace("h, c =", "c, h =")),
        *edits(args, "c, h, weights)", "h_0, c, weights)", "h, c_0, weights)", "h_0, c_0, weights)",
            "h.detach(), c, weights)",
               "h, c.detach(), weights)", "h.detach(), c.detach(), weights)", "h, h, weights)", "c, c, weights)",
               "h, torch.zeros_like(c), weights)", "torch.zeros_like(h), c, weights)", "h, torch.tanh(c), weights)",
               "c_0, h_0, weights)", "c, c_0, weights)", "h_0, h, weights)"),
        *edits(call, call.replace("h, c =", "h, _ ="), call.replace("h, c =", "_, c =").replace("_,", "h_new,"),
               call + "        c = c.detach()\n", call + "        h = h.detach()\n",
                   call + "        h, c = h.detach(), c.detach()\n",
               call + "        h, c = c, h\n", call + call, call + "        c = torch.tanh(c)\n",
               call + "        if t == 0: c = c_0\n", call + "        h = h + h_0\n"),
        *edits(old, "        hidden_seq.append(c)\n", "        hidden_seq.append(torch.tanh(c))\n",
                "        hidden_seq.append(c_0)\n",
               old + "        h = h_0\n", old + "        c = c_0\n", old + "        h, c = h_0, c_0\n",
                   old + "        h = h.detach()\n",
               old + "        c = c.detach()\n", old + "        h, c = h.detach(), c.detach()\n",
                   "    hidden_seq.append(h)\n",
               "        hidden_seq = [h]\n", "        hidden_seq.append(torch.tanh(h))\n",
               "        hidden_seq.append(h + c)\n"),
        *edits(old, old + old, says="expected"),
        *edits(start, "h, c = c_0, h_0", "h, c = h_0, h_0", "h, c = c_0, c_0", "h, c = torch.zeros_like(h_0), c_0",
               "h, c = h_0, torch.zeros_like(c_0)", "h, c = torch.zeros_like(h_0), torch.zeros_like(c_0)",
               "h, c = h_0.detach(), c_0", "h, c = h_0, c_0.detach()", "h, c = h_0.detach(), c_0.detach()",
               "h = c = h_0",
               "h, c = torch.tanh(h_0), c_0", "h, c = h_0, torch.tanh(c_0)", "h, c = h_0[:1], c_0[:1]"),
        *edits(last, "return hidden_seq, c, h\n", "return h, hidden_seq, c\n", "return hidden_seq, h_0, c_0\n",
                "return hidden_seq, h_0, c\n",
               "return hidden_seq, h, c_0\n", "return hidden_seq, h, h\n", "return hidden_seq, c, c\n",
               "return hidden_seq, hidden_seq[:, 0], c\n", "return hidden_seq, hidden_seq[:, -2], c\n",
               "return hidden_seq, hidden_seq[-1], c\n",
               "return hidden_seq, h.detach(), c\n", "return hidden_seq, h, c.detach()\n",
               "return hidden_seq, h, torch.tanh(c)\n",
               "return hidden_seq, hidden_seq.mean(dim=1), c\n", "return hidden_seq, hidden_seq[:, :, -1], c\n",
               "return hidden_seq.detach(), h, c\n", "return hidden_seq, h.detach(), c.detach()\n"),
        *edits(last, "return hidden_seq, (h, c)\n", "return hidden_seq, h\n", "return hidden_seq\n", "return h, c\n",
                says="expected 3 tensors"),
        *together(("    hidden_seq = torch", "        hidden_seq = torch"), ("    " + last, "        " + last)),
        *edits("    " + last, "", says="returns nothing"),
    ]  # fmt: skip


def masked_step_edits() -> list[Edit]:
    mask, where, last = "mask = keep[:, None]", "torch.where(mask, h_new, h_prev)", "return h\n"
    return [
        *edits(mask, *(f"mask = {new}" for new in (
            "~keep[:, None]", "keep[None, :]", "keep", "keep.any()", "keep.all()", "keep[0]", "keep[-1]",
            "keep.flip(0)[:, None]",
            "keep.roll(1)[:, None]", "keep[:1, None]", "~keep[None, :]", "~keep.any()", "~keep.all()", "~keep",
            "keep[None]",
            "torch.ones_like(keep)[:, None]", "torch.zeros_like(keep)[:, None]", "(keep.sum() > len(keep) / 2)",
        ))),
        *edits(where, *(where.replace("h_new, h_prev", new) for new in (
            "h_prev, h_new", "h_new, torch.zeros_like(h_prev)", "torch.zeros_like(h_new), h_prev", "h_new, 0.0",
            "0.0, h_prev",
            "h_new.detach(), h_prev", "h_new, h_prev.detach()", "h_new.detach(), h_prev.detach()", "h_new, h_new",
            "h_prev, h_prev",
            "h_new, -h_prev", "h_new + h_prev, h_prev", "h_new, h_new + h_prev", "h_new * h_prev, h_prev",
            "h_new, h_prev.mean(0)",
            "h_new, h_prev[:1]", "h_new, torch.ones_like(h_prev)", "h_new.data, h_prev.data",
        ))),
        *edits(where, "mask * h_new", "h_new * mask + h_prev", "h_new + h_prev * ~mask",
                "h_new * ~mask + h_prev * mask",
               "h_prev * mask", "h_prev * ~mask", "h_new * mask - h_prev * ~mask", "(h_new * mask) + (h_prev * mask)",
               "h_new if mask.all() else h_prev", "h_new if mask.any() else h_prev", "(h_new + h_prev) / 2",
               "torch.maximum(h_new, h_prev)", "h_prev + mask * h_new", "h_new.masked_fill(mask, 0)"),
        *edits(last, "return h_new\n", "return h_prev\n", "return h.detach()\n", "return h.flip(0)\n", "return -h\n",
                "return h + h_prev\n",
               "return torch.tanh(h)\n", "return h.data\n"),
        *edits(last, "return h, mask\n", "return h[keep]\n", "return h.T\n", "return h_new[keep]\n",
                "return h.sum(dim=0)\n", says="expected"),
        *edits("    " + last, "", says="returns nothing"),
    ]  # fmt: skip


def rnn_backward_edits() -> list[Edit]:
    last = "return dx_t, dh_prev, dW_xh, dW_hh, db_h"
    return [
        *edits("dh_t * (1 - h_t ** 2)", "dh_t", "(1 - h_t ** 2)", "dh_t * (1 - torch.tanh(h_t) ** 2)",
                "dh_t * (1 - h_t)",
               "dh_t * (1 + h_t ** 2)", "dh_t * h_t * (1 - h_t)", "dh_t * (1 - h_prev ** 2)", "-dh_t * (1 - h_t ** 2)",
               "dh_t + (1 - h_t ** 2)", "dh_t * h_t", "dh_t * h_t ** 2", "dh_t * (h_t ** 2 - 1)", "dh_t * 1 - h_t ** 2",
               "dh_t * (1 - h_t) ** 2", "2 * dh_t * (1 - h_t ** 2)", "dh_t * (1 - dh_t ** 2)",
               "dh_t * (1 - h_t ** 2) ** 2",
               "dh_t * (1 - 2 * h_t)", "dh_t * torch.tanh(h_t)", "dh_t * (1 - h_t * 2)", "dh_t - h_t ** 2",
               "dh_t * (1 - h_t ** 3)",
               "dh_t * (1 - torch.atanh(h_t) ** 2)", "dh_t * (1 - h_t).square()",
               "dh_t * torch.sigmoid(h_t) * (1 - torch.sigmoid(h_t))",
               "dh_t * (1 - x_t @ W_xh + h_prev @ W_hh)", "dh_t * (1 - (x_t @ W_xh + h_prev @ W_hh) ** 2)",
               "dh_t * (1 - torch.tanh(x_t @ W_xh + h_prev @ W_hh) ** 2)"),
        *edits("dx_t = dz_t @ W_xh.T", *(f"dx_t = {new}" for new in (
            "dz_t @ W_xh", "dh_t @ W_xh.T", "-dz_t @ W_xh.T", "dz_t @ W_hh.T", "dz_t @ W_xh.T * x_t", "h_t @ W_xh.T",
            "dz_t", "dh_t",
            "W_xh @ dz_t", "(dz_t @ W_xh.T).sum(dim=0)", "2 * dz_t @ W_xh.T", "dz_t @ W_xh.T * (1 - x_t ** 2)",
            "dz_t @ W_hh", "x_t @ W_xh", "dz_t @ W_xh.T / len(x_t)", "(dz_t @ W_xh.T).mean(dim=0).expand_as(x_t)"))),
        *edits("dh_prev = dz_t @ W_hh.T", *(f"dh_prev = {new}" for new in (
            "dz_t @ W_hh", "dh_t @ W_hh.T", "-dz_t @ W_hh.T", "dz_t @ W_hh.T * h_prev", "dz_t @ W_hh.T + dh_t",
            "dz_t", "dh_t",
            "dz_t @ W_xh.T", "dz_t @ W_hh.T + dz_t", "dh_t @ W_hh", "dz_t @ W_hh.T * (1 - h_prev ** 2)",
            "h_prev @ W_hh.T",
            "2 * dz_t @ W_hh.T", "W_hh @ dz_t", "dh_t * (dz_t @ W_hh.T)", "h_prev @ W_hh", "dz_t @ W_hh.T / len(x_t)",
            "(dz_t @ W_hh.T).mean(dim=0).expand_as(h_t)", "dx_t"))),
        *edits("dW_xh = x_t.T @ dz_t", *(f"dW_xh = {new}" for new in (
            "x_t.T @ dh_t", "x_t @ dz_t", "dz_t.T @ x_t", "(dz_t.T @ x_t)", "-x_t.T @ dz_t",
            "x_t.T @ dz_t / len(x_t)", "x_t[:1].T @ dz_t[:1]",
            "x_t[-1:].T @ dz_t[-1:]", "h_prev.T @ dz_t", "x_t.T @ h_t", "2 * x_t.T @ dz_t", "dx_t.T @ dz_t",
            "x_t.mean(dim=0)[:, None] * dz_t.mean(dim=0)", "x_t.sum(dim=0)[:, None] * dz_t.sum(dim=0)", "dz_t @ x_t"))),
        *edits("dW_hh = h_prev.T @ dz_t", *(f"dW_hh = {new}" for new in (
            "h_t.T @ dz_t", "dz_t.T @ h_prev", "h_prev @ dz_t", "h_prev.T @ dh_t", "-h_prev.T @ dz_t",
            "h_prev.T @ dz_t / len(x_t)",
            "h_prev[:1].T @ dz_t[:1]", "h_prev[-1:].T @ dz_t[-1:]", "x_t.T @ dz_t", "dz_t.T @ h_t", "h_prev.T @ h_t",
            "2 * h_prev.T @ dz_t",
            "dh_prev.T @ dz_t", "h_prev.sum(dim=0)[:, None] * dz_t.sum(dim=0)", "dh_t.T @ h_prev",
            "dz_t.T @ h_prev / len(x_t)",
            "h_t.T @ dh_t", "h_prev.mean(dim=0)[:, None] * dz_t.mean(dim=0)", "dW_xh"))),
        *edits("db_h = dz_t.sum(dim=0)", *(f"db_h = {new}" for new in (
            "dh_t.sum(dim=0)", "dz_t.mean(dim=0)", "dz_t[0]", "dz_t[-1]", "-dz_t.sum(dim=0)", "2 * dz_t.sum(dim=0)",
            "h_t.sum(dim=0)", "h_prev.sum(dim=0)", "dh_t.mean(dim=0)", "dh_t[0]",
            "dh_prev.sum(dim=0)", "(1 - h_t ** 2).sum(dim=0)"))),
        *edits("db_h = dz_t.sum(dim=0)", *(f"db_h = {new}" for new in (
            "dz_t.sum()", "dz_t.sum(dim=1)", "dz_t", "dz_t.sum(dim=0, keepdim=True)", "dz_t.mean()", "dh_t")),
            says="expected"),
        *edits(last, "return dh_prev, dx_t, dW_xh, dW_hh, db_h", "return dx_t, dh_prev, dW_hh, dW_xh, db_h",
               "return dx_t, dh_prev, db_h, dW_xh, dW_hh", says="another order|expected|shape"),
        *edits(last, "return dx_t, dh_prev, dW_xh, dW_hh", "return dx_t, dh_prev", "return dW_xh, dW_hh, db_h",
               "return dz_t, dx_t, dh_prev, dW_xh, dW_hh, db_h", says="expected 5 tensors"),
        *edits(last, "return dx_t, dz_t, dW_xh, dW_hh, db_h", "return dx_t, dh_t, dW_xh, dW_hh, db_h"),
        *edits(last, "", says="returns nothing"),
    ]  # fmt: skip


def lstm_backward_edits() -> list[Edit]:
    found = [
        *edits("tanh_c = torch.tanh(c_t)", *(f"tanh_c = {new}" for new in (
            "c_t", "torch.tanh(c_prev)", "torch.sigmoid(c_t)", "torch.tanh(h_t)", "h_t", "torch.tanh(g_t)", "c_prev",
            "o_t * torch.tanh(c_t)",
            "torch.tanh(torch.tanh(c_t))"))),
        *edits("do_t = dh_t * tanh_c", *(f"do_t = {new}" for new in (
            "dh_t * c_t", "dh_t", "tanh_c", "-dh_t * tanh_c", "dh_t + tanh_c", "dh_t * o_t",
            "dh_t * torch.tanh(c_prev)", "dh_t * h_t",
            "dh_t * (1 - tanh_c ** 2)", "dc_t * tanh_c", "dh_t * tanh_c * o_t", "2 * dh_t * tanh_c",
            "(dh_t + dc_t) * tanh_c",
            "dh_t * torch.tanh(tanh_c)", "dh_t * torch.sigmoid(c_t)", "dh_t * g_t", "dh_t * tanh_c + dc_t"))),
        *edits("dc = dc_t + dh_t * o_t * (1 - tanh_c ** 2)", *(f"dc = {new}" for new in (
            "dc_t", "dh_t * o_t * (1 - tanh_c ** 2)", "dc_t + dh_t * o_t", "dc_t + dh_t * (1 - tanh_c ** 2)",
            "dc_t - dh_t * o_t * (1 - tanh_c ** 2)",
            "dc_t * dh_t * o_t * (1 - tanh_c ** 2)", "(dc_t + dh_t) * o_t * (1 - tanh_c ** 2)",
            "(dc_t + dh_t * o_t) * (1 - tanh_c ** 2)",
            "dc_t + dh_t * o_t * (1 - c_t ** 2)", "dc_t + dh_t * o_t * (1 - tanh_c)", "dc_t + dh_t * o_t * tanh_c",
            "dc_t + dh_t",
            "dc_t + dh_t * o_t * (1 + tanh_c ** 2)", "dc_t + dh_t * o_t * (1 - torch.tanh(tanh_c) ** 2)",
            "dc_t + dh_t * o_t * (1 - h_t ** 2)",
            "dc_t + dh_t * o_t * (1 - torch.tanh(c_prev) ** 2)", "dc_t + dh_t * f_t * (1 - tanh_c ** 2)",
            "dc_t + dh_t * i_t * (1 - tanh_c ** 2)",
            "dc_t + dh_t * o_t * c_t * (1 - c_t)", "dc_t + dh_t * o_t * 1 - tanh_c ** 2",
            "dc_t + dc_t + dh_t * o_t * (1 - tanh_c ** 2)",
            "dc_t + 2 * dh_t * o_t * (1 - tanh_c ** 2)", "-dc_t + dh_t * o_t * (1 - tanh_c ** 2)",
            "dc_t + o_t * (1 - tanh_c ** 2)",
            "dc_t * f_t + dh_t * o_t * (1 - tanh_c ** 2)", "dc_t + do_t * o_t * (1 - tanh_c ** 2)",
            "dc_t + dh_t * o_t * (1 - tanh_c) ** 2",
            "dc_t + dh_t * (1 - o_t) * (1 - tanh_c ** 2)", "dc_t + dh_t * o_t * (1 - o_t) * (1 - tanh_c ** 2)",
            "dc_t * o_t + dh_t * (1 - tanh_c ** 2)",
            "dh_t", "dc_t + dh_t * o_t * (1 - g_t ** 2)"))),
        *edits("df_t = dc * c_prev", *(f"df_t = {new}" for new in (
            "dc * c_t", "dc_t * c_prev", "dc", "dc * f_t", "dc * h_prev", "-dc * c_prev", "dc * g_t", "dc * i_t",
            "dc + c_prev", "dc * torch.tanh(c_prev)",
            "c_prev", "2 * dc * c_prev", "dh_t * c_prev", "dc * c_prev * f_t"))),
        *edits("dc_prev = dc * f_t", *(f"dc_prev = {new}" for new in (
            "dc", "dc_t * f_t", "dc * c_prev", "dc * (1 - f_t)", "-dc * f_t", "dc * i_t", "dc + f_t", "f_t", "dc_t",
            "dc * o_t", "dc * f_t * (1 - f_t)",
            "dh_t * f_t", "2 * dc * f_t", "df_t", "dc * f_t * c_prev", "dc * f_t + dc_t", "dc * f_t / len(x_t)"))),
        *edits("di_t = dc * g_t", *(f"di_t = {new}" for new in (
            "dc * i_t", "dc_t * g_t", "dc", "-dc * g_t", "dc * c_prev", "dc * f_t", "dc + g_t", "g_t",
            "dc * torch.tanh(g_t)", "dc * i_t * g_t", "dh_t * g_t",
            "2 * dc * g_t", "dc * c_t"))),
        *edits("dg_t = dc * i_t", *(f"dg_t = {new}" for new in (
            "dc * g_t", "dc_t * i_t", "dc", "-dc * i_t", "dc * f_t", "dc + i_t", "i_t", "dc * i_t * g_t",
            "dh_t * i_t", "2 * dc * i_t", "dc * (1 - i_t)",
            "dc * c_prev", "dc * o_t", "di_t"))),
    ]  # fmt: skip
    for k, y, dy, others in (("i", "i_t", "di_t", "fo"), ("f", "f_t", "df_t", "io"), ("o", "o_t", "do_t", "if")):
        j, m = others
        found += edits(f"dz_{k} = {dy} * {y} * (1 - {y})", *(f"dz_{k} = {new}" for new in (
            f"{dy}", f"{dy} * (1 - {y} ** 2)", f"{dy} * {y}", f"{dy} * (1 - {y})", f"{dy} * {y} * (1 + {y})",
            f"-{dy} * {y} * (1 - {y})",
            f"{dy} * torch.sigmoid({y}) * (1 - torch.sigmoid({y}))", f"{y} * (1 - {y})", f"{dy} * {y} * 1 - {y}",
            f"{dy} * {y} * ({y} - 1)",
            f"{dy} * {j}_t * (1 - {j}_t)", f"d{j}_t * {y} * (1 - {y})", f"{dy} * {m}_t * (1 - {m}_t)",
            f"{dy} * {y} * (1 - {y} ** 2)",
            f"{dy} + {y} * (1 - {y})", f"{dy} * ({y} - {y} ** 3)", f"{dy} * {y} ** 2", f"2 * {dy} * {y} * (1 - {y})",
            f"d{m}_t * {m}_t * (1 - {m}_t)",
            f"{dy} * {y} * (1 - {dy})", f"{dy} * g_t * (1 - g_t)")))  # fmt: skip
    found += edits("dz_c = dg_t * (1 - g_t ** 2)", *(f"dz_c = {new}" for new in (
        "dg_t", "dg_t * g_t * (1 - g_t)", "dg_t * (1 - g_t)", "dg_t * (1 + g_t ** 2)", "-dg_t * (1 - g_t ** 2)",
        "dg_t * (1 - torch.tanh(g_t) ** 2)",
        "(1 - g_t ** 2)", "dg_t * 1 - g_t ** 2", "dg_t * g_t", "dg_t * (1 - c_t ** 2)", "dg_t * (1 - tanh_c ** 2)",
        "di_t * (1 - g_t ** 2)",
        "dg_t * (1 - g_t) ** 2", "dg_t + (1 - g_t ** 2)", "2 * dg_t * (1 - g_t ** 2)", "dg_t * g_t ** 2",
        "dg_t * (g_t ** 2 - 1)", "dg_t * (1 - i_t ** 2)",
        "dc * (1 - g_t ** 2)", "dg_t * (1 - h_t ** 2)", "dg_t * (1 - dg_t ** 2)",
        "dg_t * i_t * (1 - i_t)")))  # fmt: skip
    shares = {"x": "dx_t = ", "h": "dh_prev = "}
    for reads, target in shares.items():
        terms = {k: f'dz_{k} @ w["W_{reads}{k}"].T' for k in "ifco"}
        old = target + " + ".join(terms.values())

        def summed(parts, target=target):
            return target + " + ".join(parts)

        news = [summed(t for k, t in terms.items() if k != left_out) for left_out in "ifco"]
        news += [target + t for t in terms.values()]
        news += [summed(t.replace(".T", "") if k == one else t for k, t in terms.items()) for one in "ifco"]
        news += [summed(f"{t} + {t}" if k == one else t for k, t in terms.items()) for one in "ifco"]
        news += [old.replace(terms[k], terms[k].replace(f"dz_{k}", f"d{y}_t")) for k, y in ("ii", "ff", "cg", "oo")]
        news += [old.replace(f" + {terms[k]}", f" - {terms[k]}") for k in "fco"] + [old.replace("= ", "= -", 1)]
        pairs_of_gates = ("if", "fc", "co", "io", "fi", "oc")
        news += [old.replace(terms[k], f'dz_{k} @ w["W_{reads}{j}"].T') for k, j in pairs_of_gates]
        news += [old.replace(terms[k], f'dz_{j} @ w["W_{reads}{k}"].T') for k, j in pairs_of_gates]
        news += [
            old.replace(".T", ""),
            f"{target}({old.removeprefix(target)}) / 4",
            f"{target}({old.removeprefix(target)}) / len(x_t)",
        ]
        news += [
            target + " * ".join(terms.values()),
            f'{target}(dz_i + dz_f + dz_c + dz_o) @ w["W_{reads}i"].T',
            f"{old} + dh_t",
        ]
        news += [f'{target}dz_i @ w["W_{reads}i"].T + dz_f @ w["W_{reads}f"].T', f"{target}dh_t @ w['W_{reads}o'].T"]
        found += edits(old, *news)
    last = "return dx_t, dh_prev, dc_prev, dweights"
    items = '{"i": dz_i, "f": dz_f, "c": dz_c, "o": dz_o}'
    return [
        *found,
        *edits('dweights[f"W_x{k}"] = x_t.T @ dz', *(f'dweights[f"W_x{{k}}"] = {new}' for new in (
            "dz.T @ x_t", "x_t @ dz", "x_t.T @ dz / len(x_t)", "-x_t.T @ dz", "x_t[:1].T @ dz[:1]", "h_prev.T @ dz",
            "2 * x_t.T @ dz", "x_t.T @ dh_t",
            "dx_t.T @ dz", "x_t.sum(dim=0)[:, None] * dz.sum(dim=0)", "x_t[-1:].T @ dz[-1:]",
            "x_t.mean(dim=0)[:, None] * dz.mean(dim=0)", "x_t.T @ dc"))),
        *edits('dweights[f"W_h{k}"] = h_prev.T @ dz', *(f'dweights[f"W_h{{k}}"] = {new}' for new in (
            "dz.T @ h_prev", "h_t.T @ dz", "h_prev @ dz", "h_prev.T @ dz / len(x_t)", "-h_prev.T @ dz",
            "h_prev[:1].T @ dz[:1]", "x_t.T @ dz", "c_prev.T @ dz",
            "2 * h_prev.T @ dz", "h_prev.T @ dh_t", "dz.T @ h_t", "dh_prev.T @ dz",
            "h_prev.sum(dim=0)[:, None] * dz.sum(dim=0)", "c_t.T @ dz",
            "h_prev[-1:].T @ dz[-1:]", "h_prev.T @ dc", "h_prev.mean(dim=0)[:, None] * dz.mean(dim=0)"))),
        *edits('dweights[f"b_{k}"] = dz.sum(dim=0)', *(f'dweights[f"b_{{k}}"] = {new}' for new in (
            "dz.mean(dim=0)", "dz[0]", "dz[-1]", "-dz.sum(dim=0)", "2 * dz.sum(dim=0)", "dh_t.sum(dim=0)",
            "dc.sum(dim=0)", "h_prev.sum(dim=0)", "dh_prev.sum(dim=0)", "dz_i.sum(dim=0)"))),
        *edits('dweights[f"b_{k}"] = dz.sum(dim=0)', *(f'dweights[f"b_{{k}}"] = {new}' for new in (
            "dz", "dz.sum()", "dz.sum(dim=1)", "dz.sum(dim=0, keepdim=True)")), says="expected"),
        *edits(items, '{"i": dz_f, "f": dz_i, "c": dz_c, "o": dz_o}', '{"i": dz_i, "f": dz_f, "c": dz_o, "o": dz_c}',
               '{"i": dz_i, "f": dz_o, "c": dz_c, "o": dz_f}', '{"i": dz_c, "f": dz_f, "c": dz_i, "o": dz_o}',
               '{"i": di_t, "f": df_t, "c": dg_t, "o": do_t}', '{"i": di_t, "f": dz_f, "c": dz_c, "o": dz_o}',
               '{"i": dz_i, "f": df_t, "c": dz_c, "o": dz_o}', '{"i": dz_i, "f": dz_f, "c": dg_t, "o": dz_o}',
               '{"i": dz_i, "f": dz_f, "c": dz_c, "o": do_t}', '{"i": dz_o, "f": dz_f, "c": dz_c, "o": dz_i}'),
        *edits(items, '{"i": dz_i, "f": dz_f, "o": dz_o}', '{"i": dz_i, "f": dz_f, "c": dz_c}',
                '{"i": dz_i, "f": dz_f, "g": dz_c, "o": dz_o}',
               says="no entry"),
        *edits("i_t, f_t, g_t, o_t, c_t, h_t = values", "f_t, i_t, g_t, o_t, c_t, h_t = values",
                "i_t, f_t, o_t, g_t, c_t, h_t = values",
               "i_t, f_t, g_t, o_t, h_t, c_t = values", "i_t, f_t, c_t, o_t, g_t, h_t = values",
               "i_t, o_t, g_t, f_t, c_t, h_t = values"),
        *edits(last, "return dx_t, dc_prev, dh_prev, dweights", "return dh_prev, dx_t, dc_prev, dweights",
                says="another order|shape"),
        *edits(last, "return dx_t, dh_prev, dweights", "return dx_t, dh_prev, dc_prev", "return dweights",
                "return dx_t, dh_prev, dc_prev, *dweights.values()",
               says="expected"),
        *edits(last, "return dx_t, dh_prev, dc, dweights", "return dx_t, dh_t, dc_prev, dweights",
                "return dx_t, dh_prev, dc_t, dweights",
               "return dx_t, dh_prev + dh_t, dc_prev, dweights", "return dx_t, dh_prev, dc_prev + dc_t, dweights"),
        *edits(last, "", says="returns nothing"),
    ]  # fmt: skip


EDITS = {
    "rnn_step": [
        *affine("x_t", "h_prev", "W_xh", "W_hh", "b_h", TANHS),
        *edits("x_t @ W_xh", "x_t[:1] @ W_xh", "x_t.mean(dim=0) @ W_xh"),
        *edits("h_prev @ W_hh", "h_prev[:1] @ W_hh", "h_prev.mean(dim=0) @ W_hh"),
        *edits("+ b_h", "+ b_h.sum()", "+ b_h.mean()", "+ b_h[0]", "+ 1"),
        *edits("b_h)\n", "b_h) + h_prev\n", "b_h) * h_prev\n", "b_h) / 2\n"),
        *edits("b_h)\n", "b_h).sum(dim=0)\n", "b_h).T\n", "b_h),\n", "b_h)[0]\n", says="expected"),
        *edits("return ", "h_t = ", says="nothing"),
    ],
    "unroll": unroll_edits(),
    "masked_step": masked_step_edits(),
    "lstm_step": [*gates(), *equations_3_and_5(), *step_returns()],
    "lstm": lstm_edits(),
    "rnn_backward_step": rnn_backward_edits(),
    "lstm_backward_step": lstm_backward_edits(),
}  # fmt: skip
