"""Wrong answers shared by the RNN step, the gates and the candidate, which are all a function of x W + h U + b."""

from collections.abc import Callable

import torch
from torch.nn import functional as F

from lstm_lesson.exercises.exercise import Mistake


def affine_mistakes(W: str, U: str, b: str, squash: Callable) -> list[Mistake]:
    """Mistakes of squash(x_t W + h_prev U + b). W, U and b are the names of the weights in the exercise."""
    around = "the function around the sum"

    def inside(*terms):
        """An answer in which only these of the terms x, h and b are inside the function."""

        def answer(x, h, W, U, b):
            parts = {"x": x @ W, "h": h @ U, "b": b}
            return squash(sum(parts[k] for k in terms)) + sum(v for k, v in parts.items() if k not in terms)

        return answer

    def concatenated(x, h, W, U, b):
        return squash(torch.cat([h, x], dim=1) @ torch.cat([W, U]) + b)

    return [
        Mistake(lambda x, h, W, U, b: x @ W + h @ U + b, f"That is the sum alone. Look for {around} in the equation."),
        Mistake(lambda x, h, W, U, b: squash(x @ W + h @ U), f"The bias is missing: it looks as if `{b}` were zero."),
        Mistake(lambda x, h, W, U, b: squash(x @ W + h @ U - b), f"The bias `{b}` is subtracted. Look at its sign."),
        Mistake(inside("x", "h"), f"`{b}` is added outside {around}. Look at your brackets."),
        Mistake(inside("x"), f"Only the term with `x_t` is inside {around}. Look at your brackets."),
        Mistake(inside("h"), f"Only the term with `h_prev` is inside {around}. Look at your brackets."),
        Mistake(inside("x", "b"), f"The term with `h_prev` is added outside {around}. Look at your brackets."),
        Mistake(inside("h", "b"), f"The term with `x_t` is added outside {around}. Look at your brackets."),
        Mistake(lambda x, h, W, U, b: squash(x @ W + h @ U + 2 * b), f"The bias is added twice; there is one `{b}`."),
        Mistake(
            lambda x, h, W, U, b: squash(x @ W + b), "The term with `h_prev` is missing: nothing comes from the past."
        ),
        Mistake(
            lambda x, h, W, U, b: squash(h @ U + b), "The term with `x_t` is missing: nothing comes from the input."
        ),
        Mistake(
            lambda x, h, W, U, b: squash(x @ W + h @ U.T + b),
            f"`{U}` is used transposed. It is square, so the shapes fit either way, and only the values tell.",
        ),
        Mistake(
            lambda x, h, W, U, b: squash(x @ W.T + h @ U + b),
            f"`{W}` is used transposed: its rows belong to the inputs, its columns to the units.",
        ),
        Mistake(
            lambda x, h, W, U, b: squash(x @ W.T + h @ U.T + b),
            f"`{W}` and `{U}` are both used transposed. Write the shapes under x_t, h_prev and their matrices.",
        ),
        Mistake(
            lambda x, h, W, U, b: squash(W @ x + U @ h + b),
            "The matrices stand on the left. `x_t` and `h_prev` have a row per sequence, (B, N) and (B, H): "
            "write the shapes side by side.",
        ),
        Mistake(
            lambda x, h, W, U, b: squash(W @ x + h @ U + b),
            f"`{W}` stands on the left of `x_t`. Write their shapes side by side: which sizes meet?",
        ),
        Mistake(
            lambda x, h, W, U, b: squash(x @ W + U @ h + b),
            f"`{U}` stands on the left of `h_prev`. Write their shapes side by side: which sizes meet?",
        ),
        Mistake(
            lambda x, h, W, U, b: squash(x @ U + h @ W + b),
            f"`x_t` meets `{U}`, and `h_prev` meets `{W}`. A weight's first letter says what it reads.",
        ),
        Mistake(
            lambda x, h, W, U, b: squash(x @ W + h @ W + b),
            f"`{W}` stands in both terms. A weight's first letter says what it reads.",
        ),
        Mistake(
            lambda x, h, W, U, b: squash(x @ U + h @ U + b),
            f"`{U}` stands in both terms. A weight's first letter says what it reads.",
        ),
        Mistake(
            lambda x, h, W, U, b: torch.cat([x, h]) @ torch.cat([W, U]),
            "`x_t` and `h_prev` are joined one below the other. A joined row has to hold one sequence's N + H numbers.",
        ),
        Mistake(
            lambda x, h, W, U, b: torch.cat([x, h], dim=1) @ torch.cat([W, U], dim=1),
            "The matrices are joined side by side. Joined, they have to have a row for each of the N + H numbers.",
        ),
        Mistake(
            concatenated,
            "The states and the weights are joined in different orders: what is first in one must be first in both.",
        ),
        Mistake(
            lambda x, h, W, U, b: squash((x @ W) * (h @ U) + b),
            "The two terms are multiplied. The equation adds the term of the input and the term of the state.",
        ),
        Mistake(
            lambda x, h, W, U, b: squash(x @ W - h @ U + b), "The term with `h_prev` is subtracted. Look at its sign."
        ),
        Mistake(
            lambda x, h, W, U, b: squash(x @ W) + squash(h @ U) + b,
            f"Each term goes through a function of its own. How often is {around} in the equation?",
        ),
        Mistake(
            lambda x, h, W, U, b: squash(x * W + h * U + b),
            "`*` multiplies entry by entry, and every matrix here needs a product that sums. Look at its sign.",
        ),
        Mistake(
            lambda x, h, W, U, b: squash(x @ W + h * U + b),
            f"`h_prev * {U}` multiplies entry by entry. A matrix needs a product that sums: look at its sign.",
        ),
        Mistake(
            lambda x, h, W, U, b: squash(x * W + h @ U + b),
            f"`x_t * {W}` multiplies entry by entry. A matrix needs a product that sums: look at its sign.",
        ),
        Mistake(
            lambda x, h, W, U, b: torch.relu(x @ W + h @ U + b),
            f"That is a ReLU, which has no upper bound. Look at {around}.",
        ),
        Mistake(
            lambda x, h, W, U, b: torch.softmax(x @ W + h @ U + b, dim=1),
            "A softmax makes the units share a total of 1. Here every unit stands for itself.",
        ),
        Mistake(lambda x, h, W, U, b: squash(squash(x @ W + h @ U + b)), f"Look at {around}: you apply it twice."),
        Mistake(
            lambda x, h, W, U, b: squash(x @ W + h.detach() @ U + b),
            "The values are right, but `h_prev` is detached: no gradient can travel to the steps before.",
        ),
    ]


def gate_mistakes(k: str) -> tuple[Mistake, ...]:
    """Mistakes of the gate k: "i", "f" or "o"."""
    return (
        *affine_mistakes(f"W_x{k}", f"W_h{k}", f"b_{k}", torch.sigmoid),
        Mistake(
            lambda x, h, W, U, b: torch.tanh(x @ W + h @ U + b),
            "That is a tanh, from −1 to 1. A gate is a valve between 0 (shut) and 1 (open): which function fits?",
        ),
        Mistake(
            lambda x, h, W, U, b: 1 - torch.sigmoid(x @ W + h @ U + b),
            "Your gate is 1 minus the right one: open where it should be shut. Look for a sign.",
        ),
        Mistake(
            lambda x, h, W, U, b: F.hardsigmoid(x @ W + h @ U + b),
            "That is the hard sigmoid, made of straight lines. The gate's function is smooth.",
        ),
        Mistake(
            lambda x, h, W, U, b: (torch.tanh(x @ W + h @ U + b) + 1) / 2,
            "A tanh moved into 0 to 1 is twice as steep as the gate's function: see what it does to the sum inside.",
        ),
    )


def tanh_mistakes(W: str, U: str, b: str) -> tuple[Mistake, ...]:
    """Mistakes of the candidate and of the RNN step, whose function is tanh."""
    return (
        *affine_mistakes(W, U, b, torch.tanh),
        Mistake(
            lambda x, h, W, U, b: torch.sigmoid(x @ W + h @ U + b),
            "That is a sigmoid: it cannot go below 0. What is made here needs both signs: look at the function.",
        ),
    )


def gate_inputs(k):
    """The inputs of a gate or the candidate; k is the last letter of its weights."""
    return lambda draw: {
        "x_t": draw("B N"), "h_prev": draw("B H"),
        f"W_x{k}": draw("N H", 1), f"W_h{k}": draw("H H", 1), f"b_{k}": draw("H"),
    }  # fmt: skip
