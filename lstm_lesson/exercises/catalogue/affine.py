"""The known mistakes in function(x_t W + h_prev U + b): an RNN step, a gate or the candidate.

In a model answer its places are x_k, h_k, bias_k and z_k, where k is the last letter of the weights; MADE has the last.
"""

from collections.abc import Iterator

from lstm_lesson.exercises.model import Edit

WORDS = {"h": "new state", "i": "input gate", "f": "forget gate", "c": "candidate", "o": "output gate"}
MADE = {"h": "h_t", "i": "i_t", "f": "f_t", "c": "g_t", "o": "o_t"}
FIRST = "A weight's first letter says what it reads."
SECOND = "A weight's second letter says what it makes."


def function_of(k: str) -> str:
    """The function around the sum of k."""
    return "tanh" if k in "hc" else "sigmoid"


def affine_edits(k: str) -> Iterator[Edit]:
    """The mistakes in the lines of k that need no other gate's weights."""
    W, U, b, f, made = f"W_x{k}", f"W_h{k}", f"b_{k}", function_of(k), MADE[k]
    x, h, bias, z = f"x_{k}", f"h_{k}", f"bias_{k}", f"z_{k}"
    around = f"the function around the sum of the {WORDS[k]}"

    def edit(name, cause, **at):
        return Edit(f"{k}: {name}", {f"{place}_{k}" if place != "made" else made: text for place, text in at.items()}, cause)

    yield edit("no bias", f"The bias is missing: it looks as if `{b}` were zero.", bias="0.0")
    yield edit("no x", f"The term with `x_t` is missing: `{W}` has no effect.", x="0.0")
    yield edit("no h", f"The term with `h_prev` is missing: `{U}` has no effect.", h="0.0")
    yield edit("only x", f"The {WORDS[k]} reads `x_t` alone: `{U}` and `{b}` have no effect.", h="0.0", bias="0.0")
    yield edit("only h", f"The {WORDS[k]} reads `h_prev` alone: `{W}` and `{b}` have no effect.", x="0.0", bias="0.0")
    yield edit("U transposed", f"`{U}` is used transposed. It is square, so the shapes fit either way, and only the values tell.", h=f"h_prev @ {U}.T")
    yield edit("W transposed", f"`{W}` is used transposed: its rows belong to the inputs, its columns to the units.", x=f"x_t @ {W}.T")
    yield edit("both transposed", f"`{W}` and `{U}` are both used transposed. Write the shapes under x_t, h_prev and their matrices.", x=f"x_t @ {W}.T", h=f"h_prev @ {U}.T")
    yield edit("columns", "That is the equation of column vectors. Here `x_t` and `h_prev` have a row per sequence, (B, N) and (B, H), and stand on the left of their matrices.", x=f"{W} @ x_t", h=f"{U} @ h_prev")
    yield edit("turned columns", "`x_t` and `h_prev` are turned into columns, as many books write them. Here each sequence is a row, and stands on the left of a matrix.", x=f"{W}.T @ x_t.T", h=f"{U}.T @ h_prev.T")
    yield edit(
        "turned, untransposed", "`x_t` and `h_prev` are turned into columns and meet the matrices as they are. Here each sequence is a row, and stands on the left of a matrix.", x=f"{W} @ x_t.T", h=f"{U} @ h_prev.T"
    )
    yield edit("W left", f"`{W}` stands on the left of `x_t`. Write their shapes side by side: which sizes meet?", x=f"{W} @ x_t")
    yield edit("U left", f"`{U}` stands on the left of `h_prev`. Write their shapes side by side: which sizes meet?", h=f"{U} @ h_prev")
    yield edit("crossed", f"`x_t` meets `{U}`, and `h_prev` meets `{W}`. {FIRST}", x=f"x_t @ {U}", h=f"h_prev @ {W}")
    yield edit("W twice", f"`{W}` stands in both terms. {FIRST}", h=f"h_prev @ {W}")
    yield edit("U twice", f"`{U}` stands in both terms. {FIRST}", x=f"x_t @ {U}")
    yield edit("h twice", f"`h_prev` stands in both terms, and `x_t` in none: what does `{W}` read?", x=f"h_prev @ {W}")
    yield edit("x twice", f"`x_t` stands in both terms, and `h_prev` in none: what does `{U}` read?", h=f"x_t @ {U}")
    for place, read, weight in (("x", "x_t", W), ("h", "h_prev", U)):
        yield edit(f"minus {place}", f"The term with `{read}` is subtracted. Look at its sign.", **{place: f"-({read} @ {weight})"})
        yield edit(f"{place} doubled", f"The term with `{read}` is added twice.", **{place: f"2 * ({read} @ {weight})"})
        yield edit(f"{place} entrywise", f"`{read} * {weight}` multiplies entry by entry. A matrix needs a product that sums: look at its sign.", **{place: f"{read} * {weight}"})
    yield edit("entrywise", "`*` multiplies entry by entry, and every matrix here needs a product that sums. Look at its sign.", x=f"x_t * {W}", h=f"h_prev * {U}")
    yield edit("minus b", f"The bias `{b}` is subtracted. Look at its sign.", bias=f"-{b}")
    yield edit("b doubled", f"The bias is added twice; there is one `{b}`.", bias=f"2 * {b}")
    yield edit("bias plus 1", f"1 is added to the bias `{b}`. A forget bias belongs into the weights at the start, not into the equation.", bias=f"{b} + 1")
    yield edit("b multiplied", f"The sum is multiplied by `{b}`. A bias is added.", z=f"({x} + {h}) * {bias}")
    yield edit("product", "The two terms are multiplied. The equation adds the term of the input and the term of the state.", z=f"{x} * {h} + {bias}")
    yield edit("joined below", "`x_t` and `h_prev` are joined one below the other. A joined row has to hold one sequence's N + H numbers.", z=f"torch.cat([x_t, h_prev]) @ torch.cat([{W}, {U}])")
    yield edit("joined beside", "The matrices are joined side by side. Joined, they have to have a row for each of the N + H numbers.", z=f"torch.cat([x_t, h_prev], dim=1) @ torch.cat([{W}, {U}], dim=1) + {bias}")
    yield edit("joined crossed", "The states and the weights are joined in different orders: what is first in one must be first in both.", z=f"torch.cat([h_prev, x_t], dim=1) @ torch.cat([{W}, {U}]) + {bias}")
    yield edit("sum alone", f"That is the sum alone. Look for {around} in the equation.", made=z)
    for inside, outside, cause in (
        ([x, h], [bias], f"`{b}` is added outside {around}. Look at your brackets."),
        ([x], [h, bias], f"Only the term with `x_t` is inside {around}. Look at your brackets."),
        ([h], [x, bias], f"Only the term with `h_prev` is inside {around}. Look at your brackets."),
        ([x, bias], [h], f"The term with `h_prev` is added outside {around}. Look at your brackets."),
        ([h, bias], [x], f"The term with `x_t` is added outside {around}. Look at your brackets."),
    ):
        name = "+".join(part.rsplit("_", 1)[0] for part in inside)
        yield edit(f"{f}({name}) + …", cause, made=f"{f}({' + '.join(inside)}) + {' + '.join(outside)}")
    apart = f"Each term goes through a function of its own. How often is {around} in the equation?"
    yield edit("functions apart", apart, made=f"{f}({x}) + {f}({h}) + {bias}")
    yield edit("functions apart, bias too", apart, made=f"{f}({x}) + {f}({h}) + {f}({bias})")
    yield edit("functions multiplied", apart, made=f"{f}({x}) * {f}({h} + {bias})")
    yield edit("functions of x, and of the rest", apart, made=f"{f}({x}) + {f}({h} + {bias})")
    yield edit("functions of h, and of the rest", apart, made=f"{f}({h}) + {f}({x} + {bias})")
    brackets = "Look at your brackets: a term stands inside a product where it has to be added."
    yield edit("U + b", brackets, h=f"h_prev @ ({U} + {b})", bias="0.0")
    yield edit("W + b", brackets, x=f"x_t @ ({W} + {b})", bias="0.0")
    yield edit("(x W + h) U", brackets, z=f"({x} + h_prev) @ {U} + {bias}")
    yield edit("x (W + h U)", brackets, z=f"x_t @ ({W} + {h}) + {bias}")
    yield edit("h U b", brackets, z=f"{x} + {h} * {bias}")
    yield edit("x W b", brackets, z=f"{x} * {bias} + {h}")
    for factor in ("0.5", "2"):
        yield edit(f"{factor} z", f"The sum inside the function is multiplied by {factor}: look at {around}.", made=f"{f}({factor} * {z})")
    yield edit("relu", f"That is a ReLU, which has no upper bound. Look at {around}.", made=f"relu({z})")
    yield edit("softmax", "A softmax makes the units share a total of 1. Here every unit stands for itself.", made=f"torch.softmax({z}, dim=1)")
    yield edit("softmax over B", "A softmax over the batch lets the sequences share a total of 1. Here every number stands for itself.", made=f"torch.softmax({z}, dim=0)")
    yield edit("function twice", f"Look at {around}: you apply it twice.", made=f"{f}({f}({z}))")
    yield edit("clamped", f"The sum is cut off by straight lines. Look at {around}: it is smooth.", made=f"{z}.clamp({-1 if f == 'tanh' else 0}, 1)")
    if f == "sigmoid":
        yield edit("tanh", "That is a tanh, from −1 to 1. A gate is a valve between 0 (shut) and 1 (open): which function fits?", made=f"tanh({z})")
        yield edit("one minus", f"Your {WORDS[k]} is 1 minus the right one: open where it should be shut. Look for a sign.", made=f"1 - sigmoid({z})")
        yield edit("hard sigmoid", "That is the hard sigmoid, made of straight lines. The gate's function is smooth.", made=f"F.hardsigmoid({z})")
        yield edit("Keras's hard sigmoid", "That is the hard sigmoid 0.2 z + 0.5, made of straight lines. The gate's function is smooth.", made=f"(0.2 * {z} + 0.5).clamp(0, 1)")
        yield edit("moved tanh", "A tanh moved into 0 to 1 is twice as steep as the gate's function: see what it does to the sum inside.", made=f"(tanh({z}) + 1) / 2")
        yield edit("exponential", "That is an exponential function, which has no upper bound. A gate lies between 0 and 1.", made=f"torch.exp({z})")
    else:
        yield edit("sigmoid", "That is a sigmoid: it cannot go below 0. What is made here needs both signs: look at the function.", made=f"sigmoid({z})")
        yield edit("minus tanh", f"The {WORDS[k]} has the wrong sign.", made=f"-tanh({z})")
        yield edit("stretched sigmoid", "A sigmoid stretched to −1 to 1 is only half as steep as the tanh.", made=f"2 * sigmoid({z}) - 1")
        yield edit("sin", "That is a sine, which goes up and down again. Look at the function in the equation.", made=f"torch.sin({z})")
        yield edit("atan", "That is an arctangent, whose bounds are ±π/2. Look at the function in the equation.", made=f"torch.atan({z})")
    yield edit("h detached", f"The values are right, but `h_prev` is detached in the {WORDS[k]}: no gradient can travel to the steps before.", h=f"h_prev.detach() @ {U}")
    yield edit("x detached", f"The values are right, but `x_t` is detached in the {WORDS[k]}: no gradient reaches the input.", x=f"x_t.detach() @ {W}")
    yield edit("W detached", f"The values are right, but `{W}` is detached: it could never learn.", x=f"x_t @ {W}.detach()")
    yield edit("U detached", f"The values are right, but `{U}` is detached: it could never learn.", h=f"h_prev @ {U}.detach()")
    yield edit("b detached", f"The values are right, but `{b}` is detached: it could never learn.", bias=f"{b}.detach()")
    yield edit("weights detached", f"The values are right, but `{W}`, `{U}` and `{b}` are detached: they could never learn.", x=f"x_t @ {W}.detach()", h=f"h_prev @ {U}.detach()", bias=f"{b}.detach()")
    yield edit("detached", f"The values are right, but the {WORDS[k]} is detached: its weights could never learn.", made=f"{f}({z}).detach()")


def in_several_gates(by_gate: dict[str, list[Edit]], **begin: str) -> Iterator[Edit]:
    """The same mistake in all of some gates; `begin` has their letters and how the cause of the first one is introduced."""
    for letters, words in begin.items():
        named = [{edit.id.split(": ", 1)[1]: edit for edit in by_gate[k]} for k in letters]
        for name, first in named[0].items():
            same = [edits[name] for edits in named if name in edits]
            if len(same) == len(letters):
                changes = {place: text for edit in same for place, text in edit.changes.items()}
                yield Edit(f"{letters}: {name}", changes, f"{words} {WORDS[letters[0]]}: {first.cause}")
