"""What is computed in the exercises of notebook 08: the mistakes of a step, of a loop, and with PyTorch's weights."""

import itertools

from lstm_lesson.exercises import exposure
from lstm_lesson.exercises.catalogue.forward_steps import loop_edits, step_edits
from lstm_lesson.exercises.exercise import shared_edits
from lstm_lesson.exercises.model import Edit
from lstm_lesson.exercises.my_lstm import judge

BLOCKS = {"i": "i", "f": "f", "c": "g", "o": "o"}  # a gate's letter here, and PyTorch's
STACKED = ("x", "h", "b")  # weight_ih, weight_hh and the biases
ORDERS = {
    "ifoc": "The blocks are read in the order i, f, o, g. That is another library's order: look at PyTorch's.",
    "iofc": "The blocks are read in the order i, o, f, g, as ONNX stores them. PyTorch's order is another.",
    "icfo": "The blocks are read in the order i, g, f, o, as TensorFlow's old cell has them.",
    "fico": "The first two blocks are swapped: which gate comes first?",
}


def _torch_edits():
    for order in map("".join, itertools.permutations(BLOCKS)):
        moved = [(n, k) for n, k in enumerate(order) if k != "ifco"[n]]
        if changes := {f"{kind}_{k}": f"{kind}_blocks[{n}]" for kind in STACKED for n, k in moved}:
            cause = f"The blocks are read in the order {', '.join(order).replace('c', 'g')}. Look at PyTorch's."
            yield Edit(order, changes, ORDERS.get(order, cause))
    yield from shared_edits("matrices_from_torch")
    yield from shared_edits("biases_from_torch")
    yield from shared_edits("one_matrix_from_torch")
    for n, (k, letter) in enumerate(BLOCKS.items()):
        yield from shared_edits("one_bias_from_torch", b=f"b_{k}", n=str(n))
        for kind, own in itertools.product(STACKED, [each for each in BLOCKS if each != k]):
            name = f"b_{own}" if kind == "b" else f"W_{kind}{own}"
            cause = f"`{name}` is made of PyTorch's block {letter}."
            yield Edit(f"{name}: block {letter}", {f"{kind}_{own}": f"{kind}_blocks[{n}]"}, cause)
    yield from shared_edits("other_cuts_from_torch")


CODE = {
    "lstm_step": {"edits": [*step_edits(), *shared_edits("returns_of_a_step")]},
    "lstm": {"edits": [*loop_edits("hc"), *step_edits()]},
    "from_torch_weights": {"edits": [*_torch_edits()]},
    "MyLSTM": {"judge": judge},
    "lstm_test": {"judge": exposure.judge_lstm},
}
