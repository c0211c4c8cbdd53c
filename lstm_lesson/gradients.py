"""How far a gradient reaches back in time, and how it is limited: clipping and truncation."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lstm_lesson.cells import unpack_state
from lstm_lesson.shapes import Shape, check_float, check_instance, check_number, check_shapes, checked


@checked
def spectral_radius(W: Shape["H H"]) -> Tensor:
    """The largest absolute eigenvalue: the factor by which repeated multiplication with W grows in the long run.

    Returns a 0-dim tensor. Raises ValueError unless W is a square floating-point matrix of finite numbers.
    """
    if not bool(W.isfinite().all()):
        raise ValueError(f"W has {int((~W.isfinite()).sum())} entries that are NaN or infinite; it needs numbers")
    return torch.linalg.eigvals(W).abs().max()


def gradient_by_lag(
    step: Callable, x: Shape["B T N"], h_0: Shape["B H"] | tuple[Shape["B H"], Shape["B H"]]
) -> Tensor | tuple[Tensor, Tensor]:
    """The gradient's norm at each earlier hidden state, if its norm is 1 at the last hidden state.

    `step` maps x_t (B, N) and h_prev (B, H) to h_t (B, H), as an `RNNCell` does. Returns norms (B, T + 1): entry k
    belongs to the hidden state k steps before the last, where the gradient is 1/√H in every unit, so entry 0 is 1.
    For a state (h, c), h_0 is the tuple (h_0, c_0): `step` then maps x_t and (h_prev, c_prev) to (h_t, c_t), as an
    `LSTMCell` does, and two norms are returned, at h and at c. The gradient starts at the last h alone; the norm at a
    c is of the total gradient: the path through h of the same step plus the path through the next c.
    Raises ValueError for x and h_0 that do not fit, and for a `step` that returns another shape.

    >>> gradient_by_lag(lambda x_t, h: 0.5 * h + x_t, torch.zeros(1, 3, 4), torch.zeros(1, 4)).tolist()
    [[1.0, 0.5, 0.25, 0.125]]
    """
    check_instance("step", step)
    single = not isinstance(h_0, (tuple, list))
    start = {"h_0": h_0} if single else dict(zip(("h_0", "c_0"), unpack_state("h_0", h_0), strict=True))
    sizes = check_shapes(x=(x, "B T N"), **{name: (state, "B H") for name, state in start.items()})
    states = [tuple(state.detach().requires_grad_() for state in start.values())]
    with torch.enable_grad():
        for t in range(sizes["T"]):
            new = step(x[:, t], states[-1][0] if single else states[-1])
            new = (new,) if single else unpack_state("step(x_t, (h_prev, c_prev))", new)
            check_shapes(sizes, **{f"what step makes of {k}": (v, "B H") for k, v in zip(start, new, strict=True)})
            states.append(tuple(part if part.requires_grad else part.detach().requires_grad_() for part in new))
        last = states[-1][0].sum() / sizes["H"] ** 0.5
        parts = [part for state in reversed(states) for part in state]
        gradients = torch.autograd.grad(last, parts, allow_unused=True, materialize_grads=True)
    norms = [torch.stack([g.norm(dim=1) for g in gradients[k :: len(start)]], dim=1) for k in range(len(start))]
    return norms[0] if single else (norms[0], norms[1])


def clip_by_norm(grads: Sequence[Tensor], max_norm: float) -> list[Tensor]:
    """Gradients scaled by one factor so that their global 2-norm is at most `max_norm`; unchanged if it already is.

    grads: tensors of any shapes -> new list of the same shapes. Source: Pascanu, Mikolov & Bengio 2013.
    Raises ValueError for an empty list, and for a max_norm that is not above 0.
    """
    if not isinstance(grads, (list, tuple)) or len(grads) == 0:
        raise ValueError(f"grads is {grads!r}; it needs a list of at least one tensor")
    for k, grad in enumerate(grads):
        check_float(f"grads[{k}]", grad, "any")
    check_number("max_norm", max_norm.item() if isinstance(max_norm, Tensor) else max_norm, 0, math.inf)
    norm = torch.stack([grad.square().sum() for grad in grads]).sum().sqrt()
    scale = torch.where(norm > max_norm, max_norm / norm, torch.ones_like(norm))
    return [grad * scale for grad in grads]


def truncate(state: Tensor | tuple) -> Tensor | tuple:
    """The state detached from the graph: the same values, but no gradient flows to earlier steps.

    `state` is a tensor or a tuple of tensors, such as (h, c). Raises ValueError for anything else.
    Source: truncated backpropagation through time, Williams & Peng 1990.
    """
    if isinstance(state, (tuple, list)):
        return tuple(truncate(part) for part in state)
    check_float("state", state, "any")
    return state.detach()
