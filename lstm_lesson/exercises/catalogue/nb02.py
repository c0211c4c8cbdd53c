"""The exercises of notebook 02: the backward step of an RNN, and truncating the graph."""

from lstm_lesson.exercises.catalogue.backward_steps import RNN_MODEL, RNN_WORDS, rnn_backward_edits
from lstm_lesson.exercises.exercise import Exercise
from lstm_lesson.exercises.model import Edit


def _backward_inputs(draw):
    x_t, h_prev, W_xh, W_hh = draw("B N"), draw("B H"), draw("N H", 0.5), draw("H H", 0.5)
    h_t = (x_t @ W_xh + h_prev @ W_hh + draw("H")).tanh()
    return {"dh_t": draw.unbounded("B H", 1), "x_t": x_t, "h_prev": h_prev, "h_t": h_t, "W_xh": W_xh, "W_hh": W_hh}


def _state_inputs(draw):
    state = draw("B H") if draw.index % 2 else (draw("B H"), draw.unbounded("B H"))  # one tensor with B = 2 among them
    draw.letters_used.clear()  # the stub names no sizes
    return {"state": state}


TRUNCATE_MODEL = """def truncate(state):
    pair = isinstance(state, tuple)
    h = state[0].detach()
    c = state[-1].detach()
    both = (h, c)
    one = None if pair else state.detach()
    return both if pair else one
"""
TRUNCATE_WORDS = {
    "pair": "the test for a tuple", "h": "`state[0]` of a tuple", "c": "`state[1]` of a tuple", "both": "the tuple", "one": "a state that is one tensor",
    "state[0].detach()": "it", "state[-1].detach()": "it", "state[-1]": "`state[1]`",
}  # fmt: skip


def _everywhere(change: str) -> dict[str, str]:
    """The same change, of {}, in both tensors of a tuple and in a state that is one tensor."""
    return {"h": change.format("state[0]"), "c": change.format("state[-1]"), "one": f"None if pair else {change.format('state')}"}


STAYS = "a backward pass would go on into the window before."
TRUNCATE = (
    ("history of h", {"h": "state[0]"}, "Only the second half of the tuple is cut; the first still carries its history."),
    ("history of c", {"c": "state[-1]"}, "Only the first half of the tuple is cut; the second still carries its history."),
    ("history of one", {"one": "state"}, f"A state that is one tensor still carries its history: {STAYS}"),
    ("history of a tuple", {"h": "state[0]", "c": "state[-1]"}, f"A tuple still carries its history: {STAYS}"),
    ("history", _everywhere("{}"), f"The history is still there (a clone keeps it, too): {STAYS}"),
    ("zeros", _everywhere("0 * {}.detach()"), "The state is reset to zeros. Its values have to stay."),
    ("signs", _everywhere("{}.detach().abs()"), "The values have changed: their signs are gone."),
    ("minus", _everywhere("-{}.detach()"), "The values have changed: they have the opposite signs."),
    ("doubled", _everywhere("2 * {}.detach()"), "The values have changed: they are twice as large."),
    ("means", _everywhere("{}.detach().mean(dim=0)"), "A mean over the batch is taken. Every sequence keeps its own state."),
    ("h zero", {"h": "0 * state[0].detach()"}, "The first tensor of the tuple is reset to zeros. Its values have to stay."),
    ("c zero", {"c": "0 * state[-1].detach()"}, "The second tensor of the tuple is reset to zeros. Its values have to stay."),
    ("for one tensor", {"return": "state.detach()"}, "That works for one tensor. The state may also be a tuple (h, c), as in an LSTM."),
    ("for a tuple", {"return": "tuple(part.detach() for part in state)"}, "That works for a tuple. An RNN's state is one tensor, and your loop takes it apart row by row."),
    ("always two parts", {"pair": "True", "c": "state[1].detach()"}, "That works for a tuple. An RNN's state is one tensor, and you take it apart row by row."),
    ("two by length", {"pair": "len(state) == 2"}, "A tensor with two sequences has length 2, like the tuple, and is taken apart. How else can you tell them?"),
    ("several by length", {"pair": "len(state) > 1", "both": "tuple(part.detach() for part in state)"}, "A tensor has a length, too, its number of sequences, and is taken apart. How else can you tell them?"),
    ("first alone", {"both": "h"}, "From a tuple only the first tensor comes back. Give back what you were given: a tuple for a tuple."),
    ("second alone", {"both": "c"}, "From a tuple only the second tensor comes back. Give back what you were given: a tuple for a tuple."),
    ("swapped", {"both": "(c, h)"}, "The two tensors of the tuple have changed places."),
    ("h twice", {"c": "state[0].detach()"}, "The first tensor of the tuple stands in both places. Where does the second go?"),
    ("c twice", {"h": "state[-1].detach()"}, "The second tensor of the tuple stands in both places. Where does the first go?"),
    ("stacked", {"both": "torch.stack([h, c])"}, "The two tensors of the tuple become one. Give back what you were given: a tuple for a tuple."),
)  # fmt: skip


EXERCISES = [
    Exercise(
        name="rnn_backward_step",
        notebook="02_backpropagation_through_time",
        minutes=12,
        difficulty=3,
        reference="backward.rnn_backward_step",
        inputs=_backward_inputs,
        returns={"dx_t": "B N", "dh_prev": "B H", "dW_xh": "N H", "dW_hh": "H H", "db_h": "H"},
        gradient=False,
        model=RNN_MODEL,
        edits=tuple(rnn_backward_edits()),
        words=RNN_WORDS,
        hints=(
            "Go through tanh first: from the gradient of h_t to that of the sum inside. h_t itself is all you need.",
            "Call it dz, (B, H). Every other answer is dz times something, and its shape says what, and on which side.",
            "A matrix of the forward step appears as its transpose in the backward step; what was shared by the batch collects a sum over the batch.",
        ),
    ),
    Exercise(
        name="truncate",
        notebook="02_backpropagation_through_time",
        minutes=3,
        difficulty=1,
        reference="gradients.truncate",
        inputs=_state_inputs,
        returns={"state": ""},
        strict_type=True,
        model=TRUNCATE_MODEL,
        edits=tuple(Edit(*row) for row in TRUNCATE),
        words=TRUNCATE_WORDS,
        hints=(
            "The values stay; only the memory of how they were computed goes.",
            "Every tensor has a method that returns the same values outside the graph.",
            "state may be one tensor or a tuple of tensors: treat each one, and give back what you were given.",
        ),
    ),
]
