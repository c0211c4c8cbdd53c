"""The exercises of notebook 09: the backward step of an LSTM, and the gradient of its weights over a sequence."""

from collections.abc import Callable

import torch

from lstm_lesson.cells import lstm_values
from lstm_lesson.exercises.catalogue.backward_steps import LSTM_MODEL, lstm_backward_edits, lstm_words
from lstm_lesson.exercises.exercise import Exercise, Mistake


def _step_inputs(draw):
    x_t, h_prev, c_prev = draw("B N"), draw("B H"), draw.unbounded("B H")
    weights = draw.weights()
    values = tuple(lstm_values(x_t, h_prev, c_prev, weights))
    arriving = {"dh_t": draw.unbounded("B H", 1), "dc_t": draw.unbounded("B H", 1)}
    return arriving | {"x_t": x_t, "h_prev": h_prev, "c_prev": c_prev, "values": values, "weights": weights}


def _sequence_inputs(draw):
    return {"x": draw("B T N"), "h_0": draw("B H"), "hidden_seq": draw("B T H"), "dz": draw.unbounded("B T H")}


def _before(h_0, hidden_seq):
    return torch.cat([h_0[:, None], hidden_seq[:, :-1]], dim=1)


def _sums(x, read, dz):
    return torch.einsum("btn,bth->nh", x, dz), torch.einsum("btk,bth->kh", read, dz), dz.sum(dim=(0, 1))


def _with_states(read) -> Callable:
    """The right sums with other states: `read` makes those that take the place of h_0 … h_{T−1}."""
    return lambda x, h_0, hidden_seq, dz: _sums(x, read(h_0, hidden_seq), dz)


def _some_steps(steps) -> Callable:
    """The right sums over some of the steps."""
    return lambda x, h_0, hidden_seq, dz: _sums(x[:, steps], _before(h_0, hidden_seq)[:, steps], dz[:, steps])


def _divided(size) -> Callable:
    """The right sums divided by a size of dz."""
    return lambda x, h_0, hidden_seq, dz: tuple(s / size(dz) for s in _sums(x, _before(h_0, hidden_seq), dz))


def _divided_apart(weights, bias) -> Callable:
    """The right sums divided by one size for dW_x and dW_h, and by another for db."""

    def answer(x, h_0, hidden_seq, dz):
        dW_x, dW_h, db = _sums(x, _before(h_0, hidden_seq), dz)
        return dW_x / weights(dz), dW_h / weights(dz), db / bias(dz)

    return answer


def _sequences(dz):
    return dz.shape[0]


def _steps(dz):
    return dz.shape[1]


def _both(dz):
    return dz.shape[0] * dz.shape[1]


def _one(dz):
    return 1


def _rows(t):
    return t.flatten(0, 1)


def _steps_first(t):
    return t.transpose(0, 1).flatten(0, 1)


def _flattened(x_rows, read_rows, dz_rows) -> Callable:
    """One matrix product of flattened rows, with each tensor flattened by a function of its own."""

    def answer(x, h_0, hidden_seq, dz):
        made = dz_rows(dz)
        return x_rows(x).T @ made, read_rows(_before(h_0, hidden_seq)).T @ made, dz.sum(dim=(0, 1))

    return answer


def _with_result(place, change) -> Callable:
    """One of the three sums is made by `change`, which takes x, the states before each step, and dz."""

    def answer(x, h_0, hidden_seq, dz):
        results = list(_sums(x, _before(h_0, hidden_seq), dz))
        results[place] = change(x, _before(h_0, hidden_seq), dz)
        return tuple(results)

    return answer


ACCUMULATE_MISTAKES = (
    Mistake(_with_states(lambda h_0, hidden_seq: hidden_seq), "`dW_h` is made with the states that the steps made. Each step has read the state before its own."),
    Mistake(_with_states(lambda h_0, hidden_seq: torch.cat([0 * h_0[:, None], hidden_seq[:, :-1]], dim=1)), "`dW_h` lacks the first step's share: it has read `h_0`, which need not be zero."),
    Mistake(_with_states(lambda h_0, hidden_seq: h_0[:, None].expand_as(hidden_seq)), "`dW_h` takes `h_0` at every step. Only the first step has read it."),
    Mistake(_with_states(lambda h_0, hidden_seq: hidden_seq.roll(1, dims=1)), "`roll` brings the last state to the front. What did the first step read?"),
    Mistake(_with_states(lambda h_0, hidden_seq: torch.cat([hidden_seq[:, 1:], h_0[:, None]], dim=1)), "The states are shifted the wrong way: step t has read the state of step t − 1."),
    Mistake(_some_steps(slice(-1, None)), "Only the last step's share is there. A loop that adds needs a sum that starts at zero."),
    Mistake(_some_steps(slice(0, 1)), "Only the first step's share is there. A loop that adds needs a sum that starts at zero."),
    Mistake(_some_steps(slice(1, None)), "The first step's share is missing in all three."),
    Mistake(_divided(_steps), "The shares are averaged over the steps. The same weight acts at every step: its gradient is the sum."),
    Mistake(_divided(_sequences), "The shares are averaged over the batch. Shared weights collect the sum; a mean belongs to the loss."),
    Mistake(_divided(_both), "The shares are averaged over steps and sequences. Shared weights collect the sum."),
    Mistake(_divided_apart(_sequences, _both), "`dW_x` and `dW_h` are means over the sequences, `db` is one over steps, too. All three are sums."),
    Mistake(_divided_apart(_steps, _both), "`dW_x` and `dW_h` are means over the steps, `db` is one over sequences, too. All three are sums."),
    Mistake(_divided_apart(_sequences, _one), "`dW_x` and `dW_h` are means over the sequences. A weight collects the sum, as the bias does."),
    Mistake(_divided_apart(_steps, _one), "`dW_x` and `dW_h` are means over the steps. A weight collects the sum, as the bias does."),
    Mistake(_divided_apart(_both, _one), "`dW_x` and `dW_h` are means over steps and sequences. A weight collects the sum, as the bias does."),
    Mistake(_flattened(_steps_first, _steps_first, _rows), "x and the states are flattened step by step, dz is not: rows that meet have to be of one step and sequence."),
    Mistake(_flattened(_rows, _rows, _steps_first), "dz is flattened step by step, x and the states are not: rows that meet have to be of one step and sequence."),
    Mistake(_flattened(_steps_first, _rows, _rows), "x and dz are flattened in different orders: rows that meet have to be of one step and sequence."),
    Mistake(_flattened(_rows, _steps_first, _rows), "The states and dz are flattened in different orders: rows that meet have to be of one step and sequence."),
    Mistake(lambda x, h_0, hidden_seq, dz: (x.transpose(1, 2) @ dz, _before(h_0, hidden_seq).transpose(1, 2) @ dz, dz.sum(dim=1)), "Steps are summed, sequences are not: each still has a gradient of its own."),
    Mistake(
        lambda x, h_0, hidden_seq, dz: (torch.einsum("btn,bth->tnh", x, dz), torch.einsum("btk,bth->tkh", _before(h_0, hidden_seq), dz), dz.sum(dim=0)),
        "Sequences are summed, steps are not: each still has a gradient of its own.",
    ),
    Mistake(_with_result(2, lambda x, read, dz: dz.sum(dim=1)), "`db` is summed over the steps, not over the batch."),
    Mistake(_with_result(2, lambda x, read, dz: dz.sum(dim=0)), "`db` is summed over the batch, not over the steps."),
    Mistake(_with_result(2, lambda x, read, dz: dz.sum()), "`db` is summed over the units, too. Each has its own bias."),
    Mistake(_with_result(2, lambda x, read, dz: dz.mean(dim=(0, 1))), "`db` is a mean. Shared weights collect the sum."),
    Mistake(_with_result(1, lambda x, read, dz: torch.einsum("btk,bth->hk", read, dz)), "`dW_h` stands transposed. It is square, so only the values tell: rows are what is read."),
    Mistake(_with_result(0, lambda x, read, dz: torch.einsum("btn,bth->hn", x, dz)), "`dW_x` stands transposed: a gradient has the shape of its weight, (N, H)."),
    Mistake(
        lambda x, h_0, hidden_seq, dz: _sums(x.sum(dim=1, keepdim=True), _before(h_0, hidden_seq).sum(dim=1, keepdim=True), dz.sum(dim=1, keepdim=True)),
        "A product of sums is no sum of products: multiply within each step first, then add.",
    ),
    Mistake(
        lambda x, h_0, hidden_seq, dz: (x.reshape(x.shape[2], -1) @ dz.flatten(0, 1), _before(h_0, hidden_seq).reshape(h_0.shape[1], -1) @ dz.flatten(0, 1), dz.sum(dim=(0, 1))),
        "`reshape` or `view` keeps the numbers in their old order. Rows have to become columns.",
    ),
    Mistake(lambda *given: tuple(-s for s in _sums(given[0], _before(*given[1:3]), given[3])), "All signs are turned: descent comes later, in the update."),
)


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
        mistakes=ACCUMULATE_MISTAKES,
        hints=(
            "One step's share for one sequence is what was read, as a column, times dz, as a row. Sum over both.",
            "W_h has read h_0, h_1, … h_{T−1}. You have h_1 … h_T: which one has to go, and which to come?",
            "Steps and sequences are treated alike: flatten both into rows, and one matrix product sums over them all.",
        ),
    ),
]
