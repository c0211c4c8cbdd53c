"""Speed: implementations of one LSTM that compute the same at different cost, and functions that measure the cost."""

from lstm_lesson.speed.implementations import (
    IMPLEMENTATIONS,
    by_hand,
    checkpointed,
    compiled,
    contiguous,
    fused,
    fused_gates,
    hoist_inputs,
    hoisted,
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
    shares,
)

__all__ = ["IMPLEMENTATIONS", "MATMULS", "by_hand", "bytes_moved", "bytes_saved", "calls", "checkpointed", "compiled",
           "contiguous", "fastest", "fused", "fused_gates", "hoist_inputs", "hoisted", "no_compiler",
           "plain", "power_law_exponent", "ratios", "shares", "unchecked"]  # fmt: skip
