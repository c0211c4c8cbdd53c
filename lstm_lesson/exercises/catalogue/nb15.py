"""The exercises of notebook 15: all gates from one sum, and the input's part of it for all steps at once."""

import itertools

from lstm_lesson.exercises.catalogue.affine import WORDS
from lstm_lesson.exercises.exercise import Exercise
from lstm_lesson.exercises.model import Edit

SUM_WORDS = {"read": "what is read", "x_z": "the term of the input", "h_z": "the term with `h_prev`", "bias": "the bias", "z": "the sum", "blocks": "the blocks"}
FUSED_GATES_MODEL = """def fused_gates(x_t, h_prev, W_x, W_h, b):
    x_z = x_t @ W_x
    h_z = h_prev @ W_h
    bias = b
    z = x_z + h_z + bias
    blocks = z.chunk(4, dim=1)
    z_i = blocks[0]
    z_f = blocks[1]
    z_c = blocks[2]
    z_o = blocks[3]
    i_t = sigmoid(z_i)
    f_t = sigmoid(z_f)
    g_t = tanh(z_c)
    o_t = sigmoid(z_o)
    return i_t, f_t, g_t, o_t
"""
FUSED_GATES = (
    ("i, f, o, c", {"z_c": "blocks[3]", "z_o": "blocks[2]"}, "The last two blocks are swapped. The weights stand in the order i, f, c, o: the candidate's are third."),
    ("all sigmoids", {"g_t": "sigmoid(z_c)"}, "A sigmoid stands around all four blocks. One of them is no gate."),
    ("all tanhs", {"i_t": "tanh(z_i)", "f_t": "tanh(z_f)", "o_t": "tanh(z_o)"}, "A tanh stands around all four blocks. Three of them are gates."),
    ("tanh o", {"o_t": "tanh(z_o)"}, "A tanh stands around the output gate. Only one block is no gate."),
    ("tanh last", {"g_t": "sigmoid(z_c)", "o_t": "tanh(z_o)"}, "The tanh stands around the last block. Which block makes the candidate?"),
    ("sums", {"i_t": "z_i", "f_t": "z_f", "g_t": "z_c", "o_t": "z_o"}, "These are the sums alone. Which functions are around them in the equations?"),
    ("along the batch", {"blocks": "z.chunk(4)"}, "What you unpack has B parts: `chunk` and `split` go along the first dimension, the batch, unless told."),
    ("cut by rows", {"blocks": "z.reshape(4, len(z), -1)"}, "`view` or `reshape` cuts the numbers anew in their old order: its parts are no blocks of columns."),
    ("every fourth", {"blocks": "[z[:, k::4] for k in range(4)]"}, "Every fourth column is taken. A gate's columns stand together, H of them side by side."),
    ("no bias", {"bias": "0.0"}, "The bias is missing from the sum."),
    ("bias doubled", {"bias": "2 * b"}, "The bias is added twice."),
    ("minus b", {"bias": "-b"}, "The bias is subtracted. Look at its sign."),
    ("no h", {"h_z": "0.0"}, "The term with `h_prev` is missing from the sum."),
    ("no x", {"x_z": "0.0"}, "The term with `x_t` is missing from the sum."),
)  # fmt: skip
ORDERS = tuple(
    (f"blocks {found}", {f"z_{k}": f"blocks[{found.index(k)}]" for k in "ifco"}, f"The blocks are read in the order {', '.join(found)}. The weights stand in the order i, f, c, o, the results in the order i, f, g, o.")
    for found in map("".join, itertools.permutations("ifco"))
    if found != "ifco"
)  # fmt: skip
RETURNED = tuple(
    (f"returned {first}g", {"return": ", ".join(f"{k}_t" for k in first) + ", g_t"}, "The right tensors, in another order: expected i_t, f_t, g_t, o_t.")
    for first in map("".join, itertools.permutations("ifo"))
)  # fmt: skip
ONE_MINUS = tuple(
    (f"1 − {k}", {f"{k}_t": f"1 - sigmoid(z_{k})"}, f"Your {WORDS[k]} is 1 minus the right one: open where it should be shut. Look for a sign.") for k in "ifo"
)  # fmt: skip
HOIST_INPUTS_MODEL = """def hoist_inputs(x, W_x, b):
    read = x
    x_z = read @ W_x
    bias = b
    z = x_z + bias
    return z
"""
HOIST_INPUTS = (
    ("no bias", {"bias": "0.0"}, "The bias is missing. It waits for no step either, so it belongs in here."),
    ("minus b", {"bias": "-b"}, "The bias is subtracted. Look at its sign."),
    ("bias doubled", {"bias": "2 * b"}, "The bias is added twice."),
    ("steps first", {"return": "z.transpose(0, 1)"}, "Steps stand first. Here the batch does, as it does in x."),
    ("last step", {"read": "x[:, -1]"}, "Only the last step is here. The loop will ask for every one."),
    ("first step", {"read": "x[:, 0]"}, "Only the first step is here. The loop will ask for every one."),
    ("added up", {"return": "z.sum(dim=1)"}, "The steps are added up. Each keeps a sum of its own."),
    ("sigmoid", {"z": "sigmoid(x_z + bias)"}, "A sigmoid is taken too early: what the hidden state adds is still missing from this sum."),
    ("backwards", {"read": "x.flip(1)"}, "The steps come from the end. Leave them in the order in which they stand in x."),
    ("mixed up", {"read": "x.reshape(x.shape[1], x.shape[0], -1).transpose(0, 1)"}, "`view` or `reshape` does not swap the batch and time: it cuts the numbers anew in their old order."),
)  # fmt: skip

EXERCISES = [
    Exercise(
        name="fused_gates",
        notebook="15_faster",
        minutes=6,
        difficulty=2,
        reference="speed.implementations.fused_gates",
        inputs=lambda draw: dict(x_t=draw("B N"), h_prev=draw("B H"), W_x=draw("N 4H"), W_h=draw("H 4H"), b=draw("4H")),
        returns={"i_t": "B H", "f_t": "B H", "g_t": "B H", "o_t": "B H"},
        model=FUSED_GATES_MODEL,
        edits=tuple(Edit(*row) for row in FUSED_GATES + ONE_MINUS + RETURNED + ORDERS),
        words=SUM_WORDS | {f"z_{k}": f"the block of {k}" for k in "ifco"},
        hints=(
            "One sum makes all four: its shape is (B, 4H), because the weights stand side by side.",
            "`chunk(4, dim=1)` cuts it into four blocks of H columns, in the order i, f, c, o.",
            "The gates are sigmoids of their blocks; the candidate, from the block of c, is a tanh.",
        ),
    ),
    Exercise(
        name="hoist_inputs",
        notebook="15_faster",
        minutes=3,
        difficulty=1,
        reference="speed.implementations.hoist_inputs",
        inputs=lambda draw: dict(x=draw("B T N"), W_x=draw("N 4H"), b=draw("4H")),
        returns={"z": "B T 4H"},
        at_once=True,
        model=HOIST_INPUTS_MODEL,
        edits=tuple(Edit(*row) for row in HOIST_INPUTS),
        words=SUM_WORDS,
        hints=(
            "Which terms of the sum do not wait for the hidden state of the step before?",
            "A matrix on the right of `@` is applied to every row, whatever dimensions stand before: (B, T, N) works.",
            "`x @ W_x` is (B, T, 4H); a vector (4H,) is added to each of its rows.",
        ),
    ),
]
