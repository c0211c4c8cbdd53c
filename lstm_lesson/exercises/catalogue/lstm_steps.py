"""Wrong LSTM steps, shared by `lstm_step` and `lstm`: an odd sum, function around it, memory or state."""

import itertools
from collections.abc import Callable, Iterator

from torch import sigmoid, tanh

MADE = {"i": "input gate", "f": "forget gate", "c": "candidate", "o": "output gate"}


def _affine(k, x, h, w):
    return x @ w[f"W_x{k}"] + h @ w[f"W_h{k}"] + w[f"b_{k}"]


def _memory(i, f, g, c):
    return f * c + i * g


def _state(o, c_t, c_prev):
    return o * tanh(c_t)


def odd_step(affine=_affine, memory=_memory, state=_state, **functions) -> Callable:
    """One LSTM step in which something is odd: the sums, the functions around those of i, f, c, o, equation 3 or 5."""
    around = {"i": sigmoid, "f": sigmoid, "c": tanh, "o": sigmoid} | functions

    def step(x, h, c, w):
        i, f, g, o = (around[k](affine(k, x, h, w)) for k in "ifco")
        c_t = memory(i, f, g, c)
        return state(o, c_t, c), c_t

    return step


def _bare(z):
    return z


def _reading(names: dict[str, str]) -> Callable:
    """A right step on a mapping in which each of these names leads to another's weight."""
    return lambda x, h, c, w: odd_step()(x, h, c, {name: w[names.get(name, name)] for name in w})


def _mixed_up_names() -> Iterator[tuple[Callable, str]]:
    """Steps that read another weight than the one that is meant: a whole gate's, or a single one."""
    kinds = ("W_x", "W_h", "b_")
    look = "A weight's second letter says what it makes."
    for a, b in itertools.permutations(MADE, 2):
        if {a, b} != {"i", "f"}:  # told above: the same as a mix-up in the memory
            yield _reading({n + a: n + b for n in kinds}), f"The {MADE[a]} reads the {MADE[b]}'s weights. {look}"
            if a < b:
                swapped = {n + k: n + other for n in kinds for k, other in ((a, b), (b, a))}
                yield _reading(swapped), f"The {MADE[a]} and the {MADE[b]} read each other's weights. {look}"
    for n, a, b in ((n, *pair) for n in kinds for pair in itertools.permutations(MADE, 2)):
        yield _reading({n + a: n + b}), f"`{n}{b}` is read twice, and `{n}{a}` never. {look}"
        if a < b:
            yield _reading({n + a: n + b, n + b: n + a}), f"`{n}{a}` and `{n}{b}` have changed places. {look}"
    for a, b in itertools.product(MADE, repeat=2):
        first = "A weight's first letter says what it reads."
        yield _reading({f"W_x{a}": f"W_h{b}"}), f"`W_h{b}` stands where x_t is read, and `W_x{a}` nowhere. {first}"
        yield _reading({f"W_h{a}": f"W_x{b}"}), f"`W_x{b}` stands where h_prev is read, and `W_h{a}` nowhere. {first}"


def _output_gate_reads_the_memory(x, h, c, w):
    _, c_t = odd_step()(x, h, c, w)
    return sigmoid(_affine("o", x, c_t, w)) * tanh(c_t), c_t


def _only_in(k, sum_k):
    """A step in which the sum of i, f, c or o alone is `sum_k(x, h, W, U, b)`."""

    def affine(made, x, h, w):
        given = w[f"W_x{made}"], w[f"W_h{made}"], w[f"b_{made}"]
        return sum_k(x, h, *given) if made == k else _affine(made, x, h, w)

    return odd_step(affine=affine)


def _one_odd_sum() -> Iterator[tuple[Callable, str]]:
    """Steps in which the input, forget or output gate or the candidate alone is odd."""
    for k, name in MADE.items():
        yield _only_in(k, lambda x, h, W, U, b: x @ W + h @ U), f"The {name} has no bias: `b_{k}` is not read."
        yield (
            _only_in(k, lambda x, h, W, U, b: x @ W + b),
            f"The {name} does not read the state: `W_h{k}` has no effect.",
        )
        yield (
            _only_in(k, lambda x, h, W, U, b: h @ U + b),
            f"The {name} does not read the input: `W_x{k}` has no effect.",
        )
        yield (
            _only_in(k, lambda x, h, W, U, b: x @ W + h @ U.T + b),
            f"`W_h{k}` is used transposed, the other three are not. It is square, so only the values tell.",
        )
        yield (
            _only_in(k, lambda x, h, W, U, b: x @ W.T + h @ U + b),
            f"`W_x{k}` is used transposed: its rows belong to the inputs.",
        )
        yield (
            _only_in(k, lambda x, h, W, U, b: h @ W + x @ U + b),
            f"In the {name} x meets `W_h{k}`, and h meets `W_x{k}`. A weight's first letter says what it reads.",
        )
        if k != "c":
            yield odd_step(**{k: tanh}), f"tanh stands on the {name}. A gate is a valve between 0 and 1."
            yield odd_step(**{k: _bare}), f"The {name} is a bare sum: look at the function around it."


# What goes wrong within a step: for `lstm_step` as it is, for `lstm` at every step of the sequence.
STEPS = (
    (
        odd_step(memory=lambda i, f, g, c: i * c + f * g),
        "i and f are swapped in the memory, or read each other's weights. Which gate keeps, which lets in?",
    ),
    (
        odd_step(memory=lambda i, f, g, c: f * c + f * g),
        "The forget gate stands in both terms of the memory, or the input gate reads its weights. Each has its own.",
    ),
    (
        odd_step(memory=lambda i, f, g, c: i * c + i * g),
        "The input gate stands in both terms of the memory, or the forget gate reads its weights. Each has its own.",
    ),
    (
        odd_step(c=sigmoid),
        "A sigmoid stands on the candidate: it could only ever add to the memory, never subtract.",
    ),
    (odd_step(i=tanh, f=tanh, o=tanh), "tanh stands on the gates. A gate is a valve between 0 and 1."),
    (odd_step(c=_bare), "The candidate is not squashed: look at the function around its sum."),
    (odd_step(i=_bare, f=_bare, o=_bare), "The gates are bare sums: look at the function around them."),
    (
        odd_step(state=lambda o, c_t, c: o * c_t),
        "The tanh on `c_t` is missing in equation 5: the memory is shown as it is.",
    ),
    (
        odd_step(memory=lambda i, f, g, c: f * i + c * g),
        "In the memory the pairs are mixed up: a gate is multiplied by a gate. Which gate belongs to which value?",
    ),
    (
        odd_step(state=lambda o, c_t, c: tanh(o) * c_t),
        "The tanh of equation 5 stands on the output gate. Which of the two has no bounds yet?",
    ),
    (
        lambda x, h, c, w: odd_step()(x, c, c, w),
        "The gates read the memory in place of the state: `c_prev` stands where `h_prev` belongs.",
    ),
    (_output_gate_reads_the_memory, "The output gate reads the new memory in place of the state before."),
    (
        odd_step(memory=lambda i, f, g, c: (1 - f) * c + i * g),
        "1 − f stands in place of f: the memory keeps what it should forget.",
    ),
    (
        odd_step(memory=lambda i, f, g, c: i * g),
        "The old memory is dropped: your cell is overwritten at every step.",
    ),
    (odd_step(memory=lambda i, f, g, c: f * c), "Nothing new enters the memory: equation 3 has two terms."),
    (odd_step(memory=lambda i, f, g, c: f * c + g), "The input gate is left out: the candidate comes in whole."),
    (odd_step(memory=lambda i, f, g, c: c + i * g), "The forget gate is left out: the old memory stays whole."),
    (
        odd_step(memory=lambda i, f, g, c: f * c + (1 - f) * g),
        "The gates are coupled, 1 − f in place of i. Here the input gate has weights of its own.",
    ),
    (
        odd_step(memory=lambda i, f, g, c: tanh(f * c + i * g)),
        "The memory itself is squashed. It is not bounded; the tanh of equation 5 comes on the way out.",
    ),
    (odd_step(state=lambda o, c_t, c: tanh(c_t)), "The output gate is left out: the whole memory is shown."),
    (odd_step(state=lambda o, c_t, c: tanh(o * c_t)), "In equation 5 the output gate stands inside the tanh."),
    (
        odd_step(state=lambda o, c_t, c: o * tanh(c)),
        "Equation 5 reads the old memory. The state shows the memory of this step.",
    ),
    (
        odd_step(state=lambda o, c_t, c: o * sigmoid(c_t)),
        "A sigmoid stands on `c_t` in equation 5: look at the function.",
    ),
    (
        odd_step(affine=lambda k, x, h, w: x @ w[f"W_x{k}"] + h @ w[f"W_h{k}"]),
        "The biases are missing: it looks as if all of them were zero.",
    ),
    (
        odd_step(affine=lambda k, x, h, w: x @ w[f"W_x{k}"] + h @ w[f"W_h{k}"].T + w[f"b_{k}"]),
        "The recurrent weights `W_h·` are used transposed. They are square, so only the values tell.",
    ),
    (
        odd_step(affine=lambda k, x, h, w: x @ w[f"W_x{k}"].T + h @ w[f"W_h{k}"] + w[f"b_{k}"]),
        "The input weights `W_x·` are used transposed: their rows belong to the inputs.",
    ),
    (
        odd_step(affine=lambda k, x, h, w: x @ w[f"W_x{k}"].T + h @ w[f"W_h{k}"].T + w[f"b_{k}"]),
        "All matrices are used transposed. Row vectors stand on the left of a matrix as it is.",
    ),
    (
        odd_step(affine=lambda k, x, h, w: x @ w[f"W_h{k}"] + h @ w[f"W_x{k}"] + w[f"b_{k}"]),
        "x meets the `W_h·`, and h the `W_x·`. A weight's first letter says what it reads.",
    ),
    (
        odd_step(affine=lambda k, x, h, w: x * w[f"W_x{k}"] + h * w[f"W_h{k}"] + w[f"b_{k}"]),
        "`*` multiplies entry by entry, and runs here only by luck. A vector goes through a matrix with another sign.",
    ),
    (
        odd_step(affine=lambda k, x, h, w: x @ w[f"W_x{k}"] + w[f"b_{k}"]),
        "Nothing reads the old state: the `W_h·` have no effect.",
    ),
    (
        odd_step(affine=lambda k, x, h, w: h @ w[f"W_h{k}"] + w[f"b_{k}"]),
        "Nothing reads the input: the `W_x·` have no effect.",
    ),
    *_mixed_up_names(),
    *_one_odd_sum(),
    (
        odd_step(affine=lambda k, x, h, w: _affine(k, x, h.detach(), w)),
        "The values are right, but h is detached at every step: no gradient travels back through it.",
    ),
    (
        odd_step(memory=lambda i, f, g, c: f * c.detach() + i * g),
        "The values are right, but c is detached at every step: the memory's way back for gradients is cut.",
    ),
    (
        lambda x, h, c, w: odd_step()(x, h.detach(), c.detach(), w),
        "The values are right, but h and c are both detached at every step: no gradient travels back in time.",
    ),
    (
        lambda x, h, c, w: tuple(value.detach() for value in odd_step()(x, h, c, w)),
        "The values are right, but the step's results are cut from the graph: nothing could be learned.",
    ),
)
