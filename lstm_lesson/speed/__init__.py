"""Speed: implementations of one LSTM that compute the same at different cost, and functions that measure the cost."""

from lstm_lesson.speed.implementations import (
    IMPLEMENTATIONS,
    backward_loop,
    by_hand,
    checkpointed,
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
    bytes_moved,
    bytes_saved,
    calls,
    fastest,
    power_law_exponent,
    ratios,
)

__all__ = ["IMPLEMENTATIONS", "MATMULS", "backward_loop", "by_hand", "bytes_moved", "bytes_saved", "calls",
           "checkpointed", "compiled", "fastest", "fused", "fused_gates", "hoist_inputs", "hoisted", "local_gradients",
           "no_compiler", "plain", "power_law_exponent", "ratios", "unchecked"]  # fmt: skip
