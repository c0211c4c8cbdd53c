"""Attention: a memory that forgets nothing. Each step reads all steps before it again. Source: Vaswani et al. 2017."""

import math

import torch
from torch import Tensor, nn

from lstm_lesson.cells import unpack_state
from lstm_lesson.shapes import Shape, check_shapes, check_sizes


class CausalAttention(nn.Module):
    """Attention with one head, along a sequence; its state is all that it has read.

    CausalAttention(N, H)(x (B, T, N), cache=None) -> hidden_seq (B, T, H), cache: the keys and the values of all steps
    so far, each (B, steps, H), from which a later call goes on. Where a step stands, x has to say.
    Raises ValueError naming the argument that does not fit.
    """

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.input_size, self.hidden_size = check_sizes(input_size=input_size, hidden_size=hidden_size)
        self.q, self.k, self.v = (nn.Linear(input_size, hidden_size) for _ in "qkv")

    def forward(self, x: Shape["B T N"], cache=None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        check_shapes({"N": self.input_size}, empty_batch=True, x=(x, "B T N"))
        k, v = self.k(x), self.v(x)
        if cache is not None:
            keys, values = unpack_state("cache", cache, "(keys, values)")
            check_shapes({"H": self.hidden_size}, x=(x, "B T N"), keys=(keys, "B S H"), values=(values, "B S H"))
            k, v = torch.cat([keys, k], dim=1), torch.cat([values, v], dim=1)
        q, Q, T = self.q(x), x.shape[1], k.shape[1]
        scores = q @ k.transpose(1, 2) / math.sqrt(self.hidden_size)  # (B, Q, T)
        later = torch.ones(Q, T, dtype=torch.bool, device=x.device).triu(T - Q + 1)  # x is the last Q of the T steps
        shares = torch.softmax(scores.masked_fill(later, -math.inf), dim=2)  # of each query, with the sum 1
        return shares @ v, (k, v)
