"""The exercises of notebooks 02 and 03: gradients by hand, cut histories, and why gradients vanish or explode."""

import torch

from lstm_lesson.catalogue import Exercise, Mistake


def _backward_inputs(d):
    x_t, h_prev, W_xh, W_hh = d("B N"), d("B H"), d("N H", 0.5), d("H H", 0.5)
    h_t = (x_t @ W_xh + h_prev @ W_hh + d("H")).tanh()
    return {"dh_t": d("B H", 1), "x_t": x_t, "h_prev": h_prev, "h_t": h_t, "W_xh": W_xh, "W_hh": W_hh}


def _state_inputs(d):
    state = d("B H") if d.number % 2 else (d("B H"), d("B H"))  # one tensor with B = 2 among them
    d.used.clear()  # the stub names no sizes
    return {"state": state}


def _clip_inputs(d):
    grads = [d("N H"), d("H H"), d("H")]
    d.used.clear()  # the stub names no sizes
    norm = sum(float((g.double() ** 2).sum()) for g in grads) ** 0.5
    return {"grads": grads, "max_norm": norm * (0.1, 1.2, 0.4, 3.0, 1.0001, 0.9)[d.number % 6]}


def _backwards(dh, x, h_prev, h, W, U, slope=lambda h: 1 - h**2):
    dz = dh * slope(h)
    return [dz @ W.T, dz @ U.T, x.T @ dz, h_prev.T @ dz, dz.sum(dim=0)]


def _with(place, change):
    """A backward step with one of its five results changed; `change` takes dz and the six arguments."""

    def answer(dh, x, h_prev, h, W, U):
        results = _backwards(dh, x, h_prev, h, W, U)
        results[place] = change(dh * (1 - h**2), dh, x, h_prev, h, W, U)
        return tuple(results)

    return answer


RNN_BACKWARD_STEP_MISTAKES = (
    Mistake(
        lambda *given: tuple(_backwards(*given, slope=torch.ones_like)),
        "The derivative of tanh is missing: `dh_t` has to pass the tanh before it reaches anything else.",
    ),
    Mistake(
        lambda *given: tuple(_backwards(*given, slope=lambda h: 1 - h)),
        "Look at the derivative of tanh: h_t does not stand in it bare.",
    ),
    Mistake(
        lambda *given: tuple(_backwards(*given, slope=lambda h: h * (1 - h))),
        "That is the derivative of the sigmoid. This step goes through tanh.",
    ),
    Mistake(
        lambda *given: tuple(_backwards(*given, slope=lambda h: 1 - torch.tanh(h) ** 2)),
        "tanh is applied once too often: `h_t` is what came out of it already.",
    ),
    Mistake(
        lambda *given: tuple(_backwards(*given, slope=lambda h: 1 + h**2)), "Look at the sign in tanh's derivative."
    ),
    Mistake(
        lambda dh, x, h_prev, h, W, U: tuple(_backwards(dh, x, h_prev, h_prev, W, U)),
        "The slope of tanh is taken at `h_prev`. It belongs to the state that this step made.",
    ),
    Mistake(
        _with(1, lambda dz, dh, x, h_prev, h, W, U: dz @ U),
        "`dh_prev` meets `W_hh` as on the way forward. It is square, so only the values tell: look at fact 2.",
    ),
    Mistake(
        _with(0, lambda dz, dh, x, h_prev, h, W, U: dz @ W),
        "`dx_t` meets `W_xh` as on the way forward. Which shape has `W_xh`, and from which to which do you go back?",
    ),
    Mistake(
        lambda dh, x, h_prev, h, W, U: tuple(_backwards(dh, x, h_prev, h, W.T, U.T)),
        "`dx_t` and `dh_prev` meet their matrices as on the way forward. Compare with fact 2, and with the shapes.",
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
        lambda dh, x, h_prev, h, W, U: _backwards(dh @ (1 - h**2), x, h_prev, h, W, U, slope=torch.ones_like),
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
        "`dh_prev` misses the derivative of tanh: the way back goes through tanh first, then through the weights.",
    ),
    Mistake(
        _with(0, lambda dz, dh, x, h_prev, h, W, U: dh @ W.T),
        "`dx_t` misses the derivative of tanh: the way back goes through tanh first, then through the weights.",
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
        lambda dh, x, *rest: (*(r := _backwards(dh, x, *rest))[:2], *(g / len(x) for g in r[2:])),
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
        lambda dh, x, h_prev, *rest: (*(r := _backwards(dh, x, h_prev, *rest))[:2], r[2].T, r[3].T, r[4]),
        "`dW_xh` and `dW_hh` stand transposed: a gradient has the shape of its weight.",
    ),
    Mistake(
        _with(3, lambda dz, dh, x, h_prev, h, *_: h.T @ dz),
        "`dW_hh` is made with `h_t`. `W_hh` read the state before.",
    ),
    Mistake(
        lambda *given: tuple(-r for r in _backwards(*given)),
        "All signs are turned: descent comes later, in the update.",
    ),
)


def _each(state, change):
    return change(state) if isinstance(state, torch.Tensor) else tuple(change(s) for s in state)


TRUNCATE_MISTAKES = (
    Mistake(
        lambda state: state,
        "The history is still there (a clone keeps it, too): a backward pass would go on into the window before.",
    ),
    Mistake(lambda state: _each(state, torch.zeros_like), "The state is reset to zeros. Its values have to stay."),
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
        "That works for one tensor. An LSTM's state is a tuple (h, c), and comes here, too.",
    ),
    Mistake(
        lambda state: (state[0].detach(), state[1].detach()) if len(state) == 2 else state.detach(),
        "A tensor with two sequences has length 2, like the tuple, and is taken apart. How else can you tell them?",
    ),
    Mistake(
        lambda state: tuple(s.detach() for s in state),
        "That works for a tuple. An RNN's state is one tensor, and your loop takes it apart row by row.",
    ),
    Mistake(lambda state: _each(state, lambda s: s.detach().abs()), "The values have changed: their signs are gone."),
    Mistake(
        lambda state: state[0].detach() if isinstance(state, tuple) else state.detach(),
        "From a tuple only the first tensor comes back. Give back what you were given: a tuple for a tuple.",
    ),
)

_values = torch.linalg.eigvals

SPECTRAL_RADIUS_MISTAKES = (
    Mistake(
        lambda W: torch.linalg.norm(W, 2),
        "That is the largest singular value: how much one multiplication can stretch. Over many, eigenvalues decide.",
    ),
    Mistake(
        lambda W: torch.linalg.eigvalsh(W.T @ W).max(),
        "That is the square of the largest singular value. Take the eigenvalues of W itself.",
    ),
    Mistake(
        lambda W: _values(W).real.max(),
        "That is the largest real part. Eigenvalues may be negative or complex: it is their size that counts.",
    ),
    Mistake(lambda W: _values(W).real.abs().max(), "The imaginary parts are dropped. How large is a complex number?"),
    Mistake(
        lambda W: _values(W).imag.abs().max(), "Those are the imaginary parts alone. How large is a complex number?"
    ),
    Mistake(
        lambda W: torch.linalg.eigvalsh(W).abs().max(),
        "`eigvalsh` and `eigh` take W to be symmetric and read half of it. This W is any square matrix.",
    ),
    Mistake(
        lambda W: _values(W).max(),
        "Eigenvalues may be complex, and complex numbers have no order. What of them can be compared?",
    ),
    Mistake(
        lambda W: max(_values(W)),
        "Eigenvalues may be complex, and Python's `max` cannot order them. What of them can be compared?",
    ),
    Mistake(
        lambda W: torch.linalg.eig(W).abs().max(), "`eig` returns two things, the eigenvalues and the eigenvectors."
    ),
    Mistake(lambda W: _values(W).abs().min(), "That is the smallest. In the long run the largest one decides."),
    Mistake(lambda W: _values(W).abs().mean(), "That is a mean. In the long run the largest one decides."),
    Mistake(lambda W: _values(W).abs().sum(), "That is the sum. In the long run the largest one decides."),
    Mistake(lambda W: _values(W).abs(), "Those are all of them. Which one decides in the long run?"),
    Mistake(
        lambda W: _values(W).abs()[0], "The first in the list need not be the largest: they come in no fixed order."
    ),
    Mistake(lambda W: (_values(W).abs() ** 2).max(), "That is the square: for the eigenvalue 3 you get 9."),
    Mistake(
        torch.linalg.norm, "That is the Frobenius norm, over all entries. The spectral radius is about eigenvalues."
    ),
    Mistake(lambda W: W.abs().max(), "That is the largest entry of W. The spectral radius is about its eigenvalues."),
    Mistake(lambda W: W.max(), "That is the largest entry of W, signs and all. The radius is about its eigenvalues."),
    Mistake(
        lambda W: W.abs().sum(dim=1).max(), "That is the largest row sum. The spectral radius is about eigenvalues."
    ),
    Mistake(lambda W: W.diagonal().abs().max(), "The diagonal holds the eigenvalues of a triangular matrix only."),
    Mistake(lambda W: torch.linalg.det(W).abs(), "That is the determinant, the product of all eigenvalues."),
    Mistake(lambda W: W.trace(), "That is the trace, the sum of all eigenvalues."),
)


def _norm(grads):
    return torch.sqrt(sum((g**2).sum() for g in grads))


def _scaled(grads, norm, max_norm):
    return [g * (max_norm / norm) if norm > max_norm else g.clone() for g in grads]


CLIP_BY_NORM_MISTAKES = (
    Mistake(
        lambda grads, m: [_scaled([g], g.norm(), m)[0] for g in grads],
        "Each tensor is clipped by its own norm, which turns the direction. Whose norm is it that has a limit?",
    ),
    Mistake(
        lambda grads, m: [g.clamp(-m, m) for g in grads],
        "That is clipping by value, entry by entry, which turns the direction. Clip the length of the whole.",
    ),
    Mistake(
        lambda grads, m: [g * (m / _norm(grads)) for g in grads],
        "Small gradients are stretched up to the limit. Where the joint norm is below it, nothing changes.",
    ),
    Mistake(lambda grads, m: list(grads), "Nothing is clipped: the joint norm of your result is above the limit."),
    Mistake(
        lambda grads, m: [g / _norm(grads) for g in grads],
        "Your result always has norm 1. Where does `max_norm` come in, and when is nothing to be done?",
    ),
    Mistake(
        lambda grads, m: [g / _norm(grads) if _norm(grads) > m else g for g in grads],
        "What is clipped ends with norm 1. Where does `max_norm` come in?",
    ),
    Mistake(
        lambda grads, m: _scaled(grads, sum(g.norm() for g in grads), m),
        "The norms are added. Lengths add up as squares do: think of all entries as one long vector.",
    ),
    Mistake(
        lambda grads, m: _scaled(grads, _norm(grads) ** 2, m),
        "You compare the square of the joint norm: 25 for the entries 3 and 4, whose length is 5.",
    ),
    Mistake(
        lambda grads, m: _scaled(grads, max(g.norm() for g in grads), m),
        "That is the largest of the norms, not the joint one: the result is still too long.",
    ),
    Mistake(
        lambda grads, m: _scaled(grads, max(g.abs().max() for g in grads), m),
        "That is the largest entry. The 2-norm takes in all entries.",
    ),
    Mistake(
        lambda grads, m: _scaled(grads, sum(g.abs().sum() for g in grads), m),
        "That is the 1-norm, a sum of absolute values. The 2-norm is made of squares.",
    ),
    Mistake(
        lambda grads, m: _scaled(grads, grads[0].norm(), m), "Only the first tensor's norm is taken: join them all."
    ),
    Mistake(
        lambda grads, m: _scaled(grads, grads[-1].norm(), m), "Only the last tensor's norm is taken: join them all."
    ),
    Mistake(
        lambda grads, m: _scaled(grads, sum(g.norm() for g in grads) / len(grads), m),
        "That is the mean of the norms, not the joint one.",
    ),
    Mistake(
        lambda grads, m: _scaled(grads, torch.sqrt(sum((g**2).mean() for g in grads)), m),
        "The squares are averaged within each tensor. The norm sums them.",
    ),
    Mistake(
        lambda grads, m: [g * (_norm(grads) / m) if _norm(grads) > m else g for g in grads],
        "The factor stands upside down: large gradients become larger.",
    ),
    Mistake(
        lambda grads, m: torch.cat(grads).norm(),
        "`cat` joins tensors that differ in one dimension at most, and these are matrices and vectors. "
        "As which shape do all of them fit one behind the other?",
    ),
    Mistake(
        lambda grads, m: torch.stack(grads),
        "`stack` needs equal shapes, and each tensor has its own. The norm is about their entries, whatever the shape.",
    ),
    Mistake(
        lambda grads, m: _scaled(grads, torch.sqrt(sum(g**2 for g in grads)), m),
        "The squares of different tensors are added entry by entry, and their shapes differ. "
        "What does each tensor add to the norm?",
    ),
    Mistake(
        lambda grads, m: [g * (m / torch.sqrt(sum(g**2 for g in grads))).clamp(max=1) for g in grads],
        "The squares are added entry by entry, and the shapes differ. What does each tensor add to the norm?",
    ),
    Mistake(
        lambda grads, m: grads.norm(), "`grads` is a list, and a list has no norm. The norm is taken over its tensors."
    ),
    Mistake(
        lambda grads, m: torch.linalg.norm(grads),
        "`grads` is a list, and `torch.linalg.norm` takes one tensor. What is the norm of several together?",
    ),
    Mistake(
        lambda grads, m: [g * (m / _norm(grads)) if _norm(grads) < m else g for g in grads],
        "The comparison stands the wrong way round: you stretch the small and leave the large.",
    ),
    Mistake(
        lambda grads, m: [g if _norm(grads) <= m else torch.zeros_like(g) for g in grads],
        "Large gradients are thrown away. Clipping keeps their direction and shortens them.",
    ),
    Mistake(
        lambda grads, m: [g * m for g in grads], "Everything is multiplied by `max_norm`, whatever the joint norm is."
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
            "A matrix in the forward step appears as its transpose on the way back; "
            "what was shared by the batch collects a sum over the batch.",
        ),
    ),
    Exercise(
        name="truncate",
        notebook="02_backpropagation_through_time",
        minutes=3,
        difficulty=1,
        reference="training.truncate",
        inputs=_state_inputs,
        returns={"state": ""},
        keeps_type=True,
        mistakes=TRUNCATE_MISTAKES,
        hints=(
            "The values stay; only the memory of how they were computed goes.",
            "Every tensor has a method that returns the same values outside the graph.",
            "state may be one tensor or a tuple of tensors: treat each one, and give back what you were given.",
        ),
    ),
    Exercise(
        name="spectral_radius",
        notebook="03_vanishing_gradients",
        minutes=4,
        difficulty=2,
        reference="backward.spectral_radius",
        inputs=lambda d: {"W": d("H H")},
        returns={"radius": ""},
        gradient=False,
        mistakes=SPECTRAL_RADIUS_MISTAKES,
        hints=(
            "It is about eigenvalues: how much the matrix stretches what it is applied to again and again.",
            "torch.linalg has a function for the eigenvalues of any square matrix. They may be complex.",
            "The size of a complex number is its absolute value; you want the largest one.",
        ),
    ),
    Exercise(
        name="clip_by_norm",
        notebook="03_vanishing_gradients",
        minutes=6,
        difficulty=2,
        reference="training.clip_by_norm",
        inputs=_clip_inputs,
        returns={"clipped": ""},
        gradient=False,
        slack=2e-6,  # torch's own clipping adds 1e-6 to the norm
        mistakes=CLIP_BY_NORM_MISTAKES,
        hints=(
            "Think of all entries of all tensors as one long vector. Its length is what is limited.",
            "The squares of all entries of all tensors add up to the square of the joint norm.",
            "One factor for all of them, so that the direction stays; where the norm is small enough, the factor is 1.",
        ),
    ),
]
