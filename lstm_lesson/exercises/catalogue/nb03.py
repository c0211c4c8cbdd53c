"""What is computed in the exercises of notebook 03: the inputs of clipping."""


def _clip_inputs(draw):
    shapes = ("N H", "H H", "H", "N", "H N")[: (3, 2, 5)[draw.index % 3]]
    grads = [draw.unbounded(shape) for shape in shapes]
    draw.letters_used.clear()  # the stub names no sizes
    norm = sum(float((g.double() ** 2).sum()) for g in grads) ** 0.5
    return {"grads": grads, "max_norm": norm * (0.1, 1.2, 0.4, 3.0, 1.0001, 0.9)[draw.index % 6]}


CODE = {"clip_by_norm": {"inputs": _clip_inputs}}
