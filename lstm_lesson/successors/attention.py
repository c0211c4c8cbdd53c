"""Attention: a memory that forgets nothing. Each step reads all steps before it again. Source: Vaswani et al. 2017."""

import math

import torch
from torch import Tensor, nn

from lstm_lesson.cells import unpack_state
from lstm_lesson.shapes import Shape, check_shapes, check_size, checked


@checked
def attention(q: Shape["B Q K"], k: Shape["B T K"], v: Shape["B T V"]) -> Shape["B Q V"]:
    """Causal attention: each query reads the values of its own step and of those before, by how well the keys match.

    The queries q belong to the last Q of the T steps.
    Raises ValueError naming the argument whose shape does not fit, and for more queries than steps.
    """
    Q, T = q.shape[1], k.shape[1]
    if Q > T:
        raise ValueError(f"q has {Q} steps; it needs at most T = {T}, as in k")
    scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[2])  # (B, Q, T)
    later = torch.ones(Q, T, dtype=torch.bool, device=q.device).triu(T - Q + 1)
    shares = torch.softmax(scores.masked_fill(later, -math.inf), dim=2)  # of each query, with the sum 1
    return shares @ v


class CausalAttention(nn.Module):
    """Attention with one head, along a sequence; its state is all that it has read.

    CausalAttention(N, H)(x (B, T, N), cache=None) -> hidden_seq (B, T, H), cache: the keys and the values of all steps
    so far, each (B, steps, H), from which a later call goes on. Where a step stands, x has to say.
    Raises ValueError naming the argument that does not fit.
    """

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.input_size, self.hidden_size = check_size("input_size", input_size), check_size("hidden_size", hidden_size)
        self.q, self.k, self.v = (nn.Linear(input_size, hidden_size) for _ in "qkv")

    def forward(self, x: Shape["B T N"], cache=None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        check_shapes({"N": self.input_size}, empty_batch=True, x=(x, "B T N"))
        k, v = self.k(x), self.v(x)
        if cache is not None:
            keys, values = unpack_state("cache", cache, "(keys, values)")
            check_shapes({"H": self.hidden_size}, x=(x, "B T N"), keys=(keys, "B S H"), values=(values, "B S H"))
            k, v = torch.cat([keys, k], dim=1), torch.cat([values, v], dim=1)
        return attention(self.q(x), k, v), (k, v)
