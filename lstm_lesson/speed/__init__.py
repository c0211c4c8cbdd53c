"""Speed: implementations of one LSTM that compute the same at different cost, and what measures the cost."""

from lstm_lesson.speed.implementations import (
    IMPLEMENTATIONS,
    by_hand,
    checkpointed,
    compiled,
    contiguous,
    eight_matmuls,
    fused,
    fused_gates,
    hoist_inputs,
    hoisted,
    no_compiler,
    plain,
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
           "contiguous", "eight_matmuls", "fastest", "fused", "fused_gates", "hoist_inputs", "hoisted", "no_compiler",
           "plain", "power_law_exponent", "ratios", "shares"]  # fmt: skip
