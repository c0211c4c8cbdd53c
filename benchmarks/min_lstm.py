"""The minLSTM of the benchmarks and of the table of notebook 17."""

import torch
from torch import Tensor
from torch.nn import functional as F

from lstm_lesson.successors import MinGRU


class MinLSTM(MinGRU):
    """A `MinGRU` that keeps f_t / (f_t + i_t), with f_t = σ(x_t W_xf + b_f) and i_t = σ(x_t W_xi + b_i)."""

    gates = "fi"

    def kept(self, x: Tensor) -> Tensor:
        f, i = x @ self.W_xf + self.b_f, x @ self.W_xi + self.b_i  # before their σ
        return torch.sigmoid(F.logsigmoid(f) - F.logsigmoid(i))  # the quotient would be 0 / 0 where both are shut
