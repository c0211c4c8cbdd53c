"""The RNN step's gradient by hand, and the measures that say how far a gradient travels back in time."""

from collections.abc import Callable

import torch
from torch import Tensor

from lstm_lesson.shapes import check_float, check_shapes


def rnn_backward_step(
    dh_t: Tensor, x_t: Tensor, h_prev: Tensor, h_t: Tensor, W_xh: Tensor, W_hh: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients of a loss through one RNN step, from its gradient with respect to the step's output.

    dh_t (B, H) is the whole gradient that arrives at h_t: from the loss at this step and from all later steps.
    x_t (B, N), h_prev (B, H), h_t (B, H), W_xh (N, H), W_hh (H, H)
    -> dx_t (B, N), dh_prev (B, H), dW_xh (N, H), dW_hh (H, H), db_h (H,), summed over the batch.
    Source: Werbos 1990, "Backpropagation through time: what it does and how to do it".
    Raises ValueError naming the argument whose shape does not fit.
    """
    check_shapes(
        dh_t=(dh_t, "B H"), x_t=(x_t, "B N"), h_prev=(h_prev, "B H"), h_t=(h_t, "B H"),
        W_xh=(W_xh, "N H"), W_hh=(W_hh, "H H"),
    )  # fmt: skip
    dz_t = dh_t * (1 - h_t**2)  # through the tanh: (B, H)
    dx_t = dz_t @ W_xh.T  # (B, N)
    dh_prev = dz_t @ W_hh.T  # (B, H): what the step before receives
    dW_xh = x_t.T @ dz_t  # (N, H)
    dW_hh = h_prev.T @ dz_t  # (H, H)
    db_h = dz_t.sum(dim=0)  # (H,)
    return dx_t, dh_prev, dW_xh, dW_hh, db_h


def spectral_radius(W: Tensor) -> Tensor:
    """The largest absolute eigenvalue: the factor by which repeated multiplication with W grows in the long run.

    W (H, H) -> a tensor without dimensions.
    Raises ValueError unless W is a square floating-point matrix of finite numbers.

    >>> round(spectral_radius(torch.tensor([[0.0, -2.0], [2.0, 0.0]])).item(), 6)
    2.0
    """
    check_shapes(W=(W, "H H"))
    if not bool(W.isfinite().all()):
        raise ValueError(f"W has {int((~W.isfinite()).sum())} entries that are NaN or infinite; it needs numbers")
    return torch.linalg.eigvals(W).abs().max()


def gradient_by_lag(step: Callable[[Tensor, Tensor], Tensor], x: Tensor, h_0: Tensor) -> Tensor:
    """How much of a gradient of length 1 at the last hidden state is left at each earlier one.

    `step` maps x_t (B, N) and h_prev (B, H) to h_t (B, H); an `RNNCell` is one. x (B, T, N), h_0 (B, H)
    -> norms (B, T + 1): entry k belongs to the hidden state k steps before the last, so entry 0 is 1.
    The gradient starts with the same share in every unit, 1/√H.
    Raises ValueError for x and h_0 that do not fit, and for a `step` that returns another shape.

    >>> gradient_by_lag(lambda x_t, h: 0.5 * h + x_t, torch.zeros(1, 3, 4), torch.zeros(1, 4)).tolist()
    [[1.0, 0.5, 0.25, 0.125]]
    """
    sizes = check_shapes(x=(x, "B T N"))
    check_shapes(sizes, x=(x, "B T N"), h_0=(h_0, "B H"))
    states = [h_0.detach().requires_grad_()]
    with torch.enable_grad():
        for t in range(sizes["T"]):
            h_t = step(x[:, t], states[-1])
            check_float("step(x_t, h_prev)", h_t, "(B, H)")
            if h_t.shape != h_0.shape:
                raise ValueError(f"step returned shape {tuple(h_t.shape)}; it needs that of h_0, {tuple(h_0.shape)}")
            states.append(h_t if h_t.requires_grad else h_t.detach().requires_grad_())  # a step may cut the path
        last = states[-1].sum() / h_0.shape[1] ** 0.5
        gradients = torch.autograd.grad(last, states, allow_unused=True, materialize_grads=True)
    return torch.stack([gradient.norm(dim=1) for gradient in reversed(gradients)], dim=1)
