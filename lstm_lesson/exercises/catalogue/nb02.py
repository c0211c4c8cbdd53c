"""The exercises of notebook 02: the backward step of an RNN, and truncating the graph."""

import torch

from lstm_lesson.exercises.exercise import Exercise, Mistake


def _backward_inputs(draw):
    x_t, h_prev, W_xh, W_hh = draw("B N"), draw("B H"), draw("N H", 0.5), draw("H H", 0.5)
    h_t = (x_t @ W_xh + h_prev @ W_hh + draw("H")).tanh()
    return {"dh_t": draw.unbounded("B H", 1), "x_t": x_t, "h_prev": h_prev, "h_t": h_t, "W_xh": W_xh, "W_hh": W_hh}


def _state_inputs(draw):
    state = draw("B H") if draw.index % 2 else (draw("B H"), draw.unbounded("B H"))  # one tensor with B = 2 among them
    draw.letters_used.clear()  # the stub names no sizes
    return {"state": state}


def _backward_step(dh, x, h_prev, h, W, U, slope=lambda h: 1 - h**2):
    dz = dh * slope(h)
    return [dz @ W.T, dz @ U.T, x.T @ dz, h_prev.T @ dz, dz.sum(dim=0)]


def _with(place, change):
    """A backward step in which one of the five results is made by `change`, which takes dz and the six arguments."""

    def answer(dh, x, h_prev, h, W, U):
        results = _backward_step(dh, x, h_prev, h, W, U)
        results[place] = change(dh * (1 - h**2), dh, x, h_prev, h, W, U)
        return tuple(results)

    return answer


RNN_BACKWARD_STEP_MISTAKES = (
    Mistake(
        lambda *given: tuple(_backward_step(*given, slope=torch.ones_like)),
        "The derivative of tanh is missing: `dh_t` has to pass the tanh before it reaches anything else.",
    ),
    Mistake(
        lambda *given: tuple(_backward_step(*given, slope=lambda h: 1 - h)),
        "Look at the derivative of tanh: it does not contain h_t itself.",
    ),
    Mistake(
        lambda *given: tuple(_backward_step(*given, slope=lambda h: h * (1 - h))),
        "That is the derivative of the sigmoid. This step goes through tanh.",
    ),
    Mistake(
        lambda *given: tuple(_backward_step(*given, slope=lambda h: 1 - torch.tanh(h) ** 2)),
        "tanh is applied once too often: `h_t` is what came out of it already.",
    ),
    Mistake(
        lambda *given: tuple(_backward_step(*given, slope=lambda h: 1 + h**2)), "Look at the sign in tanh's derivative."
    ),
    Mistake(
        lambda dh, x, h_prev, h, W, U: tuple(_backward_step(dh, x, h_prev, h_prev, W, U)),
        "The slope of tanh is taken at `h_prev`. It belongs to the state that this step made.",
    ),
    Mistake(
        _with(1, lambda dz, dh, x, h_prev, h, W, U: dz @ U),
        "`dh_prev` uses `W_hh` as in the forward step. It is square, so only the values tell: look at fact 2.",
    ),
    Mistake(
        _with(0, lambda dz, dh, x, h_prev, h, W, U: dz @ W),
        "`dx_t` uses `W_xh` as in the forward step. Which shape has `W_xh`, and which shapes do you go from and to?",
    ),
    Mistake(
        lambda dh, x, h_prev, h, W, U: tuple(_backward_step(dh, x, h_prev, h, W.T, U.T)),
        "`dx_t` and `dh_prev` use the matrices as in the forward step. Compare with fact 2, and with the shapes.",
    ),
    Mistake(
        lambda dh, x, h_prev, h, W, U: (W @ (dz := dh * (1 - h**2)), U @ dz, x.T @ dz, h_prev.T @ dz, dz.sum(dim=0)),
        "`dx_t` and `dh_prev`: the matrices stand on the left of rows. Write the shapes side by side, (B, H) first.",
    ),
    Mistake(
        lambda dh, x, h_prev, h, W, U: ((dz := dh * (1 - h**2)) @ W.T, dz @ U.T, x @ dz, h_prev @ dz, dz.sum(dim=0)),
        "`dW_xh` and `dW_hh`: which shapes have they, and which sizes meet in your product? Compare with fact 3.",
    ),
    Mistake(
        lambda dh, x, h_prev, h, W, U: _backward_step(dh @ (1 - h**2), x, h_prev, h, W, U, slope=torch.ones_like),
        "Through the tanh each entry has a slope of its own. `@` mixes the entries: compare with fact 1.",
    ),
    Mistake(
        _with(1, lambda dz, *_: dz), "`dh_prev` has not gone through `W_hh`: that is the gradient of the sum inside."
    ),
    Mistake(
        _with(1, lambda dz, *_: torch.zeros_like(dz)),
        "`dh_prev` is zero: the gradient is dropped on its way to the steps before.",
    ),
    Mistake(
        _with(1, lambda dz, dh, x, h_prev, h, W, U: dh @ U.T),
        "`dh_prev` misses the derivative of tanh: a gradient goes back through tanh first, then through the weights.",
    ),
    Mistake(
        _with(0, lambda dz, dh, x, h_prev, h, W, U: dh @ W.T),
        "`dx_t` misses the derivative of tanh: a gradient goes back through tanh first, then through the weights.",
    ),
    Mistake(_with(2, lambda dz, dh, x, *_: x.T @ dh), "`dW_xh` misses the derivative of tanh."),
    Mistake(_with(3, lambda dz, dh, x, h_prev, *_: h_prev.T @ dh), "`dW_hh` misses the derivative of tanh."),
    Mistake(_with(4, lambda dz, dh, *_: dh.sum(dim=0)), "`db_h` misses the derivative of tanh."),
    Mistake(_with(4, lambda dz, *_: dz), "`db_h` still has a row per sequence. The bias is shared by the whole batch."),
    Mistake(
        _with(4, lambda dz, *_: dz.mean(dim=0)),
        "`db_h` is a mean over the batch. Shared weights collect the sum; a mean belongs to the loss.",
    ),
    Mistake(
        _with(4, lambda dz, *_: dz.sum()), "`db_h` is summed over the units, too. Each unit has a bias of its own."
    ),
    Mistake(_with(4, lambda dz, *_: dz.sum(dim=1)), "`db_h` is summed over the units in place of the batch."),
    Mistake(_with(4, lambda dz, *_: dz[0]), "`db_h` holds the first sequence alone. All of the batch adds to it."),
    Mistake(
        lambda dh, x, *rest: (*(r := _backward_step(dh, x, *rest))[:2], *(g / len(x) for g in r[2:])),
        "The weights' gradients are means over the batch. Shared weights collect the sum; a mean belongs to the loss.",
    ),
    Mistake(
        _with(2, lambda dz, dh, x, *_: dz.T @ x),
        "`dW_xh` stands transposed: a gradient has the shape of its weight, (N, H).",
    ),
    Mistake(
        _with(3, lambda dz, dh, x, h_prev, *_: dz.T @ h_prev),
        "`dW_hh` stands transposed. It is square, so only the values tell: rows are what is read.",
    ),
    Mistake(
        lambda dh, x, h_prev, *rest: (*(r := _backward_step(dh, x, h_prev, *rest))[:2], r[2].T, r[3].T, r[4]),
        "`dW_xh` and `dW_hh` stand transposed: a gradient has the shape of its weight.",
    ),
    Mistake(
        _with(3, lambda dz, dh, x, h_prev, h, *_: h.T @ dz),
        "`dW_hh` is made with `h_t`. `W_hh` read the state before.",
    ),
    Mistake(
        lambda *given: tuple(-r for r in _backward_step(*given)),
        "All signs are turned: descent comes later, in the update.",
    ),
)


def _map_state(state, change):
    return change(state) if isinstance(state, torch.Tensor) else tuple(change(s) for s in state)


TRUNCATE_MISTAKES = (
    Mistake(
        lambda state: state,
        "The history is still there (a clone keeps it, too): a backward pass would go on into the window before.",
    ),
    Mistake(lambda state: _map_state(state, torch.zeros_like), "The state is reset to zeros. Its values have to stay."),
    Mistake(
        lambda state: (state[0].detach(), state[1]) if isinstance(state, tuple) else state.detach(),
        "Only the first half of the tuple is cut; the second still carries its history.",
    ),
    Mistake(
        lambda state: (state[0], state[1].detach()) if isinstance(state, tuple) else state.detach(),
        "Only the second half of the tuple is cut; the first still carries its history.",
    ),
    Mistake(
        lambda state: state.detach(),
        "That works for one tensor. The state may also be a tuple (h, c), as in an LSTM.",
    ),
    Mistake(
        lambda state: (state[0].detach(), state[1].detach()) if len(state) == 2 else state.detach(),
        "A tensor with two sequences has length 2, like the tuple, and is taken apart. How else can you tell them?",
    ),
    Mistake(
        lambda state: tuple(s.detach() for s in state),
        "That works for a tuple. An RNN's state is one tensor, and your loop takes it apart row by row.",
    ),
    Mistake(
        lambda state: _map_state(state, lambda s: s.detach().abs()), "The values have changed: their signs are gone."
    ),
    Mistake(
        lambda state: state[0].detach() if isinstance(state, tuple) else state.detach(),
        "From a tuple only the first tensor comes back. Give back what you were given: a tuple for a tuple.",
    ),
)


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
        mistakes=RNN_BACKWARD_STEP_MISTAKES,
        hints=(
            "Go through tanh first: from the gradient of h_t to that of the sum inside. h_t itself is all you need.",
            "Call it dz, (B, H). Every other answer is dz times something, and its shape says what, and on which side.",
            "A matrix of the forward step appears as its transpose in the backward step; "
            "what was shared by the batch collects a sum over the batch.",
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
        mistakes=TRUNCATE_MISTAKES,
        hints=(
            "The values stay; only the memory of how they were computed goes.",
            "Every tensor has a method that returns the same values outside the graph.",
            "state may be one tensor or a tuple of tensors: treat each one, and give back what you were given.",
        ),
    ),
]
