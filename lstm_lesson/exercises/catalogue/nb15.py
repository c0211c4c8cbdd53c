"""What is computed in the exercises of notebook 15: mistakes in the order of blocks and results, and in slopes."""

import itertools

from lstm_lesson.exercises.catalogue.forward_steps import WORDS
from lstm_lesson.exercises.exercise import shared_edits
from lstm_lesson.exercises.model import Edit


def _fused_edits():
    for k in "ifo":
        inverted = f"Your {WORDS[k]} is 1 minus the right one: open where it should be shut. Look for a sign."
        yield Edit(f"1 − {k}", {f"{k}_t": f"1 - sigmoid(z_{k})"}, inverted)
    for first in map("".join, itertools.permutations("ifo")):
        results = ", ".join(f"{k}_t" for k in first) + ", g_t"
        wrong = "The right tensors, in another order: expected i_t, f_t, g_t, o_t."
        yield Edit(f"returned {first}g", {"return": results}, wrong)
    for found in map("".join, itertools.permutations("ifco")):
        if found != "ifco":
            changes = {f"z_{k}": f"blocks[{found.index(k)}]" for k in "ifco"}
            right = "The weights stand in the order i, f, c, o, the results in the order i, f, g, o."
            yield Edit(f"blocks {found}", changes, f"The blocks are read in the order {', '.join(found)}. {right}")


def _slope_edits():
    for k, dy, made in (("i", "g", "i"), ("f", "c_prev", "f"), ("o", "shown", "o")):
        words = {"dz": f"into_{made}", "dy": dy, "y": made, "at": f" in the block of the {WORDS[k]}"}
        yield from shared_edits("slope_of_sigmoid", k=k, **words)
    at = " in the block of the candidate"
    yield from shared_edits("slope_of_tanh", k="g", dz="into_g", dy="i", y="g", at=at)
    yield from shared_edits("slope_of_tanh", k="c", dz="into_c", dy="o", y="shown", at=" in `into_c`")


CODE = {"fused_gates": {"edits": [*_fused_edits()]}, "local_gradients": {"edits": [*_slope_edits()]}}
