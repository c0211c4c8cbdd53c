"""Wrong LSTM steps, shared by the exercises `lstm_step` and `lstm`, each with the sentence on its cause."""

import itertools
from collections.abc import Callable, Iterator

from torch import sigmoid, tanh

GATES = {"i": "input gate", "f": "forget gate", "c": "candidate", "o": "output gate"}


def _sum(k, x, h, w):
    return x @ w[f"W_x{k}"] + h @ w[f"W_h{k}"] + w[f"b_{k}"]


def _cell(i, f, g, c):
    return f * c + i * g


def _hidden(o, c_t, c_prev):
    return o * tanh(c_t)


def step_with(sums=_sum, cell=_cell, hidden=_hidden, **changed) -> Callable:
    """An LSTM step with parts replaced: the weighted sums, equation 3 or 5, or the functions around i, f, c, o."""
    functions = {"i": sigmoid, "f": sigmoid, "c": tanh, "o": sigmoid} | changed

    def step(x, h, c, w):
        i, f, g, o = (functions[k](sums(k, x, h, w)) for k in "ifco")
        c_t = cell(i, f, g, c)
        return hidden(o, c_t, c), c_t

    return step


def _identity(z):
    return z


def _reading(names: dict[str, str]) -> Callable:
    """A step that reads the weight `names[name]` wherever the right step reads the weight `name`."""
    return lambda x, h, c, w: step_with()(x, h, c, {name: w[names.get(name, name)] for name in w})


def _wrong_weights() -> Iterator[tuple[Callable, str]]:
    """Steps that read a wrong weight: all weights of another gate, or a single one."""
    kinds = ("W_x", "W_h", "b_")
    look = "A weight's second letter says what it makes."
    for a, b in itertools.permutations(GATES, 2):
        if {a, b} != {"i", "f"}:  # in WRONG_STEPS already: the same as swapped gates in equation 3
            yield _reading({n + a: n + b for n in kinds}), f"The {GATES[a]} reads the {GATES[b]}'s weights. {look}"
            if a < b:
                swapped = {n + k: n + other for n in kinds for k, other in ((a, b), (b, a))}
                yield _reading(swapped), f"The {GATES[a]} and the {GATES[b]} read each other's weights. {look}"
    for n, a, b in ((n, *pair) for n in kinds for pair in itertools.permutations(GATES, 2)):
        yield _reading({n + a: n + b}), f"`{n}{b}` is read twice, and `{n}{a}` never. {look}"
        if a < b:
            yield _reading({n + a: n + b, n + b: n + a}), f"`{n}{a}` and `{n}{b}` have changed places. {look}"
    for a, b in itertools.product(GATES, repeat=2):
        first = "A weight's first letter says what it reads."
        yield _reading({f"W_x{a}": f"W_h{b}"}), f"`W_h{b}` stands where x_t is read, and `W_x{a}` nowhere. {first}"
        yield _reading({f"W_h{a}": f"W_x{b}"}), f"`W_x{b}` stands where h_prev is read, and `W_h{a}` nowhere. {first}"


def _output_gate_reads_c_t(x, h, c, w):
    _, c_t = step_with()(x, h, c, w)
    return sigmoid(_sum("o", x, c_t, w)) * tanh(c_t), c_t


def _one_sum_changed(k, sum_k):
    """A step in which the sum of k, one of i, f, c and o, is `sum_k(x, h, W, U, b)`."""

    def sum_of(made, x, h, w):
        given = w[f"W_x{made}"], w[f"W_h{made}"], w[f"b_{made}"]
        return sum_k(x, h, *given) if made == k else _sum(made, x, h, w)

    return step_with(sums=sum_of)


def _wrong_sums_of_one_gate() -> Iterator[tuple[Callable, str]]:
    """Steps in which one gate, or the candidate, is wrong and the others are right."""
    for k, name in GATES.items():
        yield _one_sum_changed(k, lambda x, h, W, U, b: x @ W + h @ U), f"The {name} has no bias: `b_{k}` is not read."
        yield (
            _one_sum_changed(k, lambda x, h, W, U, b: x @ W + b),
            f"The {name} does not read the state: `W_h{k}` has no effect.",
        )
        yield (
            _one_sum_changed(k, lambda x, h, W, U, b: h @ U + b),
            f"The {name} does not read the input: `W_x{k}` has no effect.",
        )
        yield (
            _one_sum_changed(k, lambda x, h, W, U, b: x @ W + h @ U.T + b),
            f"`W_h{k}` is used transposed, the other three are not. It is square, so only the values tell.",
        )
        yield (
            _one_sum_changed(k, lambda x, h, W, U, b: x @ W.T + h @ U + b),
            f"`W_x{k}` is used transposed: its rows belong to the inputs.",
        )
        yield (
            _one_sum_changed(k, lambda x, h, W, U, b: h @ W + x @ U + b),
            f"In the {name} x meets `W_h{k}`, and h meets `W_x{k}`. A weight's first letter says what it reads.",
        )
        if k != "c":
            yield step_with(**{k: tanh}), f"tanh stands on the {name}. A gate is a valve between 0 and 1."
            yield step_with(**{k: _identity}), f"The {name} is the sum alone: look at the function around it."


# The exercise `lstm_step` uses these as they are, `lstm` at every step of the sequence.
WRONG_STEPS = (
    (
        step_with(cell=lambda i, f, g, c: i * c + f * g),
        "i and f are swapped in the memory, or read each other's weights. Which gate keeps, which lets in?",
    ),
    (
        step_with(cell=lambda i, f, g, c: f * c + f * g),
        "The forget gate stands in both terms of the memory, or the input gate reads its weights. Each has its own.",
    ),
    (
        step_with(cell=lambda i, f, g, c: i * c + i * g),
        "The input gate stands in both terms of the memory, or the forget gate reads its weights. Each has its own.",
    ),
    (
        step_with(c=sigmoid),
        "A sigmoid stands on the candidate: it could only ever add to the memory, never subtract.",
    ),
    (step_with(i=tanh, f=tanh, o=tanh), "tanh stands on the gates. A gate is a valve between 0 and 1."),
    (step_with(c=_identity), "The candidate is not squashed: look at the function around its sum."),
    (
        step_with(i=_identity, f=_identity, o=_identity),
        "The gates are the sums alone: look at the function around them.",
    ),
    (
        step_with(hidden=lambda o, c_t, c: o * c_t),
        "The tanh on `c_t` is missing in equation 5: the memory is shown as it is.",
    ),
    (
        step_with(cell=lambda i, f, g, c: f * i + c * g),
        "In the memory the pairs are mixed up: a gate is multiplied by a gate. Which gate belongs to which value?",
    ),
    (
        step_with(hidden=lambda o, c_t, c: tanh(o) * c_t),
        "The tanh of equation 5 stands on the output gate. Which of the two has no bounds yet?",
    ),
    (
        lambda x, h, c, w: step_with()(x, c, c, w),
        "The gates read the memory in place of the state: `c_prev` stands where `h_prev` belongs.",
    ),
    (_output_gate_reads_c_t, "The output gate reads the new memory in place of the state before."),
    (
        step_with(cell=lambda i, f, g, c: (1 - f) * c + i * g),
        "1 − f stands in place of f: the memory keeps what it should forget.",
    ),
    (
        step_with(cell=lambda i, f, g, c: i * g),
        "The old memory is dropped: your cell is overwritten at every step.",
    ),
    (step_with(cell=lambda i, f, g, c: f * c), "Nothing new enters the memory: equation 3 has two terms."),
    (step_with(cell=lambda i, f, g, c: f * c + g), "The input gate is left out: the candidate comes in whole."),
    (step_with(cell=lambda i, f, g, c: c + i * g), "The forget gate is left out: the old memory stays whole."),
    (
        step_with(cell=lambda i, f, g, c: f * c + (1 - f) * g),
        "The gates are coupled, 1 − f in place of i. Here the input gate has weights of its own.",
    ),
    (
        step_with(cell=lambda i, f, g, c: tanh(f * c + i * g)),
        "The memory itself is squashed. It is not bounded; the tanh of equation 5 comes on the way out.",
    ),
    (step_with(hidden=lambda o, c_t, c: tanh(c_t)), "The output gate is left out: the whole memory is shown."),
    (step_with(hidden=lambda o, c_t, c: tanh(o * c_t)), "In equation 5 the output gate stands inside the tanh."),
    (
        step_with(hidden=lambda o, c_t, c: o * tanh(c)),
        "Equation 5 reads the old memory. The state shows the memory of this step.",
    ),
    (
        step_with(hidden=lambda o, c_t, c: o * sigmoid(c_t)),
        "A sigmoid stands on `c_t` in equation 5: look at the function.",
    ),
    (
        step_with(sums=lambda k, x, h, w: x @ w[f"W_x{k}"] + h @ w[f"W_h{k}"]),
        "The biases are missing: it looks as if all of them were zero.",
    ),
    (
        step_with(sums=lambda k, x, h, w: x @ w[f"W_x{k}"] + h @ w[f"W_h{k}"].T + w[f"b_{k}"]),
        "The recurrent weights `W_h·` are used transposed. They are square, so only the values tell.",
    ),
    (
        step_with(sums=lambda k, x, h, w: x @ w[f"W_x{k}"].T + h @ w[f"W_h{k}"] + w[f"b_{k}"]),
        "The input weights `W_x·` are used transposed: their rows belong to the inputs.",
    ),
    (
        step_with(sums=lambda k, x, h, w: x @ w[f"W_x{k}"].T + h @ w[f"W_h{k}"].T + w[f"b_{k}"]),
        "All matrices are used transposed. Row vectors stand on the left of a matrix as it is.",
    ),
    (
        step_with(sums=lambda k, x, h, w: x @ w[f"W_h{k}"] + h @ w[f"W_x{k}"] + w[f"b_{k}"]),
        "x meets the `W_h·`, and h the `W_x·`. A weight's first letter says what it reads.",
    ),
    (
        step_with(sums=lambda k, x, h, w: x * w[f"W_x{k}"] + h * w[f"W_h{k}"] + w[f"b_{k}"]),
        "`*` multiplies entry by entry. It runs here only because sizes are equal; a matrix product has another sign.",
    ),
    (
        step_with(sums=lambda k, x, h, w: x @ w[f"W_x{k}"] + w[f"b_{k}"]),
        "Nothing reads the old state: the `W_h·` have no effect.",
    ),
    (
        step_with(sums=lambda k, x, h, w: h @ w[f"W_h{k}"] + w[f"b_{k}"]),
        "Nothing reads the input: the `W_x·` have no effect.",
    ),
    *_wrong_weights(),
    *_wrong_sums_of_one_gate(),
    (
        step_with(sums=lambda k, x, h, w: _sum(k, x, h.detach(), w)),
        "The values are right, but h is detached at every step: no gradient travels back through it.",
    ),
    (
        step_with(cell=lambda i, f, g, c: f * c.detach() + i * g),
        "The values are right, but c is detached at every step: no gradient goes back along the memory.",
    ),
    (
        lambda x, h, c, w: step_with()(x, h.detach(), c.detach(), w),
        "The values are right, but h and c are both detached at every step: no gradient travels back in time.",
    ),
    (
        lambda x, h, c, w: tuple(value.detach() for value in step_with()(x, h, c, w)),
        "The values are right, but the step's results are cut from the graph: nothing could be learned.",
    ),
)
