"""Two things compared run by run: same seed, same start, same data, one change."""

import itertools

import torch
from torch import Tensor

from lstm_lesson.shapes import check_float


def sign_flip_test(differences: Tensor) -> Tensor:
    """How often chance alone would make the mean of these paired differences as far from 0 as it is, or farther.

    differences (n,), n from 1 to 16: one per seed, changed minus unchanged -> p, a tensor without dimensions,
    two-sided and exact. If the change did
    nothing, each difference could as well have had the other sign: all 2ⁿ choices of signs are tried, and p is the
    share whose mean is at least as far from 0. The smallest p is 2/2ⁿ: 1/16 for five seeds.
    Source: Fisher 1935, chapter III. Raises ValueError for anything but a vector of 1 to 16 finite floats.

    >>> sign_flip_test(torch.tensor([0.1, 0.3, 0.2, 0.1, 0.4]))
    tensor(0.0625)
    """
    check_float("differences", differences, "(n,)")
    if differences.ndim != 1 or not 1 <= len(differences) <= 16 or not torch.isfinite(differences).all():
        raise ValueError(f"differences has shape {tuple(differences.shape)}; it needs (n,) finite, n at most 16")
    d = differences.detach().double()
    signs = torch.tensor(list(itertools.product((1.0, -1.0), repeat=len(d))), dtype=torch.float64)  # (2ⁿ, n)
    sums = (signs @ d).abs()
    return (sums >= sums[0] - 1e-12 * d.abs().sum()).to(differences.dtype).mean()  # the first has the signs as they are
