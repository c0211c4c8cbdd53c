"""The exercises of notebook 09: the backward step of an LSTM, and the gradient of its weights over a sequence."""

from collections.abc import Callable

import torch

from lstm_lesson.cells import lstm_values
from lstm_lesson.exercises.exercise import Exercise, Mistake


def _step_inputs(draw):
    x_t, h_prev, c_prev = draw("B N"), draw("B H"), draw.unbounded("B H")
    weights = draw.weights()
    values = tuple(lstm_values(x_t, h_prev, c_prev, weights))
    arriving = {"dh_t": draw.unbounded("B H", 1), "dc_t": draw.unbounded("B H", 1)}
    return arriving | {"x_t": x_t, "h_prev": h_prev, "c_prev": c_prev, "values": values, "weights": weights}


def _sequence_inputs(draw):
    return {"x": draw("B T N"), "h_0": draw("B H"), "hidden_seq": draw("B T H"), "dz": draw.unbounded("B T H")}


def _total_dc(dc, dh, o, c, h):
    return dc + dh * o * (1 - torch.tanh(c) ** 2)


def _products(total, dc, f, c_prev, i, g, c):
    return total * c_prev, total * f, total * g, total * i  # df, dc_prev, di, dg


def _sigmoid(dy, y):
    return dy * y * (1 - y)


def _tanh(dy, y):
    return dy * (1 - y**2)


def _linear(x, h_prev, h, dz, W_x, W_h):
    return dz @ W_x.T, dz @ W_h.T, x.T @ dz, h_prev.T @ dz, dz.sum(dim=0)


def _step(total=_total_dc, products=_products, do=lambda dh, o, c: dh * torch.tanh(c), gate=_sigmoid, candidate=_tanh,
          output_gate=None, linear=_linear, gather=sum, names="ifco") -> Callable:  # fmt: skip
    """The backward step of an LSTM with parts replaced.

    `total` is the gradient of c_t from both paths, `products` leads it through equation 3, `do` is the gradient of
    o_t; `gate`, `candidate` and, if it differs, `output_gate` lead through σ and tanh, `linear` through the sums;
    `gather` adds the four gradients of x_t and of h_prev; `names` is the order of the weights.
    """

    def step(dh, dc, x, h_prev, c_prev, values, weights):
        i, f, g, o, c, h = values
        df, dc_prev, di, dg = products(total(dc, dh, o, c, h), dc, f, c_prev, i, g, c)
        dz = gate(di, i), gate(df, f), candidate(dg, g), (output_gate or gate)(do(dh, o, c), o)
        W = [(weights[f"W_x{k}"], weights[f"W_h{k}"]) for k in "ifco"]
        made = [linear(x, h_prev, h, z, *pair) for z, pair in zip(dz, W, strict=True)]
        dweights = {}
        for k, (_, _, dW_x, dW_h, db) in zip(names, made, strict=True):
            dweights |= {f"W_x{k}": dW_x, f"W_h{k}": dW_h, f"b_{k}": db}
        return gather([part[0] for part in made]), gather([part[1] for part in made]), dc_prev, dweights

    return step


def _step_with_sum(place, change) -> Callable:
    """A backward step in which one of the five results of each gate's sum is made by `change`."""

    def changed_sum(x, h_prev, h, dz, W_x, W_h):
        results = list(_linear(x, h_prev, h, dz, W_x, W_h))
        results[place] = change(x, h_prev, h, dz, W_x, W_h)
        return results

    return _step(linear=changed_sum)


LSTM_BACKWARD_STEP_MISTAKES = (
    Mistake(
        _step(total=lambda dc, dh, o, c, h: dh * o * (1 - torch.tanh(c) ** 2)),
        "`dc_t` is dropped: what the steps after sent along the memory has to be added at c_t.",
    ),
    Mistake(
        _step(total=lambda dc, dh, o, c, h: dc),
        "The path from h_t into c_t is missing: equation 5 reads the memory, so `dh_t` reaches it, too.",
    ),
    Mistake(
        _step(
            total=lambda dc, dh, o, c, h: dh * o * (1 - torch.tanh(c) ** 2),
            products=lambda total, dc, f, c_prev, i, g, c: (total * c_prev, (total + dc) * f, total * g, total * i),
        ),
        "`dc_t` goes on to the memory before and never reaches f, i and g of this step. Add it before you branch.",
    ),
    Mistake(
        _step(products=lambda total, dc, f, c_prev, i, g, c: (total * c_prev, dc * f, total * g, total * i)),
        "`dc_prev` takes only the `dc_t` that came in, without what came through h_t. Add first, then branch.",
    ),
    Mistake(
        _step(total=lambda dc, dh, o, c, h: dc + dh * o),
        "On the path from h_t to c_t the derivative of tanh is missing.",
    ),
    Mistake(
        _step(total=lambda dc, dh, o, c, h: dc + dh * (1 - torch.tanh(c) ** 2)),
        "On the path from h_t to c_t a factor is missing: what is tanh(c_t) multiplied by in equation 5?",
    ),
    Mistake(
        _step(total=lambda dc, dh, o, c, h: dc + dh * o * (1 - c**2)),
        "`1 − c_t²` is no slope: the formula takes the value of the tanh, and c_t is what went into it.",
    ),
    Mistake(
        _step(total=lambda dc, dh, o, c, h: dc + dh * o * (1 - h**2)),
        "`1 − h_t²` is the slope of the RNN. Here h_t is more than a tanh: it contains the output gate.",
    ),
    Mistake(
        _step(total=lambda dc, dh, o, c, h: dc + dh * (1 - h**2)),
        "That is the gradient through the RNN's h_t. In equation 5 the tanh is multiplied by a gate.",
    ),
    Mistake(
        _step(total=lambda dc, dh, o, c, h: dc + dh * o * torch.tanh(c)),
        "On the path from h_t to c_t stands the tanh itself. It has to be its derivative.",
    ),
    Mistake(
        _step(total=lambda dc, dh, o, c, h: dc + dh),
        "`dh_t` is added to `dc_t` as it is. On its way from h_t to c_t it passes two factors.",
    ),
    Mistake(
        _step(products=lambda total, dc, f, c_prev, i, g, c: _products(total - dc + dc * f, dc, f, c_prev, i, g, c)),
        "`dc_t` is multiplied by f_t before it is used. It has arrived at c_t; f_t comes on the way to c_prev, once.",
    ),
    Mistake(_step(do=lambda dh, o, c: dh * c), "The output gate multiplied tanh(c_t) in equation 5, not c_t itself."),
    Mistake(
        _step(do=lambda dh, o, c: dh),
        "The output gate's gradient misses a factor: what is the gate multiplied by in equation 5?",
    ),
    Mistake(
        _step(do=lambda dh, o, c: torch.zeros_like(dh)),
        "Nothing goes back through the output gate: `dh_t` reaches o_t as well as c_t.",
    ),
    Mistake(
        _step(do=lambda dh, o, c: dh * o), "The output gate's gradient has o_t as its factor: that is the other one."
    ),
    Mistake(
        _step(products=lambda total, dc, f, c_prev, i, g, c: (total * c_prev, total * f, total * i, total * g)),
        "i and g are swapped: each factor of a product receives the other one.",
    ),
    Mistake(
        _step(products=lambda total, dc, f, c_prev, i, g, c: (total * f, total * c_prev, total * g, total * i)),
        "f and c_prev are swapped: each factor of a product receives the other one.",
    ),
    Mistake(
        _step(products=lambda total, dc, f, c_prev, i, g, c: (total * f, total * c_prev, total * i, total * g)),
        "Both products of equation 3 are swapped: each factor receives the other one, not itself.",
    ),
    Mistake(
        _step(products=lambda total, dc, f, c_prev, i, g, c: (total * c_prev, total, total * g, total * i)),
        "`dc_prev` misses its factor: which gate stood beside c_prev in equation 3?",
    ),
    Mistake(
        _step(products=lambda total, dc, f, c_prev, i, g, c: (total * c_prev, total * i, total * g, total * i)),
        "`dc_prev` is multiplied by the input gate. Which gate stood beside c_prev in equation 3?",
    ),
    Mistake(
        _step(products=lambda total, dc, f, c_prev, i, g, c: (total * c, total * f, total * g, total * i)),
        "The forget gate's gradient is made with c_t. What it multiplied was the memory before.",
    ),
    Mistake(
        _step(
            products=lambda total, dc, f, c_prev, i, g, c: (total * c_prev, torch.zeros_like(f), total * g, total * i)
        ),
        "`dc_prev` is zero: the gradient is dropped on its way along the memory.",
    ),
    Mistake(
        _step(gate=lambda dy, y: dy, candidate=lambda dy, y: dy),
        "The derivatives of σ and tanh are missing: gates and candidate were squashed sums.",
    ),
    Mistake(_step(gate=lambda dy, y: dy), "The derivative of σ is missing at the gates."),
    Mistake(
        _step(output_gate=lambda dy, y: dy),
        "The derivative of σ is missing at the output gate: o_t is a squashed sum, as i_t and f_t are.",
    ),
    Mistake(_step(candidate=lambda dy, y: dy), "The derivative of tanh is missing at the candidate."),
    Mistake(
        _step(gate=lambda dy, y: dy * torch.sigmoid(y) * (1 - torch.sigmoid(y))),
        "At the gates σ is applied once too often: `values` holds what came out of it already.",
    ),
    Mistake(
        _step(candidate=lambda dy, y: dy * (1 - torch.tanh(y) ** 2)),
        "At the candidate tanh is applied once too often: g_t is what came out of it already.",
    ),
    Mistake(
        _step(
            gate=lambda dy, y: dy * torch.sigmoid(y) * (1 - torch.sigmoid(y)),
            candidate=lambda dy, y: dy * (1 - torch.tanh(y) ** 2),
        ),
        "σ and tanh are applied once too often: `values` holds what came out of them already.",
    ),
    Mistake(_step(gate=_tanh), "At the gates stands the derivative of tanh. They are sigmoids."),
    Mistake(_step(candidate=_sigmoid), "At the candidate stands the derivative of σ. It is a tanh."),
    Mistake(
        _step(gate=_tanh, candidate=_sigmoid), "The two derivatives are swapped: the gates are sigmoids, g_t is a tanh."
    ),
    Mistake(_step(gate=lambda dy, y: dy * (1 - y)), "Half of σ's derivative is missing: it is a product of two."),
    Mistake(
        _step(candidate=lambda dy, y: dy * (1 - y)), "Look at the derivative of tanh: it does not contain g_t itself."
    ),
    Mistake(
        _step_with_sum(1, lambda x, h_prev, h, dz, W_x, W_h: dz @ W_h),
        "`dh_prev`: the backward step needs the transpose of each `W_h·`. It is square, so only the values tell.",
    ),
    Mistake(
        _step_with_sum(0, lambda x, h_prev, h, dz, W_x, W_h: dz @ W_x),
        "`dx_t`: the backward step needs the transpose of each `W_x·`. Compare the shapes, (B, H) to (B, N).",
    ),
    Mistake(
        _step(linear=lambda x, h_prev, h, dz, W_x, W_h: _linear(x, h_prev, h, dz, W_x.T, W_h.T)),
        "`dx_t` and `dh_prev`: in the backward step a matrix appears as its transpose.",
    ),
    Mistake(
        _step(gather=lambda shares: shares[3]),
        "`dx_t` and `dh_prev` come from the output gate alone: four readers, and their gradients are added.",
    ),
    Mistake(
        _step(gather=lambda shares: sum(shares[:3])),
        "`dx_t` and `dh_prev` lack the share of the output gate: it has read x_t and h_prev, too.",
    ),
    Mistake(
        _step(gather=lambda shares: shares[0] + shares[1] + shares[3]),
        "`dx_t` and `dh_prev` lack the share of the candidate: it has read x_t and h_prev, too.",
    ),
    Mistake(
        _step(gather=lambda shares: sum(shares) / 4),
        "`dx_t` and `dh_prev` are means over the four sums. Where paths meet, gradients are added.",
    ),
    Mistake(
        _step_with_sum(3, lambda x, h_prev, h, dz, W_x, W_h: h.T @ dz),
        "The gradients of the `W_h·` are made with h_t. They have read the state before.",
    ),
    Mistake(
        _step_with_sum(3, lambda x, h_prev, h, dz, W_x, W_h: dz.T @ h_prev),
        "The gradients of the `W_h·` stand transposed. They are square, so only the values tell.",
    ),
    Mistake(
        _step_with_sum(2, lambda x, h_prev, h, dz, W_x, W_h: dz.T @ x),
        "The gradients of the `W_x·` stand transposed: a gradient has the shape of its weight, (N, H).",
    ),
    Mistake(
        _step_with_sum(4, lambda x, h_prev, h, dz, W_x, W_h: dz),
        "The gradients of the biases still have a row per sequence. A bias is shared by the whole batch.",
    ),
    Mistake(
        _step_with_sum(4, lambda x, h_prev, h, dz, W_x, W_h: dz.mean(dim=0)),
        "The gradients of the biases are means over the batch. Shared weights collect the sum.",
    ),
    Mistake(
        _step(
            linear=lambda x, *rest: (*(made := _linear(x, *rest))[:2], *(part / len(x) for part in made[2:])),
        ),
        "The weights' gradients are means over the batch. Shared weights collect the sum; a mean belongs to the loss.",
    ),
    Mistake(_step(names="ifoc"), "The gradients of candidate and output gate stand under each other's names."),
    Mistake(_step(names="fico"), "The gradients of input and forget gate stand under each other's names."),
)


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
    Mistake(
        _with_states(lambda h_0, hidden_seq: hidden_seq),
        "`dW_h` is made with the states that the steps made. Each step has read the state before its own.",
    ),
    Mistake(
        _with_states(lambda h_0, hidden_seq: torch.cat([0 * h_0[:, None], hidden_seq[:, :-1]], dim=1)),
        "`dW_h` lacks the first step's share: it has read `h_0`, which need not be zero.",
    ),
    Mistake(
        _with_states(lambda h_0, hidden_seq: h_0[:, None].expand_as(hidden_seq)),
        "`dW_h` takes `h_0` at every step. Only the first step has read it.",
    ),
    Mistake(
        _with_states(lambda h_0, hidden_seq: hidden_seq.roll(1, dims=1)),
        "`roll` brings the last state to the front. What did the first step read?",
    ),
    Mistake(
        _with_states(lambda h_0, hidden_seq: torch.cat([hidden_seq[:, 1:], h_0[:, None]], dim=1)),
        "The states are shifted the wrong way: step t has read the state of step t − 1.",
    ),
    Mistake(
        _some_steps(slice(-1, None)),
        "Only the last step's share is there. A loop that adds needs a sum that starts at zero.",
    ),
    Mistake(
        _some_steps(slice(0, 1)),
        "Only the first step's share is there. A loop that adds needs a sum that starts at zero.",
    ),
    Mistake(_some_steps(slice(1, None)), "The first step's share is missing in all three."),
    Mistake(
        _divided(_steps),
        "The shares are averaged over the steps. The same weight acts at every step: its gradient is the sum.",
    ),
    Mistake(
        _divided(_sequences),
        "The shares are averaged over the batch. Shared weights collect the sum; a mean belongs to the loss.",
    ),
    Mistake(
        _divided(_both),
        "The shares are averaged over steps and sequences. Shared weights collect the sum.",
    ),
    Mistake(
        _divided_apart(_sequences, _both),
        "`dW_x` and `dW_h` are means over the sequences, `db` is one over steps, too. All three are sums.",
    ),
    Mistake(
        _divided_apart(_steps, _both),
        "`dW_x` and `dW_h` are means over the steps, `db` is one over sequences, too. All three are sums.",
    ),
    Mistake(
        _divided_apart(_sequences, _one),
        "`dW_x` and `dW_h` are means over the sequences. A weight collects the sum, as the bias does.",
    ),
    Mistake(
        _divided_apart(_steps, _one),
        "`dW_x` and `dW_h` are means over the steps. A weight collects the sum, as the bias does.",
    ),
    Mistake(
        _divided_apart(_both, _one),
        "`dW_x` and `dW_h` are means over steps and sequences. A weight collects the sum, as the bias does.",
    ),
    Mistake(
        _flattened(_steps_first, _steps_first, _rows),
        "x and the states are flattened step by step, dz is not: rows that meet have to be of one step and sequence.",
    ),
    Mistake(
        _flattened(_rows, _rows, _steps_first),
        "dz is flattened step by step, x and the states are not: rows that meet have to be of one step and sequence.",
    ),
    Mistake(
        _flattened(_steps_first, _rows, _rows),
        "x and dz are flattened in different orders: rows that meet have to be of one step and sequence.",
    ),
    Mistake(
        _flattened(_rows, _steps_first, _rows),
        "The states and dz are flattened in different orders: rows that meet have to be of one step and sequence.",
    ),
    Mistake(
        lambda x, h_0, hidden_seq, dz: (
            x.transpose(1, 2) @ dz,
            _before(h_0, hidden_seq).transpose(1, 2) @ dz,
            dz.sum(dim=1),
        ),
        "Steps are summed, sequences are not: each still has a gradient of its own.",
    ),
    Mistake(
        lambda x, h_0, hidden_seq, dz: (
            torch.einsum("btn,bth->tnh", x, dz),
            torch.einsum("btk,bth->tkh", _before(h_0, hidden_seq), dz),
            dz.sum(dim=0),
        ),
        "Sequences are summed, steps are not: each still has a gradient of its own.",
    ),
    Mistake(_with_result(2, lambda x, read, dz: dz.sum(dim=1)), "`db` is summed over the steps, not over the batch."),
    Mistake(_with_result(2, lambda x, read, dz: dz.sum(dim=0)), "`db` is summed over the batch, not over the steps."),
    Mistake(
        _with_result(2, lambda x, read, dz: dz.sum()), "`db` is summed over the units, too. Each has its own bias."
    ),
    Mistake(
        _with_result(2, lambda x, read, dz: dz.mean(dim=(0, 1))), "`db` is a mean. Shared weights collect the sum."
    ),
    Mistake(
        _with_result(1, lambda x, read, dz: torch.einsum("btk,bth->hk", read, dz)),
        "`dW_h` stands transposed. It is square, so only the values tell: rows are what is read.",
    ),
    Mistake(
        _with_result(0, lambda x, read, dz: torch.einsum("btn,bth->hn", x, dz)),
        "`dW_x` stands transposed: a gradient has the shape of its weight, (N, H).",
    ),
    Mistake(
        lambda x, h_0, hidden_seq, dz: _sums(
            x.sum(dim=1, keepdim=True), _before(h_0, hidden_seq).sum(dim=1, keepdim=True), dz.sum(dim=1, keepdim=True)
        ),
        "A product of sums is no sum of products: multiply within each step first, then add.",
    ),
    Mistake(
        lambda x, h_0, hidden_seq, dz: (
            x.reshape(x.shape[2], -1) @ dz.flatten(0, 1),
            _before(h_0, hidden_seq).reshape(h_0.shape[1], -1) @ dz.flatten(0, 1),
            dz.sum(dim=(0, 1)),
        ),
        "`reshape` or `view` keeps the numbers in their old order. Rows have to become columns.",
    ),
    Mistake(
        lambda *given: tuple(-s for s in _sums(given[0], _before(*given[1:3]), given[3])),
        "All signs are turned: descent comes later, in the update.",
    ),
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
        mistakes=LSTM_BACKWARD_STEP_MISTAKES,
        hints=(
            "Walk the forward step from its end: equation 5, then 3, then the four sums. Where two paths meet, add.",
            "At c_t two gradients meet: dc_t, and what comes through h_t. Their sum goes to f_t, c_prev, i_t and g_t, "
            "to each times the factor beside it; then every gate passes its own squashing, from its value.",
            "Each of the four sums is one of notebook 02, with a dz of its own: it gives a share of dx_t and of "
            "dh_prev, which you add, and the gradients of its own three weights.",
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
