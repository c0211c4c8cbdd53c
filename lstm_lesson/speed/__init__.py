"""Speed: implementations of one LSTM that compute the same at different cost, and functions that measure the cost."""

from lstm_lesson.speed.implementations import (
    IMPLEMENTATIONS,
    backward_loop,
    by_hand,
    compiled,
    fused,
    fused_gates,
    hoist_inputs,
    hoisted,
    local_gradients,
    no_compiler,
    plain,
    unchecked,
)
from lstm_lesson.speed.profiling import (
    MATMULS,
    calls,
    fastest,
    ratios,
)

__all__ = ["IMPLEMENTATIONS", "MATMULS", "backward_loop", "by_hand", "calls", "compiled", "fastest", "fused",
           "fused_gates", "hoist_inputs", "hoisted", "local_gradients", "no_compiler", "plain", "ratios",
           "unchecked"]  # fmt: skip
