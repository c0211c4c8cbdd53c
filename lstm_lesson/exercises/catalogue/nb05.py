"""What is computed in the exercises of notebook 05: inputs, the mistakes of a gate, and what judges the others."""

from lstm_lesson.exercises import exposure
from lstm_lesson.exercises.catalogue.forward_steps import affine_edits
from lstm_lesson.exercises.designs import one_part


def _half_life_inputs(draw):
    shape = ("B H", "B T H", "H", "")[draw.index % 4]
    f = draw(shape, 6).sigmoid() if draw.reach else draw.uniform(0.02, 0.999, shape)
    draw.letters_used.clear()  # f may have any shape
    return {"f": f}


CODE = {
    "forget_gate": {"edits": [*affine_edits("f")]},
    "half_life": {"inputs": _half_life_inputs},
    "forget_weights": {"judge": one_part("f")},
    "forget_text": {"judge": exposure.judge_text},
}
