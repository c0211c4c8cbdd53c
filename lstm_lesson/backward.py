"""Gradients by hand: of the RNN step, and of the LSTM, equation by equation, step, and sequence."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from lstm_lesson.cells import MAKES, check_weights, lstm_values
from lstm_lesson.shapes import check_shapes


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


def hidden_state_backward(dh_t: Tensor, o_t: Tensor, c_t: Tensor) -> tuple[Tensor, Tensor]:
    """Back through equation 5, h_t = o_t ⊙ tanh(c_t).

    dh_t, o_t, c_t, each (B, H) -> do_t (B, H) and the part of dc_t (B, H) that comes through h_t.
    Raises ValueError naming the argument whose shape does not fit.
    """
    check_shapes(dh_t=(dh_t, "B H"), o_t=(o_t, "B H"), c_t=(c_t, "B H"))
    shown = torch.tanh(c_t)
    return dh_t * shown, dh_t * o_t * (1 - shown**2)


def cell_state_backward(
    dc_t: Tensor, f_t: Tensor, c_prev: Tensor, i_t: Tensor, g_t: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Back through equation 3, c_t = f_t ⊙ c_prev + i_t ⊙ g_t: each factor receives dc_t times the other one.

    dc_t (the whole of it), f_t, c_prev, i_t, g_t, each (B, H) -> df_t, dc_prev, di_t, dg_t, each (B, H).
    Raises ValueError naming the argument whose shape does not fit.
    """
    check_shapes(dc_t=(dc_t, "B H"), f_t=(f_t, "B H"), c_prev=(c_prev, "B H"), i_t=(i_t, "B H"), g_t=(g_t, "B H"))
    return dc_t * c_prev, dc_t * f_t, dc_t * g_t, dc_t * i_t


def sigmoid_backward(dy: Tensor, y: Tensor) -> Tensor:
    """Back through y = σ(z), from the value y alone: dy, y of one shape -> dz of that shape."""
    return dy * y * (1 - y)


def tanh_backward(dy: Tensor, y: Tensor) -> Tensor:
    """Back through y = tanh(z), from the value y alone: dy, y of one shape -> dz of that shape."""
    return dy * (1 - y**2)


def affine_backward(
    dz: Tensor, x_t: Tensor, h_prev: Tensor, W_x: Tensor, W_h: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Back through the sum inside a gate, z = x_t W_x + h_prev W_h + b.

    dz (B, H), x_t (B, N), h_prev (B, H), W_x (N, H), W_h (H, H)
    -> dx_t (B, N), dh_prev (B, H), dW_x (N, H), dW_h (H, H), db (H,), the last three summed over the batch.
    Raises ValueError naming the argument whose shape does not fit.
    """
    check_shapes(
        dz=(dz, "B H"), x_t=(x_t, "B N"), h_prev=(h_prev, "B H"), W_x=(W_x, "N H"), W_h=(W_h, "H H")
    )  # fmt: skip
    return dz @ W_x.T, dz @ W_h.T, x_t.T @ dz, h_prev.T @ dz, dz.sum(dim=0)


def lstm_backward_step(
    dh_t: Tensor, dc_t: Tensor, x_t: Tensor, h_prev: Tensor, c_prev: Tensor,
    values: Sequence[Tensor], weights: Mapping[str, Tensor],
) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:  # fmt: skip
    """The gradients of a loss through one LSTM step, from what arrives at its two results.

    dh_t (B, H): the whole gradient at h_t. dc_t (B, H): the gradient that reaches c_t from step t + 1, without
    the part that comes through h_t. x_t (B, N), h_prev, c_prev (B, H). `values` is what `lstm_values` computed on the
    way forward, (i_t, f_t, g_t, o_t, c_t, h_t), each (B, H). `weights` as `lstm_values` takes them.
    -> dx_t (B, N), dh_prev (B, H), dc_prev (B, H), and {"W_xi": (N, H), "W_hi": (H, H), "b_i": (H,), …}, the
    gradients of the weights under their names, summed over the batch.
    Source: the equations' derivatives; backpropagation through the whole cell: Graves & Schmidhuber 2005.
    Raises ValueError naming the argument or weight that does not fit, and for peephole weights.
    """
    _check_backward(dh_t, dc_t, x_t, h_prev, c_prev, values, weights)
    i_t, f_t, g_t, o_t, c_t, _ = values
    do_t, through_h = hidden_state_backward(dh_t, o_t, c_t)
    dc_t = dc_t + through_h  # two ways lead on from c_t: into c_{t+1}, and out through h_t
    df_t, dc_prev, di_t, dg_t = cell_state_backward(dc_t, f_t, c_prev, i_t, g_t)
    dz = {
        "i": sigmoid_backward(di_t, i_t),
        "f": sigmoid_backward(df_t, f_t),
        "c": tanh_backward(dg_t, g_t),
        "o": sigmoid_backward(do_t, o_t),
    }
    dx_t, dh_prev, dweights = torch.zeros_like(x_t), torch.zeros_like(h_prev), {}
    for k, dz_k in dz.items():  # x_t and h_prev are read four times: four gradients meet, and are added
        dx_k, dh_k, *parts = affine_backward(dz_k, x_t, h_prev, weights[f"W_x{k}"], weights[f"W_h{k}"])
        dx_t, dh_prev = dx_t + dx_k, dh_prev + dh_k
        dweights |= dict(zip((f"W_x{k}", f"W_h{k}", f"b_{k}"), parts, strict=True))
    return dx_t, dh_prev, dc_prev, dweights


def accumulate(x: Tensor, h_0: Tensor, hidden_seq: Tensor, dz: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of one gate's weights over a whole sequence: every step adds its share, as every row does.

    x (B, T, N), h_0 (B, H), hidden_seq (B, T, H), the hidden states h_1 … h_T; dz (B, T, H), the gradient at the
    gate's sum at every step, z_t = x_t W_x + h_{t−1} W_h + b -> dW_x (N, H), dW_h (H, H), db (H,).
    Raises ValueError naming the argument whose shape does not fit.
    """
    check_shapes(x=(x, "B T N"), h_0=(h_0, "B H"), hidden_seq=(hidden_seq, "B T H"), dz=(dz, "B T H"))
    read = torch.cat([h_0[:, None], hidden_seq[:, :-1]], dim=1)  # (B, T, H): what each step found, h_0 … h_{T−1}
    rows = dz.flatten(0, 1)  # (B·T, H): steps and sequences alike
    return x.flatten(0, 1).T @ rows, read.flatten(0, 1).T @ rows, rows.sum(dim=0)


def lstm_backward(
    dhidden_seq: Tensor, dh_T: Tensor, dc_T: Tensor, x: Tensor, h_0: Tensor, c_0: Tensor, weights: Mapping[str, Tensor]
) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:
    """The gradients of a loss through an LSTM along a sequence, from those at its three results (see `layers.lstm`).

    dhidden_seq (B, T, H), dh_T and dc_T (B, H); x (B, T, N), h_0 and c_0 (B, H), `weights` as `lstm_values` takes them
    -> dx (B, T, N), dh_0 (B, H), dc_0 (B, H), and the gradients of the weights under their names, summed over steps.
    The forward pass runs first, to store what the way back needs.
    Source: Werbos 1990. Raises ValueError naming the argument or weight that does not fit.
    """
    check_shapes(
        x=(x, "B T N"), h_0=(h_0, "B H"), c_0=(c_0, "B H"),
        dhidden_seq=(dhidden_seq, "B T H"), dh_T=(dh_T, "B H"), dc_T=(dc_T, "B H"),
    )  # fmt: skip
    states, stored = [(h_0, c_0)], []
    for x_t in x.unbind(dim=1):
        stored.append(lstm_values(x_t, *states[-1], weights))
        states.append((stored[-1].h, stored[-1].c))
    dh, dc, dx, dweights = dh_T, dc_T, [], {}
    for t in reversed(range(x.shape[1])):
        dh = dh + dhidden_seq[:, t]  # what later steps sent, and what the loss says at this one
        dx_t, dh, dc, parts = lstm_backward_step(dh, dc, x[:, t], *states[t], stored[t], weights)
        dx.append(dx_t)
        dweights = {name: part + dweights.get(name, 0) for name, part in parts.items()}
    return torch.stack(dx[::-1], dim=1), dh, dc, dweights


def _check_backward(dh_t, dc_t, x_t, h_prev, c_prev, values, weights) -> None:
    """Raise ValueError naming what does not fit an LSTM step on its way back."""
    names = [f"{name} of values" for name in ("i_t", "f_t", "g_t", "o_t", "c_t", "h_t")]
    if not isinstance(values, (tuple, list)) or len(values) != len(names):
        has = f"{len(values)} entries" if isinstance(values, (tuple, list)) else f"type {type(values).__name__}"
        raise ValueError(f"values has {has}; it needs six tensors, (i_t, f_t, g_t, o_t, c_t, h_t)")
    check_weights(weights)
    if peepholes := [name for name in ("W_ci", "W_cf", "W_co") if name in weights]:
        raise ValueError(f"weights has {', '.join(peepholes)}; this way back knows no peepholes")
    states = {"h_prev": h_prev, "c_prev": c_prev, "dh_t": dh_t, "dc_t": dc_t, **dict(zip(names, values, strict=True))}
    letters = {f"{name}{k}": shape for k in MAKES for name, shape in {"W_x": "N H", "W_h": "H H", "b_": "H"}.items()}
    check_shapes(
        x_t=(x_t, "B N"),
        **{name: (state, "B H") for name, state in states.items()},
        **{name: (weights[name], shape) for name, shape in letters.items()},
    )
