"""Implementations of one LSTM, each without one cost of the implementation before it; and how to measure the cost.

Every implementation computes the same and has the arguments and results of `layers.lstm`: x (B, T, N), h_0 and c_0
(B, H), and the twelve weights of a cell by name -> all hidden states (B, T, H), the last h (B, H), the last c (B, H).
The parts of an implementation raise ValueError naming the argument whose shape does not fit.
"""

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping
from timeit import repeat, timeit

import torch
from torch import Tensor

from lstm_lesson.equations import candidate, cell_state, forget_gate, hidden_state, input_gate, output_gate
from lstm_lesson.kernel import hoisted_sequence, lstm_sequence, stacked_weights
from lstm_lesson.layers import lstm
from lstm_lesson.shapes import Shape, checked

Implementation = Callable[[Tensor, Tensor, Tensor, Mapping[str, Tensor]], tuple[Tensor, Tensor, Tensor]]


def unchecked(x: Tensor, h_0: Tensor, c_0: Tensor, weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """The readable cell, the same equations called in the same order, but no shape is checked."""
    equations = input_gate, forget_gate, candidate, cell_state, output_gate, hidden_state
    i, f, g, c, o, h = (equation.__wrapped__ for equation in equations)
    w, h_t, c_t, hidden_seq = weights, h_0, c_0, []
    for x_t in x.unbind(1):
        i_t = i(x_t, h_t, w["W_xi"], w["W_hi"], w["b_i"])
        f_t = f(x_t, h_t, w["W_xf"], w["W_hf"], w["b_f"])
        g_t = g(x_t, h_t, w["W_xc"], w["W_hc"], w["b_c"])
        c_t = c(f_t, c_t, i_t, g_t)
        o_t = o(x_t, h_t, w["W_xo"], w["W_ho"], w["b_o"])
        h_t = h(o_t, c_t)
        hidden_seq.append(h_t)
    return torch.stack(hidden_seq, dim=1), h_t, c_t


@checked
def fused_gates(x_t: Shape["B N"], h_prev: Shape["B H"], W_x: Shape["N 4H"], W_h: Shape["H 4H"],
                b: Shape["4H"]) -> tuple[Shape["B H"], Shape["B H"], Shape["B H"], Shape["B H"]]:  # fmt: skip
    """The gates and the candidate of one step, i_t, f_t, g_t, o_t, from two matmuls instead of eight.

    W_x, W_h and b are the weights of i, f, c, o side by side.
    """
    return gates_of(x_t @ W_x + h_prev @ W_h + b)


@checked
def hoist_inputs(x: Shape["B T N"], W_x: Shape["N 4H"], b: Shape["4H"]) -> Shape["B T 4H"]:
    """x W_x + b for all gates and all steps at once: it reads no hidden state, so one matmul is enough."""
    return x @ W_x + b


@checked
def local_gradients(i: Shape["B T H"], f: Shape["B T H"], g: Shape["B T H"], o: Shape["B T H"], c: Shape["B T H"],
                    c_prev: Shape["B T H"]) -> tuple[Shape["B T H"], Shape["B T 4H"]]:  # fmt: skip
    """What the backward pass multiplies by, and knows before any gradient arrives, for all steps at once.

    c_prev holds c_0 … c_{T−1}. Returns `into_c`, which leads from h_t through tanh into c_t, and `into_z`, which leads
    into the sums of i, f, c, o, side by side: the first three blocks from c_t, the last one from h_t.
    """
    tanh_c = torch.tanh(c)
    into_z = g * i * (1 - i), c_prev * f * (1 - f), i * (1 - g * g), tanh_c * o * (1 - o)
    return o * (1 - tanh_c * tanh_c), torch.cat(into_z, dim=2)


@checked
def backward_loop(
    dhidden_seq: Shape["B T H"], dc_T: Shape["B H"], f: Shape["B T H"], into_c: Shape["B T H"],
    into_z: Shape["B T 4H"], W_h: Shape["H 4H"],
) -> tuple[Shape["B T 4H"], Shape["B H"], Shape["B H"]]:  # fmt: skip
    """What has to be done step by step: the gradients of the four sums of every step, and of the first states.

    `into_c` and `into_z` come from `local_gradients`. dhidden_seq is what the loss sends to every hidden state, dc_T
    to the last cell state. Returns dz, dh_0, dc_0.
    """
    dh, dc, dz = torch.zeros_like(dc_T), dc_T, []
    for t in reversed(range(f.shape[1])):
        dh = dh + dhidden_seq[:, t]
        dc = dc + dh * into_c[:, t]
        dz.append(torch.cat([dc, dc, dc, dh], dim=1) * into_z[:, t])
        dh, dc = dz[-1] @ W_h.T, dc * f[:, t]
    return torch.stack(dz[::-1], dim=1), dh, dc


def fused(x: Tensor, h_0: Tensor, c_0: Tensor, weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Two matmuls a step: the weights of the four gates stand side by side."""
    W_x, W_h, b = stacked_weights(weights)
    h_t, c_t, hidden_seq = h_0, c_0, []
    for x_t in x.unbind(1):
        i_t, f_t, g_t, o_t = gates_of(x_t @ W_x + h_t @ W_h + b)
        c_t = f_t * c_t + i_t * g_t
        h_t = o_t * torch.tanh(c_t)
        hidden_seq.append(h_t)
    return torch.stack(hidden_seq, dim=1), h_t, c_t


def hoisted(x: Tensor, h_0: Tensor, c_0: Tensor, weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """One matmul a step: what the inputs add is computed before the loop."""
    hidden_seq, c_n = hoisted_sequence(x, h_0, c_0, *stacked_weights(weights))
    return hidden_seq, hidden_seq[:, -1], c_n


def by_hand(x: Tensor, h_0: Tensor, c_0: Tensor, weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """One operation of autograd with a backward pass by hand: the kernel of `CustomLSTM`."""
    hidden_seq, c_n = lstm_sequence(x, h_0, c_0, *stacked_weights(weights))
    return hidden_seq, hidden_seq[:, -1], c_n


IMPLEMENTATIONS: dict[str, Implementation] = {
    "the readable cell": lstm,
    "without its checks": unchecked,
    "gates fused": fused,
    "inputs hoisted": hoisted,
    "backward by hand": by_hand,
}


def no_compiler() -> str:
    """Why `torch.compile` cannot work here, or "" if it can."""
    if " " in torch.__file__:  # torch passes the path of its headers to the compiler unquoted
        return "PyTorch is installed under a path with a space"
    if os.name == "nt":
        return "" if shutil.which("cl") else "`cl` is not on the path"
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["g++", "clang++", "c++"]
    return "" if any(map(shutil.which, names)) else f"none of {', '.join(names)} is on the path"


def gates_of(z: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """i, f, g and o (B, H) from their sums z (B, 4H), side by side as i, f, c, o."""
    z_i, z_f, z_c, z_o = z.chunk(4, dim=1)
    return torch.sigmoid(z_i), torch.sigmoid(z_f), torch.tanh(z_c), torch.sigmoid(z_o)


# Operations that only allocate memory or make views, and those that only call other operations.
NO_WORK = {"_reshape_alias", "_to_copy", "_unsafe_view", "alias", "as_strided", "chunk", "clone", "contiguous",
           "detach", "empty", "empty_like", "empty_strided", "expand", "flatten", "full_like", "lift_fresh",
           "linear", "matmul", "narrow", "new_empty", "new_full", "new_ones", "new_zeros", "numpy_T", "ones_like",
           "permute", "reshape", "resolve_conj", "resolve_neg", "select", "slice", "split", "squeeze", "stack", "t",
           "to", "transpose", "unbind", "unsqueeze", "view", "zeros", "zeros_like"}  # fmt: skip
MATMULS = {"addmm", "addmm_", "baddbmm", "bmm", "mm"}


def calls(function: Callable[[], object]) -> dict[str, int]:
    """How often each kernel of torch is called while `function` runs, the most frequent first.

    `torch.profiler` counts. Views, allocations of memory and operations that only call others are left out.
    """
    function()  # the first call may do more than the later ones
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)  # some builds of the profiler write to the stderr of the process
    try:
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
            function()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
    names = (event.name.removeprefix("aten::") for event in profile.events() if event.name.startswith("aten::"))
    return dict(Counter(name for name in names if name not in NO_WORK).most_common())


def ratios(runs: Mapping[str, Callable[[], object]], beside: Callable[[], object], seconds: float = 2.0,
           at_least: int = 3) -> dict[str, list[float]]:  # fmt: skip
    """The time of each function in `runs`, divided by the time of `beside`; the two run in turn, as one pair.

    Each function gets an equal part of `seconds`, and at least `at_least` pairs after one warm-up pair.
    The pairs of one function are measured before the next function's: mixed runs would disturb each other's caches.
    """
    found = {}
    for name, run in runs.items():
        run(), beside()
        found[name], end = [], time.perf_counter() + seconds / len(runs)
        while time.perf_counter() < end or len(found[name]) < at_least:
            found[name].append(timeit(run, number=1) / timeit(beside, number=1))
    return found


def fastest(function: Callable[[], object], times: int = 5) -> float:
    """The seconds of the fastest of several runs, which was disturbed least; a first run is not counted."""
    function()
    return min(repeat(function, number=1, repeat=times))
