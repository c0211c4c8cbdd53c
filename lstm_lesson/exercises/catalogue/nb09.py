"""The exercises of notebook 09: the backward step of an LSTM, and the gradient of its weights over a sequence."""

from lstm_lesson.cells import lstm_values
from lstm_lesson.exercises.catalogue.backward_steps import LSTM_MODEL, lstm_backward_edits, lstm_words
from lstm_lesson.exercises.exercise import Exercise
from lstm_lesson.exercises.model import Edit


def _step_inputs(draw):
    x_t, h_prev, c_prev = draw("B N"), draw("B H"), draw.unbounded("B H")
    weights = draw.weights()
    values = tuple(lstm_values(x_t, h_prev, c_prev, weights))
    arriving = {"dh_t": draw.unbounded("B H", 1), "dc_t": draw.unbounded("B H", 1)}
    return arriving | {"x_t": x_t, "h_prev": h_prev, "c_prev": c_prev, "values": values, "weights": weights}


def _sequence_inputs(draw):
    return {"x": draw("B T N"), "h_0": draw("B H"), "hidden_seq": draw("B T H"), "dz": draw.unbounded("B T H")}


ACCUMULATE_MODEL = """def accumulate(x, h_0, hidden_seq, dz):
    first = h_0[:, None]
    others = hidden_seq[:, :-1]
    read = torch.cat([first, others], dim=1)
    steps = slice(None)
    x_rows = x[:, steps].flatten(0, 1)
    read_rows = read[:, steps].flatten(0, 1)
    dz_rows = dz[:, steps].flatten(0, 1)
    dW_x = x_rows.T @ dz_rows
    dW_h = read_rows.T @ dz_rows
    db = dz_rows.sum(dim=0)
    return dW_x, dW_h, db
"""
ACCUMULATE_WORDS = {
    "first": "the state that the first step has read", "others": "the states that the other steps have read", "read": "the states before each step", "steps": "the steps that are summed",
    "x_rows": "the rows of x", "read_rows": "the rows of the states", "dz_rows": "the rows of dz", "dW_x": "`dW_x`", "dW_h": "`dW_h`", "db": "`db`",
}  # fmt: skip
RIGHT = {"dW_x": "x_rows.T @ dz_rows", "dW_h": "read_rows.T @ dz_rows", "db": "dz_rows.sum(dim=0)"}
IN = {"dW_x": "x[:, steps]", "dW_h": "read[:, steps]"}
ONE_STEP = {"dW_x": "x[:, {0}].T @ dz[:, {0}]", "dW_h": "read[:, {0}].T @ dz[:, {0}]", "db": "dz[:, {0}].sum(dim=0)"}
SUM_OF_NONE = "(dW_x, dW_h, db) if x.shape[1] > 1 else (0, 0, 0)"
BY_STEPS = "[:, steps].transpose(0, 1).flatten(0, 1)"
ALIKE = "rows that meet have to be of one step and sequence."
ACCUMULATE = (
    ("states made", {"read": "hidden_seq"}, "`dW_h` is made with the states that the steps made. Each step has read the state before its own."),
    ("h_0 zero", {"first": "0 * h_0[:, None]"}, "`dW_h` lacks the first step's share: it has read `h_0`, which need not be zero."),
    ("h_0 at every step", {"read": "h_0[:, None].expand_as(hidden_seq)"}, "`dW_h` takes `h_0` at every step. Only the first step has read it."),
    ("rolled", {"first": "hidden_seq[:, -1:]"}, "The first step takes the last state (`roll`, or the index −1). What did it read?"),
    ("first state twice", {"first": "hidden_seq[:, :1]"}, "The first step takes the state that it makes itself. What did it read?"),
    ("shifted back", {"read": "torch.cat([hidden_seq[:, 1:], h_0[:, None]], dim=1)"}, "The states are shifted the wrong way: step t has read the state of step t − 1."),
    ("shifted back, h_0 first", {"others": "hidden_seq[:, 1:]"}, "After the first step, step t takes the state that it makes itself. It has read the state of step t − 1."),
    ("last step", {"steps": "slice(-1, None)"}, "Only the last step's share is there. A loop that adds needs a sum that starts at zero."),
    ("first step", {"steps": "slice(0, 1)"}, "Only the first step's share is there. A loop that adds needs a sum that starts at zero."),
    ("first missing", {"steps": "slice(1, None)"}, "The first step's share is missing in all three."),
    ("first missing, 0 for one step", {"steps": "slice(1, None)", "return": SUM_OF_NONE}, "The first step's share is missing in all three: Python counts from 0."),
    ("last missing, 0 for one step", {"steps": "slice(-1)", "return": SUM_OF_NONE}, "The last step's share is missing in all three: how many turns does your loop make?"),
    ("last missing", {"steps": "slice(-1)"}, "The last step's share is missing in all three: how many turns does your loop make?"),
    ("dz by steps", {"x_rows": f"x{BY_STEPS}", "read_rows": f"read{BY_STEPS}"}, f"x and the states are flattened step by step, dz is not: {ALIKE}"),
    ("x and states by steps", {"dz_rows": f"dz{BY_STEPS}"}, f"dz is flattened step by step, x and the states are not: {ALIKE}"),
    ("x by steps", {"x_rows": f"x{BY_STEPS}"}, f"x and dz are flattened in different orders: {ALIKE}"),
    ("states by steps", {"read_rows": f"read{BY_STEPS}"}, f"The states and dz are flattened in different orders: {ALIKE}"),
    ("sequences apart", {k: f"{IN[k]}.transpose(1, 2) @ dz[:, steps]" for k in IN} | {"db": "dz[:, steps].sum(dim=1)"}, "Steps are summed, sequences are not: each still has a gradient of its own."),
    ("steps apart", {k: f"torch.einsum('btk,bth->tkh', {IN[k]}, dz[:, steps])" for k in IN} | {"db": "dz[:, steps].sum(dim=0)"}, "Sequences are summed, steps are not: each still has a gradient of its own."),
    ("db apart", {"db": "dz[:, steps].sum(dim=1)"}, "`db` is summed over the steps, not over the batch."),
    ("db, steps apart", {"db": "dz[:, steps].sum(dim=0)"}, "`db` is summed over the batch, not over the steps."),
    ("db, all", {"db": "dz_rows.sum()"}, "`db` is summed over the units, too. Each has its own bias."),
    ("db, nothing summed", {"db": "dz"}, "`db` is not summed at all: the bias is shared by all steps and sequences."),
    ("dW_h transposed", {"dW_h": "dz_rows.T @ read_rows"}, "`dW_h` stands transposed. It is square, so only the values tell: rows are what is read."),
    ("dW_x transposed", {"dW_x": "dz_rows.T @ x_rows"}, "`dW_x` stands transposed: a gradient has the shape of its weight, (N, H)."),
    ("both transposed", {"dW_x": "dz_rows.T @ x_rows", "dW_h": "dz_rows.T @ read_rows"}, "`dW_x` and `dW_h` stand transposed: a gradient has the shape of its weight."),
    *((f"sums over {what}", {f"{t}_rows": f"{t}[:, steps].sum(dim={dim})" for t in ("x", "read", "dz")}, f"A product of sums is no sum of products: multiply within each {what} first, then add.")
      for dim, what in ((1, "step"), (0, "sequence"))),
    *((f"{k}: product of sums", {k: f"{rows}.sum(dim=0)[:, None] * dz_rows.sum(dim=0)"}, f"`{k}`: a product of sums is no sum of products. Multiply first, then add.")
      for k, rows in (("dW_x", "x_rows"), ("dW_h", "read_rows"))),
    *((f"{k}: {what} step", {k: text.format(t)}, f"`{k}` has only the {what} step's share. A loop that adds needs a sum that starts at zero.")
      for what, t in (("first", 0), ("last", -1)) for k, text in ONE_STEP.items()),
    ("reshaped", {"dW_x": "x.reshape(x.shape[2], -1) @ dz_rows", "dW_h": "read.reshape(h_0.shape[1], -1) @ dz_rows"}, "`reshape` or `view` keeps the numbers in their old order. Rows have to become columns."),
)  # fmt: skip
SIZES = {"the steps": "x.shape[1]", "the batch": "x.shape[0]", "steps and sequences": "(x.shape[0] * x.shape[1])"}
GROUPS = {"`dW_x`": ("dW_x",), "`dW_h`": ("dW_h",), "`db`": ("db",), "`dW_x` and `dW_h`": ("dW_x", "dW_h"), "all three": tuple(RIGHT)}


def _alike():
    """The same mistake in one of the three sums, in both products, or in all."""
    for name, places in GROUPS.items():
        what, one = f"{name[0].upper()}{name[1:]}", len(places) == 1
        for over, size in SIZES.items():
            cause = f"{what} {'is a mean' if one else 'are means'} over {over}. Shared weights collect the sum; a mean belongs to the loss."
            yield Edit(f"{name}: mean over {over}", {k: f"{RIGHT[k]} / {size}" for k in places}, cause)
        cause = f"{what} {'has' if one else 'have'} the wrong sign: descent comes later, in the update."
        yield Edit(f"{name}: minus", {k: f"-({RIGHT[k]})" for k in places}, cause)


EXERCISES = [
    Exercise(
        name="lstm_backward_step",
        notebook="09_lstm_gradients",
        minutes=15,
        difficulty=3,
        reference="backward.lstm_backward_step",
        inputs=_step_inputs,
        returns={"dx_t": "B N", "dh_prev": "B H", "dc_prev": "B H", "dweights": ""},
        gradient=False,
        model=LSTM_MODEL,
        edits=tuple(lstm_backward_edits()),
        words=lstm_words(),
        hints=(
            "Walk the forward step from its end: equation 5, then 3, then the four sums. Where two paths meet, add.",
            "At c_t two gradients meet: dc_t, and what comes through h_t. Their sum goes to f_t, c_prev, i_t and g_t, to each times the factor beside it; then every gate passes its own squashing, from its value.",
            "Each of the four sums is one of notebook 02, with a dz of its own: it gives a share of dx_t and of dh_prev, which you add, and the gradients of its own three weights.",
        ),
    ),
    Exercise(
        name="accumulate",
        notebook="09_lstm_gradients",
        minutes=6,
        difficulty=2,
        reference="backward.accumulate",
        inputs=_sequence_inputs,
        returns={"dW_x": "N H", "dW_h": "H H", "db": "H"},
        gradient=False,
        model=ACCUMULATE_MODEL,
        edits=(*(Edit(*row) for row in ACCUMULATE), *_alike()),
        words=ACCUMULATE_WORDS,
        hints=(
            "One step's share for one sequence is what was read, as a column, times dz, as a row. Sum over both.",
            "W_h has read h_0, h_1, … h_{T−1}. You have h_1 … h_T: which one has to go, and which to come?",
            "Steps and sequences are treated alike: flatten both into rows, and one matrix product sums over them all.",
        ),
    ),
]
