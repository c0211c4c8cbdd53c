"""Gradients by hand: of an RNN step; of the LSTM's equations, of an LSTM step and of a whole sequence.

Each function raises ValueError naming the argument whose shape does not fit.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from lstm_lesson.cells import GATES, check_weights, lstm_values
from lstm_lesson.shapes import Shape, check_shapes, checked


@checked
def rnn_backward_step(
    dh_t: Shape["B H"], x_t: Shape["B N"], h_prev: Shape["B H"], h_t: Shape["B H"],
    W_xh: Shape["N H"], W_hh: Shape["H H"],
) -> tuple[Shape["B N"], Shape["B H"], Shape["N H"], Shape["H H"], Shape["H"]]:  # fmt: skip
    """The gradients of a loss through one RNN step, computed from dh_t, the gradient at the step's output.

    dh_t is the whole gradient that arrives at h_t: from the loss at this step and from all later steps.
    Returns dx_t, dh_prev, dW_xh, dW_hh and db_h, the last three summed over the batch.
    Source: Werbos 1990, "Backpropagation through time: what it does and how to do it".
    """
    dz_t = dh_t * (1 - h_t**2)  # through the tanh: (B, H)
    dx_t = dz_t @ W_xh.T  # (B, N)
    dh_prev = dz_t @ W_hh.T  # (B, H): what the step before receives
    dW_xh = x_t.T @ dz_t  # (N, H)
    dW_hh = h_prev.T @ dz_t  # (H, H)
    db_h = dz_t.sum(dim=0)  # (H,)
    return dx_t, dh_prev, dW_xh, dW_hh, db_h


@checked
def hidden_state_backward(
    dh_t: Shape["B H"], o_t: Shape["B H"], c_t: Shape["B H"]
) -> tuple[Shape["B H"], Shape["B H"]]:
    """The gradients through equation 5, h_t = o_t ⊙ tanh(c_t): do_t, and the part of dc_t that comes through h_t."""
    shown = torch.tanh(c_t)
    return dh_t * shown, dh_t * o_t * (1 - shown**2)


@checked
def cell_state_backward(
    dc_t: Shape["B H"], f_t: Shape["B H"], c_prev: Shape["B H"], i_t: Shape["B H"], g_t: Shape["B H"]
) -> tuple[Shape["B H"], Shape["B H"], Shape["B H"], Shape["B H"]]:
    """The gradients through equation 3, c_t = f_t ⊙ c_prev + i_t ⊙ g_t: df_t, dc_prev, di_t and dg_t.

    dc_t is the whole gradient at c_t; each factor receives dc_t times the other factor.
    """
    return dc_t * c_prev, dc_t * f_t, dc_t * g_t, dc_t * i_t


def sigmoid_backward(dy: Tensor, y: Tensor) -> Tensor:
    """The gradient through y = σ(z), from the value y alone: dy, y of one shape -> dz of that shape."""
    return dy * y * (1 - y)


def tanh_backward(dy: Tensor, y: Tensor) -> Tensor:
    """The gradient through y = tanh(z), from the value y alone: dy, y of one shape -> dz of that shape."""
    return dy * (1 - y**2)


@checked
def affine_backward(
    dz: Shape["B H"], x_t: Shape["B N"], h_prev: Shape["B H"], W_x: Shape["N H"], W_h: Shape["H H"]
) -> tuple[Shape["B N"], Shape["B H"], Shape["N H"], Shape["H H"], Shape["H"]]:
    """The gradients through the sum inside a gate, z = x_t W_x + h_prev W_h + b.

    Returns dx_t, dh_prev, dW_x, dW_h and db, the last three summed over the batch.
    """
    return dz @ W_x.T, dz @ W_h.T, x_t.T @ dz, h_prev.T @ dz, dz.sum(dim=0)


def lstm_backward_step(
    dh_t: Shape["B H"], dc_t: Shape["B H"], x_t: Shape["B N"], h_prev: Shape["B H"], c_prev: Shape["B H"],
    values: Sequence[Tensor], weights: Mapping[str, Tensor],
) -> tuple[Shape["B N"], Shape["B H"], Shape["B H"], dict[str, Tensor]]:  # fmt: skip
    """The gradients of a loss through one LSTM step, from its gradients at the two results of the step.

    dh_t is the whole gradient at h_t; dc_t is the gradient that reaches c_t from step t + 1, without the part that
    comes through h_t. `values`, (i_t, f_t, g_t, o_t, c_t, h_t), each (B, H), and `weights` are those of `lstm_values`.
    Returns dx_t, dh_prev, dc_prev, and the weights' gradients by name, {"W_xi": (N, H), …}, summed over the batch.
    Source: the derivatives of the equations; backpropagation through the whole cell: Graves & Schmidhuber 2005.
    Raises ValueError naming the argument or weight that does not fit, and for peephole weights.
    """
    _check_backward(dh_t, dc_t, x_t, h_prev, c_prev, values, weights)
    i_t, f_t, g_t, o_t, c_t, _ = values
    do_t, through_h = hidden_state_backward(dh_t, o_t, c_t)
    dc_t = dc_t + through_h  # two paths lead on from c_t: into c_{t+1}, and through h_t
    df_t, dc_prev, di_t, dg_t = cell_state_backward(dc_t, f_t, c_prev, i_t, g_t)
    dz = {
        "i": sigmoid_backward(di_t, i_t),
        "f": sigmoid_backward(df_t, f_t),
        "c": tanh_backward(dg_t, g_t),
        "o": sigmoid_backward(do_t, o_t),
    }
    dx_t, dh_prev, dweights = torch.zeros_like(x_t), torch.zeros_like(h_prev), {}
    for k, dz_k in dz.items():  # x_t and h_prev are read four times: their four gradients are added
        dx_k, dh_k, *parts = affine_backward(dz_k, x_t, h_prev, weights[f"W_x{k}"], weights[f"W_h{k}"])
        dx_t, dh_prev = dx_t + dx_k, dh_prev + dh_k
        dweights |= dict(zip((f"W_x{k}", f"W_h{k}", f"b_{k}"), parts, strict=True))
    return dx_t, dh_prev, dc_prev, dweights


@checked
def accumulate(
    x: Shape["B T N"], h_0: Shape["B H"], hidden_seq: Shape["B T H"], dz: Shape["B T H"]
) -> tuple[Shape["N H"], Shape["H H"], Shape["H"]]:
    """The gradients of the weights of one gate, summed over the steps of a sequence and over the batch.

    hidden_seq are the hidden states h_1 … h_T; dz is the gradient at the sum inside the gate,
    z_t = x_t W_x + h_{t−1} W_h + b, at every step. Returns dW_x, dW_h and db.
    """
    read = torch.cat([h_0[:, None], hidden_seq[:, :-1]], dim=1)  # (B, T, H): the h that each step reads, h_0 … h_{T−1}
    rows = dz.flatten(0, 1)  # (B·T, H): every step of every sequence is a row
    return x.flatten(0, 1).T @ rows, read.flatten(0, 1).T @ rows, rows.sum(dim=0)


def lstm_backward(
    dhidden_seq: Shape["B T H"], dh_T: Shape["B H"], dc_T: Shape["B H"], x: Shape["B T N"], h_0: Shape["B H"],
    c_0: Shape["B H"], weights: Mapping[str, Tensor], step: Callable = lstm_backward_step,
) -> tuple[Shape["B T N"], Shape["B H"], Shape["B H"], dict[str, Tensor]]:  # fmt: skip
    """The gradients of a loss through an LSTM along a sequence, from its gradients at the results of `layers.lstm`.

    `weights` as in `lstm_values`; `step` is what goes back through one step. Returns dx, dh_0, dc_0, and the gradients
    of the weights by name, summed over the steps and the batch. The forward pass runs first and stores what it takes.
    Source: Werbos 1990. Raises ValueError naming the argument or weight that does not fit.
    """
    check_shapes(  # the inputs set the sizes that the gradients must have
        x=(x, "B T N"), h_0=(h_0, "B H"), c_0=(c_0, "B H"),
        dhidden_seq=(dhidden_seq, "B T H"), dh_T=(dh_T, "B H"), dc_T=(dc_T, "B H"),
    )  # fmt: skip
    states, stored = [(h_0, c_0)], []
    for x_t in x.unbind(dim=1):
        stored.append(lstm_values(x_t, *states[-1], weights))
        states.append((stored[-1].h, stored[-1].c))
    dh, dc, dx, dweights = dh_T, dc_T, [], {}
    for t in reversed(range(x.shape[1])):
        dh = dh + dhidden_seq[:, t]  # from the later steps, and from the loss at this one
        dx_t, dh, dc, parts = step(dh, dc, x[:, t], *states[t], stored[t], weights)
        dx.append(dx_t)
        dweights = {name: part + dweights.get(name, 0) for name, part in parts.items()}
    return torch.stack(dx[::-1], dim=1), dh, dc, dweights


def _check_backward(dh_t, dc_t, x_t, h_prev, c_prev, values, weights) -> None:
    """Raise ValueError naming the argument of `lstm_backward_step` that does not fit."""
    names = [f"{name} of values" for name in ("i_t", "f_t", "g_t", "o_t", "c_t", "h_t")]
    if not isinstance(values, (tuple, list)) or len(values) != len(names):
        has = f"{len(values)} entries" if isinstance(values, (tuple, list)) else f"type {type(values).__name__}"
        raise ValueError(f"values has {has}; it needs six tensors, (i_t, f_t, g_t, o_t, c_t, h_t)")
    check_weights(weights)
    if peepholes := [name for name in ("W_ci", "W_cf", "W_co") if name in weights]:
        raise ValueError(f"weights has {', '.join(peepholes)}; lstm_backward_step does not support peepholes")
    states = {"h_prev": h_prev, "c_prev": c_prev, "dh_t": dh_t, "dc_t": dc_t, **dict(zip(names, values, strict=True))}
    given = {"x_t": (x_t, "B N")} | {name: (state, "B H") for name, state in states.items()}
    for name, shape in {"W_x": "N H", "W_h": "H H", "b_": "H"}.items():
        given |= {f"{name}{k}": (weights[f"{name}{k}"], shape) for k in GATES}
    check_shapes(**given)
