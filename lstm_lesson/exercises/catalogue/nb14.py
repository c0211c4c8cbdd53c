"""What is computed in the exercises of notebook 14: the inputs of the test."""

import torch


def _differences(draw):
    """Multiples of 1/8, whose sums are exact and have ties; for n = 4 hundredths, whose sums lose ties to rounding.

    They lose them in whatever order they are added, which depends on the processor.
    """
    eighths = draw.integers(-9, 9, "K").to(draw.dtype) / 8 * max(1, draw.reach)
    hundredths = torch.tensor([-0.21, -0.13, 0.34, 0.34], dtype=draw.dtype)
    return {"differences": hundredths if len(eighths) == 4 else eighths}


CODE = {"sign_flip_test": {"inputs": _differences}}
