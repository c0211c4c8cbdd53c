"""The lines of an LSTM's backward step, and the known mistakes in it and in an RNN's."""

import itertools
from collections.abc import Iterator

from lstm_lesson.exercises.catalogue.affine import MADE, WORDS, in_several_gates
from lstm_lesson.exercises.model import Edit

GATES, VALUES = "ifco", "ifgoch"
NAMES = [f"{n}{k}" for k in GATES for n in ("W_x", "W_h", "b_")]


def lstm_words() -> dict[str, str]:
    """What to call the parts of the LSTM's backward step."""
    words = {"shown": "tanh(c_t)", "slope": "the slope of tanh(c_t)", "through_h": "what reaches c_t through h_t"}
    words |= {"dc": "the gradient at c_t", "do": "the gradient at o_t", "df": "the gradient at f_t"}
    words |= {"di": "the gradient at i_t", "dg": "the gradient at g_t"}
    for k in GATES:
        words |= {f"dz_{k}": f"the gradient of the sum in the {WORDS[k]}", f"db_{k}": f"the gradient of `b_{k}`"}
        words |= {f"dx_{k}": f"the share of the {WORDS[k]} in `dx_t`", f"dh_{k}": f"the share of the {WORDS[k]} in `dh_prev`"}
        words |= {f"dW_x{k}": f"the gradient of `W_x{k}`", f"dW_h{k}": f"the gradient of `W_h{k}`"}
    return words


def _dz(k: str) -> str:
    made, dy = MADE[k], f"d{MADE[k][0]}"
    return f"{dy} * " + (f"(1 - {made}**2)" if k == "c" else f"{made} * (1 - {made})")


def _slope_line(k: str) -> str:
    return f"\n    dz_{k} = {_dz(k)}"


def _share_lines(k: str) -> str:
    return f"""
    dx_{k} = dz_{k} @ W_x{k}.T
    dh_{k} = dz_{k} @ W_h{k}.T"""


def _weight_lines(k: str) -> str:
    return f"""
    dW_x{k} = x_t.T @ dz_{k}
    dW_h{k} = h_prev.T @ dz_{k}
    db_{k} = dz_{k}.sum(dim=0)"""


LSTM_MODEL = f"""def lstm_backward_step(dh_t, dc_t, x_t, h_prev, c_prev, values, weights):
    i_t = values[0]
    f_t = values[1]
    g_t = values[2]
    o_t = values[3]
    c_t = values[4]
    h_t = values[5]
    shown = tanh(c_t)
    slope = 1 - shown**2
    do = dh_t * shown
    through_h = dh_t * o_t * slope
    dc = dc_t + through_h
    df = dc * c_prev
    dc_prev = dc * f_t
    di = dc * g_t
    dg = dc * i_t{"".join(map(_slope_line, GATES))}{"".join(map(_share_lines, GATES))}
    dx_t = dx_i + dx_f + dx_c + dx_o
    dh_prev = dh_i + dh_f + dh_c + dh_o{"".join(map(_weight_lines, GATES))}
    dweights = {{{", ".join(f"'{name}': d{name}" for name in NAMES)}}}
    return dx_t, dh_prev, dc_prev, dweights
"""


def sum_edits(k: str, dy: str, h_t: str = "h_t") -> Iterator[Edit]:
    """The mistakes on the way through the sum of k; dy is the gradient before the slope of its function."""
    W, U, dz, in_k = f"W_x{k}", f"W_h{k}", f"dz_{k}", "" if k == "h" else f" of the {WORDS[k]}"
    dx, dh, db = ("`dx_t`", "`dh_prev`", "`db_h`") if k == "h" else (f"The share{in_k} in `dx_t`", f"The share{in_k} in `dh_prev`", f"`b_{k}`: its gradient")
    dW, dU = (f"`d{W}`", f"`d{U}`") if k == "h" else (f"`{W}`: its gradient", f"`{U}`: its gradient")

    def edit(name, cause, **at):
        places = {"dx": f"dx_{k}", "dh": f"dh_{k}", "dW": f"dW_x{k}", "dU": f"dW_h{k}", "db": f"db_{k}"}
        return Edit(f"{k}: {name}", {places[place]: text for place, text in at.items()}, cause)

    square = "It is square, so only the values tell."
    yield edit("dh: U", f"{dh} uses `{U}` as in the forward step. {square} A matrix appears as its transpose.", dh=f"{dz} @ {U}")
    yield edit("dx: W", f"{dx} uses `{W}` as in the forward step. Which shape has `{W}`, and which shapes do you go from and to?", dx=f"{dz} @ {W}")
    yield edit("untransposed", f"{dx} and {dh[0].lower() + dh[1:]} use the matrices as in the forward step. A matrix appears as its transpose.", dx=f"{dz} @ {W}", dh=f"{dz} @ {U}")
    yield edit("left", f"{dx} and {dh[0].lower() + dh[1:]}: the matrices stand on the left of rows. Write the shapes side by side, (B, H) first.", dx=f"{W} @ {dz}", dh=f"{U} @ {dz}")
    yield edit("dh: dz", f"{dh} has not gone through `{U}`: that is the gradient of the sum inside.", dh=dz)
    yield edit("db: no slope", f"{db} misses the slope of the function around the sum.", db=f"({dy}).sum(dim=0)")
    yield edit("weights: no slope", f"The weights' gradients{in_k} miss the slope of the function around the sum.", dW=f"x_t.T @ ({dy})", dU=f"h_prev.T @ ({dy})", db=f"({dy}).sum(dim=0)")
    yield edit("outer", f"{dW} and {dU[0].lower() + dU[1:]}: which shapes have the weights, and which sizes meet in your product?", dW=f"x_t @ {dz}", dU=f"h_prev @ {dz}")
    yield edit("db: rows", f"{db} still has a row per sequence. The bias is shared by the whole batch.", db=dz)
    yield edit("db: mean", f"{db} is a mean over the batch. Shared weights collect the sum; a mean belongs to the loss.", db=f"{dz}.mean(dim=0)")
    yield edit("db: all", f"{db} is summed over the units, too. Each unit has a bias of its own.", db=f"{dz}.sum()")
    yield edit("db: units", f"{db} is summed over the units in place of the batch.", db=f"{dz}.sum(dim=1)")
    yield edit("db: first", f"{db} holds the first sequence alone. All of the batch adds to it.", db=f"{dz}[0]")
    yield edit("db: last", f"{db} holds the last sequence alone. All of the batch adds to it.", db=f"{dz}[-1]")
    yield edit("weights: mean", f"{dW} and {dU[0].lower() + dU[1:]} are means over the batch. Shared weights collect the sum.", dW=f"x_t.T @ {dz} / len(x_t)", dU=f"h_prev.T @ {dz} / len(x_t)")
    yield edit(
        "means",
        f"The weights' gradients{in_k} are means over the batch. Shared weights collect the sum; a mean belongs to the loss.",
        dW=f"x_t.T @ {dz} / len(x_t)",
        dU=f"h_prev.T @ {dz} / len(x_t)",
        db=f"{dz}.mean(dim=0)",
    )
    yield edit("dW transposed", f"{dW} stands transposed: a gradient has the shape of its weight, (N, H).", dW=f"{dz}.T @ x_t")
    yield edit("dU transposed", f"{dU} stands transposed. {square} Rows are what is read.", dU=f"{dz}.T @ h_prev")
    yield edit("both transposed", f"{dW} and {dU[0].lower() + dU[1:]} stand transposed: a gradient has the shape of its weight.", dW=f"{dz}.T @ x_t", dU=f"{dz}.T @ h_prev")
    yield edit("dU: h_t", f"{dU} is made with `h_t`. `{U}` has read the state before.", dU=f"{h_t}.T @ {dz}")
    yield edit("dU: x", f"{dU} is made with `x_t`. `{U}` has read the state before.", dU=f"x_t.T @ {dz}")
    yield edit("dW: h", f"{dW} is made with `h_prev`. `{W}` has read the input.", dW=f"h_prev.T @ {dz}")
    for number, rows in (("last", "[-1:]"), ("first", "[:1]")):
        yield edit(f"dW, dU: {number}", f"{dW} and {dU[0].lower() + dU[1:]} hold the {number} sequence alone. All of the batch adds to it.", dW=f"x_t{rows}.T @ {dz}{rows}", dU=f"h_prev{rows}.T @ {dz}{rows}")
    for place, name, read in (("dW", dW, "x_t"), ("dU", dU, "h_prev")):
        sums = f"{name}: a product of sums is no sum of products. Multiply within each sequence first, then add."
        yield edit(f"{place}: no slope", f"{name} misses the slope of the function around the sum.", **{place: f"{read}.T @ ({dy})"})
        for turned in (f"{read} @ {dz}", f"{dz} @ {read}"):
            yield edit(f"{place}: {turned}", f"{name}: which shapes have the weights, and which sizes meet in your product?", **{place: turned})
        yield edit(f"{place}: mean", f"{name} is a mean over the batch. Shared weights collect the sum.", **{place: f"{read}.T @ {dz} / len(x_t)"})
        for number, rows in (("last", "[-1:]"), ("first", "[:1]")):
            yield edit(f"{place}: {number}", f"{name} holds the {number} sequence alone. All of the batch adds to it.", **{place: f"{read}{rows}.T @ {dz}{rows}"})
        yield edit(f"{place}: sums", sums, **{place: f"{read}.sum(dim=0)[:, None] * {dz}.sum(dim=0)"})
        yield edit(f"{place}: means", sums, **{place: f"{read}.mean(dim=0)[:, None] * {dz}.mean(dim=0)"})
        yield edit(f"{place}: turned, no slope", f"{name} stands transposed, and misses the slope of the function.", **{place: f"({dy}).T @ {read}"})
        yield edit(f"{place}: turned mean", f"{name} stands transposed, and is a mean over the batch.", **{place: f"{dz}.T @ {read} / len(x_t)"})
    yield edit("dU: h_t turned", f"{dU} is made with `h_t`, and stands transposed.", dU=f"{dz}.T @ {h_t}")
    yield edit("dU: h_t, no slope", f"{dU} is made with `h_t`, and misses the slope of the function.", dU=f"{h_t}.T @ ({dy})")
    for place, name, weight, other in (("dx", dx, W, U), ("dh", dh, U, W)):
        yield edit(f"{place}: no slope", f"{name} misses the slope of the function: a gradient goes back through it first, then through the weights.", **{place: f"{dy} @ {weight}.T"})
        yield edit(f"{place}: 0", f"{name} is zero: the gradient is dropped on its way.", **{place: f"0 * ({dz} @ {weight}.T)"})
        yield edit(f"{place}: other weight", f"{name} goes through `{other}`. On the way forward `{weight}` stood there.", **{place: f"{dz} @ {other}.T"})
        yield edit(f"{place}: other forward", f"{name} goes through `{other}`, and as in the forward step.", **{place: f"{dz} @ {other}"})
        yield edit(f"{place}: left", f"{name}: the matrix stands on the left of rows. Write the shapes side by side, (B, H) first.", **{place: f"{weight} @ {dz}"})
        yield edit(f"{place}: as forward, no slope", f"{name} uses `{weight}` as in the forward step, and misses the slope of the function.", **{place: f"({dy}) @ {weight}"})
        yield edit(
            f"{place}: slope of what is read",
            f"{name} is multiplied by a slope once more: the slope before it belongs to another step or layer.",
            **{place: f"{dz} @ {weight}.T * (1 - {'x_t' if place == 'dx' else 'h_prev'}**2)"},
        )
        yield edit(f"{place}: mean", f"{name} is a mean over the batch: each sequence has a gradient of its own here.", **{place: f"({dz} @ {weight}.T) / len(x_t)"})
        yield edit(f"{place}: batch mean", f"{name} is the mean over the batch for every sequence: each has a gradient of its own here.", **{place: f"({dz} @ {weight}.T).mean(dim=0).expand(len(x_t), -1)"})
        yield edit(f"{place}: sum", f"{name} is summed over the batch: each sequence has a gradient of its own here.", **{place: f"({dz} @ {weight}.T).sum(dim=0)"})
    for name, row in (("first", "[0]"), ("mean", ".mean(dim=0)")):
        yield edit(f"db: {name}, no slope", f"{db} misses the slope of the function, and is no sum over the batch.", db=f"({dy}){row}")
    for place, right in (("dx", f"{dz} @ {W}.T"), ("dh", f"{dz} @ {U}.T"), ("dW", f"x_t.T @ {dz}"), ("dU", f"h_prev.T @ {dz}"), ("db", f"{dz}.sum(dim=0)")):
        name = {"dx": dx, "dh": dh, "dW": dW, "dU": dU, "db": db}[place]
        yield edit(f"{place}: minus", f"{name} has the wrong sign: descent comes later, in the update.", **{place: f"-({right})"})
        yield edit(f"{place}: doubled", f"{name} is counted twice.", **{place: f"2 * ({right})"})
        if place in ("dW", "dU", "db"):
            yield edit(f"{place}: 0", f"{name} is zero.", **{place: f"0 * ({right})"})


def slope_edits(k: str, place: str, dy: str, y: str, z: str = "") -> Iterator[Edit]:
    """The mistakes in the line dz = dy · slope; y is what came out of the function of k."""
    tanh = k in "hc"
    word, other = ("tanh", "sigmoid") if tanh else ("sigmoid", "tanh")
    right, wrong = (f"(1 - {y}**2)", f"{y} * (1 - {y})") if tanh else (f"{y} * (1 - {y})", f"(1 - {y}**2)")
    again = f"tanh({y})" if tanh else f"sigmoid({y})"
    once_more = f"(1 - {again}**2)" if tanh else f"{again} * (1 - {again})"
    at = "" if k == "h" else f" at the {WORDS[k]}"
    rows = [
        ("no slope", dy, f"The derivative of {word} is missing{at}: the gradient has to pass the {word} before it reaches anything else."),
        (f"slope of {other}", f"{dy} * {wrong}", f"The derivative of the {other} stands{at}. This value went through the {word}."),
        ("function again", f"{dy} * {once_more}", f"{word} is applied once too often{at}: `{y}` is what came out of it already."),
        ("1 − y", f"{dy} * (1 - {y})", f"Look at the derivative of {word}{at}: " + ("it does not contain the value itself, only its square." if tanh else "half of it is missing, it is a product of two.")),
        ("1 − 2y", f"{dy} * (1 - 2 * {y})", f"Look at the derivative of {word}{at}: `1 − 2y` is not it."),
        ("tanh(y)", f"{dy} * tanh({y})", f"The function itself stands in place of its derivative{at}, and once more on its value."),
        ("sigmoid again", f"{dy} * sigmoid({y}) * (1 - sigmoid({y}))", f"The derivative of the sigmoid at the value itself stands{at}: `{y}` has been through the {word} already."),
        ("no dy", f"{right} + 0 * ({dy})", f"The gradient that arrives is missing{at}: only the slope of the {word} is there."),
        ("sum", f"({dy}) + {right}", f"The gradient that arrives is added to the slope of the {word}{at}. The chain rule multiplies."),
        ("value", f"{dy} * {y}", f"The value of the function stands in place of its derivative{at}."),
        ("squared", f"{dy} * {right} ** 2" if tanh else f"{dy} * ({right}) ** 2", f"The derivative of {word} is applied twice{at}."),
        ("brackets", f"{dy} * {right.replace('(', '').replace(')', '')}", f"Brackets are missing in the derivative of {word}{at}."),
        ("minus", f"-({dy} * {right})", f"The sign is turned{at}: descent comes later, in the update."),
    ]  # fmt: skip
    if tanh:
        rows += [
            ("1 + y²", f"{dy} * (1 + {y}**2)", f"Look at the sign in tanh's derivative{at}."),
            ("y²", f"{dy} * {y}**2", f"1 is missing in tanh's derivative{at}."),
            ("y² − 1", f"{dy} * ({y}**2 - 1)", f"The derivative of tanh has the wrong sign{at}: a slope of tanh is never negative."),
            ("(1 − y)²", f"{dy} * (1 - {y}) ** 2", f"In tanh's derivative{at} the value is squared, not the difference: look at your brackets."),
            ("less y²", f"{dy} - {y}**2", f"The square is subtracted from the gradient that arrives{at}. The chain rule multiplies by the whole slope."),
            ("@", f"({dy}) @ {right}", f"Each entry has a slope of its own{at}. `@` mixes the entries: compare with fact 1."),
        ]  # fmt: skip
    else:
        rows += [
            ("y (1 + y)", f"{dy} * {y} * (1 + {y})", f"Look at the sign in the sigmoid's derivative{at}."),
            ("y²", f"{dy} * {y} ** 2", f"The second factor of the sigmoid's derivative is 1 minus the value{at}."),
        ]  # fmt: skip
    return (Edit(f"{k}: {name}", {place: text}, cause) for name, text, cause in rows)


def rnn_backward_edits() -> Iterator[Edit]:
    """The mistakes of the RNN's backward step."""
    yield from slope_edits("h", "dz_h", "dh_t", "h_t")
    yield Edit("h: slope at h_prev", {"slope": "1 - h_prev**2"}, "The slope of tanh is taken at `h_prev`. It belongs to the state that this step made.")
    yield Edit("h: slope at dh", {"slope": "1 - dh_t**2"}, "The slope of tanh is taken at `dh_t`. It belongs to the state that this step made.")
    for name, text in (("", "tanh(x_t @ W_xh + h_prev @ W_hh)"), (" alone", "x_t @ W_xh + h_prev @ W_hh")):
        yield Edit(f"h: slope at the sum{name}", {"slope": f"1 - ({text})**2"}, "You compute the state again, and not as the step did: the bias is not among the arguments. `h_t` is.")
    yield Edit("h: db: slope alone", {"db_h": "slope.sum(dim=0)"}, "`db_h` is made of the slope alone: the gradient that arrives is missing.")
    yield from sum_edits("h", "dh_t")
    names = ("dx_h", "dh_h", "dW_xh", "dW_hh", "db_h")
    yield Edit("h: order", {"return": "dh_h, dx_h, dW_xh, dW_hh, db_h"}, "`dx_t` and `dh_prev` come back in the wrong order.")
    yield Edit("h: weights' order", {"return": "dx_h, dh_h, dW_hh, dW_xh, db_h"}, "`dW_xh` and `dW_hh` come back in the wrong order.")
    yield Edit("h: a list", {"return": f"[{', '.join(names)}][:4]"}, "`db_h` is missing in what you return.")


def lstm_backward_edits() -> Iterator[Edit]:
    """The mistakes of the LSTM's backward step, the most frequent first."""
    by_gate = {k: [*slope_edits(k, f"dz_{k}", f"d{MADE[k][0]}", MADE[k]), *sum_edits(k, f"d{MADE[k][0]}")] for k in GATES}
    for id, changes, cause in LSTM_BACKWARD:
        yield Edit(id, changes, cause)
    yield from branch_edits()
    for a, b in itertools.combinations(range(6), 2):
        read = {f"{VALUES[a]}_t": f"values[{b}]", f"{VALUES[b]}_t": f"values[{a}]"}
        yield Edit(f"values: {VALUES[b]} {VALUES[a]}", read, "The values are read in the wrong order: they come as i, f, g, o, c, h.")
    for a, b in itertools.permutations(GATES, 2):
        yield Edit(f"dz_{a}: dz_{b}", {f"dz_{a}": _dz(b)}, f"The gradient of the sum in the {WORDS[a]} is made with the values of the {WORDS[b]}.")
    yield from in_several_gates(by_gate, ifco="The same mistake in all four sums. The", ifo="The same mistake at all three gates. The")
    for edits in by_gate.values():
        yield from edits
    yield from shares()


def branch_edits() -> Iterator[Edit]:
    """The mistakes where a gradient goes back through one factor of a product, in equations 3 and 5."""
    for place, (arrives, factor, name, product) in BRANCHES.items():
        for other in ("i_t", "f_t", "g_t", "o_t", "c_t", "h_t", "c_prev", "h_prev"):
            if other != factor:
                yield Edit(f"{place} with {other}", {place: f"{arrives} * {other}"}, f"{name} has {other} as its factor. Each factor of a product receives the other one: look at {product}.")
        for id, text, cause in (
            ("no factor", arrives, f"misses a factor: what does it stand beside in {product}?"),
            ("1 −", f"{arrives} * (1 - {factor})", f"has 1 minus its factor. In {product} the factor itself stands there."),
            ("0", f"0 * {factor}", "is zero: nothing goes back here."),
            ("minus", f"-{arrives} * {factor}", "has the wrong sign."),
            ("doubled", f"2 * {arrives} * {factor}", "is counted twice."),
            ("from dc_t", f"dc_t * {factor}", "is made of the `dc_t` that came in, without what came through h_t. Add first, then branch."),
        ):
            yield Edit(f"{place}: {id}", {place: text}, f"{name} {cause}")


def shares() -> Iterator[Edit]:
    """`dx_t` and `dh_prev` are sums over four gates: a share is missing, stands alone or is counted wrongly."""
    kept = {"dx_t": "dx", "dh_prev": "dh"}
    for k in GATES:
        rest = [other for other in GATES if other != k]
        for name, left, cause in (
            ("missing", rest, f"the share of the {WORDS[k]} is missing: it has read x_t and h_prev, too."),
            ("alone", [k], f"the {WORDS[k]} is there alone: four sums have read x_t and h_prev, and their gradients are added."),
        ):
            changes = {place: " + ".join(f"{d}_{other}" for other in left) for place, d in kept.items()}
            yield Edit(f"shares: {k} {name}", changes, f"`dx_t` and `dh_prev`: {cause}")
            for place, text in changes.items():
                yield Edit(f"{place}: {k} {name}", {place: text}, f"`{place}`: {cause}")
    means = {place: f"({' + '.join(f'{d}_{k}' for k in GATES)}) / 4" for place, d in kept.items()}
    yield Edit("shares: mean", means, "`dx_t` and `dh_prev` are means over the four sums. Where paths meet, gradients are added.")
    for place, text in means.items():
        yield Edit(f"{place}: mean", {place: text}, f"`{place}` is a mean over the four sums. Where paths meet, gradients are added.")
    for k in GATES:
        for place, d in kept.items():
            one = " + ".join(f"dz_{other}" for other in GATES)
            yield Edit(f"{place}: weights of {k}", {place: f"({one}) @ W_{d[1]}{k}.T"}, f"`{place}`: all four sums go back through the weights of the {WORDS[k]}. Each has weights of its own.")
    swap = {**{name: f"d{name}" for name in NAMES}}
    for a, b in (("c", "o"), ("i", "f"), ("f", "c"), ("i", "c"), ("i", "o"), ("f", "o")):
        names = {name: {a: b, b: a}.get(name[-1], name[-1]) for name in swap}
        text = ", ".join(f"'{name}': d{name[:-1]}{k}" for name, k in names.items())
        yield Edit(f"dweights: {a} ↔ {b}", {"dweights": f"{{{text}}}"}, f"The gradients of the {WORDS[a]} and the {WORDS[b]} stand under each other's names.")


BRANCHES = {  # the place of a gradient -> what arrives, its factor, what to call it, and where the factors stand
    "do": ("dh_t", "shown", "The output gate's gradient", "equation 5"),
    "df": ("dc", "c_prev", "The forget gate's gradient", "equation 3"),
    "dc_prev": ("dc", "f_t", "`dc_prev`", "equation 3"),
    "di": ("dc", "g_t", "The input gate's gradient", "equation 3"),
    "dg": ("dc", "i_t", "The candidate's gradient", "equation 3"),
}  # fmt: skip
LSTM_BACKWARD = (
    ("dc_t dropped", {"dc": "through_h"}, "`dc_t` is dropped: what the steps after sent along the memory has to be added at c_t."),
    ("dc, dh added first", {"dc": "(dc_t + dh_t) * o_t * slope"}, "`dc_t` and `dh_t` are added before the two factors. Only `dh_t` comes through h_t: look at your brackets."),
    ("o at dc_t", {"dc": "dc_t * o_t + dh_t * slope"}, "The output gate is multiplied with `dc_t`. Only `dh_t` comes through h_t, where the gate stands."),
    ("dh_t dropped", {"dc": "dc_t"}, "The path from h_t into c_t is missing: equation 5 reads the memory, so `dh_t` reaches it, too."),
    ("dc_t past the gates", {"dc": "through_h", "dc_prev": "(dc_t + through_h) * f_t"}, "`dc_t` goes on to the memory before and never reaches f, i and g of this step. Add it before you branch."),
    ("dc_prev from h alone", {"dc_prev": "through_h * f_t"}, "`dc_prev` takes only what came through h_t, without the `dc_t` that came in. Add first, then branch."),
    ("dc subtracted", {"dc": "dc_t - through_h"}, "What comes through h_t is subtracted. Where paths meet, gradients are added."),
    ("no tanh'", {"through_h": "dh_t * o_t"}, "On the path from h_t to c_t the derivative of tanh is missing."),
    ("no o", {"through_h": "dh_t * slope"}, "On the path from h_t to c_t a factor is missing: what is tanh(c_t) multiplied by in equation 5?"),
    ("1 − c²", {"slope": "1 - c_t**2"}, "`1 − c_t²` is no slope: the formula takes the value of the tanh, and c_t is what went into it."),
    ("1 − h²", {"slope": "1 - h_t**2"}, "`1 − h_t²` is the slope of the RNN. Here h_t is more than a tanh: it contains the output gate."),
    ("1 − h² alone", {"through_h": "dh_t * (1 - h_t**2)"}, "That is the gradient through the RNN's h_t. In equation 5 the tanh is multiplied by a gate."),
    ("1 − c_prev²", {"slope": "1 - tanh(c_prev)**2"}, "The slope on the path from h_t to c_t is taken at the memory before. Equation 5 read c_t."),
    ("tanh for tanh'", {"through_h": "dh_t * o_t * shown"}, "On the path from h_t to c_t stands the tanh itself. It has to be its derivative."),
    ("1 − tanh", {"slope": "1 - shown"}, "Look at the derivative of tanh on the path from h_t to c_t: the value is squared in it."),
    ("1 + tanh²", {"slope": "1 + shown**2"}, "Look at the sign in the derivative of tanh on the path from h_t to c_t."),
    ("tanh' twice", {"slope": "(1 - shown**2)**2"}, "On the path from h_t to c_t the derivative of tanh is applied twice."),
    ("σ' for tanh'", {"slope": "sigmoid(c_t) * (1 - sigmoid(c_t))"}, "On the path from h_t to c_t stands the derivative of σ. Equation 5 has a tanh."),
    ("shown (1 − shown)", {"slope": "shown * (1 - shown)"}, "On the path from h_t to c_t stands the derivative of σ. Equation 5 has a tanh."),
    ("tanh' with do", {"through_h": "do * slope"}, "On the path from h_t to c_t the factor is tanh(c_t), the one of the output gate. Each factor receives the other."),
    ("dh_t as it is", {"through_h": "dh_t"}, "`dh_t` is added to `dc_t` as it is. On its way from h_t to c_t it passes two factors."),
    ("σ'(o) on the way", {"through_h": "dh_t * o_t * (1 - o_t) * slope"}, "The slope of the output gate stands on the path from h_t to c_t. There the factor is the gate itself."),
    ("f before dc_t", {"dc": "dc_t * f_t + through_h"}, "`dc_t` is multiplied by f_t before it is used. It has arrived at c_t; f_t comes on the way to c_prev, once."),
    ("do: slope", {"do": "dh_t * slope"}, "The output gate's gradient has the slope of the tanh as its factor. In equation 5 the gate is multiplied by the tanh itself."),
    ("do: c_prev", {"do": "dh_t * tanh(c_prev)"}, "The output gate's gradient is made with the memory before. Equation 5 read c_t."),
    ("do: dc", {"do": "(dc_t + dh_t * o_t * slope) * shown"}, "The output gate's gradient comes from the memory. The gate stands in equation 5: it receives `dh_t`."),
    ("i ↔ g", {"di": "dc * i_t", "dg": "dc * g_t"}, "i and g are swapped: each factor of a product receives the other one."),
    ("f ↔ c", {"df": "dc * f_t", "dc_prev": "dc * c_prev"}, "f and c_prev are swapped: each factor of a product receives the other one."),
    ("both products", {"df": "dc * f_t", "dc_prev": "dc * c_prev", "di": "dc * i_t", "dg": "dc * g_t"}, "Both products of equation 3 are swapped: each factor receives the other one, not itself."),
    ("dc_prev: σ'", {"dc_prev": "dc * f_t * (1 - f_t)"}, "`dc_prev` is multiplied by the slope of the forget gate. In equation 3 the gate itself stands beside c_prev."),
    ("df: tanh", {"df": "dc * tanh(c_prev)"}, "The forget gate's gradient is made with tanh(c_prev). Equation 3 has the memory before as it is."),
    ("df, di, dg from dc_t", {"df": "dc_t * c_prev", "di": "dc_t * g_t", "dg": "dc_t * i_t"}, "f, i and g receive only the `dc_t` that came in, without what came through h_t. Add first, then branch."),
    ("order", {"return": "dh_prev, dx_t, dc_prev, dweights"}, "`dx_t` and `dh_prev` come back in the wrong order."),
    ("order of states", {"return": "dx_t, dc_prev, dh_prev, dweights"}, "`dh_prev` and `dc_prev` come back in the wrong order."),
)  # fmt: skip
